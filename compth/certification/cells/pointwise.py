"""The law of every entry at one input, by the trace: draws branch as on a cell, all else is what float64 makes of it.

No cell is needed, so that what has no end of them, mixes entries or does not scale with x has a law here,
too, and at any length of the input: entries are looked at one by one, however many paths they have
together.

Only the branching of draws is exact here, everything else is the float64 that the program computes: such a
law is an exact expectation for a program at an input, never a statement for all x.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from compth._types import Array
from compth.certification import evalues
from compth.certification.beside import beside
from compth.certification.cells import forms, stage
from compth.certification.cells.evaluation import Chart, Evaluation, Sums, Ties, Way, draws
from compth.certification.cells.nodes import Node, Stopped
from compth.certification.cells.numbers import Numbers, Unknown
from compth.certification.cells.stage import Trace
from compth.certification.cells.values import Cell, Log, Value, whole
from compth.certification.oracle import Moments, are_moments
from compth.certification.subject import Subject
from compth.certification.traced import AGREES, LEVEL, RUNS
from compth.proof.algebra import UNIT, Rational, number, rational

TECHNIQUE = "traced law of each entry"
ASSUMPTION = "the program draws what its trace says: checked on real runs at the witness, every entry of them"
OUTCOMES = 256
"""Most outcomes of one entry."""
SUMS = 1e-9
"""How far from 1 the float probabilities of a choice may sum, as numpy has it."""
STEP = 30.0
"""Work of one operation on fractions."""
_ORIGIN = number(0)
_CELL, _CHART = Cell(_ORIGIN, _ORIGIN), Chart(_ORIGIN, _ORIGIN, (True, True))


@dataclass(frozen=True)
class Part:
    """One outcome of an entry: its probability, and between which values it is uniform (equal ends: one value)."""

    weight: Fraction
    low: Fraction
    high: Fraction


class _At(Evaluation):
    """One way through an entry's expression at a vector of numbers."""

    def __init__(self, now: Numbers, i: int, way: Way) -> None:
        super().__init__(_CHART, _CELL, i, way, Ties([]), Sums())
        self.now = now

    def _value(self, node: Node) -> Value | Log:
        """What holds a draw branches; all else is a number."""
        return super()._value(node) if draws(node) else whole(self._float(node))

    def _truth(self, node: Node) -> bool:
        """As for values."""
        return super()._truth(node) if draws(node) else bool(self._float(node))

    def _float(self, node: Node) -> Fraction:
        """The float that the program has, as a fraction."""
        try:
            return Fraction(self.now.at(node))
        except (Unknown, OverflowError, ValueError):
            raise Stopped("what numbers do not tell") from None

    def _chances(self, drawn: Node) -> list[Rational]:
        """The probabilities of a drawn integer, which numpy divides by their sum."""
        # numpy accepts chances that sum to 1 up to rounding and divides by their sum.
        listed = [self._float(w) for w in drawn.args[1:]]
        total = sum(listed, Fraction(0))
        if min(listed) < 0 or abs(total - 1) > SUMS:
            raise Stopped("probabilities that do not sum to 1")
        return [rational(p / total) for p in listed]

    def _is_mine(self, drawn: Node) -> bool:
        """Whether the drawn index is this entry's."""
        if drawn not in self.drawn:
            p = self._chances(drawn)[self.i]
            self.drawn[drawn] = 1 - self.way.choose([p, UNIT - p]) if p.num else 0
        return bool(self.drawn[drawn])

    def _cat(self, node: Node) -> Value:
        """A drawn integer as a number."""
        if forms.by_place(node, self.i):
            raise Stopped("a drawn index used as a number")
        if node not in self.drawn:
            self.drawn[node] = self.way.choose(self._chances(node))
        return whole(self.drawn[node])


class Pointwise:
    """The laws of a trace's outputs at any input."""

    def __init__(self, trace: Trace) -> None:
        self.outputs, self.floats, self.changed = trace.outputs, trace.floats, trace.bound.changed
        self.reached = stage.reached(trace.outputs)

    def law(self, x: Array) -> list[list[Part]]:
        """The outcomes of each entry. Raises Stopped where the trace does not tell them."""
        forms.find_indices(self.reached, len(x))
        now, self.work = Numbers(x, self.floats), 0.0
        found = [self._entry(now, node, i) for i, node in enumerate(self.outputs)]
        self.work += len(now.known)
        return found

    def _entry(self, now: Numbers, node: Node, i: int) -> list[Part]:
        """All outcomes of one entry, depth first through its draws."""
        prefix: list[int] | None = []
        out: list[Part] = []
        while prefix is not None:
            way = Way(prefix)
            run = _At(now, i, way)
            v = run.number(node)
            start, slope = v.a.constant, Fraction(0) if v.b is None else v.b.constant
            weight = way.weight.constant
            if start is None or slope is None or weight is None or v.radical != 1:
                raise Stopped("what numbers do not tell")
            # A draw that is left in the value is uniform on what earlier comparisons left of it.
            held = None if v.b is None else run._uniform(v.u)
            ends = (Fraction(0), Fraction(0)) if held is None else (held.low.constant, held.high.constant)
            if weight:
                out.append(Part(weight, *sorted(start + slope * e for e in ends if e is not None)))
            self.work += STEP * (len(run.known) + len(run.answers))
            prefix = way.following()
            if len(out) > OUTCOMES:
                raise Stopped(f"more than {OUTCOMES} outcomes of one entry")
        return out

    def moments(self, x: Array) -> Moments:
        """E C(x), E||C(x)||^2 and E (C(x)_j - x_j)^2. Raises Stopped."""
        law = self.law(x)
        mean, error, second = np.zeros(len(x)), np.zeros(len(x)), 0.0
        for i, parts in enumerate(law):
            # Moments are summed in fractions: y - x cancels where y is near x.
            own = Fraction(float(x[i]))
            mean[i] = float(sum((p.weight * (p.low + p.high) for p in parts), Fraction(0)) / 2)
            second += float(sum((p.weight * _square(p.low, p.high) for p in parts), Fraction(0)))
            error[i] = float(sum((p.weight * _square(p.low - own, p.high - own) for p in parts), Fraction(0)))
        return Moments(x, mean, second, error, work=self.work)


def _square(low: Fraction, high: Fraction) -> Fraction:
    """The mean square of a uniform number between these."""
    return low * low if low == high else (low * low + low * high + high * high) / 3


# beside the program


_LAST: list[tuple[object, int, Pointwise]] = []
"""The trace that was asked last."""


def _of(subject: Subject, d: int) -> Pointwise:
    """The laws of its trace, which is made anew when a name of the program holds something else. Raises Stopped."""
    # One trace is kept: the same object is asked at many inputs in a row.
    if not _LAST or _LAST[0][0] is not subject.object or _LAST[0][1] != d or _LAST[0][2].changed():
        _LAST[:] = [(subject.object, d, Pointwise(stage.traced(subject.object, d, subject.deterministic)))]
    return _LAST[0][2]


@beside(are_moments)
def traced_moments(subject: Subject, x: Array, d: int) -> Moments:
    """Moments at x by the trace. Raises Stopped."""
    return _of(subject, d).moments(x)


@beside(lambda answer, *_: isinstance(answer, bool))
def confirmed(subject: Subject, x: Array, d: int) -> bool:
    """True where real runs at x are among the traced outcomes, every entry, about as often as traced."""
    law = _of(subject, d).law(x)
    # With one seed: the level of the test is that of an e-value, whatever is drawn.
    rng = np.random.default_rng(67)
    real = np.array([np.asarray(subject.program(x.copy(), rng), dtype=np.float64) for _ in range(RUNS)])
    return real.shape == (RUNS, d) and all(_fits(real[:, i], law[i]) for i in range(d))


def _fits(seen: Array, parts: list[Part]) -> bool:
    """Whether real outputs of one entry are among its outcomes, about as often."""
    low, high = np.array([[float(p.low), float(p.high)] for p in parts]).T
    chance = np.array([float(p.weight) for p in parts])
    room = AGREES * (np.abs(seen)[:, None] + np.maximum(np.abs(low), np.abs(high)).max())
    inside = (low - room <= seen[:, None]) & (seen[:, None] <= high + room)
    if not inside.any(axis=1).all():
        return False
    # Frequencies are only compared where each real output belongs to one outcome.
    apart = inside.sum(axis=1) == 1
    if (
        len(parts) == 1 or not apart.all()
    ):  # outcomes that are not told apart: their frequencies are not either
        return True
    return evalues.same_law(inside.sum(axis=0).astype(float), chance) <= LEVEL
