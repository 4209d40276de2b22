"""One stored part as a Coq file: the statement in the words of the library, the proof as data for `checked`."""

from __future__ import annotations

import contextlib
import json
from typing import Any, TypeVar

from .audit import HEAD, TABLES
from .gram import Table
from .instances import Instance
from .runs import Run
from .scripts import Script
from .sums import SumPart
from .table_parts import TablePart
from .tables import several
from .texts import DECLARATION, Deep, NoExport, coq_name, written
from .written import comment, conjunction, identifier, item_text, listing, pattern, relation_text, wrapped

Stored = tuple[dict[str, Any], dict[str, Any], dict[str, Any]]
"""(statement, certificate, witness) of a stored part."""


class Part:
    """A part read for Coq."""

    reading: type[Script] = Script

    def __init__(
        self, statement: dict[str, Any], certificate: dict[str, Any], witness: dict[str, Any]
    ) -> None:
        self.statement, self.witness = statement, witness
        self.script = self.reading(json.loads(json.dumps(statement)), certificate["steps"])
        self.theory, self.reader = self.script.theory, self.script.reader
        self.name = identifier(statement["of"].split("/")[0])
        declared = [DECLARATION.fullmatch(t) for t in statement.get("operators", [])]
        self.op_levels = [0, *(int(m[4] or 0) for m in declared if m)]
        self.op_common = [True, *(m[1] == "common" for m in declared if m)]

    def mean(self, name: str) -> tuple[int, str, Deep] | None:
        """(time, mean as shown, as data) of a drawn vector."""
        if name not in self.theory.draws:
            return None
        return (self.theory.draws[name][1], *self.reader.vector(self.reader.means[name]))

    def declarations(self) -> list[str]:
        """What is assumed of each vector: known when, common or not, drawn around what; of each operator."""
        out = []
        for k, name in enumerate(self.reader.operators, start=1):
            out.append(f"operator {self.op_levels[k]} {coq_name(name)}")
            out += [f"commutes {coq_name(name)}"] * self.op_common[k]
        for name in self.reader.vectors:
            v, mean = coq_name(name), self.mean(name)
            out.append(f"F {self.theory.level[name]} {v}")
            out += [f"common {v}"] * (name in self.theory.common)
            out += [f"drawn {mean[0]} {v} {mean[1]}"] if mean else []
        return out

    def binders(self) -> str:
        groups = [
            (self.reader.scalars, "R"),
            (self.reader.operators, "V -> V"),
            (self.reader.vectors, "V"),
        ]
        return " ".join(f"({' '.join(map(coq_name, names))} : {kind})" for names, kind in groups if names)

    def arguments(self) -> str:
        return " ".join(map(coq_name, [*self.reader.scalars, *self.reader.operators, *self.reader.vectors]))

    def infos(self) -> list[Deep]:
        out: list[Deep] = []
        for name in self.reader.vectors:
            mean = self.mean(name)
            shown: Any = ("Some", f"({mean[0]}%nat, {written(mean[2])})") if mean else "None"
            out.append(("Info", self.theory.level[name], str(name in self.theory.common).lower(), shown))
        return out

    def table(self) -> list[str]:
        means = [m and (m[0], m[2]) for m in map(self.mean, self.reader.vectors)]
        levels = [self.theory.level[v] for v in self.reader.vectors]
        common = [v in self.theory.common for v in self.reader.vectors]
        found = Table(levels, common, means, self.op_levels, self.op_common)
        shown = [c[1] for c in [*self.script.claims, *self.script.more]]
        triples = found.collect([*self.script.facts, *self.script.items, *shown])
        return [f"({a}, {listing(list(map(str, w)))}, {b})" for a, w, b in triples]

    def items(self) -> list[str]:
        return [item_text(item) for item in self.script.items]

    def labels(self) -> tuple[list[str], list[str]]:
        """Names for the declarations and the hypotheses."""
        names = [f"declared{k}" for k in range(len(self.declarations()))]
        return names, [f"given{k}" for k in range(len(self.script.hypotheses))]

    def lists(self) -> str:
        """What stands behind SV 0, SV 1, ..., VA 0, ..., VOp 1, ..."""
        values = [coq_name(v) for v in self.reader.vectors]
        ops = [coq_name(v) for v in self.reader.operators]
        return " ".join([listing(self.reader.values), listing(values), listing(ops)])

    def meaning(self) -> list[str]:
        """The lemma that the data say what the statement assumes."""
        names, facts = self.labels()
        n, lists = self.name, self.lists()
        ops = listing([coq_name(v) for v in self.reader.operators])
        declared, operated = self.declared(names), self.operated(names)
        pieces = [declared, operated, [*facts, "I"]]
        shape = " & ".join(pattern(["_" if p == "I" else p for p in piece]) for piece in pieces)
        back = conjunction(list(map(conjunction, pieces)))
        return [
            f"Lemma {n}_means {{H : Space}} {self.binders()} :",
            wrapped(f"declared {lists} 0 {n}_infos /\\ operators {ops} 1 {n}_ops /\\"),
            wrapped(f"all_hold {lists} {n}_facts <->"),
            f"  {n}_assumed {self.arguments()}.",
            "Proof.",
            "  split.",
            wrapped(f"- intros ({shape})."),
            wrapped(f"exact {conjunction([*names, *facts] or ['I'])}."),
            wrapped(f"- intros {pattern([*names, *facts])}."),
            wrapped(f"exact {back}."),
            "Qed.",
            "",
        ]

    def proof(self) -> list[str]:
        """The theorem's proof: the hypotheses as data, then the checker."""
        n, inverses = self.name, [item for item in self.script.items if item[0] == "Inv"]
        data = f"{n}_infos {n}_ops {n}_table {n}_facts {n}_items {n}_claims"
        return [
            "Proof.",
            f"  intro assumed; destruct (proj2 ({n}_means {self.arguments()}) assumed)",
            "    as (declared & operated & given).",
            wrapped(f"apply (checked {self.lists()} {data})."),
            "  - vm_cast_no_check (eq_refl true).",
            "  - exact declared.",
            "  - exact operated.",
            wrapped(f"- exact {conjunction([*['eq_refl'] * len(inverses), 'I'])}."),
            "  - exact given.",
            "Qed.",
        ]

    def declared(self, names: list[str]) -> list[str]:
        """The pieces of `declared`, from the declarations' names in order; I where nothing is asked."""
        left, out = iter(names[sum(1 + c for c in self.op_common[1:]) :]), []
        for name in self.reader.vectors:
            out.append(next(left))
            out.append(next(left) if name in self.theory.common else "I")
            out.append(next(left) if name in self.theory.draws else "I")
        return [*out, "I"]

    def operated(self, names: list[str]) -> list[str]:
        """The pieces of `operators`."""
        left, out = iter(names), []
        for common in self.op_common[1:]:
            out += [next(left), next(left) if common else "I"]
        return [*out, "I"]

    def data(self) -> list[str]:
        """The definitions of what the checker works on."""
        opinfos = [
            f"(OpInfo {level} {str(common).lower()})"
            for level, common in zip(self.op_levels[1:], self.op_common[1:], strict=True)
        ]
        data = {
            "infos": ("list info", [written(i) for i in self.infos()]),
            "ops": ("list opinfo", opinfos),
            "table": ("list triple", self.table()),
            "facts": ("list rel", [relation_text(f) for f in self.script.facts]),
            "items": ("list item", self.items()),
            "claims": ("list rel", [relation_text(c[1]) for c in (*self.script.claims, *self.script.more)]),
        }
        lines = []
        for key, (kind, values) in data.items():
            shown = ";\n".join(wrapped(v) for v in values)
            lines += [f"Definition {self.name}_{key} : {kind} := [", shown, "]%nat."]
        return lines

    def text(self) -> str:
        """The whole of the part's Coq."""
        n, binders = self.name, self.binders()
        assumed = [*self.declarations(), *self.script.hypotheses]
        title = comment(self.statement.get("title", ""))
        lines = [f"(* {self.statement['of']}: {self.statement['name']}", f"   {title} *)"]
        lines += [f"Definition {n}_assumed {{H : Space}} {binders} : Prop :="]
        lines += ["  " + " /\\\n  ".join(assumed or ["True"]) + ".", "", *self.data(), "", *self.meaning()]
        lines += Instance(self, self.witness).lines()
        lines += [*self.theorem("step" if self.script.more else ""), *self.whole()]
        return "\n".join(lines) + "\n"

    def theorem(self, suffix: str) -> list[str]:
        """The theorem that the checker proves: the claims, and with a suffix what a run needs as well."""
        n = self.name
        shown = [*self.script.claims, *(self.script.more if suffix else [])]
        claims = " /\\\n  ".join(f"({c[0]})" for c in shown)
        head = f"Lemma {n}_{suffix}" if suffix else f"Theorem {n}"
        return [
            "",
            f"{head} {{H : Space}} {self.binders()} :",
            f"  {n}_assumed {self.arguments()} ->",
            f"  {claims}.",
            *self.proof(),
        ]

    def whole(self) -> list[str]:
        """With a run: the theorem from the lemma, then the run."""
        if not self.script.more:
            return []
        n, names = self.name, [f"claim{k}" for k in range(len(self.script.claims))]
        theorem = self.theorem("")
        end = theorem.index("Proof.")
        return [
            *theorem[:end],
            "Proof.",
            f"  intro assumed; destruct ({n}_step {self.arguments()} assumed) as ({' & '.join([*names, '_'])}).",
            f"  exact {conjunction(names)}.",
            "Qed.",
            *Run(self).lines(),
        ]

    def names(self) -> list[str]:
        """What the file asks Coq about the assumptions of."""
        more = ["run", "begins"] if self.script.more else []
        return [f"@{name}" for name in [self.name, *(f"{self.name}_{k}" for k in ("instance", *more))]]


P = TypeVar("P", bound=Part)
S = TypeVar("S", bound=SumPart)
T = TypeVar("T", bound=TablePart)


def part_of(
    statement: dict[str, Any], certificate: dict[str, Any], witness: dict[str, Any]
) -> Part | SumPart | TablePart:
    """The part, read by what it speaks of."""
    return read_by_subject(Part, SumPart, TablePart, (statement, certificate, witness))


def read_by_subject(vectors: type[P], sums: type[S], tables: type[T], part: Stored) -> P | S | T:
    """The part as the one of three classes that is for what its statement speaks of."""
    statement = part[0]
    if not statement.get("indices"):
        return vectors(*part)
    if not several(statement):
        with contextlib.suppress(NoExport):  # a sum inside a sum is left to tables
            return sums(*part)
    return tables(*part)


def module(parts: list[Stored]) -> str:
    """A theorem's file: all its parts."""
    read = [part_of(*part) for part in parts]
    return assembled([(p.names(), p.text()) for p in read])


def assembled(parts: list[tuple[list[str], str]]) -> str:
    """The file of parts that are written: (what the last question is about, Coq)."""
    shown = [name for names, _ in parts for name in names]
    # one question about all of them: Print Assumptions walks through the reals each time
    ends = [f"Definition all_of_it := ({', '.join(shown)}).", "Print Assumptions all_of_it."]
    head = TABLES if any(": mlaw :=" in text for _, text in parts) else HEAD
    return "\n".join([head, *(text for _, text in parts), *ends]) + "\n"
