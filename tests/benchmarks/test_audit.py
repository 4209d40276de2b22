"""The audit's page is what its commands said, and its commands are those of the program."""

import json
import shlex
from pathlib import Path

import pytest

from benchmarks.audit_real import AUDITS, HERE, Row, as_page, row

ROOT = Path(__file__).resolve().parents[2]
STORED = [Row(**r) for r in json.loads((ROOT / "docs" / "audit" / "audit.json").read_text())]


def test_the_page_is_that_of_the_record():
    assert (ROOT / "docs" / "audit" / "audit.inc").read_text() == as_page(STORED)
    assert [(r.what, r.hurt) for r in STORED] == [(a.what, a.hurt) for a in AUDITS]


def test_true_claims_stand_and_false_ones_fall():
    assert [r.verdict == "REFUTED" for r in STORED] == [not a.true for a in AUDITS]
    assert all(a.hurt for a in AUDITS if not a.true)
    assert len({r.package for r in STORED}) >= 12


def test_every_command_names_its_glue():
    for audit, stored in zip(AUDITS, STORED, strict=True):
        file = HERE / "audited" / audit.words[1].partition(":")[0]
        names = audit.words[1].partition(":")[2].split(",")
        assert all(f"{n} =" in file.read_text() or f"def {n}(" in file.read_text() for n in names)
        assert shlex.split(stored.command) == ["compth", *audit.words]


@pytest.mark.slow
def test_a_command_runs():
    audit = next(a for a in AUDITS if a.package == "sklearn")
    found = row(audit)
    assert (found.verdict, found.claim) == ("CONSISTENT", "Unbiased(omega=5/16)")
