"""Golden values and special cases of single objects, and their messages for bad parameters."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest

import compth as ct
from compth.compressors.mean_estimation import best_centre
from compth.compressors.random_dithering import p_norm
from compth.errors import InvalidParameter, Unsupported
from tests.compressors.exact_law import law, moments


def table(compressor, x):
    """The law as a mapping from outcomes (-0 as 0) to probabilities."""
    return {(y + 0.0).tobytes(): w for w, y in law(compressor, x)}


def relative_error(compressor, x):
    mean, second = moments(law(compressor, x))
    return float(second - 2 * sum(m * Fraction(float(v)) for m, v in zip(mean, x, strict=True))) / (x @ x) + 1


def test_base_two_is_natural_compression_and_natural_dithering():
    x = np.array([1.3, -0.7, 5.0])
    assert table(ct.StochasticRounding(2), x) == table(ct.NaturalCompression(), x)
    assert table(ct.ExponentialDithering(3), x) == table(ct.NaturalDithering(3), x)
    assert ct.StochasticRounding(2).claims(3)[0].omega == Fraction(1, 8)
    assert ct.ExponentialDithering(3).claims(9)[0].omega == ct.NaturalDithering(3).claims(9)[0].omega


def test_nearest_power_of_two():
    contractive, b1, b2 = ct.NearestRounding(2).claims(5)
    assert contractive.delta == Fraction(8, 9)
    assert (b1.alpha, b1.beta) == (Fraction(4, 9), Fraction(4, 3))
    assert (b2.gamma, b2.beta) == (Fraction(2, 3), Fraction(4, 3))
    assert ct.NearestRounding(2).compress(np.array([1.5, 1.51, -3.1, 0.0])).tolist() == [1, 2, -4, 0]


def test_one_level_quantisers_agree():
    x = np.array([1.0, -2.0, 0.5])
    for p in (1, 2, math.inf):
        assert table(ct.LpQuantization(p), x) == pytest.approx(table(ct.RandomDithering(1, p), x))
        assert ct.LpQuantization(p).claims(9)[0].omega == ct.RandomDithering(1, p).claims(9)[0].omega
    assert ct.LpQuantization(math.inf).claims(9)[0].omega == ct.TernGrad().claims(9)[0].omega


def test_p_quantisation_moments():
    """E||Q(x)-x||^2 = sum over blocks of ||x||_1 ||x||_p, less ||x||^2."""
    x = np.array([1.0, -2.0, 0.5, 3.0, 0.0])
    for p, block in ((2, None), (2, 2), (math.inf, 3), (1, 4), (3, 2)):
        q = ct.LpQuantization(p, block)
        exact = sum(np.abs(x[a:b]).sum() * float(p_norm(x[a:b], p)[0]) for a, b in q.sizes(5)) - x @ x
        assert relative_error(q, x) * (x @ x) == pytest.approx(exact, rel=1e-12)
    assert ct.LpQuantization(2, 2).bits(5).floats == 3


def test_block_size_rule():
    """1/alpha_p(block) <= n: block n (p = 1), n^2 (p = 2), (2n-1)^2 (p = inf), and not one more."""
    n = 5
    for p, block in ((1, n), (2, n**2), (math.inf, (2 * n - 1) ** 2)):
        assert ct.calculus.alpha_p(block, p) == Fraction(1, n)
        assert float(ct.calculus.alpha_p(block + 1, p)) < 1 / n


def test_mean_estimation_identities():
    """The encoders' mean square errors, and binary as variable support with its own probabilities."""
    x = np.array([1.0, -2.0, 0.5, 3.0])
    spread = ((x - x.mean()) ** 2).sum()
    assert relative_error(ct.VariableSupport(0.25), x) * (x @ x) == pytest.approx(3 * spread)
    assert relative_error(ct.FixedSupport(1), x) * (x @ x) == pytest.approx(3 * spread)
    binary = ((x.max() - x) * (x - x.min())).sum()
    assert relative_error(ct.BinaryQuantization(), x) * (x @ x) == pytest.approx(binary)
    assert table(ct.VariableSupport(0.25, "zero"), x) == table(ct.Bernoulli(0.25), x)
    assert table(ct.FixedSupport(2, "zero"), x) == table(ct.RandK(2), x)
    worst = np.array([1.0, -1.0, 0.0, 0.0, 0.0])
    assert relative_error(ct.BinaryQuantization(), worst) == pytest.approx(
        3 / 2
    )  # (d-2)/2, below the printed d/2


def test_the_best_centre_minimises_the_error():
    x, p = np.array([1.0, -2.0, 0.5, 3.0]), np.array([0.5, 0.25, 0.9, 0.75])
    w = 1 / p - 1
    mu = float(best_centre(x, p)[0])

    def error(centre):
        return float((w * (x - centre) ** 2).sum())

    assert relative_error(ct.VariableSupport(tuple(p)), x) * (x @ x) == pytest.approx(error(mu), rel=1e-12)
    assert all(error(mu + step) > error(mu) for step in (-0.01, 0.01))
    assert error(x.mean()) > error(mu)  # the plain mean is best only for equal probabilities
    assert best_centre(x, 0.5)[0] == x.mean()
    assert best_centre(x, np.ones(4))[0] == 0


def test_low_rank():
    rng = np.random.default_rng(0)
    matrix = np.diag([3.0, 2.0, 1.0])
    best = ct.RankR(2, (3, 3)).compress(matrix.ravel()).reshape(3, 3)
    assert np.allclose(best, np.diag([3, 2, 0]), atol=1e-12)
    low = np.outer(rng.normal(size=3), rng.normal(size=4)).ravel()
    assert np.allclose(ct.RankR(1, (3, 4)).compress(low), low, atol=1e-12)
    assert np.allclose(ct.PowerSGD(1, (3, 4)).compress(low, rng), low, atol=1e-12)
    with pytest.raises(Unsupported, match="3 x 4 = 12"):
        ct.RankR(1, (3, 4)).compress(np.ones(11))
    with pytest.raises(InvalidParameter, match="min\\(shape\\) = 3"):
        ct.PowerSGD(4, (3, 4))
    with pytest.raises(InvalidParameter, match="pair of integers"):
        ct.RankR(1, (3,))


@pytest.mark.parametrize(
    "compressor", [ct.PowerSGD(1, (4, 4)), ct.PowerSGD(2, (4, 5)), ct.PowerSGD(2, (4, 4), 3)], ids=repr
)
def test_powersgd_captures_r_parts_of_the_rank(compressor):
    """Equal singular values: the captured share is exactly r/min(shape) in every draw. Others: at least that in mean.

    The mean test is one-sided, Hoeffding at alpha = 1e-9 for shares in [0, 1].
    """
    rows, columns = compressor.shape
    delta = float(compressor.claims(rows * columns)[0].delta)
    flat = np.linalg.qr(np.random.default_rng(0).normal(size=(columns, rows)))[0].T.ravel()

    def shares(x, count):
        y = compressor.compress(np.repeat(x[None], count, axis=0), np.random.default_rng(1))
        return 1 - ((y - x) ** 2).sum(-1) / (x @ x)

    assert np.allclose(shares(flat, 50), delta, rtol=0, atol=1e-12)
    count = 8000
    slack = math.sqrt(math.log(1e9) / (2 * count))
    for spectrum in ((1, 0.9, 0.8, 0.7), (1, 0.5, 0.25, 0.125), (1, 1, 0.1, 0.1)):
        x = (np.diag(spectrum) @ np.eye(rows, columns)).ravel()
        assert shares(x, count).mean() >= delta - slack
    assert (
        shares(x, count).mean() > delta + slack
    )  # the share is not just r/min(shape): a larger delta fails only flat


def test_bad_parameters_are_named():
    cases = [
        (lambda: ct.NaturalDithering(0), "s=0"),
        (lambda: ct.NaturalDithering(2, 0.5), "p=0.5"),
        (lambda: ct.ExponentialDithering(2, 1), "base=1"),
        (lambda: ct.StochasticRounding(0.5), "base=0.5"),
        (lambda: ct.NearestRounding(1), "base=1"),
        (lambda: ct.LpQuantization(2, 0), "block=0"),
        (lambda: ct.BiasedSparsification(0), "q=0"),
        (lambda: ct.IntegerRounding(0), "scale=0"),
        (lambda: ct.VariableSupport(0), "p=0"),
        (lambda: ct.VariableSupport(0.5, "median"), "median"),
        (lambda: ct.FixedSupport(0), "k=0"),
        (lambda: ct.SendOrSkip(ct.Identity(), 1.5), "p=1.5"),
        (lambda: ct.SwitchML(0), "n=0"),
        (lambda: ct.PermK(2.5), "n=2.5"),
    ]
    for make, message in cases:
        with pytest.raises(InvalidParameter, match=message):
            make()
