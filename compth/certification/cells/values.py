"""What an expression is worth on a cell: a rational function of the cell's variable times powers of the unit.

value = unit^degree sqrt(radical) (a(t) + b(t) U) + shift K

U is one uniform draw, K a whole number that the cell leaves open (a multiple of the lattice, or the
exponent of an octave). `Log` is log2 of a value plus a number. Everything that leaves this form stops with
its line.

The claims are quadratic in x and y, so the same for c x: with the norm or the octave of x as unit a law on
all of R^d is a function of the share t = x_i / unit alone, and what has another degree does not scale and
stops. Everything is exact: Fractions and, for irrational borders, isolated roots (`proof.algebra`). What
must not be changed: a sign or floor that is told holds on all of the cell, with its ends as the cell has
them; where it does not the cell is cut (`Split`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from fractions import Fraction

from compth.certification.cells.nodes import Stopped
from compth.proof.algebra import NOUGHT, Rational, Root, between, inner_roots, rational, sign_at, value


class Split(Exception):
    """The cell must be cut at this point: a branch of the program goes both ways on it."""

    def __init__(self, at: Root) -> None:
        super().__init__(str(at))
        self.at = at


class Beyond(Exception):
    """The cells do not end: floors of x itself. step: between two of them; at least: where it may begin to repeat."""

    def __init__(self, step: Fraction, least: int = 1) -> None:
        super().__init__(f"step {step}")
        self.step, self.least = step, least


@dataclass(frozen=True)
class Cell:
    """A point (low = high) or an open interval of t, on which every decision of the program is one."""

    low: Root
    high: Root

    @property
    def point(self) -> bool:
        """True for one number."""
        return self.low is self.high

    @property
    def sample(self) -> Fraction:
        """A number inside; of an irrational point, one that is near."""
        return self.low.low if self.point else between(self.low, self.high)

    @property
    def bounded(self) -> bool:
        """True when both ends are numbers."""
        return not (self.low.end or self.high.end)

    def sign(self, f: Rational) -> int:
        """The sign of f on all of the cell. Raises Split where it changes, Stopped at a pole."""
        if f.constant is not None:
            return (f.constant > 0) - (f.constant < 0)
        # At a point the signs of numerator and denominator are exact, also at an irrational one.
        if self.point:
            below = sign_at(f.den, self.low)
            return sign_at(f.num, self.low) * below if below else _pole()
        # f changes its sign only at roots of its numerator and poles: the cell is cut at the first one
        # inside, and where there is none one sample settles the sign on all of it.
        for p in (f.num, f.den):
            for r in inner_roots(p, self.low, self.high)[:1]:
                raise Split(r)
        at = self.sample
        top, bottom = value(f.num, at), value(f.den, at)
        return ((top > 0) - (top < 0)) * ((bottom > 0) - (bottom < 0))

    def floor(self, f: Rational) -> int:
        """floor(f) where it is one number on the cell; else Split, or Beyond where there is no end of them.

        On an unbounded cell the floors of a linear f do not end: Beyond tells the distance between two of
        them, which becomes a lattice's step.
        """
        if f.constant is not None:
            return math.floor(f.constant)
        if not self.bounded:
            raise Beyond(_step(f))
        # floor at a sample, corrected until k <= f < k + 1 on all of the cell; where f crosses a whole
        # number inside, `sign` raises Split there, and the parts are asked again.
        at = self.sample
        k = math.floor(value(f.num, at) / value(f.den, at)) if value(f.den, at) else _pole()
        while self.sign(f - rational(k)) < 0:
            k -= 1
        while self.sign(f - rational(k + 1)) >= 0:
            k += 1
        return k


def _step(f: Rational) -> Fraction:
    """How far apart in t the jumps of floor(f) lie, for linear f."""
    if len(f.den) > 1 or len(f.num) != 2:
        raise Stopped("floors without end of what is not linear in x")
    return abs(1 / f.num[1])


def _pole() -> int:
    """A denominator that is 0 on the cell."""
    raise Stopped("a division by zero on a cell that matters")


@dataclass(frozen=True)
class Value:
    """unit^degree sqrt(radical) (a + b U_u) + shift K; b is None without a draw.

    The unit is the norm or octave of the chart (degree 1); K the whole number that counts lattice steps or
    octaves. radical: squarefree, so that equal irrational factors are recognised. One draw at most: two
    uniform draws in one value have a law that is no interval.
    """

    a: Rational
    degree: int = 0
    b: Rational | None = None
    u: int = -1
    shift: Fraction = Fraction(0)
    radical: Fraction = Fraction(1)

    @property
    def is_zero(self) -> bool:
        """True for 0 on every cell."""
        return self.b is None and not self.shift and not self.a.num

    @property
    def constant(self) -> Fraction | None:
        """The number that it is, None where it is none."""
        plain = self.b is None and not self.shift and self.radical == 1
        return self.a.constant if plain and (self.degree == 0 or not self.a.num) else None

    def __neg__(self) -> Value:
        """-value."""
        b = None if self.b is None else -self.b
        return replace(self, a=-self.a, b=b, shift=-self.shift)

    def __add__(self, other: Value) -> Value:
        """The sum. Raises Stopped for two draws, two degrees, or two irrational factors."""
        if self.is_zero or other.is_zero:
            return other if self.is_zero else self
        left, right = self._scaled_as(other)
        if left.b is not None and right.b is not None and left.u != right.u:
            raise Stopped("a sum of two draws")
        drawn = left if left.b is not None else right
        b = left.b + right.b if left.b is not None and right.b is not None else drawn.b
        b = None if b is not None and not b.num else b
        return Value(left.a + right.a, left.degree, b, drawn.u, left.shift + right.shift, left.radical)

    def _scaled_as(self, other: Value) -> tuple[Value, Value]:
        """Both with one degree and one radical."""
        if self.degree != other.degree and not self._timeless and not other._timeless:
            raise Stopped(
                "a sum of a multiple of the norm or scale of x and of something that does not scale with it"
            )
        degree = other.degree if self._timeless else self.degree
        if self.radical != other.radical and self.a.num and other.a.num:
            raise Stopped("a sum with an irrational factor")
        radical = other.radical if not self.a.num and self.b is None else self.radical
        return replace(self, degree=degree, radical=radical), replace(other, degree=degree, radical=radical)

    @property
    def _timeless(self) -> bool:
        """True for 0, which has every degree."""
        return not self.a.num and self.b is None and not self.shift

    def __mul__(self, other: Value) -> Value:
        """The product. Raises Stopped for two draws, and for K times what is no number."""
        if self.is_zero or other.is_zero:
            return ZERO
        if self.b is not None and other.b is not None:
            raise Stopped("a product of two draws")
        if self.shift or other.shift:
            return self._shifted(other)
        drawn, plain = (self, other) if self.b is not None else (other, self)
        b = None if drawn.b is None else drawn.b * plain.a
        # sqrt(r) sqrt(s) = factor sqrt(rest), with the squares of r s taken out.
        radical, factor = _squared(self.radical * other.radical)
        a = self.a * other.a * factor
        b = None if b is None else b * factor
        return Value(a, self.degree + other.degree, b, drawn.u, radical=radical)

    def _shifted(self, other: Value) -> Value:
        """A value that holds K, times a number."""
        by, held = (self.constant, other) if self.constant is not None else (other.constant, self)
        if by is None:
            raise Stopped("a product with a whole number that the cell leaves open")
        factor = rational(by)
        b = None if held.b is None else held.b * factor
        return replace(held, a=held.a * factor, b=b, shift=held.shift * by)

    def inverse(self, cell: Cell) -> Value:
        """1/value."""
        if self.b is not None or self.shift:
            raise Stopped("a division by a draw, or by a whole number that the cell leaves open")
        if cell.sign(self.a) == 0:
            _pole()
        return Value(_over(self.a, self.radical), -self.degree, radical=self.radical)


def _over(a: Rational, radical: Fraction) -> Rational:
    """1/(sqrt(r) a) = sqrt(r) / (r a)."""
    return rational(1) / (a * rational(radical))


def _squared(r: Fraction) -> tuple[Fraction, Rational]:
    """sqrt(r) = factor sqrt(rest): squares of primes taken out."""
    # sqrt(p/q) = sqrt(p q)/q: only whole numbers are factored. Squares of primes beyond 2000 stay inside:
    # then two equal roots may not be recognised, and the trace stops.
    top, outer = r.numerator * r.denominator, 1
    k = 2
    while k * k <= top and k < 2000:
        while top % (k * k) == 0:
            top //= k * k
            outer *= k
        k += 1
    return Fraction(top), rational(Fraction(outer, r.denominator))


def root_of(v: Value, cell: Cell) -> Value:
    """sqrt(v): of a number, a square, or an even power of the unit."""
    if v.is_zero:
        return ZERO
    if v.b is not None or v.shift or v.degree % 2 or v.radical != 1:
        raise Stopped("the root of a draw, or of an odd power")
    # sqrt(r^2) = |r|: the root with the sign that r has on this cell.
    square = _root_of_square(v.a)
    if square is not None:
        return Value(square if cell.sign(square) >= 0 else -square, v.degree // 2)
    if v.a.constant is None or v.a.constant < 0:
        raise Stopped("the root of what is no square")
    radical, factor = _squared(v.a.constant)
    return Value(factor, v.degree // 2, radical=radical)


def _root_of_square(f: Rational) -> Rational | None:
    """r with r^2 = f, for num and den of degree 0 or 2 with rational roots."""
    parts = [_polynomial_root(p) for p in (f.num, f.den)]
    return None if None in parts else Rational.of(*parts)  # type: ignore[arg-type]


def _polynomial_root(p: tuple[Fraction, ...]) -> tuple[Fraction, ...] | None:
    """sqrt of a constant, or of (a t + b)^2, by its leading and constant coefficients; None for others."""
    if len(p) not in (1, 3):
        return None
    lead = _exact_root(p[-1])
    if lead is None:
        return None
    if len(p) == 1:
        return (lead,)
    half = p[1] / (2 * lead)
    return (half, lead) if half * half == p[0] else None


def _exact_root(v: Fraction) -> Fraction | None:
    """sqrt where it is rational, else None."""
    if v < 0:
        return None
    top, bottom = math.isqrt(v.numerator), math.isqrt(v.denominator)
    return Fraction(top, bottom) if Fraction(top, bottom) ** 2 == v else None


@dataclass(frozen=True)
class Log:
    """log2(of) + plus, for a positive value without draws."""

    of: Value
    plus: Fraction = Fraction(0)

    def floor(self, cell: Cell, plus: Fraction = Fraction(0)) -> Value:
        """floor(log2(of) + plus): k with 2^k <= of 2^plus < 2^(k+1), compared in whole powers."""
        # log2 of a rational number is irrational as a rule: it is compared by powers. With plus = p/q, k <=
        # log2(z) + p/q is 2^(q k) <= z^q 2^p, a comparison of rational functions.
        added = self.plus + plus
        q = added.denominator
        powered = rational(Fraction(2) ** added.numerator)
        for _ in range(q):
            powered = powered * self.of.a
        if not cell.bounded or (not cell.point and _reaches_zero(powered, cell)):
            raise Stopped("the logarithm of x without end")
        # A float finds k up to one; the exact comparisons that follow correct it.
        at = value(powered.num, cell.sample) / value(powered.den, cell.sample)
        k = math.floor(math.log2(at) / q) if at > 0 else 0
        while cell.sign(powered - rational(Fraction(2) ** (q * k))) < 0:
            k -= 1
        while cell.sign(powered - rational(Fraction(2) ** (q * (k + 1)))) >= 0:
            k += 1
        return Value(rational(k), shift=Fraction(self.of.degree))

    def at_border(self, cell: Cell, k: Value) -> bool:
        """True where log2(of) + plus is the whole number that k is, less the unit's exponent."""
        # log2(z) + p/q = k if and only if z^q 2^p = 2^(q k).
        q = self.plus.denominator
        powered = rational(Fraction(2) ** self.plus.numerator)
        for _ in range(q):
            powered = powered * self.of.a
        return cell.sign(powered - rational(Fraction(2) ** (q * int(k.a.constant or 0)))) == 0

    def whole(self, cell: Cell) -> bool:
        """True where log2(of) + plus is a whole number."""
        k = self.floor(cell)
        lifted = rational(Fraction(2) ** (int(k.a.constant or 0)))
        exact = self.plus.denominator == 1
        return exact and cell.sign(self.of.a * rational(Fraction(2) ** self.plus.numerator) - lifted) == 0


def _reaches_zero(f: Rational, cell: Cell) -> bool:
    """True where a positive function comes down to 0 at an end of the cell: its logarithm has no end there."""
    return any(sign_at(f.num, end) == 0 for end in (cell.low, cell.high))


ZERO, ONE = Value(NOUGHT), Value(rational(1))


def whole(k: int | Fraction) -> Value:
    """A number as a value."""
    return Value(rational(k))
