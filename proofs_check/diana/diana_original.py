"""DIANA with the original paper's recommended parameters: one step of its Lyapunov function, and the whole run."""

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
