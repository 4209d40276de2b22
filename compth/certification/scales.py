"""Does the error of a compressor scale with its input? Relative constants exist only where it does.

The answer chooses which constants `estimate` looks for; it is a look at five scales and no proof.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
SCALES = (1e-6, 1e-3, 1.0, 1e3, 1e6)
FACTOR = 100.0
"""Growth of a bounded quantity over the scales that is still taken for none: errors of one class vary with x."""


class Growth(StrEnum):
    """How E||C(x) - x||^2 behaves as x is scaled, at the inputs and scales tried."""

    RELATIVE = "the error scales with ||x||"
    ABSOLUTE = "the error does not grow with ||x||, nor vanish with it"
    NEITHER = "the error neither vanishes with x nor stays bounded as x grows"


def growth(error: Callable[[Array], float | None], d: int, domain: tuple[float, float]) -> Growth:
    """The class of E||C(x) - x||^2 = error(x), from four directions at five scales inside the domain.

    Inputs whose error is None (not to be followed) are left out.
    """
    scales = [s for s in SCALES if domain[0] * 10 <= s <= domain[1] / 10] or [1.0]
    rows = [[(e, float(v @ v)) for v in directions(d, s) if (e := error(v)) is not None] for s in scales]
    rows = [row for row in rows if row]
    if not rows:
        return Growth.RELATIVE
    # E||C(x) - x||^2 of a relative class is at most omega ||x||^2 at every scale; of an absolute class it
    # stays below Delta^2 as x grows. Errors vary with the direction, so growth by less than FACTOR counts as
    # none.
    at_scale = np.array([max(e for e, _ in row) for row in rows])
    relative = np.array([max(e / xx for e, xx in row) for row in rows])
    middle = len(rows) // 2
    if _steady(relative) or _bounded(relative, middle):
        return Growth.RELATIVE
    return Growth.ABSOLUTE if at_scale[-1] <= FACTOR * at_scale[: middle + 1].max() else Growth.NEITHER


def _steady(relative: Array) -> bool:
    """The relative error hardly depends on the scale."""
    return bool(relative.max() <= FACTOR * relative.min() or relative.max() <= 1e-20)


def _bounded(relative: Array, middle: int) -> bool:
    """It depends on the scale, but small inputs are not lost, and large ones no worse than lost."""
    usual = FACTOR * relative[middle] + 1e-20
    return bool(relative[0] <= min(usual, 1 - 1e-9) and relative[-1] <= max(usual, 1.0))


def directions(d: int, scale: float) -> list[Array]:
    """Four inputs of this scale: flat, of both signs, one entry, normal."""
    flat, alternating = np.full(d, 0.7), np.where(np.arange(d) % 2 == 0, 1.1, -0.6)
    unit = [flat, alternating, np.eye(1, d)[0] * 0.9, np.random.default_rng(29).normal(size=d)]
    return [scale * v for v in unit]
