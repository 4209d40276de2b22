"""The largest mean-square-stable step and the best step, each with a bracket."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np
from numpy.polynomial import Polynomial
from scipy.optimize import brentq

from compth._door import a_method, a_problem, at_the_door
from compth.dynamics import enumerated, masked, stein
from compth.dynamics.along import EnumeratedRateAt, RateAt
from compth.dynamics.spectrum import ExactRate
from compth.dynamics.system import data_of
from compth.dynamics.trajectory import make_system
from compth.errors import Unsupported
from compth.methods import Method, Plan

Array = Any
FAR = 1e12
"""Steps beyond this many times 1/L, or below that fraction of it, are not looked at."""
SHARP, SHARPEST = 1e-8, 1e-12
"""How narrow, relative to |1 - rho|, the enclosures around a best step are looked for, and those it is fitted to."""
PERFECT = 1e-2
"""A step that leaves less than this is nearly perfect: T has almost nothing but zero roots there."""
DOUBLE = 1e-8
"""Rounding of the factor of the mean, whose eigenvalues may be double."""
FLAT = 1e-9
"""Where rho differs by less across the width of a search, it is flat."""
ROUGH, COARSE, FINE = 1e-4, 1e-7, 1e-10
"""Relative residuals of rates while a valley is looked for, in it, and around its floor."""
DESCENT = 20
"""Most steps down a valley; a step that the curves misjudge is followed by one from closer by."""
SMOOTH = 1e-4
"""How well curves through smooth branches foretell a value, relative to how far theirs lie apart."""
CLOSE = 1e-2
"""Where the vertices of a parabola and a quartic are this close, in spacings of the points, the quartic's is taken."""
MARGINS = tuple(0.4 * 10.0**k for k in range(-9, -1))
"""Relative distances from a root at which its two sides are tried."""


class StepSize(float):
    """A step size: a float, with the `bracket` that holds it and whether it `converged` (the bracket is narrow).

    An unconverged one is an estimate: only its bracket is to be believed.
    """

    bracket: tuple[float, float]
    converged: bool

    def __new__(cls, value: float, bracket: tuple[float, float], converged: bool) -> StepSize:
        out = super().__new__(cls, value)
        out.bracket, out.converged = (float(bracket[0]), float(bracket[1])), converged
        return out

    def __getnewargs__(self) -> tuple[float, tuple[float, float], bool]:  # type: ignore[override]
        return float(self), self.bracket, self.converged


class BestStep(NamedTuple):
    """(gamma, rate): gamma.bracket holds a local minimum of rho; converged when it was found and the rate converged."""

    gamma: StepSize
    rate: ExactRate

    @property
    def bracket(self) -> tuple[float, float]:
        """Steps between which rho has a local minimum: it is larger at both."""
        return self.gamma.bracket

    @property
    def converged(self) -> bool:
        """True when the bracket and that of the rate are narrow."""
        return self.gamma.converged and self.rate.converged


@at_the_door(method=a_method, problem=a_problem)
def max_stable_step(method: Method, problem: Any, *, tol: float = 1e-7) -> StepSize:
    """Largest gamma below which E||x_t - x*||^2 stays bounded; the method's other parameters are its defaults there.

    One eigenproblem, 1/r(L^-1 Q), for one compressed direction (GD, DCGD); else root finding on rho_noise = 1, taking
    the stable steps for an interval from 0. `.bracket`: rho_noise < 1 at its lower and >= 1 at its upper end, by the
    rate's own enclosure; `.converged`: its relative width is at most tol. inf where no step is unstable. Raises
    Unsupported when none is stable.
    """
    if enumerated.fits(method, problem):
        return _largest(_enumerated_rates(method, problem), method, problem, tol)
    data = data_of(method.seen(problem))
    params = parameters(method, problem)
    if not masked.fits(method):
        unit = make_system(method, data, 1 / problem.L, params(1 / problem.L), affine=False)
        if stein.fits(unit):
            value, bracket = stein.stable_step(unit)
            low, high = (v / problem.L for v in bracket)
            return StepSize(value / problem.L, (low, high), high <= low * (1 + tol))
    return _largest(RateAt(method, data, params), method, problem, tol)


def _enumerated_rates(method: Method, problem: Any) -> EnumeratedRateAt:
    step = 0.1 / problem.L
    return EnumeratedRateAt(method, problem, Plan(step, parameters(method, problem)(step)))


def _largest(rate: RateAt | EnumeratedRateAt, method: Method, problem: Any, tol: float) -> StepSize:
    """Root of rho_noise = 1 in log gamma, then its two sides."""

    def excess(log_gamma: float) -> float:
        """rho_noise - 1, cut so that root finding sees moderate numbers."""
        return float(np.clip(rate.noise(float(np.exp(log_gamma))), -1.0, 1.0))

    unit = float(np.log(1 / problem.L))
    low = unit + float(np.log(0.1))
    while excess(low) >= 0:
        low -= np.log(10)
        if low < unit - np.log(FAR):
            raise Unsupported(f"{method.label} has no stable step on this problem")
    high = low + np.log(2)
    while excess(high) < 0:
        low, high = high, high + np.log(2)
        if high > unit + np.log(FAR):
            return StepSize(
                np.inf, (float(np.exp(low)), np.inf), rate.rate(float(np.exp(low))).bracket[1] < 1
            )
    ends = {u: excess(u) for u in (low, high)}
    if ends[low] * ends[high] > 0:  # rounding on a flat piece: no root to close in on
        return StepSize(np.exp(high), (0.0, np.inf), False)
    root = float(np.exp(brentq(excess, low, high, xtol=1e-11, rtol=1e-14)))
    return _sided(rate, root, tol)


def _sided(rate: RateAt | EnumeratedRateAt, root: float, tol: float) -> StepSize:
    """The root with a stable step below and an unstable one above, both by the rate's enclosure."""
    below, above = 0.0, np.inf
    for margin in MARGINS:
        if below == 0.0 and rate.rate(root * (1 - margin)).bracket[1] < 1:
            below = root * (1 - margin)
        if np.isinf(above) and rate.rate(root * (1 + margin)).bracket[0] >= 1:
            above = root * (1 + margin)
        if below > 0 and np.isfinite(above):
            break
    return StepSize(root, (below, above), bool(above <= below * (1 + tol)))


def parameters(method: Method, problem: Any) -> Callable[[Any], dict[str, Any]]:
    """gamma -> the method's own parameters at that step, apart from what a theorem derives from it."""
    c = method.check(problem)

    def at(gamma: Any) -> dict[str, Any]:
        return {**replace(method, gamma=float(gamma)).default_params(c), **method.given()}

    return at


@at_the_door(method=a_method, problem=a_problem)
def best_step(method: Method, problem: Any, *, tol: float = 1e-3) -> BestStep:
    """(gamma, rate) minimising the exact rho: a local minimum of a one-dimensional search from 1/(4L).

    tol: width in log gamma at which the search hands over to a fit through its last points, which is much closer.
    `.bracket`: two steps at which rho, by its enclosure, is larger than at gamma; `.converged`: they are within a
    factor 1 + 21 tol and the rate converged. Where rho is flat at its least, gamma is the smallest such step, the lower
    end is that close to it, and the upper end lies beyond the flat piece. Raises Unsupported when no step is stable or
    rho has no minimum.
    """
    listed = _enumerated_rates(method, problem) if enumerated.fits(method, problem) else None
    rate = (
        RateAt(method, data_of(method.seen(problem)), parameters(method, problem))
        if listed is None
        else listed
    )
    start = float(np.log(0.25 / problem.L))
    found = _searched(method, start, tol, rate, rate.branches)
    sure = found.converged and found.rate.rho > PERFECT
    if sure or not rate.small(float(found.gamma)):
        return found

    def enclosed(gamma: float, _: float) -> Array:
        """Where eigenvectors coalesce a small residual says little: the value inside a narrow enclosure."""
        return np.array([rate.rate(gamma, SHARPEST).rho])

    return _searched(method, start, tol, rate, enclosed)


def _searched(
    method: Method,
    start: float,
    tol: float,
    rate: RateAt | EnumeratedRateAt,
    branches: Callable[[float, float], Array],
) -> BestStep:
    """The minimum of the largest of branches(gamma, residual): a valley, steps in it, its floor, then its two sides."""
    seen: dict[float, Array] = {}
    known: dict[float, float] = {}

    def asked(u: float, residual: float) -> float:
        if known.get(u, np.inf) > residual:
            known[u], seen[u] = residual, np.asarray(branches(float(np.exp(u)), residual)) - 1
        return 1 + float(seen[u].max())

    middle = _valley(lambda u: asked(u, ROUGH), method, start)
    u = _descended(lambda u: asked(u, COARSE), seen, middle, 4 * tol)

    def fine(u: float) -> float:
        return asked(u, FINE)

    at, rises, h = _floor(fine, seen, u, 4 * tol)
    if h > 0:
        at, more = _polished(fine, at, h)
        rises = rises or more
    at, flat = (at, False) if rises else _leftmost(fine, at, tol)
    return _between(rate, at, tol, flat)


def _descended(f: Callable[[float], float], seen: dict[float, Array], u: float, h: float) -> float:
    """Within h of the minimum near u, by the branches' parabolas there.

    Where these foretell little, by the crossing of the lines through the points on either side, or by halves. Ends
    only once both sides have been seen to rise from close by.
    """
    lines, before = False, np.inf
    for _ in range(DESCENT):
        left, right = _sides(seen, u)
        after = _crossed(seen, left, right) if lines else _lowest(seen, (left, u, right), (left, right))
        if right - left > 0.8 * before:
            after = (left + u) / 2 if u - left > right - u else (u + right) / 2
        if abs(after - u) < h:
            if max(u - left, right - u) <= 3 * h:
                return after
            after = u - 2 * h if u - left > right - u else u + 2 * h
        edge = min((right - left) / 20, h)
        after = min(max(after, left + edge), right - edge)
        foretold = max(line(after) for line in _curves(seen, (left, u, right)))
        value, best, before = f(after) - 1, float(seen[u].max()), right - left
        lines = not lines and abs(value - foretold) > 0.5 * abs(best - foretold)
        u = after if value <= best else u
    return u


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


def _sides(seen: dict[float, Array], u: float) -> tuple[float, float]:
    """The nearest points on either side of u."""
    return max((v for v in seen if v < u), default=u - 1), min((v for v in seen if v > u), default=u + 1)


def _floor(
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
        elif abs(at - plain) > CLOSE * h:
            u, h = at, h / 8
        else:
            expected = max(line(at) for line in _curves(seen, points))
            found = f(at) - 1
            told = abs(found - expected) <= SMOOTH * (values.max() - values.min()) + 2 * FINE * abs(found)
            return at, rises, 0.0 if told else h
    return u, rises, h


def _curves(seen: dict[float, Array], points: Sequence[float]) -> list[Any]:
    """The branches' polynomials through these points."""
    return [Polynomial.fit(points, v, len(points) - 1) for v in np.array([seen[u] for u in points]).T]


def _lowest(seen: dict[float, Array], points: Sequence[float], ends: tuple[float, float]) -> float:
    """Where the largest of the branches' polynomials through these points is least between the ends."""
    lines = _curves(seen, points)
    turns = [line.deriv() for line in lines] + [a - b for a, b in combinations(lines, 2)]
    roots = np.concatenate([np.atleast_1d(t.roots()) for t in turns])
    inner = roots.real[(np.abs(roots.imag) < 1e-9) & (roots.real > ends[0]) & (roots.real < ends[1])]
    return float(min((*inner.tolist(), *ends), key=lambda v: max(line(v) for line in lines)))


def _leftmost(f: Callable[[float], float], u: float, h: float) -> tuple[float, bool]:
    """(the smallest minimum, True) where f is flat around u, (u, False) where it rises to both sides."""
    level = f(u)
    level += FLAT * abs(1 - level)
    low = u - h
    if f(low) > level and f(u + h) > level:
        return u, False
    while f(low) <= level:
        u, low, h = low, low - 2 * h, 2 * h
        if h > np.log(FAR):
            return u, False
    while u - low > 1e-9:
        middle = (low + u) / 2
        low, u = (low, middle) if f(middle) <= level else (middle, u)
    return u, True


def _digits(rho: float) -> float:
    """rho - 1 to nine digits: what differs by rounding is flat."""
    return float(f"{rho - 1:.8e}")


def _valley(rho: Callable[[float], float], method: Method, start: float) -> float:
    """The log of a step at which rho < 1 is lower than at half and twice that step."""
    move, seen = float(np.log(2)), {}

    def at(k: int) -> float:
        if k not in seen:
            if abs(k) * move > np.log(FAR):
                raise Unsupported(f"{method.label}: no best step was found on this problem")
            seen[k] = _digits(rho(start + k * move))
        return seen[k]

    k = 0
    while at(k + 1) < at(k):
        k += 1
    while at(k - 1) < at(k) or at(k) >= 0:
        k -= 1
    return start + k * move


def _polished(f: Callable[[float], float], u: float, h: float) -> tuple[float, bool]:
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
        elif abs(plain - curved) <= CLOSE * h:
            return curved, rises
        else:
            u, h = curved, h / 8
    return u, rises


def _vertices(values: Array) -> tuple[float, float]:
    """Minima in [-1, 1] of the parabola through the inner three of five values at -2..2, and of the quartic."""
    left, middle, right = values[1:4]
    bend = left - 2 * middle + right
    if not bend > 0:  # no vertex here: on towards the lower side
        return (float(np.sign(left - right)),) * 2
    plain = float(np.clip((left - right) / (2 * bend), -1, 1))
    slope = np.polynomial.Polynomial.fit(np.arange(-2, 3), values, 4, domain=[-1, 1], window=[-1, 1]).deriv()
    roots = [float(r.real) for r in slope.roots() if abs(r.imag) < 1e-9 and abs(r.real) <= 1]
    return plain, min(roots, key=lambda r: abs(r - plain), default=plain)


def _between(rate: RateAt | EnumeratedRateAt, at: float, tol: float, flat: bool) -> BestStep:
    """The step with two around it where rho is larger, by its enclosure; the right one beyond the floor if flat."""
    gamma = float(np.exp(at))
    best, ends = rate.rate(gamma, SHARP), [0.0, np.inf]
    if best.rho < PERFECT and rate.small(gamma):
        best = rate.rate(gamma, SHARPEST)
    top = _ends(best)[1]
    for h in (tol, 3 * tol, 10 * tol, 0.1, 0.5, 1.5):
        for side, sign in enumerate((-1, 1)):
            other = gamma * float(np.exp(sign * h))
            if ends[side] in (0.0, np.inf) and _ends(rate.rate(other, SHARP))[0] > top:
                ends[side] = other
        if ends[0] > 0 and np.isfinite(ends[1]):
            break
    last = gamma if flat and _no_lower(rate, best, gamma, ends[1]) else ends[1]
    narrow = bool(last <= ends[0] * (1 + 21 * tol))
    return BestStep(StepSize(gamma, (ends[0], ends[1]), narrow and best.converged), best)


def _no_lower(rate: RateAt | EnumeratedRateAt, best: ExactRate, gamma: float, end: float) -> bool:
    """True when no enclosure at steps between this one and the end lies below that of rho here."""
    if not np.isfinite(end):
        return False
    least = _ends(best)[0]
    return all(_ends(rate.rate(float(g), SHARP))[1] >= least for g in np.geomspace(gamma, end, 11)[1:-1])


def _ends(found: ExactRate) -> tuple[float, float]:
    """The enclosure of rho."""
    low, high = found.bracket
    mean = found.rho_mean
    return (max(low, mean - DOUBLE), max(high, mean + DOUBLE)) if found.coupled else (low, high)
