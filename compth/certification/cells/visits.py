"""Real runs that meet what a trace has: every border and cell, every way of its branches, every outcome of its draws.

Symbols stand for numbers only where numpy does with numbers what is assumed of symbols; a program that is
wrong at one number, or once in a million draws, is met by no random input. So inputs are built at the ends
of all cells (and the floats beside them), inside the cells, and on every way; the draws of real generators
are chosen (`scripted`).

What may be changed: more inputs, and in another order. What must not: an input is never left out because
the program fails there, and a way that no run takes is an error of the trace, not of the program.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise

import numpy as np

from compth._types import Array
from compth.certification.cells import forms, stage
from compth.certification.cells.bounds import Group
from compth.certification.cells.crossings import along, crossings
from compth.certification.cells.evaluation import Chart, Evaluation, Foreign, Sums, Ties, Way, draws
from compth.certification.cells.laws import Piece
from compth.certification.cells.nodes import Node, Stopped, entries_of
from compth.certification.cells.numbers import ORDERS, Numbers, of_integer
from compth.certification.cells.scripted import Chosen
from compth.certification.cells.stage import Trace
from compth.certification.cells.values import Beyond, Cell, Split
from compth.certification.cells.ways import of_choices, of_ways
from compth.certification.points import DOMAIN, inside
from compth.proof.algebra import Rational

Used = list[tuple[list[Chart], list[Group]]]
MOST, NUMBERS = 1500, 600_000
"""Most runs, and most numbers in their inputs together."""
CONDITIONS, CELLS, SOLVED = 300, 60, 40
"""Conditions whose borders are looked for, cells of each, and how many of them are solved as equations."""
UNITS = (1.0, 3.75, 1e5 / 3)
"""Norms of x where one is the unit."""
RARE = (1e-12, 1e-8, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2)
"""Quantiles of draws that random runs do not meet, from either end."""


class Always:
    """One quantile for the first draws; then random ones, since numpy draws again what it rejects.

    For draws that happen once in a million runs.
    """

    def __init__(self, quantile: float) -> None:
        self.quantile = quantile

    def get(self, k: int) -> float | None:
        """The quantile of the k-th draw."""
        return self.quantile if k < 64 else None


@dataclass
class Visit:
    """One run: the input, and the quantiles of chosen draws."""

    x: Array
    script: Chosen = field(default_factory=dict[int, float])


# inputs


def beside(v: float) -> list[float]:
    """A float and two on either side.

    Where a comparison turns, rounding decides on which float: two on either side meet both answers.
    """
    up, down = np.nextafter(v, np.inf), np.nextafter(v, -np.inf)
    return [v, float(up), float(down), float(np.nextafter(up, np.inf)), float(np.nextafter(down, -np.inf))]


def marks(cell: Cell, held: Mapping[Fraction, set[float]]) -> list[float]:
    """Floats that stand for a cell: of a point all that the program holds for it, and those beside."""
    if not cell.point:
        return [float(cell.sample)]
    known = held.get(cell.low.low, set()) if cell.low.rational else set()
    return [b for v in sorted({float(cell.low), *known}) for b in beside(v)]


def entry_values(chart: Chart, t: float) -> list[float]:
    """x_i at this t of the chart, for several units."""
    if chart.octave:
        return [math.ldexp(t, e) for e in (1, -20, 41)]
    if chart.side:
        steps = (chart.least, chart.least + 3) if chart.side > 0 else (-chart.least - 1, -chart.least - 4)
        return [float(chart.lattice) * (t + k) for k in steps]
    return [t]


def generic(d: int, seed: int = 47) -> Array:
    """Numbers that are on no border."""
    return np.random.default_rng(seed).normal(size=d)


def with_entry(d: int, i: int, v: float) -> Iterator[Array]:
    """v at i beside generic entries; v everywhere."""
    x = generic(d)
    x[i] = v
    yield x
    yield np.full(d, v)


def with_share(order: str, d: int, i: int, t: float) -> Iterator[Array]:
    """x_i = t ||x|| up to rounding, for several norms: beside generic entries, and beside a single one."""
    if d == 1 or abs(t) > 1:
        return
    # The other entries have what is left of the norm: 1 - |t| in the 1-norm, sqrt(1 - t^2) in the 2-norm,
    # all of 1 in the largest one.
    left = {"1": 1 - abs(t), "2": math.sqrt(1 - t * t), "inf": 1.0}[order]
    other = (i + 1) % d
    for unit in UNITS:
        for x in (generic(d), np.zeros(d)):
            x[i] = 0
            # One entry beside it is never 0, so that the rest can be scaled to the norm that is wanted.
            x[other] = x[other] if x[other] and order != "inf" else 2 * np.abs(x).max() or 1.0
            x *= left * unit / float(np.linalg.norm(x, ORDERS[order]))
            x[i] = t * unit
            if order == "inf":
                x[other] = unit
            yield x


def of_pieces(
    d: int, used: Used, members: list[list[int]], held: Mapping[Fraction, set[float]]
) -> Iterator[Visit]:
    """Every cell of every group, and on it every outcome of its draws."""
    for _, groups in used:
        for group, listed in zip(groups, members, strict=True):
            for piece in group.pieces:
                for t in marks(piece.cell, held):
                    for x in _at(d, listed[0], piece.chart, t):
                        yield Visit(x)
                        yield from _outcomes(piece, x, t, held)


def _at(d: int, i: int, chart: Chart, t: float) -> Iterator[Array]:
    """Inputs whose entry i is at this t of the chart."""
    if chart.order:
        yield from with_share(chart.order, d, i, t)
        return
    for v in entry_values(chart, t):
        yield from with_entry(d, i, v)


def _outcomes(piece: Piece, x: Array, t: float, held: Mapping[Fraction, set[float]]) -> Iterator[Visit]:
    """For every outcome of the law draws in the middle of what it asks of them."""
    now = Numbers(x, held)
    for o in piece.outcomes:
        script = {name: (_float(low, t) + _float(high, t)) / 2 for name, low, high in o.script[0]}
        for cat, k in o.script[1]:
            script |= of_integer(now, cat, k)
        if script:
            yield Visit(x, script)


def _float(f: Rational, t: float) -> float:
    """f(t) in floats; 1/2 at a pole."""
    try:
        return float(f(Fraction(t)))
    except ZeroDivisionError:
        return 0.5


@dataclass
class Borders:
    """Where conditions change, reached or not: numbers of single entries, shares of a norm, and inputs of several."""

    values: dict[int, list[float]] = field(default_factory=dict)
    inputs: list[Array] = field(default_factory=list)


def borders(d: int, trace: Trace, charts: list[Chart]) -> Borders:
    """The ends and insides of the cells on which each condition of the trace is one."""
    out, seen, solved = Borders(), set[int](), 0
    forms.find_indices(trace.listed, d)
    for node in asked(trace.listed):
        if len(seen) >= CONDITIONS:
            break
        entries, kinds = entries_of(node), orders_of(node)
        i = min(entries, default=0)
        if (name := forms.form(node, i)) in seen or not (entries or kinds):
            continue
        seen.add(name)
        # A condition on x_i alone: its borders are numbers, the same whatever else stands beside.
        if len(entries) == 1 and not kinds:
            free = [c for c in [*stage.plain(), *charts] if not c.order]
            own = [v for c in free for t in of_cells(node, i, c, trace) for v in entry_values(c, t)]
            if not draws(node) and solved < SOLVED:
                solved += 1
                own += [float(x[i]) for x in along(node, generic(d), i, trace.floats)]
            out.values.setdefault(i, []).extend(own)
            continue
        # A condition on x_i and one norm: its borders are shares.
        if len(entries) == 1 and len(kinds) == 1 and kinds <= {"1", "2", "inf"}:
            (order,) = kinds
            (chart,) = stage.by_norm(order)
            out.inputs += [x for t in of_cells(node, i, chart, trace) for x in with_share(order, d, i, t)]
        # A condition on several entries has no chart: it is solved numerically along single entries.
        if solved < SOLVED and not draws(node):
            solved += 1
            out.inputs += crossings(node, d, trace.floats)
    return out


def asked(listed: list[Node]) -> Iterator[Node]:
    """All comparisons, and whether a divisor or what a root or logarithm is taken of is 0: there Python fails."""
    nought = Node("const", (Fraction(0),), "")
    for n in listed:
        if n.op in ("lt", "le", "eq"):
            yield n
        elif n.op in ("div", "sqrt", "log2") and n.args[-1].number is None:
            yield Node("eq", (n.args[-1], nought), n.line)


def orders_of(node: Node) -> set[str]:
    """The norms that it holds; "more" where it holds what no chart knows."""
    todo, seen, found = [node], set[Node](), set[str]()
    while todo:
        n = todo.pop()
        if n.op == "norm":
            found.add(n.args[0])
        elif n.op in ("sum", "top", "bottom", "stat", "rank", "place", "position"):
            found.add("more")
        if n not in seen:
            seen.add(n)
            todo += [a for a in n.args if isinstance(a, Node)]
    return found


def of_cells(node: Node, i: int, chart: Chart, trace: Trace) -> list[float]:
    """t at the ends of the condition's cells, and inside."""
    return [t for cell in cells_of(node, i, chart) for t in marks(cell, trace.floats)]


def cells_of(node: Node, i: int, chart: Chart) -> list[Cell]:
    """Cells on which a condition has one answer, where that can be told."""
    todo, found = chart.cells(), list[Cell]()
    while todo and len(found) + len(todo) < CELLS:
        cell = todo.pop()
        try:
            _followed(node, i, chart, cell)
            found.append(cell)
        except Split as split:
            todo += [Cell(cell.low, split.at), Cell(split.at, split.at), Cell(split.at, cell.high)]
        except (Stopped, Foreign, Beyond):
            found.append(cell)
    return [*found, *todo]


def _followed(node: Node, i: int, chart: Chart, cell: Cell) -> None:
    """All ways of its draws, up to some."""
    prefix: list[int] | None = []
    for _ in range(64):
        if prefix is None:
            return
        way = Way(prefix)
        Evaluation(chart, cell, i, way, Ties([]), Sums()).truth(node)
        prefix = way.following()


# all of them


def visits(trace: Trace, d: int, used: Used, members: list[list[int]], base: Iterable[Array]) -> list[Visit]:
    """What the program is run on, inside the domain. Raises Strange where a way is taken by no run."""
    found = borders(d, trace, [c for listed, _ in used for c in listed])
    shared = with_middles({v for listed in found.values.values() for v in listed})
    single = [x for i, listed in found.values.items() for v in listed for x in with_entry(d, i, v)]
    special = [x for x in (*found.inputs, *single) if inside(x, DOMAIN)]
    # Inputs inside the domain alone: outside it no claim is made.
    pool = [generic(d), -generic(d), *base, np.zeros(d), *special]
    pool = [x for x in pool if inside(x, DOMAIN)]
    listed = [Visit(x, s) for f in (of_ways, of_choices) for x, s in f(trace, pool, shared)]
    listed += map(Visit, [*pool[:2], *special])
    if any(n.op in ("u", "cat", "in") for n in trace.listed):
        listed += [Visit(x, Always(q)) for p in RARE for q in (p, 1 - p) for x in pool[:2]]
    listed += of_pieces(d, used, members, trace.floats)
    # Where there are too many, every n-th is kept: all kinds stay.
    kept = [v for v in listed if inside(v.x, DOMAIN)]
    most = max(100, min(MOST, NUMBERS // d))
    return kept if len(kept) <= most else kept[:: -(-len(kept) // most)]


def with_middles(values: set[float]) -> list[float]:
    """The values, and one number between any two that follow one another."""
    listed = sorted(v for v in values if inside(np.array([v]), DOMAIN))
    return [*listed, *((a + b) / 2 for a, b in pairwise(listed)), 0.0, 1.0, -1.0]


__all__ = ["Visit", "visits"]
