"""ADIANA: its Lyapunov inequality by enumeration of one step, its steps against the paper's, its acceleration."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest

import compth as ct
from compth.errors import InvalidParameter, NoGuarantee
from compth.methods import find_guarantee
from compth.methods.adiana import ADIANAState, adiana_step, adiana_step_paper, refresh_probability
from compth.problems import random_quadratic
from compth.worst_case.bodies import constants_of

MASKS = 2 * np.eye(2)


class Scripted:
    """Messages and coins in a given order: one step of the method's own code on every outcome at once."""

    def __init__(self, masks, coins):
        self.masks, self.coins = list(masks), coins

    def kernel(self, x, rng):
        return self.masks.pop(0) * x

    def random(self, size):
        assert size == len(self.coins)
        return self.coins


def factor(problem, found, seed):
    """E Psi+ / Psi at a random state, Rand-1 on two workers with d = 2, by all 4 x 4 x 2 outcomes."""
    plan, rng = found.plan, np.random.default_rng(seed)
    scale = 10.0 ** rng.uniform(-2, 2, 4)
    y, z, w = (problem.x_star + s * rng.standard_normal(2) for s in scale[:3])
    h = problem.gradients(w[None])[0] + scale[3] * rng.standard_normal((2, 2))
    outcomes = list(product(range(2), repeat=5))
    first = np.array([[MASKS[a], MASKS[b]] for a, b, *_ in outcomes])
    second = np.array([[MASKS[a], MASKS[b]] for _, _, a, b, _ in outcomes])
    p = float(plan["p"])
    coins = np.array([0.0 if o[4] else 1.0 for o in outcomes])
    weight = np.array([p if o[4] else 1 - p for o in outcomes]) / 16
    count = len(outcomes)
    y, z, w, h = (np.repeat(v[None], count, 0) for v in (y, z, w, h))
    state = ADIANAState(y, z=z, w=w, h=h)
    script = Scripted((first, second), coins)

    class Fixed(ct.ADIANA):
        fleet = script
        downlink = ct.Identity()

        def uplink_bits(self, y, float_bits=32):
            return 0.0

    method = object.__new__(Fixed)
    new = method.step(problem, state, script, plan, 0)
    before = found.theorem.observe(problem, state, plan)[0]
    after = weight @ found.theorem.observe(problem, new, plan)
    return after / before


PROBLEMS = [random_quadratic(2, 2, kappa, seed=s, minimisers=1.0) for s in range(4) for kappa in (1, 5, 100)]


@pytest.mark.parametrize("theorem", ["adiana.accelerated", "adiana.paper"])
@pytest.mark.slow
def test_lyapunov_function_contracts_in_one_exact_step(theorem):
    factors, rhos = [], []
    for q in PROBLEMS:
        found = find_guarantee(ct.ADIANA(ct.RandK(1)), q, theorem)
        factors += [factor(q, found, seed) for seed in range(40)]
        rhos += [found.plan.rho] * 40

    def worst(spoil):
        """max E Psi+ / (rho Psi), the rate's distance from 1 being spoil times as large."""
        return max(f / (1 - (1 - rho) * spoil) for f, rho in zip(factors, rhos, strict=True))

    assert worst(1.0) <= 1 + 1e-12
    assert worst(2.5) > 1


@pytest.mark.parametrize("omega", [0.125, 1.0, 9.0, 99.0])
@pytest.mark.parametrize("n", [1, 10, 1000])
def test_our_step_is_at_least_the_papers(omega, n):
    p = refresh_probability(omega, n)
    assert 0 < p <= 1
    for q in (p, 1.0, p / 10):
        assert adiana_step(1.0, omega, n, q) >= adiana_step_paper(1.0, omega, n, q)


def test_without_compression_it_is_an_accelerated_method():
    method = ct.ADIANA(ct.Identity())
    problems = [random_quadratic(2, 3, kappa, seed=1, hessians=0) for kappa in (1e2, 1e4)]
    rates = [1 - ct.guarantee(method, q, "adiana.accelerated").rho for q in problems]
    assert rates[0] / rates[1] == pytest.approx(10, rel=0.25), "1 - rho falls as kappa^(-1/2)"


@pytest.mark.slow
def test_it_beats_diana_where_the_condition_number_is_large():
    problem = random_quadratic(4, 4, 1e4, seed=1, hessians=0, minimisers=1.0)
    fast, slow = ct.ADIANA(ct.NaturalCompression()), ct.DIANA(ct.NaturalCompression())
    assert 1 - ct.guarantee(fast, problem).rho > 5 * (1 - ct.guarantee(slow, problem, "diana.unified").rho)
    a, b = (ct.simulate(m, problem, 6000, 8, seed=1).mean_gap for m in (fast, slow))
    assert a[-1] < 0.1 * b[-1]


def test_two_messages_a_round_are_counted():
    problem = PROBLEMS[1]
    one = float(ct.RandK(1).bits(2).total)
    assert ct.simulate(ct.ADIANA(ct.RandK(1)), problem, 3, 2).bits[-1] == 6 * one


def test_refusals():
    with pytest.raises(InvalidParameter, match="0 < p <= 1"):
        ct.ADIANA(ct.RandK(1), p=2)
    with pytest.raises(NoGuarantee, match="independent"):
        ct.guarantee(ct.ADIANA(ct.Shared(ct.RandK(1))), PROBLEMS[1])
    with pytest.raises(NoGuarantee, match="outside"):
        ct.guarantee(ct.ADIANA(ct.RandK(1), gamma=1.0), PROBLEMS[1])


def rounds(theorem, c):
    """1/log(1/rho) at its own step."""
    return 1 / -np.log(float(theorem.plan(c).rho))


def test_what_the_families_page_says_of_refined_steps():
    """9 to 23 times omega + (1 + omega/sqrt n) sqrt kappa, and what another p gains."""
    theorem, cases = ct.methods.theorems()["adiana.accelerated"], {}
    for n, omega, kappa in ((1000, 9, 1e4), (10, 99, 1e5), (10, 9, 1e3), (4, 3, 1e3)):
        c = constants_of(1 / kappa, 1.0, n, omega=omega)
        others = [replace(c, params={"p": p}) for p in np.geomspace(0.05 / (1 + omega), 1, 120)]
        order = omega + (1 + omega / np.sqrt(n)) * np.sqrt(kappa)
        now = rounds(theorem, c)
        cases[n, omega] = now / order, now / min(rounds(theorem, o) for o in others)
    times = [v for v, _ in cases.values()]
    assert (round(min(times)), round(max(times))) == (9, 23)
    assert cases[1000, 9][1] == pytest.approx(1.45, abs=0.01)
    assert [round(cases[k][1], 2) for k in ((10, 99), (10, 9), (4, 3))] == [1.06] * 3
