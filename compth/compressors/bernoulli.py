"""Bernoulli sparsification: every coordinate kept independently.

Unlike Rand-K it sends a random number of entries, so its bits are expectations and a run counts the real ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from compth._door import is_probability
from compth._numbers import Number, is_symbolic, ratio
from compth._types import Array
from compth.bits import FLOAT_BITS, BitCost
from compth.claims import Claim
from compth.compressors.core.base import OURS, DiagonalSketch
from compth.errors import InvalidParameter
from compth.sources import RDME, Source


@dataclass(frozen=True)
class Bernoulli(DiagonalSketch):
    """C(x)_j = x_j / p_j with probability p_j, else 0, independently: unbiased, omega = max_j 1/p_j - 1 (attained).

    `p` is one probability or one per coordinate. Source: variable-size support with zero centres (RDME).

    Raises InvalidParameter unless 0 < p <= 1; one p per coordinate fixes d, any other is Unsupported.
    """

    p: Number | tuple[Number, ...]
    source: ClassVar[Source] = RDME.at("Lemma 3.2 with mu_i = 0")

    def __post_init__(self) -> None:
        if np.ndim(self.p) > 0:
            object.__setattr__(
                self, "p", tuple(float(q) if isinstance(q, np.floating) else q for q in self.p)
            )
        probabilities = self.p if isinstance(self.p, tuple) else (self.p,)
        if not probabilities or not all(is_symbolic(q) or is_probability(q) for q in probabilities):
            raise InvalidParameter(f"Bernoulli(p={self.p!r}) needs 0 < p <= 1 for every coordinate")

    def inclusion(self, d: Number, order: int = 1) -> Number:
        # coordinates are independent: higher orders are products, p^order where all are equal
        if order == 1:
            return self.p
        return None if isinstance(self.p, tuple) else self.p**order

    def draw(self, shape: tuple[int, ...], rng: np.random.Generator) -> Array:
        # 1/p where it is kept: the mean of every entry is the entry
        p = np.asarray(self.p, dtype=np.float64)
        return np.where(rng.random(shape) < p, 1 / p, 0.0)

    def claims(self, d: Number) -> tuple[Claim, ...]:
        proof = "rdme.weighted_centre" if isinstance(self.p, tuple) else "bernoulli.omega"
        return (self._sketch_claim(d, source=self.source, attribution=OURS, proof=proof),)

    def expected_size(self, d: int) -> Number:
        """Expected number of kept coordinates."""
        return sum(self.p) if isinstance(self.p, tuple) else d * self.p

    def bits(self, d: int, float_bits: int = FLOAT_BITS) -> BitCost:
        """A d-bit mask and one float per kept coordinate (expected number)."""
        return BitCost(floats=self.expected_size(d), other=d, float_bits=float_bits, random=True)

    def message_bits(self, y: Array, float_bits: int = FLOAT_BITS) -> Array:
        lengths: Array = y.shape[-1] + float_bits * np.count_nonzero(y, axis=-1).astype(np.float64)
        return lengths

    def why_not(self, d: int) -> str:
        # a probability for each coordinate fixes the dimension
        if isinstance(self.p, tuple) and len(self.p) != d:
            return f"d = {len(self.p)} (one p per coordinate)"
        return ""

    @classmethod
    def examples(cls) -> tuple[Bernoulli, ...]:
        half = ratio(1, 2)
        return (cls(half), cls(0.25), cls(1), cls((half, ratio(1, 4), 1)))
