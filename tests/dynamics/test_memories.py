"""The fast operator of x and one memory per worker, its near inverse, and systems that fall apart."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import compth as ct
from compth.compressors import MomentMap
from compth.dynamics import along, best_step, exact_rate, memories, parts, radii
from compth.dynamics.memories import Memories
from compth.dynamics.system import Moments, System, data_of
from compth.dynamics.trajectory import make_system
from compth.methods import plan_of
from compth.problems import distributed_quadratic, random_quadratic

FLEETS = [ct.RandK(2), ct.Bernoulli(0.3), [ct.RandK(1), ct.Bernoulli(0.5), ct.RandK(3)]]


def system_of(method, problem):
    plan, _, _ = plan_of(method, problem)
    return make_system(method, data_of(problem), plan.gamma, plan.params, affine=False)


def moments(system, seed=0):
    """Random symmetric moments."""
    rng, d, n = np.random.default_rng(seed), system.data.d, system.data.n
    c, e = rng.standard_normal((d, d)), rng.standard_normal((n, d, d))
    return Moments(c + c.T, rng.standard_normal((n, d, d)), e + e.swapaxes(1, 2))


def dense(system):
    """The spectral radius of the written-out operator."""
    packing = radii.Packing(system)
    matrix = np.array([packing.apply(v) for v in np.eye(packing.size)]).T
    return float(np.abs(np.linalg.eigvals(matrix)).max())


@pytest.fixture
def everywhere(monkeypatch):
    """The fast operator in every dimension."""
    monkeypatch.setattr(memories, "LEAST", 1)


@pytest.mark.parametrize("fleet", FLEETS)
def test_the_fast_operator_is_the_system(fleet, everywhere):
    problem = random_quadratic(3, 5, 20, seed=4)
    system = system_of(ct.DIANA(fleet), problem)
    assert memories.fits(system)
    assert_same(system)


def assert_same(system):
    fast, start = Memories(system), moments(system)
    fast.locate()
    found, want = fast.unpack(fast.apply(fast.pack(start))), system(start)
    for x, y in ((found.C, want.C), (found.D, want.D), (found.E, want.E)):
        assert x == pytest.approx(y, rel=1e-11, abs=1e-11 * np.abs(y).max())


def test_trace_noise_and_other_memories_are_the_systems_too(everywhere):
    system = system_of(ct.DIANA(ct.RandK(2)), random_quadratic(3, 5, 20, seed=4))
    maps = tuple(MomentMap(0.1 * i, np.arange(5.0) + i, 0.3 * i) for i in range(3))
    scheme = replace(system.scheme, memory=(0.7, 0.2, 0.25), q=-0.9, beta=(0.1,))
    assert_same(System(system.data, scheme, replace(system.sketches, own=maps), affine=False))


@pytest.mark.parametrize("memory", [(0, 0.2, 0.25), (0.7, 0, 0.25), (0, 0, 0)])
def test_memories_that_keep_nothing_or_take_nothing_are_the_systems_too(memory, everywhere):
    """v w = 0: the product of both has no factor to carry."""
    system = system_of(ct.DIANA(ct.RandK(2)), random_quadratic(3, 5, 20, seed=4))
    assert_same(System(system.data, replace(system.scheme, memory=memory), system.sketches, affine=False))


def residual(fast, vector):
    y = fast.solve(vector)
    left = vector - (fast.lam * y - fast.apply(y))
    return float(np.linalg.norm(left) / np.linalg.norm(vector))


@pytest.mark.parametrize("b", [0.0, 0.2])
def test_the_near_inverse_is_exact_without_scaled_noise(b, everywhere, monkeypatch):
    """Noise on the diagonal and by the trace is kept whole; a M is left out, which shows."""
    monkeypatch.setattr(memories, "RANK_TOLERANCE", 1e-14)
    system = system_of(ct.DIANA(ct.Bernoulli(0.3)), random_quadratic(3, 5, 20, seed=4))
    maps = tuple(MomentMap(0, 2.0 + i, b) for i in range(3))
    exact = Memories(System(system.data, system.scheme, replace(system.sketches, own=maps), affine=False))
    first = exact.locate()
    assert residual(exact, exact.pack(moments(system))) < 1e-9
    assert residual(exact, first) < 1e-9
    scaled = tuple(replace(m, a=-0.5) for m in maps)
    near = Memories(System(system.data, system.scheme, replace(system.sketches, own=scaled), affine=False))
    near.locate()
    assert residual(near, near.pack(moments(system))) > 1e-3


def enclosed(found):
    """What the search says of itself: in a package that a test changed the word `converged` is not given."""
    return object.__getattribute__(found, "converged")


@pytest.mark.parametrize("fleet", FLEETS)
@pytest.mark.parametrize("step", [0.1, 0.5, 1.3])
def test_rates_are_those_of_the_written_out_operator(fleet, step, everywhere):
    problem = random_quadratic(3, 4, 20, seed=4)
    method = ct.DIANA(fleet, gamma=step / problem.L, alpha=0.2)
    found = exact_rate(method, problem)
    assert enclosed(found)
    low, high = found.bracket
    rho = dense(system_of(method, problem))
    assert low * (1 - 1e-12) <= rho <= high * (1 + 1e-12)
    assert found.rho_noise == pytest.approx(rho, abs=1e-8 * abs(1 - rho))


@pytest.mark.parametrize("off", [-0.5, -0.1, 0.3])
def test_a_search_led_astray_finds_the_largest_root(off, everywhere, monkeypatch):
    """Planted: the near inverse is taken where other roots lie."""
    locate = Memories.locate

    def astray(self, guess=0.0):
        first = locate(self, guess)
        self.prepare(1 + off)
        return first

    problem = random_quadratic(3, 4, 20, seed=4)
    method = ct.DIANA(ct.RandK(1), gamma=0.5 / problem.L)
    want = exact_rate(method, problem).rho
    monkeypatch.setattr(Memories, "locate", astray)
    found = exact_rate(method, problem)
    assert enclosed(found)
    assert found.bracket[0] <= want * (1 + 1e-12)
    assert want <= found.bracket[1] * (1 + 1e-12)
    assert found.rho == pytest.approx(want, rel=1e-7)
    run = along.RateAt(method, data_of(problem), plan_of(method, problem)[0].params)
    assert run.rho(method.gamma) == pytest.approx(want, rel=1e-7)


def test_only_perron_points_pass_for_them(everywhere, monkeypatch):
    """Planted: any vector passes."""
    problem = random_quadratic(3, 4, 20, seed=4)
    system = system_of(ct.DIANA(ct.RandK(1), gamma=0.5 / problem.L), problem)
    search = radii.Search(system)
    search.target = -0.4
    right = search.run(1e-9)
    monkeypatch.setattr(radii.Search, "_positive", lambda self, vector: True)
    other = radii.Search(system)
    other.target = -0.4
    assert other.run(1e-9) < right - 0.01


def apart(gap=1.0):
    """Two groups of coordinates, the second with one direction of the least curvature."""
    whole = random_quadratic(3, 3, 5, seed=2)
    a = np.zeros((3, 4, 4))
    a[:, :3, :3], a[:, 3, 3] = whole.A, gap * whole.mu / 3
    return distributed_quadratic(a, np.zeros((3, 4)))


@pytest.mark.parametrize(
    "method", [ct.DIANA(ct.RandK(1)), ct.EF21(ct.Scaled(ct.RandK(1))), ct.DCGD(ct.RandK(1))]
)
def test_groups_of_coordinates_are_enclosed_on_both_sides_of_the_cusp(method):
    problem = apart()
    best = best_step(method, problem)
    assert best.converged
    for factor in (0.8, 1.0, 1.1):
        at = replace(method, gamma=float(best.gamma) * factor)
        found, rho = exact_rate(at, problem), dense(system_of(at, problem))
        assert found.bracket[1] - found.bracket[0] < 1e-3 * abs(1 - rho)
        assert found.bracket[0] * (1 - 1e-12) <= rho <= found.bracket[1] * (1 + 1e-12)
    two = parts.parts_of(system_of(at, problem))
    assert sorted(g.data.d for g in two) == [1, 3]


def test_whole_they_are_not_enclosed(monkeypatch):
    """Planted: the groups stay together, and the Perron point lies on the boundary of the cone."""
    method, problem = ct.DIANA(ct.RandK(1)), apart()
    beyond = replace(method, gamma=float(best_step(method, problem).gamma) * 1.1)
    monkeypatch.setattr(radii, "parts_of", lambda system: [system])
    monkeypatch.setattr(radii, "DENSE", 0)
    found = exact_rate(beyond, problem)
    assert found.bracket[1] - found.bracket[0] > 1e-2 * (1 - found.rho)


def test_a_link_or_noise_by_the_trace_joins_the_groups():
    method, problem = ct.DIANA(ct.RandK(1)), apart()
    system = system_of(method, problem)
    linked = problem.A.copy()
    linked[0, 0, 3] = linked[0, 3, 0] = 1e-3
    joined = system_of(method, distributed_quadratic(linked, problem.b))
    noise = replace(system.sketches, own=tuple(replace(m, b=0.1) for m in system.own))
    assert parts.parts_of(joined) == [joined]
    whole = System(system.data, system.scheme, noise, affine=False)
    assert parts.parts_of(whole) == [whole]


def test_equal_groups_are_looked_at_once():
    a = np.zeros((2, 4, 4))
    a[:, range(4), range(4)] = [1.0, 0.1, 0.1, 0.1]
    system = system_of(ct.DIANA(ct.RandK(2)), distributed_quadratic(a, np.ones((2, 4))))
    assert [g.data.d for g in parts.parts_of(system)] == [1, 1]


@pytest.mark.parametrize(("k", "seed", "step"), [(2, 12, 2.5), (1, 54, 3.0), (1, 105, 3.0)])
def test_unstable_steps_are_not_taken_for_stable_ones(k, seed, step):
    """The step without noise has roots below 1 there, whose points are nearly inside the cone."""
    problem = random_quadratic(1, 8, 1e3, seed=seed)
    method = ct.DIANA(ct.RandK(k), gamma=step / problem.L)
    rho = dense(system_of(method, problem))
    assert rho > 1
    run = along.RateAt(method, data_of(problem), plan_of(method, problem)[0].params)
    assert run.noise(method.gamma) == pytest.approx(rho - 1, rel=1e-5)


STEEP = random_quadratic(10, 20, 1e5, seed=1)
FEW = 100
"""Applications: thousands were made before memories that follow a slow z were in the near inverse."""


def test_badly_conditioned_rates_are_found_in_a_few_applications():
    found = exact_rate(ct.DIANA(ct.RandK(2)), STEEP)
    assert found.converged
    assert found.applications < FEW
    near = Memories(system_of(ct.DIANA(ct.RandK(2)), STEEP))
    near.locate()
    assert abs(near.lam - found.rho_noise) < 0.1 * (1 - found.rho_noise)


def test_signs_that_rounding_spoils_send_no_search_elsewhere(monkeypatch):
    """rho = 1 - 2e-7: an upper bound just above the root says that it is the largest; planted: nobody asks it."""
    problem = random_quadratic(3, 8, 5e5, seed=50)
    method = ct.DIANA(ct.RandK(3), gamma=0.05 / problem.L, alpha=0.38)
    found = exact_rate(method, problem)
    assert found.converged
    assert found.applications < FEW
    monkeypatch.setattr(radii.Search, "_largest", lambda self: False)
    assert exact_rate(method, problem).applications > FEW


def test_a_search_that_does_not_know_rounding_goes_on_for_ever(monkeypatch):
    """Planted: the same without the end at rounding."""
    monkeypatch.setattr("compth.dynamics.solvers.STALLED", 10**9)
    assert exact_rate(ct.DIANA(ct.RandK(2)), STEEP).applications > FEW


def test_a_near_inverse_aimed_left_of_rho_is_left_at_once():
    """Beyond the largest stable step: the first image of a point inside the cone leaves it, which no root of T does."""
    problem = random_quadratic(10, 20, 1e2, seed=1)
    rates = along.RateAt(ct.DIANA(ct.RandK(2)), data_of(problem), {"alpha": 0.1})
    assert rates.noise(2 / problem.L, 1e-4) > 0
    assert rates.applications <= 20
