"""Errors planted in compth, one for every kind of row that the paper has: target -> (value, plant)."""

from dataclasses import replace

import compth as ct
from paper_repro import ist
from paper_repro.ist import _statements

from .planting import scaled


def unrooted(monkeypatch):
    """Scaling (23) with the diagonal of L_i, not with its square root: the sketch no longer preconditions."""
    right = ct.ScaledPermK.preconditioned

    def slip(A):
        sketch = right(A)
        return ct.ScaledPermK(sketch.n, tuple(tuple(v * v for v in row) for row in sketch.scaling))

    monkeypatch.setattr(ct.ScaledPermK, "preconditioned", slip)


def law_moved(monkeypatch):
    """Fixed point and bias 1 % too large."""
    right = ist.law_of

    def slip(method, problem):
        found = right(method, problem)
        return replace(found, x_inf=found.x_inf * 1.01, bias=found.bias * 1.01)

    monkeypatch.setattr(ist, "law_of", slip)


def reversed_steps(monkeypatch):
    """Step sizes in the wrong order: the largest is called the smallest."""
    right, top = ist.ct.IST, []

    def slip(sketch, gamma=None, **named):
        top.append(gamma or 0)
        return right(sketch, gamma and max(top) * 1.1 - gamma, **named)

    monkeypatch.setattr(ct, "IST", slip)


PLANTED = {
    "fig1a.tradeoff": (lambda: ist.heterogeneous(True)[0]["fig1a.tradeoff"], reversed_steps),
    "fig1a.large": (lambda: ist.heterogeneous(True)[0]["fig1a.large"], reversed_steps),
    "eq23.diagonal": (lambda: ist.diagonal_reading(*ist.preconditioned(4, 5)), unrooted),
    "sec311.theta": (
        lambda: _statements.interpolation()["sec311.theta"],
        scaled(_statements, "double_sketch_constants"),
    ),
    "sec4.x_inf": (lambda: ist.fixed_point()["sec4.x_inf"], law_moved),
    "fig1b.floor": (lambda: ist.homogeneous()[0]["fig1b.floor"], law_moved),
    "sec4.large_n": (lambda: ist.slips()["sec4.large_n"], law_moved),
}
