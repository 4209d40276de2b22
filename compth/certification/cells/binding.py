"""The program's own code, run where its names mean functions on expressions.

Its code objects are run as they are, with namespaces of their own: numpy, math and Python's functions are
those of `words`, helpers are bound in the same way, numbers and tables are what they are and cannot be
changed. What the code could use to see that it is traced, or to keep something between calls, refuses
before it runs.

Why the program's own code: a parser of Python would have meanings of its own. What may be changed: more
meanings (`Binding.meaning`) of values that cannot change between calls. What must not: no name of the
program may lead to Python's or numpy's real objects where a symbol could be told from a number, an
attribute that begins with two underscores is never given, and what a name held when it was bound is
compared again at the end (`changed`).
"""

from __future__ import annotations

import builtins
import dis
import math
import types
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from operator import attrgetter
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import NoReturn, TypeVar, cast

import numpy as np

from compth.certification.cells import forks, frozen, python_words, words
from compth.certification.cells.array import INTEGER, REAL, TRUTH, Array, Chosen, Picked, as_array
from compth.certification.cells.draws import Draws, Shuffled
from compth.certification.cells.elementwise import merged
from compth.certification.cells.nodes import NAMES, Mute, stop
from compth.certification.cells.orders import Order, Places
from compth.certification.cells.paths import explored
from compth.certification.cells.rewriting import rewritten
from compth.certification.held import is_atom, is_fixed, of_the_process, snapshot
from compth.certification.vocabulary import FREE

T = TypeVar("T")

ALLOWED = FREE | frozenset(
    [
        "LOAD_GLOBAL",
        "LOAD_NAME",
        "LOAD_ATTR",
        "LOAD_METHOD",
        "LOAD_DEREF",
        "LOAD_CLASSDEREF",
        "STORE_DEREF",
        "DELETE_DEREF",
        "IS_OP",
        "IMPORT_NAME",
        "IMPORT_FROM",
        "RAISE_VARARGS",
        "LOAD_ASSERTION_ERROR",
        "WITH_EXCEPT_START",
        "PUSH_EXC_INFO",
        "POP_EXCEPT",
        "RERAISE",
        "FORMAT_VALUE",
        "FORMAT_SIMPLE",
        "FORMAT_WITH_SPEC",
        "CONVERT_VALUE",
        "BUILD_STRING",
        "DICT_MERGE",
        "DICT_UPDATE",
        "LOAD_FAST_BORROW",
        "LOAD_FAST_BORROW_LOAD_FAST_BORROW",
        "LOAD_SMALL_INT",
        "NOT_TAKEN",
        "POP_ITER",
        "LOAD_COMMON_CONSTANT",
    ]
)
HIDDEN = frozenset(["gi_frame", "gi_code", "cr_frame", "cr_code", "ag_frame", "ag_code"])
"""Attributes of Python's own objects that lead out of what is traced; so do all that begin with two underscores."""


@dataclass
class Binding:
    """The functions that were bound, and what their names held when they were.

    bound: functions by identity, each bound once. held: how to look a name up again, a snapshot of what it
    held, the name. keep: functions that must stay alive, since they are known by identity.
    """

    bound: dict[int, Bound] = field(default_factory=dict)
    held: list[tuple[Callable[[], object], object, str]] = field(default_factory=list)
    keep: list[object] = field(default_factory=list)

    def changed(self) -> str:
        """ "" while every name still holds what it held; else which does not."""
        return next((name for now, before, name in self.held if snapshot(now()) != before), "")

    def hold(self, now: Callable[[], T], name: str) -> T:
        """The value of a name, remembered as it is now."""
        value = now()
        self.held.append((now, snapshot(value), name))
        return value

    # what a name means

    def meaning(self, value: object, name: str) -> object:
        """What stands for a value that the program finds under this name."""
        # Identity, with the object itself kept beside it: another object at the same address is another
        # one.
        known = _KNOWN.get(id(value))
        if known is not None and known[0] is value:
            return known[1]
        if is_fixed(value):
            return value
        # sys.argv, os.environ and the like differ where the certificate is checked again.
        if of_the_process(value):
            return stop(f"{name} of Python's library is not traced: another process has another")
        if isinstance(value, ModuleType):
            return Module(self, value)
        if type(value) is FunctionType:
            return self.function(value)
        # Types are compared by identity everywhere here: a subclass may do as it likes in its own methods.
        if type(value) is np.ndarray:
            # A table of the program: frozen, since a store into it would outlive the call.
            found = as_array(value).copy()
            found.data.flags.writeable = False
            return found
        if type(value) in (list, tuple) and isinstance(value, list | tuple):
            listed = [self.meaning(v, name) for v in value]
            return tuple(listed) if type(value) is tuple else frozen.List(listed)
        if type(value) is dict and all(map(is_atom, value)):
            return frozen.Dict({k: self.meaning(v, name) for k, v in value.items()})
        if type(value) is partial:
            called = _callable(self.meaning(value.func, name))
            return partial(called, *self._all(value.args), **self._named(value.keywords))
        if type(value) is MethodType:
            return partial(_callable(self.meaning(value.__func__, name)), self.meaning(value.__self__, name))
        return Thing(self, value, name)

    def _all(self, values: Iterable[object]) -> list[object]:
        """What positional arguments mean."""
        return [self.meaning(v, "an argument") for v in values]

    def _named(self, values: Mapping[str, object]) -> dict[str, object]:
        """What named arguments mean."""
        return {k: self.meaning(v, k) for k, v in values.items()}

    def function(self, f: FunctionType) -> Bound:
        """The function with names of its own; bound when it is first called."""
        if id(f) not in self.bound:
            self.keep.append(f)
            self.bound[id(f)] = Bound(self, f)
        return self.bound[id(f)]


def _callable(meaning: object) -> Callable[..., object]:
    """What the program calls; what cannot be called fails as it does in the program."""
    return cast("Callable[..., object]", meaning)


def call_of(binding: Binding, thing: object, arguments: list[object]) -> object:
    """What the program returns, joined over its branches.

    Arguments are copied for every way: what one way stores another must not see.
    """
    means = _callable(binding.meaning(thing, "the program"))
    return explored(lambda: means(*[a.copy() if isinstance(a, Array) else a for a in arguments]), merged)


class Bound(Mute):
    """A function of the program, to be called with expressions."""

    def __init__(self, binding: Binding, f: FunctionType) -> None:
        self._binding, self._f = binding, f
        self._made: FunctionType | None = None

    def __call__(self, *arguments: object, **named: object) -> object:
        """Runs the code; where it stores into nothing, its branches are joined at its return, so that those of
        many calls do not multiply.
        """
        made = self._made or self._bind()
        listed = [*arguments, *named.values()]
        # Only where arguments hold nothing that could be changed, and one of them is a symbol that could be
        # branched on.
        if self._alone and all(map(_plain, listed)) and any(isinstance(a, Array) for a in listed):
            return explored(lambda: made(*arguments, **named), merged)
        return made(*arguments, **named)

    def _bind(self) -> FunctionType:
        """The same code with a namespace in which every name is what it means."""
        f, binding = self._f, self._binding
        says, at = objection(f.__code__)
        if says := says or _hidden_word(f.__code__):
            stop(says, f"{f.__code__.co_name}(), line {at or f.__code__.co_firstlineno}")
        original = binding.hold(lambda: f.__code__, f"{f.__name__}()")
        code = rewritten(original) or original
        names = {n for c in nested(code) for n in c.co_names}
        # The namespace holds what the code names and nothing else; __builtins__ decides what Python falls
        # back on.
        space: dict[str, object] = {
            **forks.WORDS,
            NAMES: True,
            "__name__": "program",
            "__builtins__": _python(binding),
        }
        builtin: dict[str, object] = attrgetter("__builtins__")(f)  # which need not be Python's
        # A function may have been made with builtins of its own: then a plain name would not mean what it
        # says.
        for n in sorted(names):
            if n not in f.__globals__ and n in _BUILTINS and builtin.get(n) is not _BUILTINS[n]:
                stop(f"another {n} than Python's")
            if n in f.__globals__ and n not in forks.WORDS:
                space[n] = binding.meaning(binding.hold(partial(f.__globals__.get, n), n), n)
        # Variables of outer functions become cells that hold what they mean; the real cells are only read.
        outer = dict(zip(original.co_freevars, f.__closure__ or (), strict=True))
        cells = tuple(types.CellType(binding.meaning(binding.hold(partial(getattr, outer[n], "cell_contents"), n), n))
                      for n in code.co_freevars)  # fmt: skip
        defaults = binding.hold(lambda: f.__defaults__, f"defaults of {f.__name__}()")
        self._made = FunctionType(code, space, f.__name__, defaults and tuple(binding._all(defaults)), cells)
        keywords = binding.hold(lambda: f.__kwdefaults__, f"defaults of {f.__name__}()")
        self._made.__kwdefaults__ = keywords and binding._named(keywords)
        return self._made

    @property
    def _alone(self) -> bool:
        """True where the code stores into nothing that its caller could see: its branches end with it."""
        return not self._f.__closure__ and not any(
            i.opname in ("STORE_SUBSCR", "STORE_SLICE", "DELETE_SUBSCR") or i.argval in _CHANGES
            for c in nested(self._f.__code__)
            for i in dis.get_instructions(c)
        )

    def __getattr__(self, name: str) -> NoReturn:
        stop(f".{name} of a function")


_OWN = frozenset(
    n for kind in (Array, Picked, Chosen, Order, Places, Shuffled, Draws, Bound)
    for n in dir(kind) if n.startswith("_") and not n.startswith("__")
) | {"_f", "_binding", "_made"}  # fmt: skip
"""Names of what stands for numbers, which numbers do not have."""
_CHANGES = ("append", "extend", "pop", "insert", "remove", "sort", "reverse", "fill", "shuffle", "clear", "update",
            "at", "add")  # fmt: skip


def _plain(value: object) -> bool:
    """Scalars, the generator, and what is no array: nothing that a function can change."""
    return isinstance(value, Draws) or (isinstance(value, Array) and not value.ndim) or is_fixed(value)


class Module(Mute):
    """A module: its names mean what they mean to the program."""

    def __init__(self, binding: Binding, module: ModuleType) -> None:
        self._binding, self._module = binding, module

    def __getattr__(self, name: str) -> object:
        """numpy's and math's names by the tables of `words`, those of the program's own modules by what they hold."""
        if name.startswith("__"):
            raise AttributeError(name)
        # Of numpy and math by table alone: what is not listed there is not traced, whatever it does.
        for module, listed in ((np, words.NUMPY), (math, words.MATH)):
            if self._module is module:
                _unmodified(module, name)
                return listed[name] if name in listed else stop(f"{module.__name__}.{name} is not traced")
        if name not in vars(self._module) or self._module.__name__.partition(".")[0] == "numpy":
            stop(f"{self._module.__name__}.{name} is not traced")
        held = self._binding.hold(lambda: vars(self._module).get(name), name)
        if of_the_process(held, self._module):
            stop(f"{self._module.__name__}.{name} is not traced: another process has another")
        return self._binding.meaning(held, name)


def _unmodified(module: ModuleType, name: str) -> None:
    """Refuses a name of numpy or math that was replaced since the package was imported."""
    real, known = getattr(module, name, None), _ORIGINAL.get((module.__name__, name))
    if known is not None and known is not real:
        stop(f"{module.__name__}.{name} was replaced")


class Thing:
    """An object of a plain class: its fields may be read, its methods called; anything else refuses."""

    def __init__(self, binding: Binding, value: object, name: str) -> None:
        # Its own __setattr__ refuses, as the program's stores into objects must.
        object.__setattr__(self, "__of__", (binding, value, name))

    def __getattr__(self, name: str) -> object:
        """A field of the object, a method, a property; of classes that find attributes in another way nothing."""
        binding, value, known = object.__getattribute__(self, "__of__")
        if name.startswith("__") or not _is_plain(type(value)):
            return stop(f"uses {known}, a {type(value).__name__}")
        if name in getattr(value, "__dict__", {}) and not _computed(type(value), name):
            return binding.meaning(binding.hold(lambda: vars(value).get(name), name), name)
        return _of_class(binding, self, type(value), name)

    def __call__(self, *arguments: object, **named: object) -> object:
        """Its own __call__, where it is a function."""
        binding, value, known = object.__getattribute__(self, "__of__")
        if not _is_plain(type(value)) or isinstance(value, type):
            return stop(f"uses {known}, a {type(value).__name__}")
        return _callable(_of_class(binding, self, type(value), "__call__"))(*arguments, **named)

    def _refused(self, *_: object) -> NoReturn:
        _, value, known = object.__getattribute__(self, "__of__")
        stop(f"uses {known}, a {type(value).__name__}")

    __setattr__ = __iter__ = __len__ = __getitem__ = __setitem__ = __eq__ = __bool__ = __contains__ = _refused
    __add__ = __radd__ = __mul__ = __rmul__ = __lt__ = __gt__ = __repr__ = __str__ = __hash__ = _refused


def _is_plain(kind: type) -> bool:
    """A class of Python code whose attributes are found in the usual way."""
    own = [vars(k) for k in kind.__mro__[:-1]]
    # Any of these would make an attribute something else than what the dictionaries hold.
    odd = ("__getattribute__", "__getattr__", "__slots__", "__setattr__")
    return (
        type(kind) is type
        and all(type(k) is type for k in kind.__mro__)
        and not any(n in v for v in own for n in odd)
    )


def _computed(kind: type, name: str) -> bool:
    """True for a name whose value the class computes, whatever the object holds under it."""
    found = next((vars(k)[name] for k in kind.__mro__ if name in vars(k)), None)
    return hasattr(type(found), "__set__") or hasattr(type(found), "__delete__")


def _of_class(binding: Binding, me: Thing, kind: type, name: str) -> object:
    """What an attribute of the class means for this object: a method, a static one, a property, a constant."""
    # By the method resolution order, as Python finds attributes of plain classes; descriptors of other
    # kinds stop.
    found = next((vars(k)[name] for k in kind.__mro__ if name in vars(k)), None)
    if isinstance(found, FunctionType):
        return partial(binding.function(found), me)
    if isinstance(found, staticmethod):
        return binding.meaning(found.__func__, name)
    if isinstance(found, property) and isinstance(found.fget, FunctionType):
        return binding.function(found.fget)(me)
    return binding.meaning(found, name) if is_fixed(found) and found is not None else stop(f"uses .{name}")


def _python(binding: Binding) -> dict[str, object]:
    """Python's names for the program; of modules it may import numpy and math."""

    def imported(name: str, *_: object) -> object:
        module = {"numpy": np, "math": math}.get(name)
        return stop(f"imports {name}") if module is None else Module(binding, module)

    return {**python_words.PYTHON, "__import__": imported}


def _hidden_word(code: CodeType) -> str:
    """A name of the program that would not mean what it says."""
    return next((f"uses the name {n}" for c in nested(code) for n in c.co_names if n in forks.WORDS), "")


def nested(code: CodeType) -> Iterator[CodeType]:
    """A code object and those inside."""
    yield code
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield from nested(inner)


def objection(code: CodeType) -> tuple[str, int | None]:
    """ "" for code that can keep nothing and cannot see that it is traced; else what it does, and in which line."""
    for c in nested(code):
        listed = list(dis.get_instructions(c))
        # A dunder or frame attribute leads from any object to its class, its globals and so to the package.
        odd = next((n for n in c.co_names if n.startswith("__") or n in HIDDEN or n in _OWN), "")
        if odd and any(i.argval == odd and i.opname in ("LOAD_ATTR", "LOAD_METHOD") for i in listed):
            return f"asks for .{odd}", None
        for before, i, after in zip([None, *listed], listed, [*listed[1:], None], strict=False):
            if says := _about(c, before, i, after):
                return says, i.positions.lineno if i.positions else None
    return "", None


def _about(
    code: CodeType, before: dis.Instruction | None, i: dis.Instruction, after: dis.Instruction | None
) -> str:
    """What is wrong with one instruction, by those around it; "" for nothing."""
    # A program that catches exceptions could catch a refusal, and go on as if the number had been there.
    if i.opname == "PUSH_EXC_INFO":
        return "" if after is not None and after.opname == "WITH_EXCEPT_START" else "catches an exception"
    if i.opname == "STORE_DEREF":
        return "changes a variable of an outer function" if i.argval in code.co_freevars else ""
    # `is None` is a fair question; another identity could tell a symbol from a number.
    if i.opname == "IS_OP":
        fixed = before is not None and before.opname == "LOAD_CONST" and before.argval is None
        return "" if fixed else "compares identities"
    known = i.opname in ALLOWED or i.opname.startswith(("POP_JUMP_", "JUMP_"))
    return "" if known else f"does what no trace follows ({i.opname} {i.argval})"


_BUILTINS = {n: getattr(builtins, n) for n in (*python_words.PYTHON, "__import__") if hasattr(builtins, n)}
_ORIGINAL = {(m.__name__, n): getattr(m, n) for m, listed in ((np, words.NUMPY), (math, words.MATH))
             for n in listed if hasattr(m, n)}  # fmt: skip
_KNOWN: dict[int, tuple[object, object]] = {}
"""Objects of numpy, math and Python by identity, and what stands for them."""


def _know(real: object, meaning: object) -> None:
    """Remember what stands for an object."""
    _KNOWN[id(real)] = real, meaning


for _name, _word in words.NUMPY.items():
    if hasattr(np, _name) and not isinstance(getattr(np, _name), ModuleType | float | type(None)):
        _know(getattr(np, _name), _word)
for _name, _word in words.MATH.items():
    if callable(_word):
        _know(getattr(math, _name), _word)
for _name in ("abs", "min", "max", "sum", "any", "all", "round", "pow", "len", "range", "enumerate", "zip"):
    _know(getattr(__import__("builtins"), _name), python_words.PYTHON[_name])
for _real, _word in ((float, REAL), (int, INTEGER), (bool, TRUTH), (np.linalg.norm, words.linalg_norm)):
    _know(_real, _word)
