"""N-SAGA: SAGA whose component gradients are noisy; a floor of the noise's size."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import ClassVar

from compth._numbers import ratio
from compth.methods.core import Constants
from compth.methods.core.components import Added, check_variance
from compth.methods.core.unified import Parameters
from compth.methods.saga import SAGA, SAGALinear
from compth.problems.oracle import Oracle
from compth.sources import UNIFIED


class NSAGANeighbourhood(SAGALinear):
    """E V_t <= max{1-gamma mu, 1-1/(2n)}^t V_0 + (2 + 4) s2 gamma^2/min{gamma mu, 1/(2n)}, gamma <= 1/(6L).

    SAGA's row with D1 = 2 s2, D2 = s2/n; at gamma = 1/(6L): s2/(L min{mu, 3L/n}). The noise has mean 0 and E||noise||^2
    <= s2 for every drawn component; half this D1 is enough, which the proof shows too.
    """

    id = "nsaga.neighbourhood"
    proof = "nsaga.neighbourhood"
    title = "SAGA with noisy gradients by the unified theory"
    row = "N-SAGA"
    source = UNIFIED.at("Thm 4.1, Table 2, N-SAGA")
    gradient_noise = "bounded"

    def parameters(self, c: Constants) -> Parameters:
        # the noise enters the step twice over (||a + b||^2 <= 2||a||^2 + 2||b||^2) and the table with the
        # probability 1/n of its entry
        return replace(super().parameters(c), D1=2 * c.sigma2, D2=ratio(c.sigma2, c.n))


@dataclass(frozen=True)
class NSAGA(SAGA):
    """SAGA with grad f_j(x) + xi in place of grad f_j(x), in the step and in the table; E||xi||^2 = s2 exactly.

    xi = +-sqrt(s2) on a uniform coordinate, whatever x and j: covariance (s2/d) times the identity.
    """

    s2: object = 1.0
    oracle: Oracle | None = field(default=None, init=False, repr=False)
    name: ClassVar[str] = "N-SAGA"
    source = UNIFIED
    own_theorems = (NSAGANeighbourhood(),)

    def __post_init__(self) -> None:
        super().__post_init__()
        check_variance(self.s2, "NSAGA")
        object.__setattr__(self, "oracle", Added(self.s2))

    @property
    def oracle_label(self) -> str:
        return f" s2={self.s2}"

    @property
    def label(self) -> str:
        return f"N-SAGA s2={self.s2}"
