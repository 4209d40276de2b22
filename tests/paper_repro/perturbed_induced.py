"""Perturbed product functions of induced compressors, and the rows that must fail."""

from dataclasses import replace

import compth as ct
from compth import calculus
from compth.problems.quadratic import DistributedQuadratic
from paper_repro import induced
from paper_repro.induced import _code, _problems, _runs

from .perturbing import (
    Mutation,
    attribute,
    bits,
    bounds,
    dearer,
    larger,
    left_over,
    moments,
    outcome,
    play,
    result,
    together,
)


def constant():
    """The constant of the induced compressor."""
    return induced.constant(True)


def variances():
    """Variance at equal traffic."""
    return induced.variances(True)


def divergence():
    """Section 6's example."""
    return induced.divergence(True)[0]


def theorem():
    """The constant-step theorem and the sampling lemma."""
    return induced.theorem(True)


def traffic():
    """Runs at equal traffic."""
    return _runs.equal_traffic(True)[0]


def participation():
    """Runs with some of the workers."""
    return _runs.participation()[0]


LAWS = {
    "c_nat": ct.NaturalCompression,
    "standard": ct.RandomDithering,
    "natural": ct.NaturalDithering,
    "rand": ct.RandK,
    "top": ct.TopK,
    "greedy": ct.AtomoEntrywise,
    "induced": ct.Induced,
    "example": ct.Induced,
}


def sampled(patch, factor, heard):
    """v of every sampling."""
    for kind in {type(s) for s in _problems.SAMPLINGS}:
        result(kind, "v", same=True)(patch, factor, heard)


def hessian(patch, factor, heard):
    """The mean Hessian."""
    play(patch, heard)
    patch.setattr(DistributedQuadratic, "hessian", property(lambda self: factor * self.A.mean(axis=0)))


def rival(patch, factor, heard):
    """omega of Rand-20, not that of Rand-10."""
    right = ct.RandK.claims

    def slip(self, d):
        found = right(self, d)
        return tuple(replace(c, omega=c.omega * factor) for c in found[:1]) if self.k == 20 else found

    patch.setattr(ct.RandK, "claims", slip)


MUTATIONS = (
    Mutation(
        constant,
        together(outcome(ct.Induced), outcome(ct.Scaled), result(calculus, "induced_second_moment")),
        "thm.flat thm.geometric thm.instance thm.second_moment lemma.scaled thm.holds",
    ),
    Mutation(variances, result(calculus, "induced_omega"), "var.k10 var.k50 var.k100 bits.light bits.heavy"),
    Mutation(variances, rival, "var.crossover"),
    Mutation(divergence, result(ct.TopK, "compress", same=True), "sec6.growth sec6.law sec6.any_step"),
    Mutation(divergence, hessian, "sec6.eigenvalues"),
    Mutation(divergence, moments(left_over, "simulate"), "sec6.others", size=1.01),
    Mutation(divergence, result(calculus, "averaged_omega", same=True), "sec6.delta_n"),
    Mutation(divergence, attribute(ct, "guarantee", "stepsize", same=True), "sec6.safe_step"),
    Mutation(theorem, bounds, "thm.dcsgd"),
    Mutation(theorem, sampled, "sec5.samplings"),
    Mutation(traffic, dearer("Induced"), "runs.light runs.heavy"),
    *(Mutation(_code.laws, outcome(kind), f"code.{name}") for name, kind in LAWS.items()),
    Mutation(_code.code, result(ct, "sampling_probabilities"), "code.saturated code.unspent"),
    Mutation(_code.code, outcome(ct.AtomoEntrywise), "code.tiny"),
    Mutation(_code.code, bits(ct.TopK, "floats"), "code.density"),
    Mutation(_code.code, moments(larger, "simulate"), "code.feedback"),
    Mutation(_code.code, outcome(ct.Induced), "abstract.unbiased abstract.sampling"),
    Mutation(participation, bounds, "sampling.bound"),
    Mutation(participation, dearer("IndependentSampling"), "sampling.bits"),
)
EXACT = {
    "abstract.memory": "whole numbers of floats that a worker keeps",
    "var.tail": "quadratic in what is sent: one per cent of it moves the tail by 10^-5",
}
