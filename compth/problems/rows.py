"""Least squares and ridge by their rows: gradients are X'(Xv - y)/m + ridge v, and no matrix of size d x d is made."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from threading import enumerate as enumerate_threads
from threading import get_ident

import numpy as np

from compth._door import no_mask
from compth._memory import SMALLER_PROBLEM, require_fit
from compth._own import immutable, kept, remembered, seal
from compth._threads import one_blas_thread
from compth._types import Array, Json, Numbers
from compth.errors import InvalidParameter, Unsupported
from compth.problems.at_minimum import AtMinimum
from compth.problems.lanczos import RANDOM, Bracket
from compth.problems.quadratic import DistributedQuadratic
from compth.problems.row_checks import check_rows
from compth.problems.row_constants import Facts
from compth.problems.row_products import CSR, Products

FORMED = 1000
"""Up to this dimension Hessians are formed where something asks for them (exact dynamics, oracles)."""
FORMED_BYTES = 1 << 28
"""And up to this size of all of them."""
NAMES = ("L", "mu", "L_max", "mu_min", "L_plus", "L_pm", "heterogeneity")
"""Constants that `RowQuadratic.bracket` knows."""


@dataclass(frozen=True, eq=False)
class RowQuadratic(AtMinimum):
    """f_i(x) = ||X_i x - y_i||^2/(2 m_i) + (ridge/2)||x||^2 on the m_i rows of worker i, up to a constant.

    X: (rows, d), the workers' rows one after another, dense or CSR as (values, indices, indptr) with `columns` = d;
    y: (rows,); sizes: rows of each worker. shift, scale: columns are (X - 1 shift') diag(scale), never formed where X
    is sparse. A gradient of all workers costs two passes over X. Constants are computed when they are asked for, and
    only those: with at most 2000 rows or columns from the eigenvalues of the smaller side, beyond by Lanczos, as
    `bracket(name)` says; a property gives the end of it that keeps a theorem true (L from above, mu from below).
    Raises InvalidParameter for wrong shapes, NaN, inf, a worker without rows, or f = 0.
    """

    X: Array | CSR
    y: Array
    sizes: tuple[int, ...]
    ridge: float = 0.0
    shift: Array | None = None
    scale: Array | None = None
    columns: int | None = None
    name: str = "rows"
    info: Json = field(default_factory=dict)

    @one_blas_thread
    def __post_init__(self) -> None:
        for name in ("X", "y", "shift", "scale"):
            no_mask(name, getattr(self, name))
        X = self.X if isinstance(self.X, tuple) else np.asarray(self.X, dtype=np.float64)
        columns = self.columns if isinstance(X, tuple) else (X.shape or (0,))[-1]
        held: dict[str, object] = {"columns": int(columns or 0), "ridge": float(self.ridge), "X": X}
        held |= {
            k: None if v is None else np.asarray(v, dtype=float)
            for k, v in (("y", self.y), ("shift", self.shift), ("scale", self.scale))
        }
        held["sizes"] = tuple(int(s) for s in self.sizes)
        for key, value in held.items():
            object.__setattr__(self, key, immutable(value))
        check_rows(
            self.X, self.y, self.d, sizes=self.sizes, shift=self.shift, scale=self.scale, ridge=self.ridge
        )
        # Sealed: results remember what they were computed from, and a problem whose rows moved would make them
        # lies.
        seal(self)
        _ = self._facts  # refuses what has no constants

    # -- sizes and products

    @property
    def n(self) -> int:
        """Number of workers."""
        return len(self.sizes)

    @property
    def d(self) -> int:
        """Dimension."""
        assert self.columns is not None
        return self.columns

    def products(self, dtype: np.typing.DTypeLike = np.float64) -> Products:
        """The rows in a precision, made once for each."""
        # Float32 runs multiply float32 rows: converting X in every round would cost more than the product.
        key = np.dtype(dtype).name
        return remembered(
            self,
            ("products", key),
            lambda: Products(self.X, self.d, self.sizes, self.shift, self.scale, np.dtype(key)),
        )

    @property
    def _facts(self) -> Facts:
        """What the constants are computed by, made once."""
        return remembered(self, ("facts",), lambda: Facts(self.products(), self.y, self.ridge))

    # -- constants, each when it is asked for

    def bracket(self, name: str) -> Bracket:
        """low <= the constant <= high, with how that is known.

        Names: L, mu, L_max, mu_min, L_plus, L_pm, and heterogeneity = mean (f_i(x*) - min f_i). Ends that meet are the
        values of an eigenvalue routine, exact to rounding; x* beyond 2000 rows and columns is known to a residual.

        Raises InvalidParameter for another name.
        """
        if name not in NAMES:
            raise InvalidParameter(f"name={name!r} has no bracket: choose one of {', '.join(NAMES)}")
        known: dict[str, Bracket] = remembered(self, ("brackets",), dict)
        # One constant may need many passes over X: each is found once, and only when somebody asks for it.
        if name not in known:
            with one_blas_thread:
                known[name] = self._found(name)
        return replace(known[name])  # the reader's own: what is kept is out of reach

    def _found(self, name: str) -> Bracket:
        """The bracket of one constant, computed."""
        if name == "heterogeneity":
            return self._facts.heterogeneity(self.gradients_at_star, self.L_i)
        # L_max comes from the L_i, which are remembered together; every other constant has a routine of its
        # name.
        found: Bracket = self._largest() if name == "L_max" else getattr(self._facts, name)()
        return found

    def _largest(self) -> Bracket:
        each = self._each
        worst = max(each, key=lambda b: b.high)
        # The largest of several brackets: its low end may come from another worker than its high end.
        return Bracket(max(b.low for b in each), worst.high, worst.how, all(b.certain for b in each))

    @property
    def _each(self) -> tuple[Bracket, ...]:
        """A bracket for every L_i."""
        with one_blas_thread:
            return tuple(map(replace, remembered(self, ("L_i",), self._facts.L_i)))

    @property
    def assumed(self) -> tuple[str, ...]:
        """What constants from above rest on besides arithmetic: random starts, where Lanczos was needed."""
        return () if self._facts.certain else (f"L, L_i, ... from above by {RANDOM}",)

    @property
    def L(self) -> float:
        """Smoothness of f, from above."""
        return self.bracket("L").high

    @property
    def mu(self) -> float:
        """Strong convexity of f, from below; the smallest positive eigenvalue where the solution is a set."""
        return self.bracket("mu").low

    @property
    def L_i(self) -> Array:
        """Smoothness of each f_i, (n,), from above."""
        return np.array([b.high for b in self._each])

    @property
    def L_max(self) -> float:
        """max_i L_i, from above."""
        return self.bracket("L_max").high

    @property
    def mu_min(self) -> float:
        """Strong convexity shared by every f_i, from below."""
        return self.bracket("mu_min").low

    @property
    def convex(self) -> bool:
        """True: every f_i is a sum of squares."""
        return True

    @property
    def L_plus(self) -> float:
        """sqrt of the largest eigenvalue of mean A_i^2, from above."""
        return self.bracket("L_plus").high

    @property
    def L_pm(self) -> float:
        """sqrt of the largest eigenvalue of mean A_i^2 - A^2 (Hessian variance), from above."""
        return self.bracket("L_pm").high

    @property
    def heterogeneity(self) -> float:
        """D = (2 L_max/n) sum (f_i(x*) - min f_i), from above (induced compressors' D)."""
        return 2 * self.L_max * self.bracket("heterogeneity").high

    # -- the solution

    @kept
    def x_star(self) -> Array:
        """The minimiser (the one of least norm if there are many)."""
        found: Array = self._facts.x_star
        return found

    @kept
    def _residuals(self) -> Array:
        """X x* - y, (rows,)."""
        return np.asarray(self.products().images(self.x_star[None])[0] - self.y)

    @kept
    def f_star(self) -> float:
        """min f (of x'Ax/2 - b'x: without the constant ||y||^2/(2 m))."""
        # f(x*) = -b'x*/2 with b = X'Wy: written as W (X x*) against y, so that b is never formed.
        weights = self._facts.weights * (self._residuals + self.y)
        return float(-(weights @ self.y) / 2)

    def _gradients_there(self) -> Array:
        """grad f_i(x*) as computed, rounding included, (n, d)."""
        return np.asarray(self._pulled(self._residuals[None] * self._per_row)[0] + self.ridge * self.x_star)

    # -- gradients and measures

    @kept
    def _per_row(self) -> Array:
        """1/m_i for each row of worker i, (rows,)."""
        return np.asarray(np.repeat(1 / np.array(self.sizes), self.sizes))

    def _pulled(self, u: Array) -> Array:
        """(R, rows) -> (R, n, d): u_i X_i of every worker."""
        # One worker at a time into one array: a stacked X_i would be a second copy of the data.
        products = self.products(u.dtype)
        out = np.empty((len(u), self.n, self.d), dtype=u.dtype)
        for i, rows in enumerate(products.slices):
            products.back(u[:, rows], i, out[:, i])
        return out

    def _away(self, x: Array) -> tuple[Array, Array]:
        """(x - x*, X(x - x*)) for x of shape (R, d), of float64 or float32.

        A round measures where the next one takes gradients: the last x of each thread is remembered with its products,
        and they are used again for one that is equal to it in every bit.
        """
        # By thread: replicate blocks run in several, each on its own x, and must not answer for each other.
        # What threads that have ended left behind is dropped, or every pool would leave its last block in
        # memory.
        held: dict[int, tuple[Array, Array, Array]] = remembered(self, ("last",), dict)
        last = held.get(get_ident())
        # Equal in every bit, so that results do not depend on whether the products were remembered.
        if last is not None and last[0].dtype == x.dtype and np.array_equal(last[0], x):
            return last[1], last[2]
        z = x - self.x_star.astype(x.dtype, copy=False)
        u = self.products(x.dtype).images(z)
        if last is None:
            for ended in set(held) - {t.ident for t in enumerate_threads()}:
                held.pop(ended, None)
        held[get_ident()] = (x.copy(), z, u)
        return z, u

    def gradients(self, x: Array) -> Array:
        """grad f_i(x) for every worker: (..., d) -> (..., n, d), two passes over X."""
        flat = _float(x).reshape(-1, self.d)
        # X x - y = X (x - x*) + (X x* - y): near the solution the first part is small and exact, where X x - y
        # cancels.
        u = self._away(flat)[1] + self._residuals.astype(flat.dtype, copy=False)
        out = self._pulled(u * self._per_row.astype(flat.dtype, copy=False))
        if self.ridge:
            out += (flat.dtype.type(self.ridge) * flat)[:, None]
        return out.reshape(*x.shape[:-1], self.n, self.d)

    def gradients_at(self, points: Array) -> Array:
        """grad f_i at each worker's own point: (..., n, d) -> (..., n, d)."""
        flat = _float(points).reshape(-1, self.n, self.d)
        products, out = self.products(flat.dtype), np.empty_like(flat)
        for i, rows in enumerate(products.slices):
            u = products.images(flat[:, i], i) - self.y[rows].astype(flat.dtype, copy=False)
            products.back(u / flat.dtype.type(self.sizes[i]), i, out[:, i])
        out += flat.dtype.type(self.ridge) * flat
        return out.reshape(points.shape)

    def gradient(self, x: Array) -> Array:
        """grad f(x), (..., d) -> (..., d)."""
        z, u = self._away(_float(x).reshape(-1, self.d))
        weights = self._facts.weights.astype(u.dtype, copy=False)
        out = self.products(u.dtype).back(u * weights) + u.dtype.type(self.ridge) * z
        return out.reshape(x.shape)

    def value(self, x: Array) -> Array:
        """f(x), (..., d) -> (...)."""
        return np.asarray(self.gap(x) + self.f_star)

    def gap(self, x: Array) -> Array:
        """f(x) - f*, (..., d) -> (...), accurate near the solution."""
        z, u = self._away(_float(x).reshape(-1, self.d))
        return self._gap(z, u).reshape(x.shape[:-1])

    def _gap(self, z: Array, u: Array) -> Array:
        """f - f* for z = x - x* and u = X z."""
        # f(x) - f* = (x - x*)'A (x - x*)/2 = (u'Wu + ridge |z|^2)/2 with u = X z: a sum of squares, so that it
        # is accurate however close to the solution, where f(x) - f* as a difference would be rounding alone.
        weights = self._facts.weights.astype(u.dtype, copy=False)
        return np.asarray((np.vecdot(u * weights, u) + u.dtype.type(self.ridge) * np.vecdot(z, z)) / 2)

    def distance_squared(self, x: Array) -> Array:
        """Squared distance to the solution set, (..., d) -> (...)."""
        z, u = self._away(_float(x).reshape(-1, self.d))
        return self._distance(z, u).reshape(x.shape[:-1])

    def _distance(self, z: Array, u: Array) -> Array:
        """Squared distance to the solution set for z = x - x* and u = X z."""
        # With a ridge the solution is one point; without, the set x* + kernel, and distance is measured in the
        # rows' span.
        if self.ridge:
            return np.asarray(np.vecdot(z, z))
        return self._facts.in_range(z, u)

    def measures(self, x: Array) -> Array:
        """Squared distance, gap and squared gradient norm, (R, d) -> (3, R): one pass over X, shared with gradients."""
        z, u = self._away(_float(x))
        return np.stack([self._distance(z, u), self._gap(z, u), self._gradient_square(x, z, u)])

    def _gradient_square(self, x: Array, z: Array, u: Array) -> Array:
        """||X'Wu + ridge z||^2, by the Gram matrix of the rows where there is one."""
        # |X'Wu + ridge z|^2 = v'(XX')v + 2 ridge v'u + ridge^2 |z|^2 with v = Wu: with few rows the Gram
        # matrix saves the pass back over X.
        gram = self._facts.gram_if_small()
        if gram is None:
            gradient = self.gradient(x)
            return np.asarray(np.vecdot(gradient, gradient))
        ridge = u.dtype.type(self.ridge)
        v = u * self._facts.weights.astype(u.dtype, copy=False)
        own = np.vecdot(v @ gram.astype(u.dtype, copy=False), v)
        return np.asarray(own + 2 * ridge * np.vecdot(v, u) + ridge**2 * np.vecdot(z, z))

    # -- where matrices are needed, and small enough

    @property
    def b(self) -> Array:
        """b_i = X_i'y_i/m_i, (n, d)."""
        return np.asarray(self._pulled((self.y * self._per_row)[None])[0])

    @property
    def A(self) -> Array | None:
        """A_i = X_i'X_i/m_i + ridge I, (n, d, d), where they are small (d <= 1000); None beyond: see `dense`."""
        # Asked by exact dynamics and oracles, which work with d^2 numbers and more anyway: beyond, they are
        # told why not.
        small = self.d <= FORMED and self.n * self.d**2 * 8 <= FORMED_BYTES
        return self._formed.A if small else None

    @property
    def _formed(self) -> DistributedQuadratic:
        """The problem with its Hessians, made once."""
        return remembered(self, ("formed",), self.dense)

    def dense(self) -> DistributedQuadratic:
        """The same problem with every worker's Hessian formed. Raises InvalidParameter where they would not fit."""
        sizes = f"n={self.n}, d={self.d}"
        # Three copies at once: the stack, its transpose's sum, and what the problem keeps.
        require_fit(3 * self.n * self.d**2 * 8, sizes, SMALLER_PROBLEM)
        products, eye = self.products(), self.ridge * np.eye(self.d)
        a = np.stack([products.moment(None, i) / m + eye for i, m in enumerate(self.sizes)])
        return DistributedQuadratic((a + a.transpose(0, 2, 1)) / 2, self.b, self.name, self.info)

    def on_span(self) -> DistributedQuadratic:
        """The problem on the span of its rows and one direction beside it, r + 1 dimensions.

        In every direction beside the span all A_i are ridge I. Raises Unsupported for as many rows as columns, and for
        spans of more than 1000 dimensions.
        """
        facts = self._facts
        if not (facts.wide and facts.small and len(self.y) < FORMED):
            raise Unsupported(
                f"{self!r} has {len(self.y)} rows: a span of fewer than {FORMED} dimensions is needed"
            )
        return remembered(
            self,
            ("span",),
            lambda: DistributedQuadratic(*facts.spanned(), f"{self.name}, on the span of its rows"),
        )

    def into_span(self, x: Array) -> tuple[Array, Array]:
        """(coordinates of x on the span, (r+1,); the direction of what lies beside it, (d,), of length 1 or 0)."""
        inside = self._facts.into_span(x)
        # Beside the span every A_i is the ridge alone, so all directions there behave alike: one coordinate
        # stands for them.
        beside = x - self._facts.out_of_span(inside)
        size = float(np.linalg.norm(beside))
        if size <= 1e-12 * float(np.linalg.norm(x)):
            return np.append(inside, 0.0), np.zeros(self.d)
        return np.append(inside, size), beside / size

    def out_of_span(self, z: Array, beside: Array) -> Array:
        """The vectors (..., d) with these coordinates (..., r+1), the last along `beside`."""
        return np.asarray(self._facts.out_of_span(z[..., :-1]) + z[..., -1:] * beside)

    @property
    def hessian(self) -> Array:
        """mean A_i, (d, d)."""
        found: Array = self._formed.hessian
        return found

    @property
    def singular(self) -> bool:
        """True when the solution is a set."""
        return self.ridge == 0 and self._facts.rank() < self.d

    @property
    def projector(self) -> Array | None:
        """Orthogonal projector on range(mean A_i), None where that is everything."""
        found: Array | None = self._formed.projector
        return found

    @property
    def at_rest(self) -> DistributedQuadratic:
        """The same Hessians, but every f_i has its minimum at x*."""
        found: DistributedQuadratic = self._formed.at_rest
        return found

    @property
    def homogeneous(self) -> DistributedQuadratic:
        """The same Hessians with b = 0: gradients are linear in x."""
        found: DistributedQuadratic = self._formed.homogeneous
        return found

    def stacked(self, dtype: np.typing.DTypeLike) -> Array:
        """(d, n d): the Hessians side by side, in a precision."""
        return self._formed.stacked(dtype)

    def gradient_bytes(self, width: int) -> int:
        """What gradients in numbers of this width keep besides the problem itself: a copy of X in another precision."""
        return 0 if width == 8 else (self.X[0].size if isinstance(self.X, tuple) else self.X.size) * width

    def __repr__(self) -> str:
        return f"{self.name}(n={self.n}, d={self.d}, kappa={self.kappa:.4g})"


def _float(x: Numbers) -> Numbers:
    """Integers as floats; float32 and float64 as they are."""
    return x if x.dtype.kind == "f" else x.astype(np.float64)
