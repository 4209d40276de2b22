"""Rows of data times vectors, and back: what least squares needs, without a matrix of size d x d."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from weakref import WeakKeyDictionary

import numpy as np

from compth._own import immutable, kept, seal
from compth._types import Array, Numbers, Tensor

CSR = tuple[Array, Numbers, Numbers]
"""Values, column indices and row pointers."""


class Products:
    """R = (X - 1 shift') diag(scale) by its workers' rows, in one precision; X dense or CSR, shift and scale or None.

    A shift stays a product of rank one: a sparse X remains sparse however its columns are centred. What is held are
    plain arrays; the sparse matrices that multiply are views of them, made once.
    """

    def __init__(
        self,
        X: Array | CSR,
        d: int,
        sizes: Sequence[int],
        shift: Array | None,
        scale: Array | None,
        dtype: np.typing.DTypeLike = np.float64,
    ) -> None:
        self.d, self.sizes, self.m = d, immutable(np.array(sizes)), int(sum(sizes))
        parts = X if isinstance(X, tuple) else (X,)
        # Only numbers change precision; indices and pointers stay as they are.
        self.values = tuple(_fixed(v, dtype if i == 0 else None) for i, v in enumerate(parts))
        self.shift, self.scale = (None if v is None else _fixed(v, dtype) for v in (shift, scale))
        seal(self)

    @kept
    def slices(self) -> tuple[slice, ...]:
        """The rows of each worker."""
        ends = np.cumsum([0, *self.sizes]).tolist()
        return tuple(slice(a, b) for a, b in pairwise(ends))

    def matrix(self, worker: int | None = None) -> Tensor:
        """X, or the rows of one worker, as what multiplies; a sparse one is the reader's own."""
        if len(self.values) == 1:
            return self.values[0] if worker is None else self.values[0][self.slices[worker]]
        return _csr(self.values, slice(0, self.m) if worker is None else self.slices[worker], self.d)

    def _part(self, worker: int | None) -> Tensor:
        """The same, a sparse one kept."""
        if len(self.values) == 1:
            return self.matrix(worker)
        held = _MATRICES.setdefault(self, {})
        if worker not in held:
            held[worker] = self.matrix(worker)
        return held[worker]

    @property
    def n(self) -> int:
        """Workers."""
        return len(self.slices)

    def images(self, z: Array, worker: int | None = None) -> Array:
        """z R', (R, d) -> (R, m): the values of all rows, or of one worker's, at each z."""
        # z R' = (z diag(scale)) (X - 1 shift')': the scale is put on the d numbers of z, the shift is one
        # number a row.
        part = self._part(worker)
        scaled = z if self.scale is None else z * self.scale
        out = np.asarray(_turned(part, scaled))
        return out if self.shift is None else out - (scaled @ self.shift)[:, None]

    def back(self, u: Array, worker: int | None = None, out: Array | None = None) -> Array:
        """u R, (R, m) -> (R, d), of all rows or of one worker's."""
        part = self._part(worker)
        if isinstance(part, np.ndarray):
            found = np.matmul(u, part, out=out)
        else:
            # scipy multiplies from the left alone, and columns that are contiguous several times faster.
            found = np.asarray((part.T @ np.ascontiguousarray(u.T)).T)
        if self.shift is not None:
            found = found - u.sum(axis=1)[:, None] * self.shift
        if self.scale is not None:
            found = found * self.scale
        if out is not None and found is not out:
            out[...] = found
        return found

    def gram(self, worker: int | None = None) -> Array:
        """R R', (m, m), of all rows or of one worker's."""
        part = self._part(worker)
        square = None if self.scale is None else self.scale**2
        product = np.asarray(_dense((part if square is None else part * square[None]) @ part.T))
        if self.shift is None:
            return product
        # (X - 1 c') S^2 (X - 1 c')' = X S^2 X' - p 1' - 1 p' + c' S^2 c with p = X S^2 c
        weighted = self.shift if square is None else square * self.shift
        p = np.asarray(part @ weighted)
        return np.asarray(product - p[:, None] - p + float(self.shift @ weighted))

    def moment(self, weights: Array | None = None, worker: int | None = None) -> Array:
        """R' diag(weights) R, (d, d), of all rows or of one worker's; weights (m,), 1 by default."""
        part = self._part(worker)
        # (X - 1 c')'W(X - 1 c') = X'WX - p c' - c p' + (sum w) c c' with p = X'w: sparse X stays sparse.
        w = np.ones(part.shape[0], dtype=part.dtype) if weights is None else np.asarray(weights)
        product = np.asarray(_dense(part.T @ (part * w[:, None])))
        if self.shift is not None:
            p = np.asarray(part.T @ w)
            product = product - np.outer(p, self.shift) - np.outer(self.shift, p)
            product = product + w.sum() * np.outer(self.shift, self.shift)
        return product if self.scale is None else product * self.scale[:, None] * self.scale


def _fixed(values: Numbers, dtype: np.typing.DTypeLike | None) -> Array:
    """An array that nothing writes to: itself where it is one already."""
    found = np.asarray(values, dtype=dtype)
    return np.asarray(immutable(found)) if found.flags.writeable else found


def _dense(matrix: Tensor) -> Array:
    """An array, whatever held it."""
    return matrix if isinstance(matrix, np.ndarray) else matrix.toarray()


def _turned(part: Tensor, z: Array) -> Tensor:
    """z part', for dense and sparse rows."""
    if isinstance(part, np.ndarray):
        return z @ part.T
    return (part @ np.ascontiguousarray(z.T)).T


def _csr(values: tuple[Numbers, ...], rows: slice, d: int) -> Tensor:
    """Some rows, without a copy of their numbers."""
    from scipy.sparse import csr_array

    numbers, columns, pointers = values
    first, last = int(pointers[rows.start]), int(pointers[rows.stop])
    own = pointers[rows.start : rows.stop + 1] - pointers[rows.start]
    held = (numbers[first:last], columns[first:last], own)
    found = csr_array(held, shape=(rows.stop - rows.start, d), copy=False)
    # Views of the problem's own arrays: whoever is given the matrix must not be able to write into the
    # problem.
    for part in (found.data, found.indices, found.indptr):
        part.flags.writeable = False
    return found


_MATRICES: WeakKeyDictionary[Products, dict[int | None, object]] = WeakKeyDictionary()
"""The sparse matrices of each object, by worker."""
