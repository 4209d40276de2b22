"""The listed inputs hold what programs go wrong at, one vector in memory at a time."""

import tracemalloc

import numpy as np
import pytest

from compth.certification.points import Points, matrix_shape, structured

NEEDED = {
    "one of each sign": (1, -1, 0, 0, 0, 0),
    "two of unlike size": (2, -1, 0, 0, 0, 0),
    "the same, signs swapped": (-2, 1, 0, 0, 0, 0),
    "alternating": (1, -1, 1, -1, 1, -1),
    "vec(I), 2 x 3": (1, 0, 0, 0, 1, 0),
    "vec(I), 3 x 2": (1, 0, 0, 1, 0, 0),
    "one-hot": (1, 0, 0, 0, 0, 0),
    "flat": (1, 1, 1, 1, 1, 1),
}


@pytest.mark.parametrize("x", NEEDED.values(), ids=NEEDED)
def test_the_list_holds(x):
    assert any(np.array_equal(v, x) for v in structured(6)[:40])  # where every budget gets to


def test_a_gaussian_and_no_repetitions():
    points = structured(50, seed=3)
    assert any(np.array_equal(v, np.random.default_rng([3, 0]).normal(size=50)) for v in points)
    assert len({v.tobytes() for v in points}) == len(points) > 90


@pytest.mark.parametrize(("d", "shape"), [(1, (1, 1)), (7, (1, 7)), (36, (6, 6)), (1000, (25, 40))])
def test_the_most_square_matrix(d, shape):
    assert matrix_shape(d) == shape


def test_the_list_takes_the_memory_of_a_few_vectors():
    d = 100_000
    tracemalloc.start()
    points = structured(d)
    for v in points:
        assert v.shape == (d,)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 12 * 8 * d


def test_a_slice_is_a_list_and_the_domain_is_kept():
    points = structured(4, domain=(0.5, 2.0))
    assert isinstance(points, Points)
    assert all(np.array_equal(a, points[i]) for i, a in enumerate(points[:5]))
    assert all(0.5 <= abs(v) <= 2 for x in points for v in x if v)
