"""A program with terms replaced, and without the operations that nothing reads."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from compth.methods.core.program import Leaf, Program
from compth.methods.core.vectors import COMMON, STATE, Key, Vector, averaged, combined

if TYPE_CHECKING:
    from compth._numbers import Number


Values = Mapping[tuple[str, str | int], Vector]


def put(v: Vector, values: Values) -> Vector:
    """The vector with these terms replaced; the mean of a term is the mean of what replaces it."""

    def part(key: Key) -> Vector:
        scope, kind, i = key
        found = values.get((kind, i))
        if found is None:
            return Vector({key: 1})
        # the mean over workers commutes with replacing a term by a combination
        return averaged(found) if scope == COMMON else found

    return combined((c, part(key)) for key, c in v.terms.items())


def moved(leaf: Leaf, change: Callable[[Vector], Vector], names: Iterable[str] | None = None) -> Leaf:
    """A leaf with its next values changed, of these names alone."""
    kept = leaf.following if names is None else {k: leaf.following[k] for k in names}
    return replace(leaf, following={k: change(v) for k, v in kept.items()})


def reached(program: Program, vectors: Iterable[Vector]) -> set[int]:
    """Operations that these vectors need."""
    seen: set[int] = set()
    todo = list(vectors)
    while todo:
        for _, kind, i in todo.pop().terms:
            if kind != STATE and i not in seen:
                seen.add(i)
                todo.append(program.ops[i].argument)
    return seen


def without_unread(program: Program) -> Program:
    """Less the operations that no next value needs."""
    # an operation that nothing reads costs neither bits nor moments; numbers of the others close up, in
    # their order, as arguments may only read earlier ones
    kept = sorted(reached(program, (v for leaf in program.leaves for v in leaf.following.values())))
    new = {old: k for k, old in enumerate(kept)}

    def renumbered(v: Vector) -> Vector:
        return Vector({(s, kind, i if kind == STATE else new[i]): c for (s, kind, i), c in v.terms.items()})

    ops = tuple(replace(o, argument=renumbered(o.argument)) for o in (program.ops[i] for i in kept))
    return replace(program, ops=ops, leaves=tuple(moved(leaf, renumbered) for leaf in program.leaves))


def silent(program: Program, kind: str, factor: Number) -> Program:
    """The same where every operation of this kind gives `factor` times what it was given."""
    values: dict[tuple[str, str | int], Vector] = {}
    ops = []
    for i, op in enumerate(program.ops):
        # in order: later arguments may contain the replaced operation
        argument = put(op.argument, values)
        ops.append(replace(op, argument=argument))
        if op.kind == kind:
            values[kind, i] = argument * factor
    leaves = tuple(moved(leaf, lambda v: put(v, values)) for leaf in program.leaves)
    return without_unread(replace(program, ops=tuple(ops), leaves=leaves))
