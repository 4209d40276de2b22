"""Self-contained static HTML: one style, tables and pages; no scripts, everything escaped."""

from __future__ import annotations

import html
from collections.abc import Sequence

from compth.reporting.files import MARK, provenance

STYLE = """
:root{color-scheme:light dark}
body{font:16px/1.5 system-ui,sans-serif;margin:0 auto;max-width:72rem;padding:1rem;color:#1a1a1a;background:#fff;
overflow-wrap:anywhere}
h1{font-size:1.5rem;margin:.5rem 0}h2{font-size:1.15rem;margin:1.5rem 0 .5rem}
p.meta,caption{color:#444;font-size:.9rem;text-align:left}
.scroll{overflow-x:auto}
table{border-collapse:collapse;font-size:.85rem;font-variant-numeric:tabular-nums;width:100%}
th,td{padding:.3rem .5rem;border-bottom:1px solid #ccc;text-align:left;white-space:nowrap}
td.n,th.n{text-align:right}
figure{margin:1rem 0}figure svg{background:#fff}
.key{list-style:none;padding:0;display:flex;flex-wrap:wrap;gap:.2rem 1.2rem;font-size:.9rem}
.key b{font-weight:900;margin-right:.35rem}
.panels{display:flex;flex-wrap:wrap;gap:.5rem}.panels figure{margin:0;flex:1 1 20rem;max-width:28rem}
th{border-bottom:2px solid #333;vertical-align:bottom}th{overflow-wrap:normal}
pre{background:#f4f4f4;padding:.6rem;overflow-x:auto;white-space:pre-wrap;font-size:.85rem}
svg{max-width:100%;height:auto}
@page{size:A4 landscape;margin:1cm}
@media print{body{max-width:none;padding:0}.scroll,figure{overflow:visible}h2{break-after:avoid}
tr,figure{break-inside:avoid}
figure svg{width:100%}.panels figure{flex:1 1 30%;max-width:32%}table{font-size:.55rem}th,td{padding:.15rem;
white-space:normal;overflow-wrap:normal}td.n{white-space:nowrap}}
@media (prefers-color-scheme:dark){body{color:#e6e6e6;background:#161616}p.meta,caption{color:#b5b5b5}
th,td{border-color:#444}th{border-bottom-color:#aaa}pre{background:#262626}a{color:#8ab4f8}}
"""


NO_NUMBER = ("", "-", "diverged", "inf", "nan", "never", "not reached")
"""Cells that may stand in a column of numbers."""


def numeric(cells: Sequence[str]) -> bool:
    """True for a column of numbers, which is set to the right; text, ranges among it, is set to the left."""
    own = (c.lstrip("-+.<>= ") for c in cells if c not in NO_NUMBER)
    return all(c[:1].isdigit() and " <" not in c for c in own)


def html_table(header: Sequence[str], rows: Sequence[Sequence[str]], caption: str = "") -> str:
    """An escaped HTML table in a scrolling box."""
    right = [j > 0 and numeric([row[j] for row in rows]) for j in range(len(header))]
    mark = [' class="n"' if to else "" for to in right]
    head = "".join(f"<th{m}>{html.escape(h)}</th>" for h, m in zip(header, mark, strict=True))
    cells = ["".join(f"<td{m}>{html.escape(c)}</td>" for c, m in zip(row, mark, strict=True)) for row in rows]
    body = "".join(f"<tr>{row}</tr>" for row in cells)
    note = f"<caption>{html.escape(caption)}</caption>" if caption else ""
    return (
        f'<div class="scroll"><table>{note}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'
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
