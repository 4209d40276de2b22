"""Interleaved timing: medians of ratios on noisy machines."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

SPREAD = 2.0
"""Quartiles further apart than by this factor are measured again, and are no measurement if they stay so."""


@dataclass(frozen=True)
class Line:
    """One measured ratio with its spread and the target it is held against.

    measured: False where the quartiles stayed too far apart or what is needed is not installed; then nothing is met.
    """

    what: str
    ratio: float
    low: float
    high: float
    target: str
    met: bool
    measured: bool = True


def seconds(work: Callable[[], object], calls: int = 1) -> float:
    """Wall time of one call, of several in a row."""
    start = time.perf_counter()
    for _ in range(calls):
        work()
    return (time.perf_counter() - start) / calls


def wide(values: Sequence[float]) -> bool:
    """True where the quartiles are more than `SPREAD` apart; one value, or one of another sign, has no such spread."""
    low, high = quartiles(values)
    return 0 < SPREAD * low < high


def quartiles(values: Sequence[float]) -> tuple[float, float]:
    """The values a quarter of the way from either end."""
    ordered = sorted(values)
    return ordered[len(ordered) // 4], ordered[(3 * len(ordered)) // 4]


def steady(measure: Callable[[], dict[str, list[float]]]) -> dict[str, list[float]]:
    """What is measured, once more where some of it spread too far: a machine is rarely disturbed twice."""
    found = measure()
    return measure() if any(map(wide, found.values())) else found


def times(work: Callable[[], object], rounds: int = 3) -> list[float]:
    """Seconds of a few calls after one that warms up."""
    work()
    return steady(lambda: {"": [seconds(work) for _ in range(rounds)]})[""]


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

    def measure() -> dict[str, list[float]]:
        out: dict[str, list[float]] = {name: [] for name in work}
        for _ in range(rounds):
            took = {name: seconds(call, (calls or {}).get(name, 1)) for name, call in work.items()}
            for name in work:
                out[name].append(took[name] / took[base])
        return out

    return steady(measure)


def line(what: str, values: list[float], most: float | None = None, least: float | None = None) -> Line:
    """Median with quartiles, judged against a ceiling or a floor; not measured where they are too far apart."""
    middle, (low, high), measured = statistics.median(values), quartiles(values), not wide(values)
    bounds = [f"{sign} {v:.12g}" for sign, v in ((">=", least), ("<=", most)) if v is not None]
    target = " and ".join(bounds)
    within = (most is None or middle <= most) and (least is None or middle >= least)
    return Line(what, middle, low, high, target, within and measured, measured)


def missing(what: str, package: str) -> Line:
    """A line for what cannot be measured here."""
    return Line(what, 0.0, 0.0, 0.0, f"{package} is not installed", False, False)
