"""Scaling (23) with the diagonal of L_i, not with its square root: the sketch no longer preconditions."""

import compth as ct
from paper_repro import ist

TARGET = "eq23.diagonal"


def value():
    """What the run gives for the target."""
    return ist.diagonal_reading(*ist.preconditioned(4, 5))


def plant(monkeypatch):
    """The slip."""
    right = ct.ScaledPermK.preconditioned

    def slip(A):
        sketch = right(A)
        return ct.ScaledPermK(sketch.n, tuple(tuple(v * v for v in row) for row in sketch.scaling))

    monkeypatch.setattr(ct.ScaledPermK, "preconditioned", slip)
