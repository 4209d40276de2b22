"""IBCD's step without the 2 before (1 - tau)."""

import compth.methods.ibcd as method
from paper_repro import ibcd

TARGET = "thm1.step"


def value():
    """What the run gives for the target."""
    return ibcd.rule()[TARGET]


def plant(monkeypatch):
    """The slip."""
    monkeypatch.setattr(method, "ibcd_step", lambda L, n, tau: n / (tau * n + 1 - tau) / (2 * L))
