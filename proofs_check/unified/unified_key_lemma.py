"""The unified theory's key lemma: one step under the assumption on E||g||^2 and E sigma+^2.

Setting: f is mu-strongly quasi-convex; the direction G obeys E||G||^2 <= 2A(f - f*) + B s + D1 and the memory E s+
    <= (1 - rho) s + 2C(f - f*) + D2.
Symbols: A, B, C, D1, D2: constants of the assumption; rho: how fast the memory forgets; M: weight of the memory
    over gamma^2; s: the memory, sigma^2; sp: the memory after the step; G: the direction, of mean g
Guarantee: E V+ + 2 gamma (1 - gamma (A + C M))(f - f*) <= (1 - gamma mu)||x - x*||^2 + ((1 - rho) M + B) gamma^2 s
    + gamma^2 (D1 + M D2), V = ||x - x*||^2 + M gamma^2 s.
Proof:
    Expand ||x - gamma G - x*||^2: the cross term has the mean -2 gamma <g, x - x*>, the square is gamma^2 E||G||^2.
    `convex` with 2 gamma bounds the cross term by -gamma mu ||x - x*||^2 - 2 gamma (f - f*). `first` with gamma^2
    bounds the square, `second` with M gamma^2 the memory's next value, which are just the weights that square and
    memory have in V. Collecting f - f* gives 2 gamma - 2 gamma^2 A - 2 gamma^2 C M, and collecting s gives (1 -
    rho) M + B. Nothing is estimated beyond the three hypotheses, so that no term is left over: the lemma is the sum
    of the assumption's two lines and strong quasi-convexity, and no sign of gamma (A + C M) - 1 is needed yet.
Tight: upper: an identity once the three hypotheses are equalities.
Source: Gorbunov, Hanzely and Richtárik 2020, the lemma behind Theorem 4.1.
"""

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
