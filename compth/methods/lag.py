"""LAG and CLAG: workers keep silent while their gradients have hardly moved; the lazy three-point maps as methods."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass, field
from fractions import Fraction
from typing import ClassVar

import numpy as np

from compth._door import finite
from compth._numbers import Number, max, min, ratio, sqrt
from compth.claims import Contractive
from compth.compressors import CompressorLike
from compth.compressors.identity import Identity
from compth.compressors.three_point import CLAGMap, LAGMap, ThreePoint, moved
from compth.errors import InvalidParameter
from compth.methods.core import Array, Constants, Method, Plan, State, Theorem, mean_square
from compth.methods.core.descent import Descent
from compth.problems.interface import Problem
from compth.sources import LAG as LAG_PAPER
from compth.sources import THREE_PC


class ThreePointPL(Descent):
    """E Psi_t <= (1-gamma mu)^t Psi_0, Psi = f - f* + (gamma/A) mean||g_i - grad f_i(x)||^2 (f PL with mu).

    gamma <= min{1/(L + L_plus sqrt(2B/A)), A/(2 mu)} for maps with E||C_{h,y}(z)-z||^2 <= (1-A)||h-y||^2 + B||z-y||^2.
    ef21.pl's proof with A and B in place of theta and beta, and L_plus in place of L~.
    """

    source = THREE_PC
    metric = "E f(x_t) - f* + (gamma/A) mean||g_i - grad f_i(x_t)||^2"

    def step_limit(self, c: Constants) -> tuple[Number, str]:
        # EF21's proof needs of the messages only E||g+ - grad f_i(x+)||^2 <= (1-A)||g - grad f_i(x)||^2 +
        # B||grad f_i(x+) - grad f_i(x)||^2
        A, B = c.facts["A_map"], c.facts["B_map"]
        limit = min(1 / (c.L + c.L_plus * sqrt(2 * ratio(B, A))), A / (2 * c.mu))
        return limit, "min{1/(L + L_plus sqrt(2B/A)), A/(2 mu)}"

    def params(self, c: Constants, gamma: Number) -> dict[str, Number]:
        return {"weight": gamma / c.facts["A_map"]}

    def errors(self, problem: Problem, state: State, plan: Plan) -> Array:
        return float(plan["weight"]) * mean_square(state.g - state.y)


class LAGPL(ThreePointPL):
    id = "lag.pl"
    title = "LAG under the Polyak-Lojasiewicz condition: linear, no floor"
    __doc__ = ThreePointPL.__doc__


class CLAGPL(ThreePointPL):
    id = "clag.pl"
    title = "CLAG under the Polyak-Lojasiewicz condition: linear, no floor"
    requires = (Contractive,)
    __doc__ = ThreePointPL.__doc__


@dataclass(frozen=True)
class LazyState(State):
    """g: (R, n, d) what the server believes of the gradients; y: (R, n, d) the gradients at x."""

    g: Array = field(kw_only=True)
    y: Array = field(kw_only=True)


@dataclass(frozen=True)
class _Lazy(Method):
    """x+ = x - gamma mean g_i; g_i+ = C_{g_i, grad f_i(x)}(grad f_i(x+)) for a lazy three-point map; g_i^0 = 0."""

    zeta: Number = Fraction(1)
    source = THREE_PC

    def __post_init__(self) -> None:
        super().__post_init__()
        if finite(self.zeta) or not self.zeta >= 0:
            raise InvalidParameter(f"{type(self).__name__}(zeta={self.zeta!r}) needs a finite real zeta >= 0")

    @property
    @abstractmethod
    def maps(self) -> tuple[ThreePoint, ...]:
        """The three-point map of every distinct compressor."""

    @property
    def label(self) -> str:
        return f"{super().label} zeta={float(self.zeta):g}"

    def check(self, problem: Problem) -> Constants:
        """Constants with the worst maps' A and B."""
        c = super().check(problem)
        bounds = [m.bound(problem.d) for m in self.maps]
        # the worst worker's constants hold for all
        facts = {"A_map": min(*(b.A for b in bounds), 1), "B_map": max(*(b.B for b in bounds), 0)}
        return c.but(facts={**c.facts, **facts})

    def init(self, problem: Problem, x0: Array, plan: Plan) -> LazyState:
        y = np.asarray(problem.gradients(x0))
        return LazyState(x0, g=np.zeros_like(y), y=y)

    def step(self, problem: Problem, state: State, rng: np.random.Generator, plan: Plan, t: int) -> LazyState:
        x = state.x - plan.step(t) * state.g.mean(axis=1)
        z = np.asarray(problem.gradients(x))
        # a worker speaks where its gradient is further from what the server believes than zeta times the
        # last change
        sends = moved(state.g, state.y, z, float(self.zeta))
        message = self.fleet.kernel(z - state.g, rng)
        # a bit from every worker, and the messages of those that speak
        spoken = np.where(sends[..., 0], self.fleet.message_bits(message), 0.0)
        return LazyState(x, sent=1 + spoken.mean(axis=1), g=np.where(sends, state.g + message, state.g), y=z)


@dataclass(frozen=True)
class LAG(_Lazy):
    """x+ = x - gamma mean g_i; g_i+ = z_i = grad f_i(x+) where ||z_i - g_i||^2 > zeta||z_i - grad f_i(x)||^2.

    Else g_i+ = g_i, and one bit says so. zeta by default 1; g_i^0 = 0. The trigger is no linear step: simulated alone.
    """

    compressor: CompressorLike = field(default_factory=Identity, init=False, repr=False)
    takes_compressor = False
    name = "LAG"
    source = LAG_PAPER
    own_theorems: ClassVar[tuple[Theorem, ...]] = (LAGPL(),)

    @property
    def maps(self) -> tuple[ThreePoint, ...]:
        return (LAGMap(self.zeta),)

    @classmethod
    def examples(cls, compressor: CompressorLike | None = None) -> tuple[Method, ...]:
        return (cls(), cls(zeta=8))


@dataclass(frozen=True)
class CLAG(_Lazy):
    """LAG with compressed messages: g_i+ = g_i + C_i(grad f_i(x+) - g_i) where the trigger fires, else g_i.

    zeta = 0 is EF21, which sends every round; C = Identity is LAG. zeta <= beta of the compressor costs the theorem
    nothing. The trigger is no linear step: simulated alone.
    """

    requires = (Contractive,)
    name = "CLAG"
    own_theorems: ClassVar[tuple[Theorem, ...]] = (CLAGPL(),)

    @property
    def maps(self) -> tuple[ThreePoint, ...]:
        return tuple(CLAGMap(m, self.zeta) for m in self.fleet.members)
