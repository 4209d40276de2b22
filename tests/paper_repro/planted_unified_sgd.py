"""A rate of 1 - 3 gamma mu in place of 1 - gamma mu."""

from compth.methods._unified import Parameters
from paper_repro import unified_sgd
from paper_repro.unified_sgd import _rows

TARGET = "saga.theorem"


def value():
    """What the run gives for the target."""
    return unified_sgd.held(_rows.saga(*_rows.problem()), steps=150)["ratio"]


def plant(monkeypatch):
    """The slip."""
    right = Parameters.rate
    monkeypatch.setattr(Parameters, "rate", lambda self, gamma, mu, M: right(self, 3 * gamma, mu, M))
