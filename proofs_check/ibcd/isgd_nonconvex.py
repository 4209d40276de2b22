"""Independent blocks of stochastic gradients without convexity: one step with its gain, and its telescope.

Setting: f is L-smooth and bounded below, nothing is convex, mean||grad f_i - grad f||^2 <= z2; independent
    stochastic gradients of variance s2, of which each block is sent with probability tau.
Symbols: z2: bound of mean||grad f_i - grad f||^2; s: 1 - gamma L (tau/2 + (1 - tau)/n), what the step leaves of 1
Guarantee: over T steps the mean of E||grad f||^2 is at most (f(x_0) - f*)/(tau gamma s T) + gamma L (s2/2 + (1 -
    tau) z2)/(n s).
Proof:
    The mean step is tau gamma, so `smooth` is divided by tau gamma s and leaves ||grad f||^2/s against L gamma/(2
    tau s) E||mean Q_i||^2. That square is tau^2||mean G_i||^2 plus tau (1 - tau)/n mean||G_i||^2, `var` and `ind`.
    The draws' part of both, once mean||G_i - g_i||^2 is n||mean(G_i - g_i)||^2 (`apart`), has tau (1 - tau) + tau^2
    = tau as factor, `noise` with L gamma/(2 s). `close` replaces mean||g_i||^2 by ||grad f||^2 + z2. The paper
    counts the blocks' share twice as large as this, in s and in the floor: (1 - tau)/n of ||grad f||^2 and of z2
    stay as terms. The gain is what the equation of s makes 1.
Tight: upper: by the terms that are left, half of the blocks' share in s and in the floor would do.
Source: Mishchenko, Hanzely and Richtárik 2020, Theorem 5.
"""

from fractions import Fraction as F

import sympy

from compth.methods.ibcd import isgd_curve, isgd_noise
from proofs_check._blocks import over_run
from proofs_check._models import model, per_worker
from proofs_check._script import Part, Script, constants, step, symbols, text
from proofs_check._steps import BLOCKS, stochastic
from proofs_check.dcgd.dcgd_nonconvex import chain

n, L, tau, ga, z2, s2, s = symbols("n L tau ga z2 s2 s")  # s the slack
FLEET = constants(n=n, L=L, zeta2_star=z2, sigma2=s2, params={"tau": tau})
SLACK = f"s == {text(sympy.expand(1 - ga * isgd_curve(FLEET)))}"
NOISE = text(isgd_noise(FLEET, ga) / s)
POTENTIAL = "(f - fs)/(tau*ga*s)"
UPDATE = stochastic(BLOCKS)
MOVES = UPDATE.next("x", f="fp")
STATEMENT = {
    "name": "isgd.nonconvex",
    # blocks kept with probability tau and not rescaled: mean tau G, variance tau (1 - tau) |G|^2
    "title": "G the workers' stochastic gradients, Q the blocks they send",
    "params": "n L tau ga z2 s2 s",
    "domain": [
        *["L > 0", "n >= 1", "tau > 0", "tau <= 1", "z2 >= 0", "s2 >= 0", "ga > 0", "s > 0"],
        SLACK,
    ],
    "vectors": ["common x", "family g", "family G ~ g @ 0", f"family Q ~ {UPDATE.mean('message')} @ 1"],
    "values": "f fp fs",
    "given": {
        "smooth": f"descent(fp, f, P(g), {MOVES['x']}, x, L)",
        "close": "dissimilar(g, z2)",
        "noise": "noise(G, P, s2/n)",
        "apart": "independent(G, n)",
        "var": "variance(Q, 1/tau - 1)",
        "ind": "independent(Q, n)",
    },
    "claim": [f"(fp - fs)/(tau*ga*s) + sq(P(g)) <= {POTENTIAL} + {NOISE}"],
    "run": over_run(POTENTIAL, MOVES, "1", "fs", noise=NOISE, gain="sq(P(g))"),
}
CLAIM, HALF = STATEMENT["claim"][0], "L*ga/(2*s)"
STEPS = [
    step("1 - tau >= 0", {"tau <= 1": "1"}),
    step(
        CLAIM,
        {
            "smooth": "1/(tau*ga*s)",
            "var": f"{HALF}/(tau*n)",
            "ind": f"{HALF}/(tau*n)",
            "apart": f"-{HALF}*(1 - tau)/n",
            "noise": HALF,
            "close": f"{HALF}*(1 - tau)/n",
            SLACK: "sq(P(g))/s",
        },
        [f"{HALF}*(1 - tau)/n*sq(P(g))", f"{HALF}*(1 - tau)/n*z2"],
    ),
]


def at(shifts, step_size, away=1, keep=F(1, 2), **params):
    """f_i = x^2/2 + h_i x at x = 1, one block, L = 1."""
    count, step_size, keep = len(shifts), F(step_size), F(keep)
    g = [1 + F(b) for b in shifts]
    groups = chain(g, away, [0] * count, keep)
    outcomes, cells = [o for group in groups for o in group], []
    for group in groups:
        begin = cells[-1][-1] + 1 if cells else 0
        cells.append(list(range(begin, begin + len(group))))
    sent = [[[keep * v[0]] for v in q] for _, _, q in outcomes]
    moves = [sum(v[0] for v in q) / count for q in sent]
    after = sum(o[0] * (1 - step_size * m) ** 2 for o, m in zip(outcomes, moves, strict=True)) / 2
    vectors = {"x": [1], "g": per_worker(g), "G": [per_worker(o[1]) for o in outcomes], "Q": sent}
    base = {"n": count, "L": 1, "tau": keep, "ga": step_size, "s2": F(away) ** 2}
    base |= {"z2": sum(F(b) ** 2 for b in shifts) / count, **params}
    curve = F(base["L"]) * (base["tau"] / 2 + (1 - base["tau"]) / F(base["n"]))
    values, prob = {"f": F(3, 2), "fp": after + 1, "fs": 1}, [o[0] for o in outcomes]
    model_of = {**base, "s": 1 - step_size * curve}
    return model(model_of, vectors, prob=prob, workers=count, values=values, cells=[cells])


LOUD = at([0, 0], F(1, 2), away=9)
SCRIPT = Script(
    "isgd.nonconvex",
    "Independent blocks of stochastic gradients without convexity",
    [
        Part(
            STATEMENT,
            STEPS,
            at([2, -2], F(1, 4), L=2, z2=5, s2=2),
            [
                ({"claim": [CLAIM.replace(NOISE, f"(9/10)*{NOISE}")]}, LOUD),
                (
                    {"claim": [CLAIM.replace("+ sq(P(g)) <=", "+ 2*sq(P(g)) <=")]},
                    at([0, 0], F(1, 4), away=F(1, 9)),
                ),
                ({"given": {"close": None}}, at([9, -9], F(1, 2), z2=0)),
                ({"given": {"noise": None}}, at([0, 0], F(1, 2), away=9, s2=0)),
                ({"given": {"ind": None, "apart": None}}, at([9, -9], F(1, 2), n=32, s2=16)),
            ],
            update=UPDATE,
        )
    ],
)
