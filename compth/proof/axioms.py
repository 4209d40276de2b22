"""The axioms of the proof kernel, a table: hypotheses of statements are instances of these schemas, nothing else.

Each is held against random quadratics and compressors in the test-suite.
"""

from __future__ import annotations

# The axioms: name -> (arguments, relation, what it means). `mean(Q)` exists only for a declared draw.
SCHEMAS: dict[str, tuple[str, str, str]] = {
    "variance": ("Q omega", "sq(Q - mean(Q)) <= omega*sq(mean(Q))", "Q = C(v), C unbiased with omega"),
    "independent": ("Q n", "n*sq(P(Q - mean(Q))) == sq(Q - mean(Q))", "n workers draw independently"),
    "joint": ("Q A B", "sq(P(Q - mean(Q))) <= A*sq(mean(Q)) - B*sq(P(mean(Q)))", "the fleet's AB inequality"),
    "mixture": ("Y p u v", "sq(Y) == p*sq(u) + (1 - p)*sq(v)", "Y = u with probability p, else v"),
    "contraction": ("c v delta", "sq(c - v) <= (1 - delta)*sq(v)", "c = C(v), C contractive with delta"),
    "bias": ("c v eta", "sq(c - v) <= eta**2*sq(v)", "c is the mean of C(v), the bias at most eta"),
    "spread": ("Q v omega", "sq(Q - mean(Q)) <= omega*sq(v)", "Q = C(v), variance omega |v|^2"),
    "mean_spread": (
        "Q v omega",
        "sq(P(Q - mean(Q))) <= omega*sq(v)",
        "the average of Q_i = C_i(v_i): variance",
    ),
    "b1_lower": ("c x alpha", "alpha*sq(x) <= sq(c)", "class B1"),
    "b2_lower": ("c x gamma", "gamma*sq(x) <= dot(c, x)", "class B2"),
    "b_upper": ("c x beta", "sq(c) <= beta*dot(c, x)", "classes B1 and B2"),
    "strongly_convex": (
        "f fs g x xs mu",
        "f + dot(g, xs - x) + mu/2*sq(xs - x) <= fs",
        "f mu-strongly (quasi-)convex, g its gradient at x",
    ),
    "cocoercive": (
        "f fs g gs x xs L",
        "fs + dot(gs, x - xs) + sq(g - gs)/(2*L) <= f",
        "f convex and L-smooth, g and gs its gradients at x and xs",
    ),
    "coercive": (
        "g z mu L",
        "sq(g) + mu*L*sq(z) <= (L + mu)*dot(g, z)",
        "f mu-strongly convex and L-smooth; g, z: differences of gradients and of points",
    ),
    "descent": (
        "fp f g xp x L",
        "fp <= f + dot(g, xp - x) + L/2*sq(xp - x)",
        "f L-smooth, g its gradient at x",
    ),
    "polyak": ("f fs g mu", "2*mu*(f - fs) <= sq(g)", "f satisfies the Polyak-Lojasiewicz inequality"),
    "lipschitz": ("g gs x xs M", "sq(g - gs) <= M*sq(x - xs)", "g, gs the gradients at x, xs: M = L^2"),
    "least": ("f fs", "fs <= f", "fs is the least value of f"),
    "growth": ("a s f fs B C D", "a <= B*s + 2*C*(f - fs) + D", "the unified theory's assumption"),
    "quadratic": ("fp f g d r", "fp == f + dot(g, d) + sq(r)/2", "f quadratic; r = root of its Hessian * d"),
    "loewner": ("v u w t", "sq(v) <= t*dot(u, w)", "E[B'B] <= t W as forms at u: v = B u, w = W u"),
    "noise": ("Q R s", "sq(R(Q - mean(Q))) <= s", "the variance of Q in the norm of R'R is at most s"),
    "dissimilar": ("g z", "sq(g - P(g)) <= z", "mean |grad f_i - grad f|^2 <= z"),
    "zero": ("v u", "dot(v, u) == 0", "v = 0, tested at u"),
    "order": ("a b", "a <= b", "an order between parameters or entries, by definition"),
}
DRAWS = {"variance", "independent", "joint", "mixture", "spread", "mean_spread", "noise"}
FAMILIES = {"independent", "joint"}
SCALAR = {"order"}
