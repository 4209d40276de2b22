"""Every script proves its theorem; stored certificates stand, and tampered ones do not."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from compth.claims import proved_index
from compth.proof import identity
from proofs_check._blocks import without
from proofs_check._command import CERTIFICATES, INDEX, scripts
from proofs_check._found import families
from proofs_check._script import run
from proofs_check.not_provable import REASONS
from proofs_check.recheck import HASHED, sealed
from tests.thorough import thorough, tries

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = scripts()
QUICK = (
    "dcgd.interpolation",
    "permk.joint",
    "scaled_sign.delta",
    "switchml.no_overflow",
    "unified.key_lemma",
)
"""One of each technique for the fast subset."""


@pytest.mark.parametrize("name", SCRIPTS)
def test_the_statements_are_those_of_the_index(name):
    """A formula of the catalogue that changed shows here at once."""
    written = [identity(json.dumps(part.statement)) for part in SCRIPTS[name].parts]
    assert written == json.loads(INDEX.read_text())["proved"][name]


RUN = [name for at, name in enumerate(SCRIPTS) if name in QUICK or at % tries(3, 1) == 0]
"""A change of a formula shows in the index, one of the kernel in any of these."""


@thorough
@pytest.mark.parametrize(
    "name", [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in RUN]
)
def test_the_script_proves_what_the_index_says(name):
    result = run(SCRIPTS[name])
    stored = json.loads((CERTIFICATES / f"{name}.json").read_text())
    assert [p["statement"] for p in result.records] == json.loads(INDEX.read_text())["proved"][name]
    assert stored == json.loads(json.dumps(result.stored)), "run python -m proofs_check"
    for part in stored["parts"]:
        assert len(part["controls"]) >= 3
        assert all(c["margin"].startswith("-") for c in part["controls"])


def test_a_script_in_no_family_is_named(tmp_path):
    """It would be run by nobody."""
    listed = [name for names in families().values() for name in names]
    assert sorted(listed) == sorted(name.replace(".", "_") for name in SCRIPTS)
    (tmp_path / "dcgd").mkdir()
    (tmp_path / "dcgd" / "__init__.py").touch()
    (tmp_path / "dcgd" / "dcgd_convex.py").touch()
    assert families(tmp_path) == {"dcgd": ["dcgd_convex"]}
    (tmp_path / "newer").mkdir()
    (tmp_path / "newer" / "newer_one.py").touch()
    with pytest.raises(ValueError, match=r"newer/ has scripts and no __init__\.py"):
        families(tmp_path)
    (tmp_path / "newer" / "newer_one.py").unlink()
    (tmp_path / "dcgd_new.py").touch()
    with pytest.raises(ValueError, match=r"dcgd_new\.py is in no family"):
        families(tmp_path)


def test_the_index_is_what_standing_reads():
    assert proved_index() == set(SCRIPTS)
    assert not set(REASONS) & set(SCRIPTS)


def test_rows_are_put_into_the_theorem_by_the_kernel():
    """No row lists the unified theorem beside its assumption: its own statements are the theorem."""
    rows = {name: script.parts for name, script in SCRIPTS.items() if "unified assumption" in script.title}
    assert len(rows) == 16
    for name, parts in rows.items():
        statements = [part.statement for part in parts]
        assert not any(s["name"].startswith("unified.") for s in statements)
        assert any(s["name"].endswith(".assumption") for s in statements)
        whole = [s for s in statements if "run" in s]
        assert name in [s["name"] for s in whole]
        for s in whole:
            along = s["run"]["next"]["x"]
            assert s["claim"][0].startswith(f"sq({along} - xs)")
            bound = f"sq({along.removeprefix('x - ga*(')[:-1]}) <= "
            claims = [claim for t in statements for claim in t["claim"]]
            assert along == "x - ga*J" or any(claim.startswith(bound) for claim in claims)


def test_a_run_fixes_no_number_that_changes_with_x():
    """The tuned schemes' p and t depend on the gradient: the whole run of cat.single names neither."""
    runs = [part.statement for part in SCRIPTS["cat.single"].parts if "run" in part.statement]
    assert [statement["params"].split() for statement in runs] == [["L", "mu", "d"]]


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


def index_of(path):
    """The index of one stored certificate."""
    whole, name = json.loads(INDEX.read_text()), path.stem
    lists = {
        "proved": {name: whole["proved"][name]},
        "solver_signed": {},
        "sealed": {name: whole["sealed"][name]},
        "stated": [],
    }
    lists["attained"] = {k: v for k, v in whole["attained"].items() if k == name}
    index = {**{k: whole[k] for k in HASHED}, **lists}
    return {**index, "index": sealed(index)}


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


def one_control_three_times(data):
    data["parts"][0]["controls"] = [data["parts"][0]["controls"][0]] * 3


def controls_of_another(data):
    """False statements, really false, about something else."""
    other = json.loads((CERTIFICATES / "diana.unified.json").read_text())
    data["parts"][0]["controls"] = other["parts"][-1]["controls"]


TAMPERINGS = [
    one_control_three_times,
    controls_of_another,
    rate,
    multiplier,
    negative_term,
    smaller_witness,
    no_controls,
    true_control,
    another_name,
    easier_statement,
]


@pytest.mark.parametrize("tamper", TAMPERINGS, ids=lambda f: f.__name__)
def test_recheck_catches_tampering(tamper, tmp_path):
    source = CERTIFICATES / "dcgd.interpolation.json"
    data = json.loads(source.read_text())
    tamper(data)
    (tmp_path / "index.json").write_text(json.dumps(index_of(source)))
    folder = tmp_path / "certificates"
    folder.mkdir()
    shutil.copy(source, folder)
    assert recheck(folder, tmp_path / "index.json").returncode == 0
    (folder / source.name).write_text(json.dumps(data))
    assert recheck(folder, tmp_path / "index.json").returncode == 1


def copied(folder):
    """The files of a recheck in a folder of their own, with one certificate and its index."""
    for name in ("kernel", "axioms", "guard", "roles", "survival", "models"):
        (folder / "compth" / "proof").mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / "compth" / "proof" / f"{name}.py", folder / "compth" / "proof")
    certificates = folder / "proofs_check" / "certificates"
    certificates.mkdir(parents=True)
    shutil.copy(ROOT / "proofs_check" / "recheck.py", folder / "proofs_check")
    shutil.copy(CERTIFICATES / "topk.delta.json", certificates)
    index = index_of(CERTIFICATES / "topk.delta.json")
    (folder / "compth" / "_proved.json").write_text(json.dumps(index))
    return [sys.executable, "-I", str(folder / "proofs_check" / "recheck.py")]


TAMPERED = [
    ("guard", "        _sorts(theory)\n", ""),
    ("guard", "        roles = Roles(theory)\n", "        roles = None\n"),
    ("roles", "        self._apart()\n", ""),
    ("survival", "                self._moved(name, moves, moving | still)\n", "                pass\n"),
    ("models", '    require(min(margins) >= 0, f"a claim fails in the witness: {margins}")\n', ""),
    ("kernel", '    require(not gap, f"{text', '    require(True, f"{text'),
]


@pytest.mark.parametrize(("name", "old", "new"), TAMPERED, ids=lambda v: v.strip()[:20])
def test_recheck_catches_a_tampered_file(name, old, new, tmp_path):
    """What decides vacuity and controls is hashed as the kernel is: a weaker file is named, whatever it accepts."""
    command = copied(tmp_path)
    assert subprocess.run(command, capture_output=True, check=False).returncode == 0
    path = tmp_path / "compth" / "proof" / f"{name}.py"
    text = path.read_text()
    assert text.count(old) >= 1
    path.write_text(text.replace(old, new))
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert re.search(rf"\b{name}\.py[^:]*: hash", done.stderr)


def test_recheck_needs_every_hash(tmp_path):
    """An index that is silent about the guard is none."""
    command = copied(tmp_path)
    path = tmp_path / "compth" / "_proved.json"
    index = json.loads(path.read_text())
    del index["guard"]
    path.write_text(json.dumps(index))
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "made with no hash" in done.stderr


def test_recheck_misses_no_deleted_certificate_and_no_changed_kernel(tmp_path):
    folder = tmp_path / "certificates"
    folder.mkdir()
    assert recheck(folder).returncode == 1
    shutil.copy(CERTIFICATES / "dcgd.interpolation.json", folder)
    index = json.loads(INDEX.read_text())
    (tmp_path / "index.json").write_text(json.dumps({**index, "kernel": "0" * 64}))
    done = recheck(folder, tmp_path / "index.json")
    assert done.returncode == 1
    assert "the index was made with" in done.stderr


def test_a_gap_in_the_domain_is_one():
    """A control that drops a relation which is not there would be the statement itself."""
    statement = {"domain": ["mu > 0", "L > mu"]}
    assert without(statement, "L > mu") == {"domain": ["mu > 0"]}
    with pytest.raises(ValueError, match="L >= mu"):
        without(statement, "L >= mu")
