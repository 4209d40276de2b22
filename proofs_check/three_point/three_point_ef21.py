"""EF21 as a three-point map: h + C(x - h) with C contractive, 1 - delta = w^2, has the catalogue's (A, B).

Setting: C contractive with delta; the map h -> h + C(x - h) of EF21; y is any point, in the method the one where h
    was made.
Symbols: w: sqrt(1 - delta); h: the message before; y: the point of h; c: C(x - h)
Guarantee: ||h + C(x - h) - x||^2 <= (1 - A)||h - y||^2 + B||x - y||^2 with A = 1 - w and B = w^2/(1 - w).
Proof:
    `ball` says that the new error is at most w^2||x - h||^2. Write x - h = (x - y) - (h - y): Young's inequality
    bounds w^2||a - b||^2 by w||b||^2 + w^2/(1 - w)||a||^2, the parameter being fixed by the wish that ||h - y||^2
    keep the factor w = 1 - A. What it gives away is one square, w (1 - w)||h - y + w/(1 - w)(x - y)||^2, the only
    term. The multiplier of `ball` is 1 because the new error stands in the claim with the factor 1. Other
    parameters of Young's inequality would give other pairs (A, B).
Tight: upper; where the square vanishes, h - y = -w/(1 - w)(x - y), and C is as bad as allowed, it is an equality
    (controls).
Source: Richtárik, Sokolov and Fatkhullin 2021; as a three-point map in Richtárik, Sokolov, Fatkhullin, Gasanov, Li
    and Gorbunov 2022.
"""

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
