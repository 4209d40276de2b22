"""What a body reads besides its arguments: globals, closures, and what the functions that it calls read.

A trace speaks of the body with these values. One that is asked for after they have moved is made anew; a body that
moves them itself does another step each time, and is no program.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from functools import cache, lru_cache, wraps
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import Any, ParamSpec, TypeVar
from weakref import WeakSet

import numpy as np

from compth._own import base_of, functions
from compth.methods.core.program import named
from compth.methods.core.vectors import Underivable

P = ParamSpec("P")
T = TypeVar("T")
VALUES = (int, float, complex, str, bytes, Fraction, type(None))
DEPTH, SIZE = 8, 1000
"""Functions and containers in one another that are followed, and the most entries of one."""

MOVING: WeakSet[Any] = WeakSet()
"""Bodies that were seen to change what they read: they are not run again but to simulate."""


class _This:
    """An object by identity, kept alive so that no other takes its place."""

    __slots__ = ("thing",)

    def __init__(self, thing: Any) -> None:
        self.thing = thing

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _This) and self.thing is other.thing

    def __hash__(self) -> int:
        return id(self.thing)


@cache
def _names(code: CodeType) -> tuple[str, ...]:
    """Names of a code and of the codes nested in it."""
    nested = [name for c in code.co_consts if isinstance(c, CodeType) for name in _names(c)]
    return tuple(dict.fromkeys((*code.co_names, *nested)))


def outside(body: Any) -> tuple[Any, ...]:
    """A value that differs once anything that the body reads does; () for a body of the package, which is watched."""
    return () if body in functions() else tuple(_told(body, DEPTH, set()))


def _told(value: Any, depth: int, seen: set[int]) -> Iterator[Any]:
    kind = type(value)
    if kind in VALUES or isinstance(value, np.generic):
        yield kind, repr(value)
        return
    yield _This(value)
    if depth == 0 or id(value) in seen or isinstance(value, type | ModuleType) or base_of(value) is not None:
        return
    seen.add(id(value))
    for name, part in _parts(value):
        yield name
        yield from _told(part, depth - 1, seen)


def _parts(value: Any) -> Iterator[tuple[Any, Any]]:
    """What is inside, each with a name."""
    if isinstance(value, FunctionType):
        yield from _read(value)
    elif isinstance(value, MethodType):
        yield from (("function", value.__func__), ("self", value.__self__))
    elif isinstance(value, np.ndarray):
        yield "bytes", value.tobytes() if value.size <= SIZE and not value.dtype.hasobject else None
    elif isinstance(value, dict | list | tuple | set | frozenset):
        inside = value.items() if isinstance(value, dict) else enumerate(value)
        yield from ((repr(k), v) for k, v in inside if len(value) <= SIZE)
    elif isinstance(getattr(value, "__dict__", None), dict):
        yield from list(vars(value).items())[:SIZE]


def _read(function: FunctionType) -> Iterator[tuple[str, Any]]:
    """What a function reads; the package's own read what is watched."""
    if function in functions():
        return
    space = function.__globals__
    yield from ((name, space[name]) for name in _names(function.__code__) if name in space)
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        try:
            yield name, cell.cell_contents
        except ValueError:  # bound later
            yield name, None
    yield "defaults", function.__defaults__
    yield "keyword defaults", function.__kwdefaults__
    yield "wrapped", getattr(function, "__wrapped__", None)


def still(body: Any, run: Callable[[], T]) -> T:
    """run(), which runs the body; again where it kept what it computed once. Underivable where values move on."""
    for _ in range(2):
        before, found = outside(body), None if body in MOVING else run()
        if found is not None and outside(body) == before:
            return found
    MOVING.add(body)
    raise Underivable(
        "it changes values that it reads, so that its steps are not all the same", name=named(body)
    )


def while_it_reads_the_same(
    maxsize: int, body: Callable[[Any], Any]
) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """An lru_cache whose first argument has a body; what is kept counts while the body reads the same values."""

    def made(function: Callable[P, T]) -> Callable[P, T]:
        run: Callable[..., T] = function

        @lru_cache(maxsize=maxsize)
        def kept(_: tuple[Any, ...], args: Any, options: Any) -> T:
            return run(*args, **dict(options))

        @wraps(function)
        def found(*args: P.args, **options: P.kwargs) -> T:
            return kept(outside(body(args[0])), args, tuple(sorted(options.items())))

        return found

    return made


__all__ = ["outside", "still", "while_it_reads_the_same"]
