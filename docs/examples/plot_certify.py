r"""
Certify
=======

``ct.certify`` settles declared constants; ``ct.estimate`` says which could be declared.
"""

# %%
# Objects know their claims
# -------------------------

import matplotlib.pyplot as plt
import numpy as np

import compth as ct
from compth.certification.tracer import leaves

for compressor in (ct.RandK(k=2), ct.TopK(k=2), ct.RandomDithering(s=2), ct.NaturalCompression()):
    report = ct.certify(compressor, d=5)
    print(compressor, report.verdict.value, [c.technique for c in report.certificates])
    assert report.verdict in ("PROVED", "CONSISTENT")

# %%
# Programs are given claims
# -------------------------
# Expressions in d and named parameters are parsed, never evaluated as code. Here a biased rounding is claimed to be
# unbiased; the first entry that shows it is reported.


def round_down(x, rng):
    return np.floor(x * 8) / 8


report = ct.certify(round_down, d=2, claims=ct.AbsoluteError("sqrt(d)/8"))
print(report.verdict.value, report.certificates[0].evidence)
assert report.verdict == "PROVED"
report = ct.certify(round_down, d=2, claims=ct.AbsoluteError("sqrt(d)/16"))
print(report.verdict.value, report.certificates[-1].witness)
assert report.verdict == "REFUTED"

# %%
# A rare bug
# ----------
# Wrong once in a thousand draws: a mean over a few samples would not see it. The outcomes are followed exactly.


def rare(x, rng):
    return x * 1.5 if rng.random() < 0.001 else x


report = ct.certify(rare, d=2, claims=ct.Unbiased("1"))
print(report.verdict.value, report.certificates[0].details["says"])
assert report.verdict == "REFUTED"

# %%
# Which constants could be declared?
# ----------------------------------

estimate = ct.estimate(ct.TernGrad(), d=20)
print(estimate.kind, float(estimate.omega))

# %%
# What a constant is
# ------------------
# The relative error of every direction of the plane (filled), and the declared constant (ring). A constant is tight
# where the error reaches the ring; a spike beyond it would refute it.

angles = np.linspace(0, 2 * np.pi, 241) + 1e-6  # beside the axes: the sign of 0 is 0
shown = {
    "Rand-1: omega": ct.RandK(k=1),
    "TernGrad: omega": ct.TernGrad(),
    "Top-1: 1 - delta": ct.TopK(k=1),
    "scaled sign: 1 - delta": ct.ScaledSign(),
}
figure, panels = plt.subplots(
    1, 4, figsize=(9.6, 2.9), subplot_kw={"projection": "polar"}, layout="constrained"
)
for axes, (name, compressor) in zip(panels, shown.items(), strict=True):
    unbiased = compressor.claim(ct.Unbiased, 2)
    bound = float(unbiased.omega if unbiased else 1 - compressor.claim(ct.Contractive, 2).delta)
    errors = []
    for x in np.column_stack([np.cos(angles), np.sin(angles)]):
        law = leaves(lambda rng, x=x, c=compressor: c._compress(x, rng))  # every outcome, exactly
        misses = [(float(o.probability), np.array(o.output, dtype=float) - x) for o in law]
        errors.append(sum(p * float(miss @ miss) for p, miss in misses))
    axes.fill(angles, errors, color="#0072B2", alpha=0.45)
    axes.plot(angles, np.full(angles.size, bound), color="0.2")
    axes.set(title=f"{name} = {bound:.3g}", xticklabels=[], rticks=[bound], yticklabels=[])
    assert max(errors) <= bound + 1e-9

# %%
# The whole report
# ----------------
# JSON keeps exact numbers as "p/q" and reads back; :func:`compth.certify` reports can be written as a page with
# ``compth check ... --report report.html``, and a refutation as a script that needs numpy alone.

text = report.to_json()
again = ct.Report.from_json(text)
assert again.to_json() == text
print(text[:420])
