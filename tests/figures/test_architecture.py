"""The picture of the rooms: it follows the code, and its colours are the layers that imports keep to."""

import pytest

from figures import architecture
from tests.test_repository import LAYERS, ROOT


@pytest.fixture(scope="module")
def ways():
    return architecture.compute()["ways"]


def test_each_way_passes_the_rooms_that_the_page_names(ways):
    certify, compare, prove = ([room for room, _ in way] for way in ways.values())
    assert {"compressors", "certification", "certification/stages", "values"} <= {*certify}
    assert compare.index("studies") < compare.index("simulation") < compare.index("dynamics")
    assert compare.index("dynamics") < compare.index("worst_case") < compare.index("reporting")
    assert {"methods", "proof", "proofs_check"} <= {*prove}


def test_boxes_name_modules_of_the_code(ways):
    """A module that was renamed, or a box that is typed, would not be there."""
    for way in ways.values():
        for room, names in way:
            home = ROOT if room == "proofs_check" else ROOT / "compth"
            files = {p.stem for p in (home if room == "values" else home / room).rglob("*.py")}
            folders = {p.name for p in home.iterdir()}
            assert {n.rpartition("/")[2] for n in names} <= files | folders


def test_the_layers_are_those_of_the_imports():
    order = [*architecture.LAYERS][::-1][1:]  # from the ground up, without the scripts beside the package
    for i, name in enumerate(order):
        rooms = [r for r in architecture.LAYERS[name] if r in LAYERS]
        for lower in order[:i]:
            below = [r for r in architecture.LAYERS[lower] if r in LAYERS]
            assert max(LAYERS[r] for r in below) <= min(LAYERS[r] for r in rooms)
    packages = {p.parent.name for p in (ROOT / "compth").glob("*/__init__.py")}
    assert packages <= {room for rooms in architecture.LAYERS.values() for room in rooms}


def test_a_function_of_another_room_is_seen_on_the_way():
    def work():
        from compth.text.expressions import decimal

        decimal("0.5")

    assert architecture.rooms(architecture.follow(work)) == [("values", ["expressions"])]


def test_the_page_is_short_and_its_paths_exist():
    text = (ROOT / "docs" / "architecture.rst").read_text()
    assert len(text.splitlines()) <= 150
    for path in (
        "compth/compressors",
        "compth/simulation/engines/choice.py",
        "proofs_check/gd/gd_contraction.py",
    ):
        assert path.removeprefix("compth/simulation/") in text
        assert (ROOT / path).exists()
