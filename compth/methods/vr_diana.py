"""VR-DIANA: DIANA on variance-reduced gradients; no floor, neither of the compression nor of the sampling."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from compth._numbers import Number, min, ratio
from compth.claims import Attribution, JointVariance, Standing, Unbiased
from compth.compressors import Compressor
from compth.compressors.identity import Identity
from compth.errors import NoGuarantee
from compth.methods.core import Array, Constants, Plan, State, mean_square
from compth.methods.core.body import BodyMethod, BodyState, Server, Worker, copy_of_start
from compth.methods.core.unified import WITH_MEMORY, Parameters, UnifiedTheorem
from compth.methods.diana import independent
from compth.problems.interface import Problem, has_components
from compth.sources import DIANA_OMEGA, UNIFIED

if TYPE_CHECKING:
    from compth.methods.core.signature import Vec, World


def part_gradients(problem: Problem, x: Array) -> Array:
    """grad f_ij(x), (R, d) -> (R, n, m, d); a problem that is no finite sum has m = 1."""
    found = problem.part_gradients(x) if has_components(problem) else problem.gradients(x)[:, :, None]
    return np.asarray(found)


def parts_at_star(problem: Problem) -> Array:
    """grad f_ij(x*), (n, m, d)."""
    found = problem.parts_at_star if has_components(problem) else problem.gradients_at_star[:, None]
    return np.asarray(found)


def learning_rate(c: Constants) -> Number:
    """alpha: the user's, or min{1/(3m), 1/(1+omega)}; NoGuarantee above that."""
    # both parts of sigma^2 have to contract by alpha: reference gradients, renewed with probability 1/m,
    # and shifts, whose own noise asks for alpha (1+omega) <= 1
    limit = min(ratio(1, 3 * c.facts["m"]), ratio(1, 1 + c.omega))
    if "alpha" not in c.params:
        return limit
    alpha = c.params["alpha"]
    if not 0 < alpha <= limit:
        raise NoGuarantee(
            f"alpha={float(alpha):.6g} is outside 0 < alpha <= min{{1/(3m), 1/(1+omega)}} = {float(limit):.6g}"
        )
    return alpha


class VRDIANALinear(UnifiedTheorem):
    """V_t <= max{1-gamma mu, 1-alpha/2}^t V_0, alpha <= min{1/(3m), 1/(1+omega)}, M = 4(1+omega)/(n alpha).

    A = (1+(4 omega+2)/n)L, B = 2(1+omega)/n, rho = alpha, C = (1/m + 4 alpha)L, L = max L_ij; gamma <= 1/(A + CM);
    sigma^2 = mean_i||h_i - grad f_i(x*)||^2 + mean_ij||grad f_ij(w) - grad f_ij(x*)||^2; every f_ij convex.
    Smaller A and C than the table's are enough: vrdiana.sharp.
    """

    id = "vrdiana.linear"
    proof = "vrdiana.linear"
    title = "VR-DIANA by the unified theory"
    row = "VR-DIANA"
    source = UNIFIED.at("Thm 4.1, Table 2, VR-DIANA")
    requires = (Unbiased, JointVariance)
    accepts: ClassVar[tuple[str, ...]] = ("alpha",)
    metric = WITH_MEMORY

    def _why_not(self, c: Constants) -> str:
        return independent(c) if c.convex else "every component must be convex"

    def parameters(self, c: Constants) -> Parameters:
        alpha, L, m = learning_rate(c), c.facts["L_part"], c.facts["m"]
        return Parameters(
            A=(1 + ratio(4 * c.omega + 2, c.n)) * L,
            B=ratio(2 * (1 + c.omega), c.n),
            rho=alpha,
            C=(ratio(1, m) + 4 * alpha) * L,
        )

    def run_parameters(self, c: Constants) -> Mapping[str, Number]:
        return {"alpha": learning_rate(c), "p": ratio(1, c.facts["m"])}

    def sigma2_k(self, problem: Problem, state: State, plan: Plan) -> Array:
        shifts = mean_square(state.h - problem.gradients_at_star)
        # sigma^2 has two parts: of the compressor's shifts, and of the sampling's reference gradients
        off = part_gradients(problem, state.w) - parts_at_star(problem)
        return np.asarray(shifts + mean_square(off.reshape(len(off), -1, problem.d)))


class VRDIANASharp(VRDIANALinear):
    """The same with A = (1+(2 omega+2)/n)L and C = (1/m + 2 alpha)L: steps up to twice the table's.

    E||mean(h_i+m_i)||^2 <= ||grad f||^2 + ((1+omega)/n)(2 mean_ij||grad f_ij(x) - grad f_ij(x*)||^2 + 2 sigma^2): each
    component is unbiased for its worker, so ||grad f_ij(w) - grad f_ij(x*)||^2 is split off once only.
    """

    id = "vrdiana.sharp"
    proof = "vrdiana.sharp"
    title = "VR-DIANA with up to twice the table's step"
    row = ""
    attribution = Attribution.OURS
    declared = Standing.DERIVED

    def parameters(self, c: Constants) -> Parameters:
        alpha, L, m = learning_rate(c), c.facts["L_part"], c.facts["m"]
        less = (1 + ratio(2 * c.omega + 2, c.n)) * L
        return replace(super().parameters(c), A=less, C=(ratio(1, m) + 2 * alpha) * L)


@dataclass(frozen=True)
class VRDIANAState(BodyState):
    """h: (R, n, d) shifts; w: (R, d) the common reference point."""

    h: Array = field(kw_only=True)
    w: Array = field(kw_only=True)


@dataclass(frozen=True)
class VRDIANA(BodyMethod):
    """g_i = grad f_ij(x) - grad f_ij(w) + grad f_i(w), j uniform on worker i; DIANA on g_i; w = x with probability 1/m.

    m_i = C_i(g_i - h_i), x+ = x - gamma mean(h_i + m_i), h_i+ = h_i + alpha m_i; one coin for all workers; h^0 = 0,
    w^0 = x^0 (the L-SVRG form). On a FiniteSum; any other problem has m = 1, where it is DIANA.
    """

    alpha: object = None
    downlink: Compressor = field(default_factory=Identity, init=False, repr=False)
    takes_oracle = False
    state_class = VRDIANAState
    requires = (Unbiased,)
    name = "VR-DIANA"
    source = DIANA_OMEGA
    own_theorems = (VRDIANALinear(), VRDIANASharp())

    def default_params(self, c: Constants) -> dict[str, Number]:
        alpha = learning_rate(c) if self.alpha is None else self.alpha
        return {"alpha": alpha, "p": ratio(1, c.facts["m"])}

    def check(self, problem: Problem) -> Constants:
        c = super().check(problem)
        if not has_components(problem):
            return c.but(facts={**c.facts, "m": 1, "L_part": problem.L_max})
        facts = {"m": problem.m, "L_part": problem.L_part}
        return c.but(facts={**c.facts, **facts}, convex=problem.parts_convex)

    @staticmethod
    def body(
        c: World, x: Vec, h: Worker, w: Server = copy_of_start, *, gamma: Number, alpha: Number, p: Number
    ) -> dict[str, Vec]:
        # grad f_ij(x) - grad f_ij(w) + grad f_i(w): unbiased, with a variance that vanishes as x and w go
        # to x*
        part = c.parts.sample()
        old = c.parts.gradient(w)
        g = part(c.parts.gradient(x) - old) + c.parts.mean(old)
        m = c.compress(g - h)
        step = gamma * (c.mean(h) + c.mean(m))
        return dict(x=x - step, h=h + alpha * m, w=c.coin(p, x, w))
