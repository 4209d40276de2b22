"""The closed linear recursion of second moments: common vectors (z, ybar, 1) and one memory y_i per worker.

With A_i the workers' Hessians, s_i = grad f_i(x*), A = mean A_i, z = x - x* and common vectors c_1..c_K (c_1 = z):
    u_i = A_i sum_k alpha_k c_k + sum_k beta_k c_k + sigma s_i + q y_i       what worker i compresses
    S_i u_i = delta u_i + eps_i,  E eps_i = 0,  E eps_i eps_i' = own_i(E u_i u_i'),  E eps_i eps_j' = cross(E u_i u_j')
    c_k+ = sum_l (tau_kl + theta_kl A) c_l + kappa_k mean eps_i              (a branch, drawn with its probability)
    y_i+ = v y_i + w u_i + r eps_i
With stochastic gradients u_i has the noise xi_i of `GradientNoise` at the point sum_k alpha_k c_k, independent over the
workers: delta xi_i joins eps_i, and own_i acts on E u_i u_i' + Cov xi_i.
Kept: C = E cc', D_i = E y_i c', E_i = E y_i y_i'. Nothing else is needed, whatever the correlation of the workers,
because E u_i (sum_j u_j)' is linear in D_i and C as soon as ybar is one of the common vectors.

Solvers, brackets and curves rely on: `__call__` being linear in the state where affine is False, exact in Fractions
where the data are, symmetric to the last bit, and on `kept_cone` never being True for a map that leaves the cone. Each
application is counted: tests hold searches to their number.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Protocol

import numpy as np

from compth._numbers import Number
from compth._own import DECLARING, altered
from compth._types import Numbers as Array
from compth.compressors import MomentMap
from compth.dynamics.forms import Branch, Scheme, Sketches
from compth.dynamics.own import own_problem
from compth.errors import Unsupported
from compth.problems.interface import Problem, Quadratic, is_quadratic, without_hessians
from compth.problems.oracle import GradientNoise


@dataclass(frozen=True)
class Data:
    """A_i (n, d, d), s_i (n, d), their mean, the projector on range(A) when A is singular, and where they are from."""

    A: Array
    s: Array
    mean: Array
    projector: Array | None
    x_star: Array
    problem: Problem | None = None

    @property
    def n(self) -> int:
        """Workers."""
        return int(self.A.shape[0])

    @property
    def d(self) -> int:
        """Dimension."""
        return int(self.A.shape[1])

    @property
    def whole(self) -> int:
        """The dimension in which sketches are drawn: d, unless a few directions stand for many."""
        return self.d

    @property
    def source(self) -> Problem:
        """The problem that the matrices are of, whose components oracles draw. Raises Unsupported of matrices alone."""
        if self.problem is None:
            raise Unsupported(
                "matrices alone have no components to draw: the noise of gradients needs the problem"
            )
        return self.problem

    def law(self, m: MomentMap) -> MomentMap:
        """A sketch's map of second moments as these matrices meet it."""
        return m

    @cached_property
    def sizes(self) -> Array | None:
        """L_i, the largest eigenvalue of each A_i (n,), looked for once; None of Fractions."""
        return None if self.A.dtype == object else np.linalg.eigvalsh(self.A)[:, -1]


def data_of(problem: Problem, rational: bool = False) -> Data:
    """The problem's matrices as floats or as Fractions of those floats (x* then solves A x = mean b exactly)."""
    if not is_quadratic(problem):
        said = (
            "simulate it" if hasattr(problem, "dense") else "so its second moments do not close: simulate it"
        )
        raise Unsupported(f"{without_hessians(problem)}, {said}")
    own_problem(problem)
    replaced = altered(DECLARING)
    if replaced:
        raise Unsupported(f"{replaced}: exact dynamics are those of the package as it was imported")
    if rational:
        return _rational_data(problem)
    # f is convex and A singular: x* is a set, and the distance to it closes only where every A_i vanishes on
    # the kernel of A, as it does for convex f_i.
    projector = problem.projector
    if projector is not None and np.abs(problem.A @ projector - problem.A).max() > 1e-9 * problem.L_max:
        raise Unsupported(
            "the mean Hessian is singular and some A_i acts on its kernel: the distance to the solution set has no"
            " closed recursion; use convex f_i"
        )
    return Data(problem.A, problem.gradients_at_star, problem.hessian, projector, problem.x_star, problem)


def _rational_data(problem: Quadratic) -> Data:
    """The data in Fractions of the floats that the problem holds; Unsupported where A is singular."""
    if problem.singular:
        raise Unsupported("rational arithmetic needs an invertible mean Hessian: use floating point")
    to_fraction = np.frompyfunc(Fraction, 1, 1)
    a, b = np.asarray(to_fraction(problem.A)), np.asarray(to_fraction(problem.b))
    n = problem.n
    mean = a.sum(axis=0) / Fraction(n)
    # x* in Fractions: with a rounded one the gradients at x* would not sum to 0, and means would drift.
    x = _solve(mean, b.sum(axis=0) / Fraction(n))
    return Data(a, np.matmul(a, x) - b, mean, None, x, problem)


def _solve(a: Array, b: Array) -> Array:
    """Gauss elimination in Fractions."""
    m = np.concatenate([a, b[:, None]], axis=1)
    d = len(b)
    for j in range(d):
        # Exact arithmetic needs a pivot that is not 0, and no large one.
        pivot = next(i for i in range(j, d) if m[i, j] != 0)
        m[[j, pivot]] = m[[pivot, j]]
        m[j] = m[j] / m[j, j]
        for i in range(d):
            if i != j:
                m[i] = m[i] - m[i, j] * m[j]
    return m[:, d]


@dataclass(frozen=True)
class Moments:
    """C = E cc' (the constant 1 is the last common entry in affine systems), D_i = E y_i c', E_i = E y_i y_i'."""

    C: Array
    D: Array | None = None
    E: Array | None = None


class Operator(Protocol):
    """One step of second moments, whoever wrote it: a `System` by its scheme, or the traced operator of any body.

    What searches, natural sizes and limits may ask of it: T itself, where each vector lies in C, and a point inside the
    cone. Nothing in here says how T is computed.
    """

    data: Data
    K: int
    size: int
    applications: int

    @property
    def M(self) -> int:
        """Kinds of memory of a worker."""

    @property
    def averages(self) -> dict[int, int]:
        """Which common vectors are the average of which kind of memory."""

    def slot(self, k: int, /) -> slice:
        """Where common vector k lies in C."""

    def interior(self, common: Array | None = None, memory: Array | None = None) -> Moments:
        """Moments inside the cone, of these standard deviations."""

    def __call__(self, state: Moments) -> Moments:
        """One step."""


def _t(m: Array) -> Array:
    """Transposes of the last two axes."""
    return np.swapaxes(m, -1, -2)


def _add(out: Array, factor: Number, more: Array) -> Array:
    """out += factor x more in place, in as few passes as the factor allows."""
    if factor == 1:
        out += more
    elif factor == -1:
        out -= more
    elif factor != 0:
        out += factor * more
    return out


class System:
    """T: one step of the second moments. affine=False leaves out the constant: the linear part that sets the rate."""

    def __init__(
        self,
        data: Data,
        scheme: Scheme,
        sketches: Sketches,
        affine: bool = True,
        noise: GradientNoise | None = None,
    ) -> None:
        """The operator of a scheme on these matrices, with the moments of its sketches.

        noise: of stochastic gradients, None for exact ones. Raises Unsupported for correlated workers whose averaged
        memory is no common vector: pairs of memories would enter.
        """
        self.data, self.scheme, self.affine, self.noise = data, scheme, affine, noise
        self.rational = data.A.dtype == object
        number: Callable[[Number], Number] = _fraction if self.rational else float
        self._number = number
        self.own = tuple(typed(m, number) for m in sketches.own)
        self.same = all(same(m, self.own[0]) for m in self.own)
        self.cross = None if sketches.cross is None else typed(sketches.cross, number)
        if self.cross is not None and _zero(self.cross):
            self.cross = None
        self.sketches, self.delta = sketches, sketches.delta
        self.down = None if sketches.down is None else typed(sketches.down, number)
        if scheme.down is None:
            self.down = None
        # E u_i (sum_j u_j)' holds E y_i ybar', which is in D only where ybar is a common vector.
        if scheme.memory is not None and self.cross is not None and scheme.average is None:
            raise Unsupported(
                "correlated workers with memories need the averaged memory among the common vectors"
            )
        # A_i' laid out in memory once: batched products with a transposed view are several times slower.
        self.half, self.turned = number(0.5), np.ascontiguousarray(_t(data.A))
        self.K = len(scheme.alpha)
        self.size = self.K * data.d + (1 if affine else 0)
        self.maps = tuple((number(b.probability), self._transition(b), b) for b in scheme.branches)
        self.applications = 0

    def linear(self) -> System:
        """The same without the constant."""
        return System(self.data, self.scheme, self.sketches, False, self.noise)

    @property
    def averages(self) -> dict[int, int]:
        """Which common vectors are the average of which kind of memory."""
        return {} if self.scheme.average is None or self.scheme.memory is None else {self.scheme.average: 0}

    @property
    def kept_cone(self) -> bool:
        """True when T is known to keep the cone {every block >= 0}: not for correlated workers with memories."""
        return self.cross is None or self.scheme.memory is None

    @property
    def M(self) -> int:
        """Kinds of memory."""
        return int(self.scheme.memory is not None)

    def own_map(self) -> Array:
        """v + w q (1, 1): what memories keep of themselves."""
        v, w, _ = (float(x) for x in self.scheme.memory or (1, 0, 0))
        return np.full((1, 1), v + w * float(self.scheme.q))

    def pairs(self, values: Array, inside: Array) -> Array:
        """T of the common vectors less noise, for every pair of eigenvalues of A: (d, d, K^2, K^2)."""
        d, k = len(values), self.K
        pair = np.zeros((d, d, k * k, k * k))
        for p, _, b in self.maps:
            f = np.array(b.tau, dtype=float) + values[:, None, None] * np.array(b.theta, dtype=float)
            # x lives on range(A): the factor of its kernel is 0.
            f[:, 0] *= inside[:, None]
            pair += float(p) * np.einsum("aik,bjl->abijkl", f, f).reshape(d, d, k * k, k * k)
        return pair

    def slot(self, k: int) -> slice:
        """Where common vector k lies."""
        return slice(k * self.data.d, (k + 1) * self.data.d)

    def _eye(self) -> Array:
        """The identity in the number type of the data."""
        eye = np.eye(self.data.d)
        return np.frompyfunc(lambda v: Fraction(int(v)), 1, 1)(eye) if self.rational else eye

    def zeros(self, *shape: int) -> Array:
        """Zeros of the system's number type."""
        return np.full(shape, Fraction(0), dtype=object) if self.rational else np.zeros(shape)

    def _transition(self, b: Branch) -> Array:
        """One branch's matrix on the common vectors: tau + theta A, the constant kept, x on range(A)."""
        f, eye, num = self.zeros(self.size, self.size), self._eye(), self._number
        for k in range(self.K):
            for j in range(self.K):
                f[self.slot(k), self.slot(j)] = num(b.tau[k][j]) * eye + num(b.theta[k][j]) * self.data.mean
        if self.affine:
            f[-1, -1] = num(1)
        if self.data.projector is not None:
            f[self.slot(0)] = self.data.projector @ f[self.slot(0)]
        return f

    def start(self, z: Array, y: Array | None, common: list[Array] | None = None) -> Moments:
        """Moments of a fixed state z (d,), y (n, d), and the common vectors after z (zeros, or the averaged memory)."""
        z = z if self.data.projector is None else self.data.projector @ z
        parts = [z, *(common or [])]
        parts += [self.zeros(self.data.d) for _ in range(len(parts), self.K)]
        if self.scheme.average is not None and y is not None:
            parts[self.scheme.average] = y.sum(axis=0) / self._number(self.data.n)
        c = np.concatenate([*parts, np.array([self._number(1)])] if self.affine else parts)
        if self.scheme.memory is None or y is None:
            return Moments(np.outer(c, c))
        return Moments(np.outer(c, c), y[:, :, None] * c, y[:, :, None] * y[:, None, :])

    def interior(self, common: Array | None = None, memory: Array | None = None) -> Moments:
        """Moments of independent normal vectors, inside the cone, consistent (ybar is the mean of the y_i).

        common (K,), memory (n, 1): their standard deviations, 1 by default.
        """
        d, n = self.data.d, self.data.n
        sizes = np.ones(self.K) if common is None else common
        own = np.ones(n) if memory is None else memory[:, 0]
        c = np.zeros((self.size, self.size))
        for k in range(self.K):
            # ybar of independent y_i has the variance sum s_i^2/n^2; any other value is no moment of the same
            # vectors.
            square = (own**2).sum() / n**2 if k == self.scheme.average else sizes[k] ** 2
            c[self.slot(k), self.slot(k)] = square * np.eye(d)
        if self.data.projector is not None:
            c[self.slot(0), self.slot(0)] = sizes[0] ** 2 * self.data.projector
        if self.scheme.memory is None:
            return Moments(c)
        cross = np.zeros((n, d, self.size))
        if self.scheme.average is not None:
            cross[:, :, self.slot(self.scheme.average)] = own[:, None, None] ** 2 * np.eye(d) / n
        return Moments(c, cross, own[:, None, None] ** 2 * np.eye(d))

    def _input(self, rows: Array, extra: Array | None) -> Array:
        """E u_i v' from E c v' given as rows, and E y_i v'."""
        sc, num = self.scheme, self._number
        # sum_k alpha_k c_k is the same for all workers: it is mixed once, and A_i meets it in one batched
        # product.
        inner = self._mixed([(a, rows[..., self.slot(k), :]) for k, a in enumerate(sc.alpha)])
        out = np.matmul(self.data.A, inner)
        for k, b in enumerate(sc.beta):
            _add(out, num(b), rows[..., self.slot(k), :])
        if self.affine and sc.sigma != 0:
            out += num(sc.sigma) * self.data.s[:, :, None] * rows[..., -1:, :]
        return out if extra is None else _add(out, num(sc.q), extra)

    def _output(self, columns: Array, extra: Array | None) -> Array:
        """E v u_i' from E v c' given as columns, and E v y_i'."""
        sc, num = self.scheme, self._number
        inner = self._mixed([(a, columns[..., self.slot(k)]) for k, a in enumerate(sc.alpha)])
        out = np.matmul(inner, self.turned)
        for k, b in enumerate(sc.beta):
            _add(out, num(b), columns[..., self.slot(k)])
        if self.affine and sc.sigma != 0:
            out += num(sc.sigma) * columns[..., -1:] * self.data.s[:, None, :]
        return out if extra is None else _add(out, num(sc.q), extra)

    def _mixed(self, parts: list[tuple[Number, Array]]) -> Array:
        """The sum of factor x array, without a copy where there is one and its factor is 1."""
        some = [(self._number(a), part) for a, part in parts if a != 0]
        first, rest = some[0], some[1:]
        out = first[1] if first[0] == 1 else first[0] * first[1]
        for a, part in rest:
            out = out + a * part
        return out

    def _mean_input(self) -> Array:
        """L with mean u_i = L c (the mean of the s_i is 0)."""
        out, eye, num, sc = self.zeros(self.data.d, self.size), self._eye(), self._number, self.scheme
        for k in range(self.K):
            out[:, self.slot(k)] = num(sc.alpha[k]) * self.data.mean + num(sc.beta[k]) * eye
        if sc.average is not None:
            out[:, self.slot(sc.average)] = out[:, self.slot(sc.average)] + num(sc.q) * eye
        return out

    def _own(self, m: Array) -> Array:
        """E eps_i eps_i' from E u_i u_i', (n, d, d); one call where all workers have the same law."""
        if self.same:
            return self.own[0](m)
        return np.stack([self.own[i](m[i]) for i in range(len(m))])

    def _eps(self, m: Array, c: Array) -> Array:
        """E eps_i eps_i', with the gradients' own noise where they are stochastic."""
        if self.noise is None:
            return self._own(m)
        # The point of the gradient is sum_k alpha_k c_k; its noise is a quadratic in that point and the 1.
        weights = np.zeros((self.data.d + self.affine, self.size))
        for k, a in enumerate(self.scheme.alpha):
            weights[: self.data.d, self.slot(k)] = float(a) * np.eye(self.data.d)
        weights[self.data.d :, self.K * self.data.d :] = 1.0
        xi = self.noise.covariance(weights @ c @ weights.T)
        # S_i (u_i + xi_i) - delta u_i: the sketch's noise on input and noise together, and delta xi_i beside
        # it.
        return self._own(m + xi) + float(self.delta) ** 2 * xi

    def _inputs(self, state: Moments) -> tuple[Array, Array | None, Array]:
        """E u_i c', E y_i u_i' and E u_i u_i' (symmetrised: an antisymmetric rounding mode would grow)."""
        # The order matters for cost alone: E u_i c' and E y_i u_i' are products of n d x d matrices, and E
        # u_i u_i' follows from both by one more.
        uc = self._input(state.C, state.D)
        yu = None if state.D is None else self._output(state.D, state.E)
        # E u_i y_i' belongs where E y_i u_i' stands: the symmetric part is the same
        return uc, yu, self._symmetric(self._output(uc, yu))

    def _symmetric(self, m: Array) -> Array:
        """(M + M')/2 of every matrix."""
        # An antisymmetric part is rounding, which T may multiply by more than rho.
        out = m + _t(m)
        out *= self.half
        return out

    def drift(self, state: Moments) -> Moments:
        """One step without the sketches' noise."""
        return self._step(state, *self._inputs(state), None)

    def drift_across(self, c: Array) -> Array:
        """What a step without noise puts into D from the common vectors alone."""
        if self.scheme.memory is None:
            n, d = self.data.n, self.data.d
            state = self.drift(Moments(c, self.zeros(n, d, self.size), self.zeros(n, d, d)))
            return np.asarray(state.D)
        uc = self._input(c, None)
        uc *= self._number(self.scheme.memory[1])
        d = np.matmul(uc, self.maps[0][1].T.copy())
        moved = (
            self._consistent(Moments(self._common(c, None, None), d)) if self.data.n == 1 else Moments(c, d)
        )
        return np.asarray(moved.D)

    def _heard(self, c: Array, noise: Array | None) -> Array | None:
        """E xi xi' of the broadcast, noise = E (mean eps)(mean eps)'."""
        spoken = self.scheme.down
        if self.down is None or spoken is None:
            return None
        row, eye, num = self.zeros(self.data.d, self.size), self._eye(), self._number
        for k, (a, b) in enumerate(zip(spoken.tau, spoken.theta, strict=True)):
            row[:, self.slot(k)] = num(a) * eye + num(b) * self.data.mean
        v = row @ c @ row.T
        if noise is not None:
            v = v + num(spoken.kappa) * num(spoken.kappa) * noise
        return np.asarray(self.down((v + v.T) / 2))

    def __call__(self, state: Moments) -> Moments:
        """One step."""
        self.applications += 1
        n = self._number(self.data.n)
        uc, yu, m = self._inputs(state)
        own = pair = self._eps(m, state.C)
        # n^2 E (mean eps)(mean eps)' = sum_i E eps_i eps_i' + sum_{i != j} E eps_i eps_j'; the second sum is
        # cross(n^2 E ubar ubar' - sum_i E u_i u_i'), without pairs of workers.
        noise = own.sum(axis=0)
        if self.cross is not None:
            mean = self._mean_input()
            noise = noise + self.cross(n * n * (mean @ state.C @ mean.T) - m.sum(axis=0))
            if state.D is not None:
                # n E eps_i (mean eps)' in the same way, which E y_i c' needs.
                pair = own + self.cross(n * np.matmul(uc, mean.T) - m)
        noise = noise / (n * n)
        return self._step(
            state, uc, yu, m=m, noise=noise, own=own, pair=pair, heard=self._heard(state.C, noise)
        )

    def _step(
        self,
        state: Moments,
        uc: Array,
        yu: Array | None,
        m: Array,
        noise: Array | None,
        own: Array | None = None,
        pair: Array | None = None,
        heard: Array | None = None,
    ) -> Moments:
        """Common vectors and memories after one step; own = E eps_i eps_i', pair = n E eps_i (mean eps)'."""
        c = self._common(state.C, noise, heard)
        if state.D is None or self.scheme.memory is None:
            return Moments(c)
        # y+ = v y + w u + r eps against c+ = f c + kappa mean eps: the product of both without noise, then
        # what the noise puts into both. A memory goes with one branch: `scheme_of` refuses a coin there.
        v, w, r = (self._number(x) for x in self.scheme.memory)
        _, f, branch = self.maps[0]
        d = np.matmul(_add(w * uc, v, state.D), f.T.copy())
        if pair is not None:
            for k, kappa in enumerate(branch.kappa):
                factor = self._number(kappa) * r / self._number(self.data.n)
                _add(d[:, :, self.slot(k)], factor, self._projected(pair, k))
        # E y+ y+' = w^2 E uu' + v^2 E yy' + 2 v w E yu' + r^2 E eps eps'; u and y carry no noise of this
        # step.
        e = w * w * m
        assert state.E is not None
        assert yu is not None
        _add(_add(e, v * v, state.E), 2 * v * w, yu)
        if own is not None:
            _add(e, r * r, own)
        return self._consistent(Moments(c, d, self._symmetric(e)))

    def _projected(self, m: Array, k: int) -> Array:
        """Columns of x brought to range(A) where A is singular; other vectors' are left."""
        return m if k or self.data.projector is None else m @ self.data.projector

    def _common(self, c: Array, noise: Array | None, heard: Array | None) -> Array:
        """E c+ c+': every branch's matrix, with the mean noise and the broadcast's where they go."""
        total = None
        p = self.data.projector
        for probability, f, branch in self.maps:
            # Each branch of a coin has its own matrix: second moments are averaged over them, not the
            # matrices.
            out = f @ c @ f.T
            for k, a in enumerate(branch.kappa):
                for j, b in enumerate(branch.kappa):
                    if noise is not None and a != 0 and b != 0:
                        part = self._projected(noise, j)
                        part = p @ part if p is not None and k == 0 else part
                        out[self.slot(k), self.slot(j)] += self._number(a) * self._number(b) * part
            out = probability * out
            total = out if total is None else total + out
        assert total is not None
        if heard is not None and self.scheme.down is not None:
            for k, a in enumerate(self.scheme.down.enters):
                for j, b in enumerate(self.scheme.down.enters):
                    if a != 0 and b != 0:
                        part = self._projected(heard, j)
                        part = p @ part if p is not None and k == 0 else part
                        total[self.slot(k), self.slot(j)] += self._number(a) * self._number(b) * part
        return np.asarray((total + total.T) / 2)

    def _consistent(self, m: Moments) -> Moments:
        """One worker: its memory is the average memory, and rounding must not tell them apart."""
        # With one worker ybar = y_1: two copies of the same moment drift apart by rounding, and their
        # difference is an eigenvector that nothing damps.
        k = self.scheme.average
        if k is None or self.data.n > 1:
            return m
        return Moments(m.C, m.C[None, self.slot(k)], m.C[None, self.slot(k), self.slot(k)])

    def mean_map(self) -> Array:
        """The linear map of the means of the common vectors, (K d, K d)."""
        size = self.K * self.data.d
        return np.asarray(sum(p * f[:size, :size] for p, f, _ in self.maps))


def _fraction(x: Number) -> Fraction:
    """A number as a Fraction, numpy's floats through Python's."""
    return Fraction(float(x)) if isinstance(x, np.floating) else Fraction(x)


def typed(m: MomentMap, number: Callable[[Number], Number]) -> MomentMap:
    """The map with coefficients of this kind: a Fraction beside floats would make objects of whole arrays."""
    c = np.array([number(v) for v in m.c]) if np.ndim(m.c) else number(m.c)
    return MomentMap(number(m.a), c, number(m.b))


def same(m: MomentMap, o: MomentMap) -> bool:
    """True for equal maps; a scalar c and an equal vector count as different."""
    return bool(m.a == o.a and m.b == o.b and np.shape(m.c) == np.shape(o.c) and np.all(m.c == o.c))


def _zero(m: MomentMap) -> bool:
    """True for the map that sends everything to 0."""
    return bool(m.a == 0 and m.b == 0 and np.all(m.c == 0))


def common_cross(maps: tuple[MomentMap, ...]) -> MomentMap | None:
    """The one cross map of all workers, None when it is zero; Unsupported when workers have different ones."""
    if any(not same(m, maps[0]) for m in maps):
        raise Unsupported("pairs of workers have different cross moments: exact dynamics needs one cross map")
    return None if _zero(maps[0]) else maps[0]
