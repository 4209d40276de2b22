"""A body that lives in the process of a judged file: its signature and its programs cross as plain values.

The verdict is made here, of the program that the file's own process traced; the report says so.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from compth._numbers import Number
from compth.certification.beside import beside
from compth.claims import Claim, Contractive, Unbiased
from compth.errors import InvalidParameter, Unsupported
from compth.methods.core.body import BodyMethod, derived
from compth.methods.core.program import Leaf, Op, Program
from compth.methods.core.signature import NOTHING, Signature
from compth.methods.core.vectors import COMMON, GRADIENT, MESSAGE, OWN, PICKED, SPOKEN, STATE, Vector

Values = tuple[tuple[str, Fraction], ...]
Plain = tuple[Any, ...]
CLAIMS: Mapping[str, type[Claim]] = {kind.__name__: kind for kind in (Contractive, Unbiased)}
SIZE, FEW = 5, 1000
"""The dimension and the most workers with which a body is traced, and its arrays are made, that asks for neither."""
KINDS = frozenset({GRADIENT, MESSAGE, SPOKEN, PICKED})


@dataclass(frozen=True)
class Statement:
    """A theorem of one's own: a dict, a compth Theorem or a function; or the worker in which it lives."""

    thing: Any
    name: str
    worker: Any = None
    form: str = ""


@dataclass(frozen=True, eq=False)
class Told:
    """The body of a file as its process describes it: what a worst case asks of a method's class."""

    statement: Statement
    name: str
    signature: Signature
    requires: tuple[type[Claim], ...]
    lyapunov_names: Mapping[str, str]
    units: Mapping[str, int] | None
    gamma: Number | None
    given: Mapping[str, Number]
    planned: Mapping[str, str]

    @property
    def __name__(self) -> str:
        return self.name

    def program(self, values: Values, n: int) -> Program:
        """The body's program at these parameters. Raises what the file's process refused it with."""
        s = self.signature
        server, worker, ops, leaves = traced(self.statement, values, n)
        found = Program(
            self.name,
            server,
            worker,
            tuple(Op(kind, _vector(v), line, draw, parts) for kind, v, line, draw, parts in ops),
            tuple(Leaf(p, coins, {k: _vector(v) for k, v in after}) for p, coins, after in leaves),
            n,
            SIZE,
            dict(s.start),
        )
        if (server, worker) != (s.server, s.worker) or not _whole(found):
            raise InvalidParameter(f"{self.name}: its process sent a program that is none")
        return found


def over_all_d(kind: type[BodyMethod], values: Values, n: int) -> Program:
    """The program of a body that is the same at every dimension. Unsupported for one that asks for its own.

    A body that does not ask for n either is traced, and held against its arrays, with FEW workers at most.
    """
    found = derived(kind, values, min(n, FEW), SIZE, False)
    if n > FEW:
        found = derived(kind, values, n, SIZE, False) if found.reads_n else replace(found, n=n)
    if found.reads_d:
        raise Unsupported(
            f"{kind.__name__} depends on d: a worst case is over all dimensions, make w.d a parameter"
        )
    return found


def method_in(thing: Any) -> Any:
    """What a theorem says that it is about: a name, a class, an instance, or nothing."""
    return thing.get("method") if isinstance(thing, Mapping) else getattr(thing, "method", None)


def _is_description(answer: Any, *_: Any) -> bool:
    if answer is None:
        return True
    shape = (str, tuple, tuple, dict, tuple, dict, bool, tuple, dict, dict | None, object, dict)
    fits = isinstance(answer, tuple) and len(answer) == len(shape)
    return fits and all(isinstance(v, kind) for v, kind in zip(answer, shape, strict=True))


@beside(_is_description)
def description(statement: Statement) -> Plain | None:
    """The method in words and numbers, None where it is a name or nothing. InvalidParameter for what is no body."""
    from compth.worst_case.bodies import asked_for, check_instance
    from compth.worst_case.exponents import exponents

    method = method_in(statement.thing)
    if method is None or isinstance(method, str):
        return None
    kind = asked_for(method).kind
    check_instance(method)
    s: Signature = kind.signature
    one = None if isinstance(method, type) else method
    given = {} if one is None else {k: getattr(one, k, None) for k in s.params}
    defaults = {k: v for k, v in s.params.items() if v is not NOTHING}
    claims = tuple(c.__name__ for c in kind.requires if c.__name__ in CLAIMS)
    shown = (kind.__name__, s.server, s.worker, dict(s.start), tuple(s.params), defaults, s.takes_gamma)
    used = {k: v for k, v in given.items() if v is not None}
    units = exponents(kind, 3)
    return (*shown, claims, dict(kind.lyapunov_names), units, getattr(one, "gamma", None), used)


def body_in(statement: Statement) -> Told | None:
    """The body that a theorem in a worker is about, None where it names a method."""
    answer = description(statement)
    if answer is None:
        return None
    name, server, worker, start, params, defaults, gamma, claims, names, units, own, given = answer
    signature = Signature(server, worker, start, {k: defaults.get(k, NOTHING) for k in params}, gamma)
    requires = tuple(CLAIMS[c] for c in claims if c in CLAIMS)
    return Told(statement, name, signature, requires, names, units, own, given, {})


def _plain(v: Vector) -> Plain:
    return tuple((*key, c) for key, c in v.terms.items())


def _vector(terms: Plain) -> Vector:
    return Vector({(scope, kind, i): c for scope, kind, i, c in terms})


def _is_program(answer: Any, *_: Any) -> bool:
    if not (isinstance(answer, tuple) and len(answer) == 4 and all(isinstance(v, tuple) for v in answer)):
        return False
    _, _, ops, leaves = answer
    return all(len(op) == 5 and _are_terms(op[1]) for op in ops) and all(
        len(leaf) == 3 and all(_are_terms(v) for _, v in leaf[2]) for leaf in leaves
    )


def _are_terms(value: Any) -> bool:
    return isinstance(value, tuple) and all(isinstance(t, tuple) and len(t) == 4 for t in value)


@beside(_is_program)
def traced(statement: Statement, values: Values, n: int) -> Plain:
    """The program of the body in plain values, traced and held against the body on arrays where it lives."""
    from compth.worst_case.bodies import asked_for

    found = over_all_d(asked_for(method_in(statement.thing)).kind, tuple(values), n)
    ops = tuple((op.kind, _plain(op.argument), op.line, op.draw, op.parts) for op in found.ops)
    leaves = tuple(
        (leaf.probability, leaf.coins, tuple((k, _plain(v)) for k, v in leaf.following.items()))
        for leaf in found.leaves
    )
    return found.server, found.worker, ops, leaves


def _whole(program: Program) -> bool:
    """True for a program in order: terms that exist before they are read, servers without a worker's own terms.

    Probabilities are those of one outcome among all.
    """
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


def _at(program: Program, kind: str, i: Any, before: int) -> bool:
    return isinstance(i, int) and 0 <= i < before and program.ops[i].kind == kind
