"""The worst state of one step for a given V, as an SDP in Gram matrices: the dual of the LMI at that V.

Over quadratics with Hessians H_i, mu <= H_i <= L: the vectors Y = H_i X at arguments X are those with X'Y symmetric and
(Y - mu X)'(L X - Y) >= 0. Over all functions of the class: the interpolation inequalities. Both in any dimension, with
any messages, and, by the symmetry of the workers, for any n at one size.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from compth._types import Array
from compth.worst_case.inequalities import contraction
from compth.worst_case.model import NEXT, NOW, Form, Model, unit
from compth.worst_case.solver import TOLERANCE, identity, layout, packed, solve, solver_settings


@dataclass(frozen=True)
class Gram:
    """The answer of one dual: Gram matrices in the model's units, and how much E V+ exceeds rate V there.

    excess: E V+ - rate V, relative to their coefficients. mean, deviation: Gram matrices of the vectors of these
    blocks, deviation of size 0 for one worker. gaps: block -> f - f* there.
    """

    excess: float
    mean: Array
    deviation: Array
    gaps: Mapping[str, float]


def worst_gram(
    model: Model, v: Mapping[str, Fraction], rate: Fraction, share: float, quadratic: bool
) -> Gram:
    """The largest E V+ - rate V among states of total square 1, over a class narrowed by `share` so as to round.

    quadratic: over quadratics of any dimension, else over all functions of the class. A float solution: it says where
    to look and proves nothing.
    """
    # On quadratics f - f* = <x, gradient>/2 is a product of vectors, so its blocks of size one fall away.
    # Clarabel wants scalars before matrices, hence the order.
    blocks = {b: k for b, k in model.blocks.items() if not (quadratic and b in (NOW, NEXT, *model.points))}
    blocks = dict(sorted(blocks.items(), key=lambda item: item[1] > 1))
    sizes = tuple(blocks.values())
    # V and E V+ are linear in the Gram matrix G of all vectors: V = <now, G>, E V+ = <after, G>. Both are
    # scaled by their coefficients, so that the excess found is comparable to the solver's tolerance.
    used = {k: float(c) for k, c in v.items() if c}
    weights = np.array([*used.values()])
    now = weights @ packed([forms(model, k, quadratic)[0] for k in used], blocks) * float(rate)
    after = weights @ packed([forms(model, k, quadratic)[1] for k in used], blocks)
    scale = float(np.abs(now).max() + np.abs(after).max())
    gain, trace = (after - now) / scale, identity(sizes)
    # What G must satisfy. On quadratics: the matrix (Y - mu X)'(L X - Y) >= 0, X'Y symmetric, and the
    # messages' contraction. Over all functions: the interpolation inequalities as they are, which are
    # necessary and sufficient.
    cone, known, zero = _quadratic(model, share) if quadratic else ([], [*model.known.values()], [])
    signs, entries, equal = (
        packed(f, blocks) if f else np.zeros((0, len(trace))) for f in (known, cone, zero)
    )
    # Hessians can be narrowed to [mu + share (L-mu), L - share (L-mu)]; interpolation has no such knob and is
    # asked with a margin instead. Either way the rounded instance still lies in the class.
    if not quadratic:  # a margin in place of a narrower class
        signs = signs - share * np.abs(signs).max(axis=1)[:, None] * trace
    # The triangle's weights make the entries a vector in Clarabel's PSD cone; one entry alone is a plain sign.
    curved = entries * layout((len(model.curved),))[1][:, None] if quadratic else entries
    scalars, eye = sizes.count(1), np.eye(len(trace))
    single, several = (curved, curved[:0]) if len(curved) == 1 else (curved[:0], curved)
    # max <gain, G> with trace G = 1: the dual of "there are multipliers with rate V - E V+ - sum multiplier *
    # known >= 0". Its value is positive exactly where there are none, and then G is the Gram matrix of a worst
    # state.
    rows = np.concatenate(
        [trace[None], equal, *(-r for r in (signs, single, eye[:scalars], several, eye[scalars:]))]
    )
    right = np.zeros(len(rows))
    right[0] = 1.0
    bent = (len(model.curved),) if len(several) else ()
    cones = (1 + len(equal), len(signs) + len(single) + scalars, bent + sizes[scalars:])
    x, _ = solve(-gain, np.ascontiguousarray(rows.T), right, cones, solver_settings(TOLERANCE, True))
    return Gram(float(gain @ x), *_grams(x, blocks))


def _grams(x: Array, blocks: Mapping[str, int]) -> tuple[Array, Array, dict[str, float]]:
    """The symmetric matrices of means and deviations, and the values, from Clarabel's vector."""
    out, start = {}, 0
    # The inverse of `packed`: off-diagonal entries were times sqrt 2, and stand in the upper triangle alone.
    for block, size in blocks.items():
        at, weight = layout((size,))
        entries = np.zeros(size * size)
        entries[at] = x[start : start + len(at)] / weight
        start += len(at)
        half = entries.reshape(size, size)
        out[block] = half + half.T - np.diag(np.diag(half))
    gaps = {b: float(m[0, 0]) for b, m in out.items() if b not in ("mean", "deviation")}
    return out["mean"], out.get("deviation", np.zeros((0, 0))), gaps


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


def _quadratic(model: Model, share: float) -> tuple[list[Form], list[Form], list[Form]]:
    """(entries of (Y - mu X)'(L X - Y), mean over workers, by columns of its triangle; messages; what is zero)."""
    mu, L = narrowed(model, share)
    # Y = H X for one symmetric H with mu I <= H <= L I if and only if X'Y is symmetric and (Y - mu X)'(L X -
    # Y) >= 0: this is exact in any dimension, where pairwise inequalities alone are not.
    pairs = [(i, j) for j in range(len(model.curved)) for i in range(j + 1)]
    # the messages' class is narrowed as the Hessians' is: the radius of |message - input| by 1 - share
    sent = [
        contraction(model.space, u, unit(c), float(square) * (1 - share) ** 2) for u, c, square in model.sent
    ]
    zero = [_asymmetry(model, i, j) for i, j in pairs if i < j]
    return [_within(model, mu, L, i, j) for i, j in pairs], sent, zero


def _within(model: Model, mu: float, L: float, i: int, j: int) -> Form:
    """Entry (i, j) of it, symmetric because X'Y is."""
    (a, y), (b, w) = model.curved[i], model.curved[j]
    half = (L + mu) / 2
    # -<y, w> + (L+mu)/2 (<y, b> + <a, w>) - L mu <a, b>: arguments are the same for all workers, so that
    # products with them live on the means; only <y, w> has a part among the deviations.
    common = [(half, unit(y), b), (half, a, unit(w)), (-L * mu, a, b)]
    return model.space.total((-1, unit(y), unit(w)), common=common)


def _asymmetry(model: Model, i: int, j: int) -> Form:
    """<x_i, y_j> - <x_j, y_i>."""
    (a, y), (b, w) = model.curved[i], model.curved[j]
    return model.space.on_mean((1, a, unit(w)), (-1, b, unit(y)))
