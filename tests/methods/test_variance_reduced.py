"""Variance-reduced rows of the unified theory: the assumption exactly, spoils caught, exact dynamics, special cases."""

from dataclasses import replace

import numpy as np
import pytest

import compth as ct
from compth.bits import FLOAT_BITS
from compth.dynamics.enumerated import EnumeratedSystem
from compth.methods import find_guarantee
from compth.methods._components import components
from compth.methods.l_svrg import LSVRGState
from compth.methods.saga import SAGAState
from compth.methods.sega import SEGAState
from compth.problems import distributed_quadratic
from paper_repro.unified_sgd import _rows

from .grid import Spoiled, excess

GRID = ct.problems.extremal_problems()
FAST = ("1-D", "heterogeneous")

MIXED = ct.problems.random_quadratic(3, 2, 10, seed=1, minimisers=2.0)


def axes(n):
    """f_j = x_j^2/2: gradients of different components are orthogonal, so the mean gradient is small beside them."""
    return distributed_quadratic(np.einsum("ja,jb->jab", np.eye(n), np.eye(n)), np.zeros((n, n)), "axes")


AXES = axes(4)


def opposite(method, problem):
    """A state whose memory is the negative of what it should be: both terms of the first line add up."""
    point = np.ones((1, problem.d))
    if isinstance(method, ct.SEGA):
        return SEGAState(point, h=-problem.gradient(point))
    if isinstance(method, ct.LSVRG):
        return LSVRGState(point, w=-point)
    return SAGAState(point, table=-problem.gradients(point))


METHODS = [ct.SAGA(), ct.LSVRG(p=0.25), ct.SEGA(), ct.JacSketch(), ct.JacSketch(size=2)]
NOISY = [ct.NSAGA(s2=0.01), ct.NSEGA(s2=0.01)]
EVERY = [*METHODS, *NOISY]
SOME = [*METHODS, *(pytest.param(m, marks=pytest.mark.slow) for m in NOISY)]


def row_of(method):
    return type(method).theorems()[0]


def checked(method, problem=AXES, spoil=None, extra=True):
    theorem = row_of(method)
    p = theorem.parameters(method.check(problem))
    p = replace(p, **{k: f * float(getattr(p, k)) for k, f in (spoil or {}).items()})
    states = [opposite(method, problem)] if extra and problem is not MIXED else None
    return ct.check_assumption(method, problem, theorem, parameters=p, states=states)


@pytest.mark.slow
@pytest.mark.parametrize("method", EVERY, ids=lambda m: m.label)
def test_the_assumption_holds_exactly(method):
    for problem in (MIXED, AXES):
        assert checked(method, problem).holds
        assert checked(method, problem, extra=False).holds


@pytest.mark.parametrize("method", SOME, ids=lambda m: m.label)
@pytest.mark.parametrize("name", ["A", "B", "C"])
def test_halved_constants_are_refuted(method, name):
    """B halved is the B = 1 that slides print for SAGA."""
    found = checked(method, axes(8) if name == "B" else AXES, spoil={name: 0.5}, extra=name != "C")
    assert (found.second if name == "C" else found.first) > 1.05


@pytest.mark.parametrize("method", SOME, ids=lambda m: m.label)
def test_a_faster_memory_is_refuted(method):
    assert checked(method, MIXED, spoil={"rho": 1.5, "C": 0.5}).second > 1.05


@pytest.mark.slow
@pytest.mark.parametrize("method", NOISY, ids=lambda m: m.label)
def test_noise_needs_its_terms_and_half_the_printed_d1(method):
    """The row prints D1 = 2 s2 (2 d s2): noise drawn apart from the index adds s2 (d s2), and no less."""
    assert checked(method, MIXED, spoil={"D1": 0.5}).holds
    assert checked(method, MIXED, spoil={"D1": 0.45}).first > 1.05
    assert checked(method, MIXED, spoil={"D1": 0}).first > 2
    assert checked(method, MIXED, spoil={"D2": 0.5}).second > 1.05


@pytest.mark.slow
@pytest.mark.parametrize("method", NOISY, ids=lambda m: m.label)
def test_the_neighbourhood_is_not_empty(method):
    """The floor bounds the stationary metric and cannot be left out."""
    theorem = row_of(method)
    found = find_guarantee(method, MIXED, theorem)
    long = ct.exact(method, MIXED, 2000, theorem=theorem).mean_metric[-1]
    assert long <= found.rate.floor < 30 * long
    assert ct.stationary(method, MIXED).mean_square < long
    assert excess(method, MIXED, Spoiled(theorem, floor=0.0), steps=800, runs=512) > 1


def test_jacsketch_of_one_component_is_saga():
    for seed in range(3):
        a, b = (
            ct.simulate(m, MIXED, 40, 8, seed, theorem=None)
            for m in (ct.SAGA(gamma=0.1), ct.JacSketch(gamma=0.1))
        )
        assert np.abs(a.mean_square - b.mean_square).max() <= 1e-12 * a.mean_square[0]
        assert np.abs(a.mean - b.mean).max() <= 1e-12 * np.abs(a.mean).max()
    saga, one = (row_of(m).parameters(m.check(AXES)) for m in METHODS[::3])
    assert [float(getattr(saga, k)) for k in ("A", "B", "C", "rho")] == pytest.approx(
        [float(getattr(one, k)) for k in ("A", "B", "C", "rho")]
    )


def test_jacsketch_of_all_components_is_gradient_descent():
    method = ct.JacSketch(size=3, gamma=0.2)
    assert row_of(method).parameters(method.check(MIXED)).B == 0
    assert np.allclose(
        ct.simulate(method, MIXED, 20, 1).mean, ct.simulate(ct.GD(gamma=0.2), MIXED, 20, 1).mean, rtol=1e-12
    )
    with pytest.raises(ct.errors.Unsupported, match="needs size <= n = 3"):
        ct.guarantee(ct.JacSketch(size=4), MIXED)


@pytest.mark.parametrize("method", SOME, ids=lambda m: m.label)
@pytest.mark.parametrize("name", [pytest.param(n, marks=() if n in FAST else pytest.mark.slow) for n in GRID])
def test_bounds_hold_on_the_grid(method, name):
    problem = GRID[name]
    if problem.n < getattr(method, "size", 1):
        method = ct.JacSketch(size=problem.n)
    assert excess(method, problem, row_of(method), steps=40, runs=128) <= 1


@pytest.mark.parametrize("method", SOME, ids=lambda m: m.label)
def test_exact_dynamics_is_what_is_simulated(method):
    theorem = row_of(method)
    run = ct.exact(method, MIXED, 25, theorem=theorem)
    seen = ct.simulate(method, MIXED, 25, 2000, theorem=theorem)
    assert np.abs(run.mean_square - seen.mean_square).max() < 7 * seen.se_square.max()
    assert (np.abs(run.mean_metric - seen.mean_metric) <= 7 * seen.se_metric + 1e-12 * run.mean_metric).all()
    assert (np.abs(run.mean[-1] - seen.mean[-1]) < 7 * np.sqrt(seen.mean_square[-1] / 2000)).all()
    other = ct.exact(replace(method, gamma=1.5 * run.plan.gamma), MIXED, 25)
    assert np.abs(other.mean_square - seen.mean_square).max() > 7 * seen.se_square.max()


@pytest.mark.parametrize("method", [*METHODS[:3], ct.NSAGA(s2=0.5), ct.NSEGA(s2=0.5)], ids=lambda m: m.label)
def test_the_steps_outcomes_are_the_papers_linear_maps(method):
    """The maps that come from `step` and the ones written down by hand have the same second moments."""
    A, s = _rows.problem()
    problem = distributed_quadratic(A, -s)
    rows = {
        ct.SAGA: lambda: _rows.saga(A, s),
        ct.NSAGA: lambda: _rows.saga(A, s, 0.5),
        ct.SEGA: lambda: _rows.sega(A),
        ct.NSEGA: lambda: _rows.sega(A, 0.5),
        ct.LSVRG: lambda: _rows.lsvrg(A, s),
    }
    row = rows[type(method)]()
    gamma = 0.1
    system = EnumeratedSystem(method, problem, ct.methods.Plan(gamma, {"p": 0.25, "weight": 1.0}))
    Y = np.random.default_rng(0).standard_normal((system.size, system.size))
    by_hand = sum(p * T[:-1, :-1] @ (Y + Y.T) @ T[:-1, :-1].T for p, T in row.outcomes(gamma))
    assert np.allclose(system.linear(Y + Y.T), by_hand, rtol=1e-11, atol=1e-11 * np.abs(by_hand).max())
    start = system.start(problem.x_star + 1)[0]
    drift = sum(p * T[:-1, -1:] @ T[:-1, -1:].T for p, T in row.outcomes(gamma))
    assert np.trace(system.source) == pytest.approx(np.trace(drift), abs=1e-20)
    assert np.allclose(start, row.start()[:-1], rtol=1e-10, atol=1e-12)


def test_variance_reduction_has_no_floor_and_sgd_has():
    for method in METHODS:
        assert ct.stationary(method, MIXED).mean_square == 0


def test_a_finite_sum_is_its_components():
    whole = ct.problems.random_finite_sum(2, 3, 4, 5, seed=2)
    flat = whole.as_workers()
    for method in (*METHODS[:2], *METHODS[3:]):
        assert find_guarantee(method, whole).rate.rho == find_guarantee(method, flat).rate.rho
        a, b = (ct.simulate(method, q, 10, 8) for q in (whole, flat))
        assert np.allclose(a.mean_square, b.mean_square, rtol=1e-12)
    assert components(whole).n == 6


def test_bits_are_counted():
    d, n = MIXED.d, MIXED.n
    saga = ct.simulate(ct.SAGA(), MIXED, 3, 4)
    assert saga.bits[-1] == pytest.approx(FLOAT_BITS * d * (1 + 3 / n))
    assert ct.simulate(ct.SEGA(), MIXED, 3, 4).bits[-1] == 3 * FLOAT_BITS
    always = ct.simulate(ct.LSVRG(p=1), MIXED, 3, 4)
    assert always.bits[-1] == pytest.approx(FLOAT_BITS * d * (1 + 3 / n + 3))


def test_bad_parameters_are_refused():
    with pytest.raises(ct.errors.InvalidParameter, match=r"LSVRG\(p=0\) needs 0 < p <= 1"):
        ct.LSVRG(p=0)
    with pytest.raises(ct.errors.InvalidParameter, match=r"NSAGA\(s2=-1\) needs a noise variance"):
        ct.NSAGA(s2=-1)
    with pytest.raises(ct.errors.InvalidParameter, match=r"JacSketch\(size=0\)"):
        ct.JacSketch(size=0)
    with pytest.raises(ct.errors.NoGuarantee, match="every component must be convex"):
        ct.guarantee(ct.SAGA(), concave())


def concave():
    """f = 2 x^2/2 with a concave component."""
    return distributed_quadratic(np.array([[[5.0]], [[-1.0]]]), np.zeros((2, 1)))
