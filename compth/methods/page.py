"""PAGE: gradient differences of one part, with a full gradient now and then; MARINA's algebra for sampling."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from compth._numbers import Number, min, ratio, sqrt
from compth.claims import Unbiased
from compth.compressors import Compressor, CompressorLike
from compth.compressors.identity import Identity
from compth.errors import NoGuarantee
from compth.methods.core import Array, Constants, Method, Plan, State
from compth.methods.core.body import BodyMethod, BodyState, Server, gradient_at_start
from compth.methods.core.descent import Descent
from compth.problems.interface import Problem, has_components
from compth.sources import PAGE as PAGE_PAPER

if TYPE_CHECKING:
    from compth.methods.core.signature import Vec, World


def full_gradient_chance(c: Constants) -> Number:
    """p: the user's, or 1/(m+1): then a round costs two parts' gradients on average, up to a factor."""
    if "p" not in c.params:
        return ratio(1, c.facts["m"] + 1)
    p = c.params["p"]
    if not 0 < p <= 1:
        raise NoGuarantee(f"p={float(p):.6g} is not a probability in (0, 1]")
    return p


def with_parts(c: Constants, problem: Problem) -> Constants:
    """With m and L_parts: mean_ij||grad f_ij(x) - grad f_ij(y)||^2 <= L_parts^2 ||x-y||^2; one part is its worker."""
    m, L_parts = 1, problem.L_plus
    if has_components(problem):
        # mean_ij||A_ij z||^2 <= L_parts^2||z||^2: the largest eigenvalue of the mean squared Hessian
        squares = np.matmul(problem.parts, problem.parts).mean(axis=(0, 1))
        m, L_parts = problem.m, float(np.sqrt(np.linalg.eigvalsh(squares)[-1]))
    return c.but(facts={**c.facts, "m": m, "L_parts": L_parts})


class PAGEPL(Descent):
    """E Psi_t <= (1-gamma mu)^t Psi_0, Psi = f - f* + (gamma/p)||g - grad f(x)||^2 (f PL with mu).

    gamma <= min{1/(L + L_parts sqrt(2(1-p)/(p n))), p/(2 mu)}; every worker draws one of its parts, n = 1 is the
    paper's PAGE with batches of one. E||g+-grad f(x+)||^2 <= (1-p)(||g-grad f(x)||^2 + (L_parts^2/n)||x+-x||^2), as for
    MARINA with omega L~^2 in place of L_parts^2.
    """

    id = "page.pl"
    title = "PAGE under the Polyak-Lojasiewicz condition: linear, no floor"
    source = PAGE_PAPER
    accepts = ("p",)
    metric = "E f(x_t) - f* + (gamma/p) ||g_t - grad f(x_t)||^2"

    def _why_not(self, c: Constants) -> str:
        exact = c.claim(Unbiased)
        return "" if exact is not None and exact.omega == 0 else "messages must be exact"

    def step_limit(self, c: Constants) -> tuple[Number, str]:
        p = full_gradient_chance(c)
        # n workers draw independently, so their sampling errors average: 1/n under the root
        limit = 1 / (c.L + c.facts["L_parts"] * sqrt(2 * (1 - p) / (p * c.n)))
        return min(limit, p / (2 * c.mu)), "min{1/(L + L_parts sqrt(2(1-p)/(p n))), p/(2 mu)}"

    def params(self, c: Constants, gamma: Number) -> dict[str, Number]:
        p = full_gradient_chance(c)
        return {"p": p, "weight": gamma / p}

    def errors(self, problem: Problem, state: State, plan: Plan) -> Array:
        error = state.g - problem.gradient(state.x)
        return np.asarray(float(plan["weight"]) * np.vecdot(error, error))


@dataclass(frozen=True)
class PAGEState(BodyState):
    """g: (R, d) the estimate of the gradient."""

    g: Array = field(kw_only=True)


@dataclass(frozen=True)
class PAGE(BodyMethod):
    """x+ = x - gamma g; with probability p g+ = grad f(x+), else g + mean(grad f_ij(x+) - grad f_ij(x)), j uniform.

    One coin for all; every worker draws one of its parts. p=None: 1/(m+1); g^0 = grad f(x^0). On a FiniteSum; any other
    problem has m = 1, where it is gradient descent. Messages are whole vectors.
    """

    p: Number | None = None
    compressor: CompressorLike = field(default_factory=Identity, init=False, repr=False)
    downlink: Compressor = field(default_factory=Identity, init=False, repr=False)
    takes_compressor = False
    takes_oracle = False
    state_class = PAGEState
    chances = ("p",)
    name = "PAGE"
    source = PAGE_PAPER
    own_theorems = (PAGEPL(),)

    def default_params(self, c: Constants) -> dict[str, Number]:
        return {"p": full_gradient_chance(c)}

    def check(self, problem: Problem) -> Constants:
        return with_parts(super().check(problem), problem)

    @property
    def label(self) -> str:
        return type(self).__name__

    @staticmethod
    def body(w: World, x: Vec, g: Server = gradient_at_start, *, gamma: Number, p: Number) -> dict[str, Vec]:
        after = x - gamma * g
        # one part for both points: the difference is small when the points are near, which two draws would
        # spoil
        part = w.parts.sample()
        new = w.parts.gradient(after)
        moved = w.mean(part(new - w.parts.gradient(x)))
        return dict(x=after, g=w.coin(p, w.mean(w.parts.mean(new)), g + moved))

    @classmethod
    def examples(cls, compressor: CompressorLike | None = None) -> tuple[Method, ...]:
        return (cls(),)
