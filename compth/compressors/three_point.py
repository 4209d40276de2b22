"""Three-point maps C_{h,y}(x): what a worker sends given its last message h, its last input y and its input x.

What methods with memories of their own need of a message is one inequality with constants A and B (`bound`); each map
says its pair, and the lazy ones send nothing where their trigger is silent.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np

from compth import calculus
from compth._numbers import Number, is_symbolic, max, plain_parameters, plainly, ratio
from compth._types import Array
from compth.bits import FLOAT_BITS, BitCost
from compth.claims import (
    Attribution,
    Contractive,
    Margin,
    Standing,
    ThreePointBound,
    Unbiased,
    standing_of,
)
from compth.compressors.core.base import (
    CODE,
    OURS,
    RECALLED,
    Compressor,
    check_members,
    check_vectors,
    short_repr,
)
from compth.compressors.rand_k import RandK
from compth.compressors.top_k import TopK
from compth.errors import InvalidParameter, Unsupported
from compth.sources import EF21, MARINA, THREE_PC, Source


@dataclass(frozen=True)
class ThreePoint(ABC):
    """E||C_{h,y}(x) - x||^2 <= (1 - A)||h - y||^2 + B||x - y||^2 for all h, y, x.

    A: (A, B) of `bound(d)`, with the standing of its proof. `apply` checks its arguments; a map of one's own writes
    `_apply`.
    """

    source: ClassVar[Source] = THREE_PC
    attribution: ClassVar[Attribution] = RECALLED
    declared: ClassVar[Standing] = Standing.DERIVED
    proof: ClassVar[str] = ""

    @property
    def standing(self) -> Standing:
        """PROVED when the proof of (A, B) is in the shipped index, else as declared; ASSUMED for a user's code."""
        return standing_of(self.proof, self.declared, self)

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        plainly(cls)
        cls.__repr__ = short_repr  # type: ignore[method-assign]

    def __post_init__(self) -> None:
        plain_parameters(self)
        check_members(self)

    @final
    def apply(self, h: Array, y: Array, x: Array, rng: np.random.Generator) -> Array:
        """C_{h,y}(x) for h, y, x of one shape (..., d), rows independent; inputs are not changed."""
        parts = [check_vectors(v, name) for v, name in ((h, "h"), (y, "y"), (x, "x"))]
        if len({v.shape for v in parts}) > 1:
            raise InvalidParameter(f"h, y, x have shapes {[v.shape for v in parts]}: give one shape (..., d)")
        self.check(parts[0].shape[-1])
        return self._apply(parts[0], parts[1], parts[2], rng)

    @abstractmethod
    def _apply(self, h: Array, y: Array, x: Array, rng: np.random.Generator) -> Array:
        """The mathematics on (..., d)."""

    @abstractmethod
    def bound(self, d: Number) -> ThreePointBound:
        """(A, B) at dimension d; Unsupported where the inner compressor lacks the claim it needs."""

    def margin(self, h: Array, y: Array, x: Array, error: Number) -> Margin:
        """The inequality at (h, y, x), from error = E||C_{h,y}(x) - x||^2; exact for Fractions."""
        # plain sums, so that Fractions decide the inequality exactly
        A, B = self.bound(len(x))
        hy = sum((a - b) ** 2 for a, b in zip(h, y, strict=True))
        xy = sum((a - b) ** 2 for a, b in zip(x, y, strict=True))
        return Margin("E||C_{h,y}(x)-x||^2", error, (1 - A) * hy + B * xy)

    @abstractmethod
    def bits(self, d: int, float_bits: int = FLOAT_BITS) -> BitCost:
        """Bits of one message that is sent (lazy maps add one bit, and send that alone when they skip)."""

    def why_not(self, d: int) -> str:
        """ "" when dimension d is supported, else the rule that is broken."""
        return ""

    def check(self, d: int) -> None:
        """Raise Unsupported, with the rule, unless dimension d is supported."""
        if self.why_not(d):
            raise Unsupported(f"{self!r} needs {self.why_not(d)}, got d={d}")

    @classmethod
    @abstractmethod
    def examples(cls) -> tuple[ThreePoint, ...]:
        """Small instances for tests and docs."""


def _delta(owner: ThreePoint, compressor: Compressor, d: Number) -> Number:
    """The contraction that the map's bound is made of. Raises Unsupported, with an example, without one."""
    claim = compressor.claim(Contractive, d)
    if claim is None:
        raise Unsupported(
            f"{owner!r} needs a Contractive compressor, such as TopK(k=1); {compressor!r} is not"
        )
    return claim.delta


def _check_trigger(owner: str, zeta: Number) -> None:
    """Raise InvalidParameter unless zeta >= 0, or a symbol."""
    if not is_symbolic(zeta) and not zeta >= 0:
        raise InvalidParameter(f"{owner}(zeta={zeta!r}) needs zeta >= 0")


def moved(h: Array, y: Array, x: Array, zeta: float) -> Array:
    """||x - h||^2 > zeta ||x - y||^2 per row, (..., 1): where the lazy rule sends."""
    # compared per row: every worker of a batch decides for itself
    far: Array = ((x - h) ** 2).sum(axis=-1, keepdims=True) > zeta * ((x - y) ** 2).sum(
        axis=-1, keepdims=True
    )
    return far


@dataclass(frozen=True)
class EF21Map(ThreePoint):
    """C_{h,y}(x) = h + C(x - h), C contractive: A = 1 - sqrt(1-delta), B = (1-delta)/(1 - sqrt(1-delta)).

    Young's inequality (1+s)||h-y||^2 + (1+1/s)||x-y||^2 with the s that makes (1-delta)(1+s) = sqrt(1-delta).
    """

    compressor: Compressor
    source: ClassVar[Source] = EF21
    attribution: ClassVar[Attribution] = CODE
    proof: ClassVar[str] = "three_point.ef21"

    def _apply(self, h: Array, y: Array, x: Array, rng: np.random.Generator) -> Array:
        # only the difference goes over the wire: the receiver has h
        return h + self.compressor.kernel(x - h, rng)

    def bound(self, d: Number) -> ThreePointBound:
        return ThreePointBound(*calculus.ef21_theta_beta(_delta(self, self.compressor, d)))

    def bits(self, d: int, float_bits: int = FLOAT_BITS) -> BitCost:
        return self.compressor.bits(d, float_bits)

    def why_not(self, d: int) -> str:
        return self.compressor.why_not(d)

    @classmethod
    def examples(cls) -> tuple[ThreePoint, ...]:
        return (cls(TopK(1)), cls(TopK(2)))


@dataclass(frozen=True)
class LAGMap(ThreePoint):
    """Lazy aggregation: x where ||x - h||^2 > zeta ||x - y||^2, else h (nothing is sent): A = 1, B = zeta."""

    zeta: Number
    attribution: ClassVar[Attribution] = CODE

    def __post_init__(self) -> None:
        _check_trigger("LAGMap", self.zeta)

    def _apply(self, h: Array, y: Array, x: Array, rng: np.random.Generator) -> Array:
        return np.where(moved(h, y, x, float(self.zeta)), x, h)

    def bound(self, d: Number) -> ThreePointBound:
        return ThreePointBound(1, self.zeta)

    def bits(self, d: int, float_bits: int = FLOAT_BITS) -> BitCost:
        return BitCost(floats=d, other=1, float_bits=float_bits, random=True)

    @classmethod
    def examples(cls) -> tuple[ThreePoint, ...]:
        return (cls(1), cls(0), cls(4))


@dataclass(frozen=True)
class CLAGMap(ThreePoint):
    """Compressed lazy aggregation: h + C(x - h) where ||x - h||^2 > zeta ||x - y||^2, else h.

    A = 1 - sqrt(1-delta), B = max{(1-delta)/(1 - sqrt(1-delta)), zeta}. zeta = 0 is EF21, C = identity is LAG.
    """

    compressor: Compressor
    zeta: Number
    proof: ClassVar[str] = "three_point.clag"

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_trigger("CLAGMap", self.zeta)

    def _apply(self, h: Array, y: Array, x: Array, rng: np.random.Generator) -> Array:
        return np.where(moved(h, y, x, float(self.zeta)), h + self.compressor.kernel(x - h, rng), h)

    def bound(self, d: Number) -> ThreePointBound:
        theta, beta = calculus.ef21_theta_beta(_delta(self, self.compressor, d))
        # where it is silent ||h - x||^2 <= zeta||x - y||^2 by the trigger itself; where it speaks it is
        # EF21's map: the larger B covers both
        return ThreePointBound(theta, max(beta, self.zeta))

    def bits(self, d: int, float_bits: int = FLOAT_BITS) -> BitCost:
        return self.compressor.bits(d, float_bits) + BitCost(other=1, float_bits=float_bits, random=True)

    def why_not(self, d: int) -> str:
        return self.compressor.why_not(d)

    @classmethod
    def examples(cls) -> tuple[ThreePoint, ...]:
        return (cls(TopK(1), 1), cls(TopK(2), 3))


@dataclass(frozen=True)
class MARINAMap(ThreePoint):
    """x with probability p, else h + C(x - y), C unbiased: A = p, B = (1-p) omega (one worker).

    E||h + C(x-y) - x||^2 = ||h - y||^2 + E||C(x-y) - (x-y)||^2. The coin is common to the rows of one call only if
    the caller makes it so: here every row has its own.

    p: 0 < p <= 1 (InvalidParameter otherwise).
    """

    compressor: Compressor
    p: Number
    source: ClassVar[Source] = MARINA
    attribution: ClassVar[Attribution] = OURS
    proof: ClassVar[str] = "three_point.marina"

    def __post_init__(self) -> None:
        super().__post_init__()
        if not is_symbolic(self.p) and not 0 < self.p <= 1:
            raise InvalidParameter(f"MARINAMap(p={self.p!r}) needs 0 < p <= 1")

    def _apply(self, h: Array, y: Array, x: Array, rng: np.random.Generator) -> Array:
        # with probability p the error is 0; else that of h before, plus the compressor's on the difference
        exact = rng.random((*x.shape[:-1], 1)) < float(self.p)
        return np.where(exact, x, h + self.compressor.kernel(x - y, rng))

    def bound(self, d: Number) -> ThreePointBound:
        claim = self.compressor.claim(Unbiased, d)
        if claim is None:
            raise Unsupported(f"{self!r} needs an Unbiased compressor, such as RandK(k=1)")
        return ThreePointBound(*calculus.marina_joint(claim.omega, self.p))

    def bits(self, d: int, float_bits: int = FLOAT_BITS) -> BitCost:
        """Expected: one bit, and d floats with probability p, else the compressor's message."""
        full, part = BitCost(floats=d, float_bits=float_bits), self.compressor.bits(d, float_bits)
        mean = self.p * full.total + (1 - self.p) * part.total
        return BitCost(other=1 + mean, float_bits=float_bits, random=True)

    def why_not(self, d: int) -> str:
        return self.compressor.why_not(d)

    @classmethod
    def examples(cls) -> tuple[ThreePoint, ...]:
        return (cls(RandK(1), ratio(1, 4)), cls(RandK(2), 1))
