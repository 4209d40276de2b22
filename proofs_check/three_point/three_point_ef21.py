"""EF21 as a three-point map: h + C(x - h) with C contractive, 1 - delta = w^2, has the catalogue's (A, B)."""

from fractions import Fraction as F

from compth.calculus import ef21_theta_beta
from proofs_check._models import model
from proofs_check._script import Part, Script, step, symbols, text

(w,) = symbols("w")
A, B = (text(c) for c in ef21_theta_beta(1 - w**2))

STATEMENT = {
    "name": "three_point.ef21",
    "params": "w",
    "domain": ["w >= 0", "w < 1"],
    "vectors": ["common x", "common h", "common y", "family c @ 1"],
    "given": {"ball": "contraction(c, x - h, 1 - w**2)"},
    "claim": [f"sq(h + c - x) <= (1 - {A})*sq(h - y) + {B}*sq(x - y)"],
}
[CLAIM] = STATEMENT["claim"]
SHIFT = model({"w": F(1, 2)}, {"x": [3], "h": [-1], "y": [1], "c": [2]})
SCRIPT = Script(
    "three_point.ef21",
    "EF21's three-point inequality: A = 1 - sqrt(1-delta), B = (1-delta)/(1 - sqrt(1-delta))",
    [
        Part(
            STATEMENT,
            [step(CLAIM, {"ball": "1"}, ["w*(1 - w)*sq(h - y + w/(1 - w)*(x - y))"])],
            SHIFT,
            [
                ({"claim": [CLAIM.replace(f"+ {B}*", f"+ 9/10*{B}*")]}, SHIFT),
                ({"claim": [CLAIM.replace(f"(1 - {A})*", f"9/10*(1 - {A})*")]}, SHIFT),
                ({"claim": [CLAIM.replace(f"+ {B}*", "+ w**2*")]}, SHIFT),
                ({"given": {"ball": None}}, SHIFT | {"vectors": {**SHIFT["vectors"], "c": ["9"]}}),
            ],
        )
    ],
)
