"""The axioms of the proof kernel, a table: hypotheses of statements are instances of these schemas, nothing else.

What each means and where it comes from: `meaning`. Each is held against random quadratics and compressors in the
test-suite. A new axiom needs its line there, its roles in `roles`, its case in `survival` where it speaks of what
moves, and a test that it is true of what it is about: everything proved leans on this table being true.
"""

# name -> (arguments, relation). `mean(Q)` exists only for a declared draw; `order` is about parameters and arrays.
SCHEMAS: dict[str, tuple[str, str]] = {
    # compressors: the noise of one message, and what the noises of n of them do in the average
    "variance": ("Q omega", "sq(Q - mean(Q)) <= omega*sq(mean(Q))"),
    "independent": ("Q n", "n*sq(P(Q - mean(Q))) == sq(Q - mean(Q))"),
    "joint": ("Q A B", "sq(P(Q - mean(Q))) <= A*sq(mean(Q)) - B*sq(P(mean(Q)))"),
    # a coin between two vectors; only its second moment is assumed here, the mean is declared with Y
    "mixture": ("Y p u v", "sq(Y) == p*sq(u) + (1 - p)*sq(v)"),
    # biased compressors, deterministic or in the mean: distance, bias, length and angle
    "contraction": ("c v delta", "sq(c - v) <= (1 - delta)*sq(v)"),
    "bias": ("c v eta", "sq(c - v) <= eta**2*sq(v)"),
    "spread": ("Q v omega", "sq(Q - mean(Q)) <= omega*sq(v)"),
    "mean_spread": ("Q v omega", "sq(P(Q - mean(Q))) <= omega*sq(v)"),
    "b1_lower": ("c x alpha", "alpha*sq(x) <= sq(c)"),
    "b2_lower": ("c x gamma", "gamma*sq(x) <= dot(c, x)"),
    "b_upper": ("c x beta", "sq(c) <= beta*dot(c, x)"),
    # classes of functions: interpolation inequalities between two points, gradients and values at them
    "strongly_convex": ("f fs g x xs mu", "f + dot(g, xs - x) + mu/2*sq(xs - x) <= fs"),
    "cocoercive": ("f fs g gs x xs L", "fs + dot(gs, x - xs) + sq(g - gs)/(2*L) <= f"),
    "sector": ("f h g k x y m L", "h + dot(k, x - y) + m/2*sq(x - y) + sq(g - k - m*(x - y))/2/(L - m) <= f"),
    "coercive": ("g gs x xs mu L", "sq(g - gs) + mu*L*sq(x - xs) <= (L + mu)*dot(g - gs, x - xs)"),
    "descent": ("fp f g xp x L", "fp <= f + dot(g, xp - x) + L/2*sq(xp - x)"),
    "polyak": ("f fs g mu", "2*mu*(f - fs) <= sq(g)"),
    "lipschitz": ("g gs x xs M", "sq(g - gs) <= M*sq(x - xs)"),
    # values and sizes; growth is the assumption of the unified theory, and of expected smoothness
    "least": ("f fs", "fs <= f"),
    "floor": ("s a", "a <= s"),
    "growth": ("a s f fs B C D", "a <= B*s + 2*C*(f - fs) + D"),
    "quadratic": ("fp f g d r", "fp == f + dot(g, d) + sq(r)/2"),
    # matrices and noise in their norms; what vanishes; order of numbers alone
    "loewner": ("v u w t", "sq(v) <= t*dot(u, w)"),
    "noise": ("Q R s", "sq(R(Q - mean(Q))) <= s"),
    "dissimilar": ("g z", "sq(g - P(g)) <= z"),
    "zero": ("v u", "dot(v, u) == 0"),
    "order": ("a b", "a <= b"),
}
