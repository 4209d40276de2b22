"""Whose code is it? Every module is recorded as it is imported, and objects are held against that record.

A fact that an object declares (a claim, inclusion probabilities, a theorem, an exact recursion) is worth a proof only
where the functions that realise it are the package's own. `foreign(thing)` decides that by identity alone: the class,
and every function, constant and helper of the package, must be the object that the import made. Names, modules and
isinstance are never asked, so a subclass, a patched class or instance, and a class that calls itself RandK are seen.
"""

from __future__ import annotations

import builtins
import sys
import types
import weakref
from abc import ABCMeta
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from ctypes import c_void_p, sizeof, string_at
from dataclasses import MISSING, Field, dataclass, fields
from enum import EnumType
from fractions import Fraction
from functools import cache, cached_property
from gc import get_referents
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from itertools import islice
from operator import attrgetter, is_
from os.path import abspath, dirname, join
from sys import byteorder
from typing import Any, Protocol, TypeVar

from compth._identity import ODD_NAMES, ByIdentity, Fixed, fixed, namespace, odd_class

T = TypeVar("T")
Thing = Any
"""An object of anybody's: told by the identity of its class (`kind is dict`), which no type checker follows.

isinstance, which they follow, asks the object itself for its `__class__`.
"""
PACKAGE = __name__.partition(".")[0]
ROOT = join(dirname(abspath(__file__)), "")
"""Where the package's own files lie: a module from elsewhere is none of them, whatever it is called."""
SHOWS = frozenset(
    {"cli", "sweeps", "testing", "reporting.plots", "reporting.reports"}
    | {"studies.comparison", "studies.comparison_row", "studies.fixed_levels", "studies.step_sizes"}
)
"""Rooms and modules that show results: nothing that a claim rests on."""
DECLARING = frozenset({"_numbers", "calculus", "claims", "bits", "compressors", "problems", "methods"})
"""Modules that declare facts and hold the code that realises them."""
TOLD = frozenset(
    {"__module__", "__qualname__", "__doc__", "__firstlineno__", "__static_attributes__", "__annotations__"}
    | {"__annotate__", "__annotations_cache__", "__annotate_func__", "__abstractmethods__", "_abc_impl"}
    | {"__parameters__", "__orig_bases__", "examples", "source", "label", "name", "title"}
)
"""What a subclass may say of itself without changing what its objects do."""
METAS = fixed((type, ABCMeta, EnumType))
"""Metaclasses whose classes answer truly about themselves."""
LAZY = frozenset(
    {"__slotnames__", "__annotations__", "__annotate__", "__annotations_cache__", "__annotate_func__"}
)
"""What Python itself adds to a class later."""
PLAIN = fixed((type(None), bool, int, float, complex, str, bytes, Fraction, range, slice, type(Ellipsis)))
"""Types of values that hold no code."""
LISTS, TABLES = fixed((tuple, list, set, frozenset)), fixed((dict, types.MappingProxyType))
"""Types of values that hold others."""
PYTHON = fixed(
    value
    for name in ("builtins", "abc", "typing", "enum")
    for value in vars(sys.modules[name]).values()
    if isinstance(value, type)
)
"""Classes of Python itself: ours may inherit from them."""
HEAP = 1 << 9
"""The flag of classes that are made at run time, as those of users are."""
NUMBERS = "sympy"
"""Its expressions may be parameters: they pass through every closed form."""
ALGEBRA = ("sympy.core.", "sympy.polys.", "sympy.matrices.")
"""Where its classes lie whose methods our code calls."""
ASKED_LATE = frozenset({NUMBERS, "scipy", "mpmath"})
"""Packages whose modules our functions import when they need them."""
LEANT_ON = frozenset(
    {"numpy", "math", "builtins", "fractions", "operator", "itertools", "functools"}
    | {"json", "hashlib", "copy", "dataclasses", *ASKED_LATE}
)
"""Modules of others whose functions our code calls by name: what it names there is kept as the import found it."""
OTHERS = frozenset({"numpy", "math", "builtins", "fractions", *ASKED_LATE})
"""Packages that are remembered as their import leaves them."""
EXTENDED = frozenset({"tuning"})
"""Rooms whose tables are where users put schemes and links of their own."""
SPOKEN = frozenset(
    {"print", "input", "open", "exit", "quit", "breakpoint", "help", "__import__", "__debug__"}
)
"""Builtins that notebooks and tests replace, and that no claim rests on."""
POINTER = sizeof(c_void_p)
"""Bytes of an address."""
LIST_WORDS = 5
"""Words that CPython keeps of a list beside its row of addresses."""
PARTS = tuple(attrgetter(name) for name in ("__code__", "__defaults__", "__kwdefaults__"))
"""What a call of a function does, apart from its closure."""


SAID: Callable[[Field[object]], tuple[object, ...]] = attrgetter(*Field.__slots__)
"""What a field of a dataclass says: its default, and where it takes part."""


class _Cache(Protocol):
    """A function that remembers what it gave."""

    def cache_clear(self) -> None:
        """Forget it."""


@dataclass(frozen=True)
class _Kept:
    """A namespace as the import left it: of a module, a class, or a table of a module."""

    where: str
    space: Callable[[], Thing]
    names: tuple[object, ...]
    values: tuple[object, ...]
    refused: Callable[[set[object]], set[object]]
    """The names among new ones that matter."""

    @property
    def part(self) -> str:
        """The top module."""
        return self.where.split(".")[1]

    def steady(self) -> dict[object, object] | None:
        """The dictionary itself while it has as many names as then: a class shows a view of it. None for others."""
        space = self.space()
        # What is made anew at each look (the entries of a list) would be held against itself.
        whole = get_referents(space)[0] if type(space) is types.MappingProxyType else space
        whole = whole if whole is not space or self.space() is space else None
        # Where the last two are one object, the last name may be the same and that before it another.
        alike = len(self.values) > 1 and self.values[-1] is self.values[-2]
        return whole if type(whole) is dict and len(whole) == len(self.names) > 0 and not alike else None


def _altered_in(kept: _Kept) -> str:
    """ "" when every name still holds its object and none was added that matters; else which."""
    space = kept.space()
    if len(space) < len(kept.names):
        return f"{kept.where} has lost a name"
    # To the end of the kept ones: new names come last. A name that was taken away and given again is last as well.
    if not (all(map(is_, kept.values, space.values())) and all(map(is_, kept.names, space))):
        held = zip(kept.names, kept.values, strict=True)
        changed = next((n for n, v in held if space.get(n, _MISSING) is not v), None)
        if changed is not None:
            return f"{kept.where}.{changed} was replaced after import"
    new = kept.refused(set(space) - set(kept.names)) if len(space) > len(kept.names) else None
    return f"{kept.where}.{min(new, key=str)} was added after import" if new else ""


@dataclass(frozen=True)
class _Seen:
    """What a look found as the imports left it: the addresses of all that names, functions and variables held then.

    Held against what they hold at the next look in one comparison of bytes. To go through them one by one takes three
    times as long, and each public call pays for it. It says only that nothing has moved since.
    """

    counts: tuple[int, ...]
    spaces: tuple[dict[object, object], ...]
    """Namespaces with the names that they were kept with and no other, as Python's own dictionaries."""
    last: tuple[object, ...]
    """The last name of each: one that is added stands there, and so does one that is taken away and given again."""
    holders: tuple[object, ...]
    """These, the package's functions, those of others that it calls, and the variables inside."""
    addresses: bytes
    others: tuple[_Kept, ...]
    """The other namespaces, which are looked at one by one."""


def _counts() -> tuple[int, ...]:
    """How many of each kind are recorded: an import adds some, and then a look goes through all again."""
    return len(_NAMESPACES), len(_FUNCTIONS), len(_CODE), len(_CELLS), len(_FIELDS)


def _addresses(holders: tuple[object, ...]) -> bytes:
    """Where the objects lie that these hold: the values of dictionaries, what functions run, the contents of cells."""
    held = get_referents(*holders)
    # A list in memory: references, type, length, where its row of addresses starts, and how many words that has.
    return string_at(c_void_p.from_address(id(held) + 3 * POINTER).value or 0, len(held) * POINTER)


def _as_seen(seen: _Seen) -> bool:
    """True while every name is there and holds the object that it held at that look, and so does every function."""
    if _counts() != seen.counts:
        return False
    last: Iterator[object] = map(next, map(reversed, seen.spaces))
    return all(map(is_, last, seen.last)) and _addresses(seen.holders) == seen.addresses


def _see(kept: list[_Kept]) -> _Seen | None:
    """What these namespaces and all functions hold now; None where Python does not hold objects as CPython does."""
    found = [(k, k.steady()) for k in kept]
    spaces = tuple(space for _, space in found if space is not None)
    if not _readable(spaces):
        return None
    cells = (cell for cell, _ in _CELLS)
    held = (f for f, _ in _FIELDS.values())
    holders = (*spaces, *_FUNCTIONS, *(f for f, _ in _CODE), *cells, *held)
    others = tuple(k for k, space in found if space is None)
    last = tuple(next(reversed(space)) for space in spaces)
    return _Seen(_counts(), spaces, last, holders=holders, addresses=_addresses(holders), others=others)


def _readable(spaces: tuple[dict[object, object], ...]) -> bool:
    """True where the addresses are those of the values, in order; on another Python all is looked at one by one."""
    if sys.implementation.name != "cpython" or list.__basicsize__ != LIST_WORDS * POINTER:
        return False
    asked = spaces[:3]
    expected = [id(value) for space in asked for value in space.values()]
    return _addresses(asked) == b"".join(at.to_bytes(POINTER, byteorder) for at in expected)


def _of_class(new: set[object]) -> set[object]:
    return new - LAZY


def _of_module(new: set[object]) -> set[object]:
    return new & vars(builtins).keys()  # submodules and registers arrive later; nothing may hide a builtin


def _of_table(new: set[object]) -> set[object]:
    return set()


def _of_list(new: set[object]) -> set[object]:
    return new


_MISSING = object()
_NAMESPACES: list[_Kept] = []
_SEEN: dict[frozenset[str] | None, _Seen] = {}
_CLASSES: ByIdentity[type] = ByIdentity()
_NUMBERS: ByIdentity[type] = ByIdentity()
"""Classes of sympy, as its import made them."""
_FUNCTIONS: ByIdentity[types.FunctionType] = ByIdentity()
_KEPT_PARTS: tuple[list[object], ...] = ([], [], [])
_CELLS: list[tuple[types.CellType, object]] = []
_RECORDED: set[str] = set()
_REGISTERS: list[dict[object, object]] = []
"""Tables that may grow: they were empty when they were made, or are of a room that is extended by them."""
_SPACES: set[int] = set()
"""Ids of the namespaces of modules that were recorded: functions of ours were defined in one of them."""
_FIELDS: dict[int, tuple[Field[object], tuple[object, ...]]] = {}
"""Fields of the package's dataclasses, by their ids, and what they say."""
_LEANT: dict[tuple[str, str], tuple[Mapping[str, object], object]] = {}
"""(module or class of others, name) -> its namespace and what the name meant."""
_LATE: dict[str, set[str]] = {}
"""Module of these -> the names that functions which import it use."""
_BIRTH: dict[str, dict[str, object]] = {}
_BORN: dict[int, tuple[types.FunctionType, tuple[object, ...]]] = {}
_BORN_IN: dict[str, list[str]] = {}
_BORN_CLASSES: dict[type, dict[str, object]] = {}
"""Public modules of others as their import left them, the code of the functions in them, by name those that have it,
and classes of sympy."""
_CODE: list[tuple[types.FunctionType, tuple[object, ...]]] = []
"""The Python functions behind what our code names in modules of others, with their code and defaults."""
_CACHES: list[_Cache] = []
_SEEN_ALTERED: list[str] = []
_FOUND: list[_Kept] = []
"""Where something was replaced at the last look: looked at first, as it mostly still is."""


def watch() -> None:
    """Record every module of the package from its import on. Called once, before any of them is imported."""
    # A finder before all others gives our modules a loader that records what their execution made, in the moment when
    # it is done: no code of a user can have run in between. Modules of numpy, sympy and scipy are noted likewise, since
    # our functions call them by name.
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())
        _record(sys.modules[ByIdentity.__module__])
        _record(sys.modules[__name__])
        for name in [n for n in sys.modules if n.partition(".")[0] in OTHERS]:
            _born(sys.modules[name])
        _NAMESPACES.append(_class("fractions.Fraction", Fraction))


class _Finder:
    """Finds the package's modules as Python does, with a loader that records what it made."""

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: types.ModuleType | None = None
    ) -> ModuleSpec | None:
        """The module's spec, None for modules of others."""
        top = name.partition(".")[0]
        if top not in (PACKAGE, *OTHERS) or name == PACKAGE:
            return None
        spec = PathFinder.find_spec(name, path, target)
        if spec is None or type(spec.loader) is not SourceFileLoader:
            return spec
        if top != PACKAGE:
            spec.loader = _OthersLoader(spec.loader.name, spec.loader.path)
        elif abspath(spec.origin or "").startswith(ROOT):
            spec.loader = _Loader(spec.loader.name, spec.loader.path)
        return spec


class _Loader(SourceFileLoader):
    """Python's loader; the first import of a module is the one that counts."""

    def exec_module(self, module: types.ModuleType) -> None:
        super().exec_module(module)
        if module.__name__ not in _RECORDED and not _shows(module.__name__):
            _RECORDED.add(module.__name__)
            _record(module)


class _OthersLoader(SourceFileLoader):
    """Python's loader, for modules of others: what is in them is known from their import on."""

    def exec_module(self, module: types.ModuleType) -> None:
        super().exec_module(module)
        _born(module)
        if module.__name__ in _LATE:
            _keep_names(module, _LATE[module.__name__])


def _born(module: types.ModuleType) -> None:
    """Remember a public module as it is, before any module of ours that names something in it is imported."""
    name = getattr(module, "__name__", "")
    if name.partition(".")[0] == NUMBERS:
        for value in list(vars(module).values()):
            if isinstance(value, type) and value.__module__ == name:
                _NUMBERS.add(value)
                if name.startswith(ALGEBRA):
                    _BORN_CLASSES[value] = dict(vars(value))
    if name == NUMBERS or not (
        name.startswith(NUMBERS + ".") or any(part.startswith("_") for part in name.split("."))
    ):
        _BIRTH[name] = held = dict(vars(module))
        for known in held:
            _BORN_IN.setdefault(known, []).append(name)
        _BORN.update({id(f): (f, _parts_of(f)) for value in held.values() for f in _functions(value)})


def _shows(name: str) -> bool:
    """True for a module of a room that shows results, or for one that is named alone."""
    path = name.removeprefix(PACKAGE + ".")
    return path in SHOWS or path.partition(".")[0] in SHOWS


def _record(module: types.ModuleType) -> None:
    # Four kinds of things can be exchanged: what a name of the module means, the entries of its tables, the attributes
    # of its classes, and the code inside a function object. Each goes into a book of its own.
    held, before = {k: _as_born(k, v) for k, v in vars(module).items()}, len(_FUNCTIONS)
    _SPACES.add(id(vars(module)))
    mine = module is not sys.modules[__name__]  # this one keeps its books in its namespace
    _NAMESPACES.append(
        _Kept(module.__name__, lambda: vars(module), tuple(held), tuple(held.values()), _of_module)
    )
    for name, value in held.items():
        if name.startswith("__"):
            continue
        constant = name.lstrip("_").isupper() and mine
        if constant and (type(value) is dict or (type(value) in (list, set) and name[0] != "_")):
            _NAMESPACES.append(_table(f"{module.__name__}.{name}", value))
        if type(value) is Fixed:
            _NAMESPACES.append(_held_by(f"{module.__name__}.{name}", value))
        if hasattr(type(value), "cache_clear"):
            _CACHES.append(value)
        _enter(value, module.__name__)
    _lean(held, list(islice(_FUNCTIONS, before, None)))


def _as_born(name: str, value: Thing) -> Thing:
    """What a name meant in the module of others from which it was imported, where it was replaced there before."""
    for home in _BORN_IN.get(name, ()):
        then = _BIRTH[home][name]
        if then is not value and vars(sys.modules.get(home, builtins)).get(name) is value:
            return then
    return value


def _table(where: str, table: Thing) -> _Kept:
    """The entries of a dictionary, list or set."""
    if type(table) is dict:
        # Filled later, and perhaps by other names, too. Else a word that a user adds would be one of the package's.
        if not table or where.split(".")[1] in EXTENDED:
            _REGISTERS.append(table)
        grows = any(table is register for register in _REGISTERS)
        refused = _of_table if grows else _of_list
        return _Kept(where, lambda: table, tuple(table), tuple(table.values()), refused)
    return _Kept(where, lambda: dict(enumerate(table)), tuple(range(len(table))), tuple(table), _of_list)


def _held_by(where: str, known: Fixed) -> _Kept:
    """What a set by identity holds, which a frozen object keeps to itself only as far as nobody sets it."""

    def held() -> dict[object, object]:
        return {"class": type(known), "things": known.things, "ids": known.ids}

    return _Kept(where, held, tuple(held()), tuple(held().values()), _of_list)


def _class(where: str, kind: type) -> _Kept:
    held = dict(vars(kind))
    return _Kept(where, lambda: vars(kind), tuple(held), tuple(held.values()), _of_class)


def _lean(held: dict[str, object], functions: list[types.FunctionType]) -> None:
    """Keep what new functions name in modules of others, and the builtins that they name."""
    # A patched np.sum would bend a proof as well as a patched function of ours. All of numpy is too much to watch; the
    # names that stand in our compiled code are what we can call.
    names = {name for f in functions for name in _named(f.__code__)}
    modules = [v for v in held.values() if type(v) is types.ModuleType and _leant_on(v)]
    for module in (*modules, builtins):
        _keep_names(module, names - SPOKEN)
    for value in held.values():
        _keep_methods(value, names)
    for late in (n for n in names if n.partition(".")[0] in ASKED_LATE):
        _LATE.setdefault(late, set()).update(names)
        if late in sys.modules:
            _keep_names(sys.modules[late], names)


def _leant_on(module: types.ModuleType) -> bool:
    return module.__name__.partition(".")[0] in LEANT_ON


def _keep_names(module: types.ModuleType, names: set[str], above: tuple[object, ...] = ()) -> None:
    space, inside = vars(module), (*above, module)
    for name in names & space.keys():
        key, value = (module.__name__, name), _BIRTH.get(module.__name__, space).get(name, space[name])
        if key not in _LEANT:
            _LEANT[key] = space, value
            _CODE.extend(_BORN.get(id(f), (f, _parts_of(f))) for f in _functions(value))
        _keep_methods(value, names)
        if type(value) is types.ModuleType and value not in inside and _leant_on(value):
            _keep_names(value, names, inside)


def _keep_methods(kind: Thing, names: set[str]) -> None:
    """Of a class of sympy, and of those that it inherits from: operators, and what new functions name."""
    for cls in _mro(kind) if type(kind) is not types.ModuleType and isinstance(kind, type) else ():
        for name, value in _BORN_CLASSES.get(cls, {}).items():
            key = f"{cls.__module__}.{cls.__qualname__}", name
            functions_ = list(_functions(value))
            if key not in _LEANT and functions_ and (name.startswith("__") or name in names):
                _LEANT[key] = vars(cls), value
                _CODE.extend((f, _parts_of(f)) for f in functions_)


def _named(code: types.CodeType) -> Iterator[str]:
    """Names of a code and of those nested in it."""
    yield from code.co_names
    for inner in code.co_consts:
        if isinstance(inner, types.CodeType):
            yield from _named(inner)


def _enter(value: object, module: str) -> None:
    """Keep a class or function that this module defines, with all that it holds."""
    if not isinstance(value, type):
        for f in _functions(value):
            _keep(f)
    elif value.__module__ == module and value not in _CLASSES:
        _CLASSES.add(value)
        _NAMESPACES.append(_class(f"{module}.{value.__qualname__}", value))
        listed: dict[str, Field[object]] = vars(value).get("__dataclass_fields__", {})
        _NAMESPACES.extend(
            [_table(f"{module}.{value.__qualname__}.__dataclass_fields__", listed)] if listed else ()
        )
        _FIELDS.update({id(entry): (entry, SAID(entry)) for entry in listed.values()})
        if type(value) is EnumType:  # what is printed of a word is kept in the word itself
            members: dict[str, object] = dict(value.__members__)
            _NAMESPACES.extend(
                _table(f"{module}.{value.__qualname__}.{name}", vars(word)) for name, word in members.items()
            )
        for inner in list(vars(value).values()):
            _enter(inner, module)


def _functions(value: Thing) -> Iterator[types.FunctionType]:
    """The functions in a value of a namespace: itself, or what a descriptor or a wrapper holds."""
    parts: tuple[object, ...] = ()
    if type(value) is types.FunctionType:
        yield value
    elif isinstance(value, classmethod | staticmethod):
        parts = (value.__func__,)
    elif type(value) is property:
        parts = (value.fget, value.fset, value.fdel)
    elif isinstance(value, cached_property):
        parts = (value.func,)
    if not isinstance(value, type) and hasattr(type(value), "__dict__"):
        parts = (*parts, getattr(value, "__dict__", {}).get("__wrapped__"))
    if type(value).__name__ == "_ArrayFunctionDispatcher":  # numpy's, around a Python function
        parts = (*parts, value._implementation)
    for part in parts:
        if part is not None:
            yield from _functions(part)


def _keep(f: types.FunctionType) -> None:
    if f in _FUNCTIONS or not (id(f.__globals__) in _SPACES or _of_python(f)):
        return  # known, or put into a module of ours before it was imported
    _FUNCTIONS.add(f)
    for part, kept in zip(PARTS, _KEPT_PARTS, strict=True):
        kept.append(part(f))
    for cell in f.__closure__ or ():
        try:
            content = cell.cell_contents
        except ValueError:  # empty: a name that is never bound
            continue
        _CELLS.append((cell, content))
        for inner in _functions(content):
            _keep(inner)


def _parts_of(f: types.FunctionType) -> tuple[object, ...]:
    return tuple(part(f) for part in PARTS)


def _of_python(f: types.FunctionType) -> bool:
    """True for functions of Python's library and of numpy, that our modules import by name."""
    home = sys.modules.get(f.__globals__.get("__name__", ""))  # of a decorated one the decorator's
    known = {*sys.stdlib_module_names, "numpy", "scipy", "sympy"} - {"__main__"}
    return home is not None and vars(home) is f.__globals__ and home.__name__.partition(".")[0] in known


def functions() -> Collection[types.FunctionType]:
    """Every function of the package, as its import made it."""
    return _FUNCTIONS


def altered(parts: frozenset[str] | None = None) -> str:
    """ "" while no function, class or constant of the package has been replaced since its import; else the first.

    parts: of these top modules alone. What functions hold inside, and what they name in modules of others, is looked
    at everywhere. What was computed while something was replaced is forgotten once that is over.
    """
    found = _altered(parts)
    if found:
        _SEEN_ALTERED[:] = [found]
    elif _SEEN_ALTERED and not _altered(None):
        _SEEN_ALTERED.clear()
        for cache_ in _CACHES:
            cache_.cache_clear()
    return found


def looker() -> Callable[[], str]:
    """`altered` on functions and lists of its own, made before code of others runs: that does not reach it by name."""
    # A judged program that runs in this process can reach this module by name and empty its books. So the functions are
    # made anew over a namespace of copies that no name leads to, before the program runs.
    here = globals()
    space = {name: _copied(value) for name, value in here.items()}
    for name, value in here.items():
        if type(value) is types.FunctionType and value.__globals__ is here:
            space[name] = types.FunctionType(
                value.__code__, space, name, value.__defaults__, value.__closure__
            )
    found: Callable[[], str] = space["altered"]
    return found


def _copied(value: Thing) -> Thing:
    """Books of this module as they are now."""
    if type(value) in (list, dict):
        return value.copy()
    if type(value) is ByIdentity:
        return ByIdentity(value)
    lists = type(value) is tuple and value and all(type(part) is list for part in value)
    return tuple(part.copy() for part in value) if lists else value


def _altered(parts: frozenset[str] | None) -> str:
    """`altered`, without the caches: against the last look where nothing was found in it, else one by one."""
    seen = _SEEN.get(parts)
    if seen is not None and _as_seen(seen):
        return next(filter(None, map(_altered_in, seen.others)), "") or _leant_altered()
    asked = [kept for kept in _NAMESPACES if parts is None or kept.part in parts]
    # What is there is noted before it is looked at: another thread's change in between is then found, or differs later.
    now = None if _FOUND else _see(asked)
    found = _names_altered(asked) or _functions_altered() or _leant_altered() or _code_altered()
    if not found and now is not None:
        _SEEN[parts] = now
    return found


def _names_altered(asked: list[_Kept]) -> str:
    """The first name that does not stand for what it stood for; where one was found last is looked at first."""
    last = next((kept for kept in _FOUND if kept in asked), None)
    if last is not None and (found := _altered_in(last)):
        return found
    at, found = next(((kept, found) for kept in asked if (found := _altered_in(kept))), (None, ""))
    _FOUND[:] = [] if at is None else [at]
    return found


def _functions_altered() -> str:
    """The first function of the package with other code, defaults or variables."""
    if any(len(part) != len(_FUNCTIONS) for part in _KEPT_PARTS):
        return "a function was put beside those of the package after import"
    for at, part in enumerate(PARTS):
        if not all(map(is_, map(part, _FUNCTIONS), _KEPT_PARTS[at])):
            now = zip(_FUNCTIONS, map(part, _FUNCTIONS), _KEPT_PARTS[at], strict=True)
            f = next(f for f, found, kept in now if found is not kept)
            return f"{f.__module__}.{f.__qualname__} was rewritten after import"
    entry = next((f for f, said in _FIELDS.values() if not all(map(is_, SAID(f), said))), None)
    if entry is not None:
        return f"field {entry.name} of a dataclass of the package was rewritten after import"
    inside = next((c for c, content in _CELLS if c.cell_contents is not content), None)
    if inside is not None:
        return "a variable of a function of the package was replaced after import"
    return ""


def _code_altered() -> str:
    """The first function behind a name in a module of others that has other code or defaults."""
    code = next((f for f, kept in _CODE if not all(map(is_, _parts_of(f), kept))), None)
    return "" if code is None else f"{code.__module__}.{code.__qualname__} was rewritten after import"


def _leant_altered() -> str:
    """The first name in a module of others, of those that the package calls, that means something else."""
    other = next((k for k, (space, v) in _LEANT.items() if space.get(k[1], _MISSING) is not v), None)
    return "" if other is None else f"{'.'.join(other)} was replaced after import"


def foreign(thing: object) -> str:
    """ "" when `thing` is made of the package's own unmodified code and plain values only; else what is not.

    The answer goes through fields, tuples and tables, so a wrapper is its own only where its members are.
    """
    return altered() or stranger(thing)


def changed(thing: object, free: frozenset[str] = frozenset()) -> str:
    """As `foreign`, but of the object's own code alone: its fields, and the names in `free`, may be anybody's."""
    return altered() or different(thing, free)


def base_of(thing: object) -> Thing:
    """The class of the package that an object's class is, or inherits from; None where there is none."""
    return next((cls for cls in _mro(type(thing)) if cls in _CLASSES), None)


def _mro(kind: type) -> tuple[type, ...]:
    """Where Python looks for attributes, whatever a metaclass says of it."""
    found: tuple[type, ...] = type.__dict__["__mro__"].__get__(kind)
    return found


def stranger(thing: object) -> str:
    """As `foreign`, but without a look at what was replaced in the package since its import: for inner steps."""
    return _strange(thing, frozenset())


def _strange(value: Thing, seen: frozenset[int]) -> str:
    # From the outside in: plain values hold no code; containers are as good as their entries; classes and functions
    # must be the very objects that were recorded; any other object is the code of its class, then what it holds.
    # seen: objects on the way here, as an object may hold itself.
    kind = type(value)
    if kind in PLAIN or id(value) in seen or _is_number(kind):
        return ""
    seen = seen | {id(value)}
    if kind in LISTS:
        return _first(value, seen)
    if kind in TABLES:
        return _first((*value, *value.values()), seen)
    if isinstance(value, type):
        known = value in _CLASSES or value in PYTHON
        return "" if known else _not_ours(value)
    if kind is types.FunctionType:
        return "" if value in _FUNCTIONS else _not_ours(value)
    numpy = sys.modules.get("numpy")
    if numpy is not None and kind is numpy.ndarray:
        return _first(value.ravel(), seen) if value.dtype.hasobject else ""
    return different(value) or _first(_inside(value), seen)


def _inside(value: object) -> tuple[object, ...]:
    """What an object holds whose own code is the package's."""
    return *(namespace(value) or {}).values(), *_SEALS.get(id(value), {}).values()


def _not_ours(what: type | types.FunctionType) -> str:
    return f"{what.__qualname__} is not the package's own"


def _first(values: Iterable[object], seen: frozenset[int]) -> str:
    return next((found for v in values if (found := _strange(v, seen))), "")


def _is_number(kind: type) -> bool:
    """True for numpy's scalars, which no user's class is, and for sympy's expressions, known from its import on."""
    if kind in _NUMBERS:
        return issubclass(kind, sys.modules[NUMBERS].Basic)
    if type(kind) is not type or kind.__flags__ & HEAP or kind.__module__ != "numpy":
        return False
    return issubclass(kind, sys.modules["numpy"].generic)


def different(thing: object, free: frozenset[str] = frozenset()) -> str:
    """As `changed`, but without a look at what was replaced in the package since its import: for inner steps."""
    kind = type(thing)
    if not any(cls in _CLASSES for cls in _mro(kind)):
        return _not_ours(kind)
    # A user's subclass may add what nobody asks for (a name, a docstring, helpers of its own). It is strange as soon as
    # it touches a name that code of the package reads, or one that a base defines, dunders included.
    for cls in _mro(kind):
        if cls in _CLASSES or cls in PYTHON:
            continue
        if type(cls) not in METAS:
            return f"{cls.__qualname__} has a metaclass of its own"
        if odd := odd_class(cls):
            return f"{cls.__qualname__} {odd}"
        told = TOLD | free
        own = [n for n in vars(cls) if n not in told and not _told(cls, n) and _matters(kind, cls, n)]
        if own:
            return f"{cls.__qualname__}.{own[0]} is not the package's own"
    return hidden(thing)


def looked_up(kind: type, names: Collection[str] = ()) -> str:
    """ "" for a class whose attributes are found as Python finds them, and these names in the object; else what is not.

    A descriptor in the place of a field gives another value each time it is asked.
    """
    if any(type(cls) not in METAS for cls in _mro(kind)):
        return f"{kind.__qualname__} has a metaclass of its own"
    asked = ("__getattribute__", "__getattr__", "__dict__", "__class__")
    spaces = [vars(cls) for cls in _mro(kind) if not (cls in _CLASSES or cls in PYTHON)]
    found = next((n for n in asked for space in spaces if n in space and not _plain(space[n])), None)
    return found or next((n for n in names for s in spaces if hasattr(type(s.get(n)), "__set__")), "")


def _plain(attribute: object) -> bool:
    """True for the `__dict__` that Python itself gives to a class."""
    return type(attribute) is types.GetSetDescriptorType


def hidden(thing: object) -> str:
    """ "" unless an attribute of the object itself stands before code of its class; then which."""
    kind, space = type(thing), namespace(thing)
    if space is None:
        return f"{kind.__qualname__} {ODD_NAMES}"
    found = next((n for n in space if _hides(kind, n)), None) or _forged(thing, kind)
    return f"{kind.__qualname__}.{found} was replaced on the object" if found else _unmade(thing, kind)


def _unmade(thing: object, kind: type) -> str:
    """ "" unless a dataclass holds what its own constructor refuses, or makes something else of."""
    check = next((vars(cls).get("__post_init__") for cls in _mro(kind) if "__post_init__" in vars(cls)), None)
    if check is None or check not in _FUNCTIONS or _kept(kind):
        return ""
    held = getattr(thing, "__dict__", {})
    # object.__new__ and a dictionary make a dataclass whose checks never ran. So they are run on a copy, and what they
    # would have refused or rewritten tells that no constructor made it.
    listed = {
        n: f
        for n, f in getattr(kind, "__dataclass_fields__", {}).items()
        if n in _field_names(kind) and n in held
    }
    again: Thing = object.__new__(kind)
    again.__dict__.update({n: held[n] if f.init else _first_value(f) for n, f in listed.items()})
    try:
        check(again)
    except Exception:
        return f"{kind.__qualname__} holds what its constructor refuses"
    other = next((n for n in listed if not _same(held[n], again.__dict__.get(n))), None)
    return "" if other is None else f"{kind.__qualname__}.{other} was replaced on the object"


def _first_value(f: Field[object]) -> object:
    """What a dataclass's constructor puts into a field that it does not take."""
    return f.default if f.default_factory is MISSING else f.default_factory()


def _same(held: Thing, made: Thing) -> bool:
    """Equal values of one type, also inside tuples."""
    if held is made:
        return True
    if type(held) is not type(made):
        return False
    if type(held) is tuple:
        return len(held) == len(made) and all(map(_same, held, made))
    return bool(held == made)


class kept(cached_property[T]):
    """A cached property of a sealed object: its value cannot be written to, and one put in its place is seen."""

    def __get__(self, thing: Thing, owner: object = None) -> Thing:
        if thing is None:
            return self
        from compth._threads import one_blas_thread  # recorded like any module: not imported before the watch

        with one_blas_thread:
            value = immutable(self.func(thing))
        _SEALS.setdefault(id(thing), {})[self.attrname] = thing.__dict__[self.attrname] = value
        return value


_SEALS: dict[int, dict[Thing, Thing]] = {}
"""What each sealed object held when it was made, and what it has computed since: out of reach of its attributes."""


def seal(thing: Thing) -> None:
    """Keep the values of a dataclass's fields, or of any attributes, at the end of an object's construction."""
    names = (
        [f.name for f in fields(thing)] if hasattr(type(thing), "__dataclass_fields__") else list(vars(thing))
    )
    _SEALS.setdefault(id(thing), {}).update({name: getattr(thing, name) for name in names})
    weakref.finalize(thing, _SEALS.pop, id(thing), None)


def remembered(thing: object, key: object, make: Callable[[], T]) -> T:
    """make(), once for each object and key: a sealed one has no attribute for it that could be replaced."""
    known = _SEALS.get(id(thing))
    if known is None:
        known = thing.__dict__.setdefault("_remembered", {})
    if key not in known:
        known[key] = make()
    found: T = known[key]
    return found


def immutable(value: Thing) -> Thing:
    """The same value; arrays, also inside tuples, in memory that nothing makes writeable again."""
    # setflags(write=False) can be undone by whoever holds the array. Over a bytes object numpy never allows writing.
    numpy = sys.modules.get("numpy")
    if isinstance(value, tuple):
        return tuple(map(immutable, value))
    if numpy is None or type(value) is not numpy.ndarray or not value.size or value.dtype.hasobject:
        return value
    order = "F" if value.flags.f_contiguous and not value.flags.c_contiguous else "C"
    return numpy.frombuffer(value.tobytes(order), value.dtype).reshape(value.shape, order=order)


def _forged(thing: object, kind: type) -> str | None:
    """Which attribute of a sealed object is not what it was made with, or not what its own code computed."""
    if not _kept(kind):
        return None
    seals = _SEALS.get(id(thing), {})
    odd = (n for n, v in vars(thing).items() if seals.get(n, _MISSING) is not v)
    return next((n for n in odd if n in seals or n in _kept(kind) or n in _asked(len(_FUNCTIONS))), None)


@cache
def _kept(kind: type) -> frozenset[str]:
    """The names of the kept properties of a class."""
    return frozenset(
        n for cls in _mro(kind) if cls in _CLASSES for n, v in vars(cls).items() if type(v) is kept
    )


def _matters(kind: type, cls: type, name: str) -> bool:
    """False for a name that a subclass adds and that no code of the package ever asks for."""
    hides = any(name in vars(base) for base in _mro(kind) if base is not cls)
    return hides or name.startswith("__") or name in _asked(len(_FUNCTIONS))


@cache
def _asked(functions: int) -> frozenset[str]:
    """Every attribute, and every text, that the functions recorded so far name."""
    # Names may also be asked by text (getattr, vars, a table of names): every string constant counts, word by word.
    found: set[str] = set()
    left: list[object] = [f.__code__ for f in islice(_FUNCTIONS, functions)]
    while left:
        item = left.pop()
        if isinstance(item, types.CodeType):
            found.update(item.co_names)
            left.extend(item.co_consts)
        elif isinstance(item, tuple | frozenset):
            left.extend(item)
        elif isinstance(item, str):
            found.update(item.split())
    return frozenset(found)


def _told(cls: type, name: str) -> bool:
    """The __repr__ that the package gives to every subclass."""
    return name == "__repr__" and vars(cls)[name] in _FUNCTIONS


@cache
def _field_names(kind: type) -> frozenset[str]:
    """A dataclass's fields: its class variables, which Python lists among them, are none."""
    return frozenset(f.name for f in fields(kind)) if hasattr(kind, "__dataclass_fields__") else frozenset()


def _hides(kind: type, name: str) -> bool:
    """True when an object's own attribute stands before code of its class: no field, and no value kept by Python."""
    if name in _field_names(kind):
        return False
    found = next((vars(cls)[name] for cls in _mro(kind) if name in vars(cls)), None)
    return found is not None and not isinstance(found, cached_property)
