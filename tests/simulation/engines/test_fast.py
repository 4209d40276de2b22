"""Engine `fast`: kernels have the reference's law, deterministic runs agree, sampled runs meet exact dynamics."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

import compth as ct
from compth.errors import InvalidParameter, Unsupported
from tests.compressors.exact_law import law
from tests.compressors.test_kernels import difference_in_law

pytest.importorskip("numba", reason="the extra `fast` is not installed")
from compth.methods import find_guarantee
from compth.simulation.engines import fused
from compth.simulation.engines import fused_loops as kernels
from compth.simulation.engines.fused import FastEngine, accelerated
from compth.simulation.engines.looped import fast_engine

pytestmark = pytest.mark.slow  # compiling takes seconds where nothing is cached
X = np.array([1.25, -0.7, 3.0])
PROBLEM = ct.problems.random_quadratic(n=4, d=12, kappa=10, seed=1)
DETERMINISTIC = [ct.TopK(1), ct.TopK(4), ct.TopK(12), ct.ScaledSign(), ct.Identity()]
RANDOM = [
    *(ct.RandK(k) for k in (1, 2, 3)),
    *(ct.RandomDithering(s, p) for s in (1, 3) for p in (1, 2, math.inf)),
    ct.TernGrad(),
    ct.NaturalCompression(),
    ct.Scaled(ct.RandK(1)),
    ct.Scaled(ct.NaturalCompression(), factor=0.5),
]


@pytest.mark.parametrize("compressor", [*RANDOM, *DETERMINISTIC[:1], ct.ScaledSign()], ids=repr)
@pytest.mark.parametrize("x", [X, np.array([0.0, -2.0, 1e-310]), np.zeros(3)], ids=["plain", "odd", "zero"])
def test_kernels_have_the_law_of_the_reference(compressor, x):
    assert difference_in_law(lambda r, g: accelerated(compressor, r, g), law(compressor, x), x, 5) is None


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("k", lambda code: replace(code, k=2)),
        ("factor", lambda code: replace(code, factor=0.99)),
        ("kind", lambda code: replace(code, kind=kernels.TOP_K)),
    ],
)
def test_a_kernel_of_another_law_is_caught(monkeypatch, name, wrong):
    honest = fused.coded
    monkeypatch.setattr(fused, "coded", lambda c, d: wrong(honest(c, d)))
    found = difference_in_law(lambda r, g: accelerated(ct.RandK(1), r, g), law(ct.RandK(1), X), X, 5)
    assert found is not None, name


def test_streams_of_rows_and_keys_differ():
    """64 fair bits a row (natural compression of 1.5): 30,000 rows are all different, 2^-35 being left to chance."""
    rows, drawn = np.full((10_000, 64), 1.5), set()
    for key in (1, 2, 1 << 63):
        out = np.empty_like(rows)
        kernels.compress(kernels.NATURAL, 0, 1.0, 2.0, 1.0, rows, out, np.uint64(key))
        drawn |= {row.tobytes() for row in out}
    assert len(drawn) == 30_000


def test_top_k_agrees_with_the_reference_bit_for_bit():
    rng = np.random.default_rng(3)
    wild = np.exp(60 * rng.standard_normal((40, 50)))
    cases = [
        rng.standard_normal((40, 50)),
        rng.integers(-3, 4, (40, 50)).astype(float),
        np.ones((3, 50)),
        wild,
        np.zeros((2, 50)),
        1 + 1e-15 * rng.integers(0, 9, (40, 50)),
    ]
    # a row's level is the next one's guess: scales that jump, zeros between, sparse rows
    mixed = np.concatenate(cases)[rng.permutation(sum(map(len, cases)))]
    cases += [
        mixed,
        mixed * 10.0 ** rng.integers(-250, 250, (len(mixed), 1)),
        mixed * (rng.random(mixed.shape) < 0.1),
    ]
    for x in cases:
        for k in (1, 7, 25, 49, 50):
            assert np.array_equal(accelerated(ct.TopK(k), x, rng), ct.TopK(k).compress(x))


@pytest.mark.parametrize("kind", fused.METHODS, ids=lambda m: m.__name__)
@pytest.mark.parametrize("compressor", DETERMINISTIC, ids=repr)
def test_deterministic_runs_agree_with_the_plain_engine(kind, compressor):
    method = kind(compressor, gamma=0.1)
    try:
        method.check(PROBLEM)
    except Unsupported:
        pytest.skip("the method does not take it")
    plain = ct.simulate(method, PROBLEM, 40, 70)
    fast = ct.simulate(method, PROBLEM, 40, 70, engine="fast", threads=2)
    for name in ("mean_square", "mean_gap", "mean_gradient_square", "mean_metric", "mean", "bits"):
        one, two = getattr(plain, name), getattr(fast, name)
        if one is not None and two is not None:
            np.testing.assert_allclose(two, one, rtol=1e-9, atol=1e-13)


@pytest.mark.parametrize("shifted", [False, True], ids=["honest", "planted"])
def test_the_memory_error_of_the_loop_is_the_theorems(shifted):
    method = ct.DIANA(ct.NaturalCompression())
    found = find_guarantee(method, PROBLEM)
    fast = FastEngine(method, PROBLEM, found.plan, 5)
    state, drawn = fast.start(np.ones((70, PROBLEM.d)), 0)
    if shifted:  # an error of this size in the loop's x* would show
        A, b, star = fast._in_precision(np.dtype(float))
        fast._fixed[np.dtype(float)] = A, b, star + 1e-6
    agree = []
    for t in range(4):
        state = fast.step(state, drawn, 0, t)
        plain = found.theorem.observe(PROBLEM, replace(state, memory_error=None), found.plan)
        agree.append(np.allclose(fast.observe(found.theorem, state), plain, rtol=1e-12, atol=0))
    kept = fast.select(state, np.arange(70) % 2 == 0)
    assert len(fast.observe(found.theorem, kept)) == 35
    assert all(agree) != shifted


@pytest.mark.parametrize(
    "method", [ct.DCGD(ct.RandK(3)), ct.DIANA(ct.RandK(3)), ct.EF21(ct.Scaled(ct.RandK(3)))]
)
def test_sampled_runs_meet_the_exact_expectation(method):
    runs, steps = 4096, 30
    fast = ct.simulate(method, PROBLEM, steps, runs, seed=11, engine="fast")
    try:
        exact = ct.exact(replace(method, gamma=float(fast.plan.gamma)), PROBLEM, steps).mean_square
    except Unsupported:
        plain = ct.simulate(method, PROBLEM, steps, runs, seed=12)
        exact, error = plain.mean_square, np.hypot(plain.se_square, fast.se_square)
    else:
        error = fast.se_square
    # 8 standard errors at three rounds: a normal tail of 4e-15
    at = [5, 15, 30]
    assert (np.abs(fast.mean_square - exact)[at] < 8 * error[at]).all()


def test_bitwise_the_same_for_any_number_of_threads_and_other_seeds_differ():
    method = ct.DIANA(ct.NaturalCompression(), gamma=0.2)
    one, two = (ct.simulate(method, PROBLEM, 20, 200, 3, engine="fast", threads=t) for t in (1, 2))
    assert np.array_equal(one.mean_square, two.mean_square)
    assert not np.array_equal(
        one.mean_square, ct.simulate(method, PROBLEM, 20, 200, 4, engine="fast").mean_square
    )


def test_single_precision_keeps_its_type_and_stays_close():
    method = ct.EF(ct.TopK(3), gamma=0.05)
    single = ct.simulate(method, PROBLEM, 30, 8, engine="fast", dtype=np.float32)
    double = ct.simulate(method, PROBLEM, 30, 8, engine="fast")
    np.testing.assert_allclose(single.mean_square, double.mean_square, rtol=1e-3)
    assert not np.array_equal(single.mean_square, double.mean_square)


def test_divergence_is_recorded():
    trace = ct.simulate(ct.DCGD(ct.TopK(1), gamma=20.0), PROBLEM, 200, 8, engine="fast")
    assert (trace.diverged > 0).all()
    assert np.isinf(trace.mean_square[-1])


@pytest.mark.parametrize(
    ("method", "says"),
    [
        (ct.DCGD(ct.PermK(4), gamma=0.1), "compress independently"),
        (ct.MARINA(ct.Shared(ct.RandK(1)), gamma=0.1), "compress independently"),
        (ct.MARINA(ct.Bernoulli(0.5), gamma=0.1), "does not know Bernoulli"),
        (ct.DCGD(ct.Bernoulli(0.5), gamma=0.1), "does not know Bernoulli"),
        (ct.DCGD(ct.RandomDithering(2, 3), gamma=0.1), "does not know RandomDithering"),
    ],
)
def test_what_it_does_not_know_is_refused_in_one_line(method, says):
    with pytest.raises(Unsupported, match=says):
        ct.simulate(method, PROBLEM, 5, 2, engine="fast")


@ct.method
def HeavyBall(w, x, h: ct.Worker, m: ct.Server, *, gamma, alpha, beta=0):
    c = w.compress(w.gradient(x) - h)
    m_next = beta * m + w.mean(h + c)
    return {"x": x - gamma * m_next, "h": h + alpha * c, "m": m_next}


@ct.method
def Twice(w, x, h: ct.Worker, *, gamma):
    """Two messages a round, the second of what the first left out."""
    u = w.gradient(x) - h
    first = w.compress(u)
    second = w.compress(u - first)
    return {"x": x - gamma * w.mean(h + first + second), "h": h + (first + second) / 2}


SUMS = ct.problems.random_finite_sum(n=4, m=3, d=12, kappa=10, seed=1)
MIXED = [ct.RandK(2), ct.RandK(6), ct.RandK(3), ct.Identity()]
OTHERS = [
    (ct.MARINA(ct.RandK(3)), PROBLEM),
    (ct.EFBV(ct.Scaled(ct.RandK(3)), 0.02), PROBLEM),
    (ct.ADIANA(ct.RandK(3)), PROBLEM),
    (ct.GDCI(ct.RandK(11), 0.1), PROBLEM),
    (HeavyBall(ct.RandK(3), gamma=0.1, alpha=0.2, beta=0.3), PROBLEM),
    (Twice(ct.RandK(6), gamma=0.1), PROBLEM),
    (ct.DCGD(MIXED, 0.1), PROBLEM),
    (ct.DIANA(ct.RandK(3), downlink=ct.RandK(6)), PROBLEM),
    (ct.DIANA(ct.RandK(3), 0.1, oracle=ct.Minibatch(1)), SUMS),
]


@pytest.mark.parametrize(("method", "problem"), OTHERS, ids=lambda v: getattr(v, "label", ""))
def test_other_methods_meet_the_exact_expectation_on_messages_of_the_loops(method, problem):
    assert FAR not in (distance(method, problem, engine="fast"), distance(method, problem, engine="numpy"))


FAR = "more than 8 standard errors"


def distance(method, problem, **how):
    """ "" or FAR: a sampled curve against the exact one at three rounds (a normal tail of 4e-15)."""
    trace = ct.simulate(method, problem, 20, 1024, seed=11, **how)
    exact = ct.exact(method, problem, 20).mean_square
    at = [3, 10, 20]
    near = np.abs(trace.mean_square - exact)[at] < 8 * trace.se_square[at] + 1e-12 * exact[at]
    return "" if near.all() else FAR


def test_a_loop_of_another_law_is_seen_through_other_methods(monkeypatch):
    """The planted error: a factor of 0.9 in every message."""
    honest = fused.coded
    monkeypatch.setattr(fused, "coded", lambda c, d: replace(honest(c, d), factor=0.9))
    assert distance(*OTHERS[4], engine="fast") == FAR


@pytest.mark.parametrize(
    "method",
    [
        ct.GD(),
        ct.EFBV(ct.TopK(3), 0.02),
        HeavyBall(ct.TopK(3), gamma=0.05, alpha=1.0, beta=0.3),
        ct.EF21([ct.TopK(1), ct.TopK(3), ct.ScaledSign(), ct.Identity()], 0.01),
    ],
    ids=lambda m: m.label,
)
def test_other_methods_without_randomness_agree_with_the_plain_engine(method):
    plain, fast = (ct.simulate(method, PROBLEM, 30, 70, engine=e, threads=2) for e in ("numpy", "fast"))
    for name in ("mean_square", "mean_gap", "mean", "bits", "downlink_bits"):
        np.testing.assert_allclose(getattr(fast, name), getattr(plain, name), rtol=1e-12, atol=1e-15)
    assert fast.label == plain.label


def test_a_method_that_changes_a_step_runs_its_own():
    """The fused round speaks of the package's DIANA: a subclass with another body is not sent through it."""

    class Slow(ct.DIANA):
        @staticmethod
        def body(w, x, h: ct.Worker, *, gamma, alpha):
            c = w.compress(w.gradient(x) - h)
            return {"x": x - gamma / 2 * w.mean(h + c), "h": h + alpha * c}

    method = Slow(ct.Identity(), 0.1, alpha=0.5)
    plain, fast = (ct.simulate(method, PROBLEM, 9, 2, engine=e) for e in ("numpy", "fast"))
    np.testing.assert_allclose(fast.mean_square, plain.mean_square, rtol=1e-12)
    own = ct.simulate(ct.DIANA(ct.Identity(), 0.1, alpha=0.5), PROBLEM, 9, 2, engine="fast")
    assert not np.allclose(own.mean_square, fast.mean_square, rtol=1e-3)


def test_the_fused_rounds_are_taken_where_they_can_be():
    kinds = {m.label: type(fast_engine(m, p, None, 0)).__name__ for m, p in OTHERS}
    assert set(kinds.values()) == {"LoopedEngine"}
    for kind in fused.METHODS:
        found = fast_engine(kind(ct.Scaled(ct.RandK(1)), 0.1), PROBLEM, None, 0)
        assert type(found).__name__ == "FastEngine"


def test_unknown_engines_and_other_problems_are_refused():
    with pytest.raises(InvalidParameter, match="use numpy, fast, torch"):
        ct.simulate(ct.GD(), PROBLEM, 5, 2, engine="numba")
    with pytest.raises(Unsupported, match="DistributedQuadratic"):
        FastEngine(ct.DCGD(ct.RandK(1)), ct.problems.Rosenbrock(), None, 0)


def test_compare_runs_on_the_engine_and_refuses_before_it_runs(tmp_path):
    known, other = ct.DCGD(ct.RandK(3)), ct.MARINA(ct.Bernoulli(0.5))
    plain, fast = (ct.compare([known], PROBLEM, 20, 64, engine=e) for e in ("numpy", "fast"))
    assert plain.rows[0].bits_per_round == fast.rows[0].bits_per_round
    assert not np.array_equal(plain.traces[0].mean_square, fast.traces[0].mean_square)
    seen = []
    with pytest.raises(Unsupported, match="does not know Bernoulli"):
        ct.compare([known, other], PROBLEM, 20, 64, engine="fast", progress=seen.append)
    assert seen == []
