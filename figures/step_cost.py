"""What a step size costs: rounds to a relative squared distance of 1e-4 against gamma, by how sure one can be of them.

Caption: a random quadratic with n = 4, d = 8, kappa = 30 and different minimisers. Left, DIANA with Rand-2; right, EF21
with Top-2. Dashed: the best theorem that covers the step (it ends where no theorem does; the dot is the step that it
plans). It jumps where the theorem with the mean's mu ends: those beyond know the mu_i of single workers alone, the
least of which is small here. Thin: the worst case over all problems whose every f_i has this mu and L_max. Thick: this
problem, by exact second moments (DIANA) or by its deterministic run (EF21, dots). Diamonds mark the best step tried. A
theorem's step is safe for every problem; on this one it costs {diana:.2g} times the rounds of the best for DIANA and
{ef21:.2g} times for EF21. For DIANA this problem is as slow as the worst one at every step that is safe for both: short
steps, not hard problems, cost the rounds.
"""

from __future__ import annotations

from math import log
from typing import Any

import numpy as np

import compth as ct
from compth.errors import CompthError
from compth.reporting.plots import COLOURS, STYLE
from figures._progress import track

EPS = 1e-4
POINTS = 15
STEPS = 12_000


def problem() -> Any:
    """The problem of the caption."""
    return ct.problems.random_quadratic(4, 8, 30, seed=2)


def promised(method: Any, q: Any) -> float | None:
    """Rounds of the best theorem at the method's step, if any covers it."""
    try:
        rate = ct.guarantee(method, q)
    except CompthError:
        return None
    return rounds(rate.rho)


def rounds(rho: float | None) -> float | None:
    """log eps/log rho: rounds at the asymptotic rate; None without contraction."""
    return log(EPS) / log(rho) if rho is not None and 0 < rho < 1 else None


def worst(
    name: str, q: Any, constant: dict[str, float], gamma: float, extra: dict[str, float]
) -> float | None:
    """Rounds in the worst case over the class with the problem's own mu and L_max."""
    try:
        found = ct.tight_rate(name, mu=q.mu, L=q.L_max, n=q.n, gamma=gamma, **constant, **extra)
    except CompthError:
        return None
    return rounds(float(found.rho))


def here(method: Any, q: Any) -> float | None:
    """Rounds on this problem at this step: exact rate, or the first round of the (deterministic) run below eps."""
    if isinstance(method, ct.DIANA):
        rate = ct.exact_rate(method, q)
        return rounds(rate.rho) if rate.converged else None
    curve = ct.simulate(method, q, STEPS, 1).mean_square
    below = np.flatnonzero(curve < EPS * curve[0])
    return float(below[0]) if len(below) and curve[-1] < EPS * curve[0] else None


def curves(
    make: Any, name: str, constant: dict[str, float], gammas: Any, extra: dict[str, float]
) -> dict[str, Any]:
    """Rounds by evidence at every step size, and the step that the best theorem plans."""
    q = problem()
    planned = ct.guarantee(make(None), q)
    gammas = np.sort(np.append(gammas, float(planned.stepsize)))
    return {
        "gamma": [float(g) for g in gammas],
        "guarantee": [promised(make(float(g)), q) for g in gammas],
        "worst": [worst(name, q, constant, float(g), extra) for g in gammas],
        "here": [here(make(float(g)), q) for g in track(gammas, f"{name}, step size")],
        "planned": [float(planned.stepsize), rounds(planned.rho)],
        "theorem": planned.theorem,
    }


def compute() -> dict[str, Any]:
    """The two panels."""
    q = problem()
    omega, delta = 3.0, 0.25
    alpha = 1 / (1 + omega) / 2
    gammas = np.geomspace(0.01, 5.0, POINTS) / q.L

    def diana(gamma: float | None) -> Any:
        return ct.DIANA(ct.RandK(2), gamma=gamma, alpha=alpha)

    def ef21(gamma: float | None) -> Any:
        return ct.EF21(ct.TopK(2), gamma=gamma)

    return {
        "eps": EPS,
        "panels": {
            "DIANA, Rand-2": curves(diana, "DIANA", {"omega": omega}, gammas, {"alpha": alpha}),
            "EF21, Top-2": curves(ef21, "EF21", {"delta": delta}, gammas, {}),
        },
    }


def facts(data: dict[str, Any]) -> dict[str, float]:
    """How many times the rounds of the best step the theorem's step takes on this problem, for the caption."""
    return {name.split(",")[0].lower(): cost(curve) for name, curve in data["panels"].items()}


def cost(curve: dict[str, Any]) -> float:
    """Rounds here at the theorem's step over the fewest."""
    rounds_here = dict(zip(curve["gamma"], curve["here"], strict=True))
    return float(rounds_here[curve["planned"][0]] / min(v for v in curve["here"] if v is not None))


def draw(data: dict[str, Any]) -> Any:
    """Log-log, one panel a method."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    names = {"guarantee": "guarantee", "worst": "worst case", "here": "this problem"}
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(5.2, 3.1), layout="constrained")
        panels = figure.subplots(1, 2, sharey=True)
        for axes, (title, curve) in zip(panels, data["panels"].items(), strict=True):
            for i, key in enumerate(names):
                y = np.array([np.nan if v is None else v for v in curve[key]], dtype=float)
                line, width = ("--", "-", "-")[i], (1.4, 1.0, 2.6)[i]
                dots = {"marker": "o", "markersize": 3} if key == "here" and "EF21" in title else {}
                axes.plot(
                    curve["gamma"],
                    y,
                    line,
                    color=COLOURS[i],
                    linewidth=width,
                    label=names[key],
                    zorder=2 - (i == 2) + 0.5,
                    **dots,
                )
                if key != "guarantee":
                    best = int(np.nanargmin(y))
                    axes.plot(curve["gamma"][best], y[best], "D", color=COLOURS[i], markersize=5)
            axes.plot(*curve["planned"], "o", color=COLOURS[0], markersize=6)
            axes.set_xscale("log")
            axes.set_yscale("log")
            axes.set_xlabel("step size γ")
            axes.set_title(title, fontsize=9)
        panels[0].set_ylabel("rounds to 1e-4")
        figure.legend(*panels[0].get_legend_handles_labels(), loc="outside upper center", ncols=3, fontsize=8)
    return figure
