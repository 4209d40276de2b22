"""IASGD: strong growth, the theorem against exact moments, the one-step recursion by enumeration, acceleration."""

from fractions import Fraction
from itertools import product

import numpy as np
import pytest

import compth as ct
from compth.errors import NoGuarantee
from compth.methods import find_guarantee
from compth.methods.iasgd import block_growth, strong_growth
from compth.problems import random_quadratic

TAU = Fraction(1, 2)
SHARED = [random_quadratic(2, 2, k, seed=s, interpolation=True) for s in range(3) for k in (1, 6, 80)]
EQUAL = [random_quadratic(2, 2, k, seed=s, hessians=0, minimisers=1.0) for s in range(3) for k in (1, 6, 80)]


def draws(problem, x):
    """E||q||^2 at x, tau = 1/2 of two coordinates on two workers, by enumeration."""
    g = problem.gradients(x[None])[0]
    masks = 2 * np.eye(2)
    return np.mean(
        [((masks[i] * g[0] + masks[j] * g[1]) ** 2).sum() / 4 for i, j in product(range(2), repeat=2)]
    )


@pytest.mark.parametrize("problem", [*SHARED, *EQUAL])
def test_growth_constants_hold_and_half_of_them_do_not(problem):
    c = ct.IASGD(tau=TAU).check(problem)
    rho, s2 = (float(v) for v in block_growth(c, TAU))
    r, s = (float(v) for v in strong_growth(c))
    rng, worst, inner = np.random.default_rng(0), 0.0, 0.0
    for scale in np.geomspace(1e-3, 1e3, 40):
        x = problem.x_star + scale * rng.standard_normal(2)
        square = float((problem.gradient(x) ** 2).sum())
        worst = max(worst, draws(problem, x) / (rho * square + s2))
        inner = max(inner, float((problem.gradients(x) ** 2).sum(axis=-1).mean()) / (r * square + s))
    assert max(worst, inner) <= 1 + 1e-9
    assert problem not in EQUAL or inner > 0.99, "attained where the Hessians are equal"


@pytest.mark.parametrize("problem", [*SHARED, *EQUAL])
def test_exact_moments_stay_below_the_bound(problem):
    method = ct.IASGD(tau=TAU)
    found = find_guarantee(method, problem, "iasgd.growth")
    run = ct.exact(method, problem, 80, theorem="iasgd.growth")
    seen = found.theorem.trajectory(run)
    assert all(seen[t] <= found.rate.bound(t) * (1 + 1e-9) + 1e-14 * found.rate.start for t in range(81))


def test_exact_moments_are_the_simulations():
    problem = EQUAL[1]
    run = ct.exact(ct.IASGD(tau=TAU), problem, 12, theorem="iasgd.growth")
    trace = ct.simulate(ct.IASGD(tau=TAU), problem, 12, 20000, seed=1, theorem="iasgd.growth")
    for seen, error, exact in (
        (trace.mean_square, trace.se_square, run.mean_square),
        (trace.mean_metric, trace.se_metric, run.mean_metric),
    ):
        assert (np.abs(seen - exact) <= 7 * error + 1e-12).all()
        assert (error[1:] < 0.02 * exact[1:]).all()


def test_rate_falls_with_the_root_of_the_condition_number():
    rates = [
        1 - ct.guarantee(ct.IASGD(tau=TAU), random_quadratic(4, 4, k, seed=1, hessians=0)).rho
        for k in (1e2, 1e4)
    ]
    assert rates[0] / rates[1] == pytest.approx(10, rel=1e-6)


def test_refusals():
    problem = random_quadratic(2, 2, 5, seed=1, minimisers=1.0)
    with pytest.raises(NoGuarantee, match="strong growth"):
        ct.guarantee(ct.IASGD(tau=TAU), problem)
    with pytest.raises(NoGuarantee, match="outside"):
        ct.guarantee(ct.IASGD(tau=TAU, gamma=9.0), EQUAL[0])
    assert np.isfinite(ct.simulate(ct.IASGD(tau=TAU, gamma=1e-3), problem, 3, 2).mean_square).all()
