"""What a sum of quadratics tells of its minimum, however it is held: by its Hessians, or by the rows of data."""

from __future__ import annotations

from dataclasses import Field, fields
from typing import TYPE_CHECKING, ClassVar, Protocol

import numpy as np

from compth._own import kept
from compth._types import Array
from compth.problems.interface import Problem

if TYPE_CHECKING:
    from collections.abc import Mapping


RELATIVE_ZERO = 1e-12
"""Below this, relative to the natural scale, a gradient at x* or an eigenvalue counts as zero."""


class Held(Problem, Protocol):
    """What `AtMinimum` asks of the class that it is mixed into."""

    @property
    def b(self) -> Array:
        """(n, d)."""

    @property
    def _offset_norms(self) -> Array:
        """||b_i||, (n,)."""

    def _gradients_there(self) -> Array:
        """grad f_i(x*) as computed, rounding included, (n, d)."""


class Again(Protocol):
    """A dataclass that checks and seals itself once its fields are set."""

    __dataclass_fields__: ClassVar[dict[str, Field[object]]]

    def __post_init__(self) -> None:
        """Check, derive, seal."""


class AtMinimum:
    """f_i(x) = x'A_i x/2 - b_i'x: gradients at x*, where runs begin, and copies that are made anew."""

    def __setstate__(self: Again, state: Mapping[str, object]) -> None:
        """A copy is made as the original was: nothing that it has computed is taken over."""
        for f in fields(self):
            object.__setattr__(self, f.name, state[f.name])
        self.__post_init__()

    @property
    def kappa(self: Held) -> float:
        """L / mu."""
        return self.L / self.mu

    @kept
    def _offset_norms(self: Held) -> Array:
        """||b_i||, (n,)."""
        return np.asarray(np.linalg.norm(self.b, axis=1))

    @kept
    def gradients_at_star(self: Held) -> Array:
        """grad f_i(x*), (n, d); exactly zero where it is zero up to rounding (interpolation)."""
        # Interpolation is a property that theorems ask for by equality with 0: gradients at x* that are
        # rounding, relative to what was subtracted, are set to it.
        h = self._gradients_there()
        scale = self.L_i * np.linalg.norm(self.x_star) + self._offset_norms
        small = np.linalg.norm(h, axis=1) <= 100 * RELATIVE_ZERO * np.maximum(scale, 1e-300)
        return np.zeros_like(h) if small.all() else h

    @property
    def zeta2_star(self: Held) -> float:
        """mean_i ||grad f_i(x*)||^2: 0 in the interpolation regime."""
        return float((self.gradients_at_star**2).sum(axis=1).mean())

    @property
    def interpolation(self: Held) -> bool:
        """True when x* minimises every f_i."""
        return self.zeta2_star == 0

    @property
    def start(self: Held) -> Array:
        """Default x0: the origin, or x* + l (1, ..., 1)/sqrt(d) when the origin (nearly) is a solution.

        l is the problem's length max ||b_i||/L_max, 1 when every b_i is 0; nearly: within 1e-10 of it.
        """
        zero = np.zeros(self.d)
        # Runs that begin at the solution show nothing. Its own length scale keeps the start meaningful in any
        # units.
        length = float(self._offset_norms.max()) / self.L_max or 1.0
        away = np.sqrt(float(self.distance_squared(zero)))
        at_solution = away <= 1e-10 * max(length, float(np.linalg.norm(self.x_star)))
        return self.x_star + np.full(self.d, length * self.d**-0.5) if at_solution else zero
