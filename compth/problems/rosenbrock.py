"""The Rosenbrock toy of the DIANA paper: two workers, not quadratic, not convex, no shared minimiser."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import ClassVar

import numpy as np

from compth._types import Array


@dataclass(frozen=True)
class Rosenbrock:
    """f_1 = (x+16)^2 + 10(y-x^2)^2 + 16y, f_2 = (x-18)^2 + 10(y-x^2)^2 - 16y; f = (x-1)^2 + 10(y-x^2)^2 + 289.

    The minimiser of f is (1, 1), where grad f_1 = (34, 16) = -grad f_2: DIANA learns these and reaches it, quantised
    gradients without memory (QSGD, TernGrad) do not. L = inf and mu = 0 (no global constants), so that no theorem
    applies and methods need their step size; for simulation only.

    Source: Mishchenko et al., Distributed learning with compressed gradient differences (1901.09269v1).
    """

    name: ClassVar[str] = "Rosenbrock"
    n: ClassVar[int] = 2
    d: ClassVar[int] = 2
    centres: ClassVar[tuple[float, float]] = (-16.0, 18.0)
    slopes: ClassVar[tuple[float, float]] = (16.0, -16.0)
    bend: ClassVar[float] = 10.0
    f_star: ClassVar[float] = 289.0
    L: ClassVar[float] = inf
    L_max: ClassVar[float] = inf
    L_plus: ClassVar[float] = inf
    L_pm: ClassVar[float] = inf
    mu: ClassVar[float] = 0.0
    mu_min: ClassVar[float] = 0.0
    heterogeneity: ClassVar[float] = inf
    convex: ClassVar[bool] = False
    interpolation: ClassVar[bool] = False

    @property
    def L_i(self) -> Array:
        """inf for both workers, (2,)."""
        return np.full(2, inf)

    @property
    def x_star(self) -> Array:
        """(1, 1)."""
        return np.ones(2)

    @property
    def start(self) -> Array:
        """The origin."""
        return np.zeros(2)

    @property
    def gradients_at_star(self) -> Array:
        """grad f_i(1, 1), (2, 2)."""
        return self.gradients(self.x_star)

    @property
    def zeta2_star(self) -> float:
        """mean||grad f_i(x*)||^2."""
        return float((self.gradients_at_star**2).sum(axis=1).mean())

    def gradients(self, x: Array) -> Array:
        """grad f_i for both workers: (..., 2) -> (..., 2, 2)."""
        # The bent valley 10 (y - x^2)^2 is common; the workers differ in where x is pulled and in a slope of
        # y.
        a, valley = x[..., 0], x[..., 1] - x[..., 0] ** 2
        rows = [
            np.stack([2 * (a - c) - 4 * self.bend * a * valley, 2 * self.bend * valley + s], axis=-1)
            for c, s in zip(self.centres, self.slopes, strict=True)
        ]
        return np.stack(rows, axis=-2)

    def gradient(self, x: Array) -> Array:
        """grad f(x), (..., 2) -> (..., 2)."""
        return np.asarray(self.gradients(x).mean(axis=-2))

    def gap(self, x: Array) -> Array:
        """f(x) - f*, (..., 2) -> (...)."""
        return np.asarray((x[..., 0] - 1) ** 2 + self.bend * (x[..., 1] - x[..., 0] ** 2) ** 2)

    def value(self, x: Array) -> Array:
        """f(x), (..., 2) -> (...)."""
        return self.gap(x) + self.f_star

    def distance_squared(self, x: Array) -> Array:
        """Squared distance to (1, 1), (..., 2) -> (...)."""
        return np.asarray(((x - self.x_star) ** 2).sum(axis=-1))

    def measures(self, x: Array) -> Array:
        """Squared distance, gap and squared gradient norm, (R, 2) -> (3, R)."""
        return np.stack([self.distance_squared(x), self.gap(x), (self.gradient(x) ** 2).sum(axis=-1)])

    def __repr__(self) -> str:
        return "Rosenbrock(n=2, d=2)"
