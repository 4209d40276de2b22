"""Top-K with signs and one norm: the sparsification + quantisation operator of communication-aware tuning.

Biased and no contraction: it is used by descent on one worker, where its classes B1 and B2 are enough.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from compth._numbers import Number, log2_ceil, max, min, ratio, sqrt
from compth._types import Array
from compth.bits import FLOAT_BITS, BitCost
from compth.claims import B1, B2, Claim
from compth.compressors.core.base import OURS, TIGHT, Compressor, Proved, positive_int
from compth.compressors.random_dithering import p_norm
from compth.compressors.top_k import TopK
from compth.sources import CAT, Source


@dataclass(frozen=True)
class TopKSign(Compressor):
    """C(x)_j = ||x||_2 sign(x_j) on the k entries of largest |x_j|, 0 elsewhere: one float, k indices and signs.

    <C(x), x> = ||x|| (sum of the k largest) and ||C(x)||^2 = ||x||^2 min{k, number of non-zeros}: class B2 with
    gamma = min{1, k/sqrt d} (one entry, or flat x) and beta = max{k, sqrt d} (one dominant entry, or flat x). Not
    contractive as it stands: the full norm overshoots, which the step size undoes.

    k: an integer >= 1, at most d (Unsupported at a smaller d).
    """

    k: int
    deterministic: ClassVar[bool] = True
    source: ClassVar[Source] = CAT

    def __post_init__(self) -> None:
        positive_int("k", self.k, "TopKSign")

    def _compress(self, x: Array, rng: np.random.Generator) -> Array:
        return np.sign(TopK(self.k)._compress(x, rng)) * p_norm(x, 2)

    def kernel(self, x: Array, rng: np.random.Generator) -> Array:
        return np.sign(TopK(self.k).kernel(x, rng)) * p_norm(x, 2)

    def claims(self, d: Number) -> tuple[Claim, ...]:
        # ||C(x)||^2/<C(x), x> = k||x||/(sum of the k largest): sqrt d at flat x, k where one entry
        # dominates
        beta = max(self.k, sqrt(d))
        same: Proved = {
            "sharpness": TIGHT,
            "source": self.source,
            "attribution": OURS,
            "proof": "topk_sign.classes",
        }
        return (B1(1, beta, **same), B2(min(1, ratio(self.k, sqrt(d))), beta, **same))

    def worst_inputs(self, d: int) -> tuple[Array, ...]:
        dominant = np.full(d, 1e-6)
        dominant[0] = 1.0
        return (dominant, np.eye(d)[0], np.ones(d))

    def bits(self, d: int, float_bits: int = FLOAT_BITS) -> BitCost:
        return BitCost(floats=1, indices=self.k * log2_ceil(d), signs=self.k, float_bits=float_bits)

    def why_not(self, d: int) -> str:
        return TopK(self.k).why_not(d)

    @classmethod
    def examples(cls) -> tuple[TopKSign, ...]:
        return (cls(1), cls(2), cls(3))
