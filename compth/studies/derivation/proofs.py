"""The proof for symbolic constants: V and multipliers as formulas, and an exact check that they prove the closed form.

At the best step S = r^2 V - V+ minus the multiples of what is >= 0 is positive semidefinite, and along the run of an
active quadratic every inequality used is an equality. So S annihilates the vectors of that run: a linear system for the
coefficients of V and the multipliers, solved over the field Q(r, s); the closed form, linear in mu, removes mu (L = 1).
What is then checked, exactly and for all constants at once: every principal minor of S and of V, every multiplier. A
polynomial in r and s is positive on 0 < s < r^k < 1 if, with s = r^k t, r = p/(1+p), t = q/(1+q), all its coefficients
in p and q are.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import comb
from typing import Any

import numpy as np
import sympy

from compth.errors import CompthError
from compth.studies.derivation.elimination import Active, ClosedForm, R, equation
from compth.studies.derivation.rounds import MU, NORM, SMOOTH, Round
from compth.worst_case.model import NEXT, NOW, Model

FIELD = sympy.polys.fields.FracField([R, NORM], sympy.QQ)
"""Formulas in r and s."""
SLACK = 1e-9
"""Eigenvalues above -SLACK are no reason to drop a solution; the check in symbols has none."""
MOST_TRIED = 12
"""Solutions that are tried in symbols, the sparsest first."""
Formula = Any
"""An element of FIELD, in lowest terms."""
Coefficients = dict[str, Formula]


@dataclass(frozen=True)
class SymbolicProof:
    """E V+ <= r^2 V for all 0 < mu < L = 1, 0 < s < 1 and one worker; r: the closed form's root with s < r^power < 1.

    model: the round's statement in symbols, from the trace. closed: the polynomial in r. parameters: mu and gamma in r
    and s. v, multipliers: by name, in r and s, up to a common factor.
    """

    model: Model
    closed: Any
    parameters: Mapping[Any, Any]
    v: Mapping[str, Any]
    multipliers: Mapping[str, Any]
    power: int

    def holds(self) -> bool:
        """Everything again from the statement: a root for all constants, signs, minors."""
        return (
            covers(self.closed, self.power)
            and self.inside()
            and all(nonnegative(lifted(m), self.power) for m in self.multipliers.values())
            and all(psd(self.decrease(block), self.power) for block in self.model.blocks)
            and self.sees_x()
        )

    def inside(self) -> bool:
        """On the region 0 < mu < 1 and gamma > 0, and mu's formula is the closed form's."""
        mu = self.parameters[MU]
        on_it = lifted(self.closed.subs({SMOOTH: 1, MU: mu})) == 0
        wanted = [mu, 1 - mu, *(v for k, v in self.parameters.items() if k != MU)]
        return on_it and all(positive(lifted(f), self.power) for f in wanted)

    def decrease(self, block: str) -> list[list[Formula]]:
        """S on one block."""
        found = self.model.decrease(R**2, self.v, self.multipliers, block)
        return [[lifted(put(e, self.parameters)) for e in row] for row in found]

    def sees_x(self) -> bool:
        """V > 0 unless x = x*: definite on the state, or semidefinite with a positive multiple of f - f*."""
        matrix = [[lifted(e) for e in row] for row in self.model.lyapunov(self.v, "mean")]
        gap = lifted(self.v.get("f", 0))
        if positive(gap, self.power):
            return psd(matrix, self.power)
        leading = (determinant([row[:k] for row in matrix[:k]]) for k in range(1, len(matrix) + 1))
        return gap == 0 and all(positive(d, self.power) for d in leading)


def put(e: Any, parameters: Mapping[Any, Any]) -> Any:
    """A formula with L = 1 and gamma and mu in r and s."""
    later = {k: v for k, v in parameters.items() if k != MU}
    return sympy.sympify(e).subs(later).subs(MU, parameters[MU]).subs(SMOOTH, 1)


def lifted(e: Any) -> Formula:
    """As an element of the field."""
    return FIELD.from_expr(sympy.sympify(e))


def sign(polynomial: Mapping[tuple[int, int], Any], power: int) -> int:
    """1 or -1 where the polynomial in r and s is shown to have that sign on 0 < s < r^power < 1, else 0.

    c r^a s^b = c r^(a + power b) t^b; times (1+p)^m (1+q)^n its terms are c p^i (1+p)^(m-i) q^b (1+q)^(n-b).
    """
    terms = [(a + power * b, b, c) for (a, b), c in polynomial.items()]
    m, n = max(i for i, _, _ in terms), max(b for _, b, _ in terms)
    out: dict[tuple[int, int], Any] = {}
    for i, b, c in terms:
        for j in range(m - i + 1):
            for k in range(n - b + 1):
                at = (i + j, b + k)
                out[at] = out.get(at, 0) + c * comb(m - i, j) * comb(n - b, k)
    signs = {1 if c > 0 else -1 for c in out.values() if c}
    return signs.pop() if len(signs) == 1 else 0


def positive(f: Formula, power: int) -> bool:
    """True where the formula is shown to be positive on the region."""
    return f != 0 and sign(dict(f.numer), power) * sign(dict(f.denom), power) == 1


def nonnegative(f: Formula, power: int) -> bool:
    """True where it vanishes identically or is shown to be positive on the region."""
    return f == 0 or positive(f, power)


def determinant(rows: Sequence[Sequence[Formula]]) -> Formula:
    """By elimination in the field."""
    m, out = [list(r) for r in rows], FIELD.one
    for k in range(len(m)):
        at = next((i for i in range(k, len(m)) if m[i][k] != 0), None)
        if at is None:
            return FIELD.zero
        if at != k:
            m[k], m[at], out = m[at], m[k], -out
        out *= m[k][k]
        for i in range(k + 1, len(m)):
            factor = m[i][k] / m[k][k]
            m[i] = [a - factor * b for a, b in zip(m[i], m[k], strict=True)]
    return out


def psd(matrix: Sequence[Sequence[Formula]], power: int) -> bool:
    """True where every principal minor vanishes identically or is shown to be positive on the region."""
    size = len(matrix)
    chosen = itertools.chain.from_iterable(itertools.combinations(range(size), k) for k in range(1, size + 1))
    return all(nonnegative(determinant([[matrix[i][j] for j in at] for i in at]), power) for at in chosen)


def covers(closed: Any, power: int) -> bool:
    """True where the polynomial changes sign between r = s^(1/power) and r = 1 for all 0 < mu < 1 = L, 0 < s < 1.

    At both ends with s = a^power: a polynomial in a and mu, both in (0, 1).
    """
    a = sympy.Symbol("a", positive=True)
    ends = []
    for r in (a, sympy.Integer(1)):
        at = sympy.Poly(sympy.expand(closed.subs(SMOOTH, 1).subs(R, r).subs(NORM, a**power)), a, MU)
        ends.append(0 if at.is_zero else sign(dict(at.terms()), 0))  # power 0: both free in (0, 1)
    return ends[0] * ends[1] == -1


def proved(round_: Round, active: Sequence[Active], closed: ClosedForm) -> SymbolicProof | None:
    """The proof of a closed form from active real quadratics, one worker; None where none of this kind was found."""
    if round_.noisy or len(round_.unknowns) != 1 or sympy.degree(closed.polynomial, MU) != 1:
        return None
    (gamma,) = round_.unknowns
    if gamma not in closed.best or closed.polynomial.free_symbols - {R, NORM, MU, SMOOTH}:
        return None
    mu = sympy.solve(closed.polynomial, MU)[0].subs(SMOOTH, 1)
    parameters = {MU: lifted(mu).as_expr(), gamma: lifted(put(closed.best[gamma], {MU: mu})).as_expr()}
    if any(lifted(put(e, parameters)) != 0 for a in active for e in equation(round_, a)):
        return None  # an active quadratic does not have the rate r there
    for power in (1, 2):
        inside = SymbolicProof(round_.model, closed.polynomial, parameters, {}, {}, power).inside()
        for full in (False, True) if inside and covers(closed.polynomial, power) else ():
            try:
                model = round_.statement(full)
            except CompthError:
                continue
            for v, multipliers in _fitted(round_, active, model, parameters, power):
                proof = SymbolicProof(model, closed.polynomial, parameters, v, multipliers, power)
                if proof.holds():
                    return proof
    return None


def _fitted(
    round_: Round, active: Sequence[Active], model: Model, parameters: Mapping[Any, Any], power: int
) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """(V, multipliers) that annihilate the active runs: the sparse solutions that are proofs at a sample of numbers."""
    from sympy.polys.matrices import DomainMatrix

    names = [*model.now, *model.known]
    runs = [_run(round_, a, model, parameters) for a in active]
    columns = []
    for name in names:
        v = {k: int(k == name) for k in model.now}
        used = {k: int(k == name) for k in model.known}
        column = []
        mean = [[lifted(put(e, parameters)) for e in row] for row in model.decrease(R**2, v, used, "mean")]
        for run in runs:
            column += [sum((a * b for a, b in zip(row, run, strict=True)), FIELD.zero) for row in mean]
        for block in (NOW, NEXT, *model.points):
            if block in model.blocks:
                ((e,),) = model.decrease(R**2, v, used, block)
                column.append(lifted(put(e, parameters)))
        columns.append(column)
    rows = [list(row) for row in zip(*columns, strict=True)]
    space = DomainMatrix(rows, (len(rows), len(names)), FIELD.to_domain()).nullspace().to_list()
    if not space:
        return
    sample = _Sample(model, parameters, names, Fraction(9, 10), Fraction(9, 10) ** power / 2)
    for row, way in itertools.product(sample.sparse(space), (1, -1)):
        values = dict(zip(names, _primitive(row, way), strict=True))
        yield {k: values[k] for k in model.now}, {k: values[k] for k in model.known}


class _Sample:
    """The statement at numbers r and s: which solutions are proofs there, so that few are tried in symbols."""

    def __init__(
        self, model: Model, parameters: Mapping[Any, Any], names: Sequence[str], r: Fraction, s: Fraction
    ) -> None:
        self.r, self.s, self.names, self.model = r, s, list(names), model
        self.forms: dict[tuple[str, str], Any] = {}
        for name in names:
            v = {k: int(k == name) for k in model.now}
            used = {k: int(k == name) for k in model.known}
            for block in model.blocks:
                decrease = model.decrease(R**2, v, used, block)
                made = [[self.value(lifted(put(e, parameters))) for e in row] for row in decrease]
                self.forms[name, block] = np.array(made, dtype=float)
            self.forms[name, "V"] = np.array(model.lyapunov(v, "mean"), dtype=float)

    def value(self, f: Formula) -> Fraction:
        """A formula's number."""
        top, bottom = (
            sum((Fraction(str(c)) * self.r**a * self.s**b for (a, b), c in p.terms()), Fraction(0))
            for p in (f.numer, f.denom)
        )
        return top / bottom

    def proof(self, values: Sequence[float]) -> bool:
        """Multipliers >= 0, S and V positive semidefinite, up to rounding."""
        scale = max(map(abs, values)) or 1.0
        own = dict(zip(self.names, (v / scale for v in values), strict=True))
        signs = [own[k] for k in (*self.model.known, "f") if k in own]
        if min(signs) < -SLACK:
            return False
        blocks = [*self.model.blocks, "V"]
        sums = (sum(own[k] * self.forms[k, block] for k in self.names) for block in blocks)
        return all(np.linalg.eigvalsh(m).min() > -SLACK * max(1.0, np.abs(m).max()) for m in sums)

    def sparse(self, space: list[list[Formula]]) -> Iterator[list[Formula]]:
        """Solutions with as many zeros as the dimension allows, that are proofs at the sample; the sparsest first."""
        numbers = np.array([[float(self.value(f)) for f in row] for row in space])
        found = []
        for at in itertools.combinations(range(len(self.names)), len(space) - 1):
            _, sizes, turned = np.linalg.svd(numbers[:, list(at)].T, full_matrices=True)
            if len(at) and sizes[-1] < 1e-9 * sizes[0]:
                continue  # these zeros do not fix a solution
            values = turned[-1] @ numbers
            if self.proof(values) or self.proof(-values):
                used = tuple(np.flatnonzero(np.abs(values) > 1e-9 * np.abs(values).max()))
                found.append((len(used), used, at))
        for _, _, at in sorted({used: (size, used, at) for size, used, at in found}.values())[:MOST_TRIED]:
            yield _combined(space, at)


def _combined(space: list[list[Formula]], zeros: Sequence[int]) -> list[Formula]:
    """The solution that vanishes at these places."""
    from sympy.polys.matrices import DomainMatrix

    if not zeros:
        return space[0]
    rows = [[row[i] for row in space] for i in zeros]
    domain = FIELD.to_domain()
    (weights,) = DomainMatrix(rows, (len(zeros), len(space)), domain).nullspace().to_list()
    return [
        sum((w * row[i] for w, row in zip(weights, space, strict=True)), FIELD.zero)
        for i in range(len(space[0]))
    ]


def _primitive(row: Sequence[Formula], way: int) -> list[Any]:
    """The same direction without common factors, as expressions."""
    held = [f for f in row if f != 0]
    bottom, top = held[0].denom, held[0].numer
    for f in held[1:]:
        bottom, top = bottom.lcm(f.denom), top.gcd(f.numer)
    common = FIELD(bottom) / FIELD(top) * way
    return [sympy.factor((f * common).as_expr()) for f in row]


def _run(round_: Round, active: Active, model: Model, parameters: Mapping[Any, Any]) -> list[Formula]:
    """The run of an active quadratic: its eigenvector, as every vector of the model."""
    from sympy.polys.matrices import DomainMatrix

    at = active.instance
    turn = R if active.eigenvalue.real > 0 else -R
    matrix = round_.matrix(at)
    size = matrix.shape[0]
    rows = [
        [lifted(put(matrix[i, j] - (turn if i == j else 0), parameters)) for j in range(size)]
        for i in range(size)
    ]
    (vector, *_) = DomainMatrix(rows, (size, size), FIELD.to_domain()).nullspace().to_list()
    values = dict(zip(round_.program.names, vector, strict=True))
    waiting = {name: (at.curvature, argument) for argument, name in model.curved}
    waiting |= {name: (f, u) for (u, name, _), f in zip(model.sent, at.factors, strict=True)}
    while waiting:
        name = next(k for k, (_, u) in waiting.items() if all(a.removeprefix("mean ") in values for a in u))
        factor, u = waiting.pop(name)
        total = sum(
            (lifted(put(c, parameters)) * values[a.removeprefix("mean ")] for a, c in u.items()), FIELD.zero
        )
        values[name] = lifted(put(factor, parameters)) * total
    return [values[b] for b in model.space.common]
