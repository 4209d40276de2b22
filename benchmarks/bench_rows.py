"""Least squares by its rows against a matrix-free script of the kind a user writes, and against the formed problem."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import scipy.sparse as sp
from threadpoolctl import threadpool_limits

import compth as ct
from benchmarks._timing import Line, line, ratios

ROWS, D, WORKERS, RUNS, STEPS, RIDGE = 500, 50_000, 10, 8, 50, 0.01
FEWER = 15
"""Steps where the rounds alone are measured."""
MIDDLE = 1000
"""Columns at which the Hessians can still be formed."""
LARGE, FEW_RUNS, FEW_STEPS = 10**6, 2, 5
"""Columns of sparse rows, and how long a run of them is."""
ROUNDS = 3


def data(rows: int = ROWS, d: int = D) -> tuple[np.ndarray, np.ndarray]:
    """A table of normal numbers and its target."""
    rng = np.random.default_rng(0)
    return rng.standard_normal((rows, d)), rng.standard_normal(rows)


def constants(X: np.ndarray, y: np.ndarray) -> tuple[float, np.ndarray]:
    """1/L of a step that DCGD takes and x*, by the Gram matrix, as a careful script has them."""
    gram, own = X @ X.T, len(y) // WORKERS
    gram = gram.toarray() if sp.issparse(gram) else gram
    x_star = X.T @ np.linalg.solve(gram / len(y) + RIDGE * np.eye(len(y)), y / len(y))
    blocks = [gram[i : i + own, i : i + own] / own for i in range(0, len(y), own)]
    return max(float(np.linalg.eigvalsh(b)[-1]) for b in blocks) + RIDGE, x_star


def script(
    X: np.ndarray,
    y: np.ndarray,
    gamma: float,
    x_star: np.ndarray,
    k: int,
    memory: bool,
    runs: int = RUNS,
    steps: int = STEPS,
) -> list[tuple[float, float]]:
    """DCGD or DIANA with Rand-K, all replicates at once: distances and gaps from the residuals that gradients need."""
    rng, own, alpha = np.random.default_rng(0), len(y) // WORKERS, k / X.shape[1]
    x, recorded = np.zeros((runs, X.shape[1])), []
    h = np.zeros((WORKERS, *x.shape)) if memory else None
    best = x_star @ X.T - y
    floor = (best @ best / len(y) + RIDGE * x_star @ x_star) / 2
    for t in range(steps + 1):
        r = x @ X.T - y
        gap = ((r * r).sum(axis=1) / len(y) + RIDGE * (x * x).sum(axis=1)) / 2 - floor
        recorded.append((float(((x - x_star) ** 2).sum(axis=1).mean()), float(gap.mean())))
        if t == steps:
            break
        total = np.zeros_like(x)
        for i in range(WORKERS):
            rows = slice(i * own, (i + 1) * own)
            g = r[:, rows] @ X[rows] / own + RIDGE * x
            sent = g if h is None else g - h[i]
            chosen = np.argpartition(rng.random(x.shape, dtype=np.float32), k, axis=1)[:, :k]
            message = np.zeros_like(x)
            np.put_along_axis(message, chosen, np.take_along_axis(sent, chosen, 1) * (X.shape[1] / k), 1)
            if h is None:
                total += message
            else:
                total += h[i] + message
                h[i] += alpha * message
        x = x - gamma / WORKERS * total
    return recorded


def against_a_script() -> dict[str, list[float]]:
    """Ratios of whole runs, constants included, and of the rounds alone."""
    X, y = data()
    k = D // 10
    held = ct.problems.from_rows(X, y, WORKERS, RIDGE)
    size, x_star = constants(X, y)
    gamma = 0.05 / size
    method = ct.DIANA(ct.RandK(k), gamma=gamma)
    work: dict[str, Callable[[], object]] = {
        "script": lambda: script(X, y, gamma, x_star, k, True, steps=FEWER),
        "rounds": lambda: ct.simulate(method, held, FEWER, RUNS, threads=1),
    }
    found = {"DIANA Rand-K, rounds": ratios(work, "script", ROUNDS)["rounds"]}

    def whole() -> object:
        made = ct.problems.from_rows(X, y, WORKERS, RIDGE)
        return ct.simulate(ct.DCGD(ct.RandK(k)), made, STEPS, RUNS, threads=1)

    def whole_script() -> object:
        size, x_star = constants(X, y)
        return script(X, y, 0.05 / size, x_star, k, False)

    found["DCGD Rand-K, data to curve"] = ratios({"s": whole_script, "w": whole}, "s", ROUNDS)["w"]
    return found


def sparse() -> tuple[sp.csr_array, np.ndarray]:
    """A million columns, a hundred numbers in each row."""
    X = sp.random_array((ROWS, LARGE), density=100 / LARGE, format="csr", rng=np.random.default_rng(0))
    return X, np.random.default_rng(1).standard_normal(ROWS)


def of_sparse() -> list[float]:
    """DCGD on sparse rows over the same script, which scipy's products carry as well."""
    X, y = sparse()
    held = ct.problems.from_rows(X, y, WORKERS, RIDGE)
    size, x_star = constants(X, y)
    k, gamma = LARGE // 100, 0.01 / size
    work: dict[str, Callable[[], object]] = {
        "script": lambda: script(X, y, gamma, x_star, k, False, FEW_RUNS, FEW_STEPS),
        "rounds": lambda: ct.simulate(
            ct.DCGD(ct.RandK(k), gamma=gamma), held, FEW_STEPS, FEW_RUNS, threads=1
        ),
    }
    return ratios(work, "script", ROUNDS)["rounds"]


def against_the_formed() -> list[float]:
    """From data to the end of a run at a dimension at which both go: ridge by rows over ridge with its Hessians."""
    X, y = data(ROWS, MIDDLE)
    method = ct.DIANA(ct.RandK(MIDDLE // 10))
    work = {
        "formed": lambda: ct.simulate(
            method, ct.problems.from_rows(X, y, WORKERS, RIDGE).dense(), STEPS, RUNS
        ),
        "rows": lambda: ct.simulate(method, ct.problems.from_rows(X, y, WORKERS, RIDGE), STEPS, RUNS),
    }
    return ratios(work, "formed", ROUNDS)["rows"]


def run() -> Iterator[Line]:
    """Ratios as lines."""
    with threadpool_limits(1):
        for what, values in against_a_script().items():
            yield line(f"{what}: d = {D:,}, {ROWS} rows, over a matrix-free script", values, most=1.5)
        yield line(f"DIANA, data to curve, d = {MIDDLE}: by rows over formed", against_the_formed(), most=1.0)
        yield line(f"DCGD Rand-K, rounds: d = {LARGE:,}, sparse rows, over such a script", of_sparse())
