"""The step of least worst case where no closed form gives it: of what quadratics attain first, then of certificates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from compth._numbers import Number
from compth.worst_case.model import Model
from compth.worst_case.question import Question
from compth.worst_case.rational import certificate_at, least_certified, spelled
from compth.worst_case.tight_radius import attained_by

if TYPE_CHECKING:
    from compth._types import Numbers

EIGHT, HALVINGS = 8, 16
"""Steps of the grid of a search: at least, and at most."""
ACCURACY = 1e-4
"""How closely rates are compared, relative to 1 - rho: what a search over certificates can tell apart."""
ANCHORS = (Fraction(1, 4), Fraction(1, 2), Fraction(1))
"""Steps, in units of 1/L, that say what the moments are at every other."""


def searched_step(q: Question, params: Mapping[str, Number]) -> float:
    """Least certified rate over gamma in (0, 2/L], to ACCURACY."""
    rational, fixed = q.rational(), {k: spelled(v) for k, v in params.items()}
    gamma = settled_step(rational, fixed)
    return _by_certificates(rational, fixed) if gamma is None else gamma


def settled_step(rational: Question, fixed: Mapping[str, Fraction]) -> float | None:
    """The step at which quadratics attain least, where a certificate meets what they attain; None elsewhere.

    Then no other step has a smaller rate, since none certifies less than is attained there.
    """
    gamma = attained_step(rational, fixed)
    if gamma is None:
        return None
    model = rational.model(spelled(gamma), fixed)
    rate = attained_by(model)[0]
    near = Fraction(rate) + Fraction(ACCURACY) * (1 - Fraction(rate))
    return gamma if rate < 1 and certificate_at(model, near) is not None else None


def attained_step(q: Question, fixed: Mapping[str, Fraction]) -> float | None:
    """The step at which the extremal quadratics attain least; None where their moments are no parabola in gamma.

    x+ is affine in gamma, so that E of products of the next state is a quadratic in it, as long as no parameter moves
    with gamma: three exact models give the matrices at every step, a fourth says whether they do.
    """
    from scipy.optimize import minimize_scalar

    units = [a / q.L for a in ANCHORS]
    seen = [_moments(q.model(g, fixed, full=False)) for g in units]
    other = Fraction(1, 3) / q.L
    told = [
        sum(w * m for w, m in zip(_lagrange(units, other), each, strict=True))
        for each in zip(*seen, strict=True)
    ]
    if not all(
        (a == b).all() for a, b in zip(told, _moments(q.model(other, fixed, full=False)), strict=True)
    ):
        return None
    floats = [[m.astype(float) for m in each] for each in seen]
    places = [float(a) for a in ANCHORS]

    def rate(log_step: float) -> float:
        """The largest radius at exp(log_step)/L."""
        weights = _lagrange(places, float(np.exp(log_step)))
        mixed = [sum(w * m for w, m in zip(weights, each, strict=True)) for each in zip(*floats, strict=True)]
        return max(float(np.abs(np.linalg.eigvals(m)).max()) for m in mixed)

    grid = np.log(2) - np.log(2) * np.arange(HALVINGS + 1)
    best = int(np.argmin([rate(u) for u in grid]))
    bounds = (grid[min(best + 1, HALVINGS)], grid[max(best - 1, 0)])
    found = minimize_scalar(rate, bounds=bounds, method="bounded", options={"xatol": 1e-7, "maxiter": 60})
    return float(np.exp(found.x) / float(q.L))


def _moments(model: Model) -> list[Numbers]:
    """The matrix of every extremal quadratic, of Fractions."""
    return [
        np.array([[Fraction(x) for x in row] for row in model.moments(e)[1]], dtype=object)
        for e in model.extremal
    ]


def _lagrange(places: Sequence[Number], x: Number) -> list[Number]:
    """Weights of the values at three places in that of their parabola at x."""
    a, b, c = places
    return [
        (x - b) * (x - c) / ((a - b) * (a - c)),
        (x - a) * (x - c) / ((b - a) * (b - c)),
        (x - a) * (x - b) / ((c - a) * (c - b)),
    ]


def _by_certificates(rational: Question, fixed: Mapping[str, Fraction]) -> float:
    """Halvings of 1/L, EIGHT of them and on from there while the last is the best or none has a certificate."""
    from scipy.optimize import minimize_scalar

    top = float(np.log(2 / float(rational.L)))

    def rate(log_gamma: float) -> float:
        """Of a step without a certificate above 1, and the more the longer it is, in any unit of L."""
        model = rational.model(spelled(float(np.exp(log_gamma))), fixed)
        found = least_certified(model, attained_by(model)[0], accuracy=ACCURACY)
        return 2.0 + np.exp(log_gamma - top) if found is None else float(found.rho)

    grid, rates = [top], [float("inf")]
    while len(grid) <= EIGHT or (len(grid) <= HALVINGS and int(np.argmin(rates)) == len(grid) - 1):
        grid.append(top - len(grid) * float(np.log(2)))
        rates.append(rate(grid[-1]))
    best = int(np.argmin(rates))
    bounds = (grid[min(best + 1, len(grid) - 1)], grid[best - 1])
    return float(np.exp(minimize_scalar(rate, bounds=bounds, method="bounded", options={"maxiter": 20}).x))
