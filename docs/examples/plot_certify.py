r"""
Certify
=======

``ct.certify`` settles declared constants; ``ct.estimate`` says which could be declared.
"""

# %%
# Objects know their claims
# -------------------------

import numpy as np

import compth as ct

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
# The whole report
# ----------------
# JSON keeps exact numbers as "p/q" and reads back; :func:`compth.certify` reports can be written as a page with
# ``compth check ... --report report.html``, and a refutation as a script that needs numpy alone.

text = report.to_json()
again = ct.Report.from_json(text)
assert again.to_json() == text
print(text[:420])
