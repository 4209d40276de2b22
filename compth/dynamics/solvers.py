"""Rightmost eigenpairs of matrix-free operators: Arnoldi, power steps, and Davidson with a preconditioner."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.sparse.linalg import ArpackError, ArpackNoConvergence, LinearOperator, eigs

Array = Any


def arnoldi(
    op: Callable[[Array], Array], size: int, start: Array, tol: float = 1e-10
) -> tuple[float, Array]:
    """Largest eigenvalue (modulus) and its vector; the best vector found when Arnoldi does not converge."""
    if size <= 3 or not np.any(start):
        return power(op, start)
    linear = LinearOperator((size, size), matvec=op, dtype=np.float64)
    try:
        values, vectors = eigs(linear, k=1, which="LM", v0=start, tol=tol, maxiter=40, ncv=min(size, 20))
    except (ArpackNoConvergence, ArpackError):
        return power(op, start)
    return float(abs(values[0])), np.real(vectors[:, 0])


def power(op: Callable[[Array], Array], v: Array, rounds: int = 300) -> tuple[float, Array]:
    value = 0.0
    for _ in range(rounds):
        norm = float(np.linalg.norm(v))
        if norm == 0:
            return 0.0, v
        after = op(v / norm)
        last, value, v = value, float(np.linalg.norm(after)), after
        if abs(value - last) <= 1e-14 * value:
            break
    return value, v


def davidson(
    apply: Callable[[Array], Array],
    solve: Callable[[Array], Array],
    start: Array,
    *,
    tol: float,
    limit: int = 200,
    width: int = 40,
    keep: int = 8,
) -> tuple[float, Array]:
    """Rightmost eigenpair of `apply` (real), by generalised Davidson; solve: an approximate inverse of -apply.

    Stops when ||residual|| <= tol |value| ||vector||, after `limit` applications or when nothing is left to add.
    """
    basis, images = start[None] / np.linalg.norm(start), apply(start)[None] / np.linalg.norm(start)
    used = 1
    while True:
        values, vectors = np.linalg.eig(basis @ images.T)
        order = np.argsort(-values.real)
        value, along = float(values[order[0]].real), vectors[:, order[0]].real
        vector, image = along @ basis, along @ images
        size = np.linalg.norm(vector)
        residual = (image - value * vector) / size
        if used >= limit or np.linalg.norm(residual) <= tol * abs(value):
            return value, vector / size
        if len(basis) >= width:
            q, _ = np.linalg.qr(vectors[:, order[:keep]].real)
            basis, images = q.T @ basis, q.T @ images
        new = solve(residual)
        size = np.linalg.norm(new)
        for _ in range(2):
            new = new - basis.T @ (basis @ new)
        if not np.linalg.norm(new) > 1e-12 * size:
            return value, vector / np.linalg.norm(vector)
        new = new / np.linalg.norm(new)
        basis, images = np.vstack([basis, new]), np.vstack([images, apply(new)])
        used += 1
