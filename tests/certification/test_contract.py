"""Whose failure it is, what is no claim, and what is no input: nobody is refuted by any of them."""

import gc
import os
import random
import re
import signal
import subprocess
import sys
import threading
import time
import types
from functools import partial

import numpy as np
import pytest

import compth as ct
from compth.certificates import Verdict
from compth.certification import certify, contract, sandbox
from compth.certification.adapting import backends
from compth.certification.subject import CallTooLong, time_limit
from compth.certification.watch import Watch
from compth.errors import InvalidParameter, UnusableInput


def rand2(x, rng):
    out = np.zeros_like(x)
    kept = rng.choice(len(x), min(2, len(x)), replace=False)
    out[kept] = x[kept] * len(x) / min(2, len(x))
    return out


def test_a_claim_without_meaning_at_some_d_is_skipped_there_and_said():
    report = certify(rand2, (1, 3), claims=ct.Unbiased("d/2 - 1"), budget="quick")
    assert report.verdict is Verdict.PROVED
    assert [c.scope["d"] for c in report.certificates] == [3]
    assert "d = 1, where it has no meaning: omega = -1/2 < 0" in " ".join(report.info["not_checked"])


def test_a_constant_without_value_at_some_d_is_skipped_there():
    report = certify(lambda x: x, (1, 2), claims=ct.Unbiased("1/(d - 1)"), budget="quick")
    assert report.verdict is not Verdict.REFUTED
    assert "has no value at d=1" in " ".join(report.info["not_checked"])


@pytest.mark.parametrize(
    ("claim", "rule"),
    [
        (ct.Unbiased(-1), "omega = -1 < 0"),
        (ct.Contractive(2), "delta = 2 > 1"),
        (ct.BiasVariance(-0.5, 1), "eta = -0.5 < 0"),
        (ct.AbsoluteError(-1), "Delta = -1 < 0"),
        (ct.JointVariance(-1, 0, 2), "A = -1 < 0"),
        (ct.Unbiased("1/(d - 3)"), "has no value at d=3"),
    ],
    ids=str,
)
def test_a_claim_that_means_nothing_anywhere_is_no_input(claim, rule):
    with pytest.raises(InvalidParameter, match=rule):
        certify(rand2, 3, claims=claim)


@pytest.mark.slow
def test_without_dimensions_correct_compressors_are_not_refuted_at_d_1():
    report = certify(rand2, claims=ct.Unbiased("d/2 - 1"), budget="quick")
    assert report.verdict is not Verdict.REFUTED


def test_d_is_the_dimension_also_where_the_program_has_a_parameter_of_that_name():
    assert certify(rand2, 4, claims=ct.Unbiased("d/2 - 1"), params={"d": 9}).verdict is Verdict.PROVED


SIZED = """
import numpy as np
class Sketch:
    def __init__(self, d, k=2): self.d, self.k = d, k
    def __call__(self, x, rng):
        y = np.zeros_like(x); i = rng.choice(self.d, self.k, replace=False); y[i] = x[i] * self.d / self.k
        return y
"""


@pytest.mark.parametrize("dims", [[6], None])
def test_a_class_with_a_size_is_judged_at_that_size(tmp_path, dims):
    file = tmp_path / "sized.py"
    file.write_text(SIZED)
    request = {
        "file": str(file), "name": "Sketch", "params": {"d": 6}, "claims": ["Unbiased(d/2 - 1)"], "dims": dims,
        "budget": "quick", "alpha": 1e-9, "seed": 0, "magnitudes": [None, None],
    }  # fmt: skip
    report = sandbox.check(request)
    assert report.verdict is Verdict.PROVED
    assert [c.scope["d"] for c in report.certificates] == [6]


def on_rows(x, rng):
    rows, d = x.shape
    return np.where(rng.random((rows, d)) < 0.5, 2 * x, 0)


def test_a_function_on_rows_is_told_its_adapter():
    with pytest.raises(UnusableInput, match=r"takes rows of shape .*C = compth.Batched\(on_rows\)"):
        certify(on_rows, 4, claims=ct.Unbiased(1))
    assert certify(ct.Batched(on_rows), 4, claims=ct.Unbiased(1), budget="quick").verdict is Verdict.PROVED


def test_the_collectors_work_is_no_step_of_the_program():
    """Finalisers of others that it calls within a run would make its path another one, now and then."""
    seen = []
    Watch().follows(lambda: seen.append(gc.isenabled()), whole=False)
    assert seen == [False]
    assert gc.isenabled()


class Tensor:
    """As much of a tensor as the adapter touches."""

    def __init__(self, values):
        self.values = values


def scaled_tensor(t):
    return Tensor(t.values * 0.5)


def test_a_function_on_tensors_is_told_its_adapter(monkeypatch):
    backend = (Tensor, lambda t: t.values, None)
    monkeypatch.setitem(sys.modules, "torch", types.ModuleType("torch"))
    monkeypatch.setattr(backends, "_torch", lambda dtype: backend)
    with pytest.raises(UnusableInput, match=r"takes torch tensors: .*adapt\(scaled_tensor, 'torch'\)"):
        certify(scaled_tensor, 4, claims=ct.Contractive(0.25))


def test_what_no_adapter_mends_stays_a_breach():
    def broken(x, rng):
        raise KeyError("broken")

    report = certify(broken, 3, claims=ct.Unbiased(0))
    assert (report.verdict, report.certificates[0].technique) == (
        Verdict.REFUTED,
        "raised KeyError: 'broken'",
    )


def test_leaving_the_process_is_a_breach_of_an_object_of_this_process_too():
    report = certify(lambda x, rng: sys.exit(0), 3, claims=ct.Unbiased(0))
    assert report.certificates[0].technique == "raised SystemExit: 0"


@pytest.mark.parametrize("failure", [TypeError, MemoryError, OSError])
def test_what_the_package_raises_is_no_breach(monkeypatch, failure):
    def fails(*_):
        raise failure

    monkeypatch.setattr(contract, "observe", fails)
    if failure is MemoryError:
        report = certify(rand2, 3, claims=ct.Unbiased(1))
        assert report.verdict is Verdict.INCONCLUSIVE
        assert "memory" in " ".join(report.info["not_checked"])
    else:
        with pytest.raises(failure):
            certify(rand2, 3, claims=ct.Unbiased(1))


def within(work, seconds, idle):
    with time_limit(seconds, idle=idle):
        while True:
            work()


def test_a_limit_counts_processor_time_and_waiting_but_no_suspension():
    with pytest.raises(CallTooLong, match="processor time"):
        within(lambda: sum(range(10**7)) and None, 0.1, 30)
    with pytest.raises(CallTooLong, match="waited"):
        within(lambda: time.sleep(60), 9, 0.2)
    stop = (
        "import os, signal, sys, time; print(flush=True); input(); os.kill(int(sys.argv[1]), signal.SIGSTOP)"
    )
    waker = subprocess.Popen(
        [
            sys.executable,
            "-c",
            f"{stop}; time.sleep(8); os.kill(int(sys.argv[1]), signal.SIGCONT)",
            str(os.getpid()),
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    waker.stdout.readline()  # it runs, and suspends this process when it is told to: not before the clock is read
    with time_limit(9, idle=6):
        seen, gap = time.monotonic(), 0.0
        waker.stdin.write(b"\n")
        waker.stdin.close()
        while gap < 6.1:  # what lies between two looks of a suspended process
            threading.Event().wait(0.05)
            seen, gap = time.monotonic(), time.monotonic() - seen
    assert waker.wait() == 0
    waker.stdout.close()
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


def test_workers_of_a_joint_claim_may_be_given_as_text():
    from compth.claims.written import claim_of

    assert claim_of("JointVariance(1/2, 0, 3)", {}).n == 3
    assert claim_of("JointVariance(A=1, B=0)", {}).n == 1
    with pytest.raises(InvalidParameter, match="n=k must be a whole number"):
        claim_of("JointVariance(1, 0, k)", {"k": 2})


def test_a_joint_claim_of_a_fleet_speaks_of_its_workers():
    report = certify(ct.PermK(3), 3, claims=ct.JointVariance(1, 1), budget="quick")
    assert report.verdict is not Verdict.REFUTED
    assert certify(ct.PermK(3), 3, claims=ct.JointVariance(0.9, 1), budget="quick").verdict is Verdict.REFUTED


def coins(x, rng, p=0.5):
    return np.where(rng.random(x.size) < p, x / p, 0)


@pytest.mark.parametrize(
    ("program", "adapter"),
    [
        (partial(coins, rng=np.random.default_rng(0)), "lambda x, rng: coins(x, rng=rng)"),
        (partial(coins, p=0.25, rng=np.random.default_rng(0)), "lambda x, rng: coins(x, p=0.25, rng=rng)"),
        (partial(lambda rng, x: coins(x, rng), np.random.default_rng(0)), "(rng, x)"),
        (partial(lambda x, k, rng=None: coins(x, rng, k), k=0.25), "(x, k=0.25, rng=rng)"),
    ],
)
def test_a_bound_generator_is_unusable_input_with_the_adapter(program, adapter):
    with pytest.raises(InvalidParameter) as told:
        certify(program, 3, claims=ct.Unbiased(3), budget="quick")
    assert adapter in str(told.value)


def test_the_adapter_for_a_bound_generator_works():
    judged = certify(lambda x, rng: coins(x, p=0.25, rng=rng), 3, claims=ct.Unbiased(3), budget="quick")
    assert judged.verdict is Verdict.PROVED


@pytest.mark.parametrize(
    ("workers", "shape"),
    [
        (lambda X: np.concatenate([X / 2, X / 2]), r"\(4, 3\)"),
        (lambda X: X.mean(axis=0, keepdims=True), r"\(1, 3\)"),
        (lambda X: X.mean(axis=0), r"\(3,\)"),
    ],
)
def test_what_does_not_answer_every_worker_is_none_of_them(workers, shape):
    (found,) = certify(workers, 3, n=2, claims=ct.JointContractive("1/10"), budget="quick").certificates
    assert found.verdict is Verdict.REFUTED
    assert re.fullmatch(rf"returned shape {shape} for n=2 rows of shape \(2, 3\)", found.technique)


def test_the_global_generators_of_the_user_stay_where_they_were():
    def coin(x):
        return 2 * x * (np.random.rand(len(x)) < 0.5)  # noqa: NPY002

    def stepped():
        np.random.seed(123)  # noqa: NPY002
        random.seed(4)
        found = contract.observe(lambda x, rng: coin(x), np.ones(3), 0)
        return found.drew, np.random.get_state(), random.getstate()  # noqa: NPY002

    drew, numpy, python = stepped()
    assert drew == "np.random"
    np.random.seed(123)  # noqa: NPY002
    random.seed(4)
    coin(np.ones(3))  # the one call that was looked at
    assert str(numpy) == str(np.random.get_state())  # noqa: NPY002
    assert python == random.getstate()


def test_a_shorter_vector_is_no_matter_of_rows():
    (found,) = ct.certify(lambda x, rng: x[:2], 5, claims=ct.Contractive("1/d"), budget="quick").certificates
    assert found.technique == "returned shape (2,) for an input of shape (5,)"
