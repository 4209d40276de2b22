"""The implications between classes, held against exact laws and against their own optimality."""

from __future__ import annotations

import inspect
from fractions import Fraction

import numpy as np
import pytest
import sympy

import compth as ct
from compth import calculus
from compth.claims import B1, B2, BiasVariance, Contractive, Unbiased
from tests.compressors.exact_law import law, moments

F = Fraction
D = 4
BIASED = [ct.TopK(1), ct.TopK(3), ct.AdaptiveRandom(), ct.NearestRounding(2), ct.NearestRounding(10)]
BIASED += [ct.BiasedSparsification(F(1, 4)), ct.ScaledSign()]
UNBIASED = [ct.RandK(1), ct.RandK(3), ct.NaturalCompression(), ct.Bernoulli(0.25), ct.TernGrad()]


def inputs():
    rng = np.random.default_rng(0)
    yield from (np.ones(D), 5.5 * np.ones(D), 1.5 * np.ones(D), np.eye(D)[1], np.array([1, 0.4, -0.2, 3.0]))
    yield from rng.normal(size=(6, D))


def violated(claim, compressor, factor=1.0):
    """True when the claim fails for factor * C at some input, beyond float rounding."""
    for x in inputs():
        exact_x = [F(float(v)) for v in x]
        mean, second = moments(law(compressor, x))
        scale = F(factor)
        margins = claim.margins(exact_x, [scale * m for m in mean], scale**2 * second)
        if any(float(m.value - m.bound) > 1e-12 * float(second + 1) for m in margins):
            return True
    return False


@pytest.mark.parametrize("compressor", BIASED, ids=repr)
def test_from_b1_and_b2(compressor):
    for claim in compressor.claims(D):
        if isinstance(claim, B1):
            delta = calculus.b1_to_b3(claim.alpha, claim.beta)
            assert not violated(Contractive(delta), compressor, 1 / claim.beta)
            assert not violated(B2(*calculus.b1_to_b2(claim.alpha, claim.beta)), compressor)
        if isinstance(claim, B2):
            delta = calculus.b2_to_b3(claim.gamma, claim.beta)
            assert not violated(Contractive(delta), compressor, 1 / claim.beta)
            assert not violated(B1(*calculus.b2_to_b1(claim.gamma, claim.beta)), compressor)


@pytest.mark.parametrize("compressor", BIASED, ids=repr)
def test_from_b3(compressor):
    delta = compressor.claim(Contractive, D).delta
    assert not violated(B1(*calculus.b3_to_b1(delta)), compressor)
    assert not violated(B2(*calculus.b3_to_b2(delta)), compressor)


@pytest.mark.parametrize("compressor", UNBIASED, ids=repr)
def test_from_unbiased(compressor):
    omega = F(compressor.claim(Unbiased, D).omega)
    zeta = calculus.second_moment(omega)
    assert not violated(B1(1, zeta), compressor)
    assert not violated(B2(1, zeta), compressor)
    delta = calculus.delta_of_scaled_unbiased(omega)
    assert not violated(Contractive(delta), compressor, 1 / zeta)
    for factor in (F(1, 3), F(3, 4)):
        error = calculus.scaled_error(omega, factor)
        assert not violated(Contractive(1 - error), compressor, factor)
        pair = calculus.bias_variance_scaled(0, omega, factor)
        assert not violated(BiasVariance(*pair), compressor, factor)


def test_the_relation_check_catches_wrong_constants():
    top = ct.TopK(1)
    assert violated(Contractive(F(1, 3)), top)  # delta = 1/4
    rounding = ct.NearestRounding(10)
    b1 = rounding.claims(D)[1]
    assert violated(Contractive(calculus.b1_to_b3(b1.alpha, b1.beta) * 30), rounding, 1 / b1.beta)
    assert violated(B2(F(1, 2), 1), top)
    assert violated(Contractive(F(1, 2)), ct.RandK(1), F(1, 4))


def test_relations_between_classes_are_attained_and_stronger_ones_fail():
    """One compressor each at which a relation has nothing to spare: Rand-1 (B1 and B2), multiples of x (B2 and B3)."""
    rand, every, zeta, less = ct.RandK(1), ct.Identity(), F(D), F(99, 100)
    assert not violated(B1(zeta, zeta), rand)  # E||C||^2 = zeta ||x||^2, E C(x) = x
    for source in (calculus.b1_to_b3(zeta, zeta), calculus.b2_to_b3(F(1), zeta)):
        assert not violated(Contractive(source), rand, 1 / zeta)
        assert violated(Contractive(source / less), rand, 1 / zeta)
    gamma, beta = calculus.b1_to_b2(zeta, zeta)
    assert not violated(B2(gamma, beta), rand)
    assert violated(B2(gamma / less, beta), rand)
    assert violated(B2(gamma, beta * less), rand)
    factor = F(1, 4)
    assert not violated(B2(factor, factor), every, factor)
    alpha, beta = calculus.b2_to_b1(factor, factor)
    assert not violated(B1(alpha, beta), every, factor)
    assert violated(B1(alpha / less, beta), every, factor)
    assert violated(B1(alpha, beta * less), every, factor)
    root = F(999, 1000)  # of 1 - delta: the ends of the contractive multiples of x
    delta = 1 - root**2
    short, long = 1 - root, 1 + root
    for relation, kind in ((calculus.b3_to_b1, B1), (calculus.b3_to_b2, B2)):
        first, beta = relation(delta)
        assert not violated(kind(first, beta), every, short)
        assert not violated(kind(first, beta), every, long)
        assert violated(kind(first / less, beta), every, short)
        assert violated(kind(first, beta * less), every, long)


def test_unbiased_compressor_after_a_contractive_one():
    """RandK o TopK / (1 + omega) is contractive with delta1/(1 + omega), and not with twice that."""
    composed = ct.Composed(ct.RandK(2), ct.TopK(1))
    omega = ct.RandK(2).claim(Unbiased, D).omega
    delta = calculus.composed_delta(F(1, D), omega)
    assert delta == F(1, 8)
    assert not violated(Contractive(delta), composed, 1 / (1 + omega))
    assert violated(Contractive(4 * delta), composed, 1 / (1 + omega))


def test_composition_in_both_orders_and_induced_forms():
    w1, w2, delta = F(3, 2), F(1, 8), F(1, 4)
    assert calculus.composed_omega(w1, w2) == w1 * w2 + w1 + w2 == calculus.composed_omega(w2, w1)
    assert calculus.composed_omega(w1, F(1, 8)) == F(9, 8) * w1 + F(1, 8)
    omega = calculus.induced_omega(delta, w1)
    assert 1 + omega == calculus.induced_second_moment(delta, 1 + w1)
    d, k = 8, 2
    assert 1 + calculus.induced_omega(F(k, d), F(d, k) - 1) == F(13, 4)  # d/k - 1 + k/d


def test_ef_bv_scaling_minimises_its_factor():
    for eta, omega in (
        (0, F(3)),
        (F(1, 2), F(1, 3)),
        (F(1, 4), F(10)),
        (F(9, 10), F(1, 1000)),
        (F(1, 2), F(1, 8)),
    ):
        best = calculus.ef_bv_scaling(eta, omega)
        least = calculus.ef_bv_contraction(eta, omega, best)
        grid = [calculus.ef_bv_contraction(eta, omega, F(i, 200)) for i in range(1, 201)]
        assert least <= min(grid)
        assert least < 1
        assert min(grid) - least < F(1, 2000)
    delta = F(1, 5)
    assert calculus.ef_bv_scaling(0, 1 / delta - 1) == delta  # unbiased: 1/(1 + omega)
    assert calculus.delta_of_bias_variance(F(1, 2), F(1, 4)) == F(1, 2)


def test_a_deterministic_contraction_is_all_bias():
    """Tight for Top-K and the scaled sign; EF-BV then takes them, with the scaling 1."""
    for compressor in (ct.TopK(1), ct.RankR(1, (2, 2)), ct.ScaledSign()):
        delta = compressor.claim(Contractive, D).delta
        pair = compressor.claim(BiasVariance, D)
        assert (pair.eta, pair.omega) == calculus.bias_variance_of_deterministic(delta)
        assert not violated(pair, compressor)
        assert calculus.ef_bv_scaling(pair.eta, pair.omega) == 1
        assert ct.guarantee(ct.EFBV(compressor), ct.problems.random_quadratic(2, D, 5, seed=1)).rho < 1
    assert violated(BiasVariance(F(85, 100), 0), ct.TopK(1))  # sqrt(3)/2 = 0.866


def test_ef21_constants():
    """(1 - delta)(1 + s) = 1 - theta and (1 - delta)(1 + 1/s) = beta with one s; the ends delta = 1 and 0."""
    for delta in (F(3, 4), F(7, 16), F(1, 10**6)):
        theta, beta = calculus.ef21_theta_beta(delta)
        s = (1 - theta) / (1 - delta) - 1
        assert float((1 - delta) * (1 + 1 / s)) == pytest.approx(float(beta), rel=1e-9)
    assert calculus.ef21_theta_beta(F(3, 4)) == (F(1, 2), F(1, 2))
    assert calculus.ef21_theta_beta(1) == (1, 0)


def test_one_line_for_numbers_and_symbols():
    n, d, omega = sympy.symbols("n d omega", positive=True)
    a, b = calculus.perm_joint(n, d)
    for nn, dd in ((4, 2), (2, 4), (3, 3), (6, 2)):
        assert (a.subs({n: nn, d: dd}), b.subs({n: nn, d: dd})) == tuple(
            map(sympy.Rational, calculus.perm_joint(nn, dd))
        )
    assert calculus.perm_joint(1, 5) == (1, 1)
    m = sympy.Symbol("m", positive=True)
    a, b = calculus.nice_joint(m, n, omega)
    values = {m: 2, n: 5, omega: sympy.Rational(1, 2)}
    assert (a.subs(values), b.subs(values)) == tuple(map(sympy.Rational, calculus.nice_joint(2, 5, F(1, 2))))
    assert calculus.nice_joint(5, 5, 0) == (0, 0)
    assert calculus.nice_joint(1, 1, 0) == (0, 0)
    assert calculus.send_or_skip_omega(omega, 1) == omega


PROBES = {
    "alpha": F(1, 4), "beta": F(2), "gamma": F(1, 3), "delta": F(7, 16), "eta": F(1, 4), "omega": F(3, 2),
    "zeta": F(5, 2),
    "outer": F(1, 2), "inner": F(1, 8), "inner_delta": F(1, 4), "outer_omega": F(1, 2), "omega_average": F(1, 2),
    "a_s": F(1, 2), "factor": F(1, 3), "lam": F(1, 2), "f": F(5), "largest": F(1), "n": F(4), "d": F(9), "m": F(2),
    "p": F(1, 2), "bits": F(9), "Delta": F(3), "s": F(1, 3), "c": F(1, 18),
}  # fmt: skip
NEEDS_NUMBERS = {
    "sampled_joint",
    "alpha_p",
    "uncertainty_margin",
    "switchml_reference_scale",
    "blocks_omega",
    "blocks_delta",
    "blocks_pair",
    "blocks_absolute",
    "blocks_max_norm",
}  # sequences, cases
RELATIONS = [
    f
    for name, f in inspect.getmembers(calculus, inspect.isfunction)
    if f.__module__ == calculus.__name__ and not name.startswith("_") and name not in NEEDS_NUMBERS
]


@pytest.mark.parametrize("relation", RELATIONS, ids=lambda f: f.__name__)
def test_every_relation_takes_fractions_and_symbols(relation):
    """Fractions stay exact, and the formula in symbols has the same value."""
    names = [p.name for p in inspect.signature(relation).parameters.values() if p.default is p.empty]
    symbols = {name: sympy.Symbol(name, positive=True) for name in names}
    numbers, formulas = relation(*map(PROBES.get, names)), relation(*symbols.values())
    if not isinstance(numbers, tuple):
        numbers, formulas = (numbers,), (formulas,)
    put = {symbols[n]: sympy.Rational(PROBES[n].numerator, PROBES[n].denominator) for n in names}
    for number, formula in zip(numbers, formulas, strict=True):
        assert isinstance(number, int | F)
        assert sympy.sympify(formula).subs(put) == sympy.Rational(number.numerator, number.denominator)
