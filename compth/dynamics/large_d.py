"""The rate in high dimension from eigenvalues alone: what is left when eigenvectors are in general position.

A sketch that acts on coordinates turns second moments M into a M + Diag(c diag M) + b tr(M) I. Only the diagonal ties
it to the coordinates. Where the eigenvectors of the Hessians are as if drawn at random, the diagonal of M is nearly
constant for large d, and its mean over all rotations is known: with Q uniform on the orthogonal matrices,
    E Q' Diag(diag(Q M Q')) Q = (tr(M) I + 2 M)/(d + 2).
With this map in place of the sketch's the second moments of commuting Hessians stay diagonal in their eigenbasis: d
directions that talk to each other through one number, the trace. That is the random-matrix limit (Marchenko-Pastur for
least squares with independent rows), and the operators of this package compute it on some hundred quantiles of the
spectrum, which stand for the d eigenvalues.

How far it is from the truth at d is estimated at two small dimensions, where rotated problems with the same quantiles
have exact rates. It is an estimate: nothing here is ever more than derived, and eigenvectors that lie along the axes
(a diagonal Hessian) make it wrong.

What must stay: the standing is DERIVED at most, the error is added up from what was measured and never rounded down,
and eigenvectors that lie along the axes are said in the note.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, cast

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse.linalg import ArpackNoConvergence, LinearOperator, eigs

from compth._door import a_method, at_the_door, optional, whole
from compth._earned import Earned, kept
from compth._numbers import Number
from compth._shown import Shown
from compth._types import Numbers as Array
from compth.compressors import MomentMap
from compth.dynamics import masked
from compth.dynamics.own import assumed_of
from compth.dynamics.radii import constant_step_inputs
from compth.dynamics.spectrum import rate_of
from compth.dynamics.system import Data, Moments, Operator
from compth.dynamics.trajectory import make_system
from compth.dynamics.units import units_of
from compth.errors import InvalidParameter, Unsupported
from compth.methods import Method
from compth.problems import DistributedQuadratic

if TYPE_CHECKING:
    from compth.problems.interface import Problem


NODES = 256
"""Quantiles of the spectrum that stand for all of it; half as many say what that costs."""
SIZES = (12, 24)
"""Dimensions at which exact rates of rotated problems are held against the limit."""
DENSE, ARNOLDI = 800, 64
"""Up to so many numbers the whole matrix is formed; beyond, so many Krylov vectors."""
ROTATIONS = 4
"""Rotations of each size; the largest deviation counts."""
APART = 1e-8
"""Hessians commute where each is diagonal in one common basis up to this, relative to its size."""
LOCALISED = 3.0
"""The diagonal of A^2 may vary by this many times what random eigenvectors make of it."""


@dataclass(frozen=True)
class MarchenkoPastur:
    """Eigenvalues of X'X/m + ridge I for m independent rows of d standard numbers, d/m = ratio, both large.

    ratio above 1: fewer rows than columns, a share 1 - 1/ratio of the eigenvalues is the ridge. Quantiles are those of
    the limiting density sqrt((b - x)(x - a))/(2 pi ratio x) on [a, b] = (1 -+ sqrt(ratio))^2 (Marchenko and Pastur
    1967, recalled). Raises InvalidParameter for ratio <= 0 or ridge < 0.
    """

    ratio: float
    ridge: float = 0.0

    def __post_init__(self) -> None:
        if not 0 < self.ratio < np.inf:
            raise InvalidParameter(f"ratio={self.ratio!r} is columns over rows: give a number above 0")
        if not 0 <= self.ridge < np.inf:
            raise InvalidParameter(f"ridge={self.ridge!r} must be a number >= 0")

    def quantiles(self, share: Array) -> Array:
        """The eigenvalues below which these shares lie."""
        root = np.sqrt(self.ratio)
        a, b = (1 - root) ** 2, (1 + root) ** 2
        # x = a + (b - a) sin(t)^2 takes the square roots at both ends out of the density
        t = np.linspace(0, np.pi / 2, 20_001)
        x = a + (b - a) * np.sin(t) ** 2
        inner = (b - a) ** 2 * np.sin(2 * t) ** 2 / (4 * np.pi * self.ratio)
        density = np.divide(inner, x, out=np.zeros_like(x), where=x > 0)
        if x[0] == 0:  # ratio 1: sin(2t)^2/sin(t)^2 -> 4
            density[0] = (b - a) / (np.pi * self.ratio)
        steps = (density[1:] + density[:-1]) / 2 * np.diff(t)
        at_most = np.concatenate([[0.0], np.cumsum(steps)])
        empty = max(0.0, 1 - 1 / self.ratio)
        inside = (np.asarray(share) - empty) / (1 - empty)
        found = np.interp(inside, at_most / at_most[-1], x)
        return np.where(inside <= 0, 0.0 if empty else x[0], found) + self.ridge


@dataclass(frozen=True)
class LargeDRate(Earned, Shown):
    """rho: the factor of a round in the limit of many dimensions; error: how far the exact one is, an estimate.

    error is what exact rates at two small dimensions are off, carried to d by their own order in 1/d, plus what the
    quantiles cost. nodes: quantiles that stand for the d eigenvalues. note: what speaks against random eigenvectors.
    standing: "DERIVED", never more; "assumed" of one that was typed or changed. assumed: what was taken on a user's
    word, a line each.
    """

    WORDS = MappingProxyType({"standing": "assumed"})

    rho: float
    error: float
    d: int
    nodes: int
    note: str = ""
    standing: str = "DERIVED"
    assumed: tuple[str, ...] = ()

    def __str__(self) -> str:
        """The rate in a sentence, with what it rests on."""
        words = "".join(f"; {line}" for line in (self.note, *self.assumed) if line)
        return (
            f"rate {self.rho:.8g} a round in the limit of many dimensions, at d={self.d} off by about"
            f" {self.error:.1g} ({self.standing}, the error an estimate; eigenvectors in general position){words}"
        )


@dataclass(frozen=True)
class Quantiles(Data):
    """Data of a few directions, each for `share` of the `whole`: sketches are those of that dimension, turned.

    rotated: averaged over all rotations; False: on these few coordinates as they are, the trace alone scaled.
    """

    whole: int = field(default=0, kw_only=True)
    rotated: bool = field(default=True, kw_only=True)
    share: float = field(default=1.0, kw_only=True)

    def law(self, m: MomentMap) -> MomentMap:
        """What the sketch at the whole dimension does to the second moments of the few."""
        # A sketch's c Diag(diag M) at the whole dimension: on rotated coordinates its mean is (tr M I + 2
        # M)/(d + 2), a scalar part and a trace part; the few stand for `share` each, which the trace counts.
        if not self.rotated:
            return MomentMap(m.a, float(np.mean(np.asarray(m.c, dtype=float))), float(m.b) * self.share)
        c = float(np.mean(np.asarray(m.c, dtype=float))) / (self.whole + 2)
        return MomentMap(float(m.a) + 2 * c, 0, (float(m.b) + c) * self.share)


@at_the_door(method=a_method, d=optional(whole(1, 10**12)), n=whole(1, 10**6))
def large_d_rate(
    method: Method,
    spectrum: Problem | ArrayLike | MarchenkoPastur,
    *,
    d: int | None = None,
    n: int = 1,
    nodes: int = NODES,
) -> LargeDRate:
    """The factor of E||x_t - x*||^2 a round for Hessians with these eigenvalues and eigenvectors in general position.

    spectrum: a problem whose Hessians commute (its eigenvalues are used, and its step as in simulate); or an array of
    eigenvalues, or `MarchenkoPastur(ratio)` with d, of the one Hessian of all n workers (then the method needs
    gamma=...). The cost does not depend on d. See `LargeDRate` for what it is worth. Raises Unsupported where Hessians
    do not commute or the method has no closed second moments, InvalidParameter for eigenvalues below 0.
    """
    _can(method, nodes)
    problem = cast("Problem", spectrum) if hasattr(spectrum, "gradients_at_star") else None
    if problem is not None:
        # Eigenvalues alone stay of a problem; its step is the one that a simulated run has.
        values, gamma, params, note = _of_problem(method, problem)
        whole_d = int(problem.d)
    else:
        values, whole_d = _of_values(spectrum, d, n, nodes)
        gamma, params, note = *_given(method, values, whole_d), ""
    count = min(nodes, whole_d)

    found = _Limit(method, whole_d, gamma, params)
    # A quantile in the middle of many has neighbours that a share of its trace goes to; the extreme
    # directions are looked at alone too, since averaging them into a quantile would lower rho.
    edge = found.alone(values)
    rho, coarse = (max(edge, found(means_of_equal_shares(values, k))) for k in (count, max(count // 2, 1)))
    # Two errors: of the limit itself, and of the quantiles that stand for the spectrum, seen by halving them.
    error = found.off(values) + abs(rho - coarse) * (count < whole_d)
    assumed = () if problem is None else assumed_of(method, problem)
    return kept(LargeDRate(rho, error, whole_d, count, note, assumed=assumed))


def _can(method: Method, nodes: int) -> None:
    """Refuse what has no limit of many dimensions: masked models, stochastic gradients, fewer than two nodes."""
    if isinstance(nodes, bool) or not isinstance(nodes, int | np.integer) or nodes < 2:
        raise InvalidParameter(f"nodes={nodes!r} must be a whole number >= 2")
    if masked.fits(method):
        raise Unsupported(
            f"{method.label} masks the model: it has no limit of many dimensions, ask exact_rate"
        )
    if method.estimator is not None and not method.estimator.exact:
        raise Unsupported(f"{method.label}: the noise of stochastic gradients is not known from eigenvalues")


def means_of_equal_shares(values: Array, count: int) -> Array:
    """(n, d) eigenvalues as (n, count) means over equal shares of them, in order: their sum is kept."""
    whole = values.shape[1]
    if count >= whole:
        return values
    # Means over equal shares, from the interpolated cumulative sum: traces stay what they were, also where
    # the count divides no whole number of eigenvalues.
    sums = np.concatenate([np.zeros((len(values), 1)), np.cumsum(values, axis=1)], axis=1)
    ends = np.linspace(0, whole, count + 1)
    at = np.stack([np.interp(ends, np.arange(whole + 1), row) for row in sums])
    return np.asarray(np.diff(at, axis=1) * (count / whole))


@dataclass(frozen=True)
class _Limit:
    """The limit's rate of a method at a step, for any few eigenvalues that stand for `whole` dimensions."""

    method: Method
    whole: int
    gamma: Number
    params: Mapping[str, Number]

    def __call__(self, values: Array) -> float:
        """The radius on diagonal second moments; the means' own where they drive the second moments."""
        return self._radius(self.data(values))

    def alone(self, values: Array) -> float:
        """The largest that single directions reach, with what they hear of themselves."""
        return max(self._radius(self.data(values[:, [j]], share=1.0)) for j in (0, -1))

    def _radius(self, data: Data) -> float:
        """The radius of the linear part on diagonal moments."""
        linear = make_system(self.method, data, self.gamma, self.params, affine=False)
        return _Diagonal(linear).radius()

    def exact(self, values: Array, turn: Array) -> float:
        """The exact rate of these few directions, their eigenvectors the columns of turn."""
        return float(rate_of(self.method, self.data(values, turn), self.gamma, self.params).rho_noise)

    def data(self, values: Array, turn: Array | None = None, share: float | None = None) -> Quantiles:
        """The Hessians with these eigenvalues: diagonal in the limit, turned where a small problem is to be exact."""
        n, few = values.shape
        basis = np.eye(few) if turn is None else turn
        a = np.einsum("ij,kj,lj->ikl", values, basis, basis)
        # Directions of eigenvalue 0 in all workers are the kernel, where the distance is not measured.
        zero = values.mean(axis=0) <= 0
        projector = (basis * ~zero) @ basis.T if zero.any() else None
        at = np.zeros(few)
        share = self.whole / few if share is None else share
        s = np.zeros((n, few))
        return Quantiles(
            a, s, a.mean(axis=0), projector, at, whole=self.whole, rotated=turn is None, share=share
        )

    def off(self, values: Array) -> float:
        """How far the limit is from the exact rate at d: by their distance at SIZES and its order in 1/d (1/2 to 1)."""
        rng, apart = np.random.default_rng(2718), []
        for size in SIZES:
            few = means_of_equal_shares(values, min(size, values.shape[1]))
            there = self(few)
            turns = [np.linalg.qr(rng.standard_normal((few.shape[1],) * 2))[0] for _ in range(ROTATIONS)]
            apart.append(max(abs(self.exact(few, q) - there) for q in turns))
        # The order in 1/d from two sizes, held between 1/2 (fluctuations of a diagonal) and 1 (the mean's
        # bias): two sizes with noise could suggest any order, and a larger one would promise too much at d.
        small, large = apart
        order = float(np.clip(np.log2(small / large), 0.5, 1.0)) if large > 0 and small > 0 else 1.0
        return float(large * (SIZES[1] / self.whole) ** order)


class _Diagonal:
    """An operator on moments that are diagonal in every block: K^2 + n M K + n M^2 numbers a direction."""

    def __init__(self, linear: Operator) -> None:
        """Of a linear operator whose Hessians and maps keep moments diagonal in every block."""
        self.linear, self.units = linear, units_of(linear)
        self.d, self.K, self.M, self.n = linear.data.d, linear.K, linear.M, linear.data.n
        common = self.units.common
        self.shapes: list[tuple[int, ...]] = [(self.K, self.K, self.d)]
        self.sizes: list[Array] = [np.multiply.outer(common, common)]
        own = self.units.memory
        if self.M and own is not None:
            self.shapes += [(self.n, self.M, self.K, self.d), (self.n, self.M, self.M, self.d)]
            self.sizes += [own[:, :, None] * common, own[:, :, None] * own[:, None, :]]
        self.ends = np.cumsum([0, *(int(np.prod(s)) for s in self.shapes)])

    def moments(self, v: Array) -> Moments:
        """The numbers as moments."""
        parts = [
            v[a:b].reshape(shape) * size[..., None]
            for a, b, shape, size in zip(self.ends, self.ends[1:], self.shapes, self.sizes, strict=False)
        ]
        wide = [_spread(part) for part in parts]
        return Moments(*wide)

    def numbers(self, m: Moments) -> Array:
        """The moments as numbers, in natural units."""
        blocks = [m.C] if m.D is None or m.E is None else [m.C, m.D, m.E]
        parts = [
            _diagonals(block, self.d) / size[..., None]
            for block, size in zip(blocks, self.sizes, strict=True)
        ]
        return np.concatenate([part.ravel() for part in parts])

    def apply(self, v: Array) -> Array:
        """One step."""
        return self.numbers(self.linear(self.moments(v)))

    def radius(self) -> float:
        """The largest eigenvalue: of the whole matrix where it is small, else by Arnoldi's iteration."""
        size = int(self.ends[-1])
        if size <= DENSE:
            # Diagonal moments: K^2 + n M K + n M^2 numbers a direction, tied by their trace alone.
            matrix = np.stack([self.apply(e) for e in np.eye(size)], axis=1)
            return float(np.abs(np.linalg.eigvals(matrix)).max())
        operator = LinearOperator((size, size), matvec=self.apply, dtype=float)
        start = self.numbers(self.linear.interior(self.units.common, self.units.memory))
        try:
            found = eigs(operator, k=1, v0=start, ncv=ARNOLDI, tol=1e-10, return_eigenvectors=False)
        except ArpackNoConvergence as never:
            raise Unsupported("the limit's rate could not be found: fewer nodes=... may do") from never
        return float(np.abs(found).max())


def _spread(part: Array) -> Array:
    """(..., a, b, d) diagonals as (..., a d, b d) blocks."""
    *lead, a, b, d = part.shape
    out = np.zeros((*lead, a, d, b, d))
    at = np.arange(d)
    out[..., :, at, :, at] = np.moveaxis(part, -1, 0)
    return out.reshape(*lead, a * d, b * d)


def _diagonals(block: Array, d: int) -> Array:
    """(..., a d, b d) blocks as their (..., a, b, d) diagonals."""
    *lead, tall, wide = block.shape
    split = block.reshape(*lead, tall // d, d, wide // d, d)
    return np.asarray(np.einsum("...ajbj->...abj", split))


def _of_problem(method: Method, problem: Problem) -> tuple[Array, Number, Mapping[str, Number], str]:
    """(eigenvalues (n, d), step, parameters, what speaks against random eigenvectors)."""
    data, gamma, params = constant_step_inputs(method, problem)
    # A random positive mixture has the common eigenvectors of commuting matrices, and by chance alone a
    # double eigenvalue that none of them has; whether they commute is then checked on each.
    mixed = np.tensordot(np.random.default_rng(31).uniform(1, 2, data.n), data.A, axes=1)
    basis = np.linalg.eigh(mixed)[1]
    turned = np.matmul(basis.T, np.matmul(data.A, basis))
    values = np.einsum("ijj->ij", turned).copy()
    rest = np.abs(turned - values[:, :, None] * np.eye(data.d)).max(axis=(1, 2))
    if np.any(rest > APART * np.abs(values).max()):
        raise Unsupported(
            "the Hessians do not commute: the limit of many dimensions is that of common eigenvectors; ask exact_rate"
        )
    values[np.abs(values) <= 1e-12 * np.abs(values).max()] = 0.0
    values = values[:, np.argsort(values.mean(axis=0), kind="stable")]
    return values, gamma, params, _localised(data, values)


def _localised(data: Data, values: Array) -> str:
    """A line where the diagonal of A^2 varies more over the coordinates than random eigenvectors make it."""
    # The diagonal of A^2 varies over the coordinates by sqrt(2/(d+2)) of the spread of the squares where the
    # eigenvectors are uniform. A diagonal Hessian has all of the spread.
    squares = (values.mean(axis=0)) ** 2
    found = np.std(np.einsum("jk,jk->j", data.mean, data.mean))
    usual = np.sqrt(2.0 / (data.d + 2)) * np.std(squares)
    if found <= LOCALISED * usual + 1e-12 * squares.max():
        return ""
    return (
        f"the diagonal of A^2 varies {found / max(usual, 1e-300):.3g} times as much as random eigenvectors make it:"
        " this rate may be far off"
    )


def _of_values(spectrum: object, d: int | None, n: int, nodes: int) -> tuple[Array, int]:
    """(eigenvalues (n, .), the dimension they stand for)."""
    if isinstance(spectrum, MarchenkoPastur):
        if d is None:
            raise InvalidParameter("d=None: say how many dimensions the spectrum stands for: d=...")
        fine = min(d, max(8 * nodes, 1024))
        one = spectrum.quantiles((np.arange(fine) + 0.5) / fine)
    else:
        one = np.asarray(spectrum, dtype=float)
        if one.ndim != 1 or not len(one) or not np.all(np.isfinite(one)) or one.min() < 0 or one.max() <= 0:
            raise InvalidParameter(
                f"spectrum={spectrum!r}: give a problem, finite eigenvalues >= 0 that are not all 0, or MarchenkoPastur"
            )
        d = len(one) if d is None else d
    return np.tile(np.sort(one), (n, 1)), int(d)


class _At:
    """A problem's constants at another dimension."""

    def __init__(self, problem: DistributedQuadratic, d: int) -> None:
        """The problem whose constants are asked, and the dimension that it is shown at."""
        self._problem, self.d = problem, d

    def __getattr__(self, name: str) -> object:
        """Everything but the dimension is that of the problem."""
        return getattr(self._problem, name)


def _given(method: Method, values: Array, whole_d: int) -> tuple[Number, Mapping[str, Number]]:
    """The method's own step and parameters: eigenvalues alone have no theorem."""
    if method.gamma is None:
        raise InvalidParameter(f"{method.label} has no step: eigenvalues alone need gamma=...")
    few = means_of_equal_shares(values, min(SIZES[1], values.shape[1]))
    small = DistributedQuadratic(np.stack([np.diag(v) for v in few]), np.zeros_like(few))
    plan = method.unplanned(method.check(cast("Problem", _At(small, whole_d))), "")
    return plan.gamma, {**plan.params, **method.given()}


__all__ = ["LargeDRate", "MarchenkoPastur", "large_d_rate", "means_of_equal_shares"]
