"""Tests that hold at any stopping time: e-processes, valid without moment bounds (Ville's inequality)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from compth.certification.beside import beside, is_floats

Array = NDArray[np.float64]
BETS = 24


def _mixture(gains: Array) -> Array:
    """log of the average wealth over bets: gains (K, N) of log wealth increments -> (N,)."""
    wealth = np.cumsum(gains, axis=1)
    top = wealth.max(axis=0)
    out: Array = top + np.log(np.exp(wealth - top).mean(axis=0))
    return out


def exceeds(z: Array, limit: float) -> float:
    """max over time of log evidence that E Z > limit, Z >= 0 (limit > 0): bets 1 + lam (Z - limit), lam <= 1/limit."""
    lam = (1 - 1e-9) / limit * np.geomspace(1e-5, 1, BETS)[:, None]
    return float(_mixture(np.log1p(lam * (z[None, :] - limit))).max())


def biased(errors: Array, directions: Array, variance: float) -> float:
    """max log evidence against {E D = 0, E D^2 <= variance}, D = <u_t, C(x) - x> with u_t chosen before draw t.

    errors (N, d): C(x) - x. directions (N, d): unit vectors, predictable. Bets 1 +- lam D + c (D^2 - variance) with
    lam^2 <= 4 c (1 - c variance), which keeps every factor non-negative.
    """
    d = np.einsum("nj,nj->n", errors, directions)
    v = max(variance, 1e-300)
    c = np.geomspace(1e-5, 0.5, BETS)[:, None] / v
    lam = np.sqrt(4 * c * (1 - c * v)) * (1 - 1e-9)
    spread = c * (d[None, :] ** 2 - v)
    both = np.concatenate([np.log1p(lam * d + spread), np.log1p(-lam * d + spread)])
    return float(_mixture(both).max())


def running_directions(errors: Array) -> Array:
    """u_t: the normalised running mean of the errors before t; ones at the start."""
    total = np.zeros_like(
        errors
    )  # of the errors strictly before t: not even rounding may look at the present one
    np.cumsum(errors[:-1], axis=0, out=total[1:])
    start = np.full(errors.shape[1], errors.shape[1] ** -0.5)
    norm = np.linalg.norm(total, axis=1, keepdims=True)
    return np.where(norm > 0, total / np.where(norm > 0, norm, 1), start)


def same_law(counts: Array, probabilities: Array) -> float:
    """log evidence that counts do not come from these probabilities: Dirichlet(1) mixture against the point."""
    from scipy.special import gammaln

    k, n = len(counts), counts.sum()
    mixture = gammaln(k) + gammaln(counts + 1).sum() - gammaln(n + k)
    with np.errstate(divide="ignore", invalid="ignore"):
        point = np.where(counts > 0, counts * np.log(probabilities), 0.0).sum()
    return float(mixture - point)


def detectable(z: Array, limit: float, log_level: float) -> float:
    """Relative excess over limit that this many samples of this spread would have found: sqrt(2 ln(1/alpha) Var/N)."""
    spread = float(np.var(z)) + 1e-300
    return float(np.sqrt(2 * log_level * spread / len(z)) / limit)


def _are_samples(answer: Any, subject: Any, x: Array, rng: Any, count: int, d: int) -> bool:
    pair = isinstance(answer, tuple) and len(answer) == 2
    return pair and is_floats(answer[0], (count, d)) and type(answer[1]) is type(rng)


@beside(_are_samples)
def _sampled(subject: Any, x: Array, rng: np.random.Generator, count: int, d: int) -> tuple[Array, Any]:
    if subject.batch is not None:
        return np.asarray(subject.batch(np.tile(x, (count, 1)), rng), dtype=np.float64), rng
    out = np.empty((count, d))
    for i in range(count):
        out[i] = subject.program(x.copy(), rng)
    return out, rng


def sample(subject: Any, x: Array, rng: np.random.Generator, count: int, d: int) -> Array:
    """count outputs, (count, d): by rows where the object is vectorised, else one call each."""
    out: Array
    out, after = _sampled(subject, x, rng, count, d)
    if after is not rng:  # a worker drew from its copy
        rng.bit_generator.state = after.bit_generator.state
    return out
