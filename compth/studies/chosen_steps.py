"""Whose step size a comparison uses: the theorem's, the certificate's, the exact best, or one tuned on pilot runs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypedDict, Unpack

import numpy as np

from compth._numbers import Number
from compth._types import Array
from compth.dynamics import best_step, exact, exact_rate, masked
from compth.dynamics.spectrum import entries
from compth.dynamics.system import data_of
from compth.errors import InvalidParameter, NoGuarantee, Unsupported
from compth.methods import Method, find_guarantee, plan_of
from compth.problems.interface import Problem
from compth.simulation import Trace, simulate
from compth.studies.step_sizes import BEST_LIMIT, RATE_ENTRIES, with_the_plans_alpha

if TYPE_CHECKING:
    from compth.dynamics import BestStep, Trajectory

PILOTS = 16
"""Runs of a pilot."""
FARTHEST = 14
"""Powers that a step goes up or down at most."""
APART = 7919
"""Added to the seed of the comparison for that of the pilots."""
SAME = 1e-6
"""A best step this close to the theorem's, relative to it, is the theorem's."""


@dataclass(frozen=True)
class Chosen:
    """A method with a step size, whose it is, and how it was found.

    found: (the method, what the search for its least exact rate gave), curve: the exact curve of this very step, where
    they were made.

    method: with gamma set, or None where its theorem plans it. whose: a key of CHOICES. how: words for a remark, ""
    for none.
    """

    method: Method
    whose: str
    how: str = ""
    found: tuple[Method, BestStep] | None = None
    curve: Trajectory | None = None


def theorem_step(method: Method, problem: Problem, **_: object) -> Chosen:
    """As given: the method's own step, or what its theorem plans, or its certificate where no theorem speaks."""
    if method.gamma is not None or not method.theorems():
        return Chosen(method, "theorem")
    try:
        find_guarantee(method, problem)
    except NoGuarantee:
        # what `guarantee` promises then is the certified worst case, at its own step
        try:
            found = certified_step(method, problem)
        except (NoGuarantee, Unsupported):
            return Chosen(method, "theorem")
        words = f"gamma = {float(found.method.gamma or 0):.4g}"
        return replace(found, how=f"{words} ({found.how})" if found.how else words)
    return Chosen(method, "theorem")


def certified_step(method: Method, problem: Problem, **_: object) -> Chosen:
    """The best step of the certified worst case of the class that the run lies in, with its parameters."""
    from compth.worst_case.certified_theorem import certified

    # The certificate plans the step and whatever parameters the method leaves open; those that it sets stay.
    free = replace(method, gamma=None)
    found = find_guarantee(free, problem, certified(free, problem))
    given = {k: getattr(method, k, None) for k in found.plan.params}
    params: dict[str, Number] = {
        k: float(v) for k, v in found.plan.params.items() if hasattr(method, k) and given[k] is None
    }
    made: Method = replace(method, gamma=float(found.plan.gamma), **params)
    return Chosen(made, "certified", "; ".join(found.rate.assumed))


def exact_best(method: Method, problem: Problem, *, steps: int, eps: float, **_: object) -> Chosen:
    """The step with the least exact rate on this problem; the theorem's alpha, where it has one, is kept.

    Where its floor is above eps, the shorter step (by powers of sqrt 2, looked for by strides of four, two and one)
    whose exact curve is below eps first, if one is within the rounds, else the one whose curve ends lowest.
    """
    if problem.d > BEST_LIMIT:
        raise Unsupported(f"d={problem.d}: exact best steps are searched up to d={BEST_LIMIT}")
    if masked.fits(method):
        raise Unsupported("it runs to a point of its own, and a faster way there is no merit")
    try:
        plan, _found, _why = plan_of(replace(method, gamma=None), problem)
    except NoGuarantee:  # the step is given, or its certificate's: what is asked is the other parameters
        plan, _found, _why = plan_of(theorem_step(method, problem).method, problem)
    fixed = with_the_plans_alpha(method, plan.params)
    # A search takes a dozen rates: where one follows this many moments, pilot runs are there sooner.
    count = entries(fixed, data_of(fixed.seen(problem)), plan)
    if count > RATE_ENTRIES:
        raise Unsupported(f"its exact rate follows {count:,} moments, searched up to {RATE_ENTRIES:,}")
    found = best_step(fixed, problem)
    if not found.converged:
        raise Unsupported("the exact best step could not be enclosed")

    def at(j: int) -> Method:
        made: Method = replace(fixed, gamma=float(found.gamma) * 2.0 ** (-j / 2))
        return made

    # The least rate is the fastest way to a floor. Where that floor is above eps the step is shortened: floors of
    # DCGD's kind fall in proportion to gamma, while the rate worsens as 1 - O(gamma).
    if _floored(at(0), problem, eps):
        short = _Shortened(lambda j: exact(at(j), problem, steps), eps)
        j = short.least()
        return Chosen(at(j), "best", short.how(j) if j else "", (fixed, found), short.curves[j])
    if method.gamma is None and abs(float(found.gamma) / float(plan.gamma) - 1) < SAME:
        return Chosen(method, "best", found=(fixed, found))
    # A parameter that follows the step (a theorem's alpha of gamma, say) was free in the search and is set by `at`: the
    # least rate is only this step's if it is met with the parameters that a run would have.
    if exact_rate(at(0), problem).rho > found.rate.rho * (1 + 1e-6):
        raise Unsupported("the exact best step depends on parameters that follow it")
    return Chosen(at(0), "best", found=(fixed, found))


class _Shortened:
    """Exact curves at shorter and shorter steps, by powers of sqrt 2 from the one with the least rate."""

    def __init__(self, curve_at: Callable[[int], Trajectory], eps: float) -> None:
        self.curve_at, self.eps = curve_at, eps
        self.curves: dict[int, Trajectory] = {}

    def score(self, j: int) -> tuple[float, float]:
        """(rounds to eps or inf, last mean square): smaller is better."""
        # An exact curve costs seconds: each step's is made once.
        if j not in self.curves:
            self.curves[j] = self.curve_at(j)
        curve = self.curves[j].mean_square
        # Rounds to the last time above eps, not to the first below: an exact
        # mean square may rise again; NaN counts as above.
        above = np.flatnonzero(~(curve <= self.eps * curve[0]))
        first = int(above[-1]) + 1 if above.size else 0
        return (float(first) if first < len(curve) else float("inf")), float(curve[-1])

    def least(self) -> int:
        """The power of the best score, by strides: scores fall and then rise, and a curve costs seconds."""
        best = min(range(0, FARTHEST + 1, 4), key=self.score)
        for stride in (2, 1):
            near = (best, best - stride, best + stride)
            best = min((j for j in near if 0 <= j <= FARTHEST), key=self.score)
        return best

    def how(self, j: int) -> str:
        """What its curve is the best of."""
        rounds = len(self.curves[j].mean_square) - 1
        if np.isfinite(self.score(j)[0]):
            return "of the exact curve that is below eps first, as the least rate has a floor above"
        return f"of the exact curve that ends lowest: none stays below eps within {rounds:,} rounds"


def _floored(method: Method, problem: Problem, eps: float) -> bool:
    """True where the exact stationary mean square is above eps times the start's."""
    from compth.dynamics import stationary

    try:
        floor = stationary(method, problem).mean_square
    except (NoGuarantee, Unsupported):
        return False
    start = float(problem.distance_squared(np.asarray(problem.start, dtype=float)[None])[0])
    return bool(floor > eps * start)


def tuned_step(method: Method, problem: Problem, *, steps: int, seed: int, eps: float, **_: object) -> Chosen:
    """Of 2^j times the theorem's step, the one whose pilot needs the fewest rounds to eps, else ends lowest.

    A pilot is 16 runs from a start of their own (x_0 moved by a Gaussian of the size of grad f(x_0)/L) with a seed of
    their own, so that the comparison's runs were not used to choose. j rises while that helps (one step of no help is
    passed over). Without a theorem the first step is 1/L_max, and j falls as well.
    """
    first, known = _first_step(method, problem)
    start = _other_start(problem, seed)

    def pilot(j: int) -> tuple[float, float]:
        try:
            trace = simulate(
                replace(method, gamma=first * 2.0**j), problem, steps, PILOTS, seed + APART, start
            )
        except NoGuarantee:  # a step that the method's own parameters do not go with
            return float("inf"), float("inf")
        return _score(trace, eps)

    # A theorem's step is almost always too short, so from it the search only climbs; 1/L_max may be too long.
    best, scores = 0, {0: pilot(0)}
    for way in (1,) if known else (1, -1):
        best = _climb(pilot, scores, best, way)
    how = f"2^{best} of " + ("the theorem's" if known else "1/L_max")
    own = known and best == 0 and method.gamma is None
    return Chosen(method if own else replace(method, gamma=first * 2.0**best), "tuned", how)


def _first_step(method: Method, problem: Problem) -> tuple[float, bool]:
    """(the theorem's step, True), or (1/L_max, False) without a theorem."""
    try:
        plan = find_guarantee(replace(method, gamma=None), problem).plan
        return float(plan.gamma), True
    except NoGuarantee:
        return 1 / float(problem.L_max), False


def _other_start(problem: Problem, seed: int) -> Array:
    """x_0 moved by a Gaussian of the length of a gradient step."""
    # As far from x_0 as a gradient step goes: a start of the same difficulty, at which no run of the comparison began.
    start = np.asarray(problem.start, dtype=float)
    gradient = problem.gradients(start[None])[0].mean(axis=0)
    size = float(np.linalg.norm(gradient)) / float(problem.L) or 1.0
    drawn = np.random.default_rng(seed + APART).standard_normal(problem.d)
    moved: Array = start + size * drawn / np.sqrt(problem.d)
    return moved


def _score(trace: Trace, eps: float) -> tuple[float, float]:
    """(rounds to eps or inf, last mean square): smaller is better."""
    rounds = None if (trace.diverged >= 0).any() else trace.rounds_to(eps)
    return float("inf") if rounds is None else float(rounds), float(trace.mean_square[-1])


def _climb(
    score: Callable[[int], tuple[float, float]], scores: dict[int, tuple[float, float]], best: int, way: int
) -> int:
    """The best j in this direction: two in a row that do not help end it."""
    # Pilots are noisy: one step of no help is passed over, two in a row end the climb.
    missed = 0
    for j in range(best + way, way * (FARTHEST + 1), way):
        scores[j] = score(j)
        missed = 0 if scores[j] < scores[best] else missed + 1
        best = best if missed else j
        if missed == 2:
            break
    return best


class How(TypedDict):
    """What a search for a step is told: the rounds and the target of the comparison, and its seed."""

    steps: int
    seed: int
    eps: float


CHOICES: dict[str, Callable[..., Chosen]] = {
    "theorem": theorem_step,
    "certified": certified_step,
    "best": exact_best,
    "tuned": tuned_step,
}


def names_of(asked: str | Iterable[str]) -> tuple[str, ...]:
    """The step sizes asked for, by name and in order. Raises InvalidParameter for another name."""
    given = (
        asked.split(",") if isinstance(asked, str) else asked if isinstance(asked, list | tuple) else [asked]
    )
    names = tuple(dict.fromkeys(name.strip() if isinstance(name, str) else repr(name) for name in given))
    unknown = [name for name in names if name not in CHOICES]
    if unknown or not names:
        what = " and ".join(map(repr, unknown)) or "nothing"
        raise InvalidParameter(f"stepsizes={asked!r}: {what} is not known: give some of {', '.join(CHOICES)}")
    return names


def chosen(
    methods: Sequence[Method], problem: Problem, names: Sequence[str], **how: Unpack[How]
) -> tuple[list[Chosen], list[str]]:
    """Every method with every step size asked for, and lines that say how they were found and which there are not.

    how: steps, seed and eps of the comparison. A step that does not exist is a line and no error.
    """
    made: list[Chosen] = []
    missing: list[str] = []
    instead: dict[str, list[Chosen]] = {}
    for method in methods:
        first = len(made)
        for name in names:
            try:
                made.append(CHOICES[name](method, problem, **how))
            except (NoGuarantee, Unsupported) as reason:
                # Where second moments do not close there is no exact rate:
                # pilot runs stand in, and a line says so.
                if name == "best" and "tuned" not in names:
                    made.append(tuned_step(method, problem, **how))
                    instead.setdefault(_why(reason), []).append(made[-1])
                else:
                    missing.append(f"{method.label}: no {name} step: {reason}")
        found = next((c.found for c in made[first:] if c.found), None)
        made[first:] = [replace(c, found=found) for c in made[first:]]
    return made, [*_found(made, names, instead), *missing]


def _why(reason: Exception) -> str:
    """The reason in a few words where it is that of most methods: whose it is, the line says."""
    closed = "second moments do not close"
    return closed if closed in str(reason) else str(reason)


PILOTED = f"by powers of two on {PILOTS} pilot runs each with a start and a seed of their own"


def _found(made: Sequence[Chosen], names: Sequence[str], instead: dict[str, list[Chosen]]) -> list[str]:
    """A line a kind of step that was searched for."""
    said = {f"tuned instead of the best step ({why}), {PILOTED}": found for why, found in instead.items()}
    if "tuned" in names:
        said[f"tuned steps, {PILOTED}"] = [c for c in made if c.whose == "tuned"]
    best = [c for c in made if c.whose == "best" and c.how]
    said["best steps other than that of the least exact rate"] = best
    certified = "certified steps" if "certified" in names else "no theorem speaks of them: certified steps"
    said[certified] = [c for c in made if c.whose == "certified" and c.how]
    lines = {k: "; ".join(f"{c.method.label} {c.how}" for c in found) for k, found in said.items()}
    return [f"{k}: {found}" for k, found in lines.items() if found]


__all__ = ["CHOICES", "Chosen", "chosen", "names_of"]
