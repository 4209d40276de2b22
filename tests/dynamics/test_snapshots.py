"""Best steps by models of rho between the steps where it is known, and searches that a near inverse leads astray."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import compth as ct
from compth.dynamics import best_step, exact_rate
from compth.dynamics.snapshots import Model
from compth.dynamics.steps import _largest, rates_along
from compth.problems import random_finite_sum, random_quadratic

SLOPED = random_quadratic(4, 8, 30, seed=1, minimisers=1.0)
TWO = ct.DIANA(ct.RandK(2))


def counted(monkeypatch, name):
    """How often a function of the package's steps is called."""
    from compth.dynamics import steps

    real, calls = getattr(steps, name), []
    monkeypatch.setattr(steps, name, lambda *args: calls.append(args) or real(*args))
    return calls


def test_models_and_the_plain_search_find_the_same_best_step(monkeypatch):
    """What models propose is the minimum that values alone close in on, and no plain search is asked for it."""
    plain = counted(monkeypatch, "_searched")
    quick = best_step(TWO, SLOPED)
    assert not plain
    monkeypatch.setattr("compth.dynamics.steps._best_step_by_models", lambda *args: None)
    slow = best_step(TWO, SLOPED)
    assert plain
    assert quick.gamma == pytest.approx(slow.gamma, rel=2e-7)
    assert quick.rate.rho == pytest.approx(slow.rate.rho, abs=1e-10)
    low, high = quick.gamma.bracket
    for end in (low, high):
        assert exact_rate(replace(TWO, gamma=end), SLOPED).bracket[0] > quick.rate.bracket[1]


def test_a_best_step_takes_few_applications_of_the_operator(monkeypatch):
    """Counted, not timed: less than a third of what values alone take."""
    rates = []

    def watched(*args):
        rates.append(rates_along(*args))
        return rates[-1]

    monkeypatch.setattr("compth.dynamics.steps.rates_along", watched)
    best_step(TWO, SLOPED)
    spent = sum(r.applications for r in rates)
    monkeypatch.setattr("compth.dynamics.steps._best_step_by_models", lambda *args: None)
    rates.clear()
    best_step(TWO, SLOPED)
    assert spent < sum(r.applications for r in rates) / 3


def test_models_that_mislead_change_no_answer(monkeypatch):
    """Planted: a model whose least step is a third too long. Rates are asked at its steps, and that is seen."""
    least = Model.least
    plain = counted(monkeypatch, "_searched")
    monkeypatch.setattr(Model, "least", lambda self, left, right: min(least(self, left, right) + 0.3, right))
    found = best_step(TWO, SLOPED)
    assert plain
    monkeypatch.undo()
    assert found.gamma == pytest.approx(best_step(TWO, SLOPED).gamma, rel=2e-7)


def test_a_model_is_exact_where_rho_was_found_and_close_between():
    """Roots of the pencil at steps a factor of 2 apart."""
    rate = rates_along(TWO, SLOPED)
    snapshots = rate.watch()
    unit = np.log(1 / SLOPED.L)
    places = [unit + np.log(v) for v in (0.25, 0.5, 1.0)]
    values = [rate.rho(float(np.exp(u)), 1e-9) - 1 for u in places]
    assert snapshots.settle(places[1])
    model = snapshots.model(places[1])
    assert [model.value(u) for u in places] == pytest.approx(values, rel=1e-6)
    between = unit + np.log(0.4)
    assert model.value(between) == pytest.approx(
        rates_along(TWO, SLOPED).rho(float(np.exp(between))) - 1, rel=2e-2
    )


WIDE = random_quadratic(10, 10, 1e2, seed=1, minimisers=1.0)
HEARD = ct.EF(ct.Scaled(ct.RandK(1)))


def test_a_search_that_its_inverse_leads_astray_is_drawn_to_the_largest_root():
    """Error feedback of many workers: Davidson's space is led to roots above 1 at a stable step."""
    rate = exact_rate(replace(HEARD, gamma=0.1 / WIDE.L), WIDE)
    assert rate.converged
    assert rates_along(HEARD, WIDE).noise(0.1 / WIDE.L) == pytest.approx(rate.rho_noise - 1, rel=1e-6)


def test_davidson_alone_is_led_astray(monkeypatch):
    """Planted: no Arnoldi steps after it."""
    monkeypatch.setattr("compth.dynamics.radii.Search._drawn", lambda self, found: found)
    assert rates_along(HEARD, WIDE).noise(0.1 / WIDE.L) > 1e-3


def test_a_crossing_of_the_means_factors_is_found_to_the_digit():
    """1 - gamma mu and gamma L - 1, in the model's own slopes: at 2/(L + mu)."""
    problem = random_finite_sum(1, 3, 2, 6, seed=3, minimisers=1.0)
    found = best_step(ct.SGD(oracle=ct.Minibatch()), problem)
    assert found.rate.rho == pytest.approx(found.rate.rho_mean, rel=1e-12)
    assert found.gamma == pytest.approx(2 / (problem.L + problem.mu), rel=1e-9)


@pytest.mark.parametrize(
    ("method", "most"),
    [(ct.DIANA(ct.RandK(k=3)), 8), (ct.MARINA(ct.RandK(k=3), p=0.25), 10), (ct.EFBV(ct.RandK(k=3)), 8)],
)
def test_a_largest_stable_step_costs_a_few_rates(method, most):
    problem = ct.problems.random_quadratic(n=4, d=16, kappa=30, seed=1)
    rate = rates_along(method, problem)
    found = _largest(rate, method, problem, 1e-7)
    assert rate.applications <= most * ct.exact_rate(method, problem).applications
    low, high = vars(found)["bracket"]
    assert ct.exact_rate(replace(method, gamma=low), problem).bracket[1] < 1
    assert ct.exact_rate(replace(method, gamma=high), problem).bracket[0] >= 1
    assert high / low - 1 <= 1e-7
