"""What a float constant stands for: its exact binary value, or the named fraction that it is the rounding of.

1/3 cannot be written as a float, so a program that means 1/3 holds the float next to it. A float is read as the
simplest fraction within one unit in the last place (ulp), where that has a denominator of at most a million; else as
what it is. A program's constant may be a quotient of a rounded number, as in x * (1/p): two roundings, so the fraction
within a relative 2^-52, of four digits. Nothing further away is ever read as that fraction: 1/3 (1 - 2e-14) stays what
it is. Every reading that changes a number is noted, so that the report can print it.

A reading must never turn a false claim into a true one: only fractions within rounding of the float, and of a
denominator so small that another float's neighbourhood holds none by chance.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from functools import lru_cache
from typing import cast

import numpy as np

SIMPLE = 10**6
"""Largest denominator of a named fraction."""
SHORT = 10**4
"""Largest numerator and denominator of a fraction that two roundings may have moved."""
TWO_ROUNDINGS = Fraction(1, 2**52)
"""What rounding a number and its quotient may move, relative: half of 2^-52 each."""
SHOWN = 4
"""Readings that one line of a report spells out."""
_NOTED: list[dict[Fraction, Fraction]] = []


@contextmanager
def noting() -> Iterator[dict[Fraction, Fraction]]:
    """Collects the readings made inside this block: exact binary value -> named fraction."""
    held: dict[Fraction, Fraction] = {}
    _NOTED.append(held)
    try:
        yield held
    finally:
        _NOTED.remove(held)


def simplest(low: Fraction, high: Fraction) -> Fraction:
    """The fraction with the least denominator in [low, high], 0 < low <= high (by continued fractions)."""
    # Stern-Brocot: if the interval holds an integer, the least one at or above `low` is simplest; else every
    # fraction in it is whole + 1/q with q in the reciprocal interval of what is left, and the simplest q
    # gives the simplest of them.
    whole = math.floor(low)
    if whole == low or whole + 1 <= high:
        return Fraction(math.ceil(low))
    return whole + 1 / simplest(1 / (high - whole), 1 / (low - whole))


def ulp(value: Fraction) -> Fraction:
    """The unit in the last place of a float64 of this size."""
    return Fraction(math.ulp(float(value)))


def named(value: Fraction) -> Fraction:
    """The fraction that this value of a program names, the value itself where there is none; noted where it differs."""
    # Every reading is noted wherever someone listens: a proof prints those on which it rests.
    read = _after_two_roundings(value)
    if read != value:
        for held in _NOTED:
            held[value] = read
    return read


def is_plain(value: Fraction) -> bool:
    """True for a Fraction of whole numbers, each of Python's own class: what equals it calculates as it does."""
    return type(value) is Fraction and type(value.numerator) is type(value.denominator) is int


@lru_cache(maxsize=8192)  # the paths of a program meet the same thresholds again and again
def _after_two_roundings(value: Fraction) -> Fraction:
    """The named fraction within one ulp, else a short one within two roundings, else the value."""
    if not is_plain(value):
        raise TypeError("a number that calculates in a way of its own names no fraction")
    read, size = within_an_ulp(value), abs(value)
    if read != value or value.denominator <= SIMPLE or size <= ulp(value):
        return read
    # Only short fractions: in an interval this wide some fraction with a denominator of a million lies near
    # any float.
    found = simplest(size * (1 - TWO_ROUNDINGS), size * (1 + TWO_ROUNDINGS))
    if max(found.numerator, found.denominator) > SHORT:
        return value
    return found if value > 0 else -found


def within_an_ulp(value: Fraction) -> Fraction:
    """The named fraction within one ulp of this value, the value itself where there is none."""
    if value.denominator == 1:
        return value
    size, unit = abs(value), ulp(value)
    if size <= unit:
        return value
    found = simplest(size - unit, size + unit)
    if found.denominator > SIMPLE:
        return value
    return found if value > 0 else -found


def is_float(value: object) -> bool:
    """True for numbers that were rounded: no int and no Fraction."""
    return not isinstance(value, int | Fraction | np.integer)


def as_written(value: object) -> Fraction:
    """A number as the Fraction that it is: floats by their exact binary value."""
    if isinstance(value, Fraction):
        return value
    if isinstance(value, int | np.integer | np.bool_):
        return Fraction(int(value))
    ratio = getattr(value, "as_integer_ratio", None)  # exact also for floats longer than Python's
    return Fraction(float(cast("float", value))) if ratio is None else Fraction(*map(int, ratio()))


def simple(value: object) -> Fraction:
    """A float read as the fraction that it names; exact numbers unchanged."""
    return named(as_written(value)) if is_float(value) else as_written(value)


def _how_far(value: Fraction, read: Fraction) -> str:
    """Said where it is more than one ulp."""
    return "" if abs(value - read) <= ulp(value) else " (two roundings)"


def said(readings: Iterable[tuple[Fraction, Fraction]]) -> str:
    """The readings in words: "1.6666666666666667 as 5/3", the first few."""
    listed = [f"{float(v)!r} as {q}{_how_far(v, q)}" for v, q in sorted(readings)]
    more = f" and {len(listed) - SHOWN} more" if len(listed) > SHOWN else ""
    return ", ".join(listed[:SHOWN]) + more
