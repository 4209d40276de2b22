"""`python -m paper_repro [key ...] [--quick] [--out FOLDER] [--fresh] [--jobs N]`: recompute the papers' claims.

`python -m paper_repro --errata [ID ...]` reruns what shows the slips in print and the defects in code.

Prints "paper says / we get / verdict", writes a page (index.html), JSON, figures; exits with 1 when a target is missed.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any

from compth._interrupts import keeps
from compth.errors import CompthError
from compth.reporting.files import MARK, provenance, write_all
from compth.sweeps.driver import without_interrupts
from paper_repro._errata import ERRATA, known
from paper_repro._page import cells, results_page
from paper_repro._papers import RESULT, Outcome, keys, paper, run_paper
from paper_repro._targets import BadTargets, counted, encode

WIDTH = 118


def main(arguments: Sequence[str]) -> int:
    """0: every target is as it should be; 1: one is not; 2: bad arguments or folder, a killed worker."""
    options = _options(arguments)
    if options.errata:
        return _errata(options.key)
    unknown = [k for k in options.key if k not in keys()]
    if unknown:
        return _complain(f"{unknown[0]!r} is not a paper: choose from {', '.join(keys())}")
    if options.jobs < 1:
        return _complain(f"jobs={options.jobs} must be at least 1")
    wanted = list(dict.fromkeys(options.key)) or keys()
    started = time.monotonic()
    keeps(lambda: _kept(wanted, options.out))
    try:
        done = {o.paper: o for o in _progress(_run(wanted, options), len(wanted))}
        outcomes = [done[k] for k in wanted]
        _show(outcomes)
        rows = [r for o in outcomes for r in o.rows]
        record: dict[str, Any] = {"generator": MARK, "provenance": provenance(), "quick": options.quick}
        record["counts"] = {v.value: n for v, n in counted(rows).items()}
        record["papers"] = [_as_json(o) for o in outcomes]
        written = results_page(outcomes, options.out, options.quick, _again(options))
        data = json.dumps(record, indent=1, ensure_ascii=False) + "\n"
        write_all(options.out, {"results.json": data.encode(), "index.html": written.encode()})
    except (BadTargets, CompthError) as problem:
        return _complain(str(problem))
    except BrokenProcessPool:
        return _complain("a worker process was killed: run again, finished papers are kept")
    bad = sum(not r.good for r in rows)
    print(
        f"\n{len(rows)} targets: {', '.join(f'{n} {v}' for v, n in counted(rows).items() if n)}; "
        f"{bad} not as they should be; {time.monotonic() - started:.0f} s; page, figures and data in {options.out}"
    )
    return 1 if bad or any(o.error for o in outcomes) else 0


def _again(options: argparse.Namespace) -> str:
    """The command that gives the same page."""
    quick = " --quick" if options.quick else ""
    return "python -m paper_repro" + "".join(f" {k}" for k in options.key) + quick


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="paper_repro", description=__doc__, exit_on_error=True)
    parser.add_argument("key", nargs="*", help="papers (default: all)")
    parser.add_argument(
        "--errata", action="store_true", help="rerun what shows the slips in print and code (or those named)"
    )
    parser.add_argument("--quick", action="store_true", help="smaller instances: at most 40 s a paper")
    parser.add_argument("--out", type=Path, default=Path("paper_repro/out"), help="page, results and figures")
    parser.add_argument("--fresh", action="store_true", help="recompute papers whose results are stored")
    parser.add_argument("--jobs", type=int, default=2, help="processes (1: this one)")
    return parser.parse_args(list(arguments))


def _errata(names: list[str]) -> int:
    """Each slip with what is promised and what is found now; 1 when one no longer stands."""
    try:
        chosen = known(names)
    except KeyError as unknown:
        return _complain(f"{unknown} is no erratum: choose from {', '.join(e.id for e in ERRATA)}")
    fallen = 0
    for e in chosen:
        shown = e.rerun()
        fallen += not shown.stands
        state = "stands" if shown.stands else "NO LONGER SHOWN"
        print(
            f"{e.id}: {state}\n  {e.source}, {e.where} ({e.version})\n  says: {e.says}\n  holds: {e.holds}\n  {shown}\n"
        )
    print(f"{len(chosen)} errata, {fallen} no longer shown")
    return 1 if fallen else 0


def _complain(message: str) -> int:
    print(f"paper_repro: error: {message}", file=sys.stderr)
    return 2


def _kept(wanted: Sequence[str], out: Path) -> str:
    """Which papers need not be run again, for whoever stops the run."""
    finished = [k for k in wanted if (out / k / RESULT).exists()]
    stored = f"{len(finished)} of {len(wanted)} papers are kept in {out}"
    return f"{stored}: run the same command to go on" if finished else ""


def _run(wanted: Sequence[str], options: argparse.Namespace) -> Iterator[Outcome]:
    """Outcomes as they finish; each is stored before it is reported, so that a killed run resumes."""
    if options.jobs == 1 or len(wanted) == 1:
        for key in wanted:
            yield run_paper(key, options.quick, options.out, options.fresh)
        return
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ.setdefault(name, "1")
    with ProcessPoolExecutor(options.jobs, mp_context=multiprocessing.get_context("spawn")) as pool:
        with without_interrupts():
            jobs = [pool.submit(run_paper, k, options.quick, options.out, options.fresh) for k in wanted]
        try:
            for job in as_completed(jobs):
                yield job.result()
        except (KeyboardInterrupt, GeneratorExit):
            for worker in multiprocessing.active_children():
                worker.terminate()
            raise


def _progress(outcomes: Iterator[Outcome], total: int) -> Iterator[Outcome]:
    for count, outcome in enumerate(outcomes, 1):
        how = "as stored" if outcome.stored else f"{outcome.seconds:.1f} s"
        missed = sum(not r.good for r in outcome.rows)
        state = f", FAILED: {outcome.error}" if outcome.error else f", {missed} MISSED" if missed else ""
        print(f"[{count}/{total}] {outcome.paper}: {how}{state}", file=sys.stderr, flush=True)
        yield outcome


def _show(outcomes: Sequence[Outcome]) -> None:
    """One table a paper, 118 columns wide, notes below."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    wide = Console(markup=False, highlight=False)
    console = wide if wide.is_terminal else Console(markup=False, highlight=False, width=WIDTH)
    for outcome in outcomes:
        source = paper(outcome.paper).SOURCE
        console.print(f"\n{outcome.paper}: {source}, {source.title}")
        table = Table(box=SIMPLE_HEAD, pad_edge=False)
        table.add_column("where", max_width=18, overflow="fold")
        table.add_column("quantity", overflow="fold", ratio=1)
        for name in ("paper says", "we get"):
            table.add_column(name, justify="right", max_width=20, overflow="fold")
        table.add_column("standing", max_width=8)
        table.add_column("verdict", no_wrap=True)
        notes: dict[str, int] = {}
        for row in outcome.rows:
            table.add_row(*(_cell(c) for c in cells(row, notes)))
        console.print(table)
        for note, number in notes.items():
            console.print(f"({number}) {note}")
    console.print("\n[...]: not a number of the paper: recalled, or derived here from its formulas.")
    console.print(
        "REPRODUCED: read in the paper or its code and recomputed. TRANSCRIBED: a formula of it against its own value."
    )


def _cell(text: str) -> Any:
    from rich.text import Text

    return Text(text)


def _as_json(outcome: Outcome) -> dict[str, Any]:
    rows = [
        {
            "id": r.target.id,
            "where": r.target.where,
            "quantity": r.target.quantity,
            "value": encode(r.target.value),
            "sense": r.target.sense,
            "absolute": r.target.absolute,
            "relative": r.target.relative,
            "why": r.target.why,
            "standing": r.target.standing.value,
            "transcribed": r.target.transcribed,
            "expected": encode(r.target.ours),
            "ours": encode(r.ours),
            "verdict": r.verdict.value,
            "good": r.good,
            "note": r.note,
        }
        for r in outcome.rows
    ]
    return {
        "paper": outcome.paper,
        "seconds": round(outcome.seconds, 2),
        "error": outcome.error,
        "targets": rows,
    }
