"""One clip in place of Algorithm 1: what saturated entries leave over is not spent."""

import compth as ct
from paper_repro import atomo

TARGET = "alg1.values"


def value():
    """What the run gives for the target."""
    return atomo.golden()[TARGET]


def plant(monkeypatch):
    """The slip."""

    def slip(weights, budget):
        total = sum(weights)
        return [min(1, budget * w / total) for w in weights]

    right = ct.sampling_probabilities
    monkeypatch.setattr(
        ct, "sampling_probabilities", lambda w, s: slip(w, s) if isinstance(w, list) else right(w, s)
    )
