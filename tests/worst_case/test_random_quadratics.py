"""Certified rates of DIANA, MARINA and EF-BV against exact dynamics on hundreds of random heterogeneous quadratics."""

import numpy as np
import pytest

import compth as ct
from compth.errors import NoGuarantee
from compth.methods import plan_of
from compth.worst_case.bodies import asked_for, question
from compth.worst_case.rational import least_certified
from compth.worst_case.tight_radius import attained_by
from tests.thorough import thorough, tries
from tests.unwatched import unwatched

CELLS = [(n, scale) for n in (1, 2, 3) for scale in (0.3, 0.8, 1.2)]
METHODS = {
    "DIANA": lambda gamma: ct.DIANA(ct.RandK(1), gamma=gamma, alpha=0.4),
    "MARINA": lambda gamma: ct.MARINA(ct.RandK(1), gamma=gamma, p=0.4),
    "EF-BV": lambda gamma: ct.methods.catalogue()["EFBV"](ct.RandK(1), gamma=gamma),
}


def instances(count, n, d, mu, L, rng):
    """Random Hessians with eigenvalues in [mu, L], both ends present in most, different minimisers."""
    for _ in range(count):
        a = np.empty((n, d, d))
        for i in range(n):
            q, _ = np.linalg.qr(rng.standard_normal((d, d)))
            ends = rng.random(d) < 0.5
            values = np.where(ends, rng.choice([mu, L], d), rng.uniform(mu, L, d))
            a[i] = (q * values) @ q.T
        yield ct.problems.distributed_quadratic((a + a.transpose(0, 2, 1)) / 2, rng.standard_normal((n, d)))


def certified(name, mu, L, omega, n, gamma, params):
    q = question(asked_for(name), mu, L, None, omega, None, n)
    model = q.model(gamma, {{"lambda": "lam"}.get(k, k): v for k, v in params.items()})
    lower = attained_by(model)[0]
    found = least_certified(model, lower, 1e-4) if lower < 1 else None
    return None if found is None else float(found.rho)


@thorough
@pytest.mark.slow
@pytest.mark.parametrize("name", ["DIANA", "MARINA", "EF-BV"])
@unwatched()
def test_exact_dynamics_never_exceed_the_certified_rate(name):
    rng = np.random.default_rng(5)
    mu, L, d, tried, closest = 0.1, 1.0, 2, 0, 0.0
    for n, scale in CELLS:
        omega = 1.0
        gamma = scale / (L * (1 + omega / n))
        method = METHODS[name](gamma)
        some = next(instances(1, n, d, mu, L, rng))
        plan = plan_of(method, some)[0]
        params = {key: float(v) for key, v in plan.params.items() if key in ("alpha", "p", "lambda", "nu")}
        bound = certified(name, mu, L, omega, n, gamma, params)
        if bound is None:
            continue
        for problem in instances(tries(15, 50), n, d, mu, L, rng):
            try:
                rate = ct.exact_rate(method, problem)
            except NoGuarantee:
                continue
            assert rate.bracket[0] <= bound + 1e-9, (n, gamma)
            tried += 1
            closest = max(closest, np.log(bound) / np.log(rate.rho))
    assert tried >= tries(75, 250)
    assert closest > 0.5  # the check has teeth: a rate of twice the speed would have been exceeded
