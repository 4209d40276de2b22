"""Recheck a bracket for error feedback with unequal workers: the standard library alone, nothing of compth.

    python recheck.py BRACKET.json

The file speaks of EF ("accumulated errors") or EF21 ("compressed differences") with n workers, f_i mu_i-strongly convex
and L_i-smooth, messages C_i with E|C_i(v) - v|^2 <= (1 - delta) |v|^2, and one step size gamma. For EF all f_i share a
minimiser (at x* every gradient is 0); for EF21 they need not. It holds two things, which are checked in Fractions:

* upper: V and multipliers with E V(t+1) <= rho V(t) and V >= weight |x - x*|^2, for every such function and message;
* lower: a run of the method on quadratics that stays on x(t) = lambda^t D^t x(0), D a diagonal of signs, so that no
  V as above can have rho < lambda^2.

Vectors of the upper bound, by name: x (less x*), m_i (the memory, less its fixed point), g_i and h_i (gradients of f_i
at x and at the new x, less those at x*), e_i (what the message of worker i misses). What is proved is linear in their
second moments, so that it holds in expectation as well.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from fractions import Fraction
from itertools import permutations
from typing import TypedDict

Row = tuple[Fraction, ...]
Matrix = list[list[Fraction]]
DIFFERENCES, ERRORS = "compressed differences", "accumulated errors"
"""Rounds: EF21's and EF's."""
STAR, NOW, NEXT = "star", "now", "next"
POINTS = (STAR, NOW, NEXT)


class Lower(TypedDict):
    """The run on quadratics; every number as the text of a fraction."""

    factor: str
    signs: list[str]
    x: list[str]
    memory: list[list[str]]
    curvature: list[list[str]]


class Upper(TypedDict):
    """V and the multipliers; interpolation, positivity: "point,point" -> multiplier, of each worker."""

    rho: str
    weight: str
    quadratic: list[list[str]]
    bregman: list[str]
    interpolation: list[dict[str, str]]
    messages: list[str]
    positivity: list[dict[str, str]]


class Head(TypedDict):
    """What is spoken of, and the run."""

    method: str
    round: str
    mu: list[str]
    L: list[str]
    delta: str
    gamma: str
    lower: Lower


class Bracket(Head):
    """What a file holds."""

    upper: Upper


def times(c: Fraction, a: Sequence[Fraction]) -> Row:
    """c a."""
    return tuple(c * x for x in a)


def plus(*rows: Sequence[Fraction]) -> Row:
    """The sum of vectors."""
    return tuple(sum(column, Fraction(0)) for column in zip(*rows, strict=True))


def minus(a: Sequence[Fraction], b: Sequence[Fraction]) -> Row:
    """a - b."""
    return tuple(x - y for x, y in zip(a, b, strict=True))


def add_product(m: Matrix, c: Fraction, a: Sequence[Fraction], b: Sequence[Fraction]) -> None:
    """m += c (a b' + b a')/2, the matrix of c <a, b>."""
    if not c:
        return
    # Vectors are unit rows and short sums of them: only entries that are not 0 are visited.
    seen = [(j, v) for j, v in enumerate(b) if v]
    for i, u in enumerate(a):
        if u:
            half = c * u / 2
            for j, v in seen:
                m[i][j] += half * v
                m[j][i] += half * v


def positive(matrix: Matrix) -> bool:
    """True for a positive semidefinite matrix: elimination over Fractions, a zero pivot needs a zero row."""
    m = [row[:] for row in matrix]
    for k in range(len(m)):
        # L D L' without pivoting: a negative pivot is a negative Schur complement, and beside a zero one any
        # entry makes an indefinite 2 x 2 minor.
        pivot = m[k][k]
        if pivot < 0 or (pivot == 0 and any(m[k][k + 1 :])):
            return False
        for i in range(k + 1, len(m)):
            if m[i][k]:
                factor = m[i][k] / pivot
                for j in range(k, len(m)):
                    m[i][j] -= factor * m[k][j]
    return True


class Statement:
    """One round as linear forms in x, m_i, g_i, h_i, e_i: the method as it is written in the papers."""

    def __init__(self, kind: str, mu: Row, L: Row, delta: Fraction, gamma: Fraction) -> None:
        n = len(mu)
        if not (0 < n == len(L) and all(0 < a <= b for a, b in zip(mu, L, strict=True))):
            raise ValueError("constants need 0 < mu_i <= L_i, one each per worker")
        if not (0 < delta <= 1 and gamma > 0):
            raise ValueError("constants need 0 < delta <= 1 and gamma > 0")
        self.mu, self.L, self.loss, self.gamma, self.n = mu, L, 1 - delta, gamma, n
        # Coordinates: x, then m_i, g_i, h_i, e_i of the n workers. All that a round makes is a row in them.
        unit = [tuple(Fraction(int(i == j)) for j in range(1 + 4 * n)) for i in range(1 + 4 * n)]
        self.x, m, g = unit[0], unit[1 : 1 + n], unit[1 + n : 1 + 2 * n]
        h, self.e = unit[1 + 2 * n : 1 + 3 * n], unit[1 + 3 * n :]
        share = Fraction(1, n)
        if kind == DIFFERENCES:  # x+ = x - gamma mean m;  m_i+ = m_i + C_i(grad f_i(x+) - m_i)
            self.x_next = minus(self.x, times(gamma * share, plus(*m)))
            self.u = [minus(h[i], m[i]) for i in range(n)]
            m_next = [minus(h[i], self.e[i]) for i in range(n)]
        elif kind == ERRORS:  # u_i = m_i + gamma grad f_i(x);  x+ = x - mean C_i(u_i);  m_i+ = u_i - C_i(u_i)
            self.u = [plus(m[i], times(gamma, g[i])) for i in range(n)]
            sent = [minus(u, e) for u, e in zip(self.u, self.e, strict=True)]
            self.x_next = minus(self.x, times(share, plus(*sent)))
            m_next = list(self.e)
        else:
            raise ValueError(f"round={kind!r} must be {DIFFERENCES!r} or {ERRORS!r}")
        # At x* the differences from x* vanish: point and gradient are rows of zeros.
        self.g = {STAR: [times(Fraction(0), v) for v in g], NOW: g, NEXT: h}
        self.at = {STAR: times(Fraction(0), self.x), NOW: self.x, NEXT: self.x_next}
        self.state, self.state_next = [self.x, *m, *g], [self.x_next, *m_next, *h]

    def zeros(self) -> Matrix:
        """A matrix of zeros, one row a vector."""
        return [[Fraction(0)] * len(self.x) for _ in self.x]

    def add_interpolation(self, m: Matrix, c: Fraction, i: int, p: str, q: str) -> None:
        """m += c times the quadratic part of worker i's inequality between the points p and q.

        With b_p = f_i(p) - f_i(x*) - <grad f_i(x*), p - x*>, dx and dg the differences p - q:
        2(L-mu)(b_p - b_q) >= 2(L-mu) <g_q, dx> + |dg|^2 + mu L |dx|^2 - 2 mu <dg, dx>.
        """
        mu, L = self.mu[i], self.L[i]
        # Necessary and sufficient for points, gradients and values of an L-smooth mu-strongly convex function
        # when asked of every ordered pair (Taylor, Hendrickx, Glineur 2017); here times 2(L - mu), so that
        # nothing is divided.
        dx, dg = minus(self.at[p], self.at[q]), minus(self.g[p][i], self.g[q][i])
        add_product(m, 2 * (L - mu) * c, self.g[q][i], dx)
        add_product(m, c, dg, dg)
        add_product(m, c * mu * L, dx, dx)
        add_product(m, -2 * c * mu, dg, dx)

    def add_v(self, m: Matrix, c: Fraction, quadratic: Matrix, state: list[Row]) -> None:
        """m += c times the quadratic form of the state."""
        for i, row in enumerate(quadratic):
            for j, entry in enumerate(row):
                add_product(m, c * entry, state[i], state[j])


def upper_holds(data: Bracket) -> bool:
    """V = state' Q state + sum_i a_i b_i decreases by rho, and is at least weight |x - x*|^2."""
    s, upper = statement_of(data), data["upper"]
    rho, weight = Fraction(upper["rho"]), Fraction(upper["weight"])
    quadratic = [[Fraction(v) for v in row] for row in upper["quadratic"]]
    a, errors = row_of(upper["bregman"]), row_of(upper["messages"])
    pairs = [{tuple(k.split(",")): Fraction(v) for k, v in own.items()} for own in upper["interpolation"]]
    below = [{tuple(k.split(",")): Fraction(v) for k, v in own.items()} for own in upper["positivity"]]
    # Every multiplier weighs something that is >= 0: a negative one would prove nothing. rho and weight are
    # held to their ranges, for a file may say anything.
    signs = [*errors, *(v for own in (*pairs, *below) for v in own.values())]
    shapes = len(a) == len(errors) == len(pairs) == len(below) == s.n and len(quadratic) == len(s.state)
    if (
        not shapes
        or min(signs) < 0
        or not weight > 0
        or not 0 <= rho < 1
        or any(quadratic[i][j] != quadratic[j][i] for i in range(len(quadratic)) for j in range(i))
    ):
        return False
    # decrease = rho V - V+ less what the inequalities allow, in matrices; bound = V - weight |x - x*|^2
    # likewise. The function values have no matrix: they must cancel as numbers, worker by worker.
    decrease, bound = s.zeros(), s.zeros()
    s.add_v(decrease, rho, quadratic, s.state)
    s.add_v(decrease, Fraction(-1), quadratic, s.state_next)
    s.add_v(bound, Fraction(1), quadratic, s.state)
    add_product(bound, -weight, s.x, s.x)
    for i in range(s.n):
        add_product(decrease, -errors[i] * s.loss, s.u[i], s.u[i])
        add_product(decrease, errors[i], s.e[i], s.e[i])
        if not _balanced(s, i, pairs[i], {NOW: rho * a[i], NEXT: -a[i]}) or not _balanced(
            s, i, below[i], {NOW: a[i]}
        ):
            return False
        for (p, q), c in pairs[i].items():
            s.add_interpolation(decrease, c, i, p, q)
        for (p, q), c in below[i].items():
            s.add_interpolation(bound, c, i, p, q)
    return positive(decrease) and positive(bound)


def _balanced(
    s: Statement, i: int, used: Mapping[tuple[str, ...], Fraction], wanted: Mapping[str, Fraction]
) -> bool:
    """True when the function values of the inequalities used add up to those of V, point by point."""
    if not set(used) <= set(permutations(POINTS, 2)):
        return False
    # b_p enters with + where p is the first point and with - where it is the second; at x* b is 0.
    scale = 2 * (s.L[i] - s.mu[i])
    return all(
        wanted.get(p, Fraction(0))
        == scale * sum((c if p == k[0] else -c for k, c in used.items() if p in k), Fraction(0))
        for p in (NOW, NEXT)
    )


def lower_holds(data: Head) -> bool:
    """One exact round on f_i(x) = sum_j a_ij x_j^2/2 takes (x, m) to lambda D (x, m), and the messages are allowed."""
    s, lower = statement_of(data), data["lower"]
    gamma, factor = Fraction(data["gamma"]), Fraction(lower["factor"])
    signs, x = row_of(lower["signs"]), row_of(lower["x"])
    curvature, memory = [row_of(v) for v in lower["curvature"]], [row_of(v) for v in lower["memory"]]
    # Lengths agree, curvatures lie in [mu_i, L_i], D holds signs: else this is no run of the class.
    wide = {len(signs), len(x), *map(len, curvature), *map(len, memory)} == {len(x)}
    inside = all(s.mu[i] <= v <= s.L[i] for i, own in enumerate(curvature) for v in own)
    if not (wide and inside and len(curvature) == len(memory) == s.n and any(x) and set(signs) <= {1, -1}):
        return False
    turned = tuple(factor * v for v in signs)
    share = Fraction(1, s.n)
    # The messages are what the run needs them to be: u is what worker i is given, e what its message misses.
    if data["round"] == DIFFERENCES:
        x_next = minus(x, times(gamma * share, plus(*memory)))
        new = [product(own, x_next) for own in curvature]
        u = [minus(g, m) for g, m in zip(new, memory, strict=True)]
        e = [minus(g, product(turned, m)) for g, m in zip(new, memory, strict=True)]
    else:
        u = [plus(m, times(gamma, product(own, x))) for own, m in zip(curvature, memory, strict=True)]
        e = [product(turned, m) for m in memory]
        x_next = minus(x, times(share, plus(*(minus(a, b) for a, b in zip(u, e, strict=True)))))
    # |e|^2 <= (1 - delta)|u|^2 at each worker's own input is all that the class asks: C_i(v) = v - e <u,
    # v>/|u|^2 then satisfies it at every v.
    small = all(norm2(b) <= s.loss * norm2(a) for a, b in zip(u, e, strict=True))
    return small and factor > 0 and x_next == product(turned, x)


def product(a: Sequence[Fraction], b: Sequence[Fraction]) -> Row:
    """Entry by entry."""
    return tuple(x * y for x, y in zip(a, b, strict=True))


def norm2(a: Sequence[Fraction]) -> Fraction:
    """|a|^2."""
    return sum((x * x for x in a), Fraction(0))


def row_of(values: Sequence[str]) -> Row:
    """Numbers as Fractions."""
    return tuple(Fraction(v) for v in values)


def statement_of(data: Head) -> Statement:
    """What the file speaks of. Raises ValueError for constants out of range."""
    constants = row_of(data["mu"]), row_of(data["L"]), Fraction(data["delta"]), Fraction(data["gamma"])
    return Statement(data["round"], *constants)


def main(paths: Sequence[str]) -> int:
    """Some lines a file; 1 when one fails or is none, 2 without a file."""
    if not paths:
        sys.stderr.write("usage: python recheck.py BRACKET.json ...\n")
        return 2
    failed = 0
    for path in paths:
        try:
            with open(path, encoding="utf-8") as file:
                data = json.load(file)
            upper, lower = upper_holds(data), lower_holds(data)
            lines = _said(data, upper, lower)
        except (OSError, ValueError, KeyError, TypeError, AttributeError, ZeroDivisionError) as problem:
            upper, lines = False, [f"{path}: no bracket: {type(problem).__name__}: {problem}"]
        failed += not (upper and lower)
        sys.stdout.write("\n".join(lines) + "\n")
    return int(failed > 0)


def _said(data: Bracket, upper: bool, lower: bool) -> list[str]:
    """What is told of a file: its class, and whether each side holds."""
    constants = ", ".join(f"{k}={_shown(data[k])}" for k in ("mu", "L", "delta", "gamma"))
    rho, attained = float(Fraction(data["upper"]["rho"])), float(Fraction(data["lower"]["factor"]) ** 2)
    assumed = ["  assumes a minimiser that all f_i share"] if data["round"] == ERRORS else []
    return [
        _one_line(f"{data['round']}, which the file calls {data['method']}: {constants}"),
        *assumed,
        f"  upper: rho <= {rho:.9f} {'holds' if upper else 'FAILS'}",
        f"  lower: rho >= {attained:.9f} {'holds' if lower else 'FAILS'}",
    ]


def _one_line(text: str) -> str:
    """The text with a mark for what is not printed: a name that breaks the line would say what holds."""
    return "".join(c if c.isprintable() else "?" for c in text)


def _shown(value: object) -> str:
    """A number, or numbers in brackets, as the file spells them."""
    return f"({', '.join(value)})" if isinstance(value, list) else str(value)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
