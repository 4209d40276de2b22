"""The one non-quadratic demonstration: DIANA reaches (1, 1), QSGD and TernGrad do not."""

from math import inf

import numpy as np
import pytest

import compth as ct
from compth.errors import NoGuarantee, Unsupported
from compth.problems import Rosenbrock

TOY = Rosenbrock()
GAMMA = 0.005


def final(method, steps, runs, x0=None):
    trace = ct.simulate(method, TOY, steps, runs, seed=1, x0=x0)
    assert (trace.diverged < 0).all()
    return trace.mean_square[-1], trace.se_square[-1]


@pytest.mark.parametrize("p", [2, inf])
def test_diana_reaches_the_minimiser(p):
    distance, _ = final(ct.DIANA(ct.LpQuantization(p), GAMMA), 6000, 32)
    assert distance < 1e-9


@pytest.mark.slow
@pytest.mark.parametrize("compressor", [ct.LpQuantization(2), ct.TernGrad()])
def test_quantisation_without_memory_does_not(compressor):
    distance, error = final(ct.DCGD(compressor, GAMMA), 1500, 1024, np.ones(2))
    assert distance - 7 * error > 0.05


def test_gradients_are_those_of_the_printed_functions():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((6, 2))

    def printed(a, b):
        valley = 10 * (b - a**2) ** 2
        return np.stack([(a + 16) ** 2 + valley + 16 * b, (a - 18) ** 2 + valley - 16 * b], axis=-1)

    h = 1e-6
    for axis in range(2):
        e = h * (np.arange(2) == axis)
        slope = (printed(*(x + e).T) - printed(*(x - e).T)) / (2 * h)
        assert np.abs(slope - TOY.gradients(x)[..., axis]).max() < 1e-6
    assert printed(*x.T).mean(axis=-1) == pytest.approx(TOY.value(x), rel=1e-12)
    assert TOY.gradients_at_star.tolist() == [[34.0, 16.0], [-34.0, -16.0]]
    assert TOY.gap(TOY.x_star) == 0 < TOY.gap(x).min()


def test_nothing_is_promised_and_nothing_exact_is_claimed():
    for method in (ct.DIANA(ct.TernGrad(), GAMMA), ct.DCGD(ct.TernGrad(), GAMMA), ct.EF21(ct.TopK(1), GAMMA)):
        with pytest.raises(NoGuarantee, match="must be smooth"):
            ct.guarantee(method, TOY)
    with pytest.raises(NoGuarantee, match="give a step size"):
        ct.simulate(ct.MARINA(ct.RandK(1)), TOY, 2, 2)
    with pytest.raises(Unsupported, match="not quadratic"):
        ct.exact(ct.DIANA(ct.RandK(1), GAMMA), TOY, 3)
