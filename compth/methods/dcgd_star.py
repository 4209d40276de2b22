"""DCGD-STAR: compressed differences to the gradients at the minimiser; no floor, and a yardstick only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from compth._numbers import max
from compth.claims import JointVariance, Unbiased
from compth.errors import Unsupported
from compth.methods.core import Constants
from compth.methods.core.body import BodyMethod
from compth.methods.core.unified import Parameters, UnifiedTheorem
from compth.problems.interface import Problem
from compth.sources import SHIFTED

if TYPE_CHECKING:
    from compth._numbers import Number
    from compth.methods.core.signature import Vec, World


class DCGDStarLinear(UnifiedTheorem):
    """E||x_t-x*||^2 <= (1-gamma mu)^t ||x_0-x*||^2 for gamma <= 1/(max(1-B, 0) L + A L_max): no floor.

    (A, B): joint variance of the averaged message, (omega/n, 0) for independent workers; f_i convex, f mu-strongly
    convex. E||mean C_i(u_i)||^2 <= (1-B)||grad f||^2 + A mean||u_i||^2 with u_i = grad f_i(x) - grad f_i(x*). With
    Induced(C, Q) as the compressor omega is Q's times 1-delta, C's: the paper's two messages.
    """

    id = "dcgd_star.linear"
    proof = "dcgd_star.linear"
    title = "DCGD-STAR: linear, no floor"
    source = SHIFTED
    attribution = UnifiedTheorem.attribution.OURS
    declared = UnifiedTheorem.declared.DERIVED
    requires = (Unbiased, JointVariance)

    def _why_not(self, c: Constants) -> str:
        return "" if c.convex else "every f_i must be convex"

    def parameters(self, c: Constants) -> Parameters:
        # B = 0, D1 = 0: messages vanish at x*, so there is neither a memory nor a floor
        return Parameters(A=max(1 - c.joint.B, 0) * c.L + c.joint.A * c.L_max)


@dataclass(frozen=True)
class DCGDStar(BodyMethod):
    """x+ = x - gamma C_M(mean(h_i* + C_i(grad f_i(x) - h_i*))), h_i* = grad f_i(x*), whose mean is 0.

    It needs to know h_i* and cannot be implemented. It runs as DCGD on the same f_i less <h_i*, x>, all at rest in x*.
    """

    requires = (Unbiased,)
    takes_oracle = False
    name = "DCGD-STAR"
    source = SHIFTED
    own_theorems = (DCGDStarLinear(),)

    def seen(self, problem: Problem) -> Problem:
        """The f_i with their gradients at x* taken off."""
        # f_i(x) - <grad f_i(x*), x> has the same Hessian and is at rest in x*; sums are unchanged, as these
        # gradients add up to 0
        found: Problem | None = getattr(problem, "at_rest", None)
        if found is None:
            raise Unsupported(
                f"{type(self).__name__} needs the gradients at x* taken off: a quadratic problem"
            )
        return found

    def check(self, problem: Problem) -> Constants:
        self.seen(problem)
        return super().check(problem)

    @staticmethod
    def body(w: World, x: Vec, *, gamma: Number) -> dict[str, Vec]:
        return dict(x=x - gamma * w.broadcast(w.mean(w.compress(w.gradient(x)))))
