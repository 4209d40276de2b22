r"""
Noisy gradients, compressed broadcasts, engines
===============================================

Workers rarely hold exact gradients, and the server's answer costs bits, too. Both have exact dynamics and theorems.
"""

# %%
# Finite sums and oracles
# -----------------------
# On a finite sum every worker has ``m`` components. An oracle says what it computes instead of its gradient; the
# oracle's second moments are known exactly, and so is the run.

from dataclasses import replace

import matplotlib.pyplot as plt

import compth as ct
from compth.errors import NoGuarantee

problem = ct.problems.random_finite_sum(n=3, m=5, d=6, kappa=10, seed=0)
compressor = ct.RandK(k=2)
exact_gradients = ct.DCGD(compressor, gamma=0.05)
methods = {
    "exact gradients": exact_gradients,
    "minibatches of 2": replace(exact_gradients, oracle=ct.Minibatch(2)),
    "one component": replace(exact_gradients, oracle=ct.Minibatch()),
}

figure, axes = plt.subplots(figsize=(5.5, 3.4), layout="constrained")
floors = []
for name, method in methods.items():
    axes.semilogy(ct.exact(method, problem, 300).mean_square, label=name)
    floors.append(ct.stationary(method, problem).mean_square)
    print(f"{name}: floor {floors[-1]:.4g}")
axes.set_xlabel("round t")
axes.set_ylabel(r"$E\|x_t-x^*\|^2$")
axes.legend()
assert floors == sorted(floors)

# %%
# Theorems say what noise they bear: none, bounded for all x, or any, by its expected smoothness. The others refuse:

uniform = ct.problems.additive_noise(ct.problems.random_quadratic(n=3, d=6, kappa=10, seed=0), sigma2=0.1)
minibatch = ct.Minibatch(2)
for method, data in ((ct.SGD(oracle=minibatch), problem), (ct.DIANA(compressor, oracle=minibatch), uniform)):
    rate = ct.guarantee(method, data)
    print(f"{method.label}: {rate.theorem}, factor {rate.rho:.5f}, floor {rate.floor:.4g}")
try:
    ct.guarantee(ct.EF21(ct.TopK(k=2), oracle=minibatch), problem)
except NoGuarantee as refused:
    print(refused)

# %%
# A compressed broadcast
# ----------------------
# ``downlink=`` compresses what the server sends. EF21 keeps a linear rate; the step pays for the noise.

whole = ct.problems.random_quadratic(n=4, d=8, kappa=10, seed=1)
for method in (ct.EF21(ct.TopK(k=2)), ct.EF21(ct.TopK(k=2), downlink=ct.RandK(k=4))):
    rate = ct.guarantee(method, whole)
    bits = method.downlink_bits(whole)
    print(f"{method.label}: {rate.theorem}, step {rate.stepsize:.4g}, {bits:.0f} bits down a round")

# %%
# Engines
# -------
# ``engine="fast"`` (extra ``fast``) runs methods in fused loops made from their traces, and those that are no linear
# bodies on messages from such loops; ``engine="torch"`` runs the methods' own code on tensors, on a GPU where there is
# one. Their random streams differ from the reference's, their law does not: runs without randomness agree to rounding.

method = ct.EF21(ct.TopK(k=2), gamma=0.05)
plain = ct.simulate(method, whole, steps=100, runs=1)
fast = ct.simulate(method, whole, steps=100, runs=1, engine="fast")
print(f"{plain.mean_square[-1]:.12g} and {fast.mean_square[-1]:.12g}")
assert abs(fast.mean_square[-1] / plain.mean_square[-1] - 1) < 1e-9
