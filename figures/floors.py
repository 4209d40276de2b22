"""Floors on heterogeneous data: DCGD's is of order gamma, EF's of order gamma^2, DIANA and EF21 have none.

Caption: limit of E||x_t - x*||^2 relative to its start against the step size gamma, on a random quadratic with
n = 4, d = 8, kappa = 5 and different minimisers. DCGD and DIANA use Rand-4, EF and EF21 Top-4. Dashed: slopes 1 and 2.
DIANA and EF21 fall to the rounding level (grey) for every step.
"""

from __future__ import annotations

from typing import Any

import numpy as np

import compth as ct
from compth.reporting.plots import COLOURS, STYLE

GAMMAS = (0.01, 0.02, 0.04, 0.08, 0.16)
ROUNDING = 1e-24


def compute() -> dict[str, Any]:
    """Relative floor of each method at each step size."""
    problem = ct.problems.random_quadratic(4, 8, 5, seed=11)
    methods = {
        "DCGD": lambda g: ct.DCGD(ct.RandK(4), gamma=g),
        "EF": lambda g: ct.EF(ct.TopK(4), gamma=g),
        "DIANA": lambda g: ct.DIANA(ct.RandK(4), gamma=g),
        "EF21": lambda g: ct.EF21(ct.TopK(4), gamma=g),
    }
    floors = {
        name: [ct.simulate(make(g), problem, max(3000, int(180 / g)), 64).floor for g in GAMMAS]
        for name, make in methods.items()
    }
    return {"gamma": list(GAMMAS), "floor": floors}


def draw(data: dict[str, Any]) -> Any:
    """Log-log: floors with markers, guides dashed."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    gamma = np.array(data["gamma"])
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(4.6, 3.6), layout="constrained")
        axes = figure.subplots()
        for i, (name, marker) in enumerate(zip(data["floor"], "osD^", strict=True)):
            floor = np.maximum(np.array(data["floor"][name]), ROUNDING)
            hollow = {"markerfacecolor": "none", "markersize": 9} if name == "EF21" else {}
            axes.plot(gamma, floor, color=COLOURS[i], marker=marker, label=name, **hollow)
        for name, slope in (("DCGD", 1), ("EF", 2)):
            guide = 2 * data["floor"][name][0] * (gamma / gamma[0]) ** slope
            axes.plot(gamma, guide, color="0.4", linestyle="--", linewidth=1)
            axes.annotate(
                f"slope {slope}", (gamma[2], guide[2]), (0, 4), textcoords="offset points", fontsize=8
            )
        axes.axhspan(ROUNDING / 30, 1e-20, color="0.9", label="rounding level")
        axes.set_ylim(ROUNDING / 30, 10)
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set_xlabel("step size γ")
        axes.set_ylabel(r"floor of $\mathrm{E}\,\|x_t-x^*\|^2\,/\,\|x_0-x^*\|^2$")
        axes.legend(loc="center right", fontsize=8)
    return figure
