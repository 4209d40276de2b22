"""What engine fast carries of the catalogue, and single precision against double."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from threadpoolctl import threadpool_limits

import compth as ct
from benchmarks._timing import Line, line, ratios
from compth.compressors import Independent
from compth.compressors import catalogue as compressors
from compth.errors import CompthError
from compth.methods import Method, plan_of
from compth.methods import catalogue as methods
from compth.simulation.engines.choice import engine_of
from compth.simulation.engines.coded import coded

N, D, GAMMA = 4, 8, 0.05


def refusal(method: Method) -> str:
    """Why engine fast does not run this; "" where it does."""
    problem = ct.problems.random_quadratic(N, D, 5, seed=0)
    plan, _, _ = plan_of(method, problem)
    try:
        engine_of("fast", method, problem, plan, 0)
    except CompthError as reason:
        return str(reason)
    return ""


def with_loops() -> dict[str, bool]:
    """The catalogue's compressors of one vector, and whether their law has a loop."""
    found = {}
    for name, kind in compressors().items():
        if issubclass(kind, ct.Compressor):
            try:
                coded(kind.examples()[0], D)
                found[name] = True
            except CompthError:
                found[name] = False
    return found


def of_methods() -> dict[str, str]:
    """Methods whose workers compress independently by what has a loop, and why each is refused ("": it runs)."""
    found = {}
    for name, kind in methods().items():
        for compressor in (ct.RandK(2), ct.TopK(2)):
            try:
                method = kind(compressor, gamma=GAMMA)
                method.check(ct.problems.random_quadratic(N, D, 5, seed=0))
            except (CompthError, TypeError):
                continue  # it takes no such compressor, or no compressor
            if type(method.fleet) is Independent and type(compressor) in map(type, method.fleet.members):
                found[name] = refusal(method)
                break
    return found


def precision() -> Iterator[Line]:
    """Whole runs at d = 1000, where products carry the time."""
    problem = ct.problems.random_quadratic(10, 1000, 100, seed=0)
    for method in (ct.DCGD(ct.RandK(100), gamma=0.1), ct.DIANA(ct.NaturalCompression(), gamma=0.3)):
        work = {
            kind.__name__: lambda m=method, kind=kind: ct.simulate(m, problem, 4, 256, threads=1, dtype=kind)
            for kind in (np.float32, np.float64)
        }
        found = ratios(work, "float32", rounds=5)["float64"]
        yield line(f"{type(method).__name__}, d=1000: float64 / float32, whole runs", found, least=1.2)


def run() -> Iterator[Line]:
    """Shares of the catalogue, then precision."""
    loops, reached = with_loops(), of_methods()
    yield line(f"share of {len(loops)} compressors whose law has a loop", [sum(loops.values()) / len(loops)])
    share = sum(not why for why in reached.values()) / len(reached)
    yield line(
        f"share of {len(reached)} methods that run on engine fast with RandK or TopK", [share], least=1
    )
    with threadpool_limits(1):
        yield from precision()
