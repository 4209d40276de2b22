"""Parts about sums over one index, with or without a law of indicators: their reader and their scripts.

Every closed Sum or E is a scalar of its own, named by a `Let` of Compth.v; what holds at each index is shown by a
script of its own, in which the entries of the arrays at that index are scalars.
"""

from __future__ import annotations

import ast
import json
from fractions import Fraction
from typing import Any

from compth.proof.kernel import Symbol, Theory, read
from compth.proof.models import Model

from .scripts import ZERO, Script, scalars_in
from .texts import Deep, NoExport, Reader, coq_name, written
from .written import comment, conjunction, data_lines, identifier, listing, pattern, wrapped

Monomial = tuple[int, ...]


def free_indices(node: ast.AST, indices: dict[str, str]) -> set[str]:
    """The indices that no Sum binds."""
    match node:
        case ast.Call(func=ast.Name(id="Sum"), args=[ast.Name(id=index), body]):
            return free_indices(body, indices) - {index}
        case ast.Name(id=name):
            return {name} & set(indices)
    return {i for child in ast.iter_child_nodes(node) for i in free_indices(child, indices)}


def monomials(e: Deep, width: int) -> set[Monomial]:
    """The monomials in the entries that `linear` of Compth.v finds."""
    match e:
        case ("SC", _):
            return {()}
        case ("SV", i):
            return {(i,) if i < width else ()}
        case ("SAdd" | "SSub", a, b):
            return monomials(a, width) | monomials(b, width)
        case ("SMul", a, b):
            return {tuple(sorted(m + k)) for m in monomials(a, width) for k in monomials(b, width)}
        case ("SNeg", a):
            return monomials(a, width)
        case ("SPow", a, n):
            out, base = {()}, monomials(a, width)
            for _ in range(n):
                out = {tuple(sorted(m + k)) for m in out for k in base}
            return out
    raise NoExport(f"a sum of {e}")


def with_indicator(e: Deep, z: int) -> Deep:
    """`set_u` of Compth.v."""
    match e:
        case ("SV", 0):
            return ("SC", z)
        case ("SV" | "SC", _):
            return e
        case ("SPow", a, n):
            return ("SPow", with_indicator(a, z), n)
        case (head, *parts):
            return (head, *(with_indicator(p, z) for p in parts))
    raise NoExport(f"an indicator in {e}")


class SumReader(Reader):
    """A reader of statements with one-index arrays."""

    def __init__(self, theory: Theory, statement: dict[str, Any]) -> None:
        super().__init__(theory, statement)
        self.indices: dict[str, str] = statement["indices"]
        self.sizes: dict[str, str] = statement["sizes"]
        self.sorts = list(self.sizes)
        self.arrays = list(statement.get("arrays", {}))
        self.law: dict[str, str] = statement.get("law", {})
        kinds = [*statement.get("arrays", {}).values(), self.law.get("on", "one")]
        if any(len(kind.split()) != 1 for kind in kinds):
            raise NoExport("an array or a law over two indices")
        self.width = 1 + len(self.arrays)
        self.at: str | None = None  # the index of the sum that is being read
        self.drawing = False  # inside an expectation
        self.sums: dict[Deep, int] = {}
        self.atoms: dict[tuple[int, Monomial], int] = {}

    def scalar(self, node: ast.expr) -> tuple[str, Deep]:
        """A number; inside a sum the entries at its index come first."""
        match node:
            case ast.Subscript(value=ast.Name(id=name), slice=ast.Name(id=index)):
                return self.entry(name, index)
            case ast.Call(func=ast.Name(id="Sum" | "E")):
                return self.shifted(*self.closed(node))
            case ast.Name():
                return self.shifted(*super().scalar(node))
        return super().scalar(node)

    def shifted(self, text: str, deep: Deep) -> tuple[str, Deep]:
        return (text, ("SV", deep[1] + self.width)) if self.at else (text, deep)

    def entry(self, name: str, index: str) -> tuple[str, Deep]:
        if index != self.at:
            raise NoExport(f"{name}[{index}] outside its sum")
        if name == self.law.get("indicator"):
            if not self.drawing:
                raise NoExport("an indicator outside an expectation")
            return f"({coq_name(name)} {coq_name(index)})", ("SV", 0)
        return f"({coq_name(name)} {coq_name(index)})", ("SV", 1 + self.arrays.index(name))

    def divisor(self, node: ast.expr) -> tuple[str, Deep]:
        at, self.at = self.at, None
        text, deep = super().divisor(node)
        self.at = at
        return self.shifted(text, deep)

    def closed(self, node: ast.expr) -> tuple[str, Deep]:
        """A Sum or E as a scalar of its own."""
        if free_indices(node, self.indices):
            raise NoExport(f"a sum inside a sum: {ast.unparse(node):.60}")
        before = self.at, self.drawing
        self.at, drawn = None, isinstance(node, ast.Call) and getattr(node.func, "id", "") == "E"
        if drawn:
            self.drawing = True
            inner, tree = self.tree(node.args[0])  # type: ignore[attr-defined]
            text, deep = f"(E (fun {coq_name(self.law['indicator'])} => {inner}))", ("LetE", tree)
        else:
            text, tree = self.total(node)
            deep = ("Let", tree)
        self.at, self.drawing = before
        if deep not in self.sums:
            self.sums[deep] = len(self.values)
            self.values.append(text)
        return text, ("SV", self.sums[deep])

    def total(self, node: ast.expr) -> tuple[str, Deep]:
        """Sum(j, body) as TSum."""
        index, body = node.args[0].id, node.args[1]  # type: ignore[attr-defined]
        before, self.at = self.at, index
        text, deep = self.scalar(body)
        self.at = before
        sort = self.indices[index]
        return f"(sum size_{sort} (fun {coq_name(index)} => {text}))", ("TSum", self.sorts.index(sort), deep)

    def tree(self, node: ast.expr) -> tuple[str, Deep]:
        """What an expectation is taken of: sums, and scalars times them."""
        drawn = any(isinstance(n, ast.Call) and getattr(n.func, "id", "") == "Sum" for n in ast.walk(node))
        if not drawn:
            text, deep = self.scalar(node)
            return text, ("TC", deep)
        match node:
            case ast.Call():
                return self.total(node)
            case ast.BinOp(left=a, op=ast.Add() | ast.Sub() as op, right=b):
                (s, x), (t, y) = self.tree(a), self.tree(b)
                head, sign = ("TAdd", "+") if isinstance(op, ast.Add) else ("TSub", "-")
                return f"({s} {sign} {t})", (head, x, y)
            case ast.BinOp(left=a, op=ast.Mult(), right=b):
                (s, x), (t, y) = self.tree(a), self.tree(b)
                if x[0] == "TC":
                    return f"({s} * {t})", ("TMulL", x[1], y)
                if y[0] == "TC":
                    return f"({s} * {t})", ("TMulR", x, y[1])
            case ast.BinOp(left=a, op=ast.Div(), right=b):
                (s, x), (t, y) = self.tree(a), self.divisor(b)
                return f"({s} / {t})", ("TMulR", x, y)
        raise NoExport(f"an expectation of {ast.unparse(node):.60}")

    def chance(self) -> tuple[str, str, Deep] | None:
        """(index, shown, as data) of the law's inclusion probability at an index."""
        if not self.law:
            return None
        sort, parameter = self.law["on"], read(self.law["parameter"], {})
        index = next(i for i, s in self.indices.items() if s == sort)
        if self.law["kind"] == "deal":
            parameter = ast.BinOp(parameter, ast.Div(), read(self.sizes[sort], {}))
        before, self.at = self.at, index
        text, deep = self.scalar(parameter)
        self.at = before
        return coq_name(index), text, deep

    def atom(self, sort: int, m: Monomial) -> int:
        """The scalar that is the sum of a monomial; of none, the size."""
        if (sort, m) not in self.atoms:
            self.atoms[sort, m] = len(self.values)
            name = f"size_{self.sorts[sort]}"
            factors = [f"{coq_name(self.arrays[a - 1])} j" for a in m]
            product = " * (".join(factors) + ")" * (len(factors) - 1)
            self.values.append(f"(sum {name} (fun j => {product}))" if m else f"(INR {name})")
        return self.atoms[sort, m]


class PointReader(SumReader):
    """The same at one index: entries are scalars, sums are scalars that nothing is known of."""

    def __init__(self, theory: Theory, statement: dict[str, Any], sort: str) -> None:
        super().__init__(theory, statement)
        self.sort, self.entries = sort, [a for a, s in statement.get("arrays", {}).items() if s == sort]
        for name in self.entries:
            self.place[f"{name}[]"] = len(self.values)
            self.values.append(f"({coq_name(name)} j)")
        self.inner = SumReader(theory, statement)

    def entry(self, name: str, index: str) -> tuple[str, Deep]:
        if self.indices[index] != self.sort or name not in self.entries:
            raise NoExport(f"{name}[{index}] at a point of {self.sort}")
        return f"({coq_name(name)} j)", ("SV", self.place[f"{name}[]"])

    def shifted(self, text: str, deep: Deep) -> tuple[str, Deep]:
        return text, deep

    def closed(self, node: ast.expr) -> tuple[str, Deep]:
        text, _ = self.inner.closed(node)
        if text not in self.values:
            self.values.append(text)
        return text, ("SV", self.values.index(text))


class PointScript(Script):
    """What holds at each index of a sort."""

    def __init__(self, whole: SumScript, sort: str) -> None:
        self.sort, self.whole, self.judged = sort, whole, whole.judged
        self.borrowed: list[
            tuple[str, str, Deep]
        ] = []  # what the whole knows of sums: shown, proof, relation
        super().__init__(whole.statement, [], whole.theory, PointReader(whole.theory, whole.statement, sort))
        self.asked: list[tuple[str, Deep, int, int]] = []  # with what was known when it was asked
        self.proofs: dict[str, str] = {}  # of its facts, where the whole theorem is proved

    def wanted(self, node: ast.expr) -> bool:
        return free_indices(node, self.reader.indices) <= {  # type: ignore[attr-defined]
            i
            for i, s in self.reader.indices.items()
            if s == self.sort  # type: ignore[attr-defined]
        }

    def _sign(self, node: ast.expr) -> int:
        """Of a closed sum, the whole's word: a hypothesis more, here."""
        closed = not free_indices(node, self.reader.indices)  # type: ignore[attr-defined]
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Sum" and closed:
            text, deep = self.reader.scalar(node)
            if self._coq(deep) < 1 and self.whole._sign(node):
                number = [t for t, *_ in self.whole.nonnegative].index(self.whole.reader.scalar(node)[0])
                self.borrowed.append((f"0 <= {text}", f"positive{number}", ("Rel", ("KLe",), ZERO, deep)))
                self._learn(self.borrowed[-1][2])
            return self._coq(deep)
        return super()._sign(node)

    def ask(self, body: ast.expr) -> int:
        """The number of the claim 0 <= body."""
        text, deep = self.reader.scalar(body)
        if self._sign(body) < 1:
            raise NoExport(f"the sign of {ast.unparse(body):.80}")
        relation: Deep = ("Rel", ("KLe",), ZERO, deep)
        shown = f"0 <= {text}"
        if shown not in [claim[0] for claim in self.asked]:
            if relation not in self.known:  # the checker's claims are relations that it has listed
                self._show(relation, [], [deep])
            self.asked.append((shown, relation, len(self.items), len(self.borrowed)))
        return [claim[0] for claim in self.asked].index(shown)

    def _symbol(self, s: Symbol) -> Deep:
        if s[1] and s[1][0] in self.reader.indices and f"{s[0]}[]" in self.reader.place:  # type: ignore[attr-defined]
            return ("SV", self.reader.place[f"{s[0]}[]"])
        return super()._symbol(s)


class SumScript(Script):
    """Facts, names and steps of a part with sums."""

    def __init__(self, statement: dict[str, Any], steps: list[dict[str, Any]]) -> None:
        self.statement = statement
        theory = self.theory_of(statement)
        self.points: dict[str, PointScript] = {}
        self.nonnegative: list[
            tuple[str, str, int, Deep]
        ] = []  # sum's text, sort, number of the claim, relation
        self.named: list[str] = []  # the proofs that items' names are what they are, in order
        self.done: set[int] = set()
        super().__init__(statement, steps, theory, SumReader(theory, statement))

    def wanted(self, node: ast.expr) -> bool:
        return not free_indices(node, self.reader.indices)  # type: ignore[attr-defined]

    def point(self, sort: str) -> PointScript:
        if sort not in self.points:
            self.points[sort] = PointScript(self, sort)
        return self.points[sort]

    def _step(self, step: dict[str, Any]) -> None:
        node = read(step["show"], self.theory.env)
        free = free_indices(node, self.reader.indices)  # type: ignore[attr-defined]
        if not free:
            return super()._step(step)
        if len(free) > 1:
            raise NoExport("a step about two indices")
        return self.point(self.reader.indices[free.pop()])._step(step)  # type: ignore[attr-defined]

    def _sign(self, node: ast.expr) -> int:
        match node:
            case ast.Call(func=ast.Name(id="Sum"), args=[ast.Name(id=index), body]) if self.theory.sign(node):
                return self._sum_sign(node, index, body)
        return super()._sign(node)

    def _sum_sign(self, node: ast.expr, index: str, body: ast.expr) -> int:
        """0 <= Sum(j, body) becomes a fact, since 0 <= body at each index."""
        text, deep = self.reader.scalar(node)
        if self._coq(deep) < 1 and not self.theory.sign(body):
            return super()._sign(node)
        if self._coq(deep) < 1:
            sort = self.reader.indices[index]  # type: ignore[attr-defined]
            number = self.point(sort).ask(body)
            relation: Deep = ("Rel", ("KLe",), ZERO, deep)
            self.nonnegative.append((text, sort, number, relation))
            self._learn(relation)
        return 1

    def _divisors(self, data: Any) -> None:
        """Every divisor and every sum in the data has its item."""
        super()._divisors(data)
        for deep, k in list(self.reader.sums.items()):  # type: ignore[attr-defined]
            if k in scalars_in(data) and k not in self.done:
                self.done.add(k)
                self._let(deep, k)

    def _let(self, deep: Deep, k: int) -> None:
        head, tree = deep
        self._tree(tree, head == "LetE")
        self.items.append((head, k, tree))
        self.named.append("eq_refl")

    def _tree(self, tree: Deep, drawn: bool) -> None:
        """The divisors, inner sums, and atoms of what is summed."""
        reader: SumReader = self.reader  # type: ignore[assignment]
        match tree:
            case ("TC", e):
                self._divisors(e)
            case ("TSum", sort, body):
                if drawn and with_indicator(body, 0) != body:
                    chance = reader.chance()
                    assert chance is not None
                    one, none = with_indicator(body, 1), with_indicator(body, 0)
                    p = chance[2]
                    body = ("SAdd", ("SMul", p, one), ("SMul", ("SSub", ("SC", 1), p), none))
                self._divisors(_unshifted(body, reader.width))
                for m in sorted(monomials(body, reader.width)):
                    self._atom(sort, m)
            case (_, *parts):
                for part in parts:
                    self._tree(part, drawn) if part[0][0] == "T" else self._divisors(part)

    def _atom(self, sort: int, m: Monomial) -> None:
        reader: SumReader = self.reader  # type: ignore[assignment]
        k = reader.atom(sort, m)
        if not m and k not in self.done:
            self.done.add(k)
            name = reader.sorts[sort]
            deep = reader.scalar(read(reader.sizes[name], {}))[1]
            self._divisors(deep)
            self.items.append(("Size", k, deep))
            self.named.append(f"sized_{name}")


def _unshifted(e: Deep, width: int) -> Deep:
    """The scalars of a body, as they are outside the sum."""
    match e:
        case ("SV", i):
            return ("SV", i - width) if i >= width else ("SC", 0)
        case ("SC", _):
            return e
        case ("SPow", a, n):
            return ("SPow", _unshifted(a, width), n)
        case (head, *parts):
            return (head, *(_unshifted(p, width) for p in parts))
    raise NoExport(str(e))


class SumPart:
    """A part with sums, read for Coq."""

    reading: type[SumScript] = SumScript

    def __init__(
        self, statement: dict[str, Any], certificate: dict[str, Any], witness: dict[str, Any]
    ) -> None:
        self.statement, self.witness = statement, witness
        if statement.get("vectors"):
            raise NoExport("vectors and sums in one statement")
        self.script = self.reading(json.loads(json.dumps(statement)), certificate["steps"])
        self.theory = self.script.theory
        self.reader: SumReader = self.script.reader  # type: ignore[assignment]
        self.name = identifier(statement["of"].split("/")[0])

    def names(self) -> list[str]:
        """What the file asks Coq about the assumptions of."""
        return [f"@{self.name}", f"@{self.name}_instance"]

    def binders(self) -> str:
        groups = [
            (list(map(coq_name, self.reader.scalars)), "R"),
            ([f"size_{s}" for s in self.reader.sorts], "nat"),
        ]
        groups.append((list(map(coq_name, self.reader.arrays)), "nat -> R"))
        groups.append((["E"] if self.reader.law else [], "((nat -> R) -> R) -> R"))
        return " ".join(f"({' '.join(names)} : {kind})" for names, kind in groups if names)

    def arguments(self) -> str:
        names = [*map(coq_name, self.reader.scalars), *(f"size_{s}" for s in self.reader.sorts)]
        return " ".join([*names, *map(coq_name, self.reader.arrays), *["E"] * bool(self.reader.law)])

    def assumed(self) -> list[tuple[str, str]]:
        """(name, shown): the sizes, the law, the domain, the hypotheses."""
        out = []
        for sort, text in self.reader.sizes.items():
            out.append((f"sized_{sort}", f"INR size_{sort} = {self.reader.scalar(read(text, {}))[0]}"))
        chance = self.reader.chance()
        if chance:
            out.append(
                ("lawful", f"inclusion size_{self.reader.law['on']} (fun {chance[0]} => {chance[1]}) E")
            )
        closed = iter(self.script.hypotheses)
        nodes = [(t, read(t, {})) for t in self.statement.get("domain", [])]
        nodes += [(name, self.theory.hypothesis(t)) for name, t in self.theory.given.items()]
        for k, (key, node) in enumerate(nodes):
            free = free_indices(node, self.reader.indices)
            if not free:
                out.append((f"given{k}", next(closed)))
                continue
            sort = self.reader.indices[min(free)]
            point = self.script.point(sort)
            if key not in point.index:
                raise NoExport(f"the hypothesis {key:.60} at a point")
            shown = point.hypotheses[point.index[key]]
            out.append((f"given{k}", f"(forall j, (j < size_{sort})%nat -> {shown})"))
            point.proofs[key] = f"(given{k} j inside)"
        return out

    def points(self) -> list[str]:
        """Lemmas of what holds at an index, in the order in which they were asked for."""
        return [
            line
            for point in self.script.points.values()
            for k in range(len(point.asked))
            for line in self.at(point, k)
        ]

    def point_data(self, point: PointScript, k: int) -> tuple[str, list[str], list[Deep]]:
        """(name, definitions, steps) of the k-th thing that a sort was asked."""
        _, relation, items, borrowed = point.asked[k]
        n, more = f"{self.name}_at_{point.sort}_{k}", point.borrowed[:borrowed]
        facts = [*point.facts, *(fact for *_, fact in more)]
        steps = later(point.items[:items], len(point.facts), len(more))
        return n, data_lines(n, facts, steps, [relation]), steps

    def at(self, point: PointScript, k: int) -> list[str]:
        """The lemma of the k-th thing that a sort was asked."""
        shown, _, _, borrowed = point.asked[k]
        n, defined, steps = self.point_data(point, k)
        hypotheses = [*point.hypotheses, *(text for text, *_ in point.borrowed[:borrowed])]
        names = [f"fact{i}" for i in range(len(hypotheses))]
        inverses = ["eq_refl" for item in steps if item[0] == "Inv"]
        data = f"{n}_facts {n}_items {n}_claims"
        return [
            *defined,
            f"Lemma {n} {self.binders()} (j : nat) :",
            "  " + " ->\n  ".join([*hypotheses, shown]) + ".",
            f"Proof.{' intros ' * bool(names)}{' '.join(names)}{'.' * bool(names)}",
            f"  apply (checked (H := trivial) {listing(point.reader.values)} [] [] [] [] [] {data}).",
            "  - vm_cast_no_check (eq_refl true).",
            "  - exact I.",
            "  - exact I.",
            f"  - exact {conjunction([*inverses, 'I'])}.",
            f"  - exact {conjunction([*names, 'I'])}.",
            "Qed.",
            "",
        ]

    def nonnegative(self) -> list[str]:
        """The assertions that sums of what is nonnegative at each index are nonnegative."""
        out = []
        for k, (text, sort, number, _) in enumerate(self.script.nonnegative):
            point = self.script.points[sort]
            proofs = [
                self.proofs.get(key) or point.proofs[key]
                for key in list(point.index)[: len(point.hypotheses)]
            ]
            proofs += [proof for _, proof, _ in point.borrowed[: point.asked[number][3]]]
            lemma = f"{self.name}_at_{sort}_{number} {self.arguments()} j {' '.join(proofs)}"
            out += [f"  assert (positive{k} : 0 <= {text})"]
            out += [f"    by (apply sum_pos; intros j inside; exact ({lemma}))."]
        return out

    def data(self) -> list[str]:
        """The definitions of what the checker works on."""
        n, reader, script = self.name, self.reader, self.script
        facts = [*script.facts, *(relation for *_, relation in script.nonnegative)]
        items = later(script.items, len(script.facts), len(script.nonnegative))
        lines = data_lines(n, facts, items, [c[1] for c in script.claims])
        sums = [f"({s}, {listing(list(map(str, m)))}, {k})" for (s, m), k in reader.atoms.items()]
        lines += [f"Definition {n}_sums : sums_table := [{'; '.join(sums)}]%nat."]
        chance = reader.chance()
        law = (
            f"(Some ({reader.sorts.index(reader.law['on'])}, {written(chance[2])})%nat)" if chance else "None"
        )
        return [*lines, f"Definition {n}_law : option (nat * sx) := {law}."]

    def text(self) -> str:
        """The whole of the part's Coq."""
        n, reader, script = self.name, self.reader, self.script
        assumed = self.assumed()
        closed = [
            name for name, shown in assumed if name.startswith("given") and not shown.startswith("(forall")
        ]
        self.proofs = dict(zip(list(script.index), closed, strict=False))
        lines = [f"(* {self.statement['of']}: {self.statement['name']}"]
        lines += [f"   {comment(self.statement.get('title', ''))} *)"]
        lines += [f"Definition {n}_assumed {self.binders()} : Prop :="]
        lines += ["  " + " /\\\n  ".join(shown for _, shown in assumed) + ".", ""]
        lines += self.points()
        lines += self.data()
        claims = " /\\\n  ".join(f"({c[0]})" for c in script.claims)
        lines += [
            "",
            f"Theorem {n} {self.binders()} :",
            f"  {n}_assumed {self.arguments()} ->",
            f"  {claims}.",
            "Proof.",
        ]
        lines += [f"  intros {pattern([name for name, _ in assumed])}.", *self.nonnegative()]
        ends = f"{listing([f'size_{s}' for s in reader.sorts])} {listing(list(map(coq_name, reader.arrays)))}"
        law = "E" if reader.law else "nowhere"
        lines += [wrapped(f"apply (checked_sums (H := trivial) {listing(reader.values)} [] [] {ends} {law}")]
        lines += [f"    [] [] [] {n}_law {n}_sums {n}_facts {n}_items {n}_claims)."]
        named = iter(script.named)
        names = ["eq_refl" if i[0] == "Inv" else next(named) for i in script.items if i[0] != "Step"]
        hold = [*closed, *(f"positive{k}" for k in range(len(script.nonnegative))), "I"]
        lines += ["  - vm_cast_no_check (eq_refl true).", "  - exact I.", "  - exact I."]
        lines += [f"  - exact {'lawful' if reader.law else 'I'}."]
        lines += [f"  - exact {conjunction([*['eq_refl'] * len(reader.atoms), 'I'])}."]
        lines += [f"  - exact {conjunction([*names, 'I'])}.", f"  - exact {conjunction(hold)}.", "Qed."]
        return "\n".join([*lines, *self.instance()]) + "\n"

    def instance(self) -> list[str]:
        """The stored witness meets what is assumed; the law is that of independent coins."""
        model, n, reader = Model(json.dumps(self.statement), self.witness), self.name, self.reader
        out = ["", f"Example {n}_instance :"]
        out += [f"  let {coq_name(s)} := {number(model.names[s])} in" for s in reader.scalars]
        out += [f"  let size_{s} := {model._size(s)}%nat in" for s in reader.sorts]
        alive = []
        for name in reader.arrays:
            entries = [Fraction(v) for v in model.arrays[name]]
            shown = "; ".join(map(number, entries))
            out.append(f"  let {coq_name(name)} := fun j => nth j [{shown}] 0 in")
            size = f"size_{self.statement['arrays'][name]}"
            alive += [f"0 < sum {size} (fun j => {coq_name(name)} j * {coq_name(name)} j)"] * any(entries)
        chance = reader.chance()
        if chance:
            out.append(f"  let E := coins size_{reader.law['on']} (fun {chance[0]} => {chance[1]}) in")
        claims = [f"{n}_assumed {self.arguments()}", *alive]
        return [*out, "  " + " /\\\n  ".join(claims) + ".", f"Proof. unfold {n}_assumed; numeric. Qed."]


def later(items: list[Deep], after: int, more: int) -> list[Deep]:
    """The items where `more` facts stand behind the first `after`: what was known later has a larger number."""
    out: list[Deep] = []
    for item in items:
        if item[0] == "Step":
            head, relation, uses, terms = item
            item = (head, relation, [(i + more * (i >= after), m) for i, m in uses], terms)
        out.append(item)
    return out


def number(c: Fraction) -> str:
    """A rational as a real number."""
    top = f"({c.numerator})" if c < 0 else str(c.numerator)
    return top if c.denominator == 1 else f"({top} / {c.denominator})"
