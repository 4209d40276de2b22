"""EF21: workers learn their gradients by compressed differences."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from compth._numbers import Number, min, ratio, sqrt
from compth.calculus import ef21_theta_beta
from compth.claims import Attribution, Contractive, Standing
from compth.methods.core import (
    Array,
    Constants,
    Plan,
    State,
    Theorem,
    mean_square,
)
from compth.methods.core import closed_forms as forms
from compth.methods.core.body import BodyMethod, BodyState, Worker
from compth.methods.core.known import Asked, Params, Proof
from compth.methods.core.nearby import feedback
from compth.methods.core.nonconvex import MeanSquaredGradient
from compth.problems.interface import Problem
from compth.sources import EF21 as EF21_PAPER

if TYPE_CHECKING:
    from compth.methods.core.signature import Vec, World


def ef21_step(delta: Number, L: Number, L_tilde: Number, factor: Number) -> Number:
    """1/(L + L~ sqrt(factor beta/theta)); factor 1 nonconvex, 2 under PL; 1/L at delta = 1 (beta = 0)."""
    # EF21's inequality for G = mean||g_i - grad f_i||^2: E G+ <= (1-theta) G + beta L~^2 ||x+ - x||^2, from
    # Young's inequality at the best split
    theta, beta = ef21_theta_beta(delta)
    return 1 / (L + L_tilde * sqrt(factor * ratio(beta, theta)))


def broadcast_ef21_step(delta: Number, L: Number, L_tilde: Number, omega_down: Number) -> Number:
    """1/((1+omega_M)L + L~ sqrt(2(1+omega_M) beta/theta)): ef21_step's second rule with a compressed broadcast."""
    # E||C_M(g)||^2 <= (1 + omega_M)||g||^2 lengthens the step in both places where ||x+ - x||^2 stands
    down = 1 + omega_down
    return ef21_step(delta, down * L, L_tilde, 2 * down)


class EF21PL(Theorem):
    """E Psi_t <= (1-gamma mu)^t Psi_0, Psi = f - f* + (gamma/theta) mean||g_i - grad f_i||^2 (f PL with mu).

    gamma <= min{1/(L + L~ sqrt(2 beta/theta)), theta/(2 mu)}, theta = 1 - sqrt(1-delta), beta = (1-delta)/theta.
    L~ = sqrt(mean L_i^2), with the root that one extraction of the poster drops. The poster on three-point maps prints
    max{.., A/(2 mu)} for 1/gamma, which has no dimension of L: 2 mu/A (here A = theta) is meant.
    """

    id = "ef21.pl"
    title = "EF21 under the Polyak-Lojasiewicz condition: linear, no floor"
    source = EF21_PAPER
    attribution = Attribution.CODE
    proof = "ef21.pl"
    declared = Standing.CITED
    requires = (Contractive,)
    metric = "E f(x_t) - f* + (gamma/theta) mean||g_i - grad f_i(x_t)||^2"

    def step_limit(self, c: Constants) -> tuple[Number, str]:
        theta, _ = ef21_theta_beta(c.delta)
        # the weight gamma/theta turns theta G into what the descent inequality loses to the error of g;
        # theta/(2 mu) keeps the errors' own rate above 1 - gamma mu
        limit = min(ef21_step(c.delta, c.L, c.L_tilde, 2), theta / (2 * c.mu))
        return limit, "min{1/(L+L~ sqrt(2 beta/theta)), theta/(2 mu)}"

    def params(self, c: Constants, gamma: Number) -> dict[str, Number]:
        return {"weight": gamma / ef21_theta_beta(c.delta)[0]}

    def rate(self, c: Constants, gamma: Number) -> Number:
        return 1 - gamma * c.mu

    def observe(self, problem: Problem, state: State, plan: Plan) -> Array:
        error = mean_square(state.error)
        return np.asarray(problem.gap(state.x) + float(plan["weight"]) * error)

    def distance_factor(self, c: Constants, plan: Plan) -> float:
        """f - f* >= (mu/2) ||x - x*||^2."""
        return float(c.mu) / 2


class EF21Bidirectional(EF21PL):
    """ef21.pl with x+ = x - gamma C_M(g): E Psi_t <= (1-gamma mu)^t Psi_0, C_M unbiased with variance omega_M.

    gamma <= min{1/((1+omega_M)L + L~ sqrt(2(1+omega_M) beta/theta)), theta/(2 mu)}: with E||x+ - x||^2 <=
    (1+omega_M) gamma^2 ||g||^2 the terms in ||g||^2 of ef21.pl's proof stay non-positive.
    """

    id = "ef21.bidirectional"
    title = "EF21 with a compressed broadcast under the Polyak-Lojasiewicz condition"
    attribution = Attribution.OURS
    declared = Standing.DERIVED
    proof = "ef21.bidirectional"
    bidirectional = True

    def step_limit(self, c: Constants) -> tuple[Number, str]:
        theta, _ = ef21_theta_beta(c.delta)
        limit = min(broadcast_ef21_step(c.delta, c.L, c.L_tilde, c.omega_down), theta / (2 * c.mu))
        return limit, "min{1/((1+omega_M)L + L~ sqrt(2(1+omega_M) beta/theta)), theta/(2 mu)}"


def noisy_delta(delta: Number) -> Number:
    """1 - s, s = sqrt(1-delta): the contraction that is left when noise of the gradients is split off."""
    return 1 - forms.error_norm(delta)


class EF21Noisy(EF21PL):
    """ef21.pl with stochastic gradients, mean E||G_i - grad f_i||^2 <= sigma2: a floor, which no shorter step lowers.

    E Psi_t <= (1-gamma mu)^t Psi_0 + (s + 1/(1-s)) sigma2/(theta mu) for the steps of ef21.pl with 1-s in the place of
    delta, s = sqrt(1-delta), theta = 1 - sqrt(s). With 1+a = 1/s: E||g_i+ - grad f_i||^2 <= (1/s) E||g_i+ - G_i||^2 +
    sigma_i^2/(1-s), and E||g_i+ - G_i||^2 <= s^2 (||g_i - grad f_i||^2 + sigma_i^2). That is why EF21-SGDM averages
    the gradients: here every message carries the noise of its own round.
    """

    id = "ef21.noisy"
    title = "EF21 with gradient noise of bounded variance: linear to a floor of any step"
    attribution = Attribution.OURS
    declared = Standing.DERIVED
    proof = ""
    gradient_noise = "bounded"
    exact_form = "ef21.pl"

    def step_limit(self, c: Constants) -> tuple[Number, str]:
        delta = noisy_delta(c.delta)
        limit = min(ef21_step(delta, c.L, c.L_tilde, 2), ef21_theta_beta(delta)[0] / (2 * c.mu))
        return limit, "min{1/(L+L~ sqrt(2 beta/theta)), theta/(2 mu)}, delta as 1 - sqrt(1-delta)"

    def params(self, c: Constants, gamma: Number) -> dict[str, Number]:
        return {"weight": gamma / ef21_theta_beta(noisy_delta(c.delta))[0]}

    def floor(self, c: Constants, gamma: Number) -> Number:
        # per step (s + 1/(1-s)) sigma2 times the weight gamma/theta, divided by 1 - (1 - gamma mu) = gamma
        # mu: gamma cancels, which is why no shorter step lowers the floor
        s, theta = forms.error_norm(c.delta), ef21_theta_beta(noisy_delta(c.delta))[0]
        return (s + ratio(1, 1 - s)) * c.sigma2 / (theta * c.mu)

    def observe(self, problem: Problem, state: State, plan: Plan) -> Array:
        error = mean_square(state.g - problem.gradients(state.x))
        return np.asarray(problem.gap(state.x) + float(plan["weight"]) * error)


class EF21Nonconvex(MeanSquaredGradient):
    """(1/T) sum_{t<T} E||grad f(x_t)||^2 <= 2 (f(x_0)-f*)/(gamma T) + E G_0/(theta T).

    For 0 < gamma <= 1/(L + L~ sqrt(beta/theta)); f and f_i need not be convex.
    """

    id = "ef21.nonconvex"
    proof = "ef21.nonconvex"
    title = "EF21 without convexity: the mean squared gradient decays as 1/T"
    source = EF21_PAPER
    attribution = Attribution.CODE
    declared = Standing.CITED
    requires = (Contractive,)

    def step_limit(self, c: Constants) -> tuple[Number, str]:
        return ef21_step(c.delta, c.L, c.L_tilde, 1), "1/(L + L~ sqrt(beta/theta))"

    def params(self, c: Constants, gamma: Number) -> dict[str, Number]:
        return {"theta": ef21_theta_beta(c.delta)[0]}

    def observe(self, problem: Problem, state: State, plan: Plan) -> Array:
        """2 (f - f*)/gamma + G/theta: at t = 0 the constant of the bound."""
        error = mean_square(state.error)
        # G_0 decays geometrically, sum (1-theta)^s = 1/theta: its part of the constant
        return np.asarray(2 * problem.gap(state.x) / float(plan.gamma) + error / float(plan["theta"]))

    def values(self, c: Constants, plan: Plan, start: float) -> Callable[[int], float]:
        return lambda t: start / t if t > 0 else float("inf")


def _multipliers(q: Asked, gamma: Number, params: Params) -> Proof:
    """The same on both inequalities of the pair (x, x+)."""
    s = forms.error_norm(q.delta)
    # the dual certificate of ef21.tight: both interpolation inequalities of the pair (x, x+) with one
    # weight, and the compressor's own
    weight = s / (gamma * (q.L + q.mu)) * forms.feedback_bracket(q.mu, q.L, s)
    each = weight / (2 * (q.L - q.mu))
    return {}, {"f(x) >= f(x+)": each, "f(x+) >= f(x)": each, "compression": 1}


WORST = feedback("s*gbar**2 + (g - d)**2", _multipliers, "ef21.tight")


@dataclass(frozen=True)
class EF21State(BodyState):
    """g: (R, n, d), what the server believes each gradient to be."""

    g: Array = field(kw_only=True)

    @property
    def error(self) -> Array:
        """grad f_i(x) - g_i."""
        # the body takes a gradient at the next x, so every round keeps it
        assert self.held is not None
        return self.held - self.g


@dataclass(frozen=True)
class EF21(BodyMethod):
    """x+ = x - gamma C_M(mean g_i); g_i+ = g_i + C_i(grad f_i(x+) - g_i); g_i^0 = 0 (no message before round 1)."""

    state_class = EF21State
    requires = (Contractive,)
    name = "EF21"
    source = EF21_PAPER
    known = (WORST,)
    own_theorems = (EF21PL(), EF21Nonconvex(), EF21Bidirectional(), EF21Noisy())
    lyapunov_names: ClassVar[Mapping[str, str]] = MappingProxyType({"g": "gradient", "d": "g"})

    @staticmethod
    def body(w: World, x: Vec, g: Worker, *, gamma: Number) -> dict[str, Vec]:
        # first the step with what the server knows, then the gradient at the new point: the message of the
        # round is the difference to it
        after = x - gamma * w.broadcast(w.mean(g))
        return dict(x=after, g=g + w.compress(w.gradient(after) - g))
