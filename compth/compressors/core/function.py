"""A function with claims is a compressor: methods, fleets, combinators and the referee take it like any other.

Nothing of it is known but what its user declares, and that is assumed until it is certified. A function is called
with copies of one row at a time, and what it returns is looked at every time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from threading import get_ident
from typing import Protocol, cast, overload

import numpy as np

from compth._door import answers, real
from compth._numbers import Number, is_symbolic
from compth._types import Array
from compth.bits import FLOAT_BITS, BitCost
from compth.claims import Claim, Standing
from compth.claims.declared import Declared
from compth.claims.written import claim_of
from compth.compressors.core.base import Compressor
from compth.compressors.core.calling import name_of, takes_rng
from compth.errors import InvalidParameter
from compth.text.expressions import parse

KEPT = 16
"""Calls whose messages' lengths are remembered, in each thread: a round of a method sends no more messages.

A file's function answers, in the one thread of its process, the calls of several simulating threads.
"""
# few, as each is a call of a user's function, and a mean length needs no third digit; seeded, so that a
# run's bits are reproducible
LOOKS = 32
"""Standard normal vectors (seed 0) from which the expected length of a message of varying length is read."""

FAILS = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    NameError,
    RuntimeError,
    TypeError,
    ValueError,
)
"""What a user's function of a message may raise."""


Declarations = Claim | str | Sequence[Claim | str]
"""What a user declares: claims, or their texts."""
Length = Number | str | BitCost | Callable[..., Number] | None
"""Bits of a message: a number, an expression in d, a BitCost, a function of the message, or nothing said."""


class Encoded(Protocol):
    """An adapted pair, which says how long its message is once it is encoded."""

    def encoded_bits(self, message: object) -> float:
        """Bits of one message."""


@overload
def compressor(
    function: Callable[..., object], *, claims: Declarations, bits: Length = None
) -> Compressor: ...
@overload
def compressor(
    *, claims: Declarations, bits: Length = None
) -> Callable[[Callable[..., object]], Compressor]: ...
def compressor(
    function: Callable[..., object] | None = None, *, claims: Declarations, bits: Length = None
) -> Compressor | Callable[[Callable[..., object]], Compressor]:
    """A function f(x, rng) or f(x), 1-D float64 in and out, as a Compressor; without `function`, a decorator.

    claims: Claim objects or their texts ("Contractive(1/d)"), constants being numbers, expressions in d or functions
    of d. They are ASSUMED wherever they are used, until `certify` settles them; "tight" is the user's word.
    bits: of one message: a number, an expression in d, a BitCost, or a function of the message (the vector f(x); of an
    adapted pair what its compress returns) where lengths vary; None: d floats, or a pair's message as it is encoded.
    Raises InvalidParameter for what is no function and for claims or bits that cannot be read.
    """
    if function is None:
        return lambda f: compressor(f, claims=claims, bits=bits)
    for name, given in (("function", function), ("claims", claims), ("bits", bits)):
        answers(name, given)
    # what is neither of them is told apart where the claims are read, with the line that says how to give them
    listed = list(claims) if isinstance(claims, list | tuple) else [cast("Claim | str", claims)]
    read = tuple(claim_of(c, {}) if isinstance(c, str) else c for c in listed)
    return Function(function, read, bits)


@dataclass(frozen=True)
class Function(Compressor):
    """C(x) = function(x, rng) row by row, with the claims and bits that its user declares: see `compressor`."""

    function: Callable[..., object]
    declared: tuple[Claim, ...]
    cost: Length = None
    _sent: dict[int, list[dict[bytes, float]]] = field(default_factory=dict, repr=False, compare=False)
    _expected: dict[int, float] = field(default_factory=dict, repr=False, compare=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        if not callable(self.function) or isinstance(self.function, type | Compressor):
            raise InvalidParameter(
                f"function={self.function!r} must be a function f(x, rng) or f(x); objects with compress and "
                "decompress: ct.compressor(ct.adapt(it), claims=...)"
            )
        # claims are looked at when the object is made, with their constants at d = 1: a text that cannot be
        # read must not wait for a run
        strange = next((c for c in self.declared if not isinstance(c, Claim)), None)
        if strange is not None:
            raise InvalidParameter(
                f"claims={strange!r}: give Claim objects or texts such as 'Contractive(1/d)'"
            )
        self.claims(1)  # constants that cannot be read are said now
        if isinstance(self.cost, str):
            parse(self.cost, frozenset({"d"}))
        plain = self.cost is None or isinstance(self.cost, str | BitCost) or callable(self.cost)
        number: Number = self.cost
        if not plain and (real(number) or not number >= 0):
            known = "a number >= 0, an expression in d, a BitCost or a function of the message"
            raise InvalidParameter(f"bits={self.cost!r} must be {known}")

    @property
    def deterministic(self) -> bool:  # type: ignore[override]
        return not takes_rng(self.function)

    def claims(self, d: Number) -> tuple[Claim, ...]:
        # a proof's name in a claim that a user made proves nothing
        # a user may write any id of a proof into a claim; what was not derived here is assumed
        plain = (replace(c, proof="", declared=Standing.ASSUMED) for c in self.declared)
        return tuple(_at(c, d) for c in plain)

    def _compress(self, x: Array, rng: np.random.Generator) -> Array:
        if x.dtype == object and x.ndim == 1:  # symbols: the referee looks at the outcome
            return np.asarray(self._one(x, rng))
        # a user's function takes one vector of doubles, whatever the batch and the precision of the run are
        rows = np.ascontiguousarray(x, dtype=np.float64).reshape(-1, x.shape[-1])
        batch = getattr(self.function, "rows", None)
        found = batch(rows, rng) if batch else self._each(rows, rng)
        return self._checked(found, rows).reshape(x.shape).astype(x.dtype, copy=False)

    def _each(self, rows: Array, rng: np.random.Generator) -> list[object]:
        """Row by row; where a message's length varies, it is remembered by what the message gave."""
        send = getattr(self.function, "send", None)
        if send is None:
            return [self._one(row, rng) for row in rows]
        # a copy for each call: a function that writes into its argument must not change the caller's array
        pairs = [send(row.copy(), rng) for row in rows]
        said = {_key(y): self._length(m) for y, m in pairs}
        # lengths are asked for after the round by the messages themselves, so each is remembered under what
        # it gave, the last KEPT calls of every thread
        self._sent[get_ident()] = [*self._sent.get(get_ident(), [])[1 - KEPT :], said]
        return [y for y, _ in pairs]

    def _one(self, x: Array, rng: np.random.Generator) -> object:
        """The user's function at one vector."""
        given = x if x.dtype == object else x.copy()
        return self.function(given) if self.deterministic else self.function(given, rng)

    def _checked(self, found: Sequence[object], rows: Array) -> Array:
        """The outputs as one array; one line where they are none."""
        try:
            out = np.asarray([np.asarray(y, dtype=np.float64) for y in found])
        except (TypeError, ValueError):
            out = np.empty(0)
        # checked at every call: a function may fail on one input in a thousand
        if out.shape != rows.shape or not np.isfinite(out).all():
            what = "NaN or inf" if out.shape == rows.shape else f"shape {out.shape[1:]}, or no numbers"
            raise InvalidParameter(
                f"{name_of(self.function)} returned {what} for a vector of d={rows.shape[1]} finite numbers: "
                "`compth check` shows where"
            )
        return out

    def _length(self, message: object) -> float:
        """Bits of one message, as declared."""
        if self.cost is None:
            return float(cast("Encoded", self.function).encoded_bits(message))
        value = self._said(message)
        if not 0 <= value < np.inf:
            raise InvalidParameter(
                f"bits={name_of(self.cost)} gave {value} for a message: it must be a number >= 0"
            )
        return value

    def _said(self, message: object) -> float:
        """What the user's function of a message gives."""
        try:
            return float(cast("Callable[..., Number]", self.cost)(message))
        except FAILS as problem:
            raise InvalidParameter(
                f"bits={name_of(self.cost)} raised {type(problem).__name__}: {str(problem)[:200]} for a message: it "
                "must give a number >= 0"
            ) from None

    def length(self, message: object, d: int) -> float:
        """Declared bits of one message, whatever they are."""
        if callable(self.cost):
            return self._said(message)
        return float(self._length(message)) if self._varies else float(self.bits(d).total)

    @property
    def declares_bits(self) -> bool:
        """True where the user said how long messages are."""
        return self.cost is not None

    @property
    def charges_floats(self) -> bool:
        """True where nothing says how long messages are: d floats are charged."""
        return self.cost is None and not self._varies

    @property
    def _varies(self) -> bool:
        """True where a message's length depends on the message."""
        return callable(self.cost) or (self.cost is None and hasattr(self.function, "send"))

    def bits(self, d: int, float_bits: int = FLOAT_BITS) -> BitCost:
        if isinstance(self.cost, BitCost):
            return self.cost
        if self._varies:
            return BitCost(other=self._mean_length(d, float_bits), random=True)
        if self.cost is None:
            return BitCost(floats=d, float_bits=float_bits)
        return BitCost(other=self._read(d) if isinstance(self.cost, str) else self.cost)

    def _read(self, d: int) -> Number:
        """The expression's value at d."""
        value = parse(str(self.cost), frozenset({"d"}))(d=d)
        if not is_symbolic(value) and value < 0:
            raise InvalidParameter(f"bits={self.cost!r} gives {value} at d={d}: it must be a number >= 0")
        return value

    def _mean_length(self, d: int, float_bits: int) -> float:
        """Looked at once for each d: methods ask for every worker between a message and its length."""
        if d not in self._expected:
            rng = np.random.default_rng(0)
            x = rng.standard_normal((LOOKS, d))
            self._expected[d] = float(self.message_bits(self._compress(x, rng), float_bits).mean())
        return float(self._expected[d])

    def message_bits(self, y: Array, float_bits: int = FLOAT_BITS) -> Array:
        if not self._varies:
            return super().message_bits(y, float_bits)
        rows = np.ascontiguousarray(y, dtype=np.float64).reshape(-1, y.shape[-1])
        return np.array([self._of_row(row) for row in rows]).reshape(y.shape[:-1])

    def _of_row(self, row: Array) -> float:
        """Bits of one message. Raises InvalidParameter for a vector that no call gave."""
        if not hasattr(self.function, "send"):
            return self._length(row)
        key = _key(row)
        calls = self._sent.get(get_ident(), [])
        # the latest call first: equal messages of different rounds may have had different lengths
        found: float | None = next((c[key] for c in reversed(calls) if key in c), None)
        if found is None:
            raise InvalidParameter(
                f"{name_of(self.function)}: the length of a message is known for what it just gave, not for "
                f"other vectors such as {row[:4]}: give bits= a number or an expression in d"
            )
        return found

    def why_not(self, d: int) -> str:
        rule = getattr(self.function, "why_not", None)
        return str(rule(d)) if callable(rule) else ""

    @classmethod
    def examples(cls) -> tuple[Compressor, ...]:
        return ()


def _key(y: Array) -> bytes:
    """What a message gave, in single precision: simulations may run in it."""
    with np.errstate(over="ignore"):
        # +0 turns -0 into 0, which are equal and have different bytes
        return (np.asarray(y, dtype=np.float32) + np.float32(0)).tobytes()


def _at(claim: Claim, d: Number) -> Claim:
    """The claim with its numbers at d."""
    # constants that do not depend on d need no d; the others are evaluated, and say so where a symbol
    # cannot be
    if is_symbolic(d) and not any(callable(v) or isinstance(v, str) for v in claim.constants.values()):
        return claim
    return Declared(claim, {}).at(d)


def _shown(self: Function) -> str:
    return f"compressor({name_of(self.function)})"


Function.__repr__ = _shown  # type: ignore[method-assign,assignment]
