"""SEGA: one partial derivative a round and a sketched memory of the gradient; no floor."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from compth._numbers import ratio
from compth.bits import FLOAT_BITS
from compth.compressors import Compressor, CompressorLike
from compth.compressors.identity import Identity
from compth.compressors.rand_k import RandK
from compth.methods.core import Array, Constants, Plan, State
from compth.methods.core.body import BodyMethod, BodyState, Reading, Server
from compth.methods.core.components import SingleNode, one_node
from compth.methods.core.state import Bits, Counted
from compth.methods.core.unified import WITH_MEMORY, Parameters, UnifiedTheorem
from compth.problems.interface import Problem
from compth.sources import SEGA as SEGA_PAPER
from compth.sources import UNIFIED

if TYPE_CHECKING:
    from compth._numbers import Number
    from compth.methods.core.signature import Vec, World


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

    def sigma2_k(self, problem: Problem, state: State, plan: Plan) -> Array:
        return np.asarray(np.vecdot(state.h, state.h))


@dataclass(frozen=True)
class Coordinate(RandK):
    """Rand-1 by one draw of an index: d outcomes, not the d! orders of a shuffle."""

    k: int = 1

    def draw(self, shape: tuple[int, ...], rng: np.random.Generator) -> Array:
        # the law of Rand-1, written so that an enumeration of a step has d outcomes
        j = rng.integers(shape[-1], size=shape[:-1])
        out: Array = np.where(j[..., None] == np.arange(shape[-1]), float(shape[-1]), 0.0)
        return out

    def weights(
        self, shape: tuple[int, ...], rng: np.random.Generator, dtype: np.typing.DTypeLike = np.float64
    ) -> Array:
        return np.asarray(self.draw(shape, rng), dtype=dtype)


@dataclass(frozen=True)
class SEGAState(BodyState):
    """h: (R, d) the memory of the gradient."""

    h: Array = field(kw_only=True)


@dataclass(frozen=True)
class SEGA(SingleNode, BodyMethod):
    """g = h + d e_j (d_j f(x) - h_j), x+ = x - gamma g, h_j+ = d_j f(x), j a uniform coordinate; h^0 = 0.

    Every worker sends its partial derivative: one number, the coordinate is known from a shared seed.
    """

    compressor: CompressorLike = field(default_factory=Coordinate, init=False)
    downlink: Compressor = field(default_factory=Identity, init=False, repr=False)
    takes_oracle = False
    state_class = SEGAState
    name = "SEGA"
    source = SEGA_PAPER
    own_theorems = (SEGALinear(),)

    def seen(self, problem: Problem) -> Problem:
        return one_node(problem)

    @staticmethod
    def body(w: World, x: Vec, h: Server, *, gamma: Number) -> dict[str, Vec]:
        # d e_j e_j'(grad f - h) is unbiased for grad f - h; the memory takes over the one coordinate that
        # was seen
        m = w.mean(w.compress(w.gradient(x) - h))
        return dict(x=x - gamma * (h + m), h=h + m / w.d)

    def _sent(self, w: Counted, read: Reading | None, problem: Problem, t: int) -> Bits:
        return float(FLOAT_BITS)
