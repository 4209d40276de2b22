"""Induced compressors: the constant is attained at x = (1, ..., 1), exactly, and below it no smaller one is true."""

from fractions import Fraction
from itertools import combinations

import numpy as np
import pytest

import compth as ct
from compth import calculus


def exact_variance(d, k1, k2):
    """E||C(x) - x||^2/||x||^2 at x = (1, ..., 1) for Top-k1 then Rand-k2, by all subsets, in Fractions."""
    residual = [Fraction(0)] * k1 + [Fraction(1)] * (d - k1)
    subsets = list(combinations(range(d), k2))
    total = Fraction(0)
    for s in subsets:
        total += sum((Fraction(d, k2) * (j in s) - 1) ** 2 * r * r for j, r in enumerate(residual))
    return total / len(subsets) / d


@pytest.mark.parametrize(("d", "k1", "k2"), [(3, 1, 1), (5, 2, 1), (6, 2, 3), (4, 1, 4), (7, 3, 2)])
def test_equality_at_the_vector_of_ones(d, k1, k2):
    claim = ct.Induced(ct.TopK(k1), ct.RandK(k2)).claim(ct.Unbiased, d)
    assert claim.omega == exact_variance(d, k1, k2) == (Fraction(d, k2) - 1) * (1 - Fraction(k1, d))
    drawn = ct.Induced(ct.TopK(k1), ct.RandK(k2)).compress(np.ones((20000, d)), np.random.default_rng(0))
    seen = ((drawn - 1) ** 2).sum(axis=1) / d
    assert abs(seen.mean() - float(claim.omega)) <= 7 * seen.std() / np.sqrt(len(seen)) + 1e-12


def test_a_constant_without_the_contraction_or_with_too_much_of_it_is_refuted():
    claim = ct.Induced(ct.TopK(1), ct.RandK(1)).claim(ct.Unbiased, 3).omega
    report = ct.certify(
        ct.Induced(ct.TopK(1), ct.RandK(1)), d=3, claims=ct.Unbiased(claim * Fraction(99, 100))
    )
    assert report.verdict == "REFUTED"


def test_second_moment_form_and_the_example_of_three_workers():
    """zeta = zeta2 (1 - 1/delta) + 1/delta; Top-1 with Rand-1 in three dimensions: 7/3, three workers: 13/9."""
    claim = ct.Induced(ct.TopK(1), ct.RandK(1)).claim(ct.Unbiased, 3)
    zeta = 1 + claim.omega
    assert zeta == 3 * (1 - Fraction(1, 3)) + Fraction(1, 3) == Fraction(7, 3)
    assert 1 + claim.omega / 3 == Fraction(13, 9)
    assert calculus.induced_omega(Fraction(1, 3), 2) == claim.omega
    assert calculus.induced_second_moment(Fraction(1, 3), 3) == zeta
