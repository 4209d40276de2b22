"""Tables and pages: plain text, LaTeX and self-contained static HTML (inline SVG, no scripts, everything escaped)."""

from __future__ import annotations

import html
import io
from collections.abc import Sequence
from typing import Any

from compth.claims import how_sharp, shown
from compth.compressors.identity import Identity
from compth.reporting.files import MARK
from compth.reporting.page import html_table, page

NO_NUMBER = ("", "-", "diverged", "inf", "nan")
"""Cells that may stand in a column of numbers."""


def numeric(cells: Sequence[str]) -> bool:
    """True for a column of numbers, which is set to the right; text is set to the left."""
    return all(c in NO_NUMBER or c.lstrip("-+.")[:1].isdigit() for c in cells)


def text_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Aligned plain text: columns of numbers to the right, the others and the first to the left."""
    cells = [list(header), *[list(r) for r in rows]]
    widths = [max(len(r[j]) for r in cells) for j in range(len(header))]
    right = [j > 0 and numeric([r[j] for r in rows]) for j in range(len(header))]
    lines = []
    for row in cells:
        columns = zip(row, widths, right, strict=True)
        lines.append("  ".join(c.rjust(w) if to else c.ljust(w) for c, w, to in columns).rstrip())
    return "\n".join([lines[0], "-" * max(len(line) for line in lines), *lines[1:]])


_LATEX = {"&": r"\&", "%": r"\%", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}", "~": r"\textasciitilde{}"}
_LATEX |= {"^": r"\textasciicircum{}", "\\": r"\textbackslash{}", "$": r"\$", "<": r"$<$", ">": r"$>$"}


def latex_escape(text: str) -> str:
    """Text that LaTeX prints as it stands."""
    return "".join(_LATEX.get(c, c) for c in text)


def latex_table(header: Sequence[str], rows: Sequence[Sequence[str]], caption: str = "") -> str:
    """A booktabs table environment."""
    lines = [" & ".join(latex_escape(c) for c in row) + r" \\" for row in (header, *rows)]
    return "\n".join(
        [
            f"% {MARK}",
            r"\begin{table}",
            r"\caption{" + latex_escape(caption) + "}",
            r"\begin{tabular}{l" + "r" * (len(header) - 1) + "}",
            r"\toprule",
            lines[0],
            r"\midrule",
            *lines[1:],
            r"\bottomrule",
            r"\end{tabular}",
            r"\end{table}",
            "",
        ]
    )


def figure_bytes(figure: Any, kind: str) -> bytes:
    """The figure as svg, pdf or png bytes, the same for the same data and carrying our mark."""
    import matplotlib as mpl

    out = io.BytesIO()
    keys = {"svg": {"Creator": MARK, "Date": None}, "png": {"Software": MARK}}
    keys["pdf"] = {"Creator": MARK, "CreationDate": None, "Producer": None}
    with mpl.rc_context({"svg.hashsalt": "compth", "svg.fonttype": "path"}):
        figure.savefig(out, format=kind, metadata=keys[kind], dpi=160)
    return out.getvalue()


def inline_svg(figure: Any) -> str:
    """The figure's <svg> element alone, for a page."""
    text = figure_bytes(figure, "svg").decode()
    return text[text.index("<svg") :]


def number(value: float | int | None, digits: int = 4) -> str:
    """A short number, '-' for None."""
    if value is None:
        return "-"
    return f"{value:,}" if isinstance(value, int) and value < 10**7 else f"{value:.{digits}g}"


def rate(value: float | None) -> str:
    """A one-step factor: 1 - 3.2e-04 where it is close to 1."""
    if value is None:
        return "-"
    return f"1-{1 - value:.2e}" if 0.99 < value < 1 else f"{value:.4f}"


def bits(value: float | None) -> str:
    """Bits with a decimal prefix."""
    if value is None:
        return "-"
    for factor, unit in ((1e9, "Gb"), (1e6, "Mb"), (1e3, "kb")):
        if value >= factor:
            return f"{value / factor:.3g} {unit}"
    return f"{value:.0f} b"


def table_page(
    title: str, header: Sequence[str], rows: Sequence[Sequence[str]], caption: str, command: str = ""
) -> str:
    """One table as a static page."""
    body = f'<p class="meta">{html.escape(caption)}</p>' + html_table(header, rows)
    return page(title, body, command=command)


def comparison_columns(comparison: Any) -> tuple[list[str], list[list[str]]]:
    """Header and cells of the comparison table."""
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


def comparison_page(comparison: Any, command: str = "") -> str:
    """The comparison as a static page."""
    header, rows = comparison.columns()
    notes = "".join(
        f"<li><b>{html.escape(r.label)}</b>: {html.escape(r.note)}</li>" for r in comparison.rows if r.note
    )
    remarks = "".join(f"<li>{html.escape(line)}</li>" for line in comparison.remarks())
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
        f'<p class="meta">{html.escape(comparison.caption())}</p>'
        + f"<figure>{inline_svg(comparison.plot())}</figure>"
        + "<h2>Table</h2>"
        + html_table(header, rows)
        + (f"<h2>Steps and trust</h2><ul>{remarks}</ul>" if remarks else "")
        + ("<h2>Theorems used</h2>" if theorems else "")
        + html_table(["theorem", "says", "metric", "standing", "sharpness", "source"], theorems)
        + (f"<h2>Without a guarantee</h2><ul>{notes}</ul>" if notes else "")
    )
    return page(f"compth compare: {comparison.problem.name}", body, comparison.seed, command)
