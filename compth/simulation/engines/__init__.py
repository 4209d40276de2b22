"""Who makes the rounds: numpy (the method's own step), `fast` (numba loops) and `torch` (the package on tensors).

`fast` (extra of that name): the matrix product stays in BLAS, the rest of a round is numba. A linear body becomes a
table of instructions that one loop runs (`passes`, `fused`); any other method runs its own step on the loops' messages.

The law is the reference's: tests/simulation/engines holds every kernel against it, and deterministic runs against
`simulate`'s own. An engine may change how a round is computed, never what it computes.
"""

from compth.simulation.engines.base import Engine
from compth.simulation.engines.choice import NAMES, engine_of

__all__ = ["NAMES", "Engine", "engine_of"]
