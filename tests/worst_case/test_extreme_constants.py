"""tight_rate where mu is nearly L, where memories hardly learn, and where 1 - rho is tiny."""

from fractions import Fraction

import mpmath
import numpy as np
import pytest

import compth as ct
from compth.worst_case.tight_radius import radius_of


@pytest.mark.parametrize("gap", [1e-3, 1e-5, 1e-7, 1e-9, 0])
@pytest.mark.parametrize(
    ("method", "given"),
    [
        ("CGD", {"delta": 0.5, "gamma": 0.8}),
        ("EF21", {"delta": 0.5, "gamma": 0.3}),
        ("EF", {"delta": 0.5, "gamma": 0.17}),
        ("MARINA", {"omega": 2, "n": 4, "gamma": 0.4}),
    ],
    ids=lambda v: v if isinstance(v, str) else "",
)
def test_rates_are_certified_up_to_equal_constants(method, given, gap):
    found = ct.tight_rate(method, mu=1 - gap, L=1.0, **given)
    assert found.certificate.check()
    assert found.attained <= found.certified <= found.attained + 1e-4 * (1 - found.attained)
    away = ct.tight_rate(method, mu=0.999, L=1.0, **given)
    assert found.rho == pytest.approx(away.rho, abs=5e-3)


@pytest.mark.parametrize("alpha", [1e-9, 1e-12])
def test_a_memory_that_hardly_learns_is_not_attained_too_high(alpha):
    found = ct.tight_rate("DIANA", mu=0.1, L=1.0, omega=2, n=3, gamma=0.3, alpha=alpha)
    assert 1 - found.attained == pytest.approx(2 * alpha, rel=1e-3)
    assert found.certified is None or found.attained <= found.certified


def test_clustered_eigenvalues_keep_their_digits():
    a = Fraction(1, 10**9)
    block = [[1 - a, Fraction(1)], [Fraction(0), 1 - a]]
    assert radius_of(block) == float(1 - a)
    turn = [[Fraction(3), Fraction(1)], [Fraction(5), Fraction(2)]]
    back = [[Fraction(2), Fraction(-1)], [Fraction(-5), Fraction(3)]]
    turned = np.array(turn, dtype=object) @ np.array(block, dtype=object) @ np.array(back, dtype=object)
    assert (
        abs(np.abs(np.linalg.eigvals(turned.astype(float))).max() - float(1 - a)) > 1e-9
    )  # what floats make of it
    assert radius_of(turned.tolist()) == pytest.approx(float(1 - a), abs=1e-15)
    assert mpmath.mp.dps == 15


def test_shortcuts_to_a_radius_meet_all_eigenvalues_in_many_digits():
    """A simple root next to 1 of a full block, beside a block of a double root: one refined, one in many digits."""
    a = Fraction(1, 10**9)
    simple = [
        [Fraction(1, 2), 1, 0],
        [0, Fraction(1, 3), 1],
        [(1 - a - Fraction(1, 2)) * (1 - a - Fraction(1, 3)) * (1 - a), 0, 0],
    ]
    double = [[1 - 2 * a, 1], [0, 1 - 2 * a]]
    zero = Fraction(0)
    both = [[*map(Fraction, row), *([zero] * 2)] for row in simple] + [
        [zero] * 3 + [*map(Fraction, row)] for row in double
    ]
    both[0][3] = Fraction(1)  # the blocks are coupled: triangular, not diagonal
    assert radius_of(both) == float(1 - a)
    for row in both[:3]:
        row[:3] = [x * (1 - 3 * a) for x in row[:3]]
    assert radius_of(both) == float(1 - 2 * a)


def test_tiny_gaps_end():
    """1 - rho = 5e-12: bisection in floats never ended here."""
    found = ct.tight_rate("EF", mu=1 / 4e5, L=1.0, delta=2e-5, gamma=1e-6)
    assert found.attained <= found.certified < 1
    for method in ("CGD", "EF", "EF21"):
        best = ct.tight_rate(method, mu=1 / 4e5, L=1.0, delta=2e-5)
        assert best.attained <= best.certified < 1
