"""compth beside PEPit (extra `peers`) and a GRACE-style script on torch; either is left out if missing.

The GRACE-style script is written here: per worker a compress -> (values, indices) -> decompress round trip with a
residual memory, as such frameworks organise it. Nothing of theirs is copied.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from typing import Any

import compth as ct
from benchmarks._timing import Line, line, ratios

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
    """Seconds per replicate of the script over those of simulate."""
    torch.set_num_threads(1)
    problem, gamma = ct.problems.random_quadratic(N, D, 100, seed=0), 0.05
    cases = {
        "DCGD Rand-K": (False, ct.DCGD(ct.RandK(D // 10), gamma)),
        "EF Top-K": (True, ct.EF(ct.TopK(D // 10), gamma)),
    }
    for name, (biased, method) in cases.items():
        work: dict[str, Callable[[], object]] = {
            "ours": lambda m=method: ct.simulate(m, problem, STEPS, RUNS, threads=1),
            "torch": lambda biased=biased: [
                torch_run(torch, problem, biased, gamma, D // 10) for _ in range(LOOP_RUNS)
            ],
        }
        measured = [v * RUNS / LOOP_RUNS for v in ratios(work, "ours", rounds=5)["torch"]]
        yield line(f"{name}, d={D}: GRACE-style torch script / simulate", measured, least=5)


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
    torch, pepit = optional("torch"), optional("PEPit")
    if torch is not None:
        yield from torch_lines(torch)
    if pepit is not None:
        yield from pepit_lines(pepit)
