"""exact: E||x_t - x*||^2, E f(x_t) - f*, E x_t and a theorem's own metric, without sampling.

A curve speaks of the very plan that a simulated run has, step by step, and under a Trace's names, so that the two can
be laid over one another. The metric of a theorem is fitted from its own `observe`, never written a second time here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from types import MappingProxyType

import numpy as np
from numpy.typing import ArrayLike

from compth._door import a_method, a_problem, at_the_door, check_start, numbers, optional, whole
from compth._earned import Earned, changed, made
from compth._numbers import Number
from compth._shown import Shown
from compth._types import Numbers as Array
from compth.dynamics import enumerated, traced
from compth.dynamics.masked import MaskedMoments, MaskedSystem, fits
from compth.dynamics.normal import NotNormal, plain_kernel, recipe_of
from compth.dynamics.of_x import of_x_alone, system_of_part
from compth.dynamics.own import assumed_of
from compth.dynamics.reduced import Spanned, dynamics_problem, has_span
from compth.dynamics.sketches import noise_for, random_points, sketches_for
from compth.dynamics.system import Data, Moments, System, data_of
from compth.dynamics.units import units_of
from compth.errors import InvalidParameter, Unsupported
from compth.methods import Method, Plan, Theorem, find_guarantee, plan_of
from compth.methods.core.body import BodyMethod
from compth.problems.interface import Problem, is_quadratic

Operation = System | traced.TracedSystem | MaskedSystem
"""What moves the second moments of a method with a closed recursion by one step."""
State = Moments | MaskedMoments
"""What such an operation moves: a masked model's are those of x itself, all others' are measured from x*."""


@dataclass(frozen=True, eq=False)
class Trajectory(Earned, Shown):
    """Exact expectations at t = 0..steps, under the names of a simulated Trace.

    mean_square: E||x_t - x*||^2 (distance to the solution set); mean_gap: E f(x_t) - f*; mean_gradient_square:
    E||grad f(x_t)||^2; mean_metric: the theorem's metric, None when it is mean_square; mean: E x_t, (T+1, d).
    mode: "exact", "upper" (a guaranteed upper bound on mean_square) or "mean-field" (an approximation); "assumed" for
    one that was typed or changed. assumed: what was taken on a user's word, a line each. Copies and pickles are
    computed again.
    """

    WORDS = MappingProxyType({"mode": "assumed"})

    label: str
    problem: str
    mode: str
    mean_square: Array
    mean_gap: Array
    mean_gradient_square: Array
    mean_metric: Array | None
    mean: Array
    plan: Plan
    theorem: str = ""
    assumed: tuple[str, ...] = ()

    @property
    def steps(self) -> int:
        """T."""
        return len(self.mean_square) - 1


def make_system(
    method: Method,
    data: Data,
    gamma: Number,
    params: Mapping[str, Number],
    *,
    mode: str = "exact",
    affine: bool = True,
    of_x: bool | None = None,
) -> System | traced.TracedSystem:
    """The operator on second moments at a step size: a System, or that of a traced body (not for masked models).

    of_x: of what x observes alone (default: of the linear part, whose rate is that of x).
    """
    general = traced.fits(method)
    if not affine if of_x is None else of_x:
        # The rate is that of x: what x never observes (a memory that nothing reads) may grow by itself, and
        # would be taken for it.
        part = of_x_alone(method, data, gamma, params, mode)
        if part is not None:
            return system_of_part(part, method, data, gamma=gamma, params=params, mode=mode, affine=affine)
    if general:
        return traced.system_of(method, data, gamma, params, mode, affine)
    recipe = recipe_of(method)
    sketches = sketches_for(method, data, mode)
    try:
        scheme = recipe.scheme(gamma, params, sketches, data.n, data.d)
    # A body may branch on its parameters: the form that was found at others need not be its form here.
    except NotNormal:  # the body is another at these parameters
        return traced.system_of(method, data, gamma, params, mode, affine)
    plain_kernel(scheme, data.projector is not None)
    return System(data, scheme, sketches, affine, noise_for(method, data))


def initial(method: Method, system: System, z: Array) -> Moments:
    """Moments of the method's state at t = 0, x_0 - x* = z."""
    recipe, data = recipe_of(method), system.data
    memory = None if recipe.memory is None else recipe.memory(data, z)
    return system.start(z, memory, None if recipe.common is None else recipe.common(data, z))


def quantities(system: System, m: Moments) -> Array:
    """||z||^2, f - f*, ||grad f||^2, mean||y_i||^2, ||P(z - ybar)||^2, mean||y_i - A_i z||^2 (expectations).

    Where ybar is known and several workers have it, ||ybar - A z||^2 too.
    Without memories but with further common vectors g: ||g||^2, ||g - A z||^2, g'z, mean||A_i g||^2, mean g'A_i^2 z of
    each, and mean||A_i z||^2.
    """
    data, first = system.data, system.slot(0)
    # All metrics of the theorems are traces of second moments with Hessians; f - f* = z'Az/2 on a quadratic.
    x = m.C[first, first]
    ax = data.mean @ x
    out = [np.trace(x), np.trace(ax) / 2, (ax * data.mean).sum()]
    if system.scheme.memory is None and system.K > 1:
        for other in range(1, system.K):
            g = system.slot(other)
            own, cross = m.C[g, g], m.C[g, first]
            square = np.trace(own)
            out += [square, square - 2 * (data.mean * cross).sum() + out[2], np.trace(cross)]
            out += [(data.A * np.matmul(data.A, v)).sum() / data.n for v in (own, cross)]
        return np.array([*out, (data.A * np.matmul(data.A, x)).sum() / data.n])
    if m.D is None or m.E is None:
        return np.array(out)
    n, p = system._number(data.n), data.projector
    # mean||y_i - A_i z||^2 expanded: the cross term lies in E y_i z', which is kept per worker.
    memory = np.einsum("ijj->", m.E) / n
    cross = m.D[:, :, first]
    k = system.scheme.average
    shifted = out[0]
    if k is not None:
        pick = m.C[first, system.slot(k)], m.C[system.slot(k), system.slot(k)]
        a, b = pick if p is None else (p @ pick[0], p @ pick[1])
        # ||P(z - ybar)||^2: where A is singular only the part on its range is measured.
        shifted = out[0] - 2 * np.trace(a) + np.trace(b)
        if data.n > 1:
            z_mean, mean = m.C[first, system.slot(k)], m.C[system.slot(k), system.slot(k)]
            out.append(np.trace(mean) - 2 * (data.mean * z_mean).sum() + out[2])
    drift = (data.A * np.matmul(data.A, x)).sum() / n
    error = memory - 2 * (data.A * cross).sum() / n + drift
    return np.array([*out, memory, shifted, error, *_by_smoothness(system, m), *_beside_memories(system, m)])


def _by_smoothness(system: System, m: Moments) -> list[Number]:
    """mean||y_i - A_i z||^2/L_i, where the L_i differ and are positive."""
    data, first = system.data, system.slot(0)
    sizes = data.sizes
    if sizes is None or m.D is None or m.E is None or not sizes.min() > 1e-12 * sizes.max():
        return []
    if sizes.max() - sizes.min() <= 1e-12 * sizes.max():
        return []
    # Theorems with unequal L_i weigh worker i's error by 1/L_i: expanded per worker, as the plain mean is.
    own = np.einsum("ijj->i", m.E) - 2 * (data.A * m.D[:, :, first]).sum(axis=(1, 2))
    own = own + (data.A * np.matmul(data.A, m.C[first, first])).sum(axis=(1, 2))
    return [(own / sizes).mean()]


def _beside_memories(system: System, m: Moments) -> list[Number]:
    """Of further common vectors g beside memories: their products with one another, x, A x, ybar and mean A_i y_i."""
    data, k, n = system.data, system.scheme.average, system._number(system.data.n)
    others = [j for j in range(1, system.K) if j != k]
    out: list[Number] = []
    for j in others:
        g, first = system.slot(j), system.slot(0)
        assert m.D is not None
        out += [np.trace(m.C[g, system.slot(i)]) for i in others if i >= j]
        out += [np.trace(m.C[g, first]), (data.mean * m.C[g, first]).sum()]
        out += [np.einsum("ijj->", m.D[:, :, g]) / n, (data.A * m.D[:, :, g]).sum() / n]
    if others and k is not None:
        out.append(np.trace(m.C[system.slot(k), system.slot(k)]))
    return out


def metric_weights(
    method: Method, system: System | MaskedSystem, problem: Problem, theorem: Theorem, plan: Plan
) -> Array | None:
    """w with metric = w . quantities, found on random states and checked on others; None: it is ||x - x*||^2.

    Unsupported when the theorem's metric is no combination of the quantities that are known.
    """
    n, d = system.data.n, system.data.d
    count = 24 if isinstance(system, MaskedSystem) else 24 + 10 * system.K
    # Random states in the natural sizes of every vector: with one size for all, the columns of a memory that
    # is L times x would drown the others, and the fit would lose their weights.
    away = problem.start - problem.x_star
    length = float(np.abs(away).max()) or 1.0
    z = length * random_points(count, d)
    if isinstance(system, MaskedSystem):
        x = problem.x_star + z
        observed = theorem.observe(problem, method.init(problem, x, plan), plan)
        rows = [system.quantities(MaskedMoments(v, np.outer(v, v))) for v in x]
        return _fitted(rows, observed, theorem)
    recipe, units = recipe_of(method), units_of(system.linear())
    y, common = None, None
    if units.memory is not None:
        y = length * units.memory * random_points(count, n, d)
    if recipe.common is not None:
        sizes = length * units.common[1:, None, None]
        common = list(sizes * random_points(system.K - 1, count, 1, d)[:, :, 0])
    x = problem.x_star + z
    made = recipe.state(method.seen(problem), x, y, common)
    observed = theorem.observe(problem, made, plan)
    rows = []
    for r in range(count):
        parts = None if common is None else [v[r] for v in common]
        start = system.start(x[r] - problem.x_star, None if y is None else y[r], parts)
        rows.append(quantities(system, start))
    return _fitted(rows, observed, theorem)


def _fitted(rows: list[Array], observed: Array | None, theorem: Theorem) -> Array | None:
    """Least squares on columns of size 1: the quantities have different units."""
    if observed is None:
        return None
    table = np.array(rows, dtype=float)
    sizes = np.abs(table).max(axis=0)
    sizes[sizes == 0] = 1.0
    # The weights are solved for on all rows but eight, which then must be told: a metric with a term that the
    # table lacks fits the first rows only where there are too few of them.
    cut = len(table) - 8
    weights = np.linalg.lstsq(table[:cut] / sizes, observed[:cut], rcond=1e-11)[0]
    weights = np.where(np.abs(weights) < 1e-14 * np.abs(weights).max(), 0.0, weights)  # rounding of the fit
    weights = weights / sizes
    if np.abs(table[cut:] @ weights - observed[cut:]).max() > 1e-8 * np.abs(observed).max():
        raise Unsupported(
            f"{theorem.id}'s metric is no combination of the exactly known moments: simulate it instead"
        )
    return np.asarray(weights)


@at_the_door(method=a_method, problem=a_problem, steps=whole(0, 10**9), x0=optional(numbers))
def exact(
    method: Method,
    problem: Problem,
    steps: int,
    x0: ArrayLike | None = None,
    *,
    theorem: str | Theorem | None = None,
    mode: str = "exact",
    rational: bool = False,
) -> Trajectory:
    """Exact expected curves of `steps` rounds, by the closed linear recursion of second moments.

    The step is chosen as in simulate. rational=True computes in Fractions (small cases). mode "upper" and "mean-field"
    are for natural compression and Euclidean dithering with independent workers. Raises Unsupported where the second
    moments do not close (a compressor that is not a linear sketch, a method without a known recursion).
    """
    check_start(x0, problem.d)
    if isinstance(steps, bool) or not isinstance(steps, int | np.integer) or steps < 0:
        raise InvalidParameter(f"steps={steps!r} must be an integer >= 0")
    if theorem is None:
        plan, found, _ = plan_of(method, problem, horizon=max(steps, 1), x0=x0)
    else:
        found = find_guarantee(method, problem, theorem, horizon=max(steps, 1), x0=x0)
        plan = found.plan
    start = np.asarray(problem.start if x0 is None else x0)
    if start.shape != (problem.d,):
        raise InvalidParameter(f"x0 has shape {start.shape}: need ({problem.d},)")
    # The curve speaks of the plan that a simulated run has, so that both can be laid over one another.
    used = None if found is None else found.theorem
    found_curve = curve(
        method, problem, plan, used=used, start=start, steps=steps, mode=mode, rational=rational
    )
    named = {"theorem": theorem, "mode": mode, "rational": rational}
    return made(found_curve, (exact, (method, problem, steps, None if x0 is None else start.copy()), named))


def curve(
    method: Method,
    problem: Problem,
    plan: Plan,
    used: Theorem | None,
    start: Array,
    steps: int,
    mode: str = "exact",
    rational: bool = False,
) -> Trajectory:
    """`exact` along a plan that is already found; used: the theorem whose metric is looked at."""
    found = _curve(method, problem, plan, used=used, start=start, steps=steps, mode=mode, rational=rational)
    return made(changed(found, assumed=assumed_of(method, problem)))


def _curve(
    method: Method,
    problem: Problem,
    plan: Plan,
    used: Theorem | None,
    start: Array,
    steps: int,
    mode: str,
    rational: bool,
) -> Trajectory:
    """The curve by the kind of operator: enumerated, on the span of few rows, or second moments step by step."""
    if enumerated.fits(method, problem):
        if mode != "exact" or rational:
            raise InvalidParameter(
                f"{method.label} has exact dynamics in floating point only: leave mode, rational out"
            )
        return _enumerated(method, problem, plan, used, start, steps)
    small = dynamics_problem(method, problem)
    if not is_quadratic(problem) and has_span(problem):
        return _on_span(method, small, problem, plan=plan, used=used, start=start, steps=steps,
                        mode=mode, rational=rational)  # fmt: skip
    data = data_of(small, rational)
    systems: dict[Number, Operation] = {}
    operator: Callable[[Method, Data, Number, Mapping[str, Number], str], Operation] = _operator

    # Schedules change the step and with it the operator; only the last one is kept, constant steps have one.
    def system(t: int) -> Operation:
        """The operator of round t; only the last step size is kept."""
        gamma = plan.step(t)
        if gamma not in systems:
            systems.clear()
            systems[gamma] = operator(method, data, gamma, plan.params, mode)
        return systems[gamma]

    op, measure = system(0), None
    if used is not None and not rational:
        try:
            measure = _metric(method, op, problem, used, plan)
        except Unsupported:  # the normal form follows fewer moments than the body's own operator
            if not (isinstance(op, System) and isinstance(method, BodyMethod)):
                raise
            operator = traced.system_of
            systems.clear()
            op = system(0)
            measure = _metric(method, op, problem, used, plan)
    if rational:
        start = np.asarray(np.frompyfunc(Fraction, 1, 1)(start))
    state = _begin(method, op, start)
    rows, means = [_observables(op, state)], [_mean(op, state)]
    shaped = [] if measure is None else [measure(op, state, rows[-1])]
    with np.errstate(over="ignore", invalid="ignore"):
        for t in range(steps):
            op = system(t)
            state = _one_step(op, state)
            rows.append(_observables(op, state))
            means.append(_mean(op, state))
            if measure is not None:
                shaped.append(measure(op, state, rows[-1]))
    table = np.array(rows)
    return Trajectory(
        label=method.label,
        problem=repr(problem),
        mode=mode,
        mean_square=table[:, 0],
        mean_gap=table[:, 1],
        mean_gradient_square=table[:, 2],
        mean_metric=None if measure is None else np.array(shaped),
        mean=np.array(means),
        plan=plan,
        theorem="" if used is None else used.id,
    )


def _on_span(
    method: Method,
    span: Problem,
    problem: Spanned,
    plan: Plan,
    used: Theorem | None,
    start: Array,
    steps: int,
    *,
    mode: str,
    rational: bool,
) -> Trajectory:
    """The curve on the span of few rows; what x_0 has beside it moves as one number."""
    if rational:
        raise Unsupported("rational arithmetic needs Hessians that are formed: use floating point")
    # Rows span at most m of d directions; the rest of x_0 is orthogonal to every row and shrinks by the
    # regulariser's factor alone, the same in all of its directions.
    inside, beside = problem.into_span(start)
    found = _curve(method, span, plan, used=used, start=inside, steps=steps, mode=mode, rational=rational)
    mean = problem.out_of_span(np.asarray(found.mean, dtype=float), beside)
    return changed(found, problem=repr(problem), mean=mean)


def _enumerated(
    method: Method, problem: Problem, plan: Plan, used: Theorem | None, x0: Array, steps: int
) -> Trajectory:
    """The curve of a method whose step is enumerated, every outcome an affine map."""
    table, means, metric = enumerated.curves(method, problem, plan, used, x0, steps)
    return Trajectory(
        label=method.label,
        problem=repr(problem),
        mode="exact",
        mean_square=table[:, 0],
        mean_gap=table[:, 1],
        mean_gradient_square=table[:, 2],
        mean_metric=metric,
        mean=means,
        plan=plan,
        theorem="" if used is None else used.id,
    )


def _operator(
    method: Method, data: Data, gamma: Number, params: Mapping[str, Number], mode: str
) -> Operation:
    """The second-moment operator of a method at a step."""
    if not fits(method):
        return make_system(method, data, gamma, params, mode=mode)
    if mode != "exact":
        raise InvalidParameter(f"mode={mode!r}: {method.label} has exact dynamics only")
    return MaskedSystem(method, data, gamma, params)


def _metric(
    method: Method, op: Operation, problem: Problem, theorem: Theorem, plan: Plan
) -> Callable[[Operation, State, Array], float] | None:
    """(operator, moments, quantities) -> E metric; None where it is the squared distance."""
    # A theorem that states its metric as a matrix on x is taken at that; of others, weights of known moments
    # are fitted to what their `observe` says of random states.
    form = theorem.matrix(plan)
    if form is not None:
        return lambda op, state, seen: float((form * _square(op, state)).sum())
    if isinstance(op, traced.TracedSystem):
        weights = op.form(theorem, problem, plan)
        return None if weights is None else lambda op, state, seen: float(_features(op, state) @ weights)
    found = metric_weights(method, op, problem, theorem, plan)
    return None if found is None else lambda op, state, seen: float(seen @ found)


def _begin(method: Method, op: Operation, x0: Array) -> State:
    """The moments at t = 0 in the form that this operation moves."""
    if isinstance(op, traced.TracedSystem):
        return op.begin(x0)
    if isinstance(op, MaskedSystem):
        return MaskedMoments(x0, np.outer(x0, x0))
    return initial(method, op, x0 - op.data.x_star)


def _of_model(state: State) -> MaskedMoments:
    """The state of a masked model, which is of no other kind."""
    assert isinstance(state, MaskedMoments)
    return state


def _centred(state: State) -> Moments:
    """The state of every other operation: moments measured from x*."""
    assert isinstance(state, Moments)
    return state


def _one_step(op: Operation, state: State) -> State:
    """One step."""
    return op(_of_model(state)) if isinstance(op, MaskedSystem) else op(_centred(state))


def _square(op: Operation, state: State) -> Array:
    """E (x-x*)(x-x*)'."""
    if isinstance(op, MaskedSystem):
        return op.square_of(_of_model(state))
    moments = _centred(state)
    if isinstance(op, traced.TracedSystem):
        return op.square(moments)
    return np.asarray(moments.C[op.slot(0), op.slot(0)])


def _observables(op: Operation, state: State) -> Array:
    """E||x-x*||^2, E f - f*, E||grad f||^2, and of a System the further moments that metrics are made of."""
    if isinstance(op, MaskedSystem):
        return op.quantities(_of_model(state))
    moments = _centred(state)
    return op.quantities(moments) if isinstance(op, traced.TracedSystem) else quantities(op, moments)


def _features(op: Operation, state: State) -> Array:
    """The traces that a traced operator's metrics are fitted to."""
    assert isinstance(op, traced.TracedSystem)
    return op.features(_centred(state))


def _mean(op: Operation, state: State) -> Array:
    """E x."""
    if isinstance(op, MaskedSystem):
        return _of_model(state).m
    moments = _centred(state)
    if isinstance(op, traced.TracedSystem):
        return op.mean(moments)
    return np.asarray(op.data.x_star + moments.C[op.slot(0), -1])
