"""The guide page "Your compressor in ten ways": every block runs and says what the page says."""

import doctest
import importlib.util
import re
import shlex
import textwrap
from pathlib import Path

import pytest

from compth.cli import run

PAGE = Path(__file__).resolve().parents[2] / "docs" / "guide" / "ten_ways.rst"
TERMINAL = re.compile(
    r"^\.\. terminal:: compth (.*)\n   :file: (\S+)\n(?:   :exit: (\d)\n)?\n((?:   .*\n|\n)+)", re.M
)
CONDITIONAL = re.compile(r"^\.\. doctest::\n   :skipif: .*\n\n((?:   .*\n|\n)+)", re.M)
COMMANDS = [m.groups() for m in TERMINAL.finditer(PAGE.read_text() + "\n")]


def python_blocks(torch):
    """The page with the blocks that need torch, or without them."""
    return CONDITIONAL.sub(lambda m: textwrap.dedent(m[1]) if torch else "", PAGE.read_text())


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_every_python_block_runs():
    torch = importlib.util.find_spec("torch") is not None
    parsed = doctest.DocTestParser().get_doctest(python_blocks(torch), {}, "ten_ways", str(PAGE), 0)
    assert len(parsed.examples) >= 40
    runner = doctest.DocTestRunner()
    said = []
    runner.run(parsed, out=said.append)
    assert not runner.failures, "".join(said)


@pytest.mark.slow
@pytest.mark.parametrize(("command", "file", "code", "text"), COMMANDS, ids=[c[0][:40] for c in COMMANDS])
def test_every_command_runs(command, file, code, text, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / file).write_text(textwrap.dedent(text))
    assert run(shlex.split(command)) == int(code or 0)
    verdict = {"1": "REFUTED"}.get(code, "CONSISTENT")
    assert verdict in capsys.readouterr().out.splitlines()[0]


def test_there_are_ten_ways_and_commands():
    assert re.findall(r"^(\d+)\. ", PAGE.read_text(), re.M) == [str(i) for i in range(1, 11)]
    assert len(COMMANDS) == 3
