"""Kernels against references: every output an outcome of the reference, and equal in law (exact binomial tails).

One alpha = 1e-9 per test, split over the outcomes; the suite's budget stays below 1e-6.
"""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom

import compth as ct
from compth.compressors import Compressor, DiagonalSketch, Fleet, catalogue
from tests.compressors.exact_law import law

ALPHA, DRAWS = 1e-9, 40_000


def own_kernel(thing):
    """True when simulations run other code than the reference."""
    if issubclass(thing, DiagonalSketch):
        return thing.weights is not DiagonalSketch.weights
    base = Compressor if issubclass(thing, Compressor) else Fleet
    return thing.kernel is not base.kernel


KERNELS = [
    pytest.param(e, id=repr(e))
    for thing in catalogue().values()
    if own_kernel(thing)
    for e in thing.examples()
]


def shape_for(thing):
    if isinstance(thing, Fleet):
        return next((n, d) for n in (2, 3, 1) for d in (2, 3, 1) if not thing.why_not(n, d))
    return (next(d for d in (3, 4, 2, 6, 1) if thing.supports(d)),)


def difference_in_law(kernel, exact, x, seed):
    """The outcome whose count lies beyond the binomial tails at alpha, or an output that no reference run gives."""
    rows = np.repeat(x[None], DRAWS, axis=0)
    y = kernel(rows, np.random.default_rng(seed)).reshape(DRAWS, -1) + 0.0  # -0 to 0
    table = {}
    for w, v in exact:
        key = (np.ravel(v) + 0.0).round(12).tobytes()
        table[key] = table.get(key, 0) + w
    counts = {}
    for row in y.round(12) + 0.0:
        counts[row.tobytes()] = counts.get(row.tobytes(), 0) + 1
    strangers = set(counts) - set(table)
    if strangers:
        return "an outcome that the reference does not have"
    level = ALPHA / (2 * len(table))
    for key, w in table.items():
        c, p = counts.get(key, 0), float(w)
        if binom.cdf(c, DRAWS, p) < level or binom.sf(c - 1, DRAWS, p) < level:
            return f"an outcome of probability {p} was seen {c} times in {DRAWS}"
    return None


@pytest.mark.parametrize("thing", KERNELS)
def test_kernel_law_is_the_reference_law(thing):
    shape = shape_for(thing)
    x = np.array([1.25, -0.7, 3.0, 0.0, 1.1, -2.2, 0.3, 0.4, 0.5])[: int(np.prod(shape))].reshape(shape)
    if isinstance(thing, ct.Shared) and not isinstance(thing.compressor, DiagonalSketch):
        same = (
            thing.kernel(x[None], np.random.default_rng(0)),
            thing._compress(x[None], np.random.default_rng(0)),
        )
        assert np.array_equal(*same)
        return
    assert difference_in_law(thing.kernel, law(thing, x), x, seed=17) is None


def test_a_kernel_of_another_law_is_caught():
    x = np.array([1.25, -0.7, 3.0])
    exact = law(ct.Bernoulli(0.5), x)
    biased = ct.Bernoulli(0.53)

    def kernel(rows, rng):
        return (biased._compress(rows, rng) != 0) * rows / 0.5

    assert difference_in_law(ct.Bernoulli(0.5).kernel, exact, x, seed=1) is None
    assert "was seen" in difference_in_law(kernel, exact, x, seed=1)
    assert "reference" in difference_in_law(biased.kernel, exact, x, seed=1)
    keep_first = law(ct.TopK(1), np.ones(3))

    def last(rows, rng):
        return rows * np.array([0, 0, 1.0])

    assert "reference" in difference_in_law(last, keep_first, np.ones(3), seed=1)


def test_randk_tie_repair_is_reached_and_keeps_the_size():
    """With keys from four values almost every row ties: the repaired rows still have exactly k entries."""

    class FewKeys:
        def __init__(self):
            self.rng = np.random.default_rng(0)

        def integers(self, low, high, size, dtype):
            return self.rng.integers(0, 4, size=size, dtype=dtype)

        def permutation(self, d):
            return self.rng.permutation(d)

    w = ct.RandK(3).weights((500, 8), FewKeys())
    assert (np.count_nonzero(w, axis=1) == 3).all()
