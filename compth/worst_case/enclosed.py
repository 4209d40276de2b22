"""Constants of a problem's class rounded outward until an exact check shows them, and claims to the next float."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from compth._numbers import Number, is_exact
from compth.problems.interface import Problem, is_quadratic
from compth.worst_case.exact_algebra import is_psd

if TYPE_CHECKING:
    from compth._types import Array


SHARES = (1e-15, 1e-14, 1e-13, 1e-12, 1e-11, 1e-10, 1e-9)
"""Shares of L by which the constants are moved outward in turn."""
SMALL = 6
"""Matrices up to this size are checked in Fractions; larger ones by a Cholesky factor with its error bound."""


def outward(x: Number, sign: int) -> Fraction:
    """x as a Fraction; a float moved up (sign 1) or down (-1) by some roundings, and never below 0.

    Exact numbers stay as they are.
    """
    if is_exact(x):
        return Fraction(x)
    # The next floats outward are more than the error of any single rounded operation (2^-53) that made x.
    moved = Fraction(float(x)) * (1 + sign * Fraction(1, 1 << 50))
    return max(moved, Fraction(0))


def enclosed(problem: Problem, mean: bool = False) -> tuple[Fraction, Fraction] | None:
    """(mu, L) with mu I <= A_i <= L I shown for every worker's Hessian, or for their mean; None where it was not.

    None too where mu is not positive, and for a problem without its matrices (A).
    """
    if not is_quadratic(problem):
        return None
    matrices = np.asarray(problem.A, dtype=float)
    low, high = (problem.mu, problem.L) if mean else (problem.mu_min, problem.L_max)
    # From hardly outward to 1e-9 of L: the narrowest interval for which the exact check passes is the class.
    for share in SHARES:
        mu, L = (Fraction(v + s * share * high) for v, s in ((float(low), -1), (float(high), 1)))
        if mu > 0 and all(_between(a, mu, L) for a in ([matrices] if mean else matrices[:, None])):
            return mu, L
    return None


def holds(problem: Problem, bounds: Mapping[str, Number]) -> bool:
    """True where mu and L of a class were shown to hold every worker's Hessian; with n = 1 in the class, their mean.

    bounds: mu, L, n of the class. False where it could not be shown, too.
    """
    if not is_quadratic(problem):
        return False
    mu, L = Fraction(bounds["mu"]), Fraction(bounds["L"])
    matrices = np.asarray(problem.A, dtype=float)
    mean = bounds["n"] == 1 and problem.n > 1
    return mu > 0 and all(_between(a, mu, L) for a in ([matrices] if mean else matrices[:, None]))


def _between(parts: Array, mu: Fraction, L: Fraction) -> bool:
    """True where mu I <= mean of the parts <= L I was shown; parts: (m, d, d), symmetric."""
    count, d = parts.shape[:2]
    # Small matrices in Fractions; the floats that they hold are the numbers of the problem, exactly.
    if d <= SMALL:
        total = [[sum(map(Fraction, parts[:, i, j].tolist())) / count for j in range(d)] for i in range(d)]
        low = [[v - mu * (i == j) for j, v in enumerate(row)] for i, row in enumerate(total)]
        high = [[L * (i == j) - v for j, v in enumerate(row)] for i, row in enumerate(total)]
        return is_psd(low) and is_psd(high)
    total = parts.mean(axis=0)
    eye = np.eye(d)
    # Summing count matrices in floats may err by about count * eps * largest entry, four times that to be
    # safe.
    added = 4 * count * np.finfo(float).eps * float(np.abs(parts).max()) * (count > 1)
    return _positive(total - float(mu) * eye, added) and _positive(float(L) * eye - total, added)


def _positive(m: Array, added: float) -> bool:
    """True where m >= 0 is certain: a Cholesky factor of m less a bound on all that rounding may have done (Rump 2006).

    added: a bound on the error of each entry of m. A factor that is found shows m - c I + E > 0 for some |E| <= c, with
    c = (d + 1) eps tr(m)/(1 - (d + 1) eps); four times that pays for forming m and for the shift itself.
    """
    d, eps = len(m), float(np.finfo(float).eps)
    c = 4 * (d + 2) * eps * float(np.abs(np.diag(m)).sum()) + d * added
    try:
        np.linalg.cholesky(m - c * np.eye(d))
    except np.linalg.LinAlgError:
        return False
    return True


__all__ = ["enclosed", "holds", "outward"]
