"""Hypothesis strategies for the vectors that break compressors. Use them on exact predicates only."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from compth._types import Array


def numbers() -> st.SearchStrategy[float]:
    """Small integers, m 2^e, -0.0, tiny and huge magnitudes, and plain floats."""
    powers = st.builds(lambda m, e, s: s * m * 2.0**e, st.sampled_from([1.0, 4 / 3, 1.5, 1.75]), st.integers(-8, 8),
                       st.sampled_from([1.0, -1.0]))  # fmt: skip
    special = st.sampled_from([0.0, -0.0, 1.0, -1.0, 1e-100, 1e100, -1e-100])
    plain = st.floats(-1e6, 1e6, allow_nan=False, allow_subnormal=False)
    return st.one_of(st.integers(-4, 4).map(float), special, powers, plain)


@st.composite
def vectors(draw: st.DrawFn, min_d: int = 1, max_d: int = 8, nonzero: bool = False) -> Array:
    """Float64 vectors: ties, one-hot, sparse, flat, geometric, m 2^e, -0.0, huge and tiny; nonzero leaves out 0.

    min_d, max_d: of the dimension.
    """
    d = draw(st.integers(min_d, max_d))
    # The shapes on which compressors break: ties for Top-k, one-hot for norms, powers of two for rounding,
    # zeros.
    kind = draw(st.sampled_from(["any", "one-hot", "flat", "ties", "sparse", "geometric"]))
    value = draw(numbers())
    if kind == "one-hot":
        x: Array = np.zeros(d)
        x[draw(st.integers(0, d - 1))] = value
    elif kind == "flat":
        x = np.full(d, value)
    elif kind == "geometric":
        x = np.asarray(value * 0.5 ** np.arange(d), dtype=np.float64)
    elif kind == "ties":
        pool = draw(st.lists(numbers(), min_size=1, max_size=2))
        x = np.array([draw(st.sampled_from(pool)) for _ in range(d)])
    else:
        x = np.array(draw(st.lists(numbers(), min_size=d, max_size=d)))
        if kind == "sparse":
            x[draw(st.lists(st.booleans(), min_size=d, max_size=d))] = 0.0
    if nonzero and not x.any():
        x[0] = 1.0
    return x


def register() -> None:
    """Called by Hypothesis (entry point): compressors become drawable with from_type."""
    from compth.compressors import Compressor, catalogue

    for cls in catalogue().values():
        if issubclass(cls, Compressor):
            st.register_type_strategy(cls, st.sampled_from(cls.examples()))
