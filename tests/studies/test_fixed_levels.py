"""Tuned against fixed levels: the bits are those of the runs, hindsight is the cheapest of them."""

import pytest

import compth as ct
from compth.errors import InvalidParameter

PROBLEM = ct.problems.ridge("digits", 1)


@pytest.mark.slow
def test_quantised_tuning_beats_hindsight_and_full_gradients():
    found = ct.compare_levels(PROBLEM, "S+Q", levels=(1, 4, 8, 64), steps=1500, runs=2)
    level, bits = found.hindsight
    assert level == 8
    assert bits == min(b for b in found.fixed.values() if b is not None)
    assert found.regret == pytest.approx(found.tuned / bits)
    assert found.regret < 1
    assert found.tuned < 0.3 * found.full
    rows = found.columns()[1]
    assert rows[0][0] == "full gradients"
    assert [r[0] for r in rows if "hindsight" in r[0]] == ["T = 8 (best in hindsight)"]
    assert rows[1][2] == "1"


@pytest.mark.slow
@pytest.mark.parametrize("link", ["lorawan", "ieee802154", "ethernet"])
def test_in_the_links_own_currency_tuning_beats_hindsight(link):
    """Payload bits leave headers out and rank runs otherwise: over Ethernet the tuned run sends more of them."""
    levels = (1, 4, 8, 16, 32, 64)
    paid = ct.compare_levels(PROBLEM, "S", link, levels, steps=1000, runs=1, currency="cost")
    assert paid.regret < 1
    assert paid.columns()[0][1] == "cost to eps"
    price = ct.costs.LINKS[link].cost
    gd = paid.comparison.rows[0]
    assert paid.full == pytest.approx(gd.bits / (32 * 64) * float(price(32 * 64)), rel=1e-12)
    plain = ct.compare_levels(PROBLEM, "S", link, levels, steps=1000, runs=1)
    assert plain.full == gd.bits
    assert paid.tuned > plain.tuned  # headers are not free
    if link == "ethernet":
        assert plain.regret > 1


def test_what_is_not_reached_says_so():
    found = ct.compare_levels(PROBLEM, "SS", levels=(1,), steps=5, runs=2, eps=1e-9)
    assert found.tuned is None
    assert found.hindsight is None
    assert found.regret is None
    assert found.columns()[1][1] == ["tuned", "not reached", "-"]


@pytest.mark.parametrize("levels", [(0,), (65,), (1.5,), (True,), ()])
def test_bad_levels(levels):
    with pytest.raises(InvalidParameter, match="integers from 1 to d = 64"):
        ct.compare_levels(PROBLEM, levels=levels)
