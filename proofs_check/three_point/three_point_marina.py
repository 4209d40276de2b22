"""MARINA's map on one worker: x with probability p, else h + C(x - y): A = p, B = (1-p) omega."""

from fractions import Fraction as F

from compth.calculus import marina_joint
from proofs_check._models import model
from proofs_check._script import Part, Script, step, symbols, text

om, p = symbols("om p")
A, B = (text(c) for c in marina_joint(om, p))
STATEMENT = {
    "name": "three_point.marina",
    "title": "Q = C(x - y), Y the error: 0 with probability p, else h + Q - x; the coin knows nothing of Q",
    "params": "om p",
    "domain": ["om >= 0", "p > 0", "p <= 1"],
    "vectors": [
        "common x",
        "common h",
        "common y",
        "common Q ~ x - y @ 0",
        "common Y ~ (1 - p)*(h + Q - x) @ 1",
    ],
    "given": {"var": "variance(Q, om)", "coin": "mixture(Y, p, 0*x, h + Q - x)"},
    "claim": [f"sq(Y) <= (1 - {A})*sq(h - y) + {B}*sq(x - y)"],
}
[CLAIM] = STATEMENT["claim"]
COIN = model(
    {"om": 1, "p": F(1, 2)},
    {"x": [3], "h": [2], "y": [1], "Q": [[[4]], [[4]], [[0]], [[0]]], "Y": [[[0]], [[3]], [[0]], [[-1]]]},
    prob=[F(1, 4)] * 4,
    cells=[[[0, 1], [2, 3]]],
)
SCRIPT = Script(
    "three_point.marina",
    "MARINA's three-point inequality: A = p, B = (1-p) omega",
    [
        Part(
            STATEMENT,
            [step(CLAIM, {"coin": "1", "var": "1 - p"})],
            COIN,
            [
                ({"claim": [CLAIM.replace(f"+ {B}*", f"+ 9/10*{B}*")]}, COIN),
                ({"claim": [CLAIM.replace(f"(1 - {A})*", f"(1 - {A})**2*")]}, COIN),
                ({"claim": [CLAIM.replace(f"+ {B}*", f"+ (1 - p)*{B}*")]}, COIN),
                ({"given": {"var": None}}, {**COIN, "params": {"om": "1/2", "p": "1/2"}}),
            ],
        )
    ],
)
