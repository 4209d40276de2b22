"""Second moments of x and one memory per worker under independent compressors (DIANA), and a near inverse of id - T.

With z in the eigenbasis V of A and y_i in worker i's natural size s_i, so that z's own factor is diagonal,
    u_i = g_i z + q y_i,   z+ = f z + kappa V' mean s_i eps_i,   y_i+ = v y_i + w u_i + r eps_i,
g_i = (alpha A_i + beta) V/s_i, and one application has four batched products. Of the noise a M_i + Diag(Delta_i) with
M_i = E u_i u_i' and Delta_i = c diag M_i + b tr M_i the near inverse keeps the second part exactly: n d numbers that
act on each other only through S = (kappa/n)^2 sum s_i^2 Delta_i, so that d equations give it. Of a M_i it keeps all of
what E y_i y_i' gets, and what an entry of E zz' gets from itself.

`apply` is T itself and is compared with `System` in the tests to rounding; `solve` is a preconditioner, free to change.
`pack` and `unpack` are inverse to one another, and linear: models of rho across steps add packed points.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeGuard

import numpy as np
from scipy.linalg.blas import daxpy

from compth._types import Numbers as Array
from compth.dynamics.system import Moments, System
from compth.dynamics.units import Units, units_of

if TYPE_CHECKING:
    from compth.dynamics.traced import TracedSystem


RANK_TOLERANCE = 1e-4
"""Of the low-rank form of the resolvent in the coupling: it is only a preconditioner."""
NEAR, SOUGHT = 0.03, 12
"""How far right of its pole the near inverse is taken, relative to |1 - rho|, and after how many trials at most."""
LEAST = 8
"""Smallest d where this is worth while: below, the near inverse is further off, and anything is fast."""
TINY = 1e-13
"""What an inverse may not divide by, relative to 1."""


def fits(system: System | TracedSystem) -> TypeGuard[System]:
    """True for a system of this form."""
    if not isinstance(system, System) or system.rational or system.affine:
        return False
    s = system.scheme
    plain = system.down is None and system.noise is None and system.cross is None
    alone = system.K == 1 and s.average is None and len(s.branches) == 1 and system.data.projector is None
    return plain and alone and s.memory is not None and system.data.d >= LEAST


def _sym(m: Array) -> Array:
    """The symmetric part of every matrix."""
    out = m + np.swapaxes(m, -1, -2)
    out *= 0.5
    return out


def _rows(x: Array, y: Array) -> Array:
    """diag x_i y_i'."""
    return np.asarray(np.einsum("ijk,ijk->ij", x, y))


class Memories:
    """T on vectors (E zz', E y_i z', E y_i y_i'), in the coordinates of the module, with its near inverse."""

    def __init__(self, system: System, units: Units | None = None) -> None:
        """The coordinates in which z's own factor is diagonal and every memory has its natural size.

        units: those of a nearby system where its points are to be seen in the same coordinates; the system's own by
        default.
        """
        self.system, data, sc = system, system.data, system.scheme
        self.units = units_of(system) if units is None else units
        assert self.units.memory is not None
        assert sc.memory is not None
        n, d = data.n, data.d
        self.n, self.d, branch = n, d, sc.branches[0]
        self.v, self.w, self.r = (float(x) for x in sc.memory)
        self.q, self.keep = float(sc.q), self.v + self.w * float(sc.q)
        # z in A's eigenbasis makes z's own factor diagonal; the y_i stay where the sketches' Diag acts.
        values, self.vectors = np.linalg.eigh(data.mean)
        self.f = float(branch.tau[0][0]) + float(branch.theta[0][0]) * values
        self.sizes = self.units.memory[:, 0] / self.units.common[0]
        whole = float(sc.alpha[0]) * data.A + float(sc.beta[0]) * np.eye(d)
        self.g = np.matmul(whole, self.vectors) / self.sizes[:, None, None]
        self.halved = np.ascontiguousarray(np.swapaxes(self.g, 1, 2)) / 2
        # All in units of each worker's memory: E y_i y_i' differs by (L_i/L)^2 between workers otherwise.
        self.weight = (float(branch.kappa[0]) / n) ** 2 * self.sizes**2
        self.across = float(branch.kappa[0]) * self.r / n * self.sizes[:, None, None]
        self.a = np.array([float(o.a) for o in system.own])[:, None, None]
        self.c = np.array([np.broadcast_to(np.asarray(o.c, dtype=float), d) for o in system.own])
        self.b = np.array([float(o.b) for o in system.own])[:, None]
        self.size, self.lam = d * d * (1 + 2 * n), 1.0
        self.weigh(np.ones(d), np.ones((n, d)))

    def weigh(self, z: Array, y: Array) -> None:
        """Take these sizes of the entries of z (d,) and y_i (n, d) for 1 in vectors."""
        self.weights = z, y
        pairs = np.outer(z, z).ravel(), (y[:, :, None] * z).ravel(), (y[:, :, None] * y[:, None, :]).ravel()
        self.scale = np.concatenate(pairs)
        self.unscale = 1 / self.scale
        # `apply` works in these units: what goes into u_i/y_i and what its noise does to z+/z, with all factors
        # that have no pass of their own then.
        self.inward = self.g / y[:, :, None] * z
        turned = np.ascontiguousarray(np.swapaxes(self.inward, 1, 2))
        self.half, self.twice = turned / 2, turned * (self.v * self.w or 1.0)
        self.outer = self.vectors / z
        self.outward = self.across * (y[:, :, None] * self.vectors / z)
        self.summed = self.weight[:, None, None] * y[:, :, None] * y[:, None, :]
        self.spare = np.empty((3, self.n, self.d, self.d))

    # -- vectors

    def _split(self, vector: Array) -> tuple[Array, Array, Array]:
        """Views of a vector as E zz', E y_i z' and E y_i y_i'."""
        n, d = self.n, self.d
        one, two = d * d, d * d * (1 + n)
        parts = vector[:one], vector[one:two], vector[two:]
        return parts[0].reshape(d, d), parts[1].reshape(n, d, d), parts[2].reshape(n, d, d)

    def pack(self, m: Moments) -> Array:
        """As a vector."""
        v, s = self.vectors, self.sizes[:, None, None]
        assert m.D is not None
        assert m.E is not None
        parts = [v.T @ m.C @ v, np.matmul(m.D, v) / s, m.E / s**2]
        return np.asarray(np.concatenate([x.ravel() for x in parts]) * self.unscale)

    def unpack(self, vector: Array) -> Moments:
        """From a vector."""
        (c, across, own), v, s = self._split(vector * self.scale), self.vectors, self.sizes[:, None, None]
        return Moments(v @ c @ v.T, np.matmul(across, v.T) * s, own * s**2)

    @property
    def inside(self) -> Array:
        """Independent standard normal vectors: a point inside the cone."""
        return self.pack(self.system.interior(self.units.common, self.units.memory))

    # -- one step

    def apply(self, vector: Array) -> Array:
        """T on vectors."""
        # Beside its four products an application is passes through memory, and at d = 64 they cost as much: each
        # sum goes where it is needed, with its factor, in one.
        self.system.applications += 1
        (c, across, own), out = self._split(vector), np.empty(self.size)
        after = self._split(out)
        x, half, kept = self.spare
        np.matmul(self.inward, c, out=x)
        np.matmul(x, self.half, out=half)
        np.matmul(across, self.twice, out=kept)
        # M = E u_i u_i' = g C g' + q (g D' + D g') + q^2 E as the sum of a half and its transpose
        both = self.v * self.w
        _more(half, self.q / (both or 1.0), kept)
        # v w (E y u' + E u y') has 2 v w q E of its own beside
        np.add(kept, np.swapaxes(kept, 1, 2), out=after[2])
        if not both:
            after[2][...] = 0.0
        m = np.add(half, np.swapaxes(half, 1, 2), out=kept)
        _more(m, self.q**2, own)
        _more(after[2], self.w**2, m)
        _more(after[2], self.v * (self.v + 2 * self.w * self.q), own)
        self._noise(m)
        _more(after[2], self.r**2, m)
        total = self.outer.T @ np.einsum("ijk,ijk->jk", self.summed, m) @ self.outer
        after[0][...] = _sym(total + self.f[:, None] * c * self.f)
        x *= self.w
        _more(x, self.keep, across)
        np.multiply(x, self.f, out=after[1])
        _more(after[1], 1.0, np.matmul(m, self.outward, out=x))
        return out

    def _noise(self, m: Array) -> None:
        """a M + Diag Delta in place of M, in the units of the memories."""
        diagonal, y = np.einsum("ijj->ij", m), self.weights[1]
        whole = (diagonal * y**2).sum(axis=1, keepdims=True) / y**2
        extra = self.c * diagonal + self.b * whole
        m *= self.a
        diagonal += extra

    # -- the near inverse

    def locate(self, guess: float = 0.0) -> Array:
        """Take the near inverse just right of its own largest pole 1 + value, sought from a guess of value.

        lam is one where the matrix K of the d equations has the radius 1, which falls with lam: by secants of its
        inverse, which is straight where one pole without noise decides.
        """
        # Poles of the part without noise: the one that is sought lies right of them, since noise only adds.
        floor = max(float(np.abs(self.f).max()) ** 2, self.keep**2)
        gap, common = abs(1 - floor), np.ones(self.d)
        lam, seen = max(1 + guess, floor + gap / 20), []
        for _ in range(SOUGHT):
            self._resolve(lam)
            size, common = self._power(common)
            if abs(size - 1) <= NEAR / 3:
                break
            seen.append((lam, 1 / size if size > 0 else np.inf))
            # The radius falls like 1/(lam - floor) where one pole decides: the first guess of where it is 1.
            after = floor + (lam - floor) * size if size < 1 else lam + (size - 1) * max(lam - floor, gap / 3)
            # 1/radius is then a straight line in lam, and a secant through two trials meets 1 almost at once;
            # kept right of the pole and from leaping away.
            if len(seen) > 1 and np.isfinite(seen[-1][1]) and seen[-1][1] != seen[-2][1]:
                (u, x), (v, y) = seen[-2:]
                straight = v + (1 - y) * (v - u) / (y - x)
                after = min(max(straight, (floor + lam) / 2), lam + 10 * (lam - floor))
            if abs(after - lam) <= NEAR * abs(1 - after) / 3 and len(seen) > 1:
                break
            lam = after
        # Just right of the pole the resolvent is positive, and its image of a point inside the cone is nearly
        # the Perron point: the search starts there.
        self.prepare(lam + NEAR * max(abs(1 - lam), lam - floor))
        first = self.solve(self.inside)
        self._balance(first)
        return first * self.unscale

    def _balance(self, vector: Array) -> None:
        """Scale z and the y_i so that this point has a diagonal of about 1: T is nearer to normal then."""
        c, _, own = self._split(vector)
        z, y = np.sqrt(np.abs(np.diag(c))), np.sqrt(np.abs(np.einsum("ijj->ij", own)))
        z, y = (np.where(x > TINY * x.max(), x, x.max()) for x in (z, y))
        self.weigh(z, y)

    def _power(self, common: Array, rounds: int = 8) -> tuple[float, Array]:
        """About the radius of K, and its vector."""
        size = 0.0
        for _ in range(rounds):
            # K's entries are positive: power iterations reach its radius in a few rounds, and the last vector
            # is the next trial's start.
            common = common / (np.abs(common).max() or 1.0)
            c = (self.vectors.T * common) @ self.vectors / self.gap
            x = np.matmul(self.g, c * self.each)
            after = self.weight @ np.einsum("ijk,ik->ij", self.filled, _rows(x, self.g))
            last, size, common = size, float(np.abs(after).max()), after
            if abs(size - last) <= 1e-3 * size:
                break
        return size, common

    def _resolve(self, lam: float) -> None:
        """What the near inverse of lam - T divides by."""
        f, q, w, keep, r = self.f, self.q, self.w, self.keep, self.r
        self.lam = lam
        self.side = _away(lam - keep * f)
        self.rest = _away(lam - keep**2 - r**2 * q**2 * self.a)
        # E y_i y_i' follows g C g' and D g' by these factors: a M_i, which holds all three, is solved with it, or a
        # memory that follows a slow z would not cancel its input, and the pole would lie far right of rho
        self.square, self.mixed = w**2 + r**2 * self.a, 2 * (keep * w + r**2 * q * self.a)
        # diag M_i = first diag g C g' + second diag (D g') + q^2/rest (diag E's source + r^2 Delta)
        self.first = 1 + (q**2 * self.square / self.rest)[:, :, 0]
        self.second = 2 * q + (q**2 * self.mixed / self.rest)[:, :, 0]
        self.third = q**2 / self.rest[:, :, 0]
        # all that C makes of M_i beside g C g' itself comes through D, which follows C with w f/side
        self.each = self.first[:, :, None] + self.second[:, :, None] * (w * f / self.side)
        # What an entry of E zz' gets from itself is moved to the left; all else waits for the d equations.
        self.gap = _away(lam - f[:, None] * f - self._scaled_noise())
        # What a worker's Delta_i does to diag M_i without going through z: by E y_i z' and by E y_i y_i'.
        local = self.second * self.across[:, :, 0] * (self.g @ (self.vectors / self.side).T).diagonal(0, 1, 2)
        local = local + self.third * r**2
        # Delta = W t, t = H S + local Delta + source  =>  Delta = W (1 - local W)^-1 (H S + source)
        if self.b.any():
            # With a trace part Delta_i couples all d entries of a worker; without one it is entry by entry.
            spread = self.c[:, :, None] * np.eye(self.d) + self.b[:, :, None]
            self.filled = spread @ _inverse(np.eye(self.d) - local[:, :, None] * spread)
        else:
            self.filled = (self.c / _away(1 - local * self.c))[:, :, None] * np.eye(self.d)

    def prepare(self, lam: float) -> None:
        """Make `solve` the near inverse of lam - T."""
        self._resolve(lam)
        self.coupling = self._coupling()
        whole = np.einsum("i,ijk,ikl->jl", self.weight, self.filled, self.coupling, optimize=True)
        self.back = _inverse(np.eye(self.d) - whole)

    def _scaled_noise(self) -> Array:
        """What the sketches' a M does to an entry of E zz' itself."""
        own = (self.vectors[None] * self.g).sum(axis=1)
        scaled = (self.weight * self.a[:, 0, 0])[:, None] * own
        total = (scaled * self.each[:, 0]).T @ own
        return np.asarray((total + total.T) / 2)

    def _coupling(self) -> Array:
        """H_i: the diagonal of M_i that E zz' = Diag(e_k), divided by the gap, makes, (n, d, d)."""
        total = np.zeros((self.n, self.d, self.d))
        # As for one direction: 1/gap has low numerical rank, and each factor costs one batched product, for
        # all workers whose sketches have the same a at once.
        root = 1 / np.sqrt(np.abs(np.diag(self.gap)))
        for value in np.unique(self.a):
            same = np.flatnonzero(self.a[:, 0, 0] == value)
            g, each = self.g[same], self.each[same[0], 0]
            weights, factors = np.linalg.eigh((each[:, None] + each) / 2 / self.gap / root[:, None] / root)
            kept = np.abs(weights) > RANK_TOLERANCE * np.abs(weights).max()
            for weight, factor in zip(weights[kept], (factors[:, kept] * root[:, None]).T, strict=True):
                part = np.matmul(g, factor[:, None] * self.vectors.T)
                part *= part
                part *= weight
                total[same] += part
        return total

    def solve(self, vector: Array) -> Array:
        """About (lam - T)^-1 v."""
        (rc, rd, re), out = self._split(vector * self.scale), np.empty(self.size)
        c, across, own = self._split(out)
        # The d unknowns first (what the noise puts on every diagonal), then C, then D from C, then E from
        # both: the system is block triangular once Delta is known.
        first = rc / self.gap
        extra = self._filled(first, rd, re)
        c[...] = first + (self.vectors.T * (self.weight @ extra)) @ self.vectors / self.gap
        c[...] = _sym(c)
        x = np.matmul(self.g, c)
        np.multiply(extra[:, :, None], self.vectors, out=across)
        across *= self.across
        across += rd
        across += x * (self.w * self.f)
        across /= self.side
        x *= self.square
        x += self.mixed * across
        half = np.matmul(x, self.halved)
        half += re * 0.5
        np.add(half, np.swapaxes(half, 1, 2), out=own)
        np.einsum("ijj->ij", own)[...] += self.r**2 * extra
        own /= self.rest
        out *= self.unscale
        return out

    def _filled(self, c: Array, rd: Array, re: Array) -> Array:
        """The Delta_i of the solution, c = rc / gap."""
        x = np.matmul(self.g, c)
        across = (rd + x * (self.w * self.f)) / self.side
        source = self.first * _rows(x, self.g) + self.second * _rows(across, self.g)
        source += self.third * np.einsum("ijj->ij", re)
        first = np.einsum("ijk,ik->ij", self.filled, source)
        # Only S = sum_i weight_i Delta_i reaches z: its d equations are closed, and give every Delta_i.
        common = self.back @ (self.weight @ first)
        return np.asarray(first + np.einsum("ijk,ik->ij", self.filled, self.coupling @ common))


def _more(out: Array, factor: float, more: Array) -> None:
    """out += factor x more in one pass, for arrays that lie in memory as they are numbered."""
    if factor:
        daxpy(more.ravel(), out.reshape(-1), a=factor)


def _away(x: Array) -> Array:
    """x, with 1 for what is 0 to rounding."""
    return np.where(np.abs(x) > TINY, x, 1.0)


def _inverse(m: Array) -> Array:
    """Inverse, or the pseudo-inverse of a singular one: a preconditioner need not care."""
    try:
        return np.linalg.inv(m)
    except np.linalg.LinAlgError:
        return np.linalg.pinv(m)
