"""Theorems of DCSGD for induced and other unbiased compressors: constant step, and weighted iterates, no floor."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np

from compth._numbers import Number, ratio
from compth.claims import Attribution, JointVariance, Unbiased
from compth.errors import NoGuarantee
from compth.methods.core import Array, Constants, Plan, Recorded, Theorem
from compth.sources import INDUCED


class DCSGDConstant(Theorem):
    """r_t <= (1-gamma mu)^t r_0 + gamma N/mu, gamma <= 1/(2 delta_n L_max), N = (delta_n-1)D, delta_n = 1+omega/n."""

    id = "dcsgd.constant"
    proof = "dcsgd.constant"
    title = "DCSGD with an induced (or any unbiased) compressor, constant step"
    source = INDUCED
    requires = (Unbiased, JointVariance)

    def _why_not(self, c: Constants) -> str:
        if not float("inf") > c.D:
            return "every f_i must be convex and bounded below"
        return (
            # an (A, B) worse than (omega/n, 0) means that the errors of different workers do not average
            "workers must be independent" if c.joint.A * c.n > c.omega * (1 + 1e-12) or c.joint.B < 0 else ""
        )

    def step_limit(self, c: Constants) -> tuple[Number, str]:
        return 1 / (2 * (1 + ratio(c.omega, c.n)) * c.L_max), "1/(2 delta_n L_max)"

    def rate(self, c: Constants, gamma: Number) -> Number:
        return 1 - gamma * c.mu

    def floor(self, c: Constants, gamma: Number) -> Number:
        return gamma * ratio(c.omega, c.n) * c.D / c.mu


class DCSGDNoisy(DCSGDConstant):
    """dcsgd.constant with gradient noise: N = (delta_n-1) D + (1+omega) sigma2/n."""

    id = "dcsgd.noisy"
    title = "DCSGD with stochastic gradients, constant step"
    proof = "dcsgd.noisy"
    gradient_noise = "bounded"
    exact_form = "dcsgd.constant"

    def floor(self, c: Constants, gamma: Number) -> Number:
        return super().floor(c, gamma) + gamma * (1 + c.omega) * c.sigma2 / (c.n * c.mu)


def stich_schedule(
    mu: Number, base: Number, horizon: int
) -> tuple[Callable[[int], float], Callable[[int], float]]:
    """(gamma_t, w_t) of Stich's lemma for r+ <= (1-mu g) r - g s + g^2 N, g <= 1/base, run length T = horizon.

    T <= base/mu: constant 1/base, w_t = (1-mu/base)^-(t+1); else 1/base with weight 0 for the first half, then
    2/(mu(2 base/mu + t - t0)) with weight (2 base/mu + t - t0)^2, t0 = ceil(T/2).
    """
    a, dd = float(mu), float(base)
    # Stich's lemma: short runs keep the largest step; long ones forget the start in their first half and
    # then decrease the step, which turns the floor into 1/T
    half = None if horizon <= dd / a else -(-horizon // 2)
    return partial(_stich_step, a, dd, half), partial(_stich_weight, a, dd, half)


def _stich_step(mu: float, base: float, half: int | None, t: int) -> float:
    return 1 / base if half is None or t < half else 2 / (mu * (2 * base / mu + t - half))


def _stich_weight(mu: float, base: float, half: int | None, t: int) -> float:
    if half is None:
        return float((1 - mu / base) ** (-(t + 1)))
    return 0.0 if t < half else (2 * base / mu + t - half) ** 2


class DCSGDHorizon(Theorem):
    """E[f(xbar_T)-f*] + mu E||x_T-x*||^2 <= 64 delta_n L r_0 exp(-mu T/(4 delta_n L)) + 36 N/(mu T).

    N = (delta_n-1) D + (1+omega) sigma2/n. For the step schedule and weights of Stich's lemma at run length T =
    horizon, xbar_T = x_t with probability w_t/W_T; delta_n = 1 + omega/n, L = L_max, gamma_t <= 1/(2 delta_n L). Speaks
    of t = T only.
    """

    id = "dcsgd.horizon"
    gradient_noise = "bounded"
    title = "DCSGD with weighted iterates: no floor, 1/T"
    source = INDUCED
    attribution = Attribution.RECALLED
    requires = (Unbiased, JointVariance)
    metric = "E f(xbar_T) - f* + mu E||x_T - x*||^2"
    own_steps = "step schedule (dcsgd.constant takes a constant step)"

    _why_not = DCSGDConstant._why_not

    def step_limit(self, c: Constants) -> tuple[Number, str]:
        return 1 / self.base(c), "1/(2 delta_n L_max)"

    def base(self, c: Constants) -> Number:
        """2 delta_n L: one over the largest step."""
        return 2 * (1 + ratio(c.omega, c.n)) * c.L_max

    def params(self, c: Constants, gamma: Number) -> dict[str, Number]:
        return {"base": self.base(c), "mu": c.mu}

    def schedule(self, c: Constants, horizon: int | None) -> Callable[[int], float]:
        if horizon is None or horizon < 1:
            raise NoGuarantee(f"{self.id} speaks of a run of known length: pass horizon >= 1")
        return stich_schedule(c.mu, self.base(c), horizon)[0]

    def at(self, c: Constants, gamma: Number, horizon: int | None = None) -> Plan:
        return replace(super().at(c, gamma, horizon), horizon=horizon)

    def values(self, c: Constants, plan: Plan, start: float) -> Callable[[int], float]:
        delta_n, horizon = 1 + ratio(c.omega, c.n), plan.horizon or 1
        rate = float(c.mu / (4 * delta_n * c.L_max))
        first, second = float(64 * delta_n * c.L_max) * start, self._noise(c)
        # the weights are chosen for one T: before it the theorem says nothing
        bound = first * float(np.exp(-rate * horizon)) + second / horizon
        return lambda t: bound if t >= horizon else float("inf")

    def _noise(self, c: Constants) -> float:
        return float(36 * (c.omega * c.D + (1 + c.omega) * c.sigma2) / (c.n * c.mu))

    def trajectory(self, trace: Recorded) -> Array:
        return self._weighted(trace.plan, trace.mean_gap, trace.mean_square)

    def error(self, trace: Recorded) -> Array:
        return self._weighted(trace.plan, trace.se_gap, trace.se_square)

    def _weighted(self, plan: Plan, gap: Array, square: Array) -> Array:
        """NaN but at t = T: the w_t-average of the gaps + mu times the squared distance."""
        horizon, out = plan.horizon or 1, np.full(len(gap), np.nan)
        _, weight = stich_schedule(plan["mu"], plan["base"], horizon)
        # E f at a random iterate is the weighted mean of E f: the iterates themselves are not averaged
        w = np.array([weight(t) for t in range(horizon)])
        if len(out) > horizon:
            out[horizon] = float(w @ gap[:horizon] / w.sum()) + float(plan["mu"]) * square[horizon]
        return out

    def distance_factor(self, c: Constants, plan: Plan) -> float:
        return float(c.mu)
