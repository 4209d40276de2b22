"""The closed form of a best rate by exact elimination: polynomials that the rate must satisfy, from the round itself.

At the best step several extremal quadratics are equally slow. Each gives an equation, its characteristic polynomial at
an eigenvalue of modulus r (at the rate rho itself for second moments): sigma r for a real one of sign sigma, and for a
complex pair the remainder of the division by z^2 - t z + r^2, with t eliminated too. Resultants remove the step; the
factor that vanishes at the rate found numerically is kept. The numbers only choose among factors: each factor follows
from the equations, so that the polynomial is exact. That these quadratics are the active ones is what numbers say, and
what the certified bracket at the constants then confirms or not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import sympy

from compth.studies.derivation.rounds import Instance, Round

R, RHO = sympy.Symbol("r", positive=True), sympy.Symbol("rho", positive=True)
"""r = sqrt(rho), for biased messages; rho, for unbiased ones."""
TRACE = sympy.Symbol("t", real=True)
"""The sum of a complex pair."""
REAL = 1e-7
"""Imaginary parts below this are rounding."""
VANISHES = 1e-6
"""A polynomial vanishes at a point where it is below this share of the sum of its terms' sizes."""
FLAT = 1e-4
"""The same where the rate is flat in a parameter: the best choice is then known to half the digits of the rate."""


@dataclass(frozen=True)
class Active:
    """An extremal quadratic that is as slow as the slowest, and its eigenvalue (of second moments: the rate)."""

    instance: Instance
    eigenvalue: complex

    @property
    def kind(self) -> str:
        """In words."""
        if abs(self.eigenvalue.imag) > REAL:
            return "a complex pair"
        return "the iterates creep" if self.eigenvalue.real > 0 else "the iterates alternate"


@dataclass(frozen=True)
class ClosedForm:
    """polynomial in `unknown` (r or rho), 0 at the best rate; best: a formula of each parameter in it, where found.

    holds: relations of the parameters that elimination found on the way, each 0 at the best choice.

    The polynomial is primitive and irreducible, with L as a symbol. That it is the rate is a conjecture until
    brackets or a proof confirm it: elimination only says that it vanishes wherever those quadratics are equally slow.
    """

    polynomial: sympy.Expr
    unknown: sympy.Symbol
    best: Mapping[sympy.Symbol, sympy.Expr]
    holds: tuple[sympy.Expr, ...] = ()


def equation(round_: Round, active: Active) -> tuple[sympy.Expr, ...]:
    """What the active eigenvalue satisfies, as polynomials: one, or two with t for a complex pair.

    In the parameters, the constants and r (or rho): kept on the round, since a determinant in symbols may take
    seconds.
    """
    kind = active.kind
    if (active.instance, kind) not in round_.equations:
        round_.equations[active.instance, kind] = _equation(round_, active)
    return round_.equations[active.instance, kind]


def _equation(round_: Round, active: Active) -> tuple[sympy.Expr, ...]:
    """The determinant of z - M at the eigenvalue, or both coefficients of its remainder by z^2 - t z + r^2."""
    matrix = round_.matrix(active.instance)
    z = sympy.Symbol("z")
    # Berkowitz's method needs no division, so that no pivot has to be shown nonzero in symbols.
    char = sympy.numer(sympy.together((z * sympy.eye(matrix.shape[0]) - matrix).det(method="berkowitz")))
    if round_.noisy:
        return (sympy.expand(char.subs(z, RHO)),)
    if abs(active.eigenvalue.imag) <= REAL:
        return (sympy.expand(char.subs(z, R if active.eigenvalue.real > 0 else -R)),)
    # a pair of modulus r and sum t divides the characteristic polynomial: both coefficients of the rest vanish
    rest = sympy.Poly(sympy.rem(sympy.Poly(char, z), sympy.Poly(z**2 - TRACE * z + R**2, z)), z)
    return tuple(sympy.expand(rest.coeff_monomial(z**k)) for k in (1, 0))


def vanishing(
    polynomial: sympy.Expr, point: Mapping[sympy.Symbol, float], share: float = VANISHES
) -> list[sympy.Expr]:
    """The irreducible factors that vanish at a point, the nearest to 0 first.

    A rate of 1 is none, near as it is where L/mu is large.
    """
    # A product vanishes where one of its factors does: the numbers say which one, and the factor is exact. A
    # wrong choice gives a polynomial that the certified brackets do not confirm.
    found = [(_residual(f, point), k, f) for k, (f, _) in enumerate(sympy.factor_list(polynomial)[1])]
    near = [f for size, _, f in sorted(found, key=lambda x: x[:2]) if size <= share]
    return [f for f in near if not any(sympy.expand(f**2 - (x - 1) ** 2) == 0 for x in (R, RHO))]


def _residual(f: sympy.Expr, point: Mapping[sympy.Symbol, float]) -> float:
    """|its value| as a share of the sum of its terms' sizes; inf where the point lacks a symbol.

    1 is far from 0, 1e-16 is rounding. Units cancel.
    """
    names = sorted(f.free_symbols, key=str)
    if not names or not set(names) <= set(point):
        return float("inf")
    poly = sympy.Poly(f, *names)
    # A share of the sizes of its terms: an absolute tolerance would depend on the units of the step.
    terms = [
        float(c) * float(np.prod([point[x] ** k for x, k in zip(names, powers, strict=True)]))
        for powers, c in poly.terms()
    ]
    return abs(sum(terms)) / (sum(map(abs, terms)) or 1.0)


def eliminated(
    round_: Round,
    active: Sequence[Active],
    point: Mapping[sympy.Symbol, float],
    constants: Mapping[sympy.Symbol, sympy.Expr],
) -> ClosedForm | None:
    """The closed form at which these quadratics are equally slow; None where elimination does not end in one.

    point: numbers of all symbols at the best choice. constants: rational ones near it, for what symbols are too large.
    """
    unknown = RHO if round_.noisy else R
    equations = [e for a in active for e in equation(round_, a)]
    # A conjugate pair of modulus r is z^2 - t z + r^2 with its sum t as one more unknown.
    sums = sorted({2 * a.eigenvalue.real for a in active if abs(a.eigenvalue.imag) > REAL})
    if len(sums) > 1:
        return None  # two complex pairs need a t each
    point = {**point, **({TRACE: sums[0]} if sums else {})}
    moving = [*round_.unknowns, *([TRACE] if sums else [])]
    # One equation more than unknowns beside the rate: each resultant removes one of
    # both, and one polynomial is left. With as many equations as unknowns the rate is a
    # curve, and the best point on it has to be told by its crossing.
    if len(equations) == len(moving) + 1:
        found = _resolved(equations, moving, unknown, point)
        return None if found is None else ClosedForm(found, unknown, _best(equations, round_, unknown, point))
    if len(equations) == len(moving) == 2:
        return _stationary(equations, moving, unknown, point, constants)
    return None


def _resolved(
    equations: list[sympy.Expr],
    moving: list[sympy.Symbol],
    unknown: sympy.Symbol,
    point: Mapping[sympy.Symbol, float],
) -> sympy.Expr | None:
    """Resultants with the first equation, one variable after the other, keeping the factor that vanishes."""
    for x in sorted(moving, key=lambda x: max(sympy.degree(e, x) for e in equations)):
        holding = [e for e in equations if e.has(x)]
        free = [e for e in equations if not e.has(x)]
        if len(holding) < 2:
            return None
        # Res_x(f, g) vanishes wherever f and g have a common root x: a consequence of the
        # equations, of a degree that grows with the product of both. So the lowest degree
        # goes first, and factors are split off after each resultant.
        first = min(holding, key=lambda e: (sympy.degree(e, x), len(e.args)))
        made = [vanishing(sympy.resultant(first, e, x), point) for e in holding if e is not first]
        if not all(made):
            return None
        equations = [
            *free,
            *(min(fs, key=lambda f: len(sympy.Poly(f, *f.free_symbols).terms())) for fs in made),
        ]
    return equations[0] if len(equations) == 1 and equations[0].has(unknown) else None


def _best(
    equations: Sequence[sympy.Expr], round_: Round, unknown: sympy.Symbol, point: Mapping[sympy.Symbol, float]
) -> dict[sympy.Symbol, sympy.Expr]:
    """Formulas of the parameters in the rate, from equations in which they are linear."""
    out = {}
    for x in round_.unknowns:
        # Linear in the parameter: its formula is rational in the rate. Others are left without a formula.
        linear = [e for e in equations if sympy.degree(e, x) == 1 and not e.has(TRACE)]
        others = set(round_.unknowns) - {x}
        linear = [e for e in linear if not e.free_symbols & others]
        if linear:
            out[x] = sympy.factor(sympy.solve(linear[0], x)[0])
    return out


def _stationary(
    equations: list[sympy.Expr],
    moving: list[sympy.Symbol],
    unknown: sympy.Symbol,
    point: Mapping[sympy.Symbol, float],
    constants: Mapping[sympy.Symbol, sympy.Expr],
) -> ClosedForm | None:
    """Two equations for two parameters: the least rate is where the curve that both describe crosses itself.

    The resultant at rational constants factors there into branches; the simplest of those that meet at the best choice
    is a relation free of the constants, which is then imposed on the equations in symbols.
    """
    first, second = moving
    # In symbols this resultant would be too large. At rational constants it is a polynomial in the
    # second parameter and the rate, whose branches meet at the best choice.
    fixed = [e.subs(constants) for e in equations]
    near = {k: v for k, v in point.items() if k in (*moving, unknown)}
    branches = vanishing(sympy.resultant(*fixed, first), near, FLAT)
    simple = [f for f in branches if sympy.Poly(f, second, unknown).total_degree() == 1]
    if len(branches) < 2 or not simple:
        return None
    relation = simple[0]
    value = sympy.solve(relation, second)[0]
    point = {**point, second: float(value.subs(unknown, point[unknown]))}
    # The relation was read off at one choice of constants. Imposed on the equations in symbols
    # it must make them share a root there again, or nothing is returned.
    imposed = [vanishing(e.subs(second, value), point, FLAT) for e in equations]
    if not all(imposed):
        return None
    found = vanishing(sympy.resultant(imposed[0][0], imposed[1][0], first), point)
    if not found:
        return None
    return ClosedForm(found[0], unknown, {second: value}, (relation,))


__all__ = ["RHO", "Active", "ClosedForm", "R", "eliminated", "equation", "vanishing"]
