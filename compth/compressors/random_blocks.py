"""Random blocks of coordinates, kept as they are or rescaled: what the independent block methods send.

Kept as they are blocks are a biased contraction, rescaled an unbiased sketch: methods choose by `unbiased`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from compth._numbers import Number, is_symbolic, log2_ceil, ratio
from compth._types import Array
from compth.bits import FLOAT_BITS, BitCost
from compth.claims import BiasVariance, Claim, Contractive, Unbiased, selection_claims
from compth.compressors.core.base import OURS, TIGHT, Compressor, MomentMap, Noise, Provenance, positive_int
from compth.errors import InvalidParameter
from compth.sources import IBCD, Source


@dataclass(frozen=True)
class RandomBlocks(Compressor):
    """C(x) = x_U, U a uniformly random set of tau m of the m equal blocks; `unbiased=True`: x_U/tau.

    blocks=None: m = d, single coordinates. Kept as it is: delta = tau, B1(tau, 1), B2(tau, 1), C(1-tau, tau(1-tau));
    unbiased: omega = 1/tau - 1. All hold with equality for every x. tau m must be an integer >= 1 and m must divide d.

    tau: 0 < tau <= 1, the fraction of the blocks that is sent; blocks: m >= 1, or None. Raises InvalidParameter for
    others, Unsupported where d has no such blocks.
    """

    tau: Number
    blocks: int | None = None
    unbiased: bool = False
    source: ClassVar[Source] = IBCD.at("Alg. 1")

    def __post_init__(self) -> None:
        if not is_symbolic(self.tau) and not 0 < self.tau <= 1:
            raise InvalidParameter(
                f"RandomBlocks(tau={self.tau!r}) needs a fraction 0 < tau <= 1 of the blocks"
            )
        if self.blocks is not None:
            positive_int("blocks", self.blocks, "RandomBlocks")

    def kept(self, d: int) -> int:
        """tau m, the number of blocks sent."""
        return round(float(self.tau * (self.blocks or d)))

    def _compress(self, x: Array, rng: np.random.Generator) -> Array:
        d, m = x.shape[-1], self.blocks or x.shape[-1]
        # the first tau m of a random order of the blocks
        order = rng.permuted(np.broadcast_to(np.arange(m), (*x.shape[:-1], m)), axis=-1)
        chosen = np.zeros((*x.shape[:-1], m))
        scale = 1 / float(self.tau) if self.unbiased else 1.0
        np.put_along_axis(chosen, order[..., : self.kept(d)], scale, axis=-1)
        return np.repeat(chosen, d // m, axis=-1) * x

    def claims(self, d: Number) -> tuple[Claim, ...]:
        t = self.tau
        # every entry is kept with probability tau: error (1-tau)||x||^2 at every x
        same: Provenance = {"sharpness": TIGHT, "source": self.source, "attribution": OURS}
        if self.unbiased:
            return (Unbiased(ratio(1, t) - 1, proof="masks.kept", **same),)
        pair = BiasVariance(1 - t, t * (1 - t), proof="masks.kept", **same)
        return (Contractive(t, proof="masks.kept", **same), *selection_claims(t, **same), pair)

    def linear_moments(self, d: int) -> tuple[Number, Noise] | None:
        """Blocks of one coordinate only: the second moments of larger blocks are no multiple of M and Diag(M)."""
        m, t = self.blocks or d, self.tau
        # a kept block brings its cross terms along: E[S M S'] then depends on which entries share a block
        if m != d:
            return None
        k = self.kept(d)
        # P(two given coordinates kept); scale 1/tau^2 where the sketch is unbiased
        pair = ratio(k * (k - 1), d * (d - 1)) if d > 1 else t * t
        scale = ratio(1, t * t) if self.unbiased else 1
        off = scale * (pair - t * t)
        return (1 if self.unbiased else t), Noise(MomentMap(a=off, c=scale * (t - t * t) - off))

    def noise(self, d: int) -> Noise | None:
        found = self.linear_moments(d) if self.unbiased else None
        return None if found is None else found[1]

    def bits(self, d: int, float_bits: int = FLOAT_BITS) -> BitCost:
        m, k = self.blocks or d, self.kept(d)
        return BitCost(floats=k * (d // m), indices=k * log2_ceil(m), float_bits=float_bits)

    def why_not(self, d: int) -> str:
        m = self.blocks or d
        if d % m:
            return f"d to be a multiple of blocks={m}"
        whole = self.tau * m
        if whole < 1 or abs(float(whole) - round(float(whole))) > 1e-9:
            return f"tau m to be an integer >= 1 (tau={self.tau}, m={m})"
        return ""

    @classmethod
    def examples(cls) -> tuple[RandomBlocks, ...]:
        half = ratio(1, 2)
        return (cls(half), cls(half, 2), cls(half, 2, True), cls(1), cls(half, unbiased=True))
