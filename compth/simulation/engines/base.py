"""What the driver asks of an engine, and the plain one: the method's own step on numpy arrays.

An engine is made once per run and used by all threads at once: what changes from round to round lives in the state and
in a block's `Randomness`. Its law must be the reference's: the same distribution of every state, though not the same
numbers, and the same numbers where nothing is random.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from compth._rng import stream
from compth._types import Array
from compth.methods import Method, Plan, State, Theorem
from compth.problems.interface import Problem


@dataclass
class Randomness:
    """What a block of replicates draws from: the problem as its rounds see it (through an oracle), and its stream."""

    view: Problem
    rng: np.random.Generator


class Engine:
    """Rounds of one method on blocks of replicates; one object per run, used by all threads.

    method, problem, plan: what runs, and its step sizes. seed: with a block's number the key of that block's stream.
    """

    def __init__(self, method: Method, problem: Problem, plan: Plan, seed: int) -> None:
        self.method, self.problem, self.plan, self.seed = method, problem, plan, seed

    def start(self, x0: Array, block: int) -> tuple[State, Randomness]:
        """(state at t = 0 for x0 of shape (R, d), what `step` needs for this block's randomness)."""
        # a stream for each block, keyed by its number: the same numbers on any machine and for any number
        # of threads
        rng = stream(self.seed, block)
        return self.method.init(self.problem, x0, self.plan), Randomness(
            self.method.view(self.problem, rng), rng
        )

    def step(self, state: State, drawn: Randomness, block: int, t: int) -> State:
        """State at t + 1; `state` may be overwritten, as the driver keeps no older one."""
        return self.method.step(drawn.view, state, drawn.rng, self.plan, t)

    def untouched(self, drawn: Randomness, block: int) -> bool:
        """True where nothing was drawn from this block's stream so far; engines that cannot tell say False."""
        # engines with generators of their own cannot be looked at this way
        if type(self) is not Engine:
            return False
        # a stream whose state is that of a fresh one was not drawn from; nobody's word is taken for it
        return repr(drawn.rng.bit_generator.state) == repr(stream(self.seed, block).bit_generator.state)

    def measures(self, state: State) -> Array:
        """(3, R): squared distance, gap, squared gradient norm."""
        return np.asarray(self.problem.measures(state.x))

    def observe(self, theorem: Theorem, state: State) -> Array | None:
        """The theorem's metric (R,), None when it is the squared distance."""
        return theorem.observe(self.problem, state, self.plan)

    def select(self, state: State, keep: NDArray[np.bool_]) -> State:
        """The state of some replicates only."""
        return state.rows(keep)

    def mean(self, state: State) -> Array:
        """Mean of x over the replicates, (d,)."""
        return np.asarray(state.x.mean(axis=0))

    def sent(self, state: State) -> float:
        """Uplink bits of the last round per worker, averaged over the replicates."""
        return float(np.mean(state.sent))

    def heard(self, state: State) -> float:
        """Downlink bits of the last round per worker, averaged over the replicates."""
        if state.heard is None:
            return self.method.downlink_bits(self.problem)
        return float(np.mean(state.heard))
