"""Results whose words ("tight", "converged", a standing) hold for the values with which the package made them alone.

A result that was typed, changed or put together by a pickle keeps its numbers and loses its words, and so does one that
was given another class, one with a part that was changed inside, and what a package makes in which something was
replaced. Copies and pickles of one that says what it was computed from compute it again.

A new kind of result inherits from `Earned`, lists in WORDS what a typed one reads, and is passed through `made` where
it is computed. What was computed is kept in `_HELD`, by the identity of the result and out of its reach: no field, flag
or class name of a result can say that it was earned.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from hashlib import sha256
from operator import is_
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, TypeVar

from compth._own import altered

if TYPE_CHECKING:
    from typing import SupportsIndex

T = TypeVar("T")
Origin = tuple[Callable[..., object], tuple[object, ...], Mapping[str, object]]
"""The function and arguments that give a result."""
_State = tuple[object, tuple[object, ...]]
"""What a part is in plain values, and the objects that it holds."""

RUN = ("compress", "members", "apply", "init", "gradients")
"""What objects have that are run, and may change as they do: whose code they are is asked elsewhere."""


class _Held(NamedTuple):
    """What a result was made with, what it was computed from, and the result that it belongs to."""

    kind: type
    values: tuple[dict[str, object], object]
    within: tuple[tuple[object, _State], ...]
    origin: Origin | None
    partner: object


_HELD: dict[int, _Held] = {}
"""Of each result that the package made: out of reach of its attributes."""
AGAIN = frozenset({"origin"})
"""Fields that say what a result is computed from: whoever reads them computes it again."""


class Earned:
    """A result; WORDS: what an attribute reads where the package did not make this very result."""

    WORDS: ClassVar[Mapping[str, object]] = MappingProxyType({})

    def __getattribute__(
        self, name: str
    ) -> Any:  # object would be the type of every name that a subclass computes
        """The attribute; one of WORDS only where the result still is as the package made it."""
        words = _words(type(self))
        return object.__getattribute__(self, name) if name not in words or earned(self) else words[name]

    def __reduce_ex__(self, protocol: SupportsIndex) -> str | tuple[object, ...]:
        """Of a result that the package made, what it was computed from; else its state, without its words."""
        found = origin(self)
        return super().__reduce_ex__(protocol) if found is None else (_again, found)

    def parts(self) -> Iterable[object]:
        """Results inside this one that are made with it."""
        return ()

    def inside(self) -> object:
        """What may change while its fields hold the same objects: equal only where all of it is as it was."""
        return [alike(value) for value in _fields(self).values()]


class Computed(Earned):
    """A result that has no word to lose: where one that was typed or changed is shown, that is said of it.

    Copies and pickles stand where what they were made of stood: nothing is run again.
    """

    DOUBT: ClassVar[str] = (
        "somebody's word: this result was typed or changed, or made while something of the package was replaced;"
        " compute it again"
    )

    def __reduce_ex__(self, protocol: Any) -> Any:
        return _as_it_was, (type(self), _fields(self), earned(self))


def made(result: T, origin: Origin | None = None, partner: object = None) -> T:
    """The result, now one that the package made; not so where something of the package is replaced."""
    if not altered():
        return kept(result, origin, partner)
    _HELD.pop(id(result), None)
    return result


def all_made(results: Iterable[T]) -> tuple[T, ...]:
    """As `made` of each, by one look at the package."""
    whole = not altered()
    return tuple(kept(r) if whole else r for r in results)


def kept(result: T, origin: Origin | None = None, partner: object = None) -> T:
    """As `made`, for steps on the way to what `made` is asked of."""
    for part in result.parts() if isinstance(result, Earned) else ():
        kept(part)
    # Keyed by identity, which a copy does not share; the finaliser forgets it before the identity can be used
    # again.
    if id(result) not in _HELD:
        weakref.finalize(result, _HELD.pop, id(result), None)
    _HELD[id(result)] = _Held(type(result), _values(result), tuple(_within(result)), origin, partner)
    return result


def earned(result: object) -> bool:
    """True for a result as the package made it: its class, and in every field and part the very object."""
    held = _HELD.get(id(result))
    if held is None or type(result) is not held.kind:
        return False
    # Identity throughout, not equality: an object of others may equal whatever it is compared with. Arrays
    # and dictionaries may change under the same identity, so of those what is inside is compared, too
    # (`inside`).
    if any(not _same(_state(part), then) for part, then in held.within):
        return False
    now, inside = _values(result)
    then, within = held.values
    same = now.keys() == then.keys() and all(now[k] is then[k] for k in then)
    return same and bool(inside == within)


def partner(result: object) -> object:
    """The result that this one belongs to, None where it does not stand."""
    return _HELD[id(result)].partner if earned(result) else None


def origin(result: object) -> Origin | None:
    """What gives this result again, None where it does not stand."""
    return _HELD[id(result)].origin if earned(result) else None


def changed(result: T, **values: object) -> T:
    """The dataclass with other values, all others as its fields hold them: for what is still being made."""
    return type(result)(**{**_fields(result), **values})


def _values(result: object) -> tuple[dict[str, object], object]:
    """The fields, and what is inside them."""
    return _fields(result), result.inside() if isinstance(result, Earned) else None


def _fields(result: object) -> dict[str, object]:
    try:
        # Past the result's own __getattribute__, which would ask whether it is earned, and so come back here.
        held = object.__getattribute__(result, "__dict__")
    except AttributeError:  # its fields are slots
        held = None
        if is_dataclass(result) and not isinstance(result, type):
            held = {f.name: getattr(result, f.name, None) for f in fields(result)}
    if type(held) is not dict:  # a namespace that shows other values than Python finds in it
        return {"": object()}
    names = [f.name for f in fields(result)] if is_dataclass(result) else list(held)
    return {name: held.get(name) for name in names}


def alike(value: object) -> object:
    """The entries of a dictionary or list by identity, of an array by their bytes; None for anything else."""
    if isinstance(value, dict):
        return [(k, id(v)) for k, v in dict.items(value)]
    if isinstance(value, list):
        return [id(v) for v in list.__iter__(value)]
    if hasattr(value, "tobytes") and hasattr(value, "dtype") and hasattr(value, "shape"):
        return value.dtype.str, value.shape, sha256(value.tobytes()).digest()
    return None


def _words(kind: type) -> Mapping[str, object]:
    """What a class's results read: of two classes the word of the one that the other inherits from."""
    # Read from the classes' own dictionaries, in order of inheritance: a subclass of a user's cannot take a
    # word back, since the base's word wins.
    found: Mapping[str, object] = kind.__dict__.get("WORDS", {})
    for base in kind.__mro__[1:]:
        if own := base.__dict__.get("WORDS"):
            found = own if not found else {**found, **own}
    return found


def _within(result: object) -> Iterator[tuple[object, _State]]:
    """Parts of a result that may change while its fields hold the same objects, at any depth, with their state."""
    # Depth first through tuples, lists, dictionaries and dataclasses, each once: a part may be inside several
    # others, and lists may hold themselves.
    left, seen = [v for k, v in _fields(result).items() if k not in AGAIN], set[int]()
    while left:
        part = left.pop()
        if id(part) in seen:
            continue
        seen.add(id(part))
        if isinstance(part, tuple):
            left += list(tuple.__iter__(part))
        elif (state := _state(part)) is not None:
            yield part, state
            left += state[1]


def _state(part: object) -> _State | None:
    """What a part is, in plain values, and the objects that it holds; None for what is not looked into.

    Of a result that is made beside this one, whether it stands; numbers in arrays are looked at in the fields alone.
    """
    kind = type(part)
    if isinstance(part, dict) and kind is dict:
        return (kind, tuple(part)), tuple(part.values())
    if isinstance(part, list) and kind is list:
        return (kind,), tuple(part)
    if isinstance(part, Earned):
        return (kind, earned(part)), ()
    if is_dataclass(kind) and not any(hasattr(kind, name) for name in RUN):
        return (kind,), tuple(_fields(part).values())
    return None


def _same(now: _State | None, then: _State) -> bool:
    """The same plain values, and the very objects."""
    return (
        now is not None
        and now[0] == then[0]
        and len(now[1]) == len(then[1])
        and all(map(is_, now[1], then[1]))
    )


def _as_it_was(kind: type[T], held: dict[str, object], stood: bool) -> T:
    """A copy, which stands where the original did."""
    copied = kind(**held)
    return made(copied) if stood else copied


def _again(function: Callable[..., object], args: tuple[object, ...], named: Mapping[str, object]) -> object:
    return function(*args, **named)
