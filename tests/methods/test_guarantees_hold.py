"""No guarantee is violated in more than a thousand settings, by exact curves or by runs at a stated error level.

All methods of the catalogue with all their theorems and closed-form certificates, steps at the edge of every range,
extremal, singular and other quadratics, functions that are none, oracles, downlinks, fleets of one and of many kinds.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
import pytest

import compth as ct
from compth.errors import NoGuarantee, Unsupported
from compth.problems import distributed_quadratic, random_quadratic
from compth.studies.problem_search import rate_ratio
from compth.worst_case.certified_theorem import certified
from tests.thorough import thorough, tries
from tests.unwatched import unwatched

from . import guaranteed
from .bent import Bent, Wavy
from .grid import Spoiled
from .guaranteed import PAIRS, Seen, Setting, draw, look

ROUNDS = 14
"""Settings of every theorem: 14 x 92 = 1,288 in the thorough step, a fifth of them in a run of the suite."""
SHARES = 8


def chunk(part, rounds):
    """The seeds of a test: every SHARES-th theorem, some rounds each."""
    pairs = range(part, len(PAIRS), SHARES)
    return [k + len(PAIRS) * r for r in range(rounds) for k in pairs]


@thorough
@pytest.mark.slow
@pytest.mark.parametrize("part", range(SHARES))
@unwatched()
def test_no_guarantee_is_violated(part):
    found = [(setting, look(setting)) for setting in map(draw, chunk(part, tries(3, ROUNDS)))]
    assert not [str(s) for s, seen in found if seen.violated]
    assert sum(seen.exact for _, seen in found) > len(found) / 3


@thorough
@pytest.mark.slow
@pytest.mark.parametrize("pair", [("LAG", "lag.pl"), ("CLAG", "clag.pl")])
@unwatched()
def test_lazy_methods_keep_their_promise_and_no_better_one(pair):
    """The trigger is no linear step: runs, of which one is all where nothing is drawn."""
    some = [draw(1000 + seed, pair) for seed in range(tries(20, 100))]
    assert not [str(s) for s in some if look(s).violated]
    assert any(look(s, Spoiled(s.theorem, rate=8.0)).violated for s in some[:20])


def test_there_are_more_than_a_thousand_settings_of_all_theorems():
    """Of every theorem of the catalogue but CAT's, whose steps are tuned on the way (tests/tuning)."""
    assert sum(len(chunk(part, ROUNDS)) for part in range(SHARES)) == ROUNDS * len(PAIRS) > 1000
    covered = {identifier for _, identifier in PAIRS}
    assert set(ct.methods.theorems()) - covered == {"cat.single", "cat.workers"}


def test_a_bound_on_the_last_round_alone_is_compared_there():
    """At the length of the run: at a longer horizon it says nothing of these rounds, and no false one is caught."""
    setting = draw(0, ("DCGD", "dcsgd.horizon"))
    seen = look(setting)
    assert seen.exact
    assert -1 < seen.excess <= 0
    assert look(setting, Spoiled(setting.theorem, scale=(1 + seen.excess) / 2)).violated


def test_settings_reach_what_they_speak_of():
    """User's steps at the edge, other functions than quadratics, oracles, downlinks, fleets."""
    pairs = [
        ("EF21", "ef21.pl"),
        ("DCGD", "dcgd.stochastic"),
        ("Artemis", "artemis.linear"),
        ("EFBV", "efbv.pl"),
    ]
    some = [draw(seed, pair) for pair in pairs for seed in range(10)]
    kinds = Counter(type(s.problem).__name__ for s in some)
    assert min(kinds[k] for k in ("DistributedQuadratic", "FiniteSum", "Bent", "Wavy")) >= 2
    assert sum(s.share == 1 and s.method.gamma is not None for s in some) > len(some) / 3
    assert any(s.method.oracle is not None for s in some)
    assert any(getattr(s.method, "downlink", ct.Identity()) != ct.Identity() for s in some)
    assert len({type(m) for s in some for m in s.method.fleet.members}) >= 6


@pytest.mark.parametrize(
    "made", [Bent(3, 3, 2, 10.0), Bent(2, 2, 3, 300.0, 100.0), Wavy(5, 3, 2), Wavy(4, 2, 2, 10.0)]
)
def test_constants_of_the_other_problems_hold(made):
    """On 2,000 pairs of points, near and far: smoothness of each f_i and of f, PL, growth, convexity, the minimum."""
    rng = np.random.default_rng(0)
    x = made.x_star + rng.standard_normal((2000, made.d)) * 10.0 ** rng.uniform(-2, 1, (2000, 1))
    y = x + rng.standard_normal(x.shape) * 10.0 ** rng.uniform(-3, 1, (2000, 1))
    apart, moved = ((x - y) ** 2).sum(axis=-1), made.gradients(x) - made.gradients(y)
    each, mean = (moved**2).sum(axis=-1) / apart[:, None], (moved.mean(axis=1) ** 2).sum(axis=-1) / apart
    slack = 1 + 1e-6
    assert (each <= made.L_i**2 * slack).all()
    assert each.mean(axis=1).max() <= made.L_plus**2 * slack
    assert (each.mean(axis=1) - mean).max() <= made.L_pm**2 * slack + 1e-6 * made.L**2
    assert mean.max() + made.L_pm**2 > 0.8 * made.L**2
    assert mean.max() <= made.L**2 * slack
    assert np.abs(made.gradient(made.x_star)).max() <= 1e-9 * made.L
    gap, square = made.gap(x), (made.gradient(x) ** 2).sum(axis=-1)
    assert (square >= 2 * made.mu * gap * (1 - 1e-6)).all()
    assert (gap >= made.mu / 2 * made.distance_squared(x) * (1 - 1e-6)).all()
    if made.convex:
        bent = ((x - y)[:, None] * moved).sum(axis=-1) / apart[:, None]
        assert bent.min() >= made.mu_min * (1 - 1e-6)


# -- what is too good is caught --------------------------------------------------------------------------------------


def flat(n, low=1.0):
    """n workers with the curvature `low` alone, minimal at 0, and started at 1: in units of L = 1."""
    return distributed_quadratic(np.full((n, 1, 1), low), np.zeros((n, 1)))


BOTH = distributed_quadratic(np.diag([0.1, 1.0])[None].repeat(2, axis=0), np.zeros((2, 2)))
COIN = ct.Bernoulli(Fraction(1, 2))
TURNED = ct.Scaled(ct.Identity(), factor=1.5)
"""It adds half of every message: delta = 3/4 with the errors that EF and EF21 stand worst."""
ONE_PART = ct.problems.random_finite_sum(1, 2, 1, 1.0, seed=1)
SHARP = [
    ("dcgd.interpolation", ct.DCGD(COIN), flat(2)),
    ("dcgd_star.linear", ct.DCGDStar(COIN), flat(2)),
    ("sgd_star.sharp", ct.SGDStar(), ONE_PART),
    ("compressed_scaffnew.linear", ct.CompressedScaffnew(workers=2, owners=2), BOTH),
    ("certified", ct.GD(), BOTH),
    ("certified", ct.DCGD(COIN), BOTH),
    ("certified", ct.DIANA(COIN), BOTH),
]
"""Theorems that an extremal quadratic attains, at the step of least rate."""
EDGES = [*SHARP[:4], ("gd.contraction", ct.GD(), BOTH), ("locodl.linear", ct.LoCoDL(COIN), BOTH)]
"""Those whose largest step is one."""


def named(identifier, method, problem):
    return certified(method, problem) if identifier == "certified" else ct.methods.theorems()[identifier]


@pytest.mark.parametrize(("identifier", "method", "problem"), SHARP)
def test_a_rate_two_percent_too_good_is_caught(identifier, method, problem):
    theorem = named(identifier, method, problem)
    gamma = theorem.plan(method.check(problem)).gamma
    setting = Setting(0, replace(method, gamma=float(gamma)), problem, theorem, 1.0)
    assert not look(setting, steps=80).violated
    assert look(setting, Spoiled(theorem, rate=1.02), steps=80).violated


@pytest.mark.parametrize("method", [ct.EF(TURNED), ct.EF21(TURNED)])
def test_a_certified_rate_of_feedback_is_attained_in_the_long_run(method):
    """What V promises of the first rounds is more than the distance: it is the exact rate that meets the promise."""
    theorem = certified(method, BOTH)
    method = replace(method, gamma=float(theorem.plan(method.check(BOTH)).gamma))
    assert 1 - 1e-9 < rate_ratio(method, BOTH, theorem) <= 1 + 1e-9
    assert rate_ratio(method, BOTH, Spoiled(theorem, rate=1.02)) > 1.01


@pytest.mark.parametrize(("identifier", "method", "problem"), EDGES)
def test_a_step_limit_ten_percent_too_long_is_caught(identifier, method, problem):
    theorem = named(identifier, method, problem)
    longest = float(guaranteed.largest(theorem, method.check(problem)))
    setting = Setting(0, replace(method, gamma=longest), problem, theorem, 1.0)
    assert not look(setting, steps=40).violated
    assert look(setting, Spoiled(theorem, step=1.1), steps=40).violated
    with pytest.raises(NoGuarantee):
        look(replace(setting, method=replace(method, gamma=1.1 * longest)))


@dataclass(frozen=True)
class Rate:
    """A bound on E metric_t for `_evidence`."""

    value: float
    start: float = 1.0

    def bound(self, t):
        return self.value


def metrics(rng, size, spread):
    """Runs of a nonnegative metric with this mean: one in `spread` runs has all of it."""
    shape = (guaranteed.RUNS, guaranteed.RUN_STEPS + 1)
    return np.where(rng.random(shape) < 1 / spread, spread * size, 0.0)


def test_runs_refute_a_false_bound_and_no_true_one():
    """50 seeds each: a mean at the bound is never refuted, heavy tails or not; a quarter of it always is."""
    evidence = [
        [guaranteed._evidence(metrics(np.random.default_rng(s), 1.0, spread), Rate(1.0)) for s in range(50)]
        for spread in (1, 4, 40)
    ]
    limit = np.log(1 / guaranteed.ALPHA)
    assert max(map(max, evidence)) < limit
    false = [guaranteed._evidence(metrics(np.random.default_rng(s), 1.0, 2), Rate(0.25)) for s in range(50)]
    assert min(false) > limit
    assert Seen(False, min(false) / limit).violated


def test_a_false_theorem_is_refuted_by_runs():
    """TernGrad's curves are not exact: runs alone speak, and they refute a rate 1.5 times too good."""
    theorem = ct.methods.theorems()["dcgd.interpolation"]
    problem = random_quadratic(2, 3, 1, seed=3, interpolation=True, hessians=0)
    setting = Setting(0, ct.DCGD(ct.TernGrad()), problem, theorem, 1.0)
    true, false = look(setting), look(setting, Spoiled(theorem, rate=1.5))
    assert not true.exact
    assert not true.violated
    assert false.violated


def test_a_method_of_blocks_refuses_what_is_no_quadratic():
    """It was a traceback: ISAGA's exact curves asked a problem of one's own for its A."""
    with pytest.raises(Unsupported, match="is not quadratic"):
        ct.exact(ct.ISAGA(tau=Fraction(1, 2)), Bent(2, 2, 2, 10.0), 5)


def without_growth(problem):
    """The same as a problem that promises no growth."""
    problem.mu = problem.mu_min = 0.0
    return problem


@pytest.mark.parametrize("name", [name for name in ct.methods.catalogue() if name != "CAT"])
def test_f_that_need_not_grow_has_a_guarantee_or_a_line(name):
    """mu = 0 was a ZeroDivisionError in half of the methods."""
    for seed, problem in enumerate((without_growth(Bent(3, 2, 2, 10.0)), without_growth(Wavy(5, 2, 2)))):
        try:
            method = guaranteed.method_of(name, np.random.default_rng(seed), 2, 2, False)
            promised = ct.guarantee(method, problem)
        except (NoGuarantee, Unsupported):
            continue
        assert promised.rho is None or promised.rho <= 1
        assert np.isfinite(promised.bound(3))


def test_methods_run_on_problems_that_take_floats_alone():
    """Fractions in a body made arrays of objects, which no function of numpy takes."""
    problem = Wavy(5, 2, 2)
    for method in (
        ct.LocalIST(ct.PermK(2), 0.1, local=2),
        ct.LoCoDL(ct.RandK(1), 0.1, p=0.5, mix=1, lift=1, ridge=0),
    ):
        assert np.isfinite(ct.simulate(method, problem, 3, 2, 0).mean_square).all()


@pytest.mark.parametrize("share", [0.1, 0.5, 1.0, 1.05, 1.2, 1.9])
def test_of_b1_and_the_certificate_of_a_contraction_the_sharper_one_is_the_guarantee(share):
    """Class B1 was refused at every step, with a certificate that short steps outdo and that long ones have not."""
    problem = random_quadratic(1, 4, 10, seed=1)
    method = ct.DCGD(ct.TopK(1), gamma=share / problem.L)
    own = 1 - 0.25 * share / 10 * (2 - share)
    s = 0.75**0.5
    both = max(1 - (1 - s) * share / 10, (1 + s) * share - 1) ** 2
    best = ct.guarantee(method, problem)
    assert best.theorem == ("cgd.b1" if own < both else "dcgd.certified")
    assert best.rho == pytest.approx(min(own, both), rel=1e-5)
    if both < 1:
        assert ct.guarantee(method, problem, "dcgd.certified").rho == pytest.approx(both, rel=1e-5)
    if own < both:
        theorem = ct.methods.theorems()["cgd.b1"]
        assert not look(Setting(0, method, problem, theorem, share)).violated


def test_a_contraction_without_a_step_is_planned_by_its_certificate():
    problem = random_quadratic(1, 4, 10, seed=1)
    assert ct.guarantee(ct.DCGD(ct.TopK(1)), problem).theorem == "dcgd.certified"
    with pytest.raises(NoGuarantee, match=r"at gamma=1 the certified worst case of a contraction is sharper"):
        ct.guarantee(ct.DCGD(ct.TopK(1)), problem, "cgd.b2")
