"""What each step size buys: the theorem's, the descent lemma's, the worst case's and the exact best, in one table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from types import MappingProxyType

import numpy as np

from compth._door import a_method, a_problem, at_the_door, real
from compth._earned import made
from compth._numbers import Number
from compth._own import foreign
from compth.claims import Unbiased
from compth.dynamics import best_step
from compth.dynamics.along import RateAt
from compth.dynamics.own import assumed_of
from compth.dynamics.steps import parameters
from compth.dynamics.system import data_of
from compth.errors import NoGuarantee, Unsupported
from compth.methods import Method, find_guarantee
from compth.methods.dcgd import DCGD
from compth.problems.interface import Problem
from compth.rates import first_at_most
from compth.tuning.moments import progress
from compth.tuning.steps import StepTable, step_table

BEST_LIMIT = 64
"""Largest d for which a comparison searches the exact best step (some ten exact rates)."""
EXACT_LIMIT = 128
"""Largest d for which studies compute exact expectations (their cost grows as n d^3 a round)."""
RATE_ENTRIES = 20_000
"""Largest number of moments for which studies compute the rate of a method of several steps a round."""


def worst_case_rate(
    method: Method, problem: Problem, gamma: float, params: Mapping[str, Number] = MappingProxyType({})
) -> float | None:
    """The certified worst-case factor at this step and parameters of the class that a run lies in, None without one.

    None for a user's compressor or problem, whose claims and constants are its own word.

    gamma, params: of the run. The factor is of squared quantities a round, over every problem with its mu_min and
    L_max.
    """
    from compth.worst_case.runs import body_rate

    # What is certified holds for a class; that a user's object lies in it is only its word.
    if foreign(method.fleet) or foreign(problem) or foreign(getattr(method, "downlink", None)):
        return None
    try:
        found = body_rate(method, problem, gamma, params)
    except Unsupported:  # a class that changes what its body says
        return None
    return found if found is not None and np.isfinite(found) else None


def descent_step(method: Method, problem: Problem) -> float | None:
    """||gbar||^2/(L (||gbar||^2 + noise)) at x_0: the step of best guaranteed improvement there, None where not known.

    noise = (1/n^2) sum (E||C(g_i)||^2 - ||g_i||^2) for independent unbiased workers, exact at these gradients or from
    the declared omega.

    Also None for methods other than DCGD, for compressed downlinks and for stochastic gradients: the lemma's step is
    one of plain quantised gradients.
    """
    c = method.check(problem)
    exact = c.omega_down == 0 and not c.stochastic
    if (
        foreign(method)
        or not isinstance(method, DCGD)
        or not exact
        or not c.independent
        or c.claim(Unbiased) is None
    ):
        return None
    # f(x - gamma gbar_C) <= f - gamma |gbar|^2 + (L gamma^2/2)(|gbar|^2 + noise) in
    # expectation: the right side is least at gamma = |gbar|^2/(L (|gbar|^2 + noise)).
    # Unbiasedness gives the linear term, independence adds the noise as variances.
    g = problem.gradients(problem.start[None])[0]
    mean = g.mean(axis=0)
    try:
        shares = [
            progress(method.fleet.member(i), g[i]).share if g[i].any() else 1.0 for i in range(problem.n)
        ]
    except Unsupported:
        return None
    noise = sum((1 / float(s) - 1) * float(v @ v) for s, v in zip(shares, g, strict=True)) / problem.n**2
    square = float(mean @ mean)
    return square / (square + noise) / problem.L if square > 0 else None


@at_the_door(method=a_method, problem=a_problem, eps=real)
def step_sizes(method: Method, problem: Problem, *, eps: float = 1e-6) -> StepTable:
    """One table over step sizes: guaranteed, worst-case and exact factor per round, rounds to eps, and gain.

    Rows, where they exist: the theorem's step, the descent lemma's at x_0, the tight worst-case best, the exact best on
    this problem. DIANA's alpha stays the theorem's; what depends on the step (ADIANA, IASGD) follows it. Raises
    NoGuarantee without a theorem, Unsupported where the exact rate is not known.
    """
    promised = find_guarantee(method, problem)
    gamma, params = float(promised.plan.gamma), promised.plan.params
    fixed = with_the_plans_alpha(method, params)
    steps: dict[str, float] = {"theorem": gamma}
    lemma = descent_step(method, problem)
    if lemma is not None:
        steps["descent lemma at x_0"] = lemma
    worst = _worst_step(fixed, problem, params)
    if worst is not None:
        steps["tight worst case"] = worst
    best = best_step(fixed, problem)
    if best.converged:  # else it is an estimate, and no step to recommend
        steps["exact best"] = float(best.gamma)
    rate = RateAt(fixed, data_of(fixed.seen(problem)), parameters(fixed, problem))
    measures: dict[str, Callable[[float], float | None] | Mapping[str, float | None]] = {
        "guaranteed": lambda g: _promised(fixed, problem, g),
        "worst case": lambda g: worst_case_rate(fixed, problem, g, params),
        "exact": lambda g: _converged(rate, g),
    }
    found = step_table(steps, measures, eps=eps, reference="theorem")
    words = dict.fromkeys((*promised.rate.assumed, *assumed_of(fixed, problem)))
    return made(replace(found, assumed=tuple(words)))


def with_the_plans_alpha(method: Method, params: Mapping[str, Number]) -> Method:
    """The method with alpha as planned; what depends on the step (ADIANA, IASGD) stays free to follow it."""
    # Only alpha, the memory's step: planned for the compressor's omega, not for gamma.
    free = {f.name for f in fields(method) if f.init}
    fixed: Method = replace(method, **{k: v for k, v in params.items() if k == "alpha" and k in free})
    return fixed


def _converged(rate: RateAt, gamma: float) -> float | None:
    """The exact rate, None where its bracket is wide."""
    found = rate.rate(gamma)
    return found.rho if found.converged else None


def _promised(method: Method, problem: Problem, gamma: float) -> float | None:
    """The theorem's factor at this step, None where it promises none."""
    try:
        found = find_guarantee(replace(method, gamma=gamma), problem)
    except NoGuarantee:
        return None
    return found.rate.rho


def _worst_step(method: Method, problem: Problem, params: Mapping[str, Number]) -> float | None:
    """The step with the best worst case where it is known in closed form, the other parameters kept."""
    from compth.worst_case.runs import step_in_closed_form

    if foreign(method) or foreign(problem):
        return None
    return step_in_closed_form(method, problem, params)


def certified_facts(
    method: Method, problem: Problem, eps: float, own_step: bool = False
) -> dict[str, object]:
    """What the certified worst case promises at its best step (own_step: at the method's): fields of a row.

    eps: the squared distance asked for. Where nothing is certified, `certified_note` says why; of a method whose best
    step has a closed form the table is silent.

    Keys are fields of `Row`: certified_step, certified_rate, certified_rounds, certified_standing or certified_note.
    """
    from compth.worst_case.certified_theorem import certified

    free = method if own_step else replace(method, gamma=None)
    try:
        found = find_guarantee(free, problem, certified(free, problem))
    except (NoGuarantee, Unsupported) as reason:
        return {} if getattr(type(method), "known", ()) else {"certified_note": _why(str(reason))}
    return {
        "certified_step": float(found.plan.gamma),
        "certified_rate": found.rate.rho,
        "certified_rounds": first_at_most(found.rate.distance_bound, eps, 10**9),
        "certified_standing": f"{found.rate.standing}/{found.theorem.attribution.value}",
    }


def _why(reason: str) -> str:
    """The reason alone: which method and theorem it is of, the row says."""
    return reason.rpartition("does not apply: ")[2].rpartition(".certified: ")[2]
