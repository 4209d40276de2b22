"""GDCI: gradient descent with compressed iterates, IST's nearest relative; its floor is proportional to ||x*||^2."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from compth._numbers import Number
from compth.claims import Attribution, Standing, Unbiased
from compth.compressors import Compressor
from compth.compressors.identity import Identity
from compth.errors import InvalidParameter
from compth.methods.core import Constants, Plan, Theorem
from compth.methods.core.body import BodyMethod
from compth.methods.core.theorem import ROUNDING
from compth.problems.interface import Problem
from compth.sources import GDCI as GDCI_PAPER

if TYPE_CHECKING:
    from compth.methods.core.signature import Vec, World


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

    def step_limit(self, c: Constants) -> tuple[Number, str]:
        return 1 / (2 * c.L), "1/(2L)"

    def default_step(self, c: Constants) -> Number:
        return 1 / (4 * c.L)

    def why_not_at(self, c: Constants, gamma: Number) -> str:
        # the model itself is compressed: its noise omega||x||^2 does not vanish at x*, and must be
        # outweighed by the contraction
        most = largest_omega(gamma, c.L, c.mu)
        if not c.omega > most * (1 + ROUNDING):
            return ""
        return (
            f"omega={float(c.omega):.4g} is outside {self.id}'s range: at most {float(most):.4g} at this step"
        )

    def rate(self, c: Constants, gamma: Number) -> Number:
        return 1 - gamma * c.mu

    def floor(self, c: Constants, gamma: Number) -> Number:
        return compressed_iterate_floor(gamma, c.L, c.mu, c.omega, c.facts["star2"])

    def values(self, c: Constants, plan: Plan, start: float) -> Callable[[int], float]:
        # the theorem adds the whole floor at once; it does not say that the floor is approached from below
        rho, floor = float(plan.rho or 0.0), float(plan.floor)
        return lambda t: rho**t * start + floor


@dataclass(frozen=True)
class GDCI(BodyMethod):
    """x+ = y - gamma grad f(y), y = C(x): the server compresses the model once, all workers see the same y.

    Its compressor is the downlink; the uplink is the full gradient.
    """

    downlink: Compressor = field(default_factory=Identity, init=False, repr=False)
    takes_oracle = False
    down_label = ""
    requires = (Unbiased,)
    name = "gradient descent with compressed iterates"
    source = GDCI_PAPER
    own_theorems = (GDCINeighbourhood(),)

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "downlink", self.fleet.member(0))

    def check(self, problem: Problem) -> Constants:
        """Constants with star2 = ||x*||^2; omega is the compressed model's, and no other broadcast is."""
        if self.downlink is not self.fleet.member(0) and self.downlink != self.fleet.member(0):
            raise InvalidParameter(f"{self.label}: downlink={self.downlink!r} must be its compressor")
        star2 = float(problem.x_star @ problem.x_star)
        return super().check(problem).but(omega_down=0, facts={"star2": star2})

    @staticmethod
    def body(w: World, x: Vec, *, gamma: Number) -> dict[str, Vec]:
        # one compressed model for all: every gradient is taken there
        y = w.broadcast(x)
        return dict(x=y - gamma * w.mean(w.gradient(y)))
