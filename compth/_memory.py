"""Memory: what is free, and the refusal of work that would not fit before it starts."""

from __future__ import annotations

from pathlib import Path

from compth.errors import InvalidParameter

SHARE = 0.9
"""Part of the free memory that one piece of work may plan to take."""
SMALLER_RUN = "use fewer threads, fewer steps, dtype=numpy.float32 or a smaller problem"
SMALLER_PROBLEM = "choose fewer workers or a smaller dimension: every worker's Hessian is stored"


def available_bytes() -> int | None:
    """Free memory of this machine or of its control group, whichever is less; None where it cannot be read."""
    found = []
    # A container sees the machine's memory in /proc and is killed at its control group's limit: both count,
    # the less rules.
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


def require_fit(needed: int, sizes: str, remedy: str = SMALLER_RUN) -> None:
    """InvalidParameter, with the remedy, when the work would take more than 90 % of the free memory."""
    # Before anything is allocated: the kernel would otherwise end the process without a word, or swap for an
    # hour.
    free = available_bytes()
    if free is not None and needed > SHARE * free:
        raise InvalidParameter(
            f"{sizes}: this needs about {needed / 1e9:.3g} GB and {free / 1e9:.3g} GB are free: {remedy}"
        )
