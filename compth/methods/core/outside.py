"""What a body reads besides its arguments: globals, closures, and what the functions that it calls read.

A trace speaks of the body with these values. One that is asked for after they have moved is made anew; a body that
moves them itself does another step each time, and is no program.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from dis import get_instructions
from fractions import Fraction
from functools import cache, lru_cache, partial, wraps
from inspect import Signature
from types import BuiltinFunctionType, CodeType, FunctionType, MethodType, ModuleType
from typing import TYPE_CHECKING, Concatenate, Generic, ParamSpec, TypeVar
from weakref import WeakSet

import numpy as np

from compth._earned import earned, kept
from compth._own import base_of, functions
from compth.methods.core.program import Body, named
from compth.methods.core.vectors import Underivable

if TYPE_CHECKING:
    from collections.abc import Sequence


A = TypeVar("A")
P = ParamSpec("P")
T = TypeVar("T")
VALUES = (int, float, complex, str, bytes, Fraction, type(None))
# answers of these modules depend on their arguments alone, so they need not be followed; all others might
# keep a counter
STEADY = frozenset(
    {"numpy", "math", "cmath", "fractions", "operator", "functools", "compth", "builtins", "sympy", "numbers"}
    | {"decimal", "abc", "typing", "types", "enum", "dataclasses", "collections"}
)
"""Modules whose functions give the same answer each time."""
# even steady modules have names behind which a state or an unread part of memory lies: np.empty, error
# states, the shared generator, attributes by text
SHIFTING = frozenset(
    {
        "open",
        "input",
        "globals",
        "locals",
        "breakpoint",
        "eval",
        "exec",
        "compile",
        "getattr",
        "setattr",
        "delattr",
    }
    | {
        "vars",
        "id",
        "__dict__",
        "__import__",
        "cache_info",
        "empty",
        "empty_like",
        "geterr",
        "seterr",
        "errstate",
    }
    | {
        "geterrcall",
        "seterrcall",
        "getbufsize",
        "setbufsize",
        "get_printoptions",
        "set_printoptions",
        "printoptions",
    }
    | {"getcontext", "setcontext", "localcontext"}
)
"""Names of what does not, of what reaches such by a text, and of the states that these modules keep."""
DESCRIBING = frozenset({"getset_descriptor", "member_descriptor", "_abc_data", "wrapper_descriptor"})
"""Of a class's namespace, what Python puts there itself."""
CACHED = type(cache(len))
HEAP = 1 << 9
"""The flag of classes that are made at run time, as those of users are."""
# a body that hides what it reads deeper, or among more entries, is refused by `unfollowed` rather than
# guessed at
DEPTH, SIZE = 8, 1000
"""Functions and containers in one another that are followed, and the most entries of one."""

# weak, so that a body that is seen to move does not live on because of it
MOVING: WeakSet[object] = WeakSet()
"""Bodies that were seen to change what they read: they are not run again but to simulate."""


class _This:
    """An object by identity, kept alive so that no other takes its place."""

    __slots__ = ("thing",)

    def __init__(self, thing: object) -> None:
        self.thing = thing

    # equality by the thing's own == could be anything, and identity alone could be reused after a
    # collection: the thing is held here while the key lives
    def __eq__(self, other: object) -> bool:
        return isinstance(other, _This) and self.thing is other.thing

    def __hash__(self) -> int:
        return id(self.thing)


@cache
def _names(code: CodeType) -> tuple[str, ...]:
    """Names of a code and of the codes nested in it."""
    nested = [name for c in code.co_consts if isinstance(c, CodeType) for name in _names(c)]
    return tuple(dict.fromkeys((*code.co_names, *nested)))


def outside(body: object) -> tuple[object, ...]:
    """A value that differs once anything that the body reads does; () for a body of the package, which is watched."""
    return () if body in functions() else tuple(_told(body, DEPTH, set()))


def unfollowed(body: object) -> str:
    """ "" where all that the body reads is plain values, functions and objects made of these; else what is not.

    A counter, a clock, a generator or a file gives another answer each time, and no value of it shows that.
    """
    return "" if body in functions() else _opaque("", body, DEPTH, set())


def _opaque(name: str, value: object, depth: int, seen: set[int]) -> str:
    kind = type(value)
    # plain values show everything by their repr; what was seen is not followed twice, or cyclic objects
    # would never end
    if kind in VALUES or isinstance(value, np.generic) or id(value) in seen or base_of(value) is not None:
        return ""
    seen.add(id(value))
    if isinstance(value, ModuleType):
        return "" if value.__name__.partition(".")[0] in STEADY else f"the module {value.__name__}"
    if isinstance(value, FunctionType) and value not in functions():
        # a function's code is looked at before its contents: it may name what gives another answer each
        # time
        moving = _moving_names(value.__code__, value.__globals__)
        if moving:
            return moving
    if _steady(value):
        return ""
    if not depth or not _is_followed(value):
        return f"{name or 'something'}, a {kind.__name__}"
    inside = ((f"{name}.{n}" if name else str(n), v) for n, v in _held(value))
    return next((said for n, v in inside if (said := _opaque(n, v, depth - 1, seen))), "")


def _steady(value: object) -> bool:
    """True for classes and functions of modules that keep nothing between calls."""
    if isinstance(value, range | slice | np.dtype | np.ufunc | type(np.sum)):
        return True
    if not isinstance(value, type | BuiltinFunctionType | FunctionType):
        return "sympy" in sys.modules and isinstance(value, sys.modules["sympy"].Basic)
    if isinstance(value, BuiltinFunctionType) and not isinstance(value.__self__, type | ModuleType | None):
        # a bound builtin such as list.append or a generator's __next__ has a state behind it
        return False  # a method of something
    module, name = value.__module__, value.__name__
    if type(module) is not str or module.partition(".")[0] not in STEADY or module.startswith("numpy.random"):
        return False
    home = sys.modules.get(module)
    # only what a steady module itself holds under that name, made by its own lines: a name may be put into
    # a module by anybody
    return getattr(home, name, None) is value and _made_in(value, home)


def _made_in(value: object, home: object) -> bool:
    """True for a class or function that the module's own lines made: a name in it may be put there by anybody."""
    if isinstance(value, FunctionType):
        return value.__globals__ is vars(home)
    if not (isinstance(value, type) and type.__dict__["__flags__"].__get__(value) & HEAP):
        return True
    inside = [v for v in vars(value).values() if isinstance(v, FunctionType)]
    return any(f.__globals__ is vars(home) for f in inside)


def _moving_names(code: CodeType, space: dict[str, object]) -> str:
    """What a code names that gives another answer each time: an import on the way, numpy's shared generator."""
    names = set(_names(code))
    if any(op.opname == "IMPORT_NAME" for c in _nested(code) for op in get_instructions(c)):
        return "what it imports on the way"
    held = (space.get(n) for n in names)
    modules = [m for m in held if isinstance(m, ModuleType) and m.__name__ == "numpy"]
    return "numpy.random" if modules and "random" in names else next(iter(sorted(names & SHIFTING)), "")


def _nested(code: CodeType) -> Iterator[CodeType]:
    yield code
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield from _nested(inner)


def _is_followed(value: object) -> bool:
    """True for what holds nothing but what `_held` lists."""
    plain = isinstance(value, FunctionType | MethodType | CodeType | np.ndarray | partial | property | CACHED)
    held = isinstance(value, dict | list | tuple | set | frozenset | staticmethod | classmethod)
    return plain or held or bool((value if isinstance(value, type) else type(value)).__flags__ & HEAP)


def _held(value: object) -> Iterator[tuple[object, object]]:
    """What is inside: as `_parts`, of objects and classes with the code of their class as well."""
    if isinstance(value, type):
        kinds = (*value.__mro__, type(value))
        yield from ((n, v) for c in kinds if c.__flags__ & HEAP for n, v in vars(c).items() if _code(v))
    else:
        yield from _parts(value)
        kind = type(value)
        if kind.__flags__ & HEAP and kind is not partial and kind is not CACHED:
            slots = [n for c in kind.__mro__ for n in vars(c).get("__slots__", ()) if hasattr(value, n)]
            yield from ((n, getattr(value, n)) for n in slots)
            yield "class", kind


def _code(value: object) -> bool:
    """True for what may run, or hold something, of a class's namespace."""
    return not isinstance(value, str | type(None)) and type(value).__name__ not in DESCRIBING


def _told(value: object, depth: int, seen: set[int]) -> Iterator[object]:
    kind = type(value)
    if kind in VALUES or isinstance(value, np.generic):
        # type and repr, as 1, 1.0 and True are equal and do not behave alike
        yield kind, repr(value)
        return
    # the object itself first: another one with equal parts is another value
    yield _This(value)
    if depth == 0 or id(value) in seen or isinstance(value, ModuleType) or base_of(value) is not None:
        return
    if isinstance(value, type) and not _theirs(value):
        return
    seen.add(id(value))
    for name, part in (*_parts(value), *_of_class(value)):
        yield name
        yield from _told(part, depth - 1, seen)


def _theirs(kind: type) -> bool:
    """True for a class that a user's code made."""
    return (
        bool(type.__dict__["__flags__"].__get__(kind) & HEAP) and base_of(kind) is None and not _steady(kind)
    )


def _of_class(value: object) -> Iterator[tuple[object, object]]:
    """The namespaces of a user's class and of its metaclass, and the class of a user's object."""
    for kind in value.__mro__ if isinstance(value, type) else ():
        if _theirs(kind):
            yield from ((n, v) for n, v in list(vars(kind).items()) if type(v).__name__ not in DESCRIBING)
    if _theirs(type(value)):
        yield "class", type(value)


def _parts(value: object) -> Iterator[tuple[object, object]]:
    """What is inside, each with a name."""
    if isinstance(value, FunctionType):
        yield from _read(value)
    elif type(value) is CACHED:
        yield "function", value.__wrapped__
    elif isinstance(value, partial):
        yield from (("function", value.func), *enumerate(value.args), *value.keywords.items())
    elif isinstance(value, property):
        yield from (("get", value.fget), ("set", value.fset))
    elif isinstance(value, staticmethod | classmethod):
        yield "function", value.__func__
    elif isinstance(value, MethodType):
        yield from (("function", value.__func__), ("self", value.__self__))
    elif isinstance(value, np.ndarray):
        yield "bytes", None if value.dtype.hasobject else value.tobytes()
    elif isinstance(value, dict | list | tuple | set | frozenset):
        inside = value.items() if isinstance(value, dict) else enumerate(value)
        yield from ((repr(k), v) for k, v in inside if len(value) <= SIZE)
    elif isinstance(getattr(value, "__dict__", None), dict):
        yield from list(vars(value).items())[:SIZE]


def _read(function: FunctionType) -> Iterator[tuple[str, object]]:
    """What a function reads; the package's own read what is watched."""
    if function in functions():
        return
    yield "code", function.__code__
    space = function.__globals__
    # globals by the names in the code and in nested codes: attributes' names are among them, which follows
    # more than is needed and never less
    names = _names(function.__code__)
    yield from ((name, space[name]) for name in names if name in space)
    yield from _of_modules([space[name] for name in names if name in space], names)
    for name, value in list(vars(function).items()):  # a signature is told by its text, which holds all of it
        yield name, str(value) if type(value) is Signature else value
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        try:
            yield name, cell.cell_contents
        # an empty cell: the closure is called before its variable exists
        except ValueError:  # bound later
            yield name, None
    yield "defaults", function.__defaults__
    yield "keyword defaults", function.__kwdefaults__
    yield "wrapped", getattr(function, "__wrapped__", None)


def _of_modules(modules: Sequence[object], names: tuple[str, ...]) -> Iterator[tuple[str, object]]:
    """What these names mean in the modules among the values, and in modules of those."""
    left, seen = [m for m in modules if isinstance(m, ModuleType)], set[int]()
    while left:
        module = left.pop()
        if id(module) in seen:
            continue
        seen.add(id(module))
        found = [(name, vars(module)[name]) for name in names if name in vars(module)]
        left += [v for _, v in found if isinstance(v, ModuleType)]
        yield from ((f"{module.__name__}.{name}", v) for name, v in found)


def run_until_values_rest(body: Body, run: Callable[[], T]) -> T:
    """run(), which runs the body; again where it kept what it computed once. Underivable where values move on."""
    # a counter, clock or generator cannot be seen to move by looking, so it is refused before the run
    opaque = unfollowed(body)
    if opaque:
        raise Underivable(f"it reads {opaque}, whose state is not followed", name=named(body))
    # the first run may fill a cache that the body reads: its values move once and then rest. Twice moved is
    # a step that differs each time
    for _ in range(2):
        before, found = outside(body), None if body in MOVING else run()
        if found is not None and outside(body) == before:
            return found
    MOVING.add(body)
    raise Underivable(
        "it changes values that it reads, so that its steps are not all the same", name=named(body)
    )


@dataclass(frozen=True, eq=False)
class Kept(Generic[T]):
    """An answer that is given again."""

    value: T


def while_it_reads_the_same(
    maxsize: int, body: Callable[[A], object]
) -> Callable[[Callable[Concatenate[A, P], T]], Callable[Concatenate[A, P], T]]:
    """An lru_cache whose first argument has a body; what is kept counts while the body reads the same values.

    An answer into which somebody wrote, at any depth, is computed again.
    """

    def made(function: Callable[Concatenate[A, P], T]) -> Callable[Concatenate[A, P], T]:
        run: Callable[..., T] = function

        @lru_cache(maxsize=maxsize)
        def computed(
            _: tuple[object, ...], args: tuple[object, ...], options: tuple[tuple[str, object], ...]
        ) -> Kept[T]:
            return kept(Kept(run(*args, **dict(options))))

        @wraps(function)
        def found(first: A, /, *args: P.args, **options: P.kwargs) -> T:
            # the key holds all that the body reads, so an answer is found again only while that is the same
            key = (outside(body(first)), (first, *args), tuple(sorted(options.items())))
            answer = computed(*key)
            if not earned(answer):  # whoever was given it wrote into it
                computed.cache_clear()
                answer = computed(*key)
            return answer.value

        return found

    return made


__all__ = ["outside", "run_until_values_rest", "while_it_reads_the_same"]
