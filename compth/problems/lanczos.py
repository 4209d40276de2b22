"""The largest eigenvalue of a positive semidefinite operator between two stated bounds, from products alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import log, sqrt

import numpy as np

from compth._rng import stream
from compth._types import Array

STEPS = 300
"""Dimension of the Krylov space."""
FAILURE = 1e-12
"""Probability, over the random start, that the upper bound is false."""
RANDOM = f"Lanczos from a random start (false with probability <= {FAILURE:g})"
"""How such an upper bound is known."""
ROUNDING = 1e-10
"""Relative room for what rounding does to the recurrence."""


@dataclass(frozen=True)
class Bracket:
    """low <= constant <= high, and how that is known; a theorem takes the end that keeps it true.

    certain: not up to the probability of a random start.
    """

    low: float
    high: float
    how: str
    certain: bool = True

    def __contains__(self, value: float) -> bool:
        return bool(self.low <= value <= self.high)


def excess(size: int, steps: int, failure: float = FAILURE) -> float:
    """eps with P(lambda_1 > theta/(1 - eps)) <= failure for the largest Ritz value theta after so many steps.

    Kuczynski and Wozniakowski (SIAM J. Matrix Anal. Appl. 13, 1992, Thm 4.2; RECALLED): for A >= 0 and a start that is
    uniform on the sphere, P((lambda_1 - theta)/lambda_1 > eps) <= 1.648 sqrt(size) exp(-sqrt(eps) (2 steps - 1)).
    """
    return (log(1.648 * sqrt(size) / failure) / (2 * steps - 1)) ** 2


def top(apply: Callable[[Array], Array], size: int, steps: int = STEPS, seed: int = 0) -> Bracket:
    """The largest eigenvalue of x -> apply(x), symmetric and positive semidefinite on R^size.

    The low end is a Ritz value, never above it; the high end is false with probability at most FAILURE over the start.
    Lanczos without reorthogonalisation: three vectors, whatever the number of steps.
    """
    # Every Ritz value lies within the spectrum, so the largest is a lower bound whatever rounding or the start
    # did.
    values, done = ritz(apply, size, steps, seed)
    theta = float(max(values[-1], 0.0))
    if (
        done
    ):  # an invariant space: the start had a part in every eigenspace, so the largest is among its values
        return Bracket(theta * (1 - ROUNDING), theta * (1 + ROUNDING), "Lanczos, complete")
    # The upper bound is probabilistic: a random start has a part along the top eigenvector that is unlikely to
    # be small.
    eps = excess(size, len(values))
    if eps >= 1:
        return Bracket(theta * (1 - ROUNDING), float("inf"), "Lanczos, too few steps")
    return Bracket(theta * (1 - ROUNDING), theta / (1 - eps) * (1 + ROUNDING), RANDOM, certain=False)


def ritz(apply: Callable[[Array], Array], size: int, steps: int, seed: int = 0) -> tuple[Array, bool]:
    """Ritz values, ascending, and whether the Krylov space was exhausted.

    apply: the operator on (size,). steps: products at most. seed: of the start, so that a constant is the same each
    time.
    """
    q = stream(seed, size).standard_normal(size)
    q /= np.linalg.norm(q)
    before, beta, diagonal, beside = np.zeros(size), 0.0, [], []
    for _ in range(min(steps, size)):
        # The three-term recurrence. Lost orthogonality only repeats Ritz values that have converged; it moves
        # none outward by more than the room that ROUNDING gives.
        w = apply(q) - beta * before
        alpha = float(w @ q)
        w -= alpha * q
        diagonal.append(alpha)
        beta = float(np.linalg.norm(w))
        # The space is exhausted: what is left is rounding.
        if beta <= 1e-13 * max(map(abs, diagonal)):
            break
        beside.append(beta)
        before, q = q, w / beta
    k = len(diagonal)
    between = np.array(beside[: k - 1])
    matrix = np.diag(diagonal) + np.diag(between, 1) + np.diag(between, -1)
    return np.linalg.eigvalsh(matrix), len(beside) < k
