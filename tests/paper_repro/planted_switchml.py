"""The largest scale without slack for n roundings up."""

from compth import calculus
from paper_repro import switchml

TARGET = "c2.eight_bits"


def value():
    """What the run gives for the target."""
    return switchml.fits(True)[TARGET]


def plant(monkeypatch):
    """The slip."""
    monkeypatch.setattr(
        calculus, "no_overflow_scale", lambda n, largest, width=32: 2 ** (width - 1) / (n * largest)
    )
