"""One BLAS thread while the package computes: sums in one order, so that no number hangs on how many cores there are.

Threads of our own (blocks of replicates, processes of a sweep) share nothing but results in a fixed order.
"""

from __future__ import annotations

import sys
import threading
from contextlib import ContextDecorator
from typing import Protocol

CARRIERS = ("numpy", "scipy.linalg", "sklearn", "torch")
"""Modules that bring a BLAS of their own."""


class _Limiter(Protocol):
    """threadpoolctl's record of what it has set."""

    def restore_original_limits(self) -> None: ...


class _Controller(Protocol):
    """threadpoolctl's controller of the thread pools that are loaded."""

    def limit(self, *, limits: int, user_api: str) -> _Limiter: ...


class _Limits:
    """What is set in this process, by how many calls at once: the first sets, the last puts back."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.depth = 0
        self.known: tuple[str, ...] = ()
        self.controller: _Controller | None = None
        self.held: list[_Limiter] = []

    def enter(self) -> None:
        """Set one BLAS thread, unless an outer call has: then only libraries that were loaded since."""
        with self.lock:
            # Looking for thread pools takes milliseconds, so a controller is kept until a library that brings
            # one is imported.
            loaded = tuple(name for name in CARRIERS if name in sys.modules)
            fresh = loaded != self.known
            if fresh:
                from threadpoolctl import ThreadpoolController

                self.controller, self.known = ThreadpoolController(), loaded
            # Sums of floats depend on how a BLAS splits them over threads, so a number would hang on how many
            # cores there are.
            if self.controller is not None and (fresh or not self.depth):
                _take_over()
                self.held.append(self.controller.limit(limits=1, user_api="blas"))
            self.depth += 1

    def leave(self) -> None:
        """Put the caller's settings back, at the end of the outermost call."""
        with self.lock:
            self.depth -= 1
            if self.held and not self.depth:
                _take_over()
                while self.held:
                    self.held.pop().restore_original_limits()
                _take_over()  # whoever comes next may set it, in any thread


def _take_over() -> None:
    """threadpoolctl lets one thread alone set limits, from 3.7 on; here whoever holds our lock may."""
    import threadpoolctl

    kind = getattr(threadpoolctl, "OpenBLASController", None)
    clear = getattr(kind, "clear_controlling_thread", None)
    if clear is not None:
        clear(force=True)


_LIMITS = _Limits()


class OneBlasThread(ContextDecorator):
    """Around a block, or on a function: nested and simultaneous calls included, the caller's setting comes back."""

    def __enter__(self) -> None:
        _LIMITS.enter()

    def __exit__(self, *_: object) -> None:
        _LIMITS.leave()


one_blas_thread = OneBlasThread()
