"""The paper's runs on the mushrooms data, by label: DIANA, QSGD and TernGrad at the steps of their theorems."""

from __future__ import annotations

from math import inf
from typing import Any

import numpy as np

import compth as ct
from compth.reporting.plots import COLOURS, STYLE
from paper_repro import _mushrooms

STEPS = {"ridge": 6000, "logistic": 1500}


def compared() -> tuple[dict[str, Any], dict[str, Any]]:
    """Relative floors of the four methods on ridge regression and on the second-order model of logistic regression."""
    methods = {
        "DIANA, p = 2": (ct.DIANA(ct.LpQuantization(2)), "diana.original"),
        "DIANA, p = inf": (ct.DIANA(ct.LpQuantization(inf)), "diana.original"),
        "QSGD (p = 2)": (ct.DCGD(ct.LpQuantization(2)), "dcgd.no_memory"),
        "TernGrad (p = inf)": (ct.DCGD(ct.TernGrad()), "dcgd.no_memory"),
    }
    values: dict[str, Any] = {}
    data: dict[str, Any] = {}
    for name, make in (("ridge", _mushrooms.ridge), ("logistic", _mushrooms.logistic)):
        q = make(10, "label")
        curves, ends = {}, []
        for label, (method, theorem) in methods.items():
            trace = ct.simulate(method, q, STEPS[name], 8, seed=1, theorem=theorem)
            share = trace.mean_square / trace.mean_square[0]
            every = slice(0, STEPS[name] + 1, 10)
            curves[label] = {"bits": trace.bits[every].tolist(), "distance": share[every].tolist()}
            ends.append(float(np.median(share[-100:])))
        values[f"mushrooms.{name}"] = min(ends[2:]) / max(ends[:2])
        data[name] = {"curves": curves, "kappa": q.kappa, "zeta2": q.zeta2_star, "L_max": q.L_max / q.L}
    return values, data


def draw(data: Any) -> Any:
    """The mushrooms data (5644 x 98), ten workers, split by label: floors without memory, none with it.

    E||x_t - x*||^2 relative to its start against uplink bits per worker, eight runs, each method at the constant step
    of its theorem: ridge regression and the second-order model of logistic regression at its optimum.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(7.2, 3.0), layout="constrained")
        axes = figure.subplots(1, 2, sharey=True)
        for panel, (name, held) in zip(axes, data.items(), strict=True):
            for i, (label, curve) in enumerate(held["curves"].items()):
                style = ("-", "--", "-", "--")[i]
                shown = label.replace("inf", "∞")
                panel.plot(curve["bits"], curve["distance"], style, color=COLOURS[i], label=shown)
            panel.set_yscale("log")
            panel.set_title(f"{name}, κ = {held['kappa']:.0f}", fontsize=9)
            panel.set_xlabel("uplink bits per worker")
            panel.ticklabel_format(axis="x", style="sci", scilimits=(0, 0), useMathText=True)
        axes[0].set_ylabel(r"$\mathrm{E}\,\|x_t-x^*\|^2\,/\,\|x_0-x^*\|^2$")
        axes[1].legend(fontsize=7)
    return figure
