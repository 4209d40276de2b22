"""Second moments of one compressed direction (GD, DCGD), in the eigenbasis of A where the noise-free part is diagonal.

    X+ = B X B + N(X),  B = I - g delta A,  N(X) = (g/n)^2 [sum own_i(A_i X A_i) + cross(n^2 A X A - sum A_i X A_i)]
    and with stochastic gradients (g/n)^2 sum (own_i + delta^2)(Cov xi_i) more, which the preconditioner leaves out.

X is kept as its entries in the eigenbasis, restricted to range(A) and divided by scales s_a s_b, and T - id is applied
instead of T: differences from 1 keep their relative accuracy however small mu is. The preconditioner inverts
id - T with A_i X A_i in the a-part of the noise replaced by A X A and the Diag and trace parts kept exactly: they act
on d numbers only, through a d x d matrix made of r products, where r is the rank of 1/(1 - b_a b_b) (about 30).

Others rely on: `fits` being exact (a system that is let in wrongly gets a wrong rate), the enclosure being true for any
vector, and matrices in A's eigenbasis being what `Found.matrix` and the next search's `near` hold. The preconditioner
may change freely: no answer hangs on it but the number of applications.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeGuard

import numpy as np

from compth._types import Numbers as Array
from compth.compressors import MomentMap
from compth.dynamics.solvers import arnoldi, davidson, definite, enclosed, extremes, face_bound, upper_bound
from compth.dynamics.system import Moments, Operator, System
from compth.problems.oracle import GradientNoise

RANK_TOLERANCE = 1e-6
SHIFT = 0.05
"""Where the second preconditioner is taken: this fraction of |1 - rho| right of the first estimate of rho."""
CLUSTERED = 30
"""From this rank on, eigenvalues lie so close that a second preconditioner pays."""
BASIS_BYTES = 3e8
"""Memory for the search space."""
KERNEL = 1e-12
"""Eigenvalues of A below this fraction of the largest are its kernel (when A has one)."""


def fits(system: object) -> TypeGuard[System]:
    """True for a system of this form: one common vector, no memories, one branch, nothing but A_i z compressed."""
    if not isinstance(system, System):
        return False
    s = system.scheme
    plain = system.down is None
    return plain and system.K == 1 and s.memory is None and len(s.branches) == 1 and s.beta[0] == 0


class Stein:
    """T - id and its preconditioner on scaled eigenbasis entries, (r, r) arrays as vectors of length r^2."""

    def __init__(self, system: System) -> None:
        """The Hessians in A's eigenbasis, on range(A), and the noise as the workers' own part and the common one.

        system: one that `fits`; its constant is left out.
        """
        self.system, data, branch = system, system.data, system.scheme.branches[0]
        # In the eigenbasis of A the noise-free part B X B multiplies each entry by b_a b_b. A singular A is
        # restricted to its range: on the kernel x does not move, and an eigenvalue 1 there would hide rho.
        values, vectors = np.linalg.eigh(data.mean)
        if data.projector is not None:
            inside = np.abs(values) > KERNEL * np.abs(values).max()
            values, vectors = values[inside], vectors[:, inside]
        self.values, self.vectors, self.rank = values, vectors, len(values)
        self.hessians = np.matmul(data.A, vectors)
        self.flat = np.swapaxes(self.hessians, 0, 1).reshape(data.d, -1)
        self.mean = vectors * values
        self.factor = float(branch.theta[0][0])
        n = data.n
        # (g/n)^2 with the sketch's input alpha A_i z: the factor of all noise, whatever its shape.
        self.weight = (float(branch.kappa[0]) * float(system.scheme.alpha[0]) / n) ** 2
        cross = system.cross or MomentMap()
        # sum_i own_i(M_ii) + sum_{i != j} cross(M_ij), and sum_ij M_ij = n^2 A X A: what the workers have of
        # their own is own - cross, and cross acts on the whole sum once.
        self.own = tuple(MomentMap(o.a - cross.a, o.c - cross.c, o.b - cross.b) for o in system.own)
        self.cross = MomentMap(cross.a * n * n, cross.c * n * n, cross.b * n * n)
        self.same = all(
            np.array_equal(o.c, self.own[0].c) and _rest(o) == _rest(self.own[0]) for o in self.own
        )
        self.noisy = system.noise is not None or any(
            bool(np.any(o.c)) or o.a != 0 or o.b != 0 for o in (*system.own, cross)
        )
        self.noisy = self.noisy and self.weight > 0
        self.scale = np.ones(self.rank)
        self.scaled = False
        self.applications = 0

    def drift(self) -> Array:
        """b_a b_b - 1 without cancellation."""
        # (1 + f_a)(1 + f_b) - 1 expanded: for mu far below L the product itself rounds to 1.
        f = self.factor * self.values
        return f[:, None] + f + f[:, None] * f

    def noise(self, x: Array) -> Array:
        """N(X) in the eigenbasis, X unscaled."""
        v, own = self.vectors, self.own
        if self.same:
            total = own[0](self.flat @ np.swapaxes(np.matmul(self.hessians, x), 0, 1).reshape(len(v), -1).T)
        else:
            m = (h @ x @ h.T for h in self.hessians)
            total = np.asarray(sum(o(k) for o, k in zip(own, m, strict=True)))
        if self.system.cross is not None:
            total = total + self.cross(self.mean @ x @ self.mean.T)
        if self.system.noise is not None:
            total = total + self._gradients(self.system.noise, v @ x @ v.T)
        return np.asarray(self.weight * (v.T @ total @ v))

    def apply(self, vector: Array) -> Array:
        """(T - id) on a scaled vector."""
        self.applications += 1
        x = vector.reshape(self.rank, self.rank)
        unscaled = x * self.scale[:, None] * self.scale
        # The eigenvalues of T - id on scaled entries are those of T less 1: rho - 1 keeps its digits.
        out = self.drift() * x + self.noise(unscaled) / self.scale[:, None] / self.scale
        return ((out + out.T - x + x.T) / 2).ravel()  # what is not symmetric is sent to 0 by T

    def _gradients(self, noise: GradientNoise, x: Array) -> Array:
        """What stochastic gradients add: sum_i (own_i + delta^2)(Cov xi_i), X in the original basis."""
        xi = noise.covariance(x)
        own = sum(o(k) for o, k in zip(self.system.own, xi, strict=True))
        return np.asarray(own + float(self.system.delta) ** 2 * xi.sum(axis=0))

    def prepare(self, shift: float = 0.0) -> Callable[[Array], Array]:
        """Approximate inverse of (1 + shift) id - T; the first call sets the scales."""
        # Of a A_i X A_i only a A X A stays, which is diagonal here; gap holds the diagonal part of (1+shift)
        # id - T. The Diag and trace parts see d numbers: Woodbury's identity inverts them through a d x d
        # matrix.
        gap = shift - self.drift() - self.weight * np.outer(self.values, self.values) * self._flat()
        gap = np.where(np.abs(gap) < 1e-300, 1.0, gap)
        matrix = self._coupling(gap)
        # A pseudo-inverse: at the shift 0 the matrix may be singular to rounding, and a preconditioner need
        # not care.
        inverse = np.linalg.pinv(np.eye(len(matrix)) - matrix)

        def solve(x: Array) -> Array:
            """The inverse by Woodbury's identity: diagonal, and d numbers that the Diag and trace parts tie."""
            y = x / gap
            v = self.vectors
            filled = inverse @ self._diagonal(y)
            return np.asarray(y + (v.T @ (filled[:, None] * v)) / gap)

        if not self.scaled:
            # Scales from a point near the Perron matrix: with a unit diagonal T is nearest to normal, and its
            # entries no longer differ by the condition number.
            size = np.abs(np.diag(solve(np.eye(self.rank))))
            self.scale, self.scaled = np.sqrt(np.where(size > 0, size, 1.0)), True

        def scaled(vector: Array) -> Array:
            """The same inverse on scaled vectors, symmetrised."""
            x = vector.reshape(self.rank, self.rank) * self.scale[:, None] * self.scale
            out = solve(x) / self.scale[:, None] / self.scale
            return np.asarray((out + out.T) / 2).ravel()

        return scaled

    def _flat(self) -> float:
        """The a-part of the noise as a multiple of A X A, taking every A_i for A."""
        return float(sum(float(o.a) for o in self.own) + float(self.cross.a))

    def _spread(self, o: MomentMap, diagonals: Array) -> Array:
        """The Diag and trace parts of a map, on columns of diagonals."""
        c = np.asarray(o.c, dtype=float)
        return np.asarray((c[:, None] if c.ndim else c) * diagonals + float(o.b) * diagonals.sum(axis=0))

    def _diagonal(self, y: Array) -> Array:
        """weight x the d numbers that the Diag and trace parts of the noise put on the diagonal, for X = y."""
        each = (np.matmul(self.hessians, y) * self.hessians).sum(axis=-1)
        out = sum(self._spread(o, e[:, None]) for o, e in zip(self.own, each, strict=True))
        out = out + self._spread(self.cross, ((self.mean @ y) * self.mean).sum(axis=-1)[:, None])
        return self.weight * np.asarray(out)[:, 0]

    def _coupling(self, gap: Array) -> Array:
        """K: what Diag(e_k), divided by the gap, puts on the diagonal again; from a low-rank form of 1/gap."""
        # 1/(1 - b_a b_b) is a Cauchy-like matrix, whose eigenvalues fall geometrically: some thirty products
        # f f' carry it, and each turns the d x d coupling into a squared matrix product.
        root = 1 / np.sqrt(np.abs(np.diag(gap)))
        weights, factors = np.linalg.eigh(1 / gap / root[:, None] / root)
        keep = np.abs(weights) > RANK_TOLERANCE * np.abs(weights).max()
        weights, factors = weights[keep], factors[:, keep] * root[:, None]
        d = len(self.vectors)
        total = np.zeros((d, d))

        def squares(h: Array) -> Array:
            """What Diag(e_k) over the gap makes of a Hessian's diagonal, as a d x d matrix."""
            out = np.zeros((d, d))
            for w, f in zip(weights, factors.T, strict=True):
                out += w * ((h * f) @ self.vectors.T) ** 2
            return out

        for o, h in zip(self.own, self.hessians, strict=True):
            if np.any(o.c) or o.b:
                total += self._spread(o, squares(h))
        if np.any(self.cross.c) or self.cross.b:
            total += self._spread(self.cross, squares(self.mean))
        return self.weight * total

    def bracket(self, vector: Array, inner: Array) -> tuple[float, float]:
        """Collatz-Wielandt enclosure of rho - 1 from X near the Perron vector; inner: a point inside the cone.

        (T-id)(X) <= b X with X > 0 gives rho <= 1 + b, so X is moved a little inside; (T-id)(X) >= a X with X >= 0
        gives rho >= 1 + a, so directions that X does not have are left out.
        """
        x, e = (v.reshape(self.rank, self.rank) for v in (vector, inner))
        # Both ends hold for any X in the cone; the nearer to the Perron matrix, the narrower they are. Points
        # a little inside pay for a Perron matrix on the cone's boundary.
        x = x / np.trace(x)
        low, high = -np.inf, np.inf
        points = [x + eta * e / np.trace(e) for eta in (0.0, 1e-12, 1e-8)]
        for near in (*points, e / np.trace(e)):  # where rho is a multiple eigenvalue, x may be any mixture
            a, b = extremes(self.apply(near.ravel()).reshape(near.shape), near)
            low, high = max(low, a), min(high, b)
        # A Perron matrix on a face has no multiple below T X in all directions: bound it on its own face.
        if high - low > 1e-3 * abs(high):
            low = max(low, face_bound(lambda v: self.apply(v.ravel()).reshape(v.shape), x))
        return low, high


def _rest(o: MomentMap) -> tuple[float, float]:
    """The scalar and the trace part of a map."""
    return float(o.a), float(o.b)


@dataclass(frozen=True)
class Found:
    """rho - 1, its enclosure (-inf, inf when it was not asked for), and the Perron matrix in A's eigenbasis."""

    value: float
    bracket: tuple[float, float]
    matrix: Array
    lens: Lens | None = None


@dataclass(frozen=True)
class Lens:
    """The coordinates of a search, and its near inverse."""

    op: Stein
    solve: Callable[[Array], Array]
    target: float | None = None

    def pack(self, point: Moments | Array) -> Array:
        """A matrix in A's eigenbasis as a vector."""
        assert isinstance(point, np.ndarray)  # points of one lens are never shown to a search of another kind
        return np.asarray(point / self.op.scale[:, None] / self.op.scale).ravel()

    def unpack(self, v: Array) -> Array:
        """A vector as a matrix in A's eigenbasis."""
        return v.reshape(self.op.rank, -1) * self.op.scale[:, None] * self.op.scale

    @staticmethod
    def after(system: Operator, point: Moments | Array) -> Array:
        """T of a system like this one, of a matrix in A's eigenbasis."""
        assert isinstance(system, System)
        assert isinstance(point, np.ndarray)
        system.applications += 1
        return point + Stein(system).apply(point.ravel()).reshape(point.shape)


def rate(system: System, *, tol: float = 1e-9, near: Sequence[Array] = (), bracketed: bool = True) -> Found:
    """The spectral radius of the linear part, searched from the Perron matrices of nearby systems where given."""
    op = Stein(system)
    if not op.noisy:
        # Without noise b_a^2 are the eigenvalues of the diagonal entries, and no product b_a b_b is larger.
        values = op.factor * op.values * (2 + op.factor * op.values)
        value = float(values.max())
        return Found(value, (value, value), np.diag((values == value).astype(float)))
    solve = op.prepare()
    width = max(10, min(40, int(BASIS_BYTES / (16 * op.rank**2))))
    target = np.diag(1 / op.scale**2).ravel()
    inner = solve(target)
    starts = [*((m / op.scale[:, None] / op.scale).ravel() for m in near), inner]
    # The solution of an inexact system may leave the cone; the identity, in these scales, lies inside.
    if not definite(inner.reshape(op.rank, op.rank)):
        inner = target
    # The noise adds a positive map: rho is at least what the noise-free part alone has.
    low, high = float(np.diag(op.drift()).max()), np.inf
    if not near:
        # A rough value first: a preconditioner taken just right of rho separates what lies close to it.
        value, vector = davidson(op.apply, solve, starts, tol=0.03, limit=60, width=width)
        starts = [vector]
        if op.rank > CLUSTERED:
            solve = op.prepare(value + SHIFT * abs(value))
    # The residual says little where eigenvectors nearly coalesce: go on until the enclosure is narrow.
    for accuracy in (tol, tol * 1e-2, tol * 1e-4) if bracketed else (tol,):
        value, vector = davidson(op.apply, solve, starts, tol=accuracy, limit=60, width=width)
        starts = [vector]
        if bracketed:
            a, b = op.bracket(vector, inner)
            low, high = max(low, a), min(high, b)
        if high - low <= 1e-3 * min(abs(low), abs(high)):
            break
    else:
        if bracketed:
            check = partial(_definite, size=op.rank)
            high = min(high, upper_bound(op.apply, solve, target, check, value))
    system.applications += op.applications
    high = max(low, high)
    matrix = vector.reshape(op.rank, op.rank) * op.scale[:, None] * op.scale
    return Found(min(max(value, low), high), (low, high), matrix / np.trace(matrix), Lens(op, solve))


def _definite(vector: Array, size: int) -> bool:
    """True for a vector that is a positive definite matrix."""
    return definite(vector.reshape(size, size))


def stable_step(unit: System) -> tuple[float, tuple[float, float]]:
    """Largest g with rho(T(g)) < 1 for the system built at g = 1: 1/r(L^-1 Q), one eigenproblem, with its enclosure.

    T(g) = id - g L + g^2 Q: L X = delta (A X + X A) is positive with a positive inverse (A >= 0), Q X =
    delta^2 A X A + N(X) keeps the cone, so that a X <= L^-1 Q X <= b X at some X > 0 encloses r(L^-1 Q).
    """
    op = Stein(unit)
    if not op.noisy:
        top = float(2 / np.abs(op.factor * op.values).max())
        return top, (top, top)
    lam, delta = op.values, -op.factor
    # In A's eigenbasis L multiplies by delta (lam_a + lam_b). Scaled by the root of its diagonal, L^-1 Q has
    # a Perron vector of moderate entries and the largest eigenvalue is what Arnoldi's steps find first.
    sums = delta * (lam[:, None] + lam)
    products = np.outer(lam, lam) * delta**2
    root = np.sqrt(np.diag(sums))
    outer = np.outer(root, root)

    def balanced(v: Array) -> Array:
        """L^-1 Q on matrices scaled by the roots of L's diagonal, symmetric."""
        op.applications += 1
        x = v.reshape(outer.shape) / outer
        out = (products * x + op.noise(x)) / sums * outer
        return np.asarray(((out + out.T) / 2).ravel())

    value, vector = arnoldi(balanced, op.rank**2, np.eye(op.rank).ravel())
    low, high = enclosed(balanced, vector.reshape(outer.shape))
    unit.applications += op.applications
    if value <= 0:
        return np.inf, (np.inf, np.inf)
    value = min(max(value, low), high)
    return 1 / value, (1 / high, 1 / low if low > 0 else np.inf)
