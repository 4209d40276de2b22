"""Errors planted in compth, one for every kind of row that the paper has: target -> (value, plant)."""

from math import inf
from types import SimpleNamespace

import compth.methods.diana as method
from paper_repro import diana
from paper_repro.diana import _statements

from .planting import scaled


def alpha_twice(monkeypatch):
    """alpha = alpha_p = 1/(1 + omega), which the condition of Theorem 1 forbids."""
    right = method.original_parameters
    monkeypatch.setattr(
        method, "original_parameters", lambda omega, n: (2 * right(omega, n)[0], right(omega, n)[1])
    )


def larger_theta(monkeypatch):
    """theta of the decreasing steps 1 % too large."""
    right = diana.find_guarantee

    def slip(method, problem, theorem, **named):
        found = right(method, problem, theorem, **named)
        if theorem != "dcgd.no_memory_decreasing":
            return found
        return SimpleNamespace(plan={"theta": 1.01 * found.plan["theta"]}, rate=found.rate)

    monkeypatch.setattr(diana, "find_guarantee", slip)


def falling(monkeypatch):
    """alpha_p of the dual norm: it falls with p."""
    right = _statements.alpha_p
    monkeypatch.setattr(_statements, "alpha_p", lambda d, p: right(d, {1: inf, 2: 2, inf: 1}[p]))


PLANTED = {
    "lemma1.order": (_statements.lemma1, falling),
    "cor1.leading": (diana.leading, alpha_twice),
    "alpha_attained.2": (lambda: diana.quantiser()["alpha_attained.2"], scaled(diana, "alpha_p")),
    "blocks.1": (lambda: diana.parameters()["blocks.1"], scaled(diana, "block_size", 2)),
    "thm11.theta": (lambda: diana.slips()["thm11.theta"], larger_theta),
}
