"""Partial participation: samplings of workers, the fleet they make, and one worker that sends or skips.

Partial participation is compression: a worker that is not asked sends 0, one that is sends its vector over its
probability. Oracles use the same samplings for the components of a finite sum.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from fractions import Fraction
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from compth import calculus
from compth._numbers import Number, is_symbolic, max, plainly, ratio
from compth._types import Array
from compth.bits import FLOAT_BITS, BitCost
from compth.claims import Claim, JointVariance, Unbiased, rule_proof
from compth.compressors.core.base import (
    OURS,
    RECALLED,
    TIGHT,
    UPPER,
    Compressor,
    MomentMap,
    Noise,
    positive_int,
    short_repr,
)
from compth.compressors.fleets import Fleet
from compth.compressors.identity import Identity
from compth.compressors.natural import NaturalCompression
from compth.compressors.rand_k import RandK
from compth.errors import InvalidParameter
from compth.sources import INDUCED, Source


@dataclass(frozen=True)
class SendOrSkip(Compressor):
    """C(x) = C0(x)/p with probability p, else nothing (one bit): unbiased, omega = (1 + omega0)/p - 1.

    p: 0 < p <= 1. As sharp as C0's own claim; no claim where C0 is not unbiased.
    """

    compressor: Compressor
    p: Number

    def __post_init__(self) -> None:
        super().__post_init__()
        if not is_symbolic(self.p) and not 0 < self.p <= 1:
            raise InvalidParameter(f"SendOrSkip(p={self.p!r}) needs 0 < p <= 1")

    def _compress(self, x: Array, rng: np.random.Generator) -> Array:
        # one coin for the whole vector; 1/p makes it unbiased
        send = rng.random((*x.shape[:-1], 1)) < float(self.p)
        return np.where(send, self.compressor._compress(x, rng) / float(self.p), 0.0)

    def claims(self, d: Number) -> tuple[Claim, ...]:
        base = self.compressor.claim(Unbiased, d)
        if base is None:
            return ()
        # E||C||^2 = (1+omega0)||x||^2/p, so omega = (1+omega0)/p - 1
        omega = calculus.send_or_skip_omega(base.omega, self.p)
        return (
            Unbiased(
                omega,
                sharpness=base.sharpness,
                source=base.source,
                attribution=OURS,
                proof=rule_proof("calculus.send_or_skip", base),
            ),
        )

    def noise(self, d: int) -> Noise | None:
        base = self.compressor.noise(d)
        if base is None:
            return None
        own, p = base.own, self.p
        # E[S M S'] is (1/p) times that of the inner sketch: every coefficient is divided by p, and M itself
        # gains 1/p - 1
        c = ratio(own.c, p) if np.ndim(own.c) == 0 else own.c / float(p)
        return Noise(MomentMap(ratio(own.a, p) + ratio(1, p) - 1, c, ratio(own.b, p)))

    def bits(self, d: int, float_bits: int = FLOAT_BITS) -> BitCost:
        """One bit, and the message with probability p."""
        one = self.compressor.bits(d, float_bits)
        return BitCost(
            floats=one.floats * self.p,
            indices=one.indices * self.p,
            signs=one.signs * self.p,
            levels=one.levels * self.p,
            seed=one.seed * self.p,
            other=one.other * self.p + 1,
            float_bits=float_bits,
            random=True,
        )

    def message_bits(self, y: Array, float_bits: int = FLOAT_BITS) -> Array:
        """1 for a zero message, else 1 + the compressor's own."""
        # the message that went over the wire is C0(x), before the division by p
        sent = self.compressor.message_bits(y * float(self.p), float_bits)
        return 1.0 + np.where((y != 0).any(axis=-1), sent, 0.0)

    def why_not(self, d: int) -> str:
        return self.compressor.why_not(d)

    @classmethod
    def examples(cls) -> tuple[SendOrSkip, ...]:
        half = ratio(1, 2)
        return (cls(Identity(), half), cls(RandK(1), ratio(1, 3)), cls(NaturalCompression(), 0.75))


@dataclass(frozen=True)
class Sampling(ABC):
    """A random set S of workers, p_i = P(i in S) > 0. `matrix` is P_ij = P(i and j in S); v makes
    P - p p' <= Diag(p_i v_i) in the Loewner order, and a_S = max v_i/p_i."""

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        plainly(cls)
        cls.__repr__ = short_repr  # type: ignore[method-assign]

    @property
    @abstractmethod
    def workers(self) -> int:
        """n."""

    @abstractmethod
    def matrix(self) -> tuple[tuple[Number, ...], ...]:
        """P, exact where the parameters are."""

    @abstractmethod
    def v(self) -> tuple[Number, ...]:
        """v_1, ..., v_n."""

    @abstractmethod
    def draw(self, shape: tuple[int, ...], rng: np.random.Generator) -> NDArray[np.bool_]:
        """Membership, shape (..., n), rows independent."""

    def joint(self, omega: Number) -> tuple[Number, Number, bool]:
        """(A, B, attained) of the average of [i in S] C_i(a_i)/p_i, members independent of variance omega."""
        # in general position only a bound: P - p p' <= Diag(p v) turns the sets' correlations into one
        # number per worker
        return (*calculus.sampled_joint(self.probabilities(), self.v(), omega), False)

    def probabilities(self) -> tuple[Number, ...]:
        """p_1, ..., p_n: the diagonal of P."""
        return tuple(row[i] for i, row in enumerate(self.matrix()))

    @property
    def a_S(self) -> Number:
        """max_i v_i / p_i."""
        return max(*(ratio(v, p) for v, p in zip(self.v(), self.probabilities(), strict=True)), 0)

    @property
    def cohort(self) -> Number:
        """Expected number of participants, the trace of P."""
        return sum(self.probabilities())


@dataclass(frozen=True)
class NiceSampling(Sampling):
    """A uniformly random set of m of the n workers: v_i = (n-m)/(n-1), and A = B = (n-m)/(m(n-1)) with equality."""

    n: int
    m: int

    def __post_init__(self) -> None:
        positive_int("n", self.n, "NiceSampling")
        positive_int("m", self.m, "NiceSampling")
        if self.m > self.n:
            raise InvalidParameter(f"NiceSampling(n={self.n}, m={self.m}) needs m <= n")

    @property
    def workers(self) -> int:
        return self.n

    def matrix(self) -> tuple[tuple[Number, ...], ...]:
        own = Fraction(self.m, self.n)
        # m of n without replacement: P(j | i) = (m-1)/(n-1)
        pair = own * Fraction(self.m - 1, self.n - 1) if self.n > 1 else own
        return tuple(tuple(own if i == j else pair for j in range(self.n)) for i in range(self.n))

    def v(self) -> tuple[Number, ...]:
        return (Fraction(self.n - self.m, self.n - 1) if self.n > 1 else Fraction(0),) * self.n

    def joint(self, omega: Number) -> tuple[Number, Number, bool]:
        return (*calculus.nice_joint(self.m, self.n, omega), True)

    def draw(self, shape: tuple[int, ...], rng: np.random.Generator) -> NDArray[np.bool_]:
        # the workers whose place in a random order is among the first m
        return rng.permuted(np.broadcast_to(np.arange(self.n), shape), axis=-1) < self.m


@dataclass(frozen=True)
class IndependentSampling(Sampling):
    """Worker i participates with probability p_i, independently of the others: v_i = 1 - p_i."""

    p: tuple[Number, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "p", tuple(self.p) if isinstance(self.p, list | tuple) else (self.p,))
        if not self.p or not all(0 < q <= 1 for q in self.p):
            raise InvalidParameter(f"IndependentSampling(p={self.p!r}) needs 0 < p_i <= 1, one per worker")

    @property
    def workers(self) -> int:
        return len(self.p)

    def matrix(self) -> tuple[tuple[Number, ...], ...]:
        return tuple(
            tuple(a if i == j else a * b for j, b in enumerate(self.p)) for i, a in enumerate(self.p)
        )

    def v(self) -> tuple[Number, ...]:
        return tuple(1 - q for q in self.p)

    def draw(self, shape: tuple[int, ...], rng: np.random.Generator) -> NDArray[np.bool_]:
        return np.asarray(rng.random(shape) < np.asarray(self.p, dtype=np.float64))


@dataclass(frozen=True)
class ArbitrarySampling(Sampling):
    """One of the listed sets of workers (0-based) with the listed probabilities; every worker in at least one set.

    v_i = lambda_max of Diag(p)^(-1/2) (P - p p') Diag(p)^(-1/2), the same for all i (a valid, not the only, choice).
    """

    n: int
    sets: tuple[tuple[int, ...], ...]
    weights: tuple[Number, ...]

    def __post_init__(self) -> None:
        positive_int("n", self.n, "ArbitrarySampling")
        object.__setattr__(self, "sets", tuple(tuple(sorted(set(s))) for s in self.sets))
        object.__setattr__(self, "weights", tuple(self.weights))
        if len(self.sets) != len(self.weights) or not all(w > 0 for w in self.weights):
            raise InvalidParameter(
                f"ArbitrarySampling(weights={self.weights!r}) needs one weight > 0 per set"
            )
        # to rounding: weights may be floats such as 0.1
        if abs(sum(self.weights) - 1) > 1e-12:
            raise InvalidParameter(f"ArbitrarySampling(weights={self.weights!r}) needs a sum of 1")
        if {i for s in self.sets for i in s} != set(range(self.n)):
            raise InvalidParameter(
                f"ArbitrarySampling(sets={self.sets!r}) needs every worker 0..{self.n - 1} in some set"
            )

    @property
    def workers(self) -> int:
        return self.n

    def matrix(self) -> tuple[tuple[Number, ...], ...]:
        def both(i: int, j: int) -> Number:
            return sum(
                (w for s, w in zip(self.sets, self.weights, strict=True) if i in s and j in s), start=0
            )

        return tuple(tuple(both(i, j) for j in range(self.n)) for i in range(self.n))

    def v(self) -> tuple[Number, ...]:
        # P - p p' <= Diag(p_i v) means v >= lambda_max of the matrix scaled by p^-1/2 on both sides
        pair = np.asarray(self.matrix(), dtype=np.float64)
        p = pair.diagonal()
        centred = (pair - np.outer(p, p)) / np.sqrt(np.outer(p, p))
        top = float(np.linalg.eigvalsh(centred)[-1])
        return (top if top > 1e-15 else 0.0,) * self.n

    def draw(self, shape: tuple[int, ...], rng: np.random.Generator) -> NDArray[np.bool_]:
        member = np.array([[i in s for i in range(self.n)] for s in self.sets])
        # inverse transform: the number of edges below a uniform number is the set's index
        edges = np.cumsum(np.asarray(self.weights, dtype=np.float64))[:-1]
        choice = (rng.random((*shape[:-1], 1)) >= edges).sum(axis=-1)
        return np.asarray(member[choice])


@dataclass(frozen=True)
class Sampled(Fleet):
    """Worker i sends C(x_i)/p_i when i is in the random set S, else nothing; members compress independently.

    (A, B) of the average: (c + omega/m, c) with c = (n-m)/(m(n-1)) for m-nice sampling; in general
    (max_i (v_i + omega)/p_i / n, 0). Each worker alone is SendOrSkip(C, p_i).

    Raises InvalidParameter unless it is given a Compressor and a Sampling; Unsupported for another number of workers.
    """

    compressor: Compressor
    sampling: Sampling
    source: ClassVar[Source] = INDUCED.at("arbitrary sampling")

    def __post_init__(self) -> None:
        super().__post_init__()
        if not isinstance(self.compressor, Compressor) or not isinstance(self.sampling, Sampling):
            raise InvalidParameter(
                f"Sampled({self.compressor!r}, {self.sampling!r}) needs a Compressor and a Sampling,"
                " e.g. Sampled(RandK(k=2), NiceSampling(n=4, m=2))"
            )

    @property
    def members(self) -> tuple[Compressor, ...]:
        return tuple(SendOrSkip(self.compressor, p) for p in dict.fromkeys(self.sampling.probabilities()))

    def member(self, i: int) -> Compressor:
        return SendOrSkip(self.compressor, self.sampling.probabilities()[i])

    def _weights(self, shape: tuple[int, ...], rng: np.random.Generator) -> Array:
        """1/p_i for those in the set and 0 for the others, (..., n, 1)."""
        # [i in S]/p_i: who takes part says more, so that the mean is right
        inside = self.sampling.draw(shape[:-1], rng)
        p = np.array([float(q) for q in self.sampling.probabilities()])
        return np.where(inside, 1 / p, 0.0)[..., None]

    def _compress(self, x: Array, rng: np.random.Generator) -> Array:
        return self._weights(x.shape, rng) * self.compressor._compress(x, rng)

    def kernel(self, x: Array, rng: np.random.Generator) -> Array:
        return self._weights(x.shape, rng) * self.compressor.kernel(x, rng)

    def joint(self, n: Number, d: Number) -> JointVariance | None:
        base = self.compressor.claim(Unbiased, d)
        if base is None:
            return None
        a, b, attained = self.sampling.joint(base.omega)
        return JointVariance(
            a,
            b,
            self.sampling.workers,
            sharpness=TIGHT if attained and base.sharpness == TIGHT else UPPER,
            source=INDUCED,
            attribution=OURS if attained else RECALLED,
            proof=rule_proof(self._rule(), base),
        )

    def _rule(self) -> str:
        """The proof of (A, B): a lone worker who always takes part sends C(x)."""
        if not isinstance(self.sampling, NiceSampling):
            return "sampling.independent"
        return "sampling.nice" if self.sampling.n > 1 else "calculus.averaging"

    def noise(self, n: int, d: int) -> tuple[Noise, ...] | None:
        """None where E[S_i M S_j'] differs between pairs of workers: one cross map per worker cannot say that."""
        # alone, a worker cannot tell the sampling from a coin of its own
        own = [self.member(i).noise(d) for i in range(n)]
        pair, p = self.sampling.matrix(), self.sampling.probabilities()
        # E[S_i M S_j'] = (P_ij/(p_i p_j)) M for i != j: one cross map serves only if this is the same for
        # all pairs
        ratios = {ratio(pair[i][j], p[i] * p[j]) - 1 for i in range(n) for j in range(n) if i != j}
        if any(v is None for v in own) or len(ratios) > 1:
            return None
        cross = MomentMap(a=next(iter(ratios), 0))
        return tuple(Noise(v.own, cross) for v in own if v is not None)

    def why_not(self, n: int, d: int) -> str:
        if n != self.sampling.workers:
            return f"n = {self.sampling.workers} workers"
        return super().why_not(n, d)

    @classmethod
    def examples(cls) -> tuple[Fleet, ...]:
        half, third = ratio(1, 2), ratio(1, 3)
        pairs = ArbitrarySampling(3, ((0, 1), (1, 2), (0, 2)), (half, third, ratio(1, 6)))
        return (
            cls(RandK(1), NiceSampling(3, 2)),
            cls(Identity(), IndependentSampling((half, third))),
            cls(Identity(), pairs),
            cls(Identity(), NiceSampling(1, 1)),
        )
