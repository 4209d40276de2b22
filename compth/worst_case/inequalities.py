"""What is known of functions and compressors of a class, as forms that are >= 0.

Each is averaged over the workers, which is all that a V symmetric in them can use. A form added here widens what can
be proved of every method: it must hold for every function or compressor of the class, for every n.
"""

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
    # Adding both interpolation inequalities of a pair cancels f_i - f_j and leaves |dg|^2 + L mu |dx|^2 <= (L
    # + mu) <dg, dx>: co-coercivity of f - mu/2 |x|^2 (Nesterov 2018, theorem 2.1.12).
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
    # Taylor, Hendrickx, Glineur (2017): a finite set of points, gradients and values is that of an L-smooth
    # and mu-strongly convex function if and only if the inequality holds for every ordered pair. Times 2(L -
    # mu) it has no denominator, so that mu = L leaves it finite (and blind to the values).
    scale = 2 * (L - mu)

    def form(i: Point, j: Point) -> Form:
        (xi, gi, fi), (xj, gj, fj) = i, j
        dx, dg = plus((1, xi), (-1, xj)), plus((1, gi), (-1, gj))
        gaps = {f: ((c,),) for c, f in ((scale, fi), (-scale, fj)) if f}
        # <dx, 2 mu dg - 2(L-mu) g_j - L mu dx> - |dg|^2: all that multiplies dx in one product.
        slope = plus((2 * mu, dg), (-scale, gj), (-L * mu, dx))
        return {**gaps, **space.total((-ONE, dg, dg), (ONE, slope, dx))}

    return {f"f({i}) >= f({j})": partial(form, points[i], points[j]) for i, j in permutations(points, 2)}
