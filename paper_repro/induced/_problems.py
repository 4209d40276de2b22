"""The compressors, samplings and problems of the induced paper's checks."""

from __future__ import annotations

from typing import Any

import numpy as np

import compth as ct
from compth._numbers import log2_ceil
from compth.bits import FLOAT_BITS

Array = Any
SAMPLINGS = (
    ct.NiceSampling(5, 2),
    ct.IndependentSampling((0.5, 0.25, 0.75)),
    ct.ArbitrarySampling(4, ((0, 1), (1, 2), (2, 3), (3,)), (0.25, 0.25, 0.25, 0.25)),
)


def top_rand(k: int) -> ct.Induced:
    """Top-k + Rand-k."""
    return ct.Induced(ct.TopK(k), ct.RandK(k))


def heavy_tailed(d: int, seed: int) -> Array:
    """Log-normal sizes with sigma = 2 and random signs."""
    rng = np.random.default_rng(seed)
    return np.exp(2 * rng.standard_normal(d)) * rng.choice([-1.0, 1.0], d)


def star() -> Any:
    """f_i(x) = <a_i, x>^2 + ||x||^2/4, the example on which Top-1 diverges."""
    a = np.array([[-3.0, 2, 2], [2, -3, 2], [2, 2, -3]])
    return ct.problems.distributed_quadratic(
        2 * a[:, :, None] * a[:, None, :] + np.eye(3) / 2, np.zeros((3, 3))
    )


def diagonal(kind: str, d: int, n: int) -> Any:
    """Shared minimiser, equal diagonal Hessians: flat and a normal x*, or log-normal curvature and x*; x_0 = 0."""
    rng = np.random.default_rng(7)
    h = np.ones(d) if kind == "light" else np.abs(heavy_tailed(d, 7))
    h = np.clip(h / h.max(), 0.05, 1.0)
    A = np.broadcast_to(np.diag(h), (n, d, d))
    x_star = rng.standard_normal(d) if kind == "light" else heavy_tailed(d, 8)
    return ct.problems.distributed_quadratic(A, np.broadcast_to(h * x_star, (n, d)))


def rival_k(k: int, d: int) -> int:
    """The K'' of Rand-K'' that sends as many bits as Top-k + Rand-k: k (1 + log2 d/b) + k."""
    return round(k * (1 + log2_ceil(d) / FLOAT_BITS) + k)
