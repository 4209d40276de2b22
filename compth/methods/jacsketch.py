"""JacSketch: the table of gradients learned from several components a round; SAGA when it is one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from compth._numbers import Number, ratio
from compth._own import remembered
from compth.errors import InvalidParameter, Unsupported
from compth.methods._base import Array, Constants, Method, Plan, Theorem, mean_square
from compth.methods._components import ComponentTheorem, SingleNode, components, subsets
from compth.methods._unified import Parameters
from compth.methods.saga import SAGAState
from compth.problems.finite_sum import FiniteSum
from compth.problems.oracle import Minibatch, noise_of
from compth.sources import JACSKETCH, UNIFIED


def residual(n: Number, size: Number) -> Number:
    """lambda_max(E theta^2 Pi e e' Pi - e e') for `size` of n columns, theta = n/size: n (n-size)/(size (n-1))."""
    return 0 if n == 1 else ratio(n * (n - size), size * (n - 1))


class JacSketchLinear(ComponentTheorem):
    """V_t <= max{1-gamma mu, 1-size/(2n)}^t V_0, gamma <= 1/(2 L_1 + M L_2/n): the row 2L_1, 2 lambda_max/n, ...

    rho = lambda_min = size/n, C = L_2/n, lambda_max = n(n-size)/(size(n-1)), M = 2B/rho, W = I, uniform subsets. L_1,
    L_2: least numbers with E||grad f_S(x) - grad f_S(x*)||^2 <= 2 L_1 (f-f*) and E||(F'(x)-F'(x*)) Pi_S||^2 <=
    2 L_2 (f-f*), exact on quadratics (at most L and size L). sigma^2 = (1/n)||J - F'(x*)||^2.
    """

    id = "jacsketch.linear"
    proof = "jacsketch.linear"
    title = "JacSketch with uniform subsets by the unified theory"
    row = "JacSketch"
    source = UNIFIED.at("Thm 4.1, Table 2, JacSketch")
    accepts = ("size",)

    def parameters(self, c: Constants) -> Parameters:
        size = c.params.get("size", 1)
        first, second = c.facts.get("L_1", c.L_max), c.facts.get("L_2", size * c.L_max)
        return Parameters(
            A=2 * first, B=ratio(2 * residual(c.n, size), c.n), rho=ratio(size, c.n), C=ratio(second, c.n)
        )

    def sigma2_k(self, problem: Any, state: SAGAState, plan: Plan) -> Array:
        return mean_square(state.table - components(problem).gradients_at_star)


@dataclass(frozen=True)
class JacSketch(SingleNode):
    """g = mean table + (1/size) sum_{j in S} (grad f_j(x) - table_j), x+ = x - gamma g; table_j = grad f_j(x), j in S.

    S: `size` of the n components, uniform without replacement; size=1 is SAGA. The Jacobian estimate J is the table.
    """

    size: Any = 1
    name = "JacSketch"
    source = JACSKETCH

    def __post_init__(self) -> None:
        super().__post_init__()
        if isinstance(self.size, bool) or not isinstance(self.size, int | np.integer) or self.size < 1:
            raise InvalidParameter(f"JacSketch(size={self.size!r}) needs an integer size >= 1")

    @classmethod
    def theorems(cls) -> tuple[Theorem, ...]:
        return (JacSketchLinear(),)

    def given(self) -> Mapping[str, Number]:
        return {"size": self.size}

    def check(self, problem: Any) -> Constants:
        c, own = super().check(problem), components(problem)
        if self.size > c.n:
            raise Unsupported(f"{self!r} needs size <= n = {c.n} components")
        flat = remembered(own, "one worker", lambda: FiniteSum(own.A[None], own.b[None]))
        first = noise_of(flat, Minibatch(int(self.size))).LL
        second = int(self.size) * noise_of(flat, Minibatch(1)).LL
        return replace(c, facts={**c.facts, "L_1": first, "L_2": second})

    def init(self, problem: Any, x0: Array, plan: Plan) -> SAGAState:
        return SAGAState(x0, table=components(problem).gradients(x0))

    def step(self, problem: Any, state: SAGAState, rng: np.random.Generator, plan: Plan, t: int) -> SAGAState:
        table, size = state.table, int(self.size)
        count, n = table.shape[:2]
        chosen = subsets(n, size, count, rng)
        drawn = (chosen[..., None] == np.arange(n)).any(axis=1)[..., None]
        change = np.where(drawn, components(problem).gradients(state.x) - table, 0.0)
        g = table.mean(axis=1) + change.sum(axis=1) / size
        sent = self.one_sends(problem, t, size)
        return SAGAState(state.x - plan.step(t) * g, sent, table=table + change)

    @classmethod
    def examples(cls, compressor: Any = None) -> tuple[Method, ...]:
        return (cls(), cls(size=2))
