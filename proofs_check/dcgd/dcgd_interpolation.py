"""DCGD under interpolation, for any joint variance (A, B) of the messages: one step and the whole run.

Setting: f is mu-strongly convex and L-smooth, every f_i convex and L_max-smooth, all share the minimiser x*;
    messages are unbiased with joint variance (A, B); gamma (L max{1 - B, 0} + A L_max) <= 1.
Symbols: S: max{1 - B, 0}, or more
Guarantee: E||x+ - x*||^2 <= (1 - gamma mu) ||x - x*||^2, at every step of a run.
Proof:
    The square of the step is gamma^2 times E||mean Q_i||^2, which `joint` bounds by A mean||g_i||^2 + (1 - B)||grad
    f||^2. Strong convexity, `convex` times 2 gamma, turns the cross term into -gamma mu ||x - x*||^2 and leaves -2
    gamma (f - f*) to spend. No gradient is left at x*, so `each` times 2 L_max gamma^2 A pays A gamma^2
    mean||g_i||^2 and uses 2 L_max A gamma^2 of it. The rest, 2 gamma (1 - gamma A L_max), goes into `smooth`,
    ||grad f||^2 <= 2 L (f - f*), and yields gamma/L (1 - gamma A L_max) ||grad f||^2. That covers gamma^2 (1 -
    B)||grad f||^2 exactly when the step is within its range; what remains of it is the first term.
Tight: upper: with exact messages gradient descent contracts by (1 - gamma mu)^2 here; dcgd.tight has the tight rate
    of strongly convex workers.
Source: Gorbunov, Hanzely and Richtárik 2020, Theorem 4.1 applied to DCGD; joint variances are ours.
"""

from fractions import Fraction as F

from compth.methods.dcgd import DCGDInterpolation
from proofs_check._blocks import over_run, without
from proofs_check._models import coins, model, per_worker, quadratic
from proofs_check._script import Part, Script, constants, plan_of, step, text, without_max
from proofs_check._steps import SENT as UPDATE
from proofs_check.dcgd.dcgd_general import CLASS, A, B, L, Lm, ga, mu

PLAN, LIMIT = plan_of(DCGDInterpolation(), constants(A=A, B=B, L=L, L_max=Lm, mu=mu), ga)
STEP, LARGEST = without_max(1 / LIMIT, "S")  # gamma <= 1/STEP for S = max{1 - B, 0}
RHO = text(PLAN.rho)

MOVES = UPDATE.next("x")
MOVED = UPDATE.after("sq(x - xs)", MOVES)
STATEMENT = {
    "name": "dcgd.interpolation",
    "params": "L Lm mu A B S ga",
    "domain": [
        *CLASS,
        *LARGEST,
        "ga > 0",
        f"ga*{text(STEP)} <= 1",
    ],
    "vectors": ["common x", "common xs", "family g", f"family Q ~ {UPDATE.mean('message')} @ 0"],
    "values": "f fs",
    "given": {
        "convex": "strongly_convex(f, fs, P(g), x, xs, mu)",
        "smooth": "cocoercive(f, fs, P(g), 0, x, xs, L)",
        "each": "cocoercive(f, fs, g, 0, x, xs, Lm)",
        "joint": "joint(Q, A, B)",
    },
    "claim": [f"{MOVED} <= {RHO}*sq(x - xs)"],
    "run": over_run("sq(x - xs)", MOVES, RHO, "xs"),
}
CLAIM = STATEMENT["claim"][0]
OTHER = STATEMENT["domain"][-1]
STEPS = [
    step("1 - ga*A*Lm >= 0", {OTHER: "1"}, ["ga*S*L"]),
    step(
        "1 - ga*mu >= 0", {OTHER: "1"}, ["ga*(S - (1 - B))*L", "ga*A*(Lm - L)", "ga*L*(A - B)", "ga*(L - mu)"]
    ),
    step(
        CLAIM,
        {
            "convex": "2*ga",
            "smooth": "2*ga*(1 - ga*A*Lm)",
            "each": "2*Lm*ga**2*A",
            "joint": "ga**2",
        },
        [f"ga/L*(1 - ga*{text(STEP)})*sq(P(g))", "ga**2*(S - (1 - B))*sq(P(g))"],
    ),
]


def at(curvatures, p, step_size, shared=False, **params):
    """Bernoulli(p) messages on interpolating quadratics: A = omega/n, B = 0; shared coins: A = 0, B = -omega."""
    q = quadratic(curvatures, [0] * len(curvatures))
    n, omega = len(curvatures), 1 / F(p) - 1
    prob, message = coins(q["g"], p, shared)
    mean = sum(map(F, curvatures)) / n
    base = {"L": mean + F(1, 2), "Lm": max(curvatures) + 1, "mu": mean / 2, "ga": step_size}
    base |= (
        {"A": 0, "B": -omega, "S": 1 + omega + F(1, 2)} if shared else {"A": omega / n, "B": 0, "S": F(3, 2)}
    )
    vectors = {"x": q["x"], "xs": q["xs"], "g": per_worker(q["g"]), "Q": message}
    return model({**base, **params}, vectors, prob=prob, workers=n, values={"f": q["f"], "fs": q["fs"]})


TIGHT = {"L": 1, "Lm": 1, "mu": 1, "S": 1}
SCRIPT = Script(
    "dcgd.interpolation",
    "DCGD under interpolation: linear to the solution",
    [
        Part(
            STATEMENT,
            STEPS,
            at([1, 3], F(1, 2), F(1, 12)),
            [
                ({"claim": [CLAIM.replace(RHO, "(1 - 2*ga*mu)")]}, at([1, 1], F(1, 2), F(1, 2), **TIGHT)),
                ({"claim": [CLAIM.replace(RHO, "(1 - ga*mu)**2")]}, at([1, 1], F(1, 2), F(1, 2), **TIGHT)),
                (
                    without(STATEMENT, OTHER),
                    at([1, 1], F(1, 2), F(1), **TIGHT),
                ),
                ({"given": {"joint": None}}, at([1, 1], F(1, 9), F(1, 2), **{**TIGHT, "A": 0})),
                (
                    {"given": {"convex": None}},
                    at([1, 1], F(1, 2), F(1, 2), **{**TIGHT, "L": 2, "Lm": 2, "mu": 2, "ga": F(1, 4)}),
                ),
            ],
            update=UPDATE,
        )
    ],
)
