"""Finite sums: n workers with m components each, f_i = (1/m) sum_j f_ij, all quadratic, every constant exact."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from compth._door import no_mask
from compth._numbers import Number
from compth._own import immutable, kept
from compth._rng import stream
from compth._threads import one_blas_thread
from compth._types import Array
from compth.errors import InvalidParameter
from compth.problems.at_minimum import RELATIVE_ZERO
from compth.problems.generate import random_quadratic
from compth.problems.quadratic import DistributedQuadratic

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, eq=False)
class FiniteSum(DistributedQuadratic):
    """f_ij(x) = x'A_ij x/2 - b_ij'x, from A (n, m, d, d) and b (n, m, d); f_i = mean_j f_ij.

    Everywhere a DistributedQuadratic with A_i = mean_j A_ij and b_i = mean_j b_ij: after construction `A` and `b` are
    those means, `parts` (n, m, d, d) and `offsets` (n, m, d) the components, which oracles and variance-reduced methods
    sample. Raises InvalidParameter for wrong shapes, NaN, asymmetry, or f unbounded below.
    """

    name: str = "finite sum"
    parts: Array = field(init=False)
    offsets: Array = field(init=False)

    @one_blas_thread
    def __post_init__(self) -> None:
        no_mask("A", self.A)
        no_mask("b", self.b)
        a, b = np.array(self.A, dtype=np.float64), np.array(self.b, dtype=np.float64)
        if a.ndim != 4 or a.shape[2] != a.shape[3] or b.shape != a.shape[:3] or a.size == 0:
            raise InvalidParameter(f"A has shape {a.shape}, b {b.shape}: need A (n, m, d, d) and b (n, m, d)")
        for label, values in (("A", a), ("b", b)):
            if not np.isfinite(values).all():
                where = [int(i) for i in np.argwhere(~np.isfinite(values))[0]]
                raise InvalidParameter(f"{label}{where} is not finite: remove NaN and inf from the problem")
        if np.abs(a - a.swapaxes(2, 3)).max() > 1e-9 * max(np.abs(a).max(), 1e-300):
            raise InvalidParameter("A must be symmetric for every component: pass (A + A')/2")
        a = (a + a.swapaxes(2, 3)) / 2
        # The means take the fields' places, so that everything that knows a DistributedQuadratic works on a
        # finite sum.
        for key, value in (("parts", a), ("offsets", b), ("A", a.mean(axis=1)), ("b", b.mean(axis=1))):
            object.__setattr__(self, key, immutable(value))
        super().__post_init__()

    def __setstate__(self, state: Mapping[str, object]) -> None:
        super().__setstate__({**state, "A": state["parts"], "b": state["offsets"]})

    @property
    def m(self) -> int:
        """Components of each worker."""
        return int(self.parts.shape[1])

    @kept
    def L_ij(self) -> Array:
        """Smoothness of each component, (n, m)."""
        return np.asarray(np.abs(np.linalg.eigvalsh(self.parts)).max(axis=-1))

    @property
    def L_part(self) -> float:
        """max_ij L_ij."""
        return float(self.L_ij.max())

    @kept
    def parts_convex(self) -> bool:
        """True when every component is convex."""
        return bool(np.linalg.eigvalsh(self.parts).min() >= -RELATIVE_ZERO * self.d * self.L_part)

    @kept
    def parts_at_star(self) -> Array:
        """grad f_ij(x*), (n, m, d); exactly zero where all are zero up to rounding."""
        s = self.parts @ self.x_star - self.offsets
        scale = self.L_ij * np.linalg.norm(self.x_star) + np.linalg.norm(self.offsets, axis=-1)
        small = np.linalg.norm(s, axis=-1) <= 100 * RELATIVE_ZERO * np.maximum(scale, 1e-300)
        return np.where(small.all(), 0.0, s)

    @kept
    def _stacked_parts(self) -> Array:
        """(d, n m d): column blocks are the A_ij."""
        return np.ascontiguousarray(self.parts.transpose(3, 0, 1, 2).reshape(self.d, -1))

    def part_gradients(self, x: Array) -> Array:
        """grad f_ij(x) of every component: (..., d) -> (..., n, m, d), one matrix product."""
        flat = np.matmul(x, self._stacked_parts.astype(x.dtype, copy=False))
        out: Array = flat.reshape(*x.shape[:-1], self.n, self.m, self.d)
        out -= self.offsets.astype(x.dtype, copy=False)
        return out

    @kept
    def at_rest(self) -> FiniteSum:
        """The same Hessians and f, but every component has its minimum at x*."""
        return FiniteSum(self.parts, self.parts @ self.x_star, self.name, self.info)

    @kept
    def homogeneous(self) -> FiniteSum:
        """The same Hessians with every b_ij = 0: gradients are linear in x."""
        return FiniteSum(self.parts, 0 * self.offsets, self.name, self.info)

    def flat(self) -> FiniteSum:
        """One worker that holds all n m components."""
        d = self.d
        return FiniteSum(
            self.parts.reshape(1, -1, d, d), self.offsets.reshape(1, -1, d), self.name, self.info
        )

    def as_workers(self) -> DistributedQuadratic:
        """n m workers, each with one component."""
        d = self.d
        return DistributedQuadratic(
            self.parts.reshape(-1, d, d), self.offsets.reshape(-1, d), self.name, self.info
        )

    def __repr__(self) -> str:
        return f"{self.name}(n={self.n}, m={self.m}, d={self.d}, kappa={self.kappa:.4g})"


@one_blas_thread
def random_finite_sum(
    n: int = 1, m: int = 10, d: int = 20, kappa: float = 100.0, seed: int = 0, **settings: Number
) -> FiniteSum:
    """n workers with m random components each; f has exactly kappa.

    settings: those of random_quadratic, of whose n m workers every m in a row become one. Raises InvalidParameter.
    """
    if m < 1:
        raise InvalidParameter(f"m={m} components: need m >= 1")
    # Its workers are single coordinates, so that means over components would no longer be.
    if settings.get("family", "dense") != "dense":
        raise InvalidParameter(
            "family='coordinate' ties workers to coordinates: random finite sums are dense"
        )
    whole = random_quadratic(n * m, d, kappa, seed, **settings)
    return FiniteSum(
        whole.A.reshape(n, m, d, d), whole.b.reshape(n, m, d), "random finite sum", {**whole.info, "m": m}
    )


def additive_noise(
    problem: DistributedQuadratic, m: int = 4, sigma2: float = 1.0, seed: int = 0
) -> FiniteSum:
    """m components per worker with A_ij = A_i and b_ij = b_i + e_ij, sum_j e_ij = 0: gradient noise that is uniform.

    One uniformly chosen component has mean_i E||g_i(x) - grad f_i(x)||^2 = sigma2 at every x, exactly the bounded
    variance that many theorems assume.
    """
    if m < 2 or not 0 <= sigma2 < float("inf"):
        raise InvalidParameter(f"m={m}, sigma2={sigma2}: need at least 2 components and 0 <= sigma2 < inf")
    noise = stream(seed, problem.n, m).standard_normal((problem.n, m, problem.d))
    # Offsets that sum to zero over the components leave every f_i as it was; equal Hessians make the noise the
    # same at every x.
    noise -= noise.mean(axis=1, keepdims=True)
    noise *= np.sqrt(sigma2 / (noise**2).sum(axis=2).mean())
    parts = np.repeat(problem.A[:, None], m, axis=1)
    info = {**problem.info, "m": m, "sigma2": sigma2}
    return FiniteSum(parts, problem.b[:, None] + noise, f"{problem.name} with additive noise", info)
