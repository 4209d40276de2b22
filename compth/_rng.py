"""Seeded streams: one independent SFC64 generator per key, the same on every machine and thread count."""

from __future__ import annotations

import numpy as np

from compth.errors import InvalidParameter


def check_seed(seed: int) -> int:
    """Return the seed, or raise InvalidParameter: a seed is an integer >= 0."""
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or seed < 0:
        raise InvalidParameter(
            f"seed={seed!r} must be an integer >= 0: results are reproducible only from one"
        )
    return int(seed)


def stream(seed: int, *key: int) -> np.random.Generator:
    """The generator of this seed and key; distinct keys give independent streams."""
    # SeedSequence hashes seed and key together: neighbouring keys give streams that are unrelated, and a
    # stream does not hang on how many others there are.
    return np.random.Generator(np.random.SFC64(np.random.SeedSequence([check_seed(seed), *key])))
