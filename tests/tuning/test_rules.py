"""The rule against brute force over every level, golden values, structure results, and what each check must catch."""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction as F

import numpy as np
import pytest

import compth as ct
from compth.errors import InvalidParameter
from compth.tuning import rules, schemes
from compth.tuning.schemes import SCHEMES, Ordered
from tests.thorough import thorough, tries
from tests.unwatched import unwatched

from .brute import bits, gradients, shares

costs = ct.costs
ROUNDING = 1e-9  # bisection in the brute force, and sums of heavy tails

MODELS = {
    "free elements": (costs.Affine(1, 0), lambda s, t, d: t),
    "affine": (costs.Affine(2, 7), lambda s, t, d: 2 * t + 7),
    "header only": (costs.Affine(0, 3), lambda s, t, d: 3),
    "packets": (costs.Packet(3), lambda s, t, d: math.ceil(t / 3)),
    "packets and header": (costs.Packet(4, 576, 64), lambda s, t, d: 576 * math.ceil(t / 4) + 64),
    "payload": (costs.Payload(1, 100), lambda s, t, d: bits(s, t, d) + 100),
    "payload, other wire": (
        costs.Payload(1, 0, costs.Wire(64, sign_bits=0)),
        lambda s, t, d: bits(s, t, d, 64, 0),
    ),
    "bit packets": (costs.BitPacket(80, 5, 2), lambda s, t, d: 5 * math.ceil(bits(s, t, d) / 80) + 2),
    "wire bits": (
        costs.BitPacket(100, 50, 0, 1),
        lambda s, t, d: bits(s, t, d) + 50 * math.ceil(bits(s, t, d) / 100),
    ),
    "seconds": (
        costs.Time(0.01, 1000, costs.BitPacket(100, 50, per_bit=1)),
        lambda s, t, d: 0.01 + (bits(s, t, d) + 50 * math.ceil(bits(s, t, d) / 100)) / 1000,
    ),
}


def shortfall(g, scheme, charge, tuned):
    """How far the chosen level is below the best of all levels, relative; its own numbers are checked on the way."""
    share, d = shares(g, scheme), len(g)
    efficiency = [a / charge(scheme, t, d) for t, a in enumerate(share, start=1)]
    assert tuned.share == pytest.approx(share[tuned.level - 1], rel=ROUNDING)
    assert tuned.cost == pytest.approx(charge(scheme, tuned.level, d), rel=1e-12)
    return 1 - efficiency[tuned.level - 1] / max(efficiency)


@thorough
@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("scheme", SCHEMES)
@unwatched()
def test_the_chosen_level_is_the_best_of_all(scheme, model):
    """Ten cost models, three schemes, 300 or 2000 gradients each."""
    price, charge = MODELS[model]
    for g in gradients(tries(300, 2000)):
        assert shortfall(g, scheme, charge, ct.tune(g, scheme, price)) <= ROUNDING, g


@pytest.mark.parametrize("scheme", SCHEMES)
@unwatched()
def test_the_curve_is_the_brute_force_curve(scheme):
    for g in gradients(300, seed=1):
        tuned = ct.tune(g, scheme, costs.Affine(2, 7), L=3)
        share = np.array(shares(g, scheme))
        assert tuned.shares == pytest.approx(share, rel=ROUNDING)
        expected = share * float(g @ g) / 6 / (2 * np.arange(1, len(g) + 1) + 7)
        assert tuned.curve == pytest.approx(expected, rel=ROUNDING)
        assert tuned.efficiency >= tuned.curve.max() * (1 - 1e-12)
        assert tuned.improvement == pytest.approx(tuned.share * float(g @ g) / 6, rel=1e-14)


def test_the_brute_force_sees_a_wrong_level():
    """A greedy stop at the first decrease, and the cost's two coefficients mistaken for each other, are caught."""
    g = np.r_[10.0, np.ones(299)]

    def charge(scheme, t, d):
        return t + 1000

    best = ct.tune(g, "S+Q", costs.Affine(1, 1000))
    assert shortfall(g, "S+Q", charge, best) <= ROUNDING
    greedy = replace(best, level=1, share=float(best.shares[0]), cost=1001.0)
    assert shortfall(g, "S+Q", charge, greedy) == pytest.approx(1 - 0.41, abs=0.005)
    price, charge = MODELS["affine"]
    lost = []
    for g in gradients(100):
        wrong = ct.tune(g, "S", costs.Affine(price.fixed, price.per_element))
        lost.append(shortfall(g, "S", charge, replace(wrong, cost=float(price(wrong.level)))))
    assert max(lost) > 0.05


G = [F(3), F(2), F(1)]


def test_golden_shares():
    assert ct.tune(G, "S").shares.tolist() == [F(9, 14), F(13, 14), 1]
    assert ct.tune(G, "S+Q").shares.tolist() == [F(9, 14), F(25, 28), F(6, 7)]
    assert ct.tune(G, "SS").shares.tolist() == [F(7, 18), F(7, 9), 1]
    assert SCHEMES["SS"].shares(Ordered.of(np.array(G, dtype=object)), np.array([F(5, 2)])).tolist() == [
        F(14, 15)
    ]


@pytest.mark.parametrize(
    ("fixed", "level", "ratio"), [(0, 1, F(9, 14)), (1, 1, F(9, 28)), (5, 2, F(13, 98)), (20, 3, F(1, 23))]
)
def test_golden_levels(fixed, level, ratio):
    tuned = ct.tune(G, "S", costs.Affine(per_element=1, fixed=fixed))
    assert tuned.level == level
    assert tuned.share / tuned.cost == ratio
    assert tuned.efficiency == ratio * 7  # ||g||^2/(2L) = 7
    assert tuned.stepsize == 1
    assert isinstance(tuned.efficiency, F)


def test_golden_efficiencies_around_the_choice():
    curve = ct.tune(G, "S", costs.Affine(1, 1)).curve / 7
    assert [round(float(v), 6) for v in curve] == [0.321429, 0.309524, 0.25]


def test_beta_is_not_unimodal():
    g = np.r_[10.0, np.ones(299)]
    tuned = ct.tune(g, "S+Q", costs.Affine(1, 1000))
    beta = tuned.shares
    assert [round(float(v), 4) for v in (beta[0], beta[8], beta[-1])] == [0.2506, 0.0902, 0.7977]
    assert int(beta.argmin()) + 1 == 9
    assert tuned.level == 300
    assert tuned.curve[0] / tuned.efficiency == pytest.approx(0.41, abs=0.005)


@unwatched()
def test_shares_lie_between_their_bounds():
    """T/d <= omega* <= alpha, 1/d <= beta <= alpha (equality at flat or one-entry gradients), omega* concave."""
    for g in gradients(400, seed=3):
        d, t = len(g), np.arange(1, len(g) + 1)
        alpha, beta, omega = (ct.tune(g, s).shares for s in ("S", "S+Q", "SS"))
        slack = 1e-12
        assert (alpha >= t / d - slack).all()
        assert (omega >= t / d - slack).all()
        assert (omega <= alpha + slack).all()
        assert (beta <= alpha + slack).all()
        assert (beta >= 1 / d - slack).all()
        assert (np.diff(alpha, 2) <= slack).all()
        assert (np.diff(omega, 2) <= slack).all()
    flat, spike = ct.tune(np.ones(7)), ct.tune(np.eye(7)[0])
    assert flat.shares == pytest.approx(np.arange(1, 8) / 7, rel=1e-14)
    assert spike.shares.tolist() == [1.0] * 7
    assert ct.tune(np.eye(7)[0], "S+Q").shares[-1] == pytest.approx(1 / 7, rel=1e-14)


@unwatched()
def test_qsgd_like_rule_of_the_deterministic_variant():
    """The smallest T with sum of the T largest >= ||g|| has T <= ceil(sqrt d) and beta >= 1/T."""
    for g in gradients(300, seed=4):
        heads = np.cumsum(np.sort(np.abs(g))[::-1])
        t = int(np.searchsorted(heads, np.linalg.norm(g) * (1 - 1e-12))) + 1
        assert t <= math.ceil(math.sqrt(len(g)))
        assert ct.tune(g, "S+Q").shares[t - 1] >= 1 / t - 1e-12


@pytest.mark.parametrize("scheme", SCHEMES)
def test_descent_with_equality_on_isotropic_quadratics(scheme):
    """f = (L/2)||x||^2: one step with the tuned message and step lowers E f by exactly the improvement."""
    from tests.compressors.exact_law import law

    L = 3.0
    for g in gradients(40, seed=5, most=6):
        if not 1e-30 < np.abs(g).max() < 1e30 or len(g) > 7:
            continue
        tuned = ct.tune(g, scheme, costs.Affine(1, 4), L=L)
        x = g / L
        after = sum(
            float(w) * (L / 2) * float(((x - tuned.stepsize * q) ** 2).sum())
            for w, q in law(tuned.compressor, g)
        )
        before = (L / 2) * float(x @ x)
        assert before - after == pytest.approx(tuned.improvement, rel=1e-11)
        worse = sum(
            float(w) * (L / 2) * float(((x - 1.05 * tuned.stepsize * q) ** 2).sum())
            for w, q in law(tuned.compressor, g)
        )
        assert worse > after


@unwatched()
def test_the_stopping_rule_is_monotone_in_the_header():
    rng = np.random.default_rng(6)
    for _ in range(50):
        g = rng.standard_t(2, size=200)
        levels = [ct.tune(g, "S", costs.Affine(1, c0)).level for c0 in (0, 1, 5, 20, 100, 1e3, 1e5)]
        assert levels == sorted(levels)
        assert levels[0] == 1
        for c0, level in zip((1, 20, 1e3), (levels[1], levels[3], levels[5]), strict=True):
            size = np.sort(np.abs(g))[::-1]
            rule = [size[t] ** 2 * (t + c0) <= (size[:t] ** 2).sum() for t in range(1, 200)]
            assert level == (rule.index(True) + 1 if True in rule else 200)


@unwatched()
def test_multiples_of_tau_max_suffice_for_element_packets_and_not_for_bit_packets():
    rng = np.random.default_rng(7)
    lost = []
    for _ in range(200):
        g = rng.standard_t(2, size=60)
        level = ct.tune(g, "S", costs.Packet(7, 10, 3)).level
        assert level % 7 == 0 or level == 60
        price = costs.BitPacket(100, 10, 3)  # 38 bits an element: 2 fit into a packet, 5 into two
        assert price.elements(60) == 2
        tuned = ct.tune(g, "S", price)
        assert tuned.level in {(100 * k) // 38 for k in range(1, 24)} | {60}
        lost.append(1 - tuned.curve[1::2].max() / tuned.efficiency)
    assert max(lost) > 0.05


def test_packets_smaller_than_an_element_cost_no_memory():
    """Every element starts packets of its own, so all levels are open: candidates are entries, not packets."""
    g = np.random.default_rng(0).standard_t(2, size=500)
    for capacity in (1e-9, 1, 37, 41):  # 41 bits are one element
        price = costs.BitPacket(capacity, 1, 3.0 / capacity)
        tuned = ct.tune(g, "S", price)
        assert tuned.efficiency == pytest.approx(tuned.curve.max(), rel=1e-12)
        assert len(rules.packet_ends(500, float(capacity), 0.0, 41.0)) == 500
    assert rules.packet_ends(7, 2.0, 0.0, 1.0).tolist() == [2, 4, 6, 7]


@pytest.mark.slow
def test_large_gradients_take_other_paths_to_the_same_level(monkeypatch):
    """Binary search for SS, blocks and strides: as good as a full scan, at any size."""
    rng = np.random.default_rng(8)
    monkeypatch.setattr(rules, "SCAN", 0)
    monkeypatch.setattr(schemes, "STRIDE", 4)
    monkeypatch.setattr(schemes, "BLOCK", 8)
    monkeypatch.setattr(rules, "BLOCK", 8)
    for g in [*gradients(300, seed=9, most=40), *(rng.standard_t(2, size=700) for _ in range(20))]:
        for scheme in SCHEMES:
            for price in (
                costs.Affine(1, 0),
                costs.Affine(1, 30),
                costs.Packet(5, 7, 1),
                costs.BitPacket(90, 20, 5, 1),
            ):
                tuned = ct.tune(g, scheme, price)
                assert tuned.efficiency >= tuned.curve.max() * (1 - 1e-11)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_many_rows_at_once_agree_with_one_at_a_time(scheme):
    rows = np.random.default_rng(10).standard_t(2, size=(5, 4, 9))
    rows[0, 0], rows[1, 1, 3:] = 0, 0
    for price in (costs.Affine(1, 5), costs.Packet(2, 3, 1), costs.LINKS["cat"].cost):
        level, share = rules.tune_rows(rows, SCHEMES[scheme], price)
        for i in np.ndindex(5, 4):
            one = ct.tune(rows[i], scheme, price)
            assert share[i] / price_at(price, scheme, level[i], 9) == pytest.approx(
                one.share / one.cost if one.level else 0.0, rel=1e-12
            )
        assert level[0, 0] == 0


def price_at(price, scheme, level, d):
    quantity = level if price.counts == "elements" else bits(scheme, int(level), d)
    return float(price(quantity)) or 1.0


def test_flat_optimum_of_ss():
    """Without a header every T <= ||g||_1/||g||_inf is equally efficient; the largest is taken, and it is said."""
    g = np.array([4.0, 3, 2, 1, 1, 1])
    tuned = ct.tune(g, "SS", costs.Affine(1, 0))
    assert tuned.level == 3
    assert tuned.ties == (1, 3)
    assert "T <= 3" in tuned.note
    assert ct.tune(g * -1e-200, "SS", costs.Affine(1, 0)).level == 3
    assert ct.tune([F(v) for v in (4, 3, 2, 1, 1, 1)], "SS", costs.Affine(1, 0)).ties == (1, 3)


def test_a_zero_gradient_sends_nothing():
    for scheme in (*SCHEMES, ct.RandK):
        tuned = ct.tune(np.zeros(5), scheme)
        assert (tuned.level, tuned.stepsize, tuned.improvement, tuned.efficiency) == (0, 0, 0, 0)
        assert tuned.compressor is None
        assert "zero" in tuned.note
        assert (tuned.curve == 0).all()
    assert ct.tune([F(0), F(0)]).level == 0


def test_zeros_are_never_sent():
    g = np.r_[3.0, 2.0, np.zeros(8)]
    for scheme in ("S", "SS"):
        for price in (costs.Packet(4), costs.Affine(0, 1), costs.BitPacket(4096)):
            assert ct.tune(g, scheme, price).level == 2


@pytest.mark.parametrize(
    ("call", "rule"),
    [
        (lambda: ct.tune([1.0, math.nan]), r"gradient\[1\]=nan is not finite"),
        (lambda: ct.tune([math.inf, 1.0]), r"gradient\[0\]=inf is not finite"),
        (lambda: ct.tune([]), "empty"),
        (lambda: ct.tune([[1.0], [1.0, 2.0]]), "ragged"),
        (lambda: ct.tune(["a"]), "real numbers"),
        (lambda: ct.tune([1j]), "real numbers"),
        (lambda: ct.tune([F(1), 0.5]), "mixes"),
        (lambda: ct.tune([1e200, 1e200]), "overflows"),
        (lambda: ct.tune([1.0], "T"), "scheme='T' is not known"),
        (lambda: ct.tune([1.0], 3), "scheme=3 is no scheme"),
        (lambda: ct.tune([1.0], "S", levels=[1]), "levels is for compressor families"),
        (lambda: ct.tune([1.0], L=0), "L=0"),
        (lambda: ct.tune([1.0], L=math.nan), "L=nan"),
        (lambda: ct.tune([1.0], "S", "carrier pigeon"), "no cost model"),
        (lambda: ct.tune([1.0], "S", 3), "no cost model"),
        (lambda: costs.Affine(-1, 1), "per_element=-1"),
        (lambda: costs.Affine(0, 0), "costs nothing"),
        (lambda: costs.Payload(0, 0), "costs nothing"),
        (lambda: costs.Packet(0), "elements=0"),
        (lambda: costs.Packet(2.5), "whole elements"),
        (lambda: costs.BitPacket(0), "bits=0"),
        (lambda: costs.BitPacket(8, math.nan), "per_packet=nan"),
        (lambda: costs.Time(1, 0), "bandwidth=0"),
        (lambda: costs.Wire(0), "float_bits=0"),
    ],
)
def test_bad_input_is_one_clear_line(call, rule):
    with pytest.raises(InvalidParameter, match=rule) as caught:
        call()
    assert "\n" not in str(caught.value)


def test_reference_numbers_of_packets():
    """tau_max of 512-octet packets for the dimensions of two text data sets, at 32 and 64 bits a float."""
    for d, float_bits, elements in ((47236, 32, 85), (47236, 64, 51), (3231961, 32, 75), (3231961, 64, 47)):
        assert costs.BitPacket(8 * 512, wire=costs.Wire(float_bits)).elements(d) == elements


def test_links_are_priced_in_bits_on_the_wire():
    for name, link in costs.LINKS.items():
        assert ct.tune([3.0, 2.0, 1.0], "S", name).cost == ct.tune([3.0, 2.0, 1.0], "S", link).cost > 0
        assert link.source
        assert link.note
    ethernet, one = costs.LINKS["ethernet"].cost, 8 * 1460
    assert ethernet(one) == one + 8 * 78
    assert ethernet(one + 1) == one + 1 + 2 * 8 * 78
    assert costs.LINKS["cat"].cost(8 * 512) == 8 * (576 + 64)
    seconds = costs.Time(0.5, 1000, ethernet)
    assert float(seconds(one)) == pytest.approx(0.5 + (one + 8 * 78) / 1000, rel=1e-15)
