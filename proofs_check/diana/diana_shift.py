"""DIANA with strongly convex workers (omega version): one step of its Lyapunov function, and the whole run.

Setting: every f_i is mu-strongly convex and L-smooth; messages of g_i - h_i, unbiased, independent, variance omega;
    any alpha <= 1/(1 + omega), gamma <= min{2/((mu + L)(1 + 6 omega/n)), alpha/(2 mu)}.
Guarantee: V = ||x - x*||^2 + w mean||h_i - h_i*||^2 with w = 4 gamma^2 omega/(n alpha) shrinks by the factor 1 -
    gamma mu a step.
Proof:
    For general alpha the memories cannot be relied on to cancel the noise (at alpha = 1/(1 + omega) they give
    nothing), so (omega/n) mean||g_i - h_i||^2 is split at h_i*. One half is 2 gamma^2 omega/n mean||h_i - h_i*||^2:
    it is charged to the memories' loss w alpha, takes half of it by the choice of w, and leaves w (alpha/2 - gamma
    mu), a term, by the second limit of gamma. The other half, with gamma^2 of the mean gradient and the w alpha
    that memories learn, makes gamma^2 (1 + 6 omega/n) of mean||g_i - h_i*||^2. Workers are strongly convex here, so
    `convex` times 2 gamma/(mu + L) bounds gradients and distance at once; `var` carries gamma^2/n for x and w
    alpha^2 for the memories, and the centring relations `optimal`, `sum`, `still` stay.
Tight: upper: controls refute 1 - 3 gamma mu, the fourth power of the factor, and an eighth of the weight.
Source: Horváth, Kovalev, Mishchenko, Stich and Richtárik 2019, Theorem 1; our constants.
"""

from fractions import Fraction as F

from compth.methods.core.symbols import Within
from compth.methods.diana import DIANAShift, shift_step
from proofs_check._blocks import AT_SOLUTION, CENTRING, DRAWN, over_run, without
from proofs_check._script import Part, Script, constants, plan_of, step, symbols, text
from proofs_check._steps import SHIFTED as UPDATE
from proofs_check._steps import remembering
from proofs_check.diana.diana_unified import at as unified_at

n, L, mu, om, ga = symbols("n L mu om ga")
al = Within("al")
FLEET = {"omega": om, "A": om / n, "n": n, "L_max": L, "mu_min": mu}
PLAN, LIMIT = plan_of(DIANAShift(), constants(**FLEET, params={"alpha": al}), ga)
[MEMORY] = [m for m in LIMIT.args if m.has(al)]
[MOVE] = set(LIMIT.args) - {MEMORY}
RHO, WEIGHT, ALPHA = text(PLAN.rho), text(PLAN["weight"]), text(shift_step(constants(**FLEET)))
SHORT, SMALL, SMALL_ALPHA = f"ga <= {text(MEMORY)}", f"ga*{text(1 / MOVE)} <= 1", f"al <= {ALPHA}"

MOVES = UPDATE.next("x", "h")
MOVED = UPDATE.after("sq(x - xs) + w*sq(h - hs)", MOVES)
STATEMENT = {
    "name": "diana.shift",
    "params": "n L mu om ga al",
    "domain": [
        "L > 0",
        "mu > 0",
        "mu <= L",
        "om >= 0",
        "n >= 1",
        "al > 0",
        SMALL_ALPHA,
        "ga > 0",
        SMALL,
        SHORT,
    ],
    "vectors": remembering(UPDATE),
    "given": {
        "convex": "coercive(g, hs, x, xs, mu, L)",
        **AT_SOLUTION,
        **DRAWN,
    },
    "let": {"w": WEIGHT},
    "claim": [f"{MOVED} <= {RHO}*(sq(x - xs) + w*sq(h - hs))"],
    "run": over_run("sq(x - xs) + w*sq(h - hs)", MOVES, RHO, "xs hs"),
}
CLAIM = STATEMENT["claim"][0]
STEPS = [
    step("1 - al*(1 + om) >= 0", {SMALL_ALPHA: "1 + om"}),
    step("1 - al >= 0", {"1 - al*(1 + om) >= 0": "1"}, ["al*om"]),
    step("al/2 - ga*mu >= 0", {SHORT: "mu"}),
    step(f"{RHO} >= 0", {"al/2 - ga*mu >= 0": "1", "1 - al >= 0": "1/2"}, ["1/2"]),
    step(
        CLAIM,
        {
            "convex": "2*ga/(mu + L)",
            **CENTRING,
            "var": "ga**2/n + w*al**2",
            "ind": "ga**2/n",
        },
        [
            "om*ga**2/n*sq(g + h - 2*hs)",
            "w*al*(1 - al*(1 + om))*sq(g - h)",
            "ga**2*sq(g - hs - P(g - hs))",
            f"2*ga/(mu + L)*(1 - ga*{text(1 / MOVE)})*sq(g - hs)",
            "ga*mu*(L - mu)/(mu + L)*sq(x - xs)",
            "w*(al/2 - ga*mu)*sq(h - hs)",
        ],
    ),
]


def at(*arguments, **params):
    """The model of `diana.unified` without its values; every f_i has curvature between mu and L."""
    found = unified_at(*arguments, rho=1)
    kept = {k: v for k, v in found["params"].items() if k not in ("rho", "Lm")}
    found["params"] = {**kept, "L": found["params"]["Lm"], **{k: str(v) for k, v in params.items()}}
    return {k: v for k, v in found.items() if k != "values"}


EQUAL = {"L": 1, "mu": 1}
FAR = ([1, 1], [1, -1], [9, -9], F(1, 2))
SCRIPT = Script(
    "diana.shift",
    "DIANA with strongly convex workers",
    [
        Part(
            STATEMENT,
            STEPS,
            at([1, 3], [1, -1], [2, 1], F(1, 2), F(1, 40), F(1, 4), mu=F(1, 2)),
            [
                (
                    {"claim": [CLAIM.replace(f"<= {RHO}*", "<= (1 - 3*ga*mu)*")]},
                    at(*FAR, F(1, 4), F(1, 2), **EQUAL),
                ),
                (
                    {"claim": [CLAIM.replace(f"<= {RHO}*", f"<= {RHO}**4*")]},
                    at(*FAR, F(1, 4), F(1, 2), **EQUAL),
                ),
                ({"let": {"w": f"{WEIGHT}/8"}}, at(*FAR, F(1, 4), F(1, 2), **EQUAL)),
                (
                    without(STATEMENT, SMALL_ALPHA, SHORT),
                    at([1, 1], [1, -1], [9, -9], F(1, 4), F(1, 10), F(2), **EQUAL),
                ),
            ],
            update=UPDATE,
        )
    ],
)
