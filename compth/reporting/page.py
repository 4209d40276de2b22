"""Self-contained static HTML: one style, tables and pages; no scripts, everything escaped.

Only `page` takes trusted HTML; whatever a user typed goes through `prose` or `html_table`, which escape it.
"""

from __future__ import annotations

import html
import re
from collections.abc import Sequence

from compth.reporting.files import MARK, provenance

STYLE = """
:root{color-scheme:light dark}
body{font:16px/1.5 system-ui,sans-serif;margin:0 auto;max-width:72rem;padding:1rem;color:#1a1a1a;background:#fff;
overflow-wrap:anywhere}
h1{font-size:1.5rem;margin:.5rem 0}h2{font-size:1.15rem;margin:1.5rem 0 .5rem}
p.meta,caption{color:#444;font-size:.9rem;text-align:left}
.scroll{overflow-x:auto}
.verdict{font-size:1.15rem;padding:.6rem .9rem;border-left:.5rem solid;background:#f4f4f4}
.verdict b{margin-right:.6rem}.PROVED{color:#00734f}.CONSISTENT{color:#0062a3}.INCONCLUSIVE{color:#8a5a00}
.REFUTED{color:#b3261e}td.PROVED,td.CONSISTENT,td.INCONCLUSIVE,td.REFUTED{font-weight:700}
table{border-collapse:collapse;font-size:.82rem;font-variant-numeric:tabular-nums;width:100%}
th,td{padding:.3rem .38rem;border-bottom:1px solid #ccc;text-align:left;white-space:nowrap}
.u{white-space:nowrap}td.n,th.n{text-align:right}td.w,th{white-space:normal}td.w{min-width:9rem}
figure{margin:1rem 0}figure svg{background:#fff}
.key{list-style:none;padding:0;display:flex;flex-wrap:wrap;gap:.2rem 1.2rem;font-size:.9rem}
.key b{font-weight:900;margin-right:.35rem;background:#fff}
.panels{display:flex;flex-wrap:wrap;gap:.5rem}.panels figure{margin:0;flex:1 1 20rem;max-width:28rem}
th{border-bottom:2px solid #333;vertical-align:bottom}th{overflow-wrap:normal}
th.g{text-align:center;border-bottom:0;border-left:.6rem solid transparent}
pre{background:#f4f4f4;padding:.6rem;overflow-x:auto;white-space:pre-wrap;font-size:.85rem}
svg{max-width:100%;height:auto}
@media screen and (max-width:34rem){.scroll table,.scroll tbody,.scroll tr,.scroll td{display:block;width:auto}
.scroll thead{display:none}.scroll tr{border-bottom:2px solid #888;padding:.3rem 0}.scroll td,.scroll td.n{display:flex;
justify-content:space-between;gap:1rem;text-align:right;white-space:normal;overflow-wrap:normal;border:0;
padding:.15rem 0}
.scroll td::before{content:attr(data-label);color:#666;text-align:left;white-space:nowrap}
.scroll td:first-child{font-weight:700}.scroll td:empty{display:none}}
@page{size:A4 landscape;margin:1cm}
@media print{body{max-width:none;padding:0}.scroll,figure{overflow:visible}h2{break-after:avoid}
tr,figure{break-inside:avoid}
figure svg{width:100%}figure.portrait svg{width:auto;max-height:8cm}figure img{max-height:12.5cm}h2{break-inside:avoid}
.panels figure{flex:1 1 30%;max-width:32%}table{font-size:.55rem}th,td{padding:.15rem;
white-space:normal;overflow-wrap:normal}td.n{white-space:nowrap}}
@media (prefers-color-scheme:dark){body{color:#e6e6e6;background:#161616}p.meta,caption{color:#b5b5b5}
th,td{border-color:#444}th{border-bottom-color:#aaa}pre,.verdict{background:#262626}.PROVED{color:#4ecb9e}
.CONSISTENT{color:#7cc4ff}.INCONCLUSIVE{color:#f0b34a}.REFUTED{color:#ff8a80}.scroll td::before{color:#aaa}
a{color:#8ab4f8}}
"""


NO_NUMBER = ("", "-", "diverged", "diverges", "inf", "nan", "never", "not reached")
"""Cells that may stand in a column of numbers."""


def numeric(cells: Sequence[str]) -> bool:
    """True for a column of numbers, which is set to the right; text, ranges among it, is set to the left."""
    own = (c.lstrip("-+.<>= ") for c in cells if c not in NO_NUMBER)
    return all(c[:1].isdigit() and " <" not in c for c in own)


def spans(header: Sequence[str]) -> list[tuple[str, int]]:
    """Common headings and the number of columns under each: "at the best steps: rounds" is rounds under one."""
    # A heading over several columns is written into each: "at the best steps: rounds"; neighbours with the
    # same one merge.
    over = [h.partition(": ")[0] if ": " in h else "" for h in header]
    starts = [j for j, h in enumerate(over) if not h or j == 0 or h != over[j - 1]]
    return [(over[j], end - j) for j, end in zip(starts, [*starts[1:], len(header)], strict=True)]


def names(header: Sequence[str]) -> list[str]:
    """The columns' own names, without the common heading that they stand under."""
    return [h.partition(": ")[2] or h for h in header]


_POWER = re.compile(r"\d[\d.,]*e[-+]?\d+")


def prose(text: str) -> str:
    """Escaped text in which 1e-09 stays in one line: a hyphen is a place to break elsewhere."""
    return _POWER.sub(lambda found: f'<span class="u">{found[0]}</span>', html.escape(text))


def html_table(header: Sequence[str], rows: Sequence[Sequence[str]], caption: str = "") -> str:
    """An escaped HTML table in a scrolling box.

    header: names, "group: name" under a common heading. Cells carry their label, for narrow screens show cards.
    """
    # Numbers to the right; on narrow screens rows become cards, which need each cell's label.
    right = [j > 0 and numeric([row[j] for row in rows]) for j in range(len(header))]
    mark = [' class="n"' if to else "" for to in right]
    head = "".join(f"<th{m}>{html.escape(h)}</th>" for h, m in zip(names(header), mark, strict=True))
    over = "".join(f'<th class="g" colspan="{n}">{html.escape(h)}</th>' for h, n in spans(header))
    head = f"{over}</tr><tr>{head}" if names(header) != list(header) else head
    label = [html.escape(h) for h in header]
    cells = [
        "".join(
            _cell(c, to, h) for c, to, h in zip(row, right, label, strict=True)
        )  # its label: phones show cards
        for row in rows
    ]
    body = "".join(f"<tr>{row}</tr>" for row in cells)
    note = f"<caption>{html.escape(caption)}</caption>" if caption else ""
    return (
        f'<div class="scroll"><table>{note}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'
    )


def _cell(text: str, right: bool, label: str) -> str:
    """One cell: a number, a verdict, long text or short."""
    kind = "n" if right else text if text in VERDICTS else "w" if len(text) > WIDE else ""
    mark = f' class="{kind}"' if kind else ""
    return f'<td{mark} data-label="{label}">{prose(text)}</td>'


WIDE = 28
"""Characters of text that stand in one line of a cell; numbers never break."""
VERDICTS = ("PROVED", "CONSISTENT", "INCONCLUSIVE", "REFUTED")
"""Cells that are seen at a glance."""


def page(title: str, body: str, seed: int | None = None, command: str = "") -> str:
    """A whole static page; `body` is trusted HTML, everything else is escaped."""
    again = f"<h2>Run it again</h2><pre>{html.escape(command)}</pre>" if command else ""
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="generator" content="{MARK}">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{html.escape(title)}</title><style>{STYLE}</style></head><body><h1>{html.escape(title)}</h1>"
        f'{body}{again}<p class="meta">{html.escape(provenance(seed))}</p></body></html>\n'
    )
