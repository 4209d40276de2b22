"""A paper's appendix: statement, assumptions, proof or evidence, witness, hashes, the command. It compiles as it is.

What stands under "Proof" was checked by this package in the process that writes it; anything else is called a claim.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from hashlib import sha256
from pathlib import Path

from compth._types import Json
from compth.certificates import SEVERITY, Certificate, Report, Verdict
from compth.reporting.certification import LADDER, arithmetic_line, by_hand, found_at_most
from compth.reporting.files import MARK, provenance
from compth.reporting.formulas import symbol
from compth.reporting.latex_text import code, number, plain, prose
from compth.reporting.rate_claims import claimed, is_of_rates, places, witness_lines
from compth.reporting.statements import INEQUALITY, read
from compth.text.counts import counted
from compth.worst_case.run_in_words import ROUND, START

HEAD = rf"""% {MARK}
% Compile this file as it stands, or \input it: it needs amsmath and amssymb.
\expandafter\ifx\csname @nodocument\endcsname\relax
  \let\compthend\relax
\else
  \documentclass{{article}}
  \usepackage{{amsmath,amssymb}}
  \begin{{document}}
  \def\compthend{{\end{{document}}}}
\fi
\begingroup\sloppy\raggedright
"""
TAIL = "\\par\\endgroup\n\\compthend\n"
MOST = 400
"""Lines of one list: what is beyond is counted, the hashed JSON has it."""


@dataclass(frozen=True)
class Section:
    """A heading, and its paragraphs and lists of LaTeX: a paragraph is a text, a list a sequence of them."""

    title: str
    body: Sequence[str | Sequence[str]]


def document(title: str, sections: Sequence[Section]) -> str:
    """A file that compiles by itself and can be \\input; sections without a body are left out.

    HEAD makes it a document of its own unless it is input into one.
    """
    # Unnumbered sections: the file may be input into a paper that has its own numbers.
    parts = [rf"\section*{{{plain(title)}}}"]
    for s in sections:
        if s.body:
            parts += [rf"\subsection*{{{plain(s.title)}}}", *map(_block, s.body)]
    return HEAD + "\n\n".join(parts) + "\n\n" + TAIL


def _block(block: str | Sequence[str]) -> str:
    """A paragraph, or a list of at most MOST lines."""
    if isinstance(block, str):
        return block
    shown = [rf"\item[$\bullet$] {line}" for line in block[:MOST]]
    more = (
        [rf"\item[$\bullet$] and {len(block) - MOST} more, which the JSON has"] if len(block) > MOST else []
    )
    return "\n".join([r"\begin{itemize}", *shown, *more, r"\end{itemize}"])


def reproduction(
    command: str, data: str, files: Sequence[str | Path] = (), more: Sequence[str] = ()
) -> Section:
    """The command, versions, and SHA-256 of the files that were judged and of what was found (`data`, as --json).

    files: those that are still there are hashed, by content. The hash of `data` is of `timeless(data)`.
    """
    # Timings differ from run to run: the hash is of everything else.
    printed = f"{code('--json')} prints it, without its lines of {code('seconds')}"
    hashes = [f"{code(Path(f).name)}: {_hash(Path(f).read_bytes())}" for f in files if Path(f).is_file()]
    found = f"the report, as {printed}: {_hash(timeless(data).encode())}"
    body: list[str | Sequence[str]] = [f"Command: {code(command)}."] if command else []
    body += [f"Made by {plain(provenance())}. SHA-256 of what was judged and found:", [*hashes, found]]
    return Section("Reproduction", [*body, *more])


def timeless(data: str) -> str:
    """The lines that are the same in every run: what `grep -v '"seconds"'` leaves of a printed JSON."""
    return "".join(f"{line}\n" for line in data.splitlines() if '"seconds"' not in line)


def _hash(data: bytes) -> str:
    """SHA-256 in the typewriter font."""
    return code(sha256(data).hexdigest())


def appendix(report: Report, command: str = "", files: Sequence[str | Path] = ()) -> str:
    """Of a report of `check` or `refute`. files: what was judged, to be hashed.

    command: as it was typed, so that a reader can repeat it.

    A report that was read from a file is called somebody's word before anything else, and nothing in it a proof.
    """
    rates = is_of_rates(report)
    # Refutations first: a reader of the appendix must not have to look for what failed.
    ordered = sorted(report.certificates, key=lambda c: -SEVERITY[c.verdict])
    word = [plain("The following is somebody's word: this report was read from a file, typed or changed.")]
    held = report.verdict
    said = rf"Verdict: \textbf{{{held.value}}} ({plain(LADDER[held])})."
    statement = _rate_statement(report) if rates else [_claim(c) for c in ordered]
    script = report.info.get("reproduction", "")
    again = [f"The reproduction script has the SHA-256 {_hash(script.encode())}."] if script else []
    title = f"{'Rate of' if rates else 'Constants of'} {report.subject}"
    return document(
        title,
        [
            Section("Statement", [*(word if report.stored else []), *statement, said]),
            Section("Assumptions", _assumptions(report)),
            Section(
                "Proof and evidence", [line for c in ordered for line in _evidence(c, not report.stored)]
            ),
            Section("Witness", [line for c in ordered for line in _witness(c, rates)]),
            reproduction(command, report.to_json(), files, [*_seeds(report), *again]),
        ],
    )


def _claim(c: Certificate) -> str:
    """A claim about a compressor: its inequality, its constants, where."""
    # The claim's text is what was judged: its inequality is set from that, not from an object that may have
    # changed.
    found = read(c.claim)
    scope = ", ".join(
        f"{plain(k)} = {number(v)}" for k, v in c.scope.items() if k != "inputs" and v is not None
    )
    where = f", {scope}, {plain(c.scope.get('inputs', 'all x'))}" if scope else ""
    if found is None:
        return f"{plain(c.claim)}{where}: {c.verdict.value}."
    kind, constants = found
    given = ", ".join(f"${symbol(k)}$ = {number(v)}" for k, v in constants.items())
    return rf"\[ {INEQUALITY[kind]} \] with {given}{where} ({plain(kind)}): {c.verdict.value}."


def _rate_statement(report: Report) -> list[str | Sequence[str]]:
    """A claimed rate in the words in which it was claimed, and every place where it was judged."""
    facts = [f"{plain(k)}: {code(v) if k != 'not given' else plain(v)}" for k, v in claimed(report)]
    listed = [f"{plain(places(c))}: {prose(c.claim)}: {c.verdict.value}" for c in report.certificates]
    return [facts, "It was judged at:", listed]


def _assumptions(report: Report) -> list[str | Sequence[str]]:
    """What the verdicts take for granted, and what was not checked."""
    # Assumptions, what was left unchecked, and the rounding that was granted:
    # all that the verdict rests on beside the statement.
    lines = dict.fromkeys(a.removeprefix("assumed: ") for c in report.certificates for a in c.assumptions)
    notes = [f"not checked: {note}" for note in report.info.get("not_checked", [])]
    used = [*lines, *notes, *arithmetic_line(report.info)]
    return [[prose(line) for line in used]] if used else ["None beyond the statement's own."]


def _evidence(c: Certificate, earned: bool) -> list[str | Sequence[str]]:
    """How it is known; of a rational certificate all its numbers. earned: the report is not somebody's word."""
    # Of rates the place is the constants; of compressors it is the claim and the dimension.
    where = (
        places(c) if "method" in c.scope else c.claim + (f" at d = {c.scope['d']}" if "d" in c.scope else "")
    )
    how = [plain(c.evidence), *([prose(c.technique)] if c.technique not in ("", c.evidence) else [])]
    said = f"{prose(where)}: {c.verdict.value}, {'; '.join(how)}."
    if c.evidence == "statistical":
        spent = f"{c.trials} samples, error level {c.alpha:g}"
        said += f" {prose('; '.join([spent, *found_at_most(c)]))}."
    proof, cells = c.details.get("proof"), c.details.get("cells")
    out: list[str | Sequence[str]] = [said]
    if isinstance(proof, Mapping):
        out += rational_proof(dict(proof), earned and c.verdict is Verdict.PROVED)
    if isinstance(cells, Mapping):
        # Laws on cells are too long for paper: their hash ties the page to the file that a checker reads.
        told = sha256(json.dumps(cells, sort_keys=True).encode())
        kind = "groups" if "groups" in cells else "cases"
        count = counted(len(cells.get(kind, ())), kind.removesuffix("s"))
        read = f"The laws on cells, in {count}, which a checker of the standard library reads"
        out.append(f"{read}, have the SHA-256 {code(told.hexdigest())}.")
    return out


def rational_proof(proof: Json, holds: bool) -> list[str | Sequence[str]]:
    """V, the rate and the multipliers of a rational certificate, and why they prove it; no proof where nobody did.

    proof: the certificate's plain values. holds: whether this package checked it in this process.
    """
    # All numbers, as fractions: with them the elimination can be repeated by anybody.
    v = [f"{code(k)} = {number(x)}" for k, x in proof.get("v", {}).items() if str(x) != "0"]
    used = [f"{code(k)} = {number(x)}" for k, x in proof.get("multipliers", {}).items() if str(x) != "0"]
    rho = number(proof.get("rho", "-"))
    listed = [
        [f"{name}: " + "; ".join(parts)]
        for name, parts in (("Coefficients of $V$", v), ("Multipliers", used))
        if parts
    ]
    # Numbers of a file that was not checked here are told as a claim, and the word proof does not stand before
    # them.
    if not holds:
        claimed = "Claimed, not proved here: nothing below was checked by this package as it stands."
        return [f"{claimed} The factor claimed is {rho}.", *listed]
    return [
        r"Proof. Let $V$ have the coefficients below and let $q_k \geq 0$ be the inequalities that smoothness, strong"
        rf" convexity and the compressor's claim give. With $\rho$ = {rho} and $\lambda_k \geq 0$ below,"
        r" $\rho V - \mathbb{E}\,V^+ - \sum_k \lambda_k\,\mathbb{E}\,q_k$ is a positive semidefinite quadratic form, by"
        r" exact elimination over the rationals; hence $\mathbb{E}\,V^+ \leq \rho V$.",
        *listed,
    ]


def _witness(c: Certificate, rates: bool) -> list[str | Sequence[str]]:
    """A counterexample with all its digits.

    Nothing for what is not refuted.
    """
    if c.verdict is not Verdict.REFUTED:
        return []
    says = c.details.get("says") or c.technique
    head = f"{prose(c.claim)}: {prose(says)}."
    if rates and isinstance(c.witness, Mapping):
        told = ("compressor", START, ROUND)  # which the lines have
        # The rounded lines are for reading, the exact numbers below them for checking.
        exact = [
            f"{plain(k)} = {number(v)}"
            for k, v in c.witness.items()
            if isinstance(v, Fraction | int | str) and k not in told
        ]
        return [head, [prose(line) for line in witness_lines(c)], "In exact numbers:", exact]
    lines = [prose(line.removeprefix("by hand: ")) for line in by_hand(c)]
    return [head, lines] if lines else [head]


def _seeds(report: Report) -> list[str]:
    """Seed, error level and budget, where there are some."""
    info = report.info
    given = [f"{k} = {info[k]}" for k in ("seed", "alpha", "budget") if info.get(k) is not None]
    return [f"Settings: {plain(', '.join(given))}."] if given else []


__all__ = ["Section", "appendix", "document", "rational_proof", "reproduction", "timeless"]
