"""Probabilities in proportion to squared entries, in place of their sizes."""

import compth.tuning.probabilities as probabilities
from paper_repro import rdme

TARGET = "thm61.closed"


def value():
    """What the run gives for the target."""
    return rdme.optimal()[TARGET]


def plant(monkeypatch):
    """The slip."""
    right = probabilities.budget_probabilities
    monkeypatch.setattr(
        probabilities, "budget_probabilities", lambda weights, budget: right(weights**2, budget)
    )
