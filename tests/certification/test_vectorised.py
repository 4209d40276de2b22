"""The factored oracle in arrays: the same moments as coordinate by coordinate, to the bit, and refusal of all else."""

import time

import numpy as np
import pytest

import compth as ct
from compth.certification import vectorised
from compth.certification.oracle import _factor, factored
from compth.certification.points import structured
from compth.certification.subject import as_subject
from compth.certification.tracer import NotTraceable

from .right import natural, qsgd4, terngrad
from .wrong import bernoulli_inverted_coin, natural_coin_half, qsgd_levels_plus_one


def rounded_up_and_down(x, rng):
    return np.ceil(4 * x - rng.random(len(x))) / 4


def to_nearest_after_dither(x, rng):
    return np.rint(x * 8 + rng.uniform(-0.5, 0.5, size=len(x))) / 8


def by_whole_numbers(x, rng):
    top = np.abs(x).max()
    return np.sign(x) * (np.abs(x) / top * 7 + rng.random(x.shape)).astype(int) * top / 7


def not_less_or_equal(x, rng):
    return np.where(~(rng.random(size=x.size) <= 0.3), x / 0.7, 0.0)


def threshold_first(x, rng):
    return np.where(np.full(len(x), 0.25) > rng.random(len(x)), 4 * x, 0.0)


def single_precision(x, rng):
    p = np.abs(x) / (1 + np.abs(x))
    return np.where(rng.random(len(x), dtype=np.float32) < p, np.sign(x) + x, 0.0)


SOUND = [
    qsgd4, terngrad, natural, bernoulli_inverted_coin, natural_coin_half, qsgd_levels_plus_one, rounded_up_and_down,
    to_nearest_after_dither, by_whole_numbers, not_less_or_equal, threshold_first, single_precision,
    ct.RandomDithering(4), ct.NaturalDithering(3), ct.NaturalCompression(), ct.TernGrad(), ct.Bernoulli(0.25),
    ct.StochasticRounding(3),
]  # fmt: skip


@pytest.mark.parametrize("program", SOUND, ids=lambda p: getattr(p, "__name__", repr(p)))
def test_moments_are_those_of_every_coordinate_alone(program):
    subject, d = as_subject(program), 12
    edges = np.array([0.0, -0.0, 1.0, 0.5, 2.0**-60, 1 - 2.0**-53, 1e-100, 3.0, -0.75, 1 / 3, -1e-17, 0.1])
    for x in [*structured(d)[:40:3], edges, np.random.default_rng(1).normal(size=d)]:
        alone = _factor(subject, x, d, 300)[:3]
        together = vectorised.moments(vectorised.cells(subject.program, x), x)
        for one, other in zip(alone, together, strict=True):
            assert np.array_equal(one, other)


def all_or_nothing(x, rng):
    kept = rng.random(len(x)) < 0.5
    return np.zeros(len(x)) if kept.all() else np.where(kept, 2 * x, 0.0)


def never_empty(x, rng):
    kept = rng.random(len(x)) < 0.5
    return 2 * x if not kept.any() else np.where(kept, 2 * x, 0.0)


def neighbours(x, rng):
    return np.where(np.roll(rng.random(len(x)) < 0.5, 1), 2 * x, 0.0)


@pytest.mark.parametrize("program", [all_or_nothing, never_empty, neighbours])
def test_coordinates_that_interact_are_refused(program):
    with pytest.raises(NotTraceable):
        factored(as_subject(program), 6)


def subtractive(x, rng):
    u = rng.random(len(x))
    return np.floor(x + u) - u


def twice(x, rng):
    u = rng.random(len(x))
    return np.where(u < 0.3, 1.0, np.where(u < 0.6, x, 0.0))


def thirds(x, rng):
    return np.floor(3 * rng.random(len(x))) * x


def one_by_one(x, rng):
    return np.array([2 * v if rng.random() < 0.5 else 0.0 for v in x])


def not_a_number(x, rng):
    return np.where(rng.random(len(x)) < np.nan, x, 0.0)


def two_draws(x, rng):
    return np.where((rng.random(len(x)) < 0.5) & (rng.random(len(x)) < 0.5), 4 * x, 0.0)


def single_precision_sum(x, rng):
    return np.floor(x.astype(np.float32) + rng.random(len(x), dtype=np.float32)).astype(float)


def two_single_precision_sums(x, rng):
    return np.floor(x.astype(np.float32) + rng.random(len(x), dtype=np.float32) + np.float32(0.1))


def mixed_precisions(x, rng):
    return np.floor(x + rng.random(len(x), dtype=np.float32))


def sorted_draws(x, rng):
    return np.where(np.sort(rng.random(len(x))) < 0.5, 2 * x, 0.0)


def product(x, rng):
    return np.where(rng.random(len(x)) * x < 0.1, x, 0.0)


OTHER = [
    subtractive,
    twice,
    thirds,
    one_by_one,
    not_a_number,
    two_draws,
    two_single_precision_sums,
    mixed_precisions,
    sorted_draws,
    product,
]


@pytest.mark.parametrize("program", OTHER)
def test_everything_else_falls_back(program):
    with pytest.raises(Exception, match=r"."):
        vectorised.cells(program, np.linspace(0.3, 2, 5))


@pytest.mark.parametrize("program", [subtractive, twice, thirds, one_by_one])
def test_what_falls_back_is_still_exact(program):
    x = np.array([0.3, -1.2, 0.55, 2.0, 0.01])
    found = factored(as_subject(program), 5)(x)
    outs = np.array([program(x, np.random.default_rng([7, k])) for k in range(4000)])
    assert np.abs(outs.mean(axis=0) - found.mean).max() < 7 * outs.std(axis=0).max() / np.sqrt(4000) + 1e-12


def test_a_number_beside_single_precision_uniforms_is_rounded_as_numpy_does():
    """P(U < 0.7) is float32(0.7) on the grid of 2^-24, not 0.7 rounded up on it."""
    law = vectorised.cells(
        lambda x, rng: np.where(rng.random(len(x), dtype=np.float32) < 0.7, x, 0.0), np.ones(3)
    )
    assert law.grid == 2.0**24
    assert (law.cut == float(np.float32(0.7)) * 2**24).all()


def test_a_rounded_sum_in_single_precision_is_cut_where_numpy_cuts_it():
    """fl(U + b) reaches floor(b) + 1 at the cut and not one grid point below it."""
    rng = np.random.default_rng(3)
    b = np.concatenate(
        [rng.normal(size=40) * 10.0 ** rng.integers(-8, 5, size=40), [0, 1, -1, 0.5, 1 - 2.0**-24, -1e-30]]
    )
    law = vectorised.cells(single_precision_sum, b)
    single, unit = b.astype(np.float32), np.float32(2.0**-24)
    for shift, values in ((-1, law.low), (0, law.high)):
        k = law.cut + shift
        inside = (k >= 0) & (k < 2**24)
        reached = np.floor(single + k.astype(np.float32) * unit)
        assert np.array_equal(reached[inside], values[inside])
    assert (law.cut[b != np.floor(b)] < 2**24).mean() > 0.8
    assert all(vectorised.agrees(single_precision_sum, b, law, seed) for seed in range(40))


def test_a_rounded_sum_of_a_large_number_is_refused():
    with pytest.raises(NotTraceable, match="more than two integers"):
        vectorised.cells(single_precision_sum, np.full(3, 2.0**24 - 1))


@pytest.mark.slow
def test_fifty_times_as_fast():
    subject, x = as_subject(natural), np.random.default_rng(0).normal(size=1000)
    ratios = []
    for _ in range(3):
        start = time.thread_time()
        _factor(subject, x, 1000, 300)
        middle = time.thread_time()
        oracle = factored(subject, 1000)
        begin = time.thread_time()
        for _ in range(20):
            oracle(x)
        ratios.append((middle - start) / ((time.thread_time() - begin) / 20))
    assert max(ratios) > 50
