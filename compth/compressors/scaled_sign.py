"""Scaled sign: one bit per coordinate and the mean absolute value.

The compressor of signSGD with error feedback: biased, and contractive only with a constant that falls as 1/d.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from compth._numbers import Number, ratio
from compth._types import Array
from compth.bits import FLOAT_BITS, BitCost
from compth.calculus import bias_variance_of_deterministic
from compth.claims import BiasVariance, Claim, Contractive
from compth.compressors.core.base import OURS, RECALLED, TIGHT, Compressor
from compth.sources import SIGNEF, Source


@dataclass(frozen=True)
class ScaledSign(Compressor):
    """C(x) = (||x||_1 / d) sign(x), sign(0) = 0: contractive with delta = 1/d (a supremum for d >= 2, not attained).

    E = ||x||^2 - (||x||_1^2/d)(1 + z/d), z the number of zeros. d = 1 is the identity.
    """

    deterministic: ClassVar[bool] = True
    source: ClassVar[Source] = SIGNEF

    def _compress(self, x: Array, rng: np.random.Generator) -> Array:
        # ||x||_1/d is the scale with the least error for these signs
        out: Array = np.abs(x).mean(axis=-1, keepdims=True) * np.sign(x)
        return out

    def claims(self, d: Number) -> tuple[Claim, ...]:
        return (
            Contractive(
                ratio(1, d),
                sharpness=TIGHT,
                source=self.source,
                attribution=RECALLED,
                proof="scaled_sign.delta",
            ),
            BiasVariance(
                *bias_variance_of_deterministic(ratio(1, d)),
                sharpness=TIGHT,
                attribution=OURS,
                proof="classes.deterministic",
            ),
        )

    def bits(self, d: int, float_bits: int = FLOAT_BITS) -> BitCost:
        """Scale, a flag and d signs; a vector with zeros adds a d-bit map of them (see message_bits)."""
        return BitCost(floats=1, signs=d, other=1, float_bits=float_bits)

    def message_bits(self, y: Array, float_bits: int = FLOAT_BITS) -> Array:
        d = y.shape[-1]
        lengths: Array = float_bits + 1 + d + np.where((y == 0).any(axis=-1), float(d), 0.0)
        return lengths

    @classmethod
    def examples(cls) -> tuple[ScaledSign, ...]:
        return (cls(),)
