"""Errors planted in compth, one for every kind of row that the paper has: target -> (value, plant)."""

from types import SimpleNamespace

import numpy as np

import compth as ct
import compth.calculus as calculus
from paper_repro import induced
from paper_repro.induced import _code

from .planting import scaled


def value():
    """What the run gives for the target."""
    own = induced.top_rand(1).claims(3)[0].omega
    return float(1 + calculus.averaged_omega(own, 3))


def share_squared(monkeypatch):
    """omega_ind = omega2 (1 - delta1^2): the share left by the first compressor, squared once too often."""
    monkeypatch.setattr(calculus, "induced_omega", lambda delta, omega: omega * (1 - delta * delta))


def one_per_cent_more(monkeypatch):
    """What the induced compressor gives, 1 % too large."""
    right = ct.Induced._compress
    monkeypatch.setattr(ct.Induced, "_compress", lambda self, x, rng: 1.01 * right(self, x, rng))


def hoarding(monkeypatch):
    """Plain compressed descent keeps errors."""
    right = ct.DCGD.init

    def slip(self, q, x, plan):
        return SimpleNamespace(**vars(right(self, q, x, plan)), e=np.zeros((1, q.n, q.d)))

    monkeypatch.setattr(ct.DCGD, "init", slip)


def one_more(monkeypatch):
    """Top-K sends one entry too many."""
    right = ct.TopK.compress
    monkeypatch.setattr(ct.TopK, "compress", lambda self, x, rng=None: right(ct.TopK(self.k + 1), x, rng))


PLANTED = {
    "var.tail": (lambda: induced.gaussian_tail(10, 20), one_more),
    "abstract.memory": (lambda: _code.abstract()["abstract.memory"], hoarding),
    "sec6.delta_n": (value, share_squared),
    "code.induced": (lambda: _code.laws()["code.induced"], one_per_cent_more),
    "code.unspent": (_code.unspent, scaled(ct, "sampling_probabilities")),
    "thm.second_moment": (induced.second_moment, scaled(calculus, "induced_second_moment")),
}
