"""Rand-DIANA: shifts that are set to the last gradient now and then, uncompressed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from compth._numbers import Number, max, ratio
from compth.bits import FLOAT_BITS
from compth.claims import JointVariance, Unbiased
from compth.compressors import Compressor
from compth.compressors.identity import Identity
from compth.errors import NoGuarantee
from compth.methods.core import Array, Constants, Plan, State, mean_square
from compth.methods.core.body import BodyMethod, BodyState, Reading, Worker
from compth.methods.core.state import Bits, Counted
from compth.methods.core.unified import WITH_MEMORY, Parameters, UnifiedTheorem
from compth.methods.diana import independent
from compth.problems.interface import Problem
from compth.sources import SHIFTED

if TYPE_CHECKING:
    from compth.methods.core.signature import Vec, World


def refresh(c: Constants) -> Number:
    """p: the user's, or 1/(1+omega), at which the rate is DIANA's."""
    if "p" not in c.params:
        return ratio(1, 1 + c.omega)
    p = c.params["p"]
    if not 0 < p <= 1:
        raise NoGuarantee(f"p={float(p):.6g} is not a probability in (0, 1]")
    return p


class RandDIANALinear(UnifiedTheorem):
    """V_t <= max{1-gamma mu, 1-p/2}^t V_0, V = ||x-x*||^2 + (4 omega/(n p)) gamma^2 mean||h_i - grad f_i(x*)||^2.

    gamma <= 1/((1+6 omega/n) L_max); f_i convex, f mu-strongly convex. The unified theory's DIANA row with rho = p: a
    refresh has E||h_i+ - h_i*||^2 = (1-p)||h_i - h_i*||^2 + p||grad f_i(x) - h_i*||^2. The paper's form is recalled;
    the constants are ours.
    """

    id = "randdiana.linear"
    title = "Rand-DIANA: linear, no floor"
    source = SHIFTED
    attribution = UnifiedTheorem.attribution.OURS
    declared = UnifiedTheorem.declared.DERIVED
    requires = (Unbiased, JointVariance)
    accepts = ("p",)
    metric = WITH_MEMORY

    def _why_not(self, c: Constants) -> str:
        return independent(c) if c.convex else "every f_i must be convex"

    def parameters(self, c: Constants) -> Parameters:
        # DIANA's row with rho = p: a refresh sets h_i to the present gradient with probability p, as a
        # shift step moves it by a share alpha
        p, spread = refresh(c), ratio(2 * c.omega, c.n)
        return Parameters(A=(1 + spread) * c.L_max, B=spread, rho=p, C=c.L_max * p)

    def run_parameters(self, c: Constants) -> Mapping[str, Number]:
        return {"p": refresh(c)}

    def rate(self, c: Constants, gamma: Number) -> Number:
        """At omega = 0 too the memory's factor is kept."""
        return max(super().rate(c, gamma), 1 - ratio(refresh(c), 2))

    def sigma2_k(self, problem: Problem, state: State, plan: Plan) -> Array:
        return mean_square(state.h - problem.gradients_at_star)


@dataclass(frozen=True)
class RandDIANAState(BodyState):
    """h: (R, n, d) shifts."""

    h: Array = field(kw_only=True)


@dataclass(frozen=True)
class RandDIANA(BodyMethod):
    """x+ = x - gamma mean(h_i + C_i(grad f_i(x) - h_i)); with probability p h_i+ = grad f_i(x), else h_i; h_i^0 = 0.

    One coin for all workers (in the paper each has its own: the same expectations of its Lyapunov function); a refresh
    is an uncompressed vector. p=None: 1/(1+omega).
    """

    p: Number | None = None
    downlink: Compressor = field(default_factory=Identity, init=False, repr=False)
    takes_oracle = False
    state_class = RandDIANAState
    requires = (Unbiased,)
    chances = ("p",)
    name = "Rand-DIANA"
    source = SHIFTED
    own_theorems = (RandDIANALinear(),)

    def default_params(self, c: Constants) -> dict[str, Number]:
        return {"p": refresh(c)}

    def _sent(self, w: Counted, read: Reading | None, problem: Problem, t: int) -> Bits:
        """The message, and the gradient where the shifts are set to it: the server knows them without being told."""
        refreshed = np.where(w.coins[0], float(problem.d * FLOAT_BITS), 0.0)
        return sum(w.cost.values(), 0.0) + refreshed

    @staticmethod
    def body(w: World, x: Vec, h: Worker, *, gamma: Number, p: Number) -> dict[str, Vec]:
        # the shift itself is replaced, not moved: it costs a full vector, but only now and then
        g = w.gradient(x)
        m = w.compress(g - h)
        return dict(x=x - gamma * (w.mean(h) + w.mean(m)), h=w.coin(p, g, h))
