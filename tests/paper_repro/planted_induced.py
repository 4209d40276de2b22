"""omega_ind = omega2 (1 - delta1^2): the share left by the first compressor, squared once too often."""

import compth.calculus as calculus
from paper_repro import induced

TARGET = "sec6.delta_n"


def value():
    """What the run gives for the target."""
    own = induced.top_rand(1).claims(3)[0].omega
    return float(1 + calculus.averaged_omega(own, 3))


def plant(monkeypatch):
    """The slip."""
    monkeypatch.setattr(calculus, "induced_omega", lambda delta, omega: omega * (1 - delta * delta))
