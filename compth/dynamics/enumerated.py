"""Exact dynamics by enumeration of a step: each outcome of a variance-reduced method is an affine map of its state.

The state (x and memories in one vector) is centred at the fixed point of the mean map, where x = x*: then the second
moment Y and the mean m move by Y+ = sum p (T Y T' + T m c' + c m' T' + c c'), m+ = sum p (T m + c). The maps come from
the method's own `step`, applied to basis states under the enumerating generator.

Slow and general: it runs the method's own step on every outcome, so that it needs no derivation and checks those that
have one. Its limits (OUTCOMES, LARGEST, WORK) keep an application below some milliseconds.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from copy import copy
from dataclasses import fields, replace

import numpy as np
from scipy.linalg import LinAlgWarning, lu_factor, lu_solve

from compth._types import Numbers as Array
from compth.certification.assumption import reference_of
from compth.certification.tracer import NotTraceable, leaves
from compth.dynamics import masked, traced
from compth.dynamics.lowered import NotClosed
from compth.dynamics.normal import whole_program
from compth.dynamics.own import own_fleet, own_problem, own_step
from compth.dynamics.solvers import arnoldi, enclosed, extremes, face_bound, noise_free
from compth.dynamics.system import data_of
from compth.errors import CompthError, Unsupported
from compth.methods import Method, Plan, State, Theorem
from compth.methods.core.body import NOTHING, BodyMethod
from compth.methods.core.observed import observed
from compth.methods.core.vectors import COMMON, OWN, STATE, Vector
from compth.problems.interface import Problem, as_quadratic, is_quadratic

FAR = 2.0**40
"""How far out T is read off: other terms of a step (added noise) are rounding there."""
LARGEST = 120
"""Most numbers of a state."""
OUTCOMES = 512
"""Most outcomes of one step."""
DENSE = 32
"""Largest state whose second moments' map is written out where the iteration leaves a wide bracket."""
ABOVE = (1e-3, 1e-5, 1e-7, 1e-9)
"""How far above an estimate of the radius resolvents are taken, relative to the larger of it and |1 - radius|."""
WORK = 2_000_000
"""Largest outcomes x (numbers of a state)^3, what one application of the second moments' map costs."""


def fits(method: Method, problem: Problem) -> bool:
    """True for a method whose every outcome of a step is an affine map of its state, where these are few enough.

    Of bodies: those of tables, and all whose second moments do not close by themselves.
    """
    if not isinstance(method, BodyMethod):
        return bool(getattr(method, "affine", False))
    seen, form = method.seen(problem), method.signature
    size = seen.d * (len(form.server) + seen.n * len(form.worker))
    if size > LARGEST or not is_quadratic(seen):
        return False
    if getattr(method, "affine", False) and hasattr(method, "outcomes"):
        outcomes = method.outcomes(problem)
        return bool(outcomes <= OUTCOMES and outcomes * size**3 <= WORK)
    return bool(_why_not_closed(method, seen))


def _why_not_closed(method: BodyMethod, seen: Problem) -> str:
    """Why a body's second moments do not close; "" where they do, or where something else is in their way."""
    if masked.fits(method) or not traced.fits(method):
        return ""
    body = {k: v for k, v in method.signature.params.items() if v is not NOTHING} | dict(method.given())
    params = {k: body.get(k, 0.25) for k in method.signature.params}
    try:
        traced.system_of(method, data_of(seen), 0.1 if method.gamma is None else method.gamma, params)
    except NotClosed as reason:
        return str(reason)
    except CompthError:
        return ""
    return ""


class EnumeratedSystem:
    """One step of (m, Y) for a method at a step size."""

    def __init__(self, method: Method, problem: Problem, plan: Plan, t: int = 1) -> None:
        """Enumerate a step of the method on the problem, at the plan's step size and round t.

        Raises Unsupported where the mean Hessian is singular, the state has more than LARGEST numbers, the outcomes are
        too many, depend on the state, or are no affine maps of it, and where method, problem or fleet are not the
        package's own.
        """
        if getattr(problem, "singular", False):
            raise Unsupported("the mean Hessian is singular: enumerated dynamics needs a unique minimiser")
        self.alone = isinstance(method, BodyMethod) and not getattr(method, "affine", False)
        seen = method.seen(problem)
        if self.alone:  # a user's body is checked against its trace: nothing else runs
            method.program(method.arguments(plan), seen.n, seen.d)  # type: ignore[attr-defined]
        else:
            own_step(method)
        own_problem(problem)
        own_fleet(method.fleet, seen.n, seen.d)
        self.label, self.given = method.label, method
        self.method, self.problem, self.plan, self.t = reference_of(method), problem, plan, t
        self.d = problem.d
        self.template = method.init(problem, np.zeros((1, self.d)), plan)
        arrays = {f.name: getattr(self.template, f.name) for f in fields(self.template)}
        self.shapes = {
            k: v.shape[1:]
            for k, v in arrays.items()
            if isinstance(v, np.ndarray) and k not in ("sent", "held")
        }
        self.size = sum(int(np.prod(s)) for s in self.shapes.values())
        if self.size > LARGEST:
            raise Unsupported(f"{self.size} numbers in a state: enumerated dynamics takes at most {LARGEST}")
        self.applications = 0
        self._maps()

    def state(self, rows: Array, problem: Problem | None = None) -> State:
        """The method's state of replicates from (R, size) vectors, x first."""
        out, at = {}, 0
        problem = self.given.seen(self.problem if problem is None else problem)
        for name, shape in self.shapes.items():
            width = int(np.prod(shape))
            out[name] = rows[:, at : at + width].reshape(len(rows), *shape)
            at += width
        if getattr(self.template, "held", None) is not None:
            out["held"] = problem.gradients(out["x"])
        return replace(self.template, **out)

    def vector(self, state: State) -> Array:
        """(R, size)."""
        return np.concatenate([getattr(state, k).reshape(len(state.x), -1) for k in self.shapes], axis=1)

    def _outcomes(self, problem: Problem, row: Array) -> tuple[Array, Array]:
        """(probabilities, states) after one step from one state, in a fixed order."""
        state, method = self.state(row[None], problem), self.method
        try:
            paths = list(
                leaves(
                    lambda rng: method.step(
                        method.view(problem, rng), state, rng, replace(self.plan, schedule=None), self.t
                    ),
                    OUTCOMES,
                )
            )
        except NotTraceable as reason:
            raise self._refused(f"a step cannot be enumerated here ({reason})") from None
        return np.array([float(v.probability) for v in paths]), np.array(
            [self.vector(v.output)[0] for v in paths]
        )

    def _refused(self, reason: str) -> Unsupported:
        """With what stands in the way of moments that close, where that is why the step is enumerated."""
        first = _why_not_closed(self.given, self.given.seen(self.problem)) if self.alone else ""  # type: ignore[arg-type]
        return Unsupported(f"{first}; {reason}" if first else f"{self.label}: {reason}")

    def _maps(self) -> None:
        """T from steps of the problem with b = 0, far out, where nothing else is seen; c from a step at the centre."""
        # Each outcome is an affine map y -> T_k y + c_k. T_k is read off columns of the problem with b = 0,
        # far out, where what a step adds by itself is below rounding; c_k from one step at the mean's fixed
        # point.
        plain = getattr(self.problem, "homogeneous", self.problem)
        far = FAR if plain is not self.problem else 1.0
        p, base = self._outcomes(plain, np.zeros(self.size))
        if len(p) * self.size**3 > WORK:
            raise self._refused(
                f"{len(p)} outcomes of {self.size} numbers are too many to enumerate: simulate it"
            )

        def column(row: Array) -> Array:
            """Column of every T_k: what the outcomes make of one basis state, far out."""
            q, after = self._outcomes(plain, far * row)
            if len(q) != len(p) or (q != p).any():
                raise Unsupported(f"{self.label}: the outcomes of a step depend on the state: simulate it")
            return (after - base) / far

        self.p, self.T = p, np.stack([column(row) for row in np.eye(self.size)], axis=2)
        self.units = self._natural()
        # A map that is not affine (a norm, a sign) fails at a random point, where columns alone could not
        # tell.
        probe = self.units * np.random.default_rng(11).standard_normal(self.size)
        sizes = np.abs(self.T) @ self.units + 1e-300
        if (np.abs(self.T @ probe - column(probe)) / sizes).max() > 1e-9:
            raise Unsupported(f"{self.label}: a step is no affine map of the state: simulate it")
        self.mean_map = np.einsum("k,kab->ab", p, self.T)
        self._fixed_point()

    def _fixed_point(self) -> None:
        """The mean's fixed point, and c: what a step does there, less rounding (variance reduction keeps the point)."""
        q, base = self._outcomes(self.problem, np.zeros(self.size))
        if len(q) != len(self.p) or (q != self.p).any():
            raise Unsupported(f"{self.label}: the outcomes of a step depend on the state: simulate it")
        try:
            self.centre = np.linalg.solve(np.eye(self.size) - self.mean_map, self.p @ base)
        except np.linalg.LinAlgError:
            raise self._refused("its mean has no single fixed point") from None
        x, star = self.centre[: self.d], self.problem.x_star
        length = np.abs(star).max() + np.abs(self.problem.start - star).max()
        self.away = x - star
        if np.abs(self.away).max() <= 1e-6 * length:
            self.away = np.zeros(self.d)
        elif not self.alone:
            raise Unsupported(f"{self.label}: the mean's fixed point is not x*")
        self.centre[: self.d] = star + self.away
        # At the fixed point variance reduction adds exactly nothing; what rounding leaves there would be
        # taken for noise that never dies, so it is set to 0.
        self.c = self.T @ self.centre + base - self.centre
        rounding = np.abs(base) + np.abs(self.T) @ np.abs(self.centre) + np.abs(self.centre)
        self.c[np.abs(self.c) <= 1e-11 * rounding] = 0.0

    def _natural(self) -> Array:
        """The natural size of every number of the state, one for each vector in it: what E zz' = I leaves there."""
        Y = np.zeros((self.size, self.size))
        Y[: self.d, : self.d] = np.eye(self.d)
        total = np.diag(Y).copy()
        for _ in range(3):
            Y = self.linear(Y)
            total += np.diag(Y)
        at, out = 0, []
        for shape in self.shapes.values():
            rows = int(np.prod(shape))
            part = total[at : at + rows].reshape(-1, shape[-1]) if shape else total[at : at + 1, None]
            size = np.sqrt(part.mean(axis=1, keepdims=True))
            out.append(np.broadcast_to(np.where(size > 0, size, size.max() or 1.0), part.shape).ravel())
            at += rows
        return np.concatenate(out)

    def at(self, gamma: float) -> EnumeratedSystem:
        """The same at another step; where a table is kept x+ = x - gamma g, and it learns from the state before it."""
        if self.alone:
            return EnumeratedSystem(
                self.given, self.problem, replace(self.plan, gamma=gamma, schedule=None), self.t
            )
        out = copy(self)
        out.plan, out.applications = replace(self.plan, gamma=gamma, schedule=None), 0
        # Only x+ = x - gamma g moves with the step where a table is kept: no outcome is enumerated again.
        factor, d = gamma / float(self.plan.gamma), self.d
        out.T, out.c, stay = self.T.copy(), self.c.copy(), np.eye(self.size)[:d]
        out.T[:, :d] = stay + factor * (self.T[:, :d] - stay)
        out.c[:, :d] *= factor
        out.mean_map = np.einsum("k,kab->ab", out.p, out.T)
        return out

    def of_x(self) -> EnumeratedSystem:
        """The same on what x observes of a body: T on forms F, run at old states S that have them, F S = id."""
        if not self.alone:
            return self
        n = self.given.seen(self.problem).n
        found = observed(whole_program(self.given, self.plan.step(self.t), self.plan.params, n, self.d))  # type: ignore[arg-type]
        if found.whole:
            return self
        # how many vectors of d numbers a name stands for, before and after
        before = {k: 1 if len(shape) == 1 else shape[0] for k, shape in self.shapes.items()}
        after = {k: n if k in found.program.worker else 1 for k in found.forms}
        old = {k: found.old.get((OWN, STATE, k), found.old[COMMON, STATE, k]) for k in before}
        forms, states = _matrix(found.forms, after, before, self.d), _matrix(old, before, after, self.d)
        out = copy(self)
        out.size, out.c, out.centre = len(forms), self.c @ forms.T, forms @ self.centre
        out.T, out.units = forms @ self.T @ states, np.sqrt(forms**2 @ self.units**2)
        out.mean_map = np.einsum("k,kab->ab", out.p, out.T)
        return out

    def linear(self, Y: Array) -> Array:
        """Y -> sum p T Y T', symmetrised."""
        self.applications += 1
        out = np.einsum("k,kab,kcb->ac", self.p, self.T @ Y, self.T)
        return np.asarray((out + out.T) / 2)

    def __call__(self, moments: tuple[Array, Array]) -> tuple[Array, Array]:
        """One step."""
        m, Y = moments
        across = np.einsum("k,ka,kb->ab", self.p, self.T @ m, self.c)
        return self.mean_map @ m + self.p @ self.c, self.linear(Y) + across + across.T + self.source

    @property
    def source(self) -> Array:
        """sum p c c': what a step adds by itself."""
        return np.asarray(np.einsum("k,ka,kb->ab", self.p, self.c, self.c))

    @property
    def driven(self) -> bool:
        """True when the mean enters the second moments: sum p T m c' != 0 for some m."""
        # sum p T m c' = 0 for all m: the mean does not drive the second moments. Held against the same sum
        # without cancellation, since rounding is of that size.
        t, c = self.T * self.units / self.units[:, None], self.c / self.units
        terms = np.einsum("kab,kc->kabc", t, c)
        whole = np.einsum("k,kabc->abc", self.p, np.abs(terms)).max()
        return bool(np.abs(np.einsum("k,kabc->abc", self.p, terms)).max() > 1e-13 * whole)

    def start(self, x0: Array) -> tuple[Array, Array]:
        """(m, Y) of the method's state at t = 0."""
        row = self.vector(self.method.init(self.problem, np.asarray(x0, dtype=float)[None], self.plan))[0]
        return row - self.centre, np.outer(row - self.centre, row - self.centre)

    def form(self, theorem: Theorem) -> Array | None:
        """Q with metric = y'Qy, by polarisation of `observe`; None when the theorem bounds the squared distance."""
        pairs = np.triu_indices(self.size)
        length = np.abs(self.problem.start - self.problem.x_star).max()
        sizes = length * self.units / self.units[0]
        unit = np.diag(sizes)
        rows = unit[pairs[0]] + np.where((pairs[0] == pairs[1])[:, None], 0, unit[pairs[1]])
        # Polarisation: Q_ab from q(e_a + e_b) - q(e_a) - q(e_b), in natural sizes; four random states must
        # agree.
        observed = theorem.observe(self.problem, self.state(self.centre + rows), self.plan)
        if observed is None:
            return None
        Q = np.zeros((self.size, self.size))
        Q[pairs] = observed
        own = np.diag(Q).copy()
        above = np.triu(Q - own[:, None] - own[None, :], 1) / 2
        Q = (above + above.T + np.diag(own)) / sizes[:, None] / sizes
        probe = sizes * np.random.default_rng(7).standard_normal((4, self.size))
        seen = np.asarray(theorem.observe(self.problem, self.state(self.centre + probe), self.plan))
        if np.abs(np.einsum("ra,ab,rb->r", probe, Q, probe) - seen).max() > 1e-8 * np.abs(seen).max():
            raise Unsupported(f"{theorem.id}'s metric is no quadratic form of the state: simulate it instead")
        return np.asarray(Q)

    def quantities(self, Y: Array, m: Array | None = None) -> Array:
        """E||x-x*||^2, E f - f*, E||grad f||^2 from the moments around the mean's fixed point, which may not be x*."""
        z, a = Y[: self.d, : self.d], as_quadratic(self.problem).hessian
        if m is not None and self.away.any():
            across = np.outer(m[: self.d], self.away)
            z = z + across + across.T + np.outer(self.away, self.away)
        az = a @ z
        return np.array([np.trace(z), np.trace(az) / 2, (az * a).sum()])

    def mean_radius(self) -> float:
        """Spectral radius of the mean's map."""
        return float(np.abs(np.linalg.eigvals(self.mean_map)).max())

    def radius(self) -> tuple[float, tuple[float, float]]:
        """(r(T), enclosure) of the linear part, which keeps the cone Y >= 0: extremes of (T(Y), Y) at some Y > 0."""
        size, outer = self.size, np.outer(self.units, self.units)

        def image(v: Array) -> Array:
            return np.asarray((self.linear(v.reshape(size, size) * outer) / outer).ravel())

        # T keeps the cone Y >= 0: its radius is an eigenvalue with a vector in it, which Arnoldi's steps
        # find.
        value, vector = arnoldi(image, size * size, np.eye(size).ravel())
        low, high = enclosed(image, vector.reshape(size, size), (0, 4, 16, 64, 256))
        if not (np.isfinite(high) and high - low <= 1e-3 * abs(1 - high)) and size <= DENSE:
            low, high = self._closed(value, low, high)
        return min(max(value, low), high), (low, high)

    def _closed(self, value: float, low: float, high: float) -> tuple[float, float]:
        """A better enclosure, from resolvents nearer and nearer to the radius."""
        for margin in ABOVE:
            for base in (value, max(low, 0.0)):
                s = base + margin * max(abs(1 - base), abs(base))
                with warnings.catch_warnings():  # a singular resolvent shows in numbers that are not finite
                    warnings.simplefilter("ignore", LinAlgWarning)
                    warnings.simplefilter("ignore", RuntimeWarning)
                    inside, perron = self._resolvents(s)
                if np.isfinite(inside).all() and np.isfinite(perron).all():
                    a, b = extremes(self.linear(inside), inside)
                    low, high = max(low, a, face_bound(self.linear, perron)), min(high, b)
            if high - low <= 1e-9 * high:
                break
        return low, high

    def _resolvents(self, above: float) -> tuple[Array, Array]:
        """Y = I + T(Y)/above, so that T(Y) <= above Y where r(T) < above, and the Perron matrix by its iteration."""
        outer = np.outer(self.units, self.units)
        # (s - T)^-1 I is inside the cone exactly for s above the radius; iterated it becomes the Perron
        # matrix.
        factors = lu_factor(np.eye(self.size**2) - self._whole() / above)
        found, Y = [], np.eye(self.size)
        for _ in range(5):
            Y = lu_solve(factors, Y.ravel(), check_finite=False).reshape(outer.shape)
            Y = (Y + Y.T) / np.trace(Y)
            found.append(Y * outer)
        return found[0], found[-1]

    def _whole(self) -> Array:
        """The linear part as one matrix, in natural sizes."""
        t = self.T * self.units / self.units[:, None]
        return np.asarray(np.einsum("k,kab,kcd->acbd", self.p, t, t, optimize=True).reshape(self.size**2, -1))

    def at_rest(self) -> tuple[Array, Array, Callable[[Array, Array], Array]]:
        """(by how much x* is missed, what a step adds to second moments, (Y, this) -> quantities), in natural sizes."""
        outer = np.outer(self.units, self.units)

        def seen(Y: Array, away: Array) -> Array:
            """Quantities of second moments in natural sizes around a mean that misses x* by this."""
            whole = Y * outer
            whole[: self.d, : self.d] += np.outer(away, away)
            return self.quantities(whole)

        return self.away, self.source / outer, seen

    def scaled(self, Y: Array) -> Array:
        """T on second moments in natural sizes."""
        outer = np.outer(self.units, self.units)
        return np.asarray(self.linear(Y * outer) / outer)

    def inverse(self) -> Callable[[Array], Array]:
        """(id - T)^-1 on vectors in natural sizes: exact where it is small, by the means where it is not."""
        size = self.size
        if size <= DENSE:
            factors = lu_factor(np.eye(size**2) - self._whole())
            return lambda v: np.asarray(lu_solve(factors, v))
        solve = noise_free(self.mean_map * self.units / self.units[:, None])
        return lambda v: solve(v.reshape(size, size)).ravel()


def _matrix(
    vectors: Mapping[str, Vector], rows: Mapping[str, int], columns: Mapping[str, int], d: int
) -> Array:
    """Combinations of vectors as one matrix; a name with several rows or columns has one for each worker."""
    first = dict(zip(columns, np.cumsum([0, *columns.values()]), strict=False))
    out = np.zeros((sum(rows.values()), sum(columns.values())))
    at = 0
    for name, count in rows.items():
        for i in range(count):
            for (scope, _, k), c in vectors[name].terms.items():
                many = columns[k]
                own = (
                    slice(first[k] + i, first[k] + i + 1)
                    if scope == OWN
                    else slice(first[k], first[k] + many)
                )
                out[at + i, own] += float(c) / (1 if scope == OWN else many)
        at += count
    return np.kron(out, np.eye(d))


def curves(
    method: Method, problem: Problem, plan: Plan, theorem: Theorem | None, x0: Array, steps: int
) -> tuple[Array, Array, Array | None]:
    """(quantities, E x_t, E metric_t or None) at t = 0..steps."""
    if plan.schedule is not None:
        raise Unsupported("enumerated dynamics takes a constant step: pass gamma=...")
    system = EnumeratedSystem(method, problem, plan)
    form = None if theorem is None else system.form(theorem)
    moments, found = system.start(x0), []
    with np.errstate(over="ignore", invalid="ignore"):
        for t in range(steps + 1):
            if t:
                # Mean and second moment around the mean's fixed point, one step each: the mean drives the
                # moments.
                moments = system(moments)
            m, Y = moments
            metric = np.nan if form is None else float((form * Y).sum())
            found.append((system.quantities(Y, m), system.centre[: system.d] + m[: system.d], metric))
    table, means, metrics = (np.array(column) for column in zip(*found, strict=True))
    return table, means, None if form is None else metrics
