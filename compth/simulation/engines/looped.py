"""What is no program for the fused rounds, on the fast engine: the method's own step, with messages from the loops.

Local steps, drawn parts, sketches applied twice, messages of random length. Nothing is written twice: what runs is the
method's step, and the loops have the compressors' law.
"""

from __future__ import annotations

import copy

import numpy as np

from compth._own import hidden
from compth._types import Array
from compth.compressors import Independent
from compth.errors import Unsupported
from compth.methods import Method, Plan, State
from compth.methods.core.vectors import Underivable
from compth.problems.interface import Problem
from compth.simulation.engines.base import Engine, Randomness
from compth.simulation.engines.coded import accelerated, coded
from compth.simulation.engines.fused import FastEngine


class Looped(Independent):
    """Independent workers whose messages come from the loops, on streams of their own.

    Claims, bits and everything else are those of the fleet that it stands for.
    """

    def kernel(self, x: Array, rng: np.random.Generator) -> Array:
        if not isinstance(self.compressor, tuple):
            return accelerated(self.members[0], x, rng)
        # one key a worker, drawn from the block's generator: the loops' own streams are independent across
        # workers
        rows = (accelerated(m, x[..., i, :], rng) for i, m in enumerate(self.members))
        return np.stack(list(rows), axis=-2)


class LoopedEngine(Engine):
    """The plain engine on a copy of the method that compresses by the loops; everything else is the method's own code.

    Raises Unsupported for workers that are not independent and for compressors without a loop.
    """

    def __init__(self, method: Method, problem: Problem, plan: Plan, seed: int) -> None:
        super().__init__(method, problem, plan, seed)
        fleet = method.fleet
        if type(fleet) is not Independent or hidden(fleet):
            raise Unsupported(f"engine='fast' needs workers that compress independently, got {fleet!r}")
        # raises for a compressor without a loop now, not in the first round
        for member in fleet.members:
            coded(member, problem.d)
        # past the constructor of a frozen dataclass, whose checks were passed by the method that is copied
        self._quick = copy.copy(method)
        object.__setattr__(self._quick, "compressor", Looped(fleet.compressor))

    def step(self, state: State, drawn: Randomness, block: int, t: int) -> State:
        return self._quick.step(drawn.view, state, drawn.rng, self.plan, t)


def fast_engine(method: Method, problem: Problem, plan: Plan, seed: int) -> Engine:
    """Fused rounds where the body is a program for the loops, else the method's step with messages from the loops."""
    try:
        return FastEngine(method, problem, plan, seed)
    # what cannot be fused still gains from the loops where compression is the larger part of a round
    except (Unsupported, Underivable):
        return LoopedEngine(method, problem, plan, seed)
