"""Messages between the referee and a worker: framed bytes, decoded by a strict reader that builds listed types only.

The reader is the border to code that nobody trusts: no pickle, no class by its name, no array of objects from bytes. A
new type needs a writer, a reader that checks its parts, and a test with a malformed message.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Sequence
from dataclasses import fields
from fractions import Fraction
from typing import cast

import numpy as np

from compth._types import Numbers
from compth.bits import BitCost
from compth.certification.contract import Outcome
from compth.certification.oracle import Moments
from compth.certification.tracer import Affine, Leaf, NotTraceable, _Variable

MAGIC = b"compth01"
HEAD = struct.Struct("<8s16sQI")
"""Magic, the question's token, length of the JSON part, number of arrays (their lengths follow)."""
MOST = 2 << 30
"""Largest message, bytes."""
RECORDS: dict[str, Callable[..., object]] = {"Moments": Moments, "Outcome": Outcome, "BitCost": BitCost}
"""Dataclasses that are sent field by field."""
BIT_GENERATORS = ("PCG64", "PCG64DXSM", "SFC64", "Philox", "MT19937")


class Malformed(Exception):
    """What came is no answer."""


Blobs = list[memoryview]
"""The bytes of arrays, uncopied."""


def pack(token: bytes, value: object) -> list[bytes | memoryview]:
    """One frame, in parts to send one after the other."""
    # Numbers of arrays travel as raw bytes after the JSON text, so that a batch of a million floats is
    # neither printed nor parsed; everything with structure is in the JSON, whose reader builds nothing but
    # the listed types.
    blobs: Blobs = []
    text = json.dumps(_encode(value, blobs)).encode()
    sizes = struct.pack(f"<{len(blobs)}Q", *map(len, blobs))
    return [HEAD.pack(MAGIC, token, len(text), len(blobs)) + sizes + text, *blobs]


def _encode(value: object, blobs: Blobs) -> object:
    """A value as JSON data: plain ones as they are, others as {tag: content}. Raises TypeError for other types."""
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, np.bool_ | np.integer | int):
        return int(value) if not isinstance(value, np.bool_) else bool(value)
    if isinstance(value, float | np.floating):
        return float(value) if np.isfinite(value) else {"f": repr(float(value))}
    if isinstance(value, list):
        return [_encode(v, blobs) for v in value]
    # Dictionaries of JSON are only ever tags here: a dict of the program is a tagged list of pairs, so no
    # value can pass for another type. NaN and infinities are text, which JSON proper has no numbers for.
    for kind, write in WRITERS.items():
        if isinstance(value, kind):
            return write(value, blobs)
    if type(value).__name__ in RECORDS:
        parts = [_encode(getattr(value, f.name), blobs) for f in fields(cast("Moments", value))]
        return {"r": [type(value).__name__, parts]}
    raise TypeError(f"{type(value).__name__} is not sent between processes")


def _array(value: Numbers, blobs: Blobs) -> object:
    """An array: its bytes among the blobs, its type and shape in the text; Fractions and symbols one by one."""
    if value.dtype == object:
        return {"o": [list(value.shape), [_encode(v, blobs) for v in value.reshape(-1)]]}
    blobs.append(np.ascontiguousarray(value).reshape(-1).view(np.uint8).data)
    return {"a": [len(blobs) - 1, value.dtype.str, list(value.shape)]}


def _affine(value: Affine, blobs: Blobs) -> object:
    """a U + b on its cell: all decisions are made, so the other side needs no path."""
    return {"u": [str(value.a), str(value.b), value.u.lo, value.u.hi, value.u.bits]}


def _generator(value: np.random.Generator, blobs: Blobs) -> object:
    """A generator by its bit generator's name and state: numbers, which the other side gives to a fresh one."""
    held = value.bit_generator
    return {"g": [type(held).__name__, _encode({**held.state}, blobs)]}


WRITERS: dict[type, Callable[..., object]] = {
    Fraction: lambda v, blobs: {"q": str(v)},
    tuple: lambda v, blobs: {"t": [_encode(e, blobs) for e in v]},
    dict: lambda v, blobs: {"d": [[str(k), _encode(e, blobs)] for k, e in v.items()]},
    np.ndarray: _array,
    Affine: _affine,
    np.random.Generator: _generator,
    Leaf: lambda v, blobs: {"l": [str(v.probability), _encode(v.output, blobs)]},
}


class Inbox:
    """A frame on its way in: fill `wanted`, say how much came; then `value` once it is whole. token: None for any.

    Everything that is no frame with this token raises Malformed as soon as it shows.
    """

    def __init__(self, token: bytes | None = None) -> None:
        self.token, self.whole = token, False
        # A state machine: head, lengths of the blobs, body. Each part's size is known and bounded before it
        # is read, so a malicious worker can neither make the referee allocate without end nor send one answer
        # for another question.
        self._text, self._sizes = 0, list[int]()
        self._read = self._head
        self._expect(HEAD.size)

    def _expect(self, size: int) -> None:
        """Wait for so many bytes."""
        self._buffer, self._at = np.empty(size, dtype=np.uint8).data, 0

    @property
    def wanted(self) -> memoryview:
        """Where the next bytes go."""
        return self._buffer[self._at :]

    def filled(self, count: int) -> None:
        """So many bytes came."""
        self._at += count
        while not self.whole and self._at == len(self._buffer):
            self._read()

    def _head(self) -> None:
        """The first part: is this an answer, to this question, of a size that can be?"""
        magic, token, self._text, count = HEAD.unpack(self._buffer)
        if magic != MAGIC or self._text > MOST or count > MOST // 8:
            raise Malformed("not a message of the worker")
        # An answer to an earlier question, or one that the file's code wrote into the channel itself.
        if self.token not in (None, token):
            raise Malformed("an answer to no question")
        self.token, self._read = token, self._lengths
        self._expect(8 * count)

    def _lengths(self) -> None:
        """The lengths of the blobs, all together at most MOST."""
        self._sizes = [int(n) for n in np.frombuffer(self._buffer, "<u8")]
        if self._text + sum(self._sizes) > MOST:
            raise Malformed("an answer beyond all measure")
        self._read = self._body
        self._expect(self._text + sum(self._sizes))

    def _body(self) -> None:
        """Everything is there."""
        self.whole = True

    def value(self) -> object:
        """What the frame says. Raises Malformed."""
        blobs, at = list[memoryview](), self._text
        for size in self._sizes:
            blobs.append(self._buffer[at : at + size])
            at += size
        return unpack(bytes(self._buffer[: self._text]), blobs)


def unpack(text: bytes, blobs: Blobs) -> object:
    """The value of a frame. Raises Malformed for everything that `pack` does not write."""
    try:
        return _decode(json.loads(text), blobs)
    except (
        ValueError,
        TypeError,
        KeyError,
        IndexError,
        AttributeError,
        RecursionError,
        ArithmeticError,
    ) as problem:
        raise Malformed(f"{type(problem).__name__}: {str(problem)[:80]}") from None


def _decode(node: object, blobs: Blobs) -> object:
    """A value from JSON data: plain as it is, {tag: content} by its reader. Raises what a reader meets."""
    if node is None or isinstance(node, bool | int | str | float):
        return node
    if isinstance(node, list):
        return [_decode(v, blobs) for v in node]
    ((kind, held),) = cast("dict[str, object]", node).items()
    return READERS[kind](held, blobs)


def _read_array(held: tuple[int, str, list[int]], blobs: Blobs) -> object:
    """An array of numbers; of no other type, since object arrays of raw bytes would be addresses."""
    at, kind, shape = held
    dtype = np.dtype(kind)
    if dtype.kind not in "fiub":
        raise ValueError(kind)
    return np.frombuffer(blobs[at], dtype).reshape(
        _shape(shape)
    )  # in the frame's own memory, which is writable


def _shape(given: list[int]) -> tuple[int, ...]:
    """A shape: whole numbers, none negative."""
    if not all(type(n) is int and n >= 0 for n in given):
        raise ValueError(f"shape {given}")
    return tuple(given)


def _read_objects(held: tuple[list[int], list[object]], blobs: Blobs) -> object:
    """An array of values that are no plain numbers."""
    # Filled one by one: np.array of a list would look into the entries and guess a shape.
    out = np.empty(len(held[1]), dtype=object)
    for i, v in enumerate(held[1]):
        out[i] = _decode(v, blobs)
    return out.reshape(_shape(held[0]))


class _Decided:
    """The path of a uniform that came from another process, where all of its decisions were made."""

    order: list[_Variable]

    def choose(self, weights: Sequence[Fraction], read: Sequence[Fraction] | None = None) -> int:
        """Refuses: there is no run left that could branch."""
        raise NotTraceable("a uniform of another process compared")


def _read_affine(held: tuple[str, str, int, int, int], blobs: Blobs) -> Affine:
    """a U + b on its cell."""
    a, b, lo, hi, bits = held
    # A cell outside of the grid has moments of no uniform.
    if bits not in (24, 53) or not 0 <= lo < hi <= 1 << bits:
        raise ValueError("cell")
    u = _Variable(_Decided(), bits)
    u.lo, u.hi = lo, hi
    return Affine(u, Fraction(a), Fraction(b))


def _read_generator(held: tuple[str, object], blobs: Blobs) -> np.random.Generator:
    """A generator of one of numpy's five kinds; its name is listed, never looked up freely."""
    name, state = held
    if name not in BIT_GENERATORS:
        raise ValueError(name)
    bits = getattr(np.random, name)()
    bits.state = _decode(state, blobs)
    return np.random.Generator(bits)


def _read_record(held: tuple[str, list[object]], blobs: Blobs) -> object:
    """A listed record from its fields."""
    name, parts = held
    return RECORDS[name](*[_decode(p, blobs) for p in parts])


READERS: dict[str, Callable[..., object]] = {
    "f": lambda held, blobs: float(held),
    "q": lambda held, blobs: Fraction(held),
    "t": lambda held, blobs: tuple(_decode(v, blobs) for v in held),
    "d": lambda held, blobs: {str(k): _decode(v, blobs) for k, v in held},
    "a": _read_array,
    "o": _read_objects,
    "u": _read_affine,
    "g": _read_generator,
    "l": lambda held, blobs: Leaf(Fraction(held[0]), _decode(held[1], blobs), ()),  # its draws stay there
    "r": _read_record,
}
