"""Programs that are false where they ask for it are refuted there, by an exact law; those that are right are not."""

import json
import subprocess
import sys

import numpy as np
import pytest

from compth.certificates import Verdict
from compth.certification import certify
from compth.certification.cells import pointwise, stage
from compth.certification.oracle import enumerating
from compth.certification.subject import as_subject
from tests.thorough import thorough, tries

from . import asked
from .piecewise import TRUE


def settled(program, claim, d):
    return certify(program, d, claims=claim, budget="quick")


@pytest.mark.parametrize(
    "step",
    [pytest.param(tries(5, 1), marks=[pytest.mark.slow, thorough], id="all"), pytest.param(14, id="some")],
)
def test_programs_that_are_false_where_they_ask_for_it_are_refuted(step):
    listed = asked.FALSE[::step]
    said = {f.__name__: settled(f, claim, d) for f, claim, d in listed}
    assert {name: r.verdict for name, r in said.items()} == dict.fromkeys(said, Verdict.REFUTED)
    assert all(c.evidence == "exact counterexample" for r in said.values() for c in r.certificates)


@pytest.mark.parametrize("name", ["natural_masked", "dither_one", "terngrad", "scaled_sign", "sample_one"])
def test_the_traced_law_at_an_input_is_the_enumerated_one(name):
    (program,) = (f for f in TRUE if f.__name__ == name)
    subject = as_subject(program)
    laws = pointwise.Pointwise(stage.traced(program, 3, subject.deterministic))
    oracle = enumerating(subject, 3, 10_000)
    for x in (
        np.array([0.3, -1.7, 4.0]),
        np.array([0.0, 2.0, -2.0]),
        np.random.default_rng(1).normal(size=3),
    ):
        seen, real = laws.moments(x), oracle(x)
        assert np.allclose(seen.mean, real.mean, rtol=1e-12)
        assert np.allclose(seen.error, real.error, rtol=1e-9, atol=1e-12)
        assert np.isclose(seen.second, real.second, rtol=1e-12)


def test_a_traced_law_that_real_runs_do_not_show_refutes_nothing(monkeypatch):
    """Planted: outcomes that the program has not, then chances."""
    subject, x = as_subject(asked.natural), np.array([0.3, -1.7, 4.0])
    assert pointwise.confirmed(subject, x, 3)
    own = pointwise.Pointwise.law
    half = pointwise.Fraction(1, 2)
    for change in (
        lambda p: pointwise.Part(p.weight, p.low * 2, p.high * 2),
        lambda p: pointwise.Part(half if p.weight < 1 else p.weight, p.low, p.high),
    ):
        monkeypatch.setattr(
            pointwise.Pointwise, "law", lambda s, x, f=change: [[f(p) for p in e] for e in own(s, x)]
        )
        assert not pointwise.confirmed(subject, x, 3)


@pytest.mark.slow
def test_the_script_of_a_traced_law_shows_it_again(tmp_path):
    file, script = tmp_path / "perm.py", tmp_path / "again.py"
    body = (
        "    y = np.zeros_like(x)\n    j = rng.permutation(len(x))[:5]\n    y[j] = x[j] * {}\n    return y\n"
    )
    file.write_text("import numpy as np\ndef f(x, rng):\n" + body.format(5))
    command = [sys.executable, "-m", "compth", "check", f"{file}:f", "--omega", "d/5 - 1", "-d", "30"]
    options = ["--budget", "quick", "--json", "--script", str(script)]
    run = subprocess.run([*command, *options], capture_output=True, text=True, check=False)
    (made,) = json.loads(run.stdout)["certificates"]
    assert (run.returncode, made["technique"]) == (1, pointwise.TECHNIQUE)
    assert subprocess.run([sys.executable, script], capture_output=True, check=False).returncode == 1
    file.write_text("import numpy as np\ndef f(x, rng):\n" + body.format(6))
    assert subprocess.run([sys.executable, script], capture_output=True, check=False).returncode == 0
