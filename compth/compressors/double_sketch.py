"""Exact moments of maps that apply the same random mask twice: H = (1/n) sum M_i K_i M_i, h = (1/n) sum M_i beta_i.

M_i is worker i's 0/1 mask; the weights of the sketch are part of K_i and beta_i. A product of masks depends on which
positions coincide only, so every expectation is a sum over the set partitions of the positions (15 of four), each a
contraction; the coefficients follow from inclusion probabilities by Moebius inversion. Numberss may be floats or
Fractions (dtype object).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Literal

import numpy as np

from compth._numbers import Number, ratio
from compth._types import Numbers
from compth.compressors.core.base import DiagonalSketch
from compth.compressors.fleets import Fleet, Independent, Shared
from compth.compressors.perm_k import JointSketch
from compth.errors import Unsupported

Partition = tuple[int, ...]
"""Class of each position, numbered in order of appearance: (0, 1, 0, 2)."""


def partitions(size: int) -> Iterator[Partition]:
    """All set partitions of `size` positions."""

    def grow(found: Partition) -> Iterator[Partition]:
        if len(found) == size:
            yield found
            return
        # restricted growth: a position joins a class that is there, or opens the next one
        for c in range(max(found, default=-1) + 2):
            yield from grow((*found, c))

    return grow(())


def refines(fine: Partition, coarse: Partition) -> bool:
    """True when positions equal in `fine` are equal in `coarse`."""
    return all(coarse[a] == coarse[b] for a in range(len(fine)) for b in range(a) if fine[a] == fine[b])


def coefficients(size: int, probability: Callable[[Partition], Number]) -> dict[Partition, Number]:
    """g with probability(pattern) = sum of g(s) over the partitions s that refine it (Moebius inversion)."""
    out: dict[Partition, Number] = {}
    # from the finest partition up: probability(p) counts every refinement, so what is left is p's own
    for p in sorted(partitions(size), key=lambda p: -len(set(p))):
        out[p] = probability(p) - sum(out[s] for s in out if refines(s, p))
    return out


@dataclass(frozen=True, eq=False)
class DoubleSketch:
    """Expectations of H, h and their products, for a fleet of exchangeable diagonal sketches (n workers, d entries).

    Raises Unsupported for fleets whose joint inclusion probabilities are not known or depend on the coordinate.
    """

    fleet: Fleet
    n: int
    d: int

    def __post_init__(self) -> None:
        self.fleet.check(self.n, self.d)
        self._pairs((0,), ())

    @cached_property
    def scale(self) -> Number:
        """Weight of a kept coordinate, a number or (n, d)."""
        if isinstance(self.fleet, JointSketch):
            found = self.fleet.scale(self.n, self.d)
            return np.array(found, dtype=float) if isinstance(found, tuple) else found
        return ratio(1, self._pairs((0,), ()))

    def _pairs(self, first: tuple[int, ...], second: tuple[int, ...]) -> Number:
        """P(one worker keeps the coordinates `first`, another one `second`)."""
        # more different coordinates than exist: this pattern never occurs
        if len({*first, *second}) > self.d:
            return 0
        if isinstance(self.fleet, JointSketch):
            pairs = [(0, j) for j in first] + [(1, j) for j in second]
            return self.fleet.inclusion(pairs, self.n, self.d)
        if len(self.fleet.members) == 1 and isinstance(self.fleet, Independent | Shared):
            member = self.fleet.members[0]
            if isinstance(member, DiagonalSketch):
                if isinstance(self.fleet, Shared):
                    return self._keeps(member, len({*first, *second}))
                return self._keeps(member, len(first)) * self._keeps(member, len(second))
        raise Unsupported(
            f"{self.fleet!r} has no joint inclusion probabilities: use PermK(n), ScaledPermK, RandK, Bernoulli(p) with"
            " one p, or Shared of these"
        )

    def _keeps(self, member: DiagonalSketch, count: int) -> Number:
        """P(a worker keeps `count` given coordinates). Raises Unsupported where they are not exchangeable."""
        found = member.inclusion(self.d, count) if count else 1
        if found is None or np.ndim(found):
            raise Unsupported(f"{member!r} keeps coordinates with different probabilities: use one p for all")
        return found

    def _probability(self, owners: tuple[int, ...], same: bool) -> Callable[[Partition], Number]:
        def probability(p: Partition) -> Number:
            if same:
                return self._pairs(tuple(set(p)), ())
            first = {c for c, owner in zip(p, owners, strict=True) if owner == 0}
            second = {c for c, owner in zip(p, owners, strict=True) if owner == 1}
            return self._pairs(tuple(first), tuple(second))

        return probability

    @cache  # noqa: B019  (one small table per sketch)
    def _coefficients(self, owners: tuple[int, ...]) -> tuple[tuple[Partition, Number, Number], ...]:
        """(partition, coefficient of the sum over one worker, of the sum over all pairs of workers)."""
        # E over pairs of workers: the pair (i, i) has the one worker's probabilities, the others those of
        # two; sums over all pairs are cheaper, so the former is corrected by the latter
        own = coefficients(len(owners), self._probability(owners, True))
        if len(set(owners)) == 1 or self.n == 1:
            return tuple((p, g, 0) for p, g in own.items() if g != 0)
        across = coefficients(len(owners), self._probability(owners, False))
        return tuple((p, g - across[p], across[p]) for p, g in own.items() if g != 0 or across[p] != 0)

    def _sum(
        self, letters: str, owners: tuple[int, ...], operands: list[tuple[str, Numbers, bool]]
    ) -> Numbers:
        """sum over workers and inner letters of the product of operands times P(all letters kept).

        letters: positions, the output ones first and last; operands: (letters, array, one per worker?).
        """
        total: Number = 0
        # one contraction for each partition of the positions, and for each of the two kinds of worker sums
        for p, alone, joint in self._coefficients(owners):
            if alone != 0:
                total = total + self._number(alone, operands) * _contract(letters, p, operands)
            if joint != 0:
                summed = [(s, a.sum(axis=0) if each else a, False) for s, a, each in operands]
                total = total + self._number(joint, operands) * _contract(letters, p, summed)
        out: Numbers = total
        return out

    def _number(self, value: Number, operands: list[tuple[str, Numbers, bool]]) -> Number:
        rational = any(a.dtype == object for _, a, _ in operands)
        return value if rational else float(value)

    def mean_map(self, K: Numbers) -> Numbers:
        """E H, (d, d), for K (n, d, d)."""
        return self._sum("jl", (0, 0), [("jl", K, True)]) / self.n

    def mean_shift(self, beta: Numbers) -> Numbers:
        """E h, (d,), for beta (n, d)."""
        kept = self._number(self._pairs((0,), ()), [("j", beta, True)])
        return np.asarray(kept * beta.sum(axis=0) / self.n)

    def quadratic(self, K: Numbers, X: Numbers) -> Numbers:
        """E[H X H'], (d, d)."""
        return (
            self._sum("jkml", (0, 0, 1, 1), [("jk", K, True), ("km", X, False), ("lm", K, True)]) / self.n**2
        )

    def cross(self, K: Numbers, v: Numbers, beta: Numbers) -> Numbers:
        """E[H v h'], (d, d)."""
        return self._sum("jkl", (0, 0, 1), [("jk", K, True), ("k", v, False), ("l", beta, True)]) / self.n**2

    def outer(self, beta: Numbers) -> Numbers:
        """E[h h'], (d, d)."""
        return self._sum("jl", (0, 1), [("j", beta, True), ("l", beta, True)]) / self.n**2


def _contract(letters: str, p: Partition, operands: list[tuple[str, Numbers, bool]]) -> Numbers:
    """The contraction with coinciding letters merged; a diagonal matrix where the output letters coincide."""
    # positions in one class share a letter: einsum then sums over their coincidence
    names = dict(zip(letters, (letters[p.index(c)] for c in p), strict=True))
    terms = [("w" if each else "") + "".join(names[x] for x in s) for s, _, each in operands]
    first, last = names[letters[0]], names[letters[-1]]
    arrays = [a for _, a, _ in operands]
    # einsum's contraction order is found for floats; Fractions are objects, which only the plain loop
    # multiplies
    fast: Literal["greedy", False] = "greedy" if arrays[0].dtype != object else False
    if first == last:
        return np.diag(np.einsum(",".join(terms) + "->" + first, *arrays, optimize=fast))
    return np.asarray(np.einsum(",".join(terms) + "->" + first + last, *arrays, optimize=fast))
