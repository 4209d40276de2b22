"""The uncertainty principle as a check on declarations, and the calculus around it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import pytest

import compth as ct
from compth import calculus
from compth.bits import BitCost
from compth.compressors import Compressor, catalogue
from compth.errors import InvalidParameter

ALL = [
    pytest.param(e, id=repr(e))
    for thing in catalogue().values()
    if issubclass(thing, Compressor)
    for e in thing.examples()
]


@pytest.mark.parametrize("compressor", ALL)
@pytest.mark.parametrize("float_bits", [16, 32, 64])
def test_no_object_of_the_catalogue_declares_the_impossible(compressor, float_bits):
    for d in (1, 2, 3, 4, 6, 30, 1000):
        if compressor.supports(d):
            assert ct.impossible_declarations(compressor, d, float_bits) == []


@dataclass(frozen=True)
class _ZeroVarianceTernary(ct.TernGrad):
    """TernGrad with the variance 0 that published code declares."""

    def claims(self, d):
        return (ct.Unbiased(0),)


@dataclass(frozen=True)
class _StrongSign(ct.ScaledSign):
    """One bit a coordinate and a contraction of 0.9."""

    def claims(self, d):
        return (ct.Contractive(Fraction(9, 10)),)


@dataclass(frozen=True)
class _FreeNorm(ct.NaturalDithering):
    """Counts one bit a coordinate and no norm."""

    def bits(self, d, float_bits=32):
        return BitCost(signs=d, float_bits=float_bits)


@pytest.mark.parametrize("liar", [_ZeroVarianceTernary(), _StrongSign(), _FreeNorm(12)], ids=repr)
def test_impossible_declarations_are_refuted(liar):
    found = ct.impossible_declarations(liar, 1000)
    assert len(found) == 1
    assert found[0].margin < 0
    assert found[0].margin == next(m for _, _, m in ct.uncertainty_margins(liar, 1000))


@pytest.mark.slow
def test_certify_refutes_what_no_code_can_do():
    """The variance is right and the program honest; the bits leave out the levels and the norm."""
    report = ct.certify(_FreeNorm(12), 64, budget="quick")
    claim, only = report.certificates
    assert claim.verdict is ct.Verdict.CONSISTENT
    assert (report.verdict, only.evidence) == (ct.Verdict.REFUTED, "uncertainty principle")
    assert 0 < only.estimate < only.bound == 1
    assert "no code of 64 bits" in only.details["says"]
    assert "uncertainty principle" in str(report)
    honest = ct.certify(ct.NaturalDithering(12), 64, budget="quick")
    assert honest.verdict is ct.Verdict.CONSISTENT
    wished = ct.certify(ct.ScaledSign(), 30, claims=ct.Contractive(Fraction(999, 1000)), budget="quick")
    assert [c.evidence for c in wished.certificates] == ["exact counterexample"]  # a witness says more


def test_any_number_of_bits_is_allowed():
    assert ct.impossible_declarations(ct.Averaged(ct.RandK(1), 40), 2, 64) == []
    assert ct.uncertainty_margins(ct.Averaged(ct.RandK(1), 40), 2, 64)[0][1] == 40 * 65


def test_random_lengths_are_not_judged():
    assert ct.uncertainty_margins(ct.Bernoulli(0.001), 1000) == []


def test_margin_is_the_formula():
    d, k = 20, 3
    bits = 32 * k + math.log2(math.comb(d, k))
    expected = (1 - k / d) * 4 ** (bits / d) - 1
    assert calculus.uncertainty_margin(bits, d, delta=k / d) == pytest.approx(expected, rel=1e-14)
    assert expected > 0
    omega = Fraction(1, 8)
    assert calculus.uncertainty_margin(9, 1, omega=omega) == Fraction(1, 9) * 4**9 - 1
    # the boundary: cells of side 1/2 in the unit cube's spirit, alpha = 4^(-b/d) exactly
    assert calculus.uncertainty_margin(3, 3, delta=Fraction(3, 4)) == 0
    assert calculus.uncertainty_margin(3, 3, delta=Fraction(76, 100)) < 0
    with pytest.raises(InvalidParameter, match="exactly one"):
        calculus.uncertainty_margin(3, 3)
    with pytest.raises(InvalidParameter, match="exactly one"):
        calculus.uncertainty_margin(3, 3, omega=1, delta=0.5)


@pytest.mark.parametrize("p", [1, 1.5, 2, 3, math.inf])
def test_alpha_p_is_the_infimum_of_its_ratio(p):
    """Never below on random vectors; attained at flat x (p <= 2) or one entry 1, the rest 1/(1 + sqrt d) (inf)."""

    def ratio(x):
        return float(x @ x / (np.abs(x).sum(-1) * np.linalg.norm(x, p)))

    rng = np.random.default_rng(0)
    for d in (1, 2, 7, 50):
        alpha = float(calculus.alpha_p(d, p))
        spike = np.full(d, 1 / (1 + math.sqrt(d)))
        spike[0] = 1
        assert all(ratio(rng.normal(size=d) ** 3) >= alpha - 1e-12 for _ in range(200))
        best = min(ratio(np.ones(d)), ratio(spike))
        if p != 3:
            assert best == pytest.approx(alpha, rel=1e-12)
        assert best >= alpha - 1e-12


def test_integer_formulas():
    n, f = 10, 100
    assert calculus.integer_sum_error(n, f) == Fraction(1, 20)
    assert calculus.integer_sum_error(n, f, nearest=False) == Fraction(1, 10)
    assert calculus.no_overflow_scale(1, 1) == 2**31 - 2
    assert calculus.integer_mean_error(n, 4, f) == Fraction(1, 100000)
