"""The stage: trace a program, find the laws of its entries on cells, and prove its claims for all x.

`examine` runs beside the program and answers in text; `Found` is what the pipeline makes of it, after the
certificate was checked again where the judged code is not running.

What may be changed: more charts, if `proof.cells` can check that they cover the line. What must not: a
trace that met what it cannot follow proves nothing, even if the program went on, and the entries of one
group have one law.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np

from compth.certification.cells import binding, forms, laws, nodes
from compth.certification.cells.array import Array
from compth.certification.cells.bounds import Group
from compth.certification.cells.draws import Draws
from compth.certification.cells.evaluation import Chart
from compth.certification.cells.laws import Piece
from compth.certification.cells.nodes import Node, Session, Stopped
from compth.certification.cells.values import Beyond, Split
from compth.certification.tracer import NotTraceable
from compth.proof.algebra import INFINITY, MINUS_INFINITY, Rational, number

MOST_CELLS, MOST_OUTCOMES = 400, 3000
LARGEST = 1024
"""Longest input that is traced."""


@contextmanager
def tracing(size: int) -> Iterator[Session]:
    """A session for programs of this input length.

    Sessions nest: the innermost is the one that nodes belong to.
    """
    now = Session(size)
    nodes._SESSIONS.append(now)
    try:
        yield now
    finally:
        nodes._SESSIONS.pop()


@dataclass
class Trace:
    """The entries of the output as expressions, and what the program's names held."""

    outputs: list[Node]
    bound: binding.Binding
    remarks: list[str] = field(default_factory=list)
    listed: list[Node] = field(default_factory=list)
    apart: bool = False
    """Whether the input 0 was set aside: a case that only relative claims have looked at."""
    ways: list[tuple[tuple[Node, bool], ...]] = field(default_factory=list)
    floats: dict[Fraction, set[float]] = field(default_factory=dict)


def traced(thing: object, d: int, deterministic: bool, zero: bool = False) -> Trace:
    """The program on symbols for every entry of x, or on x = 0. Raises Stopped, with what was seen until then."""
    with tracing(d) as now:
        now.zero = zero
        bound = binding.Binding()
        try:
            return _traced(now, bound, thing, d, deterministic)
        except Stopped as problem:
            problem.seen = _seen(now, bound, [])
            raise


def _seen(now: Session, bound: binding.Binding, outputs: list[Node]) -> Trace:
    """What is kept of a trace: the session's expressions outlive it."""
    listed, remarks = list(now.interned.values()), list(now.remarks.values())
    return Trace(outputs, bound, remarks, listed, apart=now.apart, ways=list(now.ways), floats=now.floats)


def _traced(now: Session, bound: binding.Binding, thing: object, d: int, deterministic: bool) -> Trace:
    """The program run on symbols, and what must hold before its outputs may be used."""
    entries = [nodes.const(0) if now.zero else nodes.entry(i) for i in range(d)]
    if getattr(thing, "one_vector", False):
        raise Stopped("an adapted object is not traced")
    arguments: list[object] = [Array(np.array(entries, dtype=object))]
    try:
        out = binding.call_of(bound, thing, arguments if deterministic else [*arguments, Draws()])
    except Stopped:
        raise
    except NotTraceable as problem:
        raise Stopped(str(problem)) from None
    except (
        Exception
    ) as problem:  # the program, or numpy under it, meets a symbol in a way that was not foreseen
        raise Stopped(f"{_place(problem)}: {type(problem).__name__}: {str(problem)[:100]}") from None
    # A refusal that the program caught, or numpy swallowed, still refuses.
    if now.says:
        raise Stopped(now.says)
    if not isinstance(out, Array) or out.shape != (d,):
        raise Stopped("an output that is no vector of the input's length")
    # Demands of draws go into the outputs as conditions, so that every cell asks them.
    outputs = _demanded([nodes.as_real(v) for v in out.flat], list(now.demands))
    if says := nodes.ambiguous():
        raise Stopped(says)
    nodes.mark_rounded()
    # An index found by a uniform draw is independent of everything but that draw: the draw itself may not
    # appear again.
    if now.inverted.keys() & reached(outputs):
        raise Stopped("a draw that is used beside the index that was found by it")
    # numpy raises unless chances sum to 1: cells see that only where the output depends on the draw.
    chances = {
        n for n in now.interned.values() if n.op == "cat" and any(w.number is None for w in n.args[1:])
    }
    if chances - reached(outputs):
        raise Stopped("a draw with chances that depend on x, of which nothing depends: do they sum to 1?")
    return _seen(now, bound, outputs)


def _place(problem: BaseException) -> str:
    """The program's line at which it was raised."""
    found, at = "traced", problem.__traceback__
    while at is not None:
        if nodes.NAMES in at.tb_frame.f_globals:
            found = f"{at.tb_frame.f_code.co_name}(), line {at.tb_lineno}"
        at = at.tb_next
    return found


def _demanded(outputs: list[Node], demands: list[Node]) -> list[Node]:
    """The outputs, each no number where a condition on its own entry fails under which numpy raises."""
    out = list(outputs)
    for fine in demands:
        entries = nodes.entries_of(fine) or {0}
        if len(entries) > 1:
            raise Stopped("a probability that depends on several entries")
        (i,) = entries
        out[i] = nodes.choose(fine, out[i], nodes.session().node("undefined"))
    return out


# charts


def by_norm(order: str) -> list[Chart]:
    """x_i = t ||x||, |t| <= 1."""
    return [Chart(number(-1), number(1), (True, True), order=order)]


def plain() -> list[Chart]:
    """x_i = t."""
    return [Chart(MINUS_INFINITY, INFINITY, (False, False))]


def octaves() -> list[Chart]:
    """x_i = t 2^e with 1/2 <= |t| < 1, and 0.

    Covers the line for programs that scale by powers of two: the law of t 2^e for one e is that of every e.
    """
    half = Fraction(1, 2)
    return [
        Chart(number(half), number(1), (True, False), octave=True),
        Chart(number(-1), number(-half), (False, True), octave=True),
        Chart(number(0), number(0), (True, True)),
    ]


def lattice(step: Fraction, least: int) -> list[Chart]:
    """x_i = t near 0, and step (t + K) beyond.

    For programs that round x itself: the law repeats with every step, so finitely many cells cover the
    line.
    """
    reach = number(step * least)
    return [
        Chart(number(-reach.low), reach, (True, True)),
        *(Chart(number(0), number(1), (True, False), lattice=step, least=least, side=s) for s in (1, -1)),
    ]


def sorts(trace: Trace) -> bool:
    """True where the outputs hold ranks or order statistics. Raises Stopped where ties are broken in two ways."""
    listed = reached(trace.outputs)
    names = {n.args[0] for n in listed if n.op in ("rank", "place", "position")}
    if len(names) > 1:
        raise Stopped("two sorts, which may break ties in two ways")
    return bool(names) or any(n.op == "stat" for n in listed)


def couples(trace: Trace) -> bool:
    """True where entries are compared with a norm."""
    # Then a law by ranks may still exist where charts find none.
    return any(n.op in ("norm", "sum") for n in reached(trace.outputs))


def scales(trace: Trace) -> list[list[Chart]]:
    """What may be the unit of x, by the norms that the outputs hold."""
    # Only one norm can be the unit: with two the share of an entry in one does not say its share in the
    # other.
    orders = sorted({n.args[0] for n in reached(trace.outputs) if n.op == "norm"})
    if len(orders) > 1:
        raise Stopped(f"the norms {' and '.join(orders)} of x together")
    return [by_norm(orders[0])] if orders else [plain(), octaves()]


def reached(outputs: list[Node]) -> set[Node]:
    """All expressions in these."""
    found: set[Node] = set()
    todo = list(outputs)
    while todo:
        n = todo.pop()
        if n not in found:
            found.add(n)
            todo += [a for a in n.args if isinstance(a, Node)]
    return found


def grouped(trace: Trace) -> list[tuple[int, list[int]]]:
    """Entries with one expression: (a representative, all of them)."""
    found: dict[int, list[int]] = {}
    # Forms are numbered anew for each trace.
    forms._FORMS.clear()
    forms.find_indices(reached(trace.outputs), len(trace.outputs))
    for i, node in enumerate(trace.outputs):
        found.setdefault(forms.form(node, i), []).append(i)
    return [(members[0], members) for members in found.values()]


def laws_on(trace: Trace, charts: list[Chart], least: int = 1) -> tuple[list[Chart], list[Group]]:
    """The laws of all entries, on these charts or on a lattice where the cells do not end. Raises Stopped."""
    try:
        out = []
        for i, members in grouped(trace):
            # One representative of each group is followed; the number of its members goes into the
            # certificate.
            found = tuple(tuple(laws.pieces(trace.outputs[i], i, c, MOST_CELLS)) for c in charts)
            out.append(Group(len(members), found))
            if sum(len(p.outcomes) for g in out for p in g.pieces) > MOST_OUTCOMES:
                raise Stopped(f"more than {MOST_OUTCOMES} outcomes of entries on cells")
        return charts, out
    except Beyond as beyond:
        # A lattice only makes sense on the plain line, and has to begin near enough for finitely many
        # cells.
        if beyond.least > MOST_CELLS // 4 or charts[0].order or charts[0].octave:
            raise Stopped("cells without end") from None
        return laws_on(trace, lattice(beyond.step, max(beyond.least, 1)))
    except Split as split:
        raise Stopped(f"a cut at {split.at} that does not end") from None


def nothing_at_zero(thing: object, d: int, deterministic: bool) -> None:
    """C(0) = 0 whatever is drawn. Raises Stopped."""
    trace = traced(thing, d, deterministic, zero=True)
    forms.find_indices(reached(trace.outputs), len(trace.outputs))
    point = Chart(number(0), number(0), (True, True))
    for i, node in enumerate(trace.outputs):
        for piece in laws.pieces(node, i, point, MOST_CELLS):
            if any(_at_nought(f) for o in piece.outcomes for f in (o.value.a, o.value.b) if f is not None):
                raise Stopped("C(0) is not 0")


def _at_nought(f: Rational) -> bool:
    """True where f(0), x less nothing, is not 0."""
    return f(Fraction(0)) != 0


__all__ = ["Piece", "laws_on", "scales", "traced"]
