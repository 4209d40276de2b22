"""`compth derive`: exit codes, one line for bad input, files that recheck."""

import json

import pytest

from compth.cli import run
from compth.studies.derivation import recheck

LIGHT = ["--mu", "1/10", "--delta", "3/4"]


def test_a_conjecture_that_is_too_good_is_refuted_and_exits_1(capsys, tmp_path):
    folder = tmp_path / "files"
    folder.mkdir()
    assert run(["derive", "EF", *LIGHT, "--conjecture", "0.88", "--json", "--certificates", str(folder)]) == 1
    said = json.loads(capsys.readouterr().out)
    assert said["verdict"] == "REFUTED"
    assert said["confirmed"] is True
    (path,) = folder.iterdir()
    data = json.loads(path.read_text())
    assert recheck.upper_holds(data)
    assert recheck.lower_holds(data)


def test_a_derivation_prints_its_closed_form(capsys):
    assert run(["derive", "CGD", *LIGHT]) == 0
    text = capsys.readouterr().out
    assert "met by certificates" in text
    assert "the iterates alternate" in text


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["EF", "--mu", "1/10", "--delta", "2"], "delta=2"),
        (["EF21", "--mu", "1/10", "--omega", "1"], "takes delta alone"),
        (["Nobody", *LIGHT], "Nobody"),
        (["EF", *LIGHT, "--param", "beta"], "NAME=VALUE"),
        (["EF", *LIGHT, "--search", "beta"], "beta"),
        (["EF", *LIGHT, "--param", "window=1"], "window is no parameter of a body"),
        (["EF", *LIGHT, "--param", "gamma=-1"], "gamma=-1 must be a positive number"),
    ],
)
def test_bad_input_is_one_line_and_exits_2(capsys, arguments, said):
    assert run(["derive", *arguments]) == 2
    line = capsys.readouterr().err
    assert said in line
    assert len(line.strip().splitlines()) == 1
