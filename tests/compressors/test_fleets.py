"""Joint objects: PermK and IST's sketches, samplings, in-network aggregation, all by exact enumeration."""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import combinations, product

import numpy as np
import pytest

import compth as ct
from compth import calculus
from compth.errors import InvalidParameter, Unsupported
from tests.compressors.exact_law import law, outcomes

SHAPES = [(1, 3), (2, 2), (2, 4), (3, 3), (4, 2), (4, 4), (3, 1)]


def sketches(fleet, n, d):
    return outcomes(lambda rng: fleet.draw((n, d), rng))


def quadratics(n, d, seed=0):
    """Positive definite matrices (n, d, d)."""
    a = np.random.default_rng(seed).normal(size=(n, d, d))
    return a @ np.swapaxes(a, -1, -2) + 0.1 * np.eye(d)


@pytest.mark.parametrize(("n", "d"), SHAPES)
def test_permk_inclusion_probabilities_up_to_order_four(n, d):
    fleet, law = ct.PermK(n), sketches(ct.PermK(n), n, d)
    pairs = list(product(range(n), range(d)))
    checked = 0
    for order in (1, 2, 3, 4):
        for chosen in list(combinations(pairs, order))[:400]:
            exact = sum(w for w, s in law if all(s[p] > 0 for p in chosen))
            assert fleet.inclusion(chosen, n, d) == exact, chosen
            checked += exact > 0
    assert checked
    assert fleet.inclusion([(0, 0), (0, 0)], n, d) == fleet.inclusion([(0, 0)], n, d)


@pytest.mark.parametrize(("n", "d"), SHAPES)
def test_permk_averages_to_the_identity_surely(n, d):
    for _, s in sketches(ct.PermK(n), n, d):
        assert np.allclose(s.mean(axis=0), 1, rtol=0, atol=1e-15)
        assert (np.count_nonzero(s, axis=1) == max(d // n, 1)).all()


@pytest.mark.parametrize(("n", "d"), [(2, 4), (3, 3), (4, 4), (2, 2)])
@pytest.mark.parametrize("scale", ["n", "root", "raw"])
def test_mean_double_sketch_of_permutation_sketches(n, d, scale):
    """E (1/n) sum C_i L_i C_i = (c^2/n) [(1-s) Dbar + s Lbar], s = (q-1)/(d-1)."""
    c = {"n": n, "root": math.sqrt(n), "raw": 1}[scale]
    fleet = ct.PermK(n) if scale == "n" else ct.ScaledPermK(n, c)
    matrices = quadratics(n, d)
    mean = sum(float(w) * np.einsum("ij,ijk,ik->jk", s, matrices, s) / n for w, s in sketches(fleet, n, d))
    bar = matrices.mean(axis=0)
    s = (d // n - 1) / (d - 1)
    assert np.allclose(mean, c**2 / n * ((1 - s) * np.diag(np.diag(bar)) + s * bar), rtol=1e-12, atol=1e-12)


def test_preconditioned_perm_1_gives_the_identity_for_every_permutation():
    n = 4
    matrices = quadratics(n, n)
    fleet = ct.ScaledPermK.preconditioned(matrices)
    for _, s in sketches(fleet, n, n):
        assert np.allclose(np.einsum("ij,ijk,ik->jk", s, matrices, s) / n, np.eye(n), rtol=0, atol=1e-14)
    # the literal reading, the diagonal of the matrix power L_i^(-1/2), does not
    values, vectors = np.linalg.eigh(matrices)
    power = np.einsum("ijk,ik,ilk->ijl", vectors, values**-0.5, vectors)
    literal = ct.ScaledPermK(n, math.sqrt(n) * np.einsum("ijj->ij", power))
    _, s = sketches(literal, n, n)[0]
    assert not np.allclose(np.einsum("ij,ijk,ik->jk", s, matrices, s) / n, np.eye(n), rtol=0, atol=0.05)


def test_permk_refuses_other_sizes():
    for n, d in [(3, 4), (4, 6)]:
        with pytest.raises(Unsupported, match="d = qn or n = qd"):
            ct.PermK(n).compress(np.ones((n, d)), np.random.default_rng(0))
    with pytest.raises(Unsupported, match="n = 3 workers"):
        ct.PermK(3).compress(np.ones((2, 4)), np.random.default_rng(0))
    with pytest.raises(InvalidParameter, match="scaling"):
        ct.ScaledPermK(2, -1)
    with pytest.raises(InvalidParameter, match="diagonal"):
        ct.ScaledPermK.preconditioned(np.zeros((2, 2, 2)))


def test_the_same_drawn_weights_serve_twice():
    """draw_weights gives the law of compress itself, for joint, independent and shared sketches."""
    shape = (5, 2, 4)
    x = np.random.default_rng(1).normal(size=shape)
    for fleet in (ct.PermK(2), ct.as_fleet(ct.RandK(1)), ct.as_fleet([ct.RandK(1), ct.Bernoulli(0.5)])):
        w = ct.draw_weights(fleet, shape, np.random.default_rng(3))
        assert np.array_equal(w * x, fleet._compress(x, np.random.default_rng(3)))
    shared = ct.draw_weights(ct.Shared(ct.RandK(1)), shape, np.random.default_rng(3))
    assert np.array_equal(shared[:, 0], shared[:, 1])
    with pytest.raises(Unsupported, match="diagonal sketches"):
        ct.draw_weights(ct.as_fleet(ct.TopK(1)), shape, np.random.default_rng(0))


SAMPLINGS = [
    ct.NiceSampling(4, 2),
    ct.NiceSampling(3, 3),
    ct.NiceSampling(1, 1),
    ct.IndependentSampling((Fraction(1, 2), Fraction(1, 4), Fraction(1))),
    ct.ArbitrarySampling(3, ((0, 1), (2,), (0, 2)), (Fraction(1, 2), Fraction(1, 4), Fraction(1, 4))),
]


def loewner_gap(matrix, p, v):
    """Smallest eigenvalue of Diag(p v) - (P - p p'): >= 0 where v is valid."""
    P, p, v = (np.asarray(a, dtype=np.float64) for a in (matrix, p, v))
    return float(np.linalg.eigvalsh(np.diag(p * v) - P + np.outer(p, p))[0])


@pytest.mark.parametrize("sampling", SAMPLINGS, ids=repr)
def test_samplings_draw_what_they_declare(sampling):
    n = sampling.workers
    law = outcomes(lambda rng: sampling.draw((n,), rng))
    exact = [[sum(w for w, s in law if s[i] and s[j]) for j in range(n)] for i in range(n)]
    assert np.allclose(np.asarray(exact, float), np.asarray(sampling.matrix(), float), rtol=0, atol=1e-15)
    p, v = sampling.probabilities(), sampling.v()
    assert loewner_gap(sampling.matrix(), p, v) >= -1e-12
    if max(v) > 0:
        smaller = [0.98 * float(u) for u in v]
        assert loewner_gap(sampling.matrix(), p, smaller) < -1e-4
    drawn = sampling.draw((7, n), np.random.default_rng(0))
    assert drawn.shape == (7, n)
    assert drawn.dtype == bool


def test_sampling_constants():
    n, b = 5, 2
    nice = ct.NiceSampling(n, b)
    assert nice.a_S == Fraction(n * (n - b), b * (n - 1))
    assert nice.cohort == b
    assert ct.NiceSampling(n, n).a_S == 0
    assert calculus.sampling_delta(0, 3, n) == 1 + Fraction(3, n)
    for sampling in SAMPLINGS:
        for omega in (0, Fraction(1, 2), 3):
            a, b_joint, _ = sampling.joint(omega)
            paper = calculus.sampling_delta(sampling.a_S, omega, sampling.workers) - 1
            assert float(a) <= float(paper) + 1e-12  # never worse than the paper's factor
            assert b_joint >= 0
    with pytest.raises(InvalidParameter, match="m <= n"):
        ct.NiceSampling(2, 3)
    with pytest.raises(InvalidParameter, match="every worker"):
        ct.ArbitrarySampling(3, ((0, 1),), (1,))
    with pytest.raises(InvalidParameter, match="sum of 1"):
        ct.ArbitrarySampling(2, ((0, 1),), (0.5,))


def test_sampled_noise_needs_one_pairwise_factor():
    uneven = ct.Sampled(ct.Identity(), SAMPLINGS[-1])
    assert uneven.noise(3, 2) is None
    even = ct.Sampled(ct.Identity(), SAMPLINGS[0]).noise(4, 2)
    assert even[0].cross.a == Fraction(2 * 1, 4 * 3) / Fraction(1, 4) - 1


WORKERS = (1, 2, 3, 8, 1000)


def largest_sum(n, scale, largest):
    """The largest |sum| of integers that rounding up can give when every entry is `largest`."""
    return n * math.ceil(Fraction(scale) * Fraction(largest))


def test_the_shared_scale_never_overflows_and_a_larger_one_does():
    top = 2**31 - 1
    for n in WORKERS:
        assert largest_sum(n, calculus.no_overflow_scale(n, 3), 3) <= top
    assert largest_sum(8, Fraction(top, 8 * 3), 3) > top  # without the slack of n


def test_the_reference_scale_is_safe_for_float32_and_256_workers_only():
    top, largest = 2**31 - 1, 1 - Fraction(1, 2**24)
    for n, safe in ((8, True), (256, True), (1000, False)):
        scaled = calculus.switchml_reference_scale(n, 0) * largest
        worst = n * (scaled + Fraction(1, 2))  # nearest rounding adds at most one half to each
        assert (math.floor(worst) <= top) is safe  # the sum is an integer
    assert calculus.switchml_reference_scale(4, 3) == Fraction(top, 32)


@pytest.mark.parametrize("fleet", [ct.SwitchML(8, nearest, block, e) for nearest in (True, False)
                                   for block in (None, 3) for e in (False, True)], ids=repr)  # fmt: skip
def test_aggregation_error_and_sums(fleet):
    rng = np.random.default_rng(4)
    n, d = 8, 7
    top = 2**31 - 1
    for x in (
        rng.normal(size=(n, d)),
        np.ones((n, d)),
        -np.full((n, d), 1e300),
        np.zeros((n, d)),
        np.eye(n, d),
    ):
        integers, unit = fleet.quantise(x, rng)
        assert np.array_equal(integers, np.rint(integers))
        assert (np.abs(integers.sum(axis=0)) <= top).all()
        error = np.abs((integers * unit - x).sum(axis=0))
        allowed = calculus.integer_sum_error(n, 1, fleet.nearest) * unit[0]
        assert (error <= allowed * (1 + 1e-6) + 1e-15 * n * np.abs(x).max()).all()
    sizes = np.abs(fleet.quantise(np.ones((n, d)), rng)[0]).sum(axis=0)
    assert (sizes > 0.49 * top).all()  # the scale uses the range


def test_nearest_errors_add_up_coherently_random_ones_do_not():
    """Equal inputs at half a unit: nearest rounding loses n/2 units, random rounding about sqrt(n)/2."""
    n, f = 400, 10.0
    x = np.full((n, 1), 2.5 / f)
    nearest = ct.IntegerRounding(f).compress(x)
    random = ct.IntegerRounding(f, False).compress(x, np.random.default_rng(0))
    assert abs((nearest - x).sum()) == pytest.approx(calculus.integer_sum_error(n, f))
    assert abs((random - x).sum()) < 0.3 * calculus.integer_sum_error(n, f)


def test_no_joint_claim_without_unbiasedness():
    assert ct.SwitchML(3).joint(3, 4) is None
    random = ct.SwitchML(3, False).joint(3, 4)
    M = 2**31 - 1 - 3
    assert Fraction(4 * 9, 4 * M * M) == random.A
    assert ct.SwitchML(3, False, exponent=True).joint(3, 4).A == 4 * random.A


def test_few_bits_never_overflow_in_any_outcome():
    """Four-bit integers, every outcome of random rounding: the sum stays within 7; a scale without slack leaves it."""
    x = np.array([[1.0, -0.9], [1.0, -1.0]])
    fleet = ct.SwitchML(2, False, width=4)
    for _, y in law(fleet, x):
        assert (np.abs(np.rint(y.sum(axis=0) * float(calculus.no_overflow_scale(2, 1, 4)))) <= 7).all()
    greedy = Fraction(7, 2)  # 7/(n B): both workers may round 3.5 up to 4
    assert largest_sum(2, greedy, 1) == 8
    with pytest.raises(InvalidParameter, match="wider integers"):
        ct.SwitchML(7, width=4)
