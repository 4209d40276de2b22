"""Exact dynamics by enumeration of a step: each outcome of a variance-reduced method is an affine map of its state.

The state (x and memories in one vector) is centred at the fixed point of the mean map, where x = x*: then the second
moment Y and the mean m move by Y+ = sum p (T Y T' + T m c' + c m' T' + c c'), m+ = sum p (T m + c). The maps come from
the method's own `step`, applied to basis states under the enumerating generator.
"""

from __future__ import annotations

from copy import copy
from dataclasses import fields, replace
from typing import Any

import numpy as np
from scipy.linalg import eigh, lu_factor, lu_solve

from compth.certification.assumption import reference_of
from compth.certification.tracer import NotTraceable, leaves
from compth.dynamics.solvers import arnoldi, face_bound
from compth.errors import Unsupported
from compth.methods import Method, Plan, State, Theorem

Array = Any
LARGEST = 120
"""Most numbers of a state."""
OUTCOMES = 512
"""Most outcomes of one step."""
DENSE = 32
"""Largest state whose second moments' map is written out where the iteration leaves a wide bracket."""
WORK = 2_000_000
"""Largest outcomes x (numbers of a state)^3, what one application of the second moments' map costs."""


def fits(method: Method) -> bool:
    """True for a method whose every outcome of a step is an affine map of its state."""
    return bool(getattr(method, "affine", False))


class EnumeratedSystem:
    """One step of (m, Y) for a method at a step size."""

    def __init__(self, method: Method, problem: Any, plan: Plan, t: int = 1) -> None:
        if getattr(problem, "singular", False):
            raise Unsupported("the mean Hessian is singular: enumerated dynamics needs a unique minimiser")
        self.label = method.label
        self.method, self.problem, self.plan, self.t = reference_of(method), problem, plan, t
        self.d = problem.d
        self.template = method.init(problem, np.zeros((1, self.d)), plan)
        arrays = {f.name: getattr(self.template, f.name) for f in fields(self.template)}
        self.shapes = {k: v.shape[1:] for k, v in arrays.items() if isinstance(v, np.ndarray) and k != "sent"}
        self.size = sum(int(np.prod(s)) for s in self.shapes.values())
        if self.size > LARGEST:
            raise Unsupported(f"{self.size} numbers in a state: enumerated dynamics takes at most {LARGEST}")
        self._maps()
        self.applications = 0

    def state(self, rows: Array) -> State:
        """The method's state of replicates from (R, size) vectors, x first."""
        out, at = {}, 0
        for name, shape in self.shapes.items():
            width = int(np.prod(shape))
            out[name] = rows[:, at : at + width].reshape(len(rows), *shape)
            at += width
        return replace(self.template, **out)

    def vector(self, state: State) -> Array:
        """(R, size)."""
        return np.concatenate([getattr(state, k).reshape(len(state.x), -1) for k in self.shapes], axis=1)

    def _outcomes(self, row: Array) -> tuple[Array, Array]:
        """(probabilities, states) after one step from one state, in a fixed order."""
        state, method = self.state(row[None]), self.method
        try:
            paths = list(
                leaves(
                    lambda rng: method.step(
                        method.view(self.problem, rng), state, rng, replace(self.plan, schedule=None), self.t
                    ),
                    OUTCOMES,
                )
            )
        except NotTraceable as reason:
            raise Unsupported(f"{self.label}: a step cannot be enumerated here ({reason})") from None
        return np.array([float(v.probability) for v in paths]), np.array(
            [self.vector(v.output)[0] for v in paths]
        )

    def _maps(self) -> None:
        p, base = self._outcomes(np.zeros(self.size))
        if len(p) * self.size**3 > WORK:
            raise Unsupported(
                f"{self.label}: {len(p)} outcomes of {self.size} numbers are too many to enumerate: simulate it"
            )
        probe = np.random.default_rng(11).standard_normal(self.size)
        found = [self._outcomes(row) for row in (*np.eye(self.size), probe)]
        if any(len(q) != len(p) or (q != p).any() for q, _ in found):
            raise Unsupported(f"{self.label}: the outcomes of a step depend on the state: simulate it")
        columns = [after - base for _, after in found]
        self.p, self.T = p, np.stack(columns[:-1], axis=2)
        if np.abs(self.T @ probe - columns[-1]).max() > 1e-9 * np.abs(columns[-1]).max():
            raise Unsupported(f"{self.label}: a step is no affine map of the state: simulate it")
        self.mean_map = np.einsum("k,kab->ab", p, self.T)
        self.centre = np.linalg.solve(np.eye(self.size) - self.mean_map, p @ base)
        self.c = self.T @ self.centre + base - self.centre
        scale = np.abs(base).max() + np.abs(self.T).max() * np.abs(self.centre).max() + 1e-300
        self.c[np.abs(self.c) <= 1e-11 * scale] = 0.0  # rounding: variance reduction keeps the fixed point
        x = self.centre[: self.d]
        if np.abs(x - self.problem.x_star).max() > 1e-6 * (1 + np.abs(x).max()):
            raise Unsupported(f"{self.label}: the mean's fixed point is not x*")

    def at(self, gamma: float) -> EnumeratedSystem:
        """The same at another step: x+ = x - gamma g, and memories learn from the state before it."""
        out = copy(self)
        out.plan, out.applications = replace(self.plan, gamma=gamma, schedule=None), 0
        factor, d = gamma / float(self.plan.gamma), self.d
        out.T, out.c, stay = self.T.copy(), self.c.copy(), np.eye(self.size)[:d]
        out.T[:, :d] = stay + factor * (self.T[:, :d] - stay)
        out.c[:, :d] *= factor
        out.mean_map = np.einsum("k,kab->ab", out.p, out.T)
        return out

    def linear(self, Y: Array) -> Array:
        """Y -> sum p T Y T', symmetrised."""
        self.applications += 1
        out = np.einsum("k,kab,kcb->ac", self.p, self.T @ Y, self.T)
        return (out + out.T) / 2

    def __call__(self, moments: tuple[Array, Array]) -> tuple[Array, Array]:
        """One step."""
        m, Y = moments
        across = np.einsum("k,ka,kb->ab", self.p, self.T @ m, self.c)
        return self.mean_map @ m + self.p @ self.c, self.linear(Y) + across + across.T + self.source

    @property
    def source(self) -> Array:
        """sum p c c': what a step adds by itself."""
        return np.einsum("k,ka,kb->ab", self.p, self.c, self.c)

    @property
    def driven(self) -> bool:
        """True when the mean enters the second moments: sum p T m c' != 0 for some m."""
        return bool(
            np.abs(np.einsum("k,kab,kc->abc", self.p, self.T, self.c)).max() > 1e-13 * np.abs(self.c).max()
        )

    def start(self, x0: Array) -> tuple[Array, Array]:
        """(m, Y) of the method's state at t = 0."""
        row = self.vector(self.method.init(self.problem, np.asarray(x0, dtype=float)[None], self.plan))[0]
        return row - self.centre, np.outer(row - self.centre, row - self.centre)

    def form(self, theorem: Theorem) -> Array | None:
        """Q with metric = y'Qy, by polarisation of `observe`; None when the theorem bounds the squared distance."""
        pairs = np.triu_indices(self.size)
        unit = np.eye(self.size)
        rows = unit[pairs[0]] + np.where((pairs[0] == pairs[1])[:, None], 0, unit[pairs[1]])
        observed = theorem.observe(self.problem, self.state(self.centre + rows), self.plan)
        if observed is None:
            return None
        Q = np.zeros((self.size, self.size))
        Q[pairs] = observed
        own = np.diag(Q).copy()
        above = np.triu(Q - own[:, None] - own[None, :], 1) / 2
        Q = above + above.T + np.diag(own)
        probe = np.random.default_rng(7).standard_normal((4, self.size))
        seen = np.asarray(theorem.observe(self.problem, self.state(self.centre + probe), self.plan))
        if np.abs(np.einsum("ra,ab,rb->r", probe, Q, probe) - seen).max() > 1e-8 * np.abs(seen).max():
            raise Unsupported(f"{theorem.id}'s metric is no quadratic form of the state: simulate it instead")
        return Q

    def quantities(self, Y: Array) -> Array:
        """E||x-x*||^2, E f - f*, E||grad f||^2."""
        z, a = Y[: self.d, : self.d], self.problem.hessian
        az = a @ z
        return np.array([np.trace(z), np.trace(az) / 2, (az * a).sum()])

    def mean_radius(self) -> float:
        """Spectral radius of the mean's map."""
        return float(np.abs(np.linalg.eigvals(self.mean_map)).max())

    def radius(self) -> tuple[float, tuple[float, float]]:
        """(r(T), enclosure) of the linear part, which keeps the cone Y >= 0: extremes of (T(Y), Y) at some Y > 0."""
        size = self.size
        value, vector = arnoldi(
            lambda v: self.linear(v.reshape(size, size)).ravel(), size * size, np.eye(size).ravel()
        )
        Y = vector.reshape(size, size)
        Y = (Y + Y.T) / 2 * (np.sign(np.trace(Y)) or 1.0)
        low, high = 0.0, np.inf
        for rounds in (0, 4, 16, 64, 256):
            for _ in range(rounds):
                Y = self.linear(Y)
                Y /= np.trace(Y)
            for eta in (0.0, 1e-12, 1e-9, 1e-6):
                a, b = self._extremes(Y + eta * np.trace(Y) * np.eye(size))
                low, high = max(low, a), min(high, b)
            if high - low <= 1e-3 * abs(1 - high):
                break
        else:
            if size <= DENSE:
                above, perron = self._resolvents(value + 1e-3 * abs(1 - value))
                a, b = self._extremes(above)
                low, high = max(low, a, face_bound(self.linear, perron)), min(high, b)
        return min(max(value, low), high), (low, high)

    def _resolvents(self, above: float) -> tuple[Array, Array]:
        """Y = I + T(Y)/above, so that T(Y) <= above Y where r(T) < above, and the Perron matrix by its iteration."""
        eye = np.eye(self.size)
        factors = lu_factor(np.eye(self.size**2) - self._whole() / above)
        found, Y = [], eye
        for _ in range(5):
            Y = lu_solve(factors, Y.ravel()).reshape(eye.shape)
            Y = (Y + Y.T) / np.trace(Y)
            found.append(Y)
        return found[0], found[-1]

    def _whole(self) -> Array:
        """The linear part as one matrix."""
        return np.einsum("k,kab,kcd->acbd", self.p, self.T, self.T, optimize=True).reshape(self.size**2, -1)

    def _extremes(self, Y: Array) -> tuple[float, float]:
        if not (np.diag(Y) > 0).all():
            return 0.0, np.inf
        outer = np.outer(np.diag(Y) ** -0.5, np.diag(Y) ** -0.5)
        try:
            found = eigh(self.linear(Y) * outer, Y * outer, eigvals_only=True)
        except np.linalg.LinAlgError:
            return 0.0, np.inf
        return float(found[0]), float(found[-1])

    def stationary(self) -> Array:
        """The fixed point of Y with m = 0."""
        size = self.size
        if not np.any(self.source):
            return np.zeros((size, size))
        return np.linalg.solve(np.eye(size**2) - self._whole(), self.source.ravel()).reshape(size, size)


def curves(
    method: Method, problem: Any, plan: Plan, theorem: Theorem | None, x0: Array, steps: int
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
                moments = system(moments)
            m, Y = moments
            metric = np.nan if form is None else float((form * Y).sum())
            found.append((system.quantities(Y), problem.x_star + m[: system.d], metric))
    table, means, metrics = (np.array(column) for column in zip(*found, strict=True))
    return table, means, None if form is None else metrics
