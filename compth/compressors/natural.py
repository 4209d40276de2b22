"""Natural compression: random rounding to a power of two.

The reference rounds by arithmetic; the kernel adds random bits to the mantissa, which is the same law bit by bit
where numbers are normal.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from compth._numbers import Number, ratio
from compth._types import Array
from compth.bits import FLOAT_BITS, BitCost
from compth.claims import Claim, Unbiased
from compth.compressors.core.base import READ, TIGHT, Compressor, chunks
from compth.sources import NATURAL, Source

EXPONENT_BITS = {16: 5, 32: 8, 64: 11}
_SHIFT, _TOP = np.uint64(12), np.uint64(0xFFF << 52)  # 52 random bits; sign and exponent
_TINY, _HUGE = 2.0**-1022, 2.0**1023  # smallest normal; first value of the last exponent


@dataclass(frozen=True)
class NaturalCompression(Compressor):
    """C(t) = sign(t) 2^floor(log2|t|) or twice that, with the probability that makes it unbiased; C(0) = 0.

    omega = 1/8 in every dimension, attained where all |x_j| = (4/3) 2^e. Sign and exponent are sent.
    Values of the last binary exponent (|x| >= 2^1023) round down only: the claim's domain ends there.

    A message has a sign and an exponent for every entry: 9 bits for 32-bit floats.
    """

    source: ClassVar[Source] = NATURAL.at("Thm 3")

    def _compress(self, x: Array, rng: np.random.Generator) -> Array:
        # |x| lies between 2^(e-1) and 2^e at the share 2m - 1 of the way, which is the probability of
        # rounding up
        mantissa, exponent = np.frexp(np.abs(x))  # |x| = mantissa 2^exponent, mantissa in [1/2, 1)
        up = rng.random(x.shape) < 2 * mantissa - 1
        return np.sign(x) * np.ldexp(0.5, exponent) * np.where(up & (exponent < 1024), 2.0, 1.0)

    def kernel(self, x: Array, rng: np.random.Generator) -> Array:
        """Add a uniform integer below the mantissa and mask it off: the same law bit by bit."""
        if x.dtype != np.float64:
            # every float32 is a double, and so is the power of two that it is rounded to
            return self.kernel(x.astype(np.float64), rng).astype(x.dtype)
        out = np.empty(x.shape)
        # `chunks` cuts rows with a scale each; here there is none
        unused = np.zeros((*x.shape[:-1], 1))
        for (piece, _), (target, _) in zip(chunks(x, unused), chunks(out, unused), strict=True):
            # the carry out of the mantissa happens with probability mantissa/2^52: rounding up to the next
            # power of two, drawn by one integer addition
            noise = rng.bit_generator.random_raw(piece.size).reshape(piece.shape)
            noise >>= _SHIFT
            noise += np.ascontiguousarray(piece).view(np.uint64)
            np.bitwise_and(noise, _TOP, out=target.view(np.uint64))
            size = np.abs(piece)
            if size.min() < _TINY or size.max() >= _HUGE:  # zeros, subnormals and the last exponent
                # subnormals have no hidden bit, and the last exponent would carry into inf: the reference
                # does these
                odd = (size < _TINY) | (size >= _HUGE)
                target[odd] = self._compress(piece[odd], rng)
        return out

    def claims(self, d: Number) -> tuple[Claim, ...]:
        return (
            Unbiased(
                ratio(1, 8), sharpness=TIGHT, source=self.source, attribution=READ, proof="natural.omega"
            ),
        )

    def bits(self, d: int, float_bits: int = FLOAT_BITS) -> BitCost:
        return BitCost(signs=d, levels=d * EXPONENT_BITS[float_bits], float_bits=float_bits)

    @classmethod
    def examples(cls) -> tuple[NaturalCompression, ...]:
        return (cls(),)
