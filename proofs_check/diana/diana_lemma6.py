"""DIANA's Lemma 6: under steps 2/(mu k + theta) a noisy contraction stays below C/((mu/theta) k + 1): both premises.

The start and the step are shown, k a real number >= 0; that they give all k is the induction principle.
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
