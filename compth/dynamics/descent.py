"""The minimum of the largest of a few smooth functions of one number, from as few values as it takes.

`seen` holds the values of every function at the points that were asked; `f` asks for 1 + the largest of them.

Whoever calls gives the noise of its values implicitly (ROUNDING): below it differences are flat. The searches are
invariant under scaling of gamma and of 1 - rho; they ask for no value twice that `seen` holds.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import combinations

import numpy as np
from numpy.polynomial import Polynomial

from compth._types import Numbers as Array

FAR = float(np.log(1e12))
"""How far from the start is looked."""
STEP = float(np.log(2))
"""How far apart, in log gamma, a valley is looked for."""
FLAT = 1e-9
"""Where rho differs by less across the width of a search, it is flat."""
DESCENT = 20
"""Most steps down a valley; a step that the curves misjudge is followed by one from closer by."""
SMOOTH = 1e-4
"""How well curves through smooth branches foretell a value, relative to how far theirs lie apart."""
ROUNDING = 2e-10
"""How well values are known, relative to |1 - rho|."""
CLOSE = 1e-2
"""Where the vertices of a parabola and a quartic are this close, in spacings of the points, the quartic's is taken."""


def valley(
    rho: Callable[[float], float], start: float, least: Callable[[float], float] = lambda u: 0.0
) -> float:
    """u with rho(u) < 1 lower than at u -+ log 2; LookupError when there is none. least: a cheap lower bound of rho."""
    seen: dict[int, float] = {}

    def at(k: int) -> float:
        """rho - 1 at k factors of two from the start, asked once; LookupError too far out."""
        if k not in seen:
            if abs(k) * STEP > FAR:
                raise LookupError(k)
            seen[k] = _digits(rho(start + k * STEP))
        return seen[k]

    def lower(k: int, other: int) -> bool:
        """rho at k is lower than at the other."""
        bound = -1.0 if other in seen else least(start + other * STEP) - 1
        return at(k) < bound * (1 + FLAT) - ROUNDING or at(k) < at(other)

    # By factors of two to a step below both of its neighbours; the cheap lower bound spares the search on the
    # side where the mean alone is already too slow or diverges.
    k = 0
    while lower(k + 1, k):
        k += 1
    while not (at(k) < 0 and (lower(k, k - 1) or at(k) == at(k - 1))):
        k -= 1
    return start + k * STEP


def minimum_by_parabolas(f: Callable[[float], float], seen: dict[float, Array], u: float, h: float) -> float:
    """Within h of the minimum near u, by the branches' parabolas there.

    Where these foretell little, by the crossing of the lines through the points on either side, or by halves. Ends
    only once both sides have been seen to rise from close by.
    """
    lines, before = False, np.inf
    for _ in range(DESCENT):
        # Parabolas of each branch through three points, then their lowest crossing or vertex; a bracket that
        # hardly shrank is halved, so that the search ends whatever the curves say.
        left, right = _sides(seen, u)
        after = _crossed(seen, left, right) if lines else _lowest(seen, (left, u, right), (left, right))
        if right - left > 0.8 * before:
            after = (left + u) / 2 if u - left > right - u else (u + right) / 2
        if abs(after - u) < h:
            if max(u - left, right - u) <= 3 * h:
                return after
            after = u - 2 * h if u - left > right - u else u + 2 * h
        # A proposal on top of a known point tells nothing: it is kept off the ends.
        edge = min((right - left) / 20, h)
        after = min(max(after, left + edge), right - edge)
        foretold = max(line(after) for line in _curves(seen, (left, u, right)))
        value, best, before = f(after) - 1, float(seen[u].max()), right - left
        lines = not lines and abs(value - foretold) > 0.5 * abs(best - foretold)
        u = after if value <= best else u
    return u


def _sides(seen: dict[float, Array], u: float) -> tuple[float, float]:
    """The nearest points on either side of u."""
    return max((v for v in seen if v < u), default=u - 1), min((v for v in seen if v > u), default=u + 1)


def _crossed(seen: dict[float, Array], left: float, right: float) -> float:
    """Where the lines through the two points up to `left` and the two from `right` on cross, else the middle."""
    points = sorted(seen)
    i, j = points.index(left), points.index(right)
    if i > 0 and j + 1 < len(points):
        (a, b), (c, d) = points[i - 1 : i + 1], points[j : j + 2]
        fall, rise = ((seen[y].max() - seen[x].max()) / (y - x) for x, y in ((a, b), (c, d)))
        if fall < 0 < rise:
            at = (seen[right].max() - seen[left].max() + fall * left - rise * right) / (fall - rise)
            return float(min(max(at, left), right))
    return (left + right) / 2


def floor(
    f: Callable[[float], float], seen: dict[float, Array], u: float, h: float
) -> tuple[float, bool, float]:
    """The minimum from the branches' values around u, whether f rises to both sides, and 0, or how near it surely is.

    Each branch is smooth, so that curves through some values say where its own floor is and where two of them cross.
    From closer by where three values and five say different things; what f is there must be what the curves say.
    """
    rises = False
    for _ in range(12):
        points = [u + k * h for k in (-2, -1, 0, 1, 2)]
        values = np.array([f(v) - 1 for v in points])
        at, plain = (_lowest(seen, some, (points[0], points[4])) for some in (points, points[1:4]))
        rises = rises or bool(min(values[0], values[4]) - values.min() > FLAT * abs(values.min()))
        if abs(at - u) > 1.5 * h:
            u = at
        elif abs(at - plain) > CLOSE * h and _above_rounding(values):
            u, h = at, h / 8
        else:
            # What the curves say must be found: a branch that was missed between the points shows here.
            expected = max(line(at) for line in _curves(seen, points))
            found = f(at) - 1
            told = not _above_rounding(values) or abs(found - expected) <= SMOOTH * (
                values.max() - values.min()
            ) + ROUNDING * abs(found)
            return at, rises, 0.0 if told else h
    return u, rises, h


def _above_rounding(values: Array) -> bool:
    """True when rho - 1 would differ by more than rounding also from eight times as close by."""
    return bool(values.max() - values.min() > 64 * 10 * ROUNDING * abs(values.min()))


def _curves(seen: dict[float, Array], points: Sequence[float]) -> list[Polynomial]:
    """The branches' polynomials through these points."""
    return [Polynomial.fit(points, v, len(points) - 1) for v in np.array([seen[u] for u in points]).T]


def _lowest(seen: dict[float, Array], points: Sequence[float], ends: tuple[float, float]) -> float:
    """Where the largest of the branches' polynomials through these points is least between the ends."""
    lines = _curves(seen, points)
    turns = [line.deriv() for line in lines] + [a - b for a, b in combinations(lines, 2)]
    roots = np.concatenate([np.atleast_1d(t.roots()) for t in turns])
    inner = roots.real[(np.abs(roots.imag) < 1e-9) & (roots.real > ends[0]) & (roots.real < ends[1])]
    return float(min((*inner.tolist(), *ends), key=lambda v: max(line(v) for line in lines)))


def leftmost(f: Callable[[float], float], u: float, h: float) -> tuple[float, bool]:
    """(the smallest minimum, True) where f is flat around u, (u, False) where it rises to both sides."""
    level = f(u)
    level += FLAT * abs(1 - level)
    low = u - h
    if f(low) > level and f(u + h) > level:
        return u, False
    while f(low) <= level:
        u, low, h = low, low - 2 * h, 2 * h
        if h > FAR:
            return u, False
    while u - low > 1e-9:
        middle = (low + u) / 2
        low, u = (low, middle) if f(middle) <= level else (middle, u)
    return u, True


def minimum_by_fit(f: Callable[[float], float], u: float, h: float) -> tuple[float, bool]:
    """The minimum from values around u, and whether f rises to both sides of it.

    It is the vertex of a curve through the values, or where two branches of rho cross.
    A branch is carried on by the line through its two outer points. From closer by where the crossing is lower than the
    vertex, or the vertices of a parabola and of a quartic differ.
    """
    rises = False
    for _ in range(8):
        values = np.array([f(u + k * h) for k in (-2, -1, 0, 1, 2)])
        plain, curved = (u + h * v for v in _vertices(values))
        rises = rises or min(values[0], values[4]) - values.min() > FLAT * abs(1 - values.min())
        fall, rise = values[1] - values[0], values[4] - values[3]
        cross = curved
        if fall < 0 < rise:
            # left + fall (x + 1) = right + rise (x - 1), x in units of h from u
            cross = u + h * float(np.clip((values[3] - values[1] - rise - fall) / (fall - rise), -1, 1))
        if cross != curved and f(cross) < f(curved):
            u, h = cross, h / 16
        elif abs(curved - u) > 0.9 * h:  # the minimum lies further out
            u = curved
        elif abs(plain - curved) <= CLOSE * h or not _above_rounding(values - 1):
            return curved, rises
        else:
            u, h = curved, h / 8
    return u, rises


def _vertices(values: Array) -> tuple[float, float]:
    """Minima in [-1, 1] of the parabola through the inner three of five values at -2..2, and of the quartic."""
    left, middle, right = values[1:4]
    # Through three points a parabola, through five a quartic: where both vertices agree the values are on a
    # smooth piece, and the quartic's is taken.
    bend = left - 2 * middle + right
    if not bend > 0:  # no vertex here: on towards the lower side
        return (float(np.sign(left - right)),) * 2
    plain = float(np.clip((left - right) / (2 * bend), -1, 1))
    slope = np.polynomial.Polynomial.fit(np.arange(-2, 3), values, 4, domain=[-1, 1], window=[-1, 1]).deriv()
    roots = [float(r.real) for r in slope.roots() if abs(r.imag) < 1e-9 and abs(r.real) <= 1]
    return plain, min(roots, key=lambda r: abs(r - plain), default=plain)


def _digits(rho: float) -> float:
    """rho - 1 to nine digits: what differs by rounding is flat."""
    return float(f"{rho - 1:.8e}")
