"""Compressor families: exact moments against the enumerated law, levels against brute force, degenerate rules said."""

from __future__ import annotations

import math
from fractions import Fraction as F

import numpy as np
import pytest

import compth as ct
from compth.compressors import Compressor, catalogue
from compth.errors import CompthError, InvalidParameter, Unsupported
from compth.tuning.moments import DELTA, EXACT, OMEGA, progress
from tests.compressors.exact_law import NotEnumerable, law, moments
from tests.thorough import thorough, tries
from tests.unwatched import unwatched

from .brute import gradients, shares

EXAMPLES = [e for thing in catalogue().values() if issubclass(thing, Compressor) for e in thing.examples()]


def enumerated(compressor, g):
    """(<g, EQ>, E||Q||^2) from every outcome of the program."""
    mean, second = moments(law(compressor, g))
    return sum(float(m) * v for m, v in zip(mean, g, strict=True)), float(second)


@pytest.mark.parametrize("compressor", EXAMPLES, ids=repr)
def test_progress_is_what_the_law_gives_or_less(compressor):
    """Exact bases agree with the enumeration; declared ones never promise more than the best step really gains."""
    d = next((d for d in (3, 4, 2, 6, 1) if compressor.supports(d)), None)
    for seed in range(3):
        g = np.random.default_rng(seed).normal(size=d) * 3
        try:
            inner, second = enumerated(compressor, g)
        except NotEnumerable:
            return
        try:
            found = progress(compressor, g)
        except Unsupported:
            assert not any(isinstance(c, ct.Unbiased | ct.Contractive) for c in compressor.claims(d))
            return
        square = float(g @ g)
        if found.basis == EXACT:
            assert float(found.share) == pytest.approx(inner**2 / (square * second), rel=1e-11)
            assert float(found.step) == pytest.approx(inner / second, rel=1e-11)
        else:
            gain = (2 * found.step * inner - found.step**2 * second) / square
            assert found.basis in (OMEGA, DELTA)
            assert found.share <= gain * (1 + 1e-12)


def test_most_of_the_catalogue_is_exact():
    """The closed forms are reached: only a few objects fall back on a declared constant."""
    bases = {}
    for compressor in EXAMPLES:
        d = next(d for d in (3, 4, 2, 6, 1, 5, 8) if compressor.supports(d))
        try:
            bases[type(compressor).__name__] = progress(compressor, np.arange(1.0, d + 1)).basis
        except Unsupported:
            bases[type(compressor).__name__] = "unknown"
    for name in (
        "RandK",
        "TopK",
        "RandomDithering",
        "NaturalDithering",
        "AtomoEntrywise",
        "AtomoSpectral",
        "RankR",
    ):
        assert bases[name] == EXACT
    assert sum(b == EXACT for b in bases.values()) >= 0.6 * len(bases)


def test_a_wrong_second_moment_is_seen():
    g = np.array([3.0, -1.0, 0.5])
    inner, second = enumerated(ct.RandomDithering(2), g)
    assert progress(ct.RandomDithering(2), g).share == pytest.approx(inner**2 / (g @ g * second), rel=1e-12)
    assert progress(ct.RandomDithering(3), g).share != pytest.approx(inner**2 / (g @ g * second), rel=1e-3)


FAMILIES = {
    "RandK": (lambda d: ct.RandK, lambda d: range(1, d + 1), lambda v, d: ct.RandK(v)),
    "TopK": (lambda d: ct.TopK, lambda d: range(1, d + 1), lambda v, d: ct.TopK(v)),
    "TopKSign": (lambda d: ct.TopKSign, lambda d: range(1, d + 1), lambda v, d: ct.TopKSign(v)),
    "AtomoEntrywise": (
        lambda d: ct.AtomoEntrywise,
        lambda d: range(1, d + 1),
        lambda v, d: ct.AtomoEntrywise(v),
    ),
    "RandomDithering": (
        lambda d: ct.RandomDithering,
        lambda d: range(1, 256),
        lambda v, d: ct.RandomDithering(v),
    ),
    "AtomoSpectral": (
        lambda d: ct.AtomoSpectral(1, (2, d // 2)),
        lambda d: range(1, min(2, d // 2) + 1),
        lambda v, d: ct.AtomoSpectral(v, (2, d // 2)),
    ),
    "RankR": (
        lambda d: ct.RankR(1, (2, d // 2)),
        lambda d: range(1, min(2, d // 2) + 1),
        lambda v, d: ct.RankR(v, (2, d // 2)),
    ),
}


@pytest.mark.parametrize("name", FAMILIES)
@unwatched()
def test_the_best_level_of_a_family(name):
    """argmax over every level of (share from the moments of that level) / (price of its declared bits)."""
    scheme, levels, make = FAMILIES[name]
    rng = np.random.default_rng(0)
    for d in (2, 4, 8) if name != "RandomDithering" else (3,):
        for _ in range(20 if name != "RandomDithering" else 3):
            g = rng.standard_t(2, size=d)
            for price in (ct.costs.Payload(1, 50), ct.costs.BitPacket(64, 7, 3)):
                tuned = ct.tune(g, scheme(d), price, L=2)
                one = [make(v, d) for v in levels(d)]
                best = [float(progress(c, g).share) / float(price(float(c.bits(d).total))) for c in one]
                assert tuned.levels.tolist() == list(levels(d))
                assert tuned.share / tuned.cost == pytest.approx(max(best), rel=1e-10)
                assert tuned.share / tuned.cost == pytest.approx(best[tuned.level - 1], rel=1e-10)
                assert tuned.stepsize == pytest.approx(
                    float(progress(one[tuned.level - 1], g).step) / 2, rel=1e-10
                )
                assert tuned.compressor == one[tuned.level - 1]


def charges(name, t, d):
    """(elements, bits) of a message at level t, by hand."""
    index = math.ceil(math.log2(d))
    if name == "RandomDithering":
        return None, 32 + d * (1 + math.ceil(math.log2(t + 1)))
    if name == "TopKSign":
        return None, 32 + t * (index + 1)
    count = math.ceil(math.log2(d + 1)) if name == "AtomoEntrywise" else 0  # a random size is sent along
    return t, count + t * (index + 32)


def dithering_share(g, s):
    """<g, EQ>^2/(||g||^2 E||Q||^2) of unbiased rounding to s levels of ||g||, entry by entry."""
    norm = math.sqrt(math.fsum(v * v for v in g))
    second = 0.0
    for v in g:
        y = s * abs(v) / norm
        low = math.floor(y)
        second += (norm / s) ** 2 * (low**2 * (1 - (y - low)) + (low + 1) ** 2 * (y - low))
    return norm**2 / second


CURVES = {
    "RandK": lambda g: [t / len(g) for t in range(1, len(g) + 1)],
    "TopK": lambda g: shares(g, "S"),
    "TopKSign": lambda g: shares(g, "S+Q"),
    "AtomoEntrywise": lambda g: shares(g, "SS"),
    "RandomDithering": lambda g: [
        dithering_share([float(v) for v in g / np.abs(g).max()], s) for s in range(1, 17)
    ],
}


@thorough
@pytest.mark.slow
@pytest.mark.parametrize("name", CURVES)
@unwatched()
def test_families_are_the_best_of_all_levels_on_many_gradients(name):
    """Heavy tails, ties, zeros, sparse, d = 1; shares and prices from formulas that share nothing with the code."""
    kind = getattr(ct, name)
    prices = [ct.costs.Payload(1, 50), ct.costs.BitPacket(64, 7, 3), ct.costs.Time(0.1, 100)]
    if name not in ("RandomDithering", "TopKSign"):
        prices += [ct.costs.Affine(2, 7), ct.costs.Packet(3, 5, 1)]
    levels = range(1, 17) if name == "RandomDithering" else None
    for i, g in enumerate(gradients(tries(500, 2000), seed=21)):
        d, curve = len(g), CURVES[name](g)
        price = prices[i // 10 % len(prices)]
        paid = [charges(name, t, d)[price.counts == "bits"] for t in range(1, len(curve) + 1)]
        best = [a / float(price(q)) for a, q in zip(curve, paid, strict=True)]
        tuned = ct.tune(g, kind, price, levels=levels)
        assert tuned.shares == pytest.approx(curve, rel=1e-9), g
        assert tuned.share / tuned.cost == pytest.approx(max(best), rel=1e-9), g
        assert best[tuned.level - 1] == pytest.approx(max(best), rel=1e-9), g


def test_randk_is_degenerate_and_says_so():
    g = np.array([9.0, 1, 1, 0.5])
    paid = ct.tune(g, ct.RandK, ct.costs.Affine(1, 3))
    assert paid.level == 4
    assert paid.shares == pytest.approx(np.arange(1, 5) / 4)
    assert "never falls" in paid.note
    assert "every gradient" in paid.note
    free = ct.tune(g, ct.RandK, ct.costs.Affine(1, 0))
    assert free.level == 4
    assert free.ties == (1, 4)
    assert "tie" in free.note
    exact = ct.tune([F(9), F(1), F(1)], ct.RandK, ct.costs.Affine(1, 0))
    assert exact.shares.tolist() == [F(1, 3), F(2, 3), 1]
    assert exact.ties == (1, 3)
    assert ct.tune(g, ct.TopK, ct.costs.Affine(1, 3)).note == ""


def test_dithering_prefers_full_level_bits():
    """With ceil(log2(s+1)) level bits an s of 2^b - 1 uses them all."""
    tuned = ct.tune(np.random.default_rng(1).normal(size=50), ct.RandomDithering, ct.costs.Payload(1, 200))
    assert math.log2(tuned.level + 1) % 1 == 0
    assert tuned.basis == EXACT


def test_families_by_function_and_real_budgets():
    g = np.array([3.0, 2.0, 1.0])
    tuned = ct.tune(g, ct.AtomoEntrywise, ct.costs.Affine(1, 5), levels=[0.5, F(5, 2), 3])
    assert tuned.shares == pytest.approx(
        [7 / 36, 14 / 15, 1], rel=1e-14
    )  # ||g||^2/V(s): V(1/2) = 72, V(5/2) = 15
    named = ct.tune(g, lambda s: ct.NaturalDithering(s), ct.costs.Payload(1, 9), levels=range(1, 6))
    assert named.compressor == ct.NaturalDithering(named.level)
    matrix = np.random.default_rng(2).normal(size=(4, 3))
    assert ct.tune(matrix, ct.AtomoSpectral, ct.costs.Payload(1, 9)).compressor.shape == (4, 3)
    assert ct.tune(matrix, ct.Bernoulli(0.5), ct.costs.Payload(1, 9), levels=[0.25, 0.5, 1]).level == 1


@pytest.mark.parametrize(
    ("call", "rule"),
    [
        (lambda g: ct.tune(g, ct.RandomDithering, ct.costs.Affine(1, 1)), "cost that counts bits"),
        (lambda g: ct.tune(g, ct.NaturalCompression), "no level parameter"),
        (lambda g: ct.tune(g, ct.AtomoSpectral), "needs a matrix"),
        (lambda g: ct.tune(g, ct.RandK, levels=[]), "levels=\\[\\] is empty"),
        (lambda g: ct.tune(g, ct.RandK, levels=[9]), "k <= d"),
        (lambda g: ct.tune(g, ct.Bernoulli), "no natural range"),
        (lambda g: ct.tune(g, lambda v: v, levels=[1]), "a function level -> Compressor"),
    ],
)
def test_unusable_families(call, rule):
    with pytest.raises(CompthError, match=rule) as caught:
        call(np.array([3.0, 2.0, 1.0]))
    assert "\n" not in str(caught.value)


def test_a_biased_direction_that_climbs_gets_nothing():
    class Backwards(ct.TopK):
        def _compress(self, x, rng):
            return -super()._compress(x, rng)

    assert progress(Backwards(1), np.ones(3)).share == 0
    with pytest.raises(InvalidParameter, match="not finite"):
        ct.tune([math.nan], ct.TopK)
