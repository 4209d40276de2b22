"""`python -m benchmarks [name ...]`: one table of ratios, median [quartiles]."""

from __future__ import annotations

import importlib
import pkgutil
import sys

import benchmarks
from compth._files import provenance


def main(wanted: list[str]) -> None:
    """Run the named benchmarks (all by default)."""
    found = [m.name for m in pkgutil.iter_modules(benchmarks.__path__) if m.name.startswith("bench_")]
    missed = 0
    for name in found:
        if wanted and name.removeprefix("bench_") not in wanted:
            continue
        print(f"\n{name.removeprefix('bench_')}")
        for row in importlib.import_module(f"benchmarks.{name}").run():
            mark = "" if row.met else "  MISSED"
            missed += not row.met
            print(
                f"  {row.what:<52} {row.ratio:8.3g}  [{row.low:.3g}, {row.high:.3g}]  {row.target}{mark}",
                flush=True,
            )
    print(f"\n{provenance()}; {missed} target(s) missed")


if __name__ == "__main__":
    main(sys.argv[1:])
