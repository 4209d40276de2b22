"""A program whose compressors send all they are given, after its first round: what it then holds is left out.

EF remembers nothing, EF21's memories are the gradients: both are gradient descent.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from compth.methods.core.program import Leaf, Op, Program
from compth.methods.core.vectors import COMMON, GRADIENT, MESSAGE, OWN, STATE, Key, Vector, averaged, combined

NOTHING, TAKEN_AGAIN = "nothing", "the gradient at x"
Values = Mapping[tuple[str, Any], Vector]


def settled(program: Program) -> Program:
    """The same run from its second round on, where every message is what was compressed."""
    program = _rewritten(program, {}, exact=True)
    while True:
        found = next((k for k in program.names[1:] if _held(program, k)), None)
        if found is None:
            return program
        value = Vector({})
        if _held(program, found) == TAKEN_AGAIN:
            program = _with_gradient(program)
            value = Vector({(OWN if found in program.worker else COMMON, GRADIENT, 0): 1})
        program = _rewritten(program, {(STATE, found): value}, gone=found)


def steering(program: Program) -> Program:
    """The same run of x, less every vector of the state that x never comes to depend on: an average that is put out."""
    kept = {program.server[0]}
    while True:
        read = [leaf.following[k] for leaf in program.leaves for k in kept]
        read += [program.ops[i].argument for i in _reached(program, read)]
        more = kept | {str(i) for v in read for _, kind, i in v.terms if kind == STATE}
        if more == kept:
            break
        kept = more
    for name in (k for k in program.names if k not in kept):
        program = _rewritten(program, {}, gone=name)
    return program


def _held(program: Program, name: str) -> str:
    """What a vector is from the second round on: nothing, the gradient at x, or "" where it is neither."""
    nexts = [leaf.following[name] for leaf in program.leaves]
    others = [op.argument for op in program.ops]
    others += [v for leaf in program.leaves for k, v in leaf.following.items() if k != name]
    read = any(kind == STATE and i == name for v in others for _, kind, i in v.terms)
    if not read or not any(v.terms for v in nexts):
        return NOTHING
    scope, x = OWN if name in program.worker else COMMON, program.server[0]
    after = program.leaves[0].following[x].terms
    again = [
        {(scope, GRADIENT, i): 1} for i in program.of_kind(GRADIENT) if program.ops[i].argument.terms == after
    ]
    same = all(leaf.following[x].terms == after for leaf in program.leaves)
    return TAKEN_AGAIN if same and all(v.terms in again for v in nexts) else ""


def _with_gradient(program: Program) -> Program:
    """The same with the gradient at x as its first operation."""
    shifted = {(op.kind, i): Vector({(OWN, op.kind, i + 1): 1}) for i, op in enumerate(program.ops)}
    x = Vector({(COMMON, STATE, program.server[0]): 1})
    draw = 1 + max((op.draw for op in program.ops), default=0)
    ops = (
        Op(GRADIENT, x, 0, draw),
        *(replace(o, argument=_put(o.argument, shifted)) for o in program.ops),
    )
    leaves = tuple(
        Leaf(leaf.probability, leaf.coins, {k: _put(v, shifted) for k, v in leaf.following.items()})
        for leaf in program.leaves
    )
    return replace(program, ops=ops, leaves=leaves)


def _put(v: Vector, values: Values) -> Vector:
    """The vector with these terms replaced; the mean of a term is the mean of what replaces it."""

    def part(key: Key) -> Vector:
        scope, kind, i = key
        found = values.get((kind, i))
        if found is None:
            return Vector({key: 1})
        return averaged(found) if scope == COMMON else found

    return combined((c, part(key)) for key, c in v.terms.items())


def _rewritten(program: Program, values: Values, gone: str = "", exact: bool = False) -> Program:
    """The program with terms replaced, a vector of the state gone, and no operation that nothing reads.

    exact: every message is replaced by what was compressed.
    """
    ops, values = list[Op](), dict(values)
    for i, op in enumerate(program.ops):
        argument = _put(op.argument, values)
        ops.append(replace(op, argument=argument))
        if exact and op.kind == MESSAGE:
            values[MESSAGE, i] = argument
    leaves = tuple(
        Leaf(
            leaf.probability, leaf.coins, {k: _put(v, values) for k, v in leaf.following.items() if k != gone}
        )
        for leaf in program.leaves
    )
    server, worker = (tuple(k for k in names if k != gone) for names in (program.server, program.worker))
    start = {k: v for k, v in program.start.items() if k != gone}
    return _without_unread(
        replace(program, server=server, worker=worker, ops=tuple(ops), leaves=leaves, start=start)
    )


def _reached(program: Program, vectors: Iterable[Vector]) -> set[int]:
    """Operations that these vectors need."""
    seen: set[int] = set()
    todo = list(vectors)
    while todo:
        for _, kind, i in todo.pop().terms:
            if kind != STATE and i not in seen:
                seen.add(i)
                todo.append(program.ops[i].argument)
    return seen


def _without_unread(program: Program) -> Program:
    kept = sorted(_reached(program, (v for leaf in program.leaves for v in leaf.following.values())))
    new = {old: k for k, old in enumerate(kept)}

    def put(v: Vector) -> Vector:
        return Vector({(s, kind, i if kind == STATE else new[i]): c for (s, kind, i), c in v.terms.items()})

    ops = tuple(replace(o, argument=put(o.argument)) for o in (program.ops[i] for i in kept))
    leaves = tuple(
        Leaf(leaf.probability, leaf.coins, {k: put(v) for k, v in leaf.following.items()})
        for leaf in program.leaves
    )
    return replace(program, ops=ops, leaves=leaves)
