"""Stationary second moments: the fixed point of the recursion, with a bracket."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from compth.dynamics import enumerated, joint, masked, traced
from compth.dynamics.cone import basis_of, blocks, kept, solve_enclosed
from compth.dynamics.noise_free import NoiseFree
from compth.dynamics.spectrum import ExactRate, prepared, rate_of, rate_on
from compth.dynamics.system import Moments, System
from compth.dynamics.trajectory import make_system, quantities
from compth.dynamics.units import Packing
from compth.errors import Unsupported
from compth.methods import Method, plan_of

Array = Any
WIDTH = 1e-6
"""A bracket wider than this, relative to the value, counts as not converged."""
Pair = tuple[float, float]


@dataclass(frozen=True)
class Stationary:
    """Limits of E||x_t - x*||^2 and E f(x_t) - f* (inf when unstable), each with a two-sided bracket.

    converged: the rate is, and the brackets are narrow; when False only the brackets are to be believed.
    """

    mean_square: float
    gap: float
    converged: bool
    bracket: Pair = (0.0, float("inf"))
    gap_bracket: Pair = (0.0, float("inf"))


UNSTABLE = (float("inf"), float("inf"))


def stationary(method: Method, problem: Any) -> Stationary:
    """Stationary second moments: the solution of X = T(X) with the constant held at 1 (a Stein-type equation).

    The brackets come from a matrix P with P - T(P) > 0: the residual of X, put between multiples of that difference,
    says how far X can be off in the order of the cone.
    """
    if enumerated.fits(method):
        plan = plan_of(method, problem)[0]
        rate = rate_on(method, problem, plan)
        whole: Any = enumerated.EnumeratedSystem(method, problem, plan)
        return _unstable(rate) or _of_maps(whole, rate)
    data, gamma, params = prepared(method, problem)
    rate = rate_of(method, data, gamma, params)
    if traced.fits(method):
        return _unstable(rate) or _of_trace(traced.system_of(method, data, gamma, params), rate)
    if masked.fits(method):
        return _unstable(rate) or _of_maps(masked.MaskedSystem(method, data, gamma), rate)
    unstable = _unstable(rate)
    if unstable is not None:
        return unstable
    affine = make_system(method, data, gamma, params)
    linear = make_system(method, data, gamma, params, affine=False)
    return _of_system(affine, linear, rate)


def _unstable(rate: ExactRate) -> Stationary | None:
    """The answer where the second moments grow: certain when the rate's whole bracket says so."""
    if max(rate.rho_noise, rate.rho_mean if rate.coupled else 0.0) < 1:
        return None
    certain = rate.bracket[0] >= 1 or (rate.coupled and rate.rho_mean >= 1)
    bracket = UNSTABLE if certain else (0.0, np.inf)
    return Stationary(np.inf, np.inf, bool(certain), bracket, bracket)


def _answer(value: Array, error: Array | None, rate: ExactRate) -> Stationary:
    """(mean square, gap) with the two errors of either, None where they are not known."""
    if error is None or not rate.bracket[1] < 1:
        return Stationary(float(value[0]), float(value[1]), False)
    pairs = [(max(float(v - e), 0.0), float(v + e)) for v, e in zip(value, error, strict=True)]
    narrow = all(high - low <= WIDTH * high for low, high in pairs)
    return Stationary(float(value[0]), float(value[1]), rate.converged and narrow, *pairs)


def _of_system(affine: System, linear: System, rate: ExactRate) -> Stationary:
    rest = _memories_at_rest(affine)
    source = _source(affine, rest)
    packing = Packing(linear)
    right = packing.pack(source)
    if not np.any(right):
        return Stationary(0.0, 0.0, rate.converged, (0.0, 0.0), (0.0, 0.0))
    if not kept(linear):
        return _of_joint(linear, affine, rest, rate)
    basis, helper = basis_of(linear), NoiseFree(linear, packing.units)
    size = float(np.linalg.norm(right))
    x, above = solve_enclosed(
        lambda v: packing.apply(v) - v,
        lambda v: packing.pack(helper(packing.unpack(v))),
        right / size,
        packing.inside,
        lambda v: blocks(linear, packing.unpack(v), basis),
    )
    seen, off = (None if v is None else quantities(linear, packing.unpack(v * size))[:2] for v in (x, above))
    assert seen is not None
    return _answer(seen, off, rate)


def _memories_at_rest(affine: System) -> Array | None:
    """E y_i where the mean of every common vector is 0: y = v y + w (sigma s_i + q y)."""
    sc = affine.scheme
    if sc.memory is None:
        return None
    v, w, _ = (float(x) for x in sc.memory)
    keep = 1 - v - w * float(sc.q)
    return np.zeros_like(affine.data.s) if sc.sigma == 0 else w * float(sc.sigma) * affine.data.s / keep


def _source(affine: System, rest: Array | None) -> Moments:
    """The second moments that one step makes of the means at rest and the constant."""
    c = np.zeros((affine.size, affine.size))
    c[-1, -1] = 1
    if rest is None:
        after = affine(Moments(c))
        return Moments(after.C[:-1, :-1])
    n, d = affine.data.n, affine.data.d
    across = np.zeros((n, d, affine.size))
    across[:, :, -1] = rest
    if affine.scheme.average is not None and n == 1:
        c[affine.slot(affine.scheme.average), -1] = c[-1, affine.slot(affine.scheme.average)] = rest[0]
    after = affine(Moments(c, across, np.zeros((n, d, d))))
    assert after.D is not None
    return Moments(after.C[:-1, :-1], after.D[:, :, :-1], after.E)


def _of_joint(linear: System, affine: System, rest: Array | None, rate: ExactRate) -> Stationary:
    """Correlated workers with memories: the same in the cone of the joint second moments."""
    if not joint.fits(linear) or rest is None:
        raise Unsupported(
            "the stationary moments of so many correlated workers with memories are too large here"
        )
    whole = joint.Joint(linear)
    outer = np.outer(*[whole.sizes(Packing(linear).units)] * 2)
    source = whole.source(rest, float(affine.scheme.sigma) * affine.data.s) / outer
    size = float(np.linalg.norm(source))
    if size == 0:
        return Stationary(0.0, 0.0, rate.converged, (0.0, 0.0), (0.0, 0.0))
    x, above = solve_enclosed(
        lambda v: (whole(v.reshape(outer.shape) * outer) / outer).ravel() - v,
        whole.inverse(np.sqrt(np.diag(outer))),
        source.ravel() / size,
        np.eye(whole.size).ravel(),
        lambda v: [v.reshape(outer.shape)],
    )
    d, a = linear.data.d, linear.data.mean

    def seen(v: Array) -> Array:
        z = (v.reshape(outer.shape) * outer * size)[:d, :d]
        return np.array([np.trace(z), np.trace(a @ z) / 2])

    return _answer(seen(x), None if above is None else seen(above), rate)


def _of_trace(system: traced.TracedSystem, rate: ExactRate) -> Stationary:
    found = system.stationary()
    if found is None:
        return Stationary(np.nan, np.nan, False)
    values = system.quantities(found)
    return Stationary(float(values[0]), float(values[1]), rate.converged)


def _of_maps(system: Any, rate: ExactRate) -> Stationary:
    """Systems of one matrix of second moments: masks of the model, and enumerated steps."""
    centre, source, seen = system.at_rest()
    size = float(np.abs(source).max())
    if size == 0:
        value = seen(np.zeros_like(source), centre)[:2]
        return _answer(value, np.zeros(2), rate)
    shape = source.shape
    x, above = solve_enclosed(
        lambda v: system.scaled(v.reshape(shape)).ravel() - v,
        system.inverse(),
        source.ravel() / size,
        np.eye(len(source)).ravel(),
        lambda v: [v.reshape(shape)],
    )
    zero = np.zeros_like(centre)
    value = seen(x.reshape(shape) * size, centre)[:2]
    off = None if above is None else seen(above.reshape(shape) * size, zero)[:2]
    return _answer(value, off, rate)
