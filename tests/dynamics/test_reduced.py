"""Few rows in many dimensions: exact rates on the span of the rows, and the refusal where directions differ."""

from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse as sp

import compth as ct
from compth.compressors.core.base import MomentMap, Noise
from compth.dynamics.fixed_points import _answer
from compth.dynamics.reduced import mixes
from compth.errors import CompthError, Unsupported
from compth.methods import catalogue
from compth.problems import from_rows
from tests.unwatched import unwatched

SOME = ct.compressors.Sampled(ct.Identity(), ct.IndependentSampling((0.5, 0.3, 0.8)))
ALIKE = [
    ct.GD(gamma=0.1),
    ct.DCGD(SOME, gamma=0.1),
    ct.DIANA(SOME, gamma=0.1, alpha=0.2),
    ct.DIANA(ct.Identity(), gamma=0.1, alpha=0.2),
]


def rows(d, ridge, m=9, n=3):
    rng = np.random.default_rng(0)
    return from_rows(rng.standard_normal((m, d)), rng.standard_normal(m), n, ridge)


@pytest.mark.parametrize("method", ALIKE, ids=lambda m: m.label)
@pytest.mark.parametrize("ridge", [0.0, 0.1])
def test_the_span_says_what_all_dimensions_say(method, ridge):
    """At d = 14, where both are known; the complement has five dimensions and decides the rate where ridge is small."""
    p = rows(14, ridge)
    assert p.A is not None
    span = p.on_span()
    assert span.d == 10
    whole, small = ct.exact_rate(method, p), ct.exact_rate(method, span)
    assert small.rho == pytest.approx(whole.rho, rel=1e-9)
    assert small.rho_mean == pytest.approx(whole.rho_mean, rel=1e-9)
    a, b = ct.stationary(method, p), ct.stationary(method, span)
    assert (a.mean_square, a.gap) == pytest.approx((b.mean_square, b.gap), rel=1e-8, abs=1e-25)
    if not isinstance(method, ct.DIANA):
        assert ct.max_stable_step(method, p) == pytest.approx(ct.max_stable_step(method, span), rel=1e-7)
    for name in ("L", "L_max", "L_plus", "zeta2_star"):
        assert getattr(span, name) == pytest.approx(getattr(p, name), rel=1e-9, abs=1e-20)


@pytest.mark.parametrize("method", ALIKE, ids=lambda m: m.label)
@pytest.mark.parametrize("m", [9, 13])
def test_curves_on_the_span_are_those_of_all_dimensions(method, m, monkeypatch):
    """From a start that points out of the span; with 13 rows the span and one direction have all 14 dimensions."""
    for ridge in (0.0, 0.1):
        p = rows(14, ridge, m=m)
        x0 = np.random.default_rng(3).standard_normal(14)
        whole = ct.exact(method, p, 8, x0)
        with monkeypatch.context() as patch:
            patch.setattr("compth.dynamics.trajectory.is_quadratic", lambda _: False)
            patch.setattr("compth.dynamics.reduced.is_quadratic", lambda q: not hasattr(q, "on_span"))
            small = ct.exact(method, p, 8, x0)
        for name in ("mean_square", "mean_gap", "mean_gradient_square", "mean"):
            assert getattr(small, name) == pytest.approx(getattr(whole, name), rel=1e-9, abs=1e-12), name


def test_curves_beyond_formed_hessians():
    """Runs at d = 1200 agree with the curve on the span, its mean within five standard errors."""
    p = rows(1200, 0.1)
    method = ct.DCGD(SOME, gamma=1e-3)
    curve, trace = ct.exact(method, p, 12), ct.simulate(method, p, 12, 200, 0)
    assert np.all(np.abs(trace.mean_square - curve.mean_square) <= 5 * trace.se_square + 1e-12)
    assert curve.mean.shape == (13, 1200)
    with pytest.raises(Unsupported, match="formed"):
        ct.exact(method, p, 3, rational=True)


@pytest.mark.parametrize(
    "compressor", [ct.RandK(k=3), ct.Bernoulli(p=0.5), ct.NaturalCompression(), ct.TopK(k=2)]
)
def test_laws_that_tell_directions_apart_are_refused_and_would_be_wrong(compressor):
    p = rows(14, 0.1)
    assert mixes(ct.DCGD(compressor, gamma=0.01), 3, 14)
    large = rows(1200, 0.1)
    with pytest.raises(Unsupported, match=r"tells directions apart|no linear sketch"):
        ct.exact_rate(ct.DCGD(compressor, gamma=0.01), large)
    if isinstance(compressor, ct.RandK):  # planted: what the span would have said of it
        a, b = (ct.max_stable_step(ct.DCGD(compressor), q) for q in (p, p.on_span()))
        assert abs(a / b - 1) > 1e-2


def test_a_law_that_is_another_at_the_dimension_of_the_span_is_refused():
    """Rand-K of all 1200 entries is no compression; on the span of 10 it was one with negative variance."""
    p, gamma = rows(1200, 0.1), 1e-3
    for ask in (ct.exact_rate, ct.stationary, ct.max_stable_step):
        with pytest.raises(Unsupported, match="depends on the dimension"):
            ask(ct.DCGD(ct.RandK(k=1200), gamma=None if ask is ct.max_stable_step else gamma), p)
    plain = ct.DCGD(ct.Identity(), gamma=gamma)
    assert ct.exact_rate(plain, p).rho == pytest.approx((1 - gamma * 0.1) ** 2, rel=1e-9)


def test_a_floor_below_zero_is_rounding_of_that_size():
    rate = ct.exact_rate(ct.GD(gamma=0.1), rows(14, 0.1))
    found = _answer(np.array([-1e-12, 2.0]), np.array([1e-15, 1e-9]), rate)
    assert (found.mean_square, found.bracket) == (0, (0, pytest.approx(1e-12 + 1e-15)))
    assert found.gap_bracket == (2 - 1e-9, 2 + 1e-9)
    assert not found.converged


class Spread(ct.RandK):
    """Second moments M -> M + tr(M) I: what one direction holds goes to all."""

    def linear_moments(self, d):
        return 1, Noise(MomentMap(b=1), MomentMap())


class Halved(ct.DIANA):
    """A method with a step of its own."""

    def step(self, *given):
        return super().step(*given)


def test_other_ways_to_tell_directions_apart_are_refused():
    assert "tells directions apart" in mixes(ct.DCGD(Spread(k=2)), 3, 14)
    assert "a step of its own" in mixes(Halved(SOME), 3, 14)
    assert "stochastic gradients" in mixes(ct.NSAGA(s2=1.0), 3, 14)
    assert "broadcast" in mixes(ct.DIANA(SOME, downlink=ct.RandK(k=3)), 3, 14)
    assert "tells directions apart" in mixes(ct.IBCD(tau=0.5), 3, 14)
    assert mixes(ct.IST(ct.PermK(n=3)), 3, 15)
    with pytest.raises(Unsupported, match="a span of fewer than"):
        rows(1001, 0.1, m=1001).on_span()


def test_rates_in_a_hundred_thousand_dimensions():
    rng = np.random.default_rng(0)
    held = (rng.standard_normal(600), rng.integers(0, 10**5, 600), np.arange(0, 601, 20))
    p = from_rows(sp.csr_array(held, shape=(30, 10**5)), rng.standard_normal(30), 3, 0.05)
    method = ct.DCGD(SOME, gamma=0.1)
    found = ct.exact_rate(method, p)
    assert found.converged
    assert found.rho == ct.exact_rate(method, p.on_span()).rho
    # on the complement x moves by 1 - 0.1 sum_i w_i 0.05/3 with E w = 1 and variances 1/p_i - 1
    spread = sum(1 / q - 1 for q in (0.5, 0.3, 0.8))
    assert found.rho >= (1 - 0.005) ** 2 + 0.005**2 * spread / 9 - 1e-12
    best = ct.best_step(method, p)
    assert best.converged
    assert best.rate.rho < found.rho


@pytest.mark.slow
@unwatched()
def test_every_method_that_is_let_through_has_the_rate_of_all_dimensions():
    """The whole catalogue at d = 10 with six rows: whatever `mixes` lets through, the span tells the same."""
    p, seen = rows(10, 0.1, m=6, n=2), 0
    for kind in catalogue().values():
        for example in kind.examples():
            try:
                if mixes(example, 2, 10):
                    continue
                method = replace(example, gamma=0.02)
                whole, small = ct.exact_rate(method, p), ct.exact_rate(method, p.on_span())
                floors = [ct.stationary(method, q).mean_square for q in (p, p.on_span())]
            except CompthError:
                continue
            seen += 1
            assert small.rho == pytest.approx(whole.rho, rel=1e-9), example.label
            assert floors[1] == pytest.approx(floors[0], rel=1e-7, abs=1e-20), example.label
    assert seen > 25
