"""Which code a program runs: every opcode of every call, as a set to be judged and as paths to be compared.

A trace with symbols speaks of a program only where real runs go the same way. `Watch` records, for code that is neither
the package's own nor numpy's nor Python's, the opcodes executed in each traced run, the names that the code can see,
and what those held before; a real run must follow a recorded path, and no run may change what is held.

Whose code it is, is decided by identity and by where it was defined (`is_known`), never by what a frame or module says
of itself. The watch must leave no trace in the program: it restores tracing and the collector whatever happens.
"""

from __future__ import annotations

import _imp
import gc
import sys
import sysconfig
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from importlib.machinery import SourceFileLoader
from itertools import pairwise
from pathlib import Path
from types import CodeType, FrameType
from typing import TYPE_CHECKING, Protocol, TypeVar

import numpy as np

from compth import _own
from compth.certification.held import snapshot
from compth.certification.tracer import Strange, Symbol

if TYPE_CHECKING:
    from compth.certification.tracer import TraceGenerator


T = TypeVar("T")
FROZEN = "<frozen "
IMPORTERS = {f"importlib.{n}": f"_frozen_importlib{n[10:]}" for n in ("_bootstrap", "_bootstrap_external")}
"""What files of frozen modules that go by another name say, and that name."""
NUMPY = (str(Path(np.__file__).parent), FROZEN)
PYTHON = sysconfig.get_path("stdlib")
LIBRARIES = (sys.stdlib_module_names | {"numpy"}) - {"__main__"}
"""Where code of numpy and Python itself says it comes from; user code reaches it by words of the vocabulary only."""


class Step(Protocol):
    """A function that Python calls for every event of a traced frame, and that gives the one for the next."""

    def __call__(self, frame: FrameType, event: str, argument: object, /) -> Step | None: ...


@dataclass(frozen=True)
class Scope:
    """A piece of code as it was called: the names it sees, and the arguments that no caller of its own gave it.

    own: names of enclosing functions' variables, which hold what the program computes. me: the object of a method.
    """

    code: CodeType
    globals: dict[str, object]
    builtins: dict[str, object]
    free: dict[str, object]
    given: dict[str, object]
    me: object

    def held(self) -> list[object]:
        """What the code can see that outlives a call, as values."""
        seen = {k: self.globals[k] for k in self.code.co_names if k in self.globals}
        inside = getattr(self.me, "__dict__", {})
        return [snapshot(space) for space in (seen, self.free, self.given, inside)]


@dataclass
class Watch:
    """Records traced runs, then compares others with them.

    paths: hashes of whole traced runs. arcs: pairs of successive steps. executed: opcodes by code. scopes: what each
    piece of code sees, as it was at its first call.
    """

    paths: set[int] = field(default_factory=set)
    arcs: set[tuple[int, int]] = field(default_factory=set)
    executed: dict[CodeType, set[int]] = field(default_factory=dict)
    scopes: dict[object, tuple[Scope, object]] = field(default_factory=dict)
    steps: list[int] = field(default_factory=list)
    recording: bool = True

    def traced(self, program: Callable[[TraceGenerator], T]) -> Callable[[TraceGenerator], T]:
        """The same program; each run's path is kept. Raises Strange when a run changed what outlives it."""

        def run(rng: TraceGenerator) -> T:
            out = self._run(lambda: program(rng))
            if self.scopes and not self.steps:
                raise Strange("no opcode was seen")
            self.paths.add(hash(tuple(self.steps)))
            self.arcs.update(pairwise(self.steps))
            self.unchanged()
            return out

        return run

    def follows(self, run: Callable[[], object], whole: bool) -> bool:
        """True when this run takes a recorded path to its end; not whole: when it makes no step that none made."""
        self.recording = False
        self._run(run)
        return hash(tuple(self.steps)) in self.paths if whole else self.arcs.issuperset(pairwise(self.steps))

    def unchanged(self) -> None:
        """Raises Strange when something that the code can see has changed since its first call."""
        for scope, before in self.scopes.values():
            if scope.held() != before:
                raise Strange(f"{scope.code.co_name}() keeps state between calls")

    def _run(self, run: Callable[[], T]) -> T:
        """The run, without the garbage collector: a finaliser of others that it calls is no step of the program."""
        self.steps = []
        before, collects = sys.gettrace(), gc.isenabled()
        gc.disable()
        sys.settrace(self._called)
        try:
            return run()
        finally:
            sys.settrace(before)
            if collects:
                gc.enable()

    def _called(self, frame: FrameType, event: str, _: object, /) -> Step | None:
        """At each call: none for known code; else note what the code sees, and every opcode from here on."""
        code = frame.f_code
        if event != "call" or is_known(frame):
            return None
        if self.recording:
            self._enter(frame)
        # A step is (which code, which opcode) in one integer: a path of a million steps is then a list of
        # small objects, and its hash and pairs are all that is kept of it.
        at, steps = id(code) << 20, self.steps
        done = self.executed.setdefault(code, set()) if self.recording else set()

        def step(inner: FrameType, what: str, _: object, /) -> Step | None:
            if what == "opcode":
                steps.append(at + inner.f_lasti)
                done.add(inner.f_lasti)
            return step

        frame.f_trace = step  # first: from Python 3.13 on, only a frame that is traced may ask for opcodes
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        return step

    def _enter(self, frame: FrameType) -> None:
        """Keep what this code sees at its first call, as it is then."""
        scope = scope_of(frame)
        # One scope for each pairing of code and surroundings: a closure made twice sees two sets of
        # variables.
        key = (id(scope.code), id(scope.globals), *(id(v) for v in scope.free.values()), id(scope.me))
        if key not in self.scopes:
            self.scopes[key] = scope, scope.held()


def scope_of(frame: FrameType) -> Scope:
    """What the code of this frame sees at its call."""
    code, values = frame.f_code, frame.f_locals
    names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    arguments = {k: values[k] for k in names if k in values}
    first = arguments.get(names[0]) if names else None
    me = first if names and names[0] == "self" else None
    # Arguments from the program's own code flow through the trace and are judged there; those from outside (a
    # partial's constants, a bound object) are data that the program holds.
    inner = frame.f_back is not None and not is_known(frame.f_back)
    outer = frame.f_back.f_code if inner and frame.f_back is not None else None
    free = {k: values[k] for k in code.co_freevars if k in values and not _local_of(code, k, outer)}
    given = {} if inner else {k: v for k, v in arguments.items() if v is not me and not _flows(v)}
    return Scope(code, frame.f_globals, frame.f_builtins, free, given, me)


def _local_of(code: CodeType, name: str, outer: CodeType | None) -> bool:
    """True for a variable of the very function that made this one and calls it."""
    return outer is not None and code in outer.co_consts and name in outer.co_cellvars


def _flows(value: object) -> bool:
    """True for the input and the generator of a call, which are not kept by the program."""
    symbols = isinstance(value, np.ndarray) and value.dtype == object
    return symbols or isinstance(value, np.random.Generator | Symbol)


def is_known(frame: FrameType) -> bool:
    """True for code of the package, numpy and Python, run where it was defined: it is not judged here."""
    code = frame.f_code
    name = frame.f_globals.get("__name__", "")
    # A frame may claim any `__name__`; only the module that really is loaded under it has these very globals.
    module = sys.modules.get(name)
    if module is None or vars(module) is not frame.f_globals:
        return False
    if id(code) in _own_codes(len(_own.functions())):
        return True
    return name.partition(".")[0] in LIBRARIES and _is_library(code)


@cache
def _is_library(code: CodeType) -> bool:
    """True for code that stands in a file of numpy or of Python itself, packages installed beside them excepted."""
    # Anybody may name such a file in code, and a module after it: so the file is asked whether it has this code.
    file = str(code.co_filename)
    home = file.startswith(NUMPY) or (file.startswith(PYTHON) and "site-packages" not in file)
    return home and code in _codes_in(file)


@cache
def _codes_in(file: str) -> frozenset[CodeType]:
    """The code of a module's file, or of one that is frozen into Python; none where it is not found."""
    try:
        if file.startswith(FROZEN):
            name = file[len(FROZEN) : -1]
            module: CodeType | None = _imp.get_frozen_object(IMPORTERS.get(name, name))
        else:
            module = SourceFileLoader("", file).get_code("")
    except (ImportError, OSError, SyntaxError):
        module = None
    return frozenset(() if module is None else _nested(module))


@cache
def _own_codes(count: int) -> frozenset[int]:
    """The package's code by identity; it grows as modules are imported, and its functions stay."""
    return frozenset(id(code) for f in _own.functions() for code in _nested(f.__code__))


def _nested(code: CodeType) -> Iterator[CodeType]:
    """A piece of code and all that is defined inside it."""
    yield code
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield from _nested(inner)
