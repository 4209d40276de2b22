"""The state of a method: batched iterates and what the round that made them cost.

States are values: a step returns a new one and never writes into its argument, so that a driver may keep any of them,
replicates may be dropped, and a theorem may measure its Lyapunov function on whatever state it is shown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from compth._types import Array

S = TypeVar("S", bound="State")
Bits = float | Array
"""Bits per worker: one number where every replicate's message is as long, else (R,)."""


@dataclass(frozen=True)
class State:
    """Batched iterates: every array field has the replicate axis first.

    x: (R, d). sent: uplink bits of the last round per worker, a float, or (R,) where lengths vary. heard: the same of
    the downlink, None where the round costs the method's fixed `downlink_bits`. A method's further vectors are fields
    of its own subclass: (R, d) for the server's, (R, n, d) for the workers'.
    """

    x: Array
    sent: Bits = 0.0
    heard: Bits | None = None

    if TYPE_CHECKING:
        # a theorem reads the vectors of its own method by name from whatever state it is shown, and the states of
        # bodies are made at run time: to a type checker every further name is an array
        def __getattr__(self, name: str) -> Array: ...

    def rows(self: S, keep: NDArray[np.bool_] | NDArray[np.intp]) -> S:
        """The state of some replicates only."""
        count = len(self.x)
        # a scalar count of bits belongs to all replicates alike: only arrays with their axis are cut
        changes = {
            f.name: value[keep]
            for f in fields(self)
            if isinstance(value := getattr(self, f.name), np.ndarray) and value.ndim and len(value) == count
        }
        return replace(self, **changes)


class Counted(Protocol):
    """What a round that has run tells of its messages, for a method that counts its bits itself.

    cost: uplink bits of every compression that ran, by its number among the operations. coins: which replicates each
    coin came up for, (R,), in their order. heard: bits of every compressed broadcast, None for lengths that are fixed.
    means: how many averages over the workers were taken.
    """

    @property
    def cost(self) -> Mapping[int, Bits]: ...
    @property
    def coins(self) -> Sequence[NDArray[np.bool_]]: ...
    @property
    def heard(self) -> Sequence[Bits | None]: ...
    @property
    def means(self) -> int: ...
