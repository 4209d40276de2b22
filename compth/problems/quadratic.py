"""Distributed quadratics f = (1/n) sum f_i, f_i(x) = x'A_i x/2 - b_i'x, with every constant exact."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from compth._door import array, at_the_door, no_mask
from compth._own import immutable, kept, seal
from compth._threads import one_blas_thread
from compth._types import Array, Json
from compth.errors import InvalidParameter
from compth.problems.at_minimum import RELATIVE_ZERO, AtMinimum


@dataclass(frozen=True, eq=False)
class DistributedQuadratic(AtMinimum):
    """f_i(x) = x'A_i x/2 - b_i'x on n workers, A: (n, d, d) symmetric, b: (n, d); f = mean f_i must be convex.

    A singular mean Hessian is allowed: `x_star` is then the solution of least norm, `mu` the smallest positive
    eigenvalue, and distances are to the solution set (compressed steps leave range(A)). Gradients come from one
    matrix product. Raises InvalidParameter for wrong shapes, NaN, asymmetry, or f unbounded below.
    """

    A: Array
    b: Array
    name: str = "quadratic"
    info: Json = field(default_factory=dict)

    @one_blas_thread
    def __post_init__(self) -> None:
        no_mask("A", self.A)
        no_mask("b", self.b)
        a, b = np.array(self.A, dtype=np.float64), np.array(self.b, dtype=np.float64)
        if a.ndim != 3 or a.shape[1] != a.shape[2] or b.shape != a.shape[:2] or a.size == 0:
            raise InvalidParameter(f"A has shape {a.shape}, b {b.shape}: need A (n, d, d) and b (n, d)")
        for label, values in (("A", a), ("b", b)):
            if not np.isfinite(values).all():
                where = [int(i) for i in np.argwhere(~np.isfinite(values))[0]]
                raise InvalidParameter(f"{label}{where} is not finite: remove NaN and inf from the problem")
        # Asymmetry beyond rounding is a mistake of the caller's; within it, it is averaged away so that eigh
        # may be used.
        if np.abs(a - a.transpose(0, 2, 1)).max() > 1e-9 * max(np.abs(a).max(), 1e-300):
            raise InvalidParameter("A must be symmetric for every worker: pass (A + A')/2")
        a = (a + a.transpose(0, 2, 1)) / 2
        object.__setattr__(self, "A", immutable(a))
        object.__setattr__(self, "b", immutable(b))
        self._check_bounded()
        seal(self)

    def _check_bounded(self) -> None:
        """InvalidParameter where f is not convex, linear, or unbounded below."""
        low, high = float(self.eigenvalues[0]), float(self.eigenvalues[-1])
        if low < -RELATIVE_ZERO * self.d * max(abs(high), abs(low)) or high <= 0:
            raise InvalidParameter(
                f"the mean Hessian has eigenvalues in [{low:.3g}, {high:.3g}]: f must be convex and not linear"
            )
        # f is bounded below exactly where mean b lies in the range of the mean Hessian: then A x* = b has a
        # solution.
        residual = np.linalg.norm(self.hessian @ self.x_star - self.b.mean(axis=0))
        if residual > 1e-8 * max(float(np.linalg.norm(self.b.mean(axis=0))), 1e-300):
            raise InvalidParameter(
                "mean b lies outside range(mean A): f is unbounded below; add regularisation"
            )

    @property
    def n(self) -> int:
        """Number of workers."""
        return int(self.A.shape[0])

    @property
    def d(self) -> int:
        """Dimension."""
        return int(self.A.shape[1])

    @kept
    def hessian(self) -> Array:
        """A = mean A_i, (d, d)."""
        return np.asarray(self.A.mean(axis=0))

    @kept
    def _eigh(self) -> tuple[Array, Array]:
        """Eigenvalues, ascending, and vectors of the mean Hessian."""
        values, vectors = np.linalg.eigh(self.hessian)
        return values, vectors

    @property
    def eigenvalues(self) -> Array:
        """Eigenvalues of the mean Hessian, ascending."""
        return np.asarray(self._eigh[0])

    @kept
    def _positive(self) -> NDArray[np.bool_]:
        """Which eigenvalues are not zero up to rounding."""
        return np.asarray(self.eigenvalues > RELATIVE_ZERO * self.d * self.eigenvalues[-1])

    @property
    def singular(self) -> bool:
        """True when the solution is a set: the mean Hessian has a kernel."""
        return not bool(self._positive.all())

    @kept
    def projector(self) -> Array | None:
        """Orthogonal projector on range(A), None when A is invertible."""
        if not self.singular:
            return None
        basis = self._eigh[1][:, self._positive]
        return np.asarray(basis @ basis.T)

    @property
    def L(self) -> float:
        """Smoothness of f: largest eigenvalue of the mean Hessian."""
        return float(self.eigenvalues[-1])

    @property
    def mu(self) -> float:
        """Smallest positive eigenvalue of the mean Hessian (strong convexity, or quadratic growth if singular)."""
        return float(self.eigenvalues[self._positive][0])

    @kept
    def _spectra(self) -> Array:
        """Eigenvalues of every A_i, (n, d)."""
        return np.asarray(np.linalg.eigvalsh(self.A), dtype=np.float64)

    @property
    def L_i(self) -> Array:
        """Smoothness of each f_i, (n,)."""
        return np.asarray(np.abs(self._spectra).max(axis=1))

    @property
    def L_max(self) -> float:
        """max_i L_i."""
        return float(self.L_i.max())

    @property
    def mu_min(self) -> float:
        """Strong convexity shared by every f_i: the least eigenvalue over workers, 0 if one f_i has none."""
        low = float(self._spectra.min())
        return low if low > RELATIVE_ZERO * self.d * self.L_max else 0.0

    @property
    def convex(self) -> bool:
        """True when every f_i is convex."""
        return bool(self._spectra.min() >= -RELATIVE_ZERO * self.d * self.L_max)

    @kept
    def _mean_square(self) -> Array:
        """mean A_i^2."""
        return np.asarray((self.A @ self.A).mean(axis=0))

    @kept
    def L_plus(self) -> float:
        """sqrt of the largest eigenvalue of mean A_i^2: mean||A_i z||^2 <= L_plus^2 ||z||^2."""
        return float(np.sqrt(np.linalg.eigvalsh(self._mean_square)[-1]))

    @kept
    def L_pm(self) -> float:
        """sqrt of the largest eigenvalue of mean A_i^2 - A^2 (Hessian variance): 0 when all A_i are equal."""
        spread = np.linalg.eigvalsh(self._mean_square - self.hessian @ self.hessian)[-1]
        return float(np.sqrt(max(spread, 0.0)))

    @kept
    def x_star(self) -> Array:
        """The minimiser (the one of least norm if there are many)."""
        values, vectors = self._eigh
        # The pseudo-inverse by eigenvalues: zeros up to rounding stay out, which gives the solution of least
        # norm.
        inverse = np.where(self._positive, 1 / np.where(self._positive, values, 1), 0)
        return np.asarray(vectors @ (inverse * (vectors.T @ self.b.mean(axis=0))))

    @kept
    def f_star(self) -> float:
        """min f."""
        return float(-self.b.mean(axis=0) @ self.x_star / 2)

    def _gradients_there(self) -> Array:
        return np.asarray(self.A @ self.x_star - self.b)

    @kept
    def at_rest(self) -> DistributedQuadratic:
        """The same Hessians, but every f_i has its minimum at x*."""
        return DistributedQuadratic(self.A, self.A @ self.x_star, self.name, self.info)

    @kept
    def homogeneous(self) -> DistributedQuadratic:
        """The same Hessians with b = 0: gradients are linear in x."""
        return DistributedQuadratic(self.A, 0 * self.b, self.name, self.info)

    @kept
    def heterogeneity(self) -> float:
        """D = (2 L_max/n) sum (f_i(x*) - min f_i), inf if some f_i is unbounded below (induced compressors' D)."""
        total = 0.0
        # f_i(x*) - min f_i = g'A_i^+ g/2 where g = grad f_i(x*) lies in the range of A_i >= 0; else f_i is
        # unbounded below.
        for a, g in zip(self.A, self.gradients_at_star, strict=True):
            solution = np.linalg.lstsq(a, g, rcond=1e-12)[0]
            if (
                np.linalg.norm(a @ solution - g) > 1e-8 * max(float(np.linalg.norm(g)), 1e-300)
                or not self.convex
            ):
                return float("inf")
            total += float(g @ solution) / 2
        return 2 * self.L_max * total / self.n

    @kept
    def _stacked(self) -> Array:
        """(d, n d): column block i is A_i, so that x @ it holds every worker's A_i x side by side."""
        return np.ascontiguousarray(self.A.transpose(2, 0, 1).reshape(self.d, -1))

    @kept
    def _stacked_single(self) -> Array:
        """The stacked Hessians in single precision: cast once, not at every round."""
        single = self.A.astype(np.float32)
        return np.ascontiguousarray(single.transpose(2, 0, 1).reshape(self.d, -1))

    def stacked(self, dtype: np.typing.DTypeLike) -> Array:
        """The stacked Hessians in the given precision (cached for float64 and float32)."""
        held = self._stacked_single if np.dtype(dtype) == np.float32 else self._stacked
        return np.asarray(held, dtype=dtype)

    def gradients(self, x: Array) -> Array:
        """grad f_i(x) for every worker: (..., d) -> (..., n, d), one matrix product in the precision of x."""
        x = x if x.dtype.kind == "f" else x.astype(np.float64)  # no Hessians in integers
        flat = np.matmul(x, self.stacked(x.dtype))
        out: Array = flat.reshape(*x.shape[:-1], self.n, self.d)
        out -= self.b.astype(x.dtype, copy=False)
        return out

    def gradients_at(self, points: Array) -> Array:
        """grad f_i at each worker's own point: (..., n, d) -> (..., n, d)."""
        return np.asarray(np.einsum("ijk,...ik->...ij", self.A, points, optimize=True) - self.b)

    def gradient(self, x: Array) -> Array:
        """grad f(x) = A (x - x*), (..., d) -> (..., d)."""
        return np.asarray((x - self.x_star) @ self.hessian)

    def value(self, x: Array) -> Array:
        """f(x), (..., d) -> (...)."""
        return np.asarray(self.gap(x) + self.f_star)

    def gap(self, x: Array) -> Array:
        """f(x) - f*, (..., d) -> (...), accurate near the solution."""
        return np.asarray(np.einsum("...j,...j->...", self.gradient(x), x - self.x_star) / 2)

    def distance_squared(self, x: Array) -> Array:
        """Squared distance to the solution set, (..., d) -> (...)."""
        z = x - self.x_star
        # Distance to a solution set: the part of x - x* in the kernel does not count.
        z = z if self.projector is None else z @ self.projector
        return np.asarray(np.einsum("...j,...j->...", z, z))

    def measures(self, x: Array) -> Array:
        """Squared distance, gap and squared gradient norm with one matrix product, (R, d) -> (3, R)."""
        gradient = self.gradient(x)
        gap = np.einsum("rj,rj->r", gradient, x - self.x_star) / 2
        return np.stack([self.distance_squared(x), gap, np.einsum("rj,rj->r", gradient, gradient)])

    def __repr__(self) -> str:
        return f"{self.name}(n={self.n}, d={self.d}, kappa={self.kappa:.4g})"


def Quadratic(A: object, b: object, name: str = "quadratic") -> DistributedQuadratic:
    """One worker's quadratic x'Ax/2 - b'x: A (d, d), b (d,)."""
    no_mask("A", A)
    no_mask("b", b)
    return DistributedQuadratic(np.asarray(A)[None], np.asarray(b)[None], name)


@at_the_door(A=array, b=array)
def distributed_quadratic(A: object, b: object, name: str = "quadratic") -> DistributedQuadratic:
    """f_i(x) = x'A_i x/2 - b_i'x from A (n, d, d) and b (n, d)."""
    return DistributedQuadratic(np.asarray(A), np.asarray(b), name)
