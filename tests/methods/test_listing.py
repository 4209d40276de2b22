"""Listings say the coefficients of the trace, at the first call of a process too."""

import sys

import pytest
import sympy

import compth as ct
from compth.methods.core.listing import _simplest, listing
from compth.methods.core.swallowed import noticing


def test_an_import_on_the_way_is_no_exception_that_a_body_swallows():
    def imports():
        sys.modules.pop("this_is_new", None)
        sys.modules.pop("colorsys", None)
        import colorsys

        return colorsys.ONE_THIRD

    def swallows():
        try:
            return {}["a"]
        except KeyError:
            return imports()

    assert noticing(imports) == (1 / 3, "")
    assert noticing(swallows) == (1 / 3, "KeyError")


def test_coefficients_are_those_of_the_body_with_common_factors_cancelled():
    a, b = sympy.symbols("a b", positive=True)
    for c in (a + b * (1 - a), (a**2 - b**2) / (a - b), a / b, (a * b + b) / b, -a * (1 - b)):
        assert sympy.expand(sympy.simplify(_simplest(c) - c)) == 0
        assert sympy.count_ops(_simplest(c)) <= sympy.count_ops(c)
    assert _simplest((a**2 - b**2) / (a - b)) == a + b
    assert _simplest(a * 0.5) == a / 2


@pytest.mark.parametrize("kind", [ct.ADIANA, ct.LoCoDL, ct.IASGD])
def test_long_bodies_are_listed_in_symbols(kind):
    assert listing(kind, {}, 3, 7, False).symbolic
