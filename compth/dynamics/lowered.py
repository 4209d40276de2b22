"""A program with coefficients in the mean Hessian: every vector as blocks of what the second moments keep.

Columns: the servers, the mean of every worker's vector, the mean noise of every operation that draws; all measured from
the fixed point. With A the mean Hessian, a server vector is sum of coefficient A^power column + star x*; worker i's is
    A_i (such a sum) + (such a sum) + s grad f_i(x*) + sum of coefficient * (its own vector or its own noise).
With one worker its vectors and noise ARE their means, and nothing is kept for workers.

All coefficients are Fractions: the same rows serve exact arithmetic. Rows are compared by value (leaves share them), so
that zeros are dropped wherever a sum is made.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from typing import cast

from compth.dynamics.forms import Sketches
from compth.errors import Unsupported
from compth.methods.core.centre import Centre
from compth.methods.core.program import Program
from compth.methods.core.vectors import COMMON, GRADIENT, MESSAGE, OWN, SPOKEN, STATE, Vector


class NotClosed(Unsupported):
    """A step whose second moments need more than those of servers, means and single workers."""


Poly = Mapping[tuple[int, int], Fraction]
"""(column, power of A) -> coefficient."""
NOTHING: Poly = {}


def plus(p: Poly, q: Poly, c: Fraction = Fraction(1)) -> dict[tuple[int, int], Fraction]:
    """p + c q."""
    out = dict(p)
    for k, v in q.items():
        out[k] = out.get(k, Fraction(0)) + c * v
    return {k: v for k, v in out.items() if v}


def shifted(p: Poly) -> dict[tuple[int, int], Fraction]:
    """A p."""
    return {(column, power + 1): v for (column, power), v in p.items()}


@dataclass(frozen=True)
class Row:
    """One worker's vector (module docstring); own is under A_i, mine holds its own vectors and noise by column."""

    own: Poly = field(default_factory=dict)
    plain: Poly = field(default_factory=dict)
    star: Fraction = Fraction(0)
    s: Fraction = Fraction(0)
    mine: Mapping[int, Fraction] = field(default_factory=dict)

    def plus(self, other: Row, c: Fraction) -> Row:
        """self + c other."""
        mine: dict[int, Fraction] = dict(self.mine)
        for k, v in other.mine.items():
            mine[k] = mine.get(k, Fraction(0)) + c * v
        return Row(
            plus(self.own, other.own, c),
            plus(self.plain, other.plain, c),
            self.star + c * other.star,
            self.s + c * other.s,
            {k: v for k, v in mine.items() if v},
        )

    @cached_property
    def mean(self) -> Row:
        """The average over the workers, as a vector that all share (the mean of the grad f_i(x*) is 0)."""
        # mean A_i p = A p, mean grad f_i(x*) = 0: only the average of the workers' own vectors and noises is
        # left.
        columns = {(k, 0): v for k, v in self.mine.items()}
        return Row(plain=plus(plus(self.plain, shifted(self.own)), columns), star=self.star)


@dataclass(frozen=True)
class Noise:
    """An operation that draws. column: of its noise; input: what it was given; draws of one number are shared."""

    kind: str
    column: int
    input: Row
    draw: int


@dataclass(frozen=True)
class Lowered:
    """The program on columns. leaves: (probability, next servers and means, next worker vectors)."""

    columns: tuple[str, ...]
    servers: int
    means: int
    noises: tuple[Noise, ...]
    leaves: tuple[tuple[Fraction, tuple[Row, ...], tuple[Row, ...]], ...]
    name: str = ""

    @property
    def affine(self) -> bool:
        """True where something besides the state enters: gradients at x*, or x* itself."""
        rows = [noise.input for noise in self.noises] + [r for _, a, b in self.leaves for r in (*a, *b)]
        return any(r.s or r.star for r in rows)


def lowered(
    program: Program, centre: Centre, sketches: Sketches, stochastic: bool, together: bool | None = None
) -> Lowered:
    """The program on columns; `stochastic`: gradients are drawn. sketches: for their mean multipliers.

    together: workers' vectors are their means (default: for one worker).

    Unsupported, with the line, where second moments of this size do not close.
    """
    # One worker's vectors are their means: kept twice, rounding would tell the copies apart.
    single = program.n == 1 if together is None else together
    kept = [k for k, op in enumerate(program.ops) if op.kind != GRADIENT or stochastic]
    columns = [*program.names, *(f"noise {k}" for k in kept)]
    at: dict[tuple[str, str | int], int] = {("state", k): i for i, k in enumerate(program.names)}
    at |= {("noise", k): len(program.names) + i for i, k in enumerate(kept)}
    multiplier, downlink = Fraction(sketches.delta), Fraction(sketches.downlink_multiplier)
    outputs: list[Row] = []
    noises: list[Noise] = []

    def mine(column: int) -> Row:
        """A worker's own vector as a row; for one worker it is the mean's column."""
        return Row(plain={(column, 0): Fraction(1)}) if single else Row(mine={column: Fraction(1)})

    def term(scope: str, kind: str, i: str | int) -> Row:
        """A vector of the program by its scope and kind, as a row: measured from where it rests."""
        if kind != STATE:
            out = outputs[cast("int", i)]
            return out.mean if scope == COMMON else out
        name = cast("str", i)
        column = at["state", name]
        if name in program.server:
            return Row(plain={(column, 0): Fraction(1)}, star=centre.server[name])
        a, b = centre.worker[name]
        if scope == COMMON:
            return Row(plain={(column, 0): Fraction(1)}, star=a)
        return mine(column).plus(Row(star=a, s=b), Fraction(1))

    def value(v: Vector) -> Row:
        """A combination of vectors as a row."""
        out = Row()
        for key, c in v.terms.items():
            out = out.plus(term(*key), Fraction(c))
        return out

    for k, op in enumerate(program.ops):
        row = value(op.argument)
        if op.kind == GRADIENT:
            if row.mine or row.own or row.s:
                raise NotClosed(
                    f"{program.name}, line {op.line}: a gradient at a worker's own point needs the joint moments of all"
                    " workers: simulate it"
                )
            out = Row(own=row.plain, s=Fraction(1))
        elif op.kind == MESSAGE:
            out = Row().plus(row, multiplier)
        else:
            out = Row().plus(row, downlink) if op.kind == SPOKEN else row
        if k in kept:
            noises.append(Noise(op.kind, at["noise", k], row, op.draw))
            fresh = (
                Row(plain={(at["noise", k], 0): Fraction(1)}) if op.kind == SPOKEN else mine(at["noise", k])
            )
            out = out.plus(fresh, Fraction(1))
        outputs.append(out)
    leaves = []
    for leaf in program.leaves:
        rows = {k: value(v) for k, v in leaf.following.items()}
        rest = {k: Row(star=-a) for k, a in centre.server.items()} | {
            k: Row(star=-a, s=-b) for k, (a, b) in centre.worker.items()
        }
        # Measured from the fixed point, so that x* and grad f_i(x*) cancel where the step rests there.
        rows = {k: _clean(r.plus(rest[k], Fraction(1))) for k, r in rows.items()}
        common = tuple(rows[k] if k in program.server else rows[k].mean for k in program.names)
        workers = () if single else tuple(rows[k] for k in program.worker)
        leaves.append((Fraction(leaf.probability), common, workers))
    means = 0 if single else len(program.worker)
    return Lowered(tuple(columns), len(program.server), means, tuple(noises), tuple(leaves), program.name)


def _clean(row: Row) -> Row:
    """Less what float literals of a body leave of a residual."""
    small = Fraction(1, 10**12)
    return Row(row.own, row.plain, row.star if abs(row.star) > small else Fraction(0),
               row.s if abs(row.s) > small else Fraction(0), row.mine)  # fmt: skip


__all__ = ["OWN", "Lowered", "Noise", "Row", "lowered"]
