"""DIANA of stochastic gradients with the original paper's parameters: one step and the whole run.

Setting: that of diana.original with stochastic gradients G_i, drawn independently, of mean variance s2, in the
    place of the gradients.
Guarantee: V shrinks by the factor 1 - gamma mu a step up to gamma^2 (1 + 2 omega) s2/n.
Proof:
    The cancellation of diana.original holds for whatever is compressed: messages of G_i - h_i have the noise
    (omega/n) mean||G_i - h_i||^2, and the memories give it back. Therefore all old multipliers stay. What the G_i
    add is counted twice: they move x by ||mean(G_i - g_i)||^2, and they move the memories, which pass on w alpha =
    2 gamma^2 omega/n of mean||G_i - g_i||^2 as they do for gradients. `apart` with -2 gamma^2 omega/n turns the
    latter into 2 gamma^2 omega times the noise of the mean, because workers draw for themselves, and `noise` with
    gamma^2 (1 + 2 omega) bounds the sum by s2/n.
Tight: upper: controls refute half of the noise and the noise without omega.
Source: Mishchenko, Gorbunov, Takáč and Richtárik 2019, Theorem 1.
"""

from fractions import Fraction as F

import sympy

from compth.methods.diana import DIANAOriginalNoisy
from proofs_check._noisy import noisy, with_noise, with_noise_steps
from proofs_check._script import Part, Script, constants, plan_of, symbols, text
from proofs_check._steps import SHIFTED, stochastic
from proofs_check.diana import diana_original as exact

UPDATE = stochastic(SHIFTED)
n, L, mu, om, ga, s2 = symbols("n L mu om ga s2")
FLEET = constants(omega=om, A=om / n, n=n, L_max=L, mu_min=mu, sigma2=s2)
PLAN, LIMIT = plan_of(DIANAOriginalNoisy(), FLEET, ga)
if LIMIT != exact.LIMIT or PLAN.rho != exact.PLAN.rho or PLAN.params != exact.PLAN.params:
    raise AssertionError("not the factor and parameters of diana.original")
NOISE = text(sympy.expand(PLAN.floor * (1 - PLAN.rho)))

STATEMENT = with_noise(
    exact.STATEMENT,
    "diana.original_noisy",
    "n L mu om ga s2",
    UPDATE.mean("message"),
    claim=[f"{exact.CLAIM} + {NOISE}"],
    run={**exact.STATEMENT["run"], "noise": NOISE},
)
CLAIM = STATEMENT["claim"][0]
STEPS = with_noise_steps(exact.STEPS, CLAIM, "ga**2*(1 + 2*om)", "-2*ga**2*om/n")


def at(curvatures, shifts, h, p, step_size, away=1, **params):
    """The model of `diana.original` with noisy gradients."""
    return noisy(exact.at(curvatures, shifts, h, p, step_size), away, p, **params)


EQUAL = exact.EQUAL
FAR, LOUD = exact.FAR, ([1, 1], [1, -1], [1, -1], F(1, 2))
SCRIPT = Script(
    "diana.original_noisy",
    "DIANA of stochastic gradients, the parameters of the original paper",
    [
        Part(
            STATEMENT,
            STEPS,
            at([1, 3], [1, -1], [2, 1], F(1, 2), F(1, 40), mu=F(1, 2), s2=2),
            [
                ({"claim": [CLAIM.replace(NOISE, f"{NOISE}/2")]}, at(*LOUD, F(1, 4), 9, **EQUAL)),
                ({"claim": [exact.CLAIM]}, at(*LOUD, F(1, 4), 9, **EQUAL)),
                ({"claim": [CLAIM.replace("om*s2", "0")]}, at(*LOUD, F(1, 4), 9, **EQUAL)),
                (
                    {"claim": [CLAIM.replace(f"<= {exact.RHO}*", f"<= {exact.RHO}**4*")]},
                    at(*FAR, F(1, 4), F(1, 9), **EQUAL),
                ),
                ({"given": {"noise": None}}, at(*LOUD, F(1, 4), 9, s2=0, **EQUAL)),
            ],
            update=UPDATE,
        )
    ],
)
