"""The three sparsification schemes of communication-aware tuning: what each level guarantees at a given gradient.

For any direction Q: f(x - gamma Q) <= f(x) - gamma <g, E Q> + (L gamma^2/2) E||Q||^2 in expectation. The best step is
<g, EQ>/(L E||Q||^2) and decreases f by share ||g||^2/(2L), share = <g, EQ>^2/(||g||^2 E||Q||^2): 1 for Q = g.

The closed forms stand once, as functions of sums; arrays, Fractions and symbols pass through them.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from bisect import bisect_left
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from compth._numbers import Number, exact, sqrt
from compth._types import Array, Numbers
from compth.compressors import Compressor
from compth.compressors.atomo import AtomoEntrywise, keep
from compth.compressors.core.probabilities import budget_probabilities, unit_scale
from compth.compressors.top_k import TopK
from compth.compressors.top_k_sign import TopKSign
from compth.tuning.costs import Wire


def alpha(head_squares: Numbers, squares: Numbers) -> Numbers:
    """S: alpha(T) = sum of the T largest g_j^2 / ||g||^2, at step 1/L."""
    return head_squares / squares


def beta(head: Number, level: Number, squares: Number) -> Number:
    """S+Q: beta(T) = (sum of the T largest |g_j|)^2 / (T ||g||^2)."""
    return head * head / (level * squares)


def beta_step(share: Number, level: Number, L: Number) -> Number:
    """S+Q: the best step, sum of the T largest |g_j| / (L T ||g||) = sqrt(beta/T)/L."""
    return sqrt(share / exact(int(level))) / L if level else 0 * share


def improvement(share: Number, squares: Number, L: Number) -> Number:
    """What the best step along a direction of this share lowers f by at least: share ||g||^2/(2L)."""
    return share * squares / (2 * L)


def omega(squares: Number, head_squares: Number, tail: Number, left: Number) -> Number:
    """SS: omega*(T) = ||g||^2 / (sum_{i<=m} g_i^2 + (sum_{i>m} |g_i|)^2/left), m entries at p = 1 and left = T - m.

    The step that goes with it is omega*/L.
    """
    return squares / (head_squares + tail * tail / left)


BLOCK = 1 << 14
"""Levels looked at together."""
STRIDE = 64
"""Thresholds that are skipped where only few levels are asked for."""


@dataclass(frozen=True, eq=False)
class Ordered:
    """|g| in descending order per row with its sums; floats are scaled by a power of two, Fractions kept."""

    up: Numbers
    """|g| ascending, (..., d)."""

    @classmethod
    def of(cls, g: Numbers) -> Ordered:
        """Sort |g| along the last axis."""
        # A power of two brings the largest entry near 1: squares neither overflow nor vanish, and no share
        # changes.
        size = unit_scale(np.abs(g))
        size.sort(axis=-1)
        return cls(size)

    @property
    def d(self) -> int:
        """Dimension."""
        return int(self.up.shape[-1])

    @property
    def sizes(self) -> Numbers:
        """|g_(1)| >= |g_(2)| >= ..."""
        return self.up[..., ::-1]

    @cached_property
    def heads(self) -> Numbers:
        """Sums of the T largest |g_j|, T = 1..d."""
        return np.asarray(np.cumsum(self.sizes, axis=-1))

    @cached_property
    def head_squares(self) -> Numbers:
        """Sums of the T largest g_j^2."""
        return np.asarray(np.cumsum(self.sizes * self.sizes, axis=-1))

    @cached_property
    def tails(self) -> Numbers:
        """sum_{j >= i} |g_(j)|, i = 1..d, added from the smallest on."""
        return np.asarray(np.cumsum(self.up, axis=-1)[..., ::-1])

    @cached_property
    def squares(self) -> Numbers:
        """||g||^2 per row, (..., 1), 1 for zero rows."""
        up = self.up
        # One row of floats by a dot product, which sums pairwise and is more accurate than a running sum.
        total = (
            (up * up).sum(axis=-1, keepdims=True)
            if up.ndim > 1 or up.dtype == object
            else up[:1] * 0 + up @ up
        )
        return np.asarray(np.where(total > 0, total, total + 1))

    def saturation(self, step: int = 1) -> Numbers:
        """Budget beyond which entry i has p = 1: i - 1 + S_i/|g_(i)|, nondecreasing; d + 1 for zeros."""
        sizes, tails = self.sizes[..., ::step], self.tails[..., ::step]
        # In ATOMO entry i is capped at 1 once T >= i - 1 + S_i/|g_(i)|: these thresholds do not fall with i,
        # so that the number of capped entries at any budget is found by binary search.
        ratio = tails / np.where(sizes > 0, sizes, sizes + 1) + np.arange(
            0, self.d, step, dtype=self.up.dtype
        )
        return np.asarray(np.where(sizes > 0, ratio, self.d + 1))

    @cached_property
    def coarse(self) -> Numbers:
        """Every STRIDE-th threshold."""
        return self.saturation(STRIDE)

    def sums_at(self, levels: NDArray[np.intp], squares: bool) -> Numbers:
        """Sums of the T largest |g_j| or g_j^2 of one row at some ascending T >= 0, without the sums in between."""
        # Only the asked levels: segments between them are summed by reduceat, repeated levels by index.
        ends = np.append(0, levels)
        fresh = ends[1:] != ends[:-1]
        terms = self.sizes[: ends[-1]]
        starts = ends[:-1][fresh]
        parts = np.add.reduceat(terms * terms if squares else terms, starts) if starts.size else self.up[:0]
        return np.asarray(np.append(0 * self.up[:1], np.cumsum(parts))[np.cumsum(fresh)])


class Scheme(ABC):
    """A sparsification scheme with levels T = 1..d. Arrays of gradients have rows in the leading axes."""

    key: ClassVar[str]
    monotone: ClassVar[bool]
    """True when the share never falls with T: then only the last level of each packet count matters."""
    last_tie: ClassVar[bool] = False
    """Among equally efficient levels take the last (fewer rounds) in place of the first."""

    @abstractmethod
    def payload(self, level: Number, d: int, wire: Wire) -> Number:
        """Bits of a message of `level` elements (expected for random ones): linear in the level."""

    @abstractmethod
    def shares(self, o: Ordered, level: Numbers | None = None) -> Numbers:
        """Share of ||g||^2/(2L) at each level (default: all, 1..d), (..., number of levels)."""

    @abstractmethod
    def scan(self, o: Ordered) -> Iterator[tuple[Numbers, Numbers]]:
        """(levels, shares) of one row in blocks that cover 1..d."""

    @abstractmethod
    def stepsize(self, o: Ordered, level: Numbers, share: Numbers, L: Number) -> Numbers:
        """The step that goes with a level, per row."""

    @abstractmethod
    def compressor(self, level: int) -> Compressor:
        """The operator at one level."""

    @abstractmethod
    def send(self, g: Array, levels: Numbers, rng: np.random.Generator) -> Array:
        """Messages for rows g (..., d), each at its own level (...)."""

    def slope(self, d: int, wire: Wire) -> tuple[Number, Number]:
        """(bits at level 0, bits per level)."""
        zero = self.payload(0, d, wire)
        return zero, self.payload(1, d, wire) - zero


def all_levels(o: Ordered) -> Numbers:
    """1, ..., d as floats, or as ints for exact rows."""
    return np.arange(1, o.d + 1, dtype=o.up.dtype)


def _largest(g: Array, levels: Numbers) -> NDArray[np.bool_]:
    """Mask of the `levels` largest |g_j| of each row, lower index first under ties."""
    # A stable sort of -|g|: under ties the lower index goes first, as Top-k's own program does.
    order = np.argsort(-np.abs(g), axis=-1, kind="stable")
    mask = np.zeros(g.shape, dtype=bool)
    np.put_along_axis(mask, order, np.arange(g.shape[-1]) < np.asarray(levels)[..., None], axis=-1)
    return mask


def _scan(
    o: Ordered, term: Callable[[Numbers], Numbers], share: Callable[[Numbers, Numbers], Numbers]
) -> Iterator[tuple[Numbers, Numbers]]:
    """Running sums in blocks that stay in cache."""
    # The carry of the running sum is kept in the gradient's own kind of number, so that Fractions stay exact.
    sizes, total = o.sizes, 0 * o.up[0]
    for start in range(0, o.d, BLOCK):
        heads = np.cumsum(term(sizes[start : start + BLOCK])) + total
        levels = np.arange(start + 1, start + 1 + len(heads), dtype=o.up.dtype)
        yield levels, share(heads, levels)
        total = heads[-1]


class S(Scheme):
    """The T largest entries as they are."""

    key = "S"
    monotone = True

    def payload(self, level: Number, d: int, wire: Wire) -> Number:
        """An index and a value each."""
        return level * (wire.index(d) + wire.float_bits)

    def shares(self, o: Ordered, level: Numbers | None = None) -> Numbers:
        """alpha(T)."""
        heads = o.head_squares if level is None else o.sums_at(level, squares=True)
        return alpha(heads, o.squares)

    def scan(self, o: Ordered) -> Iterator[tuple[Numbers, Numbers]]:
        return _scan(o, lambda sizes: sizes * sizes, lambda heads, levels: alpha(heads, o.squares))

    def stepsize(self, o: Ordered, level: Numbers, share: Numbers, L: Number) -> Numbers:
        """1/L: Top-k's best step, at any level."""
        step: Numbers = 1 / L + 0 * share
        return step

    def compressor(self, level: int) -> Compressor:
        return TopK(level)

    def send(self, g: Array, levels: Numbers, rng: np.random.Generator) -> Array:
        return np.where(_largest(g, levels), g, 0.0)


class SQ(Scheme):
    """Signs of the T largest entries, scaled by ||g||: neither monotone nor unimodal in T."""

    key = "S+Q"
    monotone = False

    def payload(self, level: Number, d: int, wire: Wire) -> Number:
        """The norm, and an index and a sign each."""
        return wire.float_bits + level * (wire.index(d) + wire.sign_bits)

    def shares(self, o: Ordered, level: Numbers | None = None) -> Numbers:
        """beta(T)."""
        if level is None:
            heads, every = o.heads, all_levels(o)
        else:
            heads, every = o.sums_at(level, squares=False), np.asarray(level).astype(o.up.dtype)
        share: Numbers = beta(heads, every, o.squares)
        return share

    def scan(self, o: Ordered) -> Iterator[tuple[Numbers, Numbers]]:
        return _scan(o, lambda sizes: sizes, lambda heads, levels: beta(heads, levels, o.squares))

    def stepsize(self, o: Ordered, level: Numbers, share: Numbers, L: Number) -> Numbers:
        """sqrt(beta/T)/L, exact where both roots are."""
        # sum of the T largest / (L T ||g||) = sqrt(beta) / (sqrt(T) L), exact where both roots are
        return np.array(
            [beta_step(b, t, L) for b, t in zip(np.ravel(share), np.ravel(level), strict=True)]
        ).reshape(np.shape(share))

    def compressor(self, level: int) -> Compressor:
        return TopKSign(level)

    def send(self, g: Array, levels: Numbers, rng: np.random.Generator) -> Array:
        norm = np.linalg.norm(g, axis=-1, keepdims=True)
        return np.where(_largest(g, levels), np.sign(g) * norm, 0.0)


class SS(Scheme):
    """Independent sampling with the best probabilities of total T: unbiased; T counts the EXPECTED elements."""

    key = "SS"
    monotone = True
    last_tie = True

    def payload(self, level: Number, d: int, wire: Wire) -> Number:
        """An index and a value each, of the expected number."""
        return level * (wire.index(d) + wire.float_bits)

    def shares(self, o: Ordered, level: Numbers | None = None) -> Numbers:
        """omega*(T)."""
        every = level is None
        level = all_levels(o) if every else np.asarray(level).astype(o.up.dtype)
        # At budget T the m largest entries have p = 1 and the rest share T - m in proportion to |g_j|: the
        # second moment is head squares plus (tail sum)^2/(T - m).
        full = _full(o, level)
        if every:
            heads = np.where(
                full > 0, np.take_along_axis(o.head_squares, np.maximum(full, 1) - 1, axis=-1), 0
            )
        else:
            heads = o.sums_at(full, squares=True)
        tails = np.take_along_axis(o.tails, np.minimum(full, o.d - 1), axis=-1)
        tails = np.where(full < o.d, tails, 0)
        zero = o.sizes[..., :1] == 0
        # where every positive entry is saturated, nothing is left to divide among T - m
        return np.where(zero, 0, omega(o.squares, heads + zero, tails, np.where(tails > 0, level - full, 1)))

    def scan(self, o: Ordered) -> Iterator[tuple[Numbers, Numbers]]:
        yield all_levels(o), self.shares(o)

    def stepsize(self, o: Ordered, level: Numbers, share: Numbers, L: Number) -> Numbers:
        """omega*/L."""
        step: Numbers = share / L
        return step

    def compressor(self, level: int) -> Compressor:
        return AtomoEntrywise(level)

    def send(self, g: Array, levels: Numbers, rng: np.random.Generator) -> Array:
        budget = np.maximum(np.asarray(levels, dtype=np.float64), 1)[..., None]
        return keep(g, budget_probabilities(np.abs(g), budget), rng)


def omega_at(o: Ordered, level: int) -> Number:
    """omega*(T) of one row, not all zero, at one level."""
    sizes, tails = o.sizes, o.tails
    # The capped entries at this one budget, by bisection on the thresholds without computing all of them.
    full = bisect_left(range(o.d), True, key=lambda i: bool((level - i) * sizes[i] <= tails[i]))
    if full == o.d or not o.tails[full] > 0:
        return o.squares[0] / o.squares[0]
    cut, square = o.d - full, o.squares[0]
    # the shorter of the two sums: the top ones are at least half of all when they are half of the entries
    head = o.up[cut:] @ o.up[cut:] if full < o.d // 2 else square - o.up[:cut] @ o.up[:cut]
    return omega(square, head, o.tails[full], level - full)


def _full(o: Ordered, level: Numbers) -> NDArray[np.intp]:
    """Entries with p = 1 at each budget: rows are laid end to end so that one binary search serves all."""
    if o.up.ndim == 1:
        return _full_row(o, level)
    # Row r's thresholds are shifted by r (d + 2), which keeps the long array ascending: one search serves all
    # rows.
    rows = o.saturation().reshape(-1, o.d)
    row = np.arange(len(rows))[:, None]
    found = np.searchsorted((rows + row * (o.d + 2)).ravel(), (level + row * (o.d + 2)).ravel())
    return np.asarray((found.reshape(len(rows), -1) - row * o.d).reshape(*o.up.shape[:-1], -1))


def _full_row(o: Ordered, level: Numbers) -> NDArray[np.intp]:
    """The same for one row and few levels: every STRIDE-th threshold brackets it, bisection finds it."""
    if len(level) > o.d // STRIDE:
        return np.asarray(np.searchsorted(o.saturation(), level))
    # Every STRIDE-th threshold is enough to bracket; the rest is decided by comparing products, without
    # dividing.
    inside = np.searchsorted(o.coarse, level)
    low, high = np.maximum((inside - 1) * STRIDE, -1), np.minimum(inside * STRIDE, o.d)
    sizes, tails = o.sizes, o.tails
    while (high - low > 1).any():  # entries <= low have p = 1, entries >= high have not
        middle = (low + high) // 2
        at = np.maximum(middle, 0)
        ones = (level - middle) * sizes[at] > tails[at]
        moved = high - low > 1
        low, high = np.where(ones & moved, middle, low), np.where(~ones & moved, middle, high)
    return high


SCHEMES: dict[str, Scheme] = {s.key: s for s in (S(), SQ(), SS())}
"""The schemes by the paper's names."""
