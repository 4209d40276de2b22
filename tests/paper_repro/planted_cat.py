"""Errors planted in compth, one for every kind of row that the paper has: target -> (value, plant)."""

from dataclasses import replace
from fractions import Fraction

import compth as ct
import compth.tuning.schemes as schemes
from paper_repro import cat
from paper_repro.cat import _sparse

from .planting import scaled


def beta_without_level(monkeypatch):
    """beta without its 1/T: signs of many entries look better than they are."""
    right = schemes.beta
    monkeypatch.setattr(schemes, "beta", lambda head, level, squares: right(head, level, squares) * level)


def payload():
    """Full gradients over tuned on the diabetes data."""
    runs = cat.compared(ct.problems.ridge("diabetes", 1), (2,))
    return runs.full / runs.tuned


def greedy(monkeypatch):
    """alpha squared: the rule sends more than it should."""
    right = schemes.alpha
    monkeypatch.setattr(schemes, "alpha", lambda head, squares: right(head, squares) ** 2)


def longer_floats(monkeypatch):
    """Whole gradients 1 % longer."""
    right = ct.Identity.bits

    def slip(self, d, *given):
        cost = right(self, d, *given)
        return replace(cost, floats=1.01 * cost.floats)

    monkeypatch.setattr(ct.Identity, "bits", slip)


PLANTED = {
    "intro.megabytes": (lambda: _sparse.megabytes(10**7), longer_floats),
    "golden.beta": (lambda: cat.golden()["golden.beta"], beta_without_level),
    "lemma.worst_case": (
        lambda: cat.shares([Fraction(1)] * 4, "S"),
        scaled(schemes, "alpha", Fraction(101, 100)),
    ),
    "real.orders": (payload, greedy),
}
