"""Cost against size: a simulation in n, d, runs and steps, an exact rate in d; exponents and a plot."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

import compth as ct
from benchmarks._timing import Line, line, ratios, seconds

BASE = {"n": 8, "d": 64, "runs": 128, "steps": 40}
SIZES: dict[str, tuple[int, ...]] = {
    "n": (4, 8, 16, 32, 64),
    "d": (64, 128, 256, 512),
    "runs": (64, 128, 256, 512),
    "steps": (20, 40, 80, 160),
}
EXACT_SIZES = (16, 32, 64, 128)
ROUNDS = 3
MOST = {"n": 1.35, "d": 2.3, "runs": 1.25, "steps": 1.25}
"""Ceilings on the exponents: linear in n, runs and steps, quadratic in d (the gradients), with room for noise."""


def simulation(**sizes: int) -> Callable[[], object]:
    """One simulation of DIANA with Rand-K at these sizes."""
    s = {**BASE, **sizes}
    problem = ct.problems.random_quadratic(s["n"], s["d"], 10, seed=0)
    method = ct.DIANA(ct.RandK(max(1, s["d"] // 10)), gamma=0.1)
    return lambda: ct.simulate(method, problem, s["steps"], s["runs"], threads=1)


def rate(d: int) -> Callable[[], object]:
    """One exact rate of DCGD with Rand-K."""
    problem = ct.problems.random_quadratic(BASE["n"], d, 10, seed=0)
    method = ct.DCGD(ct.RandK(max(1, d // 10)), gamma=0.1)
    return lambda: ct.exact_rate(method, problem)


def timed(work: dict[int, Callable[[], object]]) -> dict[int, list[float]]:
    """Seconds of each size, interleaved after a warm-up."""
    for call in work.values():
        call()
    times: dict[int, list[float]] = {size: [] for size in work}
    for _ in range(ROUNDS):
        for size, call in work.items():
            times[size].append(seconds(call))
    return times


def compute() -> dict[str, dict[int, list[float]]]:
    """Seconds by axis and size."""
    with threadpool_limits(1):
        found = {axis: timed({v: simulation(**{axis: v}) for v in sizes}) for axis, sizes in SIZES.items()}
        found["exact rate, d"] = timed({d: rate(d) for d in EXACT_SIZES})
    return found


def exponents(times: dict[int, list[float]]) -> list[float]:
    """Least-squares slope of log seconds on log size, one for each round."""
    size = np.log(list(times))
    return [float(np.polyfit(size, np.log(column), 1)[0]) for column in np.array(list(times.values())).T]


def draw(data: dict[str, dict[int, list[float]]]) -> Any:
    """Medians with ranges on log-log axes, a panel for each axis."""
    import matplotlib as mpl
    from matplotlib.figure import Figure
    from matplotlib.ticker import LogLocator, NullFormatter, NullLocator

    from compth.reporting.plots import COLOURS, STYLE

    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(10.5, 2.7), layout="constrained")
        for i, (panel, (axis, times)) in enumerate(
            zip(figure.subplots(1, len(data)), data.items(), strict=True)
        ):
            size, values = np.array(list(times)), np.array(list(times.values()))
            middle = np.median(values, axis=1)
            spread = np.abs(np.array([values.min(axis=1), values.max(axis=1)]) - middle)
            panel.errorbar(size, middle, yerr=spread, marker="o", color=COLOURS[i], capsize=2)
            panel.set_xscale("log", base=2)
            panel.set_yscale("log")
            panel.set_xticks(size, [f"{v:g}" for v in size])
            panel.xaxis.set_minor_locator(NullLocator())
            panel.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
            panel.yaxis.set_major_formatter("{x:g}")
            panel.yaxis.set_minor_formatter(NullFormatter())
            panel.set_xlabel(axis)
            panel.set_title(f"exponent {np.median(exponents(times)):.2f}", fontsize=9)
        figure.axes[0].set_ylabel("seconds")
    return figure


DATA: dict[str, dict[int, list[float]]] = {}
"""What the last run measured; the plot is drawn from it."""


def run() -> Iterator[Line]:
    """Exponents as lines."""
    DATA.update(compute())
    for axis, times in DATA.items():
        where = (
            "exact rate of DCGD: exponent in d"
            if axis not in SIZES
            else f"simulate DIANA: exponent in {axis}"
        )
        yield line(where, exponents(times), most=MOST.get(axis))
    yield from of_threads()


def of_threads() -> Iterator[Line]:
    """A second BLAS thread: for a product, and for what the package does by products alone (it keeps to one)."""
    a = np.random.default_rng(0).standard_normal((1500, 1500))
    works: dict[str, Callable[[], object]] = {
        "a product, 1500 x 1500": lambda: a @ a,
        "exact rate, d=200": rate(200),
    }

    def limited(count: int, work: Callable[[], object]) -> object:
        with threadpool_limits(count):
            return work()

    for name, work in works.items():
        pair = {str(k): lambda k=k, w=work: limited(k, w) for k in (1, 2)}
        yield line(f"{name}: one BLAS thread / two", ratios(pair, "2", rounds=5)["1"])
