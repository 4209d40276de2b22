"""The exact inverse of id - T0, T0 the second-moment operator with its noise left out: a preconditioner for id - T.

T0 is triangular: the common vectors alone, then each memory with them, then each memory with itself. In the eigenbasis
of A the first is a K^2 x K^2 system for every pair of eigenvalues; the second a multiplication by (I - m F')^{-1} and
the third a division by 1 - m^2, where m = v + w q is what a memory keeps of itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from compth._types import Numbers as Array
from compth.dynamics.system import Moments, System
from compth.dynamics.units import Units

if TYPE_CHECKING:
    from compth.dynamics.traced import TracedSystem


SMALL = 1e-13


class NoiseFree:
    """(id - T0)^{-1} on Moments of a linear operator (System, or Blocks of a traced body)."""

    def __init__(self, system: System | TracedSystem, units: Units) -> None:
        """Factor id - T0 once; units: natural sizes, by which is told what counts as a zero of it."""
        self.system = system
        d, k = system.data.d, system.K
        values, self.vectors = np.linalg.eigh(system.data.mean)
        self.d, self.k, self.kinds = d, k, system.M
        inside = np.ones(d)
        if system.data.projector is not None:
            inside[np.abs(values) <= 1e-12 * np.abs(values).max()] = 0.0
        # Without noise C+ = F C F', averaged over the branches, and F is made of A alone: in A's eigenbasis
        # it acts on each pair of eigenvalues by itself, as a K x K block from either side. So id - T0 on C is
        # one system of K^2 unknowns for every pair. On the kernel of A (inside = 0) x does not count: its
        # moments are left out.
        pairs = system.pairs(values, inside)
        self.pair = _inverse(np.eye(k * k) - pairs, np.kron(units.common, units.common))
        if system.M:
            # D+ = Q D F' + what C puts in, Q between the kinds of memory alone. In Q's eigenbasis D falls
            # apart into parts x_m with x_m (I - m F') known, one inverse for each eigenvalue m; E likewise,
            # divided by 1 - m m'.
            self.keep, self.into = _diagonal(system.own_map())
            self.back = np.linalg.pinv(self.into)
            common, mean = 1 / np.repeat(units.common, d), system.mean_map().T
            self.right = [_inverse(np.eye(k * d) - m * mean, common) for m in self.keep]
            rest = 1 - self.keep[:, None] * self.keep
            self.rest = np.where(np.abs(rest) > SMALL, rest, 1.0)

    def __call__(self, m: Moments) -> Moments:
        """Moments x with x - T0 x = m."""
        # C first, because nothing else enters it without noise; then D, which C drives; then E, which both
        # drive.
        k, d, v = self.k, self.d, self.vectors
        blocks = m.C.reshape(k, d, k, d).transpose(0, 2, 1, 3)
        inner = np.matmul(np.matmul(v.T, blocks), v).reshape(k * k, d, d).transpose(1, 2, 0)
        inner = np.matmul(self.pair, inner[..., None])[..., 0].transpose(2, 0, 1).reshape(k, k, d, d)
        c = np.matmul(np.matmul(v, inner), v.T).transpose(0, 2, 1, 3).reshape(k * d, k * d)
        c = (c + c.T) / 2
        if m.D is None or m.E is None:
            return Moments(c)
        cross = self._across(m.D + self._driven(c, m))
        driven = self.system.drift(Moments(c, cross, np.zeros_like(m.E)))
        return Moments(c, cross, self._own(m.E + driven.E))

    def _driven(self, c: Array, like: Moments) -> Array:
        """What the common vectors put into D."""
        if isinstance(self.system, System):
            across: Array = self.system.drift_across(c)
            return across
        after = self.system.drift(Moments(c, np.zeros_like(like.D), np.zeros_like(like.E)))
        return np.asarray(after.D)

    def _across(self, m: Array) -> Array:
        """X with X - Q X F' = m, Q what memories keep of themselves."""
        if self.kinds == 1:
            return m @ self.right[0]
        parts = m.reshape(len(m), self.kinds, self.d, -1)
        moved = np.einsum("ab,ibjk->iajk", self.back, parts)
        solved = np.stack([moved[:, a] @ r for a, r in enumerate(self.right)], axis=1)
        return np.asarray(np.einsum("ab,ibjk->iajk", self.into, solved).real.reshape(m.shape))

    def _own(self, m: Array) -> Array:
        """X with X - Q X Q' = m."""
        if self.kinds == 1:
            alone: Array = m / self.rest[0, 0]
            return alone
        parts = m.reshape(len(m), self.kinds, self.d, self.kinds, self.d)
        moved = np.einsum("ab,ibjck,ec->iajek", self.back, parts, self.back) / self.rest[:, None, :, None]
        return np.asarray(np.einsum("ab,ibjck,ec->iajek", self.into, moved, self.into).real.reshape(m.shape))


def _diagonal(own: Array) -> tuple[Array, Array]:
    """Eigenvalues and vectors of what memories keep of themselves."""
    if len(own) == 1:
        return own[0], np.eye(1)
    values, vectors = np.linalg.eig(own)
    return values, vectors


def _inverse(matrix: Array, sizes: Array) -> Array:
    """Pseudo-inverse of S^-1 M S put back, S = diag(sizes): what counts as zero must not depend on the units."""
    ratio = sizes[:, None] / sizes
    if matrix.shape[-1] == 1:
        return np.where(np.abs(matrix) > 0, 1 / np.where(matrix == 0, 1.0, matrix), 0.0)
    balanced = matrix / ratio
    try:
        found = np.linalg.inv(balanced)
    except np.linalg.LinAlgError:
        found = np.full_like(balanced, np.inf)
    if not np.abs(found).max() * np.abs(balanced).max() < 1 / SMALL:
        found = np.linalg.pinv(balanced, rcond=SMALL)
    return found * ratio
