"""The Coq text of parts about tables: statement, data, proof, and an instance with finitely many outcomes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from compth.proof.kernel import read
from compth.proof.models import Model

from .sums import free_indices, later, number
from .tables import ARROWS, TableReader, TableScript, coq, indexed
from .texts import Deep, NoExport, coq_name
from .written import comment, conjunction, data_lines, listing, pattern, wrapped

SPLIT = r"repeat match goal with |- _ /\ _ => split end"


class TablePart:
    """A part with tables, read for Coq."""

    reading: type[TableScript] = TableScript

    def __init__(
        self, statement: dict[str, Any], certificate: dict[str, Any], witness: dict[str, Any]
    ) -> None:
        self.statement, self.witness = statement, witness
        if statement.get("vectors"):
            raise NoExport("vectors and tables in one statement")
        self.script = self.reading(json.loads(json.dumps(statement)), certificate["steps"])
        self.theory, self.name = self.script.theory, self.script.name
        self.reader: TableReader = self.script.reader  # type: ignore[assignment]
        self.assumed, self.hyps = self._assumed()

    def names(self) -> list[str]:
        """What the file asks Coq about the assumptions of."""
        return [f"@{self.name}", f"@{self.name}_instance"]

    def binders(self) -> str:
        groups = [(list(map(coq_name, self.reader.scalars)), "R")]
        groups.append(([f"size_{s}" for s in self.reader.sorts], "nat"))
        for count, arrow in ARROWS.items():
            groups.append(([coq_name(a) for a, on in self.reader.arrays.items() if len(on) == count], arrow))
        groups.append((["E"] if self.reader.law else [], f"(({ARROWS[len(self.reader.on) or 1]}) -> R) -> R"))
        return " ".join(f"({' '.join(names)} : {kind})" for names, kind in groups if names)

    def arguments(self) -> str:
        names = [*map(coq_name, self.reader.scalars), *(f"size_{s}" for s in self.reader.sorts)]
        for count in ARROWS:
            names += [coq_name(a) for a, on in self.reader.arrays.items() if len(on) == count]
        return " ".join([*names, *["E"] * bool(self.reader.law)])

    def _assumed(self) -> tuple[list[tuple[str, str]], list[tuple[str, Deep]]]:
        """((name, shown) of all that is assumed, (name, data) of what holds at every index)."""
        out, hyps = [], []
        for sort, text in self.reader.sizes.items():
            out.append((f"sized_{sort}", f"INR size_{sort} = {self.reader.scalar(read(text, {}))[0]}"))
        if self.reader.law:
            out.append(("drawn", self.reader.said()[0]))
        closed = iter(self.script.hypotheses)
        nodes = [read(t, {}) for t in self.statement.get("domain", [])]
        nodes += [self.theory.hypothesis(t) for t in self.theory.given.values()]
        for k, node in enumerate(nodes):
            if not free_indices(node, self.reader.indices):
                out.append((f"given{k}", next(closed)))
                continue
            shown, deep = self.reader.everywhere(node)
            out.append((f"every{k}", shown))
            hyps.append((f"every{k}", deep))
        return out, hyps

    def checks(self) -> list[str]:
        """What Coq computes for the theorem to hold, as booleans."""
        n, base = self.name, len(self.reader.values)
        out = [f"nonnegative {n}_given {n}_hyps [] {n}_sum{k}" for k in range(len(self.script.nonnegative))]
        out += [
            f"is_formed (text_form {n}_szx {n}_law {n}_keys {base} ({str(drawn).lower()}, {n}_text{k}))"
            for (drawn, _), k in self.script.forms.items()
        ]
        return [*out, f"check [] [] [] [] None [] {n}_facts {n}_items {n}_claims"]

    def data(self) -> list[str]:
        """The definitions of what is computed on."""
        n, reader, script = self.name, self.reader, self.script
        law = reader.law_data()
        facts = [*script.facts, *(relation for *_, relation in script.nonnegative)]
        items = later(script.items, len(script.facts), len(script.nonnegative))
        sizes = [reader.scalar(read(t, {}))[1] for t in reader.sizes.values()]
        lines = [f"Definition {n}_szx : list sx := {coq(sizes)}%nat."]
        lines += [f"Definition {n}_law : mlaw := {law}%nat."]
        for name, (g, a, b) in self.hyps:
            lines += [f"Definition {n}_{name} : hyp :=", wrapped(f"({coq(g)}, {coq(a)}, {coq(b)})%nat.")]
        hyps = listing([f"{n}_{name}" for name, _ in self.hyps])
        lines += [f"Definition {n}_hyps : list hyp := {hyps}."]
        for k, (_, deep, _) in enumerate(script.nonnegative):
            lines += [f"Definition {n}_sum{k} : mx :=", wrapped(coq(deep)) + "%nat."]
        texts = []
        for (drawn, deep), k in script.forms.items():
            lines += [f"Definition {n}_text{k} : mx :=", wrapped(coq(deep)) + "%nat."]
            texts.append(f"({str(drawn).lower()}, {n}_text{k})")
        lines += [
            f"Definition {n}_keys : list key := Eval vm_compute in",
            f"  keys_of {n}_szx {n}_law {listing(texts)}.",
        ]
        for k, text in enumerate(texts):
            form = f"text_form {n}_szx {n}_law {n}_keys {len(reader.values)} {text}"
            lines += [f"Definition {n}_form{k} : sx := Eval vm_compute in formed ({form})."]
        given = data_lines(n, script.facts, [], [])[: data_lines(n, [], [], []).index("]%nat.") + 1]
        given[0] = given[0].replace("_facts", "_given")
        return [*lines, *given, *data_lines(n, facts, items, [c[1] for c in script.claims])]

    def text(self) -> str:
        """The whole of the part's Coq."""
        n, script = self.name, self.script
        data = self.data()
        lines = [f"(* {self.statement['of']}: {self.statement['name']}"]
        lines += [f"   {comment(self.statement.get('title', ''))} *)"]
        lines += [f"Definition {n}_assumed {self.binders()} : Prop :="]
        lines += ["  " + " /\\\n  ".join(shown for _, shown in self.assumed) + ".", "", *data]
        lines += self.shorthands()
        claims = " /\\\n  ".join(f"({c[0]})" for c in script.claims)
        lines += ["", f"Theorem {n} {self.binders()} :", f"  {n}_assumed {self.arguments()} ->"]
        lines += [f"  {claims}.", *self.proof()]
        return "\n".join([*lines, *self.instance()]) + "\n"

    def shorthands(self) -> list[str]:
        """The scalars, sizes and arrays as lists, and what was computed as lemmas."""
        n, reader = self.name, self.reader
        arrays = listing([f"table{len(on)} {coq_name(a)}" for a, on in reader.arrays.items()])
        sizes = listing([f"size_{s}" for s in reader.sorts])
        out = [
            f"Definition {n}_values {self.binders()} : list R := [",
            ";\n".join(map(wrapped, reader.values)),
        ]
        out += ["].", f"Definition {n}_sizes {self.binders()} : list nat := {sizes}."]
        out += [f"Definition {n}_arrays {self.binders()} : list (list nat -> R) := {arrays}."]
        out += [
            f"Definition {n}_scalars {self.binders()} : list R := with_sums ({n}_values {self.arguments()})"
        ]
        out += [f"  ({n}_sizes {self.arguments()}) ({n}_arrays {self.arguments()}) {n}_keys."]
        for (drawn, _), k in self.script.forms.items():
            form = (
                f"text_form {n}_szx {n}_law {n}_keys {len(reader.values)} ({str(drawn).lower()}, {n}_text{k})"
            )
            out += [f"Lemma {n}_formed{k} : {form} = Some {n}_form{k}."]
            out += [f"Proof. vm_cast_no_check (eq_refl (Some {n}_form{k})). Qed."]
        for k in range(len(self.script.nonnegative)):
            out += [f"Lemma {n}_signed{k} : nonnegative {n}_given {n}_hyps [] {n}_sum{k} = true."]
            out += ["Proof. vm_cast_no_check (eq_refl true). Qed."]
        return out

    def proof(self) -> list[str]:
        n, reader, script, a = self.name, self.reader, self.script, self.arguments()
        values, sizes, arrays = f"({n}_values {a})", f"({n}_sizes {a})", f"({n}_arrays {a})"
        closed = [name for name, _ in self.assumed if name.startswith("given")]
        lines = ["Proof.", f"  intros {pattern([name for name, _ in self.assumed])}."]
        sized = conjunction([*(f"sized_{s}" for s in reader.sorts), "I"])
        lines += [f"  assert (sizes : sized ({n}_scalars {a}) {sizes} {n}_szx) by exact {sized}."]
        lines += self.lawful()
        lines += [f"  assert (everywhere : all_everywhere {sizes} {arrays} ({n}_scalars {a}) {n}_hyps)."]
        lines += [wrapped(f"{{ exact {conjunction([*map(self._every, self.hyps), 'I'])}. }}")]
        lines += [f"  assert (given : all_hold (H := trivial) ({n}_scalars {a}) [] [] {n}_given)"]
        lines += [f"    by exact {conjunction([*closed, 'I'])}."]
        for k, (shown, *_) in enumerate(script.nonnegative):
            lines += [wrapped(f"assert (positive{k} : {shown})")]
            lines += [
                f"    by exact (sum_nonnegative {values} {sizes} {arrays} {n}_keys {n}_given {n}_hyps {n}_sum{k}"
            ]
            lines += [f"      given everywhere {n}_signed{k})."]
        named = []
        for (drawn, _), k in script.forms.items():
            head = f"mean_named {values} {sizes} {n}_szx {arrays} {n}_keys {n}_law"
            more = f"{self.expectation()} {n}_text{k} {n}_form{k} sizes lawful"
            if not drawn:
                head, more = head.replace("mean_named", "sum_named"), f"{n}_text{k} {n}_form{k} sizes"
            named.append((f"{head}", f"{more} {n}_formed{k}"))
        proofs = [
            "eq_refl" if item[0] == "Inv" else f"named{item[2].rpartition('form')[2]}"
            for item in script.items
            if item[0] != "Step"
        ]
        for k in range(len(named)):
            lines += [f"  pose proof ({named[k][0]}", f"    {named[k][1]}) as named{k}."]
        hold = conjunction([*closed, *(f"positive{k}" for k in range(len(script.nonnegative))), "I"])
        lines += [
            f"  apply (checked (H := trivial) ({n}_scalars {a}) [] [] [] [] [] {n}_facts {n}_items {n}_claims)."
        ]
        lines += ["  - vm_cast_no_check (eq_refl true).", "  - exact I.", "  - exact I."]
        lines += [wrapped(f"- exact {conjunction([*proofs, 'I'])}."), wrapped(f"- exact {hold}."), "Qed."]
        return lines

    def expectation(self) -> str:
        """E of functions of a table."""
        return f"(fun f => E (fun u => f (table{len(self.reader.on)} u)))"

    def lawful(self) -> list[str]:
        if not self.reader.law:
            return []
        n, a = self.name, self.arguments()
        sorts = coq([self.reader.sorts.index(s) for s in self.reader.on])
        places = f"({n}_sizes {a}) ({n}_arrays {a}) ({n}_scalars {a})"
        out = [f"  assert (lawful : lawfully {places} {self.expectation()} {n}_law)."]
        if not self.reader.several:
            chance = self.reader.coin(self.reader.said()[1])
            sort = self.reader.sorts.index(self.reader.on[0])
            return [
                *out,
                f"  {{ apply (marginal_lawful {places} {sort} _ {chance} E); [exact drawn | chances]. }}",
            ]
        if self.reader.law["kind"] == "coins":
            chance = f"(table{len(self.reader.on)} {self.reader.coin(self.reader.said()[1])})"
            head = f"coins_lawful {places} {sorts}%nat _ {chance} {self.expectation()}"
            return [*out, f"  {{ apply ({head}); [exact drawn | chances]. }}"]
        card = f"size_{self.reader.on[-1]}"
        side = "right" if len(self.reader.on) == 2 else "left"
        hands = self.reader.parameter()[0]
        ends = f"rewrite sized_{self.reader.on[-1]}; reflexivity"
        out += [f"  {{ apply (deal_lawful {places} {sorts}%nat {card} _ _ _ {hands} {self.expectation()});"]
        return [*out, f"      [{side}; reflexivity | exact drawn | reflexivity | {ends} | {ends}]. }}"]

    def _every(self, hyp: tuple[str, Deep]) -> str:
        name, (sorts, *_) = hyp
        n, a = self.name, self.arguments()
        said = f"(hyp_at ({n}_sizes {a}) ({n}_arrays {a}) ({n}_scalars {a}) {n}_{name})"
        return f"(every{len(sorts)} ({n}_sizes {a}) {' '.join(map(str, sorts[::-1]))} {said} {name})"

    # -- the instance -----------------------------------------------------------------------------------------

    def instance(self) -> list[str]:
        """The stored witness meets what is assumed; the law is one with finitely many outcomes."""
        model, n, reader = Model(json.dumps(self.statement), self.witness), self.name, self.reader
        out = ["", *self.outcomes(model), f"Example {n}_instance :"]
        out += [f"  let {coq_name(s)} := {entry_text(model.names[s])} in" for s in reader.scalars]
        out += [f"  let size_{s} := {model._size(s)}%nat in" for s in reader.sorts]
        alive = []
        for name, on in reader.arrays.items():
            values, names = model.arrays[name], [f"i{k}" for k in range(len(on))]
            shown = entry_text(values)
            for k, i in enumerate(names):
                shown = f"(nth {i} {shown} {'0' if k + 1 == len(on) else '[]'})"
            out.append(f"  let {coq_name(name)} := fun {' '.join(names)} => {shown} in")
            total = f"{indexed(name, names)} * {indexed(name, names)}"
            for i, sort in list(zip(names, on, strict=True))[::-1]:
                total = f"sum size_{sort} (fun {i} => {total})"
            alive += [f"0 < {total}"] * any(map(Fraction, leaves(values)))
        if reader.law and not reader.several:
            out.append(f"  let E := coins size_{reader.on[0]} {reader.coin(reader.said()[1])} in")
        elif reader.law:
            cell = [f"i{k}" for k in range(len(reader.on))]
            kind = f"({ARROWS[len(cell)]}) -> R"
            inner = f"f (fun {' '.join(cell)} => u {listing(cell)})"
            out.append(f"  let E := fun f : {kind} => weighted {n}_outcomes (fun u => {inner}) in")
        claims = [f"{n}_assumed {self.arguments()}", *alive]
        how = f"unfold {n}_assumed; intros; subst; {SPLIT}; first [ {self.law_instance(model)} | each ]"
        return [*out, "  " + " /\\\n  ".join(claims) + ".", "Proof.", wrapped(f"{how}."), "Qed."]

    def outcomes(self, model: Model) -> list[str]:
        if not (self.reader.law and self.reader.several):
            return []
        shown = []
        for chance, cells in model._outcomes():
            listed = sorted(list(c) if isinstance(c, tuple) else [c] for c in cells)
            shown.append(f"({chance.numerator} # {chance.denominator}, {coq(listed)}%nat)")
        return [f"Definition {self.name}_outcomes : list outcome := [", ";\n".join(map(wrapped, shown)), "]."]

    def law_instance(self, model: Model) -> str:
        """How the law is shown."""
        reader, n = self.reader, self.name
        if not reader.law:
            return "fail"
        if not reader.several:
            return "apply coins_inclusion"
        many = len(reader.on)
        sizes = " ".join(str(model._size(s)) for s in reader.on)
        if reader.law["kind"] == "deal":
            cards, each = model._size(reader.on[-1]), model.value(read(reader.law["parameter"], {}))
            head = f"deal{many}_outcomes {sizes} _ {n}_outcomes ({cards} # 1) ({each.numerator} # {each.denominator})"
            return f"apply ({head}); [vm_cast_no_check (eq_refl true) | each | each]"
        chances = self.chance_table(model, [model._size(s) for s in reader.on], {})
        head = f"coins{many}_outcomes {sizes} _ {n}_outcomes {rationals(chances)}"
        return f"apply ({head}); [vm_cast_no_check (eq_refl true) | each]"

    def chance_table(self, model: Model, sizes: list[int], at: dict[str, int]) -> Any:
        reader = self.reader
        names = reader.said()[1]
        if len(at) == len(sizes):
            return model._at(at, read(reader.law["parameter"], {}))
        return [self.chance_table(model, sizes, {**at, names[len(at)]: i}) for i in range(sizes[len(at)])]


def leaves(value: Any) -> Iterator[Any]:
    """The numbers in nested lists."""
    if isinstance(value, list):
        for v in value:
            yield from leaves(v)
    else:
        yield value


def entry_text(value: Any) -> str:
    """Nested lists of real numbers."""
    return (
        "[" + "; ".join(map(entry_text, value)) + "]" if isinstance(value, list) else number(Fraction(value))
    )


def rationals(value: Any) -> str:
    """Nested lists of rational numbers."""
    if isinstance(value, list):
        return "[" + "; ".join(map(rationals, value)) + "]"
    return f"({Fraction(value).numerator} # {Fraction(value).denominator})"
