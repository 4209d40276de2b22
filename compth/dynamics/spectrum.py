"""Exact rates: the spectral radius of the joint map of mean and second moment, with a two-sided bracket."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from compth._door import a_method, a_problem, at_the_door
from compth.dynamics import enumerated, joint, masked, memories, stein, traced
from compth.dynamics.cone import basis_of, blocks, collatz
from compth.dynamics.noise_free import NoiseFree
from compth.dynamics.parts import parts_of
from compth.dynamics.sketches import random_points
from compth.dynamics.solvers import davidson, definite, upper_bound
from compth.dynamics.system import Data, Moments, System, data_of
from compth.dynamics.trajectory import make_system
from compth.dynamics.units import Packing
from compth.errors import InvalidParameter, Unsupported
from compth.methods import Method, Plan, plan_of

Array = Any
WIDTH = 1e-2
"""A bracket wider than this, relative to |1 - rho|, counts as not converged."""
ACCURACIES = (1e-10, 1e-12, 1e-14)
"""Relative residuals asked for in turn, until the bracket is narrow."""
DENSE = 300
"""Largest number of moments among which a wide bracket is closed by resolvents of the written-out operator."""
ABOVE = (1e-4, 1e-6, 1e-8, 1e-10)
"""How far above a lower bound of rho such resolvents are taken, relative to the larger of rho and |1 - rho|."""
PERRON = 1e-3
"""How far outside the cone, on a unit diagonal, a Perron point may be that is not yet exact."""
FLOOR = 1e-15
"""Relative residual below which only rounding is left."""


@dataclass(frozen=True)
class ExactRate:
    """rho: one-step factor of E||x_t - x*||^2 - its limit. rho_noise: of the second moments alone (stability: < 1).

    bracket: two-sided enclosure of rho_noise (floating point). coupled: the mean's own factor rho_mean enters rho
    (some grad f_i(x*) != 0 and the sketches see it). converged: the bracket is narrow; when False, rho is an
    estimate and only the bracket is to be believed. applications: of the operator.
    """

    rho: float
    rho_noise: float
    rho_mean: float
    bracket: tuple[Any, Any]
    coupled: bool
    converged: bool
    applications: int

    def __str__(self) -> str:
        """The rate in a sentence, with its bracket; an unconverged one is not given as a number."""
        low, high = (float(end) for end in self.bracket)
        inside = f"between {low:.10g} and {high:.10g}"
        if not self.converged:
            return f"the second moments contract a round by a factor {inside}: not known more closely"
        parts = "the mean decides" if self.coupled else "of the second moments"
        stable = "" if self.rho_noise < 1 else "; not stable"
        return (
            f"exact rate {float(self.rho):.10g} a round ({parts}; the second moments' lies {inside}){stable}"
        )


@dataclass(frozen=True)
class Radius:
    """r(T) - 1 of the linear part, the ends of its enclosure less 1, and its Perron point for the next search.

    parts: the same of each group of coordinates where the system falls apart.
    """

    value: float
    low: float
    high: float
    point: Any = None
    parts: tuple[Radius, ...] = ()

    @property
    def narrow(self) -> bool:
        """True when the enclosure is narrow relative to |1 - rho|."""
        return is_narrow((1 + self.low, 1 + self.high))


def is_narrow(bracket: tuple[float, float], width: float = WIDTH) -> bool:
    """True when the ends of a bracket of rho agree, relative to |1 - rho|."""
    low, high = bracket
    return (
        bool(np.isfinite(high))
        and high - low <= width * max(min(abs(1 - low), abs(1 - high)), 1e-12) + 1e-10 * high
    )


def radius(
    system: Any, near: Sequence[Radius] = (), tol: float | None = None, width: float = WIDTH
) -> Radius:
    """Spectral radius of the linear part of a system.

    near: what was found of nearby systems. tol: a relative residual that is enough, without an enclosure then. width:
    how narrow an enclosure is looked for.
    """
    groups = parts_of(system)
    if len(groups) == 1:
        return _radius(system, near, tol, width)
    found = tuple(_radius(g, [r.parts[k] for r in near], tol, width) for k, g in enumerate(groups))
    system.applications += sum(g.applications for g in groups)
    value, low = max(r.value for r in found), max(r.low for r in found)
    return Radius(value, low, max(r.high for r in found), parts=found)


def _radius(system: Any, near: Sequence[Radius], tol: float | None, width: float) -> Radius:
    """radius of one group of coordinates."""
    if stein.fits(system):
        found = stein.rate(system, near=[r.point for r in near], tol=tol or 1e-9, bracketed=tol is None)
        return Radius(found.value, *found.bracket, found.matrix)
    search, mean = Search(system, near), max(mean_radius(system), own_radius(system))
    least = mean * mean - 1
    if tol is not None:
        return Radius(max(search.run(tol), least), -np.inf, np.inf, search.moments)
    basis, low, high, value = basis_of(system), least, np.inf, 0.0
    for accuracy in ACCURACIES:
        value = search.run(accuracy)
        if system.kept_cone:
            a, b = search.enclosure(basis)
            low, high = max(low, a), min(high, b)
        if is_narrow((1 + low, 1 + high), width):
            break
        if search.target is not None and not is_narrow((1 + low, 1 + high)):
            search.anywhere()
    if not system.kept_cone and joint.fits(system):
        whole = joint.Joint(system)
        _, (a, b) = whole.rate(search.packing.units)
        low, high = max(low, a), min(high, b)
        system.applications += whole.applications
    if system.kept_cone and not is_narrow((1 + low, 1 + high), width) and search.packing.size <= DENSE:
        low, high = search.closed(basis, max(low, -1.0), high)
    if system.kept_cone and not is_narrow((1 + low, 1 + high)):
        high = min(high, search.above(basis))
    low, high = max(low, -1.0), max(low, high)
    value = min(max(value, low), high) if is_narrow((1 + low, 1 + high)) else value
    return Radius(value, low, high, search.moments)


class Search:
    """The rightmost eigenvalue of T - id by Davidson steps.

    They are preconditioned by the inverse without noise, or by that of `Memories` where its form fits.
    """

    packing: Any
    inverse: NoiseFree | None
    target: float | None

    def __init__(self, system: Any, near: Sequence[Radius] = ()) -> None:
        self.system, self.packing, self.inverse, self.target = system, None, None, None
        if memories.fits(system):
            self.packing = memories.Memories(system)
            first = self.packing.locate(near[0].value if near else 0.0)
            self.target = self.packing.lam - 1
        else:
            self.packing = Packing(system)
            self.inverse = NoiseFree(system, self.packing.units)
            first = self.solve(self.packing.inside)
        inside = self.packing.inside
        if not np.any(first):  # the noise-free part has the eigenvalue 1
            first = inside
        # beside the points nearby one inside: an eigenvector may lie in an invariant subspace
        self.starts = [*(self.packing.pack(r.point) for r in near), first]
        if not near and self.inverse is not None:
            # and one that T has drawn to its largest eigenvalue, which this inverse does not look for
            self.starts.append(self.packing.apply(self.packing.apply(inside)))
        self.value = 0.0

    def change(self, v: Array) -> Array:
        """(T - id) v."""
        return self.packing.apply(v) - v

    def solve(self, v: Array) -> Array:
        """About (id - T)^-1 v."""
        if self.inverse is None:
            return np.asarray(self.packing.solve(v))
        return np.asarray(self.packing.pack(self.inverse(self.packing.unpack(v))))

    def run(self, tol: float) -> float:
        """Go on until the relative residual is below tol; rho - 1."""
        self.value, vector = self._found(tol)
        if self.target is not None and not self._positive(vector):  # another root than the largest
            self.anywhere()
            self.value, vector = self._found(tol)
        self.vector = vector * (np.sign(np.trace(self.packing.unpack(vector).C)) or 1.0)
        self.starts = [self.vector]
        return self.value

    def _found(self, tol: float) -> tuple[float, Array]:
        return davidson(self.change, self.solve, self.starts, tol=tol, floor=FLOOR, target=self.target)

    def anywhere(self) -> None:
        """Look for the rightmost root wherever it is."""
        self.target, inside, grown, size = None, self.packing.inside, self.packing.inside, 0.0
        for _ in range(6):  # towards the largest root, which may be far beyond 1
            grown = self.packing.apply(grown / np.linalg.norm(grown))
            size = float(np.linalg.norm(grown))
        if self.inverse is None:
            self.packing.prepare(max(1.0, 1.1 * size))
        self.starts = [inside, grown, *self.starts]

    def _positive(self, vector: Array) -> bool:
        """True when the moments are those of a Perron point, inside the cone but for rounding."""
        m = self.packing.unpack(vector * (np.sign(np.trace(self.packing.unpack(vector).C)) or 1.0))
        for block in blocks(self.system, m, basis_of(self.system)):
            size = np.abs(np.diag(block))
            scale = 1 / np.sqrt(np.where(size > 0, size, 1.0))
            try:
                np.linalg.cholesky(
                    (block + block.T) / 2 * np.outer(scale, scale) + PERRON * np.eye(len(size))
                )
            except np.linalg.LinAlgError:
                return False
        return True

    @property
    def moments(self) -> Moments:
        """The eigenvector."""
        found: Moments = self.packing.unpack(self.vector)
        return found

    def enclosure(self, basis: Array) -> tuple[float, float]:
        """Collatz-Wielandt at the eigenvector, moved a little inside where rounding has it outside the cone."""
        inside = self.packing.inside / np.linalg.norm(self.packing.inside)
        for eta in (0.0, 1e-14, 1e-12, 1e-10, 1e-8):
            found = collatz(self.system, self.packing.unpack(self.vector + eta * inside), basis)
            if np.isfinite(found[1]):
                return found
        return -np.inf, np.inf

    def closed(self, basis: Array, low: float, high: float) -> tuple[float, float]:
        """A better enclosure of rho - 1 where eigenvectors coalesce, which no search for one of them resolves.

        R = (s - T)^-1 I lies inside the cone exactly where s > rho, and T R <= s R there. The nearer s is to rho, the
        nearer R is to the Perron point, and the better its lower end is.
        """
        matrix = np.array([self.packing.apply(v) for v in np.eye(self.packing.size)]).T
        for margin in ABOVE:
            for bound in (low, self.value):
                point = self._resolvent(matrix, 1 + bound + margin * max(1 + bound, abs(bound)))
                a, b = collatz(self.system, self.packing.unpack(point), basis)
                low, high = (max(low, a), min(high, b)) if np.isfinite(b) else (low, high)
        return low, high

    def _resolvent(self, matrix: Array, s: float) -> Array:
        """(s - T)^-1 of a point inside the cone, to length 1."""
        point = np.linalg.lstsq(s * np.eye(len(matrix)) - matrix, self.packing.inside, rcond=None)[0]
        return np.asarray(point / (np.linalg.norm(point) or 1.0))

    def above(self, basis: Array) -> float:
        """A checked upper bound on rho - 1."""

        def positive(v: Array) -> bool:
            return all(definite(b) for b in blocks(self.system, self.packing.unpack(v), basis))

        return upper_bound(self.change, self.solve, self.packing.inside, positive, self.value)


def prepared(method: Method, problem: Any) -> tuple[Data, Any, Any]:
    """(data, gamma, parameters) of a run with a constant step; Unsupported for a schedule."""
    plan, _, _ = plan_of(method, problem)
    if plan.schedule is not None:
        raise Unsupported("the step size changes with t: a rate needs a constant step, pass gamma=...")
    return data_of(method.seen(problem)), plan.gamma, plan.params


def is_coupled(method: Method, data: Data, gamma: Any, params: Any, mode: str = "exact") -> bool:
    """True when the mean drives the second moments: T of pure means has a part besides the mean itself.

    Zero is judged against the same with gradients at x* (and x* itself, which GDCI sends) of the same size but random,
    and with independent workers, where nothing cancels.
    """
    whole = make_system(method, data, gamma, params, mode=mode)
    driven, noise = _driven(whole), whole.noise
    if driven == 0:
        return False
    n, d = data.n, data.d
    loud = replace(
        data,
        s=np.abs(data.s).max() * random_points(n, d),
        x_star=np.abs(data.x_star).max() * random_points(2, d)[1],
    )
    if noise is not None:
        # both parts are loud, the one that follows x in the size of the Hessians: where all components are equal
        # it is rounding, and rounding must not be held against rounding
        g = noise.G.copy()
        rows = g.reshape(-1, g.shape[-1])
        rows[:, -1] = np.abs(g[..., -1]).max() * random_points(1, len(rows))[0]
        rows[:, :-1] = np.abs(data.A).max() * random_points(len(rows), d)
        noise = replace(noise, G=g)
    system = make_system(method, loud, gamma, params, mode=mode)
    system.noise, system.cross = noise, None
    return driven > 1e-12 * _driven(system)


def _driven(system: Any) -> float:
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
def exact_rate(method: Method, problem: Any, *, mode: str = "exact", rational: bool = False) -> ExactRate:
    """The factor by which E||x_t - x*||^2 approaches its limit; see ExactRate. Step as in simulate.

    rational=True (n, d up to about 6): the bracket is two Fractions, each proved in exact arithmetic; rho_noise is then
    brought inside it, and it counts as converged by its own width.
    """
    if enumerated.fits(method, problem):
        if rational or mode != "exact":
            raise Unsupported(f"{method.label} has exact dynamics in floating point only")
        return rate_on(method, problem, plan_of(method, problem)[0])
    data, gamma, params = prepared(method, problem)
    found = rate_of(method, data, gamma, params, mode)
    if not rational:
        return found
    if traced.fits(method):
        raise Unsupported(f"{method.label}: the dynamics of a body are in floating point: leave rational out")
    if mode != "exact":
        raise InvalidParameter(f"mode={mode!r} has no rational bracket: its maps are approximations")
    from compth.dynamics.rational import certified_bracket

    low, high = certified_bracket(method, problem)
    noise = float(low) if found.rho_noise < low else min(found.rho_noise, float(high))
    return replace(
        found,
        rho=max(noise, found.rho_mean) if found.coupled else noise,
        rho_noise=noise,
        bracket=(low, high),
        converged=is_narrow((float(low), float(high))),
    )


def rate_on(method: Method, problem: Any, plan: Plan) -> ExactRate:
    """exact_rate of a plan with a constant step."""
    if enumerated.fits(method, problem):
        return rate_of_maps(enumerated.EnumeratedSystem(method, problem, plan))
    return rate_of(method, data_of(method.seen(problem)), plan.gamma, plan.params)


def rate_of(method: Method, data: Any, gamma: Any, params: Any, mode: str = "exact") -> ExactRate:
    """exact_rate from the problem's matrices."""
    if masked.fits(method):
        return rate_of_maps(masked.MaskedSystem(method, data, gamma, params))
    linear = make_system(method, data, gamma, params, mode=mode, affine=False)
    found = radius(linear)
    coupled = is_coupled(method, data, gamma, params, mode)
    return rate_from(found, mean_radius(linear), coupled, linear.applications)


def rate_from(found: Radius, mean: float, coupled: bool, applications: int) -> ExactRate:
    """The rate that a radius of the second moments and one of the means make."""
    noise = 1 + found.value
    rho = max(noise, mean) if coupled else noise
    bracket = (max(1 + found.low, 0.0), 1 + found.high)
    return ExactRate(rho, noise, mean, bracket, coupled, found.narrow, applications)


def entries(method: Method, data: Data, plan: Plan) -> int:
    """How many moments the rate of a body without the form of a Scheme is searched among, 0 for all others."""
    if masked.fits(method) or enumerated.fits(method, data.problem):
        return 0
    system = make_system(method, data, plan.gamma, plan.params, affine=False)
    return 0 if isinstance(system, System) else Packing(system).size


def rate_of_maps(system: masked.MaskedSystem | enumerated.EnumeratedSystem) -> ExactRate:
    """The rate of a system that knows its own radii."""
    noise, bracket = system.radius()
    mean, coupled = system.mean_radius(), system.driven
    rho = max(noise, mean) if coupled else noise
    return ExactRate(rho, noise, mean, bracket, coupled, is_narrow(bracket), system.applications)


def own_radius(system: Any) -> float:
    """What memories that cancel in the average (or that nothing reads) keep of themselves, in the mean."""
    if not system.M or (system.data.n == 1 and system.averages):
        return 0.0
    return float(np.abs(np.linalg.eigvals(system.own_map())).max())


def mean_radius(linear: Any) -> float:
    """Spectral radius of the map of the means."""
    return max(mean_ends(linear))


def mean_ends(linear: Any) -> tuple[float, ...]:
    """What the spectral radius of the map of the means is the largest of: the ends of real roots, or one radius."""
    mean_map = linear.mean_map()
    if linear.data.projector is not None:
        keep = np.eye(len(mean_map))
        keep[linear.slot(0), linear.slot(0)] = linear.data.projector
        mean_map = keep @ mean_map @ keep
    if linear.K == 1:
        values = np.linalg.eigvalsh(mean_map)
        return float(values[-1]), float(-values[0])
    return (float(np.abs(np.linalg.eigvals(mean_map)).max()),)
