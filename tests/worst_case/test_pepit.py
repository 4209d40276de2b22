"""PEPit's values, to solver accuracy, over a grid of (kappa, delta, n): an independent road to the same LMIs."""

import pytest

from benchmarks import pepit_peers
from benchmarks.bench_worst_case import least
from compth.methods.core import closed_forms as forms

pytestmark = [
    pytest.mark.optional,
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore"),  # PEPit's and cvxpy's own
]
GRID = [(kappa, eps) for kappa in (2.0, 10.0, 50.0) for eps in (0.1, 0.25, 0.5)]


@pytest.fixture(autouse=True)
def pepit():
    pytest.importorskip("PEPit")


@pytest.mark.parametrize(("kappa", "eps"), GRID)
def test_contractive_methods(kappa, eps):
    mu, delta = 1 / kappa, 1 - eps
    for n in (1, 2):
        gamma = forms.feedback_step(mu, 1.0, 1 - eps)
        here = least("EF21", gamma, mu, "s*gbar**2 + (g - d)**2", delta=delta, n=n)
        assert pepit_peers.ef21(mu, 1.0, 1 - eps, gamma, n) == pytest.approx(here.margin, abs=2e-6)
    gamma = forms.cgd_step(mu, 1.0, 1 - eps)
    here = least("CGD", gamma, mu, "gap", delta=delta)
    assert pepit_peers.cgd(mu, 1.0, 1 - eps, gamma) == pytest.approx(here.margin, abs=2e-6)
    # away from the best step too, and a wrong value is told apart
    slow = least("CGD", 0.9 * gamma, mu, "gap", delta=delta)
    assert pepit_peers.cgd(mu, 1.0, 1 - eps, 0.9 * gamma) == pytest.approx(slow.margin, abs=2e-6)
    assert slow.margin - here.margin > 1e-4


@pytest.mark.parametrize(("omega", "value"), [(1, 0.834710758), (4, 0.933884299)])
def test_printed_examples(omega, value):
    step = forms.dcgd_step(0.1, 1.0, omega, 1)
    assert pepit_peers.dcgd(0.1, 1.0, omega, step) == pytest.approx(value, abs=1e-6)
    here = least("DCGD", step, 0.1, "x**2", omega=omega)
    assert here.margin == pytest.approx(value, abs=1e-6)
    # inexact gradients of relative error 0.1 are a contractive compressor with 1 - delta = 0.01
    assert forms.cgd_factor(0.1, 1, 0.99) == pytest.approx(0.720358806, abs=1e-6)
