"""Three-point maps: the bound by exact expectation, its equality case, and spoiled constants."""

from __future__ import annotations

import math

import numpy as np
import pytest

import compth as ct
from compth.errors import InvalidParameter, Unsupported
from tests.compressors.exact_law import outcomes

EXACT = [
    *ct.EF21Map.examples(),
    *ct.LAGMap.examples(),
    *ct.CLAGMap.examples(),
    ct.MARINAMap(ct.Bernoulli(0.5), 0.25),
    ct.MARINAMap(ct.Bernoulli(0.25), 1),
]


def error(three, h, y, x):
    """E||C_{h,y}(x) - x||^2 by enumeration."""
    found = outcomes(lambda rng: three._apply(h, y, x, rng))
    return sum(float(w) * float(((v - x) ** 2).sum()) for w, v in found)


def violated(margin, factor=1.0):
    return margin.value > factor * margin.bound + 1e-12 * (1 + abs(margin.bound))


def states(d, count):
    rng = np.random.default_rng(d)
    for _ in range(count):
        h, y, x = rng.normal(size=(3, d)) * rng.choice([0.1, 1, 3], size=(3, 1))
        yield h, y, x
        yield y, y, x
        yield h, x, x


@pytest.mark.parametrize("three", EXACT, ids=repr)
def test_bounds_hold(three):
    for d, count in ((2, 150), (3, 50), (5, 8)):
        for h, y, x in states(d, count):
            assert not violated(three.margin(h, y, x, error(three, h, y, x)))


def equality_case(three, d):
    """EF21: x - h flat and y between them in the proportion of Young's inequality; LAG: x - h just not sent."""
    flat = np.ones(d)
    if isinstance(three, ct.LAGMap):
        return np.zeros(d), flat, flat * (1 + 1 / (math.sqrt(three.zeta) - 1)) * (1 + 1e-9)
    root = math.sqrt(1 - float(three.compressor.claim(ct.Contractive, d).delta))
    return np.zeros(d), flat, flat * (1 + 1 / root - 1)


@pytest.mark.parametrize("three", [ct.EF21Map(ct.TopK(1)), ct.EF21Map(ct.TopK(2)), ct.LAGMap(4)], ids=repr)
def test_bounds_are_attained_and_a_smaller_one_is_caught(three):
    h, y, x = equality_case(three, 5)
    margin = three.margin(h, y, x, error(three, h, y, x))
    assert not violated(margin)
    assert violated(margin, factor=0.99)


def test_marina_is_an_equality_at_equality_of_its_compressor():
    three = ct.MARINAMap(ct.Bernoulli(0.5), 0.25)
    h, y, x = np.random.default_rng(0).normal(size=(3, 4))
    margin = three.margin(h, y, x, error(three, h, y, x))
    assert margin.value == pytest.approx(margin.bound, rel=1e-12)


def test_limits():
    d = 4
    assert ct.EF21Map(ct.TopK(d)).bound(d) == (1, 0)
    assert ct.CLAGMap(ct.TopK(1), 0).bound(d) == ct.EF21Map(ct.TopK(1)).bound(d)
    assert ct.CLAGMap(ct.Identity(), 3).bound(d) == ct.LAGMap(3).bound(d)
    rng = np.random.default_rng(0)
    h, y, x = rng.normal(size=(3, 6, d))
    out = ct.LAGMap(1).apply(h, y, x, rng)
    sent = ((x - h) ** 2).sum(-1) > ((x - y) ** 2).sum(-1)
    assert 0 < sent.sum() < len(sent)
    assert np.array_equal(out, np.where(sent[:, None], x, h))


def test_misuse():
    rng = np.random.default_rng(0)
    with pytest.raises(Unsupported, match="Contractive"):
        ct.EF21Map(ct.RandK(1)).bound(3)
    with pytest.raises(Unsupported, match="Unbiased"):
        ct.MARINAMap(ct.TopK(1), 0.5).bound(3)
    with pytest.raises(InvalidParameter, match="one shape"):
        ct.LAGMap(1).apply(np.ones(2), np.ones(3), np.ones(3), rng)
    with pytest.raises(InvalidParameter, match="zeta"):
        ct.LAGMap(-1)
    with pytest.raises(Unsupported, match="k <= d"):
        ct.EF21Map(ct.TopK(4)).apply(np.ones(2), np.ones(2), np.ones(2), rng)
