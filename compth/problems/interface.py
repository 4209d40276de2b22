"""What a problem is to the rest of the package: the least that every room asks of it, and what some have besides.

A problem of one's own need not inherit from anything: it offers what `Problem` lists. Methods, the simulation and the
theorems ask for no more; the exact dynamics need the matrices of a `Quadratic`, stochastic oracles the `Components`
of a finite sum, and methods that split f among workers `Workers`. Whether a problem has them is asked here alone, of
the object: a view of a problem (through an oracle) has what the problem behind it has.
"""

from __future__ import annotations

from typing import Protocol, TypeGuard

from compth._types import Array
from compth.errors import Unsupported


class Problem(Protocol):
    """f = mean of f_1, ..., f_n on R^d, with a minimiser and the constants that theorems speak of."""

    @property
    def n(self) -> int:
        """Workers."""

    @property
    def d(self) -> int:
        """Dimension."""

    @property
    def L(self) -> float:
        """Smoothness of f, inf where there is none."""

    @property
    def L_i(self) -> Array:
        """Smoothness of each f_i, (n,)."""

    @property
    def L_max(self) -> float:
        """The largest L_i."""

    @property
    def L_plus(self) -> float:
        """mean||grad f_i(x) - grad f_i(y)||^2 <= L_plus^2 ||x - y||^2."""

    @property
    def L_pm(self) -> float:
        """The same of the differences' variance over the workers."""

    @property
    def mu(self) -> float:
        """Strong convexity of f (quadratic growth where the solution is a set), 0 without."""

    @property
    def mu_min(self) -> float:
        """Strong convexity that every f_i has, 0 without."""

    @property
    def convex(self) -> bool:
        """True when every f_i is convex."""

    @property
    def x_star(self) -> Array:
        """A minimiser of f, (d,)."""

    @property
    def f_star(self) -> float:
        """The minimum of f."""

    @property
    def gradients_at_star(self) -> Array:
        """grad f_i(x*), (n, d)."""

    @property
    def zeta2_star(self) -> float:
        """mean||grad f_i(x*)||^2."""

    @property
    def interpolation(self) -> bool:
        """True when all f_i share a minimiser."""

    @property
    def heterogeneity(self) -> float:
        """f* - mean f_i*: how far the f_i's own minima are below the common one."""

    @property
    def start(self) -> Array:
        """Where runs begin that are told nothing else, (d,)."""

    def gradients(self, x: Array) -> Array:
        """grad f_i(x), (..., d) -> (..., n, d)."""

    def gradient(self, x: Array) -> Array:
        """grad f(x), (..., d) -> (..., d)."""

    def value(self, x: Array) -> Array:
        """f(x), (..., d) -> (...)."""

    def gap(self, x: Array) -> Array:
        """f(x) - f*, (..., d) -> (...)."""

    def distance_squared(self, x: Array) -> Array:
        """Squared distance to the solution set, (..., d) -> (...)."""

    def measures(self, x: Array) -> Array:
        """Squared distance, gap and squared gradient norm, (R, d) -> (3, R)."""


class Quadratic(Problem, Protocol):
    """f_i(x) = x'A_i x/2 - b_i'x: second moments of linear methods close on it."""

    @property
    def A(self) -> Array:
        """Hessians, (n, d, d)."""

    @property
    def b(self) -> Array:
        """(n, d)."""

    @property
    def hessian(self) -> Array:
        """mean A_i, (d, d)."""

    @property
    def kappa(self) -> float:
        """L / mu."""

    @property
    def singular(self) -> bool:
        """True when the solution is a set."""

    @property
    def projector(self) -> Array | None:
        """Orthogonal projector on range(mean A_i), None where that is everything."""

    @property
    def at_rest(self) -> Quadratic:
        """The same Hessians, every f_i minimal at x*: no gradient there."""

    def stacked(self, dtype: type[object]) -> Array:
        """(d, n d): the Hessians side by side, in a precision."""

    def gradients_at(self, points: Array) -> Array:
        """grad f_i at a point of its own each, (..., n, d) -> (..., n, d)."""


class Components(Quadratic, Protocol):
    """f_i = mean of m components f_ij: what stochastic oracles sample from."""

    @property
    def m(self) -> int:
        """Components a worker."""

    @property
    def parts(self) -> Array:
        """Hessians, (n, m, d, d)."""

    @property
    def offsets(self) -> Array:
        """(n, m, d)."""

    @property
    def L_ij(self) -> Array:
        """Smoothness of each f_ij, (n, m)."""

    @property
    def L_part(self) -> float:
        """The largest L_ij."""

    @property
    def parts_convex(self) -> bool:
        """True when every f_ij is convex."""

    @property
    def parts_at_star(self) -> Array:
        """grad f_ij(x*), (n, m, d)."""

    def part_gradients(self, x: Array) -> Array:
        """grad f_ij(x), (..., d) -> (..., n, m, d)."""


class Workers(Quadratic, Protocol):
    """A sum that can be dealt out anew: every component a worker."""

    def as_workers(self) -> Quadratic:
        """n m workers, each with one component."""

    def flat(self) -> Components:
        """One worker that holds all n m components."""


def is_quadratic(problem: object) -> TypeGuard[Quadratic]:
    """True for a problem that has its Hessians."""
    # Of the object and not of its class: rows have Hessians only where they are small, and views answer for
    # what is behind.
    return getattr(problem, "A", None) is not None


def has_components(problem: object) -> TypeGuard[Components]:
    """True for a problem whose f_i are sums themselves."""
    return hasattr(problem, "parts")


def without_hessians(problem: object) -> str:
    """Why a problem has no Hessians, with the remedy where there is one."""
    if hasattr(problem, "dense"):
        return (
            f"{problem!r} is held by its rows, its Hessians are not formed at this size (.dense() forms them)"
        )
    return f"{problem!r} is not quadratic"


def as_quadratic(problem: Problem) -> Quadratic:
    """The problem, known to have its Hessians. Raises Unsupported."""
    if not is_quadratic(problem):
        raise Unsupported(f"{without_hessians(problem)}: its Hessians are needed here")
    return problem


def as_components(problem: Problem) -> Components:
    """The problem, known to have components. Raises Unsupported, with the remedy."""
    if not has_components(problem):
        raise Unsupported(f"{problem!r} has no components: use a FiniteSum, e.g. ridge(..., components=20)")
    return problem


def has_workers(problem: object) -> TypeGuard[Workers]:
    """True for a problem whose components can be its workers."""
    return hasattr(problem, "as_workers")
