"""Columns on a common footing: what ridge and least squares do to data before they split it, dense or sparse."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from compth._types import Array, Tensor
from compth.errors import InvalidParameter
from compth.problems.tables import real_array


class Standard(NamedTuple):
    """Columns (X - 1 shift') diag(scale) of mean 0 and variance 1, constant ones 0; None: X is that itself."""

    x: Tensor
    shift: Array | None
    scale: Array | None

    def times(self, factor: float) -> Standard:
        """Every column times a factor; a dense X in its own memory."""
        if self.scale is not None:
            return Standard(self.x, self.shift, self.scale * factor)
        self.x[...] *= factor
        return self


def is_sparse(x: object) -> bool:
    """True for scipy.sparse arrays and matrices, of any format (told by what they have, so that scipy is not
    imported).
    """
    return hasattr(x, "tocsr") and hasattr(x, "nnz")


def rows_array(label: str, x: Tensor) -> Tensor:
    """A float64 array, or a canonical CSR array of the same numbers. Raises InvalidParameter for other values."""
    if not is_sparse(x):
        return real_array(label, x)
    if x.ndim != 2 or x.dtype.kind not in "biuf":
        raise InvalidParameter(
            f"{label} is sparse of {x.ndim} axes and {x.dtype}: need (rows, d) of real numbers"
        )
    from scipy.sparse import csr_array

    found = csr_array(x, dtype=np.float64, copy=True)
    found.sum_duplicates()
    return found


def first_odd(values: Tensor) -> list[int]:
    """Where the first number that is not finite stands."""
    if is_sparse(values):
        entries = values.tocoo()
        at = int(np.flatnonzero(~np.isfinite(entries.data))[0])
        return [int(c[at]) for c in entries.coords]
    return [int(i) for i in np.argwhere(~np.isfinite(values))[0]]


def in_unit(values: Tensor) -> Tensor:
    """Columns times powers of two so that the largest entry lies in [1/2, 1): exact, and squares cannot overflow."""
    if is_sparse(values):
        largest = np.asarray(abs(values).max(axis=0).toarray()).ravel()
        powers = np.ldexp(1.0, -np.frexp(largest)[1])
        held = values.copy()
        held.data *= powers[held.indices]
        return held
    # Powers of two change exponents alone: nothing is rounded, and squares of huge entries stay finite.
    largest = np.abs(values).max(axis=0)
    return np.ldexp(values, -np.frexp(largest)[1])


def standardised(x: Tensor) -> Standard:
    """Every column at mean 0 and variance 1, constant ones at 0; the mean of a sparse X is kept beside it."""
    # A constant column becomes 0 and not noise: its deviation is rounding, and dividing by that would invent
    # data.
    varies = _varies(x)
    if not is_sparse(x):
        x = x - x.mean(axis=0)
        x *= varies
        x /= np.where(varies, x.std(axis=0), 1)
        return Standard(x, None, None)
    x, stored = _without_full_means(x)
    mean = np.asarray(x.mean(axis=0)).ravel()
    # in two passes: sum over the entries of (v - mean)^2, and mean^2 for each entry that is not stored
    square = np.bincount(x.indices, (x.data - mean[x.indices]) ** 2, x.shape[1])
    deviation = np.sqrt((square + (x.shape[0] - stored) * mean**2) / x.shape[0])
    return Standard(x, mean, varies / np.where(varies, deviation, 1))


def _without_full_means(x: Tensor) -> tuple[object, NDArray[np.int64]]:
    """(x with its columns that have no zero centred, entries stored of each column).

    Products with a mean beside X cancel by (mean/deviation)^2, which is at most the number of rows where a zero is in
    the column, and without a bound where none is: dates, for one. Centring those costs no sparsity.
    """
    stored = np.bincount(x.indices, minlength=x.shape[1])
    full = stored == x.shape[0]
    if full.any():
        x = x.copy()
        x.data -= (np.asarray(x.mean(axis=0)).ravel() * full)[x.indices]
    return x, stored


def _varies(x: Tensor) -> NDArray[np.bool_]:
    """Which columns are not constant; not std > 0: the mean of a constant column is rounded."""
    if not is_sparse(x):
        return np.asarray((x != x[0]).any(axis=0))
    least, most = (np.asarray(v.toarray()).ravel() for v in (x.min(axis=0), x.max(axis=0)))
    return np.asarray(least != most)
