"""Numbers of a refutation as a person writes them: small fractions where a sum of floats is one, else all digits."""

import math

import numpy as np
import pytest

import compth as ct
from compth.reporting.certification import by_hand, nearby_fraction, vector


def test_floats_beside_small_fractions_are_read_as_them():
    for fraction, value in (("3/4", 0.7499999999999998), ("2/3", 0.6666666666666666), ("-1/3", -0.3333333333333333),
                            ("3/10", 0.1 + 0.1 + 0.1), ("17/12", 17 / 12), ("1", 0.9999999999999999)):  # fmt: skip
        assert nearby_fraction(value) == fraction
    assert vector([1 / 3, math.nextafter(1 / 3, 1), 0.0, 2.5], nearby_fraction) == "(1/3, 1/3, 0, 2.5)"


@pytest.mark.parametrize("value", [2 / 3 + 1e-15, 0.6666666667, math.pi, 1e-12 / 3, 2.0**0.5, 1e300 / 3])
def test_what_is_no_small_fraction_keeps_its_digits(value):
    """Nine units in the last place beside 2/3 is another number."""
    assert float(nearby_fraction(value)) == value


def test_short_decimals_infinities_and_inputs_stand_as_they_are():
    assert [nearby_fraction(v) for v in (0.25, -2.0, 0.1, math.inf)] == ["0.25", "-2", "0.1", "inf"]
    assert vector([1 / 3]) == "(0.3333333333333333)"  # an input is given back to the last digit


def test_a_refutation_says_two_thirds():
    def rand2(x, rng):
        out = np.zeros_like(x)
        chosen = rng.choice(len(x), 2, replace=False)
        out[chosen] = x[chosen]
        return out

    found = ct.certify(rand2, 3, claims=ct.Unbiased("1/2"), budget="quick").certificates[-1]
    assert by_hand(found)[-1] == "by hand: E C(x) = (2/3, 0, 0), E||C(x)||^2 = 2/3"
