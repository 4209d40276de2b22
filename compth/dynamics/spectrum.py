"""Exact rates: the spectral radius of the joint map of mean and second moment, with a two-sided bracket."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.linalg import eigh

from compth.dynamics import enumerated, joint, masked, stein, traced
from compth.dynamics.noise_free import NoiseFree
from compth.dynamics.schemes import random_points
from compth.dynamics.solvers import arnoldi, davidson, definite, upper_bound
from compth.dynamics.system import Data, Moments, System, data_of
from compth.dynamics.trajectory import make_system
from compth.errors import InvalidParameter, Unsupported
from compth.methods import Method, Plan, plan_of

Array = Any
WIDTH = 1e-2
"""A bracket wider than this, relative to |1 - rho|, counts as not converged."""
ACCURACIES = (1e-8, 1e-10, 1e-12, 1e-14)
"""Relative residuals asked for in turn, until the bracket is narrow."""


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


class Packing:
    """Moments without the constant as one vector (full matrices)."""

    def __init__(self, system: System) -> None:
        self.system = system
        self.shape = system.interior()
        self.size = sum(np.size(v) for v in (self.shape.C, self.shape.D, self.shape.E) if v is not None)

    def pack(self, m: Moments) -> Array:
        """As a vector."""
        return np.concatenate([np.ravel(v) for v in (m.C, m.D, m.E) if v is not None])

    def unpack(self, v: Array) -> Moments:
        """From a vector."""
        out: list[Array | None] = []
        at = 0
        for part in (self.shape.C, self.shape.D, self.shape.E):
            if part is None:
                out.append(None)
                continue
            out.append(v[at : at + part.size].reshape(part.shape))
            at += part.size
        return Moments(*out)

    def apply(self, v: Array) -> Array:
        """T on vectors."""
        return self.pack(self.system(self.unpack(v)))


def _basis(system: System) -> Array:
    """Orthonormal basis of the common vectors: z in the eigenbasis of A, without A's kernel where it has one."""
    values, vectors = np.linalg.eigh(system.data.mean)
    if system.data.projector is not None:
        vectors = vectors[:, np.abs(values) > 1e-12 * np.abs(values).max()]
    d, rest = system.data.d, system.size - system.data.d
    out = np.zeros((system.size, vectors.shape[1] + rest))
    out[:d, : vectors.shape[1]] = vectors
    out[d:, vectors.shape[1] :] = np.eye(rest)
    return out


def _blocks(system: System, m: Moments, basis: Array) -> list[Array]:
    """The joint second moments of (c, y_i), one per worker."""
    c = basis.T @ m.C @ basis
    if m.D is None or m.E is None or (system.data.n == 1 and system.scheme.average is not None):
        return [c]
    return [np.block([[c, (d @ basis).T], [d @ basis, e]]) for d, e in zip(m.D, m.E, strict=True)]


def _less(a: Moments, b: Moments, scale: float = 1.0) -> Moments:
    """a - scale b."""

    def part(x: Array | None, y: Array | None) -> Array | None:
        return None if x is None or y is None else x - scale * y

    return Moments(a.C - scale * b.C, part(a.D, b.D), part(a.E, b.E))


def collatz(system: System, m: Moments, basis: Array) -> tuple[float, float]:
    """Extreme generalised eigenvalues of ((T - id)(m), m) over the workers; (-inf, inf) for m outside the cone."""
    low, high = np.inf, -np.inf
    change = _blocks(system, _less(system(m), m), basis)
    for after, before in zip(change, _blocks(system, m, basis), strict=True):
        size = np.diag(before)
        if not (size > 0).all():
            return -np.inf, np.inf
        outer = np.outer(size**-0.5, size**-0.5)
        try:
            values = eigh(after * outer, before * outer, eigvals_only=True)
        except np.linalg.LinAlgError:
            return -np.inf, np.inf
        low, high = min(low, float(values[0])), max(high, float(values[-1]))
    return low, high


def _narrow(bracket: tuple[float, float]) -> bool:
    low, high = bracket
    return (
        bool(np.isfinite(high))
        and high - low <= WIDTH * max(min(abs(1 - low), abs(1 - high)), 1e-12) + 1e-10 * high
    )


def radius(system: System) -> tuple[float, tuple[float, float], bool]:
    """Spectral radius of the linear part of a system, its bracket, and whether the bracket is narrow."""
    if stein.fits(system):
        value, bracket = stein.rate(system)
        return value, bracket, _narrow(bracket)
    if system.before:
        return _composed(system)
    search, basis = Search(system), _basis(system)
    mean = max(_mean_radius(system), _own_radius(system))
    low, high, value = mean * mean - 1, np.inf, 0.0
    for tol in ACCURACIES:
        value = search.run(tol)
        if kept(system):
            a, b = collatz(system, search.moments, basis)
            low, high = max(low, a), min(high, b)
        if _narrow((1 + low, 1 + high)):
            break
    if not kept(system) and joint.fits(system):
        whole = joint.Joint(system)
        _, (a, b) = whole.rate()
        low, high = max(low, a), min(high, b)
        system.applications += whole.applications
    if kept(system) and not _narrow((1 + low, 1 + high)):
        high = min(high, search.above(basis))
    bracket = (max(1 + low, 0.0), 1 + high)
    value = min(max(value, low), high) if _narrow(bracket) else value
    return 1 + value, bracket, _narrow(bracket)


def _composed(system: System) -> tuple[float, tuple[float, float], bool]:
    """radius of a method of several steps a round: Arnoldi, then Collatz-Wielandt at its vector moved inside."""
    packing, basis = Packing(system), _basis(system)
    inside = packing.pack(system.interior())
    value, vector = arnoldi(packing.apply, packing.size, inside, tol=1e-12)
    vector = vector * (np.sign(np.trace(packing.unpack(vector).C)) or 1.0) / np.linalg.norm(vector)
    mean = max(_mean_radius(system), _own_radius(system))
    low, high = mean * mean, np.inf
    for rounds in (0, 10, 100) if kept(system) else ():
        for _ in range(rounds):
            vector = packing.apply(vector)
            vector = vector / (np.linalg.norm(vector) or 1.0)
        for eta in (0.0, 1e-14, 1e-12, 1e-10, 1e-8, 1e-6):
            a, b = collatz(system, packing.unpack(vector + eta * inside), basis)
            low, high = max(low, 1 + a), min(high, 1 + b)
        if _narrow((low, high)):
            break
    return (min(max(value, low), high) if _narrow((low, high)) else value), (low, high), _narrow((low, high))


class Search:
    """The rightmost eigenvalue of T - id by Davidson steps, preconditioned by the noise-free inverse."""

    def __init__(self, system: System, start: Array | None = None) -> None:
        self.system, self.packing, self.inverse = system, Packing(system), NoiseFree(system)
        inside = self.packing.pack(system.interior())
        self.vector = self.solve(inside)
        if not np.any(self.vector):  # the noise-free part has the eigenvalue 1
            self.vector = inside
        if start is not None:  # mixed with a point inside: an eigenvector may lie in an invariant subspace
            self.vector = self.vector / np.linalg.norm(self.vector) + start / np.linalg.norm(start)
        self.value = 0.0

    def change(self, v: Array) -> Array:
        """(T - id) v."""
        return self.packing.apply(v) - v

    def solve(self, v: Array) -> Array:
        """About (id - T)^-1 v."""
        return self.packing.pack(self.inverse(self.packing.unpack(v)))

    def run(self, tol: float) -> float:
        """Go on until the relative residual is below tol; rho - 1."""
        self.value, vector = davidson(self.change, self.solve, self.vector, tol=tol)
        self.vector = vector * (np.sign(np.trace(self.packing.unpack(vector).C)) or 1.0)
        return self.value

    @property
    def moments(self) -> Moments:
        """The eigenvector."""
        return self.packing.unpack(self.vector)

    def above(self, basis: Array) -> float:
        """A checked upper bound on rho - 1."""

        def positive(v: Array) -> bool:
            return all(definite(b) for b in _blocks(self.system, self.packing.unpack(v), basis))

        target = self.packing.pack(self.system.interior())
        return upper_bound(self.change, self.solve, target, positive, self.value)


def kept(system: System) -> bool:
    """True when T is known to keep the cone {every block >= 0}: not for correlated workers with memories."""
    return system.cross is None or system.scheme.memory is None


def prepared(method: Method, problem: Any) -> tuple[Data, Any, Any]:
    """(data, gamma, parameters) of a run with a constant step; Unsupported for a schedule."""
    plan, _, _ = plan_of(method, problem)
    if plan.schedule is not None:
        raise Unsupported("the step size changes with t: a rate needs a constant step, pass gamma=...")
    return data_of(problem), plan.gamma, plan.params


def _coupled(system: System) -> bool:
    """True when the mean drives the second moments: T of pure means has a part besides the mean itself."""
    scale = float(np.abs(system.data.A).max() * np.abs(system.data.s).max()) if system.scheme.sigma else 0.0
    if system.noise is not None:
        scale = max(scale, float(np.abs(system.data.A).max() * np.abs(system.noise.G[..., -1]).max()))
    if system.before:
        scale = max(scale, float(np.abs(system.data.x_star).max()))
    if scale == 0 and not system.before:
        return False
    d, k = system.data.d, system.K
    c = np.zeros((system.size, system.size))
    c[-1, : k * d] = c[: k * d, -1] = random_points(1, k * d)[0]
    memory = system.scheme.memory
    m = Moments(c)
    if memory is not None:
        n = system.data.n
        m = Moments(c, np.zeros((n, d, system.size)), np.zeros((n, d, d)))
    after = system(m)
    driven = float(np.abs(after.C[:-1, :-1]).max())
    if after.E is not None:
        driven = max(driven, float(np.abs(after.E).max()))
    return driven > 1e-12 * max(scale, 1e-300)


def exact_rate(method: Method, problem: Any, *, mode: str = "exact", rational: bool = False) -> ExactRate:
    """The factor by which E||x_t - x*||^2 approaches its limit; see ExactRate. Step as in simulate.

    rational=True (n, d up to about 6): the bracket is two Fractions, each proved in exact arithmetic.
    """
    if enumerated.fits(method):
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

    return replace(found, bracket=certified_bracket(method, problem), converged=True)


def rate_on(method: Method, problem: Any, plan: Plan) -> ExactRate:
    """exact_rate of a plan with a constant step."""
    if enumerated.fits(method):
        return _masked_rate(enumerated.EnumeratedSystem(method, problem, plan))
    return rate_of(method, data_of(problem), plan.gamma, plan.params)


def rate_of(method: Method, data: Any, gamma: Any, params: Any, mode: str = "exact") -> ExactRate:
    """exact_rate from the problem's matrices."""
    if traced.fits(method):
        return _masked_rate(traced.system_of(method, data, gamma, params, mode, affine=False))
    if masked.fits(method):
        return _masked_rate(masked.MaskedSystem(method, data, gamma))
    linear = make_system(method, data, gamma, params, mode=mode, affine=False)
    noise, bracket, narrow = radius(linear)
    mean = _mean_radius(linear)
    coupled = _coupled(make_system(method, data, gamma, params, mode=mode))
    rho = max(noise, mean) if coupled else noise
    return ExactRate(rho, noise, mean, bracket, coupled, narrow, linear.applications)


def entries(method: Method, data: Data, plan: Plan) -> int:
    """How many moments the rate of a method of several steps a round is searched among, 0 for all others."""
    if masked.fits(method) or enumerated.fits(method):
        return 0
    if traced.fits(method):
        return sum(int(np.prod(s)) for s in traced.system_of(method, data, plan.gamma, plan.params).shapes)
    system = make_system(method, data, plan.gamma, plan.params, affine=False)
    return Packing(system).size if system.before else 0


class RateAt:
    """gamma -> rho_noise or rho of one method on one problem; each search starts from the last one's eigenvector.

    params: the method's other parameters, or a function of gamma that gives them.
    """

    def __init__(self, method: Method, data: Data, params: Any) -> None:
        self.method, self.data = method, data
        self.params = params if callable(params) else lambda gamma: params
        self.last: Array | None = None

    def noise(self, gamma: float) -> float:
        """rho_noise - 1, without a bracket."""
        if traced.fits(self.method):
            return (
                traced.system_of(self.method, self.data, gamma, self.params(gamma), affine=False).value() - 1
            )
        if masked.fits(self.method):
            return masked.MaskedSystem(self.method, self.data, gamma).radius()[0] - 1
        return self._noise(make_system(self.method, self.data, gamma, self.params(gamma), affine=False))

    def _noise(self, linear: System) -> float:
        if stein.fits(linear):
            return stein.rate(linear)[0] - 1
        if linear.before:
            packing = Packing(linear)
            inside = packing.pack(linear.interior())
            return arnoldi(packing.apply, packing.size, inside)[0] - 1
        search = Search(linear, self.last)
        value = search.run(1e-7)
        self.last = search.vector
        return value

    def rho(self, gamma: float) -> float:
        """ExactRate.rho, without its bracket."""
        if traced.fits(self.method):
            found = traced.system_of(self.method, self.data, gamma, self.params(gamma), affine=False)
            return max(found.value(), found.mean_radius()) if found.driven else found.value()
        if masked.fits(self.method):
            return _masked_rate(masked.MaskedSystem(self.method, self.data, gamma)).rho
        params = self.params(gamma)
        linear = make_system(self.method, self.data, gamma, params, affine=False)
        noise = 1 + self._noise(linear)
        if not _coupled(make_system(self.method, self.data, gamma, params)):
            return noise
        return max(noise, _mean_radius(linear))


class EnumeratedRateAt:
    """RateAt of a method whose outcomes are affine maps: they are enumerated once."""

    def __init__(self, method: Method, problem: Any, plan: Plan) -> None:
        self.system = enumerated.EnumeratedSystem(method, problem, plan)

    def noise(self, gamma: float) -> float:
        """rho_noise - 1."""
        return self.rate(gamma).rho_noise - 1

    def rho(self, gamma: float) -> float:
        """ExactRate.rho."""
        return self.rate(gamma).rho

    def rate(self, gamma: float) -> ExactRate:
        """exact_rate at this step."""
        return _masked_rate(self.system.at(gamma))


def _masked_rate(
    system: masked.MaskedSystem | enumerated.EnumeratedSystem | traced.TracedSystem,
) -> ExactRate:
    noise, bracket = system.radius()
    mean, coupled = system.mean_radius(), system.driven
    rho = max(noise, mean) if coupled else noise
    return ExactRate(rho, noise, mean, bracket, coupled, _narrow(bracket), system.applications)


def _own_radius(system: System) -> float:
    """|v + w q|: what memories that cancel in the average (or that nothing reads) keep of themselves, in the mean."""
    scheme = system.scheme
    if scheme.memory is None or (system.data.n == 1 and scheme.average is not None):
        return 0.0
    return abs(float(scheme.memory[0]) + float(scheme.memory[1]) * float(scheme.q))


def _mean_radius(linear: System) -> float:
    """Spectral radius of the map of the means."""
    mean_map = linear.mean_map()
    if linear.data.projector is not None:
        keep = np.eye(len(mean_map))
        keep[linear.slot(0), linear.slot(0)] = linear.data.projector
        mean_map = keep @ mean_map @ keep
    values = np.linalg.eigvalsh(mean_map) if linear.K == 1 else np.linalg.eigvals(mean_map)
    return float(np.abs(values).max())
