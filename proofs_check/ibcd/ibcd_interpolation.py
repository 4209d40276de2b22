"""Independent block coordinate descent under interpolation, the paper's step: one step and the whole run.

Setting: f is mu-strongly convex, every f_i convex and L_max-smooth, all share x*; each worker sends each block of
    its gradient with probability tau, not rescaled; 2 gamma L_max (tau + 2 (1 - tau)/n) <= 1.
Guarantee: E||x+ - x*||^2 <= (1 - gamma tau mu)||x - x*||^2.
Proof:
    A message has the mean tau g_i and, as its relative variance 1/tau - 1 says (`var`), the noise tau (1 -
    tau)||g_i||^2. With `ind` the step's square is at most gamma^2 (tau^2 + tau (1 - tau)/n) mean||g_i||^2, where
    ||mean g_i||^2 <= mean||g_i||^2 is the first square. `convex` with 2 gamma tau, the length of the mean step,
    yields the factor and -2 gamma tau (f - f*), and `each` with the same number turns all of that into gamma
    tau/L_max mean||g_i||^2. This is more than twice what the squares need within the paper's range: of the terms
    that remain one half is not touched by the range at all. ibcd.sharp uses it up.
Tight: upper: by the count above the same proof holds for steps that are twice as long.
Source: Mishchenko, Hanzely and Richtárik 2020, Theorem 1.
"""

from fractions import Fraction as F

from compth.methods.core.symbols import Within
from compth.methods.ibcd import IBCDPaper
from proofs_check._blocks import over_run, without
from proofs_check._models import coins, model, per_worker, quadratic
from proofs_check._script import Part, Script, constants, plan_of, step, symbols, text
from proofs_check._steps import BLOCKS as UPDATE

n, Lm, mu, ga = symbols("n Lm mu ga")
tau = Within("tau")
PLAN, LIMIT = plan_of(IBCDPaper(), constants(n=n, L_max=Lm, mu=mu, params={"tau": tau}), ga)
STEP, RHO = text(1 / LIMIT), text(PLAN.rho)

MOVES = UPDATE.next("x")
MOVED = UPDATE.after("sq(x - xs)", MOVES)
STATEMENT = {
    "name": "ibcd.interpolation",
    "params": "n Lm mu tau ga",
    "domain": ["Lm > 0", "mu > 0", "mu <= Lm", "n >= 1", "tau > 0", "tau <= 1", "ga > 0", f"ga*{STEP} <= 1"],
    # blocks kept with probability tau and not rescaled: mean tau g, variance tau (1 - tau) |g|^2
    "vectors": ["common x", "common xs", "family g", f"family Q ~ {UPDATE.mean('message')} @ 0"],
    "values": "f fs",
    "given": {
        "convex": "strongly_convex(f, fs, P(g), x, xs, mu)",
        "each": "cocoercive(f, fs, g, 0, x, xs, Lm)",
        "var": "variance(Q, 1/tau - 1)",
        "ind": "independent(Q, n)",
    },
    "claim": [f"{MOVED} <= {RHO}*sq(x - xs)"],
    "run": over_run("sq(x - xs)", MOVES, RHO, "xs"),
}
CLAIM, SMALL = STATEMENT["claim"][0], STATEMENT["domain"][-1]
STEPS = [
    step("1 - tau >= 0", {"tau <= 1": "1"}),
    step("1 - 2*ga*Lm*(tau + 2*(1 - tau)/n) >= 0", {SMALL: "1"}),
    step(
        "1 - ga*tau*mu >= 0",
        {SMALL: "1"},
        ["ga*tau*(Lm - mu)", "ga*tau*Lm", "4*ga*Lm*(1 - tau)/n"],
    ),
    step(
        CLAIM,
        {"convex": "2*ga*tau", "each": "2*ga*tau", "var": "ga**2/n", "ind": "ga**2/n"},
        [
            "ga**2*tau**2*sq(g - P(g))",
            "ga*tau/(2*Lm)*(1 - 2*ga*Lm*(tau + 2*(1 - tau)/n))*sq(g)",
            "ga*tau/(2*Lm)*sq(g)",
            "ga**2*tau*(1 - tau)/n*sq(g)",
        ],
    ),
]


def at(curvatures, tau, step_size, **params):
    """Interpolating quadratics in one block that every worker sends with probability tau."""
    q, tau = quadratic(curvatures, [0] * len(curvatures)), F(tau)
    prob, message = coins([tau * g for g in q["g"]], tau)
    mean = sum(map(F, curvatures)) / len(curvatures)
    base = {"n": len(curvatures), "Lm": max(curvatures) + 1, "mu": mean / 2, "tau": tau, "ga": step_size}
    vectors = {"x": q["x"], "xs": q["xs"], "g": per_worker(q["g"]), "Q": message}
    values = {"f": q["f"], "fs": q["fs"]}
    return model({**base, **params}, vectors, prob=prob, workers=len(curvatures), values=values)


TIGHT = {"Lm": 1, "mu": 1}
SCRIPT = Script(
    "ibcd.interpolation",
    "Independent blocks under interpolation",
    [
        Part(
            STATEMENT,
            STEPS,
            at([1, 3], F(1, 2), F(1, 40)),
            [
                ({"claim": [CLAIM.replace(RHO, "(1 - 2*ga*tau*mu)")]}, at([1, 1], F(1, 2), F(1, 4), **TIGHT)),
                ({"claim": [CLAIM.replace(RHO, "(1 - ga*mu)**2")]}, at([1, 1], F(1, 2), F(1, 4), **TIGHT)),
                (
                    without(STATEMENT, SMALL),
                    at([1, 1], F(1, 2), F(3), **TIGHT),
                ),
                ({"given": {"ind": None}}, at([1, 1], F(1, 10), F(2), **{**TIGHT, "n": 64})),
            ],
            update=UPDATE,
        )
    ],
)
