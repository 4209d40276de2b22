"""Batches: tasks share a plan and a connection, another driver's rows are not computed again, bits stay the same."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest

import compth as ct
from compth.sweeps import driver, tasks
from compth.sweeps.store import Store

GRID = {
    "methods": ["DIANA(RandK(k=2))", "EF21(TopK(k=1))"],
    "problems": [{"random": True, "n": 2, "d": 3, "kappa": 5}],
    "seeds": list(range(6)),
    "steps": 10,
    "runs": 3,
}


def swept(path, **changes):
    with ThreadPoolExecutor(1) as pool:
        return ct.sweep({**GRID, **changes}, pool, path, workers=1)


@pytest.mark.parametrize(("batch", "spell"), [(1, 0.5), (32, 0.5), (32, 0.0), (5, -1.0)])
def test_rows_do_not_depend_on_how_they_are_batched(tmp_path, monkeypatch, batch, spell):
    """Also when every batch is given back after its first task."""
    monkeypatch.setattr(driver, "BATCH", batch)
    monkeypatch.setattr(driver, "SPELL", spell)
    found = swept(tmp_path / "s.sqlite")
    assert found.computed == 12
    alone = [json.loads(tasks.attempt(spec)) for spec in tasks.expand(GRID)]
    assert list(found.rows) == alone
    problem = ct.problems.random_quadratic(n=2, d=3, kappa=5)
    trace = ct.simulate(ct.DIANA(ct.RandK(k=2)), problem, 10, 3, seed=4)
    assert alone[4]["final"] == float(trace.mean_square[-1] / trace.mean_square[0])


def test_one_plan_serves_all_seeds_and_another_horizon_gets_its_own(monkeypatch):
    tasks._planned.cache_clear()
    asked, plan_of = [], ct.methods.plan_of
    monkeypatch.setattr("compth.methods.plan_of", lambda *a, **k: asked.append(k) or plan_of(*a, **k))
    for spec in tasks.expand(GRID) + tasks.expand({**GRID, "steps": 20}):
        tasks.run_task(spec)
    assert asked == [{"horizon": 10}] * 2 + [{"horizon": 20}] * 2
    tasks._planned.cache_clear()


def test_two_drivers_share_the_work(tmp_path, monkeypatch):
    """The second begins while the first is in the middle: together they compute each task once."""
    path, computed, attempt = tmp_path / "s.sqlite", [], tasks.attempt

    def counted(spec):
        computed.append(spec["seed"])
        if len(computed) == 4:
            swept(path)  # another driver, from here to the end
        return attempt(spec)

    monkeypatch.setattr(driver, "attempt", counted)
    swept(path)
    assert len(computed) == 12 + 1  # the one that was being computed when the other came


def test_a_damaged_row_is_not_there(tmp_path):
    swept(tmp_path / "s.sqlite")
    with Store(tmp_path / "s.sqlite") as store:
        key = next(iter(store.keys()))
        assert store.has(key)
        store._db.execute("UPDATE results SET row = '{}' WHERE key = ?", (key,))
        assert not store.has(key)
        assert not store.has("none")
