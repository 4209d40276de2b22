"""The proof for symbolic constants: V and multipliers as formulas, and an exact check that they prove the closed form.

At the best step S = rho V - E V+ minus multiples of what is >= 0 is positive semidefinite, and along the runs of the
active quadratics every inequality used is an equality, so that S annihilates them (`fitting`). What is checked here,
exactly and for all constants at once: that the closed form has a root for all of them, every multiplier, and S and V
as sums of squares with coefficients >= 0 on the region (`regions`). The same proof goes to the kernel
(`kernel_proof`) and to a file for the standard library alone (`recheck_symbols`); neither trusts this check.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import sympy

from compth.errors import CompthError
from compth.studies.derivation.elimination import FLAT, RHO, Active, ClosedForm, R, equation, vanishing
from compth.studies.derivation.fitting import Values, fitted
from compth.studies.derivation.regions import Formula, Region, evaluated, of_messages, of_noise
from compth.studies.derivation.rounds import MU, NORM, OMEGA, SMOOTH, WORKERS, Round
from compth.worst_case.model import Model
from compth.worst_case.resolved import AT_X

Square = tuple[Formula, dict[str, Formula]]
"""weight, vector: weight times the square of a combination of named vectors."""
POWERS = (1, 2)
"""s < r^power: the regions that are tried for contractive messages."""
GAP = "f"
"""The coefficient of f - f* in V."""


@dataclass(frozen=True)
class SymbolicProof:
    """E V+ <= rho V for all constants of the class with L = 1, rho the closed form's root on the region.

    round_, model: the round and its statement in symbols, from the trace. closed: the polynomial. parameters: what is
    no symbol of the region (gamma, mu or rho or n ...), as formulas in these. v, multipliers: by name, up to a common
    factor. active: the quadratics that attain rho.
    """

    round_: Round = field(repr=False)
    model: Model = field(repr=False)
    closed: sympy.Expr
    region: Region
    parameters: Mapping[sympy.Symbol, sympy.Expr]
    v: Values
    multipliers: Values
    active: tuple[Active, ...] = ()

    def holds(self) -> bool:
        """Everything again from the statement: a root for all constants, signs, squares.

        True is a proof in exact arithmetic of what `decrease`, `squares` and `sees` form. The kernel
        repeats it from texts (`kernel_proof.checked`) and trusts nothing of this.
        """
        # Each part is asked of the statement itself and not of what the fitting believed: a
        # candidate that came from floats earns nothing by where it came from.
        at = self.region
        return (
            at.covers(self.closed)
            and self.inside()
            and all(at.nonnegative(self.lift(m)) for m in self.multipliers.values())
            and self.squares is not None
            and self.sees is not None
        )

    @property
    def rho(self) -> sympy.Expr:
        """The factor of squares a round, as a symbol or its square."""
        return RHO if self.round_.noisy else R**2

    @cached_property
    def values(self) -> dict[sympy.Symbol, Formula]:
        """Every symbol of the statement in the region's field.

        CompthError where a parameter's formula has a symbol that neither the region nor another parameter gives.
        """
        out = {x: self.region.lifted(x) for x in self.region.symbols} | {SMOOTH: self.region.field.one}
        # Parameters may be formulas of one another, in any order: each is put in as soon as all of its
        # symbols are known, and a circle among them is an error and not a loop.
        waiting = dict(self.parameters)
        while waiting:
            ready = [k for k, e in waiting.items() if e.free_symbols <= set(out)]
            if not ready:
                raise CompthError(f"{sorted(map(str, waiting))}: formulas of what is not known")
            out |= {k: evaluated(waiting.pop(k), out, self.region.field) for k in ready}
        return out

    def lift(self, e: sympy.Expr) -> Formula:
        """A formula as an element of the region's field, L = 1."""
        return evaluated(sympy.sympify(e), self.values, self.region.field)

    def inside(self) -> bool:
        """The formulas solve the closed form and lie in the class: 0 < mu < 1, 0 < rho < 1, a step > 0."""
        # Without the range checks a root of the closed form with mu > 1 or a rate above 1
        # would pass: a formula can be exact and speak of no problem.
        wanted = [self.values[k] for k in self.parameters]
        wanted += [1 - self.values[k] for k in (MU, RHO) if k in self.parameters]
        return self.lift(self.closed) == 0 and all(map(self.region.positive, wanted))

    def decrease(self, block: str) -> list[list[Formula]]:
        """S on one block."""
        # S = rho V - E V+ - sum of multiplier * (what is >= 0), by
        # the same Model that numeric certificates use.
        found = self.model.decrease(self.rho, self.v, self.multipliers, block)
        return [[self.lift(e) for e in row] for row in found]

    def names(self, block: str) -> tuple[str, ...]:
        """The vectors of a block."""
        space = self.model.space
        return {"mean": space.common, "deviation": space.worker}.get(block, (block,))

    @cached_property
    def squares(self) -> dict[str, list[Square]] | None:
        """S on every block as squares; None where it is not shown positive semidefinite."""
        out = {}
        for block in self.model.blocks:
            found = squares(self.decrease(block), self.names(block), self.region)
            if found is None:
                return None
            out[block] = found
        return out

    def matrix(self, block: str) -> list[list[Formula]]:
        """V on one block."""
        return [[self.lift(e) for e in row] for row in self.model.lyapunov(self.v, block)]

    @cached_property
    def sees(self) -> tuple[str, Formula, dict[str, list[Square]]] | None:
        """(name, scale, squares): V is squares plus scale > 0 times |name|^2, or f - f*; so V = 0 only at x*.

        name: x, the gradient at x (|grad f(x)| >= mu |x - x*| on the class), or "f".
        """
        # V must be coercive: a V that vanishes along a direction proves a decrease of nothing.
        gap = self.lift(self.v.get(GAP, 0))
        if not self.region.nonnegative(gap):
            return None
        blocks: list[str] = [b for b in ("mean", "deviation") if b in self.model.blocks]
        matrices = {b: self.matrix(b) for b in blocks}
        # any of the three is 0 only at x*, f being strongly convex: a V that sees gradients alone (EF21's) needs no x
        for target in (GAP, self.model.space.common[0], AT_X):
            scale, less = gap, matrices
            if target != GAP:
                if target not in self.names("mean")[: len(matrices["mean"])]:
                    continue
                scale, less = self._less(matrices, self.names("mean").index(target))
            found = {b: squares(m, self.names(b), self.region) for b, m in less.items()}
            if self.region.positive(scale) and all(s is not None for s in found.values()):
                return target, scale, {b: s for b, s in found.items() if s is not None}
        return None

    def _less(
        self, matrices: Mapping[str, list[list[Formula]]], at: int
    ) -> tuple[Formula, dict[str, list[list[Formula]]]]:
        """(half of what |the vector|^2 may have of V, V without it).

        The most is 1/(V^-1)[at, at], the last pivot where that vector is eliminated last.
        """
        mean = matrices["mean"]
        # V - c |a|^2 stays positive semidefinite up to c = the Schur complement of V on a. Half of it leaves
        # the rest positive definite, so that all pivots are formulas > 0 and no zero test is delicate.
        kept = [i for i, row in enumerate(mean) if any(e != 0 for e in row) and i != at]
        last = pivots([[mean[i][j] for j in (*kept, at)] for i in (*kept, at)])[-1]
        half = last / 2
        less = [[e - half if i == j == at else e for j, e in enumerate(row)] for i, row in enumerate(mean)]
        return half, {**matrices, "mean": less}


def pivots(m: Sequence[Sequence[Formula]]) -> list[Formula]:
    """Of the elimination without exchanges; 0 where a pivot is 0, and its row is then left alone.

    m is symmetric; its entries are elements of the region's field, so that a pivot of 0 is 0 for all constants.
    """
    rows, out = [list(r) for r in m], []
    for k in range(len(rows)):
        out.append(rows[k][k])
        for i in range(k + 1, len(rows)) if rows[k][k] != 0 else ():
            factor = rows[i][k] / rows[k][k]
            rows[i] = [a - factor * b for a, b in zip(rows[i], rows[k], strict=True)]
    return out


def squares(m: Sequence[Sequence[Formula]], names: Sequence[str], region: Region) -> list[Square] | None:
    """A quadratic form as squares with positive weights: L D L' over the field, a zero pivot has a zero row.

    The form is <a, M a> of the vectors a by name. None where a pivot is not shown positive.
    """
    rows, out = [list(r) for r in m], []
    for k in range(len(rows)):
        pivot = rows[k][k]
        # Along the worst runs S vanishes: its rank is deficient and zero pivots are the rule. In
        # the field they are exact zeros, and then the whole row must be 0.
        if pivot == 0:
            if any(e != 0 for e in rows[k][k:]):
                return None
            continue
        if not region.positive(pivot):
            return None
        # the k-th square is (sum_j M_kj a_j)^2/M_kk, and what is left of M has no a_k
        out.append((1 / pivot, {names[j]: rows[k][j] for j in range(k, len(rows)) if rows[k][j] != 0}))
        for i in range(k + 1, len(rows)):
            factor = rows[i][k] / pivot
            rows[i] = [a - factor * b for a, b in zip(rows[i], rows[k], strict=True)]
    return out


def proved(
    round_: Round, active: Sequence[Active], closed: ClosedForm, at: Mapping[sympy.Symbol, float]
) -> SymbolicProof | None:
    """The proof of a closed form from active real quadratics; None where none of this kind was found.

    at: numbers of all symbols at the choice where the closed form was found.

    The search is by floats at one point, the answer is not: what is returned has passed `SymbolicProof.holds`. None
    says nothing about the closed form, only that no proof of this kind was found.
    """
    for bare in _settings(round_, active, closed, at):
        if not (bare.region.covers(closed.polynomial) and bare.inside()):
            continue
        # The smaller statement first: V of the state alone gives the shorter proof where it
        # is enough; else V also sees the gradient at x, f - f* and x+.
        for full in (False,) if round_.noisy else (False, True):
            try:
                model = round_.statement(full)
            except CompthError:
                continue
            # what is fitted is a candidate, chosen by floats at one point: only the exact check makes it a proof
            for v, multipliers in fitted(round_, active, model, bare.region, bare.lift, bare.rho):
                proof = SymbolicProof(
                    round_,
                    model,
                    closed.polynomial,
                    region=bare.region,
                    parameters=bare.parameters,
                    v=v,
                    multipliers=multipliers,
                    active=tuple(active),
                )
                if proof.holds():
                    return proof
    return None


def _settings(
    round_: Round, active: Sequence[Active], closed: ClosedForm, at: Mapping[sympy.Symbol, float]
) -> Iterator[SymbolicProof]:
    """The closed form's constants as formulas on a region, without V and multipliers."""
    unknown = RHO if round_.noisy else R
    (gamma, *_) = round_.unknowns
    others = {k: e for k, e in closed.best.items() if k != gamma}
    # one constant in which the closed form is linear: mu for messages; for noise the rate itself, n or omega
    polynomial = closed.polynomial.subs(SMOOTH, 1)
    order = (RHO, WORKERS, OMEGA) if round_.noisy else (MU,)
    # Solving for a constant in which the closed form is linear makes it a rational
    # formula of the others: the proof then lives in a field of rational functions, and
    # the rate, which solves a polynomial, may stay a free symbol.
    gone = next((x for x in order if sympy.degree(polynomial, x) == 1), None)
    known = {unknown, MU, OMEGA, WORKERS} if round_.noisy else {R, NORM, MU}
    if gone is None or str(gamma) != "gamma" or set(round_.unknowns) - {gamma} - set(others):
        return
    if polynomial.free_symbols - known:
        return
    formula = sympy.factor(sympy.solve(polynomial, gone)[0])
    regions = [of_messages(power) for power in POWERS]
    if round_.noisy:
        free = [x for x in (MU, RHO, OMEGA, WORKERS) if x != gone and polynomial.has(x)]
        parts = sympy.factor_list(sympy.numer(formula) * sympy.denom(formula))[1]
        regions = [of_noise(free, [f for f, _ in parts], at)]
    for region in regions:
        held = {gone: formula, **others}
        step = _step_of(round_, active, region, held, at)
        if step is not None:
            yield SymbolicProof(
                round_,
                round_.model,
                closed.polynomial,
                region=region,
                parameters={gamma: step, **held},
                v={},
                multipliers={},
            )


def _step_of(
    round_: Round,
    active: Sequence[Active],
    region: Region,
    held: Mapping[sympy.Symbol, sympy.Expr],
    at: Mapping[sympy.Symbol, float],
) -> sympy.Expr | None:
    """The step at which all active quadratics have the rate: the one common root > 0 of their equations."""
    gamma, common = round_.unknowns[0], None
    field = region.field
    # All equations in gamma with coefficients in the region's field: their greatest common
    # divisor has the common roots, exactly and for all constants.
    known = {x: region.lifted(x) for x in region.symbols} | {SMOOTH: field.one}
    for k in sorted(held, key=lambda k: len(held[k].free_symbols - set(known))):
        known[k] = evaluated(held[k], known, field)
    others = {k: e for k, e in held.items() if k in round_.unknowns}
    for a in active:
        for e in equation(round_, a):
            # of the characteristic polynomial only the factor that vanishes there: the others are other eigenvalues
            near = vanishing(e.subs(others), at, FLAT) if others else [e]
            if not near:
                return None
            numbers = [evaluated(c, known, field) for c in sympy.Poly(near[0], gamma).all_coeffs()]
            poly = sympy.Poly(numbers, gamma, domain=field.to_domain())
            common = poly if common is None else common.gcd(poly)
    if common is None or common.is_zero:
        return None
    while common.degree() > 0 and common.nth(0) == 0:  # a step of 0 is no step
        common = common.quo(sympy.Poly(gamma, gamma, domain=field.to_domain()))
    # A double root is one step: where it is the only one, the divisor without multiplicity is linear.
    common = common.sqf_part()
    return sympy.factor(-common.nth(0) / common.nth(1)) if common.degree() == 1 else None


__all__ = ["GAP", "Square", "SymbolicProof", "proved", "squares"]
