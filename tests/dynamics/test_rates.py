"""Rates, stationary moments and steps against closed forms, long curves and dense operators."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

import compth as ct
from compth.dynamics import best_step, exact, exact_rate, joint, max_stable_step, rational, stationary
from compth.dynamics.sketches import sketches_of
from compth.dynamics.steps import parameters, rates_along
from compth.dynamics.system import Moments, data_of
from compth.dynamics.trajectory import make_system
from compth.dynamics.units import Packing
from compth.errors import Unsupported
from compth.methods import plan_of
from compth.problems import distributed_quadratic, random_quadratic
from tests.pinned.record import cases, problems
from tests.unwatched import unwatched

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


@pytest.mark.parametrize("fleet", [ct.RandK(3), ct.Bernoulli(0.3), ct.Shared(ct.RandK(3)), ct.PermK(4)])
@pytest.mark.parametrize("kappa", [1e3, 1e5, 1e7])
def test_ill_conditioned_rate_converges_in_few_applications(fleet, kappa):
    problem = random_quadratic(4, 12, kappa, seed=2, interpolation=True)
    rate = exact_rate(ct.DCGD(fleet, 0.2 / problem.L), problem)
    assert rate.converged
    low, high = rate.bracket
    assert low <= rate.rho <= high < 1
    assert high - low < 1e-2 * (1 - high)
    assert rate.applications < 60


def test_ill_conditioned_rate_is_the_dense_one():
    problem = random_quadratic(3, 6, 1e5, seed=2, minimisers=1.0)
    data = data_of(problem)
    for fleet in (ct.RandK(2), ct.PermK(3), ct.as_fleet([ct.RandK(1), ct.RandK(2), ct.Bernoulli(0.2)])):
        method = ct.DCGD(fleet, 0.3)
        packing = Packing(make_system(method, data, 0.3, {}, affine=False))
        dense = np.array([packing.apply(u) for u in np.eye(packing.size)]).T
        want = np.linalg.eigvals(dense).real.max()
        assert 1 - exact_rate(method, problem).rho_noise == pytest.approx(1 - want, rel=1e-7)


def test_rates_of_reducible_noise_are_bracketed():
    """Diagonal Hessians and coordinatewise noise never leave one coordinate: the Perron matrix has rank one."""
    problem = distributed_quadratic(np.tile(np.diag([1.0, 3.0, 9.0]), (2, 1, 1)), np.zeros((2, 3)))
    gamma, p = 0.1, Fraction(1, 4)
    rate = exact_rate(ct.DCGD(ct.Bernoulli(p), gamma), problem)
    lam = np.array([1.0, 3.0, 9.0])
    want = ((1 - gamma * lam) ** 2 + gamma**2 * lam**2 * 3 / 2).max()
    assert rate.rho == pytest.approx(want, rel=1e-9)
    assert rate.bracket == pytest.approx((want, want), rel=1e-5)


MEMORY = [
    ct.DIANA(ct.RandK(5)),
    ct.EF21(ct.Scaled(ct.RandK(5))),
    ct.EF(ct.Scaled(ct.RandK(5))),
    ct.MARINA(ct.RandK(5)),
    ct.EFBV(ct.RandK(5)),
]


@pytest.mark.parametrize("kappa", [1e2, 1e4])
@pytest.mark.parametrize("method", MEMORY, ids=lambda m: type(m).__name__)
def test_rates_of_methods_with_memory_are_bracketed(method, kappa):
    problem = random_quadratic(3, 8, kappa, seed=2)
    rate = exact_rate(method, problem)
    low, high = rate.bracket
    assert rate.converged
    assert low <= rate.rho_noise <= high < 1
    assert high - low < 2e-2 * (1 - high)


@pytest.mark.parametrize("fleet", [ct.Shared(ct.RandK(2)), ct.PermK(2)])
def test_correlated_workers_with_memories_are_bracketed_by_the_joint_cone(fleet):
    problem = random_quadratic(2, 4, 10, seed=1)
    method = ct.DIANA(fleet, 0.1, alpha=0.25)
    system = make_system(method, data_of(problem), 0.1, {"alpha": 0.25}, affine=False)
    value, (low, high) = joint.Joint(system).rate()
    rate = exact_rate(method, problem)
    assert rate.converged
    assert rate.bracket[0] <= 1 + value <= rate.bracket[1]
    assert rate.rho_noise == pytest.approx(1 + value, rel=1e-9)
    assert low <= value <= high


@pytest.mark.parametrize(
    ("method", "params"),
    [
        (ct.DIANA(ct.RandK(2), 0.1, alpha=0.25), {"alpha": 0.25}),
        (ct.EF21(ct.Scaled(ct.RandK(2)), 0.1), {}),
        (ct.DIANA(ct.Shared(ct.RandK(2)), 0.1, alpha=0.25), {"alpha": 0.25}),
    ],
)
def test_joint_step_is_the_short_one(method, params):
    """The full (n+1)d second moment, summed up, is what System keeps."""
    problem = random_quadratic(3, 4, 10, seed=1)
    system = make_system(method, data_of(problem), 0.1, params, affine=False)
    whole = joint.Joint(system)
    start = np.random.default_rng(0).standard_normal((whole.size, whole.size))
    w = start @ start.T
    d, y = problem.d, whole.memories
    for _ in range(3):
        d_moment = np.array([w[k, :d] for k in y])
        c = np.zeros((system.size, system.size))
        c[:d, :d] = w[:d, :d]
        if system.K == 2:
            mean = sum(w[k] for k in y) / 3
            c[d:, :d], c[:d, d:] = mean[:, :d], mean[:, :d].T
            c[d:, d:] = sum(mean[:, k] for k in y) / 3
            d_moment = np.concatenate([d_moment, [sum(w[i, k] for k in y) / 3 for i in y]], axis=2)
        after = system(Moments(c, d_moment, np.array([w[k, k] for k in y])))
        w = whole(w)
        assert after.C[:d, :d] == pytest.approx(w[:d, :d], rel=1e-11)
        assert pytest.approx(np.array([w[k, k] for k in y]), rel=1e-11) == after.E
        assert after.D[:, :, :d] == pytest.approx(np.array([w[k, :d] for k in y]), rel=1e-11)


@pytest.mark.parametrize(
    "method",
    [ct.DCGD(ct.RandK(1), Fraction(1, 10)), ct.DIANA(ct.RandK(1)), ct.EF21(ct.Scaled(ct.RandK(1)))],
    ids=lambda m: type(m).__name__,
)
def test_rational_brackets_are_proved_and_hold_the_rate(method):
    problem = random_quadratic(2, 3, 8, seed=3)
    rate = exact_rate(method, problem, rational=True)
    low, high = rate.bracket
    assert isinstance(low, Fraction)
    assert isinstance(high, Fraction)
    assert low <= Fraction(rate.rho_noise) <= high
    assert high - low < Fraction(1, 1000) * (1 - high)


def test_rational_psd_refuses_what_is_not():
    third = Fraction(1, 3)
    good = np.array([[third, third], [third, third]], dtype=object)
    bad = np.array([[third, third], [third, third - Fraction(1, 10**30)]], dtype=object)
    assert rational.psd(good)
    assert not rational.psd(bad)
    assert not rational.psd(np.array([[Fraction(0), third], [third, third]], dtype=object))


@pytest.mark.parametrize("fleet", [ct.RandK(2), ct.PermK(3), ct.Shared(ct.Bernoulli(0.4))])
@pytest.mark.parametrize("rank", [None, 3])
def test_largest_stable_step_is_where_the_rate_is_one(fleet, rank):
    problem = random_quadratic(3, 6, 30, seed=9, rank=rank)
    gamma = max_stable_step(ct.DCGD(fleet), problem)
    assert exact_rate(ct.DCGD(fleet, gamma), problem).rho_noise == pytest.approx(1, abs=1e-7)
    assert exact_rate(ct.DCGD(fleet, 0.99 * gamma), problem).rho_noise < 1


def test_largest_stable_step_with_memories_is_where_the_rate_is_one():
    for method in (
        ct.DIANA(ct.RandK(2), alpha=0.3),
        ct.EF21(ct.Scaled(ct.RandK(2))),
        ct.MARINA(ct.RandK(2), p=0.3),
    ):
        gamma = max_stable_step(method, PROBLEM)
        for factor, sign in ((1 - 1e-4, -1), (1 + 1e-4, 1)):
            found = exact_rate(replace(method, gamma=gamma * factor), PROBLEM).rho_noise - 1
            assert np.sign(found) == sign


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


def takes(method, problem):
    """False where the method's fleet is not for so many workers or such messages."""
    try:
        method.check(problem)
    except Unsupported:
        return False
    return True


ON = problems()
PINNED = {k: v for k, v in cases().items() if v[0].gamma is None and k != "cat" and takes(v[0], ON[v[1]])}


@pytest.mark.parametrize("name", PINNED)
@unwatched()
def test_steps_are_searched_with_the_parameters_of_a_run(name):
    """max_stable_step and best_step speak of the rate that exact_rate gives at every step, over the catalogue."""
    method, on = PINNED[name]
    problem = ON[on]
    for step in (0.1 / problem.L, 0.9 / problem.L):
        run = replace(method, gamma=step)
        planned, searched = plan_of(run, problem)[0].params, parameters(method, problem)(step)
        shared = planned.keys() & searched.keys()
        assert {k: planned[k] for k in shared} == {k: searched[k] for k in shared}
        try:
            rho = exact_rate(run, problem).rho
        except Unsupported:  # a method without exact dynamics there, by either door
            with pytest.raises(Unsupported):
                rates_along(method, problem).rate(step)
            continue
        assert rates_along(method, problem).rate(step).rho == pytest.approx(rho, rel=1e-8)


def test_a_witness_on_the_boundary_bounds_nothing():
    """Planted: R >= 0 that misses the slow direction has tau R - T(R) >= 0 for a tau below rho."""
    inside, flat = np.eye(2, dtype=object), np.diag(np.array([1, 0], dtype=object))
    assert rational.is_inside(rational.Moments(inside), rational.Moments(inside))
    assert not rational.is_inside(rational.Moments(flat), rational.Moments(inside))
    assert rational.psd(flat)
