"""Time to a verdict, the tracer's cost a leaf, and the exact oracle against Monte Carlo of the same accuracy."""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np

import compth as ct
from benchmarks._timing import Line, line, ratios, times
from compth.certification import certify
from compth.certification.oracle import _factor, enumerating, factored
from compth.certification.subject import as_subject
from compth.certification.tracer import leaves

OBJECTS = (
    ct.RandK(2),
    ct.TopK(2),
    ct.RandomDithering(4),
    ct.NaturalCompression(),
    ct.TernGrad(),
    ct.ScaledSign(),
)


def run() -> Iterator[Line]:
    """Seconds are given as they are: their unit is in the name."""
    for thing in OBJECTS:
        for d in (5, 50, 1000):
            took = times(lambda t=thing, d=d: certify(t, d))
            yield line(f"{thing!r}, d={d}: seconds to a verdict (normal)", took)
    x = np.linspace(0.1, 2, 10)
    program = ct.RandomDithering(4)._compress
    start = time.perf_counter()
    count = sum(1 for _ in leaves(lambda rng: program(x, rng)))
    yield line("tracer: microseconds a leaf (QSGD, d=10)", [1e6 * (time.perf_counter() - start) / count])
    yield line(
        "factored oracle: coordinate by coordinate / in arrays, natural, d=1000", _in_arrays(), least=50
    )
    for d, make in ((8, lambda s: enumerating(s, 8, 10**5)), (200, lambda s: factored(s, 200))):
        oracle = make(as_subject(ct.NaturalCompression()))
        point = np.random.default_rng(0).normal(size=d)
        yield line(
            f"Monte Carlo of relative accuracy 1e-3 / exact oracle, natural, d={d}",
            _against(oracle, point, d),
        )


def _in_arrays() -> list[float]:
    subject, d = as_subject(ct.NaturalCompression()), 1000
    point, oracle = np.random.default_rng(0).normal(size=d), factored(subject, d)
    work = {"arrays": lambda: oracle(point), "coordinates": lambda: _factor(subject, point, d, 300)}
    return ratios(work, "arrays", rounds=5, calls={"arrays": 20})["coordinates"]


def _against(oracle, x: np.ndarray, d: int) -> list[float]:
    compressor = ct.NaturalCompression()
    rng = np.random.default_rng(0)
    probe = ((compressor.kernel(np.tile(x, (2000, 1)), rng) - x) ** 2).sum(axis=1)
    needed = int(np.var(probe) / (1e-3 * probe.mean()) ** 2) + 1

    def sampled() -> None:
        left = needed
        while left > 0:
            part = min(left, 2000)
            ((compressor.kernel(np.tile(x, (part, 1)), rng) - x) ** 2).sum()
            left -= part

    return ratios({"base": lambda: oracle(x), "sampled": sampled}, "base", rounds=3)["sampled"]
