"""What a sweep adds to a task: an extra one on one worker, over the simulation that it is."""

from __future__ import annotations

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
