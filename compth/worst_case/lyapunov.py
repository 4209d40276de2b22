"""A user's Lyapunov function: text such as "(x - e)**2 + 2*e**2" -> coefficients of a Model's V."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction

from compth._numbers import Number
from compth.errors import InvalidParameter
from compth.text.expressions import Expression, parse
from compth.worst_case.model import Model, Vector, add
from compth.worst_case.question import names_in_v
from compth.worst_case.rational import spelled
from compth.worst_case.resolved import AT_X
from compth.worst_case.told import Kind

GAP = "gap"
"""f(x) - f*."""
GRADIENT, DIRECTION = "gradient", "direction"
"""grad f_i(x), and (x - x+)/gamma: names in V where the body has no vector of that name."""
BAR = "bar"


@dataclass(frozen=True)
class Read:
    """A name of the text: a combination of the Model's vectors; mean: of the workers' mean alone."""

    vector: Vector
    mean: bool


def asks_for_the_next_point(kind: Kind, text: str) -> bool:
    """True for a V that reads what only the full Model has: f - f*, the gradient at x or the direction."""
    own = {*kind.signature.server, *kind.signature.worker}
    wanted = {GAP, GRADIENT, DIRECTION} - own
    found = set(re.findall(r"[^\W\d]\w*", text))
    found |= {a.removesuffix(BAR) for a in found}
    return bool(wanted & {names_in_v(kind).get(a, a) for a in found})


def readings(model: Model) -> dict[str, Read]:
    """What the names of a text stand for; every vector is measured from its value at x*."""
    # Every name stands for a combination of the Model's vectors; where the method's papers call a vector by
    # another name than the body, only the papers' name is known, so that a text has one meaning.
    gamma = model.constants.get("gamma", 1)
    held: dict[str, Vector] = {GRADIENT: {AT_X: 1}} if f"P[{AT_X},{AT_X}]" in model.now else {}
    held |= {DIRECTION: {k: c / gamma for k, c in model.direction.items()}} if model.direction else {}
    held |= {k: {k: 1} for k in model.free}
    renamed = {a: held[k] for a, k in model.names.items() if k in held}
    held = {k: v for k, v in held.items() if k not in model.names.values()} | renamed
    own = {*model.own, AT_X}
    out = {k: Read(v, False) for k, v in held.items()}
    return out | {f"{k}{BAR}": Read(v, True) for k, v in held.items() if own & set(v)}


def coefficients(model: Model, text: str, constants: Mapping[str, Number]) -> dict[str, Fraction]:
    """V's coefficients, Fractions. With n workers V is the mean over workers of the text; ebar is the mean of e.

    Raises InvalidParameter for unknown names and for what is no quadratic form (linear in `gap`).
    """
    names = readings(model)
    scalar = (GAP,) if "f" in model.now and GAP not in names else ()
    constants = {k: v for k, v in constants.items() if k not in names}
    expression = parse(text, frozenset([*names, *scalar, *constants]))
    own = [a for a in (*names, *scalar) if a in expression.names]

    def value(at: Mapping[str, int]) -> Fraction:
        point = {**dict.fromkeys(own, 0), **at}
        return spelled(expression(**constants, **point))

    # A quadratic form is its values at unit vectors and at sums of two (polarisation); the gap enters
    # linearly. The text is then evaluated at three more points, where only a quadratic form agrees.
    pure = {a: value({a: 1}) for a in own}
    mixed = {(a, b): (value({a: 1, b: 1}) - pure[a] - pure[b]) / 2 for a, b in itertools.combinations(own, 2)}
    if any(c for pair, c in mixed.items() if set(scalar) & set(pair)):
        raise InvalidParameter(f"lyapunov={text!r} multiplies gap by a vector: V is no quadratic form there")
    _check_quadratic(expression, own, scalar, pure, mixed, value)
    found = _on_the_model(model, names, {a: c for a, c in pure.items() if a not in scalar}, mixed)
    return {**found, "f": pure[GAP]} if scalar and GAP in pure else found


def _check_quadratic(
    expression: Expression,
    own: list[str],
    scalar: tuple[str, ...],
    pure: Mapping[str, Fraction],
    mixed: Mapping[tuple[str, str], Fraction],
    value: Callable[[Mapping[str, int]], Fraction],
) -> None:
    """InvalidParameter where the text differs from the quadratic form that was read off it."""
    # Points with coordinates of both signs and different sizes: cubes, absolute values and constants all
    # differ from the form on one of them. The tolerance is that of floats inside the user's text.
    for k in (2, -3, 5):
        at = {a: k + i * (1 - 2 * (i % 2)) for i, a in enumerate(own)}
        wanted = sum((c * at[a] ** (1 if a in scalar else 2) for a, c in pure.items()), Fraction(0))
        wanted += sum((2 * c * at[a] * at[b] for (a, b), c in mixed.items()), Fraction(0))
        if abs(value(at) - wanted) > Fraction(1, 10**9) * (1 + abs(wanted)):
            raise InvalidParameter(
                f"lyapunov={expression.text!r} is no quadratic form in {', '.join(own) or 'the state'}: "
                "write squares and products of its vectors (gap = f - f* enters linearly)"
            )


def _on_the_model(
    model: Model,
    names: Mapping[str, Read],
    pure: Mapping[str, Fraction],
    mixed: Mapping[tuple[str, str], Fraction],
) -> dict[str, Fraction]:
    """The coefficients on the Model's vectors: products of single workers' also among the deviations."""
    # A product of two workers' vectors has a part among the means and one among the deviations; as soon as one
    # of them is a mean (ebar) only the first remains.
    gram = dict.fromkeys(model.now, Fraction(0))

    def put(a: Read, b: Read, c: Fraction) -> None:
        for u, w in itertools.product(a.vector, b.vector):
            more = c * Fraction(a.vector[u]) * Fraction(b.vector[w])
            key = f"{u.removeprefix('mean ')},{w.removeprefix('mean ')}"
            if f"P[{key}]" in gram:
                gram[f"P[{key}]"] += more
            if f"Q[{u},{w}]" in gram and not (a.mean or b.mean):
                gram[f"Q[{u},{w}]"] += more

    for a, c in pure.items():
        put(names[a], names[a], c)
    for (a, b), c in mixed.items():
        if c:
            put(names[a], names[b], c)
            put(names[b], names[a], c)
    return gram


def fixed(model: Model, v: Mapping[str, Fraction]) -> Model:
    """The Model with this V alone, one coefficient. normal = {}: a given V need not see the iterate."""
    # One coefficient, V itself: the LMI then searches multipliers alone, and normal is not asked of it.
    now, after = (
        add(*((c, model.now[k]) for k, c in v.items())),
        add(*((c, model.after[k]) for k, c in v.items())),
    )
    return replace(model, now={"V": now}, after={"V": after}, normal={})
