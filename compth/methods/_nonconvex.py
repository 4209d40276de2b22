"""What theorems without convexity bound: the mean squared gradient along the run."""

from __future__ import annotations

from typing import Any

import numpy as np

from compth._numbers import Number
from compth.errors import NoGuarantee
from compth.methods.core import Array, Constants, Plan, Theorem


def running_mean(values: Any) -> Array:
    """(T+1,) -> mean of the entries before t, NaN at t = 0."""
    out = np.full(len(values), np.nan)
    out[1:] = np.cumsum(values[:-1]) / np.arange(1, len(values))
    return out


def descent_slack(beta: Number, L: Number, gamma: Number) -> Number:
    """2 - beta L gamma: what descent leaves of 2||grad f||^2 when E||g||^2 <= beta||grad f||^2 + alpha."""
    return 2 - beta * L * gamma


def growth_floor(beta: Number, alpha: Number, L: Number, gamma: Number) -> Number:
    """alpha L gamma/(2 - beta L gamma)."""
    return alpha * L * gamma / descent_slack(beta, L, gamma)


def growth_plan(
    theorem: Theorem, growth: tuple[Number, Number], L: Number, gamma: Number | None, **params: Number
) -> Plan:
    """The plan for growth = (beta, alpha): 0 < gamma < 2/(beta L), by default half of that."""
    beta, alpha = growth
    limit = 2 / (beta * L)
    gamma = limit / 2 if gamma is None else theorem.allow(gamma, limit, "2/(beta L)")
    slack = descent_slack(beta, L, gamma)
    if not slack > 0:
        raise NoGuarantee(f"gamma={float(gamma):.6g} is not below 2/(beta L): {theorem.id} promises nothing")
    return Plan(gamma, {**params, "slack": slack}, floor=growth_floor(beta, alpha, L, gamma))


class MeanSquaredGradient(Theorem):
    """A bound on (1/t) sum_{s<t} E||grad f(x_s)||^2, that is on E||grad f(x_a)||^2, a uniform on 0..t-1."""

    metric = "(1/t) sum_{s<t} E||grad f(x_s)||^2"

    def trajectory(self, trace: Any) -> Array:
        return running_mean(trace.mean_gradient_square)

    def error(self, trace: Any) -> Array:
        """The running mean of the standard errors: the error of a mean is at most the mean of the errors."""
        return running_mean(trace.se_gradient_square)

    def observe(self, problem: Any, state: Any, plan: Plan) -> Array | None:
        """f - f*: at t = 0 what the bound starts from."""
        return np.asarray(problem.gap(state.x))

    def distance_factor(self, c: Constants, plan: Plan) -> float:
        return 0.0
