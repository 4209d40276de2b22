"""Empirical laws stay conjectures, and hold on the range that they name."""

from fractions import Fraction as F

import numpy as np
import pytest

import compth as ct
from compth.claims import Standing
from compth.errors import InvalidParameter
from compth.methods.core import closed_forms as forms
from compth.worst_case.conjectures import worst_on_quadratics


@pytest.mark.parametrize("method", ["EF", "EF21"])
def test_the_step_minimises_the_worst_exact_rate_on_the_range_tried(method):
    rng = np.random.default_rng(0)
    for _ in range(20):
        n = int(rng.integers(2, 4))
        mu = rng.uniform(0.02, 0.5, n)
        L = mu * rng.uniform(1.5, 30, n)
        delta = float(rng.uniform(0.2, 0.95))
        found = ct.heterogeneous_feedback(method, mu, L, delta)
        assert found.standing is Standing.CONJECTURE
        assert found.attained == pytest.approx(found.rho, abs=1e-7)
        for scale in (0.9, 0.99, 1.01, 1.1):
            moved = worst_on_quadratics(method, mu, L, delta, scale * found.stepsize)
            assert moved > found.attained


def test_equal_workers_give_the_known_law():
    found = ct.heterogeneous_feedback("EF21", [F(2, 7)] * 3, [F(1)] * 3, F(15, 16))
    assert found.rho == F(9, 16)
    assert found.stepsize == forms.feedback_step(F(2, 7), 1, F(15, 16))
    assert found.attained == pytest.approx(9 / 16, abs=1e-12)


def test_the_quadratics_run_in_the_package():
    mu, L, delta = [0.1, 0.3], [1.0, 2.0], 0.75
    gamma = float(forms.heterogeneous_feedback_step((0.1, 0.3), (1.0, 2.0), delta))
    rates = []
    for curvature in ([0.1, 0.3], [1.0, 2.0], [0.1, 2.0], [1.0, 0.3]):
        problem = ct.problems.distributed_quadratic(np.array(curvature)[:, None, None], np.zeros((2, 1)))
        for factor in (0.5, 1.5):
            method = ct.EF21(ct.Scaled(ct.Identity(), factor=factor), gamma=gamma)
            rates.append(ct.exact_rate(method, problem).rho)
    assert max(rates) == pytest.approx(worst_on_quadratics("EF21", mu, L, delta, gamma), rel=1e-6)


def test_bad_input():
    with pytest.raises(InvalidParameter, match="one each per worker"):
        ct.heterogeneous_feedback("EF", [0.1], [1, 2], 0.5)
    with pytest.raises(InvalidParameter, match="method="):
        ct.heterogeneous_feedback("DIANA", [0.1], [1], 0.5)
