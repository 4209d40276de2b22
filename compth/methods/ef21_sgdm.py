"""EF21-SGDM: EF21 on a running average of stochastic gradients, which is what makes noise harmless to it."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING

from compth._numbers import Number, min, ratio, sqrt
from compth.calculus import ef21_theta_beta
from compth.claims import Contractive
from compth.errors import NoGuarantee
from compth.methods.core import Array, Constants, Plan, State, mean_square
from compth.methods.core.body import BodyMethod, BodyState, Worker, gradient_at_start
from compth.methods.core.descent import Descent, mean_error
from compth.problems.interface import Problem
from compth.sources import EF21_SGDM

if TYPE_CHECKING:
    from compth.methods.core.signature import Vec, World


def weight_of_new(c: Constants) -> Number:
    """eta: the user's, or 1/2; NoGuarantee outside (0, 1]."""
    eta = c.params.get("eta", ratio(1, 2))
    if not 0 < eta <= 1:
        raise NoGuarantee(f"eta={float(eta):.6g} is outside 0 < eta <= 1")
    return eta


class EF21SGDMPL(Descent):
    """E Psi_t <= (1-gamma mu)^t Psi_0 with exact gradients, for gamma <= min{1/(L + S), theta/(2 mu), eta/(2 mu)}.

    S^2 = 24 (beta/theta) L~^2 + 4 L^2/eta^2, theta and beta those of ef21.pl; Psi = f - f* + (2 gamma/theta)
    mean||g_i-v_i||^2 + (8 gamma beta eta/theta) mean||v_i-grad f_i||^2 + (2 gamma/eta)||mean(v_i-grad f_i)||^2.

    The three errors: E||g_i+-v_i+||^2 <= (1-theta)||g_i-v_i||^2 + beta||v_i+-v_i||^2 with v_i+ - v_i = -eta (v_i -
    grad f_i(x)) + eta (grad f_i(x+) - grad f_i(x)), and ||v_i+-grad f_i(x+)||^2 <= (1-eta)||v_i-grad f_i(x)||^2 +
    (1/eta)||grad f_i(x+)-grad f_i(x)||^2, for each worker with L_i and for the mean with L.
    """

    id = "ef21sgdm.pl"
    title = "EF21-SGDM with exact gradients under the Polyak-Lojasiewicz condition"
    requires = (Contractive,)
    accepts = ("eta",)
    metric = (
        "E f(x_t) - f* + weighted mean||g_i - v_i||^2, mean||v_i - grad f_i||^2, ||mean(v_i - grad f_i)||^2"
    )

    def step_limit(self, c: Constants) -> tuple[Number, str]:
        theta, beta = ef21_theta_beta(c.delta)
        eta = weight_of_new(c)
        # each error is fed by the one before it: ||x+ - x|| moves the average v, v moves g; the two kinds
        # of constants add under the root
        own, common = c.L_tilde * c.L_tilde * ratio(24 * beta, theta), 4 * c.L * c.L / (eta * eta)
        limit = min(1 / (c.L + sqrt(own + common)), theta / (2 * c.mu), eta / (2 * c.mu))
        return limit, "min{1/(L + sqrt(24 (beta/theta) L~^2 + 4 L^2/eta^2)), theta/(2 mu), eta/(2 mu)}"

    def params(self, c: Constants, gamma: Number) -> dict[str, Number]:
        theta, beta = ef21_theta_beta(c.delta)
        eta = weight_of_new(c)
        return {
            "eta": eta,
            "sent": 2 * gamma / theta,
            "slow": 8 * gamma * eta * ratio(beta, theta),
            "mean": 2 * gamma / eta,
        }

    def errors(self, problem: Problem, state: State, plan: Plan) -> Array:
        slow = state.v - problem.gradients(state.x)
        own = float(plan["sent"]) * mean_square(state.g - state.v) + float(plan["slow"]) * mean_square(slow)
        return own + float(plan["mean"]) * mean_error(slow)


class EF21SGDMNoisy(EF21SGDMPL):
    """ef21sgdm.pl with stochastic gradients, mean E||G_i - grad f_i||^2 <= sigma2: a floor that falls with eta.

    E Psi_t <= (1-gamma mu)^t Psi_0 + (2 eta/n + 2 (1-delta) eta^2/theta + 8 beta eta^3/theta) sigma2/mu. The noise
    enters by v_i+ alone, eta times its size and with mean 0 given the state: eta^2 sigma_i^2 in ||v_i - grad f_i||^2, a
    share 1/n of it in the mean's square, as workers draw independently, and (1-delta) of it in ||g_i - v_i||^2. The
    paper's bound has the same three orders; its constants are not known here.
    """

    id = "ef21sgdm.noisy"
    title = "EF21-SGDM with gradient noise of bounded variance: a floor that falls with eta"
    gradient_noise = "bounded"
    exact_form = "ef21sgdm.pl"

    def floor(self, c: Constants, gamma: Number) -> Number:
        (theta, beta), eta = ef21_theta_beta(c.delta), weight_of_new(c)
        # the noise of one round enters v with weight eta, so eta^2 of its variance: a part in the mean
        # (1/n), one in each worker's v, one in what is sent
        sent, slow = 2 * (1 - c.delta) * eta * eta / theta, 8 * eta**3 * ratio(beta, theta)
        return (2 * ratio(eta, c.n) + sent + slow) * c.sigma2 / c.mu


@dataclass(frozen=True)
class EF21SGDMState(BodyState):
    """v: (R, n, d) averaged gradients; g: (R, n, d) what the server believes them to be."""

    v: Array = field(kw_only=True)
    g: Array = field(kw_only=True)


@dataclass(frozen=True)
class EF21SGDM(BodyMethod):
    """x+ = x - gamma mean g_i; v_i+ = (1-eta) v_i + eta grad f_i(x+); g_i+ = g_i + C_i(v_i+ - g_i).

    With an oracle its gradients are drawn. eta is the weight of the new gradient (1: EF21, also with noise), by default
    1/2; v_i^0 = grad f_i(x^0), g_i^0 = 0 (no message before round 1).
    """

    eta: object = Fraction(1, 2)
    state_class = EF21SGDMState
    requires = (Contractive,)
    chances = ("eta",)
    name = "EF21-SGDM"
    source = EF21_SGDM
    own_theorems = (EF21SGDMPL(), EF21SGDMNoisy())

    def default_params(self, c: Constants) -> dict[str, Number]:
        return {"eta": self.eta}

    @staticmethod
    def body(
        w: World, x: Vec, g: Worker, v: Worker = gradient_at_start, *, gamma: Number, eta: Number
    ) -> dict[str, Vec]:
        after = x - gamma * w.broadcast(w.mean(g))
        # momentum: an exponential average of gradients, whose noise is eta of theirs
        slow = (1 - eta) * v + eta * w.gradient(after)
        return dict(x=after, v=slow, g=g + w.compress(slow - g))
