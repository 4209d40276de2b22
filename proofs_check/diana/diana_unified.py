"""DIANA by the unified theory: one step of V = ||x - x*||^2 + w mean||h_i - h_i*||^2, and the whole run.

Setting: f is mu-strongly convex, every f_i convex and L_max-smooth with gradient h_i* at x*; messages are of g_i -
    h_i, unbiased, independent, variance omega; alpha <= 1/(1 + omega), gamma <= 1/(L_max (1 + 6 omega/n)).
Guarantee: V = ||x - x*||^2 + w mean||h_i - h_i*||^2 with w = 4 gamma^2 omega/(n alpha) shrinks by the factor rho =
    max{1 - gamma mu, 1 - alpha/2} a step.
Proof:
    Everything is written around the gradients at x*: `optimal`, `sum` and `still` say that their mean is zero. The
    noise of the mean message is (omega/n) mean||g_i - h_i||^2, which splits into twice the shares of g_i - h_i* and
    of h_i - h_i* (the square of g + h - 2 hs). The memories' share, 2 gamma^2 omega/n, is w alpha/2, that is half
    of what the memories lose in a step: this is why w has its 4 and why 1 - alpha/2 is the second member. A
    memory's own noise is harmless since alpha (1 + omega) <= 1. The gradients' share is gamma^2 (1 + 6 omega/n)
    together with what the memories learn, w alpha; it is paid by `each` times 2 gamma, worth gamma/L_max mean||g_i
    - h_i*||^2, and `convex` times 2 gamma is the factor 1 - gamma mu.
Tight: upper: controls refute the square of rho and an eighth of the weight w.
Source: Gorbunov, Hanzely and Richtárik 2020, Section 5, the row of DIANA.
"""

from fractions import Fraction as F

from compth.methods.core.symbols import Within
from compth.methods.diana import DIANAUnified, shift_step
from proofs_check._blocks import AT_SOLUTION, CENTRING, DRAWN, over_run, without
from proofs_check._models import coins, model, per_worker, quadratic
from proofs_check._script import Part, Script, constants, members, plan_of, step, symbols, text
from proofs_check._steps import SHIFTED as UPDATE
from proofs_check._steps import remembering

n, Lm, mu, om, ga = symbols("n Lm mu om ga")
al = Within("al")
FLEET = {"omega": om, "A": om / n, "n": n, "L_max": Lm, "mu": mu}
PLAN, LIMIT = plan_of(DIANAUnified(), constants(**FLEET, params={"alpha": al}), ga)
ALPHA, STEP, WEIGHT = text(shift_step(constants(**FLEET))), text(1 / LIMIT), text(PLAN["weight"])

MOVES = UPDATE.next("x", "h")
MOVED = UPDATE.after("sq(x - xs) + w*sq(h - hs)", MOVES)
STATEMENT = {
    "name": "diana.unified",
    "params": "n Lm mu om ga al rho",
    "domain": [
        "Lm > 0",
        "mu > 0",
        "mu <= Lm",
        "om >= 0",
        "n >= 1",
        "al > 0",
        f"al <= {ALPHA}",
        "ga > 0",
        f"ga*{STEP} <= 1",
    ]
    + [f"rho >= {m}" for m in members(PLAN.rho)],
    "vectors": remembering(UPDATE),
    "values": "f fs",
    "given": {
        "convex": "strongly_convex(f, fs, P(g), x, xs, mu)",
        "each": "cocoercive(f, fs, g, hs, x, xs, Lm)",
        **AT_SOLUTION,
        **DRAWN,
    },
    "let": {"w": WEIGHT},
    "claim": [f"{MOVED} <= rho*(sq(x - xs) + w*sq(h - hs))"],
    "run": over_run("sq(x - xs) + w*sq(h - hs)", MOVES, "rho", "xs hs"),
}
CLAIM = STATEMENT["claim"][0]
SMALL_STEP, SMALL_ALPHA = f"ga*{STEP} <= 1", f"al <= {ALPHA}"
SLOW = STATEMENT["domain"][9:]
STEPS = [
    step("1 - al*(1 + om) >= 0", {SMALL_ALPHA: "1 + om"}),
    step("1 - al >= 0", {"1 - al*(1 + om) >= 0": "1"}, ["al*om"]),
    step("rho >= 0", {next(t for t in SLOW if "al" in t): "1"}, ["(1 - al) + al/2"]),
    step(
        CLAIM,
        {
            "convex": "2*ga",
            "each": "2*ga",
            **CENTRING,
            "var": "ga**2/n + w*al**2",
            "ind": "ga**2/n",
        },
        [
            "om*ga**2/n*sq(g + h - 2*hs)",
            "w*al*(1 - al*(1 + om))*sq(g - h)",
            "ga**2*sq(g - hs - P(g - hs))",
            f"ga/Lm*(1 - ga*{STEP})*sq(g - hs)",
            f"(rho - {SLOW[0].split('>= ')[1]})*" + ("sq(x - xs)" if "ga" in SLOW[0] else "w*sq(h - hs)"),
            f"(rho - {SLOW[1].split('>= ')[1]})*" + ("sq(x - xs)" if "ga" in SLOW[1] else "w*sq(h - hs)"),
        ],
    ),
]


def at(curvatures, shifts, h, p, step_size, alpha, rho, **params):
    """Bernoulli(p) messages g - h on quadratics with gradients `shifts` at the solution."""
    q = quadratic(curvatures, shifts)
    workers, mean = len(curvatures), sum(map(F, curvatures)) / len(curvatures)
    prob, message = coins([a - F(b) for a, b in zip(q["g"], h, strict=True)], p)
    base = {"n": workers, "Lm": max(curvatures) + 1, "mu": mean / 2, "om": 1 / F(p) - 1}
    base |= {"ga": step_size, "al": alpha, "rho": rho}
    vectors = {"x": q["x"], "xs": q["xs"], "g": per_worker(q["g"]), "h": per_worker(h)}
    vectors |= {"hs": per_worker(q["hs"]), "Q": message}
    return model({**base, **params}, vectors, prob=prob, workers=workers, values={"f": q["f"], "fs": q["fs"]})


TIGHT = {"Lm": 1, "mu": 1}
NEAR = at([1, 1], [1, -1], [1, -1], F(1, 2), F(1, 4), F(1, 2), F(3, 4), **TIGHT)
FAR = at([1, 1], [1, -1], [9, -9], F(1, 2), F(1, 4), F(1, 2), F(3, 4), **TIGHT)
SCRIPT = Script(
    "diana.unified",
    "DIANA: linear without a floor",
    [
        Part(
            STATEMENT,
            STEPS,
            at([1, 3], [1, -1], [2, 1], F(1, 2), F(1, 40), F(1, 4), F(99, 100)),
            [
                ({"claim": [CLAIM.replace("<= rho*", "<= rho**2*")]}, FAR),
                ({"claim": [CLAIM.replace("<= rho*", "<= (rho - ga*mu)*")]}, FAR),
                ({"let": {"w": f"{WEIGHT}/8"}}, FAR),
                (
                    without(STATEMENT, SMALL_ALPHA),
                    at([1, 1], [1, -1], [9, -9], F(1, 4), F(1, 10), F(2), F(9, 10), **TIGHT),
                ),
                (
                    {"given": {"ind": None}},
                    at([1, 1], [1, -1], [9, -9], F(1, 2), F(1, 16), F(1, 2), F(15, 16), **{**TIGHT, "n": 32}),
                ),
            ],
            update=UPDATE,
        )
    ],
)
