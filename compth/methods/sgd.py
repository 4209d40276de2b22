"""SGD on finite sums in its forms: one component, any reweighting, minibatches, shifted by the gradients at x*."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, ClassVar

from compth._numbers import Number, ratio
from compth.claims import Attribution, Standing
from compth.compressors import Compressor, CompressorLike
from compth.compressors.identity import Identity
from compth.methods.core import Constants, Method, Theorem
from compth.methods.core.body import BodyMethod
from compth.methods.core.unified import Parameters, UnifiedTheorem
from compth.problems.interface import Problem, as_components
from compth.problems.oracle import Minibatch, Oracle, noise_of
from compth.sources import UNIFIED, Source

if TYPE_CHECKING:
    from compth.methods.core.signature import Vec, World


class _SGDRow(UnifiedTheorem):
    """A row without memory: E||g||^2 <= 2A (f - f*) + D1."""

    gradient_noise = "any"

    def _why_not(self, c: Constants) -> str:
        if "LL" not in c.facts:
            return "it speaks of stochastic gradients: give an oracle"
        return "" if float("inf") > c.facts["LL"] else "the gradients' expected smoothness is infinite"


class SGDUniform(_SGDRow):
    """One component, chosen uniformly, all convex and L-smooth: E||x_t-x*||^2 <= (1-gamma mu)^t ||x_0-x*||^2 + floor.

    A = 2L, D1 = 2 s^2, s^2 = E||grad f_xi(x*)||^2: gamma <= 1/(2L), floor 2 gamma s^2/mu; L = max L_ij, one worker.
    """

    id = "sgd.uniform"
    proof = "sgd.uniform"
    title = "SGD with one component: linear to a floor of order gamma"
    row = "SGD"

    def _why_not(self, c: Constants) -> str:
        return super()._why_not(c) or (
            "" if "L_part" in c.facts else "it speaks of one worker, one convex component chosen uniformly"
        )

    def parameters(self, c: Constants) -> Parameters:
        return Parameters(A=2 * c.facts["L_part"], D1=2 * c.facts["sigma2_mean"])


class SGDReweighted(_SGDRow):
    """Any unbiased reweighting: gamma <= 1/(2 LL), floor 2 gamma s^2/mu, LL the expected smoothness.

    E||g(x)-g(x*)||^2 <= 2 LL (f-f*), s^2 = E||g(x*)||^2, g the workers' mean. A = 2 LL, D1 = 2 s^2.
    """

    id = "sgd.reweighted"
    proof = "sgd.reweighted"
    title = "SGD with arbitrary sampling: linear to a floor of order gamma"
    row = "SGD-SR"

    def parameters(self, c: Constants) -> Parameters:
        return Parameters(A=2 * c.facts["LL"], D1=2 * c.facts["sigma2_mean"])


class SGDMinibatch(_SGDRow):
    """tau draws with replacement: gamma <= tau/(A' + L (tau-1)), floor gamma D'/(mu tau), A' = 2 LL_1, D' = 2 s_1^2.

    LL_1 and s_1^2 belong to one draw, psi_i = f_i/(m p_i): E||grad psi||^2 <= 2A'(f-f*) + D'. One worker.
    """

    id = "sgd.minibatch"
    proof = "sgd.minibatch"
    title = "SGD with minibatches drawn with replacement"
    row = "SGD-MB"

    def _why_not(self, c: Constants) -> str:
        return super()._why_not(c) or (
            "" if "LL_1" in c.facts else "it speaks of one worker and draws with replacement"
        )

    def parameters(self, c: Constants) -> Parameters:
        # tau independent draws: E||g||^2 = (1/tau) E||one draw||^2 + (1 - 1/tau)||grad f||^2, and ||grad
        # f||^2 <= 2L (f - f*)
        tau, first, noise = c.facts["tau"], 2 * c.facts["LL_1"], 2 * c.facts["sigma2_1"]
        return Parameters(A=ratio(first + c.L * (tau - 1), tau), D1=ratio(noise, tau))


class SGDStarRow(_SGDRow):
    """Shifted by the gradients at x*: gamma <= 1/(2 LL), no floor. A = 2 LL as the table has it (LL suffices)."""

    id = "sgd_star.linear"
    proof = "sgd_star.linear"
    title = "SGD-star: the gradients at x* are known, no floor"
    row = "SGD-star"

    def parameters(self, c: Constants) -> Parameters:
        return Parameters(A=2 * c.facts["LL"])


class SGDStarSharp(SGDStarRow):
    """gamma <= 1/LL: E||g||^2 = E||g_xi(x) - g_xi(x*)||^2 <= 2 LL (f-f*) at once, so A = LL, half the table's."""

    id = "sgd_star.sharp"
    proof = "sgd_star.sharp"
    title = "SGD-star with twice the table's step"
    row = ""
    attribution = Attribution.OURS
    declared = Standing.DERIVED

    def parameters(self, c: Constants) -> Parameters:
        return Parameters(A=c.facts["LL"])


@dataclass(frozen=True)
class SGD(BodyMethod):
    """x+ = x - gamma mean g_i, g_i drawn by the oracle (default: one component, uniformly); full vectors are sent."""

    compressor: CompressorLike = field(default_factory=Identity, init=False)
    gamma: Number | None = None
    oracle: Oracle | None = field(default_factory=Minibatch, kw_only=True)
    downlink: Compressor = field(default_factory=Identity, init=False, repr=False)
    takes_compressor: ClassVar[bool] = False
    name = "stochastic gradient descent"
    source: ClassVar[Source] = UNIFIED.at("Table 2")
    own_theorems: ClassVar[tuple[Theorem, ...]] = (SGDUniform(), SGDReweighted(), SGDMinibatch())

    @property
    def label(self) -> str:
        return f"{type(self).__name__}{self.oracle_label}"

    def check(self, problem: Problem) -> Constants:
        c = super().check(problem)
        return c if self.estimator is None else with_draws(c, problem, self.estimator)

    @staticmethod
    def body(w: World, x: Vec, *, gamma: Number) -> dict[str, Vec]:
        return dict(x=x - gamma * w.mean(w.gradient(x)))

    @classmethod
    def examples(cls, compressor: CompressorLike | None = None) -> tuple[Method, ...]:
        return (cls(), cls(oracle=Minibatch(2, replace=True)))


@dataclass(frozen=True)
class SGDStar(SGD):
    """x+ = x - gamma mean (g_i(x) - g_i(x*) + grad f_i(x*)), both g_i of one draw: what knowing x* would buy."""

    name = "SGD-star"
    corrected = True
    own_theorems = (SGDStarRow(), SGDStarSharp())

    @classmethod
    def examples(cls, compressor: CompressorLike | None = None) -> tuple[Method, ...]:
        return (cls(),)


def with_draws(c: Constants, problem: Problem, oracle: Oracle) -> Constants:
    """c with the constants of one draw (tau, LL_1, sigma2_1) and of one component (L_part), where they exist."""
    facts: dict[str, Number] = {}
    if c.stochastic and problem.n == 1 and oracle.components and oracle.replacement:
        # constants of one draw, from which those of tau draws follow
        one = noise_of(problem, replace(oracle, size=1))  # type: ignore[type-var]
        facts |= {"tau": int(oracle.size), "LL_1": one.LL, "sigma2_1": one.sigma2_mean}
    if c.stochastic and problem.n == 1 and oracle.single and as_components(problem).parts_convex:
        facts["L_part"] = as_components(problem).L_part
    return c.but(facts={**c.facts, **facts})
