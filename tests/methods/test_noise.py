"""Theorems with gradient noise of bounded variance, by exact curves; sampled components and sampled workers agree."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

import compth as ct
from compth.cli import run
from compth.errors import InvalidParameter, NoGuarantee
from compth.methods import find_guarantee, theorems
from compth.problems import FiniteSum, additive_noise, random_finite_sum, random_quadratic

from .grid import Spoiled

OF_DCGD = {"dcgd.noisy", "dcgd.stochastic"}
INDEPENDENT = {"dcgd.no_memory_noisy", "dcsgd.noisy", "dcgd.no_memory_decreasing", "dcsgd.horizon"}
OF_DIANA = {"diana.noisy", "diana.shift_noisy"}
NOISY = [
    (ct.DCGD(ct.RandK(1), oracle=ct.Minibatch()), OF_DCGD | INDEPENDENT),
    (ct.DCGD(ct.Shared(ct.RandK(1)), oracle=ct.Minibatch(2)), OF_DCGD),
    (ct.DIANA(ct.RandK(1), oracle=ct.Minibatch()), OF_DIANA | {"diana.original_noisy", "diana.decreasing"}),
    (ct.EF(ct.Scaled(ct.RandK(1)), oracle=ct.Minibatch()), {"ef.noisy"}),
    (ct.EF21(ct.Scaled(ct.RandK(1)), oracle=ct.Minibatch()), {"ef21.noisy"}),
    (ct.EF21SGDM(ct.Scaled(ct.RandK(1)), oracle=ct.Minibatch()), {"ef21sgdm.noisy"}),
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
@pytest.mark.slow
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
    ("dcgd.no_memory_noisy", ct.DCGD(ct.RandK(1), oracle=ct.Minibatch()), 0.7),
    ("dcsgd.noisy", ct.DCGD(ct.RandK(1), oracle=ct.Minibatch()), 0.6),
    ("diana.noisy", ct.DIANA(ct.RandK(1), oracle=ct.Minibatch()), 0.7),
    ("diana.shift_noisy", ct.DIANA(ct.RandK(1), oracle=ct.Minibatch()), 0.7),
    ("diana.original_noisy", ct.DIANA(ct.RandK(1), oracle=ct.Minibatch()), 0.7),
    ("ef.noisy", ct.EF(ct.Identity(), oracle=ct.Minibatch()), 0.25),
    ("ef.noisy", ct.EF(ct.Scaled(ct.Bernoulli(Fraction(9, 10))), oracle=ct.Minibatch()), 0.2),
    ("ef21sgdm.noisy", ct.EF21SGDM(ct.Scaled(ct.RandK(1)), oracle=ct.Minibatch()), 0.7),
    ("ef21sgdm.noisy", ct.EF21SGDM(ct.Identity(), oracle=ct.Minibatch()), 0.3),
    ("ef21.noisy", ct.EF21(ct.Identity(), oracle=ct.Minibatch()), 0.5),
    ("ef21.noisy", ct.EF21(ct.Scaled(ct.Bernoulli(Fraction(9, 10))), oracle=ct.Minibatch()), 0.3),
]


@pytest.mark.slow
@pytest.mark.parametrize(("identifier", "method", "kept"), FLOORS)
def test_too_small_floors_are_caught(identifier, method, kept):
    """On equal scalar Hessians the floor is real: what is left below `kept` of it is exceeded by the exact curve."""
    problem = additive_noise(BASES[1], 3, 2.0, seed=1)
    theorem = next(t for t in type(method).theorems() if t.id == identifier)
    assert excess(method, problem, theorem, 300) <= 1 + 1e-9
    assert excess(method, problem, Spoiled(theorem, floor=kept), 300) > 1.01


def test_the_floor_of_feedback_shrinks_with_the_step_and_that_of_ef21_does_not():
    """ef.noisy's is of order gamma, and so is what is left; ef21.noisy's is one number."""
    problem, message = additive_noise(BASES[0], 3, 2.0, seed=1), ct.Scaled(ct.RandK(1))
    floors, levels = {}, {}
    for name, kind in (("ef.noisy", ct.EF), ("ef21.noisy", ct.EF21)):
        gamma = float(find_guarantee(kind(message, oracle=ct.Minibatch()), problem, name).rate.stepsize)
        for share in (1, 10):
            method = kind(message, gamma / share, oracle=ct.Minibatch())
            floors[name, share] = find_guarantee(method, problem, name).rate.floor
            levels[name, share] = ct.stationary(method, problem).mean_square
    assert floors["ef.noisy", 10] < floors["ef.noisy", 1] / 8
    assert floors["ef21.noisy", 10] == floors["ef21.noisy", 1] > 0
    assert levels["ef.noisy", 10] < levels["ef.noisy", 1] / 8


def test_every_theorem_of_stochastic_gradients_has_a_floor_that_is_caught():
    assert {row[0] for row in FLOORS} >= {i for i, th in theorems().items() if th.exact_form}


def test_a_start_below_the_floor_is_covered_too():
    """From x* the exact curve climbs to the floor: diana.noisy with the memory's slow factor would promise less."""
    problem = additive_noise(BASES[1], 3, 2.0, seed=1)
    for method in (
        ct.DIANA(ct.Identity(), oracle=ct.Minibatch()),
        ct.DIANA(ct.RandK(1), oracle=ct.Minibatch()),
    ):
        for identifier in ("diana.noisy", "diana.shift_noisy", "diana.original_noisy"):
            promised = find_guarantee(method, problem, identifier, x0=problem.x_star)
            seen = ct.exact(method, problem, 40, problem.x_star, theorem=identifier)
            curve = promised.theorem.trajectory(seen)
            bound = np.array([promised.rate.bound(t) for t in range(41)])
            assert (curve <= bound * (1 + 1e-9)).all(), (method.label, identifier)


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


def test_rates_with_gradient_noise_are_bracketed_also_beyond_stability():
    """A search that settled on an eigenvalue below the spectral radius was once taken for a stable step."""
    problem = random_finite_sum(4, 10, 10, 83, seed=0)
    method = ct.DCGD(ct.RandK(3), oracle=ct.Minibatch(2))
    limit = ct.max_stable_step(method, problem)
    for factor, stable in ((0.5, True), (0.99, True), (1.01, False), (1.6, False), (3.0, False)):
        found = ct.exact_rate(replace(method, gamma=factor * limit), problem)
        assert found.converged
        assert found.bracket[0] <= found.rho_noise <= found.bracket[1]
        assert (found.rho_noise < 1) == stable
    run_ = ct.exact(replace(method, gamma=1.6 * limit), problem, 60).mean_square
    rate = ct.exact_rate(replace(method, gamma=1.6 * limit), problem).rho_noise
    assert run_[60] / run_[59] == pytest.approx(rate, rel=1e-3)


def test_theorems_with_noise_refuse_exact_gradients_and_name_the_exact_form():
    with pytest.raises(NoGuarantee, match=r"without an oracle it is dcgd\.general"):
        ct.guarantee(ct.DCGD(ct.RandK(1)), BASES[0], "dcgd.noisy")
    with pytest.raises(NoGuarantee, match="bounded for all x"):
        ct.guarantee(ct.DCGD(ct.RandK(1), oracle=ct.Minibatch()), random_finite_sum(2, 2, 2), "dcgd.noisy")


@pytest.mark.slow
def test_command_line_knows_oracles(tmp_path, capsys):
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
