"""Arithmetic that lets float, Fraction, int, sympy and arrays of floats pass through one line.

Every closed form of the package is written once with + - * / ** and the few functions below.

A function belongs here when Python's own loses exactness (int / int, math.sqrt of a square) or does not take symbols
(min, max). None may turn an exact number into a float while it has an exact value: proofs run through these lines.
"""

from __future__ import annotations

import builtins
import math
import sys
from collections.abc import Callable
from dataclasses import fields
from decimal import Decimal
from enum import EnumType
from fractions import Fraction
from functools import reduce, wraps
from typing import TYPE_CHECKING, Any, TypeVar, cast

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


T = TypeVar("T")
# int | float | Fraction | sympy.Expr: no type of Python is all of them and has + - * / between any two
Number = Any
"""A scalar of a closed form: int, float, Fraction or a sympy expression."""


def is_symbolic(x: object) -> bool:
    """True for sympy expressions (without importing sympy)."""
    return type(x).__module__.split(".", 1)[0] == "sympy"


def is_array(x: object) -> bool:
    """True for arrays of at least one axis (without importing numpy): a closed form is then evaluated by entry."""
    return bool(getattr(x, "ndim", 0))


def plain(x: Number) -> Number:
    """A number of numpy, sympy or a class of others as Python's int, Fraction or float, also in tuples; else unchanged.

    Narrow numbers of numpy round and overflow where Python's do not: 1/float16(0.1) - 1 is 9, int8(100)**2 is 16. A
    class that inherits from float may multiply as it likes: its objects count for the number that they hold.
    """
    if type(x) is tuple:
        return tuple(map(plain, x))
    # By the name of the type's module, so that neither numpy nor sympy has to be imported to recognise their
    # numbers.
    home = type(x).__module__.split(".", 1)[0]
    if home == "numpy" and not hasattr(x, "__len__"):
        held = x.item() if hasattr(x, "item") else x
        return held if isinstance(held, bool | int | float | str) else _plainly(held, x)
    if home == "sympy" and getattr(x, "is_number", False) and not x.free_symbols:
        return int(x) if x.is_Integer else Fraction(int(x.p), int(x.q)) if x.is_Rational else _plainly(x, x)
    return uninherited(x)


def uninherited(x: T) -> T:
    """A number of a class that inherits from float, int or Fraction as the number that it holds, also in containers.

    A Decimal is the fraction that it is: beside floats Python computes nothing with it.
    """
    kind = type(x)
    if kind is tuple or kind is list:  # not ==: a class of one's own may equal anything
        listed = cast("list[object]", x)
        parts = [uninherited(v) for v in listed]
        same = all(p is v for p, v in zip(parts, listed, strict=True))
        return x if same else cast("T", tuple(parts) if kind is tuple else parts)
    if kind is dict:
        table = cast("dict[object, object]", x)
        held = {k: uninherited(v) for k, v in table.items()}
        return x if all(held[k] is v for k, v in table.items()) else cast("T", held)
    lines: tuple[type, ...] = type.__dict__["__mro__"].__get__(kind)  # past a metaclass's own `__mro__`
    base = next((number for number in (float, int, Fraction) if number in lines), None)
    numpys = getattr(sys.modules.get("numpy"), "float64", None)
    if base is None and Decimal in lines:
        # By Decimal's own methods, as above; infinity and NaN have no ratio, and are told apart as floats.
        number = cast("Decimal", x)
        finite = Decimal.is_finite(number)
        exact_one = Fraction(*Decimal.as_integer_ratio(number)) if finite else Decimal.__float__(number)
        return cast("T", exact_one)
    if base is None or kind in (bool, base, numpys) or isinstance(kind, EnumType):
        return x
    # +x by the base class's own method: the class of others cannot say another number here than it holds.
    own: Callable[[object], object] = base.__dict__["__pos__"]
    return cast("T", own(x))


def _plainly(number: Number, otherwise: object) -> object:
    """As a float, where it is real."""
    try:
        return float(number)
    except (TypeError, ValueError):
        return otherwise


def plain_parameters(thing: object) -> None:
    """Parameters that are numbers of numpy or sympy become Python's, before anything is checked or computed."""
    # Past frozen dataclasses' own __setattr__: this runs in __post_init__, before anybody has seen the
    # object.
    for member in fields(cast("DataclassInstance", thing)):
        held = getattr(thing, member.name, None)
        if (made := plain(held)) is not held:
            object.__setattr__(thing, member.name, made)


def plainly(cls: type) -> None:
    """The class's own checks of its parameters see plain numbers."""
    checks = vars(cls).get("__post_init__")
    if checks is not None:
        cls.__post_init__ = _after_plain(checks)  # type: ignore[attr-defined]


def _after_plain(checks: Callable[[object], None]) -> Callable[[object], None]:
    """The same checks, once the parameters are plain."""

    @wraps(checks)
    def __post_init__(self: object) -> None:
        plain_parameters(self)
        checks(self)

    return __post_init__


def is_exact(x: object) -> bool:
    """True for int and Fraction: a number known without rounding."""
    return isinstance(x, int | Fraction) and not isinstance(x, bool)


def exact(x: Number) -> Number:
    """Int as Fraction, so that / stays exact; everything else unchanged."""
    return Fraction(x) if isinstance(x, int) and not isinstance(x, bool) else x


def ratio(a: Number, b: Number) -> Number:
    """a / b, kept a Fraction when both are exact."""
    # int / int is a float in Python: the one operation of a closed form that would lose exactness silently.
    return Fraction(a) / Fraction(b) if is_exact(a) and is_exact(b) else a / b


def sqrt(x: Number) -> Number:
    """Square root: exact for perfect squares of int and Fraction, symbolic for sympy, by entry of arrays."""
    if is_symbolic(x):
        import sympy

        return sympy.sqrt(x)
    if is_exact(x):
        q = Fraction(x)
        if q >= 0:
            # p/q in lowest terms is a square exactly when p and q are.
            num, den = math.isqrt(q.numerator), math.isqrt(q.denominator)
            if num * num == q.numerator and den * den == q.denominator:
                return Fraction(num, den)
    if is_array(x):
        import numpy as np

        return np.sqrt(x)
    return math.sqrt(x)


def min(*xs: Number) -> Number:
    """Least of the arguments; sympy.Min when one is symbolic, by entry when one is an array."""
    if any(is_symbolic(x) for x in xs):
        import sympy

        return sympy.Min(*xs)
    if any(is_array(x) for x in xs):
        import numpy as np

        return reduce(np.minimum, xs)
    return builtins.min(xs)


def max(*xs: Number) -> Number:
    """Largest of the arguments; sympy.Max when one is symbolic, by entry when one is an array."""
    if any(is_symbolic(x) for x in xs):
        import sympy

        return sympy.Max(*xs)
    if any(is_array(x) for x in xs):
        import numpy as np

        return reduce(np.maximum, xs)
    return builtins.max(xs)


def power(x: Number, p: Number) -> Number:
    """x ** p, exact when x is exact and p is an integer or one half."""
    if is_exact(x) and is_exact(p):
        q = Fraction(p)
        if q.denominator == 1:
            return Fraction(x) ** int(q)
        if q.denominator == 2:
            root = sqrt(x)
            return root ** int(q.numerator)
        # Other exponents of exact numbers are irrational but for accidents.
        return float(x) ** float(q)
    return x**p


def log2_ceil(n: int) -> int:
    """ceil(log2 n) for n >= 1: the bits of an index into n things (0 for n = 1)."""
    return (n - 1).bit_length()


def as_json(x: Number) -> object:
    """JSON form of a number: float, or {"float": ..., "exact": "p/q"} when it is exact."""
    if isinstance(x, Fraction) or is_exact(x):
        return {"float": float(x), "exact": str(Fraction(x))}
    if is_symbolic(x):
        return str(x)
    return float(x)
