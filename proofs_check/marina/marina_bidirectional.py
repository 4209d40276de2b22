"""MARINA with a compressed broadcast under the Polyak-Lojasiewicz condition: one step and the whole run.

Setting: that of marina.pl where the server sends a compressed c of its estimate, unbiased with variance omega_M;
    gamma <= min{1/((1 + omega_M) L + T), p/(2 mu)}.
Symbols: M: L_+^2; D: L_pm^2; om: omega_M of the broadcast; p: probability of a full round; T: sqrt(2 (1 +
    omega_M)(1 - p)/p ((A - B) L_+^2 + B L_pm^2)); e: the server's estimate of the gradient; c: the broadcast; Y:
    the estimate's error after the step
Guarantee: f(x) - f* + (gamma/p)||e - grad f(x)||^2 shrinks by the factor 1 - gamma mu in the mean.
Proof:
    Only the length of the step is new: x moves by the broadcast c, E||c||^2 <= (1 + omega_M)||e||^2. It enters in
    two places. One is the curvature of f, L gamma^2/2. The other is the messages' noise, which is proportional to
    the squared distance from x to x+ through `plus` and `pm`, with gamma/p (1 - p) gamma^2 ((A - B) L_+^2 + B
    L_pm^2). `down` has the sum of these two as multiplier and turns ||c||^2 into ||e||^2 in both. T^2 contains 1 +
    omega_M for that reason. `coin`, `joint` and `pl` keep the multipliers that they have in marina.pl, because the
    error of the estimate is measured at the point that x+ really is.
Tight: upper: controls refute 1 - 2 gamma mu and the cube of the factor.
Source: Gorbunov, Burlachenko, Li and Richtárik 2021; the compressed broadcast is ours.
"""

import itertools
from fractions import Fraction as F

import sympy

from compth.methods.marina import MARINABidirectional, drift
from proofs_check._blocks import without
from proofs_check._models import coins, model, per_worker
from proofs_check._script import Part, Script, constants, plan_of, step, symbols, text
from proofs_check._steps import broadcasting
from proofs_check.marina import marina_pl as pl
from proofs_check.marina.marina_pl import A, B, D, L, M, ga, mu, p

[om] = symbols("om")
ROOTS = {"L_plus": sympy.sqrt(M), "L_pm": sympy.sqrt(D)}
FLEET = constants(omega=0, A=A, B=B, L=L, mu=mu, omega_down=om, params={"p": p}, **ROOTS)
PLAN, LIMIT = plan_of(MARINABidirectional(), FLEET, ga)
[FIRST] = [m for m in LIMIT.args if m.has(L)]
[SECOND] = set(LIMIT.args) - {FIRST}
DOWN = 1 + om
ROOT = text(sympy.factor(sympy.simplify((1 / FIRST - DOWN * L) ** 2)))  # gamma <= 1/(DOWN L + T), T^2 = ROOT
RHO, WEIGHT, SLOW, K = text(PLAN.rho), text(PLAN["weight"]), text(SECOND), text(drift(FLEET))
SMALL, SHORT, SQUARE = f"ga*({text(DOWN)}*L + T) <= 1", f"ga <= {SLOW}", f"T**2 == {ROOT}"
UPDATE = broadcasting(pl.UPDATE)
CLAIM = f"fp - fs + {WEIGHT}*sq(Y) <= {RHO}*(f - fs + {WEIGHT}*sq(e - P(g)))"
STATEMENT = {
    **pl.STATEMENT,
    "name": "marina.bidirectional",
    "params": "L M D mu ga A B p om T",
    "domain": [
        *(t for t in pl.STATEMENT["domain"] if t not in (pl.SQUARE, pl.SMALL, pl.SHORT)),
        *["om >= 0", SQUARE, SMALL, SHORT],
    ],
    # c is the broadcast; what the workers send is drawn after it
    "vectors": [
        *["common x", "family g", "common e", f"common c ~ {UPDATE.mean('broadcast')} @ 0", "family gp @ 1"],
        *[f"family Q ~ {UPDATE.mean('message')} @ 1", "common Y ~ (1 - p)*(e - P(g)) @ 1"],
    ],
    "let": UPDATE.let(),
    "given": {**pl.STATEMENT["given"], "down": "variance(c, om)"},
    "claim": [CLAIM],
    "run": {**pl.STATEMENT["run"], "potential": f"f - fs + {WEIGHT}*sq(e - P(g))", "rate": RHO},
}
STEPS = [
    step("1 - ga*(1 + om)*L - ga*T >= 0", {SMALL: "1"}),
    step("1 - ga*T >= 0", {SMALL: "1"}, ["ga*(1 + om)*L"]),
    *pl.STEPS[2:-1],
    step(
        CLAIM,
        {
            **pl.USE,
            "down": "ga**2*L/2 + ga**3/p*(1 - p)*((A - B)*M + B*D)",
            SQUARE: "-ga**3/2*sq(e)",
        },
        [
            "ga/2*((1 - ga*(1 + om)*L - ga*T) + ga*T*(1 - ga*T))*sq(e)",
            "ga/p*(p/2 - ga*mu)*sq(e - P(g))",
        ],
    ),
]


def at(curvatures, e, step_size, gap=2, down=F(1, 2), **params):
    """The model of `marina.pl` at p = 1/2 after a broadcast sent with probability `down`."""
    mean, gap, step_size, e = sum(map(F, curvatures)) / len(curvatures), F(gap), F(step_size), F(e)
    g, outcomes, cells, after2 = [F(c) * gap for c in curvatures], [], [], F(0)
    for chance, c in ((F(down), e / F(down)), (1 - F(down), F(0))):
        if not chance:
            continue
        after = gap - step_size * c
        gp = [F(v) * after for v in curvatures]
        after2 += chance * after**2
        drawn, message = coins([a - b for a, b in zip(gp, g, strict=True)], F(1, 2))
        cells.append(list(range(len(outcomes), len(outcomes) + 2 * len(drawn))))
        for full, (w, q) in itertools.product((True, False), zip(drawn, message, strict=True)):
            error = F(0) if full else e + sum(m[0] for m in q) / len(g) - mean * after
            outcomes.append((chance * w / 2, c, gp, q, error))
    common = {"c": [[[o[1]]] * len(g) for o in outcomes], "Y": [[[o[4]]] * len(g) for o in outcomes]}
    family = {"g": per_worker(g), "gp": [per_worker(o[2]) for o in outcomes], "Q": [o[3] for o in outcomes]}
    base = {
        "L": 3,
        "M": 12,
        "D": 4,
        "mu": 1,
        "ga": step_size,
        "A": F(3, 4),
        "B": F(1, 8),
        "p": F(1, 2),
        "T": 4,
    }
    values = {"f": mean * gap**2 / 2, "fp": mean * after2 / 2, "fs": 0}
    prob, extra = [o[0] for o in outcomes], {"om": 1 / F(down) - 1, **params}
    vectors = {"x": [gap], "e": [e], **common, **family}
    return model({**base, **extra}, vectors, prob=prob, workers=len(g), values=values, cells=[cells])


EXACT = {"L": 1, "M": 2, "D": 0, "mu": 1, "A": 1, "B": 0, "T": 2}
SCRIPT = Script(
    "marina.bidirectional",
    "MARINA with a compressed broadcast under the PL condition",
    [
        Part(
            STATEMENT,
            STEPS,
            at([1, 3], 1, F(1, 20), M=6, D=2, T=4, L=2),
            [
                (
                    {"claim": [CLAIM.replace(f"{RHO}*", "(1 - 2*ga*mu)*")]},
                    at([1], 1, F(1, 4), down=1, **EXACT),
                ),
                (
                    {"claim": [CLAIM.replace(f"{RHO}*", "(1 - ga*mu)**3*")]},
                    at([1], 1, F(1, 4), down=1, **EXACT),
                ),
                (
                    without(STATEMENT, SMALL, SHORT),
                    at([1], 8, F(1), down=1, **EXACT),
                ),
                # the broadcast's noise moves x
                ({"given": {"down": None}}, at([1], 2, F(1, 4), down=F(1, 30), **{**EXACT, "om": 0})),
            ],
            update=UPDATE,
        )
    ],
)
