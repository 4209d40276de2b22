"""How loose is a theorem: rounds to 1e-3 as promised, in the worst case, exactly there, as simulated, and in practice.

Caption: rounds to E||x_t-x*||^2 = 1e-3 ||x_0-x*||^2, as log(1e-3)/log(rate). Above EF21 (n = 4), left over the
condition number kappa at delta = 0.1, right over delta at kappa = 100; below DIANA (n = 10), over kappa at omega = 9
and over omega at kappa = 100. Dashed: the printed theorem's rate at its own step. Solid: the tight rate at the best
step. Circles: exact rate of the quadratic that attains it, curvature x^2/2 with C(v) = (1+s) v (EF21) or a compressor
that sends (1+omega) v or 0 (DIANA). Crosses: what simulation finds for it (EF21: the slope of a run; DIANA: the mean
growth of a population of runs, see `grown`, with three standard errors). Squares: first round of Top-k, k = delta d, or
Rand-k, k = d/(1+omega), on a random quadratic (d = 20, equal Hessians, different minimisers) at the step of the solid
line, up to kappa = 100. The stored data hold the attaining curvature.
"""

from __future__ import annotations

from dataclasses import fields, replace
from math import log
from typing import Any

import numpy as np

import compth as ct
from compth.reporting.plots import COLOURS, STYLE
from figures._progress import track
from figures.looseness import cell

EPS = 1e-3
D, N = 20, 4
KAPPAS = (2.0, 5.0, 10.0, 30.0, 100.0, 1000.0)
DELTAS = (0.05, 0.1, 0.2, 0.4, 0.6, 0.9)
OMEGAS = (1.0, 3.0, 9.0, 19.0)
MOST = 100.0
"""Largest kappa at which the runs on random quadratics are made."""
PARTICLES, ROUNDS, POPULATIONS = 2000, 300, 8
"""Size of a population, the rounds after as many to settle, and how many give the standard error."""


def rounds(rho: float) -> float:
    """log eps/log rho."""
    return log(EPS) / log(rho)


def rounds_slope(rate: float) -> float:
    """|d rounds/d log rho| at this log rho."""
    return -log(EPS) / rate**2


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


def vectors(state: Any) -> dict[str, Any]:
    """What a state carries from round to round: x and the memories, (R, d) or (R, n, d)."""
    held = {f.name: getattr(state, f.name) for f in fields(state) if f.name != "held"}
    return {name: v for name, v in held.items() if isinstance(v, np.ndarray) and v.ndim >= 2}


def grown(method: Any, q: Any, seed: int) -> float:
    """Mean log-growth a round of E||x||^2 + mean_i E||h_i||^2 of a linear method, from one population of runs.

    The mean of independent runs is no use here: E||x_t||^2 lives on rarer and rarer runs (1000 of them missed the rate
    by a factor of 1.6). So after each round the population is resampled in proportion to each run's size and every run
    scaled back to size 1. Its law tends to that whose second moments are the Perron point of the round, where one round
    multiplies the size by the rate: the plain mean is then an estimate of small variance.
    """
    rng = np.random.default_rng(seed)
    plan, _, _ = ct.methods.plan_of(method, q)
    state, logs = method.init(q, np.repeat(q.start[None], PARTICLES, axis=0), plan), []
    for t in range(2 * ROUNDS):
        size = sum((v**2).sum(axis=-1).reshape(PARTICLES, -1).mean(axis=1) for v in vectors(state).values())
        logs.append(log(size.mean()))
        places = (np.arange(PARTICLES) + rng.random()) / PARTICLES
        rows = np.minimum(np.searchsorted(size.cumsum() / size.sum(), places), PARTICLES - 1)
        kept = {
            k: v[rows] / np.sqrt(size[rows]).reshape(-1, *[1] * (v.ndim - 1))
            for k, v in vectors(state).items()
        }
        state = method.step(q, replace(state, **kept, held=None), rng, plan, t)
    return float(np.mean(logs[ROUNDS:]))


def diana_point(kappa: float, omega: float) -> dict[str, float | None]:
    """DIANA's; simulated by populations of runs on the attaining quadratic, with three standard errors in rounds."""
    n = 10
    tight = ct.tight_rate("DIANA", mu=1 / kappa, L=1.0, omega=omega, n=n)
    worst = tight.worst_case
    logs = np.array([grown(worst.method, worst.problem, seed) for seed in range(POPULATIONS)])
    error = logs.std(ddof=1) / np.sqrt(POPULATIONS)
    alpha = float(tight.params["alpha"])
    method = ct.DIANA(ct.RandK(round(D / (1 + omega))), gamma=float(tight.stepsize), alpha=alpha)
    promised = cell("DIANA", kappa, omega, n)["guarantee"]
    found = evidence(tight, promised, float(np.exp(logs.mean())), method, n, kappa)
    return found | {"simulated_3se": 3 * float(error) * rounds_slope(float(logs.mean()))}


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
        "EF21, κ": {"x": list(KAPPAS), "points": [point(k, 0.1) for k in track(KAPPAS, "EF21, κ")]},
        "EF21, δ": {"x": list(DELTAS), "points": [point(100.0, v) for v in track(DELTAS, "EF21, δ")]},
        "DIANA, κ": {"x": list(KAPPAS), "points": [diana_point(k, 9.0) for k in track(KAPPAS, "DIANA, κ")]},
        "DIANA, ω": {"x": list(OMEGAS), "points": [diana_point(100.0, v) for v in track(OMEGAS, "DIANA, ω")]},
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
            bars = [(x, p["simulated"], p["simulated_3se"])
                    for x, p in zip(sweep["x"], sweep["points"], strict=True) if "simulated_3se" in p]  # fmt: skip
            if bars:
                axes.errorbar(*zip(*bars, strict=True), fmt="none", color=COLOURS[6])
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
