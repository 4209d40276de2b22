"""Structured inputs: where compressors are worst, and where programs go wrong."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


DOMAIN = (1e-100, 1e100)
"""Magnitudes of non-zero entries that a claim speaks of unless said otherwise."""


def inside(x: Array, domain: tuple[float, float]) -> bool:
    """True when every non-zero entry has a magnitude in the domain."""
    size = np.abs(x[x != 0])
    return bool(size.size == 0 or (size.min() >= domain[0] and size.max() <= domain[1]))


def structured(d: int, seed: int = 0, domain: tuple[float, float] = DOMAIN) -> list[Array]:
    """Inputs of length d: one-hot, flat, ties, decays, powers of two and their multiples, tiny parts, -0.0, scales."""
    j = np.arange(d, dtype=np.float64)
    one, flat = np.eye(d)[0], np.ones(d)
    last = np.eye(d)[-1]
    spike = np.where(j < 1, 1.0, 1 / (1 + np.sqrt(d)))
    half = np.where(j < max(1, d // 2), 1.0, 0.0)
    base = [
        flat,
        one,
        last,
        spike,
        np.where(j < 1, 1.0, 1e-3),
        np.where(j < 1, 1.0, 1e-6),
        np.where(j < 1, 10.0, 1.0),
        0.5 ** np.minimum(j, 60),
        j + 1,
        (j + 1)[::-1].copy(),
        flat * (4 / 3),
        flat * 1.5,
        flat * 1.25,
        flat * 1.75,
        flat * 0.3,
        flat * 0.5,
        half,
        np.where(j % 2 == 0, 1.0, 2.0),
        np.where(j % 2 == 0, 1.0, -1.0),
        np.where(j % 3 == 0, 3.0, 1.0) * (4 / 3),
        2.0 ** (j % 5) * (4 / 3),
        2.0 ** -(j % 7),
        1 / (j + 1),
        1 / np.sqrt(j + 1),
        np.where(j < 2, 1.0, 0.0),
        np.where(j < d - 1, 1.0, 0.0) if d > 1 else flat,
        np.where(j < 1, -0.0, 1.0) if d > 1 else flat,
        np.where(j == 0, 3.0, np.where(j == 1, 4.0, 0.0)),
    ]
    base += [np.where(j < 1, 1.0, m) for m in (0.1, 0.2, 0.25, 0.4, 0.6, 0.7, 0.9)]
    rng = np.random.default_rng(seed)
    base += [
        rng.normal(size=d),
        rng.standard_t(2, size=d),
        rng.random(d),
        rng.integers(-3, 4, size=d).astype(float),
    ]
    out = [*base, *(-v for v in base)]
    out += [flat * s for s in (1e-6, 1e6)] + [base[-4] * s for s in (1e-6, 1e-3, 1e3, 1e6)]
    alternating = np.where(j % 2 == 0, 1.0, -1.0)
    out += [spike * alternating, base[7] * alternating, base[8] * alternating, -(np.abs(base[-4]))]
    unique: dict[bytes, Array] = {}
    for v in out:
        if v.any() and inside(v, domain):
            unique.setdefault(v.tobytes(), v)
    return list(unique.values())


def scattered(d: int, seed: int = 0, count: int = 20) -> list[Array]:
    """Pairs x, -x with magnitudes in [1, 2): at every coordinate one in each of `count` equal parts of an octave.

    A program that errs on a band of magnitudes of one sign, wider than 2/count of an octave, is met here.
    """
    rng = np.random.default_rng(seed)
    parts = np.argsort(rng.random((count, d)), axis=0) + rng.random((count, d))
    x = rng.choice([-1.0, 1.0], size=(count, d)) * 2.0 ** (parts / count)
    return [v for row in x for v in (row, -row)]
