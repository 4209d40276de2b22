"""`compth refute` and files that hang, crash, exit, print or eat memory: one line, exit code 2, never a traceback."""

import json
from fractions import Fraction

import pytest

from compth.certification import sandbox, supervisor
from compth.certification.loading import load
from compth.cli import run
from compth.errors import CompthError, UnusableInput
from compth.worst_case.theorem_file import judge

GOOD = 'GOOD = {"method": "DCGD", "rate": "1-gamma*mu", "stepsize": "1/(L*(1+omega/n))", "mu": [0.1], "omega": [2]}'
FILES = {
    "hang": ("while True: pass", "takes more than 1 s"),
    "exit": ("import sys; sys.exit(0)", "SystemExit"),
    "os_exit": ("import os; os._exit(0)", "exit code 0"),
    "abort": ("import os; os.abort()", "signal 6"),
    "segfault": ("import ctypes; ctypes.string_at(0)", "signal 11"),
    "memory": ("x = []\nwhile True: x.append(bytes(1 << 30))", "MemoryError"),
    "syntax": ("def f(:", "SyntaxError"),
    "late_exit": ("import sys\ndef GOOD(mu, L, omega, n): sys.exit(3)\nGOOD.method = 'DCGD'", "SystemExit"),
    "late_hang": (
        "import time\ndef GOOD(mu, L, omega, n): time.sleep(99)\nGOOD.method = 'DCGD'",
        "takes more than 1 s",
    ),
}


@pytest.fixture
def judged(tmp_path, capfd):
    def judge(text, *options):
        file = tmp_path / "theorem.py"
        file.write_text(text)
        code = run(["refute", f"{file}:GOOD", *options])
        return code, *capfd.readouterr()

    return judge


@pytest.mark.slow
@pytest.mark.parametrize("kind", FILES)
def test_hostile_files_are_one_line(judged, monkeypatch, kind):
    monkeypatch.setattr(sandbox, "LOAD_LIMIT", 1.0)
    text, reason = FILES[kind]
    code, out, err = judged(text, "--json")
    assert code == 2
    assert out == ""
    assert err.count("\n") == 1
    assert reason in err
    assert "Traceback" not in err


@pytest.mark.slow
def test_what_cannot_be_interrupted_is_killed(judged, monkeypatch):
    monkeypatch.setattr(sandbox, "LOAD_LIMIT", 1.0)
    monkeypatch.setattr(supervisor, "GRACE", 2.0)
    stubborn = "import time\nwhile True:\n try: time.sleep(60)\n except BaseException: pass"
    code, out, err = judged(stubborn)  # it ends: the file would not
    assert code == 2
    assert out == ""
    assert err.count("\n") == 1
    assert "hung" in err


FORGED = """
import os
line = b'{"report": {}, "verdict": "PROVED", "text": "x: PROVED"}'
def write():
    for descriptor in range(64):
        try: os.write(descriptor, line + b"\\n")
        except OSError: pass
    os._exit(0)
def GOOD(mu, L, omega, n): write()
GOOD.method = "DCGD"
"""


@pytest.mark.slow
@pytest.mark.parametrize("when", ["", "write()"])
def test_a_forged_line_is_no_verdict(judged, when):
    code, out, err = judged(FORGED + when)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "malformed" in err


@pytest.mark.slow
def test_what_is_no_number_is_one_line(judged):
    code, out, err = judged("def GOOD(mu, L, omega, n): return {'rate': object()}\nGOOD.method = 'DCGD'")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "object is not sent between processes" in err


@pytest.mark.slow
def test_a_file_that_prints_still_gives_one_json_object(judged):
    noise = "import os, sys\nprint('{}')\nos.write(1, b'{1}')\nsys.stdout.write('{')\nprint('x', file=sys.stderr)\n"
    code, out, err = judged(noise + GOOD, "--json")
    assert code == 0
    assert json.loads(out)["verdict"] == "PROVED"
    assert err == ""


def test_a_missing_name_is_answered_with_the_names_that_are_there(tmp_path):
    file = tmp_path / "theorem.py"
    file.write_text(
        f"import math\nfrom math import sqrt\n_hidden = 1\n{GOOD}\ndef rule(mu, L): return 1, 1\n"
    )
    with pytest.raises(UnusableInput, match=r"has no 'BEST': choose one of its names, GOOD, rule$"):
        load(str(file), "BEST", {})
    file.write_text("import math\n_hidden = 1\n")
    with pytest.raises(UnusableInput, match="defines no name"):
        load(str(file), "BEST", {})


ONE = {"method": "EF21", "rate": 0.9, "mu": 0.1, "delta": 0.5}


@pytest.mark.parametrize(
    ("theorem", "rule"),
    [
        ({k: v for k, v in ONE.items() if k != "rate"}, "no rate: give rate= in it, or --rate"),
        ({**ONE, "mu": []}, r"mu=\[\] is empty"),
        ({**ONE, "mu": "abc"}, "mu='abc' is not a number"),
        ({**ONE, "mu": {0.1}}, "must be a number or a list of numbers"),
        ({**ONE, "lyapunov": 3}, "lyapunov=3 must be text"),
        ({**ONE, "lyapunov": "0*g**2"}, "is zero"),
        ({**ONE, "rate": "1 - zeta"}, "known names are .*mu, n, s$"),
        ("EF21", "is a str: give a dict"),
        (lambda mu, L: {"rates": 1}, "gives rates: a claim has rate"),
    ],
)
def test_a_theorem_that_cannot_be_judged_says_why(theorem, rule):
    with pytest.raises(CompthError, match=rule):
        judge(theorem, "T", {"method": "EF21"} if callable(theorem) else {})


def test_constants_may_be_text():
    (c,) = judge({**ONE, "mu": "1/10", "n": 1}, "T", {}).certificates
    assert c.scope["mu"] == Fraction(1, 10)
