"""Rates, stationary moments and steps against closed forms, long curves and dense operators."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

import compth as ct
from compth.dynamics import best_step, exact, exact_rate, max_stable_step, stationary
from compth.dynamics.schemes import sketches_of
from compth.dynamics.spectrum import Packing
from compth.dynamics.system import data_of
from compth.dynamics.trajectory import make_system
from compth.errors import Unsupported
from compth.problems import distributed_quadratic, random_quadratic

PROBLEM = random_quadratic(3, 4, 8, seed=5, minimisers=1.0)


def dense_radius(method, problem, params):
    system = make_system(method, data_of(problem), method.gamma, params, affine=False)
    packing = Packing(system)
    start = packing.pack(system.interior())
    # Krylov space of a consistent start, orthonormalised: the reachable part of the operator
    q = [start / np.linalg.norm(start)]
    for _ in range(packing.size):
        v = packing.apply(q[-1])
        for _ in range(2):
            v = v - np.array(q).T @ (np.array(q) @ v)
        if np.linalg.norm(v) < 1e-10:
            break
        q.append(v / np.linalg.norm(v))
    q = np.array(q)
    return np.abs(np.linalg.eigvals(q @ np.array([packing.apply(u) for u in q]).T)).max()


@pytest.mark.parametrize(
    ("method", "params"),
    [
        (ct.DCGD(ct.RandK(1), 0.2), {}),
        (ct.DIANA(ct.RandK(1), 0.2, alpha=0.25), {"alpha": 0.25}),
        (ct.EF(ct.Scaled(ct.RandK(2)), 0.2), {}),
        (ct.EF21(ct.Scaled(ct.RandK(2)), 0.2), {}),
    ],
    ids=["dcgd", "diana", "ef", "ef21"],
)
def test_rate_is_the_dense_radius_and_lies_in_its_bracket(method, params):
    rate = exact_rate(method, PROBLEM)
    assert rate.converged
    assert rate.bracket[0] * (1 - 1e-9) <= rate.rho_noise <= rate.bracket[1] * (1 + 1e-9)
    assert rate.rho_noise == pytest.approx(dense_radius(method, PROBLEM, params), rel=1e-6)


@pytest.mark.parametrize("gamma", [0.1, 0.5, 1.2])
def test_gradient_descent_is_closed_form(gamma):
    rate = exact_rate(ct.DCGD(ct.Identity(), gamma), PROBLEM)
    want = max((1 - gamma * PROBLEM.mu) ** 2, (1 - gamma * PROBLEM.L) ** 2)
    assert rate.rho == pytest.approx(want, rel=1e-8)
    assert not rate.coupled


@pytest.mark.parametrize(("n", "d", "k"), [(1, 3, 1), (4, 5, 2), (2, 1, 1)])
def test_stability_of_identical_isotropic_quadratics(n, d, k):
    problem = distributed_quadratic(np.tile(2 * np.eye(d), (n, 1, 1)), np.zeros((n, d)))
    omega = d / k - 1
    assert max_stable_step(ct.DCGD(ct.RandK(k)), problem) == pytest.approx(1 / (1 + omega / n), rel=1e-6)


def test_scalar_bernoulli_rate_is_closed_form():
    problem = distributed_quadratic(np.full((2, 1, 1), 3.0), np.zeros((2, 1)))
    rate = exact_rate(ct.DCGD(ct.Bernoulli(Fraction(1, 4)), 0.1), problem)
    assert rate.rho == pytest.approx((1 - 0.3) ** 2 + 0.09 * 3 / 2, rel=1e-10)


def test_mean_sets_the_rate_on_heterogeneous_data():
    problem = random_quadratic(2, 3, 20, seed=8, minimisers=1.0)
    method = ct.DCGD(ct.RandK(2), 0.5)
    rate = exact_rate(method, problem)
    assert rate.coupled
    assert rate.rho_mean > rate.rho_noise
    assert rate.rho == rate.rho_mean
    curve = exact(method, problem, 3000).mean_square
    excess = np.abs(curve[:1500] - stationary(method, problem).mean_square)
    window = slice(600, 800)
    assert (excess[window][1:] / excess[window][:-1]).mean() == pytest.approx(rate.rho, rel=1e-5)


@pytest.mark.parametrize("method", [ct.DCGD(ct.RandK(1), 0.1), ct.EF(ct.Scaled(ct.RandK(2)), 0.1)])
def test_stationary_moment_is_the_limit_of_the_curve(method):
    found = stationary(method, PROBLEM)
    run = exact(method, PROBLEM, 4000)
    assert found.converged
    assert found.mean_square > 0
    assert found.mean_square == pytest.approx(run.mean_square[-1], rel=1e-8)
    assert found.gap == pytest.approx(run.mean_gap[-1], rel=1e-8)


def test_methods_without_a_floor_are_stationary_at_the_solution():
    assert stationary(ct.DIANA(ct.RandK(1), 0.1), PROBLEM).mean_square == 0


def test_ill_conditioned_rate_converges_in_few_applications():
    problem = random_quadratic(4, 12, 1e5, seed=2, interpolation=True)
    rate = exact_rate(ct.DCGD(ct.RandK(3), 0.2), problem)
    assert rate.converged
    assert 0 < rate.bracket[0] <= rate.rho <= rate.bracket[1] < 1
    assert rate.applications < 600


def test_best_step_beats_its_neighbours():
    gamma, rate = best_step(ct.DCGD(ct.RandK(2)), PROBLEM)
    for factor in (0.9, 1.1):
        assert exact_rate(ct.DCGD(ct.RandK(2), gamma * factor), PROBLEM).rho > rate.rho


@pytest.mark.parametrize("compressor", [ct.TopK(1), ct.NaturalCompression(), ct.RandomDithering(2)])
def test_nonlinear_compressors_are_refused(compressor):
    with pytest.raises(Unsupported, match="do not close"):
        exact(ct.DCGD(compressor, 0.1), PROBLEM, 3)


@pytest.mark.parametrize("compressor", [ct.NaturalCompression(), ct.RandomDithering(2)])
def test_upper_mode_bounds_a_simulation(compressor):
    method = ct.DCGD(compressor, 0.4)
    upper = exact(method, PROBLEM, 30, mode="upper")
    trace = ct.simulate(method, PROBLEM, 30, 400, seed=3)
    assert upper.mode == "upper"
    assert (trace.mean_square - 7 * trace.se_square <= upper.mean_square * (1 + 1e-9)).all()
    middle = exact(method, PROBLEM, 30, mode="mean-field").mean_square
    assert (middle <= upper.mean_square * (1 + 1e-12)).all()
    assert middle[-1] < upper.mean_square[-1]


def test_zero_noise_sketch_is_gradient_descent():
    sketch = sketches_of(ct.as_fleet(ct.RandK(3)), 2, 3)
    assert all(not np.any(m(np.ones((3, 3)))) for m in sketch.own)
