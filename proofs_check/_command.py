"""`python -m proofs_check [ID ...] [--check] [--text] [--latex]`: run the proofs, print the table, store certificates.
`python -m proofs_check [ID ...] --coq OUT`: write the stored proofs as Coq files instead.

Without ids every proof runs and the certificates and the index of proved statements are stored."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Collection, Sequence
from pathlib import Path

import compth
from compth._interrupts import undisturbed
from compth.claims import proved_index
from compth.methods import theorems
from compth.proof import Refused
from compth.proof.printing import proof_latex, proof_text
from compth.reporting.files import write_all
from proofs_check._coverage import catalogue_objects, missing
from proofs_check._found import scripts
from proofs_check._script import Result, run
from proofs_check._told import told
from proofs_check.coq import build
from proofs_check.not_provable import REASONS
from proofs_check.recheck import attained, digests, sealed

HERE = Path(__file__).resolve().parent
CERTIFICATES = HERE / "certificates"
INDEX = Path(compth.__file__).with_name("_proved.json")


def signed(result: Result) -> bool:
    """True when some part leans on solvers: it never enters the list of proved statements."""
    return any(part.get("signed") for part in result.stored["parts"])


def row(result: Result) -> str:
    """A line of the table."""
    axioms = {text.split("(")[0] for r in result.records for text in r["hypotheses"].values()}
    technique = ", ".join(sorted({r["technique"] for r in result.records}))
    used = " ".join(sorted(axioms)) or "none"
    mark = "SIGNED" if signed(result) else "PROVED"
    return f"{result.id:24} {mark}   {technique:24} {result.seconds * 1000:7.0f} ms  {used}"


LENT = {
    "ist.interpolation": "ist.theorem1",
    "ist.interpolation_sharp": "ist.theorem1_sharp",
    "ist.neighbourhood": "ist.theorem2",
    "ist.neighbourhood_sharp": "ist.theorem2_sharp",
}
"""Theorems whose proof has another name: looked at one by one."""


def stated(proved: Collection[str]) -> list[str]:
    """The catalogue's theorems as they are now, each with its own proof: another's proves nothing of it."""
    return sorted(
        th.statement()
        for th in theorems().values()
        if th.proof in proved and th.proof == LENT.get(th.id, th.id)
    )


def store(results: Sequence[Result]) -> None:
    """Certificates and the index of proved statements."""
    texts = {f"{r.id}.json": json.dumps(r.stored, indent=1, ensure_ascii=False) + "\n" for r in results}
    index = {
        **digests(),
        "proved": {r.id: [p["statement"] for p in r.records] for r in results if not signed(r)},
        "solver_signed": {r.id: [p["statement"] for p in r.records] for r in results if signed(r)},
        "attained": {r.id: names for r in results if (names := attained(r.stored))},
        "sealed": {r.id: sealed(r.stored) for r in results},
        "stated": stated({r.id for r in results if not signed(r)}),
    }
    listed = json.dumps({**index, "index": sealed(index)}, indent=1) + "\n"
    with undisturbed():
        write_all(CERTIFICATES, {name: text.encode() for name, text in texts.items()}, force=True)
        for stale in CERTIFICATES.glob("*.json"):
            if stale.name not in texts:
                stale.unlink()
        write_all(INDEX.parent, {INDEX.name: listed.encode()}, force=True)


def report_open(known: Collection[str]) -> None:
    """What has no script: with its reason, or as missing."""
    for name, reason in REASONS.items():
        print(f"{name:24} NONE     {reason}")
    for name, complaint in missing(catalogue_objects(), known, REASONS).items():
        print(f"{name:24} MISSING  {complaint}")


def main(arguments: Sequence[str]) -> int:
    """0 when every proof asked for stands; --check stores nothing, --text and --latex print the proofs."""
    options = _options(arguments)
    try:
        known = scripts()
    except ValueError as stray:
        print(f"proofs_check: error: {stray}", file=sys.stderr)
        return 2
    unknown = [w for w in options.id if w not in known]
    if unknown:
        print(
            f"proofs_check: error: {unknown[0]!r} has no proof: choose from {', '.join(known)}",
            file=sys.stderr,
        )
        return 2
    if options.coq:
        return write_coq(options.coq, options.id)
    results, failed = [], 0
    for name in options.id or known:
        try:
            results.append(run(known[name]))
            print(row(results[-1]), flush=True)
        except Refused as refusal:
            failed += 1
            print(f"{name:24} REFUSED  {refusal}")
    for r in results:
        if options.text:
            print(proof_text(r.stored["parts"], told(r.id)))
        if options.latex:
            print(proof_latex(r.stored["parts"], told(r.id)))
    leaning = sum(map(signed, results))
    print(
        f"{len(results) - leaning} proved, {failed} refused" + (f", {leaning} solver-signed" * bool(leaning))
    )
    if not options.id:
        if not failed and not options.check:
            store(results)
            proved_index.cache_clear()
        report_open(known)
    return 1 if failed else 0


def write_coq(out: Path, theorems: Sequence[str]) -> int:
    """Coq files of the stored certificates; what has none is named with the reason."""
    outcomes = build.export(out, theorems)
    for outcome in outcomes:
        for reason in outcome.reasons:
            print(f"no Coq file for {reason}")
    written, parts = (sum(o.written for o in outcomes), sum(len(o.parts) for o in outcomes))
    print(
        f"{written} of {parts} parts written to {out}; `python -m proofs_check.coq {out}` has Coq check them"
    )
    return 0


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="proofs_check", description=__doc__)
    parser.add_argument("id", nargs="*", help="theorems (default: all)")
    parser.add_argument("--check", action="store_true", help="store nothing")
    parser.add_argument("--text", action="store_true", help="print each proof in words")
    parser.add_argument("--latex", action="store_true", help="print each proof in LaTeX")
    parser.add_argument("--coq", metavar="OUT", type=Path, help="write the stored proofs as Coq files there")
    return parser.parse_args(list(arguments))
