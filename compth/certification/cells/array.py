"""Arrays of expressions that behave as numpy's float64, int64 and bool arrays do; whatever they do not know refuses.

`Array` holds one node an entry in an object array, so that shapes, views and broadcasting are numpy's own.
A selection by a condition on x has no length that is known: `Picked` keeps all entries and the condition
beside them.

Shapes, views and memory are numpy's, since they decide what an assignment changes: a view of a view is one
in numpy's own sense, and a copy is one. What numpy decides by values (a dtype of a result, the length of a
selection) is refused where it would depend on x. What may be changed: more of numpy's methods, each doing
on nodes what numpy does on numbers. What must not: `data` is always an object array of nodes, kind one of
f, i, b, and nothing is stored in memory that is frozen.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from compth.certification.cells import nodes, norms
from compth.certification.cells.nodes import (
    KINDS,
    Hidden,
    Mute,
    Node,
    asked_by_program,
    const,
    session,
    span,
    stop,
    word,
)
from compth.certification.cells.paths import decide
from compth.certification.cells.symbolic import Symbolic, el

Entries = NDArray[np.object_]
"""Nodes in numpy's own array: one an entry."""


class DType(Mute):
    """float64, int64 or bool, as a type that converts: kind f, i or b. python: int, which has no largest value."""

    kind, python = Hidden[str](), Hidden[bool]()

    def __init__(self, kind: str, python: bool = False) -> None:
        self.kind, self.python = kind, python

    def __call__(self, value: object = 0) -> Array | float | int | bool:
        """float(v), int(v), np.float64(v) and their like: a number of Python stays one, a symbol is converted."""
        # np.int64(v) of a number is a scalar of numpy, which overflows; Python's int, float and bool of a
        # number are numbers.
        if not isinstance(value, Array | Picked) and self.kind == "i" and not self.python:
            return Array(word(const(_plainly(int, value))), "i")
        if not isinstance(value, Array | Picked):
            return _plainly({"f": float, "i": int, "b": bool}[self.kind], value)
        if not isinstance(value, Array) or value.size != 1:
            stop("a number of several values")
        found = as_array(el.unary("trunc", value, "i") if self.python else value.astype(self))
        return Array(found.node, self.kind)

    def __eq__(self, other: object) -> bool:
        """Refused: a program that asks for a dtype goes another way for another kind of numbers."""
        stop("asks for a dtype")

    __hash__ = None  # type: ignore[assignment]


def _plainly(kind: Callable[..., float | int | bool], value: object) -> float | int | bool:
    """A number of Python's, by its own type."""
    return kind(value)


REAL, WHOLE, TRUTH, INTEGER = DType("f"), DType("i"), DType("b"), DType("i", python=True)
_SPELLED = {
    "float": REAL,
    "float64": REAL,
    "f8": REAL,
    "d": REAL,
    "int": WHOLE,
    "int64": WHOLE,
    "bool": TRUTH,
}


def dtype_of(asked: object, otherwise: DType = REAL) -> DType:
    """The dtype of this argument. Refuses those that round differently, such as float32.

    Narrow types are refused: float32 rounds at 2^-24, which laws in real numbers do not have.
    """
    if asked is None:
        return otherwise
    if isinstance(asked, DType):
        return asked
    known = _SPELLED.get(asked) if isinstance(asked, str) else None
    return known or stop(f"dtype {asked!r}: it rounds as no real number does")


class Array(Symbolic):
    """One node an entry; kind f, i or b. Scalars have shape () and are never changed in place.

    loose: a 0-d array of numpy, which unlike a scalar is changed in place. vague: its kind depends on x.

    counts: of a sum of truths, the truths that were counted, so that as many draws can be matched with them
    (`draws._filled`).
    """

    data, counts, values = Hidden[Entries](), Hidden["Array | None"](), Hidden[object]()
    loose, vague = Hidden[bool](), Hidden[bool]()

    def __init__(self, data: object, kind: str = "f", counts: Array | None = None) -> None:
        # An array that is given is taken as it is, not copied: views share memory as in numpy.
        self.data = data if isinstance(data, np.ndarray) else np.array(data, dtype=object)
        self.kind, self.counts = kind, counts
        self.loose = self.vague = False

    def _like(self, data: object) -> Array:
        """A view or copy of it."""
        out = Array(data, self.kind)
        # numpy's views of a 0-d array are 0-d arrays; an entry that was taken out is a scalar.
        out.loose, out.vague = isinstance(data, np.ndarray) and not data.ndim, self.vague
        return out

    @property
    def dtype(self) -> DType:
        """Its type, to make arrays with."""
        return {"f": REAL, "i": WHOLE, "b": TRUTH}[self.kind]

    @property
    def shape(self) -> tuple[int, ...]:
        """numpy's."""
        shape: tuple[int, ...] = self.data.shape
        return shape

    @property
    def size(self) -> int:
        """How many entries there are."""
        size: int = self.data.size
        return size

    @property
    def ndim(self) -> int:
        """How many axes there are."""
        ndim: int = self.data.ndim
        return ndim

    @property
    def T(self) -> Array:
        """The transposed view."""
        return self._like(self.data.T)

    @property
    def flat(self) -> list[Node]:
        """All entries."""
        if asked_by_program():
            stop(".flat of an array")
        return list(self.data.reshape(-1))

    @property
    def node(self) -> Node:
        """The entry of a scalar."""
        if asked_by_program():
            stop(".node of an array")
        found: Node = self.data.reshape(-1)[0] if self.size == 1 else stop("a number of several values")
        return found

    def __len__(self) -> int:
        return len(self.data)

    def __iter__(self) -> Iterator[Array]:
        return (self._like(v) for v in self.data)

    def __reversed__(self) -> Iterator[Array]:
        return (self._like(v) for v in self.data[::-1])

    def __bool__(self) -> bool:
        """Where Python asks for a truth the run goes one way, and the other way later (`paths`)."""
        return decide(nodes.truth(self.node))

    def __index__(self) -> int:
        """A count or an index of Python must be a known number: no loop has a length that depends on x."""
        if self.kind == "f" or self.node.number is None:
            stop("an index or a count that depends on x or on a draw")
        return int(self.node.number)

    def __float__(self) -> NoReturn:
        """Refused: a float of Python has no symbol in it."""
        stop("asks how a number is stored or written")

    __int__ = __float__

    # entries

    def __getitem__(self, key: object) -> Symbolic:
        """A view or a copy as numpy has it; a selection by a condition; a look-up at an index that depends on x."""
        at = _key(key)
        if isinstance(at, Chosen):
            return Picked(self.copy(), at.mask.copy(), at.order)
        if isinstance(at, Array):
            return self._looked_up(at)
        return self._like(self.data[at])

    def _looked_up(self, key: Array) -> Symbolic:
        """table[k] for truths (a selection) or for indices that are symbols: the node `pick` keeps the whole
        table.
        """
        if key.kind == "b":
            held = key.copy()
            return Picked(self.copy(), held, held)
        if self.ndim != 1:
            stop("an index that depends on x into a matrix")
        table = self.flat
        return el.elementwise(lambda k: nodes.pick(nodes.as_place(k, len(table)), table), self.kind, key)

    def __setitem__(self, key: object, value: object) -> None:
        """Stores entries, cast to the array's own kind, as numpy casts on assignment."""
        if not self.ndim:
            stop("a scalar is changed")
        if self.vague:
            stop("a number is stored in an array whose type depends on x")
        # A number stored where x decided the dtype (a branch that makes floats or integers) may be cut off
        # or not.
        self._changeable()
        at = _key(key)
        if isinstance(at, Array) and at.kind == "b":
            at = Chosen(at, at)
        if isinstance(at, Chosen):
            self._put(at.mask, aligned(value, at.order))
        elif isinstance(at, Array):
            self._put_at(at, as_array(value))
        elif isinstance(value, Picked):
            stop("a selection is stored where its length is not known")
        else:
            cast = _caster(self.kind)
            new = mapped(cast, as_array(value).data)
            self.data[at] = new if new.ndim else new[()]

    def _changeable(self) -> None:
        """Refuses where its memory is frozen."""
        # Frozen memory must not be written into through a view either: the owner's flag counts.
        if not self.data.flags.writeable or not _owner(self.data).flags.writeable:
            stop(
                "an array is changed that is one of two on two ways of a branch, or a constant of the program"
            )

    def _freeze(self) -> None:
        """Nothing is stored in its memory any more, by whatever name."""
        self.data.flags.writeable = _owner(self.data).flags.writeable = False

    def _put(self, mask: Array, value: Array) -> None:
        """Every entry becomes (new if its condition holds else old): an assignment by a mask has no length
        that is known.
        """
        cast = _caster(self.kind)
        # All entries are computed before any is stored: mask, value and array may share memory.
        new = np.frompyfunc(lambda m, v, old: nodes.choose(m, cast(v), old), 3, 1)(
            mask.data, value.data, self.data
        )
        self.data[...] = new

    def _put_at(self, key: Array, value: Array) -> None:
        """a[k] = v at an index that is a symbol: entry i becomes (v if k == i else old)."""
        if self.ndim != 1 or key.ndim or value.ndim:
            stop("several entries are stored at indices that depend on x or on a draw")
        key = Array(nodes.as_place(key.node, self.size), "i")
        # Python would raise for an index out of range, on some x alone: the index must be seen to lie in
        # the array.
        within = span(key.node) or (const(0).args[0], const(self.size).args[0])
        if within[0] < -self.size or within[1] >= self.size:
            stop("an entry is stored at an index that may be out of range")
        here = [nodes.compare("eq", key.node, const(i)) for i in range(self.size)]
        # Negative indices count from the end.
        if within[0] < 0:
            here = [
                nodes.either(h, nodes.compare("eq", key.node, const(i - self.size)))
                for i, h in enumerate(here)
            ]
        self._put(Array(np.array(here, dtype=object), "b"), value)

    def _in_place(self, new: Symbolic) -> Symbolic:
        """`a op= b`: a scalar is replaced, an array is written into; numpy refuses to store floats in integers."""
        if isinstance(new, Picked) or (not self.ndim and self.loose):
            stop("an array without dimensions, or a whole one by a selection, is changed in place")
        if not self.ndim:
            return new
        # numpy's rule "same_kind": truths into integers into reals, never back.
        if "bif".index(new.kind) > "bif".index(self.kind):
            stop("numbers are stored in an array of another type in place")
        self[...] = new
        return self

    def __imatmul__(self, o: object) -> NoReturn:
        """Refused: its shape is the result's."""
        stop("a product in place")

    # whole arrays

    def copy(self) -> Array:
        """The same entries in memory of their own."""
        return self._like(self.data.copy()) if self.ndim or self.loose else Array(self.node, self.kind)

    def astype(self, dtype: object, copy: bool = True) -> Array:
        """The entries in another type: truncated for integers, compared with 0 for truths."""
        kind = dtype_of(dtype).kind
        if kind == self.kind and not copy:
            return self
        # The proof takes trunc() of a real number; the program's is undefined beyond int64, which the
        # report says.
        if kind == "i" and self.kind == "f":
            session().remark("cast", "integers beyond 2^63 are none for int64")
        out = Array(mapped(_caster(kind), self.data), kind)
        out.loose = self.loose
        return out

    def reshape(self, *shape: Any) -> Array:  # Any: sizes as numpy takes them
        """Another shape on the same memory."""
        return self._like(self.data.reshape(*shape))

    def ravel(self) -> Array:
        """One axis, a view where numpy gives one."""
        return self._like(self.data.ravel())

    def flatten(self) -> Array:
        """One axis, always a copy."""
        return self._like(self.data.flatten())

    def item(self, *at: int) -> Array:
        """A scalar."""
        return Array(self.data[at] if at else self.node, self.kind)

    def tolist(self) -> list[Array]:
        """The entries of a vector."""
        return [Array(v, self.kind) for v in self.data] if self.ndim == 1 else stop("a matrix as a list")

    def fill(self, value: object) -> None:
        """One value everywhere."""
        self[...] = value

    def sum(self, axis: object = None, keepdims: bool = False) -> Array:
        """The sum of a vector; a norm's power where it is one (`norms.total`). Raises Stopped for other axes."""
        if axis not in (None, 0, -1) or self.ndim > 1:
            stop("a sum along an axis")
        # numpy adds truths and integers as int64, which the sum has to fit.
        kind = "f" if self.kind == "f" else "i"
        total = norms.total(self.flat)
        total = total if kind == "f" else word(total)
        found = Array(total, kind, self.copy() if self.kind == "b" else None)
        return _kept(found, self.ndim) if keepdims else found

    def prod(self) -> Array:
        """The product of all entries."""
        out = const(1)
        for v in self.flat:
            out = nodes.mul(out, v)
            out = out if self.kind == "f" else word(out)
        return Array(out, "f" if self.kind == "f" else "i")

    def max(self, axis: object = None, initial: object = None, keepdims: bool = False) -> Array:
        """The largest entry; the norm of order inf where it is that of all |x_i|."""
        return self._extreme("max", axis, initial, keepdims)

    def min(self, axis: object = None, initial: object = None, keepdims: bool = False) -> Array:
        """The smallest entry."""
        return self._extreme("min", axis, initial, keepdims)

    def _extreme(self, op: str, axis: object, initial: object, keepdims: bool) -> Array:
        """The largest or smallest entry, or the initial number where that is beyond it."""
        if axis not in (None, 0, -1) or self.ndim > 1:
            stop(f"{op} with options")
        found = Array(norms.extreme(op, self.flat), self.kind)
        # numpy takes the wider type of the two; a wider initial number would change the array's.
        if initial is not None:
            if "bif".index(as_array(initial).kind) > "bif".index(self.kind):
                stop(f"{op} with an initial number of another type")
            listed = [found.node, nodes.as_real(as_array(initial).node)]
            found = Array(norms.extreme(op, listed), self.kind)
        return _kept(found, self.ndim) if keepdims else found

    def any(self, axis: object = None) -> Array:
        """Whether an entry is not 0. any(x != 0) is true: the input 0 is a case of its own."""
        if axis not in (None, 0, -1) or self.ndim > 1:
            stop("any or all along an axis")
        listed = [nodes.truth(v) for v in self.flat]
        return Array(const(1) if _some_entry(listed) else _joined(nodes.either, listed, 0), "b")

    def all(self, axis: object = None) -> Symbolic:
        """Whether no entry is 0: no entry has its negation."""
        if axis not in (None, 0, -1) or self.ndim > 1:
            stop("any or all along an axis")
        return el.logical_not(Array([nodes.negation(v) for v in self.flat]).any())

    def argsort(self, axis: int = -1, kind: object = None) -> object:
        """The order of the entries (`orders`)."""
        return el.argsort(self, axis, kind)

    def argpartition(self, kth: object, axis: int = -1) -> object:
        """The order as far as a partition tells it."""
        return el.argpartition(self, kth, axis)

    def argmax(self, axis: object = None) -> Symbolic:
        """Where the largest entry stands."""
        return el.argmax(self, axis)

    def argmin(self, axis: object = None) -> Symbolic:
        """Where the smallest entry stands."""
        return el.argmin(self, axis)

    def nonzero(self) -> tuple[Chosen]:
        """Where it is not 0."""
        if self.ndim != 1:
            stop("indices into what is no vector")
        # Which indices there are depends on x: the condition stands for them, in ascending order.
        mask = Array(mapped(nodes.truth, self.data), "b")
        return (Chosen(mask, mask),)

    def __matmul__(self, o: object) -> Symbolic:
        """The inner product of two vectors."""
        other = as_array(o)
        if self.ndim != 1 or other.ndim != 1:
            stop("a matrix product")
        if self.kind == other.kind == "b":
            stop("a product of truth values, which numpy makes one truth value of")
        return (self * other).sum()


def _some_entry(listed: list[Node]) -> bool:
    """True where this asks whether any x_i is not 0: the input 0 is a case of its own.

    For a relative claim C(0) = 0 is asked apart, so that on all other inputs some entry is not 0.
    """
    equal = [v.args[0] for v in listed if v.op == "not" and v.args[0].op == "eq"]
    asked = [e.args[0] for e in equal if e.args[1].number == 0]
    entries = {a.args[0].args[0] if a.op == "abs" else a.args[0] for a in asked if _is_entry(a)}
    session().apart |= len(entries) == session().size
    return len(entries) == session().size


def _is_entry(a: Node) -> bool:
    """True for x_i and |x_i|."""
    return a.op == "x" or (a.op == "abs" and a.args[0].op == "x")


def _joined(join: Callable[[Node, Node], Node], listed: list[Node], start: int) -> Node:
    """All nodes joined one after another."""
    out = const(start)
    for v in listed:
        out = join(out, v)
    return out


def _caster(kind: str) -> Callable[[Node], Node]:
    """How an entry is stored in an array of this kind."""
    if kind == "b":
        return nodes.truth
    if kind == "f":
        return nodes.as_real
    return _whole


def _whole(v: Node) -> Node:
    """As int64: truncated."""
    return nodes.as_real(v) if nodes.is_truth(v) else nodes.unary("cast", v)


def mapped(f: Callable[..., Node], *data: Entries) -> Entries:
    """f of the entries, with numpy's broadcasting."""
    out = np.frompyfunc(f, len(data), 1)(*data)
    return out if isinstance(out, np.ndarray) else np.array(out, dtype=object)


def _key(key: object) -> Any:  # Any: what numpy takes as an index, or refuses
    """An index with numbers as numbers; what depends on x or on a draw stays."""
    if isinstance(key, tuple):
        return _key(key[0]) if len(key) == 1 else tuple(_key(k) for k in key)
    if isinstance(key, list):
        key = as_array(key)
    if not isinstance(key, Array):
        return key
    numbers = [v.number for v in key.flat if v.number is not None]
    # An index that is known is numpy's own, views included.
    if len(numbers) < key.size:
        return key
    kind: type[bool] | type[int] = {"b": bool, "i": int}.get(key.kind) or stop("real numbers as indices")
    found = np.array([kind(v) for v in numbers], dtype=kind).reshape(key.shape)
    return found if key.ndim else kind(numbers[0])


class Chosen(Mute):
    """The indices where a condition holds, in an order that is known by name alone."""

    __hash__ = None  # type: ignore[assignment]
    mask, order = Hidden[Array](), Hidden[object]()

    def __init__(self, mask: Array, order: object) -> None:
        self.mask, self.order = mask, order

    def __getattr__(self, name: str) -> NoReturn:
        # Whatever numpy's index arrays have: their number and values depend on x.
        stop(f".{name} of indices that depend on x")

    @property
    def size(self) -> int | Array:
        """How many indices there are: a number that depends on x."""
        return self.mask.sum()

    def _refused(self, *_: object) -> NoReturn:
        stop("indices that depend on x are looked at one by one")

    __eq__ = __bool__ = __contains__ = __array__ = _refused

    def __iter__(self) -> Iterator[Array]:
        return self._refused()

    def __len__(self) -> int:
        return self._refused()

    def __getitem__(self, key: int | slice) -> Chosen | Array:
        return self._refused()


def _owner(data: Entries) -> Entries:
    """The array whose memory it is a view of."""
    while isinstance(data.base, np.ndarray):
        data = data.base
    return data


def _kept(found: Array, ndim: int) -> Array:
    """A reduction with keepdims: an array of one entry."""
    return found.reshape((1,) * ndim)


class Picked(Symbolic):
    """values[mask]: all entries, of which those where the mask holds count."""

    values, mask, order = Hidden[Array](), Hidden[Array](), Hidden[object]()

    def __init__(self, values: Array, mask: Array, order: object) -> None:
        # numpy would raise, or select rows of a matrix.
        if values.shape != mask.shape:
            stop("a condition of another shape than what it selects from")
        self.values, self.mask, self.order, self.kind = values, mask, order, values.kind

    @property
    def size(self) -> int | Array:
        """How many entries count: a number where they were selected by rank, else one that depends on x."""
        # A mask made of ranks alone, all of one set: exactly as many entries have one of these ranks,
        # whatever x is.
        ranks = {v.args[2] for v in self.mask.flat if v.op == "rank"}
        alike = len(ranks) == 1 and all(v.op == "rank" for v in self.mask.flat)
        return len(ranks.pop()) if alike else self.mask.sum()

    @property
    def dtype(self) -> DType:
        """The type of what it selects from, to make arrays with."""
        return self.values.dtype

    @property
    def shape(self) -> tuple[int | Array]:
        """One axis of that length."""
        return (self.size,)

    def sum(self, axis: object = None, keepdims: bool = False) -> Symbolic:
        """The others count for 0."""
        return el.where(self.mask, self.values, 0).sum()

    def any(self, axis: object = None) -> Symbolic:
        """Whether one that counts is not 0."""
        return (self.mask & (self.values != 0)).any()

    def all(self, axis: object = None) -> Symbolic:
        """Whether none that counts is 0."""
        return el.logical_not((self.mask & (self.values == 0)).any())

    def astype(self, dtype: object, copy: bool = True) -> Picked:
        """The entries in another type."""
        return Picked(self.values.astype(dtype), self.mask, self.order)

    def copy(self) -> Picked:
        """The same selection of a copy."""
        return Picked(self.values.copy(), self.mask, self.order)

    def _in_place(self, new: Symbolic) -> Picked:
        """A selection is a copy in numpy: its entries are replaced, in the kind that it has."""
        if not isinstance(new, Picked) or "bif".index(new.kind) > "bif".index(self.kind):
            stop("a selection is changed in place to something else")
        self.values = Array(new.values.data, self.kind)
        return self

    def __matmul__(self, o: object) -> Symbolic:
        if el.kind_of(self, o) == "b":
            stop("a product of truth values, which numpy makes one truth value of")
        return (self * o).sum()

    def __getattr__(self, name: str) -> NoReturn:
        stop(f".{name} of a selection whose length depends on x")

    def _unknown(self, *_: object) -> NoReturn:
        stop("a selection whose length depends on x is looked at one by one")

    __iter__ = __len__ = __getitem__ = __setitem__ = __bool__ = __index__ = _unknown


def as_array(value: object) -> Array:
    """Numbers, lists of them and arrays as an Array."""
    if isinstance(value, Array):
        return value
    if isinstance(value, Picked | Chosen):
        stop("a selection where an array is needed")
    # A table of the program or of numpy: every entry is read as the number that it names.
    if isinstance(value, np.ndarray):
        if value.dtype not in KINDS:
            stop(f"an array of {value.dtype}: it rounds or wraps as no float64 and int64 does")
        kind = value.dtype.kind
        return Array(mapped(const, value.astype(object)), kind)
    if isinstance(value, list | tuple):
        rows = [as_array(v) for v in value]
        # numpy's type of a list: the widest of its parts.
        kinds = {r.kind for r in rows} or {"f"}
        kind = "f" if "f" in kinds else "i" if "i" in kinds else "b"
        cast = _caster(kind)
        out = Array(np.array([mapped(cast, r.data).tolist() for r in rows], dtype=object), kind)
        # Where all real parts are vague, numpy might have made integers of all: the type depends on x.
        out.vague = kind == "f" and all(r.vague for r in rows if r.kind == "f") and bool(rows)
        return out
    if value is None or (
        not isinstance(value, int | float | np.number | np.bool_) and not _is_fraction(value)
    ):
        stop(f"a value of type {type(value).__name__} in arithmetic")
    kind = "b" if isinstance(value, bool | np.bool_) else "i" if isinstance(value, int | np.integer) else "f"
    return Array(const(value), kind)


def _is_fraction(value: object) -> bool:
    """True for Fractions of Python."""
    return type(value).__name__ == "Fraction"


def _same_order(a: object, b: object) -> bool:
    """True where two selections go through their entries alike: by one sort and ranks, or by one mask."""
    if isinstance(a, tuple) and isinstance(b, tuple):
        return a == b
    return a is b or (isinstance(a, Array) and isinstance(b, Array) and a.shape == b.shape
                      and all(u is v for u, v in zip(a.flat, b.flat, strict=True)))  # fmt: skip


def aligned(value: object, order: object) -> Array:
    """What goes to a selection: a scalar, or another one of the very same entries.

    Values of one selection may be stored in another only where both have the very same entries in the same
    order; numpy would pair them by position, of which a trace knows nothing.
    """
    if isinstance(value, Picked):
        same = _same_order(value.order, order)
        return value.values if same else stop("two selections of different entries")
    found = as_array(value)
    return found if found.size == 1 else stop("a list of values for a selection whose length depends on x")
