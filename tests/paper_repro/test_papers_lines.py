"""What a paper's package lacks is one line."""

import sys
import types

import pytest

from paper_repro._papers import keys, paper
from paper_repro._targets import BadTargets


def test_a_paper_without_a_source_is_one_line(monkeypatch):
    """It ended in an AttributeError while its table was printed, after everything had run."""
    bare = types.ModuleType("paper_repro.bare")
    bare.run, bare.FIGURES = None, {}
    monkeypatch.setitem(sys.modules, "paper_repro.bare", bare)
    with pytest.raises(BadTargets, match=r"paper_repro/bare/__init__.py has no SOURCE"):
        paper("bare")


@pytest.mark.parametrize("key", keys())
def test_every_paper_has_what_is_asked_of_it(key):
    assert paper(key).SOURCE
