"""How loose each theorem of the catalogue is known to be: the record that `python -m tests.methods.record` writes.

Factors are found by search, so each is an upper bound on what its theorem gives away, and 1 means that it is attained.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from types import MappingProxyType

FILE = "looseness.json"
MEASURES = {
    "rate": "rounds that it promises over rounds that are needed",
    "floor": "its floor over the exact stationary moment",
    "scale": "its bound over the exact value",
    "pace": "rounds that it allows over rounds that are needed",
}
"""What is compared, by the record's word for it."""


@dataclass(frozen=True)
class Looseness:
    """The least factor found over extremal and random quadratics: an upper bound on what the theorem gives away."""

    factor: float
    measure: str
    method: str

    def __str__(self) -> str:
        least = "1 (attained)" if self.factor < 1 + 1e-6 else f"{self.factor:.3g}"
        return f"at most {least} on quadratics: {MEASURES[self.measure]}, for {self.method}"


@cache
def recorded() -> Mapping[str, Looseness]:
    """By the theorem's id."""
    text = resources.files("compth.methods.core").joinpath(FILE).read_text(encoding="utf-8")
    return MappingProxyType({k: Looseness(**row) for k, row in json.loads(text).items()})
