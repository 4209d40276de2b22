"""Induced compressor C1(x) + C2(x - C1(x)): unbiased with omega2 (1 - delta1), for a random C1 as well.

Setting: C1 contractive with delta, C2 unbiased with variance omega, drawn after C1; the induced compressor is c +
    C2(x - c) with c = C1(x).
Symbols: c: C1(x), contractive; Q: C2(x - c), unbiased; y: any vector
Guarantee: the induced compressor is unbiased with variance omega (1 - delta).
Proof:
    c + Q - x is Q - (x - c), the error of C2 at the input x - c. `second` with 1 bounds it by omega||x - c||^2, and
    ||x - c||^2 is C1's error, (1 - delta)||x||^2 by `first`, whose multiplier is omega because the first bound has
    multiplied it so. The mean of c + Q given c is x, whatever C1's bias is: that is the trick of the construction,
    and why C1 need not be unbiased. Second moment: ||x||^2 + omega (1 - delta)||x||^2 is written delta + (1 -
    delta)(1 + omega) in the second part, a mixture of sending exactly and compressing. No square is given away in
    either part.
Tight: tight where C2 attains omega at the residual that is worst for C1.
Source: Horváth and Richtárik 2021.
"""

from compth.calculus import induced_omega, induced_second_moment, second_moment
from proofs_check._models import model
from proofs_check._script import Part, Script, step, symbols, text

de, om = symbols("de om")
OMEGA = text(induced_omega(de, om))
ZETA = text(induced_second_moment(de, second_moment(om)))

STATEMENT = {
    "name": "calculus.induced",
    "params": "de om",
    "domain": ["de > 0", "de <= 1", "om >= 0"],
    "vectors": ["family x", "family y", "family c @ 1", "family Q ~ x - c @ 1"],
    "given": {"first": "contraction(c, x, de)", "second": "variance(Q, om)"},
    "claim": [f"sq(c + Q - x) <= {OMEGA}*sq(x)", "dot(c + Q, y) == dot(x, y)"],
}
UNBIASED = STATEMENT["claim"][1]
MOMENT = {
    **STATEMENT,
    "name": "calculus.induced.second_moment",
    "vectors": [v for v in STATEMENT["vectors"] if v != "family y"],
    "claim": [f"sq(c + Q) <= {ZETA}*sq(x)"],
}
[SECOND] = MOMENT["claim"]
# Top-1 keeps the first of two equal entries; the rest is sent with probability 1/2: delta = 1/2, omega = 1
TOP = model(
    {"de": "1/2", "om": 1},
    {"x": [1, 1], "y": [1, 2], "c": [1, 0], "Q": [[[0, 2]], [[0, 0]]]},
    prob=["1/2", "1/2"],
    dim=2,
    cells=[[[0, 1]]],
)
ALONE = TOP | {"vectors": {k: v for k, v in TOP["vectors"].items() if k != "y"}}
SCRIPT = Script(
    "calculus.induced",
    "induced compressor",
    [
        Part(
            STATEMENT,
            [step(STATEMENT["claim"][0], {"first": "om", "second": "1"}), step(UNBIASED)],
            TOP,
            [
                ({"claim": ["sq(c + Q - x) <= om*(1 - de)**2*sq(x)", UNBIASED]}, TOP),
                ({"claim": [f"sq(c + Q - x) <= ({OMEGA} - om*de/10)*sq(x)", UNBIASED]}, TOP),
                ({"given": {"first": None}}, TOP | {"params": {"de": "9/10", "om": "1"}}),
                ({"claim": [STATEMENT["claim"][0], "dot(Q, y) == dot(x, y)"]}, TOP),
            ],
        ),
        Part(
            MOMENT,
            [step(SECOND, {"first": "om", "second": "1"})],
            ALONE,
            [
                ({"claim": [SECOND.replace(ZETA, "((1 + om)*(1 - de))")]}, ALONE),
                ({"claim": [SECOND.replace(ZETA, f"9/10*{ZETA}")]}, ALONE),
                ({"given": {"first": None}}, ALONE | {"params": {"de": "9/10", "om": "1"}}),
            ],
        ),
    ],
)
