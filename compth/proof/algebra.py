"""Exact real algebra of one variable, standard library only: polynomials, their real roots, rational functions.

A polynomial is a tuple of Fractions, the constant first, without trailing zeros; () is 0. A `Root` is a rational
number, an irrational root of a polynomial held in an interval, or one of the two infinities; its comparisons are exact.

Part of what a certificate of cells is checked with, so it stays exact and self-contained: Fractions, no floats in any
decision (`Root.__float__` is for messages), no search whose failure could look like a proof. Degrees are small, a dozen
at most; everything that repeats (chains, roots, squarefree parts) is remembered by the polynomial.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from itertools import pairwise, zip_longest

Poly = tuple[Fraction, ...]
ZERO, ONE = Fraction(0), Fraction(1)
T: Poly = (ZERO, ONE)
"""The variable itself."""


def poly(*coefficients: int | Fraction) -> Poly:
    """The polynomial with these coefficients, the constant first."""
    return _trim([Fraction(c) for c in coefficients])


def _trim(c: list[Fraction]) -> Poly:
    """Without trailing zeros, so that equal polynomials are equal tuples and the last coefficient leads."""
    while c and c[-1] == 0:
        c.pop()
    return tuple(c)


def add(a: Poly, b: Poly) -> Poly:
    """a + b."""
    return _trim([u + v for u, v in zip_longest(a, b, fillvalue=ZERO)])


def scale(a: Poly, by: Fraction) -> Poly:
    """by * a."""
    return _trim([by * v for v in a])


def sub(a: Poly, b: Poly) -> Poly:
    """a - b."""
    return add(a, scale(b, -ONE))


def mul(a: Poly, b: Poly) -> Poly:
    """a * b."""
    if not a or not b:
        return ()
    out = [ZERO] * (len(a) + len(b) - 1)
    for i, u in enumerate(a):
        for j, v in enumerate(b):
            out[i + j] += u * v
    return _trim(out)


def value(a: Poly, at: Fraction) -> Fraction:
    """a(at), by Horner's rule."""
    total = ZERO
    for c in reversed(a):
        total = total * at + c
    return total


def derivative(a: Poly) -> Poly:
    """da/dt."""
    return _trim([k * c for k, c in enumerate(a)][1:])


def divided(a: Poly, b: Poly) -> tuple[Poly, Poly]:
    """(quotient, remainder) of a by b: a = q b + r, r of lower degree than b. ZeroDivisionError for b = 0."""
    rest, out = list(a), [ZERO] * max(0, len(a) - len(b) + 1)
    # Euclid's division: the leading term of the rest is taken off in each round, so the degree falls.
    while len(rest) >= len(b):
        factor, shift = rest[-1] / b[-1], len(rest) - len(b)
        out[shift] = factor
        for i, c in enumerate(b):
            rest[i + shift] -= factor * c
        rest = list(_trim(rest))
        if not rest:
            break
    return _trim(out), tuple(rest)


def gcd(a: Poly, b: Poly) -> Poly:
    """The greatest common divisor with leading coefficient 1; () for two zeros.

    Its roots are the common roots of both, with the smaller of their multiplicities.
    """
    # Remainders fall in degree; in Fractions nothing is rounded, so a common root is found exactly.
    while b:
        a, b = b, divided(a, b)[1]
    return scale(a, 1 / a[-1]) if a else ()


def sign(v: Fraction | int) -> int:
    """-1, 0 or 1."""
    return (v > 0) - (v < 0)


@lru_cache(maxsize=4096)
def squarefree(a: Poly) -> Poly:
    """The polynomial with the same roots, each once: a/gcd(a, a'). Sturm's theorem and bisection ask for simple
    roots.
    """
    return divided(a, gcd(a, derivative(a)))[0] if len(a) > 1 else a


@lru_cache(maxsize=4096)
def _chain(a: Poly) -> tuple[Poly, ...]:
    """Sturm's sequence of a squarefree polynomial, each member up to a positive factor."""
    # Sturm's chain: p0 = a, p1 = a', then minus the remainder. Scaling by a positive number keeps all signs
    # and the numbers small.
    found = [a, derivative(a)]
    while found[-1]:
        rest = scale(divided(found[-2], found[-1])[1], -ONE)
        found.append(scale(rest, 1 / abs(rest[-1])) if rest else ())
    return tuple(found[:-1])


def _variations(signs: Iterable[int]) -> int:
    """Changes of sign, zeros left out."""
    left = [s for s in signs if s]
    return sum(a != b for a, b in pairwise(left))


def count(a: Poly, low: Fraction, high: Fraction) -> int:
    """Distinct real roots in (low, high], by Sturm's theorem; 0 for constants. low <= high, rational."""
    if len(a) < 2:
        return 0
    # Sturm: the sign changes of the chain at low, less those at high, are the distinct roots in (low,
    # high].
    chain = _chain(squarefree(a))
    return _variations(sign(value(p, low)) for p in chain) - _variations(sign(value(p, high)) for p in chain)


@dataclass(frozen=True)
class Root:
    """low == high: that rational number. Else the one root of the squarefree `of` in (low, high). end: an infinity.

    An interval always has one simple root inside and none at its ends, so that `of` has different signs there: this
    is what bisection and comparisons go by. Floats are for printing alone.
    """

    low: Fraction
    high: Fraction
    of: Poly = ()
    end: int = 0

    @property
    def rational(self) -> bool:
        """True for a rational number."""
        return not self.end and self.low == self.high

    def finer(self) -> Root:
        """The same number in half the interval; as a rational number where the middle is the root."""
        middle = (self.low + self.high) / 2
        at = sign(value(self.of, middle))
        if at == 0:
            return number(middle)
        # The root is simple, so `of` changes its sign there and nowhere else in the interval.
        left = at == sign(value(self.of, self.high))
        return Root(self.low, middle, self.of) if left else Root(middle, self.high, self.of)

    def __float__(self) -> float:
        """To double precision, for messages."""
        found = self
        while not found.end and found.high - found.low > abs(found.high) / 2**60:
            found = found.finer()
        return float("inf") * found.end if found.end else float(found.low)

    def __str__(self) -> str:
        return f"{self.low}" if self.rational else f"{float(self):.9g}"


def number(v: int | Fraction) -> Root:
    """A rational number as a Root."""
    return Root(Fraction(v), Fraction(v))


INFINITY, MINUS_INFINITY = Root(ZERO, ZERO, end=1), Root(ZERO, ZERO, end=-1)


def sign_at(a: Poly, at: Root) -> int:
    """The sign of a at this number; at an infinity, that of its limit.

    Exact also at irrational numbers: a is 0 there only where it has the number's own polynomial in common.
    """
    if not a:
        return 0
    if at.end:
        # At infinity the leading term decides; at minus infinity an odd degree turns its sign.
        odd = len(a) % 2 == 0
        return sign(a[-1]) * (at.end if odd else 1)
    if at.rational:
        return sign(value(a, at.low))
    # A common root of a and the polynomial of `at`, in its interval, is `at` itself: then a is 0 there.
    # Otherwise the interval shrinks until a has no root in it; this ends, a not being 0 at `at`.
    if count(gcd(a, at.of), at.low, at.high):
        return 0
    while count(a, at.low, at.high) or value(a, at.low) == 0:
        at = at.finer()
        if at.rational:
            return sign(value(a, at.low))
    return sign(value(a, at.high))


def compare(a: Root, b: Root) -> int:
    """-1, 0 or 1 for a < b, a = b, a > b. Equality of irrational numbers is decided by their polynomials, then by
    intervals.
    """
    if a.end or b.end:
        return sign(a.end - b.end)
    if a.rational and b.rational:
        return sign(a.low - b.low)
    if a.rational:
        return -compare(b, a)
    if b.rational:
        return sign_at((-b.low, ONE), a)
    # Are the two irrational numbers one? Then b.of vanishes at a as well. Equal ones would never be told
    # apart by halving, so that is decided first.
    same = sign_at(b.of, a) == 0
    while a.low < b.high and b.low < a.high:
        if same and b.low <= a.low and a.high <= b.high:
            return 0
        a = a.finer()
        if a.rational:
            return compare(a, b)
        if not same:
            b = b.finer()
            if b.rational:
                return compare(a, b)
    return -1 if a.high <= b.low else 1


@lru_cache(maxsize=4096)
def roots(a: Poly) -> tuple[Root, ...]:
    """All real roots, in order, each once: rational ones of small denominator as such, others in an interval."""
    a = squarefree(a)
    if len(a) < 2:
        return ()
    # Cauchy's bound: all roots are closer to 0 than this, so none lies at its ends.
    bound = 1 + max(abs(c / a[-1]) for c in a[:-1])
    return tuple(_isolated(a, -bound, bound))


def _isolated(a: Poly, low: Fraction, high: Fraction) -> list[Root]:
    """Roots in (low, high), neither of which is one."""
    inside = count(a, low, high)
    if inside == 0:
        return []
    if inside == 1:
        return [_named(Root(low, high, a))]
    # Halved until each half has one root. Where the middle is a root, it is cut out with a gap that has no
    # other.
    middle = (low + high) / 2
    if value(a, middle):
        return _isolated(a, low, middle) + _isolated(a, middle, high)
    gap = (high - low) / 4
    while count(a, middle - gap, middle + gap) > 1 or not (value(a, middle - gap) and value(a, middle + gap)):
        gap /= 2
    return [*_isolated(a, low, middle - gap), number(middle), *_isolated(a, middle + gap, high)]


def _named(root: Root) -> Root:
    """The root as a rational number where it is one with a small denominator; else in a narrow interval."""
    if len(root.of) == 2:
        return number(-root.of[0] / root.of[1])
    # A rational root with a denominator below 2^18 is the only such number in an interval shorter than
    # 2^-36: the guess finds it, and is accepted only where the polynomial vanishes.
    while not root.rational and root.high - root.low > Fraction(1, 2**40):
        root = root.finer()
    guess = ((root.low + root.high) / 2).limit_denominator(2**18)
    return number(guess) if value(root.of, guess) == 0 and root.low <= guess <= root.high else root


def between(low: Root, high: Root) -> Fraction:
    """A rational number strictly between: where the sign of a polynomial in a gap is taken.

    Raises ValueError unless low < high.
    """
    if compare(low, high) >= 0:
        raise ValueError(f"nothing lies between {low} and {high}")
    if low.end and high.end:
        return ZERO
    if low.end:
        return high.low - 1
    if high.end:
        return low.high + 1
    # Two different numbers: their intervals come apart after finitely many halvings.
    while low.high >= high.low:
        low = low if low.rational else low.finer()
        high = high if high.rational else high.finer()
    return (low.high + high.low) / 2


def inner_roots(a: Poly, low: Root, high: Root) -> list[Root]:
    """Roots strictly between."""
    return [r for r in roots(a) if compare(low, r) < 0 < compare(high, r)] if len(a) > 1 else []


def non_negative(a: Poly, low: Root, high: Root) -> bool:
    """True when a >= 0 on [low, high], whose ends may be irrational or infinite.

    No root of odd multiplicity inside, and not negative between the roots; by continuity the ends follow.
    """
    if compare(low, high) == 0:
        return sign_at(a, low) >= 0
    # Between neighbouring roots the sign is constant: one rational number in each gap decides it. A root of
    # even multiplicity leaves both sides nonnegative.
    marks = [low, *inner_roots(a, low, high), high]
    return all(value(a, between(u, v)) >= 0 for u, v in pairwise(marks))


@dataclass(frozen=True)
class Rational:
    """A rational function num/den in lowest terms, den with leading coefficient 1.

    Equal functions are equal objects. Division by 0 raises ZeroDivisionError, as does a value at a pole.
    """

    num: Poly
    den: Poly = (ONE,)

    @classmethod
    def of(cls, num: Poly, den: Poly = (ONE,)) -> Rational:
        """num/den reduced."""
        # In lowest terms a pole is a root of the denominator, and equal functions are equal pairs.
        if len(den) > 1:
            common = gcd(num, den)
            num, den = divided(num, common)[0], divided(den, common)[0]
        return cls(scale(num, 1 / den[-1]), scale(den, 1 / den[-1]))

    def __add__(self, other: Rational) -> Rational:
        """Sum, reduced."""
        if self.den == other.den:
            return Rational.of(add(self.num, other.num), self.den)
        return Rational.of(add(mul(self.num, other.den), mul(other.num, self.den)), mul(self.den, other.den))

    def __neg__(self) -> Rational:
        return Rational(scale(self.num, -ONE), self.den)

    def __sub__(self, other: Rational) -> Rational:
        return self + -other

    def __mul__(self, other: Rational) -> Rational:
        """Product, reduced."""
        return Rational.of(mul(self.num, other.num), mul(self.den, other.den))

    def __truediv__(self, other: Rational) -> Rational:
        """Quotient, reduced; ZeroDivisionError for a divisor 0."""
        return Rational.of(mul(self.num, other.den), mul(self.den, other.num))

    @property
    def constant(self) -> Fraction | None:
        """The number that it is, None where it is none."""
        return None if len(self.num) > 1 or len(self.den) > 1 else (self.num[0] if self.num else ZERO)

    def __call__(self, at: Fraction) -> Fraction:
        """The value at a rational number."""
        return value(self.num, at) / value(self.den, at)


def rational(v: int | Fraction) -> Rational:
    """A number as a rational function."""
    return Rational(poly(v))


NOUGHT, UNIT, VARIABLE = rational(0), rational(1), Rational(T)
