"""Every theorem of the catalogue has its looseness recorded, and a strengthening a little beyond it is caught."""

import json

import pytest

from compth.methods import theorems
from compth.methods.core.looseness import recorded
from compth.methods.ef21 import EF21, EF21PL

from .record import BEYOND, FILE, SHIPPED, looseness, made, method_for, shipped, spoiled, violated

ROWS = {row["theorem"]: row for row in json.loads(FILE.read_text())["rows"]}


def without_record():
    """Ids of the catalogue's theorems that have no row."""
    return sorted(set(theorems()) - set(ROWS))


def test_no_theorem_is_without_a_record():
    """A new theorem fails here until `python -m tests.methods.record` has measured it."""
    missing = without_record()
    assert not missing, f"no recorded looseness for {missing}: run python -m tests.methods.record"


def test_the_package_shows_the_record():
    assert SHIPPED.read_text() == shipped(ROWS.values())
    assert set(recorded()) == set(theorems())
    assert str(recorded()["dcgd.general"]).startswith("at most 1.45 on quadratics: rounds that it promises")


def test_a_theorem_without_a_record_is_seen(monkeypatch):
    class New(EF21PL):
        id = "ef21.new"

    monkeypatch.setattr(EF21, "theorems", classmethod(lambda cls: (EF21PL(), New())))
    assert without_record() == ["ef21.new"]


@pytest.mark.slow
@pytest.mark.parametrize("identifier", list(theorems()))
def test_the_recorded_quadratic_attains_it_and_a_spoil_is_caught(identifier):
    if identifier not in ROWS:
        pytest.fail(f"{identifier} has no record: run python -m tests.methods.record")
    row, theorem = ROWS[identifier], theorems()[identifier]
    problem = made(row["A"], row["b"])
    method, measure = method_for(identifier, problem), row["measure"]
    assert method.label == row["method"]
    again = looseness(method, problem, theorem, measure)
    assert again >= 1 - 1e-9
    assert again == pytest.approx(row["looseness"], rel=1e-4)
    stronger = spoiled(method, problem, theorem, measure, BEYOND * row["looseness"])
    assert not violated(method, problem, theorem, measure)
    assert violated(method, problem, stronger, measure)
