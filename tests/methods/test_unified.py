"""The unified theory's arithmetic against the paper's corollaries, and its assumption under the referee."""

from dataclasses import replace
from fractions import Fraction

import pytest
import sympy

import compth as ct
from compth.errors import InvalidParameter, NoGuarantee
from compth.methods.core.unified import Parameters, convex_combination

n, d, m, L, mu, s2, w, p, al = sympy.symbols("n d m L mu s2 w p alpha", positive=True)
QUADRATIC = ct.problems.random_quadratic(2, 2, 20, seed=1, minimisers=2.0)


# row: parameters, then M, 1/gamma and memory factor as the paper's corollaries print them
COROLLARIES = {
    "SAGA": (Parameters(2 * L, 2, 1 / n, L / n), 4 * n, 6 * L, 1 - 1 / (2 * n)),
    "SEGA": (Parameters(2 * d * L, 2 * d, 1 / d, L / d), 4 * d**2, 6 * d * L, 1 - 1 / (2 * d)),
    "L-SVRG": (Parameters(2 * L, 2, p, L * p), 4 / p, 6 * L, 1 - p / 2),
    "DIANA": (
        Parameters((1 + 2 * w / n) * L, 2 * w / n, 1 / (1 + w), L / (1 + w)),
        4 * w * (1 + w) / n,
        (1 + 6 * w / n) * L,
        1 - 1 / (2 * (1 + w)),
    ),
    "VR-DIANA": (
        Parameters((1 + (4 * w + 2) / n) * L, 2 * (w + 1) / n, al, (1 / m + 4 * al) * L),
        4 * (w + 1) / (n * al),
        (1 + (20 * w + 18) / n + (4 * w + 4) / (n * al * m)) * L,
        1 - al / 2,
    ),
}


@pytest.mark.parametrize("row", COROLLARIES)
def test_the_papers_corollaries_follow(row):
    parameters, memory, inverse_step, factor = COROLLARIES[row]
    found = parameters.memory()
    assert sympy.simplify(found - memory) == 0
    step = parameters.largest_step(found)
    assert sympy.simplify(1 / step - inverse_step) == 0
    rate = parameters.rate(step, mu, found)
    assert {sympy.simplify(a) for a in rate.args} == {sympy.simplify(v) for v in (1 - mu * step, factor)}


def test_the_noisy_rows_floors_are_the_papers():
    values = {n: 7, d: 5, L: 3, mu: Fraction(1, 4), s2: Fraction(2, 3)}
    saga = Parameters(2 * L, 2, 1 / n, L / n, 2 * s2, s2 / n)
    sega = Parameters(2 * d * L, 2 * d, 1 / d, L / d, 2 * d * s2, s2 / d)
    for row, printed in ((saga, s2 / (L * sympy.Min(mu, 3 * L / n))), (sega, s2 / (L * mu))):
        memory = row.memory()
        floor = row.floor(row.largest_step(memory), mu, memory)
        assert sympy.nsimplify(floor.subs(values)) == sympy.nsimplify(printed.subs(values))


def test_floor_is_the_fixed_point_of_the_one_step_bound():
    row = Parameters(Fraction(2), Fraction(3), Fraction(1, 5), Fraction(1, 7), Fraction(4), Fraction(1, 2))
    memory = row.memory()
    gamma, mu_ = row.largest_step(memory, Fraction(1, 10)), Fraction(1, 10)
    floor = row.floor(gamma, mu_, memory)
    assert isinstance(floor, Fraction)
    assert row.rate(gamma, mu_, memory) * floor + row.noise(gamma, memory) == floor


def test_without_sigma_the_memory_is_dropped():
    row = Parameters(A=4, D1=3, C=9, D2=5)  # C and D2 speak of a sigma^2 that nothing uses
    assert row.memory() == 0
    assert row.largest_step(0) == Fraction(1, 4)
    assert row.largest_step(0, mu=8) == Fraction(1, 8)
    assert row.rate(Fraction(1, 4), 1, 0) == Fraction(3, 4)
    assert row.floor(Fraction(1, 4), 1, 0) == Fraction(3, 4)
    assert not row.variance_reduced


@pytest.mark.parametrize(
    ("make", "error"),
    [
        (lambda: Parameters(A=-1), InvalidParameter),
        (lambda: Parameters(A=1, B=2, rho=0), InvalidParameter),  # SVRG's row, used over an epoch only
        (lambda: Parameters(A=1, rho=1.5), InvalidParameter),
        (lambda: Parameters(A=1, B=2, rho=0.5).check_memory(4), NoGuarantee),
        (lambda: convex_combination([(0.5, Parameters(1)), (0.6, Parameters(1))]), InvalidParameter),
    ],
)
def test_inadmissible_parameters_are_refused(make, error):
    with pytest.raises(error):
        make()


def test_mixing_keeps_the_assumption():
    saga, sgd = Parameters(2, 2, Fraction(1, 3), Fraction(1, 3)), Parameters(2, D1=6)
    half = Fraction(1, 2)
    mixed = convex_combination([(half, saga), (half, sgd)])
    assert mixed == Parameters(2, 1, Fraction(1, 3), Fraction(1, 3), 3, 0)
    apart = convex_combination([(half, saga), (half, sgd)], independent=True, L=1)
    assert apart == Parameters(2, 1, Fraction(1, 3), Fraction(1, 6), Fraction(3, 2), 0)
    assert convex_combination([(half, sgd), (half, sgd)]).B == 0
    x = sympy.Symbol("tau", positive=True)
    assert convex_combination([(x, sgd), (1 - x, saga)]).A.subs(x, half) == 2


DIANA = ct.DIANA(ct.RandK(1))
ROW = DIANA.theorems()[0]


def test_dianas_row_keeps_its_theorem():
    c = DIANA.check(QUADRATIC)
    plan = ROW.plan(c)
    assert plan.gamma == pytest.approx(1 / ((1 + 6 * c.omega / c.n) * c.L_max))
    assert plan["weight"] == pytest.approx(4 * c.omega * (1 + c.omega) / c.n * plan.gamma**2)
    assert plan.rho == max(1 - plan.gamma * c.mu, 1 - Fraction(1, 2) / (1 + c.omega))


def test_dianas_assumption_holds_and_is_tight_in_its_second_line():
    found = ct.check_assumption(DIANA, QUADRATIC, ROW)
    assert found.holds
    assert found.bias < 1e-10
    assert found.second > 0.99
    assert found.first > 0.5  # looseness at most 2


@pytest.mark.parametrize(
    ("name", "factor", "line"),
    [("A", 0.5, "first"), ("B", 0.5, "first"), ("C", 0.5, "second"), ("rho", 1.5, "second")],
)
def test_wrong_parameters_of_diana_are_caught(name, factor, line):
    right = ROW.parameters(DIANA.check(QUADRATIC))
    wrong = replace(right, **{name: factor * float(getattr(right, name))})
    found = ct.check_assumption(DIANA, QUADRATIC, ROW, parameters=wrong)
    assert not found.holds
    assert getattr(found, line) > 1.05


@pytest.mark.slow
def test_what_cannot_be_enumerated_is_refused():
    with pytest.raises(ct.errors.Unsupported, match="cannot be enumerated"):
        ct.check_assumption(ct.DIANA(ct.RandK(3)), ct.problems.random_quadratic(4, 9, 5), ROW)
