"""What theorems without convexity bound: the mean squared gradient along the run."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable

import numpy as np

from compth._numbers import Number
from compth.methods.core import Array, Constants, Plan, Recorded, State, Theorem
from compth.problems.interface import Problem


def running_mean(values: Array) -> Array:
    """(T+1,) -> mean of the entries before t, NaN at t = 0."""
    # the bound on (1/t) sum_{s<t} begins at t = 1: at t = 0 there is nothing to average
    out = np.full(len(values), np.nan)
    out[1:] = np.cumsum(values[:-1]) / np.arange(1, len(values))
    return out


def descent_slack(beta: Number, L: Number, gamma: Number) -> Number:
    """2 - beta L gamma: what descent leaves of 2||grad f||^2 when E||g||^2 <= beta||grad f||^2 + alpha."""
    return 2 - beta * L * gamma


def growth_floor(beta: Number, alpha: Number, L: Number, gamma: Number) -> Number:
    """alpha L gamma/(2 - beta L gamma)."""
    return alpha * L * gamma / descent_slack(beta, L, gamma)


class MeanSquaredGradient(Theorem):
    """A bound on (1/t) sum_{s<t} E||grad f(x_s)||^2, that is on E||grad f(x_a)||^2, a uniform on 0..t-1."""

    metric = "(1/t) sum_{s<t} E||grad f(x_s)||^2"

    def trajectory(self, trace: Recorded) -> Array:
        return running_mean(trace.mean_gradient_square)

    def error(self, trace: Recorded) -> Array:
        """The running mean of the standard errors: the error of a mean is at most the mean of the errors."""
        return running_mean(trace.se_gradient_square)

    def observe(self, problem: Problem, state: State, plan: Plan) -> Array | None:
        """f - f*: at t = 0 what the bound starts from."""
        return np.asarray(problem.gap(state.x))

    def distance_factor(self, c: Constants, plan: Plan) -> float:
        return 0.0


class Growth(MeanSquaredGradient):
    """From E||g||^2 <= beta||grad f||^2 + alpha: (1/T) sum <= 2(f(x_0)-f*)/(gamma s T) + alpha L gamma/s.

    s = 2 - beta L gamma > 0, by default 1.
    """

    @abstractmethod
    def growth(self, c: Constants) -> tuple[Number, Number]:
        """(beta, alpha)."""

    def step_limit(self, c: Constants) -> tuple[Number, str]:
        return 2 / (self.growth(c)[0] * c.L), "2/(beta L)"

    def default_step(self, c: Constants) -> Number:
        return self.step_limit(c)[0] / 2

    def slack(self, c: Constants, gamma: Number) -> Number:
        return descent_slack(self.growth(c)[0], c.L, gamma)

    def params(self, c: Constants, gamma: Number) -> dict[str, Number]:
        return {"slack": self.slack(c, gamma)}

    def floor(self, c: Constants, gamma: Number) -> Number:
        beta, alpha = self.growth(c)
        return growth_floor(beta, alpha, c.L, gamma)

    def values(self, c: Constants, plan: Plan, start: float) -> Callable[[int], float]:
        # summed over t the descent inequality telescopes: gamma s/2 sum E||grad f||^2 <= f(x_0) - f* + T
        # alpha L gamma^2/2
        first, floor = 2 * start / float(plan.gamma * plan["slack"]), float(plan.floor)
        return lambda t: first / t + floor if t > 0 else float("inf")
