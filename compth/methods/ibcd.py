"""Independent block methods ("99 % of worker-master communication is not needed"): IBCD and IBGD, with the tau rule."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from compth._numbers import Number, min, ratio
from compth.claims import Attribution, Standing
from compth.compressors import CompressorLike
from compth.compressors.combinators import Scaled
from compth.compressors.identity import Identity
from compth.compressors.random_blocks import RandomBlocks
from compth.compressors.sampling import SendOrSkip
from compth.errors import InvalidParameter
from compth.methods.core import Array, Constants, Method, Plan, Recorded, Theorem
from compth.methods.core.body import BodyMethod
from compth.methods.core.nonconvex import MeanSquaredGradient
from compth.methods.dcgd import expected_smoothness
from compth.sources import IBCD as IBCD_PAPER

if TYPE_CHECKING:
    from compth.compressors.core.base import Compressor
    from compth.methods.core.signature import Vec, World


def _decreasing(a: float, c: float, t: int) -> float:
    """gamma_t = 1/(a + c t)."""
    return 1 / (a + c * t)


def ibcd_step(L: Number, n: Number, tau: Number) -> Number:
    """n/(tau n + 2(1-tau)) / (2L): the paper's step; L is the smoothness shared by all f_i."""
    return ratio(n, tau * n + 2 * (1 - tau)) / (2 * L)


def iterations_ratio(n: Number, tau: Number) -> Number:
    """IBCD's iterations over GD's at step 1/L, both at their best steps: (tau n + 1 - tau)/(tau n) = 1 + omega/n."""
    # 1/(gamma tau mu) at the best step of ibcd.sharp over kappa, for L = L_max
    return ratio(tau * n + 1 - tau, tau * n)


def iterations_ratio_paper(n: Number, tau: Number) -> Number:
    """The paper's iterations over GD's at step 1/(2L): (tau n + 2(1-tau))/(tau n), below 3 at tau = 1/n."""
    return ratio(tau * n + 2 * (1 - tau), tau * n)


def traffic_ratio(n: Number, tau: Number) -> Number:
    """Floats sent per worker to reach eps over GD's: tau times iterations_ratio = tau + (1-tau)/n."""
    return tau * iterations_ratio(n, tau)


def tau_table(n: int, fractions: Iterable[Number] | None = None) -> tuple[TauRow, ...]:
    """What IBCD costs against GD for each tau (default 1/n^2, 1/(2n), 1/n, 2/n, 1/2, 1): tau = 1/n is the knee.

    There the iterations are at most doubled (tripled in the paper's constants) and the traffic is at most 2/n of GD's;
    a smaller tau saves at most another factor 2 of traffic, at any price in iterations.
    """
    wanted = (1, 2, n) if n > 1 else (1,)
    default = {ratio(1, n * n), ratio(1, 2 * n), *(ratio(1, v) for v in wanted), min(ratio(2, n), 1)}
    return tuple(
        TauRow(t, iterations_ratio(n, t), iterations_ratio_paper(n, t), traffic_ratio(n, t))
        for t in (sorted(default) if fractions is None else fractions)
    )


@dataclass(frozen=True)
class TauRow:
    """tau; iterations over GD's at 1/L, the paper's over GD's at 1/(2L); floats sent over GD's."""

    tau: Number
    iterations: Number
    iterations_paper: Number
    traffic: Number


class _Blocks(Theorem):
    """Interpolation is needed: compressed gradients that do not vanish at x* leave a floor that is not bounded here."""

    accepts: ClassVar[tuple[str, ...]] = ("tau",)

    def _why_not(self, c: Constants) -> str:
        if "tau" not in c.params:
            return "it speaks of independent blocks (tau)"
        if c.zeta2_star != 0:
            return "x* must minimise every f_i (zeta2* = 0)"
        return "" if c.convex else "every f_i must be convex"

    def rate(self, c: Constants, gamma: Number) -> Number:
        return 1 - gamma * c.params["tau"] * c.mu


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

    def step_limit(self, c: Constants) -> tuple[Number, str]:
        return ibcd_step(c.L_max, c.n, c.params["tau"]), "n/(tau n + 2(1-tau))/(2 L_max)"


class IBCDSharp(_Blocks):
    """The same rate for gamma tau <= 1/(L + omega L_max/n), omega = 1/tau - 1: IBCD is DCGD with Rand-tau, unscaled."""

    id = "ibcd.sharp"
    title = "Independent block coordinate descent, twice the paper's step"
    source = IBCD_PAPER
    proof = "ibcd.sharp"

    def step_limit(self, c: Constants) -> tuple[Number, str]:
        tau = c.params["tau"]
        # kept as it is a block sketch is tau times an unbiased one: gamma tau is the step of DCGD with
        # omega = 1/tau - 1
        omega = ratio(1, tau) - 1
        limit = 1 / (tau * expected_smoothness(c.L, c.L_max, ratio(omega, c.n), 0, interpolation=True))
        return limit, "1/(tau (L + omega L_max/n))"


def isgd_rule(c: Constants) -> tuple[Number, Number]:
    """(a, pace): gamma_t = 1/(a + pace t), a = 2(tau + 2(1-tau)/n) L, pace = mu tau/4."""
    tau = c.params["tau"]
    return 2 * (tau + ratio(2 * (1 - tau), c.n)) * c.L_max, c.mu * tau / 4


def weight_sum(a: Number, pace: Number, t: Number) -> Number:
    """W_t = sum_{s<=t} (a + pace s)."""
    return (t + 1) * (a + pace * t / 2)


def block_noise(tau: Number, sigma2: Number, zeta2: Number) -> Number:
    """N = sigma2 + 2(1-tau) zeta2*: tau N/n times gamma^2 is what a step adds to the squared distance."""
    return sigma2 + 2 * (1 - tau) * zeta2


def weighted_bound(c: Constants, t: Number, start: Number) -> Number:
    """(a (a - tau mu) ||x_0-x*||^2/tau + t N/n)/W_t."""
    # weights 1/gamma_s make the recursion telescope: each step contributes the same noise, and the start
    # stands alone
    tau, (a, pace) = c.params["tau"], isgd_rule(c)
    opening = a * (a - tau * c.mu) * start / tau
    return (opening + t * block_noise(tau, c.sigma2, c.zeta2_star) / c.n) / weight_sum(a, pace, t)


class ISGDDecreasing(Theorem):
    """sum w_s (E f(x_s)-f*)/W_t <= (a (a - tau mu) ||x_0-x*||^2/tau + t N/n)/W_t, s <= t, w_s = a + cs = 1/gamma_s.

    W_t = sum w_s = (t+1)(a + ct/2), N = sigma2 + 2(1-tau) zeta2*, a = 2(tau + 2(1-tau)/n) L, c = mu tau/4; f_i convex,
    L = max L_i. The paper writes the two terms apart and states it for f at the w-average of the iterates, which is no
    larger. The last of the t+1 gaps needs no step, so that t N and not (t+1) N stands there.
    """

    id = "isgd.decreasing"
    proof = "isgd.decreasing"
    gradient_noise = "bounded"
    title = "Independent blocks of (stochastic) gradients, decreasing steps: no floor, 1/t"
    source = IBCD_PAPER.at("Thm 4")
    attribution = Attribution.READ
    declared = Standing.CITED
    accepts: ClassVar[tuple[str, ...]] = ("tau",)
    metric = "weighted mean of E f(x_s) - f*, s <= t"
    own_steps = "decreasing steps gamma_t = 1/(a + ct)"

    def _why_not(self, c: Constants) -> str:
        if "tau" not in c.params:
            return "it speaks of independent blocks (tau)"
        return "" if c.convex else "every f_i must be convex"

    def step_limit(self, c: Constants) -> tuple[Number, str]:
        return 1 / isgd_rule(c)[0], "1/a"

    def params(self, c: Constants, gamma: Number) -> dict[str, Number]:
        a, pace = isgd_rule(c)
        return {"a": a, "c": pace}

    def schedule(self, c: Constants, horizon: int | None) -> Callable[[int], float]:
        a, pace = isgd_rule(c)
        return partial(_decreasing, float(a), float(pace))

    def values(self, c: Constants, plan: Plan, start: float) -> Callable[[int], float]:
        return lambda t: float("inf") if t < 1 else float(weighted_bound(c, t, start))

    def trajectory(self, trace: Recorded) -> Array:
        return self._averaged(trace.plan, trace.mean_gap)

    def error(self, trace: Recorded) -> Array:
        return self._averaged(trace.plan, trace.se_gap)

    def _averaged(self, plan: Plan, values: Array) -> Array:
        # w_s = a + c s
        weights = float(plan["a"]) + float(plan["c"]) * np.arange(len(values))
        return np.asarray(np.cumsum(weights * values) / np.cumsum(weights))

    def distance_factor(self, c: Constants, plan: Plan) -> float:
        return 0.0


def isgd_curve(c: Constants) -> Number:
    """L(tau/2 + (1-tau)/n): 1 - gamma times this is the slack s of isgd.nonconvex."""
    tau = c.params["tau"]
    return c.L * (tau / 2 + ratio(1 - tau, c.n))


def isgd_noise(c: Constants, gamma: Number) -> Number:
    """gamma L((1-tau) nu2 + sigma2/2)/n: what a step adds, before the division by the slack."""
    return gamma * c.L * ((1 - c.params["tau"]) * c.dissimilarity + c.sigma2 / 2) / c.n


class ISGDNonconvex(MeanSquaredGradient):
    """(1/T) sum_{t<T} E||grad f(x_t)||^2 <= ((f(x_0)-f*)/(T tau gamma) + gamma L((1-tau) nu2 + sigma2/2)/n)/s.

    s = 1 - gamma L(tau/2 + (1-tau)/n) > 0, nu2 >= mean||grad f_i - grad f||^2 everywhere, L of f; no convexity. Default
    gamma = 1/(L(tau + 2(1-tau)/n)), that is s = 1/2.
    """

    id = "isgd.nonconvex"
    gradient_noise = "bounded"
    title = "Independent blocks of (stochastic) gradients without convexity"
    proof = "isgd.nonconvex"
    source = IBCD_PAPER.at("Thm 5")
    attribution = Attribution.READ
    declared = Standing.CITED
    accepts: ClassVar[tuple[str, ...]] = ("tau",)

    def _why_not(self, c: Constants) -> str:
        if "tau" not in c.params:
            return "it speaks of independent blocks (tau)"
        # skipped blocks add (1-tau)/n of mean||grad f_i||^2, which without convexity is only ||grad f||^2
        # plus the dissimilarity
        return "" if c.dissimilarity < float("inf") else "gradients must differ boundedly: equal Hessians"

    def step_limit(self, c: Constants) -> tuple[Number, str]:
        return 1 / isgd_curve(c), "1/(L(tau/2 + (1-tau)/n))"

    def default_step(self, c: Constants) -> Number:
        return 1 / (2 * isgd_curve(c))

    def slack(self, c: Constants, gamma: Number) -> Number:
        return 1 - gamma * isgd_curve(c)

    def params(self, c: Constants, gamma: Number) -> dict[str, Number]:
        return {"slack": self.slack(c, gamma), "tau": c.params["tau"]}

    def floor(self, c: Constants, gamma: Number) -> Number:
        return isgd_noise(c, gamma) / self.slack(c, gamma)

    def values(self, c: Constants, plan: Plan, start: float) -> Callable[[int], float]:
        first, floor = start / float(plan["tau"] * plan.gamma * plan["slack"]), float(plan.floor)
        return lambda t: first / t + floor if t > 0 else float("inf")


@dataclass(frozen=True)
class IBCD(BodyMethod):
    """x+ = x - gamma C_M((1/n) sum (grad f_i(x))_{U_i}): every worker draws its own tau m of m blocks, unscaled.

    IBCD(tau=1/4), IBCD(tau=1/2, blocks=2); blocks=None: single coordinates.
    """

    compressor: CompressorLike = field(default_factory=Identity, init=False)
    tau: Number | None = None
    blocks: int | None = None
    takes_compressor: ClassVar[bool] = False
    name = "independent block coordinate descent"
    source = IBCD_PAPER
    own_theorems: ClassVar[tuple[Theorem, ...]] = (
        IBCDSharp(),
        IBCDPaper(),
        ISGDDecreasing(),
        ISGDNonconvex(),
    )

    def __post_init__(self) -> None:
        if self.tau is None:
            raise InvalidParameter(f"{type(self).__name__}(tau=None) needs the fraction of blocks: tau=1/4")
        # the sketch follows from tau and blocks: set before the checks of the base class look at it
        object.__setattr__(self, "compressor", self._sketch())
        super().__post_init__()

    def _sketch(self) -> Compressor:
        return RandomBlocks(self.tau, self.blocks)

    @property
    def label(self) -> str:
        return f"{type(self).__name__} tau={self.tau}{self.down_label}{self.oracle_label}"

    def given(self) -> Mapping[str, Number]:
        return {"tau": self.tau}

    @staticmethod
    def body(w: World, x: Vec, *, gamma: Number) -> dict[str, Vec]:
        return dict(x=x - gamma * w.broadcast(w.mean(w.compress(w.gradient(x)))))

    @classmethod
    def examples(cls, compressor: CompressorLike | None = None) -> tuple[Method, ...]:
        return (cls(tau=ratio(1, 2)),)


@dataclass(frozen=True)
class IBGD(IBCD):
    """x+ = x - gamma C_M(mean b_i grad f_i(x)), b_i = 1 with probability tau: a worker sends everything or nothing.

    One block per worker, drawn independently: same step sizes and rates as IBCD.
    """

    name = "independent block gradient descent"

    def __post_init__(self) -> None:
        if self.blocks is not None:
            raise InvalidParameter(
                f"IBGD(blocks={self.blocks}) has one block, the whole gradient: leave blocks out"
            )
        super().__post_init__()

    def _sketch(self) -> Compressor:
        return Scaled(SendOrSkip(Identity(), self.tau), factor=self.tau)
