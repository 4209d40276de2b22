"""How loose is a theorem: rounds to 1e-3 as promised, in the worst case, exactly there, as simulated, and in practice.

Caption: rounds to E||x_t-x*||^2 = 1e-3 ||x_0-x*||^2, as log(1e-3)/log(rate). Above EF21 (n = 4), left over the
condition number kappa at delta = 0.1, right over delta at kappa = 100; below DIANA (n = 10), over kappa at omega = 9
and over omega at kappa = 100. Dashed: the printed theorem's rate at its own step. Solid: the tight rate at the best
step. Circles: exact rate of the quadratic that attains it, curvature x^2/2 with C(v) = (1+s) v (EF21) or a compressor
that sends (1+omega) v or 0 (DIANA). Crosses: rate of a run of it (DIANA: of the mean of 1000 runs, between a quarter
and half of the way). Squares: first round of Top-k, k = delta d, or Rand-k, k = d/(1+omega), on a random quadratic (d
= 20, equal Hessians, different minimisers) at the step of the solid line, up to kappa = 100. The stored data hold the
attaining curvature.
"""

from __future__ import annotations

from math import log
from typing import Any

import numpy as np

import compth as ct
from compth.reporting.plots import COLOURS, STYLE
from figures.looseness import cell

EPS = 1e-3
D, N = 20, 4
KAPPAS = (2.0, 5.0, 10.0, 30.0, 100.0, 1000.0)
DELTAS = (0.05, 0.1, 0.2, 0.4, 0.6, 0.9)
OMEGAS = (1.0, 3.0, 9.0, 19.0)
MOST = 100.0
"""Largest kappa at which the runs on random quadratics are made."""


def rounds(rho: float) -> float:
    """log eps/log rho."""
    return log(EPS) / log(rho)


def slope(squares: Any) -> float:
    """Rate of a run between its middle and its end."""
    last = len(squares) - 1
    return float((squares[last] / squares[last // 2]) ** (1 / (last - last // 2)))


def point(kappa: float, delta: float) -> dict[str, float | None]:
    """EF21's five evidences in rounds."""
    tight = ct.tight_rate("EF21", mu=1 / kappa, L=1.0, delta=delta, n=N)
    run = tight.worst_case.simulate(int(2 * rounds(float(tight.rho))), 1)
    method = ct.EF21(ct.TopK(max(1, round(delta * D))), gamma=float(tight.stepsize))
    promised = cell("EF21", kappa, delta, N)["guarantee"]
    return evidence(tight, promised, slope(run.mean_square), method, N, kappa)


def diana_point(kappa: float, omega: float) -> dict[str, float | None]:
    """DIANA's; the runs of the attaining quadratic are 1000, as long as they need for a factor e^-3."""
    n = 10
    tight = ct.tight_rate("DIANA", mu=1 / kappa, L=1.0, omega=omega, n=n)
    run = tight.worst_case.simulate(int(rounds(float(tight.rho)) / 2), 1000)
    alpha = float(tight.params["alpha"])
    method = ct.DIANA(ct.RandK(round(D / (1 + omega))), gamma=float(tight.stepsize), alpha=alpha)
    return evidence(
        tight, cell("DIANA", kappa, omega, n)["guarantee"], slope(run.mean_square), method, n, kappa
    )


def evidence(
    tight: Any, promised: float, simulated: float, method: Any, n: int, kappa: float
) -> dict[str, float | None]:
    """The rounds of each kind of evidence."""
    q = ct.problems.random_quadratic(n, D, kappa, seed=4, hessians=0)
    steps, first = int(4 * rounds(float(tight.rho))), None
    if kappa <= MOST:
        curve = ct.simulate(
            method, q, min(steps, 30_000), 1 if isinstance(method, ct.EF21) else 16
        ).mean_square
        below = np.flatnonzero(curve < EPS * curve[0])
        first = float(below[0]) if len(below) else None
    return {
        "guarantee": rounds(promised),
        "tight": rounds(float(tight.rho)),
        "exact": rounds(tight.worst_case.rate),
        "simulated": rounds(simulated),
        "practice": first,
        "curvature": float(tight.worst_case.curvature),
    }


def compute() -> dict[str, Any]:
    """The four sweeps."""
    return {
        "EF21, κ": {"x": list(KAPPAS), "points": [point(k, 0.1) for k in KAPPAS]},
        "EF21, δ": {"x": list(DELTAS), "points": [point(100.0, v) for v in DELTAS]},
        "DIANA, κ": {"x": list(KAPPAS), "points": [diana_point(k, 9.0) for k in KAPPAS]},
        "DIANA, ω": {"x": list(OMEGAS), "points": [diana_point(100.0, v) for v in OMEGAS]},
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
    labels = {"practice": "random quadratic"}
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(5.2, 5.4), layout="constrained")
        panels = figure.subplots(2, 2, sharey="row").ravel()
        for axes, (name, sweep) in zip(panels, data.items(), strict=True):
            for key, look in looks.items():
                values = [np.nan if p[key] is None else p[key] for p in sweep["points"]]
                axes.plot(sweep["x"], values, label=labels.get(key, key), **look)
            method, constant = name.split(", ")
            axes.set_xscale("log")
            axes.set_yscale("log")
            axes.set_xlabel(constant)
            axes.set_title(method, fontsize=9)
            if constant != "κ":
                shown = [v for v in sweep["x"] if v != 0.6]
                axes.set_xticks(shown, [f"{v:g}" for v in shown])
                axes.minorticks_off()
        for axes in panels[::2]:
            axes.set_ylabel("rounds to 1e-3")
        figure.legend(*panels[0].get_legend_handles_labels(), loc="outside upper center", ncols=3, fontsize=8)
    return figure
