"""Theorems against exact curves; simulation against exact curves; strengthened theorems must be caught."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

import compth as ct
from compth.dynamics.along import RateAt
from compth.problems import random_quadratic
from compth.studies import problem_search
from compth.studies.problem_search import bound_ratio, bump, rate_ratio, study
from tests.methods.grid import Spoiled
from tests.thorough import thorough, tries
from tests.unwatched import unwatched

PAIRS = [(ct.GD(), th) for th in ct.GD.theorems()]
PAIRS += [(ct.DCGD(ct.RandK(1)), th) for th in ct.DCGD.theorems()]
PAIRS += [(ct.DIANA(ct.RandK(1)), th) for th in ct.DIANA.theorems()]
PAIRS += [(kind(ct.Scaled(ct.RandK(1))), th) for kind in (ct.EF, ct.EF21) for th in kind.theorems()]
PAIRS += [(ct.MARINA(ct.RandK(1)), th) for th in ct.MARINA.theorems()]
PAIRS += [
    (kind(tau=Fraction(1, 2)), th)
    for kind in (ct.IBCD, ct.IBGD, ct.ISEGA, ct.IASGD)
    for th in kind.theorems()
]
DOWN = ct.DCGD(ct.RandK(1), downlink=ct.RandK(1))
PAIRS += [
    (m, th)
    for m in (
        DOWN,
        ct.DIANA(ct.RandK(1), downlink=ct.RandK(1)),
        ct.EF21(ct.Scaled(ct.RandK(1)), downlink=ct.RandK(1)),
        ct.MARINA(ct.RandK(1), downlink=ct.RandK(1)),
    )
    for th in type(m).theorems()
    if th.bidirectional
]
PAIRS += [(ct.ADIANA(ct.RandK(1)), th) for th in ct.ADIANA.theorems()]
PAIRS += [(ct.GDCI(ct.Bernoulli(0.99)), th) for th in ct.GDCI.theorems()]
PLAIN = random_quadratic(4, 4, 4)
ELSEWHERE = ("oracle", "it needs B")
PAIRS = [(m, th) for m, th in PAIRS if not any(w in th.why_not(m.check(PLAIN)) for w in ELSEWHERE)]
"""Theorems of stochastic gradients are held in tests/methods/test_sgd.py and test_noise.py, those of B1 and B2 in
test_guarantees_hold.py: they speak of one worker, and problems here have several."""


@thorough
@pytest.mark.slow
@pytest.mark.parametrize(("method", "theorem"), PAIRS, ids=[f"{m.label} {t.id}" for m, t in PAIRS])
@unwatched()
def test_no_theorem_is_violated(method, theorem):
    count = tries(20, 60)  # planted ones below fall among the first 10
    if isinstance(method, ct.GDCI):  # its theorem speaks of kappa close to 1 only
        count = 300
    found = study(lambda q: bound_ratio(method, q, theorem), count, seed=11)
    assert found.tried > tries(4, 12)
    assert not found.violated, (found.worst, found.where)


class Caught(Exception):
    """A problem on which the statement is false."""


def caught(score, count, **search):
    """True as soon as some problem of the search violates the statement."""

    def until(q):
        found = score(q)
        if found > 1 + 1e-9:  # Finding.violated
            raise Caught
        return found

    try:
        study(until, count, **search)
    except Caught:
        return True
    return False


SPOILS = [
    (ct.GD(), 0, {"rate": 1.3}),
    (ct.DCGD(ct.RandK(1)), 0, {"step": 4.0}),
    (ct.DCGD(ct.RandK(1)), 1, {"floor": 0.001}),
    (ct.DIANA(ct.RandK(1)), 0, {"rate": 30.0}),
    (ct.DIANA(ct.RandK(1)), 0, {"scale": 0.05}),
    (ct.EF21(ct.Scaled(ct.RandK(1))), 0, {"rate": 30.0}),
]


@pytest.mark.parametrize(("method", "index", "spoil"), SPOILS)
def test_false_theorems_are_caught(method, index, spoil):
    theorem = Spoiled(method.theorems()[index], **spoil)
    assert caught(lambda q: bound_ratio(method, q, theorem), 10, seed=2)


RATES = [
    (ct.GD(), "gd.contraction", 1.01),
    (ct.DCGD(ct.RandK(1)), "dcgd.interpolation", 1.1),
    (ct.DIANA(ct.RandK(1)), "diana.original", 1.15),
    (ct.MARINA(ct.RandK(1)), "marina.pl", 1.5),
    (ct.EF21(ct.Scaled(ct.RandK(1))), "ef21.pl", 2.1),
]


@pytest.mark.slow
@pytest.mark.parametrize(("method", "identifier", "factor"), RATES, ids=[m.label for m, _, _ in RATES])
@unwatched()
def test_rates_a_little_beyond_what_is_attained_are_caught(method, identifier, factor):
    """Near the truth: a climb brings the exact rate within a few percent of the theorem's where it is attainable."""
    theorem = ct.methods.theorems()[identifier]
    assert not study(lambda q: rate_ratio(method, q, theorem), 60, seed=3, climb=60).violated
    spoiled = Spoiled(theorem, rate=factor)
    assert caught(lambda q: rate_ratio(method, q, spoiled), 110, seed=3, climb=200)


@pytest.mark.slow
def test_unimodality_is_scanned_and_a_bump_is_seen(monkeypatch):
    method = ct.DCGD(ct.RandK(1))
    found = study(lambda q: bump(method, q), 15, seed=1, climb=5)
    assert found.tried > 10
    assert not found.violated
    honest = RateAt.rho

    def bumpy(self, gamma):
        return honest(self, gamma) + 0.01 * np.sin(8 * np.log(gamma))

    class Known(float):
        """A changed package gives no step the word `converged`."""

        converged = True

    search = problem_search.max_stable_step
    monkeypatch.setattr(problem_search, "max_stable_step", lambda *given: Known(search(*given)))
    monkeypatch.setattr(RateAt, "rho", bumpy)
    assert caught(lambda q: bump(method, q), 3, seed=1)


@pytest.mark.slow
@unwatched()
def test_climbing_finds_worse_problems():
    method, theorem = ct.DCGD(ct.RandK(1)), "dcgd.interpolation"
    plain = study(lambda q: rate_ratio(method, q, theorem), 110, seed=3)
    climbed = study(lambda q: rate_ratio(method, q, theorem), 110, seed=3, climb=100)
    assert plain.worst < climbed.worst - 0.01
    assert climbed.worst <= 1
    assert "moved" in climbed.where


@pytest.mark.parametrize(
    "method",
    [
        ct.DCGD(ct.RandK(2), 0.2),
        ct.DIANA(ct.Shared(ct.RandK(2)), 0.1),
        ct.EF(ct.Scaled(ct.RandK(2)), 0.1),
        ct.EF21(ct.Scaled(ct.RandK(2)), 0.05),
    ],
    ids=["dcgd", "diana", "ef", "ef21"],
)
def test_simulation_agrees(method):
    problem = random_quadratic(3, 6, 10, seed=4)
    run, trace = ct.exact(method, problem, 30), ct.simulate(method, problem, 30, 2000, seed=9)
    for t in (3, 12, 30):
        assert abs(run.mean_square[t] - trace.mean_square[t]) <= 7 * trace.se_square[t]
        assert trace.se_square[t] < 0.05 * run.mean_square[t]


def test_metric_agrees_with_simulation():
    problem = random_quadratic(3, 5, 10, seed=6)
    for method in (ct.DIANA(ct.RandK(2)), ct.EF(ct.Scaled(ct.RandK(2))), ct.EF21(ct.Scaled(ct.RandK(2)))):
        theorem = method.theorems()[0]
        run = ct.exact(method, problem, 20, theorem=theorem)
        trace = ct.simulate(method, problem, 20, 1000, seed=1, theorem=theorem)
        assert run.mean_metric[0] == pytest.approx(trace.mean_metric[0], rel=1e-10)
        for t in (2, 8, 20):
            assert abs(run.mean_metric[t] - trace.mean_metric[t]) <= 7 * trace.se_metric[t]
