"""Independent block methods: their equivalences, the tau rule, the toy quadratic."""

from fractions import Fraction

import numpy as np
import pytest

import compth as ct
from compth.errors import InvalidParameter, NoGuarantee, Unsupported
from compth.methods import find_guarantee
from compth.methods.core import Constants
from compth.methods.ibcd import (
    isgd_rule,
    iterations_ratio,
    iterations_ratio_paper,
    tau_table,
    traffic_ratio,
    weight_sum,
    weighted_bound,
)
from compth.problems import random_quadratic
from compth.problems.generate import ibcd_toy

PROBLEM = random_quadratic(3, 6, 20, seed=1, interpolation=True)


def test_ibcd_is_dcgd_with_rand_k_at_a_shorter_step():
    tau = Fraction(1, 3)
    ours = ct.exact(ct.IBCD(tau=tau, gamma=0.6), PROBLEM, 20)
    theirs = ct.exact(ct.DCGD(ct.RandK(2), 0.2), PROBLEM, 20)
    assert ours.mean_square == pytest.approx(theirs.mean_square, rel=1e-12)


def test_ibgd_exact_curve_is_the_closed_form_on_scalars():
    problem = ct.problems.distributed_quadratic(np.full((2, 1, 1), 3.0), np.zeros((2, 1)))
    tau, gamma = Fraction(1, 4), 0.1
    run = ct.exact(ct.IBGD(tau=tau, gamma=gamma), problem, 3)
    t = float(tau)
    factor = 1 - 2 * gamma * 3 * t + gamma**2 * 9 * (t**2 + t * (1 - t) / 2)
    assert run.mean_square[1:] / run.mean_square[:-1] == pytest.approx(factor, rel=1e-12)


def test_isega_is_diana_with_rand_tau():
    problem = random_quadratic(3, 6, 20, seed=1)
    tau = Fraction(1, 3)
    ours = ct.exact(ct.ISEGA(tau=tau, gamma=0.1), problem, 20)
    theirs = ct.exact(ct.DIANA(ct.RandK(2), 0.1, alpha=tau), problem, 20)
    assert ours.mean_square == pytest.approx(theirs.mean_square, rel=1e-12)


@pytest.mark.parametrize("blocks", [None, 2, 3])
@pytest.mark.parametrize("method", [ct.IBCD, ct.ISEGA])
def test_simulation_agrees_with_moments_by_blocks(method, blocks):
    """Blocks of several coordinates: the exact second moment by enumeration of one step."""
    from itertools import combinations, product

    m = blocks or 6
    tau = Fraction(1, m) if blocks else Fraction(1, 3)
    made = method(tau=tau, blocks=blocks, gamma=0.3)
    k = round(tau * m)
    masks = [np.repeat(np.isin(np.arange(m), s), 6 // m).astype(float) for s in combinations(range(m), k)]
    grad = PROBLEM.gradients(PROBLEM.start[None])[0]
    scale = 1 / float(tau) if method is ct.ISEGA else 1.0
    want = np.mean(
        [
            PROBLEM.distance_squared(PROBLEM.start - 0.3 * (scale * np.array(w) * grad).mean(0))
            for w in product(masks, repeat=3)
        ]
    )
    trace = ct.simulate(made, PROBLEM, 1, 4000, seed=5)
    assert abs(trace.mean_square[1] - want) <= 7 * trace.se_square[1]
    assert trace.se_square[1] < 0.01 * want
    if blocks is not None:
        with pytest.raises(Unsupported, match="do not close"):
            ct.exact(made, PROBLEM, 1)


def test_tau_rule_table():
    assert iterations_ratio(10, Fraction(1, 10)) == Fraction(19, 10)
    assert iterations_ratio_paper(10, Fraction(1, 10)) == Fraction(28, 10)
    for n in (2, 5, 100):
        tau = Fraction(1, n)
        assert iterations_ratio(n, tau) < 2
        assert iterations_ratio_paper(n, tau) < 3
        assert traffic_ratio(n, tau) == Fraction(2 * n - 1, n * n)
        assert traffic_ratio(n, tau / 2) < traffic_ratio(n, tau)
        assert traffic_ratio(n, 1) == 1


@pytest.mark.parametrize("n", [1, 2, 10, 1000])
def test_tau_table_has_its_knee_at_one_over_n(n):
    rows = {row.tau: row for row in tau_table(n)}
    knee, full = rows[Fraction(1, n)], rows[1]
    assert (full.iterations, full.iterations_paper, full.traffic) == (1, 1, 1)
    assert knee.iterations == 2 - Fraction(1, n)
    assert knee.iterations_paper == 3 - Fraction(2, n)
    assert knee.traffic <= Fraction(2, n)
    below = [row for tau, row in rows.items() if tau < Fraction(1, n)]
    assert all(row.traffic > knee.traffic / 2 and row.iterations > knee.iterations for row in below)
    assert len(below) == (2 if n > 2 else 1)
    (one,) = tau_table(n, [Fraction(1, 3)])
    assert one.traffic == Fraction(1, 3) + Fraction(2, 3 * n)


@pytest.mark.slow
def test_decreasing_blocks_reach_the_optimum_without_shared_minimiser():
    """IBCD at a constant step has a floor on heterogeneous data; the decreasing steps go below it."""
    problem = random_quadratic(3, 6, 4, seed=1, minimisers=1.0)
    tau = Fraction(1, 3)
    method = ct.IBCD(tau=tau)
    found = find_guarantee(method, problem, "isgd.decreasing")
    run = ct.exact(method, problem, 4000, theorem="isgd.decreasing")
    fixed = ct.exact(ct.IBCD(tau=tau, gamma=found.plan.gamma), problem, 4000)
    assert run.mean_gap[-1] < 0.2 * fixed.mean_gap[-1]
    seen = found.theorem.trajectory(run)
    assert all(seen[t] <= found.rate.bound(t) for t in range(1, 4001))
    with pytest.raises(NoGuarantee, match="leave gamma out"):
        ct.guarantee(ct.IBCD(tau=tau, gamma=0.1), problem, "isgd.decreasing")


@pytest.mark.parametrize("t", [1, 2, 9])
def test_the_weighted_bound_is_the_papers_two_fractions(t):
    """Exactly; with t + 1 noises instead of t, as a telescope over all t + 1 steps gives, it would be larger."""
    tau, mu, sigma2, zeta2, n, start = (Fraction(v) for v in ("1/3", "1/2", "5", "7/4", "3", "11"))
    facts = {
        "n": n,
        "d": 6,
        "L": 2,
        "mu": mu,
        "L_max": 2,
        "L_tilde": 2,
        "zeta2_star": zeta2,
        "sigma2": sigma2,
    }
    c = Constants(**facts, params={"tau": tau})
    a, pace = isgd_rule(c)
    assert weight_sum(a, pace, t) == sum(a + pace * s for s in range(t + 1))
    opening = a**2 * (1 - tau * mu / a) * start / (tau * a * (t + 1) + pace * tau / 2 * t * (t + 1))
    noise = sigma2 + 2 * (1 - tau) * zeta2
    printed = noise / (n * (1 + Fraction(1, t)) * a + n * pace / 2 * (t + 1))
    assert weighted_bound(c, t, start) == opening + printed
    telescoped = noise * (t + 1) / (n * weight_sum(a, pace, t))
    assert printed * (t + 1) / t == telescoped > printed


def test_tau_rule_is_what_the_exact_rates_show():
    """At the sharper steps, kappa large and equal Hessians: rounds of IBCD over rounds of GD = 1 + omega/n."""
    problem = random_quadratic(4, 4, 1e3, seed=2, hessians=0, interpolation=True)
    gd = -np.log(ct.exact_rate(ct.GD(1 / problem.L), problem).rho)
    for tau in (Fraction(1, 4), Fraction(1, 2), Fraction(1)):
        method = ct.IBCD(tau=tau)
        gamma = ct.guarantee(method, problem, "ibcd.sharp").stepsize
        rate = -np.log(ct.exact_rate(ct.IBCD(tau=tau, gamma=gamma), problem).rho)
        assert gd / rate == pytest.approx(float(iterations_ratio(4, tau)), rel=5e-3)


def test_toy_quadratic_has_the_stated_spectrum():
    problem = ibcd_toy(5, 8, seed=3)
    values = np.linalg.eigvalsh(problem.A)
    assert values.max(axis=1) == pytest.approx(np.ones(5), abs=1e-12)
    assert problem.zeta2_star == pytest.approx(0, abs=1e-25)
    trace = ct.simulate(ct.IBCD(tau=Fraction(1, 4)), problem, 2000, 8, seed=1)
    assert trace.mean_square[-1] < 1e-6 * trace.mean_square[0]


def test_refusals():
    with pytest.raises(InvalidParameter, match="fraction of blocks"):
        ct.IBCD()
    with pytest.raises(Unsupported, match="tau m to be an integer"):
        ct.IBCD(tau=Fraction(1, 4)).check(PROBLEM)
    with pytest.raises(Unsupported, match="multiple of blocks"):
        ct.IBCD(tau=Fraction(1, 4), blocks=4).check(PROBLEM)
    with pytest.raises(NoGuarantee, match="zeta2"):
        ct.guarantee(ct.IBCD(tau=Fraction(1, 2), gamma=1e-3), random_quadratic(3, 6, 20, seed=1))
    with pytest.raises(NoGuarantee, match="outside"):
        ct.guarantee(ct.IBCD(tau=Fraction(1, 2), gamma=50.0), PROBLEM)
