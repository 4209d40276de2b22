"""DIANA with decreasing steps: the noisy step between two weights, and what Lemma 6 needs of the schedule."""

from fractions import Fraction as F

from compth.methods._schedules import harmonic_step
from compth.methods.diana import original_noise, original_parameters
from proofs_check import diana_lemma6
from proofs_check import diana_original as exact
from proofs_check._models import model
from proofs_check._script import Part, Script, step, symbols, text
from proofs_check.dcgd_no_memory_decreasing import noisy

n, L, mu, om, ga, gq, S, k, th = symbols("n L mu om ga gq S k th")
ALPHA, WEIGHT = original_parameters(om, n)
NOISE, AL, C = text(original_noise(om, n, S)), text(ALPHA), text(WEIGHT)

STATEMENT = {
    **{key: v for key, v in exact.STATEMENT.items() if key not in ("run", "let")},
    "name": "diana.decreasing.step",
    "title": "G: the workers' stochastic gradients, variance at most S; ga, gq: this step and the next",
    "params": "n L mu om ga gq S",
    "domain": [*exact.STATEMENT["domain"], "S >= 0", "gq >= 0", "gq <= ga"],
    "vectors": [*exact.STATEMENT["vectors"][:-1], "family G ~ g @ 0", "family Q ~ G - h @ 1"],
    "let": {"al": AL, "c": C},
    "given": {
        **exact.STATEMENT["given"],
        "noise": "growth(sq(G - g), 0, 0, 0, 0, 0, S)",
        "apart": "independent(G, n)",
    },
    "claim": [
        "sq(x - ga*P(h + Q) - xs) + c*gq**2*sq(h + al*Q - hs)"
        f" <= (1 - mu*ga)*(sq(x - xs) + c*ga**2*sq(h - hs)) + ga**2*{NOISE}"
    ],
}
SCHEDULE = {
    "name": "diana.decreasing.schedule",
    "title": "theta = 2/(largest step) = 2 max{mu/alpha, 1/g}, g the other limit: what its members promise",
    "params": "n L mu om k th",
    "domain": [
        "L > 0",
        "mu > 0",
        "mu <= L",
        "om >= 0",
        "n >= 1",
        "k >= 0",
        f"th >= {text(2 / exact.MEMORY)}",
        f"th >= {text(2 / exact.MOVE)}",
    ],
    "claim": [
        f"{text(harmonic_step(mu, th, k))} <= {text(exact.MEMORY)}",
        f"{text(harmonic_step(mu, th, k))}*{text(1 / exact.MOVE)} <= 1",
        f"{text(harmonic_step(mu, th, k + 1))} <= {text(harmonic_step(mu, th, k))}",
        "th >= 2*mu",
    ],
}
[CLAIM] = STATEMENT["claim"]
REACH, SHORT, FALL, FIRM = SCHEDULE["claim"]
SLOW, MOVES = SCHEDULE["domain"][-2:]
USE, TERMS = exact.STEPS[-1]["use"], exact.STEPS[-1]["terms"]
LATE, GATHERED = "(mu*k + th)", "(ga**2/n + c*ga**2*al**2)"
STEPS = [
    *exact.STEPS[:1],
    step(
        CLAIM,
        {
            **USE,
            "var": GATHERED,
            "apart": "ga**2/n",
            "noise": f"(1 + om)*{GATHERED}",
        },
        [t.replace("w*", "c*ga**2*") for t in TERMS] + ["c*(ga - gq)*(ga + gq)*sq(h + al*Q - hs)"],
    ),
]


def at(curvatures, shifts, h, spread, p, step_size, **params):
    """The model of `diana.original` with noisy gradients."""
    found = exact.at(curvatures, shifts, h, p, step_size)
    g = [F(c) + F(s) for c, s in zip(curvatures, shifts, strict=True)]
    prob, cells, G, Q = noisy(g, F(spread), p, h)
    base = {**found["params"], "S": F(spread) ** 2, "gq": step_size, **params}
    return model(base, {**found["vectors"], "G": G, "Q": Q}, prob=prob, cells=cells, workers=2, dim=1)


EQUAL = {"L": 1, "mu": 1}
FAR = ([1, 1], [1, -1], [9, -9], 1, F(1, 2), F(1, 4))
LOUD = ([1, 1], [1, -1], [2, -2], 9, F(1, 2), F(1, 4))


def without(*gone):
    return {"domain": [t for t in SCHEDULE["domain"] if t not in gone]}


def schedule(theta, smooth=2, k=0):
    return model({"n": 2, "L": smooth, "mu": 1, "om": 1, "k": k, "th": theta})


SCRIPT = Script(
    "diana.decreasing",
    "DIANA with decreasing steps: 1/t without a floor from heterogeneity",
    [
        Part(
            STATEMENT,
            STEPS,
            at([1, 3], [1, -1], [2, 1], 1, F(1, 2), F(1, 40), mu=F(1, 2), gq=F(1, 50)),
            [
                ({"claim": [CLAIM.replace("(1 - mu*ga)", "(1 - 3*mu*ga)")]}, at(*FAR, **EQUAL)),
                ({"claim": [CLAIM.replace(f"ga**2*{NOISE}", f"ga**2*{NOISE}/4")]}, at(*LOUD, **EQUAL)),
                ({"given": {"noise": None}}, at(*LOUD, **{**EQUAL, "S": 0})),
                (
                    {"domain": [t for t in STATEMENT["domain"] if t != "gq <= ga"]},
                    at(*FAR, **{**EQUAL, "gq": 2}),
                ),
            ],
        ),
        Part(
            SCHEDULE,
            [
                step(REACH, {SLOW: f"1/(mu*(2*om + 2)*{LATE})"}, [f"k/((2*om + 2)*{LATE})"]),
                step(SHORT, {MOVES: f"1/{LATE}"}, [f"mu*k/{LATE}"]),
                step(FALL, {}, [f"2*mu/({LATE}*(mu*k + mu + th))"]),
                step(FIRM, {SLOW: "1"}, ["2*mu*(2*om + 1)"]),
            ],
            schedule(20, k=1),
            [
                (without(SLOW), schedule(6)),
                (without(MOVES), schedule(8, smooth=100)),
                ({"claim": [REACH.replace("<= ", "<= 9/10*"), SHORT, FALL, FIRM]}, schedule(8)),
                ({"claim": [REACH, SHORT, FALL.replace("<= ", "<= 9/10*"), FIRM]}, schedule(100)),
            ],
            "polynomial",
        ),
        *diana_lemma6.SCRIPT.parts,
    ],
)
