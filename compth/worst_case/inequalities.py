"""What is known of functions and compressors of a class, as forms that are >= 0."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from itertools import permutations

from compth._numbers import Number
from compth.worst_case.model import Form, Space, Vector, plus

ONE = 1
CLASS_A = "every f_i is L-smooth and mu-strongly convex"
SHARED = "all f_i have the same minimiser"
INDEPENDENT = "workers compress independently"
OF_ITS_OWN = "the broadcast is compressed by a draw of its own"
LATER = "from the second round on: what compressors that send all leave behind them is 0 by then"
Point = tuple[Vector, Vector, str]
"""x, gradient, block of f - f*."""


def strongly_monotone(space: Space, dx: Vector, dg: Vector, mu: Number, L: Number) -> Form:
    """mean (L+mu) <dg, dx> - |dg|^2 - L mu |dx|^2 >= 0: the two interpolation inequalities of a pair."""
    return space.total((-ONE, dg, dg), (L + mu, dg, dx), (-L * mu, dx, dx))


def contraction(space: Space, u: Vector, c: Vector, square: Number) -> Form:
    """square mean|u|^2 - mean|c - u|^2 >= 0."""
    off = plus((1, c), (-1, u))
    return space.total((square, u, u), (-ONE, off, off))


def interpolation(
    space: Space, points: Mapping[str, Point], mu: Number, L: Number
) -> dict[str, Callable[[], Form]]:
    """The interpolation inequalities of all ordered pairs of points, times 2(L - mu), averaged over workers.

    2(L-mu)(f_i - f_j - <g_j, dx>) - |dg|^2 - L mu |dx|^2 + 2 mu <dg, dx> >= 0.
    """
    scale = 2 * (L - mu)

    def form(i: Point, j: Point) -> Form:
        (xi, gi, fi), (xj, gj, fj) = i, j
        dx, dg = plus((1, xi), (-1, xj)), plus((1, gi), (-1, gj))
        gaps = {f: ((c,),) for c, f in ((scale, fi), (-scale, fj)) if f}
        slope = plus((2 * mu, dg), (-scale, gj), (-L * mu, dx))
        return {**gaps, **space.total((-ONE, dg, dg), (ONE, slope, dx))}

    return {f"f({i}) >= f({j})": partial(form, points[i], points[j]) for i, j in permutations(points, 2)}
