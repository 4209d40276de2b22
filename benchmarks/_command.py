"""`python -m benchmarks [name ...] [--out FOLDER]`: one table of ratios, median [quartiles].

--out writes results.csv, results.json, table.rst and scaling.svg for the documentation.
"""

from __future__ import annotations

import argparse
import csv
import importlib
import io
import json
import pkgutil
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import benchmarks
from benchmarks._timing import Line
from compth.errors import CompthError
from compth.reporting.files import MARK, provenance, write_all
from compth.reporting.reports import figure_bytes

HEADER = ("benchmark", "what", "ratio", "low", "high", "target", "met", "measured")
UNKNOWN = "not measured"


def names() -> list[str]:
    """Every benchmark."""
    found = [m.name for m in pkgutil.iter_modules(benchmarks.__path__)]
    return [n.removeprefix("bench_") for n in found if n.startswith("bench_")]


def measure(name: str) -> list[Line]:
    """Run one benchmark, printing its lines as they come."""
    print(f"\n{name}")
    found = []
    for row in importlib.import_module(f"benchmarks.bench_{name}").run():
        mark = "" if row.met else "  MISSED" if row.measured else f"  {UNKNOWN.upper()}"
        print(
            f"  {row.what:<62} {row.ratio:8.3g}  [{row.low:.3g}, {row.high:.3g}]  {row.target}{mark}",
            flush=True,
        )
        found.append(row)
    return found


def shown(value: float) -> str:
    """Three digits, whole numbers as they are: no powers of ten below a million."""
    return f"{value:,.0f}" if 100 <= abs(value) < 1e6 else f"{value:.3g}"


def _table(results: dict[str, list[Line]]) -> str:
    """The table as reStructuredText."""
    lines = [f".. {MARK}", ""]
    for name, rows in results.items():
        lines += [name, "-" * len(name), ""]
        if name == "scaling":
            lines += [
                ".. image:: /benchmarks/scaling.svg",
                "   :alt: seconds against n, d, runs, steps and what else is counted, on logarithmic axes",
                "",
            ]
        lines += [".. list-table::", "   :header-rows: 1", "   :widths: 60 12 18 10", ""]
        cells = [("what", "median", "quartiles", "target")]
        cells += [
            (
                r.what,
                shown(r.ratio) if r.measured else UNKNOWN,
                f"{shown(r.low)} to {shown(r.high)}" if r.low < r.high else "",
                r.target + (" (missed)" if r.measured and not r.met else ""),
            )
            for r in rows
        ]
        for row in cells:
            lines += [f"   {'* -' if i == 0 else '  -'} {cell}".rstrip() for i, cell in enumerate(row)]
        lines.append("")
    return "\n".join([*lines, f"Measured with {provenance()}, on two shared cores, one thread.", ""])


def contents(results: dict[str, list[Line]]) -> dict[str, bytes]:
    """The files for the documentation."""
    rows = [{"benchmark": name, **asdict(row)} for name, lines in results.items() for row in lines]
    text = io.StringIO()
    text.write(f"# {MARK}, {provenance()}\n")
    writer = csv.DictWriter(text, HEADER, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    stored = {"generator": MARK, "provenance": provenance(), "rows": rows}
    files = {"results.csv": text.getvalue(), "table.rst": _table(results)}
    if "scaling" in results:
        scaling = importlib.import_module("benchmarks.bench_scaling")
        stored["scaling"] = scaling.DATA
        svg = {"scaling.svg": figure_bytes(scaling.draw(scaling.DATA), "svg")}
    else:
        svg = {}
    files["results.json"] = json.dumps(stored, indent=1) + "\n"
    return {k: v.encode() for k, v in files.items()} | svg


def main(arguments: Sequence[str]) -> int:
    """Run the named benchmarks (all by default); 0 whether or not targets are met: machines are noisy."""
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument("name", nargs="*", help="benchmarks (default: all)")
    parser.add_argument("--out", type=Path, help="folder for the table, the data and the drawing")
    options = parser.parse_args(list(arguments))
    unknown = sorted(set(options.name) - set(names()))
    if unknown:
        return _complain(f"{unknown[0]!r} is not known: choose from {', '.join(names())}")
    try:
        if options.out is not None:
            write_all(options.out, {})  # a folder that cannot be written is said before the work
        results = {name: measure(name) for name in options.name or names()}
        rows = [row for found in results.values() for row in found]
        missed, lost = sum(r.measured and not r.met for r in rows), sum(not r.measured for r in rows)
        print(f"\n{provenance()}; {missed} target(s) missed, {lost} {UNKNOWN}")
        if options.out is not None:
            print(", ".join(str(p) for p in write_all(options.out, contents(results))))
    except CompthError as problem:
        return _complain(str(problem))
    return 0


def _complain(message: str) -> int:
    print(f"benchmarks: error: {message}", file=sys.stderr)
    return 2
