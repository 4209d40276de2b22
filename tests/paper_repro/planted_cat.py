"""Errors planted in compth, one for every kind of row that the paper has: target -> (value, plant)."""

from dataclasses import replace
from fractions import Fraction
from types import SimpleNamespace

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


def tuned(change):
    """ct.tune's level, changed."""

    def plant(monkeypatch):
        right = ct.tune

        def slip(*given, **named):
            found = right(*given, **named)
            return SimpleNamespace(
                level=change(found.level),
                stepsize=found.stepsize,
                cost=found.cost,
                share=found.share,
                shares=found.shares,
            )

        monkeypatch.setattr(ct, "tune", slip)

    return plant


one_more, always_one = tuned(lambda level: level + 1), tuned(lambda level: 1)


def levels():
    """Different levels on the way to half of f - f*, sparse rows, S+Q."""
    model = _sparse.LogisticModel(*_sparse.texts(_sparse.ROWS), reg=1e-4)
    return len(_sparse.run(model, "S+Q", _sparse.COSTS["payload"], (0.5,), limit=100)["levels"])


PLANTED = {
    "golden.levels": (lambda: cat.golden()["golden.levels"], one_more),
    "beta.lowest": (lambda: cat.spike()["beta.lowest"], beta_without_level),
    "beta.chosen": (lambda: cat.spike()["beta.chosen"], one_more),
    "prop.multiples": (lambda: cat.structure(True)["prop.multiples"], one_more),
    "prop.no_overhead": (lambda: cat.structure(True)["prop.no_overhead"], one_more),
    "abstract.each_iteration": (levels, always_one),
    "abstract.technology": (lambda: _sparse.abstracts(set())["abstract.technology"], always_one),
    "abstract.suboptimal": (lambda: _sparse.abstracts(set())["abstract.suboptimal"], one_more),
    "intro.megabytes": (lambda: _sparse.megabytes(10**7), longer_floats),
    "golden.beta": (lambda: cat.golden()["golden.beta"], beta_without_level),
    "lemma.worst_case": (
        lambda: cat.shares([Fraction(1)] * 4, "S"),
        scaled(schemes, "alpha", Fraction(101, 100)),
    ),
    "real.orders": (payload, greedy),
}
