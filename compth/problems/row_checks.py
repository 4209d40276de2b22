"""What `RowQuadratic` refuses: one clear line each for shapes, NaN, ranges of numbers, and nothing to fit."""

from __future__ import annotations

import numpy as np

from compth._types import Array
from compth.errors import InvalidParameter
from compth.problems.row_products import CSR

LARGEST = 1e60
"""Up to this size, and down to its inverse, the largest entries of X and y may be."""


def check_rows(
    X: Array | CSR,
    y: Array,
    d: int,
    sizes: tuple[int, ...],
    shift: Array | None,
    scale: Array | None,
    ridge: float,
) -> None:
    """Raises InvalidParameter for rows (dense, or CSR as a tuple) that make no problem."""
    if isinstance(X, tuple):
        check_csr(X, d)
    numbers = X[0] if isinstance(X, tuple) else X
    if not isinstance(X, tuple) and X.ndim != 2:
        raise InvalidParameter(f"X has shape {X.shape}: need (rows, d)")
    for label, held in (("shift", shift), ("scale", scale)):
        if held is not None and held.shape != (d,):
            raise InvalidParameter(f"{label} has shape {held.shape}: need ({d},), a number for each column")
    rows = len(X[2]) - 1 if isinstance(X, tuple) else X.shape[0]
    if y.shape != (rows,) or sum(sizes) != rows or min(sizes, default=0) < 1:
        raise InvalidParameter(
            f"X has {rows} rows, y shape {y.shape}, workers {len(sizes)} with {sum(sizes)} rows:"
            " every worker needs a row, every row a worker and a y"
        )
    for label, values in (("X", numbers), ("y", y)):
        if not np.isfinite(values).all():
            raise InvalidParameter(f"{label} holds NaN or inf: drop or impute those rows")
    _check_squares(numbers if scale is None else scale, y)  # standardised columns: near 1 times the scale
    if not (np.isfinite(ridge) and ridge >= 0):
        raise InvalidParameter(f"ridge={ridge} must be a finite number >= 0 (0 is least squares)")
    if ridge == 0 and not np.any(numbers):
        raise InvalidParameter("X is zero and ridge = 0: f is constant, there is nothing to fit")


def check_csr(X: tuple[object, ...], d: int) -> None:
    """Raises InvalidParameter for a tuple that is no matrix of d columns by compressed rows."""
    if len(X) != 3:
        raise InvalidParameter(f"X has {len(X)} parts: CSR is (values, column indices, row pointers)")
    values, columns, ends = map(np.asarray, X)
    whole = all(v.ndim == 1 and v.dtype.kind in "iu" for v in (columns, ends)) and values.ndim == 1
    if not whole or columns.shape != values.shape or not len(ends):
        raise InvalidParameter(
            f"X has {values.shape} values, {columns.shape} columns and {ends.shape} row pointers: need a whole column"
            " index for each value, and whole row pointers, one more than rows"
        )
    if columns.size and not 0 <= columns.min() <= columns.max() < d:
        raise InvalidParameter(
            f"X has column indices {columns.min()} to {columns.max()}: need 0 to {d - 1}, of its {d} columns"
        )
    if ends[0] != 0 or ends[-1] != len(values) or (np.diff(ends.astype(np.int64)) < 0).any():
        raise InvalidParameter(
            f"X has row pointers from {ends[0]} to {ends[-1]}: need 0 to {len(values)}, its values, in rising order"
        )


def _check_squares(of_rows: Array, y: Array) -> None:
    """Fourth powers of the rows' numbers are met on the way (L_plus): they must be numbers, and not all zero."""
    for label, values in (("X", of_rows), ("y", y)):
        largest = float(np.abs(values).max(initial=0.0))
        if largest and not 1 / LARGEST < largest < LARGEST:
            raise InvalidParameter(
                f"{label} has largest entry {largest:.3g}: squares of squares leave the range of floats; choose"
                f" another unit, {1 / LARGEST:g} to {LARGEST:g}"
            )
