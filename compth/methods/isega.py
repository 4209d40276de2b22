"""ISEGA: independent blocks with learned shifts, so that no worker needs to share the minimiser."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from compth._numbers import Number, min, ratio
from compth.claims import Attribution, Standing
from compth.compressors import CompressorLike
from compth.compressors.identity import Identity
from compth.compressors.random_blocks import RandomBlocks
from compth.errors import InvalidParameter
from compth.methods.core import Array, Constants, Method, Plan, State, Theorem, mean_square
from compth.methods.diana import DIANA
from compth.problems.interface import Problem
from compth.sources import IBCD as IBCD_PAPER


class ISEGARate(Theorem):
    """E||x_t-x*||^2 <= (1-gamma mu)^t Phi_0, gamma <= min{1/(4L(1+1/(n tau))), 1/(mu/tau + 4L/(n tau))}.

    Phi_0 = ||x_0-x*||^2 + (gamma/(2 L tau n)) sum ||h_i^0 - grad f_i(x*)||^2, L = max L_i, no interpolation needed. The
    paper prints grad f(x*) and h^0 without an index; the sum over workers is meant.
    """

    id = "isega.linear"
    title = "ISEGA: linear, no floor, any data"
    source = IBCD_PAPER.at("Sec. 5, Thm 3")
    attribution = Attribution.READ
    declared = Standing.CITED
    accepts: ClassVar[tuple[str, ...]] = ("alpha",)
    metric = "E||x_t - x*||^2 (bounded from Phi_0)"
    start_only = True
    proof = "isega.linear"

    def _why_not(self, c: Constants) -> str:
        return "" if c.convex else "every f_i must be convex"

    def step_limit(self, c: Constants) -> tuple[Number, str]:
        # the theorem's alpha is tau: a block that is sent is learned at once
        tau = c.params["alpha"]
        limit = min(
            1 / (4 * c.L_max * (1 + ratio(1, c.n * tau))),
            1 / (c.mu / tau + ratio(4 * c.L_max, c.n * tau)),
        )
        return limit, "min{1/(4L(1+1/(n tau))), 1/(mu/tau+4L/(n tau))}"

    def params(self, c: Constants, gamma: Number) -> dict[str, Number]:
        tau = c.params["alpha"]
        return {"alpha": tau, "weight": gamma / (2 * c.L_max * tau)}

    def rate(self, c: Constants, gamma: Number) -> Number:
        return 1 - gamma * c.mu

    def observe(self, problem: Problem, state: State, plan: Plan) -> Array:
        memory = mean_square(state.h - problem.gradients_at_star)
        return np.asarray(problem.distance_squared(state.x) + float(plan["weight"]) * memory)


@dataclass(frozen=True)
class ISEGA(DIANA):
    """h_i+ = h_i + (grad f_i(x) - h_i)_{U_i}; x+ = x - gamma C_M(mean(h_i + (1/tau)(grad f_i(x)-h_i)_{U_i})).

    ISEGA(tau=1/4); tau m of m blocks, blocks=None: single coordinates. It is DIANA with Rand-tau and alpha = tau.
    """

    compressor: CompressorLike = field(default_factory=Identity, init=False)
    alpha: object = field(default=None, init=False)
    tau: Number = None
    blocks: int | None = None
    takes_compressor: ClassVar[bool] = False
    name = "independent SEGA"
    source = IBCD_PAPER
    own_theorems = (ISEGARate(),)

    def __post_init__(self) -> None:
        if self.tau is None:
            raise InvalidParameter("ISEGA(tau=None) needs the fraction of blocks: tau=1/4")
        object.__setattr__(self, "compressor", RandomBlocks(self.tau, self.blocks, unbiased=True))
        object.__setattr__(self, "alpha", self.tau)
        super().__post_init__()

    @property
    def label(self) -> str:
        return f"ISEGA tau={self.tau}{self.down_label}{self.oracle_label}"

    @classmethod
    def examples(cls, compressor: CompressorLike | None = None) -> tuple[Method, ...]:
        return (cls(tau=ratio(1, 2)),)
