"""GDCI: gradient descent with compressed iterates, IST's nearest relative; its floor is proportional to ||x*||^2."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from compth._numbers import Number
from compth.bits import FLOAT_BITS
from compth.claims import Attribution, Standing, Unbiased
from compth.errors import NoGuarantee
from compth.methods._base import Array, Constants, Method, Plan, State, Theorem
from compth.sources import GDCI as GDCI_PAPER


def largest_omega(gamma: Number, L: Number, mu: Number) -> Number:
    """The omega up to which Theorem 1 speaks at step gamma: (mu/4)(1-2 gamma L)/(2 gamma L^2 + 2/gamma + L - mu)."""
    return mu / 4 * (1 - 2 * gamma * L) / (2 * gamma * L * L + 2 / gamma + L - mu)


def compressed_iterate_floor(gamma: Number, L: Number, mu: Number, omega: Number, star2: Number) -> Number:
    """(2 omega/mu)(4 gamma L^2 + 4/gamma + L - mu)||x*||^2."""
    return 2 * omega / mu * (4 * gamma * L * L + 4 / gamma + L - mu) * star2


class GDCINeighbourhood(Theorem):
    """E||x_t-x*||^2 <= (1-gamma mu)^t ||x_0-x*||^2 + (2 omega/mu)(4 gamma L^2 + 4/gamma + L - mu)||x*||^2.

    gamma <= 1/(2L) and 4 omega/mu <= (1-2 gamma L)/(2 gamma L^2 + 2/gamma + L - mu). The paper's Cor. 1 (omega <=
    1/(73 kappa) at gamma = 1/(4L)) meets this only for kappa <= 8/3; omega <= 1/(76 kappa) does.
    """

    id = "gdci.neighbourhood"
    title = "Compressed iterates: linear to a floor of order omega ||x*||^2"
    source = GDCI_PAPER.at("Thm 1")
    attribution = Attribution.READ
    declared = Standing.CITED
    requires = (Unbiased,)
    proof = "gdci.neighbourhood"

    def plan(self, c: Constants, gamma: Number | None = None, horizon: int | None = None) -> Plan:
        gamma = 1 / (4 * c.L) if gamma is None else self.allow(gamma, 1 / (2 * c.L), "1/(2L)")
        most = largest_omega(gamma, c.L, c.mu)
        if c.omega > most * (1 + 1e-12):
            raise NoGuarantee(
                f"omega={float(c.omega):.4g} is outside {self.id}'s range: at most {float(most):.4g} at this step"
            )
        floor = compressed_iterate_floor(gamma, c.L, c.mu, c.omega, c.facts["star2"])
        return Plan(gamma, rho=1 - gamma * c.mu, floor=floor)

    def values(self, c: Constants, plan: Plan, start: float) -> Callable[[int], float]:
        rho, floor = float(plan.rho or 0.0), float(plan.floor)
        return lambda t: rho**t * start + floor


@dataclass(frozen=True)
class GDCI(Method):
    """x+ = y - gamma grad f(y), y = C(x): the server compresses the model once, all workers see the same y.

    Its compressor is the downlink; the uplink is the full gradient.
    """

    requires = (Unbiased,)
    name = "gradient descent with compressed iterates"
    source = GDCI_PAPER

    @classmethod
    def theorems(cls) -> tuple[Theorem, ...]:
        return (GDCINeighbourhood(),)

    def check(self, problem: Any) -> Constants:
        """Constants with star2 = ||x*||^2."""
        return replace(super().check(problem), facts={"star2": float(problem.x_star @ problem.x_star)})

    def init(self, problem: Any, x0: Array, plan: Plan) -> State:
        return State(x0)

    def step(self, problem: Any, state: State, rng: np.random.Generator, plan: Plan, t: int) -> State:
        y = self.fleet.member(0).kernel(state.x, rng)
        return State(y - plan.step(t) * problem.gradient(y), float(problem.d * FLOAT_BITS), self.heard(y))

    def heard(self, y: Array, float_bits: int = FLOAT_BITS) -> Any:
        """Bits (R,) of the compressed models y, None where their length is fixed."""
        compressor = self.fleet.member(0)
        varies = compressor.bits(y.shape[-1], float_bits).random
        return compressor.message_bits(y, float_bits) if varies else None

    def downlink_bits(self, problem: Any, float_bits: int = FLOAT_BITS) -> float:
        """The compressed model (expected length)."""
        return float(self.fleet.member(0).bits(problem.d, float_bits).total)
