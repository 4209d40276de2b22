"""print(result) is a sentence: what is known, how closely, and how; an unconverged number is not shown as one."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

import compth as ct
from compth._earned import kept

PROBLEM = ct.problems.random_quadratic(3, 4, 5, seed=1)


def test_an_exact_rate_says_its_bracket_and_an_unconverged_one_no_number():
    rate = ct.exact_rate(ct.DIANA(ct.RandK(2), gamma=0.1), PROBLEM)
    assert str(rate).startswith(f"exact rate {float(rate.rho):.10g} a round")
    loose = kept(replace(rate, converged=False, bracket=(0.5, 0.9)))
    assert str(loose) == (
        "the second moments contract a round by a factor between 0.5 and 0.9: not known more closely"
    )


class Written:
    """A problem from scratch: its matrices are its word; factor(x): what its gradients are multiplied with."""

    def __init__(self, factor=lambda x: 1.0):
        self.factor = factor

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(PROBLEM, name)

    def gradients(self, x):
        return self.factor(x) * PROBLEM.gradients(x)


def test_an_exact_answer_says_what_it_takes_on_a_users_word():
    method = ct.DCGD(ct.RandK(2), gamma=0.1)
    word = "assumed: that the gradients of Written are those of its A and b"
    found = [
        ct.exact_rate(method, Written()),
        ct.exact(method, Written(), 2),
        ct.stationary(method, Written()),
    ]
    found += [ct.max_stable_step(method, Written()), ct.best_step(method, Written()).rate]
    assert [r.assumed for r in found] == [(word,)] * 5
    assert str(found[0]).endswith(word)
    assert ct.exact_rate(method, PROBLEM).assumed == ()


@pytest.mark.parametrize(
    "factor", [lambda x: 5.0, lambda x: 1 + 1e-6, lambda x: 0.0 if np.abs(x).max() > 50 else 1]
)
def test_gradients_that_are_not_those_of_the_matrices_have_no_exact_answer(factor):
    with pytest.raises(ct.errors.Unsupported, match=r"Written\.gradients is not A x - b"):
        ct.exact_rate(ct.GD(gamma=0.1), Written(factor))


class Quiet(ct.Minibatch):
    """Draws one component and states the noise of all."""

    def noise(self, problem):
        return ct.Minibatch(problem.m).noise(problem)


def test_an_exact_answer_says_that_an_oracle_of_others_states_its_noise():
    problem = ct.problems.random_finite_sum(n=2, m=3, d=3, seed=0)
    runs = [ct.DCGD(ct.RandK(1), gamma=0.1, oracle=kind(1)) for kind in (Quiet, ct.Minibatch)]
    words = [ct.stationary(run, problem).assumed for run in runs]
    assert words == [(f"assumed: that the oracle {Quiet(1)!r} draws with the noise that it states",), ()]


def test_a_tight_rate_says_step_class_and_standing():
    found = ct.tight_rate("EF21", mu=Fraction(1, 10), L=1, delta=Fraction(1, 2))
    assert str(found) == (
        f"EF21 at step {float(found.stepsize):.6g} (mu=1/10, L=1, delta=1/2, n=1): "
        f"worst case {float(found.rho):.10g} a round, tight; PROVED"
    )
    assert (
        "tight"
        not in str(replace(found, attained=0.5)).split("a round, ")[1].split(";")[0].split("between")[0]
    )
    assert "no rate below 1 is certified" in str(replace(found, certified=None))


def test_a_guarantee_is_a_sentence_with_what_was_assumed():
    promised = ct.guarantee(ct.DIANA(ct.RandK(2), gamma=0.1), PROBLEM)
    assert f"{promised.theorem} at step 0.1: {promised.metric} is at most" in str(promised)
    assert str(promised).endswith(f"({promised.standing})")
    changed = str(replace(promised, rho=0.5))
    assert changed.endswith("(ASSUMED); assumed: a rate that was not derived here")


def test_a_bound_of_one_round_alone_is_not_shown_elsewhere():
    promised = ct.guarantee(ct.DCGD(ct.RandK(2)), PROBLEM, "dcsgd.horizon", horizon=1000)
    assert f"is at most {promised.bound(1000):.4g} after 1000 rounds (" in str(promised)
