"""Every theorem of the catalogue has its looseness recorded, and a strengthening a little beyond it is caught."""

import json

import numpy as np
import pytest

from compth.methods import theorems
from compth.problems import distributed_quadratic

from .record import BEYOND, FILE, looseness, method_for, spoiled, violated

ROWS = {row["theorem"]: row for row in json.loads(FILE.read_text())["rows"]}


def test_no_theorem_is_without_a_record():
    """A new theorem fails here until `python -m tests.methods.record` has measured it."""
    missing = set(theorems()) - set(ROWS)
    assert not missing, f"no recorded looseness for {sorted(missing)}: run python -m tests.methods.record"


@pytest.mark.parametrize("identifier", list(theorems()))
def test_the_recorded_quadratic_attains_it_and_a_spoil_is_caught(identifier):
    if identifier not in ROWS:
        pytest.fail(f"{identifier} has no record: run python -m tests.methods.record")
    row, theorem = ROWS[identifier], theorems()[identifier]
    problem = distributed_quadratic(np.array(row["A"]), np.array(row["b"]))
    method, measure = method_for(identifier, problem), row["measure"]
    assert method.label == row["method"]
    again = looseness(method, problem, theorem, measure)
    assert again >= 1 - 1e-9
    assert again == pytest.approx(row["looseness"], rel=1e-4)
    stronger = spoiled(method, problem, theorem, measure, BEYOND * row["looseness"])
    assert not violated(method, problem, theorem, measure)
    assert violated(method, problem, stronger, measure)
