"""L-SVRG: a reference point that is renewed by a coin instead of SVRG's outer loop; no floor."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from compth._numbers import Number, ratio
from compth.bits import FLOAT_BITS
from compth.errors import InvalidParameter
from compth.methods._base import Array, Constants, Method, Plan, State, Theorem, mean_square
from compth.methods._components import ComponentTheorem, SingleNode, components, pick
from compth.methods._unified import Parameters
from compth.sources import L_SVRG, UNIFIED


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

    def sigma2_k(self, problem: Any, state: LSVRGState, plan: Plan) -> Array:
        own = components(problem)
        return mean_square(own.gradients(state.w) - own.gradients_at_star)


@dataclass(frozen=True)
class LSVRGState(State):
    """w: (R, d) the reference point."""

    w: Any = None


@dataclass(frozen=True)
class LSVRG(SingleNode):
    """x+ = x - gamma (grad f_j(x) - grad f_j(w) + grad f(w)), j uniform; with probability p then w = x (the old x).

    p=None: 1/n for n components. One worker sends a vector each round, all of them when w is renewed; w^0 = x^0.
    """

    p: Any = None
    name = "L-SVRG"
    source = L_SVRG

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.p is not None and not 0 < self.p <= 1:
            raise InvalidParameter(f"LSVRG(p={self.p!r}) needs 0 < p <= 1")

    @classmethod
    def theorems(cls) -> tuple[Theorem, ...]:
        return (LSVRGLinear(),)

    def given(self) -> Mapping[str, Number]:
        return {} if self.p is None else {"p": self.p}

    def default_params(self, c: Constants) -> Mapping[str, Number]:
        return {"p": coin(c)}

    def init(self, problem: Any, x0: Array, plan: Plan) -> LSVRGState:
        return LSVRGState(x0, w=x0)

    def step(
        self, problem: Any, state: LSVRGState, rng: np.random.Generator, plan: Plan, t: int
    ) -> LSVRGState:
        own = components(problem)
        j = rng.integers(own.n, size=len(state.x))
        new, old = own.gradients(state.x), own.gradients(state.w)
        g: Array = pick(new, j) - pick(old, j) + old.mean(axis=1)
        renew = rng.random(len(state.x)) < float(plan["p"])
        w = np.where(renew[:, None], state.x, state.w)
        sent = self.one_sends(problem, t) + np.where(renew, float(problem.d * FLOAT_BITS), 0.0)
        return LSVRGState(state.x - plan.step(t) * g, sent, w=w)

    @classmethod
    def examples(cls, compressor: Any = None) -> tuple[Method, ...]:
        return (cls(), cls(p=ratio(1, 4)))
