"""Small rational quadratics on which a claimed rate fails, with every number a Fraction.

Two questions are answered here. `asymptotic`: does E of every quadratic V grow faster than the rate (then no V proves
it)? `one_step`: is there a state with E V+ > rate V for the V that was given? Floats choose where to look; what a
Witness says is computed in Fractions from the rounded instance, and that must stay so: a refutation is exact.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from compth._numbers import Number
from compth.worst_case.exact_algebra import determinant
from compth.worst_case.families import (
    Family,
    excess_form,
    excess_of,
    families,
    half_square,
    parameters_of,
    rotated,
)
from compth.worst_case.model import Form, Model, Quadratic1D, pair_of

STEPS = 8
"""Rounds of the exact trajectory that comes with a refutation."""
TANGENTS = tuple(Fraction(k, 4) for k in (0, 1, 2, 3, 4, 6, 8, 16, -1, -2, -3, -4, -6, -8, -16))
"""Of half the angle of a rotation."""
CLOSER = 8
"""Halvings of the search for a rotation."""
Matrix = list[list[Number]]


@dataclass(frozen=True)
class Witness:
    """A quadratic of the class and what happens on it.

    rate: measured there, a float for a run (its squared factor a round), the exact excess E V+ - rate V for one step.
    facts: the instance and its exact numbers, in the order in which a report shows them.
    """

    rate: Number
    facts: Mapping[str, object]


def exceeds(m: Matrix, rate: Fraction) -> Fraction | None:
    """A number x >= rate below the spectral radius of m, shown by det(x I - m) < 0; None when none was found.

    The determinant is positive beyond the largest real eigenvalue, so a negative value puts an eigenvalue above x.
    """
    # The map of second moments keeps the cone of positive semidefinite matrices, so its spectral radius is
    # itself an eigenvalue (Krein-Rutman): only real eigenvalues need to be looked at, and floats only to guess
    # them.
    real = [e.real for e in np.linalg.eigvals(np.array(m, dtype=float)) if abs(e.imag) < 1e-9]
    above = sorted((e for e in real if e > rate), reverse=True)
    if not above:
        return None
    # det(x I - m) changes sign at each simple real eigenvalue, so it is negative between the two largest. The
    # rate itself comes first, the shortest number; else the middle of that interval, whose sign is then exact.
    lower = max(above[1] if len(above) > 1 else float(rate), float(rate))
    for x in (rate, Fraction((above[0] + lower) / 2)):
        shifted = [[(x if i == j else 0) - v for j, v in enumerate(row)] for i, row in enumerate(m)]
        if x >= rate and determinant(shifted) < 0:
            return x
    return None


def asymptotic(model: Model, rate: Fraction) -> Witness | None:
    """A 1-D quadratic whose exact rate is above the claimed one: then no quadratic Lyapunov function contracts so."""
    # On such a quadratic E of every quadratic form that sees x grows like the spectral radius: above the rate
    # no V at all can contract. The largest radius first, for it leaves the most room for a short rational
    # number.
    for q in sorted(model.extremal, key=lambda e: -_radius(model.moments(e)[1])):
        names, m = model.moments(q)
        x = exceeds(m, rate)
        if x is not None:
            # The mean squares are told beside it, so that a reader sees E x^2 grow and need not believe in
            # spectra.
            run = trajectory(model, q, names, m)
            return Witness(_radius(m), {**described(model, q), "eigenvalue above": x, "mean squares": run})
    return None


def _radius(m: Matrix) -> float:
    """Spectral radius in floats: for the order of the search and for show, never for a verdict."""
    return float(np.abs(np.linalg.eigvals(np.array(m, dtype=float))).max())


def described(model: Model, q: Quadratic1D) -> dict[str, object]:
    """The instance in numbers and words."""
    fixed = parameters_of(model)
    law = {"compressor": q.compressor, "factor": q.factor}
    return {"f_i(x)": half_square(q.curvature), "curvature": q.curvature, **law, **fixed}


def trajectory(model: Model, q: Quadratic1D, names: Sequence[str], m: Matrix) -> list[Fraction]:
    """E of x squared, exactly, from x - x* = 1 and the memories where the body lets them begin."""
    # From x - x* = 1 every memory begins where the body says: a copy of x0 is 1, a gradient is curvature * 1.
    begin = {"x0": Fraction(1), "gradient": Fraction(q.curvature)}
    start = {a: begin.get(model.start.get(a, ""), Fraction(0)) for a in model.free} | {
        model.free[0]: Fraction(1)
    }
    products = [_product(start, name) for name in names]
    out = [products[0]]
    # m takes coefficients of V to those of E V+; the moments that V is evaluated at move by its transpose.
    for _ in range(STEPS):
        products = [
            sum((m[j][i] * products[j] for j in range(len(names))), Fraction(0)) for i in range(len(names))
        ]
        out.append(products[0])
    return out


def _product(start: Mapping[str, Fraction], name: str) -> Fraction:
    """E of the product that a coefficient of V multiplies; deviations start at zero."""
    # All workers hold the same function and start alike, so their deviations from the mean are 0 at t = 0.
    if name.startswith("Q"):
        return Fraction(0)
    a, b = pair_of(name)
    return start[a] * start[b] * (1 if a == b else 2)


def one_step(model: Model, v: Mapping[str, Number], rate: Fraction) -> Witness | None:
    """A state of a quadratic with E V+ > rate V: in the plane with C = I + s Rotation, else of the 1-D families.

    v: V's coefficients. None where these families hold none, which proves nothing: `worst_state` then looks at all of
    the class.
    """
    # A fixed V fails where E V+ - rate V has a positive direction; on a family of quadratics that is a finite
    # matrix. The rotations come first: they attain |C(v) - v| = s |v| in a direction that 1-D signs cannot
    # have.
    form = excess_form(model, v, rate)
    # Without biased messages there is nothing to rotate, and the 1-D families are all there is.
    first = [_rotation(model, form)] if model.sent else []
    found = (_violation(model, form, family) for family in (*first, *families(model)))
    return next((w for w in found if w is not None), None)


def _rotation(model: Model, form: Form) -> Family:
    """The best of the rotations, the coarse ones and then closer and closer around the best of them."""

    def tried(t: Fraction) -> tuple[float, Fraction, Family]:
        family = rotated(model, t)
        return float(np.linalg.eigvalsh(excess_of(model, form, family, float))[-1]), t, family

    # The largest eigenvalue of E V+ - rate V as a function of the angle, smooth but with several maxima: a
    # coarse grid first. Tangents of half the angle, because then sine and cosine are rational.
    best = max(map(tried, TANGENTS), key=lambda found: found[0])
    width = Fraction(1, 4)
    for _ in range(CLOSER):
        # Any positive eigenvalue refutes, and a tangent found early is a short fraction: no reason to go on.
        if best[0] > 0:
            break
        middle = best[1]
        # Steps grow with the tangent: near a half turn angles are close where tangents are far apart.
        steps = (tried(middle + sign * width * (1 + abs(middle))) for sign in (-1, 1))
        best = max(best, *steps, key=lambda found: found[0])
        width /= 2
    return best[2]


def _violation(model: Model, form: Form, family: Family) -> Witness | None:
    """A rational state w with w' X w > 0, X the form there, from the float eigenvector of the largest eigenvalue."""
    values, vectors = np.linalg.eigh(excess_of(model, form, family, float))
    if not values[-1] > 0:
        return None
    # The float eigenvector only points the way. Rounded to short fractions it is a state like any other, and
    # whether E V+ > rate V holds there is decided in Fractions; where rounding lost the excess nothing is
    # claimed.
    w = [Fraction(float(c)).limit_denominator(1000) for c in vectors[:, -1] / np.abs(vectors[:, -1]).max()]
    # With None beside them numpy keeps Fractions as objects, whatever their number.
    state = np.array([*w, None], dtype=object)[:-1]
    excess = state @ excess_of(model, form, family) @ state
    if not excess > 0:
        return None
    return Witness(excess, {**family.described(model), "state": w, "E V+ - rate V": excess})
