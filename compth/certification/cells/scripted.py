"""A numpy Generator whose draws are chosen: the k-th number of its stream is a quantile that is given, or random.

numpy takes its bits from a struct of C functions (its documented bitgen_t). Uniform numbers and integers grow with the
bits, so that one number in [0, 1) says what is drawn.
"""

from __future__ import annotations

import ctypes
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol, cast

import numpy as np

_STATE = ctypes.c_void_p
_WORD = ctypes.CFUNCTYPE(ctypes.c_uint64, _STATE)
_HALF = ctypes.CFUNCTYPE(ctypes.c_uint32, _STATE)
_REAL = ctypes.CFUNCTYPE(ctypes.c_double, _STATE)


class _Functions(ctypes.Structure):
    _fields_ = (("state", _STATE), ("word", _WORD), ("half", _HALF), ("real", _REAL), ("raw", _WORD))


class Chosen(Protocol):
    """Quantiles of chosen draws: a dictionary, or a rule (`visits.Always`)."""

    def get(self, k: int, /) -> float | None:
        """The quantile of the k-th draw, None for one that stays random."""


class Stream:
    """numpy's bit generator over a function that gives numbers in [0, 1)."""

    def __init__(self, following: Callable[[], float]) -> None:
        # The top 53 bits of a word are numpy's uniform double, its high bits the bounded integer: both grow
        # with the quantile.
        def word(_: object) -> int:
            return min(int(following() * 2.0**64), 2**64 - 1)

        def half(_: object) -> int:
            return int(following() * 2.0**32)

        real = _REAL(lambda _: following())
        self._functions = _Functions(None, _WORD(word), _HALF(half), real, _WORD(word))
        # numpy finds the functions by the address in a capsule of this name; they must live as long as the
        # stream.
        make = ctypes.pythonapi.PyCapsule_New
        make.restype, make.argtypes = ctypes.py_object, [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]
        self._name = b"BitGenerator"
        self.capsule: object = make(ctypes.addressof(self._functions), self._name, None)
        self.lock = threading.Lock()


@contextmanager
def draw_errors_raised() -> Iterator[None]:
    """Raise here what is raised inside a chosen draw, such as a limit of time or Ctrl-C: C lets nothing through."""
    failed: list[BaseException] = []
    before = sys.unraisablehook
    sys.unraisablehook = lambda dropped: failed.append(dropped.exc_value or RuntimeError("a draw failed"))
    try:
        yield
    finally:
        sys.unraisablehook = before
    if failed:
        raise failed[0]


def scripted(chosen: Chosen, seed: int) -> np.random.Generator:
    """A generator whose k-th draw is chosen[k]; others are random."""
    plain, at = np.random.default_rng(seed), [-1]

    def following() -> float:
        at[0] += 1
        found = chosen.get(at[0])
        return plain.random() if found is None else min(max(found, 0.0), 1 - 2.0**-53)

    # numpy asks for no more of a bit generator than its capsule and lock, and its stub for a class of its own
    return np.random.Generator(cast("np.random.BitGenerator", Stream(following)))
