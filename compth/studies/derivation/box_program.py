"""The semidefinite program of a cell of a box: one certificate whose coefficients are polynomials in the constants."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from fractions import Fraction
from math import comb

import numpy as np

from compth._types import Array
from compth.studies.derivation import recheck
from compth.studies.derivation.recheck import Data, Scalar
from compth.studies.derivation.recheck_box import BoxCell, between, degrees_of, poly
from compth.worst_case.solver import identity, layout, solve, solver_settings

Corners = list[list[str]]
GRID = 1 << 44
"""Solutions are rounded to multiples of 1/GRID."""
TOLERANCE = 1e-10
PLACES = ((0, 0), (0, 1), (1, 0), (1, 1))
"""The corners of a cell, mu first."""


def corners(values: Scalar) -> Corners:
    """A value for each corner, as text."""
    return [[str(values(i, j)) for j in (0, 1)] for i in (0, 1)]


class Program:
    """The semidefinite program of a cell: what multiplies each corner value of V and of the multipliers.

    Forms are float arrays (power of a, power of b, entry of the packed triangles).

    One program serves every rho: `certified` puts the corner values of rho in. Blocks are the matrix of means and,
    for several workers, that of deviations; `points` are the places of f - f*.
    """

    def __init__(self, made: BoxCell) -> None:
        self.made, u, zero = made, made.unrolled, Fraction(0)
        seen = list(u.seen())
        self.names = [f"P[{x},{y}]" for x, y in itertools.combinations_with_replacement(seen, 2)]
        if made.constants["n"] > 1:
            own = [k for k in seen if k not in u.server]
            self.names += [f"Q[{x},{y}]" for x, y in itertools.combinations_with_replacement(own, 2)]
        self.names += ["f"]
        self.multipliers = list(recheck.inequalities(u))

        # The statement is linear in V and in the multipliers: with one of them 1
        # and all others 0 the rechecker's own forms give the column of the program.
        # What is optimised and what is checked cannot come apart.
        def forms(rho: Scalar, scale: Scalar, v: Scalar, used: Scalar) -> tuple[recheck.Forms, recheck.Forms]:
            return recheck.statement(u, made.constants, rho, scale, v, used)

        whole, bound = forms(zero, Fraction(1), dict.fromkeys(self.names, Fraction(1)), {})
        whole = forms(zero, Fraction(1), {}, dict.fromkeys(self.multipliers, Fraction(1)))[0]
        self.points = sorted({*whole.values, u.places[-2], u.places[-1]})
        # With rho = 0 only -V+ is left of rho V - V+; `now` is V
        # itself, `known` minus each inequality's form.
        self.after = [self._packed(forms(zero, zero, {k: Fraction(1)}, {})[0]) for k in self.names]
        self.now = [self._packed(forms(zero, zero, {k: Fraction(1)}, {})[1]) for k in self.names]
        self.known = [self._packed(forms(zero, zero, {}, {k: Fraction(1)})[0]) for k in self.multipliers]
        self.normal = self._packed(forms(zero, Fraction(-1), {}, {})[1])
        self.sizes = tuple(x for x in (len(bound.mean), len(bound.deviation)) if x)
        self.state = self._state(len(seen), bound)

    def _state(self, count: int, bound: recheck.Forms) -> tuple[int, ...]:
        """The leading size of each block on which V lives: what V sees comes first."""
        own = sum(k in bound.apart for k in list(bound.at)[:count])
        return (count, own) if bound.apart else (count,)

    def _packed(self, forms: recheck.Forms) -> Array:
        """(powers of a, of b, values at the points and the blocks' entries by rows)."""
        flat: list[Scalar] = [forms.values.get(k, Fraction(0)) for k in self.points]
        flat += [x for block in (forms.mean, forms.deviation) for row in block for x in row]
        m, n = degrees_of(flat)
        out = np.zeros((m + 1, n + 1, len(flat)))
        for k, p in enumerate(flat):
            for (i, j), c in poly(p).terms.items() if p else ():
                out[i, j, k] = float(c)
        return out

    def certified(self, rho: Sequence[Sequence[Fraction]]) -> dict[str, Scalar] | None:
        """The cell with V, multipliers and rho at the corners; None where nothing was found that holds.

        rho: a table of Bernstein coefficients. What is returned has passed `BoxCell.upper_holds` in fractions.
        """
        x = self._solution(rho)
        if x is None:
            return None
        count, most = len(self.names), len(self.multipliers)
        size = 4 * count
        v = {k: self._corner(x, i, 0, count, False) for i, k in enumerate(self.names)}
        used = {k: self._corner(x, i, size, most, True) for i, k in enumerate(self.multipliers)}
        cell: dict[str, Scalar] = {**self.made.cell, "rho": [[str(x) for x in row] for row in rho]}
        cell |= {"v": {k: c for k, c in v.items() if _some(c)}}
        cell |= {"multipliers": {k: c for k, c in used.items() if _some(c)}}
        # A quarter of the program's t, rounded down: the room that is left is
        # what rounding V and multipliers to GRID may use up.
        cell |= {"scale": str(Fraction(int(x[-1] * GRID / 4), GRID))}
        # The solver is not trusted: whatever it found is a certificate only if the exact check says so.
        made = BoxCell(self._data, cell)
        return cell if made.upper_holds() else None

    @property
    def _data(self) -> Data:
        return self.made.data

    def _corner(self, x: Array, i: int, start: int, count: int, positive: bool) -> Corners:
        """The solution's corner values of one unknown, rounded to multiples of 1/GRID."""

        def value(a: int, b: int) -> Fraction:
            # Unknowns lie corner by corner, mu first. A multiplier a little below 0 is the solver's 0.
            raw = x[start + (2 * a + b) * count + i]
            return Fraction(round(max(raw, 0.0) * GRID if positive else raw * GRID), GRID)

        return corners(value)

    def _solution(self, rho: Sequence[Sequence[Fraction]]) -> Array | None:
        """max t with every Bernstein coefficient of the decrease >= t, V >= t |x|^2 at the corners, trace V = 1."""
        vs, most = 4 * len(self.names), 4 * len(self.multipliers)
        # The unknowns are corner values; by linear interpolation on the cell each Bernstein
        # coefficient of the decrease is a linear map of them. Largest t such that all these
        # matrices are >= t I: away from the boundary, so that rounding keeps them positive. trace
        # V = 1 on average, without which t could be scaled to any size.
        matrix = self._decrease(rho)
        columns, points = matrix.shape[2], len(self.points)
        at, weights = layout(self.sizes)
        scalars = matrix[:, :points, :].reshape(-1, columns)
        triangles = matrix[:, points:, :][:, at, :] * weights[None, :, None]
        scalars[:, -1] = -1.0
        triangles[:, :, -1] = -identity(self.sizes)
        now = np.array([n[0, 0] for n in self.now])
        positive, gap = self._positivity(now, columns)
        trace, signs = np.zeros(columns), np.zeros((most, columns))
        # The signs of the rows are the cone's: b - A x must lie in it,
        # so that "form >= t" is written with a minus.
        trace[:vs] = np.tile(self._traces(now), 4) / 4
        signs[:, vs:-1] = np.eye(most)
        rows = np.concatenate(
            [trace[None], -signs, -scalars, -gap, *(-t for t in triangles), *(-p for p in positive)]
        )
        right, objective = np.zeros(len(rows)), np.zeros(columns)
        right[0], objective[-1] = 1.0, -1.0
        cones = (1, len(signs) + len(scalars) + len(gap), self.sizes * len(triangles) + self.state * 4)
        x, _ = solve(objective, np.ascontiguousarray(rows.T), right, cones, solver_settings(TOLERANCE, True))
        return x if x[-1] > 0 else None

    def _decrease(self, rho: Sequence[Sequence[Fraction]]) -> Array:
        """(Bernstein coefficient, entry, unknown): rho V - V+ minus the multiples; the last unknown, t, is left 0."""
        # V = sum of (hat function of a corner) * (V there): products of polynomials rho * hat * form,
        # summed by powers and turned to Bernstein's basis once, at the common degree.
        rate, parts = _by_powers(rho), []
        for place in PLACES:
            hat = _by_powers(_hat(place))
            weighted = _times(rate, hat)
            both = zip(self.now, self.after, strict=True)
            parts += [[_times(weighted, n), _times(hat, f)] for n, f in both]
        for place in PLACES:
            hat = _by_powers(_hat(place))
            parts += [[_times(hat, f)] for f in self.known]
        shape = [max(p.shape[k] for some in parts for p in some) for k in (0, 1)]
        to_bernstein = _bernstein_of(*shape)
        out = np.zeros((shape[0] * shape[1], self.now[0].shape[2], len(parts) + 1))
        for k, some in enumerate(parts):
            out[:, :, k] = to_bernstein @ sum(_padded(p, shape) for p in some)
        return out

    def _leading(self, now: Array) -> list[Array]:
        """V's matrix on each block's leading part, by coefficient."""
        out, start = [], len(self.points)
        for size, used in zip(self.sizes, self.state, strict=True):
            out.append(now[:, start : start + size * size].reshape(-1, size, size)[:, :used, :used])
            start += size * size
        return out

    def _traces(self, now: Array) -> Array:
        gaps = now[:, : len(self.points)].sum(axis=1)
        out: Array = gaps + sum(np.trace(part, axis1=1, axis2=2) for part in self._leading(now))
        return out

    def _positivity(self, now: Array, columns: int) -> tuple[list[Array], Array]:
        """V - t normal on its blocks, and the multiple of f - f*, at each corner."""
        count = len(self.names)
        normal = self._leading(self.normal[0, 0][None])
        # V is linear between the corners, so that V >= t |x|^2 there is enough for the whole cell.
        gaps = now[:, : len(self.points)].sum(axis=1)
        blocks, lines = [], np.zeros((4, columns))
        for place in range(4):
            lines[place, place * count : (place + 1) * count] = gaps
            for part, unit, size in zip(self._leading(now), normal, self.state, strict=True):
                at, weights = layout((size,))
                line = np.zeros((len(at), columns))
                line[:, place * count : (place + 1) * count] = (
                    part.reshape(count, -1)[:, at].T * weights[:, None]
                )
                line[:, -1] = -unit.reshape(-1)[at] * weights
                blocks.append(line)
        return blocks, lines


def _some(c: Corners) -> bool:
    """Whether any corner value is not 0: a coefficient that vanishes on the cell is not written."""
    return any(x != "0" for row in c for x in row)


def _hat(place: tuple[int, int]) -> list[list[float]]:
    """1 at one corner, 0 at the others."""
    return [[float((i, j) == place) for j in (0, 1)] for i in (0, 1)]


def _by_powers(table: Sequence[Sequence[Scalar]]) -> Array:
    """A polynomial given by Bernstein coefficients: its coefficients by powers."""
    terms = between(table).terms
    out = np.zeros((len(table), len(table[0]), 1))
    for k, c in terms.items():
        out[(*k, 0)] = float(c)
    return out


def _times(p: Array, q: Array) -> Array:
    """The product of a scalar polynomial and of a vector of them.

    Shapes are (power of a, power of b, entry); p has one entry.
    """
    out = np.zeros((p.shape[0] + q.shape[0] - 1, p.shape[1] + q.shape[1] - 1, q.shape[2]))
    for i, j in itertools.product(range(p.shape[0]), range(p.shape[1])):
        if p[i, j, 0]:
            out[i : i + q.shape[0], j : j + q.shape[1]] += p[i, j, 0] * q
    return out


def _padded(p: Array, shape: Sequence[int]) -> Array:
    """Raised to a common degree by powers of coefficient 0, and flattened to (powers, entries)."""
    out = np.zeros((shape[0], shape[1], p.shape[2]))
    out[: p.shape[0], : p.shape[1]] = p
    return out.reshape(shape[0] * shape[1], -1)


def _bernstein_of(rows: int, lines: int) -> Array:
    """From coefficients by powers to Bernstein's, both directions at once."""

    def one(size: int) -> Array:
        return np.array(
            # a^k = sum over i >= k of C(i, k)/C(m, k) B_i(a), in each of the directions.
            [[comb(i, k) / comb(size - 1, k) if k <= i else 0.0 for k in range(size)] for i in range(size)]
        )

    out: Array = np.kron(one(rows), one(lines)).astype(float)
    return out
