r"""
Exact dynamics
==============

On a quadratic, the second moments of a method with a linear sketch obey a linear recursion: no sampling is needed.
"""

# %%
import matplotlib.pyplot as plt
import numpy as np

import compth as ct

problem = ct.problems.random_quadratic(n=4, d=8, kappa=10, seed=1)
method = ct.DCGD(ct.RandK(k=2), gamma=0.15)
steps = 150

curve = ct.exact(method, problem, steps)
trace = ct.simulate(method, problem, steps, runs=400, seed=0)

# %%
# The simulated mean stays within its error bars of the exact curve:

z = (trace.mean_square - curve.mean_square)[1:] / trace.se_square[1:]
print(f"largest distance in standard errors: {np.abs(z).max():.2f}")
assert np.abs(z).max() < 7  # 150 dependent looks, about 1e-10 in all if the errors were normal

figure, axes = plt.subplots(figsize=(5.5, 3.4), layout="constrained")
axes.semilogy(trace.mean_square, label="simulated, 400 runs")
axes.semilogy(curve.mean_square, "k--", label="exact")
axes.axhline(ct.stationary(method, problem).mean_square, color="0.6", label="exact limit")
axes.set_xlabel("round t")
axes.set_ylabel(r"$E\|x_t-x^*\|^2$")
axes.legend()

# %%
# Rates and steps
# ---------------
# ``exact_rate`` gives the factor by which the expected squared distance nears its limit, where the mean may be slower
# than the second moments, and encloses the spectral radius of the moment operator; ``max_stable_step`` is the largest
# step at which the second moments stay bounded; ``best_step`` the fastest.

rate = ct.exact_rate(method, problem)
print(f"distance to its limit: factor {rate.rho:.6f} per round")
print(f"second moments alone: {rate.rho_noise:.6f} in [{rate.bracket[0]:.6f}, {rate.bracket[1]:.6f}]")
top = ct.max_stable_step(method, problem)
gamma, best = ct.best_step(method, problem)
print(f"stable below {top:.4f}; fastest at {gamma:.4f} with factor {best.rho:.4f}")

# %%
# Just below the largest stable step the factor is below one, just above it is not:

for share in (0.99, 1.01):
    found = ct.exact_rate(ct.DCGD(ct.RandK(k=2), gamma=share * top), problem)
    print(f"{share} x: rho_noise = {found.rho_noise:.5f}")
    assert (found.rho_noise < 1) == (share < 1)

# %%
# Against the theorem
# -------------------
# What the best theorem promises at its own step, and what is true there:

promise = ct.guarantee(ct.DCGD(ct.RandK(k=2)), problem)
true = ct.exact_rate(ct.DCGD(ct.RandK(k=2), gamma=float(promise.stepsize)), problem)
print(f"{promise.theorem}: promised {promise.rho:.5f}, exact {true.rho:.5f}")
assert true.rho <= promise.rho * (1 + 1e-12)  # equal here, up to rounding
