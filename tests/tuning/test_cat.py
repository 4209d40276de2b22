"""CAT as a method: descent on every step of real runs, its theorems with planted errors, realised bits, refusals."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import pytest

import compth as ct
from compth.errors import InvalidParameter, NoGuarantee, Unsupported
from compth.methods.cat import CATSingle, CATWorkers, solve_decay
from compth.tuning.rules import tune_rows
from compth.tuning.schemes import SCHEMES
from tests.methods.grid import Spoiled, excess
from tests.unwatched import unwatched

ONE = ct.problems.ridge("digits", 1)
FLAT = ct.problems.distributed_quadratic(np.eye(5)[None], np.ones((1, 5)))
"""f = ||x||^2/2 - <1, x>: from the origin every entry of the gradient is 1."""


def run(method, problem, steps, runs=1, seed=0):
    """Every iterate of a run, with the gradients."""
    plan = ct.methods.plan_of(method, problem)[0]
    rng = np.random.default_rng(seed)
    state = method.init(problem, np.tile(problem.start, (runs, 1)), plan)
    for t in range(steps):
        following = method.step(problem, state, rng, plan, t)
        yield state.x, following
        state = following


@pytest.mark.parametrize("cost", ["cat", "ieee802154", ct.costs.Affine(1, 20), ct.costs.Payload(1, 100)])
@pytest.mark.parametrize("scheme", ["S", "S+Q"])
@unwatched()
def test_the_descent_inequality_holds_on_every_step(scheme, cost):
    """f falls by at least share ||g||^2/(2L) at every step, and the level beats every fixed one at that iterate."""
    method, L = ct.CAT(scheme=scheme, cost=cost), ONE.L
    for x, after in run(method, ONE, 150):
        g = ONE.gradients(x)[0, 0]
        tuned = ct.tune(g, scheme, cost, L=L)
        drop = float(ONE.gap(x)[0] - ONE.gap(after.x)[0])
        assert drop >= tuned.improvement * (1 - 1e-9) - 1e-16
        assert drop < 40 * tuned.improvement
        assert tuned.efficiency >= tuned.curve.max() * (1 - 1e-12)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_equality_on_an_isotropic_quadratic(scheme):
    """f = ||x - 1||^2/2: every step of S and S+Q lowers f by the improvement itself; SS does so on average."""
    method = ct.CAT(scheme=scheme, cost=ct.costs.Affine(1, 2))
    for x, after in run(method, FLAT, 4, runs=4 if scheme != "SS" else 40_000):
        level, share = tune_rows(FLAT.gradients(x), SCHEMES[scheme], method.cost)
        expected = share[:, 0] * (FLAT.gradient(x) ** 2).sum(axis=1) / 2
        drop = FLAT.gap(x) - FLAT.gap(after.x)
        if scheme == "SS":
            error = drop - expected
            # mean zero: |mean| <= 7 standard errors fails by chance about 1e-12 of the time
            assert abs(error.mean()) <= 7 * error.std() / 200 + 1e-15
            break
        assert drop == pytest.approx(expected, rel=1e-12, abs=1e-18)
        assert (level >= 1).any() or (expected == 0).all()


def expected_drop(problem, x, stretch=1.0):
    """(E decrease of F in the next SS round, its guarantee) exactly: E[Q'AQ] of independent sampling, at this x."""
    method, g, n = ct.CAT(cost=ct.costs.Affine(1, 5)), problem.gradients(x)[0], problem.n
    level, share = tune_rows(g[None], SCHEMES["SS"], method.cost)
    gamma = stretch * float(method._steps(problem, g[None], level, share)[0])
    p = np.stack([ct.sampling_probabilities(v, max(int(t), 1)) for v, t in zip(g, level[0], strict=True)])
    spread = (g * g * (1 / np.where(p > 0, p, 1) - 1)) / n**2
    mean, hessian = g.mean(axis=0), problem.A.mean(axis=0)
    u, v = float(mean @ mean), float(spread.sum())
    curvature = float(mean @ hessian @ mean + (spread * np.diagonal(problem.A.mean(axis=0))).sum())
    return gamma * u - gamma**2 / 2 * curvature, u * u / (2 * problem.L * (u + v))


@pytest.mark.parametrize("workers", [1, 3])
def test_sampling_descends_in_expectation_on_every_step_exactly(workers):
    """No draw: the exact mean of the next value, at every iterate of a real run on real data."""
    problem = ct.problems.ridge("digits", workers)
    for x, _ in run(ct.CAT(cost=ct.costs.Affine(1, 5)), problem, 60):
        drop, promised = expected_drop(problem, x)
        assert drop >= promised * (1 - 1e-9) > 0
        assert expected_drop(problem, x, 40.0)[0] < promised  # a step far too long is seen


@pytest.mark.parametrize("workers", [1, 3])
def test_sampling_attains_its_guarantee_on_isotropic_quadratics(workers):
    b = np.random.default_rng(1).standard_t(2, size=(workers, 6))
    problem = ct.problems.distributed_quadratic(np.stack([3 * np.eye(6)] * workers), b)
    for x, _ in run(ct.CAT(cost=ct.costs.Affine(1, 5)), problem, 20):
        drop, promised = expected_drop(problem, x)
        assert drop == pytest.approx(promised, rel=1e-10)
        assert expected_drop(problem, x, 1.01)[0] < promised * (1 - 5e-5)


def heterogeneous(seed=5):
    return ct.problems.random_quadratic(3, 4, 8, seed=seed, minimisers=2.0)


def one_round_mean(problem, x, L, repeats=60_000):
    """(E F(x+) by simulation, its standard error, the bound of the step rule) for SS on several workers."""
    method, rng = ct.CAT(cost=ct.costs.Affine(1, 2)), np.random.default_rng(3)
    plan = ct.methods.plan_of(method, problem)[0]
    rows = np.tile(x, (repeats, 1))
    after = problem.gap(method.step(problem, method.init(problem, rows, plan), rng, plan, 0).x)
    g = problem.gradients(x[None])
    _, share = tune_rows(g, SCHEMES["SS"], method.cost)
    u = float((g[0].mean(axis=0) ** 2).sum())
    v = float(((1 / share[0] - 1) * (g[0] ** 2).sum(axis=1)).sum()) / 9
    return after.mean(), after.std() / math.sqrt(repeats), float(problem.gap(x)) - u * u / (2 * L * (u + v))


def test_several_workers_descend_as_the_formula_says():
    problem = heterogeneous()
    seen, error, bound = one_round_mean(problem, problem.start, problem.L)
    assert seen <= bound + 7 * error
    isotropic = ct.problems.distributed_quadratic(
        np.stack([np.eye(4)] * 3), np.random.default_rng(0).normal(size=(3, 4))
    )
    seen, error, bound = one_round_mean(isotropic, np.array([1.0, -2, 0.5, 3]), 1.0)
    assert abs(seen - bound) <= 7 * error  # equality for f_i = ||x - c_i||^2/2


SINGLE = [ct.CAT(scheme=s, cost=c) for s in SCHEMES for c in (ct.costs.Payload(), "ieee802154")]


@pytest.mark.parametrize("method", SINGLE, ids=repr)
@pytest.mark.parametrize(
    "problem", [FLAT, ct.problems.random_quadratic(1, 6, 20, seed=2)], ids=["flat", "random"]
)
def test_cat_single_bound_holds(method, problem):
    assert excess(method, problem, CATSingle(), runs=64) <= 1


def test_cat_single_is_attained_and_a_faster_rate_is_caught():
    """At equal entries and T = 1 the first step lowers f by exactly f/d."""
    method = ct.CAT(scheme="S", cost=ct.costs.Affine(1, 0))
    trace = ct.simulate(method, FLAT, 1, 1)
    assert trace.mean_gap[1] / trace.mean_gap[0] == pytest.approx(1 - 1 / 5, rel=1e-14)
    assert excess(method, FLAT, CATSingle(), runs=2) <= 1
    assert excess(method, FLAT, Spoiled(CATSingle(), rate=1.02), runs=2) > 1


@dataclass(frozen=True)
class NoSpread(CATWorkers):
    """The same theorem with the workers' sampling noise left out."""

    def values(self, c, plan, start):
        return CATWorkers.values(self, replace(c, d=1), plan, start)


def test_cat_workers_bound_holds_and_needs_its_noise_term():
    method = ct.CAT(cost=ct.costs.Affine(1, 0))
    for problem in (heterogeneous(), ct.problems.random_quadratic(4, 6, 5, seed=1, interpolation=True)):
        assert excess(method, problem, CATWorkers(), steps=200, runs=128) <= 1
    far = ct.problems.random_quadratic(2, 6, 1, seed=3, hessians=0, minimisers=20.0)
    assert excess(method, far, CATWorkers(), steps=60, runs=128) <= 1
    assert excess(method, far, NoSpread(), steps=60, runs=128) > 1


def test_the_decay_equation_of_long_runs_does_not_overflow():
    assert solve_decay(1.0, 1e-320, 1e6) == pytest.approx(700)
    assert solve_decay(1.0, 0.0, 1e6) == pytest.approx(700)


def test_the_decay_equation():
    for linear, growth, target in ((1.0, 0.0, 3.0), (2.0, 5.0, 7.0), (1e-3, 1e6, 1.0), (3.0, 1e-9, 40.0)):
        y = solve_decay(linear, growth, target)
        assert linear * y + growth * math.expm1(y) == pytest.approx(target, rel=1e-9)
    assert solve_decay(1, 1, 0) == 0


def test_bits_are_those_of_the_messages():
    """Counted by hand from what is sent; a level of its own per row."""
    rows = np.array([[[5.0, 1, 0.1, 0.1]], [[1.0, 1, 1, 1]], [[0.0, 0, 0, 0]]])
    price = ct.costs.Affine(1, 1)
    for scheme, one, several in (
        ("S", 3 + 34, [1, 4, 0]),
        ("SS", 3 + 34, None),
        ("S+Q", 3 + 32 + 3, [1, 4, 0]),
    ):
        method = ct.CAT(scheme=scheme, cost=price)
        level, _ = tune_rows(rows, SCHEMES[scheme], price)
        sent = SCHEMES[scheme].send(rows, level, np.random.default_rng(0))
        count = np.count_nonzero(sent, axis=-1)
        if several:
            assert level[:, 0].tolist() == several
            assert count[:, 0].tolist() == several
        bits = method.realised_bits(sent)
        assert bits[2, 0] == 3  # the count alone
        single = method.realised_bits(np.array([0.0, 7.0, 0, 0]))
        assert float(single) == one
        per = one - 3 if scheme != "S+Q" else 3
        assert (bits == 3 + (32 if scheme == "S+Q" else 0) * (count > 0) + per * count).all()
    trace = ct.simulate(ct.CAT(scheme="S", cost=ct.costs.Affine(1, 0)), ONE, 5, 1)
    assert np.diff(trace.bits).tolist() == [7 + 6 + 32] * 5


def test_the_links_price_of_what_is_sent():
    """C of the realised elements or payload, by hand; an empty message pays the fixed part."""
    sent = np.array([[5.0, 0, 0, 0], [1.0, 2, 3, 0], [0.0, 0, 0, 0]])
    for scheme, price, expected in (
        ("S", ct.costs.Affine(2, 7), [9, 13, 7]),
        ("S", ct.costs.Packet(2, 10, 1), [11, 21, 1]),
        ("SS", ct.costs.BitPacket(40, 5, 3, 1), [3 + 34 + 5, 3 + 102 + 15, 3]),
        ("S+Q", ct.costs.Payload(1, 9), [9 + 35, 9 + 41, 9]),
    ):
        found = ct.CAT(scheme=scheme, cost=price, currency="cost").realised_cost(sent)
        assert found.tolist() == expected
    price = ct.costs.LINKS["ieee802154"].cost
    trace = ct.simulate(ct.CAT(scheme="S", cost=price, currency="cost"), ONE, 20, 1)
    plain = ct.simulate(ct.CAT(scheme="S", cost=price), ONE, 20, 1)
    assert np.diff(trace.bits).tolist() == [float(price(b - 7)) for b in np.diff(plain.bits)]


def test_tuning_beats_every_fixed_level_in_its_own_currency():
    """Modelled cost to reach eps on real data: no fixed level with its own best step is far below the tuned one."""
    price, eps = ct.costs.Affine(1, 20), 1e-2

    def spent(method):
        total, start = 0.0, float(ONE.gap(ONE.start))
        for x, after in run(method, ONE, 3000):
            level = method.level or tune_rows(ONE.gradients(x), SCHEMES["S"], price)[0][0, 0]
            total += float(price(level))
            if float(ONE.gap(after.x)[0]) <= eps * start:
                return total
        return math.inf

    tuned = spent(ct.CAT(scheme="S", cost=price))
    fixed = {level: spent(ct.CAT(scheme="S", cost=price, level=level)) for level in (1, 4, 8, 16, 32, 64)}
    assert tuned <= 1.1 * min(fixed.values())
    assert fixed[1] > 1.5 * tuned
    assert fixed[64] > tuned


def test_zero_gradients_stay_put():
    still = ct.CAT().step(FLAT, ct.CAT().init(FLAT, np.ones((2, 5)), None), np.random.default_rng(0), None, 0)
    assert (still.x == 1).all()
    assert (still.sent == 3).all()


def test_in_compare():
    result = ct.compare(
        [ct.GD(), ct.CAT(scheme="S+Q"), ct.CAT(cost="ieee802154"), ct.CAT(gamma=0.1)], ONE, steps=300, runs=4
    )
    gd, quantised, sampled, fixed = result.rows
    assert quantised.theorem == "cat.single"
    assert fixed.theorem == ""
    assert quantised.bits < 0.5 * gd.bits
    assert sampled.bits is not None


@pytest.mark.parametrize(
    ("make", "kind", "rule"),
    [
        (lambda: ct.CAT(ct.RandK(1)), InvalidParameter, "takes no compressor"),
        (lambda: ct.CAT(scheme="X"), InvalidParameter, "scheme='X'"),
        (lambda: ct.CAT(cost="pigeon"), InvalidParameter, "no cost model"),
        (lambda: ct.CAT(level=0), InvalidParameter, "level=0"),
        (lambda: ct.CAT(currency="euro"), InvalidParameter, "currency='euro'"),
        (lambda: ct.CAT(gamma=-1), InvalidParameter, "gamma=-1"),
        (lambda: ct.CAT(scheme="S").check(heterogeneous()), Unsupported, "local top-T is biased"),
        (lambda: ct.guarantee(ct.CAT(gamma=0.1), ONE), NoGuarantee, "its own tuned steps: leave gamma out"),
        (lambda: ct.guarantee(ct.CAT(), heterogeneous(), "cat.single"), NoGuarantee, "one worker"),
    ],
)
def test_refusals(make, kind, rule):
    with pytest.raises(kind, match=rule) as caught:
        make()
    assert "\n" not in str(caught.value)
