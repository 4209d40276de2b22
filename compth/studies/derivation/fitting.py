"""V and multipliers over the field of the rate and the constants, from complementary slackness.

Let G be the second moments of the worst run: on a quadratic of the class at which the rate rho is attained they are an
eigenvector of what one round does to second moments. <S, G> = 0 and S, G >= 0 leave S G = 0: every vector of the run is
in the kernel of S. That is linear in V and the multipliers, as S is, and it is solved in formulas, not in numbers.
Where several solutions are left, those with as many zeros as possible that are proofs at one point are tried first.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
import sympy
from sympy.polys.matrices import DomainMatrix

from compth._types import Array
from compth.studies.derivation.elimination import RHO, Active, R
from compth.studies.derivation.regions import Formula, Region
from compth.studies.derivation.rounds import Round
from compth.worst_case.model import NEXT, NOW, Model, Quadratic1D, pair_of
from compth.worst_case.traced import on_quadratic

SLACK = 1e-9
"""Eigenvalues above -SLACK are no reason to drop a solution; the check in symbols has none."""
MOST_TRIED = 12
"""Solutions that are tried in symbols, the sparsest first."""
MOST_CHOSEN = 20_000
"""Choices of zeros that are looked at; beyond, no proof is looked for."""

Values = Mapping[str, sympy.Expr]
"""Coefficients of V, or multipliers, by name."""
Lift = Callable[[sympy.Expr], Formula]
"""A formula, with what is known of its symbols, as an element of the region's field."""
Runs = dict[str, list[dict[str, Formula]]]
"""By block: the vectors of worst runs, each a number for every name."""


def fitted(
    round_: Round, active: Sequence[Active], model: Model, region: Region, lift: Lift, rho: sympy.Expr
) -> Iterator[tuple[Values, Values]]:
    """(V, multipliers) that annihilate the active runs, the sparse ones first, that are proofs at one point.

    round_, active: the round in symbols and its active quadratics. model: names of V (`now`) and of multipliers
    (`known`). lift: formulas to the region's field. Yields at most MOST_TRIED supports, each with both signs.
    """
    # unknowns: the coefficients of V, then the multipliers; equations: S times every vector of every worst run
    names = [*model.now, *model.known]
    runs = [runs_of(round_, a, model, region, lift) for a in active]
    columns = [_column(model, name, runs, region, lift, rho) for name in names]
    rows = [list(row) for row in zip(*columns, strict=True)]
    sample = _Sample(model, names, region, lift, rho)
    # A solution of S G = 0 is a direction: its sign and scale are free, the signs of the multipliers choose
    # between both. Nothing is claimed of what is yielded; `SymbolicProof.holds` decides.
    for held, way in itertools.product(sample.sparse(rows), (1, -1)):
        row = _solved(rows, sample.numbers(rows), held, region)
        if row is not None:
            values = dict(zip(names, _primitive(row, way, region), strict=True))
            yield {k: values[k] for k in model.now}, {k: values[k] for k in model.known}


def _column(
    model: Model, name: str, runs: Sequence[Runs], region: Region, lift: Lift, rho: sympy.Expr
) -> list[Formula]:
    """What one coefficient of V, or one multiplier, gives to the equations S G = 0 of all runs."""
    v, used = _only(model, name)
    zero, out = region.field.zero, []
    for block in model.blocks:
        # S is linear in its unknowns, so that a column is S with one unknown 1 times the run's vectors.
        found = model.decrease(rho, v, used, block)
        lifted = [[lift(e) for e in row] for row in found]
        axis = {"mean": model.space.common, "deviation": model.space.worker}.get(block)
        if axis is None:  # f - f* along a run is positive: its coefficient in S is 0
            out.append(lifted[0][0] if block in (NOW, NEXT, *model.points) else zero)
            continue
        for run in runs:
            for vector in run.get(block, []):
                at = [vector[b] for b in axis]
                out += [sum((a * b for a, b in zip(row, at, strict=True)), zero) for row in lifted]
    return out


def _only(model: Model, name: str) -> tuple[dict[str, int], dict[str, int]]:
    """V and multipliers of which one is 1."""
    return {k: int(k == name) for k in model.now}, {k: int(k == name) for k in model.known}


def runs_of(round_: Round, active: Active, model: Model, region: Region, lift: Lift) -> Runs:
    """The vectors of an active quadratic's worst run.

    A block has one vector for biased messages, the columns of its matrix of second moments for unbiased ones.
    "deviation" is empty for one worker.
    """
    if round_.noisy:
        return _moments(round_, active, region, lift)
    return {"mean": [_line(round_, active, model, region, lift)]}


def _line(round_: Round, active: Active, model: Model, region: Region, lift: Lift) -> dict[str, Formula]:
    """Without noise the run is a multiple of one eigenvector, for an eigenvalue r or -r; messages and gradients too."""
    matrix = round_.matrix(active.instance)
    # By definition of the closed form r (or -r) is an eigenvalue: the matrix minus
    # r is singular in the field, and its null space is exact.
    turn = R if active.eigenvalue.real > 0 else -R
    size = matrix.shape[0]
    rows = [[lift(matrix[i, j] - (turn if i == j else 0)) for j in range(size)] for i in range(size)]
    (vector, *_) = DomainMatrix(rows, (size, size), region.field.to_domain()).nullspace().to_list()
    return along(model, active, dict(zip(round_.program.names, vector, strict=True)), region, lift)


def along(
    model: Model, active: Active, state: Mapping[str, Formula], region: Region, lift: Lift
) -> dict[str, Formula]:
    """All vectors of the model on the active quadratic, from those of the state, each as soon as its input is known.

    state: the numbers of the state's vectors. Returns those of all vectors that the model names. StopIteration where
    an input is never known, which a traced round excludes.
    """
    at, values = active.instance, dict(state)
    waiting = {name: (at.curvature, argument) for argument, name in model.curved}
    waiting |= {name: (f, u) for (u, name, _), f in zip(model.sent, at.factors, strict=True)}
    while waiting:
        # On a quadratic every gradient and message is a number times its input:
        # they follow from the state in the order of the program.
        name = next(k for k, (_, u) in waiting.items() if all(_plain(a) in values for a in u))
        factor, u = waiting.pop(name)
        total = sum((lift(c) * values[_plain(a)] for a, c in u.items()), region.field.zero)
        values[name] = lift(factor) * total
    return values


def _plain(name: str) -> str:
    """The vector itself: a mean of equal workers is the worker's own."""
    return name.removeprefix("mean ")


def _moments(round_: Round, active: Active, region: Region, lift: Lift) -> Runs:
    """With noise: the columns of G for means and for deviations, through the vectors of the step.

    E V+ has the coefficients M v, so moments m go to M' m, and the worst run's are the eigenvector for rho. A moment
    of P[a,b] is <abar, bbar>, one of Q[a,b] that of deviations.
    """
    at, model = active.instance, round_.model
    common, worker = on_quadratic(round_.program, round_.step, at.curvature, {})
    names, matrix = model.moments(Quadratic1D(at.curvature, "", 0, common, worker))
    # The coefficients of V go to those of E V+ by M, moments by the transpose. At the eigenvalue rho of M'
    # the second moments G of the worst run reproduce themselves, rho times each round.
    rho, size = lift(RHO), len(names)
    rows = [[lift(matrix[j][i]) - (rho if i == j else 0) for j in range(size)] for i in range(size)]
    out: Runs = {"mean": [], "deviation": []}
    for moment in DomainMatrix(rows, (size, size), region.field.to_domain()).nullspace().to_list():
        found = dict(zip(names, moment, strict=True))
        for block, letter, images in (("mean", "P", common), ("deviation", "Q", worker)):
            for column in _columns(found, letter, region.field.zero):
                out[block].append(
                    {
                        b: sum((lift(c) * column.get(a, 0) for a, c in image.items()), region.field.zero)
                        for b, image in images.items()
                    }
                )
    return out


def _columns(moments: Mapping[str, Formula], letter: str, zero: Formula) -> list[dict[str, Formula]]:
    """The columns of the matrix of second moments, those that are 0 left out."""
    # the moments of a symmetric matrix are named once for each pair: (a, b) stands for (b, a) too
    held = {pair_of(k): m for k, m in moments.items() if k[0] == letter}
    axis = list(dict.fromkeys(a for pair in held for a in pair))
    rows = [{a: held.get((a, b), held.get((b, a), zero)) for a in axis} for b in axis]
    out: list[dict[str, Formula]] = []
    for row in rows:
        # S annihilates G exactly where it annihilates every column of it.
        first = next((e for e in row.values() if e != 0), None)
        if first is not None:  # a column and its multiples say the same: the first entry is 1
            out.append({a: e / first for a, e in row.items()})
    return out


class _Sample:
    """The statement at one point of the region: which solutions are proofs there, so that few are tried in symbols.

    Floats throughout: it only sorts candidates. forms holds the matrix of S, and of V, for each unknown set to 1.
    """

    def __init__(
        self, model: Model, names: Sequence[str], region: Region, lift: Lift, rho: sympy.Expr
    ) -> None:
        self.names, self.model, self.region = list(names), model, region
        self.forms: dict[tuple[str, str], Array] = {}
        for name in names:
            v, used = _only(model, name)
            for block in model.blocks:
                decrease = model.decrease(rho, v, used, block)
                made = [[self.value(lift(e)) for e in row] for row in decrease]
                self.forms[name, block] = np.array(made, dtype=float)
                if model.state.get(block, 0):
                    self.forms[name, f"V {block}"] = np.array(model.lyapunov(v, block), dtype=float)

    def value(self, f: Formula) -> float:
        """A formula's number."""
        at = [self.region.sample[x] for x in self.region.symbols]
        # In rationals up to the last line: a quotient of large polynomials loses all digits in floats.
        top, bottom = (
            sum((sympy.Rational(c) * sympy.prod(x**k for x, k in zip(at, m, strict=True)) for m, c in p.terms()),
                sympy.Integer(0))
            for p in (f.numer, f.denom)
        )  # fmt: skip
        return float(top / bottom)

    def numbers(self, rows: list[list[Formula]]) -> Array:
        """The equations at the sample, each scaled to entries of at most 1."""
        matrix = np.array([[self.value(f) for f in row] for row in rows])
        scaled: Array = matrix / np.maximum(np.abs(matrix).max(axis=1, keepdims=True), SLACK)
        return scaled

    def proof(self, values: Array) -> bool:
        """Multipliers >= 0, S and V positive semidefinite, up to rounding."""
        # Necessary conditions at one point of the region: what fails
        # here by more than rounding fails as a proof.
        scale = float(np.abs(values).max()) or 1.0
        own = dict(zip(self.names, values / scale, strict=True))
        if min(own[k] for k in (*self.model.known, "f") if k in own) < -SLACK:
            return False
        blocks = dict.fromkeys(block for _, block in self.forms)
        sums = (sum(own[k] * self.forms[k, block] for k in self.names) for block in blocks)
        return all(np.linalg.eigvalsh(m).min() > -SLACK * max(1.0, np.abs(m).max()) for m in sums)

    def sparse(self, rows: list[list[Formula]]) -> Iterator[tuple[int, ...]]:
        """Places of solutions with as many zeros as the dimension allows, proofs at the sample; the fewest first.

        At most MOST_CHOSEN choices of zeros are looked at, and the MOST_TRIED sparsest supports are yielded.
        """
        # The null space of the equations at the sample; its dimension is that of the solutions in the field,
        # unless the sample happens to be special, and then the exact solution fails and is dropped.
        _, sizes, turned = np.linalg.svd(self.numbers(rows), full_matrices=True)
        rank = int((sizes > SLACK * sizes.max(initial=1.0)).sum())
        numbers = turned[rank:]
        if not len(numbers):
            return
        # a space of dimension k has solutions with k - 1 zeros anywhere: an extreme ray of the cone of multipliers
        # has them where multipliers vanish, and a proof with few inequalities is what a reader wants
        found = set()
        chosen = itertools.combinations(range(len(self.names)), len(numbers) - 1)
        for at in itertools.islice(chosen, MOST_CHOSEN):
            _, sizes, turned = np.linalg.svd(numbers[:, list(at)].T, full_matrices=True)
            if len(at) and sizes[-1] < SLACK * sizes[0]:
                continue  # these zeros do not fix a solution
            values = turned[-1] @ numbers
            if self.proof(values) or self.proof(-values):
                found.add(
                    tuple(int(i) for i in np.flatnonzero(np.abs(values) > SLACK * np.abs(values).max()))
                )
        yield from sorted(found, key=lambda used: (len(used), used))[:MOST_TRIED]


def _solved(
    rows: list[list[Formula]], numbers: Array, held: Sequence[int], region: Region
) -> list[Formula] | None:
    """The solution that is 0 elsewhere, None where it is not one alone.

    The equations are many and of one rank: the shortest ones that are independent at the sample are enough, and keep
    the formulas of the elimination short. Whether the others hold too is seen by the check of the whole proof.
    """
    length = [sum(len(f.numer.terms()) + len(f.denom.terms()) for f in row if f != 0) for row in rows]
    part: list[list[Formula]] = []
    seen = np.zeros((0, len(held)))
    for k in sorted(range(len(rows)), key=lambda k: length[k]):
        more = np.vstack([seen, numbers[k, list(held)]])
        # Rank is read at the sample, in floats: an error there gives a
        # wrong candidate, which the exact check refuses.
        if np.linalg.matrix_rank(more, tol=SLACK) > len(seen):
            seen = more
            part.append([rows[k][i] for i in held])
    # One direction: as many independent equations as unknowns that are not 0, less one.
    if len(part) != len(held) - 1:
        return None
    found = DomainMatrix(part, (len(part), len(held)), region.field.to_domain()).nullspace().to_list()
    places = dict(zip(held, found[0], strict=True))
    return [places.get(i, region.field.zero) for i in range(len(rows[0]))]


def _primitive(row: Sequence[Formula], way: int, region: Region) -> list[sympy.Expr]:
    """The same direction without common factors and without denominators, integer coefficients."""
    held = [f for f in row if f != 0]
    # Least common multiple of the denominators over the greatest common divisor of the numerators, then the
    # rational content: what is printed is the shortest multiple, and the proof does not depend on it.
    bottom, top = held[0].denom, held[0].numer
    for f in held[1:]:
        bottom, top = bottom.lcm(f.denom), top.gcd(f.numer)
    whole = [f * region.field(bottom) / region.field(top) for f in row]
    contents = [f.numer.content() / f.denom.content() for f in whole if f != 0]
    unit = contents[0]
    for c in contents[1:]:
        unit = sympy.gcd(sympy.Rational(unit), sympy.Rational(c))
    factor = sympy.Rational(unit) * way
    return [sympy.factor((f / region.lifted(factor)).as_expr()) for f in whole]


__all__ = ["Values", "along", "fitted", "runs_of"]
