"""An unbiased compressor after a contractive one, divided by 1 + omega, is contractive with delta/(1 + omega).

Setting: c = C(x) contractive with delta, Q = C2(c) unbiased given c with variance omega.
Symbols: c: C(x), contractive; Q: C2(c), unbiased given c
Guarantee: C2(C(x))/(1 + omega) is contractive with delta/(1 + omega).
Proof:
    Given c, Q has mean c and E||Q||^2 <= (1 + omega)||c||^2. So E||Q/(1 + omega) - x||^2 is at most ||c||^2/(1 +
    omega) - 2<c, x>/(1 + omega) + ||x||^2: the factor 1/(1 + omega) is the one at which square and cross term get
    the same coefficient. With it the first two are ||c - x||^2 - ||x||^2 over 1 + omega, and `ball` with just this
    multiplier bounds ||c - x||^2 by (1 - delta)||x||^2. `var` has 1/(1 + omega)^2, the square of the scaling.
    Nothing is left over. Unlike a composition of unbiased maps the order matters: the contraction has to come
    first, since `ball` says nothing of a random input's mean.
Tight: tight where both constants are attained together: no square is given away.
Source: ours; the scaling is that of Horváth and Richtárik 2021.
"""

from fractions import Fraction as F

from compth.calculus import composed_delta
from proofs_check._models import model
from proofs_check._script import Part, Script, step, symbols, text

de, om = symbols("de om")
DELTA = text(composed_delta(de, om))
STATEMENT = {
    "name": "calculus.composed_delta",
    "title": "c = C(x) contractive, Q = C2(c) unbiased given c",
    "params": "de om",
    "domain": ["de > 0", "de <= 1", "om >= 0"],
    "vectors": ["family x", "family c @ 1", "family Q ~ c @ 1"],
    "given": {"ball": "contraction(c, x, de)", "var": "variance(Q, om)"},
    "claim": [f"sq(Q/(1 + om) - x) <= (1 - {DELTA})*sq(x)"],
}
[CLAIM] = STATEMENT["claim"]
TOP = model(
    {"de": F(1, 2), "om": 1},
    {"x": [1, 1], "c": [1, 0], "Q": [[[2, 0]], [[0, 0]]]},
    prob=[F(1, 2)] * 2,
    dim=2,
    cells=[[[0, 1]]],
)
# the orders exchanged: Top-1 of an unbiased message prefers what its noise made large
EXCHANGED = {
    "vectors": ["family x", "family c ~ x @ 0", "family Q @ 2"],
    "given": {"ball": "contraction(Q, c, de)", "var": "variance(c, om)"},
}
RARE, LARGE, SMALL = F(1, 40), F(10), F(15, 19)  # mean 1 in both entries
PICKED = model(
    {"de": F(1, 2), "om": RARE * LARGE**2 + (1 - 2 * RARE) * SMALL**2 - 1},
    {
        "x": [1, 1],
        "c": [[[LARGE, 0]], [[0, LARGE]], [[SMALL, SMALL]]],
        "Q": [[[LARGE, 0]], [[0, LARGE]], [[SMALL, 0]]],
    },
    prob=[RARE, RARE, 1 - 2 * RARE],
    dim=2,
)
SCRIPT = Script(
    "calculus.composed_delta",
    "unbiased after contractive: delta/(1 + omega)",
    [
        Part(
            STATEMENT,
            [step(CLAIM, {"ball": "1/(1 + om)", "var": "1/(1 + om)**2"})],
            TOP,
            [
                ({"claim": [CLAIM.replace(DELTA, f"11/10*{DELTA}")]}, TOP),
                ({"claim": [CLAIM.replace("Q/(1 + om)", "Q")]}, TOP),
                ({"claim": [CLAIM.replace(DELTA, "de")]}, TOP),
                (EXCHANGED, PICKED),
            ],
        )
    ],
)
