"""Specs that name a file's compressors: their code runs elsewhere, their claims are assumed and judged."""

import json
import textwrap
from importlib import import_module
from pathlib import Path

import pytest

import compth as ct
from compth._own import foreign
from compth.certification.hosted import Host
from compth.certification.remote import RemoteCompressor
from compth.claims import Standing
from compth.cli import run
from compth.cli._files import Files
from compth.methods import vocabulary
from compth.problems.generate import random_quadratic

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

class Pair:
    def compress(self, x):
        i = int(np.argmax(abs(x)))
        return np.array([i], dtype=np.int16), np.array([x[i]])

    def decompress(self, i, value, d):
        y = np.zeros(d); y[i] = value; return y
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
        ("EF21(mine.py:Pair)", "write C = ct.compressor(ct.adapt(Pair()), claims=...) there"),
        ('EF21(mine.py:topk(delta="1/d", bits="q"))', "unknown q: known names are d"),
        ('EF21(mine.py:topk(delta="1/d", bits="1-d"))', "bits='1-d' gives -3 at d=4"),
        ('EF21(mine.py:topk(k=2, delta="1/d", bits="d/(k-2)"))', "has no value at d=4: it divides by zero"),
        ('EF21(mine.py:topk(delta="1/d", bits="__import__(1)"))', "only numbers, names"),
        ('EF21(mine.py:f(bits="8*d"))', "says its bits itself"),
        ('EF21(mine.py:f(delta="1/d", bits="8*d"))', "says its bits itself"),
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


def built(host, *specs, d=4):
    files = Files(host, d)
    return [files.build(spec, vocabulary()) for spec in specs]


def test_bits_are_asked_of_a_file_s_process_once_for_each_size(file, monkeypatch):
    asked, ask = [], RemoteCompressor.bits
    monkeypatch.setattr(RemoteCompressor, "bits", lambda self, *at: asked.append(at) or ask(self, *at))
    with Host() as host:
        (method,) = built(host, 'EF21(mine.py:topk(delta="1/d"), gamma=0.1)')
        ct.simulate(method, random_quadratic(3, 4, kappa=5.0), 6, 2)
        assert method.compressor.bits(5, 16).total == 5 * 16
    assert len(asked) == len(set(asked)) == 2


@pytest.mark.slow
def test_a_comparison_says_whose_bits_are_not_declared(file):
    specs = ['topk(k=2, delta="k/d")', 'topk(k=2, delta="k/d", bits="k*(32 + log2(d))")', 'Pair(delta="1/d")']
    with Host() as host:
        methods = built(host, *(f"EF21(mine.py:{s}, gamma=0.1)" for s in specs))
        found = ct.compare(methods, random_quadratic(5, 4, kappa=5.0), 4, 2)
    assert [row.bits_per_round for row in found.rows] == [4 * 32, 2 * (32 + 2), 16 + 64]
    (said,) = (line for line in found.remarks() if "not declared" in line)
    assert said.startswith(
        "mine.py:topk(k=2): its bits are not declared: d floats are charged. Declare them: "
    )


def test_the_table_is_out_before_claims_are_judged(file, capsys, monkeypatch):
    before = []
    monkeypatch.setattr(import_module("compth.cli.compare"), "_write", lambda *_: [])
    monkeypatch.setattr(Files, "checked", lambda self, **_: before.append(capsys.readouterr().out) or [])
    assert run([*ARGUMENTS, "out", "-m", 'EF21(mine.py:topk(delta="1/d"))']) == 0
    assert "ef21.pl" in before[0]
    assert "written" in capsys.readouterr().out
