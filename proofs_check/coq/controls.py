"""Stored negative controls as Coq: the checker refuses each, with the true statement's certificate adapted to it."""

from __future__ import annotations

from typing import Any

from compth.proof.kernel import Refused

from .export import Part, read_by_subject
from .scripts import Script
from .sums import SumPart, SumScript
from .table_parts import TablePart
from .tables import TableScript
from .texts import NoExport
from .written import identifier

HEAD = """From Coq Require Import Reals List ZArith.
From Compth Require Import Compth Multi.
Import ListNotations.
Open Scope R_scope.
"""


class Unjudged(Script):
    """A script whose steps are taken at their word."""

    judged = False


class FalsePart(Part):
    """A false statement with a certificate that cannot prove it."""

    reading = Unjudged

    def refused(self, name: str) -> str:
        """The lemma that the checker says no."""
        lines = [line.replace(f"{self.name}_", f"{name}_") for line in self.data()]
        data = f"{name}_infos {name}_ops {name}_table [] None [] {name}_facts {name}_items {name}_claims"
        lines += [f"Lemma {name}_refused : check {data} = false."]
        return "\n".join([*lines, "Proof. vm_cast_no_check (eq_refl false). Qed.", ""])


class UnjudgedSums(SumScript):
    """The same of a script about sums."""

    judged = False


class FalseSumPart(SumPart):
    """A false statement about sums with a certificate that cannot prove it."""

    reading = UnjudgedSums

    def refused(self, name: str) -> str:
        """The lemma that some of the checks that its theorem would need says no."""
        n, self.name = self.name, name
        self.assumed()  # reads the hypotheses at points, as the true statement's theorem does
        lines, checks = [], []
        for point in self.script.points.values():
            for k in range(len(point.asked)):
                at, defined, _ = self.point_data(point, k)
                lines += defined
                checks.append(f"check [] [] [] [] None [] {at}_facts {at}_items {at}_claims")
        lines += self.data()
        arrays = f"(repeat (fun _ : nat => 0) {len(self.reader.arrays)})"
        checks.append(
            f"check [] [] [] {arrays} {name}_law {name}_sums {name}_facts {name}_items {name}_claims"
        )
        self.name = n
        lines += [f"Lemma {name}_refused : forallb (fun b => b) [{'; '.join(checks)}] = false."]
        return "\n".join([*lines, "Proof. vm_cast_no_check (eq_refl false). Qed.", ""])


class UnjudgedTables(TableScript):
    """The same of a script about tables."""

    judged = False


class FalseTablePart(TablePart):
    """A false statement about tables with a certificate that cannot prove it."""

    reading = UnjudgedTables

    def refused(self, name: str) -> str:
        """The lemma that some of what Coq would compute for its theorem says no."""
        lines = [line.replace(f"{self.name}_", f"{name}_") for line in self.data()]
        checks = [check.replace(f"{self.name}_", f"{name}_") for check in self.checks()]
        lines += [f"Lemma {name}_refused : forallb (fun b => b) [{'; '.join(checks)}] = false."]
        return "\n".join([*lines, "Proof. vm_cast_no_check (eq_refl false). Qed.", ""])


def false_part(
    statement: dict[str, Any], certificate: dict[str, Any], witness: dict[str, Any]
) -> FalsePart | FalseSumPart | FalseTablePart:
    """The false version, read by what it speaks of."""
    return read_by_subject(FalsePart, FalseSumPart, FalseTablePart, (statement, certificate, witness))


def adapted(part: dict[str, Any], false: dict[str, Any]) -> dict[str, Any]:
    """The certificate for the false version: it shows the claims there, and uses only what is still assumed."""
    true = part["statement"]
    renamed = dict(zip(true["claim"], false["claim"], strict=False))
    gone = set(true.get("given", {})) - set(false.get("given", {}))
    gone |= set(true.get("domain", [])) - set(false.get("domain", []))
    steps = [{**s, "show": renamed.get(s["show"], s["show"])} for s in part["certificate"]["steps"]]
    steps = [
        {**s, "use": {renamed.get(k, k): m for k, m in s["use"].items() if k not in gone}} for s in steps
    ]
    return {"steps": steps}


def refusals(data: dict[str, Any]) -> tuple[list[str], list[str]]:
    """(lemmas by which Coq's checker refuses a theorem's false versions, the places of those without a script)."""
    texts, unwritten = [], []
    for part in data["parts"]:
        for k, control in enumerate(part["controls"]):
            name = f"false_{identifier(part['statement']['of'])}_{k}"
            false = control["statement"]
            try:
                texts.append(false_part(false, adapted(part, false), part["witness"]).refused(name))
            except (
                NoExport,
                Refused,
                KeyError,
            ) as reason:  # a sign that was not shown, a divisor that may vanish
                unwritten.append(f"{part['statement']['of']}, false version {k + 1}: {reason}")
    return texts, unwritten
