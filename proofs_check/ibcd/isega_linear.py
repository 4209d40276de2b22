"""ISEGA: one step of its Lyapunov function, and the whole run.

Setting: f is mu-strongly convex, every f_i convex and L_max-smooth with gradient h_i* at x*; each worker sends each
    block of g_i - h_i with probability tau and puts it into its memory; gamma <= min{1/(4 L_max (1 + 1/(n tau))),
    1/(mu/tau + 4 L_max/(n tau))}.
Guarantee: ||x - x*||^2 + w mean||h_i - h_i*||^2 with w = gamma/(2 L_max tau) shrinks by the factor 1 - gamma mu in
    the mean.
Proof:
    DIANA with alpha = tau = 1/(1 + omega): a sent block of the memory is replaced, so the memory gives nothing back
    and its mean square error is (1 - tau) of the old plus tau mean||g_i - h_i*||^2 exactly. `each` with 2 gamma is
    worth gamma/L_max mean||g_i - h_i*||^2. Half of it is w tau, what the memories learn: that fixes w. The other
    half pays gamma^2 of the mean gradient and one part of the noise (1/tau - 1)/n mean||g_i - h_i||^2, which is
    split at h_i*; the other part is charged to the memories, whose loss w tau has to cover gamma mu w and 2
    gamma^2/(n tau). These two budgets are the two limits of gamma; both have a little over, the terms with 2/n.
Tight: upper: controls refute 1 - 3 gamma mu, the cube of the factor and a weight 32 times smaller.
Source: Mishchenko, Hanzely and Richtárik 2020, the theorem on ISEGA.
"""

from fractions import Fraction as F

from compth.methods.core.symbols import Within
from compth.methods.isega import ISEGA, ISEGARate
from proofs_check._blocks import AT_SOLUTION, CENTRING, over_run
from proofs_check._script import Part, Script, constants, plan_of, step, symbols, text
from proofs_check._steps import remembering
from proofs_check._update import Update
from proofs_check.diana.diana_unified import at as unified_at

n, Lm, mu, ga = symbols("n Lm mu ga")
tau = Within("tau")
PLAN, LIMIT = plan_of(ISEGARate(), constants(n=n, L_max=Lm, mu=mu, params={"alpha": tau}), ga)
[MEMORY] = [m for m in LIMIT.args if m.has(mu)]
[MOVE] = set(LIMIT.args) - {MEMORY}
RHO, WEIGHT = text(PLAN.rho), text(PLAN["weight"])
SMALL, SHORT = f"ga*{text(1 / MOVE)} <= 1", f"ga*{text(1 / MEMORY)} <= 1"

UPDATE = Update(ISEGA, {"gradient": "g", "message": "Q"}, {"gamma": "ga", "alpha": "tau"}, own={"tau": "tau"})
MOVES, POTENTIAL = UPDATE.next("x", "h"), "sq(x - xs) + w*sq(h - hs)"
STATEMENT = {
    "name": "isega.linear",
    "params": "n Lm mu tau ga",
    "domain": ["Lm > 0", "mu > 0", "mu <= Lm", "n >= 1", "tau > 0", "tau <= 1", "ga > 0", SMALL, SHORT],
    # the kept blocks divided by tau: unbiased with omega = 1/tau - 1; the shift takes them undivided
    "vectors": remembering(UPDATE),
    "values": "f fs",
    "given": {
        "convex": "strongly_convex(f, fs, P(g), x, xs, mu)",
        "each": "cocoercive(f, fs, g, hs, x, xs, Lm)",
        **AT_SOLUTION,
        "var": "variance(Q, 1/tau - 1)",
        "ind": "independent(Q, n)",
    },
    "let": {"w": WEIGHT},
    "claim": [f"{UPDATE.after(POTENTIAL, MOVES)} <= {RHO}*(sq(x - xs) + w*sq(h - hs))"],
    "run": over_run(POTENTIAL, MOVES, RHO, "xs hs"),
}
CLAIM = STATEMENT["claim"][0]
STEPS = [
    step("1 - tau >= 0", {"tau <= 1": "1"}),
    step("1 - 4*ga*Lm - 4*ga*Lm/(n*tau) >= 0", {SMALL: "1"}),
    step("tau - ga*mu - 4*ga*Lm/n >= 0", {SHORT: "tau"}),
    step(
        "1 - ga*mu >= 0",
        {"1 - 4*ga*Lm - 4*ga*Lm/(n*tau) >= 0": "1"},
        ["ga*(Lm - mu)", "3*ga*Lm", "4*ga*Lm/(n*tau)"],
    ),
    step(
        CLAIM,
        {
            "convex": "2*ga",
            "each": "2*ga",
            **CENTRING,
            "var": "ga**2/n + w*tau**2",
            "ind": "ga**2/n",
        },
        [
            "(1 - tau)/tau*ga**2/n*sq(g + h - 2*hs)",
            "ga**2*sq(g - hs - P(g - hs))",
            "ga/(2*Lm)*(1 - 4*ga*Lm - 4*ga*Lm/(n*tau))*sq(g - hs)",
            "ga**2*(1 + 2/n)*sq(g - hs)",
            "w*(tau - ga*mu - 4*ga*Lm/n)*sq(h - hs)",
            "2*ga**2/n*sq(h - hs)",
        ],
    ),
]


def at(curvatures, shifts, h, tau, step_size, **params):
    """The model of `diana.unified` with p = alpha = tau."""
    found = unified_at(curvatures, shifts, h, tau, step_size, tau, 1)
    kept = {k: v for k, v in found["params"].items() if k in ("n", "Lm", "mu", "ga")}
    found["params"] = {**kept, "tau": str(F(tau)), **{k: str(v) for k, v in params.items()}}
    return found


EQUAL = {"Lm": 1, "mu": 1}
FAR = ([1, 1], [1, -1], [9, -9], F(1, 2))
NEAR = ([1, 1], [1, -1], [1, -1], F(1, 2))
SCRIPT = Script(
    "isega.linear",
    "ISEGA: linear without a floor",
    [
        Part(
            STATEMENT,
            STEPS,
            at([1, 3], [1, -1], [2, 1], F(1, 2), F(1, 60)),
            [
                ({"claim": [CLAIM.replace(f"<= {RHO}*", "<= (1 - 3*ga*mu)*")]}, at(*NEAR, F(1, 10), **EQUAL)),
                ({"claim": [CLAIM.replace(f"<= {RHO}*", f"<= {RHO}**3*")]}, at(*NEAR, F(1, 10), **EQUAL)),
                ({"let": {"w": f"{WEIGHT}/32"}}, at(*FAR, F(1, 10), **EQUAL)),
                ({"given": {"ind": None}}, at(*FAR[:3], F(1, 20), F(1, 25), **{**EQUAL, "n": 1000})),
            ],
            update=UPDATE,
        )
    ],
)
