"""Scan random and extremal problems for a violated theorem; keep the worst case as its looseness."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import chain

import numpy as np

from compth._door import at_the_door, callable_, whole
from compth._earned import Computed, made
from compth._rng import stream
from compth._shown import Shown
from compth.dynamics.along import RateAt
from compth.dynamics.spectrum import rate_on
from compth.dynamics.steps import max_stable_step, parameters
from compth.dynamics.system import data_of
from compth.dynamics.trajectory import curve
from compth.errors import InvalidParameter, NoGuarantee, Unsupported
from compth.methods import Method, Theorem, find_guarantee
from compth.problems import distributed_quadratic, extremal_problems, random_quadratic
from compth.problems.interface import Problem, as_quadratic


@dataclass(frozen=True, eq=False)
class Finding(Computed, Shown):
    """worst: largest score found (a statement is violated above 1), with the problem that attains it.

    For a theorem the score is max over 1 <= t <= steps of exact metric/bound: looseness = 1/worst.
    """

    worst: float
    problem: Problem | None
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


def bound_ratio(method: Method, problem: Problem, theorem: str | Theorem, steps: int = 40) -> float:
    """max over 1 <= t <= steps of (exact metric)/(bound); rounding at 1e-26 of the start is forgiven.

    0.0 where no round has a finite bound. Raises NoGuarantee where the theorem does not apply, Unsupported where its
    metric has no exact expectation.
    """
    # The exact expectation of the theorem's own metric over its bound, both from the same start and plan:
    # above 1 the inequality is false on this problem, without any statistics.
    promised = find_guarantee(method, problem, theorem, horizon=steps)
    run = curve(method, problem, promised.plan, promised.theorem, np.asarray(problem.start), steps)
    seen = promised.theorem.trajectory(run)
    bound = np.array([promised.rate.bound(t) for t in range(steps + 1)])
    use = ~np.isnan(seen) & np.isfinite(bound)
    use[0] = False
    scale = bound[use] + 1e-26 * promised.rate.start
    return float(np.max(seen[use] / scale)) if use.any() else 0.0


def rate_ratio(method: Method, problem: Problem, theorem: str | Theorem) -> float:
    """(theorem's rate per round)/(exact rate per round), log rho / log rho: 1/this is how many times too slow it is.

    Above 1 the theorem is violated in the long run. NoGuarantee for theorems without a constant rate below 1, or where
    the floor's own mean decides the exact rate.
    """
    promised = find_guarantee(method, problem, theorem)
    rho = promised.rate.rho
    if rho is None or not 0 < rho < 1:
        raise NoGuarantee(f"{promised.theorem.id} promises no linear rate")
    # log rho(theorem)/log rho(exact) compares numbers of rounds for
    # one accuracy, which differences of rates do not.
    found = rate_on(method, problem, promised.plan)
    if found.coupled or not found.converged or not found.rho < 1:
        raise NoGuarantee("the exact rate is not that of the second moments alone")
    return float(np.log(rho) / np.log(found.rho)) if found.rho > 0 else 0.0


def bump(method: Method, problem: Problem, points: int = 25) -> float:
    """1 + the largest rise of rho(gamma) between two lower values: above 1 rho is not unimodal on (0, stable step).

    rho is looked at on `points` steps, evenly in log gamma over three decades below the largest stable one.

    Raises Unsupported where every step is stable or the largest stable one is not enclosed.
    """
    data = data_of(method.seen(problem))
    rate = RateAt(method, data, parameters(method, problem))
    top = max_stable_step(method, problem)
    if not np.isfinite(top):
        raise Unsupported("every step is stable")
    if not top.converged:
        raise Unsupported(f"the largest stable step is only known to lie in {top.bracket}")
    values = np.array([rate.rho(g) for g in top * np.geomspace(1e-3, 1, points)])
    # A rise between two lower values shows a second valley; on a
    # grid it may be missed, but what is seen is there.
    before, after = np.minimum.accumulate(values), np.minimum.accumulate(values[::-1])[::-1]
    return 1 + float((values[1:-1] - np.maximum(before[:-2], after[2:])).max())


def problems(count: int, seed: int = 0, largest: int = 6) -> Iterable[tuple[str, Problem]]:
    """Every extremal problem, then `count` seeded random ones (n, d <= largest, all spectra, some interpolating)."""
    # Extremal problems first: a theorem is tight there if anywhere.
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


def nearby(problem: Problem, rng: np.random.Generator, scale: float) -> Problem:
    """A problem close to this one: factors of the A_i and the minimisers moved by `scale` relative to their size.

    rng: where the moves are drawn from. The neighbour is a convex quadratic whose mean has the same minimiser.
    """
    # The factors are moved, not the Hessians: F F' stays positive semidefinite, so the neighbour is a convex quadratic.
    # The gradients at x* are moved with mean zero, which keeps x* the minimiser and changes the heterogeneity alone.
    values, vectors = np.linalg.eigh(as_quadratic(problem).A)
    factors = vectors * np.sqrt(np.maximum(values, 0.0))[:, None, :]
    size = np.sqrt(problem.L_max)
    moved = factors + scale * size * rng.standard_normal(factors.shape) * rng.choice([0.01, 0.1, 1.0])
    a = moved @ np.swapaxes(moved, 1, 2)
    away = float(np.abs(problem.start - problem.x_star).max())
    own = problem.gradients_at_star * float(rng.choice([0.0, 1.0, 1.0 + scale]))
    own = own + scale * size**2 * away * rng.standard_normal(own.shape) * float(rng.choice([0.0, 0.1]))
    b = np.matmul(a, problem.x_star) - (own - own.mean(axis=0))
    return distributed_quadratic(a, b)


@at_the_door(score=callable_, count=whole(0, 10**7), largest=whole(1, 1000), climb=whole(0, 10**7))
def study(
    score: Callable[[Problem], float], count: int = 300, seed: int = 0, *, largest: int = 6, climb: int = 0
) -> Finding:
    """The worst score over extremal and random problems; problems outside the statement's scope are skipped.

    score(problem) -> number, above 1 meaning violated; it may raise NoGuarantee or Unsupported to skip. For a theorem:
    study(lambda q: bound_ratio(method, q, theorem)) or rate_ratio; for "rho(gamma) is unimodal": bump. climb: steps of
    a random search from the worst problem found, which brings the score near its supremum.
    """
    worst, kept, where, tried, skipped = -np.inf, None, "", 0, 0
    rng = stream(seed, 1)

    def climbing() -> Iterable[tuple[str, Problem]]:
        # A (1 + 1)-search: the step grows after a success and shrinks else, down to where moves are rounding.
        scale = 0.3
        for _ in range(climb):
            if kept is None:
                return
            before = worst
            yield f"{where.split(',')[0]}, moved", nearby(kept, rng, scale)
            scale = min(scale * 1.5, 1.0) if worst > before else max(scale * 0.93, 1e-3)

    for name, problem in chain(problems(count, seed, largest), climbing()):
        try:
            value = float(score(problem))
        except (NoGuarantee, Unsupported, InvalidParameter):
            skipped += 1
            continue
        tried += 1
        if value > worst:
            worst, kept, where = value, problem, name
    return made(Finding(worst, kept, where, tried, skipped))
