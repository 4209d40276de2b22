"""Optimal probabilities: golden values, random cases against bisection and cvxpy, and what a wrong p looks like."""

from __future__ import annotations

import math
from fractions import Fraction as F
from itertools import product

import cvxpy as cp
import numpy as np
import pytest

import compth as ct
from compth.errors import InvalidParameter
from compth.tuning import kkt_residual
from compth.tuning.probabilities import (
    best_centres,
    estimation_error,
    expected_curvature,
    sampling_value,
)

from .brute import gradients, waterfill

GOLDEN = [
    ((10, 1, 1, 1, 1), F(3), (1, F(1, 2), F(1, 2), F(1, 2), F(1, 2)), 108),
    ((3, 2, 1), F(2), (1, F(2, 3), F(1, 3)), 18),
    ((3, 2, 1), F(5, 2), (1, 1, F(1, 2)), 15),
    ((3, 2, 1), F(3), (1, 1, 1), 14),
    ((3, 2, 1, 1), F(2), (F(6, 7), F(4, 7), F(2, 7), F(2, 7)), F(49, 2)),
]


@pytest.mark.parametrize(("weights", "budget", "p", "value"), GOLDEN)
def test_golden_values_exactly(weights, budget, p, value):
    found = ct.sampling_probabilities(weights, budget)
    assert found.tolist() == list(p)
    assert all(isinstance(v, F) for v in found)
    assert sampling_value(weights, found) == value
    assert ct.sampling_probabilities([-float(w) for w in weights], float(budget)) == pytest.approx(
        [float(v) for v in p], rel=1e-15
    )


def test_the_published_code_underspends():
    """One clip in place of Algorithm 1 spends 1.857 of 3 and has value 118.67 against 108."""
    lam = np.array([10.0, 1, 1, 1, 1])
    clipped = np.minimum(1, 3 * lam / lam.sum())
    assert clipped.sum() == pytest.approx(1.857, abs=5e-4)
    assert sampling_value(lam, clipped) == pytest.approx(118.67, abs=5e-3)
    assert kkt_residual(lam, clipped, 3) > 0.1
    assert kkt_residual(lam, ct.sampling_probabilities(lam, 3), 3) < 1e-15


@pytest.mark.slow
def test_two_thousand_random_weights_against_bisection():
    rng = np.random.default_rng(0)
    for w in gradients(2000, seed=11):
        for budget in (rng.uniform(0.01, len(w)), float(rng.integers(1, len(w) + 1))):
            p = ct.sampling_probabilities(w, budget)
            assert p == pytest.approx(waterfill(np.abs(w) / np.abs(w).max(), budget), abs=1e-9)
            assert p.sum() == pytest.approx(min(budget, np.count_nonzero(w)), rel=1e-12)
            assert kkt_residual(w, p, budget) < 1e-9


def test_rows_are_independent_and_fractions_are_exact():
    w = np.random.default_rng(1).standard_t(2, size=(3, 4, 7))
    together = ct.sampling_probabilities(w, 2.5)
    for i in np.ndindex(3, 4):
        assert np.array_equal(together[i], ct.sampling_probabilities(w[i], 2.5))
    exact = ct.sampling_probabilities([F(v) for v in w[0, 0]], F(5, 2))
    assert sum(exact) == F(5, 2)
    assert [float(v) for v in exact] == pytest.approx(together[0, 0], rel=1e-13)


def cvxpy_value(w, budget):
    """min sum w^2/p by a conic solver."""
    return cvxpy_optimum(w, budget)[0]


def cvxpy_optimum(w, budget):
    """(value, p at the w that are not 0) of the same."""
    w = np.abs(w[w != 0])
    scale = w.max()
    w = w / scale
    p = cp.Variable(len(w))
    problem = cp.Problem(cp.Minimize((w**2) @ cp.inv_pos(p)), [p <= 1, cp.sum(p) <= budget])
    problem.solve(solver=cp.CLARABEL, tol_gap_abs=1e-8, tol_gap_rel=1e-8, tol_feas=1e-8)
    return problem.value * scale**2, p.value


def test_against_cvxpy():
    rng = np.random.default_rng(2)
    for _ in range(12):
        w = rng.standard_t(2, size=9)
        budget = rng.uniform(0.5, 8)
        p = ct.sampling_probabilities(w, budget)
        value, conic = cvxpy_optimum(w, budget)
        assert sampling_value(w, p) == pytest.approx(value, rel=1e-6)
        assert p == pytest.approx(conic, abs=1e-3)
        assert kkt_residual(w, p, budget) < 1e-14
        uniform = np.full(9, min(1, budget / 9))
        assert sampling_value(w, uniform) > sampling_value(w, p)


def test_a_perturbed_p_is_not_optimal():
    w = np.array([3.0, 2.0, 1.0, 0.5])
    p = ct.sampling_probabilities(w, 2)
    for shift in ([-1e-3, 0, 0, 1e-3], [0, 1e-3, -1e-3, 0], [0, 0, -1e-3, 0]):
        assert kkt_residual(w, p + shift, 2) > 1e-4
    assert kkt_residual(w, np.array([1, 1, 0, 0]), 2) == math.inf


def test_edges_of_the_budget():
    assert ct.sampling_probabilities([0, 4.0, 0], 2).tolist() == [0, 1, 0]
    assert ct.sampling_probabilities([0.0, 0.0], 1).tolist() == [0, 0]
    assert ct.sampling_probabilities([7.0], 0.25).tolist() == [0.25]
    assert ct.sampling_probabilities([1e300, 1e300, 1e-300], 1).tolist()[:2] == [0.5, 0.5]
    assert ct.sampling_probabilities([5e-324, 5e-324], 1).tolist() == [0.5, 0.5]


@pytest.mark.parametrize(
    ("weights", "budget", "rule"),
    [
        ([1.0, math.nan], 1, r"weights\[1\]=nan is not finite"),
        ([math.inf], 1, "not finite"),
        ([], 1, "shape"),
        ([1.0], 0, "budget=0"),
        ([1.0], -1, "budget=-1"),
        ([1.0], math.nan, "budget=nan"),
        ([1.0], "2", "budget='2'"),
        ([F(1), 0.5], F(1), "mixes"),
    ],
)
def test_bad_input(weights, budget, rule):
    with pytest.raises(InvalidParameter, match=rule):
        ct.sampling_probabilities(weights, budget)


def test_wangni_and_atomo_are_two_sides_of_one_problem():
    """The budget that Wangni's p spends, given to ATOMO, gives the same p."""
    from compth.compressors.core.probabilities import variance_probabilities

    for w in gradients(500, seed=12):
        size = np.abs(w)
        for epsilon in (0.05, 0.7, 4.0):
            p = variance_probabilities(size, epsilon)
            assert p == pytest.approx(ct.sampling_probabilities(size, p.sum()), abs=1e-9)
            scaled = size / size.max()
            assert sampling_value(scaled, p) == pytest.approx((1 + epsilon) * (scaled @ scaled), rel=1e-9)


def quadratic(seed, d=4):
    rng = np.random.default_rng(seed)
    m = rng.normal(size=(d, d)) * [1, 2, 5, 0.3][:d]
    return m.T @ m, rng.normal(size=d)


def test_expected_curvature_is_the_enumerated_one_exactly():
    g, a, p = (
        [F(3), F(-1), F(2)],
        [[F(2), F(1), 0], [F(1), F(3), F(-1)], [0, F(-1), F(5)]],
        [F(1, 2), F(1, 4), F(3, 4)],
    )
    total = F(0)
    for kept in product((0, 1), repeat=3):
        weight = math.prod(q if k else 1 - q for q, k in zip(p, kept, strict=True))
        q = [v / w * k for v, w, k in zip(g, p, kept, strict=True)]
        total += weight * sum(q[i] * a[i][j] * q[j] for i in range(3) for j in range(3))
    assert total == expected_curvature(g, a, p)


def test_the_curvature_aware_p_beats_the_plain_one():
    gains = []
    for seed in range(8):
        a, g = quadratic(seed)
        p = ct.quadratic_probabilities(g, a, 2.0)
        w = np.sqrt(np.diag(a)) * np.abs(g)
        assert kkt_residual(w, p, 2.0) < 1e-12
        best, plain = (expected_curvature(g, a, q) for q in (p, ct.sampling_probabilities(g, 2.0)))
        conic = cvxpy_value(w, 2.0) + g @ a @ g - w @ w
        assert best == pytest.approx(conic, rel=1e-6)
        gains.append(best / plain)
        assert best <= plain * (1 + 1e-12)
    assert min(gains) < 0.8
    assert np.allclose(ct.quadratic_probabilities(g, np.full(4, 3.0), 2.0), ct.sampling_probabilities(g, 2.0))
    with pytest.raises(InvalidParameter, match=r"curvature\[1\]=0"):
        ct.quadratic_probabilities([1.0, 1.0], [1.0, 0.0], 1)
    with pytest.raises(InvalidParameter, match="shape"):
        ct.quadratic_probabilities([1.0, 1.0], [1.0], 1)


def enumerated_mse(x, mu, p):
    """E||mean(Y_i) - mean(X_i)||^2 of variable-size support, over every outcome."""
    n, d = x.shape
    total = 0.0
    for kept in product((0, 1), repeat=n * d):
        k = np.array(kept).reshape(n, d)
        weight = np.where(k, p, 1 - p).prod()
        y = np.where(k, x / p - (1 - p) / p * mu[:, None], mu[:, None])
        total += weight * ((y.mean(axis=0) - x.mean(axis=0)) ** 2).sum()
    return total


def test_mean_estimation_error_is_the_enumerated_one():
    x = np.array([[1.0, 4.0, 2.0], [0.5, -1.0, 3.0]])
    for centres in ("zero", "mean", "alternate"):
        best = ct.mean_estimation(x, 3.0, centres=centres)
        if (best.p > 0).all():
            assert best.mse == pytest.approx(enumerated_mse(x, best.centres, best.p), rel=1e-12)
        assert best.p.sum() == pytest.approx(3.0)
    uniform = np.full((2, 3), 0.5)
    assert estimation_error(x, np.zeros(2), uniform) == pytest.approx(enumerated_mse(x, np.zeros(2), uniform))


def test_mean_estimation_alternates_downhill_and_matches_cvxpy_at_fixed_centres():
    rng = np.random.default_rng(3)
    for law in (rng.normal, rng.laplace, lambda size: rng.chisquare(2, size=size)):
        x = law(size=(4, 30))
        zero, mean, best = (ct.mean_estimation(x, 20.0, centres=c) for c in ("zero", "mean", "alternate"))
        history = np.array(best.history)
        assert (np.diff(history) <= 1e-12 * history[:-1]).all()
        assert best.mse <= mean.mse
        assert mean.history == (mean.mse,)
        w = (x - mean.centres[:, None]).ravel()
        assert kkt_residual(w, mean.p.ravel(), 20.0) == mean.kkt < 1e-12
        assert max(zero.kkt, best.kkt) < 1e-12
        assert kkt_residual(w, best.p.ravel(), 20.0) > 1e-4  # the p of other centres is not optimal for these
        few = ct.mean_estimation(x[:2, :6], 4.0, centres="mean")
        v = (x[:2, :6] - few.centres[:, None]).ravel()
        assert few.mse == pytest.approx((cvxpy_value(v, 4.0) - v @ v) / 4, rel=1e-5)
        uniform = estimation_error(x, mean.centres, np.full(x.shape, 20 / 120))
        spread = ((x - mean.centres[:, None]) ** 2).sum() / 4
        assert (1 / 20 - 1) * spread / 4 <= mean.mse <= uniform == pytest.approx((120 / 20 - 1) * spread / 4)
        assert zero.mse > 0


def test_best_centres_minimise_the_error_at_given_p():
    rng = np.random.default_rng(4)
    x, p = rng.normal(size=(3, 6)), rng.uniform(0.2, 0.9, size=(3, 6))
    mu = best_centres(x, np.zeros(3), p)
    for shift in (-1e-3, 1e-3):
        assert estimation_error(x, mu + shift, p) > estimation_error(x, mu, p)
    assert best_centres(x, np.zeros(3), np.full(x.shape, 0.5)) == pytest.approx(x.mean(axis=1))


@pytest.mark.parametrize(
    ("call", "rule"),
    [
        (lambda: ct.mean_estimation([1.0, 2.0], 1), "need \\(n, d\\)"),
        (lambda: ct.mean_estimation([[1.0, 2.0]], 0), "budget=0"),
        (lambda: ct.mean_estimation([[1.0, 2.0]], 1, centres="median"), "centres='median'"),
        (lambda: ct.mean_estimation([[1.0, 2.0]], 1, centres=[1.0, 2.0]), "one number per row"),
        (lambda: ct.mean_estimation([[1.0, math.nan]], 1), "not finite"),
    ],
)
def test_bad_mean_estimation_input(call, rule):
    with pytest.raises(InvalidParameter, match=rule):
        call()
