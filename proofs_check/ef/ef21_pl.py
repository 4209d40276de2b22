"""EF21: the three-point lemma, and one step under the Polyak-Lojasiewicz condition, for the whole run.

Setting: f is L-smooth and satisfies the PL condition with mu, the gradients of the f_i are jointly L~-Lipschitz, C
    contractive with delta; gamma <= 1/(L + L~ sqrt(2 beta/theta)) and gamma mu <= theta/2, theta = 1 - sqrt(1 -
    delta), beta = (1 - delta)/theta.
Symbols: r: sqrt(1 - delta); T: L~ sqrt(2); M: L~^2; e: the estimates that server and workers share; c: the messages
    C(gp - e)
Guarantee: f(x) - f* + (gamma/theta) mean||grad f_i(x) - e_i||^2 shrinks by the factor 1 - gamma mu a step.
Proof:
    First the three-point lemma: `comp` leaves r^2 mean||(g - e) + (gp - g)||^2, and Young's inequality with the
    parameter that makes the first factor r = 1 - theta gives beta = r^2/(1 - r) for the second. Then one step:
    `smooth` along the estimate, written -gamma/2||grad f||^2 - gamma/2||mean e||^2 + gamma/2||grad f - mean e||^2 +
    L gamma^2/2 ||mean e||^2. `pl` with gamma/2 makes the first -gamma mu (f - f*). The third is at most gamma/2
    mean||g - e||^2. With weight gamma/theta the compressor takes gamma mean||g - e||^2 off the error: half of it pays
    for that, the other half, with gamma mu <= theta/2, for the factor 1 - gamma mu of the error itself. The gradients'
    drift, `lip` times weight times beta, is gamma/2 K^2 of ||mean e||^2 with K = gamma T r/(1 - r); it fits under
    gamma/2 (1 - gamma L) because K <= 1 - gamma L, the range of gamma, and K <= 1.
Tight: upper: that 1 - 3 gamma mu or (1 - 2 gamma mu)(1 - gamma mu) would do is refuted on examples.
Source: Richtárik, Sokolov and Fatkhullin 2021.
"""

from fractions import Fraction as F

import sympy

from compth.calculus import ef21_theta_beta
from compth.claims import Contractive
from compth.methods.ef21 import EF21PL, ef21_step
from proofs_check._blocks import over_run, without
from proofs_check._models import model, per_worker
from proofs_check._script import Part, Script, constants, plan_of, quotient, step, symbols, text
from proofs_check._steps import BELIEVED as UPDATE

# Roots are parameters: delta = 1 - r^2 and L~ = T/sqrt(2), so that L~ sqrt(2 beta/theta) = T r/(1-r)
r, L, T, mu, ga = symbols("r L T mu ga")
DELTA, L_TILDE = 1 - r**2, T / sympy.sqrt(2)
THETA, BETA = (sympy.simplify(c) for c in ef21_theta_beta(DELTA))
PLAN, _ = plan_of(EF21PL(), constants(L=L, L_tilde=L_TILDE, mu=mu, claims=(Contractive(DELTA),)), ga)
HALF = {r: sympy.Rational(1, 2)}  # where denominators are made positive
SLOPE = sympy.simplify(1 / ef21_step(DELTA, L, L_TILDE, 2)).subs(sympy.Abs(r - 1), 1 - r) - L  # r < 1
STEP = f"(L + ({quotient(SLOPE, HALF)}))"
RHO, TH, BE = text(PLAN.rho), text(THETA), f"({quotient(BETA, HALF)})"
WEIGHT = f"({quotient(PLAN['weight'], HALF)})"

MOVES = UPDATE.next("x", f="fp") | UPDATE.next("g", "e")
ERROR = UPDATE.after("sq(g - e)", MOVES)
THREE_POINT = {
    "name": "ef21.three_point",
    "params": "r",
    "domain": ["r >= 0", "r < 1"],
    "vectors": ["family g", "family gp", "family e", "family c @ 1"],
    "given": {"comp": f"contraction(c, {UPDATE.argument('message')}, {text(DELTA)})"},
    "claim": [f"{ERROR} <= (1 - {TH})*sq(g - e) + {BE}*sq(gp - g)"],
}
LEMMA = THREE_POINT["claim"][0]
YOUNG = "r*(1 - r)*sq(g - e - r*(gp - g)/(1 - r))"
POTENTIAL = f"f - fs + {WEIGHT}*sq(g - e)"
CLAIM = f"{UPDATE.after(POTENTIAL, MOVES)} <= {RHO}*({POTENTIAL})"
SMALL, SHORT = f"ga*{STEP} <= 1", f"ga*mu <= {TH}/2"
PL = {
    "name": "ef21.pl",
    "params": "r L T mu ga",
    "domain": ["r >= 0", "r < 1", "L > 0", "T > 0", "mu > 0", "ga > 0", SMALL, SHORT],
    "vectors": ["common x", "family g", "family gp", "family e", "family c @ 1"],
    "values": "f fp fs",
    "let": {**UPDATE.let(), "M": text(L_TILDE**2)},
    "given": {
        "comp": THREE_POINT["given"]["comp"],
        "smooth": "descent(fp, f, P(g), xp, x, L)",
        "lip": "lipschitz(gp, g, xp, x, M)",
        "pl": "polyak(f, fs, P(g), mu)",
    },
    "claim": [CLAIM],
    "run": over_run(POTENTIAL, MOVES, RHO, "fs"),
}
K = "ga*T*r/(1 - r)"
STEPS = [
    step(LEMMA, {"comp": "1"}, [YOUNG]),
    step(f"1 - ga*L - {K} >= 0", {SMALL: "1"}),
    step(f"1 - {K} >= 0", {f"1 - ga*L - {K} >= 0": "1"}, ["ga*L"]),
    step(f"{RHO} >= 0", {SHORT: "1"}, ["(1 + r)/2"]),
    step(
        CLAIM,
        {"smooth": "1", "pl": "ga/2", "lip": f"{WEIGHT}*{BE}", LEMMA: WEIGHT},
        [
            "ga/2*sq(g - e - P(g - e))",
            f"ga/2*((1 - ga*L - {K}) + {K}*(1 - {K}))*sq(P(e))",
            f"{WEIGHT}*({TH}/2 - ga*mu)*sq(g - e)",
        ],
    ),
]


def at(curvatures, e, keep, step_size, gap=2, **params):
    """f_i = l_i x^2/2 at x = gap, C(v) = keep v: delta = 1 - (1 - keep)^2."""
    mean, gap, step_size = sum(map(F, curvatures)) / len(curvatures), F(gap), F(step_size)
    after = gap - step_size * sum(map(F, e)) / len(e)
    g, gp = ([F(c) * x for c in curvatures] for x in (gap, after))
    c = [F(keep) * (a - F(b)) for a, b in zip(gp, e, strict=True)]
    base = {"r": 1 - F(keep), "L": mean, "T": 2 * max(curvatures), "mu": mean, "ga": step_size}
    values = {"f": mean * gap**2 / 2, "fp": mean * after**2 / 2, "fs": 0}
    families = {k: per_worker(v) for k, v in (("g", g), ("gp", gp), ("e", e), ("c", c))}
    wanted = {**base, **params}
    return model(wanted, {"x": [gap], **families}, workers=len(e), values=values)


def lemma(g, gp, e, c):
    return model({"r": "1/2"}, {k: [v] for k, v in (("g", g), ("gp", gp), ("e", e), ("c", c))})


ALIGNED = lemma(1, 2, 0, 1)  # g - e = r (gp - g)/(1 - r): Young's inequality is an equality
EXACT = at([1, 1], [2, 2], F(1, 2), F(1, 4), T=2)
WRONG = at([1, 1], [-6, -6], F(1, 2), F(1, 4), T=2)
SCRIPT = Script(
    "ef21.pl",
    "EF21 under the PL condition: linear, no floor",
    [
        Part(
            THREE_POINT,
            STEPS[:1],
            lemma(3, 5, 1, 3),
            [
                ({"claim": [LEMMA.replace(BE, f"{BE}/2")]}, ALIGNED),
                ({"claim": [LEMMA.replace(f"1 - {TH}", f"1 - {TH} - r/10")]}, ALIGNED),
                ({"given": {"comp": None}}, lemma(1, 2, 0, -1)),
            ],
        ),
        Part(
            PL,
            STEPS,
            at([1, 3], [1, 4], F(3, 4), F(1, 20), mu=1, L=3, r=F(1, 2)),
            [
                ({"claim": [CLAIM.replace(f"{RHO}*", "(1 - 2*ga*mu)*(1 - ga*mu)*")]}, WRONG),
                ({"claim": [CLAIM.replace(f"{RHO}*", "(1 - 3*ga*mu)*")]}, EXACT),
                (
                    without(PL, SMALL),
                    at([1, 1], [2, 2], F(1, 2), F(3), mu=F(1, 12), T=2),
                ),
                ({"given": {"comp": None}}, at([1, 1], [2, 2], F(-3), F(1, 8), r=F(1, 2), T=2)),
            ],
            update=UPDATE,
        ),
    ],
)
