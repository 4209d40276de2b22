"""DIANA of stochastic gradients with strongly convex workers (omega version): one step and the whole run.

Setting: that of diana.shift with stochastic gradients G_i, drawn independently, of mean variance s2.
Guarantee: V shrinks by the factor 1 - gamma mu a step up to gamma^2 (1 + 5 omega) s2/n.
Proof:
    Take diana.shift's step and ask what G_i - g_i adds. In x: the mean moves by ||mean(G_i - g_i)||^2, and
    compressing adds (omega/n) mean||G_i - g_i||^2. In the memories: w alpha^2 mean||G_i - g_i||^2 from the draw and
    omega times that from the compressor. Independence (`apart`, minus the weight of all the means of squares)
    writes them as n||mean(G_i - g_i)||^2, so that `noise` has gamma^2 (1 + omega) for x and n w alpha^2 (1 + omega)
    for the memories. Since w alpha = 4 gamma^2 omega/n the memories' part is 4 gamma^2 omega alpha (1 + omega)
    s2/n; the statement rounds alpha (1 + omega) up to 1, which is the last term.
Tight: upper: controls refute half of the noise and the noise without omega.
Source: Horváth, Kovalev, Mishchenko, Stich and Richtárik 2019, Theorem 1; our constants.
"""

from fractions import Fraction as F

import sympy

from compth.methods.core.symbols import Within
from compth.methods.diana import DIANAShiftNoisy
from proofs_check._noisy import noisy, with_noise, with_noise_steps
from proofs_check._script import Part, Script, constants, plan_of, symbols, text
from proofs_check._steps import SHIFTED, stochastic
from proofs_check.diana import diana_shift as exact

UPDATE = stochastic(SHIFTED)
n, L, mu, om, ga, s2 = symbols("n L mu om ga s2")
FLEET = {"omega": om, "A": om / n, "n": n, "L_max": L, "mu_min": mu, "sigma2": s2}
PLAN, LIMIT = plan_of(DIANAShiftNoisy(), constants(**FLEET, params={"alpha": Within("al")}), ga)
if LIMIT != exact.LIMIT or PLAN.rho != exact.PLAN.rho or PLAN["weight"] != exact.PLAN["weight"]:
    raise AssertionError("not the factor and weight of diana.shift")
NOISE = text(sympy.expand(PLAN.floor * (1 - PLAN.rho)))

STATEMENT = with_noise(
    exact.STATEMENT,
    "diana.shift_noisy",
    "n L mu om ga al s2",
    UPDATE.mean("message"),
    claim=[f"{exact.CLAIM} + {NOISE}"],
    run={**exact.STATEMENT["run"], "noise": NOISE},
)
CLAIM = STATEMENT["claim"][0]
MEMORY = "w*al**2*(1 + om)"
STEPS = with_noise_steps(
    exact.STEPS,
    CLAIM,
    f"ga**2*(1 + om) + n*{MEMORY}",
    f"-ga**2*om/n - {MEMORY}",
    "4*ga**2*om/n*(1 - al*(1 + om))*s2",
)


def at(curvatures, shifts, h, p, step_size, alpha, away=1, **params):
    """The model of `diana.shift` with noisy gradients."""
    found = exact.at(curvatures, shifts, h, p, step_size, alpha)
    return noisy(found, away, p, **params)


EQUAL = exact.EQUAL
FAR, LOUD = exact.FAR, ([1, 1], [1, -1], [1, -1], F(1, 2))
SCRIPT = Script(
    "diana.shift_noisy",
    "DIANA of stochastic gradients with strongly convex workers",
    [
        Part(
            STATEMENT,
            STEPS,
            at([1, 3], [1, -1], [2, 1], F(1, 2), F(1, 40), F(1, 4), mu=F(1, 2), s2=2),
            [
                ({"claim": [CLAIM.replace(NOISE, f"{NOISE}/2")]}, at(*LOUD, F(1, 4), F(1, 2), 9, **EQUAL)),
                ({"claim": [exact.CLAIM]}, at(*LOUD, F(1, 4), F(1, 2), 9, **EQUAL)),
                (
                    {"claim": [CLAIM.replace("om*s2", "0")]},
                    at(*LOUD, F(1, 4), F(1, 2), 9, **EQUAL),
                ),
                (
                    {"claim": [CLAIM.replace(f"<= {exact.RHO}*", f"<= {exact.RHO}**4*")]},
                    at(*FAR, F(1, 4), F(1, 2), F(1, 9), **EQUAL),
                ),
                ({"given": {"noise": None}}, at(*LOUD, F(1, 4), F(1, 2), 9, s2=0, **EQUAL)),
            ],
            update=UPDATE,
        )
    ],
)
