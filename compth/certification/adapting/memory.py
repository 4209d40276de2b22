"""What an object remembers between calls: every call gets a copy at one state; whose recursion the memory follows.

The claim is judged at the state in which the object was given, or which it has after so many warm-up calls.
Generators that the object holds start from the referee's at every call, so that its draws are draws.

What must not be changed: a copy is deep as far as Python's own deepcopy is; what lies in a module, a class
or a closure is not copied, and is found by calls that do not repeat (`remedies`).
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from types import BuiltinMethodType, MethodType, ModuleType
from typing import TypeVar

import numpy as np

from compth._types import Array
from compth.certification.adapting import roles
from compth.certification.adapting.generators import reseed
from compth.certification.arithmetic import as_numpy
from compth.certification.beside import Misfit
from compth.errors import CompthError

T = TypeVar("T")
DEPTH = 12
"""How deep attributes, lists and tables are looked through."""
STEPS = 4
"""Calls in a row along which a recursion must hold."""
CLOSE = 1e-6
"""Rounding of float32 that is granted to a recursion, relative to the largest number in it."""


def copied(thing: T) -> T:
    """A deep copy. Raises Misfit where there is none."""
    try:
        return copy.deepcopy(thing)
    except Exception as problem:
        raise Misfit(
            f"{type(thing).__name__} cannot be copied ({type(problem).__name__}): give its class or a function that "
            "makes it, with fresh=True"
        ) from None


@contextmanager
def put_back(thing: object) -> Iterator[None]:
    """After the block the thing's attributes hold what they held: numbers, arrays, and lists or tables of these.

    Nothing of the thing itself runs for that: a copy could be another program.
    """
    thing = getattr(thing, "__self__", None) if isinstance(thing, MethodType) else thing
    # The attributes themselves are put back, not the object: its identity may be known elsewhere.
    held = getattr(thing.func if isinstance(thing, partial) else thing, "__dict__", None)
    if type(held) is not dict:  # a class's own, or none
        yield
        return
    before = _table_as_now(held)
    try:
        yield
    finally:
        held.clear()
        held.update(before)


def _as_now(value: object, depth: int = DEPTH) -> object:
    """The value, its arrays, lists and tables being copies; any other object itself."""
    if type(value) is np.ndarray and value.dtype != object:
        return value.copy()
    if depth and type(value) is dict:
        return _table_as_now(value, depth)
    if depth and type(value) is list:
        return [_as_now(v, depth - 1) for v in value]
    if depth and type(value) is tuple:
        return tuple(_as_now(v, depth - 1) for v in value)
    return value


def _table_as_now(table: dict[object, object], depth: int = DEPTH) -> dict[object, object]:
    """The table with its values as they are now."""
    return {k: _as_now(v, depth - 1) for k, v in table.items()}


def made(factory: Callable[..., object], d: int) -> object:
    """A new object; a factory that takes a size gets d."""
    size = {"d": d, "shape": (d,)}
    first = roles.parameters(factory)[:1]
    # A builtin type whose signature Python cannot tell is called without arguments.
    if first and first[0].kind is first[0].POSITIONAL_ONLY and first[0].name == "x":
        return factory()
    return factory(**roles.filled(factory, size, getattr(factory, "__name__", "the factory"), skip=0))


def attributes(
    thing: object, depth: int = DEPTH, seen: set[int] | None = None
) -> Iterator[tuple[str, object]]:
    """(where, value) of all that an object holds; lists, tables, bound methods and partials are looked through."""
    seen = set() if seen is None else seen
    # Objects may hold one another in a circle.
    if depth == 0 or id(thing) in seen:
        return
    seen.add(id(thing))
    for name, value in _inside(thing):
        yield name, value
        for rest, inner in attributes(value, depth - 1, seen):
            yield f"{name}.{rest}" if name else rest, inner


def _inside(thing: object) -> list[tuple[str, object]]:
    """What a thing holds itself, as far as its deep copies have their own: no class, no module."""
    if isinstance(thing, type | ModuleType):
        return []
    if isinstance(thing, dict):
        return [(str(k), v) for k, v in thing.items()]
    if isinstance(thing, list | tuple):
        return [(str(k), v) for k, v in enumerate(thing)]
    if isinstance(thing, MethodType | BuiltinMethodType):
        return [("", thing.__self__)]
    if isinstance(thing, partial):
        return [("", thing.func), ("", thing.args), ("", thing.keywords)]
    # Attributes may lie in slots as well as in a dictionary.
    slots = [(n, getattr(thing, n)) for n in _slots(type(thing)) if hasattr(thing, n)]
    return slots + [(str(k), v) for k, v in (getattr(thing, "__dict__", None) or {}).items()]


def _slots(kind: type) -> list[str]:
    """The slots of a class and its bases, as attributes are called."""
    found = []
    for base in kind.__mro__:
        named = vars(base).get("__slots__", ())
        for n in (named,) if isinstance(named, str) else named:
            private = n.startswith("__") and not n.endswith("__")
            found.append(f"_{base.__name__.lstrip('_')}{n}" if private else n)
    return [n for n in found if n not in ("__dict__", "__weakref__")]


def reseeded(thing: object, seed: int) -> list[str]:
    """Start every generator that the object holds from the seed; their names."""
    found = [(name, value) for name, value in attributes(thing) if _draws(value)]
    # Each with a seed of its own: two generators that start alike would draw alike.
    return [name for at, (name, value) in enumerate(found) if reseed(value, seed + at)]


def held(thing: object) -> bool:
    """True where the object holds a generator."""
    return any(_draws(value) for _, value in attributes(thing))


def _draws(value: object) -> bool:
    """True for objects with a generator's methods: numpy's, Python's, torch's."""
    words = ("integers", "random_sample", "getrandbits", "manual_seed")
    return not isinstance(value, type) and any(callable(getattr(value, w, None)) for w in words)


def snapshot(thing: object) -> list[tuple[str, object]]:
    """(where, what stands there) of all that an object holds, comparable; generators left out: they start anew."""
    return [(name, _key(value)) for name, value in attributes(thing) if not _draws(value)]


def _key(value: object) -> object:
    """Numbers, text and arrays as they are; of others the type."""
    if value is None or isinstance(value, bool | int | float | str | bytes):
        return repr(value)
    try:
        held = np.asarray(as_numpy(value))
    except (TypeError, ValueError):
        return type(value).__name__
    # Bit for bit: a memory that moves by one rounding has moved.
    return (held.shape, held.tobytes()) if held.dtype.kind in "biuf" else type(value).__name__


def changed(before: list[tuple[str, object]], after: list[tuple[str, object]]) -> str:
    """Where the first difference of two snapshots stands, "" for none."""
    old = set(before)
    return next((name for name, key in after if (name, key) not in old), "")


def vectors(thing: object, d: int) -> dict[str, Array]:
    """The object's memories: arrays of d numbers, and plain zeros that stand for one."""
    found: dict[str, Array] = {}
    for name, value in attributes(thing):
        # Memories often begin as the number 0 and become an array at the first call.
        if isinstance(value, int | float) and not isinstance(value, bool) and value == 0:
            found[name] = np.zeros(d)
            continue
        try:
            held = np.asarray(as_numpy(value), dtype=np.float64)
        except (TypeError, ValueError):
            continue
        if held.size == d and held.ndim:
            found[name] = held.reshape(-1).copy()
    return found


def recursion(thing: object, call: Callable[[object, Array, int], Array], d: int) -> str:
    """Whose recursion a memory of the object follows, with the method that has it; "" where none is recognised.

    call(thing, x, seed): one call that changes the thing. Held along STEPS calls on random vectors, both
    rules at once: e' = e + x - C (error feedback), h' = h + C (the shift of EF21 and DIANA), where C is
    what the call gave.

    Rounding of CLOSE is granted, relative to the largest number.
    """
    rng = np.random.default_rng(11)
    rules = {"error feedback": _feedback, "shift": _shift}
    # Names whose memory follows a rule at every step: four random vectors in a row leave no chance to
    # another rule.
    left: dict[str, set[str]] | None = None
    try:
        for step in range(STEPS):
            x, before = rng.normal(size=d), vectors(thing, d)
            y = call(thing, x, step)
            after = vectors(thing, d)
            now = {
                rule: {
                    m for m in before.keys() & after.keys() if _follows(follows, before[m], after[m], x, y)
                }
                for rule, follows in rules.items()
            }
            left = now if left is None else {rule: left[rule] & now[rule] for rule in rules}
    except (CompthError, ArithmeticError, TypeError, ValueError, AttributeError, LookupError):
        return ""
    return next((_words(rule, min(names)) for rule, names in (left or {}).items() if names), "")


def _follows(rule: Callable[..., Array], before: Array, after: Array, x: Array, y: Array) -> bool:
    """Whether the memory moved, and by the rule up to rounding."""
    size = max(1.0, float(np.abs(after).max()), float(np.abs(x).max()))
    # A memory that stays at 0 would follow a rule that sends 0 to 0.
    moved = bool(np.abs(after - before).max() > 0)
    return moved and bool(np.abs(rule(before, x, y) - after).max() <= CLOSE * size)


def _feedback(e: Array, x: Array, y: Array) -> Array:
    """e' = e + x - C: what was not sent stays."""
    return np.asarray(e + x - y)


def _shift(h: Array, x: Array, y: Array) -> Array:
    """h' = h + C: the estimate moves by what was sent."""
    return np.asarray(h + y)


def _words(rule: str, name: str) -> str:
    """The report's words for a rule."""
    if rule == "error feedback":
        return (
            f"its memory {name} follows error feedback's e' = e + x - C(e + x): as a method it is compth.EF"
        )
    return f"its memory {name} follows the shift's h' = h + C(x - h): as a method it is compth.EF21 or compth.DIANA"
