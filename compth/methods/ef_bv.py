"""EF-BV: one method between EF21 (nu = lambda) and DIANA (nu = 1), for biased and random compressors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from compth._numbers import Number, max, ratio, sqrt
from compth.calculus import ef_bv_contraction, ef_bv_scaling
from compth.claims import Attribution, BiasVariance, Standing, Unbiased
from compth.errors import NoGuarantee
from compth.methods.core import Array, Constants, Plan, State, Theorem, mean_square
from compth.methods.core.body import BodyMethod, BodyState, Worker
from compth.problems.interface import Problem
from compth.sources import EFBV as EFBV_PAPER

if TYPE_CHECKING:
    from compth.methods.core.signature import Vec, World


def bias_variance(c: Constants) -> tuple[Number, Number, Number]:
    """(eta, omega, omega_av): the fleet's class C(eta, omega); independent workers average the variance to omega/n."""
    # an unbiased compressor has eta = 0; the variance of independent workers averages, the bias does not
    pair = c.claim(BiasVariance)
    unbiased = c.claim(Unbiased)
    if pair is None and unbiased is None:
        raise NoGuarantee("the compressor makes no BiasVariance or Unbiased claim, which EF-BV needs")
    eta, omega = (pair.eta, pair.omega) if pair is not None else (0, c.omega)
    return eta, omega, ratio(omega, c.n) if c.independent else omega


def scaled(c: Constants) -> tuple[tuple[Number, Number], tuple[Number, Number]]:
    """((lambda*, nu*), (r, r_av)): the best scalings, and the contraction factors that they leave."""
    eta, omega, omega_av = bias_variance(c)
    # lambda is for each worker's control variate, nu for their average, which has the smaller variance and
    # may be trusted more
    lam, nu = ef_bv_scaling(eta, omega), ef_bv_scaling(eta, omega_av)
    return (lam, nu), (ef_bv_contraction(eta, omega, lam), ef_bv_contraction(eta, omega_av, nu))


def ef_bv_step(L: Number, L_tilde: Number, r: Number, r_av: Number) -> Number:
    """1/(L + L~ sqrt(r_av/r)/s*), s* = sqrt((1+r)/(2r)) - 1; 1/L at r = 0."""
    if r == 0:
        return 1 / L
    return 1 / (L + L_tilde * sqrt(ratio(r_av, r)) / (sqrt(ratio(1 + r, 2 * r)) - 1))


class EFBVPL(Theorem):
    """E Psi_t <= max{1-gamma mu, (r+1)/2}^t Psi_0, Psi = f - f* + (gamma/(2 theta*)) mean||grad f_i - h_i||^2 (f PL).

    lambda = lambda*, nu = nu*; r = (1-lambda+lambda eta)^2 + lambda^2 omega, r_av with nu and omega_av;
    s* = sqrt((1+r)/(2r)) - 1, theta* = s*(1+s*) r/r_av; gamma <= 1/(L + L~ sqrt(r_av/r)/s*). The -1 of s* is outside
    the root.
    """

    id = "efbv.pl"
    title = "EF-BV under the Polyak-Lojasiewicz condition"
    source = EFBV_PAPER
    attribution = Attribution.READ
    declared = Standing.CITED
    metric = "E f(x_t) - f* + (gamma/(2 theta*)) mean||grad f_i(x_t) - h_i||^2"
    proof = "efbv.pl"

    def _why_not(self, c: Constants) -> str:
        try:
            eta, omega, _ = bias_variance(c)
        except NoGuarantee as reason:
            return str(reason)
        if not eta < 1:
            return "eta must be below 1"
        return "r = 0 leaves nothing to learn: use GD" if eta == 0 and omega == 0 else ""

    def step_limit(self, c: Constants) -> tuple[Number, str]:
        _, (r, r_av) = scaled(c)
        return ef_bv_step(c.L, c.L_tilde, r, r_av), "1/(L + L~ sqrt(r_av/r)/s*)"

    def params(self, c: Constants, gamma: Number) -> dict[str, Number]:
        (lam, nu), (r, r_av) = scaled(c)
        # s* is Young's parameter with r (1+s)^2 = (1+r)/2: the errors then contract by (1+r)/2
        s = sqrt(ratio(1 + r, 2 * r)) - 1
        theta = s * (1 + s) * r / r_av
        return {"lambda": lam, "nu": nu, "weight": gamma / (2 * theta)}

    def rate(self, c: Constants, gamma: Number) -> Number:
        _, (r, _) = scaled(c)
        return max(1 - gamma * c.mu, (1 + r) / 2)

    def observe(self, problem: Problem, state: State, plan: Plan) -> Array:
        error = mean_square(problem.gradients(state.x) - state.h)
        return np.asarray(problem.gap(state.x) + float(plan["weight"]) * error)

    def distance_factor(self, c: Constants, plan: Plan) -> float:
        """f - f* >= (mu/2) ||x - x*||^2."""
        return float(c.mu) / 2


@dataclass(frozen=True)
class EFBVState(BodyState):
    """h: (R, n, d) control variates."""

    h: Array = field(kw_only=True)


@dataclass(frozen=True)
class EFBV(BodyMethod):
    """d_i = C_i(grad f_i(x) - h_i); x+ = x - gamma C_M(mean h_i + nu mean d_i); h_i+ = h_i + lambda d_i; h_i^0 = 0."""

    state_class = EFBVState
    planned: ClassVar[Mapping[str, str]] = MappingProxyType({"lam": "lambda"})
    lyapunov_names: ClassVar[Mapping[str, str]] = MappingProxyType({"q": "direction", "g": "gradient"})
    name = "EF-BV"
    source = EFBV_PAPER
    own_theorems = (EFBVPL(),)

    def default_params(self, c: Constants) -> dict[str, Number]:
        eta, omega, omega_av = bias_variance(c)
        return {"lambda": ef_bv_scaling(eta, omega), "nu": ef_bv_scaling(eta, omega_av)}

    @staticmethod
    def body(w: World, x: Vec, h: Worker, *, gamma: Number, lam: Number, nu: Number) -> dict[str, Vec]:
        # one message, scaled by lambda where it is learned from and by nu where it is used
        d = w.compress(w.gradient(x) - h)
        return dict(x=x - gamma * w.broadcast(w.mean(h) + nu * w.mean(d)), h=h + lam * d)
