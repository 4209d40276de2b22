"""The units of a body's vectors and parameters, as powers of L: x is a point, a gradient its argument's times L.

The body is run on numbers that carry an unknown exponent. All terms of a sum agree, which gives linear equations.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from compth.errors import CompthError
from compth.methods.core.body import BodyMethod
from compth.methods.core.centre import reduced, solved
from compth.methods.core.program import Program, trace
from compth.methods.core.vectors import GRADIENT, STATE, Vector

Form = Mapping[str, Fraction]
"""Exponent as a linear form in those of the parameters."""


class Mixed(CompthError):
    """Numbers whose units cannot be told."""


@dataclass(frozen=True, eq=False)
class Exponent:
    """A positive number with a unit; sums note in `rules` that their terms have the same one."""

    of: Form
    rules: list[Form]

    def _other(self, other: object) -> Form:
        """The exponent of the other operand; Mixed for what is no number."""
        if isinstance(other, Exponent):
            return other.of
        if isinstance(other, int | float | Fraction):
            return {}
        raise Mixed(f"a number and a {type(other).__name__}")

    def _same(self, other: object) -> Exponent:
        """A sum, which says that both terms have the same unit."""
        # Zero has every unit: x + 0 says nothing.
        if not isinstance(other, Exponent) and other == 0:
            return self
        self.rules.append(_plus(self.of, self._other(other), -1))
        return self

    __add__ = __radd__ = __sub__ = __rsub__ = _same

    def __mul__(self, other: object) -> Exponent | int:
        if isinstance(other, Vector):
            return NotImplemented
        if isinstance(other, int | float | Fraction) and other == 0:
            return 0
        return Exponent(_plus(self.of, self._other(other), 1), self.rules)

    __rmul__ = __mul__

    def __truediv__(self, other: object) -> Exponent:
        return Exponent(_plus(self.of, self._other(other), -1), self.rules)

    def __rtruediv__(self, other: object) -> Exponent:
        return Exponent(_plus(self._other(other), self.of, -1), self.rules)

    def __pow__(self, power: object) -> Exponent:
        if not isinstance(power, int | float | Fraction):
            raise Mixed("a power that is no number")
        return Exponent({k: c * Fraction(power) for k, c in self.of.items()}, self.rules)

    def __neg__(self) -> Exponent:
        return self

    def _compared(self, *_: object) -> bool:
        """No order among units: a body that branches on a parameter is not traced so."""
        raise Mixed("control flow on a parameter")

    __lt__ = __le__ = __gt__ = __ge__ = __eq__ = __ne__ = __bool__ = _compared


def _plus(a: Form, b: Form, sign: int) -> dict[str, Fraction]:
    """a + sign * b, without zeros."""
    out = dict(a)
    for k, c in b.items():
        out[k] = out.get(k, Fraction(0)) + sign * c
    return {k: c for k, c in out.items() if c}


def exponents(kind: type[BodyMethod], n: int) -> dict[str, int] | None:
    """Exponent of L of every vector and parameter of a body; None where they cannot be told or are no integers."""
    # Each parameter is run as a number with an unknown exponent. Sums and next values demand that units agree;
    # that leaves linear equations in the exponents, which rational elimination solves.
    form, rules = kind.signature, list[Form]()
    names = [*form.params, *(("gamma",) if form.takes_gamma else ())]
    given = {k: Exponent({k: Fraction(1)}, rules) for k in names}
    try:
        program = _symbolic(kind, given, n)
    except CompthError:
        return None
    # x is a point, exponent 0: that fixes the scale of all others. Start values add nothing that steps do not
    # say.
    state: dict[str, Form] = {k: {} if k == "x" else {f"of {k}": Fraction(1)} for k in program.names}
    units: list[Form] = []

    def unit_of(v: Vector) -> Form | None:
        found: Form | None = None
        for (_, kind_, i), c in v.terms.items():
            at = state[i] if kind_ == STATE else units[i]
            at = _plus(at, c.of if isinstance(c, Exponent) else {}, 1)
            if found is not None:
                rules.append(_plus(at, found, -1))
            found = at if found is None else found
        return found

    for op in program.ops:
        argument = unit_of(op.argument) or {}
        # A gradient is a point's unit times L; a message and a broadcast keep their input's unit.
        units.append(_plus(argument, {"1": Fraction(1)}, 1) if op.kind == GRADIENT else argument)
    for leaf in program.leaves:
        for k, v in leaf.following.items():
            found = unit_of(v)
            if found is not None:
                rules.append(_plus(found, state[k], -1))
    return _integers(rules, [*names, *(f"of {k}" for k in program.names if k != "x")])


def _symbolic(kind: type[BodyMethod], given: Mapping[str, object], n: int) -> Program:
    """The program of a body at parameters that carry exponents."""
    form = kind.signature
    return trace(kind.body, form.server, form.worker, given, n=n, d=7, coins_unknown=True)


def _integers(rules: list[Form], names: list[str]) -> dict[str, int] | None:
    """The solution of the equations where it is unique and whole, else None."""
    rows = [[r.get(k, Fraction(0)) for k in names] + [r.get("1", Fraction(0))] for r in rules]
    found = solved(rows, len(names))
    if found is None or any(v.denominator != 1 for v in found):
        return None
    # A vector whose exponent stays free is never compared with x: any unit would do, so none is claimed.
    pivots = reduced(rows, len(names))[1]
    free = {k for j, k in enumerate(names) if j not in pivots}
    if any(k.startswith("of ") for k in free):
        return None
    return {k.removeprefix("of "): int(v) for k, v in zip(names, found, strict=True)} | {"x": 0}
