"""Time that a stage may use: processor time, so that a busy machine does not weaken a verdict."""

from __future__ import annotations

import time

BUSY = 10.0
"""Times as many seconds by the clock end it too: a program that sleeps uses no processor."""


class Allowance:
    """So many seconds of this thread's processor time from now on; `spent` once they, or BUSY as many, are over."""

    def __init__(self, seconds: float) -> None:
        self._processor = time.thread_time() + seconds
        self._clock = time.monotonic() + BUSY * seconds

    @property
    def spent(self) -> bool:
        """True when the time is used up."""
        return time.thread_time() > self._processor or time.monotonic() > self._clock
