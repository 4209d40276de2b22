"""Independent block methods ("99 % of worker-master communication is not needed"): IBCD and IBGD, with the tau rule."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from compth._numbers import Number, ratio
from compth.claims import Attribution, Standing
from compth.compressors.combinators import Scaled
from compth.compressors.identity import Identity
from compth.compressors.random_blocks import RandomBlocks
from compth.compressors.sampling import SendOrSkip
from compth.errors import InvalidParameter
from compth.methods._base import Array, Constants, Method, Plan, State, Theorem
from compth.methods.dcgd import expected_smoothness
from compth.sources import IBCD as IBCD_PAPER


def ibcd_step(L: Number, n: Number, tau: Number) -> Number:
    """n/(tau n + 2(1-tau)) / (2L): the paper's step; L is the smoothness shared by all f_i."""
    return ratio(n, tau * n + 2 * (1 - tau)) / (2 * L)


def iterations_ratio(n: Number, tau: Number) -> Number:
    """IBCD's iterations over GD's at step 1/L, both at their best steps: (tau n + 1 - tau)/(tau n) = 1 + omega/n."""
    return ratio(tau * n + 1 - tau, tau * n)


def iterations_ratio_paper(n: Number, tau: Number) -> Number:
    """The paper's iterations over GD's at step 1/(2L): (tau n + 2(1-tau))/(tau n), below 3 at tau = 1/n."""
    return ratio(tau * n + 2 * (1 - tau), tau * n)


def traffic_ratio(n: Number, tau: Number) -> Number:
    """Floats sent per worker to reach eps over GD's: tau times iterations_ratio = tau + (1-tau)/n."""
    return tau * iterations_ratio(n, tau)


class _Blocks(Theorem):
    """Interpolation is needed: compressed gradients that do not vanish at x* leave a floor that is not bounded here."""

    accepts: ClassVar[tuple[str, ...]] = ("tau",)

    def _why_not(self, c: Constants) -> str:
        if "tau" not in c.params:
            return "it speaks of independent blocks (tau)"
        if c.zeta2_star != 0:
            return "x* must minimise every f_i (zeta2* = 0)"
        return "" if c.convex else "every f_i must be convex"


class IBCDPaper(_Blocks):
    """E||x_t-x*||^2 <= (1 - gamma tau mu)^t ||x_0-x*||^2, gamma <= n/(tau n + 2(1-tau))/(2L), L = max L_i.

    tau = 1/n: the rate of GD up to a factor below 3 while every worker sends 1/n of its blocks (Cor. 1).
    """

    id = "ibcd.interpolation"
    title = "Independent block coordinate descent under interpolation"
    source = IBCD_PAPER.at("Thm 1")
    attribution = Attribution.READ
    declared = Standing.CITED
    proof = "ibcd.interpolation"

    def plan(self, c: Constants, gamma: Number | None = None, horizon: int | None = None) -> Plan:
        tau = c.params["tau"]
        limit = ibcd_step(c.L_max, c.n, tau)
        gamma = limit if gamma is None else self.allow(gamma, limit, "n/(tau n + 2(1-tau))/(2 L_max)")
        return Plan(gamma, rho=1 - gamma * tau * c.mu)


class IBCDSharp(_Blocks):
    """The same rate for gamma tau <= 1/(L + omega L_max/n), omega = 1/tau - 1: IBCD is DCGD with Rand-tau, unscaled."""

    id = "ibcd.sharp"
    title = "Independent block coordinate descent, twice the paper's step"
    source = IBCD_PAPER
    proof = "ibcd.sharp"

    def plan(self, c: Constants, gamma: Number | None = None, horizon: int | None = None) -> Plan:
        tau = c.params["tau"]
        omega = ratio(1, tau) - 1
        limit = 1 / (tau * expected_smoothness(c.L, c.L_max, ratio(omega, c.n), 0, interpolation=True))
        gamma = limit if gamma is None else self.allow(gamma, limit, "1/(tau (L + omega L_max/n))")
        return Plan(gamma, rho=1 - gamma * tau * c.mu)


@dataclass(frozen=True)
class IBCD(Method):
    """x+ = x - gamma (1/n) sum (grad f_i(x))_{U_i}: every worker draws its own tau m of m blocks and does not rescale.

    IBCD(tau=1/4), IBCD(tau=1/2, blocks=2); blocks=None: single coordinates.
    """

    compressor: Any = field(default=None, init=False)
    tau: Any = None
    blocks: int | None = None
    takes_compressor: ClassVar[bool] = False
    name = "independent block coordinate descent"
    source = IBCD_PAPER

    def __post_init__(self) -> None:
        if self.tau is None:
            raise InvalidParameter(f"{type(self).__name__}(tau=None) needs the fraction of blocks: tau=1/4")
        object.__setattr__(self, "compressor", self._sketch())
        super().__post_init__()

    def _sketch(self) -> Any:
        return RandomBlocks(self.tau, self.blocks)

    @property
    def label(self) -> str:
        return f"{type(self).__name__} tau={self.tau}"

    @classmethod
    def theorems(cls) -> tuple[Theorem, ...]:
        return (IBCDSharp(), IBCDPaper())

    def given(self) -> Mapping[str, Number]:
        return {"tau": self.tau}

    def init(self, problem: Any, x0: Array, plan: Plan) -> State:
        return State(x0)

    def step(self, problem: Any, state: State, rng: np.random.Generator, plan: Plan, t: int) -> State:
        messages = self.fleet.kernel(problem.gradients(state.x), rng)
        return State(state.x - plan.step(t) * messages.mean(axis=1), self.uplink_bits(messages))

    @classmethod
    def examples(cls, compressor: Any = None) -> tuple[Method, ...]:
        return (cls(tau=ratio(1, 2)),)


@dataclass(frozen=True)
class IBGD(IBCD):
    """x+ = x - gamma (1/n) sum b_i grad f_i(x), b_i = 1 with probability tau: a worker sends everything or nothing.

    One block per worker, drawn independently: same step sizes and rates as IBCD.
    """

    name = "independent block gradient descent"

    def __post_init__(self) -> None:
        if self.blocks is not None:
            raise InvalidParameter(
                f"IBGD(blocks={self.blocks}) has one block, the whole gradient: leave blocks out"
            )
        super().__post_init__()

    def _sketch(self) -> Any:
        return Scaled(SendOrSkip(Identity(), self.tau), factor=self.tau)
