"""MARINA-P: every worker has its own model, moved by its own compressed difference; now and then all are told x."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from compth._numbers import Number, max, min, ratio, sqrt
from compth.bits import FLOAT_BITS
from compth.claims import JointVariance, Unbiased
from compth.compressors import Compressor
from compth.compressors.identity import Identity
from compth.methods.core import Array, Constants, Plan, State, mean_square
from compth.methods.core.body import BodyMethod, BodyState, Reading, Worker, copy_of_start
from compth.methods.core.descent import Descent, mean_error
from compth.methods.core.state import Bits, Counted
from compth.methods.marina import probability
from compth.problems.interface import Problem, is_quadratic
from compth.sources import MARINA_P as MARINA_P_PAPER

if TYPE_CHECKING:
    from compth.methods.core.signature import Vec, World


class MARINAPPL(Descent):
    """E Psi_t <= (1-gamma mu)^t Psi_0 on quadratics, f PL with mu, for gamma <= min{1/(L + sqrt(2(1-p)K/p)), p/(2 mu)}.

    Psi = f - f* + (gamma/p)(2 L_pm^2 mean||m_i - x||^2 + 2 L^2 ||mean m_i - x||^2), K = 2 omega L_pm^2 + 2 theta L^2,
    theta = max(A-B, 0) of the joint variance: E||mean C_i(v) - v||^2 <= theta||v||^2, 0 for PermK.

    ||mean(grad f_i(m_i) - grad f_i(x))||^2 <= L_A^2 mean||m_i-x||^2 + L_B^2||mean m_i - x||^2, the paper's functional
    inequality, holds on quadratics with L_A^2 = 2 L_pm^2 and L_B^2 = 2 L^2: mean <(A_i - A) v, u_i> <= L_pm
    sqrt(mean||u_i||^2) for unit v. A round w.p. 1-p adds omega||x+-x||^2 and theta||x+-x||^2 to the two squares.
    """

    id = "marinap.pl"
    title = "MARINA-P under the Polyak-Lojasiewicz condition: linear, no floor"
    source = MARINA_P_PAPER
    requires = (Unbiased, JointVariance)
    accepts = ("p",)
    metric = "E f(x_t) - f* + (gamma/p)(2 L_pm^2 mean||m_i - x||^2 + 2 L^2 ||mean m_i - x||^2)"

    def _why_not(self, c: Constants) -> str:
        return "" if c.facts["quadratic"] else "it speaks of quadratics"

    def step_limit(self, c: Constants) -> tuple[Number, str]:
        # PermK's messages of one common vector average exactly: theta = 0, so the mean model never leaves x
        p, theta = probability(c), max(c.joint.A - c.joint.B, 0)
        spread = 2 * c.omega * c.L_pm * c.L_pm + 2 * theta * c.L * c.L
        limit = min(1 / (c.L + sqrt(2 * ratio(1 - p, p) * spread)), p / (2 * c.mu))
        return limit, "min{1/(L + sqrt(2(1-p)K/p)), p/(2 mu)}"

    def params(self, c: Constants, gamma: Number) -> dict[str, Number]:
        p = probability(c)
        each, mean = (2 * gamma * v * v / p for v in (c.L_pm, c.L))
        return {"p": p, "each": each, "mean": mean}

    def errors(self, problem: Problem, state: State, plan: Plan) -> Array:
        # each worker's distance and the mean's enter apart: only the Hessian variance sees the first
        behind = state.m - state.x[:, None]
        return float(plan["each"]) * mean_square(behind) + float(plan["mean"]) * mean_error(behind)


@dataclass(frozen=True)
class MARINAPState(BodyState):
    """m: (R, n, d) the workers' models."""

    m: Array = field(kw_only=True)


@dataclass(frozen=True)
class MARINAP(BodyMethod):
    """x+ = x - gamma mean grad f_i(m_i); with probability p m_i+ = x+, else m_i + C_i(x+ - x), sent to each worker.

    One coin for all; m_i^0 = x^0; p=None: 1/(1+omega). The uplink is the full gradient, compressed is the downlink.
    """

    p: Number | None = None
    downlink: Compressor = field(default_factory=Identity, init=False, repr=False)
    takes_oracle = False
    state_class = MARINAPState
    requires = (Unbiased,)
    chances = ("p",)
    name = "MARINA-P"
    source = MARINA_P_PAPER
    own_theorems = (MARINAPPL(),)

    def default_params(self, c: Constants) -> dict[str, Number]:
        return {"p": probability(c)}

    def check(self, problem: Problem) -> Constants:
        c = super().check(problem)
        return c.but(facts={**c.facts, "quadratic": is_quadratic(problem)})

    def _sent(self, w: Counted, read: Reading | None, problem: Problem, t: int) -> Bits:
        """The full gradient of every worker."""
        return float(problem.d * FLOAT_BITS)

    def _heard(self, w: Counted, read: Reading | None, problem: Problem) -> Bits | None:
        """The model where the coin came up, else every worker's own message."""
        return np.where(w.coins[0], float(problem.d * FLOAT_BITS), sum(w.cost.values()))

    @staticmethod
    def body(w: World, x: Vec, m: Worker = copy_of_start, *, gamma: Number, p: Number) -> dict[str, Vec]:
        # gradients are taken where each worker is, and are sent in full: it is the downlink that is
        # compressed
        after = x - gamma * w.mean(w.gradient(m))
        return dict(x=after, m=w.coin(p, after, m + w.compress(after - x)))
