"""The grid on which every theorem is held against simulation, and theorems spoiled on purpose."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

import compth as ct
from compth.errors import NoGuarantee, Unsupported
from compth.methods import Theorem, find_guarantee

SIGMAS = 7.0
"""One-sided: a correct bound fails one comparison with probability about 1e-12 for light tails."""
ROUNDING = 1e-9


def compressors(d):
    """Unbiased and contractive compressors that exist at every d."""
    k = max(1, d // 2)
    return {
        "identity": ct.Identity(),
        "rand-k": ct.RandK(k),
        "bernoulli": ct.Bernoulli(Fraction(1, 2)),
        "qsgd": ct.RandomDithering(2),
        "terngrad": ct.TernGrad(),
        "natural": ct.NaturalCompression(),
        "induced": ct.Induced(ct.TopK(1), ct.RandK(k)),
        "shared rand-k": ct.Shared(ct.RandK(k)),
        "top-1": ct.TopK(1),
        "sign": ct.ScaledSign(),
        "scaled rand-k": ct.Scaled(ct.RandK(k)),
    }


FREE = (
    ct.GD(),
    ct.IBCD(tau=Fraction(1, 2)),
    ct.IBGD(tau=Fraction(1, 2)),
    ct.ISEGA(tau=Fraction(1, 2)),
    ct.IASGD(tau=Fraction(1, 2)),
)
DOWN = (
    ct.DCGD(ct.RandK(1), downlink=ct.Bernoulli(Fraction(1, 2))),
    ct.DCGD(ct.NaturalCompression(), downlink=ct.NaturalCompression()),
    ct.DIANA(ct.RandK(1), downlink=ct.Bernoulli(Fraction(1, 2))),
    ct.EF21(ct.TopK(1), downlink=ct.NaturalCompression()),
    ct.EF21(ct.Scaled(ct.RandK(1)), downlink=ct.RandK(1)),
    ct.MARINA(ct.RandK(1), downlink=ct.RandK(1)),
)
METHODS = (ct.DCGD, ct.EF, ct.EF21, ct.DIANA, ct.MARINA, ct.EFBV, ct.ADIANA)


def cases(problem, first=0, every=1):
    """(method, theorem) pairs that apply on this problem, of every so many methods from the first one on."""
    own = [kind(compressor) for compressor in compressors(problem.d).values() for kind in METHODS]
    for method in [*FREE, *DOWN, *own][first::every]:
        yield from _applicable(method, problem)


def _applicable(method, problem):
    for theorem in type(method).theorems():
        try:
            find_guarantee(method, problem, theorem, horizon=60)
        except (NoGuarantee, Unsupported):
            continue
        yield method, theorem


def excess(method, problem, theorem, *, steps=60, runs=256, seed=0):
    """max over t of (mean - 7 s.e.)/bound for the theorem's own metric: above 1 + rounding refutes it."""
    promised = find_guarantee(method, problem, theorem, horizon=steps)
    trace = ct.simulate(method, problem, steps, runs, seed, theorem=theorem)
    seen = promised.theorem.trajectory(trace)
    error = promised.theorem.error(trace)
    if not np.isfinite(trace.mean_square).all():
        return np.inf
    bound = np.array([promised.rate.bound(t) for t in range(steps + 1)])
    known = ~np.isnan(seen) & np.isfinite(bound)
    scale = bound + 1e-28 * promised.rate.start
    return float(np.max(((seen - SIGMAS * error) / scale)[known])) - ROUNDING


@dataclass(frozen=True)
class Spoiled(Theorem):
    """A theorem made stronger: rate factor on 1 - rho, floor factor, step factor, factor on the whole bound, pace.

    pace s claims at t what the theorem says at s t: for bounds that are trivially attained at t = 0.
    """

    inner: Theorem
    rate: float = 1.0
    floor: float = 1.0
    step: float = 1.0
    scale: float = 1.0
    pace: float = 1.0

    @property
    def id(self):
        return f"{self.inner.id} x ({self.rate}, {self.floor}, {self.step}, {self.scale}, {self.pace})"

    @property
    def metric(self):
        return self.inner.metric

    def why_not(self, c):
        return self.inner.why_not(c)

    def plan(self, c, gamma=None, horizon=None):
        plan = self.inner.plan(c, gamma, horizon)
        if self.step != 1:
            plan = replace(plan, gamma=plan.gamma * self.step, rho=1 - (1 - plan.rho) * self.step)
        if plan.rho is not None:
            plan = replace(
                plan, rho=max(0.0, 1 - float(1 - plan.rho) * self.rate), floor=plan.floor * self.floor
            )
        return plan

    def observe(self, problem, state, plan):
        return self.inner.observe(problem, state, plan)

    def begin(self, problem, state, plan):
        return self.inner.begin(problem, state, plan)

    def matrix(self, plan):
        return self.inner.matrix(plan)

    @property
    def trajectory(self):
        return self.inner.trajectory

    @property
    def error(self):
        return self.inner.error

    def values(self, c, plan, start):
        values = self.inner.values(c, plan, start)
        return lambda t: values(self.pace * t) * self.scale

    def distance_factor(self, c, plan):
        return self.inner.distance_factor(c, plan)


def looseness(method, problem, theorem, kind, *, high=64.0, **settings):
    """Largest factor by which `kind` can be strengthened with the check still passing (bisection to 2 %)."""
    low = 1.0
    make = {
        "rate": lambda s: Spoiled(theorem, rate=s),
        "floor": lambda s: Spoiled(theorem, floor=1 / s),
        "step": lambda s: Spoiled(theorem, step=s),
        "scale": lambda s: Spoiled(theorem, scale=1 / s),
        "pace": lambda s: Spoiled(theorem, pace=s),
    }[kind]
    if excess(method, problem, make(high), **settings) <= 1:
        return high
    while high / low > 1.02:
        middle = (low * high) ** 0.5
        low, high = (
            (middle, high) if excess(method, problem, make(middle), **settings) <= 1 else (low, middle)
        )
    return low
