"""Tables and pages: plain text, LaTeX and self-contained static HTML (inline SVG, no scripts, everything escaped)."""

from __future__ import annotations

import html
import io
from collections.abc import Sequence
from typing import Any

from compth._files import MARK, provenance

STYLE = """
:root{color-scheme:light}
body{font:16px/1.5 system-ui,sans-serif;margin:0 auto;max-width:72rem;padding:1rem;color:#1a1a1a;background:#fff}
h1{font-size:1.5rem;margin:.5rem 0}h2{font-size:1.15rem;margin:1.5rem 0 .5rem}
p.meta,caption{color:#444;font-size:.9rem;text-align:left}
.scroll{overflow-x:auto}
table{border-collapse:collapse;font-size:.85rem;font-variant-numeric:tabular-nums;width:100%}
th,td{padding:.3rem .5rem;border-bottom:1px solid #ccc;text-align:right;white-space:nowrap}
th{border-bottom:2px solid #333;vertical-align:bottom}td:first-child,th:first-child{text-align:left}
pre{background:#f4f4f4;padding:.6rem;overflow-x:auto;white-space:pre-wrap;font-size:.85rem}
svg{max-width:100%;height:auto}
@media print{body{max-width:none;padding:0}.scroll{overflow:visible}table{font-size:.65rem}h2{break-after:avoid}}
"""


def text_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Aligned plain text: the first column left, the others right."""
    cells = [list(header), *[list(r) for r in rows]]
    widths = [max(len(r[j]) for r in cells) for j in range(len(header))]
    lines = []
    for row in cells:
        first, rest = row[0].ljust(widths[0]), [c.rjust(w) for c, w in zip(row[1:], widths[1:], strict=True)]
        lines.append("  ".join([first, *rest]).rstrip())
    return "\n".join([lines[0], "-" * max(len(line) for line in lines), *lines[1:]])


def html_table(header: Sequence[str], rows: Sequence[Sequence[str]], caption: str = "") -> str:
    """An escaped HTML table in a scrolling box."""
    head = "".join(f"<th>{html.escape(h)}</th>" for h in header)
    body = "".join("<tr>" + "".join(f"<td>{html.escape(c)}</td>" for c in row) + "</tr>" for row in rows)
    note = f"<caption>{html.escape(caption)}</caption>" if caption else ""
    return (
        f'<div class="scroll"><table>{note}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'
    )


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


def page(title: str, body: str, seed: int | None = None, command: str = "") -> str:
    """A whole static page; `body` is trusted HTML, everything else is escaped."""
    again = f"<h2>Run it again</h2><pre>{html.escape(command)}</pre>" if command else ""
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="generator" content="{MARK}">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{html.escape(title)}</title><style>{STYLE}</style></head><body><h1>{html.escape(title)}</h1>"
        f'{body}{again}<p class="meta">{html.escape(provenance(seed))}</p></body></html>\n'
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


def comparison_columns(comparison: Any) -> tuple[list[str], list[list[str]]]:
    """Header and cells of the comparison table."""
    header = ["method", "compressor", "declared", "standing", "step", "step from", "rate guar.", "rate sim."]
    header += ["rounds guar.", "rounds sim.", "bits to eps", "bits/round", "floor guar.", "floor sim."]
    rows = []
    for r in comparison.rows:
        seen = "diverged" if r.diverged else rate(r.simulated_rate)
        cells = [
            r.method,
            "" if r.method == "GD" else r.compressor,
            r.constant,
            r.standing,
            number(r.stepsize, 3),
        ]
        cells += [
            r.stepsize_from,
            rate(r.guaranteed_rate),
            seen,
            number(r.guaranteed_rounds),
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
    used = {g.theorem.id: g.theorem for g in comparison.guarantees if g is not None}.values()
    theorems = [
        [
            t.id,
            t.title,
            t.metric,
            f"{t.standing.value}/{t.attribution.value}",
            t.sharpness.value,
            str(t.source),
        ]
        for t in used
    ]
    body = (
        f'<p class="meta">{html.escape(comparison.caption())}</p>'
        + f"<figure>{inline_svg(comparison.plot())}</figure>"
        + "<h2>Table</h2>"
        + html_table(header, rows)
        + ("<h2>Theorems used</h2>" if theorems else "")
        + html_table(["theorem", "says", "metric", "standing", "sharpness", "source"], theorems)
        + (f"<h2>Without a guarantee</h2><ul>{notes}</ul>" if notes else "")
    )
    return page(f"compth compare: {comparison.problem.name}", body, comparison.seed, command)
