"""EF (2014): error feedback; what compression drops is remembered and sent later."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from compth._numbers import Number, min, ratio, sqrt
from compth.claims import Contractive
from compth.methods.core import Array, Constants, Plan, State, Theorem, mean_square
from compth.methods.core import closed_forms as forms
from compth.methods.core.body import BodyMethod, BodyState, Worker
from compth.methods.core.known import Asked, Params, Proof
from compth.methods.core.nearby import feedback
from compth.problems.interface import Problem
from compth.sources import EF14

if TYPE_CHECKING:
    from compth.methods.core.signature import Vec, World


def ef_step(delta: Number, L: Number, L_max: Number) -> Number:
    """min{1/(4L), delta/sqrt(192 (1-delta) L L_max)}."""
    # without compression (delta = 1) nothing is remembered, and the second limit is infinite
    first = 1 / (4 * L)
    return first if delta == 1 else min(first, delta / sqrt(192 * (1 - delta) * L * L_max))


class EFExplicit(Theorem):
    """E Psi_t <= rho^t Psi_0 + floor, rho = 1 - min{gamma mu/2, delta/4}, noise 48 L (1-delta) gamma^3 zeta2*/delta^2.

    Psi = ||x - ebar - x*||^2 + (12 L gamma/delta) mean||e_i||^2; f_i convex, gamma <= min{1/(4L),
    delta/sqrt(192(1-delta) L L_max)}. The floor is of order gamma^2, against DCGD's gamma.
    """

    id = "ef.explicit"
    title = "Error feedback on heterogeneous data with explicit constants"
    proof = "ef.explicit"
    requires = (Contractive,)
    metric = "E||x_t - ebar_t - x*||^2 + (12 L gamma/delta) mean||e_i||^2"

    def _why_not(self, c: Constants) -> str:
        return "" if c.convex else "every f_i must be convex"

    def step_limit(self, c: Constants) -> tuple[Number, str]:
        return ef_step(c.delta, c.L, c.L_max), "min{1/(4L), delta/sqrt(192(1-delta) L L_max)}"

    def params(self, c: Constants, gamma: Number) -> dict[str, Number]:
        return {"weight": 12 * c.L * gamma / c.delta}

    def rate(self, c: Constants, gamma: Number) -> Number:
        return 1 - min(gamma * c.mu / 2, ratio(c.delta, 4))

    def floor(self, c: Constants, gamma: Number) -> Number:
        # the virtual iterate x - ebar takes exact gradient steps at the wrong point x; the errors that make
        # them differ are of order gamma, hence gamma^3 in a step and gamma^2 in the floor
        noise = 48 * c.L * (1 - c.delta) * gamma**3 * c.zeta2_star / c.delta**2
        return noise / min(gamma * c.mu / 2, ratio(c.delta, 4))

    def observe(self, problem: Problem, state: State, plan: Plan) -> Array:
        # x - ebar is where x would be if nothing had been kept back
        shifted = problem.distance_squared(state.x - state.e.mean(axis=1))
        return np.asarray(shifted + float(plan["weight"]) * mean_square(state.e))

    def distance_factor(self, c: Constants, plan: Plan) -> float:
        """||x-x*||^2 <= (1+1/w)(||x-ebar-x*||^2 + w||ebar||^2), so Psi >= w/(1+w) ||x-x*||^2 with w the weight."""
        # Young's inequality with the ratio that makes both terms of Psi count alike
        w = float(plan["weight"])
        return w / (1 + w)


class EFNoisy(EFExplicit):
    """ef.explicit with stochastic gradients, mean E||g_i - grad f_i||^2 <= sigma2: a larger floor, the same step.

    By gamma^2 (1/n + 12 L (1-delta) gamma/delta) sigma2/min{gamma mu/2, delta/4}. Given the state the noise has mean 0:
    it adds gamma^2 sigma2/n to ||x - ebar - x*||^2, which moves by the mean of independent gradients alone, and
    (1-delta) gamma^2 sigma2 to mean||e_i||^2, of which the messages see ||e_i + gamma grad f_i||^2 + gamma^2 sigma_i^2.
    """

    id = "ef.noisy"
    title = "Error feedback with gradient noise of bounded variance"
    proof = ""
    gradient_noise = "bounded"
    exact_form = "ef.explicit"

    def floor(self, c: Constants, gamma: Number) -> Number:
        kept = 12 * c.L * (1 - c.delta) * gamma / c.delta
        added = gamma * gamma * (ratio(1, c.n) + kept) * c.sigma2
        return super().floor(c, gamma) + added / min(gamma * c.mu / 2, ratio(c.delta, 4))


def _multipliers(q: Asked, gamma: Number, params: Params) -> Proof:
    s = forms.error_norm(q.delta)
    # the dual certificate of ef.tight: interpolation at (x, x*), and the compressor's ||e+||^2 <= s^2 ||e +
    # gamma g||^2 with weight 1/s
    weight = gamma / (q.L + q.mu) * forms.feedback_bracket(q.mu, q.L, s)
    return {}, {"interpolation": weight / (q.L - q.mu), "compression": 1 / s}


WORST = feedback("(x - ebar)**2 + e**2/s", _multipliers, "ef.tight")


@dataclass(frozen=True)
class EFState(BodyState):
    """e: (R, n, d) memories."""

    e: Array = field(kw_only=True)


@dataclass(frozen=True)
class EF(BodyMethod):
    """c_i = C_i(e_i + gamma grad f_i(x)); e_i+ = e_i + gamma grad f_i(x) - c_i; x+ = x - C_M(mean c_i); e_i^0 = 0."""

    state_class = EFState
    requires = (Contractive,)
    name = "error feedback (2014)"
    source = EF14
    known = (WORST,)
    own_theorems = (EFExplicit(), EFNoisy())

    @staticmethod
    def body(w: World, x: Vec, e: Worker, *, gamma: Number) -> dict[str, Vec]:
        # what was dropped before is added to the new step, and what is dropped now is kept: sum of the
        # messages + e is the sum of the steps
        u = e + gamma * w.gradient(x)
        c = w.compress(u)
        return dict(x=x - w.broadcast(w.mean(c)), e=u - c)
