"""Stochastic gradients in the operators: exact curves against enumeration of the methods' own steps."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

import compth as ct
from compth.certification.assumption import reference_of
from compth.certification.tracer import leaves
from compth.dynamics import exact
from compth.dynamics.sketches import noise_for
from compth.dynamics.system import data_of
from compth.errors import Unsupported
from compth.methods import plan_of

SUM = ct.problems.random_finite_sum(n=2, m=2, d=2, kappa=8, seed=3, minimisers=1.0)
ONE = ct.problems.random_finite_sum(n=1, m=3, d=2, kappa=8, seed=4, minimisers=1.0)
RAND = ct.RandK(1)
CASES = [
    (ct.DCGD(ct.Identity(), gamma=0.2, oracle=ct.Minibatch(1)), SUM, 2),
    (ct.DCGD(ct.Identity(), gamma=0.2, oracle=ct.Minibatch(2)), ONE, 3),
    (ct.DCGD(ct.Identity(), gamma=0.2, oracle=ct.Minibatch(2, replace=True)), ONE, 2),
    (ct.DCGD(ct.Identity(), gamma=0.2, oracle=ct.Importance()), ONE, 3),
    (ct.DCGD(ct.Identity(), gamma=0.2, oracle=ct.Coordinates(1)), SUM, 2),
    (ct.DCGD(RAND, gamma=0.2, oracle=ct.Minibatch(1)), ONE, 2),
    (ct.DIANA(RAND, gamma=0.2, alpha=0.3, oracle=ct.Minibatch(1)), ONE, 2),
    (ct.DIANA(ct.Identity(), gamma=0.2, alpha=0.4, oracle=ct.Minibatch(1)), SUM, 2),
    (ct.EF21(ct.Scaled(RAND), gamma=0.2, oracle=ct.Minibatch(1)), ONE, 2),
    (ct.EF(ct.Scaled(RAND), gamma=0.2, oracle=ct.Minibatch(1)), ONE, 2),
    (ct.EFBV(RAND, gamma=0.2, oracle=ct.Minibatch(1)), ONE, 2),
    (ct.IBCD(tau=Fraction(1, 2), gamma=0.2, oracle=ct.Minibatch(1)), ONE, 2),
]


def enumerated(method, problem, steps):
    """E||x_t - x*||^2 over all outcomes of the method's own code."""
    plan = plan_of(method, problem, horizon=steps)[0]
    traced = reference_of(method)
    states, curve = [(1.0, traced.init(problem, problem.start[None].copy(), plan))], []
    for t in range(steps):
        after = []
        for p, state in states:

            def one(rng, held=state, at=t):
                return traced.step(traced.view(problem, rng), held, rng, plan, at)

            after += [(p * float(leaf.probability), leaf.output) for leaf in leaves(one)]
        states = after
        curve.append(sum(p * problem.distance_squared(s.x)[0] for p, s in states))
    return np.array(curve)


@pytest.mark.parametrize(("method", "problem", "steps"), CASES, ids=[c[0].label for c in CASES])
def test_the_curve_is_the_enumeration(method, problem, steps):
    found = exact(method, problem, steps).mean_square[1:]
    np.testing.assert_allclose(found, enumerated(method, problem, steps), rtol=1e-12)
    quiet = exact(replace(method, oracle=None), problem, steps).mean_square[1:]
    assert np.abs(found / quiet - 1).max() > 1e-3  # the noise is there: without it the curve is another


def test_the_rate_of_sgd_is_that_of_its_second_moments():
    """One component in two dimensions: x+ = (I - gamma A_j) x; the rate is the top eigenvalue of E M (x) M."""
    method = ct.DCGD(ct.Identity(), gamma=0.3, oracle=ct.Minibatch(1))
    maps = [np.eye(2) - 0.3 * a for a in ONE.at_rest.parts[0]]
    want = np.abs(np.linalg.eigvals(sum(np.kron(m, m) for m in maps) / 3)).max()
    assert ct.exact_rate(method, ONE.at_rest).rho == pytest.approx(want, rel=1e-9)


def test_oracles_are_not_in_fractions():
    with pytest.raises(Unsupported, match="Fractions"):
        ct.exact_rate(ct.DCGD(RAND, gamma=0.1, oracle=ct.Minibatch(1)), ONE, rational=True)


def test_equal_components_do_not_couple_the_mean():
    """Their noise does not follow x: what rounding leaves of it must not be held against itself."""
    base = ct.problems.random_quadratic(2, 3, 4.0, seed=0)
    shifts = np.random.default_rng(1).standard_normal((2, 3, 3))
    sums = ct.problems.FiniteSum(
        np.repeat(base.A[:, None], 3, axis=1), base.b[:, None] + shifts - shifts.mean(axis=(0, 1))
    )
    method = ct.DCGD(ct.Identity(), gamma=0.3, oracle=ct.Minibatch(1))
    found = ct.exact_rate(method, sums)
    assert not found.coupled
    assert found.rho == pytest.approx(found.rho_mean**2, rel=1e-9)
    spread = ct.problems.random_finite_sum(n=2, m=3, d=3, kappa=5, seed=0)
    assert ct.exact_rate(method, spread).coupled


def test_matrices_without_their_problem_are_refused_an_oracle():
    method = ct.DCGD(ct.RandK(k=1), gamma=0.1, oracle=ct.Minibatch(1))
    data = data_of(SUM)
    assert noise_for(method, data) is not None
    with pytest.raises(Unsupported, match="matrices alone have no components"):
        noise_for(method, replace(data, problem=None))
