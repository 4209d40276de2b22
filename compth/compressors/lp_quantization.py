"""One-level p-quantisation by blocks: DIANA's operator.

Blocks are quantised independently, each by a norm of its own, so that the variance follows the block size and not d.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from compth import calculus
from compth._numbers import Number, is_symbolic, min, ratio
from compth._types import Array
from compth.bits import FLOAT_BITS, BitCost
from compth.claims import Claim, Unbiased
from compth.compressors.core.base import OURS, READ, TIGHT, UPPER, Compressor, positive_int
from compth.compressors.natural_dithering import check_norm_order
from compth.compressors.random_dithering import levels_proof, p_norm
from compth.sources import DIANA, Source


@dataclass(frozen=True)
class LpQuantization(Compressor):
    """On each block x(l): ||x(l)||_p sign(x_j) with probability |x_j|/||x(l)||_p, else 0, independently. Unbiased.

    E||C(x)-x||^2 = sum_l ||x(l)||_1 ||x(l)||_p - ||x||^2, so omega = 1/alpha_p - 1 at the largest block size (at most
    `block`, the last block may be shorter; None: one block). A supremum for p <= 2 and p = inf, attained; for
    2 < p < inf sqrt(block) - 1 is an upper bound. p = 2: one-level QSGD; p = inf: TernGrad.

    p: the order of the norm, 1 <= p <= inf. block: an integer >= 1, or None. A norm for each block and two bits an
    entry are sent.
    """

    p: float = 2
    block: int | None = None
    source: ClassVar[Source] = DIANA.at("Def. 1-2, Lemma 2")

    def __post_init__(self) -> None:
        check_norm_order("LpQuantization", self.p)
        if self.block is not None:
            positive_int("block", self.block, "LpQuantization")

    def sizes(self, d: int) -> list[tuple[int, int]]:
        """(start, end) of each block of a vector of length d."""
        size = d if self.block is None else self.block
        return [(start, int(min(start + size, d))) for start in range(0, d, size)]

    def norms(self, x: Array) -> Array:
        """||x(l)||_p of each block, (..., d) -> (..., blocks)."""
        return np.concatenate([p_norm(x[..., a:b], self.p) for a, b in self.sizes(x.shape[-1])], axis=-1)

    def _compress(self, x: Array, rng: np.random.Generator) -> Array:
        lengths = [b - a for a, b in self.sizes(x.shape[-1])]
        # a block's norm for each of its coordinates
        norm = np.repeat(self.norms(x), lengths, axis=-1)
        # each block is quantised by its own norm: E||C||^2 = ||x(l)||_1 ||x(l)||_p on it
        keep = rng.random(x.shape) < np.abs(x) / np.where(norm > 0, norm, 1)
        return np.sign(x) * norm * keep

    def claims(self, d: Number) -> tuple[Claim, ...]:
        # the largest block is the worst, as alpha_p falls with its size
        size: Number = d if self.block is None else min(self.block, d)
        sharp = TIGHT if self.p <= 2 or self.p == math.inf else UPPER
        known = self.p in (1, 2, math.inf) and not is_symbolic(size)
        return (
            Unbiased(
                ratio(1, calculus.alpha_p(size, self.p)) - 1,
                sharpness=sharp,
                source=self.source,
                attribution=READ if known or is_symbolic(size) else OURS,
                proof=levels_proof(self.p, "terngrad.omega" if self.p == math.inf else "lp_moments"),
            ),
        )

    def worst_inputs(self, d: int) -> tuple[Array, ...]:
        b = min(self.block or d, d)
        # p = inf is worst at one entry 1 and the others 1/(1 + sqrt b); smaller p at a flat block
        spike = np.where(np.arange(d) < b, 1 / (1 + math.sqrt(b)), 0.0)
        spike[0] = 1.0
        return (spike, np.where(np.arange(d) < b, 1.0, 0.0))

    def bits(self, d: int, float_bits: int = FLOAT_BITS) -> BitCost:
        return BitCost(floats=len(self.sizes(d)), levels=2 * d, float_bits=float_bits)

    @classmethod
    def examples(cls) -> tuple[LpQuantization, ...]:
        return (cls(), cls(math.inf), cls(1), cls(2, 2), cls(math.inf, 3), cls(3), cls(1.5))
