"""Exact rates: operator applications, and one application as a ratio to one batched product of the same size."""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Iterator
from typing import Any

import numpy as np

import compth as ct
from benchmarks._timing import Line, line, ratios, times
from compth.compressors.rand_k import RandK
from compth.dynamics import best_step, exact, exact_rate
from compth.dynamics.radii import Search
from compth.dynamics.system import data_of
from compth.dynamics.trajectory import make_system
from compth.methods import plan_of
from compth.methods.dcgd import DCGD
from compth.methods.diana import DIANA
from compth.problems import random_quadratic
from compth.simulation import simulate


def best_of(function: Any, repeats: int = 3) -> float:
    """Least wall time of a few calls."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return min(times)


def measure(kind: Any, d: int, kappa: float, n: int = 10) -> dict[str, float]:
    """Applications of one exact rate; one application and the whole rate over one (n, d, d) batched product."""
    problem = random_quadratic(n, d, kappa, seed=1)
    method = kind(RandK(max(1, d // 10)))
    gemm = best_of(lambda: np.matmul(problem.A, problem.A))
    start = time.perf_counter()
    rate = exact_rate(method, problem)
    spent = time.perf_counter() - start
    plan, _, _ = plan_of(method, problem)
    system = make_system(method, data_of(problem), plan.gamma, plan.params, affine=False)
    packing = Search(system).packing
    v = packing.pack(system.interior())
    return {
        "applications": rate.applications,
        "converged": rate.converged,
        "ratio": best_of(lambda: packing.apply(v)) / gemm,
        "whole": spent / gemm,
        "seconds": spent,
    }


RUNS: tuple[tuple[Any, int, float], ...] = (
    (DCGD, 50, 1e2),
    (DCGD, 200, 1e2),
    (DCGD, 200, 1e5),
    (DCGD, 500, 1e2),
    (DIANA, 20, 1e2),
    (DIANA, 100, 1e2),
    (DIANA, 20, 1e5),
)
"""What is measured by default; `python -m benchmarks.bench_dynamics 1000` adds DCGD at d = 1000 with its memory."""
MOST = 300
"""Operator applications that an ill-conditioned rate may take."""


def curve_ratio(d: int = 20, steps: int = 60, accuracy: float = 1e-3) -> float:
    """Cost of a simulation of this relative accuracy at every round over the cost of the exact curve."""
    problem = random_quadratic(10, d, 20.0, seed=1)
    method = DCGD(RandK(2), 0.2)
    exact(method, problem, steps)
    curve = best_of(lambda: exact(method, problem, steps))
    runs = 2000
    start = time.perf_counter()
    trace = simulate(method, problem, steps, runs, seed=1, threads=1)
    spent = time.perf_counter() - start
    needed = float(((trace.se_square / trace.mean_square / accuracy) ** 2).max()) * runs
    return spent * needed / runs / curve


def search_ratios(d: int = 64) -> tuple[float, float]:
    """(one application of DIANA's operator / one batched product, a best step / an exact rate)."""
    problem, method = random_quadratic(10, d, 1e2, seed=1), DIANA(RandK(max(1, d // 10)))
    found = measure(DIANA, d, 1e2)
    start = time.perf_counter()
    exact_rate(method, problem)
    middle = time.perf_counter()
    best_step(method, problem)
    return found["ratio"], (time.perf_counter() - middle) / (middle - start)


def beyond() -> Iterator[Line]:
    """Exact rates where d is too large for second moments: few rows, and the limit of many dimensions."""
    rng = np.random.default_rng(0)
    some = ct.compressors.Sampled(ct.Identity(), ct.IndependentSampling((0.5,) * 4))
    method = DCGD(some, gamma=1e-7)
    rows = {d: (rng.standard_normal((40, d)), rng.standard_normal(40)) for d in (50, 50_000)}
    held = {d: ct.problems.from_rows(x, y, 4, 0.01) for d, (x, y) in rows.items()}
    work = {str(d): lambda p=p: exact_rate(method, p) for d, p in held.items()}
    yield line(
        "DCGD, 40 rows: exact rate at d = 50,000 / at d = 50", ratios(work, "50", rounds=3)["50000"], most=2
    )
    one = random_quadratic(1, 200, 10, seed=0)
    sketched = DCGD(RandK(50), gamma=0.15 / one.L)
    limit, exactly = ct.large_d_rate(sketched, one), exact_rate(sketched, one)
    yield line(
        "DCGD d=200, limit of many dimensions: its log rate / the exact one",
        [float(np.log(limit.rho) / np.log(exactly.rho))],
        most=1.001,
        least=0.999,
    )
    yield line(
        "the same: how far it is off / the error that it states",
        [abs(limit.rho - exactly.rho) / limit.error],
        most=1,
    )
    work = {
        str(d): lambda d=d: ct.large_d_rate(
            DCGD(RandK(d // 10), gamma=0.1), ct.MarchenkoPastur(0.5, 0.01), d=d
        )
        for d in (10**4, 10**6)
    }
    yield line(
        "limit of many dimensions: a rate at d = 10^6 / at d = 10^4",
        ratios(work, "10000", 3)["1000000"],
        most=1.5,
    )


def run() -> Iterator[Line]:
    """Lines for `python -m benchmarks`."""
    for kind, d, kappa in RUNS:
        name, found = f"{kind.__name__} d={d} kappa={kappa:g}", measure(kind, d, kappa)
        most = MOST if kappa >= 1e5 else None
        yield line(f"{name}: operator applications for the rate", [found["applications"]], most=most)
        yield line(f"{name}: one application / one batched product", [found["ratio"]])
        yield line(f"{name}: the whole rate / one batched product", [found["whole"]])
        yield line(f"{name}: bracket found (1 = yes)", [found["converged"]], least=1)
    found = [search_ratios() for _ in range(3)]
    one, search = ([f[i] for f in found] for i in (0, 1))
    yield line("DIANA d=64: one application / one batched product", one, most=4)
    yield line("DIANA d=64: best step / exact rate", search, most=4)
    problem, method = random_quadratic(10, 64, 1e2, seed=1), DIANA(RandK(6))
    yield line("DIANA d=64: seconds to an exact rate", times(lambda: exact_rate(method, problem)), most=0.4)
    yield from beyond()
    yield line("DCGD d=20: simulation to 1e-3 / exact curve", [curve_ratio() for _ in range(3)], least=300)
    yield line("DCGD d=100: simulation to 1e-3 / exact curve", [curve_ratio(100)])


if __name__ == "__main__":
    for size in sys.argv[1:]:
        print({k: round(v, 3) for k, v in measure(DCGD, int(size), 1e2).items()})
        print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3:.0f} MB")
