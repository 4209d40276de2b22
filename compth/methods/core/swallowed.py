"""Does a body go on after an exception? Symbols raise where arrays do not, so then its trace speaks of no run."""

from __future__ import annotations

import importlib
import sys
import sysconfig
from collections.abc import Callable
from os.path import abspath, dirname, join
from types import FrameType
from typing import TYPE_CHECKING, TypeVar

import numpy as np

if TYPE_CHECKING:
    from _typeshed import TraceFunction

T = TypeVar("T")
KNOWN = tuple(
    join(abspath(folder), "")
    for folder in (
        sysconfig.get_paths()["stdlib"],
        dirname(dirname(dirname(__file__))),
        *(join(dirname(dirname(np.__file__)), name) for name in ("numpy", "sympy", "mpmath")),
    )
)
"""Where Python's library, the package, numpy and sympy lie: what they raise and catch inside is theirs."""
MACHINERY = tuple(
    vars(importlib.import_module(name))
    for name in ("importlib._bootstrap", "importlib._bootstrap_external", "zipimport")
)
"""Where imports are made, which belong to no file: sympy imports some of itself when it is first asked to multiply."""
ENDS = (StopIteration, StopAsyncIteration, GeneratorExit)
"""By these loops end."""


def noticing(call: Callable[[], T]) -> tuple[T, str]:
    """(call(), the kind of an exception that came up in a user's code on the way, "" for none)."""
    # a trace function sees every exception that comes up in a frame, also those that the frame catches: a
    # try/except in the body cannot hide it
    before, seen = sys.gettrace(), list[str]()

    def inside(frame: FrameType, event: str, arg: object) -> TraceFunction | None:
        if event == "exception" and isinstance(arg, tuple) and not issubclass(arg[0], ENDS):
            seen.append(arg[0].__name__)
        return inside

    def entered(frame: FrameType, event: str, arg: object) -> TraceFunction | None:
        # libraries catch exceptions of their own as a matter of course; only frames of a user's code count
        return None if _known(frame) else inside

    sys.settrace(entered)
    try:
        found = call()
    finally:
        # a debugger or a coverage tool gets its own function back
        sys.settrace(before)
    return found, seen[0] if seen else ""


def _known(frame: FrameType) -> bool:
    """True for code of Python's library, of numpy and of the package; installed packages of others are not."""
    if any(frame.f_globals is space for space in MACHINERY):
        return True
    name, library = frame.f_code.co_filename, KNOWN[0]
    return name.startswith(KNOWN[1:]) or (name.startswith(library) and "site-packages" not in name)


__all__ = ["noticing"]
