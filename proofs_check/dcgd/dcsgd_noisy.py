"""DCSGD of stochastic gradients with an unbiased compressor and a constant step: one step and the whole run.

Setting: that of dcsgd.constant with stochastic gradients G_i in front of the messages, drawn independently, of mean
    variance s2.
Symbols: y: the workers' own minimisers; fm: mean of the least values of the f_i; D: 2 L_max (f* - fm)
Guarantee: E||x+ - x*||^2 <= (1 - gamma mu)||x - x*||^2 + gamma^2 (omega D + (1 + omega) s2)/n.
Proof:
    Everything of dcsgd.constant stays: `each` against the workers' own minima, `smooth` for ||grad f||^2, `convex`
    times 2 gamma to pay for both. New is the noise of the G_i, in two places: they move the mean message by
    ||mean(G_i - g_i)||^2, and compressing them instead of the g_i adds (omega/n) mean||G_i - g_i||^2 to what `var`
    and `ind` leave. Independent workers make the latter omega ||mean(G_i - g_i)||^2 (`apart` times -gamma^2
    omega/n). The sum, 1 + omega of it, is at most (1 + omega) s2/n by `noise`, and the range of the step does not
    change because noise has no share in f - f*.
Tight: upper: controls refute a quarter of the floor, the floor without s2, and that without omega s2.
Source: Horváth and Richtárik 2021; the constant step and the noise are ours.
"""

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
