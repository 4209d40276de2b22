"""The form that is read off a body, coefficient by coefficient in Fractions, against the forms written by hand."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction as F

import numpy as np
import pytest

import compth as ct
from compth.compressors import MomentMap
from compth.dynamics import traced
from compth.dynamics.forms import Sketches
from compth.dynamics.normal import NotNormal, exact_program, scheme_of
from compth.errors import Unsupported
from compth.methods.core.centre import centre_of
from tests.dynamics import hand_forms
from tests.methods import bodies
from tests.methods.bodies import made

GAMMA = F(1, 7)
HAND = [
    ("Compressed", hand_forms.dcgd_scheme, {}, {}, True),
    ("Shifted", hand_forms.diana_scheme, {"alpha": F(2, 9)}, {}, True),
    ("Feedback", hand_forms.ef_scheme, {}, {}, True),
    ("Learned", hand_forms.ef21_scheme, {}, {}, False),
    (
        "BiasVariance",
        hand_forms.ef_bv_scheme,
        {"lam": F(2, 9), "nu": F(3, 5)},
        {"lambda": F(2, 9), "nu": F(3, 5)},
        True,
    ),
    ("Marina", hand_forms.marina_scheme, {"p": F(1, 4)}, {}, False),
    (
        "Extrapolated",
        hand_forms.iasgd_scheme,
        {"mix": F(1, 3), "beta": F(1, 5), "momentum": F(2, 3)},
        {},
        True,
    ),
]


def read(name, params, sketches, downlink=False):
    method = getattr(bodies, name)(gamma=1.0, downlink=ct.RandK(1) if downlink else ct.Identity())
    program = exact_program(method, GAMMA, params, 3, 4)
    return scheme_of(program, centre_of(program), sketches)


@pytest.mark.parametrize(("name", "hand", "params", "theirs", "downlink"), HAND, ids=[h[0] for h in HAND])
@pytest.mark.parametrize("delta", [F(1), F(1, 3)])
@pytest.mark.parametrize("cross", [None, MomentMap(a=1)])
def test_a_body_reads_as_the_hand_written_form(name, hand, params, theirs, downlink, delta, cross):
    sketches = Sketches(delta, (MomentMap(c=1),), cross)
    want = hand(GAMMA, theirs or params, sketches)
    assert replace(read(name, params, sketches), down=None) == replace(want, down=None)
    if downlink:
        assert read(name, params, sketches, downlink=True) == want


@pytest.mark.parametrize(
    ("name", "params", "says"),
    [
        ("Control", {"eta": F(1, 4)}, "2 memories"),
        ("Twice", {}, "2 compressions"),
        ("Half", {"alpha": F(1, 4)}, "holds the mean Hessian"),
        ("Slow", {"alpha": F(1, 4), "beta": F(1, 8)}, "no combination of itself"),
    ],
)
def test_other_bodies_say_why_they_have_no_such_form(name, params, says):
    with pytest.raises(NotNormal, match=says):
        read(name, params, Sketches(F(1, 2), ()))
    assert traced.fits(made(name, ct.RandK(1)))


def test_both_operators_agree_where_both_apply():
    """The fast operator of the normal form and the general one, on the same body."""
    problem = ct.problems.random_quadratic(3, 4, 8, seed=0)
    data = problem_data(problem)
    for name in ("Shifted", "DianaMomentum", "Reference", "Marina"):
        method = made(name, ct.RandK(2), 0.2)
        params = method.default_params(None)
        assert not traced.fits(method)
        general = traced.system_of(method, data, 0.2, params)
        state, curve = general.begin(problem.start), []
        for _ in range(20):
            curve.append(general.quantities(state)[0])
            state = general(state)
        assert ct.exact(method, problem, 19).mean_square == pytest.approx(np.array(curve), rel=1e-11)


def problem_data(problem):
    from compth.dynamics.system import data_of

    return data_of(problem)


def test_a_body_has_rational_dynamics():
    problem = ct.problems.random_quadratic(2, 2, 4, seed=0)
    method = made("DianaMomentum", ct.RandK(1), 0.25)
    run = ct.exact(method, problem, 3, rational=True).mean_square
    assert all(isinstance(v, F) for v in run)
    assert [float(v) for v in run] == pytest.approx(ct.exact(method, problem, 3).mean_square, rel=1e-12)
    low, high = ct.exact_rate(method, problem, rational=True).bracket
    assert isinstance(high, F)
    assert low <= ct.exact_rate(method, problem).rho_noise <= high
    with pytest.raises(Unsupported, match="floating point"):
        ct.exact_rate(made("Control", ct.RandK(1)), problem, rational=True)


def test_where_a_body_rests_must_not_hang_on_parameters():
    @ct.method
    def Weighted(w, x, h: ct.Worker, *, gamma, alpha):
        """Its memory rests at alpha times the gradient."""
        c = w.compress(alpha * w.gradient(x) - h)
        return dict(x=x - gamma * w.mean(h + c), h=h + c / 4)

    problem = ct.problems.random_quadratic(2, 2, 4, seed=0)
    method = Weighted(ct.RandK(1), gamma=0.25, alpha=0.5)
    assert traced.fits(method)
    plain = made("Shifted", ct.RandK(1), 0.125)  # h/alpha is DIANA's memory
    assert ct.exact(method, problem, 9).mean_square == pytest.approx(
        ct.exact(plain, problem, 9).mean_square, rel=1e-11
    )


def test_a_singular_hessian_is_refused_where_iterates_are_compressed():
    a = np.zeros((2, 3, 3))
    a[:, 0, 0], a[:, 1, 1] = 1.0, [0.5, 2.0]
    problem = ct.problems.distributed_quadratic(a, np.zeros((2, 3)))
    plain = made("Shifted", ct.RandK(1), 0.2)
    assert ct.exact_rate(plain, problem).rho == pytest.approx(
        ct.exact_rate(ct.DIANA(ct.RandK(1), gamma=0.2, alpha=0.25), problem).rho, abs=1e-10
    )

    @ct.method
    def Iterate(w, x, v: ct.Server = ct.copy_of_start, *, gamma):
        return dict(x=x - gamma * w.mean(w.compress(w.gradient(x) + x - v)), v=(v + x) / 2)

    with pytest.raises(Unsupported, match="singular"):
        ct.exact_rate(Iterate(ct.RandK(1), gamma=0.2), problem)


@ct.method
def Uncompressed(w, x, *, gamma):
    """Gradient descent that was given compressors."""
    return dict(x=x - gamma * w.mean(w.gradient(x)))


def test_a_gradient_sent_in_full_has_the_form_where_compressors_send_everything():
    problem = ct.problems.random_quadratic(3, 4, 8, seed=0)
    want = ct.exact(ct.GD(gamma=0.2), problem, 20).mean_square
    distance = [np.sum((problem.start - problem.x_star) ** 2)]
    x = problem.start[None]
    for _ in range(20):
        x = x - 0.2 * problem.gradient(x)
        distance.append(problem.distance_squared(x)[0])
    assert want == pytest.approx(np.array(distance), rel=1e-11)
    plain, lossy = Uncompressed(ct.Identity(), gamma=0.2), Uncompressed(ct.RandK(1), gamma=0.2)
    assert not traced.fits(ct.GD(gamma=0.2))
    assert not traced.fits(plain)
    assert traced.fits(lossy)  # its compressors' noise must not enter
    for method in (plain, lossy):
        assert ct.exact(method, problem, 20).mean_square == pytest.approx(want, rel=1e-11)
