"""Tampering without Coq: with statements, certificates, the index, the library and the record of a run."""

import copy
import json
import shutil

import pytest

from compth import claims
from proofs_check.coq import build
from proofs_check.coq.audit import Unsound
from proofs_check.coq.build import listed, trusted_index

SHORT = "dcgd.interpolation"


def stored(theorem):
    return json.loads((build.CERTIFICATES / f"{theorem}.json").read_text())


TAMPERED = ("statement", "hypothesis", "domain", "certificate", "witness", "control", "place", "name")
AMONG = (
    SHORT,
    "gd.contraction",
    "diana.convex",
    "ef21.tight",
    "ist.theorem1",
    "bernoulli.omega",
    "topk.delta",
)


def tampered(data, stratum):
    """The certificate with one thing changed."""
    part = data["parts"][0]
    statement = part["statement"]
    if stratum == "statement":
        statement["claim"] = [*statement["claim"][1:], "1 <= 2"]
    elif stratum == "hypothesis":
        statement["given"] = {**statement.get("given", {}), "more": "order(1, 0)"}
    elif stratum == "domain":
        statement["domain"] = [*statement["domain"], "0 > 1"]
    elif stratum == "certificate":
        part["certificate"]["steps"] = part["certificate"]["steps"][1:]
    elif stratum == "witness":
        part["witness"]["params"] = dict.fromkeys(part["witness"]["params"], "2")
    elif stratum == "control":
        part["controls"] = part["controls"][1:]
    elif stratum == "place":
        statement["of"] = "another.theorem 1/1"
    return data


@pytest.mark.parametrize("theorem", AMONG)
@pytest.mark.parametrize("stratum", TAMPERED)
def test_a_certificate_that_the_index_does_not_list_is_refused(theorem, stratum, tmp_path):
    path = tmp_path / ("other.json" if stratum == "name" else f"{theorem}.json")
    path.write_text(json.dumps(tampered(stored(theorem), stratum)))
    with pytest.raises(Unsound, match="index"):
        listed(path, trusted_index())
    path = tmp_path / f"{theorem}.json"
    path.write_text(json.dumps(stored(theorem)))
    assert listed(path, trusted_index())["theorem"] == theorem


def edits_of_the_index():
    """One thing changed in each list of the index."""
    index = json.loads(build.INDEX.read_text())
    for key in ("proved", "solver_signed", "attained", "sealed"):
        for change in ("more", "fewer", "other"):
            other = copy.deepcopy(index)
            entries = other[key]
            if change == "more":
                entries["made.up"] = ["0" * 64]
            elif entries and change == "fewer":
                entries.pop(next(iter(entries)))
            elif entries:
                entries[next(iter(entries))] = ["0" * 64]
            if other != index:
                yield f"{key} {change}", other
    for key in ("kernel", "guard", "models"):
        yield key, {**index, key: "0" * 64}


EDITED = dict(edits_of_the_index())


@pytest.mark.parametrize("edit", EDITED)
def test_an_index_that_was_edited_is_refused(edit, tmp_path):
    path = tmp_path / "index.json"
    path.write_text(json.dumps(EDITED[edit]))
    with pytest.raises(Unsound, match="its own hash"):
        trusted_index(path)


@pytest.mark.parametrize("key", ["kernel", "guard", "models"])
def test_an_index_made_with_other_judges_is_refused_whatever_its_own_hash(key, tmp_path):
    index = {k: v for k, v in EDITED[key].items() if k != "index"}
    path = tmp_path / "index.json"
    path.write_text(json.dumps({**index, "index": build.sealed(index)}))
    with pytest.raises(Unsound, match=f"made with another {key}"):
        trusted_index(path)


# -- the record of a run --------------------------------------------------------------------------------------------


@pytest.fixture
def believed(tmp_path):
    """Which theorems a record speaks for."""
    shutil.copy(build.INDEX, tmp_path / "_proved.json")
    shutil.copytree(build.INDEX.parent / "proof", tmp_path / "proof")

    def ask(record):
        (tmp_path / "_coq.json").write_text(json.dumps(record))
        return claims.checked_by_coq(f"{tmp_path}/")

    return ask


def record_of(*theorems):
    """A record as a whole run would write it."""
    index = trusted_index()
    found = {}
    for theorem in theorems:
        statements = index["proved"][theorem]
        found[theorem] = {
            "statements": statements,
            "certificate": index["sealed"][theorem],
            "file": "0" * 64,
            "axioms": sorted(build.WHITELIST),
            "checked": len(statements),
            "coqchk": "agrees",
        }
    return resealed({"coq": "8.16.1", "library": build.library_hashes(), "theorems": found})


def resealed(record):
    body = {k: v for k, v in record.items() if k != "record"}
    return {**body, "record": build.sealed(body)}


CHANGES = {
    "another statement": lambda e: e.update(statements=["0" * 64] * len(e["statements"])),
    "a statement less": lambda e: e.update(statements=e["statements"][:-1], checked=len(e["statements"]) - 1),
    "a statement more": lambda e: e.update(
        statements=[*e["statements"], "0" * 64], checked=len(e["statements"]) + 1
    ),
    "another certificate": lambda e: e.update(certificate="0" * 64),
    "a part unchecked": lambda e: e.update(checked=len(e["statements"]) - 1),
    "an axiom of its own": lambda e: e.update(axioms=[*e["axioms"], "Compth.cheat"]),
    "no coqchk": lambda e: e.update(coqchk="not run"),
    "coqchk objects": lambda e: e.update(coqchk="coqchk: axioms Compth.cheat"),
}


@pytest.mark.parametrize("theorem", AMONG)
@pytest.mark.parametrize("change", CHANGES)
def test_an_entry_that_is_not_of_the_index_says_nothing_even_resealed(change, theorem, believed):
    record = record_of(*AMONG)
    assert believed(record) == set(AMONG)
    CHANGES[change](record["theorems"][theorem])
    assert believed(resealed(record)) == set(AMONG) - {theorem}
    assert believed(record) == frozenset()


@pytest.mark.parametrize("key", ["coq", "library", "theorems", "record"])
def test_a_record_that_was_edited_says_nothing_at_all(key, believed):
    record = record_of(*AMONG)
    assert believed({k: v for k, v in record.items() if k != key} | {"theorems": {}}) == frozenset()
    assert (
        believed(
            {**record, key: record["theorems"] if key != "theorems" else {SHORT: record["theorems"][SHORT]}}
        )
        == frozenset()
    )


@pytest.mark.parametrize("key", ["proved", "sealed", "kernel", "index"])
def test_a_record_beside_an_index_that_was_edited_says_nothing(key, believed, tmp_path):
    """The planted error: statements written into the index and into the record alike."""
    record, path = record_of(*AMONG), tmp_path / "_proved.json"
    index = json.loads(path.read_text())
    if key in ("proved", "sealed"):
        index[key][SHORT] = ["0" * 64] if key == "proved" else "0" * 64
        entry = record["theorems"][SHORT]
        entry.update({"statements" if key == "proved" else "certificate": index[key][SHORT], "checked": 1})
    else:
        index[key] = "0" * 64
    path.write_text(json.dumps(index))
    assert believed(resealed(record)) == frozenset()


def test_in_a_changed_package_nothing_is_checked_by_coq(monkeypatch):
    assert SHORT in claims.coq_index()
    with monkeypatch.context() as patch:
        patch.setattr(claims, "checked_by_coq", lambda folder: frozenset({"diana.convex"}))
        claims.coq_index.cache_clear()
        assert claims.coq_index() == frozenset()
    claims.coq_index.cache_clear()
    assert SHORT in claims.coq_index()


def test_indices_are_read_where_the_package_lies(tmp_path, monkeypatch):
    """The planted error: Python's own function for files of a package, replaced, would lead to another index."""
    index = {k: v for k, v in json.loads(build.INDEX.read_text()).items() if k != "index"}
    index["proved"]["mine"] = index["attained"]["mine"] = ["0" * 64]
    (tmp_path / "_proved.json").write_text(json.dumps({**index, "index": build.sealed(index)}))
    shutil.copytree(build.INDEX.parent / "proof", tmp_path / "proof")
    monkeypatch.setattr("importlib.resources.files", lambda _: tmp_path)
    monkeypatch.setattr("pathlib.Path.read_text", lambda *_, **__: (tmp_path / "_proved.json").open().read())
    monkeypatch.setattr("builtins.open", lambda *_, **__: (tmp_path / "_proved.json").open("rb"))
    for asked in (claims.proved_index, claims.attained_index, claims.coq_index):
        asked.cache_clear()
        try:
            assert asked()
            assert "mine" not in asked()
        finally:
            asked.cache_clear()


def test_a_record_may_be_missing(tmp_path):
    shutil.copy(build.INDEX, tmp_path / "_proved.json")
    assert claims.checked_by_coq(f"{tmp_path}/") == frozenset()


@pytest.mark.parametrize("name", build.LIBRARY)
def test_a_run_forgets_what_another_library_was_shown(name, tmp_path, monkeypatch):
    path = tmp_path / "_coq.json"
    monkeypatch.setattr(build, "RECORD", path)
    head = {"coq": "8.16.1", "library": build.library_hashes()}
    path.write_text(json.dumps(record_of(*AMONG)))
    assert set(build._kept(head)) == set(AMONG)
    assert build._kept({**head, "library": {**head["library"], name: "0" * 64}}) == {}
    assert build._kept({**head, "coq": "8.15"}) == {}
    fewer = {k: v for k, v in head["library"].items() if k != name}
    assert build._kept({**head, "library": fewer}) == {}
    path.write_text(json.dumps(resealed({**record_of(*AMONG), "library": fewer})))
    assert set(build._kept(head)) == set(AMONG), "a new file of the library is used by no stored theorem"
    path.write_text(json.dumps({**record_of(*AMONG), "coq": "8.15"}))
    assert build._kept(head) == {}
