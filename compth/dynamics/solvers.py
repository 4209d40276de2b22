"""Rightmost eigenpairs of matrix-free operators: Arnoldi, power steps, and Davidson with a preconditioner.

These know vectors and callables alone, no systems: what they return is checked by whoever calls them. Bounds
(`enclosed`, `face_bound`, `upper_bound`, `extremes`) are true for every input on which their check passes, and infinite
otherwise; eigenpairs are as good as their residual and no more.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from scipy.linalg import eigh
from scipy.sparse.linalg import ArpackError, ArpackNoConvergence, LinearOperator, eigs, gmres

from compth._types import Numbers as Array

NEARLY = 1e-8
"""A starting vector with less than this beyond the others adds nothing but rounding."""
STALLED, ROUNDING = 3, 1e-12
"""A residual below the second that this many vectors did not halve is rounding, and a search for less ends there."""


def arnoldi(op: Callable[[Array], Array], size: int, start: Array, tol: float = 1e-10) -> tuple[float, Array]:
    """Largest eigenvalue (modulus) and its vector; the best vector found when Arnoldi does not converge."""
    # ARPACK needs more room than so few numbers give; power steps do.
    if size <= 3 or not np.any(start):
        return power(op, start)
    linear = LinearOperator((size, size), matvec=op, dtype=np.float64)
    try:
        values, vectors = eigs(linear, k=1, which="LM", v0=start, tol=tol, maxiter=300, ncv=min(size, 40))
    except (ArpackNoConvergence, ArpackError):
        return power(op, start)
    return float(abs(values[0])), np.real(vectors[:, 0])


def power(op: Callable[[Array], Array], v: Array, rounds: int = 300) -> tuple[float, Array]:
    """(|largest eigenvalue|, vector) by plain iteration, where Arnoldi did not converge, until the value stands."""
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
    starts: Sequence[Array],
    *,
    tol: float,
    floor: float = 0.0,
    limit: int = 200,
    width: int = 40,
    keep: int = 8,
    target: float | None = None,
) -> tuple[float, Array]:
    """Rightmost eigenpair of `apply` (real), by generalised Davidson; solve: an approximate inverse of -apply.

    Starts from the span of `starts`. Stops when ||residual|| <= (tol |value| + floor) ||vector||, after `limit`
    applications, or when nothing is left to add. target: the eigenvalue next to this is meant, and solve is about the
    inverse of target - apply; pairs are then harmonic ones, which do not mistake a mixture for an eigenvector there,
    and a search also ends at rounding, which no further vector lowers.
    """
    # Basis and images are kept side by side, with V'TV and (TV)'TV: the Ritz pairs and the residual then cost
    # products with the basis alone, and T is applied once for each new vector.
    size = starts[0].size
    width = max(min(width, size + 1), len(starts) + 1)
    basis, images = np.empty((2, width, size))
    (projected, gram), count, used = np.zeros((2, width, width)), 0, 0
    least, stalled = float(np.inf), 0

    def add(new: Array) -> None:
        """One more vector, its image, and its row and column of the projection."""
        nonlocal count, used
        basis[count], images[count] = new, apply(new)
        projected[: count + 1, count] = basis[: count + 1] @ images[count]
        projected[count, :count] = images[:count] @ new
        if target is not None:
            gram[: count + 1, count] = gram[count, : count + 1] = images[: count + 1] @ images[count]
        count, used = count + 1, used + 1

    for start in starts:
        new = _fresh(start, basis[:count], NEARLY)
        if new is not None:
            add(new)
    while True:
        ritz, vectors = _pairs(projected[:count, :count], gram[:count, :count], target)
        along = vectors[:, 0]
        vector, image = along @ basis[:count], along @ images[:count]
        length = np.linalg.norm(vector)
        # A harmonic pair has a good vector; its Rayleigh quotient is nearer to the eigenvalue than its own.
        value = ritz if target is None else float(vector @ image / length**2)
        residual = (image - value * vector) / length
        left = float(np.linalg.norm(residual))
        if used >= limit or left <= tol * abs(value) + floor:
            return value, vector / length
        # Near rounding further vectors only spoil what there is.
        least, stalled = (left, 0) if left < least / 2 else (least, stalled + 1)
        if target is not None and stalled >= STALLED and least <= ROUNDING:
            return value, vector / length
        if count == len(basis):
            # Thick restart: the leading Ritz vectors stay, orthonormal, and their images are turned with
            # them, so that nothing is applied again.
            q, _ = np.linalg.qr(vectors[:, : min(keep, count - 1)])
            for table in (projected, gram):
                table[: q.shape[1], : q.shape[1]] = q.T @ table[:count, :count] @ q
            count = q.shape[1]
            basis[:count], images[:count] = q.T @ basis, q.T @ images
        # The correction of a Newton step with the near inverse in the place of the true one: the better it
        # is, the fewer applications, and no accuracy hangs on it.
        new = _fresh(solve(residual), basis[:count])
        if new is None:
            return value, vector / length
        add(new)


def _pairs(projected: Array, gram: Array, target: float | None) -> tuple[float, Array]:
    """Real combinations of a basis nearest to eigenvectors, the rightmost first, or the nearest to the target.

    With the rightmost Ritz value, without a target.

    projected: <basis_i, image_j>, gram: <image_i, image_j>. The harmonic pairs at t solve W'W c = (t - theta) W'V c,
    W = t V - images.
    """
    if target is None:
        values, vectors = np.linalg.eig(projected)
        order = np.argsort(-values.real)
        return float(values[order[0]].real), np.asarray(vectors[:, order].real)
    # Inside the spectrum a Ritz vector may be a mixture of eigenvectors on both sides of the target; harmonic
    # pairs minimise ||(t - T) v|| instead, which no mixture makes small.
    ahead = target * np.eye(len(projected)) - projected
    squares = target * (ahead - projected.T) + gram
    try:
        values, vectors = np.linalg.eig(np.linalg.solve(squares, ahead.T))
    except np.linalg.LinAlgError:
        return _pairs(projected, gram, None)
    return np.nan, np.asarray(vectors[:, np.argsort(-np.abs(values))].real)


def _fresh(new: Array, basis: Array, least: float = 1e-12) -> Array | None:
    """The unit vector along what `new` has beyond an orthonormal basis, None when that is rounding."""
    before = np.linalg.norm(new)
    after = before
    # Twice is enough (Kahan and Parlett): one pass leaves rounding of the part that was taken out.
    for _ in range(2):
        last = after
        new = new - basis.T @ (basis @ new)
        after = np.linalg.norm(new)
        if after > 0.5 * last:  # little was taken out, and little rounding with it
            break
    return new / after if after > least * before else None


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
    # tau just above rho makes R nearly the Perron point and the bound narrow, but the system nearly singular:
    # further away where the check fails.
    for margin in (3e-3, 3e-2, 0.3):
        tau = value + margin * abs(value)

        def shifted(v: Array, tau: float = tau) -> Array:
            """tau v - (T - id) v."""
            return tau * v - apply(v)

        matrix = LinearOperator((size, size), matvec=shifted, dtype=np.float64)
        r, _ = gmres(matrix, target, M=helper, rtol=1e-12, atol=0.0, restart=60, maxiter=3)
        if positive(r) and positive(shifted(r)):
            return tau
    return float("inf")


def noise_free(mean: Array) -> Callable[[Array], Array]:
    """X -> the solution of Y - M Y M' = X, by the eigenvectors of M: a preconditioner for id - T."""
    values, vectors = np.linalg.eig(mean)
    back = np.linalg.pinv(vectors)
    # In the eigenvectors of M the map Y -> M Y M' multiplies entries by products of eigenvalues; products of
    # 1 have no inverse and are left alone, since this only preconditions.
    gap = 1 - np.outer(values, values)
    gap = np.where(np.abs(gap) < 1e-13, 1.0, gap)

    def solve(x: Array) -> Array:
        """X -> the solution, through M's eigenvectors and back."""
        return np.asarray((vectors @ (back @ x @ back.T / gap) @ vectors.T).real)

    return solve


def definite(m: Array) -> bool:
    """Positive definite beyond rounding, in whatever units: rows and columns are brought to a unit diagonal first."""
    size = np.diag(m)
    if not (size > 0).all():
        return False
    # On a unit diagonal the rounding of a Cholesky factor or an eigenvalue is the same in every row, whatever
    # the units of the vectors are.
    scaled = (m + m.T) / 2 / np.sqrt(size[:, None] * size)
    return bool(np.linalg.eigvalsh(scaled)[0] > 1e-15 * len(m))


def extremes(after: Array, before: Array) -> tuple[float, float]:
    """Least and greatest generalised eigenvalue of (after, before); (-inf, inf) where `before` is not inside the cone.

    Both are scaled to a unit diagonal of `before`, so that the answer does not depend on the units of the rows.
    """
    size = np.diag(before)
    if not (size > 0).all():
        return -np.inf, np.inf
    outer = np.outer(size**-0.5, size**-0.5)
    try:
        values = eigh(after * outer, before * outer, eigvals_only=True)
    except np.linalg.LinAlgError:
        return -np.inf, np.inf
    return float(values[0]), float(values[-1])


def enclosed(
    apply: Callable[[Array], Array],
    matrix: Array,
    rounds: Sequence[int] = (0, 4, 16, 64),
    width: float = 1e-9,
) -> tuple[float, float]:
    """Collatz-Wielandt enclosure of the radius of a map that keeps the cone X >= 0, from X near its Perron matrix.

    `apply` acts on vectors. X is moved a little inside for the upper end, applied further where that is not enough, and
    directions that it does not have are left out for the lower end.
    """
    # An eigenvector has no sign of its own; the Perron matrix has a positive trace.
    x = (matrix + matrix.T) / 2 * (np.sign(np.trace(matrix)) or 1.0)

    def image(m: Array) -> Array:
        """T on a matrix."""
        return np.asarray(apply(m.ravel()).reshape(m.shape))

    low, high = 0.0, np.inf
    # Where X is a rough Perron matrix a few applications of T bring it nearer; the enclosure holds for each,
    # so that the ends of all of them are intersected.
    for count in rounds:
        for _ in range(count):
            after = image(x)
            x = after / (np.trace(after) or 1.0)
        for eta in (0.0, 1e-14, 1e-12, 1e-9, 1e-6):
            near = x + eta * np.diag(np.where(np.diag(x) > 0, np.diag(x), np.trace(x)))
            a, b = extremes(image(near), near)
            low, high = max(low, a), min(high, b)
        if high - low <= width * abs(high):
            break
        low = max(low, face_bound(image, x))
        if high - low <= width * abs(high):
            break
    return low, high


def face_bound(function: Callable[[Array], Array], x: Array) -> float:
    """Largest a found with F(X) >= a X, F = T or T - id on symmetric matrices, X >= 0 the leading part of x.

    The Perron matrix may lie on a face of the cone (reducible noise): directions that X does not have are left out, and
    the Schur complement accounts for what F(X) has there.
    """
    # Cuts from fine to coarse: too fine a cut keeps directions that are rounding, on which T X is anything;
    # too coarse a one throws parts of X away. Every cut gives a true bound, the largest counts.
    values, vectors = np.linalg.eigh(x / np.trace(x))
    found = -np.inf
    for cut in (1e-12, 1e-9, 1e-6):
        kept = values > cut
        if kept.any():
            found = max(found, _below(function, vectors[:, kept] * np.sqrt(values[kept])))
    return found


def _below(function: Callable[[Array], Array], root: Array) -> float:
    """The largest a with F(X) >= a X for X = root root', by the Schur complement on what X does not have."""
    # G = F(X) in a basis whose first k vectors span X: F(X) - a X >= 0 asks that the Schur complement of the
    # part beyond X, where X has nothing, be at least a X.
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
