"""The index of passing proofs speaks only as it was written, and only for the kernel that it was written by."""

import json
from importlib import resources

import pytest

from compth import claims


@pytest.fixture
def index():
    return json.loads(resources.files("compth").joinpath("_proved.json").read_text(encoding="utf-8"))


def resealed(index):
    rest = {k: v for k, v in index.items() if k != "index"}
    return {**rest, "index": claims._digest(json.dumps(rest, sort_keys=True).encode())}


def test_the_stored_index_speaks_and_sealing_it_again_changes_nothing(index):
    assert "ef21.pl" in claims._entries(index, "proved")
    assert claims._entries(resealed(index), "proved") == claims._entries(index, "proved")


@pytest.mark.parametrize("name", ["proved", "attained", "sealed"])
def test_an_index_with_one_entry_more_or_less_says_nothing(index, name):
    """What is called PROVED must be what the proofs wrote, not what a file was made to say."""
    held = index[name]
    fewer = {k: held[k] for k in list(held)[1:]} if isinstance(held, dict) else list(held)[1:]
    more = {**held, "false.theorem": "0"} if isinstance(held, dict) else [*held, "false.theorem"]
    for changed in (fewer, more):
        assert claims._entries({**index, name: changed}, "proved") == frozenset()


@pytest.mark.parametrize("part", sorted(claims.HASHED))
def test_an_index_of_another_kernel_says_nothing_even_resealed(index, part):
    assert claims._entries(resealed({**index, part: "0" * 64}), "proved") == frozenset()
