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
from compth.methods import Plan, catalogue, find_guarantee, plan_of
from compth.simulation.engines import coded as codes
from compth.simulation.engines import fused
from compth.simulation.engines import fused_loops as kernels
from compth.simulation.engines.base import Engine
from compth.simulation.engines.coded import accelerated
from compth.simulation.engines.fused import FastEngine
from compth.simulation.engines.looped import fast_engine

pytestmark = pytest.mark.slow  # compiling takes seconds where nothing is cached
X = np.array([1.25, -0.7, 3.0])
PROBLEM = ct.problems.random_quadratic(n=4, d=12, kappa=10, seed=1)
DETERMINISTIC = [ct.TopK(1), ct.TopK(4), ct.TopK(12), ct.ScaledSign(), ct.Identity()]
FOUR = (ct.DCGD, ct.DIANA, ct.EF, ct.EF21)
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
    honest = codes.coded
    monkeypatch.setattr(codes, "coded", lambda c, d: wrong(honest(c, d)))
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


@pytest.mark.parametrize("kind", FOUR, ids=lambda m: m.__name__)
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
        A, b, star = fast.in_precision(np.dtype(float))
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


@pytest.mark.parametrize(
    "method",
    [
        ct.DIANA(ct.RandK(3), gamma=0.05, alpha=0.1),
        ct.DIANA(ct.TernGrad(), gamma=0.05, alpha=0.1),
        ct.DIANA(ct.NaturalCompression(), gamma=0.05, alpha=0.1),
        ct.EF21(ct.TopK(3), gamma=0.05),
    ],
    ids=repr,
)
def test_every_row_has_a_stream_of_its_own_however_many_are_taken_together(monkeypatch, method):
    traces = []
    for rows in (100, 5):  # both are set: a package with a replaced number measures in another order
        monkeypatch.setattr(fused, "AT_A_TIME", rows * PROBLEM.d)
        traces.append(ct.simulate(method, PROBLEM, 10, 70, 3, engine="fast", threads=1))
    together, apart = traces
    assert np.array_equal(together.mean_square, apart.mean_square)
    assert np.array_equal(together.se_square, apart.se_square)


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


def test_rounds_come_from_the_trace_wherever_a_body_is_a_program_for_them():
    kinds = {m.label: type(engine(m, p)).__name__ for m, p in OTHERS}
    assert set(kinds.values()) == {"FastEngine"}
    assert type(engine(LocalSteps(ct.RandK(1), gamma=0.1), PROBLEM)).__name__ == "LoopedEngine"
    with pytest.raises(Unsupported, match=r"LocalSteps, line \d+: a gradient at a worker's own point"):
        FastEngine(LocalSteps(ct.RandK(1), gamma=0.1), PROBLEM, Plan(0.1), 0)


def engine(method, problem):
    return fast_engine(method, problem, plan_of(method, problem)[0], 0)


@ct.method
def LocalSteps(w, x, *, gamma):
    first = x - gamma * w.gradient(x)
    return {"x": x + w.mean(w.compress(first - gamma * w.gradient(first) - x))}


@ct.method
def Crossed(w, x, p: ct.Worker, q: ct.Worker, m: ct.Server = ct.gradient_at_start, *, gamma):
    """Memories that read each other and their means, a coin for servers and workers, a mean read in the same step."""
    c = w.compress(w.gradient(x) - p)
    mean = w.mean(c)
    again = w.compress(c - mean + q)
    q_next, p_next = w.coin(0.25, (p / 2, q + again / 4), (q, p))
    step = w.coin(0.5, m, w.mean(p) + mean)
    return {
        "x": x - gamma * step,
        "p": p_next + c / 2 - mean / 8,
        "q": q_next,
        "m": (m + w.mean(q + again)) / 2,
    }


BODIES = [
    *(
        m
        for name, kind in sorted(catalogue().items())
        if kind.takes_compressor
        and name not in ("CAT", "VRDIANA")  # levels of their own, parts that are drawn
        for m in kind.examples(ct.Identity())
    ),
    ct.GD(),
    Crossed(ct.Identity(), gamma=0.02),
    Crossed(ct.TopK(4), gamma=0.01),
    HeavyBall(ct.ScaledSign(), gamma=0.02, alpha=0.5, beta=0.2),
]


def same_law(method, problem):
    """Means of both engines within 7 standard errors, after every round."""
    plain, fast = (ct.simulate(method, problem, 8, 4000, engine=e) for e in ("numpy", "fast"))
    error = 7 * np.hypot(plain.se_square, fast.se_square) + 1e-12
    assert (np.abs(plain.mean_square - fast.mean_square) <= error).all()
    assert plain.bits == pytest.approx(fast.bits, rel=0.02)


@pytest.mark.parametrize("method", BODIES, ids=lambda m: m.label)
def test_every_method_takes_the_steps_of_its_body(method):
    """Nothing random but coins and oracles, whose streams are the plain engine's: the same numbers to rounding."""
    problem = SUMS
    try:
        plain = ct.simulate(method, problem, 12, 70)
    except (Unsupported, ct.errors.NoGuarantee):
        pytest.skip("the method does not take the problem")
    if isinstance(
        method, ct.LoCoDL
    ):  # its step tosses the coin with the messages, whose streams are not shared
        same_law(method, problem)
        return
    fast = ct.simulate(method, problem, 12, 70, engine="fast", threads=2)
    for name in ("mean_square", "mean_gap", "mean_metric", "mean", "bits", "downlink_bits"):
        one, two = getattr(plain, name), getattr(fast, name)
        if one is not None and two is not None:
            np.testing.assert_allclose(two, one, rtol=1e-8, atol=1e-13, err_msg=name)


def test_a_schedule_moves_the_coefficients_and_nothing_is_traced_again():
    method = ct.DIANA(ct.Identity(), 0.1, alpha=0.5)
    plan = replace(plan_of(method, PROBLEM)[0], schedule=lambda t: 0.1 / (1 + t / 5))
    plain, fast = (kind(method, PROBLEM, plan, 0) for kind in (Engine, FastEngine))
    (one, drawn), (two, block) = (e.start(np.ones((3, PROBLEM.d)), 0) for e in (plain, fast))
    for t in range(20):
        one, two = plain.step(one, drawn, 0, t), fast.step(two, block, 0, t)
        np.testing.assert_allclose(two.x, one.x, rtol=1e-9)
        np.testing.assert_allclose(two.h, one.h, rtol=1e-9)


@pytest.mark.parametrize("row", [0, 2, 3])
def test_a_wrong_number_in_a_table_is_seen(monkeypatch, row):
    """The planted errors: one coefficient of one instruction in turn is a tenth too large."""
    honest = fused.scheduled

    def wrong(*given):
        found = honest(*given)
        numbers = [n for s in found.stages for n in s.work.numbers]
        numbers[row][1] *= 1.1
        return found

    method = HeavyBall(ct.TopK(3), gamma=0.05, alpha=1.0, beta=0.3)
    plain = ct.simulate(method, PROBLEM, 9, 2)
    monkeypatch.setattr(fused, "scheduled", wrong)
    fast = ct.simulate(method, PROBLEM, 9, 2, engine="fast")
    assert not np.allclose(fast.mean_square, plain.mean_square, rtol=1e-4)


def test_replicates_that_are_lost_leave_the_memories_of_the_others():
    method = ct.EF21(ct.TopK(3), gamma=0.02)
    fast = FastEngine(method, PROBLEM, plan_of(method, PROBLEM)[0], 0)
    x0 = np.random.default_rng(0).standard_normal((6, PROBLEM.d))
    keep = np.array([True, False, True, True, False, True])
    (whole, block), (part, other) = fast.start(x0, 0), fast.start(x0[keep], 0)
    for t in range(8):
        whole, part = fast.step(whole, block, 0, t), fast.step(part, other, 0, t)
        whole = fast.select(whole, keep) if t == 3 else whole
    np.testing.assert_allclose(whole.x, part.x, rtol=1e-13)
    np.testing.assert_allclose(whole.g, part.g, rtol=1e-13)


def test_unknown_engines_are_refused():
    with pytest.raises(InvalidParameter, match="use numpy, fast, torch"):
        ct.simulate(ct.GD(), PROBLEM, 5, 2, engine="numba")


def test_compare_runs_on_the_engine_and_refuses_before_it_runs(tmp_path):
    known, other = ct.DCGD(ct.RandK(3)), ct.MARINA(ct.Bernoulli(0.5))
    plain, fast = (ct.compare([known], PROBLEM, 20, 64, engine=e) for e in ("numpy", "fast"))
    assert plain.rows[0].bits_per_round == fast.rows[0].bits_per_round
    assert not np.array_equal(plain.traces[0].mean_square, fast.traces[0].mean_square)
    seen = []
    with pytest.raises(Unsupported, match="does not know Bernoulli"):
        ct.compare([known, other], PROBLEM, 20, 64, engine="fast", progress=seen.append)
    assert seen == []


@ct.method
def SixCoins(w, x, h: ct.Worker, *, gamma):
    """Six coins a round: 64 outcomes, more than a signed word has bits for."""
    c = w.compress(w.gradient(x) - h)
    for k in range(1, 7):
        h = w.coin(0.5, h, h + 0.001 * k * c)
    return dict(x=x - gamma * w.mean(h + c), h=h)


def test_a_body_of_too_many_coins_runs_by_its_own_step():
    problem = ct.problems.random_quadratic(n=3, d=4, kappa=5, seed=0)
    trace = ct.simulate(SixCoins(ct.RandK(2), gamma=0.1), problem, steps=3, runs=4, seed=1, engine="fast")
    assert np.isfinite(trace.mean_square).all()
