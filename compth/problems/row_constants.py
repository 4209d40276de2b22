"""Constants of least squares from its rows: eigenvalues of the smaller side, or brackets from products beyond.

With W = diag(1/(n m_i)) the data part of the mean Hessian is R'WR (d x d), and its positive eigenvalues are those of
K = W^(1/2) R R' W^(1/2) (rows x rows). A direction in which no row points has the eigenvalue `ridge` itself.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from compth._own import immutable, kept, seal
from compth._types import Array
from compth.errors import InvalidParameter, Unsupported
from compth.problems.at_minimum import RELATIVE_ZERO
from compth.problems.lanczos import Bracket, top
from compth.problems.row_products import Products

SIDE = 2000
"""Eigenvalues are computed where rows or columns are at most this many."""
SOLVED = 1e-11
"""Residual of the normal equations, relative to their right side, at which x* counts as found beyond SIDE."""
EXACT = "eigenvalues of the smaller side"


def sure(value: float, how: str = EXACT) -> Bracket:
    """A constant that is known to rounding."""
    return Bracket(float(value), float(value), how)


class Facts:
    """Constants of (1/n) sum ||R_i x - y_i||^2/(2 m_i) + (ridge/2)||x||^2; each method computes one, from its rows."""

    def __init__(self, products: Products, y: Array, ridge: float) -> None:
        self.r, self.y, self.ridge = products, y, ridge
        self.n, self.m, self.d = products.n, products.m, products.d
        self.weights = immutable(np.repeat(1 / (self.n * products.sizes), products.sizes))
        self.wide = self.m < self.d
        self.small = min(self.m, self.d) <= SIDE
        # Beyond SIDE only Lanczos and conjugate gradients are left. They bracket the largest eigenvalue but
        # not the smallest positive one, nor the rank: without a ridge there would be no mu and no solution
        # set.
        if not (self.small or ridge):
            raise InvalidParameter(
                f"{self.m} rows and {self.d} columns: without a ridge, mu and the solution set need at most {SIDE} rows"
                " or columns; give ridge > 0"
            )
        seal(self)

    @property
    def certain(self) -> bool:
        """True where no constant rests on a random start."""
        return self.small and all(self._small_worker(i) for i in range(self.n))

    # -- the mean Hessian

    @kept
    def gram(self) -> Array:
        """R R', (m, m)."""
        return self.r.gram()

    def gram_if_small(self) -> Array | None:
        """R R' where the rows are few."""
        return self.gram if self.wide and self.small else None

    @kept
    def eigh(self) -> tuple[Array, Array]:
        """Eigenvalues, ascending, and vectors of the data part, on the smaller side."""
        # K = W^(1/2) R R' W^(1/2) has the data part's positive eigenvalues; the smaller side costs least and
        # loses least.
        if self.wide:
            root = np.sqrt(self.weights)
            return _eigh(self.gram * root[:, None] * root)
        return _eigh(self.r.moment(self.weights))

    @kept
    def positive(self) -> NDArray[np.bool_]:
        """Which of those eigenvalues are not zero up to rounding."""
        values = self.eigh[0]
        # Rounding of a symmetric eigenvalue routine is about size * eps * largest: below that a value is a
        # zero.
        return np.asarray(values > RELATIVE_ZERO * len(values) * values[-1])

    def rank(self) -> int:
        """Of all rows together (asked without a ridge only: then one side is small)."""
        return int(self.positive.sum())

    def L(self) -> Bracket:
        """Smoothness of f."""
        if self.small:
            self._checked()
        return _moved(self.largest(), self.ridge)

    def largest(self) -> Bracket:
        """The largest eigenvalue of the data part."""
        if self.small:
            return sure(self.eigh[0][-1])
        return top(self._by_rows, self.m) if self.wide else top(self._mean, self.d)

    def _by_rows(self, v: Array) -> Array:
        """K v."""
        root = np.sqrt(self.weights)
        return np.asarray(root * self.r.images(self.r.back((root * v)[None]))[0])

    def _checked(self) -> None:
        """InvalidParameter where the ridge is lost in rounding, or nothing varies."""
        values = self.eigh[0]
        # A ridge below rounding would be indistinguishable from none: mu would be noise, and every rate with
        # it.
        if self.ridge and self.ridge <= RELATIVE_ZERO * len(values) * values[-1]:
            raise InvalidParameter(
                f"ridge={self.ridge:g} is below the rounding of eigenvalues up to {values[-1]:.3g}: use 0, or more"
            )
        if not self.ridge and values[-1] <= 0:
            raise InvalidParameter("every column is constant: there is nothing to fit")

    def _mean(self, z: Array) -> Array:
        """R'WR z, the data part of the mean Hessian."""
        return np.asarray(self.r.back(self.r.images(z[None]) * self.weights)[0])

    def mu(self) -> Bracket:
        """The smallest positive eigenvalue of the mean Hessian."""
        # Fewer rows than columns leave a direction in which only the ridge curves: mu is the ridge, exactly.
        if self.ridge and self.wide:
            return sure(self.ridge, "ridge: fewer rows than columns")
        if self.small:
            self._checked()
            values = self.eigh[0]
            return sure(values[0] + self.ridge if self.ridge else values[self.positive][0])
        # Beyond SIDE: any Rayleigh quotient is an upper bound, and unit vectors cost one pass for all of them.
        return Bracket(self.ridge, self.ridge + self._least_square(), "ridge <= mu <= the smallest diagonal")

    def _least_square(self) -> float:
        """The smallest diagonal entry of R'WR."""
        R = self.r
        X = R.matrix()
        square = X * X  # entry by entry, for arrays and sparse arrays alike
        total = np.asarray(square.T @ self.weights)
        if R.shift is not None:
            first = np.asarray(X.T @ self.weights)
            # Of (x_j - c_j)^2 summed with weights, without forming the centred columns.
            total = total - 2 * first * R.shift + R.shift**2 * self.weights.sum()
        return float((total if R.scale is None else total * R.scale**2).min())

    @kept
    def x_star(self) -> Array:
        """The minimiser, of least norm where there are many."""
        if not self.small:
            return self._solved()
        values, vectors = self.eigh
        # The pseudo-inverse: without a ridge, directions in which no row points are left alone (least norm).
        used = np.ones_like(values, dtype=bool) if self.ridge else self.positive
        inverse = np.where(used, 1 / np.where(used, values + self.ridge, 1), 0)
        root = np.sqrt(self.weights)
        if self.wide:  # x* = R'W^(1/2) (K + ridge I)^+ W^(1/2) y
            dual = vectors @ (inverse * (vectors.T @ (root * self.y)))
            return np.asarray(self.r.back((root * dual)[None])[0])
        right = self.r.back((self.weights * self.y)[None])[0]
        return np.asarray(vectors @ (inverse * (vectors.T @ right)))

    def _solved(self) -> Array:
        """By conjugate gradients on the normal equations, held to SOLVED."""
        from scipy.sparse.linalg import LinearOperator, cg

        right = self.r.back((self.weights * self.y)[None])[0]
        operator = LinearOperator((self.d, self.d), matvec=lambda z: self._mean(z) + self.ridge * z)
        # Asked for ten times the accuracy that is then checked: what cg calls converged is its own
        # recurrence's residual, and the residual that is computed afresh must hold.
        found, _ = cg(operator, right, rtol=SOLVED / 10, maxiter=20_000)
        error = np.linalg.norm(self._mean(found) + self.ridge * found - right)
        if not error <= SOLVED * np.linalg.norm(right):
            raise Unsupported(
                f"x* was not found: conjugate gradients ended at a relative residual of"
                f" {error / np.linalg.norm(right):.1e}; use a larger ridge"
            )
        return np.asarray(found)

    def in_range(self, z: Array, u: Array) -> Array:
        """Squared length of z's part in the span of the rows, for u = R z; without a ridge that is the distance."""
        if self.rank() == self.d:
            return np.asarray(np.vecdot(z, z))
        values, vectors = self.eigh[0][self.positive], self.eigh[1][:, self.positive]
        # Coordinates on the span from the rows' products u = R z alone: R z = W^(-1/2) V Lambda^(1/2) (Q'z).
        parts = (u * np.sqrt(self.weights)) @ vectors / np.sqrt(values) if self.wide else z @ vectors
        return np.asarray(np.vecdot(parts, parts))

    # -- each worker's Hessian

    def _small_worker(self, i: int) -> bool:
        """True where eigenvalues of worker i's smaller side are computed."""
        return min(int(self.r.sizes[i]), self.d) <= SIDE

    def _data(self, i: int) -> tuple[Array, bool]:
        """A matrix with the positive eigenvalues of R_i'R_i/m_i, and whether it is the Gram matrix of the rows."""
        m = int(self.r.sizes[i])
        if m >= self.d:
            return self.r.moment(None, i) / m, False
        rows = self.r.slices[i]
        return (self.gram[rows, rows] if "gram" in self.__dict__ else self.r.gram(i)) / m, True

    def L_i(self) -> tuple[Bracket, ...]:
        """Of each f_i."""
        return tuple(self._l_of(i) for i in range(self.n))

    def _l_of(self, i: int) -> Bracket:
        """L_i of one worker."""
        # Three ways: eigenvalues of the smaller side, Lanczos on R_i'R_i/m_i, or Lanczos on the rows' side.
        if self._small_worker(i):
            return sure(np.linalg.eigvalsh(self._data(i)[0])[-1] + self.ridge)
        if self.r.sizes[i] >= self.d:
            return _moved(top(lambda z: self._own(i, z), self.d), self.ridge)
        m, r = int(self.r.sizes[i]), self.r
        return _moved(top(lambda v: r.images(r.back(v[None], i), i)[0] / m, m), self.ridge)

    def _own(self, i: int, z: Array) -> Array:
        """R_i'R_i z/m_i."""
        return np.asarray(self.r.back(self.r.images(z[None], i) / self.r.sizes[i], i)[0])

    def mu_min(self) -> Bracket:
        """Strong convexity that every f_i has."""
        # One worker with fewer rows than columns is enough: in some direction its f_i curves by the ridge
        # alone.
        if min(self.r.sizes) < self.d:
            return sure(self.ridge, "ridge: a worker has fewer rows than columns")
        if self.d > SIDE:
            return Bracket(self.ridge, self.mu().high, "ridge <= mu_min <= mu")
        spectra = [np.linalg.eigvalsh(self._data(i)[0]) for i in range(self.n)]
        low, high = min(s[0] for s in spectra) + self.ridge, max(s[-1] for s in spectra) + self.ridge
        return sure(low if low > RELATIVE_ZERO * self.d * high else 0.0)

    # -- on the span of the rows

    def spanned(self) -> tuple[Array, Array]:
        """A_i (n, r+1, r+1) and b_i (n, r+1) on the span of r dimensions, and one direction in which no row points."""
        # The rows in r coordinates of their span; one more coordinate of zeros stands for everything beside
        # it.
        Z = self._coordinates()
        r = Z.shape[1]
        a, b = np.zeros((self.n, r + 1, r + 1)), np.zeros((self.n, r + 1))
        for i, (rows, m) in enumerate(zip(self.r.slices, self.r.sizes, strict=True)):
            a[i, :r, :r] = Z[rows].T @ Z[rows] / m
            b[i, :r] = Z[rows].T @ self.y[rows] / m
        return a + self.ridge * np.eye(r + 1), b

    def _coordinates(self) -> Array:
        """Z (m, r): the rows in an orthonormal basis of their span, of fewer rows than columns.

        R = W^(-1/2) V Lambda^(1/2) Q' with orthonormal rows of Q', and Z = W^(-1/2) V Lambda^(1/2).
        """
        values, vectors = self.eigh[0][self.positive], self.eigh[1][:, self.positive]
        return np.asarray(vectors * np.sqrt(values) / np.sqrt(self.weights)[:, None])

    def into_span(self, x: Array) -> Array:
        """Coordinates of x (d,) in that basis, (r,): Q'x, for which the rows' products are enough."""
        values, vectors = self.eigh[0][self.positive], self.eigh[1][:, self.positive]
        return np.asarray(vectors.T @ (np.sqrt(self.weights) * self.r.images(x)) / np.sqrt(values))

    def out_of_span(self, z: Array) -> Array:
        """The vectors (..., d) with these coordinates (..., r): Qz."""
        values, vectors = self.eigh[0][self.positive], self.eigh[1][:, self.positive]
        return self.r.back(np.sqrt(self.weights) * ((z / np.sqrt(values)) @ vectors.T))

    # -- second moments over the workers

    def L_plus(self) -> Bracket:
        """sqrt lambda_max(mean A_i^2); with D_i = A_i - ridge I that is mean D_i^2 + 2 ridge mean D_i + ridge^2."""
        ridge = self.ridge
        if self.small:
            # A_i = D_i + ridge I: mean A_i^2 = mean D_i^2 + 2 ridge mean D_i + ridge^2 I, whose last term
            # moves all eigenvalues.
            square, mean = self._second
            total = square + 2 * ridge * mean
            return sure(np.sqrt(max(np.linalg.eigvalsh(total)[-1], 0.0) + ridge**2))
        found = top(lambda z: self._mean_square(z) + 2 * ridge * self._mean(z), self.d)
        return _root(_moved(found, ridge**2))

    def L_pm(self) -> Bracket:
        """sqrt lambda_max(mean A_i^2 - A^2) = sqrt lambda_max(mean D_i^2 - (mean D_i)^2): the ridge cancels."""
        if self.n == 1:
            return sure(0.0)
        if self.small:
            square, mean = self._second
            return sure(np.sqrt(max(np.linalg.eigvalsh(square - mean @ mean)[-1], 0.0)))
        return _root(top(lambda z: self._mean_square(z) - self._mean(self._mean(z)), self.d))

    @kept
    def _second(self) -> tuple[Array, Array]:
        """(mean D_i^2, mean D_i) in an orthonormal basis of a space that holds every row."""
        if not self.wide:
            parts = [self.r.moment(None, i) / m for i, m in enumerate(self.r.sizes)]
            return np.mean([p @ p for p in parts], axis=0), np.mean(parts, axis=0)
        # D_i = Z_i'Z_i/m_i and D_i^2 = Z_i'(Z_i Z_i')Z_i/m_i^2
        Z, values = self._coordinates(), self.eigh[0][self.positive]
        square = np.zeros((len(values), len(values)))
        for rows, m in zip(self.r.slices, self.r.sizes, strict=True):
            own = Z[rows] / np.sqrt(m)
            square += own.T @ (own @ own.T) @ own
        return square / self.n, np.diag(values)

    def _mean_square(self, z: Array) -> Array:
        """mean D_i^2 z."""
        out = np.zeros(self.d)
        for i in range(self.n):
            out += self._own(i, self._own(i, z))
        return out / self.n

    # -- how far the f_i's own minima lie below

    def heterogeneity(self, at_star: Array, L_i: Array) -> Bracket:
        """mean (f_i(x*) - min f_i) = mean g_i'A_i^+ g_i/2 with g_i = grad f_i(x*), (n, d)."""
        found = [self._below(i, g) for i, g in enumerate(at_star)]
        if not self.small and np.any(at_star):
            # x* itself is known to a residual only: in the norm of A_i it moves by at most sqrt(L_i) times
            # that.
            found = [_about(b, np.sqrt(L) * self._off()) for b, L in zip(found, L_i, strict=True)]
        low, high = (float(np.mean([getattr(b, end) for b in found])) / 2 for end in ("low", "high"))
        return Bracket(low, high, found[0].how)

    def _off(self) -> float:
        """How far x* as it was solved for may lie from x*: its residual over the ridge."""
        right = self.r.back((self.weights * self.y)[None])[0]
        return float(SOLVED * np.linalg.norm(right) / self.ridge)

    def _below(self, i: int, g: Array) -> Bracket:
        """g'A_i^+ g: in the span of worker i's rows by their eigenvalues, outside it over the ridge."""
        if not self._small_worker(i):
            return self._below_solved(i, g)
        matrix, by_rows = self._data(i)
        values, vectors = _eigh(matrix)
        inside = values > RELATIVE_ZERO * len(values) * values[-1]
        values, vectors = values[inside], vectors[:, inside]
        root, roots = np.sqrt(self.r.sizes[i]), np.sqrt(values)

        def parts(z: Array) -> Array:
            """In the basis R_i'V (m Lambda)^(-1/2) of the rows' span, or V itself."""
            return (self.r.images(z[None], i)[0] / root) @ vectors / roots if by_rows else z @ vectors

        # g'A_i^+ g in the eigenbasis of worker i's rows: (Q'g)^2 over eigenvalue plus ridge, and what lies
        # outside the span over the ridge alone.
        total = float((parts(g) ** 2 / (values + self.ridge)).sum())
        if self.ridge and np.any(g):
            # outside the span g is ridge x*: ridge ||x* outside||^2, where g'g less its parts would cancel over a ridge
            inside = vectors @ (parts(self.x_star) / (roots if by_rows else 1))
            beside = self.x_star - (self.r.back(inside[None] / root, i)[0] if by_rows else inside)
            total += self.ridge * float(beside @ beside)
        return sure(total)

    def _below_solved(self, i: int, g: Array) -> Bracket:
        """With A x + r = g: g'A^(-1) g = g'x + r'x + r'A^(-1) r, and the last is at most ||r||^2/ridge."""
        from scipy.sparse.linalg import LinearOperator, cg

        operator = LinearOperator((self.d, self.d), matvec=lambda z: self._own(i, z) + self.ridge * z)
        x, _ = cg(operator, g, rtol=SOLVED, maxiter=20_000)
        # The residual turns the approximate solution into a bracket: whatever is wrong with x is bounded, not
        # assumed small.
        r = g - operator @ x
        low = float(g @ x + r @ x)
        return Bracket(low, low + float(r @ r) / self.ridge, "conjugate gradients with their residual")


def _eigh(matrix: Array) -> tuple[Array, Array]:
    """Eigenvalues, ascending, and vectors."""
    values, vectors = np.linalg.eigh(matrix)
    return np.asarray(values), np.asarray(vectors)


def _moved(b: Bracket, by: float) -> Bracket:
    """The bracket of the constant plus a number."""
    return Bracket(b.low + by, b.high + by, b.how, b.certain)


def _about(b: Bracket, by: float) -> Bracket:
    """Of g'A^+ g = ||x - x_i*||^2 in the norm of A, where x moves by at most so much in that norm."""
    return Bracket(max(b.low**0.5 - by, 0.0) ** 2, (b.high**0.5 + by) ** 2, b.how, b.certain)


def _root(b: Bracket) -> Bracket:
    """The bracket of the square root."""
    return Bracket(float(np.sqrt(b.low)), float(np.sqrt(b.high)), b.how, b.certain)
