"""A rate bracket checked in exact rational arithmetic: small cases, no rounding anywhere.

rho <= tau is shown by R > 0 with tau R - T(R) >= 0, rho >= a by X >= 0, X != 0, with T(X) - a X >= 0. R and X are the
float solutions rounded to short fractions; T, the problem's matrices and the LDL' test are exact.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from compth._numbers import Number
from compth._types import Numbers as Array
from compth.dynamics.forms import Sketches
from compth.dynamics.normal import recipe_of
from compth.dynamics.of_x import of_x_alone, scheme_of_part
from compth.dynamics.radii import Search, constant_step_inputs
from compth.dynamics.sketches import noise_for
from compth.dynamics.system import Data, Moments, System, data_of
from compth.dynamics.trajectory import make_system
from compth.errors import Unsupported
from compth.methods import Method
from compth.problems.interface import Problem

if TYPE_CHECKING:
    from compth.dynamics.forms import Scheme


BITS = 60
"""Bits kept of the float witnesses."""
LITTLE = Fraction(1, 2**100)
"""How much of a point inside must be in a witness: far less than its rounding, but more than nothing."""
MARGINS = (1e-6, 1e-4, 1e-2, 0.1, 1.0)
"""Widths tried in turn, relative to |1 - rho|."""


def psd(matrix: Array) -> bool:
    """True when a symmetric matrix of Fractions is positive semidefinite, by LDL' with exact pivots."""
    m = np.frompyfunc(Fraction, 1, 1)(np.asarray(matrix, dtype=object))
    for j in range(len(m)):
        pivot, row = m[j, j], m[j, j + 1 :]
        if pivot < 0 or (pivot == 0 and any(v != 0 for v in row)):
            return False
        if pivot > 0:
            m[j + 1 :, j + 1 :] = m[j + 1 :, j + 1 :] - np.outer(row, row) / pivot
    return True


def certified_bracket(method: Method, problem: Problem) -> tuple[Fraction, Fraction]:
    """(low, high), Fractions with low <= rho_noise <= high proved in exact arithmetic; for n, d up to about 6.

    Raises Unsupported for singular mean Hessians and for correlated workers with memories.
    """
    data, gamma, params = constant_step_inputs(method, problem)
    floating = make_system(method, data, gamma, params, affine=False)
    if not isinstance(floating, System):
        raise Unsupported(f"{method.label}: the dynamics of a body are in floating point: leave rational out")
    if not floating.kept_cone:
        raise Unsupported("a rational bracket needs independent workers, or a method without memories")
    exact_data = data_of(method.seen(problem), rational=True)
    noise_for(method, exact_data)
    sketches = floating.sketches
    exact = System(exact_data, _scheme(method, data, gamma, params, sketches), sketches, False)
    search = Search(floating)
    for tol in (1e-8, 1e-11, 1e-14):
        search.run(tol)
    return _lower(exact, search), _upper(exact, search)


def _scheme(
    method: Method, data: Data, gamma: Number, params: Mapping[str, Number], sketches: Sketches
) -> Scheme:
    """That of what x observes, in Fractions."""
    exact_params = {k: Fraction(v) for k, v in params.items()}
    part = of_x_alone(method, data, Fraction(gamma), exact_params)
    if part is None:
        return recipe_of(method).scheme(Fraction(gamma), exact_params, sketches, data.n, data.d)
    return scheme_of_part(part, method, data, sketches)


def _short(array: Array, scale: float) -> Array:
    """Fractions with a power of two below, BITS bits after the point."""
    return np.asarray(
        np.frompyfunc(lambda v: Fraction(round(float(v) * scale * 2**BITS), 2**BITS), 1, 1)(array)
    )


def _exactly(system: System, m: Moments) -> Moments:
    """The moments in Fractions; the averaged memory is made exactly the average of the memories."""
    scale = 1 / float(np.abs(m.C).max())
    c, d = _short((m.C + m.C.T) / 2, scale), None if m.D is None else _short(m.D, scale)
    e = None if m.E is None else _short((m.E + np.swapaxes(m.E, 1, 2)) / 2, scale)
    k = system.scheme.average
    if k is not None and d is not None:
        at, n = system.slot(k), Fraction(system.data.n)
        # Rounding each memory apart from their mean would leave moments that no vectors have: the mean is
        # made exact again by moving all of them alike.
        mean = d.sum(axis=0) / n
        mean[:, at] = (mean[:, at] + mean[:, at].T) / 2
        d = d + (mean - d.sum(axis=0) / n)
        c[at, :], c[:, at] = mean, mean.T
        if system.data.n == 1:
            e = mean[None, :, at]
    return Moments(c, d, e)


def _blocks(m: Moments) -> list[Array]:
    """The joint second moments of every worker, whose cone is asked."""
    if m.D is None or m.E is None:
        return [m.C]
    return [np.block([[m.C, d.T], [d, e]]) for d, e in zip(m.D, m.E, strict=True)]


def _combine(a: Fraction, x: Moments, b: Fraction, y: Moments) -> Moments:
    """a x + b y."""

    def part(u: Array | None, v: Array | None) -> Array | None:
        """a u + b v of blocks that may be absent."""
        return None if u is None or v is None else a * u + b * v

    return Moments(a * x.C + b * y.C, part(x.D, y.D), part(x.E, y.E))


def is_inside(point: Moments, inner: Moments) -> bool:
    """True when some multiple of a point inside the cone can be taken off: on the boundary R >= 0 bounds nothing."""
    return all(psd(b) for b in _blocks(_combine(Fraction(1), point, -LITTLE, inner)))


def _upper(exact: System, search: Search) -> Fraction:
    """The smallest tau tried that passes, from (tau - T)^-1 of a point inside."""
    # For tau > rho and S inside the cone R = (tau - T)^-1 S = sum T^k S / tau^(k+1) lies inside, with tau R -
    # T(R) = S. For tau < rho it lies outside by far: (tau - rho) <W, R> = <W, S> > 0 for the left Perron
    # point W. R is rounded to fractions, and that R is inside and tau R - T(R) in the cone is decided in
    # exact arithmetic.
    packing, eye = search.packing, np.eye(search.packing.size)
    change = np.array([search.change(u) for u in eye]).T
    target = packing.inside
    inner = _exactly(exact, packing.unpack(target))
    for margin in MARGINS:
        tau = search.value + margin * abs(search.value)
        r = np.linalg.lstsq(tau * eye - change, target, rcond=None)[0]
        point, bound = _exactly(exact, packing.unpack(r)), 1 + Fraction(tau)
        rest = _combine(bound, point, Fraction(-1), exact(point))
        if is_inside(point, inner) and all(psd(b) for b in _blocks(rest)):
            return bound
    raise Unsupported(
        "no rational upper bound was found: the rate is too close to 1 for floating-point witnesses"
    )


def _lower(exact: System, search: Search) -> Fraction:
    """The largest a tried that passes, from the Perron vector; at the least 0."""
    # X in the cone with T(X) >= a X grows by a at least in every step: rho >= a. The Perron point has
    # equality at a = rho, so its rounding passes a little below, and the largest a of the margins that passes
    # is taken.
    point = _exactly(exact, search.moments)
    after = exact(point)
    if all(psd(b) for b in _blocks(point)):
        for margin in MARGINS:
            low = 1 + Fraction(search.value - margin * abs(search.value))
            if all(psd(b) for b in _blocks(_combine(Fraction(1), after, -low, point))):
                return low
    return Fraction(0)
