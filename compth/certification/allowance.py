"""Budgets in counted work, the same on every machine; processor time is a cap that is named when it bites.

Verdicts hang on counts alone, never on a clock. The cap on processor time is a safety net for programs that are slower
than any formula assumes; where it bites, the report names what was cut off.
"""

from __future__ import annotations

import math
import threading
import time

BUSY = 20.0
"""Times as many seconds by the clock end it too: a program that sleeps uses no processor."""
PAUSE = 1.0
"""Most seconds of the clock between two questions that count: what is longer was a suspension."""
BITTEN = "was ended by the cap"
"""In the words of whatever a cap ended."""

Limits = tuple[float, float]
"""(work, seconds): how an allowance is handed to the process of the program."""


class _Elsewhere(threading.local):
    """Processor seconds that other processes used for this thread."""

    seconds = 0.0


_elsewhere = _Elsewhere()


def charge(seconds: float) -> None:
    """Count processor time that a worker used on behalf of this thread."""
    _elsewhere.seconds += seconds


def used() -> float:
    """Processor seconds of this thread and of the workers that it asked."""
    return time.thread_time() + _elsewhere.seconds


class Allowance:
    """So much counted work. `spent` once it is used up, or when the cap bites: so many seconds of processor time.

    work: in units of about a microsecond, by formulas that see no clock. told: where a cap that bit is named.
    """

    def __init__(
        self, work: float = math.inf, seconds: float = math.inf, what: str = "", told: list[str] | None = None
    ) -> None:
        self.work, self.used, self.capped = work, 0.0, False
        self._seconds, self._what, self._told = seconds, what, told
        self._processor = used() + seconds
        self._clock, self._seen = BUSY * seconds, time.monotonic()

    def use(self, work: float) -> None:
        """Count work that is done."""
        self.used += work

    @property
    def limits(self) -> Limits:
        """The same allowance for another process."""
        return self.work, self._seconds

    @property
    def left(self) -> float:
        """Work not yet used."""
        return self.work - self.used

    @property
    def spent(self) -> bool:
        """True when the work is used up or the cap has bitten."""
        return self.used >= self.work or self._bites()

    def _bites(self) -> bool:
        """True once the cap has bitten, which is said the first time."""
        # Processor time ignores sleeping, so the clock is a second, wider cap; a gap between two questions
        # longer than PAUSE was a suspension of the whole process, which uses nobody's budget.
        now = time.monotonic()
        self._clock -= min(now - self._seen, PAUSE)
        self._seen = now
        if not self.capped and (used() > self._processor or self._clock < 0):
            self.capped = True
            self.tell(self.note)
        return self.capped

    def tell(self, note: str) -> None:
        """Name a cap that bit, once."""
        if BITTEN in note and self._told is not None and note not in self._told:
            self._told.append(note)

    @property
    def note(self) -> str:
        """What a cap that bit cut off."""
        share = f" at {self.used / self.work:.0%} of its work" if 0 < self.work < math.inf else ""
        return f"{self._what or 'work'} {BITTEN} of {self._seconds:g} s{share}: a faster machine goes further"
