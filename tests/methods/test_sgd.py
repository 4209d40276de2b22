"""SGD's rows of the unified theory, and theorems with gradient noise: assumption, exact curves, floors, spoils."""

import json
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

import compth as ct
from compth.cli import run
from compth.errors import InvalidParameter, NoGuarantee
from compth.methods import find_guarantee, theorems, unified_table
from compth.methods._unified import UnifiedTheorem
from compth.problems import FiniteSum, additive_noise, random_finite_sum, random_quadratic
from compth.problems.oracle import Coordinates

from .grid import Spoiled

PROBLEMS = {
    "one node": random_finite_sum(1, 3, 2, 20, seed=1, minimisers=2.0),
    "two workers": random_finite_sum(2, 2, 2, 5, seed=2),
    "plain": random_quadratic(3, 2, 20, seed=1),
    "interpolation": random_finite_sum(1, 3, 2, 10, seed=3, interpolation=True),
}
METHODS = (
    ct.SGD(),
    ct.SGD(oracle=ct.Minibatch(2)),
    ct.SGD(oracle=ct.Minibatch(2, replace=True)),
    ct.SGD(oracle=ct.Importance()),
    ct.SGD(oracle=Coordinates(1)),
    ct.SGDStar(),
    ct.SGDStar(oracle=ct.Importance()),
)


def applicable(method, problem):
    c = method.check(problem)
    return [th for th in method.theorems() if isinstance(th, UnifiedTheorem) and not th.why_not(c)]


@pytest.mark.slow
@pytest.mark.parametrize("name", PROBLEMS)
def test_assumptions_hold_and_exact_curves_stay_below(name):
    problem, tried = PROBLEMS[name], set()
    for method in METHODS:
        for theorem in applicable(method, problem):
            found = ct.check_assumption(method, problem, theorem)
            assert found.holds, (method.label, theorem.id, found.first)
            promised = find_guarantee(method, problem, theorem)
            curve = ct.exact(method, problem, 150, theorem=theorem)
            bound = np.array([promised.rate.bound(t) for t in range(151)])
            assert (curve.mean_square <= bound * (1 + 1e-9)).all(), (method.label, theorem.id)
            tried.add(theorem.id)
    assert tried == {"sgd.uniform", "sgd.reweighted", "sgd.minibatch", "sgd.star", "sgd.star_table"}


def one_dominant(m):
    """1-D: one component of curvature 1, the others linear, so that g(x) - g(x*) = g(x*) is nearly attained."""
    parts, offsets = np.zeros((1, m, 1, 1)), np.full((1, m, 1), 1 / (m - 1))
    parts[0, 0], offsets[0, 0] = 1.0, -1.0
    return FiniteSum(parts, offsets)


@pytest.mark.parametrize("identifier", ["sgd.uniform", "sgd.reweighted", "sgd.minibatch"])
@pytest.mark.parametrize(("name", "factor"), [("A", 0.5), ("D1", 0.5)])
def test_halved_constants_are_caught(identifier, name, factor):
    problem, method = one_dominant(16), ct.SGD()
    theorem = next(t for t in method.theorems() if t.id == identifier)
    right = theorem.parameters(method.check(problem))
    true = ct.check_assumption(method, problem, theorem)
    assert true.holds
    assert true.first > 0.85  # nearly attained: looseness below 1.2
    wrong = replace(right, **{name: factor * getattr(right, name)})
    found = ct.check_assumption(method, problem, theorem, parameters=wrong)
    assert not found.holds
    assert found.first > 1.2


def test_the_quantised_row_is_caught_when_halved():
    problem, method = one_dominant(16), ct.DCGD(ct.SendOrSkip(ct.Identity(), 0.5), oracle=ct.Minibatch())
    theorem = next(t for t in method.theorems() if t.id == "sgd.quantized")
    right = theorem.parameters(method.check(problem))
    assert ct.check_assumption(method, problem, theorem).holds
    for name in ("A", "D1"):
        wrong = replace(right, **{name: 0.5 * float(getattr(right, name))})
        assert ct.check_assumption(method, problem, theorem, parameters=wrong).first > 1.2


@pytest.mark.parametrize("method", [ct.SGDStar(), ct.SGDStar(oracle=ct.Importance())])
def test_the_star_row_is_loose_by_two_and_the_sharp_one_is_not(method):
    problem = PROBLEMS["plain"]
    sharp, table = method.theorems()
    assert ct.check_assumption(method, problem, table).first == pytest.approx(0.5, rel=1e-4)
    assert ct.check_assumption(method, problem, sharp).first == pytest.approx(1, rel=1e-4)
    wrong = replace(
        sharp.parameters(method.check(problem)), A=0.95 * sharp.parameters(method.check(problem)).A
    )
    assert not ct.check_assumption(method, problem, sharp, parameters=wrong).holds


@pytest.mark.parametrize(
    ("oracle", "sampling"),
    [
        (ct.Minibatch(2), ct.NiceSampling(4, 2)),
        (ct.Minibatch(1), ct.NiceSampling(4, 1)),
        (
            ct.Arbitrary(ct.IndependentSampling((0.5, 0.25, 0.75, 1.0))),
            ct.IndependentSampling((0.5, 0.25, 0.75, 1.0)),
        ),
    ],
)
def test_sgd_is_dcgd_with_sampled_workers(oracle, sampling):
    """The same minibatches twice: components through an oracle, or workers through a sampled fleet."""
    problem = random_finite_sum(1, 4, 3, 10, seed=5, minimisers=1.0)
    a = ct.exact(ct.SGD(0.3, oracle=oracle), problem, 20).mean_square
    b = ct.exact(ct.DCGD(ct.Sampled(ct.Identity(), sampling), 0.3), problem.as_workers(), 20).mean_square
    assert a == pytest.approx(b, rel=1e-11)


def test_simulation_agrees_with_the_exact_curve():
    problem = PROBLEMS["two workers"]
    for method in (ct.SGD(), ct.SGD(oracle=ct.Importance(size=2)), ct.SGDStar()):
        trace, curve = ct.simulate(method, problem, 30, 2000, seed=1), ct.exact(method, problem, 30)
        assert (np.abs(trace.mean_square - curve.mean_square) <= 7 * trace.se_square + 1e-12).all()


OF_DCGD = {"dcgd.noisy", "dcgd.expected_smoothness"}
INDEPENDENT = {"dcgd.no_memory_noisy", "dcsgd.noisy", "dcgd.no_memory_decreasing", "dcsgd.horizon"}
OF_DIANA = {"diana.noisy", "diana.shift_noisy"}
NOISY = [
    (ct.DCGD(ct.RandK(1), oracle=ct.Minibatch()), OF_DCGD | INDEPENDENT),
    (ct.DCGD(ct.Shared(ct.RandK(1)), oracle=ct.Minibatch(2)), OF_DCGD),
    (ct.DIANA(ct.RandK(1), oracle=ct.Minibatch()), OF_DIANA | {"diana.original_noisy", "diana.decreasing"}),
    (ct.IBCD(tau=Fraction(1, 3), oracle=ct.Minibatch()), {"isgd.decreasing"}),
    (ct.IASGD(tau=Fraction(1, 3), oracle=ct.Minibatch()), set()),
]
EQUAL = {
    ct.DCGD: {"dcgd.nonconvex"},
    ct.DIANA: {"diana.nonconvex"},
    ct.IBCD: {"isgd.nonconvex"},
    ct.IASGD: {"iasgd.growth"},
}
BASES = [
    random_quadratic(2, 3, 5, seed=3, minimisers=2.0),
    random_quadratic(2, 3, 1, seed=3, hessians=0, interpolation=True),
    random_quadratic(3, 3, 20, seed=5, hessians=0, minimisers=0.3),
]


def excess(method, problem, theorem, steps=120):
    """max over t of exact metric over bound."""
    promised = find_guarantee(method, problem, theorem, horizon=steps)
    seen = promised.theorem.trajectory(ct.exact(method, problem, steps, theorem=theorem))
    bound = np.array([promised.rate.bound(t) for t in range(steps + 1)])
    use = np.isfinite(seen) & np.isfinite(bound)
    return float((seen[use] / bound[use]).max())


@pytest.mark.parametrize(("method", "always"), NOISY, ids=lambda v: getattr(v, "label", ""))
def test_bounds_with_bounded_noise_hold_exactly(method, always):
    for base in BASES:
        problem, tried = additive_noise(base, 3, 2.0, seed=1), set()
        for theorem in method.theorems():
            try:
                assert excess(method, problem, theorem) <= 1 + 1e-9, theorem.id
            except NoGuarantee:
                continue
            tried.add(theorem.id)
        equal = EQUAL.get(type(method), set()) if problem.L_pm < 1e-9 else set()
        assert tried >= always | equal, (base, tried)


FLOORS = [
    ("dcgd.noisy", ct.DCGD(ct.Shared(ct.RandK(1)), oracle=ct.Minibatch()), 0.9),
    ("dcgd.noisy", ct.DCGD(ct.RandK(1), oracle=ct.Minibatch()), 0.7),
    ("dcgd.expected_smoothness", ct.DCGD(ct.RandK(1), oracle=ct.Minibatch()), 0.3),
    ("dcgd.no_memory_noisy", ct.DCGD(ct.RandK(1), oracle=ct.Minibatch()), 0.7),
    ("dcsgd.noisy", ct.DCGD(ct.RandK(1), oracle=ct.Minibatch()), 0.6),
    ("diana.noisy", ct.DIANA(ct.RandK(1), oracle=ct.Minibatch()), 0.7),
    ("diana.shift_noisy", ct.DIANA(ct.RandK(1), oracle=ct.Minibatch()), 0.7),
    ("diana.original_noisy", ct.DIANA(ct.RandK(1), oracle=ct.Minibatch()), 0.7),
    ("sgd.reweighted", ct.SGD(), 0.3),
    ("sgd.uniform", ct.SGD(), 0.3),
    ("sgd.minibatch", ct.SGD(), 0.3),
]


@pytest.mark.slow
@pytest.mark.parametrize(("identifier", "method", "kept"), FLOORS)
def test_too_small_floors_are_caught(identifier, method, kept):
    """On equal scalar Hessians the floor is real: what is left below `kept` of it is exceeded by the exact curve."""
    problem = additive_noise(BASES[1], 3, 2.0, seed=1)
    theorem = next(t for t in type(method).theorems() if t.id == identifier)
    assert excess(method, problem, theorem, 300) <= 1 + 1e-9
    assert excess(method, problem, Spoiled(theorem, floor=kept), 300) > 1.01


def test_every_theorem_of_stochastic_gradients_has_a_floor_that_is_caught():
    known = {row[0] for row in FLOORS}
    assert known >= {i for i, th in theorems().items() if th.exact_form and i != "sgd.quantized"}
    assert known >= {th.id for th in ct.SGD.theorems()}


def test_quantised_sgd_speaks_of_one_worker():
    method = ct.DCGD(ct.RandK(1), oracle=ct.Minibatch())
    one = PROBLEMS["one node"]
    assert ct.check_assumption(
        method, one, next(t for t in method.theorems() if t.id == "sgd.quantized")
    ).holds
    general = ct.guarantee(method, one, "dcgd.expected_smoothness")
    row = ct.guarantee(method, one, "sgd.quantized")
    assert (general.stepsize, general.floor) == pytest.approx((row.stepsize, row.floor), rel=1e-12)
    with pytest.raises(NoGuarantee, match="one worker"):
        ct.guarantee(method, PROBLEMS["two workers"], "sgd.quantized")


@pytest.mark.slow
def test_expected_smoothness_for_correlated_and_independent_workers():
    problem = random_finite_sum(2, 2, 2, 6, seed=4)
    for fleet in (ct.RandK(1), ct.Shared(ct.RandK(1)), ct.PermK(2)):
        method = ct.DCGD(fleet, oracle=ct.Minibatch())
        theorem = next(t for t in method.theorems() if t.id == "dcgd.expected_smoothness")
        assert ct.check_assumption(method, problem, theorem).holds
        assert excess(method, problem, theorem) <= 1 + 1e-9


def test_theorems_with_noise_refuse_exact_gradients_and_name_the_exact_form():
    with pytest.raises(NoGuarantee, match=r"without an oracle it is dcgd\.general"):
        ct.guarantee(ct.DCGD(ct.RandK(1)), PROBLEMS["plain"], "dcgd.noisy")
    with pytest.raises(InvalidParameter, match="needs an oracle"):
        ct.SGD(oracle=None)
    with pytest.raises(NoGuarantee, match="draws with replacement"):
        ct.guarantee(ct.SGD(oracle=ct.Minibatch(2)), PROBLEMS["plain"], "sgd.minibatch")
    with pytest.raises(NoGuarantee, match="uniformly chosen"):
        ct.guarantee(ct.SGD(oracle=ct.Importance()), PROBLEMS["plain"], "sgd.uniform")


def test_the_table_finds_its_rows(monkeypatch):
    rows = {r.row: r for r in unified_table()}
    assert {"SGD", "SGD-SR", "SGD-MB", "SGD-star", "Q-SGD-SR", "DIANA"} <= set(rows)
    assert rows["SGD"].cells()["A"] == "2*L_part"
    assert rows["DIANA"].cells()["gamma <="] == "n/(L_max*(n + 6*omega))"
    assert all(r.cells()["floor"] == "0" for r in rows.values() if r.parameters.variance_reduced)

    class New(type(ct.SGD.theorems()[0])):
        id, row = "sgd.new", "planted"

    monkeypatch.setattr(ct.SGD, "theorems", classmethod(lambda cls: (New(),)))
    assert "planted" in {r.row for r in unified_table()}


@pytest.mark.slow
def test_command_line_knows_oracles_and_the_table(tmp_path, capsys):
    assert run(["theorems", "--unified", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert {row["row"] for row in shown} == {r.row for r in unified_table()}
    specs = [
        "SGD(oracle=Importance(size=2))",
        "DCGD(RandK(k=1), oracle=Arbitrary(NiceSampling(3, 2)))",
        "SGDStar",
    ]
    chosen = [flag for spec in specs for flag in ("-m", spec)]
    out = ["--out", str(tmp_path), "--steps", "5", "--runs", "2", "--workers", "2", "--components", "3"]
    assert run(["compare", "--dataset", "random", "--dim", "3", *out, *chosen]) == 0
    assert "SGD ~ Importance(size=2)" in capsys.readouterr().out


def test_ridge_with_components_is_the_same_ridge():
    plain, parts = (ct.problems.ridge("diabetes", 4, components=m) for m in (None, 7))
    assert isinstance(parts, FiniteSum)
    assert parts.parts.shape == (4, 7, 10, 10)
    assert np.allclose(parts.A, plain.A, rtol=1e-10, atol=1e-13)
    assert np.allclose(parts.b, plain.b, rtol=1e-10, atol=1e-13)
    with pytest.raises(InvalidParameter, match="components=1000"):
        ct.problems.ridge("diabetes", 4, components=1000)
