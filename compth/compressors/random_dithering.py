"""Random dithering (QSGD): s uniform levels relative to a p-norm, rounded at random.

Constants are suprema or upper bounds over all x at a given d; where the printed one of a paper is larger it is kept
beside the sharper one, and where it is no bound at all it is not claimed.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from compth._numbers import Number, is_symbolic, log2_ceil, min, power, ratio, sqrt
from compth._types import Array
from compth.bits import FLOAT_BITS, BitCost
from compth.claims import Claim, Sharpness, Unbiased
from compth.compressors.core.base import CODE, OURS, READ, TIGHT, UPPER, Compressor, chunks, positive_int
from compth.errors import InvalidParameter
from compth.sources import NATURAL, QSGD, Source


def sharp_omega(d: Number, s: Number, r: Number) -> Number:
    """min{d^(2/r)/(4 s^2), d^(1/r)/s}: valid for every p with r = min{p, 2}.

    Holds: euclidean_omega(d, s) <= sharp_omega(d, s, 2) for d in {1, 2, 3, 4, 10, 16, 100, 1000}, s in {1, 2, 3, 8}
    """
    # ||x||_r <= d^(1/r - 1/2)||x||_2 turns the norm that is sent into the one of the claim
    root = power(d, ratio(1, r))
    return min(ratio(root * root, 4 * s * s), ratio(root, s))


def euclidean_omega(d: Number, s: Number) -> Number:
    """p = 2: d/(4 s^2) for d < 4 s^2, else sqrt(d)/s - 1, the supremum.

    Per coordinate the variance is f(1-f)/s^2, y = |x_j|/||x||, f the fractional part of s y. It is at most 1/(4 s^2),
    which sums to d/(4 s^2). For d >= 4 s^2 it is at most (sqrt(d) y^2 + 1/sqrt(d))/(2 s) - y^2, which sums to
    sqrt(d)/s - 1: for y <= 1/s it is y/s - y^2, and 2 y is at most sqrt(d) y^2 + 1/sqrt(d). They agree at d = 4 s^2.

    Holds: (s*y % 1) * (1 - s*y % 1) / s**2 <= 1 / (4 * s**2) for y in [0, 1], s in {1, 2, 3, 8}

    Holds: (s*y % 1) * (1 - s*y % 1) / s**2 <= (sqrt(d) * y**2 + 1 / sqrt(d)) / (2 * s) - y**2
    where d >= 4 * s**2 for y in [0, 1], s in {1, 2, 3, 8}, d in {4, 5, 16, 40, 100, 256, 10000}
    """
    # two bounds on f(1-f), each tight on its side of d = 4 s^2: see the docstring
    wide, narrow = ratio(sqrt(d), s) - 1, ratio(d, 4 * s * s)
    if is_symbolic(d) or is_symbolic(s):
        import sympy

        return sympy.Piecewise((wide, d >= 4 * s * s), (narrow, True))
    return wide if d >= 4 * s * s else narrow


def one_level_omega(d: Number, p: float) -> Number:
    """s = 1: sqrt(d)-1 for p = 2, (sqrt(d)-1)/2 for p = inf, d - 1 for p = 1, each a supremum."""
    return {1: d - 1, 2: sqrt(d) - 1}[int(p)] if p in (1, 2) else ratio(sqrt(d) - 1, 2)


def one_level_proof(p: float) -> str:
    """Where the constants of `one_level_omega` are proved."""
    return "lp_moments" if p in (1, 2) else "terngrad.omega"


def levels_proof(p: float, proof: str) -> str:
    """The proof of a bound by norms: p = 1 and p >= 2; for 1 < p < 2 Hoelder's exponents are no polynomials."""
    return proof if p == 1 or p >= 2 else ""


def p_norm(x: Array, p: float) -> Array:
    """||x||_p per row, (..., d) -> (..., 1), computed without overflow or underflow (rows of zeros give 0)."""
    if p == 2:  # one pass where squares neither overflow nor vanish, row by row
        # squares are tried first and looked at afterwards: rows of ordinary size, nearly all, pay one pass
        with np.errstate(over="ignore", under="ignore"):
            plain: Array = np.sqrt((x * x).sum(axis=-1, keepdims=True))
        careful = (
            ~((plain > 1e-140) & (plain < 1e140)) if x.dtype == np.float64 else np.ones(plain.shape, bool)
        )
        if not careful.any():
            return plain
        return np.where(careful, _careful_norm(x, p), plain)
    return _careful_norm(x, p)


def _careful_norm(x: Array, p: float) -> Array:
    """Scaled by the largest entry first."""
    # dividing by the largest entry brings every square into [0, 1]
    top: Array = np.abs(x).max(axis=-1, keepdims=True)
    if p == math.inf:
        return top
    safe = np.where(top > 0, top, 1)
    norm: Array = safe * np.linalg.norm(x / safe, ord=p, axis=-1, keepdims=True)
    return norm


@dataclass(frozen=True)
class RandomDithering(Compressor):
    """C(x)_j = ||x||_p sign(x_j) xi_j / s, xi_j the random rounding of s|x_j|/||x||_p to an integer (E xi exact).

    Unbiased. p = 2 (QSGD): omega = sqrt(d)/s - 1 for d >= 4 s^2 (supremum), d/(4 s^2) below (attained only for
    special d: UPPER); the textbook min{d/s^2, sqrt(d)/s} is kept beside it. p = inf, s = 1 is TernGrad. For p < 2 the
    printed min{1, sqrt(d)/s} d^(1/p)/s is no bound (p = 1, d = 100, s = 12, flat x: 22/3 > 125/18) and no claim.

    s: levels besides 0, an integer >= 1. p: the order of the norm, 1 <= p <= inf. Raises InvalidParameter for others.
    A norm, d signs and d level numbers of ceil(log2(s+1)) bits are sent.
    """

    s: int
    p: float = 2
    source: ClassVar[Source] = QSGD

    def __post_init__(self) -> None:
        positive_int("s", self.s, "RandomDithering")
        if not (isinstance(self.p, int | float) and self.p >= 1):
            raise InvalidParameter(
                f"RandomDithering(p={self.p!r}) needs a norm order p >= 1 (math.inf allowed)"
            )

    def _compress(self, x: Array, rng: np.random.Generator) -> Array:
        # rounding the signed s x/||x|| down or up is rounding its size and keeping the sign
        norm = p_norm(x, self.p)
        y = x / np.where(norm > 0, norm, 1) * self.s
        low = np.floor(y)
        level = low + (rng.random(x.shape) < y - low)
        out: Array = level * (norm / self.s)
        return out

    def kernel(self, x: Array, rng: np.random.Generator) -> Array:
        """The reference's operations, in place and in cache-sized pieces."""
        norm = p_norm(x, self.p)
        out = np.empty(x.shape, x.dtype)
        for (piece, scale), (level, _) in zip(chunks(x, norm), chunks(out, norm), strict=True):
            y = piece / np.where(scale > 0, scale, 1)
            y *= self.s
            np.floor(y, out=level)
            y -= level
            level += rng.random(piece.shape) < y
            level *= scale / self.s
        return out

    def claims(self, d: Number) -> tuple[Claim, ...]:
        proof = levels_proof(self.p, "dithering.uniform")
        # best claim first: methods read the first of a kind, and lists show the paper's constant beside it
        textbook = Unbiased(
            min(ratio(d, self.s**2), ratio(sqrt(d), self.s)),
            source=QSGD,
            attribution=CODE,
            name="textbook",
            proof=proof,
        )
        # one level is 0 or the norm: its suprema are known for these norms
        if self.s == 1 and self.p in (1, 2, math.inf):
            best: Claim = Unbiased(
                one_level_omega(d, self.p),
                sharpness=TIGHT,
                source=NATURAL,
                attribution=OURS,
                name="one level",
                proof=one_level_proof(self.p),
            )
        elif self.p == 2:
            best = Unbiased(
                euclidean_omega(d, self.s),
                sharpness=self._sharpness(d),
                attribution=OURS,
                name="sharp",
                proof=proof,
            )
        else:
            # norms p > 2 are at most the Euclidean one, so r = 2 serves them
            r = min(self.p, 2)
            best = Unbiased(
                sharp_omega(d, self.s, r), sharpness=UPPER, attribution=OURS, name="sharp", proof=proof
            )
            if self.p > 2:
                paper = min(1, ratio(sqrt(d), self.s)) * ratio(sqrt(d), self.s)
                return (
                    best,
                    Unbiased(
                        paper, source=NATURAL.at("Table 1"), attribution=READ, name="textbook", proof=proof
                    ),
                )
        return (best, textbook) if self.p == 2 else (best,)

    def _sharpness(self, d: Number) -> Sharpness:
        """TIGHT for d >= 4 s^2, where the constant is the supremum; below it is attained for special d only."""
        if is_symbolic(d):
            return UPPER
        return TIGHT if d >= 4 * self.s**2 else UPPER

    def bits(self, d: int, float_bits: int = FLOAT_BITS) -> BitCost:
        return BitCost(floats=1, signs=d, levels=d * log2_ceil(self.s + 1), float_bits=float_bits)

    @classmethod
    def examples(cls) -> tuple[RandomDithering, ...]:
        return (cls(1), cls(2), cls(4), cls(1, math.inf), cls(3, math.inf), cls(2, 1))


@dataclass(frozen=True)
class TernGrad(Compressor):
    """C(x)_j = ||x||_inf sign(x_j) with probability |x_j|/||x||_inf, else 0 (no clipping): unbiased.

    omega = (sqrt(d) - 1)/2, attained at one entry 1 and the others 1/(1 + sqrt d). Published code declares 0.

    One float and two bits an entry are sent: 0, plus or minus the largest entry.
    """

    source: ClassVar[Source] = NATURAL.at("Sec. 4 (p = inf, one level)")

    def _compress(self, x: Array, rng: np.random.Generator) -> Array:
        size = np.abs(x)
        top = size.max(axis=-1, keepdims=True)
        keep = rng.random(x.shape) < size / np.where(top > 0, top, 1)
        out: Array = np.sign(x) * top * keep
        return out

    def claims(self, d: Number) -> tuple[Claim, ...]:
        omega = one_level_omega(d, math.inf)
        return (
            Unbiased(omega, sharpness=TIGHT, source=self.source, attribution=OURS, proof="terngrad.omega"),
        )

    def bits(self, d: int, float_bits: int = FLOAT_BITS) -> BitCost:
        return BitCost(floats=1, levels=2 * d, float_bits=float_bits)

    @classmethod
    def examples(cls) -> tuple[TernGrad, ...]:
        return (cls(),)
