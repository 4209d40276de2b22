"""`python -m proofs_check.coq OUT [ID ...]`: export, have Coq and coqchk check, table, record (see --help)."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from .audit import Unsound
from .build import (
    LIBRARY,
    RECORD,
    Outcome,
    check_all,
    check_controls,
    coq_version,
    coqchk,
    export,
    record,
    share_of,
    trusted_index,
)
from .written import identifier

MISSING = (
    "proofs_check.coq: there is no coqc on the path: install Debian's package coq, or run `make coq` as root"
)


def row(outcome: Outcome) -> str:
    """A line of the table: theorem, our kernel's word, Coq's, what is assumed, seconds."""
    total = len(outcome.parts)
    if outcome.error:
        mark = "REFUSED"
    elif not outcome.written:
        mark = "NOT YET"
    else:
        mark = "CHECKED" if outcome.whole else "IN PART"
    axioms = f"{len(outcome.axioms)} axioms of Coq's reals" if outcome.axioms else "nothing was checked"
    line = (
        f"{outcome.theorem:26} PROVED  {mark} {outcome.written}/{total}  {axioms:28} {outcome.seconds:6.1f} s"
    )
    return "\n".join([line, *(f"    {r}" for r in [*outcome.reasons, *outcome.error.splitlines()[:8]])])


def main(arguments: Sequence[str]) -> int:
    """0 when Coq accepts everything that was exported, 1 when not, 2 without Coq or with an unknown theorem."""
    options = _options(arguments)
    try:
        theorems = share_of(options.share) if options.share else options.id
        outcomes = export(options.out, theorems)
        if not coq_version():
            print(MISSING, file=sys.stderr)
            return 2
        return _judged(options, theorems, outcomes)
    except FileNotFoundError as objection:
        print(f"proofs_check.coq: error: no certificate {objection.filename}", file=sys.stderr)
        return 2
    except Unsound as objection:
        print(f"proofs_check.coq: error: {objection}", file=sys.stderr)
        return 1


def _judged(options: argparse.Namespace, theorems: Sequence[str], outcomes: Sequence[Outcome]) -> int:
    """Compiles, prints, has coqchk look, sees false versions refused, keeps the record."""
    done = check_all(options.out, outcomes, options.jobs, lambda o: print(row(o), flush=True))
    for outcome in (o for o in outcomes if not o.written):
        print(row(outcome))
    if options.controls or options.all_controls:
        names = sorted(trusted_index()["proved"]) if options.all_controls else [o.theorem for o in outcomes]
        refused, unwritten = check_controls(options.out, names, options.jobs)
        print("\n".join(f"not written: {place}" for place in unwritten))
        print(f"{refused} false versions refused by Coq's checker, {len(unwritten)} not written")
    names = [
        *(name.removesuffix(".v") for name in LIBRARY),
        *(identifier(o.theorem) for o in done if not o.error),
    ]
    objection = "" if options.no_coqchk else coqchk(options.out, names)
    failed = [o for o in done if o.error]
    print(_summary(outcomes, failed, objection or ("not run" if options.no_coqchk else "agrees")))
    if options.record and not (failed or objection):
        found = record(outcomes, "not run" if options.no_coqchk else "agrees")
        RECORD.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    return 1 if failed or objection else 0


def _summary(outcomes: Sequence[Outcome], failed: Sequence[Outcome], checker: str) -> str:
    parts = sum(len(o.parts) for o in outcomes)
    checked = sum(o.written for o in outcomes if not o.error)
    whole = sum(o.whole for o in outcomes)
    return (
        f"{checked} of {parts} parts, {whole} of {len(outcomes)} theorems whole, checked by Coq {coq_version()}; "
        f"{len(failed)} refused; coqchk: {checker}"
    )


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="proofs_check.coq", description=__doc__)
    parser.add_argument("out", type=Path, help="the folder for the files")
    parser.add_argument("id", nargs="*", help="theorems (default: all)")
    parser.add_argument(
        "--record", action="store_true", help="store what the run found, for pages and reports"
    )
    parser.add_argument("--share", metavar="K/N", help="every N-th theorem from the K-th on, instead of ids")
    parser.add_argument(
        "--controls", action="store_true", help="also see Coq's checker refuse false versions"
    )
    parser.add_argument(
        "--all-controls", action="store_true", help="the same of every theorem, whatever the ids"
    )
    parser.add_argument("--no-coqchk", action="store_true", help="leave coqchk out; the record says so")
    parser.add_argument("--jobs", type=int, default=2, help="how many files at a time")
    return parser.parse_args(list(arguments))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
