"""The generator of a traced program: each draw is a symbol, named by its place in the stream.

uniform: node u(k). An integer with given probabilities: cat(k, weights). Whatever is not here refuses.

numpy's algorithms turn bits into numbers in their own ways; what is used here is the documented law alone,
and real runs with chosen bits (`replayed`) see that the program's draws are in the trace's order. What must
not be changed: two draws with different names are independent, and equally named ones are one number.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import NoReturn

import numpy as np

from compth.certification.cells import nodes
from compth.certification.cells.array import Array, Chosen, DType, Entries, Picked, as_array, dtype_of
from compth.certification.cells.elementwise import elementwise
from compth.certification.cells.nodes import Hidden, Mute, Node, const, session, stop
from compth.certification.cells.symbolic import Symbolic

MOST = 4096
"""Values of one integer that is drawn."""


class Draws(Mute):
    """Generator's methods on symbols."""

    __hash__ = None  # type: ignore[assignment]

    def __getattr__(self, name: str) -> NoReturn:
        stop(f"Generator.{name} is not traced")

    def random(self, size: object = None, dtype: object = None, out: object = None) -> Symbolic:
        """Uniform on [0, 1)."""
        if out is not None:
            stop("random(out=...)")
        dtype_of(dtype)
        return _filled(size, lambda: session().node("u", _next()), "f")

    def uniform(
        self, low: float | Symbolic = 0.0, high: float | Symbolic = 1.0, size: object = None
    ) -> Symbolic:
        """Uniform on [low, high)."""
        if size is None:
            # As in numpy, limits that are arrays give one draw for each pair of them.
            shape = np.broadcast_shapes(as_array(low).shape, as_array(high).shape)
            size = shape or None
        return low + (high - low) * self.random(size)

    def integers(
        self,
        low: object,
        high: object = None,
        size: object = None,
        dtype: object = None,
        endpoint: bool = False,
    ) -> Symbolic:
        """Equally likely integers."""
        if dtype is not None and dtype_of(dtype).kind != "i":
            stop("integers of another type")
        # integers(n) is from 0, the end excluded.
        first, last = (0, _int(low)) if high is None else (_int(low), _int(high))
        count = last + bool(endpoint) - first
        if not 0 < count <= MOST:
            stop(f"an integer with {count} values")
        one = Fraction(1, count)
        drawn = _filled(size, lambda: _categorical([const(one)] * count), "i")
        return drawn + first if first else drawn

    def binomial(self, n: object, p: object, size: object = None) -> Symbolic:
        """n trials, each with probability p."""
        trials, chances = _int(n), as_array(p)
        shape = chances.shape if size is None else _shape(size)
        if not 0 < trials <= 8:
            stop(f"binomial with n = {trials}")
        for chance in chances.flat:
            nodes.demand_chance(chance)
        # A sum of n independent trials, each an event {U < p}: for small n that is exact and keeps laws
        # simple.
        found = [self.random(shape or None) < chances for _ in range(trials)]
        return sum((f.astype(DType("i")) for f in found[1:]), start=found[0].astype(DType("i")))

    def choice(
        self,
        a: object,
        size: object = None,
        replace: bool = True,
        p: object = None,
        axis: int = 0,
        shuffle: bool = True,
    ) -> Symbolic | Chosen:
        """One of a, with the probabilities p."""
        given = as_array(a)
        if given.ndim > 1:
            stop("a choice of rows")
        population = given if given.ndim else Array([const(i) for i in range(_int(a))], "i")
        if not replace and size is not None and _int_of(size) != 1:
            return self._without(population, _int_of(size), p)
        count = population.size
        # Every draw of it is one categorical integer, which a look-up turns into an entry of a.
        weights = [const(Fraction(1, count))] * count if p is None else as_array(p).flat
        if len(weights) != count or count > MOST:
            stop(f"a choice of {count} with {len(weights)} probabilities")
        drawn = _filled(size, lambda: _categorical(weights), "i")
        if not given.ndim:
            return drawn
        return elementwise(lambda k: nodes.pick(k, population.flat), population.kind, drawn)

    def _without(self, population: Array, wanted: int, p: object) -> Chosen:
        """A random subset of fixed size of all places."""
        if p is not None or any(v.number != i for i, v in enumerate(population.flat)):
            stop("a choice without replacement with probabilities")
        return _subset(population.size, wanted)

    def permutation(self, x: object) -> Shuffled:
        """A permutation of the first integers, as far as it is cut."""
        return Shuffled(_int(x))

    def multinomial(self, n: object, pvals: object, size: object = None) -> Array:
        """How often each of n draws came out."""
        weights, trials = as_array(pvals).flat, _int(n)
        if size is not None or not 0 < trials <= 8:
            stop(f"multinomial with n = {trials}")
        drawn = [_categorical(weights) for _ in range(trials)]
        return counted(drawn, len(weights))


def counted(drawn: list[Node], length: int) -> Array:
    """How many of the drawn integers are 0, 1, ..."""
    out = []
    for i in range(length):
        count = const(0)
        for j in drawn:
            count = nodes.add(count, nodes.as_real(nodes.compare("eq", j, const(i))))
        out.append(count)
    return Array(np.array(out, dtype=object), "i")


class Shuffled(Mute):
    """A random permutation: its first k entries are a random subset, for one k: those of two are not independent."""

    __hash__ = None  # type: ignore[assignment]
    length, first = Hidden[int](), Hidden[dict[int, Chosen]]()

    def __init__(self, size: int) -> None:
        self.length, self.first = size, dict[int, Chosen]()

    def __getitem__(self, key: object) -> Chosen:
        """The first k entries, as a set."""
        if isinstance(key, slice) and key.start in (None, 0) and key.step in (None, 1):
            # The first k entries of a permutation are a uniform subset of size k. A second slice would
            # share its entries, so it is refused.
            wanted = len(range(self.length)[: key.stop])
            if wanted not in self.first:
                self.first[wanted] = _subset(self.length, wanted)
            return self.first[wanted] if len(self.first) == 1 else stop("two parts of one permutation")
        return stop("a permutation that is looked at")

    def __getattr__(self, name: str) -> NoReturn:
        stop(f".{name} of a permutation")

    def __len__(self) -> int:
        """d."""
        return self.length

    def _refused(self, *_: object) -> NoReturn:
        """Single entries are not told."""
        stop("a permutation that is looked at")

    __iter__ = __eq__ = __array__ = __bool__ = __contains__ = _refused


def _subset(size: int, wanted: int) -> Chosen:
    """A uniformly random set of so many indices: each is in it with probability wanted/size."""
    if not 0 < wanted <= size:
        stop(f"{wanted} of {size} without replacement")
    # Of a subset every entry's law needs its probability of inclusion, k/d, alone: claims are sums over
    # entries.
    name = _next()
    inside = [session().node("in", name, i, const(Fraction(wanted, size))) for i in range(size)]
    return Chosen(Array(np.array(inside, dtype=object), "b"), inside[0])


def _next() -> int:
    """The name of the next draw."""
    now = session()
    now.draws += 1
    return now.draws - 1


def _categorical(weights: list[Node]) -> Node:
    """An integer that is k with the k-th weight."""
    for w in weights:
        nodes.demand_chance(w)
    return session().node("cat", _next(), *weights)


def _int(value: object) -> int:
    """A known whole number."""
    found = as_array(value)
    return found.__index__() if found.kind != "f" else stop("a count that is no integer")


def _shape(size: object) -> tuple[int, ...]:
    """A size as numpy takes it."""
    return tuple(map(_int, size)) if isinstance(size, tuple | list) else (_int(size),)


def _int_of(size: object) -> int:
    """How many numbers a size has."""
    return int(np.prod(_shape(size)))


def _filled(size: object, draw: Callable[[], Node], kind: str) -> Array | Picked:
    """A scalar, an array of draws, or one draw for each entry of a selection."""
    if size is None:
        return Array(draw(), kind)
    # size = (mask.sum(),): the number of entries that a mask selects.
    only = size[0] if isinstance(size, tuple) and len(size) == 1 else size
    if isinstance(only, Array) and only.counts is not None and only.node.number is None:
        mask = only.counts  # as many draws as there are selected entries: one for each
        return Picked(Array(_drawn(mask.shape, draw), kind), mask, mask)
    return Array(_drawn(_shape(size), draw), kind)


def _drawn(shape: tuple[int, ...], draw: Callable[[], Node]) -> Entries:
    """An array of draws, in numpy's order."""
    out = np.empty(shape, dtype=object)
    flat = out.reshape(-1)
    for i in range(flat.size):
        flat[i] = draw()
    return out
