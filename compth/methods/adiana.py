"""ADIANA: accelerated DIANA, with a reference point that is moved by a coin."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from compth._numbers import Number, max, min, ratio, sqrt
from compth.claims import JointVariance, Unbiased
from compth.errors import NoGuarantee
from compth.methods.core import Array, Constants, Plan, State, Theorem, mean_square
from compth.methods.core.body import BodyMethod, BodyState, Server, Worker, copy_of_start
from compth.methods.diana import independent
from compth.problems.interface import Problem
from compth.sources import ADIANA as ADIANA_PAPER

if TYPE_CHECKING:
    from compth.methods.core.signature import Vec, World


def refresh_probability(omega: Number, n: Number) -> Number:
    """p = min{1, max{1, sqrt(n/(32 omega)) - 1}/(2(1+omega))}: how often the reference point moves (1 at omega = 0)."""
    if omega == 0:
        return 1
    # a fresh reference point costs the shifts their memory, an old one the gradients their accuracy: p
    # balances the two
    return min(1, max(1, sqrt(ratio(n, 32 * omega)) - 1) / (2 * (1 + omega)))


def coin(c: Constants) -> Number:
    """p: the user's, or refresh_probability."""
    return c.params.get("p", refresh_probability(c.omega, c.n))


def adiana_step(L: Number, omega: Number, n: Number, p: Number) -> Number:
    """min{1/(2L), n/(8 omega (1+4q)^2 L)}, q = p(1+omega)."""
    q = p * (1 + omega)
    # (8 omega L/n)(1+4q)^2 eta <= 1 is what the docstring's proof asks of the compressor's variance
    cost = ratio(8 * omega * (1 + 4 * q) * (1 + 4 * q), n)
    return min(1 / (2 * L), 1 / (cost * L)) if omega != 0 else 1 / (2 * L)


def adiana_step_paper(L: Number, omega: Number, n: Number, p: Number) -> Number:
    """min{1/(2L), n/(64 omega (2p(1+omega)+1)^2 L)}: the paper's step, below adiana_step."""
    q = p * (1 + omega)
    cost = ratio(64 * omega * (1 + 2 * q) * (1 + 2 * q), n)
    return min(1 / (2 * L), 1 / (cost * L)) if omega != 0 else 1 / (2 * L)


class ADIANAAccelerated(Theorem):
    """E Psi_t <= (1 - min{g mu, theta_1/2, p theta_1/(1+theta_1), alpha/4})^t Psi_0, eta <= adiana_step.

    Psi = ||z-x*||^2 + c (f(y)-f*) + (c (1+theta_1)/(2p)) (f(w)-f*) + b mean||h_i - grad f_i(w)||^2, where
    c = 2 g beta/theta_1, b = (8 omega/(n alpha)) (g^2 + c L eta^2/2); theta_1 = min{1/4, sqrt(eta mu/p)},
    theta_2 = 1/2, beta = 1 - g mu, g = eta/(2(theta_1 + eta mu)), alpha = 1/(1+omega). f_i convex and L-smooth,
    f mu-strongly convex; the method's gamma is eta.

    Proof: V = E||g^k - grad f(x)||^2 <= (2 omega/n)(H + 2L D(w, x)); the z-step with theta_1(x-z) = theta_2(w-x) +
    (1-theta_1-theta_2)(y-x) leaves -c D(w,x)/2 and -c(1/2-theta_1) D(y,x), which pay for V and for
    E H+ <= (1-alpha/2)H + 4Lp(1+2p/alpha)(D(w,x) + D(y,x)) when (8 omega L/n)(1+4q)^2 eta <= 1, q = p/alpha.
    """

    id = "adiana.accelerated"
    proof = "adiana.accelerated"
    title = "ADIANA: accelerated, no floor"
    source = ADIANA_PAPER.at("Alg. 2; our constants")
    requires = (Unbiased, JointVariance)
    accepts: ClassVar[tuple[str, ...]] = ("p",)
    metric = "Lyapunov function of z, y, w and the shifts"

    def _why_not(self, c: Constants) -> str:
        return independent(c) if c.convex else "every f_i must be convex"

    def step_limit(self, c: Constants) -> tuple[Number, str]:
        limit = adiana_step(c.L_max, c.omega, c.n, coin(c))
        return limit, "min{1/(2L), n/(8 omega (1+4p(1+omega))^2 L)}"

    def params(self, c: Constants, gamma: Number) -> dict[str, Number]:
        # parameters of the run and weights of Psi come from one place, so that what is bounded is what runs
        run = adiana_parameters(gamma, c.mu, c.omega, coin(c))
        theta, step, alpha = run["theta"], run["step"], run["alpha"]
        weight = 2 * step * run["beta"] / theta
        shifts = ratio(8 * c.omega, c.n * alpha) * (step * step + weight * c.L_max * gamma * gamma / 2)
        return {**run, "gap": weight, "reference": weight * (1 + theta) / (2 * run["p"]), "shifts": shifts}

    def rate(self, c: Constants, gamma: Number) -> Number:
        run = adiana_parameters(gamma, c.mu, c.omega, coin(c))
        theta, p = run["theta"], run["p"]
        # the slowest of the four parts of Psi: z, y, w, the shifts
        return 1 - min(run["step"] * c.mu, theta / 2, p * theta / (1 + theta), ratio(run["alpha"], 4))

    def observe(self, problem: Problem, state: State, plan: Plan) -> Array:
        z = problem.distance_squared(state.z)
        gaps = float(plan["gap"]) * problem.gap(state.x) + float(plan["reference"]) * problem.gap(state.w)
        memory = mean_square(state.h - problem.gradients(state.w))
        return np.asarray(z + gaps + float(plan["shifts"]) * memory)

    def distance_factor(self, c: Constants, plan: Plan) -> float:
        """Psi >= c (f(y) - f*) >= (c mu/2) ||y - x*||^2."""
        return float(plan["gap"] * c.mu) / 2


class ADIANAPaper(ADIANAAccelerated):
    """The same bound for the paper's steps eta <= min{1/(2L), n/(64 omega (2p(1+omega)+1)^2 L)}; the rate is ours."""

    id = "adiana.paper"
    proof = "adiana.paper"
    title = "ADIANA at the step size of its paper"
    source = ADIANA_PAPER

    def step_limit(self, c: Constants) -> tuple[Number, str]:
        limit = adiana_step_paper(c.L_max, c.omega, c.n, coin(c))
        return limit, "min{1/(2L), n/(64 omega (1+2p(1+omega))^2 L)}"


def adiana_parameters(eta: Number, mu: Number, omega: Number, p: Number) -> dict[str, Number]:
    """theta_1, step (of z), beta, alpha and p for a gradient step eta, as in adiana.accelerated."""
    if not 0 < p <= 1:
        raise NoGuarantee(f"p={float(p):.6g} is not a probability in (0, 1]")
    if mu == 0:
        raise NoGuarantee("mu=0: ADIANA's parameters are made of mu, f must grow")
    theta = min(ratio(1, 4), sqrt(eta * mu / p))
    step = eta / (2 * (theta + eta * mu))
    return {"theta": theta, "step": step, "beta": 1 - step * mu, "alpha": ratio(1, 1 + omega), "p": p}


@dataclass(frozen=True)
class ADIANAState(BodyState):
    """x: the output y of the paper; z: (R, d); w: (R, d) reference point; h: (R, n, d) shifts."""

    z: Array = field(kw_only=True)
    w: Array = field(kw_only=True)
    h: Array = field(kw_only=True)


@dataclass(frozen=True)
class ADIANA(BodyMethod):
    """u = t z + w/2 + (1/2-t) y, g = C_M(mean(h_i + C_i(grad f_i(u)-h_i))), y+ = u - eta g, z+ = b z + (1-b) u - s g.

    h_i+ = h_i + alpha C_i(grad f_i(w) - h_i); w+ = y with probability p, else w (t = theta_1, b = beta, s: step of z).
    Two messages a round; h_i^0 = 0; gamma is eta, p=None: the paper's.
    """

    p: Number | None = None
    takes_oracle = False
    state_class = ADIANAState
    planned: ClassVar[Mapping[str, str]] = MappingProxyType({"stride": "step"})
    requires = (Unbiased,)
    chances = ("p",)
    name = "accelerated DIANA"
    source = ADIANA_PAPER
    own_theorems = (ADIANAAccelerated(), ADIANAPaper())

    def default_params(self, c: Constants) -> dict[str, Number]:
        if self.gamma is None:
            return {}
        p = refresh_probability(c.omega, c.n) if self.p is None else self.p
        return adiana_parameters(self.gamma, c.mu, c.omega, p)

    @staticmethod
    def body(
        c: World,
        x: Vec,
        h: Worker,
        z: Server = copy_of_start,
        w: Server = copy_of_start,
        *,
        gamma: Number,
        theta: Number,
        stride: Number,
        beta: Number,
        alpha: Number,
        p: Number,
    ) -> dict[str, Vec]:
        # Katyusha's coupling: momentum through z, and half of the weight on the reference point w, which
        # holds the variance down
        u = theta * z + w / 2 + (Fraction(1, 2) - theta) * x
        m = c.compress(c.gradient(u) - h)
        g = c.broadcast(c.mean(h) + c.mean(m))
        # the shifts learn the gradients at w, which rests between coins, and not those at the moving u
        shift = c.compress(c.gradient(w) - h)
        after = beta * z + (1 - beta) * u - stride * g
        return dict(x=u - gamma * g, z=after, w=c.coin(p, x, w), h=h + alpha * shift)
