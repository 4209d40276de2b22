"""Quantised gradients without memory, decreasing steps: the noisy step, and what Lemma 6 needs of the schedule.

Setting: that of dcgd.no_memory_noisy with steps 2/(mu k + theta), theta = 2 over the largest step; S bounds the
    mean variance of the stochastic gradients.
Symbols: S: bound of mean E||G_i - g_i||^2; k: number of the step; th: theta, of the steps 2/(mu k + theta); a, ap:
    the sequence at k and k + 1; C: its constant, C/(mu k/theta + 1) bounds it; N: noise of one step over gamma^2
Guarantee: E||x_k - x*||^2 <= C/((mu/theta) k + 1), with C the larger of the start and 4 N/(mu theta).
Proof:
    Three facts are put together. The noisy step is dcgd.no_memory_noisy's, the noise now measured by mean||G_i -
    g_i||^2: that is why `apart` and `noise` have multipliers over n, gamma^2/n and gamma^2 (1 + omega)/n. The
    schedule: the step at k is at most the one at k = 0, which is the largest allowed; the slack is the largest step
    times mu k/(mu k + theta). That theta >= 2 mu, as Lemma 6 asks, is (1 + 2 omega/n)(mu + L) >= 2 mu. Lemma 6:
    with a_k <= C theta/(mu k + theta) the recursion leaves the factor (mu k + theta - 2 mu)/(mu k + theta) on the
    bound, and the noise is at most the drop that is needed because C >= 4 N/(mu theta); what is left over is
    positive.
Tight: upper: the step's controls refute a quarter of its noise, Lemma 6's refute less than its constant.
Source: Mishchenko, Gorbunov, Takáč and Richtárik 2019, Theorem 11 with Lemma 6; our constants.
"""

from fractions import Fraction as F

from compth.methods.core.schedules import harmonic_step
from compth.methods.dcgd import no_memory_noise, no_memory_step
from proofs_check._models import model
from proofs_check._script import Part, Script, step, symbols, text
from proofs_check._steps import SENT, stochastic
from proofs_check.dcgd import dcgd_no_memory as exact
from proofs_check.diana import diana_lemma6

n, L, mu, om, ga, S, Z, k = symbols("n L mu om ga S Z k")
UPDATE = stochastic(SENT)
LIMIT = no_memory_step(mu, L, om, n)
THETA = text(2 / LIMIT)
NOISE = text(no_memory_noise(om, n, S, Z)).replace("Z", "sq(hs)")
STEP = text(1 / LIMIT)

STATEMENT = {
    **{key: v for key, v in exact.STATEMENT.items() if key not in ("run", "let")},
    "name": "dcgd.no_memory_decreasing.step",
    "title": "G: the workers' stochastic gradients, variance at most S; V = ||x - x*||^2",
    "params": "n L mu om ga S",
    "domain": [*exact.STATEMENT["domain"], "S >= 0"],
    "vectors": [
        *exact.STATEMENT["vectors"][:-1],
        "family G ~ g @ 0",
        f"family Q ~ {UPDATE.mean('message')} @ 1",
    ],
    "given": {
        **exact.STATEMENT["given"],
        "noise": "growth(sq(G - g), 0, 0, 0, 0, 0, S)",
        "apart": "independent(G, n)",
    },
    "claim": [f"{exact.MOVED} <= (1 - mu*ga)*sq(x - xs) + ga**2*{NOISE}"],
}
SCHEDULE = {
    "name": "dcgd.no_memory_decreasing.schedule",
    "title": "theta = 2/(largest step): every step is allowed, and Lemma 6 applies",
    "params": "n L mu om k",
    "domain": ["L > 0", "mu > 0", "mu <= L", "om >= 0", "n >= 1", "k >= 0"],
    "let": {"th": THETA},
    "claim": [f"{text(harmonic_step(mu, 1, k)).replace('+ 1', '+ th')} <= {text(LIMIT)}", "th >= 2*mu"],
}
[CLAIM], [SHORT, FIRM] = STATEMENT["claim"], SCHEDULE["claim"]
USE = exact.STEPS[-1]["use"]
STEPS = [
    *exact.STEPS[:1],
    step(
        CLAIM,
        {**USE, "apart": "ga**2/n", "noise": "ga**2*(1 + om)/n"},
        exact.STEPS[-1]["terms"],
    ),
]


def noisy(g, spread, p, h=(0, 0)):
    """(probabilities, cells, G, Q) of two workers: g_i -+ spread by a coin each, its difference to h_i kept with p."""
    prob, G, Q, cells = [], [], [], []
    for a in (-1, 1):
        for b in (-1, 1):
            cell = []
            for u in (0, 1):
                for v in (0, 1):
                    cell.append(len(prob))
                    prob.append(F(1, 4) * (F(p) if u else 1 - F(p)) * (F(p) if v else 1 - F(p)))
                    G.append([[g[0] + a * spread], [g[1] + b * spread]])
                    Q.append([[u * (G[-1][0][0] - h[0]) / F(p)], [v * (G[-1][1][0] - h[1]) / F(p)]])
            cells.append(cell)
    return prob, [cells], G, Q


def at(curvatures, shifts, spread, p, step_size, **params):
    """The model of `dcgd.no_memory` with noisy gradients."""
    found = exact.at(curvatures, shifts, p, step_size)
    g = [F(c) + F(h) for c, h in zip(curvatures, shifts, strict=True)]
    prob, cells, G, Q = noisy(g, F(spread), p)
    base = {**found["params"], "S": F(spread) ** 2, **params}
    return model(base, {**found["vectors"], "G": G, "Q": Q}, prob=prob, cells=cells, workers=2, dim=1)


EQUAL = {"L": 1, "mu": 1}
ALIKE = ([1, 1], [-4, 4], 3, F(1, 2), F(1, 2))
QUIET = ([1, 1], [F(-1, 9), F(1, 9)], 8, F(1, 2), F(1, 2))
FIRST = model({"n": 2, "L": 2, "mu": 1, "om": 1, "k": 0})
FLAT = model({"n": 2, "L": 1, "mu": 1, "om": 0, "k": 0})
SCRIPT = Script(
    "dcgd.no_memory_decreasing",
    "quantised gradients without memory, decreasing steps: no floor, 1/t",
    [
        Part(
            STATEMENT,
            STEPS,
            at([1, 3], [1, -1], 1, F(1, 2), F(1, 20)),
            [
                ({"claim": [CLAIM.replace(f"ga**2*{NOISE}", f"ga**2*{NOISE}/4")]}, at(*ALIKE, **EQUAL)),
                ({"claim": [CLAIM.replace(NOISE, NOISE.replace("S", "0"))]}, at(*QUIET, **EQUAL)),
                ({"given": {"ind": None, "apart": None}}, at(*ALIKE, **{**EQUAL, "n": 64})),
                ({"given": {"noise": None}}, at(*QUIET, **{**EQUAL, "S": 0})),
            ],
            update=UPDATE,
            left="sq(x - xs)",
        ),
        Part(
            SCHEDULE,
            [
                step(SHORT, {}, [f"({text(LIMIT)})*mu*k/(mu*k + th)"]),
                step(FIRM, {"mu <= L": "1"}, ["2*om/n*(mu + L)"]),
            ],
            model({"n": 2, "L": 2, "mu": 1, "om": 1, "k": 1}),
            [
                ({"claim": [SHORT.replace("<= ", "<= 9/10*"), FIRM]}, FIRST),
                ({"let": {"th": f"{THETA}/2"}}, FIRST),
                ({"claim": [SHORT, "th >= 3*mu"]}, FLAT),
            ],
            "polynomial",
        ),
        *diana_lemma6.SCRIPT.parts,
    ],
)
