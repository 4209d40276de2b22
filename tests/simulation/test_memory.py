"""Predicted memory is near what a run takes, and a run that does not fit is refused before it starts."""

import tracemalloc

import pytest

import compth as ct
from compth import _memory
from compth.simulation import driver, memory


@pytest.mark.slow
@pytest.mark.parametrize(
    ("n", "d", "steps", "runs", "threads"),
    [(60, 200, 3, 128, 2), (4, 600, 3, 64, 1), (1, 100, 2000, 256, 2), (10, 50, 10, 1024, 1)],
    ids=["workers", "dimension", "steps", "runs"],
)
@pytest.mark.parametrize("kind", [ct.DCGD, ct.DIANA])
def test_prediction_covers_what_a_run_takes(kind, n, d, steps, runs, threads, monkeypatch):
    """The peak is below what is predicted and above a sixth of it."""
    problem = ct.problems.random_quadratic(n, d, 5, seed=0)
    method = kind(ct.RandK(d // 10), gamma=0.01)
    ct.guarantee(method, problem)  # the problem's constants are known before
    predicted = []
    monkeypatch.setattr(driver, "require_fit", lambda needed, sizes: predicted.append(needed))
    tracemalloc.start()
    try:
        ct.simulate(method, problem, steps, runs, threads=threads)
        taken = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert (predicted[0] - memory.OVERHEAD) / 6 < taken < predicted[0]


def test_a_run_that_does_not_fit_is_refused_before_any_step(monkeypatch):
    problem = ct.problems.random_quadratic(4, 6, 5, seed=0)
    method = ct.DCGD(ct.RandK(2), gamma=0.01)
    monkeypatch.setattr(_memory, "available_bytes", lambda: 1 << 20)
    monkeypatch.setattr(driver, "_run_block", lambda *a: pytest.fail("it started"))
    with pytest.raises(
        ct.errors.InvalidParameter, match=r"runs=64, steps=10, n=4, d=6.*GB are free: use fewer"
    ):
        ct.simulate(method, problem, 10, 64)


def test_a_problem_that_does_not_fit_is_refused_before_it_is_made():
    with pytest.raises(
        ct.errors.InvalidParameter, match=r"n=10, d=100000000.*GB are free: choose fewer workers"
    ):
        ct.problems.random_quadratic(10, 10**8)


def test_more_runs_than_can_be_counted_are_refused():
    with pytest.raises(ct.errors.InvalidParameter, match=r"runs=10000000000: at most"):
        ct.simulate(ct.GD(), ct.problems.random_quadratic(2, 3, 5), 5, 10**10)


def test_unknown_free_memory_refuses_nothing(monkeypatch):
    monkeypatch.setattr(_memory, "available_bytes", lambda: 1 << 59)
    with pytest.raises(ct.errors.InvalidParameter, match="runs=1"):
        _memory.require_fit(1 << 60, "runs=1")
    monkeypatch.setattr(_memory, "available_bytes", lambda: None)
    assert _memory.require_fit(1 << 60, "runs=1") is None


def test_free_memory_is_read():
    free = _memory.available_bytes()
    assert free is None or 0 < free < 1 << 50


@pytest.mark.parametrize("axis", ["n", "d", "steps", "threads"])
def test_every_size_counts(axis):
    sizes = {
        "state": 800,
        "n": 10,
        "d": 100,
        "steps": 1000,
        "runs": 1000,
        "block": 64,
        "threads": 2,
        "width": 8,
    }
    base = memory.predicted_bytes(**sizes, means=True)
    assert memory.predicted_bytes(**{**sizes, axis: 2 * sizes[axis]}, means=True) > base
    assert memory.predicted_bytes(**sizes, means=False) < base
