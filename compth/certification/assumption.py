"""The unified theory's assumption itself under the referee: both inequalities, exactly, at given states of a run.

A row of the table (A, B, C, D1, D2, rho, sigma^2) is data of a theorem; here the data are held against the method's own
step at states that a run reaches. Nothing is sampled, so a ratio above 1 is a counterexample and not a fluctuation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import numpy as np

from compth._door import a_method, a_problem, a_theorem, at_the_door
from compth._earned import Computed, made
from compth._rng import stream
from compth._shown import Shown
from compth.certification.tracer import NotTraceable, leaves
from compth.errors import InvalidParameter, Unsupported
from compth.methods import Method, Plan, State
from compth.methods.core.unified import Parameters, UnifiedTheorem
from compth.problems.interface import Problem, as_quadratic

if TYPE_CHECKING:
    from compth._types import Numbers
    from compth.compressors import Fleet


RADII = (1e-3, 1.0, 1e3)
"""Distances from x*, in units of the starting distance (1 when that is 0): noise rules near it, smoothness far off."""
LEAVES = 4000
"""Most outcomes of one step that are enumerated at every state."""
ROUNDING = 1e-7
"""Ratios are compared with 1 up to this."""


@dataclass(frozen=True)
class AssumptionCheck(Computed, Shown):
    """Worst left side over right side of both inequalities over the states tried, and of the bias.

    first: E||g||^2 over 2A(f-f*) + B sigma^2 + D1; second: E sigma+^2 over (1-rho) sigma^2 + 2C(f-f*) + D2 (0 when the
    row has no sigma^2); bias: ||E g - grad f(x)|| over sqrt(E||g||^2). holds: first, second <= 1 and no bias, up to
    rounding. at: the states where the two inequalities are worst. Below 1, 1/first and 1/second are the looseness.
    """

    first: float
    second: float
    bias: float
    states: int
    at: tuple[State, State]

    @property
    def holds(self) -> bool:
        """True when no state violates the assumption."""
        return max(self.first, self.second) <= 1 + ROUNDING and self.bias <= 1e-8


def reference_of(method: Method) -> Method:
    """The method with the reference draws (`_compress`) of fleet and broadcast: the fast kernels' are too many."""
    fleet = method.fleet

    # Fast kernels draw many numbers at once, whose joint outcomes are too many to enumerate; the reference
    # draws a few. The two have one law (the catalogue's tests), so moments of the reference are those of what
    # runs.
    class Reference(type(fleet)):  # type: ignore[misc]
        """The same fleet; its kernel is the reference."""

        def kernel(self, x: Numbers, rng: np.random.Generator) -> Numbers:
            found: Numbers = self._compress(x, rng)
            return found

    twin = cast("Fleet", object.__new__(Reference))
    vars(twin).update(vars(fleet))

    class Enumerable(type(method)):  # type: ignore[misc]
        """The same method with that fleet, and the reference draw of what it broadcasts."""

        @property
        def fleet(self) -> Fleet:
            return twin

        def broadcast(self, direction: Numbers, rng: np.random.Generator) -> Numbers:
            whole = self.broadcasts_all
            found: Numbers = direction if whole else self.downlink._compress(direction, rng)
            return found

    out = cast("Method", object.__new__(Enumerable))
    vars(out).update(vars(method))
    return out


def states_of(
    method: Method, problem: Problem, plan: Plan, seed: int = 0, rounds: Sequence[int] = (0, 1, 4)
) -> list[State]:
    """States a run passes through: from x* + r v for eigenvectors of the Hessians and random v, after some rounds."""
    rng = stream(seed, problem.n, problem.d)
    quadratic = as_quadratic(problem)
    bases = [quadratic.hessian, *quadratic.A[:3]]
    directions = [*(v for a in bases for v in np.linalg.eigh(a)[1].T), *rng.standard_normal((4, problem.d))]
    # Near x* the noise terms D1 and D2 rule, far off the smoothness terms A and C, so three radii. Directions
    # are the Hessians' eigenvectors, where curvature is extreme, and random ones. After some rounds memories
    # (h_i, w) are no longer those of x_0.
    unit = float(np.sqrt(problem.distance_squared(problem.start))) or 1.0
    found = []
    for radius in RADII:
        for v in directions:
            x = problem.x_star + radius * unit * v / np.linalg.norm(v)
            state = method.init(problem, x[None], plan)
            for t in range(max(rounds) + 1):
                if t in rounds:
                    found.append(state)
                state = method.step(method.view(problem, rng), state, rng, plan, t)
    return found


@at_the_door(method=a_method, problem=a_problem, theorem=a_theorem)
def check_assumption(
    method: Method,
    problem: Problem,
    theorem: UnifiedTheorem,
    *,
    parameters: Parameters | None = None,
    states: Sequence[State] | None = None,
    seed: int = 0,
) -> AssumptionCheck:
    """Both inequalities of the assumption for one row on one problem, by enumeration of one step's randomness.

    At every state the expectations are exact up to rounding: nothing is sampled. parameters: others than the row's, to
    refute them; states: default `states_of`. Raises Unsupported when one step's randomness cannot be enumerated
    (take a smaller instance), InvalidParameter when the theorem does not apply.
    """
    c = method.check(problem)
    reason = theorem.why_not(c)
    if reason:
        raise InvalidParameter(f"{theorem.id} does not apply: {reason}")
    p = theorem.parameters(c) if parameters is None else parameters
    plan = theorem.plan(c, method.gamma)
    states = states_of(method, problem, plan, seed) if states is None else states
    # Worst over states: each inequality at its own worst state, since nothing ties the two together.
    traced = reference_of(method)
    worst: list[tuple[float, State]] = [(0.0, states[0]), (0.0, states[0])]
    bias = 0.0
    for state in states:
        *ratios, off = _ratios(traced, problem, theorem, p, plan, state)
        worst = [max(w, (r, state), key=lambda pair: pair[0]) for w, r in zip(worst, ratios, strict=True)]
        bias = max(bias, off)
    return made(AssumptionCheck(worst[0][0], worst[1][0], bias, len(states), (worst[0][1], worst[1][1])))


def _ratios(
    method: Method, problem: Problem, theorem: UnifiedTheorem, p: Parameters, plan: Plan, state: State
) -> tuple[float, float, float]:
    """(first, second, bias) at one state."""
    # g is read off the step, g = (x - x+)/gamma, so that what is checked is what the method's code does and
    # not what its formula for g says. One step's randomness is enumerated: the three expectations are sums
    # over its outcomes.
    square, memory, mean = 0.0, 0.0, np.zeros(problem.d)
    try:
        for leaf in leaves(lambda rng: method.step(method.view(problem, rng), state, rng, plan, 0), LEAVES):
            weight = float(leaf.probability)
            g = (state.x - leaf.output.x)[0] / float(plan.gamma)
            square += weight * float(g @ g)
            mean += weight * g
            memory += weight * _sigma2(theorem, problem, leaf.output, plan)
    except NotTraceable as reason:
        raise Unsupported(f"{method.label}: one step cannot be enumerated here ({reason})") from None
    gap, sigma2 = float(problem.gap(state.x)[0]), _sigma2(theorem, problem, state, plan)
    first = 2 * float(p.A) * gap + float(p.B) * sigma2 + float(p.D1)
    second = (1 - float(p.rho)) * sigma2 + 2 * float(p.C) * gap + float(p.D2)
    true = problem.gradient(state.x)[0]
    off = float(np.linalg.norm(mean - true)) / max(square**0.5, 1e-300)
    return _over(square, first, square), _over(memory, second, sigma2), off


def _over(left: float, right: float, scale: float) -> float:
    """left/right, 0 when both vanish up to rounding of `scale`, inf when only the right side does."""
    # At x* both sides vanish, and in floats to 1e-30 rather than 0: what is below the rounding of the terms
    # counts as 0.
    if right > 1e-24 * max(scale, 1e-300):
        return left / right
    return 0.0 if left <= 1e-20 * max(scale, 1e-300) or left == 0 else float("inf")


def _sigma2(theorem: UnifiedTheorem, problem: Problem, state: State, plan: Plan) -> float:
    """The row's sigma^2 at a state, 0 where the row has none."""
    found = theorem.sigma2_k(problem, state, plan)
    return 0.0 if found is None else float(found[0])
