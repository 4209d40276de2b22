"""What a message costs on the wire. One owner: compressors, fleets, methods and plots all count through BitCost.

A count here has an encoder (`compressors.core.wire`) that reaches it; a paper's own count, which may not, is a
PaperBits beside it, so that tables are reproduced as printed and differences are seen.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from compth._numbers import Number
from compth.claims import Attribution
from compth.sources import NATURAL, RDME, UNCERTAINTY, Source

FLOAT_BITS = 32
"""Width of one transmitted float unless said otherwise (the papers' binary32)."""


@dataclass(frozen=True)
class BitCost:
    """Bits of one message of one worker.

    Attributes
    ----------
    floats : how many floating-point numbers are sent (each `float_bits` wide).
    indices, signs, levels, seed, other : further bits by purpose.
    random : True when a message's length varies; then every field is an expectation and
        `Compressor.message_bits` gives the realised length.
    """

    floats: Number = 0
    indices: Number = 0
    signs: Number = 0
    levels: Number = 0
    seed: Number = 0
    other: Number = 0
    float_bits: int = FLOAT_BITS
    random: bool = False

    @property
    def total(self) -> Number:
        """All bits of the message (the expected number when `random`)."""
        return (
            self.floats * self.float_bits + self.indices + self.signs + self.levels + self.seed + self.other
        )

    @property
    def fixed(self) -> Number:
        """The same: the length of every message when it does not vary."""
        return self.total

    def __add__(self, more: BitCost) -> BitCost:
        return BitCost(
            floats=self.floats + more.floats,
            indices=self.indices + more.indices,
            signs=self.signs + more.signs,
            levels=self.levels + more.levels,
            seed=self.seed + more.seed,
            other=self.other + more.other,
            float_bits=self.float_bits,
            random=self.random or more.random,
        )

    def parts(self) -> dict[str, Number]:
        """Non-zero parts in bits, by purpose."""
        named = {
            "floats": self.floats * self.float_bits,
            "indices": self.indices,
            "signs": self.signs,
            "levels": self.levels,
            "seed": self.seed,
            "other": self.other,
        }
        return {k: v for k, v in named.items() if v != 0}


@dataclass(frozen=True)
class PaperBits:
    """A paper's own count of the bits of one message: may differ from BitCost, whose counts have real encoders.

    `formula(**parameters)` takes the paper's symbols (d, s, q, p, r ...), so tables are reproduced as printed.
    """

    formula: Callable[..., Number]
    source: Source
    note: str = ""
    attribution: Attribution = Attribution.READ

    def __call__(self, **parameters: Number) -> Number:
        return self.formula(**parameters)


def _log2_binomial(d: int, k: int) -> float:
    """log2 of the number of k-subsets of d coordinates: what naming one of them takes at least."""
    return math.log2(math.comb(d, k))


# As the papers print them, slips included: the note says where a count differs from what its encoding needs.
_T1, _U1 = NATURAL.at("Table 1 and D.7.5"), UNCERTAINTY.at("Table 1")
_NO_SIGN = "31 bits for a norm: its sign is not sent"

PAPER_BITS: dict[str, PaperBits] = {
    "natural: identity": PaperBits(lambda d: 32 * d, _T1),
    "natural: C_nat": PaperBits(lambda d: 9 * d, _T1),
    "natural: S_q": PaperBits(lambda d, q: (33 + math.log2(d)) * q, _T1, "positions cost q (log2 d + 1)"),
    "natural: C_nat o S_q": PaperBits(lambda d, q: (10 + math.log2(d)) * q, _T1),
    "natural: standard dithering": PaperBits(
        lambda d, s: 31 + d * (2 + s),
        _T1,
        "2^(s-1) levels; as printed: sign, s level bits and one more; the stated encoding needs d (1 + s)",
    ),
    "natural: standard dithering, stated encoding": PaperBits(lambda d, s: 31 + d * (1 + s), _T1, _NO_SIGN),
    "natural: natural dithering": PaperBits(lambda d, s: 31 + d * (2 + math.log2(s)), _T1, _NO_SIGN),
    "natural: natural dithering, C_nat norm": PaperBits(lambda d, s: 8 + d * (2 + math.log2(s)), _T1),
    "uncertainty: Rand-k, Top-k": PaperBits(lambda d, k: 32 * k + _log2_binomial(d, k), _U1),
    "uncertainty: standard dithering": PaperBits(lambda d, s: 31 + d * math.log2(2 * s + 1), _U1, _NO_SIGN),
    "uncertainty: ternary": PaperBits(lambda d: 31 + d * math.log2(3), _U1, _NO_SIGN),
    "uncertainty: scaled sign": PaperBits(lambda d: 31 + d, _U1, _NO_SIGN),
    "rdme: full": PaperBits(lambda n, d, r: n * d * r, RDME.at("(7)"), "all n nodes, r bits a float"),
    "rdme: varying length": PaperBits(
        lambda n, d, r, p, centre=0: n * centre + n * d * (1 - p + (r + 1) * p), RDME.at("(8)"), "equal p"
    ),
    "rdme: sparse": PaperBits(
        lambda n, d, r, p, centre=0: n * centre + (math.ceil(math.log2(d)) + r) * n * d * p,
        RDME.at("(9)"),
        "equal p",
    ),
    "rdme: sparse, seed": PaperBits(
        lambda n, d, r, p, centre=0, seed=0: n * (centre + seed) + r * n * d * p, RDME.at("(10)"), "equal p"
    ),
    "rdme: binary": PaperBits(lambda n, d, r: 2 * n * r + n * d, RDME.at("(11)")),
}
"""Named models by "paper: operator"."""
