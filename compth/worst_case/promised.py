"""`guarantee`: what is promised for a run, by its method's theorems or, where none applies, by its certificate."""

from __future__ import annotations

from numpy.typing import ArrayLike

from compth._door import a_method, a_problem, a_theorem, at_the_door, numbers, optional, whole
from compth.errors import NoGuarantee, Unsupported
from compth.methods import Method, Theorem, find_guarantee
from compth.problems.interface import Problem
from compth.rates import Rate
from compth.worst_case.certified_theorem import SUFFIX, certified


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

    theorem="<method>.certified", the class's name in small letters: the certified worst case of the class that the run
    lies in (`Certified`), at the method's step or, without one, at the best certified. It is also the answer where none
    of the method's theorems applies.

    Raises NoGuarantee, with each theorem's reason, when the step size or the compressor is outside every theorem.
    """
    if isinstance(theorem, str) and theorem == type(method).__name__.lower() + SUFFIX:
        return _certified(method, problem, horizon, x0)
    try:
        # Theorems first: they are shorter to state and were checked by their own proofs. Both reasons are told
        # where neither applies.
        return find_guarantee(method, problem, theorem, horizon=horizon, x0=x0).rate
    except NoGuarantee as none:
        if theorem is not None:
            raise
        try:
            return _certified(method, problem, horizon, x0)
        except NoGuarantee as problem_found:
            reason = str(problem_found).partition(" has no guarantee here: ")[2] or str(problem_found)
            raise NoGuarantee(f"{none}; {reason}") from None


def _certified(method: Method, problem: Problem, horizon: int, x0: ArrayLike | None) -> Rate:
    """The rate of the certified worst case, NoGuarantee with the reason where there is none."""
    try:
        made = certified(method, problem)
    except Unsupported as problem_found:
        raise NoGuarantee(str(problem_found)) from None
    return find_guarantee(method, problem, made, horizon=horizon, x0=x0).rate


__all__ = ["guarantee"]
