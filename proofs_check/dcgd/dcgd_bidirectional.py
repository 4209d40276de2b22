"""DCGD with a compressed broadcast, on heterogeneous data and under interpolation: one step and the whole run.

Setting: that of dcgd.general, or of dcgd.interpolation in the second part, where the server compresses its
    broadcast c without bias and with variance down - 1; the range of gamma is divided by down.
Symbols: S: max{1 - B, 0}, or more; down: 1 + omega of the broadcast; c: the broadcast, C(mean of the messages)
Guarantee: E||x+ - x*||^2 <= (1 - gamma mu)||x - x*||^2 + 2 A (1 + omega_M) gamma^2 zeta*^2, without the floor in
    the second part.
Proof:
    The broadcast is unbiased, so the cross term of the step is that of the plain method. Its square grows: E||c||^2
    = ||mean Q_i||^2 + noise <= down ||mean Q_i||^2, which is `down` times gamma^2. After that the proof is the one
    without a compressed broadcast, with every multiplier that pays for the squared step multiplied by down: `joint`
    by down gamma^2, `each` by 4 L_max gamma^2 down A (2 L_max under interpolation), `smooth` by what is left of 2
    gamma. The range of gamma is the one at which that remainder still covers down gamma^2 (1 - B)||grad f||^2.
Tight: upper: controls refute a quarter of the floor, and under interpolation 99/100 of the rate on one curvature.
Source: Gorbunov, Hanzely and Richtárik 2020, Theorem 4.1 applied to DCGD; the compressed broadcast is ours.
"""

from fractions import Fraction as F

import sympy

from compth.methods.dcgd import DCGDBidirectional
from proofs_check._blocks import without
from proofs_check._models import broadcast
from proofs_check._script import Part, Script, constants, plan_of, step, symbols, text, without_max
from proofs_check._steps import SENT, broadcasting
from proofs_check.dcgd import dcgd_general as general
from proofs_check.dcgd.dcgd_general import CLASS, A, B, L, Lm, ga, mu, zeta2

UPDATE = broadcasting(SENT)
MOVES = UPDATE.next("x")
MOVED = UPDATE.after("sq(x - xs)", MOVES)
[down] = symbols("down")  # 1 + omega_M
FLEET = {"A": A, "B": B, "L": L, "L_max": Lm, "mu": mu, "omega_down": down - 1}
BASE = general.STATEMENT
DOMAIN = [*CLASS, "down >= 1"]
VECTORS = [*(v for v in BASE["vectors"]), f"common c ~ {UPDATE.mean('broadcast')} @ 1"]


def rates(zeta):
    """(step bound with S for max{1 - B, 0}, S's domain, rate, noise) at this zeta2*."""
    plan, limit = plan_of(DCGDBidirectional(), constants(**FLEET, zeta2_star=zeta), ga)
    bound, largest = without_max(1 / limit, "S")
    return text(bound), largest, text(plan.rho), text(sympy.simplify(plan.floor * (1 - plan.rho)))


STEP, LARGEST, RHO, NOISE = rates(zeta2)
OTHER = f"ga*{STEP} <= 1"
STATEMENT = {
    **BASE,
    "name": "dcgd.bidirectional",
    "params": "L Lm mu A B S ga down",
    "domain": [*DOMAIN, *LARGEST, "ga > 0", OTHER],
    "vectors": VECTORS,
    "given": {**BASE["given"], "down": "variance(c, down - 1)"},
    "claim": [f"{MOVED} <= {RHO}*sq(x - xs) + {NOISE}"],
    "run": {**BASE["run"], "next": MOVES, "rate": RHO, "noise": NOISE},
}
CLAIM = STATEMENT["claim"][0]
DOWN = ["ga*(down - 1)*S*L", "ga*(S - (1 - B))*L", "ga*L*(A - B)", "ga*(L - mu)"]
STEPS = [
    step("1 - 2*ga*down*A*Lm >= 0", {OTHER: "1"}, ["ga*down*S*L"]),
    step(
        "1 - ga*mu >= 0",
        {OTHER: "1"},
        [*DOWN, "ga*A*(2*(Lm - L) + L)", "2*ga*(down - 1)*A*Lm"],
    ),
    step(
        CLAIM,
        {
            "convex": "2*ga",
            "smooth": "2*ga*(1 - 2*ga*down*A*Lm)",
            "each": "4*Lm*ga**2*down*A",
            "optimal": "-4*Lm*ga**2*down*A",
            "joint": "down*ga**2",
            "down": "ga**2",
        },
        [
            f"ga/L*(1 - ga*{STEP})*sq(P(g))",
            "down*ga**2*(S - (1 - B))*sq(P(g))",
            "down*ga**2*A*sq(g - 2*hs)",
        ],
    ),
]

SHARED_STEP, SHARED_LARGEST, SHARED_RHO, NONE = rates(0)
SHARED_OTHER = f"ga*{SHARED_STEP} <= 1"
SHARED = {
    **{k: v for k, v in STATEMENT.items() if k != "let"},
    "name": "dcgd.bidirectional.interpolation",
    "domain": [*DOMAIN, *SHARED_LARGEST, "ga > 0", SHARED_OTHER],
    "vectors": [v for v in VECTORS if "hs" not in v],
    "given": {
        **{k: v for k, v in STATEMENT["given"].items() if k != "optimal"},
        "each": "cocoercive(f, fs, g, 0, x, xs, Lm)",
    },
    "claim": [f"{MOVED} <= {SHARED_RHO}*sq(x - xs)"],
    "run": {**STATEMENT["run"], "rate": SHARED_RHO, "noise": NONE.strip("()"), "fixed": "xs"},
}
SHARED_CLAIM = SHARED["claim"][0]
SHARED_STEPS = [
    step("1 - ga*down*A*Lm >= 0", {SHARED_OTHER: "1"}, ["ga*down*S*L"]),
    step(
        "1 - ga*mu >= 0",
        {SHARED_OTHER: "1"},
        [*DOWN, "ga*A*(Lm - L)", "ga*(down - 1)*A*Lm"],
    ),
    step(
        SHARED_CLAIM,
        {
            "convex": "2*ga",
            "smooth": "2*ga*(1 - ga*down*A*Lm)",
            "each": "2*Lm*ga**2*down*A",
            "joint": "down*ga**2",
            "down": "ga**2",
        },
        [f"ga/L*(1 - ga*{SHARED_STEP})*sq(P(g))", "down*ga**2*(S - (1 - B))*sq(P(g))"],
    ),
]


def at(curvatures, shifts, p, step_size, chance=1, **params):
    """The model of `dcgd.general` with a broadcast that is sent with probability `chance`."""
    chance = F(chance)
    found = general.at(curvatures, shifts, p, step_size, **{"down": 1 / chance, **params})
    draws, workers = found["vectors"]["Q"], len(curvatures)
    mean = [sum(F(v[0]) for v in q) / workers for q in draws]
    return broadcast(found, mean, chance)


def shared(curvatures, *arguments, **params):
    """The model without gradients at the solution."""
    found = at(curvatures, [0] * len(curvatures), *arguments, **params)
    del found["vectors"]["hs"]
    return found


TIGHT = {"L": 1, "Lm": 1, "mu": 1, "S": 1}
ALIKE = ([1, 1], [-4, 4], F(1, 2))
SCRIPT = Script(
    "dcgd.bidirectional",
    "DCGD with a compressed broadcast",
    [
        Part(
            STATEMENT,
            STEPS,
            at([1, 3], [1, -1], F(1, 2), F(1, 40), chance=F(1, 2)),
            [
                ({"claim": [CLAIM.replace(NOISE, f"{NOISE}/4")]}, at(*ALIKE, F(1, 2), **TIGHT)),
                ({"claim": [CLAIM.replace(NOISE, "0")]}, at(*ALIKE, F(1, 2), **TIGHT)),
                (
                    {"claim": [CLAIM.replace(RHO, "(1 - 4*ga*mu)")]},
                    at([1, 1], [1, -1], F(1, 2), F(1, 2), **TIGHT),
                ),
                ({"given": {"joint": None}}, at(*ALIKE, F(1, 2), **{**TIGHT, "A": 0})),
                ({"given": {"down": None}}, at(*ALIKE, F(1, 2), chance=F(1, 30), **{**TIGHT, "down": 1})),
            ],
            update=UPDATE,
        ),
        Part(
            SHARED,
            SHARED_STEPS,
            shared([1, 3], F(1, 2), F(1, 40), chance=F(1, 2)),
            [
                # gamma = 1/(1+omega_M)(L + A L_max): an equality on one curvature
                (
                    {"claim": [SHARED_CLAIM.replace(SHARED_RHO, f"(99/100)*{SHARED_RHO}")]},
                    shared([1, 1], F(1, 2), F(1, 3), chance=F(1, 2), **TIGHT),
                ),
                (
                    without(SHARED, SHARED_OTHER),
                    shared([1, 1], F(1, 2), F(1, 2), chance=F(1, 2), **TIGHT),
                ),
                (
                    {"given": {"down": None}},
                    shared([1, 1], F(1, 2), F(1, 3), chance=F(1, 4), down=1, **TIGHT),
                ),
                ({"given": {"joint": None}}, shared([1, 1], F(1, 8), F(1, 2), **{**TIGHT, "A": 0})),
            ],
            update=UPDATE,
        ),
    ],
)
