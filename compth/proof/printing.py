"""Proofs as a person reads them, in plain text and in LaTeX. No part of soundness.

What the author says, the letters, the statement, the steps.

What is said comes from the stored statement and certificate, not from the script that made them: a reader sees what
was checked. Plain text keeps the kernel's language, LaTeX and pages take `mathematics`; the pieces at the end are
shared with the pages of `reporting`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from textwrap import wrap

from compth._types import Json
from compth.proof.legend import Told, legend, sums
from compth.proof.mathematics import Mathematics
from compth.proof.meaning import MEANING
from compth.proof.plain import at_all, bare, over_steps, written_out
from compth.proof.prose import in_latex

Part = Json  # statement and certificate
NOBODY = Told("")


def as_text(statement: Json, certificate: Json) -> str:
    """Theorem, hypotheses written out, and proof in the kernel's language, one line each.

    statement, certificate: as stored. The text says the same as the JSON, relation by relation; nothing is left to
    it.
    """
    out = [f"Theorem {statement.get('name', '')}. {statement.get('title', '')}".rstrip()]
    if statement.get("params"):
        domain = map(bare, statement.get("domain", []))
        out.append(f"Parameters: {', '.join(domain) or statement['params']}.")
    out += [f"Write {name} = {bare(text)}." for name, text in statement.get("let", {}).items()]
    for name, text in statement.get("given", {}).items():
        meaning = MEANING[text.split("(")[0]]
        out.append(f"({name}) {written_out(statement, text)}: {meaning}.")
    out.append("Claim: " + " and ".join(map(bare, statement["claim"])) + ".")
    out += _steps_as_text(statement, certificate)
    if "run" in statement:
        out.append(over_a_run(statement["run"]))
    return "\n".join(out)


def _steps_as_text(statement: Json, certificate: Json) -> Iterator[str]:
    """Numbered steps; what an earlier step showed goes by its number."""
    known = {name: f"({name})" for name in statement.get("given", {})}
    known |= {text: f"({bare(text)})" for text in statement.get("domain", [])}
    for k, step in enumerate(certificate["steps"], start=1):
        # The whole proof: multipliers of known relations, and what is left over, which is seen to be
        # nonnegative.
        uses = [f"{known[name]} by {bare(m)}" for name, m in step.get("use", {}).items()]
        line = "Multiply " + ", ".join(uses) + " and add. " if uses else ""
        rest = " + ".join(map(bare, step.get("terms", [])))
        line += (
            f"{'What remains' if uses else 'The difference of both sides'} is {rest} >= 0. " if rest else ""
        )
        line += "" if line else "Multiply out: both sides are the same. "
        yield f"Step {k}. {line}Hence {bare(step['show'])}."
        # A fact that an earlier step showed is cited by the number of the first.
        known.setdefault(step["show"], f"(step {k})")


def over_a_run(run: Json, maths: Mathematics | None = None, style: Style | None = None) -> str:
    """What a statement about one step says of many.

    run: its potential, where the state goes, rate, gain and noise. maths, style: both for mathematics, none for text.
    """
    moves, potential, claim = (
        [f"{k} -> {bare(v)}" for k, v in run["next"].items()],
        bare(run["potential"]),
        over_steps(run),
    )
    if maths and style:
        moves = [style.formula(rf"{maths(k)} \to {maths(v)}") for k, v in run["next"].items()]
        potential, claim = style.formula(maths(run["potential"])), style.formula(_over_steps(run, maths))
    v = style.formula("V_t") if style else "V_t"
    return (
        f"Over a run, whose steps are {', '.join(moves)}: with {v} = {potential} at step t, "
        f"the claim of one step holds at every step and gives {claim} after k of them."
    )


def _over_steps(run: Json, maths: Mathematics) -> str:
    """The same as mathematics."""
    rate, gain, noise = (maths(run[key]) for key in ("rate", "gain", "noise"))
    # Rate 1 telescopes: no geometric weights are written.
    one = rate == "1"
    weight = "" if one else rf"\left({rate}\right)^{{k-1-t}}"
    gains = "" if gain == "0" else rf" + \sum_{{t<k}} {weight} \left({gain}\right)_t"
    power = "" if one else rf"\left({rate}\right)^k"
    times = "k" if one else rf"\sum_{{t<k}} \left({rate}\right)^t"
    return rf"V_k{gains} \le {power} V_0" + ("" if noise == "0" else rf" + \left({noise}\right) {times}")


def proof_text(parts: Sequence[Part], told: Told = NOBODY) -> str:
    """A whole proof: what its author says, the letters of each part, its statement and its steps.

    parts: as stored; told: the author's words, none by default. Lines of prose are wrapped, those of formulas are
    not.
    """
    out = [f"{name}: {text}" for name, text in told.fields()]
    blocks = ["\n".join("\n  ".join(wrap(line, 98)) for line in out)] if out else []
    for part in parts:
        rows = legend(part["statement"], told.symbols)
        width = max((len(name) for name, _ in rows), default=0)
        letters = [f"  {name:{width}}  {meaning}" for name, meaning in rows]
        blocks.append("\n".join(["Letters:", *letters] if letters else []))
        blocks.append(as_text(part["statement"], part["certificate"]))
    return "\n\n".join(b for b in blocks if b)


# ---- LaTeX --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Style:
    """How sentences and formulas are set.

    words: a sentence with its signs; formula: a formula in LaTeX as it stands in a line of text.
    """

    words: Callable[[str], str]
    formula: Callable[[str], str]


LATEX = Style(in_latex, lambda text: f"${text}$")


def proof_latex(parts: Sequence[Part], told: Told = NOBODY) -> str:
    """The same in LaTeX: paragraphs, and every formula as mathematics."""
    blocks = [rf"\paragraph{{{name}}} {in_latex(text)}" for name, text in told.fields()]
    blocks += ["\n".join(_latex_part(part, told)) for part in parts]
    return "\n\n".join(blocks)


def as_latex(statement: Json, certificate: Json) -> str:
    """One part in LaTeX."""
    return "\n".join(_latex_part({"statement": statement, "certificate": certificate}, NOBODY))


def _latex_part(part: Part, told: Told) -> Iterator[str]:
    """Statement and proof of one part, line by line."""
    statement, maths = part["statement"], Mathematics(part["statement"])
    name, title = (in_latex(statement.get(k, "")) for k in ("name", "title"))
    yield rf"\paragraph{{Theorem {name}.}} {title}".rstrip()
    yield from (rf"{sign}: {meaning}.\\" for sign, meaning in letters(statement, told, maths, LATEX))
    if statement.get("domain"):
        yield "Let " + ", ".join(f"${maths(t)}$" for t in statement["domain"]) + "."
    for name, formula, meaning in hypotheses(statement, maths, LATEX):
        yield f"({name}) {formula} ({meaning})."
    yield "Then " + " and ".join(f"${maths(c)}$" for c in statement["claim"]) + "."
    for step in steps(part, maths, LATEX):
        line = "Add " + ", ".join(f"{m} times {what}" for what, m in step.used) + ". " if step.used else ""
        line += f"What remains is ${step.rest}$. " if step.terms else ""
        yield line + ("Hence the claim." if step.final else f"Hence ${step.shown}$.")
    if "run" in statement:
        yield over_a_run(statement["run"], maths, LATEX)


# ---- pieces that pages use, too -------------------------------------------------------------------------------------


def letters(statement: Json, told: Told, maths: Mathematics, style: Style) -> Iterator[tuple[str, str]]:
    """(sign, meaning) of a statement's notation and letters."""
    say = _put_in(maths, style)
    yield from ((style.formula(sign), style.words(meaning)) for sign, meaning in maths.notation())
    added = sums(statement, r"\sum_{} e", "")
    yield from ((style.formula(sign), style.words(meaning)) for sign, meaning in added if sign)
    yield from ((say(name), text) for name, text in legend(statement, told.symbols, say, style.words, False))


def _put_in(maths: Mathematics, style: Style) -> Callable[[str], str]:
    """A text of the language as a formula of this style."""
    return lambda text: style.formula(maths(text))


def hypotheses(statement: Json, maths: Mathematics, style: Style) -> Iterator[tuple[str, str, str]]:
    """(name, inequality, meaning) of what is assumed."""
    for name, text in statement.get("given", {}).items():
        meaning = style.words(MEANING[text.split("(")[0]] + at_all(statement, text))
        yield style.words(name), style.formula(maths.hypothesis(text)), meaning


@dataclass(frozen=True)
class Step:
    """One step as mathematics: (what is used, its multiplier), terms that remain, what is shown; final: the claim.

    A fact is shown where its slack is the sum of used slacks times multipliers, plus terms that are not negative.
    """

    used: list[tuple[str, str]]
    terms: list[str]
    shown: str
    final: bool

    @property
    def rest(self) -> str:
        """The terms as a sum that is not negative."""
        return (" + ".join(self.terms) + r" \ge 0").replace("+ -", "- ")


def steps(part: Part, maths: Mathematics, style: Style) -> Iterator[Step]:
    """The steps; a relation that is used goes by its name, by the step that showed it, or by itself.

    Each yields what is multiplied by what, which terms are left, and what follows.
    """
    statement, say = part["statement"], _put_in(maths, style)
    known = {name: f"({style.words(name)})" for name in statement.get("given", {})}
    known |= {text: say(text) for text in statement.get("domain", [])}
    for k, step in enumerate(part["certificate"]["steps"], start=1):
        used = [(known[name], style.formula(maths(m))) for name, m in step.get("use", {}).items()]
        final = step["show"] in statement["claim"] and len(statement["claim"]) == 1
        yield Step(used, [maths(t) for t in step.get("terms", [])], maths.relation(step["show"]), final)
        known.setdefault(step["show"], f"step {k}")
