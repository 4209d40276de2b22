"""Methods whose server may compress what it broadcasts: x+ = x - gamma C_M(g) instead of x - gamma g."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from compth.bits import FLOAT_BITS
from compth.claims import Contractive, Unbiased
from compth.compressors import Compressor
from compth.compressors.identity import Identity
from compth.errors import InvalidParameter
from compth.methods.core import Array, Constants, Method
from compth.problems.interface import Problem


@dataclass(frozen=True)
class Bidirectional(Method):
    """downlink: C_M, drawn anew every round, one draw for all workers; its input is the step's direction g.

    Its bits are the broadcast's (where lengths vary, a run counts the real ones and `downlink_bits` is their mean for
    inputs without zeros). Memories are updated by uplink messages alone, which server and worker both know. Theorems
    that do not speak of it refuse; any run works.
    """

    downlink: Compressor = field(default_factory=Identity, kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        if not isinstance(self.downlink, Compressor):
            name = type(self).__name__
            raise InvalidParameter(
                f"{name}(downlink={self.downlink!r}) needs one Compressor, e.g. downlink=RandK(k=5)"
            )

    @property
    def label(self) -> str:
        return super().label + self.down_label

    @property
    def down_label(self) -> str:
        """What the label says of the downlink."""
        return "" if self.broadcasts_all else f" down {self.downlink!r}"

    @property
    def broadcasts_all(self) -> bool:
        """True when the downlink is not compressed."""
        return isinstance(self.downlink, Identity)

    def check(self, problem: Problem) -> Constants:
        self.downlink.check(problem.d)
        # both claims are kept: theorems of unbiased broadcasts read omega_down, those of contractive ones
        # delta_down, and inf or 0 refuses
        claim = self.downlink.claim(Unbiased, problem.d)
        c = super().check(problem).but(omega_down=float("inf") if claim is None else claim.omega)
        ball = self.downlink.claim(Contractive, problem.d)
        return c.but(delta_down=0 if ball is None else ball.delta)

    def broadcast(self, direction: Array, rng: np.random.Generator) -> Array:
        """C_M(g) for g of shape (R, d)."""
        return direction if self.broadcasts_all else self.downlink.kernel(direction, rng)

    def heard(self, update: Array, float_bits: int = FLOAT_BITS) -> Array | None:
        """Bits (R,) of the broadcasts C_M(g) = update, None where their length is fixed."""
        # of a fixed length the method's own `downlink_bits` is exact, and nothing needs to look at messages
        if self.broadcasts_all or not self.downlink.bits(update.shape[-1], float_bits).random:
            return None
        return self.downlink.message_bits(update, float_bits)

    def downlink_bits(self, problem: Problem, float_bits: int = FLOAT_BITS) -> float:
        return float(self.downlink.bits(problem.d, float_bits).total)
