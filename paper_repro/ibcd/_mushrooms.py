"""The paper's Figures 11 and 12 on the mushrooms data: ISEGA with n tau = 1 beside gradient descent, and other tau."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

import compth as ct
from compth.reporting.plots import COLOURS, STYLE
from paper_repro import _mushrooms
from paper_repro.ibcd._statements import rounds

WORKERS = (7, 14, 49)
COORDINATES = (1, 7, 49, 98)
"""Coordinates that each of 14 workers sends, of 98: 7 is tau = 1/n."""
STEPS = 1500


def descent(q: Any) -> Any:
    """E||x_t - x*||^2 of gradient descent at 1/(2L), the paper's baseline."""
    return ct.simulate(ct.GD(1 / (2 * q.L)), q, STEPS, 1, seed=0).mean_square


def isega(q: Any, tau: Fraction) -> Any:
    """The same of ISEGA at the figures' step 1/(L(1 + 1/(n tau)))."""
    gamma = 1 / (q.L * (1 + 1 / float(q.n * tau)))
    return ct.simulate(ct.ISEGA(tau=tau, gamma=gamma), q, STEPS, 4, seed=1).mean_square


def compared() -> tuple[dict[str, Any], dict[str, Any]]:
    """Rounds to 10^-6 over gradient descent's: by n at n tau = 1, for both losses, and by tau at n = 14."""
    values: dict[str, Any] = {}
    panels: dict[str, Any] = {}
    for name, make in (("ridge", _mushrooms.ridge), ("logistic", _mushrooms.logistic)):
        whole = descent(make(7))
        curves = {"GD": whole, **{f"n = {n}": isega(make(n), Fraction(1, n)) for n in WORKERS}}
        values[f"mushrooms.{name}"] = [rounds(c) / rounds(whole) for c in list(curves.values())[1:]]
        panels[f"{name}, n τ = 1"] = curves
    q = _mushrooms.logistic(14)
    other = {f"τ = {k}/98": isega(q, Fraction(k, 98)) for k in COORDINATES}
    panels["logistic, n = 14"] = other
    own = rounds(other["τ = 7/98"])
    values["mushrooms.more"] = own / rounds(other["τ = 98/98"])
    values["mushrooms.fewer"] = float(other["τ = 1/98"][own] / other["τ = 7/98"][own])
    every = slice(0, STEPS + 1, 10)
    data = {
        name: {k: (c / c[0])[every].tolist() for k, c in curves.items()} for name, curves in panels.items()
    }
    return values, data


def draw(data: Any) -> Any:
    """The mushrooms data (5644 x 98): the same rounds with 1/n of the coordinates, as the paper's Figures 11 and 12.

    E||x_t - x*||^2 relative to its start, four runs: ISEGA at 1/(L(1 + 1/(n tau))), that is 1/(2L) at n tau = 1, beside
    gradient descent at 1/(2L), for ridge regression (kappa = 101) and for the second-order model of logistic regression
    (kappa = 36). Right: 14 workers that send 1, 7 (tau = 1/n), 49 or all of 98 coordinates: fewer than 1/n is slow,
    more gains about a factor of two.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(7.4, 2.9), layout="constrained")
        axes = figure.subplots(1, 3, sharey=True)
        for panel, (name, curves) in zip(axes, data.items(), strict=True):
            for i, (label, curve) in enumerate(curves.items()):
                y = np.array(curve)
                panel.plot(
                    10 * np.arange(len(y)), y, ("-", "--", "-.", ":")[i], color=COLOURS[i], label=label
                )
            panel.set_yscale("log")
            panel.set_ylim(1e-8, 2)
            panel.set_xlim(0, 1200 if name.startswith("ridge") else 600)
            panel.set_title(name, fontsize=9)
            panel.set_xlabel("round t")
            panel.legend(fontsize=7)
        axes[0].set_ylabel(r"$\mathrm{E}\,\|x_t-x^*\|^2\,/\,\|x_0-x^*\|^2$")
    return figure
