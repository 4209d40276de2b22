"""Jointly drawn diagonal sketches: PermK and its rescaled forms (the sketches of IST).

Workers share one permutation, so that together they send every coordinate: errors of different workers cancel in the
mean. Everything follows from the probability that given (worker, coordinate) pairs are kept together.
"""

from __future__ import annotations

from abc import abstractmethod
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from compth import calculus
from compth._door import a_fleet, at_the_door
from compth._numbers import Number, is_symbolic, max, power, ratio
from compth._types import Array
from compth.bits import FLOAT_BITS, BitCost
from compth.claims import BiasVariance, Claim, Contractive, JointVariance
from compth.compressors.core.base import (
    OURS,
    RECALLED,
    TIGHT,
    UPPER,
    Compressor,
    DiagonalSketch,
    MomentMap,
    Noise,
    Proved,
    positive_int,
)
from compth.compressors.fleets import Fleet, Independent, Shared
from compth.compressors.rand_k import RandK
from compth.errors import InvalidParameter, Unsupported
from compth.sources import IST, PERMK, Source

SEED_BITS = 64


def falling(a: Number, m: int) -> Number:
    """a (a-1) ... (a-m+1)."""
    out: Number = 1
    for r in range(m):
        out = out * (a - r)
    return out


def divides(n: int, d: int) -> bool:
    """d = qn or n = qd."""
    return d % n == 0 or n % d == 0


class JointSketch(Fleet):
    """n diagonal sketches drawn together: worker i's message is w_i * x_i, w of shape (..., n, d).

    `draw` gives the weights themselves, so that a method may apply the SAME sketch twice (IST: model and gradient).
    """

    @abstractmethod
    def draw(self, shape: tuple[int, ...], rng: np.random.Generator) -> Array:
        """Weights of shape (..., n, d): rows of the leading axes independent, workers jointly drawn."""

    @abstractmethod
    def inclusion(self, pairs: Sequence[tuple[int, int]], n: Number, d: Number) -> Number:
        """P(worker i keeps coordinate j for every (i, j) of the list), any number of pairs, repeats allowed."""

    @abstractmethod
    def scale(self, n: int, d: int) -> Number | tuple[tuple[float, ...], ...]:
        """The weight of a kept coordinate: a number, or nested tuples (n, d)."""

    def _compress(self, x: Array, rng: np.random.Generator) -> Array:
        return self.draw(x.shape, rng) * x


@dataclass(frozen=True)
class _PermMember(DiagonalSketch):
    """One worker's marginal of PermK: Rand-K with k = max(d/n, 1); the positions follow from a shared seed."""

    n: int

    def k(self, d: Number) -> Number:
        """Coordinates that the worker keeps."""
        return max(ratio(d, self.n), 1)

    def inclusion(self, d: Number, order: int = 1) -> Number:
        # given coordinates are all among k of d: k (k-1) .../(d (d-1) ...)
        return ratio(falling(self.k(d), order), falling(d, order))

    def draw(self, shape: tuple[int, ...], rng: np.random.Generator) -> Array:
        return RandK(int(self.k(shape[-1]))).draw(shape, rng)

    def claims(self, d: Number) -> tuple[Claim, ...]:
        return (self._sketch_claim(d, source=PERMK, attribution=RECALLED, proof="randk.omega"),)

    def bits(self, d: int, float_bits: int = FLOAT_BITS) -> BitCost:
        return BitCost(floats=int(self.k(d)), seed=SEED_BITS, float_bits=float_bits)

    def why_not(self, d: int) -> str:
        return "" if divides(self.n, d) else f"d = qn or n = qd (n={self.n})"

    @classmethod
    def examples(cls) -> tuple[_PermMember, ...]:
        return (cls(1), cls(2))


@dataclass(frozen=True)
class PermK(JointSketch):
    """C_i(x) = n (i-th chunk of a uniform random permutation of the coordinates), d = qn; workers' supports disjoint.

    For n = qd every coordinate goes to q workers, C_i(x) = d x_{pi_i} e_{pi_i}. The average of equal vectors is exact.
    Each member is Rand-K with k = max(d/n, 1). Jointly (equality for all inputs) A = B = 1 for d = qn and
    A = B = (d-1)/(n-1) for n = qd. Other (n, d) are not supported.
    """

    n: int
    source: ClassVar[Source] = PERMK

    def __post_init__(self) -> None:
        positive_int("n", self.n, "PermK")

    @property
    def members(self) -> tuple[Compressor, ...]:
        return (_PermMember(self.n),)

    def member(self, i: int) -> Compressor:
        return _PermMember(self.n)

    def scale(self, n: int, d: int) -> Number:
        return min(n, d)

    def draw(self, shape: tuple[int, ...], rng: np.random.Generator) -> Array:
        n, d = shape[-2:]
        # d = qn: a permutation cut into n chunks; n = qd: every coordinate q times, shuffled and dealt one
        # to each worker
        pool = np.arange(d) if d >= n else np.repeat(np.arange(d), n // d)
        dealt = rng.permuted(np.broadcast_to(pool, (*shape[:-2], pool.size)), axis=-1)
        weights = np.zeros(shape)
        np.put_along_axis(weights, dealt.reshape(*shape[:-1], pool.size // n), float(min(n, d)), axis=-1)
        return weights

    def inclusion(self, pairs: Sequence[tuple[int, int]], n: Number, d: Number) -> Number:
        # a repeated pair asks for nothing new
        distinct = set(pairs)
        owner, other = (1, 0) if d >= n else (0, 1)  # a coordinate has one worker, or a worker one coordinate
        if len({p[owner] for p in distinct}) < len(distinct):
            return ratio(0, 1)
        # ordered ways to deal: who owns a coordinate (or which one a worker has) is drawn without
        # replacement from q places each
        q = ratio(max(n, d), min(n, d))
        ways: Number = 1
        for count in Counter(p[other] for p in distinct).values():
            ways = ways * falling(q, count)
        return ratio(ways, falling(max(n, d), len(distinct)))

    def joint(self, n: Number, d: Number) -> JointVariance | None:
        # for d = qn the average of equal vectors is exact, and A mean||a_i||^2 - B||abar||^2 with A = B is
        # the vectors' own variance
        a, b = calculus.perm_joint(n, d)
        proof = ""
        if not is_symbolic(n) and not is_symbolic(d) and d > 1:
            proof = "permk.joint" if d >= n else "permk.few"
        same: Proved = {"sharpness": TIGHT, "source": PERMK, "attribution": OURS, "proof": proof}
        return JointVariance(a, b, n if isinstance(n, int) else 1, **same)

    def noise(self, n: int, d: int) -> tuple[Noise, ...]:
        """Own and cross maps from first and second inclusion probabilities, exact Fractions."""
        # E[S_i M S_j']_kl = scale^2 P(i keeps k and j keeps l) M_kl, less M: four numbers, on and off the
        # diagonal, own and between workers
        squared = self.scale(n, d) ** 2

        def factor(*pairs: tuple[int, int]) -> Number:
            return squared * self.inclusion(pairs, n, d) - 1

        off = factor((0, 0), (0, 1)) if d > 1 else 0
        own = MomentMap(a=off, c=factor((0, 0)) - off)
        if n == 1:
            return (Noise(own),)
        across = factor((0, 0), (1, 1)) if d > 1 else 0
        return (Noise(own, MomentMap(a=across, c=factor((0, 0), (1, 0)) - across)),) * n

    def why_not(self, n: int, d: int) -> str:
        if n != self.n:
            return f"n = {self.n} workers"
        return super().why_not(n, d)

    @classmethod
    def examples(cls) -> tuple[Fleet, ...]:
        return (cls(2), cls(3), cls(4), cls(1))


def scaled_mask(scale: Number, p: Number) -> tuple[Number, Number, Number]:
    """(bias, variance, mean squared error) of an entry 1 that is sent as `scale` with probability p, else as 0."""
    return 1 - scale * p, scale * scale * p * (1 - p), 1 - 2 * scale * p + scale * scale * p


@dataclass(frozen=True)
class _ScaledPermMember(Compressor):
    """One worker's marginal of ScaledPermK: keeps max(d/n, 1) coordinates, entry j times scale_j."""

    n: int
    scale: Number

    def _scales(self) -> tuple[Number, ...]:
        return self.scale if isinstance(self.scale, tuple) else (self.scale,)

    def _compress(self, x: Array, rng: np.random.Generator) -> Array:
        kept = _PermMember(self.n).draw(x.shape, rng) > 0
        return np.where(kept, np.asarray(self.scale, dtype=np.float64) * x, 0.0)

    def claims(self, d: Number) -> tuple[Claim, ...]:
        p = _PermMember(self.n).inclusion(d)
        # a coordinate is c with probability p and 0 else: the claims are the worst coordinate's, as an
        # input may lie in it alone
        biases, variances, errors = zip(*(scaled_mask(c, p) for c in self._scales()), strict=True)
        eta, omega, delta = max(*map(abs, biases)), max(*variances), 1 - max(*errors)
        same: Proved = {"sharpness": TIGHT, "source": IST, "attribution": OURS, "proof": "masks.scaled"}
        contracts = () if is_symbolic(delta) or delta <= 0 else (Contractive(delta, **same),)
        single = not isinstance(self.scale, tuple)
        pair = BiasVariance(eta, omega, **same)
        return (*contracts, pair if single else replace(pair, sharpness=UPPER))

    def bits(self, d: int, float_bits: int = FLOAT_BITS) -> BitCost:
        return _PermMember(self.n).bits(d, float_bits)

    def why_not(self, d: int) -> str:
        if isinstance(self.scale, tuple) and len(self.scale) != d:
            return f"d = {len(self.scale)} (one scale per coordinate)"
        return _PermMember(self.n).why_not(d)

    @classmethod
    def examples(cls) -> tuple[_ScaledPermMember, ...]:
        return (cls(2, 1),)


@dataclass(frozen=True)
class ScaledPermK(JointSketch):
    """PermK's supports with other weights: a kept entry (i, j) times `scaling`, one number or an (n, d) table.

    scaling = n: PermK itself. scaling = sqrt(n): IST's Perm-1 of Sec. 4 (homogeneous, preconditioned). scaling = 1: raw
    masks. `preconditioned(A)`: sqrt(n) [L_i]_jj^(-1/2), IST (23) read with Diag(L_i)^(-1/2), not with the diagonal of
    L_i^(-1/2). Not unbiased unless scaling = n (d >= n); (1/n) sum C_i is the identity only then.

    Raises InvalidParameter unless every scale is > 0. Claims of the members are those of scaled masks
    (`scaled_mask`); there is no joint variance, as the members are biased.
    """

    n: int
    scaling: Number
    source: ClassVar[Source] = IST.at("(23)")

    def __post_init__(self) -> None:
        positive_int("n", self.n, "ScaledPermK")
        if np.ndim(self.scaling) == 2:
            table = tuple(tuple(float(v) for v in row) for row in self.scaling)
            object.__setattr__(self, "scaling", table)
        if np.ndim(self.scaling) not in (0, 2) or not (
            is_symbolic(self.scaling) or np.all(np.asarray(self.scaling, dtype=np.float64) > 0)
        ):
            raise InvalidParameter(
                f"ScaledPermK(scaling={self.scaling!r}) needs one number > 0 or an (n, d) table"
            )

    @classmethod
    def preconditioned(cls, matrices: Array) -> ScaledPermK:
        """sqrt(n) / sqrt([L_i]_jj) from the (n, d, d) Hessians L_i; InvalidParameter where a diagonal is not > 0."""
        diagonal = np.einsum("ijj->ij", np.asarray(matrices, dtype=np.float64))
        if not (diagonal > 0).all():
            raise InvalidParameter("preconditioned(matrices) needs every diagonal entry of every L_i > 0")
        return cls(len(diagonal), np.sqrt(len(diagonal) / diagonal))

    @property
    def members(self) -> tuple[Compressor, ...]:
        table = isinstance(self.scaling, tuple)
        return tuple(self.member(i) for i in range(self.n)) if table else (self.member(0),)

    def member(self, i: int) -> Compressor:
        return _ScaledPermMember(self.n, self.scaling[i] if isinstance(self.scaling, tuple) else self.scaling)

    def scale(self, n: int, d: int) -> Number | tuple[tuple[float, ...], ...]:
        return self.scaling

    def draw(self, shape: tuple[int, ...], rng: np.random.Generator) -> Array:
        # supports are PermK's own, only the weights differ
        kept = PermK(self.n).draw(shape, rng) > 0
        return np.where(kept, np.asarray(self.scaling, dtype=np.float64), 0.0)

    def inclusion(self, pairs: Sequence[tuple[int, int]], n: Number, d: Number) -> Number:
        return PermK(self.n).inclusion(pairs, n, d)

    def joint(self, n: Number, d: Number) -> JointVariance | None:
        return None

    def noise(self, n: int, d: int) -> None:
        return None

    def why_not(self, n: int, d: int) -> str:
        table = np.shape(self.scaling)
        if table and table != (n, d):
            return f"(n, d) = {table} (the table of scales)"
        return PermK(self.n).why_not(n, d)

    @classmethod
    def examples(cls) -> tuple[Fleet, ...]:
        half = ratio(1, 2)
        return (cls(2, 1), cls(4, power(4, half)), cls(2, ((1.0, 2.0), (0.5, 1.0))))


@at_the_door(fleet=a_fleet)
def draw_weights(fleet: Fleet, shape: tuple[int, ...], rng: np.random.Generator) -> Array:
    """Weights (..., n, d) of any fleet of diagonal sketches, as the fleet draws them jointly.

    Raises Unsupported for a fleet whose members are not diagonal sketches.
    """
    # fleets whose weights are drawn apart from their messages: jointly, shared by all, or by each worker
    # for itself
    if isinstance(fleet, JointSketch):
        return fleet.draw(shape, rng)
    sketches = [m for m in fleet.members if isinstance(m, DiagonalSketch)]
    if len(sketches) == len(fleet.members):
        if isinstance(fleet, Shared):
            one = sketches[0].draw((*shape[:-2], 1, shape[-1]), rng)
            return np.broadcast_to(one, shape)
        if isinstance(fleet, Independent) and len(sketches) == 1:
            return sketches[0].draw(shape, rng)
        if isinstance(fleet, Independent):
            rows = [s.draw((*shape[:-2], shape[-1]), rng) for s in sketches]
            return np.stack(rows, axis=-2)
    raise Unsupported(
        f"{fleet!r} is not a fleet of diagonal sketches: try PermK(n=4) or Independent(RandK(k=1))"
    )


__all__ = ["JointSketch", "PermK", "ScaledPermK", "draw_weights"]
