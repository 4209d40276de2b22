"""Rand-K: k coordinates chosen uniformly, scaled by d/k.

A diagonal sketch: everything about it follows from the probability that given coordinates are kept together.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import DTypeLike

from compth._numbers import Number, is_exact, log2_ceil, ratio
from compth._types import Array
from compth.bits import FLOAT_BITS, BitCost
from compth.claims import Claim
from compth.compressors.core.base import READ, DiagonalSketch, positive_int
from compth.sources import NATURAL, Source


@dataclass(frozen=True)
class RandK(DiagonalSketch):
    """C(x) = (d/k) x_S on a uniformly random k-subset S: unbiased, omega = d/k - 1 with equality for every x.

    `seeded=True` counts a 64-bit seed instead of k indices (the receiver regenerates S).
    Source: natural compression's S_q (READ); k = d is the identity.

    k: an integer >= 1, at most d (Unsupported at a smaller d). An index costs ceil(log2 d) bits.
    """

    k: int
    seeded: bool = False
    source: ClassVar[Source] = NATURAL.at("S_q, Sec. 3")

    def __post_init__(self) -> None:
        positive_int("k", self.k, "RandK")

    def inclusion(self, d: Number, order: int = 1) -> Number:
        # P(r+1 given coordinates kept) is a product of conditional ones, without replacement
        p: Number = 1
        for r in range(order):  # (k)_r / (d)_r, zero once more coordinates are asked for than exist
            p = p * (0 if is_exact(d) and d <= r else ratio(self.k - r, d - r))
        return p

    def draw(self, shape: tuple[int, ...], rng: np.random.Generator) -> Array:
        d = shape[-1]
        order = rng.permuted(np.broadcast_to(np.arange(d), shape), axis=-1)
        weights = np.zeros(shape)
        np.put_along_axis(weights, order[..., : self.k], d / self.k, axis=-1)
        return weights

    def weights(
        self, shape: tuple[int, ...], rng: np.random.Generator, dtype: DTypeLike = np.float64
    ) -> Array:
        d, k = shape[-1], self.k
        if k == d:
            return np.ones(shape, dtype)
        # the k smallest of d independent keys are a uniform k-subset; partition finds the k-th without
        # sorting
        keys = rng.integers(0, 1 << 32, size=(int(np.prod(shape[:-1])), d), dtype=np.uint32)
        chosen = keys <= np.partition(keys, k - 1, axis=-1)[:, k - 1 : k]
        tied = np.flatnonzero(np.count_nonzero(chosen, axis=-1) != k)
        for (
            row
        ) in tied:  # a tie at the boundary (about k 2^-32 a row): deal that row afresh, so the law is exact
            chosen[row] = False
            chosen[row, rng.permutation(d)[:k]] = True
        return np.multiply(chosen, d / k, dtype=dtype).reshape(shape)

    def claims(self, d: Number) -> tuple[Claim, ...]:
        return (self._sketch_claim(d, source=self.source, attribution=READ, proof="randk.omega"),)

    def bits(self, d: int, float_bits: int = FLOAT_BITS) -> BitCost:
        index, seed = (0, 64) if self.seeded else (self.k * log2_ceil(d), 0)
        return BitCost(floats=self.k, indices=index, seed=seed, float_bits=float_bits)

    def why_not(self, d: int) -> str:
        return "" if self.k <= d else f"1 <= k <= d (k={self.k})"

    @classmethod
    def examples(cls) -> tuple[RandK, ...]:
        return (cls(1), cls(2), cls(3))
