"""`compth refute --script`: the script runs the refutation again without this package, and sees a mended claim."""

import subprocess
import sys
from dataclasses import replace
from fractions import Fraction

import pytest

import compth as ct
from compth.cli import run
from compth.reporting.rate_claims import worst_of
from compth.worst_case.reproduce import script

CLAIM = (
    '{name} = {{"method": "EF21", "rate": "1 - gamma*mu", "stepsize": "{step}", '
    '"mu": 1, "L": 10, "delta": "1/4"}}\n'
)


def ended(path, *arguments):
    """(exit code, what it prints) of a script, without site packages: the standard library alone."""
    done = subprocess.run(
        [sys.executable, "-I", "-S", str(path), *arguments], capture_output=True, text=True, check=False
    )
    assert done.stderr == ""
    return done.returncode, done.stdout


def test_the_script_sees_the_claim_of_the_file_and_its_cure(tmp_path, capsys):
    file, written = tmp_path / "mine.py", tmp_path / "again.py"
    file.write_text(CLAIM.format(name="wrong", step="1/L"))
    assert run(["refute", f"{file}:wrong", "--script", str(written)]) == 1
    assert f"a reproduction script is written to {written}" in " ".join(capsys.readouterr().out.split())
    code, said = ended(written)
    assert code == 1
    # by hand: C(v) = (1+s) v with s^2 = 3/4 on 5 x^2: x_1 = x_0, x_2 = x_1 - (1+s) x_0 = -s, so E x_2^2 = 3/4
    assert "E x_t^2 = 1, 1, 0.75, " in said
    assert ended(written, "--rate", "5")[0] == 0  # slower than it grows
    file.write_text(CLAIM.format(name="wrong", step="1/(20*L)"))
    assert ended(written)[0] == 0
    file.write_text(CLAIM.format(name="wrong", step="1/L"))
    assert ended(written)[0] == 1


def test_what_a_script_cannot_read_is_one_line(tmp_path):
    report = ct.check_rate("CGD", rate="1 - gamma*mu", stepsize="1.9/L", mu=1, L=10, delta=Fraction(1, 4))
    path, claim = tmp_path / "s.py", tmp_path / "mine.py"
    claim.write_text('wrong = {"rate": "1 - gamma*mu", "stepsize": "1.9/L"}\n')
    path.write_text(script(worst_of(report), {}, (str(claim), "wrong")))
    for words, text, said in (
        (["--rate", "abc"], None, "'abc' is no number such as 0.99"),
        (["--gamma", "1/0"], None, "'1/0' is no number"),
        (["--rate", "1e999"], None, "'1e999' is no number"),
        ([], 'wrong = {"rate": "1 - q", "stepsize": "1/L"}\n', "cannot be read from"),
        ([], "other = 1\n", "cannot be read from"),
    ):
        claim.write_text(text or claim.read_text())
        done = subprocess.run(
            [sys.executable, "-I", str(path), *words], capture_output=True, text=True, check=False
        )
        assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
        assert said in done.stderr


@pytest.mark.parametrize(
    ("method", "constants"),
    [
        ("DIANA", {"omega": 3, "n": 2}),
        ("MARINA", {"omega": 3, "n": 2}),
        ("DCGD", {"omega": 3, "n": 2}),
        ("CGD", {"delta": Fraction(1, 4)}),
        ("EF", {"delta": Fraction(1, 4)}),
    ],
)
def test_scripts_of_other_steps_run_and_judge_the_boundary(method, constants, tmp_path):
    """A little above the growth that the referee found the claim is not refuted, a little below it is."""
    report = ct.check_rate(method, rate="1 - gamma*mu", stepsize="1.9/L", mu=1, L=10, **constants)
    worst = worst_of(report)
    text = script(worst, {})
    (tmp_path / "s.py").write_text(text)
    growth = float(worst.estimate)
    assert ended(tmp_path / "s.py", "--rate", str(growth * 0.9999))[0] == 1
    assert ended(tmp_path / "s.py", "--rate", str(growth * 1.0001))[0] == 0


def test_a_run_that_is_not_the_stated_one_gets_no_script():
    """Planted: one number of the exact run, the law of the compressor, the text of the claim."""
    report = ct.check_rate("EF21", rate="1 - gamma*mu", stepsize="1/L", mu=1, L=10, delta=Fraction(1, 4))
    found = worst_of(report)
    texts = {"rate": "1 - gamma*mu", "stepsize": "1/L"}
    assert script(found, texts)
    assert script(found, {**texts, "stepsize": "1/(2*L)"}) is None
    squares = list(found.witness["mean squares"])
    for wrong in ({"mean squares": [*squares[:-1], squares[-1] + 1]}, {"factor": Fraction(1, 2)}):
        assert script(replace(found, witness={**found.witness, **wrong}), texts) is None


def test_what_has_no_script_says_so(tmp_path, capsys):
    path = str(tmp_path / "s.py")
    given = ["refute", "--method", "EF", "--rate", "1 - gamma*mu", "--mu", "1", "--L", "10", "--delta", "1/4"]
    state = [*given, "--stepsize", "1/L", "--lyapunov", "(x - ebar)**2 + e**2/s", "--script", path]
    assert run(state) == 1
    assert "no reproduction script: the witness is no run" in capsys.readouterr().out
    assert run([*given, "--stepsize", "1/(1000*L)", "--rate", "1 - gamma*mu/100", "--script", path]) == 0
    assert "no reproduction script: nothing is refuted" in capsys.readouterr().out
    assert not (tmp_path / "s.py").exists()
