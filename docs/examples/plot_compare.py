r"""
Compare
=======

Guarantee, exact expectation and simulation in one table and one figure, at equal rounds and equal bits.
"""

# %%
import compth as ct

problem = ct.problems.random_quadratic(n=6, d=12, kappa=20, seed=3)
print(
    f"L = {problem.L:.3g}, L_max = {problem.L_max:.3g}, mu = {problem.mu:.3g}, zeta2* = {problem.zeta2_star:.3g}"
)

# %%
# A method without a step size takes the one that its best theorem plans. Dashed lines are guarantees, solid ones
# simulated means with two standard errors, circles exact expectations.

k = 3
methods = [
    ct.DCGD(ct.RandK(k=k)),
    ct.DIANA(ct.RandK(k=k)),
    ct.EF(ct.TopK(k=k)),
    ct.EF21(ct.TopK(k=k)),
    ct.DCGD(ct.Induced(ct.TopK(k=k), ct.RandK(k=k))),
]
comparison = ct.compare(methods, problem, steps=800, runs=64, seed=0)
figure = comparison.plot()

# %%
print(comparison.table())

# %%
# The steps that theorems plan are safe and often short. ``remarks`` says by how much, against the exact best step:

for line in comparison.remarks():
    print(line)

# %%
# A step outside every theorem's range has no guarantee, and that is said:

try:
    ct.guarantee(ct.DCGD(ct.RandK(k=k), gamma=10.0), problem)
except ct.errors.NoGuarantee as reason:
    print(reason)
else:
    raise AssertionError("a step of 10 must not be promised anything")

# %%
# Divergence is a result: the replicates are masked and the round is recorded.

trace = ct.simulate(ct.DCGD(ct.RandK(k=k), gamma=10.0), problem, steps=200, runs=8, seed=0)
print("left the finite range at rounds", sorted({int(t) for t in trace.diverged}))
assert (trace.diverged > 0).all()
