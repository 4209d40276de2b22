"""Memory of a run: the peak resident size of a process against what was predicted, and against a gigabyte."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from benchmarks._timing import Line, line

CASES = {
    "DCGD, d = 50,000, 500 dense rows, 8 runs": ("rows", "DCGD", 50_000, 8, 1.0),
    "DIANA, d = 50,000, 500 dense rows, 8 runs": ("rows", "DIANA", 50_000, 8, 1.0),
    "DCGD, d = 10^6, 500 sparse rows, 2 runs": ("sparse", "DCGD", 10**6, 2, 1.0),
    "DIANA, d = 600, 4 workers, formed, 64 runs": ("formed", "DIANA", 600, 64, None),
    "DCGD, d = 200, 60 workers, formed, 128 runs": ("formed", "DCGD", 200, 128, None),
}
"""What is asked of `of`, and the gigabytes that the whole process may take."""
MOST, LEAST = 6.0, 1.0
"""A prediction is from above, and no more than so many times what is taken."""


def resident(key: str) -> int:
    """VmRSS or VmHWM of this process in bytes."""
    (found,) = [x for x in Path("/proc/self/status").read_text().splitlines() if x.startswith(f"{key}:")]
    return int(found.split()[1]) * 1024


def of(kind: str, name: str, d: int, runs: int) -> tuple[int, int, int]:
    """(bytes predicted, bytes that the run added to the peak, the peak), by this process: it is to be a fresh one."""
    import numpy as np

    import compth as ct
    from benchmarks import bench_rows
    from compth.simulation import driver

    if kind == "formed":
        problem = ct.problems.random_quadratic(4 if d > 200 else 60, d, 5, seed=0)
    else:
        X, y = bench_rows.sparse() if kind == "sparse" else bench_rows.data(bench_rows.ROWS, d)
        problem = ct.problems.from_rows(X, y, bench_rows.WORKERS, bench_rows.RIDGE)
        del X, y
    method = getattr(ct, name)(ct.RandK(d // 10), gamma=1e-7)
    asked: list[int] = []
    vars(driver)["require_fit"] = lambda needed, *_: asked.append(needed)
    ct.guarantee(method, problem)
    # what is imported is no part of a run
    ct.simulate(type(method)(ct.RandK(2), gamma=0.01), ct.problems.random_quadratic(2, 4, 5), 1, 1)
    whole = resident("VmHWM")
    Path("/proc/self/clear_refs").write_text("5")  # Linux: the peak is counted anew
    before = resident("VmRSS")
    ct.simulate(method, problem, 3, runs, threads=1, x0=np.zeros(d))
    peak = resident("VmHWM")
    return asked[-1], peak - before, max(whole, peak)


def measured(kind: str, name: str, d: int, runs: int) -> tuple[int, int, int]:
    """`of` in a process of its own: a peak is never forgotten."""
    call = f"of({kind!r}, {name!r}, {d}, {runs})"
    code = f"import json; from benchmarks.bench_memory import of; print(json.dumps({call}))"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    predicted, added, peak = json.loads(done.stdout)
    return predicted, added, peak


def run() -> Iterator[Line]:
    """Gigabytes where they are limited, predictions everywhere."""
    for what, (kind, name, d, runs, most) in CASES.items():
        predicted, added, peak = measured(kind, name, d, runs)
        if most is not None:
            yield line(f"{what}: gigabytes of the whole process at its peak", [peak / 1e9], most=most)
        yield line(
            f"{what}: predicted / added to the peak", [predicted / max(added, 1)], most=MOST, least=LEAST
        )
