"""What a program holds between calls: plain values, and whether they are the same as before."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

ATOMS = frozenset({type(None), bool, int, float, complex, str, bytes, Fraction, range, slice, type(Ellipsis)})
NUMBERS = frozenset(
    kind for kind in vars(np).values() if isinstance(kind, type) and issubclass(kind, np.generic)
)


def is_atom(value: object) -> bool:
    """True for a number, text or None: a value without parts that could change."""
    kind = type(value)
    return kind in ATOMS or kind in NUMBERS or isinstance(value, np.dtype)


def is_fixed(value: Any) -> bool:
    """True for an atom, or a tuple of such."""
    return is_atom(value) or (type(value) in (tuple, frozenset) and all(map(is_fixed, value)))


def is_table(value: Any) -> bool:
    """True for a list, dictionary or array of fixed values: it may be read, never written."""
    if type(value) is np.ndarray:
        return not value.dtype.hasobject
    if type(value) is dict:
        return all(is_fixed(v) for pair in value.items() for v in pair)
    return type(value) in (list, set) and all(map(is_fixed, value))


def snapshot(value: Any) -> Any:
    """The value as one that is equal only to itself as it is now; anything without plain parts by its identity."""
    if is_atom(value):
        return type(value), repr(value)
    if type(value) is np.ndarray and value.dtype != object:
        return value.dtype.str, value.shape, value.tobytes()
    if type(value) in (tuple, list):
        return type(value), tuple(map(snapshot, value))
    if type(value) is dict:
        return tuple((snapshot(k), snapshot(v)) for k, v in value.items())
    if type(value) in (set, frozenset):
        return frozenset(map(snapshot, value))
    return id(value)
