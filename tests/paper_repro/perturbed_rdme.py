"""Perturbed product functions of randomized mean estimation, and the rows that must fail."""

from dataclasses import replace

import compth as ct
import compth.tuning.probabilities as probabilities
from compth import VariableSupport
from paper_repro import rdme

from .perturbing import Mutation, attribute, entry, outcome, result


def figure():
    """The rows of Figure 1."""
    return rdme.figure1({law: rdme.curves(law) for law in rdme.LAWS})


def lemma():
    """Lemma 7.2."""
    return {"lemma72.right": rdme.lemma72()}


def alternating(patch, factor, heard):
    """Alternating minimisation ends with an error that is too large; fixed centres are right."""
    right = ct.mean_estimation

    def slip(x, budget, **named):
        found = right(x, budget, **named)
        return replace(found, mse=found.mse * factor) if "rounds" in named else found

    patch.setattr(ct, "mean_estimation", slip)


MUTATIONS = (
    Mutation(rdme.table, entry(ct.PAPER_BITS, "rdme: full"), "table1.full"),
    Mutation(
        rdme.table,
        entry(ct.PAPER_BITS, "rdme: sparse, seed"),
        "table1.log.bits table1.one.bits table1.below.bits ex8.bits",
    ),
    Mutation(
        rdme.table,
        outcome(VariableSupport),
        "table1.log.mse table1.one.mse table1.below.mse ex8.mse lemma34.mse",
    ),
    Mutation(rdme.binary, entry(ct.PAPER_BITS, "rdme: binary"), "ex4.bits"),
    Mutation(
        rdme.binary, outcome(ct.BinaryQuantization), "ex4.identity ex4.bound ex4.sharp remark3.rotation"
    ),
    Mutation(
        rdme.optimal,
        attribute(ct, "mean_estimation", "mse"),
        "thm61.closed thm61.lower thm61.upper",
    ),
    Mutation(rdme.optimal, result(probabilities, "budget_probabilities"), "thm61.kkt"),
    Mutation(rdme.optimal, result(rdme, "best_centres"), "centres.best"),
    Mutation(
        figure,
        attribute(ct, "mean_estimation", "mse"),
        "fig1.gain.normal fig1.gain.laplace fig1.gain.chi2 fig1.binary.normal fig1.binary.laplace fig1.binary.chi2",
    ),
    Mutation(figure, alternating, "fig1.centres.normal fig1.centres.laplace fig1.centres.chi2"),
    Mutation(lemma, result(rdme, "relative_error"), "lemma72.right"),
)
