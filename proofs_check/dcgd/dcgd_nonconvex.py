"""DCGD of stochastic gradients without convexity: one step with the squared gradient as gain, and its telescope.

Setting: f is L-smooth and bounded below by f*, nothing is convex; mean||grad f_i - grad f||^2 <= z2; stochastic
    gradients of variance s2, messages of joint variance (A, B), a compressed broadcast of variance down - 1.
Symbols: z2: bound of mean||grad f_i - grad f||^2; down: 1 + omega of the broadcast; c: the broadcast; s: 2 - gamma
    L down (A + 1 - B), what the step leaves of 2
Guarantee: over T steps the mean of E||grad f||^2 is at most 2 (f(x_0) - f*)/(gamma s T) + gamma L down (A z2 + (A +
    (1 - B)/n) s2)/s.
Proof:
    One step of descent, `smooth` times 2/(gamma s), pays 2/s ||grad f||^2 and costs (L gamma/s) E||c||^2. The cost
    is opened from the outside: `down` multiplies ||mean Q_i||^2 by down, `joint` turns it into A mean||G_i||^2 + (1
    - B)||mean G_i||^2. The noise of independent G_i is `noise` times n(A + (1 - B)/n), with `ind` to write
    mean||G_i - g_i||^2 as n times that of the mean. mean||g_i||^2 is ||grad f||^2 plus what `close` bounds. So (L
    gamma/s) down (A + 1 - B)||grad f||^2 comes back, and s is defined such that 2/s less this is 1: the slack's
    equation is used with the multiplier ||grad f||^2/s.
Tight: upper over a run; for one step a control refutes 99/100 of the floor, and twice the gain.
Source: Horváth, Ho, Horváth, Sahu, Canini and Richtárik 2022, Theorem 9.
"""

import itertools
from fractions import Fraction as F

import sympy

from compth.methods.core.nonconvex import descent_slack, growth_floor
from compth.methods.dcgd import nonconvex_growth
from proofs_check._blocks import over_run
from proofs_check._models import coins, model, per_worker
from proofs_check._script import Part, Script, constants, step, symbols, text
from proofs_check._steps import SENT, broadcasting, stochastic

n, L, A, B, ga, z2, s2, down, s = symbols("n L A B ga z2 s2 down s")  # s the slack
CLASS = {"L": L, "omega_down": down - 1, "zeta2_star": z2, "sigma2": s2}
BETA, ALPHA = nonconvex_growth(constants(A=A, B=B, n=n, **CLASS))
SLACK = f"s == {text(sympy.expand(descent_slack(BETA, L, ga)))}"
NOISE = text(sympy.cancel(growth_floor((2 - s) / (L * ga), 1, L, ga)) * ALPHA)
POTENTIAL = "2*(f - fs)/(ga*s)"
UPDATE = broadcasting(stochastic(SENT))
MOVES = UPDATE.next("x", f="fp")
STATEMENT = {
    "name": "dcgd.nonconvex",
    "title": "G the workers' stochastic gradients, Q their messages, c the broadcast",
    "params": "n L A B ga z2 s2 down s",
    "domain": [
        *["L > 0", "n >= 1", "A >= 0", "A >= B", "down >= 1", "z2 >= 0", "s2 >= 0", "ga > 0"],
        *["s > 0", SLACK],
    ],
    "vectors": [
        *["common x", "family g", "family G ~ g @ 0", f"family Q ~ {UPDATE.mean('message')} @ 1"],
        f"common c ~ {UPDATE.mean('broadcast')} @ 2",
    ],
    "values": "f fp fs",
    "given": {
        "smooth": f"descent(fp, f, P(g), {MOVES['x']}, x, L)",
        "close": "dissimilar(g, z2)",
        "noise": "noise(G, P, s2/n)",
        "ind": "independent(G, n)",
        "joint": "joint(Q, A, B)",
        "down": "variance(c, down - 1)",
    },
    "claim": [f"2*(fp - fs)/(ga*s) + sq(P(g)) <= {POTENTIAL} + {NOISE}"],
    "run": over_run(POTENTIAL, MOVES, "1", "fs", noise=NOISE, gain="sq(P(g))"),
}
CLAIM, SHARE, K = STATEMENT["claim"][0], "(A + (1 - B)/n)", "L*ga/s"
STEPS = [
    step(f"{SHARE} >= 0", {"A >= B": "1/n"}, ["1/n", "A*(n - 1)/n"]),
    step(
        CLAIM,
        {
            "smooth": "2/(ga*s)",
            "down": K,
            "joint": f"{K}*down",
            "close": f"{K}*down*A",
            "noise": f"{K}*down*n*{SHARE}",
            "ind": f"-{K}*down*A",
            SLACK: "sq(P(g))/s",
        },
    ),
]


def chain(g, away, h, p):
    """[(chance, stochastic gradients g_i +- away, Bernoulli(p) messages of the gradients less h)]."""
    out = []
    for signs in itertools.product((1, -1) if away else (1,), repeat=len(g)):
        drawn = [a + s * F(away) for a, s in zip(g, signs, strict=True)]
        prob, message = coins([a - F(b) for a, b in zip(drawn, h, strict=True)], p)
        share = F(1, (2 if away else 1) ** len(g))
        out.append([(share * w, drawn, q) for w, q in zip(prob, message, strict=True)])
    return out


def at(shifts, step_size, away=1, p=F(1, 2), chance=1, **params):
    """f_i = x^2/2 + h_i x at x = 1, L = 1: with the fleet's own constants every inequality is an equality."""
    count, step_size, chance = len(shifts), F(step_size), F(chance)
    g = [1 + F(b) for b in shifts]
    kept = [(chance, 1 / chance)] + ([(1 - chance, F(0))] if chance < 1 else [])
    outcomes, cells, square = [], [[], []], F(0)
    for group in chain(g, away, [0] * count, p):
        cells[0].append(list(range(len(outcomes), len(outcomes) + len(group) * len(kept))))
        for (w, drawn, q), (v, scale) in itertools.product(group, kept):
            c = scale * sum(m[0] for m in q) / count
            square += w * v * (1 - step_size * c) ** 2
            outcomes.append((w * v, drawn, q, c))
    cells[1] = [list(range(k, k + len(kept))) for k in range(0, len(outcomes), len(kept))]
    vectors = {
        "x": [1],
        "g": per_worker(g),
        "G": [per_worker(o[1]) for o in outcomes],
        "Q": [o[2] for o in outcomes],
    }
    vectors["c"] = [[[o[3]]] * count for o in outcomes]
    base = {"n": count, "L": 1, "A": (1 / F(p) - 1) / count, "B": 0, "ga": step_size, "down": 1 / chance}
    base |= {"z2": sum(F(b) ** 2 for b in shifts) / count, "s2": F(away) ** 2}
    base |= params
    growth = base["down"] * (1 - F(base["B"]) + F(base["A"]))
    base["s"] = 2 - F(base["L"]) * step_size * growth
    values = {"f": F(1, 2) + 1, "fp": square / 2 + 1, "fs": 1}
    prob = [o[0] for o in outcomes]
    return model(base, vectors, prob=prob, workers=count, values=values, cells=cells)


EQUAL = at([2, -2], F(1, 2))
SCRIPT = Script(
    "dcgd.nonconvex",
    "Bidirectional DCSGD without convexity",
    [
        Part(
            STATEMENT,
            STEPS,
            at([2, -2], F(1, 4), chance=F(1, 2), L=2, z2=5, s2=2),
            [
                ({"claim": [CLAIM.replace(NOISE, f"(99/100)*{NOISE}")]}, EQUAL),
                ({"claim": [CLAIM.replace("+ sq(P(g)) <=", "+ 2*sq(P(g)) <=")]}, EQUAL),
                ({"given": {"close": None}}, at([2, -2], F(1, 2), z2=1)),
                ({"given": {"noise": None}}, at([2, -2], F(1, 2), s2=0)),
                ({"given": {"joint": None}}, at([2, -2], F(1, 2), A=0)),
                ({"given": {"down": None}}, at([2, -2], F(1, 4), chance=F(1, 2), down=1)),
            ],
            update=UPDATE,
        )
    ],
)
