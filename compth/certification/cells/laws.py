"""The law of one entry of the output on one cell: every branch of its expression, with its probability.

The expression is evaluated lazily, as numpy's result depends on it: of np.where the branch that counts, of a comparison
its answer on the whole cell, which is cut where the answer changes. Draws branch with exact probabilities, functions of
the cell's variable. Where a tie is broken in a way that is not told, all ways are followed and each must be right.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from compth.certification.cells.evaluation import Chart, Evaluation, Foreign, Sums, Ties, Way
from compth.certification.cells.forms import by_place
from compth.certification.cells.nodes import Node, Stopped
from compth.certification.cells.values import Cell, Split, Value
from compth.proof.algebra import Rational

Script = tuple[tuple[tuple[int, Rational, Rational], ...], tuple[tuple[Node, int], ...]]
"""(name, from, to) of uniform draws, and drawn integers with their values."""
MOST = 4096
"""Outcomes of one entry on one cell."""
MOST_TIES = 8
"""Questions about one entry on one cell that real numbers leave open."""


# cells


@dataclass(frozen=True)
class Outcome:
    """weight: its probability; the output is value, less x itself `error`, both functions of t; drawn: U's interval.

    script: by which draws it comes: (name, from, to) of uniforms, and drawn integers with their values.
    """

    weight: Rational
    value: Value
    interval: tuple[Rational, Rational] | None
    script: Script = ((), ())


@dataclass(frozen=True)
class Piece:
    """A cell and one law on it; of several on one cell each must be right."""

    chart: Chart
    cell: Cell
    outcomes: tuple[Outcome, ...]


def pieces(node: Node, i: int, chart: Chart, most: int) -> list[Piece]:
    """The laws of entry i on cells that cover the chart. Raises Stopped, Beyond."""
    todo, found, sums = chart.cells(), list[Piece](), Sums()
    while todo:
        if len(found) + len(todo) > most:
            raise Stopped(f"more than {most} cells")
        cell = todo.pop()
        try:
            found += _laws(node, i, chart, cell, sums)
        except Split as split:
            # Two open parts and the point between, each with one answer to what was asked; further
            # questions cut further.
            middle = split.at
            todo += [Cell(cell.low, middle), Cell(middle, middle), Cell(middle, cell.high)]
    return found


def _laws(node: Node, i: int, chart: Chart, cell: Cell, sums: Sums) -> Iterator[Piece]:
    """One law for each way to break the ties on this cell."""
    # Ties are answered once for a whole law: x decides them, not a draw, so every draw meets the same
    # answers.
    broken: list[bool] | None = []
    while broken is not None:
        ties = Ties(broken)
        yield Piece(chart, cell, tuple(_outcomes(node, i, chart, cell, ties, sums)))
        broken = ties.following()
        if len(ties.answers) > MOST_TIES:
            raise Stopped("too many ways to break ties")


def _outcomes(node: Node, i: int, chart: Chart, cell: Cell, ties: Ties, sums: Sums) -> Iterator[Outcome]:
    """Every outcome of the draws, with its probability; where the output still holds a draw, the interval of it."""
    prefix: list[int] | None = []
    count = 0
    while prefix is not None:
        way = Way(prefix)
        run = Evaluation(chart, cell, i, way, ties, sums)
        v = _in_full(run, node)
        held = None if v.b is None else run._uniform(v.u)
        ends = None if held is None else (held.low, held.high)
        yield Outcome(way.weight, v + -chart.entry(), ends, _script(run, i))
        prefix, count = way.following(), count + 1
        if count > MOST:
            raise Stopped(f"more than {MOST} outcomes of one entry")


def _script(run: Evaluation, i: int) -> Script:
    """By which draws this way came: what is left of each uniform one, and which integers came out."""
    uniforms = tuple((k, u.low, u.high) for k, u in run.uniforms.items())
    integers = [(n, k) for n, k in run.drawn.items() if n.op == "cat"]
    return uniforms, tuple((n, i if by_place(n, i) else k) for n, k in integers if k or not by_place(n, i))


def _in_full(run: Evaluation, node: Node) -> Value:
    """The output's value, which must scale as x does. Raises Stopped."""
    try:
        v = run.number(node)
    except Foreign:
        raise Stopped(f"{node.line}: an entry of the output depends on another entry of the input") from None
    if v.radical != 1:
        raise Stopped(f"{node.line}: an output with an irrational factor")
    if not v.is_zero and v.degree != run.chart.entry().degree:
        raise Stopped(f"{node.line}: an output that does not scale with x")
    return v
