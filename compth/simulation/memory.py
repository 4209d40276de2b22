"""What a run needs before it starts: one that would not fit is refused instead of being killed on the way."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np

from compth.errors import InvalidParameter

TEMPORARIES = 4
"""Live arrays of a step besides the state: gradients, compressor input and output, the new state."""
RECORDED = 10
"""Numbers kept for each round and block: four means, four squares, a count, the bits."""
OVERHEAD = 64 << 20
"""Bytes for the interpreter's own growth and the libraries' buffers."""
SHARE = 0.9
"""Part of the free memory that one run may plan to take."""


def state_bytes(state: Any) -> int:
    """Bytes of the arrays of a state."""
    return sum(v.nbytes for f in fields(state) if isinstance(v := getattr(state, f.name), np.ndarray))


def predicted_bytes(
    state: int, n: int, d: int, steps: int, runs: int, block: int, threads: int, width: int, means: bool
) -> int:
    """Bytes that a run adds: `threads` blocks of replicates at work, their records, the stacked Hessians.

    state: bytes of the method's state for one replicate; width: bytes of a number; means: E x_t is recorded.
    """
    active = min(threads, -(-runs // block))
    rows = min(runs, block)
    working = active * rows * (state + TEMPORARIES * n * d * width)
    record = (steps + 1) * (RECORDED + (d if means else 0)) * 8
    # Every active block and the total hold a record; merging makes one more and pools the means in three temporaries.
    return working + (active + 5) * record + n * d * d * width + OVERHEAD


def available_bytes() -> int | None:
    """Free memory of this machine or of its control group, whichever is less; None where it cannot be read."""
    found = []
    meminfo = Path("/proc/meminfo")
    if meminfo.is_file():
        lines = [
            line.split() for line in meminfo.read_text().splitlines() if line.startswith("MemAvailable:")
        ]
        found += [int(line[1]) * 1024 for line in lines]
    for limit, used in (
        ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current"),
        ("/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/memory/memory.usage_in_bytes"),
    ):
        if Path(limit).is_file() and (text := Path(limit).read_text().strip()).isdigit():
            found.append(int(text) - int(Path(used).read_text()))
    return min(found, default=None)


def require_fit(needed: int, sizes: str) -> None:
    """InvalidParameter, with the remedy, when a run would take more than 90 % of the free memory."""
    free = available_bytes()
    if free is not None and needed > SHARE * free:
        raise InvalidParameter(
            f"{sizes}: the run needs about {needed / 1e9:.3g} GB and {free / 1e9:.3g} GB are free: "
            "use fewer threads, fewer steps, dtype=numpy.float32 or a smaller problem"
        )
