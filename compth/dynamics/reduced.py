"""Few rows in many dimensions: exact dynamics on the span of the rows and one direction beside it, where that is exact.

Least squares of m rows has A_i = (something on the span of the rows) + ridge I. A message law whose second moments are
multiples, M -> a M for each worker and each pair, treats all directions alike: the span and its complement never mix,
and on the complement every direction, and every pair of directions, moves as the same scalar does. So rates and
stationary moments are those of the span and one more coordinate, in whatever dimension. A law that sees coordinates
(Rand-K, sketches: M -> a M + c Diag(M)) or the trace (M -> a M + b tr(M) I) does mix them, and is refused.
"""

from __future__ import annotations

from typing import Protocol, TypeGuard

import numpy as np

from compth._types import Array
from compth.compressors.identity import Identity
from compth.dynamics.system import Data, data_of
from compth.errors import CompthError, Unsupported
from compth.methods import Method
from compth.methods.core.body import BodyMethod, runs_its_body
from compth.problems.interface import Problem, Quadratic, is_quadratic, without_hessians


class Spanned(Problem, Protocol):
    """A problem of few rows in many dimensions, which can be looked at on the span of its rows."""

    def on_span(self) -> Quadratic:
        """The problem on the span and one direction beside it."""

    def into_span(self, x: Array) -> tuple[Array, Array]:
        """(coordinates of x on the span, the direction of what lies beside it)."""

    def out_of_span(self, z: Array, beside: Array) -> Array:
        """The vectors with these coordinates, the last along `beside`."""


def has_span(problem: object) -> TypeGuard[Spanned]:
    """True for a problem that can be looked at on the span of its rows."""
    return hasattr(problem, "on_span") and hasattr(problem, "into_span")


def dynamics_data(method: Method, problem: Problem) -> Data:
    """The problem's matrices as the method sees them; on the span of its rows where they are not formed.

    Raises Unsupported where neither is exact.
    """
    return data_of(dynamics_problem(method, problem))


def dynamics_problem(method: Method, problem: Problem) -> Problem:
    """The problem as the method sees it, on the span of its rows where its Hessians are not formed."""
    seen = method.seen(problem)
    if is_quadratic(seen) or not has_span(seen):
        return seen
    reason = mixes(method, seen.n, seen.d)
    if reason:
        raise Unsupported(f"{without_hessians(seen)}, and {reason}: simulate it")
    span = seen.on_span()
    if _law(method, seen.n, span.d) != _law(method, seen.n, seen.d):
        raise Unsupported(
            f"{without_hessians(seen)}, and the law of {method.fleet.label} depends on the dimension: simulate it"
        )
    return span


def _law(method: Method, n: int, d: int) -> object:
    """Mean factors and what messages make of second moments M (multiples of M, Diag(M), tr(M) I); None for none at d.

    On the span they are read at its dimension: Rand-K of all entries is the identity at d, and something else there.
    """
    try:
        moments = method.fleet.linear_moments(n, d)
    except CompthError:
        return None
    return moments and [
        (f, *((m.a, bool(np.any(np.asarray(m.c, dtype=float))), m.b) for m in (noise.own, noise.cross)))
        for f, noise in moments
    ]


def mixes(method: Method, n: int, d: int) -> str:
    """ "" where the method moves every direction by one law; else what tells directions apart."""
    if not isinstance(method, BodyMethod) or not runs_its_body(type(method)):
        return f"{type(method).__name__} has a step of its own, which may tell directions apart"
    if method.estimator is not None:
        return "stochastic gradients need the components' Hessians"
    if not isinstance(getattr(method, "downlink", None) or Identity(), Identity):
        return "the broadcast is compressed"
    moments = method.fleet.linear_moments(n, d)
    if moments is None:
        return f"{method.fleet.label} is no linear sketch"
    maps = [part for _, noise in moments for part in (noise.own, noise.cross)]
    alike = all(np.all(np.asarray(m.c, dtype=float) == 0) and m.b == 0 for m in maps)
    return (
        ""
        if alike
        else f"{method.fleet.label} tells directions apart: the span of the rows mixes with the rest"
    )
