"""Sets by identity: what a user's class says of being equal, its hash and its names are never asked.

A metaclass may call its classes equal to float, a subclass of str may be two names, a subclass of dict may show other
keys than Python finds in it. Whose an object is, is therefore told by `is`, by exact strings and by exact dictionaries.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")
ODD_NAMES = "has names that are no plain strings"


class ByIdentity(Collection[T], Generic[T]):
    """Objects in the order in which they were added; one is in it that is one of them, whatever it is equal to."""

    def __init__(self, held: Iterable[T] = ()) -> None:
        self._held: dict[int, T] = {}
        for thing in held:
            self.add(thing)

    def add(self, thing: T) -> None:
        """Hold it, so that its id stays its own."""
        self._held[id(thing)] = thing

    def __contains__(self, thing: object) -> bool:
        return id(thing) in self._held

    def __iter__(self) -> Iterator[T]:
        return iter(self._held.values())

    def __len__(self) -> int:
        return len(self._held)


@dataclass(frozen=True, slots=True)
class Fixed:
    """A set by identity to which nothing is added."""

    things: tuple[object, ...]
    ids: frozenset[int]

    def __contains__(self, thing: object) -> bool:
        return id(thing) in self.ids


def fixed(things: Iterable[object]) -> Fixed:
    """These objects."""
    held = tuple(things)
    return Fixed(held, frozenset(map(id, held)))


def namespace(thing: object) -> dict[str, object] | None:
    """The attributes that Python finds on an object; None where they lie in no plain dictionary of plain strings."""
    # type(...) is dict, and str exactly: a subclass of either may show one thing here and another to attribute access.
    space = getattr(thing, "__dict__", {})
    return space if type(space) is dict and all(type(name) is str for name in space) else None


def odd_class(kind: type) -> str:
    """ "" for a class whose names are plain strings, else what is odd about it."""
    return "" if all(type(name) is str for name in vars(kind)) else ODD_NAMES
