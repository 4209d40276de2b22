"""Errors planted in compth, one for every kind of row that the paper has: target -> (value, plant)."""

from compth.methods.core.unified import Parameters
from paper_repro import unified_sgd
from paper_repro.unified_sgd import _corollaries, _rows

from .planting import scaled, scaled_A


def value():
    """What the run gives for the target."""
    return unified_sgd.held(_rows.saga(*_rows.problem()), steps=150)["ratio"]


def three_times_the_rate(monkeypatch):
    """A rate of 1 - 3 gamma mu in place of 1 - gamma mu."""
    right = Parameters.rate
    monkeypatch.setattr(Parameters, "rate", lambda self, gamma, mu, M: right(self, 3 * gamma, mu, M))


def gradient_descent():
    """Both inequalities of GD's row."""
    row = next(r for r in _rows.rows() if r.name == "GD")
    return max(unified_sgd.assumption(row, row.parameters))


def floors():
    """E||x - x*||^2 over the printed floors."""
    return _corollaries.floors({r.name: r for r in _rows.rows()})


def lenient(monkeypatch):
    """rho = 0 is taken for a very small one."""
    right = Parameters.__post_init__

    def slip(self):
        if self.rho == 0:
            object.__setattr__(self, "rho", 1e-9)
        right(self)

    monkeypatch.setattr(Parameters, "__post_init__", slip)


PLANTED = {
    "svrg.row": (lambda: unified_sgd.traps()["svrg.row"], lenient),
    "saga.theorem": (value, three_times_the_rate),
    "n-sega.floor": (lambda: floors()["n-sega.floor"], scaled_A(1.01)),
    "gd.assumption": (gradient_descent, scaled_A(0.99)),
    "saga.step": (lambda: unified_sgd.traps()["saga.step"], scaled(Parameters, "largest_step")),
    "saga.slides": (lambda: unified_sgd.traps()["saga.slides"], scaled_A(1.01)),
}
