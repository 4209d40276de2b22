"""IST's printed formulas that are wrong, each refuted by numbers beside the right one that the objects carry."""

from itertools import permutations

import numpy as np
import pytest

import compth as ct
from compth.compressors.double_sketch import DoubleSketch
from compth.methods.ist import law_of
from compth.problems import distributed_quadratic, random_quadratic

N = 4
PROBLEM = random_quadratic(N, N, 5, seed=3, hessians=1.0, minimisers=1.0)


def curvatures(A, weights):
    """B = (1/n) sum C_i L_i C_i for every permutation; worker i keeps coordinate pi_i with weights[i, pi_i]."""
    n = len(A)
    for order in permutations(range(n)):
        B = np.zeros((n, n))
        for i, j in enumerate(order):
            B[j, j] += weights[i, j] ** 2 * A[i, j, j] / n
        yield B


def test_the_mean_is_n_times_the_diagonal_without_a_further_n_squared():
    """Note 1: the middle member of (17) prints n^2 beside C_i; E[B] = n Diag(L)."""
    mean = np.mean(list(curvatures(PROBLEM.A, np.full((N, N), float(N)))), axis=0)
    right = N * np.diag(np.diag(PROBLEM.hessian))
    assert mean == pytest.approx(right, rel=1e-12)
    assert np.abs(N**2 * mean - right).max() > 10 * np.abs(right).max()


def test_condition_17_replaces_a_second_moment_by_a_squared_mean():
    """Note 2: E[B L B] = n^2 (L o M), not E[B] L E[B]; the object's theta uses the former. Equal for equal Hessians."""
    L = PROBLEM.hessian
    second = np.mean([B @ L @ B for B in curvatures(PROBLEM.A, np.full((N, N), float(N)))], axis=0)
    diagonal = np.einsum("ijj->ij", PROBLEM.A)
    M = (np.outer(diagonal.sum(0), diagonal.sum(0)) - diagonal.T @ diagonal) / (N * (N - 1))
    np.fill_diagonal(M, (diagonal**2).mean(0))
    assert second == pytest.approx(N**2 * L * M, rel=1e-12)
    sketch = DoubleSketch(ct.PermK(N), N, N)
    assert sketch.quadratic(N**2 * PROBLEM.A, L) == pytest.approx(second, rel=1e-12)
    mean = N * np.diag(np.diag(L))
    assert np.linalg.norm(mean @ L @ mean - second) > 0.02 * np.linalg.norm(second)
    same = np.tile(L, (N, 1, 1))
    assert DoubleSketch(ct.PermK(N), N, N).quadratic(N**2 * same, L) == pytest.approx(
        mean @ L @ mean, rel=1e-12
    )


def test_equation_21_has_the_inverse_of_the_largest_eigenvalue():
    """Note 4: lambda_min(L^-1 W L^-1) = n/lambda_max(L), where the paper prints n lambda_max(L)."""
    root = np.diag(1 / np.sqrt(np.diag(PROBLEM.hessian)))
    L = root @ PROBLEM.hessian @ root
    W, inverse = N * L, np.linalg.inv(L)
    found = np.linalg.eigvalsh(inverse @ W @ inverse)[0]
    top = np.linalg.eigvalsh(L)[-1]
    assert found == pytest.approx(N / top, rel=1e-12)
    assert N * top > 1.5 * found
    same = distributed_quadratic(np.tile(L, (N, 1, 1)), np.zeros((N, N)))
    rate = ct.guarantee(ct.IST(ct.PermK(N)), same, "ist.averaged")
    assert rate.stepsize == pytest.approx(1 / N, rel=1e-10)
    # with W = n L the bound on ||grad f||^2_{L^-1 W L^-1} >= (n/lambda_max)||grad f||^2 is GD's, (22)
    gd = 2 * top * same.gap(same.start[None])[0] / 10
    assert rate.bound(10) * top / N == pytest.approx(gd, rel=1e-9)


def test_sketch_23_takes_entries_of_the_diagonal_not_of_the_inverse_root():
    """Note 5: with [L_i]_jj^(-1/2) B = I for every permutation; with the diagonal of L_i^(-1/2) not even on average."""
    right = np.array(ct.ScaledPermK.preconditioned(PROBLEM.A).scaling)
    for B in curvatures(PROBLEM.A, right):
        assert np.abs(B - np.eye(N)).max() < 1e-12
    literal = np.empty((N, N))
    for i, a in enumerate(PROBLEM.A):
        values, vectors = np.linalg.eigh(a)
        literal[i] = np.sqrt(N) * np.diag(vectors / np.sqrt(values) @ vectors.T)
    mean = np.mean(list(curvatures(PROBLEM.A, literal)), axis=0)
    assert np.abs(mean - np.eye(N)).max() > 0.1


def test_scaled_sketches_need_the_estimator_form():
    """Note 6: (1/n) sum C_i != I for (23), so Algorithm 1's averaging is another method and has no theorem."""
    sketch = ct.ScaledPermK.preconditioned(PROBLEM.A)
    table = np.array(sketch.scaling)
    assert np.abs(np.diag(table) / N - 1).max() > 0.1
    one, other = (
        ct.exact(ct.IST(sketch, 0.3, form=f), PROBLEM, 1, x0=np.ones(N)).mean
        for f in ("estimator", "algorithm")
    )
    assert np.abs(one[1] - other[1]).max() > 0.1
    with pytest.raises(ct.errors.NoGuarantee, match="estimator form"):
        ct.guarantee(ct.IST(sketch, 0.3, form="algorithm"), PROBLEM)


def test_the_bias_does_not_vanish_with_n():
    """Note 7: x_inf is O(1/sqrt n), so h tends to x*: the relative bias does not fall as n = d grows."""
    relative = []
    for n in (4, 16, 64):
        problem = random_quadratic(n, n, 3, seed=1, hessians=0.2, minimisers=0.0)
        law = law_of(ct.IST(ct.ScaledPermK.preconditioned(problem.A), 0.5), problem)
        relative.append(np.linalg.norm(law.bias) / np.linalg.norm(problem.x_star))
    assert min(relative) > 0.3
    assert relative[-1] > 0.8 * relative[0]
