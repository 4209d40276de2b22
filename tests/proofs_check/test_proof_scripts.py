"""Every script proves its theorem; stored certificates stand, and tampered ones do not."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from compth.claims import proved_index
from compth.proof import identity
from proofs_check.__main__ import CERTIFICATES, INDEX, scripts
from proofs_check._script import run
from proofs_check.not_provable import REASONS

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = scripts()
# over half a second each; that their statements are those of the index is always tested
SLOW = {
    "cgd.tight",
    "dcgd.bidirectional",
    "dcgd.no_memory_decreasing",
    "dcgd.no_memory_noisy",
    "dcsgd.noisy",
    "diana.balanced",
    "diana.bidirectional",
    "diana.convex",
    "diana.decreasing",
    "diana.noisy",
    "diana.original",
    "diana.original_noisy",
    "diana.shift_noisy",
    "diana.tight",
    "diana.unified",
    "ef.tight",
    "ef21.bidirectional",
    "ef21.tight",
    "efbv.pl",
    "iasgd.growth",
    "isaga.shared",
    "isgd.decreasing",
    "jacsketch.linear",
    "vrdiana.linear",
}
assert set(SCRIPTS) >= SLOW
CASES = [pytest.param(name, marks=pytest.mark.slow) if name in SLOW else name for name in SCRIPTS]


@pytest.mark.parametrize("name", SCRIPTS)
def test_the_statements_are_those_of_the_index(name):
    """A formula of the catalogue that changed shows here at once."""
    written = [identity(json.dumps(part.statement)) for part in SCRIPTS[name].parts]
    assert written == json.loads(INDEX.read_text())["proved"][name]


@pytest.mark.parametrize("name", CASES)
def test_the_script_proves_what_the_index_says(name):
    result = run(SCRIPTS[name])
    stored = json.loads((CERTIFICATES / f"{name}.json").read_text())
    assert [p["statement"] for p in result.records] == json.loads(INDEX.read_text())["proved"][name]
    assert stored == json.loads(json.dumps(result.stored)), "run python -m proofs_check"
    for part in stored["parts"]:
        assert len(part["controls"]) >= 3
        assert all(c["margin"].startswith("-") for c in part["controls"])


def test_the_index_is_what_standing_reads():
    assert proved_index() == set(SCRIPTS)
    assert not set(REASONS) & set(SCRIPTS)


def test_every_proof_that_the_catalogue_names_is_a_script_or_listed_with_a_reason():
    named = set()
    for path in (ROOT / "compth").rglob("*.py"):
        named |= set(re.findall(r"\bproof ?= ?\"([a-z0-9_.]+)\"", path.read_text()))
    assert len(named) >= 15
    assert named <= set(SCRIPTS) | set(REASONS)


def recheck(folder, index=INDEX):
    command = [
        sys.executable,
        "-I",
        str(ROOT / "proofs_check" / "recheck.py"),
        str(folder),
        "--index",
        str(index),
    ]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_recheck_accepts_the_stored_certificates():
    done = recheck(CERTIFICATES)
    assert done.returncode == 0, done.stderr
    assert f"{len(SCRIPTS)} theorems rechecked" in done.stdout


def rate(data):
    part = data["parts"][0]
    part["statement"]["claim"][0] = part["statement"]["claim"][0].replace("<=", "<= 1/2*")


def multiplier(data):
    data["parts"][0]["certificate"]["steps"][-1]["use"]["convex"] = "3*ga"


def negative_term(data):
    data["parts"][0]["certificate"]["steps"][-1]["terms"].append("-sq(x - xs)")


def smaller_witness(data):
    data["parts"][0]["witness"]["vectors"]["x"] = data["parts"][0]["witness"]["vectors"]["xs"]


def no_controls(data):
    data["parts"][0]["controls"] = []


def true_control(data):
    control = data["parts"][0]["controls"][0]
    control["statement"] = data["parts"][0]["statement"]


def another_name(data):
    data["theorem"] = "diana.unified"


def easier_statement(data):
    """A true but weaker theorem with its own valid certificate under the same name."""
    part = data["parts"][0]
    part["statement"]["title"] = "changed"
    part["certificate"]["statement"] = identity(json.dumps(part["statement"]))


TAMPERINGS = [
    rate,
    multiplier,
    negative_term,
    smaller_witness,
    no_controls,
    true_control,
    another_name,
    easier_statement,
]


def one_certificate(tmp_path, change, kernel=None):
    """(folder, index) of one theorem only, its certificate and the index's kernel changed."""
    source, index = CERTIFICATES / "dcgd.interpolation.json", json.loads(INDEX.read_text())
    data = json.loads(source.read_text())
    change(data)
    proved = {"dcgd.interpolation": index["proved"]["dcgd.interpolation"]}
    (tmp_path / "index.json").write_text(
        json.dumps({**index, "proved": proved, "kernel": kernel or index["kernel"]})
    )
    folder = tmp_path / "certificates"
    folder.mkdir(exist_ok=True)
    (folder / source.name).write_text(json.dumps(data))
    return folder, tmp_path / "index.json"


@pytest.mark.parametrize("tamper", TAMPERINGS, ids=lambda f: f.__name__)
def test_recheck_catches_tampering(tamper, tmp_path):
    assert recheck(*one_certificate(tmp_path, lambda data: None)).returncode == 0
    assert recheck(*one_certificate(tmp_path, tamper)).returncode == 1


def test_recheck_misses_no_deleted_certificate_and_no_changed_kernel(tmp_path):
    folder = tmp_path / "empty"
    folder.mkdir()
    assert recheck(folder).returncode == 1
    done = recheck(*one_certificate(tmp_path, lambda data: None, kernel="0" * 64))
    assert done.returncode == 1
    assert "the index was made with" in done.stderr
