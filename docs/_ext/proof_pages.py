"""Proofs on pages: what is proved and what tested, why it holds, letters, statement, steps; checked while printed."""

from __future__ import annotations

import importlib
import json
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from rst import escape, literal, table, title

from compth.claims import attained_index, coq_index, proved_index
from compth.proof.legend import Told
from compth.proof.mathematics import Mathematics
from compth.proof.printing import Step, Style, hypotheses, letters, over_a_run, steps
from compth.proof.prose import on_page
from proofs_check._told import told

CERTIFICATES = Path(__file__).resolve().parents[2] / "proofs_check" / "certificates"


def stored_parts(proof: str) -> list[dict[str, Any]]:
    """The parts of the stored proof, checked again by the kernel; none where the index does not hold it."""
    file = CERTIFICATES / f"{proof}.json"
    if proof not in proved_index() or not file.is_file():
        return []
    check = importlib.import_module("compth.proof").check
    parts: list[dict[str, Any]] = json.loads(file.read_text(encoding="utf-8"))["parts"]
    for part in parts:
        check(json.dumps(part["statement"]), json.dumps(part["certificate"]))
    return parts


def sentence(text: str) -> str:
    """A sentence of a proof with signs for its formulas; what stands in backticks is a name."""
    pieces = on_page(text).split("`")
    return (
        "".join(f" ``{t}`` " if k % 2 else escape(t) for k, t in enumerate(pieces))
        .replace("``  ", "`` ")
        .strip()
    )


PAGE = Style(sentence, lambda text: f":math:`{text}`")


def letters_of(parts: Sequence[dict[str, Any]], words: Told) -> tuple[list[list[str]], list[list[list[str]]]]:
    """(rows that hold in every part, for each part the rows of letters that stand for something else elsewhere)."""
    rows = [
        list(dict.fromkeys(letters(p["statement"], words, Mathematics(p["statement"]), PAGE))) for p in parts
    ]
    meanings: dict[str, set[str]] = {}
    for name, meaning in (row for part in rows for row in part):
        meanings.setdefault(name, set()).add(meaning)
    shared = [
        list(row) for row in dict.fromkeys(row for part in rows for row in part) if len(meanings[row[0]]) == 1
    ]
    return shared, [[list(row) for row in part if len(meanings[row[0]]) > 1] for part in rows]


def _letters(rows: list[list[str]]) -> str:
    return table(["letter", "stands for"], rows, "20 80") if rows else ""


def proof_part(part: dict[str, Any], own: list[list[str]]) -> str:
    """One statement: letters of its own, hypotheses, claim and steps, formulas as mathematics."""
    statement, maths = part["statement"], Mathematics(part["statement"])
    said = [title(statement["name"], "^")]
    if statement.get("title"):
        said.append(sentence(statement["title"][:1].upper() + statement["title"][1:]) + ".\n")
    said.append(_letters(own))
    if statement.get("domain"):
        said.append("For " + ", ".join(PAGE.formula(maths(t)) for t in statement["domain"]) + ".\n")
    for name, formula, meaning in hypotheses(statement, maths, PAGE):
        said.append(
            f"``{name}``: {meaning}\n\n" + _displayed(formula.removeprefix(":math:`").removesuffix("`"))
        )
    said.append("**Claim.**\n")
    said += [_displayed(maths.relation(c)) for c in statement["claim"]]
    said.append("**Step by step.**\n")
    said += [_step(step) for step in steps(part, maths, PAGE)]
    if "run" in statement:
        said.append(over_a_run(statement["run"], maths, PAGE) + "\n")
    return "\n".join(said)


def _step(step: Step) -> str:
    """A numbered step: what is added with which multipliers, what remains, what follows."""
    lines = ["Add\n", *(_used(*pair) for pair in step.used), ""] if step.used else []
    if step.terms:
        lines += ["What remains is\n" if step.used else "The difference of both sides is\n", _sum(step.terms)]
    lines.append("Hence the claim.\n" if step.final else "Hence\n\n" + _displayed(step.shown))
    first, *rest = "\n".join(lines).split("\n")
    return "\n".join([f"#. {first}", *(f"   {line}".rstrip() for line in rest)]) + "\n"


def _used(what: str, multiplier: str) -> str:
    return f"* {what} itself" if multiplier == PAGE.formula("1") else f"* {multiplier} times {what}"


def _sum(terms: list[str]) -> str:
    """Terms below each other, not negative together."""
    rows = [f"& {'+' * bool(k)} {t}".replace("+ -", "- ") for k, t in enumerate(terms)]
    return _displayed(r"\begin{aligned} " + r" \\ ".join(rows) + r" \ge 0 \end{aligned}")


def _displayed(formula: str) -> str:
    return f".. math::\n\n   {formula}\n"


def in_words(words: Told) -> str:
    """What the author of a proof says: setting, guarantee, why its multipliers, tight or not, source."""
    return "\n".join(f"**{name}.** {sentence(text)}\n" for name, text in words.fields())


def _kind(statement: dict[str, Any]) -> str:
    """What kind of sentence a statement is."""
    if ".attained" in statement["name"]:
        return "the bound is attained"
    found = "equality" if "==" in statement["claim"][0] else "bound"
    return f"{found}, one step and the whole run" if "run" in statement else found


def proved_and_tested(proof: str, tight: bool) -> list[str]:
    """What the kernel proved, part by part, and what is left to the tests."""
    parts = json.loads((CERTIFICATES / f"{proof}.json").read_text(encoding="utf-8"))["parts"]
    lines = []
    for part in parts:
        statement = part["statement"]
        said = f": {statement['title']}" if statement.get("title") else ""
        lines.append(f"* proved: {literal(statement['name'])}, {_kind(statement)}{escape(said)}")
    if proof in coq_index():
        lines.append(
            "* checked by Coq: all of the above, runs of k steps too where there are some (:doc:`/coq`)"
        )
    if tight and proof not in attained_index():
        lines.append("* tested, not proved: that the bound is attained")
    lines.append(
        "* tested, not proved: that the code takes the steps that the statement speaks of, and its rounding"
    )
    return lines


def proof_section(proofs: list[str], tight: Collection[str] = ()) -> str:
    """The proofs of a page, what they leave to the tests, or that there is none; tight: proofs of tight constants."""
    shown = [(name, stored_parts(name)) for name in dict.fromkeys(proofs)]
    found = []
    for name, parts in ((name, parts) for name, parts in shown if parts):
        words = told(name)
        shared, own = letters_of(parts, words)
        found += [f"{literal(name)} says:\n", *proved_and_tested(name, name in tight), "", _letters(shared)]
        found += [in_words(words), *map(proof_part, parts, own)]
    if found:
        return "Checked by the kernel while this page was built.\n\n" + "\n".join(found)
    return "No machine-checked proof is shipped: the tests hold it against exact values and simulation.\n"
