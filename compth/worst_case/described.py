"""The body of a judged file, described and traced in the process where it lives: what crosses are plain values."""

from __future__ import annotations

from collections.abc import Mapping

from compth.certification.beside import beside
from compth.claims import Claim, Contractive, Unbiased
from compth.methods.core.signature import NOTHING, Signature
from compth.methods.core.vectors import Vector
from compth.worst_case.bodies import asked_for, check_instance
from compth.worst_case.exponents import exponents
from compth.worst_case.told import Plain, Statement, Told, Values, at_home, over_all_d

CLAIMS: Mapping[str, type[Claim]] = {kind.__name__: kind for kind in (Contractive, Unbiased)}


def method_in(thing: object) -> object:
    """What a theorem says that it is about: a name, a class, an instance, or nothing."""
    return thing.get("method") if isinstance(thing, Mapping) else getattr(thing, "method", None)


def _is_description(answer: object, *_: object) -> bool:
    """True for None, or a tuple of the right length and types."""
    if not isinstance(answer, tuple):
        return answer is None
    # One type for each entry of the tuple that `description` returns: a worker's answer is data from outside.
    shape = (str, tuple, tuple, dict, tuple, dict, bool, tuple, dict, dict | None, object, dict)
    return len(answer) == len(shape) and all(
        isinstance(v, kind) for v, kind in zip(answer, shape, strict=True)
    )


@beside(_is_description)
def description(statement: Statement) -> Plain | None:
    """The method in words and numbers, None where it is a name or nothing. InvalidParameter for what is no body.

    (name, server, worker, start, params, defaults, takes gamma, claims, names in V, units, gamma, given parameters).
    """
    method = method_in(statement.thing)
    if method is None or isinstance(method, str):
        return None
    kind = at_home(asked_for(method).kind)
    check_instance(method)
    s: Signature = kind.signature
    one = None if isinstance(method, type) else method
    given = {} if one is None else {k: getattr(one, k, None) for k in s.params}
    # NOTHING is a class of Python's own and no plain value: parameters without a default are left out.
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
    return Told(
        statement,
        name,
        signature,
        requires=requires,
        lyapunov_names=names,
        units=units,
        gamma=own,
        given=given,
        planned={},
        trace=traced,
    )


def _plain(v: Vector) -> Plain:
    """A vector as (scope, kind, id, coefficient) each term."""
    return tuple((*key, c) for key, c in v.terms.items())


def _is_program(answer: object, *_: object) -> bool:
    """True for a tuple shaped as `traced` returns it; what the terms mean is checked by `Told.program`."""
    if not (isinstance(answer, tuple) and len(answer) == 4 and all(isinstance(v, tuple) for v in answer)):
        return False
    _, _, ops, leaves = answer
    return all(len(op) == 5 and _are_terms(op[1]) for op in ops) and all(
        len(leaf) == 3 and all(_are_terms(v) for _, v in leaf[2]) for leaf in leaves
    )


def _are_terms(value: object) -> bool:
    """True for a tuple of terms."""
    return isinstance(value, tuple) and all(isinstance(t, tuple) and len(t) == 4 for t in value)


@beside(_is_program)
def traced(statement: Statement, values: Values, n: int) -> Plain:
    """The program of the body in plain values, traced and held against the body on arrays where it lives."""
    # Tracing calls the file's function: it happens here, beside the file, and only the program crosses.
    found = over_all_d(at_home(asked_for(method_in(statement.thing)).kind), tuple(values), n)
    ops = tuple((op.kind, _plain(op.argument), op.line, op.draw, op.parts) for op in found.ops)
    leaves = tuple(
        (leaf.probability, leaf.coins, tuple((k, _plain(v)) for k, v in leaf.following.items()))
        for leaf in found.leaves
    )
    return found.server, found.worker, ops, leaves
