"""Atomic sparsification: atoms kept independently with the best probabilities; entries, singular vectors, Fourier.

An input is a sum of orthonormal atoms, so variances add up over atoms and the best probabilities depend on their
sizes alone (`core.probabilities`). What an atom is (an entry, a singular triplet, a wave) is all that the classes
differ in.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from compth._numbers import Number, is_exact, is_symbolic, log2_ceil, ratio
from compth._types import Array
from compth.bits import FLOAT_BITS, BitCost
from compth.claims import Claim, Unbiased
from compth.compressors.core.base import OURS, RECALLED, TIGHT, Compressor
from compth.compressors.core.probabilities import budget_probabilities, variance_probabilities
from compth.compressors.low_rank import _check_shape, _why_not
from compth.errors import InvalidParameter
from compth.sources import ATOMO, INDUCED, WANGNI, Source


def keep(values: Array, p: Array, rng: np.random.Generator) -> Array:
    """values_j / p_j with probability p_j, else 0, independently (p_j = 0 only where values_j = 0)."""
    # independent coins: the number of atoms sent is random, its mean is the budget
    kept = rng.random(values.shape) < p
    return np.where(kept, values / np.where(p > 0, p, 1), 0.0)


def atomic_omega(atoms: Number, budget: Number) -> Number:
    """n/s - 1 for n atoms and budget s: equal weights are the worst case, and uniform p_j = s/n is always allowed."""
    return ratio(atoms, budget) - 1


def triplet_floats(rows: Number, columns: Number) -> Number:
    """Floats of one singular triplet: rows + columns, the singular value inside u."""
    return rows + columns


def _check_budget(owner: str, budget: Number) -> None:
    """Raise InvalidParameter unless budget is a number in (0, inf), or a symbol."""
    real = is_symbolic(budget) or (isinstance(budget, int | float) and not isinstance(budget, bool))
    if not (real or is_exact(budget)) or not (is_symbolic(budget) or 0 < budget < math.inf):
        raise InvalidParameter(f"{owner}(budget={budget!r}) needs an expected number of atoms > 0")


@dataclass(frozen=True)
class _Atomic(Compressor):
    """x = sum lambda_i a_i over orthonormal atoms; atom i is sent as lambda_i/p_i with probability p_i."""

    budget: Number
    source: ClassVar[Source] = ATOMO.at("Alg. 1, Thm 5")

    def __post_init__(self) -> None:
        _check_budget(type(self).__name__, self.budget)

    @abstractmethod
    def atoms(self, d: Number) -> Number:
        """Number of atoms at dimension d."""

    def claims(self, d: Number) -> tuple[Claim, ...]:
        omega = atomic_omega(self.atoms(d), self.budget)
        return (Unbiased(omega, sharpness=TIGHT, source=self.source, attribution=OURS, proof="atomo.omega"),)

    def weights(self, x: Array) -> Array:
        """|lambda_i| of each row, (..., d) -> (..., atoms)."""
        return np.abs(x)

    def second_moment(self, x: Array) -> Array:
        """E||C(x)||^2 = sum lambda_i^2/p_i per row."""
        size = self.weights(x)
        # E||C||^2 adds up over orthonormal atoms
        p = budget_probabilities(size, float(self.budget))
        return np.asarray((size * (size / np.where(p > 0, p, 1))).sum(axis=-1))

    def why_not(self, d: int) -> str:
        count = self.atoms(d)
        return "" if is_symbolic(self.budget) or self.budget <= count else f"budget <= {count} atoms"


@dataclass(frozen=True)
class AtomoEntrywise(_Atomic):
    """C(x)_j = x_j/p_j with probability p_j, else 0; p_j = min{1, |x_j|/c} with sum p_j = budget (an expected number).

    Unbiased with the least variance for the budget s; omega = d/s - 1, attained at flat x. At s = ||x||_1/||x||_q
    it is one-level q-quantisation: QSGD (q = 2), TernGrad (q = inf).
    """

    def _compress(self, x: Array, rng: np.random.Generator) -> Array:
        return keep(x, budget_probabilities(np.abs(x), float(self.budget)), rng)

    def atoms(self, d: Number) -> Number:
        return d

    def bits(self, d: int, float_bits: int = FLOAT_BITS) -> BitCost:
        """How many entries, then each entry's index and value: expected, for x without zeros (else fewer)."""
        return BitCost(
            floats=self.budget,
            indices=self.budget * log2_ceil(d),
            other=log2_ceil(d + 1),
            float_bits=float_bits,
            random=True,
        )

    def message_bits(self, y: Array, float_bits: int = FLOAT_BITS) -> Array:
        d = y.shape[-1]
        lengths: Array = log2_ceil(d + 1) + (float_bits + log2_ceil(d)) * np.count_nonzero(y, axis=-1).astype(
            float
        )
        return lengths

    @classmethod
    def examples(cls) -> tuple[AtomoEntrywise, ...]:
        return (cls(1), cls(ratio(1, 2)), cls(1.5), cls(2))


@dataclass(frozen=True)
class AtomoSpectral(_Atomic):
    """X = sum sigma_i u_i v_i' (x reshaped to `shape`): triplet i is sent as sigma_i/p_i with probability p_i.

    p_i = min{1, sigma_i/c}, sum p_i = budget. Unbiased; omega = r/s - 1 with r = min(shape), attained at equal
    singular values. A triplet is rows + columns floats. Not the authors' code, whose p_i spend less than the budget.
    """

    shape: tuple[int, int]

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_shape("AtomoSpectral", self.shape)

    def _compress(self, x: Array, rng: np.random.Generator) -> Array:
        u, sigma, v = np.linalg.svd(x.reshape(*x.shape[:-1], *self.shape), full_matrices=False)
        # singular values are the sizes of the atoms u_i v_i'
        # the decomposition is made for every message: that is what it costs to choose the atoms by the
        # input
        kept = keep(sigma, budget_probabilities(sigma, float(self.budget)), rng)
        return np.asarray(((u * kept[..., None, :]) @ v).reshape(x.shape))

    def atoms(self, d: Number) -> Number:
        return min(self.shape)

    def weights(self, x: Array) -> Array:
        return np.asarray(np.linalg.svd(x.reshape(*x.shape[:-1], *self.shape), compute_uv=False))

    def worst_inputs(self, d: int) -> tuple[Array, ...]:
        return (np.eye(*self.shape).ravel(),)

    def bits(self, d: int, float_bits: int = FLOAT_BITS) -> BitCost:
        """How many triplets, then rows + columns floats for each (sigma inside u): expected, for full rank."""
        count = log2_ceil(min(self.shape) + 1)
        floats = self.budget * triplet_floats(*self.shape)
        return BitCost(floats=floats, other=count, float_bits=float_bits, random=True)

    def message_bits(self, y: Array, float_bits: int = FLOAT_BITS) -> Array:
        rank = np.linalg.matrix_rank(y.reshape(*y.shape[:-1], *self.shape))
        lengths: Array = log2_ceil(min(self.shape) + 1) + float_bits * triplet_floats(
            *self.shape
        ) * np.asarray(rank, dtype=float)
        return lengths

    def why_not(self, d: int) -> str:
        return super().why_not(d) or _why_not(d, self.shape)

    @classmethod
    def examples(cls) -> tuple[AtomoSpectral, ...]:
        return (cls(1, (2, 2)), cls(ratio(3, 2), (2, 2)), cls(0.5, (1, 3)), cls(2, (2, 3)), cls(1, (1, 1)))


def fourier(x: Array) -> Array:
    """Coefficients in the orthonormal real Fourier basis: mean part, cosines, sines; (..., d) -> (..., d)."""
    d = x.shape[-1]
    z = np.fft.rfft(x, axis=-1, norm="ortho")
    # frequencies j and d - j carry the same pair: each cosine and sine has norm 1 after the factor sqrt 2;
    # the mean, and the alternating part for even d, stand alone
    middle = z[..., 1 : (d + 1) // 2] * math.sqrt(2)
    ends = [z.real[..., :1], *([z.real[..., -1:]] if d % 2 == 0 else [])]
    return np.concatenate([*ends, middle.real, middle.imag], axis=-1)


def inverse_fourier(c: Array) -> Array:
    """Inverse (and transpose) of `fourier`."""
    d = c.shape[-1]
    first, pairs = 1 + (d % 2 == 0), (d - 1) // 2
    middle = (c[..., first : first + pairs] + 1j * c[..., first + pairs :]) / math.sqrt(2)
    parts = [c[..., :1] + 0j, middle, *([c[..., 1:2] + 0j] if d % 2 == 0 else [])]
    return np.fft.irfft(np.concatenate(parts, axis=-1), n=d, axis=-1, norm="ortho")


@dataclass(frozen=True)
class AtomoFourier(_Atomic):
    """AtomoEntrywise on the coefficients of x in the orthonormal real Fourier basis. omega = d/s - 1, attained.

    budget: 0 < s <= d, the expected number of coefficients that are sent.
    """

    def _compress(self, x: Array, rng: np.random.Generator) -> Array:
        c = fourier(x)
        return inverse_fourier(keep(c, budget_probabilities(np.abs(c), float(self.budget)), rng))

    def atoms(self, d: Number) -> Number:
        return d

    def weights(self, x: Array) -> Array:
        return np.abs(fourier(x))

    def worst_inputs(self, d: int) -> tuple[Array, ...]:
        return (inverse_fourier(np.ones(d)),)

    bits = AtomoEntrywise.bits

    def message_bits(self, y: Array, float_bits: int = FLOAT_BITS) -> Array:
        """The number of coefficients sent, told from rounding by 1e-12 of the largest."""
        c = np.abs(fourier(y))
        sent = np.count_nonzero(c > 1e-12 * c.max(axis=-1, keepdims=True), axis=-1)
        d = y.shape[-1]
        lengths: Array = log2_ceil(d + 1) + (float_bits + log2_ceil(d)) * sent.astype(float)
        return lengths

    @classmethod
    def examples(cls) -> tuple[AtomoFourier, ...]:
        return (cls(1), cls(1.5), cls(2))


@dataclass(frozen=True)
class Wangni(Compressor):
    """C(x)_j = x_j/p_j with probability p_j = min{1, lambda |x_j|}, else 0: fewest entries for variance epsilon.

    lambda makes E||C(x)-x||^2 = epsilon ||x||^2 at every x, so omega = epsilon, attained everywhere; the number of
    entries sent is random, at most d/(1 + epsilon) on average. The variance-budget side of AtomoEntrywise.

    epsilon: a relative variance > 0. Raises InvalidParameter for others.
    """

    epsilon: Number
    source: ClassVar[Source] = WANGNI

    def __post_init__(self) -> None:
        if not is_symbolic(self.epsilon) and not 0 < self.epsilon < math.inf:
            raise InvalidParameter(f"Wangni(epsilon={self.epsilon!r}) needs a relative variance epsilon > 0")

    def _compress(self, x: Array, rng: np.random.Generator) -> Array:
        return keep(x, variance_probabilities(np.abs(x), float(self.epsilon)), rng)

    def claims(self, d: Number) -> tuple[Claim, ...]:
        return (
            Unbiased(
                self.epsilon,
                sharpness=TIGHT,
                source=self.source,
                attribution=RECALLED,
                proof="wangni.omega",
            ),
        )

    def bits(self, d: int, float_bits: int = FLOAT_BITS) -> BitCost:
        """How many entries, then each entry's index and value: the expected number at flat x, where it is largest."""
        most = ratio(d, 1 + self.epsilon)
        return BitCost(
            floats=most,
            indices=most * log2_ceil(d),
            other=log2_ceil(d + 1),
            float_bits=float_bits,
            random=True,
        )

    message_bits = AtomoEntrywise.message_bits

    @classmethod
    def examples(cls) -> tuple[Wangni, ...]:
        return (cls(1), cls(ratio(1, 4)), cls(3.5))


@dataclass(frozen=True)
class NonUniformRand1(Compressor):
    """C(x) = ||x||_1 sign(x_j) e_j with probability |x_j|/||x||_1: unbiased, one entry, E||C(x)||^2 = ||x||_1^2.

    omega = d - 1, attained at flat x; at a given x it is ||x||_1^2/||x||^2 - 1, never more than Rand-1's d - 1.

    No parameter. One float and one index are sent; at x = 0 the zero vector.
    """

    source: ClassVar[Source] = INDUCED

    def _compress(self, x: Array, rng: np.random.Generator) -> Array:
        size = np.abs(x)
        # scaled by the largest entry before it is summed, so that no sum overflows
        edges = np.cumsum(size / np.where((top := size.max(axis=-1, keepdims=True)) > 0, top, 1), axis=-1)
        total = edges[..., -1:]
        u = rng.random((*x.shape[:-1], 1))
        chosen = (u >= edges[..., :-1] / np.where(total > 0, total, 1)).sum(axis=-1, keepdims=True)
        return np.where(np.arange(x.shape[-1]) == chosen, np.sign(x) * total * top, 0.0)

    def claims(self, d: Number) -> tuple[Claim, ...]:
        return (
            Unbiased(
                d - 1,
                sharpness=TIGHT,
                source=self.source,
                attribution=OURS,
                proof="nonuniform_rand1.omega",
            ),
        )

    def bits(self, d: int, float_bits: int = FLOAT_BITS) -> BitCost:
        return BitCost(floats=1, indices=log2_ceil(d), float_bits=float_bits)

    @classmethod
    def examples(cls) -> tuple[NonUniformRand1, ...]:
        return (cls(),)
