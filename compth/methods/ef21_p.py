"""EF21-P: the server's model is sent by compressed differences, so that workers follow it; uplink as in DIANA."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from compth._numbers import Number, max, min, ratio, sqrt
from compth.calculus import ef21_theta_beta
from compth.claims import JointVariance, Unbiased
from compth.methods.core import Array, Constants, Plan, State, Theorem, mean_square
from compth.methods.core.body import BodyMethod, BodyState, Server, Worker, copy_of_start
from compth.methods.core.descent import Descent
from compth.methods.diana import independent, shift_step
from compth.problems.interface import Problem
from compth.sources import EF21_P as EF21_P_PAPER

if TYPE_CHECKING:
    from compth.methods.core.signature import Vec, World


def behind(state: State) -> Array:
    """||m - x||^2, how far the workers' model is behind the server's, (R,)."""
    # the model's error plays the part that the gradients' error has in EF21: m follows x by compressed
    # differences
    gap = state.m - state.x
    return np.asarray(np.vecdot(gap, gap))


class EF21PExact(Descent):
    """E Psi_t <= (1-gamma mu)^t Psi_0, Psi = f(x) - f* + (gamma L^2/theta)||m - x||^2, for exact uplink messages.

    gamma <= min{1/(L (1 + sqrt(2 beta/theta))), theta/(2 mu)}, theta = 1 - sqrt(1-delta_M), beta = (1-delta_M)/theta
    of the broadcast: EF21's inequality for ||m - x||, and ||grad f(m) - grad f(x)|| <= L||m - x||. Only L enters.
    """

    id = "ef21p.exact"
    title = "EF21-P with exact uplink messages: linear, no floor"
    requires = (Unbiased,)
    accepts = ("alpha",)
    contractive_downlink = True
    metric = "E f(x_t) - f* + (gamma L^2/theta) ||m_t - x_t||^2"

    def _why_not(self, c: Constants) -> str:
        return "the uplink must be exact" if c.omega != 0 else ""

    def step_limit(self, c: Constants) -> tuple[Number, str]:
        theta, beta = ef21_theta_beta(c.delta_down)
        limit = min(1 / (c.L * (1 + sqrt(2 * ratio(beta, theta)))), theta / (2 * c.mu))
        return limit, "min{1/(L(1 + sqrt(2 beta/theta))), theta/(2 mu)}"

    def params(self, c: Constants, gamma: Number) -> dict[str, Number]:
        # ||grad f(m) - grad f(x)|| <= L||m - x|| is all that the error does to the step
        weight = gamma * c.L * c.L / ef21_theta_beta(c.delta_down)[0]
        return {"alpha": shift_step(c), "weight": weight}

    def errors(self, problem: Problem, state: State, plan: Plan) -> Array:
        return float(plan["weight"]) * behind(state)


class EF21PDIANA(Theorem):
    """E V_t <= max{1-gamma mu/2, 1-q/2}^t V_0, V = ||x-x*||^2 + ||m-x||^2 + (8 omega/(n q)) gamma^2 mean||h_i-h_i*||^2.

    gamma <= min{1/(2(1+beta)L + 24 omega L_max/n), theta/(4 max{L, L~^2/L_max})}, q = alpha = 1/(1+omega), h_i* =
    grad f_i(x*), theta and beta of the broadcast as in ef21p.exact; f_i convex, f mu-strongly convex, independent
    workers. The costs of both directions add: omega L_max/n beside L/delta_M. The paper's step is about 11 times
    shorter, as far as recalled.
    """

    id = "ef21p.diana"
    title = "EF21-P with DIANA: compressed both ways, linear, no floor"
    requires = (Unbiased, JointVariance)
    contractive_downlink = True
    metric = "E||x_t - x*||^2 + ||m_t - x_t||^2 + (8 omega(1+omega)/n) gamma^2 mean||h_i - grad f_i(x*)||^2"

    def _why_not(self, c: Constants) -> str:
        return independent(c) if c.convex else "every f_i must be convex"

    def step_limit(self, c: Constants) -> tuple[Number, str]:
        theta, beta = ef21_theta_beta(c.delta_down)
        # two costs that add: of the model that is behind, and of the uplink's variance
        short = 1 / (2 * (1 + beta) * c.L + ratio(24 * c.omega, c.n) * c.L_max)
        limit = min(short, theta / (4 * max(c.L, c.L_tilde * c.L_tilde / c.L_max)))
        return limit, "min{1/(2(1+beta)L + 24 omega L_max/n), theta/(4 max{L, L~^2/L_max})}"

    def params(self, c: Constants, gamma: Number) -> dict[str, Number]:
        weight = ratio(8 * c.omega * (1 + c.omega), c.n) * gamma * gamma
        return {"alpha": shift_step(c), "weight": weight}

    def rate(self, c: Constants, gamma: Number) -> Number:
        return max(1 - gamma * c.mu / 2, 1 - ratio(shift_step(c), 2))

    def observe(self, problem: Problem, state: State, plan: Plan) -> Array:
        shifts = float(plan["weight"]) * mean_square(state.h - problem.gradients_at_star)
        return np.asarray(problem.distance_squared(state.x) + behind(state) + shifts)


@dataclass(frozen=True)
class EF21PState(BodyState):
    """h: (R, n, d) shifts; m: (R, d) the model that the workers have."""

    h: Array = field(kw_only=True)
    m: Array = field(kw_only=True)


@dataclass(frozen=True)
class EF21P(BodyMethod):
    """c_i = C_i(grad f_i(m) - h_i); x+ = x - gamma mean(h_i + c_i); h_i+ = h_i + alpha c_i; m+ = m + C_M(x+ - m).

    C_M, the `downlink`, contracts; without one this is DIANA, with exact uplink messages EF21-P + GD. h_i^0 = 0,
    m^0 = x^0; alpha=None: 1/(1+omega).
    """

    alpha: object = None
    takes_oracle = False
    state_class = EF21PState
    requires = (Unbiased,)
    name = "EF21-P + DIANA"
    source = EF21_P_PAPER
    own_theorems: ClassVar[tuple[Theorem, ...]] = (EF21PExact(), EF21PDIANA())

    def default_params(self, c: Constants) -> dict[str, Number]:
        return {"alpha": ratio(1, 1 + c.omega) if self.alpha is None else self.alpha}

    @staticmethod
    def body(
        w: World, x: Vec, h: Worker, m: Server = copy_of_start, *, gamma: Number, alpha: Number
    ) -> dict[str, Vec]:
        # the workers only know m: their gradients are taken there
        c = w.compress(w.gradient(m) - h)
        after = x - gamma * (w.mean(h) + w.mean(c))
        # C_M contracts, so m comes closer to x by a share of the distance every round
        return dict(x=after, h=h + alpha * c, m=m + w.broadcast(after - m))
