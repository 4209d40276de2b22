"""Rightmost eigenpairs of matrix-free operators: Arnoldi, power steps, and Davidson with a preconditioner."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.sparse.linalg import ArpackError, ArpackNoConvergence, LinearOperator, eigs, gmres

Array = Any


def arnoldi(op: Callable[[Array], Array], size: int, start: Array, tol: float = 1e-10) -> tuple[float, Array]:
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
    basis, images = np.empty((2, min(width, start.size + 1), start.size))
    basis[0] = start / np.linalg.norm(start)
    images[0] = apply(basis[0])
    count = used = 1
    while True:
        values, vectors = np.linalg.eig(basis[:count] @ images[:count].T)
        order = np.argsort(-values.real)
        value, along = float(values[order[0]].real), vectors[:, order[0]].real
        vector, image = along @ basis[:count], along @ images[:count]
        size = np.linalg.norm(vector)
        residual = (image - value * vector) / size
        if used >= limit or np.linalg.norm(residual) <= tol * abs(value):
            return value, vector / size
        if count == len(basis):
            q, _ = np.linalg.qr(vectors[:, order[: min(keep, count - 1)]].real)
            count = q.shape[1]
            basis[:count], images[:count] = q.T @ basis, q.T @ images
        new = solve(residual)
        before = np.linalg.norm(new)
        for _ in range(2):
            new = new - basis[:count].T @ (basis[:count] @ new)
        if not np.linalg.norm(new) > 1e-12 * before:
            return value, vector / size
        basis[count] = new / np.linalg.norm(new)
        images[count] = apply(basis[count])
        count, used = count + 1, used + 1


def upper_bound(
    apply: Callable[[Array], Array],
    solve: Callable[[Array], Array],
    target: Array,
    positive: Callable[[Array], bool],
    value: float,
) -> float:
    """tau >= rho - 1 for a cone-preserving T, `apply` = T - id: R >= 0 and (tau + 1) R - T(R) >= 0 are checked.

    R solves (tau - (T - id)) R = target, a point inside the cone, for tau a little above `value`; inf when none passes.
    """
    size = target.size
    helper = LinearOperator((size, size), matvec=solve, dtype=np.float64)
    for margin in (3e-3, 3e-2, 0.3):
        tau = value + margin * abs(value)

        def shifted(v: Array, tau: float = tau) -> Array:
            return tau * v - apply(v)

        matrix = LinearOperator((size, size), matvec=shifted, dtype=np.float64)
        r, _ = gmres(matrix, target, M=helper, rtol=1e-12, atol=0.0, restart=60, maxiter=3)
        if positive(r) and positive(shifted(r)):
            return tau
    return float("inf")


def definite(m: Array) -> bool:
    """Positive definite beyond rounding."""
    return bool(np.linalg.eigvalsh((m + m.T) / 2)[0] > 1e-15 * np.abs(m).max() * len(m))


def face_bound(function: Callable[[Array], Array], x: Array) -> float:
    """Largest a found with F(X) >= a X, F = T or T - id on symmetric matrices, X >= 0 the leading part of x.

    The Perron matrix may lie on a face of the cone (reducible noise): directions that X does not have are left out, and
    the Schur complement accounts for what F(X) has there.
    """
    values, vectors = np.linalg.eigh(x / np.trace(x))
    found = -np.inf
    for cut in (1e-12, 1e-9, 1e-6):
        kept = values > cut
        if kept.any():
            found = max(found, _below(function, vectors[:, kept] * np.sqrt(values[kept])))
    return found


def _below(function: Callable[[Array], Array], root: Array) -> float:
    q, r = np.linalg.qr(root, mode="complete")
    k = root.shape[1]
    g = q.T @ function(root @ root.T) @ q
    corner = g[:k, :k]
    if k < len(q):
        values, vectors = np.linalg.eigh(g[k:, k:])
        seen = values > 1e-13 * np.abs(g).max()
        across = g[:k, k:] @ vectors[:, seen]
        corner = corner - (across / values[seen]) @ across.T
    inverse = np.linalg.inv(r[:k])
    found = inverse @ corner @ inverse.T
    return float(np.linalg.eigvalsh((found + found.T) / 2)[0])
