"""DIANA with a compressed broadcast: one step of V = ||x - x*||^2 + w mean||h_i - h_i*||^2, and the whole run.

Setting: that of diana.unified with a broadcast c of h + Q, compressed without bias and with variance down - 1; the
    range of gamma and the weight w carry the factor down.
Symbols: down: 1 + omega of the broadcast; c: the broadcast
Guarantee: V = ||x - x*||^2 + w mean||h_i - h_i*||^2 shrinks by the factor max{1 - gamma mu, 1 - alpha/2} a step,
    gamma <= 1/(L_max down (1 + 6 omega/n)).
Proof:
    Workers learn from their own messages, which the broadcast does not touch: the memory's part of the proof is
    that of diana.unified. The iterate moves by c, unbiased, with E||c||^2 <= down ||mean(h_i + Q_i)||^2, `down`
    times gamma^2. So only what bounds this square grows: `sum` and `still`, which centre it at x*, and `var` with
    `ind`, which give its noise, have multipliers down gamma^2 where they had gamma^2. The weight grows along, so
    that half of what the memories lose, w alpha/2 = 2 down gamma^2 omega/n, still covers their share of the noise.
    `each` and `convex` keep the multiplier 2 gamma: they come from the cross term, and their budget gamma/L_max
    against down (1 + 6 omega/n) gamma^2 is the range of the step.
Tight: upper: controls refute the square of rho and an eighth of the weight.
Source: Gorbunov, Hanzely and Richtárik 2020, Theorem 4.1 and Table 2; the compressed broadcast is ours.
"""

from fractions import Fraction as F

from compth.methods.diana import DIANABidirectional
from proofs_check._blocks import without
from proofs_check._models import broadcast
from proofs_check._script import Part, Script, constants, members, plan_of, step, symbols, text
from proofs_check._steps import SHIFTED, broadcasting
from proofs_check.diana import diana_unified as plain
from proofs_check.diana.diana_unified import ALPHA, FLEET, SMALL_ALPHA, al, ga

UPDATE = broadcasting(SHIFTED)
MOVES = UPDATE.next("x", "h")
MOVED = UPDATE.after("sq(x - xs) + w*sq(h - hs)", MOVES)
[down] = symbols("down")  # 1 + omega_M
PLAN, LIMIT = plan_of(DIANABidirectional(), constants(**FLEET, omega_down=down - 1, params={"alpha": al}), ga)
STEP, WEIGHT = text(1 / LIMIT), text(PLAN["weight"])
SMALL_STEP, SLOW = f"ga*{STEP} <= 1", [f"rho >= {m}" for m in members(PLAN.rho)]
STATEMENT = {
    **plain.STATEMENT,
    "name": "diana.bidirectional",
    "params": "n Lm mu om ga al rho down",
    "domain": [
        *["Lm > 0", "mu > 0", "mu <= Lm", "om >= 0", "down >= 1", "n >= 1", "al > 0", f"al <= {ALPHA}"],
        *["ga > 0", SMALL_STEP, *SLOW],
    ],
    "vectors": [*plain.STATEMENT["vectors"], f"common c ~ {UPDATE.mean('broadcast')} @ 1"],
    "given": {**plain.STATEMENT["given"], "down": "variance(c, down - 1)"},
    "let": {"w": WEIGHT},
    "claim": [f"{MOVED} <= rho*(sq(x - xs) + w*sq(h - hs))"],
    "run": {**plain.STATEMENT["run"], "next": MOVES},
}
CLAIM = STATEMENT["claim"][0]
[NEAR] = [m for m in SLOW if "ga" in m]
[LEARN] = set(SLOW) - {NEAR}
STEPS = [
    step("1 - al*(1 + om) >= 0", {SMALL_ALPHA: "1 + om"}),
    step("1 - al >= 0", {"1 - al*(1 + om) >= 0": "1"}, ["al*om"]),
    step("rho >= 0", {LEARN: "1"}, ["(1 - al) + al/2"]),
    step(
        CLAIM,
        {
            "convex": "2*ga",
            "each": "2*ga",
            "optimal": "-2*ga",
            "sum": "2*down*ga**2",
            "still": "-down*ga**2",
            "var": "down*ga**2/n + w*al**2",
            "ind": "down*ga**2/n",
            "down": "ga**2",
        },
        [
            "down*om*ga**2/n*sq(g + h - 2*hs)",
            "w*al*(1 - al*(1 + om))*sq(g - h)",
            "down*ga**2*sq(g - hs - P(g - hs))",
            f"ga/Lm*(1 - ga*{STEP})*sq(g - hs)",
            f"(rho - {NEAR.removeprefix('rho >= ')})*sq(x - xs)",
            f"(rho - {LEARN.removeprefix('rho >= ')})*w*sq(h - hs)",
        ],
    ),
]


def at(curvatures, shifts, h, p, step_size, alpha, rho, chance=1, **params):
    """The model of `diana.unified` with a broadcast that is sent with probability `chance`."""
    chance = F(chance)
    found = plain.at(curvatures, shifts, h, p, step_size, alpha, rho)
    found["params"] |= {k: str(v) for k, v in {"down": 1 / chance, **params}.items()}
    draws, workers = found["vectors"]["Q"], len(curvatures)
    mean = [sum(F(q[i][0]) + F(h[i]) for i in range(workers)) / workers for q in draws]
    return broadcast(found, mean, chance)


TIGHT = {"Lm": 1, "mu": 1}
FAR = at([1, 1], [1, -1], [9, -9], F(1, 2), F(1, 4), F(1, 2), F(3, 4), **TIGHT)
SCRIPT = Script(
    "diana.bidirectional",
    "DIANA with a compressed broadcast",
    [
        Part(
            STATEMENT,
            STEPS,
            at([1, 3], [1, -1], [2, 1], F(1, 2), F(1, 80), F(1, 4), F(199, 200), chance=F(1, 2)),
            [
                ({"claim": [CLAIM.replace("<= rho*", "<= rho**2*")]}, FAR),
                ({"claim": [CLAIM.replace("<= rho*", "<= (rho - ga*mu)*")]}, FAR),
                ({"let": {"w": f"{WEIGHT}/8"}}, FAR),
                (
                    without(STATEMENT, SMALL_ALPHA),
                    at([1, 1], [1, -1], [9, -9], F(1, 4), F(1, 10), F(2), F(9, 10), **TIGHT),
                ),
                (
                    {"given": {"down": None}},
                    at(
                        *([1, 1], [1, -1], [1, -1], F(1, 2), F(1, 4), F(1, 2), F(3, 4)),
                        chance=F(1, 30),
                        **{**TIGHT, "down": 1},
                    ),
                ),
            ],
            update=UPDATE,
        )
    ],
)
