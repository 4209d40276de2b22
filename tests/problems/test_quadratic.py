"""Problem constants against their definitions; families with prescribed spectra; data sets and splits."""

import numpy as np
import pytest

import compth as ct
from compth import problems
from compth.errors import InvalidParameter, UnusableInput


@pytest.mark.parametrize("spectrum", sorted(problems.SPECTRA))
@pytest.mark.parametrize(("n", "d", "kappa"), [(1, 2, 7), (4, 6, 100), (3, 1, 1)])
def test_random_families_have_the_spectrum_asked_for(spectrum, n, d, kappa):
    p = problems.random_quadratic(n, d, kappa, seed=1, spectrum=spectrum, L=2.0)
    assert pytest.approx(2.0) == p.L
    assert p.kappa == pytest.approx(kappa, rel=1e-9)
    expected = problems.SPECTRA[spectrum](d, 2.0 / kappa, 2.0) if d > 1 else [2.0]
    assert np.allclose(p.eigenvalues, np.sort(expected), rtol=1e-9)


@pytest.mark.parametrize("name", list(problems.extremal_problems()))
def test_constants_meet_their_definitions(name):
    p = problems.extremal_problems()[name]
    rng = np.random.default_rng(0)
    x = rng.normal(size=(50, p.d))
    gradients = p.gradients(x)
    step = 1e-5
    for j in range(p.d):
        e = np.eye(p.d)[j] * step
        assert np.allclose(
            (p.value(x + e) - p.value(x - e)) / (2 * step), gradients.mean(axis=1)[:, j], atol=1e-5
        )
    assert np.allclose(p.gradient(x), gradients.mean(axis=1))
    assert np.allclose(p.gradients_at(np.repeat(x[:, None], p.n, axis=1)), gradients)
    distance = p.distance_squared(x)
    gap = p.gap(x)
    assert (gap <= p.L / 2 * distance * (1 + 1e-9)).all()
    assert (gap >= p.mu / 2 * distance * (1 - 1e-9)).all()
    assert p.zeta2_star == pytest.approx((p.gradients(p.x_star) ** 2).sum(axis=1).mean(), rel=1e-9, abs=1e-18)
    assert np.allclose(p.gradient(p.x_star), 0, atol=1e-12)
    for i in range(p.n):
        eigenvalues = np.linalg.eigvalsh(p.A[i])
        assert p.L_i[i] == pytest.approx(np.abs(eigenvalues).max())
        assert eigenvalues.min() >= p.mu_min - 1e-9


def test_interpolation_and_heterogeneity():
    assert problems.random_quadratic(4, 5, 10, seed=0, interpolation=True).zeta2_star == 0
    flat = problems.random_quadratic(4, 5, 10, seed=0, hessians=0)
    assert np.allclose(flat.A, flat.A[0])
    p = problems.random_quadratic(4, 5, 10, seed=0)
    assert p.zeta2_star > 0
    direct = sum(float(g @ np.linalg.solve(a, g)) / 2 for a, g in zip(p.A, p.gradients_at_star, strict=True))
    assert p.heterogeneity == pytest.approx(2 * p.L_max * direct / p.n)
    assert p.heterogeneity >= p.zeta2_star


def test_coordinate_family_and_singular_family():
    p = problems.random_quadratic(4, 4, 10, seed=4, family="coordinate")
    assert p.mu_min == 0
    assert p.L_max == pytest.approx(4 * p.L)
    s = problems.random_quadratic(3, 6, 10, seed=5, rank=4)
    assert s.singular
    assert np.linalg.matrix_rank(s.hessian, tol=1e-9) == 4
    assert s.kappa == pytest.approx(10)


@pytest.mark.parametrize("split", problems.SPLITS)
@pytest.mark.parametrize("dataset", problems.DATASETS)
def test_ridge_on_bundled_data(dataset, split):
    p = problems.ridge(dataset, 5, split, 0.01)
    assert pytest.approx(1.01) == p.L
    assert p.mu >= 0.01 * (1 - 1e-9)
    assert p.convex
    assert p.zeta2_star > 0


def test_label_split_is_more_heterogeneous_than_iid():
    assert (
        problems.ridge("digits", 10, "label").zeta2_star > 5 * problems.ridge("digits", 10, "iid").zeta2_star
    )


def test_ridge_is_the_regression_it_says():
    x, y, _ = problems.datasets.load("diabetes")
    p = problems.ridge("diabetes", 3, "iid", 0.1)
    x = (x - x.mean(axis=0)) / x.std(axis=0)
    y = (y - y.mean()) / y.std()
    parts = problems.datasets.split_rows(x, y, 3, "iid")
    assert sorted(np.concatenate(parts)) == list(range(len(y)))
    assert max(map(len, parts)) - min(map(len, parts)) <= 1
    scale = np.linalg.eigvalsh(np.mean([x[q].T @ x[q] / len(q) for q in parts], axis=0))[-1]
    w = np.random.default_rng(0).normal(size=p.d)
    losses = [np.sum((x[q] @ w / np.sqrt(scale) - y[q]) ** 2) / (2 * len(q)) + 0.05 * w @ w for q in parts]
    constant = np.mean([y[q] @ y[q] / (2 * len(q)) for q in parts])
    assert p.value(w) == pytest.approx(np.mean(losses) - constant)


BAD = [
    (lambda: problems.random_quadratic(0, 3), "n=0"),
    (lambda: problems.random_quadratic(2, 3, 0.5), "kappa=0.5"),
    (lambda: problems.random_quadratic(2, 3, spectrum="flat"), "spectrum='flat'"),
    (lambda: problems.random_quadratic(2, 3, family="coordinate"), "n = d"),
    (lambda: problems.random_quadratic(2, 3, rank=4), "rank=4"),
    (lambda: problems.ridge("digits", 5000), "workers=5000"),
    (lambda: problems.ridge("digits", 5, "random"), "split='random'"),
    (lambda: problems.ridge("digits", 5, regularisation=-1), "regularisation=-1"),
    (lambda: problems.distributed_quadratic(np.eye(3), np.zeros(3)), r"need A \(n, d, d\)"),
    (lambda: problems.distributed_quadratic(np.full((1, 2, 2), np.nan), np.zeros((1, 2))), "not finite"),
    (lambda: problems.Quadratic([[1, 2], [0, 1]], [0, 0]), "symmetric"),
    (lambda: problems.Quadratic([[1, 0], [0, -1]], [0, 0]), "convex"),
    (lambda: problems.Quadratic([[1, 0], [0, 0]], [0, 1]), "unbounded below"),
    (lambda: problems.ridge((np.ones((4, 2)), np.arange(4)), 2), "every column is constant"),
    (lambda: problems.ridge((np.array([[1.0, np.nan]]), np.array([1.0])), 1), r"X\[0, 1\] is not finite"),
]


@pytest.mark.parametrize(("make", "rule"), BAD)
def test_bad_problems_are_refused_in_one_line(make, rule):
    with pytest.raises(InvalidParameter, match=rule) as caught:
        make()
    assert "\n" not in str(caught.value)


def test_unknown_and_unreadable_data(tmp_path):
    with pytest.raises(UnusableInput, match="bundled name"):
        problems.ridge("mnist")
    (tmp_path / "a.csv").write_text("x,y\n1,2\n3,oops\n")
    with pytest.raises(UnusableInput, match="row 3, column 'y': 'oops' is not a number"):
        problems.ridge(str(tmp_path / "a.csv"), 1)
    with pytest.raises(UnusableInput, match="cannot be read"):
        problems.ridge(str(tmp_path / "missing.npz"), 1)


def test_own_files(tmp_path):
    x, y, _ = problems.datasets.load("wine")
    np.savez(tmp_path / "w.npz", X=x, y=y)
    np.savetxt(tmp_path / "w.csv", np.c_[x, y], delimiter=",", header=",".join("abcdefghijklmn"), comments="")
    named = problems.ridge("wine", 3)
    for file in ("w.npz", "w.csv"):
        assert np.allclose(problems.ridge(str(tmp_path / file), 3).A, named.A, rtol=1e-9)


def test_quadratic_of_one_worker():
    p = ct.problems.Quadratic(np.diag([1.0, 4.0]), np.array([1.0, 4.0]))
    assert np.allclose(p.x_star, 1)
    assert p.f_star == pytest.approx(-2.5)
    assert p.kappa == pytest.approx(4)


def test_a_condition_number_beyond_rounding_is_refused_and_not_replaced():
    assert ct.problems.random_quadratic(2, 3, 1e9, seed=1).kappa == pytest.approx(1e9, rel=1e-5)
    for kappa in (1e14, 1e18):
        with pytest.raises(InvalidParameter, match="lost in rounding"):
            ct.problems.random_quadratic(2, 3, kappa, seed=1)


def test_stacked_hessians_of_single_precision_are_cast_once_and_those_of_double():
    problem = ct.problems.random_quadratic(3, 5, 10, seed=0)
    single = problem.stacked(np.float32)
    assert single is problem.stacked(np.float32)
    assert single.dtype == np.float32
    np.testing.assert_array_equal(single, problem.stacked(np.float64).astype(np.float32))
    x = np.random.default_rng(0).standard_normal((4, 5))
    near = problem.gradients(x.astype(np.float32))
    assert near.dtype == np.float32
    np.testing.assert_allclose(near, problem.gradients(x), rtol=1e-4, atol=1e-5)
