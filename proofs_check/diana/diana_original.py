"""DIANA with the original paper's recommended parameters: one step of its Lyapunov function, and the whole run.

Setting: every f_i is mu-strongly convex and L-smooth; messages of g_i - h_i, unbiased, independent, variance omega;
    alpha = 1/(2 (1 + omega)), gamma <= min{2/((mu + L)(1 + 2 omega/n)), alpha/mu}.
Guarantee: V = ||x - x*||^2 + w mean||h_i - h_i*||^2 with w = 4 gamma^2 omega (1 + omega)/n shrinks by the factor 1 -
    gamma mu a step.
Proof:
    A memory that learns with alpha has w alpha (1 - alpha (1 + omega)) mean||g_i - h_i||^2 to give. At alpha = 1/(2
    (1 + omega)) this is w alpha/2, and w = 4 gamma^2 omega (1 + omega)/n makes it gamma^2 omega/n, exactly the
    noise of the mean message that `var` and `ind` leave. So the noise cancels and nothing has to be split: unlike
    diana.shift there is no square of g + h - 2 hs. What remains of the memories is the factor 1 - alpha <= 1 -
    gamma mu, by the second limit of gamma, and they pass on w alpha = 2 gamma^2 omega/n of mean||g_i - h_i*||^2.
    `convex` times 2 gamma/(mu + L) pays these gamma^2 (1 + 2 omega/n) and keeps 2 gamma mu L/(mu + L) >= gamma mu
    for the distance.
Tight: upper: controls refute 1 - 3 gamma mu, the fourth power of the factor, and an eighth of the weight.
Source: Mishchenko, Gorbunov, Takáč and Richtárik 2019, Theorem 1 and Corollary 1.
"""

from fractions import Fraction as F

from compth.methods.diana import DIANAOriginal
from proofs_check._blocks import AT_SOLUTION, CENTRING, DRAWN, over_run
from proofs_check._script import Part, Script, constants, plan_of, step, symbols, text
from proofs_check._steps import SHIFTED as UPDATE
from proofs_check._steps import remembering
from proofs_check.diana.diana_shift import at as shift_at

n, L, mu, om, ga = symbols("n L mu om ga")
PLAN, LIMIT = plan_of(DIANAOriginal(), constants(omega=om, A=om / n, n=n, L_max=L, mu_min=mu), ga)
[MEMORY] = [m for m in LIMIT.args if not m.has(n)]
[MOVE] = set(LIMIT.args) - {MEMORY}
RHO, WEIGHT, ALPHA = text(PLAN.rho), text(PLAN["weight"]), text(PLAN["alpha"])
SHORT, SMALL = f"ga <= {text(MEMORY)}", f"ga*{text(1 / MOVE)} <= 1"

MOVES = UPDATE.next("x", "h")
MOVED = UPDATE.after("sq(x - xs) + w*sq(h - hs)", MOVES)
STATEMENT = {
    "name": "diana.original",
    "params": "n L mu om ga",
    "domain": ["L > 0", "mu > 0", "mu <= L", "om >= 0", "n >= 1", "ga > 0", SMALL, SHORT],
    "vectors": remembering(UPDATE),
    "given": {
        "convex": "coercive(g, hs, x, xs, mu, L)",
        **AT_SOLUTION,
        **DRAWN,
    },
    "let": {"al": ALPHA, "w": WEIGHT},
    "claim": [f"{MOVED} <= {RHO}*(sq(x - xs) + w*sq(h - hs))"],
    "run": over_run("sq(x - xs) + w*sq(h - hs)", MOVES, RHO, "xs hs"),
}
CLAIM = STATEMENT["claim"][0]
STEPS = [
    step("al - ga*mu >= 0", {SHORT: "mu"}),
    step(f"{RHO} >= 0", {"al - ga*mu >= 0": "1"}, ["(1 + 2*om)/(2*(1 + om))"]),
    step(
        CLAIM,
        {
            "convex": "2*ga/(mu + L)",
            **CENTRING,
            "var": "ga**2/n + w*al**2",
            "ind": "ga**2/n",
        },
        [
            "ga**2*sq(g - hs - P(g - hs))",
            f"2*ga/(mu + L)*(1 - ga*{text(1 / MOVE)})*sq(g - hs)",
            "ga*mu*(L - mu)/(mu + L)*sq(x - xs)",
            "w*(al - ga*mu)*sq(h - hs)",
        ],
    ),
]


def at(curvatures, shifts, h, p, step_size, **params):
    """The model of `diana.shift`, without its alpha."""
    found = shift_at(curvatures, shifts, h, p, step_size, 1, **params)
    found["params"] = {k: v for k, v in found["params"].items() if k != "al"}
    return found


EQUAL = {"L": 1, "mu": 1}
FAR = ([1, 1], [1, -1], [9, -9], F(1, 2))
SCRIPT = Script(
    "diana.original",
    "DIANA, the recommended parameters of its paper",
    [
        Part(
            STATEMENT,
            STEPS,
            at([1, 3], [1, -1], [2, 1], F(1, 2), F(1, 40), mu=F(1, 2)),
            [
                (
                    {"claim": [CLAIM.replace(f"<= {RHO}*", "<= (1 - 3*ga*mu)*")]},
                    at(*FAR, F(1, 4), **EQUAL),
                ),
                (
                    {"claim": [CLAIM.replace(f"<= {RHO}*", f"<= {RHO}**4*")]},
                    at(*FAR, F(1, 4), **EQUAL),
                ),
                ({"let": {"al": ALPHA, "w": f"{WEIGHT}/8"}}, at(*FAR, F(1, 4), **EQUAL)),
                ({"given": {"ind": None}}, at(*FAR, F(1, 4), **{**EQUAL, "n": 32})),
            ],
            update=UPDATE,
        )
    ],
)
