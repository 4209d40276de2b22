"""SGD with minibatches drawn with replacement: its row of the unified theory, and with it the theorem.

The tau independent draws are the family, so that P is the minibatch's mean; LL_1 and s_1^2 belong to one draw.

Setting: f is mu-strongly quasi-convex and L-smooth; tau independent draws of weighted component gradients with
    expected smoothness LL; gamma <= tau/(2 LL + (tau - 1) L).
Symbols: tau: size of the minibatch; S: the gradients that the same draws give at x*; s2: E||S||^2 or a bound of it;
    g: gradient of f at x
Guarantee: E||x+ - x*||^2 <= (1 - gamma mu)||x - x*||^2 + 2 gamma^2 s2/tau.
Proof:
    tau independent draws are tau workers: `apart` with 1/tau says E||mean G||^2 = E||G||^2/tau + (1 -
    1/tau)||g||^2. The first is compared with the draws at x*, ||G||^2 <= 2||G - S||^2 + 2||S||^2, and `smooth` with
    2/tau bounds the difference; ||S||^2 makes D1 = 2 s2/tau. The second needs no sampling: `whole`, ||g||^2 <= 2L(f
    - f*), with 2L(tau - 1)/tau. So A runs from 2 LL at tau = 1 to L for large tau. A >= mu: by Jensen E||G - S||^2
    >= ||g||^2, and ||g||^2 >= 2 mu (f - f*). The theorem is the row times gamma^2, `convex` times 2 gamma, and
    `low` for the rest.
Tight: upper: negative controls refute smaller A and D1.
Source: Gorbunov, Hanzely and Richtárik 2020, Theorem 4.1 and Table 2.
"""

import itertools
from dataclasses import replace
from fractions import Fraction as F

from compth.methods.sgd import SGDMinibatch
from proofs_check._models import model
from proofs_check._rows import Row, theorem_part
from proofs_check._script import Part, Script, constants, step, symbols, text
from proofs_check._sgd import CONVEX, STEEP, claims, steep
from proofs_check._steps import DRAWN

# every draw is a worker of its own, whose gradients are averaged
UPDATE = replace(DRAWN, words={"gradient": "G"})
tau, LL, L, s2 = symbols("tau LL L s2")
ROW = SGDMinibatch().parameters(constants(L=L, facts={"tau": tau, "LL_1": LL, "sigma2_1": s2}))
STATEMENT = {
    "name": "sgd.minibatch.assumption",
    "title": "G: the drawn weighted gradients of components at x, S: those of the same draws at xs",
    "params": "tau LL L mu",
    "domain": ["LL > 0", "L > 0", "mu > 0", "tau >= 1"],
    "vectors": ["common x", "common xs", "common g", "family G ~ g @ 0", "family S ~ 0 @ 0"],
    "values": "f fs",
    "given": {
        **CONVEX,
        "whole": "cocoercive(f, fs, g, 0, x, xs, L)",
        "smooth": "growth(sq(G - S), 0, f, fs, 0, LL, 0)",
        "apart": "independent(G, tau)",
    },
    "let": {"s2": "sq(S)"},
    "claim": claims(ROW, UPDATE.direction()),
}
FAIR, FIRST, FIRM = STATEMENT["claim"]
A, D1 = text(ROW.A), text(ROW.D1)
STEPS = [
    step("tau - 1 >= 0", {"tau >= 1": "1"}),
    step(FAIR),
    step(
        FIRST,
        {"apart": "1/tau", "smooth": "2/tau", "whole": "2*L*(tau - 1)/tau"},
        ["1/tau*sq(G - 2*S)"],
    ),
    steep(),
    step(
        FIRM,
        {"smooth": "1/tau", "whole": "L*(tau - 1)/tau", STEEP.format("g"): "1/2"},
        ["1/tau*sq(G - S - g)", "1/(2*tau)*sq(g)"],
    ),
]


def at(slopes, shift, size=2, **params):
    """`size` draws of two components l_j x^2/2 +- shift x, x* = 0 moved to 1, at x = 2; LL = E l^2/E l, mu = L."""
    mean = sum(map(F, slopes)) / 2
    S, G = [], []
    for drawn in itertools.product((0, 1), repeat=size):
        S.append([[F(shift) * (1 - 2 * j)] for j in drawn])
        G.append([[F(slopes[j]) + F(shift) * (1 - 2 * j)] for j in drawn])
    vectors = {"x": [2], "xs": [1], "g": [mean], "G": G, "S": S}
    base = {"tau": size, "LL": sum(F(l) ** 2 for l in slopes) / (2 * mean), "L": mean, "mu": mean}
    values, prob = {"f": 1 + mean / 2, "fs": 1}, [F(1, 2**size)] * 2**size
    return model({**base, **params}, vectors, prob=prob, workers=size, values=values)


PART = Part(
    STATEMENT,
    STEPS,
    at([2, 1], 1, L=2),
    [
        ({"claim": [FAIR, FIRST.replace(f"2*{A}", A), FIRM]}, at([2, 0], 1)),
        ({"claim": [FAIR, FIRST.replace(D1, "(s2/tau)"), FIRM]}, at([2, 0], 2)),
        ({"claim": [FAIR, FIRST.replace(f" + {D1}", ""), FIRM]}, at([2, 0], 9)),
        ({"given": {"apart": None}}, at([2, 0], 9, tau=32)),
        ({"given": {"smooth": None}}, at([2, 0], 1, LL="1/4", L=1)),
        ({"given": {"convex": None}}, at([2, 2], 1, mu=9)),
    ],
    update=UPDATE,
)
SCRIPT = Script(
    "sgd.minibatch",
    "SGD with minibatches satisfies the unified assumption, hence its theorem",
    [
        PART,
        theorem_part(
            PART, Row("sgd.minibatch", ROW, UPDATE.direction(), "g", FIRST, stars={"s2": "S"}, update=UPDATE)
        ),
    ],
)
