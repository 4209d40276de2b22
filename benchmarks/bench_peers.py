"""compth beside arrays in numpy, a scan in JAX, a GRACE-style script on torch and PEPit (extra `peers`).

What is not installed has a line that says so.

The GRACE-style script is written here: per worker a compress -> (values, indices) -> decompress round trip with a
residual memory, as such frameworks organise it. Nothing of theirs is copied.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

import compth as ct
from benchmarks._timing import Line, line, missing, ratios

N, D, STEPS, RUNS, LOOP_RUNS = 10, 100, 40, 256, 4


def optional(name: str) -> Any:
    """The module, None when it is not installed."""
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


def torch_run(torch: Any, problem: Any, biased: bool, gamma: float, k: int, steps: int = STEPS) -> Any:
    """x after one run from 0: Top-K with residual memory, or Rand-K without."""
    a, b = torch.from_numpy(problem.A.copy()), torch.from_numpy(problem.b.copy())
    x = torch.zeros(problem.d, dtype=torch.float64)
    residuals = [torch.zeros_like(x) for _ in range(problem.n)]
    for _ in range(steps):
        sent = []
        for worker in range(problem.n):
            tensor = gamma * (a[worker] @ x - b[worker]) + residuals[worker]
            indices = tensor.abs().topk(k).indices if biased else torch.randperm(problem.d)[:k]
            values = tensor[indices] * (1.0 if biased else problem.d / k)
            dense = torch.zeros_like(tensor).scatter_(0, indices, values)
            if biased:
                residuals[worker] = tensor - dense
            sent.append(dense)
        x = x - torch.stack(sent).mean(dim=0)
    return x


def torch_lines(torch: Any) -> Iterator[Line]:
    """Seconds per replicate of the script over those of engine fast."""
    torch.set_num_threads(1)
    problem, gamma = ct.problems.random_quadratic(N, D, 100, seed=0), 0.05
    cases = {
        "DCGD Rand-K": (False, ct.DCGD(ct.RandK(D // 10), gamma)),
        "EF Top-K": (True, ct.EF(ct.TopK(D // 10), gamma)),
    }
    for name, (biased, method) in cases.items():
        work: dict[str, Callable[[], object]] = {
            "ours": lambda m=method: ct.simulate(m, problem, STEPS, RUNS, threads=1, engine="fast"),
            "torch": lambda biased=biased: [
                torch_run(torch, problem, biased, gamma, D // 10) for _ in range(LOOP_RUNS)
            ],
        }
        measured = [v * RUNS / LOOP_RUNS for v in ratios(work, "ours", rounds=5)["torch"]]
        yield line(f"{name}, d={D}: GRACE-style torch script / engine fast", measured, least=5)


def numpy_run(problem: Any, biased: bool, gamma: float, k: int, steps: int = STEPS, runs: int = RUNS) -> Any:
    """x (runs, d) after runs from 0 by arrays over runs and workers, as someone who knows numpy writes them."""
    rng, d = np.random.default_rng(0), problem.d
    x, residual = np.zeros((runs, d)), np.zeros((runs, problem.n, d))
    stacked = np.ascontiguousarray(problem.A.transpose(2, 0, 1).reshape(d, -1))
    for _ in range(steps):
        g = gamma * ((x @ stacked).reshape(runs, problem.n, d) - problem.b) + residual
        keys = np.abs(g) if biased else rng.random(g.shape)
        kept = np.argpartition(keys, d - k, axis=-1)[..., d - k :] if k < d else np.argsort(keys, axis=-1)
        sent = np.zeros_like(g)
        np.put_along_axis(sent, kept, np.take_along_axis(g, kept, -1) * (1.0 if biased else d / k), -1)
        if biased:
            residual = g - sent
        x = x - sent.mean(axis=1)
    return x


def jax_run(
    jax: Any, problem: Any, biased: bool, gamma: float, k: int, steps: int = STEPS, runs: int = RUNS
) -> Any:
    """A compiled function of a seed for the same: a scan over rounds, in double precision."""
    jax.config.update("jax_enable_x64", True)
    jnp, lax = jax.numpy, jax.lax
    a, b, d = jnp.asarray(problem.A), jnp.asarray(problem.b), problem.d

    def one_round(carry: Any, key: Any) -> Any:
        x, residual = carry
        g = gamma * (jnp.einsum("ijk,rk->rij", a, x) - b) + residual
        _, chosen = lax.top_k(
            jnp.abs(g) if biased else jax.random.uniform(key, g.shape, dtype=jnp.float32), k
        )
        values = jnp.take_along_axis(g, chosen, -1) * (1.0 if biased else d / k)
        sent = jnp.put_along_axis(jnp.zeros_like(g), chosen, values, -1, inplace=False)
        return (x - sent.mean(axis=1), g - sent if biased else residual), None

    @jax.jit
    def whole(seed: Any) -> Any:
        start = (jnp.zeros((runs, d)), jnp.zeros((runs, problem.n, d)))
        return lax.scan(one_round, start, jax.random.split(jax.random.PRNGKey(seed), steps))[0][0]

    return whole


def array_lines(jax: Any) -> Iterator[Line]:
    """Whole runs by arrays, in numpy and as a compiled scan, over those of simulate and of engine fast."""
    problem, gamma, k = ct.problems.random_quadratic(N, D, 100, seed=0), 0.05, D // 10
    for name, biased, method in (
        ("DCGD Rand-K", False, ct.DCGD(ct.RandK(k), gamma)),
        ("EF Top-K", True, ct.EF(ct.TopK(k), gamma)),
    ):
        work: dict[str, Callable[[], object]] = {
            "numpy": lambda m=method: ct.simulate(m, problem, STEPS, RUNS, threads=1),
            "fast": lambda m=method: ct.simulate(m, problem, STEPS, RUNS, threads=1, engine="fast"),
            "script": lambda b=biased: numpy_run(problem, b, gamma, k),
        }
        if jax is not None:
            compiled = jax_run(jax, problem, biased, gamma, k)
            work["JAX"] = lambda run=compiled: run(0).block_until_ready()
        with threadpool_limits(1):
            # Top-K leaves nothing to chance: simulate runs one replicate for all, which is no comparison
            for engine in ("fast",) if biased else ("numpy", "fast"):
                found = ratios(work, engine, rounds=5)
                ours = f"{name}, d={D}: {{}} / engine {engine}"
                yield line(ours.format("arrays in numpy, nothing recorded"), found["script"], least=0.9)
                what = ours.format("a compiled JAX scan, nothing recorded")
                yield line(what, found["JAX"]) if "JAX" in found else missing(what, "JAX")


def pepit_rate(pepit: Any, mu: float, L: float, gamma: float) -> float:
    """Worst case of one gradient step by PEPit."""
    functions = importlib.import_module("PEPit.functions")
    problem = pepit.PEP()
    f = problem.declare_function(functions.SmoothStronglyConvexFunction, mu=mu, L=L)
    x_star, x0 = f.stationary_point(), problem.set_initial_point()
    problem.set_initial_condition((x0 - x_star) ** 2 <= 1)
    x1 = x0 - gamma * f.gradient(x0)
    problem.set_performance_metric((x1 - x_star) ** 2)
    return float(problem.solve(verbose=0))


def pepit_lines(pepit: Any) -> Iterator[Line]:
    """Seconds to the rate of gradient descent, and that both say the same."""
    problem = ct.problems.random_quadratic(N, 20, 10, seed=0)
    gamma = 1 / problem.L
    method = ct.GD(gamma=gamma)
    ours = ct.guarantee(method, problem).rho
    theirs = pepit_rate(pepit, problem.mu, problem.L, gamma)
    yield line("GD: PEPit's worst-case factor / the theorem's", [theirs / ours], most=1.001, least=0.999)
    work: dict[str, Callable[[], object]] = {
        "ours": lambda: ct.guarantee(method, problem),
        "exact": lambda: ct.exact_rate(method, problem),
        "theirs": lambda: pepit_rate(pepit, problem.mu, problem.L, gamma),
    }
    measured = ratios(work, "ours", rounds=5)
    yield line("GD: PEPit's semidefinite program / guarantee", measured["theirs"])
    slower = [a / b for a, b in zip(measured["theirs"], measured["exact"], strict=True)]
    yield line("GD: PEPit's semidefinite program / exact rate on one problem", slower)


def run() -> Iterator[Line]:
    """Lines of the peers that are installed."""
    yield from array_lines(optional("jax"))
    for name, lines in (("torch", torch_lines), ("PEPit", pepit_lines)):
        found = optional(name)
        if found is None:
            yield missing(f"compth beside {name}", name)
        else:
            yield from lines(found)
