"""EF21-W: EF21 with weights by smoothness; its theorem has the arithmetic mean of the L_i, not the quadratic."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from compth._door import array
from compth._numbers import Number, min
from compth.bits import FLOAT_BITS, BitCost
from compth.calculus import ef21_theta_beta
from compth.claims import Claim, Contractive, JointVariance
from compth.compressors import Compressor, Fleet, Noise, as_fleet
from compth.compressors.top_k import TopK
from compth.errors import InvalidParameter
from compth.methods.core import Array, Constants, Plan, State, Theorem
from compth.methods.core.body import BodyMethod
from compth.methods.core.descent import Descent
from compth.methods.ef21 import EF21, EF21State, ef21_step
from compth.problems.interface import Problem
from compth.sources import EF21_W


@dataclass(frozen=True)
class InUnits(Fleet):
    """Worker i sends s_i C_i(x_i/s_i): C_i's claims, and C_i itself where it is positively homogeneous."""

    fleet: Fleet
    units: tuple[float, ...]

    @property
    def members(self) -> tuple[Compressor, ...]:
        return self.fleet.members

    def member(self, i: int) -> Compressor:
        return self.fleet.member(i)

    def _compress(self, x: Array, rng: np.random.Generator) -> Array:
        # s C(x/s) has C's own relative error, so its claims, and is C where C(s x) = s C(x)
        units = np.array(self.units)[:, None]
        return np.asarray(units * self.fleet._compress(x / units, rng))

    def kernel(self, x: Array, rng: np.random.Generator) -> Array:
        units = np.array(self.units)[:, None]
        return np.asarray(units * self.fleet.kernel(x / units, rng))

    def joint(self, n: Number, d: Number) -> JointVariance | None:
        """None: nothing is asked of it."""
        return None

    def claims(self, n: Number, d: Number) -> tuple[Claim, ...]:
        return self.fleet.claims(n, d)

    def bits(self, n: int, d: int, float_bits: int = FLOAT_BITS) -> tuple[BitCost, ...]:
        return self.fleet.bits(n, d, float_bits)

    def noise(self, n: int, d: int) -> tuple[Noise, ...] | None:
        return self.fleet.noise(n, d)

    def linear_moments(self, n: int, d: int) -> tuple[tuple[Number, Noise], ...] | None:
        return self.fleet.linear_moments(n, d)

    def why_not(self, n: int, d: int) -> str:
        return f"n = {len(self.units)} workers" if n != len(self.units) else self.fleet.why_not(n, d)

    @property
    def label(self) -> str:
        return self.fleet.label

    @classmethod
    def examples(cls) -> tuple[InUnits, ...]:
        return (cls(as_fleet(TopK(1)), (1.0, 2.0)),)


class EF21Arithmetic(Descent):
    """ef21.pl with the arithmetic mean: E Psi_t <= (1-gamma mu)^t Psi_0, Psi = f - f* + (gamma/theta) G, f PL with mu.

    G = mean (Lm/L_i)||g_i - grad f_i(x)||^2, Lm = mean L_i; gamma <= min{1/(L + Lm sqrt(2 beta/theta)), theta/(2 mu)}.
    EF21's inequality for every worker, times Lm/L_i: E G+ <= (1-theta) G + beta Lm^2||x+-x||^2; and ||mean(g_i-grad
    f_i)||^2 <= G by Cauchy-Schwarz with weights L_i/Lm. Compressors need not be homogeneous; every L_i > 0.
    """

    id = "ef21w.pl"
    title = "EF21 with the arithmetic mean of the smoothness constants: linear, no floor"
    source = EF21_W.at("Thm 3, 4")
    requires = (Contractive,)
    metric = "E f(x_t) - f* + (gamma/theta) mean (Lm/L_i)||g_i - grad f_i(x_t)||^2"

    def _why_not(self, c: Constants) -> str:
        return "" if c.facts["L_least"] > 0 else "every L_i must be positive"

    def step_limit(self, c: Constants) -> tuple[Number, str]:
        theta, _ = ef21_theta_beta(c.delta)
        limit = min(ef21_step(c.delta, c.L, c.facts["L_mean"], 2), theta / (2 * c.mu))
        return limit, "min{1/(L + Lm sqrt(2 beta/theta)), theta/(2 mu)}"

    def params(self, c: Constants, gamma: Number) -> dict[str, Number]:
        return {"weight": gamma / ef21_theta_beta(c.delta)[0]}

    def errors(self, problem: Problem, state: State, plan: Plan) -> Array:
        # weights Lm/L_i: a smooth worker's error counts more, so that mean L_i stands in the rate where
        # EF21 has sqrt(mean L_i^2)
        own = np.einsum("rij,rij->ri", state.error, state.error) / np.asarray(problem.L_i)
        return np.asarray(float(plan["weight"]) * np.mean(problem.L_i) * own.mean(axis=1))


def _positive(smoothness: object) -> tuple[float, ...]:
    """The L_i as floats; InvalidParameter unless they are finite numbers > 0."""
    said = array(smoothness)
    found = () if said else tuple(float(v) for v in np.ravel(np.asarray(smoothness, dtype=float)))
    if not found or not all(0 < v < np.inf for v in found):
        raise InvalidParameter(
            f"EF21W.weighted(smoothness={smoothness!r}) needs finite L_i > 0, one for every worker"
        )
    return found


@dataclass(frozen=True)
class EF21W(BodyMethod):
    """EF21's step; `EF21W.weighted(C, L_i)` sends s_i C_i((grad f_i(x+) - g_i)/s_i), in units s_i = L_i/mean L_j.

    The paper's g_i divided by n w_i, w_i = L_i/sum L_j. For positively homogeneous compressors (Top-K, Rand-K, sign)
    these are EF21's iterates. The theorem holds with and without the units.
    """

    state_class = EF21State
    requires = (Contractive,)
    name = "EF21-W"
    source = EF21_W
    own_theorems: ClassVar[tuple[Theorem, ...]] = (EF21Arithmetic(),)
    body = staticmethod(EF21.body)

    @classmethod
    def weighted(cls, compressor: Compressor, smoothness: object, gamma: Number = None) -> EF21W:
        """With every worker's compressor in units of its L_i."""
        found = _positive(smoothness)
        mean = sum(found) / len(found)
        return cls(InUnits(as_fleet(compressor), tuple(v / mean for v in found)), gamma)

    def check(self, problem: Problem) -> Constants:
        c = super().check(problem)
        L_i = np.asarray(problem.L_i)
        return c.but(facts={**c.facts, "L_mean": float(L_i.mean()), "L_least": float(L_i.min())})
