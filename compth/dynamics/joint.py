"""The joint second moment of every worker's memory: slower than System, kept in the plain cone of matrices W >= 0.

w = (common vectors but the averaged memory, y_1 .. y_n);  w+ = F w + G eps,  E eps_i eps_j' = own_i or cross of the
inputs' second moments. It brackets the rate where workers with memories are correlated, and checks System.

The letters (c_k, y_i, u_i, kappa, alpha, beta, q and memory = (v, w, r)) are those of `system`'s docstring.

It is the referee of `System` for correlated workers: nothing is shared with it but the scheme and the sketches' maps.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeGuard

import numpy as np

from compth._types import Numbers as Array
from compth.dynamics.solvers import davidson, definite, extremes, face_bound, noise_free, upper_bound
from compth.dynamics.system import System
from compth.dynamics.units import Units, units_of

if TYPE_CHECKING:
    from compth.dynamics.traced import TracedSystem


FLOOR = 1e-15
"""Relative residual below which only rounding is left."""
LARGEST = 700
"""Largest number of entries of w for which compth builds it."""


def fits(system: System | TracedSystem) -> TypeGuard[System]:
    """True for systems with memories, one branch, exact gradients and a joint vector that is not too long."""
    if not isinstance(system, System):
        return False
    size = (system.K + system.data.n) * system.data.d
    plain = len(system.maps) == 1 and system.down is None and system.noise is None
    return system.scheme.memory is not None and plain and size <= LARGEST


class Joint:
    """W -> F W F' + G Cov(eps) G' for the linear part of a system with memories."""

    def __init__(self, system: System) -> None:
        """Write out F, G and the workers' inputs as matrices on w, from the scheme of a system with memories.

        (size, size), (size, n d) and (n, d, size): w has the common vectors but the averaged memory, then every y_i.
        """
        self.system, data, sc = system, system.data, system.scheme
        n, d = data.n, data.d
        own_vectors = [k for k in range(system.K) if k != sc.average]
        size = (len(own_vectors) + n) * d
        self.memories = [slice((len(own_vectors) + i) * d, (len(own_vectors) + i + 1) * d) for i in range(n)]
        # common w = (c_1 .. c_K): the vectors that w holds are copied, and the averaged memory, which is no entry
        # of w, is read off as the mean of the y_i
        common = np.zeros((system.K * d, size))
        for at, k in enumerate(own_vectors):
            common[system.slot(k), at * d : (at + 1) * d] = np.eye(d)
        if sc.average is not None:
            for y in self.memories:
                common[system.slot(sc.average), y] = np.eye(d) / n
        _, f, branch = system.maps[0]
        v, w, r = (float(x) for x in sc.memory or (0, 0, 0))
        # inputs[i] w = u_i without its constant part; step = F and spread = G, row by row from the recursion
        self.inputs = np.zeros((n, d, size))
        self.step, self.spread = np.zeros((size, size)), np.zeros((size, n * d))
        for at, k in enumerate(own_vectors):
            rows = slice(at * d, (at + 1) * d)
            self.step[rows] = f[system.slot(k), : system.K * d] @ common
            # z alone is measured after the projection on range(A): the distance to the set of solutions
            block = np.eye(d) if k or data.projector is None else data.projector
            self.spread[rows] = np.tile(float(branch.kappa[k]) / n * block, (1, n))
        for i, y in enumerate(self.memories):
            u = sum(
                (float(sc.alpha[k]) * data.A[i] + float(sc.beta[k]) * np.eye(d)) @ common[system.slot(k)]
                for k in range(system.K)
            )
            self.inputs[i] = u
            self.inputs[i][:, y] += float(sc.q) * np.eye(d)
            self.step[y] = w * self.inputs[i]
            self.step[y, y] += v * np.eye(d)
            self.spread[y, i * d : (i + 1) * d] = r * np.eye(d)
        self.size, self.n, self.d = size, n, d
        self.applications = 0

    def __call__(self, w: Array) -> Array:
        """One step."""
        self.applications += 1
        n, d = self.n, self.d
        flat = self.inputs.reshape(n * d, self.size)
        noise = self._noise((flat @ w @ flat.T).reshape(n, d, n, d))
        out = self.step @ w @ self.step.T + self.spread @ noise @ self.spread.T
        return (out + out.T) / 2

    def source(self, rest: Array, forced: Array) -> Array:
        """What a step adds to E ww' where E y_i = rest_i (n, d) stays and u_i has the constant forced_i (n, d).

        w+ = F w + f + G eps with f = w forced_i in the memories; the workers' inputs have the means U_i = E u_i.
        """
        n, d = self.n, self.d
        mean, push = np.zeros(self.size), np.zeros(self.size)
        _, w, _ = (float(x) for x in self.system.scheme.memory or (0, 0, 0))
        for i, y in enumerate(self.memories):
            mean[y], push[y] = rest[i], w * forced[i]
        seen = (self.inputs @ mean).ravel()
        flat = forced.ravel()
        m = np.outer(seen, flat) + np.outer(flat, seen) + np.outer(flat, flat)
        moved = self.step @ mean
        out = np.outer(moved, push) + np.outer(push, moved) + np.outer(push, push)
        return out + self.spread @ self._noise(m.reshape(n, d, n, d)) @ self.spread.T

    def _noise(self, m: Array) -> Array:
        """E eps eps' (n d, n d) from E u_i u_j' (n, d, n, d)."""
        n, d, system = self.n, self.d, self.system
        m = m.transpose(0, 2, 1, 3)
        # Every pair of workers has its block here, the diagonal ones their own map.
        noise = np.zeros_like(m) if system.cross is None else system.cross(m)
        for i in range(n):
            noise[i, i] = system.own[i](m[i, i])
        return noise.transpose(0, 2, 1, 3).reshape(n * d, n * d)

    def sizes(self, units: Units) -> Array:
        """The natural size of every entry of w."""
        common = [s for k, s in enumerate(units.common) if k != self.system.scheme.average]
        own = np.ones(self.n) if units.memory is None else units.memory[:, 0]
        return np.repeat(np.concatenate([common, own]), self.d)

    def inverse(self, sizes: Array) -> Callable[[Array], Array]:
        """About (id - F . F')^-1 on matrices divided by their sizes, as vectors."""
        solve = noise_free(self.step * sizes / sizes[:, None])
        return lambda v: solve(v.reshape(self.size, self.size)).ravel()

    def rate(self, units: Units | None = None) -> tuple[float, tuple[float, float]]:
        """(rho - 1, enclosure of rho - 1)."""
        sizes = self.sizes(units_of(self.system) if units is None else units)
        solve, shape, outer = self.inverse(sizes), (self.size, self.size), np.outer(sizes, sizes)
        vector = solve(np.eye(self.size).ravel())
        low, high, value = -np.inf, np.inf, 0.0

        def moved(w: Array) -> Array:
            """(T - id) W in natural sizes."""
            return np.asarray(self(w * outer) / outer - w)

        def change(v: Array) -> Array:
            """(T - id) on vectors."""
            return moved(v.reshape(shape)).ravel()

        # The plain cone W >= 0 is kept by any law of the sketches, so that the enclosure holds where the cone
        # of separate blocks need not be.
        for tol in (1e-8, 1e-11, 1e-14):
            value, vector = davidson(change, solve, [vector], tol=tol, floor=FLOOR)
            x = vector.reshape(shape) * (np.sign(np.trace(vector.reshape(shape))) or 1.0)
            # the computed vector may lie a rounding outside the cone, where it bounds nothing: a trace of the
            # identity brings it inside. Every matrix inside gives true bounds, so that the best of all counts
            for eta in (0.0, 1e-12):
                near = (x + x.T) / 2 + eta * np.trace(x) * np.eye(self.size)
                a, b = extremes(moved(near), near)
                low, high = max(low, a), min(high, b)
            if high - low <= 1e-3 * abs(value):
                break
        # the Perron matrix lies on the cone's boundary: from below on its face, from above by a resolvent
        if high - low > 1e-3 * abs(value):
            low = max(low, face_bound(moved, (x + x.T) / 2))
            target = np.eye(self.size).ravel()
            high = min(high, upper_bound(change, solve, target, lambda v: definite(v.reshape(shape)), value))
        return value, (low, high)
