"""How loose is EF21's theorem: rounds to 1e-3 as promised, in the worst case, exactly there, and as simulated.

Caption: rounds to E||x_t-x*||^2 = 1e-3 ||x_0-x*||^2, as log(1e-3)/log(rate). Left over the condition number kappa at
delta = 0.1, right over delta at kappa = 100. Dashed: the printed theorem's rate at its own step. Solid: the tight rate
at the best step. Circles: exact rate of the quadratic that attains it, curvature x^2/2 with C(v) = (1+s) v. Crosses: a
run of it. Squares: first round of Top-k, k = delta d, on a random quadratic (d = 20, n = 4, equal Hessians) at the step
of the solid line, up to kappa = 100. The stored data hold the attaining curvature and 1 + s.
"""

from __future__ import annotations

from math import log
from typing import Any

import numpy as np

import compth as ct
from compth.plots import COLOURS, STYLE
from figures.looseness import cell

EPS = 1e-3
D, N = 20, 4
KAPPAS = (2.0, 5.0, 10.0, 30.0, 100.0, 1000.0)
DELTAS = (0.05, 0.1, 0.2, 0.4, 0.6, 0.9)


def rounds(rho: float) -> float:
    """log eps/log rho."""
    return log(EPS) / log(rho)


def slope(squares: Any) -> float:
    """Rate of a run between its middle and its end."""
    last = len(squares) - 1
    return float((squares[last] / squares[last // 2]) ** (1 / (last - last // 2)))


def point(kappa: float, delta: float) -> dict[str, float | None]:
    """The five evidences in rounds."""
    both = cell("EF21", kappa, delta, N)
    tight = ct.tight_rate("EF21", mu=1 / kappa, L=1.0, delta=delta, n=N)
    steps = int(2 * rounds(float(tight.rho)))
    run = tight.worst_case.simulate(steps, 1)
    q = ct.problems.random_quadratic(N, D, kappa, seed=4, hessians=0)
    gamma = float(tight.stepsize) / q.L_max
    practice = ct.simulate(
        ct.EF21(ct.TopK(max(1, round(delta * D))), gamma=gamma), q, min(2 * steps, 15_000), 1
    )
    curve = practice.mean_square / practice.mean_square[0]
    below = np.flatnonzero(curve < EPS)
    return {
        "guarantee": rounds(both["guarantee"]),
        "tight": rounds(float(tight.rho)),
        "exact": rounds(tight.worst_case.rate),
        "simulated": rounds(slope(run.mean_square)),
        "practice": float(below[0]) if len(below) else None,
        "curvature": float(tight.worst_case.curvature),
        "factor": float(tight.worst_case.compressor.factor),
    }


def compute() -> dict[str, Any]:
    """Both sweeps."""
    return {
        "kappa": {"x": list(KAPPAS), "points": [point(k, 0.1) for k in KAPPAS]},
        "delta": {"x": list(DELTAS), "points": [point(100.0, v) for v in DELTAS]},
    }


def draw(data: dict[str, Any]) -> Any:
    """Log-log, one panel a constant."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    looks: dict[str, dict[str, Any]] = {
        "guarantee": {"linestyle": "--", "color": COLOURS[0]},
        "tight": {"linestyle": "-", "color": COLOURS[1]},
        "exact": {
            "marker": "o",
            "linestyle": "none",
            "color": COLOURS[1],
            "markerfacecolor": "none",
            "markersize": 8,
        },
        "simulated": {"marker": "x", "linestyle": "none", "color": COLOURS[6], "markersize": 5},
        "practice": {"marker": "s", "linestyle": ":", "color": COLOURS[2], "markersize": 4},
    }
    labels = {"practice": "Top-k, random quadratic"}
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(5.2, 3.2), layout="constrained")
        panels = figure.subplots(1, 2, sharey=True)
        for axes, (name, sweep) in zip(panels, data.items(), strict=True):
            for key, look in looks.items():
                axes.plot(
                    sweep["x"],
                    [np.nan if p[key] is None else p[key] for p in sweep["points"]],
                    label=labels.get(key, key),
                    **look,
                )
            axes.set_xscale("log")
            axes.set_yscale("log")
            axes.set_xlabel({"kappa": "κ", "delta": "δ"}[name])
        panels[1].set_xticks([0.05, 0.1, 0.2, 0.4, 0.9], ["0.05", "0.1", "0.2", "0.4", "0.9"])
        panels[1].minorticks_off()
        panels[0].set_ylabel("rounds to 1e-3")
        figure.legend(*panels[0].get_legend_handles_labels(), loc="outside upper center", ncols=3, fontsize=8)
    return figure
