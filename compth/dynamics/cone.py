"""The cone {every worker's joint second moment >= 0}: its blocks, Collatz-Wielandt enclosures, enclosed solves."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse.linalg import LinearOperator, gmres

from compth._types import Numbers as Array
from compth.dynamics.solvers import definite, extremes
from compth.dynamics.system import Moments

if TYPE_CHECKING:
    from compth.dynamics.system import System
    from compth.dynamics.traced import TracedSystem


def basis_of(system: System | TracedSystem) -> Array:
    """Orthonormal basis of the common vectors: z in the eigenbasis of A, without A's kernel where it has one."""
    # In A's eigenbasis the blocks of z are nearly diagonal where mu is far below L, and generalised
    # eigenvalues keep their digits.
    values, vectors = np.linalg.eigh(system.data.mean)
    if system.data.projector is not None:
        vectors = vectors[:, np.abs(values) > 1e-12 * np.abs(values).max()]
    d, rest = system.data.d, system.size - system.data.d
    out = np.zeros((system.size, vectors.shape[1] + rest))
    out[:d, : vectors.shape[1]] = vectors
    out[d:, vectors.shape[1] :] = np.eye(rest)
    return out


def blocks(system: System | TracedSystem, m: Moments, basis: Array) -> list[Array]:
    """The joint second moments of (c, y_i), one per worker."""
    c = basis.T @ m.C @ basis
    if m.D is None or m.E is None or (system.data.n == 1 and system.averages):
        return [c]
    # The cone is that of every worker's own joint moments with the common vectors: all that T is known to
    # keep without blocks between workers.
    return [np.block([[c, (d @ basis).T], [d @ basis, e]]) for d, e in zip(m.D, m.E, strict=True)]


def less(a: Moments, b: Moments) -> Moments:
    """a - b."""

    def part(x: Array | None, y: Array | None) -> Array | None:
        """x - y of blocks that may be absent."""
        return None if x is None or y is None else x - y

    return Moments(a.C - b.C, part(a.D, b.D), part(a.E, b.E))


def collatz(system: System | TracedSystem, m: Moments, basis: Array) -> tuple[float, float]:
    """Extreme generalised eigenvalues of ((T - id)(m), m) over the workers; (-inf, inf) for m outside the cone."""
    low, high = np.inf, -np.inf
    change = blocks(system, less(system(m), m), basis)
    for after, before in zip(change, blocks(system, m, basis), strict=True):
        a, b = extremes(after, before)
        low, high = min(low, a), max(high, b)
        if not np.isfinite(high):
            return -np.inf, np.inf
    return low, high


def solve_enclosed(
    change: Callable[[Array], Array],
    solve: Callable[[Array], Array],
    source: Array,
    inside: Array,
    seen: Callable[[Array], Sequence[Array]],
) -> tuple[Array, Array | None]:
    """(x, p) with x near the solution of -change(x) = source and |x - solution| <= p in the cone; p None: not known.

    change = T - id with T keeping the cone and r(T) < 1; solve: about its negative inverse; inside: a point inside the
    cone; seen: the blocks that must be >= 0. With P - T(P) = W > 0 the residual's place between -e W and e W passes
    through (id - T)^-1, which keeps the cone.
    """
    size = source.size
    matrix = LinearOperator((size, size), matvec=lambda v: -change(v), dtype=float)
    helper = LinearOperator((size, size), matvec=solve, dtype=float)

    def found(right: Array, tol: float) -> Array:
        """A solution by GMRES, to this relative residual where it gets there."""
        return gmres(matrix, right, M=helper, rtol=tol, atol=0.0, restart=60, maxiter=5)[0]

    x = found(source, 1e-14)
    for _ in range(2):  # the residual again: what the first pass leaves
        x = x + found(source + change(x), 1e-8)
    left = source + change(x)
    above = found(inside, 1e-10)
    margin = -change(above)
    error = 0.0
    for rest, point, grown in zip(seen(left), seen(margin), seen(above), strict=True):
        a, b = extremes(rest, point)
        if not (np.isfinite(b) and definite(grown)):
            return x, None
        error = max(error, abs(a), abs(b))
    return x, error * above
