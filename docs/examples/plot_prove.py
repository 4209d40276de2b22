r"""
Prove and refute
================

Four kinds of statement can be settled for good: a compressor's constants, a rate on one problem, a rate for every
function with given constants, and a false theorem.
"""

# %%
# A compressor's constants, for all x
# -----------------------------------
# Rand-K is a sketch: its variance follows from inclusion probabilities at any dimension.

from dataclasses import replace
from fractions import Fraction

import numpy as np

import compth as ct
from compth.methods.dcgd import DCGDGeneral
from compth.studies.problem_search import bound_ratio, study

report = ct.certify(ct.RandK(k=3), d=(5, 1000))
for certificate in report.certificates:
    print(certificate.verdict.value, certificate.claim, "by", certificate.technique)
assert report.verdict == "PROVED"

# %%
# A rate on one problem, in rational arithmetic
# ---------------------------------------------
# Both ends of the bracket are fractions, each shown by a positive semidefinite witness that is checked without
# rounding.

problem = ct.problems.distributed_quadratic(
    np.array([[[2.0, 0.5], [0.5, 1.0]], [[1.0, 0.0], [0.0, 3.0]]]), np.array([[1.0, 0.0], [-1.0, 1.0]])
)
rate = ct.exact_rate(ct.DCGD(ct.RandK(k=1), gamma=0.2), problem, rational=True)
low, high = rate.bracket
print(f"{float(low):.9f} <= rho <= {float(high):.9f}, width {float(high - low):.1e}")
assert isinstance(low, Fraction)
assert low <= high < 1

# %%
# A rate for every function with these constants
# ----------------------------------------------
# Compressed gradient descent with a contraction :math:`\delta`: one step of it is a linear matrix inequality. Its
# multipliers are rounded to fractions and checked again without rounding; the worst case is a quadratic that attains
# the rate.

delta = Fraction(1, 4)
tight = ct.tight_rate("CGD", mu=1, L=10, delta=delta)
print(f"step {tight.stepsize:.6f}: attained {tight.attained:.8f}, certified {tight.certified:.8f}")
assert tight.attained <= tight.certified < tight.attained + 1e-5

# %%
# A claimed rate is proved, or refuted with a one-dimensional rational trajectory:

report = ct.check_rate("CGD", rate="1 - delta*mu/L", stepsize="1/L", mu=1, L=10, delta=delta)
print(report.verdict.value, "by", report.certificates[0].evidence)
assert report.verdict == "PROVED"
report = ct.check_rate("EF21", rate="1 - mu/L", mu=1, L=10, delta=delta)
print(report.verdict.value, "by", report.certificates[0].technique)
assert report.verdict == "REFUTED"

# %%
# A false theorem
# ---------------
# Suppose that a paper lost the factor in front of DCGD's floor and stated an eighth of it. A theorem is an object; the
# study looks for a problem on which the exact second moment exceeds the bound.


class EighthOfTheFloor(DCGDGeneral):
    """The same plan with an eighth of the floor."""

    id = "example.eighth"

    def plan(self, c, gamma=None, horizon=None):
        right = super().plan(c, gamma, horizon)
        return replace(right, floor=right.floor / 8)


method = ct.DCGD(ct.RandK(k=1))
for theorem in (DCGDGeneral(), EighthOfTheFloor()):
    found = study(lambda q, t=theorem: bound_ratio(method, q, t, steps=200), count=25, largest=4)
    print(f"{theorem.id}: at worst {found.worst:.3f} of the bound ({found.where}), {found.tried} problems")
    assert found.violated == isinstance(theorem, EighthOfTheFloor)
