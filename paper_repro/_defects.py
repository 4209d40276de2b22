"""Defects seen in published code, re-created in a few lines of ours: for the errata and the figure `audited`."""

from __future__ import annotations

from typing import Any

import numpy as np

Array = Any


def ternary(x: Array, rng: Any) -> Array:
    """TernGrad, as it should be; one file declares it with omega = 0."""
    top = np.abs(x).max()
    return x.copy() if top == 0 else np.sign(x) * top * (rng.random(len(x)) < np.abs(x) / top)


def ternary_clipped(x: Array, rng: Any) -> Array:
    """TernGrad after clipping at 2.5 standard deviations."""
    limit = 2.5 * x.std() if x.std() > 0 else np.abs(x).max()
    return ternary(np.clip(x, -limit, limit), rng)


def rand2_unscaled(x: Array, rng: Any) -> Array:
    """Two random entries without the factor d/2."""
    out = np.zeros(len(x))
    chosen = rng.choice(len(x), 2, replace=False)
    out[chosen] = x[chosen]
    return out


def qsgd_wrong_way(x: Array, rng: Any) -> Array:
    """Two-level QSGD that rounds up with probability one minus the fraction."""
    norm = np.linalg.norm(x)
    if norm == 0:
        return x.copy()
    low = np.floor(y := 2 * np.abs(x) / norm)
    return norm * np.sign(x) * (low + (rng.random(len(x)) > y - low)) / 2


def doubling(x: Array, rng: Any) -> Array:
    """Natural compression that adds one to the exponent unless (2^ceil - |x|)/2^floor is drawn, floor = ceil or not."""
    floor, ceil = np.floor(np.log2(np.abs(x))), np.ceil(np.log2(np.abs(x)))
    down = rng.random(len(x)) < (2.0**ceil - np.abs(x)) / 2.0**floor
    return np.sign(x) * 2.0 ** np.where(down, floor, floor + 1)
