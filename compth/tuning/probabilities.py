"""Optimal sampling probabilities: for atoms, for a quadratic's own curvature, and for mean estimation with centres."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from compth._door import no_mask
from compth._earned import Computed, made
from compth._numbers import Number, uninherited
from compth._shown import Shown
from compth._types import Numbers
from compth.compressors.core.base import check_vectors
from compth.compressors.core.probabilities import budget_probabilities
from compth.errors import InvalidParameter


def _check_budget(budget: float) -> float:
    """The budget, if it is a positive finite number. Raises InvalidParameter."""
    real = isinstance(budget, int | float | Fraction | np.number) and not isinstance(budget, bool)
    if not real or not 0 < budget < math.inf:
        raise InvalidParameter(f"budget={budget!r} needs an expected number of entries, 0 < budget < inf")
    return budget


def sampling_probabilities(weights: object, budget: Number) -> Numbers:
    """p minimising sum_j w_j^2/p_j subject to sum p_j <= budget, 0 <= p_j <= 1 (ATOMO, Algorithm 1).

    p_j = min{1, |w_j|/c} with sum p_j = budget. weights: (..., d), signs ignored, rows independent; O(d log d) a row.
    Exact (an array of Fractions) when a weight or the budget is a Fraction. Zero weights get p_j = 0: they are never
    sent; from budget = number of non-zeros on, these have p_j = 1 and the rest of the budget is left unspent.
    READ as Algorithm 1 and Theorem 5 of arXiv 1806.04090 (sorting is ours). Raises InvalidParameter for NaN, inf,
    empty weights or a budget that is not positive.
    """
    budget = _check_budget(uninherited(budget))
    no_mask("weights", weights)
    # Exact where anything is: the thresholds are ratios of sums, so that Fractions give the optimum itself.
    raw = np.asarray(weights)
    if raw.dtype == object or isinstance(budget, Fraction):
        if raw.size == 0 or raw.ndim == 0:
            raise InvalidParameter(
                f"weights has shape {raw.shape}: a vector needs shape (..., d) with d >= 1"
            )
        if not all(isinstance(v, int | Fraction | np.integer) for v in raw.ravel().tolist()):
            raise InvalidParameter(
                "weights mixes exact and other entries: pass Fractions and ints, or floats only"
            )
        whole = np.array([abs(Fraction(v)) for v in raw.ravel().tolist()], dtype=object).reshape(raw.shape)
        return budget_probabilities(whole, Fraction(budget))
    return budget_probabilities(np.abs(check_vectors(raw, "weights").astype(np.float64)), float(budget))


def sampling_value(weights: Iterable[Number], p: Iterable[Number]) -> Number:
    """sum_j w_j^2/p_j over the w_j that are not 0 (E||Q||^2 of the sampled vector)."""
    return sum(w * w / q for w, q in zip(weights, p, strict=True) if w != 0)


def kkt_residual(weights: object, p: Number, budget: float) -> float:
    """How far p is from optimal: the largest relative breach of the optimality conditions (0 at the optimum).

    There must be c with |w_j|/p_j = c where 0 < p_j < 1 and |w_j| >= c where p_j = 1, 0 < p_j <= 1 wherever
    w_j != 0, and sum p_j = min{budget, number of non-zeros}.
    """
    w, q = np.abs(np.asarray(weights, dtype=np.float64)), np.asarray(p, dtype=np.float64)
    # Karush-Kuhn-Tucker: the derivative w^2/p^2 is the same c^2 wherever p is free, and at least that where p
    # is capped.
    live = w > 0
    breach = [float(np.abs(q[~live]).sum()), float(np.maximum(q - 1, 0).max(initial=0))]
    w, q = w[live], q[live]
    if not len(w):
        return max(breach)
    if not (q > 0).all():
        return math.inf
    breach.append(abs(float(q.sum()) - min(float(budget), len(w))) / len(w))
    inside = q < 1 - 1e-12
    if inside.any():
        ratio = w[inside] / q[inside]
        c = float(ratio.mean())
        breach.append(float(np.abs(ratio / c - 1).max()))
        breach.append(float(np.maximum(1 - w[~inside] / c, 0).max(initial=0)))
    return max(breach)


def quadratic_probabilities(gradient: object, curvature: object, budget: float) -> NDArray[np.float64]:
    """p for f(x) = x'Ax/2 - b'x: the minimiser of E[Q'AQ] = g'Ag + sum_j A_jj g_j^2 (1/p_j - 1), Q_j = g_j xi_j/p_j.

    p_j = min{1, sqrt(A_jj)|g_j|/c} with sum p_j = budget; not |g_j| alone, unless A has a constant diagonal. So
    E f(x - gamma Q) = f(x) - gamma ||g||^2 + (gamma^2/2) E[Q'AQ] is least at every gamma. curvature: A (d, d), or its
    diagonal (d,). OURS, DERIVED. Raises InvalidParameter for A_jj < 0, and for A_jj = 0 with g_j != 0: then f is
    unbounded below along coordinate j and every p_j > 0 is equally good.
    """
    g = check_vectors(gradient, "gradient").astype(np.float64)
    a = check_vectors(curvature, "curvature").astype(np.float64)
    # Q has independent entries, so that only A's diagonal meets its variance: E[Q'AQ] = g'Ag + sum A_jj g_j^2
    # (1/p_j - 1). That is ATOMO's problem with the weights sqrt(A_jj) |g_j|.
    diagonal = np.diagonal(a) if a.ndim == 2 else a
    if diagonal.shape != g.shape or (diagonal < 0).any():
        raise InvalidParameter(
            f"curvature has shape {a.shape}: give A (d, d) or its diagonal (d,) with A_jj >= 0, d={len(g)}"
        )
    flat = (diagonal == 0) & (g != 0)
    if flat.any():
        j = int(np.flatnonzero(flat)[0])
        raise InvalidParameter(
            f"curvature[{j}]=0 where gradient[{j}]={g[j]:.3g}: f has no curvature there, so no p_j is best"
        )
    return sampling_probabilities(np.sqrt(diagonal) * np.abs(g), budget)


def expected_curvature(
    gradient: Sequence[Number], A: Sequence[Sequence[Number]], p: Sequence[Number]
) -> Number:
    """E[Q'AQ] = g'Ag + sum_j A_jj g_j^2 (1/p_j - 1) for independent sampling with probabilities p.

    gradient: (d,), A: (d, d), p: (d,); exact where they are.
    """
    d = range(len(gradient))
    plain = sum(gradient[i] * A[i][j] * gradient[j] for i in d for j in d)
    return plain + sum(A[j][j] * gradient[j] ** 2 * (1 / p[j] - 1) for j in d if gradient[j] != 0)


@dataclass(frozen=True, eq=False)
class MeanEstimation(Computed, Shown):
    """Probabilities p (n, d), centres (n,) and mse of randomized mean estimation; `history`: mse after each round.

    kkt: the residual of p at these centres (`kkt_residual` of X_ij - mu_i), 0 at the optimum.
    """

    p: NDArray[np.float64]
    centres: NDArray[np.float64]
    mse: float
    history: tuple[float, ...]
    kkt: float


def estimation_error(x: object, centres: object, p: Number) -> float:
    """MSE = (1/n^2) sum_ij (1/p_ij - 1)(X_ij - mu_i)^2; entries equal to their centre cost nothing."""
    gap = (np.asarray(x) - np.asarray(centres)[:, None]) ** 2
    safe = np.where(gap > 0, np.asarray(p), 1.0)
    return float((gap * (1 / safe - 1)).sum() / len(gap) ** 2)


def best_centres(
    x: NDArray[np.float64], centres: NDArray[np.float64], p: NDArray[np.float64]
) -> NDArray[np.float64]:
    """mu_i = sum_j w_ij X_ij / sum_j w_ij, w = 1/p - 1; kept where p_ij = 0 pins it to X_ij, or where all p_ij = 1."""
    # The mse is a weighted sum of (X_ij - mu_i)^2 in mu: its minimum is the weighted mean.
    w = 1 / np.where(p > 0, p, 1) - 1
    total = w.sum(axis=1)
    free = (p > 0).all(axis=1) & (total > 0)
    return np.where(free, (w * x).sum(axis=1) / np.where(total > 0, total, 1), centres)


def mean_estimation(
    vectors: object, budget: float, *, centres: Sequence[float] | str = "alternate", rounds: int = 200
) -> MeanEstimation:
    """Best probabilities, and centres, for estimating the mean of n vectors with `budget` sent entries in all.

    centres: "alternate" (start at the row means, then exact minimisation over p and over mu in turn), "zero", "mean",
    or n numbers that stay. Each half step is exact, so the mse never rises; the limit is stationary, not proven
    global (the problem is not convex in (p, mu); row medians are started from, too, and the better end is kept).
    READ: arXiv 1611.07555, (16), Thm 6.1. Raises InvalidParameter for bad vectors, centres or budget.
    """
    x = check_vectors(vectors, "vectors").astype(np.float64)
    if x.ndim != 2:
        raise InvalidParameter(f"vectors has shape {x.shape}: need (n, d), one row per worker")
    _check_budget(budget)
    if isinstance(centres, str):
        # The problem is not convex in (p, mu) together: two starts, and the better end.
        starts = {
            "zero": [np.zeros(len(x))],
            "mean": [x.mean(axis=1)],
            "alternate": [x.mean(axis=1), np.median(x, axis=1)],
        }.get(centres)
        if starts is None:
            raise InvalidParameter(f"centres={centres!r} is not known: alternate, zero, mean, or n numbers")
    else:
        starts = [check_vectors(centres, "centres").astype(np.float64)]
        if starts[0].shape != x.shape[:1]:
            raise InvalidParameter(
                f"centres has shape {starts[0].shape}: need one number per row, ({len(x)},)"
            )
    moving = isinstance(centres, str) and centres == "alternate"
    return min((_alternate(x, budget, s, rounds if moving else 0) for s in starts), key=lambda m: m.mse)


def _alternate(x: NDArray[np.float64], budget: float, mu: NDArray[np.float64], rounds: int) -> MeanEstimation:
    """From one start: best p at these centres, best centres at this p, in turn."""

    def fill(centre: NDArray[np.float64]) -> NDArray[np.float64]:
        gap = np.abs(x - centre[:, None])
        return budget_probabilities(gap.ravel(), float(budget)).reshape(x.shape)

    p = fill(mu)
    history = [estimation_error(x, mu, p)]
    for _ in range(rounds):
        mu = best_centres(x, mu, p)
        p = fill(mu)
        history.append(estimation_error(x, mu, p))
        # Each half step is an exact minimum: what it gains falls to rounding, and then nothing more comes.
        if history[-2] - history[-1] <= 1e-14 * history[-2]:
            break
    residual = kkt_residual((x - mu[:, None]).ravel(), p.ravel(), float(budget))
    return made(MeanEstimation(p, mu, history[-1], tuple(history), residual))
