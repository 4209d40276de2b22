"""Sampling probabilities of atoms: least variance for a budget (ATOMO), least budget for a variance (Wangni et al.).

Both are minimisers in closed form once it is known which atoms get p = 1, and these are the largest ones: one sort,
for floats and Fractions alike.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from compth._numbers import Number
from compth._types import Numbers


def _descending(weights: Numbers) -> tuple[Numbers, Numbers]:
    """(sizes in descending order, tail sums S_i = sum_{j >= i}) per row; tails are added from the smallest on."""
    # sums of small numbers first lose least: tails are the budgets that decide who is saturated
    up = np.sort(weights, axis=-1)
    return up[..., ::-1], np.cumsum(up, axis=-1)[..., ::-1]


def _at(values: Numbers, index: NDArray[np.intp]) -> Numbers:
    """values[..., index] per row, 0 one past the end: (..., d), (..., 1) -> (..., 1)."""
    inside = np.minimum(index, values.shape[-1] - 1)
    return np.asarray(np.where(index < values.shape[-1], np.take_along_axis(values, inside, axis=-1), 0))


def unit_scale(weights: Numbers) -> Numbers:
    """Weights times, exactly, a power of two per row that brings the largest near 1: sums then stay in range."""
    if weights.dtype == object:
        return weights
    top = weights.max(axis=-1, keepdims=True)
    if ((top > 1e-100) & (top < 1e100)).all():
        return weights
    # a power of two is exact, and probabilities do not depend on the scale
    exponent = np.clip(1 - np.frexp(top)[1], -1000, 1000)
    return np.asarray(weights * np.ldexp(1.0, exponent))


def saturated(sizes: Numbers, tails: Numbers, budget: float) -> NDArray[np.intp]:
    """How many of the descending sizes get p = 1: the i with (s - i + 1) a_i > S_i, always the first ones, (..., 1).

    If (s-i+1) a_i <= S_i = a_i + S_{i+1} then (s-i) a_{i+1} <= (s-i) a_i <= S_{i+1} (and trivially for s <= i).
    """
    # the test of the docstring for all i at once; that it holds for an initial segment makes counting
    # enough
    place = np.arange(sizes.shape[-1])
    full = ((budget - place) * sizes > tails) & (place < budget)
    return np.asarray(full.sum(axis=-1, keepdims=True))


def active_probability(weight: Number, budget: Number, full: Number, rest: object) -> Number:
    """p_j = a_j (s - k)/sum a of an atom that is not saturated: k are, `rest` is the sum of the others' sizes."""
    return (budget - full) * weight / rest


def budget_probabilities(weights: Numbers, budget: Number) -> Numbers:
    """p_j = min{1, a_j/c}, sum p_j = s: the minimiser of sum a_j^2/p_j (ATOMO Algorithm 1), in O(d log d) per row.

    weights a: (..., d) >= 0, floats or Fractions; budget s > 0. Zero weights get p = 0; where s is at least the
    number of positive weights these get p = 1.
    """
    # Lagrange: minimise sum a_j^2/p_j with sum p_j = s gives p_j proportional to a_j, cut at 1; who is cut
    # is found in one sort
    a = unit_scale(weights)
    sizes, tails = _descending(a)
    full = saturated(sizes, tails, budget)
    rest, edge = _at(tails, full), _at(sizes, full - 1)
    scaled = active_probability(a, budget, full, np.where(rest > 0, rest, 1))
    # entries equal to the last saturated one are saturated with it; rounding may lift others to 1 + 1e-16
    whole = ((full > 0) & (a >= edge)) | (scaled > 1) | (rest == 0)
    one, zero = _one(a), _one(a) * 0
    return np.asarray(np.where(a > 0, np.where(whole, one, scaled), zero))


def _one(a: Numbers) -> Number:
    return type(a.flat[0])(1) if a.dtype == object else 1.0


def variance_probabilities(weights: Numbers, excess: object) -> Numbers:
    """p_j = min{1, lambda a_j} with sum a_j^2/p_j = (1 + excess) sum a_j^2 and least sum p_j (Wangni et al.).

    With the k largest at p = 1, lambda = sum_{j>k} a_j / (excess sum a^2 + sum_{j>k} a_j^2); k is the smallest with
    lambda a_{k+1} <= 1, and the condition stays true beyond it. excess > 0.
    """
    a = unit_scale(weights)
    sizes, tails = _descending(a)
    # with p_j = lambda a_j on the unsaturated the variance is sum (a_j/lambda - a_j^2): the constraint
    # gives lambda in closed form once k is known
    squares = np.cumsum((sizes * sizes)[..., ::-1], axis=-1)[..., ::-1]
    room = excess * squares[..., :1] + squares
    full = np.asarray((sizes * tails > room).sum(axis=-1, keepdims=True))
    rest, space = _at(tails, full), _at(room, full)
    scaled = a * rest / np.where(space > 0, space, 1)
    edge = _at(sizes, full - 1)
    return np.asarray(np.where(((full > 0) & (a >= edge)) | (scaled > 1), _one(a), scaled))
