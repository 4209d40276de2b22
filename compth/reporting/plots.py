"""Figures: one style, colour-blind-safe colours, dashed theory and solid measurement."""

from __future__ import annotations

from typing import Any

import numpy as np

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#7F7F7F")
"""Okabe and Ito's palette (yellow replaced by grey), in the order used."""
STYLE: Any = {
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.alpha": 0.25,
    "lines.linewidth": 1.4,
    "legend.frameon": False,
    "figure.dpi": 120,
}
SMALLEST = 1e-16
"""Relative squared distances below this are rounding and are not drawn."""


def comparison_figure(comparison: Any) -> Any:
    """E||x_t - x*||^2 relative to its start against rounds, uplink bits and downlink bits."""
    import matplotlib as mpl
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(10.5, 4.9), layout="constrained")
        panels = figure.subplots(1, 3, sharey=True)
        handles = []
        for i, trace in enumerate(comparison.traces):
            colour = COLOURS[i % len(COLOURS)]
            style: Any = "-" if i < len(COLOURS) else "-."
            axes = (np.arange(trace.steps + 1), trace.bits, trace.downlink_bits)
            for panel, across in zip(panels, axes, strict=True):
                _curve(panel, across, trace, comparison.guarantee_curve(i), colour, style)
                _dots(panel, across, comparison.exact[i], colour)
            handles.append(Line2D([], [], color=colour, linestyle=style, label=trace.label))
        handles.append(Line2D([], [], color="0.3", linestyle="-", label="simulated mean ± 2 s.e."))
        if any(curve is not None for curve in comparison.exact):
            dots = Line2D(
                [], [], color="0.3", linestyle="none", marker="o", markersize=3.5, markerfacecolor="none"
            )
            dots.set_label("exact expectation")
            handles.append(dots)
        handles.append(Line2D([], [], color="0.3", linestyle="--", label="guarantee"))
        handles.append(Line2D([], [], color="0.5", linestyle=":", label=f"target {comparison.eps:g}"))
        names = ("round t", "uplink bits sent per worker", "downlink bits received per worker")
        for panel, name in zip(panels, names, strict=True):
            panel.axhline(comparison.eps, color="0.5", linewidth=0.8, linestyle=":")
            panel.set_yscale("log")
            panel.set_xlabel(name)
        for panel in panels[1:]:
            panel.set_xscale("log")
        panels[0].set_xlim(0, comparison.steps)
        panels[0].set_ylabel(r"$\mathrm{E}\,\|x_t-x^*\|^2\,/\,\|x_0-x^*\|^2$")
        panels[0].set_ylim(*_limits(comparison))
        figure.legend(handles=handles, loc="outside lower center", ncols=3, fontsize=8)
    return figure


def _dots(panel: Any, across: Any, curve: Any, colour: str) -> None:
    """The exact expectation at a dozen rounds, evenly over the panel."""
    if curve is None:
        return
    last = len(curve.mean_square) - 1
    logarithmic = panel.get_subplotspec().colspan.start > 0
    at = np.unique((np.geomspace(1, last, 13) if logarithmic else np.linspace(0, last, 13)).astype(int))
    values = curve.mean_square / curve.mean_square[0]
    panel.plot(
        across[at], values[at], "o", color=colour, markersize=3.5, markerfacecolor="none", markeredgewidth=0.9
    )


def _limits(comparison: Any) -> tuple[float, float]:
    """From four decades below the target (or the lowest curve) to three times the highest finite start."""
    curves = [t.mean_square / t.mean_square[0] for t in comparison.traces]
    lowest = min(float(c.min()) for c in curves)
    highest = max(float(c[np.isfinite(c)].max()) for c in curves)
    promised = [g for i in range(len(curves)) if (g := comparison.guarantee_curve(i)) is not None]
    highest = max([highest, *(float(g[0]) for g in promised if np.isfinite(g[0]))])
    return max(lowest / 3, comparison.eps * 1e-4, SMALLEST), min(3 * highest, 1e6)


def _curve(panel: Any, across: Any, trace: Any, promised: Any, colour: str, style: str) -> None:
    shown = trace.mean_square / trace.mean_square[0]
    band = 2 * trace.se_square / trace.mean_square[0]
    good = np.isfinite(shown) & (shown > 0)
    x, y, half = across[good], shown[good], band[good]
    panel.plot(x, y, color=colour, linestyle=style)
    panel.fill_between(x, np.maximum(y - half, SMALLEST / 10), y + half, color=colour, alpha=0.2, linewidth=0)
    if promised is not None:
        panel.plot(across, promised, color=colour, linestyle="--", linewidth=1.0, alpha=0.9)
