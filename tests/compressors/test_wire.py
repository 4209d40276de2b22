"""Declared bits against real messages: round trips, lengths, truncation, and the papers' own counts."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pytest

import compth as ct
from compth.bits import PAPER_BITS, BitCost
from compth.compressors.core.wire import CODECS
from compth.errors import InvalidParameter, Unsupported
from tests.compressors.exact_law import law

ENCODED = [pytest.param(e, id=repr(e)) for thing in CODECS for e in thing.examples()]
DIMENSIONS = (1, 2, 3, 7, 8, 33)


def vectors(d):
    """Inputs whose entries and whose 1-, 2- and inf-norms are binary32 numbers, and (second list) any inputs."""
    pythagoras = np.zeros(d)
    pythagoras[: min(d, 2)] = [3.0, -4.0][: min(d, 2)]
    short = [np.zeros(d), np.eye(d)[0] * -2.5, pythagoras]
    rng = np.random.default_rng(d)
    return short, [np.ones(d), rng.normal(size=d), rng.normal(size=d) * 1e5, np.arange(d) / 3]


def wrong_length(compressor, x, y, float_bits):
    """The byte count and the declared one where they differ, else None."""
    declared = math.ceil(float(compressor.message_bits(y[None], float_bits)[0]) / 8)
    if not compressor.bits(len(y), float_bits).random:
        fixed = math.ceil(compressor.bits(len(y), float_bits).total / 8)
        assert declared == fixed or (isinstance(compressor, ct.ScaledSign) and not y.all())
    sent = len(ct.encode(compressor, x, y, float_bits))
    return None if sent == declared else (sent, declared)


@pytest.mark.parametrize("compressor", ENCODED)
def test_round_trip_is_exact_and_the_declared_bits_are_the_bytes(compressor):
    rng = np.random.default_rng(0)
    for d in DIMENSIONS:
        if not compressor.supports(d):
            continue
        short, arbitrary = vectors(d)
        for x in short + arbitrary:
            y = compressor.compress(x, rng)
            assert wrong_length(compressor, x, y, 64) is None
            assert np.array_equal(ct.decode(compressor, ct.encode(compressor, x, y, 64), d, 64), y)


EXACT_AT_32 = (
    ct.Identity,
    ct.RandK,
    ct.TopK,
    ct.AdaptiveRandom,
    ct.Bernoulli,
    ct.TernGrad,
    ct.NaturalCompression,
)


@pytest.mark.parametrize("compressor", ENCODED)
def test_binary32_messages(compressor):
    """At 32 bits the vector comes back exactly when what is sent is representable, else within 2^-24."""
    rng = np.random.default_rng(1)
    for d in (1, 2, 8):
        if not compressor.supports(d):
            continue
        short, arbitrary = vectors(d)
        for x in short + [v.astype(np.float32).astype(float) for v in arbitrary]:
            y = compressor.compress(x, rng)
            back = ct.decode(compressor, ct.encode(compressor, x, y, 32), d, 32)
            assert wrong_length(compressor, x, y, 32) is None
            if isinstance(compressor, EXACT_AT_32):
                assert np.array_equal(back, y.astype(np.float32))
            assert np.allclose(back, y, rtol=2.0**-23, atol=0)


@dataclass(frozen=True)
class _TooFewBits(ct.TopK):
    """Declares eight bits less than its message has."""

    def bits(self, d, float_bits=32):
        one = super().bits(d, float_bits)
        return BitCost(floats=one.floats, indices=one.indices - 8, float_bits=float_bits)


def test_a_declaration_that_is_a_byte_short_is_caught():
    x = np.arange(1.0, 34)
    honest = ct.TopK(3)
    y = honest.compress(x)
    assert wrong_length(honest, x, y, 32) is None
    CODECS[_TooFewBits] = CODECS[ct.TopK]
    try:
        sent, declared = wrong_length(_TooFewBits(3), x, y, 32)
    finally:
        del CODECS[_TooFewBits]
    assert sent == declared + 1


def test_unusable_messages():
    data = ct.encode(ct.Identity(), np.ones(3), np.ones(3))
    with pytest.raises(InvalidParameter, match="truncated"):
        ct.decode(ct.Identity(), data[:-1], 3)
    with pytest.raises(InvalidParameter, match="sends 1"):
        ct.encode(ct.RandK(1), np.ones(3), np.ones(3))
    with pytest.raises(InvalidParameter, match="normal range"):
        ct.encode(ct.NaturalCompression(), [1e-40], [2.0**-133])
    with pytest.raises(InvalidParameter, match="32 bits"):
        ct.encode(ct.IntegerRounding(1), [2.0**31], [2.0**31])
    with pytest.raises(InvalidParameter, match="float_bits=8"):
        ct.encode(ct.Identity(), [1.0], [1.0], 8)
    with pytest.raises(Unsupported, match="no encoder"):
        ct.encode(ct.RandK(1, seeded=True), [1.0], [1.0])


@pytest.mark.parametrize(
    "compressor",
    [ct.Bernoulli(0.25), ct.SendOrSkip(ct.TopK(1), 0.75), ct.BiasedSparsification(0.5)],
    ids=repr,
)
def test_expected_bits_are_the_mean_of_the_realised_ones(compressor):
    x = np.array([1.0, -2.0, 3.0])
    mean = sum(float(w) * float(compressor.message_bits(y[None])[0]) for w, y in law(compressor, x))
    assert compressor.bits(3).random
    assert mean == pytest.approx(float(compressor.bits(3).total), rel=1e-14)


def test_a_centred_message_never_costs_more_than_its_mask_and_values():
    """VariableSupport: the modal value serves as the centre, so realised bits are at most the count of kept values."""
    compressor, x = ct.VariableSupport(0.5), np.array([1.0, -2.0, 3.0, 7.0])
    for _, y in law(compressor, x):
        kept = np.count_nonzero(y != x.mean())
        assert float(compressor.message_bits(y[None])[0]) <= 4 + 32 * (kept + 1)


def test_papers_tables():
    """Table 1 of natural compression at d = 1e6, q = 0.1 d: printed ranges of the rows that its formulas give."""
    d, q = 10**6, 10**5
    full = PAPER_BITS["natural: identity"](d=d)
    c_nat = full / PAPER_BITS["natural: C_nat"](d=d)
    assert (round(c_nat / (9 / 8), 2), round(c_nat, 2)) == (3.16, 3.56)
    s_q = full / PAPER_BITS["natural: S_q"](d=d, q=q)
    assert (round(s_q / 10, 3), round(s_q, 2)) == (0.605, 6.05)
    both = full / PAPER_BITS["natural: C_nat o S_q"](d=d, q=q)
    assert (round(both / (90 / 8), 2), round(both, 2)) == (0.95, 10.69)
    printed = full / PAPER_BITS["natural: standard dithering"](d=d, s=1)
    stated = full / PAPER_BITS["natural: standard dithering, stated encoding"](d=d, s=1)
    assert (round(printed, 2), round(stated, 4)) == (10.67, 15.9998)
    assert round(full / PAPER_BITS["natural: natural dithering"](d=d, s=1), 1) == 16.0
    assert PAPER_BITS["natural: C_nat"](d=100) == ct.NaturalCompression().bits(100).total
    assert (
        PAPER_BITS["uncertainty: scaled sign"](d=100) + 2 == ct.ScaledSign().bits(100).total
    )  # norm's sign, a flag


def test_mean_estimation_counts():
    n, d, r = 16, 512, 16
    full = PAPER_BITS["rdme: full"](n=n, d=d, r=r)
    assert PAPER_BITS["rdme: sparse, seed"](n=n, d=d, r=r, p=1) == full
    assert PAPER_BITS["rdme: sparse, seed"](n=n, d=d, r=r, p=1 / r) == n * d  # one bit per element
    assert PAPER_BITS["rdme: binary"](n=n, d=d, r=r) == n * ct.BinaryQuantization().bits(d, r).total
    assert PAPER_BITS["rdme: varying length"](n=n, d=d, r=r, p=0.5) == n * ct.Bernoulli(0.5).bits(d, r).total
