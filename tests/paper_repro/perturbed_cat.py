"""Perturbed product functions of CAT, and the rows that must fail."""

from types import SimpleNamespace

import numpy as np
import pytest

import compth as ct
import compth.tuning.schemes as schemes
from paper_repro import cat
from paper_repro.cat import _sparse

from .perturbing import Mutation, attribute, bits, result


def descent():
    """The three lemmas."""
    return cat.descent(True)


def structure():
    """Packets, overhead, curvature."""
    return cat.structure(True)


def real():
    """Real data, the two small sets."""
    return cat.real(True)[0]


def sparse():
    """The sparse runs on fewer and shorter rows."""
    with pytest.MonkeyPatch.context() as patch:
        right = _sparse.texts
        patch.setattr(_sparse, "texts", lambda rows: right(1000, 4000))
        patch.setattr(_sparse, "D", 4000)
        values, _, _ = _sparse.savings(False)
    return values


def abstracts():
    """What abstracts and introduction say of small gradients."""
    return _sparse.abstracts({1, 2, 3})


def tilted(name):
    """schemes.name the more too large, the more entries are sent."""

    def plant(patch, factor, heard):
        right = getattr(schemes, name)

        def slip(*given):
            shares = right(*given)
            return shares * np.where(given[0] > 0.5 * given[-1], factor, 1)

        patch.setattr(schemes, name, slip)

    return plant


def cost(patch, factor, heard):
    """Messages of tuned levels cost more."""
    right = ct.tune

    def slip(*given, **named):
        found = right(*given, **named)
        return SimpleNamespace(level=found.level, stepsize=found.stepsize, cost=found.cost * factor)

    patch.setattr(ct, "tune", slip)


MUTATIONS = (
    Mutation(cat.golden, result(schemes, "alpha"), "golden.alpha golden.efficiency"),
    Mutation(cat.golden, result(schemes, "beta"), "golden.beta"),
    Mutation(cat.golden, result(schemes, "omega"), "golden.omega"),
    Mutation(cat.spike, result(schemes, "beta"), "beta.values"),
    Mutation(cat.spike, tilted("beta"), "beta.greedy"),
    Mutation(descent, result(schemes, "alpha"), "lemma.s lemma.equality lemma.worst_case"),
    Mutation(descent, result(schemes, "beta"), "lemma.sq"),
    Mutation(descent, result(cat, "expected_curvature"), "lemma.ss"),
    Mutation(cat.complexity, result(schemes, "alpha"), "thm.iterations"),
    Mutation(structure, result(cat, "quadratic_probabilities"), "sec6.curvature"),
    Mutation(structure, bits(ct.TopK, "indices", "floats"), "wire.entries"),
    Mutation(
        real,
        attribute(ct, "compare_levels", "tuned", same=True),
        "real.regret real.same_step real.orders real.diabetes",
    ),
    Mutation(
        sparse,
        cost,
        "sparse.payload sparse.packets sparse.tenth sparse.orders abstract.efficiency",
        small=True,
    ),
    Mutation(abstracts, bits(ct.Identity, "floats"), "intro.megabytes"),
    Mutation(abstracts, tilted("alpha"), "abstract.per_bit"),
)
EXACT = {
    "golden.levels": "whole numbers",
    "beta.lowest": "a whole number",
    "beta.chosen": "a whole number: all entries",
    "prop.multiples": "a count: no factor of the shares moves the best level",
    "prop.no_overhead": "a count, likewise",
    "abstract.suboptimal": "moves with whole levels alone",
    "abstract.each_iteration": "a count of levels",
    "abstract.technology": "a count of levels",
}
