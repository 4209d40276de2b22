"""The driver: reproducible bits, divergence as a result, means that agree with the exact one-step moments."""

import itertools

import numpy as np
import pytest

import compth as ct
from compth.errors import InvalidParameter
from compth.methods import plan_of
from compth.simulation import driver
from compth.simulation.engines import Engine

PROBLEM = ct.problems.random_quadratic(3, 5, 10, seed=1)
FIELDS = ("mean_square", "se_square", "mean_gap", "mean_gradient_square", "mean", "bits")


@pytest.mark.parametrize(
    "method", [ct.DCGD(ct.RandK(2)), ct.EF(ct.TopK(2)), ct.DIANA(ct.NaturalCompression())]
)
def test_same_bits_for_any_number_of_threads(method):
    one = ct.simulate(method, PROBLEM, 20, 200, seed=5, threads=1)
    two = ct.simulate(method, PROBLEM, 20, 200, seed=5, threads=2)
    other = ct.simulate(method, PROBLEM, 20, 200, seed=6, threads=1)
    for name in FIELDS:
        assert np.array_equal(getattr(one, name), getattr(two, name)), name
    deterministic = isinstance(method, ct.EF)
    assert np.array_equal(one.mean_square, other.mean_square) == deterministic


def test_first_step_matches_enumeration():
    gamma, k = 0.3, 2
    problem = PROBLEM
    gradients = problem.gradients(problem.start)
    masks = np.array([[j in s for j in range(5)] for s in itertools.combinations(range(5), k)]) * (5 / k)
    moments = []
    for choice in itertools.product(range(len(masks)), repeat=problem.n):
        step = np.mean([masks[c] * gradients[i] for i, c in enumerate(choice)], axis=0)
        moments.append(problem.distance_squared(problem.start - gamma * step))
    exact = np.mean(moments)
    trace = ct.simulate(ct.DCGD(ct.RandK(k), gamma=gamma), problem, 1, 20000, seed=2)
    assert abs(trace.mean_square[1] - exact) < 7 * trace.se_square[1]
    assert abs(trace.mean_square[1] - 1.1 * exact) > 7 * trace.se_square[1], "the test could see a 10 % error"


def test_diverged_replicates_are_recorded_and_the_mean_is_infinite():
    trace = ct.simulate(ct.DCGD(ct.RandK(1), gamma=50.0), PROBLEM, 400, 70, seed=1)
    assert (trace.diverged > 0).all()
    first = trace.diverged.min()
    assert np.isinf(trace.mean_square[first:]).all()
    assert np.isfinite(trace.mean_square[:first]).all()


def test_some_may_diverge_and_others_go_on():
    starts = np.zeros((3, 5))
    starts[1] = 1e57
    problem = ct.problems.random_quadratic(1, 5, 10, seed=1)
    trace = ct.simulate(ct.GD(gamma=3.0), problem, 30, 3, x0=starts)
    assert trace.diverged[1] > 0
    assert (trace.diverged[[0, 2]] == -1).all()


def test_bits_count_what_was_sent():
    fixed = ct.simulate(ct.DCGD(ct.TopK(2), gamma=0.1), PROBLEM, 4, 3)
    assert np.array_equal(np.diff(fixed.bits), np.full(4, 2 * 32 + 2 * 3))
    random = ct.simulate(ct.DCGD(ct.Bernoulli(0.5), gamma=0.1), PROBLEM, 50, 200)
    expected = 5 + 32 * 2.5
    error = 32 * np.sqrt(5 / 4 / 3 / 200 / 50)
    assert abs(np.diff(random.bits).mean() - expected) < 7 * error
    assert np.unique(np.diff(random.bits)).size > 1
    assert np.array_equal(fixed.downlink_bits, 32 * 5 * np.arange(5.0))


HALF, ALL = ct.Bernoulli(0.5), ct.Identity()
BROADCASTS = [
    ct.DCGD(ALL, 0.01, downlink=HALF),
    ct.DIANA(ALL, 0.01, alpha=0.2, downlink=HALF),
    ct.ADIANA(ALL, 0.01, downlink=HALF),
    ct.EF(ALL, 0.01, downlink=HALF),
    ct.EF21(ALL, 0.01, downlink=HALF),
    ct.EFBV(ALL, 0.01, downlink=HALF),
    ct.MARINA(ALL, 0.01, p=0.5, downlink=HALF),
    ct.IBCD(tau=1, gamma=0.01, downlink=HALF),
    ct.IASGD(tau=1, gamma=0.01, downlink=HALF),
    ct.ISEGA(tau=1, gamma=0.01, downlink=HALF),
    ct.GDCI(HALF, 0.01),
    ct.IST(HALF, 0.01),
]


@pytest.mark.parametrize("method", BROADCASTS, ids=lambda m: type(m).__name__)
def test_broadcasts_of_random_length_are_counted_as_they_were_sent(method):
    """One replicate hears a mask of 5 bits and 0 to 5 entries a round (IST: n masks, their mean), not the mean 85.

    The first round is left out: EF21 begins with a broadcast of zeros.
    """
    heard = np.diff(ct.simulate(method, PROBLEM, 12, 1, seed=3).downlink_bits)[1:]
    parts = PROBLEM.n if isinstance(method, ct.IST) else 1
    kept = (heard - 5) * parts / 32
    assert np.allclose(kept, np.round(kept), atol=1e-9)
    assert kept.min() >= 0
    assert kept.max() <= 5 * parts
    assert np.unique(kept).size > 1
    many = np.diff(ct.simulate(method, PROBLEM, 12, 400, seed=3).downlink_bits)[1:].mean()
    assert abs(many - method.downlink_bits(PROBLEM)) < 7 * 32 * np.sqrt(5 / 4 / 400 / 11 / parts)


@pytest.mark.slow
def test_standard_errors_are_those_of_independent_replicates():
    trace = ct.simulate(ct.DCGD(ct.RandK(2), gamma=0.2), PROBLEM, 5, 4096, seed=0)
    means = [
        ct.simulate(ct.DCGD(ct.RandK(2), gamma=0.2), PROBLEM, 5, 64, seed=s).mean_square[5]
        for s in range(1, 65)
    ]
    assert 0.6 < np.std(means) * np.sqrt(64 / 4096) / trace.se_square[5] < 1.6


@pytest.mark.slow
def test_singular_problems_measure_the_distance_to_the_solution_set():
    problem = ct.problems.extremal_problems()["singular"]
    trace = ct.simulate(ct.DIANA(ct.RandK(3)), problem, 3000, 16)
    assert trace.mean_square[-1] < 1e-6 * trace.mean_square[0]
    shifted = problem.x_star + (np.eye(6) - problem.projector) @ np.ones(6)
    assert problem.distance_squared(shifted) < 1e-20 < np.sum((shifted - problem.x_star) ** 2)


@pytest.mark.parametrize(
    ("bad", "rule"),
    [
        ({"steps": 0}, "steps=0 must be an integer >= 1"),
        ({"runs": -3}, "runs=-3"),
        ({"threads": 0}, "threads=0"),
        ({"seed": -1}, "seed=-1"),
        ({"x0": [1.0, np.nan, 0, 0, 0]}, "finite"),
        ({"x0": [1.0]}, r"need finite \(5,\)"),
    ],
)
def test_bad_settings_are_refused(bad, rule):
    with pytest.raises(InvalidParameter, match=rule):
        ct.simulate(ct.GD(), PROBLEM, **({"steps": 3, "runs": 2} | bad))


def test_rounds_and_bits_to_eps_hold_from_there_on():
    trace = ct.simulate(ct.GD(), PROBLEM, 200, 1)
    t = trace.rounds_to(1e-3)
    assert trace.mean_square[t] <= 1e-3 * trace.mean_square[0] < trace.mean_square[t - 1]
    assert trace.bits_to(1e-3) == trace.bits[t]
    assert trace.rounds_to(1e-300) is None


def test_fitted_rate_recovers_a_known_rate():
    problem = ct.problems.random_quadratic(2, 3, 1, seed=3, hessians=0)
    trace = ct.simulate(ct.GD(gamma=0.25), problem, 60, 1)
    assert trace.fitted_rate() == pytest.approx(0.75**2, rel=1e-9)


def test_a_floor_is_told_from_a_slow_descent():
    problem = ct.problems.ridge("wine", 3)
    floor = ct.simulate(ct.DCGD(ct.RandK(3), gamma=0.3), problem, 600, 64)
    slow = ct.simulate(ct.EF(ct.TopK(1), gamma=0.001), problem, 600, 1)
    assert floor.settled
    assert not slow.settled
    assert slow.fitted_rate() is not None


def test_a_run_that_grows_has_no_floor():
    lecture = ct.problems.top1_divergence()
    wild = ct.simulate(ct.DCGD(ct.TopK(1), gamma=0.05), lecture, 300, 1)
    assert wild.grows
    assert not wild.settled
    assert wild.fitted_rate() == pytest.approx(wild.mean_square[-1] / wild.mean_square[-2], rel=1e-6)
    assert not ct.simulate(ct.EF21(ct.TopK(1), gamma=0.05), lecture, 300, 1).grows
    # from close to x*: it rises to a floor far above its start, and stays there
    problem = ct.problems.ridge("wine", 3)
    near = problem.x_star + 1e-3
    rises = ct.simulate(ct.DCGD(ct.RandK(3), gamma=0.3), problem, 600, 16, x0=near)
    assert rises.floor > 10
    assert rises.settled
    assert not rises.grows


@pytest.mark.parametrize("unit", [1e-70, 1e70])
def test_divergence_is_relative_to_the_problems_length(unit):
    scaled = ct.problems.distributed_quadratic(PROBLEM.A, unit * PROBLEM.b)
    for gamma in (0.3, 30.0):
        plain = ct.simulate(ct.DCGD(ct.RandK(2), gamma), PROBLEM, 150, 3)
        other = ct.simulate(ct.DCGD(ct.RandK(2), gamma), scaled, 150, 3)
        assert np.array_equal(plain.diverged, other.diverged)
        assert (plain.diverged >= 0).all() == (gamma > 1)
        assert other.mean_square / unit**2 == pytest.approx(plain.mean_square, rel=1e-9)


def test_one_run_has_no_standard_error():
    one, two = (ct.simulate(ct.DCGD(ct.RandK(2), 0.3), PROBLEM, 5, runs) for runs in (1, 2))
    for name in ("se_square", "se_gap", "se_gradient_square"):
        assert np.isnan(getattr(one, name)).all()
        assert np.isfinite(getattr(two, name)).all()


def test_the_default_start_has_the_problems_length():
    a = np.tile(np.diag([1.0, 2.0]), (2, 1, 1))
    b = np.array([[1.0, 2.0], [-1.0, -2.0]])
    away = [ct.problems.distributed_quadratic(a, c * b).start / c for c in (1e-12, 1.0, 1e12)]
    assert away[0] == pytest.approx(away[1])
    assert away[2] == pytest.approx(away[1])
    assert np.linalg.norm(away[1]) == pytest.approx(5**0.5 / 2)
    near = ct.problems.distributed_quadratic(a, np.array([[1e-12, 0.0], [1e-12, 0.0]]))
    assert np.array_equal(near.start, [0.0, 0.0])  # 1e-12 from the solution is the problem's own length


def without_shortcut(monkeypatch, *args, **named):
    with monkeypatch.context() as changed:
        changed.setattr(driver, "_one_for_all", lambda *_: None)
        return ct.simulate(*args, **named)


@pytest.mark.parametrize("method", [ct.GD(), ct.EF(ct.TopK(2)), ct.EF21(ct.TopK(1)), ct.GD(gamma=50.0)])
def test_runs_that_draw_nothing_are_one_run(method, monkeypatch):
    whole = without_shortcut(monkeypatch, method, PROBLEM, 80, 70, seed=1)
    assert driver._one_for_all(*job_of(method, 70)).count[0] == 70
    one = ct.simulate(method, PROBLEM, 80, 70, seed=1)
    assert one.runs == 70
    assert np.array_equal(one.diverged, whole.diverged)
    assert np.array_equal(one.bits, whole.bits)
    finite = np.isfinite(whole.mean_square)
    assert np.array_equal(finite, np.isfinite(one.mean_square))
    assert np.allclose(one.mean_square[finite], whole.mean_square[finite], rtol=1e-9, atol=1e-24)
    assert (one.se_square[finite] == 0).all()


def test_runs_that_may_differ_are_all_made(monkeypatch):
    """An oracle's draws, starts that differ, a user's function that draws elsewhere, draws after the first round."""
    hidden = np.random.default_rng(0)
    own = ct.compressor(lambda x: x * (1 + hidden.choice([-0.5, 0.5])), claims=[ct.Contractive(0.5)])
    assert ct.simulate(ct.DCGD(own, gamma=0.1), PROBLEM, 5, 6).se_square[-1] > 0
    noisy = ct.DCGD(ct.Identity(), gamma=0.05, oracle=ct.Minibatch(1))
    terms = ct.problems.random_finite_sum(2, 3, 4, 6, seed=1)
    assert ct.simulate(noisy, terms, 5, 50, seed=3).se_square[-1] > 0
    starts = np.arange(10.0).reshape(2, 5)
    assert ct.simulate(ct.GD(), PROBLEM, 3, 2, x0=starts).se_square[-1] > 0
    job, start, runs = job_of(ct.GD(), 4)
    late = iter([True, False])
    job.engine.untouched = lambda *_: next(late)
    assert driver._one_for_all(job, start, runs) is None
    assert next(late, None) is None


def job_of(method, runs):
    plan = plan_of(method, PROBLEM)[0]
    engine = Engine(method, PROBLEM, plan, 0)
    start = np.broadcast_to(PROBLEM.start, (runs, PROBLEM.d))
    return driver._Job(engine, None, 5, True, 1e9), start, runs
