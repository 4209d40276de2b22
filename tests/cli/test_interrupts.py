"""Ctrl-C, sent as a real signal to a real process: one line, exit code 130, nothing half-written, nobody left behind.

Signals are sent after so much processor time of the command, or when it has said something, never after wall time.
"""

import os
import signal
import subprocess
import sys
import textwrap
import time
import uuid
from pathlib import Path

import pytest

from compth import _interrupts, cli

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="reads /proc")
HANG = 600
"""Seconds after which something hangs, on the busiest machine."""
TICKS = os.sysconf("SC_CLK_TCK")
FILE = """
import time
import compth as ct
while time.process_time() < BUSY: pass
def body(w, x, h: ct.Worker, *, gamma, alpha):
    c = w.compress(w.gradient(x) - h)
    return dict(x=x - gamma * w.mean(h + c), h=h + alpha * c)
def compressor(x, rng):
    until = time.process_time() + 0.5
    while time.process_time() < until: pass
    return x
def theorem(): return dict(method="DIANA")
"""
SPEC = 'methods = ["DIANA(RandK(k=2))"]\nseeds = [%s]\nsteps = 40000\n[[problems]]\nrandom = true\n'


def heed():
    """A child takes Ctrl-C also where its parent was started in a shell's background, which ignores it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def start(arguments, folder, token="", **more):
    root = Path(__file__).resolve().parents[2]
    environment = {**os.environ, "PYTHONPATH": str(root), "COMPTH_TEST_TOKEN": token, **more}
    return subprocess.Popen(
        [sys.executable, *arguments],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=heed,
        start_new_session=True,
    )


def family(token):
    """Processes that inherited the token, by number; ended ones that nobody has reaped aside."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            held = entry.name.isdigit() and (entry / "environ").read_bytes()
            if held and f"COMPTH_TEST_TOKEN={token}".encode() in held:
                found.append(int(entry.name))
        except OSError:
            continue
    return found


def used(pid):
    """Processor seconds of a process and of its ended children."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return sum(map(int, fields[11:15])) / TICKS


def interrupted(child, token, seconds):
    """Standard error, by lines, of a command that gets Ctrl-C after so much processor time of all its processes."""
    while child.poll() is None and sum(map(used, family(token))) < seconds:
        time.sleep(0.02)
    assert child.poll() is None, f"ended before: {child.communicate()}"
    os.killpg(child.pid, signal.SIGINT)
    said = child.communicate(timeout=HANG)[1]
    assert child.returncode == 130, said
    return said.splitlines()


COMMANDS = {
    "compare": (
        ["compth", "compare", "--steps", "1000000"],
        "compth compare: interrupted; nothing was written",
    ),
    "large": (
        ["compth", "compare", "--dataset", "random", "--dim", "700", "--steps", "100000", "--threads", "2"],
        "compth compare: interrupted; nothing was written",
    ),
    "sweep": (["compth", "sweep", "s.toml"], None),
    "check": (["compth", "check", "f.py:compressor"], "compth check: interrupted; nothing was written"),
    "analyse": (["compth", "analyse", "f.py:body"], "compth analyse: interrupted; nothing was written"),
    "refute": (["compth", "refute", "f.py:theorem"], "compth refute: interrupted; nothing was written"),
    "tune": (
        ["compth", "tune", "g.npy", "-s", "AtomoEntrywise"],
        "compth tune: interrupted; nothing was written",
    ),
    "paper_repro": (["paper_repro", "--quick"], "paper_repro: interrupted; nothing was written"),
    "one paper": (["paper_repro", "rdme", "--jobs", "1"], "paper_repro: interrupted; nothing was written"),
    "proofs_check": (["proofs_check"], "proofs_check: interrupted; nothing was written"),
    "figures": (["figures"], "figures: interrupted; nothing was written"),
    "benchmarks": (["benchmarks"], "benchmarks: interrupted; nothing was written"),
}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "seconds"), [*((name, 0.8) for name in COMMANDS), ("compare", 0.2), ("sweep", 2.0)]
)
def test_every_command_says_in_one_line_what_it_kept(name, seconds, tmp_path):
    import numpy as np

    arguments, line = COMMANDS[name]
    slow = {"check": "0", "analyse": "30", "refute": "30"}
    (tmp_path / "f.py").write_text(FILE.replace("BUSY", slow.get(name, "0")))
    (tmp_path / "s.toml").write_text(SPEC % ",".join(map(str, range(100))))
    np.save(tmp_path / "g.npy", np.random.default_rng(0).standard_normal(10_000_000))
    token = uuid.uuid4().hex
    said = interrupted(start(["-m", *arguments], tmp_path, token), token, seconds)
    assert len(said) == 1, said
    assert said[0] == line or (line is None and said[0].startswith("compth sweep: interrupted; "))
    whole = {"f.py", "s.toml", "g.npy", "sweep.sqlite", "sweep.sqlite-wal", "sweep.sqlite-shm"}
    assert {p.name for p in tmp_path.rglob("*") if p.is_file()} <= whole
    deadline = time.monotonic() + HANG
    while (left := family(token)) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert left == []


def program(folder, body, *, name="job", token=""):
    """A process whose main function, under `interruptible`, is this body; it prints "now" when a signal may come."""
    text = f"""
import contextlib, os, sys, threading, time
from pathlib import Path
from compth import _interrupts
from compth.reporting import files
from compth._interrupts import interruptible, keeps
def work():
{textwrap.indent(textwrap.dedent(body), "    ")}
    return 0
sys.exit(interruptible({name!r}, work))
"""
    return start(["-c", text], folder, token)


def signalled(child, times=1, told=None):
    """(exit code, standard error by lines) of a process that gets Ctrl-C once it said "now". told: a file made then."""
    assert child.stdout.readline() == "now\n"
    for _ in range(times):
        child.send_signal(signal.SIGINT)
        time.sleep(0.05 * (times > 1))
    if told is not None:
        told.touch()
    said = child.communicate(timeout=HANG)[1]
    return child.returncode, said.splitlines()


SAID = (130, ["job: interrupted; nothing was written"])
STUBBORN = {
    "swallows it": """
        print("now", flush=True)
        while True:
            with contextlib.suppress(BaseException):
                while True: pass
    """,
    "waits for a thread": """
        held = threading.Thread(target=time.sleep, args=(1000,))
        held.start()
        print("now", flush=True)
        held.join()
    """,
    "clears up for ever": """
        try:
            print("now", flush=True)
            while True: pass
        finally:
            while True: pass
    """,
    "a thread that fails while it clears up": """
        def failing():
            while not _interrupts._COMMAND.raised: time.sleep(0.01)
            raise RuntimeError("workers are gone")
        held = threading.Thread(target=failing)
        held.start()
        print("now", flush=True)
        try:
            time.sleep(1000)
        finally:
            held.join()
    """,
    "in C": """
        import numpy as np
        a = np.ones((6000, 6000))
        print("now", flush=True)
        while True: a @ a
    """,
    "finalises": """
        class Odd:
            def __del__(self):
                for _ in range(1000): pass
        print("now", flush=True)
        while True: Odd()
    """,
    "output that nobody reads": """
        print("now", flush=True)
        sys.stdout.write("x" * 10**7)
    """,
}


@pytest.mark.parametrize("body", STUBBORN.values(), ids=STUBBORN)
def test_work_that_does_not_heed_it_is_ended(body, tmp_path):
    assert signalled(program(tmp_path, body)) == SAID


def test_a_thread_that_fails_before_is_heard(tmp_path):
    body = "held = threading.Thread(target=lambda: 1 / 0); held.start(); held.join()"
    assert (
        program(tmp_path, body).communicate(timeout=HANG)[1].endswith("ZeroDivisionError: division by zero\n")
    )


def test_a_second_ctrl_c_changes_nothing(tmp_path):
    assert signalled(program(tmp_path, STUBBORN["waits for a thread"]), times=4) == SAID


def test_patience_is_well_within_two_seconds():
    assert _interrupts.PATIENCE + 0.3 < 1.5  # the flush of the output included


def test_work_that_ends_by_itself_has_its_own_code(tmp_path):
    child = program(tmp_path, "return 3")
    assert (child.communicate(timeout=HANG)[1], child.returncode) == ("", 3)


TWO_FILES = """
    replace, count = Path.replace, []
    def slowly(self, target):
        count.append(1)
        if len(count) == 2:
            print("now", flush=True)
            while not Path("signalled").exists(): time.sleep(0.01)
        return replace(self, target)
    Path.replace = slowly
    files.write_all(Path("out"), {"a": b"generated by compth: new", "b": b"generated by compth: new"})
    time.sleep(1000)
"""


def files(folder):
    return {p.name: p.read_text().rpartition(" ")[2] for p in (folder / "out").iterdir()}


def test_files_are_written_whole_before_it_counts(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "a").write_text("generated by compth: old")
    code, said = signalled(program(tmp_path, TWO_FILES), told=tmp_path / "signalled")
    assert (code, said) == (130, ["job: interrupted; written: out/a, out/b"])
    assert files(tmp_path) == {"a": "new", "b": "new"}


def test_without_the_pause_the_same_signal_loses_them(tmp_path):
    """The planted error: the test above can fail."""
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "a").write_text("generated by compth: old")
    unguarded = "    files.undisturbed = contextlib.nullcontext\n" + TWO_FILES
    code, said = signalled(program(tmp_path, unguarded), told=tmp_path / "signalled")
    assert (code, said) == SAID
    assert files(tmp_path) == {"a": "old"}  # both undone: what was there stands again


def test_what_is_kept_is_said(monkeypatch):
    monkeypatch.setattr(_interrupts, "_COMMAND", _interrupts._Command("job"))
    assert _interrupts.last_words() == "job: interrupted; nothing was written"
    _interrupts.wrote([Path("a.svg"), Path("b.svg"), Path("a.svg")])
    assert _interrupts.last_words() == "job: interrupted; written: a.svg, b.svg"
    _interrupts.wrote([Path("c"), Path("d"), Path("e")])
    assert _interrupts.last_words().endswith("written: a.svg, b.svg, c and 2 more")
    _interrupts.keeps(lambda: "rows are kept in s.sqlite")
    assert _interrupts.last_words() == "job: interrupted; rows are kept in s.sqlite"


@pytest.mark.slow
def test_a_table_stands_before_its_files_are_drawn(tmp_path):
    small = [
        "compth",
        "compare",
        "--dataset",
        "random",
        "--dim",
        "4",
        "--steps",
        "5",
        "--runs",
        "2",
        "-m",
        "GD",
    ]
    child = start(["-m", *small], tmp_path)
    lines = iter(child.stdout.readline, "")
    shown = [next(lines)]
    while not shown[-1].startswith("compth 0"):
        shown.append(next(lines))
    child.send_signal(signal.SIGINT)
    said = child.communicate(timeout=HANG)[1]
    assert child.returncode == 130
    assert any("GD" in line for line in shown)
    kept = sorted(p.name for p in tmp_path.rglob("comparison.*"))
    assert len(said.splitlines()) == 1
    assert (kept == []) == said.startswith("compth compare: interrupted; nothing was written")
    assert len(kept) in (0, 5)


@pytest.mark.slow
def test_finished_papers_are_kept_and_said(tmp_path):
    child = start(["-m", "paper_repro", "atomo", "diana", "--quick", "--jobs", "1"], tmp_path)
    first = child.stderr.readline()
    child.send_signal(signal.SIGINT)
    said = child.communicate(timeout=HANG)[1]
    assert (first.startswith("[1/2] atomo"), child.returncode) == (True, 130)
    assert said.strip() == (
        "paper_repro: interrupted; 1 of 2 papers are kept in paper_repro/out: run the same command to go on"
    )


@pytest.mark.parametrize("raised", [True, False])
def test_a_library_whose_start_was_interrupted_is_no_bug_of_ours(raised, monkeypatch, capsys):
    """Extensions turn a KeyboardInterrupt of their import into an ImportError; without one it is our bug."""

    def failing(*_):
        raise ImportError("initialization failed")

    monkeypatch.setattr("compth.cli._invoke", failing)
    monkeypatch.setattr(_interrupts._COMMAND, "raised", raised)
    if raised:
        with pytest.raises(KeyboardInterrupt):
            cli.run(["list"])
    else:
        assert cli.run(["list"]) == 70
        assert "initialization failed" in capsys.readouterr().err
