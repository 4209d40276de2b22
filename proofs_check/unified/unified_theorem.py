"""The unified theory's theorem: V = ||x - x*||^2 + M gamma^2 sigma^2 contracts up to its noise, over the whole run.

A row of the table is this theorem once the assumption holds for its gradients: that is the row's own lemma.

Setting: the assumption of unified.key_lemma with B, D1, D2 >= 0 and 0 < rho <= 1; gamma (A + C M) <= 1, M > 0; the
    second part is a method without memory, gamma A <= 1, A >= mu.
Symbols: A, B, C, D1, D2: constants of the assumption; rho: how fast the memory forgets; M: weight of the memory
    over gamma^2; R: the rate, at least its two members; s: the memory, sigma^2; sp: the memory after the step; G:
    the direction, of mean g
Guarantee: V = ||x - x*||^2 + M gamma^2 s shrinks by the factor R = max{1 - gamma mu, 1 - rho + B/M} in the mean, up
    to gamma^2 (D1 + M D2).
Proof:
    The key lemma's three multipliers come back, `convex` 2 gamma, `first` gamma^2, `second` M gamma^2. What the
    lemma keeps on the left, 2 gamma (1 - gamma (A + C M))(f - f*), is nonnegative in the range of gamma, and
    `least` with that multiplier drops it. On the right distance and memory have the factors 1 - gamma mu and 1 -
    rho + B/M of their weights in V; R is at least both, and the two differences are the terms, for which s >= 0 is
    needed (`memory`). R >= 0, which a whole run asks for, follows from rho <= 1. Without a memory `first` alone
    remains, and 1 - gamma mu >= 0 has to come from gamma A <= 1 with A >= mu.
Tight: upper: controls show that both members of R and the range of gamma are needed.
Source: Gorbunov, Hanzely and Richtárik 2020, Theorem 4.1.
"""

from fractions import Fraction as F

from compth.methods.core.unified import Parameters
from proofs_check._blocks import over_run, without
from proofs_check._script import Part, Script, members, step, text
from proofs_check.unified import unified_key_lemma as lemma
from proofs_check.unified.unified_key_lemma import D1, NEXT, NOISE, SLOPE, UNIFIED, A, M, at, ga, mu

SLOW, LEARN = (f"R >= {m}" for m in sorted(members(UNIFIED.rate(ga, mu, M)), key=lambda m: "rho" in m))
SMALL = f"ga*{SLOPE} <= 1"
STATEMENT = {
    **lemma.STATEMENT,
    "name": "unified.theorem",
    "params": "A B rho C D1 D2 mu ga M R",
    "domain": ["M > 0", "B >= 0", "D1 >= 0", "D2 >= 0", "rho <= 1", "ga > 0", SMALL, SLOW, LEARN],
    "given": {
        **lemma.STATEMENT["given"],
        "least": "least(f, fs)",
        "memory": "floor(s, 0)",  # sigma^2 >= 0, and at the next step
        "later": "floor(sp, 0)",
    },
    "claim": [f"{NEXT} <= R*(sq(x - xs) + M*ga**2*s) + {NOISE}"],
    "run": over_run("sq(x - xs) + M*ga**2*s", {"x": "x - ga*G", "s": "sp"}, "R", "xs", noise=NOISE),
}
CLAIM = STATEMENT["claim"][0]
STEPS = [
    step("1 - rho >= 0", {"rho <= 1": "1"}),
    step("R >= 0", {LEARN: "1"}, ["(1 - rho) + B/M"]),
    step("s >= 0", {"memory": "1"}),
    step(
        CLAIM,
        {"convex": "2*ga", "first": "ga**2", "second": "M*ga**2", "least": f"2*ga*(1 - ga*{SLOPE})"},
        [
            f"(R - {SLOW.removeprefix('R >= ')})*sq(x - xs)",
            f"(R - {LEARN.removeprefix('R >= ')})*M*ga**2*s",
        ],
    ),
]

# B = 0: no memory, M = 0
PLAIN = Parameters(A, 0, D1=D1)
SHORT, RATE, ADDED = (
    f"ga*{text(1 / PLAIN.largest_step(0))} <= 1",
    text(PLAIN.rate(ga, mu, 0)),
    PLAIN.noise(ga, 0),
)
BARE = {
    "name": "unified.theorem.bare",
    "params": "A D1 mu ga",
    "domain": ["D1 >= 0", "A >= mu", "ga > 0", SHORT],
    "vectors": STATEMENT["vectors"],
    "values": "f fs",
    "given": {
        "convex": STATEMENT["given"]["convex"],
        "first": "growth(sq(G), 0, f, fs, 0, A, D1)",
        "least": "least(f, fs)",
    },
    "claim": [f"sq(x - ga*G - xs) <= {RATE}*sq(x - xs) + {text(ADDED)}"],
    "run": over_run("sq(x - xs)", {"x": "x - ga*G"}, RATE, "xs", noise=text(ADDED)),
}
BARE_CLAIM = BARE["claim"][0]
BARE_STEPS = [
    step(f"{RATE} >= 0", {SHORT: "1", "A >= mu": "ga"}),
    step(BARE_CLAIM, {"convex": "2*ga", "first": "ga**2", "least": "2*ga*(1 - ga*A)"}),
]


def bare(*arguments, **params):
    """The model without its memory: E G^2 = 2A (f - f*) + D1 at A = 2, D1 = 3 by default."""
    found = at(*arguments, **{"D1": 3, "ga": F(1, 2), **params})
    found["params"] = {k: v for k, v in found["params"].items() if k in ("A", "D1", "mu", "ga")}
    found["values"] = {k: v for k, v in found["values"].items() if k in ("f", "fs")}
    return found


RATES = {"R": F(3, 4)}
SCRIPT = Script(
    "unified.theorem",
    "The unified theory of SGD: its theorem",
    [
        Part(
            STATEMENT,
            STEPS,
            at([4, 0], s=3, sp=2, curvature=2, ga=F(1, 5), R=F(9, 10)),
            [
                ({"claim": [CLAIM.replace("<= R*", "<= (99/100)*R*")]}, at(**RATES)),
                ({"claim": [CLAIM.replace(NOISE, "D1*ga**2")]}, at(**RATES)),
                (without(STATEMENT, SMALL), at(ga=1, **RATES)),
                (without(STATEMENT, SLOW), at(ga=F(1, 8), **RATES)),
                (
                    without(STATEMENT, LEARN),
                    at([7, -5], s=33, sp=18, M=3, **RATES),
                ),
                ({"given": {"second": None}}, at(sp=3, **RATES)),
            ],
        ),
        Part(
            BARE,
            BARE_STEPS,
            bare([4, 0], curvature=2, ga=F(1, 4), D1=5),
            [
                ({"claim": [BARE_CLAIM.replace(text(ADDED), f"{text(ADDED)}/2")]}, bare()),
                ({"claim": [BARE_CLAIM.replace(RATE, f"{RATE}**2")]}, bare()),
                (without(BARE, SHORT), bare(ga=2)),
                ({"given": {"first": None}}, bare([5, -3])),
            ],
        ),
    ],
)
