"""EF21-BC: EF21 in both directions; the server's direction is sent by compressed differences, too."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from compth._numbers import Number, min, ratio, sqrt
from compth.calculus import ef21_theta_beta
from compth.claims import Contractive
from compth.methods.core import Array, Constants, Plan, State, mean_square
from compth.methods.core.body import BodyMethod, BodyState, Server, Worker
from compth.methods.core.closed_forms import error_norm
from compth.methods.core.descent import Descent
from compth.problems.interface import Problem
from compth.sources import EF21_BELLS

if TYPE_CHECKING:
    from compth.methods.core.signature import Vec, World


def broadcast_cost(c: Constants) -> Number:
    """R = 4 beta_M (1+s)^2/theta_M, s = sqrt(1-delta): 0 without a compressed broadcast."""
    theta, beta = ef21_theta_beta(c.delta_down)
    # ||C(v)|| <= (1+s)||v||: the broadcast's input moves by the mean of what the workers sent
    grown = 1 + error_norm(c.delta)
    return ratio(4 * beta * grown * grown, theta)


class EF21BCPL(Descent):
    """E Psi_t <= (1-gamma mu)^t Psi_0 for gamma <= min{1/(L + sqrt B), theta/(2 mu), theta_M/(2 mu)}.

    B = 2 L~^2 (R + 2 (beta/theta)(1+R)), R = 4 beta_M (1+s)^2/theta_M, s = sqrt(1-delta), theta and beta as in ef21.pl,
    those with M of the broadcast. Psi = f - f* + (2 gamma/theta_M)||b - mean g_i||^2 + (2 gamma (1+R)/theta)
    mean||g_i - grad f_i(x)||^2. EF21's inequality twice; the broadcast's input moves by mean||C_i(v_i)||^2 <= (1+s)^2
    mean||v_i||^2. The paper's table has the product 1/(delta delta_M mu); its constants are not known here.
    """

    id = "ef21bc.pl"
    title = "EF21-BC under the Polyak-Lojasiewicz condition: compressed both ways, linear, no floor"
    requires = (Contractive,)
    contractive_downlink = True
    metric = "E f(x_t) - f* + weighted ||b_t - mean g_i||^2 and mean||g_i - grad f_i(x_t)||^2"

    def step_limit(self, c: Constants) -> tuple[Number, str]:
        (theta, beta), (theta_m, _) = ef21_theta_beta(c.delta), ef21_theta_beta(c.delta_down)
        # EF21's inequality for the workers feeds the one for the broadcast: their constants multiply, the
        # product delta delta_M of the paper's table
        cost = broadcast_cost(c)
        slow = sqrt(2 * (cost + 2 * ratio(beta, theta) * (1 + cost)))
        limit = min(1 / (c.L + c.L_tilde * slow), theta / (2 * c.mu), theta_m / (2 * c.mu))
        return limit, "min{1/(L + sqrt B), theta/(2 mu), theta_M/(2 mu)}"

    def params(self, c: Constants, gamma: Number) -> dict[str, Number]:
        (theta, _), (theta_m, _) = ef21_theta_beta(c.delta), ef21_theta_beta(c.delta_down)
        return {"heard": 2 * gamma / theta_m, "sent": 2 * gamma * (1 + broadcast_cost(c)) / theta}

    def errors(self, problem: Problem, state: State, plan: Plan) -> Array:
        heard = state.b - state.g.mean(axis=1)
        sent = float(plan["sent"]) * mean_square(state.g - problem.gradients(state.x))
        return np.asarray(float(plan["heard"]) * np.vecdot(heard, heard) + sent)


@dataclass(frozen=True)
class EF21BCState(BodyState):
    """b: (R, d) what the workers believe the mean of g to be; g: (R, n, d) what the server believes of gradients."""

    b: Array = field(kw_only=True)
    g: Array = field(kw_only=True)


@dataclass(frozen=True)
class EF21BC(BodyMethod):
    """x+ = x - gamma b; g_i+ = g_i + C_i(grad f_i(x+) - g_i); b+ = b + C_M(mean g_i+ - b); g_i^0 = b^0 = 0.

    C_M, the `downlink`, contracts; without one this is EF21.
    """

    state_class = EF21BCState
    requires = (Contractive,)
    name = "EF21-BC"
    source = EF21_BELLS.at("Alg. 5")
    own_theorems = (EF21BCPL(),)

    @staticmethod
    def body(w: World, x: Vec, b: Server, g: Worker, *, gamma: Number) -> dict[str, Vec]:
        after = x - gamma * b
        # the server's g_i first, then the broadcast of what is new in their mean
        new = g + w.compress(w.gradient(after) - g)
        return dict(x=after, b=b + w.broadcast(w.mean(new) - b), g=new)
