"""Blocks: constants are the worst block's, attained there; bits add; what overlaps is caught."""

from fractions import Fraction

import numpy as np
import pytest
import sympy

import compth as ct
from compth import calculus
from compth.claims import Standing

HALF = Fraction(1, 2)


def test_constants_are_the_worst_block_s_and_proved():
    made = ct.Blocks([ct.RandK(k=1), ct.RandK(k=1)], (2, 3))
    (omega,) = made.claims(5)
    assert (omega.omega, omega.standing) == (2, Standing.PROVED)
    assert ct.certify(made, 5, budget="quick").verdict is ct.Verdict.PROVED
    less = ct.certify(made, 5, claims=ct.Unbiased("1.9"), budget="quick")
    assert less.verdict is ct.Verdict.REFUTED
    assert not np.any(less.certificates[-1].witness[:2])  # attained in the worse block alone
    top = ct.Blocks([ct.TopK(k=1), ct.TopK(k=2)], (4, 4)).claim(ct.Contractive, 8)
    assert (top.delta, top.sharpness.value, top.standing) == (Fraction(1, 4), "tight", Standing.PROVED)


def test_a_shorter_last_block_counts():
    made = ct.Layerwise(ct.TopK(k=1), 3)
    assert [size for _, size in made.parts(8)] == [3, 3, 2]
    assert made.claim(ct.Contractive, 8).delta == Fraction(1, 3)
    assert ct.Blocks(ct.RandK(k=2), 3).why_not(7).startswith("in a block of 1 coordinates RandK")
    assert made.bits(8).total == sum(ct.TopK(k=1).bits(b).total for b in (3, 3, 2))


def test_a_symbol_stands_for_every_number():
    d = sympy.Symbol("d", positive=True)
    omega = ct.Blocks(ct.RandK(k=1), 4).claims(d)[0].omega
    assert [omega.subs(d, v) for v in (2, 4, 9)] == [1, 3, 3]


def test_every_block_is_its_own_compressor():
    x = np.arange(1.0, 6)
    made = ct.Blocks([ct.TopK(k=1), ct.TopK(k=2)], (2, 3))
    assert made.compress(np.stack([x, -x])).tolist() == [[0, 2, 0, 4, 5], [0, -2, 0, -4, -5]]


def test_bits_of_a_message_are_those_of_its_parts():
    made = ct.Blocks([ct.Bernoulli(p=HALF), ct.RandK(k=1)], (3, 2))
    y = np.array([[1.0, 0, 0, 2, 0], [1.0, 1, 1, 2, 0]])
    first, rest = ct.Bernoulli(p=HALF).message_bits(y[:, :3]), ct.RandK(k=1).bits(2).total
    assert made.message_bits(y).tolist() == (first + rest).tolist()
    assert made.bits(5).random


def test_exact_dynamics_of_independent_coordinates():
    problem = ct.problems.random_quadratic(n=2, d=4, kappa=5, seed=0)
    whole = ct.DCGD(ct.Bernoulli(p=HALF), gamma=0.1)
    parts = ct.DCGD(ct.Blocks(ct.Bernoulli(p=HALF), 3), gamma=0.1)
    assert np.allclose(
        ct.exact(whole, problem, 5).mean_square, ct.exact(parts, problem, 5).mean_square, rtol=1e-12
    )
    assert ct.Blocks(ct.RandK(k=1), 2).noise(4) is None  # its coordinates are not independent


def test_a_false_class_of_blocks_proves_nothing():
    class Overlapping(ct.Blocks):
        """Its second block begins in the first one."""

        def _each(self, x, apply):
            y = np.zeros(x.shape)
            for c, at in self._slices(x.shape[-1]):
                at = slice(max(0, at.start - 1), at.stop)
                y[..., at] += apply(c, x[..., at])
            return y

    made = Overlapping(ct.TopK(k=1), 2)
    assert {c.standing for c in made.claims(4)} == {Standing.ASSUMED}
    assert ct.certify(made, 4, budget="quick").verdict is ct.Verdict.REFUTED


def test_layers_of_a_function_that_overlap_are_refuted():
    def overlapping(x):
        y = np.zeros_like(x)
        for at in (slice(0, 3), slice(2, 5)):
            i = at.start + int(np.argmax(np.abs(x[at])))
            y[i] += x[i]
        return y

    report = ct.certify(overlapping, 5, claims=ct.Contractive("1/3"), budget="quick")
    assert report.verdict is ct.Verdict.REFUTED
    assert np.flatnonzero(report.certificates[-1].witness).tolist() == [2]


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: ct.Blocks(3, 2), "needs a Compressor or a list"),
        (lambda: ct.Blocks(ct.TopK(k=1), 0), "sizes >= 1"),
        (lambda: ct.Blocks(ct.TopK(k=1), ()), "at least one size"),
        (lambda: ct.Blocks([ct.TopK(k=1)], (2, 3)), "as many sizes"),
        (lambda: ct.Blocks([ct.TopK(k=1), ct.TopK(k=1)], 2), "as many sizes"),
        (lambda: ct.Blocks(ct.TopK(k=1), (2, 3)).compress(np.ones(4)), "d = 5, the sum of its sizes"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(make, says):
    with pytest.raises((ct.errors.InvalidParameter, ct.errors.Unsupported), match=says):
        make()


def test_rules_of_wider_claims_hold_on_random_numbers():
    rng = np.random.default_rng(0)
    for _ in range(200):
        sizes = rng.integers(1, 5, 3)
        c, parts = rng.random(3), [rng.normal(size=b) for b in sizes]
        most = [c[i] * len(p) * np.abs(p).max() ** 2 for i, p in enumerate(parts)]
        x = np.concatenate(parts)
        whole = calculus.blocks_max_norm(*zip(c, map(float, sizes), strict=True))
        assert sum(most) <= whole * len(x) * np.abs(x).max() ** 2 * (1 + 1e-12)
        delta, Delta, s = rng.random(), rng.random(), rng.random() * 3
        a, b = np.sqrt(1 - delta) * np.linalg.norm(x), Delta  # the two errors, in one direction
        lesser, larger = calculus.absolute_after_any(delta, Delta, s)
        assert (a + b) ** 2 <= (1 - lesser) * (x @ x) + larger**2 + 1e-9
        assert calculus.blocks_absolute(*c) ** 2 == pytest.approx(float(c @ c))
        assert 1 - calculus.max_norm_delta(Fraction(1, 9), 4) == Fraction(4, 9)
        assert (1 - delta) * (x @ x) <= calculus.delta_max_norm(delta) * len(x) * np.abs(x).max() ** 2
