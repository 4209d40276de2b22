"""Quantised gradients without memory: strongly convex workers, one step and the whole run.

Setting: every f_i is mu-strongly convex and L-smooth with its own gradient h_i at x*; independent unbiased messages
    of variance omega; gamma (1 + 2 omega/n)(mu + L)/2 <= 1.
Guarantee: E||x+ - x*||^2 <= (1 - gamma mu)||x - x*||^2 + 2 gamma^2 (omega/n) zeta*^2.
Proof:
    The h_i have mean zero, so `optimal`, `sum` and `still` replace <grad f, z> by mean<g_i - h_i, z> and ||grad
    f||^2 by ||mean(g_i - h_i)||^2 <= mean||g_i - h_i||^2. `convex` times 2 gamma/(mu + L) says that the cross term
    pays for 2 gamma/(mu + L) mean||g_i - h_i||^2 and for 2 gamma mu L/(mu + L)||z||^2. The second is at least gamma
    mu ||z||^2 as L >= mu; the rest of it is a term. The noise is (omega/n) mean||g_i||^2 by `var` and `ind`, at
    most twice the shares of g_i - h_i and of h_i (the square |g - 2 hs|^2 is given away): the h_i make the floor,
    the g_i - h_i are paid for as long as gamma (1 + 2 omega/n) <= 2/(mu + L), the range of the step.
Tight: upper: a control shows that a quarter of the floor would be false.
Source: Mishchenko, Gorbunov, Takáč and Richtárik 2019, Theorem 10.
"""

from fractions import Fraction as F

from compth.methods.dcgd import NoMemory
from proofs_check._blocks import AT_SOLUTION, CENTRING, DRAWN, over_run
from proofs_check._script import Part, Script, constants, plan_of, step, symbols, text
from proofs_check._steps import SENT as UPDATE
from proofs_check.dcgd.dcgd_general import at as general_at

n, L, mu, om, ga, zeta2 = symbols("n L mu om ga zeta2")
FLEET = constants(omega=om, A=om / n, n=n, L_max=L, mu_min=mu, zeta2_star=zeta2)
PLAN, LIMIT = plan_of(NoMemory(), FLEET, ga)
RHO, NOISE, STEP = text(PLAN.rho), text(PLAN.floor * (1 - PLAN.rho)), text(1 / LIMIT)
SMALL = f"ga*{STEP} <= 1"

MOVES = UPDATE.next("x")
MOVED = UPDATE.after("sq(x - xs)", MOVES)
STATEMENT = {
    "name": "dcgd.no_memory",
    "params": "n L mu om ga",
    "domain": ["L > 0", "mu > 0", "mu <= L", "om >= 0", "n >= 1", "ga > 0", SMALL],
    "vectors": ["common x", "common xs", "family g", "family hs", f"family Q ~ {UPDATE.mean('message')} @ 0"],
    "let": {"zeta2": "sq(hs)"},
    "given": {
        "convex": "coercive(g, hs, x, xs, mu, L)",
        **AT_SOLUTION,
        **DRAWN,
    },
    "claim": [f"{MOVED} <= {RHO}*sq(x - xs) + {NOISE}"],
    "run": over_run("sq(x - xs)", MOVES, RHO, "xs hs", noise=NOISE),
}
CLAIM = STATEMENT["claim"][0]
STEPS = [
    step("1 - ga*(mu + L)/2 >= 0", {SMALL: "1"}, ["ga*(mu + L)*om/n"]),
    step(f"{RHO} >= 0", {"1 - ga*(mu + L)/2 >= 0": "1"}, ["ga*(L - mu)/2"]),
    step(
        CLAIM,
        {
            "convex": "2*ga/(mu + L)",
            **CENTRING,
            "var": "ga**2/n",
            "ind": "ga**2/n",
        },
        [
            "om*ga**2/n*sq(g - 2*hs)",
            "ga**2*sq(g - hs - P(g - hs))",
            f"2*ga/(mu + L)*(1 - ga*{STEP})*sq(g - hs)",
            "ga*mu*(L - mu)/(mu + L)*sq(x - xs)",
        ],
    ),
]


def at(curvatures, shifts, p, step_size, **params):
    """The model of `dcgd.general` with this theorem's constants."""
    found = general_at(curvatures, shifts, p, step_size)
    base = {
        "n": len(shifts),
        "L": max(curvatures) + 1,
        "mu": F(min(curvatures), 2),
        "om": 1 / F(p) - 1,
        "ga": step_size,
    }
    found["params"] = {k: str(v) for k, v in {**base, **params}.items()}
    return {k: v for k, v in found.items() if k != "values"}


EQUAL = {"L": 1, "mu": 1}
ALIKE = ([1, 1], [-4, 4], F(1, 2), F(1, 2))
SCRIPT = Script(
    "dcgd.no_memory",
    "quantised gradients without memory: linear to a floor",
    [
        Part(
            STATEMENT,
            STEPS,
            at([1, 3], [1, -1], F(1, 2), F(1, 20)),
            [
                ({"claim": [CLAIM.replace(NOISE, f"{NOISE}/4")]}, at(*ALIKE, **EQUAL)),
                ({"claim": [CLAIM.replace(NOISE, "0")]}, at(*ALIKE, **EQUAL)),
                ({"given": {"ind": None}}, at(*ALIKE, **{**EQUAL, "n": 64})),
                (
                    {"claim": [CLAIM.replace(RHO, "(1 - 4*ga*mu)")]},
                    at([1, 1], [1, -1], F(1, 2), F(1, 2), **EQUAL),
                ),
            ],
            update=UPDATE,
        )
    ],
)
