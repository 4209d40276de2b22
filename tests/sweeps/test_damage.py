"""Sweeps under bad specs, changed files and damaged stores: one clear line, and never a row that differs silently."""

import csv
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from compth.cli import run
from compth.errors import CompthError, InvalidParameter, UnusableInput
from compth.sweeps import Store, expand, read_toml, run_task, sweep

GRID = {"methods": ["GD()"], "problems": [{"random": True, "n": 2, "d": 3}], "steps": 5, "runs": 2}


def through(grid, path):
    with ThreadPoolExecutor(1) as pool:
        return sweep(grid, pool, path)


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"steps": -5}, "steps=-5"),
        ({"runs": 2.5}, "runs=2.5"),
        ({"steps": True}, "steps=True"),
        ({"eps": 2}, "eps=2"),
        ({"seeds": []}, "non-empty list seeds"),
        ({"seeds": [1, "a"]}, "seed='a'"),
        ({"seeds": [-1]}, "seed=-1"),
        ({"problems": [{"random": "no"}]}, "random='no' must be true or false"),
        ({"problems": [{"n": 3, "d": 4}]}, "add random = true"),
        ({"problems": [{"random": True, "n": "3"}]}, "n='3' must be int"),
        ({"problems": [{"random": True, "kappa": float("inf")}]}, "kappa=inf must be finite"),
        ({"problems": [{"random": True, "d": True}]}, "d=True must be int"),
        ({"problems": ["wine"]}, "must be a table"),
        ({"problems": [{"dataset": "no.csv"}]}, "no.csv"),
        ({"methods": ["DCGD(RandK)"]}, "RandK"),
    ],
)
def test_specs_are_judged_whole_before_the_first_task(tmp_path, changes, rule):
    with pytest.raises(CompthError, match=rule) as caught:
        sweep({**GRID, **changes}, store=tmp_path / "s.sqlite")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "s.sqlite").exists()


TOML_VALUES = [
    "3",
    "-1",
    "0",
    "true",
    '"no"',
    '"x"',
    "[]",
    "[1]",
    '["GD()"]',
    "1e400",
    "nan",
    "{a = 1}",
    "1979-05-27",
    "2.5",
]
TOML_NAMES = ["methods", "seeds", "steps", "runs", "eps", "problems", "other"]
TABLE_NAMES = [
    "dataset",
    "random",
    "workers",
    "n",
    "d",
    "kappa",
    "seed",
    "rank",
    "spectrum",
    "L",
    "target",
    "size",
]


def spec_text(rng):
    """A spec with a few values replaced by others, or cut."""
    top = {"methods": '["GD()"]', "steps": "4", "runs": "2", "seeds": "[0]"}
    table = {"random": "true", "n": "2", "d": "3"}
    for _ in range(rng.randrange(1, 3)):
        part, names = rng.choice([(top, TOML_NAMES), (table, TABLE_NAMES)])
        part[rng.choice(names)] = rng.choice(TOML_VALUES)
    lines = [f"{k} = {v}" for k, v in top.items()]
    lines += ["[[problems]]"] * ("problems" not in top) + [f"{k} = {v}" for k, v in table.items()]
    text = "\n".join(lines)
    return text[: rng.randrange(len(text))] if rng.random() < 0.2 else text


@pytest.mark.parametrize("block", range(4))
def test_fuzz_of_specs(tmp_path, block):
    """120 specs: tasks that can all be built, or one line."""
    for seed in range(30 * block, 30 * block + 30):
        (tmp_path / "s.toml").write_text(spec_text(random.Random(seed)))
        said, tasks = "", []
        try:
            tasks = expand(read_toml(tmp_path / "s.toml"))
        except CompthError as problem:
            said = str(problem)
        assert bool(tasks) != bool(said), seed
        assert "\n" not in said, seed
        for task in tasks:
            assert type(task["steps"]) is type(task["runs"]) is type(task["seed"]) is int, seed


def test_a_changed_file_is_another_task(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    data = tmp_path / "t.csv"
    data.write_text("a,b,c\n" + "".join(f"{i},{i * i},{i * i % 5}\n" for i in range(8)))
    grid = {**GRID, "problems": [{"dataset": "t.csv", "workers": 2}]}
    first = through(grid, "s.sqlite")
    assert through(grid, "s.sqlite").computed == 0
    data.write_text("a,b,c\n" + "".join(f"{i},{i**3},{i * i % 7}\n" for i in range(8)))
    second = through(grid, "s.sqlite")
    assert second.computed == 1
    assert second.rows[0]["stepsize"] != first.rows[0]["stepsize"]
    task = expand(grid)[0]
    data.write_text("a,b\n1,2\n3,5\n4,4\n")
    with pytest.raises(UnusableInput, match="has changed since the sweep began"):
        run_task(task)


def test_exports_hold_version_and_grid_and_no_formula(tmp_path):
    with Store(tmp_path / "s.sqlite") as store:
        row = {"method": "=1+1", "version": "0", "seed": 0, "note": "@x", "final": -0.5}
        store.put("a", json.dumps({"problem": {"dataset": "wine", "workers": 3}}), json.dumps(row))
        store.put("b", json.dumps({"problem": {"random": True}}), json.dumps({**row, "error": "-x"}))
        store.to_csv(tmp_path / "r.csv")
        assert len({tuple(r) for r in store.table()}) == 1, "every row has every column"
    with (tmp_path / "r.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert rows[0]["method"] == "'=1+1"
    assert rows[0]["note"] == "'@x"
    assert rows[0]["final"] == "-0.5"
    assert rows[0]["grid.dataset"] == "wine"
    assert rows[1]["error"] == "'-x"
    assert rows[1]["grid.random"] == "True"


def test_a_newer_schema_is_refused_and_an_older_one_is_sealed(tmp_path):
    path = tmp_path / "s.sqlite"
    with Store(path) as store:
        store.put("a", "{}", '{"x": 1}')
        store._db.execute("PRAGMA user_version = 3")
    with pytest.raises(UnusableInput, match="newer compth"):
        Store(path)
    db = sqlite3.connect(path)
    db.executescript("ALTER TABLE results DROP COLUMN seal; PRAGMA user_version = 0;")
    db.close()
    with Store(path) as store:
        assert store.rows() == [{"x": 1}]
        assert store.keys() == {"a"}


def test_a_damaged_row_is_computed_again_and_never_exported(tmp_path):
    path = tmp_path / "s.sqlite"
    whole = through({**GRID, "seeds": [0, 1]}, path).rows
    with Store(path) as store:
        store._db.execute("UPDATE results SET row = replace(row, '\"d\":3', '\"d\":4') WHERE rowid = 1")
        with pytest.raises(UnusableInput, match="1 damaged rows"):
            store.to_csv(tmp_path / "r.csv")
    again = through({**GRID, "seeds": [0, 1]}, path)
    assert again.computed == 1
    assert again.rows == whole


@pytest.mark.slow
@pytest.mark.parametrize("block", range(5))
def test_fuzz_of_damaged_stores(tmp_path, block):
    """500 stores with bytes changed: the right rows, or one line; what is found damaged can be computed again."""
    rows = {
        f"k{i}": json.dumps({"method": "GD", "version": "0", "seed": i, "value": i * 1.5}) for i in range(12)
    }
    with Store(tmp_path / "s.sqlite") as store:
        for key, row in rows.items():
            store.put(key, '{"problem":{}}', row)
        store._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    good = (tmp_path / "s.sqlite").read_bytes()
    path = tmp_path / "d.sqlite"
    for seed in range(100 * block, 100 * block + 100):
        rng = random.Random(seed)
        content = bytearray(good)
        used = [i for i, byte in enumerate(good) if byte]
        for _ in range(rng.randrange(1, 4)):
            content[rng.choice(used)] = rng.randrange(256)
        for old in tmp_path.glob("d.sqlite*"):
            old.unlink()
        path.write_bytes(content if rng.random() < 0.9 else content[: rng.randrange(len(content))])
        check_damaged(path, rows, seed)


def check_damaged(path, rows, seed):
    said = ""
    try:
        with Store(path) as store:
            for key in store.keys():  # noqa: SIM118 - a method of the store
                assert store.rows([key]) == [json.loads(rows[key])], seed
            for key, row in rows.items():
                store.put(key, '{"problem":{}}', row)
            assert [json.loads(r) for r in rows.values()] == store.rows(rows), seed
    except UnusableInput as problem:
        said = str(problem)
    assert "\n" not in said, seed


@pytest.mark.slow
def test_failed_rows_show_in_the_exit_code(tmp_path, capsys):
    (tmp_path / "s.toml").write_text(
        'methods = ["DCGD(TopK(k=1))"]\nsteps = 3\nruns = 2\n[[problems]]\nrandom = true\nd = 3\n'
    )
    assert (
        run(["sweep", str(tmp_path / "s.toml"), "--store", str(tmp_path / "s.sqlite"), "--workers", "1"]) == 3
    )
    assert "1 with errors" in capsys.readouterr().out


def test_an_export_that_cannot_be_written_is_said_before_the_work(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("compth.sweeps.sweep", lambda *a, **k: pytest.fail("it started"))
    (tmp_path / "mine.csv").write_text("precious,1\n")
    (tmp_path / "s.toml").write_text("")
    os.mkfifo(tmp_path / "pipe.csv")
    for name in ("mine.csv", "pipe.csv"):
        assert run(["sweep", str(tmp_path / "s.toml"), "--csv", str(tmp_path / name)]) == 2
        assert name in capsys.readouterr().err


@pytest.mark.slow
def test_ctrl_c_stops_at_once_keeps_rows_and_says_so(tmp_path):
    spec = (
        'methods = ["DIANA(RandK(k=2))"]\nseeds = [%s]\nsteps = 500\nruns = 64\n[[problems]]\nrandom = true\n'
    )
    (tmp_path / "s.toml").write_text(spec % ",".join(map(str, range(200))))
    command = [sys.executable, "-m", "compth", "sweep", "s.toml"]
    child = subprocess.Popen(
        command,
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=heed_interrupts,
    )
    deadline = time.monotonic() + 600
    while time.monotonic() < deadline and not ((tmp_path / "sweep.sqlite").exists() and kept(tmp_path)):
        time.sleep(0.1)
    child.send_signal(signal.SIGINT)
    said = child.communicate(timeout=600)[1]
    assert child.returncode == 130
    assert said.strip() == (
        "compth sweep: interrupted; finished rows are kept in sweep.sqlite: run the same command to go on"
    )
    assert 1 <= kept(tmp_path) < 200


def heed_interrupts():
    """A child takes Ctrl-C also where its parent was started in a shell's background, which ignores it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def kept(folder):
    try:
        with Store(folder / "sweep.sqlite") as store:
            return len(store.keys())
    except UnusableInput:
        return 0


def test_unknown_names_are_all_listed():
    with pytest.raises(InvalidParameter, match=r"unknown \['colour', 'size'\]"):
        expand({**GRID, "problems": [{"random": True, "size": 3, "colour": 1}]})
