"""A theorem's promise for one problem, as a value: rate, floor, bound(t), iterations to eps.

A Rate is made by the theorem that derives it, inside `derived`, and by nothing else: that is what keeps its standing.
One that is typed, changed or read from a pickle has the same numbers and is ASSUMED.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass, field, fields, replace
from typing import Protocol, TypedDict, Unpack

from compth._door import real
from compth._earned import earned, made
from compth._numbers import Number
from compth._shown import Shown
from compth.errors import InvalidParameter

WORD = "assumed: a rate that was not derived here"
_DERIVING: ContextVar[bool] = ContextVar("deriving", default=False)


@dataclass(frozen=True)
class Rate(Shown):
    """What a theorem guarantees for a method on a problem.

    Attributes
    ----------
    theorem : id of the theorem.        metric : name of the quantity that is bounded.
    stepsize : gamma (the first one, when the plan is a schedule).
    rho : one-step factor of the metric (None for sublinear bounds).
    floor : limit of the bound (0 if none).      start : the metric's value at t = 0.
    values : t -> bound, in the metric's unit.
    distance_factor : metric >= distance_factor * ||x_t - x*||^2, so bound / factor bounds the distance.
    standing : of the theorem and the claims it uses, the weakest; "ASSUMED" where anything of it is a user's word.
    assumed : what was taken on a user's word, a line each: claims, a problem's constants, the theorem itself.
    origin : what it was derived from; a pickle holds this, and whoever reads it derives the rate again.
    """

    theorem: str
    metric: str
    stepsize: Number
    rho: Number | None
    floor: Number
    start: float
    values: Callable[[int], float] = field(repr=False, compare=False)
    distance_factor: float = 1.0
    plan: object = field(default=None, repr=False, compare=False)
    standing: str = ""
    assumed: tuple[str, ...] = ()
    origin: object = field(default=None, repr=False, compare=False)

    def __post_init__(self) -> None:
        """A standing is given by what derives a rate: one that is typed, or kept while numbers change, is a word."""
        # Read past __getattribute__, which would already answer with the word.
        if vars(self)["standing"] not in ("", "ASSUMED") and not _DERIVING.get():
            object.__setattr__(self, "standing", "ASSUMED")
            object.__setattr__(self, "assumed", tuple(dict.fromkeys((*self.assumed, WORD))))

    def __getattribute__(self, name: str) -> object:
        """A standing that was given for other numbers is a word."""
        found = object.__getattribute__(self, name)
        if name != "standing" or found in ("", "ASSUMED") or earned(self):
            return found
        return "ASSUMED"

    def __setstate__(self, values: Fields) -> None:
        """A state that a pickle holds, which ours never do, is a word too."""
        for name, value in vars(_on_its_word(values)).items():
            object.__setattr__(self, name, value)

    def __reduce__(self) -> tuple[object, ...]:
        """Copies and pickles derive the rate again; one without an origin is somebody's word from then on."""
        # Whoever unpickles it derives it from the theorem again, so a pickle cannot say more than the theorem
        # does.
        if self.origin is not None:
            return _again, (self.origin, self.standing, self.assumed)
        return _on_its_word, ({f.name: getattr(self, f.name) for f in fields(self)},)

    def __str__(self) -> str:
        """The promise in a sentence: theorem, step, metric, bound, standing, and what was taken on somebody's word."""
        step = f"{self.theorem} at step {float(self.stepsize):.6g}: {self.metric}"
        # A sublinear bound has no single factor, so a few of its values are shown.
        if self.rho is None:
            told = {t: self.values(t) for t in (10, 100, 1000)}
            known = ", ".join(f"{v:.4g} after {t} rounds" for t, v in told.items() if v < math.inf)
            held = f"is at most {known or 'what bound(t) says'}"
        else:
            floor = f" + {float(self.floor):.4g}" if self.floor else ""
            held = f"is at most {self.start:.4g} * {float(self.rho):.10g}^t{floor}"
        words = "".join(f"; assumed: {line.removeprefix('assumed: ')}" for line in self.assumed)
        return f"{step} {held} ({self.standing or 'standing not known'}){words}"

    def bound(self, t: int) -> float:
        """The guaranteed upper bound on E metric_t, t >= 0."""
        if not t >= 0:
            raise InvalidParameter(f"t={t} must be at least 0: bounds start at x_0")
        return self.values(t)

    def distance_bound(self, t: int) -> float:
        """The implied bound on E||x_t - x*||^2 (inf where the metric does not imply one)."""
        return self.values(t) / self.distance_factor if self.distance_factor > 0 else math.inf

    def iterations_to(self, eps: float, limit: int = 10**12) -> int | None:
        """Least t with bound(t) <= eps (absolute, in the metric's unit); None if no t <= limit does."""
        if said := real(eps):
            raise InvalidParameter(f"eps={eps!r} must be {said}")
        return first_at_most(self.values, eps, limit)


class Words(TypedDict, total=False):
    """How sure a rate is: its standing, and what was taken on somebody's word."""

    standing: str
    assumed: tuple[str, ...]


class Fields(Words, total=False):
    """The fields of a Rate."""

    theorem: str
    metric: str
    stepsize: Number
    rho: Number | None
    floor: Number
    start: float
    values: Callable[[int], float]
    distance_factor: float
    plan: object
    origin: object


class Derivation(Protocol):
    """What a rate was derived from: it gives the rate again."""

    def rate(self, standing: str, assumed: tuple[str, ...]) -> Rate:
        """The rate, of at most this standing, with these assumptions among its own."""
        ...


def derived(rate: Rate, **changes: Unpack[Fields]) -> Rate:
    """The rate with these changes, for what derived it: its standing is kept."""
    # A context variable and not a flag of the object: only while this function runs, in this thread, may a
    # Rate be made with a standing of its own.
    token = _DERIVING.set(True)
    try:
        return made(replace(rate, **changes))
    finally:
        _DERIVING.reset(token)


def _again(origin: Derivation, standing: str, assumed: tuple[str, ...]) -> Rate:
    return origin.rate(standing, assumed)


def _on_its_word(values: Fields) -> Rate:
    """A rate that nobody can derive: whatever it calls itself, it is assumed."""
    lines = tuple(dict.fromkeys((*values["assumed"], WORD)))
    told: Fields = {**values, "standing": "ASSUMED", "assumed": lines}
    return Rate(**told)


def first_at_most(values: Callable[[int], float], eps: float, limit: int) -> int | None:
    """Least t with values(t) <= eps for a nonincreasing bound: doubling, then bisection."""
    if values(0) <= eps:
        return 0
    # The bound does not increase: double t until it is small enough, then bisect between the last two.
    high = 1
    while values(high) > eps:
        if high >= limit:
            return None
        high = min(2 * high, limit)
    # Invariant: values(low) > eps >= values(high).
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if values(middle) <= eps else (middle, high)
    return high


def geometric(rho: float, floor: float, start: float) -> Callable[[int], float]:
    """t -> rho^t start + (1 - rho^t) floor: what V+ <= rho V + (1 - rho) floor gives after t steps."""
    return lambda t: rho**t * start + (1 - rho**t) * floor
