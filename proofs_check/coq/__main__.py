"""`python -m proofs_check.coq OUT [ID ...] [--jobs N] [--record]`: export, compile, coqchk, table, record."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from .build import RECORD, Outcome, Unsound, check_all, coq_version, coqchk, export, record
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
        outcomes = export(options.out, options.id)
    except (Unsound, FileNotFoundError) as objection:
        print(f"proofs_check.coq: error: {objection}", file=sys.stderr)
        return 2 if isinstance(objection, FileNotFoundError) else 1
    if not coq_version():
        print(MISSING, file=sys.stderr)
        return 2
    try:
        done = check_all(options.out, outcomes, options.jobs, lambda o: print(row(o), flush=True))
    except Unsound as objection:
        print(f"proofs_check.coq: error: {objection}", file=sys.stderr)
        return 1
    left = [o for o in outcomes if not o.written]
    for outcome in left:
        print(row(outcome))
    objection = coqchk(options.out, [identifier(o.theorem) for o in done if not o.error])
    failed = [o for o in done if o.error]
    print(_summary(outcomes, failed, objection))
    if options.record and not (failed or objection or options.id):
        RECORD.write_text(json.dumps(record(outcomes), indent=1) + "\n", encoding="utf-8")
    return 1 if failed or objection else 0


def _summary(outcomes: Sequence[Outcome], failed: Sequence[Outcome], objection: str) -> str:
    parts = sum(len(o.parts) for o in outcomes)
    checked = sum(o.written for o in outcomes if not o.error)
    whole = sum(o.whole for o in outcomes)
    return (
        f"{checked} of {parts} parts, {whole} of {len(outcomes)} theorems whole, checked by Coq {coq_version()}; "
        f"{len(failed)} refused; coqchk: {objection or 'agrees'}"
    )


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="proofs_check.coq", description=__doc__)
    parser.add_argument("out", type=Path, help="the folder for the files")
    parser.add_argument("id", nargs="*", help="theorems (default: all)")
    parser.add_argument(
        "--record", action="store_true", help="store what a whole run found, for pages and reports"
    )
    parser.add_argument("--jobs", type=int, default=2, help="how many files at a time")
    return parser.parse_args(list(arguments))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
