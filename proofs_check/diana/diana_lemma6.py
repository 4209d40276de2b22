"""DIANA's Lemma 6: under steps 2/(mu k + theta) a noisy contraction stays below C/((mu/theta) k + 1): both premises.

Setting: a nonnegative sequence with a_{k+1} <= (1 - mu gamma_k) a_k + gamma_k^2 N and gamma_k = 2/(mu k + theta),
    theta >= 2 mu.
Symbols: a, ap: the sequence at k and at k + 1; C: the constant of the bound; N: the noise over gamma^2; th: theta;
    k: number of the step, a real number >= 0
Guarantee: a_k <= C/((mu/theta) k + 1) for all k, with C = max{a_0, 4 N/(mu theta)}.
Proof:
    Let u = mu k + theta, so that gamma = 2/u and the bound at k is C theta/u. The start is C >= a. For the step,
    `before` may be multiplied by 1 - mu gamma = (u - 2 mu)/u, which is nonnegative since theta >= 2 mu: a+ <= C
    theta (u - 2 mu)/u^2 + 4 N/u^2. The constant's bound on N, times mu theta/u^2, replaces 4 N/u^2 by C mu
    theta/u^2, and C theta (u - mu)/u^2 is left. The next bound is C theta/(u + mu), and (u - mu)(u + mu) <= u^2:
    the difference is the term C theta mu^2/(u^2 (u + mu)). `recursion` is used once. Both premises are shown for
    real k; that they give all natural k is induction, which is outside of this part.
Tight: upper: controls refute 9/10 of the bound and the bound of one step later.
Source: Mishchenko, Gorbunov, Takáč and Richtárik 2019, Lemma 6.
"""

from fractions import Fraction as F

from compth.methods.core.schedules import harmonic_bound, harmonic_step, noise_constant
from proofs_check._blocks import without
from proofs_check._models import model
from proofs_check._script import Part, Script, step, symbols, text

C, N, mu, th, k = symbols("C N mu th k")
GAMMA = harmonic_step(mu, th, k)
NOW, LATER, FIRST = (text(harmonic_bound(C, mu / th, t)) for t in (k, k + 1, 0))
NOISE = text(noise_constant(mu, th, N))
FIRM, LARGE = "th >= 2*mu", f"C >= {NOISE}"

STATEMENT = {
    "name": "diana.lemma6.step",
    "title": "a, ap: the sequence at k and k + 1",
    "params": "a ap C N mu th k",
    "domain": ["mu > 0", "th > 0", "k >= 0", "N >= 0", "C >= 0", FIRM, LARGE],
    "given": {
        "recursion": f"order(ap, (1 - mu*{text(GAMMA)})*a + {text(GAMMA**2)}*N)",
        "before": f"order(a, {NOW})",
    },
    "claim": [f"ap <= {LATER}"],
}
START = {
    "name": "diana.lemma6.start",
    "params": "a C mu th",
    "domain": ["mu > 0", "th > 0", "C >= a"],
    "claim": [f"a <= {FIRST}"],
}
[CLAIM], [BEGIN] = STATEMENT["claim"], START["claim"]
ROOM = "mu*k + th - 2*mu >= 0"
STEPS = [
    step(ROOM, {FIRM: "1"}, ["mu*k"]),
    step(
        CLAIM,
        {
            "recursion": "1",
            "before": "(mu*k + th - 2*mu)/(mu*k + th)",
            LARGE: "mu*th/(mu*k + th)**2",
        },
        ["C*th*mu**2/((mu*k + th)**2*(mu*k + mu + th))"],
    ),
]


def at(a=None, **params):
    """The recursion with equality, from the bound itself unless a is given."""
    base = {"mu": 1, "th": 2, "k": 0, "N": 1, "C": 2}
    found = {name: F(v) for name, v in {**base, **params}.items()}
    low, shift = found["mu"], found["mu"] * found["k"] + found["th"]
    now = found["C"] * found["th"] / shift if a is None else F(a)
    return model({**found, "a": now, "ap": (1 - 2 * low / shift) * now + 4 * found["N"] / shift**2})


SCRIPT = Script(
    "diana.lemma6",
    "Decreasing steps 2/(mu k + theta): a noisy contraction decreases like 1/k",
    [
        Part(
            STATEMENT,
            STEPS,
            at(th=5, k=3, C=4),
            [
                ({"claim": [CLAIM.replace("<= ", "<= 9/10*")]}, at(th=100, C=F(1, 25))),
                ({"claim": [CLAIM.replace("(k + 1)", "(k + 2)")]}, at(th=100, C=F(1, 25))),
                (without(STATEMENT, LARGE), at(C=F(1, 4))),
                (without(STATEMENT, FIRM), at(-20, th=F(1, 2), C=8)),
                ({"given": {"before": None}}, at(9, th=5, k=3, C=4)),
            ],
            "polynomial, induction",
        ),
        Part(
            START,
            [step(BEGIN, {"C >= a": "1"})],
            model({"a": 1, "C": 2, "mu": 1, "th": 3}),
            [
                ({"claim": [BEGIN.replace("<= ", "<= 9/10*")]}, model({"a": 2, "C": 2, "mu": 1, "th": 3})),
                ({"domain": START["domain"][:2]}, model({"a": 3, "C": 2, "mu": 1, "th": 3})),
                ({"claim": ["a <= C*th/(mu + th)"]}, model({"a": 2, "C": 2, "mu": 1, "th": 3})),
            ],
            "polynomial, induction",
        ),
    ],
)
