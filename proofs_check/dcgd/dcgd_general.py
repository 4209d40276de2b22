"""DCGD on heterogeneous data, for any joint variance (A, B) of the messages: one step and the whole run.

Setting: f is mu-strongly convex and L-smooth, every f_i convex and L_max-smooth with its own gradient h_i at x*;
    messages are unbiased with joint variance (A, B); gamma (L max{1 - B, 0} + 2 A L_max) <= 1.
Symbols: S: max{1 - B, 0}, or more
Guarantee: E||x+ - x*||^2 <= (1 - gamma mu) ||x - x*||^2 + 2 A gamma^2 zeta*^2, zeta*^2 the mean of ||grad
    f_i(x*)||^2.
Proof:
    As under interpolation, with gradients h_i that do not vanish at x*. `joint` bounds the squared step by A
    mean||g_i||^2 + (1 - B)||grad f||^2. Since g_i = (g_i - h_i) + h_i, mean||g_i||^2 is at most 2 mean||g_i -
    h_i||^2 + 2 zeta*^2, the square |g - 2 hs|^2 being what is given away: hence the 2 of the floor. `each` bounds
    mean||g_i - h_i||^2 by 2 L_max (f - f*), where the inner product with the h_i drops out because their mean is
    zero (`optimal`). Of the -2 gamma (f - f*) that `convex` leaves, 4 L_max A gamma^2 are spent there, and `smooth`
    turns the rest into gamma/L (1 - 2 gamma A L_max)||grad f||^2, enough for gamma^2 (1 - B)||grad f||^2 within the
    range of gamma.
Tight: upper: a control shows that a quarter of the floor would be false.
Source: Gorbunov, Hanzely and Richtárik 2020, Theorem 4.1 applied to DCGD; joint variances are ours.
"""

from fractions import Fraction as F

from compth.methods.dcgd import DCGDGeneral
from proofs_check._blocks import over_run
from proofs_check._models import coins, model, per_worker, quadratic
from proofs_check._script import Part, Script, constants, plan_of, step, symbols, text, without_max
from proofs_check._steps import SENT as UPDATE

L, Lm, mu, A, B, ga, zeta2 = symbols("L Lm mu A B ga zeta2")
PLAN, LIMIT = plan_of(DCGDGeneral(), constants(A=A, B=B, L=L, L_max=Lm, mu=mu, zeta2_star=zeta2), ga)
STEP, LARGEST = without_max(1 / LIMIT, "S")  # gamma <= 1/STEP for S = max{1 - B, 0}
RHO, NOISE = text(PLAN.rho), text(PLAN.floor * (1 - PLAN.rho))

CLASS = ["L > 0", "Lm > 0", "mu > 0", "mu <= L", "L <= Lm", "A >= 0", "A >= B"]
MOVES = UPDATE.next("x")
MOVED = UPDATE.after("sq(x - xs)", MOVES)
STATEMENT = {
    "name": "dcgd.general",
    "params": "L Lm mu A B S ga",
    "domain": [
        *CLASS,
        *LARGEST,
        "ga > 0",
        f"ga*{text(STEP)} <= 1",
    ],
    "vectors": ["common x", "common xs", "family g", "family hs", f"family Q ~ {UPDATE.mean('message')} @ 0"],
    "values": "f fs",
    "let": {"zeta2": "sq(hs)"},
    "given": {
        "convex": "strongly_convex(f, fs, P(g), x, xs, mu)",
        "smooth": "cocoercive(f, fs, P(g), 0, x, xs, L)",
        "each": "cocoercive(f, fs, g, hs, x, xs, Lm)",
        "optimal": "zero(P(hs), x - xs)",
        "joint": "joint(Q, A, B)",
    },
    "claim": [f"{MOVED} <= {RHO}*sq(x - xs) + {NOISE}"],
    "run": over_run("sq(x - xs)", MOVES, RHO, "xs hs", noise=NOISE),
}
CLAIM = STATEMENT["claim"][0]
OTHER = STATEMENT["domain"][-1]
STEPS = [
    step("1 - 2*ga*A*Lm >= 0", {OTHER: "1"}, ["ga*S*L"]),
    step(
        "1 - ga*mu >= 0",
        {OTHER: "1"},
        ["ga*(S - (1 - B))*L", "ga*A*(2*(Lm - L) + L)", "ga*L*(A - B)", "ga*(L - mu)"],
    ),
    step(
        CLAIM,
        {
            "convex": "2*ga",
            "smooth": "2*ga*(1 - 2*ga*A*Lm)",
            "each": "4*Lm*ga**2*A",
            "optimal": "-4*Lm*ga**2*A",
            "joint": "ga**2",
        },
        [f"ga/L*(1 - ga*{text(STEP)})*sq(P(g))", "ga**2*(S - (1 - B))*sq(P(g))", "ga**2*A*sq(g - 2*hs)"],
    ),
]


def at(curvatures, shifts, p, step_size, **params):
    """Bernoulli(p) messages on quadratics with gradients at the solution: A = omega/n, B = 0."""
    q = quadratic(curvatures, shifts)
    n, omega = len(curvatures), 1 / F(p) - 1
    prob, message = coins(q["g"], p)
    mean = sum(map(F, curvatures)) / n
    base = {"L": mean + F(1, 2), "Lm": max(curvatures) + 1, "mu": mean / 2, "ga": step_size}
    base |= {"A": omega / n, "B": 0, "S": F(3, 2)}
    vectors = {k: q[k] for k in ("x", "xs")} | {
        "g": per_worker(q["g"]),
        "hs": per_worker(q["hs"]),
        "Q": message,
    }
    return model({**base, **params}, vectors, prob=prob, workers=n, values={"f": q["f"], "fs": q["fs"]})


TIGHT = {"L": 1, "Lm": 1, "mu": 1, "S": 1}
ALIKE = ([1, 1], [-4, 4], F(1, 2))
SCRIPT = Script(
    "dcgd.general",
    "DCGD on heterogeneous data: linear to a floor",
    [
        Part(
            STATEMENT,
            STEPS,
            at([1, 3], [1, -1], F(1, 2), F(1, 20)),
            [
                ({"claim": [CLAIM.replace(NOISE, f"{NOISE}/4")]}, at(*ALIKE, F(1, 2), **TIGHT)),
                ({"claim": [CLAIM.replace(NOISE, "0")]}, at(*ALIKE, F(1, 2), **TIGHT)),
                (
                    {"claim": [CLAIM.replace(RHO, "(1 - 4*ga*mu)")]},
                    at([1, 1], [1, -1], F(1, 2), F(1, 2), **TIGHT),
                ),
                ({"given": {"joint": None}}, at(*ALIKE, F(1, 2), **{**TIGHT, "A": 0})),
            ],
            update=UPDATE,
        )
    ],
)
