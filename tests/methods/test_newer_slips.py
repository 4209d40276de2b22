"""Slips of the newer methods that once passed: each is planted here, beside what is true."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

import compth as ct
from compth.dynamics.steps import rates_along
from compth.errors import InvalidParameter, NoGuarantee, Unsupported
from compth.methods import find_guarantee
from compth.methods.compressed_scaffnew import Owners
from compth.methods.local_ist import block_solution
from compth.problems import random_quadratic

PAIR = random_quadratic(2, 2, 4, seed=1, minimisers=1.0)
NEARLY = ct.Scaled(ct.Bernoulli(Fraction(99, 100)))
"""sqrt(1-delta) = 1/10: the loop of errors alone would allow eta < 9/2."""


@pytest.mark.parametrize("eta", [3, Fraction(5, 2)])
def test_econtrol_promises_nothing_for_feedback_above_one(eta):
    """The kept errors then grow by |1-eta| a round: the run diverges."""
    method = ct.EControl(NEARLY, 0.05, eta=eta)
    with pytest.raises(NoGuarantee, match="eta <= 1"):
        find_guarantee(method, PAIR, "econtrol.pl")
    run = ct.exact(method, PAIR, 60).mean_square
    assert run[-1] > 1e6 * run[0]


def test_econtrol_is_held_to_its_promise_at_the_largest_feedback():
    found = find_guarantee(ct.EControl(NEARLY, eta=1), PAIR, "econtrol.pl", horizon=60)
    run = ct.exact(ct.EControl(NEARLY, eta=1), PAIR, 60, theorem="econtrol.pl")
    bound = [found.rate.bound(t) for t in range(61)]
    assert (found.theorem.trajectory(run) <= np.array(bound) * (1 + 1e-9)).all()


@pytest.mark.parametrize("p", [Fraction(1, 100), Fraction(1, 2), 1])
def test_rand_diana_pays_for_refreshes_alone(p):
    """A message of 32 + 1 bits every round, and two floats where the coin comes: in expectation 33 + 64 p."""
    rounds, runs = 50, 64
    bits = ct.simulate(ct.RandDIANA(ct.RandK(1), 0.1, p=p), PAIR, rounds, runs).bits[-1]
    spread = 64 * float(p * (1 - p) / (rounds * runs)) ** 0.5
    assert bits / rounds == pytest.approx(33 + 64 * float(p), abs=6 * spread + 1e-9)


def test_a_singular_block_is_solved_as_its_steps_are():
    """eigh finds 1e-17 for the eigenvalue 0."""
    A, b, x = np.array([[0.1, 0.3], [0.3, 0.9]]), np.array([3.0, -1.0]), np.array([0.5, 2.0])
    np.testing.assert_allclose(block_solution(A, b, 0 * x, 0.1, 5), [1.5, -0.5], rtol=1e-12)
    stepped = x
    for _ in range(7):
        stepped = stepped - 0.1 * (A @ stepped - b)
    np.testing.assert_allclose(block_solution(A, b, x, 0.1, 7), stepped, rtol=1e-12)


@pytest.mark.parametrize("zeta", [float("inf"), float("nan"), np.ones(2), -1, True, "a", None, 1j])
@pytest.mark.parametrize("kind", [ct.LAG, lambda zeta: ct.CLAG(ct.TopK(1), zeta=zeta)])
def test_a_trigger_is_a_finite_number(kind, zeta):
    with pytest.raises(InvalidParameter, match="finite real zeta"):
        kind(zeta=zeta)


@pytest.mark.parametrize("given", [("a", 2), (None, 2), (3, 2.5), (2.5, 2), (2, 3), (2, 0), (True, True)])
def test_owners_are_counted_in_whole_numbers(given):
    for made in (Owners, lambda n, s: ct.CompressedScaffnew(workers=n, owners=s)):
        with pytest.raises(InvalidParameter, match=r"integer|1 <= owners <= n"):
            made(*given)


@pytest.mark.parametrize("smoothness", ["a", [np.inf, 1], [np.nan, 1], [], [0, 1], None, [1, [2]], "2"])
def test_units_are_finite_positive_numbers(smoothness):
    with pytest.raises(InvalidParameter, match="finite L_i > 0"):
        ct.EF21W.weighted(ct.TopK(1), smoothness)


def test_steps_of_local_methods_are_searched_with_the_chance_that_a_run_has():
    """p moves with gamma; with p of another step the rate is a different one, and from 2/L_max on nothing plans it."""
    along = rates_along(ct.CompressedScaffnew(), PAIR)
    for gamma in (0.4, 1.2):
        run = ct.exact_rate(ct.CompressedScaffnew(gamma=gamma), PAIR).rho
        assert along.rate(gamma).rho == pytest.approx(run, rel=1e-10)
    elsewhere = along.system.plan["p"]
    assert ct.exact_rate(ct.CompressedScaffnew(gamma=1.2, p=elsewhere), PAIR).rho > run + 0.01
    beyond = 2.01 / max(PAIR.L_i)
    assert along.branches(beyond).min() > 1
    with pytest.raises(NoGuarantee, match="nothing plans p"):
        along.rate(beyond)


def test_owners_of_other_workers_are_refused_with_what_to_type():
    typed = r"give CompressedScaffnew\(workers=5, owners=3\)"
    with pytest.raises(Unsupported, match=r"workers = n, got n=5: " + typed):
        find_guarantee(ct.CompressedScaffnew(workers=8, owners=3), random_quadratic(5, 4, 4, seed=1))
    fitting = ct.CompressedScaffnew(workers=5, owners=3)
    assert (
        find_guarantee(fitting, random_quadratic(5, 4, 4, seed=1)).theorem.id == "compressed_scaffnew.linear"
    )
