"""SGD and SGD-star: one node that samples the components of f; three theorems of the unified theory for the first."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import numpy as np

from compth._numbers import ratio
from compth.bits import FLOAT_BITS
from compth.claims import Attribution, Standing
from compth.compressors.identity import Identity
from compth.errors import InvalidParameter
from compth.methods._base import Array, Constants, Method, Plan, State, Theorem
from compth.methods._unified import Parameters, UnifiedTheorem
from compth.problems.oracle import Corrected, Minibatch, OneNode, Oracle, noise_of, one_node
from compth.sources import UNIFIED


class _Stochastic(UnifiedTheorem):
    """Rows with B = 0 of a method whose gradients come from an oracle."""

    gradient_noise = "any"

    def _why_not(self, c: Constants) -> str:
        if not c.stochastic:
            return "it speaks of an oracle"
        return (
            ""
            if float("inf") > c.facts["LL"]
            else "expected smoothness needs components that ignore A's kernel"
        )


class SGDUniform(_Stochastic):
    """E||x_t-x*||^2 <= (1-gamma mu)^t ||x_0-x*||^2 + 2 gamma s2/mu, gamma <= 1/(2L): A = 2L, D1 = 2 s2.

    One component, uniformly chosen; components convex and L-smooth (L = max_j L_j), s2 = E||grad f_xi(x*)||^2.
    """

    id = "sgd.uniform"
    title = "SGD with one component: linear to a floor of order gamma"
    row = "SGD"
    source = UNIFIED.at("Table 2, SGD")

    def _why_not(self, c: Constants) -> str:
        return super()._why_not(c) or c.reasons.get("L_part", "")

    def parameters(self, c: Constants) -> Parameters:
        return Parameters(A=2 * c.facts["L_part"], D1=2 * c.facts["sigma2_mean"])


class SGDReweighted(_Stochastic):
    """E||x_t-x*||^2 <= (1-gamma mu)^t ||x_0-x*||^2 + 2 gamma s2/mu, gamma <= 1/(2 LL): A = 2 LL, D1 = 2 s2.

    Any oracle (arbitrary sampling); LL is the least with E||g(x) - g(x*)||^2 <= 2 LL (f - f*); s2 = E||g(x*)||^2.
    """

    id = "sgd.reweighted"
    title = "SGD with arbitrary sampling, by expected smoothness"
    row = "SGD-SR"
    source = UNIFIED.at("Table 2, SGD-SR")

    def parameters(self, c: Constants) -> Parameters:
        return Parameters(A=2 * c.facts["LL"], D1=2 * c.facts["sigma2_mean"])


class SGDMinibatch(_Stochastic):
    """A = (A' + L(tau-1))/tau, D1 = D'/tau with A' = 2 LL and D' = 2 s2 of one draw, E||g_1||^2 <= 2A'(f-f*) + D'.

    The mean of tau draws with replacement, draw j with probability p_j: gamma <= tau/(A' + L(tau-1)), floor
    gamma D'/(mu tau).
    """

    id = "sgd.minibatch"
    title = "SGD with minibatches drawn with replacement"
    row = "SGD-MB"
    source = UNIFIED.at("Table 2, SGD-MB")

    def _why_not(self, c: Constants) -> str:
        return super()._why_not(c) or c.reasons.get("tau", "")

    def parameters(self, c: Constants) -> Parameters:
        tau, one, noise = (c.facts[name] for name in ("tau", "LL_one", "sigma2_one"))
        return Parameters(A=ratio(2 * one + c.L * (tau - 1), tau), D1=ratio(2 * noise, tau))


class SGDStarRow(_Stochastic):
    """E||x_t-x*||^2 <= (1-gamma mu)^t ||x_0-x*||^2, gamma <= 1/(2 LL): A = 2 LL, no floor. Loose by 2: see sgd.star."""

    id = "sgd.star_table"
    title = "SGD-star as in the table"
    row = "SGD-star"
    source = UNIFIED.at("Table 2, SGD-star")

    def parameters(self, c: Constants) -> Parameters:
        return Parameters(A=2 * c.facts["LL"])


class SGDStarSharp(_Stochastic):
    """E||x_t-x*||^2 <= (1-gamma mu)^t ||x_0-x*||^2, gamma <= 1/LL: E||g||^2 <= 2 LL (f - f*), that is A = LL.

    g = g_S(x) - g_S(x*) + grad f(x*) has no noise at x*, so the table's A = 2 LL is not needed.
    """

    id = "sgd.star"
    title = "SGD-star with the constant that its derivation gives"
    row = "SGD-star, sharp"
    attribution = Attribution.OURS
    declared = Standing.DERIVED

    def parameters(self, c: Constants) -> Parameters:
        return Parameters(A=c.facts["LL"])


@dataclass(frozen=True)
class SGD(Method):
    """x+ = x - gamma g(x) on one node, g from the oracle: SGD(oracle=Minibatch(2)), SGD(oracle=Importance()).

    Components: all those of a FiniteSum, or the problem's workers. Workers that hold sampled components send a vector.
    For stochastic gradients on every worker take DCGD or DIANA with an oracle.
    """

    compressor: Any = field(default_factory=Identity, init=False)
    gamma: Any = None
    oracle: Any = field(default_factory=Minibatch, kw_only=True)
    takes_compressor: ClassVar[bool] = False
    takes_oracle: ClassVar[bool] = True
    name = "stochastic gradient descent"
    source = UNIFIED

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.oracle is None:
            raise InvalidParameter(
                f"{type(self).__name__}(oracle=None) needs an oracle, e.g. oracle=Minibatch(1)"
            )

    @property
    def label(self) -> str:
        return f"{type(self).__name__}{self.oracle_label}"

    @property
    def estimator(self) -> Oracle | None:
        return OneNode(self.oracle)

    @classmethod
    def theorems(cls) -> tuple[Theorem, ...]:
        return (SGDReweighted(), SGDUniform(), SGDMinibatch())

    def check(self, problem: Any) -> Constants:
        c = super().check(problem)
        return c if not c.stochastic else self._one_draw(c, problem)

    def _one_draw(self, c: Constants, problem: Any) -> Constants:
        """The facts of one component, and the reasons where a row does not speak of this oracle."""
        single, facts, reasons = one_node(problem), dict(c.facts), dict(c.reasons)
        facts["L_part"] = single.L_part
        if not self.oracle.single or not single.parts_convex:
            reasons["L_part"] = "it needs one uniformly chosen component, components convex"
        if self.oracle.replacement:
            tau = int(self.oracle.size)
            noise = noise_of(single, self.oracle)
            one = replace(noise, G=noise.G * np.sqrt(tau))
            facts |= {"tau": tau, "LL_one": one.LL, "sigma2_one": one.sigma2_mean}
        else:
            reasons["tau"] = "it needs draws with replacement"
        return replace(c, facts=facts, reasons=reasons)

    def init(self, problem: Any, x0: Array, plan: Plan) -> State:
        return State(x0)

    def step(self, problem: Any, state: State, rng: np.random.Generator, plan: Plan, t: int) -> State:
        components = one_node(problem).m
        share = min(float(self.oracle.draws(components)), problem.n) / problem.n
        sent = share * float(problem.d * FLOAT_BITS)
        return State(state.x - plan.step(t) * problem.gradient(state.x), sent)

    @classmethod
    def examples(cls, compressor: Any = None) -> tuple[Method, ...]:
        return (cls(), cls(oracle=Minibatch(2, replace=True)))


@dataclass(frozen=True)
class SGDStar(SGD):
    """x+ = x - gamma (g_S(x) - g_S(x*) + grad f(x*)): what SGD would do if it knew the gradients at x*; no floor."""

    name = "SGD-star"

    @property
    def estimator(self) -> Oracle | None:
        return OneNode(Corrected(self.oracle))

    @classmethod
    def theorems(cls) -> tuple[Theorem, ...]:
        return (SGDStarSharp(), SGDStarRow())
