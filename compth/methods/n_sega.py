"""N-SEGA: SEGA whose partial derivatives are noisy; a floor of the noise's size."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import ClassVar

from compth._numbers import ratio
from compth.methods.core import Constants
from compth.methods.core.components import Added, check_variance
from compth.methods.core.unified import Parameters
from compth.methods.sega import SEGA, SEGALinear
from compth.problems.oracle import Oracle
from compth.sources import UNIFIED


class NSEGANeighbourhood(SEGALinear):
    """E V_t <= max{1-gamma mu, 1-1/(2d)}^t V_0 + 6 d s2 gamma^2/min{gamma mu, 1/(2d)}, gamma <= 1/(6dL).

    SEGA's row with D1 = 2 d s2, D2 = s2/d; at gamma = 1/(6dL): s2/(L mu). The noise has mean 0 and E|noise|^2 <= s2/d
    on every partial derivative; half this D1 is enough, which the proof shows too.
    """

    id = "nsega.neighbourhood"
    proof = "nsega.neighbourhood"
    title = "SEGA with noisy partial derivatives by the unified theory"
    row = "N-SEGA"
    source = UNIFIED.at("Thm 4.1, Table 2, N-SEGA")
    gradient_noise = "bounded"

    def parameters(self, c: Constants) -> Parameters:
        # d e_j xi has the square d^2 s2/d = d s2; the memory takes xi itself, s2/d
        return replace(super().parameters(c), D1=2 * c.d * c.sigma2, D2=ratio(c.sigma2, c.d))


@dataclass(frozen=True)
class NSEGA(SEGA):
    """SEGA with d_j f(x) + xi in place of d_j f(x), in the step and in the memory; xi = +-sqrt(s2/d)."""

    s2: object = 1.0
    oracle: Oracle | None = field(default=None, init=False, repr=False)
    name: ClassVar[str] = "N-SEGA"
    source = UNIFIED
    own_theorems = (NSEGANeighbourhood(),)

    def __post_init__(self) -> None:
        super().__post_init__()
        check_variance(self.s2, "NSEGA")
        object.__setattr__(self, "oracle", Added(self.s2, same=True))

    @property
    def oracle_label(self) -> str:
        return f" s2={self.s2}"

    @property
    def label(self) -> str:
        return f"N-SEGA s2={self.s2}"
