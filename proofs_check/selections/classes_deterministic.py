"""A deterministic contraction is all bias: C(eta, 0) with eta = sqrt(1 - delta); 1 - delta = w^2."""

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
