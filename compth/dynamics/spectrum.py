"""Exact rates: the spectral radius of the joint map of mean and second moment, with a two-sided bracket."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.linalg import eigh

from compth.dynamics import stein
from compth.dynamics.schemes import random_points
from compth.dynamics.solvers import arnoldi
from compth.dynamics.system import Data, Moments, System, data_of
from compth.dynamics.trajectory import make_system
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


def radius(system: System) -> tuple[float, tuple[float, float], bool]:
    """Spectral radius of the linear part of a system, its bracket, and whether the bracket is narrow."""
    if stein.fits(system):
        value, bracket = stein.rate(system)
        return value, bracket, _narrow(bracket)
    packing = Packing(system)
    return _judge(system, packing, *arnoldi(packing.apply, packing.size, packing.pack(system.interior())))


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


def prepared(method: Method, problem: Any) -> tuple[Data, Any, Any]:
    """(data, gamma, parameters) of a run with a constant step; Unsupported for a schedule."""
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
    data, gamma, params = prepared(method, problem)
    return rate_of(method, data, gamma, params, mode)


def rate_of(method: Method, data: Any, gamma: Any, params: Any, mode: str = "exact") -> ExactRate:
    linear = make_system(method, data, gamma, params, mode=mode, affine=False)
    noise, bracket, narrow = radius(linear)
    mean = _mean_radius(linear)
    affine = make_system(method, data, gamma, params, mode=mode)
    coupled = bool(np.any(data.s)) and affine.scheme.sigma != 0 and _coupled(affine)
    rho = max(noise, mean) if coupled else noise
    return ExactRate(rho, noise, mean, bracket, coupled, narrow, linear.applications)


def _mean_radius(linear: System) -> float:
    """Spectral radius of the map of the means."""
    mean_map = linear.mean_map()
    if linear.data.projector is not None:
        keep = np.eye(len(mean_map))
        keep[linear.slot(0), linear.slot(0)] = linear.data.projector
        mean_map = keep @ mean_map @ keep
    values = np.linalg.eigvalsh(mean_map) if linear.K == 1 else np.linalg.eigvals(mean_map)
    return float(np.abs(values).max())
