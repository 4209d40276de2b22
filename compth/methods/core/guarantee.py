"""What is promised for a method on a problem: its theorems are asked one by one, and the smallest bound is taken.

A guarantee is what it was derived from: copies and pickles derive it again, never by its own word.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from compth._door import a_method, a_problem, a_theorem, at_the_door, check_start, numbers, optional, whole
from compth._numbers import Number
from compth._own import altered, stranger
from compth.claims import Standing
from compth.errors import InvalidParameter, NoGuarantee
from compth.methods.core.constants import Constants
from compth.methods.core.method import Method
from compth.methods.core.theorem import Plan, Theorem
from compth.methods.core.word import ORDER, assumptions, broken, not_its_own, other_run
from compth.problems.interface import Problem
from compth.rates import Rate, derived, first_at_most


@dataclass(frozen=True)
class Guarantee:
    """A theorem with the plan and rate it gives on one problem."""

    theorem: Theorem
    plan: Plan
    rate: Rate
    constants: Constants

    def __reduce__(self) -> str | tuple[object, ...]:
        """Copies and pickles hold what it was derived from and derive it again."""
        # a rate without an origin is a user's own: there is nothing to derive again
        if self.rate.origin is None:
            return super().__reduce__()
        return _again, (self.rate.origin, self.rate.standing, self.rate.assumed)


def _again(origin: Derivation, standing: str, assumed: tuple[str, ...]) -> Guarantee:
    return origin.guarantee(standing, assumed)


@dataclass(frozen=True)
class Derivation:
    """The arguments of `find_guarantee`: all that a guarantee follows from."""

    method: Method
    problem: Problem
    theorem: str | Theorem | None
    horizon: int
    x0: ArrayLike | None

    def guarantee(self, standing: str, assumed: tuple[str, ...]) -> Guarantee:
        """Derived again by the code that is here; it stands no firmer than it did where it comes from."""
        found = find_guarantee(self.method, self.problem, self.theorem, horizon=self.horizon, x0=self.x0)
        # a copy made where something was replaced must not come back stronger than it left, nor weaker than
        # it is now
        weakest = max(standing, found.rate.standing, key=lambda s: ORDER.index(Standing(s)))
        lines = tuple(dict.fromkeys((*assumed, *found.rate.assumed)))
        return replace(found, rate=derived(found.rate, standing=weakest, assumed=lines))

    def rate(self, standing: str, assumed: tuple[str, ...]) -> Rate:
        """The guarantee's rate."""
        return self.guarantee(standing, assumed).rate


def _planned(theorem: Theorem, c: Constants, gamma: Number | None, horizon: int | None) -> Plan:
    """The theorem's plan; NoGuarantee where f need not grow (mu = 0) and it divides by mu."""
    # with mu = 0 many closed forms divide by mu; a limit inf or nan is not a floor. Theorems of the
    # nonconvex kind do not read mu and pass
    if c.mu > 0:
        return theorem.plan(c, gamma, horizon)
    try:
        with np.errstate(divide="ignore", invalid="ignore"):
            plan = theorem.plan(c, gamma, horizon)
            if np.isfinite(float(plan.floor)):
                return plan
    except ZeroDivisionError:
        pass
    raise NoGuarantee(f"{theorem.id} does not apply: f must grow, mu = {float(c.mu):g}")


def _promise(
    method: Method,
    problem: Problem,
    theorem: Theorem,
    c: Constants,
    x0: ArrayLike | None,
    horizon: int | None,
) -> Guarantee:
    plan = _planned(theorem, c, method.gamma, horizon)
    # the bound starts from the metric at t = 0, memories included: x_0 alone does not say how far h_i^0 is
    # from grad f_i(x*)
    state = method.init(
        problem, np.array(problem.start if x0 is None else x0, dtype=float).reshape(1, -1), plan
    )
    # None stands for the squared distance to the solution set, which every run records
    observed = theorem.begin(problem, state, plan)
    start = float((problem.distance_squared(state.x) if observed is None else observed)[0])
    rate = Rate(
        theorem=theorem.id,
        metric=theorem.metric,
        stepsize=plan.gamma,
        rho=None if plan.rho is None else float(plan.rho),
        floor=float(plan.floor),
        start=start,
        values=theorem.values(c, plan, start),
        distance_factor=theorem.distance_factor(c, plan),
        plan=plan,
    )
    return Guarantee(theorem, plan, rate, c)


def find_guarantee(
    method: Method,
    problem: Problem,
    theorem: str | Theorem | None = None,
    *,
    horizon: int = 1000,
    x0: ArrayLike | None = None,
    reaching: float | None = None,
) -> Guarantee:
    """The theorem asked for, or the applicable one whose bound on E||x_t - x*||^2 is smallest at t = horizon.

    reaching: the one whose bound is at most this first, instead (of several that never are, the smallest floor).
    """
    c = method.check(problem)
    check_start(x0, problem.d)
    wanted = (
        [theorem]
        if isinstance(theorem, Theorem)
        else [th for th in method.theorems() if theorem is None or th.id == theorem]
    )
    if not wanted and theorem is not None:
        known = ", ".join(th.id for th in method.theorems()) or "none"
        raise InvalidParameter(f"theorem={theorem!r} is not one of {type(method).__name__}'s: {known}")
    # the package's theorems speak of the package's step; a user's own are asked in any case
    other, replaced = other_run(method, problem), altered()
    wanted = [th for th in wanted if not other or stranger(th)]
    found, reasons = [], [other] if other else []
    for th in wanted:
        # cheapest first; each refusal is kept, as all of them together are the answer where none applies
        reason = not_its_own(th, method) or c.impossible or th.why_not(c)
        try:
            if reason:
                raise NoGuarantee(f"{th.id} does not apply: {reason}")
            found.append(_promise(method, problem, th, c, x0, horizon))
        except NoGuarantee as problem_found:
            reasons.append(str(problem_found))
    if not found:
        raise NoGuarantee(
            f"{method.label} has no guarantee here: " + "; ".join(reasons or ["it has no theorem"])
        )
    if reaching is None:
        # metrics differ between theorems (f - f*, Lyapunov functions): bounds are compared after division
        # by the factor that turns each into a bound on E||x_t - x*||^2
        best = min(found, key=lambda g: (g.rate.distance_bound(horizon), g.rate.floor))
    else:
        # by the first t that reaches the goal; ties, and those that never do, by the floor
        best = min(found, key=lambda g: (_rounds(g.rate, reaching), g.rate.floor))
        theorem = best.theorem  # whoever derives it again asks for this one
    origin = Derivation(method, problem, theorem, horizon, x0)
    rate = derived(best.rate, origin=origin, **assumptions(method, problem, best.theorem, c))
    return replace(best, rate=broken(rate, replaced) if replaced else rate)


def _rounds(rate: Rate, eps: float) -> float:
    """The first t with distance_bound(t) <= eps, inf where there is none."""
    found = first_at_most(rate.distance_bound, eps, 10**9)
    return np.inf if found is None else found


@at_the_door(
    method=a_method, problem=a_problem, theorem=optional(a_theorem), horizon=whole(0), x0=optional(numbers)
)
def guarantee(
    method: Method,
    problem: Problem,
    theorem: str | Theorem | None = None,
    *,
    horizon: int = 1000,
    x0: ArrayLike | None = None,
) -> Rate:
    """What is promised for this method on this problem: the named theorem's rate, or the best applicable one's.

    Raises NoGuarantee, with each theorem's reason, when the step size or the compressor is outside every theorem.
    """
    return find_guarantee(method, problem, theorem, horizon=horizon, x0=x0).rate


def plan_of(
    method: Method, problem: Problem, *, horizon: int = 1000, x0: ArrayLike | None = None
) -> tuple[Plan, Guarantee | None, str]:
    """(plan, guarantee or None, reason for none): how a run of this method will be made.

    Raises NoGuarantee when gamma is not given and no theorem plans one.
    """
    try:
        g = find_guarantee(method, problem, horizon=horizon, x0=x0)
        return g.plan, g, ""
    except NoGuarantee as problem_found:
        plan = method.unplanned(method.check(problem), str(problem_found))
        return plan, None, str(problem_found)
