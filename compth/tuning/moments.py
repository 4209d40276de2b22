"""Exact first and second moments of compressors at one gradient: what the descent lemma needs to know of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, TypeVar

import numpy as np

from compth._numbers import Number, ratio
from compth._own import stranger
from compth._types import Array, Numbers, Tensor
from compth.claims import Contractive, Unbiased
from compth.compressors import Compressor
from compth.compressors.atomo import NonUniformRand1, Wangni, _Atomic
from compth.compressors.lp_quantization import LpQuantization
from compth.compressors.natural import NaturalCompression
from compth.compressors.natural_dithering import ExponentialDithering, NaturalDithering
from compth.compressors.random_dithering import RandomDithering, TernGrad, p_norm
from compth.errors import Unsupported

D = TypeVar("D", NaturalDithering, ExponentialDithering)
EXACT = "exact at this gradient"
OMEGA = "declared omega (a bound over all gradients)"
DELTA = "declared delta (a bound over all gradients)"


class Progress(NamedTuple):
    """Share of ||g||^2/(2L), the step in units of 1/L, and what they rest on (EXACT, OMEGA or DELTA)."""

    share: Number
    step: Number
    basis: str


def of_moments(inner: Number, second: Number, square: Number) -> Progress:
    """Best step <g, EQ>/E||Q||^2 and share <g, EQ>^2/(||g||^2 E||Q||^2); a direction with <g, EQ> <= 0 gets 0."""
    # f(x - gamma Q) <= f - gamma <g, EQ> + (L gamma^2/2) E|Q|^2 is least at gamma = <g, EQ>/(L E|Q|^2); a
    # direction that points uphill on average is worth nothing at any step.
    if not (inner > 0 and second > 0):
        return Progress(0 * square, 0 * square, EXACT)
    return Progress(ratio(inner, square) * ratio(inner, second), ratio(inner, second), EXACT)


def _rounded(y: Array) -> float:
    """sum_j E xi_j^2 for the random rounding xi_j of y_j >= 0 to the integers: l^2 + (y - l)(2 l + 1)."""
    # xi is low + 1 with probability y - low, else low: E xi^2 = low^2 + (y - low)(2 low + 1).
    low = np.floor(y)
    return float((low * low + (y - low) * (2 * low + 1)).sum())


def _random_dithering(c: RandomDithering, x: Array) -> float:
    """E|C(x)|^2 of random dithering."""
    # Levels are multiples of |x|_p/s: in these units the message is the rounding of s |x_j|/|x|_p.
    norm = float(p_norm(x, c.p)[0])
    return (norm / c.s) ** 2 * _rounded(c.s * (np.abs(x) / norm))


def _terngrad(c: TernGrad, x: Array) -> float:
    """E|C(x)|^2 of TernGrad."""
    # Each entry is sent as max |x| with probability |x_j|/max |x|: E of its square is max |x| |x_j|.
    size = np.abs(x)
    return float(size.max() * size.sum())


def _lp_quantization(c: LpQuantization, x: Array) -> float:
    """E|C(x)|^2 of quantisation by blocks."""
    # Block by block: norm times the sum of absolute values, as for TernGrad with the block's own norm.
    parts = [np.abs(x[a:b]).sum() for a, b in c.sizes(len(x))]
    return float(np.dot(parts, c.norms(x)))


def _between(y: Array, lowest: float, base: float) -> float:
    """sum E v^2 for y in [0, 1] rounded to its neighbours among 0, lowest, base lowest, ..., 1."""
    # The level below y is lowest base^steps; the small term keeps exact powers in their own cell. Below the
    # lowest level the neighbours are 0 and the lowest.
    inside = y >= lowest
    steps = np.floor(np.log(np.where(inside, y, 1) / lowest) / np.log(base) + 1e-12)
    low = np.where(inside, np.minimum(lowest * base**steps, y), 0.0)
    high = np.where(inside, lowest * base ** (steps + 1), lowest)
    # E v^2 = y (low + high) - low high
    return float((y * (low + high) - low * high).sum())


def _geometric(base: Callable[[D], float]) -> Callable[[D, Array], float]:
    """E|C(x)|^2 of dithering to levels that are powers of a base."""

    def second(c: D, x: Array) -> float:
        norm = float(p_norm(x, c.p)[0])
        b = base(c)
        return norm**2 * _between(np.minimum(np.abs(x) / norm, 1.0), b ** (1 - c.s), b)

    return second


def _two(c: NaturalDithering) -> float:
    """Natural dithering's base."""
    return 2.0


def _base(c: ExponentialDithering) -> float:
    """Exponential dithering's base."""
    return float(c.base)


def _natural(c: NaturalCompression, x: Array) -> float:
    """E|C(x)|^2 of natural compression."""
    # Rounded to 2^e or 2^(e+1) around |x|, low = 2^e: E v^2 = |x| (low + 2 low) - 2 low^2.
    mantissa, exponent = np.frexp(np.abs(x))
    low = np.ldexp(0.5, exponent)
    return float((np.abs(x) * 3 * low - 2 * low * low)[mantissa > 0].sum())


SECOND: dict[type[Compressor], Callable[[Tensor, Array], float]] = {
    RandomDithering: _random_dithering,
    TernGrad: _terngrad,
    LpQuantization: _lp_quantization,
    NaturalDithering: _geometric(_two),
    ExponentialDithering: _geometric(_base),
    NaturalCompression: _natural,
    Wangni: lambda c, x: (1 + float(c.epsilon)) * float(x @ x),
    NonUniformRand1: lambda c, x: float(np.abs(x).sum()) ** 2,
}
"""E||C(x)||^2 of unbiased compressors at x != 0 with closed forms."""


def progress(c: Compressor, g: Numbers) -> Progress:
    """What one step along -C(g) is guaranteed to gain at g != 0, at its best step size.

    Exact for deterministic compressors, for linear sketches (through their noise map), ATOMO, dithering and natural
    compression; for others from a declared omega or delta. Raises Unsupported when nothing is known.
    """
    d = len(g)
    # In the order of what is known: the noise map of linear sketches, the program itself where it is
    # deterministic, a closed second moment, and at last a declared constant, which is a bound and says so in
    # `basis`.
    square = (g * g).sum()
    declared = bool(stranger(c))  # a user's closed forms are its word: only what runs is exact
    noise = None if declared else c.noise(d)
    if noise is not None:  # E||C||^2 = ||g||^2 + tr(a gg' + Diag(c g^2) + b ||g||^2 I)
        own = noise.own
        spread = own.c * square if np.ndim(own.c) == 0 else (own.c * (g * g)).sum()
        return of_moments(square, (1 + own.a + own.b * d) * square + spread, square)
    x = g.astype(np.float64)
    if c.deterministic:
        runs = (c._compress, c.kernel) if declared else (c._compress,)  # of a user's two programs the worse
        # What is sent is what is measured: one run gives <g, C(g)> and |C(g)|^2 exactly.
        sent = [run(x.copy(), np.random.default_rng(0)) for run in runs]
        return min(
            (of_moments(float(x @ y), float(y @ y), float(square)) for y in sent), key=lambda p: p.share
        )
    if isinstance(c, _Atomic) and not declared:
        return of_moments(float(square), float(c.second_moment(x)), float(square))
    if type(c) in SECOND and not declared:
        return of_moments(float(square), SECOND[type(c)](c, x), float(square))
    unbiased, contractive = c.claim(Unbiased, d), c.claim(Contractive, d)
    if unbiased is not None:
        share = 1 / (1 + float(unbiased.omega))
        return Progress(share, share, OMEGA)
    if contractive is not None:  # at gamma = 1/L: (||C(g) - g||^2 - ||g||^2)/(2L) <= -delta ||g||^2/(2L)
        return Progress(float(contractive.delta), 1.0, DELTA)
    raise Unsupported(
        f"{c!r} has no closed second moment and declares neither omega nor delta: nothing to tune by"
    )
