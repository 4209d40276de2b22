"""Rates, steps and limits are those of x: what x never reads has no part in them, however it grows."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

import compth as ct
from compth.dynamics import enumerated
from compth.dynamics.normal import exact_program
from compth.dynamics.system import data_of
from compth.dynamics.trajectory import make_system
from compth.methods import find_guarantee
from compth.methods.core.observed import observed
from compth.worst_case.certified_theorem import Certified

PROBLEM = ct.problems.random_quadratic(n=3, d=4, kappa=8, seed=1)
SUMS = ct.problems.random_finite_sum(n=3, m=3, d=4, kappa=8, seed=1)
FOUR = ct.problems.random_quadratic(n=4, d=4, kappa=8, seed=1)
SMALL = ct.problems.random_quadratic(n=2, d=2, kappa=5, seed=3)


@ct.method
def Plain(w, x, *, gamma):
    return {"x": x - gamma * w.mean(w.compress(w.gradient(x)))}


@ct.method
def Unread(w, x, h: ct.Worker, *, gamma):
    """A memory of every worker that grows by 11/10 and that nothing reads."""
    c = w.compress(w.gradient(x))
    return {"x": x - gamma * w.mean(c), "h": 11 * h / 10 + c}


@ct.method
def Read(w, x, h: ct.Worker, *, gamma):
    """The same where x reads a hundred millionth of it."""
    c = w.compress(w.gradient(x))
    return {"x": x - gamma * w.mean(c) + gamma * w.mean(h) / 10**8, "h": 11 * h / 10 + c}


@ct.method
def Average(w, x, h: ct.Worker, a: ct.Server, *, gamma, alpha):
    """DIANA that puts out a sum of what it saw."""
    c = w.compress(w.gradient(x) - h)
    return {"x": x - gamma * w.mean(h + c), "h": h + alpha * c, "a": 6 * a / 5 + w.mean(c) - x}


@ct.method
def Halves(w, x, p: ct.Worker, q: ct.Worker, *, gamma, alpha):
    """DIANA whose shift is p + q; p - q grows by 6/5."""
    c = w.compress(w.gradient(x) - p - q)
    away = (p - q) / 10
    return {"x": x - gamma * w.mean(c + p + q), "p": p + away + alpha * c, "q": q - away}


@ct.method
def Means(w, x, h: ct.Worker, *, gamma):
    """Of the memories x reads the mean alone; their deviations grow by 5/4."""
    c = w.compress(w.gradient(x))
    mean = w.mean(h)
    return {"x": x - gamma * (w.mean(c) + mean) / 2, "h": 5 * (h - mean) / 4 + mean / 2 + c / 2}


@ct.method
def Momentum(w, x, m: ct.Server, *, gamma):
    c = w.compress(w.gradient(x))
    return {"x": x - gamma * (w.mean(c) + m) / 2, "m": m / 2 + w.mean(c) / 2}


@ct.method
def Twice(w, x, h: ct.Worker, *, gamma):
    u = w.gradient(x) - h
    first = w.compress(u)
    second = w.compress(u - first)
    return {"x": x - gamma * w.mean(h + first + second), "h": h + (first + second) / 5}


@ct.method
def TwiceAnd(w, x, h: ct.Worker, r: ct.Worker, *, gamma):
    u = w.gradient(x) - h
    first = w.compress(u)
    second = w.compress(u - first)
    return {
        "x": x - gamma * w.mean(h + first + second),
        "h": h + (first + second) / 5,
        "r": 2 * r + u - first,
    }


@ct.method
def Local(w, x, y: ct.Server = ct.copy_of_start, *, gamma):
    """Two local steps of every worker, averaged slowly: gradients at the workers' own points are enumerated."""
    first = y - gamma * w.gradient(y)
    second = first - gamma * w.gradient(first)
    return {"x": (x + y) / 2, "y": y + w.mean(w.compress(second - y))}


@ct.method
def LocalAnd(w, x, r: ct.Server, h: ct.Worker, y: ct.Server = ct.copy_of_start, *, gamma):
    """The same with two parts of y whose difference grows, and a sum of what every worker saw."""
    whole = y + r
    first = whole - gamma * w.gradient(whole)
    second = first - gamma * w.gradient(first)
    c = w.compress(second - whole)
    return {"x": (x + whole) / 2, "y": whole + w.mean(c) - 3 * r / 2, "r": 3 * r / 2, "h": 2 * h + second}


@ct.method
def Sketched(w, x, *, gamma):
    S = w.sketch()
    v = S(x)
    return {"x": w.mean(v - gamma * S(w.gradient(v)))}


@ct.method
def SketchedAnd(w, x, h: ct.Worker, *, gamma):
    S = w.sketch()
    v = S(x)
    g = w.gradient(v)
    return {"x": w.mean(v - gamma * S(g)), "h": 2 * h + g}


RAND = ct.RandK(2)
PAIRS = [
    (Unread(RAND, gamma=0.05), Plain(RAND, gamma=0.05), PROBLEM),
    (Unread(RAND, gamma=0.05, oracle=ct.Minibatch(1)), Plain(RAND, gamma=0.05, oracle=ct.Minibatch(1)), SUMS),
    (Unread(ct.PermK(4), gamma=0.05), Plain(ct.PermK(4), gamma=0.05), FOUR),
    (Average(RAND, gamma=0.05, alpha=0.25), ct.DIANA(RAND, 0.05, alpha=0.25), PROBLEM),
    (Average(ct.PermK(4), gamma=0.05, alpha=0.25), ct.DIANA(ct.PermK(4), 0.05, alpha=0.25), FOUR),
    (Halves(RAND, gamma=0.05, alpha=0.25), ct.DIANA(RAND, 0.05, alpha=0.25), PROBLEM),
    (Means(RAND, gamma=0.05), Momentum(RAND, gamma=0.05), PROBLEM),
    (TwiceAnd(RAND, gamma=0.05), Twice(RAND, gamma=0.05), PROBLEM),
    (LocalAnd(ct.RandK(1), gamma=0.1), Local(ct.RandK(1), gamma=0.1), SMALL),
    (SketchedAnd(ct.PermK(4), gamma=0.05), Sketched(ct.PermK(4), gamma=0.05), FOUR),
    # compressors that send everything: the shift of DIANA cancels, whatever it learns
    (ct.DIANA(ct.Identity(), 0.05, alpha=0.001), ct.GD(0.05), PROBLEM),
    (ct.DIANA(ct.RandK(4), 0.05, alpha=0.001), ct.GD(0.05), PROBLEM),
]


def named(value):
    return getattr(value, "label", "")


@pytest.mark.parametrize(("method", "less", "problem"), PAIRS, ids=named)
def test_rates_and_limits_are_those_without_what_nothing_reads(method, less, problem):
    found, want = ct.exact_rate(method, problem), ct.exact_rate(less, problem)
    np.testing.assert_allclose(found.rho, want.rho, rtol=1e-9)
    np.testing.assert_allclose(found.rho_noise, want.rho_noise, rtol=1e-9)
    assert found.coupled == want.coupled
    assert found.converged
    one, two = ct.stationary(method, problem), ct.stationary(less, problem)
    assert one.converged
    np.testing.assert_allclose(one.mean_square, two.mean_square, rtol=1e-7, atol=1e-25)


@pytest.mark.parametrize(("method", "less", "problem"), PAIRS, ids=named)
def test_the_curves_themselves_fall_at_that_rate(method, less, problem):
    """No reduction is used for curves: they are those of the whole state's step."""
    one, two = (ct.exact(m, problem, 25).mean_square for m in (method, less))
    np.testing.assert_allclose(one, two, rtol=1e-7)


STEPS = [PAIRS[i] for i in (0, 5)]


@pytest.mark.slow
@pytest.mark.parametrize(("method", "less", "problem"), STEPS, ids=named)
def test_steps_are_those_without_what_nothing_reads(method, less, problem):
    np.testing.assert_allclose(
        ct.max_stable_step(method, problem), ct.max_stable_step(less, problem), rtol=1e-6
    )
    found, want = ct.best_step(method, problem), ct.best_step(less, problem)
    np.testing.assert_allclose(found.rate.rho, want.rate.rho, rtol=1e-6)
    assert found.converged


def test_what_x_reads_counts_however_little():
    """The planted error: a reduction that took a hundred millionth for nothing would give the rate of DCGD."""
    assert ct.exact_rate(Read(RAND, gamma=0.05), PROBLEM).rho == pytest.approx(1.21, rel=1e-7)
    assert ct.exact_rate(PAIRS[0][1], PROBLEM).rho < 1
    with pytest.raises(ct.errors.Unsupported, match="no stable step"):
        ct.max_stable_step(Read(RAND, gamma=0.05), PROBLEM)


def test_an_exact_bracket_is_that_of_x():
    low, high = ct.exact_rate(PAIRS[0][0], SMALL, rational=True).bracket
    assert (low, high) == ct.exact_rate(PAIRS[0][1], SMALL, rational=True).bracket
    assert low < high < 1


def test_one_worker_has_no_deviations():
    one = ct.problems.random_quadratic(n=1, d=3, kappa=8, seed=1)
    for method, less in ((PAIRS[5][0], PAIRS[5][1]), (PAIRS[6][0], PAIRS[6][1])):
        np.testing.assert_allclose(ct.exact_rate(method, one).rho, ct.exact_rate(less, one).rho, rtol=1e-9)


def test_what_is_read_as_a_whole_keeps_its_form():
    """DIANA and EF21 observe all they have: their faster form, and the values it gives, stay."""
    for method in (ct.DIANA(RAND, 0.05, alpha=0.25), ct.EF21(ct.Scaled(RAND), 0.05)):
        program = exact_program(method, 0.05, dict(method.given()), 3, 4)
        assert observed(program).program is program
    system = make_system(PAIRS[3][0], data_of(PROBLEM), 0.05, {"alpha": 0.25}, affine=False)
    assert type(system).__name__ == "System"  # and DIANA without the sum has it again
    assert enumerated.fits(PAIRS[8][0], SMALL)


QUARTER = Fraction(1, 4)
CLAIM = {"mu": Fraction(1, 10), "L": 1, "omega": 1, "n": 3, "gamma": Fraction(1, 2)}


@pytest.mark.parametrize(
    ("kind", "less", "more"),
    [
        (Halves, ct.DIANA, {"alpha": Fraction(1, 4)}),
        (Average, ct.DIANA, {"alpha": Fraction(1, 4)}),
        (Means, Momentum, {}),
    ],
    ids=["halves", "average", "means"],
)
def test_worst_cases_are_those_of_x(kind, less, more):
    """A vector that x never reads neither hides a certificate nor attains a rate of its own."""
    found, want = (ct.tight_rate(k, **CLAIM, **more) for k in (kind, less))
    assert found.certified == pytest.approx(want.certified, rel=1e-9)
    assert found.attained == pytest.approx(want.attained, rel=1e-9)


@pytest.mark.slow
def test_a_certified_bound_reads_the_combination_that_x_reads():
    """V of the certificate speaks of p + q: it is the same wherever p - q is, and not of p alone."""
    found = find_guarantee(Halves(RAND, gamma=0.5, alpha=0.25), PROBLEM, Certified(Halves))
    run = ct.simulate(Halves(RAND, gamma=0.5, alpha=0.25), PROBLEM, 30, 256, 3, theorem=found.theorem)
    bound = np.array([found.rate.bound(t) for t in range(31)])
    assert (run.mean_metric[1:] <= bound[1:]).all()
    rng = np.random.default_rng(0)
    x, p, q, t = (rng.standard_normal(s) for s in ((5, 4), *[(5, 3, 4)] * 3))
    state = replace(Halves(RAND, gamma=0.5, alpha=0.25).init(PROBLEM, x, found.plan), p=p, q=q)
    moved, other = replace(state, p=p + t, q=q - t), replace(state, p=p + t)
    value, same, differs = (found.theorem.begin(PROBLEM, s, found.plan) for s in (state, moved, other))
    np.testing.assert_allclose(same, value, rtol=1e-10)
    assert (np.abs(differs - value) > 1e-3 * value).all()
    assert (value >= ((x - PROBLEM.x_star) ** 2).sum(axis=1)).all()


def test_the_analysis_says_what_x_observes():
    shown = ct.analyse(Means, compressors=[RAND])
    assert "x, mean(h): rates and steps are those of these alone" in str(shown)
    assert "x observes" not in str(ct.analyse(ct.DIANA, compressors=[RAND]))
