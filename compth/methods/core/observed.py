"""What x observes of a state: the program on the smallest set of combinations that contains x and follows itself.

A form is a combination of servers, of the workers' means and of worker i's own vectors. x reads forms, these read
others at the next step, in every outcome of the coins; what no form of that closure sees decides nothing of x, ever. A
memory that nothing reads is such a thing, and so are two memories of which x reads the sum alone, or workers' own parts
where their mean alone is read. Forms under different powers of the Hessians are told apart, as they are for almost all
Hessians, and a coefficient is 0 where it is exactly 0: at most more is kept than is needed, never less.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction

from compth.methods.core.centre import Row, reduced
from compth.methods.core.program import Program
from compth.methods.core.rewriting import without_unread
from compth.methods.core.vectors import COMMON, OWN, STATE, Key, Vector, averaged, combined

Form = Mapping[Key, Fraction]


@dataclass(frozen=True)
class Observed:
    """The program on the forms. forms: new vector -> combination of old ones; old: an old state with these forms.

    whole: x observes everything, and the program is the one that was given.
    """

    program: Program
    forms: Mapping[str, Vector]
    old: Mapping[Key, Vector]
    whole: bool = False


def observed(program: Program) -> Observed:
    """The program as far as x can tell. One worker's vectors are their means, and count as the server's."""
    own = [(OWN, STATE, k) for k in program.worker] if program.n > 1 else []
    common: list[Key] = [(COMMON, STATE, k) for k in program.names]
    # columns order matters: own parts first, so that in echelon form the rows that lead there are the
    # workers' forms and those that lead later are combinations of means and servers
    space = _Space([*own, *common])
    _close(program, space, bool(own))
    # full rank: x sees everything, and rewriting would only rename
    if len(space.rows) == len(space.columns):
        return _whole(program)
    workers, servers = _forms(space, own, common)
    return _rewritten(program, workers, servers, common)


def of_x(program: Program) -> Observed:
    """The same under the names of the program's own vectors; the whole of it where these are too few."""
    found = observed(program)
    return found if set(found.forms) <= set(program.names) else _whole(program)


def _whole(program: Program) -> Observed:
    """Everything, as it is."""
    keys = [(COMMON, STATE, k) for k in program.names] + [(OWN, STATE, k) for k in program.worker]
    own = set(program.worker)
    forms = {k: Vector({(OWN if k in own else COMMON, STATE, k): 1}) for k in program.names}
    return Observed(program, forms, {k: Vector({k: 1}) for k in keys}, True)


class _Space:
    """A growing space of forms, in reduced echelon form."""

    def __init__(self, columns: list[Key]) -> None:
        self.columns = columns
        self.rows: list[Row] = []
        self.pivots: list[int] = []

    def add(self, form: Form) -> bool:
        """False where it was there already."""
        row = [Fraction(form.get(k, 0)) for k in self.columns]
        # a form is new where it raises the rank
        rows, pivots = reduced([*self.rows, row], len(row))
        grown = len(pivots) > len(self.pivots)
        if grown:
            self.rows, self.pivots = rows, pivots
        return grown

    def form(self, row: Row) -> dict[Key, Fraction]:
        return {k: c for k, c in zip(self.columns, row, strict=True) if c}


def _close(program: Program, space: _Space, split: bool) -> None:
    """Let the space be that of all forms that x reads, now or ever."""
    # the closure: x is read; what a read vector's next value is made of is read; so are the arguments of
    # the operations in it. The space has finite dimension and every round raises it, so this ends
    todo = [Vector({(COMMON, STATE, program.server[0]): Fraction(1)})]
    ops: set[int] = set()
    while todo:
        v = todo.pop() if split else averaged(todo.pop())
        for _, kind, i in v.terms:
            if kind != STATE and i not in ops:
                ops.add(i)
                todo.append(program.ops[i].argument)
        state = Vector({k: c for k, c in v.terms.items() if k[1] == STATE})
        if not state.terms or not space.add(state.terms):
            continue
        # a worker's own form is deviation plus mean, and both move separately: x may read the mean of what
        # it reads
        todo += [averaged(state)] if state.own else []
        todo += [_next(leaf.following, state) for leaf in program.leaves]


def _next(following: Mapping[str, Vector], form: Vector) -> Vector:
    """The next value of a form."""
    return combined(
        (c, following[k] if scope == OWN else averaged(following[k]))
        for (scope, _, k), c in form.terms.items()
    )


def _forms(space: _Space, own: list[Key], common: list[Key]) -> tuple[dict[str, Vector], dict[str, Vector]]:
    """New vectors of the workers and of the server, x first: with the workers' means they span what is common."""
    workers = {
        str(own[p][2]): Vector(space.form(row))
        for row, p in zip(space.rows, space.pivots, strict=False)
        if p < len(own)
    }
    # the means of the workers' forms are there for free: a server vector is needed only where they do not
    # span it already. x comes first, so that it keeps its name and its place
    both = _Space(common)
    shared = [(p, space.form(row)) for row, p in zip(space.rows, space.pivots, strict=False) if p >= len(own)]
    servers = {}
    both.add(shared[0][1])
    servers[str(space.columns[shared[0][0]][2])] = Vector(shared[0][1])
    for form in workers.values():
        both.add(averaged(form).terms)
    for p, row in shared[1:]:
        if both.add(row):
            name = str(space.columns[p][2])
            servers[f"mean of {name}" if name in workers else name] = Vector(row)
    return workers, servers


def _rewritten(
    program: Program, workers: Mapping[str, Vector], servers: Mapping[str, Vector], common: list[Key]
) -> Observed:
    """The program on these forms, run at the old state that has them and nothing in the vectors left over.

    Own parts: the leading vector of each worker's form holds its deviation from the mean. Means and servers: the
    leading ones of the echelon form of all means M hold N (means of the forms), N M reduced.
    """
    means = {k: averaged(v) for k, v in workers.items()}
    names, forms = [*servers, *means], [*servers.values(), *means.values()]
    width = len(common)
    unit = [[Fraction(int(i == j)) for j in range(len(forms))] for i in range(len(forms))]
    # Gauss on (M | I): what the row operations do to I says which combination of the new vectors each old
    # leading vector is
    table = [[Fraction(v.terms.get(k, 0)) for k in common] + unit[i] for i, v in enumerate(forms)]
    rows, pivots = reduced(table, width)
    old: dict[Key, Vector] = {k: Vector({}) for k in common}
    for row, p in zip(
        rows, pivots, strict=False
    ):  # deviations from a mean have the mean 0: a row without a pivot
        old[common[p]] = Vector({(COMMON, STATE, k): c for k, c in zip(names, row[width:], strict=True)})
    for k in program.worker if program.n > 1 else ():
        # a vector without a form of its own sits at its mean: any choice would do, as x does not see the
        # difference
        deviation = {(OWN, STATE, k): Fraction(1), (COMMON, STATE, k): Fraction(-1)} if k in workers else {}
        old[OWN, STATE, k] = old[COMMON, STATE, k] + Vector(deviation)

    def put(v: Vector) -> Vector:
        v = v if program.n > 1 else _states_averaged(v)
        return combined((c, old.get(k, Vector({k: 1}))) for k, c in v.terms.items())

    leaves = tuple(
        replace(
            leaf,
            # the next value of a form, written in old vectors, with these replaced by one old state that
            # has the given forms: well defined because the space is closed
            following={k: put(_next(leaf.following, v)) for k, v in {**servers, **workers}.items()},
        )
        for leaf in program.leaves
    )
    found = replace(
        program,
        server=tuple(servers),
        worker=tuple(workers),
        ops=tuple(replace(op, argument=put(op.argument)) for op in program.ops),
        leaves=leaves,
        start=dict(_starts(program, {**servers, **workers})),
    )
    return Observed(without_unread(found), {**servers, **workers}, old)


def _states_averaged(v: Vector) -> Vector:
    return combined((c, Vector({(COMMON if k[1] == STATE else k[0], *k[1:]): 1})) for k, c in v.terms.items())


def _starts(program: Program, forms: Mapping[str, Vector]) -> Iterable[tuple[str, str]]:
    """Where a form that is one vector begins; the others' beginnings are not kept."""
    for name, form in forms.items():
        if len(form.terms) == 1:
            (((_, _, k), c),) = form.terms.items()
            if c == 1 and k in program.start:
                yield name, program.start[k]
