"""Theorems whose Lyapunov function is f - f* and squared errors of what a method remembers, for f with PL."""

from __future__ import annotations

from abc import abstractmethod

import numpy as np

from compth._numbers import Number
from compth.methods.core import Array, Constants, Plan, State, Theorem
from compth.problems.interface import Problem


class Descent(Theorem):
    """E Psi_t <= (1-gamma mu)^t Psi_0, Psi = f - f* + `errors`, for gamma up to `step_limit` (f PL with mu)."""

    @abstractmethod
    def errors(self, problem: Problem, state: State, plan: Plan) -> Array:
        """What Psi adds to f - f* on each replicate, (R,)."""

    def rate(self, c: Constants, gamma: Number) -> Number:
        return 1 - gamma * c.mu

    def observe(self, problem: Problem, state: State, plan: Plan) -> Array:
        return np.asarray(problem.gap(state.x) + self.errors(problem, state, plan))

    def distance_factor(self, c: Constants, plan: Plan) -> float:
        """f - f* >= (mu/2) ||x - x*||^2."""
        return float(c.mu) / 2


def mean_error(a: Array) -> Array:
    """||mean a_i||^2 of workers' vectors (R, n, d), (R,)."""
    # the square of the mean, not the mean of the squares: errors of different workers may cancel
    mean = a.mean(axis=1)
    return np.asarray(np.vecdot(mean, mean))
