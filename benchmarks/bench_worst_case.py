"""One-step worst cases: our LMI against PEPit's on the same problems in one run; rational certificates in ms."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any

from benchmarks import pepit_peers
from benchmarks._timing import Line, line, ratios, seconds
from compth.methods import _closed_forms as forms
from compth.worst_case import methods
from compth.worst_case.rational import certificate_at, spelled, sqrt_below
from compth.worst_case.solver import Pencil

MU, L, DELTA, OMEGA = 0.1, 1.0, 0.75, 4.0


def ours() -> dict[str, Callable[[], float]]:
    """Model, pencil and one SDP for the least rho, V given: what PEPit does too."""
    s = (1 - DELTA) ** 0.5
    step, plain = forms.feedback_step(MU, L, DELTA), forms.cgd_step(MU, L, DELTA)
    single = forms.dcgd_step(MU, L, OMEGA, 1)
    return {
        "EF21": lambda: (
            Pencil(methods.ef21(MU, L, DELTA, step, s, 1)).least_rho({"P[g,g]": s, "P[r,r]": 1}).margin
        ),
        "CGD": lambda: Pencil(methods.cgd(MU, L, DELTA, plain, s)).least_rho({"f": 1}).margin,
        "DCGD": lambda: Pencil(methods.dcgd(MU, L, OMEGA, single, 1)).least_rho({"P[z,z]": 1}).margin,
    }


def theirs() -> dict[str, Callable[[], float]]:
    """PEPit with Clarabel at the same tolerance."""
    return {
        "EF21": lambda: pepit_peers.ef21(MU, L, DELTA, forms.feedback_step(MU, L, DELTA)),
        "CGD": lambda: pepit_peers.cgd(MU, L, DELTA, forms.cgd_step(MU, L, DELTA)),
        "DCGD": lambda: pepit_peers.dcgd(MU, L, OMEGA, forms.dcgd_step(MU, L, OMEGA, 1)),
    }


def certificate_work(n: int) -> dict[str, Callable[[], Any]]:
    """One rational certificate each, solve, rounding and exact check together."""
    mu, L_, delta = spelled(MU), Fraction(1), spelled(DELTA)
    s = sqrt_below(1 - delta)
    step = spelled(float(forms.feedback_step(MU, L, DELTA)))
    rho = Fraction(float(forms.feedback_factor(MU, L, DELTA)) + 1e-6)
    plan = forms.diana_plan(MU, L, OMEGA, n)
    alpha, gamma = spelled(plan.alpha), spelled(plan.gamma)
    return {
        "EF": lambda: certificate_at(methods.ef(mu, L_, delta, step, s, n), rho),
        "EF21": lambda: certificate_at(methods.ef21(mu, L_, delta, step, s, n), rho),
        "DIANA": lambda: certificate_at(
            methods.diana(mu, L_, spelled(OMEGA), gamma, alpha, n), Fraction(plan.rho + 1e-6)
        ),
        "MARINA": lambda: certificate_at(
            methods.marina(mu, L_, spelled(OMEGA), Fraction(1, 5), Fraction(1, 5), n), Fraction(99, 100)
        ),
        "EF-BV": lambda: certificate_at(
            methods.ef_bv(
                mu, L_, Fraction(0), spelled(OMEGA), Fraction(1, 10), Fraction(1, 5), Fraction(1, 2), n
            ),
            Fraction(995, 1000),
        ),
    }


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
    for name in certificate_work(1):
        times = []
        for n in (1, 2, 3):
            work = certificate_work(n)[name]
            if work() is None:
                raise AssertionError(f"{name}: no certificate at n = {n}")
            times.append(1000 * statistics.median(seconds(work) for _ in range(5)))
        yield line(f"{name}: rational certificate, n <= 3, ms", [max(times)], most=50)
