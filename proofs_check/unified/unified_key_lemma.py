"""The unified theory's key lemma: one step under the assumption on E||g||^2 and E sigma+^2."""

from fractions import Fraction as F

from compth.methods.core.unified import Parameters
from proofs_check._models import model
from proofs_check._script import Part, Script, step, symbols, text

A, B, rho, C, D1, D2, mu, ga, M = symbols("A B rho C D1 D2 mu ga M")
UNIFIED = Parameters(A, B, rho, C, D1, D2)
SLOPE, NOISE = text(1 / UNIFIED.largest_step(M)), text(UNIFIED.noise(ga, M))
FIRST, SECOND = "growth(sq(G), s, f, fs, B, A, D1)", "growth(sp, s, f, fs, 1 - rho, C, D2)"
NEXT = "sq(x - ga*G - xs) + M*ga**2*sp"

STATEMENT = {
    "name": "unified.key_lemma",
    "params": "A B rho C D1 D2 mu ga M",
    "domain": ["ga >= 0", "M >= 0"],
    "vectors": ["common x", "common xs", "common g", "common G ~ g @ 0"],
    "values": "f fs s sp",
    "given": {"convex": "strongly_convex(f, fs, g, x, xs, mu)", "first": FIRST, "second": SECOND},
    "claim": [
        f"{NEXT} + 2*ga*(1 - ga*{SLOPE})*(f - fs)"
        f" <= (1 - ga*mu)*sq(x - xs) + (1 - rho)*M*ga**2*s + B*ga**2*s + {NOISE}"
    ],
}
CLAIM = STATEMENT["claim"][0]
STEPS = [step(CLAIM, {"convex": "2*ga", "first": "ga**2", "second": "M*ga**2"})]


def at(gradients=(3, -1), s=1, sp=2, curvature=1, **params):
    """f = lambda x^2/2 with x* = 0 moved to 1, two equally likely gradients of mean lambda (x - x*).

    The defaults turn every inequality into an equality, at gamma = 1/(A + C M) and with equal rates 3/4.
    """
    lam = F(curvature)
    base = {"A": 2, "B": 1, "rho": F(1, 2), "C": F(1, 2), "D1": 2, "D2": 1, "mu": 1, "ga": F(1, 4), "M": 4}
    vectors = {"x": [2], "xs": [1], "g": [lam], "G": [[[F(v)]] for v in gradients]}
    values = {"f": 1 + lam / 2, "fs": 1, "s": s, "sp": sp}
    return model({**base, **params}, vectors, prob=[F(1, 2), F(1, 2)], values=values)


SCRIPT = Script(
    "unified.key_lemma",
    "The unified theory of SGD: the key lemma",
    [
        Part(
            STATEMENT,
            STEPS,
            at([4, 0], s=3, sp=2, curvature=2),
            [
                ({"claim": [CLAIM.replace(NOISE, "D1*ga**2")]}, at()),
                ({"claim": [CLAIM.replace("+ B*ga**2*s", "")]}, at()),
                ({"claim": [CLAIM.replace("(1 - ga*mu)", "(1 - ga*mu)**2")]}, at()),
                ({"claim": [CLAIM.replace("+ 2*ga*", "+ 3*ga*")]}, at(ga=F(1, 8))),
                ({"given": {"second": None}}, at(sp=3)),
                ({"given": {"first": None}}, at([5, -3])),
            ],
        )
    ],
)
