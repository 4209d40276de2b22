"""Time that a stage may use: processor time, so that a busy machine does not weaken a verdict."""

from __future__ import annotations

import threading
import time

BUSY = 10.0
"""Times as many seconds by the clock end it too: a program that sleeps uses no processor."""
PAUSE = 1.0
"""Most seconds of the clock between two questions that count: what is longer was a suspension."""


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
    """So many seconds of processor time from now on; `spent` once they, or BUSY as many by the clock, are over."""

    def __init__(self, seconds: float) -> None:
        self._processor = used() + seconds
        self._clock, self._seen = BUSY * seconds, time.monotonic()

    @property
    def spent(self) -> bool:
        """True when the time is used up."""
        now = time.monotonic()
        self._clock -= min(now - self._seen, PAUSE)
        self._seen = now
        return used() > self._processor or self._clock < 0
