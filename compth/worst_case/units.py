"""A Model in units of L = 1, where its semidefinite programs are well scaled: f by L, gradients by L, steps by 1/L.

Solvers see the model in these units; statements, certificates and instances stay in the user's.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

from compth._numbers import Number, is_exact
from compth.worst_case.model import NEXT, NOW, Form, Forms, Model, Vector, pair_of


def in_units(model: Model) -> Model:
    """The same model with L = 1, exact where it is exact; itself where L = 1 or its vectors' units are not known."""
    if model.constants.get("L") == 1 or model.units is None:
        return model

    def form(of: Form, name: str) -> Form:
        return _form(model, of, name)

    L, c = unit_of(model), dict(model.constants)
    # A parameter of unit L^k is divided by L^k; mu has the unit of L itself.
    c |= {k: x / L ** model.units[k] for k, x in c.items() if model.units.get(k)}
    c |= {"mu": c["mu"] / L, "L": type(L)(1)}
    return replace(
        model,
        constants=c,
        now={k: form(f, k) for k, f in model.now.items()},
        after={k: form(f, k) for k, f in model.after.items()},
        known=Forms({k: lambda k=k: form(model.known[k], k) for k in model.known}),  # type: ignore[misc]
        normal=form(model.normal, "normal"),
        curved=tuple((_combination(model, a, 0), y) for a, y in model.curved),
        sent=tuple((_combination(model, a, _power(model, c)), c, square) for a, c, square in model.sent),
    )


def unit_of(model: Model) -> Number:
    """L, so that negative powers of a whole number stay exact; 1 where `in_units` changes nothing."""
    L = model.constants.get("L", 1)
    if L == 1 or model.units is None:
        return 1
    return Fraction(L) if is_exact(L) else L


def worth(model: Model, name: str) -> Number:
    """The power of L that the form of a coefficient of V, of a multiplier or of `normal` is divided by."""
    unit = unit_of(model)
    return 1 if unit == 1 else unit ** _weight(model, name)


def vector_worth(model: Model, vector: str) -> Number:
    """L for gradients, 1 for points; the values f - f* are worth L."""
    unit = unit_of(model)
    return 1 if unit == 1 else unit ** (1 if vector in (NOW, NEXT, *model.points) else _power(model, vector))


def _power(model: Model, vector: str) -> int:
    """The exponent of L of a vector, 0 where it is not known."""
    return (model.units or {}).get(vector.removeprefix("mean "), 0)


def _weight(model: Model, name: str) -> int:
    """The exponent of L of the form of a coefficient of V, of `normal` or of a multiplier."""
    # The exponent by which a form scales: f - f* as L, squared gradients as L^2, a product of two vectors by
    # both.
    if name in ("f", "V"):  # V: a user's, as a whole
        return int(name == "f")
    if name == "normal":
        if NOW in model.normal:
            return 1
        # The diagonal entry that normal sees says which vector it is the square of.
        seen = zip(model.space.common, model.normal.get("mean", ()), strict=False)
        return next((2 * _power(model, a) for a, row in seen if any(row)), 0)
    if name[:2] in ("P[", "Q["):
        return sum(_power(model, a) for a in pair_of(name))
    return (model.units or {}).get(f"multiplier {name}", 2)  # interpolation is stated in squared gradients


def _form(model: Model, of: Form, name: str) -> Form:
    """The form in units of L = 1, entry by entry."""
    L, weight, out = unit_of(model), _weight(model, name), {}
    for block, matrix in of.items():
        # Values f - f* scale with L, other entries with the units of their two vectors, all relative to the
        # form's own.
        if block in (NOW, NEXT, *model.points):
            out[block] = tuple(tuple(x * L ** (1 - weight) for x in row) for row in matrix)
        else:
            names = model.space.common if block == "mean" else model.space.worker
            powers = [_power(model, a) for a in names]
            out[block] = tuple(
                tuple(x * L ** (p + r - weight) if x else x for x, r in zip(row, powers, strict=True))
                for row, p in zip(matrix, powers, strict=True)
            )
    return out


def _combination(model: Model, of: Vector, power: int) -> Vector:
    """A combination that gives a vector of this exponent, in units of L = 1."""
    L = unit_of(model)
    return {a: x * L ** (_power(model, a) - power) for a, x in of.items()}
