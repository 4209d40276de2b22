"""A stored certificate as a script of Compth.v: divisors with their signs, steps with every sign made explicit.

Nothing here is trusted. The kernel's `Theory` is asked why it finds a sign, and the reasons become steps which Coq
checks for itself.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Set
from fractions import Fraction
from functools import reduce
from typing import Any

from compth.proof.kernel import Expand, Poly, Symbol, Theory, add, collect, field, multiply, read

from .texts import Deep, NoExport, Reader

ZERO: Deep = ("SC", 0)


class Remembering(Theory):
    """The kernel's reading, each text's value worked out once: a script asks for the signs of the same texts again."""

    def __init__(self, statement: dict[str, Any]) -> None:
        self._values: dict[tuple[ast.expr, frozenset[int]], Poly] = {}
        super().__init__(statement)

    def value(self, node: ast.expr, degrees: Set[int] = frozenset({0, 1})) -> Poly:
        asked = node, frozenset(degrees)
        if asked not in self._values:
            self._values[asked] = super().value(node, degrees)
        return self._values[asked]


class Trusting(Remembering):
    """A reading that divides by whatever a text divides by: of false versions, for Coq to refuse."""

    def value(self, node: ast.expr, degrees: Set[int] = frozenset({0, 1})) -> Poly:
        match node:
            case ast.BinOp(left=a, op=ast.Div(), right=b):
                return multiply(self.value(a), self.inverse(self.scalar(b)))
        return super().value(node, degrees)


class Script:
    """Facts, items and claims of one part, as data for `checked`.

    judged: each step is proved by the kernel as it is written; False takes steps at their word, to see Coq refuse them.
    """

    judged = True

    def __init__(
        self,
        statement: dict[str, Any],
        steps: list[dict[str, Any]],
        theory: Theory | None = None,
        reader: Reader | None = None,
    ) -> None:
        self.theory = theory or self.theory_of(statement)
        self.reader = reader or Reader(self.theory, statement)
        self.items: list[Deep] = []
        self.inverse_of: dict[str, Deep] = {}  # the kernel's symbols of inverses
        self.q_of: dict[str, Deep] = {}
        self.signs: dict[Deep, int] = {}  # what Coq can look up
        self.index: dict[str, int] = {}
        self.seen: set[int] = set()
        self.nodes: dict[str, ast.expr] = {}
        self.hypotheses: list[str] = []
        self.facts: list[Deep] = []
        for text in field(statement, "domain", list):
            self._fact(text, read(text, {}), lambda t=text: self.reader.relation(read(t, {}))[0])
        for name, text in self.theory.given.items():
            self._fact(name, self.theory.hypothesis(text), lambda t=text: self.reader.hypothesis(t))
        self.known = list(self.facts)
        for step in steps:
            self._step(step)
        self.claims = [self.reader.relation(read(c, self.theory.env)) for c in self.theory.claims]
        self.more: list[tuple[str, Deep]] = []  # shown, as data: what a run needs of its step
        if "run" in statement and self.judged:
            self._run(statement["run"])

    def theory_of(self, statement: dict[str, Any]) -> Theory:
        """The kernel's reading, strict where steps are judged."""
        return Remembering(statement) if self.judged else Trusting(statement)

    def wanted(self, node: ast.expr) -> bool:
        """True when a hypothesis is one of this script's facts."""
        return True

    def _fact(self, name: str, node: ast.expr, shown: Callable[[], str]) -> None:
        if not self.wanted(node):
            return
        self.index[name] = len(self.facts)
        self.nodes[name] = node
        self.hypotheses.append(shown())
        relation = self.reader.relation(node)[1]
        self.facts.append(relation)
        self._learn(relation)

    def _learn(self, relation: Deep) -> None:
        _, (kind,), a, b = relation
        if a == ZERO and kind != "KEq":
            self.signs[b] = max(self.signs.get(b, 0), 2 if kind == "KLt" else 1)

    def _lacking(self, reason: str) -> None:
        """What nobody can show ends a proof's file; a false version is written without it, for Coq to refuse."""
        if self.judged:
            raise NoExport(reason)

    def _show(self, relation: Deep, uses: list[Deep], terms: list[Deep]) -> None:
        """A step, and what it adds to the known relations."""
        self.items.append(("Step", relation, uses, terms))
        self.known.append(relation)
        self._learn(relation)

    def _step(self, step: dict[str, Any]) -> None:
        node = read(step["show"], self.theory.env)
        uses: list[Deep] = []
        for name, text in step.get("use", {}).items():
            factor = read(text, self.theory.env)
            if name == "1 > 0":
                raise NoExport("a use of 1 > 0")
            if not isinstance(self.nodes[name].ops[0], ast.Eq):  # type: ignore[attr-defined]
                self._nonnegative_at_least(factor)
            uses.append((self.index[name], self.reader.scalar(factor)[1]))
        terms = [read(t, self.theory.env) for t in step.get("terms", [])]
        for term in terms:
            self._nonnegative_at_least(term)
        deep = [self.reader.scalar(t)[1] for t in terms]
        relation = self.reader.relation(node)[1]
        self._divisors([relation, uses, deep, [self.known[i] for i, _ in uses]])
        if step["show"] not in self.index:
            self.index[step["show"]] = len(self.known)
            self.nodes[step["show"]] = node
        self._show(relation, uses, deep)
        if self.judged:
            self.theory.step(step)
        elif step["show"] not in self.theory.known:
            self.theory.learn(step["show"], node)

    def _nonnegative_at_least(self, node: ast.expr) -> None:
        """The sign that the kernel finds, or >= 0 where it finds > 0 by facts that have no words here."""
        try:
            self._sign(node)
        except NoExport:
            if self._coq(self.reader.scalar(node)[1]) < 1:
                raise

    def _run(self, run: dict[str, Any]) -> None:
        """The run's one step from the claim that says it; its rate and noise are nonnegative."""
        moves = {name: read(text, self.theory.env) for name, text in run["next"].items()}
        before, rate, gain, noise = (
            read(run[k], self.theory.env) for k in ("potential", "rate", "gain", "noise")
        )
        after = Expand(moves).visit(copy.deepcopy(before))
        left = ast.BinOp(after, ast.Add(), gain)
        right = ast.BinOp(ast.BinOp(rate, ast.Mult(), before), ast.Add(), noise)
        node = ast.Compare(left, [ast.LtE()], [right])
        text, step = self.reader.relation(node)
        said = [c for c in self.theory.claims if self._same(read(c, self.theory.env), node)]
        if not said:
            raise NoExport("no claim is the run's one step")
        fact = self.index[said[0]]
        self._divisors([step, self.known[fact]])
        self._show(step, [(fact, ("SC", 1))], [])
        self.more = [(text, step), *map(self._nonnegative, (rate, noise))]

    def _same(self, claim: ast.expr, step: ast.expr) -> bool:
        """True when two relations have the same slack."""
        (a, kind), (b, _) = self.theory.relation(claim), self.theory.relation(step)
        return kind != "==" and not self.theory.cleared(add(a, b, -1))

    def _nonnegative(self, node: ast.expr) -> tuple[str, Deep]:
        """0 <= a number, as a relation that is known."""
        text, deep = self.reader.scalar(node)
        if not self._sign(node):
            raise NoExport(f"the sign of {ast.unparse(node):.80}")
        relation: Deep = ("Rel", ("KLe",), ZERO, deep)
        if relation not in self.known:  # the checker's claims are relations that it has listed
            self._show(relation, [], [deep])
        return f"0 <= {text}", relation

    # -- divisors and signs -----------------------------------------------------------------------------------

    def _divisors(self, data: Any) -> None:
        """Every divisor in the data has its item."""
        wanted = scalars_in(data) - self.seen
        for deep, (k, node) in list(self.reader.divisors.items()):
            if k in wanted:
                self._divisor(deep, k, node)

    def _divisor(self, deep: Deep, k: int, node: ast.expr) -> None:
        if k not in self.seen:
            self.seen.add(k)
            self._divisors(deep)
            if self._sign(node) != 2:
                self._lacking(f"the divisor {ast.unparse(node):.80} was not shown positive")
            self.items.append(("Inv", k, deep))
            self.known.append(("Rel", ("KLt",), ZERO, ("SV", k)))
            self.signs["SV", k] = 2
            value = self.theory.scalar(node)
            if len(value) != 1:
                self._name_inverse(value, k, deep)

    def _known_inverse(self, name: str) -> Deep:
        """The kernel's symbol of an inverse as data, its divisor's item written first."""
        for deep, (k, node) in list(self.reader.divisors.items()):
            value = self.theory.scalar(node) if name not in self.inverse_of else {}
            if len(value) > 1 and self._name(value) == name:
                self._divisor(deep, k, node)
        return self.inverse_of[name]

    def _name(self, value: Poly) -> str:
        """How the kernel calls 1/value."""
        self.theory.inverse(value)
        unit = abs(value[min(value)])
        return next(
            n for n, q in self.theory.inverses.items() if q == {m: c / unit for m, c in value.items()}
        )

    def _name_inverse(self, value: Poly, k: int, deep: Deep) -> None:
        """The kernel's symbol 1/(q) with q = value/unit is unit * SV k."""
        unit, name = abs(value[min(value)]), self._name(value)
        self.inverse_of.setdefault(name, ("SMul", self._number(unit), ("SV", k)))
        self.q_of.setdefault(name, ("SMul", self._number(1 / unit), deep))

    def _number(self, c: Fraction) -> Deep:
        if c.denominator == 1:
            return ("SC", c.numerator)
        inverse = self.reader.divisor(ast.Constant(c.denominator))[1]
        self._divisors(inverse)
        return ("SMul", ("SC", c.numerator), inverse)

    def _coq(self, e: Deep) -> int:
        """What `sgn` of Compth.v finds now."""
        match e:
            case ("SC", z):
                found = 2 if z > 0 else 1 if z == 0 else 0
            case ("SAdd", a, b):
                x, y = self._coq(a), self._coq(b)
                found = max(x, y) if x and y else 0
            case ("SMul", a, b):
                found = min(self._coq(a), self._coq(b))
            case ("SPow", a, n):
                found = max(self._coq(a), 1 - n % 2)
            case ("SSq", _):
                found = 1
            case _:
                found = 0
        return max(found, self.signs.get(e, 0))

    def _sign(self, node: ast.expr) -> int:
        """The kernel's sign of a text, made visible to Coq by steps where it has to be."""
        wanted = self.theory.sign(node)
        deep = self.reader.scalar(node)[1]
        self._divisors(deep)
        if self._coq(deep) < wanted:
            match node:
                case ast.BinOp(left=a, op=ast.Add() | ast.Mult(), right=b):
                    self._sign(a), self._sign(b)
                case ast.BinOp(left=a, op=ast.Div() | ast.Pow()):
                    self._sign(a)
        if self._coq(deep) < wanted:
            self._leaf(self.theory.scalar(node), deep, wanted)
        return min(wanted, self._coq(deep))

    def _leaf(self, value: Poly, deep: Deep, wanted: int) -> None:
        """deep > 0 or >= 0 as one known relation and nonnegative monomials."""
        value, tops = self._cleared(value)
        for use, rest in self._reasons(value, wanted):
            scale = [self._power(self._known_inverse(n), t) for n, t in tops]
            uses = [(i, _product([c, *scale])) for i, c in use]
            terms = [_product([self._monomial(m, c), *scale]) for m, c in rest.items()]
            kind = "KLt" if wanted == 2 else "KLe"
            self._show(("Rel", (kind,), ZERO, deep), uses, terms)
            return
        self._lacking(f"no reason for a sign: {value}"[:200])

    def _reasons(self, value: Poly, wanted: int) -> Any:
        """([(fact, multiplier)], monomials) that add up to the value."""
        if self.theory.coefficients(value) >= wanted:
            yield [], value
        for q, strict, name in self.theory.bases:
            rest = collect([*value.items(), *((m, -c) for m, c in q.items())])
            how = self.theory.coefficients(rest)
            if how and min(2, how + strict) >= wanted and name in self.index:
                cleared, tops = self._cleared(self.theory.known[name][0])
                if q in self.theory.instances(cleared):
                    [self._known_inverse(n) for n, _ in tops]
                    yield (
                        [(self.index[name], _product([self._power(self.q_of[n], t) for n, t in tops]))],
                        rest,
                    )

    def _cleared(self, p: Poly) -> tuple[Poly, list[tuple[str, int]]]:
        """The kernel's `cleared`, with the powers of the divisors that were multiplied in."""
        tops = []
        for name, q in reversed(self.theory.inverses.items()):
            power = {m: dict(m).get((name, ()), 0) for m in p}
            top = max(power.values(), default=0)
            rest = {m: tuple(f for f in m if f[0][0] != name) for m in p}
            p = collect(
                t
                for m, e in power.items()
                for t in reduce(multiply, [q] * (top - e), {rest[m]: p[m]}).items()
            )
            tops += [(name, top)] * bool(top)
        return p, tops

    def _power(self, deep: Deep, e: int) -> Deep:
        return deep if e == 1 else ("SPow", deep, e)

    def _monomial(self, m: Any, c: Fraction) -> Deep:
        factors = [] if c == 1 and m else [self._number(c)]
        for s, e in m:
            if e % 2 or e < 0:
                self._symbol_sign(s)
            base = self._symbol(s)
            if e < 0:
                base = self._inverse_symbol(s)
            factors.append(self._power(base, abs(e)))
        return _product(factors)

    def _symbol(self, s: Symbol) -> Deep:
        name = s[0]
        if name in self.reader.place:
            return ("SV", self.reader.place[name])
        if name in self.theory.inverses:
            return self._known_inverse(name)
        if name[0] == "<":
            a, word, b = name[1:-1].split("|")
            vectors = self.reader.vectors
            right: Deep = ("VA", vectors.index(b))
            for op in reversed(word.split(".") if word else []):
                right = ("VOp", 0 if op == "P" else 1 + self.reader.operators.index(op), right)
            return ("SDot", ("VA", vectors.index(a)), right)
        raise NoExport(f"the symbol {name:.60}")

    def _inverse_symbol(self, s: Symbol) -> Deep:
        if s[0] not in self.reader.place:
            raise NoExport(f"a negative power of {s[0]:.60}")
        inverse = self.reader.divisor(ast.Name(s[0]))[1]
        self._divisors(inverse)
        return inverse

    def _symbol_sign(self, s: Symbol) -> None:
        """The symbol's sign as a step: c s - (nonnegative) >= 0 is known."""
        how, name = self.theory.positive[s]
        deep = self._symbol(s)
        if self._coq(deep) >= how:
            return
        value, tops = self._cleared(self.theory.known[name][0])
        value = next(q for q in self.theory.instances(value) if ((s, 1),) in q)
        [self._known_inverse(n) for n, _ in tops]
        [(c, rest)] = [
            (c, {k: -r for k, r in value.items() if k != m}) for m, c in value.items() if m == ((s, 1),)
        ]
        factor = _product([self._number(1 / c), *(self._power(self.q_of[n], t) for n, t in tops)])
        terms = [self._number(r / c) for m, r in rest.items()]
        kind = "KLt" if how == 2 else "KLe"
        self._show(("Rel", (kind,), ZERO, deep), [(self.index[name], factor)], terms)


def scalars_in(data: Any) -> set[int]:
    """The numbers i of the SV i in data."""
    match data:
        case ("SV", int(i)):
            return {i}
        case tuple() | list():
            return set().union(*map(scalars_in, data))
    return set()


def _product(factors: list[Deep]) -> Deep:
    return reduce(lambda a, b: ("SMul", a, b), factors) if factors else ("SC", 1)
