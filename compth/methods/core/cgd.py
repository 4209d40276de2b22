"""Compressed gradient descent on one worker, for biased compressors of the classes B1 and B2."""

from __future__ import annotations

from abc import abstractmethod

import numpy as np

from compth._numbers import Number
from compth._types import Array
from compth.calculus import b1_to_b2
from compth.claims import B1, B2, Attribution, Contractive, Standing
from compth.methods.core import State
from compth.methods.core.closed_forms import cgd_factor_at, error_norm
from compth.methods.core.constants import Constants
from compth.methods.core.theorem import Plan, Theorem
from compth.problems.interface import Problem
from compth.sources import BIASED


class _Aligned(Theorem):
    """From <E C(g), g> >= c||g||^2 and E||C(g)||^2 <= b <E C(g), g>: f falls by a share of ||grad f||^2.

    E f(x+) <= f - gamma <g, E C(g)> + (L gamma^2/2) E||C(g)||^2 <= f - gamma (1 - b L gamma/2) <g, E C(g)>
            <= f - gamma c (1 - b L gamma/2) ||g||^2, and ||g||^2 >= 2 mu (f - f*).
    """

    source = BIASED
    attribution = Attribution.OURS
    declared = Standing.DERIVED
    metric = "E f(x_t) - f*"

    @abstractmethod
    def aligned(self, c: Constants) -> tuple[Number, Number]:
        """(c, b)."""

    def _why_not(self, c: Constants) -> str:
        if c.n != 1:
            return "several workers' biases may add up to an ascent (problems.top1_divergence): one worker"
        return "" if c.mu > 0 else "f must grow: mu > 0"

    def why_not_at(self, c: Constants, gamma: Number) -> str:
        """As always, and where the certified worst case of a contraction is smaller at this very step."""
        if self._outdone(c, gamma):
            return f"at gamma={float(gamma):.6g} the certified worst case of a contraction is sharper: dcgd.certified"
        return super().why_not_at(c, gamma)

    def _outdone(self, c: Constants, gamma: Number) -> bool:
        """There is a certificate at this step, (1+s) gamma L < 2, and its rate is the smaller one."""
        # a contraction is in B1 and B2 as well, with constants that lose: where the certified worst case is
        # smaller at this very step, this theorem steps back
        contractive = c.claim(Contractive)
        if contractive is None or not c.mu_min > 0:
            return False
        known = (1 + error_norm(contractive.delta)) * gamma * c.L_max < 2
        return bool(
            known and cgd_factor_at(c.mu_min, c.L_max, contractive.delta, gamma) < self.rate(c, gamma)
        )

    def step_limit(self, c: Constants) -> tuple[Number, str]:
        return 2 / (self.aligned(c)[1] * c.L), "2/(beta L)"

    def default_step(self, c: Constants) -> Number:
        return self.step_limit(c)[0] / 2

    def slack(self, c: Constants, gamma: Number) -> Number:
        return 2 - self.aligned(c)[1] * c.L * gamma

    def rate(self, c: Constants, gamma: Number) -> Number:
        # f falls by gamma c (1 - b L gamma/2) ||g||^2, which PL turns into 2 mu times f - f*
        return 1 - self.aligned(c)[0] * gamma * c.mu * self.slack(c, gamma)

    def observe(self, problem: Problem, state: State, plan: Plan) -> Array:
        return np.asarray(problem.gap(state.x))

    def distance_factor(self, c: Constants, plan: Plan) -> float:
        """f - f* >= (mu/2)||x - x*||^2."""
        return float(c.mu) / 2


class CGDFirst(_Aligned):
    """C in B1(alpha, beta): E f(x_t)-f* <= (1 - (alpha/beta) gamma mu (2 - gamma beta L))^t (f(x_0)-f*).

    One worker, f PL with mu, gamma < 2/(beta L). By default gamma = 1/(beta L): 1 - (alpha/beta^2) mu/L.
    B1(alpha, beta) lies in B2(alpha/beta, beta), whose descent this is.
    """

    id = "cgd.b1"
    title = "Biased compressed gradients of class B1 on one worker: linear, no floor"
    requires = (B1,)

    def aligned(self, c: Constants) -> tuple[Number, Number]:
        claim = c._constant(B1)
        return b1_to_b2(claim.alpha, claim.beta)


class CGDSecond(_Aligned):
    """C in B2(c, beta): E f(x_t)-f* <= (1 - c gamma mu (2 - gamma beta L))^t (f(x_0)-f*) for gamma < 2/(beta L).

    One worker, f PL with mu. By default gamma = 1/(beta L): 1 - (c/beta) mu/L.
    """

    id = "cgd.b2"
    title = "Biased compressed gradients of class B2 on one worker: linear, no floor"
    requires = (B2,)

    def aligned(self, c: Constants) -> tuple[Number, Number]:
        claim = c._constant(B2)
        return claim.gamma, claim.beta
