"""Dithering with geometric levels: natural dithering (base 2) and exponential dithering (any base).

Levels shrink by a factor instead of a difference: few of them reach small entries, at a variance that does not depend
on d until the lowest level is met.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from compth._numbers import Number, is_symbolic, log2_ceil, min, power, ratio
from compth._types import Array
from compth.bits import FLOAT_BITS, BitCost
from compth.claims import Attribution, Claim, Unbiased
from compth.compressors.core.base import OURS, READ, RECALLED, TIGHT, Compressor, positive_int
from compth.compressors.grid import floor_power, rounding_omega
from compth.compressors.natural import NaturalCompression
from compth.compressors.random_dithering import levels_proof, one_level_omega, one_level_proof, p_norm
from compth.errors import InvalidParameter
from compth.sources import BIASED, NATURAL, Source


def dithering_omega(d: Number, s: Number, r: Number, base: Number) -> Number:
    """(b-1)^2/(4b) + a min{1, a}, a = d^(1/r) b^(1-s): rounding between levels, and below the lowest one."""
    # between levels b^k and b^(k+1) the relative variance is that of geometric rounding; below the lowest
    # level the error is absolute and adds up over d coordinates
    a = power(d, ratio(1, r)) * power(base, 1 - s)
    return rounding_omega(base) + a * min(1, a)


def dither(x: Array, norm: Array, s: int, base: float, rng: np.random.Generator) -> Array:
    """Levels in {0, b^(1-s), ..., 1/b, 1} of |x|/norm, rounded at random to a neighbour, exact in expectation."""
    # rounding may push a ratio above 1, where there is no level
    y = np.minimum(np.abs(x) / np.where(norm > 0, norm, 1), 1.0)
    lowest = float(base) ** (1 - s)
    inside = y >= lowest
    low = np.where(inside, floor_power(np.where(inside, y, 1.0), base), 0.0)
    high = np.where(inside, low * base, lowest)
    level: Array = np.where(rng.random(x.shape) < (y - low) / (high - low), high, low)
    return level


def check_norm_order(owner: str, p: object) -> None:
    """Raise InvalidParameter unless p is a norm order in [1, inf]."""
    if isinstance(p, bool) or not isinstance(p, int | float) or not p >= 1:
        raise InvalidParameter(f"{owner}(p={p!r}) needs a norm order p >= 1 (math.inf allowed)")


def _claims(
    d: Number, s: Number, p: float, base: Number, source: Source, attribution: Attribution
) -> tuple[Claim, ...]:
    """The printed bound, behind the supremum of one level where s = 1 has one."""
    printed = Unbiased(
        dithering_omega(d, s, min(p, 2), base),
        source=source,
        attribution=attribution,
        name="textbook",
        proof=levels_proof(p, "dithering.geometric"),
    )
    # one level is 0 or the norm, whatever the base: its supremum is known and comes first
    if not is_symbolic(s) and s == 1 and p in (1, 2, math.inf):  # one level 1 and 0: any base, any dithering
        best = Unbiased(
            one_level_omega(d, p),
            sharpness=TIGHT,
            source=NATURAL,
            attribution=OURS,
            name="one level",
            proof=one_level_proof(p),
        )
        return (best, printed)
    return (printed,)


@dataclass(frozen=True)
class NaturalDithering(Compressor):
    """C(x)_j = ||x||_p sign(x_j) xi_j, xi_j random rounding of |x_j|/||x||_p to the levels 0, 2^(1-s), ..., 1/2, 1.

    Unbiased; omega = 1/8 + a min{1, a}, a = d^(1/r) 2^(1-s), r = min{p, 2} (READ, Thm 7; an upper bound, not attained
    in general; Table 1 of arXiv 2002.08958 drops the 1/8 and turns the sign of an exponent). s = 1 is one-level
    quantisation, with its supremum. Sign, level and one norm are sent.

    s: levels besides 0, an integer >= 1. p: the order of the norm, 1 <= p <= inf. A norm, d signs and d level numbers
    are sent.
    """

    s: int
    p: float = 2
    source: ClassVar[Source] = NATURAL.at("Thm 7")

    def __post_init__(self) -> None:
        positive_int("s", self.s, "NaturalDithering")
        check_norm_order("NaturalDithering", self.p)

    def _compress(self, x: Array, rng: np.random.Generator) -> Array:
        norm = p_norm(x, self.p)
        return np.sign(x) * norm * dither(x, norm, self.s, 2, rng)

    def kernel(self, x: Array, rng: np.random.Generator) -> Array:
        """Natural compression's kernel on |x|/norm; entries below the lowest level are drawn apart."""
        norm = p_norm(x, self.p)
        y = np.minimum(np.abs(x) / np.where(norm > 0, norm, 1), 1)
        lowest = 2.0 ** (1 - self.s)
        # above the lowest level base 2 is natural compression itself, with its fast kernel
        level = NaturalCompression().kernel(y, rng)
        below = y < lowest
        small = y[below]
        level[below] = np.where(rng.random(small.shape) < small / lowest, lowest, 0)
        level *= norm
        return np.copysign(level, x)

    def claims(self, d: Number) -> tuple[Claim, ...]:
        return _claims(d, self.s, self.p, 2, source=self.source, attribution=READ)

    def bits(self, d: int, float_bits: int = FLOAT_BITS) -> BitCost:
        return BitCost(floats=1, signs=d, levels=d * log2_ceil(self.s + 1), float_bits=float_bits)

    @classmethod
    def examples(cls) -> tuple[NaturalDithering, ...]:
        return (cls(1), cls(2), cls(4), cls(3, math.inf), cls(2, 1))


@dataclass(frozen=True)
class ExponentialDithering(Compressor):
    """Natural dithering with base b > 1 in 2's place: levels 0, b^(1-s), ..., 1/b, 1.

    Unbiased; omega = (b-1)^2/(4b) + a min{1, a}, a = d^(1/r) b^(1-s), r = min{p, 2} (an upper bound).

    s: levels besides 0, an integer >= 1. p: the order of the norm, 1 <= p <= inf. The message is natural dithering's.
    For s = 1 the supremum of one-level quantisation is claimed first.
    """

    s: int
    base: Number = 2
    p: float = 2
    source: ClassVar[Source] = BIASED

    def __post_init__(self) -> None:
        positive_int("s", self.s, "ExponentialDithering")
        check_norm_order("ExponentialDithering", self.p)
        if not is_symbolic(self.base) and not self.base > 1:
            raise InvalidParameter(f"ExponentialDithering(base={self.base!r}) needs a base > 1")

    def _compress(self, x: Array, rng: np.random.Generator) -> Array:
        norm = p_norm(x, self.p)
        return np.sign(x) * norm * dither(x, norm, self.s, float(self.base), rng)

    def claims(self, d: Number) -> tuple[Claim, ...]:
        return _claims(d, self.s, self.p, self.base, source=self.source, attribution=RECALLED)

    def bits(self, d: int, float_bits: int = FLOAT_BITS) -> BitCost:
        return BitCost(floats=1, signs=d, levels=d * log2_ceil(self.s + 1), float_bits=float_bits)

    @classmethod
    def examples(cls) -> tuple[ExponentialDithering, ...]:
        return (cls(3), cls(3, 4), cls(2, ratio(3, 2)), cls(2, 3, math.inf), cls(1, 5))
