"""Small finite models for witnesses and counterexamples: 1-D quadratics, coins, every number a Fraction."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

F = Fraction


def plain(x: Any) -> Any:
    """Fractions as "p/q" texts, ready for JSON."""
    if isinstance(x, dict):
        return {k: plain(v) for k, v in x.items()}
    if isinstance(x, list | tuple):
        return [plain(v) for v in x]
    return str(x)


def model(params: dict[str, Any], vectors: dict[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
    """A model with its numbers as texts; workers and dim stay integers."""
    counts = {k: fields.pop(k) for k in ("workers", "dim", "cells") if k in fields}
    return {"params": plain(params), "vectors": plain(vectors or {}), **plain(fields), **counts}


def coins(values: Sequence[Any], p: Any, shared: bool = False) -> tuple[list[Fraction], list[Any]]:
    """(probabilities, Q[outcome][worker][0]): worker i sends values[i]/p with probability p, else 0."""
    p, n = F(p), len(values)
    prob, out = [], []
    for up in [(1,) * n, (0,) * n] if shared else list(itertools.product((1, 0), repeat=n)):
        weight = F(1)
        for bit in up[:1] if shared else up:
            weight *= p if bit else 1 - p
        prob.append(weight)
        out.append([[F(v) / p * bit] for v, bit in zip(values, up, strict=True)])
    return prob, out


def broadcast(found: dict[str, Any], mean: Sequence[Fraction], chance: Any) -> dict[str, Any]:
    """The model after c, per outcome of the messages Q its mean over `chance` with that probability, else 0."""
    chance, workers, draws = F(chance), found["workers"], found["vectors"]["Q"]
    kept = [(chance, 1 / chance)] + ([(1 - chance, F(0))] if chance < 1 else [])
    size, prob = len(kept), [str(F(w) * v) for w in found["prob"] for v, _ in kept]
    drawn = {
        "c": [[[str(b * m)]] * workers for m in mean for _, b in kept],
        "Q": [q for q in draws for _ in kept],
    }
    cells = [[list(range(size * k, size * (k + 1))) for k in range(len(draws))]]
    return found | {"vectors": {**found["vectors"], **drawn}, "prob": prob, "cells": cells}


def per_worker(values: Sequence[Any]) -> list[list[Fraction]]:
    """[worker][coordinate] of scalars."""
    return [[F(v)] for v in values]


def quadratic(curvatures: Sequence[Any], shifts: Sequence[Any], at: Any = 1) -> dict[str, Any]:
    """f_i(x) = l_i x^2/2 + h_i x with mean h = 0, so x* = 0 is moved to 1: gradients at x = 1 + at, values, xs."""
    n, at = len(curvatures), F(at)
    g = [F(c) * at + F(h) for c, h in zip(curvatures, shifts, strict=True)]
    gap = sum(F(c) for c in curvatures) / n * at * at / 2
    return {"g": g, "hs": [F(h) for h in shifts], "x": [1 + at], "xs": [F(1)], "f": 1 + gap, "fs": F(1)}
