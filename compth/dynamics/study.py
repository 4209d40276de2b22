"""Scan random and extremal problems for a violated theorem; keep the worst case as its looseness."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from compth._rng import stream
from compth.dynamics.trajectory import exact
from compth.errors import NoGuarantee, Unsupported
from compth.methods import Method, Theorem, find_guarantee
from compth.problems import extremal_problems, random_quadratic


@dataclass(frozen=True, eq=False)
class Finding:
    """worst: largest score found (a statement is violated above 1), with the problem that attains it.

    For a theorem the score is max over 1 <= t <= steps of exact metric/bound: looseness = 1/worst.
    """

    worst: float
    problem: Any
    where: str
    tried: int
    skipped: int

    @property
    def violated(self) -> bool:
        """True when the exact value exceeds the bound by more than rounding."""
        return self.worst > 1 + 1e-9

    @property
    def looseness(self) -> float:
        """1 / worst."""
        return 1 / self.worst if self.worst > 0 else float("inf")


def bound_ratio(method: Method, problem: Any, theorem: str | Theorem, steps: int = 40) -> float:
    """max over 1 <= t <= steps of (exact metric)/(bound); rounding at 1e-26 of the start is forgiven."""
    promised = find_guarantee(method, problem, theorem, horizon=steps)
    run = exact(method, problem, steps, theorem=theorem)
    seen = promised.theorem.trajectory(run)
    bound = np.array([promised.rate.bound(t) for t in range(steps + 1)])
    use = ~np.isnan(seen) & np.isfinite(bound)
    use[0] = False
    scale = bound[use] + 1e-26 * promised.rate.start
    return float(np.max(seen[use] / scale)) if use.any() else 0.0


def problems(count: int, seed: int = 0, largest: int = 6) -> Iterable[tuple[str, Any]]:
    """Every extremal problem, then `count` seeded random ones (n, d <= largest, all spectra, some interpolating)."""
    yield from extremal_problems().items()
    rng = stream(seed)
    names = ("log", "uniform", "two-point", "one-small", "one-large")
    for i in range(count):
        n, d = int(rng.integers(1, largest + 1)), int(rng.integers(1, largest + 1))
        yield (
            f"random {i}",
            random_quadratic(
                n,
                d,
                kappa=float(10 ** rng.uniform(0, 3)) if d > 1 else 1.0,
                seed=int(rng.integers(2**31)),
                spectrum=names[int(rng.integers(len(names)))],
                hessians=float(rng.choice([0.0, 0.5, 1.0])),
                interpolation=bool(rng.random() < 0.3),
            ),
        )


def study(score: Callable[[Any], float], count: int = 300, seed: int = 0, *, largest: int = 6) -> Finding:
    """The worst score over extremal and random problems; problems outside the statement's scope are skipped.

    score(problem) -> number, above 1 meaning violated; it may raise NoGuarantee or Unsupported to skip. For a theorem:
    study(lambda q: bound_ratio(method, q, theorem)).
    """
    worst, kept, where, tried, skipped = -np.inf, None, "", 0, 0
    for name, problem in problems(count, seed, largest):
        try:
            value = float(score(problem))
        except (NoGuarantee, Unsupported):
            skipped += 1
            continue
        tried += 1
        if value > worst:
            worst, kept, where = value, problem, name
    return Finding(worst, kept, where, tried, skipped)
