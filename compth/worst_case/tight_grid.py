"""`tight_rates`: worst cases over a grid of constants, each the one that `tight_rate` gives for the point.

A closed form is evaluated on whole columns, by the line that single calls evaluate; points of which only an LMI is
known are walked along the last axis, each from what its neighbours left (`Warm`). A point that breaks a rule is a
result: its rate is nan, and `errors` holds the line that the single call would have raised.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from compth._door import a_name_or_method, at_the_door
from compth._earned import Computed, Earned, alike, earned, kept, made
from compth._numbers import Number
from compth._own import altered, remembered, seal
from compth._shown import Shown
from compth.errors import CompthError, InvalidParameter
from compth.methods.core.known import Known
from compth.worst_case.bodies import asked_for, body_asked, check_instance
from compth.worst_case.question import CONSTANTS, Question
from compth.worst_case.tight import (
    RULES,
    TIGHT_GAP,
    Sides,
    TightRate,
    answered,
    best_step,
    closed_rate,
    searched,
    sides_of,
    tight_rate,
)
from compth.worst_case.tight_warm import Warm

if TYPE_CHECKING:
    from compth._types import Array, Numbers

Place = tuple[int, ...]
"""An index of the grid."""
FAILED = (CompthError, ArithmeticError, np.linalg.LinAlgError)
"""What a point may raise and the grid goes on: its line is kept."""


@dataclass(frozen=True)
class TightRates(Earned, Shown):
    """Worst cases on a grid: arrays of its shape, and `rates[i]` or `rates[i, j]` the TightRate of one point.

    Attributes
    ----------
    rho : the closed form where one is known, else certified; nan at a point of `errors`, inf without a certificate.
    stepsize : gamma, given or the best one.   params : the method's other parameters, an array by name.
    constants : what was given, broadcast to the grid.   closed_form : where rho is a closed form.
    errors : index -> the line that the single call raises there.

    attained, certified and tight are computed point by point when they are first asked for where rho is a closed form.
    Where only an LMI is known, certified lies within TOLERANCE (1 - rho) of a single call's, and steps of least
    rate within what a search over certificates tells apart. Every certificate is checked in exact arithmetic.
    """

    WORDS = MappingProxyType({"closed_form": False})

    method: str
    rho: Array
    stepsize: Array
    params: Mapping[str, Array]
    constants: Mapping[str, Numbers]
    closed_form: Numbers
    errors: Mapping[Place, str] = field(default_factory=dict)

    def __str__(self) -> str:
        """How many points, over which constants, and between which rates."""
        moved = (f"{k} {_least(v)} to {_most(v)}" for k, v in self.constants.items() if _least(v) != _most(v))
        rates = self.rho[np.isfinite(self.rho)]
        between = f"{rates.min():.6g} to {rates.max():.6g} a round" if rates.size else "no rate below 1"
        line = f"{self.method} on {self.rho.size} points ({', '.join(moved)}): worst cases {between}"
        line += "" if earned(self) else f"; {Computed.DOUBT}"
        if not self.errors:
            return line
        return f"{line}; {len(self.errors)} points have none, the first: {next(iter(self.errors.values()))}"

    def inside(self) -> list[object]:
        """The numbers of all arrays, which may change in place."""
        tables = (self.params, self.constants, self.errors)
        # past the words, which ask whether the result is earned and so come back here
        closed = object.__getattribute__(self, "closed_form")
        columns = (self.rho, self.stepsize, closed, *self.params.values(), *self.constants.values())
        return [alike(value) for value in (*tables, *columns)]

    @property
    def shape(self) -> Place:
        """Of the grid."""
        return self.rho.shape

    def __len__(self) -> int:
        return len(self.rho)

    def __getitem__(self, at: int | Place) -> TightRate:
        """The TightRate of one point, with its certificate. Raises InvalidParameter with the line of its error."""
        place = tuple(
            range(n)[i] for n, i in zip(self.shape, at if isinstance(at, tuple) else (at,), strict=True)
        )
        if place in self.errors:
            raise InvalidParameter(self.errors[place])
        return self._found_points().found(place)

    @property
    def attained(self) -> Array:
        """The rate of a quadratic of the class at every point: no theorem can promise less."""
        return self._column(lambda sides: sides.attained)

    @property
    def certified(self) -> Array:
        """What a certificate proves at every point, inf without one."""
        return self._column(lambda sides: np.inf if sides.certified is None else sides.certified)

    @property
    def tight(self) -> Numbers:
        """True where attained and certified meet."""
        low, high = self.attained, self.certified
        return (high - low <= TIGHT_GAP * (1 - low)) & (earned(self) and not altered())

    def _column(self, read: Callable[[Sides], float]) -> Array:
        out, points = np.full(self.shape, np.nan), self._found_points()
        for place in points.asked:
            if place not in self.errors:
                out[place] = read(points.sides(place))
        points.forget_where_altered()
        return out

    def _found_points(self) -> _Points:
        """Out of reach of attributes: others have other rates."""
        return remembered(self, _Points, _typed)


def _typed() -> _Points:
    raise InvalidParameter("these rates were typed or changed: ct.tight_rates(...) computes them")


def _least(values: Numbers) -> str:
    return f"{float(values.min()):.6g}"


def _most(values: Numbers) -> str:
    return f"{float(values.max()):.6g}"


@at_the_door(method=a_name_or_method)
def tight_rates(
    method: object,
    *,
    mu: Number,
    L: Number,
    delta: Number | None = None,
    omega: Number | None = None,
    eta: Number | None = None,
    n: Number = 1,
    gamma: Number | None = None,
    alpha: Number | None = None,
    p: Number | None = None,
    lam: Number | None = None,
    nu: Number | None = None,
    delta_down: Number | None = None,
    omega_down: Number | None = None,
    **parameters: Number,
) -> TightRates:
    """`tight_rate` over a grid: every constant and parameter a number or an array, broadcast against one another.

    Closed forms are evaluated on the whole grid at once; where only an LMI is known the points of the last axis are
    solved one after another, each from its neighbours' certificates, so put the constant that moves least from point
    to point last. Tight or upper, standing and source: as for `tight_rate`, of each point.

    Raises InvalidParameter for a method that is none, shapes that do not broadcast, and where no point at all is
    within its rules (then with the line of the first); an error at some points is kept in `.errors`.
    """
    named: dict[str, Any] = {"alpha": alpha, "p": p, "lam": lam, "nu": nu, **parameters}
    down = {"delta_down": delta_down, "omega_down": omega_down}
    given = {
        "mu": mu,
        "L": L,
        "delta": delta,
        "omega": omega,
        "eta": eta,
        "n": n,
        "gamma": gamma,
        **named,
        **down,
    }
    check_instance(method, heard=any(v is not None for v in down.values()))
    points = _Points(method, asked_for(method).name, _broadcast(given), tuple(named))
    if points.asked == {}:
        raise InvalidParameter(next(iter(points.errors.values())))
    # What is computed again later, by pickles too, is asked with the columns: arrays that were given may change.
    return points.rates(((method,), {k: points.columns.get(k) for k in given}))


def _broadcast(given: Mapping[str, Any]) -> dict[str, Numbers]:
    """What is given, as arrays of one shape of at least one axis; InvalidParameter where there is none."""
    for k in ("mu", "L", "n"):
        if given[k] is None:
            raise InvalidParameter(f"{k}=None must be a number or an array of them")
    held = {k: np.array(v) for k, v in given.items() if v is not None}
    for k, v in held.items():
        if v.dtype.kind not in "iufO" or v.size == 0:
            raise InvalidParameter(f"{k}={given[k]!r} must be a real number or an array of them")
    try:
        shape = np.broadcast_shapes((1,), *(v.shape for v in held.values()))
    except ValueError:
        shapes = ", ".join(f"{k}: {v.shape}" for k, v in held.items() if v.ndim)
        raise InvalidParameter(
            f"shapes={shapes} do not broadcast: give each constant an axis of its own"
        ) from None
    return {k: np.broadcast_to(v, shape) for k, v in held.items()}


@dataclass(frozen=True)
class _Asked:
    """One point: its question, parameters, and the step where one is given."""

    q: Question
    params: Mapping[str, Number]
    gamma: Number | None


@dataclass(frozen=True)
class _Solved:
    """One point once it is solved; closed: the rate in closed form, where it is one."""

    q: Question
    gamma: Number
    params: Mapping[str, Number]
    closed: Number | None
    sides: Sides


class _Points:
    """The points of a grid: what is asked at each, the closed forms of all, and each one's answer when it is wanted."""

    def __init__(
        self, method: object, name: str, columns: Mapping[str, Numbers], named: tuple[str, ...]
    ) -> None:
        self.method, self.name, self.columns, self.named = method, name, columns, named
        self.shape: Place = next(iter(columns.values())).shape
        self.asked: dict[Place, _Asked] = {}
        self.errors: dict[Place, str] = {}
        self.closed: dict[Place, tuple[float, float]] = {}
        self.solved: dict[Place, _Solved] = {}
        self.made: dict[Place, TightRate] = {}
        for place in np.ndindex(self.shape):
            try:
                self.asked[place] = self._ask(self.given(place))
            except FAILED as error:
                self.errors[place] = _line(error)
        self._close()

    def given(self, place: Place) -> dict[str, Any]:
        """The arguments of the single call."""
        found = {k: v[place] for k, v in self.columns.items()}
        return {k: v.item() if isinstance(v, np.generic) else v for k, v in found.items()}

    def _ask(self, given: Mapping[str, Any]) -> _Asked:
        """As the single call asks: by the same rules, in the same words."""
        for k, rule in RULES.items():
            if k in given and (wanted := rule(given[k])):
                raise InvalidParameter(f"{k}={given[k]} must be {wanted}")
        gamma = given.get("gamma")
        if gamma is not None and not 0 < gamma < float("inf"):
            raise InvalidParameter(f"gamma={gamma} must be a positive step size")
        mu, L, delta, omega, eta = (given.get(k) for k in CONSTANTS[:5])
        own = {k: given.get(k) for k in self.named}
        down = (given.get("delta_down"), given.get("omega_down"))
        q, params, instance = body_asked(
            self.method,
            mu,
            L,
            delta=delta,
            omega=omega,
            eta=eta,
            n=given.get("n", 1),
            given=own,
            down=down,
            bounded=True,
        )
        return _Asked(q, params, gamma if gamma is not None else instance)

    def _close(self) -> None:
        """Closed forms of all points that have one, evaluated on columns."""
        groups: dict[tuple[Known, tuple[str, ...], bool], list[Place]] = {}
        for place, asked in self.asked.items():
            if asked.q.known is not None:
                held = tuple(k for k in CONSTANTS if getattr(asked.q, k) is not None)
                groups.setdefault((asked.q.known, held, asked.gamma is None), []).append(place)
        for (known, held, best), places in groups.items():
            self._on_columns(known, held, best, places)

    def _on_columns(self, known: Known, held: tuple[str, ...], best: bool, places: list[Place]) -> None:
        """(step, rate) of these points; where the form branches and they do not agree, of one half and the other."""
        asked = [self.asked[p] for p in places]
        values = {k: _column([getattr(a.q, k) for a in asked]) for k in (*held, "n")}
        q = replace(asked[0].q, **values)
        params = {k: _column([a.params[k] for a in asked]) for k in asked[0].params}
        gamma = None if best else _column([a.gamma for a in asked])
        try:
            found = closed_columns(known, q, params, gamma)
        except Mixed:
            half = len(places) // 2
            self._on_columns(known, held, best, places[:half])
            self._on_columns(known, held, best, places[half:])
            return
        if found is not None:
            steps, rates, fits = (np.broadcast_to(v, len(places)).tolist() for v in found)
            self.closed |= {p: (s, r) for p, s, r, fit in zip(places, steps, rates, fits, strict=True) if fit}

    def found(self, place: Place) -> TightRate:
        """The TightRate of a point, made when it is first asked for."""
        if not earned(self.made.get(place)):
            answer = self._solved(place)
            found = answered(answer.q, answer.gamma, answer.params, answer.closed, answer.sides)
            self.made[place] = made(found, (tight_rate, (self.method,), self.given(place)))
            if not earned(found):
                del self.solved[place]
        return self.made[place]

    def forget_where_altered(self) -> None:
        """What was solved while something of the package is replaced."""
        if altered():
            self.solved.clear()

    def sides(self, place: Place) -> Sides:
        """What is attained and what is certified at a point."""
        return self._solved(place).sides

    def _solved(self, place: Place, warm: Warm | None = None) -> _Solved:
        """Step and both sides of a point: from its neighbours where a path is walked."""
        # What is given out holds parts of the answers: one that was changed inside is asked and solved again.
        if not earned(self.solved.get(place)):
            asked = self._ask(self.given(place))
            q, params, gamma = asked.q, asked.params, asked.gamma
            if gamma is None:
                plain = warm is None or not q.kind.signature.takes_gamma or _knows_best(q, params)
                gamma = best_step(q, params) if plain or warm is None else warm.step(q, params)
            closed = closed_rate(q, gamma, params, asked.gamma is None)
            search, full = (None, False) if warm is None else (warm.searched, warm.full)
            sides = sides_of(q, gamma, params, closed, search, full)
            self.solved[place] = kept(_Solved(q, gamma, params, closed, sides))
        return self.solved[place]

    def walked(self) -> Iterator[tuple[Place, Warm]]:
        """Points without a closed form, every other row backwards, so that each is next to the one before."""
        warm = Warm(searched)
        for row, before in enumerate(np.ndindex(self.shape[:-1])):
            warm.turn()
            along = range(self.shape[-1])
            for i in along if row % 2 == 0 else reversed(along):
                place = (*before, i)
                warm.place += 1.0
                if place in self.asked and place not in self.closed:
                    yield place, warm

    def rates(self, origin: tuple[tuple[Any, ...], dict[str, Any]]) -> TightRates:
        """The result: closed forms as they are, the others solved along their path."""
        rho, steps = np.full(self.shape, np.nan), np.full(self.shape, np.nan)
        for place, (step, rate) in self.closed.items():
            steps[place], rho[place] = step, rate
        for place, warm in self.walked():
            try:
                found = self._solved(place, warm)
            except FAILED as error:
                self.errors[place] = _line(error)
            else:
                certified = found.sides.certified
                told = found.closed if found.closed is not None else certified
                steps[place], rho[place] = float(found.gamma), np.inf if told is None else float(told)
        closed = np.zeros(self.shape, dtype=bool)
        closed[tuple(np.array(list(self.closed), dtype=int).reshape(-1, len(self.shape)).T)] = True
        for place, found in self.solved.items():
            closed[place] = found.closed is not None
        result = TightRates(
            self.name,
            rho,
            steps,
            params=self._params(),
            constants={k: v.copy() for k, v in self.columns.items()},
            closed_form=closed,
            errors=dict(sorted(self.errors.items())),
        )
        seal(result)
        remembered(result, _Points, lambda: self)
        self.forget_where_altered()
        return made(result, (tight_rates, *origin))

    def _params(self) -> dict[str, Array]:
        out: dict[str, Array] = {}
        for place, asked in self.asked.items():
            for k, v in asked.params.items():
                name = asked.q.kind.planned.get(k, k)
                out.setdefault(name, np.full(self.shape, np.nan))[place] = float(v)
        return out


def _knows_best(q: Question, params: Mapping[str, Number]) -> bool:
    return q.known is not None and q.known.best(q)[1] == params


def _line(error: BaseException) -> str:
    """The error's own words, with its class where it is none of the package's."""
    return str(error) if isinstance(error, CompthError) else f"{type(error).__name__}: {error}"


class Mixed(ValueError):
    """A condition that holds at some points of a column and not at others."""


class Column(np.ndarray):
    """An array that a closed form may branch on: a condition that all its points share is one truth value.

    Raises Mixed where they do not.
    """

    def __bool__(self) -> bool:
        first = bool(self.flat[0]) if self.size else False
        if bool(np.any(np.asarray(self, dtype=bool) != first)):
            raise Mixed("the points do not agree")
        return first


def _column(values: list[Any]) -> Any:
    return np.array([float(v) for v in values]).view(Column)


def closed_columns(
    known: Known, q: Question, params: Mapping[str, Any], gamma: Any
) -> tuple[Any, Any, Any] | None:
    """(step, rate, where it is a closed form) of a question whose constants are columns; None where none is known.

    gamma=None: the best step, with the parameters that go with it; at given ones only a rate that is tight at any.
    """
    if known.tight_everywhere and known.everywhere is not None:
        step = known.best(q)[0] if gamma is None else gamma
        rate = known.everywhere(q, step, params)
        return None if rate is None else (step, rate, True)
    if gamma is not None:
        return None
    step, own = known.best(q)
    alike = np.all([np.equal(own[k], params[k]) for k in own], axis=0) if own else True
    return (step, known.factor(q), alike) if set(own) == set(params) else None
