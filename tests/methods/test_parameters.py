"""Parameter rules in closed form, held against brute force; bidirectional and sampled DCGD; errata of the papers."""

from fractions import Fraction
from itertools import product
from math import inf, sqrt

import numpy as np
import pytest

import compth as ct
from compth import calculus
from compth.errors import InvalidParameter, NoGuarantee, Unsupported
from compth.methods import Constants, find_guarantee, theorems
from compth.methods.diana import balanced_memory, block_size, leading_rounds, original_parameters
from compth.problems import random_quadratic

PROBLEM = random_quadratic(2, 3, 5, seed=4, minimisers=1.0)
EQUAL = random_quadratic(2, 3, 5, seed=4, minimisers=1.0, hessians=0)


@pytest.mark.parametrize("p", [1, 2, inf])
@pytest.mark.parametrize("n", [1, 2, 3, 7])
def test_block_size_is_the_largest_that_keeps_the_rate(p, n):
    size = block_size(n, p)
    assert 1 / calculus.alpha_p(size, p) <= n * (1 + 1e-12)
    assert 1 / calculus.alpha_p(size + 1, p) > n
    second = (10 + 1) * (1.5 - 1 / n)
    assert leading_rounds(10, n, calculus.alpha_p(size, p)) <= max(2 * n, second) * (1 + 1e-12)
    with pytest.raises(InvalidParameter, match="p in 1, 2, inf"):
        block_size(n, 3)


@pytest.mark.parametrize(("p", "d", "first"), [(1, 9, 18), (2, 9, 6), (inf, 9, 4)])
def test_leading_rounds_are_the_table_of_block_quantisation(p, d, first):
    n, kappa = 4, 7
    second = {1: d / n, 2: sqrt(d) / n, inf: (1 + sqrt(d)) / (2 * n)}[p]
    expected = max(first, (kappa + 1) * (1 / 2 - 1 / n + second))
    assert leading_rounds(kappa, n, calculus.alpha_p(d, p)) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("omega", [Fraction(1, 8), 1, 7])
@pytest.mark.parametrize("n", [1, 3, 20])
def test_recommended_diana_parameters_meet_the_condition_with_equality(omega, n):
    alpha, c = original_parameters(omega, n)
    assert (1 + n * c * alpha**2) / (1 + n * c * alpha) == Fraction(1) / (1 + omega)
    largest = Fraction(1) / (1 + omega)
    assert (1 + n * c * largest**2) / (1 + n * c * largest) > largest, "alpha_p itself is not allowed"


@pytest.mark.parametrize("omega", [0.1, 1.0, 9.0])
def test_balanced_memory_is_the_best_of_all(omega):
    mu, L, n = 0.05, 1.0, 4
    alpha = 1 / (1 + omega)

    def rho(m):
        gamma = 1 / ((1 + 2 * omega / n + m * alpha) * L)
        return max(1 - gamma * mu, 1 - alpha + 2 * omega / (n * m))

    best = balanced_memory(mu, L, omega, n, alpha)
    grid = np.geomspace(best / 50, best * 50, 2001)
    assert rho(best) <= min(map(rho, grid)) + 1e-15
    assert rho(best) < min(rho(best * 1.05), rho(best / 1.05))
    assert balanced_memory(mu, L, 0, n, 1) == 0


def test_balanced_diana_beats_the_papers_choice_and_keeps_its_range():
    method = ct.DIANA(ct.RandK(1))
    ours, paper = (ct.guarantee(method, PROBLEM, f"diana.{name}") for name in ("balanced", "unified"))
    assert ours.rho < paper.rho
    assert ct.guarantee(ct.DIANA(ct.RandK(1), ours.stepsize), PROBLEM, "diana.balanced").rho == pytest.approx(
        ours.rho
    )
    exact = ct.guarantee(ct.DIANA(ct.Identity()), PROBLEM, "diana.balanced")
    assert exact.stepsize == pytest.approx(1 / PROBLEM.L_max)
    limit = 1 / ((1 + 4 * 2 / 2) * PROBLEM.L_max)
    with pytest.raises(NoGuarantee, match=r"4 omega/n"):
        ct.guarantee(ct.DIANA(ct.RandK(1), limit), PROBLEM, "diana.balanced")


@pytest.mark.parametrize("identifier", ["diana.decreasing", "dcgd.no_memory_decreasing"])
def test_decreasing_steps_are_the_lemmas(identifier):
    kind = ct.DIANA if identifier.startswith("diana") else ct.DCGD
    found = find_guarantee(kind(ct.RandK(1)), PROBLEM, identifier)
    mu, theta = found.constants.mu_min, found.plan["theta"]
    for t in (0, 1, 50):
        assert found.plan.step(t) == pytest.approx(2 / (mu * t + theta), rel=1e-14)
    with pytest.raises(NoGuarantee, match="leave gamma out"):
        ct.guarantee(kind(ct.RandK(1), 0.01), PROBLEM, identifier)


def test_the_printed_theta_breaks_the_lemma_behind_it():
    """Half of theta makes the first step 4/((mu+L)(1+2 omega/n)): one exact step already exceeds the bound."""
    alone = ct.problems.Quadratic(np.diag([1.0, 5.0]), np.zeros(2))
    method, theorem = ct.DCGD(ct.Identity()), theorems()["dcgd.no_memory_decreasing"]
    found = find_guarantee(method, alone, theorem)
    half = float(found.plan["theta"]) / 2
    wrong = ct.exact(ct.DCGD(ct.Identity(), 2 / half), alone, 1)
    assert wrong.mean_square[1] > wrong.mean_square[0] / (alone.mu / half + 1)
    right = ct.exact(method, alone, 40, theorem=theorem)
    assert all(v <= found.rate.bound(t) * (1 + 1e-12) for t, v in enumerate(right.mean_square))


def test_diana_without_the_dissimilarity_term_would_be_false():
    """From x_0 = x* the printed bound is 0 for ever; the exact first steps move away, and the right one covers them."""
    found = find_guarantee(ct.DIANA(ct.RandK(1)), EQUAL, "diana.nonconvex", x0=EQUAL.x_star)
    run = ct.exact(
        ct.DIANA(ct.RandK(1), found.plan.gamma, alpha=found.plan["alpha"]), EQUAL, 30, x0=EQUAL.x_star
    )
    assert found.rate.start == pytest.approx(0, abs=1e-20)
    seen = found.theorem.trajectory(run)
    assert seen[10] > 1e-3
    assert all(seen[t] <= found.rate.bound(t) for t in range(1, 31))
    with pytest.raises(NoGuarantee, match="equal Hessians"):
        ct.guarantee(ct.DIANA(ct.RandK(1)), PROBLEM, "diana.nonconvex")


def one_step(problem, gamma, up, down):
    """E||x_1 - x*||^2 for Rand-1 on each of two workers and on the broadcast, by enumeration."""
    g, d, total = problem.gradients(problem.start), problem.d, 0.0
    for i, j, k in product(range(d), repeat=3):
        update = (
            (d * g[0] * (np.arange(d) == i) + d * g[1] * (np.arange(d) == j)) / 2 if up else g.mean(axis=0)
        )
        if down:
            update = d * update * (np.arange(d) == k)
        total += float(problem.distance_squared(problem.start - gamma * update)) / d**3
    return total


@pytest.mark.parametrize(("up", "down"), [(True, True), (False, True), (True, False)])
def test_bidirectional_step_is_the_composition(up, down):
    method = ct.DCGD(
        ct.RandK(1) if up else ct.Identity(), gamma=0.2, downlink=ct.RandK(1) if down else ct.Identity()
    )
    trace = ct.simulate(method, PROBLEM, 1, 40000, seed=2)
    want = one_step(PROBLEM, 0.2, up, down)
    assert abs(trace.mean_square[1] - want) <= 7 * trace.se_square[1]
    assert 7 * trace.se_square[1] < 0.1 * abs(want - one_step(PROBLEM, 0.2, up, not down))
    assert ct.exact(method, PROBLEM, 1).mean_square[1] == pytest.approx(want, rel=1e-12)


def test_exact_dynamics_of_a_compressed_downlink():
    """Many exact steps against simulation; rate, largest stable step and theorem from the same operator."""
    method = ct.DCGD(ct.RandK(1), gamma=0.1, downlink=ct.RandK(2))
    run, trace = ct.exact(method, PROBLEM, 15), ct.simulate(method, PROBLEM, 15, 20000, seed=3)
    assert (np.abs(trace.mean_square - run.mean_square) <= 7 * trace.se_square + 1e-12).all()
    plain = ct.exact(ct.DCGD(ct.RandK(1), gamma=0.1), PROBLEM, 15)
    assert (np.abs(run.mean_square - plain.mean_square)[1:] > 7 * trace.se_square[1:]).all(), (
        "the downlink is seen"
    )
    unit = random_quadratic(2, 3, 1, seed=3, interpolation=True, hessians=0)
    both = ct.DCGD(ct.RandK(1), gamma=0.1, downlink=ct.RandK(2))
    second = (1 + 2 / 2) * (1 + 1 / 2)
    assert ct.exact_rate(both, unit).rho == pytest.approx(
        1 - 0.2 * unit.L + 0.01 * unit.L**2 * second, rel=1e-9
    )
    assert ct.max_stable_step(both, unit) == pytest.approx(2 / (unit.L * second), rel=1e-6)
    for problem in (PROBLEM, EQUAL):
        free = ct.DCGD(ct.RandK(1), downlink=ct.RandK(2))
        found = find_guarantee(free, problem, "dcgd.bidirectional")
        exact = ct.exact(free, problem, 60, theorem="dcgd.bidirectional").mean_square
        assert all(v <= found.rate.bound(t) * (1 + 1e-12) for t, v in enumerate(exact))


def test_downlink_bits_are_the_messages():
    plain, both = ct.DCGD(ct.RandK(1)), ct.DCGD(ct.RandK(1), downlink=ct.RandK(2))
    bits = float(ct.RandK(2).bits(3).total)
    run = ct.simulate(both, PROBLEM, 5, 2)
    assert (
        run.downlink_bits[-1] == 5 * bits < ct.simulate(plain, PROBLEM, 5, 2).downlink_bits[-1] == 5 * 3 * 32
    )
    assert run.bits[-1] == 5 * float(ct.RandK(1).bits(3).total)


def test_a_compressed_downlink_meets_only_theorems_that_speak_of_it():
    both = ct.DCGD(ct.RandK(1), downlink=ct.RandK(1))
    reasons = {th: th.why_not(both.check(EQUAL)) for th in ct.DCGD.theorems()}
    other = [
        th.id for th, reason in reasons.items() if reason.startswith("it needs ")
    ]  # of another compressor
    assert other == ["cgd.b1", "cgd.b2"]
    for th, reason in reasons.items():
        assert ("downlink" in reason) == (not th.bidirectional and th.id not in other), th.id
    with pytest.raises(NoGuarantee, match="downlink is biased"):
        ct.guarantee(ct.DCGD(ct.RandK(1), downlink=ct.TopK(1)), EQUAL)
    with pytest.raises(Unsupported, match="is a linear sketch"):
        ct.exact(ct.DCGD(ct.RandK(1), 0.1, downlink=ct.NaturalCompression()), EQUAL, 3)
    with pytest.raises(InvalidParameter, match="one Compressor"):
        ct.DCGD(ct.RandK(1), downlink=3)
    with pytest.raises(Unsupported, match="k <= d"):
        ct.DCGD(ct.RandK(1), downlink=ct.RandK(9)).check(EQUAL)


def test_bidirectional_step_is_the_authors():
    """1/(L + 2(omega_M + 1) L_max omega/n + L omega_M)."""
    found = ct.guarantee(ct.DCGD(ct.RandK(1), downlink=ct.RandK(2)), PROBLEM, "dcgd.bidirectional")
    omega, down = 2, 0.5
    authors = 1 / (PROBLEM.L + 2 * (down + 1) * PROBLEM.L_max * omega / 2 + PROBLEM.L * down)
    assert found.stepsize == pytest.approx(authors, rel=1e-12)


@pytest.mark.parametrize(
    "sampling",
    [
        ct.NiceSampling(3, 2),
        ct.IndependentSampling((0.5, 0.75, 1.0)),
        ct.ArbitrarySampling(3, ((0, 1), (1, 2), (0, 2)), (0.5, 0.25, 0.25)),
    ],
)
def test_sampled_workers_have_the_general_theorem(sampling):
    problem = random_quadratic(3, 3, 5, seed=4, minimisers=1.0)
    method = ct.DCGD(ct.Sampled(ct.RandK(2), sampling))
    found = find_guarantee(method, problem, "dcgd.general")
    joint = method.fleet.joint(3, 3)
    wanted = 1 / (max(1 - joint.B, 0) * problem.L + 2 * joint.A * problem.L_max)
    assert found.plan.gamma == pytest.approx(wanted, rel=1e-12)
    ct.testing.method_conformance(method, problem)
    with pytest.raises(NoGuarantee, match="independent"):
        ct.guarantee(ct.DCGD(ct.Sampled(ct.RandK(2), ct.NiceSampling(3, 2))), problem, "dcgd.no_memory")


def test_marina_nonconvex_takes_the_perm_k_constants():
    equal = random_quadratic(3, 6, 10, seed=1, hessians=0)
    assert ct.guarantee(ct.MARINA(ct.PermK(3)), equal, "marina.nonconvex").stepsize == pytest.approx(
        1 / equal.L, rel=1e-6
    )
    c = Constants.of(equal, ct.MARINA(ct.RandK(2)).fleet)
    assert theorems()["marina.nonconvex"].plan(c).gamma < 0.7 / equal.L
