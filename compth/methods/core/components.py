"""Methods of one node that sample the components of f: a problem's workers, or all components of a finite sum.

Sampling is written as compression: `Chosen` sends a few of the components' vectors and nothing of the others, so that
SAGA, L-SVRG and JacSketch are bodies with the verbs of distributed methods and get their exact dynamics for nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import comb
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from compth._numbers import Number, ratio
from compth._own import remembered
from compth.bits import FLOAT_BITS
from compth.claims import Claim, JointVariance
from compth.compressors import Compressor, CompressorLike, Fleet, MomentMap, Noise
from compth.compressors.identity import Identity
from compth.errors import InvalidParameter
from compth.methods.core import Array, Constants, Method
from compth.methods.core.body import BodyMethod, Reading
from compth.methods.core.state import Bits, Counted
from compth.methods.core.unified import WITH_MEMORY, UnifiedTheorem
from compth.problems.interface import Problem, as_quadratic, has_components, has_workers
from compth.problems.oracle import GradientNoise, Oracle
from compth.problems.quadratic import DistributedQuadratic


def components(problem: Problem) -> Problem:
    """f = mean_j f_j with one worker for each component: a FiniteSum's n m components, else the problem's workers."""
    # a problem that is no finite sum has its workers for components
    if not has_workers(problem):
        return problem
    return remembered(problem, "as_workers()", problem.as_workers)


def one_node(problem: Problem) -> Problem:
    """f itself on one worker."""
    if problem.n == 1 and not has_components(problem):
        return problem

    def made() -> DistributedQuadratic:
        # mean of quadratics: the mean Hessian and the mean b
        whole = as_quadratic(problem)
        return DistributedQuadratic(whole.hessian[None], whole.b.mean(axis=0)[None])

    return remembered(problem, "one node", made)


def subsets(n: int, size: int, count: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """(count, size): uniform subsets without replacement, by the first `size` swaps of a shuffle."""
    order, rows = np.tile(np.arange(n), (count, 1)), np.arange(count)
    # the first `size` steps of Fisher and Yates, over all rows at once: every ordered choice has the same
    # probability
    for i in range(size):
        k = i + rng.integers(n - i, size=count)
        order[rows, i], order[rows, k] = order[rows, k], order[rows, i]
    return order[:, :size]


def check_variance(s2: Number, name: str) -> None:
    """InvalidParameter unless 0 <= s2 < inf."""
    if isinstance(s2, bool) or not (np.ndim(s2) == 0 and 0 <= s2 < float("inf")):
        raise InvalidParameter(f"{name}(s2={s2!r}) needs a noise variance 0 <= s2 < inf")


class ComponentTheorem(UnifiedTheorem):
    """A row for convex components: c.n of them, c.L_max their largest smoothness."""

    metric = WITH_MEMORY

    def _why_not(self, c: Constants) -> str:
        return "" if c.convex else "every component must be convex"


@dataclass(frozen=True)
class Chosen(Fleet):
    """`size` of the n components, chosen uniformly without replacement, say n/size times their vector; others nothing.

    E S_i = I; E S_i M S_i - M = (n/size - 1) M, and for a pair (n (size-1)/(size (n-1)) - 1) M.
    """

    size: int = 1

    @property
    def label(self) -> str:
        return f"{self.size} of the components"

    def member(self, i: int) -> Compressor:
        return Identity()

    @property
    def members(self) -> tuple[Compressor, ...]:
        return (Identity(),)

    def _compress(self, x: Array, rng: np.random.Generator) -> Array:
        n = x.shape[-2]
        chosen = subsets(n, self.size, len(x), rng)
        drawn = (chosen[..., None] == np.arange(n)).any(axis=1)[..., None]
        return np.asarray(np.where(drawn, n / self.size * x, 0.0), dtype=x.dtype)

    def joint(self, n: Number, d: Number) -> JointVariance | None:
        return None

    def claims(self, n: Number, d: Number) -> tuple[Claim, ...]:
        """None: what one component says alone is no message of a worker."""
        return ()

    def noise(self, n: int, d: int) -> tuple[Noise, ...]:
        # P(i and j chosen) = size (size-1)/(n (n-1)), times (n/size)^2, less 1: choosing one makes the
        # others less likely
        pair = 0 if n == 1 else ratio(n * (self.size - 1), self.size * (n - 1)) - 1
        return (Noise(MomentMap(a=ratio(n, self.size) - 1), MomentMap(a=pair)),) * n

    @classmethod
    def examples(cls) -> tuple[Fleet, ...]:
        return (cls(),)


@dataclass(frozen=True)
class Added(Oracle):
    """grad f_i(x) + xi, xi = +-sqrt(s2) on a uniform coordinate; same=True: +-sqrt(s2/d) on all coordinates.

    One xi for all i, which is as good as one for each where one i alone is heard.
    """

    s2: Number = 1.0
    same: bool = False
    components: ClassVar[bool] = False

    def gradients(self, problem: Problem, x: Array, rng: np.random.Generator) -> Array:
        g = np.asarray(problem.gradients(x))
        d, where = g.shape[-1], (*g.shape[:-2], 1)
        if self.same:
            signs = 1.0 - 2 * rng.integers(2, size=where)[..., None]
            return np.asarray(g + float(np.sqrt(float(self.s2) / d)) * signs)
        # one draw for sign and coordinate: 2d equally likely outcomes, which an enumeration can list
        k = rng.integers(2 * d, size=where)
        size = float(np.sqrt(float(self.s2))) * (1 - 2 * (k % 2))
        return g + np.where(k[..., None] // 2 == np.arange(d), size[..., None], 0.0)

    def noise(self, problem: Problem) -> GradientNoise:
        n, d = problem.n, problem.d
        # the noise has covariance (s2/d) I, or (s2/d) 1 1' when all coordinates share a sign: its roots are
        # the columns
        roots = np.ones((1, d)) if self.same else np.eye(d)
        G = np.zeros((n, len(roots), d, d + 1))
        G[..., -1] = float(np.sqrt(float(self.s2) / d)) * roots
        return GradientNoise(G, as_quadratic(problem).A)


@dataclass(frozen=True)
class SingleNode(Method):
    """No compressor; the constants are those of the components."""

    compressor: CompressorLike = field(default_factory=Identity, init=False)
    gamma: Number | None = None
    takes_compressor: ClassVar[bool] = False

    def check(self, problem: Problem) -> Constants:
        return super().check(components(problem)).but(params=self.given())

    def default_params(self, c: Constants) -> dict[str, Number]:
        return dict(self.given())

    def one_sends(self, problem: Problem, t: int, count: int = 1) -> float:
        """Bits per worker when `count` vectors are sent by some workers, and one by each before the first round."""
        whole = float(problem.d * FLOAT_BITS)
        # `count` of the components speak; per worker that is a share, and before the first round every
        # table entry is sent once
        return float(whole * count / problem.n + (whole if t == 0 else 0.0))

    @property
    def label(self) -> str:
        given = "".join(f" {name}={value}" for name, value in self.given().items())
        return f"{self.name}{given}"


@dataclass(frozen=True)
class ComponentBody(SingleNode, BodyMethod):
    """A body whose workers are the components; `size` of them, `Chosen` in every round, are heard."""

    compressor: CompressorLike = field(default_factory=Chosen, init=False)
    downlink: Compressor = field(default_factory=Identity, init=False, repr=False)
    takes_oracle = False

    def seen(self, problem: Problem) -> Problem:
        return components(problem)

    def outcomes(self, problem: Problem) -> int:
        """How many outcomes a step has."""
        n, noise = components(problem).n, 1 if self.oracle is None else 2 * problem.d
        return comb(n, self.fleet.size) * noise  # type: ignore[attr-defined]

    def _sent(self, w: Counted, read: Reading | None, problem: Problem, t: int) -> Bits:
        return self.one_sends(problem, t, self.fleet.size)  # type: ignore[attr-defined]
