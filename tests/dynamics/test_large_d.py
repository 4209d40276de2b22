"""Rates in the limit of many dimensions: held against exact ones, with the estimate of their error."""

from dataclasses import replace

import numpy as np
import pytest

import compth as ct
from compth.dynamics.large_d import Quantiles, _Limit, means_of_equal_shares
from compth.errors import InvalidParameter, Unsupported

MP = ct.MarchenkoPastur


def common(d, n=1, seed=0, turned=True):
    """n workers with common eigenvectors and eigenvalues of their own."""
    rng = np.random.default_rng(seed)
    basis = np.linalg.qr(rng.standard_normal((d, d)))[0] if turned else np.eye(d)
    values = rng.uniform(0.1, 1, (n, d))
    a = np.einsum("ij,kj,lj->ikl", values, basis, basis)
    return ct.problems.DistributedQuadratic((a + a.transpose(0, 2, 1)) / 2, np.zeros((n, d)))


METHODS = [
    ct.DCGD(ct.RandK(k=12), gamma=0.2),
    ct.DCGD(ct.Bernoulli(p=0.2), gamma=0.5),  # close to where it diverges: the noise decides
    ct.DCGD(ct.PermK(n=3), gamma=0.3),
    ct.DIANA(ct.RandK(k=12), gamma=0.2, alpha=0.1),
    ct.EF21(ct.Scaled(ct.RandK(k=12)), gamma=0.1),
    ct.DCGD(ct.RandK(k=12), gamma=0.1, downlink=ct.RandK(k=30)),
]


@pytest.mark.parametrize("method", METHODS, ids=lambda m: m.label)
def test_the_limit_is_the_exact_rate_within_its_error(method):
    p = common(60, n=3)
    exact, found = ct.exact_rate(method, p), ct.large_d_rate(method, p)
    assert not found.note
    assert found.d == 60
    assert abs(found.rho - exact.rho_noise) <= 2 * found.error
    assert found.error < 0.5 * abs(1 - exact.rho_noise)


def test_log_rates_are_off_by_less_than_1e_3_at_200_dimensions():
    p = ct.problems.random_quadratic(n=1, d=200, kappa=10, seed=0)
    method = ct.DCGD(ct.RandK(k=50), gamma=0.15 / p.L)
    exact, found = ct.exact_rate(method, p), ct.large_d_rate(method, p)
    assert abs(np.log(found.rho) / np.log(exact.rho) - 1) < 1e-3
    assert abs(found.rho - exact.rho) < 2 * found.error


def test_eigenvectors_along_the_axes_are_told_and_far_off():
    """Planted: a diagonal Hessian, where every coordinate keeps its own noise."""
    method = ct.DCGD(ct.Bernoulli(p=0.2), gamma=0.6)
    p = common(60, turned=False)
    exact, found = ct.exact_rate(method, p), ct.large_d_rate(method, p)
    assert "general position" in str(found)
    assert "varies" in found.note
    assert found.note in str(found)
    assert abs(found.rho - exact.rho_noise) > 1e-2


def test_what_a_law_becomes_is_its_mean_over_rotations():
    """E Q' Diag(diag(Q M Q')) Q for uniform Q, by sampling: within five standard errors."""
    d, count = 5, 20_000
    rng = np.random.default_rng(1)
    m = rng.standard_normal((d, d))
    m = m @ m.T
    at = Quantiles(np.eye(d)[None], np.zeros((1, d)), np.eye(d), None, np.zeros(d), whole=d)
    said = at.law(ct.MomentMap(c=1))(m)
    q, r = np.linalg.qr(rng.standard_normal((count, d, d)))
    q = q * np.sign(np.einsum("rii->ri", r))[:, None, :]
    drawn = np.einsum("rji,rj,rjk->rik", q, np.einsum("rja,ab,rjb->rj", q, m, q), q)
    error = drawn.std(axis=0) / np.sqrt(count)
    assert np.all(np.abs(drawn.mean(axis=0) - said) < 5 * error)
    assert np.any(
        np.abs(drawn.mean(axis=0) - np.trace(m) / d * np.eye(d)) > 5 * error
    )  # the part that is 2 M/(d + 2)


def test_scalar_recursion_of_rand_k():
    """DCGD with Rand-K and one worker: 1 = gamma^2 b sum lambda^2/(rho - (1 - gamma lambda)^2 - gamma^2 a lambda^2)."""
    values = np.linspace(0.2, 1, 40)
    k, d, gamma = 8, 40, 0.5
    found = ct.large_d_rate(ct.DCGD(ct.RandK(k=k), gamma=gamma), values).rho
    p1, p2 = k / d, k * (k - 1) / (d * (d - 1))
    a, c = p2 / p1**2 - 1, 1 / p1 - p2 / p1**2
    a, b = a + 2 * c / (d + 2), c / (d + 2)
    own = (1 - gamma * values) ** 2 + gamma**2 * a * values**2
    assert found > own.max()
    assert (gamma**2 * b * values**2 / (found - own)).sum() == pytest.approx(1, rel=1e-7)


def test_a_few_quantiles_say_what_all_eigenvalues_say():
    """Where the noise decides, so that how many directions one stands for counts; each law's part of the trace too."""
    values = np.linspace(0.1, 1, 400)
    for compressor, gamma in ((ct.RandK(k=20), 0.16), (ct.Bernoulli(p=0.05), 0.16)):
        method = ct.DCGD(compressor, gamma=gamma)
        whole, few = (ct.large_d_rate(method, values, nodes=k).rho for k in (400, 32))
        assert whole > 1.001 * (1 - gamma * 0.1) ** 2
        assert few == pytest.approx(whole, rel=1e-4)


def test_the_trace_counts_for_all_that_a_direction_stands_for():
    at = {"whole": 12, "share": 3.0}
    few = (np.eye(4)[None], np.zeros((1, 4)), np.eye(4), None, np.zeros(4))
    m = ct.MomentMap(a=0.5, c=2.0, b=7.0)
    assert Quantiles(*few, rotated=False, **at).law(m) == ct.MomentMap(0.5, 2.0, 21.0)
    turned = Quantiles(*few, **at).law(m)
    assert (turned.a, turned.c, turned.b) == pytest.approx((0.5 + 4 / 14, 0, 3 * (7 + 2 / 14)))


def test_one_small_eigenvalue_among_many_decides():
    values = np.concatenate([[1e-3], np.ones(999)])
    found = ct.large_d_rate(ct.DCGD(ct.RandK(k=500), gamma=0.1), values, nodes=16)
    assert found.rho >= (1 - 1e-4) ** 2


def test_quantiles_keep_the_sum():
    values = np.sort(np.random.default_rng(0).uniform(0, 1, (2, 1000)))
    few = means_of_equal_shares(values, 64)
    assert few.sum(axis=1) * 1000 / 64 == pytest.approx(values.sum(axis=1), rel=1e-12)


@pytest.mark.parametrize("ratio", [0.5, 1.0, 2.0])
def test_marchenko_pastur_is_the_spectrum_of_random_rows(ratio):
    d = 400
    m = int(d / ratio)
    rows = np.random.default_rng(0).standard_normal((m, d))
    seen = np.linalg.eigvalsh(rows.T @ rows / m)
    said = MP(ratio).quantiles((np.arange(d) + 0.5) / d)
    assert np.abs(seen - said).mean() < 0.02
    fine = MP(ratio).quantiles((np.arange(20_000) + 0.5) / 20_000)
    assert (fine.mean(), (fine**2).mean()) == pytest.approx((1, 1 + ratio), rel=1e-3)  # its first two moments
    assert MP(ratio, 0.5).quantiles(np.array([0.3])) == MP(ratio).quantiles(np.array([0.3])) + 0.5


def test_a_million_dimensions_cost_no_more():
    found = ct.large_d_rate(ct.DCGD(ct.RandK(k=10**5), gamma=0.1), MP(0.5, 0.01), d=10**6, nodes=64)
    tall = ct.large_d_rate(ct.DCGD(ct.RandK(k=10**3), gamma=0.1), MP(0.5, 0.01), d=10**4, nodes=64)
    assert found.rho == pytest.approx(tall.rho, rel=1e-3)
    assert found.error < tall.error
    assert found.standing == "DERIVED"
    assert "(DERIVED, the error an estimate" in str(found)
    typed = replace(found, rho=0.1, standing="PROVED")
    assert typed.standing == "assumed"
    assert "(assumed, " in str(typed)


def test_a_kernel_does_not_grow():
    """More columns than rows: x moves in the span alone."""
    found = ct.large_d_rate(ct.DCGD(ct.RandK(k=500), gamma=0.1), MP(2.0), d=1000, nodes=64)
    assert 0.9 < found.rho < 1


@pytest.mark.parametrize(
    ("ask", "said"),
    [
        (lambda: ct.large_d_rate(METHODS[0], [1.0, -1.0]), "eigenvalues >= 0"),
        (lambda: ct.large_d_rate(METHODS[0], MP(0.5)), "d=None"),
        (lambda: ct.large_d_rate(ct.DCGD(ct.RandK(k=2)), [1.0, 2.0, 3.0]), "need gamma"),
        (lambda: ct.large_d_rate(METHODS[0], [1.0] * 20, nodes=1), "nodes=1"),
        (lambda: MP(0.0), "ratio=0.0"),
        (lambda: MP(1.0, -1.0), "ridge=-1.0"),
    ],
)
def test_bad_input_is_told(ask, said):
    with pytest.raises(InvalidParameter, match=said):
        ask()


def test_what_has_no_limit_is_refused():
    p = ct.problems.random_quadratic(n=2, d=6, kappa=4, seed=0)
    p = ct.problems.additive_noise(p)
    for method, said in (
        (ct.DCGD(ct.RandK(k=2), gamma=0.1), "do not commute"),
        (ct.DCGD(ct.TopK(k=2), gamma=0.1), "linear sketch|commute"),
        (ct.IST(ct.PermK(n=2), gamma=0.1), "masks the model"),
        (ct.DCGD(ct.RandK(k=2), gamma=0.1, oracle=ct.Minibatch(1)), "stochastic gradients"),
    ):
        with pytest.raises(Unsupported, match=said):
            ct.large_d_rate(method, p)


def test_the_dense_matrix_and_arnoldi_agree(monkeypatch):
    values = np.linspace(0.1, 1, 40)[None]
    limit = _Limit(ct.DIANA(ct.RandK(k=4), gamma=0.3, alpha=0.05), 40, 0.3, {"alpha": 0.05})
    dense = limit(values)
    monkeypatch.setattr("compth.dynamics.large_d.DENSE", 0)
    assert limit(values) == pytest.approx(dense, rel=1e-9)


def test_rates_of_approximations_are_called_so():
    p = ct.problems.random_quadratic(n=2, d=3, kappa=4, seed=0)
    method = ct.DCGD(ct.NaturalCompression(), gamma=0.1)
    assert str(ct.exact_rate(method, p, mode="upper")).startswith("upper bound on the rate")
    assert str(ct.exact_rate(method, p, mode="mean-field")).startswith("rate of the mean-field")
