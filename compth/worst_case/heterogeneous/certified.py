"""A certified rate of error feedback with unequal workers: one LMI on a round, rounded to exact numbers.

V may see the point, every worker's memory and gradient, and f_i as b_i = f_i(x) - f_i(x*) - <grad f_i(x*), x - x*>.
With the gradients' differences from x* and the b_i in it V closes the gap to the quadratics for EF21; without them
(V on the mean gradient and the residuals alone) it stays 0.01 to 0.4 % of 1 - rho above.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import permutations

import numpy as np

from compth._numbers import Number
from compth._types import Array
from compth.worst_case.heterogeneous.recheck import (
    NEXT,
    NOW,
    POINTS,
    STAR,
    Head,
    Row,
    Statement,
    Upper,
    add_product,
    upper_holds,
)
from compth.worst_case.solver import TOLERANCE, identity, layout, solve, solver_settings

Pair = tuple[str, str]
GRID = 1 << 44
"""Float solutions are rounded to multiples of 1/GRID."""
PAIRS: tuple[Pair, ...] = tuple(permutations(POINTS, 2))
POSITIVE: tuple[Pair, ...] = ((NOW, STAR), (STAR, NOW))
SHARES = tuple(10.0**k for k in range(-8, 0))
"""Of 1 - rho: how far above the quadratics' rate a certificate is tried, tenfold each time."""
CLOSE = 0.1
"""Halving stops where the share that failed is within this much of the one that passed, relative."""


@dataclass(frozen=True)
class Solved:
    """V and multipliers of largest margin, in floats and in units where mean (L_i + mu_i) = 2."""

    margin: float
    quadratic: Array
    interpolation: Array
    messages: Array
    positivity: Array


class Lmi:
    """The LMI of a statement in units where mean (L_i + mu_i) = 2, assembled once and solved at any rho."""

    def __init__(self, statement: Statement) -> None:
        self.s = statement
        self.n, self.states = statement.n, len(statement.state)
        self.entries = [(i, j) for i in range(self.states) for j in range(i, self.states)]
        self.size = len(statement.x)

    def _matrix(self, *terms: tuple[Number, Row, Row]) -> Array:
        """The symmetric matrix of a sum of c <a, b>."""
        m = self.s.zeros()
        for c, a, b in terms:
            add_product(m, Fraction(c), a, b)
        return np.array(m, dtype=float)

    @cached_property
    def now(self) -> Array:
        """Matrices of the entries of V before the round."""
        return self._products(self.s.state)

    @cached_property
    def after(self) -> Array:
        """Matrices of the entries of V after the round."""
        return self._products(self.s.state_next)

    def _products(self, state: Sequence[Row]) -> Array:
        """A matrix for each entry of V: of its product of two vectors of the state."""
        return np.array([self._matrix((1 if i == j else 2, state[i], state[j])) for i, j in self.entries])

    @cached_property
    def inequalities(self) -> Array:
        """Matrices that the interpolation multipliers add, (n, 6)."""
        return np.array([[self._inequality(i, p, q) for p, q in PAIRS] for i in range(self.n)])

    def _inequality(self, i: int, p: str, q: str) -> Array:
        """The matrix of worker i's inequality between two points."""
        m = self.s.zeros()
        self.s.add_interpolation(m, Fraction(1), i, p, q)
        return np.array(m, dtype=float)

    @cached_property
    def messages(self) -> Array:
        """Matrices that the messages' multipliers add."""
        s = self.s
        return np.array([self._matrix((-s.loss, s.u[i], s.u[i]), (1, s.e[i], s.e[i])) for i in range(self.n)])

    def largest_margin(self, rho: float) -> Solved:
        """max t: decrease >= t I, V >= t I, trace V = 1, multipliers >= 0; feasible at rho iff t > 0.

        Unknowns by column: entries of Q, six interpolation multipliers a worker, n of messages, two of positivity a
        worker, t. The coefficients a_i of V are what the multipliers leave: one equality a worker and a point.
        """
        # The unknowns as columns: for each of them its matrix in the decrease (rho V - E V+ less what the
        # multipliers add) and in the bound (V on the state, plus interpolation with x*).
        n, q, keep = self.n, len(self.entries), self.states
        low = self.inequalities[:, [PAIRS.index(k) for k in POSITIVE]]
        decrease = [*(rho * self.now - self.after), *self.inequalities.reshape(6 * n, *2 * (self.size,))]
        decrease += [*self.messages, *np.zeros((2 * n, self.size, self.size))]
        bound = [*self.now[:, :keep, :keep], *np.zeros((7 * n, keep, keep))]
        bound += [*low.reshape(2 * n, self.size, self.size)[:, :keep, :keep]]
        unknown = q + 9 * n + 1
        equal = self._equalities(rho, unknown)
        # trace V = 1: the problem is homogeneous, and the margin needs a scale.
        equal[-1, :-1] = [np.trace(b) for b in bound]
        signs = np.eye(unknown)[q:-1]
        rows = [equal, -signs]
        for matrices, size in ((decrease, self.size), (bound, keep)):
            where, weights = layout((size,))
            flat = np.array([m.ravel()[where] * weights for m in matrices]).T
            rows.append(np.column_stack([-flat, identity((size,))]))
        columns = np.concatenate(rows)
        right = np.zeros(len(columns))
        right[2 * n] = 1.0
        objective = np.zeros(unknown)
        objective[-1] = -1.0
        cones = (2 * n + 1, len(signs), (self.size, keep))
        x, _ = solve(
            objective, np.ascontiguousarray(columns.T), right, cones, solver_settings(TOLERANCE, True)
        )
        quadratic = np.zeros((keep, keep))
        for (i, j), v in zip(self.entries, x[:q], strict=True):
            quadratic[i, j] = quadratic[j, i] = v
        own, sent, below = x[q : q + 6 * n], x[q + 6 * n : q + 7 * n], x[q + 7 * n : -1]
        return Solved(float(x[-1]), quadratic, own.reshape(n, 6), sent, below.reshape(n, 2))

    def _equalities(self, rho: float, unknown: int) -> Array:
        """Function values cancel: a_i = low_0 - low_1, rho a_i what is left at x, -a_i at the new x; one row to spare.

        Row 2i is a worker's second equation, row 2i + 1 its third, both with a_i put in.
        """
        # b_i has no matrix: its coefficients must cancel as numbers. In the bound net = low_0 - low_1 is a_i;
        # in the decrease rho a_i is left at x and -a_i at the new x.
        n, q = self.n, len(self.entries)
        equal = np.zeros((2 * n + 1, unknown))
        for i in range(n):
            first, low = q + 6 * i, q + 7 * n + 2 * i
            for k, (p, r) in enumerate(PAIRS):
                equal[2 * i, first + k] = (p == NOW) - (r == NOW)
                equal[2 * i + 1, first + k] = (p == NEXT) - (r == NEXT)
            equal[2 * i, low : low + 2] = -rho, rho
            equal[2 * i + 1, low : low + 2] = 1, -1
        return equal

    def rounded(self, rho: Fraction, unit: Fraction, power: int) -> Upper | None:
        """The certificate at rho in the user's units, None where none was found.

        unit: what f was divided by; power: the memory's unit as a power of that of f. Multipliers are rounded, then
        one a worker and point is raised so that function values cancel exactly.
        """
        found = self.largest_margin(float(rho))
        if not found.margin > 0:
            return None
        # Back in the user's units: a point by 1, gradients by f's unit, memories by its power.
        g = (
            [Fraction(1)] + [unit**power] * self.n + [unit] * self.n
        )  # what a vector is divided by in these units
        quadratic = [
            [_fraction(v) / g[i] / g[j] for j, v in enumerate(row)] for i, row in enumerate(found.quadratic)
        ]
        interpolation, positivity, bregman = [], [], []
        for i in range(self.n):
            own = {
                k: max(_fraction(v), Fraction(0)) for k, v in zip(PAIRS, found.interpolation[i], strict=True)
            }
            below = {
                k: max(_fraction(v), Fraction(0)) for k, v in zip(POSITIVE, found.positivity[i], strict=True)
            }
            # Rounded multipliers no longer cancel function values: one of them a point is raised, which
            # weakens nothing, for its inequality is true with any nonnegative multiplier.
            net = below[NOW, STAR] - below[STAR, NOW]
            _balance(own, NEXT, -net)
            _balance(own, NOW, rho * net)
            interpolation.append({",".join(k): str(v / unit**2) for k, v in own.items()})
            positivity.append({",".join(k): str(v / unit**2) for k, v in below.items()})
            scale = 2 * (self.s.L[i] - self.s.mu[i])
            bregman.append(str(scale * net / unit))
        return {
            "rho": str(rho),
            "weight": str(_fraction(found.margin) / 4),
            "quadratic": [[str(v) for v in row] for row in quadratic],
            "bregman": bregman,
            "interpolation": interpolation,
            "messages": [str(max(_fraction(v), Fraction(0)) / unit ** (2 * power)) for v in found.messages],
            "positivity": positivity,
        }


def _fraction(v: float) -> Fraction:
    """A float to the grid of 1/GRID."""
    return Fraction(round(float(v) * GRID), GRID)


def _balance(used: dict[Pair, Fraction], point: str, wanted: Fraction) -> None:
    """Raise one multiplier between the point and x* so that the net weight of the function value there is `wanted`."""
    net = sum((c if k[0] == point else -c for k, c in used.items() if point in k), Fraction(0))
    key = (point, STAR) if wanted > net else (STAR, point)
    used[key] += abs(wanted - net)


def least_certified(
    statement: Statement, lower: Fraction, unit: Fraction, power: int, head: Head
) -> Upper | None:
    """The least rho above `lower` that was certified, None where none below 1 was.

    head: the statement in the user's units, against which every candidate is checked in Fractions.
    """
    lmi, failed, passed = Lmi(statement), 0.0, 1.0
    best: Upper | None = None

    def at(share: float) -> Upper | None:
        # A short rho: its denominator runs through every entry of the exact check.
        rho = lower + (1 - lower) * Fraction(share)
        upper = lmi.rounded(rho.limit_denominator(10**12), unit, power)
        return upper if upper is not None and upper_holds({**head, "upper": upper}) else None

    # Tenfold above what quadratics attain until one is certified, then halving back down.
    for share in SHARES:
        best = at(share)
        if best:
            passed = share
            break
        failed = share
    while best and passed - failed > CLOSE * passed:
        middle = (failed + passed) / 2
        better = at(middle)
        if better:
            passed, best = middle, better
        else:
            failed = middle
    return best
