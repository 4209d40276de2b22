"""Inputs at which a comparison of several entries changes its answer, by bisection on one of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from compth.certification.cells.nodes import Node, entries_of
from compth.certification.cells.numbers import Numbers, Unknown

Array = NDArray[np.float64]
FAR = tuple(10.0**k for k in (-99, -60, -30, -15, -6, 5, 8, 15, 30, 60, 99))
GRID = sorted(
    {s * v for v in (0.0, *(2.0**k for k in range(-7, 8)), 0.3, 1.3, 3.0, *FAR) for s in (1.0, -1.0)}
)
"""Values of an entry between which a sign is looked for."""


def crossings(node: Node, d: int, held: Mapping[Fraction, set[float]]) -> Iterator[Array]:
    """The two floats of an entry between which the condition's sides change places, and one more on either side."""
    for rest in bases(d):
        for i in sorted(entries_of(node))[:2] or [0]:
            yield from along(node, rest, i, held)


def along(node: Node, rest: Array, i: int, held: Mapping[Fraction, set[float]]) -> Iterator[Array]:
    """Inputs at which the condition changes where entry i alone does.

    There are none where numbers do not tell what the condition compares.
    """
    a, b = node.args

    def at(v: float) -> Array:
        x = rest.copy()
        x[i] = v
        return x

    def gap(v: float) -> float:
        now = Numbers(at(v), held)
        return now.at(a) - now.at(b)

    try:
        found = list(changes(gap))
    except Unknown:
        return
    yield from map(at, found)


def bases(d: int) -> list[Array]:
    """What stands beside the entry: numbers that add without rounding, one entry, generic ones."""
    nice = np.array([(-1) ** k * 2.0 ** -(k % 3) for k in range(d)])
    one = np.zeros(d)
    one[-1] = 0.5
    return [nice, one, np.zeros(d), np.random.default_rng(53).normal(size=d)]


def changes(gap: Callable[[float], float], most: int = 3) -> Iterator[float]:
    """Floats at which gap is 0 or changes its sign, and those beside: the first few."""
    # A change of sign between two points of a grid that spans all magnitudes; what turns twice between them
    # is missed.
    signs = [(v, np.sign(gap(v))) for v in GRID]
    found = 0
    for (low, s), (high, t) in pairwise(signs):
        if s == t or found >= most:
            continue
        found += 1
        for v in _bisected(gap, low, high, s):
            yield from (v, float(np.nextafter(v, np.inf)), float(np.nextafter(v, -np.inf)))


def _bisected(gap: Callable[[float], float], low: float, high: float, s: float) -> tuple[float, float]:
    """The two neighbouring floats between which the sign changes."""
    for _ in range(200):
        # Halving exponents where the ends are orders of magnitude apart, else the interval.
        far = low * high > 0 and not 0.25 < low / high < 4
        middle = float(np.copysign(np.sqrt(abs(low)) * np.sqrt(abs(high)), low)) if far else (low + high) / 2
        if not low < middle < high:
            break
        low, high = (middle, high) if np.sign(gap(middle)) == s else (low, middle)
    return low, high
