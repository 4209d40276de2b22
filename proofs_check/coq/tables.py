"""Parts about arrays with several indices and random tables: their reader, script and Coq text (Multi.v).

Every closed Sum or E is a scalar of its own. Coq itself works out its normal form, a sum of scalars times nested sums
of products of entries, and each of these nested sums is a scalar too.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any

from compth.proof.kernel import Theory, read

from .scripts import ZERO, Script, scalars_in
from .sums import free_indices
from .texts import Deep, NoExport, Reader, coq_name, written
from .written import identifier, listing

ARROWS = {n: " -> ".join(["nat"] * n + ["R"]) for n in (1, 2, 3)}
MBINARY = {ast.Add: ("MAdd", "+"), ast.Sub: ("MSub", "-"), ast.Mult: ("MMul", "*")}


def several(statement: dict[str, Any]) -> bool:
    """True when an array or the law has several indices."""
    kinds = [*statement.get("arrays", {}).values(), statement.get("law", {}).get("on", "one")]
    return any(len(kind.split()) > 1 for kind in kinds)


def indexed(name: str, names: list[str]) -> str:
    return f"({coq_name(name)} {' '.join(map(coq_name, names))})"


class Places(tuple[int, ...]):
    """Indices of an entry: a list in Coq, hashable here."""


def coq(value: Any) -> str:
    """Nested lists, tuples and terms as Coq data."""
    if isinstance(value, list | Places):
        return listing(list(map(coq, value)))
    return "({})".format(" ".join(map(coq, value))) if isinstance(value, tuple) else written(value)


def scalars_of(e: Deep) -> Iterator[Deep]:
    """The scalar texts inside a text of sums."""
    match e:
        case ("MS", inner):
            yield inner
        case (_, *parts):
            for part in parts:
                if isinstance(part, tuple):
                    yield from scalars_of(part)


class TableReader(Reader):
    """A reader of statements with arrays of several indices."""

    def __init__(self, theory: Theory, statement: dict[str, Any]) -> None:
        super().__init__(theory, statement)
        self.indices: dict[str, str] = statement["indices"]
        self.sizes: dict[str, str] = statement["sizes"]
        self.sorts = list(self.sizes)
        self.arrays: dict[str, list[str]] = {a: k.split() for a, k in statement.get("arrays", {}).items()}
        self.law: dict[str, str] = statement.get("law", {})
        self.on = self.law.get("on", "").split()
        self.several = several(statement)
        self.context: list[str] = []  # indices that are bound, the innermost first
        self.drawing = False
        self.texts: dict[tuple[bool, Deep], int] = {}  # closed sums and expectations: which scalar
        if max([len(self.on), *map(len, self.arrays.values())]) > 3:
            raise NoExport("an array or a law over more than three indices")

    def scalar(self, node: ast.expr) -> tuple[str, Deep]:
        match node:
            case ast.Call(func=ast.Name(id="Sum" | "E")):
                return self.closed(node)
        return super().scalar(node)

    def closed(self, node: ast.expr) -> tuple[str, Deep]:
        """A closed Sum or E as a scalar of its own."""
        if free_indices(node, self.indices):
            raise NoExport(f"a sum with a free index: {ast.unparse(node):.60}")
        before, self.context = (self.context, self.drawing), []
        drawn = node.func.id == "E"  # type: ignore[attr-defined]
        self.drawing = drawn
        arguments = node.args  # type: ignore[attr-defined]
        text, deep = self.body(arguments[0]) if drawn else self.summed(arguments[0].id, arguments[1])
        self.context, self.drawing = before
        text = f"(E (fun {coq_name(self.law['indicator'])} => {text}))" if drawn else text
        if (drawn, deep) not in self.texts:
            self.texts[drawn, deep] = len(self.values)
            self.values.append(text)
        return text, ("SV", self.texts[drawn, deep])

    def fixed(self, node: ast.expr) -> bool:
        """True where neither an index nor the indicator occurs freely."""
        names = {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}
        return not free_indices(node, self.indices) and self.law.get("indicator") not in names

    def body(self, node: ast.expr) -> tuple[str, Deep]:
        """A number at the indices of the context."""
        if self.fixed(node):
            text, deep = self.scalar(node)
            return text, ("MS", deep)
        match node:
            case ast.Call(func=ast.Name(id="Sum"), args=[ast.Name(id=index), body]):
                return self.summed(index, body)
            case ast.Subscript(value=ast.Name(id=name), slice=at):
                return self.entry(name, at)
            case ast.BinOp(left=a, op=op, right=b) if type(op) in MBINARY:
                (s, x), (t, y) = self.body(a), self.body(b)
                head, sign = MBINARY[type(op)]
                return f"({s} {sign} {t})", (head, x, y)
            case ast.BinOp(left=a, op=ast.Div(), right=b):
                (s, x), (t, y) = self.body(a), self.divisor(b)
                return f"({s} / {t})", ("MMul", x, ("MS", y))
            case ast.BinOp(left=a, op=ast.Pow(), right=ast.Constant(value=int(e))):
                text, deep = self.body(a)
                return f"({text} ^ {e})", ("MPow", deep, e)
        raise NoExport(f"inside a sum: {ast.unparse(node):.80}")

    def summed(self, index: str, body: ast.expr) -> tuple[str, Deep]:
        self.context.insert(0, index)
        text, deep = self.body(body)
        self.context.pop(0)
        sort = self.indices[index]
        return f"(sum size_{sort} (fun {coq_name(index)} => {text}))", ("MSum", self.sorts.index(sort), deep)

    def entry(self, name: str, at: ast.expr) -> tuple[str, Deep]:
        names = [n.id for n in (at.elts if isinstance(at, ast.Tuple) else [at])]  # type: ignore[attr-defined]
        places = Places(self.context.index(n) for n in names)
        if name == self.law.get("indicator"):
            if not self.drawing:
                raise NoExport("an indicator outside an expectation")
            return indexed(name, names), ("MU", places)
        return indexed(name, names), ("MA", list(self.arrays).index(name), places)

    def everywhere(self, node: ast.expr) -> tuple[str, Deep]:
        """A hypothesis with free indices: (shown, as data)."""
        match node:
            case ast.Compare(left=a, ops=[ast.LtE()], comparators=[b]):
                free = free_indices(node, self.indices)
                names = [i for i in self.indices if i in free]
                self.context = names[::-1]
                (s, x), (t, y) = self.body(a), self.body(b)
                self.context = []
                text = f"{s} <= {t}"
                for i in names[::-1]:
                    text = f"forall {coq_name(i)}, ({coq_name(i)} < size_{self.indices[i]})%nat -> {text}"
                sorts = [self.sorts.index(self.indices[i]) for i in names[::-1]]
                return f"({text})", (sorts, x, y)
        raise NoExport(f"at every index: {ast.unparse(node):.80}")

    # -- the law ----------------------------------------------------------------------------------------------

    def said(self) -> tuple[str, list[str]]:
        """(what is assumed of the law, its indices)"""
        sizes = " ".join(f"size_{s}" for s in self.on)
        names = [next(i for i, s in self.indices.items() if s == sort) for sort in self.on]
        kind = self.law["kind"]
        if not self.several:
            return f"inclusion {sizes} {self.coin(names)} E", names
        if kind == "deal" and len(self.on) < 3:
            return f"deal{len(self.on)} {sizes} {self.parameter()[0]} E", names
        if kind != "coins":
            raise NoExport(f"the law {kind} over {' '.join(self.on)}")
        return f"coins{len(self.on)} {sizes} {self.coin(names)} E", names

    def coin(self, names: list[str]) -> str:
        """The parameter as a function of its cell."""
        text = self.parameter()[0]
        for i in names[::-1]:
            text = f"(fun {coq_name(i)} => {text})"
        return text

    def parameter(self) -> tuple[str, Deep]:
        """The law's parameter at its cell."""
        self.context = [next(i for i, s in self.indices.items() if s == sort) for sort in self.on]
        parameter = read(self.law["parameter"], {})
        if self.law["kind"] == "deal" and not self.several:
            parameter = ast.BinOp(parameter, ast.Div(), self.cards())
        text, deep = self.body(parameter)
        self.context = []
        return text, deep

    def chances(self, deep: Deep) -> list[tuple[Deep, list[int]]]:
        """A chance as scalars times entries at the cell."""
        match deep:
            case ("MS", e):
                return [(e, [])]
            case ("MA", a, places) if places == tuple(range(len(self.on))):
                return [(("SC", 1), [a])]
            case ("MMul", a, ("MS", e)):
                return [(("SMul", c, e), entries) for c, entries in self.chances(a)]
            case ("MPow", ("MA", a, places), e) if places == tuple(range(len(self.on))):
                return [(("SC", 1), [a] * e)]
        raise NoExport(f"the chance {deep}")

    def cards(self) -> ast.expr:
        return read(self.sizes[self.on[-1]], {})  # type: ignore[no-any-return]

    def law_data(self) -> Deep | str:
        if not self.law:
            return "NoLaw"
        sorts = [self.sorts.index(s) for s in self.on]
        parameter = self.parameter()[1]
        if self.law["kind"] == "coins" or not self.several:
            shown = [f"({written(e)}, {coq(a)})" for e, a in self.chances(parameter)]
            kind = "Coins" if self.several else "Marginal"
            return f"({kind} {coq(sorts)} {listing(shown)})"
        if parameter[0] != "MS":
            raise NoExport(f"the hands {self.law['parameter']}")
        one, two = self.left()
        return f"(Deal {coq(sorts)} {written(parameter[1])} {written(one)} {written(two)})"

    def left(self) -> tuple[Deep, Deep]:
        """1/N and 1/(N - 1) for N cards."""
        n = self.cards()
        return self.divisor(n)[1], self.divisor(ast.BinOp(n, ast.Sub(), ast.Constant(1)))[1]


class TableScript(Script):
    """Facts, names and steps of a part with tables."""

    def __init__(self, statement: dict[str, Any], steps: list[dict[str, Any]]) -> None:
        self.statement = statement
        self.name = identifier(statement["of"].split("/")[0])
        theory = self.theory_of(statement)
        self.nonnegative: list[tuple[str, Deep, Deep]] = []  # shown, as data, relation
        self.forms: dict[tuple[bool, Deep], int] = {}  # texts with a normal form: which
        super().__init__(statement, steps, theory, TableReader(theory, statement))

    def wanted(self, node: ast.expr) -> bool:
        return not free_indices(node, self.reader.indices)  # type: ignore[attr-defined]

    def _sign(self, node: ast.expr) -> int:
        match node:
            case ast.Call(func=ast.Name(id="Sum")) if self.theory.sign(node):
                text, deep = self.reader.scalar(node)
                if self._coq(deep) < 1:
                    relation: Deep = ("Rel", ("KLe",), ZERO, deep)
                    [mx] = [m for (_, m), k in self.reader.texts.items() if ("SV", k) == deep]  # type: ignore[attr-defined]
                    self.nonnegative.append((f"0 <= {text}", mx, relation))
                    for e in scalars_of(mx):
                        self._divisors(e)
                    self._learn(relation)
                return 1
        return super()._sign(node)

    def _divisors(self, data: Any) -> None:
        """Every divisor, sum and expectation in the data has its item."""
        super()._divisors(data)
        reader: TableReader = self.reader  # type: ignore[assignment]
        for (drawn, deep), k in list(reader.texts.items()):
            if k in scalars_in(data) and (drawn, deep) not in self.forms:
                self.forms[drawn, deep] = len(self.forms)
                number = self.forms[drawn, deep]
                for e in scalars_of(deep):
                    self._divisors(e)
                if drawn:
                    self._law(reader)
                self.items.append(("Size", k, f"{self.name}_form{number}"))

    def _law(self, reader: TableReader) -> None:
        """The divisors of the law's chances; of N - 1 for N cards only where it is positive."""
        for e in scalars_of(reader.parameter()[1]):
            self._divisors(e)
        if reader.law["kind"] != "deal" or not reader.several:
            return
        one, two = reader.left()
        self._divisors(one)
        if self.theory.sign(ast.BinOp(reader.cards(), ast.Sub(), ast.Constant(1))) == 2:
            self._divisors(two)
