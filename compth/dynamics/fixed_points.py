"""Stationary second moments: the fixed point of the recursion, with a bracket.

A limit is only given where the rate's own enclosure lies below 1, and each number with the bracket that the residual
proves in the order of the cone.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from compth._door import a_method, a_problem, at_the_door
from compth._earned import Earned, changed, made
from compth._shown import Shown
from compth._types import Numbers as Array
from compth.dynamics import enumerated, joint, masked
from compth.dynamics.cone import basis_of, blocks, solve_enclosed
from compth.dynamics.noise_free import NoiseFree
from compth.dynamics.own import assumed_of
from compth.dynamics.radii import constant_step_inputs
from compth.dynamics.spectrum import ExactRate, rate_of, rate_on
from compth.dynamics.system import Moments, System
from compth.dynamics.trajectory import make_system
from compth.dynamics.units import Packing, units_of
from compth.errors import Unsupported
from compth.methods import Method, plan_of
from compth.problems.interface import Problem

if TYPE_CHECKING:
    from compth.dynamics.traced import TracedSystem


WIDTH = 1e-6
"""A bracket wider than this, relative to the value, counts as not converged."""
Pair = tuple[float, float]


@dataclass(frozen=True)
class Stationary(Earned, Shown):
    """Limits of E||x_t - x*||^2 and E f(x_t) - f* (inf when unstable), each with a two-sided bracket.

    converged: the rate is, and the brackets are narrow; when False only the brackets are to be believed.
    assumed: what was taken on a user's word, a line each. One that was typed or changed has not converged; copies and
    pickles are computed again.
    """

    WORDS = MappingProxyType({"converged": False})

    mean_square: float
    gap: float
    converged: bool
    bracket: Pair = (0.0, float("inf"))
    gap_bracket: Pair = (0.0, float("inf"))
    assumed: tuple[str, ...] = ()


UNSTABLE = (float("inf"), float("inf"))


@at_the_door(method=a_method, problem=a_problem)
def stationary(method: Method, problem: Problem) -> Stationary:
    """Stationary second moments: the solution of X = T(X) with the constant held at 1 (a Stein-type equation).

    The brackets come from a matrix P with P - T(P) > 0: the residual of X, put between multiples of that difference,
    says how far X can be off in the order of the cone.
    """
    found = changed(_stationary(method, problem), assumed=assumed_of(method, problem))
    return made(found, (stationary, (method, problem), {}))


def _stationary(method: Method, problem: Problem) -> Stationary:
    """The limit by the kind of the method's operator: enumerated, masked, or moments of this package."""
    if enumerated.fits(method, problem):
        plan = plan_of(method, problem)[0]
        rate = rate_on(method, problem, plan)
        # The rate decides whether there is a limit; the limit itself is a linear equation.
        whole = enumerated.EnumeratedSystem(method, problem, plan).of_x()
        return _unstable(rate) or _of_maps(whole, rate)
    data, gamma, params = constant_step_inputs(method, problem)
    rate = rate_of(method, data, gamma, params)
    if masked.fits(method):
        return _unstable(rate) or _of_maps(masked.MaskedSystem(method, data, gamma, params), rate)
    # No limit where the second moments, or a mean that drives them, grow.
    unstable = _unstable(rate)
    if unstable is not None:
        return unstable
    affine = make_system(method, data, gamma, params, of_x=True)
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
    """(mean square, gap) with the two errors of either, None where they are not known.

    Neither is negative: a value below 0 is rounding of that size at least.
    """
    # A second moment below 0 is rounding, and the error is at least as large as that.
    below, value = np.minimum(value, 0.0), np.maximum(value, 0.0)
    if error is None or not rate.bracket[1] < 1:
        return Stationary(float(value[0]), float(value[1]), False)
    pairs = [(max(float(v - e), 0.0), float(v + e)) for v, e in zip(value, error - below, strict=True)]
    narrow = all(high - low <= WIDTH * high for low, high in pairs)
    first, second = pairs
    return Stationary(float(value[0]), float(value[1]), rate.converged and narrow, first, second)


def _of_system(affine: System | TracedSystem, linear: System | TracedSystem, rate: ExactRate) -> Stationary:
    """X - T(X) = what the means at rest and the constant add, solved in natural sizes with its enclosure."""
    # Memories rest at grad f_i(x*), not at 0: their means drive the second moments as the constant does.
    rest = _memories_at_rest(affine)
    source = _source(affine, rest)
    packing = Packing(linear)
    right = packing.pack(source)
    # Nothing is added at rest (a shared minimiser, variance reduction): the limit is 0 exactly.
    if not np.any(right):
        return Stationary(0.0, 0.0, rate.converged, (0.0, 0.0), (0.0, 0.0))
    if not linear.kept_cone:
        return _of_joint(linear, affine, rest, rate)
    basis, helper = basis_of(linear), NoiseFree(linear, packing.units)
    # Solved in natural units for a source of length 1: x* and noise of any size give the same digits.
    size = float(np.linalg.norm(right))
    x, above = solve_enclosed(
        lambda v: packing.apply(v) - v,
        lambda v: packing.pack(helper(packing.unpack(v))),
        right / size,
        packing.inside,
        lambda v: blocks(linear, packing.unpack(v), basis),
    )

    def seen(v: Array) -> Array:
        """E||z||^2 and E z'Az/2 of a vector in natural units."""
        z, a = packing.unpack(v * size).C[linear.slot(0), linear.slot(0)], linear.data.mean
        return np.array([np.trace(z), np.trace(a @ z) / 2])

    return _answer(seen(x), None if above is None else seen(above), rate)


def _memories_at_rest(affine: System | TracedSystem) -> Array | None:
    """E y_i where the mean of every common vector is 0: y = Q y + f, f what a step makes of the constant alone."""
    if not affine.M:
        return None
    n, tall = affine.data.n, affine.M * affine.data.d
    push = _memory_means(_after(affine, np.zeros((n, tall))))
    # One step from E y = 0 says what pushes the memories, and Q what they keep: (I - Q)^-1 of the push is
    # where they rest. A second step must leave them there, and the common vectors at 0.
    inverse = np.linalg.pinv(np.eye(affine.M) - affine.own_map())
    rest = np.einsum("ab,ibj->iaj", inverse, push.reshape(n, affine.M, -1)).reshape(n, tall)
    again = _after(affine, rest)
    units, d = units_of(affine.linear()), affine.data.d
    assert units.memory is not None
    sizes = np.repeat(units.memory, d, axis=1)
    moved = np.abs(again.C[-1, :-1]) / np.repeat(units.common, d)
    off = max((np.abs(_memory_means(again) - rest) / sizes).max(), moved.max())
    if off > 1e-9 * ((np.abs(rest) + np.abs(push)) / sizes).max():
        raise Unsupported("the means of the workers' memories have no rest of their own: simulate it")
    return np.asarray(rest)


def _after(affine: System | TracedSystem, rest: Array | None) -> Moments:
    """One step from the constant and memories of these means, without second moments."""
    c = np.zeros((affine.size, affine.size))
    c[-1, -1] = 1
    if rest is None:
        return affine(Moments(c))
    n, tall = rest.shape
    across = np.zeros((n, tall, affine.size))
    across[:, :, -1] = rest
    for column in affine.averages if n == 1 else ():
        c[affine.slot(column), -1] = c[-1, affine.slot(column)] = rest[0]
    return affine(Moments(c, across, np.zeros((n, tall, tall))))


def _memory_means(m: Moments) -> Array:
    """E y_i, which stand in E y_i c' beside the constant, (n, M d)."""
    assert m.D is not None
    return np.asarray(m.D[:, :, -1])


def _source(affine: System | TracedSystem, rest: Array | None) -> Moments:
    """The second moments that one step makes of the means at rest and the constant."""
    after = _after(affine, rest)
    return Moments(after.C[:-1, :-1], None if after.D is None else after.D[:, :, :-1], after.E)


def _of_joint(
    linear: System | TracedSystem, affine: System | TracedSystem, rest: Array | None, rate: ExactRate
) -> Stationary:
    """Correlated workers with memories: the same in the cone of the joint second moments."""
    if not joint.fits(linear) or rest is None or not isinstance(affine, System):
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
        """E||z||^2 and E z'Az/2 of a joint second moment in natural units."""
        z = (v.reshape(outer.shape) * outer * size)[:d, :d]
        return np.array([np.trace(z), np.trace(a @ z) / 2])

    return _answer(seen(x), None if above is None else seen(above), rate)


def _of_maps(system: masked.MaskedSystem | enumerated.EnumeratedSystem, rate: ExactRate) -> Stationary:
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
