"""A claim's constants as written, and the exact decision: it holds for all x, it fails beyond rounding, or neither.

A constant that is an int or a Fraction is meant exactly. A float is first taken by its exact binary value, then as the
fraction that it names within one ulp (`readings`); the answer says which was used. Where both fail, floats refute only
beyond their rounding: float(d/k - 1) lies below d/k - 1 for a third of all d, k, and refutes nobody.

`settle` is where PROVED and REFUTED for all x are decided: exact arithmetic throughout, and no reading that is not
printed in the report.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import fields, is_dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple, TypeVar, cast

from compth.certification.readings import SIMPLE, as_written, is_float, named, said, within_an_ulp
from compth.claims import Claim

if TYPE_CHECKING:
    from compth.compressors import Compressor


T = TypeVar("T")
Matrix = list[list[Fraction]]
ROUNDING = Fraction(8, 2**52)
"""Violations below this, in units of ||x||^2 + E||C(x)||^2, may come from rounded constants alone."""
Forms = Callable[[Claim], list[tuple[str, Matrix]]]


class Answer(NamedTuple):
    """holds: for all x. Else the inequality that fails and an x, None where rounding of constants explains it.

    reading: how floats were read, one line each.
    """

    holds: bool
    inequality: str = ""
    witness: list[Fraction] | None = None
    reading: tuple[str, ...] = ()


def read_claim(claim: Claim, read: Callable[[Fraction], Fraction] = within_an_ulp) -> Claim:
    """The claim with its constants as Fractions; floats through `read`."""
    # The number of workers is a count and no constant: it is never read as anything else.
    values = {k: as_written(v) for k, v in claim.constants.items() if k != "n"}
    floats = [k for k in values if is_float(claim.constants[k])]
    return claim.with_constants(**{**values, **{k: read(values[k]) for k in floats}})


def readings_of(claim: Claim) -> Iterator[tuple[Claim, tuple[str, ...]]]:
    """The claim by the exact values of its floats, then by what they name, each with a line that says so."""
    exact, other = read_claim(claim, lambda v: v), read_claim(claim)
    changed = [k for k, v in exact.constants.items() if other.constants[k] != v]
    long = [k for k, v in exact.constants.items() if v.denominator > SIMPLE and is_float(claim.constants[k])]
    binary = ", ".join(f"{k} = {claim.constants[k]!r}" for k in long)
    yield exact, (f"the claim's {binary} by its exact binary value",) if long else ()
    if changed:
        read = ", ".join(f"{k} = {claim.constants[k]!r} as {other.constants[k]}" for k in changed)
        yield other, (f"the claim's {read}, within one ulp",)


def by_formula(thing: object, d: int, claim: Claim) -> Claim | None:
    """An object's own claim with its constants by the object's formula from the fractions that its parameters name.

    float(1/0.34 - 1) is rounded twice; with p = 17/50 the same line of the object gives 33/17. None for other claims,
    and where the formula does not give what the float rounds.
    """
    try:
        own, meant = (cast("Compressor", form).claims(d) for form in (thing, _meant(thing)))
    except Exception:  # parameters that are no plain numbers, things without claims(d)
        return None
    found: Claim | None = next(
        (b for a, b in zip(own, meant, strict=True) if a == claim and type(a) is type(b)), None
    )
    if found is None or not all(_rounds(claim.constants[k], v) for k, v in found.constants.items()):
        return None
    return found


def _rounds(value: object, exact: object) -> bool:
    """True when `exact` is no float and `value` is what rounding may make of it."""
    close = abs(as_written(value) - as_written(exact)) <= ROUNDING * (1 + abs(as_written(value)))
    return close and (not is_float(exact) or exact == value)


def _meant(value: T) -> T:
    """The object with every float among its parameters replaced by the fraction that it names."""
    # Fractions stand in for the floats: every formula of the package takes both (`Number`).
    if type(value) is float:
        return cast("T", named(as_written(value)))
    if type(value) is tuple:
        return cast("T", tuple(map(_meant, cast("tuple[object, ...]", value))))
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **{f.name: _meant(getattr(value, f.name)) for f in fields(value)})
    return value


def noted(whose: str, readings: Iterable[tuple[Fraction, Fraction]]) -> tuple[str, ...]:
    """The line of a report about float constants that were read as fractions."""
    words = said(readings)
    return (f"float constants of {whose} as fractions within one ulp: {words}",) if words else ()


def settle(claim: Claim, forms: Forms, scale: Fraction, rounded: bool) -> Answer:
    """Decide whether every slack form of the claim is non-negative for all x.

    forms: the slacks of an exact claim as quadratic forms. scale: of ||x||^2 + E||C(x)||^2 at unit x.
    rounded: whether the forms themselves rest on float constants.
    """
    # Three attempts, strictest first: the constants' exact binary values; the fractions that they name; and,
    # to refute, the claim loosened by all that rounding may explain. What fails only in between is neither
    # proved nor refuted.
    name, read, witness = "", claim, None
    for read, line in readings_of(claim):
        name, witness = _failing(forms(read))
        if not name:
            return Answer(True, reading=line)
    if not rounded and not any(is_float(v) for k, v in claim.constants.items() if k != "n"):
        return Answer(False, name, witness)
    loose = [(n, _plus_multiple_of_identity(q, _allowance(read, n, scale))) for n, q in forms(read)]
    return Answer(False, *(_failing(loose) if _failing(loose)[0] else (name, None)))


def _failing(forms: list[tuple[str, Matrix]]) -> tuple[str, list[Fraction] | None]:
    """The first form that is negative somewhere, with such an x; "" when there is none."""
    for name, q in forms:
        witness = positive_semidefinite(q)
        if witness is not None:
            return name, witness
    return "", None


def _allowance(claim: Claim, inequality: str, scale: Fraction) -> Fraction:
    """What rounding may add to a value over its bound; a bias is a square, so the allowance is squared with it."""
    # ||E C(x) - x|| <= eta is a bound on a root: a relative error r of it moves the square by 2 eta r + r^2.
    if not inequality.startswith("||E C(x)"):
        return ROUNDING * scale
    eta = as_written(claim.constants.get("eta", 0))
    return 2 * eta * ROUNDING * scale + (ROUNDING * scale) ** 2


def _plus_multiple_of_identity(q: Matrix, by: Fraction) -> Matrix:
    """q + by I."""
    return [[v + by if i == j else v for j, v in enumerate(row)] for i, row in enumerate(q)]


def positive_semidefinite(q: Matrix) -> list[Fraction] | None:
    """None when x'Qx >= 0 for all x (exact LDL'), else a vector with x'Qx < 0."""
    # LDL' in exact arithmetic: eliminate with positive pivots and keep the basis in which the form is
    # diagonal so far. A negative diagonal entry is x'Qx of its basis vector. With zeros on the diagonal, q_ij
    # != 0 beside them gives (e_i - s e_j)'Q(e_i - s e_j) = -2 |q_ij| with s the sign of q_ij; if all are
    # zero, the rest of the form vanishes.
    size = len(q)
    a = [row[:] for row in q]
    order, basis = list(range(size)), [[Fraction(int(i == j)) for j in range(size)] for i in range(size)]
    while order:
        pivot = next((i for i in order if a[i][i] > 0), None)
        bad = next((i for i in order if a[i][i] < 0), None)
        if bad is not None:
            return basis[bad]
        if pivot is None:
            for i in order:
                for j in order:
                    if i != j and a[i][j] != 0:  # zero diagonal, non-zero entry: indefinite
                        sign = -1 if a[i][j] > 0 else 1
                        return [u + sign * v for u, v in zip(basis[i], basis[j], strict=True)]
            return None
        order.remove(pivot)
        for i in order:
            if a[i][pivot]:
                f = a[i][pivot] / a[pivot][pivot]
                for j in order:
                    a[i][j] -= f * a[pivot][j]
                basis[i] = [u - f * v for u, v in zip(basis[i], basis[pivot], strict=True)]
        for i in order:
            a[i][pivot] = Fraction(0)
    return None
