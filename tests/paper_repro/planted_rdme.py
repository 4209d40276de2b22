"""Errors planted in compth, one for every kind of row that the paper has: target -> (value, plant)."""

import compth as ct
import compth.tuning.probabilities as probabilities
from paper_repro import rdme

from .planting import scaled, scaled_entry


def squared_weights(monkeypatch):
    """Probabilities in proportion to squared entries, in place of their sizes."""
    right = probabilities.budget_probabilities
    monkeypatch.setattr(
        probabilities, "budget_probabilities", lambda weights, budget: right(weights**2, budget)
    )


def wider(monkeypatch):
    """Binary's outcomes 1 % too large."""
    right = ct.BinaryQuantization._compress
    monkeypatch.setattr(ct.BinaryQuantization, "_compress", lambda self, x, rng: 1.01 * right(self, x, rng))


PLANTED = {
    "thm61.closed": (lambda: rdme.optimal()["thm61.closed"], squared_weights),
    "thm61.lower": (lambda: rdme.optimal()["thm61.lower"], scaled(probabilities, "estimation_error", 0.99)),
    "thm61.kkt": (lambda: rdme.optimal()["thm61.kkt"], squared_weights),
    "table1.full": (lambda: rdme.table()["table1.full"], scaled_entry(ct.PAPER_BITS, "rdme: full")),
    "ex4.sharp": (lambda: rdme.binary()["ex4.sharp"], wider),
}
