"""`compth refute` and files that hang, crash, exit, print or eat memory: one line, exit code 2, never a traceback."""

import json
import time

import pytest

from compth.certification import sandbox
from compth.cli import run

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
    monkeypatch.setattr(sandbox, "SILENCE", 8.0)
    stubborn = "import time\nwhile True:\n try: time.sleep(60)\n except BaseException: pass"
    start = time.monotonic()
    code, out, err = judged(stubborn)
    assert time.monotonic() - start < 40
    assert code == 2
    assert out == ""
    assert err.count("\n") == 1
    assert "hung" in err


@pytest.mark.slow
def test_a_file_that_prints_still_gives_one_json_object(judged):
    noise = "import os, sys\nprint('{}')\nos.write(1, b'{1}')\nsys.stdout.write('{')\nprint('x', file=sys.stderr)\n"
    code, out, err = judged(noise + GOOD, "--json")
    assert code == 0
    assert json.loads(out)["verdict"] == "PROVED"
    assert err == ""
