"""Tight rates: the published table, exact rational instances, attained = certified, and certificates that can fail."""

from dataclasses import replace
from fractions import Fraction as F
from itertools import pairwise

import numpy as np
import pytest

import compth as ct
from compth.errors import InvalidParameter, Unsupported
from compth.methods.core import closed_forms as forms
from compth.worst_case.exact_algebra import determinant, is_psd
from compth.worst_case.rational import certificate_at

TABLE = [
    (10, 0.10, 0.944534, 0.82409455, 0.81221940),
    (10, 0.25, 0.606061, 0.88480829, 0.87513007),
    (10, 0.50, 0.311951, 0.93936820, 0.93366658),
    (10, 0.75, 0.130540, 0.97421874, 0.97168928),
    (2, 0.25, 0.444444, 0.63255561, 0.51020408),
    (100, 0.25, 0.660066, 0.98687117, 0.98675511),
]
RATIONAL = [
    (5, F(1, 8), F(9, 16)),
    (F(7, 2), F(1, 4), F(9, 16)),
    (4, F(1, 7), F(25, 49)),
    (9, F(4, 11), F(100, 121)),
]
DIANA_RATIONAL = [
    (3, 1, 1, F(3, 4)), (3, 1, 4, F(5, 8)), (3, 2, 4, F(3, 4)), (3, 5, 4, F(7, 8)),
    (7, 5, 8, F(7, 8)), (2, 2, 2, F(7, 9)), (5, 2, 4, F(7, 9)), (3, 8, 4, F(11, 12)),
]  # fmt: skip
DIANA_TABLE = [
    (2, 1, 1, 0.724533, 0.413, 0.275), (2, 1, 10, 0.551029, 0.673, 0.449), (10, 1, 1, 0.861323, 0.763, 0.139),
    (10, 1, 10, 0.728724, 1.492, 0.271), (10, 9, 10, 0.925970, 0.407, 0.074), (100, 9, 10, 0.981380, 0.940, 0.019),
]  # fmt: skip


@pytest.mark.parametrize(("kappa", "eps", "step", "rho", "cgd"), TABLE)
def test_the_table(kappa, eps, step, rho, cgd):
    constants = {"mu": 1 / kappa, "L": 1, "delta": 1 - eps}
    for method, n in (("EF", 1), ("EF21", 1), ("EF21", 3)):
        found = ct.tight_rate(method, **constants, n=n)
        assert found.rho == pytest.approx(rho, abs=1e-8)
        assert found.stepsize == pytest.approx(step, abs=1e-6)
        assert found.attained == pytest.approx(rho, abs=1e-8)
        assert found.attained - 1e-14 <= found.certified < rho + 1e-6
        assert found.tight
        assert found.certificate.check()
    plain = ct.tight_rate("CGD", **constants)
    assert plain.rho == pytest.approx(cgd, abs=1e-8)
    assert plain.tight
    assert plain.rho < rho


@pytest.mark.parametrize(("kappa", "s", "rho"), RATIONAL)
@pytest.mark.parametrize("method", ["EF", "EF21"])
@pytest.mark.parametrize("n", [1, 2, 3, 5])
def test_rational_instances_are_proved_exactly(kappa, s, rho, method, n):
    found = ct.tight_rate(method, mu=1 / F(kappa), L=1, delta=1 - s * s, n=n)
    assert isinstance(found.rho, F)
    assert found.rho == rho == found.certificate.rho
    assert found.certificate.check()
    assert not replace(found.certificate, rho=rho - F(1, 10**6)).check()
    assert certificate_at(found.certificate.model, rho - F(1, 10**6)) is None


def test_multipliers_of_ef21_at_s_a_quarter():
    # as printed for L = 1, K = 5/9: 45/112 on each normalised interpolation inequality, 1 on compression
    certificate = ct.tight_rate("EF21", mu=F(2, 7), L=1, delta=F(15, 16)).certificate
    for pair in ("f(x) >= f(x+)", "f(x+) >= f(x)"):
        assert certificate.multipliers[pair] * 2 * (1 - F(2, 7)) == F(45, 112)
    assert certificate.multipliers["compression"] == 1


def test_gradient_descent_and_cgd_have_exact_certificates():
    plain = ct.tight_rate("CGD", mu=F(1, 5), L=1, delta=F(63, 64))
    assert plain.rho == F(361, 676) == plain.certificate.rho
    assert not replace(plain.certificate, rho=plain.rho - F(1, 10**6)).check()
    descent = ct.tight_rate("EF21", mu=F(1, 10), L=1, delta=1, n=2)
    assert descent.rho == F(81, 121) == descent.certificate.rho


@pytest.mark.parametrize(("kappa", "omega", "n", "rho"), DIANA_RATIONAL)
def test_diana_rational_instances(kappa, omega, n, rho):
    found = ct.tight_rate("DIANA", mu=F(1, kappa), L=1, omega=omega, n=n)
    assert found.rho == rho == found.certificate.rho
    assert found.certificate.check()
    assert found.attained == pytest.approx(float(rho), abs=1e-12)


@pytest.mark.parametrize(("kappa", "omega", "n", "rho", "gamma", "alpha"), DIANA_TABLE)
def test_diana_table(kappa, omega, n, rho, gamma, alpha):
    found = ct.tight_rate("DIANA", mu=1 / kappa, L=1, omega=omega, n=n)
    assert found.rho == pytest.approx(rho, abs=1e-6)
    assert found.stepsize == pytest.approx(gamma, abs=6e-4)
    assert found.params["alpha"] == pytest.approx(alpha, abs=6e-4)
    assert found.tight


def test_the_best_diana_parameters_cannot_be_moved():
    constants = {"mu": 0.1, "L": 1, "omega": 9, "n": 10}
    best = ct.tight_rate("DIANA", **constants)
    gamma, alpha = best.stepsize, best.params["alpha"]
    for scale in (0.9, 0.97, 1.03, 1.1):
        for g, a in ((scale * gamma, alpha), (gamma, scale * alpha)):
            assert ct.tight_rate("DIANA", **constants, gamma=g, alpha=a).certified > best.certified
            assert forms.diana_factor(0.1, 1, 9, 10, g, a) >= best.rho


def test_dcgd_is_randomised_coordinate_descent_at_one_worker():
    for d, value in ((2, 0.834710758), (5, 0.933884299)):
        found = ct.tight_rate("DCGD", mu=0.1, L=1, omega=d - 1)
        assert found.rho == pytest.approx(value, abs=2e-8)
        assert found.rho == pytest.approx(float(forms.dcgd_factor(F(1, 10), 1, d - 1, 1)), abs=1e-12)
        assert found.tight


@pytest.mark.parametrize(("scale", "rho"), [(0.95, 0.8903), (1.0, 0.8848), (1.05, 0.9409)])
def test_other_steps_are_attained(scale, rho):
    gamma = scale * forms.feedback_step(0.1, 1, 0.75)
    for method, n in (("EF", 1), ("EF21", 1), ("EF21", 4)):
        found = ct.tight_rate(method, mu=0.1, L=1, delta=0.75, gamma=gamma, n=n)
        assert found.attained == pytest.approx(rho, abs=6e-5)
        assert found.tight


@pytest.mark.parametrize("method", ["EF", "EF21", "CGD", "DCGD", "DIANA", "MARINA"])
def test_the_worst_case_runs_at_the_attained_rate(method):
    contractive = method in ("EF", "EF21", "CGD")
    constants = {"delta": 0.75} if contractive else {"omega": 1}
    found = ct.tight_rate(method, mu=0.25, L=1, n=1 if method == "CGD" else 3, gamma=0.3, **constants)
    case = found.worst_case
    assert found.attained <= found.certified
    rate = ct.exact_rate(case.method, case.problem)
    assert rate.rho == pytest.approx(found.attained, rel=1e-6)
    if contractive:
        run = case.simulate(steps=60)
        ratio = (run.mean_square[60] / run.mean_square[20]) ** (1 / 40)
        assert 0.97 * found.attained < ratio < 1.03 * found.attained


def test_marina_and_ef_bv_bracket():
    for method, extra in (("MARINA", {"p": 0.5}), ("EF-BV", {}), ("EF-BV", {"eta": 0.3})):
        found = ct.tight_rate(method, mu=0.1, L=1, omega=1, n=5, gamma=0.2, **extra)
        assert found.attained <= found.certified < 1
        assert found.certificate.check()
        if "eta" in extra:
            with pytest.raises(Unsupported, match="law="):
                found.worst_case.simulate()
        else:
            rate = ct.exact_rate(found.worst_case.method, found.worst_case.problem).rho
            assert rate == pytest.approx(found.attained, rel=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize("unit", [F(1, 100), 64])
def test_a_searched_step_does_not_depend_on_the_unit(unit):
    """The planted error: a step without a certificate counted as the better the larger L was, and was chosen."""
    found = ct.tight_rate("RandDIANA", mu=F(unit) / 434, L=unit, omega=F(29, 3), n=10, p=F(3, 32))
    alone = ct.tight_rate("RandDIANA", mu=F(1, 434), L=1, omega=F(29, 3), n=10, p=F(3, 32))
    assert found.certified == pytest.approx(alone.certified, rel=1e-6)
    assert float(found.stepsize) * unit == pytest.approx(float(alone.stepsize), rel=0.02)


@pytest.mark.slow
def test_steps_far_below_one_over_l_are_found():
    """EF21 with errors of 90 %: its certificates end below the first eight halvings of 1/L."""
    found = ct.tight_rate("EF21W", mu=F(1, 434), L=1, delta=F(1, 500), n=2)
    assert found.certified < 1
    assert found.stepsize < 1 / 256


def test_the_searched_step_is_no_worse_than_its_neighbours():
    best = ct.tight_rate("MARINA", mu=0.1, L=1, omega=1, n=5)
    for scale in (0.8, 1.25):
        other = ct.tight_rate("MARINA", mu=0.1, L=1, omega=1, n=5, gamma=scale * best.stepsize)
        assert other.certified is None or other.certified > best.certified


def test_a_spoiled_certificate_is_refused():
    good = ct.tight_rate("DIANA", mu=F(1, 3), L=1, omega=2, n=4).certificate
    assert good.check()
    assert not replace(good, multipliers={k: -x for k, x in good.multipliers.items()}).check()
    assert not replace(good, multipliers={}).check()
    assert not replace(good, v={**good.v, "P[h,h]": good.v["P[h,h]"] / 2}).check()
    assert not replace(good, v={**good.v, "P[x,x]": F(0)}).check()
    assert not replace(good, v={k: F(0) for k in good.v}).check()
    assert not replace(good, scale=F(0)).check()
    assert not replace(good, rho=float(good.rho)).check()
    # the same numbers prove nothing about another step
    other = ct.tight_rate("DIANA", mu=F(1, 3), L=1, omega=2, n=4, gamma=F(2), alpha=F(1, 4))
    assert other.certificate is None
    assert not other.tight
    assert not replace(
        good, model=ct.tight_rate("DIANA", mu=F(1, 4), L=1, omega=2, n=4).certificate.model
    ).check()


def test_exact_linear_algebra():
    assert is_psd([[1, 2], [2, 4]])
    assert not is_psd([[1, 2], [2, F(399, 100)]])
    assert not is_psd([[0, 1], [1, 5]])
    assert is_psd([[0, 0], [0, 0]])
    with pytest.raises(ValueError, match="symmetric"):
        is_psd([[1, 2], [3, 9]])
    assert determinant([[0, 2], [3, 1]]) == -6
    rng = np.random.default_rng(0)
    for _ in range(50):
        m = rng.integers(-3, 4, (4, 4))
        gram = (m @ m.T).tolist()
        assert is_psd(gram)
        assert float(determinant(m.tolist())) == pytest.approx(np.linalg.det(m), abs=1e-8)
        gram[2][2] -= int(gram[2][2]) + 1
        assert not is_psd(gram)


def test_two_classes_and_the_floor_of_dcgd():
    mu, L = F(1, 10), F(1)
    for excess in (F(1, 10), F(1, 2), F(3)):
        # class B is wider: its bound is never below class A's, and its stated step is the best one
        step = forms.convex_step(mu, L, excess)
        best = forms.convex_factor(mu, L, excess, step)
        assert best > forms.interpolation_factor(mu, L, excess, forms.interpolation_step(mu, L, excess))
        assert all(forms.convex_factor(mu, L, excess, step * v) > best for v in (F(9, 10), F(11, 10)))
    shifts = np.array([[1.0], [-1.0], [2.0], [-2.0]])
    problem = ct.problems.distributed_quadratic(np.ones((4, 1, 1)), shifts)
    gamma, omega = 0.1, 2.0
    floor = forms.dcgd_floor(1, 1, omega, 4, gamma, problem.zeta2_star)
    exact = ct.exact(ct.DCGD(ct.Bernoulli(p=1 / 3), gamma=gamma), problem, 400).mean_square
    assert 0.4 * floor < exact[-1] < floor
    factor = forms.dcgd_floor_factor(1, 1, gamma)
    assert all(b <= factor * a + (1 - factor) * floor for a, b in pairwise(exact))


def test_induced_compressors_lower_omega():
    induced = ct.tight_rate("DCGD", mu=0.1, L=1, omega=4, delta=0.25, n=2)
    assert induced.rho == ct.tight_rate("DCGD", mu=0.1, L=1, omega=3.0, n=2).rho


def test_degenerate_classes():
    found = ct.tight_rate("EF", mu=1, L=1, delta=F(3, 4))
    assert found.rho == pytest.approx(0.5)
    assert 0.5 <= found.certified < 0.51
    assert ct.tight_rate("DIANA", mu=F(1, 10), L=1, omega=0, n=2).rho == F(81, 121)


@pytest.mark.parametrize(
    ("method", "wrong"),
    [
        ("EF", {"delta": 0}), ("EF", {"delta": 1.5}), ("EF", {"omega": 1}), ("EF", {}), ("DIANA", {"omega": -1}),
        ("DCGD", {"omega": 1, "mu": 2}), ("DCGD", {"omega": 1, "n": 0}), ("XYZ", {"delta": 0.5}),
        ("EF", {"delta": 0.5, "gamma": -1}), ("DCGD", {"omega": 1, "eta": 0.1}), ("EF", {"delta": 0.5, "alpha": 0.1}),
        ("MARINA", {"omega": 1, "p": 1.5}),
    ],
)  # fmt: skip
def test_bad_constants_are_refused(method, wrong):
    with pytest.raises(InvalidParameter, match="="):
        ct.tight_rate(method, **{"mu": 0.1, "L": 1, **wrong})


def test_cgd_knows_one_worker_only():
    with pytest.raises(Unsupported, match="n=2"):
        ct.tight_rate("CGD", mu=0.1, L=1, delta=0.5, n=2)


def test_n_independence():
    for method in ("EF", "EF21"):
        rates = [ct.tight_rate(method, mu=0.05, L=1, delta=0.4, n=n) for n in (1, 2, 7, 50)]
        assert len({r.rho for r in rates}) == 1
        assert np.ptp([r.certified for r in rates]) < 1e-5 * (1 - rates[0].rho)
        assert all(r.tight for r in rates)


def test_compare_gains_the_tight_column():
    problem = ct.problems.random_quadratic(3, 4, 5, seed=1, interpolation=True, hessians=0.0)
    methods = [
        ct.GD(),
        ct.DCGD(ct.RandK(2), gamma=0.5),
        ct.DIANA(ct.RandK(2)),
        ct.EF21(ct.Scaled(ct.RandK(2))),
    ]
    found = ct.compare(methods, problem, 60, 8, 0)
    assert "rate class" in found.details()[0]
    assert "a wider class" in found.legend()
    for row in found.rows:
        # exact <= tight <= guaranteed: one problem, the worst of its class, the theorem
        assert row.exact_rate <= row.tight_rate * (1 + 1e-9)
        assert row.tight_rate <= row.guaranteed_rate * (1 + 1e-9)
    elsewhere = ct.problems.random_quadratic(3, 4, 5, seed=1)
    floor = ct.compare([ct.DCGD(ct.RandK(2))], elsewhere, 60, 8, 0)
    assert floor.rows[0].tight_rate is None
    assert "a wider class" not in floor.legend()


@pytest.mark.parametrize(
    ("method", "given", "proved"),
    [
        ("CGD", {"delta": F(3, 4)}, True),
        ("EF", {"delta": F(3, 4)}, True),
        ("EF21", {"delta": F(3, 4)}, True),
        ("EF", {"delta": F(3, 4), "n": 3}, True),
        ("EF21", {"delta": F(3, 4), "n": 2}, True),
        ("EF", {"delta": 1}, False),
        ("DCGD", {"omega": 1, "n": 4}, True),
        ("DCGD", {"omega": 1, "n": 4, "gamma": F(1, 4)}, True),
        ("DCGD", {"omega": 1, "mu": 1}, False),  # mu = L: a limit of the statement
        ("DIANA", {"omega": 1, "n": 4}, True),
        ("DIANA", {"omega": 0}, False),
        ("DIANA", {"omega": 1, "n": 4, "gamma": F(1, 4)}, False),  # no closed form there
        ("MARINA", {"omega": 1, "gamma": F(1, 8)}, False),
    ],
)
def test_a_rate_counts_as_proved_where_the_proofs_statement_covers_it(method, given, proved):
    rate = ct.tight_rate(method, **{"mu": F(1, 3), "L": F(1), **given})
    assert (rate.standing is ct.Standing.PROVED) == proved


def test_a_closed_form_speaks_of_its_own_body_alone():
    class Half(ct.EF21):
        @staticmethod
        def body(w, x, g: ct.Worker, *, gamma):
            after = x - gamma * w.mean(g)
            return dict(x=after, g=g + w.compress(w.gradient(after) - g) / 2)

    class Claimed(ct.EF21):
        known = (replace(ct.EF21.known[0], factor=lambda q: F(1, 100)),)

    class Thin(ct.EF21):
        pass

    given = {"mu": F(2, 7), "L": 1, "delta": F(15, 16), "gamma": F(1, 2)}
    true = ct.tight_rate(ct.EF21, **{**given, "gamma": None})
    assert true.closed_form
    for kind in (Half, Claimed):
        found = ct.tight_rate(kind, **given)
        assert not found.closed_form
        assert found.standing is ct.Standing.DERIVED
        assert found.rho == found.certified >= found.attained > 0.5
    assert ct.tight_rate(Half, **{**given, "gamma": true.stepsize}).attained > true.rho + F(1, 100)
    thin = ct.tight_rate(Thin, **{**given, "gamma": None})
    assert (thin.rho, thin.standing) == (true.rho, ct.Standing.ASSUMED)
    with pytest.raises(InvalidParameter, match="the bracket speaks of EF and EF21"):
        ct.heterogeneous_feedback(Half, [0.1, 0.2], [1, 1], 0.5)


def test_what_is_left_without_compression_is_gradient_descent():
    for method, given in (
        ("EF", {"delta": 1}),
        ("EF21", {"delta": 1}),
        ("CGD", {"delta": 1}),
        ("DIANA", {"omega": 0}),
    ):
        found = ct.tight_rate(method, mu=F(1, 10), L=1, **given)
        assert found.rho == F(81, 121) == found.certificate.rho
        assert found.certificate.check()
    plain = ct.tight_rate("EF21", mu=F(1, 10), L=1, delta=1).certificate
    assert any("second round" in a for a in plain.model.assumptions)

    @ct.method
    def Stale(w, x, g: ct.Worker, *, gamma):  # the gradient of the round before last: no gradient descent
        return dict(x=x - gamma * w.mean(g), g=w.compress(w.gradient(x)))

    stale = ct.tight_rate(Stale, mu=F(1, 10), L=1, delta=1, gamma=F(3, 2))
    assert stale.attained > 1  # x+ = x - gamma L x_before: unstable beyond 1/L
    assert stale.certificate is None
