"""The trusted kernel: `check(statement, certificate)` on two JSON texts, in exact rational arithmetic.

Everything stochastic and distributed lives in one Hilbert space H = L2(Omega; (R^d)^n) with the inner product
<a, b> = E (1/n) sum_i <a_i, b_i>. A `common` vector is the same at every worker, a `family` may differ; P is the
averaging operator (1/n) sum_i: self-adjoint, P P = P, P c = c for common c, commuting with common operators. All
declared operators are self-adjoint. Random vectors are square integrable and hypotheses hold integrated. A vector of
level t is F_t-measurable; `family Q ~ v @ t` is a draw with E[Q | F_t] = v, of level t + 1. Sums over indices
(`Sum(j, ...)`), with random indicators under `E`, and plain polynomial facts live in the same ring of scalars.

There is one inference rule. A step shows `lhs <= rhs` when, identically,
    rhs - lhs = sum_h m_h * slack_h + sum_j t_j
with h known relations (slack >= 0, or = 0), m_h >= 0 (any sign where h is an equality) and t_j >= 0. Signs are read
off the text: sums, products and even powers of nonnegative things, squares sq(v), known relations. A division is
accepted only when its divisor is positive in the same sense. Hypotheses are instances of the schemas in
`axioms`, nothing else. The standard library is all that is imported; there is no floating point.
"""

from __future__ import annotations

import ast
import hashlib
import itertools
import json
from collections import Counter
from collections.abc import Iterable, Iterator
from fractions import Fraction
from functools import reduce
from typing import Any

from .axioms import DRAWS, FAMILIES, SCALAR, SCHEMAS

Symbol = tuple[str, tuple[str, ...]]  # a name and its indices; indices that start with "$" are summed over
Monomial = tuple[tuple[Symbol, int], ...]
Poly = dict[Monomial, Fraction]
Word = tuple[str, ...]
Relation = tuple["Scalar", str]  # slack and its kind: ">=", ">" or "=="

RESERVED = {"P", "sq", "dot", "mean", "Sum", "E", *SCHEMAS}
FIELDS = {"name", "title", "params", "domain", "sizes", "indices", "arrays", "law", "operators"}
FIELDS |= {"vectors", "values", "let", "given", "claim", "run"}


class Refused(Exception):
    """The statement is malformed, or the certificate does not prove it; the message says where."""


def require(ok: bool, message: str) -> None:
    if not ok:
        raise Refused(message)


# ---- scalars: Laurent polynomials over Q, over a product of positive polynomials ----------------------------


def bound(m: Monomial) -> list[str]:
    return sorted({i for (_, idx), _ in m for i in idx if i[0] == "$"})


def sort_of(index: str) -> str:
    return index[1:].split(":")[0]


def rename(m: Monomial, names: dict[str, str]) -> Monomial:
    powers: Counter[Symbol] = Counter()
    for (name, idx), e in m:
        powers[(name, tuple(names.get(i, i) for i in idx))] += e
    return tuple(sorted((s, e) for s, e in powers.items() if e))


def canonical(m: Monomial) -> Monomial:
    """The least renaming of the summed indices, sort by sort ("$sort:number")."""
    old = bound(m)
    require(len(old) <= 6, "more than six summed indices in one term")
    new = [f"${sort_of(i)}:{k}" for k, i in enumerate(old)]
    options = (p for p in itertools.permutations(new) if [*map(sort_of, p)] == [*map(sort_of, old)])
    return min(rename(m, dict(zip(old, p, strict=True))) for p in options)


def collect(terms: Iterable[tuple[Monomial, Fraction]]) -> Poly:
    out: Poly = {}
    for m, c in terms:
        out[m] = out.get(m, Fraction(0)) + c
    return {m: c for m, c in out.items() if c}


def multiply(a: Poly, b: Poly) -> Poly:
    apart = [(rename(k, {i: i + "'" for i in bound(k)}), e) for k, e in b.items()]
    return collect((canonical(rename(m + k, {})), c * e) for m, c in a.items() for k, e in apart)


class Scalar:
    """num / prod den_i^e_i; every den_i has been shown positive when it entered."""

    __slots__ = ("den", "num")

    def __init__(self, num: Poly, den: Counter[tuple[tuple[Monomial, Fraction], ...]] | None = None) -> None:
        self.num, self.den = num, den or Counter()

    def plus(self, other: Scalar, factor: int = 1) -> Scalar:
        den, parts = self.den | other.den, []
        for s, c in ((self, 1), (other, factor)):
            num = s.num
            for extra in (den - s.den).elements():
                num = multiply(num, dict(extra))
            parts += [(m, c * e) for m, e in num.items()]
        return Scalar(collect(parts), den)

    def times(self, other: Scalar) -> Scalar:
        return Scalar(multiply(self.num, other.num), self.den + other.den)

    def inverse(self) -> Scalar:
        """1 / self, for self shown positive: a single term inverts in place, a sum becomes a denominator."""
        require(not any(idx for m in self.num for (_, idx), _ in m), "a divisor has no indices")
        top = constant(1)
        for factor in self.den.elements():
            top = Scalar(multiply(top.num, dict(factor)))
        if len(self.num) == 1:
            [(m, c)] = self.num.items()
            return top.times(Scalar({tuple((s, -e) for s, e in m): 1 / c}))
        unit = abs(self.num[min(self.num)])
        frozen = tuple(sorted((m, c / unit) for m, c in self.num.items()))
        return top.times(Scalar({(): 1 / unit}, Counter({frozen: 1})))


Key = tuple[Word, str]  # an operator word and the vector it acts on; SCALAR_PART stands for plain numbers
Value = dict[Key, Scalar]
SCALAR_PART: Key = ((), "")


def constant(c: int) -> Scalar:
    return Scalar({(): Fraction(c)} if c else {})


def symbol(name: str, idx: tuple[str, ...] = ()) -> Scalar:
    return Scalar({(((name, idx), 1),): Fraction(1)})


def show(p: Poly) -> str:
    """A polynomial as text, for messages."""
    terms = (["*".join(i) + f"^{e}" for (n, x), e in m for i in [(n, *x)]] for m in sorted(p))
    return " + ".join(f"{p[m]}*" + "*".join(t) for m, t in zip(sorted(p), terms, strict=True))


# ---- text ---------------------------------------------------------------------------------------------------


class Expand(ast.NodeTransformer):
    """Puts the definitions of `let` names and schema arguments in place."""

    def __init__(self, env: dict[str, ast.expr]) -> None:
        self.env = env

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return self.env.get(node.id, node)


def read(text: object, env: dict[str, ast.expr]) -> Any:
    require(type(text) is str and len(text) <= 20000, f"not a text of at most 20000 characters: {text!r:.60}")
    try:
        return Expand(env).visit(ast.parse(str(text).strip(), mode="eval").body)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise Refused(f"cannot read {text!r:.80}: {error}") from None


def names_in(node: ast.AST) -> set[str]:
    return {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}


def texts(data: dict[str, Any], key: str) -> list[str]:
    out = data.get(key, [])
    require(type(out) is list and all(type(t) is str for t in out), f"{key} is a list of texts")
    return list(out)


def pairs(data: dict[str, Any], key: str) -> list[tuple[str, str]]:
    out = data.get(key, {})
    require(type(out) is dict and all(type(v) is str for v in out.values()), f"{key} maps names to texts")
    return list(out.items())


def scaled(v: Value, c: Scalar) -> Value:
    return {k: c.times(e) for k, e in v.items()}


class Theory:
    """A statement that has been read: its names, its Hilbert space, and the relations known so far."""

    def __init__(self, data: dict[str, Any]) -> None:
        require(set(data) <= FIELDS, f"unknown fields {sorted(set(data) - FIELDS)}")
        self.names: set[str] = set()
        self.level: dict[str, int] = {"P": 0}
        self.common: set[str] = set()
        self.draws: dict[str, tuple[Value, int]] = {}
        self.ops: set[str] = {"P"}
        self.env: dict[str, ast.expr] = {}
        self.known: dict[str, Relation] = {}
        self.bases: list[tuple[Poly, bool, str]] = []
        self.positive: dict[Symbol, tuple[int, str]] = {}
        self.leaned: set[str] = set()  # relations that signs were read from
        self.params = {self.fresh(p) for p in str(data.get("params", "")).split()}
        self.scalars = set(self.params)
        self.indices: dict[str, str] = {}
        self.arrays: dict[str, tuple[str, ...]] = {}
        for text in texts(data, "domain"):
            self.learn(text, read(text, {}))
        self.sizes = {self.fresh(s): self.scalar(read(t, {})) for s, t in pairs(data, "sizes")}
        self.indices = {self.fresh(i): s for i, s in pairs(data, "indices")}
        require(set(self.indices.values()) <= set(self.sizes), "an index of an unknown sort")
        self.arrays = {self.fresh(a): tuple(s.split()) for a, s in pairs(data, "arrays")}
        self.law = dict(pairs(data, "law"))
        if self.law:
            require(set(self.law) == {"indicator", "kind", "on", "parameter"}, "a law has four fields")
            require(self.law["kind"] in {"deal", "coins"}, "a law deals or tosses coins")
            require(not data.get("vectors"), "a law and vectors do not mix")
            self.chance = self.scalar(read(self.law["parameter"], {}))
            self.arrays[self.fresh(self.law["indicator"])] = tuple(self.law["on"].split())
        known = {s for a in self.arrays.values() for s in a} <= set(self.sizes)
        require(known, "an array over an unknown sort")
        for text in texts(data, "operators"):
            self.declare(text, operator=True)
        for text in texts(data, "vectors"):
            self.declare(text, operator=False)
        self.scalars |= {self.fresh(p) for p in str(data.get("values", "")).split()}
        for name, text in pairs(data, "let"):
            self.env[self.fresh(name)] = read(text, self.env)
        self.given = dict(pairs(data, "given"))
        for name, text in self.given.items():
            require(name not in self.known, f"two relations are called {name}")
            self.learn(name, self.hypothesis(text))
        self.exists()
        self.claims = texts(data, "claim")
        require(bool(self.claims), "nothing is claimed")

    def exists(self) -> None:
        """Sorts have sizes >= 0 and the law's probabilities are in [0, 1]: else claims would speak of nothing."""
        for sort, size in self.sizes.items():
            require(self.leaf(size) > 0, f"the size of {sort} was not shown nonnegative")
        if self.law:
            *hands, last = on = self.law["on"].split()
            self.first = [next((i for i, s in self.indices.items() if s == sort), "") for sort in on]
            own = set(self.first) if self.law["kind"] == "coins" else set()
            used = {i for m in self.chance.num for (_, idx), _ in m for i in idx}
            require(used <= own, f"{self.law['parameter']}: its indices are the first declared of each sort")
            room, asked = constant(1), self.chance
            if self.law["kind"] == "deal":
                room, asked = self.sizes[last], reduce(Scalar.times, (self.sizes[h] for h in hands), asked)
            shown = self.leaf(self.chance) and self.leaf(room.plus(asked, -1))
            require(shown > 0, f"{self.law['parameter']} was not shown to be a share the law can give")

    def fresh(self, name: str) -> str:
        require(name.isidentifier() and name.isascii(), f"not a name: {name!r:.40}")
        require(name not in self.names and name not in RESERVED, f"the name {name} is taken")
        self.names.add(name)
        return name

    def declare(self, text: str, operator: bool) -> None:
        """`common x`, `family g @ 1`, `family Q ~ mean @ 0` (the mean is measurable at 0, Q at 1)."""
        head, _, at = (part.strip() for part in text.partition("@"))
        head, _, mean = (part.strip() for part in head.partition("~"))
        kind, _, name = head.partition(" ")
        require(kind in {"common", "family"}, f"{text!r:.60} is neither common nor family")
        require(at in {"", "0", "1", "2", "3"}, f"{text!r:.60}: the level is 0, 1, 2 or 3")
        time, name = int(at or 0), name.strip()
        if mean:
            require(not operator, "operators have no declared mean")
            centre = self.vector(read(mean, self.env))
            past = all(self.level[k] <= time for w, a in centre for k in (*w, a))
            require(past, f"{name}: mean not measurable")
            shared = kind == "family" or all(self.is_common(w, a) for w, a in centre)
            require(shared, f"{name} is common, its mean is not")
            self.draws[self.fresh(name)] = (centre, time)
        else:
            self.fresh(name)
        self.level[name] = time + bool(mean)
        if kind == "common":
            self.common.add(name)
        if operator:
            self.ops.add(name)

    def is_common(self, word: Word, atom: str) -> bool:
        private = next((k for k in (*word, atom) if k == "P" or k not in self.common), "P")
        return private == "P"

    # -- known relations --------------------------------------------------------------------------------------

    def hypothesis(self, text: str) -> ast.expr:
        """The relation that a schema instance stands for."""
        node = read(text, self.env)
        named = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in SCHEMAS
        require(named and not node.keywords, f"{text!r:.80} is no schema")
        name, args = node.func.id, node.args
        wanted, body, _ = SCHEMAS[name]
        require(len(wanted.split()) == len(args), f"{text!r:.80}: the arguments are {wanted}")
        if name in DRAWS:
            require(isinstance(args[0], ast.Name) and args[0].id in self.draws, f"{text!r:.80}: not a draw")
            require(name not in FAMILIES or args[0].id not in self.common, f"{text!r:.80}: not a family")
        if name in SCALAR:
            plain = self.params | {"Sum"} | set(self.arrays) | set(self.indices)
            require(all(names_in(a) <= plain for a in args), f"{text!r:.80}: scalars only")
        out: ast.expr = read(body, dict(zip(wanted.split(), args, strict=True)))
        return out

    def relation(self, node: ast.expr) -> Relation:
        good = isinstance(node, ast.Compare) and len(node.ops) == 1
        require(good, f"{ast.unparse(node):.80} is not one relation")
        assert isinstance(node, ast.Compare)
        a, b = self.scalar(node.left), self.scalar(node.comparators[0])
        kind = {ast.LtE: ">=", ast.GtE: ">=", ast.Lt: ">", ast.Gt: ">", ast.Eq: "=="}.get(
            type(node.ops[0]), ""
        )
        require(bool(kind), f"{ast.unparse(node):.80}: the relation is <=, <, >=, > or ==")
        slack = a.plus(b, -1) if isinstance(node.ops[0], ast.GtE | ast.Gt) else b.plus(a, -1)
        require(all(s[0] != self.law_name() for m in slack.num for s, _ in m), "an indicator outside E")
        return slack, kind

    def law_name(self) -> str:
        return str(getattr(self, "law", {}).get("indicator", ""))

    def learn(self, name: str, node: ast.expr) -> None:
        slack, kind = self.known[name] = self.relation(node)
        for q in self.instances(slack.num) if kind != "==" else ():
            self.bases.append((q, kind == ">", name))
            rest, heads = q.get((), Fraction(0)), [m for m in q if m]
            if (
                len(heads) == 1
                and len(heads[0]) == 1
                and heads[0][0][1] == 1
                and q[heads[0]] > 0
                and rest <= 0
            ):
                s = heads[0][0][0]  # from symbol >= c with c >= 0; a sum tells nothing of its terms
                if not bound(heads[0]):
                    self.positive[s] = max(
                        self.positive.get(s, (0, "")), (2 if kind == ">" or rest < 0 else 1, name)
                    )

    def instances(self, p: Poly) -> Iterator[Poly]:
        """A relation with free indices holds for all values of them: rename within the sorts."""
        free = sorted({i for m in p for (_, idx), _ in m for i in idx if i[0] != "$"})
        choices = [[k for k, s in self.indices.items() if s == self.indices[i]] for i in free]
        for new in itertools.product(*choices):
            yield collect((canonical(rename(m, dict(zip(free, new, strict=True)))), c) for m, c in p.items())

    # -- values -----------------------------------------------------------------------------------------------

    def scalar(self, node: ast.expr) -> Scalar:
        out = self.value(node)
        require(set(out) <= {SCALAR_PART}, f"{ast.unparse(node):.80} is no scalar")
        return out.get(SCALAR_PART, constant(0))

    def vector(self, node: ast.expr) -> Value:
        out = self.value(node)
        require(SCALAR_PART not in out, f"{ast.unparse(node):.80} is no vector")
        return out

    def value(self, node: ast.expr) -> Value:
        """A scalar or a vector; zero, without any part, is both."""
        match node:
            case ast.Constant(value=c) if type(c) is int:
                out = {SCALAR_PART: constant(c)}
            case ast.Name(id=name) if name in self.scalars:
                out = {SCALAR_PART: symbol(name)}
            case ast.Name(id=name) if name in self.level and name not in self.ops:
                out = {((), name): constant(1)}
            case ast.UnaryOp(op=ast.USub(), operand=a):
                out = scaled(self.value(a), constant(-1))
            case ast.BinOp(left=a, op=ast.Add() | ast.Sub() as op, right=b):
                out = self.value(a)
                for k, part in self.value(b).items():
                    out[k] = out.get(k, constant(0)).plus(part, 1 if isinstance(op, ast.Add) else -1)
                require(len({k == SCALAR_PART for k in out}) < 2, "a scalar added to a vector")
            case ast.BinOp(left=a, op=ast.Mult(), right=b):
                x, y = self.value(a), self.value(b)
                out = scaled(y, self.scalar(a)) if set(x) <= {SCALAR_PART} else scaled(x, self.scalar(b))
            case ast.BinOp(left=a, op=ast.Div(), right=b):
                require(self.sign(b) == 2, f"the divisor {ast.unparse(b):.80} was not shown positive")
                out = scaled(self.value(a), self.scalar(b).inverse())
            case ast.BinOp(left=a, op=ast.Pow(), right=ast.Constant(value=e)) if (
                type(e) is int and 0 <= e <= 12
            ):
                base = self.scalar(a)
                out = {SCALAR_PART: reduce(Scalar.times, [base] * e, constant(1))}
            case ast.Subscript(value=ast.Name(id=name), slice=at) if name in self.arrays:
                idx = tuple(getattr(i, "id", "") for i in (at.elts if isinstance(at, ast.Tuple) else [at]))
                sorts = tuple(self.indices.get(i) for i in idx)
                require(sorts == self.arrays[name], f"wrong indices of {name}")
                out = {SCALAR_PART: symbol(name, idx)}
            case ast.Call(func=ast.Name(id=name), args=args, keywords=[]):
                out = self.call(name, args)
            case _:
                raise Refused(f"not allowed in a text: {ast.unparse(node):.80}")
        return {k: c for k, c in out.items() if c.num}

    def call(self, name: str, args: list[ast.expr]) -> Value:
        first = getattr(args[0], "id", "") if args else ""
        match name, len(args):
            case ("sq", 1) | ("dot", 2):
                return {SCALAR_PART: self.inner(self.vector(args[0]), self.vector(args[-1]))}
            case (_, 1) if name in self.ops:
                return {((name, *w), a): c for (w, a), c in self.vector(args[0]).items()}
            case ("mean", 1) if first in self.draws:
                return dict(self.draws[first][0])
            case ("Sum", 2) if first in self.indices:
                return {SCALAR_PART: self.total(first, self.scalar(args[1]))}
            case ("E", 1) if self.law:
                return {SCALAR_PART: self.expect(self.scalar(args[0]))}
        raise Refused(f"unknown or misused: {name}({', '.join(map(ast.unparse, args))})"[:120])

    # -- theory (a): the Hilbert space ------------------------------------------------------------------------

    def inner(self, u: Value, v: Value) -> Scalar:
        out = constant(0)
        for ((w, a), c), ((z, b), e) in itertools.product(u.items(), v.items()):
            out = out.plus(c.times(e).times(self.gram(a, (*reversed(w), *z), b)))
        return out

    def gram(self, a: str, word: Word, b: str) -> Scalar:
        """<a, word b> in canonical form: means of draws, then the place of P, then the orientation."""
        for left, middle, right in ((a, word, b), (b, word[::-1], a)):
            centre, time = self.draws.get(right, ({}, -1))
            if time >= max(self.level[k] for k in (left, *middle)):
                return self.inner(
                    {((), left): constant(1)}, {((*middle, *w), v): c for (w, v), c in centre.items()}
                )
        x, y = self.settle(a, word, b), self.settle(b, word[::-1], a)
        return symbol("<{}|{}|{}>".format(*min((a, ".".join(x), b), (b, ".".join(y), a))))

    def settle(self, a: str, word: Word, b: str) -> Word:
        """Between two family operators at most one P, first; none where P meets a common vector."""
        segments: list[list[str]] = [[]]
        for op in word:
            if op == "P" or op in self.common:
                segments[-1].append(op)
            else:
                segments += [[op], []]
        for k in range(0, len(segments), 2):
            meets = (k == 0 and a in self.common) or (k == len(segments) - 1 and b in self.common)
            segments[k] = ["P"] * ("P" in segments[k] and not meets) + [op for op in segments[k] if op != "P"]
        return tuple(itertools.chain.from_iterable(segments))

    # -- theory (b): sums over indices, inclusion probabilities -----------------------------------------------

    def total(self, index: str, body: Scalar) -> Scalar:
        out, name = constant(0), f"${self.indices[index]}:new"
        for m, c in body.num.items():
            if any(index in idx for (_, idx), _ in m):
                out = out.plus(Scalar({canonical(rename(m, {index: name})): c}))
            else:
                out = out.plus(Scalar({m: c}).times(self.sizes[self.indices[index]]))
        return Scalar(out.num, out.den + body.den)

    def expect(self, p: Scalar) -> Scalar:
        """Linear in p; the summed indices of the indicators are split by which of them coincide."""
        u, out = self.law["indicator"], constant(0)
        for m, c in p.num.items():
            cells = {idx for (name, idx), _ in m if name == u}
            require(all(e > 0 for (name, _), e in m if name == u), "an indicator cannot be a divisor")
            require(all(i[0] == "$" for idx in cells for i in idx), "an indicator with a free index")
            rest = tuple((s, e) for s, e in m if s[0] != u)
            for blocks in partitions(sorted({i for idx in cells for i in idx})):
                if all(len({sort_of(i) for i in block}) == 1 for block in blocks):
                    merge = {i: block[0] for block in blocks for i in block}
                    weight = self.probability(sorted({tuple(merge[i] for i in idx) for idx in cells}))
                    terms = collect(
                        (rename(k + rename(rest, merge), {}), c * e) for k, e in weight.num.items()
                    )
                    out = out.plus(self.distinct(Scalar(terms, weight.den), [b[0] for b in blocks]))
        return Scalar(out.num, out.den + p.den)

    def distinct(self, p: Scalar, indices: list[str]) -> Scalar:
        """The sum over pairwise different values of the indices, written by unrestricted sums."""
        if not indices:
            return Scalar(collect((canonical(m), c) for m, c in p.num.items()), p.den)
        last, others = indices[-1], indices[:-1]
        inside = {m: c for m, c in p.num.items() if any(last in idx for (_, idx), _ in m)}
        free = {m: c for m, c in p.num.items() if m not in inside}
        size = self.sizes[sort_of(last)]
        counted = collect((rename(m + k, {}), c * e) for m, c in free.items() for k, e in size.num.items())
        out = self.distinct(Scalar(inside, p.den), others)
        out = out.plus(self.distinct(Scalar(counted, p.den + size.den), others))
        for other in (i for i in others if sort_of(i) == sort_of(last)):
            same = collect((rename(m, {last: other}), c) for m, c in p.num.items())
            out = out.plus(self.distinct(Scalar(same, p.den), others), -1)
        return out

    def probability(self, cells: list[tuple[str, ...]]) -> Scalar:
        """P(the indicators of all these cells are 1), indices with different names being different.

        coins: independent, P = parameter, whose free indices are the first declared of each sort. deal: the last
        sort's cards are dealt at random, `parameter` of them to each hand.
        """
        out, on = constant(1), self.law["on"].split()
        if self.law["kind"] == "coins":
            for cell in cells:
                at = dict(zip(self.first, cell, strict=True))
                chance = Scalar(
                    collect((rename(m, at), c) for m, c in self.chance.num.items()), self.chance.den
                )
                terms = collect(
                    (rename(a + b, {}), x * y) for a, x in out.num.items() for b, y in chance.num.items()
                )
                out = Scalar(terms, out.den + chance.den)
            return out
        cards, size = [cell[-1] for cell in cells], self.sizes[on[-1]]
        if len(set(cards)) < len(cards):
            return constant(0)  # one card is never in two hands
        for r in range(len(cards)):
            left = size.plus(constant(-r))
            require(self.leaf(left) == 2, f"the law needs {show(left.num)} > 0, which was not shown")
            out = out.times(left.inverse())
        for count in Counter(cell[:-1] for cell in cells).values():
            for r in range(count):
                out = out.times(self.chance.plus(constant(-r)))
        return out

    # -- theory (c): signs ------------------------------------------------------------------------------------

    def sign(self, node: ast.expr) -> int:
        """2: positive, 1: nonnegative, 0: not shown; by the structure of the text, then as one known relation."""
        found = 0
        match node:
            case ast.BinOp(left=a, op=ast.Add(), right=b):
                x, y = self.sign(a), self.sign(b)
                found = max(x, y) if x and y else 0
            case ast.BinOp(left=a, op=ast.Mult(), right=b):
                found = min(self.sign(a), self.sign(b))
            case ast.BinOp(left=a, op=ast.Div(), right=b):
                found = self.sign(a) if self.sign(b) == 2 else 0
            case ast.BinOp(left=a, op=ast.Pow(), right=ast.Constant(value=e)) if type(e) is int:
                found = max(self.sign(a), 1 - e % 2)
            case ast.Call(func=ast.Name(id="sq")):
                found = 1
            case ast.Call(func=ast.Name(id="Sum" | "E"), args=[*_, body]):
                found = min(self.sign(body), 1)
        return found if found == 2 else max(found, self.leaf(self.scalar(node)))

    def leaf(self, value: Scalar) -> int:
        best = self.coefficients(value.num)
        for q, strict, name in self.bases if best < 2 else ():
            how = self.coefficients(collect([*value.num.items(), *((m, -c) for m, c in q.items())]))
            how = 2 if how and strict else how
            if how > best:
                best = how
                self.leaned.add(name)
        return best

    def coefficients(self, p: Poly) -> int:
        """Nonnegative coefficients in nonnegative symbols (the zero polynomial is nonnegative)."""
        best = 1
        for m, c in p.items():
            reasons = [self.positive.get(s, (0, "")) for s, _ in m]
            self.leaned |= {name for _, name in reasons}
            signs = [max(r[0], 1 - e % 2) for r, (_, e) in zip(reasons, m, strict=True)]
            if c < 0 or 0 in signs:
                return 0
            best = max(best, min(signs, default=2))
        return best

    # -- the rule ---------------------------------------------------------------------------------------------

    def step(self, step: dict[str, Any], used: set[str]) -> None:
        require(set(step) <= {"show", "use", "terms"}, "a step has show, use and terms")
        text, strict = step.get("show"), 0
        node = read(text, self.env)
        gap, kind = self.relation(node)
        for name, multiplier in pairs(step, "use"):
            require(name in self.known, f"{name!r:.80} is not known here")
            slack, its = self.known[name]
            m = read(multiplier, self.env)
            how = self.sign(m) if its != "==" else 1
            require(how > 0, f"the multiplier {multiplier} of {name} was not shown nonnegative")
            require(kind != "==" or its == "==", f"{text!r:.60}: an equality follows from equalities only")
            strict = max(strict, 2 if its == ">" and how == 2 else 0)
            gap = gap.plus(self.scalar(m).times(slack), -1)
            used.add(name)
        for term in texts(step, "terms"):
            t = read(term, self.env)
            how = self.sign(t)
            require(how > 0, f"the term {term} was not shown nonnegative")
            require(kind != "==", f"{text!r:.60}: an equality has no remainder")
            strict = max(strict, how)
            gap = gap.plus(self.scalar(t), -1)
        require(not gap.num, f"{text!r:.120}: the identity fails by {show(gap.num)[:1500]}")
        require(kind != ">" or strict == 2, f"{text!r:.80}: strictness was not shown")
        if text not in self.known:
            self.learn(str(text), node)


def partitions(items: list[str]) -> Iterator[list[list[str]]]:
    if not items:
        yield []
        return
    for blocks in partitions(items[1:]):
        yield [[items[0]], *blocks]
        for k in range(len(blocks)):
            yield [*blocks[:k], [items[0], *blocks[k]], *blocks[k + 1 :]]


def identity(statement: str) -> str:
    """sha256 of the statement's JSON in canonical form."""
    return hashlib.sha256(json.dumps(json.loads(statement), sort_keys=True).encode()).hexdigest()


def lift(theory: Theory, run: dict[str, Any]) -> str:
    """From one step to whole runs (iterate and telescope), every hypothesis being a schema that holds at each step.

    The claim V(next) + gain <= rate V + noise, rate and noise nonnegative and constant over the run, gives
    V_k + sum_t rate^(k-1-t) gain_t <= rate^k V_0 + noise (1 + rate + ... + rate^(k-1)).
    """
    require(set(run) == {"potential", "next", "rate", "gain", "noise", "fixed"}, "a run has six fields")
    moves = {name: read(text, theory.env) for name, text in pairs(run, "next")}
    fixed = set(str(run["fixed"]).split()) | theory.params
    potential, rate, gain, noise = (read(run[k], theory.env) for k in ("potential", "rate", "gain", "noise"))
    atoms = (set(theory.level) - theory.ops) | theory.scalars
    state = {a for a in atoms if theory.level.get(a, 0) == 0}
    require(not fixed & set(moves) and fixed | set(moves) <= state, "fixed, moving: apart and of level 0")
    require(names_in(potential) & atoms <= set(moves) | fixed, "a name neither moving nor fixed")
    require(not names_in(potential) & theory.ops - {"P"}, "the potential has no operators")
    require((names_in(rate) | names_in(noise)) & atoms <= fixed, "rate and noise are the same at every step")
    require(theory.sign(rate) > 0 and theory.sign(noise) > 0, "rate or noise was not shown nonnegative")
    after = Expand(moves).visit(read(run["potential"], theory.env))
    gap = theory.scalar(rate).times(theory.scalar(potential)).plus(theory.scalar(noise))
    gap = gap.plus(theory.scalar(gain), -1).plus(theory.scalar(after), -1)
    claims = [theory.relation(read(c, theory.env)) for c in theory.claims]
    shown = any(kind != "==" and not s.plus(gap, -1).num for s, kind in claims)
    require(shown, "no claim is the run's one step")
    total = f" + sum_(t<k) r**(k-1-t)*({run['gain']})_t" if run["gain"] != "0" else ""
    return (
        f"V_k{total} <= r**k*V_0 + ({run['noise']})*sum_(t<k) r**t, r = {run['rate']}, V = {run['potential']}"
    )


def check(statement: str, certificate: str) -> dict[str, Any]:
    """Refused, or a record of what was proved: name, identity, the hypotheses used and unused, runs."""
    require(type(statement) is str and type(certificate) is str, "statement and certificate are JSON texts")
    try:
        data, proof = json.loads(statement), json.loads(certificate)
        require(type(data) is dict and type(proof) is dict, "statement and certificate are JSON objects")
        require(set(proof) == {"statement", "steps"}, "a certificate has the fields statement and steps")
        require(proof["statement"] == identity(statement), "the certificate is for another statement")
        theory = Theory(data)
        used: set[str] = set()
        require(type(proof["steps"]) is list, "steps is a list")
        for step in proof["steps"]:
            theory.step(step, used)
        missing = set(theory.claims) - {step["show"] for step in proof["steps"]}
        require(not missing, f"not shown: {sorted(missing)}")
        runs = lift(theory, data["run"]) if "run" in data else ""
    except (RecursionError, LookupError, TypeError, ValueError, AttributeError) as error:
        raise Refused(f"malformed: {type(error).__name__}: {error}") from None
    axioms = {k: v for k, v in theory.given.items() if k in used | theory.leaned}
    unused = sorted(set(theory.given) - set(axioms))
    return {"name": data.get("name", ""), "statement": proof["statement"], "claims": theory.claims, "runs": runs,
            "hypotheses": axioms, "unused": unused, "steps": len(proof["steps"])}  # fmt: skip
