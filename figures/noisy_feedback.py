"""EF21 does not survive noise, whatever the step; EF21-SGDM does: gradients averaged over time before they are sent.

Caption: limit of E||grad f(x_t)||^2 over the gradient noise sigma^2 against the step, f(x) = ||x||^2/2 on R^2, noise
one of three vectors in proportion to (2, 0), (0, 1), (-2, -1), Top-1, one worker; {runs} runs, the mean of the last
half of {rounds} rounds. EF21's floor hardly moves with the step; with momentum eta = sqrt(gamma) it falls. The example
is that of the momentum paper, from memory; what is drawn was simulated.
"""

from __future__ import annotations

from typing import Any

import numpy as np

import compth as ct
from compth.problems import FiniteSum
from compth.reporting.plots import COLOURS, STYLE
from figures._progress import track

GAMMAS = (0.1, 0.02, 0.004, 0.0008)
RUNS, PACE = 32, 8.0
"""Replicates, and rounds times gamma."""
NOISE = np.array([[2.0, 0.0], [0.0, 1.0], [-2.0, -1.0]]) * np.sqrt(3 / 10)
"""Three equally likely vectors of mean 0 and mean square 1."""


def problem() -> Any:
    """Three parts with Hessian 1 whose gradients differ by the noise: a drawn part is a noisy gradient."""
    return FiniteSum(np.tile(np.eye(2), (1, 3, 1, 1)), -NOISE[None])


def methods(gamma: float) -> dict[str, Any]:
    """Both at a step."""
    one = ct.Minibatch(1)
    momentum = ct.EF21SGDM(ct.TopK(1), gamma=gamma, eta=float(np.sqrt(gamma)), oracle=one)
    return {"EF21": ct.EF21(ct.TopK(1), gamma=gamma, oracle=one), "EF21-SGDM": momentum}


def level(method: Any, gamma: float) -> float:
    """Mean of E||grad f||^2 over the last half of the rounds, from x_0 = (0, 0.01)."""
    rounds = int(2 * PACE / gamma)
    run = ct.simulate(method, problem(), rounds, RUNS, seed=0, x0=np.array([0.0, 0.01]))
    return float(run.mean_gradient_square[rounds // 2 :].mean())


def compute() -> dict[str, Any]:
    """The level of both methods at each step."""
    found: dict[str, list[float]] = {"EF21": [], "EF21-SGDM": []}
    for gamma in track(list(GAMMAS), "noisy feedback, step"):
        for name, method in methods(gamma).items():
            found[name].append(level(method, gamma))
    return {"gamma": list(GAMMAS), "level": found}


def facts(data: dict[str, Any]) -> dict[str, Any]:
    """Numbers of the caption."""
    return {"runs": RUNS, "rounds": f"{2 * PACE:g}/gamma"}


def draw(data: dict[str, Any]) -> Any:
    """Log-log."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(4.6, 3.2), layout="constrained")
        axes = figure.subplots()
        for i, (name, level_) in enumerate(data["level"].items()):
            axes.plot(data["gamma"], level_, color=COLOURS[i], marker="os"[i], label=name)
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set_xlabel("step size")
        axes.set_ylabel(r"limit of $\mathrm{E}\,\|\nabla f(x_t)\|^2/\sigma^2$")
        axes.legend()
    return figure
