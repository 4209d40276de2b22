"""What one compressor costs until eps, by each kind of evidence: theorem, certified worst case, exact rates."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from compth._earned import Earned, changed
from compth._own import stranger
from compth.bits import FLOAT_BITS
from compth.dynamics import best_step, stationary
from compth.dynamics.spectrum import entries, rate_on
from compth.dynamics.system import data_of
from compth.errors import CompthError, NoGuarantee, Unsupported
from compth.methods import Method, Plan, find_guarantee
from compth.methods.core.body import BodyMethod
from compth.methods.core.word import assumptions, not_its_own, other_run
from compth.rates import first_at_most, geometric
from compth.simulation import simulate
from compth.studies.budget_members import Member, ProblemClass
from compth.studies.step_sizes import BEST_LIMIT, EXACT_LIMIT, RATE_ENTRIES, with_the_plans_alpha
from compth.worst_case.bodies import body_of
from compth.worst_case.certified_theorem import Certified, certified
from compth.worst_case.enclosed import outward
from compth.worst_case.runs import claim_of
from compth.worst_case.told import Told

if TYPE_CHECKING:
    from compth.dynamics.spectrum import ExactRate
    from compth.methods.core.theorem import Theorem
    from compth.problems.interface import Problem


LONGEST = 10**9
"""Rounds after which nobody waits."""
ESTIMATE = "estimate"
"""Standing of rounds that are read off floor + rho^t: the start's own share of the error is left out."""
MEASURED = (64, 16)
"""Rounds and runs from which bits are read where a method counts them in a way of its own."""


@dataclass(frozen=True)
class Promise(Earned):
    """One member by one evidence: rounds and uplink bits per worker until eps, None where it does not get there.

    rho, floor: the factor a round, and what the bound tends to relative to its start. round_bits: expected uplink bits
    of a round per worker; measured: they are read from a few runs. standing: of what promises it, "estimate" for rounds
    by exact rates; one that was typed or changed is ASSUMED. note: why not.
    """

    WORDS = MappingProxyType({"standing": "ASSUMED"})

    by: str
    label: str
    level: object
    message_bits: float | None
    claim: str
    stepsize: float | None = None
    rho: float | None = None
    floor: float = 0.0
    rounds: int | None = None
    round_bits: float | None = None
    bits: float | None = None
    source: str = ""
    standing: str = ""
    note: str = ""
    measured: bool = False


@dataclass(frozen=True)
class Answer:
    """By one evidence: the strongest member within the limit, or None and who comes nearest; and the limit.

    cheapest: of the members that were looked at, the one with the fewest bits in all.
    uncompressed: the same method with nothing compressed. whole: every member was looked at.
    """

    by: str
    limit: float | None
    chosen: Promise | None
    nearest: Promise | None
    cheapest: Promise | None
    uncompressed: Promise
    whole: bool
    gaps: tuple[str, ...] = ()


@dataclass(frozen=True)
class Found:
    """What an evidence found: the plan that it speaks of, its factor and floor, rounds, and who says so.

    rho: factor a round, None without a linear rate. floor: relative to ||x_0 - x*||^2.
    """

    plan: Plan
    rho: float | None
    floor: float
    rounds: int | None
    source: str
    standing: str
    note: str = ""


@dataclass(frozen=True)
class Asked:
    """A problem, or a class of problems, and the share eps of the start that is to be reached.

    abstract: the members are constants, not compressors.
    planned: what the theorems of a member's method promise, or why they do not; others ask for its plan again.
    """

    problem: Problem | ProblemClass
    eps: float
    horizon: int
    abstract: bool = False
    planned: dict[int, Found | NoGuarantee] = field(default_factory=dict, repr=False)

    @property
    def of_class(self) -> bool:
        """True where only constants are known."""
        return isinstance(self.problem, ProblemClass)

    def promise(self, by: str, member: Member) -> Promise:
        """This member by this evidence; where it has none, the reason."""
        # A member without this evidence is kept with the reason: an
        # answer that skipped it would look like one about it.
        base = Promise(by, member.label, member.level, member.bits, member.claim)
        try:
            found = EVIDENCE[by](self, member.method)
        except (NoGuarantee, Unsupported) as reason:
            return changed(base, note=str(reason))
        cost = None if member.bits is None else self._bits(member.method, found.plan)
        total = None if cost is None or found.rounds is None else cost[0] * found.rounds + cost[1]
        return changed(
            base,
            stepsize=float(found.plan.gamma),
            rho=found.rho,
            floor=found.floor,
            rounds=found.rounds,
            round_bits=None if cost is None else cost[0],
            bits=total,
            source=found.source,
            standing=found.standing,
            note=found.note,
            measured=cost is not None and counted_bits(member.method, self.problem, found.plan) is None,
        )

    def _bits(self, method: Method, plan: Plan) -> tuple[float, float] | None:
        """(expected uplink bits of a round per worker, those of the first round besides); None where none are known."""
        counted = counted_bits(method, self.problem, plan)
        if counted is not None or self.of_class:
            return counted
        # A method that bills in a way of its own (by what it drew) is
        # asked by a few seeded runs; the promise says so.
        steps, runs = MEASURED
        fixed = replace(method, gamma=float(plan.gamma)) if plan.schedule is None else method
        trace = simulate(fixed, self.problem, steps, runs, 0)
        return float(trace.bits[-1] / steps), 0.0


def counted_bits(method: Method, problem: Problem, plan: Plan) -> tuple[float, float] | None:
    """The bills of the body's leaves, each with its probability; None for methods that count in a way of their own."""
    if not isinstance(method, BodyMethod) or type(method)._sent is not BodyMethod._sent:
        return None
    try:
        read = method._read(method.seen(problem), method.arguments(plan))
    except CompthError:
        return None
    if read is None:
        return None
    # A leaf is one way that a round's coins may fall; the expectation over leaves is exact because coins do not look at
    # vectors.
    n, d = int(problem.n), int(problem.d)
    message, every = float(sum(c.total for c in method.fleet.bits(n, d))) / n, float(d * FLOAT_BITS)
    pairs = zip(read.program.leaves, read.bills, strict=True)
    a_round = sum(
        float(leaf.probability) * (len(bill.messages) * message + bill.full * every) for leaf, bill in pairs
    )
    return a_round, every if read.begins_sent else 0.0


def by_theorem(asked: Asked, method: Method) -> Found:
    """Of the method's theorems, the one that promises eps first, at its own step or the given one.

    Raises NoGuarantee, with all reasons, where no theorem applies. Kept for each method: other evidence asks again.
    """
    if id(method) not in asked.planned:
        try:
            asked.planned[id(method)] = _first(asked, method)
        except NoGuarantee as reason:
            asked.planned[id(method)] = reason
    found = asked.planned[id(method)]
    if isinstance(found, NoGuarantee):
        raise found
    return found


def _first(asked: Asked, method: Method) -> Found:
    if not asked.of_class:
        return _on_problem(asked, method)
    found, reasons = [], []
    for theorem in method.theorems():
        try:
            found.append(_on_class(asked, method, theorem))
        except (NoGuarantee, Unsupported) as reason:
            reasons.append(str(reason))
    if not found:
        raise NoGuarantee("; ".join(dict.fromkeys(reasons)) or f"{type(method).__name__} has no theorem")
    return min(found, key=lambda f: (LONGEST + 1 if f.rounds is None else f.rounds, f.floor))


def _on_problem(asked: Asked, method: Method, theorem: Certified | None = None) -> Found:
    """The theorem, or of all the one that reaches eps first, on the problem."""
    # A theorem bounds its own metric; `distance_bound` turns it into a bound of the squared
    # distance, so that all kinds of evidence count rounds to the same target.
    start = _start(asked.problem)
    target = asked.eps * start
    g = find_guarantee(method, asked.problem, theorem, horizon=asked.horizon, reaching=target)
    rounds = first_at_most(g.rate.distance_bound, target, LONGEST)
    factor = g.rate.distance_factor
    floor = float(g.rate.floor) / (factor * start) if factor > 0 else float("inf")
    return Found(g.plan, g.rate.rho, floor, rounds, g.theorem.id, g.rate.standing)


def _start(problem: Problem) -> float:
    """||x_0 - x*||^2."""
    return float(problem.distance_squared(np.asarray(problem.start, dtype=float)[None])[0])


def _on_class(asked: Asked, method: Method, theorem: Theorem) -> Found:
    """By constants alone: rounds until the theorem's own metric is below eps times its start."""
    c = method.check(asked.problem)
    # As of a problem: the package's theorems speak of the package's own step, and of the methods that list them.
    other = "" if stranger(theorem) else other_run(method, asked.problem)
    reason = other or not_its_own(theorem, method) or c.impossible or theorem.why_not(c)
    if reason:
        raise NoGuarantee(f"{theorem.id} does not apply: {reason}")
    # Relative to 1: a linear rate's bound scales with the start of its own metric, whatever that is.
    plan = theorem.plan(c, method.gamma, asked.horizon)
    if isinstance(theorem, Certified):
        # of the class itself, whose constants were rounded outward: there is no problem to hold
        theorem.shown = True
    if plan.rho is None:
        raise NoGuarantee(f"{theorem.id} promises no linear rate: by constants alone it says nothing")
    rounds = first_at_most(theorem.values(c, plan, 1.0), asked.eps, LONGEST)
    # a class has no compressor whose claim could be doubted: its constant is what is asked about
    word = assumptions(method, asked.problem, theorem, c, asked.abstract)["standing"]
    return Found(plan, float(plan.rho), float(plan.floor), rounds, theorem.id, str(word))


def by_certificate(asked: Asked, method: Method) -> Found:
    """The certified worst case of the class, at its best step where a closed form knows it, else at the theorem's."""
    kind = body_of(method)
    if kind is None or isinstance(kind, Told):
        raise Unsupported(f"{type(method).__name__} is no method written as a body: nothing is certified")
    # Where no closed form gives the best step, a search for each member of a family would take minutes: the theorem's
    # step is certified instead, which is sound at any step.
    free = method
    if method.gamma is None and not kind.known and method.theorems():
        free = replace(method, gamma=float(by_theorem(asked, method).plan.gamma))
    if isinstance(asked.problem, ProblemClass):
        return _on_class(asked, free, _certified_class(free, kind, asked.problem))
    return _on_problem(asked, free, certified(free, asked.problem))


def _certified_class(method: Method, kind: type[BodyMethod], problem: ProblemClass) -> Certified:
    claimed = claim_of(method, method.check(problem))
    signs = {"omega": 1, "eta": 1, "delta": -1}
    # Floats are rounded outward to fractions: the certified class contains the one that was asked about.
    bounds = {k: outward(v, signs[k]) for k, v in (claimed or {}).items()}
    return Certified(
        kind, {"mu": outward(problem.mu, -1), "L": outward(problem.L, 1), "n": problem.n, **bounds}
    )


def by_exact_rate(asked: Asked, method: Method) -> Found:
    """At the theorem's step (or the given one): floor + rho^t with the exact rate and the exact floor.

    Raises Unsupported for classes, large d, schedules, and moments too many for every level.
    """
    _exact_can(asked, method)
    plan, floored = _planned(asked, method)
    if plan.schedule is not None:
        raise Unsupported("the step changes: there is no exact rate")
    if entries(method, data_of(method.seen(asked.problem)), plan) > RATE_ENTRIES:
        raise Unsupported("too many moments for an exact rate at every level")
    found = rate_on(method, asked.problem, plan)
    return _reached(asked, method, plan, found, floored)


def by_best_step(asked: Asked, method: Method) -> Found:
    """At the step of the least exact rate on this problem."""
    _exact_can(asked, method)
    if asked.problem.d > BEST_LIMIT:
        raise Unsupported(f"d={asked.problem.d}: exact best steps are searched up to d={BEST_LIMIT}")
    plan, floored = _planned(asked, method)
    fixed = with_the_plans_alpha(replace(method, gamma=None), plan.params)
    best = best_step(fixed, asked.problem)
    if not best.converged:
        raise Unsupported("the exact best step could not be enclosed")
    at = replace(plan, gamma=float(best.gamma), schedule=None)
    return _reached(asked, fixed, at, best.rate, floored)


def _exact_can(asked: Asked, method: Method) -> None:
    if asked.of_class:
        raise Unsupported("exact rates are of a problem, not of constants: give one")
    if asked.problem.d > EXACT_LIMIT:
        raise Unsupported(f"d={asked.problem.d}: exact rates are computed up to d={EXACT_LIMIT}")


def _planned(asked: Asked, method: Method) -> tuple[Plan, bool]:
    """The theorem's plan, and whether a floor is to be looked for: a theorem that promises none shows there is none."""
    try:
        found = by_theorem(asked, method)
        return found.plan, not (found.floor == 0 and found.rho is not None and found.rho < 1)
    except NoGuarantee as reason:
        return method.unplanned(method.check(asked.problem), str(reason)), True


def _reached(asked: Asked, method: Method, plan: Plan, rate: ExactRate, floored: bool) -> Found:
    if not rate.converged:
        raise Unsupported("the exact rate could not be enclosed")
    # floor + rho^t is no bound: what it leaves out is how much of the start lies along the slowest direction. Hence its
    # standing "estimate", though rho and floor are exact.
    rho, floor = float(rate.rho), 0.0
    if floored and rho < 1:
        fixed = with_the_plans_alpha(replace(method, gamma=float(plan.gamma)), plan.params)
        floor = float(stationary(fixed, asked.problem).mean_square) / _start(asked.problem)
    rounds = first_at_most(geometric(rho, floor, 1.0), asked.eps, LONGEST) if rho < 1 and floor < 1 else None
    word = "ASSUMED" if rate.assumed else ESTIMATE  # rate and floor are exact, the rounds are not
    note = "" if rho < 1 else f"no convergence at this step: the exact rate is {rho:.6g}"
    return Found(plan, rho, floor, rounds=rounds, source="exact rate", standing=word, note=note)


EVIDENCE: dict[str, Callable[[Asked, Method], Found]] = {
    "theorem": by_theorem,
    "certified": by_certificate,
    "exact": by_exact_rate,
    "best": by_best_step,
}
"""Kinds of evidence by name."""


def is_cheap(by: str, method: Method) -> bool:
    """True where every member is looked at: theorems, and certificates in closed form."""
    return by == "theorem" or (by == "certified" and bool(getattr(type(method), "known", ())))


__all__ = ["EVIDENCE", "Answer", "Asked", "Found", "Promise", "is_cheap"]
