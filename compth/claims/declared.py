"""A claim's constants at a dimension: numbers, expressions in d, or functions of d become exact numbers.

What enters a claim here decides what is proved: a constant is never rounded on the way, unless it has no exact value.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from compth._numbers import Number, is_symbolic
from compth.claims import Claim
from compth.errors import InvalidParameter, NoValue
from compth.text.expressions import Expression, parse


@dataclass(frozen=True)
class Declared:
    """A claim as declared: its type with constants that are numbers, expressions in d, or functions of d."""

    claim: Claim
    params: Mapping[str, object]

    def at(self, d: int) -> Claim:
        """The claim with its numbers at dimension d."""
        values = {name: _value(v, d, self.params) for name, v in self.claim.constants.items()}
        return replace(self.claim, **values)

    def __str__(self) -> str:
        return str(self.claim)


def _value(constant: Number, d: int, params: Mapping[str, object]) -> Number:
    """The constant's number at d. Raises NoValue where it has none there, InvalidParameter where it is no number."""
    if isinstance(constant, str):
        constant = parse(constant, frozenset({"d", *params}))
    if isinstance(constant, Expression):
        return constant(**{**params, "d": d})
    if callable(constant):
        constant = constant(d)
    if is_symbolic(d) and is_symbolic(constant):
        return constant
    if isinstance(constant, bool) or constant is None:
        raise InvalidParameter(f"constant={constant!r} is not a number")
    # Only to see whether it is finite: what is kept is the constant itself.
    number = float(constant)
    if not np.isfinite(number):
        raise NoValue(f"constant={constant!r} is not finite at d={d}")
    return _exactly(constant)


def _exactly(constant: Number) -> Number:
    """The same number as an int, float or Fraction; rounded only where it has no exact value, as sqrt(2) has none."""
    if isinstance(constant, np.float64 | np.integer):
        return constant.item()
    if type(constant) in (int, float, Fraction):
        return constant
    if isinstance(constant, int | float | Fraction):
        return _held(constant)
    if getattr(constant, "is_Rational", False):
        return Fraction(int(constant.p), int(constant.q))
    ratio = getattr(constant, "as_integer_ratio", None)  # decimals, other floats of numpy
    return float(constant) if ratio is None else Fraction(*map(int, ratio()))


def _held(number: Number) -> Number:
    """The number in an instance of a subclass of int, float or Fraction."""
    # By the base class's own methods: a subclass may give itself another value in each of its own.
    if isinstance(number, Fraction):
        return Fraction(Fraction.numerator.fget(number), Fraction.denominator.fget(number))  # type: ignore[attr-defined]
    return int.__add__(number, 0) if isinstance(number, int) else float.__add__(number, 0.0)
