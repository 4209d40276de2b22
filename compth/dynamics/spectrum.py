"""Exact rates: the spectral radius of the joint map of mean and second moment, with a two-sided bracket."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.linalg import eigh
from scipy.optimize import minimize_scalar
from scipy.sparse.linalg import ArpackError, ArpackNoConvergence, LinearOperator, eigs, gmres

from compth.dynamics.schemes import random_points
from compth.dynamics.system import Moments, System, data_of
from compth.dynamics.trajectory import make_system, quantities
from compth.errors import Unsupported
from compth.methods import Method, plan_of

Array = Any
WIDTH = 1e-2
"""A bracket wider than this, relative to |1 - rho|, counts as not converged."""


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
    bracket: tuple[float, float]
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


def _blocks(system: System, m: Moments) -> list[Array]:
    """The joint second moments of (c, y_i), one per worker, in a basis of the reachable space."""
    basis = np.eye(system.size)
    if system.data.projector is not None:
        values, vectors = np.linalg.eigh(system.data.projector)
        free = np.eye(system.size)[:, system.data.d :]
        lead = np.zeros((system.size, int((values > 0.5).sum())))
        lead[: system.data.d] = vectors[:, values > 0.5]
        basis = np.concatenate([lead, free], axis=1)
    c = basis.T @ m.C @ basis
    if m.D is None or m.E is None:
        return [c]
    if system.data.n == 1 and system.scheme.average is not None:
        return [c]
    return [np.block([[c, (d @ basis).T], [d @ basis, e]]) for d, e in zip(m.D, m.E, strict=True)]


def bracket_at(system: System, m: Moments) -> tuple[float, float]:
    """Collatz-Wielandt: extreme generalised eigenvalues of (T(m), m); (0, inf) where m is not inside the cone."""
    low, high = np.inf, 0.0
    for after, before in zip(_blocks(system, system(m)), _blocks(system, m), strict=True):
        try:
            values = eigh(after, before, eigvals_only=True)
        except np.linalg.LinAlgError:
            return 0.0, np.inf
        low, high = min(low, float(values[0])), max(high, float(values[-1]))
    return max(low, 0.0), high


def _enclose(system: System, m: Moments) -> tuple[float, float]:
    """Every interior point gives a valid bracket: intersect those near the candidate, smoothed by a few steps of T."""
    low, high = 0.0, np.inf
    for rounds in (0, 4, 16):
        for _ in range(rounds):
            m = system(m)
        for eta in (0.0, 1e-11, 1e-8):
            a, b = bracket_at(system, _inside(system, m, eta))
            low, high = max(low, a), min(high, b)
        if _narrow((low, high)):
            break
    return low, high


def _inside(system: System, m: Moments, eta: float) -> Moments:
    """The Perron candidate with its sign fixed, moved a little into the cone."""
    inner, scale = system.interior(), float(np.trace(m.C))
    sign, eta = (1.0 if scale >= 0 else -1.0), eta * abs(scale) / system.size

    def mix(a: Array | None, b: Array | None) -> Array | None:
        return None if a is None or b is None else sign * a + eta * b

    return Moments((sign * m.C + sign * m.C.T) / 2 + eta * inner.C, mix(m.D, inner.D), mix(m.E, inner.E))


def _narrow(bracket: tuple[float, float]) -> bool:
    low, high = bracket
    return high - low <= WIDTH * max(min(abs(1 - low), abs(1 - high)), 1e-12) + 1e-10 * high


def _arnoldi(
    op: Callable[[Array], Array], size: int, start: Array, tol: float = 1e-10
) -> tuple[float, Array]:
    """Largest eigenvalue (modulus) and its vector; the best vector found when Arnoldi does not converge."""
    if size <= 3 or not np.any(start):
        return _power(op, start)
    linear = LinearOperator((size, size), matvec=op, dtype=np.float64)
    try:
        values, vectors = eigs(linear, k=1, which="LM", v0=start, tol=tol, maxiter=40, ncv=min(size, 20))
    except (ArpackNoConvergence, ArpackError):
        return _power(op, start)
    return float(abs(values[0])), np.real(vectors[:, 0])


def _power(op: Callable[[Array], Array], v: Array, rounds: int = 300) -> tuple[float, Array]:
    value = 0.0
    for _ in range(rounds):
        norm = float(np.linalg.norm(v))
        if norm == 0:
            return 0.0, v
        after = op(v / norm)
        last, value, v = value, float(np.linalg.norm(after)), after
        if abs(value - last) <= 1e-14 * value:
            break
    return value, v


def _stein(system: System) -> Callable[[Array], Array]:
    """(I - B . B)^-1 in the eigenbasis of A, B = I + theta A: the noise-free part solved exactly."""
    values, vectors = np.linalg.eigh(system.data.mean)
    factor = float(system.scheme.branches[0].theta[0][0])
    b = 1 + factor * values
    gap = 1 - np.outer(b, b)
    gap = np.where(np.abs(gap) < 1e-14, 1.0, gap)
    d = system.data.d
    return lambda v: np.asarray(vectors @ ((vectors.T @ v.reshape(d, d) @ vectors) / gap) @ vectors.T).ravel()


def _resolvent_rate(system: System, packing: Packing) -> tuple[float, Array] | None:
    """1 - 1/r((I - T)^-1) by Arnoldi on GMRES solves with the Stein preconditioner; None when a solve fails."""
    size, precondition = packing.size, _stein(system)
    matrix = LinearOperator((size, size), matvec=lambda v: v - packing.apply(v), dtype=np.float64)
    helper = LinearOperator((size, size), matvec=precondition, dtype=np.float64)
    failed = []

    def solve(v: Array, rtol: float = 1e-5) -> Array:
        x, code = gmres(matrix, v, M=helper, rtol=rtol, atol=0.0, restart=60, maxiter=4)
        failed.append(code)
        return x

    linear = LinearOperator((size, size), matvec=solve, dtype=np.float64)
    start = precondition(packing.pack(system.interior()))
    try:
        _, vectors = eigs(linear, k=1, which="LM", v0=start, tol=1e-3, maxiter=6, ncv=min(size, 4))
    except (ArpackNoConvergence, ArpackError):
        return None
    if any(failed):
        return None
    before = solve(solve(np.real(vectors[:, 0]), 1e-8), 1e-9)
    after = solve(before, 1e-9)
    return 1 - float(before @ before) / float(before @ after), after


def radius(system: System) -> tuple[float, tuple[float, float], bool]:
    """Spectral radius of the linear part of a system, its bracket, and whether the bracket is narrow."""
    packing = Packing(system)
    start = packing.pack(system.interior())
    simple = system.K == 1 and system.scheme.memory is None and len(system.maps) == 1
    best: tuple[float, tuple[float, float], bool] | None = None
    if simple and system.data.projector is None and system.data.d > 2:
        found = _resolvent_rate(system, packing)
        if found is not None:
            best = _judge(system, packing, *found)
    if best is None or not best[2]:
        again = _judge(system, packing, *_arnoldi(packing.apply, packing.size, start))
        wider = best is None or again[1][1] - again[1][0] < best[1][1] - best[1][0]
        best = again if best is None or again[2] or wider else best
    return best


def _judge(
    system: System, packing: Packing, value: float, vector: Array
) -> tuple[float, tuple[float, float], bool]:
    if not np.any(vector):
        return 0.0, (0.0, 0.0), True
    bracket = _enclose(system, packing.unpack(vector))
    if system.cross is not None and system.scheme.memory is not None:
        bracket = (
            0.0,
            np.inf,
        )  # correlated workers with memories: the cone used here is not known to be kept
    narrow = _narrow(bracket)
    return (min(max(value, bracket[0]), bracket[1]) if narrow else value), bracket, narrow


def _prepared(method: Method, problem: Any) -> tuple[Any, Any, Any]:
    plan, _, _ = plan_of(method, problem)
    if plan.schedule is not None:
        raise Unsupported("the step size changes with t: a rate needs a constant step, pass gamma=...")
    return data_of(problem), plan.gamma, plan.params


def _coupled(system: System) -> bool:
    """True when the mean drives the second moments: T of pure means has a part besides the mean itself."""
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
    return driven > 1e-12 * max(float(np.abs(system.data.A).max() * np.abs(system.data.s).max()), 1e-300)


def exact_rate(method: Method, problem: Any, *, mode: str = "exact") -> ExactRate:
    """The factor by which E||x_t - x*||^2 approaches its limit; see ExactRate. Step as in simulate."""
    data, gamma, params = _prepared(method, problem)
    return _rate(method, data, gamma, params, mode)


def _rate(method: Method, data: Any, gamma: Any, params: Any, mode: str = "exact") -> ExactRate:
    linear = make_system(method, data, gamma, params, mode=mode, affine=False)
    noise, bracket, narrow = radius(linear)
    mean_map = linear.mean_map()
    if data.projector is not None:
        keep = np.eye(len(mean_map))
        keep[linear.slot(0), linear.slot(0)] = data.projector
        mean_map = keep @ mean_map @ keep
    mean = float(np.abs(np.linalg.eigvals(mean_map)).max())
    affine = make_system(method, data, gamma, params, mode=mode)
    coupled = bool(np.any(data.s)) and affine.scheme.sigma != 0 and _coupled(affine)
    rho = max(noise, mean) if coupled else noise
    return ExactRate(rho, noise, mean, bracket, coupled, narrow, linear.applications)


@dataclass(frozen=True)
class Stationary:
    """Limits of E||x_t - x*||^2 and E f(x_t) - f* (inf when unstable); converged: the linear solve succeeded."""

    mean_square: float
    gap: float
    converged: bool


def stationary(method: Method, problem: Any) -> Stationary:
    """Stationary second moments: the solution of X = T(X) with the constant held at 1 (a Stein-type equation)."""
    data, gamma, params = _prepared(method, problem)
    rate = _rate(method, data, gamma, params)
    if rate.rho_noise >= 1:
        return Stationary(np.inf, np.inf, rate.converged)
    system = make_system(method, data, gamma, params)
    memory = None if system.scheme.memory is None else np.zeros((data.n, data.d))
    zero = system.start(np.zeros(data.d), memory)
    packing = Packing(system)
    base = packing.pack(zero)
    source = packing.apply(base) - base
    matrix = LinearOperator(
        (base.size, base.size), matvec=lambda v: v - packing.apply(v) + _corner(v), dtype=float
    )
    corner = system.size * system.size - 1

    def _corner(v: Array) -> Array:
        out = np.zeros_like(v)
        out[corner] = v[corner]
        return out

    if not np.any(source):
        return Stationary(0.0, 0.0, rate.converged)
    x, code = gmres(matrix, source, rtol=1e-12, atol=0.0, restart=100, maxiter=20)
    values = quantities(system, packing.unpack(base + x))
    residual = np.linalg.norm(matrix.matvec(x) - source) / np.linalg.norm(source)
    return Stationary(float(values[0]), float(values[1]), code == 0 or bool(residual < 1e-9))


def max_stable_step(method: Method, problem: Any, *, tol: float = 1e-8) -> float:
    """Largest gamma below which E||x_t - x*||^2 stays bounded, by bisection on rho_noise < 1; other parameters fixed.

    The set of stable steps is taken to be an interval from 0. Raises Unsupported when no stable step is found.
    """
    data = data_of(problem)
    params = _params(method, problem)

    def stable(gamma: float) -> bool:
        return _rate_noise(method, data, gamma, params) < 1

    low = 1e-3 / problem.L
    while not stable(low):
        low /= 10
        if low < 1e-12 / problem.L:
            raise Unsupported(f"{method.label} has no stable step on this problem")
    high = 2 * low
    while stable(high):
        low, high = high, 2 * high
        if high > 1e12 / problem.L:
            return np.inf
    while high / low > 1 + tol:
        middle = (low * high) ** 0.5
        low, high = (middle, high) if stable(middle) else (low, middle)
    return float((low * high) ** 0.5)


def _params(method: Method, problem: Any) -> Any:
    """The method's own parameters, apart from what a theorem derives from its step size."""
    return {**method.default_params(method.check(problem)), **method.given()}


def _rate_noise(method: Method, data: Any, gamma: float, params: Any) -> float:
    system = make_system(method, data, gamma, params, affine=False)
    packing = Packing(system)
    return _arnoldi(packing.apply, packing.size, packing.pack(system.interior()))[0]


def best_step(method: Method, problem: Any) -> tuple[float, ExactRate]:
    """(gamma, rate) minimising the exact rho on (0, max_stable_step): a local minimum of a one-dimensional search."""
    data, params = data_of(problem), _params(method, problem)
    top = max_stable_step(method, problem, tol=1e-3)
    low = min(1e-3 / problem.L, top / 2)
    found = minimize_scalar(
        lambda u: _rate(method, data, float(np.exp(u)), params).rho,
        bounds=(np.log(low), np.log(top)),
        method="bounded",
        options={"xatol": 1e-5},
    )
    gamma = float(np.exp(found.x))
    return gamma, _rate(replace(method, gamma=gamma), data, gamma, params)
