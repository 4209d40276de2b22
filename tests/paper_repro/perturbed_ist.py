"""Perturbed product functions of IST, and the rows that must fail."""

from dataclasses import replace

import numpy as np

import compth as ct
from compth.compressors.double_sketch import DoubleSketch
from paper_repro import ist
from paper_repro.ist import _starts, _statements

from .perturbing import (
    Mutation,
    attribute,
    bounds,
    larger,
    left_over,
    moments,
    outcome,
    play,
    result,
    some,
    times,
)


def diagonal():
    """(23) with D_i^(-1/2)."""
    return {"eq23.diagonal": ist.diagonal_reading(*ist.preconditioned(4, 5))}


def homogeneous():
    """Equal data."""
    return ist.homogeneous()[0]


def heterogeneous():
    """Different data."""
    return ist.heterogeneous(True)[0]


def starts():
    """Starts and local steps."""
    return _starts.starts(ist.gaussian(10, 200, 1), 8)[0]


def law(owner, *fields):
    """These fields of the exact law."""
    return attribute(owner, "law_of", *fields)


def noise(patch, factor, heard):
    """The covariance of a step, a hundredth too large in every direction."""
    play(patch, heard)
    right = ist.law_of

    def slip(method, problem):
        found = right(method, problem)
        return replace(found, covariance=found.covariance + (factor - 1) * np.eye(problem.d))

    patch.setattr(ist, "law_of", slip)


def second_part(owner, name):
    """The second of the two numbers that owner.name gives."""

    def plant(patch, factor, heard):
        right = getattr(owner, name)

        def slip(*given):
            first, second = right(*given)
            return first, second * factor

        patch.setattr(owner, name, slip)

    return plant


def off_diagonal(patch, factor, heard):
    """W of Remark 1 off the diagonal."""
    right = _statements.remark1

    def slip(*given):
        (a, b), (c, d) = right(*given)
        return (a, times(b, factor)), (times(c, factor), d)

    patch.setattr(_statements, "remark1", slip)


def scaling(patch, factor, heard):
    """The scaling (23)."""
    right = ct.ScaledPermK.preconditioned
    patch.setattr(
        ct.ScaledPermK,
        "preconditioned",
        lambda A: replace(right(A), scaling=times(right(A).scaling, factor)),
    )


MUTATIONS = (
    Mutation(ist.fixed_point, law(ist, "x_inf"), "sec4.mean sec4.x_inf"),
    Mutation(ist.fixed_point, law(ist, "bias"), "sec4.bias law.limit"),
    Mutation(ist.fixed_point, law(ist, "covariance"), "law.covariance"),
    Mutation(ist.theorem2, bounds, "thm2.holds thm2.sharp thm2.loose"),
    Mutation(ist.interpolation, moments(larger, "exact"), "thm1.holds"),
    Mutation(ist.interpolation, moments(left_over, "exact"), "sec312.one_step"),
    Mutation(ist.slips, moments(larger, "exact"), "eq17.gap eq23.literal"),
    Mutation(ist.slips, result(DoubleSketch, "mean_map", same=True), "eq21.factor"),
    Mutation(ist.slips, law(ist, "bias"), "sec4.large_n"),
    Mutation(diagonal, scaling, "eq23.diagonal"),
    Mutation(ist.counterexample, result(ist, "remark1", same=True), "remark1.det"),
    Mutation(ist.counterexample, moments(larger, "exact"), "remark1.rises remark1.converges"),
    Mutation(ist.counterexample, result(ct, "max_stable_step", same=True), "remark1.step"),
    Mutation(homogeneous, moments(larger, "simulate"), "fig1b.law fig1b.shrunk fig1b.floor"),
    Mutation(homogeneous, law(ist, "x_inf"), "sec4.eigenvector"),
    Mutation(homogeneous, noise, "eq31.sigma2"),
    Mutation(_statements.sketches, outcome(ct.RandK), "eq4.variance eq11.grows"),
    Mutation(_statements.sketches, outcome(ct.PermK), "def2.partition"),
    Mutation(_statements.sketches, outcome(type(ct.PermK(3).member(0))), "def2.unbiased"),
    Mutation(
        _statements.interpolation,
        result(_statements, "double_sketch_constants", same=True),
        "identity.theta sec311.theta sec312.theta",
    ),
    Mutation(_statements.interpolation, second_part(_statements, "double_sketch_constants"), "identity.rate"),
    Mutation(_statements.interpolation, off_diagonal, "remark1.threshold"),
    Mutation(_statements.interpolation, bounds, "eq15.holds"),
    Mutation(_statements.interpolation, moments(left_over, "exact"), "eq22.holds eq24.holds"),
    Mutation(_statements.general, some(larger, "exact", 0, 1, 3), "eq6.forms eq27.split sec41.any_step"),
    Mutation(_statements.general, attribute(ct, "stationary", "gap"), "thm2.irreducible"),
    Mutation(starts, result(DoubleSketch, "mean_shift", same=True), "starts.limit"),
    Mutation(starts, some(larger, "simulate", 3, 4, 5, 6), "local.one local.ends"),
    Mutation(heterogeneous, moments(larger, "exact"), "fig1a.ist_leaves fig1a.dcgd_stays"),
    Mutation(heterogeneous, moments(larger, "simulate"), "fig1a.moments", size=1.5),  # six errors of 256 runs
)
EXACT = {
    "fig1a.tradeoff": "yes or no: the gaps differ by factors",
    "fig1a.large": "yes or no, likewise",
}
