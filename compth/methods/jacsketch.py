"""JacSketch: the table of gradients learned from several components a round; SAGA when it is one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from compth._numbers import Number, ratio
from compth._own import remembered
from compth.compressors import CompressorLike
from compth.errors import InvalidParameter, Unsupported
from compth.methods.core import Array, Constants, Method, Plan, State, mean_square
from compth.methods.core.body import Worker, gradient_at_start
from compth.methods.core.components import Chosen, ComponentBody, ComponentTheorem, components
from compth.methods.core.unified import Parameters
from compth.methods.saga import SAGAState
from compth.problems.finite_sum import FiniteSum
from compth.problems.interface import Problem, as_quadratic
from compth.problems.oracle import Minibatch, noise_of
from compth.sources import JACSKETCH, UNIFIED

if TYPE_CHECKING:
    from compth.methods.core.signature import Vec, World


def residual(n: Number, size: Number) -> Number:
    """lambda_max(E theta^2 Pi e e' Pi - e e') for `size` of n columns, theta = n/size: n (n-size)/(size (n-1))."""
    # theta^2 E Pi e e' Pi has theta on the diagonal and theta (size-1)/(n-1) off it; less e e', its largest
    # eigenvalue is theta - theta (size-1)/(n-1)
    return 0 if n == 1 else ratio(n * (n - size), size * (n - 1))


class JacSketchLinear(ComponentTheorem):
    """V_t <= max{1-gamma mu, 1-size/(2n)}^t V_0, gamma <= 1/(2 L_1 + M L_2/n): the row 2L_1, 2 lambda_max/n, ...

    rho = lambda_min = size/n, C = L_2/n, lambda_max = n(n-size)/(size(n-1)), M = 2B/rho, W = I, uniform subsets. L_1,
    L_2: least numbers with E||grad f_S(x) - grad f_S(x*)||^2 <= 2 L_1 (f-f*) and E||(F'(x)-F'(x*)) Pi_S||^2 <=
    2 L_2 (f-f*), exact on quadratics (at most L and size L). sigma^2 = (1/n)||J - F'(x*)||^2.
    """

    id = "jacsketch.linear"
    proof = "jacsketch.linear"
    title = "JacSketch with uniform subsets by the unified theory"
    row = "JacSketch"
    source = UNIFIED.at("Thm 4.1, Table 2, JacSketch")
    accepts = ("size",)

    def parameters(self, c: Constants) -> Parameters:
        size = c.params.get("size", 1)
        first, second = c.facts.get("L_1", c.L_max), c.facts.get("L_2", size * c.L_max)
        return Parameters(
            A=2 * first, B=ratio(2 * residual(c.n, size), c.n), rho=ratio(size, c.n), C=ratio(second, c.n)
        )

    def sigma2_k(self, problem: Problem, state: State, plan: Plan) -> Array:
        return mean_square(state.table - components(problem).gradients_at_star)


@dataclass(frozen=True)
class JacSketch(ComponentBody):
    """g = mean table + (1/size) sum_{j in S} (grad f_j(x) - table_j), x+ = x - gamma g; table_j = grad f_j(x), j in S.

    S: `size` of the n components, uniform without replacement; size=1 is SAGA. The Jacobian estimate J is the table.
    """

    size: int = 1
    state_class = SAGAState
    affine: ClassVar[bool] = True
    name = "JacSketch"
    source = JACSKETCH
    own_theorems = (JacSketchLinear(),)

    def __post_init__(self) -> None:
        super().__post_init__()
        if isinstance(self.size, bool) or not isinstance(self.size, int | np.integer) or self.size < 1:
            raise InvalidParameter(f"JacSketch(size={self.size!r}) needs an integer size >= 1")
        object.__setattr__(self, "compressor", Chosen(int(self.size)))

    def check(self, problem: Problem) -> Constants:
        c, own = super().check(problem), as_quadratic(components(problem))
        if self.size > c.n:
            raise Unsupported(f"{self!r} needs size <= n = {c.n} components")
        # the expected smoothness of a uniform subset is that of minibatches from one worker with all
        # components
        flat = remembered(own, "one worker", lambda: FiniteSum(own.A[None], own.b[None]))
        first = noise_of(flat, Minibatch(int(self.size))).LL
        second = int(self.size) * noise_of(flat, Minibatch(1)).LL
        return c.but(facts={**c.facts, "L_1": first, "L_2": second})

    @staticmethod
    def body(
        w: World, x: Vec, table: Worker = gradient_at_start, *, gamma: Number, size: Number
    ) -> dict[str, Vec]:
        # chosen components send their change, times n/size: unbiased for the mean change. The table takes
        # the change itself
        m = w.compress(w.gradient(x) - table)
        return dict(x=x - gamma * (w.mean(table) + w.mean(m)), table=table + size / w.n * m)

    @classmethod
    def examples(cls, compressor: CompressorLike | None = None) -> tuple[Method, ...]:
        return (cls(), cls(size=2))
