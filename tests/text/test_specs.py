"""Specs: wrong names and numbers of arguments are said in the catalogue's words, not Python's."""

import re

import pytest

import compth as ct
from compth.errors import InvalidParameter, Unsupported
from compth.methods import vocabulary
from compth.text.specs import build


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("TopK(K=2)", "TopK in 'TopK(K=2)' takes no K: did you mean k?"),
        ("EF21(TopK(k=2), gama=1)", "takes no gama: did you mean gamma?"),
        ("RandK(q=1)", "takes no q: it takes k"),
        ("TopK", "needs k: it takes k"),
        ("TopK(1, 2, 3)", "is given 3 arguments: it takes k"),
        ("TopK(1, k=2)", "is given k twice"),
    ],
)
def test_arguments_that_do_not_fit_are_named(text, says):
    with pytest.raises(InvalidParameter, match=re.escape(says)):
        build(text, vocabulary())


def test_a_fleet_is_refused_under_the_name_that_was_typed():
    with pytest.raises(Unsupported, match=r"^TopK\(k=9\) needs 1 <= k <= d"):
        ct.Independent(ct.TopK(9)).check(2, 3)
