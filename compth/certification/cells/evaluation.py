"""The expression of one entry on one cell: every decision is one on the whole cell, or the cell must be cut.

It is evaluated lazily, as numpy's result depends on it: of np.where the branch that counts, of a comparison
its answer. Draws branch with exact probabilities, functions of the cell's variable. Where a tie is broken
in a way that is not told, all ways are followed and each must be right.

Three things may cut or branch: a decision that changes on the cell raises `Split` (from `values`), a draw
chooses one outcome with its probability (`Way`), and what float64 may round to either side chooses one
answer that holds for the whole law (`Ties`). The caller (`laws`) runs the expression again for every part,
outcome and answer. What must not be changed: an operation that is not known stops, no decision is guessed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from typing import Protocol

from compth.certification.cells.exactness import exact, settled, signed
from compth.certification.cells.forms import alike, by_place
from compth.certification.cells.nodes import LARGEST, Node, Stopped, is_truth
from compth.certification.cells.values import ONE, ZERO, Beyond, Cell, Log, Value, root_of, whole
from compth.proof.algebra import NOUGHT, UNIT, Rational, Root, rational

HALF = Fraction(1, 2)


class Foreign(Exception):
    """An expression of one entry that reads another entry of x.

    The law of entry i then is no function of x_i and the unit; where both arms of a branch are right it
    does not matter (`taken`).
    """


@dataclass(frozen=True)
class Chart:
    """A part of the line: x_i = unit t, or x_i = lattice (t + K) for every whole K on one side.

    low, high: the range of t, closed: whether its ends belong to it. order: of the norm that is the unit.
    octave: the unit is any power of two. side: 1 for K >= least, -1 for K < -least, 0 without K.

    A chart with K stands for infinitely many parts with one law, one with an octave for every power of two.
    """

    low: Root
    high: Root
    closed: tuple[bool, bool]
    order: str = ""
    octave: bool = False
    lattice: Fraction = Fraction(1)
    least: int = 0
    side: int = 0

    def entry(self) -> Value:
        """x_i."""
        t = Rational((Fraction(0), self.lattice))
        return Value(
            t, int(bool(self.order) or self.octave), shift=self.lattice if self.side else Fraction(0)
        )

    def cells(self) -> list[Cell]:
        """All of it."""
        if self.low == self.high:
            return [Cell(self.low, self.low)]
        ends = [Cell(e, e) for e, in_it in zip((self.low, self.high), self.closed, strict=True) if in_it]
        return [*ends, Cell(self.low, self.high)]


@dataclass
class _Uniform:
    """What earlier comparisons leave of a uniform draw on [0, 1): the interval [low, high), its ends functions
    of t.
    """

    low: Rational = NOUGHT
    high: Rational = UNIT


@dataclass
class Way:
    """One run through an entry's expression: replayed choices, then first ones; their probabilities multiply.

    Depth first through the tree of outcomes: `prefix` repeats the choices of an earlier run, then first
    outcomes are taken; `following` turns the last choice that has another outcome. weight: the product of
    the probabilities, a function of t.
    """

    prefix: list[int]
    taken: list[tuple[int, int]] = field(default_factory=list)
    weight: Rational = UNIT

    def choose(self, weights: list[Rational]) -> int:
        """One of these random outcomes."""
        at = len(self.taken)
        pick = self.prefix[at] if at < len(self.prefix) else 0
        self.taken.append((pick, len(weights)))
        self.weight = self.weight * weights[pick]
        return pick

    def following(self) -> list[int] | None:
        """The prefix of the next run, None after the last."""
        left = list(self.taken)
        while left:
            pick, count = left.pop()
            if pick + 1 < count:
                return [*(p for p, _ in left), pick + 1]
        return None


@dataclass
class Ties:
    """Decisions that x makes in a way that is not told: one answer each, whatever is drawn; all answers are tried.

    Unlike a draw it has no probability: an adversary decides, and the claim must hold for every answer, at
    every x apart.
    """

    prefix: list[bool]
    answers: dict[object, bool] = field(default_factory=dict)

    def choose(self, node: object) -> bool:
        """The answer of this law."""
        if node not in self.answers:
            at = len(self.answers)
            self.answers[node] = self.prefix[at] if at < len(self.prefix) else True
        return self.answers[node]

    def side(self, key: object) -> int:
        """-1, 0 or 1: where a float lies that real numbers would have on a border."""
        # Three answers by two questions: on the border, else above, else below.
        return 0 if self.choose(("at", key)) else 1 if self.choose(("above", key)) else -1

    def compared(self, a: Node, b: Node) -> int:
        """On which side of b a lies, -1, 0 or 1: one question for both orders of the two."""
        # Which order is asked first is the program's doing, the same in every process: so are the laws' order
        # and the certificate's digest.
        turned = ("at", (b, a)) in self.answers
        return -self.side((b, a)) if turned else self.side((a, b))

    def following(self) -> list[bool] | None:
        """The prefix of the next law, None after the last."""
        left = list(self.answers.values())
        while left and not left[-1]:
            left.pop()
        return [*left[:-1], False] if left else None


@dataclass
class Sums:
    """What was seen of chances that depend on x: (slope, constant) on cells, slope at t = 0; the same on all cells."""

    laws: dict[Node, tuple[Fraction, Fraction]] = field(default_factory=dict)
    slopes: dict[Node, Fraction] = field(default_factory=dict)


class Run(Protocol):
    """What follows the branches of an expression: on a cell (`Evaluation`), or on a cone of ranks (`ranks`)."""

    ties: Ties

    def truth(self, node: Node) -> bool:
        """Whether a condition holds."""


class Evaluation:
    """One way through the expression of entry i on a cell."""

    def __init__(self, chart: Chart, cell: Cell, i: int, way: Way, ties: Ties, sums: Sums) -> None:
        self.chart, self.cell, self.i, self.way, self.ties, self.sums = chart, cell, i, way, ties, sums
        self.known: dict[Node, Value | Log] = {}
        self.answers: dict[Node, bool] = {}
        self.uniforms: dict[int, _Uniform] = {}
        self.drawn: dict[Node, int] = {}

    def value(self, node: Node) -> Value | Log:
        """A Value, or a Log."""
        if node not in self.known:
            # Each part is evaluated once in a run: a draw has one value wherever it is read.
            try:
                self.known[node] = self._value(node)
            except Stopped as problem:
                raise placed(problem, node) from None
        return self.known[node]

    def _value(self, node: Node) -> Value | Log:
        """By the rule of the operation, `_<op>`."""
        if is_truth(node):
            return ONE if self.truth(node) else ZERO
        rule = getattr(self, f"_{node.op}", None)
        if rule is None:
            raise Stopped(UNKNOWN.get(node.op, f"{node.op} of the whole input"))
        found: Value | Log = rule(node)
        return found

    def number(self, node: Node) -> Value:
        """A Value; a logarithm used as a number stops."""
        found = self.value(node)
        if isinstance(found, Log):
            raise Stopped("a logarithm that is not rounded")
        return found

    # leaves

    def _const(self, node: Node) -> Value:
        """The number."""
        return whole(node.args[0])

    def _x(self, node: Node) -> Value:
        """t units, for the entry itself."""
        if node.args[0] != self.i:
            raise Foreign
        return self.chart.entry()

    def _norm(self, node: Node) -> Value:
        """The unit, where the norm is that of the chart."""
        if node.args[0] != self.chart.order:
            raise Stopped(f"the {node.args[0]}-norm of x beside another scale")
        return Value(UNIT, 1)

    def _u(self, node: Node) -> Value:
        """A uniform draw: 0 + 1 U."""
        return Value(NOUGHT, 0, UNIT, node.args[0])

    # arithmetic

    def _add(self, node: Node) -> Value | Log:
        """The sum; log2(z) plus a number stays a logarithm."""
        a, b = map(self.value, node.args)
        if isinstance(a, Value) and isinstance(b, Value):
            return a + b
        log, other = (a, b) if isinstance(a, Log) else (b, a)
        if isinstance(other, Log) or not isinstance(log, Log) or other.constant is None:
            raise Stopped("a logarithm that is not rounded")
        return Log(log.of, log.plus + other.constant)

    def _mul(self, node: Node) -> Value:
        """The product."""
        return self.number(node.args[0]) * self.number(node.args[1])

    def _div(self, node: Node) -> Value:
        """The quotient."""
        return self.number(node.args[0]) * self.number(node.args[1]).inverse(self.cell)

    def _sum(self, node: Node) -> Value:
        """The sum of all entries' terms: only where no term reads another entry."""
        total = ZERO
        for a in node.args:
            total = total + self.number(a)
        return total

    def _sqrt(self, node: Node) -> Value:
        """The square root."""
        return root_of(self.number(node.args[0]), self.cell)

    def _abs(self, node: Node) -> Value:
        """|v|, by the sign that v has on the cell."""
        v = self.number(node.args[0])
        return v if self.sign(v) >= 0 else -v

    def _sign(self, node: Node) -> Value:
        """-1, 0 or 1; 0 may be a rounded number of either sign."""
        v = self.number(node.args[0])
        s = self.sign(v)
        if s == 0 and ((self.near and v.constant is None) or not signed(node.args[0])):
            s = self.ties.side(node)
        return whole(s)

    def _ite(self, node: Node) -> Value | Log:
        """The arm that the condition takes."""
        return self.value(taken(self, node))

    # logarithms and powers of two

    def _log2(self, node: Node) -> Log:
        """log2 of what is positive on the cell."""
        v = self.number(node.args[0])
        if v.b is not None or v.shift or v.radical != 1 or self.sign(v) <= 0:
            raise Stopped("the logarithm of what is not positive, or of a draw")
        return Log(v)

    def _exponent(self, node: Node) -> Value:
        """np.frexp's e with |v| = m 2^e, 1/2 <= m < 1: floor(log2 |v|) + 1, and 0 for 0."""
        v = self.number(node.args[0])
        if v.is_zero or self.sign(v) == 0:
            return ZERO
        positive = v if self.sign(v) > 0 else -v
        if v.b is not None or v.shift or v.radical != 1:
            raise Stopped("the exponent of a draw")
        return self.floor(Log(positive), node.args[0]) + ONE

    def _exp2(self, node: Node) -> Value:
        """2^v for whole v: a power of two times the power of the octave that v holds."""
        v = self.value(node.args[0])
        # 2^(log2(z) + p) = z 2^p
        if isinstance(v, Log):
            return _times_power(v.of, v.plus)
        if v.shift and not self.chart.octave:
            raise Stopped("2 to the power of x")
        at = v.a.constant
        if v.b is not None or at is None or v.degree or v.radical != 1 or v.shift.denominator != 1:
            raise Stopped("2 to the power of x")
        return _times_power(Value(UNIT, int(v.shift)), at)

    # rounding

    def _floor(self, node: Node) -> Value:
        """floor(v)."""
        return self.floor(self.value(node.args[0]), node.args[0])

    def _ceil(self, node: Node) -> Value:
        """ceil(v) = -floor(-v); of a logarithm by its floor and whether it is whole."""
        v = self.value(node.args[0])
        if isinstance(v, Log):
            upper = self.floor(v, node.args[0])
            exact = v.at_border(self.cell, upper)
            return upper if exact and self.side_of(v, node.args[0]) <= 0 else upper + ONE
        return -self.floor(-v, node.args[0], -1)

    def _rint(self, node: Node) -> Value:
        """To the nearest whole number, halves to even ones."""
        v = self.value(node.args[0])
        if isinstance(v, Log):
            upper = v.floor(self.cell, HALF)
            tie = self.cell.point and not self.cell.low.rational  # a border: either way, both are followed
            return upper + whole(-1) if tie and not self.ties.choose(node) else upper
        # rint(v) = floor(v + 1/2), except where v + 1/2 is whole: there v lies between two whole numbers,
        # the even one is taken, and a float beside the border may take either.
        lower = self.floor(v + whole(HALF))
        tie = v.b is None and self.cell.sign((v + whole(HALF) + -lower).a) == 0
        if not tie:
            return lower
        side = self.side_of(v, node.args[0], "half")
        k = lower.a.constant
        if side == 0 and (lower.shift or k is None):
            return lower if self.ties.choose(node) else lower + whole(-1)
        return lower + whole(-int(side < 0)) if side or k is None else whole(round(k - HALF))

    def _trunc(self, node: Node) -> Value:
        """Towards 0: floor(v) for v >= 0, else -floor(-v)."""
        v = self.number(node.args[0])
        if v.b is None and v.a.constant is not None and v.a.constant.denominator == v.shift.denominator == 1:
            return v
        of = node.args[0]
        return self.floor(v, of) if self.sign(v) >= 0 else -self.floor(-v, of, -1)

    def _cast(self, node: Node) -> Value:
        """trunc to int64, which must fit."""
        v = self._trunc(node)
        if v.shift and not self.chart.octave:
            raise Stopped("an integer cast of numbers without a limit: beyond 2^63 it fails")
        return self._fits(v)

    def _word(self, node: Node) -> Value:
        """An integer of the program: it must fit into int64."""
        v = self.number(node.args[0])
        return v if len(node.args) > 1 and v.constant is None else self._fits(v)

    def _fits(self, v: Value) -> Value:
        """An int64, else it stops; an exponent of x lies within 1100."""
        # K, the exponent of an octave, is at most 1100 in size for floats.
        at = v.a.constant if v.b is None and v.radical == 1 and not (v.degree and v.a.num) else None
        if at is None or abs(at) + 1100 * abs(v.shift) > LARGEST:
            raise Stopped("an integer that is not seen to lie within 2^63")
        return v

    def side_of(self, v: Value | Log, of: Node, where: str = "") -> int:
        """-1, 0 or 1: where the float of an expression lies whose value is on a border; 0 where float64 is exact."""
        # At a point that no float is, floats beside it are met; elsewhere only an expression that float64
        # rounds may fall to the other side.
        fixed = not isinstance(v, Log) and v.constant is not None
        inner = of.args[0] if of.op == "log2" else of
        return self.ties.side((of, where)) if (self.near and not fixed) or not exact(inner) else 0

    def floor(self, v: Value | Log, of: Node | None = None, turn: int = 1) -> Value:
        """floor of a value: one whole number on the cell, or several with their chances where it holds a draw.

        of: the expression that it is the value of, or turn = -1 of its negative: at a border a float may be
        below it.

        Raises Split where the floor changes on the cell, Beyond where floors have no end.
        """
        if isinstance(v, Log):
            upper = v.floor(self.cell)
            below = of is not None and v.at_border(self.cell, upper) and self.side_of(v, of) < 0
            return upper + whole(-1) if below else upper
        if v.is_zero:
            return ZERO
        if v.degree or v.radical != 1 or v.shift.denominator != 1:
            raise Stopped("a floor that does not scale with x")
        # K is whole: floor(v + K) = floor(v) + K.
        kept = Value(NOUGHT, shift=v.shift)
        inner = v + -kept
        if inner.b is None:
            # On a border (v = k exactly) the float of v may lie just below k; not at 0 where the float's
            # sign is sure.
            k = self.cell.floor(inner.a)
            below = (
                of is not None
                and self.cell.sign(inner.a + rational(-k)) == 0
                and not (k == 0 and not v.shift and signed(of))
                and turn * self.side_of(v, of) < 0
            )
            return kept + whole(k - int(below))
        # With a draw: U runs through what is left of [0, 1), so floor(a + b U) runs from that at one end to
        # that at the other. The draw is cut at each whole number between, with the probabilities of the
        # parts (`sign`).
        u = self._uniform(inner.u)
        ends = [inner.a + inner.b * e for e in (u.low, u.high)]
        rising = self.cell.sign(inner.b) > 0
        first, last = (self.cell.floor(e) for e in (ends if rising else ends[::-1]))
        for k in range(first + 1, last + 1):
            if self.sign(inner + whole(-k)) < 0:
                return kept + whole(k - 1)
        return kept + whole(last)

    # decisions

    def sign(self, v: Value) -> int:
        """-1, 0 or 1 on the whole cell; a draw is decided at random."""
        if v.b is not None:
            return self._drawn_sign(v)
        if not v.shift:
            return self.cell.sign(v.a)
        if not self.chart.side or v.radical != 1:
            raise Stopped("a comparison of the exponent of x")
        # a(t) + s K for all whole K >= least (or <= -least - 1): for large |K| the sign is that of s K. It
        # must hold for the nearest K already; else the lattice has to begin farther out, which Beyond says.
        side = self.chart.side * (1 if v.shift > 0 else -1)  # where K goes, the value goes
        nearest = self.chart.least if self.chart.side > 0 else -self.chart.least - 1
        if self.cell.sign(v.a + rational(v.shift * nearest)) * side <= 0:
            raise Beyond(self.chart.lattice, self.chart.least + _steps(v, self.cell))
        return side

    def _drawn_sign(self, v: Value) -> int:
        """The sign of a + b U: which side of -a/b the draw is on."""
        if v.shift or v.b is None:
            raise Stopped("a draw compared with x itself")
        if v.radical != 1:
            raise Stopped("a draw compared with an irrational multiple")
        slope = self.cell.sign(v.b)
        below = self._below(v.u, -v.a / v.b)
        return -slope if below else slope

    def _uniform(self, name: int) -> _Uniform:
        """What is left of a draw."""
        return self.uniforms.setdefault(name, _Uniform())

    def _below(self, name: int, threshold: Rational) -> bool:
        """Decide U < threshold, with its probability on what is left of U."""
        u = self._uniform(name)
        if self.cell.sign(threshold - u.low) <= 0:
            return False
        if self.cell.sign(u.high - threshold) <= 0:
            return True
        # U is uniform on what is left, [low, high): P(U < threshold) is the share below. Either answer
        # leaves an interval.
        chance = (threshold - u.low) / (u.high - u.low)
        if self.way.choose([chance, UNIT - chance]) == 0:
            u.high = threshold
            return True
        u.low = threshold
        return False

    def truth(self, node: Node) -> bool:
        """Whether a condition holds on the cell, at this way's draws."""
        if node not in self.answers:
            try:
                self.answers[node] = self._truth(node)
            except Stopped as problem:
                raise placed(problem, node) from None
        return self.answers[node]

    def _truth(self, node: Node) -> bool:
        """By what the condition is: logic, a random subset, a probability, a tie, a comparison."""
        if node.op == "not":
            return not self.truth(node.args[0])
        if node.op in ("and", "or"):
            return joined(self, node)
        if node.op == "in":
            return self._inside(node)
        if node.op == "fits":
            p = self.number(node.args[0])
            return self._difference(p, ZERO) >= 0 and self._difference(p, ONE) <= 0
        if node.op == "rank" or (node.op == "eq" and "place" in (node.args[0].op, node.args[1].op)):
            return self.ties.choose(node)  # what x decides in a way that cells do not tell
        if node.op in ("lt", "le", "eq"):
            return self._compared(node)
        return self.sign(self.number(node)) != 0

    def _compared(self, node: Node) -> bool:
        """a < b, a <= b or a == b on the cell."""
        a, b = node.args
        drawn, other = (a, b) if a.op == "cat" else (b, a)
        if node.op == "eq" and by_place(drawn, self.i):
            if other.number != self.i:
                raise Stopped("a drawn index compared with another one than the entry's own")
            return self._is_mine(drawn)
        if node.op != "eq" and (turned := self._of_floor(node)) is not None:
            return turned
        if node.op == "eq" and (found := self._at_floor(a, b)) is not None:
            return found
        u, v = self.value(a), self.value(b)
        s = self._log_sign(u, v) if isinstance(u, Log) or isinstance(v, Log) else self._difference(u, v)
        # Equal in real numbers: if float64 may hold them apart, which of the three it sees is left open.
        # One key for both orders of the two sides, so that a < b and b < a are answered alike.
        if s == 0 and ((self.near and not _drawn(u, v)) or not settled(a, b)):
            s = self.ties.compared(a, b)
        return {"lt": s < 0, "le": s <= 0, "eq": s == 0}[node.op]

    def _at_floor(self, a: Node, b: Node) -> bool | None:
        """floor(z) = k for a z >= 0 with a draw, as k <= z < k + 1: of many whole numbers one is asked for."""
        if b.number is None or a.op not in ("floor", "trunc", "cast") or a in self.known:
            return None
        z = self.value(a.args[0])
        if (
            isinstance(z, Log)
            or z.b is None
            or z.shift
            or z.degree
            or z.radical != 1
            or b.number.denominator != 1
        ):
            return None
        # The draw is cut at k and k + 1 only, and not at all whole numbers that floor(z) may be: two
        # questions in place of many outcomes. For z >= 0 trunc and cast are floors, too.
        u = self._uniform(z.u)
        ends = [z.a + z.b * e for e in (u.low, u.high)]
        if any(self.cell.sign(e) < 0 for e in ends):
            return None
        if a.op == "cast" and any(self.cell.sign(e - rational(LARGEST)) >= 0 for e in ends):
            raise Stopped("an integer that is not seen to lie within 2^63")
        return self.sign(z + whole(-b.number)) >= 0 and self.sign(z + whole(-b.number - 1)) < 0

    def _of_floor(self, node: Node) -> bool | None:
        """floor(z) < k as z < k for a whole number k: no need to know the floor, of which there may be no end."""
        a, b = node.args
        # floor(z) < k is z < ceil(k), floor(z) <= k is z < floor(k) + 1, and the other way about:
        # logarithms near 0 have floors without end, but one comparison.
        if a.op == "floor" and b.number is not None and a.args[0].op == "log2":
            k = -(-b.number // 1) if node.op == "lt" else b.number // 1 + 1
            return self._log_sign(self.value(a.args[0]), whole(k)) < 0
        if b.op == "floor" and a.number is not None and b.args[0].op == "log2":
            k = a.number // 1 + 1 if node.op == "lt" else -(-a.number // 1)
            return self._log_sign(self.value(b.args[0]), whole(k)) >= 0
        return None

    def _log_sign(self, u: Value | Log, v: Value | Log) -> int:
        """The sign of log2(z) + p - c, compared as z^q and a power of two."""
        if not isinstance(u, Log):
            return -self._log_sign(v, u) if isinstance(v, Log) else self._difference(u, v)
        c = None if isinstance(v, Log) else v.constant
        if c is None or u.of.degree:
            raise Stopped("a comparison of logarithms")
        # log2(z) < c if and only if z^q < 2^p, with c = p/q.
        apart = c - u.plus
        powered = UNIT
        for _ in range(apart.denominator):
            powered = powered * u.of.a
        return self.cell.sign(powered - rational(Fraction(2) ** apart.numerator))

    def _difference(self, u: Value, v: Value) -> int:
        """The sign of u - v: directly, by their signs, or of irrational multiples by their squares."""
        if u.radical != v.radical and not (u.is_zero or v.is_zero):
            su, sv = self.sign(u), self.sign(v)
            if su != sv or su == 0:
                return (su > sv) - (su < sv)
            # For u, v of one sign s: sign(u - v) = s sign(u^2 - v^2), which has no roots.
            square = u * u + -(v * v)
            return su * self.sign(square)
        # What scales and what does not compare by their signs, where those differ.
        if u.degree != v.degree and not (u.is_zero or v.is_zero) and u.b is None and v.b is None:
            su, sv = self.sign(u), self.sign(v)
            if su != sv or su == 0:
                return (su > sv) - (su < sv)
        return self.sign(u + -v)

    @property
    def near(self) -> bool:
        """At a point that no float is: those next to it are met, and each comparison there may go either way."""
        at = self.cell.low
        return self.cell.point and not (at.rational and not at.low.denominator & (at.low.denominator - 1))

    # draws of integers

    def _inside(self, node: Node) -> bool:
        """Whether a random subset of fixed size holds this entry, with its probability of inclusion."""
        _, i, chance = node.args
        if i != self.i:
            raise Foreign
        if node not in self.drawn:
            p = rational(chance.number)
            self.drawn[node] = 1 if p == UNIT else 1 - self.way.choose([p, UNIT - p])
        return bool(self.drawn[node])

    def _is_mine(self, drawn: Node) -> bool:
        """Whether the index that was drawn with chances that depend on x is this entry's."""
        if drawn not in self.drawn:
            # Of an index that is drawn with P(i) = p_i an entry's law needs to know only whether it is its
            # own: yes with p_i. That all p_i sum to 1 is seen apart.
            p = self.number(drawn.args[1 + self.i])
            if (p.degree and p.a.num) or p.b is not None or p.shift or p.radical != 1:
                raise Stopped("probabilities that do not sum to 1")
            if any(w.number is None for w in drawn.args[1:]):
                self._sums_to_one(drawn, p.a)
            elif sum(w.number for w in drawn.args[1:]) != 1:
                raise Stopped("probabilities that do not sum to 1")
            inside = self.cell.sign(p.a), self.cell.sign(UNIT - p.a)
            if min(inside) < 0:
                raise Stopped("a probability outside [0, 1]")
            self.drawn[drawn] = (
                1 if not inside[1] else 0 if not inside[0] else 1 - self.way.choose([p.a, UNIT - p.a])
            )
        return bool(self.drawn[drawn])

    def _sums_to_one(self, drawn: Node, p: Rational) -> None:
        """p = a |t| + b (unit ||x||_1) or a t^2 + b (unit ||x||_2), on all cells the same, with a + b d = 1."""
        # Chances p_i = a |x_i|^p / ||x||_p^p + b: summed over all entries they are a + b d, since the
        # shares sum to 1. So it is enough that every cell has the same a and b and that a + b d = 1.
        count, power = len(drawn.args) - 1, {"1": 1, "2": 2}.get(self.chart.order, 0)
        c = [*p.num, *[Fraction(0)] * 3][: max(3, len(p.num))]
        if len(p.den) > 1 or len(c) > 3 or not power or c[3 - power] or not alike(drawn.args[1:]):
            raise Stopped("probabilities that are not seen to sum to 1")
        at_zero = self.cell.point and self.cell.low.rational and self.cell.low.low == 0
        right_side = at_zero or power == 2 or self.cell.sign(Rational((Fraction(0), Fraction(1)))) > 0
        slope = c[power] if right_side else -c[power]
        slope = self.sums.slopes.setdefault(drawn, 1 - count * c[0]) if at_zero else slope
        if slope + c[0] * count != 1 or self.sums.laws.setdefault(drawn, (slope, c[0])) != (slope, c[0]):
            raise Stopped("probabilities that are not seen to sum to 1")

    def _cat(self, node: Node) -> Value:
        """A drawn integer itself, with chances that are numbers or functions of this entry."""
        if by_place(node, self.i):
            raise Stopped("a drawn index used as a number")
        if node not in self.drawn:
            values = [self.number(w) for w in node.args[1:]]
            if any((v.degree and v.a.num) or v.b is not None or v.shift or v.radical != 1 for v in values):
                raise Stopped("chances that are no plain numbers")
            chances = [v.a for v in values]
            if sum(chances, start=NOUGHT) != UNIT or any(self.cell.sign(p) < 0 for p in chances):
                raise Stopped("probabilities that do not sum to 1")
            possible = [k for k, p in enumerate(chances) if self.cell.sign(p)]
            many = len(possible) > 1
            self.drawn[node] = self.way.choose(chances) if many else possible[0]
        return whole(self.drawn[node])

    def _pick(self, node: Node) -> Value | Log:
        """table[index]: of a drawn index the entry's own place, else a known place."""
        index, *table = node.args
        if by_place(index, self.i):
            if not self._is_mine(index):
                raise Stopped("an entry at an index that was drawn")
            return self.value(table[self.i])
        at = self.number(index).constant
        if at is None or at.denominator != 1 or not -len(table) <= at < len(table):
            raise Stopped("an index that is no place of the table")
        return self.value(table[int(at)])


UNKNOWN = {"undefined": "what is no number (a division by zero, or memory that was not set)",
            "top": "the largest entry of x", "bottom": "the smallest entry of x"}  # fmt: skip


def taken(run: Run, node: Node) -> Node:
    """The arm of a branch that this run takes; where another entry decides, both are taken in turn (`Ties`)."""
    condition, yes, no = node.args
    try:
        answer = run.truth(condition)
    except Foreign:
        if draws(condition):
            raise Stopped("a branch on another entry and a draw together") from None
        # Whatever the other entries are, one of the arms is taken: the claim is proved for either.
        answer = run.ties.choose(condition)
    arm: Node = yes if answer else no
    return arm


def joined(run: Run, node: Node) -> bool:
    """and, or: the second is not needed where the first decides; one on another entry may be either.

    As in Python the second part is not evaluated where the first decides; a part on another entry may be
    true or false.
    """
    decides: bool = node.op == "or"
    unknown = False
    for part in node.args:
        try:
            if run.truth(part) == decides:
                return decides
        except Foreign:
            unknown = True
    if unknown:
        raise Foreign
    return not decides


def placed(problem: Stopped, node: Node) -> Stopped:
    """The same refusal with the line of the innermost expression."""
    says = str(problem)
    if problem.placed or not node.line:
        return problem
    out = Stopped(f"{node.line}: {says}")
    out.placed = True
    return out


def draws(node: Node) -> bool:
    """True for an expression that holds a draw."""
    if node.drawn is None:
        todo = [node]
        while todo:  # as deep as a loop of the program is long
            n = todo[-1]
            inner = [a for a in n.args if isinstance(a, Node)]
            left = [a for a in inner if a.drawn is None]
            if left:
                todo += left
            else:
                n.drawn = n.op in ("u", "cat", "in") or any(a.drawn for a in inner)
                todo.pop()
    return bool(node.drawn)


def _times_power(v: Value, exponent: Fraction) -> Value:
    """v 2^exponent."""
    if exponent.denominator != 1:
        raise Stopped("an irrational power of 2")
    return v * whole(Fraction(2) ** int(exponent))


def _drawn(u: Value | Log, v: Value | Log) -> bool:
    """True where a draw is compared, or two numbers that do not change with the cell's variable."""
    values = [w for w in (u, v) if not isinstance(w, Log)]
    fixed = len(values) == 2 and all(w.constant is not None for w in values)
    return fixed or any(w.b is not None for w in values)


def _steps(v: Value, cell: Cell) -> int:
    """How much farther out the lattice must begin for the sign to be settled."""
    # |K| > |a / s| settles the sign of a + s K; a float of it, rounded up, is only where to begin.
    reach = abs(float(v.a(cell.sample)) / float(v.shift))
    return min(int(reach) + 1, 1000)
