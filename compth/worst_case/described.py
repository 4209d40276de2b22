"""The body of a judged file, described and traced in the process where it lives: what crosses are plain values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from compth.certification.beside import beside
from compth.claims import Claim, Contractive, Unbiased
from compth.methods.core.signature import NOTHING, Signature
from compth.methods.core.vectors import Vector
from compth.worst_case.bodies import asked_for, check_instance
from compth.worst_case.exponents import exponents
from compth.worst_case.told import Plain, Statement, Told, Values, over_all_d

CLAIMS: Mapping[str, type[Claim]] = {kind.__name__: kind for kind in (Contractive, Unbiased)}


def method_in(thing: object) -> Any:
    """What a theorem says that it is about: a name, a class, an instance, or nothing."""
    return thing.get("method") if isinstance(thing, Mapping) else getattr(thing, "method", None)


def _is_description(answer: Any, *_: object) -> bool:
    if answer is None:
        return True
    shape = (str, tuple, tuple, dict, tuple, dict, bool, tuple, dict, dict | None, object, dict)
    fits = isinstance(answer, tuple) and len(answer) == len(shape)
    return fits and all(isinstance(v, kind) for v, kind in zip(answer, shape, strict=True))


@beside(_is_description)
def description(statement: Statement) -> Plain | None:
    """The method in words and numbers, None where it is a name or nothing. InvalidParameter for what is no body."""
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
    return Told(statement, name, signature, requires, names, units, own, given, {}, traced)


def _plain(v: Vector) -> Plain:
    return tuple((*key, c) for key, c in v.terms.items())


def _is_program(answer: object, *_: object) -> bool:
    if not (isinstance(answer, tuple) and len(answer) == 4 and all(isinstance(v, tuple) for v in answer)):
        return False
    _, _, ops, leaves = answer
    return all(len(op) == 5 and _are_terms(op[1]) for op in ops) and all(
        len(leaf) == 3 and all(_are_terms(v) for _, v in leaf[2]) for leaf in leaves
    )


def _are_terms(value: object) -> bool:
    return isinstance(value, tuple) and all(isinstance(t, tuple) and len(t) == 4 for t in value)


@beside(_is_program)
def traced(statement: Statement, values: Values, n: int) -> Plain:
    """The program of the body in plain values, traced and held against the body on arrays where it lives."""
    found = over_all_d(asked_for(method_in(statement.thing)).kind, tuple(values), n)
    ops = tuple((op.kind, _plain(op.argument), op.line, op.draw, op.parts) for op in found.ops)
    leaves = tuple(
        (leaf.probability, leaf.coins, tuple((k, _plain(v)) for k, v in leaf.following.items()))
        for leaf in found.leaves
    )
    return found.server, found.worker, ops, leaves
