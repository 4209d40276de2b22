"""Spectral radii of small exact matrices, to the last digit of a float also where floats lose half of theirs.

An eigenvalue of multiplicity k moves by the k-th root of a rounding, and near 1 it is 1 - rho that counts. There the
matrix, given in Fractions, is looked at in many digits. What must stay: the answer is that of all eigenvalues, so that
every shortcut checks itself and falls back to them.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, cast

import numpy as np

from compth._numbers import Number
from compth.worst_case.model import Model, Quadratic1D

if TYPE_CHECKING:
    from mpmath import matrix as Matrix
    from mpmath import mpf

    from compth._types import Numbers

CLOSE = 1e-4
"""Eigenvalues this close, relatively, are looked at in many digits."""
DIGITS, ENOUGH = 50, 40
"""Digits of the arithmetic, and of the residual with which an eigenvalue counts as found."""
STEPS = 12
"""Inverse iterations at most: each squares the error of a simple eigenvalue, or nearly."""


def attained_by(model: Model) -> tuple[float, Quadratic1D]:
    """The largest exact rate on the model's 1-D quadratics, and the quadratic."""
    radii = [radius_of(model.moments(e)[1]) for e in model.extremal]
    at = int(np.argmax(radii))
    return radii[at], model.extremal[at]


def radius_of(matrix: Sequence[Sequence[Number]]) -> float:
    """Spectral radius; in DIGITS digits where eigenvalues cluster at it or lie near 1."""
    values = np.linalg.eigvals(np.array(matrix, dtype=float))
    top = float(np.abs(values).max())
    if len(values) == 1 or (abs(1 - top) > CLOSE and not _clustered(values, top)):
        return top
    # In the order of its strongly connected components the matrix is block triangular, and its eigenvalues
    # are those of the diagonal blocks: most clusters (a memory beside the iterate) are equal roots of
    # different blocks.
    blocks = [[[matrix[i][j] for j in block] for i in block] for block in _components(matrix)]
    radii = [float(np.abs(np.linalg.eigvals(np.array(b, dtype=float))).max()) for b in blocks]
    return max(_of_block(b, max(radii)) for b in blocks)


def _clustered(values: Numbers, top: float) -> bool:
    """True where one of the largest eigenvalues lies close to another: those that differ in sign or phase do not."""
    largest = values[np.abs(values) > top * (1 - CLOSE)]
    return bool((np.abs(largest[:, None] - values) <= top * CLOSE).sum() > len(largest))


def _components(matrix: Sequence[Sequence[Number]]) -> list[Numbers]:
    """Indices of each strongly connected component of the non-zero entries."""
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import connected_components

    joined = np.array([[x != 0 for x in row] for row in matrix])
    count, labels = connected_components(csr_array(joined), connection="strong")
    return [np.flatnonzero(labels == k) for k in range(count)]


def _of_block(block: list[list[Number]], top: float) -> float:
    """The radius of one block: its only entry, in floats where it lies well below another's, else in many digits."""
    if len(block) == 1:
        return abs(float(block[0][0]))
    floats = np.array(block, dtype=float)
    values, vectors = np.linalg.eig(floats)
    sizes = np.abs(values)
    first = int(np.argmax(sizes))
    if sizes[first] < top * (1 - 2 * CLOSE):
        return float(sizes[first])
    import mpmath

    with mpmath.workdps(DIGITS):
        exact = mpmath.matrix([[mpmath.mpf(Fraction(x).numerator) / Fraction(x).denominator for x in row]
                               for row in block])  # fmt: skip
        alone = (sizes > sizes[first] * (1 - CLOSE)).sum() == 1
        found = (
            _by_inverse_iterations(exact, float(values[first].real), vectors[:, first].real)
            if alone
            else None
        )
        if found is None:
            found = max(abs(v) for v in mpmath.eig(exact, left=False, right=False))
        return float(found)


def _by_inverse_iterations(exact: Matrix, value: float, vector: Numbers) -> mpf | None:
    """|eigenvalue| next to this one by inverse iterations, None where they go elsewhere or do not close in.

    A simple eigenvalue: each solve costs a cube of the size, all eigenvalues cost hundreds of them. The shift stays
    at the float, whose distance to the eigenvalue is some 1e-10 of the distance to the others, so that a step wins
    about as many digits.
    """
    import mpmath

    shifted = exact - mpmath.mpf(value) * mpmath.eye(exact.rows)
    v = mpmath.matrix(vector.tolist())
    try:
        for _ in range(STEPS):
            v = mpmath.lu_solve(shifted, v)
            v = v / mpmath.norm(v, mpmath.inf)
            after = exact * v
            at = max(range(exact.rows), key=lambda i: abs(v[i]))
            found = after[at] / v[at]
            if mpmath.norm(after - found * v, mpmath.inf) < mpmath.mpf(10) ** -ENOUGH * abs(found):
                near = abs(found - value) < CLOSE / 4 * abs(value)
                return cast("mpf", abs(found)) if near else None
    except ZeroDivisionError:  # the float is the eigenvalue itself
        return None
    return None
