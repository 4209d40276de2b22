"""The largest mean-square-stable step and the best step, each with a bracket.

Both answers carry a bracket that rates' enclosures prove, whatever proposed the step: brentq, parabolas of branches and
models may all be wrong, and cost time then, not truth. Under f -> c f every answer scales by 1/c: searches move in
log gamma from 1/L, and no tolerance is absolute in gamma.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
from scipy.optimize import brentq

from compth._door import a_method, a_problem, at_the_door
from compth._earned import Computed, Earned, changed, earned, kept, made, origin, partner
from compth._numbers import Number
from compth._shown import Shown
from compth._types import Numbers as Array
from compth.dynamics import enumerated, masked, stein
from compth.dynamics.along import EnumeratedRateAt, RateAt
from compth.dynamics.descent import CLOSE, STEP, floor, leftmost, minimum_by_fit, minimum_by_parabolas, valley
from compth.dynamics.own import assumed_of
from compth.dynamics.radii import WIDTH
from compth.dynamics.reduced import dynamics_data
from compth.dynamics.snapshots import Snapshots
from compth.dynamics.spectrum import ExactRate
from compth.dynamics.trajectory import make_system
from compth.errors import Unsupported
from compth.methods import Method
from compth.problems.interface import Problem

FAR = 1e12
"""Steps beyond this many times 1/L, or below that fraction of it, are not looked at."""
SHARP, SHARPEST = 1e-8, 1e-12
"""How narrow, relative to |1 - rho|, the enclosures around a best step are looked for, and those it is fitted to."""
PERFECT = 1e-2
"""A step that leaves less than this is nearly perfect: T has almost nothing but zero roots there."""
DOUBLE = 1e-8
"""Rounding of the factor of the mean, whose eigenvalues may be double."""
ROUGH, COARSE, FINE, FINEST = 1e-4, 1e-7, 1e-10, 1e-12
"""Relative residuals of rates while a valley is looked for, in it, and around its floor (the last for few moments)."""
START = 0.5
"""The first step that is tried, in units of 1/L: rarely far from the largest stable one."""
SURE, DOUBTFUL = 1e-8, 1e-2
"""Residual of rates around a stable step, and |1 - rho| below which a rough one says nothing of the side."""
BEYOND = 1e-3
"""A mean's factor that is larger than 1 by this says that a step is unstable, whatever rounding does."""
CLOSED_IN = 1e-10
"""How closely, in log gamma, the root is closed in on: inside the least of MARGINS."""
ANCHORS = 3
"""How many steps a model takes."""
ROOT = 1e-10
"""Where |1 - rho| is less than this a step is a root of rho = 1."""
BESIDE = 1e-9
"""Relative residual of the rates that models are held against."""
PROPOSED = 12
"""How many steps models may propose before a plainer search takes over."""
SPANNING, WIDE = 1e-8, 0.05
"""The relative residual of points that span them, and after which moves it is enough."""
TRUE = 1e-3
"""How well the last model agrees with rho at three steps around its least, relative to how far these lie apart."""
MARGINS = tuple(0.4 * 10.0**k for k in range(-9, -1))
"""Relative distances from a root at which its two sides are tried."""


class StepSize(Earned, Shown, float):
    """A step size: a float, with the `bracket` that holds it and whether it `converged` (the bracket is narrow).

    An unconverged one is an estimate: only its bracket is to be believed. assumed: what was
    taken on a user's word, a line each. One that was typed or changed has not
    converged; copies and pickles are computed again.
    """

    WORDS = MappingProxyType({"converged": False})

    bracket: tuple[float, float]
    converged: bool
    assumed: tuple[str, ...]

    def __new__(
        cls, value: float, bracket: tuple[float, float], converged: bool, assumed: tuple[str, ...] = ()
    ) -> StepSize:
        """The number with its bracket; floats are immutable, so all is set before anyone sees it."""
        out = super().__new__(cls, value)
        out.bracket, out.converged = (float(bracket[0]), float(bracket[1])), converged
        out.assumed = assumed
        return out

    def __str__(self) -> str:
        """The number; of an unconverged one the bracket too, and of a typed one whose word it is."""
        low, high = self.bracket
        known = "" if self.converged else f" (only known to lie in [{low:.6g}, {high:.6g}])"
        if not earned(self):
            known = f"; {Computed.DOUBT}"
        return f"{float(self)!r}{known}"

    def on(self, method: Method, problem: Problem) -> StepSize:
        """The same, with what it takes on a user's word about the run."""
        held = vars(self)
        return StepSize(float(self), held["bracket"], held["converged"], assumed_of(method, problem))

    def __getnewargs__(self) -> tuple[float, tuple[float, float], bool, tuple[str, ...]]:  # type: ignore[override]
        """The arguments that `__new__` makes the same value from."""
        return float(self), self.bracket, self.converged, self.assumed


class _Pair(NamedTuple):
    """The two fields: BestStep adds what a pair can say."""

    gamma: StepSize
    rate: ExactRate


class BestStep(Shown, _Pair):
    """(gamma, rate): gamma.bracket holds a local minimum of rho; converged when it was found and the rate converged."""

    def __reduce__(self) -> tuple[object, ...]:
        """Copies and pickles of one that was found here are computed again."""
        found = origin(self.gamma) if partner(self.gamma) is self.rate else None
        return (BestStep, tuple(self)) if found is None else (_best_again, (found[1][1:], found[2]))

    @property
    def bracket(self) -> tuple[float, float]:
        """Steps between which rho has a local minimum: it is larger at both."""
        return self.gamma.bracket

    @property
    def converged(self) -> bool:
        """True when the bracket and that of the rate are narrow, and both were found together."""
        return partner(self.gamma) is self.rate and self.gamma.converged and self.rate.converged


@at_the_door(method=a_method, problem=a_problem)
def max_stable_step(method: Method, problem: Problem, *, tol: float = 1e-7) -> StepSize:
    """Largest gamma below which E||x_t - x*||^2 stays bounded.

    The method's other parameters are, at every step, those that a run with this step has: given ones as given, the rest
    as in `exact_rate`.

    One eigenproblem, 1/r(L^-1 Q), for one compressed direction (GD, DCGD); else root finding on rho_noise = 1, taking
    the stable steps for an interval from 0. `.bracket`: rho_noise < 1 at its lower and >= 1 at its upper end, by the
    rate's own enclosure; `.converged`: its relative width is at most tol. inf where no step is unstable. Raises
    Unsupported when none is stable.
    """
    found = _max_stable_step(method, problem, tol).on(method, problem)
    return made(found, (max_stable_step, (method, problem), {"tol": tol}))


def _max_stable_step(method: Method, problem: Problem, tol: float) -> StepSize:
    """One eigenproblem where T is a quadratic in gamma of one direction, else root finding."""
    rate = rates_along(method, problem)
    if isinstance(rate, RateAt) and not masked.fits(method):
        unit = make_system(method, rate.data, 1 / problem.L, rate.params(1 / problem.L), affine=False)
        # T(g) is a quadratic in g for one compressed direction: the largest stable step is one eigenproblem.
        if stein.fits(unit):
            value, bracket = stein.stable_step(unit)
            low, high = (v / problem.L for v in bracket)
            return StepSize(value / problem.L, (low, high), high <= low * (1 + tol))
    return _largest(rate, method, problem, tol)


def rates_along(method: Method, problem: Problem) -> RateAt | EnumeratedRateAt:
    """The rate at every step, with the parameters that a run with it has."""
    params = parameters(method, problem)
    if enumerated.fits(method, problem):
        return EnumeratedRateAt(method, problem, params)
    return RateAt(method, dynamics_data(method, problem), params)


def _largest(rate: RateAt | EnumeratedRateAt, method: Method, problem: Problem, tol: float) -> StepSize:
    """Root of rho_noise = 1 in log gamma, then its two sides; closely from the start where a rough one misled."""
    found = kept(_root(rate, method, problem, tol, ROUGH))
    return found if found.converged or np.isinf(found) else _root(rate, method, problem, tol, SURE)


def _root(
    rate: RateAt | EnumeratedRateAt, method: Method, problem: Problem, tol: float, rough: float
) -> StepSize:
    """_largest with bracketing rates to this residual."""
    known: dict[float, float] = {}
    snapshots = rate.watch()

    def excess(u: float, residual: float = SURE) -> float:
        """rho_noise - 1 at exp(u), cut so that root finding sees moderate numbers."""
        if u not in known:
            gamma = float(np.exp(u))
            # second moments grow no slower than the mean's square: where the mean diverges nothing need be
            # searched
            least = rate.least(gamma) - 1
            value = least if least > BEYOND else rate.noise(gamma, residual)
            value = rate.noise(gamma, SURE) if abs(value) < DOUBTFUL and residual > SURE else value
            known[u] = float(np.clip(value, -1.0, 1.0))
        return known[u]

    unit = float(np.log(1 / problem.L))
    low = unit + float(np.log(START))
    # Down by tens until a step is stable, then up by twos until one is not: of an interval from 0 this finds
    # the end, and one evaluation for each factor of 2 is cheaper than missing it by a fine step.
    while excess(low, rough) >= 0:
        low -= np.log(10)
        if low < unit - np.log(FAR):
            raise Unsupported(f"{method.label} has no stable step on this problem")
    high = low + np.log(2)
    while excess(high, rough) < 0:
        low, high = high, high + np.log(2)
        if high > unit + np.log(FAR):
            return StepSize(
                np.inf, (float(np.exp(low)), np.inf), rate.rate(float(np.exp(low))).bracket[1] < 1
            )
    if excess(low) * excess(high) > 0:  # rounding on a flat piece: no root to close in on
        return StepSize(np.exp(high), (0.0, np.inf), False)
    # Models need a near inverse at the root: without one their rightmost root may be no rho, and would
    # mislead.
    aimed = snapshots if snapshots is not None and snapshots.aimed else None
    closer = None if aimed is None else _told_root(excess, aimed, low, high)
    rate.watch(False)
    if closer is None:
        closer = float(brentq(excess, low, high, xtol=CLOSED_IN, rtol=1e-14))
    return _between_stable_and_unstable(rate, float(np.exp(closer)), tol)


def _told_root(
    excess: Callable[[float], float], snapshots: Snapshots, low: float, high: float
) -> float | None:
    """Where rho_noise - 1 changes its sign by models of it; None where they do not close in on a place.

    Each proposal is asked for and spans the next model, so that a model is wrong there by the square of what the last
    was: a step with |1 - rho| < ROOT is the root.
    """
    if len(snapshots.steps) < ANCHORS:
        excess((low + high) / 2)
    if not snapshots.settle((low + high) / 2):
        return None
    for _ in range(PROPOSED):
        middle = (low + high) / 2
        try:
            told = snapshots.model(middle).noise
            ends = told(low), told(high)
            # a model that has no root between the ends is told of the middle
            u = float(brentq(told, low, high, xtol=CLOSED_IN / 10)) if ends[0] < 0 < ends[1] else middle
        except np.linalg.LinAlgError:
            return None
        value = excess(u)
        if abs(value) < ROOT:
            return u
        low, high = (u, high) if value < 0 else (low, u)
    return None


def _between_stable_and_unstable(rate: RateAt | EnumeratedRateAt, root: float, tol: float) -> StepSize:
    """The root with a stable step below and an unstable one above, both by the rate's enclosure."""
    # The root of a residual is no proof: a step a little below must be stable by its enclosure, and one a
    # little above unstable. The nearest distances at which the enclosures say so are the bracket.
    below, above = 0.0, np.inf
    for margin in MARGINS:
        if below == 0.0 and rate.rate(root * (1 - margin)).bracket[1] < 1:
            below = root * (1 - margin)
        if np.isinf(above) and rate.rate(root * (1 + margin)).bracket[0] >= 1:
            above = root * (1 + margin)
        if below > 0 and np.isfinite(above):
            break
    return StepSize(root, (below, above), bool(above <= below * (1 + tol)))


def parameters(method: Method, problem: Problem) -> Callable[[Number], dict[str, Number]]:
    """gamma -> the method's own parameters at that step, apart from what a theorem derives from it."""
    c = method.check(problem)

    def at(gamma: Number) -> dict[str, Number]:
        """Parameters of a run with this step: the default ones of the method, and over them those that were given."""
        return {**replace(method, gamma=float(gamma)).default_params(c), **method.given()}

    return at


@at_the_door(method=a_method, problem=a_problem)
def best_step(method: Method, problem: Problem, *, tol: float = 1e-3) -> BestStep:
    """(gamma, rate) minimising the exact rho: a local minimum of a one-dimensional search from 1/(4L).

    Other parameters as in `max_stable_step`.

    tol: width in log gamma at which the search hands over to a fit through its last points, which is much closer.
    `.bracket`: two steps at which rho, by its enclosure, is larger than at gamma; `.converged`: they are within a
    factor 1 + 21 tol and the rate converged. Where rho is flat at its least, gamma is the smallest such step, the lower
    end is that close to it, and the upper end lies beyond the flat piece. Raises Unsupported when no step is stable or
    rho has no minimum.
    """
    found = _best_step(method, problem, tol)
    asked: tuple[Method, Problem] = (method, problem)
    named = {"tol": tol}
    rate = made(
        changed(found.rate, assumed=assumed_of(method, problem)),
        (_part_of_best, ("rate", *asked), named),
    )
    return BestStep(
        made(found.gamma.on(method, problem), (_part_of_best, ("gamma", *asked), named), rate), rate
    )


def _part_of_best(name: str, method: Method, problem: Problem, *, tol: float) -> object:
    """One of the two results that `best_step` gives together: what their copies and pickles are computed by."""
    return getattr(best_step(method, problem, tol=tol), name)


def _best_again(asked: tuple[Method, Problem], named: Mapping[str, float]) -> BestStep:
    """A best step again, when it is copied or unpickled."""
    return best_step(*asked, tol=named["tol"])


def _best_step(method: Method, problem: Problem, tol: float) -> BestStep:
    """By models of rho where they converge, else by branches, at last on values inside narrow enclosures."""
    rate = rates_along(method, problem)
    start = float(np.log(0.25 / problem.L))
    # Models of rho first, which need a fifth of the rates; what they find must have converged, else the plain
    # search starts over with rates of its own.
    quick = _best_step_by_models(rate, start, tol)
    if quick is not None:
        return quick
    rate = rates_along(method, problem)
    found = _searched(method, start, tol, rate, rate.branches)
    # A nearly perfect step leaves T nearly nilpotent: a small residual then says nothing of rho, and the
    # search is repeated on values inside narrow enclosures.
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
        """rho at exp(u), at least as closely as this."""
        if known.get(u, np.inf) > residual:
            known[u], seen[u] = residual, np.asarray(branches(float(np.exp(u)), residual)) - 1
        return 1 + float(seen[u].max())

    try:
        middle = valley(lambda u: asked(u, ROUGH), start)
    except LookupError as nowhere:
        raise Unsupported(f"{method.label}: no best step was found on this problem") from nowhere
    # Branches, not rho itself: rho is the largest of a few smooth functions and has a kink where two cross,
    # where no parabola through values of rho finds the minimum.
    u = minimum_by_parabolas(lambda u: asked(u, COARSE), seen, middle, 4 * tol)

    # Few moments allow a residual near rounding, which a flat valley needs.
    finest = FINEST if rate.small(float(np.exp(u))) else FINE

    def fine(u: float) -> float:
        """rho as closely as this search asks anywhere."""
        return asked(u, finest)

    at, rises, h = floor(fine, seen, u, 4 * tol)
    if h > 0:
        at, more = minimum_by_fit(fine, at, h)
        rises = rises or more
    # Where rho is flat (the mean decides, and does not move with the step) the smallest such step is meant.
    at, flat = (at, False) if rises else leftmost(fine, at, tol)
    return _between(rate, at, tol, flat)


def _best_step_by_models(rate: RateAt | EnumeratedRateAt, start: float, tol: float) -> BestStep | None:
    """The best step and its two sides by models of rho; None where they do not lead to one that converged."""
    snapshots = rate.watch()
    if snapshots is None:
        return None
    known: dict[float, tuple[float, float]] = {}

    def asked(u: float, residual: float) -> float:
        """rho at exp(u), at least as closely as this."""
        if u not in known or known[u][0] > residual:
            known[u] = residual, rate.rho(float(np.exp(u)), residual)
        return known[u][1]

    try:
        middle = valley(lambda u: asked(u, ROUGH), start, lambda u: rate.least(float(np.exp(u))))
        # A model takes three steps; the valley may have been found from two.
        for u in (middle - STEP, middle + STEP):
            if min(abs(u - v) for v in known) > CLOSE * STEP:
                asked(u, ROUGH)
        at = _minimum_by_models(asked, snapshots, middle, tol) if snapshots.settle(middle) else None
        found = None if at is None else _between(rate, at, tol, False, snapshots.model(at).value)
    except (LookupError, np.linalg.LinAlgError):
        return None
    sure = found is not None and found.converged and found.rate.rho > PERFECT
    return found if sure else None


def _minimum_by_models(
    asked: Callable[[float, float], float], snapshots: Snapshots, middle: float, h: float
) -> float | None:
    """The minimum near the middle of a valley by models of the points in it; None where they do not close in on one.

    Every step that a model proposes is asked for, and spans the next model; once they are within h of one another, the
    last model has a point at h on either side, further than what rounding would tell apart.
    """
    left, right, last, best, misled = middle - STEP, middle + STEP, middle, asked(middle, ROUGH), 0
    for _ in range(PROPOSED):
        u = snapshots.model(last).least(left, right)
        move, last = abs(u - last), u if abs(u - last) > h or last == middle else last
        if move > h:
            value = asked(u, SPANNING if move > WIDE else BESIDE)
            misled, best = misled + (value > best), min(best, value)
            if misled > 1:
                return None
            continue
        # The last proposal hardly moved: now the model must agree with rho on both sides, further apart than
        # rounding, or it has settled on a root that is not rho.
        around = (last, last - h, last + h)
        values = np.array([asked(v, BESIDE) for v in around])
        model = snapshots.model(last)
        at = model.least(last - 2 * h, last + 2 * h)
        if abs(at - last) <= h:
            error = np.abs([model.value(v) + 1 for v in around] - values).max()
            return at if error <= TRUE * np.ptp(values) else None
        last = at
        asked(at, BESIDE)
    return None


def _between(
    rate: RateAt | EnumeratedRateAt,
    at: float,
    tol: float,
    flat: bool,
    model: Callable[[float], float] | None = None,
) -> BestStep:
    """The step with two around it where rho is larger, by its enclosure; the right one beyond the floor if flat.

    model: about rho - 1 around it, so that no enclosure is looked for much narrower than rho rises.
    """
    gamma = float(np.exp(at))
    # A minimum is bracketed where rho is larger on both sides by its enclosure: as near as tol allows,
    # further out where rho is too flat to tell.
    best, ends = rate.rate(gamma, SHARP), [0.0, np.inf]
    if best.rho < PERFECT and rate.small(gamma):
        best = rate.rate(gamma, SHARPEST)
    top = _ends(best)[1]
    for h in (tol, 3 * tol, 10 * tol, 0.1, 0.5, 1.5):
        for side, sign in enumerate((-1, 1)):
            other = gamma * float(np.exp(sign * h))
            if ends[side] in (0.0, np.inf) and _higher(rate, other, top, best.rho, model):
                ends[side] = other
        if ends[0] > 0 and np.isfinite(ends[1]):
            break
    last = gamma if flat and _no_lower(rate, best, gamma, ends[1]) else ends[1]
    narrow = bool(last <= ends[0] * (1 + 21 * tol))
    return BestStep(kept(StepSize(gamma, (ends[0], ends[1]), narrow and best.converged), partner=best), best)


def _higher(
    rate: RateAt | EnumeratedRateAt,
    gamma: float,
    top: float,
    rho: float,
    model: Callable[[float], float] | None,
) -> bool:
    """True where rho is above `top` by its enclosure, one as wide as will do first."""
    if model is not None:
        # The model says by how much rho should be larger there: an enclosure a quarter as wide as that will
        # do.
        rise = (1 + model(float(np.log(gamma))) - rho) / max(abs(1 - rho), FINEST)
        if rise > SHARP and _ends(rate.rate(gamma, min(rise / 4, WIDTH / 2)))[0] > top:
            return True
    return _ends(rate.rate(gamma, SHARP))[0] > top


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
