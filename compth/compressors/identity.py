"""No compression.

Stands for an exact message wherever a compressor is asked for: methods without compression are written with it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from compth._numbers import Number
from compth._types import Array
from compth.bits import FLOAT_BITS, BitCost
from compth.claims import Claim, Contractive, Unbiased
from compth.compressors.core.base import TIGHT, Compressor, MomentMap, Noise, Proved


@dataclass(frozen=True)
class Identity(Compressor):
    """C(x) = x: omega = 0 and delta = 1, both exact."""

    deterministic: ClassVar[bool] = True

    def _compress(self, x: Array, rng: np.random.Generator) -> Array:
        return x

    def claims(self, d: Number) -> tuple[Claim, ...]:
        same: Proved = {"sharpness": TIGHT, "proof": "identity.classes"}
        return (Unbiased(0, **same), Contractive(1, **same))

    def bits(self, d: int, float_bits: int = FLOAT_BITS) -> BitCost:
        return BitCost(floats=d, float_bits=float_bits)

    def noise(self, d: int) -> Noise:
        return Noise(MomentMap())

    @classmethod
    def examples(cls) -> tuple[Identity, ...]:
        return (cls(),)
