"""One-step worst cases: our LMI against PEPit's on the same problems in one run; rational certificates in ms."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator
from fractions import Fraction
from itertools import count
from typing import Any

import numpy as np

from benchmarks import pepit_peers
from benchmarks._timing import Line, line, ratios, seconds
from compth._numbers import Number
from compth.methods.core import closed_forms as forms
from compth.worst_case.bodies import asked_for, question
from compth.worst_case.closed import values_of
from compth.worst_case.lyapunov import asks_for_the_next_point, coefficients
from compth.worst_case.model import Model
from compth.worst_case.rational import certificate_at
from compth.worst_case.solver import Pencil, Solution
from compth.worst_case.tight import tight_rate
from compth.worst_case.tight_grid import tight_rates

MU, L, DELTA, OMEGA = 0.1, 1.0, 0.75, 4.0


def model_of(
    method: str, gamma: float, mu: float, text: str, n: int = 1, **claim: float
) -> tuple[Model, dict[str, float]]:
    """The LMI of a method of the catalogue for a given V, and V's coefficients."""
    asked = {k: claim.get(k) for k in ("delta", "omega", "eta")}
    q = question(asked_for(method), mu, L, *asked.values(), n)
    model = q.model(gamma, {}, full=asks_for_the_next_point(q.kind, text), settle=False)
    values = {**values_of(q.rational()), "gamma": gamma}
    return model, {k: float(c) for k, c in coefficients(model, text, values).items()}


def least(method: str, gamma: float, mu: float, text: str, n: int = 1, **claim: float) -> Solution:
    """The least rho for a given V: Pencil and one SDP on the model, which is derived once for each class."""
    model, v = model_of(method, gamma, mu, text, n, **claim)
    return Pencil(model).least_rho(v)


PAIRS = {
    "EF21": ("EF21", forms.feedback_step(MU, L, DELTA), "s*gbar**2 + (g - d)**2", {"delta": DELTA}),
    "CGD": ("CGD", forms.cgd_step(MU, L, DELTA), "gap", {"delta": DELTA}),
    "DCGD": ("DCGD", forms.dcgd_step(MU, L, OMEGA, 1), "x**2", {"omega": OMEGA}),
}


def ours() -> dict[str, Callable[[], float]]:
    """Pencil and one SDP for the least rho, V given: what PEPit does too, of a model that is derived once."""

    def work(name: str) -> Callable[[], float]:
        method, gamma, text, claim = PAIRS[name]
        model, v = model_of(method, gamma, MU, text, **claim)
        return lambda: Pencil(model).least_rho(v).margin

    return {name: work(name) for name in PAIRS}


def derivations() -> dict[str, Callable[[], Any]]:
    """Deriving the LMI from the body, at a step that no call before had."""
    steps = count(1)

    def work(name: str) -> Callable[[], Any]:
        method, gamma, text, claim = PAIRS[name]
        return lambda: model_of(method, gamma * (1 - 1e-9 * next(steps)), MU, text, **claim)

    return {name: work(name) for name in PAIRS}


def theirs() -> dict[str, Callable[[], float]]:
    """PEPit with Clarabel at the same tolerance."""
    return {
        "EF21": lambda: pepit_peers.ef21(MU, L, DELTA, forms.feedback_step(MU, L, DELTA)),
        "CGD": lambda: pepit_peers.cgd(MU, L, DELTA, forms.cgd_step(MU, L, DELTA)),
        "DCGD": lambda: pepit_peers.dcgd(MU, L, OMEGA, forms.dcgd_step(MU, L, OMEGA, 1)),
    }


def certificate_work(n: int) -> dict[str, Callable[[], Any]]:
    """One rational certificate each, solve, rounding and exact check together."""
    step, rho = forms.feedback_step(MU, L, DELTA), forms.feedback_factor(MU, L, DELTA)
    plan = forms.diana_plan(MU, L, OMEGA, n)
    contractive, unbiased = (DELTA, None, None), (None, OMEGA, None)
    asked: dict[str, tuple[Any, float, dict[str, Number], bool, Fraction]] = {
        "EF": (contractive, step, {}, False, Fraction(rho + 1e-6)),
        "EF21": (contractive, step, {}, True, Fraction(rho + 1e-6)),
        "DIANA": (unbiased, plan.gamma, {"alpha": plan.alpha}, False, Fraction(plan.rho + 1e-6)),
        "MARINA": (unbiased, 0.2, {"p": 0.2}, True, Fraction(99, 100)),
        "EF-BV": (unbiased, 0.1, {"lam": 0.2, "nu": 0.5}, True, Fraction(995, 1000)),
    }

    def work(name: str) -> Callable[[], Any]:
        claim, gamma, params, full, least_rho = asked[name]
        model = question(asked_for(name), MU, L, *claim, n).model(gamma, params, full=full)
        return lambda: certificate_at(model, least_rho)

    return {name: work(name) for name in asked}


POINTS, SHOWN = 1000, 20
"""Points of a grid in closed form, and of one where each needs its LMI."""


def grids() -> Iterator[Line]:
    """A point of a grid against one single call, and against one solve of PEPit's at a given V, in one run.

    No two works see the same constants: what one derived must not be found by the other. AutoLyap has no class of
    compressors, and its licence keeps it out of the extras: it is not measured.
    """
    shift = count(1)

    def grid(size: int, **given: Number) -> Callable[[], object]:
        """All of a grid of mu, with what was certified where the rate is no closed form."""
        return lambda: tight_rates("EF21", mu=np.linspace(0.05, 0.2, size) + 1e-9 * next(shift), L=L, **given)

    def single(**given: Number) -> Callable[[], object]:
        return lambda: tight_rate("EF21", mu=MU + 1e-9 * next(shift), L=L, **given)

    step = forms.feedback_step(MU, L, DELTA)
    of_grids: dict[str, tuple[int, dict[str, Number], float]] = {
        "closed form": (POINTS, {"delta": DELTA}, 20),
        "LMI, warm": (SHOWN, {"delta": DELTA, "gamma": step / 2}, 1.2),
    }
    for name, (size, given, least) in of_grids.items():
        work = {"grid": grid(size, **given), "single": single(**given)}
        work["PEPit"] = lambda: pepit_peers.ef21(MU, L, DELTA, step)
        found = ratios(work, "grid", rounds=5, calls={"single": 3})
        for peer, least_ratio in (("single", least), ("PEPit", None)):
            each = [r * size for r in found[peer]]
            yield line(
                f"EF21, {size} points ({name}): {peer} over a point of the grid", each, least=least_ratio
            )


def run() -> Iterator[Line]:
    """Ratios PEPit/compth, then milliseconds of certificates (the worst of n = 1, 2, 3)."""
    peers = theirs()
    for name, work in ours().items():
        if abs(work() - peers[name]()) > 1e-6:
            raise AssertionError(f"{name}: {work()} here, {peers[name]()} by PEPit")
        pair = {"compth": work, "PEPit": peers[name]}
        found = ratios(pair, "compth", rounds=15, calls={"compth": 5})["PEPit"]
        yield line(f"{name}: time of PEPit over ours (five calls in a row), n = 1", found, least=25)
        single = ratios(pair, "compth", rounds=25)["PEPit"]
        yield line(f"{name}: the same with one call at a time, straight after PEPit's", single)
    yield from grids()
    for name, work in derivations().items():
        times = [1000 * seconds(work) for _ in range(15)]
        yield line(f"{name}: deriving the LMI from the body, once for a class and step, ms", times, most=50)
    for name in certificate_work(1):
        times = []
        for n in (1, 2, 3):
            work = certificate_work(n)[name]
            if work() is None:
                raise AssertionError(f"{name}: no certificate at n = {n}")
            times.append(1000 * statistics.median(seconds(work) for _ in range(5)))
        yield line(f"{name}: rational certificate, n <= 3, ms", [max(times)], most=50)
