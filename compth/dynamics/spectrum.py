"""Exact rates: the spectral radius of the joint map of mean and second moment, with a two-sided bracket.

`rate_of` is the one way from matrices to a rate; whatever asks for another step or problem goes through it, so that
brackets and words mean the same everywhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from compth._door import a_method, a_problem, at_the_door
from compth._earned import Computed, Earned, changed, earned, kept, made
from compth._numbers import Number
from compth._shown import Shown
from compth.dynamics import enumerated, masked
from compth.dynamics.own import assumed_of
from compth.dynamics.radii import Radius, constant_step_inputs, is_narrow, mean_radius, radius
from compth.dynamics.rational import certified_bracket
from compth.dynamics.reduced import dynamics_data
from compth.dynamics.sketches import random_points
from compth.dynamics.system import Data, Moments, System
from compth.dynamics.trajectory import make_system
from compth.dynamics.units import Packing
from compth.errors import InvalidParameter, Unsupported
from compth.methods import Method, Plan, plan_of
from compth.problems.interface import Problem

if TYPE_CHECKING:
    from compth.dynamics.traced import TracedSystem


NAMED = {
    "exact": "exact rate",
    "upper": "upper bound on the rate:",
    "mean-field": "rate of the mean-field approximation:",
}
"""What a rate is called by the mode of its maps."""


@dataclass(frozen=True)
class ExactRate(Earned, Shown):
    """rho: one-step factor of E||x_t - x*||^2 - its limit. rho_noise: of the second moments alone (stability: < 1).

    bracket: two-sided enclosure of rho_noise (floating point). coupled: the mean's own factor rho_mean enters rho
    (some grad f_i(x*) != 0 and the sketches see it). converged: the bracket is narrow; when False, rho is an
    estimate and only the bracket is to be believed. applications: of the operator. assumed: what was taken on a user's
    word, a line each. mode: "exact", "upper" (of an upper bound) or "mean-field" (of an approximation). One that was
    typed or changed has not converged; copies and pickles are computed again.
    """

    WORDS = MappingProxyType({"converged": False})

    rho: float
    rho_noise: float
    rho_mean: float
    bracket: tuple[Number, Number]
    coupled: bool
    converged: bool
    applications: int
    assumed: tuple[str, ...] = ()
    mode: str = "exact"

    def __str__(self) -> str:
        """The rate in a sentence, with its bracket; an unconverged one is not given as a number."""
        low, high = (float(end) for end in self.bracket)
        inside = f"between {low:.10g} and {high:.10g}"
        lines = (*self.assumed, *(() if earned(self) else (Computed.DOUBT,)))
        words = "".join(f"; {line}" for line in lines)
        if not self.converged:
            return f"the second moments contract a round by a factor {inside}: not known more closely{words}"
        parts = "the mean decides" if self.coupled else "of the second moments"
        stable = "" if self.rho_noise < 1 else "; not stable"
        named = NAMED.get(self.mode, f"rate ({self.mode})")
        return f"{named} {float(self.rho):.10g} a round ({parts}; the second moments' lies {inside}){stable}{words}"


def is_coupled(
    method: Method, data: Data, gamma: Number, params: Mapping[str, Number], mode: str = "exact"
) -> bool:
    """True when the mean drives the second moments: T of pure means has a part besides the mean itself.

    Zero is judged against the same with gradients at x* (and x* itself, which GDCI sends) of the same size but random,
    and with independent workers, where nothing cancels.
    """
    whole = make_system(method, data, gamma, params, mode=mode, of_x=True)
    driven, noise = _driven(whole), whole.noise
    if driven == 0:
        return False
    n, d = data.n, data.d
    # Where all pulls at x* cancel, what is left of the drive is rounding: it is held against the same with
    # pulls of the same sizes that do not cancel.
    loud = replace(
        data,
        s=np.abs(data.s).max() * random_points(n, d),
        x_star=np.abs(data.x_star).max() * random_points(2, d)[1],
    )
    if noise is not None:
        # both parts are loud, the one that follows x in the size of the Hessians: where all components are
        # equal it is rounding, and rounding must not be held against rounding
        g = noise.G.copy()
        rows = g.reshape(-1, g.shape[-1])
        rows[:, -1] = np.abs(g[..., -1]).max() * random_points(1, len(rows))[0]
        rows[:, :-1] = np.abs(data.A).max() * random_points(len(rows), d)
        noise = replace(noise, G=g)
    system = make_system(method, loud, gamma, params, mode=mode, of_x=True)
    system.noise, system.cross = noise, None
    return driven > 1e-12 * _driven(system)


def _driven(system: System | TracedSystem) -> float:
    """The largest second moment after one step from means of natural size and nothing else, in natural sizes."""
    packing, k, d = Packing(system.linear()), system.K, system.data.d
    common = np.repeat(packing.units.common, d)
    c = np.zeros((system.size, system.size))
    c[-1, : k * d] = c[: k * d, -1] = common * random_points(1, k * d)[0]
    m = Moments(c)
    if system.M:
        n, tall = system.data.n, system.M * d
        m = Moments(c, np.zeros((n, tall, system.size)), np.zeros((n, tall, tall)))
    after = system(m)
    second = Moments(after.C[:-1, :-1], None if after.D is None else after.D[:, :, :-1], after.E)
    return float(np.abs(packing.pack(second)).max())


@at_the_door(method=a_method, problem=a_problem)
def exact_rate(method: Method, problem: Problem, *, mode: str = "exact", rational: bool = False) -> ExactRate:
    """The factor by which E||x_t - x*||^2 approaches its limit; see ExactRate. Step as in simulate.

    rational=True (n, d up to about 6): the bracket is two Fractions, each proved in exact arithmetic; rho_noise is then
    brought inside it, and it counts as converged by its own width.
    """
    found = changed(_exact_rate(method, problem, mode, rational), assumed=assumed_of(method, problem))
    return made(found, (exact_rate, (method, problem), {"mode": mode, "rational": rational}))


def _exact_rate(method: Method, problem: Problem, mode: str, rational: bool) -> ExactRate:
    """The rate by the kind of the method's operator, with the rational bracket where it is asked for."""
    if enumerated.fits(method, problem):
        if rational or mode != "exact":
            raise Unsupported(f"{method.label} has exact dynamics in floating point only")
        return rate_on(method, problem, plan_of(method, problem)[0])
    data, gamma, params = constant_step_inputs(method, problem)
    found = rate_of(method, data, gamma, params, mode)
    if not rational:
        return found
    if mode != "exact":
        raise InvalidParameter(f"mode={mode!r} has no rational bracket: its maps are approximations")
    low, high = certified_bracket(method, problem)
    noise = float(low) if found.rho_noise < low else min(found.rho_noise, float(high))
    return changed(
        found,
        rho=max(noise, found.rho_mean) if found.coupled else noise,
        rho_noise=noise,
        bracket=(low, high),
        converged=is_narrow((float(low), float(high))),
    )


def rate_on(method: Method, problem: Problem, plan: Plan) -> ExactRate:
    """exact_rate of a plan with a constant step."""
    if enumerated.fits(method, problem):
        return rate_of_maps(enumerated.EnumeratedSystem(method, problem, plan).of_x())
    return rate_of(method, dynamics_data(method, problem), plan.gamma, plan.params)


def rate_of(
    method: Method, data: Data, gamma: Number, params: Mapping[str, Number], mode: str = "exact"
) -> ExactRate:
    """exact_rate from the problem's matrices."""
    if masked.fits(method):
        return rate_of_maps(masked.MaskedSystem(method, data, gamma, params))
    linear = make_system(method, data, gamma, params, mode=mode, affine=False)
    # The radius is that of the linear part: the constant adds the limit, and no rate.
    found = radius(linear)
    coupled = is_coupled(method, data, gamma, params, mode)
    return rate_from(found, mean_radius(linear), coupled, linear.applications, mode)


def rate_from(found: Radius, mean: float, coupled: bool, applications: int, mode: str = "exact") -> ExactRate:
    """The rate that a radius of the second moments and one of the means make."""
    bracket = (max(1 + found.low, 0.0), 1 + found.high)
    return _rate(
        1 + found.value,
        mean,
        coupled,
        bracket=bracket,
        converged=found.narrow,
        applications=applications,
        mode=mode,
    )


def _rate(
    noise: Number,
    mean: float,
    coupled: bool,
    *,
    bracket: tuple[Number, Number],
    converged: bool,
    applications: int,
    mode: str = "exact",
) -> ExactRate:
    """rho: the larger of both radii where the mean drives the noise, else that of the noise alone."""
    return kept(
        ExactRate(
            max(noise, mean) if coupled else noise,
            noise,
            mean,
            bracket=bracket,
            coupled=coupled,
            converged=converged,
            applications=applications,
            mode=mode,
        )
    )


def entries(method: Method, data: Data, plan: Plan) -> int:
    """How many moments the rate of a body without the form of a Scheme is searched among, 0 for all others."""
    if masked.fits(method) or enumerated.fits(method, data.source):
        return 0
    system = make_system(method, data, plan.gamma, plan.params, affine=False)
    return 0 if isinstance(system, System) else Packing(system).size


def rate_of_maps(system: masked.MaskedSystem | enumerated.EnumeratedSystem) -> ExactRate:
    """The rate of a system that knows its own radii."""
    noise, bracket = system.radius()
    mean, coupled, narrow = system.mean_radius(), system.driven, is_narrow(bracket)
    return _rate(noise, mean, coupled, bracket=bracket, converged=narrow, applications=system.applications)
