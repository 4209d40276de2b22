"""Exact dynamics of methods that mask model and gradient alike (IST): x+ = e x + (1/n) sum M_i (K_i M_i x + beta_i).

The mean m and the second moment X of x itself are kept (x* is no fixed point of the mean). Everything comes from the
fleet's inclusion probabilities; a method takes part by giving (e, K, beta) from `masked`.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from scipy.linalg import eigh
from scipy.sparse.linalg import LinearOperator, gmres

from compth.compressors.double_sketch import DoubleSketch
from compth.dynamics.solvers import arnoldi, face_bound
from compth.dynamics.system import Data
from compth.errors import Unsupported
from compth.methods import Method

Array = Any


def fits(method: Method) -> bool:
    """True for a method that names its masked form."""
    return hasattr(method, "masked")


@dataclass(frozen=True)
class MaskedMoments:
    """m = E x and X = E xx'."""

    m: Array
    X: Array


class MaskedSystem:
    """One step of (m, X); its linear part on X alone sets the rate of the second moments."""

    def __init__(self, method: Any, data: Data, gamma: Any) -> None:
        if data.projector is not None:
            raise Unsupported("the mean Hessian is singular: a masked model has no closed recursion here")
        self.data = data
        self.rational = data.A.dtype == object
        self.sketch = DoubleSketch(method.fleet, data.n, data.d)
        b = np.matmul(data.A, data.x_star) - data.s
        number: Any = _fractions if self.rational else float
        scale = self.sketch.scale
        scale = np.vectorize(number, otypes=[object if self.rational else float])(scale)
        keep, self.K, self.beta = method.masked(data.A, b, scale, number(gamma))
        self.keep = keep
        self.map = self.sketch.mean_map(self.K)
        self.shift = self.sketch.mean_shift(self.beta)
        self.square = self.sketch.outer(self.beta)
        self.applications = 0

    @property
    def driven(self) -> bool:
        """True when the mean enters the second moments."""
        return bool(np.any(self.shift) or np.any(self.square))

    def linear(self, X: Array) -> Array:
        """X -> E[(e + H) X (e + H)'], symmetrised."""
        self.applications += 1
        out = self.keep * X + (self.map @ X + X @ self.map.T) * self.keep + self.sketch.quadratic(self.K, X)
        return (out + out.T) / 2

    def __call__(self, state: MaskedMoments) -> MaskedMoments:
        """One step."""
        m = self.keep * state.m + self.map @ state.m + self.shift
        across = self.keep * np.outer(state.m, self.shift) + self.sketch.cross(self.K, state.m, self.beta)
        return MaskedMoments(m, self.linear(state.X) + across + across.T + self.square)

    def mean_radius(self) -> float:
        """Spectral radius of the mean's map."""
        mean = self.keep * np.eye(self.data.d) + self.map
        return float(np.abs(np.linalg.eigvals(mean)).max())

    def radius(self) -> tuple[float, tuple[float, float]]:
        """(r(T), enclosure) of the linear part, T keeping the cone X >= 0."""
        d = self.data.d
        start = np.eye(d).ravel()
        value, vector = arnoldi(lambda v: self.linear(v.reshape(d, d)).ravel(), d * d, start)
        x = vector.reshape(d, d)
        x = (x + x.T) / 2 * (np.sign(np.trace(x)) or 1.0)
        low, high = 0.0, np.inf
        for rounds in (0, 4, 16):
            for _ in range(rounds):
                x = self.linear(x)
            for eta in (0.0, 1e-12, 1e-8):
                a, b = self._extremes(x + eta * np.trace(x) * np.eye(d))
                low, high = max(low, a), min(high, b)
            low = max(low, face_bound(self.linear, x))
            if high - low <= 1e-3 * abs(1 - high):
                break
        return min(max(value, low), high), (low, high)

    def _extremes(self, x: Array) -> tuple[float, float]:
        if not (np.diag(x) > 0).all():
            return 0.0, np.inf
        outer = np.outer(np.diag(x) ** -0.5, np.diag(x) ** -0.5)
        try:
            found = eigh(self.linear(x) * outer, x * outer, eigvals_only=True)
        except np.linalg.LinAlgError:
            return 0.0, np.inf
        return float(found[0]), float(found[-1])

    def square_of(self, state: MaskedMoments) -> Array:
        """E (x-x*)(x-x*)'."""
        star = self.data.x_star
        return state.X - np.outer(state.m, star) - np.outer(star, state.m) + np.outer(star, star)

    def quantities(self, state: MaskedMoments) -> Array:
        """E||x-x*||^2, E f - f*, E||grad f||^2."""
        z, a = self.square_of(state), self.data.mean
        az = a @ z
        return np.array([np.trace(z), np.trace(az) / 2, (az * a).sum()])

    def stationary(self) -> MaskedMoments | None:
        """The fixed point of (m, X); None where the linear solve fails."""
        d = self.data.d
        mean = (1 - self.keep) * np.eye(d) - self.map
        m = np.linalg.solve(mean, self.shift)
        across = self.keep * np.outer(m, self.shift) + self.sketch.cross(self.K, m, self.beta)
        source = (across + across.T + self.square).ravel()
        if not np.any(source):
            return MaskedMoments(m, np.zeros((d, d)))
        matrix = LinearOperator(
            (d * d, d * d), matvec=lambda v: v - self.linear(v.reshape(d, d)).ravel(), dtype=float
        )
        x, code = gmres(matrix, source, rtol=1e-12, atol=0.0, restart=100, maxiter=20)
        residual = np.linalg.norm(matrix.matvec(x) - source) / np.linalg.norm(source)
        return MaskedMoments(m, x.reshape(d, d)) if code == 0 or residual < 1e-9 else None


def _fractions(value: Any) -> Fraction:
    return Fraction(float(value)) if isinstance(value, np.floating) else Fraction(value)
