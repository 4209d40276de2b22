"""L-SVRG: a reference point that is renewed by a coin instead of SVRG's outer loop; no floor."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from compth._numbers import Number, ratio
from compth.bits import FLOAT_BITS
from compth.compressors import CompressorLike
from compth.methods.core import Array, Constants, Method, Plan, State, mean_square
from compth.methods.core.body import BodyState, Reading, Server, copy_of_start
from compth.methods.core.components import ComponentBody, ComponentTheorem, components
from compth.methods.core.state import Bits, Counted
from compth.methods.core.unified import Parameters
from compth.problems.interface import Problem
from compth.sources import L_SVRG, UNIFIED

if TYPE_CHECKING:
    from compth.methods.core.signature import Vec, World


def coin(c: Constants) -> Number:
    """p: the user's, or 1/n."""
    return c.params.get("p", ratio(1, c.n))


class LSVRGLinear(ComponentTheorem):
    """V_t <= max{1-gamma mu, 1-p/2}^t V_0 for gamma <= 1/(6L): A = 2L, B = 2, rho = p, C = L p, M = 4/p.

    sigma^2 = mean_j||grad f_j(w) - grad f_j(x*)||^2; n convex components, L = max L_j; p: default 1/n.
    """

    id = "lsvrg.linear"
    proof = "lsvrg.linear"
    title = "L-SVRG by the unified theory"
    row = "L-SVRG"
    source = UNIFIED.at("Thm 4.1, Table 2, L-SVRG")
    accepts = ("p",)

    def parameters(self, c: Constants) -> Parameters:
        return Parameters(A=2 * c.L_max, B=2, rho=coin(c), C=c.L_max * coin(c))

    def run_parameters(self, c: Constants) -> Mapping[str, Number]:
        return {"p": coin(c)}

    def sigma2_k(self, problem: Problem, state: State, plan: Plan) -> Array:
        # how far the reference point's gradients are from those at x*
        own = components(problem)
        return mean_square(own.gradients(state.w) - own.gradients_at_star)


@dataclass(frozen=True)
class LSVRGState(BodyState):
    """w: (R, d) the reference point."""

    w: Array = field(kw_only=True)


@dataclass(frozen=True)
class LSVRG(ComponentBody):
    """x+ = x - gamma (grad f_j(x) - grad f_j(w) + grad f(w)), j uniform; with probability p then w = x (the old x).

    p=None: 1/n for n components. One worker sends a vector each round, all of them when w is renewed; w^0 = x^0.
    """

    p: Number | None = None
    state_class = LSVRGState
    chances = ("p",)
    name = "L-SVRG"
    source = L_SVRG
    own_theorems = (LSVRGLinear(),)

    def default_params(self, c: Constants) -> dict[str, Number]:
        return {"p": coin(c)}

    @staticmethod
    def body(c: World, x: Vec, w: Server = copy_of_start, *, gamma: Number, p: Number) -> dict[str, Vec]:
        # differences of one component at two points, plus the mean at the reference: unbiased, and small
        # when both are near x*
        old = c.gradient(w)
        m = c.compress(c.gradient(x) - old)
        return dict(x=x - gamma * (c.mean(m) + c.mean(old)), w=c.coin(p, x, w))

    def _sent(self, w: Counted, read: Reading | None, problem: Problem, t: int) -> Bits:
        """The chosen component's vector, and all vectors where the reference point is renewed."""
        return super()._sent(w, read, problem, t) + np.where(w.coins[0], float(problem.d * FLOAT_BITS), 0.0)

    @classmethod
    def examples(cls, compressor: CompressorLike | None = None) -> tuple[Method, ...]:
        return (cls(), cls(p=ratio(1, 4)))
