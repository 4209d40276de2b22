"""DCGD on workers with different minimisers: the certified contraction and floor against exact dynamics."""

from dataclasses import replace
from fractions import Fraction as F
from itertools import pairwise

import numpy as np
import pytest

import compth as ct
from compth.errors import InvalidParameter
from compth.methods.core import closed_forms as forms
from compth.worst_case import heterogeneous_dcgd

CLASS = {"mu": F(1, 10), "L": F(1), "omega": 1, "n": 3}


@pytest.mark.parametrize("gamma", [F(1, 20), F(1, 5), F(1, 2), F(1)])
def test_the_bracket_and_its_certificate(gamma):
    found = heterogeneous_dcgd(**CLASS, gamma=gamma, zeta2=F(7))
    closed = forms.dcgd_floor(*CLASS.values(), gamma, 7)
    assert found.check()
    assert isinstance(found.floor, F)
    assert found.attained <= found.floor <= closed
    assert not replace(found, floor=found.floor * F(999, 1000)).check()
    assert not replace(found, rho=found.rho - F(1, 10**6)).check()
    assert not replace(found, tau=found.tau - F(1, 10**6)).check()
    assert not replace(found, multiplier=-found.multiplier).check()
    assert not replace(found, constants={**found.constants, "omega": F(2)}).check()


@pytest.mark.slow
def test_exact_dynamics_stay_below():
    rng = np.random.default_rng(3)
    mu, L, n, d, closest = 0.1, 1.0, 3, 2, 0.0
    for case in range(18):
        gamma = (0.05, 0.3, 1.0)[case % 3]
        a = np.empty((n, d, d))
        for i in range(n):
            q, _ = np.linalg.qr(rng.standard_normal((d, d)))
            a[i] = (q * rng.choice([mu, L], d)) @ q.T
        problem = ct.problems.distributed_quadratic(
            (a + a.transpose(0, 2, 1)) / 2, rng.standard_normal((n, d))
        )
        found = heterogeneous_dcgd(**CLASS, gamma=gamma, zeta2=float(problem.zeta2_star))
        curve = ct.exact(ct.DCGD(ct.RandK(1), gamma=gamma), problem, 200).mean_square
        rho, tau = float(found.rho), float(found.tau * found.constants["zeta2"])
        assert all(b <= (rho * a + tau) * (1 + 1e-9) for a, b in pairwise(curve))
        assert curve[-1] <= float(found.floor) * (1 + 1e-9) + rho**200 * curve[0]
        closest = max(closest, curve[-1] / float(found.floor))
    assert closest > 0.3  # a floor four times lower would have been passed


def test_the_attaining_quadratic_runs():
    shifts = np.array([[1.0], [-1.0], [2.0], [-2.0]])
    for curvature in (0.5, 1.0):
        problem = ct.problems.distributed_quadratic(np.full((4, 1, 1), curvature), shifts)
        exact = ct.exact(ct.DCGD(ct.Bernoulli(p=1 / 3), gamma=0.1), problem, 600).mean_square[-1]
        found = heterogeneous_dcgd(
            mu=curvature, L=curvature, omega=2, n=4, gamma=0.1, zeta2=problem.zeta2_star
        )
        assert exact == pytest.approx(found.attained, rel=1e-9)
        assert exact <= found.floor


@pytest.mark.parametrize(
    "wrong", [{"gamma": 2}, {"gamma": 0}, {"n": 1}, {"zeta2": -1}, {"mu": 2}, {"omega": -1}]
)
def test_bad_constants_are_refused(wrong):
    with pytest.raises(InvalidParameter, match="="):
        heterogeneous_dcgd(**{**CLASS, "gamma": F(1, 5), "zeta2": 1, **wrong})
