"""What a comparison's row is called, and when it arrives: read by its tables, its pictures and its page alike.

Rounds to eps are the exact expectation's where it is known, else the mean's; nothing else in the room decides that.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from compth.reporting.reports import number

if TYPE_CHECKING:
    from compth.reporting.asked import Compared
    from compth.simulation.trace import Trace
    from compth.studies.comparison_row import Row

NEVER = "never"
DIVERGES = "diverges"


def short_label(text: str) -> str:
    """Top-6 for TopK(k=6), as the field writes it; other compressors as they are typed, without empty brackets."""
    return re.sub(r"\b(Top|Rand)K\(k=(\d+)\)", r"\1-\2", text).replace("()", "").replace(", ", ",")


def row_label(text: str) -> str:
    """A method in a comparison's tables and keys: short labels, Top-3+Rand-3 for what Induced sends, Natural."""
    shorter = re.sub(r"\bInduced\(([^(),]+),([^(),]+)\)", r"\1+\2", short_label(text))
    return re.sub(r"\bNaturalCompression\b", "Natural", shorter)


def kinds_of(comparison: Compared) -> list[str]:
    """The kinds of step sizes that are compared, in order."""
    return list(comparison.info.get("kinds", dict.fromkeys(steps_of(comparison))))


def steps_of(comparison: Compared) -> list[str]:
    """Whose step each method of a comparison runs with."""
    return list(comparison.info.get("stepsizes", ["theorem"] * len(comparison.traces)))


def methods_of(comparison: Compared) -> list[str]:
    """The label of each row's method, whatever its step."""
    return list(comparison.info.get("of", [trace.label for trace in comparison.traces]))


def grows(r: Row, trace: Trace) -> bool:
    """Whether the run grows, or the exact expectation does: it has no floor."""
    return bool(trace.grows or (r.exact_rate is not None and r.exact_rate > 1 + 1e-9))


def promised(comparison: Compared, r: Row) -> str:
    """Rounds after which the theorem's bound is below eps, "never" where its floor is above."""
    above = r.guaranteed_floor is not None and r.guaranteed_floor > comparison.eps
    return NEVER if above and r.guaranteed_rounds is None else number(r.guaranteed_rounds)


def arrived(comparison: Compared, i: int) -> int | None:
    """Rounds to eps by the exact expectation, else by the mean of the runs; None where it does not get there."""
    r = comparison.rows[i]
    if r.diverged:
        return None
    # The exact expectation decides where it is known: a mean of runs may dip below the target by chance.
    known = r.exact_rate is not None or r.exact_rounds is not None
    rounds: int | None = r.exact_rounds if known else r.rounds
    return rounds


def seen(comparison: Compared, i: int) -> str:
    """Rounds to eps on this problem, or why there are none."""
    r, rounds = comparison.rows[i], arrived(comparison, i)
    if r.diverged:
        return "diverged"
    if grows(r, comparison.traces[i]):
        return DIVERGES
    if rounds is not None:
        return number(rounds)
    return NEVER if (r.simulated_floor or 0) > comparison.eps else f">{comparison.steps:,}"


def sent(comparison: Compared, i: int) -> tuple[float | None, float | None]:
    """Uplink and downlink bits of a worker in the rounds that `arrived` counts."""
    rounds, trace = arrived(comparison, i), comparison.traces[i]
    return (None, None) if rounds is None else (float(trace.bits[rounds]), float(trace.downlink_bits[rounds]))
