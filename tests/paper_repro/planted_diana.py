"""alpha = alpha_p = 1/(1 + omega), which the condition of Theorem 1 forbids."""

import compth.methods.diana as method
from paper_repro import diana

TARGET = "cor1.leading"


def value():
    """What the run gives for the target."""
    return diana.leading()


def plant(monkeypatch):
    """The trap."""
    right = method.original_parameters
    monkeypatch.setattr(
        method, "original_parameters", lambda omega, n: (2 * right(omega, n)[0], right(omega, n)[1])
    )
