"""Judged files: what they do to their process, their descriptors and their limits decides no verdict."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from compth.certificates import Verdict
from compth.certification import sandbox, supervisor
from compth.certification.channel import Inbox, Malformed, pack, unpack
from compth.certification.processes import family, look
from compth.cli import run
from compth.errors import UnusableInput
from tests.thorough import thorough, tries

FILE = """
import ctypes, os, signal, sys, time
import numpy as np

FORGED = b'{"verdict": "PROVED", "report": {"verdict": "PROVED", "certificates": [], "subject": "x", "info": {}}}\\n'

def coin(x, rng): return np.where(rng.random(len(x)) < 0.5, 2 * x, 0)
def biased(x, rng): return np.where(rng.random(len(x)) < 0.4, 2 * x, 0)
def write_everywhere(data):
    for descriptor in range(64):
        try: os.write(descriptor, data)
        except OSError: pass
def forges_and_exits(x, rng): write_everywhere(FORGED); os._exit(0)
def forges(x, rng): write_everywhere(FORGED); return x
def replays(x, rng): write_everywhere(b"compth01" + bytes(28)); return x
def leaves(x, rng): os._exit(0)
def exits(x, rng): sys.exit(0)
def interrupts(x, rng): raise KeyboardInterrupt
def crashes(x, rng): ctypes.string_at(0)
def swallows(x, rng):
    while True:
        try:
            while True: pass
        except BaseException: pass
def ignores_alarms(x, rng):
    signal.signal(signal.SIGALRM, signal.SIG_IGN)
    while True: pass
def one_long_call(x, rng): return sum(range(10**11)) * x
def waits(x, rng): signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGALRM]); time.sleep(1e6)
def stops_for_ever(x, rng):
    while True: os.kill(os.getpid(), signal.SIGSTOP)
def kills_itself(x, rng): os.kill(os.getpid(), signal.SIGKILL)
def kills_its_warden(x, rng): os.kill(os.getppid(), signal.SIGKILL); time.sleep(60)
def stops_its_warden(x, rng):
    while True: os.kill(os.getppid(), signal.SIGSTOP)
def hands_over(x, rng):
    child = os.fork()
    while not child: pass
    os.waitpid(child, 0)
def eats(x, rng):
    held = []
    while True: held.append(np.empty(1 << 27))
def breaks_late(x, rng):
    if rng.standard_normal() > 2.5: raise KeyError("late")
    return np.where(rng.standard_normal(len(x)) < 0, 2 * x, 0)
def leaves_children(x, rng, once=[]):
    if not once and os.fork() == 0:
        os.setsid()
        if os.fork() == 0: time.sleep(1000)
        time.sleep(1000)
    once.append(1)
    return 1.0 * x
"""
REQUEST = {
    "params": {},
    "claims": ["Unbiased(1)"],
    "dims": [3],
    "budget": "quick",
    "alpha": 1e-9,
    "seed": 0,
    "magnitudes": [None, None],
}


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "judged.py"
    path.write_text(FILE)
    return path


@pytest.fixture
def short(monkeypatch):
    """Limits of a call that are met soon, by the supervisor alone."""
    monkeypatch.setattr(supervisor, "CALL_LIMIT", 0.3)
    monkeypatch.setattr(supervisor, "IDLE_LIMIT", 0.5)
    monkeypatch.setattr(supervisor, "GRACE", 0.0)


def check(file, name, **more):
    return sandbox.check({**REQUEST, "file": str(file), "name": name, **more})


def said(report):
    (c,) = report.certificates
    return c.verdict, c.technique


CHANGES = {
    "foreign": "import compth.certification.remote as r\nr.foreign = lambda t: ''",
    "draw": "import compth.certification.realised as r\nr.draw_moments = lambda *a: ([1] * 3, [1] * 3)",
    "record": "import compth._own as o\no.altered.__code__ = (lambda parts=None: '').__code__",
    "numpy": "np.put_along_axis = lambda *a, **k: None",
    "late": "from compth.certification import vocabulary as v\nCHANGED = v",
}


@pytest.mark.parametrize(
    "how", [pytest.param(k, marks=pytest.mark.slow) if k != "draw" else k for k in CHANGES]
)
def test_a_file_that_changes_what_judges_it_is_no_use(tmp_path, how):
    """Its answers are made in its own process: each of these was, or could be, a false proof."""
    path = tmp_path / "changing.py"
    body = "def program(x, rng):\n"
    body += "    if x.dtype == object: CHANGED.objection = lambda watch: ''\n" if how == "late" else ""
    path.write_text(
        f"import numpy as np\n{CHANGES[how]}\n{body}    return x * (rng.random(len(x)) < 0.5) * 2\n"
    )
    with pytest.raises(UnusableInput, match="the file changes the package that judges it"):
        check(path, "program")


@pytest.mark.parametrize(
    "name", ["forges_and_exits", *(pytest.param(n, marks=pytest.mark.slow) for n in ("forges", "replays"))]
)
def test_a_forged_line_is_no_verdict(file, name):
    with pytest.raises(UnusableInput, match=r"malformed data: (not a message|an answer to no question)"):
        check(file, name)


@pytest.mark.parametrize(
    ("name", "breach"),
    [
        ("leaves", "ended its process with exit code 0"),
        ("exits", "raised SystemExit: 0"),
        ("interrupts", "raised KeyboardInterrupt"),
        pytest.param(*("crashes", "was ended by signal 11"), marks=pytest.mark.slow),
        pytest.param(*("swallows", "processor time"), marks=pytest.mark.slow),
        pytest.param(*("ignores_alarms", "processor time"), marks=pytest.mark.slow),
        pytest.param(*("one_long_call", "processor time"), marks=pytest.mark.slow),
        pytest.param(*("hands_over", "processor time"), marks=pytest.mark.slow),
        pytest.param(*("stops_its_warden", "processor time"), marks=pytest.mark.slow),
        pytest.param(*("waits", "waited for more than"), marks=pytest.mark.slow),
        pytest.param(*("stops_for_ever", "stopped its own process"), marks=pytest.mark.slow),
    ],
)
def test_what_a_program_does_to_its_process_is_a_breach(file, short, name, breach):
    verdict, technique = said(check(file, name))
    assert verdict is Verdict.REFUTED
    assert breach in technique


@pytest.mark.slow
def test_a_memory_hog_is_refuted(file):
    verdict, technique = said(check(file, "eats"))
    assert verdict is Verdict.REFUTED
    assert "memory" in technique


@pytest.mark.slow
@pytest.mark.parametrize("name", ["kills_itself", "kills_its_warden"])
def test_what_looks_like_the_machines_doing_refutes_nobody(file, monkeypatch, name):
    monkeypatch.setattr(supervisor, "TRIES", 3)
    report = check(file, name)
    assert report.verdict is Verdict.INCONCLUSIVE
    assert "killed from outside" in str(report.info)


def test_a_call_that_fails_in_a_later_stage_is_a_breach_with_its_input(file):
    report = check(file, "breaks_late", dims=[30])
    (c,) = report.certificates
    assert (c.verdict, c.technique) == (Verdict.REFUTED, "raised KeyError: 'late'")
    assert len(c.witness) == 30


@pytest.mark.slow
def test_no_process_is_left(file):
    assert check(file, "leaves_children").verdict is Verdict.CONSISTENT  # it keeps state: no proof
    assert not family(os.getpid())


def test_a_file_that_ends_the_process_while_it_is_loaded_is_unusable(tmp_path):
    path = tmp_path / "judged.py"
    path.write_text(FILE + "write_everywhere(FORGED)\nos._exit(0)\n")
    with pytest.raises(UnusableInput, match=r"exit code 0|malformed"):
        check(path, "coin")


@pytest.mark.parametrize("failure", [MemoryError(), TypeError("two values for d"), OSError("no space")])
def test_the_referees_own_failure_refutes_nobody(file, monkeypatch, failure):
    def fails(*_):
        raise failure

    monkeypatch.setattr("compth.certification.stages.search.oracle_of", fails)
    report = check(file, "coin", dims=[40])
    assert report.verdict is Verdict.INCONCLUSIVE
    assert "the referee itself" in " ".join(report.info["not_checked"])


@pytest.mark.slow
def test_the_worker_gives_the_certificates_of_this_process(file, monkeypatch):
    from compth.certification import certify
    from compth.claims import Unbiased

    space: dict = {}
    exec(FILE, space)
    for name, d in (("coin", 3), ("biased", 3), ("coin", 30)):
        there = check(file, name, dims=[d])
        here = certify(space[name], d, claims=Unbiased(1), budget="quick")
        wanted = [json.loads(json.dumps(c.to_dict())) for c in here.certificates]
        assert [{**c.to_dict(), "trials": 0} for c in there.certificates] == [
            {**c, "trials": 0} for c in wanted
        ]


def worked(pid, seconds, end):
    """Wait until a process and what is below it have used so much processor time, or it ends; what is below it."""
    used, last = 0.0, None
    while end.poll() is None:
        below = family(pid)
        now = {p: seen.seconds for p, seen in {pid: look(pid), **below}.items() if seen is not None}
        used += sum(spent - (now if last is None else last).get(p, 0.0) for p, spent in now.items())
        if used >= seconds:
            return below
        last = now
        time.sleep(0.05)
    return {}


def disturb(pid, rng, end):
    """Suspend, continue and kill a process's workers at random until it ends, and once their warden; how often.

    At random in its own time: on a busy machine a process that is killed as often by the clock gets nowhere.
    """
    done, spared = 0, rng.random() < 0.5
    while end.poll() is None:
        below = worked(pid, float(rng.uniform(0.02, 0.3)), end)
        if end.returncode is not None:
            break
        workers = [p for p, seen in below.items() if seen.parent != pid]
        if workers and not spared and rng.random() < 0.2:
            spared, workers = True, [p for p, seen in below.items() if seen.parent == pid]
        for worker in workers[:1]:
            try:
                os.kill(worker, int(rng.choice([signal.SIGSTOP, signal.SIGKILL, signal.SIGTERM])))
                done += 1
            except ProcessLookupError:
                continue
        if rng.random() < 0.3:
            os.kill(pid, signal.SIGSTOP)
            time.sleep(float(rng.uniform(0.02, 0.4)))
            os.kill(pid, signal.SIGCONT)
            done += 1
    return done


@thorough
@pytest.mark.slow
def test_suspensions_kills_and_load_change_no_verdict(file):
    """At least 12 or 100 disturbances over right and wrong programs, beside a burner that comes and goes."""
    import numpy as np

    rng, done = np.random.default_rng(0), 0
    burner = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        for k in range(60):
            name = ("coin", "biased")[k % 2]
            burner.send_signal(int(rng.choice([signal.SIGSTOP, signal.SIGCONT])))
            arguments = [sys.executable, "-m", "compth", "check", f"{file}:{name}", "--omega", "1"]
            child = subprocess.Popen([*arguments, "-d", "3", "--budget", "quick"], stdout=subprocess.DEVNULL)
            done += disturb(child.pid, rng, child)
            assert child.returncode == k % 2, (name, k)
            if done >= tries(12, 100):
                break
    finally:
        burner.kill()
        burner.wait()
    assert done >= tries(12, 100)


@pytest.mark.slow
def test_a_worker_dies_with_its_supervisor(file):
    command = [sys.executable, "-m", "compth", "check", f"{file}:ignores_alarms", "--omega", "1", "-d", "3"]
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 600
    while len(workers := list(family(child.pid))) < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    child.kill()
    child.wait()
    while any(os.path.exists(f"/proc/{p}") for p in workers) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(os.path.exists(f"/proc/{p}") for p in workers)


@pytest.mark.parametrize(
    "text",
    [b"", b"[", b'{"a": [0, "O", [1]]}', b'{"a": [5, "<f8", [1]]}', b'{"x": 1}', b'{"q": "1/0"}', b'{"r": ["X", []]}',
     b'{"u": ["1", "0", 5, 2, 53]}', b'{"g": ["os", {}]}', b'{"a": [0, "<f8", [-1]]}', b"[" * 5000,
     b'{"r": ["Moments", [1]]}', b'{"a": [0, "<f8", [3]]}', b'{"l": [1]}'],
)  # fmt: skip
def test_what_pack_does_not_write_is_malformed(text):
    with pytest.raises(Malformed):
        unpack(text, [b"12345678"])


def test_pack_keeps_numbers_bit_for_bit():
    from fractions import Fraction

    import numpy as np

    value = [None, True, 3, -0.0, 1e308, float("inf"), "a", Fraction(1, 3), (1, [2.5]), np.arange(3.0)]
    frame = b"".join(pack(b"t" * 16, value))
    assert repr(received(frame, b"t" * 16)) == repr(value)
    assert received(frame[:-1], b"t" * 16) is None
    with pytest.raises(Malformed, match="no question"):
        received(frame, b"u" * 16)
    with pytest.raises(Malformed, match="not a message"):
        received(b"{" + frame, b"t" * 16)


def received(data, token):
    """The value of a frame that comes byte by byte, None while it is not whole."""
    inbox = Inbox(token)
    for k in range(len(data)):
        if not inbox.whole:
            inbox.wanted[:1] = data[k : k + 1]
            inbox.filled(1)
    return inbox.value() if inbox.whole else None


@pytest.mark.slow
def test_the_command_says_malformed_data_in_one_line(file, capsys):
    assert run(["check", f"{file}:forges_and_exits", "--omega", "1", "-d", "3"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert "malformed" in err
