"""Real messages: bytes out, the compressed vector back. The declared bit counts are tested against these bytes.

`encode(C, x, y)` is the sender, who knows its input x and what it sends, y = C(x); `decode(C, data, d)` is the
receiver, who knows C and d. The round trip is exact where every transmitted float (kept entries, norms, scales) is
representable at `float_bits`; at 64 it always is. Lengths are whole bytes: ceil(bits/8).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from compth._numbers import log2_ceil
from compth._types import Array
from compth.bits import FLOAT_BITS
from compth.compressors.atomo import AtomoEntrywise, NonUniformRand1, Wangni
from compth.compressors.bernoulli import Bernoulli
from compth.compressors.biased_sparsification import AdaptiveRandom, BiasedSparsification
from compth.compressors.core.base import Compressor
from compth.compressors.identity import Identity
from compth.compressors.integers import INT_BITS, IntegerRounding
from compth.compressors.lp_quantization import LpQuantization
from compth.compressors.mean_estimation import (
    BinaryQuantization,
    FixedSupport,
    VariableSupport,
    centre_of,
)
from compth.compressors.natural import EXPONENT_BITS, NaturalCompression
from compth.compressors.natural_dithering import ExponentialDithering, NaturalDithering
from compth.compressors.rand_k import RandK
from compth.compressors.random_dithering import RandomDithering, TernGrad, p_norm
from compth.compressors.scaled_sign import ScaledSign
from compth.compressors.top_k import TopK
from compth.errors import InvalidParameter, Unsupported

FLOAT_TYPES: dict[int, type[np.float16 | np.float32 | np.float64]] = {
    16: np.float16,
    32: np.float32,
    64: np.float64,
}
# IEEE 754: the stored exponent of 1.0
EXPONENT_BIAS = {16: 15, 32: 127, 64: 1023}


class Writer:
    """Bits appended most significant first; `bytes()` pads the last byte with zeros."""

    def __init__(self, float_bits: int) -> None:
        if float_bits not in FLOAT_TYPES:
            raise InvalidParameter(f"float_bits={float_bits!r} needs one of {sorted(FLOAT_TYPES)}")
        self.float_bits = float_bits
        self._parts: list[str] = []

    def integer(self, value: int, width: int) -> None:
        """An integer 0 <= value < 2^width in `width` bits (nothing for width 0)."""
        if not 0 <= value < 1 << width:
            raise InvalidParameter(f"value={value} does not fit into {width} bits")
        if width:
            # text of 0 and 1 is slow and plain: these messages prove counts, no simulation sends them
            self._parts.append(format(value, f"0{width}b"))

    def number(self, value: float) -> None:
        """One float, rounded to float_bits."""
        kind = FLOAT_TYPES[self.float_bits]
        with np.errstate(over="ignore"):
            # the bytes of the float at its width, read as one little-endian number on both sides
            raw = np.asarray(value, dtype=kind).tobytes()
        self.integer(int.from_bytes(raw, "little"), self.float_bits)

    def __bytes__(self) -> bytes:
        text = "".join(self._parts)
        text += "0" * (-len(text) % 8)
        return int(text or "0", 2).to_bytes(len(text) // 8, "big")


class Reader:
    """Reads back what Writer wrote, in the same order."""

    def __init__(self, data: bytes, float_bits: int) -> None:
        self.float_bits = float_bits
        self._text = format(int.from_bytes(data, "big"), f"0{8 * len(data)}b") if data else ""
        self._at = 0

    def integer(self, width: int) -> int:
        """The next `width` bits as an integer >= 0. Raises InvalidParameter past the end of the data."""
        if self._at + width > len(self._text):
            raise InvalidParameter(
                f"data has {len(self._text)} bits, {self._at + width} are needed: truncated?"
            )
        piece = self._text[self._at : self._at + width]
        self._at += width
        return int(piece, 2) if width else 0

    def number(self) -> float:
        """The next float of `float_bits`."""
        raw = self.integer(self.float_bits).to_bytes(self.float_bits // 8, "little")
        return float(np.frombuffer(raw, dtype=FLOAT_TYPES[self.float_bits])[0])


Encoder = Callable[..., None]
"""(compressor of the class it is registered for, x, y, writer)."""
Decoder = Callable[..., Array]
"""(compressor of that class, reader, d) -> y, (d,)."""


def _all_floats(c: Compressor, x: Array, y: Array, out: Writer) -> None:
    """d floats."""
    for v in y:
        out.number(v)


def _read_floats(c: Compressor, data: Reader, d: int) -> Array:
    """d floats."""
    return np.array([data.number() for _ in range(d)])


def _sparse(c: RandK | TopK | AdaptiveRandom | NonUniformRand1, x: Array, y: Array, out: Writer) -> None:
    """k pairs (index, value): the non-zero entries first, then zeros at other places."""
    k = c.k if isinstance(c, RandK | TopK) else 1
    # a message of fixed length has k places also where fewer entries are non-zero: zeros fill it, and
    # decode to themselves
    order = np.argsort(y == 0, kind="stable")[:k]
    if np.count_nonzero(y) > k:
        raise InvalidParameter(f"y has {np.count_nonzero(y)} non-zero entries: {c!r} sends {k}")
    for j in order:
        out.integer(int(j), log2_ceil(len(y)))
        out.number(y[j])


def _read_sparse(c: RandK | TopK | AdaptiveRandom | NonUniformRand1, data: Reader, d: int) -> Array:
    """k entries, 0 elsewhere; a filled-up pair writes a 0."""
    y = np.zeros(d)
    for _ in range(c.k if isinstance(c, RandK | TopK) else 1):
        j = data.integer(log2_ceil(d))
        y[j] = data.number()
    return y


def _counted(c: Compressor, x: Array, y: Array, out: Writer) -> None:
    """How many entries are kept, then their indices and values."""
    kept = np.flatnonzero(y)
    # 0 to d entries are d + 1 possibilities
    out.integer(len(kept), log2_ceil(len(y) + 1))
    for j in kept:
        out.integer(int(j), log2_ceil(len(y)))
        out.number(y[j])


def _read_counted(c: Compressor, data: Reader, d: int) -> Array:
    """The entries of `_counted`, 0 elsewhere."""
    y = np.zeros(d)
    for _ in range(data.integer(log2_ceil(d + 1))):
        j = data.integer(log2_ceil(d))
        y[j] = data.number()
    return y


def _masked(c: Compressor, x: Array, y: Array, out: Writer) -> None:
    """A bit for every coordinate, then the values of those that are kept."""
    for v in y:
        out.integer(int(v != 0), 1)
    for v in y[y != 0]:
        out.number(v)


def _read_masked(c: Compressor, data: Reader, d: int) -> Array:
    """The mask first: it says how many values follow."""
    mask = [data.integer(1) for _ in range(d)]
    return np.array([data.number() if m else 0.0 for m in mask])


Dithering = RandomDithering | NaturalDithering | ExponentialDithering


def _levels(c: Dithering) -> Array:
    """The increasing non-negative levels, 0 first, as multiples of `_unit`."""
    if isinstance(c, RandomDithering):
        return np.arange(c.s + 1.0)
    base = float(c.base) if isinstance(c, ExponentialDithering) else 2.0
    return np.concatenate([[0.0], np.power(base, np.arange(1.0 - c.s, 1.0))])


def _unit(c: Dithering, norm: float) -> float:
    """What a level is a multiple of: ||x||_p/s for uniform levels, ||x||_p for geometric ones."""
    return norm / c.s if isinstance(c, RandomDithering) else norm


def _dithered(c: Dithering, x: Array, y: Array, out: Writer) -> None:
    """Norm, then sign and level number of every coordinate.

    Implementations sum the norm in different orders: of the few floats around ||x||_p, the one that gives y is sent.
    """
    levels, width = _levels(c), log2_ceil(c.s + 1)
    # both sides must multiply the same float by the same level to get the same bits; numpy, the chunks of
    # the kernel and the loops may sum the norm differently in its last bits
    norm = first = float(p_norm(x, c.p)[0])
    near = [first, *(float(first + step * np.spacing(first)) for step in (-1, 1, -2, 2, -3, 3))]
    for norm in near if first > 0 else [0.0]:
        unit = _unit(c, norm)
        places = np.abs(levels - np.abs(y)[:, None] / (unit if unit > 0 else 1.0)).argmin(axis=-1)
        if np.array_equal(levels[places] * unit, np.abs(y)):
            break
    else:
        raise InvalidParameter(f"y={y!r} does not consist of levels of {c!r} at the norm {first!r} of x")
    out.number(norm)
    for v, place in zip(y, places, strict=True):
        out.integer(int(v < 0), 1)
        out.integer(int(place), width)


def _read_dithered(c: Dithering, data: Reader, d: int) -> Array:
    """sign x level x unit, the product in the sender's order, so that no bit differs."""
    levels, unit = _levels(c), _unit(c, data.number())
    pairs = [(data.integer(1), data.integer(log2_ceil(c.s + 1))) for _ in range(d)]
    return np.array([(-1.0 if sign else 1.0) * levels[place] * unit for sign, place in pairs])


def _ternary(c: LpQuantization | TernGrad, x: Array, y: Array, out: Writer) -> None:
    """The norms of the blocks, then two bits a coordinate: 0, 1 or 2 for zero, plus, minus."""
    for norm in c.norms(x) if isinstance(c, LpQuantization) else [np.abs(x).max()]:
        out.number(norm)
    for v in y:
        out.integer(0 if v == 0 else 1 if v > 0 else 2, 2)


def _read_ternary(c: LpQuantization | TernGrad, data: Reader, d: int) -> Array:
    """The norm of its block for every coordinate that is not 0."""
    sizes = c.sizes(d) if isinstance(c, LpQuantization) else [(0, d)]
    # a block's norm belongs to its coordinates
    norms = np.repeat([data.number() for _ in sizes], [b - a for a, b in sizes])
    signs = np.array([(0.0, 1.0, -1.0)[data.integer(2)] for _ in range(d)])
    return np.asarray(signs * norms)


def _exponents(c: NaturalCompression, x: Array, y: Array, out: Writer) -> None:
    """Sign and biased exponent; code 0 is zero. Powers of two from 2^(1-bias) to the largest code."""
    width, bias = EXPONENT_BITS[out.float_bits], EXPONENT_BIAS[out.float_bits]
    for v in y:
        # frexp gives v = m 2^e with m = 1/2 for a power of two, so the exponent of v is e - 1
        code = 0 if v == 0 else int(np.frexp(abs(v))[1]) - 1 + bias
        if v != 0 and not 1 <= code < 1 << width:
            raise InvalidParameter(f"y={v!r} is outside the normal range of {out.float_bits}-bit floats")
        out.integer(int(v < 0), 1)
        out.integer(code, width)


def _read_exponents(c: NaturalCompression, data: Reader, d: int) -> Array:
    """Signed powers of two; code 0 is 0."""
    width, bias = EXPONENT_BITS[data.float_bits], EXPONENT_BIAS[data.float_bits]
    out = np.zeros(d)
    for j in range(d):
        sign, code = -1.0 if data.integer(1) else 1.0, data.integer(width)
        out[j] = sign * np.ldexp(1.0, code - bias) if code else 0.0
    return out


def _signs(c: ScaledSign, x: Array, y: Array, out: Writer) -> None:
    """Scale, a flag, d signs; when the flag is set (an entry is 0) a d-bit map of the zeros follows."""
    # sign(0) = 0 has no bit among d signs: the rare vectors with zeros pay for a map of them
    zeros = y == 0
    out.number(np.abs(y).max())
    out.integer(int(zeros.any()), 1)
    for v in y:
        out.integer(int(v < 0), 1)
    if zeros.any():
        for z in zeros:
            out.integer(int(z), 1)


def _read_signs(c: ScaledSign, data: Reader, d: int) -> Array:
    """Scale times sign, 0 where the map of zeros says so."""
    scale, flag = data.number(), data.integer(1)
    signs = np.array([-1.0 if data.integer(1) else 1.0 for _ in range(d)])
    zeros = np.array([data.integer(1) for _ in range(d)]) if flag else np.zeros(d)
    return np.asarray(np.where(zeros > 0, 0.0, scale * signs))


def _integers(c: IntegerRounding, x: Array, y: Array, out: Writer) -> None:
    """Two's complement, 32 bits; InvalidParameter where f y does not fit."""
    for v in np.rint(y * float(c.scale)):
        if not -(1 << (INT_BITS - 1)) <= v < 1 << (INT_BITS - 1):
            raise InvalidParameter(f"f y = {v:.0f} does not fit into {INT_BITS} bits: choose a smaller scale")
        # two's complement by reduction modulo 2^32
        out.integer(int(v) % (1 << INT_BITS), INT_BITS)


def _read_integers(c: IntegerRounding, data: Reader, d: int) -> Array:
    """Signed integers over the scale."""
    raw = np.array([data.integer(INT_BITS) for _ in range(d)], dtype=np.float64)
    signed = np.where(raw >= 1 << (INT_BITS - 1), raw - (1 << INT_BITS), raw)
    return np.asarray(signed / float(c.scale))


def _two_points(c: BinaryQuantization, x: Array, y: Array, out: Writer) -> None:
    """Least and largest entry of x, then a bit for each coordinate."""
    out.number(x.min())
    out.number(x.max())
    for v in y:
        out.integer(int(v == x.max()), 1)


def _read_two_points(c: BinaryQuantization, data: Reader, d: int) -> Array:
    """One of the two points for each bit."""
    points = data.number(), data.number()
    return np.array([points[data.integer(1)] for _ in range(d)])


def _mean_support(c: VariableSupport, x: Array, y: Array, out: Writer) -> None:
    """The most frequent value of y (the centre), then a mask and the other values; no centre where it is 0."""
    if c.centre == "zero":
        return _masked(c, x, y, out)
    # the receiver learns the centre as one float; which value it is the sender reads off its message, as
    # all entries that were not kept equal it
    values, counts = np.unique(y, return_counts=True)
    centre = values[counts.argmax()]
    out.number(centre)
    for v in y:
        out.integer(int(v != centre), 1)
    for v in y[y != centre]:
        out.number(v)


def _read_mean_support(c: VariableSupport, data: Reader, d: int) -> Array:
    """The centre wherever the mask has no value."""
    if c.centre == "zero":
        return _read_masked(c, data, d)
    centre = data.number()
    mask = [data.integer(1) for _ in range(d)]
    return np.array([data.number() if m else centre for m in mask])


def _fixed_support(c: FixedSupport, x: Array, y: Array, out: Writer) -> None:
    """The centre where it is not 0, then k pairs (index, value), the entries that differ from it first."""
    centre = float(centre_of(x, c.centre)[0])
    if c.centre != "zero":
        out.number(centre)
    for j in np.argsort(y == centre, kind="stable")[: c.k]:
        out.integer(int(j), log2_ceil(len(y)))
        out.number(y[j])


def _read_fixed_support(c: FixedSupport, data: Reader, d: int) -> Array:
    """The centre everywhere, then k entries."""
    y = np.full(d, 0.0 if c.centre == "zero" else data.number())
    for _ in range(c.k):
        j = data.integer(log2_ceil(d))
        y[j] = data.number()
    return y


CODECS: dict[type[Compressor], tuple[Encoder, Decoder]] = {
    Identity: (_all_floats, _read_floats),
    RandK: (_sparse, _read_sparse),
    TopK: (_sparse, _read_sparse),
    AdaptiveRandom: (_sparse, _read_sparse),
    NonUniformRand1: (_sparse, _read_sparse),
    AtomoEntrywise: (_counted, _read_counted),
    Wangni: (_counted, _read_counted),
    Bernoulli: (_masked, _read_masked),
    BiasedSparsification: (_masked, _read_masked),
    RandomDithering: (_dithered, _read_dithered),
    NaturalDithering: (_dithered, _read_dithered),
    ExponentialDithering: (_dithered, _read_dithered),
    TernGrad: (_ternary, _read_ternary),
    LpQuantization: (_ternary, _read_ternary),
    NaturalCompression: (_exponents, _read_exponents),
    ScaledSign: (_signs, _read_signs),
    IntegerRounding: (_integers, _read_integers),
    BinaryQuantization: (_two_points, _read_two_points),
    VariableSupport: (_mean_support, _read_mean_support),
    FixedSupport: (_fixed_support, _read_fixed_support),
}


def _codec(compressor: Compressor) -> tuple[Encoder, Decoder]:
    """Encoder and decoder. Raises Unsupported, naming the compressors that have them."""
    # by exact type: a subclass may send something else
    if type(compressor) not in CODECS or (isinstance(compressor, RandK) and compressor.seeded):
        known = ", ".join(sorted(c.__name__ for c in CODECS))
        raise Unsupported(f"{compressor!r} has no encoder: there is one for {known} (RandK without a seed)")
    return CODECS[type(compressor)]


def encode(compressor: Compressor, x: object, y: object, float_bits: int = FLOAT_BITS) -> bytes:
    """The message of y = C(x), x and y of shape (d,): ceil(message_bits/8) bytes."""
    out = Writer(float_bits)
    _codec(compressor)[0](compressor, np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64), out)
    return bytes(out)


def decode(compressor: Compressor, data: bytes, d: int, float_bits: int = FLOAT_BITS) -> Array:
    """The vector y of shape (d,) from its message; InvalidParameter when data is too short."""
    return _codec(compressor)[1](compressor, Reader(data, float_bits), d)
