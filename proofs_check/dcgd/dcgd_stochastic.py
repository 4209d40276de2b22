"""Compressed stochastic gradients, for any joint variance (A, B): their row of the unified theory, and the theorem.

Setting: f is mu-strongly convex; draws have expected smoothness LL for their mean and LL_w for the workers;
    messages of joint variance (A, B); the step of the unified theory, gamma <= 1/(2 A LL_w + 2 LL max{1 - B, 0}).
Symbols: S: max{1 - B, 0}, or more; H: the stochastic gradients of the same draws at x*; LLw: expected smoothness of
    the workers' own draws; s2: E||mean H_i||^2 or a bound of it; s2w: mean E||H_i - h_i||^2 or a bound of it
Guarantee: E||x+ - x*||^2 <= (1 - gamma mu)||x - x*||^2 + gamma^2 (2 A (s2w + zeta*^2) + 2 max{1 - B, 0} s2).
Proof:
    The row: `joint` bounds E||mean Q_i||^2 by A mean||G_i||^2 + (1 - B)||mean G_i||^2. Each square is split at x*
    as ||G||^2 <= 2||G - H||^2 + 2||H||^2, the squares of G - 2H being given away; the differences are bounded by
    expected smoothness, `smooth` times 2 S and `each` times 2 A, and the H make D1. That mu <= A of the row is
    shown by Jensen's inequality, E||mean(G_i - H_i)||^2 >= ||grad f||^2, and ||grad f||^2 >= 2 mu (f - f*). The
    theorem: `convex` times 2 gamma leaves -2 gamma (f - f*), the row times gamma^2 returns 2 gamma^2 A (f - f*),
    and since gamma A <= 1 the difference is a multiple of f - f* >= 0 (`low`).
Tight: upper: negative controls refute a quarter of the row's A and half of its D1.
Source: Gorbunov, Hanzely and Richtárik 2020, Theorem 4.1 and Table 2; joint variances are ours.
"""

import itertools
from dataclasses import replace
from fractions import Fraction as F

from compth.methods.dcgd import DCGDStochastic
from proofs_check._models import coins, model, per_worker, quadratic
from proofs_check._rows import Row, theorem_part
from proofs_check._script import Part, Script, constants, step, symbols, text, without_max
from proofs_check._sgd import STEEP, claims, steep
from proofs_check._steps import SENT, stochastic

UPDATE = stochastic(SENT)
A, B, LL, LLw, s2, s2w, zeta2 = symbols("A B LL LLw s2 s2w zeta2")
FACTS = {"LL": LL, "LL_workers": LLw, "sigma2_mean": s2, "sigma2_star": s2w}
FOUND = DCGDStochastic().parameters(constants(A=A, B=B, zeta2_star=zeta2, facts=FACTS))
(SMOOTH, LARGEST), (ADDED, _) = (without_max(v, "S") for v in (FOUND.A, FOUND.D1))
ROW = replace(FOUND, A=SMOOTH, D1=ADDED)
STATEMENT = {
    "name": "dcgd.stochastic.assumption",
    "title": "G: stochastic gradients of the workers at x, H: of the same draws at xs; Q: messages",
    "params": "A B S LL LLw mu",
    "domain": ["A >= 0", "A >= B", *LARGEST, "LL > 0", "LLw > 0", "mu > 0"],
    "vectors": [
        *["common x", "common xs", "family g", "family hs", "family G ~ g @ 0", "family H ~ hs @ 0"],
        f"family Q ~ {UPDATE.mean('message')} @ 1",
    ],
    "values": "f fs",
    "given": {
        "convex": "strongly_convex(f, fs, P(g), x, xs, mu)",
        "still": "zero(P(hs), hs)",
        "sum": "zero(P(hs), g)",
        "smooth": "growth(sq(P(G - H)), 0, f, fs, 0, LL, 0)",
        "each": "growth(sq(G - H), 0, f, fs, 0, LLw, 0)",
        "joint": "joint(Q, A, B)",
    },
    "let": {"s2": "sq(P(H))", "s2w": "sq(H - hs)", "zeta2": "sq(hs)"},
    "claim": claims(ROW, UPDATE.direction(), "P(g)"),
}
FAIR, FIRST, FIRM = STATEMENT["claim"]
SLOPE, D1 = text(ROW.A), text(ROW.D1)
STEPS = [
    step(FAIR),
    step(
        FIRST,
        {"joint": "1", "smooth": "2*S", "each": "2*A"},
        ["S*sq(P(G - 2*H))", "A*sq(G - 2*H)", "(S - (1 - B))*sq(P(G))"],
    ),
    steep("P(g)"),
    step(
        FIRM,
        {"smooth": "S", "each": "A", "sum": "2", "still": "-1", STEEP.format("P(g)"): "1/2"},
        [
            "A*sq(G - H - P(G - H))",
            "((S - (1 - B)) + (A - B))*sq(P(G - H))",
            "sq(P(G - H - g + hs))",
            "1/2*sq(P(g))",
        ],
    ),
]


def at(curvatures, shifts, steep=1, away=1, p=F(1, 2), **params):
    """f_i = l_i x^2/2 + h_i x, x* = 0 moved to 1, at x = 2; every worker draws l_i +- steep, h_i +- away.

    LL, LL_w and mu are the model's own; messages are Bernoulli(p): A = omega/n, B = 0.
    """
    q, count = quadratic(curvatures, shifts), len(shifts)
    outcomes, cells = [], []
    for signs in itertools.product((1, -1), repeat=count):
        H = [F(h) + s * F(away) for h, s in zip(shifts, signs, strict=True)]
        G = [F(l) + s * F(steep) + h for l, s, h in zip(curvatures, signs, H, strict=True)]
        prob, Q = coins(G, p)
        cells.append(list(range(len(outcomes), len(outcomes) + len(prob))))
        outcomes += [(w / 2**count, per_worker(G), per_worker(H), m) for w, m in zip(prob, Q, strict=True)]
    mean = sum(map(F, curvatures)) / count
    one = sum(F(l) ** 2 for l in curvatures) / count + F(steep) ** 2
    base = {"A": (1 / F(p) - 1) / count, "B": 0, "S": 1, "mu": mean, "LLw": one / mean}
    base |= {"LL": (mean**2 + F(steep) ** 2 / count) / mean}
    vectors = {k: q[k] for k in ("x", "xs")} | {k: per_worker(q[k]) for k in ("g", "hs")}
    vectors |= {k: [o[j] for o in outcomes] for j, k in ((1, "G"), (2, "H"), (3, "Q"))}
    values, prob = {"f": q["f"], "fs": q["fs"]}, [o[0] for o in outcomes]
    return model({**base, **params}, vectors, prob=prob, workers=count, values=values, cells=[cells])


ALIKE = ([1, 1], [0, 0])
PART = Part(
    STATEMENT,
    STEPS,
    at([1, 2], [1, -1], A=1, B=F(1, 2), S=1, mu=1, LL=4, LLw=4),
    [
        ({"claim": [FAIR, FIRST.replace(f"2*{SLOPE}", f"1/2*{SLOPE}"), FIRM]}, at(*ALIKE)),
        ({"claim": [FAIR, FIRST.replace(D1, f"{D1}/2"), FIRM]}, at(*ALIKE, away=2)),
        ({"claim": [FAIR, FIRST.replace("zeta2", "0"), FIRM]}, at([1, 1], [9, -9])),
        ({"given": {"joint": None}}, at([1, 1], [9, -9], A=0)),
        ({"given": {"each": None}}, at(*ALIKE, steep=9, LLw=F(1, 9))),
        ({"given": {"smooth": None}}, at(*ALIKE, steep=9, LL=F(1, 9))),
    ],
    update=UPDATE,
)
SCRIPT = Script(
    "dcgd.stochastic",
    "Compressed stochastic gradients satisfy the unified assumption, hence its theorem",
    [
        PART,
        theorem_part(
            PART,
            Row(
                "dcgd.stochastic",
                ROW,
                UPDATE.direction(),
                "P(g)",
                FIRST,
                fixed="xs hs",
                update=UPDATE,
                stars={"s2": "P(H)", "s2w": "H - hs"},
            ),
        ),
    ],
)
