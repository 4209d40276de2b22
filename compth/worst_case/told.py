"""A body that lives in the process of a judged file: its signature and its programs cross as plain values.

The verdict is made here, of the program that the file's own process traced; the report says so. Whatever crosses is
checked before it is used, since the file's process is not trusted.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction

from compth._numbers import Number
from compth.certification.beside import Process
from compth.claims import Claim
from compth.errors import InvalidParameter, Unsupported
from compth.methods.core.body import BodyMethod, derived
from compth.methods.core.program import Leaf, Op, Program
from compth.methods.core.signature import Signature
from compth.methods.core.vectors import COMMON, GRADIENT, MESSAGE, OWN, PICKED, SPOKEN, STATE, Vector

Values = tuple[tuple[str, Fraction], ...]
Plain = tuple[Number, ...]
"""Numbers and text in nested tuples, as they cross: checked where they arrive, before they are read."""
SIZE, FEW = 5, 1000
"""The dimension and the most workers with which a body is traced, and its arrays are made, that asks for neither."""
KINDS = frozenset({GRADIENT, MESSAGE, SPOKEN, PICKED})


@dataclass(frozen=True)
class Statement:
    """A theorem of one's own: a dict, a compth Theorem or a function; or the worker in which it lives.

    thing: the object itself where worker is None, else unused. name: what messages call it. worker: the process that
    answers for it. form: how that process is asked to read the thing.
    """

    thing: object
    name: str
    worker: Process | None = None
    form: str = ""


@dataclass(frozen=True, eq=False)
class Told:
    """The body of a file as its process describes it: what a worst case asks of a method's class.

    signature, requires, lyapunov_names, planned: as of a body's class. units: exponents of L, None where they cannot
    be told. gamma, given: the step and the parameters of an instance.
    """

    statement: Statement
    name: str
    signature: Signature
    requires: tuple[type[Claim], ...]
    lyapunov_names: Mapping[str, str]
    units: Mapping[str, int] | None
    gamma: Number | None
    given: Mapping[str, Number]
    planned: Mapping[str, str]
    trace: Callable[[Statement, Values, int], Plain]
    """What asks the file's process for a program."""

    @property
    def __name__(self) -> str:
        return self.name

    def program(self, values: Values, n: int) -> Program:
        """The body's program at these parameters. Raises what the file's process refused it with."""
        s = self.signature
        server, worker, ops, leaves = self.trace(self.statement, values, n)
        found = Program(
            self.name,
            server,
            worker,
            ops=tuple(Op(kind, _vector(v), line, draw, parts) for kind, v, line, draw, parts in ops),
            leaves=tuple(Leaf(p, coins, {k: _vector(v) for k, v in after}) for p, coins, after in leaves),
            n=n,
            d=SIZE,
            start=dict(s.start),
        )
        if (server, worker) != (s.server, s.worker) or not _whole(found):
            raise InvalidParameter(f"{self.name}: its process sent a program that is none")
        return found


Kind = type[BodyMethod] | Told
"""What a worst case is asked of: a body's class, or what a file's process tells of one."""


def at_home(kind: Kind) -> type[BodyMethod]:
    """The class of a body that lives in this process. Unsupported for one that another process tells of."""
    if isinstance(kind, Told):
        raise Unsupported(f"{kind.name}: its body lives in the process of its file")
    return kind


def over_all_d(kind: type[BodyMethod], values: Values, n: int, downlink: bool = False) -> Program:
    """The program of a body that is the same at every dimension. Unsupported for one that asks for its own.

    A body that does not ask for n either is traced, and held against its arrays, with FEW workers at most.
    """
    # Small n and d, for tracing compares the body with its own arrays; the program is the same at every n
    # unless the body asks for n, and then it is traced at the n that was asked for.
    found = derived(kind, values, min(n, FEW), SIZE, downlink)
    if n > FEW:
        found = derived(kind, values, n, SIZE, downlink) if found.reads_n else replace(found, n=n)
    if found.reads_d:
        raise Unsupported(
            f"{kind.__name__} depends on d: a worst case is over all dimensions, make w.d a parameter"
        )
    return found


def _vector(terms: Plain) -> Vector:
    """A vector from its terms as they were sent."""
    return Vector({(scope, kind, i): c for scope, kind, i, c in terms})


def _whole(program: Program) -> bool:
    """True for a program in order: terms that exist before they are read, servers without a worker's own terms.

    Probabilities are those of one outcome among all.
    """
    # The other process may send anything. A program in order can at worst be that of another method; one that
    # read a term before it exists, or let a server see one worker, would make the LMI speak of no method at
    # all.
    names = set(program.names)

    def known(v: Vector, before: int) -> bool:
        return all(
            scope in (COMMON, OWN)
            and (i in names if kind == STATE else kind in KINDS and _at(program, kind, i, before))
            and isinstance(c, int | float | Fraction)
            and math.isfinite(c)
            for (scope, kind, i), c in v.terms.items()
        )

    ops = all(known(op.argument, i) and op.kind in KINDS for i, op in enumerate(program.ops))
    leaves = all(
        set(leaf.following) == names
        and all(known(v, len(program.ops)) for v in leaf.following.values())
        and not any(leaf.following[k].own for k in program.server)
        and 0 < Fraction(leaf.probability) <= 1
        for leaf in program.leaves
    )
    total = sum((Fraction(leaf.probability) for leaf in program.leaves), Fraction(0))
    return ops and leaves and abs(float(total - 1)) <= 1e-12


def _at(program: Program, kind: str, i: object, before: int) -> bool:
    """True where operation i comes before this one and is of this kind."""
    return isinstance(i, int) and 0 <= i < before and program.ops[i].kind == kind
