"""`compth budget`: families as text, files' functions, formats; one line with exit code 2 for what is no question."""

import json
import subprocess
import sys

import pytest

from compth.cli import run

CLASS = ["--mu", "0.1", "--L", "1", "-n", "4", "-d", "6"]


def said(capsys, *arguments):
    code = run(["budget", *arguments])
    out = capsys.readouterr()
    return code, out.out, out.err


def answers(capsys, *arguments):
    code, out, _ = said(capsys, *arguments, "--json")
    assert code == 0
    return {
        by: a["chosen"] and a["chosen"]["label"] for by, a in json.loads(out)["values"]["answers"].items()
    }


def test_three_ways_to_name_a_family_are_one(capsys):
    found = [
        answers(capsys, "-m", "DIANA", "-c", "RandK", "--rounds", "60", *CLASS),
        answers(capsys, "-m", "DIANA", "-c", "RandK(k=?)", "--rounds", "60", *CLASS),
        answers(capsys, "-m", "DIANA(RandK(k=?))", "--levels", "1..4,5,6", "--rounds", "60", *CLASS),
    ]
    assert found[0] == found[1] == found[2] != {"theorem": None, "certified": None}


def test_a_table_of_100_columns_that_answers(capsys, tmp_path):
    page, figure = tmp_path / "b.html", tmp_path / "b.svg"
    names = ["--report", str(page), "--figure", str(figure)]
    given = ["-m", "DIANA", "-c", "RandK", "--dataset", "random", "-d", "4", "-n", "2", "--kappa", "5"]
    code, out, _ = said(capsys, *given, "--times", "3", "--details", *names)
    assert code == 0
    assert max(map(len, out.splitlines())) <= 100 or str(tmp_path) in out
    assert "Its theorem allows RandK(k=" in out
    assert "The exact rate allows RandK(k=" in out
    assert "<svg" in page.read_text()
    assert "Every member" in page.read_text()
    assert figure.read_text().startswith("<?xml")


@pytest.mark.slow
def test_a_files_function_is_a_family_and_its_claim_is_judged_where_it_is_recommended(capsys, tmp_path):
    file = tmp_path / "mine.py"
    file.write_text(
        "import numpy as np\n\n\ndef top(x, k=1):\n    out = np.zeros(len(x))\n"
        "    chosen = np.argsort(-abs(x))[:k]\n    out[chosen] = x[chosen]\n    return out\n"
    )
    spec = f'{file}:top(k=?, claim="Contractive(k/d)")'
    code, out, err = said(capsys, "-m", "EF21", "-c", spec, "--levels", "1,2,3", "--rounds", "700", *CLASS)
    assert code == 0, err
    assert "ASSUMED" in out
    assert out.count("its claims at d = 6 are") == 1


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["-m", "DIANA", "-c", "RandK", *CLASS], "give one of rounds, bits"),
        (["-m", "DIANA", "-c", "RandK(k=2)", "--rounds", "5", *CLASS], "has no level"),
        (["-m", "DIANA", "-c", "Rand(k=?)", "--rounds", "5", *CLASS], "is not known"),
        (["-m", "DIANA(RandK(k=?))", "-c", "RandK", "--rounds", "5", *CLASS], "leave --compressor out"),
        (["-m", "DIANA", "-c", "RandK", "--rounds", "5", "--levels", "1-4", *CLASS], "1..64"),
        (["-m", "DIANA", "-c", "RandK", "--rounds", "5", "--levels", "4..1", *CLASS], "1..64"),
        (["-m", "DIANA", "-c", "RandK", "--rounds", "5", "--levels", "²", *CLASS], "1..64"),
        (["-m", "DIANA", "-c", "RandK", "--rounds", "5", "--dataset", "random", "-d", "0"], "d=0"),
        (["-m", "DIANA", "-c", "RandK", "--rounds", "5", "--mu", "1"], "not given"),
        (["-m", "DIANA", "-c", "Bernoulli(p=?)", "--rounds", "5", *CLASS], "pass levels"),
        (["-m", "DIANA", "--rounds", "5", *CLASS], "what to choose"),
        (["-m", "EF21", "-c", "RandK", "--rounds", "5", *CLASS], "Scaled"),
        (["-m", "nope", "-c", "RandK", "--rounds", "5", *CLASS], "nope"),
        (["-m", "DIANA", "-c", "RandK", "--rounds", "5", "--figure", "b.gif", *CLASS], ".svg"),
        (["-m", "DIANA", "-c", "RandK", "--rounds", "5", "--dataset", "nothing"], "nothing"),
    ],
)  # fmt: skip
def test_what_is_no_question_is_said_in_a_line(capsys, arguments, says):
    code, out, err = said(capsys, *arguments)
    assert code == 2
    assert not out
    assert says in err
    assert len(err.splitlines()) == 1


def test_a_message_that_grows_is_not_called_shorter(capsys):
    given = ["-m", "EF21", "-c", "RankR(shape=(3,2),r=?)", "--levels", "2", "--rounds", "9000", *CLASS]
    code, out, _ = said(capsys, *given, "--by", "theorem")
    assert code == 0
    assert "x longer" in out
    assert "x shorter" not in out


def test_constants_are_decimals_or_fractions(capsys):
    other = ["--mu", "1/10", *CLASS[2:]]
    asked = ["-m", "DIANA", "-c", "RandK", "--rounds", "60"]
    assert answers(capsys, *asked, *other) == answers(capsys, *asked, *CLASS)
    code, out, err = said(capsys, *asked, "--mu", "1/0", *CLASS[2:])
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "'1/0' is not a number such as 0.1 or 1/10" in err


@pytest.mark.slow
def test_a_figure_is_whole_where_the_lines_are_cut_short(tmp_path):
    figure = tmp_path / "b.svg"
    command = [
        sys.executable,
        "-m",
        "compth",
        "budget",
        "-m",
        "DIANA",
        "-c",
        "RandK",
        "--rounds",
        "60",
        *CLASS,
    ]
    with subprocess.Popen(
        [*command, "--figure", str(figure)], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as run:
        run.stdout.close()
        run.wait(timeout=120)
    assert "</svg>" in figure.read_text()
    drawn = figure.read_text()
    for name in ("theorem", "certified (its best step)", "limit: 60"):
        assert f"<!-- {name} -->" in drawn
