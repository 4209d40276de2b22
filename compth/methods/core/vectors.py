"""The symbols a body is run on: linear combinations of state vectors and of what the verbs gave, nothing else."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import Any, NoReturn

from compth._numbers import Number, plain
from compth.errors import InvalidParameter, Unsupported

COMMON, OWN, PART = "common", "own", "part"
"""Scope of a term: the same for all workers, one for each, or one for each part of every worker."""
STATE, GRADIENT, MESSAGE, SPOKEN, PICKED = "state", "gradient", "message", "broadcast", "picked"
Key = tuple[str, str, Any]  # a name where the kind is STATE, else a number: the kind says which, no type can
"""Scope, kind, and the state vector's name or the operation's number."""


class _Refused(threading.local):
    """Reasons that came up while a body was traced in this thread."""

    def __init__(self) -> None:
        self.reasons: list[str] = []


# thread-local, because several threads may trace at once and each must see its own refusals alone
REFUSED = _Refused()
"""A body that swallows its refusal is still refused."""


class Underivable(Unsupported):
    """A body that is no linear program: it still simulates. `reason` says why, `line` and `text` where."""

    def __init__(self, reason: str, line: int = 0, text: str = "", name: str = "") -> None:
        at = f"line {line} ({text}): " if line else ""
        super().__init__(f"{name}, {at}{reason}" if name else f"{at}{reason}")
        self.reason, self.line, self.text = reason, line, text
        REFUSED.reasons.append(reason)


class InPlace(InvalidParameter):
    """A body that writes into a vector: refused wherever it runs."""


def _is_zero(c: object) -> bool:
    return bool(c == 0) if isinstance(c, int | float | Fraction) else getattr(c, "is_zero", None) is True


class Count(int):
    """A whole number that divides into Fractions: 1 / w.n is 1/n exactly."""

    def __truediv__(self, other: Number) -> Number:
        return Fraction(int(self)) / other

    def __rtruediv__(self, other: Number) -> Number:
        return other / Fraction(int(self)) if isinstance(other, int | Fraction) else other / int(self)


class Vector:
    """sum of coefficient * term over keys (scope, kind, id); immutable, + - and multiplication by numbers only."""

    __slots__ = ("terms",)
    __array_ufunc__ = None
    __hash__ = None  # type: ignore[assignment]
    terms: dict[Key, Number]

    def __init__(self, terms: Mapping[Key, object]) -> None:
        # a coefficient that vanishes identically is no term: what a vector does not contain must not look
        # read. Numbers decide by == 0, symbols by is_zero, which is None where sympy cannot tell
        object.__setattr__(self, "terms", {k: c for k, c in terms.items() if not _is_zero(c)})

    @property
    def own(self) -> bool:
        """True when it may differ between the workers."""
        return any(scope != COMMON for scope, _, _ in self.terms)

    @property
    def parted(self) -> bool:
        """True when it may differ between the parts of a worker."""
        return any(scope == PART for scope, _, _ in self.terms)

    def __add__(self, other: object) -> Vector:
        if not isinstance(other, Vector):
            # the constant 0 alone is linear: a sum() starts from it
            if isinstance(other, int) and other == 0:  # sum([...]) starts at 0
                return self
            raise Underivable(f"a vector plus {_said(other)} is not linear")
        return combined(((1, self), (1, other)))

    __radd__ = __add__

    def __sub__(self, other: object) -> Vector:
        if not isinstance(other, Vector):
            raise Underivable(f"a vector minus {_said(other)} is not linear")
        return combined(((1, self), (-1, other)))

    def __rsub__(self, other: object) -> Vector:
        raise Underivable(f"{_said(other)} minus a vector is not linear")

    def __mul__(self, factor: Number) -> Vector:
        factor = _number(factor, "times")
        return Vector({k: c * factor for k, c in self.terms.items()})

    def __rmul__(self, factor: object) -> Vector:
        return self.__mul__(factor)

    def __truediv__(self, factor: Number) -> Vector:
        factor = _number(factor, "divided by")
        # 1/3 of a vector is exactly 1/3: ints would round to a float, and the fixed point and the moments
        # would be those of another method
        return self.__mul__(Fraction(1) / factor if isinstance(factor, int | Fraction) else 1 / factor)

    def __neg__(self) -> Vector:
        return self * -1

    def __pos__(self) -> Vector:
        return self

    def _written(self, *_: object) -> NoReturn:
        raise InPlace("an in-place update: vectors are read-only, write a = a + b")

    __iadd__ = __isub__ = __imul__ = __itruediv__ = __ipow__ = __imod__ = __ifloordiv__ = _written
    __setitem__ = __delitem__ = __setattr__ = __delattr__ = _written

    def _asked(self, *_: object) -> NoReturn:
        raise Underivable("control flow on a vector's values")

    __bool__ = __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = __len__ = __iter__ = __contains__ = (
        _asked
    )

    def _value(self, *_: object) -> NoReturn:
        raise Underivable("it uses a vector's coordinates, which is not linear in the vector")

    __getitem__ = __float__ = __int__ = __index__ = __array__ = __pow__ = __rpow__ = __abs__ = __matmul__ = (
        _value
    )
    __rmatmul__ = __mod__ = __rmod__ = __floordiv__ = __rfloordiv__ = __rtruediv__ = _value

    def __getattr__(self, name: str) -> NoReturn:
        # anything but the protocol names of Python would be an operation that arrays have and linear
        # combinations have not
        if name.startswith("_"):  # what numpy and sympy ask of any object
            raise AttributeError(name)
        raise Underivable(f".{name} of a vector is not linear in it")

    def __repr__(self) -> str:
        parts = [
            f"{c} {kind} {i}{' of each worker' if s == OWN else ''}" for (s, kind, i), c in self.terms.items()
        ]
        return " + ".join(parts) or "0"


def _said(thing: object) -> str:
    return "a vector" if isinstance(thing, Vector) else f"a {type(thing).__name__}"


def _number(factor: object, verb: str) -> Number:
    """The factor; a scalar of numpy as Python's number of the same value."""
    if isinstance(factor, Vector):
        raise Underivable(f"a vector {verb} a vector is not linear")
    if hasattr(factor, "shape") and factor.shape != ():
        raise Underivable(f"a vector {verb} an array: only numbers multiply vectors")
    if isinstance(factor, str | bytes | list | tuple | dict | set | complex) or factor is None:
        raise Underivable(f"a vector {verb} {_said(factor)}")
    return plain(factor)


def combined(parts: Iterable[tuple[object, Vector]]) -> Vector:
    """sum of number * vector."""
    out: dict[Key, Number] = {}
    for c, v in parts:
        for k, a in v.terms.items():
            more = a if isinstance(c, int) and c == 1 else c * a
            out[k] = out[k] + more if k in out else more
    return Vector(out)


def averaged(v: Vector, scope: str = COMMON) -> Vector:
    """Its mean over the workers: every worker's term becomes the mean's. scope=OWN: over the parts of each."""
    out: dict[Key, Number] = {}
    for (own, kind, i), c in v.terms.items():
        # the mean is linear, so it acts on each term: a worker's term becomes the mean's term of the same
        # operation, and terms that meet on one key add up (h_i - mean h averages to 0 here)
        k = (scope if own == PART else own if scope == OWN else COMMON, kind, i)
        out[k] = out[k] + c if k in out else c
    return Vector(out)
