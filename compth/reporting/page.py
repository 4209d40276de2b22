"""Self-contained static HTML: one style, tables and pages; no scripts, everything escaped."""

from __future__ import annotations

import html
from collections.abc import Sequence

from compth.reporting.files import MARK, provenance

STYLE = """
:root{color-scheme:light}
body{font:16px/1.5 system-ui,sans-serif;margin:0 auto;max-width:72rem;padding:1rem;color:#1a1a1a;background:#fff;
overflow-wrap:anywhere}
h1{font-size:1.5rem;margin:.5rem 0}h2{font-size:1.15rem;margin:1.5rem 0 .5rem}
p.meta,caption{color:#444;font-size:.9rem;text-align:left}
.scroll{overflow-x:auto}
table{border-collapse:collapse;font-size:.85rem;font-variant-numeric:tabular-nums;width:100%}
th,td{padding:.3rem .5rem;border-bottom:1px solid #ccc;text-align:left;white-space:nowrap}
td.n,th.n{text-align:right}
figure{margin:1rem 0;overflow-x:auto}figure svg{min-width:44rem}
th{border-bottom:2px solid #333;vertical-align:bottom}th{overflow-wrap:normal}
pre{background:#f4f4f4;padding:.6rem;overflow-x:auto;white-space:pre-wrap;font-size:.85rem}
svg{max-width:100%;height:auto}
@page{size:A4 landscape;margin:1cm}
@media print{body{max-width:none;padding:0}.scroll,figure{overflow:visible}h2{break-after:avoid}
tr,figure{break-inside:avoid}
figure svg{min-width:0;width:100%}table{font-size:.6rem}th,td{white-space:normal;padding:.2rem}}
"""


def html_table(header: Sequence[str], rows: Sequence[Sequence[str]], caption: str = "") -> str:
    """An escaped HTML table in a scrolling box."""
    numeric = [all(row[j][:1] in set("-.0123456789") for row in rows) for j in range(len(header))]
    mark = [' class="n"' if n and j else "" for j, n in enumerate(numeric)]
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
