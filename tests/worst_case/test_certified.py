"""`<method>.certified`: no step of the class violates it, its constants are rounded outward, its standing is earned."""

import pickle
from dataclasses import replace
from fractions import Fraction as F

import numpy as np
import pytest

import compth as ct
from compth.claims import Standing
from compth.errors import NoGuarantee
from compth.methods import find_guarantee
from compth.worst_case.bodies import constants_of
from compth.worst_case.certified_theorem import Certified, certified, certified_theorems
from compth.worst_case.enclosed import _positive, enclosed, holds, outward
from compth.worst_case.exact_algebra import is_psd
from tests.thorough import thorough, tries
from tests.unwatched import unwatched
from tests.worst_case.certified_settings import KINDS, NEWER, draw, many, worst_ratio

pytest.importorskip("clarabel")
ROUNDING = 1e-7
"""Of one step's expected V against rho V: some hundred operations on numbers that differ by up to 1e6."""
EQUAL = np.diag(np.linspace(0.1, 1, 5))
APART = ct.problems.distributed_quadratic(
    np.stack([EQUAL] * 4), np.random.default_rng(0).standard_normal((4, 5))
)
SHARED = ct.problems.distributed_quadratic(np.stack([EQUAL] * 4), np.stack([EQUAL @ np.ones(5)] * 4))


def ratio(seed, **options):
    """The setting's worst ratio, None where nothing is certified."""
    try:
        return worst_ratio(draw(seed), **options)
    except NoGuarantee:
        return None


# -- no guarantee is violated ----------------------------------------------------------------------------------------


CLOSED = {"GD", "DCGD", "EF", "EF21", "DIANA"}
"""Certificates in closed form: a setting takes a tenth of a second, others up to three."""


@pytest.mark.parametrize(
    "seed",
    [
        seed if draw(seed).name in CLOSED else pytest.param(seed, marks=pytest.mark.slow)
        for seed in range(2 * len(KINDS))
    ],
)
def test_expected_v_falls_as_promised(seed):
    """At random states, for functions of the class that are quadratic or not, all outcomes enumerated."""
    found = ratio(seed)
    assert found is None or found <= 1 + ROUNDING


@pytest.mark.slow
@unwatched()
def test_expected_v_falls_as_promised_in_many_settings():
    """Other settings, steps at the edge of the certified range among them."""
    found = {seed: r for seed in range(100, 118) if (r := ratio(seed)) is not None}
    assert len(found) >= 9
    assert max(found.values()) <= 1 + ROUNDING, max(found, key=found.get)


def test_a_rate_that_promises_more_is_caught():
    """5 % of 1 - rho taken off: some setting violates it, so that the check above can fail."""
    taken = [ratio(seed, rho_share=0.05) for seed in (0, 1, 4, 9, 10, 13)]
    assert max(r for r in taken if r is not None) > 1 + 1e-4


@pytest.mark.slow
@pytest.mark.parametrize("name", ["DCGD", "DIANA", "MARINA", "EFBV"])
def test_exact_curves_lie_below_it(name):
    problem = SHARED if name == "DCGD" else APART
    for k in (1, 2, 4):
        method = getattr(ct, name)(ct.RandK(k=k))
        theorem = certified(method, problem)
        promised = find_guarantee(method, problem, theorem)
        kind, plan = type(method), promised.plan
        free = [p for p in kind.signature.params if p in kind.__dataclass_fields__]
        own = {p: plan.params[kind.planned.get(p, p)] for p in free}
        curve = ct.exact(replace(method, gamma=plan.gamma, **own), problem, 60)
        bound = np.array([promised.rate.distance_bound(t) for t in range(61)])
        assert (curve.mean_square <= bound * (1 + 1e-9)).all()


def test_dcgd_star_needs_no_shared_minimiser_and_dcgd_does():
    """Its own f_i rest in x*; another class that calls itself at rest is DCGD."""
    method = ct.DCGDStar(ct.RandK(k=2))
    promised = ct.guarantee(method, APART, "dcgdstar.certified")
    curve = ct.exact(replace(method, gamma=float(promised.stepsize)), APART, 40).mean_square
    assert (curve <= np.array([promised.bound(t) for t in range(41)]) * (1 + 1e-9)).all()
    assert APART.zeta2_star > 0

    class Resting(ct.DCGD):
        at_rest = True

    with pytest.raises(NoGuarantee):
        ct.guarantee(Resting(ct.RandK(k=2)), APART, "resting.certified")


def test_v_itself_is_an_exact_curve():
    """E V_t of DIANA by its exact dynamics, every step below rho times the one before."""
    method = ct.DIANA(ct.RandK(k=2))
    theorem = certified(method, APART)
    curve = ct.exact(method, APART, 40, theorem=theorem)
    falls = curve.mean_metric[1:] / curve.mean_metric[:-1]
    assert (falls <= find_guarantee(method, APART, theorem).rate.rho * (1 + 1e-9)).all()
    assert curve.mean_metric[0] > 2 * curve.mean_square[0]


def test_v_on_a_run_is_the_metric_and_falls():
    """EF21 with Top-K draws nothing: one run is the expectation."""
    method = ct.EF21(ct.TopK(k=2))
    theorem = certified(method, APART)
    promised = find_guarantee(method, APART, theorem)
    run = ct.simulate(method, APART, steps=200, runs=1, seed=0, theorem=theorem)
    assert run.theorem == "ef21.certified"
    assert (run.mean_metric >= run.mean_square * (1 - 1e-9)).all()
    bound = np.array([promised.rate.bound(t) for t in range(201)])
    assert (run.mean_metric <= bound * (1 + 1e-9) + 1e-24).all()
    assert run.mean_metric[0] == pytest.approx(promised.rate.start)
    assert run.mean_metric[0] > 1.5 * run.mean_square[0]  # V sees more than the distance


# -- what it promises ------------------------------------------------------------------------------------------------


def test_it_promises_what_is_proved_here():
    """DIANA on equal Hessians: the proved law at its own step, and fewer rounds than the best theorem."""
    method = ct.DIANA(ct.RandK(k=2))
    found, before = ct.guarantee(method, APART, "diana.certified"), ct.guarantee(method, APART)
    tight = ct.tight_rate("DIANA", mu=F(1, 10), L=1, omega=F(3, 2), n=4)
    assert (found.rho, float(found.stepsize)) == pytest.approx((float(tight.rho), float(tight.stepsize)))
    assert (found.theorem, found.standing) == ("diana.certified", Standing.PROVED.value)
    assert found.iterations_to(1e-6) < 0.6 * before.iterations_to(1e-6)
    assert before.theorem != found.theorem


def test_the_default_is_a_theorem_and_the_certificate_where_none_applies():
    assert ct.guarantee(ct.EF21(ct.TopK(k=2)), APART).theorem == "ef21.pl"
    one = ct.problems.distributed_quadratic(EQUAL[None], np.ones((1, 5)))
    alone = ct.guarantee(ct.DCGD(ct.TopK(k=2)), one)
    assert alone.theorem == "dcgd.certified"
    assert alone.rho == pytest.approx(
        float(ct.tight_rate("CGD", mu=F(1, 10), L=1, delta=F(2, 5)).rho), abs=2e-3
    )


def test_v_sees_the_distance():
    """The weight of ||x - x*||^2 was checked in Fractions, and one that is a hair larger fails."""
    theorem = certified(ct.DIANA(ct.RandK(k=2)), APART)
    find_guarantee(ct.DIANA(ct.RandK(k=2)), APART, theorem)
    proof = theorem.found
    model, matrix = proof.model, proof.model.lyapunov(proof.certificate.v, "mean")

    def stands(weight):
        return is_psd(
            [[v - weight * (i == j == 0) for j, v in enumerate(row)] for i, row in enumerate(matrix)]
        )

    assert model.space.common[0] == "x"
    assert stands(proof.weight)
    assert not stands(proof.weight * (1 + F(1, 10**6)))


# -- what it refuses -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "problem", "reason"),
    [
        (ct.DCGD(ct.RandK(k=2)), APART, "a minimiser that all f_i share"),
        (ct.DIANA(ct.RandK(k=2), gamma=2.5), APART, "no certificate was found at gamma=2.5"),
        (ct.DIANA(ct.PermK(4)), ct.problems.random_quadratic(n=4, d=8, kappa=4, seed=0), "independent"),
        (ct.DIANA(ct.RandK(k=2), downlink=ct.Scaled(ct.RandK(k=1), factor=5)), APART, "no claim of a class"),
        (ct.EF21(ct.TopK(k=1)), ct.problems.distributed_quadratic(
            np.stack([np.diag([1.0, 0.0]), np.diag([0.0, 1.0])]), np.ones((2, 2))), "strongly convex"),
    ],
)  # fmt: skip
def test_outside_the_class_there_is_no_guarantee(method, problem, reason):
    with pytest.raises(NoGuarantee, match=reason):
        ct.guarantee(method, problem, f"{type(method).__name__.lower()}.certified")


def test_a_method_that_runs_more_than_its_body_has_none():
    class Hurried(ct.DIANA):
        def step(self, problem, state, rng, plan, t):
            return super().step(problem, state, rng, replace(plan, gamma=2 * plan.gamma), t)

    with pytest.raises(NoGuarantee):
        ct.guarantee(Hurried(ct.RandK(k=2)), APART, "hurried.certified")


@ct.method
def Sly(w, x, *, gamma, alpha):
    """Gradient descent at small alpha, and compressed at large ones."""
    g = w.gradient(x)
    return dict(x=x - gamma * w.mean(g if alpha <= F(1, 2) else w.compress(g)))


def test_the_class_is_that_of_the_step_at_its_own_parameters():
    """The planted error: read at other values the step is of the class of f alone, whose rate it violates 8 times."""
    gamma = 1 / SHARED.L_max
    plain, noisy = Sly(ct.RandK(k=1), gamma, alpha=0.25), Sly(ct.RandK(k=1), gamma / 8, alpha=0.75)
    assert certified(plain, SHARED).bounds["n"] == 1
    assert certified(noisy, SHARED).bounds["n"] == SHARED.n
    slow = ct.guarantee(noisy, SHARED, "sly.certified")
    assert ct.exact_rate(noisy, SHARED).rho <= slow.rho < 1
    with pytest.raises(NoGuarantee):
        ct.guarantee(Sly(ct.RandK(k=1), gamma, alpha=0.75), SHARED, "sly.certified")
    with pytest.raises(NoGuarantee, match="of another class"):
        find_guarantee(noisy, SHARED, certified(plain, SHARED))


def test_every_method_with_a_worst_case_has_one():
    found = certified_theorems()
    assert set(found) >= {f"{k.lower()}.certified" for k in (*KINDS, "ADIANA", "IBCD")}
    assert not {"cat.certified", "gdci.certified", "ist.certified", "sgd.certified"} & set(found)
    assert all(name == th.id for name, th in found.items())


# -- constants and standing ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("d", [3, 12])
def test_constants_are_rounded_outward_until_it_was_shown(d):
    rng = np.random.default_rng(d)
    basis = np.linalg.qr(rng.standard_normal((4, d, d)))[0]
    values = np.concatenate([[0.1, 1.0], rng.uniform(0.1, 1, d - 2)])
    A = np.einsum("nij,j,nkj->nik", basis, values, basis)
    problem = ct.problems.distributed_quadratic((A + A.transpose(0, 2, 1)) / 2, np.ones((4, d)))
    mu, L = enclosed(problem)
    assert mu <= F(problem.mu_min)
    assert F(problem.L_max) <= L
    assert float(F(problem.mu_min) - mu) < 1e-9 > float(L - F(problem.L_max))
    assert enclosed(problem, mean=True)[0] >= mu


def test_a_matrix_with_a_negative_eigenvalue_is_not_shown_positive():
    rng = np.random.default_rng(0)
    basis = np.linalg.qr(rng.standard_normal((12, 12)))[0]
    for least, shown in ((1e-9, True), (-1e-13, False), (-1e-15, False), (-1e-3, False)):
        values = np.concatenate([[least], np.linspace(0.5, 1, 11)])
        m = basis @ np.diag(values) @ basis.T
        assert _positive((m + m.T) / 2, 0.0) is shown


def test_claims_are_rounded_outward():
    assert outward(F(1, 3), 1) == F(1, 3)
    assert outward(1 / 3, 1) > F(1, 3) > outward(1 / 3, -1)
    assert outward(0.0, -1) == 0


def test_the_standing_is_the_weakest_of_what_it_uses():
    class Trusted(ct.RandK):
        def claims(self, d):
            return (ct.Unbiased(1.0),)

    own = ct.guarantee(ct.DIANA(Trusted(k=2)), APART, "diana.certified")
    assert own.standing == Standing.ASSUMED.value
    assert "assumed" in own.assumed[0]
    assert (
        ct.guarantee(ct.MARINA(ct.RandK(k=2), gamma=0.3), APART, "marina.certified").standing
        == Standing.DERIVED.value
    )
    assert ct.guarantee(ct.DIANA(ct.RandK(k=2)), APART, "diana.certified").standing == Standing.PROVED.value
    unshown = find_guarantee(ct.DIANA(ct.RandK(k=2)), APART, Certified(ct.DIANA))  # floats, a hair wider
    assert unshown.rate.standing == Standing.DERIVED.value


def test_a_class_that_somebody_typed_proves_nothing_else():
    """Too narrow a class, another number of workers, a better claim: no guarantee of this run."""
    good = dict(certified(ct.DIANA(ct.RandK(k=2)), APART).bounds)
    assert find_guarantee(ct.DIANA(ct.RandK(k=2)), APART, Certified(ct.DIANA, good)).rate.rho < 1
    for typed in ({"mu": F(1, 2)}, {"L": F(9, 10)}, {"n": 40}, {"n": 1}, {"omega": F(1, 2)}):
        with pytest.raises(NoGuarantee, match="of another class"):
            find_guarantee(ct.DIANA(ct.RandK(k=2)), APART, Certified(ct.DIANA, good | typed))


@pytest.mark.parametrize("seed", range(4))
def test_a_class_that_does_not_hold_the_problem_is_never_proved(seed):
    """Eigenvalues in floats may lie a rounding inside the truth: typed as bounds they enclose what floats say alone."""
    problem = ct.problems.random_quadratic(n=3, d=8, kappa=8, seed=seed, minimisers=1.0)
    method = ct.DIANA(ct.RandK(k=4))
    good, c = certified(method, problem), method.check(problem)
    typed = Certified(ct.DIANA, {**good.bounds, "mu": F(float(c.mu_min)), "L": F(float(c.L_max))})
    typed.shown = True
    assert not holds(problem, typed.bounds)
    assert find_guarantee(method, problem, typed).rate.standing == Standing.DERIVED.value
    for shown in (good, Certified(ct.DIANA, good.bounds)):
        assert find_guarantee(method, problem, shown).rate.standing == Standing.PROVED.value


def test_it_is_told_what_it_buys_in_a_comparison():
    found = ct.compare([ct.DIANA(ct.RandK(k=2)), ct.EF21(ct.TopK(k=2))], APART, steps=20, runs=2)
    diana, ef21 = found.rows
    assert diana.certified_rounds < diana.guaranteed_rounds
    assert diana.stepsize_from != "diana.certified"
    lines = [line for line in found.remarks() if "certified worst case" in line]
    assert len(lines) == 2
    assert f"{diana.certified_rounds:,} rounds" in lines[0]
    assert f"gamma = {ef21.certified_step:.3g}" in lines[1]
    assert diana.theorem in lines[0]


def test_it_travels():
    method = ct.DIANA(ct.RandK(k=2))
    theorem = certified(method, APART)
    before = find_guarantee(method, APART, theorem).rate
    again = find_guarantee(method, APART, pickle.loads(pickle.dumps(theorem))).rate
    assert (again.rho, again.start) == (before.rho, before.start)
    c = constants_of(F(1, 10), F(1), 4, omega=F(3, 2))
    assert Certified(ct.DIANA).plan(c).rho == pytest.approx(before.rho, abs=1e-9)


# -- the field's newer methods ---------------------------------------------------------------------------------------


@thorough
@pytest.mark.slow
@pytest.mark.parametrize("name", NEWER)
@unwatched()
def test_v_of_newer_methods_falls_as_promised_and_not_four_times_as_fast(name):
    """100 settings each: other functions, quadratic or not, minimisers shared or not; one certificate a class."""
    assert max(many(name, tries(20, 100))) <= 1 + ROUNDING
    assert max(many(name, 4, rho_share=3, states=60)) > 1 + 1e-3


@thorough
@pytest.mark.slow
@unwatched()
def test_dcgd_star_stays_below_its_certificate():
    """Its gradients at x* must be known: 100 quadratics of one class, exact curves."""
    bounds = {"mu": F(1, 10), "L": F(1), "n": 2, "omega": F(1)}
    theorem = Certified(ct.DCGDStar, bounds)
    method = ct.DCGDStar(ct.Bernoulli(F(1, 2)), gamma=F(3, 4))
    worst, spoiled = [], []
    for seed in range(tries(20, 100)):
        rng = np.random.default_rng(seed)
        turns = np.linalg.qr(rng.standard_normal((2, 2, 2)))[0] if seed % 2 else np.eye(2)[None].repeat(2, 0)
        a = np.einsum("nij,nj,nkj->nik", turns, rng.choice([0.1, 1.0], (2, 2)), turns)
        problem = ct.problems.distributed_quadratic(
            (a + np.swapaxes(a, 1, 2)) * (0.5 - 1e-9) + 1e-9 * np.eye(2), rng.standard_normal((2, 2))
        )  # within the class, rounding included
        promised = find_guarantee(method, problem, theorem)
        curve = ct.exact(method, problem, 12).mean_square
        worst.append(max(curve[t] / promised.rate.bound(t) for t in range(13)))
        better = 1 - 1.02 * (1 - promised.rate.rho)
        spoiled.append(curve[12] / (promised.rate.start * better**12))
    assert max(worst) <= 1 + 1e-9
    assert max(spoiled) > 1 + 1e-3
