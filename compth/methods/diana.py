"""DIANA: compressed gradient differences with learned shifts; no floor on heterogeneous data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from compth._numbers import Number, max, min, ratio
from compth.claims import Attribution, JointVariance, Standing, Unbiased
from compth.errors import NoGuarantee
from compth.methods._base import Array, Constants, Method, Plan, State, Theorem, mean_square
from compth.sources import DIANA as DIANA_PAPER
from compth.sources import DIANA_OMEGA, UNIFIED


def independent(c: Constants) -> str:
    """ "" when the workers are independent (joint variance omega/n)."""
    return "workers must be independent" if c.joint.A * c.n > c.omega * (1 + 1e-12) or c.joint.B < 0 else ""


def shift_step(c: Constants) -> Number:
    """alpha: the user's, or 1/(1+omega); NoGuarantee above 1/(1+omega)."""
    limit = ratio(1, 1 + c.omega)
    alpha = c.params.get("alpha", limit)
    if not 0 < alpha <= limit:
        raise NoGuarantee(
            f"alpha={float(alpha):.6g} is outside 0 < alpha <= 1/(1+omega) = {float(limit):.6g}"
        )
    return alpha


class _Diana(Theorem):
    """V = ||x-x*||^2 + weight mean||h_i - grad f_i(x*)||^2 contracts."""

    requires = (Unbiased, JointVariance)
    accepts: ClassVar[tuple[str, ...]] = ("alpha",)
    metric = "E||x_t - x*||^2 + weight mean||h_i - grad f_i(x*)||^2"

    def observe(self, problem: Any, state: DIANAState, plan: Plan) -> Array:
        memory = mean_square(state.h - problem.gradients_at_star)
        return np.asarray(problem.distance_squared(state.x) + float(plan["weight"]) * memory)


class DIANAUnified(_Diana):
    """V_t <= max{1-gamma mu, 1-alpha/2}^t V_0 for alpha <= 1/(1+omega), gamma <= 1/((1+6 omega/n) L_max).

    weight M gamma^2, M = 4 omega/(n alpha), so that B/M = alpha/2; f_i convex, f mu-strongly convex. The paper's L is
    the common smoothness max L_i.
    """

    id = "diana.unified"
    title = "DIANA by the unified theory"
    source = UNIFIED.at("Sec. 5, DIANA")
    attribution = Attribution.READ
    declared = Standing.CITED
    proof = "diana.unified"

    def _why_not(self, c: Constants) -> str:
        return independent(c) if c.convex else "every f_i must be convex"

    def plan(self, c: Constants, gamma: Number | None = None, horizon: int | None = None) -> Plan:
        limit = 1 / ((1 + ratio(6 * c.omega, c.n)) * c.L_max)
        gamma = limit if gamma is None else self.allow(gamma, limit, "1/((1+6 omega/n) L_max)")
        alpha = shift_step(c)
        m = ratio(4 * c.omega, c.n * alpha)
        rho = max(1 - gamma * c.mu, 1 - ratio(alpha, 2))
        return Plan(gamma, {"alpha": alpha, "weight": m * gamma * gamma}, rho=rho)


class DIANAShift(_Diana):
    """V_t <= (1-gamma mu)^t V_0, gamma <= min{alpha/(2mu), 2/((mu+L)(1+6 omega/n))}, alpha <= 1/(1+omega).

    weight 4 gamma^2 omega/(alpha n); every f_i mu-strongly convex and L-smooth (mu = mu_min, L = L_max).
    """

    id = "diana.shift"
    proof = "diana.shift"
    title = "DIANA with strongly convex workers (omega version)"
    source = DIANA_OMEGA.at("Thm 1")

    def _why_not(self, c: Constants) -> str:
        return independent(c) if c.mu_min > 0 else "every f_i must be strongly convex"

    def plan(self, c: Constants, gamma: Number | None = None, horizon: int | None = None) -> Plan:
        alpha = shift_step(c)
        limit = min(alpha / (2 * c.mu_min), 2 / ((c.mu_min + c.L_max) * (1 + ratio(6 * c.omega, c.n))))
        gamma = (
            limit if gamma is None else self.allow(gamma, limit, "min{alpha/(2 mu), 2/((mu+L)(1+6 omega/n))}")
        )
        weight = 4 * gamma * gamma * c.omega / (alpha * c.n)
        return Plan(gamma, {"alpha": alpha, "weight": weight}, rho=1 - gamma * c.mu_min)


class DIANAOriginal(_Diana):
    """V_t <= (1-gamma mu)^t V_0 with alpha = 1/(2(1+omega)), c = 4 omega(1+omega)/n, weight c gamma^2.

    gamma <= min{alpha/mu, 2/((mu+L)(1+c alpha))}; every f_i mu-strongly convex. The paper's alpha_p is 1/(1+omega).
    """

    id = "diana.original"
    title = "DIANA, recommended parameters of the original paper"
    source = DIANA_PAPER.at("Thm 1, Cor 1")
    attribution = Attribution.READ
    declared = Standing.CITED
    accepts = ()

    _why_not = DIANAShift._why_not

    def plan(self, c: Constants, gamma: Number | None = None, horizon: int | None = None) -> Plan:
        alpha, weight = ratio(1, 2 * (1 + c.omega)), ratio(4 * c.omega * (1 + c.omega), c.n)
        limit = min(alpha / c.mu_min, 2 / ((c.mu_min + c.L_max) * (1 + weight * alpha)))
        gamma = limit if gamma is None else self.allow(gamma, limit, "min{alpha/mu, 2/((mu+L)(1+c alpha))}")
        return Plan(gamma, {"alpha": alpha, "weight": weight * gamma * gamma}, rho=1 - gamma * c.mu_min)


@dataclass(frozen=True)
class DIANAState(State):
    """h: (R, n, d) shifts."""

    h: Any = None


@dataclass(frozen=True)
class DIANA(Method):
    """m_i = C_i(grad f_i(x) - h_i); x+ = x - gamma mean(h_i + m_i); h_i+ = h_i + alpha m_i; h_i^0 = 0.

    alpha=None: the theorem's (1/(1+omega) when no theorem applies).
    """

    alpha: Any = None
    requires = (Unbiased,)
    name = "DIANA"
    source = DIANA_PAPER

    @classmethod
    def theorems(cls) -> tuple[Theorem, ...]:
        return (DIANAUnified(), DIANAShift(), DIANAOriginal())

    def given(self) -> Mapping[str, Number]:
        return {} if self.alpha is None else {"alpha": self.alpha}

    def default_params(self, c: Constants) -> dict[str, Number]:
        return {"alpha": ratio(1, 1 + c.omega) if self.alpha is None else self.alpha}

    def init(self, problem: Any, x0: Array, plan: Plan) -> DIANAState:
        return DIANAState(x0, h=np.zeros((len(x0), problem.n, problem.d), dtype=x0.dtype))

    def step(
        self, problem: Any, state: DIANAState, rng: np.random.Generator, plan: Plan, t: int
    ) -> DIANAState:
        difference = problem.gradients(state.x)
        difference -= state.h
        m = self.fleet.kernel(difference, rng)
        x = state.x - plan.step(t) * (state.h.mean(axis=1) + m.mean(axis=1))
        sent = self.uplink_bits(m)
        return DIANAState(x, sent, h=state.h + float(plan["alpha"]) * m)
