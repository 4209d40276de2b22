"""`compth tune`: files, data sets, schemes, costs, JSON, and one line with exit code 2 for what cannot be used."""

from __future__ import annotations

import json

import numpy as np
import pytest

import compth as ct
from compth.cli import run


def printed(capsys, *arguments):
    assert run(["tune", *arguments]) == 0
    return capsys.readouterr().out


@pytest.fixture
def vector(tmp_path):
    path = tmp_path / "g.npy"
    np.save(path, np.array([3.0, 2.0, 1.0]))
    return str(path)


def test_json_agrees_with_the_library(vector, capsys):
    data = json.loads(printed(capsys, vector, "--json", "-c", "Affine(1, 5)", "-L", "2", "--curve", "9"))
    assert (data["d"], [r["scheme"] for r in data["rows"]]) == (3, ["S", "S+Q", "SS"])
    for row in data["rows"]:
        tuned = ct.tune([3.0, 2.0, 1.0], row["scheme"], ct.costs.Affine(1, 5), L=2)
        for key in ("level", "share", "stepsize", "improvement", "cost", "efficiency"):
            assert row[key] == getattr(tuned, key)
        assert row["curve"] == [[t, e] for t, e in zip((1, 2, 3), tuned.curve.tolist(), strict=True)]
    assert data["rows"][0]["level"] == 2


def test_text_files_and_matrices(tmp_path, capsys):
    for name, text in (("g.csv", "3,2,1\n"), ("g.txt", "3\n2\n\n1\n"), ("h.csv", "3;2;1")):
        (tmp_path / name).write_text(text)
        data = json.loads(printed(capsys, str(tmp_path / name), "--json", "-s", "S", "-c", "Affine(1, 5)"))
        assert data["rows"][0]["level"] == 2
    (tmp_path / "g.json").write_text("[3, 2.0, 1e0]")
    data = json.loads(printed(capsys, str(tmp_path / "g.json"), "--json", "-s", "S", "-c", "Affine(1, 5)"))
    assert (data["d"], data["rows"][0]["level"]) == (3, 2)
    (tmp_path / "m.json").write_text("[[1, 2], [3, 4], [5, 6]]")
    assert "RankR" in printed(capsys, str(tmp_path / "m.json"), "-s", "RankR")
    (tmp_path / "m.csv").write_text("1,2\n3,4\n5,6\n")
    out = printed(capsys, str(tmp_path / "m.csv"), "-s", "AtomoSpectral", "-s", "RankR(1, (3, 2))")
    assert "AtomoSpectral" in out


def test_data_sets_links_and_degenerate_families(capsys):
    out = printed(capsys, "digits", "-s", "RandK", "-s", "S", "-c", "lorawan", "--curve", "4")
    assert "efficiency of S: 1: " in out
    assert "every gradient" in out
    assert "d=64" in out
    assert "numpy" in out


@pytest.mark.parametrize(
    ("arguments", "rule"),
    [
        (["missing.npy"], "cannot be read"),
        (["g.parquet"], "must be a .npy"),
        (["nan.csv"], "gradient[1]=nan is not finite"),
        (["empty.txt"], "empty"),
        (["words.csv"], "cannot be read"),
        (["ragged.csv"], "cannot be read"),
        (["pickle.npy"], "cannot be read"),
        (["object.json"], "a JSON list of numbers"),
        (["flags.json"], "a JSON list of numbers"),
        (["rows.json"], "cannot be read"),
        (["broken.json"], "cannot be read"),
        (["none.json"], "empty"),
        (["nan.json"], "gradient[1]=nan is not finite"),
        (["huge.json"], "cannot be read"),
        (["digits", "-s", "RandKay"], "is not known"),
        (["digits", "-s", "RandK(k=0)"], "k=0"),
        (["digits", "-c", "Affine(0, 0)"], "costs nothing"),
        (["digits", "-c", "Affine(-1, 0)"], "per_element=-1"),
        (["digits", "-c", "pigeon"], "is not known"),
        (["digits", "-c", "Affine(1"], "cannot be read"),
        (["digits", "-c", "__import__('os')"], "not known"),
        (["digits", "-L", "0"], "L=0"),
    ],
)
def test_unusable_input_is_one_line(arguments, rule, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    files = {"nan.csv": "1,nan,2", "empty.txt": "", "words.csv": "one,two", "ragged.csv": "1,2\n3\n"}
    files |= {"object.json": '{"g": [1]}', "flags.json": "[true]", "rows.json": "[[1, 2], [3]]"}
    files |= {"broken.json": "[1,", "none.json": "[]", "nan.json": "[1, NaN]", "huge.json": f"[1{'0' * 400}]"}
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    np.save(tmp_path / "pickle.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    assert run(["tune", *arguments]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 1
    assert rule in said.err


def test_report_holds_the_table_and_the_command(tmp_path, capsys, vector, monkeypatch):
    page = tmp_path / "tune.html"
    monkeypatch.setattr("sys.argv", ["compth", "tune", "<b>x</b>", "--report", str(page)])
    out = printed(capsys, str(vector), "--scheme", "S", "--report", str(page))
    text = page.read_text()
    row = next(line for line in out.splitlines() if line.startswith("S "))
    assert all(cell in text for cell in row.split())
    assert "&lt;b&gt;x&lt;/b&gt;" in text
    assert "<b>x" not in text
    assert "numpy" in text


def test_a_foreign_report_is_not_overwritten_and_the_advice_fits(vector, tmp_path, capsys):
    mine = tmp_path / "mine.html"
    mine.write_text("precious")
    assert run(["tune", vector, "--report", str(mine)]) == 2
    said = capsys.readouterr().err
    assert "choose another name" in said
    assert "--force" not in said
    assert mine.read_text() == "precious"
