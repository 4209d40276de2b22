"""What a message costs on the wire. One owner: compressors, fleets, methods and plots all count through BitCost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from compth._numbers import Number

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
    def fixed(self) -> Any:
        """The same: the length of every message when it does not vary."""
        return self.total

    def __add__(self, more: BitCost) -> BitCost:
        return BitCost(
            self.floats + more.floats,
            self.indices + more.indices,
            self.signs + more.signs,
            self.levels + more.levels,
            self.seed + more.seed,
            self.other + more.other,
            self.float_bits,
            self.random or more.random,
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
