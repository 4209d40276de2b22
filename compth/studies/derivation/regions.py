"""Regions of constants on which the sign of a formula is shown and not sampled.

A closed form gives one constant of the class as a formula of the others and of the rate. What is left free runs over a
region: each symbol between two bounds, which may depend on the symbols before it. Put low + (high - low) p/(1+p) with
a letter p > 0 for each symbol: a polynomial all whose coefficients in the letters are >= 0 is positive on the region.
Whoever changes a range or a condition here changes what `recheck_symbols.py` has to follow: the two are written apart.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import prod

import sympy
from sympy.polys.fields import FracElement as Formula  # in lowest terms
from sympy.polys.fields import FracField as Field

from compth.studies.derivation.elimination import RHO, R
from compth.studies.derivation.rounds import MU, NORM, OMEGA, SMOOTH, WORKERS

RANGES: Mapping[sympy.Symbol, tuple[int, int | None]] = {
    MU: (0, 1),
    R: (0, 1),
    RHO: (0, 1),
    NORM: (0, 1),
    OMEGA: (0, None),
    WORKERS: (1, None),
}
"""What the class allows of each symbol, L = 1; None: no upper end."""
LETTERS = sympy.symbols("p q u w", positive=True)
"""Positive numbers without any bound."""
SAMPLE = (9, 1, sympy.Rational(2, 3), 2)
"""Values of the letters at the point at which solutions are first tried in floats."""


@dataclass(frozen=True)
class Condition:
    """positive > 0, affine in `bounds`: where the symbol `bounds` has to stop."""

    positive: sympy.Expr
    bounds: sympy.Symbol

    @property
    def end(self) -> sympy.Expr:
        """The value of the symbol at which the condition stops to hold."""
        # Affine in the symbol: a + b x = 0 at -a/b.
        rest = self.positive.subs(self.bounds, 0)
        return sympy.cancel(-rest / sympy.diff(self.positive, self.bounds))


@dataclass(frozen=True)
class Region:
    """Symbols in the order in which they are bounded, the rate's own (`unknown`), and the conditions on them.

    `field` holds formulas in the symbols, `put` maps symbols to positive letters, `sign` decides. Every sign that a
    proof needs is asked here. The order of `symbols` matters: a bound may use earlier symbols only.
    """

    symbols: tuple[sympy.Symbol, ...]
    unknown: sympy.Symbol
    conditions: tuple[Condition, ...] = ()

    @cached_property
    def field(self) -> Field:
        """Formulas in the symbols, in lowest terms."""
        return Field(list(self.symbols), sympy.QQ)

    def lifted(self, e: sympy.Expr) -> Formula:
        """A formula as an element of the field."""
        return self.field.from_expr(sympy.sympify(e))

    @cached_property
    def bounds(self) -> dict[sympy.Symbol, tuple[sympy.Expr, sympy.Expr | None]]:
        """(low, high) of each symbol, in the symbols before it."""
        out: dict[sympy.Symbol, tuple[sympy.Expr, sympy.Expr | None]] = {}
        for x in self.symbols:
            # Bounds refer to earlier symbols only: the region is a chain of intervals,
            # which a change of variables makes a positive orthant.
            low, high = RANGES[x]
            # the rate is bounded from below by its condition, what bounds the rate from below is bounded from above
            for c in self.conditions:
                if c.bounds == x:
                    low, high = (c.end, high) if x == self.unknown else (low, c.end)
            out[x] = low, high
        return out

    @cached_property
    def put(self) -> dict[sympy.Symbol, sympy.Expr]:
        """Each symbol in letters: every point of the region, and no other, is one choice of positive letters.

        A choice of letters > 0 and a point of the region determine each other: p = (x - low)/(high - x).
        """
        out: dict[sympy.Symbol, sympy.Expr] = {}
        for letter, (x, (low, high)) in zip(LETTERS, self.bounds.items(), strict=False):
            out[x] = sympy.cancel(sympy.sympify(within(low, high, letter)).subs(out))
        return out

    @cached_property
    def _inside(self) -> list[tuple[sympy.polys.rings.PolyElement, sympy.polys.rings.PolyElement]]:
        ring = sympy.polys.rings.PolyRing(list(LETTERS), sympy.QQ)
        pairs = (sympy.fraction(sympy.together(self.put[x])) for x in self.symbols)
        return [(ring.from_expr(a), ring.from_expr(b)) for a, b in pairs]

    def sign(self, polynomial: sympy.polys.rings.PolyElement) -> int:
        """1 or -1 where a polynomial in the symbols is shown to have that sign all over the region, else 0.

        0 means that no sign was shown. polynomial: an element of the field's ring, in the region's symbols.
        """
        if not polynomial:
            return 0
        # A polynomial in positive letters whose coefficients have one sign has that sign: sufficient, exact
        # and quick. It is not necessary: a factor such as p^2 - p + 1 is refused.
        degrees = [max(m[k] for m, _ in polynomial.terms()) for k in range(len(self.symbols))]
        # homogenised: every symbol a/b turns x^e into a^e b^(degree - e), and the denominators b are positive
        tables = [
            [a**e * b ** (d - e) for e in range(d + 1)]
            for (a, b), d in zip(self._inside, degrees, strict=True)
        ]
        total = self._inside[0][0].ring.zero
        for powers, c in polynomial.terms():
            term = c
            for table, e in zip(tables, powers, strict=True):
                term = table[e] * term
            total = total + term
        return one_sign(list(total.coeffs()))

    def positive(self, f: Formula) -> bool:
        """True where the formula is shown to be positive on the region."""
        return f != 0 and self.sign(f.numer) * self.sign(f.denom) == 1

    def nonnegative(self, f: Formula) -> bool:
        """True where it vanishes identically or is shown to be positive on the region."""
        return f == 0 or self.positive(f)

    @cached_property
    def sample(self) -> dict[sympy.Symbol, sympy.Rational]:
        """A point of the region, away from its ends."""
        at = dict(zip(LETTERS, SAMPLE, strict=True))
        return {x: sympy.Rational(e.subs(at)) for x, e in self.put.items()}

    def covers(self, closed: sympy.Expr) -> bool:
        """True where for all constants of the class the closed form has a root on the region.

        Each condition rises with the unknown u and holds at u = 1. Where the polynomial has one sign at u = 1 and the
        other where any condition stops to hold, it vanishes in between, at a u that meets them all.
        """
        if self.unknown not in self.symbols:
            return True  # the rate is a formula of the constants
        # By the intermediate value theorem, for all constants at once; no root is computed.
        u, poly = self.unknown, closed.subs(SMOOTH, 1)
        top = sign_on_the_class(poly.subs(u, 1))
        ends = [sign_on_the_class(poly.subs(c.bounds, c.end)) for c in self.conditions]
        return bool(ends) and all(top * e == -1 for e in ends) and all(map(self._rises, self.conditions))

    def _rises(self, c: Condition) -> bool:
        """True where the condition holds at u = 1 and rises with u: all terms with u have coefficients > 0."""
        # All other symbols are positive, so that coefficients > 0 at the
        # terms with u make the condition increase in u.
        terms = sympy.Poly(c.positive, *RANGES).terms()
        place = list(RANGES).index(self.unknown)
        with_u = all(k > 0 for powers, k in terms if powers[place])
        return with_u and sign_on_the_class(c.positive.subs(self.unknown, 1)) == 1


def evaluated(e: sympy.Expr, at: Mapping[sympy.Symbol, Formula], field: Field) -> Formula:
    """A rational expression with elements of the field for its symbols: sums, products and whole powers.

    KeyError for a symbol that has no value; only +, *, whole powers and rational numbers may occur.
    """
    if e.is_Symbol:
        return at[e]
    if e.is_Rational:
        return field.from_expr(e)
    if e.is_Pow:
        # Whole powers alone: a root would leave the field, and nothing rational is rounded to one.
        return evaluated(e.base, at, field) ** int(e.exp)
    parts = [evaluated(a, at, field) for a in e.args]
    return sum(parts, field.zero) if e.is_Add else prod(parts, start=field.one)


def within(low: sympy.Expr, high: sympy.Expr | None, letter: sympy.Symbol) -> sympy.Expr:
    """What runs from low to high while the letter runs through all positive numbers."""
    return low + letter if high is None else low + (high - low) * letter / (1 + letter)


def one_sign(coefficients: Sequence[sympy.Rational]) -> int:
    """The sign of all of them, 0 where they have several or there are none."""
    signs = {1 if c > 0 else -1 for c in coefficients if c}
    return signs.pop() if len(signs) == 1 else 0


def sign_on_the_class(e: sympy.Expr) -> int:
    """The sign of a formula that is shown for all constants of the class, each symbol in its own range; else 0.

    e: a rational formula in symbols of RANGES, L = 1. 1 or -1 is shown, for all constants; 0 is not known.
    """
    e = sympy.sympify(e)
    names = sorted(e.free_symbols, key=str)
    letters = {x: sympy.Symbol(f"{x}_", positive=True) for x in names}
    field = Field(list(letters.values()) or [sympy.Symbol("_")], sympy.QQ)
    # Here each symbol runs over its own range, independent of the others: the whole class and not the region.
    put = {x: field.from_expr(within(*RANGES[x], letters[x])) for x in names}
    value = evaluated(e, put, field)
    return one_sign(list(value.numer.coeffs())) * one_sign(list(value.denom.coeffs())) if value else 0


def of_messages(power: int) -> Region:
    """Contractive messages: 0 < s < r^power < 1, the class's mu being a formula of r and s."""
    return Region((R, NORM), R, (Condition(R**power - NORM, NORM),))


def of_noise(
    symbols: Sequence[sympy.Symbol], factors: Sequence[sympy.Expr], at: Mapping[sympy.Symbol, float]
) -> Region:
    """Unbiased messages: what is free, between the ends that the eliminated constant's formula has.

    That formula is a product of factors; each keeps on the region the sign that it has at the point `at`, where the
    rate was found. Those that bound the rate itself come first, the others bound omega or n.
    """
    found = []
    for f in factors if RHO in symbols else ():
        # The eliminated constant is a quotient of these factors and must keep its sign: the region
        # is the part of the class around the rate that was found on which no factor changes its
        # own. A factor that has one sign on all of the class bounds nothing.
        positive = sympy.expand(f if float(f.subs(at)) > 0 else -f)
        if positive.has(RHO) and sign_on_the_class(positive) != 1:
            others = [x for x in symbols if positive.has(x) and x not in (MU, RHO)]
            if sympy.degree(positive, (others or [RHO])[-1]) == 1:
                found.append(Condition(positive, (others or [RHO])[-1]))
    return Region(tuple(symbols), RHO, tuple(found))


__all__ = ["Condition", "Formula", "Region", "evaluated", "of_messages", "of_noise", "sign_on_the_class"]
