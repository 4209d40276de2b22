"""SEGA: one partial derivative a round and a sketched memory of the gradient; no floor."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from compth._numbers import ratio
from compth.bits import FLOAT_BITS
from compth.methods._base import Array, Constants, Plan, State, Theorem
from compth.methods._components import SingleNode
from compth.methods._unified import WITH_MEMORY, Parameters, UnifiedTheorem
from compth.sources import SEGA as SEGA_PAPER
from compth.sources import UNIFIED


class SEGALinear(UnifiedTheorem):
    """V_t <= max{1-gamma mu, 1-1/(2d)}^t V_0, gamma <= 1/(6dL): A = 2dL, B = 2d, rho = 1/d, C = L/d, M = 4d^2.

    sigma^2 = ||h - grad f(x*)||^2 with grad f(x*) = 0; L of f, no component matters.
    """

    id = "sega.linear"
    proof = "sega.linear"
    title = "SEGA by the unified theory"
    row = "SEGA"
    source = UNIFIED.at("Thm 4.1, Table 2, SEGA")
    metric = WITH_MEMORY

    def parameters(self, c: Constants) -> Parameters:
        return Parameters(A=2 * c.d * c.L, B=2 * c.d, rho=ratio(1, c.d), C=ratio(c.L, c.d))

    def sigma2_k(self, problem: Any, state: SEGAState, plan: Plan) -> Array:
        return np.asarray(np.vecdot(state.h, state.h))


@dataclass(frozen=True)
class SEGAState(State):
    """h: (R, d) the memory of the gradient."""

    h: Any = None


@dataclass(frozen=True)
class SEGA(SingleNode):
    """g = h + d e_j (d_j f(x) - h_j), x+ = x - gamma g, h_j+ = d_j f(x), j a uniform coordinate; h^0 = 0.

    Every worker sends its partial derivative: one number, the coordinate is known from a shared seed.
    """

    name = "SEGA"
    source = SEGA_PAPER

    @classmethod
    def theorems(cls) -> tuple[Theorem, ...]:
        return (SEGALinear(),)

    def init(self, problem: Any, x0: Array, plan: Plan) -> SEGAState:
        return SEGAState(x0, h=np.zeros_like(x0))

    def noise(self, problem: Any, x: Array, rng: np.random.Generator) -> Array | float:
        """What is added to the partial derivative: nothing."""
        return 0.0

    def step(self, problem: Any, state: SEGAState, rng: np.random.Generator, plan: Plan, t: int) -> SEGAState:
        j = rng.integers(problem.d, size=len(state.x))
        seen = problem.gradient(state.x) + self.noise(problem, state.x, rng)
        learned = np.where(j[:, None] == np.arange(problem.d), seen - state.h, 0)
        g = state.h + problem.d * learned
        return SEGAState(state.x - plan.step(t) * g, float(FLOAT_BITS), h=state.h + learned)
