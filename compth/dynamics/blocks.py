"""Second moments of any traced step: servers and means together, one block for each worker, no blocks between workers.

C = E cc' for the columns c of `lowered`, D_i = E y_i c', E_i = E y_i y_i' for worker i's own vectors y_i. E y_i y_j' is
never needed: sum_j E y_i y_j' = n E y_i ybar' lies in D_i. The noise of a draw is orthogonal to all that came before,
and for inputs u_i its blocks are (own, cross: the sketches' moment maps)
    E eps_i eps_i' = own(E u_i u_i'),   E eps_i epsbar' = (own + cross(n E u_i ubar' - E u_i u_i'))/n,
    E epsbar epsbar' = (sum own + cross(n^2 E ubar ubar' - sum E u_i u_i'))/n^2.

This is the operator that all others are held against: it has no form of its own, it follows the lowered program row by
row. It must stay linear in the state, keep what is symmetric symmetric, and add a draw's noise after all that the draw
cannot see. Which rows are computed once may change; the order of draws may not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from fractions import Fraction
from functools import cached_property

import numpy as np

from compth._numbers import Number
from compth._types import Numbers as Array
from compth.dynamics.forms import Sketches
from compth.dynamics.lowered import Lowered, Noise, NotClosed, Poly, Row
from compth.dynamics.system import Data, Moments, same, typed
from compth.errors import Unsupported
from compth.methods.core.vectors import GRADIENT, MESSAGE, PICKED, SPOKEN
from compth.problems.oracle import GradientNoise


def _t(m: Array) -> Array:
    """Transposes of the last two axes."""
    return np.swapaxes(m, -1, -2)


def _added(out: Array | None, c: Number, part: Array) -> Array:
    """out + c part, in place where there is an out, which is ours: no product of a large array by 1 or -1."""
    if out is None:
        return np.asarray(c * part)
    if c == 1:
        out += part
    elif c == -1:
        out -= part
    else:
        out += c * part
    return out


class Blocks:
    """T: one step of the second moments. affine=False leaves out the constant: the linear part that sets the rate."""

    def __init__(
        self,
        data: Data,
        low: Lowered,
        sketches: Sketches,
        affine: bool = True,
        noise: GradientNoise | None = None,
    ) -> None:
        """The operator of a lowered program on these matrices, with the moments of its sketches and gradients.

        low: which columns a step has and how each is made of others. noise: of stochastic gradients or drawn parts,
        None for exact ones. Raises Unsupported for several server vectors where the mean Hessian is singular, NotClosed
        where moments of higher order would enter.
        """
        self.data, self.low, self.affine, self.noise = data, low, affine, noise
        self.rational = data.A.dtype == object
        number: Callable[[Number], Number] = Fraction if self.rational else float
        self._number = number
        self.own = tuple(typed(m, number) for m in sketches.own)
        self.same = all(same(m, self.own[0]) for m in self.own)
        self.cross = None if sketches.cross is None else typed(sketches.cross, number)
        self.down = None if sketches.down is None else typed(sketches.down, number)
        self.K, self.M, self.J = len(low.columns) - len(low.noises), low.means, len(low.noises)
        if data.projector is not None and self.K > 1 and low.servers > 1:
            raise Unsupported(
                "the mean Hessian is singular: several server vectors have no closed recursion there"
            )
        draws = [v.draw for v in low.noises if v.kind == MESSAGE]
        if self.cross is not None and len(set(draws)) < len(draws):
            raise NotClosed(
                f"{low.name}: a sketch applied twice has exact dynamics for independent workers only"
            )
        self._check_draws()
        self.private = bool(self.M) or any(noise.input.mine for noise in low.noises)
        self.size = self.K * data.d + int(affine)
        self.applications = 0
        self._kept: dict[int, tuple[Poly, list[list[tuple[slice, Number]]]]] = {}

    def _check_draws(self) -> None:
        """NotClosed where a sketch is applied to what holds its own output."""
        for noise in self.low.noises:
            u = noise.input
            held = {column for column, _ in (*u.plain, *u.own)} | set(u.mine)
            before = {v.column for v in self.low.noises if v.kind == MESSAGE and v.draw == noise.draw}
            if noise.kind == MESSAGE and held & before:
                raise NotClosed(
                    f"{self.low.name}: a sketch applied to what holds its own output has moments of higher order"
                )

    # -- rows on moments

    def _slot(self, column: int) -> slice:
        """Where a column of the program lies in C: state, then the noises of the step."""
        return slice(column * self.data.d, (column + 1) * self.data.d)

    def slot(self, column: int) -> slice:
        """Where a server or a mean lies."""
        return self._slot(column)

    def _poly(self, p: Poly, X: Array) -> Array | None:
        """sum of coefficient A^power X[column], by Horner's rule."""
        out = None
        for entries in self._horner(p):
            # Horner in A: one product with A for each power, however many columns have it.
            out = None if out is None else self.data.mean @ out
            for at, c in entries:
                part = c * X[..., at, :]
                out = part if out is None else out + part
        return out

    def _horner(self, p: Poly) -> list[list[tuple[slice, Number]]]:
        """(where, coefficient) from the highest power down to 0; kept, because the rows are asked again and again."""
        found = self._kept.get(id(p))
        if found is None:
            top = max((power for _, power in p), default=-1)
            rows = [
                [(self._slot(k), self._number(c)) for (k, e), c in p.items() if e == power]
                for power in range(top, -1, -1)
            ]
            found = self._kept[id(p)] = (p, rows)
        return found[1]

    def _common(self, row: Row, X: Array) -> Array:
        """E v g' of a vector that all share, from E c g' = X."""
        out = self._poly(row.plain, X)
        if self.affine and row.star:
            more = self._number(row.star) * self.data.x_star[:, None] * X[..., -1:, :]
            out = more if out is None else out + more
        return self._zeros(*X.shape[:-2], self.data.d, X.shape[-1]) if out is None else out

    def _own(self, row: Row, X: Array, Y: Array | None) -> Array:
        """E v_i g' of the workers' vectors, from E c g' = X and E (y_i, eps_i) g' = Y."""
        # v_i = A_i (own part) + plain + noises of worker i + s_i: each kind of term costs one batched
        # operation.
        under, out = self._poly(row.own, X), None
        if under is not None:
            out = np.matmul(self.data.A, under)
        for column, c in row.mine.items():
            assert Y is not None
            out = _added(out, self._number(c), Y[:, self._slot(column - self.low.servers), :])
        if self.affine and row.s:
            out = _added(out, self._number(row.s), self.data.s[:, :, None] * X[..., -1:, :])
        if out is None:
            out = self._zeros(self.data.n, self.data.d, X.shape[-1])
        if row.plain or row.star:
            out += self._common(row, X)
        return out

    def _zeros(self, *shape: int) -> Array:
        """Zeros of the number type of the data."""
        return np.full(shape, Fraction(0), dtype=object) if self.rational else np.zeros(shape)

    # -- one step

    def _spread(self, state: Moments) -> tuple[Array, Array | None, Array | None]:
        """The moments with room for the noise."""
        d, n, old = self.data.d, self.data.n, self.K * self.data.d
        # Columns of this step's noises stand behind the state's, before the constant: they start at 0 and
        # every draw fills in its own rows, so that later inputs may hold earlier noises.
        wide = old + self.J * d
        index = np.r_[0:old, wide : wide + int(self.affine)]
        C = self._zeros(*(wide + int(self.affine),) * 2)
        C[np.ix_(index, index)] = state.C
        if not self.private:
            return C, None, None
        tall = (self.M + self.J) * d
        D, E = self._zeros(n, tall, len(C)), self._zeros(n, tall, tall)
        if state.D is None or state.E is None:
            return C, D, E
        D[:, : self.M * d, :old] = state.D[:, :, :old]
        if self.affine:
            D[:, : self.M * d, -1] = state.D[:, :, -1]
        E[:, : self.M * d, : self.M * d] = state.E
        return C, D, E

    def _maps(self, m: Array) -> Array:
        """E eps_i eps_i' from E u_i u_i', (n, d, d); one call where all workers have the same law."""
        if self.same:
            return self.own[0](m)
        return np.stack([o(x) for o, x in zip(self.own, m, strict=True)])

    def _draw(self, noise: Noise, C: Array, D: Array | None, E: Array | None, seen: list[Noise]) -> None:
        """Write the moments of one draw into the arrays."""
        at, u, n = self._slot(noise.column), noise.input, self.data.n
        if noise.kind == SPOKEN:
            # A broadcast is one draw for all: its noise is a common vector without parts of the workers.
            heard = self._heard(u, C)
            if heard is not None:
                C[at, at] += heard
            return
        if noise.kind in (GRADIENT, PICKED):
            point, weight = (u.own, self._number(u.s)) if noise.kind == PICKED else (u.plain, 1)
            eps, cross = self._gradient(point, weight, C), None
            total, pair = eps.sum(axis=0), eps / n
        else:
            # E u_i c' and E u_i (y_i, eps_i)' first, then E u_i u_i' from both: the input is linear in what
            # is kept.
            uc = self._own(u, C, D)
            uy = None if D is None or E is None else self._own(u, _t(D), E)
            m = self._own(u, _t(uc), None if uy is None else _t(uy))
            m = (m + _t(m)) / 2
            eps, cross = self._maps(m), self.cross
            total, pair = eps.sum(axis=0), eps / n
            if cross is not None:
                # Correlated workers: sum_{i != j} E u_i u_j' = n^2 E ubar ubar' - sum_i E u_i u_i', so that
                # no block between two workers is ever formed.
                mean = u.mean
                total = total + cross(n * n * self._common(mean, _t(self._common(mean, C))) - m.sum(axis=0))
                pair = pair + cross(n * _t(self._common(mean, _t(uc))) - m) / n
            self._together(noise, uc, uy, C=C, D=D, E=E, seen=seen)
        # The new noise has mean 0 given all that came before: nothing but its own block, and that with the
        # mean noise, is added.
        C[at, at] += total / (n * n)
        if D is not None and E is not None:
            own = self._slot(noise.column - self.low.servers)
            D[:, own, at] += pair
            E[:, own, own] += (eps + _t(eps)) / 2

    def _heard(self, u: Row, C: Array) -> Array | None:
        """E xi xi' of a broadcast; None where it is not compressed."""
        if self.down is None:
            return None
        m = self._common(u, _t(self._common(u, C)))
        return np.asarray(self.down((m + _t(m)) / 2))

    def _together(
        self,
        noise: Noise,
        uc: Array,
        uy: Array | None,
        C: Array,
        D: Array | None,
        E: Array | None,
        seen: list[Noise],
    ) -> None:
        """E eps_a eps_b' = own(E u_a u_b') of a sketch that was applied before, to inputs without its own output."""
        before = [v for v in seen if v.kind == MESSAGE and v.draw == noise.draw]
        n, at = self.data.n, self._slot(noise.column)
        # The same sketch on two inputs of a worker: their noises are correlated through S - delta alone, and
        # the moment map is linear in E u_a u_b'.
        for v in before:
            both = self._maps(self._own(v.input, _t(uc), None if uy is None else _t(uy)))
            there = self._slot(v.column)
            C[there, at] += both.sum(axis=0) / (n * n)
            C[at, there] += _t(both.sum(axis=0)) / (n * n)
            if D is not None and E is not None:
                a, b = (self._slot(c.column - self.low.servers) for c in (v, noise))
                D[:, a, at] += both / n
                D[:, b, there] += _t(both) / n
                E[:, a, b] += both
                E[:, b, a] += _t(both)

    def _gradient(self, point: Poly, weight: Number, C: Array) -> Array:
        """The covariance of every worker's noise of a gradient, or of several whose weights add to `weight`."""
        # The covariance of a stochastic gradient is a quadratic in (z, 1): it takes the second moment of
        # both.
        z = self._common(Row(plain=point), C)
        square = self._common(Row(plain=point), _t(z))
        if self.affine:
            corner = np.zeros((self.data.d + 1,) * 2)
            corner[:-1, :-1] = square
            corner[:-1, -1] = corner[-1, :-1] = weight * z[:, -1]
            corner[-1, -1] = weight * weight * C[-1, -1]
            square = corner
        assert self.noise is not None  # only a stochastic oracle or drawn parts put such an operation in
        return np.asarray(self.noise.covariance((square + square.T) / 2))

    def __call__(self, state: Moments) -> Moments:
        """One step."""
        self.applications += 1
        C, D, E = self._spread(state)
        seen: list[Noise] = []
        for noise in self.low.noises:
            self._draw(noise, C, D, E, seen)
            seen.append(noise)
        return self._settled(C, D, E)

    def drift(self, state: Moments) -> Moments:
        """One step without noise."""
        return self._settled(*self._spread(state))

    def _settled(self, C: Array, D: Array | None, E: Array | None) -> Moments:
        """The moments after the step, averaged over the leaves; what several leaves share is computed once."""
        rows, places = self._distinct
        last = [len(rows) * self.data.d] if self.affine else []
        whole_state = (
            len(places) == 1 and len(rows) == self.K
        )  # two vectors may move alike: their rows are one
        where = [slice(None) if whole_state else np.r_[at, last].astype(int) for at in places]

        def right(X: Array) -> Array:
            """E g v' from E g c' = X, for every distinct next server or mean v, and for the 1."""
            out = []
            for row, inside in rows:
                found = _t(self._common(row, _t(X)))
                out.append(found @ self.data.projector if inside else found)
            return np.concatenate([*out, X[..., -1:]] if self.affine else out, axis=-1)

        # E v w' of all distinct next vectors at once; a leaf is then a selection of rows and columns. Leaves
        # of a coin share most of their vectors, which would otherwise be computed once a leaf.
        whole = right(_t(right(C)))
        chances = [self._number(p) for p, _, _ in self.low.leaves]
        c = np.asarray(sum(p * whole[at][:, at] for p, at in zip(chances, where, strict=True)))
        c = (c + c.T) / 2
        if not self.M or D is None or E is None:
            return Moments(c)
        d, e = self._zeros(1), self._zeros(1)
        known: list[tuple[tuple[Row, ...], Array, Array]] = []
        for p, at, (_, _, own) in zip(chances, where, self.low.leaves, strict=True):
            found = next((k for k in known if k[0] == own), None)
            if found is None:
                vc = np.concatenate([self._own(r, C, D) for r in own], axis=1)
                vy = np.concatenate([self._own(r, _t(D), E) for r in own], axis=1)
                moved = np.concatenate([self._own(r, _t(vc), _t(vy)) for r in own], axis=1)
                found = (own, right(vc), moved)
                known.append(found)
            d, e = d + p * found[1][..., at], e + p * found[2]
        return Moments(c, d, (e + _t(e)) / 2)

    @cached_property
    def _distinct(self) -> tuple[list[tuple[Row, bool]], list[Array]]:
        """The rows of all leaves' servers and means, each once (x's apart where it is projected), and their places."""
        rows: list[tuple[Row, bool]] = []
        where = []
        for _, common, _ in self.low.leaves:
            at = []
            for k, row in enumerate(common):
                key = (row, k == 0 and self.data.projector is not None)
                if key not in rows:
                    rows.append(key)
                at.append(rows.index(key))
            where.append(at)
        d = self.data.d
        return rows, [np.array([i for u in at for i in range(u * d, (u + 1) * d)]) for at in where]

    # -- where it begins, and what is read

    def start(self, servers: Iterable[Array], workers: Iterable[Array]) -> Moments:
        """Moments of fixed vectors, measured from the fixed point: servers (d,), workers (n, d)."""
        own = list(workers)
        parts = [*servers, *(y.mean(axis=0) for y in own)]
        parts[0] = parts[0] if self.data.projector is None else self.data.projector @ parts[0]
        c = np.concatenate([*parts, [self._number(1)]] if self.affine else parts)
        if not self.M:
            return Moments(np.outer(c, c))
        # Fixed vectors: every second moment is a product, and E y_i c' keeps the worker apart from the mean.
        y = np.concatenate(own, axis=1)
        return Moments(np.outer(c, c), y[:, :, None] * c, y[:, :, None] * y[:, None, :])

    @property
    def averages(self) -> dict[int, int]:
        """Which columns are the average of which of a worker's vectors."""
        return {self.low.servers + m: m for m in range(self.M)}

    def interior(self, common: Array | None = None, memory: Array | None = None) -> Moments:
        """Moments of independent normal vectors: inside the cone, the means those of the workers' vectors.

        common (K,), memory (n, M): their standard deviations, 1 by default.
        """
        d, n, first = self.data.d, self.data.n, self.low.servers
        sizes = np.ones(self.K) if common is None else np.array(common, dtype=float)
        own = np.ones((n, self.M)) if memory is None else memory
        # The columns of averages must be those of the workers' vectors, or the point is outside the cone of
        # moments that can occur.
        sizes[first : self.K] = np.sqrt((own**2).sum(axis=0)) / n if self.M else sizes[first : self.K]
        c = np.eye(self.size)
        for k in range(self.K):
            c[self.slot(k), self.slot(k)] *= sizes[k] ** 2
        if self.data.projector is not None:
            c[:d, :d] = sizes[0] ** 2 * self.data.projector
        if not self.M:
            return Moments(c)
        wide = np.repeat(own**2, d, axis=1)
        cross = np.zeros((n, self.M * d, self.size))
        cross[:, :, first * d : self.K * d] = wide[:, :, None] * np.eye(self.M * d) / n
        return Moments(c, cross, wide[:, :, None] * np.eye(self.M * d))

    def pairs(self, values: Array, inside: Array) -> Array:
        """T of servers and means less noise, for every pair of eigenvalues of A: (d, d, K^2, K^2)."""
        d, k = len(values), self.K
        pair = np.zeros((d, d, k * k, k * k))
        for p, common, _ in self.low.leaves:
            f = np.zeros((d, k, k))
            for row, r in enumerate(common):
                for (column, power), c in r.plain.items():
                    if column < k:
                        f[:, row, column] += float(c) * values**power
            # x lives on range(A): what the step puts on the kernel is projected away.
            f[:, 0] *= inside[:, None]
            pair += float(p) * np.einsum("aik,bjl->abijkl", f, f).reshape(d, d, k * k, k * k)
        return pair

    def mean_map(self) -> Array:
        """The linear map of the means of servers and means, (K d, K d)."""
        width = self.K * self.data.d
        wide = np.eye(width + self.J * self.data.d + int(self.affine))[:, :width]
        out = np.asarray(
            sum(
                float(p) * np.concatenate([self._common(Row(plain=r.plain), wide) for r in common])
                for p, common, _ in self.low.leaves
            )
        )
        if self.data.projector is not None:
            keep = np.eye(width)
            keep[: self.data.d, : self.data.d] = self.data.projector
            out = keep @ out @ keep
        return out

    def own_map(self) -> Array:
        """What the workers' vectors keep of themselves in the mean, (M, M)."""
        first = self.low.servers
        return np.asarray(
            sum(
                float(p) * np.array([[float(r.mine.get(first + m, 0)) for m in range(self.M)] for r in own])
                for p, _, own in self.low.leaves
            )
        )

    @property
    def kept_cone(self) -> bool:
        """True when T is known to keep the cone of block-wise second moments."""
        return self.cross is None or not self.M
