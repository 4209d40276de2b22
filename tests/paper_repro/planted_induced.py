"""Errors planted in compth, one for every kind of row that the paper has: target -> (value, plant)."""

import compth.calculus as calculus
from paper_repro import induced

from .planting import scaled


def value():
    """What the run gives for the target."""
    own = induced.top_rand(1).claims(3)[0].omega
    return float(1 + calculus.averaged_omega(own, 3))


def share_squared(monkeypatch):
    """omega_ind = omega2 (1 - delta1^2): the share left by the first compressor, squared once too often."""
    monkeypatch.setattr(calculus, "induced_omega", lambda delta, omega: omega * (1 - delta * delta))


PLANTED = {
    "sec6.delta_n": (value, share_squared),
    "thm.second_moment": (induced.second_moment, scaled(calculus, "induced_second_moment")),
}
