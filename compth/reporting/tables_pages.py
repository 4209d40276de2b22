"""Pages whose heart is a table: a tuning with its curves, a sweep with its rows in the order in which people ask."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from compth._types import Json
from compth.reporting.page import html_table, page, prose
from compth.reporting.plots import COLOURS, STYLE
from compth.reporting.reports import bits, inline_svg
from compth.reporting.told import FIRST, ordered_names

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from compth.tuning import Tuning

Row = Json


def tuning_page(
    found: Sequence[Tuning],
    header: Sequence[str],
    rows: Sequence[Sequence[str]],
    caption: str,
    command: str = "",
) -> str:
    """What to send: the answer, the curves with the chosen levels, the table, what is degenerate.

    header, rows: of the table; caption: what was asked.
    """
    notes = "".join(f"<li>{prose(f'{t.scheme}: {t.note}')}</li>" for t in found if t.note)
    body = (
        f"<p><b>{prose(best_of(found))}</b></p>"
        f'<p class="meta">{prose(caption)}</p>'
        f"<figure>{inline_svg(tuning_figure(found))}</figure>"
        '<p class="meta">Guaranteed improvement per unit of cost at each level; the dot is the chosen level.</p>'
        + html_table(header, rows)
        + (f"<h2>Remarks</h2><ul>{notes}</ul>" if notes else "")
    )
    return page("compth tune", body, command=command)


def best_of(found: Sequence[Tuning]) -> str:
    """Which scheme buys most per cost, in a sentence."""
    # Efficiency is comparable across schemes: the same cost, the same gradient.
    first, *others = sorted(found, key=lambda t: -float(t.efficiency))
    if not float(first.efficiency):
        return "The gradient is zero: send nothing."
    said = f"{first.scheme} at level {first.level} buys the most for its cost: {float(first.efficiency):.4g} per unit"
    if not others or not float(others[0].efficiency):
        return f"{said}."
    return f"{said}, {float(first.efficiency / others[0].efficiency):.3g} times {others[0].scheme}'s best."


def tuning_figure(found: Sequence[Tuning]) -> Figure:
    """Efficiency against level for each scheme, the chosen level as a dot, named at the curve's end."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(4.8, 3.4), layout="constrained")
        panel = figure.subplots()
        for t, colour in zip(found, COLOURS * len(found), strict=False):
            levels = np.asarray(t.levels, dtype=float)
            curve = np.asarray(t.curve, dtype=float)
            shown = np.isfinite(curve) & (curve > 0) & (levels > 0)
            panel.plot(levels[shown], curve[shown], color=colour, label=t.scheme)
            if t.level and float(t.efficiency) > 0:
                panel.plot([float(t.level)], [float(t.efficiency)], "o", color=colour, markersize=6)
        panel.set_xscale("log")
        panel.set_yscale("log")
        panel.xaxis.set_major_formatter("{x:g}")
        panel.set_xlabel("level (entries sent, or the family's parameter)")
        panel.set_ylabel("improvement per cost")
        figure.legend(loc="outside upper center", ncols=4, fontsize=8)
    return figure


def sweep_page(rows: Sequence[Row], title: str, command: str = "") -> str:
    """A line for each problem and method over its seeds, then every row; what is the same in all is said once.

    rows: of the store or the call; title: how many of what.
    """
    # What is the same in all rows is said once, above: the table then shows what differs.
    same, names = shared(rows)
    said = ", ".join(f"{k} = {cell(k, v)}" for k, v in same.items() if v not in (None, ""))
    caption = f"{title}. Same in all rows: {said}." if said else f"{title}."
    table = [[cell(n, row.get(n)) for n in names] for row in rows]
    body = (
        f'<p class="meta">{prose(caption)}</p>'
        + html_table(*over_seeds(rows))
        + "<h2>Every row</h2>"
        + html_table([n.replace("_", " ") for n in names], table)
    )
    return page("compth sweep", body, command=command)


def shared(rows: Sequence[Row]) -> tuple[Json, list[str]]:
    """(columns with one value in all rows, the others in the order in which people ask)."""
    names = ordered_names(rows)
    same = {
        n: rows[0].get(n) for n in names if len(rows) > 1 and len({repr(row.get(n)) for row in rows}) == 1
    }
    # A problem's own words hold its sizes: no column for them.
    inside = ("n", "d", "kappa") if all("problem" in row for row in rows) else ()
    asked = FIRST[:2]  # a row says what ran, and on what, in any case
    return (
        {n: v for n, v in same.items() if n not in (*asked, *inside)},
        [n for n in names if (n not in same or n in asked) and n not in inside],
    )


def over_seeds(rows: Sequence[Row]) -> tuple[list[str], list[list[str]]]:
    """Problem, method, seeds; medians over the seeds that arrive, of rounds with their range; how many do and fail."""
    groups: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        groups.setdefault((str(row.get("problem", "-")), str(row.get("method"))), []).append(row)
    header = ["problem", "method", "seeds", "rounds to eps", "bits to eps", "reached", "failed"]
    return header, [[*key, *_summary(held)] for key, held in groups.items()]


def _summary(held: Sequence[Row]) -> list[str]:
    """Seeds, rounds with their range, bits, how many arrive and fail."""
    # Medians are of the seeds that arrive; how many do is said beside them, for a median alone would hide the
    # others.
    failed = sum("error" in row or bool(row.get("diverged")) for row in held)
    reached = [row for row in held if row.get("rounds") is not None]
    rounds = _median("rounds", reached)
    ends = [cell("rounds", end([row["rounds"] for row in reached])) for end in (min, max) if reached]
    spread = f" ({ends[0]} to {ends[1]})" if len(set(ends)) == 2 else ""
    seen = f"{len(reached)}/{len(held)}"
    return [str(len(held)), f"{rounds}{spread}", _median("bits", reached), seen, str(failed)]


def _median(name: str, rows: Sequence[Row]) -> str:
    """The median of a column, "-" for none."""
    values = [row[name] for row in rows if row.get(name) is not None]
    return cell(name, statistics.median(values)) if values else "-"


def cell(name: str, value: object) -> str:
    """A value of a row: bits with their unit, numbers in five digits, "-" for none."""
    if value is None:
        return "-"
    if name == "bits" and isinstance(value, int | float):
        return bits(float(value))
    if name == "rounds" and isinstance(value, int | float):
        return f"{value:,.0f}"
    return f"{value:.5g}" if isinstance(value, float) else str(value)
