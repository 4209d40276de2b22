"""DCSGD of stochastic gradients with an unbiased compressor and a constant step: one step and the whole run."""

from fractions import Fraction as F

import sympy

from compth.methods.core.dcsgd import DCSGDNoisy
from proofs_check._noisy import noise_controls, noisy, with_noise, with_noise_steps
from proofs_check._script import Part, Script, constants, plan_of, symbols, text
from proofs_check._steps import SENT, stochastic
from proofs_check.dcgd import dcsgd_constant as exact

UPDATE = stochastic(SENT)
n, Lm, mu, om, ga, D, s2 = symbols("n Lm mu om ga D s2")
FLEET = constants(omega=om, A=om / n, n=n, L_max=Lm, mu=mu, D=D, sigma2=s2)
PLAN, LIMIT = plan_of(DCSGDNoisy(), FLEET, ga)
if LIMIT != exact.LIMIT or PLAN.rho != exact.PLAN.rho:
    raise AssertionError("not the step and factor of dcsgd.constant")
NOISE = text(sympy.expand(PLAN.floor * (1 - PLAN.rho)))

STATEMENT = with_noise(
    exact.STATEMENT,
    "dcsgd.noisy",
    "n Lm mu om ga s2",
    UPDATE.mean("message"),
    title="fm the mean of the least values of the f_i, attained at the y_i; G stochastic gradients, Q messages",
    claim=[f"{exact.MOVED} <= {exact.RHO}*sq(x - xs) + {NOISE}"],
    run={**exact.STATEMENT["run"], "noise": NOISE},
)
CLAIM = STATEMENT["claim"][0]
STEPS = with_noise_steps(exact.STEPS, CLAIM, "ga**2*(1 + om)", "-ga**2*om/n")


def at(curvatures, shifts, p, step_size, away=1, **params):
    """The model of `dcsgd.constant` with noisy gradients."""
    return noisy(exact.at(curvatures, shifts, p, step_size), away, p, **params)


SCRIPT = Script(
    "dcsgd.noisy",
    "DCSGD of stochastic gradients with a constant step: linear to a floor",
    [
        Part(
            STATEMENT,
            STEPS,
            at([1, 3], [2, -2], F(1, 2), F(1, 20), s2=2),
            noise_controls(CLAIM, NOISE, at, (F(1, 2), F(1, 3)), exact.EQUAL),
            update=UPDATE,
        )
    ],
)
