"""CAT: each worker sends what buys most guaranteed improvement per cost at its own gradient; the step follows."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from compth._numbers import Number, log2_ceil
from compth._types import Numbers
from compth.claims import Attribution
from compth.compressors import Compressor, CompressorLike, Fleet, as_fleet
from compth.compressors.identity import Identity
from compth.errors import InvalidParameter, Unsupported
from compth.methods.core import Array, Constants, Method, Plan, State, Theorem
from compth.problems.interface import Problem
from compth.sources import CAT as CAT_PAPER
from compth.tuning import costs
from compth.tuning.rules import level_form, level_shares, tune_rows
from compth.tuning.schemes import SCHEMES, Ordered


class CATSingle(Theorem):
    """One worker: E f(x_t) - f* <= (1 - mu/(d L))^t (f(x_0) - f*) at the tuned steps, whatever the cost.

    A step lowers f by share ||g||^2/(2L); alpha, beta and omega* are at least 1/d, and ||g||^2 >= 2 mu (f - f*).
    The factor of a step with share a is 1 - a mu/L, attained (a = 1/d) by S at equal entries for f = L||x||^2/2.
    """

    id = "cat.single"
    proof = "cat.single"
    title = "Communication-aware tuning on one worker"
    source = CAT_PAPER
    attribution = Attribution.RECALLED
    metric = "E f(x_t) - f*"
    own_steps = "tuned steps"

    def _why_not(self, c: Constants) -> str:
        return "" if c.n == 1 else "one worker (n = 1)"

    def step_limit(self, c: Constants) -> tuple[Number, str]:
        return 1 / c.L, "1/L"

    def rate(self, c: Constants, gamma: Number) -> Number:
        # the best level sends at least the share 1/d of ||g||^2, whatever the cost model prefers
        return 1 - c.mu / (c.d * c.L)

    def observe(self, problem: Problem, state: State, plan: Plan) -> Array:
        return np.asarray(problem.gap(state.x))

    def distance_factor(self, c: Constants, plan: Plan) -> float:
        return float(c.mu) / 2


class CATWorkers(Theorem):
    """SS on n workers, tuned steps, e_t = E F(x_t) - F*: (a+b) ln(e_0/e_t) + c (1/e_t - 1/e_0) >= t a^2/(2L).

    a = 2 mu, b = 4 L_max (d-1)/n, c = 2 zeta2* (d-1)/n (b halved for c = 0); every f_i convex. With u = ||gbar||^2 >= a
    (F-F*) and v = (1/n^2) sum (1/omega_j - 1)||g_j||^2 <= b (F-F*) + c, the best step lowers F by u^2/(2L(u+v)), at
    least the convex function a^2 e^2/(2L((a+b)e + c)) of e = F - F*: take expectations (Jensen) and sum 1/decrease.
    Linear for zeta2* = 0, else e_t = O(1/t) without a floor.
    """

    id = "cat.workers"
    title = "Communication-aware tuning on n workers, unbiased sampling"
    source = CAT_PAPER
    metric = "E F(x_t) - F*"
    own_steps = "tuned steps"

    def _why_not(self, c: Constants) -> str:
        return "" if c.convex else "every f_i must be convex"

    def step_limit(self, c: Constants) -> tuple[Number, str]:
        return 1 / c.L, "1/L"

    def values(self, c: Constants, plan: Plan, start: float) -> Callable[[int], float]:
        # 1/omega_j - 1 <= d - 1: the worst level is one coordinate
        spread = float(c.d - 1) / float(c.n)
        a, noise = 2 * float(c.mu), 2 * float(c.zeta2_star) * spread
        # with a shared minimiser ||g_j||^2 <= 2 L_max (F - F*) needs no splitting off of the gradients at
        # x*
        b = (2 if noise == 0 else 4) * float(c.L_max) * spread
        rate = a * a / (2 * float(c.L))
        return lambda t: start * math.exp(-solve_decay(a + b, noise / start, rate * t)) if start > 0 else 0.0

    def observe(self, problem: Problem, state: State, plan: Plan) -> Array:
        return np.asarray(problem.gap(state.x))

    def distance_factor(self, c: Constants, plan: Plan) -> float:
        return float(c.mu) / 2


def solve_decay(linear: float, growth: float, target: float) -> float:
    """The y >= 0 with linear y + growth (e^y - 1) = target, rounded down: by bisection."""
    low, high = (
        0.0,
        min(target / linear, 700.0),
    )
    if growth > 0:
        high = min(high, math.log1p(target / growth))
    # the left side is increasing and convex in y: bisection to the last bit, rounded down, so that the
    # bound e^-y is an upper one
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (
            (middle, high) if linear * middle + growth * math.expm1(middle) <= target else (low, middle)
        )
    return low


@dataclass(frozen=True)
class CAT(Method):
    """x+ = x - gamma (1/n) sum Q_i, Q_i the scheme's message at worker i's own best level T_i for `cost`.

    scheme: "S", "S+Q" (one worker only: local top-T averages to a biased direction) or "SS" (unbiased, any n).
    cost: a model of compth.tuning.costs or a link's name. level: fix T instead of tuning it. gamma: fix the step;
    None: the best guaranteed step of each replicate, for SS
    ||gbar||^2 / (L (||gbar||^2 + (1/n^2) sum (1/omega_j - 1)||g_j||^2)), which is omega/L for n = 1. For n > 1 it uses
    ||gbar||, which no worker knows: it shows what the best step would buy; give gamma for a run that could be deployed.
    Bits are realised: a count, then index and value (index and sign, and one norm, for S+Q) of what is sent.
    currency "cost" puts the link's price of each realised message, C of its elements or payload, in their place.
    """

    compressor: CompressorLike = field(default_factory=Identity, init=False)
    gamma: Number | None = None
    scheme: str = "SS"
    cost: costs.Cost | costs.Link | str = field(default_factory=costs.Payload)
    level: int | None = None
    currency: str = "bits"

    takes_compressor: ClassVar[bool] = False
    name = "communication-aware tuning"
    source = CAT_PAPER
    own_theorems = (CATSingle(), CATWorkers())

    def __post_init__(self) -> None:
        if isinstance(self.gamma, Compressor | Fleet):
            raise InvalidParameter(
                f"CAT({self.gamma!r}) takes no compressor: it chooses its own; see scheme=, cost="
            )
        if self.scheme not in SCHEMES:
            raise InvalidParameter(
                f"CAT(scheme={self.scheme!r}) is not known: choose one of {', '.join(SCHEMES)}"
            )
        if self.currency not in ("bits", "cost"):
            raise InvalidParameter(f"CAT(currency={self.currency!r}) is not known: choose bits or cost")
        object.__setattr__(self, "cost", costs.of(self.cost))
        whole = isinstance(self.level, int | np.integer) and not isinstance(self.level, bool)
        if self.level is not None and not (whole and self.level >= 1):
            raise InvalidParameter(f"CAT(level={self.level!r}) needs an integer >= 1, or None to tune it")
        object.__setattr__(self, "compressor", SCHEMES[self.scheme].compressor(self.level or 1))
        super().__post_init__()

    @property
    def fleet(self) -> Fleet:
        """The scheme at its smallest level: its claims hold at every level."""
        return as_fleet(self.compressor)

    @property
    def price(self) -> costs.Cost:
        """The cost model that links and their names stand for."""
        return costs.of(self.cost)

    @property
    def label(self) -> str:
        return f"CAT {self.scheme}" + (f" T={self.level}" if self.level else "")

    def check(self, problem: Problem) -> Constants:
        if problem.n > 1 and self.scheme != "SS":
            raise Unsupported(
                f"CAT(scheme={self.scheme!r}) needs n = 1, got n={problem.n}: local top-T is biased; use scheme='SS'"
            )
        return super().check(problem)

    def init(self, problem: Problem, x0: Array, plan: Plan) -> State:
        return State(x0)

    def step(self, problem: Problem, state: State, rng: np.random.Generator, plan: Plan, t: int) -> State:
        g, scheme = problem.gradients(state.x), SCHEMES[self.scheme]
        if self.level is None:
            # every worker maximises guaranteed improvement per cost at its own gradient
            level, share = tune_rows(g, scheme, self.price)
        else:
            level, share = level_shares(g, scheme, min(self.level, g.shape[-1]))
        sent = scheme.send(g, level, rng)
        gamma = self._steps(problem, g, level, share) if self.gamma is None else plan.step(t)
        x = state.x - np.reshape(gamma, (-1, 1)) * sent.mean(axis=1)
        spent = self.realised_bits(sent) if self.currency == "bits" else self.realised_cost(sent)
        return State(x, spent.mean(axis=-1))

    def _steps(self, problem: Problem, g: Array, level: Numbers, share: Array) -> Array:
        """The step of least guaranteed bound per replicate; 0 where every gradient is 0."""
        if self.scheme != "SS":
            return np.asarray(SCHEMES[self.scheme].stepsize(Ordered(g), level, share, problem.L))[:, 0]
        n = g.shape[1]
        # minimising -gamma u + (L gamma^2/2)(u + v) over gamma: u = ||gbar||^2, v the variance of the
        # averaged messages
        own, mean = (g * g).sum(axis=-1), g.mean(axis=1)
        u = (mean * mean).sum(axis=-1)
        v = (own * (1 / np.where(share > 0, share, 1) - 1)).sum(axis=-1) / n**2
        return np.asarray(u / np.where(u + v > 0, u + v, 1) / problem.L)

    def realised_bits(self, sent: Array) -> Array:
        """Bits of each message (..., d) -> (...)."""
        d, wire = sent.shape[-1], self.price.wire
        count = np.count_nonzero(sent, axis=-1)
        zero, per = SCHEMES[self.scheme].slope(d, wire)
        return np.asarray(log2_ceil(d + 1) + zero * (count > 0) + per * count, dtype=np.float64)

    def realised_cost(self, sent: Array) -> Array:
        """What the link charges for each message (..., d) -> (...): C(0) for an empty one."""
        form, zero, per = level_form(SCHEMES[self.scheme], sent.shape[-1], self.price, float)
        count = np.count_nonzero(sent, axis=-1).astype(np.float64)
        return np.asarray(form(zero * (count > 0) + per * count) + 0 * count, dtype=np.float64)

    @classmethod
    def examples(cls, compressor: CompressorLike | None = None) -> tuple[Method, ...]:
        return (cls(), cls(cost="ieee802154"))
