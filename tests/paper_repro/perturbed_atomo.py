"""Perturbed product functions of ATOMO, and the rows that must fail."""

from functools import cache

import pytest

import compth as ct
from compth import AtomoEntrywise, AtomoSpectral
from paper_repro import atomo
from paper_repro.atomo import _layers, _lemmas

from .perturbing import Mutation, outcome, result


def optimality():
    """Theorem 5."""
    return atomo.optimality(True)


def spectral():
    """Theorem 7, Lemma 8, the rule of thumb."""
    return atomo.spectral(True)[0]


def balance():
    """Lemmas 2 to 4."""
    return _lemmas.balance(200)


def border():
    """The last balanced budget."""
    return {"def2.border": _lemmas.border()}


trained = cache(_layers.gradients)


def layers():
    """Real layers, after training too."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_layers, "gradients", trained)
        return _layers.layers(False)[0]


def dearer(patch, factor, heard):
    """Values of the spectral estimator too large, of the entry-wise one right."""
    right = atomo.balanced

    def slip(*given):
        spectral, entrywise = right(*given)
        return factor * spectral, entrywise

    patch.setattr(atomo, "balanced", slip)


MUTATIONS = (
    Mutation(
        atomo.golden, result(ct, "sampling_probabilities"), "alg1.p alg1.saturated alg1.values eq18.sign"
    ),
    Mutation(atomo.golden, result(atomo, "sampling_value"), "code.value"),
    Mutation(atomo.golden, result(atomo, "one_clip"), "code.spent"),
    Mutation(
        optimality, result(ct, "sampling_probabilities"), "thm5.kkt thm5.best sec3.lower sec3.saturated"
    ),
    Mutation(atomo.special_cases, outcome(AtomoEntrywise), "thm6.qsgd thm6.terngrad"),
    Mutation(atomo.special_cases, outcome(ct.LpQuantization), "thm6.worst_qsgd"),
    Mutation(atomo.special_cases, outcome(ct.TernGrad), "thm6.worst_terngrad"),
    Mutation(spectral, outcome(AtomoSpectral), "thm7.law"),
    Mutation(spectral, dearer, "lemma8.low lemma8.high lemma8.rank_one", size=1.4),  # a square root
    Mutation(spectral, dearer, "thm7.violations"),
    Mutation(spectral, result(atomo, "indicator"), "thumb.gaussian thumb.ranks thumb.crossover"),
    Mutation(atomo.samplers, result(ct, "sampling_probabilities"), "code.empty code.redraw"),
    Mutation(atomo.samplers, result(atomo, "wrong_way"), "code.rounding"),
    Mutation(_lemmas.lemma1, outcome(AtomoEntrywise), "lemma1.unbiased lemma1.square"),
    Mutation(
        balance,
        result(ct, "sampling_probabilities"),
        "lemma2.linear lemma2.value lemma3.saturated alg1.budget",
    ),
    Mutation(border, result(ct, "sampling_probabilities"), "def2.border"),
    Mutation(layers, result(_layers, "sampling_value"), "layers.start layers.trained"),
)
