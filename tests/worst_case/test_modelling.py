"""One's own LMIs: the front reproduces the built-in methods, and cvxpy agrees with the direct solver."""

from fractions import Fraction as F

import pytest

from compth.errors import InvalidParameter
from compth.methods.core import closed_forms as forms
from compth.worst_case.bodies import asked_for, question
from compth.worst_case.modelling import Analysis, cvxpy_margin
from compth.worst_case.solver import Pencil


def error_feedback(gamma):
    a = Analysis(mu=F(1, 10), L=1)
    x, e, g = a.vectors("x", "e", "g")
    a.gradient(x, g)
    u = e + gamma * g
    c = a.contractive(u, delta=F(3, 4))
    a.state(x=(x, x - c), e=(e, u - c))
    return a


def test_error_feedback_in_six_lines():
    rho = forms.feedback_factor(F(1, 10), 1, F(3, 4))
    a = error_feedback(forms.feedback_step(F(1, 10), 1, F(3, 4)))
    found = a.least_rate(float(rho) - 1e-3)
    assert found.check()
    assert float(rho) - 1e-12 <= found.rho < float(rho) + 1e-6
    assert a.prove(rho - 1e-4) is None


def test_unbiased_steps():
    a = Analysis(mu=F(1, 10), L=1)
    x, g = a.vectors("x", "g")
    a.gradient(x, g)
    a.state(x=(x, x - forms.dcgd_step(F(1, 10), 1, 4, 1) * a.unbiased(g, omega=4)))
    rho = forms.dcgd_factor(F(1, 10), 1, 4, 1)
    assert a.prove(rho + F(1, 10**6)).check()
    assert a.prove(rho - F(1, 10**6)) is None


def test_diana_by_the_front_is_the_built_in_one():
    plan = forms.diana_plan(F(1, 3), 1, 1, 1)
    a = Analysis(mu=F(1, 3), L=1)
    z, e, g = a.vectors("z", "e", "g")
    a.gradient(z, g)
    m = a.unbiased(g - e, omega=1)
    a.state(z=(z, z - plan.gamma * (e + m)), e=(e, e + plan.alpha * m))
    assert a.prove(plan.rho + F(1, 10**7)).check()
    assert a.prove(plan.rho - F(1, 10**6)) is None


@pytest.mark.parametrize("rho", [0.87, 0.9, 0.95])
def test_cvxpy_agrees_with_the_direct_solver(rho):
    mu = F(1, 10)
    models = [
        error_feedback(F(3, 5)).model(),
        question(asked_for("EF21"), mu, 1, F(3, 4), None, None, 3).model(F(3, 5), {}),
        question(asked_for("MARINA"), mu, 1, None, 1, None, 3).model(F(3, 10), {"p": F(1, 2)}),
    ]
    for model in models:
        assert cvxpy_margin(model, rho) == pytest.approx(Pencil(model).largest_margin(rho).margin, abs=1e-6)


def test_misuse_is_said():
    a = Analysis(mu=0.1, L=1)
    x, g = a.vectors("x", "g")
    with pytest.raises(InvalidParameter, match="already"):
        a.vectors("x")
    with pytest.raises(InvalidParameter, match="state"):
        a.model()
    with pytest.raises(InvalidParameter, match="must be the vector"):
        a.state(x=(g, x))
    with pytest.raises(InvalidParameter, match="delta="):
        a.contractive(g, delta=0)
    with pytest.raises(InvalidParameter, match="compressed again"):
        a.unbiased(a.unbiased(g, omega=1), omega=1)
