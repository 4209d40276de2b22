"""A budget as a sentence, a table that answers, a table of every member, a picture and a page.

By evidence throughout: what a theorem allows, what is certified and what happens on the problem are never mixed.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from compth.reporting.arrivals import short_label
from compth.reporting.page import html_table, page, prose
from compth.reporting.plots import COLOURS, STYLE
from compth.reporting.reports import bits, inline_svg, number, rate
from compth.text.counts import counted

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from compth._numbers import Number
    from compth.reporting.asked import Budgeted
    from compth.studies.budget_promises import Answer, Promise


NAMES = {
    "theorem": "its theorem",
    "certified": "the certified worst case",
    "exact": "the exact rate",
    "best": "the exact rate at the best step",
}
ESTIMATED = ("exact", "best")
"""Evidence whose rounds are an estimate."""
LINES = {"theorem": "--", "certified": "-.", "exact": "-", "best": ":"}
"""Theory dashed, what happens on the problem solid."""


def columns(b: Budgeted) -> tuple[list[str], list[list[str]]]:
    """Header and cells: of each evidence the strongest member, or who comes nearest, and nothing compressed.

    Two rows for each evidence: the answer, and the uncompressed method.

    "none; LABEL" stands where no member is within the limit and LABEL comes nearest.
    """
    header = ["by", "may send", "message", "step", "rounds", "uplink", "limit", "standing"]
    rows = []
    for by, a in b.answers.items():
        allowed = number_of(b, a.limit)
        # Where no member is within the limit, who comes nearest says how far off that is.
        p = a.chosen or a.nearest
        if p is None:
            rows.append([by, "none", *["-"] * 4, allowed, "-"])
        else:
            said = p.label if a.chosen is not None else f"none; {p.label}"
            rows.append([by, short_label(said), *_cells(p)[1:], allowed, p.standing])
        # What compression is measured against: the same method with nothing compressed, by the same evidence.
        base = a.uncompressed
        rows.append(["", "uncompressed", *_cells(base)[1:], "", base.standing or "-"])
    return header, rows


def _cells(p: Promise) -> list[str]:
    """Claim, message, step, rounds and bits of a member."""
    message = "-" if p.message_bits is None else bits(p.message_bits)
    return [p.claim, message, number(p.stepsize, 3), arrives(p), bits(p.bits)]


def arrives(p: Promise) -> str:
    """Rounds, "never" where the floor or the rate keeps it above eps, "-" where nothing is promised.

    Thousands separated; of estimates the number is about right and no bound.
    """
    if p.rounds is not None:
        return f"{p.rounds:,}"
    return "-" if p.stepsize is None else "never"


def number_of(b: Budgeted, limit: float | None) -> str:
    """The limit in its unit.

    Rounds are rounded down, after what float rounding may have taken.
    """
    if limit is None:
        return "-"
    return bits(limit) if b.target == "bits" else f"{math.floor(limit * (1 + 1e-9)):,}"


def details(b: Budgeted) -> tuple[list[str], list[list[str]]]:
    """Header and cells of every member by every evidence that looked at it."""
    header = [
        "by",
        "member",
        "claim",
        "message",
        "step",
        "rate",
        "floor",
        "rounds",
        "a round",
        "uplink",
        "from",
    ]
    rows = []
    for by, looked in b.promises.items():
        for p in looked:
            cells = _cells(p)
            floor = number(p.floor, 2) if p.floor else "0" if p.rho is not None else "-"
            where = [cells[0], cells[1], cells[2], rate(p.rho), floor, cells[3], bits(p.round_bits)]
            rows.append([by, short_label(p.label), *where, cells[4], p.source or "-"])
    return header, rows


def caption(b: Budgeted) -> str:
    """Method, family, problem and target."""
    target = {
        "rounds": f"{b.value:,.0f} rounds",
        "bits": f"{bits(b.value)} of uplink per worker",
        "times": f"{b.value:g} times the rounds uncompressed",
    }[b.target]
    return f"{b.method} with {b.family} on {b.setting}; target: eps = {b.eps:g} within {target}."


def legend(b: Budgeted) -> str:
    """What the columns mean.

    Only kinds of evidence that were asked are explained.
    """
    said = "; ".join(MEANS[k] for k in b.answers)
    return (
        f"Rounds and uplink bits per worker until {ALONE if b.of_class else SEEN}. {said}. may send: the fewest bits of"
        " a message within the limit; none: no member is, and who comes nearest."
    )


SEEN = "E||x_t-x*||^2 stays below eps ||x_0-x*||^2"
ALONE = (
    "the theorem's own metric is below eps times its start (by constants alone; the f_i share their minimiser unless"
    " zeta2 is given)"
)
MEANS = {
    "theorem": "theorem: promised at the theorem's step",
    "certified": "certified: the worst case of the class, at its best step where a closed form knows it, else at the"
    " theorem's",
    "exact": "exact: floor + rho^t with the exact rate and floor at the theorem's step (rounds are an estimate: what"
    " the start costs or spares is left out)",
    "best": "best: the same at the step of the least exact rate here",
}


def answer(b: Budgeted) -> str:
    """How far one may compress, a sentence for each evidence.

    Rounds and bits of estimates are said to be about so many.
    """
    return " ".join(_sentence(b, a) for a in b.answers.values())


def _sentence(b: Budgeted, a: Answer) -> str:
    """What one evidence allows, or why nothing.

    Of the ways to have no answer the first that applies.
    """
    who = NAMES[a.by]
    who = who[0].upper() + who[1:]
    if a.chosen is not None:
        return f"{who} allows {a.chosen.label}{_share(a)}{_takes(b, a.chosen)}."
    # Four ways to have no answer, and each has its own remedy: the target, the class, the step, the family.
    if a.limit is None:
        return f"{who} says nothing of the target: uncompressed does not arrive{_why(a.uncompressed)}."
    if a.nearest is None:
        first = b.promises[a.by][0]
        if first.stepsize is None:
            return f"{who} says nothing of these members{_why(first)}."
        return f"{who} allows no member: none arrives."
    return f"{who} allows no member: {a.nearest.label} comes nearest{_takes(b, a.nearest)}."


def _share(a: Answer) -> str:
    """How much shorter a message is than an uncompressed one."""
    full, sent = a.uncompressed.message_bits, None if a.chosen is None else a.chosen.message_bits
    if not sent or not full:
        return ""
    # A compressed message may be longer than a full one (indices, headers): told as it is.
    times, word = (full / sent, "shorter") if full >= sent else (sent / full, "longer")
    return " (a message is as long)" if full == sent else f" (a message is {times:.3g} x {word})"


def _takes(b: Budgeted, p: Promise) -> str:
    """What it takes to arrive; "about" for estimates."""
    found = bits(p.bits) if b.target == "bits" else f"{arrives(p)} rounds"
    return f": about {found}" if p.by in ESTIMATED and p.rounds is not None else f": {found}"


def _why(p: Promise) -> str:
    """The reason in brackets, where there is one."""
    return f" ({p.note})" if p.note else ""


def remarks(b: Budgeted) -> list[str]:
    """Members beyond the answer that are not within, the cheapest in all, what was not looked at, reasons.

    A line each; [] where there is nothing to say.
    """
    out = [*b.doubts(), *b.notes]
    for a in b.answers.values():
        # A weaker member that fails between two that arrive is a fact of the evidence (floors, steps), and no
        # slip.
        if a.gaps:
            more = f" and {len(a.gaps) - 3} more" if len(a.gaps) > 3 else ""
            out.append(f"{a.by}: not monotone: {', '.join(a.gaps[:3])}{more}, though weaker, are not within")
        if a.cheapest is not None and b.target != "bits":
            out.append(f"{a.by}: the fewest bits in all are {a.cheapest.label}'s: {bits(a.cheapest.bits)}")
        if not a.whole:
            out.append(f"{a.by}: asked from the strongest up to the first within, {_part(b, a)}")
    if any(p.measured for looked in b.promises.values() for p in looked):
        out.append(
            f"{b.method} counts bits in a way of its own: those of a round are means of a few runs, not exact"
        )
    return out + [line for by, looked in b.promises.items() if (line := _reasons(by, looked))]


def _part(b: Budgeted, a: Answer) -> str:
    """How many of the members were looked at."""
    return f"{len(b.promises[a.by])} of {counted(len(b.members), 'member')}"


def _reasons(by: str, looked: Sequence[Promise]) -> str:
    """Why members have nothing promised, by the first of them."""
    # One reason stands for the rest: they differ in their numbers alone.
    # Where none has anything promised, the answer says so with the reason, and it is not repeated here.
    without = [p for p in looked if p.note]
    if not without or len(without) == len(looked):  # of all: the answer says it
        return ""
    return f"{by}: {len(without)} of {len(looked)} members have none, such as {without[0].label}: {without[0].note}"


def numbers(b: Budgeted) -> dict[str, list[object]]:
    """Columns of numbers: a row for every member by every evidence that looked at it, and whether it is the answer.

    "chosen" is True for the answer of each evidence.
    """
    # A row for each member and evidence: the same member stands there several times.
    looked = [(by, p) for by, row in b.promises.items() for p in row]
    names = (
        "label",
        "level",
        "message_bits",
        "claim",
        "stepsize",
        "rho",
        "floor",
        "rounds",
        "round_bits",
        "bits",
    )
    held = {k: [getattr(p, k) for _, p in looked] for k in (*names, "source", "standing")}
    return {"by": [by for by, _ in looked], **held, "chosen": [p is b.answers[by].chosen for by, p in looked]}


def said(b: Budgeted) -> list[str]:
    """What stands below the table."""
    return [caption(b), legend(b), answer(b), *remarks(b)]


def budget_page(b: Budgeted, command: str = "") -> str:
    """Answer first, then the picture, the table, remarks and every member."""
    notes = "".join(f"<li>{prose(line)}</li>" for line in remarks(b))
    body = (
        f"<p><b>{prose(answer(b))}</b></p>"
        f'<p class="meta">{prose(caption(b))}</p>'
        f"<figure>{inline_svg(figure(b))}</figure>"
        + html_table(*columns(b))
        + f'<p class="meta">{prose(legend(b))}</p>'
        + (f"<h2>Remarks</h2><ul>{notes}</ul>" if notes else "")
        + f"<h2>Every member</h2>{html_table(*details(b))}"
    )
    return page("compth budget", body, command=command)


def figure(b: Budgeted) -> Figure:
    """What the target counts against the bits of a message (or the constant), the limits, the answers as dots.

    A curve for each evidence, in the order of the answers.

    Members that never arrive are left out; both axes are logarithmic.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context(STYLE):
        made = Figure(figsize=(5.6, 3.8), layout="constrained")
        panel = made.subplots()
        for (by, looked), colour in zip(b.promises.items(), COLOURS * 2, strict=False):
            _curve(panel, b, by, looked, colour)
            _answered(panel, b, b.answers[by], colour)
        panel.set_xscale("log")
        panel.set_yscale("log")
        panel.set_xlabel(_across(b))
        panel.set_ylabel("uplink bits per worker to eps" if b.target == "bits" else "rounds to eps")
        made.legend(loc="outside upper center", ncols=2, fontsize=8)
    return made


def _across(b: Budgeted) -> str:
    """What the horizontal axis counts.

    Bits of a message; for members that are constants, the constant's name.
    """
    if b.members[0].bits is not None:
        return "bits of a message"
    return str(b.members[0].claim.partition("=")[0])


def _place(p: Promise) -> float:
    """Where a member stands on it."""
    level: Number = p.level
    return float(level if p.message_bits is None else p.message_bits)


def _height(b: Budgeted, p: Promise) -> float:
    """What it takes, nan where it does not arrive."""
    found = p.bits if b.target == "bits" else p.rounds
    return math.nan if found is None else float(found)


def _curve(panel: Axes, b: Budgeted, by: str, looked: Sequence[Promise], colour: str) -> None:
    """The members of one evidence."""
    across = np.array([_place(p) for p in looked])
    up = np.array([_height(b, p) for p in looked])
    # Members that never arrive have no place in the picture; the table has them.
    shown = np.isfinite(up) & (across > 0) & (up > 0)
    dotted = "." if shown.sum() < 3 else ""
    panel.plot(across[shown], up[shown], LINES[by], color=colour, marker=dotted, label=_named(b, by))


THEIR_STEP, BEST_STEP = "the theorem's step", "its best step"


def _named(b: Budgeted, by: str) -> str:
    """The evidence and at whose step: a certificate at its best one may lie below the exact rate at the theorem's."""
    # A certificate at its own best step may lie below an exact rate at the theorem's: whose step it is must be
    # said.
    if by == "certified":
        # The certified step is compared with the theorem's, member by member, to name whose step it is.
        theirs = {p.label: p.stepsize for p in b.promises.get("theorem", ())}
        if not theirs:
            return by
        same = all(theirs.get(p.label, p.stepsize) == p.stepsize for p in b.promises[by])
        return f"certified ({THEIR_STEP if same else BEST_STEP})"
    return {"exact": f"exact rate ({THEIR_STEP})", "best": f"exact rate ({BEST_STEP})"}.get(by, by)


def _answered(panel: Axes, b: Budgeted, a: Answer, colour: str) -> None:
    """The limit as a thin line, and the answer on it or below."""
    if a.limit is not None:
        own = b.target == "times"
        named = "" if own else f"limit: {bits(a.limit) if b.target == 'bits' else f'{a.limit:,.0f}'}"
        first = named not in panel.get_legend_handles_labels()[1]  # the same for every evidence
        panel.axhline(
            a.limit, color=colour if own else "0.4", lw=0.8, ls=(0, (1, 2)), label=named if first else ""
        )
    if a.chosen is not None and _place(a.chosen) > 0:
        panel.plot([_place(a.chosen)], [_height(b, a.chosen)], "o", color=colour, markersize=6)
