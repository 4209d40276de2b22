"""Independent block coordinate descent under interpolation, twice the paper's step: one step and the whole run.

Setting: f is mu-strongly convex and L-smooth, every f_i convex and L_max-smooth, all share x*; blocks are sent with
    probability tau; gamma (tau L + (1 - tau) L_max/n) <= 1.
Guarantee: E||x+ - x*||^2 <= (1 - gamma tau mu)||x - x*||^2.
Proof:
    The square of the step is gamma^2 tau^2||grad f||^2 plus the noise gamma^2 tau (1 - tau)/n mean||g_i||^2 (`var`,
    `ind`), and the two are paid apart, out of the 2 gamma tau (f - f*) that `convex` leaves. `each`, ||g_i||^2 <= 2
    L_max (f - f*) in the mean, takes the share gamma (1 - tau) L_max/n of it for the noise, to the last bit. The
    rest of it goes into `smooth`, ||grad f||^2 <= 2 L (f - f*), with the smoothness of f instead of the workers',
    and what is over after gamma^2 tau^2||grad f||^2 is the only term: the range of gamma is the condition that it
    be nonnegative. At tau = 1 this is gamma L <= 1.
Tight: upper: controls refute 1 - 2 gamma tau mu and a step three times as long.
Source: Mishchenko, Hanzely and Richtárik 2020; the longer step is ours.
"""

from fractions import Fraction as F

from compth.methods.core.symbols import Within
from compth.methods.ibcd import IBCDSharp
from proofs_check._blocks import without
from proofs_check._script import Part, Script, constants, plan_of, step, symbols, text
from proofs_check._steps import BLOCKS as UPDATE
from proofs_check.ibcd import ibcd_interpolation as paper

n, L, Lm, mu, ga = symbols("n L Lm mu ga")
tau = Within("tau")
PLAN, LIMIT = plan_of(IBCDSharp(), constants(n=n, L=L, L_max=Lm, mu=mu, params={"tau": tau}), ga)
STEP, RHO = text(1 / LIMIT), text(PLAN.rho)

STATEMENT = {
    **paper.STATEMENT,
    "name": "ibcd.sharp",
    "params": "n L Lm mu tau ga",
    "domain": [
        "L > 0",
        "Lm > 0",
        "mu > 0",
        "mu <= L",
        "n >= 1",
        "tau > 0",
        "tau <= 1",
        "ga > 0",
        f"ga*{STEP} <= 1",
    ],
    "given": {**paper.STATEMENT["given"], "smooth": "cocoercive(f, fs, P(g), 0, x, xs, L)"},
    "claim": [f"{paper.MOVED} <= {RHO}*sq(x - xs)"],
    "run": {**paper.STATEMENT["run"], "rate": RHO},
}
CLAIM, SMALL = STATEMENT["claim"][0], STATEMENT["domain"][-1]
SHARE = "ga*(1 - tau)*Lm/n"
STEPS = [
    step("1 - tau >= 0", {"tau <= 1": "1"}),
    step(f"1 - ga*tau*L - {SHARE} >= 0", {SMALL: "1"}),
    step(f"1 - {SHARE} >= 0", {SMALL: "1"}, ["ga*tau*L"]),
    step("1 - ga*tau*mu >= 0", {SMALL: "1"}, ["ga*tau*(L - mu)", SHARE]),
    step(
        CLAIM,
        {
            "convex": "2*ga*tau",
            "smooth": f"2*ga*tau*(1 - {SHARE})",
            "each": f"2*ga*tau*{SHARE}",
            "var": "ga**2/n",
            "ind": "ga**2/n",
        },
        [f"ga*tau/L*(1 - ga*tau*L - {SHARE})*sq(P(g))"],
    ),
]


def at(curvatures, tau, step_size, **params):
    """The model of `ibcd.interpolation` with the mean's smoothness."""
    return paper.at(curvatures, tau, step_size, L=sum(map(F, curvatures)) / len(curvatures) + 1, **params)


def tight(tau, step_size, **params):
    found = paper.at([1, 1], tau, step_size, Lm=1, mu=1, **params)
    found["params"]["L"] = "1"
    return found


SCRIPT = Script(
    "ibcd.sharp",
    "Independent blocks under interpolation, the longer step",
    [
        Part(
            STATEMENT,
            STEPS,
            at([1, 3], F(1, 2), F(1, 20)),
            [
                ({"claim": [CLAIM.replace(RHO, "(1 - 2*ga*tau*mu)")]}, tight(F(1, 2), F(1, 2))),
                ({"claim": [CLAIM.replace(RHO, "(1 - ga*mu)**2")]}, tight(F(1, 2), F(1, 2))),
                (without(STATEMENT, SMALL), tight(F(1, 2), F(3))),
                ({"given": {"ind": None}}, tight(F(1, 10), F(2), n=64)),
            ],
            update=UPDATE,
        )
    ],
)
