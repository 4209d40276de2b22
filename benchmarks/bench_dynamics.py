"""Exact rates: operator applications, and one application as a ratio to one batched product of the same size."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import numpy as np

from benchmarks._timing import Line, line
from compth.compressors.rand_k import RandK
from compth.dynamics import exact_rate
from compth.dynamics.spectrum import Packing
from compth.dynamics.system import data_of
from compth.dynamics.trajectory import make_system
from compth.methods.dcgd import DCGD
from compth.methods.diana import DIANA
from compth.problems import random_quadratic


def best_of(function: Any, repeats: int = 3) -> float:
    """Least wall time of a few calls."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return min(times)


def measure(kind: Any, d: int, n: int = 10) -> dict[str, float]:
    """Applications of one exact rate and the cost of one application over one (n, d, d) batched product."""
    problem = random_quadratic(n, d, 100.0, seed=1)
    method = kind(RandK(max(1, d // 10)), 0.2)
    params = {"alpha": 0.1} if kind is DIANA else {}
    system = make_system(method, data_of(problem), 0.2, params, affine=False)
    packing = Packing(system)
    v = packing.pack(system.interior())
    gemm = best_of(lambda: np.matmul(problem.A, problem.A))
    rate = exact_rate(method, problem)
    return {
        "applications": rate.applications,
        "converged": rate.converged,
        "ratio": best_of(lambda: packing.apply(v)) / gemm,
    }


RUNS = ((DCGD, 50), (DIANA, 20), (DCGD, 200))
"""What is measured by default."""


def results() -> dict[str, dict[str, float]]:
    """Every default measurement by name."""
    return {f"{kind.__name__} d={d}": measure(kind, d) for kind, d in RUNS}


def run() -> Iterator[Line]:
    """Lines for `python -m benchmarks`."""
    for name, found in results().items():
        yield line(f"{name}: operator applications for the exact rate", [found["applications"]])
        yield line(f"{name}: one application / one batched product", [found["ratio"]])
