"""EF21 with a compressed broadcast under the Polyak-Lojasiewicz condition: one step and the whole run.

Setting: that of ef21.pl where the server sends a compressed b of mean e_i, unbiased with variance omega_M; gamma <=
    1/((1 + omega_M) L + L~ sqrt(2 (1 + omega_M) beta/theta)).
Symbols: r: sqrt(1 - delta); om: omega_M of the broadcast; T: L~ sqrt(2 (1 + omega_M)); M: L~^2; e: the estimates
    that server and workers share; c: the messages C(gp - e); b: the broadcast, C(mean e)
Guarantee: f(x) - f* + (gamma/theta) mean||grad f_i(x) - e_i||^2 shrinks by the factor 1 - gamma mu in the mean.
Proof:
    The iterate moves by the broadcast, whose mean is the estimate: terms that are linear in the step are ef21.pl's.
    Two are quadratic, the curvature L gamma^2/2 and the drift of the estimates, `lip` times weight times beta, L~^2
    gamma^2 each of E||b||^2. So `down` has as multiplier just the sum of the two, and both grow by 1 + omega_M. In
    the letters of the statement L~ is T/sqrt(2 (1 + omega_M)), so that the drift is again gamma/2 K^2 ||mean e||^2
    with K = gamma T r/(1 - r) and the range of gamma reads gamma (1 + omega_M) L + K <= 1. What the estimates and
    `pl` do is not touched by the broadcast.
Tight: upper: controls refute 1 - 3 gamma mu, and a broadcast whose variance nobody bounds.
Source: Richtárik, Sokolov and Fatkhullin 2021; the compressed broadcast is ours.
"""

from fractions import Fraction as F

import sympy

from compth.claims import Contractive
from compth.methods.ef21 import EF21Bidirectional, broadcast_ef21_step
from proofs_check._blocks import without
from proofs_check._models import model, per_worker
from proofs_check._script import Part, Script, constants, plan_of, quotient, step, symbols, text
from proofs_check._steps import BELIEVED, broadcasting
from proofs_check.ef import ef21_pl as pl
from proofs_check.ef.ef21_pl import BE, DELTA, HALF, LEMMA, TH, YOUNG, K, L, T, ga, mu, r

UPDATE = broadcasting(BELIEVED, "b")
# L~ = T/sqrt(2 (1+omega_M)), so that L~ sqrt(2 (1+omega_M) beta/theta) = T r/(1-r)
[om] = symbols("om")
DOWN = 1 + om
L_TILDE = T / sympy.sqrt(2 * DOWN)
FLEET = constants(L=L, L_tilde=L_TILDE, mu=mu, omega_down=om, claims=(Contractive(DELTA),))
PLAN, _ = plan_of(EF21Bidirectional(), FLEET, ga)
SLOPE = sympy.simplify(1 / broadcast_ef21_step(DELTA, L, L_TILDE, om) - DOWN * L).subs(
    sympy.Abs(r - 1), 1 - r
)
STEP = f"({text(DOWN)}*L + ({quotient(SLOPE, HALF)}))"
RHO, WEIGHT = text(PLAN.rho), f"({quotient(PLAN['weight'], HALF)})"
POTENTIAL = f"f - fs + {WEIGHT}*sq(g - e)"
MOVES = UPDATE.next("x", f="fp") | UPDATE.next("g", "e")
CLAIM = f"{UPDATE.after(POTENTIAL, MOVES)} <= {RHO}*({POTENTIAL})"
SMALL, SHORT = f"ga*{STEP} <= 1", f"ga*mu <= {TH}/2"
STATEMENT = {
    **pl.PL,
    "name": "ef21.bidirectional",
    "params": "r L T mu ga om",
    "domain": ["r >= 0", "r < 1", "L > 0", "T > 0", "mu > 0", "ga > 0", "om >= 0", SMALL, SHORT],
    # b is the broadcast; what the workers send comes after it
    "vectors": [
        "common x",
        "family g",
        "family e",
        f"common b ~ {UPDATE.mean('broadcast')} @ 0",
        "family gp @ 1",
        "family c @ 2",
    ],
    "let": {**UPDATE.let(), "M": text(L_TILDE**2)},
    "given": {
        **pl.PL["given"],
        "down": "variance(b, om)",
    },
    "claim": [CLAIM],
    "run": {**pl.PL["run"], "next": MOVES, "potential": POTENTIAL, "rate": RHO},
}
STEPS = [
    step(LEMMA, {"comp": "1"}, [YOUNG]),
    step(f"1 - ga*(1 + om)*L - {K} >= 0", {SMALL: "1"}),
    step(f"1 - {K} >= 0", {f"1 - ga*(1 + om)*L - {K} >= 0": "1"}, ["ga*(1 + om)*L"]),
    step(f"{RHO} >= 0", {SHORT: "1"}, ["(1 + r)/2"]),
    step(
        CLAIM,
        {
            "smooth": "1",
            "pl": "ga/2",
            "lip": f"{WEIGHT}*{BE}",
            LEMMA: WEIGHT,
            "down": f"ga**2*L/2 + {WEIGHT}*{BE}*ga**2*{text(L_TILDE**2)}",
        },
        [
            "ga/2*sq(g - e - P(g - e))",
            f"ga/2*((1 - ga*(1 + om)*L - {K}) + {K}*(1 - {K}))*sq(P(e))",
            f"{WEIGHT}*({TH}/2 - ga*mu)*sq(g - e)",
        ],
    ),
]


def at(curvatures, e, keep, step_size, down=1, gap=2, **params):
    """The model of `ef21.pl` after a broadcast that is sent with probability `down`."""
    mean, gap, step_size, down = sum(map(F, curvatures)) / len(curvatures), F(gap), F(step_size), F(down)
    sent = sum(map(F, e)) / len(e) / down
    draws = [(down, sent)] + ([(1 - down, F(0))] if down < 1 else [])
    after = [gap - step_size * b for _, b in draws]
    gp = [[F(c) * x for c in curvatures] for x in after]
    g = [F(c) * gap for c in curvatures]
    c = [[F(keep) * (a - F(b)) for a, b in zip(v, e, strict=True)] for v in gp]
    square = sum(w * x**2 for (w, _), x in zip(draws, after, strict=True))
    base = {
        "r": 1 - F(keep),
        "L": mean,
        "T": 2 * max(curvatures),
        "mu": mean,
        "ga": step_size,
        "om": 1 / down - 1,
    }
    values = {"f": mean * gap**2 / 2, "fp": mean * square / 2, "fs": 0}
    vectors = {"x": [gap], "g": per_worker(g), "e": per_worker(e), "b": [[[b]] * len(e) for _, b in draws]}
    vectors |= {k: [per_worker(v) for v in rows] for k, rows in (("gp", gp), ("c", c))}
    prob, cells = [w for w, _ in draws], [[k] for k in range(len(draws))]
    return model({**base, **params}, vectors, workers=len(e), values=values, prob=prob, cells=[cells, cells])


EXACT = at([1, 1], [2, 2], F(1, 2), F(1, 4), T=2)
WRONG = at([1, 1], [-6, -6], F(1, 2), F(1, 4), T=2)
SCRIPT = Script(
    "ef21.bidirectional",
    "EF21 with a compressed broadcast under the PL condition",
    [
        Part(
            STATEMENT,
            STEPS,
            at([1, 3], [1, 4], F(3, 4), F(1, 20), down=F(1, 2), mu=1, L=3, T=8, r=F(1, 2)),
            [
                ({"claim": [CLAIM.replace(f"{RHO}*", "(1 - 2*ga*mu)*(1 - ga*mu)*")]}, WRONG),
                ({"claim": [CLAIM.replace(f"{RHO}*", "(1 - 3*ga*mu)*")]}, EXACT),
                (
                    without(STATEMENT, SMALL),
                    at([1, 1], [2, 2], F(1, 2), F(3), mu=F(1, 12), T=2),
                ),
                ({"given": {"comp": None}}, at([1, 1], [2, 2], F(-3), F(1, 8), r=F(1, 2), T=2)),
                # the broadcast's noise moves x
                ({"given": {"down": None}}, at([1, 1], [2, 2], F(1, 2), F(1, 4), down=F(1, 30), T=2, om=0)),
            ],
            update=UPDATE,
        )
    ],
)
