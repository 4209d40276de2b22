"""LoCoDL: local steps with compressed differences to a model that everybody has."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from compth._numbers import Number, max, min, ratio, sqrt
from compth.bits import FLOAT_BITS
from compth.claims import Attribution, JointVariance, Standing, Unbiased
from compth.compressors import Compressor
from compth.compressors.identity import Identity
from compth.errors import NoGuarantee
from compth.methods.core import Array, Constants, Plan, State, Theorem, mean_square
from compth.methods.core.body import BodyMethod, BodyState, Reading, Worker, copy_of_start
from compth.methods.core.descent import mean_error
from compth.methods.core.state import Bits, Counted
from compth.methods.diana import independent
from compth.problems.interface import Problem
from compth.sources import LOCODL as LOCODL_PAPER

if TYPE_CHECKING:
    from compth.methods.core.signature import Vec, World


def moved_ridge(c: Constants) -> Number:
    """Of the ridge (r/2)||x||^2 that every f_i gives to the common g: r = mu_min/2, half of the strong convexity."""
    # both f_i less its ridge and g must be strongly convex: half of mu_min for each
    return c.mu_min / 2


def curvatures(c: Constants) -> tuple[Number, Number]:
    """(mu, L) of g and of every f_i less its ridge: mu_min/2 and L_max - mu_min/2."""
    return moved_ridge(c), c.L_max - moved_ridge(c)


def square_factor(c: Constants, gamma: Number) -> Number:
    """max{(1-gamma mu)^2, (1-gamma L)^2}, of a local step."""
    mu, L = curvatures(c)
    return max((1 - gamma * mu) ** 2, (1 - gamma * L) ** 2)


class LoCoDLLinear(Theorem):
    """E Psi_t <= max{(1-gamma m)^2, (1-gamma M)^2, 1 - p^2 q/(1+2 omega)}^t Psi_0, 0 < gamma < 2/M, m = mu_min/2.

    M = L_max - mu_min/2, q = 1/(1+omega/n); Psi = (1/gamma) sum(||x_i-x*||^2 + ||y-x*||^2) + gamma (1+2 omega)/(p^2 q)
    sum(||u_i-u_i*||^2 + ||v-v*||^2), u_i* = grad f_i(x*) - m x*, v* = m x*, f_i m-strongly convex without their ridge,
    independent workers. With 1+omega in place of 1+2 omega it is false. p=None balances the last two.
    """

    id = "locodl.linear"
    title = "LoCoDL: linear, no floor"
    source = LOCODL_PAPER
    attribution = Attribution.RECALLED
    declared = Standing.CITED
    requires = (Unbiased, JointVariance)
    accepts = ("p",)
    metric = "(1/gamma) sum(||x_i-x*||^2 + ||y-x*||^2) + gamma (1+2 omega)/(p^2 q) sum(||u_i-u_i*||^2 + ||v-v*||^2)"

    def _why_not(self, c: Constants) -> str:
        return independent(c) if c.mu_min > 0 else "every f_i must be strongly convex"

    def step_limit(self, c: Constants) -> tuple[Number, str]:
        return 2 / curvatures(c)[1], "2/(L_max - mu_min/2)"

    def default_step(self, c: Constants) -> Number:
        """Where both local factors are equal, 2/L_max."""
        return 2 / c.L_max

    def slack(self, c: Constants, gamma: Number) -> Number:
        return 1 - square_factor(c, gamma)

    def chance(self, c: Constants, gamma: Number) -> Number:
        """p: the user's, or the least at which communication does not slow the local steps down."""
        if "p" in c.params:
            return c.params["p"]
        pull = (1 - square_factor(c, gamma)) * (1 + 2 * c.omega) * (1 + ratio(c.omega, c.n))
        return min(1, sqrt(pull))

    def params(self, c: Constants, gamma: Number) -> dict[str, Number]:
        # the duals contract by p^2 times this share; p is chosen so that it is no slower than the local
        # steps
        p, lift = self.chance(c, gamma), mixing(c) / (1 + 2 * c.omega)
        weight = gamma / (p * p * lift)
        return {"p": p, "mix": mixing(c), "lift": lift, "ridge": moved_ridge(c), "weight": weight}

    def rate(self, c: Constants, gamma: Number) -> Number:
        p = self.chance(c, gamma)
        return max(square_factor(c, gamma), 1 - p * p * mixing(c) / (1 + 2 * c.omega))

    def observe(self, problem: Problem, state: State, plan: Plan) -> Array:
        # at the solution u_i* = grad f_i(x*) - m x*, as the ridge was moved to g; v* = m x* = -mean u_i*
        n, star, pull = problem.n, problem.x_star, float(plan["ridge"]) * problem.x_star
        apart = mean_square(state.z - star) + problem.distance_squared(state.x)
        duals = mean_square(state.u - problem.gradients_at_star + pull) + mean_error(state.u + pull)
        return np.asarray(n * (apart / float(plan.gamma) + float(plan["weight"]) * duals))

    def distance_factor(self, c: Constants, plan: Plan) -> float:
        """Psi >= (n/gamma)||y-x*||^2."""
        return float(c.n / plan.gamma)


def mixing(c: Constants) -> Number:
    """rho = chi = 1/(1+omega/n)."""
    return ratio(1, 1 + ratio(c.omega, c.n))


@dataclass(frozen=True)
class LoCoDLState(BodyState):
    """u, z: (R, n, d) the workers' dual vectors and models; x is the common model."""

    u: Array = field(kw_only=True)
    z: Array = field(kw_only=True)


@dataclass(frozen=True)
class LoCoDL(BodyMethod):
    """Local steps z_i' = z_i - gamma grad f_i(z_i) + gamma u_i, x' = x - gamma grad g(x) + gamma v; w.p. p they meet.

    g = (r/2)||x||^2 is taken out of every f_i, r = `ridge`, None: mu_min/2. With probability p d_i = C_i(z_i' - x') are
    sent, D = mean d_i/2 comes back: z_i+ = (1-rho) z_i' + rho (x' + D), x+ = x' + rho D, u_i+ = u_i + (p lift/gamma)
    (D - d_i); else z_i+ = z_i', x+ = x'. v = -mean u_i, which the paper updates beside them; rho = `mix`. An iteration
    is no round: it sends with probability p.
    """

    p: Number | None = None
    mix: object = None
    lift: object = None
    ridge: Number | None = None
    downlink: Compressor = field(default_factory=Identity, init=False, repr=False)
    takes_oracle = False
    state_class = LoCoDLState
    requires = (Unbiased,)
    chances = ("p",)
    name = "LoCoDL"
    source = LOCODL_PAPER
    own_theorems: ClassVar[tuple[Theorem, ...]] = (LoCoDLLinear(),)

    def default_params(self, c: Constants) -> dict[str, Number]:
        given = {k: getattr(self, k) for k in self.signature.params}
        if None not in given.values():
            return given
        if not c.mu_min > 0:
            raise NoGuarantee("LoCoDL needs strongly convex f_i, or every parameter: p, mix, lift, ridge")
        gamma = self.own_theorems[0].default_step(c) if self.gamma is None else self.gamma
        theorem = LoCoDLLinear()
        if self.p is None and not theorem.slack(c, gamma) > 0:
            raise NoGuarantee(
                f"gamma={float(gamma):.6g}: local steps do not contract, so nothing plans p: give p=..."
            )
        own = theorem.params(c.but(params={"p": self.p} if self.p is not None else {}), gamma)
        return {k: own[k] if v is None else v for k, v in given.items()}

    def _heard(self, w: Counted, read: Reading | None, problem: Problem) -> Bits | None:
        """The mean of the messages, where they meet."""
        return np.where(w.coins[0], float(problem.d * FLOAT_BITS), 0.0)

    @staticmethod
    def body(
        w: World,
        x: Vec,
        u: Worker,
        z: Worker = copy_of_start,
        *,
        gamma: Number,
        p: Number,
        mix: Number,
        lift: Number,
        ridge: Number,
    ) -> dict[str, Vec]:
        mine = z - gamma * (w.gradient(z) - ridge * z) + gamma * u
        ours = x - gamma * ridge * x - gamma * w.mean(u)
        # models are compared with one that everybody has, so that the compressed difference vanishes at the
        # solution
        d = w.compress(mine - ours)
        both, pace = w.mean(d) / 2, p * lift / gamma
        met = (1 - mix) * mine + mix * (ours + both), ours + mix * both, u + pace * (both - d)
        # local steps go on without communication with probability 1-p
        own, common, dual = w.coin(p, met, (mine, ours, u))
        return dict(z=own, x=common, u=dual)
