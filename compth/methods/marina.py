"""MARINA: compressed gradient differences, with a full round now and then."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from compth._numbers import Number, min, ratio, sqrt
from compth.claims import Attribution, JointVariance, Unbiased
from compth.errors import NoGuarantee
from compth.methods.core import Array, Constants, Plan, State, Theorem
from compth.methods.core.body import BodyMethod, BodyState, Server, gradient_at_start
from compth.methods.core.nonconvex import MeanSquaredGradient
from compth.problems.interface import Problem
from compth.sources import MARINA as MARINA_PAPER
from compth.sources import PERMK

if TYPE_CHECKING:
    from compth.methods.core.signature import Vec, World


def drift(c: Constants) -> Number:
    """K in E||mean C_i(a_i) - abar||^2 <= K ||y - x||^2, a_i = grad f_i(y) - grad f_i(x): (A-B) L_plus^2 + B L_pm^2.

    For A >= B >= 0, as the theorems' proofs assume. Other pairs enter by one that they imply: (A-B, 0) for B < 0, since
    ||abar||^2 <= mean||a_i||^2, and (A, 0) for B > A.
    """
    # E||mean C_i(a_i) - abar||^2 <= A mean||a_i||^2 - B||abar||^2 = (A-B) mean||a_i||^2 + B (mean||a_i||^2
    # - ||abar||^2), each bounded by its own constant
    a, b = c.joint.A, c.joint.B
    if not a >= b >= 0:
        return a * c.L_plus * c.L_plus if b >= 0 else (a - b) * c.L_plus * c.L_plus
    return (a - b) * c.L_plus * c.L_plus + b * c.L_pm * c.L_pm


def marina_step(c: Constants, p: Number, factor: Number) -> Number:
    """1/(L + sqrt(factor (1-p) K/p)): factor 1 nonconvex, 2 under PL."""
    # per step the error of g is kept with probability 1-p and grows by K||x+ - x||^2: (1-p)/p of it
    # accumulates between full rounds
    return 1 / (c.L + sqrt(factor * (1 - p) * drift(c) / p))


def probability(c: Constants) -> Number:
    """p: the user's, or 1/(1+omega) (Rand-k: the density k/d)."""
    p = c.params.get("p", ratio(1, 1 + c.omega))
    if not 0 < p <= 1:
        raise NoGuarantee(f"p={float(p):.6g} is not a probability in (0, 1]")
    return p


class MARINAPL(Theorem):
    """E Psi_t <= (1-gamma mu)^t Psi_0, Psi = f - f* + (gamma/p)||g - grad f||^2 (f PL with mu).

    gamma <= min{1/(L + sqrt(2(1-p)K/p)), p/(2 mu)}, K = (A-B) L_plus^2 + B L_pm^2: PermK (A = B = 1) sees the Hessian
    variance only. For independent workers the paper's L~^2 omega/n is K with L~ >= L_plus.
    """

    id = "marina.pl"
    title = "MARINA under the Polyak-Lojasiewicz condition: linear, no floor"
    source = MARINA_PAPER
    attribution = Attribution.RECALLED
    requires = (Unbiased, JointVariance)
    accepts = ("p",)
    metric = "E f(x_t) - f* + (gamma/p) ||g_t - grad f(x_t)||^2"
    proof = "marina.pl"

    def step_limit(self, c: Constants) -> tuple[Number, str]:
        p = probability(c)
        return min(marina_step(c, p, 2), p / (2 * c.mu)), "min{1/(L+sqrt(2(1-p)K/p)), p/(2 mu)}"

    def params(self, c: Constants, gamma: Number) -> dict[str, Number]:
        p = probability(c)
        return {"p": p, "weight": gamma / p}

    def rate(self, c: Constants, gamma: Number) -> Number:
        return 1 - gamma * c.mu

    def observe(self, problem: Problem, state: State, plan: Plan) -> Array:
        # the estimator is biased: its error is a part of the Lyapunov function
        error = state.g - problem.gradient(state.x)
        return np.asarray(problem.gap(state.x) + float(plan["weight"]) * np.einsum("rj,rj->r", error, error))

    def distance_factor(self, c: Constants, plan: Plan) -> float:
        """f - f* >= (mu/2) ||x - x*||^2."""
        return float(c.mu) / 2


class MARINABidirectional(MARINAPL):
    """marina.pl with x+ = x - gamma C_M(g): E Psi_t <= (1-gamma mu)^t Psi_0, C_M unbiased with variance omega_M.

    gamma <= min{1/((1+omega_M)L + sqrt(2(1+omega_M)(1-p)K/p)), p/(2 mu)}: with E||x+ - x||^2 <= (1+omega_M) gamma^2
    ||g||^2 the terms in ||g||^2 of marina.pl's proof stay non-positive.
    """

    id = "marina.bidirectional"
    title = "MARINA with a compressed broadcast under the Polyak-Lojasiewicz condition"
    attribution = Attribution.OURS
    proof = "marina.bidirectional"
    bidirectional = True

    def step_limit(self, c: Constants) -> tuple[Number, str]:
        # ||x+ - x||^2 is (1 + omega_M) times as large on average, in the smoothness term and in the error's
        # growth
        p, down = probability(c), 1 + c.omega_down
        limit = min(1 / (down * c.L + sqrt(2 * down * (1 - p) * drift(c) / p)), p / (2 * c.mu))
        return limit, "min{1/((1+omega_M)L + sqrt(2(1+omega_M)(1-p)K/p)), p/(2 mu)}"


class MARINANonconvex(MeanSquaredGradient):
    """(1/T) sum_{t<T} E||grad f(x_t)||^2 <= 2 (f(x_0)-f*)/(gamma T) for gamma <= 1/(L + sqrt((1-p)K/p)).

    K as in marina.pl; g_0 = grad f(x_0); f and f_i need not be convex. For independent workers the MARINA paper prints
    L~(1 + sqrt(...)), a smaller step; K with L_plus and L_pm is the PermK paper's form.
    """

    id = "marina.nonconvex"
    title = "MARINA without convexity: the mean squared gradient decays as 1/T"
    proof = "marina.nonconvex"
    source = PERMK
    attribution = Attribution.RECALLED
    requires = (Unbiased, JointVariance)
    accepts = ("p",)

    def step_limit(self, c: Constants) -> tuple[Number, str]:
        return marina_step(c, probability(c), 1), "1/(L+sqrt((1-p)K/p))"

    def params(self, c: Constants, gamma: Number) -> dict[str, Number]:
        return {"p": probability(c)}

    def values(self, c: Constants, plan: Plan, start: float) -> Callable[[int], float]:
        first = 2 * start / float(plan.gamma)
        return lambda t: first / t if t > 0 else float("inf")


@dataclass(frozen=True)
class MARINAState(BodyState):
    """g: (R, d) the server's estimate."""

    g: Array = field(kw_only=True)


@dataclass(frozen=True)
class MARINA(BodyMethod):
    """x+ = x - gamma C_M(g); with probability p g+ = grad f(x+), else g+ = g + mean C_i(grad f_i(x+) - grad f_i(x)).

    One coin for all workers; p=None: 1/(1+omega). g^0 = grad f(x^0): the first round sends full gradients.
    """

    p: Number | None = None
    takes_oracle = False
    state_class = MARINAState
    requires = (Unbiased,)
    chances = ("p",)
    name = "MARINA"
    source = MARINA_PAPER
    own_theorems = (MARINAPL(), MARINANonconvex(), MARINABidirectional())
    lyapunov_names: ClassVar[Mapping[str, str]] = MappingProxyType({"q": "g", "g": "gradient"})

    def default_params(self, c: Constants) -> dict[str, Number]:
        return {"p": probability(c)}

    @staticmethod
    def body(w: World, x: Vec, g: Server = gradient_at_start, *, gamma: Number, p: Number) -> dict[str, Vec]:
        after = x - gamma * w.broadcast(g)
        # one gradient a round: the one at x was the new one of the round before, and is carried over
        new = w.gradient(after)
        m = w.compress(new - w.gradient(x))
        # the coin is common: all send full gradients, or all send compressed differences
        return dict(x=after, g=w.coin(p, w.mean(new), g + w.mean(m)))
