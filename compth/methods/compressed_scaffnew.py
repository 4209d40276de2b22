"""CompressedScaffnew: local steps, and rounds in which every coordinate is sent by a few of the workers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from compth._numbers import Number, max, min, ratio, sqrt
from compth.bits import FLOAT_BITS
from compth.claims import Attribution, JointVariance, Standing
from compth.compressors import Compressor, CompressorLike, MomentMap, Noise
from compth.compressors.bernoulli import Bernoulli
from compth.compressors.core.base import positive_int
from compth.compressors.identity import Identity
from compth.compressors.perm_k import JointSketch, falling
from compth.errors import InvalidParameter, NoGuarantee, Unsupported
from compth.methods.core import Array, Constants, Method, Plan, State, Theorem, mean_square
from compth.methods.core.body import BodyMethod, BodyState, Reading, Worker, copy_of_start
from compth.methods.core.state import Bits, Counted
from compth.problems.interface import Problem
from compth.sources import SCAFFNEW_C

if TYPE_CHECKING:
    from compth.methods.core.signature import Vec, World


@dataclass(frozen=True)
class Owners(JointSketch):
    """Every coordinate is kept by `owners` of n workers, drawn uniformly and anew for each, times n/owners.

    Each worker keeps a coordinate with probability owners/n; the mean of equal vectors is exact. A = B =
    (n-s)/(s(n-1)), s = owners: s draws without replacement from n numbers.
    """

    n: int
    owners: int

    def __post_init__(self) -> None:
        super().__post_init__()
        positive_int("n", self.n, "Owners")
        positive_int("owners", self.owners, "Owners")
        if not 1 <= self.owners <= self.n:
            raise InvalidParameter(f"Owners(n={self.n}, owners={self.owners}) needs 1 <= owners <= n")

    @property
    def members(self) -> tuple[Compressor, ...]:
        return (Bernoulli(ratio(self.owners, self.n)),)

    def member(self, i: int) -> Compressor:
        return self.members[0]

    def scale(self, n: int, d: int) -> Number:
        return ratio(self.n, self.owners)

    def draw(self, shape: tuple[int, ...], rng: np.random.Generator) -> Array:
        n, d = shape[-2:]
        # for every coordinate a random order of the workers, the first `owners` of which keep it
        order = rng.permuted(np.broadcast_to(np.arange(n), (*shape[:-2], d, n)), axis=-1)
        weights = np.zeros((*shape[:-2], d, n))
        np.put_along_axis(weights, order[..., : self.owners], n / self.owners, axis=-1)
        return np.swapaxes(weights, -1, -2)

    def inclusion(self, pairs: Sequence[tuple[int, int]], n: Number, d: Number) -> Number:
        # coordinates are dealt independently, so the probability factors over them; on one, m given workers
        # are all owners with probability (s)_m/(n)_m
        kept: dict[int, set[int]] = defaultdict(set)
        for i, j in pairs:
            kept[j].add(i)
        out: Number = 1
        for who in kept.values():
            out = out * ratio(falling(self.owners, len(who)), falling(self.n, len(who)))
        return out

    def joint(self, n: Number, d: Number) -> JointVariance:
        spread = ratio(self.n - self.owners, self.owners * (self.n - 1)) if self.n > 1 else 0
        return JointVariance(spread, spread, self.n)

    def noise(self, n: int, d: int) -> tuple[Noise, ...]:
        """Different coordinates are independent; on one, owners displace one another."""
        own, spread = MomentMap(c=ratio(self.n, self.owners) - 1), self.joint(n, d).A
        return (Noise(own, MomentMap(c=-spread)),) * n if n > 1 else (Noise(own),)

    def why_not(self, n: int, d: int) -> str:
        return f"n = {self.n} workers" if n != self.n else super().why_not(n, d)

    @classmethod
    def examples(cls) -> tuple[Owners, ...]:
        return (cls(2, 2), cls(3, 2))


def share_of_other_owners(c: Constants) -> Number:
    """(s-1)/(n-1), s = n/(1+omega) owners of every coordinate; 1 where all send everything."""
    # s/n = 1/(1+omega) is the probability with which a worker keeps a coordinate: s is read off the claim
    return 1 if c.omega == 0 else ratio(ratio(c.n, 1 + c.omega) - 1, c.n - 1)


def spread_out(c: Constants) -> Number:
    """chi = n(s-1)/(s(n-1))."""
    return (1 + c.omega) * share_of_other_owners(c)


class CompressedScaffnewLinear(Theorem):
    """E Psi_t <= max{(1-gamma mu)^2, (1-gamma L)^2, 1 - p^2 chi (s-1)/(n-1)}^t Psi_0, 0 < gamma < 2/L.

    mu = mu_min, L = L_max, s owners of every coordinate, chi = n(s-1)/(s(n-1)); Psi = (1/gamma) sum||x_i-x*||^2 +
    (gamma/(p^2 chi)) ((n-1)/(s-1)) sum||h_i - grad f_i(x*)||^2, every f_i mu-strongly convex. s = n is ProxSkip:
    1-p^2. p=None: the least with which communication does not slow the local steps down.
    """

    id = "compressed_scaffnew.linear"
    title = "CompressedScaffnew: linear, no floor"
    source = SCAFFNEW_C
    attribution = Attribution.RECALLED
    declared = Standing.CITED
    accepts = ("p",)
    metric = "(1/gamma) sum||x_i-x*||^2 + gamma (n-1)/(p^2 chi (s-1)) sum||h_i - grad f_i(x*)||^2"

    def _why_not(self, c: Constants) -> str:
        if not c.mu_min > 0:
            return "every f_i must be strongly convex"
        return "" if share_of_other_owners(c) > 0 else "every coordinate needs two owners"

    def step_limit(self, c: Constants) -> tuple[Number, str]:
        return 2 / c.L_max, "2/L_max"

    def default_step(self, c: Constants) -> Number:
        """Where both local factors are equal, 2/(L_max+mu_min)."""
        return 2 / (c.L_max + c.mu_min)

    def local(self, c: Constants, gamma: Number) -> Number:
        """max{(1-gamma mu)^2, (1-gamma L)^2}."""
        return max((1 - gamma * c.mu_min) ** 2, (1 - gamma * c.L_max) ** 2)

    def slack(self, c: Constants, gamma: Number) -> Number:
        return 1 - self.local(c, gamma)

    def chance(self, c: Constants, gamma: Number) -> Number:
        """p: the user's, or the balancing one."""
        if "p" in c.params:
            return c.params["p"]
        # p^2 chi (s-1)/(n-1) = 1 - local: communication as often as the local steps can use, and no more
        return min(1, sqrt((1 - self.local(c, gamma)) / (spread_out(c) * share_of_other_owners(c))))

    def params(self, c: Constants, gamma: Number) -> dict[str, Number]:
        p, lift = self.chance(c, gamma), share_of_other_owners(c)
        return {"p": p, "lift": lift, "weight": gamma / (p * p * spread_out(c) * lift)}

    def rate(self, c: Constants, gamma: Number) -> Number:
        p = self.chance(c, gamma)
        return max(self.local(c, gamma), 1 - p * p * spread_out(c) * share_of_other_owners(c))

    def observe(self, problem: Problem, state: State, plan: Plan) -> Array:
        apart = mean_square(state.z - problem.x_star) / float(plan.gamma)
        duals = float(plan["weight"]) * mean_square(state.h - problem.gradients_at_star)
        return np.asarray(problem.n * (apart + duals))

    def distance_factor(self, c: Constants, plan: Plan) -> float:
        """sum||x_i-x*||^2 >= n||mean x_i - x*||^2."""
        return float(c.n / plan.gamma)


@dataclass(frozen=True)
class ScaffnewState(BodyState):
    """z, h: (R, n, d) the workers' models and control variates; x is the models' mean."""

    h: Array = field(kw_only=True)
    z: Array = field(kw_only=True)


@dataclass(frozen=True)
class CompressedScaffnew(BodyMethod):
    """z_i' = z_i - gamma grad f_i(z_i) + gamma h_i; with probability 1-p z_i+ = z_i'; else they meet.

    They send q_i z_i', q_i the 0/1 masks of `Owners`, s = `owners` of n = `workers` for every coordinate; z_i+ = b =
    (1/s) sum q_i z_i', h_i+ = h_i + (p lift/gamma) S_i (b - z_i'), S_i = (n/s) q_i, lift = (s-1)/(n-1): the paper's
    p chi/gamma q_i. x+ = mean z_i+, which is only told. h_i^0 = 0; the mean of the h_i, which no round moves, is taken
    off. An iteration is no round: it sends with probability p.
    """

    workers: int = 2
    owners: int = 2
    p: Number | None = None
    lift: object = None
    compressor: CompressorLike = field(default_factory=Identity, init=False, repr=False)
    downlink: Compressor = field(default_factory=Identity, init=False, repr=False)
    takes_compressor = False
    takes_oracle = False
    state_class = ScaffnewState
    chances = ("p",)
    name = "CompressedScaffnew"
    source = SCAFFNEW_C
    own_theorems: ClassVar[tuple[Theorem, ...]] = (CompressedScaffnewLinear(),)

    def __post_init__(self) -> None:
        object.__setattr__(self, "compressor", Owners(self.workers, self.owners))
        super().__post_init__()

    def check(self, problem: Problem) -> Constants:
        if problem.n != self.workers:
            raise Unsupported(
                f"CompressedScaffnew(workers={self.workers}) needs workers = n, got n={problem.n}: give "
                f"CompressedScaffnew(workers={problem.n}, owners={min(self.owners, problem.n)})"
            )
        return super().check(problem)

    def default_params(self, c: Constants) -> dict[str, Number]:
        theorem = self.own_theorems[0]
        if theorem._why_not(c):
            raise NoGuarantee(f"CompressedScaffnew: {theorem._why_not(c)}")
        gamma = theorem.default_step(c) if self.gamma is None else self.gamma
        if self.p is None and not theorem.slack(c, gamma) > 0:
            raise NoGuarantee(
                f"gamma={float(gamma):.6g}: local steps do not contract, so nothing plans p: give p=..."
            )
        own = theorem.params(c.but(params={"p": self.p} if self.p is not None else {}), gamma)
        return {k: own[k] if getattr(self, k) is None else getattr(self, k) for k in self.signature.params}

    def _sent(self, w: Counted, read: Reading | None, problem: Problem, t: int) -> Bits:
        """What each worker keeps of its model, where they meet."""
        return np.where(w.coins[0], next(iter(w.cost.values())), 0.0)

    def _heard(self, w: Counted, read: Reading | None, problem: Problem) -> Bits | None:
        """The model, where they meet."""
        return np.where(w.coins[0], float(problem.d * FLOAT_BITS), 0.0)

    @staticmethod
    def body(
        w: World, x: Vec, h: Worker, z: Worker = copy_of_start, *, gamma: Number, p: Number, lift: Number
    ) -> dict[str, Vec]:
        # sum h_i = 0 is invariant in exact arithmetic; taking the mean off keeps it so in the trace, too
        centred = h - w.mean(h)
        mine = z - gamma * w.gradient(z) + gamma * centred
        s = w.sketch()
        sent = s(mine)
        met = w.mean(sent)
        # the control variate moves by what the owner's model is off the common one, on the coordinates that
        # it owns
        learned = centred + p * lift / gamma * (s(met) - sent)
        alone = w.mean(mine)
        common, own, dual = w.coin(p, (met, met, learned), (alone, mine, centred))
        return dict(x=common, z=own, h=dual)

    @classmethod
    def examples(cls, compressor: CompressorLike | None = None) -> tuple[Method, ...]:
        return (cls(),)
