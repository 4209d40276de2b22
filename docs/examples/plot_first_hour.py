r"""
The first hour
==============

A wrong compressor is refuted, a right one is proved, and methods are compared on real data.

A compressor :math:`C` is *unbiased with variance* :math:`\omega` when :math:`E\,C(x) = x` and
:math:`E\|C(x)-x\|^2 \le \omega\|x\|^2` for all :math:`x`. Theory turns :math:`\omega` into rates, so a wrong
:math:`\omega`, or code that does not do what the formula says, makes every promise worthless.
"""

# %%
# A wrong compressor
# ------------------
# Rand-2 keeps two coordinates. As it is often written, the scale :math:`d/2` is missing.

import numpy as np

import compth as ct


def rand2(x, rng):
    out = np.zeros(len(x))
    chosen = rng.choice(len(x), 2, replace=False)
    out[chosen] = x[chosen]
    return out


report = ct.certify(rand2, d=(3, 20), claims=ct.Unbiased("d/2 - 1"))
certificate = report.certificates[0]
print(report.verdict, "at x =", certificate.witness)
print(certificate.details["says"])
assert report.verdict == "REFUTED"

# %%
# It is refuted with an input that anyone can check by hand.
#
# A proved one
# ------------
# With the scale the program is unbiased. It runs on linear forms over the rationals, every outcome of its generator is
# followed, and the claim holds for **all** :math:`x`.


def rand2_scaled(x, rng):
    out = np.zeros_like(x)  # takes whatever numbers x holds
    chosen = rng.choice(len(x), 2, replace=False)
    out[chosen] = x[chosen] * (len(x) / 2)
    return out


report = ct.certify(rand2_scaled, d=3, claims=ct.Unbiased("d/2 - 1"))
print(report.verdict, "by", report.certificates[0].technique)
assert report.verdict == "PROVED"

# %%
# A smaller :math:`\omega` is false, and the referee says by how much:

report = ct.certify(rand2_scaled, d=3, claims=ct.Unbiased("d/2 - 1.01"))
print(report.verdict, "found", report.certificates[-1].estimate, "allowed", report.certificates[-1].bound)
assert report.verdict == "REFUTED"

# %%
# What the constant is worth
# --------------------------
# Ridge regression on scikit-learn's diabetes data (d = 10), split over five workers by label: they disagree, so their
# gradients at the solution are not zero.

problem = ct.problems.ridge("diabetes", workers=5, split="label")
for method in (ct.DCGD(ct.RandK(k=2)), ct.DIANA(ct.RandK(k=2))):
    rate = ct.guarantee(method, problem)
    print(
        f"{method.label}: {rate.theorem}, step {rate.stepsize:.3g}, factor {rate.rho:.5f}, floor {rate.floor:.3g}"
    )

# %%
# DCGD's theorem has a floor, DIANA's has none. Guarantee, exact expectation and simulation together:

comparison = ct.compare(
    [ct.GD(), ct.DCGD(ct.RandK(k=2)), ct.DIANA(ct.RandK(k=2)), ct.EF21(ct.TopK(k=2))],
    problem,
    steps=1500,
    runs=32,
)
figure = comparison.plot()

# %%
print(comparison.table())

# %%
# Where the numbers come from:

print(comparison.cite())

# %%
# Your own compressor
# -------------------
# Put your function in the place of this one and say what you believe. First the judgement, for all :math:`x`, then its
# rate: a function with claims is a compressor everywhere.


def largest(x):
    return np.where(np.arange(len(x)) == np.argmax(np.abs(x)), x, 0.0)


mine = ct.compressor(largest, claims="Contractive(1/d)", bits="32 + log2(d)")
report = ct.certify(mine, d=4)
print(report.verdict, "by", report.certificates[0].technique)
assert report.verdict == "PROVED"
print(ct.guarantee(ct.EF21(mine), problem))

# %%
# A bolder claim is refuted, with a vector to think about:

report = ct.certify(largest, d=4, claims=ct.Contractive("1/2"))
print(report.verdict, "at x =", report.certificates[-1].witness)
assert report.verdict == "REFUTED"

# %%
# On the command line the same is ``compth check mine.py:largest --delta "1/d" -d 4``; pairs, tensors and objects with
# memory are in :doc:`../../guide/ten_ways`.
#
# Next
# ----
# :doc:`../../evidence` says what a verdict means; :doc:`plot_certify` shows more of the referee; the
# :doc:`../catalogue/index` has every compressor.
