"""DCGD of stochastic gradients on heterogeneous data, for any joint variance (A, B): one step and the whole run.

Setting: that of dcgd.general with stochastic gradients G_i in front of the messages, drawn independently, unbiased,
    of mean variance s2.
Symbols: S: max{1 - B, 0}, or more
Guarantee: E||x+ - x*||^2 <= (1 - gamma mu)||x - x*||^2 + gamma^2 (2 A zeta*^2 + A s2 + max{1 - B, 0} s2/n).
Proof:
    All steps of dcgd.general stay. `joint` now speaks of the G_i, so that A mean||G_i||^2 + (1 - B)||mean G_i||^2
    has to be bounded; by unbiasedness each square is that of the exact gradients plus the noise's. The exact part
    is dcgd.general's. The noise adds A mean||G_i - g_i||^2 + (1 - B)||mean(G_i - g_i)||^2. Independent workers make
    the first n times the second, which is `apart` times -gamma^2 A, and what is left is (nA + S) ||mean(G_i -
    g_i)||^2, bounded by s2/n through `noise` times gamma^2 (nA + S). The last term is the slack of S >= 1 - B on
    the averaged noise.
Tight: upper: a control shows that the floor without its noise, or a quarter of the floor, would be false.
Source: Gorbunov, Hanzely and Richtárik 2020, Theorem 4.1 applied to DCGD; joint variances and the noise terms are
    ours.
"""

from fractions import Fraction as F

import sympy

from compth.methods.dcgd import DCGDNoisy
from proofs_check._noisy import noisy, with_noise, with_noise_steps
from proofs_check._script import Part, Script, constants, plan_of, symbols, text, without_max
from proofs_check._steps import SENT, stochastic
from proofs_check.dcgd import dcgd_general as exact

UPDATE = stochastic(SENT)
L, Lm, mu, A, B, ga, zeta2, n, s2 = symbols("L Lm mu A B ga zeta2 n s2")
FLEET = constants(A=A, B=B, n=n, L=L, L_max=Lm, mu=mu, zeta2_star=zeta2, sigma2=s2)
PLAN, LIMIT = plan_of(DCGDNoisy(), FLEET, ga)
if LIMIT != exact.LIMIT or PLAN.rho != exact.PLAN.rho:
    raise AssertionError("not the step and factor of dcgd.general")
ADDED, LARGEST = without_max(PLAN.floor * (1 - PLAN.rho), "S")
if LARGEST != exact.LARGEST:
    raise AssertionError("another maximum than in dcgd.general")
NOISE = text(sympy.expand(ADDED))

STATEMENT = with_noise(
    exact.STATEMENT,
    "dcgd.noisy",
    "L Lm mu A B S ga n s2",
    UPDATE.mean("message"),
    claim=[f"{exact.MOVED} <= {exact.RHO}*sq(x - xs) + {NOISE}"],
    run={**exact.STATEMENT["run"], "noise": NOISE},
)
STATEMENT["domain"].append("n >= 1")
CLAIM = STATEMENT["claim"][0]
STEPS = with_noise_steps(
    exact.STEPS, CLAIM, "ga**2*(n*A + S)", "-ga**2*A", "ga**2*(S - (1 - B))*sq(P(G - g))"
)


def at(curvatures, shifts, p, step_size, away=1, **params):
    """The model of `dcgd.general` with noisy gradients."""
    found = exact.at(curvatures, shifts, p, step_size)
    return noisy(found, away, p, **{"n": len(shifts), **params})


ALIKE = ([1, 1], [-4, 4], F(1, 2), F(1, 2))
QUIET = ([1, 1], [F(-1, 9), F(1, 9)], F(1, 2), F(1, 2))
TIGHT = exact.TIGHT
SCRIPT = Script(
    "dcgd.noisy",
    "DCGD of stochastic gradients: linear to a floor",
    [
        Part(
            STATEMENT,
            STEPS,
            at([1, 3], [1, -1], F(1, 2), F(1, 20), s2=2),
            [
                ({"claim": [CLAIM.replace(NOISE, f"{NOISE}/4")]}, at(*ALIKE, **TIGHT)),
                ({"claim": [CLAIM.replace("s2", "0")]}, at(*QUIET, away=9, **TIGHT)),
                ({"given": {"noise": None}}, at(*QUIET, away=9, s2=0, **TIGHT)),
                ({"given": {"joint": None}}, at(*ALIKE, **{**TIGHT, "A": 0})),
            ],
            update=UPDATE,
        )
    ],
)
