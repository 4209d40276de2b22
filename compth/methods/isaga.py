"""ISAGA: independent blocks of SAGA's gradients from shared data; no floor."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from compth._numbers import Number, max, min, ratio
from compth.claims import Attribution, Standing
from compth.compressors import CompressorLike
from compth.compressors.identity import Identity
from compth.compressors.random_blocks import RandomBlocks
from compth.errors import InvalidParameter, Unsupported
from compth.methods.core import Array, Constants, Method, Plan, State, Theorem, mean_square
from compth.methods.core.components import SingleNode, components, subsets
from compth.methods.core.theorem import ROUNDING
from compth.methods.saga import SAGAState
from compth.problems.interface import Problem
from compth.sources import IBCD as IBCD_PAPER


def spread(workers: Number, tau: Number) -> Number:
    """max{tau, 1/n}: the paper prints tau, which is too small where fewer than one worker's blocks are sent."""
    # of E||mean (v_i)_{U_i}||^2 over tau: a worker's own term has the share 1/n, a pair of workers' tau, as
    # two independent draws must meet
    return max(tau, ratio(1, workers))


def isaga_memory(gamma: Number, L: Number, workers: Number, tau: Number) -> Number:
    """c = (1/n)(1/(gamma L) - 1/n - max{tau, 1/n}): the weight of the table over gamma^2, n workers."""
    return ratio(1 / (gamma * L) - ratio(1, workers) - spread(workers, tau), workers)


def isaga_limit(L: Number, workers: Number, tau: Number) -> Number:
    """1/(L(3/n + max{tau, 1/n})): below it c > 2/n^2."""
    return 1 / (L * (ratio(3, workers) + spread(workers, tau)))


def isaga_pace(gamma: Number, mu: Number, workers: Number, count: Number, tau: Number, c: Number) -> Number:
    """tau min{gamma mu, n/N - 2/(n N c)}, N = count components."""
    return tau * min(gamma * mu, ratio(workers, count) - ratio(2, workers * count * c))


class ISAGAShared(Theorem):
    """V_t <= (1 - tau min{gamma mu, n/N - 2/(n N c)})^t V_0, gamma < 1/(L(3/n + q)), default 1/(L(4/n + q)).

    V = ||x-x*||^2 + c gamma^2 sum_j||table_j - grad psi_j(x*)||^2, c = (1/n)(1/(gamma L) - 1/n - q), q = max{tau, 1/n};
    n workers, N convex components, L = max L_j. At the default c = 3/n^2 and the second factor is n/(3N); at the end of
    the range it is 0, so the end itself promises nothing. The paper has q = tau: the same for n tau >= 1; below that V
    can shrink less in one step than the paper's numbers say (n = 1, tau = 1/2, N = 6, a test).
    """

    id = "isaga.shared"
    proof = "isaga.shared"
    title = "ISAGA on shared data: linear, no floor"
    source = IBCD_PAPER.at("ISAGA, shared data: number not noted; q for n tau < 1 is ours")
    attribution = Attribution.RECALLED
    declared = Standing.CITED
    accepts: ClassVar[tuple[str, ...]] = ("tau", "workers")
    metric = "E||x_t - x*||^2 + c gamma^2 sum ||table_j - grad psi_j(x*)||^2"

    def _why_not(self, c: Constants) -> str:
        return "" if c.convex else "every component must be convex"

    def step_limit(self, c: Constants) -> tuple[Number, str]:
        return isaga_limit(c.L_max, c.params["workers"], c.params["tau"]), "1/(L(3/n + max{tau, 1/n}))"

    def default_step(self, c: Constants) -> Number:
        n = c.params["workers"]
        return 1 / (c.L_max * (ratio(4, n) + spread(n, c.params["tau"])))

    def memory(self, c: Constants, gamma: Number) -> Number:
        """The weight c of the table at gamma."""
        return isaga_memory(gamma, c.L_max, c.params["workers"], c.params["tau"])

    def pace(self, c: Constants, gamma: Number) -> Number:
        """1 - rho."""
        n, memory = c.params["workers"], self.memory(c, gamma)
        return isaga_pace(gamma, c.mu, n, c.n, c.params["tau"], memory)

    def slack(self, c: Constants, gamma: Number) -> Number:
        """The pace, where it is not rounding alone."""
        return self.pace(c, gamma) - ROUNDING

    def params(self, c: Constants, gamma: Number) -> dict[str, Number]:
        return {"weight": self.memory(c, gamma) * gamma * gamma}

    def rate(self, c: Constants, gamma: Number) -> Number:
        return 1 - self.pace(c, gamma)

    def observe(self, problem: Problem, state: State, plan: Plan) -> Array:
        own = components(problem)
        memory = own.n * mean_square(state.table - own.gradients_at_star)
        return np.asarray(problem.distance_squared(state.x) + float(plan["weight"]) * memory)


@dataclass(frozen=True)
class ISAGA(SingleNode):
    """Worker i draws psi_j (all j differ) and blocks U_i: x+ = x - gamma mean_i (grad psi_j - table_j + mean table)_U.

    table_j+ = grad psi_j(x) on U_i only; ISAGA(workers=2, tau=1/2), tau m of m blocks, blocks=None: coordinates; no
    scaling by 1/tau. The data are shared: psi_j are the problem's components, table^0 at x^0.
    """

    compressor: CompressorLike = field(default_factory=Identity, init=False)
    affine: ClassVar[bool] = True
    workers: int = 2
    tau: Number = None
    blocks: int | None = None
    name = "ISAGA"
    source = IBCD_PAPER
    own_theorems = (ISAGAShared(),)

    def __post_init__(self) -> None:
        n = self.workers
        if isinstance(n, bool) or not isinstance(n, int | np.integer) or n < 1:
            raise InvalidParameter(f"ISAGA(workers={n!r}) needs an integer number of workers >= 1")
        if self.tau is None:
            raise InvalidParameter("ISAGA(tau=None) needs the fraction of blocks: tau=1/2")
        object.__setattr__(self, "compressor", RandomBlocks(self.tau, self.blocks))
        super().__post_init__()

    def given(self) -> Mapping[str, Number]:
        return {"workers": self.workers, "tau": self.tau}

    def check(self, problem: Problem) -> Constants:
        c = super().check(problem).but(params=self.given())
        if self.workers > c.n:
            raise Unsupported(f"ISAGA(workers={self.workers}) needs workers <= N = {c.n} components")
        return c

    def init(self, problem: Problem, x0: Array, plan: Plan) -> SAGAState:
        return SAGAState(x0, table=components(problem).gradients(x0))

    def step(self, problem: Problem, state: State, rng: np.random.Generator, plan: Plan, t: int) -> SAGAState:
        # n distinct components for the n workers of every replicate
        table, count, n = state.table, len(state.x), int(self.workers)
        j = subsets(table.shape[1], n, count, rng)[..., None]
        old = np.take_along_axis(table, j, axis=1)
        change = np.take_along_axis(components(problem).gradients(state.x), j, axis=1) - old
        # the mask of each worker's blocks, drawn once and applied to the step and to the table
        seen = self.fleet.kernel(np.ones_like(change), rng)
        g = (seen * (change + table.mean(axis=1, keepdims=True))).mean(axis=1)
        table = table.copy()
        np.put_along_axis(table, j, old + seen * change, axis=1)
        return SAGAState(state.x - plan.step(t) * g, self.uplink_bits(seen), table=table)

    @classmethod
    def examples(cls, compressor: CompressorLike | None = None) -> tuple[Method, ...]:
        return (cls(tau=ratio(1, 2)),)
