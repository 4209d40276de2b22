"""The laws against the program: real runs must give one of the predicted values, about as often as predicted.

A trace in real arithmetic speaks of a float64 program only where the two do not part: norms that overflow,
integer casts that wrap, exponents that underflow are seen here, at inputs of every magnitude.

What may be changed: more runs, and faster tables. What must not: tolerances are rounding alone (`AGREES`
relative to the entry, its output and the unit), and a run that fails is never skipped.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from compth._types import Array, Json
from compth.certification import evalues
from compth.certification.cells.bounds import Group
from compth.certification.cells.evaluation import Chart
from compth.certification.cells.laws import Piece
from compth.certification.cells.scripted import draw_errors_raised, scripted
from compth.certification.cells.visits import Visit
from compth.certification.subject import Subject
from compth.certification.traced import AGREES, LEVEL, RUNS, inputs
from compth.certification.tracer import Strange
from compth.proof.algebra import Rational

Counts = NDArray[np.int64]
Truths = NDArray[np.bool_]
TOGETHER = 4096
"""Entries of outputs that are compared at once."""
NOTHING = Rational(())
NEAR = 1e-9
"""How far outside a cell a float counts as inside: on a border both neighbours may be what the program does."""


class Table:
    """All laws of one entry in floats: cells and outcomes as rows, to be asked at many inputs at once.

    Outcomes of all cells are rows: `cell` says to which cell each belongs.
    """

    def __init__(self, charts: tuple[tuple[Piece, ...], ...]) -> None:
        cells = [(k, p.cell) for k, pieces in enumerate(charts) for p in pieces]
        self.chart = np.array([k for k, _ in cells])
        self.low = np.array([float(c.low) for _, c in cells])
        self.high = np.array([float(c.high) for _, c in cells])
        # Two levels of rows: cells, and the outcomes on each.
        outcomes = [(n, o) for n, p in enumerate(p for pieces in charts for p in pieces) for o in p.outcomes]
        self.cell = np.array([n for n, _ in outcomes])
        self.point = np.array([o.value.b is None for _, o in outcomes])
        # A point outcome has no interval; any function stands in its place and is not read.
        ends = [o.interval or (o.weight, o.weight) for _, o in outcomes]
        self.weight = Curves([o.weight for _, o in outcomes])
        self.a = Curves([o.value.a for _, o in outcomes])
        self.b = Curves([o.value.b or NOTHING for _, o in outcomes])
        self.start, self.end = Curves([e[0] for e in ends]), Curves([e[1] for e in ends])

    def near(self, chart: Counts, t: Array, slack: Array) -> Truths:
        """(inputs, cells): True for t in the cell or next to it."""
        t, slack = t[:, None], slack[:, None]
        found: Truths = (self.low - slack <= t) & (t <= self.high + slack) & (chart[:, None] == self.chart)
        return found

    def errors(self, rows: Counts, t: Array) -> tuple[Array, Array]:
        """The least and the largest error of these outcomes, each at its t: a(t) + b(t) u on the interval of u."""
        a, b = self.a.at(rows, t), self.b.at(rows, t)
        # a + b u is linear in u: its extremes on an interval are at the ends.
        one, two = (np.where(self.point[rows], a, a + b * u.at(rows, t)) for u in (self.start, self.end))
        return np.minimum(one, two), np.maximum(one, two)


class Curves:
    """Rational functions, one a row, in floats."""

    def __init__(self, listed: list[Rational]) -> None:
        self.num, self.den = _padded([f.num for f in listed]), _padded([f.den for f in listed])

    def at(self, rows: Counts, t: Array) -> Array:
        """f(t) of each row at its own t; infinite at a pole."""
        # Horner's rule, all rows at once, from the leading coefficient down.
        top, bottom = np.zeros(len(t)), np.zeros(len(t))
        for c in self.num[::-1]:
            top = top * t + c[rows]
        for c in self.den[::-1]:
            bottom = bottom * t + c[rows]
        return np.where(bottom == 0, np.inf, top / np.where(bottom == 0, 1.0, bottom))


def _padded(listed: list[tuple[Fraction, ...]]) -> Array:
    """(degree + 1, rows) coefficients."""
    out = np.zeros((max(map(len, listed), default=0), len(listed)))
    for k, coefficients in enumerate(listed):
        out[: len(coefficients), k] = [float(c) for c in coefficients]
    return out


class Laws:
    """All laws of one trace, to be asked what the entries of x may become."""

    def __init__(self, charts: list[Chart], groups: list[Group], members: list[list[int]]) -> None:
        self.charts = charts
        self.tables = [Table(g.charts) for g in groups]
        self.members = members
        self.group = {i: k for k, listed in enumerate(members) for i in listed}

    def unit(self, x: Array) -> float:
        """The norm that is the unit, 1 where it is none."""
        order = self.charts[0].order
        return float(np.linalg.norm(x, {"1": 1, "2": 2, "inf": np.inf}[order])) if order else 1.0

    def place(self, v: Array, unit: Array) -> tuple[Counts, Array, Array]:
        """(chart, t, unit) of each entry."""
        first, one = self.charts[0], np.ones(len(v))
        if first.order:
            return np.zeros(len(v), dtype=int), v / unit, unit
        if first.octave:
            # Charts of octaves in the order of `stage.octaves`: positive, negative, 0.
            mantissa, exponent = np.frexp(v)
            return np.where(v == 0, 2, np.where(v > 0, 0, 1)), mantissa, np.ldexp(1.0, exponent)
        if len(self.charts) == 3:
            step, far = float(self.charts[1].lattice), np.abs(v) > float(first.high)
            chart = np.where(far, np.where(v > 0, 1, 2), 0)
            return chart, np.where(far, v / step - np.floor(v / step), v), one
        return np.zeros(len(v), dtype=int), v, one

    @np.errstate(all="ignore")  # what is beyond the largest float is not admitted
    def admit(self, x: Array, y: Array) -> Truths:
        """Of each row whether every entry of x may become that of y.

        (inputs,) truths. The unit of a row is its norm; the input 0 must give 0.
        """
        unit = np.array([self.unit(row) for row in x])
        nought = unit == 0  # the input 0, which was traced apart
        fine: Truths = ~nought | ~y.any(axis=1)
        rows = np.flatnonzero(~nought)
        for table, listed in zip(self.tables, self.members, strict=True):
            at = np.repeat(rows, len(listed))
            v, w = x[rows][:, listed].ravel(), y[rows][:, listed].ravel()
            fine[at[~self._admitted(table, v, w, unit[at])]] = False
        return fine

    def _admitted(self, table: Table, v: Array, y: Array, unit: Array) -> Truths:
        """Of each entry whether v may become y."""
        octave = self.charts[0].octave
        chart, t, size = self.place(v, unit)
        # t of a float is rounded: beside a border the neighbouring cell's law may be what the program does.
        slack = NEAR * (np.ones(len(t)) if octave else 1 + np.abs(t))
        tolerance = AGREES * (np.abs(v) + np.abs(y) + (unit if self.charts[0].order else 0.0))
        near = table.near(chart, t, slack)
        if not octave and chart.any():  # a lattice's cells join end to end
            beside = table.near(chart, t - 1, slack) | table.near(chart, t + 1, slack)
            near |= beside & (chart > 0)[:, None]
        at, rows = np.nonzero(near[:, table.cell])
        low, high = table.errors(rows, t[at])
        error, room = (y - v)[at], tolerance[at]
        meets = (low * size[at] - room <= error) & (error <= high * size[at] + room)
        found = np.zeros(len(v), dtype=bool)
        found[at[meets]] = True
        return found

    @np.errstate(all="ignore")
    def expected(self, i: int, v: float, unit: float) -> list[tuple[float, float]] | None:
        """(probability, y) of each outcome at a v inside a cell; None where outcomes are no points."""
        table = self.tables[self.group[i]]
        chart, t, size = self.place(np.array([v]), np.array([unit]))
        # Strictly inside one cell: on a border two laws might hold.
        inside = (table.chart == chart) & (table.low < t) & (t < table.high)
        if not inside.any():
            return None
        rows = np.flatnonzero(table.cell == inside.argmax())
        if not table.point[rows].all():
            return None
        many = np.repeat(t, len(rows))
        values = v + table.errors(rows, many)[0] * size
        return list(zip(table.weight.at(rows, many).tolist(), values.tolist(), strict=True))


def agree(subject: Subject, d: int, laws: Laws, listed: list[Visit]) -> None:
    """Raises Strange where a real run is not what the laws say."""
    _run(subject, d, listed, laws.admit)
    _same_frequencies(subject, d, laws)


def agree_by_ranks(subject: Subject, d: int, case: Json, listed: list[Visit]) -> None:
    """Raises Strange where a real run of a selection, without zeros in x, is none of the outcomes of its ranks."""
    allowed = [[(law["sign"], np.diff([0.0, *map(_float, o["error"])])) for law in laws for o in law["outcomes"]]
               for laws in case["entries"]]  # fmt: skip

    def check(x: Array, y: Array) -> bool:
        """Every entry's error must be one of those of a rank that ties allow it."""
        if not x.all():
            return True
        sizes = np.abs(x)
        order, z = np.argsort(-sizes, kind="stable"), np.sort(sizes)[::-1]
        ranks = np.empty(d, dtype=int)
        ranks[order] = np.arange(d)
        for i in range(d):
            # Magnitudes that are equal up to rounding may have each other's rank.
            tied = np.flatnonzero(np.abs(z - sizes[i]) <= NEAR * sizes[i])
            found = [e @ z for r in {*tied, ranks[i]} for s, e in allowed[r] if s * x[i] > 0]
            if not any(abs(y[i] - x[i] - e) <= AGREES * (sizes[i] + abs(y[i]) + z[0]) for e in found):
                return False
        return True

    _run(subject, d, listed, lambda x, y: np.array([check(*pair) for pair in zip(x, y, strict=True)]))


def _run(subject: Subject, d: int, listed: list[Visit], check: Callable[[Array, Array], Truths]) -> None:
    """The program on inputs of every magnitude, and where the trace has borders, ways and outcomes."""
    runs: list[tuple[Array, Array]] = []
    for at, visit in enumerate([*map(Visit, inputs(d)), *listed]):
        rng = scripted(visit.script, at) if visit.script else np.random.default_rng([at])
        try:
            # What is raised inside a chosen draw must not be lost in C.
            with draw_errors_raised():
                out = subject.program(visit.x.copy(), rng)
        except Exception as problem:
            _compared(runs, check)
            raise Strange(f"a real run fails: {type(problem).__name__}: {str(problem)[:80]}") from None
        y = np.array(out, dtype=np.float64)
        if y.shape != (d,) or not np.isfinite(y).all():
            _compared(runs, check)
            raise Strange(_other(visit.x))
        runs.append((visit.x, y))
        if len(runs) * d >= TOGETHER:
            _compared(runs, check)
    _compared(runs, check)


def _compared(runs: list[tuple[Array, Array]], check: Callable[[Array, Array], Truths]) -> None:
    """Raises Strange where one of these runs is not what the laws say, and forgets them."""
    if runs:
        x, y = (np.array(part) for part in zip(*runs, strict=True))
        runs.clear()
        fine = check(x, y)
        if not fine.all():
            raise Strange(_other(x[fine.argmin()]))


def _other(x: Array) -> str:
    """The refusal at this input."""
    return f"a real run at {_shown(x)} is none of the traced outcomes"


def _shown(x: Array) -> str:
    """The first entries of an input."""
    return f"x = {np.array2string(x[:4], precision=17, separator=', ')}{' ...' if len(x) > 4 else ''}"


def _float(text: str) -> float:
    """A number of a certificate."""
    return float(Fraction(text))


def _same_frequencies(subject: Subject, d: int, laws: Laws) -> None:
    """At one generic input the outcomes of the first and the last entry must come as often as predicted."""
    x = np.random.default_rng(37).normal(size=d)
    unit, rng = laws.unit(x), np.random.default_rng(41)
    real = np.array([np.asarray(subject.program(x.copy(), rng), dtype=np.float64) for _ in range(RUNS)])
    for i in {0, d - 1}:
        law = laws.expected(i, float(x[i]), unit)
        if law is None:
            continue
        # Outcomes with one value are one; the test is an e-value, so that LEVEL bounds the chance of a
        # false alarm.
        merged: dict[float, float] = {}
        for p, y in law:
            merged[round(y, 9)] = merged.get(round(y, 9), 0.0) + p
        places, chances = np.array(list(merged)), np.array(list(merged.values()))
        nearest = np.abs(real[:, i, None] - places[None, :]).argmin(axis=1)
        counts = np.bincount(nearest, minlength=len(places)).astype(float)
        if len(places) > 1 and evalues.same_law(counts, chances / chances.sum()) > LEVEL:
            raise Strange(f"entry {i} of real draws has another law than the traced one")
