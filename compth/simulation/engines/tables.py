"""A round as tables: what a pass over the workers does to a row, and what the server makes between the passes.

`passes` writes these tables and `fused_loops.one_pass` reads them: the numbers of places and instructions are shared by
both, and compiled into the latter. Vectors that all workers share stay symbols (`Vector`) until the round knows them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from compth._types import Array
from compth.methods.core.vectors import Key, Vector

# numbers and not an Enum, as numba reads these tables
PRODUCT, OFFSET, HELD, SERVER, SCRATCH, KEPT, TOTAL = range(7)
"""Where a row of d numbers lies: A_i times a point, b_i, a worker's memory, what all share, the pass's own scratch, a
worker's value that a later pass reads, a sum over the workers."""
COMBINE, COMPRESS, COMPARE = range(3)
HEAD, MOST = 6, 3
"""Numbers before an instruction's sources (what, where to (two), how many sources, leaves, message); most sources."""
Place = tuple[int, int]


@dataclass
class Instructions:
    """What a pass does to a row: out = keep out + sum of coefficient x source, or a message of a row of scratch."""

    rows: list[list[int]] = field(default_factory=list)
    numbers: list[list[float]] = field(default_factory=list)

    def combine(
        self, to: Place, sources: Iterable[tuple[Place, float]], keep: float = 0.0, leaves: int = -1
    ) -> None:
        """Any number of sources, in groups."""
        # at most MOST sources an instruction: later groups add to what the first one wrote, hence keep = 1
        todo = list(sources)
        first = True
        while first or todo:
            group, todo = todo[:MOST], todo[MOST:]
            self._put([COMBINE, *to, len(group), leaves, 0], group, keep if first else 1.0)
            first = False

    def compress(self, message: int, source: Place, to: Place) -> None:
        """scratch[to] = C(scratch[source])."""
        self._put([COMPRESS, *to, 1, -1, message], [(source, 1.0)], 0.0)

    def compare(self, memory: int) -> None:
        """The gap of a memory to where it rests."""
        self._put([COMPARE, HELD, memory, 0, -1, 0], [], 0.0)

    def _put(self, head: list[int], sources: list[tuple[Place, float]], keep: float) -> None:
        flat = [n for place, _ in sources for n in place]
        self.rows.append(head + flat + [0] * (2 * MOST - len(flat)))
        self.numbers.append([keep, *(c for _, c in sources), *[0.0] * (MOST - len(sources))])

    @cached_property
    def table(self) -> NDArray[np.int64]:
        """The instructions as the loops read them, (instructions, HEAD + 2 MOST)."""
        return np.array(self.rows, dtype=np.int64).reshape(-1, HEAD + 2 * MOST)

    @cached_property
    def coefficients(self) -> Array:
        """keep and the sources' coefficients, (instructions, 1 + MOST)."""
        return np.array(self.numbers, dtype=float).reshape(-1, 1 + MOST)


@dataclass
class Stage:
    """Between two passes and then a pass: server vectors to make first, points to multiply, rows to go through.

    first: ("spoken", operation, its argument), ("mean", operation, its point) or ("given", operation, its point), in
    their order; shared: (slot of SERVER, the vector that all share); points: (slot of SERVER, slot of PRODUCT).
    """

    first: list[tuple[str, int, Vector]] = field(default_factory=list)
    shared: list[tuple[int, Vector]] = field(default_factory=list)
    points: list[tuple[int, int]] = field(default_factory=list)
    work: Instructions = field(default_factory=Instructions)
    totals: dict[Key, int] = field(default_factory=dict)

    @cached_property
    def dots(self) -> NDArray[np.int64]:
        """The points as the loops take them."""
        return np.array(self.points, dtype=np.int64).reshape(-1, 2)


@dataclass(frozen=True)
class Schedule:
    """A step as stages, and the sizes of what they need.

    servers, scratch, products, totals: how many slots of each. kept: operation -> slot of a worker's value that
    outlives its pass. carried_means: memories whose means are carried from round to round. nexts: next server vectors,
    by leaf. given: gradients that are made outside of the passes -> slot of kept.
    """

    stages: tuple[Stage, ...]
    servers: int
    scratch: int
    products: int
    kept: Mapping[int, int]
    totals: int
    carried_means: tuple[str, ...]
    nexts: tuple[Mapping[str, Vector], ...]
    given: Mapping[int, int]

    def structure(self) -> object:
        """Everything but the numbers: two steps of one structure differ in their coefficients alone."""
        return [
            (
                s.work.rows,
                s.points,
                [(kind, i, list(v.terms)) for kind, i, v in s.first],
                [(slot, list(v.terms)) for slot, v in s.shared],
                s.totals,
            )
            for s in self.stages
        ], [[(k, list(v.terms)) for k, v in nexts.items()] for nexts in self.nexts]

    def numbers(self) -> list[float]:
        """All coefficients, in a fixed order."""
        out: list[float] = []
        for s in self.stages:
            out += [x for row in s.work.numbers for x in row]
            out += [
                float(c)
                for v in (*(v for _, _, v in s.first), *(v for _, v in s.shared))
                for c in v.terms.values()
            ]
        return out + [float(c) for nexts in self.nexts for v in nexts.values() for c in v.terms.values()]


def between(one: Schedule, two: Schedule, share: float) -> Schedule:
    """The step on the line through two of one structure, at one + share (two - one)."""

    # equal numbers stay bit for bit what they are: a + share (b - a) would round them, and what is constant
    # in gamma would move
    def mixed(a: float, b: float) -> float:
        return a if a == b else a + share * (b - a)

    def vector(v: Vector, w: Vector) -> Vector:
        return Vector({k: mixed(float(c), float(w.terms[k])) for k, c in v.terms.items()})

    def stage(s: Stage, u: Stage) -> Stage:
        # every coefficient of a step is affine in gamma (checked where the engine is made), so two
        # schedules determine that of any step size without a trace
        rows = zip(s.work.numbers, u.work.numbers, strict=True)
        work = Instructions(s.work.rows, [[mixed(a, b) for a, b in zip(x, y, strict=True)] for x, y in rows])
        first = [(kind, i, vector(v, w)) for (kind, i, v), (_, _, w) in zip(s.first, u.first, strict=True)]
        shared = [(slot, vector(v, w)) for (slot, v), (_, w) in zip(s.shared, u.shared, strict=True)]
        return replace(s, first=first, shared=shared, work=work)

    nexts = tuple(
        {k: vector(v, q[k]) for k, v in p.items()} for p, q in zip(one.nexts, two.nexts, strict=True)
    )
    return replace(one, stages=tuple(map(stage, one.stages, two.stages)), nexts=nexts)
