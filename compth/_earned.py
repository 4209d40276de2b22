"""Results whose words ("tight", "converged", a standing) hold for the values with which the package made them alone.

A result that was typed, changed or put together by a pickle keeps its numbers and loses its words. Copies and pickles
of one that says what it was computed from compute it again.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from types import MappingProxyType
from typing import Any, ClassVar, TypeVar

T = TypeVar("T")
_HELD: dict[int, tuple[tuple[Any, ...], Any]] = {}
"""What each result was made with, and what it was computed from: out of reach of its attributes."""


class Earned:
    """A result; WORDS: what an attribute reads where the package did not make this very result."""

    WORDS: ClassVar[Mapping[str, Any]] = MappingProxyType({})

    def __getattribute__(self, name: str) -> Any:
        words = type(self).WORDS
        return object.__getattribute__(self, name) if name not in words or earned(self) else words[name]

    def __reduce_ex__(self, protocol: Any) -> Any:
        """Of a result that the package made, what it was computed from; else its state, without its words."""
        origin = _HELD[id(self)][1] if earned(self) else None
        return super().__reduce_ex__(protocol) if origin is None else (_again, origin)


def made(result: T, origin: tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]] | None = None) -> T:
    """The result, now one that the package made; origin: the function and arguments that give it."""
    if id(result) not in _HELD:
        weakref.finalize(result, _HELD.pop, id(result), None)
    _HELD[id(result)] = _values(result), origin
    return result


def earned(result: Any) -> bool:
    """True for a result as the package made it: every field still holds the very object."""
    kept = _HELD.get(id(result))
    now = _values(result)
    return (
        kept is not None
        and len(now) == len(kept[0])
        and all(a is b for a, b in zip(now, kept[0], strict=True))
    )


def _values(result: Any) -> tuple[Any, ...]:
    held = object.__getattribute__(result, "__dict__")
    names = [f.name for f in fields(result)] if is_dataclass(result) else sorted(held)
    return tuple(held.get(name) for name in names)


def _again(function: Callable[..., Any], args: tuple[Any, ...], named: dict[str, Any]) -> Any:
    return function(*args, **named)
