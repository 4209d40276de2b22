"""What each axiom of the kernel means, for readers: no part of soundness."""

from __future__ import annotations

# In the order of the table of axioms; a test holds that each axiom has its line here.
MEANING: dict[str, str] = {
    "variance": "Q = C(v), C unbiased with omega",
    "independent": "n workers draw independently",
    "joint": "the messages have the joint variance (A, B)",
    "mixture": "Y is one vector with probability p, else another",
    "contraction": "c = C(v), C contractive with delta",
    "bias": "c is the mean of C(v), the bias at most eta",
    "spread": "Q = C(v), variance omega |v|^2",
    "mean_spread": "the average of Q_i = C_i(v_i): variance",
    "b1_lower": "c = C(x), C biased of class B1",
    "b2_lower": "c = C(x), C biased of class B2",
    "b_upper": "c = C(x), C biased of class B1 or B2",
    "strongly_convex": "f mu-strongly (quasi-)convex",
    "cocoercive": "f convex and L-smooth",
    "sector": "f mu-strongly convex and L-smooth, at two points",
    "coercive": "f mu-strongly convex and L-smooth",
    "descent": "f L-smooth",
    "polyak": "f satisfies the Polyak-Lojasiewicz inequality",
    "lipschitz": "the gradients are Lipschitz, jointly over the workers",
    "least": "fs is the least value of f",
    "floor": "s, a number of the state, is never below a",
    "growth": "the unified theory's assumption on the size of the estimate",
    "quadratic": "f quadratic; r = root of its Hessian * d",
    "loewner": "E[B'B] <= t W as forms at u: v = B u, w = W u",
    "noise": "the variance of Q in the norm of R'R is at most s",
    "dissimilar": "mean |grad f_i - grad f|^2 <= z",
    "zero": "the first of these vectors is zero",
    "order": "assumed of these numbers",
}
