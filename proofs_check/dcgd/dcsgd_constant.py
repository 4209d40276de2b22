"""DCSGD with an unbiased compressor and a constant step; floor from D = 2 L_max mean(f_i(x*) - min f_i).

Setting: f is mu-strongly convex, every f_i convex and L_max-smooth with a minimum of its own; independent unbiased
    messages of variance omega; gamma <= 1/(2 L_max (1 + omega/n)).
Symbols: y: the workers' own minimisers; fm: mean of the least values of the f_i; D: 2 L_max (f* - fm)
Guarantee: E||x+ - x*||^2 <= (1 - gamma mu)||x - x*||^2 + gamma^2 (omega/n) D, D = 2 L_max mean(f_i(x*) - min f_i).
Proof:
    The noise of the mean message is (omega/n) mean||g_i||^2 by `var` and `ind`. A worker's gradient is compared
    with its own minimum and not with x*: `each` gives ||g_i||^2 <= 2 L_max (f_i - min f_i), whose mean is 2 L_max
    ((f - f*) + (f* - fm)); the second part is D, the floor. ||grad f||^2 <= 2 L_max (f - f*) is `smooth`. Strong
    convexity, `convex` times 2 gamma, leaves -2 gamma (f - f*), of which 2 gamma^2 L_max (1 + omega/n) are spent.
    The theorem's range spends at most half of it: both remaining terms are multiples of f - f*, the second one
    untouched, so that the same proof would allow twice the step.
Tight: upper: a control refutes a quarter of the floor.
Source: Horváth and Richtárik 2021; the theorem for a constant step is ours.
"""

from fractions import Fraction as F

from compth.methods.core.dcsgd import DCSGDConstant
from proofs_check._blocks import DRAWN, over_run
from proofs_check._models import coins, model, per_worker, quadratic
from proofs_check._script import Part, Script, constants, plan_of, step, symbols, text
from proofs_check._steps import SENT as UPDATE

n, Lm, mu, om, ga, D = symbols("n Lm mu om ga D")
PLAN, LIMIT = plan_of(DCSGDConstant(), constants(omega=om, A=om / n, n=n, L_max=Lm, mu=mu, D=D), ga)
RHO, NOISE, STEP = text(PLAN.rho), text(PLAN.floor * (1 - PLAN.rho)), text(1 / LIMIT)
SMALL = f"ga*{STEP} <= 1"

MOVES = UPDATE.next("x")
MOVED = UPDATE.after("sq(x - xs)", MOVES)
STATEMENT = {
    "name": "dcsgd.constant",
    "title": "fm the mean of the least values of the f_i, attained at the y_i",
    "params": "n Lm mu om ga",
    "domain": ["Lm > 0", "mu > 0", "mu <= Lm", "om >= 0", "n >= 1", "ga > 0", SMALL],
    "vectors": ["common x", "common xs", "family y", "family g", f"family Q ~ {UPDATE.mean('message')} @ 0"],
    "values": "f fs fm",
    "let": {"D": "2*Lm*(fs - fm)"},
    "given": {
        "convex": "strongly_convex(f, fs, P(g), x, xs, mu)",
        "smooth": "cocoercive(f, fs, P(g), 0, x, xs, Lm)",
        "each": "cocoercive(f, fm, g, 0, x, y, Lm)",
        "low": "least(f, fs)",
        "lowest": "least(fs, fm)",
        **DRAWN,
    },
    "claim": [f"{MOVED} <= {RHO}*sq(x - xs) + {NOISE}"],
    "run": over_run("sq(x - xs)", MOVES, RHO, "xs fs fm", noise=NOISE),
}
CLAIM = STATEMENT["claim"][0]
STEPS = [
    step(f"{RHO} >= 0", {SMALL: "1"}, ["ga*(Lm - mu)", "ga*Lm", "2*ga*Lm*om/n"]),
    step(
        CLAIM,
        {
            "convex": "2*ga",
            "smooth": "2*Lm*ga**2",
            "each": "2*Lm*ga**2*om/n",
            "var": "ga**2/n",
            "ind": "ga**2/n",
        },
        [f"ga*(1 - ga*{STEP})*(f - fs)", "ga*(f - fs)"],
    ),
]


def at(curvatures, shifts, p, step_size, **params):
    """f_i = l_i x^2/2 + h_i x, moved so that x* = 1: f_i is least at 1 - h_i/l_i, lower by h_i^2/(2 l_i)."""
    q = quadratic(curvatures, shifts)
    workers, mean = len(curvatures), sum(map(F, curvatures)) / len(curvatures)
    prob, message = coins(q["g"], p)
    least = [1 - F(h) / l for l, h in zip(curvatures, shifts, strict=True)]
    drop = sum(F(h) ** 2 / (2 * l) for l, h in zip(curvatures, shifts, strict=True)) / workers
    base = {"n": workers, "Lm": max(curvatures) + 1, "mu": mean / 2, "om": 1 / F(p) - 1, "ga": step_size}
    vectors = {"x": q["x"], "xs": q["xs"], "y": per_worker(least), "g": per_worker(q["g"]), "Q": message}
    values = {"f": q["f"], "fs": q["fs"], "fm": q["fs"] - drop}
    return model({**base, **params}, vectors, prob=prob, workers=workers, values=values)


EQUAL = {"Lm": 1, "mu": 1}
ALIKE = ([1, 1], [-4, 4], F(1, 2), F(1, 3))
SCRIPT = Script(
    "dcsgd.constant",
    "DCSGD with a constant step: linear to a floor",
    [
        Part(
            STATEMENT,
            STEPS,
            at([1, 3], [2, -2], F(1, 2), F(1, 20)),
            [
                ({"claim": [CLAIM.replace(NOISE, f"{NOISE}/4")]}, at(*ALIKE, **EQUAL)),
                ({"claim": [CLAIM.replace(NOISE, "0")]}, at(*ALIKE, **EQUAL)),
                ({"given": {"ind": None}}, at(*ALIKE, **{**EQUAL, "n": 64})),
            ],
            update=UPDATE,
        )
    ],
)
