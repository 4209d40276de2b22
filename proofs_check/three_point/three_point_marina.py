"""MARINA's map on one worker: x with probability p, else h + C(x - y): A = p, B = (1-p) omega.

Setting: one worker, C unbiased with omega; MARINA's map: x itself with probability p, else h + C(x - y).
Symbols: p: probability that x itself is sent; h: the message before; y: the point of h; Q: C(x - y); Y: the error
    of the new message
Guarantee: E||new message - x||^2 <= (1 - A)||h - y||^2 + B||x - y||^2 with A = p and B = (1 - p) omega.
Proof:
    The error Y is 0 with probability p and h + Q - x otherwise, the coin being independent of Q: `coin` with 1 says
    E||Y||^2 = (1 - p) E||h + Q - x||^2. Q has the mean x - y, so h + Q - x has the mean h - y, and its square
    splits without a cross term into ||h - y||^2 and the variance of Q. `var` with 1 - p, the weight that the coin
    left, bounds the variance by omega||x - y||^2. Nothing is given away: no square and no term is left over, so the
    two constants are what the map's mean square error is as soon as C attains omega.
Tight: upper; where C attains omega both sides are equal (a control refutes 9/10 of B there).
Source: Gorbunov, Burlachenko, Li and Richtárik 2021; as a three-point map in Richtárik, Sokolov, Fatkhullin,
    Gasanov, Li and Gorbunov 2022.
"""

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
