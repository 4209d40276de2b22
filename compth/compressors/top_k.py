"""Top-K: the k largest coordinates in absolute value.

The reference sorts; the kernel selects. Both keep exactly k entries, also under ties, as the bits are counted for k.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from compth._numbers import Number, log2_ceil, ratio
from compth._types import Array
from compth.bits import FLOAT_BITS, BitCost
from compth.calculus import bias_variance_of_deterministic
from compth.claims import BiasVariance, Claim, Contractive, selection_claims
from compth.compressors.core.base import READ, RECALLED, TIGHT, Compressor, positive_int
from compth.sources import BIASED, EFBV, Source


@dataclass(frozen=True)
class TopK(Compressor):
    """C(x) keeps the k entries of largest |x_j| (lower index first under ties, exactly k always), zeroes the rest.

    Contractive with delta = k/d, attained when all |x_j| are equal. Source: Beznosikov et al.

    k: an integer >= 1, at most d (Unsupported at a smaller d). Floats and indices are sent, k of each.
    """

    k: int
    deterministic: ClassVar[bool] = True
    source: ClassVar[Source] = BIASED

    def __post_init__(self) -> None:
        positive_int("k", self.k, "TopK")

    def _compress(self, x: Array, rng: np.random.Generator) -> Array:
        # stable: among equal sizes the lower index comes first
        order = np.argsort(-np.abs(x), axis=-1, kind="stable")[..., : self.k]
        out = np.zeros_like(x)
        np.put_along_axis(out, order, np.take_along_axis(x, order, axis=-1), axis=-1)
        return out

    def kernel(self, x: Array, rng: np.random.Generator) -> Array:
        d, k = x.shape[-1], self.k
        if k == d:
            return x
        flat = x.reshape(-1, d)
        size = np.abs(flat)
        ordered = size.copy()
        # selection instead of sorting; the k-th size is then a threshold
        ordered.partition(d - k, axis=-1)
        threshold = ordered[:, d - k : d - k + 1]
        keep = size >= threshold
        for row in np.flatnonzero(np.count_nonzero(keep, axis=-1) != k):  # ties: lower index first
            above = size[row] > threshold[row]
            ties = np.flatnonzero(size[row] == threshold[row])[: k - np.count_nonzero(above)]
            keep[row] = above
            keep[row, ties] = True
        # flat indices: one gather and one scatter for the whole batch
        chosen = np.flatnonzero(keep)
        out = np.zeros_like(x)
        out.reshape(-1)[chosen] = flat.reshape(-1)[chosen]
        return out

    def claims(self, d: Number) -> tuple[Claim, ...]:
        # the k largest squares are at least k/d of their sum
        delta = ratio(self.k, d)
        return (
            Contractive(delta, sharpness=TIGHT, source=BIASED, attribution=RECALLED, proof="topk.delta"),
            BiasVariance(
                *bias_variance_of_deterministic(delta),
                sharpness=TIGHT,
                source=EFBV,
                attribution=READ,
                proof="classes.deterministic",
            ),
            *selection_claims(delta, sharpness=TIGHT, source=BIASED, attribution=RECALLED),
        )

    def bits(self, d: int, float_bits: int = FLOAT_BITS) -> BitCost:
        return BitCost(floats=self.k, indices=self.k * log2_ceil(d), float_bits=float_bits)

    def why_not(self, d: int) -> str:
        return "" if self.k <= d else f"1 <= k <= d (k={self.k})"

    @classmethod
    def examples(cls) -> tuple[TopK, ...]:
        return (cls(1), cls(2), cls(3))
