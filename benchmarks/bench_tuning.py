"""Tuning a gradient of a million entries against one np.sort of it, and its memory against the gradient's."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from typing import Any

import numpy as np

from benchmarks._timing import Line, line, ratios
from compth.tuning import costs, tune

D = 1_000_000
MOST_TIME, MOST_MEMORY = 3.0, 8.0
COSTS: dict[str, Any] = {
    "affine": costs.Affine(1, 100),
    "packet": costs.Packet(85),
    "bit packets": costs.BitPacket(4096),
    "payload": costs.Payload(1, 640),
}
LAWS = {
    "normal": lambda rng: rng.standard_normal(D),
    "heavy tails": lambda rng: rng.standard_t(1.5, D),
}


def memory(g: Any, scheme: str, cost: Any) -> float:
    """Peak allocation of one call over the gradient's bytes."""
    tracemalloc.start()
    tune(g, scheme, cost)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak / g.nbytes


def cases(g: Any, cost: Any) -> dict[str, Any]:
    """The three schemes, and the sort they are held against."""
    work: dict[str, Any] = {scheme: (lambda s=scheme: tune(g, s, cost)) for scheme in ("S", "S+Q", "SS")}
    return {**work, "sort": lambda: np.sort(g)}


def run() -> Iterator[Line]:
    """Lines for `python -m benchmarks`; the limits are those of affine and packet costs."""
    for law, make in LAWS.items():
        g = make(np.random.default_rng(1))
        for name, cost in COSTS.items():
            limit = MOST_TIME if name in ("affine", "packet") else None
            found = ratios(cases(g, cost), "sort", rounds=5)
            for scheme in ("S", "S+Q", "SS"):
                yield line(f"{law}, {name}: tune {scheme} / np.sort", found[scheme], most=limit)
        yield line(
            f"{law}: peak memory of tune / gradient",
            [max(memory(g, s, COSTS["affine"]) for s in ("S", "S+Q", "SS"))],
            most=MOST_MEMORY,
        )
