"""A certification report for people: plain lines and a self-contained page."""

from __future__ import annotations

import html
from typing import Any

import numpy as np

from compth.certificates import Certificate, Report, Verdict
from compth.certification.estimated import described

LADDER = {
    Verdict.PROVED: "for all inputs of the stated scope, in exact arithmetic on the algorithm as written",
    Verdict.CONSISTENT: "not refuted; this is no proof",
    Verdict.INCONCLUSIVE: "nothing could be said within the budget",
    Verdict.REFUTED: "false: see the witness",
}


def short(value: Any) -> str:
    """A number or vector in few characters."""
    if value is None:
        return "-"
    if isinstance(value, list | tuple | np.ndarray):
        listed = [short(v) for v in list(value)[:8]]
        return "(" + ", ".join(listed) + (", ..." if len(value) > 8 else "") + ")"
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def sentence(c: Certificate) -> str:
    """One certificate in one line."""
    where = f"d = {c.scope.get('d')}" + (f", n = {c.scope['n']}" if "n" in c.scope else "")
    parts = [f"{c.verdict.value:<12} {c.claim} at {where}"]
    if c.verdict is Verdict.PROVED:
        parts.append(f"all x, by {c.technique}")
    elif c.verdict is Verdict.REFUTED:
        parts.append(c.details.get("says") or c.technique)
        if c.witness is not None:
            parts.append(f"x = {short(c.witness)}")
        if c.evidence == "statistical":
            parts.append(
                f"log evidence {short(c.details.get('log_evidence'))} > {short(c.details.get('log_level'))}"
            )
    elif c.evidence == "statistical":
        parts.append(f"{c.trials} samples of {c.details.get('inputs')} inputs at alpha = {c.alpha:.1e}")
        parts += found_at_most(c)
    else:
        tight = c.details.get("tightness")
        parts.append(
            f"{c.technique} at {c.trials} inputs" + (f", worst is {tight:.4f} of the bound" if tight else "")
        )
    return "; ".join(parts)


def found_at_most(c: Certificate) -> list[str]:
    """What the samples would have shown, and where: nothing is said of other inputs."""
    listed = c.details.get("detectable") or []
    if not listed:
        return [c.details["says"]] if "says" in c.details else []
    near = " and ".join(_excess(f["inequality"], f["excess"]) for f in listed)
    out = [f"would have shown, at x = {short(c.witness)} with {listed[0]['samples']} samples, {near}"]
    if listed[0]["elsewhere"] is not None:
        far = " and ".join(_excess(f["inequality"], f["elsewhere"]) for f in listed)
        out.append(f"at each of the other inputs, {listed[0]['samples_elsewhere']} samples or more, {far}")
    return out


def _excess(inequality: str, size: float) -> str:
    """An excess in the units of its test: relative for mean squares, a length for the bias."""
    if size == float("inf"):
        return f"no excess of {inequality}"
    if inequality.startswith("||E C"):
        return f"a bias {size:.2g} ||x|| beyond what is allowed"
    if inequality in ("alpha||x||^2", "gamma||x||^2"):
        return f"<E C(x), x> {size:.2g} ||x||^2 too small"
    return f"{inequality} above {1 + size:.4g} times its bound"


def lines(report: Report, script: str = "") -> list[str]:
    """The report as plain lines; script: where its reproduction script was written."""
    out = [f"{report.subject}: {report.verdict.value} ({LADDER[report.verdict]})"]
    out += [f"  {sentence(c)}" for c in report.certificates]
    out += [f"  {described(known)}" for known in report.info.get("estimates", [])]
    out += [f"  {line}" for line in _arithmetic(report.info)]
    assumptions = sorted({a for c in report.certificates for a in c.assumptions})
    out += [f"  assumed: {a}" for a in assumptions]
    out += [f"  not checked: {note}" for note in report.info.get("not_checked", [])]
    if report.info.get("reproduction"):
        told = f"written to {script}" if script else "in the report (--script FILE writes it)"
        out.append(f"  a reproduction script is {told}")
    return out


def _arithmetic(info: dict[str, Any]) -> list[str]:
    """What the program computes in, on which magnitudes, and the rounding that it is granted."""
    used = info.get("arithmetic")
    if not used:
        return []
    least, largest = info["magnitudes"]
    said = f"arithmetic: {used['name']} ({used['origin']}), magnitudes {least:g} to {largest:g}"
    granted = [f"{slack:.2g} at d = {d}" for d, slack in used["slack"].items() if slack]
    if granted:
        said += f"; rounding granted, relative to ||C(x)|| + ||x||: {', '.join(granted)}"
    return [said]


def html_page(report: Report, command: str = "") -> str:
    """The report as a static page: verdict, evidence, witnesses, stages, the command and the reproduction script."""
    from compth._page import html_table, page

    rows = [
        [
            c.claim,
            str(c.scope.get("d")),
            c.verdict.value,
            c.evidence,
            *map(short, (c.estimate, c.bound, c.witness)),
        ]
        for c in report.certificates
    ]
    rows = [[*row, c.technique] for row, c in zip(rows, report.certificates, strict=True)]
    header = ["claim", "d", "verdict", "evidence", "found", "allowed", "worst x", "technique"]
    stages = [
        [str(s["d"]), s["stage"], f"{s['seconds']:.3g}", str(s["result"])]
        for s in report.info.get("stages", [])
    ]
    notes = "".join(f"<li>{html.escape(line.strip())}</li>" for line in lines(report)[1:])
    script = report.info.get("reproduction", "")
    body = (
        f"<p><b>{report.verdict.value}</b>: {html.escape(LADDER[report.verdict])}.</p><ul>{notes}</ul>"
        + "<h2>Evidence</h2>"
        + html_table(header, rows)
        + "<h2>Stages</h2>"
        + html_table(["d", "stage", "seconds", "result"], stages)
        + (f"<h2>Reproduction script</h2><pre>{html.escape(script)}</pre>" if script else "")
    )
    return page(f"compth check: {report.subject}", body, report.info.get("seed"), command)
