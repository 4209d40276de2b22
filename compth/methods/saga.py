"""SAGA: a table of past gradients of every component; no floor."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from compth._numbers import ratio
from compth.methods.core import Array, Constants, Plan, State, mean_square
from compth.methods.core.body import BodyState, Worker, gradient_at_start
from compth.methods.core.components import ComponentBody, ComponentTheorem, components
from compth.methods.core.unified import Parameters
from compth.problems.interface import Problem
from compth.sources import SAGA as SAGA_PAPER
from compth.sources import UNIFIED

if TYPE_CHECKING:
    from compth._numbers import Number
    from compth.methods.core.signature import Vec, World


class SAGALinear(ComponentTheorem):
    """V_t <= max{1-gamma mu, 1-1/(2n)}^t V_0 for gamma <= 1/(6L): A = 2L, B = 2, rho = 1/n, C = L/n, M = 4n.

    sigma^2 = mean_j||table_j - grad f_j(x*)||^2; n convex components, L = max L_j. B = 2, not the 1 of some slides.
    """

    id = "saga.linear"
    proof = "saga.linear"
    title = "SAGA by the unified theory"
    row = "SAGA"
    source = UNIFIED.at("Thm 4.1, Table 2, SAGA")

    def parameters(self, c: Constants) -> Parameters:
        return Parameters(A=2 * c.L_max, B=2, rho=ratio(1, c.n), C=ratio(c.L_max, c.n))

    def sigma2_k(self, problem: Problem, state: State, plan: Plan) -> Array:
        return mean_square(state.table - components(problem).gradients_at_star)


@dataclass(frozen=True)
class SAGAState(BodyState):
    """table: (R, n, d) gradients of the components at their own past points."""

    table: Array = field(kw_only=True)


@dataclass(frozen=True)
class SAGA(ComponentBody):
    """x+ = x - gamma (grad f_j(x) - table_j + mean table), j uniform; then table_j = grad f_j(x); table^0 at x^0.

    Components: the problem's workers, or all components of a FiniteSum. The worker that holds f_j sends one vector.
    """

    state_class = SAGAState
    affine: ClassVar[bool] = True
    name = "SAGA"
    source = SAGA_PAPER
    own_theorems = (SAGALinear(),)

    @staticmethod
    def body(w: World, x: Vec, table: Worker = gradient_at_start, *, gamma: Number) -> dict[str, Vec]:
        # `Chosen` sends n times one component's change: in the step its mean is grad f_j - table_j, in the
        # table m/n replaces the entry
        m = w.compress(w.gradient(x) - table)
        return dict(x=x - gamma * (w.mean(table) + w.mean(m)), table=table + m / w.n)
