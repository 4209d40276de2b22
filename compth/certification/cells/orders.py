"""Sorting by magnitude: which entry is the r-th largest is told by name alone, in a way that leaves ties open.

`argsort`, `argpartition` and `argmax` of |x| (or of what grows or falls with it) give an `Order`: slices of
it are selections, single places of it indices. `sort` and `partition` give the order statistics z_0 >= z_1
>= ...

Which entry has rank r depends on x, and where two magnitudes are equal on the sort's own algorithm. So a
place is a node that names the sort and the rank, and the proof (`ranks`) takes every way to break ties.
What must not be changed: two sorts may break ties in two ways, so their places are never identified unless
the same function sorted the same keys.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NoReturn

import numpy as np

from compth.certification.cells import nodes
from compth.certification.cells.array import Array, Chosen, as_array
from compth.certification.cells.exactness import exact
from compth.certification.cells.forms import alike
from compth.certification.cells.nodes import Hidden, Mute, Node, const, session, stop
from compth.certification.cells.paths import is_positive
from compth.certification.cells.symbolic import el


class Order(Mute):
    """Indices sorted so that |x| grows. name: of the function that sorted, since ties are broken as it does.

    places: descending ranks at each position; cuts: where it may be sliced, None for anywhere.
    """

    __hash__ = None  # type: ignore[assignment]

    name, places = Hidden[str](), Hidden[list[int]]()
    cuts = Hidden[tuple[int, ...] | None]()

    def __init__(self, name: str, places: list[int], cuts: tuple[int, ...] | None = None) -> None:
        self.name, self.places, self.cuts = name, places, cuts

    def __len__(self) -> int:
        """d."""
        return len(self.places)

    @property
    def shape(self) -> tuple[int]:
        """(d,)"""
        return (len(self.places),)

    @property
    def size(self) -> int:
        """d."""
        return len(self.places)

    def __getitem__(self, key: object) -> Order | Places | Array:
        """The index at a place, or the indices at several."""
        if isinstance(key, Array):
            key = key.__index__()
        if isinstance(key, slice):
            return self._sliced(key)
        return self._at(key)

    def _at(self, key: object) -> Array:
        """Which entry stands at this place."""
        if self.cuts is not None or not isinstance(key, int):
            stop("a place of a partition, or at an index that is not known")
        return Array(session().node("place", self.name, self.places[key]), "i")

    def _sliced(self, key: slice) -> Order | Places:
        """A part: the whole turned round, or the entries of some ranks."""
        places = self.places[key]
        start, end, step = key.indices(len(self.places))
        # order[::-1]: positions are counted from the other end, and so are the cuts of a partition.
        if step == -1 and len(places) == len(self.places):
            cuts = None if self.cuts is None else tuple(len(places) - c for c in self.cuts)
            return Order(self.name, places, cuts)
        # np.argpartition tells which entries stand on either side of the cut, not in which order: only
        # slices that begin and end at cuts are sets that are known.
        known = self.cuts is None or {start, end} <= {0, len(self.places), *self.cuts}
        if step != 1 or not known:
            stop("a part of a partition that is not told")
        return Places(self.name, places)

    def __iter__(self) -> Iterator[Array]:
        """One index after another."""
        return (self._at(k) for k in range(len(self.places)))

    def __getattr__(self, name: str) -> NoReturn:
        stop(f".{name} of sorted indices")

    def _refused(self, *_: object) -> NoReturn:
        """What would need numbers."""
        stop("sorted indices that are looked at")

    __eq__ = __bool__ = __array__ = __contains__ = _refused


class Places(Chosen):
    """The entries at some ranks: a selection, whose places can be gone through one by one."""

    name, places = Hidden[str](), Hidden[list[int]]()

    def __init__(self, name: str, places: list[int]) -> None:
        d = session().size
        inside = [session().node("rank", name, i, tuple(sorted(places))) for i in range(d)]
        super().__init__(Array(np.array(inside, dtype=object), "b"), (name, tuple(places)))
        self.name, self.places = name, places

    @property
    def size(self) -> int:
        """How many: the ranks are known, whatever x is."""
        return len(self.places)

    @property
    def shape(self) -> tuple[int]:
        """(how many,)"""
        return (len(self.places),)

    def __len__(self) -> int:
        """How many."""
        return len(self.places)

    def __iter__(self) -> Iterator[Array]:
        """One index after another."""
        return (Array(session().node("place", self.name, r), "i") for r in self.places)

    def __getitem__(self, key: int | slice) -> Places | Array:
        """One index, or fewer ranks."""
        if isinstance(key, slice):
            return Places(self.name, self.places[key])
        return Array(session().node("place", self.name, self.places[key]), "i")


def argsort(a: object, axis: int = -1, kind: object = None, **more: object) -> Order | Array:
    """np.argsort by magnitude."""
    if more or axis not in (-1, 0):
        stop("argsort with options")
    # argsort of argsort: the rank of every entry, by position.
    if isinstance(a, Order) and a.cuts is None:
        return _ranks(a)
    keys = as_array(a)
    growing = _direction(keys)
    # np.argsort rises: the last position has the largest key, so keys that grow with |x| have rank 0 there.
    places = list(range(len(keys)))
    return Order(f"argsort {kind} {_keyed(keys)}", places[::-1] if growing > 0 else places)


def _keyed(keys: Array) -> int:
    """A number for what is sorted by: another expression rounds otherwise, and so has other ties.

    Where a sum or norm is in it, which numpy rounds in several ways, also for the line that sorts.
    """
    now, listed = session(), tuple(map(id, keys.flat))
    where = "" if all(map(exact, keys.flat)) else nodes.line()
    return now.orders.setdefault((listed, where), len(now.orders))


def _ranks(order: Order) -> Array:
    """The position of each entry in an order."""
    d, rising = len(order), order.places[0] != 0
    listed = [session().node("position", order.name, i, rising) for i in range(d)]
    return Array(np.array(listed, dtype=object), "i")


def by_keys(keys: Array, reverse: bool) -> Order:
    """sorted(range(d), key=...)."""
    growing = _direction(keys)
    places = list(range(len(keys)))
    return Order(f"sorted {reverse} {_keyed(keys)}", places[::-1] if (growing > 0) is not reverse else places)


def lexsort(keys: Iterable[object]) -> Order:
    """np.lexsort by magnitude; what breaks ties is not told."""
    listed = [as_array(k) for k in keys]
    last = listed[-1]
    growing = _direction(last)
    places = list(range(len(last)))
    return Order(f"lexsort {[_keyed(k) for k in listed]}", places[::-1] if growing > 0 else places)


def argpartition(a: object, kth: object, axis: int = -1, **more: object) -> Order:
    """np.argpartition by magnitude: only the cut at kth is told."""
    keys = as_array(a)
    d, growing = len(keys), _direction(keys)
    if more or axis not in (-1, 0) or not isinstance(kth, int) or not -d <= kth < d:
        stop("argpartition with options, or at a place that is not there")
    places, at = list(range(d)), kth % d
    return Order(f"argpartition {at} {_keyed(keys)}", places[::-1] if growing > 0 else places, (at, at + 1))


def argmax(a: object, axis: object = None) -> Array:
    """The index of the largest magnitude."""
    return _outermost(a, "argmax", 1)


def argmin(a: object, axis: object = None) -> Array:
    """The index of the smallest magnitude, or of the largest where magnitudes were negated."""
    return _outermost(a, "argmin", -1)


def _outermost(a: object, name: str, side: int) -> Array:
    """The place of rank 0, or of the last one where the keys fall with |x|."""
    keys = as_array(a)
    growing = _direction(keys)
    at = 0 if side * growing > 0 else len(keys) - 1
    return Array(session().node("place", f"{name} {_keyed(keys)}", at), "i")


def sort(a: object, axis: int = -1, kind: object = None) -> Array:
    """np.sort of magnitudes, least first; of numbers, themselves."""
    keys = as_array(a)
    numbers = [v.number for v in keys.flat if v.number is not None]
    if len(numbers) == len(keys.flat):
        return Array(np.array([const(v) for v in sorted(numbers)], dtype=object), keys.kind)
    return Array(np.array(_statistics(keys), dtype=object))


def partition(a: object, kth: object, axis: int = -1) -> Array:
    """np.partition of magnitudes: what stands at kth is told, nothing else."""
    keys = as_array(a)
    d = len(keys)
    if not isinstance(kth, int) or not -d <= kth < d:
        stop("partition at a place that is not there")
    # Only the order statistic at kth is told; reading any other position is reading what is no number.
    unknown, numbers = session().node("undefined"), all(v.number is not None for v in keys.flat)
    ordered = sort(keys).flat if numbers else _statistics(keys)
    if numbers and len(set(ordered)) == 1:
        return sort(keys)
    listed = [v if k == kth % d else unknown for k, v in enumerate(ordered)]
    return Array(np.array(listed, dtype=object))


def _statistics(keys: Array) -> list[Node]:
    """z_(d-1), ..., z_0 for keys |x_i|, their negatives the other way about."""
    d = len(keys)
    if all(_magnitude(v) == (i, 1, True) for i, v in enumerate(keys.flat)) and d == session().size:
        return [session().node("stat", r) for r in range(d)][::-1]
    if all(_magnitude(v) == (i, -1, True) for i, v in enumerate(keys.flat)) and d == session().size:
        return [nodes.neg(session().node("stat", r)) for r in range(d)]
    return stop("a sort of what is not |x|")


def _direction(keys: Array) -> int:
    """1 where the keys grow with |x_i|, -1 where they fall."""
    if keys.flat and all(v is keys.flat[0] and v.number is not None for v in keys.flat):
        return 1 if session().zero else stop("an order of what does not depend on x")  # the input 0: one tie
    # The order of keys is that of |x| if each key is one monotone function of its own |x_i|, the same for
    # all i and rising (or falling) for all: then ranks of keys are ranks of magnitudes.
    found = {_magnitude(v)[:2] for v in keys.flat}
    signs = {s for _, s in found}
    whole = sorted(i for i, _ in found) == list(range(session().size)) and len(keys) == session().size
    if not whole or len(signs) != 1 or 0 in signs or not _one_scale(keys):
        stop("an order of what does not grow or fall with |x|")
    return signs.pop()


def _one_scale(keys: Array) -> bool:
    """True where all keys are the same function of |x_i|."""
    return alike(keys.flat)


def _magnitude(v: Node) -> tuple[int, int, bool]:
    """(i, 1 or -1, whether it is |x_i| up to the sign) of what grows or falls with |x_i|; (-1, 0, False) else."""
    if v.op == "abs" and v.args[0].op == "x":
        return v.args[0].args[0], 1, True
    i, power = nodes.power_of_entry(v)
    # x_i^2 grows with |x_i|, but is not |x_i|: its order is told, its sorted values are not.
    if power == 2:
        return i, 1, False
    if v.op == "mul" and v.args[0].number:
        i, side, plain = _magnitude(v.args[1])
        return i, side * (1 if v.args[0].number > 0 else -1), plain and abs(v.args[0].number) == 1
    # Division by a norm or a positive number keeps the order.
    if v.op == "div" and is_positive(v.args[1]):
        return (*_magnitude(v.args[0])[:2], False)
    return -1, 0, False


el.install(argsort, argpartition, argmax, argmin)
