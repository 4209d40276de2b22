"""Relaxed GDCI: workers send their compressed new iterates, the server mixes them in; with shifts there is no floor."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from compth._numbers import Number, max, min, ratio
from compth.claims import JointVariance, Unbiased
from compth.compressors import Compressor
from compth.compressors.identity import Identity
from compth.errors import NoGuarantee
from compth.methods.core import Array, Constants, State, Theorem, mean_square
from compth.methods.core.body import BodyMethod, BodyState, Worker
from compth.methods.core.theorem import Plan
from compth.methods.diana import independent, shift_step
from compth.problems.interface import Problem
from compth.sources import SHIFTED

if TYPE_CHECKING:
    from compth.methods.core.signature import Vec, World


class _Relaxed(Theorem):
    """For v = k omega/n and an inner step gamma <= (1+eta v)/(eta (L + v L_max)): the factor 1 + eta^2 v - eta gamma mu
    (1+eta v), which at the largest gamma is at most 1-eta for eta <= mu/(L + v(L_max-mu)), the default.

    With T_i = x - gamma grad f_i(x), E||x+-x*||^2 = ||x - x* - eta gamma grad f||^2 + what the messages add, which is a
    multiple of mean||T_i - T_i*||^2 = ||x-x*||^2 - 2 gamma <grad f, x-x*> + gamma^2 mean||grad f_i - grad f_i(x*)||^2;
    ||grad f||^2 <= 2L(f-f*), mean||grad f_i - grad f_i(x*)||^2 <= 2 L_max (f-f*), f convexity's <grad f, x-x*> >= f -
    f* + (mu/2)||x-x*||^2.
    """

    source = SHIFTED
    requires = (Unbiased, JointVariance)

    @abstractmethod
    def spread(self, c: Constants) -> Number:
        """v."""

    def mixing(self, c: Constants) -> Number:
        """eta: the user's, or mu/(L + v(L_max-mu)); NoGuarantee outside (0, 1]."""
        if "eta" not in c.params:
            return c.mu / (c.L + self.spread(c) * (c.L_max - c.mu))
        eta = c.params["eta"]
        if not 0 < eta <= 1:
            raise NoGuarantee(f"eta={float(eta):.6g} is outside 0 < eta <= 1")
        return eta

    def _why_not(self, c: Constants) -> str:
        return independent(c) if c.convex else "every f_i must be convex"

    def step_limit(self, c: Constants) -> tuple[Number, str]:
        # mixing scales the messages' noise by eta^2 and the step by eta only: that is why a small eta helps
        v, eta = self.spread(c), self.mixing(c)
        return (1 + eta * v) / (eta * (c.L + v * c.L_max)), "(1+eta v)/(eta(L + v L_max))"

    def contraction(self, c: Constants, gamma: Number) -> Number:
        """The factor of ||x-x*||^2."""
        v, eta = self.spread(c), self.mixing(c)
        return 1 + eta * eta * v - eta * gamma * c.mu * (1 + eta * v)

    def why_not_at(self, c: Constants, gamma: Number) -> str:
        if self.contraction(c, gamma) < 1:
            return ""
        return f"gamma={float(gamma):.6g} is too short for eta={float(self.mixing(c)):.6g}: nothing contracts"


class RelaxedGDCINeighbourhood(_Relaxed):
    """E||x_t-x*||^2 <= rho^t ||x_0-x*||^2 + eta^2 (2 omega/n)(||x*||^2 + gamma^2 zeta2_star)/(1-rho), v = 2 omega/n.

    rho = 1 + eta^2 v - eta gamma mu (1+eta v), gamma <= (1+eta v)/(eta(L + v L_max)); f_i convex, f mu-strongly
    convex, independent workers. The messages' noise is that of T_i* = x* - gamma grad f_i(x*) at rest.
    """

    id = "relaxed_gdci.neighbourhood"
    title = "Relaxed compressed iterates: linear to a floor of order omega ||x*||^2"

    def spread(self, c: Constants) -> Number:
        return ratio(2 * c.omega, c.n)

    accepts = ("eta",)

    def params(self, c: Constants, gamma: Number) -> dict[str, Number]:
        return {"eta": self.mixing(c)}

    def rate(self, c: Constants, gamma: Number) -> Number:
        return self.contraction(c, gamma)

    def floor(self, c: Constants, gamma: Number) -> Number:
        # at rest the workers send T_i* = x* - gamma grad f_i(x*), whose mean square is ||x*||^2 + gamma^2
        # zeta2*
        eta, rest = self.mixing(c), c.facts["star2"] + gamma * gamma * c.zeta2_star
        return eta * eta * self.spread(c) * rest / (1 - self.contraction(c, gamma))


class VRGDCILinear(_Relaxed):
    """V_t <= max{rho, 1-alpha/2}^t V_0, V = ||x-x*||^2 + (4 omega/(n alpha)) eta^2 mean||h_i - T_i*||^2, v = 6 omega/n.

    rho = 1 + eta^2 v - eta gamma mu (1+eta v), gamma <= (1+eta v)/(eta(L + v L_max)), alpha <= 1/(1+omega), T_i* = x* -
    gamma grad f_i(x*); f_i convex, f mu-strongly convex, independent workers. The shifts learn T_i*: no floor.
    """

    id = "vrgdci.linear"
    title = "Compressed iterates with learned shifts: linear, no floor"
    accepts = ("eta", "alpha")
    metric = "E||x_t - x*||^2 + (4 omega/(n alpha)) eta^2 mean||h_i - (x* - gamma grad f_i(x*))||^2"

    def spread(self, c: Constants) -> Number:
        return ratio(6 * c.omega, c.n)

    def params(self, c: Constants, gamma: Number) -> dict[str, Number]:
        alpha, eta = shift_step(c), self.mixing(c)
        weight = ratio(4 * c.omega, c.n * alpha) * eta * eta
        return {"eta": eta, "alpha": alpha, "weight": weight}

    def rate(self, c: Constants, gamma: Number) -> Number:
        return max(self.contraction(c, gamma), 1 - ratio(shift_step(c), 2))

    def observe(self, problem: Problem, state: State, plan: Plan) -> Array:
        # where the shifts rest
        rest = problem.x_star - float(plan.gamma) * problem.gradients_at_star
        shifts = float(plan["weight"]) * mean_square(state.h - rest)
        return np.asarray(problem.distance_squared(state.x) + shifts)


def default_mixing(c: Constants, theorem: _Relaxed) -> Number:
    """eta where no theorem plans: the theorem's, at most 1."""
    return min(theorem.mixing(c), 1)


@dataclass(frozen=True)
class RelaxedGDCI(BodyMethod):
    """x+ = (1-eta) x + eta mean C_i(x - gamma grad f_i(x)): compressed iterates of every worker, mixed in.

    gamma is the inner step (larger than 1/L is usual), eta=None the theorem's.
    """

    eta: object = None
    downlink: Compressor = field(default_factory=Identity, init=False, repr=False)
    takes_oracle = False
    requires = (Unbiased,)
    name = "relaxed GDCI"
    source = SHIFTED
    own_theorems = (RelaxedGDCINeighbourhood(),)

    def default_params(self, c: Constants) -> dict[str, Number]:
        return {"eta": default_mixing(c, self.own_theorems[0]) if self.eta is None else self.eta}

    def check(self, problem: Problem) -> Constants:
        """Constants with star2 = ||x*||^2."""
        star2 = float(problem.x_star @ problem.x_star)
        return super().check(problem).but(facts={"star2": star2})

    @staticmethod
    def body(w: World, x: Vec, *, gamma: Number, eta: Number) -> dict[str, Vec]:
        m = w.compress(x - gamma * w.gradient(x))
        return dict(x=(1 - eta) * x + eta * w.mean(m))


@dataclass(frozen=True)
class VRGDCIState(BodyState):
    """h: (R, n, d) shifts, which learn x* - gamma grad f_i(x*)."""

    h: Array = field(kw_only=True)


@dataclass(frozen=True)
class VRGDCI(BodyMethod):
    """m_i = C_i(x - gamma grad f_i(x) - h_i); x+ = (1-eta) x + eta mean(h_i + m_i); h_i+ = h_i + alpha m_i; h_i^0 = 0.

    eta=None and alpha=None: the theorem's; alpha = 1/(1+omega).
    """

    eta: object = None
    alpha: object = None
    downlink: Compressor = field(default_factory=Identity, init=False, repr=False)
    takes_oracle = False
    state_class = VRGDCIState
    requires = (Unbiased,)
    name = "VR-GDCI"
    source = SHIFTED
    own_theorems = (VRGDCILinear(),)

    def default_params(self, c: Constants) -> dict[str, Number]:
        eta = default_mixing(c, self.own_theorems[0]) if self.eta is None else self.eta
        return {"eta": eta, "alpha": ratio(1, 1 + c.omega) if self.alpha is None else self.alpha}

    @staticmethod
    def body(w: World, x: Vec, h: Worker, *, gamma: Number, eta: Number, alpha: Number) -> dict[str, Vec]:
        # a worker's new iterate less its learned shift: 0 at rest
        m = w.compress(x - gamma * w.gradient(x) - h)
        return dict(x=(1 - eta) * x + eta * (w.mean(h) + w.mean(m)), h=h + alpha * m)
