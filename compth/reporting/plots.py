"""Figures: one style, colour-blind-safe colours, dashed theory and solid measurement.

Files are the same for the same data (`reports.figure_bytes`): nothing here may depend on time or on machines.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from compth._types import Array, Json, Numbers
from compth.reporting.arrivals import kinds_of, methods_of, row_label, steps_of
from compth.reporting.side_by_side import MEASURES, amount, title, winners

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D
    from matplotlib.typing import RcKeyType

    from compth.dynamics.trajectory import Trajectory
    from compth.reporting.asked import Compared
    from compth.simulation.trace import Trace

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#7F7F7F")
"""Okabe and Ito's palette (yellow replaced by grey), in the order used."""
STYLE: dict[RcKeyType, object] = {
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.alpha": 0.25,
    "lines.linewidth": 1.4,
    "legend.frameon": False,
    "figure.dpi": 120,
}
Corner = Literal["outside lower left", "outside lower right"]
LONGEST = 24
"""Characters of a method's name that fit above a panel."""
SMALLEST = 1e-16
"""Relative squared distances below this are rounding and are not drawn."""


def bare_square(axes: Axes) -> None:
    """A panel with equal units on both axes, without numbers, grid and spines."""
    axes.set_aspect("equal")
    axes.set_xticks([])
    axes.set_yticks([])
    axes.grid(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_visible(False)


PANELS = ("round t", "uplink bits sent per worker", "downlink bits received per worker")
"""What each panel of a comparison runs over; those after the first are logarithmic."""
RATIO = r"$\mathrm{E}\,\|x_t-x^*\|^2\,/\,\|x_0-x^*\|^2$"


def comparison_figure(comparison: Compared) -> Figure:
    """E||x_t - x*||^2 relative to its start against rounds, uplink bits and downlink bits.

    A row of three panels for each kind of step.

    Logarithmic in the squared distance; nothing below SMALLEST is drawn.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    # One row of panels for each kind of step, all on the same axes: what differs between rows is the step
    # alone.
    kinds_of_steps = kinds_of(comparison)
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(9.0, 4.5 + 3.0 * (len(kinds_of_steps) - 1)), layout="constrained")
        rows = figure.subplots(len(kinds_of_steps), 3, sharex="col", sharey=True, squeeze=False)
        for panels, whose in zip(rows, kinds_of_steps, strict=True):
            for j, panel in enumerate(panels):
                _fill(panel, comparison, j, whose)
                panel.tick_params(labelbottom=True)
            panels[0].set_ylabel(RATIO)
            if len(kinds_of_steps) > 1:
                heading = title(comparison, whose)  # a line above who is first
                panels[0].set_title(heading, loc="left", fontweight="bold", y=1.08)
        methods, kinds = _keys(comparison)
        _legend(figure, methods, "method", "outside lower left", 3)
        _legend(figure, kinds, "line", "outside lower right", 1 if len(methods) > 6 else 2)
    return figure


def comparison_panel(comparison: Compared, j: int, whose: str) -> Figure:
    """One panel of `comparison_figure` by itself, as for a narrow screen.

    j: index into PANELS. whose: a kind of step that the comparison has.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(4.2, 3.6), layout="constrained")
        panel = figure.subplots()
        _fill(panel, comparison, j, whose)
        panel.set_ylabel(RATIO)
    return figure


def _legend(figure: Figure, handles: list[Line2D], title: str, where: Corner, columns: int) -> None:
    """A titled key below the panels."""
    figure.legend(handles=handles, loc=where, ncols=columns, fontsize=8, title=title, alignment="left")


def _keys(comparison: Compared) -> tuple[list[Line2D], list[Line2D]]:
    """(a handle for each method: its colour, a handle for each kind of line, in grey)."""
    from matplotlib.lines import Line2D

    # Two keys, for colours and for kinds of line: one key of both would have their product of entries.
    methods = [
        Line2D(
            [],
            [],
            color=COLOURS[i % len(COLOURS)],
            linestyle=_line(i),
            linewidth=3,
            label=row_label(label),
        )
        for i, label in enumerate(dict.fromkeys(methods_of(comparison)))
    ]
    kinds: list[tuple[str, Json]] = [("mean of the runs ± 2 s.e.", {"linestyle": "-"})]
    if any(curve is not None for curve in comparison.exact):
        kinds += [("exact expectation", {"linestyle": "none", "marker": "o", "markerfacecolor": "none"})]
    if any(comparison.guarantee_curve(i) is not None for i in range(len(comparison.rows))):
        kinds += [("guaranteed bound", {"linestyle": "--"})]
    kinds += [(f"target {comparison.eps:g}", {"linestyle": ":"})]
    kinds += [("first at the target", {"linestyle": "none", "marker": "D"})]
    return methods, [Line2D([], [], color="0.4", markersize=3.5, label=name, **look) for name, look in kinds]


def _line(i: int) -> Literal["-", "-."]:
    """Dashed once the colours are used up."""
    return "-" if i < len(COLOURS) else "-."


def _fill(panel: Axes, comparison: Compared, j: int, whose: str) -> None:
    """One panel: every method's curves with this kind of step, over rounds (j = 0), uplink or downlink bits.

    whose: only rows with this kind of step are drawn.
    """
    panel.set_xscale("log" if j else "linear")
    methods, steps = methods_of(comparison), steps_of(comparison)
    # One colour a method, whatever its kinds of step: the key is the same for every row of panels.
    order = list(dict.fromkeys(methods))
    for i, trace in enumerate(comparison.traces):
        if steps[i] != whose:
            continue
        k = order.index(methods[i])
        colour = COLOURS[k % len(COLOURS)]
        across = (np.arange(trace.steps + 1), trace.bits, trace.downlink_bits)[j]
        _curve(panel, across, trace, comparison.guarantee_curve(i), colour, _line(k), first=j > 0)
        _dots(panel, across, comparison.exact[i], colour)
    panel.axhline(comparison.eps, color="0.5", linewidth=0.8, linestyle=":")
    panel.set_yscale("log")
    panel.set_xlabel(PANELS[j])
    if not j:
        panel.set_xlim(0, comparison.steps)
    panel.set_ylim(*_limits(comparison))
    _mark_first(panel, comparison, j, whose, order)


def _mark_first(panel: Axes, comparison: Compared, j: int, whose: str, order: list[str]) -> None:
    """Who is first at the target, and with what: a mark where it is, and its name above the panel.

    order: labels in the order of the colours.
    """
    measure = MEASURES[j]
    # Nobody arrives: no mark.
    if measure not in (first := winners(comparison, whose)):
        return
    i, needs = first[measure]
    method = methods_of(comparison)[i]
    colour = COLOURS[order.index(method) % len(COLOURS)]
    panel.plot(needs, comparison.eps, "D", color=colour, markersize=6, zorder=5, markeredgecolor="white")
    # A longer name would lie over the title of the panel on the left: the mark's colour and the key say it in full.
    name = row_label(method)
    name = name if len(name) <= LONGEST else f"{name[: LONGEST - 1]}…"
    panel.set_title(f"first: {name}, {amount(measure, needs)}", loc="right", fontsize=8)


def _dots(panel: Axes, across: Numbers, curve: Trajectory | None, colour: str) -> None:
    """The exact expectation at a dozen rounds, evenly over the panel."""
    # Circles on a solid line: that the mean of the runs follows the exact expectation is seen at a glance.
    if curve is None:
        return
    last = len(curve.mean_square) - 1
    # Dots evenly over the panel, not over the rounds: crowded ones would hide the line that they confirm.
    logarithmic = panel.get_xscale() == "log"
    at = np.unique((np.geomspace(1, last, 13) if logarithmic else np.linspace(0, last, 13)).astype(int))
    values = curve.mean_square / curve.mean_square[0]
    panel.plot(
        across[at], values[at], "o", color=colour, markersize=3.5, markerfacecolor="none", markeredgewidth=0.9
    )


def _limits(comparison: Compared) -> tuple[float, float]:
    """From four decades below the target (or the lowest curve) to three times the highest finite start."""
    curves = [t.mean_square / t.mean_square[0] for t in comparison.traces]
    # The target stays in view with four decades below it: deeper, curves are rounding, and would press the
    # rest together.
    lowest = min(float(c.min()) for c in curves)
    highest = max(float(c[np.isfinite(c)].max()) for c in curves)
    promised = [g for i in range(len(curves)) if (g := comparison.guarantee_curve(i)) is not None]
    highest = max([highest, *(float(g[0]) for g in promised if np.isfinite(g[0]))])
    return max(lowest / 3, comparison.eps * 1e-4, SMALLEST), min(3 * highest, 1e6)


def _few(count: int) -> Numbers:
    """Some 600 indices, close at the beginning: of a band every point would be stored, in pages of megabytes."""
    last = max(count - 1, 0)
    return np.unique(
        np.concatenate([np.geomspace(1, max(last, 1), 300) - 1, np.linspace(0, last, 300)]).astype(int)
    )


def _curve(
    panel: Axes,
    across: Numbers,
    trace: Trace,
    promised: Array | None,
    colour: str,
    style: str,
    *,
    first: bool,
) -> None:
    """Mean, band and bound; first: only from the first message on, as a logarithmic axis of bits needs it.

    across: rounds or bits, one for each entry of the trace. promised: the bound there, None without one.

    The band is two standard errors; a bound is dashed in the method's colour.
    """
    shown = trace.mean_square / trace.mean_square[0]
    band = 2 * trace.se_square / trace.mean_square[0]
    sent = across > 0 if first else np.full(len(across), True)
    # Zeros and infinities have no place on a logarithmic axis; a run that diverges ends where it does.
    good = np.isfinite(shown) & (shown > 0) & sent
    x, y, half = across[good], shown[good], band[good]
    panel.plot(x, y, color=colour, linestyle=style)
    # The band is two standard errors of the mean; its lower edge may be negative, which no logarithm shows.
    if half.any():
        x, y, half = (v[_few(len(v))] for v in (x, y, half))
        panel.fill_between(
            x, np.maximum(y - half, SMALLEST / 10), y + half, color=colour, alpha=0.2, linewidth=0
        )
    if promised is not None:
        panel.plot(across[sent], promised[sent], color=colour, linestyle="--", linewidth=1.0, alpha=0.9)
