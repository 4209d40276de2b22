"""`compth compare` as a user meets it: outputs, refusals in one line, nothing half-written."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from compth.cli import run

SMALL = ["compare", "--dataset", "wine", "--workers", "3", "--steps", "30", "--runs", "4"]
FILES = {"comparison.svg", "comparison.png", "comparison.pdf", "comparison.json", "comparison.html"}


def test_writes_table_figure_data_and_report(tmp_path, capsys):
    out = tmp_path / "o"
    assert run([*SMALL, "--out", str(out)]) == 0
    shown = capsys.readouterr().out
    assert "DIANA" in shown
    assert "seed 0" in shown
    assert str(out / "comparison.html") in shown
    assert {p.name for p in out.iterdir()} == FILES
    data = json.loads((out / "comparison.json").read_text())
    assert data["settings"] == {"eps": 1e-3, "steps": 30, "runs": 4, "seed": 0}
    assert len(data["rows"]) == len(data["curves"]) == 7
    assert all(len(c["mean_square"]) == 31 for c in data["curves"])
    page = (out / "comparison.html").read_text()
    assert "<svg" in page
    assert "<script" not in page
    assert "http-equiv" not in page
    assert "compth compare" in page
    assert run([*SMALL, "-m", "GD", "--out", str(out)]) == 0, "our own files may be written again"
    assert len(json.loads((out / "comparison.json").read_text())["rows"]) == 1


def test_json_goes_to_standard_output(tmp_path, capsys):
    assert run([*SMALL, "--json", "-m", "GD", "--out", str(tmp_path)]) == 0
    assert json.loads(capsys.readouterr().out)["rows"][0]["label"] == "GD"


@pytest.mark.slow
def test_outputs_are_byte_identical_on_rerun(tmp_path):
    command = [sys.executable, "-m", "compth", *SMALL, "-m", "DCGD(RandK(k=2))"]
    for name in ("a", "b"):
        folder = tmp_path / name
        folder.mkdir()
        subprocess.run([*command, "--out", "o"], cwd=folder, check=True, capture_output=True)
    for name in FILES:
        assert (tmp_path / "a/o" / name).read_bytes() == (tmp_path / "b/o" / name).read_bytes(), name


def test_a_bare_method_is_taken_with_every_compressor_it_accepts(tmp_path, capsys):
    command = [
        *SMALL,
        "-m",
        "DIANA",
        "-m",
        "EF",
        "-c",
        "RandK(k=2)",
        "-c",
        "TopK(k=2)",
        "--out",
        str(tmp_path),
    ]
    assert run(command) == 0
    shown = capsys.readouterr().out
    assert "skipped: DIANA needs Unbiased; TopK(k=2)" in shown
    assert "skipped: EF needs Contractive; RandK(k=2)" in shown


REFUSALS = [
    (["--dataset", "mnist"], "dataset='mnist'"),
    (["--split", "sorted"], "split='sorted'"),
    (["--workers", "500"], "workers=500"),
    (["--eps", "0"], "eps=0.0"),
    (["--eps", "-1"], "eps=-1.0"),
    (["--steps", "0"], "steps=0"),
    (["--runs", "0"], "runs=0"),
    (["--seed", "-1"], "seed=-1"),
    (["--regularisation", "-1"], "regularisation=-1.0"),
    (["-m", "DCGD(RandK(k=99))"], "k <= d (k=99), got n=3, d=13"),
    (["-m", "DCGD(RandK(k=0))"], "RandK(k=0)"),
    (["-m", "SGD(RandK(k=1))"], "SGD(gamma=RandK(k=1)) needs a step size"),
    (["-m", "SGDM(RandK(k=1))"], "'SGDM'"),
    (["-m", "DCGD(Rand(k=1))"], "'Rand'"),
    (["-m", "DCGD(RandK(k=1), gamma=-1)"], "gamma=-1"),
    (["-m", "EF21(TopK(k=2))", "-c", "TopK(k=2)"], "goes to no method: each -m has its own"),
    (["-m", "DCGD(RandK(q=1))"], "RandK in 'DCGD(RandK(q=1))' takes no q: it takes k"),
    (["-m", "RandK(k=1)"], "is not a method"),
    (["-m", "EF21(RandK(k=3))"], "use Scaled(RandK(k=3))"),
    (["-m", "DCGD(TopK(k=1))"], "give a step size"),
    (["-m", "__import__('os').system('true')"], "cannot be read"),
    (["-m", "GD(().__class__)"], "cannot be read"),
    (["--nonsense"], "--nonsense"),
    (["--steps", "many"], "steps='many'"),
    (["--out", "/proc/forbidden/x"], "cannot be written"),
]


@pytest.mark.parametrize(("options", "rule"), REFUSALS)
def test_bad_input_is_one_line_and_exit_code_2(options, rule, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run([*SMALL, *options]) == 2
    said = capsys.readouterr()
    assert len(said.err.strip().splitlines()) == 1
    assert rule in said.err
    assert list(tmp_path.iterdir()) == [], "nothing half-written"


def test_nan_data_is_refused(tmp_path, capsys):
    x = np.ones((20, 3))
    x[4, 1] = np.nan
    np.savez(tmp_path / "bad.npz", X=x, y=np.arange(20.0))
    assert run(["compare", "--dataset", str(tmp_path / "bad.npz"), "--workers", "2"]) == 2
    assert "X[4, 1] is not finite" in capsys.readouterr().err


def test_a_foreign_file_is_not_overwritten(tmp_path, capsys):
    mine = tmp_path / "comparison.json"
    mine.write_text('{"precious": 1}')
    assert run([*SMALL, "-m", "GD", "--out", str(tmp_path)]) == 2
    assert "--force" in capsys.readouterr().err
    assert mine.read_text() == '{"precious": 1}'
    assert [p.name for p in tmp_path.iterdir()] == ["comparison.json"]
    assert run([*SMALL, "-m", "GD", "--out", str(tmp_path), "--force"]) == 0
    assert {p.name for p in tmp_path.iterdir()} == FILES


def test_unknown_command(capsys):
    assert run(["certfy"]) == 2
    assert len(capsys.readouterr().err.strip().splitlines()) == 1


def test_help_imports_no_numpy():
    code = (
        "import sys; from compth.cli import run; run(['--help']);"
        "heavy = {'numpy', 'scipy', 'sympy', 'matplotlib', 'cvxpy', 'sklearn'} & set(sys.modules);"
        "sys.exit(','.join(heavy) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "compare" in done.stdout


def test_internal_errors_are_one_line(monkeypatch, capsys):
    import compth.studies.comparison

    def broken(*a, **k):
        raise RuntimeError("boom")

    monkeypatch.setattr(compth.studies.comparison, "compare", broken)
    monkeypatch.delenv("COMPTH_DEBUG", raising=False)
    assert run([*SMALL, "--out", "never"]) == 70
    assert len(capsys.readouterr().err.strip().splitlines()) == 1
    assert not Path("never").exists()


@pytest.mark.parametrize(
    "command", [["list"], ["theorems"], ["list", "--json"], ["theorems", "--json"], ["--version"]]
)
def test_catalogue_commands(command, capsys):
    assert run(command) == 0
    shown = capsys.readouterr().out
    if "--json" in command:
        json.loads(shown)
    elif command == ["list"]:
        assert "omega = d - 1" in shown
    elif command == ["theorems"]:
        assert "diana.unified" in shown


def test_narrow_terminals_get_several_tables():
    from compth.cli._output import _fitting

    assert _fitting([6, 10, 8, 8, 8], 2, 26) == [[0, 1, 2], [0, 1, 3], [0, 1, 4]]
    assert _fitting([6, 10, 8, 8, 8], 2, 100) == [[0, 1, 2, 3, 4]]
    assert _fitting([50, 50], 1, 20) == [[0, 1]]
    assert _fitting([6, 8, 8, 8, 8], 1, 30, [1, 2, 2]) == [[0, 1, 2], [0, 3, 4]]
    assert _fitting([6, 8, 8, 8, 8], 1, 20, [1, 2, 2]) == [[0, 1], [0, 2], [0, 3], [0, 4]]


def test_progress_says_what_is_being_done():
    import compth as ct

    class Told(list):
        def __call__(self, label):
            self.append(("start", label))

        def note(self, text):
            self.append(("note", text))

    told = Told()
    problem = ct.problems.random_quadratic(n=2, d=3, kappa=4, seed=0)
    ct.compare([ct.GD(), ct.DIANA(ct.RandK(1))], problem, steps=7, runs=3, progress=told)
    assert [text for kind, text in told if kind == "start"] == ["GD", "DIANA RandK(k=1)"]
    notes = [text for kind, text in told if kind == "note"]
    assert notes[0] == "GD: 3 runs of 7 rounds"
    assert [text.partition(": ")[2] for text in notes[-3:-1]] == ["exact expectation", "its best step"]
    assert notes[-1] == "DIANA RandK(k=1): certified worst case"


IMPORTS = """
import sys
from compth.cli import run
run({words!r})
print(sorted({{"sklearn", "sympy", "scipy", "pandas"}} & sys.modules.keys()))
"""


@pytest.mark.parametrize(
    "words",
    [
        ["compare", "-m", "FOO(RandK(k=2))"],
        ["compare", "--eps", "7"],
        ["compare", "--steps", "0"],
        ["refute", "nofile.py"],
        ["tune", "nosuch"],
        ["sweep", "nosuch.toml"],
        ["list", "nosuch"],
    ],
)
def test_a_slip_is_answered_before_the_libraries_are_loaded(words):
    """No clock: what takes seconds is scikit-learn, sympy and scipy."""
    done = subprocess.run([sys.executable, "-c", IMPORTS.format(words=words)], capture_output=True, text=True)
    assert "error:" in done.stderr
    assert done.stdout.strip() == "[]"
