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

import matplotlib.pyplot as plt
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
report = ct.check_rate("EF21", rate="1 - mu/L", stepsize="1/L", mu=1, L=10, delta=delta)
print(report.verdict.value, "by", report.certificates[0].technique)
assert report.verdict == "REFUTED"

# %%
# The counterexample is redone by hand: EF21 on :math:`f(x) = 10x^2/2` with the contraction
# :math:`C(v) = (1+\sqrt{1-\delta})\,v`. It grows; the claim is the dashed line.

x, message, sizes = 1.0, 0.0, []
for _ in range(12):
    sizes.append(x**2)
    x -= message / 10
    message += (1 + np.sqrt(0.75)) * (10 * x - message)
assert sizes[-1] > 1e4
figure, axes = plt.subplots(figsize=(5.5, 3.4), layout="constrained")
axes.semilogy(sizes, "o-", color="#D55E00", label="what EF21 does")
axes.semilogy((1 - 1 / 10) ** np.arange(12.0), "--", color="0.3", label="claimed: factor 1 - mu/L")
axes.set_xlabel("round t")
axes.set_ylabel("squared distance to the solution")
axes.legend(frameon=False)

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
