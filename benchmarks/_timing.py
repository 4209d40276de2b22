"""Interleaved timing: medians of ratios on noisy machines."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Line:
    """One measured ratio with its spread and the target it is held against."""

    what: str
    ratio: float
    low: float
    high: float
    target: str
    met: bool


def seconds(work: Callable[[], object], calls: int = 1) -> float:
    """Wall time of one call, of several in a row."""
    start = time.perf_counter()
    for _ in range(calls):
        work()
    return (time.perf_counter() - start) / calls


def ratios(
    work: Mapping[str, Callable[[], object]],
    base: str,
    rounds: int = 7,
    calls: Mapping[str, int] | None = None,
) -> dict[str, list[float]]:
    """Time every entry once per round, interleaved after one warm-up; ratios to `base` of the same round.

    calls: how many calls in a row are one measurement, for those of less than a millisecond.
    """
    for call in work.values():
        call()
    out: dict[str, list[float]] = {name: [] for name in work}
    for _ in range(rounds):
        times = {name: seconds(call, (calls or {}).get(name, 1)) for name, call in work.items()}
        for name in work:
            out[name].append(times[name] / times[base])
    return out


def line(what: str, values: list[float], most: float | None = None, least: float | None = None) -> Line:
    """Median with quartiles, judged against a ceiling or a floor."""
    ordered = sorted(values)
    middle = statistics.median(ordered)
    low, high = ordered[len(ordered) // 4], ordered[(3 * len(ordered)) // 4]
    target = f"<= {most}" if most is not None else f">= {least}" if least is not None else ""
    met = (most is None or middle <= most) and (least is None or middle >= least)
    return Line(what, middle, low, high, target, met)
