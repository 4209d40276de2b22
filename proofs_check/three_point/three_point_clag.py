"""CLAG as a three-point map: EF21's map where x moved far, h where the lazy rule keeps it; 1 - delta = w^2.

Setting: C contractive with delta; CLAG sends h + C(x - h) where ||x - h||^2 > zeta ||x - y||^2, and keeps h
    elsewhere.
Symbols: w: sqrt(1 - delta); zeta: the trigger of the lazy rule; B: the larger of w^2/(1 - w) and zeta, or more; h:
    the message before; y: the point of h; c: C(x - h)
Guarantee: in both cases the new error is at most (1 - A)||h - y||^2 + B||x - y||^2, A = 1 - w.
Proof:
    Two cases, two parts. Where something is sent the map is EF21's: `ball` with 1 and the square of
    three_point.ef21 give w||h - y||^2 + w^2/(1 - w)||x - y||^2, and B >= w^2/(1 - w) times ||x - y||^2 makes up the
    difference. Where nothing is sent the error stays x - h, and the rule itself bounds it: ||x - h||^2 <= zeta||x -
    y||^2 <= B||x - y||^2. In that part y is moved to 0, which loses nothing as only differences occur, so that
    `lazy` has the form of a contraction of x with 1 - delta = zeta. There w||h - y||^2 is not used at all and stays
    as a term. Hence one pair (A, B) for both branches.
Tight: upper: the control with 9/10 of B is refuted on EF21's worst case, half of B on the kept one.
Source: Richtárik, Sokolov, Fatkhullin, Gasanov, Li and Gorbunov 2022.
"""

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
