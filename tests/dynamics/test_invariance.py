"""Exact numbers in any unit: under f -> c f and x -> a x the iterates stay the same, and so must every answer."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

import compth as ct
from compth.dynamics import best_step, exact, exact_rate, max_stable_step, stationary
from compth.dynamics.descent import minimum_by_fit
from compth.dynamics.units import Units, units_of
from compth.problems import FiniteSum, distributed_quadratic, random_finite_sum, random_quadratic
from tests.thorough import thorough, tries
from tests.unwatched import unwatched

HALF, RAND = Fraction(1, 2), ct.RandK(1)
SPREAD = random_quadratic(3, 3, 12, seed=11, minimisers=1.0)
SUM = random_finite_sum(1, 3, 2, 6, seed=3, minimisers=1.0)
SQUARE = random_quadratic(2, 2, 6, seed=3, hessians=0.3)
FAR_APART = distributed_quadratic(SPREAD.A * np.array([1e-4, 1.0, 1e4])[:, None, None], SPREAD.b)
CASES = {
    "DCGD": (ct.DCGD(RAND), SPREAD),
    "EF": (ct.EF(ct.Scaled(RAND)), SPREAD),
    "EF21": (ct.EF21(ct.Scaled(RAND)), SPREAD),
    "DIANA": (ct.DIANA(RAND), SPREAD),
    "DIANA, correlated": (ct.DIANA(ct.PermK(2)), SQUARE),
    "DIANA, no noise": (ct.DIANA(ct.Identity()), SPREAD),
    "MARINA": (ct.MARINA(RAND), SPREAD),
    "EF-BV": (ct.EFBV(RAND), SPREAD),
    "ISEGA": (ct.ISEGA(tau=HALF), SQUARE),
    "SAGA": (ct.SAGA(), SUM),
    "L-SVRG": (ct.LSVRG(), SUM),
    "ADIANA": (ct.ADIANA(RAND), SQUARE),
    "IST": (ct.IST(ct.PermK(2)), SQUARE),
    "DIANA, far apart": (ct.DIANA(RAND), FAR_APART),
}
KEPT: dict[str, dict[str, np.ndarray]] = {}


def in_units(problem, c, a):
    """c f(x/a)/... : Hessians times c, minimisers times a."""
    if isinstance(problem, FiniteSum):
        return FiniteSum(problem.parts * c, problem.offsets * (c * a))
    return distributed_quadratic(problem.A * c, problem.b * (c * a))


def answers(method, problem, c, a):
    """Every answer in the units of c = a = 1, and whether all of them converged with true brackets."""
    q = in_units(problem, c, a)
    run = replace(method, gamma=0.1 / (problem.L * c))
    curve, rate, rest = exact(run, q, 20), exact_rate(run, q), stationary(run, q)
    top, best = max_stable_step(method, q), best_step(method, q)
    assert rate.converged
    assert rest.converged
    assert top.converged
    assert best.converged
    for value, (low, high) in (
        (rate.rho_noise, rate.bracket),
        (rest.mean_square, rest.bracket),
        (rest.gap, rest.gap_bracket),
        (top, top.bracket),
        (best.gamma, best.bracket),
    ):
        assert low * (1 - 1e-12) <= value <= high * (1 + 1e-12)
    below, above = (exact_rate(replace(method, gamma=float(g)), q) for g in top.bracket)
    assert below.rho_noise <= 1 + 1e-9
    assert above.rho_noise >= 1 - 1e-9
    return {
        "curve": curve.mean_square / a**2,
        "gap": curve.mean_gap / (c * a**2),
        "gradient": curve.mean_gradient_square / (c * a) ** 2,
        "rate": np.array([rate.rho, rate.rho_noise, rate.rho_mean]),
        "stationary": np.array([rest.mean_square, rest.gap / c]) / a**2,
        "stable": np.array([top * c]),
        "best": np.array([best.gamma * c, best.rate.rho]),
    }


def check(name, c, a, small=1e-14):
    """The answers in these units are those in the first ones."""
    method, problem = CASES[name]
    if name not in KEPT:
        KEPT[name] = answers(method, problem, 1.0, 1.0)
    found = answers(method, problem, c, a)
    for key, want in KEPT[name].items():
        assert found[key] == pytest.approx(want, rel=1e-6, abs=small), key


SLOW = ("ADIANA", "DIANA, correlated", "DIANA, no noise", "L-SVRG", "EF")


@pytest.mark.parametrize(
    "name", [pytest.param(k, marks=pytest.mark.slow if k in SLOW else ()) for k in CASES]
)
@unwatched()
def test_no_answer_depends_on_small_units(name):
    check(name, 1e-9, 1e3)


@thorough
@pytest.mark.slow
@pytest.mark.parametrize("name", list(CASES)[:: tries(3, 1)])
@unwatched()
def test_no_answer_depends_on_the_units(name):
    """At two corners of what is asked for, and inside; in a run of the suite a third of the cases at one corner."""
    inside = np.random.default_rng([*name.encode()]).uniform((-9, -6), (9, 6))
    for c, a in ((9.0, -6.0), (-9.0, 6.0), inside)[: tries(1, 3)]:
        check(name, float(10.0**c), float(10.0**a))


POINT = random_quadratic(1, 1, 1, seed=3, minimisers=1.0)
ROUND = random_quadratic(2, 3, 1, seed=3, minimisers=1.0)
ROUND_SUM = random_finite_sum(2, 3, 2, 1.0, seed=3, minimisers=1.0)
POINT_SUM = random_finite_sum(1, 1, 2, 1.0, seed=3, minimisers=1.0)
EDGES = {
    "kappa = 1: EF": (ct.EF(ct.Scaled(RAND)), ROUND),
    "kappa = 1: DIANA": (ct.DIANA(RAND, alpha=Fraction(1, 3)), ROUND),
    "kappa = 1: SAGA": (ct.SAGA(), ROUND_SUM),
    "kappa = 1: L-SVRG": (ct.LSVRG(), ROUND_SUM),
    "kappa = 1, n = 1: DCGD": (ct.DCGD(RAND), random_quadratic(1, 2, 1, seed=3, minimisers=1.0)),
    "d = 1, n = 1: DIANA": (ct.DIANA(RAND), POINT),
    "d = 1, n = 1: EF": (ct.EF(ct.Scaled(RAND)), POINT),
    "d = 1, n = 1: SAGA": (ct.SAGA(), POINT_SUM),
    "d = 1, n = 1: L-SVRG": (ct.LSVRG(), POINT_SUM),
    "d = 1, n = 3: EF": (ct.EF(ct.Scaled(RAND)), random_quadratic(3, 1, 1, seed=3, minimisers=1.0)),
}


@pytest.mark.parametrize(
    "name", [pytest.param(k, marks=pytest.mark.slow if k == "kappa = 1: EF" else ()) for k in EDGES]
)
def test_edges_are_answered_in_any_unit(name, monkeypatch):
    """Roots coalesce there, rho has cusps and flat floors; a perfect step leaves nothing."""
    monkeypatch.setitem(CASES, name, EDGES[name])
    check(name, 1e-7, 1.0, small=2e-8)  # roots that coalesce at 0 show the root of the rounding


def test_a_perfect_step_is_found_among_coalescing_roots():
    """Without noise and at kappa = 1 the step 1/L leaves 0: a small residual says nothing there."""
    found = best_step(ct.DIANA(ct.Identity()), ROUND)
    assert found.converged
    assert found.gamma * ROUND.L == pytest.approx(1, abs=1e-3)
    assert found.rate.rho < 1e-6


def test_searches_alone_miss_the_perfect_step(monkeypatch):
    """Planted: no enclosure by resolvents."""
    for module in ("radii", "along"):
        monkeypatch.setattr(f"compth.dynamics.{module}.DENSE", 0)
    found = best_step(ct.DIANA(ct.Identity()), ROUND)
    assert not found.converged or found.rate.rho > 1e-6


def test_a_flat_floor_gives_its_smallest_step():
    """EF at kappa = 1: the roots of the mean are a complex pair of modulus sqrt(2/3) from L gamma = 5 - sqrt(24) on."""
    method, problem = EDGES["kappa = 1: EF"]
    found = best_step(method, problem)
    assert found.gamma * problem.L == pytest.approx(5 - np.sqrt(24), rel=1e-7)
    assert found.rate.rho == pytest.approx(np.sqrt(2 / 3), rel=1e-12)
    floor = exact_rate(replace(method, gamma=float(found.gamma) * 1.3), problem)
    assert floor.rho == pytest.approx(found.rate.rho, rel=1e-12)
    assert found.bracket[1] > 1.3 * found.gamma


@pytest.mark.parametrize("at", [0.0, 3e-4, -1.7e-3, 5e-3])
@pytest.mark.parametrize(("left", "right"), [(1.0, 1.0), (0.3, 2.5), (2.5, 0.3)])
def test_a_cusp_is_found_wherever_it_lies(at, left, right):
    """Two branches of rho that cross: on a straight piece there is no vertex, and the search goes on downhill."""
    found, rises = minimum_by_fit(lambda u: 0.5 + max(left * (at - u), right * (u - at)), 0.0, 1e-3)
    assert rises
    assert found == pytest.approx(at, abs=1e-8)


def test_unscaled_searches_are_seen(monkeypatch):
    """Planted: vectors of order 1 and c side by side, as they are."""

    def ones(system):
        found = units_of(system)
        return Units(np.ones_like(found.common), None if found.memory is None else np.ones_like(found.memory))

    monkeypatch.setattr("compth.dynamics.units.units_of", ones)
    method, problem = CASES["EF21"]
    rates = [
        exact_rate(replace(method, gamma=0.1 / problem.L / c), in_units(problem, c, 1.0)) for c in (1, 1e-6)
    ]
    assert not rates[1].converged or abs(rates[1].rho - rates[0].rho) > 1e-6
