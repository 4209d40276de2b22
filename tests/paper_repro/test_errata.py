"""Errata: every slip is shown by something that runs, and says so when it is not shown any more."""

import re
from fractions import Fraction

import numpy as np
import pytest

from compth.claims import proved_index
from paper_repro import _defects, _errata, _shown
from paper_repro._command import main
from paper_repro._defects import ternary
from paper_repro._errata import (
    ERRATA,
    IN_CODE,
    IN_PRINT,
    IN_WORDS,
    SURPRISES,
    Code,
    Erratum,
    Shown,
    beyond,
    biased,
    multiplier,
)
from paper_repro._papers import keys, paper, targets

OWN = [e for e in ERRATA if e.row is None]


@pytest.mark.parametrize("erratum", OWN, ids=[e.id for e in OWN])
def test_what_shows_it_still_does(erratum):
    assert erratum.rerun().stands


ROWS = {e.shown_by.partition(":")[0] for e in ERRATA if e.row is not None}


@pytest.mark.slow
@pytest.mark.parametrize("key", sorted(ROWS & {"atomo", "natural", "rdme", "switchml", "unified_sgd"}))
def test_rows_that_show_a_slip_still_do(key, monkeypatch):
    """Each by its own rerun, on one quick run of the paper; the longer papers' rows are perturbed in test_perturbed."""
    module = paper(key)
    found = module.run(True)
    monkeypatch.setattr(module, "run", lambda quick: found)
    shown = [e for e in ERRATA if e.row is not None and e.shown_by.startswith(f"{key}:")]
    assert shown
    assert all(e.rerun().stands for e in shown)


def test_every_difference_with_a_paper_is_listed_or_said_to_be_none():
    listed = {e.shown_by for e in ERRATA if e.row is not None}
    differing = {f"{key}:{t.id}" for key in keys() for t in targets(key) if t.differs}
    same_tables = {"natural:table1.dsta_encoding_low", "natural:table5.dnat", "natural:table2.both"}
    no_slips = {"cat:real.orders", "cat:sparse.orders"}  # second-hand
    no_slips |= {"unified_sgd:diana.f"}  # a misreading that is easily made
    no_slips |= {"ibcd:fig3.printed", "ibcd:fig11.rounds"}  # read off figures, on other data
    no_slips |= {"induced:code.unspent", "switchml:code.random", "switchml:code.ties"}  # choices of the code
    assert listed | same_tables | no_slips == differing
    assert all(e.stored().stands for e in ERRATA if e.row is not None)


def test_code_is_named_by_a_commit_and_print_by_a_version():
    for e in ERRATA:
        assert e.version
        assert e.where
        assert isinstance(e.source, str) or e.source.url.startswith("https://")
    assert all(
        isinstance(e.source, Code) and re.fullmatch("[0-9a-f]{40}", e.source.commit)
        for e in IN_CODE
        if e.id != "cat-octets"
    )
    assert not any(isinstance(e.source, str) for e in IN_PRINT)
    assert all(source.url.startswith("https://") and place and text for source, place, text in IN_WORDS)
    assert len({e.id for e in ERRATA}) == len(ERRATA)


def test_what_is_better_than_printed_is_proved():
    assert {name for name, _ in SURPRISES} <= set(proved_index())


def test_a_slip_that_is_none_falls(capsys, monkeypatch):
    right = Erratum(
        "right", ERRATA[0].source, "1", "here", "x", "y", lambda: biased(ternary, [2.0, 1.0], "(2, 1)")
    )
    monkeypatch.setattr(_errata, "ERRATA", (right,))
    assert not right.rerun().stands
    assert main(["--errata", "right"]) == 1
    assert "NO LONGER SHOWN" in capsys.readouterr().out


def test_the_command_reruns_what_it_is_asked_for(capsys):
    assert main(["--errata", "grace-natural", "rdme-example-4"]) == 0
    out = capsys.readouterr().out
    assert "promised 0, found 0.1" in out
    assert "2 errata, 0 no longer shown" in out
    assert main(["--errata", "nothing"]) == 2
    assert "choose from diana-theorem-11" in capsys.readouterr().err


def test_a_row_that_agrees_shows_nothing():
    row = next(t for t in targets("rdme") if t.id == "ex4.sharp")
    assert not Shown(row.value, row.value, row.quantity, not row.agrees(row.value)).stands


def scaled_rand_2(x, rng):
    return len(x) / 2 * _defects.rand2_unscaled(x, rng)


def qsgd(x, rng):
    low = np.floor(y := 2 * np.abs(x) / np.linalg.norm(x))
    return np.linalg.norm(x) * np.sign(x) * (low + (rng.random(len(x)) < y - low)) / 2


HONEST = {
    "dithering at p = 2": lambda: _errata.dithering_of_ones(2),
    "GDCI at kappa = 2": lambda: _errata.gdci_corollary(2),
    "ISEGA with shared minimisers": lambda: _shown.isega_start(equal=True),
    "IASGD's complexity the right way up": lambda: _shown.iasgd_rounds(inverse=False),
    "ISAGA with max{tau, 1/n}": lambda: _shown.isaga_step(1.0),
    "Perm-1 as in Definition 2": lambda: _shown.ist_average(literal=False),
    "weight decay that is kept": lambda: _shown.decayed(works=True),
    "the cubic with equal workers": lambda: _shown.unequal_rate(equal=True),
    "the step with equal workers": lambda: _shown.unequal_step(equal=True),
    "rounded levels": lambda: _errata.share_of_levels(rounded=True),
    "Rand-2 with its scale": lambda: biased(scaled_rand_2, [1.0] * 4, "(1, 1, 1, 1)"),
    "QSGD": lambda: biased(qsgd, [1.0, 0.0], "(1, 0)"),
    "natural compression off the powers of two": lambda: biased(_defects.doubling, [1.5, 3.0], "(1.5, 3)"),
    "atoms drawn once": lambda: beyond(
        1, multiplier([Fraction(4, 7), Fraction(2, 7)], lambda count: True), ""
    ),
}


@pytest.mark.parametrize("name", HONEST)
def test_the_same_check_finds_nothing_where_nothing_is_wrong(name):
    assert not HONEST[name]().stands
