"""Where a program rests at the minimiser, and combinations of its state that no step moves; in Fractions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from compth._numbers import Number
from compth.errors import Unsupported
from compth.methods.core.program import Leaf, Program
from compth.methods.core.vectors import COMMON, GRADIENT, MESSAGE, OWN, PICKED, STATE, Key, Vector, combined

ROUNDING = Fraction(1, 10**12)
"""What the coefficients of a body that holds float literals may miss a fixed point by; Fractions may miss nothing."""
Row = list[Fraction]


@dataclass(frozen=True)
class Centre:
    """x rests at x*, server vector k at server[k] x*, worker i's m at worker[m][0] x* + worker[m][1] grad f_i(x*).

    tier 1: every compressor then works on 0, so that there is no floor. 2: only where grad f_i(x*) = 0, so that
    heterogeneous data leave a floor (worker[m][1] = 0: the gradients at x* stay as an affine part). 3: the compressors'
    inputs are kept, and their means rest there (a floor even at a shared minimiser).
    """

    tier: int
    server: Mapping[str, Fraction]
    worker: Mapping[str, tuple[Fraction, Fraction]]

    @property
    def floor(self) -> str:
        """In words."""
        return {
            1: "a fixed point: no floor, whatever the minimisers of the workers",
            2: "a fixed point only where all workers share their minimiser: a floor on heterogeneous data",
            3: "no fixed point: a floor even where all workers share their minimiser",
        }[self.tier]


def centre_of(program: Program, delta: Number = 1, downlink_multiplier: Number = 1) -> Centre:
    """The program's fixed point. Unsupported where there is none with every gradient taken at x*.

    delta, downlink_multiplier: the mean multipliers of the workers' compressors and of the broadcast's.
    """
    # a tier is a demand on rest that is weaker than the one before; the first that can be met says which
    # floor the method has on any data, before any number is known
    for tier in (1, 2, 3):
        found = _solved(program, tier, Fraction(delta), Fraction(downlink_multiplier))
        if found is not None:
            return found
    raise Unsupported(f"{program.name} has no fixed point at which its gradients are taken at the minimiser")


def exact_program(program: Program) -> bool:
    """True when every coefficient is an int or a Fraction."""
    vectors = [op.argument for op in program.ops] + [
        v for leaf in program.leaves for v in leaf.following.values()
    ]
    return all(isinstance(c, int | Fraction) for v in vectors for c in v.terms.values())


def _solved(program: Program, tier: int, delta: Fraction, downlink_multiplier: Fraction) -> Centre | None:
    # unknowns: a of every server vector after x, (a, b) of every worker's; a row is a linear form in them plus a number
    names = [("a", k) for k in program.server[1:]] + [(q, k) for k in program.worker for q in "ab"]
    at, size = {name: i for i, name in enumerate(names)}, len(names)
    equations: list[Row] = []

    # at x = x* of quadratics every resting vector is a x* + b grad f_i(x*): the two parts are independent,
    # as data may be chosen so that they are, so each has equations of its own
    def constant(v: int) -> Row:
        return [Fraction(0)] * size + [Fraction(v)]

    def unknown(q: str, k: str) -> Row:
        row = constant(0)
        row[at[q, k]] = Fraction(1)
        return row

    def plus(p: Row, q: Row, c: Fraction) -> Row:
        return [x + c * y for x, y in zip(p, q, strict=True)]

    outputs: list[tuple[Row, Row]] = []

    def value(v: Vector) -> tuple[Row, Row]:
        a, b = constant(0), constant(0)
        for (scope, kind, i), c in v.terms.items():
            if kind != STATE:
                va, vb = outputs[i]
            elif i == program.server[0]:
                va, vb = constant(1), constant(0)
            else:
                va, vb = unknown("a", i), unknown("b", i) if i in program.worker else constant(0)
            # averaging keeps the part along x* and kills the other one
            a = plus(a, va, Fraction(c))
            b = b if scope == COMMON else plus(b, vb, Fraction(c))  # the mean of the gradients at x* is 0
        return a, b

    for op in program.ops:
        a, b = value(op.argument)
        if op.kind == GRADIENT:
            # a gradient has to be taken at x* exactly (a = 1, b = 0), or its value would depend on the
            # Hessians. Its value is then grad f_i(x*): b = 1, and 0 where tier 2 assumes a shared minimiser
            equations.append(plus(a, constant(1), Fraction(-1)))
            equations.append(b)
            outputs.append((constant(0), constant(0 if tier == 2 else 1)))
        elif op.kind == PICKED:  # a part's gradient rests at more than its worker's: only differences rest
            # differences such as grad f_ij(x) - grad f_ij(w) vanish at rest, a lone grad f_ij(x*) does not:
            # tier 1 asks that nothing is left to pick from
            equations += [b] if tier == 1 else []
            outputs.append((a, b))
        elif tier == 3:
            # tier 3 lets a compressor work on what does not vanish: its mean output is delta times its
            # input (1 for unbiased ones), and its variance there is the floor
            factor = delta if op.kind == MESSAGE else downlink_multiplier
            outputs.append(([factor * v for v in a], [factor * v for v in b]))
        else:
            # a compressor adds no noise exactly at 0: tiers 1 and 2 ask that every message is 0 at rest
            equations += [a, b]
            outputs.append((constant(0), constant(0)))
    for leaf in program.leaves:
        for k, v in leaf.following.items():
            a, b = value(v)
            # rest: in every outcome of the coins the next value is the present one
            mine = constant(1) if k == program.server[0] else unknown("a", k)
            equations.append(plus(a, mine, Fraction(-1)))
            equations.append(plus(b, unknown("b", k), Fraction(-1)) if k in program.worker else b)
    found = solved(equations, size, Fraction(0) if exact_program(program) else ROUNDING)
    if found is None:
        return None
    server = {program.server[0]: Fraction(1)} | {k: found[at["a", k]] for k in program.server[1:]}
    return Centre(tier, server, {k: (found[at["a", k]], found[at["b", k]]) for k in program.worker})


def reduced(rows: Sequence[Row], size: int, tolerance: Fraction = Fraction(0)) -> tuple[list[Row], list[int]]:
    """(rows in reduced echelon form, pivot columns) over the first `size` columns."""
    rows, pivots, r = [list(row) for row in rows], [], 0
    for j in range(size):
        # no pivoting for size: the entries are Fractions, so any non-zero pivot is as good as another; the
        # tolerance is for coefficients that were float literals
        p = next((i for i in range(r, len(rows)) if abs(rows[i][j]) > tolerance), None)
        if p is None:
            continue
        rows[r], rows[p] = rows[p], rows[r]
        rows[r] = [x / rows[r][j] for x in rows[r]]
        for i in range(len(rows)):
            if i != r and rows[i][j] != 0:
                rows[i] = [x - rows[i][j] * y for x, y in zip(rows[i], rows[r], strict=True)]
        pivots.append(j)
        r += 1
    return rows, pivots


def solved(equations: Sequence[Row], size: int, tolerance: Fraction = Fraction(0)) -> Row | None:
    """A solution of rows . (unknowns, 1) = 0, free unknowns 0; None where there is none."""
    rows, pivots = reduced(equations, size, tolerance)
    if any(abs(row[size]) > tolerance for row in rows[len(pivots) :]):
        return None
    out = [Fraction(0)] * size
    for row, j in zip(rows, pivots, strict=False):
        # rows read (coefficients) . u + constant = 0; free unknowns at 0 choose one of several resting
        # points, and any serves
        out[j] = -row[size]
    return out


def null_space(columns: Sequence[Mapping[object, Fraction]]) -> list[Row]:
    """Combinations l with sum l_i columns[i] = 0, in reduced form."""
    keys = list(dict.fromkeys(k for column in columns for k in column))
    size = len(columns)
    rows = [[column.get(k, Fraction(0)) for column in columns] for k in keys]
    done, pivots = reduced(rows, size)
    out = []
    for free in (j for j in range(size) if j not in pivots):
        # one basis vector for every free column: 1 there, and minus that column in the pivots' rows
        l = [Fraction(0)] * size
        l[free] = Fraction(1)
        for row, j in zip(done, pivots, strict=False):
            l[j] = -row[free]
        out.append(l)
    return out


def without_invariants(program: Program) -> tuple[Program, dict[str, dict[str, Fraction]]]:
    """The program less every vector that a combination no step moves makes a copy, and those: name -> combination.

    DIANA with a server's copy H of mean h keeps H - mean h, which begins at 0: H is mean h. Left in, such a direction
    never contracts. Combinations that do not begin at 0 stay.
    """
    gone: dict[str, dict[str, Fraction]] = {}
    while True:
        # one vector at a time, as taking it out may make another one a copy; each time the program shrinks,
        # so this ends
        found = _invariant(program, OWN) or _invariant(program, COMMON)
        if found is None:
            return program, gone
        name, combination = found
        gone[name] = combination
        program = substituted(program, name, combination)


def _invariant(program: Program, scope: str) -> tuple[str, dict[str, Fraction]] | None:
    """(vector, the combination of others that it equals): of the workers' own (OWN), or of servers and means."""
    names = program.worker if scope == OWN else program.names
    columns: list[dict[object, Fraction]] = []
    for k in names:
        # the column of a vector is its change in a step, k+ - k, over all leaves: a combination l with sum
        # l_k (k+ - k) = 0 in every leaf is what no step moves
        column: dict[object, Fraction] = {}
        for j, leaf in enumerate(program.leaves):
            terms: dict[Key, Fraction] = {}
            for (s, kind, i), c in leaf.following[k].terms.items():
                key = (s if scope == OWN else COMMON, kind, i)
                terms[key] = terms.get(key, Fraction(0)) + Fraction(c)
            own = (scope, STATE, k)
            terms[own] = terms.get(own, Fraction(0)) - 1
            column |= {(j, *key): Fraction(c) for key, c in terms.items() if c}
        columns.append(column)
    for l in null_space(columns):
        held = {k: c for k, c in zip(names, l, strict=True) if c}
        # what never moves keeps its value at the start: it is 0 for ever only if it begins at 0, for every
        # x_0 and every data, that is coefficient by coefficient of each kind of beginning
        begins: dict[str, Fraction] = {}
        for k, c in held.items():
            kind = "x0" if k == program.server[0] else program.start.get(k, "zero")
            begins[kind] = begins.get(kind, Fraction(0)) + c
        copies = [k for k in held if k != program.server[0] and (scope == OWN or k in program.server)]
        if copies and not any(c for kind, c in begins.items() if kind != "zero"):
            # solved for its last vector, an added copy (a server's mean of memories) goes and the original
            # stays
            name = copies[-1]
            return name, {k: -c / held[name] for k, c in held.items() if k != name}
    return None


def substituted(program: Program, name: str, combination: Mapping[str, Fraction]) -> Program:
    """The program with the vector replaced by a combination of the others (their means, for a server vector)."""

    def put(v: Vector) -> Vector:
        parts: list[tuple[Number, Vector]] = [
            (1, Vector({k: c for k, c in v.terms.items() if k[1:] != (STATE, name)}))
        ]
        for scope in (COMMON, OWN):
            c = v.terms.get((scope, STATE, name), 0)
            parts += [(c * a, Vector({(scope, STATE, k): 1})) for k, a in combination.items()] if c else []
        return combined(parts)

    leaves = tuple(
        Leaf(leaf.probability, leaf.coins, {k: put(v) for k, v in leaf.following.items() if k != name})
        for leaf in program.leaves
    )
    return replace(
        program,
        server=tuple(k for k in program.server if k != name),
        worker=tuple(k for k in program.worker if k != name),
        ops=tuple(replace(op, argument=put(op.argument)) for op in program.ops),
        leaves=leaves,
        start={k: v for k, v in program.start.items() if k != name},
    )
