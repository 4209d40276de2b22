"""The Model of a body: from its program to V now, E V+ and what is known to be >= 0.

A state vector's coefficients tell the scopes apart: "h" is a worker's own, "mean h" its mean inside a worker's
vector. An unbiased compressor's noise stands by itself, with coefficients by scope: own a, mean b. It enters E V+
through its mean square N alone: (a + b)^2 N/n among the means and a^2 N (1 - 1/n) among the deviations, and through a
later compression of the step with a^2 + (2ab + b^2)/n. V's matrices are >= 0, so that N = omega |input|^2 is the
worst case.

The LMI is derived here for every body alike; no method is named. What is not covered is refused with its line.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from fractions import Fraction
from functools import partial
from itertools import product

from compth._numbers import Number
from compth.errors import Unsupported
from compth.methods.core.centre import Centre, centre_of, without_invariants
from compth.methods.core.program import Program
from compth.methods.core.vectors import MESSAGE, PICKED, SPOKEN
from compth.worst_case.bounded import above, equalities, inequalities, quadratics, units_of_noises
from compth.worst_case.expected import Following, terms
from compth.worst_case.inequalities import (
    CLASS_A,
    INDEPENDENT,
    OF_ITS_OWN,
    SHARED,
    Point,
    contraction,
    interpolation,
    strongly_monotone,
)
from compth.worst_case.model import (
    NEXT,
    NOW,
    Form,
    Forms,
    Model,
    Quadratic1D,
    Space,
    plus,
    unit,
)
from compth.worst_case.rational import spelled, sqrt_below
from compth.worst_case.resolved import LAST, Class, Combination, Noisy, Step, turned

MOST_MESSAGES = 6
"""Compressions of a step whose signs are all tried on the extremal quadratics."""


def derived_model(
    program: Program,
    cls: Class,
    constants: Mapping[str, Number],
    units: Mapping[str, int] | None,
    full: bool,
    bounded: bool = False,
) -> Model:
    """The Model of a program, all its coefficients exact.

    full: V sees x+, with its gradient and f - f*; where x+ has fresh noise the loop is turned first. Else V lives on
    the state as the body has it, and the points are those at which the body takes gradients: a smaller LMI.

    bounded: also where the worst case is bounded alone: a gradient at a worker's own point, noise that reaches a
    gradient or a biased compression in the same step (`bounded`).

    Unsupported, with the line, for what is not covered: shared sketches, a state that does not rest at the minimiser.
    """
    # In order: what is outside the theory is refused first, then vectors that never move are dropped, and only
    # then is the step resolved into named vectors. The point of rest is needed for what the report assumes.
    _check(program, cls)
    program = without_invariants(program)[0]
    centre = resting(program)
    step = _step(program, cls, bounded)
    # With fresh noise in x+ the gradient there has no vector: taking the state before x moves shifts the noise
    # into the last step, and V may see x+ again, at the price of one more server vector.
    if full and not _clean(step, program.server[0]):
        program = turned(program)
        step = _step(program, cls, bounded)
    return model_of_step(program, step, cls, constants=constants, units=units, centre=centre, clean=full)


def _step(program: Program, cls: Class, bounded: bool) -> Step:
    """The program on vectors: noises apart where they reach no gradient, else among the vectors."""
    try:
        return Step(program, cls, bounded)
    except Noisy:
        if not bounded:
            raise
    return Step(program, cls, bounded, carried=True)


def resting(program: Program) -> Centre:
    """Where the program rests; Unsupported where its compressors do not rest at the minimiser."""
    centre = centre_of(program)
    # tier 3: the compressors' inputs do not vanish at any rest point, so their variance leaves a floor.
    if centre.tier == 3 and (program.of_kind(MESSAGE) or program.of_kind(SPOKEN)):
        raise Unsupported(
            f"{program.name}: its compressors do not rest at the minimiser: it has a floor and no rate"
        )
    return centre


def _check(program: Program, cls: Class) -> None:
    """Unsupported, with the line, for draws that the class of compressors does not describe, and for too many."""
    # Two compressions of one draw are dependent: the class speaks of independent compressors only.
    draws = [program.ops[i].draw for i in program.of_kind(MESSAGE)]
    if len(set(draws)) < len(draws):
        line = program.ops[program.of_kind(MESSAGE)[-1]].line
        raise Unsupported(
            f"{program.name}, line {line}: a sketch applied several times: no worst case is derived"
        )
    drawn = [i for i, op in enumerate(program.ops) if op.kind == PICKED or op.parts]
    if drawn:
        line = program.ops[drawn[0]].line
        raise Unsupported(f"{program.name}, line {line}: drawn parts are outside the class of the worst case")
    if len(draws) > MOST_MESSAGES:
        raise Unsupported(f"{program.name}: {len(draws)} compressions a step, more than {MOST_MESSAGES}")


def _clean(step: Step, name: str) -> bool:
    """True when the next value is the same in every leaf and holds no fresh noise."""
    found = [step.value(leaf.following[name]) for leaf in step.program.leaves]
    return all(not noise and v == found[0][0] for v, noise in found)


def _gradients_in_v(step: Step, after: Following, x: str, clean: bool) -> list[str]:
    """Gradients that V sees: at every server vector whose next value is in each leaf a point without fresh noise.

    At x such a point is added where no gradient is taken: the pair (x, x+) is what makes EF21, MARINA and EF-BV tight.
    """
    # Both points get a gradient, whether or not the body takes one: more vectors, and V may measure f - f*
    # there.
    if clean:
        step.point({x: Fraction(1)})
        step.point(after.values[x][0][1])
    # A gradient may stand in V where its place one round later is again a gradient that the LMI has: the same
    # function at the next point. Where the next point holds noise no vector of the basis is its gradient.
    known = {tuple(sorted(at.items())): name for name, at in step.gradients.items()}
    out = []
    for k in step.program.server:
        nexts = [
            tuple(sorted((a.removeprefix("mean "), c) for a, c in v.items())) for _, v in after.values[k]
        ]
        quiet = not any(after.noises[k])
        mine = known.get(((k, Fraction(1)),))
        listed = mine is not None and quiet and all(key in known for key in nexts)
        # At x itself only with x+ in the LMI, else the step would ask for a gradient that has no name.
        if mine is not None and listed and (k != x or clean):
            one = Fraction(1)
            after.put(
                mine, [(p, {known[key]: one}, {}) for (p, _), key in zip(after.values[k], nexts, strict=True)]
            )
            out.append(mine)
    return out


def model_of_step(
    program: Program,
    step: Step,
    cls: Class,
    constants: Mapping[str, Number],
    units: Mapping[str, int] | None,
    centre: Centre,
    clean: bool,
    extremal: tuple[Quadratic1D, ...] | None = None,
) -> Model:
    """The Model of a step on named vectors; clean: x+ holds no fresh noise.

    extremal: the quadratics to compare with, None for those of the class. Symbols pass where they are given.
    """
    x = program.server[0]
    # One entry a leaf: probabilities of coins enter E V+ linearly, products are taken leaf by leaf.
    after = Following()
    for k in program.names:
        found = [(spelled(leaf.probability), *step.value(leaf.following[k])) for leaf in program.leaves]
        after.put(k, found)
    seen = [*program.names, *_gradients_in_v(step, after, x, clean)]
    model = assembled(
        step,
        after,
        seen,
        labels=_labels(step, after, x, clean),
        constants=constants,
        units=units,
        centre=centre,
        gaps=clean,
    )
    if extremal is None:
        extremal = (quadratics if above(step) else _quadratics)(program, step, cls)
    return replace(
        model,
        extremal=extremal,
        direction=plus((1, unit(x)), (-1, after.values[x][0][1])) if clean else {},
    )


def assembled(
    step: Step,
    after: Following,
    seen: list[str],
    labels: Mapping[str, tuple[str, str]],
    constants: Mapping[str, Number],
    units: Mapping[str, int] | None,
    centre: Centre,
    *,
    gaps: bool,
) -> Model:
    """The Model whose V is a form of `seen`, and of f - f* with gaps; after: what `seen` is a round later.

    labels: gradient -> (the name of its point, the block of f - f* there).
    """
    program, cls = step.program, step.cls
    several, x = cls.n > 1, program.server[0]
    # What V sees comes first, so that V's matrix is a leading block; then whatever the step makes of it.
    basis = [*seen, *(k for k in (*step.gradients, *step.messages, *step.fresh) if k not in seen)]
    space = Space(tuple(basis), tuple(k for k in basis if k in step.own) if several else ())
    _all_there(space, after, step)
    # A worker's vectors have a block of deviations only where there are others to deviate from.
    apart = [k for k in seen if k in space.worker]
    now, later = terms(space, seen, apart, after, step, cls)
    if gaps:
        now["f"], later["f"] = {NOW: ((1,),)}, {NEXT: ((1,),)}
    independent: tuple[str, ...] = (INDEPENDENT,) if cls.omega and several else ()
    independent += (OF_ITS_OWN,) if program.of_kind(SPOKEN) else ()
    shared = (SHARED,) if centre.tier > 1 and several else ()
    # x and x+ first, the points at which f - f* has a block of its own: the dual reads them off in this order.
    first = sorted(step.gradients, key=lambda k: {NOW: 0, NEXT: 1}.get(labels[k][1], 2))
    return Model(
        program.name,
        constants,
        space,
        state={"mean": len(seen), "deviation": len(apart)},
        free=program.names,
        now=now,
        after=later,
        known=Forms(_known(space, step, labels, cls)),
        normal=space.of_mean(unit(x), unit(x)),
        assumptions=(CLASS_A, *independent, *shared),
        gaps=gaps,
        curved=tuple((step.gradients[k], k) for k in first),
        sent=tuple((u, c, step.squares[c]) for c, u in step.messages.items()),
        points=tuple(block for _, block in labels.values() if block not in (NOW, NEXT, "")),
        own=program.worker,
        units=None if units is None else _all_units(step, units),
        start=program.start,
        equal=frozenset(equalities(space, step, cls)),
        above=above(step),
    )


def _all_there(space: Space, after: Following, step: Step) -> None:
    """A form forgets the vectors that its space does not have: a certificate would be too good."""
    # The one mistake that would certify too much: a dropped vector makes E V+ smaller than it is. It is an
    # assertion, not an error of the user's.
    values = [v for found in after.values.values() for _, v in found] + [step.input(k) for k in step.order]
    missing = {k.removeprefix("mean ") for v in values for k in v} - {*space.common}
    if missing:
        raise AssertionError(
            f"{step.program.name}: {', '.join(sorted(missing))} of the step has no place in the LMI"
        )


def _labels(step: Step, after: Following, x: str, clean: bool) -> dict[str, tuple[str, str]]:
    """Gradient -> (the name of its point, the block of f - f* there); "" where one point is all there is."""
    out = {}
    # Points are compared as combinations of the state: the server's means and a worker's own point look alike
    # but for the scope, which `apart` remembers.
    moved = {a.removeprefix("mean "): c for a, c in after.values[x][0][1].items()}
    for k, (name, at) in enumerate(step.gradients.items()):
        if name in step.apart:
            out[name] = (f"y{k}", "" if len(step.gradients) == 1 else f"gap {name}")
        elif clean and at == {x: Fraction(1)}:
            out[name] = ("x", NOW)
        elif clean and at == moved:
            out[name] = ("x+", NEXT)
        else:
            out[name] = (f"y{k}", "" if len(step.gradients) == 1 else f"gap {name}")
    return out


def _known(
    space: Space, step: Step, labels: Mapping[str, tuple[str, str]], cls: Class
) -> dict[str, Callable[[], Form]]:
    """Multiplier's name -> maker of its form: interpolation between all points, and what is declared of messages."""
    known: dict[str, Callable[[], Form]] = {}
    # With one point besides x* the pair's sum is all that counts, and needs no function values: a smaller LMI.
    if len(labels) == 1:
        (name,) = step.gradients
        known["interpolation"] = partial(
            strongly_monotone, space, step.argument(name), unit(name), cls.mu, cls.L
        )
    else:
        points: dict[str, Point] = {"x*": ({}, {}, "")}
        points |= {label: (step.argument(k), unit(k), block) for k, (label, block) in labels.items()}
        known |= interpolation(space, points, cls.mu, cls.L)
    for name, u in step.messages.items():
        known[_compression(step, name)] = partial(contraction, space, u, unit(name), step.squares[name])
    # Biased messages are bounded by their contraction, noises among the vectors by variance and independence.
    return known | inequalities(space, step) | equalities(space, step, cls)


def _compression(step: Step, message: str) -> str:
    """The name of what is declared of a message's compression."""
    return "compression" if len(step.messages) == 1 else f"compression of {message}"


def _all_units(step: Step, units: Mapping[str, int]) -> dict[str, int]:
    """Exponents of every vector and multiplier; a gradient is its argument's unit + 1, a message its input's."""
    out = dict(units)
    for name in step.order:
        # A vector has the unit of the first vector of its input: all terms of a sum have the same.
        at = step.input(name)
        out[name] = (name in step.gradients) + next((out[k.removeprefix("mean ")] for k in at), 0)
        if name in step.messages:
            out[f"multiplier {_compression(step, name)}"] = 2 * out[name]
    return out | units_of_noises(step, out)


def _quadratics(program: Program, step: Step, cls: Class) -> tuple[Quadratic1D, ...]:
    """All workers hold curvature x^2/2, every compression multiplies by 1 + s or 1 - s, all combinations of signs."""
    out = []
    s = sqrt_below(cls.eta2) if cls.eta2 else Fraction(0)
    # (1 +- s) v attains |C(v) - v| = s |v|, and no other multiple of v does: all signs of all messages, 2^m of
    # them a curvature. Which is worst depends on the method, and no sign dominates.
    signs = list(product((1 + s, 1 - s), repeat=len(step.messages))) if s else [()]
    for curvature in (cls.mu, cls.L):
        out += [_quadratic(program, step, cls, curvature, factors, s) for factors in signs]
    return tuple(out)


def _quadratic(
    program: Program, step: Step, cls: Class, curvature: Fraction, factors: tuple[Fraction, ...], s: Fraction
) -> Quadratic1D:
    """One of them: its curvature, and the factor of each message."""
    acts = dict(zip(step.messages, factors, strict=True))
    common, worker = on_quadratic(program, step, curvature, acts)
    text, factor = _law(cls, factors, s)
    return Quadratic1D(curvature, text, factor, common, worker, acts)


def on_quadratic(
    program: Program, step: Step, curvature: Number, acts: Mapping[str, Number]
) -> tuple[dict[str, Combination], dict[str, Combination]]:
    """(means, deviations): every vector as a combination of the state's where all f_i are curvature x^2/2."""
    common: dict[str, Combination] = {k: {k: Fraction(1)} for k in program.names}
    worker: dict[str, Combination] = {k: {k: Fraction(1)} for k in program.worker}

    def mean(v: Mapping[str, Fraction]) -> Combination:
        return plus(*((c, common[k.removeprefix("mean ")]) for k, c in v.items()))

    def deviation(v: Mapping[str, Fraction]) -> Combination:
        return plus(*((c, worker[k]) for k, c in v.items() if k in worker))

    # in the order in which the step makes them: a gradient's argument may hold messages, and the other way round
    waiting = {**step.gradients, **step.messages}
    while waiting:
        name = next(k for k, v in waiting.items() if all(a.removeprefix("mean ") in common for a in v))
        v = waiting.pop(name)
        factor = acts.get(name, curvature)
        common[name] = {k: factor * c for k, c in mean(v).items()}
        worker[name] = {k: factor * c for k, c in deviation(v).items()} if name in acts else {}
    return common, worker


def _law(cls: Class, factors: tuple[Fraction, ...], s: Fraction) -> tuple[str, Fraction]:
    """The compressor of an extremal quadratic in words, and its factor where there is one."""
    if not cls.eta2:
        omega = cls.omega
        return f"C(v) = {1 + omega} v with probability {Fraction(1) / (1 + omega)}, else 0", 1 + omega
    if cls.omega:
        return f"E C(v) = {', '.join(map(str, factors))} v in turn, variance {cls.omega} |v|^2", factors[0]
    shown = ["(1+s) v" if f > 1 else "(1-s) v" for f in factors]
    same = len(set(factors)) == 1
    return f"C(v) = {shown[0]}" if same else f"C(v) = {', '.join(shown)} in turn", factors[
        0
    ] if same else Fraction(0)


__all__ = ["LAST", "Class", "derived_model", "turned"]
