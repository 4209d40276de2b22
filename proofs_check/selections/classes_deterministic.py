"""A deterministic contraction is all bias: C(eta, 0) with eta = sqrt(1 - delta); 1 - delta = w^2.

Setting: a deterministic contraction, c = C(x), with 1 - delta = w^2.
Symbols: w: sqrt(1 - delta); c: C(x), its own mean
Guarantee: relative bias eta = sqrt(1 - delta) and no variance.
Proof:
    There is no draw, so the mean of C(x) is C(x). The bias is then the whole error, and `ball`, ||C(x) - x||^2 <=
    (1 - delta)||x||^2, is the claim eta^2||x||^2 with eta = w. That eta is the root of 1 - delta and not 1 - delta
    is the only thing to watch: the bias is a length, the contraction speaks of squares; w is taken as the parameter
    so that no root has to be written. The variance is ||c - c||^2 = 0, an identity that needs no hypothesis. The
    statement is about Top-K, scaled signs and low rank maps, whose delta other scripts prove.
Tight: tight whenever delta is: the claim is the hypothesis.
Source: Condat, Yi and Richtárik 2022.
"""

from fractions import Fraction as F

from compth.calculus import bias_variance_of_deterministic
from proofs_check._models import model
from proofs_check._script import Part, Script, step, symbols, text

(w,) = symbols("w")
ETA, OMEGA = (text(v) for v in bias_variance_of_deterministic(1 - w**2))

STATEMENT = {
    "name": "classes.deterministic",
    "title": "c = C(x) is its own mean: it is known when x is",
    "params": "w",
    "domain": ["w >= 0", "w < 1"],
    "vectors": ["family x", "family c"],
    "given": {"ball": "contraction(c, x, 1 - w**2)"},
    "claim": [f"sq(c - x) <= {ETA}**2*sq(x)", f"sq(c - c) <= {OMEGA}*sq(x)"],
}
BIAS, VARIANCE = STATEMENT["claim"]


def at(c, x, w):
    return model({"w": w}, {"x": x, "c": c}, dim=len(x))


FLAT = at([1, 0, 0, 0], [1, 1, 1, 1], F(9, 10))
EDGE = at([3, 0], [3, 4], F(4, 5))
SCRIPT = Script(
    "classes.deterministic",
    "deterministic contractions: eta = sqrt(1 - delta), no variance",
    [
        Part(
            STATEMENT,
            [step(BIAS, {"ball": "1"}), step(VARIANCE)],
            FLAT,
            [
                ({"claim": [BIAS.replace(f"{ETA}**2", f"{ETA}**3"), VARIANCE]}, EDGE),
                ({"claim": [BIAS.replace("<= ", "<= 9/10*"), VARIANCE]}, EDGE),
                ({"claim": [BIAS, VARIANCE.replace(OMEGA, f"({OMEGA} - 1/10)")]}, EDGE),
                ({"given": {"ball": None}}, at([9, 0], [3, 4], F(4, 5))),
            ],
        )
    ],
)
