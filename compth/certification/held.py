"""What a program holds between calls: plain values, and whether they are the same as before.

Objects of others are looked at by their type and identity alone: no method of theirs runs here.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from fractions import Fraction
from types import ModuleType

import numpy as np

ATOMS = frozenset({type(None), bool, int, float, complex, str, bytes, Fraction, range, slice, type(Ellipsis)})
"""Types whose values have no parts."""
NUMBERS = frozenset(
    kind for kind in vars(np).values() if isinstance(kind, type) and issubclass(kind, np.generic)
)

MATHEMATICS = frozenset({"math", "cmath"})
"""Modules of Python's library whose data are numbers, the same in every process."""


def is_atom(value: object) -> bool:
    """True for a number, text or None: a value without parts that could change."""
    kind = type(value)
    return kind in ATOMS or kind in NUMBERS or isinstance(value, np.dtype)


def is_fixed(value: object) -> bool:
    """True for an atom, or a tuple of such."""
    # The type first: isinstance would ask an object of others for its `__class__`.
    if type(value) in (tuple, frozenset) and isinstance(value, tuple | frozenset):
        return all(map(is_fixed, value))
    return is_atom(value)


def is_table(value: object) -> bool:
    """True for a list, dictionary or array of fixed values: it may be read, never written."""
    # `type is`, not isinstance: a subclass may read, compare and hold what it likes.
    if type(value) is np.ndarray:
        return not value.dtype.hasobject
    if type(value) is dict:
        return all(is_fixed(v) for pair in value.items() for v in pair)
    return type(value) in (list, set) and isinstance(value, list | set) and all(map(is_fixed, value))


def snapshot(value: object) -> object:
    """The value as one that is equal only to itself as it is now; anything without plain parts by its identity."""
    if is_atom(value):
        return type(value), repr(value)  # repr: NaN equals itself, and 0.0 is not -0.0
    if type(value) is np.ndarray and value.dtype != object:
        return value.dtype.str, value.shape, value.tobytes()
    if type(value) in (tuple, list) and isinstance(value, tuple | list):
        return type(value), tuple(map(snapshot, value))
    if type(value) is dict:
        return tuple((snapshot(k), snapshot(v)) for k, v in value.items())
    if type(value) in (set, frozenset) and isinstance(value, set | frozenset):
        return frozenset(map(snapshot, value))
    return id(value)


def of_the_process(value: object, home: ModuleType | None = None) -> bool:
    """True for data of Python's library: arguments, modules, paths, the platform. Another process has others.

    home: the module of which it is an attribute; lists, sets and dictionaries are known by identity anywhere.
    """
    # sys.argv, os.environ or platform.machine() are the same in every run here and others elsewhere: a trace
    # that read one of them would be a proof about this machine.
    if home is not None and _is_library(home) and is_fixed(value):
        return True
    return type(value) in (list, dict, set) and any(value is v for v in _library_data())


def _is_library(home: ModuleType) -> bool:
    """True for modules of Python's library but mathematics, whose constants are the same everywhere."""
    top = home.__name__.partition(".")[0]
    return top in sys.stdlib_module_names - MATHEMATICS and top != "__main__"


def _library_data() -> Iterator[object]:
    """Every attribute of every such module that is imported."""
    for home in list(sys.modules.values()):
        if type(home) is ModuleType and _is_library(home):
            yield from list(vars(home).values())
