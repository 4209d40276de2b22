"""Tight rates beside PEPit on the same one-worker problems (CGD, EF21, DCGD), and rational certificates in ms."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable, Iterator
from fractions import Fraction
from math import sqrt
from typing import Any

from benchmarks._timing import Line, line, ratios, seconds
from compth.worst_case import tight_rate
from compth.worst_case.families import FAMILIES, Setting
from compth.worst_case.lmi import certify, minimise

MU, L, DELTA = 0.1, 1.0, 0.75
LEAST, MOST_MS = 25.0, 50.0


def ours(name: str) -> Callable[[], float]:
    """The least rho of the same LMI: EF21 with the Lyapunov function that PEPit is given."""
    best = tight_rate(name, mu=MU, L=L, **({"omega": 1} if name == "DCGD" else {"delta": DELTA}))
    setting = Setting(MU, L, 1, best.stepsize, delta=DELTA, omega=1)
    build, s = FAMILIES[name].builder(setting), sqrt(1 - DELTA)
    scale = 1 / s
    given = {"P00": scale * (1 + s), "P01": -scale, "P11": scale} if name == "EF21" else None
    return lambda: minimise(build, given)[0]


def pepit_cgd() -> float:
    """PEPit's own example: inexact gradient descent with relative error sqrt(1-delta)."""
    from PEPit.examples.unconstrained_convex_minimization.inexact_gradient_descent import (
        wc_inexact_gradient_descent,
    )

    return float(wc_inexact_gradient_descent(L=L, mu=MU, epsilon=sqrt(1 - DELTA), n=1, verbose=0)[0])


def pepit_dcgd() -> float:
    """PEPit's own example: randomized coordinate descent with d = 2 blocks is DCGD at omega = 1, n = 1."""
    from PEPit.examples.stochastic_and_randomized_convex_minimization import (
        randomized_coordinate_descent_smooth_strongly_convex as example,
    )

    name = "wc_randomized_coordinate_descent_smooth_strongly_convex"
    return float(getattr(example, name)(L=L, mu=MU, gamma=2 / (L + MU), d=2, verbose=0)[0])


def pepit_ef21() -> float:
    """EF21's Lyapunov function s||g||^2 + ||g-d||^2 at its best step, one step."""
    from PEPit import PEP
    from PEPit.functions import SmoothStronglyConvexFunction

    gamma, s = float(tight_rate("EF21", mu=MU, L=L, delta=DELTA).stepsize), sqrt(1 - DELTA)
    problem = PEP()
    f = problem.declare_function(SmoothStronglyConvexFunction, mu=MU, L=L)
    x, d = problem.set_initial_point(), problem.set_initial_point()
    g = f.gradient(x)
    g1 = f.gradient(x - gamma * d)
    c = problem.set_initial_point()
    problem.set_initial_condition(s * g**2 + (g - d) ** 2 <= 1)
    problem.add_constraint((c - (g1 - d)) ** 2 <= (1 - DELTA) * (g1 - d) ** 2)
    problem.set_performance_metric(s * g1**2 + (g1 - d - c) ** 2)
    return float(problem.solve(verbose=0))


def quiet(work: Callable[[], float]) -> Callable[[], Any]:
    """PEPit without what it prints."""

    def call() -> float:
        with contextlib.redirect_stdout(io.StringIO()):
            return work()

    return call


def milliseconds(name: str) -> list[float]:
    """Times of one rational certificate: solve, round, check exactly."""
    setting, rho = (
        Setting(Fraction(1, 10), Fraction(1), 1, Fraction(1, 2), delta=Fraction(3, 4)),
        Fraction(99, 100),
    )
    build = FAMILIES[name].builder(setting)
    certify(build, rho)
    return [1e3 * seconds(lambda: certify(build, rho)) for _ in range(9)]


def run() -> Iterator[Line]:
    """Lines for `python -m benchmarks`; PEPit's are left out where it is not installed."""
    try:
        import PEPit  # noqa: F401

        peers = {"CGD": pepit_cgd, "EF21": pepit_ef21, "DCGD": pepit_dcgd}
    except ImportError:
        peers = {}
    for name, peer in peers.items():
        value, mine = quiet(peer)(), ours(name)()
        if abs(value - mine) > 1e-5:
            raise AssertionError(f"{name}: PEPit says {value}, the LMI {mine}")
        found = ratios({"ours": ours(name), "peer": quiet(peer)}, "ours", rounds=5)
        yield line(f"{name}: PEPit / the same LMI here", found["peer"], least=LEAST)
    for name in ("EF", "EF21", "CGD"):
        yield line(f"{name}: rational certificate, ms", milliseconds(name), most=MOST_MS)
