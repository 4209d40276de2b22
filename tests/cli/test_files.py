"""Specs that name a file's compressors: their code runs elsewhere, their claims are assumed and judged."""

import json
import textwrap
from pathlib import Path

import pytest

from compth._own import foreign
from compth.certification.hosted import Host
from compth.claims import Standing
from compth.cli import run

FILE = """
import os
import numpy as np
import compth as ct

def top1(x):
    y = np.zeros_like(x); i = np.argmax(abs(x)); y[i] = x[i]; return y

f = ct.compressor(top1, claims="Contractive(1/d)")
lies = ct.compressor(top1, claims="Contractive(2/d)")

def topk(x, k=1):
    y = np.zeros_like(x); i = np.argsort(-abs(x), kind="stable")[:k]; y[i] = x[i]; return y

def fails(x):
    raise ValueError("no luck")

def ends(x):
    os._exit(3)
"""
ARGUMENTS = [
    *("compare", "--dataset", "random", "--dim", "4", "--workers", "2", "--kappa", "5"),
    *("--steps", "30", "--runs", "4", "--out"),
]


@pytest.fixture
def file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text(textwrap.dedent(FILE))


@pytest.mark.slow
def test_a_file_s_function_is_compared_beside_the_catalogue(file, capsys):
    specs = ['EF21(mine.py:topk(k=1, delta="k/d"))', "EF21(TopK(k=1))", "EF21(mine.py:lies)"]
    assert run([*ARGUMENTS, "out", *(w for s in specs for w in ("-m", s))]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "mine.py:topk(k=1, Contractive(k/d)): its claims at d = 4 are PROVED" in out
    assert "mine.py:lies: its claims at d = 4 are REFUTED" in out
    assert "rests on a false claim" in out
    assert "assumed: Contractive(delta=1/4) of mine.py:topk(k=1)" in out
    rows = json.loads(Path("out/comparison.json").read_text())["rows"]
    assert rows[0]["simulated_rate"] == rows[1]["simulated_rate"]
    assert rows[0]["standing"].startswith("ASSUMED")


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ("EF21(mine.py:top1)", "'top1' is no compressor with claims"),
        ("EF21(mine.py:g)", "has no 'g'"),
        ("EF21(other.py:g)", "file='other.py' does not exist"),
        ('EF21(mine.py:fails(delta="1/d"))', "mine.py:fails: ValueError: no luck"),
        ('EF21(mine.py:ends(delta="1/d"))', "mine.py:ends"),
        ('EF21(mine.py:top1(delta="1/q"))', "unknown q"),
        ('EF21(mine.py:topk(k="a", delta="1/d"))', "parameters of files are numbers"),
        ("DIANA(mine.py:f)", "DIANA needs Unbiased; mine.py:f gives Contractive"),
        ("EF21(mine.py:f", "cannot be read"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(file, capsys, spec, says):
    assert run([*ARGUMENTS, "out", "-m", spec]) == 2
    err = capsys.readouterr().err
    assert says in err
    assert err.count("\n") == 1


def test_a_hosted_compressor_is_never_the_package_s_own(file):
    with Host() as host:
        one = host.compressor("mine.py", "f", {}, [])
        two = host.compressor("mine.py", "f", {}, [])
        assert foreign(one)
        assert one != two
        assert {c.standing for c in one.claims(4)} == {Standing.ASSUMED}
