"""Exact linear algebra on small symmetric matrices of Fractions: no floating point."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from compth._numbers import Number

Matrix = tuple[tuple[Number, ...], ...]
"""A square matrix by rows, entries int, Fraction or float."""


def is_psd(m: Sequence[Sequence[Number]]) -> bool:
    """True when the symmetric matrix is positive semidefinite: L D L' elimination over Fractions, no pivoting.

    A zero pivot needs a zero row: otherwise a 2x2 minor is negative. Raises ValueError for a matrix that is not
    symmetric. Every PROVED rate rests on this function: it must stay exact and short.
    """
    rows = [[Fraction(v) for v in row] for row in m]
    size = len(rows)
    if any(rows[i][j] != rows[j][i] for i in range(size) for j in range(i)):
        raise ValueError("the matrix is not symmetric")
    # L D L' without pivoting decides semidefiniteness exactly: a negative pivot is a negative Schur
    # complement, and a zero one with anything beside it is an indefinite 2 x 2 minor. Zero pivots with zero
    # rows leave nothing to do.
    for k in range(size):
        pivot = rows[k][k]
        if pivot < 0 or (pivot == 0 and any(rows[k][j] != 0 for j in range(k + 1, size))):
            return False
        if pivot == 0:
            continue
        for i in range(k + 1, size):
            factor = rows[i][k] / pivot
            for j in range(k + 1, size):
                rows[i][j] -= factor * rows[k][j]
    return True


def determinant(m: Sequence[Sequence[Number]]) -> Fraction:
    """Determinant by exact elimination."""
    rows = [[Fraction(v) for v in row] for row in m]
    # Rows are swapped as the first pivot that is not zero asks; the sign is followed, the value is a product.
    value = Fraction(1)
    for k in range(len(rows)):
        pivot = next((i for i in range(k, len(rows)) if rows[i][k] != 0), None)
        if pivot is None:
            return Fraction(0)
        if pivot != k:
            rows[k], rows[pivot] = rows[pivot], rows[k]
            value = -value
        value *= rows[k][k]
        for i in range(k + 1, len(rows)):
            factor = rows[i][k] / rows[k][k]
            rows[i] = [a - factor * b for a, b in zip(rows[i], rows[k], strict=True)]
    return value


def combination(terms: Sequence[tuple[Number, Matrix]], size: int) -> list[list[Number]]:
    """sum of coefficient * matrix, size x size."""
    out: list[list[Number]] = [[0] * size for _ in range(size)]
    for coefficient, matrix in terms:
        if coefficient == 0:
            # Zero entries are skipped: forms are sparse, and adding an exact zero costs as much as any
            # addition.
            continue
        for i, row in enumerate(matrix):
            line = out[i]
            for j, value in enumerate(row):
                if value:
                    line[j] += coefficient * value
    return out


def congruence(s: Sequence[Sequence[Number]], m: Matrix) -> list[list[Number]]:
    """S' M S for S of shape (rows of M, k)."""
    k = len(s[0]) if s else 0
    columns = list(zip(*s, strict=True))
    half = [
        [sum((a * b for a, b in zip(row, col, strict=True)), Fraction(0)) for col in columns] for row in m
    ]
    return [
        [sum((s[r][i] * half[r][j] for r in range(len(s))), Fraction(0)) for j in range(k)] for i in range(k)
    ]
