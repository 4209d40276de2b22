"""Usual shapes of third-party compressors: each gets a verdict, or the exact adapter in one line."""

import json
import shlex
import subprocess
import sys
import textwrap

import pytest

from compth.cli import run

FILE = """
import numpy as np

class Pair:
    def compress(self, x, rng=None):
        i = int(np.argmax(np.abs(x)))
        return (x[i], i), x.size
    def decompress(self, m, d):
        y = np.zeros(d); y[m[1]] = m[0]; return y

class EF:
    def __init__(self): self.e = 0.0
    def __call__(self, x, rng):
        p = x + self.e; y = np.where(np.abs(p) == np.abs(p).max(), p, 0.0); self.e = p - y; return y

class Sized:
    def __init__(self, d): self.order = np.arange(d)[::-1]
    def __call__(self, x): return x[self.order][self.order]

def send(x): return x.astype(np.float32)
def receive(m): return m.astype(np.float64)
def from_system(x): return 2 * x * (np.random.default_rng().random(len(x)) < 0.5)
def uses_np_random(x, rng): return 2 * x * (np.random.rand(x.size) < 0.5)
def seeds_np_random(x, rng):
    np.random.seed(int(rng.integers(1 << 31))); return 2 * x * (np.random.rand(x.size) < 0.5)
def two_layers(x, rng): return x[:2], x[2:]
def two_d(x, rng): return x.reshape(2, -1)
def for_workers(X, rng):
    j = rng.integers(X.shape[1]); Y = np.zeros_like(X); Y[:, j] = X.shape[1] * X[:, j]; return Y
def leaders_top1(X, rng=None):
    j = int(np.argmax(np.abs(X[0]))); Y = np.zeros_like(X); Y[:, j] = X[:, j]; return Y
"""
CASES = [
    ("Pair --delta 1/d", 2, "judge C = compth.adapt(Pair()) in your file instead, or say --pair"),
    ("Pair --pair --delta 1/d", 0, "CONSISTENT"),
    ("Pair --pair --delta 2/d", 1, "REFUTED"),
    ("send,receive --pair --delta 1/2", 0, "CONSISTENT"),
    ("EF --delta 1/d", 1, "judge C = compth.adapt(EF()) in your file instead, or say --state copied"),
    ("EF --delta 1/d", 1, "follows error feedback's e' = e + x - C(e + x): as a method it is compth.EF"),
    ("EF --state copied --delta 1/d", 0, "CONSISTENT"),
    ("EF --after 2 --delta 1/d", 1, "C(0) is not 0"),
    ("Sized --omega 0", 2, "judge C = compth.adapt(Sized) in your file instead, or say --state fresh"),
    ("Sized --state fresh --omega 0", 0, "CONSISTENT"),
    ("from_system --omega 1", 1, "the operating system seeds"),
    ("uses_np_random --omega 1", 1, "drew from np.random, not from the generator that it is given"),
    ("uses_np_random --omega 1/2 --generators global", 1, "allowed 0.5 ||x||^2"),
    ("seeds_np_random --omega 1", 0, "CONSISTENT"),
    ("two_layers --omega 0", 2, "judge C = compth.adapt(two_layers) in your file instead, or say --adapt"),
    ("two_layers --omega 0 --adapt", 0, "CONSISTENT"),
    ("two_d --omega 0 --adapt", 0, "CONSISTENT"),
    ("for_workers --omega d-1", 2, "say -n N (n=N) and claim JointVariance or JointContractive"),
    ('for_workers --claim "JointVariance(d-1,0)"', 2, "say how many, n=4 (-n 4)"),
    ('for_workers --claim "JointVariance(d-1,0)" -n 2', 0, "PROVED"),
    ('leaders_top1 --claim "JointContractive(1/10)" -n 2', 0, "CONSISTENT"),
    ("Pair --pair --backend torchh --delta 1/d", 2, "choose torch or jax"),
    ("Pair --pair --shapes 2y2 --delta 1/d", 2, "cannot be read"),
    ("Pair --pair --state cold --delta 1/d", 2, "copied or fresh"),
]
QUICK = (0, 2, 4, 10, 18)
"""Of the fast subset."""


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [c if i in QUICK else pytest.param(*c, marks=pytest.mark.slow) for i, c in enumerate(CASES)],
    ids=[f"{i}-{c[0]}" for i, c in enumerate(CASES)],
)
def test_a_verdict_or_the_adapter(words, code, says, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "cannot.py").write_text(textwrap.dedent(FILE))
    name, *more = shlex.split(words)
    assert run(["check", f"cannot.py:{name}", *more, "-d", "4", "--budget", "quick"]) == code
    out, err = capsys.readouterr()
    assert says in " ".join((out + err).split())
    assert err.count("\n") == (code == 2)


@pytest.mark.slow
def test_a_script_of_an_adapted_program_asks_with_its_adapter(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "cannot.py").write_text(textwrap.dedent(FILE))
    words = ["check", "cannot.py:send,receive", "--pair", "-d", "3", "--budget", "quick", "--omega", "0"]
    assert run([*words, "--arithmetic", "float64", "--script", "again.py", "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["verdict"] == "REFUTED"
    again = subprocess.run([sys.executable, "again.py"], capture_output=True, text=True, check=False)
    assert again.returncode == 1, again.stderr
    mended = FILE.replace("x.astype(np.float32)", "x").replace("m.astype(np.float64)", "m")
    (tmp_path / "cannot.py").write_text(textwrap.dedent(mended))
    assert subprocess.run([sys.executable, "again.py"], capture_output=True, check=False).returncode == 0


@pytest.mark.parametrize("more", ["--pair", "--shapes 2x2 -d 4", "--state fresh"])
def test_the_catalogue_takes_no_adapter(more, capsys):
    assert run(["check", "TopK(k=1)", *shlex.split(more)]) == 2
    assert f"needs no adapter: leave out {more.split()[0]}" in capsys.readouterr().err
