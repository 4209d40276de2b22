"""Tight rates: the published table, exact rational instances, brackets, certificates that can fail."""

from dataclasses import replace
from fractions import Fraction as F

import numpy as np
import pytest
import sympy

import compth as ct
from compth.errors import InvalidParameter
from compth.problems import random_quadratic
from compth.worst_case import closed, tight_rate
from compth.worst_case.families import FAMILIES, Setting
from compth.worst_case.lmi import certify

TABLE = [  # L = 1: kappa, epsilon, step, EF's rho, CGD's rho; read in 2506.05271's code, here to 1e-8
    (10, 0.10, 0.944534, 0.82409455, 0.81221940),
    (10, 0.25, 0.606061, 0.88480829, 0.87513007),
    (10, 0.50, 0.311951, 0.93936820, 0.93366658),
    (10, 0.75, 0.130540, 0.97421874, 0.97168928),
    (2, 0.25, 0.444444, 0.63255561, 0.51020408),
    (100, 0.25, 0.660066, 0.98687117, 0.98675511),
]


@pytest.mark.parametrize(("kappa", "epsilon", "step", "ef", "cgd"), TABLE)
def test_the_table(kappa, epsilon, step, ef, cgd):
    for name, rho in (("EF", ef), ("EF21", ef), ("CGD", cgd)):
        found = tight_rate(name, mu=1 / kappa, L=1.0, delta=1 - epsilon)
        assert found.rho == pytest.approx(rho, abs=1e-8)
        assert found.attained == pytest.approx(rho, abs=1e-8)
        assert found.tight
        assert found.certificate.recheck()
        assert found.certified >= found.attained * (1 - 1e-12)
        if name != "CGD":
            assert found.stepsize == pytest.approx(step, abs=1e-6)


INSTANCES = [
    (5, F(1, 8), F(9, 16)),
    (F(7, 2), F(1, 4), F(9, 16)),
    (4, F(1, 7), F(25, 49)),
    (9, F(4, 11), F(100, 121)),
]


@pytest.mark.parametrize("name", ["EF", "EF21"])
@pytest.mark.parametrize(("kappa", "s", "rho"), INSTANCES)
def test_rational_instances_are_exact_and_certified_at_the_rate_itself(name, kappa, s, rho):
    found = tight_rate(name, mu=1, L=kappa, delta=1 - s * s)
    assert found.rho == rho
    assert found.certificate.rho == rho
    assert found.certificate.recheck()
    lower = replace(found.certificate, rho=rho - F(1, 10**9))
    assert not lower.recheck()


DIANA = [(3, 1, 1, F(3, 4)), (3, 1, 4, F(5, 8)), (3, 2, 4, F(3, 4)), (3, 5, 4, F(7, 8)), (7, 5, 8, F(7, 8)),
         (2, 2, 2, F(7, 9)), (5, 2, 4, F(7, 9)), (3, 8, 4, F(11, 12))]  # fmt: skip


@pytest.mark.parametrize(("kappa", "omega", "n", "rho"), DIANA)
def test_diana_rational_instances(kappa, omega, n, rho):
    found = tight_rate("DIANA", mu=F(1), L=F(kappa), omega=F(omega), n=n)
    assert found.rho == rho
    assert found.certificate.rho == rho
    assert found.certificate.recheck()
    assert found.attained == pytest.approx(float(rho), rel=1e-9)
    assert found.tight


@pytest.mark.parametrize(
    ("kappa", "omega", "n", "rho"),
    [(2, 1, 1, 0.724533), (2, 1, 10, 0.551029), (10, 1, 1, 0.861323), (10, 1, 10, 0.728724), (10, 9, 10, 0.925970),
     (100, 9, 10, 0.981380)],
)  # fmt: skip
def test_diana_table(kappa, omega, n, rho):
    found = tight_rate("DIANA", mu=1 / kappa, L=1.0, omega=omega, n=n)
    assert found.rho == pytest.approx(rho, abs=1e-6)
    assert found.attained == pytest.approx(rho, abs=1e-6)
    assert found.tight


def test_diana_beats_its_printed_theorem():
    method = ct.DIANA(ct.RandK(1))
    problem = random_quadratic(4, 2, 10, seed=1, hessians=0)
    printed = ct.guarantee(method, problem, "diana.unified").rho
    ours = tight_rate("DIANA", mu=problem.mu_min, L=problem.L_max, omega=1, n=4)
    assert float(ours.rho) < printed


@pytest.mark.parametrize(("omega", "n"), [(1, 1), (4, 1), (3, 5), (F(1, 2), 2)])
def test_dcgd_is_closed_form_and_agrees_with_published_values(omega, n):
    found = tight_rate("DCGD", mu=F(1, 10), L=F(1), omega=omega, n=n)
    want = 1 - 4 * F(1, 10) / ((1 + F(omega) / n) * F(11, 10) ** 2)
    assert found.rho == want
    assert found.certificate.rho == want
    assert found.tight
    published = {(1, 1): 0.834710758, (4, 1): 0.933884299}
    if (omega, n) in published:
        assert float(found.rho) == pytest.approx(published[omega, n], abs=5e-8)


@pytest.mark.parametrize("factor", [0.95, 1.05])
@pytest.mark.parametrize("name", ["EF", "EF21", "CGD"])
def test_other_steps_are_bracketed(name, factor):
    best = tight_rate(name, mu=0.1, L=1.0, delta=0.75)
    other = tight_rate(name, mu=0.1, L=1.0, delta=0.75, gamma=factor * best.stepsize)
    assert not other.closed
    assert other.attained <= other.certified
    if name != "CGD" or factor < 1:
        assert other.certified - other.attained < 1e-6
    assert other.attained > best.attained


def test_known_cells_at_other_steps():
    best = tight_rate("EF", mu=0.1, L=1.0, delta=0.75).stepsize
    values = [tight_rate("EF", mu=0.1, L=1.0, delta=0.75, gamma=f * best).attained for f in (0.95, 1, 1.05)]
    assert values == pytest.approx([0.8903, 0.8848, 0.9409], abs=5e-5)


@pytest.mark.parametrize("name", ["CGD", "EF", "EF21"])
def test_the_worst_case_instance_is_simulated_at_its_rate(name):
    found = tight_rate(name, mu=0.1, L=1.0, delta=0.75)
    worst = found.worst_case
    trace = ct.simulate(worst.method, worst.problem, 200, 1, x0=np.ones(1))
    # the two eigenvalues of EF and EF21 have equal modulus somewhere: compare over many rounds
    seen = (trace.mean_square[200] / trace.mean_square[100]) ** (1 / 100)
    assert seen == pytest.approx(found.attained, rel=2e-2 if name != "CGD" else 1e-9)


def test_n_does_not_matter_for_error_feedback():
    one, many = (tight_rate("EF21", mu=1, L=5, delta=F(63, 64), n=n) for n in (1, 7))
    assert one.rho == many.rho
    assert not one.notes
    assert "cited" in many.notes[0]


def test_closed_forms_take_symbols():
    mu, L, s = sympy.symbols("mu L s", positive=True)
    r = closed.ef_root(mu, L, 1 - s**2)
    assert sympy.simplify(r**2 - (1 - s) * (L - mu) / (L + mu) * r - s) == 0
    assert sympy.simplify(closed.cgd_rate(mu, L, 1)) == sympy.simplify(closed.gd_rate(mu, L))
    n, omega = sympy.symbols("n omega", positive=True)
    a = closed.diana_alpha(mu, L, omega, n)
    noise = closed.diana_noise(omega, n, a)
    numbers = {mu: F(1, 3), L: 2, n: 4, omega: F(5, 2)}
    balanced = (closed.condition(mu, L) / (1 + noise) - a).subs(numbers)
    assert abs(float(balanced)) < 1e-12


def test_false_certificates_are_refused():
    found = tight_rate("EF", mu=1, L=5, delta=F(63, 64)).certificate
    for k in range(len(found.values)):
        for shift in (F(1, 10), -F(1, 10)):
            values = list(found.values)
            values[k] += shift
            assert not replace(found, values=tuple(values)).recheck()
    negative = list(found.values)
    negative[-1] = -negative[-1]
    assert not replace(found, values=tuple(negative)).recheck()
    assert not replace(found, names=found.names[::-1]).recheck()
    assert not replace(found, setting={**found.setting, "delta": "1/2"}).recheck()


@pytest.mark.parametrize("name", ["EF", "EF21", "CGD", "DCGD", "DIANA"])
def test_rates_below_the_tight_one_are_never_certified(name):
    constants = {"delta": F(3, 4)} if name in ("EF", "EF21", "CGD") else {"omega": F(2)}
    found = tight_rate(name, mu=F(1, 10), L=F(1), n=1, **constants)
    values = {"delta": None, "omega": None, "alpha": None, **constants}
    alpha = None if found.alpha is None else F(found.alpha).limit_denominator(10**9)
    setting = Setting(
        F(1, 10), F(1), 1, F(found.stepsize).limit_denominator(10**9), values["delta"], values["omega"], alpha
    )
    for gap in (F(1, 10**5), F(1, 10**3)):
        rho = F(float(found.attained)).limit_denominator(10**12) - gap
        assert certify(FAMILIES[name].builder(setting), rho) is None


def test_diana_is_never_exceeded_on_random_heterogeneous_quadratics():
    """V+ of exact dynamics: the exact rate of every problem stays below the certified one."""
    omega, n = 2, 3
    for seed in range(60):
        problem = random_quadratic(n, 3, 5, seed=seed)
        found = tight_rate("DIANA", mu=problem.mu_min, L=problem.L_max, omega=omega, n=n)
        method = ct.DIANA(ct.RandK(1), float(found.stepsize), alpha=float(found.alpha))
        assert ct.exact_rate(method, problem).rho_noise <= found.certified * (1 + 1e-9)


@pytest.mark.parametrize(
    ("call", "rule"),
    [
        (lambda: tight_rate("SGD", mu=1, L=2, delta=1), "choose one of"),
        (lambda: tight_rate("EF", mu=2, L=1, delta=1), "0 < mu <= L"),
        (lambda: tight_rate("EF", mu=1, L=2, omega=1), "pass delta="),
        (lambda: tight_rate("DIANA", mu=1, L=2, delta=1), "pass omega="),
        (lambda: tight_rate("EF", mu=1, L=2, delta=0), "0 < delta <= 1"),
        (lambda: tight_rate("DCGD", mu=1, L=2, omega=-1), "0 <= omega"),
        (lambda: tight_rate("EF", mu=1, L=2, delta=1, n=0), "integer >= 1"),
        (lambda: tight_rate("EF", mu=1, L=2, delta=1, gamma=-1), "step size"),
        (lambda: tight_rate("DIANA", mu=1, L=2, omega=1, alpha=0.5), "alpha"),
    ],
)
def test_refusals(call, rule):
    with pytest.raises(InvalidParameter, match=rule):
        call()


@pytest.mark.optional
@pytest.mark.parametrize(("kappa", "delta"), [(10, 0.99), (5, 0.75), (2, 0.5)])
def test_pepit_agrees(kappa, delta):
    examples = pytest.importorskip(
        "PEPit.examples.unconstrained_convex_minimization.inexact_gradient_descent"
    )
    value, _ = examples.wc_inexact_gradient_descent(
        L=1, mu=1 / kappa, epsilon=float(np.sqrt(1 - delta)), n=1, verbose=0
    )
    assert tight_rate("CGD", mu=1 / kappa, L=1.0, delta=delta).rho == pytest.approx(value, rel=1e-5)
