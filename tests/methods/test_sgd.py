"""SGD's rows of the unified table: the assumption exactly, floors by exact stationary moments, spoils of both."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
import sympy

import compth as ct
from compth.errors import NoGuarantee
from compth.methods import Constants, theorems
from compth.methods.core.unified_table import row_constants, unified_table
from compth.problems import additive_noise, random_finite_sum

ONE = random_finite_sum(1, 3, 2, 6, seed=1, minimisers=1.0)
TWO = random_finite_sum(2, 2, 2, 6, seed=2, minimisers=1.0)
NOISY = additive_noise(
    ct.problems.random_quadratic(2, 2, 10, seed=1, minimisers=1.0), m=2, sigma2=0.5, seed=2
)
PAIR = ct.Minibatch(2, replace=True)
ROWS = [
    (ct.SGD(), ONE, "sgd.uniform"),
    (ct.SGD(), TWO, "sgd.reweighted"),
    (ct.SGD(oracle=ct.Importance()), ONE, "sgd.reweighted"),
    (ct.SGD(oracle=PAIR), ONE, "sgd.minibatch"),
    (ct.SGDStar(), ONE, "sgd_star.linear"),
    (ct.SGDStar(), TWO, "sgd_star.sharp"),
    (ct.DCGD(ct.RandK(1), oracle=ct.Minibatch(1)), ONE, "dcgd.stochastic"),
    (ct.DCGD(ct.RandK(1), oracle=ct.Minibatch(1)), TWO, "dcgd.stochastic"),
    (ct.DIANA(ct.RandK(1), oracle=ct.Minibatch(1)), NOISY, "diana.noisy"),
]
IDS = [f"{m.label} {name} n={q.n}" for m, q, name in ROWS]


@pytest.mark.parametrize(("method", "problem", "name"), ROWS, ids=IDS)
def test_the_assumption_holds_and_the_bound_is_above_the_exact_curve(method, problem, name):
    theorem = theorems()[name]
    found = ct.check_assumption(method, problem, theorem)
    assert found.holds
    assert found.first > 0.3  # no row is loose by more than 3 here
    rate = ct.guarantee(method, problem, theorem)
    seen = theorem.trajectory(ct.exact(method, problem, 200, theorem=theorem))
    bound = np.array([rate.bound(t) for t in range(201)])
    assert (seen <= bound * (1 + 1e-9)).all()


@pytest.mark.parametrize(("method", "problem", "name"), ROWS, ids=IDS)
def test_smaller_parameters_break_the_assumption(method, problem, name):
    theorem = theorems()[name]
    right = theorem.parameters(method.check(problem))
    for field in ("A", "D1"):
        value = float(getattr(right, field))
        wrong = replace(right, **{field: value / 4})
        assert value == 0 or not ct.check_assumption(method, problem, theorem, parameters=wrong).holds, field


@pytest.mark.parametrize("case", [r for r in ROWS if "star" not in r[2]], ids=lambda r: r[2])
def test_floors_are_above_the_stationary_moment_and_a_fortieth_is_not(case):
    method, problem, name = case
    rate = ct.guarantee(method, problem, name)
    at = replace(method, gamma=rate.stepsize)
    if name == "diana.noisy":
        at = replace(at, alpha=float(rate.plan["alpha"]))
    held = ct.stationary(at, problem).mean_square
    assert held <= rate.floor
    assert held > rate.floor / 40


def test_sgd_star_stays_at_the_solution_and_sgd_does_not():
    start = ONE.x_star
    moved = [
        ct.exact(m, ONE, 5, x0=start).mean_square[-1] for m in (ct.SGDStar(gamma=0.1), ct.SGD(gamma=0.1))
    ]
    assert moved[0] < 1e-28
    assert moved[1] > 1e-3


def test_the_tables_row_of_sgd_star_is_loose_by_two():
    found = [
        ct.check_assumption(ct.SGDStar(), ONE, theorems()[n]) for n in ("sgd_star.linear", "sgd_star.sharp")
    ]
    assert found[1].first == pytest.approx(2 * found[0].first, rel=1e-3)
    assert found[1].first > 0.95


def test_one_draw_is_the_reweighted_row():
    c = ct.SGD().check(ONE)
    assert theorems()["sgd.minibatch"].parameters(c) == theorems()["sgd.reweighted"].parameters(c)


def test_on_one_worker_the_quantised_row_is_the_papers():
    LL, s2, omega = sympy.symbols("LL s2 omega", positive=True)
    claims = (ct.Unbiased(omega), ct.JointVariance(omega, 0))
    facts = {"LL": LL, "LL_workers": LL, "sigma2_mean": s2, "sigma2_star": s2}
    c = Constants(n=1, d=1, L=1, mu=1, L_max=1, L_tilde=1, claims=claims, facts=facts)
    p = theorems()["dcgd.stochastic"].parameters(c)
    assert sympy.simplify(p.A - 2 * (1 + omega) * LL) == 0
    assert sympy.simplify(p.D1 - 2 * (1 + omega) * s2) == 0


def test_rows_refuse_what_they_do_not_speak_of():
    with pytest.raises(NoGuarantee, match="one worker, one convex component"):
        ct.guarantee(ct.SGD(), TWO, "sgd.uniform")
    with pytest.raises(NoGuarantee, match="draws with replacement"):
        ct.guarantee(ct.SGD(oracle=ct.Minibatch(2)), ONE, "sgd.minibatch")
    with pytest.raises(NoGuarantee, match="give an oracle"):
        ct.guarantee(ct.DCGD(ct.RandK(1)), ONE, "dcgd.stochastic")
    with pytest.raises(NoGuarantee, match="bounded for all x"):
        ct.guarantee(ct.DIANA(ct.RandK(1), oracle=ct.Minibatch(1)), ONE, "diana.noisy")


def test_the_table_has_every_row_once_and_its_numbers_are_the_theorems():
    table = {r.row: r for r in unified_table()}
    assert {"SGD", "SGD-SR", "SGD-MB", "SGD-star", "Q-SGD-SR", "DIANA", "DIANA, s^2 > 0"} <= set(table)
    assert len(table) == len(unified_table())
    values = {"n": 4, "omega": Fraction(3), "L_max": Fraction(2), "mu": Fraction(1, 10)}
    row = table["DIANA"]
    step = row.step.subs({sympy.Symbol(k, positive=True): v for k, v in values.items()})
    assert step == sympy.Rational(1, 1) / ((1 + sympy.Rational(6 * 3, 4)) * 2)
    assert row.cells()["C"] == "L_max/(omega + 1)"
    assert (
        2 * sympy.Symbol("L_part", positive=True) == theorems()["sgd.uniform"].parameters(row_constants()).A
    )
