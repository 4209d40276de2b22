"""Finite sums are distributed quadratics to everything else, and their oracles' moments are enumerated."""

import numpy as np
import pytest

import compth as ct
from compth.certification.tracer import leaves
from compth.errors import InvalidParameter, Unsupported
from compth.problems import FiniteSum, additive_noise, oracles, random_finite_sum
from compth.problems.oracle import Coordinates, Corrected, Drawn, Full, noise_of

PROBLEM = random_finite_sum(2, 3, 3, 20, seed=1)
PAIRS = ct.ArbitrarySampling(3, ((0, 1), (1, 2), (0, 2)), (0.5, 0.25, 0.25))
ORACLES = [
    ct.Minibatch(),
    ct.Minibatch(2),
    ct.Minibatch(3),
    ct.Minibatch(2, replace=True),
    ct.Importance(),
    ct.Importance((0.5, 0.25, 0.25), 2),
    ct.Arbitrary(PAIRS),
    ct.Arbitrary(ct.IndependentSampling((0.5, 0.25, 0.75))),
    ct.Arbitrary(ct.NiceSampling(3, 2)),
    Coordinates(1),
    Coordinates(2),
    Full(),
]


def law(oracle, problem, x):
    """(mean, covariance of all workers) of the oracle at x, by enumeration."""
    found = [
        (float(leaf.probability), leaf.output[0])
        for leaf in leaves(lambda rng: oracle.gradients(problem, x[None], rng))
    ]
    mean = sum(p * g for p, g in found)
    return mean, sum(p * np.einsum("ia,jb->ijab", g - mean, g - mean) for p, g in found)


@pytest.mark.parametrize("oracle", ORACLES, ids=repr)
def test_moments_are_the_enumeration(oracle):
    x = np.array([0.3, -2.0, 1.1])
    mean, covariance = law(oracle, PROBLEM, x)
    assert mean == pytest.approx(PROBLEM.gradients(x), rel=1e-12)
    z = np.append(x - PROBLEM.x_star, 1.0)
    declared = oracle.noise(PROBLEM).covariance(np.outer(z, z))
    for i in range(2):
        assert covariance[i, i] == pytest.approx(declared[i], abs=1e-13)
    assert np.abs(covariance[0, 1]).max() < 1e-14  # workers draw independently


@pytest.mark.parametrize("oracle", ORACLES, ids=repr)
def test_constants_are_the_best_ones(oracle):
    noise = oracle.noise(PROBLEM)
    at_star = law(oracle, PROBLEM, PROBLEM.x_star)[1]
    assert noise.sigma2_star == pytest.approx(np.einsum("iiaa->", at_star) / 2, abs=1e-13)
    vectors = np.linalg.eigh(PROBLEM.hessian)[1]
    rng = np.random.default_rng(0)
    worst = worst_workers = 0.0
    for v in [*vectors.T, *rng.standard_normal((12, 3))]:
        x = PROBLEM.x_star + v
        mean, covariance = law(
            Corrected(oracle), PROBLEM, x
        )  # g(x) - g(x*), shifted by the constants grad f_i(x*)
        own, difference = np.einsum("iiaa->i", covariance), mean - PROBLEM.gradients_at_star
        gap = 2 * float(PROBLEM.gap(x))
        worst = max(worst, ((difference.mean(0) ** 2).sum() + own.sum() / 4) / gap)
        worst_workers = max(worst_workers, ((difference**2).sum() / 2 + own.mean()) / gap)
    for seen, declared in ((worst, noise.LL), (worst_workers, noise.LL_workers)):
        assert 0.8 * declared < seen <= declared * (1 + 1e-12)


def test_a_finite_sum_is_its_distributed_quadratic():
    plain = ct.problems.DistributedQuadratic(PROBLEM.A, PROBLEM.b)
    x = np.ones((2, 3))
    assert np.array_equal(PROBLEM.gradients(x), plain.gradients(x))
    assert PROBLEM.part_gradients(x).mean(axis=2) == pytest.approx(plain.gradients(x), rel=1e-13)
    for method in (ct.DCGD(ct.RandK(1)), ct.DIANA(ct.RandK(1)), ct.EF21(ct.TopK(1)), ct.GD()):
        a, b = ct.guarantee(method, PROBLEM), ct.guarantee(method, plain)
        assert (a.theorem, a.rho, a.floor) == (b.theorem, b.rho, b.floor)
        seen = [ct.simulate(method, p, 20, 8).mean_square for p in (PROBLEM, plain)]
        assert np.array_equal(*seen)
    assert ct.exact(ct.DIANA(ct.RandK(1)), PROBLEM, 5).mean_square == pytest.approx(
        ct.exact(ct.DIANA(ct.RandK(1)), plain, 5).mean_square, rel=1e-14
    )


def test_reshapings_keep_f():
    x = np.array([1.0, 2.0, -1.0])
    for other in (PROBLEM.flat(), PROBLEM.as_workers(), PROBLEM.at_rest):
        assert other.gap(x) == pytest.approx(PROBLEM.gap(x), rel=1e-12)
    assert PROBLEM.flat().parts.shape == (1, 6, 3, 3)
    assert PROBLEM.as_workers().n == 6
    assert np.abs(PROBLEM.at_rest.parts_at_star).max() == 0
    assert noise_of(PROBLEM, Corrected(ct.Importance())).sigma2_star == 0


def test_additive_noise_is_uniform_and_of_the_size_asked_for():
    base = ct.problems.random_quadratic(3, 4, 10)
    problem = additive_noise(base, 4, 2.5, seed=3)
    noise = ct.Minibatch().noise(problem)
    assert noise.sigma2 == pytest.approx(2.5, rel=1e-12)
    for x in (np.zeros(4), 100 * np.ones(4)):
        _, covariance = law(ct.Minibatch(), problem, x)
        assert np.einsum("iiaa->", covariance) / 3 == pytest.approx(2.5, rel=1e-9)
    assert problem.gradients(np.ones(4)) == pytest.approx(base.gradients(np.ones(4)), rel=1e-12)
    assert ct.Minibatch(2).noise(problem).sigma2 == pytest.approx(2.5 / 2 * (4 - 2) / 3, rel=1e-12)


def test_bounded_variance_is_not_claimed_where_there_is_none():
    assert np.isinf(ct.Minibatch().noise(PROBLEM).sigma2)
    assert np.isinf(Coordinates(1).noise(PROBLEM).sigma2)
    assert ct.Minibatch(3).noise(PROBLEM).sigma2 == 0  # all components


def test_a_component_that_acts_on_the_kernel_has_no_expected_smoothness():
    parts = np.zeros((1, 2, 2, 2))
    parts[0, :, 0, 0] = 1
    parts[0, :, 1, 1] = (1, -1)
    problem = FiniteSum(parts, np.zeros((1, 2, 2)))
    assert np.isinf(ct.Minibatch().noise(problem).LL)
    assert np.isclose(ct.Minibatch(2).noise(problem).LL, 1)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: FiniteSum(np.eye(2)[None], np.zeros((1, 2))), InvalidParameter, r"need A \(n, m, d, d\)"),
        (
            lambda: FiniteSum(np.full((1, 1, 1, 1), np.nan), np.zeros((1, 1, 1))),
            InvalidParameter,
            "not finite",
        ),
        (
            lambda: FiniteSum(np.triu(np.ones((1, 1, 2, 2))), np.zeros((1, 1, 2))),
            InvalidParameter,
            "symmetric",
        ),
        (lambda: ct.Minibatch(0), InvalidParameter, "size >= 1"),
        (lambda: ct.Importance((0.5, 0.6)), InvalidParameter, "sum 1"),
        (lambda: ct.Arbitrary(3), InvalidParameter, "needs a Sampling"),
        (lambda: noise_of(PROBLEM, ct.Minibatch(4)), Unsupported, "size <= m = 3"),
        (lambda: noise_of(PROBLEM, ct.Importance((0.5, 0.5))), Unsupported, "m = 3"),
        (lambda: noise_of(PROBLEM, ct.Arbitrary(ct.NiceSampling(4, 1))), Unsupported, "samples 4 things"),
        (lambda: noise_of(PROBLEM, Coordinates(4)), Unsupported, "k <= d = 3"),
        (
            lambda: noise_of(ct.problems.random_quadratic(2, 3), ct.Minibatch()),
            Unsupported,
            "use a FiniteSum",
        ),
        (lambda: ct.DCGD(ct.RandK(1), oracle=3), InvalidParameter, "needs an Oracle"),
        (lambda: ct.MARINA(ct.RandK(1), oracle=ct.Minibatch()), InvalidParameter, "exact gradients"),
        (lambda: additive_noise(PROBLEM, 1), InvalidParameter, "at least 2"),
    ],
)
def test_bad_input_is_one_clear_line(make, error, message):
    with pytest.raises(error, match=message) as caught:
        make()
    assert "\n" not in str(caught.value)


def test_methods_see_drawn_gradients_and_theorems_of_exact_ones_refuse():
    method = ct.DIANA(ct.RandK(1), oracle=ct.Minibatch())
    assert method.label.endswith("~ Minibatch()")
    assert isinstance(method.view(PROBLEM, np.random.default_rng(0)), Drawn)
    with pytest.raises(ct.errors.NoGuarantee, match="exact gradients"):
        ct.guarantee(method, PROBLEM, "diana.balanced")
    with pytest.raises(ct.errors.NoGuarantee, match="bounded for all x"):
        ct.guarantee(ct.DCGD(ct.RandK(1), oracle=ct.Minibatch()), PROBLEM, "dcgd.nonconvex")
    assert ct.guarantee(ct.DIANA(ct.RandK(1), oracle=Full()), PROBLEM, "diana.balanced").floor == 0
    assert set(oracles()) >= {type(o).__name__ for o in ORACLES}
