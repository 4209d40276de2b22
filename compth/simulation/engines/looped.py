"""Every other method on the fast engine: its own step, with the messages made by the numba loops.

The fused rounds of `engine` know four methods; a body, the catalogue's or a user's, needs no more than its messages
from a loop. So nothing is written twice: what runs is the method's step, and the loops have the compressors' law.
"""

from __future__ import annotations

import copy
from typing import Any

import numpy as np

from compth._own import hidden
from compth._types import Array
from compth.compressors import Independent
from compth.errors import Unsupported
from compth.methods import Method, Plan
from compth.problems.interface import Problem
from compth.simulation.engines.base import Engine
from compth.simulation.engines.fused import FastEngine, accelerated, coded, why_not_fused


class Looped(Independent):
    """Independent workers whose messages come from the loops, on streams of their own."""

    def kernel(self, x: Array, rng: np.random.Generator) -> Array:
        if not isinstance(self.compressor, tuple):
            return accelerated(self.compressor, x, rng)
        rows = (accelerated(m, x[..., i, :], rng) for i, m in enumerate(self.members))
        return np.stack(list(rows), axis=-2)


class LoopedEngine(Engine):
    """The plain engine on a copy of the method that compresses by the loops.

    Raises Unsupported for workers that are not independent and for compressors without a loop.
    """

    def __init__(self, method: Method, problem: Problem, plan: Plan, seed: int) -> None:
        super().__init__(method, problem, plan, seed)
        fleet = method.fleet
        if type(fleet) is not Independent or hidden(fleet):
            raise Unsupported(f"engine='fast' needs workers that compress independently, got {fleet!r}")
        for member in fleet.members:
            coded(member, problem.d)
        self._quick = copy.copy(method)
        object.__setattr__(self._quick, "compressor", Looped(fleet.compressor))

    def step(self, state: Any, drawn: Any, block: int, t: int) -> Any:
        seen, rng = drawn
        return self._quick.step(seen, state, rng, self.plan, t)


def fast_engine(method: Method, problem: Problem, plan: Plan, seed: int) -> Engine:
    """The fused rounds where they know the method, else its own step with messages from the loops."""
    kind = LoopedEngine if why_not_fused(method, problem) else FastEngine
    return kind(method, problem, plan, seed)
