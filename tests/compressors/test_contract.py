"""What every compressor and fleet promises besides its constants, over the whole catalogue."""

from fractions import Fraction

import numpy as np
import pytest
import sympy

import compth as ct
from compth.compressors import catalogue
from compth.errors import InvalidParameter, Unsupported

DIMS = (1, 2, 3, 5, 8, 33)
COMPRESSORS = [c for cls in catalogue().values() if issubclass(cls, ct.Compressor) for c in cls.examples()]
FLEETS = [c for cls in catalogue().values() if issubclass(cls, ct.Fleet) for c in cls.examples()]


def dims(compressor):
    found = [d for d in DIMS if compressor.supports(d)]
    return found or [d for d in range(1, 60) if compressor.supports(d)][:2]


def fleet_shapes(fleet):
    found = [(n, d) for n in range(1, 7) for d in range(1, 13) if not fleet.why_not(n, d)]
    return found[:: max(1, len(found) // 6)]


@pytest.mark.parametrize("compressor", COMPRESSORS, ids=repr)
def test_shapes_seeds_and_inputs(compressor):
    for d in dims(compressor):
        x = np.random.default_rng(d).normal(size=(2, 3, d))
        x[0, 0] = 0
        kept = x.copy()
        one = compressor.compress(x, np.random.default_rng(7))
        two = compressor.compress(x, np.random.default_rng(7))
        assert one.shape == x.shape
        assert np.isfinite(one).all()
        assert np.array_equal(one, two)
        assert np.array_equal(x, kept), "the input was changed"
        one[...] = 9
        assert np.array_equal(x, kept), "the output shares memory with the input"
        assert compressor.compress(x[0, 1], np.random.default_rng(1)).shape == (d,)


@pytest.mark.parametrize("compressor", COMPRESSORS, ids=repr)
def test_relative_claims_send_zero_to_zero(compressor):
    for d in dims(compressor):
        if any(c.relative and isinstance(c, ct.Unbiased | ct.Contractive) for c in compressor.claims(d)):
            assert not compressor.compress(np.zeros((4, d)), np.random.default_rng(0)).any()


@pytest.mark.parametrize("compressor", COMPRESSORS, ids=repr)
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_nan_and_inf_are_refused(compressor, bad):
    d = dims(compressor)[0]
    x = np.zeros(d)
    x[0] = bad
    with pytest.raises(InvalidParameter, match="not finite"):
        compressor.compress(x, np.random.default_rng(0))


@pytest.mark.parametrize("compressor", COMPRESSORS, ids=repr)
def test_claims_take_every_kind_of_number(compressor):
    d = dims(compressor)[-1]
    symbol = sympy.Symbol("d", positive=True, integer=True)
    forms = [compressor.claims(v) for v in (d, float(d), Fraction(d), symbol)]
    assert len({tuple(type(c) for c in claims) for claims in forms}) == 1
    for whole, decimal, exact, symbolic in zip(*forms, strict=True):
        for name, value in whole.constants.items():
            if not isinstance(value, int | float | Fraction):
                continue
            assert float(decimal.constants[name]) == pytest.approx(float(value), rel=1e-12)
            assert float(exact.constants[name]) == pytest.approx(float(value), rel=1e-12)
            filled = sympy.sympify(symbolic.constants[name]).subs(symbol, d)
            assert float(filled) == pytest.approx(float(value), rel=1e-12)


@pytest.mark.parametrize("compressor", COMPRESSORS, ids=repr)
def test_bits_are_positive_and_realised_bits_average_to_them(compressor):
    d = dims(compressor)[-1]
    cost = compressor.bits(d)
    assert cost.total > 0 or compressor.noise(d) is not None
    y = compressor.compress(np.random.default_rng(0).normal(size=(200, d)), np.random.default_rng(1))
    realised = compressor.message_bits(y)
    assert realised.shape == (200,)
    if not cost.random:
        assert (realised == float(cost.total)).all() or isinstance(compressor, ct.ScaledSign)


@pytest.mark.parametrize("fleet", FLEETS, ids=repr)
def test_fleets_keep_shapes_and_seeds(fleet):
    for n, d in fleet_shapes(fleet):
        x = np.random.default_rng(0).normal(size=(5, n, d))
        kept = x.copy()
        one = fleet.compress(x, np.random.default_rng(3))
        assert one.shape == x.shape
        assert np.array_equal(one, fleet.compress(x, np.random.default_rng(3)))
        assert np.array_equal(x, kept)
        assert len(fleet.bits(n, d)) == n
        assert fleet.message_bits(one).shape == (5, n)


@pytest.mark.parametrize("kernel", ["compress", "_compress"])
def test_top_k_keeps_exactly_k_under_ties_lower_index_first(kernel):
    rng = np.random.default_rng(0)
    x = rng.integers(-2, 3, size=(500, 9)).astype(float)
    for k in range(1, 10):
        y = getattr(ct.TopK(k), kernel)(x, rng)
        for row, out in zip(x, y, strict=True):
            expected = np.zeros(9)
            chosen = sorted(range(9), key=lambda j: (-abs(row[j]), j))[:k]
            expected[chosen] = row[chosen]
            assert np.array_equal(out, expected)


@pytest.mark.parametrize("draw", ["draw", "weights"])
def test_rand_k_keeps_exactly_k(draw):
    for d, k in ((1, 1), (5, 2), (5, 5), (40, 39)):
        weights = getattr(ct.RandK(k), draw)((300, d), np.random.default_rng(0))
        assert (np.count_nonzero(weights, axis=-1) == k).all()
        assert np.unique(weights[weights > 0]).tolist() == [d / k]


def test_shared_fleets_use_one_draw_and_independent_ones_do_not():
    x = np.ones((50, 3, 8))
    rng = np.random.default_rng(0)
    for compressor in (ct.RandK(2), ct.NaturalCompression(), ct.RandomDithering(2)):
        data = x * 1.3
        shared = ct.Shared(compressor).compress(data, rng)
        own = ct.Independent(compressor).compress(data, rng)
        assert (shared == shared[:, :1]).all()
        assert not (own == own[:, :1]).all()


def test_natural_compression_at_the_edges():
    edge = np.array([0.0, -0.0, 5e-324, -3e-310, 2.0**-1022, 1.5, -3.0, 2.0**1023 * 1.5, -(2.0**1023)])
    for kernel in (ct.NaturalCompression()._compress, ct.NaturalCompression().kernel):
        for seed in range(50):
            y = kernel(edge, np.random.default_rng(seed))
            assert np.isfinite(y).all()
            mantissa, _ = np.frexp(np.abs(y[y != 0]))
            assert (mantissa == 0.5).all()
            assert (np.sign(y) == np.sign(edge)).all()
            size = np.abs(edge)
            assert (np.abs(y) / 2 <= size).all()
            assert (np.abs(y) >= size / 2).all()


def test_dithering_survives_extreme_scales():
    for scale in (1e-320, 1e-300, 1e300):
        x = np.array([3.0, -4.0, 0.0]) * scale
        y = ct.RandomDithering(4).compress(x, np.random.default_rng(0))
        assert np.isfinite(y).all()
        assert y.any()


@pytest.mark.parametrize(
    ("make", "rule"),
    [
        (lambda: ct.RandK(0), r"RandK\(k=0\) needs an integer k >= 1"),
        (lambda: ct.RandK(2.5), "k=2.5"),
        (lambda: ct.TopK(-1), "k=-1"),
        (lambda: ct.Bernoulli(0), "0 < p <= 1"),
        (lambda: ct.Bernoulli((0.5, 1.2)), "0 < p <= 1"),
        (lambda: ct.RandomDithering(0), "s=0"),
        (lambda: ct.RandomDithering(2, p=0.5), "p=0.5"),
        (lambda: ct.Scaled(ct.RandK(1), -1), "factor=-1"),
        (lambda: ct.Averaged(ct.RandK(1), 0), "m=0"),
        (lambda: ct.Independent(3), "Independent"),
        (lambda: ct.RandK(1).compress(np.ones(3)), "pass rng"),
        (lambda: ct.TopK(1).compress(3.0), r"shape \(\)"),
        (lambda: ct.TopK(1).compress("abc"), "not a real array"),
    ],
)
def test_bad_parameters_are_one_line(make, rule):
    with pytest.raises(InvalidParameter, match=rule) as caught:
        make()
    assert "\n" not in str(caught.value)


def test_k_beyond_d_names_both():
    with pytest.raises(Unsupported, match=r"RandK\(k=12\) needs 1 <= k <= d \(k=12\), got d=10"):
        ct.RandK(12).compress(np.ones(10), np.random.default_rng(0))
    with pytest.raises(Unsupported, match="n = 2"):
        ct.Independent([ct.RandK(1), ct.RandK(1)]).check(3, 4)


def test_induced_names_what_is_missing():
    with pytest.raises(Unsupported, match=r"Induced needs Contractive as contractive; RandK\(k=1\) gives"):
        ct.Induced(ct.RandK(1), ct.RandK(1)).claims(5)
