"""A Lyapunov function that remembers: V sees the last rounds' gradients and messages beside the state.

The body's step is written down several times in a row, as one program. V is a quadratic form of the state at the start
and of all that the rounds of the window made; one round later it is the same form of what stands one round further on.
Every inequality of the window is then known, those of past rounds included, which a V of the state alone forgets: for
methods with momentum its certified rate lies well below.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise

from compth._numbers import Number
from compth.errors import Unsupported
from compth.methods.core.centre import without_invariants
from compth.methods.core.program import Leaf, Op, Program
from compth.methods.core.vectors import COMMON, OWN, STATE, Vector, averaged, combined
from compth.worst_case.expected import Following
from compth.worst_case.model import NEXT, NOW, Model
from compth.worst_case.resolved import Class, Combination, Step
from compth.worst_case.traced import _check, assembled, resting

Rounds = list[dict[str, Vector]]


def fits(program: Program, cls: Class) -> bool:
    """True for steps without coins and noise: what a past round made is then a vector, and V can see it."""
    return len(program.leaves) == 1 and not cls.omega


def repeated(program: Program, rounds: int) -> tuple[Program, Rounds]:
    """(that many steps as one program, the state before the first and after each of them)."""
    (leaf,) = program.leaves
    one = {
        (COMMON if k in program.server else OWN, STATE, k): Fraction(1) for k in program.names
    }  # every name by itself
    states: Rounds = [{key[2]: Vector({key: c}) for key, c in one.items()}]
    ops: list[Op] = []
    for _ in range(rounds):
        # Round r of the body reads the state after round r - 1: its state terms are replaced by that
        # combination, its operations are numbered on from those before.
        first, now = len(ops), states[-1]

        def put(v: Vector, first: int = first, now: dict[str, Vector] = now) -> Vector:
            parts = []
            for (scope, kind, i), c in v.terms.items():
                if kind != STATE:
                    parts.append((c, Vector({(scope, kind, first + i): 1})))
                else:
                    parts.append((c, averaged(now[i]) if scope == COMMON else now[i]))
            return combined(parts)

        ops += [replace(op, argument=put(op.argument), draw=first + op.draw) for op in program.ops]
        states.append({k: put(v) for k, v in leaf.following.items()})
    return replace(program, ops=tuple(ops), leaves=(Leaf(1, (), states[-1]),)), states


def windowed_model(
    program: Program,
    cls: Class,
    constants: Mapping[str, Number],
    units: Mapping[str, int] | None,
    window: int,
) -> Model:
    """The Model of a program whose V sees `window` past rounds, all its coefficients exact; window = 0: none.

    The LMI grows with the window, its certified rate does not rise. Unsupported, with the line, for what
    `derived_model` does not cover, and for steps with coins or noise.
    """
    _check(program, cls)
    program = without_invariants(program)[0]
    if not fits(program, cls):
        raise Unsupported(f"{program.name}: coins or noise in a step: V cannot hold what past rounds made")
    centre = resting(program)
    whole, states = repeated(program, window + 1)
    step = Step(whole, cls)
    # A gradient at every x of the window, so that f - f* at the window's last x and the next one have blocks.
    places = [step.point(_value(step, now[program.server[0]])) for now in states]
    after = _window_and_next(step, program, states, places, window)
    return assembled(
        step,
        after,
        list(after.values),
        labels=_labels(step, places),
        constants=constants,
        units=units,
        centre=centre,
        gaps=True,
    )


def _value(step: Step, v: Vector) -> Combination:
    """A vector of the program; Unsupported where noise is in it, which V could not hold a round later."""
    found, noise = step.value(v)
    if noise:
        raise Unsupported(f"{step.program.name}: noise of a compression in the step")
    return found


def _window_and_next(
    step: Step, program: Program, states: Rounds, places: list[str], window: int
) -> Following:
    """What V sees, and the same one round further on: the state, the window's outputs, the gradients at its x."""
    # One round later V sees the same things one round on: outputs of round r become those of round r + 1,
    # which the LMI also has, since one round more than the window was written down.
    size = len(program.ops)
    outputs = [out for out, _ in step.outputs]
    further: dict[str, Combination] = {k: _value(step, states[1][k]) for k in program.names}
    for k in range(window * size):
        (name,) = outputs[k]  # a gradient or a message: one vector of the basis
        further.setdefault(name, outputs[k + size])
    for name, following in pairwise(places):
        further.setdefault(name, {following: Fraction(1)})
    out = Following()
    for name, v in further.items():
        out.put(name, [(Fraction(1), v, {})])
    return out


def _labels(step: Step, places: list[str]) -> dict[str, tuple[str, str]]:
    """Gradient -> (the name of its point, the block of f - f* there): V sees f at the window's last x."""
    out = {}
    for k, name in enumerate(step.gradients):
        out[name] = (f"y{k}", f"gap {name}")
    for r, name in enumerate(places):
        out[name] = (f"x{r}", f"gap {name}")
    out[places[-2]] = (out[places[-2]][0], NOW)
    out[places[-1]] = (out[places[-1]][0], NEXT)
    return out


__all__ = ["fits", "repeated", "windowed_model"]
