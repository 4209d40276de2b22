"""The unified theory of SGD: every row of its table by exact second moments, its assumption, rates side by side."""

from __future__ import annotations

from math import log
from typing import Any

import numpy as np
import scipy.linalg

import compth as ct
from compth import sources
from compth.errors import InvalidParameter
from compth.methods import find_guarantee
from compth.methods.core.unified import Parameters
from compth.problems.finite_sum import FiniteSum
from compth.problems.oracle import Minibatch
from compth.reporting.plots import COLOURS, STYLE
from paper_repro._papers import Results
from paper_repro.unified_sgd import _rows
from paper_repro.unified_sgd._corollaries import floors, rates
from paper_repro.unified_sgd._rows import Row

SOURCE = sources.UNIFIED
Array = Any


def mu_of(row: Row) -> float:
    """Strong convexity of f."""
    return float(np.linalg.eigvalsh(row.A)[0])


def moments(row: Row, gamma: float, steps: int) -> tuple[Array, Array]:
    """(E||x_t - x*||^2, E sigma_t^2), exact, t = 0..steps."""
    outcomes = list(row.outcomes(gamma))
    maps = np.array([np.sqrt(p) * T for p, T in outcomes])
    z = row.start()
    Z = np.outer(z, z)
    squares, memory = [], []
    for _ in range(steps + 1):
        squares.append(float(np.trace(Z[: row.d, : row.d])))
        memory.append(float((row.sigma2 * Z).sum()))
        Z = (maps @ Z @ maps.transpose(0, 2, 1)).sum(axis=0)
    return np.array(squares), np.array(memory)


def exact_rate(row: Row, gamma: float) -> float:
    """Rate of the noise-free second moments: the spectral radius of E T (x) T without the constant."""
    maps = [(p, T[:-1, :-1]) for p, T in row.outcomes(gamma)]
    operator = sum(p * np.kron(T, T) for p, T in maps)
    return float(np.abs(np.linalg.eigvals(np.asarray(operator))).max())


def held(row: Row, parameters: Parameters | None = None, steps: int = 300) -> dict[str, Any]:
    """Largest E V_t over the theorem's bound at its own step, and rounds per factor e: promised and exact."""
    p = row.parameters if parameters is None else parameters
    mu, M = mu_of(row), p.memory()
    gamma = float(p.largest_step(M, mu))
    squares, memory = moments(row, gamma, steps)
    V = squares + M * gamma**2 * memory
    rate, floor = float(p.rate(gamma, mu, M)), float(p.floor(gamma, mu, M))
    bound = rate ** np.arange(steps + 1) * V[0] + floor
    exact = exact_rate(row, gamma)
    return {
        "ratio": float((V[1:] / bound[1:]).max()),
        "promised": -1 / log(rate),
        "exact": -1 / log(exact) if exact < 1 else float("inf"),
        "floor": float(floor),
        "reached": float(squares[-1]),
        "gamma": gamma,
        "curve": (squares / squares[0]).tolist(),
    }


def assumption(row: Row, p: Parameters) -> list[float]:
    """Largest ratio of the left to the right side of both inequalities, over all z with the constant (1 at most)."""
    size, d = len(row.sigma2), row.d
    bregman = np.zeros((size, size))
    bregman[:d, :d] = row.A / 2
    constant = np.zeros((size, size))
    constant[-1, -1] = 1.0
    first, second = row.forms()
    found = []
    rights = (2 * p.A * bregman + p.B * row.sigma2 + p.D1 * constant,
              (1 - p.rho) * row.sigma2 + 2 * p.C * bregman + p.D2 * constant)  # fmt: skip
    for left, right in zip((first, second), rights, strict=True):
        live = np.abs(right).sum(axis=0) > 1e-14
        if not live.any() or (not row.sigma2.any() and left is second):
            found.append(0.0)
            continue
        inside = np.ix_(live, live)
        values = scipy.linalg.eigh(
            left[inside], right[inside] + 1e-13 * np.eye(live.sum()), eigvals_only=True
        )
        outside = float(np.abs(left[np.ix_(~live, ~live)]).max(initial=0))
        found.append(float("inf") if outside > 1e-12 else float(values[-1]))
    return found


def traps() -> dict[str, Any]:
    """SVRG's row, B = 1 for SAGA, SGD-star's factor 2, DIANA with the smoothness of f."""
    A, _ = _rows.problem()
    table = {r.name: r for r in _rows.rows()}
    saga, star = table["SAGA"], table["SGD-star"]
    ours = saga.parameters
    half = Parameters(A=star.parameters.A / 2)
    try:
        Parameters(2.0, 2, 0, 0)
        svrg = "accepted"
    except InvalidParameter:
        svrg = "refused"
    single = np.zeros((8, 1, 1))
    single[0, 0, 0] = 8.0  # one component carries all the curvature
    lone = _rows.saga(single, np.zeros((8, 1)))
    slides = Parameters(lone.parameters.A, 1, lone.parameters.rho, lone.parameters.C)
    coordinates = (
        3.0 * np.eye(3)[:, :, None] * np.eye(3)[:, None, :]
    )  # worker i sees coordinate i; L of f is 1
    misread = _rows.diana(coordinates, np.zeros((3, 3)), L=1.0)
    return {
        "svrg.row": svrg,
        "saga.slides": assumption(lone, slides)[0],
        "saga.right": assumption(lone, lone.parameters)[0],
        "star.half": assumption(star, half)[0],
        "saga.step": float(1 / ours.largest_step(ours.memory()) / _rows.smoothness(A)),
        "diana.f": assumption(misread, misread.parameters)[0],
    }


def package(quick: bool) -> dict[str, float]:
    """The maps against the package: DIANA's exact curve, and SGD's simulated one in standard errors."""
    A, s = _rows.problem()
    star = np.ones(3)
    q = FiniteSum(A[None], (A @ star - s)[None])
    workers = q.as_workers()
    row = _rows.diana(A, s)
    gamma, start = 0.1, workers.x_star + 1.0
    run = ct.exact(ct.DIANA(ct.RandK(1), gamma=gamma, alpha=1 / 3), workers, 50, x0=start)
    ours = moments(row, gamma, 50)[0]
    sgd = next(r for r in _rows.rows() if r.name == "SGD")
    method = ct.DCGD(ct.Identity(), gamma, oracle=Minibatch())
    trace = ct.simulate(method, q, 60, 1000 if quick else 10_000, seed=4, x0=q.x_star + 1.0)
    predicted = moments(sgd, gamma, 60)[0]
    z = np.abs(trace.mean_square - predicted)[1:] / trace.se_square[1:]
    return {
        "package.diana": float(np.abs(run.mean_square / ours - 1).max()),
        "package.sgd": float(z.max()),
        "jacsketch.pairs": jacsketch(q),
    }


def jacsketch(q: FiniteSum) -> float:
    """Largest exact E V_t over the bound of JacSketch's row, two of the four components a round."""
    found = find_guarantee(ct.JacSketch(size=2), q, "jacsketch.linear")
    seen = found.theorem.trajectory(ct.exact(ct.JacSketch(size=2), q, 100, theorem="jacsketch.linear"))
    return max(float(seen[t]) / found.rate.bound(t) for t in range(1, 101))


def table(steps: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """Every row's theorem and assumption, rates and floors beside each other; the figure's data."""
    rows = _rows.rows()
    values: dict[str, Any] = {}
    data: dict[str, Any] = {}
    for row in rows:
        found = held(row, steps=steps)
        key = row.name.lower()
        values[f"{key}.theorem"] = found["ratio"]
        values[f"{key}.assumption"] = max(assumption(row, row.parameters))
        data[row.name] = found
    values["rates.loosest"] = max(v["promised"] / v["exact"] for v in data.values())
    values["rates.tightest"] = min(v["promised"] / v["exact"] for v in data.values())
    reduced = [r.name for r in rows if r.parameters.variance_reduced]
    values["floors.none"] = max(held(r, steps=6000)["reached"] for r in rows if r.name in reduced)
    values["floors.left"] = min(
        data[r.name]["reached"] / data[r.name]["floor"] for r in rows if r.name not in reduced
    )
    named = {r.name: r for r in rows}
    values |= {**floors(named), **rates(named, exact_rate)}
    return values, data


def run(quick: bool) -> Results:
    """All targets; --quick takes fewer rounds."""
    values, data = table(150 if quick else 1000)
    return Results({**values, **traps(), **package(quick)}, {"unified_sgd": data})


def draw(data: Any) -> Any:
    """Every row's promise beside what happens, and the rows beside each other.

    Left: rounds for one factor e in the squared distance at the row's own step: promised by the theorem (hollow) and
    exact on one problem (filled; four components in R^3, kappa = 10; VR-DIANA: four in R^2). Right: exact
    E||x_t - x*||^2 relative to its start at that step, of rows that stop at a floor (dashed) and that do not (solid).
    L-SVRG renews its reference as often as SAGA an entry, and lies on it.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    shown = ("SGD", "SGD-star", "SAGA", "SEGA", "L-SVRG", "DIANA", "N-SAGA")
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(7.2, 3.6), layout="constrained")
        left, right = figure.subplots(1, 2)
        y = np.arange(len(data))[::-1]
        for at, held_row in zip(y, data.values(), strict=True):
            ends = held_row["exact"], held_row["promised"]
            left.plot(ends, [at, at], color="0.6", linewidth=1)
            left.plot(ends[1], at, "o", color=COLOURS[0], markerfacecolor="white")
            left.plot(ends[0], at, "o", color=COLOURS[0])
        left.set_yticks(y, list(data))
        left.set_xscale("log")
        left.set_xlabel("rounds per factor e")
        left.grid(axis="y", visible=False)
        for i, name in enumerate(shown):
            style = "--" if data[name]["floor"] > 0 else "-"
            right.plot(np.maximum(data[name]["curve"], 1e-12), style, color=COLOURS[i], label=name)
        right.set_yscale("log")
        right.set_xlabel("round t")
        right.set_ylabel(r"$\mathrm{E}\,\|x_t-x^*\|^2\,/\,\|x_0-x^*\|^2$")
        right.legend(fontsize=7, ncols=2)
    return figure


FIGURES = {"unified_sgd": draw}
