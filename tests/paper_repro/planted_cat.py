"""beta without its 1/T: signs of many entries look better than they are."""

import compth.tuning.schemes as schemes
from paper_repro import cat

TARGET = "golden.beta"


def value():
    """What the run gives for the target."""
    return cat.golden()[TARGET]


def plant(monkeypatch):
    """The slip."""
    right = schemes.beta
    monkeypatch.setattr(schemes, "beta", lambda head, level, squares: right(head, level, squares) * level)
