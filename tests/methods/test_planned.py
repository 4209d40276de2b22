"""What is left out of a body without theorems is planned by the least certified rate that is found."""

from __future__ import annotations

from dataclasses import replace

import pytest

import compth as ct
from compth.errors import NoGuarantee
from compth.methods import plan_of
from compth.worst_case import tight_rate
from tests.methods.bodies import Compressed, DianaMomentum, Gradient, Noisy, Shifted

PROBLEM = ct.problems.random_quadratic(2, 3, 5, seed=0, hessians=0.3)


def test_a_step_that_is_left_out_is_the_best_certified_one():
    plan, found, reason = plan_of(Gradient(ct.Identity()), PROBLEM)
    mu, L = PROBLEM.mu_min, PROBLEM.L_max
    assert found is None
    assert "no theorem" in reason
    best = ((L - mu) / (L + mu)) ** 2
    rate = tight_rate(Gradient, mu=mu, L=L, n=2, omega=0, gamma=plan.gamma).certified
    assert best <= rate <= best + 0.02 * (1 - best)


def test_the_table_says_what_was_found():
    method = Compressed(ct.RandK(1))
    shared = ct.problems.random_quadratic(2, 3, 5, seed=0, interpolation=True)
    found = ct.compare([method, Compressed(ct.RandK(1), gamma=0.1)], shared, 20, 4)
    assert [r.stepsize_from for r in found.rows] == ["certified", "given"]
    lines = [line for line in found.remarks() if "best certified rate of a search" in line]
    assert lines == [
        f"Compressed RandK(k=1): gamma = {found.rows[0].stepsize:.3g} found, the best certified rate of a search;"
        " no theorem plans it"
    ]


@pytest.mark.slow
def test_parameters_that_are_left_out_stand_beside_those_given():
    plan = plan_of(DianaMomentum(ct.RandK(1), beta=0.125), PROBLEM)[0]
    assert set(plan.params) == {"alpha", "beta"}
    assert plan.params["beta"] == 0.125
    given = plan_of(DianaMomentum(ct.RandK(1), gamma=0.01, beta=0.125), PROBLEM)[0]
    assert given.gamma == 0.01
    assert given.params == plan.params
    claim = {"mu": PROBLEM.mu_min, "L": PROBLEM.L_max, "n": 2, "omega": 2}
    rate = tight_rate(DianaMomentum, gamma=plan.gamma, **plan.params, **claim).certified
    for other in (0.5 * plan.gamma, 1.2 * plan.gamma):
        found = tight_rate(DianaMomentum, gamma=other, **plan.params, **claim).certified
        assert found is None or rate < found
    assert ct.exact_rate(DianaMomentum(ct.RandK(1), beta=0.125), PROBLEM).rho < 1


@pytest.mark.parametrize(
    ("method", "says"),
    [
        (Shifted(ct.PermK(2)), r"needs gamma: .*workers that draw together.*give gamma="),
        (
            Shifted(ct.RandK(1), gamma=0.1, oracle=ct.Coordinates(1)),
            r"needs alpha: .*stochastic.*give alpha=",
        ),
    ],
)
def test_what_lies_in_no_class_says_what_to_give(method, says):
    problem = ct.problems.random_quadratic(2, 4, 5, seed=0, hessians=0.3)
    with pytest.raises(NoGuarantee, match=says):
        plan_of(method, problem)


@pytest.mark.slow
@pytest.mark.parametrize("method", [Noisy(ct.RandK(1)), Shifted(ct.RandK(1), downlink=ct.RandK(1))])
def test_noise_that_comes_back_in_the_step_and_compressed_broadcasts_are_planned(method):
    problem = ct.problems.random_quadratic(2, 4, 5, seed=0, hessians=0.3)
    plan = plan_of(method, problem)[0]
    assert ct.exact_rate(replace(method, gamma=plan.gamma, **plan.params), problem).rho < 1


def test_workers_without_strong_convexity_lie_in_no_class():
    flat = ct.problems.random_quadratic(3, 3, 20, seed=0, hessians=1.0)
    if flat.mu_min > 0:
        flat = ct.problems.distributed_quadratic([[[2.0, 0], [0, 0]], [[0.0, 0], [0, 2]]], [[0.0, 0], [0, 0]])
    with pytest.raises(NoGuarantee, match="strongly convex workers"):
        plan_of(Gradient(ct.Identity()), flat)


def test_a_body_without_a_step_needs_none():
    @ct.method
    def Halving(w, x, *, rate=0.25):
        return dict(x=x - rate * w.mean(w.gradient(x)))

    curve = ct.simulate(Halving(), PROBLEM, 3, 2).mean_square
    assert curve[-1] < curve[0]
    assert ct.exact_rate(Halving(), PROBLEM).rho < 1
