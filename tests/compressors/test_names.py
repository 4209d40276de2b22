"""Names: what papers call a compressor is found, a misspelt one is told its neighbours, dir() shows the catalogue."""

import pytest

import compth as ct
from compth.compressors import ALIASES, catalogue, names
from compth.errors import InvalidParameter
from compth.methods import vocabulary
from compth.text.specs import build


def test_papers_names_are_the_classes():
    assert ct.QSGD is ct.RandomDithering
    assert build("DIANA(CNat)", vocabulary()) == ct.DIANA(ct.NaturalCompression())
    assert ct.EF14 is ct.EF
    assert build("DCSGD(QSGD(s=2))", vocabulary()) == ct.DCGD(ct.RandomDithering(s=2))
    assert not ALIASES.keys() & catalogue().keys()
    assert all(names()[also] is catalogue()[name] for also, name in ALIASES.items())


def test_a_misspelt_name_is_told_its_neighbours_and_no_others():
    with pytest.raises(
        InvalidParameter, match=r"'TopKK' in 'EF\(TopKK\)' is not known: did you mean TopK or TopKSign\?"
    ):
        build("EF(TopKK)", vocabulary())
    with pytest.raises(AttributeError, match=r"did you mean RandK"):
        _ = ct.randk
    with pytest.raises(InvalidParameter, match="is not known: `compth list`"):
        build("Zzzzzz(1)", vocabulary())


def test_dir_shows_what_there_is_and_no_machinery():
    shown = dir(ct)
    assert {"RandK", "DIANA", "GD", "QSGD", "certify"} <= set(shown)
    assert not {"importlib", "Any", "annotations", "watch"} & set(shown)
