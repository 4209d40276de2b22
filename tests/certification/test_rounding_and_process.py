"""Programs that only rounding, or only another process, makes wrong: their outputs are always among those predicted."""

import sys
from fractions import Fraction
from sys import argv as ARGUMENTS

import numpy as np
import pytest

import compth as ct
from compth.certification.cells import question, replayed
from compth.certification.cells.nodes import Node
from compth.certification.held import of_the_process
from compth.certification.subject import as_subject, declared_claims

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")


def halves(x, rng):
    return np.where(rng.random(x.shape) < 0.5, 2 * x, 0)


def absorbed(x, rng):
    return np.where(x + 1 == x, 0, halves(x, rng))


def absorbed_in_a_band(x, rng):
    return np.where((x + 1 == x) & (np.abs(x) < 1e18), 0, halves(x, rng))


def lost_beside_one(x, rng):
    return np.where((1 + x == 1) & (x != 0) & (np.abs(x) > 1e-17), 2 * x, halves(x, rng))


def two_shifts(x, rng):
    return np.where((x + 0.5 == x + 0.25) & (x != 0), 0, halves(x, rng))


def cells_of(program):
    """What the stage by cells says."""
    subject = as_subject(program)
    (make,) = declared_claims(subject, ct.Unbiased(1), {})
    return question.ask(subject, 3, make(3), 60.0).found[0]


ROUNDED = (absorbed, absorbed_in_a_band, lost_beside_one, two_shifts)


@pytest.mark.parametrize("program", ROUNDED)
def test_known_draws_show_what_rounding_decides(program, monkeypatch):
    """The planted error: without them every one of these is proved, biased as it is at the sizes it asks for."""
    found = cells_of(program)
    assert found.data is None
    assert "is not what its draws are traced to make" in found.says
    monkeypatch.setattr(question, "replayed", lambda *_: None)
    assert cells_of(program).data is not None


def test_a_program_without_rounding_is_proved():
    assert cells_of(halves).data is not None


def test_symbols_are_computed_exactly():
    x, one = Node("x", (0,), ""), Node("const", (Fraction(1),), "")
    now = replayed.Exactly(np.array([2.0**60]), {})
    more = Node("add", (x, one), "")
    assert now.at(more) == 2**60 + 1
    assert not now.at(Node("eq", (more, x), ""))
    assert now.at(Node("exp2", (Node("const", (Fraction(-2000),), ""),), "")) == Fraction(1, 2**2000)


def of_modules(x, rng):
    return halves(x, rng) if "compth" in sys.modules else 0 * x


def of_arguments(x, rng):
    return halves(x, rng) if len(sys.argv) < 100 else 0 * x


def of_imported_arguments(x, rng):
    return halves(x, rng) if len(ARGUMENTS) < 100 else 0 * x


def of_platform(x, rng):
    return halves(x, rng) if sys.platform != "none" else 0 * x


@pytest.mark.parametrize("program", [of_modules, of_arguments, of_imported_arguments, of_platform])
def test_what_tells_of_the_process_is_no_part_of_a_proof(program):
    """Another process, or another machine, runs another program."""
    report = ct.certify(program, 3, claims=ct.Unbiased(1), budget="quick")
    assert report.verdict == "CONSISTENT"
    assert any("another process has another" in note for note in report.info["not_checked"])


def test_numbers_of_mathematics_and_tables_of_ones_own_are_no_data_of_the_process():
    import math

    assert not of_the_process(math.pi, math)
    assert not of_the_process([1.0], None)
    assert of_the_process(sys.argv, np)
    assert of_the_process(sys.byteorder, sys)
