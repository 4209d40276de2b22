"""Natural compression: random rounding to a power of two."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from compth._numbers import Number, ratio
from compth.bits import FLOAT_BITS, BitCost
from compth.claims import Claim, Unbiased
from compth.compressors._base import READ, TIGHT, Array, Compressor
from compth.sources import NATURAL, Source

EXPONENT_BITS = {16: 5, 32: 8, 64: 11}
_MANTISSA = np.uint64((1 << 52) - 1)
_TINY, _HUGE = np.uint64(1 << 52), np.uint64(0x7FE << 52)  # smallest normal; first value of the last exponent


@dataclass(frozen=True)
class NaturalCompression(Compressor):
    """C(t) = sign(t) 2^floor(log2|t|) or twice that, with the probability that makes it unbiased; C(0) = 0.

    omega = 1/8 in every dimension, attained where all |x_j| = (4/3) 2^e. Sign and exponent are sent.
    Values of the last binary exponent (|x| >= 2^1023) round down only: the claim's domain ends there.
    """

    source: ClassVar[Source] = NATURAL.at("Thm 3")

    def _compress(self, x: Array, rng: np.random.Generator) -> Array:
        mantissa, exponent = np.frexp(np.abs(x))  # |x| = mantissa 2^exponent, mantissa in [1/2, 1)
        up = rng.random(x.shape) < 2 * mantissa - 1
        return np.sign(x) * np.ldexp(0.5, exponent) * np.where(up & (exponent < 1024), 2.0, 1.0)

    def kernel(self, x: Array, rng: np.random.Generator) -> Array:
        """Add a uniform integer below the mantissa and mask it off: the same law bit by bit."""
        if x.dtype != np.float64:
            return self._compress(x, rng).astype(x.dtype)
        bits = np.ascontiguousarray(x).view(np.uint64)
        noise = np.frombuffer(rng.bytes(8 * x.size), dtype=np.uint64).reshape(x.shape) & _MANTISSA
        out = ((bits + noise) & ~_MANTISSA).view(np.float64)
        size = bits & np.uint64((1 << 63) - 1)
        odd = (size < _TINY) | (size >= _HUGE)
        if odd.any():  # zeros, subnormals and the last exponent
            out[odd] = self._compress(x[odd], rng)
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
