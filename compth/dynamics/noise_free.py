"""The exact inverse of id - T0, T0 the second-moment operator with its noise left out: a preconditioner for id - T.

T0 is triangular: the common vectors alone, then each memory with them, then each memory with itself. In the eigenbasis
of A the first is a K^2 x K^2 system for every pair of eigenvalues; the second a multiplication by (I - m F')^{-1} and
the third a division by 1 - m^2, where m = v + w q is what a memory keeps of itself.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from compth.dynamics.system import Moments, System

Array = Any
SMALL = 1e-13


class NoiseFree:
    """(id - T0)^{-1} on Moments of a linear system (affine=False)."""

    def __init__(self, system: System) -> None:
        self.system = system
        d, k = system.data.d, system.K
        values, vectors = np.linalg.eigh(system.data.mean)
        self.basis = np.kron(np.eye(k), vectors)
        self.d, self.k = d, k
        pair = np.zeros((d, d, k * k, k * k))
        inside = (
            np.ones(d) if system.data.projector is None else (np.abs(values) > 1e-12 * np.abs(values).max())
        )
        for p, _, b in system.maps:
            f = np.array(b.tau, dtype=float) + values[:, None, None] * np.array(b.theta, dtype=float)
            f[:, 0] *= inside[:, None]
            pair += float(p) * np.einsum("aik,bjl->abijkl", f, f).reshape(d, d, k * k, k * k)
        self.pair = np.linalg.pinv(np.eye(k * k) - pair, rcond=SMALL)
        if system.scheme.memory is not None:
            v, w, _ = (float(x) for x in system.scheme.memory)
            self.keep = v + w * float(system.scheme.q)
            self.right = np.linalg.pinv(np.eye(system.size) - self.keep * system.maps[0][1].T, rcond=SMALL)

    def __call__(self, m: Moments) -> Moments:
        """Moments x with x - T0 x = m."""
        k, d = self.k, self.d
        c = (
            (self.basis.T @ m.C @ self.basis)
            .reshape(k, d, k, d)
            .transpose(1, 3, 0, 2)
            .reshape(d, d, k * k, 1)
        )
        c = (self.pair @ c).reshape(d, d, k, k).transpose(2, 0, 3, 1).reshape(k * d, k * d)
        c = self.basis @ c @ self.basis.T
        c = (c + c.T) / 2
        if m.D is None or m.E is None:
            return Moments(c)
        zero = np.zeros_like(m.D)
        driven = self.system.drift(Moments(c, zero, np.zeros_like(m.E)))
        cross = (m.D + driven.D) @ self.right
        driven = self.system.drift(Moments(c, cross, np.zeros_like(m.E)))
        rest = 1 - self.keep**2
        return Moments(c, cross, (m.E + driven.E) / (rest if rest > SMALL else 1.0))
