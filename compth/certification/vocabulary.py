"""Words that mean the same for symbols and for numbers: what a traced program may use, if its trace is to be a proof.

Everything executed is looked at, opcode by opcode. Names must stand for numbers, for the listed functions of numpy,
math and Python, or for functions that were looked at themselves; attributes must be of the listed ones. So a program
cannot ask for the dtype, the memory, the type or the identity of a value, for the time or its environment, cannot catch
exceptions, and cannot keep anything between calls: it goes the same way for symbols and for numbers.

A word may be added where symbols and numbers give the same answer for every argument; when in doubt it stays out, and
the program is searched and sampled instead of proved. New opcodes of a Python release are refused until listed.
"""

from __future__ import annotations

import builtins
import dis
import inspect
import math
from collections.abc import Iterator
from dataclasses import dataclass
from types import CodeType, FunctionType, ModuleType

import numpy as np

from compth._identity import fixed
from compth._own import foreign, functions
from compth.certification.held import is_fixed, is_table, of_the_process
from compth.certification.watch import Scope, Watch
from compth.claims import B1, B2, AbsoluteError, BiasVariance, Contractive, Unbiased
from compth.compressors import Compressor


def _listed(text: str) -> frozenset[str]:
    return frozenset(text.split())


FREE = _listed(
    "RESUME NOP CACHE POP_TOP PUSH_NULL SWAP COPY PRECALL CALL CALL_KW KW_NAMES CALL_FUNCTION_EX "
    "RETURN_VALUE RETURN_CONST LOAD_FAST LOAD_FAST_CHECK LOAD_FAST_AND_CLEAR LOAD_FAST_LOAD_FAST "
    "STORE_FAST STORE_FAST_LOAD_FAST STORE_FAST_STORE_FAST DELETE_FAST LOAD_CONST LOAD_CLOSURE MAKE_CELL "
    "COPY_FREE_VARS MAKE_FUNCTION SET_FUNCTION_ATTRIBUTE BINARY_OP BINARY_SUBSCR BINARY_SLICE "
    "STORE_SUBSCR STORE_SLICE DELETE_SUBSCR UNARY_NEGATIVE UNARY_NOT UNARY_INVERT UNARY_POSITIVE "
    "COMPARE_OP CONTAINS_OP TO_BOOL BUILD_TUPLE BUILD_LIST BUILD_SLICE BUILD_MAP BUILD_CONST_KEY_MAP "
    "BUILD_SET LIST_APPEND LIST_EXTEND LIST_TO_TUPLE SET_ADD MAP_ADD UNPACK_SEQUENCE UNPACK_EX GET_ITER "
    "FOR_ITER END_FOR GET_LEN RETURN_GENERATOR YIELD_VALUE CALL_INTRINSIC_1 BEFORE_WITH JUMP_FORWARD "
    "JUMP_BACKWARD JUMP_IF_TRUE_OR_POP JUMP_IF_FALSE_OR_POP EXTENDED_ARG"
)
"""Opcodes that say nothing about how a value is stored; others are judged below or refused."""
READS = frozenset(["BINARY_SUBSCR", "BINARY_SLICE", "COMPARE_OP", "CONTAINS_OP", "GET_ITER"])
"""Opcodes that take a table without changing it."""
ATTRIBUTES = _listed(
    "shape size ndim T copy reshape ravel flatten sum mean dot take repeat transpose squeeze swapaxes "
    "fill tolist item astype trace cumsum prod diagonal clip round sort argsort argmax argmin max min any "
    "all nonzero flat random uniform integers choice permutation permuted shuffle binomial multinomial "
    "append extend pop index count"
)
NUMPY = _listed(
    "arange linspace zeros ones full zeros_like ones_like empty_like full_like array asarray copy where "
    "concatenate stack hstack vstack column_stack append roll flip outer dot matmul inner vdot tensordot "
    "einsum kron trace diag eye identity tile repeat take take_along_axis put_along_axis delete insert "
    "argsort argpartition sort partition argmax argmin sum mean prod cumsum cumprod diff floor ceil rint "
    "trunc round abs absolute sign sqrt square exp exp2 log log2 power hypot minimum maximum max min clip "
    "any all nonzero flatnonzero count_nonzero isin searchsorted digitize unique less less_equal greater "
    "greater_equal equal not_equal logical_and logical_or logical_not logical_xor bitwise_and bitwise_or "
    "bitwise_xor invert multiply add subtract divide true_divide negative mod floor_divide squeeze "
    "reshape ravel transpose swapaxes moveaxis atleast_1d atleast_2d expand_dims broadcast_to ix_ "
    "unravel_index ravel_multi_index split array_split errstate linalg.norm float64 float32 int64 int32 "
    "int8 uint8 intp bool_ ndarray random.Generator"
)
PYTHON = _listed(
    "len range int float bool abs min max sum round enumerate zip list tuple slice reversed sorted any "
    "all divmod pow map filter set frozenset iter next isinstance super"
)
TYPES = frozenset(map(id, (np.ndarray, np.random.Generator)))
"""What isinstance may ask for: symbols and numbers give the same answer."""
CLAIMS = fixed((Unbiased, Contractive, BiasVariance, AbsoluteError, B1, B2))
"""The package's own claims, by identity."""
DTYPED = _listed("zeros ones full array asarray arange zeros_like ones_like empty_like full_like astype")
"""Functions that may be given x.dtype, and only to make an array of it."""
_MISSING = object()


def _words() -> Iterator[object]:
    """Every listed function, of numpy, Python and math."""
    for name in NUMPY:
        found: object = np
        for part in name.split("."):
            found = getattr(found, part)
        yield found
    yield from (getattr(builtins, name) for name in PYTHON)
    yield from (value for name, value in vars(math).items() if not name.startswith("_"))


WORDS = {id(word): word for word in _words()}
"""The listed functions themselves, as they were when this module was imported."""


def objection(watch: Watch) -> str:
    """ "" when everything that was executed keeps to the vocabulary, else the first thing that does not."""
    judged = set(watch.executed)
    for scope, _ in watch.scopes.values():
        if not type(scope.globals) is type(scope.builtins) is dict:
            return f"{scope.code.co_name}() looks names up in its own way"
        reader = Reader(scope, list(dis.get_instructions(scope.code)), judged)
        for says in reader.objections(watch.executed.get(scope.code, set())):
            return f"{scope.code.co_name}() {says}"
    return ""


@dataclass
class Reader:
    """One piece of code and the objects that its instructions speak of."""

    scope: Scope
    code: list[dis.Instruction]
    judged: set[CodeType]

    def __post_init__(self) -> None:
        self.meant: dict[int, object] = {}
        for i in range(len(self.code)):
            self._mean(i)
        self.callee = {c: i for i in range(len(self.code)) if (c := self._call_of(i)) is not None}

    def objections(self, executed: set[int]) -> Iterator[str]:
        """What is wrong with the executed instructions."""
        for i, instruction in enumerate(self.code):
            if instruction.offset in executed and (says := self._objection(i)):
                yield says

    # what a load means: names through globals, free variables and given arguments, attributes through these

    def _mean(self, i: int) -> None:
        """Note the object that this load takes, where the scope tells."""
        name, word = self.code[i].opname, self.code[i].argval
        if isinstance(word, tuple) and name.startswith(
            "LOAD_FAST"
        ):  # two loads in one: the upper is what is taken
            word = word[-1]
        if name in ("LOAD_GLOBAL", "LOAD_NAME"):
            self.meant[i] = self.scope.globals.get(word, self.scope.builtins.get(word, _MISSING))
        elif name in ("LOAD_DEREF", "LOAD_CLASSDEREF") and word in self.scope.free:
            self.meant[i] = self.scope.free[word]
        elif name.startswith("LOAD_FAST") and self.scope.me is not None and word == "self":
            self.meant[i] = self.scope.me
        elif name.startswith("LOAD_FAST") and word in self.scope.given:
            self.meant[i] = self.scope.given[word]
        elif name in ("LOAD_ATTR", "LOAD_METHOD") and self._base(i) in self.meant:
            found = _attribute(self.meant[self._base(i)], word)
            if found is not _FLOWS:
                self.meant[i] = found

    def _base(self, i: int) -> int:
        """The instruction before: it loads what an attribute is taken of."""
        return i - 1

    def _objection(self, i: int) -> str:
        """What is wrong with this instruction, "" for nothing."""
        name, word = self.code[i].opname, self.code[i].argval
        if name == "LOAD_FAST_LOAD_FAST" and word[0] in (*self.scope.given, "self"):
            return f"passes {word[0]} on"
        if i in self.meant:
            return self._about(i, word)
        if name in ("LOAD_ATTR", "LOAD_METHOD", "LOAD_SUPER_ATTR"):
            return self._attribute(i, word)
        if name == "IS_OP":
            beside = self.code[i - 1]
            fixed = beside.opname == "LOAD_CONST" and beside.argval in (None, True, False)
            return "" if fixed else "compares identities"
        if name in ("LOAD_DEREF", "LOAD_CLASSDEREF") or (
            name == "STORE_DEREF" and word in self.scope.code.co_cellvars
        ):
            return ""
        known = name in FREE or name.startswith(("POP_JUMP_", "JUMP_"))
        return "" if known else _SAID.get(name, f"does what no trace follows ({name} {word})")

    def _attribute(self, i: int, word: str) -> str:
        """What is wrong with an attribute of a value that flows: listed names say the same of symbols and numbers."""
        if self._after_super(i):
            return ""
        if word == "dtype":
            # x.dtype may only go straight into a constructor such as np.zeros(d, dtype=x.dtype): there an
            # array of symbols and one of floats both give what holds their own kind. Compared or branched on,
            # it would tell symbols from numbers.
            c = next((k for k in range(i + 1, i + 4) if self.code[k].opname.startswith("CALL")), None)
            made = self._maker(self.callee[c]) if c in self.callee else ""
            between = self.code[i + 1 : c] if c is not None else []
            plain = all(k.opname in ("KW_NAMES", "PRECALL", "LOAD_CONST") for k in between)
            return "" if made in DTYPED and plain else "asks for a dtype"
        return "" if word in ATTRIBUTES else f"asks for .{word}"

    def _maker(self, i: int) -> str:
        """The name of numpy's function, or of the method, that this instruction loads; "" for any other function."""
        listed = id(self.meant.get(i)) in WORDS if i in self.meant else self.code[i].argval == "astype"
        return str(self.code[i].argval) if listed else ""

    def _after_super(self, i: int) -> bool:
        """True for an attribute of super(): the method of a class that is looked at itself."""
        called = self.callee.get(i - 1) if self.code[i].opname != "LOAD_SUPER_ATTR" else None
        return self.code[i].opname == "LOAD_SUPER_ATTR" or (
            called is not None and self.meant.get(called) is builtins.super
        )

    def _about(self, i: int, word: str) -> str:
        """Whether this object may be used, and in this way."""
        thing = self.meant[i]
        following = self.code[i + 1].opname
        # In order: things that only lead to attributes; data of the process; special functions with rules of
        # their own; listed words and fixed values; tables, if only read; functions that were looked at
        # themselves. All else is an objection.
        mine = thing is self.scope.me and thing is not None
        if mine or isinstance(thing, ModuleType) or _is_ours(thing):
            return "" if following in ("LOAD_ATTR", "LOAD_METHOD", "LOAD_SUPER_ATTR") else f"passes {word} on"
        if self._is_of_the_process(i, thing):
            return f"reads {word} of Python's library: another process has another"
        if word == "__class__" and following.startswith("LOAD_FAST"):  # the second argument of super()
            return ""
        if thing is isinstance:
            return self._isinstance(i)
        if id(thing) in TYPES or thing is type:
            c = i + 1 + (following == "PRECALL")
            asked = self.meant.get(self.callee.get(c, -1)) is isinstance
            return "" if asked else f"uses {word}"
        if thing is np.random.default_rng:
            return "" if self._takes_a_local(i) else "makes a generator of its own"
        if id(thing) in WORDS or is_fixed(thing) or self._states_a_claim(i, thing):
            return ""
        if is_table(thing):
            return "" if self._only_read(i) else f"may change {word}"
        if isinstance(thing, FunctionType) and (thing in functions() or _code_of(thing) in self.judged):
            return ""
        return f"uses {word}" + ("" if thing is _MISSING else f", a {type(thing).__name__}")

    def _is_of_the_process(self, i: int, thing: object) -> bool:
        """True for data of Python's library, asked of a module or held anywhere."""
        asked = self.code[i].opname in ("LOAD_ATTR", "LOAD_METHOD")
        home = self.meant.get(self._base(i)) if asked else None
        return of_the_process(thing, home if isinstance(home, ModuleType) else None)

    def _states_a_claim(self, i: int, thing: object) -> bool:
        """True for a call of one of the package's claims: a combinator asks its member for one, made of constants."""
        return thing in CLAIMS and self._call_of(i) is not None

    def _isinstance(self, i: int) -> str:
        """isinstance of np.ndarray or np.random.Generator alone, which symbols are as numbers are."""
        c = self._call_of(i)
        before = None if c is None else c - 1 - (self.code[c - 1].opname == "PRECALL")
        fine = before is not None and id(self.meant.get(before)) in TYPES
        return "" if fine else "asks for a type"

    def _takes_a_local(self, i: int) -> bool:
        """True for f(name): default_rng(rng) is rng; of anything else a real run draws the same, or is no program."""
        c = self._call_of(i)
        if c is None or self.code[c].arg != 1:
            return False
        given = self.code[c - 1 - (self.code[c - 1].opname == "PRECALL")]
        return given.opname == "LOAD_FAST" and given.argval not in self.scope.given

    def _only_read(self, i: int) -> bool:
        """True when the instruction that takes this table cannot change it."""
        taken = self._taker(i)
        if taken is None:
            return False
        name = self.code[taken].opname
        if name.startswith("CALL"):
            return id(self.meant.get(self.callee.get(taken, -1))) in WORDS or (
                self.code[self.callee.get(taken, i)].argval
                in ATTRIBUTES - {"shuffle", "append", "extend", "pop"}
            )
        plain = name == "BINARY_OP" and not str(self.code[taken].argrepr).endswith("=")
        return (
            plain
            or name in READS
            or (name == "LOAD_ATTR" and self.code[taken].argval in ("shape", "size", "T"))
        )

    # where on the stack a value goes: `height` values lie above it

    def _taker(self, i: int) -> int | None:
        """The instruction that takes what this one loads."""
        for k, height in self._above(i):
            if (_pops(self.code[k]) or 0) > height:
                return k
        return None

    def _call_of(self, i: int) -> int | None:
        """The call of the function that this instruction loads: the one whose arguments are all that lies above it."""
        if self.code[i].opname not in ("LOAD_GLOBAL", "LOAD_DEREF", "LOAD_ATTR", "LOAD_METHOD", "LOAD_NAME"):
            return None
        for k, height in self._above(i):
            name, count = self.code[k].opname, (self.code[k].arg or 0) + (self.code[k].opname == "CALL_KW")
            if name in ("CALL", "CALL_KW") and height == count:
                return k
            if (_pops(self.code[k]) or 0) > height:
                return None
        return None

    def _above(self, i: int) -> Iterator[tuple[int, int]]:
        """(instruction, how many values lie above the loaded one before it), as far as this is told."""
        # Follow the height of the stack from the load on: as soon as an instruction pops below the loaded
        # value, it takes it. A jump target ends this, since there other ways may have left another stack.
        height = 0
        for k in range(i + 1, len(self.code)):
            yield k, height
            effect = _effect(self.code[k])
            if effect is None or self.code[k].is_jump_target:
                return
            height += 0 if k == i + 1 and self.code[k].opname == "PUSH_NULL" else effect


_SAID = {
    "PUSH_EXC_INFO": "catches an exception",
    "STORE_GLOBAL": "changes a global variable",
    "STORE_DEREF": "changes a variable of an outer function",
    "STORE_ATTR": "stores an attribute",
    "IMPORT_NAME": "imports a module",
    "FORMAT_VALUE": "writes a value as text",
    "FORMAT_SIMPLE": "writes a value as text",
}
_FLOWS = object()


def _attribute(thing: object, name: str) -> object:
    """What thing.name is, found without running code of its own; _FLOWS for what a call of it computes."""
    if _looks_up(thing):
        return _MISSING
    if isinstance(thing, ModuleType):
        return (
            getattr(thing, name, _MISSING)
            if thing in (np, np.linalg, np.random)
            else vars(thing).get(name, _MISSING)
        )
    # The attribute of a value is a method that computes with it: that flows through the trace.
    if thing is _MISSING or is_fixed(thing) or is_table(thing) or id(thing) in WORDS:
        return _FLOWS
    found = inspect.getattr_static(thing, name, _MISSING)
    if isinstance(found, property):
        return found.fget
    if isinstance(found, staticmethod | classmethod):
        return found.__func__
    return found


def _looks_up(thing: object) -> bool:
    """True for an object whose attributes are found in a way of its own, and for modules of a class of their own."""
    if isinstance(thing, ModuleType):
        return type(thing) is not ModuleType
    usual = (object.__getattribute__, type.__getattribute__)
    return inspect.getattr_static(type(thing), "__getattribute__", None) not in usual


def _is_ours(thing: object) -> bool:
    """True for a compressor of the package's own: a value, whose methods are judged by the package's proofs."""
    return isinstance(thing, Compressor) and not foreign(thing)


def _code_of(function: FunctionType) -> CodeType | None:
    """The code of a function whose defaults are fixed."""
    defaults = (*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values())
    return function.__code__ if all(map(is_fixed, defaults)) else None


def _pops(instruction: dis.Instruction) -> int | None:
    """How many values an instruction takes from the stack; None where this is not told here."""
    name, arg = instruction.opname, instruction.arg or 0
    if name in ("KW_NAMES", "PRECALL", "PUSH_NULL", "NOP", "CACHE", "RESUME", "EXTENDED_ARG"):
        return 0
    if name.startswith("LOAD_") and name not in ("LOAD_ATTR", "LOAD_METHOD", "LOAD_SUPER_ATTR"):
        return 0
    if name == "CALL":
        return arg + 2
    if name == "CALL_KW":
        return arg + 3
    if name in ("BUILD_TUPLE", "BUILD_LIST", "BUILD_SET", "BUILD_SLICE"):
        return arg
    return _POPS.get(name)


def _effect(instruction: dis.Instruction) -> int | None:
    """What an instruction adds to the height of the stack."""
    name, arg = instruction.opname, instruction.arg or 0
    if name in ("CALL", "CALL_KW"):
        return -arg - 1 - (name == "CALL_KW")
    if _pops(instruction) is None:
        return None
    return 0 if name == "PRECALL" else dis.stack_effect(instruction.opcode, instruction.arg, jump=False)


_POPS = {
    "LOAD_ATTR": 1, "LOAD_METHOD": 1, "BINARY_OP": 2, "BINARY_SUBSCR": 2, "BINARY_SLICE": 3, "STORE_SUBSCR": 3,
    "COMPARE_OP": 2, "CONTAINS_OP": 2, "IS_OP": 2, "UNARY_NEGATIVE": 1, "UNARY_NOT": 1, "UNARY_INVERT": 1,
    "UNARY_POSITIVE": 1, "GET_ITER": 1, "STORE_FAST": 1, "RETURN_VALUE": 1, "POP_TOP": 1, "MAKE_FUNCTION": 1,
    "UNPACK_SEQUENCE": 1, "LIST_EXTEND": 1, "STORE_DEREF": 1,
}  # fmt: skip
