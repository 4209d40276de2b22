"""DIANA, f strongly convex and every f_i convex: a rate for any step and alpha; one step and the whole run.

Setting: f is mu-strongly convex and L-smooth, every f_i convex and L-smooth only; messages of g_i - h_i, variance
    omega; any gamma, any alpha < 1/(1 + omega).
Guarantee: V of diana.tight shrinks by the factor rho, the largest of 1 - alpha, (1 - gamma mu)^2 + Omega gamma^2 mu L
    and (1 - gamma L)^2 + Omega gamma^2 L^2, Omega = omega/(n (1 - alpha (1 + omega))).
Proof:
    The weight w is diana.tight's, so noise and memories cancel in the same way, and Omega gamma^2 mean||g_i -
    h_i*||^2 is left to be bounded without strong convexity of the workers. `each` with gamma^2 Omega does it: a
    convex L-smooth f_i has ||g_i - h_i*||^2 <= L <g_i - h_i*, x - x*>, whose mean is L <grad f, x - x*> because the
    h_i* have mean zero (`optimal` with -gamma^2 L Omega). The step is now a form in x - x* and grad f, and
    `convex`, of f, with two squares shares it out: its values at grad f = mu (x - x*) and L (x - x*) are the
    members of rho, and what rho exceeds them by are the squares' weights.
Tight: upper; at L = 2 mu a control attains it, half of the workers flat and half of curvature L, memories learnt.
Source: ours.
"""

from fractions import Fraction as F

from compth.methods.core.closed_forms import convex_factor, diana_excess
from proofs_check._blocks import without
from proofs_check._script import Part, Script, members, step
from proofs_check._steps import SHIFTED as UPDATE
from proofs_check.diana import diana_tight as tight
from proofs_check.diana.diana_tight import (
    EXCESS,
    LEARNT,
    MEMORIES,
    MEMORY,
    STRANGE,
    WEIGHT,
    L,
    al,
    at,
    ga,
    mu,
    n,
    om,
)

SLOW = members(convex_factor(mu, L, diana_excess(om, n, al), ga))
[AT_L] = [m for m in SLOW if not m.count("mu")]
[AT_MU] = set(SLOW) - {AT_L}
STATEMENT = {
    **tight.STATEMENT,
    "name": "diana.convex",
    "domain": [
        *["mu > 0", "L > mu", "om >= 0", "n >= 1", "ga > 0", "al > 0", "al*(1 + om) < 1"],
        *[f"rho >= {m}" for m in (AT_MU, AT_L)],
        MEMORY,
    ],
    "given": {
        "convex": "coercive(P(g), 0, x, xs, mu, L)",
        "each": "coercive(g, hs, x, xs, 0, L)",
        **{k: v for k, v in tight.STATEMENT["given"].items() if k in ("optimal", "var", "ind")},
    },
}
CLAIM = STATEMENT["claim"][0]
STEPS = [
    *tight.STEPS[:3],
    step(
        CLAIM,
        {
            "convex": f"ga**2 + ((rho - {AT_MU}) + (rho - {AT_L}))/(L - mu)**2",
            "each": f"ga**2*{EXCESS}",
            "optimal": f"-ga**2*L*{EXCESS}",
            "var": "ga**2/n + w*al**2",
            "ind": "ga**2/n",
        },
        [
            f"(rho - {AT_MU})/(L - mu)**2*sq(L*(x - xs) - P(g))",
            f"(rho - {AT_L})/(L - mu)**2*sq(P(g) - mu*(x - xs))",
            "(rho - (1 - al))*w*sq(h - hs)",
        ],
    ),
]


# Omega = 1; half of the workers flat, the others of curvature L = 2: f has mu = 1, and at gamma = 1/16 the factor is
SLOWEST = F(225, 256) + F(2, 256)
SCRIPT = Script(
    "diana.convex",
    "DIANA with convex workers: a rate in closed form",
    [
        Part(
            STATEMENT,
            STEPS,
            at([F(1, 2), 2], [5, -1], F(1, 8), F(19, 20)),
            [
                (
                    {"claim": [CLAIM.replace("<= rho*", "<= (99/100)*rho*")]},
                    at([0, 2], LEARNT, F(1, 16), SLOWEST),
                ),
                (without(STATEMENT, f"rho >= {AT_MU}"), at([0, 2], LEARNT, F(1, 16), F(4, 5))),
                (without(STATEMENT, f"rho >= {AT_L}"), at([2, 2], LEARNT, F(1, 2), F(3, 4))),
                (without(STATEMENT, f"rho >= {MEMORIES}"), at([1, 1], STRANGE, F(1, 4), F(11, 16))),
                ({"let": {"w": f"{WEIGHT}/2"}}, at([1, 1], STRANGE, F(1, 4), F(3, 4))),
            ],
            update=UPDATE,
        )
    ],
)
