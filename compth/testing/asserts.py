"""Assertions with the report in their message."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from compth._numbers import Number
from compth.certificates import Report, Verdict
from compth.certification import certify
from compth.claims import Claim
from compth.compressors import Compressor
from compth.errors import CompthError, require
from compth.methods import Method, find_guarantee
from compth.problems.interface import Problem
from compth.reporting.certification import lines


def assert_claim(
    C: object,
    claims: Claim | Iterable[Claim] | None = None,
    d: int | Iterable[int] | None = None,
    *,
    proved: bool = False,
    **settings: Number,
) -> Report:
    """Fail unless the claims are CONSISTENT or PROVED (proved=True: PROVED); the message is the whole report.

    C: a compressor, or what `certify` takes. claims None: the object's own. d: the dimension or several. settings go
    to `certify` (alpha, budget, seed, n). Raises AssertionError, and what `certify` raises for unusable input.
    """
    listed = list(claims) if isinstance(claims, Iterable) else claims
    # The whole report is the message: a failing test then shows the counterexample and not just a verdict.
    report = certify(C, d, claims=listed, **settings)
    allowed = {Verdict.PROVED} if proved else {Verdict.PROVED, Verdict.CONSISTENT}
    if report.verdict not in allowed:
        raise AssertionError("\n".join(lines(report)))
    return report


def conformance(cls: type[Compressor], budget: str = "quick", every: int = 1) -> None:
    """Everything a new compressor class must pass: examples, shapes, seeds, bits, finite claims, certification.

    every: look at each so many-th example, from the first one on. Raises AssertionError at the first fault, with the
    report of the certification in its message, and InvalidParameter for every < 1.
    """
    require(
        every >= 1, f"every={every} must be at least 1: the distance between two examples that are looked at"
    )
    # Three small dimensions each, so that formulas in d are held at more than one point; faults of shape, seed
    # and bits first, for they are cheaper to see than a false constant.
    examples = cls.examples()
    assert examples, f"{cls.__name__}.examples() is empty: give at least one small instance"
    for compressor in examples[::every]:
        dims = [d for d in range(1, 17) if compressor.supports(d)][:3]
        assert dims, f"{compressor!r} supports no d up to 16"
        for d in dims:
            _shapes(compressor, d)
            _bits(compressor, d)
        assert_claim(compressor, d=dims, budget=budget)


def _shapes(compressor: Compressor, d: int) -> None:
    """Shape kept, input unchanged, one result a seed, finite constants."""
    x = np.random.default_rng(d).normal(size=(3, 2, d))
    kept = x.copy()
    y = compressor.compress(x, np.random.default_rng(1))
    assert y.shape == x.shape, f"{compressor!r} returned shape {y.shape} for {x.shape}"
    assert np.array_equal(x, kept), f"{compressor!r} changed its input"
    again = compressor.compress(x, np.random.default_rng(1))
    assert np.array_equal(y, again), f"{compressor!r} gave two results for one seed"
    for claim in compressor.claims(d):
        for name, value in claim.constants.items():
            assert np.isfinite(float(value)), f"{compressor!r}: {name}={value} at d={d}"


def _bits(compressor: Compressor, d: int) -> None:
    """Bits of every message, none negative."""
    cost = compressor.bits(d)
    y = compressor.compress(np.ones((4, d)), np.random.default_rng(0))
    realised = compressor.message_bits(y)
    assert realised.shape == (4,), f"{compressor!r}.message_bits returned shape {realised.shape}"
    assert float(cost.total) >= 0, f"{compressor!r}.bits({d}) is negative"


def method_conformance(method: Method, problem: Problem, steps: int = 60, runs: int = 256) -> None:
    """Every applicable theorem's metric stays below its bound within 7 standard errors on this problem.

    steps, runs: of the simulation, runs at least 2. Raises AssertionError where one is exceeded or none applies.
    """
    from compth.simulation import simulate

    require(runs >= 2, f"runs={runs} must be at least 2: one run has no standard error")
    tried = 0
    for theorem in method.theorems():
        try:
            promised = find_guarantee(method, problem, theorem, horizon=steps)
        except CompthError:
            continue
        trace = simulate(method, problem, steps, runs, 0, theorem=theorem)
        # Seven standard errors: over all steps and theorems of a suite a true bound is exceeded with a
        # probability far below 1e-6; the two relative terms are rounding, near the bound and near the
        # solution.
        seen = theorem.trajectory(trace)
        error = theorem.error(trace)
        bound = np.array([promised.rate.bound(t) for t in range(steps + 1)])
        known = ~np.isnan(seen) & np.isfinite(bound)
        over = (seen - 7 * error - bound * (1 + 1e-9) - 1e-28 * promised.rate.start)[known]
        assert (over <= 0).all(), f"{theorem.id} is exceeded by {method.label} on {problem!r}"
        tried += 1
    assert tried, f"no theorem of {method.label} applies to {problem!r}"
