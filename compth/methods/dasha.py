"""DASHA: compressed gradient differences with momentum variance reduction, and no uncompressed round ever."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from compth._numbers import Number, min, ratio, sqrt
from compth.claims import JointVariance, Unbiased
from compth.compressors import Compressor
from compth.compressors.identity import Identity
from compth.methods.core import Array, Constants, Plan, State, mean_square
from compth.methods.core.body import BodyMethod, BodyState, Worker, gradient_at_start
from compth.methods.core.descent import Descent, mean_error
from compth.methods.core.nonconvex import MeanSquaredGradient
from compth.methods.diana import independent
from compth.problems.interface import Problem
from compth.sources import DASHA as DASHA_PAPER

if TYPE_CHECKING:
    from compth.methods.core.signature import Vec, World


def dasha_momentum(omega: Number) -> Number:
    """a = 1/(2 omega+1), the root of (1-a)^2 + 2 omega a^2 = 1-a."""
    # (1-a)^2 + 2 omega a^2 = 1 - a at this a: the error contracts by a in spite of the noise of its own
    # correction
    return ratio(1, 2 * omega + 1)


def dasha_step(c: Constants, factor: Number) -> Number:
    """1/(L + L~ sqrt(factor/n))."""
    return 1 / (c.L + c.L_tilde * sqrt(ratio(factor, c.n)))


class DASHAPL(Descent):
    """E Psi_t <= (1-gamma mu)^t Psi_0 for gamma <= min{1/(L + L~ sqrt(4 omega(6 omega+1)/n)), a/(2 mu)}.

    a = 1/(2 omega+1), Psi = f - f* + (gamma/a)||mean e_i||^2 + (4 gamma omega/n) mean||e_i||^2 with e_i = g_i -
    grad f_i(x), f PL with mu, independent workers. e_i+ = (1-a) e_i + C_i(v_i) - v_i, v_i = grad f_i(x+) - grad f_i(x)
    - a e_i, gives E||e_i+||^2 <= ((1-a)^2 + 2 omega a^2)||e_i||^2 + 2 omega||grad f_i(x+)-grad f_i(x)||^2, where the
    first factor is 1-a, and the same with omega/n for the mean. The paper's constant, recalled: 40 omega(2 omega+1).
    """

    id = "dasha.pl"
    title = "DASHA under the Polyak-Lojasiewicz condition: linear, no floor"
    requires = (Unbiased, JointVariance)
    metric = "E f(x_t) - f* + (gamma/a)||mean e_i||^2 + (4 gamma omega/n) mean||e_i||^2"

    def _why_not(self, c: Constants) -> str:
        return independent(c)

    def step_limit(self, c: Constants) -> tuple[Number, str]:
        # omega/n multiplies L~^2, as independent messages average; a/(2 mu) keeps the errors' rate above 1
        # - gamma mu
        limit = min(dasha_step(c, 4 * c.omega * (6 * c.omega + 1)), dasha_momentum(c.omega) / (2 * c.mu))
        return limit, "min{1/(L + L~ sqrt(4 omega(6 omega+1)/n)), a/(2 mu)}"

    def params(self, c: Constants, gamma: Number) -> dict[str, Number]:
        a = dasha_momentum(c.omega)
        return {"a": a, "mean": gamma / a, "each": 4 * gamma * ratio(c.omega, c.n)}

    def errors(self, problem: Problem, state: State, plan: Plan) -> Array:
        e = state.g - problem.gradients(state.x)
        return float(plan["mean"]) * mean_error(e) + float(plan["each"]) * mean_square(e)


class DASHANonconvex(MeanSquaredGradient):
    """(1/T) sum_{t<T} E||grad f(x_t)||^2 <= 2 (f(x_0)-f*)/(gamma T), gamma <= 1/(L + L~ sqrt(2 omega(2 omega+1)/n)).

    g_i^0 = grad f_i(x_0), a = 1/(2 omega+1), independent workers; f and f_i need not be convex. Proof as dasha.pl's,
    with c||mean e_i||^2 + (2 c omega a/n) mean||e_i||^2, c = gamma (2 omega+1)^2/(2(4 omega+1)).
    """

    id = "dasha.nonconvex"
    title = "DASHA without convexity: the mean squared gradient decays as 1/T"
    requires = (Unbiased, JointVariance)

    _why_not = DASHAPL._why_not

    def step_limit(self, c: Constants) -> tuple[Number, str]:
        return dasha_step(c, 2 * c.omega * (2 * c.omega + 1)), "1/(L + L~ sqrt(2 omega(2 omega+1)/n))"

    def params(self, c: Constants, gamma: Number) -> dict[str, Number]:
        return {"a": dasha_momentum(c.omega)}

    def values(self, c: Constants, plan: Plan, start: float) -> Callable[[int], float]:
        first = 2 * start / float(plan.gamma)
        return lambda t: first / t if t > 0 else float("inf")


@dataclass(frozen=True)
class DASHAState(BodyState):
    """g: (R, n, d), what the server believes each gradient to be."""

    g: Array = field(kw_only=True)


@dataclass(frozen=True)
class DASHA(BodyMethod):
    """x+ = x - gamma mean g_i; g_i+ = g_i + C_i(grad f_i(x+) - grad f_i(x) - a (g_i - grad f_i(x))).

    a=None: 1/(2 omega+1); g_i^0 = grad f_i(x^0): the first round sends full gradients.
    """

    a: Number | None = None
    downlink: Compressor = field(default_factory=Identity, init=False, repr=False)
    takes_oracle = False
    state_class = DASHAState
    requires = (Unbiased,)
    name = "DASHA"
    source = DASHA_PAPER
    own_theorems = (DASHAPL(), DASHANonconvex())

    def default_params(self, c: Constants) -> dict[str, Number]:
        return {"a": dasha_momentum(c.omega) if self.a is None else self.a}

    @staticmethod
    def body(w: World, x: Vec, g: Worker = gradient_at_start, *, gamma: Number, a: Number) -> dict[str, Vec]:
        after = x - gamma * w.mean(g)
        # the difference of two gradients at one worker, with a share a of the old error taken back: no full
        # round is needed
        new, old = w.gradient(after), w.gradient(x)
        return dict(x=after, g=g + w.compress(new - old - a * (g - old)))
