"""EF-BV's class C(eta, omega): its scaling, the contraction factor r of lambda C, and the best lambda.

Setting: a compressor of relative bias eta and variance omega, scaled by lambda in [0, 1].
Symbols: la: lambda; star: lambda*, the best scaling; v: what is compressed; c: the mean of Q
Guarantee: lambda C has bias 1 - lambda + lambda eta, variance lambda^2 omega and r = (1 - lambda + lambda eta)^2 +
    lambda^2 omega, least at lambda* = min{1, (1 - eta)/((1 - eta)^2 + omega)}.
Proof:
    The bias of lambda C is lambda c - v = -(1 - lambda) v + lambda (c - v), of length at most (1 - lambda + lambda
    eta)||v||. As squares: the cross term 2 lambda (1 - lambda)<v, v - c> is at most lambda (1 - lambda)(eta||v||^2
    + ||v - c||^2/eta), whence lambda (1 - lambda)/eta beside lambda^2 in the multiplier of `bias`, and one square.
    The noise is `var` with lambda^2; mean and noise are orthogonal, so r is the sum. As a function of lambda, r is
    a parabola with leading coefficient (1 - eta)^2 + omega: its value less that at the vertex is that coefficient
    times (lambda - lambda*)^2. Where the vertex is beyond 1, r falls up to 1: the third part writes r(lambda) -
    r(1) by (1 - lambda) and (1 - lambda)^2 with nonnegative coefficients.
Tight: tight: r is the sum of bias and variance, each attained where C attains its own.
Source: Condat, Yi and Richtárik 2022.
"""

from fractions import Fraction as F

from compth.calculus import bias_variance_scaled, ef_bv_contraction, ef_bv_scaling
from proofs_check._blocks import without
from proofs_check._models import model
from proofs_check._script import Part, Script, members, step, symbols, text

eta, om, la = symbols("eta om la")
R = text(ef_bv_contraction(eta, om, la))
BIAS, VARIANCE = (text(c) for c in bias_variance_scaled(eta, om, la))
[STAR] = [m for m in members(ef_bv_scaling(eta, om)) if m != "(1)"]
BEST, END = (text(ef_bv_contraction(eta, om, v)) for v in (symbols("star")[0], 1))
DENOMINATOR = "((1 - eta)**2 + om)"

SCALED = {
    "name": "calculus.ef_bv.scaled",
    "title": "c the mean of Q = C(v)",
    "params": "eta om la",
    "domain": ["eta > 0", "om >= 0", "la >= 0", "la <= 1"],
    "vectors": ["family v", "family c", "family Q ~ c @ 0"],
    "given": {"bias": "bias(c, v, eta)", "var": "spread(Q, v, om)"},
    "claim": [
        f"sq(la*c - v) <= {BIAS}**2*sq(v)",
        f"sq(la*Q - la*c) <= {VARIANCE}*sq(v)",
        f"sq(la*Q - v) <= {R}*sq(v)",
    ],
}
INSIDE = {
    "name": "calculus.ef_bv.star",
    "params": "eta om la",
    "domain": ["eta >= 0", "eta < 1", "om >= 0"],
    "let": {"star": STAR},
    "claim": [f"{BEST} <= {R}"],
}
EDGE = {
    "name": "calculus.ef_bv.edge",
    "title": "where the unconstrained minimiser is at least 1, no lambda <= 1 beats 1",
    "params": "eta om la",
    "domain": ["eta >= 0", "eta < 1", "om >= 0", "la <= 1", f"{DENOMINATOR} <= 1 - eta"],
    "claim": [f"{END} <= {R}"],
}
MEAN, NOISE, BOTH = SCALED["claim"]
USE = {"bias": "la**2 + la*(1 - la)/eta"}
SQUARE = ["la*(1 - la)/eta*sq(c - v + eta*v)"]
HALF = model(
    {"eta": F(1, 2), "om": F(1, 4), "la": F(1, 2)},
    {"v": [1], "c": [F(1, 2)], "Q": [[[1]], [[0]]]},
    prob=[F(1, 2)] * 2,
)
AT, LARGE = (
    model({"eta": F(1, 2), "om": 1, "la": F(1, 2)}),
    model({"eta": F(1, 2), "om": F(1, 8), "la": F(1, 2)}),
)
OPT = model({"eta": F(1, 2), "om": 1, "la": F(2, 5)})
SCRIPT = Script(
    "calculus.ef_bv",
    "EF-BV's scaling: r = (1 - lambda + lambda eta)^2 + lambda^2 omega, least at lambda*",
    [
        Part(
            SCALED,
            [
                step(MEAN, USE, SQUARE),
                step(NOISE, {"var": "la**2"}),
                step(BOTH, {MEAN: "1", NOISE: "1"}),
            ],
            HALF,
            [
                ({"claim": [MEAN.replace(BIAS, "(la*eta)"), NOISE, BOTH]}, HALF),
                ({"claim": [MEAN, NOISE.replace(VARIANCE, f"9/10*{VARIANCE}"), BOTH]}, HALF),
                ({"claim": [MEAN, NOISE, BOTH.replace(R, f"9/10*{R}")]}, HALF),
                (
                    {"given": {"bias": None}},
                    HALF | {"params": {**HALF["params"], "eta": "1/4"}},
                ),
            ],
        ),
        Part(
            INSIDE,
            [step(INSIDE["claim"][0], {}, [f"{DENOMINATOR}*(la - star)**2"])],
            AT,
            [
                ({"let": {"star": "1 - eta"}}, OPT),
                ({"let": {"star": f"2*{STAR}"}}, OPT),
                ({"claim": [f"{BEST} <= 9/10*{R}"]}, OPT),
            ],
            "square",
        ),
        Part(
            EDGE,
            [
                step(
                    EDGE["claim"][0],
                    {},
                    [f"2*(1 - la)*(1 - eta - {DENOMINATOR})", f"{DENOMINATOR}*(1 - la)**2"],
                )
            ],
            LARGE,
            [
                ({"domain": EDGE["domain"][:-1]}, OPT),
                (
                    without(EDGE, "la <= 1"),
                    model({"eta": F(1, 2), "om": F(1, 8), "la": F(5, 4)}),
                ),
                ({"claim": [f"2*{END} <= {R}"]}, model({"eta": F(1, 2), "om": F(1, 8), "la": 1})),
            ],
            "products of bounds",
        ),
    ],
)
