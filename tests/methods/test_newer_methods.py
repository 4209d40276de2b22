"""The field's newer methods: identities of their papers, theorems on extremal and random quadratics, spoiled ones."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

import compth as ct
from compth.errors import NoGuarantee
from compth.problems import distributed_quadratic, random_quadratic

from .grid import Spoiled

HALF = Fraction(1, 2)
ONE, MASK = ct.RandK(1), ct.Scaled(ct.RandK(1))
SPREAD = random_quadratic(2, 3, 6, seed=5, minimisers=1.0)


def curve(method, problem=SPREAD, steps=12):
    """E||x_t - x*||^2."""
    return ct.exact(method, problem, steps).mean_square


def same(a, b):
    """Equal curves, relative to their size."""
    np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-12 * np.abs(b).max())


# -- identities ------------------------------------------------------------------------------------------------------


def test_econtrol_without_feedback_is_ef21():
    """EF21 moves before it learns: its curve is EControl's, a round later."""
    same(curve(ct.EControl(MASK, 0.1, eta=0), steps=11), curve(ct.EF21(MASK, 0.1))[1:])


def test_ef21_sgdm_that_forgets_at_once_is_ef21():
    same(curve(ct.EF21SGDM(MASK, 0.1, eta=1)), curve(ct.EF21(MASK, 0.1)))


def test_ef21_sgdm_that_forgets_at_once_is_ef21_with_drawn_gradients_too():
    noisy = ct.problems.additive_noise(random_quadratic(2, 2, 4, seed=1), 2)
    one = ct.Minibatch(1)
    found = [
        curve(k, noisy) for k in (ct.EF21SGDM(MASK, 0.1, eta=1, oracle=one), ct.EF21(MASK, 0.1, oracle=one))
    ]
    same(*found)


def test_diana_without_momentum_is_diana():
    same(curve(ct.DIANAMomentum(ONE, 0.1, alpha=HALF / 2, beta=0)), curve(ct.DIANA(ONE, 0.1, alpha=HALF / 2)))


def test_dasha_of_exact_messages_is_gradient_descent():
    same(curve(ct.DASHA(ct.Identity(), 0.3)), curve(ct.GD(gamma=0.3)))


def test_econtrol_of_exact_messages_is_gradient_descent():
    same(curve(ct.EControl(ct.Identity(), 0.3, eta=HALF)), curve(ct.GD(gamma=0.3)))


def test_rand_diana_of_exact_messages_is_gradient_descent():
    same(curve(ct.RandDIANA(ct.Identity(), 0.3, p=HALF)), curve(ct.GD(gamma=0.3)))


# -- theorems --------------------------------------------------------------------------------------------------------

COIN, KEPT = ct.Bernoulli(HALF), ct.Scaled(ct.Bernoulli(HALF))
THEOREMS = {
    "econtrol.pl": [ct.EControl(KEPT), ct.EControl(KEPT, eta=Fraction(1, 10))],
    "ef21sgdm.pl": [ct.EF21SGDM(KEPT), ct.EF21SGDM(KEPT, eta=1)],
    "randdiana.linear": [ct.RandDIANA(COIN), ct.RandDIANA(COIN, p=Fraction(1, 4))],
    "dasha.pl": [ct.DASHA(COIN)],
    "dasha.nonconvex": [ct.DASHA(COIN)],
}
"""What is held against settings in turn."""
STEPS = 10


def settings(count):
    """Extremal quadratics first (one curvature, both ends, opposed minimisers and Hessians), then random ones."""
    for low in (1.0, 0.3, 0.01):
        yield distributed_quadratic(np.array([[[low]]]), np.array([[low]]))
        yield distributed_quadratic(np.array([np.diag([low, 1.0])] * 2), np.array([[1.0, 0.0], [-1.0, low]]))
        yield distributed_quadratic(np.array([[[low]], [[2 - low]]]), np.array([[1.0], [-1.0]]))
    rng = np.random.default_rng(0)
    for s in range(count - 9):
        n, d = 1 + s % 3, 2 if s % 10 == 0 else 1
        if d == 2:
            yield random_quadratic(n, d, (1.5, 10.0, 100.0)[s % 3], seed=s, hessians=0.8, minimisers=1.0)
        else:
            yield distributed_quadratic(
                rng.uniform(0.02, 1, (n, 1, 1)), rng.standard_normal((n, 1)) * (s % 5 > 0)
            )


def excess(method, theorem, problem):
    """max over t of metric/bound - 1 on exact curves; None where the theorem does not speak."""
    try:
        promised = ct.methods.find_guarantee(method, problem, theorem, horizon=STEPS)
    except NoGuarantee:
        return None
    seen = promised.theorem.trajectory(ct.exact(method, problem, STEPS, theorem=promised.theorem))
    bound = np.array([promised.rate.bound(t) for t in range(STEPS + 1)])
    use = ~np.isnan(seen) & np.isfinite(bound)
    return float(np.max(seen[use] / (bound[use] + 1e-14 * promised.rate.start))) - 1


def excesses(name, theorem, count):
    methods = THEOREMS[name]
    found = (excess(methods[k % len(methods)], theorem, q) for k, q in enumerate(settings(count)))
    return (v for v in found if v is not None)


@pytest.mark.slow
@pytest.mark.parametrize("name", THEOREMS)
def test_no_bound_is_violated_and_a_spoiled_one_is(name):
    theorem = ct.methods.theorems()[name]
    held = list(excesses(name, theorem, 105))
    assert len(held) >= 100
    assert max(held) <= 1e-9
    spoil = {"pace": 8.0} if name.endswith("nonconvex") else {"rate": 8.0}
    assert any(v > 1e-6 for v in excesses(name, Spoiled(theorem, **spoil), 105))
