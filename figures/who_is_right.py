"""Who is right? What theorem, certificate, exact expectation and simulation say of one question, theorem by theorem.

Caption: rounds until E||x_t-x*||^2 stays below 1e-3 ||x_0-x*||^2 on one quadratic (n = 4 workers with the same f_i,
d = 8, kappa = 100; Rand-2, or scaled Rand-2 where a contraction is asked for). Diamonds: what the theorem promises at
its own step. Circles: the exact expectation at that step. Crosses: the mean of {runs} runs with three standard errors.
Squares: what a certificate promises for all L-smooth, mu-strongly convex f_i at its best step. Simulation and exact
expectation agree in {agree} of {rows} rows, and {kept} of {rows} theorems keep their promise, which lies {least:.2g} to
{most:.2g} times above what is needed at the theorem's own step. Where the square lies left of the circle ({left} of
{rows} rows), that step is too short: a worst-case promise at a longer step beats what happens here at the theorem's.
"""

from __future__ import annotations

from typing import Any

import numpy as np

import compth as ct
from compth.errors import CompthError
from compth.reporting.plots import COLOURS, STYLE
from figures._progress import track

EPS = 1e-3
RUNS = 64
METHODS = ("GD", "DCGD", "DIANA", "RandDIANA", "MARINA", "DASHA", "EFBV", "EF21", "EF")
"""Those whose exact expectation and certificate are known at any theorem's step."""
MOST = 10**6
"""Rounds of the longest exact curve."""


def problem() -> Any:
    """Equal Hessians and a shared minimiser: the theorems' constants are those of the certificates' class."""
    same = ct.problems.random_quadratic(4, 8, 100, seed=4, hessians=0)
    return ct.problems.distributed_quadratic(same.A, np.zeros((4, 8)))


def of_method(name: str, q: Any) -> Any:
    """The method with the sketch that it takes."""
    kind = ct.methods.catalogue()[name]
    if not kind.takes_compressor:
        return kind()
    sketch = ct.RandK(2)
    try:
        kind(sketch).check(q)
    except CompthError:
        return kind(ct.Scaled(sketch))
    return kind(sketch)


def promised(method: Any, q: Any, theorem: str, goal: float) -> int | None:
    """Rounds of a theorem's bound on the distance, None where it gives no linear rate here."""
    try:
        rate = ct.guarantee(method, q, theorem=theorem)
    except CompthError:
        return None
    linear = rate.rho is not None and 0 < rate.rho < 1
    return rate.iterations_to(goal, MOST) if linear else None


def stays_below(values: Any, goal: float) -> int | None:
    """First round from which on the values are at most the goal; None where the last one is above."""
    above = np.flatnonzero(~(np.asarray(values) <= goal))
    first = int(above[-1]) + 1 if above.size else 0
    return first if first < len(values) else None


def row(method: Any, q: Any, theorem: str, goal: float, rounds: int) -> dict[str, Any]:
    """The four answers of one theorem; `simulated` is (mean less 3 s.e., mean, mean and 3 s.e.)."""
    curve = ct.exact(method, q, rounds, theorem=theorem).mean_square
    exact = stays_below(curve, goal)
    seen = ct.simulate(method, q, int(1.3 * (exact or rounds)) + 20, RUNS, seed=0, theorem=theorem)
    bars = [seen.mean_square + k * seen.se_square for k in (-3, 0, 3)]
    return {
        "theorem": theorem,
        "guarantee": rounds,
        "certified": promised(method, q, f"{type(method).__name__.lower()}.certified", goal),
        "exact": exact,
        "simulated": [stays_below(values, goal) for values in bars],
    }


def compute() -> dict[str, Any]:
    """A row for each theorem with a linear rate that applies; one that promises the same as another stands once."""
    q = problem()
    goal = EPS * float(q.distance_squared(np.asarray(q.start, dtype=float)[None])[0])
    rows, seen = [], set()
    for name in track(METHODS, "who_is_right, method"):
        method = of_method(name, q)
        for theorem in type(method).theorems():
            rounds = promised(method, q, theorem.id, goal)
            if rounds is None or (name, rounds) in seen:
                continue
            seen.add((name, rounds))
            rows.append(row(method, q, theorem.id, goal, rounds))
    return {"eps": EPS, "runs": RUNS, "rows": sorted(rows, key=lambda r: r["guarantee"])}


def gap(found: dict[str, Any]) -> float:
    """Rounds promised over rounds needed, exactly."""
    return float(found["guarantee"] / found["exact"])


def facts(data: dict[str, Any]) -> dict[str, Any]:
    """Numbers of the caption."""
    rows = data["rows"]
    gaps = [gap(r) for r in rows]
    return {
        "runs": data["runs"],
        "rows": len(rows),
        "least": min(gaps),
        "most": max(gaps),
        "agree": sum(agrees(r) for r in rows),
        "kept": sum(g >= 1 for g in gaps),
        "left": sum(r["certified"] is not None and r["certified"] < r["exact"] for r in rows),
    }


def agrees(found: dict[str, Any]) -> bool:
    """True where the exact value lies within three standard errors of the simulated one."""
    low, _, high = found["simulated"]
    return low is not None and low <= found["exact"] and (high is None or found["exact"] <= high)


LOOKS: dict[str, dict[str, Any]] = {
    "guarantee": {"marker": "D", "color": COLOURS[0], "markersize": 5.5},
    "certified": {"marker": "s", "color": COLOURS[2], "markersize": 5.5},
    "exact": {"marker": "o", "color": "black", "markersize": 8, "markerfacecolor": "none"},
    "simulated": {"marker": "x", "color": COLOURS[1], "markersize": 5.5, "markeredgewidth": 1.4},
}
NAMES = {
    "guarantee": "guarantee",
    "certified": "certified, best step",
    "exact": "exact expectation",
    "simulated": f"mean of {RUNS} runs",
}


def draw(data: dict[str, Any]) -> Any:
    """A row for each theorem on a logarithmic axis, the gap between promise and exact value written beside it."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    rows = data["rows"]
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(5.2, 1.2 + 0.31 * len(rows)), layout="constrained")
        axes = figure.subplots()
        y = np.arange(len(rows))[::-1]
        axes.hlines(y, [r["exact"] for r in rows], [r["guarantee"] for r in rows], color="0.75", linewidth=3)
        for key, look in LOOKS.items():
            values = [r[key][1] if key == "simulated" else r[key] for r in rows]
            shown = [np.nan if v is None else v for v in values]
            axes.plot(shown, y, linestyle="none", label=NAMES[key], zorder=3, **look)
        for at, found in zip(y, rows, strict=True):
            low, _, high = found["simulated"]
            if low and high:
                axes.hlines(at, low, high, color=COLOURS[1], linewidth=1.4, zorder=3)
            axes.annotate(f"{gap(found):.2g}×", (found["guarantee"], at), (7, -3), textcoords="offset points",
                          fontsize=8)  # fmt: skip
        axes.set_yticks(y, [r["theorem"] for r in rows])
        axes.set_ylim(-0.6, len(rows) - 0.4)
        axes.set_xscale("log")
        low, high = axes.get_xlim()
        axes.set_xlim(low, high * 1.6)
        axes.set_xlabel(f"rounds to {data['eps']:g} of the start (×: promised / exact)")
        axes.grid(axis="y", visible=False)
        figure.legend(*axes.get_legend_handles_labels(), loc="outside upper center", ncols=2, fontsize=8)
    return figure
