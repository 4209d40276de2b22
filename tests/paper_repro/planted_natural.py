"""omega of natural dithering without its 1/8: a slip that another paper has in print."""

import compth as ct
from compth.compressors import natural_dithering
from paper_repro import natural

TARGET = "thm7.two_parts"


def value():
    """What the run gives for the target."""
    return natural.omega(ct.NaturalDithering(8), natural.D)


def plant(monkeypatch):
    """The slip."""
    right = natural_dithering.dithering_omega
    slip = ct.NaturalCompression().claims(1)[0].omega
    monkeypatch.setattr(natural_dithering, "dithering_omega", lambda *given: right(*given) - slip)
