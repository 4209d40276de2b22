"""A comparison as a table that answers its question, a table of everything, and a page.

What is promised by a theorem, certified for the class and seen here stand in columns of their own.
"""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import TYPE_CHECKING

from compth.claims import how_sharp, shown
from compth.compressors.identity import Identity
from compth.reporting.arrivals import (
    arrived,
    grows,
    kinds_of,
    methods_of,
    promised,
    row_label,
    seen,
    sent,
)
from compth.reporting.page import html_table, page, prose
from compth.reporting.plots import COLOURS, PANELS, comparison_panel
from compth.reporting.reports import bits, inline_svg, number, rate
from compth.reporting.side_by_side import title

if TYPE_CHECKING:
    from compth.methods.core.method import Method
    from compth.reporting.asked import Compared
    from compth.studies.comparison_row import Row


SEARCHED = ("certified", "best", "tuned")
"""Whose steps no theorem plans: that none speaks of them goes without saying."""


def columns(comparison: Compared) -> tuple[list[str], list[list[str]]]:
    """Header and cells of the table that is printed: whose step, and rounds as promised, certified and seen.

    A row of the table for each row of the comparison, in its order.
    """
    header = ["method", "compressor", "step", "step from", "promised", "certified", "here", "uplink", "floor"]
    return header, [_cells(comparison, i) for i in range(len(comparison.rows))]


def _cells(comparison: Compared, i: int) -> list[str]:
    """A row: whose step, what is promised and certified, what is seen, and the floor."""
    # Promised, certified and seen in columns of their own: a blank in one says nothing of the others.
    r, method = comparison.rows[i], comparison.methods[i]
    return [
        r.method,
        _compressor(r, method, short=True),
        number(r.stepsize, 3),
        r.stepsize_from,
        promised(comparison, r),
        number(r.certified_rounds),
        seen(comparison, i),
        bits(sent(comparison, i)[0]),
        "-" if grows(r, comparison.traces[i]) else _floor(r),
    ]


def _floor(r: Row) -> str:
    """The floor seen, else the theorem's bound on it; small ones as powers of ten, which keeps the column narrow."""
    # A floor that was seen says more than a bound on it.
    bound = r.simulated_floor is None and r.guaranteed_floor is not None
    return f"<={_short(r.guaranteed_floor)}" if bound else _short(r.simulated_floor)


def _short(value: float | None) -> str:
    """Two digits; powers of ten below 1e-3."""
    return (
        number(value, 2)
        if value is None or value == 0 or value >= 1e-3
        else f"{value:.0e}".replace("e-0", "e-")
    )


def _compressor(r: Row, method: Method, *, short: bool) -> str:
    """The compressor's label, "" where the method takes none; short: Top-6 for TopK(k=6)."""
    if not method.takes_compressor and isinstance(method.compressor, Identity):
        return ""
    return row_label(r.compressor) if short else str(r.compressor)


def answer(comparison: Compared) -> str:
    """Who needs the fewest rounds and the fewest uplink bits, in one sentence; "" where nobody arrives.

    Whose steps these are is said, since another step may turn the order.
    """
    # Only those that arrive are ranked: a method that never does is not second, it is out.
    there = {i: rounds for i in range(len(comparison.rows)) if (rounds := arrived(comparison, i)) is not None}
    if not there:
        return ""
    uplink = {i: float(sent(comparison, i)[0] or 0) for i in there}
    first, least = min(there, key=there.__getitem__), min(there, key=uplink.__getitem__)
    label, cheap = comparison.rows[first].label, comparison.rows[least].label
    given = any(r.stepsize_from in ("given", *SEARCHED) for r in comparison.rows)
    steps = "these steps" if given else "the theorems' steps"
    needs, cost = f"{there[first]:,}", bits(uplink[least])
    # One sentence for the usual case that the same method wins both.
    if first == least:
        return f"At {steps} {label} needs the fewest rounds ({needs}) and uplink bits ({cost})."
    return (
        f"At {steps} {label} needs the fewest rounds ({needs}) and {cheap} the fewest uplink bits ({cost})."
    )


def legend(comparison: Compared) -> str:
    """What the columns of `columns` mean.

    Only what occurs in the table is explained.
    """
    # Words for what does not occur in the table are left out.
    growing = any(map(grows, comparison.rows, comparison.traces))
    diverges = " diverges: it grows, and has no floor;" if growing else ""
    return (
        f"Rounds and uplink bits per worker until E||x_t-x*||^2 stays below {comparison.eps:g} ||x_0-x*||^2: promised"
        " by the theorem at this step; certified at the certificate's own best step; here: exact expectation where it"
        f" is known, else the mean of the runs. never: the floor is above the target;{diverges} floor: as seen, or"
        f" at most (<=), relative to ||x_0-x*||^2; -: nothing is promised, or not reached.{_wider(comparison.rows)}"
    )


def _wider(rows: Sequence[Row]) -> str:
    """What the certified columns speak of, where there is one."""
    if all(r.tight_rate is None and r.certified_rounds is None for r in rows):
        return ""
    return (
        " certified, and rate class: the worst of all problems with this mu_min and L_max (GD: mu and L), a wider"
        " class: it may lie above a guarantee or a run on this problem and refutes neither."
    )


def details(comparison: Compared) -> tuple[list[str], list[list[str]]]:
    """Header and cells of everything a row holds, one table 17 columns wide: what `columns` leaves out."""
    header = [
        "method",
        "compressor",
        "declared",
        "standing",
        "step",
        "step from",
        "rate guar.",
        "rate class",
        "rate exact",
    ]
    header += [
        "rate sim.",
        "rounds guar.",
        "rounds exact",
        "rounds sim.",
        "bits to eps",
        "bits/round",
        "floor guar.",
        "floor sim.",
    ]
    rows = []
    for r, method in zip(comparison.rows, comparison.methods, strict=True):
        seen = "diverged" if r.diverged else rate(r.simulated_rate)
        cells = [
            r.method,
            "" if not method.takes_compressor and isinstance(method.compressor, Identity) else r.compressor,
            r.constant,
            r.standing,
            number(r.stepsize, 3),
        ]
        cells += [
            r.stepsize_from,
            rate(r.guaranteed_rate),
            rate(r.tight_rate),
            rate(r.exact_rate),
            seen,
            number(r.guaranteed_rounds),
            number(r.exact_rounds),
            number(r.rounds),
        ]
        cells += [
            bits(r.bits),
            bits(r.bits_per_round),
            number(r.guaranteed_floor, 2),
            number(r.simulated_floor, 2),
        ]
        rows.append(cells)
    return header, rows


def figure_words(comparison: Compared) -> str:
    """What may surprise in the figure, and why, in sentences.

    Words only for what occurs: bounds above 1, rising bounds, bounds on the curve.
    """
    words = ["Bands: two standard errors."]
    curves = [comparison.guarantee_curve(i) for i in range(len(comparison.rows))]
    # What surprises in a picture is explained below it: bounds that start above 1, that rise, that lie on the
    # curve.
    high = [r.label for r, c in zip(comparison.rows, curves, strict=True) if c is not None and c[0] > 1.5]
    if high:
        words.append(
            f"A guarantee above 1 at the start ({', '.join(high)}) bounds the distance plus the memories' errors."
        )
    rises = [r.label for r, c in zip(comparison.rows, curves, strict=True) if c is not None and c[-1] > c[0]]
    if rises:
        words.append(f"A guarantee that rises ({', '.join(rises)}) tends to a floor above its start.")
    # Within a factor of two on a logarithmic axis the bound hides the curve: said, so that nobody looks for
    # it.
    met = [
        t.label
        for t, c in zip(comparison.traces, curves, strict=True)
        if c is not None and c[-1] > 0 and 0.5 < t.mean_square[-1] / t.mean_square[0] / c[-1] < 2
    ]
    if met:
        words.append(f"Curve and guarantee of {', '.join(met)} lie on each other.")
    return " ".join(words)


def figures(comparison: Compared) -> str:
    """The figure's panels one by one, so that they stand below each other on a phone, and their key.

    Inline SVG, a figure for each panel and kind of step; colours are those of the methods, not of the rows.
    """
    # Panels stand alone, since a phone shows one at a time; the key is text, and is read by a screen reader.
    kinds = kinds_of(comparison)
    parts = []
    for kind in kinds:
        panels = "".join(
            f'<figure class="panel">{inline_svg(comparison_panel(comparison, j, kind))}</figure>'
            for j in range(len(PANELS))
        )
        heading = f"<h3>{html.escape(title(comparison, kind))}</h3>" if len(kinds) > 1 else ""
        parts.append(f'{heading}<div class="panels">{panels}</div>')
    names = [
        f'<li><b style="color:{COLOURS[i % len(COLOURS)]}">&#9644;</b>{html.escape(row_label(label))}</li>'
        for i, label in enumerate(dict.fromkeys(methods_of(comparison)))
    ]
    lines = ["&#8212; mean of the runs", "&#9675; exact expectation", "- - guaranteed bound"]
    lines.append("&#9670; first at the target")
    key = f'<ul class="key">{"".join(names)}{"".join(f"<li>{k}</li>" for k in lines)}</ul>'
    words = f'<p class="meta">{prose(figure_words(comparison))}</p>'
    return f"{key}{''.join(parts)}{words}"


def comparison_page(comparison: Compared, command: str = "") -> str:
    """The comparison as a static page. command: as it was typed, "" for none."""
    header, rows = comparison.columns()
    notes = "".join(
        f"<li><b>{html.escape(r.label)}</b>: {prose(r.note)}</li>"
        for r in comparison.rows
        if r.note and r.stepsize_from not in SEARCHED
    )
    remarks = "".join(f"<li>{prose(line)}</li>" for line in comparison.remarks())
    # Each theorem once, however many rows rest on it.
    # Standing and sharpness stand beside each theorem: a promise is worth what its proof is.
    used = {g.theorem.id: g.theorem for g in comparison.guarantees if g is not None}.values()
    theorems = [
        [
            t.id,
            t.title,
            t.metric,
            f"{shown(t).value}/{t.attribution.value}",
            how_sharp(t),
            str(t.source),
        ]
        for t in used
    ]
    body = (
        f"<p><b>{prose(' '.join(comparison.answers()))}</b></p>"
        f'<p class="meta">{prose(comparison.caption())}</p>'
        + figures(comparison)
        + "<h2>Table</h2>"
        + html_table(header, rows)
        + f'<p class="meta">{prose(comparison.legend())}</p>'
        + (f"<h2>Steps and trust</h2><ul>{remarks}</ul>" if remarks else "")
        + ("<h2>Theorems used</h2>" if theorems else "")
        + html_table(["theorem", "says", "metric", "standing", "sharpness", "source"], theorems)
        + (f"<h2>Without a guarantee</h2><ul>{notes}</ul>" if notes else "")
        + "<h2>All numbers</h2>"
        + html_table(*details(comparison))
    )
    return page(
        f"compth compare: {getattr(comparison.problem, 'name', comparison.problem)}",
        body,
        comparison.seed,
        command,
    )
