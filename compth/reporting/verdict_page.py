"""The page of a verdict: what was found, at a glance, what it rests on, how to redo it; of compressors and of rates.

Static and self-contained: it can be mailed. A stored report is shown as the file's word.
"""

from __future__ import annotations

import html

from compth._numbers import Number
from compth._types import Json
from compth.certificates import SEVERITY, Certificate, Report
from compth.reporting.certification import LADDER, by_hand, found_at_most, short
from compth.reporting.page import html_table, page, prose
from compth.reporting.rate_claims import MARK, counted, is_of_rates, places, rate_told


def html_page(report: Report, command: str = "") -> str:
    """The report as a static page: verdict, evidence, witnesses, stages, the command and the reproduction script."""
    rates = is_of_rates(report)
    body = _banner(report) + (_rates(report) if rates else _claims(report))
    title = f"compth {'refute' if rates else 'check'}: {report.subject}"
    return page(title, body, report.info.get("seed"), command)


def _banner(report: Report) -> str:
    """The verdict in its colour, and what such a verdict means."""
    verdict = report.verdict.value
    means = LADDER[report.verdict]
    worst = max(report.certificates, key=lambda c: SEVERITY[c.verdict], default=None)
    if is_of_rates(report):
        means = counted(report) if len(report.certificates) > 1 else means
    # The banner of a refutation is the counterexample's own sentence, not the meaning of the word.
    elif verdict == "REFUTED" and worst is not None:
        means = f"{worst.claim} at d = {worst.scope.get('d')}: {worst.details.get('says') or worst.technique}"
    word = "<br>The file's word: read from JSON, nothing was run." if report.stored else ""
    # Green is for what was proved here: a file's word gets none.
    colour = "" if report.stored and verdict == "PROVED" else f" {verdict}"  # a file's word proves nothing
    return f'<p class="verdict{colour}"><b>{verdict}</b> {prose(means)}{word}</p>'


def _listed(lines: list[str]) -> str:
    """A list, "" for none."""
    return "<ul>" + "".join(f"<li>{prose(line)}</li>" for line in lines) + "</ul>" if lines else ""


def _section(title: str, lines: list[str]) -> str:
    """A heading and a list, "" for none."""
    return f"<h2>{title}</h2>{_listed(lines)}" if lines else ""


def _claims(report: Report) -> str:
    """What was claimed and found, failures first: a page is read from its top."""
    # Failures first: a page is read from its top.
    ordered = sorted(report.certificates, key=lambda c: -SEVERITY[c.verdict])
    info = report.info
    stages = [
        [str(s["d"]), s["stage"], f"{s['seconds']:.3g}", str(s["result"])] for s in info.get("stages", [])
    ]
    script = info.get("reproduction", "")
    hand = [line.removeprefix("by hand: ") for c in ordered for line in by_hand(c)]
    assumed = list(dict.fromkeys(a for c in ordered for a in c.assumptions))
    header = ["claim", "d", "verdict", "found", "allowed", "worst x", "evidence"]
    parts = [
        html_table(header, [_row(c) for c in ordered]),
        _portrait(report),
        _listed([f"{c.claim}: {line}" for c in ordered for line in _remarks(c)]),
        _section("By hand", hand),
        _section("Constants and arithmetic", _estimates(info)),
        _section("Assumed", assumed),
        _section("Not checked", list(info.get("not_checked", []))),
        f"<h2>Stages</h2>{html_table(['d', 'stage', 'seconds', 'result'], stages)}" if stages else "",
        f"<h2>Reproduction script</h2>{_folded(script)}" if script else "",
    ]
    return "".join(parts)


def _portrait(report: Report) -> str:
    """The error in every direction beside the declared constant; nothing of a stored report, for which nothing ran."""
    data = report.info.get("portrait")
    if data is None or report.stored:
        return ""
    from compth.reporting.portraits import portrait_figure, portrait_words
    from compth.reporting.reports import inline_svg

    caption = f"<figcaption>{prose(portrait_words(data))}</figcaption>"
    drawing = inline_svg(portrait_figure(data))
    return f'<h2>In every direction</h2><figure class="portrait">{drawing}{caption}</figure>'


def _row(c: Certificate) -> list[str]:
    """A certificate as a row."""
    found, allowed = _both(c)
    evidence = c.technique if c.technique else c.evidence
    return [c.claim, str(c.scope.get("d")), c.verdict.value, found, allowed, short(c.witness), evidence]


def _both(c: Certificate) -> tuple[str, str]:
    """What was found, and what the claim allows."""
    return short(c.estimate), short(c.bound)


def _remarks(c: Certificate) -> list[str]:
    """What the samples would have shown; of a refutation the banner speaks."""
    return found_at_most(c) if c.evidence == "statistical" and c.verdict.value != "REFUTED" else []


def _estimates(info: Json) -> list[str]:
    """What is known of the constants, and the arithmetic."""
    from compth.certification.estimated import described
    from compth.reporting.certification import arithmetic_line

    return [*(described(known) for known in info.get("estimates", [])), *arithmetic_line(info)]


def _rates(report: Report) -> str:
    """The claim, the grid of marks, the worst counterexample, and every place."""
    told = rate_told(report)
    facts = _listed([f"{name}: {said}" for name, said in told.facts])
    words = {mark: verdict.value for verdict, mark in MARK.items()}
    # Marks of the terminal become words here: a page has room, and screen readers.
    marked = [[row[0], *(words.get(mark, mark) for mark in row[1:])] for row in told.rows]
    drawn = f"<h2>Where</h2>{html_table(told.header, marked)}" if marked else ""
    header = ["at", "claimed factor", "found", "verdict", "rounds / worst found"]
    rows = [
        [
            places(c),
            short(float(c.bound)),
            _factor(c.estimate),
            c.verdict.value,
            _factor(c.details.get("looseness")),
        ]
        for c in sorted(report.certificates, key=lambda c: -SEVERITY[c.verdict])
    ]
    notes = [n.strip() for n in told.notes if not n.startswith(tuple(f"{mark} " for mark in words))]
    return facts + drawn + _listed(notes) + "<h2>Every place</h2>" + html_table(header, rows)


def _factor(value: Number) -> str:
    """Six digits, "-" for none."""
    return "-" if value is None else f"{float(value):.6g}"


def _folded(script: str) -> str:
    """The script: what is special about it open, all of it folded away."""
    head = script.partition("# From here on:")[0].splitlines()
    # What is particular to this script is seen at once; what all scripts share is folded away.
    own = "\n".join(line for line in head if not line.startswith(("from ", "import "))).strip()
    whole = f"<details><summary>all of it</summary><pre>{html.escape(script)}</pre></details>"
    return f"<pre>{html.escape(own)}</pre>{whole}"
