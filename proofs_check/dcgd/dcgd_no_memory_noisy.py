"""Quantised stochastic gradients without memory: strongly convex workers, one step and the whole run.

Setting: that of dcgd.no_memory with stochastic gradients G_i in front of the messages, drawn independently, of mean
    variance s2.
Guarantee: E||x+ - x*||^2 <= (1 - gamma mu)||x - x*||^2 + gamma^2 (2 omega zeta*^2 + (1 + omega) s2)/n.
Proof:
    The proof is that of dcgd.no_memory, line by line, with one more hypothesis spent. Messages are now those of the
    G_i: given the G_i the mean message has the noise (omega/n) mean||G_i||^2, and the G_i themselves spread
    ||mean(G_i - g_i)||^2. The first splits into the exact gradients' share, which is paid for as before, and
    (omega/n) mean||G_i - g_i||^2. By independence of the workers mean||G_i - g_i||^2 is n times ||mean(G_i -
    g_i)||^2, which is `apart` times -gamma^2 omega/n. Together 1 + omega of ||mean(G_i - g_i)||^2 remain, and
    `noise` times gamma^2 (1 + omega) bounds it by s2/n.
Tight: upper: controls refute a quarter of the floor, the floor without s2, and that without omega s2.
Source: Mishchenko, Gorbunov, Takáč and Richtárik 2019, Theorem 10.
"""

from fractions import Fraction as F

import sympy

from compth.methods.dcgd import NoMemoryNoisy
from proofs_check._noisy import noise_controls, noisy, with_noise, with_noise_steps
from proofs_check._script import Part, Script, constants, plan_of, symbols, text
from proofs_check._steps import SENT, stochastic
from proofs_check.dcgd import dcgd_no_memory as exact

UPDATE = stochastic(SENT)
n, L, mu, om, ga, zeta2, s2 = symbols("n L mu om ga zeta2 s2")
FLEET = constants(omega=om, A=om / n, n=n, L_max=L, mu_min=mu, zeta2_star=zeta2, sigma2=s2)
PLAN, LIMIT = plan_of(NoMemoryNoisy(), FLEET, ga)
if LIMIT != exact.LIMIT or PLAN.rho != exact.PLAN.rho:
    raise AssertionError("not the step and factor of dcgd.no_memory")
NOISE = text(sympy.expand(PLAN.floor * (1 - PLAN.rho)))

STATEMENT = with_noise(
    exact.STATEMENT,
    "dcgd.no_memory_noisy",
    "n L mu om ga s2",
    UPDATE.mean("message"),
    claim=[f"{exact.MOVED} <= {exact.RHO}*sq(x - xs) + {NOISE}"],
    run={**exact.STATEMENT["run"], "noise": NOISE},
)
CLAIM = STATEMENT["claim"][0]
STEPS = with_noise_steps(exact.STEPS, CLAIM, "ga**2*(1 + om)", "-ga**2*om/n")


def at(curvatures, shifts, p, step_size, away=1, **params):
    """The model of `dcgd.no_memory` with noisy gradients."""
    return noisy(exact.at(curvatures, shifts, p, step_size), away, p, **params)


SCRIPT = Script(
    "dcgd.no_memory_noisy",
    "quantised stochastic gradients without memory: linear to a floor",
    [
        Part(
            STATEMENT,
            STEPS,
            at([1, 3], [1, -1], F(1, 2), F(1, 20), s2=2),
            noise_controls(CLAIM, NOISE, at, (F(1, 2), F(1, 2)), exact.EQUAL),
            update=UPDATE,
        )
    ],
)
