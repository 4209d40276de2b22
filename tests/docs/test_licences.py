"""No GPL among what an installation brings; the check sees one when it is there."""

import importlib
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def licences():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(ROOT / "docs" / "_ext"))
        return importlib.import_module("licences")


def test_no_gpl_at_run_time_and_every_licence_is_known(licences):
    rows = licences.dependency_rows()
    assert {"numpy", "scipy", "sympy", "cvxpy", "matplotlib", "scikit-learn", "typer", "rich"} <= {
        r.name for r in rows
    }
    assert [r for r in rows if r.copyleft] == []
    assert [r for r in rows if not r.known] == []


def test_what_is_always_installed_has_no_copyleft_at_all(licences):
    for row in licences.dependency_rows(extras=()):
        assert not licences.WEAK.search(row.licence), row


def test_the_closure_is_followed(licences):
    by_name = {r.name: r.needed_by for r in licences.dependency_rows(extras=())}
    assert by_name["mpmath"] == "sympy"
    assert by_name["numpy"] == "compth"


@pytest.mark.parametrize(
    ("text", "copyleft"),
    [
        ("GPL-3.0-or-later", True),
        ("GNU General Public License v3 (GPLv3)", True),
        ("GNU Affero General Public License v3", True),
        ("AGPL-3.0", True),
        ("GPL-2.0 OR MIT", False),
        ("MIT AND GPL-3.0", True),
        ("LGPL-3.0-or-later", False),
        ("MIT", False),
        ("BSD License", False),
    ],
)
def test_a_gpl_is_seen(licences, text, copyleft):
    row = licences.Row("planted", "1", text, "compth")
    assert row.copyleft is copyleft
    assert row.known


def test_an_unreadable_licence_is_not_known(licences):
    assert not licences.Row("planted", "1", "not stated", "compth").known


def test_security_rules_hold_in_the_source():
    """No evaluation of text and no pickle anywhere in the package."""
    banned = re.compile(
        r"^\s*(?:import|from)\s+(?:pickle|dill|cloudpickle|marshal|shelve)\b|\b(?:eval|exec)\(", re.M
    )
    for path in (ROOT / "compth").rglob("*.py"):
        assert not banned.search(path.read_text()), path
    assert banned.search("import pickle")
    assert banned.search("x = eval(text)")
