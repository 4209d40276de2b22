"""Random methods, fleets, steps and problems: rates lie in their brackets, brackets are found, curves agree."""

from fractions import Fraction

import numpy as np
import pytest

import compth as ct
from compth.errors import CompthError
from compth.problems import random_quadratic
from tests.thorough import thorough, tries
from tests.unwatched import unwatched


def fleet(rng, n, d):
    k = int(rng.integers(1, d + 1))
    choices = [
        ct.RandK(k),
        ct.Bernoulli(float(rng.uniform(0.1, 1))),
        ct.Bernoulli(tuple(rng.uniform(0.1, 1, d))),
        ct.Shared(ct.RandK(k)),
        ct.Sampled(ct.RandK(k), ct.NiceSampling(n, int(rng.integers(1, n + 1)))),
        ct.PermK(n) if d % n == 0 or n % d == 0 else ct.Identity(),
        ct.Identity(),
    ]
    return choices[int(rng.integers(len(choices)))]


def draw(rng):
    n, d = int(rng.integers(1, 5)), int(rng.integers(1, 6))
    problem = random_quadratic(
        n,
        d,
        float(10 ** rng.uniform(0, 4)) if d > 1 else 1.0,
        seed=int(rng.integers(10**6)),
        interpolation=bool(rng.random() < 0.3),
        hessians=float(rng.choice([0, 0.5, 1])),
        rank=None if d < 3 or rng.random() < 0.8 else d - 1,
    )
    some, mask = fleet(rng, n, d), ct.Scaled(ct.RandK(max(1, d // 2)))
    gamma = float(10 ** rng.uniform(-3, 0.5)) / problem.L
    alpha, p = float(rng.uniform(0.05, 0.9)), float(rng.uniform(0.1, 1))
    kinds = [
        lambda: ct.DCGD(some, gamma),
        lambda: ct.DIANA(some, gamma, alpha=alpha),
        lambda: ct.EF(mask, gamma),
        lambda: ct.EF21(mask, gamma),
        lambda: ct.MARINA(some, gamma, p=p),
        lambda: ct.EFBV(some, gamma),
        lambda: ct.IST(ct.PermK(n) if d % n == 0 else ct.RandK(1), gamma / n),
        lambda: ct.IBCD(tau=Fraction(1, d), gamma=gamma),
    ]
    return kinds[int(rng.integers(len(kinds)))], problem


@thorough
@pytest.mark.slow
@pytest.mark.parametrize("seed", range(tries(1, 3)))
@unwatched()
def test_rates_lie_in_brackets_that_are_found(seed):
    rng = np.random.default_rng(seed)
    tried = found = 0
    for _ in range(60):
        make, problem = draw(rng)
        try:
            method = make()
            rate = ct.exact_rate(method, problem)
        except CompthError:
            continue
        tried += 1
        found += rate.converged
        low, high = rate.bracket
        assert low * (1 - 1e-9) - 1e-12 <= rate.rho_noise <= high * (1 + 1e-9) + 1e-12, (
            method,
            problem,
            rate,
        )
        curve = ct.exact(method, problem, 300).mean_square
        if rate.rho < 0.9 and not rate.coupled:  # the curve settles at least as fast as the rate says
            settled = ct.stationary(method, problem)
            away = np.abs(curve - settled.mean_square)
            assert away[300] <= 1e-9 * curve[0] + 1e-9 * settled.mean_square, (method, problem, rate)
    assert tried > 30
    assert found >= tried - 2
