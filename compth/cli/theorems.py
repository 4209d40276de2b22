"""`compth theorems`: the list, and one theorem with its steps, rate, standing, looseness and stored proof.

A stored proof is checked again by the kernel whenever it is printed.
"""

from __future__ import annotations

import importlib
import inspect
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Annotated

import typer

from compth._types import Json
from compth.claims import Standing, coq_index, how_sharp, proved_index, rests, shown
from compth.cli._output import say, show_about, show_list, terminal
from compth.errors import InvalidParameter, Unsupported
from compth.text.specs import meant

if TYPE_CHECKING:
    from compth.methods import Theorem
    from compth.proof.legend import Told


def known_theorems() -> dict[str, Theorem]:
    """Every theorem by id: of the catalogue, then certified worst cases.

    A certified worst case counts as a theorem of its method: it plans steps and promises a rate as others do.
    """
    from compth.methods import theorems as all_theorems
    from compth.worst_case.certified_theorem import certified_theorems

    return {**all_theorems(), **certified_theorems()}


def _standing(theorem: Theorem) -> str:
    """Standing and attribution in two words.

    As PROVED/literature: how it is known, and whose statement it is.
    """
    return f"{shown(theorem).value}/{theorem.attribution.value}"


def _in_coq(theorem: Theorem) -> bool:
    """True where Coq checked the proof that the standing rests on."""
    return theorem.proof in coq_index() and shown(theorem) is Standing.PROVED


def theorem_rows() -> list[Json]:
    """Every theorem: id, statement, metric, what it needs, steps, rate, standing, sharpness, source.

    All as text, "-" where there is none; the keys are the columns.
    """
    from compth.methods.core.symbols import as_text, facts_of

    rows = []
    for th in known_theorems().values():
        # Rule and rate are traced from the theorem's code with symbols:
        # the table cannot say anything else than what runs.
        facts = facts_of(th)
        rate = "-" if facts.rate is None else as_text(facts.rate)
        rows.append(
            {
                "theorem": th.id,
                "says": th.title,
                "metric": th.metric,
                "needs": ", ".join(k.__name__ for k in th.requires) or "-",
                "steps": facts.rule,
                "rate": rate,
                "standing": _standing(th),
                "sharpness": how_sharp(th),
                "coq": "checked" if _in_coq(th) else "-",
                "source": str(th.source),
            }
        )
    return rows


def _statement(theorem: Theorem) -> list[str]:
    """Its docstring: the bound and what its letters mean.

    Paragraphs as the class has them, without indentation.
    """
    return inspect.cleandoc(type(theorem).__doc__ or "").splitlines()


def about_theorem(theorem: Theorem) -> Json:
    """All that the objects say of a theorem; formulas as text and as LaTeX, None where there is no single one.

    Everything is JSON-ready.
    """
    from compth.methods import catalogue
    from compth.methods.core.looseness import recorded
    from compth.methods.core.symbols import as_latex, as_text, facts_of, hypotheses

    # Formulas are traced from the theorem's own code with symbols: what is shown is what runs.
    facts, loose = facts_of(theorem), recorded().get(theorem.id)
    kind = getattr(theorem, "kind", None)
    methods = [k for k, m in catalogue().items() if theorem.id in {t.id for t in m.theorems()} or m is kind]
    return {
        "theorem": theorem.id,
        "says": theorem.title,
        "statement": "\n".join(_statement(theorem)),
        "methods": methods,
        "metric": theorem.metric,
        "needs": [k.__name__ for k in theorem.requires],
        "hypotheses": list(hypotheses(theorem)),
        "steps": facts.rule,
        "formulas": {k: as_text(v) for k, v in facts.formulas.items()},
        "formulas_for": facts.special,
        "latex": {k: as_latex(v) for k, v in facts.formulas.items()},
        "standing": _standing(theorem),
        "sharpness": how_sharp(theorem),
        "looseness": None if loose is None else {"text": str(loose), **vars(loose)},
        "proof": theorem.proof if rests(theorem) else None,
        "coq": "checked" if _in_coq(theorem) else None,
        "source": str(theorem.source),
    }


def _lines(found: Json) -> Iterator[tuple[str, str]]:
    """(heading, text) of each line below a theorem's statement.

    found: as `about_theorem` gives it. A proof's line says how to print it.
    """
    yield "method", ", ".join(found["methods"]) or "-"
    yield "bounds", found["metric"]
    yield "needs", ", ".join(found["needs"]) or "nothing of the compressor"
    for reason in found["hypotheses"]:
        yield "hypotheses", reason
    yield "steps", found["steps"]
    if found["formulas_for"]:
        yield "formulas for", found["formulas_for"]
    yield from found["formulas"].items()
    yield "standing", f"{found['standing']}; {found['sharpness']}"
    yield "loose", "not recorded" if found["looseness"] is None else found["looseness"]["text"]
    yield "proof", "none is machine-checked" if found["proof"] is None else _checked(found)
    yield "source", found["source"]


def _checked(found: Json) -> str:
    """Who checked the proof, and how to see it."""
    coq = " and by Coq" if found["coq"] else ""
    return f"checked by the kernel{coq}: compth theorems {found['theorem']} --proof"


def _latex(found: Json) -> str:
    """The formulas as one aligned environment.

    Raises Unsupported where the step is not one formula; amsmath is needed.
    """
    if not found["latex"]:
        raise Unsupported(f"{found['theorem']} has no formula for its step: {found['steps']}")
    rows = [rf"\text{{{name}}} &= {formula}" for name, formula in found["latex"].items()]
    return "\n".join([r"\begin{align*}", " \\\\\n".join(rows), r"\end{align*}"])


def _scripts(module: str) -> ModuleType:
    """A module of proofs_check, which the wheel carries beside compth. Unsupported where it is not installed."""
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError:
        raise Unsupported("the stored proofs are not installed: they are the package proofs_check") from None


def _proof_of(theorem: Theorem) -> str:
    """The id of its stored proof; Unsupported where it has none."""
    if not rests(theorem):
        raise Unsupported(f"{theorem.id} has no machine-checked proof: its standing is {_standing(theorem)}")
    return theorem.proof


def _certificate(proof: str) -> Path:
    """The file of a stored proof."""
    return Path(_scripts("proofs_check").__file__ or "").parent / "certificates" / f"{proof}.json"


def told(proof: str) -> Told:
    """What its script says to readers."""
    found: Told = _scripts("proofs_check._told").told(proof)
    return found


def stored_proof(proof: str, latex: bool = False) -> str:
    """A stored proof: why it holds, letters, statement, steps; checked again by the kernel before it is printed.

    proof: its id. latex: for a paper, else as text. Raises Unsupported where the proofs are not installed.
    """
    from compth.proof import check, printing

    parts = json.loads(_certificate(proof).read_text(encoding="utf-8"))["parts"]
    # What is printed is what the kernel accepts now, not what a file says was once accepted.
    for part in parts:
        check(json.dumps(part["statement"]), json.dumps(part["certificate"]))
    write = printing.proof_latex if latex else printing.proof_text
    return write(parts, told(proof)).rstrip()


def coq_file(proof: str) -> tuple[str, list[str]]:
    """(the proof as a Coq file, what of it has none and why). Unsupported where nothing can be written.

    proof: its id in the index.

    The text is what Coq was given; reasons name the statements that the exporter cannot write, [] where it wrote all.
    """
    # The exporter writes files; here they go to a folder that is gone before anything is printed.
    build, written = _scripts("proofs_check.coq.build"), _scripts("proofs_check.coq.written")
    with tempfile.TemporaryDirectory() as folder:
        (outcome,) = build.export(Path(folder), [proof])
        reasons = list(outcome.reasons)
        if not outcome.written:
            raise Unsupported(f"{proof} has no Coq file: {'; '.join(reasons)}")
        # Written by the exporter into a folder of its own: the file is the one that Coq checks.
        text = (Path(folder) / f"{written.identifier(proof)}.v").read_text(encoding="utf-8").rstrip()
    words = [f"(* {name}: {written.comment(said)} *)" for name, said in told(proof).fields()]
    return "\n".join([*words, "", text]), reasons


def _show_coq(proof: str) -> None:
    """The Coq file, and what of the proof it leaves out."""
    text, reasons = coq_file(proof)
    print(text)
    for reason in reasons:
        print(f"(* no Coq file for {reason} *)")


def _one(theorem: Theorem, as_json: bool, proof: bool, latex: bool, coq: bool) -> None:
    """What was asked of one theorem: the proof or the Coq file where they are wanted, else all about it.

    Only one of them is printed: they are for other programs to read.
    """
    if coq:
        _show_coq(_proof_of(theorem))
        return
    if proof and not as_json:
        print(stored_proof(_proof_of(theorem), latex))
        return
    found = about_theorem(theorem)
    # Three forms, one object: JSON with everything, LaTeX with the formulas alone, else words for a terminal.
    if as_json:
        text = {"proof_text": stored_proof(_proof_of(theorem), latex)} if proof else {}
        print(json.dumps(found | text, indent=1))
    elif latex:
        print(_latex(found))
    else:
        show_about(f"{theorem.id}: {theorem.title}", _statement(theorem), list(_lines(found)))


def _constant(proof: str, as_json: bool, in_full: bool, latex: bool, coq: bool) -> None:
    """The same of a proof of a constant or a lemma, which no theorem of a method has.

    in_full: the proof in words; else what it says and who checked it.
    """
    # A constant's proof has no step, rate or metric: its own words take their place.
    words = told(proof)
    checked = {"theorem": proof, "proof": proof, "coq": "checked" if proof in coq_index() else None}
    if coq:
        _show_coq(proof)
    elif as_json:
        text = {"proof_text": stored_proof(proof, latex)} if in_full else {}
        print(json.dumps({"says": words.summary, **checked, "words": dict(words.fields()), **text}, indent=1))
    elif in_full or latex:
        print(stored_proof(proof, latex))
    else:
        lines = [(name.lower(), said) for name, said in words.fields()]
        show_about(f"{proof}: {words.summary}", [], [*lines, ("checked", _checked(checked))])


def theorems(
    name: Annotated[
        str | None,
        typer.Argument(metavar="ID", help="one theorem, e.g. ef21.pl, or one proof, e.g. topk.delta"),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print JSON")] = False,
    unified: Annotated[bool, typer.Option("--unified", help="the rows of the unified theory of SGD")] = False,
    proof: Annotated[bool, typer.Option("--proof", help="the stored proof in words, checked again")] = False,
    latex: Annotated[bool, typer.Option("--latex", help="formulas, or the proof, in LaTeX")] = False,
    coq: Annotated[bool, typer.Option("--coq", help="the proof as a Coq file")] = False,
) -> int:
    """The theorems: what each bounds, its largest step and rate, how sure it is and where it comes from."""
    from compth.methods.core.unified_table import unified_table

    # Options that speak of one theorem make no sense of the list: said, rather than ignored.
    asked = [k for k, given in (("--proof", proof), ("--latex", latex), ("--coq", coq)) if given]
    if name is None and asked:
        raise InvalidParameter(f"{asked[0]} speaks of one theorem: compth theorems ID {asked[0]}")
    if coq and len(asked) + as_json > 1:
        raise InvalidParameter("--coq prints the Coq file alone: leave out --proof, --latex and --json")
    if name is not None:
        if unified:
            raise InvalidParameter("--unified lists the rows of a table: leave out the theorem")
        # A theorem's id first; proofs of constants and lemmas, which no theorem has, are found by their own.
        known = known_theorems()
        if name not in known and name in proved_index():
            _constant(name, as_json, proof, latex, coq)
            return 0
        if name not in known:
            raise InvalidParameter(
                f"theorem={name!r} is not known: {meant(name, known, '`compth theorems` lists them')}"
            )
        _one(known[name], as_json, proof, latex, coq)
        return 0
    rows = [row.cells() for row in unified_table()] if unified else theorem_rows()
    if as_json:
        print(json.dumps(rows, indent=1))
    elif unified:
        for row in rows:
            numbers = [
                f"{k} = {v}" for k, v in row.items() if k not in ("row", "theorem", "method") and v != "0"
            ]
            say(f"{row['row']} ({row['theorem']}, {row['method']}): {'; '.join(numbers)}")
    else:
        names = ("theorem", "steps", "rate", "standing")
        show_list(
            [{k: r[k].removeprefix("0 < gamma ") for k in names} for r in rows], {"steps": 3, "rate": 2}
        )
        if terminal():
            say(
                "",
                "`compth theorems ID` shows one, with its statement, hypotheses and proof; --json everything",
            )
    return 0
