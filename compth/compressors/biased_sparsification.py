"""Biased random sparsifiers: a Bernoulli mask without rescaling, and one coordinate drawn by magnitude.

Kept entries are sent as they are: the error is what was dropped, so <C(x), x> = ||C(x)||^2 and beta = 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from compth._numbers import Number, is_symbolic, log2_ceil, max, min, ratio
from compth._types import Array
from compth.bits import FLOAT_BITS, BitCost
from compth.claims import BiasVariance, Claim, Contractive, selection_claims
from compth.compressors.bernoulli import Bernoulli
from compth.compressors.core.base import OURS, RECALLED, TIGHT, UPPER, Compressor, Provenance
from compth.errors import InvalidParameter
from compth.sources import BIASED, Source


@dataclass(frozen=True)
class BiasedSparsification(Compressor):
    """C(x)_j = x_j with probability q_j, else 0, independently and without rescaling; `q` a number or one per entry.

    With q = min_j q_j: delta = q, B1(q, 1), B2(q, 1), all attained. Also C(eta, omega) with eta = 1 - q and
    omega = max_j q_j (1 - q_j).

    Raises InvalidParameter unless 0 < q <= 1; one q per coordinate fixes d. A mask and the kept values are sent.
    """

    q: Number | tuple[Number, ...]
    source: ClassVar[Source] = BIASED

    def __post_init__(self) -> None:
        if np.ndim(self.q) > 0:
            object.__setattr__(
                self, "q", tuple(float(v) if isinstance(v, np.floating) else v for v in self.q)
            )
        if not self._all() or not all(is_symbolic(v) or 0 < v <= 1 for v in self._all()):
            raise InvalidParameter(
                f"BiasedSparsification(q={self.q!r}) needs 0 < q <= 1 for every coordinate"
            )

    def _all(self) -> tuple[Number, ...]:
        """Every probability, one where they are equal."""
        return self.q if isinstance(self.q, tuple) else (self.q,)

    def _compress(self, x: Array, rng: np.random.Generator) -> Array:
        return np.where(rng.random(x.shape) < np.asarray(self.q, dtype=np.float64), x, 0.0)

    def claims(self, d: Number) -> tuple[Claim, ...]:
        # E||C(x) - x||^2 = sum (1-q_j) x_j^2: worst where q_j is least; <E C, x> = E||C||^2 as entries are
        # kept as they are
        least = min(*self._all())
        # the variance of one entry is q (1-q) x_j^2, its bias (1-q) x_j
        spread = max(*(v * (1 - v) for v in self._all()))
        same: Provenance = {"sharpness": TIGHT, "source": self.source, "attribution": RECALLED}
        sharp = UPPER if isinstance(self.q, tuple) else TIGHT
        pair = BiasVariance(1 - least, spread, sharpness=sharp, attribution=OURS, proof="masks.kept")
        return (Contractive(least, proof="masks.kept", **same), *selection_claims(least, **same), pair)

    def bits(self, d: int, float_bits: int = FLOAT_BITS) -> BitCost:
        return Bernoulli(self.q).bits(d, float_bits)

    def message_bits(self, y: Array, float_bits: int = FLOAT_BITS) -> Array:
        lengths: Array = y.shape[-1] + float_bits * np.count_nonzero(y, axis=-1).astype(np.float64)
        return lengths

    def why_not(self, d: int) -> str:
        return Bernoulli(self.q).why_not(d)

    @classmethod
    def examples(cls) -> tuple[BiasedSparsification, ...]:
        return (cls(ratio(1, 2)), cls(1), cls((ratio(1, 2), ratio(1, 4), 1)))


@dataclass(frozen=True)
class AdaptiveRandom(Compressor):
    """C(x) = x_i e_i, i drawn with probability |x_i|/||x||_1: delta = 1/d, B1(1/d, 1), B2(1/d, 1), attained at flat x.

    E||C(x)-x||^2 = ||x||^2 - sum |x_j|^3/||x||_1, and sum |x_j|^3 >= ||x||_1 ||x||^2/d.

    No parameter. One float and one index are sent; at x = 0 the zero vector.
    """

    source: ClassVar[Source] = BIASED

    def _compress(self, x: Array, rng: np.random.Generator) -> Array:
        # a uniform point on a ladder with steps |x_j| falls on step i with probability |x_i|/||x||_1
        ladder = np.cumsum(np.abs(x), axis=-1)
        total = ladder[..., -1:]
        below = rng.random((*x.shape[:-1], 1)) < ladder / np.where(total > 0, total, 1)
        first = below & (np.cumsum(below, axis=-1) == 1)
        return np.where(first, x, 0.0)

    def claims(self, d: Number) -> tuple[Claim, ...]:
        same: Provenance = {"sharpness": TIGHT, "source": self.source, "attribution": RECALLED}
        delta = ratio(1, d)
        return (Contractive(delta, proof="adaptive_random.delta", **same), *selection_claims(delta, **same))

    def bits(self, d: int, float_bits: int = FLOAT_BITS) -> BitCost:
        return BitCost(floats=1, indices=log2_ceil(d), float_bits=float_bits)

    @classmethod
    def examples(cls) -> tuple[AdaptiveRandom, ...]:
        return (cls(),)
