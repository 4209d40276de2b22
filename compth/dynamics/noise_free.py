"""The exact inverse of id - T0, T0 the second-moment operator with its noise left out: a preconditioner for id - T.

T0 is triangular: the common vectors alone, then each memory with them, then each memory with itself. In the eigenbasis
of A the first is a K^2 x K^2 system for every pair of eigenvalues; the second a multiplication by (I - m F')^{-1} and
the third a division by 1 - m^2, where m = v + w q is what a memory keeps of itself.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from compth.dynamics.system import Moments, System
from compth.dynamics.units import Units

Array = Any
SMALL = 1e-13


class NoiseFree:
    """(id - T0)^{-1} on Moments of a linear system (affine=False)."""

    def __init__(self, system: System, units: Units) -> None:
        self.system = system
        d, k = system.data.d, system.K
        values, vectors = np.linalg.eigh(system.data.mean)
        self.vectors = vectors
        self.d, self.k = d, k
        inside = np.ones(d)
        if system.data.projector is not None:
            inside[np.abs(values) <= 1e-12 * np.abs(values).max()] = 0.0
        pair = _pairs(system, values, inside)
        self.pair = _inverse(np.eye(k * k) - pair, np.kron(units.common, units.common))
        if system.scheme.memory is not None:
            self.keep = _kept_of_itself(system)
            sizes = np.repeat(units.common, d)
            self.right = _inverse(np.eye(system.size) - self.keep * system.mean_map().T, 1 / sizes)

    def __call__(self, m: Moments) -> Moments:
        """Moments x with x - T0 x = m."""
        k, d, v = self.k, self.d, self.vectors
        blocks = m.C.reshape(k, d, k, d).transpose(0, 2, 1, 3)
        inner = np.matmul(np.matmul(v.T, blocks), v).reshape(k * k, d, d).transpose(1, 2, 0)
        inner = np.matmul(self.pair, inner[..., None])[..., 0].transpose(2, 0, 1).reshape(k, k, d, d)
        c = np.matmul(np.matmul(v, inner), v.T).transpose(0, 2, 1, 3).reshape(k * d, k * d)
        c = (c + c.T) / 2
        if m.D is None or m.E is None:
            return Moments(c)
        zero = np.zeros_like(m.D)
        driven = self.system.drift(Moments(c, zero, np.zeros_like(m.E)))
        cross = (m.D + driven.D) @ self.right
        driven = self.system.drift(Moments(c, cross, np.zeros_like(m.E)))
        rest = 1 - self.keep**2
        return Moments(c, cross, (m.E + driven.E) / (rest if rest > SMALL else 1.0))


def _pairs(system: System, values: Array, inside: Array) -> Array:
    """T0 of the common vectors for every pair of eigenvalues, step after step: (d, d, K^2, K^2)."""
    d, k = len(values), system.K
    pair = np.zeros((d, d, k * k, k * k))
    for p, _, b in system.maps:
        f = np.array(b.tau, dtype=float) + values[:, None, None] * np.array(b.theta, dtype=float)
        f[:, 0] *= inside[:, None]
        pair += float(p) * np.einsum("aik,bjl->abijkl", f, f).reshape(d, d, k * k, k * k)
    for first in reversed(system.before):
        pair = pair @ _pairs(first, values, inside)
    return pair


def _kept_of_itself(system: System) -> float:
    """m, step after step."""
    v, w, _ = (float(x) for x in system.scheme.memory or (1, 0, 0))
    keep = v + w * float(system.scheme.q)
    for first in system.before:
        keep *= _kept_of_itself(first)
    return keep


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
