"""Errors planted in compth, one for every kind of row that the paper has: target -> (value, plant)."""

from types import SimpleNamespace

import compth.methods.ibcd as method
import compth.methods.isaga as shared
from paper_repro import ibcd
from paper_repro.ibcd import _statements


def step_without_two(monkeypatch):
    """IBCD's step without the 2 before (1 - tau)."""
    monkeypatch.setattr(method, "ibcd_step", lambda L, n, tau: n / (tau * n + 1 - tau) / (2 * L))


def lower_bounds(monkeypatch):
    """Bounds of the theorems 1 % too low: they still hold."""
    right = ibcd.find_guarantee

    def slip(*given, **named):
        found = right(*given, **named)
        return SimpleNamespace(
            plan=found.plan, rate=SimpleNamespace(bound=lambda t: 0.99 * found.rate.bound(t))
        )

    monkeypatch.setattr(ibcd, "find_guarantee", slip)


def shorter_steps(monkeypatch):
    """Steps that the theorems plan, a tenth too short."""
    right = _statements.find_guarantee
    monkeypatch.setattr(
        _statements,
        "find_guarantee",
        lambda *given: SimpleNamespace(plan=SimpleNamespace(gamma=0.9 * float(right(*given).plan.gamma))),
    )


def step_without_blocks(monkeypatch):
    """ISAGA's step without the share tau of the blocks."""
    monkeypatch.setattr(shared, "spread", lambda workers, tau: 0 * tau)


PLANTED = {
    "thm1.step": (lambda: ibcd.rule()["thm1.step"], step_without_two),
    "cor1.factor": (lambda: ibcd.rule()["cor1.factor"], step_without_two),
    "isaga.step": (lambda: ibcd.rule()["isaga.step"], step_without_blocks),
    "fig3.printed": (lambda: _statements.toy()["fig3.printed"], shorter_steps),
    "toy.bound": (lambda: ibcd.toy()[0]["toy.bound"], lower_bounds),
}
