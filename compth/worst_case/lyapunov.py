"""A user's Lyapunov function: text such as "(x - e)**2 + 2*e**2" -> coefficients of a Model's V."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction

from compth._expressions import Expression, parse
from compth._numbers import Number
from compth.errors import InvalidParameter
from compth.worst_case.model import Model, add
from compth.worst_case.rational import spelled

VECTORS: Mapping[str, Mapping[str, str]] = {
    "CGD": {"x": "x"},
    "EF": {"x": "x", "e": "e"},
    "EF21": {"g": "g", "d": "d"},
    "DCGD": {"x": "z"},
    "DIANA": {"x": "z", "h": "e"},
    "MARINA": {"x": "z", "q": "q", "g": "g"},
    "EF-BV": {"x": "z", "q": "q", "h": "h", "g": "g"},
}
"""User's name -> the Model's vector. All are measured from their value at x*; EF21's error is r = g - d."""
OF_ONE_WORKER = {"e", "g", "h", "r"}
"""Vectors that a worker has for itself: their deviations from the mean count in V."""
GAP = "gap"
"""f(x) - f*, in CGD, MARINA and EF-BV."""


def coefficients(model: Model, text: str, constants: Mapping[str, Number]) -> dict[str, Fraction]:
    """V's coefficients, Fractions. With n workers V is the mean over workers of the text; ebar is the mean of e.

    Raises InvalidParameter for unknown names and for what is no quadratic form (linear in `gap`).
    """
    names = {k: k for k in model.free} if model.derived else dict(VECTORS[model.method])
    each = model.own if model.derived else ("e", "g", "d", "h")
    names |= {f"{k}bar": f"{v} bar" for k, v in names.items() if v in each}
    scalar = (GAP,) if "f" in model.now else ()
    expression = parse(text, frozenset([*names, *scalar, *constants]))
    own = [a for a in names if a in expression.names] + [a for a in scalar if a in expression.names]

    def value(at: Mapping[str, int]) -> Fraction:
        point = {**dict.fromkeys(own, 0), **at}
        return spelled(expression(**constants, **point))

    pure = {a: value({a: 1}) for a in own}
    mixed = {(a, b): (value({a: 1, b: 1}) - pure[a] - pure[b]) / 2 for a, b in itertools.combinations(own, 2)}
    if any(c for pair, c in mixed.items() if GAP in pair):
        raise InvalidParameter(f"lyapunov={text!r} multiplies gap by a vector: V is no quadratic form there")
    _check_quadratic(expression, own, pure, mixed, value)
    return _named(model, names, pure, mixed)


def _check_quadratic(
    expression: Expression,
    own: list[str],
    pure: Mapping[str, Fraction],
    mixed: Mapping[tuple[str, str], Fraction],
    value: object,
) -> None:
    assert callable(value)
    for k in (2, -3, 5):
        at = {a: k + i * (1 - 2 * (i % 2)) for i, a in enumerate(own)}
        wanted = sum((c * at[a] ** (1 if a == GAP else 2) for a, c in pure.items()), Fraction(0))
        wanted += sum((2 * c * at[a] * at[b] for (a, b), c in mixed.items()), Fraction(0))
        if abs(value(at) - wanted) > Fraction(1, 10**9) * (1 + abs(wanted)):
            raise InvalidParameter(
                f"lyapunov={expression.text!r} is no quadratic form in {', '.join(own) or 'the state'}: "
                "write squares and products of its vectors (gap = f - f* enters linearly)"
            )


def _named(
    model: Model,
    names: Mapping[str, str],
    pure: Mapping[str, Fraction],
    mixed: Mapping[tuple[str, str], Fraction],
) -> dict[str, Fraction]:
    """On the Model's vectors: d = g - r for EF21; deviations take the worker vectors' part."""
    gram = dict.fromkeys(model.now, Fraction(0))
    single = set(model.own) if model.derived else OF_ONE_WORKER
    unseen: dict[str, Fraction] = {}

    def put(a: str, b: str, c: Fraction) -> None:
        for u, cu in _parts(model, names[a]):
            for w, cw in _parts(model, names[b]):
                plain = [v.removesuffix(" bar") for v in (u, w)]
                if f"P[{plain[0]},{plain[1]}]" in gram:
                    gram[f"P[{plain[0]},{plain[1]}]"] += c * cu * cw
                if f"Q[{u},{w}]" in gram:
                    gram[f"Q[{u},{w}]"] += c * cu * cw
                elif model.space.worker and {u, w} <= single and f"Q[{w},{u}]" not in gram:
                    pair = " ".join(sorted({u, w}))
                    unseen[pair] = unseen.get(pair, Fraction(0)) + c * cu * cw

    for a, c in pure.items():
        if a == GAP:
            gram["f"] = c
        else:
            put(a, a, c)
    for (a, b), c in mixed.items():
        if c:
            put(a, b, c)
            put(b, a, c)
    hidden = [name for name, c in unseen.items() if c]
    if hidden:
        raise InvalidParameter(
            f"lyapunov weighs {', '.join(hidden)} of single workers: with n > 1 the LMI of {model.method} knows "
            "their mean only, so write gbar for g"
        )
    return gram


def _parts(model: Model, vector: str) -> list[tuple[str, int]]:
    """d = g - r in EF21's vectors, the others are themselves."""
    if model.derived or vector.removesuffix(" bar") != "d":
        return [(vector, 1)]
    tail = vector.removeprefix("d")
    return [(f"g{tail}", 1), (f"r{tail}", -1)]


def fixed(model: Model, v: Mapping[str, Fraction]) -> Model:
    """The Model with this V alone, one coefficient."""
    now, after = (
        add(*((c, model.now[k]) for k, c in v.items())),
        add(*((c, model.after[k]) for k, c in v.items())),
    )
    return replace(model, now={"V": now}, after={"V": after}, normal={})
