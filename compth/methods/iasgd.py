"""IASGD: independent blocks with Nesterov's acceleration under strong growth."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from compth._numbers import Number, ratio, sqrt
from compth.claims import Attribution, Standing
from compth.compressors.random_blocks import RandomBlocks
from compth.methods.core import Array, Constants, Plan, State, Theorem
from compth.methods.core.body import BodyState, Server, copy_of_start
from compth.methods.ibcd import IBCD
from compth.problems.interface import Problem
from compth.sources import IBCD as IBCD_PAPER

if TYPE_CHECKING:
    from compth.methods.core.signature import Vec, World


def strong_growth(c: Constants) -> tuple[Number, Number] | None:
    """(r, s2) with mean||grad f_i||^2 <= r ||grad f||^2 + s2 everywhere, None where no such pair is known.

    Equal Hessians: (1, zeta2*). Interpolation with convex f_i: mean||grad f_i||^2 <= 2 L_max (f-f*) <= (L_max/mu)
    ||grad f||^2.
    """
    if c.dissimilarity < float("inf"):
        return 1, c.dissimilarity
    return (c.L_max / c.mu, 0) if c.zeta2_star == 0 and c.convex else None


def block_growth(c: Constants, tau: Number) -> tuple[Number, Number]:
    """(rho, s2) of q = (1/(n tau)) sum (g_i)_{U_i}: E||q||^2 <= rho ||grad f||^2 + s2.

    rho = 1 + (r/n)(1/tau - 1), s2 = sigma2/(n tau) + (s_f/n)(1/tau - 1), for strong_growth (r, s_f).
    """
    # no pair known: rho = inf, and the step is 0
    r, s = strong_growth(c) or (float("inf"), float("inf"))
    omega = ratio(1, tau) - 1
    return 1 + r * omega / c.n, c.sigma2 / (c.n * tau) + s * omega / c.n


def acceleration(gamma: Number, mu: Number, rho: Number) -> dict[str, Number]:
    """a = 1/(1 + m rho), beta = 1 - sqrt(gamma mu/rho), m = 1/sqrt(rho gamma mu): mixing, memory and momentum."""
    # the three parameters of Nesterov's scheme under strong growth, tied to one step gamma
    momentum = 1 / sqrt(rho * gamma * mu)
    return {"mix": 1 / (1 + momentum * rho), "beta": 1 - sqrt(gamma * mu / rho), "momentum": momentum}


class IASGDGrowth(Theorem):
    """E f(x_t)-f* + (mu/2)E||v_t-x*||^2 <= (1-sqrt(gamma mu/rho))^t (its start) + s2 sqrt(gamma/(rho mu)).

    0 < gamma <= 1/(rho L), rho and s2 of block_growth. At gamma = 1/(rho L): factor 1 - sqrt(mu/(L rho^2)), floor
    s2/(rho sqrt(L mu)). The paper's Cor. 6 prints the complexity inverted; it is rho sqrt(L/mu) log(1/eps).
    """

    id = "iasgd.growth"
    proof = "iasgd.growth"
    gradient_noise = "bounded"
    title = "Independent accelerated block gradients under strong growth"
    source = IBCD_PAPER.at("Lemma 1, Thm 6")
    attribution = Attribution.READ
    declared = Standing.CITED
    accepts: ClassVar[tuple[str, ...]] = ("tau",)
    metric = "E f(x_t) - f* + (mu/2) E||v_t - x*||^2"

    def _why_not(self, c: Constants) -> str:
        if strong_growth(c) is None:
            return "it needs strong growth: equal Hessians, or a minimiser shared by convex f_i"
        return "" if c.mu > 0 else "f must be strongly convex"

    def step_limit(self, c: Constants) -> tuple[Number, str]:
        rho, _ = block_growth(c, c.params["tau"])
        return 1 / (rho * c.L), "1/(rho L)"

    def params(self, c: Constants, gamma: Number) -> dict[str, Number]:
        rho, _ = block_growth(c, c.params["tau"])
        return {**acceleration(gamma, c.mu, rho), "mu": c.mu}

    def rate(self, c: Constants, gamma: Number) -> Number:
        return self.params(c, gamma)["beta"]

    def floor(self, c: Constants, gamma: Number) -> Number:
        rho, noise = block_growth(c, c.params["tau"])
        return noise * sqrt(gamma / (rho * c.mu))

    def observe(self, problem: Problem, state: State, plan: Plan) -> Array:
        return np.asarray(problem.gap(state.x) + float(plan["mu"]) / 2 * problem.distance_squared(state.v))

    def distance_factor(self, c: Constants, plan: Plan) -> float:
        """f - f* >= (mu/2) ||x - x*||^2."""
        return float(c.mu) / 2


@dataclass(frozen=True)
class IASGDState(BodyState):
    """x: the paper's output; v: (R, d) the momentum sequence."""

    v: Array = field(kw_only=True)


@dataclass(frozen=True)
class IASGD(IBCD):
    """y = a v + (1-a) x, q = C_M(sum (grad f_i(y))_{U_i}/(n tau)); x+ = y - gamma q, v+ = b v + (1-b) y - m gamma q.

    a, b, m: `acceleration`. IASGD(tau=1/4); tau m of m blocks, blocks=None: single coordinates.
    """

    state_class = IASGDState
    name = "independent accelerated block gradient descent"
    own_theorems = (IASGDGrowth(),)

    def _sketch(self) -> RandomBlocks:
        return RandomBlocks(self.tau, self.blocks, unbiased=True)

    def default_params(self, c: Constants) -> dict[str, Number]:
        """As in the theorem; without strong growth, with rho = 1/tau."""
        rho = ratio(1, self.tau) if strong_growth(c) is None else block_growth(c, self.tau)[0]
        return acceleration(self.gamma, c.mu, rho)

    @staticmethod
    def body(  # type: ignore[override]
        w: World,
        x: Vec,
        v: Server = copy_of_start,
        *,
        gamma: Number,
        mix: Number,
        beta: Number,
        momentum: Number,
    ) -> dict[str, Vec]:
        # gradients are taken between the output x and the momentum sequence v
        y = mix * v + (1 - mix) * x
        q = w.broadcast(w.mean(w.compress(w.gradient(y))))
        return dict(x=y - gamma * q, v=beta * v + (1 - beta) * y - momentum * gamma * q)
