"""Stationary moments, the largest mean-square-stable step and the best step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.optimize import brentq, minimize_scalar
from scipy.sparse.linalg import LinearOperator, gmres

from compth.dynamics import enumerated, masked, stein, traced
from compth.dynamics.spectrum import EnumeratedRateAt, ExactRate, Packing, RateAt, prepared, rate_of, rate_on
from compth.dynamics.system import data_of
from compth.dynamics.trajectory import make_system, quantities
from compth.errors import Unsupported
from compth.methods import Method, Plan, plan_of

Array = Any


@dataclass(frozen=True)
class Stationary:
    """Limits of E||x_t - x*||^2 and E f(x_t) - f* (inf when unstable); converged: the linear solve succeeded."""

    mean_square: float
    gap: float
    converged: bool


def stationary(method: Method, problem: Any) -> Stationary:
    """Stationary second moments: the solution of X = T(X) with the constant held at 1 (a Stein-type equation)."""
    if enumerated.fits(method):
        return _enumerated_stationary(method, problem)
    data, gamma, params = prepared(method, problem)
    rate = rate_of(method, data, gamma, params)
    if rate.rho_noise >= 1:
        return Stationary(np.inf, np.inf, rate.converged)
    if traced.fits(method):
        return _masked_stationary(traced.system_of(method, data, gamma, params), rate)
    if masked.fits(method):
        return _masked_stationary(masked.MaskedSystem(method, data, gamma), rate)
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


def _enumerated_stationary(method: Method, problem: Any) -> Stationary:
    plan = plan_of(method, problem)[0]
    rate = rate_on(method, problem, plan)
    if max(rate.rho_noise, rate.rho_mean) >= 1:
        return Stationary(np.inf, np.inf, rate.converged)
    system = enumerated.EnumeratedSystem(method, problem, plan)
    values = system.quantities(system.stationary())
    return Stationary(float(values[0]), float(values[1]), rate.converged)


def _masked_stationary(system: masked.MaskedSystem | traced.TracedSystem, rate: ExactRate) -> Stationary:
    if rate.rho_mean >= 1:
        return Stationary(np.inf, np.inf, rate.converged)
    found: Any = system.stationary()
    if found is None:
        return Stationary(np.nan, np.nan, False)
    values = system.quantities(found)
    return Stationary(float(values[0]), float(values[1]), rate.converged)


def max_stable_step(method: Method, problem: Any, *, tol: float = 1e-8) -> float:
    """Largest gamma below which E||x_t - x*||^2 stays bounded; the method's other parameters are its defaults there.

    One eigenproblem, 1/r(L^-1 Q), for one compressed direction (GD, DCGD); else root finding on rho_noise = 1 to
    the relative width tol, taking the stable steps for an interval from 0. Raises Unsupported when none is found.
    """
    if enumerated.fits(method):
        return _largest(_enumerated_rates(method, problem), method, problem, tol)
    data = data_of(problem)
    params = parameters(method, problem)
    if not masked.fits(method) and not traced.fits(method):
        unit = make_system(method, data, 1.0, params(1.0), affine=False)
        if stein.fits(unit):
            return stein.stable_step(unit)
    return _largest(RateAt(method, data, params), method, problem, tol)


def _enumerated_rates(method: Method, problem: Any) -> EnumeratedRateAt:
    step = 0.1 / problem.L
    return EnumeratedRateAt(method, problem, Plan(step, parameters(method, problem)(step)))


def _largest(rate: RateAt | EnumeratedRateAt, method: Method, problem: Any, tol: float) -> float:
    """Root of rho_noise = 1 in log gamma."""

    def excess(log_gamma: float) -> float:
        """rho_noise - 1, cut so that root finding sees moderate numbers."""
        return float(np.clip(rate.noise(float(np.exp(log_gamma))), -1.0, 1.0))

    low = float(np.log(0.1 / problem.L))
    while excess(low) >= 0:
        low -= np.log(10)
        if low < np.log(1e-12 / problem.L):
            raise Unsupported(f"{method.label} has no stable step on this problem")
    high = low + np.log(2)
    while excess(high) < 0:
        low, high = high, high + np.log(2)
        if high > np.log(1e12 / problem.L):
            return np.inf
    return float(np.exp(brentq(excess, low, high, xtol=tol, rtol=1e-14)))


def parameters(method: Method, problem: Any) -> Callable[[Any], dict[str, Any]]:
    """gamma -> the method's own parameters at that step, apart from what a theorem derives from it."""
    c = method.check(problem)

    def at(gamma: Any) -> dict[str, Any]:
        return {**replace(method, gamma=float(gamma)).default_params(c), **method.given()}

    return at


def best_step(method: Method, problem: Any, *, tol: float = 1e-5) -> tuple[float, ExactRate]:
    """(gamma, rate) minimising the exact rho on (0, max_stable_step): a local minimum of a one-dimensional search.

    tol: width in log gamma at which the search stops.
    """
    data, params = data_of(problem), parameters(method, problem)
    top = max_stable_step(method, problem, tol=1e-3)
    low = min(1e-3 / problem.L, top / 2)
    listed = _enumerated_rates(method, problem) if enumerated.fits(method) else None
    rate = RateAt(method, data, params) if listed is None else listed
    found = minimize_scalar(
        lambda u: rate.rho(float(np.exp(u))),
        bounds=(np.log(low), np.log(top)),
        method="bounded",
        options={"xatol": tol},
    )
    gamma = float(np.exp(found.x))
    if listed is not None:
        return gamma, listed.rate(gamma)
    return gamma, rate_of(replace(method, gamma=gamma), data, gamma, params(gamma))
