"""CLAG as a three-point map: EF21's map where x moved far, h where the lazy rule keeps it; 1 - delta = w^2."""

from fractions import Fraction as F

from compth.calculus import ef21_theta_beta
from proofs_check._models import model
from proofs_check._script import Part, Script, step, symbols, text

(w,) = symbols("w")
A, B = (text(c) for c in ef21_theta_beta(1 - w**2))
BOUND, CENTRED = (f"(1 - {A})*sq(h{y}) + B*sq(x{y})" for y in (" - y", ""))

MOVED = {
    "name": "three_point.clag.moved",
    "title": "B: the larger of EF21's constant and zeta",
    "params": "w zeta B",
    "domain": ["w >= 0", "w < 1", f"B >= {B}"],
    "vectors": ["common x", "common h", "common y", "family c @ 1"],
    "given": {"ball": "contraction(c, x - h, 1 - w**2)"},
    "claim": [f"sq(h + c - x) <= {BOUND}"],
}
KEPT = {
    **{key: v for key, v in MOVED.items() if key != "title"},
    "name": "three_point.clag.kept",
    "title": "y = 0 (a shift of all): h is kept where ||x - h||^2 <= zeta ||x||^2, so h is a message for x",
    "domain": ["w >= 0", "w < 1", "zeta >= 0", "B >= zeta"],
    "vectors": ["common x", "common h"],
    "given": {"lazy": "contraction(h, x, 1 - zeta)"},
    "claim": [f"sq(h - x) <= {CENTRED}"],
}
[FAR], [NEAR] = MOVED["claim"], KEPT["claim"]
SHIFT = model({"w": F(1, 2), "zeta": 1, "B": F(3, 4)}, {"x": [3], "h": [-1], "y": [1], "c": [2]})
EDGE = model({"w": F(1, 2), "zeta": 1, "B": F(1, 2)}, {"x": [3], "h": [-1], "y": [1], "c": [2]})
LAZY = model({"w": F(1, 2), "zeta": 4, "B": 4}, {"x": [-1], "h": [1]})
SAME = model({"w": F(1, 2), "zeta": 1, "B": 1}, {"x": [-1], "h": [0]})
SCRIPT = Script(
    "three_point.clag",
    "CLAG's three-point inequality: A of EF21, B the larger of EF21's and zeta",
    [
        Part(
            MOVED,
            [
                step(
                    FAR,
                    {"ball": "1", f"B >= {B}": "sq(x - y)"},
                    ["w*(1 - w)*sq(h - y + w/(1 - w)*(x - y))"],
                )
            ],
            SHIFT,
            [
                ({"claim": [FAR.replace("+ B*", "+ 9/10*B*")]}, EDGE),
                ({"domain": MOVED["domain"][:2]}, {**EDGE, "params": {**EDGE["params"], "B": "1/4"}}),
                ({"given": {"ball": None}}, SHIFT | {"vectors": {**SHIFT["vectors"], "c": ["9"]}}),
            ],
        ),
        Part(
            KEPT,
            [step(NEAR, {"lazy": "1", "B >= zeta": "sq(x)"}, ["w*sq(h)"])],
            model({"w": F(1, 2), "zeta": 4, "B": 5}, {"x": [-2], "h": [-1]}),
            [
                ({"claim": [NEAR.replace("+ B*", "+ 1/2*B*")]}, SAME),
                ({"domain": KEPT["domain"][:3]}, {**SAME, "params": {**SAME["params"], "B": "1/4"}}),
                ({"given": {"lazy": None}}, LAZY | {"params": {"w": "1/2", "zeta": "1", "B": "1"}}),
            ],
        ),
    ],
)
