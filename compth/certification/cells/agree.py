"""The laws against the program: real runs must give one of the predicted values, about as often as predicted.

A trace in real arithmetic speaks of a float64 program only where the two do not part: norms that overflow, integer
casts that wrap, exponents that underflow are seen here, at inputs of every magnitude.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from compth.certification import evalues
from compth.certification.cells.bounds import Group
from compth.certification.cells.evaluation import Chart
from compth.certification.cells.laws import Piece
from compth.certification.cells.scripted import heard, scripted
from compth.certification.cells.visits import Visit
from compth.certification.subject import Subject
from compth.certification.traced import AGREES, LEVEL, RUNS, inputs
from compth.certification.tracer import Strange
from compth.proof.algebra import Rational

Array = NDArray[np.float64]
NEAR = 1e-9
"""How far outside a cell a float counts as inside: on a border both neighbours may be what the program does."""


@dataclass
class Law:
    """A piece in floats: the ends of its cell, and of each outcome weight, error and draw as functions of t."""

    piece: Piece

    def __post_init__(self) -> None:
        self.low, self.high = float(self.piece.cell.low), float(self.piece.cell.high)
        self.outcomes = [
            (o.weight, o.value.a, o.value.b, o.interval or (o.weight, o.weight)) for o in self.piece.outcomes
        ]

    def holds(self, t: float, slack: float) -> bool:
        """True for t in the cell or next to it."""
        return self.low - slack <= t <= self.high + slack

    def errors(self, t: float) -> list[tuple[float, float, float]]:
        """(probability, least error, largest error) of each outcome at t."""
        out = []
        for weight, a, b, (start, end) in self.outcomes:
            ends = [_at(a, t)] * 2 if b is None else [_at(a, t) + _at(b, t) * _at(e, t) for e in (start, end)]
            out.append((_at(weight, t), min(ends), max(ends)))
        return out


def _at(f: Rational, t: float) -> float:
    top = bottom = 0.0
    for c in reversed(f.num):
        top = top * t + float(c)
    for c in reversed(f.den):
        bottom = bottom * t + float(c)
    return top / bottom if bottom else math.inf


class Laws:
    """All laws of one trace, to be asked what an entry of x may become."""

    def __init__(self, charts: list[Chart], groups: list[Group], members: list[list[int]]) -> None:
        self.charts = charts
        self.laws = [[[Law(p) for p in chart] for chart in g.charts] for g in groups]
        self.group = {i: k for k, listed in enumerate(members) for i in listed}

    def unit(self, x: Array) -> float:
        """The norm that is the unit, 1 where it is none."""
        order = self.charts[0].order
        return float(np.linalg.norm(x, {"1": 1, "2": 2, "inf": np.inf}[order])) if order else 1.0

    def place(self, v: float, unit: float) -> tuple[int, float, float]:
        """(chart, t, unit) of an entry."""
        first = self.charts[0]
        if first.order:
            return 0, v / unit, unit
        if first.octave:
            mantissa, exponent = math.frexp(v)
            return (2 if v == 0 else 0 if v > 0 else 1), mantissa, math.ldexp(1.0, exponent)
        if len(self.charts) == 3 and abs(v) > float(first.high):
            step = float(self.charts[1].lattice)
            return (1 if v > 0 else 2), v / step - math.floor(v / step), 1.0
        return 0, v, 1.0

    def admits(self, i: int, v: float, y: float, unit: float, scale: float) -> bool:
        """True where x_i = v may become y."""
        chart, t, size = self.place(v, unit)
        slack = NEAR * (1 + abs(t)) if not self.charts[0].octave else NEAR
        tolerance = AGREES * (abs(v) + abs(y) + scale)
        cells = self.laws[self.group[i]][chart]
        near = [law for law in cells if law.holds(t, slack)]
        if chart and not self.charts[0].octave:  # a lattice's cells join end to end
            near += [law for law in cells if law.holds(t - 1, slack) or law.holds(t + 1, slack)]
        found = [e for law in near for e in law.errors(t)]
        return any(lo * size - tolerance <= y - v <= hi * size + tolerance for _, lo, hi in found)

    def expected(self, i: int, v: float, unit: float) -> list[tuple[float, float]] | None:
        """(probability, y) of each outcome at a v inside a cell; None where outcomes are no points."""
        chart, t, size = self.place(v, unit)
        law = next((w for w in self.laws[self.group[i]][chart] if w.low < t < w.high), None)
        if law is None or any(b is not None for _, _, b, _ in law.outcomes):
            return None
        return [(p, v + lo * size) for p, lo, _ in law.errors(t)]


def agree(subject: Subject, d: int, laws: Laws, listed: list[Visit]) -> None:
    """Raises Strange where a real run is not what the laws say."""

    def check(x: Array, y: Array) -> bool:
        unit = laws.unit(x)
        if unit == 0:  # the input 0, which was traced apart
            return not y.any()
        scale = unit if laws.charts[0].order else 0.0
        return all(laws.admits(i, x[i], y[i], unit, scale) for i in range(d))

    _run(subject, d, listed, check)
    _same_frequencies(subject, d, laws)


def agree_by_ranks(subject: Subject, d: int, case: dict[str, Any], listed: list[Visit]) -> None:
    """Raises Strange where a real run of a selection, without zeros in x, is none of the outcomes of its ranks."""
    allowed = [[(law["sign"], np.diff([0.0, *map(_float, o["error"])])) for law in laws for o in law["outcomes"]]
               for laws in case["entries"]]  # fmt: skip

    def check(x: Array, y: Array) -> bool:
        if not x.all():
            return True
        sizes = np.abs(x)
        order, z = np.argsort(-sizes, kind="stable"), np.sort(sizes)[::-1]
        ranks = np.empty(d, dtype=int)
        ranks[order] = np.arange(d)
        for i in range(d):
            tied = np.flatnonzero(np.abs(z - sizes[i]) <= NEAR * sizes[i])
            found = [e @ z for r in {*tied, ranks[i]} for s, e in allowed[r] if s * x[i] > 0]
            if not any(abs(y[i] - x[i] - e) <= AGREES * (sizes[i] + abs(y[i]) + z[0]) for e in found):
                return False
        return True

    _run(subject, d, listed, check)


def _run(subject: Subject, d: int, listed: list[Visit], check: Callable[[Array, Array], bool]) -> None:
    """The program on inputs of every magnitude, and where the trace has borders, ways and outcomes."""
    for at, visit in enumerate([*map(Visit, inputs(d)), *listed]):
        rng = scripted(visit.script, at) if visit.script else np.random.default_rng([at])
        try:
            with heard():
                out = subject.program(visit.x.copy(), rng)
        except Exception as problem:
            raise Strange(f"a real run fails: {type(problem).__name__}: {str(problem)[:80]}") from None
        y = np.asarray(out, dtype=np.float64)
        if y.shape != (d,) or not np.isfinite(y).all() or not check(visit.x, y):
            raise Strange(f"a real run at {_shown(visit.x)} is none of the traced outcomes")


def _shown(x: Array) -> str:
    return f"x = {np.array2string(x[:4], precision=17, separator=', ')}{' ...' if len(x) > 4 else ''}"


def _float(text: str) -> float:
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
        merged: dict[float, float] = {}
        for p, y in law:
            merged[round(y, 9)] = merged.get(round(y, 9), 0.0) + p
        places, chances = np.array(list(merged)), np.array(list(merged.values()))
        nearest = np.abs(real[:, i, None] - places[None, :]).argmin(axis=1)
        counts = np.bincount(nearest, minlength=len(places)).astype(float)
        if len(places) > 1 and evalues.same_law(counts, chances / chances.sum()) > LEVEL:
            raise Strange(f"entry {i} of real draws has another law than the traced one")
