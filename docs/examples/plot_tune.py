r"""
Tune
====

For a direction :math:`Q` built from the gradient :math:`g` and a step :math:`\gamma`,
:math:`E f(x-\gamma Q) \le f(x) - \gamma\langle g, EQ\rangle + \tfrac{L\gamma^2}{2}E\|Q\|^2`. The best step gives an
improvement; a link gives a cost; ``ct.tune`` finds the level with the most improvement per cost.
"""

# %%
import matplotlib.pyplot as plt
import numpy as np

import compth as ct

problem = ct.problems.ridge("digits", workers=1, split="iid")
gradient = problem.gradients(problem.start)[0]

links = {
    "no overhead": ct.costs.Payload(1, 0),
    "640 bits a message": ct.costs.Payload(1, 640),
    "packets of 10 elements": ct.costs.Packet(10),
}
figure, axes = plt.subplots(figsize=(5.5, 3.4), layout="constrained")
for name, cost in links.items():
    found = ct.tune(gradient, "S", cost, L=problem.L)
    print(
        f"{name}: send the {found.level} largest of {gradient.size}, {found.share:.0%} of the full improvement"
    )
    axes.plot(found.levels, found.curve / found.curve.max(), label=name)
    axes.plot(found.level, 1, "o", color=axes.lines[-1].get_color())
axes.set_xlabel("entries sent T")
axes.set_ylabel("improvement per cost (best = 1)")
axes.legend()

# %%
# The rule is held against brute force here, not only in the tests:

found = ct.tune(gradient, "S", links["640 bits a message"], L=problem.L)
assert found.level == found.levels[np.argmax(found.curve)]

# %%
# Signs and a norm (S+Q), and sampling (SS), on the same link:

for scheme in ("S", "S+Q", "SS"):
    found = ct.tune(gradient, scheme, links["640 bits a message"], L=problem.L)
    print(f"{scheme}: level {found.level}, improvement per bit {float(found.efficiency):.3e}")

# %%
# Optimal probabilities for sampling with a budget of 8 expected entries:

p = ct.sampling_probabilities(np.abs(gradient), 8)
print(f"sum {p.sum():.6f}, {int((p == 1).sum())} entries are always sent")
assert abs(p.sum() - 8) < 1e-9
