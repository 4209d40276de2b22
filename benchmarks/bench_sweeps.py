"""What a sweep adds to a task, many small tasks, two drivers on one store, and a second worker."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from threadpoolctl import threadpool_limits

import compth as ct
from benchmarks._timing import Line, line
from compth.methods import plan_of
from compth.simulation.driver import simulate_planned

SIZES = (40, 200)
"""Tasks of two sweeps: their difference holds no start-up."""
ROUNDS = 3
FEW, MANY, SHARED = 500, 5000, 500
"""Small tasks whose cost is compared, a task each; tasks of the sweeps that drivers and workers share."""
METHOD, STEPS, RUNS = "DIANA(RandK(k=2))", 100, 16


def sweep(tasks: int, seed: int) -> float:
    """Processor seconds of a sweep over so many seeds, in this process."""
    grid = {
        "methods": [METHOD],
        "problems": [{"random": True, "n": 4, "d": 8, "kappa": 10}],
        "seeds": list(range(seed, seed + tasks)),
        "steps": STEPS,
        "runs": RUNS,
    }
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(1) as pool:
        start = time.process_time()
        ct.sweep(grid, pool, Path(folder) / "s.sqlite", workers=1)
        return time.process_time() - start


def small(tasks: int) -> float:
    """Processor seconds a task of a sweep of tasks that are hardly more than their row."""
    grid = {
        "methods": ["GD(gamma=0.1)"],
        "problems": [{"random": True, "n": 2, "d": 2, "kappa": 2}],
        "seeds": list(range(tasks)),
        "steps": 1,
        "runs": 1,
    }
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(1) as pool:
        start = time.process_time()
        ct.sweep(grid, pool, Path(folder) / "s.sqlite", workers=1)
        return (time.process_time() - start) / tasks


def together(tasks: int, drivers: int, workers: int) -> float:
    """Wall seconds until all drivers, a process each with its own workers, have all rows of one grid in one store."""
    with tempfile.TemporaryDirectory() as folder:
        grid = {
            "methods": [METHOD],
            "problems": [{"random": True, "n": 4, "d": 8, "kappa": 10}],
            "seeds": list(range(tasks)),
            "steps": STEPS,
            "runs": RUNS,
        }
        call = f"ct.sweep({grid!r}, store='s.sqlite', workers={workers})"
        code = f"import compth as ct\nif __name__ == '__main__':\n    {call}\n"
        (Path(folder) / "driver.py").write_text(code)
        start = time.perf_counter()
        running = [subprocess.Popen([sys.executable, "driver.py"], cwd=folder) for _ in range(drivers)]
        if any(process.wait() for process in running):
            raise AssertionError("a driver ended with an error")
        return time.perf_counter() - start


def shared() -> dict[str, float]:
    """One driver with one worker over two of them, and over one with two workers; the start is taken off."""

    def spent(drivers: int, workers: int) -> float:
        return together(SHARED, drivers, workers) - together(SHARED // 50, drivers, workers)

    one = spent(1, 1)
    return {"drivers": one / spent(2, 1), "workers": one / spent(1, 2)}


def simulated(tasks: int) -> float:
    """Processor seconds of the same runs, with their step known."""
    problem = ct.problems.random_quadratic(n=4, d=8, kappa=10)
    method = ct.DIANA(ct.RandK(k=2))
    plan, found, _ = plan_of(method, problem, horizon=STEPS)
    assert found is not None
    start = time.process_time()
    for seed in range(tasks):
        simulate_planned(method, problem, plan, found.theorem, STEPS, RUNS, seed)
    return time.process_time() - start


def per_task() -> tuple[list[float], list[float]]:
    """Seconds of an extra task in a sweep, and of its simulation, round by round."""
    extra, bare = [], []
    simulated(4)
    sweep(4, 0)
    few, many = SIZES
    for i in range(ROUNDS):
        extra.append((sweep(many, 1000 * i) - sweep(few, 1000 * i + 500)) / (many - few))
        bare.append(simulated(many - few) / (many - few))
    return extra, bare


def run() -> Iterator[Line]:
    """The ratio, and the milliseconds that a sweep adds."""
    with threadpool_limits(1):
        extra, bare = per_task()
    yield line(
        "an extra task of a sweep over its simulation",
        [e / b for e, b in zip(extra, bare, strict=True)],
        most=1.2,
    )
    added = [1e3 * (e - b) for e, b in zip(extra, bare, strict=True)]
    yield line("milliseconds that a sweep adds to a task", added, most=2.0)
    with threadpool_limits(1):
        few = small(FEW)
        yield line(f"small tasks: one of {MANY:,} / one of {FEW:,}", [small(MANY) / few], most=1.2)
    yield line("milliseconds of a small task", [1e3 * few], most=2.0)
    found = shared()
    yield line("one store: one driver / two drivers at once, seconds", [found["drivers"]], least=1.4)
    yield line("a sweep: one worker / two workers, seconds", [found["workers"]], least=1.4)
