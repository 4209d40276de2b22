"""Rounding to the geometric grid 0, +-b^k (k integer): to the nearest point, or at random without bias.

Points of a geometric grid are exponents: a rounding to them is sent in a few bits, with a relative error that does
not depend on the size of x nor on d.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from compth._numbers import Number, is_symbolic, log2_ceil, ratio
from compth._types import Array
from compth.bits import FLOAT_BITS, BitCost
from compth.claims import B1, B2, Claim, Contractive, Unbiased
from compth.compressors.core.base import RECALLED, TIGHT, Compressor, Proved
from compth.errors import InvalidParameter
from compth.sources import BIASED, Source

# both constants describe IEEE 754 floats: what underflows, and how many exponents a code has to tell apart
TINY = 5e-324  # the smallest positive float64: powers that underflow stop there
EXPONENT_RANGE = {16: 30, 32: 254, 64: 2046}  # powers of two between the smallest and largest normal number


def rounding_omega(base: Number) -> Number:
    """(b + 1/b + 2)/4 - 1 = (b-1)^2/(4b): random rounding between neighbours b^k, b^(k+1)."""
    return ratio((base - 1) * (base - 1), 4 * base)


def nearest_constants(base: Number) -> tuple[Number, Number, Number]:
    """(gamma, beta, delta) of nearest rounding: 2/(1+b), 2b/(1+b) (both at a midpoint) and 4b/(1+b)^2."""
    return ratio(2, 1 + base), ratio(2 * base, 1 + base), ratio(4 * base, (1 + base) * (1 + base))


def floor_power(size: Array, base: float) -> Array:
    """The largest power of base that is <= size, elementwise, for size > 0 (exact for base 2)."""
    if base == 2:
        # frexp reads the exponent off the bits: no logarithm, no rounding
        exact: Array = np.ldexp(1.0, np.frexp(size)[1] - 1)
        return exact
    exponent = np.floor(np.log(size) / math.log(base))
    with np.errstate(over="ignore", under="ignore"):
        low = np.power(float(base), exponent)
        exponent = exponent - (low > size) + (low * base <= size)  # log rounds: one step either way
        return np.maximum(np.power(float(base), exponent), TINY)


def exponent_bits(base: float, float_bits: int) -> int:
    """Bits of zero or one of the powers of base in the float's normal range."""
    return log2_ceil(math.ceil(EXPONENT_RANGE[float_bits] / math.log2(base)) + 1)


def _check_base(owner: str, base: Number) -> None:
    """Raise InvalidParameter unless base > 1, or a symbol."""
    if not is_symbolic(base) and not base > 1:
        raise InvalidParameter(f"{owner}(base={base!r}) needs a base > 1")


@dataclass(frozen=True)
class StochasticRounding(Compressor):
    """C(t) = sign(t) b^k or sign(t) b^(k+1), b^k <= |t| < b^(k+1), with the probabilities of mean t; C(0) = 0.

    Unbiased, omega = (b-1)^2/(4b), attained where all |x_j| = 2b/(1+b) b^k. b = 2 is natural compression.

    base: a number > 1 (InvalidParameter otherwise). A sign and one of the exponents in the float's range are sent for
    every entry.
    """

    base: Number = 2
    source: ClassVar[Source] = BIASED

    def __post_init__(self) -> None:
        _check_base("StochasticRounding", self.base)

    def _compress(self, x: Array, rng: np.random.Generator) -> Array:
        size = np.abs(x)
        low = floor_power(np.where(size > 0, size, 1.0), float(self.base))
        with np.errstate(over="ignore", under="ignore"):
            # up with probability (|t| - low)/(high - low): the mean is |t|
            gap = low * (float(self.base) - 1)  # inf beyond the largest power: such values round down
            up = rng.random(x.shape) < (size - low) / np.where(gap > 0, gap, 1.0)
            return np.sign(x) * np.where(up, low + gap, np.minimum(low, size))

    def claims(self, d: Number) -> tuple[Claim, ...]:
        return (
            Unbiased(
                rounding_omega(self.base),
                sharpness=TIGHT,
                source=self.source,
                attribution=RECALLED,
                proof="rounding.geometric",
            ),
        )

    def worst_inputs(self, d: int) -> tuple[Array, ...]:
        b = float(self.base)
        return (np.full(d, 2 * b / (1 + b)),)

    def bits(self, d: int, float_bits: int = FLOAT_BITS) -> BitCost:
        return BitCost(signs=d, levels=d * exponent_bits(float(self.base), float_bits), float_bits=float_bits)

    @classmethod
    def examples(cls) -> tuple[StochasticRounding, ...]:
        return (cls(2), cls(3), cls(ratio(3, 2)), cls(10))


@dataclass(frozen=True)
class NearestRounding(Compressor):
    """C(t) = the point of {+-b^k} nearest to t (the smaller one at a midpoint), C(0) = 0: deterministic, biased.

    delta = 4b/(1+b)^2, B1(4/(1+b)^2, 2b/(1+b)), B2(2/(1+b), 2b/(1+b)), each at the midpoint (1+b)/2 b^k: delta, alpha
    and gamma attained, beta a supremum (approached from above).

    base: a number > 1 (InvalidParameter otherwise). The message is that of stochastic rounding.
    """

    base: Number = 2
    deterministic: ClassVar[bool] = True
    source: ClassVar[Source] = BIASED

    def __post_init__(self) -> None:
        _check_base("NearestRounding", self.base)

    def _compress(self, x: Array, rng: np.random.Generator) -> Array:
        size = np.abs(x)
        low = floor_power(np.where(size > 0, size, 1.0), float(self.base))
        with np.errstate(over="ignore"):
            # compared as differences: (low + high)/2 may overflow
            high = low * float(self.base)
        return np.sign(x) * np.where(size - low > high - size, high, np.minimum(low, size))

    def claims(self, d: Number) -> tuple[Claim, ...]:
        gamma, beta, delta = nearest_constants(self.base)
        same: Proved = {
            "sharpness": TIGHT,
            "source": self.source,
            "attribution": RECALLED,
            "proof": "rounding.nearest",
        }
        return (Contractive(delta, **same), B1(gamma * gamma, beta, **same), B2(gamma, beta, **same))

    def worst_inputs(self, d: int) -> tuple[Array, ...]:
        middle = (1 + float(self.base)) / 2
        return (np.full(d, middle), np.full(d, middle * (1 + 1e-9)))

    def bits(self, d: int, float_bits: int = FLOAT_BITS) -> BitCost:
        return BitCost(signs=d, levels=d * exponent_bits(float(self.base), float_bits), float_bits=float_bits)

    @classmethod
    def examples(cls) -> tuple[NearestRounding, ...]:
        return (cls(2), cls(3), cls(10))
