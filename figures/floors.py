"""Floors on heterogeneous data: DCGD's is of order gamma, EF's of order gamma^2, DIANA and EF21 have none.

Caption: limit of E||x_t - x*||^2 relative to its start against the step size gamma, on a random quadratic with
n = 4, d = 8, kappa = 5 and different minimisers. DCGD and DIANA use Rand-4, EF and EF21 Top-4; {runs} runs, median over
the last tenth of at least {steps} rounds. Dashed: slopes 1 and 2. Below the cut: DIANA and EF21 reach 0 but for
rounding (below {rounding:.0e}) at every step size.
"""

from __future__ import annotations

from typing import Any

import numpy as np

import compth as ct
from compth.reporting.plots import COLOURS, STYLE
from figures._progress import track

GAMMAS = (0.01, 0.02, 0.04, 0.08, 0.16)
ROUNDING = 1e-20
"""Relative squared distances below this are rounding, and drawn as 0."""
RUNS, LEAST = 64, 3000


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
        name: [ct.simulate(make(g), problem, max(LEAST, int(180 / g)), RUNS).floor for g in GAMMAS]
        for name, make in track(list(methods.items()), "floors, method")
    }
    return {"gamma": list(GAMMAS), "floor": floors}


def facts(data: dict[str, Any]) -> dict[str, float]:
    """Numbers of the caption."""
    return {"runs": RUNS, "steps": LEAST, "rounding": ROUNDING}


def draw(data: dict[str, Any]) -> Any:
    """Log-log: floors with markers, guides dashed; what is rounding stands on a strip of its own below the cut."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    gamma = np.array(data["gamma"])
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(4.6, 3.6), layout="constrained")
        axes, strip = figure.subplots(2, 1, sharex=True, height_ratios=(6, 1))
        zeros = 0
        for i, (name, marker) in enumerate(zip(data["floor"], "osD^", strict=True)):
            floor = np.array(data["floor"][name])
            if (floor > ROUNDING).all():
                axes.plot(gamma, floor, color=COLOURS[i], marker=marker, label=name)
            else:
                strip.plot(gamma, np.full(len(gamma), -zeros), color=COLOURS[i], marker=marker, label=name)
                zeros += 1
        for name, slope in (("DCGD", 1), ("EF", 2)):
            guide = 2 * data["floor"][name][0] * (gamma / gamma[0]) ** slope
            axes.plot(gamma, guide, color="0.4", linestyle="--", linewidth=1)
            axes.annotate(
                f"slope {slope}",
                (gamma[2], guide[2]),
                (-4, 4),
                textcoords="offset points",
                fontsize=8,
                ha="right",
            )
        axes.set_xscale("log")
        axes.set_yscale("log")
        strip.set_ylim(-max(zeros, 1) + 0.4, 0.6)
        strip.set_yticks([-(zeros - 1) / 2], ["0 (rounding)"])
        strip.grid(axis="y", visible=False)
        strip.set_xticks(gamma, [f"{g:g}" for g in gamma])
        strip.minorticks_off()
        strip.set_xlabel("step size γ")
        axes.set_ylabel("floor of $\\mathrm{E}\\,\\|x_t-x^*\\|^2/\\|x_0-x^*\\|^2$")
        figure.legend(*_together(axes, strip), loc="outside upper center", ncols=4, fontsize=8)
    return figure


def _together(*panels: Any) -> tuple[list[Any], list[str]]:
    """Handles and labels of several panels."""
    found = [axes.get_legend_handles_labels() for axes in panels]
    return [h for handles, _ in found for h in handles], [name for _, names in found for name in names]
