"""Rounding to integers at a common scale: the absolute-error class, and in-network aggregation (SwitchML).

Both roundings have an absolute error. It becomes a relative one only by a scale that follows the data, which is what
the fleet SwitchML does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from compth import calculus
from compth._numbers import Number, is_symbolic, ratio, sqrt
from compth._types import Array
from compth.bits import FLOAT_BITS, BitCost
from compth.claims import AbsoluteError, Claim, JointVariance
from compth.compressors.core.base import OURS, TIGHT, UPPER, Compressor, positive_int
from compth.compressors.fleets import Fleet
from compth.errors import InvalidParameter
from compth.sources import SWITCHML, Source

INT_BITS = 32


def round_integers(z: Array, nearest: bool, rng: np.random.Generator) -> Array:
    """Integers (as floats) from z: the nearest one (even at a tie), or up with probability z - floor(z)."""
    if nearest:
        return np.rint(z)
    # up with the fractional part's probability: unbiased
    low = np.floor(z)
    return low + (rng.random(z.shape) < z - low)


@dataclass(frozen=True)
class IntegerRounding(Compressor):
    """C(x) = rho(f x)/f with f = scale, rho to the nearest integer, or at random without bias (nearest=False).

    E||C(x)-x||^2 <= d/(4 f^2), attained at x_j = 1/(2f), for both roundings. Absolute error: it is in no class of
    relative error (x in (0, 1/f) is rounded to 0 or to 1/f). Entries are 32-bit integers: f|x_j| <= 2^31 - 1.

    scale: f > 0, a number of integers per unit of x; nearest: deterministic, else unbiased.
    """

    scale: Number
    nearest: bool = True
    source: ClassVar[Source] = SWITCHML

    def __post_init__(self) -> None:
        if not is_symbolic(self.scale) and not self.scale > 0:
            raise InvalidParameter(f"IntegerRounding(scale={self.scale!r}) needs a scale > 0")

    @property
    def deterministic(self) -> bool:  # type: ignore[override]
        return self.nearest

    def _compress(self, x: Array, rng: np.random.Generator) -> Array:
        f = float(self.scale)
        return round_integers(f * x, self.nearest, rng) / f

    def claims(self, d: Number) -> tuple[Claim, ...]:
        return (
            AbsoluteError(
                ratio(sqrt(d), 2 * self.scale),
                sharpness=TIGHT,
                source=self.source,
                attribution=OURS,
                domain="f|x_j| <= 2^31 - 1",
                proof="integer_rounding.delta",
            ),
        )

    def worst_inputs(self, d: int) -> tuple[Array, ...]:
        return (np.full(d, 0.5 / float(self.scale)),)

    def bits(self, d: int, float_bits: int = FLOAT_BITS) -> BitCost:
        return BitCost(levels=INT_BITS * d, float_bits=float_bits)

    @classmethod
    def examples(cls) -> tuple[IntegerRounding, ...]:
        return (cls(1), cls(8, False), cls(ratio(5, 2)), cls(100, False))


@dataclass(frozen=True)
class SwitchML(Fleet):
    """n workers send integers rho(f_b x_ij) with one scale f_b per block b shared by all; the switch adds them.

    With `width`-bit integers, T = 2^(width-1) - 1: f_b = (T - n)/(n B_b), B_b = max |x_ij| over workers and block, or
    2^e, e = floor(log2 B_b) + 1, in B_b's place (exponent=True: one byte a block; the reference code's own scale
    T/(n 2^e) has no slack n, see calculus.switchml_reference_scale). The sum never overflows:
    |sum_i rho(f x_ij)| <= n (f B + 1) <= T. Random rounding is unbiased and, as the scale follows the data, relative:
    A = d n^2/(4 (T-n)^2), B = 0 (four times that with exponents), since E||error of the mean||^2 <= d/(4 n f^2) and
    B_b^2 <= n mean||x_i||^2. Nearest rounding (the paper's) is biased; its mean errs by at most 1/(2f) a coordinate.

    n: workers. block: coordinates that share a scale, None for all. width: bits of an integer. Raises
    InvalidParameter where n integers could overflow at any scale.
    """

    n: int
    nearest: bool = True
    block: int | None = None
    exponent: bool = False
    width: int = INT_BITS
    source: ClassVar[Source] = SWITCHML

    def __post_init__(self) -> None:
        positive_int("n", self.n, "SwitchML")
        if self.block is not None:
            positive_int("block", self.block, "SwitchML")
        if not is_symbolic(self.n) and not 2 ** (self.width - 1) - 1 > self.n:
            raise InvalidParameter(
                f"SwitchML(n={self.n}, width={self.width}) needs 2^(width-1) - 1 > n: take wider integers"
            )

    def _blocks(self, d: int) -> int:
        """How many scales a message has."""
        return 1 if self.block is None else -(-d // self.block)

    def quantise(self, x: Array, rng: np.random.Generator) -> tuple[Array, Array]:
        """(integers (..., n, d), units 1/f (..., 1, d)) of x (..., n, d): the message is their product."""
        n, d = x.shape[-2:]
        size = d if self.block is None else self.block
        # the scale is common: the switch adds integers, which mean the same for all workers
        largest = np.abs(x).max(axis=-2, keepdims=True)
        top = np.concatenate(
            [
                np.repeat(part.max(axis=-1, keepdims=True), part.shape[-1], axis=-1)
                for part in (largest[..., a : a + size] for a in range(0, d, size))
            ],
            axis=-1,
        )
        # chosen so that n integers, each rounded up by at most 1, still fit
        capacity = float(calculus.no_overflow_scale(n, 1, self.width))
        # a shared exponent is one byte, against a float; both sides compute the same scale from it
        if self.exponent:
            e = np.frexp(top)[1]  # 2^(e-1) <= top < 2^e
            return round_integers(np.ldexp(x, -e) * capacity, self.nearest, rng), np.ldexp(1 / capacity, e)
        safe = np.where(top > 0, top, 1.0)
        return round_integers(x / safe * capacity, self.nearest, rng), top / capacity

    def _compress(self, x: Array, rng: np.random.Generator) -> Array:
        integers, unit = self.quantise(x, rng)
        return integers * unit

    def joint(self, n: Number, d: Number) -> JointVariance | None:
        if self.nearest:
            return None
        # a power of two above the largest entry is at most twice it: half the resolution
        spread = 2 if self.exponent else 1
        a = calculus.integer_mean_error(n, d, calculus.no_overflow_scale(n, spread, self.width)) * n
        return JointVariance(
            a,
            0,
            n if isinstance(n, int) else 1,
            sharpness=UPPER,
            source=SWITCHML,
            attribution=OURS,
            proof="switchml.mean",
        )

    @property
    def members(self) -> tuple[Compressor, ...]:
        return (_SwitchMember(self.n, self.block, self.exponent, self.width),)

    def member(self, i: int) -> Compressor:
        return self.members[0]

    def noise(self, n: int, d: int) -> None:
        return None

    def why_not(self, n: int, d: int) -> str:
        return "" if n == self.n else f"n = {self.n} workers"

    @classmethod
    def examples(cls) -> tuple[Fleet, ...]:
        return (
            cls(2, False),
            cls(3),
            cls(3, False, 2, True, 8),
            cls(2, False, width=4),
            cls(1, True, None, True),
        )


@dataclass(frozen=True)
class _SwitchMember(Compressor):
    """One worker's message alone: it makes no claim, its scale follows the largest entry of ALL workers."""

    n: int
    block: int | None
    exponent: bool
    width: int = INT_BITS

    def _compress(self, x: Array, rng: np.random.Generator) -> Array:
        # alone a worker stands for all of them: the scale is then its own largest entry
        alone = SwitchML(self.n, True, self.block, self.exponent, self.width)
        everyone = np.repeat(x[..., None, :], self.n, axis=-2)
        return alone._compress(everyone, rng)[..., 0, :]

    def claims(self, d: Number) -> tuple[Claim, ...]:
        return ()

    def bits(self, d: int, float_bits: int = FLOAT_BITS) -> BitCost:
        blocks = SwitchML(self.n, block=self.block)._blocks(d)
        scales = (0, 8 * blocks) if self.exponent else (blocks, 0)
        return BitCost(floats=scales[0], levels=self.width * d, other=scales[1], float_bits=float_bits)

    @classmethod
    def examples(cls) -> tuple[_SwitchMember, ...]:
        return (cls(1, None, False),)
