"""A comparison at several kinds of step sizes: a line a method, what each kind of step gives side by side.

The question is whether methods or their theorems' steps are ranked: the last sentence of `answers` says which.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from compth.reporting.arrivals import (
    arrived,
    grows,
    kinds_of,
    methods_of,
    promised,
    row_label,
    seen,
    sent,
    steps_of,
)
from compth.reporting.reports import bits, number, short_bits

if TYPE_CHECKING:
    from compth.reporting.asked import Compared

TITLES = {
    "theorem": "at the theorems' steps",
    "certified": "at the certified steps",
    "best": "at the best steps",
    "tuned": "at tuned steps",
}
"""Whose steps, by kind."""
MEASURES = ("rounds", "uplink bits", "downlink bits")
"""By what methods are ranked."""


def title(comparison: Compared, kind: str) -> str:
    """Whose steps these are; of methods that were given theirs, those."""
    rows = [r for r, k in zip(comparison.rows, steps_of(comparison), strict=True) if k == kind]
    given = [r.stepsize_from == "given" for r in rows]
    if kind != "theorem" or not any(given):
        return TITLES[kind]
    return "at the given steps" if all(given) else "at the theorems' or given steps"


def lines(comparison: Compared) -> list[tuple[str, dict[str, int]]]:
    """(method, kind of step -> index of its row): rows stand together by method, each kind once."""
    found: list[tuple[str, dict[str, int]]] = []
    for i, (method, kind) in enumerate(zip(methods_of(comparison), steps_of(comparison), strict=True)):
        # Rows come method by method; a kind that comes a second time begins another line.
        if not found or found[-1][0] != method or kind in found[-1][1]:
            found.append((method, {}))
        found[-1][1][kind] = i
    return found


def columns(comparison: Compared) -> tuple[list[str], list[list[str]]]:
    """Header and cells: what is promised, then step, rounds and bits with each kind of step.

    Common headings "title: name" are drawn over their columns (`page.spans`).
    """
    # Promises first, which belong to one step each; then what happens, for every kind of step the same four
    # columns.
    kinds, held = kinds_of(comparison), lines(comparison)
    header, cells = ["method"], [[row_label(method)] for method, _ in held]
    if "theorem" in kinds:
        _add(header, cells, "rounds promised: theorem", [_by_theorem(comparison, at) for _, at in held])
    _add(header, cells, "rounds promised: certified", [_by_certificate(comparison, at) for _, at in held])
    for kind in kinds:
        header += [f"{title(comparison, kind)}: {name}" for name in ("step", "rounds", "up", "down")]
        for row, (_, at) in zip(cells, held, strict=True):
            row += _at(comparison, at[kind], kind) if kind in at else ["-"] * 4
    return header, cells


def _add(header: list[str], cells: list[list[str]], name: str, column: Sequence[str]) -> None:
    """One more column."""
    header.append(name)
    for row, cell in zip(cells, column, strict=True):
        row.append(cell)


def _by_theorem(comparison: Compared, at: dict[str, int]) -> str:
    """Rounds that the theorem promises."""
    return promised(comparison, comparison.rows[at["theorem"]]) if "theorem" in at else "-"


def _by_certificate(comparison: Compared, at: dict[str, int]) -> str:
    """Rounds that the certificate promises."""
    return number(comparison.rows[next(iter(at.values()))].certified_rounds)


def _at(comparison: Compared, i: int, kind: str) -> list[str]:
    """Step (marked where it was tuned instead), rounds and bits of one row."""
    r = comparison.rows[i]
    # Bits until eps, where the row arrives: those of a method that does not are no price of anything.
    up, down = sent(comparison, i)
    # Where no exact rate is known the best step was tuned: a star says so.
    mark = "*" if kind == "best" and r.stepsize_from == "tuned" else ""
    return [number(r.stepsize, 3) + mark, seen(comparison, i), short_bits(up), short_bits(down)]


def legend(comparison: Compared) -> str:
    """What the columns mean.

    Only kinds of steps that occur are explained.
    """
    kinds = kinds_of(comparison)
    words = [
        f"rounds: until E||x_t-x*||^2 stays below {comparison.eps:g} ||x_0-x*||^2, by the exact expectation where it is"
        " known, else the mean of the runs; never: the floor is above; up, down: bits (k: thousand, M: million) that a"
        " worker sends and receives by then; -: nothing is promised, or not reached.",
    ]
    if "theorem" in kinds:
        words.append(f"theorem: promised at its own step ({_planned(comparison)}).")
    if any(r.certified_rounds is not None for r in comparison.rows):
        words.append(
            "certified: promised at the certificate's own best step, by the worst of all problems with this mu_min and"
            " L_max (GD: mu and L): it may lie above a guarantee or a run on this problem and refutes neither."
        )
    if "best" in kinds:
        tuned = any(r.stepsize_from == "tuned" for r in comparison.rows)
        words.append("best: the least exact rate" + ("; *: tuned." if tuned else "."))
    if any(map(grows, comparison.rows, comparison.traces)):
        words.append("diverges: it grows, and has no floor.")
    return " ".join(words)


def _planned(comparison: Compared) -> str:
    """The theorems that plan steps, in order."""
    rows = zip(comparison.rows, steps_of(comparison), strict=True)
    return ", ".join(dict.fromkeys(r.theorem for r, kind in rows if kind == "theorem" and r.theorem))


def answers(comparison: Compared) -> list[str]:
    """Who needs the least at each kind of step, in a sentence each, and what the difference is due to."""
    said = [_ranked(comparison, kind) for kind in kinds_of(comparison)]
    return [*(line for line in said if line), *_looseness(comparison)]


def winners(comparison: Compared, kind: str) -> dict[str, tuple[int, float]]:
    """Measure -> (row, what it needs): the least of those that arrive with this kind of step; empty where none does.

    Measures are rounds, uplink and downlink bits.

    The row is an index into comparison.rows.
    """
    # Only rows that arrive are ranked.
    rows = [at[kind] for _, at in lines(comparison) if kind in at]
    needs = {
        i: (float(rounds), *(float(v or 0) for v in sent(comparison, i)))
        for i in rows
        if (rounds := arrived(comparison, i)) is not None
    }
    found = {}
    for j, measure in enumerate(MEASURES if needs else ()):
        # Ties go to the first row, so that the sentence is the same each time.
        value, i = min((all_three[j], i) for i, all_three in needs.items())
        found[measure] = (i, value)
    return found


def amount(measure: str, value: float) -> str:
    """48 rounds, 10.9 kbit."""
    return f"{value:,.0f} rounds" if measure == "rounds" else bits(value)


def _ranked(comparison: Compared, kind: str) -> str:
    """At the best steps A needs the fewest rounds (48) and uplink bits (10.9 kbit), B the fewest downlink bits."""
    where, names = title(comparison, kind), methods_of(comparison)
    won: dict[str, list[str]] = {}
    for measure, (i, value) in winners(comparison, kind).items():
        won.setdefault(row_label(names[i]), []).append(
            f"{measure} ({amount(measure, value).removesuffix(' rounds')})"
        )
    if not won:
        return ""
    parts = [f"{method} {'the' if j else 'needs the'} fewest {_listed(what)}"
             for j, (method, what) in enumerate(won.items())]  # fmt: skip
    return f"{where[0].upper()}{where[1:]} {', '.join(parts)}."


def _listed(words: Sequence[str]) -> str:
    """a, b and c."""
    return " and ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else words[0]


def _looseness(comparison: Compared) -> list[str]:
    """Where another method is first once steps are the best: how much longer those are than the theorems'.

    Empty where the order stays, or where steps were given by hand.
    """
    names = methods_of(comparison)
    theirs, best = winners(comparison, "theorem"), winners(comparison, "best") or winners(comparison, "tuned")
    # If the order changes with the steps, it is the theorems' steps that ranked the methods, and that is worth
    # a sentence.
    turned = any(names[best[m][0]] != names[theirs[m][0]] for m in theirs if m in best)
    if not turned or "given" in title(comparison, "theorem"):
        return []
    # The longest first: the method whose theorem asks for the most cautious step lost most by it.
    longest = sorted(_factors(comparison).items(), key=lambda pair: -pair[1])
    listed = _listed([f"{factor:.3g} x for {method}" for method, factor in longest])
    return [
        "The order turns by the theorems' looseness, not the methods': steps that are best here over the theorems' are"
        f" {listed}."
    ]


def _factors(comparison: Compared) -> dict[str, float]:
    """Best or tuned step over the theorem's, of methods that arrive at the former, by label."""
    found = {}
    for method, at in lines(comparison):
        other = at.get("best", at.get("tuned"))
        if other is not None and "theorem" in at and arrived(comparison, other) is not None:
            # How many times longer a step the method bears here than its theorem grants.
            found[row_label(method)] = (
                comparison.rows[other].stepsize / comparison.rows[at["theorem"]].stepsize
            )
    return found


def remarks(comparison: Compared) -> list[str]:
    """How steps were found, with labels as in the table, and where certified ones are."""
    # Longest labels first, so that a label that begins another one does not break it.
    said = list(comparison.info.get("notes", ()))
    for method in sorted(set(methods_of(comparison)), key=len, reverse=True):
        said = [line.replace(method, row_label(method)) for line in said]
    shown = [comparison.rows[next(iter(at.values()))] for _, at in lines(comparison)]
    names = [row_label(method) for method, _ in lines(comparison)]
    better = [
        f"{r.certified_step:.3g} for {name} ({r.certified_standing})"
        for r, name in zip(shown, names, strict=True)
        if r.certified_remark
    ]
    return [*said, *([f"certified best steps: {', '.join(better)}"] if better else [])]
