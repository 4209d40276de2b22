"""A theorem's facts: one plan made of them, ranges that end where they say, formulas that are the numbers."""

from __future__ import annotations

import subprocess
import sys
from fractions import Fraction

import numpy as np
import pytest
import sympy

import compth as ct
from compth.claims import Sharpness, Standing, proved_index, rests, stated_index
from compth.errors import NoGuarantee, Unsupported
from compth.methods import Theorem, theorems
from compth.methods.core.symbols import GAMMA, facts_of, hypotheses
from compth.methods.dcgd import DCGDGeneral
from compth.methods.gd import GDContraction
from proofs_check._command import LENT, stated

from .record import method_for

EQUAL = np.stack([np.diag([1.0, 2.0])] * 2)
PROBLEMS = (
    ct.problems.distributed_quadratic(EQUAL, np.array([[1.0, 0.0], [0.0, 2.0]])),
    ct.problems.random_quadratic(n=2, d=4, kappa=5, seed=1),
    ct.problems.random_quadratic(n=1, d=3, kappa=4, seed=2),
    ct.problems.distributed_quadratic(np.stack([np.diag([1.0, 2.0]), np.diag([2.0, 1.0])]), np.zeros((2, 2))),
    ct.problems.additive_noise(ct.problems.distributed_quadratic(EQUAL, np.ones((2, 2)))),
    ct.problems.random_finite_sum(n=2, m=2, d=2, seed=0),
    ct.problems.random_finite_sum(n=1, m=3, d=2, seed=0),
)

GENERAL, SHARED = PROBLEMS[1], PROBLEMS[3]


def asked():
    """(theorem, constants of a run that it speaks of) for every theorem that some small problem has one for."""
    for identifier, theorem in theorems().items():
        for problem in PROBLEMS:
            try:
                c = method_for(identifier, problem).check(problem)
            except (NoGuarantee, Unsupported, AttributeError, ValueError):
                continue
            if not theorem.why_not(c):
                yield pytest.param(theorem, c, id=identifier)
                break


ASKED = list(asked())
STEPPED = [p for p in ASKED if not p.values[0].own_steps]


def test_every_theorem_is_asked():
    assert {p.id for p in ASKED} == set(theorems())


def lent(found):
    """Theorem -> its proof, where that is the script of another id."""
    return {i: th.proof for i, th in found.items() if th.proof not in ("", i)}


def test_no_theorem_reads_proved_by_the_proof_of_another():
    """`proof` is a typed name: a false rate under "gd.contraction" would read PROVED."""
    assert lent(theorems()) == LENT

    class Quick(Theorem):
        id = "dcgd.quick"
        proof = "gd.contraction"

    assert lent({"dcgd.quick": Quick()}) == {"dcgd.quick": "gd.contraction"}


def test_the_index_lists_the_formulas_that_were_proved():
    found = theorems()
    assert stated_index() == set(stated(proved_index()))
    assert {th.standing for th in found.values() if th.proof} == {Standing.PROVED}
    assert len({th.statement() for th in found.values()}) == len(found)


FASTER = Fraction(99, 100)


@pytest.mark.parametrize(
    "change",
    [
        None,
        lambda kind: setattr(kind, "proof", "dcgd.noisy"),
        lambda kind: setattr(kind, "id", "gd.quick"),
        lambda kind: setattr(
            kind, "rate", lambda self, c, gamma: FASTER * GDContraction.rate(self, c, gamma)
        ),
        lambda kind: setattr(kind, "step_limit", lambda self, c: (3 / c.L, "3/L")),
        lambda kind: setattr(kind, "floor", lambda self, c, gamma: -gamma),
        lambda kind: setattr(kind, "slack", Theorem.slack),
        lambda kind: setattr(kind, "metric", "f(x_t) - f*"),
        lambda kind: setattr(kind, "sharpness", Sharpness.UPPER),
    ],
)
def test_a_theorem_of_the_package_is_proved_by_its_own_formulas_alone(change):
    """A class in the package with another's `proof`, or with a rate that nobody proved, read PROVED."""
    kind = type("Own", (GDContraction,), {"__module__": GDContraction.__module__, "proof": "gd.contraction"})
    if change is not None:
        change(kind)
    assert kind().proof in proved_index()
    assert rests(kind()) == (change is None)


def test_another_formula_in_the_package_takes_the_proof_away():
    """The standing of the catalogue's own theorem, where its source says another rate than the one of the index."""
    program = (
        "import compth.methods.gd as gd; from compth.claims import sure; from compth.methods.core import theorem;"
        "kind = gd.GDContraction; before = sure(kind()).value; theorem._statement.cache_clear();"
        "before_rate = kind.rate;"
        "kind.rate = lambda self, c, gamma: before_rate(self, c, gamma) / 2;"
        "print(before, sure(kind()).value)"
    )
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert told.stdout.split() == ["PROVED", "DERIVED"]


def own_plans(found):
    """Ids of theorems that make their plan themselves."""
    return {i for i, th in found.items() if type(th).plan is not Theorem.plan}


def test_no_theorem_of_the_catalogue_makes_its_own_plan():
    assert own_plans(theorems()) == set()


def test_a_plan_of_ones_own_is_seen():
    class Copied(DCGDGeneral):
        id = "copied"

        def plan(self, c, gamma=None, horizon=None):
            return super().plan(c, gamma, horizon)

    assert own_plans({"copied": Copied()}) == {"copied"}


def assert_ends_where_it_says(theorem, c):
    """The range of steps: its own limit belongs to it or not as it says, and nothing beyond it does."""
    limit = theorem.step_limit(c)[0]
    inside = theorem.plan(c, limit * Fraction(999, 1000), 20)
    assert inside == theorem.at(c, limit * Fraction(999, 1000), 20)
    with pytest.raises(NoGuarantee, match="outside"):
        theorem.plan(c, limit * Fraction(1001, 1000), 20)
    if theorem.open_range:
        with pytest.raises(NoGuarantee):
            theorem.plan(c, limit, 20)
    else:
        assert theorem.plan(c, limit, 20) == theorem.at(c, limit, 20)
    for step in (0, -limit):
        with pytest.raises(NoGuarantee, match="outside"):
            theorem.plan(c, step, 20)


@pytest.mark.parametrize(("theorem", "c"), STEPPED)
def test_a_range_ends_where_it_says(theorem, c):
    if theorem.id == "gdci.neighbourhood":
        pytest.skip("its range is one of steps and omega together")
    assert_ends_where_it_says(theorem, c)


def test_a_range_that_is_called_closed_and_is_not_is_caught():
    class Closed(GDContraction):
        slack = Theorem.slack

    c = ct.GD().check(GENERAL)
    assert_ends_where_it_says(GDContraction(), c)
    assert Closed().plan(c, 2 / c.L).rho == pytest.approx(1)

    class Longer(DCGDGeneral):
        def allow(self, gamma, limit, rule):
            return super().allow(gamma, 1.01 * limit, rule)

    with pytest.raises(pytest.fail.Exception):
        assert_ends_where_it_says(Longer(), ct.DCGD(ct.RandK(1)).check(GENERAL))


def numbers_of(c):
    """The value of every symbol that a formula may hold."""
    joint, unbiased = c.claim(ct.JointVariance), c.claim(ct.Unbiased)
    named = {
        k: getattr(c, k)
        for k in (
            *[
                "n",
                "d",
                "L",
                "mu",
                "D",
                "L_max",
                "L_tilde",
                "mu_min",
                "zeta2_star",
                "sigma2",
                "L_plus",
                "L_pm",
                "delta_down",
            ],
        )
    }
    named |= {"omega_M": c.omega_down, **c.facts, **c.params}
    named |= {} if joint is None else {"A": joint.A, "B": joint.B}
    named |= {} if unbiased is None else {"omega": unbiased.omega}
    named |= {} if c.claim(ct.Contractive) is None else {"delta": c.delta}
    pair = c.claim(ct.BiasVariance)
    named |= {"eta": 0} if pair is None else {"eta": pair.eta, "omega": pair.omega}
    return {sympy.Symbol(k, positive=True): float(v) for k, v in named.items() if np.ndim(v) == 0}


def assert_formulas_are_the_numbers(theorem, c):
    facts = facts_of(theorem)
    at = 0.4 * float(theorem.step_limit(c)[0])
    values = {**numbers_of(c), GAMMA: at}
    if theorem.id.startswith("adiana"):  # shown in p
        values[next(s for s in facts.rate.free_symbols if s.name == "p")] = float(theorem.params(c, at)["p"])
    if theorem.id.startswith("cgd"):
        claim = c.claim(theorem.requires[0])
        own = {"beta": claim.beta} | (
            {"alpha": claim.alpha} if isinstance(claim, ct.B1) else {"c": claim.gamma}
        )
        values |= {sympy.Symbol(k, positive=True): float(v) for k, v in own.items()}
    found = {"limit": theorem.step_limit(c)[0], "default": theorem.default_step(c)}
    if not theorem.own_steps:
        found |= {"rate": theorem.rate(c, at), "floor": theorem.floor(c, at)}
    for name, value in found.items():
        formula = getattr(facts, name)
        assert (formula is None) == (value is None), name
        if value is not None:
            assert float(formula.subs(values)) == pytest.approx(float(value), rel=1e-9), name


@pytest.mark.parametrize(("theorem", "c"), ASKED)
def test_formulas_are_the_numbers(theorem, c):
    """What lists and pages show is what runs use, also where the constants had to be made special."""
    assert_formulas_are_the_numbers(theorem, c)


def test_a_formula_of_another_theorem_is_caught(monkeypatch):
    c = ct.DCGD(ct.RandK(1)).check(GENERAL)
    other = facts_of(theorems()["dcgd.interpolation"])
    monkeypatch.setattr(f"{__name__}.facts_of", lambda _: other)
    with pytest.raises(AssertionError, match="limit"):
        assert_formulas_are_the_numbers(DCGDGeneral(), c)


def test_a_formula_says_what_it_is_restricted_to():
    assert facts_of(theorems()["dcgd.general"]).special == ""
    assert facts_of(theorems()["iasgd.growth"]).special == "equal Hessians"
    assert facts_of(theorems()["marina.pl"]).special.startswith("independent workers")


def test_a_theorem_is_three_facts():
    class Half(Theorem):
        """Half of DCGD's step under interpolation."""

        id = "half.step"
        title = "half"
        requires = (ct.JointVariance,)

        def step_limit(self, c):
            return 1 / (2 * c.L), "1/(2L)"

        def rate(self, c, gamma):
            return 1 - gamma * c.mu / 2

        def _why_not(self, c):
            return "" if c.convex else "every f_i must be convex"

    problem, method = SHARED, ct.DCGD(ct.Identity())
    rate = ct.guarantee(method, problem, Half())
    assert (rate.stepsize, rate.rho) == (1 / (2 * problem.L), 1 - problem.mu / (4 * problem.L))
    assert rate.standing == "ASSUMED"
    facts = facts_of(Half())
    assert (facts.rule, str(facts.limit)) == ("0 < gamma <= 1/(2L)", "1/(2*L)")
    assert "every f_i must be convex" in hypotheses(Half())
    with pytest.raises(NoGuarantee, match=r"outside half.step's range: 0 < gamma <= 1/\(2L\)"):
        ct.guarantee(ct.DCGD(ct.Identity(), gamma=3 / problem.L), problem, Half())


def test_a_theorem_without_facts_says_so_in_one_line():
    class Nothing(Theorem):
        id = "nothing"
        title = "nothing"

    with pytest.raises(NoGuarantee, match="nothing states no largest step"):
        ct.guarantee(ct.DCGD(ct.Identity()), GENERAL, Nothing())


def test_a_theorem_whose_lines_fail_is_said_in_words():
    class Broken(Theorem):
        """Its lines need numbers and look for what is not there."""

        id = "broken"
        title = "broken"

        def step_limit(self, c):
            return 1 / int(c.L), "1/L"

        def _why_not(self, c):
            return c.no_such_constant

    assert facts_of(Broken()).rule == "of several cases: see the statement"
    assert hypotheses(Broken()) == ()


def test_hypotheses_are_those_that_a_run_is_refused_for():
    assert "x* must minimise every f_i (zeta2* = 0)" in hypotheses(theorems()["dcgd.interpolation"])
    assert "workers must be independent" in hypotheses(theorems()["diana.unified"])
    assert "eta must be below 1" in hypotheses(theorems()["efbv.pl"])
    assert [i for i, th in theorems().items() if not hypotheses(th)] == []


def test_a_list_of_theorems_that_was_replaced_is_assumed(monkeypatch):
    """gd.contraction would promise DCGD a rate that it does not have."""
    method = ct.DCGD(ct.RandK(1))
    assert ct.guarantee(method, GENERAL).standing == "PROVED"
    monkeypatch.setattr(ct.DCGD, "own_theorems", (GDContraction(),))
    rate = ct.guarantee(method, GENERAL)
    assert (rate.theorem, rate.standing) == ("gd.contraction", "ASSUMED")
    assert "own_theorems was replaced" in rate.assumed[0]


def test_the_paper_of_adiana_is_told_its_own_step():
    c = ct.ADIANA(ct.RandK(1)).check(GENERAL)
    with pytest.raises(NoGuarantee, match="64 omega"):
        theorems()["adiana.paper"].plan(c, 1)


def test_a_theorem_that_states_no_rate_promises_nothing():
    """It promised that one round arrives."""

    class Silent(Theorem):
        id, title = "silent", "says its step alone"

        def step_limit(self, c):
            return 1 / c.L, "1/L"

    problem = ct.problems.random_quadratic(2, 3, 5, seed=0)
    with pytest.raises(NoGuarantee, match="neither rate nor values"):
        ct.guarantee(ct.GD(), problem, Silent())
