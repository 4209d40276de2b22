"""The page of a run: counts by kind, every paper's table and notes, and its figures with their captions."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Sequence
from pathlib import Path

from compth.reporting.page import html_table, page
from compth.reporting.reports import inline
from paper_repro._papers import Outcome, paper
from paper_repro._targets import Row, Verdict, counted, says, show

MEANS = {
    Verdict.REPRODUCED: "a number or claim read in the paper, or in its authors' code, that compth recomputes",
    Verdict.TRANSCRIBED: "a formula of the paper against its own value: it tests the copy",
    Verdict.DERIVED: "a number of ours, from the paper's formulas or on our data",
    Verdict.RECALLED: "believed to be the paper's, not looked up",
    Verdict.DIFFERS: "we get something else, which is explained, and checked too",
    Verdict.NOT_RUN: "not recomputed, for the reason that is given",
}
HEADER = ("where", "quantity", "paper says", "we get", "standing", "verdict")
TIDY = (
    "<style>td{white-space:normal!important;overflow-wrap:normal}td:nth-child(2){min-width:15rem}"
    "td:last-child{white-space:nowrap!important}figcaption{font-size:.9rem;max-width:48rem}</style>"
)
"""Sentences stand in these tables: they wrap."""


def cells(row: Row, notes: dict[str, int]) -> tuple[str, ...]:
    """A row of a table; its note gets a number."""
    verdict = row.verdict.value + ("" if row.good else " (!)")
    if row.note:
        verdict += f" ({notes.setdefault(row.note, len(notes) + 1)})"
    t = row.target
    return t.where, t.quantity, says(t), show(row.ours), t.standing.value, verdict


def unbroken(text: str) -> str:
    """1e-15 with a hyphen at which no line ends."""
    return re.sub(r"(?<=\de)-(?=\d)", "\u2011", text)


def results_page(outcomes: Sequence[Outcome], out: Path, quick: bool, command: str) -> str:
    """One self-contained page: no scripts, nothing from elsewhere."""
    found = counted([r for o in outcomes for r in o.rows])
    kinds = "".join(f"<li><b>{found[v]} {v}</b>: {html.escape(text)}</li>" for v, text in MEANS.items())
    links = " · ".join(f'<a href="#{o.paper}">{html.escape(o.paper)}</a>' for o in outcomes)
    mode = "the quick run: smaller instances" if quick else "the full run"
    head = f'<p class="meta">{mode}. In brackets: not a number of the paper. Papers: {links}</p>'
    body = "".join(_paper(o, out / o.paper) for o in outcomes)
    return page("Ten papers, recomputed" if len(outcomes) == 10 else "Papers, recomputed",
                f"{TIDY}{head}<ul>{kinds}</ul>{body}", command=command)  # fmt: skip


def _paper(outcome: Outcome, folder: Path) -> str:
    """Title and link, figures, table, notes."""
    source = paper(outcome.paper).SOURCE
    title = f'<h2 id="{outcome.paper}">{html.escape(source.title)}</h2>'
    link = f'<p class="meta"><a href="{html.escape(source.url)}">{html.escape(str(source))}</a></p>'
    failed = f"<p><b>The run failed: {html.escape(outcome.error)}</b></p>" if outcome.error else ""
    notes: dict[str, int] = {}
    table = html_table(HEADER, [tuple(map(unbroken, cells(r, notes))) for r in outcome.rows])
    said = "".join(f"<li>{html.escape(note)}</li>" for note in notes)
    return title + link + failed + _figures(folder) + table + (f"<ol>{said}</ol>" if said else "")


def _figures(folder: Path) -> str:
    """The stored drawings with the captions that are stored beside them."""
    drawn = []
    for file in sorted(folder.glob("*.svg")):
        caption = " ".join(
            json.loads(file.with_suffix(".json").read_text(encoding="utf-8"))["caption"].split()
        )
        svg = inline(file.read_text(encoding="utf-8"))
        drawn.append(f"<figure>{svg}<figcaption>{html.escape(caption)}</figcaption></figure>")
    return "".join(drawn)
