"""Warm starts along a grid of constants: what the last points' certificates say of the next one.

A certificate of a point is (V, multipliers, share), rho = attained + share (1 - attained). Along a smooth path all
three are smooth, so that their continuation through the last solved points is a certificate of the next point to third
order. It is not believed: it is rounded and checked in exact arithmetic like any other, and where that fails the LMI
is solved. Whatever this room does, a rate that it returns is certified; what it may lose is tightness, and no more
than TOLERANCE.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from compth._numbers import Number
from compth.worst_case.model import Model, pair_of
from compth.worst_case.question import Question
from compth.worst_case.rational import RateCertificate, certificate_at, rounded_certificate, spelled
from compth.worst_case.solver import Pencil, Solution
from compth.worst_case.tight_radius import attained_by
from compth.worst_case.tight_step import searched_step, settled_step

if TYPE_CHECKING:
    from compth._types import Array

TOLERANCE = 1e-5
"""How far above the rate of a single call a warm one may lie, relative to 1 - rho: what counts as tight."""
NEAR = TOLERANCE / 2
"""The share at which a point is tried whose neighbour was tight."""
SHARES = (NEAR, NEAR / 4, NEAR / 32, NEAR / 256)
"""Shares at which it is solved in turn: one may fail by the solver's error where a smaller one does not."""
CLOSED_IN = TOLERANCE / 4
"""Width of the last bracket of a share that is not 0."""
MOST = 0.995
"""Shares beyond which no certificate is looked for: rho is then 1 for what it is worth."""
SPAN = 3
"""Points through which certificates are continued: more would carry the solver's errors further than they help."""
MISSES, RETRIED = 3, 16
"""After so many continued certificates that failed in a row, one is tried at every so many points alone."""
EVALUATIONS = 12
"""Rates asked for in a search for a step near the neighbours' one."""
APART = 0.05
"""Least half width, in log gamma, of such a search."""
INSIDE = 0.9
"""Share of its half width beyond which what is found may be an end and no minimum."""

Cold = Callable[[Question, Fraction, Mapping[str, Fraction], float], RateCertificate | None]


@dataclass(frozen=True)
class _Left:
    """What a solved point leaves: its place, its share, and V and multipliers in units of L = 1."""

    place: float
    share: float
    margin: float
    numbers: Array
    full: bool


class Warm:
    """Certificates and steps along one path.

    reused, solved, anew: how many points took no solve, a few around what was expected, and a search of their own.
    """

    def __init__(self, cold: Cold) -> None:
        self.cold = cold
        self.place = 0.0
        self.names: tuple[tuple[str, ...], tuple[str, ...]] = ((), ())
        self.left: list[_Left] = []
        self.steps: list[tuple[float, float]] = []
        self.reused = self.solved = self.anew = self.missed = 0

    @property
    def full(self) -> bool:
        """Whether the last certificate was of the full Model."""
        return bool(self.left) and self.left[-1].full

    def turn(self) -> None:
        """The path bends here: the last point stays a neighbour, what came before it says nothing of the direction."""
        self.left, self.steps = self.left[-1:], self.steps[-1:]

    def searched(
        self, q: Question, step: Fraction, fixed: Mapping[str, Fraction], rate: float
    ) -> RateCertificate | None:
        """About the least certified rate: continued from the last points where that holds, else searched for anew."""
        found = self._continued(q, step, fixed, rate) if self.left else None
        if found is None:
            self.anew += 1
            found = self.cold(q, step, fixed, rate)
            self._keep(found, q, rate)
        return found

    def _continued(
        self, q: Question, step: Fraction, fixed: Mapping[str, Fraction], rate: float
    ) -> RateCertificate | None:
        model = q.model(step, fixed, full=self.full)
        if (
            tuple(model.now),
            tuple(model.known),
        ) != self.names:  # another structure: a message that arrives as it was
            self.left = []
            return None
        if self.left[-1].share > TOLERANCE:
            return self._around(q, model, rate)
        # Where the last point was tight this one is tried at once at a share that still counts as tight.
        # There the LMI has an interior of that size, in which the continued certificate has room to be a
        # little wrong.
        rho = Fraction(rate) + Fraction(NEAR) * (1 - Fraction(rate))
        pencil = Pencil(model)
        if self.missed < MISSES or self.place % RETRIED == 0:
            found = rounded_certificate(pencil, rho, self._told())
            if found is not None:
                self.reused, self.missed = self.reused + 1, 0
                return found
            self.missed += 1
        for share in SHARES:
            found = certificate_at(model, Fraction(rate) + Fraction(share) * (1 - Fraction(rate)), pencil)
            if found is not None:
                self.solved += 1
                self._keep(found, q, rate)
                break
        return found

    def _around(self, q: Question, model: Model, rate: float) -> RateCertificate | None:
        """A share that is not 0: a bracket around where it is continued to, closed in on by halves."""
        guess = float(self._through([left.share for left in self.left[-2:]]))
        width = max(2 * CLOSED_IN, abs(guess - self.left[-1].share) / 4)
        found = certified_near(model, rate, guess, width, CLOSED_IN)
        if found is not None:
            self.solved += 1
            self._keep(found, q, rate)
        return found

    def _told(self) -> Solution:
        """V and multipliers continued to this place."""
        numbers = self._through([left.numbers for left in self.left])
        v, multipliers = self.names
        return Solution(
            self.left[-1].margin / 2,
            dict(zip(v, numbers[: len(v)].tolist(), strict=True)),
            dict(zip(multipliers, numbers[len(v) :].tolist(), strict=True)),
            "continued",
        )

    def _through(self, values: list[Array] | list[float]) -> Array:
        """The polynomial through the last values at their places, at this one."""
        places = [left.place for left in self.left[-len(values) :]]
        return _polynomial(places, values, self.place)

    def _keep(self, found: RateCertificate | None, q: Question, rate: float) -> None:
        """Leave a solved certificate to the next points; one of a wider class says nothing of how V moves."""
        if found is None or found.model.constants["mu"] != q.mu:
            self.left = []
            return
        names = tuple(found.model.now), tuple(found.model.known)
        if names != self.names:
            self.names, self.left = names, []
        pencil = Pencil(found.model)
        entries = [*found.v.items(), *found.multipliers.items()]
        numbers = np.array([float(x * pencil.worth(k)) for k, x in entries])
        margin = 4 * float(found.scale * pencil.worth("normal"))
        share = float((found.rho - Fraction(rate)) / (1 - Fraction(rate)))
        full = is_full(found.model)
        self.left = [*self.left, _Left(self.place, share, margin, numbers, full)][-SPAN:]

    def step(self, q: Question, params: Mapping[str, Number]) -> float:
        """The step of least rate: looked for around where the last ones are continued to, else everywhere."""
        rational, fixed = q.rational(), {k: spelled(v) for k, v in params.items()}
        found = settled_step(rational, fixed)
        if found is None and self.steps:
            found = self._step_nearby(rational, fixed)
        gamma = searched_step(q, params) if found is None else found
        self.steps = [*self.steps, (self.place, float(np.log(gamma * float(q.L))))][-2:]
        return gamma

    def _step_nearby(self, q: Question, fixed: Mapping[str, Fraction]) -> float | None:
        """The minimum of certified rates in a narrow bracket; None where it lies at an end of it."""
        from scipy.optimize import minimize_scalar

        places, logs = zip(*self.steps, strict=True)
        middle = float(_polynomial(list(places), list(logs), self.place))
        half = max(APART, 2 * abs(middle - logs[-1]))
        share = [self.left[-1].share if self.left else NEAR]

        def rate(log_step: float) -> float:
            """Certified, with the share of the step asked last for a guess; above 1 without a certificate."""
            model = q.model(spelled(float(np.exp(log_step)) / float(q.L)), fixed)
            attained = attained_by(model)[0]
            found = (
                certified_near(model, attained, share[0], share[0] / 8 + 1e-4, 1e-4) if attained < 1 else None
            )
            if found is None:
                return 2.0 + attained
            share[0] = float((found.rho - Fraction(attained)) / (1 - Fraction(attained)))
            return float(found.rho)

        found = minimize_scalar(
            rate,
            bounds=(middle - half, middle + half),
            method="bounded",
            options={"maxiter": EVALUATIONS, "xatol": 1e-3},
        )
        inside = found.fun < 1 and abs(found.x - middle) < INSIDE * half
        return float(np.exp(found.x)) / float(q.L) if inside else None


def _polynomial(places: list[float], values: list[Array] | list[float], at: float) -> Array:
    """Lagrange's polynomial through the values at these places."""
    total = np.zeros_like(np.asarray(values[0], dtype=float))
    for i, (place, value) in enumerate(zip(places, values, strict=True)):
        others = [p for j, p in enumerate(places) if j != i]
        total = total + np.prod([(at - p) / (place - p) for p in others]) * np.asarray(value)
    return total


def is_full(model: Model) -> bool:
    """True for a Model whose V sees more than what determines the rest on a quadratic: f - f* or x+."""
    return any(k == "f" or not set(pair_of(k)) <= set(model.free) for k in model.now)


def certified_near(
    model: Model, lower: float, guess: float, width: float, accuracy: float
) -> RateCertificate | None:
    """The least certified rho = lower + share (1 - lower), the share to `accuracy`, looked for around a guess.

    A passing end and a failing one are pushed outward, four times as far each time, and then halved between; a share
    of 0 counts as failing. None where nothing is certified below 1.
    """
    pencil, start, gap = Pencil(model), Fraction(lower), 1 - Fraction(lower)

    def at(share: float) -> RateCertificate | None:
        return certificate_at(model, start + Fraction(share) * gap, pencil)

    failed, passed, more, best = 0.0, max(guess + width, accuracy), width, None
    while best is None and passed < MOST:
        best = at(passed)
        if best is None:
            failed, more = passed, 4 * more
            passed = min(passed + more, (1 + passed) / 2)
    if best is None:
        return None
    down = max(guess - width, 0.0) if failed == 0 else failed
    while down > failed:
        lower_still = at(down)
        if lower_still is None:
            failed = down
            break
        passed, best, more = down, lower_still, 4 * more
        down = max(down - more, 0.0)
    while passed - failed > accuracy:
        middle = (failed + passed) / 2
        better = at(middle)
        failed, passed, best = (middle, passed, best) if better is None else (failed, middle, better)
    return best
