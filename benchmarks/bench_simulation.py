"""simulate against the loop a user writes today and against the batched GEMM that any code must do.

Also: compressor kernels on 1e6 doubles against the primitive they cannot avoid, and `import compth` beside numpy.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import numpy as np
from threadpoolctl import threadpool_limits

import compth as ct
from benchmarks._timing import Line, line, ratios

RUNS, WORKERS = 256, 10
ALIKE = "Top-K"
"""Nothing is left to chance: simulate runs one replicate for all, and a ratio to 256 would flatter it."""


def cases(d: int) -> dict[str, ct.Method]:
    """The method-compressor pairs."""
    k = d // 10
    return {
        "DCGD Rand-K": ct.DCGD(ct.RandK(k), gamma=0.1),
        "DCGD QSGD": ct.DCGD(ct.RandomDithering(4), gamma=0.1),
        "EF Top-K": ct.EF(ct.TopK(k), gamma=0.05),
        "EF Rand-K": ct.EF(ct.Scaled(ct.RandK(k)), gamma=0.05),
        "DIANA natural": ct.DIANA(ct.NaturalCompression(), gamma=0.3),
    }


def loop_compressor(name: str, d: int):
    """What a user writes for one vector."""
    k = d // 10

    def rand_k(v, rng):
        out = np.zeros(d)
        chosen = rng.choice(d, k, replace=False)
        out[chosen] = v[chosen] * (d / k)
        return out

    def qsgd(v, rng):
        norm = np.linalg.norm(v)
        if norm == 0:
            return v
        y = np.abs(v) / norm * 4
        low = np.floor(y)
        return norm * np.sign(v) * (low + (rng.random(d) < y - low)) / 4

    def top_k(v, rng):
        out = np.zeros(d)
        chosen = np.argpartition(np.abs(v), -k)[-k:]
        out[chosen] = v[chosen]
        return out

    def natural(v, rng):
        mantissa, exponent = np.frexp(np.abs(v))
        return np.sign(v) * np.ldexp(0.5, exponent) * (1 + (rng.random(d) < 2 * mantissa - 1))

    def scaled(v, rng):
        return rand_k(v, rng) * (k / d)

    found = {"DCGD Rand-K": rand_k, "DCGD QSGD": qsgd, "EF Top-K": top_k, "DIANA natural": natural}
    return {**found, "EF Rand-K": scaled}[name]


def plain_loop(name: str, problem, steps: int, runs: int, gamma: float) -> None:
    """One replicate, one worker at a time, recording the distance and the gap."""
    compressor = loop_compressor(name, problem.d)
    rng = np.random.default_rng(0)
    for _ in range(runs):
        x = problem.start.copy()
        memory = np.zeros((problem.n, problem.d))
        for _ in range(steps):
            total = np.zeros(problem.d)
            for i in range(problem.n):
                g = problem.A[i] @ x - problem.b[i]
                if name.startswith("EF"):
                    p = memory[i] + gamma * g
                    c = compressor(p, rng)
                    memory[i] = p - c
                    total += c / gamma
                elif name.startswith("DIANA"):
                    m = compressor(g - memory[i], rng)
                    total += memory[i] + m
                    memory[i] += 0.5 * m
                else:
                    total += compressor(g, rng)
            x = x - gamma * total / problem.n
            z = x - problem.x_star
            _ = z @ z, z @ problem.hessian @ z / 2


def gemm_floor(problem, steps: int, runs: int) -> None:
    """The gradients alone, in blocks of the driver's size."""
    x = np.zeros((64, problem.d))
    stacked = problem.stacked(np.float64)
    for _ in range(steps * runs // 64):
        x @ stacked


def simulation() -> Iterator[Line]:
    """Ratios at d = 100 and d = 1000."""
    for d, steps, loop_runs, ceiling, fused in ((100, 40, 8, 6.0, 2.0), (1000, 4, 4, 1.8, 1.3)):
        problem = ct.problems.random_quadratic(WORKERS, d, 100, seed=0)
        for name, method in cases(d).items():
            work = {
                "floor": lambda p=problem, s=steps: gemm_floor(p, s, RUNS),
                "simulate": lambda m=method, p=problem, s=steps: ct.simulate(m, p, s, RUNS, threads=1),
                "fast": lambda m=method, p=problem, s=steps: ct.simulate(m, p, s, RUNS, engine="fast"),
                "loop": lambda n=name, p=problem, s=steps, r=loop_runs, g=method.gamma: plain_loop(
                    n, p, s, r, g
                ),
            }
            if ALIKE in name:
                del work["simulate"], work["loop"]
            measured = ratios(work, "floor", rounds=5)
            yield line(f"{name}, d={d}: engine fast / GEMM floor", measured["fast"], most=fused)
            if ALIKE in name:
                continue
            yield line(f"{name}, d={d}: simulate / GEMM floor", measured["simulate"], most=ceiling)
            scale = RUNS / loop_runs
            faster = [scale * a / b for a, b in zip(measured["loop"], measured["simulate"], strict=True)]
            yield line(f"{name}, d={d}: plain loop / simulate", faster, least=5)


def threads() -> Iterator[Line]:
    """Two threads over one at d = 1000: replicate blocks are independent, numba and BLAS release the lock."""
    problem = ct.problems.random_quadratic(WORKERS, 1000, 100, seed=0)
    for name, method in cases(1000).items():
        for engine in ("fast",) if ALIKE in name else ("numpy", "fast"):
            work = {
                str(count): lambda m=method, e=engine, c=count: ct.simulate(
                    m, problem, 4, RUNS, threads=c, engine=e
                )
                for count in (1, 2)
            }
            measured = ratios(work, "2", rounds=5)
            yield line(f"{name}, d=1000, engine {engine}: 1 thread / 2 threads", measured["1"], least=1.6)


def kernels() -> Iterator[Line]:
    """One vector of 1e6 doubles."""
    d = 1_000_000
    x = np.random.default_rng(0).standard_normal(d)
    rng = np.random.Generator(np.random.SFC64(0))
    size = np.abs(x)
    top = {
        "base": lambda: size.copy().partition(d - d // 100),
        "ours": lambda: ct.TopK(d // 100).kernel(x, rng),
    }
    try:
        import torch

        held = torch.from_numpy(x)
        top["torch"] = lambda: held.abs().topk(d // 100)
    except ImportError:
        pass
    measured = ratios(top, "base")
    yield line("Top-K 1 % / np.partition in place", measured["ours"], most=2.5)
    if "torch" in measured:
        yield line("torch.topk / np.partition in place", measured["torch"])
    dithering = {"base": lambda: rng.random(d), "ours": lambda: ct.RandomDithering(4).kernel(x, rng)}
    yield line("QSGD / drawing its uniforms", ratios(dithering, "base")["ours"], most=4)
    natural = {
        "base": lambda: rng.integers(0, 1 << 52, size=d, dtype=np.uint64),
        "ours": lambda: ct.NaturalCompression().kernel(x, rng),
    }
    yield line("natural / drawing its integers", ratios(natural, "base")["ours"], most=2)


def imports() -> Iterator[Line]:
    """A fresh interpreter each."""

    def fresh(code: str) -> None:
        subprocess.run([sys.executable, "-c", code], check=True)

    work = {"base": lambda: fresh("import numpy"), "ours": lambda: fresh("import compth")}
    yield line("import compth / import numpy", ratios(work, "base")["ours"])


def run() -> Iterator[Line]:
    """All lines."""
    with threadpool_limits(1):
        yield from simulation()
        yield from threads()
        yield from kernels()
        yield from imports()
