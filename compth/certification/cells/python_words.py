"""Python's own functions for a traced program; those that are not here it does not have.

len, range, zip and their like are Python's own: they ask arrays for lengths and entries, which answer or
refuse. What must not be changed: nothing here may say of what type a value is, or show it.
"""

from __future__ import annotations

import builtins
from collections.abc import Callable, Iterable
from typing import NoReturn

from compth._numbers import Number
from compth.certification.cells import elementwise as el
from compth.certification.cells import norms, orders
from compth.certification.cells.array import INTEGER, REAL, TRUTH, Array, Picked, as_array
from compth.certification.cells.elementwise import kind_of
from compth.certification.cells.nodes import Mute, session, stop
from compth.certification.cells.words import ARRAY, as_words, holds_symbol, listed_of, make_array


def _extreme(op: str) -> Callable[..., object]:
    """min or max: Python's of numbers, a chain of choices of symbols."""
    plain = getattr(builtins, op)

    def called(*values: object, **options: object) -> object:
        listed = listed_of(values[0]) if len(values) == 1 else list(values)
        if not holds_symbol(listed):
            return plain(listed, **options)
        if options or any(isinstance(v, Picked) or as_array(v).ndim for v in listed):
            stop(f"{op} with options, or of arrays")
        return Array(norms.extreme(op, [as_array(v).node for v in listed]), kind_of(*listed))

    return called


def _sum(values: Iterable[Number], start: Number = 0) -> object:
    """sum(): of scalars as the sum of an array, in which norms are recognised."""
    listed = list(values)
    if not holds_symbol(listed):
        return sum(listed, start)
    if all(not isinstance(v, Picked) and as_array(v).ndim == 0 for v in listed):
        return make_array(listed).sum() + start
    return sum(listed, start=start)


def _every(some: bool) -> Callable[..., object]:
    """any or all: a truth that is joined, not a branch for each entry."""

    def called(values: Iterable[object]) -> object:
        listed = list(values)
        if not holds_symbol(listed):
            return any(listed) if some else all(listed)
        return make_array(listed).any() if some else make_array(listed).all()

    return called


def _sorted(
    values: Iterable[Number], key: Callable[[object], Number] | None = None, reverse: bool = False
) -> object:
    """sorted() of magnitudes, or of all indices by a key that grows or falls with |x_i|."""
    listed = list(values)
    keys = listed if key is None else [key(v) for v in listed]
    if not holds_symbol(keys):
        return sorted(listed, key=key, reverse=reverse)
    if key is None:
        found = list(orders.sort(make_array(listed)))
        return found[::-1] if reverse else found
    # sorted(range(d), key=...) is an order of all entries; of fewer things the rank is no rank in x.
    if listed != list(range(session().size)):
        stop("a sort of other things than all indices")
    return list(orders.by_keys(as_array(make_array(keys)), reverse))


def _isinstance(value: object, kinds: object) -> bool:
    """Whether it is an array of numpy, which alone may be asked: a scalar of numpy is none."""
    return (
        bool(value.ndim or value.loose)
        if kinds is ARRAY and isinstance(value, Array)
        else bool(stop("asks for a type"))
    )


def _round(value: Number, digits: int | None = None) -> object:
    """round() to a whole number."""
    if not holds_symbol(value):
        return round(value, digits)
    if isinstance(value, Picked) or as_array(value).ndim:
        stop("round of an array, which numpy has not")
    return stop("round to decimals") if digits is not None else el.unary("rint", value, "i")


_CONSTANTS = ("True", "False", "None", "Ellipsis", "NotImplemented")
_PLAIN = (
    "len", "range", "enumerate", "zip", "list", "tuple", "reversed", "map", "slice", "iter", "next", "ValueError",
    "TypeError", "ZeroDivisionError",
)  # fmt: skip


class _Untraced(Mute):
    """A function or type of Python that no trace follows: it says so where it is used."""

    def __init__(self, name: str) -> None:
        self.__dict__["_untraced"] = name

    def __call__(self, *_: object, **__: object) -> NoReturn:
        stop(f"{self.__dict__['_untraced']}() is not traced")

    def __getattr__(self, name: str) -> NoReturn:
        stop(f"{self.__dict__['_untraced']} is not traced")


def _other(n: str) -> object:
    """What stands for a name of Python's that is not among the words: errors are themselves."""
    # Errors may be raised: on a way that is taken they end the trace. All other names stop where they are
    # used.
    real = getattr(builtins, n)
    return real if isinstance(real, type) and issubclass(real, Exception) else _Untraced(n)


_OTHERS = {n: _other(n) for n in dir(builtins) if not n.startswith("_") and n not in _CONSTANTS}
PYTHON: dict[str, object] = _OTHERS | as_words({
    **{n: getattr(builtins, n) for n in _PLAIN if hasattr(builtins, n)},
    "abs": lambda a: abs(a), "min": _extreme("min"), "max": _extreme("max"), "sum": _sum, "any": _every(True),
    "all": _every(False), "float": REAL, "int": INTEGER, "bool": TRUTH, "round": _round, "isinstance": _isinstance,
    "sorted": _sorted, "pow": lambda a, b: a**b, "divmod": lambda a, b: divmod(a, b),
})  # fmt: skip
