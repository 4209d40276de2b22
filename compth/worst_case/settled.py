"""A program whose compressors send all they are given, after its first round: what it then holds is left out.

EF remembers nothing, EF21's memories are the gradients: both are gradient descent.
"""

from __future__ import annotations

from dataclasses import replace

from compth.methods.core.program import Op, Program
from compth.methods.core.rewriting import Values, moved, put, silent, without_unread
from compth.methods.core.vectors import COMMON, GRADIENT, MESSAGE, OWN, STATE, Vector

NOTHING, TAKEN_AGAIN = "nothing", "the gradient at x"
NO_VECTOR = Vector({})


def settled(program: Program) -> Program:
    """The same run from its second round on, where every message is what was compressed."""
    # With every message equal to its input the compressions can be struck from the program; what vectors then
    # hold is either nothing or a gradient that could be taken again.
    program = silent(program, MESSAGE, 1)
    while True:
        found = next((k for k in program.names[1:] if _held(program, k)), None)
        if found is None:
            return program
        value = NO_VECTOR
        if _held(program, found) == TAKEN_AGAIN:
            program = _with_gradient(program)
            value = Vector({(OWN if found in program.worker else COMMON, GRADIENT, 0): 1})
        program = _without(program, found, value)


def _held(program: Program, name: str) -> str:
    """What a vector is from the second round on: NOTHING, TAKEN_AGAIN, or "" where it is neither.

    Only what holds in every leaf counts: a coin that once keeps an old value makes the vector a memory again.
    """
    # A vector that nobody reads, or that is 0 from then on, decides nothing: a V of it would only make the LMI
    # larger.
    nexts = [leaf.following[name] for leaf in program.leaves]
    others = [op.argument for op in program.ops]
    others += [v for leaf in program.leaves for k, v in leaf.following.items() if k != name]
    read = any(kind == STATE and i == name for v in others for _, kind, i in v.terms)
    if not read or not any(v.terms for v in nexts):
        return NOTHING
    # EF21's memory is the gradient at the new x: where every leaf sets it so, it equals the gradient at x one
    # round later, and that vector is in the LMI anyway.
    scope, x = OWN if name in program.worker else COMMON, program.server[0]
    after = program.leaves[0].following[x].terms
    again = [
        {(scope, GRADIENT, i): 1} for i in program.of_kind(GRADIENT) if program.ops[i].argument.terms == after
    ]
    same = all(leaf.following[x].terms == after for leaf in program.leaves)
    return TAKEN_AGAIN if same and all(v.terms in again for v in nexts) else ""


def _with_gradient(program: Program) -> Program:
    """The same with the gradient at x as its first operation."""
    # A new operation in front moves the numbers of all others by one.
    shifted: Values = {(op.kind, i): Vector({(OWN, op.kind, i + 1): 1}) for i, op in enumerate(program.ops)}
    x = Vector({(COMMON, STATE, program.server[0]): 1})
    draw = 1 + max((op.draw for op in program.ops), default=0)
    ops = (
        Op(GRADIENT, x, 0, draw),
        *(replace(o, argument=put(o.argument, shifted)) for o in program.ops),
    )
    leaves = tuple(moved(leaf, lambda v: put(v, shifted)) for leaf in program.leaves)
    return replace(program, ops=ops, leaves=leaves)


def _without(program: Program, name: str, value: Vector = NO_VECTOR) -> Program:
    """The program with this value in the place of a vector of its state."""
    values: Values = {(STATE, name): value}
    server, worker = (tuple(k for k in names if k != name) for names in (program.server, program.worker))
    return without_unread(
        replace(
            program,
            server=server,
            worker=worker,
            ops=tuple(replace(op, argument=put(op.argument, values)) for op in program.ops),
            leaves=tuple(moved(f, lambda v: put(v, values), (*server, *worker)) for f in program.leaves),
            start={k: v for k, v in program.start.items() if k != name},
        )
    )
