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

A declaration is a hypothesis: that a draw's mean is measurable, that a sort's size is a natural number, that a law
exists. `guard` refuses statements that declare what cannot be; what is proved here holds wherever they are true.

To be read from top to bottom: polynomials, texts, the statement as a theory with its three sources of facts (the
Hilbert space, sums over indices, signs), the rule, and the lift to a run. Kept: at most 400 lines of code with the
axioms, the standard library alone, no floats, no evaluation. Any edit, of a comment too, changes the hash in the index
of proved statements: `python -m proofs_check` proves all again and writes it anew.
"""

from __future__ import annotations

import ast
import copy
import hashlib
import itertools
import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Set
from fractions import Fraction
from functools import reduce
from typing import Any

from .axioms import SCHEMAS

Symbol = tuple[str, tuple[str, ...]]  # a name and its indices; indices that start with "$" are summed over
Monomial = tuple[tuple[Symbol, int], ...]  # "|x" is the vector x, its indices the operators applied to it
Poly = dict[Monomial, Fraction]  # Laurent, over Q; a vector is linear in the vector symbols

# A statement is data from outside: what is not of this alphabet never reaches the parser.
TEXT = re.compile(r"[A-Za-z0-9_ +*/()\[\],<>=-]{1,20000}")  # no comments, no line breaks, ASCII only
DECLARATION = re.compile(r"(common|family) +([A-Za-z0-9_]+) *(?:~([^@]+))?(?:@ *([0-3]))?")
KINDS = {ast.LtE: ">=", ast.GtE: ">=", ast.Lt: ">", ast.Gt: ">", ast.Eq: "=="}


class Refused(Exception):
    """The statement is malformed, or the certificate does not prove it; the message says where."""


def require(ok: bool, message: str) -> None:
    """Refused, with the message, unless this holds. Every check of the kernel goes through here."""
    if not ok:
        raise Refused(message)


# ---- polynomials ----------------------------------------------------------------------------------------------


def sort_of(index: str) -> str:
    """Of a summed index "$sort:number"; inside an expectation it is "sort:number", one fixed value."""
    return index.strip("$").split(":")[0]


def indices_in(m: Monomial) -> set[str]:
    """All indices of a term, free and summed."""
    return {i for (_, idx), _ in m for i in idx}


def bound(m: Monomial) -> list[str]:
    """The summed indices of a term, in order."""
    return sorted(i for i in indices_in(m) if i[0] == "$")


def rename(m: Monomial, names: dict[str, str]) -> Monomial:
    """The term with its indices renamed; powers of symbols that become equal are added."""
    powers: defaultdict[Symbol, int] = defaultdict(int)
    for (name, idx), e in m:
        powers[(name, tuple(names.get(i, i) for i in idx))] += e
    return tuple(sorted((s, e) for s, e in powers.items() if e))


def canonical(m: Monomial) -> Monomial:
    """The least renaming of the summed indices, sort by sort."""
    # Two sums that differ in the names of their indices alone are one sum. Trying every order is the
    # canonical form that needs no argument; six indices bound the work.
    old = bound(m)
    require(len(old) <= 6, "more than six summed indices in one term")
    new = [f"${sort_of(i)}:{k}" for k, i in enumerate(old)]
    options = (p for p in itertools.permutations(new) if [*map(sort_of, p)] == [*map(sort_of, old)])
    return min(rename(m, dict(zip(old, p, strict=True))) for p in options) if old else m


def collect(terms: Iterable[tuple[Monomial, Fraction]]) -> Poly:
    """The polynomial of these terms: equal monomials are added, zero coefficients go."""
    # Only here are coefficients added, so a polynomial is zero exactly when it has no term: the test on
    # which every identity rests.
    out: Poly = {}
    for m, c in terms:
        out[m] = out[m] + c if m in out else c
    return {m: c for m, c in out.items() if c}


def add(a: Poly, b: Poly, factor: int = 1) -> Poly:
    """a + factor * b."""
    return collect([*a.items(), *(b.items() if factor == 1 else ((m, factor * c) for m, c in b.items()))])


def multiply(a: Poly, b: Poly) -> Poly:
    """a * b.

    The summed indices of b get names of their own first: (sum_j a_j)(sum_j b_j) has two indices, not one.
    """
    apart = [(rename(k, {i: i + "'" for i in bound(k)}), e) for k, e in b.items()]
    return collect((canonical(rename(m + k, {})), c * e) for m, c in a.items() for k, e in apart)


def renamed(p: Poly, names: dict[str, str]) -> Poly:
    """The polynomial with its indices renamed, each term in canonical form again."""
    return collect((canonical(rename(m, names)), c) for m, c in p.items())


def constant(c: int) -> Poly:
    """The number as a polynomial; 0 has no term."""
    return {(): Fraction(c)} if c else {}


def symbol(name: str, idx: tuple[str, ...] = ()) -> Poly:
    """One symbol as a polynomial."""
    return {(((name, idx), 1),): Fraction(1)}


def degree(m: Monomial) -> int:
    """In vectors: 0 for a scalar's terms, 1 for a vector's."""
    return sum(e for (name, _), e in m if name[0] == "|")


def parts(v: Poly) -> Iterator[tuple[Poly, tuple[str, ...], str]]:
    """A vector's terms: coefficient, operators, vector symbol."""
    for m, c in v.items():
        # Exactly one vector in each term: a product of two vectors is no vector, and unpacking refuses it.
        [(name, word)] = [s for s, _ in m if s[0][0] == "|"]
        yield {tuple(f for f in m if f[0] != (name, word)): c}, word, name[1:]


def show(p: Poly) -> str:
    """A polynomial as text, for messages and as the name of its inverse."""
    powers = ({m: [f"{'.'.join((n, *i))}^{e}" for (n, i), e in m] for m in p}).items()
    return " + ".join("*".join([str(p[m]), *factors]) for m, factors in sorted(powers))


# ---- text ---------------------------------------------------------------------------------------------------


class Expand(ast.NodeTransformer):
    """Puts the definitions of `let` names and schema arguments in place, each a copy of its own."""

    def __init__(self, env: dict[str, ast.expr]) -> None:
        self.env = env

    def visit_Name(self, node: ast.Name) -> ast.expr:
        """A copy: one definition may be put in at several places, and is changed at none of them."""
        return copy.deepcopy(self.env[node.id]) if node.id in self.env else node


def read(text: str, env: dict[str, ast.expr]) -> Any:
    """The expression of a text, `let` names put in; Refused where a character is not of the language.

    The text is parsed, never evaluated. What kind of expression it is gets looked at where it is used.
    """
    require(TEXT.fullmatch(text) is not None, f"not a text of formulas: {text!r:.60}")
    return Expand(env).visit(ast.parse(text.strip(), mode="eval").body)


def names_in(node: ast.AST) -> set[str]:
    """Every name in an expression."""
    return {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}


def field(data: dict[str, Any], key: str, kind: type) -> Any:
    """A text, a list of texts, or a map from names to texts."""
    out = data.get(key, kind())
    inside = out.values() if type(out) is dict else out
    require(type(out) is kind and all(type(t) is str for t in inside), f"{key} is a {kind.__name__} of texts")
    return out


class Theory:
    """A statement that has been read: its names, its Hilbert space, and the relations known so far."""

    def __init__(self, data: dict[str, Any]) -> None:
        # Names are declared in this order: what a text may speak of has been declared before it is read.
        self.names = {"P", "sq", "dot", "mean", "Sum", "E", *SCHEMAS}
        self.level, self.ops = {"P": 0}, {"P"}
        self.common: set[str] = set()
        self.draws: dict[str, tuple[Poly, int]] = {}
        self.env: dict[str, ast.expr] = {}
        # A term t of a certificate is the relation 1 > 0 multiplied by t: one rule for both.
        self.known: dict[str, tuple[Poly, str]] = {"1 > 0": (constant(1), ">")}  # slack, ">=", ">" or "=="
        self.bases: list[tuple[Poly, bool, str]] = []
        self.positive: dict[Symbol, tuple[int, str]] = {}
        self.leaned: set[str] = set()  # relations that something was read from
        self.inverses: dict[str, Poly] = {}
        self.indices: dict[str, str] = {}
        self.arrays: dict[str, tuple[str, ...]] = {}
        self.law: dict[str, str] = field(data, "law", dict)
        self.params = {self.fresh(p) for p in field(data, "params", str).split()}
        self.scalars = set(self.params)
        for text in field(data, "domain", list):
            self.learn(text, read(text, {}))
        self.sizes = {self.fresh(s): self.scalar(read(t, {})) for s, t in field(data, "sizes", dict).items()}
        self.indices = {self.fresh(i): s for i, s in field(data, "indices", dict).items()}
        self.arrays = {self.fresh(a): tuple(s.split()) for a, s in field(data, "arrays", dict).items()}
        # The law of random indicators: with which probability each cell is 1, and on which sorts it lives.
        if self.law:
            self.chance, on = self.scalar(read(self.law["parameter"], {})), self.law["on"].split()
            self.arrays[self.fresh(self.law["indicator"])] = tuple(on)
            self.first = [next((i for i, s in self.indices.items() if s == sort), "") for sort in on]
            own = set(self.first if self.law["kind"] != "deal" else ())
            require(all(indices_in(m) <= own for m in self.chance), "its indices are the first declared")
            self.size = self.sizes[on[-1]]
        for key in ("operators", "vectors"):
            for text in field(data, key, list):
                self.declare(text, key == "operators")
        self.scalars |= {self.fresh(p) for p in field(data, "values", str).split()}
        for name, text in field(data, "let", dict).items():
            self.env[self.fresh(name)] = read(text, self.env)
        self.given: dict[str, str] = field(data, "given", dict)
        for name, text in self.given.items():
            self.learn(name, self.hypothesis(text))
        self.claims: list[str] = field(data, "claim", list)

    def fresh(self, name: str) -> str:
        """A name that nothing else has: no declaration can redefine another, or a word of the language."""
        require(name.isidentifier() and name.isascii() and name not in self.names, f"no new name: {name!r}")
        self.names.add(name)
        return name

    def declare(self, text: str, operator: bool) -> None:
        """`common x`, `family g @ 1`, `family Q ~ mean @ 0` (the mean is measurable at 0, Q at 1)."""
        found = DECLARATION.fullmatch(text)
        if not found:
            raise Refused(f"{text!r:.60} is no `common|family NAME ~ MEAN @ LEVEL`")
        # A draw is known one level after its mean: E[Q | F_t] = v needs v at t, and Q at t + 1.
        name, time = found[2], int(found[4] or 0)
        if found[3]:
            self.draws[name] = (self.value(read(found[3], self.env), {1}), time)
        self.level[self.fresh(name)] = time + (name in self.draws)
        self.common |= {name} if found[1] == "common" else set()
        self.ops |= {name} if operator else set()

    # -- known relations --------------------------------------------------------------------------------------

    def hypothesis(self, text: str) -> Any:
        """The relation that a schema instance stands for."""
        match read(text, self.env):
            case ast.Call(func=ast.Name(id=name), args=args, keywords=[]) as node if name in SCHEMAS:
                wanted, body = SCHEMAS[name]
                # order(a, b) assumes a <= b of numbers. Of vectors or values it would assume any claim
                # whatever, so there it is refused.
                plain = {name, "Sum", *self.params, *self.arrays, *self.indices}
                require(name != "order" or names_in(node) <= plain, f"{text!r:.80}: scalars only")
                return read(body, dict(zip(wanted.split(), args, strict=True)))
        raise Refused(f"{text!r:.80} is no schema")

    def relation(self, node: ast.expr) -> tuple[Poly, str]:
        """(slack, kind) of a relation: a <= b has the slack b - a and the kind ">="."""
        match node:
            case ast.Compare(left=a, ops=[op], comparators=[b]) if type(op) in KINDS:
                # Everything becomes slack >= 0, > 0 or == 0, with the slack on the left.
                sign = 1 if isinstance(op, ast.GtE | ast.Gt) else -1
                slack = add(add({}, self.scalar(a), sign), self.scalar(b), -sign)
                # Outside an expectation an indicator has no value.
                drawn = any(s[0] == self.law.get("indicator") for m in slack for s, _ in m)
                require(not drawn, "an indicator outside E")
                return slack, KINDS[type(op)]
        raise Refused(f"{ast.unparse(node):.80} is not one relation <=, <, >=, > or ==")

    def learn(self, name: str, node: ast.expr) -> None:
        """From now on the relation is known by this name; what it says of single symbols is read off.

        Called for the domain, the hypotheses, and for what a step has shown: never for what is yet to be shown.
        """
        slack, kind = self.known[name] = self.relation(node)
        # Positive divisors are multiplied away first. A relation s - c >= 0 with c >= 0 gives the sign of
        # the symbol s itself; a sum a + b >= 0 says nothing of a.
        for q in self.instances(self.cleared(slack)) if kind != "==" else ():
            self.bases.append((q, kind == ">", name))
            match sorted(q.items()):  # symbol >= c with c >= 0; a sum tells nothing of its terms
                case [*rest, (((s, 1),), c)] if c > 0 and all(not m and r < 0 for m, r in rest):
                    if not bound(((s, 1),)):
                        # 2: positive, by a strict relation or by c > 0; 1: nonnegative.
                        how = 2 if kind == ">" or rest else 1
                        self.positive[s] = max(self.positive.get(s, (0, "")), (how, name))

    def instances(self, p: Poly) -> list[Poly]:
        """A relation with free indices holds for all values of them: rename within the sorts."""
        free = sorted({i for m in p for i in indices_in(m) if i[0] != "$"})
        choices = [[k for k, s in self.indices.items() if s == self.indices[i]] for i in free]
        return [renamed(p, dict(zip(free, new, strict=True))) for new in itertools.product(*choices)]

    # -- values -----------------------------------------------------------------------------------------------

    def scalar(self, node: ast.expr) -> Poly:
        """A number: no term has a vector in it."""
        return self.value(node, {0})

    def value(self, node: ast.expr, degrees: Set[int] = frozenset({0, 1})) -> Poly:
        """A scalar or a vector; zero, without any term, is both."""
        match node:
            case ast.Constant(value=c) if type(c) is int:
                out = constant(c)
            case ast.Name(id=name) if name in self.scalars:
                out = symbol(name)
            case ast.Name(id=name) if name in self.level and name not in self.ops:
                out = symbol("|" + name)
            case ast.UnaryOp(op=ast.USub(), operand=a):
                out = add({}, self.value(a), -1)
            case ast.BinOp(left=a, op=ast.Add() | ast.Sub() as op, right=b):
                out = add(self.value(a), self.value(b), 1 if isinstance(op, ast.Add) else -1)
            case ast.BinOp(left=a, op=ast.Mult(), right=b):
                out = multiply(self.value(a), self.value(b))
            case ast.BinOp(left=a, op=ast.Div(), right=b):
                # The one place where something is divided by: a divisor that may be 0 or negative would
                # prove anything.
                require(self.sign(b) == 2, f"the divisor {ast.unparse(b):.80} was not shown positive")
                out = multiply(self.value(a), self.inverse(self.scalar(b)))
            case ast.BinOp(left=a, op=ast.Pow(), right=ast.Constant(value=int(e))) if 0 <= e <= 12:
                out = reduce(multiply, [self.scalar(a)] * e, constant(1))
            case ast.Subscript(value=ast.Name(id=name), slice=at) if name in self.arrays:
                idx = tuple(getattr(i, "id", "") for i in (at.elts if isinstance(at, ast.Tuple) else [at]))
                require(tuple(map(self.indices.get, idx)) == self.arrays[name], f"wrong indices of {name}")
                out = symbol(name, idx)
            case ast.Call(func=ast.Name(id=name), args=args, keywords=[]):
                out = self.call(name, args)
            case _:
                raise Refused(f"not allowed in a text: {ast.unparse(node):.80}")
        # No number is added to a vector, and nothing quadratic in vectors passes for a value: sq and dot
        # make numbers.
        if len(kinds := {*map(degree, out)}) > 1 or not kinds <= degrees:
            raise Refused(f"{ast.unparse(node):.80}: a scalar or a vector?")
        return out

    def call(self, name: str, args: list[ast.expr]) -> Poly:
        """sq, dot, operators, mean of a draw, sums and expectations."""
        first = getattr(args[0], "id", "") if args else ""
        match name, len(args):
            case ("sq", 1) | ("dot", 2):
                return self.inner(self.value(args[0], {1}), self.value(args[-1], {1}))
            case (_, 1) if name in self.ops:
                return self.applied((name,), self.value(args[0], {1}))
            case ("mean", 1) if first in self.draws:
                return self.draws[first][0]
            case ("Sum", 2) if first in self.indices:
                return self.total(first, self.indices[first], self.scalar(args[1]))
            case ("E", 1) if self.law:
                return self.expect(self.scalar(args[0]))
        raise Refused(f"unknown or misused: {name}({', '.join(map(ast.unparse, args))})"[:120])

    def inverse(self, p: Poly) -> Poly:
        """1/p for p shown positive: of a single term in place, of a sum a positive symbol."""
        require(not any(map(indices_in, p)), "a divisor has no indices")
        # 1/(c m) is m^-1/c: a single term needs no new symbol.
        if len(p) == 1:
            [(m, c)] = p.items()
            return {tuple((s, -e) for s, e in m): 1 / c}
        # p and 2p share one inverse up to the number: scaled to a canonical multiple before it is named.
        unit = abs(p[min(p)])
        q = {m: c / unit for m, c in p.items()}
        name = f"1/({show(q)})"
        self.inverses[name] = q
        self.positive[name, ()] = (2, "1 > 0")
        return {(((name, ()), 1),): 1 / unit}

    def cleared(self, p: Poly) -> Poly:
        """p times positive factors, without the symbols of inverses."""
        # Later inverses may contain earlier ones, so the last goes first. Multiplying by the highest power
        # of q > 0 keeps the sign and the zeros.
        for name, q in reversed(self.inverses.items()):
            power = {m: dict(m).get((name, ()), 0) for m in p}
            top = max(power.values(), default=0)
            rest = {m: tuple(f for f in m if f[0][0] != name) for m in p}
            terms = (reduce(multiply, [q] * (top - e), {rest[m]: p[m]}).items() for m, e in power.items())
            p = collect(itertools.chain.from_iterable(terms))
        return p

    # -- theory (a): the Hilbert space ------------------------------------------------------------------------

    def applied(self, word: tuple[str, ...], v: Poly) -> Poly:
        """Operators applied to a vector, term by term: they are linear."""
        terms = (multiply(c, symbol("|" + a, (*word, *w))) for c, w, a in parts(v))
        return reduce(add, terms, constant(0))

    def inner(self, u: Poly, v: Poly) -> Poly:
        """<u, v>, term by term; an operator moves to the other side since all of them are self-adjoint."""
        out = constant(0)
        for (c, w, a), (e, z, b) in itertools.product(parts(u), parts(v)):
            out = add(out, multiply(multiply(c, e), self.gram(a, (*reversed(w), *z), b)))
        return out

    def gram(self, a: str, word: tuple[str, ...], b: str) -> Poly:
        """<a, word b> in canonical form: means of draws, then the place of P, then the orientation."""
        # The tower rule: <u, W Q> = <u, W E[Q | F_t]> where u and W are known at time t. Tried from both
        # sides; where neither is known early enough the product stays as a symbol.
        for left, middle, right in ((a, word, b), (b, word[::-1], a)):
            centre, time = self.draws.get(right, ({}, -1))
            if time >= max(self.level[k] for k in (left, *middle)):
                return self.inner(symbol("|" + left), self.applied(middle, centre))
        # <a, W b> = <b, W* a>: of both spellings the smaller one is the name.
        x, y = self.settle(a, word, b), self.settle(b, word[::-1], a)
        return symbol("<{}|{}|{}>".format(*min((a, ".".join(x), b), (b, ".".join(y), a))))

    def settle(self, a: str, word: tuple[str, ...], b: str) -> tuple[str, ...]:
        """Between two family operators at most one P, first; none where P meets a common vector."""
        grouped = itertools.groupby(word, lambda op: op == "P" or op in self.common)
        # P P = P, and P commutes with common operators: within a run of these at most one P is left. Next
        # to a common vector it does nothing and goes.
        groups, out = [list(group) for _, group in grouped], list[str]()
        for k, ops in enumerate(groups):
            meets = (k == 0 and a in self.common) or (k == len(groups) - 1 and b in self.common)
            out += ["P"] * ("P" in ops and not meets) + [op for op in ops if op != "P"]
        return tuple(out)

    # -- theory (b): sums over indices, inclusion probabilities -----------------------------------------------

    def total(self, index: str, sort: str, p: Poly) -> Poly:
        """The sum over all values of a free index."""
        # What does not depend on the index is counted as often as the sort is large.
        inside = {m: c for m, c in p.items() if index in indices_in(m)}
        rest = {m: c for m, c in p.items() if m not in inside}
        return add(renamed(inside, {index: f"${sort}:new"}), multiply(rest, self.sizes[sort]))

    def expect(self, p: Poly) -> Poly:
        """Linear in p; the summed indices of the indicators are split by which of them coincide."""
        u, out = self.law["indicator"], constant(0)
        for m, c in p.items():
            cells = {idx for (name, idx), _ in m if name == u}
            free = {i: i[1:] for idx in cells for i in idx}
            require(all(i[0] == "$" for i in free), "an indicator with a free index")
            rest = {rename(tuple(f for f in m if f[0][0] != u), free): c}
            names = sorted(free.values())
            # E of a product of indicators is P(all are 1), which hangs on which of the indices coincide. So
            # the sum is split into partitions of its indices, each over pairwise different values.
            # a partition sends each index to the first of its block
            for firsts in itertools.product(*(names[: k + 1] for k in range(len(names)))):
                block = dict(zip(names, firsts, strict=True))
                if all(block[f] == f and sort_of(f) == sort_of(i) for i, f in block.items()):
                    chance = self.probability({tuple(block[free[i]] for i in idx) for idx in cells})
                    out = add(out, self.distinct(multiply(renamed(rest, block), chance), sorted(set(firsts))))
        return out

    def distinct(self, p: Poly, indices: list[str]) -> Poly:
        """The sum over pairwise different values of the indices, written by unrestricted sums."""
        if not indices:
            return p
        # Inclusion and exclusion: all values of the last index, minus those that it shares with another.
        *others, last = indices
        out = self.distinct(self.total(last, sort_of(last), p), others)
        for other in (i for i in others if sort_of(i) == sort_of(last)):
            out = add(out, self.distinct(renamed(p, {last: other}), others), -1)
        return out

    def probability(self, cells: set[tuple[str, ...]]) -> Poly:
        """P(the indicators of all these cells are 1), indices with different names being different.

        coins: independent, P = parameter, whose free indices are the first declared of each sort; one: the same for
        a single cell, of which at most one is 1. deal: the last sort's cards are dealt at random, `parameter` of them
        to each hand.
        """
        if self.law["kind"] != "deal":
            chances = [renamed(self.chance, dict(zip(self.first, cell, strict=True))) for cell in cells]
            return reduce(multiply, chances, constant(self.law["kind"] == "coins" or len(cells) < 2))
        if len({cell[-1] for cell in cells}) < len(cells):
            return constant(0)  # one card is never in two hands
        # r cards are in given hands with probability prod_h k (k-1) ... / (N (N-1) ...): drawn without
        # replacement. Every factor of the denominator has to be shown positive.
        out = constant(1)
        for left in (add(self.size, constant(r), -1) for r in range(len(cells))):
            require(self.leaf(left) == 2, f"the law needs {show(left)} > 0, which was not shown")
            out = multiply(out, self.inverse(left))
        for count in Counter(cell[:-1] for cell in cells).values():
            out = reduce(multiply, (add(self.chance, constant(r), -1) for r in range(count)), out)
        return out

    # -- theory (c): signs ------------------------------------------------------------------------------------

    def sign(self, node: ast.expr) -> int:
        """2: positive, 1: nonnegative, 0: not shown; by the structure of the text, then as one known relation."""
        found = 0
        match node:
            case ast.BinOp(left=a, op=ast.Add(), right=b):
                x, y = self.sign(a), self.sign(b)
                # A sum is nonnegative where both are, and positive where one of them is.
                found = max(x, y) if x and y else 0
            case ast.BinOp(left=a, op=ast.Mult() | ast.Div(), right=b):
                found = min(self.sign(a), self.sign(b))
            case ast.BinOp(left=a, op=ast.Pow(), right=ast.Constant(value=int(e))):
                # An even power is nonnegative whatever its base.
                found = max(self.sign(a), 1 - e % 2)
            case ast.Call(func=ast.Name(id="sq")):
                found = 1
            case ast.Call(func=ast.Name(id="Sum" | "E"), args=[*_, body]):
                # A sum may be empty, an expectation may vanish: never positive from its summands alone.
                found = min(self.sign(body), 1)
        return max(found, self.leaf(self.scalar(node)))

    def leaf(self, value: Poly) -> int:
        """The sign of a value: of its coefficients, or of what is left when one known slack is taken off.

        One relation at the most, so that the search is short and a reader can repeat it.
        """
        value = self.cleared(value)
        best = self.coefficients(value)
        # value = q + rest with q known and rest of nonnegative coefficients.
        for q, strict, name in self.bases if best < 2 else ():
            how = self.coefficients(add(value, q, -1))
            if how and how + strict > best:
                best = min(2, how + strict)
                self.leaned.add(name)
        return best

    def coefficients(self, p: Poly) -> int:
        """Nonnegative coefficients in nonnegative symbols (the zero polynomial is nonnegative)."""
        best = 1
        for m, c in p.items():
            reasons = [self.positive.get(s, (0, "")) for s, _ in m]
            self.leaned |= {name for _, name in reasons}
            signs = [max(how, 1 - e % 2) for (how, _), (_, e) in zip(reasons, m, strict=True)]
            # One negative coefficient or one symbol of unknown sign ends it: nothing is weighed against
            # anything.
            if c < 0 or 0 in signs:
                return 0
            best = max(best, min(signs, default=2))
        return best

    # -- the rule ---------------------------------------------------------------------------------------------

    def step(self, step: dict[str, Any]) -> None:
        """A use multiplies a known relation, a term multiplies 1 > 0."""
        text = field(step, "show", str)
        node = read(text, self.env)
        # gap is what has to vanish: the slack to be shown less the sum of multiplier * known slack.
        gap, kind = self.relation(node)
        strict, terms = kind != ">", [("1 > 0", term) for term in field(step, "terms", list)]
        for name, multiplier in (*field(step, "use", dict).items(), *terms):
            require(name in self.known, f"{name!r:.80} is not known here")
            slack, its = self.known[name]
            # Inequalities would give only one side of an equality.
            require(kind != "==" or its == "==", f"{text!r:.60}: an equality follows from equalities only")
            m = read(multiplier, self.env)
            # An equality may be multiplied by anything; an inequality only by what is shown nonnegative.
            how = self.sign(m) if its != "==" else 1
            require(how > 0, f"the factor {multiplier} of {name} was not shown nonnegative")
            # One strict relation with a positive multiplier makes the sum strict.
            strict |= its == ">" and how == 2
            gap = add(gap, multiply(self.scalar(m), slack), -1)
            self.leaned.add(name)
        gap = self.cleared(gap)
        require(not gap, f"{text!r:.120}: the identity fails by {show(gap)[:1500]}")
        require(strict, f"{text!r:.80}: strictness was not shown")
        # From here on later steps may use it; what is known already keeps its first meaning.
        if text not in self.known:
            self.learn(text, node)


def identity(statement: str) -> str:
    """sha256 of the statement's JSON in canonical form."""
    return hashlib.sha256(json.dumps(json.loads(statement), sort_keys=True).encode()).hexdigest()


def lift(theory: Theory, run: dict[str, Any]) -> None:
    """From one step to whole runs (iterate and telescope), every hypothesis being a schema that holds at each step.

    Parameters and operators of level 0 belong to the problem: they are the same at every step. The claim
    V(next) + gain <= rate V + noise, rate and noise nonnegative and constant over the run, gives
    V_k + sum_t rate^(k-1-t) gain_t <= rate^k V_0 + noise (1 + rate + ... + rate^(k-1)).
    """
    moves = {name: read(text, theory.env) for name, text in field(run, "next", dict).items()}
    # What may enter rate and noise: numbers that no step changes.
    problem = theory.params | {op for op in theory.ops if theory.level[op] == 0}
    fixed = set(field(run, "fixed", str).split()) | problem
    potential, rate, gain, noise = (read(run[k], theory.env) for k in ("potential", "rate", "gain", "noise"))
    atoms = set(theory.level) | theory.scalars
    state = {a for a in atoms if theory.level.get(a, 0) == 0}
    require(not fixed & set(moves) and fixed | set(moves) <= state, "fixed, moving: apart and of level 0")
    # The potential speaks of the state alone, and of every part of it the run says where it goes.
    require(names_in(potential) & atoms <= set(moves) | fixed, "a name neither moving nor fixed")
    require((names_in(rate) | names_in(noise)) & atoms <= fixed, "rate and noise are the same at every step")
    require(theory.sign(rate) > 0 and theory.sign(noise) > 0, "rate or noise was not shown nonnegative")
    # The one-step claim that the run needs is built here and found among the proved ones; it is not taken
    # from the text.
    gap = add(multiply(theory.scalar(rate), theory.scalar(potential)), theory.scalar(noise))
    gap = add(add(gap, theory.scalar(gain), -1), theory.scalar(Expand(moves).visit(potential)), -1)
    claims = [theory.relation(read(c, theory.env)) for c in theory.claims]
    shown = any(kind != "==" and not theory.cleared(add(s, gap, -1)) for s, kind in claims)
    require(shown, "no claim is the run's one step")


def check(statement: str, certificate: str) -> Theory:
    """The statement as proved: its `claims` hold wherever the relations in `given` do. Any exception refuses."""
    data, proof = json.loads(statement), json.loads(certificate)
    # A certificate names its statement by hash: no other can be passed off as proved by it.
    require(proof["statement"] == identity(statement), "the certificate is for another statement")
    theory = Theory(data)
    for step in proof["steps"]:
        theory.step(step)
    # Each step has been checked; what is left is that every claim is among the shown.
    require({*theory.claims} <= {step["show"] for step in proof["steps"]}, "a claim is not shown")
    if "run" in data:
        lift(theory, data["run"])
    return theory
