"""Perturbed product functions of SwitchML, and the rows that must fail."""

import compth as ct
from compth import calculus
from paper_repro import switchml
from paper_repro.switchml import _code

from .perturbing import Mutation, bits, bounds, left_over, moments, result, variance

MEMBER = type(ct.SwitchML(8, exponent=True).member(0))


def errors():
    """Error and overflow bounds."""
    return switchml.bounds(True)


def fits():
    """Capacity."""
    return switchml.fits(True)


def runs():
    """Runs on real data."""
    return switchml.runs(True)[0]


def code():
    """What the code says."""
    return _code.code(298)


def first():
    """The number of workers at which the code's scale overflows."""
    return _code.code(switchml.reference()["c5.first"])


def units(patch, factor, heard):
    """Units of the integers too short."""
    right = ct.SwitchML.quantise

    def slip(self, x, rng):
        integers, unit = right(self, x, rng)
        return integers, unit / factor

    patch.setattr(ct.SwitchML, "quantise", slip)


MUTATIONS = (
    Mutation(errors, result(calculus, "integer_sum_error"), "c1.nearest c1.any c1.attained c3.relative"),
    Mutation(errors, result(calculus, "no_overflow_scale"), "c2.ours"),
    Mutation(errors, result(switchml, "recalled_scale"), "c2.recalled"),  # the formula is the paper's alone
    Mutation(fits, result(calculus, "no_overflow_scale"), "c2.eight_bits"),
    Mutation(switchml.noise, variance(switchml, ct.IntegerRounding), "c4.variance c4.no_omega"),
    Mutation(switchml.noise, result(calculus, "integer_mean_error"), "c4.mean"),
    Mutation(switchml.noise, result(switchml, "round_integers"), "c4.coherent"),
    Mutation(switchml.reference, result(calculus, "switchml_reference_scale"), "c5.safe c5.first"),
    Mutation(switchml.reference, bits(MEMBER, "other"), "c5.exponent"),
    Mutation(runs, bounds, "run.bound"),
    Mutation(runs, moments(left_over, "simulate"), "run.wide run.four_bits run.nearest", size=1.01),
    Mutation(code, result(calculus, "switchml_reference_scale"), "code.slack code.single"),
    Mutation(code, result(_code, "packets"), "code.packets"),
    Mutation(code, bits(MEMBER, "levels"), "code.payload"),
    Mutation(code, result(_code, "round_integers"), "code.ties"),
    Mutation(code, result(ct.SwitchML, "_compress"), "code.ramp code.random"),
    Mutation(code, result(ct.IntegerRounding, "compress"), "code.int32"),
    Mutation(first, result(calculus, "switchml_reference_scale"), "code.workers"),
    Mutation(code, units, "code.exponent"),
)
EXACT = {
    "c5.dropped": "yes or no: every number of workers overflows by nearly a factor of two",
    "code.int8": "an exponent, a whole number",
    "code.zero": "sums of zeros are 0 whatever they are multiplied by",
}
