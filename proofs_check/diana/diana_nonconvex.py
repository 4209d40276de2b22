"""DIANA of stochastic gradients without convexity: one step with the squared gradient as gain, and its telescope.

Setting: f is L-smooth and bounded below, nothing is convex, mean||grad f_i - grad f||^2 <= z2; stochastic gradients
    of variance s2; messages of G_i - h_i, variance omega, alpha = 1/(2 (1 + omega)), memories that start at 0.
Symbols: w: 1 + omega; z2: bound of mean||grad f_i - grad f||^2; s: 2 - gamma L (1 + 2 omega/n), what the step
    leaves of 2
Guarantee: over T steps the mean of E||grad f||^2 is at most 2 (f(x_0) - f*)/(gamma s T) + gamma L ((1 + 2 omega) s2
    + 2 omega z2)/(n s).
Proof:
    There is no x*, so the memories are measured from 0: the potential is 2 (f - f*)/(gamma s) + c K mean||h_i||^2
    with K = L gamma/s and c = 4 w omega/n. `smooth` with 2/(gamma s) costs K times the square of the direction. Its
    noise (omega/n) mean||G_i - h_i||^2 is what the memories give at alpha = 1/(2w), as in diana.original. The
    memories forget alpha of ||h||^2, which is thrown away, and learn c alpha = 2 omega/n of mean||G_i||^2: exact
    parts ||grad f||^2 and z2 (`close`), and the draws' n||mean(G_i - g_i)||^2 (`apart`, `noise`). ||grad f||^2
    comes back with K (1 + 2 omega/n), and s is defined so that 2/s less that is 1, the gain.
Tight: upper over a run; one step at h = 0 refutes 99/100 of the floor and twice the gain. The printed form without
    z2 is refuted.
Source: Mishchenko, Gorbunov, Takáč and Richtárik 2019, Theorem 4; the dissimilarity, which the printed form lacks,
    is ours.
"""

from fractions import Fraction as F

import sympy

from compth.methods.core.nonconvex import descent_slack, growth_floor
from compth.methods.diana import nonconvex_growth, original_parameters
from proofs_check._blocks import over_run
from proofs_check._models import model, per_worker
from proofs_check._script import Part, Script, constants, step, symbols, text
from proofs_check._steps import SHIFTED, stochastic
from proofs_check.dcgd.dcgd_nonconvex import chain

# w = 1 + omega, s the slack: no divisor has more than one term
n, L, w, ga, z2, s2, s = symbols("n L w ga z2 s2 s")
BETA, NOISES = nonconvex_growth(constants(omega=w - 1, n=n, L=L, zeta2_star=z2, sigma2=s2))
ALPHA, WEIGHT = map(text, original_parameters(w - 1, n))
SLACK = f"s == {text(sympy.expand(descent_slack(BETA, L, ga)))}"
NOISE = text(sympy.cancel(growth_floor((2 - s) / (L * ga), 1, L, ga)) * NOISES)
K = "L*ga/s"
# the memory starts at h = 0, where the potential is 2 (f - f*)/(gamma s)
POTENTIAL = f"2*(f - fs)/(ga*s) + {WEIGHT}*{K}*sq(h)"
UPDATE = stochastic(SHIFTED)
MOVES = UPDATE.next("x", f="fp") | UPDATE.next("h")
STATEMENT = {
    "name": "diana.nonconvex",
    "title": "G the workers' stochastic gradients, Q their messages",
    "params": "n L w ga z2 s2 s",
    "domain": ["L > 0", "n >= 1", "w >= 1", "z2 >= 0", "s2 >= 0", "ga > 0", "s > 0", SLACK],
    "vectors": [
        "common x",
        "family g",
        "family h",
        "family G ~ g @ 0",
        f"family Q ~ {UPDATE.mean('message')} @ 1",
    ],
    "values": "f fp fs",
    "let": {"al": ALPHA},
    "given": {
        "smooth": f"descent(fp, f, P(g), {MOVES['x']}, x, L)",
        "close": "dissimilar(g, z2)",
        "noise": "noise(G, P, s2/n)",
        "apart": "independent(G, n)",
        "var": "variance(Q, w - 1)",
        "ind": "independent(Q, n)",
    },
    "claim": [
        f"2*(fp - fs)/(ga*s) + {WEIGHT}*{K}*sq({MOVES['h']}) + sq(P(g)) <= {POTENTIAL} + {NOISE}",
    ],
    "run": over_run(POTENTIAL, MOVES, "1", "fs", noise=NOISE, gain="sq(P(g))"),
}
CLAIM = STATEMENT["claim"][0]
STEPS = [
    step("4*w - 4 >= 0", {"w >= 1": "4"}),
    step(
        CLAIM,
        {
            "smooth": "2/(ga*s)",
            "close": f"{K}*{WEIGHT}*al",
            "noise": f"{K}*(1 + n*{WEIGHT}*al)",
            "apart": f"-{K}*{WEIGHT}*al",
            "var": f"{K}/n + {K}*{WEIGHT}*al**2",
            "ind": f"{K}/n",
            SLACK: "sq(P(g))/s",
        },
        [f"{K}*{WEIGHT}*al*sq(h)"],
    ),
]


def at(shifts, h, step_size, away=1, p=F(1, 2), **params):
    """f_i = x^2/2 + h_i x at x = 1, L = 1: at h = 0 every inequality is an equality."""
    count, step_size = len(shifts), F(step_size)
    g = [1 + F(b) for b in shifts]
    groups = chain(g, away, h, p)
    outcomes, cells = [o for group in groups for o in group], []
    for group in groups:
        begin = cells[-1][-1] + 1 if cells else 0
        cells.append(list(range(begin, begin + len(group))))
    moves = [(w, sum(F(b) + m[0] for b, m in zip(h, q, strict=True)) / count) for w, _, q in outcomes]
    after = sum(w * (1 - step_size * move) ** 2 for w, move in moves) / 2
    vectors = {"x": [1], "g": per_worker(g), "h": per_worker(h)}
    vectors |= {"G": [per_worker(o[1]) for o in outcomes], "Q": [o[2] for o in outcomes]}
    base = {"n": count, "L": 1, "w": 1 / F(p), "ga": step_size}
    base |= {"z2": sum(F(b) ** 2 for b in shifts) / count, "s2": F(away) ** 2}
    base |= params
    base["s"] = 2 - F(base["L"]) * step_size * (1 + 2 * (base["w"] - 1) / F(base["n"]))
    values, prob = {"f": F(3, 2), "fp": after + 1, "fs": 1}, [o[0] for o in outcomes]
    return model(base, vectors, prob=prob, workers=count, values=values, cells=[cells])


EQUAL = at([2, -2], [0, 0], F(1, 2))
SCRIPT = Script(
    "diana.nonconvex",
    "DIANA without convexity",
    [
        Part(
            STATEMENT,
            STEPS,
            at([2, -2], [1, 2], F(1, 4), L=2, z2=5, s2=2),
            [
                ({"claim": [CLAIM.replace(NOISE, f"(99/100)*{NOISE}")]}, EQUAL),
                ({"claim": [CLAIM.replace("+ sq(P(g)) <=", "+ 2*sq(P(g)) <=")]}, EQUAL),
                # the printed form, without the dissimilarity
                ({"given": {"close": None}}, at([2, -2], [0, 0], F(1, 2), z2=0)),
                ({"given": {"noise": None}}, at([2, -2], [0, 0], F(1, 2), s2=0)),
                ({"given": {"ind": None, "apart": None}}, at([2, -2], [0, 0], F(1, 2), n=32, s2=16)),
            ],
            update=UPDATE,
        )
    ],
)
