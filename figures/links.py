"""Which method wins at which link: uplink bits to a given accuracy in the worst case, relative to full gradients.

Caption: cost of DIANA with Rand-k over the cost of GD, per worker, over the condition number kappa and the compressor's
omega = d/k - 1, for d = 1000 and n = 1, 10, 100 workers. Both run at the best step of their worst case over all
L-smooth mu-strongly convex f_i (closed forms), so a cell says what can be promised, not what a lucky problem gives.
Blue: DIANA sends less; orange: GD does. Above, a link that charges bits only; below, TCP on Ethernet, where each packet
pays 624 bits of headers. Many workers and few headers favour compression; n = 1 never does. EF21 with Top-k is in the
stored data: its worst case sends more than GD in every cell. It needs gradients that are far from flat: the data hold
the delta at which it would draw level.
"""

from __future__ import annotations

from math import log
from typing import Any

import numpy as np
from scipy.optimize import brentq

import compth as ct
from compth._numbers import log2_ceil
from compth.bits import FLOAT_BITS
from compth.methods.core import closed_forms as forms
from compth.reporting.plots import COLOURS, STYLE
from figures._progress import track

D = 1000
KAPPAS = (3.0, 10.0, 30.0, 100.0, 1000.0, 10000.0)
KEPT = (500, 250, 100, 50, 20, 5, 1)
WORKERS = (1, 10, 100)
LINKS: dict[str, Any] = {"bits only": ct.costs.Payload(), "TCP on Ethernet": ct.costs.LINKS["ethernet"].cost}


def per_digit(rho: float, cost: float) -> float:
    """Cost of one factor e in the squared distance."""
    return cost / -log(rho)


def cell(kappa: float, k: int, n: int, link: Any) -> dict[str, float | None]:
    """Costs relative to GD's, and the delta at which EF21 with k entries would cost as much as GD."""
    mu = 1 / kappa
    full = per_digit(((kappa - 1) / (kappa + 1)) ** 2, float(link(FLOAT_BITS * D)))
    diana = ct.tight_rate("DIANA", mu=mu, L=1.0, omega=D / k - 1, n=n)
    price = float(link((FLOAT_BITS + log2_ceil(D)) * k))

    def feedback(delta: float) -> float:
        return per_digit(float(forms.feedback_factor(mu, 1.0, delta)), price)

    even = (
        brentq(lambda delta: log(feedback(delta) / full), 1e-6, 1 - 1e-12)
        if feedback(1 - 1e-12) < full
        else None
    )
    return {
        "diana": per_digit(float(diana.rho), float(link(FLOAT_BITS * k))) / full,
        "ef21": feedback(k / D) / full,
        "ef21_even_delta": even,
    }  # fmt: skip


def compute() -> dict[str, Any]:
    """link -> n -> rows over omega, columns over kappa."""
    cells = {
        name: {str(n): [[cell(kappa, k, n, link) for kappa in KAPPAS] for k in KEPT] for n in WORKERS}
        for name, link in track(list(LINKS.items()), "links")
    }
    return {
        "d": D,
        "kappa": list(KAPPAS),
        "omega": [D / k - 1 for k in KEPT],
        "k": list(KEPT),
        "cells": cells,
    }


def draw(data: dict[str, Any]) -> Any:
    """A panel for each link and n, the ratio in every cell."""
    import matplotlib as mpl
    from matplotlib.colors import LinearSegmentedColormap, LogNorm
    from matplotlib.figure import Figure

    both = LinearSegmentedColormap.from_list("winner", [COLOURS[0], "#FFFFFF", COLOURS[4]])
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(7.2, 4.9), layout="constrained")
        links = list(data["cells"])
        grid = figure.subplots(len(links), len(WORKERS), sharex=True, sharey=True)
        for i, name in enumerate(links):
            for j, (n, rows) in enumerate(data["cells"][name].items()):
                axes = grid[i][j]
                ratio = np.array([[c["diana"] for c in row] for row in rows])
                image = axes.imshow(ratio, norm=LogNorm(1 / 20, 20), cmap=both, aspect="auto")
                for (r, c), v in np.ndenumerate(ratio):
                    text = f"{v:.0f}" if v >= 9.95 else f"{v:.2g}" if v >= 0.1 else f"{v:.2f}"
                    axes.text(
                        c,
                        r,
                        text,
                        ha="center",
                        va="center",
                        fontsize=7,
                        color="white" if v < 0.12 else "black",
                    )
                axes.grid(False)
                axes.set_title(f"{name}, n = {n}", fontsize=8)
                axes.set_xticks(range(len(data["kappa"])), [f"{k:g}" for k in data["kappa"]], fontsize=6)
                axes.set_yticks(range(len(data["omega"])), [f"{w:g}" for w in data["omega"]], fontsize=7)
        for axes in grid[-1]:
            axes.set_xlabel("κ")
        for row in grid:
            row[0].set_ylabel("ω")
        bar = figure.colorbar(image, ax=grid, ticks=[0.05, 0.2, 1, 5, 20], shrink=0.7, extend="both")
        bar.ax.set_yticklabels(["1/20", "1/5", "1", "5", "20"], fontsize=7)
        bar.set_label("cost of DIANA / cost of GD", fontsize=8)
        bar.ax.minorticks_off()
        bar.ax.set_title("GD\nsends less", fontsize=8, color="#8A5F00")
        bar.ax.text(0.5, -0.09, "DIANA\nsends less", transform=bar.ax.transAxes, ha="center", va="top", fontsize=8,
                    color=COLOURS[0])  # fmt: skip
    return figure
