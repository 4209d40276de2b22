"""Finite stochastic models of a statement: they give hypotheses meaning and false claims a counterexample.

A model assigns numbers to everything a statement declares: outcomes with probabilities, workers, coordinates. All
hypotheses and claims are then evaluated exactly. `witness` shows that the hypotheses can hold together, with every
vector alive and every draw noisy; `counterexample` shows that a claim is false. Neither is needed for soundness: the
kernel proves, models guard what is proved.

Written independently of the kernel on purpose: it evaluates texts by numbers where the kernel reasons by symbols, and
shares only the reading of declarations. All arithmetic is in Fractions; an equality holds exactly or not at all.
"""

from __future__ import annotations

import ast
import itertools
import json
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from .axioms import SCHEMAS
from .kernel import Expand, Poly, Refused, Theory, identity, parts, read, require
from .roles import Data

# Vacuity is the danger here: a hypothesis about a vector that is 0 holds, and says nothing. A witness has
# to keep these alive.
# what an instance of a schema is about: were it zero, the schema would say nothing, or force a degenerate case
LIVE = {
    "contraction": "v",
    "bias": "v",
    "spread": "v",
    "mean_spread": "v",
    "b1_lower": "x",
    "b2_lower": "x",
    "b_upper": "x",
    "strongly_convex": "xs - x",
    "cocoercive": "x - xs",
    "sector": "x - y",
    "coercive": "x - xs",
    "descent": "xp - x",
    "lipschitz": "x - xs",
    "loewner": "u",
    "quadratic": "d",
}
Vector = list[list[list[Fraction]]]  # outcome, worker, coordinate
Value = Fraction | Vector


def _depth(x: object) -> int:
    """How often lists are nested: 0 for a number."""
    return 1 + _depth(x[0]) if isinstance(x, list) else 0


class Model:
    """The statement's names with values; `value` evaluates its texts.

    Every number is a Fraction. A vector is [outcome][worker][coordinate]; what is the same for all outcomes or
    workers may be given once. Raises Refused where the data are no model of the declarations: a name without a value,
    a common vector that differs, a vector that is not measurable at its level, a draw with another mean,
    probabilities that do not sum to 1.
    """

    def __init__(self, statement: str, data: Data) -> None:
        self.theory = Theory(json.loads(statement))
        known = {"params", "prob", "workers", "dim", "cells", "vectors", "operators", "values", "arrays"}
        require(set(data) <= known, f"unknown fields in a model: {sorted(set(data) - known)}")
        self.prob = [Fraction(p) for p in data.get("prob", ["1"])]
        require(sum(self.prob) == 1 and min(self.prob) > 0, "probabilities are positive and sum to 1")
        self.workers, self.dim = int(data.get("workers", 1)), int(data.get("dim", 1))
        self.names: dict[str, Any] = {}
        for name, value in {**data.get("params", {}), **data.get("values", {})}.items():
            self.names[name] = Fraction(value)
        missing = self.theory.scalars - set(self.names)
        require(not missing, f"the model has no value of {sorted(missing)}")
        self.cells = data.get("cells", [])
        self._check_cells()
        self.index: dict[str, int] = {}
        self.drawn: set[tuple[int, ...]] = set()
        self.arrays = data.get("arrays", {})
        for name, value in data.get("operators", {}).items():
            self.names[name] = self._spread(value, 2)
        for name, value in data.get("vectors", {}).items():
            self.names[name] = self._spread(value, 1)
        self._check_vectors()

    def _spread(self, value: Any, inner: int) -> list[list[Any]]:
        """Value of one coordinate vector (inner = 1) or matrix (2), per worker and outcome where given so."""
        if not isinstance(value, list):
            value = (
                [value] * self.dim
                if inner == 1
                else [[value if i == j else 0 for j in range(self.dim)] for i in range(self.dim)]
            )
        # A value is given per outcome and worker, per worker, or once: repeated from the inside out.
        for count, depth in ((self.workers, inner), (len(self.prob), inner + 1)):
            if _depth(value) == depth:
                value = [value] * count
            require(len(value) in (count, len(self.prob)), "a value of the wrong shape")
        require(len(value) == len(self.prob) and all(len(v) == self.workers for v in value), "wrong shape")
        leaf = (
            (lambda row: [Fraction(c) for c in row])
            if inner == 1
            else (lambda rows: [[Fraction(c) for c in row] for row in rows])
        )
        return [[leaf(w) for w in outcome] for outcome in value]

    def _partition(self, level: int) -> list[list[int]]:
        """Which outcomes F_level cannot tell apart: all at 0, none from the last given level on."""
        # F_0 knows nothing, the last level everything; in between the model says what it knows.
        if level == 0:
            return [list(range(len(self.prob)))]
        if level <= len(self.cells):
            return [list(map(int, cell)) for cell in self.cells[level - 1]]
        return [[k] for k in range(len(self.prob))]

    def _check_cells(self) -> None:
        """Each level's cells are a partition of the outcomes that refines the one before."""
        for level in range(1, len(self.cells) + 2):
            here = [set(cell) for cell in self._partition(level)]
            once = sorted(k for cell in self._partition(level) for k in cell) == [*range(len(self.prob))]
            finer = all(any(cell <= set(c) for c in self._partition(level - 1)) for cell in here)
            # Levels grow: what is known once stays known. Otherwise a later draw could be conditioned on
            # less than an earlier one.
            require(once and finer and all(here), f"the cells of level {level} are no finer partition")

    def _check_vectors(self) -> None:
        """Every declaration holds: common, measurable, symmetric, and each draw has its declared conditional mean."""
        t = self.theory
        for name in set(t.level) - {"P"}:
            require(name in self.names, f"the model has no value of {name}")
            value = self.names[name]
            if name in t.common:
                require(all(w == o[0] for o in value for w in o), f"{name} is common, its values differ")
            for cell in self._partition(t.level[name]):
                require(
                    all(value[k] == value[cell[0]] for k in cell), f"{name} is not measurable at its level"
                )
            if name in t.ops:
                flat = [m for o in value for m in o]
                require(
                    all(m == [list(c) for c in zip(*m, strict=True)] for m in flat),
                    f"{name} is not symmetric",
                )
        for name, (_, time) in t.draws.items():
            # E[Q | F_t] = declared mean, cell by cell of F_t: exactly, in Fractions.
            centre = self.mean_of(name)
            for cell in self._partition(time):
                mass = sum(self.prob[k] for k in cell)
                for w, c in itertools.product(range(self.workers), range(self.dim)):
                    mean = sum(self.prob[k] * self.names[name][k][w][c] for k in cell) / mass
                    require(mean == centre[cell[0]][w][c], f"{name} has another mean than declared")

    def mean_of(self, draw: str) -> Vector:
        """The declared mean of a draw, at every outcome."""
        centre, _ = self.theory.draws[draw]
        out = self._constant(Fraction(0))
        for c, word, atom in parts(centre):
            v = self.names[atom]
            # Operators are written from the left, and applied from the right.
            for op in reversed(word):
                v = self._apply(op, v)
            out = self._add(out, self._times(self._poly(c), v))
        return out

    def _poly(self, p: Poly) -> Fraction:
        """A polynomial of numbers, with 1/q for the symbol of an inverse of q."""
        total = Fraction(0)
        for m, c in p.items():
            for (name, _), e in m:
                inverse = self.theory.inverses.get(name)
                c = c * (1 / self._poly(inverse) if inverse else self.names[name]) ** e
            total += c
        return total

    def _constant(self, c: Fraction) -> Vector:
        """The vector with this number in every coordinate."""
        return [[[c] * self.dim for _ in range(self.workers)] for _ in self.prob]

    def _add(self, u: Vector, v: Vector, sign: int = 1) -> Vector:
        """u + sign * v."""
        rows = [
            [zip(x, y, strict=True) for x, y in zip(a, b, strict=True)] for a, b in zip(u, v, strict=True)
        ]
        return [[[x + sign * y for x, y in r] for r in o] for o in rows]

    def _times(self, c: Fraction, v: Vector) -> Vector:
        """c * v."""
        return [[[c * x for x in w] for w in o] for o in v]

    def _apply(self, op: str, v: Vector) -> Vector:
        """An operator at every worker and outcome; P is the average over the workers."""
        if op == "P":
            return [
                [[sum(col) / Fraction(self.workers) for col in zip(*o, strict=True)]] * self.workers
                for o in v
            ]
        matrices = self.names[op]
        return [
            [
                [sum(a * x for a, x in zip(row, w, strict=True)) for row in m]
                for m, w in zip(ms, o, strict=True)
            ]
            for ms, o in zip(matrices, v, strict=True)
        ]

    def inner(self, u: Vector, v: Vector) -> Fraction:
        """<u, v> = E (1/n) sum_i <u_i, v_i>, as the kernel has it."""
        total = Fraction(0)
        for p, a, b in zip(self.prob, u, v, strict=True):
            total += p * sum(x * y for s, t in zip(a, b, strict=True) for x, y in zip(s, t, strict=True))
        return total / self.workers

    def number(self, node: ast.AST) -> Fraction:
        """The value of an expression that is a number; Refused where it is none."""
        found = self.value(node)
        if not isinstance(found, Fraction):
            raise Refused(f"a model finds a vector where a number is asked for: {ast.unparse(node):.60}")
        return found

    def vector(self, node: ast.AST) -> Vector:
        """The value of an expression that is a vector; the number 0 is the zero vector."""
        found = self.value(node)
        return self._constant(found) if isinstance(found, Fraction) else found

    def value(self, node: ast.AST) -> Value:
        """A Fraction or a vector."""
        match node:
            case ast.Constant(value=int(c)):
                return Fraction(c)
            case ast.Name(id=name):
                known: Value = self.names[name]
                return known
            case ast.UnaryOp(operand=a):
                return self._combine(Fraction(0), self.value(a), -1)
            case ast.BinOp(left=a, op=ast.Add(), right=b):
                return self._combine(self.value(a), self.value(b), 1)
            case ast.BinOp(left=a, op=ast.Sub(), right=b):
                return self._combine(self.value(a), self.value(b), -1)
            case ast.BinOp(left=a, op=ast.Mult(), right=b):
                x, y = self.value(a), self.value(b)
                if isinstance(x, Fraction):
                    return x * y if isinstance(y, Fraction) else self._times(x, y)
                return self._times(self.number(b), x)
            case ast.BinOp(left=a, op=ast.Div(), right=b):
                x, by = self.value(a), self.number(b)
                return x / by if isinstance(x, Fraction) else self._times(1 / by, x)
            case ast.BinOp(left=a, op=ast.Pow(), right=ast.Constant(value=int(e))):
                return Fraction(self.number(a) ** e)
            case ast.Subscript(value=ast.Name(id=name), slice=at):
                idx = tuple(self.index[i.id] for i in (at.elts if isinstance(at, ast.Tuple) else [at]))  # type: ignore[attr-defined]
                if name == self.theory.law.get("indicator"):
                    return Fraction(idx in self.drawn)
                entry = self.arrays[name]
                for i in idx:
                    entry = entry[i]
                return Fraction(entry)
            case ast.Call(func=ast.Name(id=name), args=args):
                return self._call(name, args)
        raise Refused(f"a model cannot evaluate {ast.unparse(node):.60}")

    def _combine(self, a: Value, b: Value, sign: int) -> Value:
        """a + sign * b of two numbers or two vectors; a number 0 is the zero vector, too."""
        if isinstance(a, Fraction) and isinstance(b, Fraction):
            return a + sign * b
        u, v = (self._constant(w) if isinstance(w, Fraction) else w for w in (a, b))
        return self._add(u, v, sign)

    def _call(self, name: str, args: list[ast.expr]) -> Value:
        """sq, dot, mean, Sum, E, or an operator."""
        # A literal 0 in place of a vector is the zero vector: its products are 0.
        if name in {"sq", "dot"}:
            u, v = (self._combine(self.value(a), Fraction(0), 1) for a in (args[0], args[-1]))
            if isinstance(u, Fraction) or isinstance(v, Fraction):
                return Fraction(0)  # the literal 0 as a vector
            return self.inner(u, v)
        if name == "mean":
            return self.mean_of(args[0].id)  # type: ignore[attr-defined]
        if name == "Sum":
            index = args[0].id  # type: ignore[attr-defined]
            total = Fraction(0)
            for k in range(self._size(self.theory.indices[index])):
                total += self._at({index: k}, args[1])
            return total
        if name == "E":
            total, mass = Fraction(0), Fraction(0)
            # E over the law; the mass is summed with it, so that a law that loses an outcome is refused and
            # gives no number.
            for p, drawn in self._outcomes():
                self.drawn = drawn
                total, mass = total + p * self.number(args[0]), mass + p
            require(mass == 1, "the law's probabilities do not sum to 1")
            return total
        return self._apply(name, self.vector(args[0]))

    def _at(self, where: dict[str, int], node: ast.expr) -> Fraction:
        """An expression at values of some indices."""
        before, self.index = self.index, {**self.index, **where}
        out = self.number(node)
        self.index = before
        return out

    def _size(self, sort: str) -> int:
        """The size of a sort here; Refused where it is no natural number."""
        size = self._poly(self.theory.sizes[sort])
        require(size.denominator == 1 and size >= 0, f"the size of {sort} is no natural number")
        return int(size)

    def _outcomes(self) -> Iterator[tuple[Fraction, set[tuple[int, ...]]]]:
        """(probability, cells that are 1) of the law: the model enumerates what the kernel reasons about.

        coins: every subset. one: no cell, or one. deal: every way to deal the cards, all equally likely.
        """
        law, on = self.theory.law, self.theory.law["on"].split()
        cells = list(itertools.product(*(range(self._size(s)) for s in on)))
        parameter = read(law["parameter"], {})
        if law["kind"] != "deal":
            first = [next(i for i, s in self.theory.indices.items() if s == sort) for sort in on]
            chances = [self._at(dict(zip(first, cell, strict=True)), parameter) for cell in cells]
            require(all(0 <= c <= 1 for c in chances), "a probability outside [0, 1]")
            # At most one cell: the probabilities are exclusive, and what they leave is that none comes up.
            if law["kind"] == "one":
                require(sum(chances) <= 1, "more than one cell in the mean")
                yield 1 - sum(chances, Fraction(0)), set()
                yield from ((c, {cell}) for c, cell in zip(chances, cells, strict=True))
                return
            for up in itertools.product((0, 1), repeat=len(cells)):
                p = Fraction(1)
                for c, bit in zip(chances, up, strict=True):
                    p *= c if bit else 1 - c
                yield p, {cell for cell, bit in zip(cells, up, strict=True) if bit}
            return
        hands = sorted({cell[:-1] for cell in cells})
        # Cards: whole hands are dealt, without replacement; all deals are equally likely.
        each = self.number(parameter)
        require(each.denominator == 1, f"{law['parameter']} cards cannot be dealt")
        deals = list(_deals(hands, list(range(self._size(on[-1]))), int(each)))
        require(bool(deals), "there are not enough cards")
        for deal in deals:
            yield Fraction(1, len(deals)), deal

    # -- what it shows --------------------------------------------------------------------------------------

    def slacks(self, node: ast.Compare) -> list[tuple[Fraction, bool]]:
        """(slack, holds) of a relation, at every value of its free indices."""
        t = self.theory
        # A relation with free indices holds at all their values; an index under a Sum is not free.
        summed = {
            getattr(c.args[0], "id", "")
            for c in ast.walk(node)
            if isinstance(c, ast.Call) and getattr(c.func, "id", "") == "Sum"
        }
        free = [
            i
            for i in t.indices
            if any(isinstance(n, ast.Name) and n.id == i for n in ast.walk(node)) and i not in summed
        ]
        out = []
        for idx in itertools.product(*(range(self._size(t.indices[i])) for i in free)):
            here = dict(zip(free, idx, strict=True))
            a, b = self._at(here, node.left), self._at(here, node.comparators[0])
            op = type(node.ops[0])
            # Slacks of a <= b and a >= b both count what is left before the relation breaks.
            slack = b - a if op in (ast.LtE, ast.Lt) else a - b
            holds = slack == 0 if op is ast.Eq else slack > 0 if op in (ast.Lt, ast.Gt) else slack >= 0
            out.append((slack, holds))
        return out

    def hypotheses_hold(self, data: Data) -> None:
        """Refused, naming the first domain relation or hypothesis that fails here."""
        for text in data.get("domain", []):
            require(all(ok for _, ok in self.slacks(read(text, {}))), f"the model breaks {text}")
        for name, text in self.theory.given.items():
            ok = all(ok for _, ok in self.slacks(self.theory.hypothesis(text)))
            require(ok, f"the model breaks {name}: {text}")

    def alive(self, text: str) -> None:
        """Refused when the vector that the schema instance is about vanishes here."""
        match read(text, self.theory.env):
            case ast.Call(func=ast.Name(id=name), args=args) if name in LIVE:
                named = dict(zip(SCHEMAS[name][0].split(), args, strict=True))
                v = self._combine(self.value(read(LIVE[name], named)), Fraction(0), 1)
                alive = not isinstance(v, Fraction) and self.inner(v, v) > 0
                require(alive, f"{text}: {LIVE[name]} vanishes in the witness")

    def margins(self) -> list[Fraction]:
        """The least slack of each claim (minus the size of an equality's error)."""
        t, out = self.theory, []
        for text in t.claims:
            node = Expand({}).visit(read(text, t.env))
            equal = type(node.ops[0]) is ast.Eq
            out.append(min(-abs(s) if equal else s for s, _ in self.slacks(node)))
        return out


def _deals(hands: list[tuple[int, ...]], cards: list[int], each: int) -> Iterator[set[tuple[int, ...]]]:
    """All ways to give `each` cards to every hand, as sets of (hand, card)."""
    if not hands:
        yield set()
        return
    for held in itertools.combinations(cards, each):
        rest = [c for c in cards if c not in held]
        for others in _deals(hands[1:], rest, each):
            yield {(*hands[0], c) for c in held} | others


def witness(statement: str, model: Data) -> list[Fraction]:
    """The claims' margins in a model where everything assumed holds and nothing is degenerate; else Refused.

    Inside the domain every inequality is strict; every declared vector and operator and what each schema is about
    are nonzero; every draw is noisy.
    """
    data, m = json.loads(statement), Model(statement, model)
    # Three ways in which a theorem could be empty: an edge of the domain where everything is 0, a vector
    # that has to vanish, a draw that cannot be noisy. Each is excluded by one exact model.
    m.hypotheses_hold(data)
    for text in data.get("domain", []):
        node = read(text, {})
        inside = type(node.ops[0]) is ast.Eq or all(s > 0 for s, _ in m.slacks(node))
        require(inside, f"the witness is on the edge of {text}")
    t = m.theory
    for name in set(t.level) - t.ops:
        require(m.inner(m.names[name], m.names[name]) > 0, f"the vector {name} vanishes in the witness")
    for name in t.draws:
        noise = m._add(m.names[name], m.mean_of(name), -1)
        require(m.inner(noise, noise) > 0, f"the draw {name} has no noise in the witness")
    for name, value in m.arrays.items():
        require(any(Fraction(str(c)) for c in _leaves(value)), f"the array {name} vanishes in the witness")
    for name in t.ops - {"P"}:
        require(
            any(map(any, itertools.chain(*itertools.chain(*m.names[name])))),
            f"{name} vanishes in the witness",
        )
    for text in t.given.values():
        m.alive(text)
    # A claim that fails in a model of its hypotheses would mean that kernel or model is wrong: seen here.
    margins = m.margins()
    require(min(margins) >= 0, f"a claim fails in the witness: {margins}")
    return margins


def _leaves(x: object) -> Iterator[object]:
    """The numbers of nested lists."""
    if isinstance(x, list):
        for y in x:
            yield from _leaves(y)
    else:
        yield x


def counterexample(statement: str, model: Data) -> Fraction:
    """The worst margin, negative: all hypotheses hold in the model and a claim fails; else Refused."""
    m = Model(statement, model)
    m.hypotheses_hold(json.loads(statement))
    # A false version has to be false in a model of all its hypotheses: else its refusal by the kernel shows
    # nothing.
    worst = min(m.margins())
    require(
        worst < 0,
        f"the claim holds in the model (margin {worst}): no counterexample to {identity(statement)[:12]}",
    )
    return worst
