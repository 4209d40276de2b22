"""What a run needs before it starts: one that would not fit is refused instead of being killed on the way.

An estimate from above, by counting arrays: tests hold it against what runs really take. A method with more temporaries
than a step has here raises `TEMPORARIES`.
"""

from __future__ import annotations

from dataclasses import fields

import numpy as np

from compth.methods import State

TEMPORARIES = 4
"""Live arrays of a step besides the state: gradients, compressor input and output, the new state."""
RECORDED = 10
"""Numbers kept for each round and block: four means, four squares, a count, the bits."""
OVERHEAD = 64 << 20
"""Bytes for the interpreter's own growth and the libraries' buffers."""


def state_bytes(state: State) -> int:
    """Bytes of the arrays of a state."""
    return sum(v.nbytes for f in fields(state) if isinstance(v := getattr(state, f.name), np.ndarray))


def predicted_bytes(
    state: int,
    n: int,
    d: int,
    steps: int,
    runs: int,
    block: int,
    threads: int,
    width: int,
    means: bool,
    held: int | None = None,
) -> int:
    """Bytes that a run adds: `threads` blocks of replicates at work, their records, what gradients are made from.

    state: bytes of the method's state for one replicate; width: bytes of a number; means: E x_t is recorded; held: what
    the problem keeps for gradients, None for the stacked Hessians.
    """
    # no more blocks are at work than there are threads, or blocks
    active = min(threads, -(-runs // block))
    rows = min(runs, block)
    # a step's live arrays: the state and a few of size (R, n, d)
    working = active * rows * (state + TEMPORARIES * n * d * width)
    record = (steps + 1) * (RECORDED + (d if means else 0)) * 8
    # Every active block and the total hold a record; merging makes one more and pools the means in three temporaries.
    return working + (active + 5) * record + (n * d * d * width if held is None else held) + OVERHEAD
