"""Engine `fast` (extra of that name): the matrix product stays in BLAS, messages come from numba loops.

DCGD, DIANA, EF and EF21 have fused rounds, one loop each; every other method runs its own step on the loops' messages.

The law is the reference's: tests/fast holds every kernel against it, and deterministic runs against `simulate`'s own.
"""

from compth.fast.engine import FastEngine, accelerated
from compth.fast.looped import LoopedEngine, fast_engine

__all__ = ["FastEngine", "LoopedEngine", "accelerated", "fast_engine"]
