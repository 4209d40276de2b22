"""EControl: error feedback whose memory is let in slowly, so that it helps and never destabilises."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from compth._numbers import Number, min, ratio, sqrt
from compth.claims import Contractive
from compth.errors import NoGuarantee
from compth.methods.core import Array, Constants, Plan, State, mean_square
from compth.methods.core.body import BodyMethod, BodyState, Worker
from compth.methods.core.closed_forms import error_norm
from compth.methods.core.descent import Descent
from compth.problems.interface import Problem
from compth.sources import ECONTROL

if TYPE_CHECKING:
    from compth.methods.core.signature import Vec, World


def feedback_strength(delta: Number) -> Number:
    """eta = (1-s)/(3s), s = sqrt(1-delta): two thirds of where the loop of errors turns unstable; at most 1."""
    s = error_norm(delta)
    # the matrix of the two error norms has an eigenvalue 1 at eta = (1-s)/(2s)
    return 1 if s == 0 else min(1, ratio(1 - s, 3 * s))


def strength(c: Constants) -> Number:
    """eta: the user's, or feedback_strength; NoGuarantee where eta > 1 or the errors may grow, eta >= (1-s)/(2s).

    Above 1 the gain of the kept errors is eta-1, not 1-eta: error_pole speaks of 0 < eta <= 1 alone.
    """
    if "eta" not in c.params:
        return feedback_strength(c.delta)
    s, eta = error_norm(c.delta), c.params["eta"]
    if not (0 < eta <= 1 and 2 * s * eta < 1 - s):
        raise NoGuarantee(
            f"eta={float(eta):.6g} is outside 0 < eta <= 1, eta < (1-s)/(2s), s = sqrt(1-delta)"
        )
    return eta


def error_pole(s: Number, eta: Number) -> Number:
    """The largest eigenvalue of [[(1+eta)s, eta^2], [s, 1-eta]], the gain of the two error norms in a step.

    0 < eta <= 1. At s = 0 the first error vanishes and the second stays at 0.
    """
    # of a 2 x 2 matrix with entries a, b, c, d: (a + d + sqrt((a-d)^2 + 4bc))/2
    own, kept = (1 + eta) * s, 1 - eta
    if s == 0:
        return 0
    return (own + kept + sqrt((own - kept) * (own - kept) + 4 * s * eta * eta)) / 2


class EControlPL(Descent):
    """E Psi_t <= (1-gamma mu)^t Psi_0, Psi = f - f* + (gamma s(1+s)/v) W, W = mean||q_i||^2 + (eta^2/s) mean||e_i||^2.

    q_i = eta e_i + grad f_i(x) - h_i is what is compressed, s = sqrt(1-delta), v = 1 - the larger eigenvalue of
    M = [[(1+eta)s, eta^2], [s, 1-eta]]; gamma <= min{1/(L + L~ sqrt(2 s(1+s))/v), v/(2 mu)},
    0 < eta <= 1, eta < (1-s)/(2s).

    With r_i what the compression loses of q_i: q_i+ = (1+eta) r_i - eta^2 e_i + grad f_i(x+) - grad f_i(x), e_i+ =
    (1-eta) e_i + r_i, so the norms (Q, E) of both obey (Q, E)+ <= M (Q, E) + (L~||x+-x||, 0). In the norm W, whose
    weights are the ratios of M's left and right eigenvectors, M is a contraction by 1-v: W+ <= (1-v) W +
    (L~^2/v)||x+-x||^2. The step's error is mean(eta e_i - r_i), at most (s Q + eta E)^2 <= s(1+s) W.
    """

    id = "econtrol.pl"
    title = "EControl under the Polyak-Lojasiewicz condition: linear, no floor"
    requires = (Contractive,)
    accepts = ("eta",)
    metric = "E f(x_t) - f* + (gamma s(1+s)/v) mean(||q_i||^2 + (eta^2/s)||e_i||^2)"

    def _gap(self, c: Constants) -> tuple[Number, Number]:
        """(s(1+s), v)."""
        s = error_norm(c.delta)
        return s * (1 + s), 1 - error_pole(s, strength(c))

    def step_limit(self, c: Constants) -> tuple[Number, str]:
        size, v = self._gap(c)
        # W+ <= (1-v) W + (L~^2/v)||x+ - x||^2, and the step's error is s(1+s) W: two factors 1/v, one of
        # them under the root
        limit = min(1 / (c.L + c.L_tilde * sqrt(2 * size) / v), v / (2 * c.mu))
        return limit, "min{1/(L + L~ sqrt(2 s(1+s))/v), v/(2 mu)}"

    def params(self, c: Constants, gamma: Number) -> dict[str, Number]:
        (size, v), eta = self._gap(c), strength(c)
        return {
            "eta": eta,
            "sent": gamma * size / v,
            "kept": gamma * (1 + error_norm(c.delta)) * eta * eta / v,
        }

    def errors(self, problem: Problem, state: State, plan: Plan) -> Array:
        sent = float(plan["eta"]) * state.e + problem.gradients(state.x) - state.h
        return float(plan["sent"]) * mean_square(sent) + float(plan["kept"]) * mean_square(state.e)


@dataclass(frozen=True)
class EControlState(BodyState):
    """h, e: (R, n, d), what the server believes each gradient to be, and the errors so far."""

    h: Array = field(kw_only=True)
    e: Array = field(kw_only=True)


@dataclass(frozen=True)
class EControl(BodyMethod):
    """c_i = C_i(eta e_i + grad f_i(x) - h_i); e_i+ = e_i + grad f_i(x) - h_i - c_i; h_i+ = h_i + c_i.

    x+ = x - gamma mean h_i+; h_i^0 = e_i^0 = 0. eta=None: the theorem's (1-s)/(3s), s = sqrt(1-delta). eta = 0 is EF21.
    What it is for is an oracle's noise: the paper's rates there are not known to us with their constants, so no theorem
    is stated for it: simulate it.
    """

    eta: Number | None = None
    state_class = EControlState
    requires = (Contractive,)
    name = "EControl"
    source = ECONTROL
    own_theorems = (EControlPL(),)

    def default_params(self, c: Constants) -> dict[str, Number]:
        return {"eta": feedback_strength(c.delta) if self.eta is None else self.eta}

    @staticmethod
    def body(w: World, x: Vec, h: Worker, e: Worker, *, gamma: Number, eta: Number) -> dict[str, Vec]:
        # eta e lets the old errors in slowly; with eta = 1 they would come at once, as in EF, and could
        # destabilise
        miss = w.gradient(x) - h
        c = w.compress(eta * e + miss)
        return dict(x=x - gamma * w.broadcast(w.mean(h) + w.mean(c)), h=h + c, e=e + miss - c)
