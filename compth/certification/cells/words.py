"""numpy's, math's and Python's words for a traced program: functions of the same names on arrays of expressions.

A word that is not here refuses, so that no program can look at what a symbol is made of.

What may be changed: more words, each doing for all symbols what numpy does for all numbers within the
domain, views and dtypes included. What must not: a word that cannot say what numpy does refuses.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from fractions import Fraction
from functools import reduce
from itertools import pairwise
from types import FunctionType, SimpleNamespace
from typing import NoReturn, SupportsIndex, TypeVar, cast

import numpy as np

from compth.certification.cells import elementwise as el
from compth.certification.cells import nodes, orders
from compth.certification.cells.array import (
    REAL,
    TRUTH,
    WHOLE,
    Array,
    Chosen,
    Entries,
    Picked,
    as_array,
    dtype_of,
)
from compth.certification.cells.draws import counted
from compth.certification.cells.elementwise import elementwise, kind_of
from compth.certification.cells.nodes import Mute, Node, session, stop
from compth.certification.cells.symbolic import Symbolic

SYMBOLIC = (Symbolic, Chosen)
T = TypeVar("T")


def holds_symbol(value: object) -> bool:
    """True where an argument is an array of expressions, or holds one."""
    if isinstance(value, list | tuple):
        return any(map(holds_symbol, value))
    return isinstance(value, SYMBOLIC)


def listed_of(value: object) -> list[object]:
    """All that a program can go through, as a list; what it cannot fails as it does in the program."""
    return list(cast("Iterable[object]", value))


# ufuncs, with numpy's out= and where=


def ufunc(f: Callable[..., Symbolic]) -> Callable[..., Symbolic]:
    """f with out= and where=; other options refuse."""

    def called(*arguments: object, out: object = None, where: object = True, **more: object) -> Symbolic:
        if more:
            stop(f"the option {next(iter(more))}")
        target = out[0] if isinstance(out, tuple) else out
        # numpy's functions take lists, Python's operators do not.
        found = f(*[a if holds_symbol(a) or not isinstance(a, list) else as_array(a) for a in arguments])
        if where is not True:
            found = stop("where= without out=") if target is None else el.where(where, found, target)
        if target is None:
            return found
        # numpy raises where a result has a wider type than out.
        if "bif".index(kind_of(found)) > "bif".index(kind_of(target)):
            stop("a result in an array of another type")
        if not isinstance(target, Array):
            stop("a result in what is no array")
        target[...] = found
        return target

    return called


def _of(name: str) -> Callable[..., Symbolic]:
    """A function of one argument by its name."""
    op, kind = _NAMES.get(name, name), "f" if name == "fabs" else ""
    return ufunc(lambda a: el.unary(op, a, kind))


def _relation(op: str, turned: bool = False) -> Callable[..., Symbolic]:
    """A comparison, or the one with both sides exchanged."""
    return ufunc(lambda a, b: el.relation(op, *((b, a) if turned else (a, b))))


def frexp(a: object) -> tuple[Symbolic, Symbolic]:
    """|a| = m 2^e with 1/2 <= m < 1; (0, 0) for 0."""
    # e is an operation of its own, by octaves of the line; m = a / 2^e.
    exponent = elementwise(lambda v: session().node("exponent", nodes.as_real(v)), "i", _number(a))
    return el.over(a, el.power(2, 1.0 * exponent)), exponent


def ldexp(m: object, e: object) -> Symbolic:
    """m 2^e."""
    if kind_of(e) == "f":
        stop("ldexp by what is no integer")
    return el.times(_number(m), el.power(2, el.times(1.0, _number(e))))


def modf(a: object) -> tuple[Symbolic, Symbolic]:
    """Fractional and whole part."""
    whole = el.times(1.0, el.unary("trunc", _number(a)))
    return el.minus(a, whole), whole


def copysign(a: object, b: object) -> Symbolic:
    """|a| with the sign of b; the sign of a zero is not told, so b = 0 refuses unless a = 0 there."""
    size = el.times(1.0, el.unary("abs", _number(a)))
    unknown = lambda v: session().node("undefined")  # noqa: E731
    signed = el.where(el.relation("lt", b, 0), -1 * size, el.where(el.relation("lt", 0, b), size, 0))
    # -0.0 == 0 but has a sign: what the program would do there is not told by the value.
    lost = el.relation("eq", b, 0) & el.logical_not(el.relation("eq", size, 0))
    return el.where(lost, elementwise(unknown, "f", size), signed)


def sign(a: object) -> Symbolic:
    """-1, 0, 1."""
    return el.unary("sign", a)


def isclose(*_: object, **__: object) -> NoReturn:
    """Refused: it compares up to a tolerance."""
    stop("a comparison up to a tolerance")


# makers


def _constant(value: object, kind: str) -> Callable[..., Array]:
    """np.zeros, np.ones."""

    def made(shape: object, dtype: object = None, order: object = None) -> Array:
        if order not in (None, "C"):
            stop("an array in another order of memory")
        return full(shape, value, dtype_of(dtype))

    return made


def full(shape: object, value: object, dtype: object = None) -> Array:
    """An array of one value."""
    listed = tuple(map(int, shape)) if isinstance(shape, tuple | list) else (_size(shape),)
    given = as_array(value)
    kind = dtype_of(dtype, given.dtype).kind
    out = Array(np.full(listed, None, dtype=object), kind)
    # The value is cast to the array's type, as numpy casts it.
    out.data[...] = given.astype(dtype_of(dtype, given.dtype)).data
    out.vague = dtype is None and given.vague
    return _loose(out)


def _size(shape: object) -> int:
    """A number of Python's, or a known one of the trace."""
    return operator.index(shape) if isinstance(shape, SupportsIndex) else stop("a size that is no integer")


def _loose(made: Array) -> Array:
    """A 0-d array, marked as one: unlike a scalar it is changed in place."""
    made.loose = not made.ndim
    return made


def full_like(a: object, value: object, dtype: object = None, **_: object) -> Array | Picked:
    """An array of the shape and type of a."""
    # One value at every entry that counts.
    if isinstance(a, Picked):
        return Picked(_full_like(a.values, value, dtype), a.mask, a.order)
    return _full_like(as_array(a), value, dtype)


def _full_like(given: Array, value: object, dtype: object) -> Array:
    """Of an array, laid out in memory as it is."""
    out = full(given.shape, value, dtype_of(dtype, given.dtype))
    out.data = _laid_out(out.data, given.data)
    return out


def _laid_out(data: Entries, like: Entries) -> Entries:
    """The same entries in the order of memory of another array, which decides what is a view."""
    out = np.empty_like(like, dtype=object)
    out[...] = data
    return out


def make_array(value: object, dtype: object = None, copy: bool = True) -> Array | Picked:
    """np.array."""
    if isinstance(value, Picked):
        return value.copy() if copy else value
    found = as_array(list(value) if isinstance(value, map | range) else value)
    # np.asarray of an array is the array itself: a store into one is a store into the other.
    if not copy and found is value and found.loose:
        return found if dtype is None or dtype_of(dtype).kind == found.kind else found.astype(dtype)
    if copy or not found.ndim:
        data, found = found.data, found.copy()
        found.data = _laid_out(found.data, data)
    found = _loose(found)
    return found if dtype is None or dtype_of(dtype).kind == found.kind else found.astype(dtype)


def as_made(value: object, dtype: object = None) -> Array | Picked:
    """np.asarray."""
    return make_array(value, dtype, copy=False)


def contiguous(value: object, dtype: object = None) -> Array | Picked:
    """np.ascontiguousarray: a view of every second entry is copied."""
    found = as_made(value, dtype)
    if isinstance(found, Array) and not found.ndim:
        stop("ascontiguousarray of a scalar, which numpy makes a vector of")
    # Whether numpy returns the array itself or a copy decides what a later store changes.
    return found.copy() if isinstance(found, Array) and not found.data.flags.c_contiguous else found


def concrete(f: Callable[..., object]) -> Callable[..., Array]:
    """numpy's own function, of numbers alone."""

    def called(*arguments: object, **options: object) -> Array:
        """Numbers in, an array of numbers out."""
        dtype = options.pop("dtype", None)
        out = as_array(f(*map(_plain, arguments), **{k: _plain(v) for k, v in options.items()}))
        return out if dtype is None else out.astype(dtype)

    return called


def _plain(value: object) -> object:
    """Numbers out of an array of constants."""
    if isinstance(value, list | tuple):
        return type(value)(map(_plain, value))
    if not isinstance(value, Array):
        return stop("a selection in a function of numbers") if holds_symbol(value) else value
    numbers = [v.number for v in value.flat]
    if any(v is None for v in numbers):
        stop("a function that is not traced, of symbols")
    kind: Callable[[Fraction], float | int | bool] = {"f": float, "i": int, "b": bool}[value.kind]
    return np.array([kind(v) for v in numbers if v is not None]).reshape(value.shape)[()]


# reductions and selections


def _method(name: str) -> Callable[..., object]:
    """numpy's function of an array by the method of that name."""

    def called(a: object, *arguments: object, **options: object) -> object:
        given = a if isinstance(a, Symbolic) else as_array(a)
        return getattr(given, name)(*arguments, **options)

    return called


def linalg_norm(x: object, ord: object = None) -> Symbolic:
    """||x|| of order 1, 2 or inf."""
    if ord is not None and not isinstance(x, Picked) and as_array(x).ndim != 1:
        stop("a norm of a matrix")
    # Integers are made real first: numpy's norm is a float.
    a = el.unary("abs", x if kind_of(x) == "f" else el.times(1.0, x))
    order = 2 if ord is None else ord.node.number if isinstance(ord, Array) else ord
    if order == 1:
        return a.sum()
    if order == 2:
        return el.unary("sqrt", (a * a).sum())
    return as_array(a).max() if order == math.inf else stop(f"a norm of order {order}")


def count_nonzero(a: object) -> Symbolic:
    """How many entries are not 0."""
    return elementwise(nodes.truth, "b", a).sum()


def searchsorted(table: object, v: object, side: str = "left") -> Symbolic:
    """How many entries of a sorted table are below v (side left), or not above it (right)."""
    levels = as_array(table)
    if (
        isinstance(v, Array)
        and not v.ndim
        and v.node.op == "u"
        and any(u.number is None for u in levels.flat)
    ):
        return inverted(levels, v.node)
    known = [u.number for u in levels.flat if u.number is not None]
    if len(known) < levels.size or known != sorted(known):
        stop("a search in a table that is not sorted numbers")
    # left: before equal entries; right: behind them.
    op = "lt" if side == "left" else "le"
    # The place of v in a sorted table is the number of entries below it.
    ranks = [el.relation(op, Array(u, "f"), v).astype(WHOLE) for u in levels.flat]
    return reduce(operator.add, ranks)


def inverted(table: Array, uniform: Node) -> Array:
    """The first of p_0, p_0 + p_1, ... beyond a uniform draw: k with probability p_k. The draw is used up by it.

    Inversion: the place of U among partial sums p_0, p_0 + p_1, ... is k with probability p_k. That these
    are partial sums is seen from how each came from the one before; a common divisor (their total) goes
    into every p_k.
    """
    sums = table.flat
    # c / c[-1]: all partial sums by the same total.
    below = {v.args[1] if v.op == "div" else None for v in sums}
    tops = [v.args[0] if None not in below else v for v in sums]
    known = session().steps
    steps = [
        tops[0],
        *(b.args[1] if b.op == "add" and b.args[0] is a else known.get((a, b)) for a, b in pairwise(tops)),
    ]
    if None in steps or len(below) != 1:
        stop("a search for a draw in what are no partial sums")
    (divisor,) = below
    weights = [s if divisor is None else nodes.div(s, divisor) for s in steps if s is not None]
    for w in weights:
        nodes.demand_chance(nodes.as_real(w))
    found = session().node("cat", f"inverse {uniform.args[0]}", *weights)
    if session().inverted.setdefault(uniform, found) is not found:
        stop("a draw that is searched for in two tables")
    return Array(found, "i")


def digitize(v: object, bins: object, right: bool = False) -> Symbolic:
    """np.digitize for increasing bins."""
    return searchsorted(bins, v, "left" if right else "right")


def bincount(a: object, weights: object = None, minlength: int = 0) -> Array:
    """How often 0, 1, ... occur among drawn integers."""
    found = as_array(a)
    if weights is not None or not minlength or found.kind != "i":
        stop("bincount without minlength, with weights, or of other than integers")
    # numpy's result grows with the largest integer: its length must be known.
    for v in found.flat:
        within = nodes.span(v)
        if within is None or within[0] < 0 or within[1] >= int(minlength):
            stop("bincount of integers that may lie beyond minlength")
    return counted(found.reshape(-1).flat, int(minlength))


def add_at(a: Array, indices: object, b: object) -> None:
    """np.add.at: one index after another."""
    which, what = as_array(indices).reshape(-1), as_array(b)
    if which.kind != "i" or as_array(a).ndim != 1:
        stop("add.at with a condition, or into a matrix")
    # Unlike a[k] += v an index that comes twice counts twice.
    values = [what] * which.size if what.size == 1 else list(what)
    for k, v in zip(which, values, strict=True):
        a[k] = a[k] + v


def _put(a: Array, indices: object, values: object) -> None:
    """np.put of one value an index."""
    if as_array(a).ndim != 1 or _is_condition(indices):
        stop("put into a matrix, or by a condition, which numpy takes for indices 0 and 1")
    a[indices] = values


def cumsum(a: object, axis: object = None) -> Array:
    """Partial sums."""
    given = as_array(a)
    if given.ndim > 1:
        stop("partial sums of a matrix")
    kind, out = "f" if given.kind == "f" else "i", list[Node]()
    # Each partial sum is the one before and a term, which `inverted` recognises.
    for v in given.flat:
        summed = nodes.add(out[-1], v) if out else nodes.as_real(v)
        out.append(summed if kind == "f" else nodes.word(summed))
    return Array(np.array(out, dtype=object), kind)


def _take(a: Array | Picked, k: object) -> Symbolic:
    """np.take of a vector."""
    if as_array(a).ndim != 1 or _is_condition(k):
        stop("take from a matrix, or by a condition, which numpy takes for indices 0 and 1")
    return a[k]


def _is_condition(indices: object) -> bool:
    """True for a mask, which some of numpy's functions take for indices."""
    return not isinstance(indices, Chosen) and as_array(indices).kind == "b"


def _fromiter(a: Iterable[object], dtype: object = None, count: int = -1) -> Array | Picked:
    """np.fromiter: all of them, or the first few."""
    return make_array([v for v, _ in zip(a, range(count))] if count >= 0 else list(a), dtype)  # noqa: B905


def _at_least_1d(a: object) -> Array | Picked:
    """The array; a scalar would become one."""
    return as_made(a) if isinstance(a, Picked) or as_array(a).ndim else stop("atleast_1d of a scalar")


def _finite(answer: bool) -> Callable[[object], Array | Picked]:
    """np.isfinite and np.isnan: of the input itself, which is finite; whether anything else overflows is not told."""

    def called(a: object) -> Array | Picked:
        found = as_array(a)
        # The input is finite by the domain; whether another number overflows depends on x.
        if not all(v.op in ("x", "const") for v in found.flat):
            stop("asks whether a number is finite")
        return full_like(found, int(answer), TRUTH)

    return called


def _where(condition: object, *values: object) -> object:
    """np.where; with one argument, the indices where it holds."""
    return el.where(condition, *values) if values else as_array(condition).nonzero()


def flatnonzero(a: object) -> Chosen:
    """Where a is not 0."""
    given = stop("the places of a selection's entries") if isinstance(a, Picked) else as_array(a)
    return given.nonzero()[0]


def stack_two(parts: Iterable[object], axis: int = 0) -> Array:
    """np.concatenate of vectors."""
    listed = list(parts)
    if axis not in (0, -1) or any(as_array(p).ndim != 1 for p in listed):
        stop("a concatenation of other things than vectors")
    return el.stacked(listed)


def select(conditions: Sequence[object], values: Iterable[object], default: object = 0) -> object:
    """np.select: the first condition that holds."""
    out = default
    if any(kind_of(c) != "b" for c in conditions):
        stop("select by what is no condition")
    # The first condition that holds counts: choices are nested from the last to the first.
    for c, v in reversed(list(zip(conditions, values, strict=True))):
        out = el.where(c, v, out)
    return out


class _Quiet(Mute):
    """np.errstate: it changes what is printed, not what is computed."""

    def __init__(self, **levels: object) -> None:
        if "raise" in levels.values() or "call" in levels.values():
            stop("errors that are raised")

    def __enter__(self) -> None:
        return None

    def __exit__(self, *_: object) -> None:
        return None


def vectorize(f: Callable[..., object], **options: Iterable[object]) -> Callable[..., Array]:
    """np.vectorize of a function of scalars: entry by entry; without otypes the type is that of the first result."""
    if options.keys() - {"otypes"}:
        stop("vectorize with options")

    def called(*arguments: object) -> Array:
        given = [as_array(a) for a in arguments]
        shape = np.broadcast_shapes(*(g.shape for g in given))
        rows = zip(*(np.broadcast_to(g.data, shape).reshape(-1) for g in given), strict=True)
        kinds = [g.kind for g in given]
        listed = [f(*(Array(v, k) for v, k in zip(row, kinds, strict=True))) for row in rows]
        # np.vectorize takes the type of its first result where otypes does not say it: results of several
        # types depend on x.
        found = as_array(listed)
        if len({kind_of(v) for v in listed}) > 1 and "otypes" not in options:
            stop("vectorize of results of several types")
        return _loose(_typed(found, options.get("otypes")).reshape(shape))

    return called


def _typed(found: Array, otypes: Iterable[object] | None) -> Array:
    """The results of np.vectorize in the type that it makes them."""
    if otypes is not None:
        listed = list(otypes)
        return found.astype(listed[0]) if len(listed) == 1 else stop("vectorize with several results")
    return stop("vectorize without otypes: its type depends on x") if found.vague else found


_UNARY = "floor ceil rint trunc abs absolute fabs sqrt log2 exp2 sign"
_NAMES = {"absolute": "abs", "fabs": "abs"}


def _square(a: object) -> Symbolic:
    """a a."""
    return el.times(_number(a), a)


def _number(a: T) -> T:
    """What is no truth value: of those numpy makes numbers of 8 or 16 bits."""
    return stop("a function of truth values, which numpy makes short numbers of") if kind_of(a) == "b" else a


def _numpy() -> dict[str, object]:
    """All words of numpy by name."""
    words: dict[str, object] = {n: _of(n) for n in _UNARY.split()}
    words |= {
        "add": ufunc(el.plus), "subtract": ufunc(el.minus), "multiply": ufunc(el.times),
        "divide": ufunc(el.over), "true_divide": ufunc(el.over), "floor_divide": ufunc(el.floor_divide),
        "power": ufunc(el.power), "square": ufunc(_square), "negative": ufunc(lambda a: -a),
        "maximum": ufunc(el.larger), "minimum": ufunc(el.smaller), "fmax": ufunc(el.larger),
        "fmin": ufunc(el.smaller), "mod": ufunc(lambda a, b: a % b), "frexp": frexp, "ldexp": ldexp,
        "modf": modf, "copysign": ufunc(copysign), "less": _relation("lt"), "less_equal": _relation("le"),
        "greater": _relation("lt", True), "greater_equal": _relation("le", True), "equal": _relation("eq"),
        "not_equal": ufunc(lambda a, b: el.logical_not(el.relation("eq", a, b))),
        "logical_not": ufunc(el.logical_not), "logical_and": ufunc(lambda a, b: _true(a) & _true(b)),
        "logical_or": ufunc(lambda a, b: _true(a) | _true(b)), "clip": _method("clip"), "where": _where,
        "zeros": _constant(0, "f"), "ones": _constant(1, "f"), "empty": _unset, "full": full,
        "zeros_like": lambda a, dtype=None: full_like(a, 0, dtype), "full_like": full_like,
        "ones_like": lambda a, dtype=None: full_like(a, 1, dtype), "empty_like": _unset_like,
        "array": make_array, "asarray": as_made, "asanyarray": as_made, "ascontiguousarray": contiguous,
        "copy": make_array, "atleast_1d": _at_least_1d, "arange": concrete(np.arange),
        "linspace": concrete(np.linspace), "sum": _method("sum"), "mean": _method("mean"), "max": _method("max"),
        "amax": _method("max"), "min": _method("min"), "amin": _method("min"), "any": _method("any"),
        "all": _method("all"), "prod": _method("prod"), "dot": lambda a, b: a @ b, "vdot": lambda a, b: a @ b,
        "inner": lambda a, b: a @ b, "reshape": _method("reshape"), "ravel": _method("ravel"),
        "nonzero": _method("nonzero"), "flatnonzero": flatnonzero, "count_nonzero": count_nonzero,
        "searchsorted": searchsorted, "digitize": digitize, "bincount": bincount, "concatenate": stack_two,
        "hstack": stack_two, "select": select, "errstate": _Quiet, "vectorize": vectorize, "round": _method("round"),
        "around": _method("round"), "size": lambda a: a.size, "shape": lambda a: a.shape, "ndim": lambda a: a.ndim,
        "take": _take, "fromiter": _fromiter,
        "argsort": orders.argsort, "argpartition": orders.argpartition, "sort": orders.sort, "argmax": orders.argmax,
        "put": _put, "lexsort": orders.lexsort, "cumsum": cumsum,
        "argmin": orders.argmin, "partition": orders.partition,
        "float64": REAL, "int64": WHOLE, "int_": WHOLE, "intp": WHOLE, "bool_": TRUTH, "double": REAL,
        "pi": math.pi, "inf": math.inf, "newaxis": None, "isfinite": _finite(True), "isnan": _finite(False),
        "isinf": _finite(False), "isclose": isclose, "allclose": isclose,
    }  # fmt: skip
    return words


def _true(a: object) -> Symbolic:
    """a != 0."""
    return elementwise(nodes.truth, "b", a)


def _unset(shape: object, dtype: object = None) -> Array:
    """np.empty: what is read before it is written is no number."""
    out = full(shape, 0, dtype_of(dtype))
    out.data[...] = session().node("undefined")
    return out


def _unset_like(a: object, dtype: object = None) -> Array:
    """np.empty_like."""
    given = as_array(a)
    return _unset(given.shape, dtype_of(dtype, given.dtype))


def _pow(a: object, b: object) -> Symbolic:
    """math.pow: always a float."""
    return 1.0 * el.power(a, b)


def _fsum(a: Iterable[object]) -> Symbolic:
    """math.fsum: the sum, as a float."""
    return 1.0 * make_array(list(a)).sum()


def _hypot(*values: object) -> Symbolic:
    """sqrt(a^2 + b^2 + ...)."""
    return el.unary("sqrt", reduce(operator.add, [el.times(v, v) for v in values]))


# Python's own


class _Meta(Mute, type):
    """A class whose name is not told."""

    __hash__ = type.__hash__


class Word(Mute):
    """A function that stands for one of numpy, math or Python, and is not told from it by its text."""

    def __init__(self, f: Callable[..., object]) -> None:
        self.__dict__["__call"] = f

    def __call__(self, *arguments: object, **named: object) -> object:
        # Under a name that begins with two underscores, which no traced program may ask for.
        return self.__dict__["__call"](*arguments, **named)


def as_words(listed: Mapping[str, object]) -> dict[str, object]:
    """The functions among these as words; Python's own stay."""
    # Classes stay classes, so that isinstance can be refused by name and annotations evaluated.
    return {n: Word(f) if isinstance(f, FunctionType | type) and f.__module__ != "builtins" and type(f) is not _Meta
            else f for n, f in listed.items()}  # fmt: skip


class _Names(Mute, SimpleNamespace):
    """numpy.random and numpy.linalg."""


class _Kind(metaclass=_Meta):
    """np.ndarray and np.random.Generator: to be asked for, and named in annotations."""

    __class_getitem__ = classmethod(lambda cls, _: cls)


ARRAY, GENERATOR = _Meta("ndarray", (_Kind,), {}), _Meta("Generator", (_Kind,), {})

NUMPY: dict[str, object] = as_words(_numpy()) | {
    "ndarray": ARRAY,
    "random": _Names(Generator=GENERATOR),
    "linalg": _Names(norm=Word(linalg_norm)),
}
NUMPY["add"].__dict__["at"] = Word(add_at)

MATH: dict[str, object] = as_words({
    **{n: _of(n) for n in ("sqrt", "log2", "exp2", "fabs")},
    **{n: (lambda op: lambda a: el.unary(op, a, "i"))(n) for n in ("floor", "ceil", "trunc")},
    "frexp": frexp, "ldexp": ldexp, "modf": modf, "copysign": copysign, "pow": _pow, "hypot": _hypot,
    "fsum": _fsum, "inf": math.inf, "pi": math.pi, "e": math.e,
})  # fmt: skip
