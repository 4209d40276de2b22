"""Sweeps: complete, resumable, bitwise the same after kills; every file fault is one clear line."""

import csv
import json
import os
import signal
import sqlite3
import subprocess
import sys
import textwrap
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import compth as ct
from compth.cli import run
from compth.errors import CompthError, InvalidParameter, UnusableInput
from compth.sweeps import Store, expand, key_of, run_task, sweep
from tests.thorough import alone, tries

GRID = {
    "methods": ["GD()", "DIANA(RandK(k=2))", "EF21(TopK(k=1))"],
    "problems": [
        {"random": True, "n": 3, "d": 5, "kappa": 10.0, "seed": 1},
        {"dataset": "wine", "workers": 3},
    ],
    "seeds": [0, 1],
    "steps": 20,
    "runs": 3,
}


def raw(path):
    with Store(path) as store:
        return store.raw()


def test_rows_are_those_of_a_plain_run(tmp_path):
    with ThreadPoolExecutor(2) as pool:
        result = sweep(GRID, pool, tmp_path / "s.sqlite")
    assert len(result.rows) == 12
    assert result.computed == 12
    for spec, row in zip(expand(GRID), result.rows, strict=True):
        assert json.loads(json.dumps(run_task(spec))) == row
    assert {row["problem"] for row in result.rows} == {
        "random(n=3, d=5, kappa=10)",
        "ridge on wine(n=3, d=13, kappa=31.5)",
    }


def test_a_finished_sweep_computes_nothing_and_a_larger_one_only_the_rest(tmp_path):
    with ThreadPoolExecutor(2) as pool:
        sweep({**GRID, "seeds": [0]}, pool, tmp_path / "s.sqlite")
        assert sweep({**GRID, "seeds": [0]}, pool, tmp_path / "s.sqlite").computed == 0
        assert sweep(GRID, pool, tmp_path / "s.sqlite").computed == 6


def test_the_key_depends_on_everything_that_the_row_does(monkeypatch):
    spec = expand(GRID)[0]
    others = [{**spec, "seed": 9}, {**spec, "steps": 21}, {**spec, "method": "GD(gamma=0.1)"}]
    keys = {key_of(s) for s in [spec, *others]}
    monkeypatch.setattr(ct, "__version__", "9.9")
    assert len(keys | {key_of(spec)}) == 5


@pytest.mark.slow
def test_processes_give_the_same_bits_as_threads(tmp_path):
    with ThreadPoolExecutor(2) as pool:
        sweep(GRID, pool, tmp_path / "a.sqlite")
    seen = []
    sweep(GRID, store=tmp_path / "b.sqlite", progress=lambda *a: seen.append(a))
    assert raw(tmp_path / "a.sqlite") == raw(tmp_path / "b.sqlite")
    assert seen[-1][:2] == (12, 12)


DRIVER = textwrap.dedent(
    """
    import json, sys
    from compth.sweeps import sweep
    if __name__ == "__main__":
        sweep(json.loads(sys.argv[1]), store=sys.argv[2])
    """
)
EVERY = 8
"""Rows between two kills of a worker."""
KILLS = tries(4, 8)
"""Kills of workers; each starts two new processes."""
CHAOS = {
    "methods": [f"DIANA(RandK(k={k}))" for k in range(1, 6)] + [f"EF21(TopK(k={k}))" for k in range(1, 6)],
    "problems": [{"random": True, "n": 3, "d": 6, "kappa": 10.0, "seed": s} for s in range(4)],
    "seeds": list(range(6)),
    "steps": 40,
    "runs": 4,
}


def children(parent):
    """Worker processes of a driver, read from /proc."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                command, stat = (entry / "cmdline").read_bytes(), (entry / "stat").read_text()
            except OSError:
                continue
            if b"spawn_main" in command and int(stat.rpartition(")")[2].split()[1]) == parent:
                found.append(int(entry.name))
    return found


@alone
@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="kills processes found in /proc")
def test_chaos_nothing_is_lost_and_every_bit_is_the_same(tmp_path):
    script = tmp_path / "driver.py"
    script.write_text(DRIVER)
    store = tmp_path / "chaos.sqlite"
    command = [sys.executable, str(script), json.dumps(CHAOS), str(store)]
    worker_kills = driver_kills = 0
    for life in range(3):
        driver = subprocess.Popen(command)
        while driver.poll() is None:
            time.sleep(0.05)
            due = (
                store.exists() and len(raw(store)) >= EVERY * worker_kills
            )  # by what is done, not by the clock
            if due and worker_kills < KILLS and (workers := children(driver.pid)):
                os.kill(workers[0], signal.SIGKILL)
                worker_kills += 1
            if life < 2 and worker_kills >= KILLS * 3 // 8 * (life + 1) and driver.poll() is None:
                driver.kill()
                driver_kills += 1
                break
        driver.wait(timeout=600)
    assert driver.returncode == 0
    assert (worker_kills, driver_kills) >= (KILLS - 1, 2)
    calm = tmp_path / "calm.sqlite"
    with ThreadPoolExecutor(2) as pool:
        sweep(CHAOS, pool, calm)
    assert len(raw(calm)) == len(expand(CHAOS)) >= 220
    assert raw(store) == raw(calm)


@pytest.mark.slow
def test_a_task_that_kills_its_worker_is_given_up_and_the_others_finish(tmp_path, monkeypatch):
    plugin = tmp_path / "sitecustomize.py"
    plugin.write_text(
        textwrap.dedent(
            """
            import os
            import compth.sweeps.tasks as tasks
            import compth.sweeps.driver as driver
            real = tasks.attempt
            def deadly(spec):
                if spec["method"].startswith("GD"):
                    os._exit(9)
                return real(spec)
            driver.attempt = deadly
            """
        )
    )
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}{os.pathsep}{os.environ.get('PYTHONPATH', '')}")
    result = sweep({**GRID, "seeds": [0]}, store=tmp_path / "s.sqlite")
    errors = [row for row in result.rows if "error" in row]
    assert len(result.rows) == 6
    assert [row["error"] for row in errors] == ["killed its worker 3 times"] * 2
    assert len(result.given_up) == 2


@pytest.mark.optional
@pytest.mark.slow
def test_the_same_rows_on_dask(tmp_path):
    distributed = pytest.importorskip("distributed")
    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
        distributed.Client(cluster) as client,
    ):
        sweep(GRID, client.get_executor(), tmp_path / "dask.sqlite")
    with ThreadPoolExecutor(2) as pool:
        sweep(GRID, pool, tmp_path / "a.sqlite")
    assert raw(tmp_path / "a.sqlite") == raw(tmp_path / "dask.sqlite")


BAD_GRIDS = [
    ({}, "methods"),
    ({**GRID, "methods": []}, "methods"),
    ({**GRID, "step": 3}, "step"),
    ({**GRID, "methods": ["EF21(RandK(k=1))"]}, "use Scaled"),
    ({**GRID, "methods": ["RandK(k=1)"]}, "not a method"),
    ({**GRID, "methods": [3]}, "method=3"),
    ({**GRID, "problems": [{"random": True, "size": 3}]}, "size"),
    ({**GRID, "problems": [{"dataset": "mnist"}]}, "mnist"),
]


@pytest.mark.parametrize(("grid", "rule"), BAD_GRIDS)
def test_bad_grids_are_refused_before_anything_runs(grid, rule, tmp_path):
    with pytest.raises(CompthError, match=rule) as caught:
        sweep(grid, store=tmp_path / "s.sqlite")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "s.sqlite").exists()


def test_a_task_that_cannot_run_is_a_row_with_its_error(tmp_path):
    grid = {**GRID, "methods": ["DCGD(TopK(k=1))"], "seeds": [0]}
    with ThreadPoolExecutor(1) as pool:
        rows = sweep(grid, pool, tmp_path / "s.sqlite").rows
    assert all("give a step size" in row["error"] for row in rows)


def test_foreign_corrupt_missing_and_unwritable_stores(tmp_path):
    foreign = tmp_path / "foreign.sqlite"
    with sqlite3.connect(foreign) as db:
        db.execute("CREATE TABLE precious (x)")
    db.close()
    with pytest.raises(UnusableInput, match="another program"):
        Store(foreign)
    corrupt = tmp_path / "corrupt.sqlite"
    corrupt.write_bytes(b"not a database at all" * 100)
    with pytest.raises(UnusableInput, match="corrupt"):
        Store(corrupt)
    with pytest.raises(UnusableInput, match="does not exist"):
        Store(tmp_path / "no" / "s.sqlite")


def test_a_locked_store_is_one_clear_line(tmp_path, monkeypatch):
    path = tmp_path / "s.sqlite"
    with Store(path) as store:
        store.put("a", "{}", "{}")
    monkeypatch.setattr("compth.sweeps.store.WAIT", 0.2)
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    with pytest.raises(UnusableInput, match="lock"), Store(path) as store:
        store.put("b", "{}", "{}")
    holder.execute("ROLLBACK")
    holder.close()
    assert [row[0] for row in raw(path)] == ["a"]


def test_a_full_disk_loses_no_finished_row(tmp_path):
    path = tmp_path / "s.sqlite"
    with Store(path) as store:
        store.put("a", "{}", "{}")
        pages = store._db.execute("PRAGMA page_count").fetchone()[0]
        store._db.execute(f"PRAGMA max_page_count = {pages}")
        with pytest.raises(UnusableInput, match="disk is full"):
            store.put("b", "{}", json.dumps("x" * 200_000))
    assert [row[0] for row in raw(path)] == ["a"]


SPEC = """
methods = ["GD()", "DIANA(RandK(k=2))"]
seeds = [0]
steps = 10
runs = 2
[[problems]]
dataset = "wine"
workers = 3
"""


@pytest.mark.slow
def test_command_line_runs_resumes_and_exports(tmp_path, capsys):
    (tmp_path / "spec.toml").write_text(SPEC)
    arguments = ["sweep", str(tmp_path / "spec.toml"), "--store", str(tmp_path / "s.sqlite")]
    assert run([*arguments, "--csv", str(tmp_path / "rows.csv")]) == 0
    assert "2 rows (2 computed now, 0 with errors)" in capsys.readouterr().out
    with (tmp_path / "rows.csv").open() as file:
        assert {row["method"] for row in csv.DictReader(file)} == {"GD", "DIANA RandK(k=2)"}
    assert run([*arguments, "--report", str(tmp_path / "sweep.html")]) == 0
    assert "0 computed now" in capsys.readouterr().out
    page = (tmp_path / "sweep.html").read_text()
    assert "DIANA RandK(k=2)" in page
    assert "<script" not in page


@pytest.mark.parametrize(
    ("text", "rule"), [("methods = [", "not TOML"), ("x = 1", "unknown"), (None, "cannot be read")]
)
def test_bad_spec_files_are_one_line(tmp_path, capsys, text, rule):
    if text is not None:
        (tmp_path / "spec.toml").write_text(text)
    assert run(["sweep", str(tmp_path / "spec.toml"), "--store", str(tmp_path / "s.sqlite")]) == 2
    said = capsys.readouterr().err
    assert rule in said
    assert len(said.strip().splitlines()) == 1


@pytest.mark.optional
def test_parquet(tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    with ThreadPoolExecutor(1) as pool:
        sweep({**GRID, "seeds": [0]}, pool, tmp_path / "s.sqlite")
    with Store(tmp_path / "s.sqlite") as store:
        store.to_parquet(tmp_path / "rows.parquet")
        assert parquet.read_table(tmp_path / "rows.parquet").to_pylist() == store.table()
        store.to_parquet(tmp_path / "rows.parquet")
        (tmp_path / "c").write_text("precious")
        unmarked = parquet.read_table(tmp_path / "rows.parquet").replace_schema_metadata(None)
        parquet.write_table(unmarked, tmp_path / "a")
        for name in ("a", "c"):
            before = (tmp_path / name).read_bytes()
            with pytest.raises(UnusableInput, match="not written by compth: choose another name"):
                store.to_parquet(tmp_path / name)
            assert (tmp_path / name).read_bytes() == before


def test_unknown_settings():
    with pytest.raises(InvalidParameter, match="workers=0"):
        sweep(GRID, workers=0)


def test_csv_is_exported_again_but_never_over_anothers_file(tmp_path):
    mine = tmp_path / "mine.csv"
    mine.write_text("method,price\nGD,3\n")
    with Store(tmp_path / "s.sqlite") as store:
        store.put("a", "{}", '{"method": "GD", "version": "0", "seed": 0, "rounds": 3}')
        store.to_csv(tmp_path / "rows.csv")
        store.put("b", "{}", '{"error": "no", "method": "EF", "version": "0", "seed": 1}')
        store.to_csv(tmp_path / "rows.csv")
        with (tmp_path / "rows.csv").open(newline="") as file:
            assert [row["method"] for row in csv.DictReader(file)] == ["GD", "EF"]
        with pytest.raises(UnusableInput, match=r"not written by compth: choose another name$"):
            store.to_csv(mine)
        with pytest.raises(UnusableInput, match="cannot be written"):
            store.to_csv(mine / "below.csv")
    assert mine.read_text() == "method,price\nGD,3\n"
    assert not list(tmp_path.glob(".*"))


def test_the_example_is_a_sweep_wherever_it_is_shown(tmp_path, capsys):
    """README, guide and --help."""
    from compth.cli import run
    from compth.sweeps import expand, read_toml

    root = Path(__file__).parents[2]
    assert run(["sweep", "--help"]) == 0
    helped = capsys.readouterr().out.partition("every seed:")[2].partition("Arguments:")[0]
    readme = (root / "README.md").read_text().partition("```toml\n")[2].partition("```")[0]
    guide = (root / "docs/guide/command_line.rst").read_text().partition(".. code-block:: toml\n")[2]
    guide = guide.partition("\nDownlinks")[0]
    for text in (helped, readme, guide):
        file = tmp_path / "grid.toml"
        file.write_text("\n".join(line.strip() for line in text.splitlines()))
        tasks = expand(read_toml(file))
        assert len(tasks) == 18
        assert {task["problem"].get("random", False) for task in tasks} == {True, False}
