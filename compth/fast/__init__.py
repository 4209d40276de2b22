"""Engine `fast` (extra of that name): the matrix product stays in BLAS, the rest of a round is one numba loop.

The law is the reference's: tests/fast holds every kernel against it, and deterministic runs against `simulate`'s own.
"""

from compth.fast.engine import FastEngine, accelerated

__all__ = ["FastEngine", "accelerated"]
