"""A contraction that projects, <C(x), x - C(x)> = 0 (kept entries, leading triplets): B1(delta, 1), B2(delta, 1).

Setting: C(x) and x - C(x) are orthogonal (in the mean), as for every selection of entries and every projection; C
    contractive with delta.
Symbols: c: C(x)
Guarantee: C is in B1(delta, 1) and in B2(delta, 1).
Proof:
    Orthogonality, `part`, says <c, x - c> = 0, so <c, x> = ||c||^2: the upper bound of both classes with beta = 1,
    and an equality (its multiplier -1 is allowed for that reason). Pythagoras then gives ||x||^2 = ||c||^2 + ||x -
    c||^2, which is `part` with 2 beside `ball`: ||c||^2 >= ||x||^2 - (1 - delta)||x||^2 = delta||x||^2. For B2 the
    lower bound is on <c, x> instead of ||c||^2, which is the same number, and one multiple of `part` less is
    needed. Compare calculus.classes, where an arbitrary contraction only gives delta^2/4 and beta = 2: a projection
    loses none of this.
Tight: tight whenever delta is.
Source: Beznosikov, Horváth, Richtárik and Safaryan 2023.
"""

from fractions import Fraction as F

import compth as ct
from compth.claims import B1, B2
from proofs_check._models import model
from proofs_check._script import Part, Script, step, symbols, text

d, de = symbols("d de")
FIRST, SECOND = (next(c for c in ct.BiasedSparsification(de).claims(d) if isinstance(c, k)) for k in (B1, B2))
ALPHA, BETA, GAMMA, SAME = (text(v) for v in (FIRST.alpha, FIRST.beta, SECOND.gamma, SECOND.beta))

STATEMENT = {
    "name": "classes.selection",
    "title": "c = C(x) and x - c are orthogonal in expectation",
    "params": "de",
    "domain": ["de > 0", "de <= 1"],
    "vectors": ["family x", "family c @ 1"],
    "given": {"ball": "contraction(c, x, de)", "part": "zero(c, x - c)"},
    "claim": [
        f"{ALPHA}*sq(x) <= sq(c)",
        f"sq(c) <= {BETA}*dot(c, x)",
        f"{GAMMA}*sq(x) <= dot(c, x)",
        f"sq(c) <= {SAME}*dot(c, x)",
    ],
}
LOWER, UPPER, ALONG, TOO = STATEMENT["claim"]


def at(c, x, **params):
    return model(params, {"x": x, "c": c}, dim=len(x))


TOP = at([1, 0], [1, 1], de=F(1, 2))
HALF = at([F(3, 4), 0], [F(3, 4), F(1, 2)], de=F(1, 2))
SHORT = at([F(1, 2), 0], [1, 0], de=F(3, 4))  # half of x is no part of it
LONG = at([F(3, 2), 0], [1, 0], de=F(3, 4))
SCRIPT = Script(
    "classes.selection",
    "projections: B1(delta, 1) and B2(delta, 1)",
    [
        Part(
            STATEMENT,
            [
                step(LOWER, {"ball": "1", "part": "2"}),
                step(UPPER, {"part": "-1"}),
                step(ALONG, {"ball": "1", "part": "1"}),
                step(TOO, {"part": "-1"}),
            ],
            HALF,
            [
                ({"claim": [LOWER.replace(ALPHA, f"11/10*{ALPHA}"), UPPER, ALONG, TOO]}, TOP),
                ({"claim": [LOWER, UPPER.replace(BETA, "9/10"), ALONG, TOO]}, TOP),
                ({"claim": [LOWER, UPPER, ALONG.replace(GAMMA, f"11/10*{GAMMA}"), TOO]}, TOP),
                ({"given": {"part": None}}, SHORT),
                ({"given": {"part": None}}, LONG),
                ({"given": {"ball": None}}, at([1, 0], [1, 3], de=F(1, 2))),
            ],
        )
    ],
)
