"""The worst state of one step for a given V, as an SDP in Gram matrices: the dual of the LMI at that V.

Over quadratics with Hessians H_i, mu <= H_i <= L: the vectors Y = H_i X at arguments X are those with X'Y symmetric and
(Y - mu X)'(L X - Y) >= 0. Over all functions of the class: the interpolation inequalities. Both in any dimension, with
any messages, and, by the symmetry of the workers, for any n at one size.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from compth.worst_case.methods import contraction
from compth.worst_case.model import NEXT, NOW, Form, Model, unit
from compth.worst_case.solver import Array, dense, solve, triangle, upper


@dataclass(frozen=True)
class Gram:
    """excess: E V+ - rate V, relative to their coefficients. Gram matrices of means and deviations; values f - f*."""

    excess: float
    mean: Array
    deviation: Array
    gaps: Mapping[str, float]


def worst_gram(
    model: Model, v: Mapping[str, Fraction], rate: Fraction, share: float, quadratic: bool
) -> Gram:
    """The largest E V+ - rate V among states of total square 1, over a class narrowed by `share` so as to round."""
    blocks = {b: k for b, k in model.blocks.items() if not (quadratic and b in (NOW, NEXT))}

    def row(form: Form) -> Array:
        return np.concatenate([triangle(dense(form, b, size)) for b, size in blocks.items()])

    gain, scale = np.zeros(1), 0.0
    for weight, step in ((1.0, 1), (-float(rate), 0)):
        part = sum((float(c) * row(forms(model, k, quadratic)[step]) for k, c in v.items()), np.zeros(1))
        gain, scale = gain + weight * part, scale + abs(weight) * float(np.abs(part).max())
    trace = [np.concatenate([triangle(np.eye(size)) for size in blocks.values()])]
    cones, signs = _curved(model, share, row) if quadratic else ([], [])
    signs += [row(f) for f in (_sent(model, share) if quadratic else model.known.values())]
    if not quadratic and share:  # a margin in place of a narrower class
        signs = [s - share * np.abs(s).max() * trace[0] for s in signs]
    at = np.cumsum([0, *(size * (size + 1) // 2 for size in blocks.values())])
    places = dict(zip(blocks, itertools.pairwise(at), strict=True))
    cones += [(np.eye(at[-1])[slice(*places[b])], size) for b, size in blocks.items()]
    zero = [row(_asymmetry(model, i, j)) for j in range(len(model.curved)) for i in range(j) if quadratic]
    rows = (np.array([*trace, *zero]), np.array([1.0, *(0.0 for _ in zero)]))
    x, _ = solve(-gain / scale, rows, np.array(signs).reshape(-1, at[-1]), cones)
    squares = {b: _square(x[slice(*places[b])], size) for b, size in blocks.items()}
    none = np.zeros((0, 0))
    gaps = {b: float(squares[b][0, 0]) for b in (NOW, NEXT) if b in squares}
    return Gram(float(gain @ x) / scale, squares["mean"], squares.get("deviation", none), gaps)


def narrowed(model: Model, share: float) -> tuple[float, float]:
    """[mu, L] without a share at both ends."""
    mu, L = float(model.constants["mu"]), float(model.constants["L"])
    return mu + share * (L - mu), L - share * (L - mu)


def forms(model: Model, name: str, quadratic: bool) -> tuple[Form, Form]:
    """A coefficient's form and its expectation one step later; on quadratics f - f* is half of <x, gradient>."""
    if name != "f" or not quadratic:
        return model.now[name], model.after[name]
    now, later = (model.space.on_mean((Fraction(1, 2), x, unit(g))) for x, g in model.curved[:2])
    return now, later


def _curved(
    model: Model, share: float, row: Callable[[Form], Array]
) -> tuple[list[tuple[Array, int]], list[Array]]:
    """(Y - mu X)'(L X - Y), mean over workers, as one cone."""
    mu, L = narrowed(model, share)
    count = len(model.curved)
    entries = [row(_within(model, mu, L, i, j)) for j in range(count) for i in range(j + 1)]
    return [(np.array(entries) * upper(count)[2][:, None], count)], []


def _within(model: Model, mu: float, L: float, i: int, j: int) -> Form:
    """Entry (i, j) of it, symmetric because X'Y is."""
    (a, y), (b, w) = model.curved[i], model.curved[j]
    half = (L + mu) / 2
    common = [(half, unit(y), b), (half, a, unit(w)), (-L * mu, a, b)]
    return model.space.total((-1, unit(y), unit(w)), common=common)


def _asymmetry(model: Model, i: int, j: int) -> Form:
    """<x_i, y_j> - <x_j, y_i>."""
    (a, y), (b, w) = model.curved[i], model.curved[j]
    return model.space.on_mean((1, a, unit(w)), (-1, b, unit(y)))


def _sent(model: Model, share: float) -> list[Form]:
    """The messages' contractions."""
    closer = (1 - share) ** 2
    return [contraction(model.space, u, unit(c), float(square) * closer) for u, c, square in model.sent]


def _square(x: Array, size: int) -> Array:
    """The symmetric matrix of Clarabel's vector."""
    row, column, weight = upper(size)
    out = np.zeros((size, size))
    out[row, column] = out[column, row] = x / weight
    return out
