"""Same seed, same certificates and numbers, to the last bit: hash seeds, threads, start methods, a busy machine."""

import contextlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from threadpoolctl import threadpool_info

from compth import _threads

SCRIPT = Path(__file__).with_name("determined.py")
BURN = "while True: pass"


def computed(how="here", names=(), hash_seed="0", threads="1", before=""):
    """The results, by name, of a fresh process."""
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
    environment |= dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), threads)
    program = f"import sys, runpy; sys.argv[0] = {str(SCRIPT)!r}\n{before}\n"
    program += "runpy.run_path(sys.argv[0], run_name='__main__')"
    command = ["-c", program] if before else [str(SCRIPT)]
    run = subprocess.run(
        [sys.executable, *command, how, *names], env=environment, capture_output=True, text=True, check=True
    )
    return json.loads(run.stdout)


@contextlib.contextmanager
def busy(processes=1):
    """A machine on which others compute: the suite's other worker is one of them."""
    others = [subprocess.Popen([sys.executable, "-c", BURN]) for _ in range(processes)]
    try:
        yield
    finally:
        for other in others:
            other.kill()
            other.wait()


@pytest.fixture(scope="module")
def calm():
    return computed()


def differing(one, other):
    assert one.keys() == other.keys()
    return [name for name in one if one[name] != other[name]]


@pytest.mark.slow
@pytest.mark.parametrize("hash_seed", ["4242"])
def test_other_hash_seeds_and_two_threads_change_nothing(calm, hash_seed):
    assert differing(calm, computed(hash_seed=hash_seed, threads="2")) == []


@pytest.mark.slow
@pytest.mark.parametrize("how", ["fork", "spawn"])
def test_processes_of_either_start_on_a_busy_machine_change_nothing(calm, how):
    names = ["sampled", "function", "refuted", "rate", "class", "simulated", "fast"]
    with busy():
        found = computed(how, names, hash_seed="random")
    assert differing({name: calm[name] for name in names}, found) == []


# The planted errors: what does hang on the environment is seen to differ by the same comparison.


@pytest.mark.slow
def test_what_hangs_on_the_hash_seed_is_seen():
    seeds = [computed(names=["hashed"], hash_seed=s) for s in ("0", "0", "1")]
    assert differing(seeds[0], seeds[1]) == []
    assert differing(seeds[0], seeds[2]) == ["hashed"]


def blas_threads():
    return max((i["num_threads"] for i in threadpool_info() if i["user_api"] == "blas"), default=1)


@pytest.mark.slow
@pytest.mark.skipif((os.cpu_count() or 1) < 2, reason="BLAS starts no second thread on one core")
def test_without_the_limit_threads_are_seen_to_matter():
    free = "from compth import _threads; _threads._Limits.enter = _threads._Limits.leave = lambda self: None"
    assert differing(*(computed(names=["problem"], threads=t, before=free) for t in "12")) == ["problem"]
    assert differing(*(computed(names=["problem"], threads=t, before="pass") for t in "12")) == []


def test_the_callers_threads_come_back():
    """blas_threads() sees numpy's BLAS: a threadpoolctl that does not know it would limit nothing."""
    assert any(i["user_api"] == "blas" for i in threadpool_info())
    before = [i["num_threads"] for i in threadpool_info()]
    with _threads.one_blas_thread:
        assert blas_threads() == 1
        with _threads.one_blas_thread:
            assert blas_threads() == 1
        assert blas_threads() == 1
    assert [i["num_threads"] for i in threadpool_info()] == before


def test_threads_come_back_after_calls_that_overlap():
    program = """
import json
import threading
from threadpoolctl import threadpool_info
import numpy
from compth._threads import one_blas_thread
held = lambda: [i["num_threads"] for i in threadpool_info() if i["user_api"] == "blas"]
before = held()
inside, go = threading.Event(), threading.Event()
def other():
    with one_blas_thread:
        inside.set(); go.wait()
thread = threading.Thread(target=other)
with one_blas_thread:
    thread.start(); inside.wait()
within = held()
go.set(); thread.join()
print(json.dumps([before, within, held()]))
"""
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "2", "OMP_NUM_THREADS": "2"}
    done = subprocess.run([sys.executable, "-c", program], env=environment, check=True, capture_output=True)
    before, within, after = json.loads(done.stdout)
    assert set(within) == {1}
    assert after == before
    assert before
