"""Messages between the referee and a worker: framed bytes, decoded by a strict reader that builds listed types only."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from dataclasses import fields
from fractions import Fraction
from typing import Any

import numpy as np

from compth.bits import BitCost
from compth.certification.contract import Outcome
from compth.certification.oracle import Moments
from compth.certification.tracer import Affine, Leaf, _Variable

MAGIC = b"compth01"
HEAD = struct.Struct("<8s16sQI")
"""Magic, the question's token, length of the JSON part, number of arrays (their lengths follow)."""
MOST = 2 << 30
"""Largest message, bytes."""
RECORDS: dict[str, type[Any]] = {"Moments": Moments, "Outcome": Outcome, "BitCost": BitCost}
BIT_GENERATORS = ("PCG64", "PCG64DXSM", "SFC64", "Philox", "MT19937")


class Malformed(Exception):
    """What came is no answer."""


def pack(token: bytes, value: Any) -> bytes:
    """One frame."""
    blobs: list[bytes] = []
    text = json.dumps(_encode(value, blobs)).encode()
    lengths = struct.pack(f"<{len(blobs)}Q", *map(len, blobs))
    return b"".join([HEAD.pack(MAGIC, token, len(text), len(blobs)), lengths, text, *blobs])


def _encode(value: Any, blobs: list[bytes]) -> Any:
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, np.bool_ | np.integer | int):
        return int(value) if not isinstance(value, np.bool_) else bool(value)
    if isinstance(value, float | np.floating):
        return float(value) if np.isfinite(value) else {"f": repr(float(value))}
    if isinstance(value, list):
        return [_encode(v, blobs) for v in value]
    for kind, write in WRITERS.items():
        if isinstance(value, kind):
            return write(value, blobs)
    if type(value).__name__ in RECORDS:
        parts = [_encode(getattr(value, f.name), blobs) for f in fields(value)]
        return {"r": [type(value).__name__, parts]}
    raise TypeError(f"{type(value).__name__} is not sent between processes")


def _array(value: Any, blobs: list[bytes]) -> Any:
    if value.dtype == object:
        return {"o": [list(value.shape), [_encode(v, blobs) for v in value.reshape(-1)]]}
    blobs.append(np.ascontiguousarray(value).tobytes())
    return {"a": [len(blobs) - 1, value.dtype.str, list(value.shape)]}


def _affine(value: Affine, blobs: list[bytes]) -> Any:
    return {"u": [str(value.a), str(value.b), value.u.lo, value.u.hi, value.u.bits]}


def _generator(value: np.random.Generator, blobs: list[bytes]) -> Any:
    held = value.bit_generator
    return {"g": [type(held).__name__, _encode(dict(held.state), blobs)]}


WRITERS: dict[type[Any], Callable[[Any, list[bytes]], Any]] = {
    Fraction: lambda v, blobs: {"q": str(v)},
    tuple: lambda v, blobs: {"t": [_encode(e, blobs) for e in v]},
    dict: lambda v, blobs: {"d": [[str(k), _encode(e, blobs)] for k, e in v.items()]},
    np.ndarray: _array,
    Affine: _affine,
    np.random.Generator: _generator,
    Leaf: lambda v, blobs: {"l": [str(v.probability), _encode(v.output, blobs)]},
}


def lengths(head: bytes) -> tuple[bytes, int, int]:
    """(token, length of the JSON part, number of arrays) of a frame's head. Raises Malformed."""
    magic, token, text, count = HEAD.unpack(head)
    if magic != MAGIC or text > MOST or count > MOST // 8:
        raise Malformed("not a message of the worker")
    return token, text, count


def unpack(text: bytes, blobs: list[bytes]) -> Any:
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


def _decode(node: Any, blobs: list[bytes]) -> Any:
    if node is None or isinstance(node, bool | int | str | float):
        return node
    if isinstance(node, list):
        return [_decode(v, blobs) for v in node]
    ((kind, held),) = node.items()
    return READERS[kind](held, blobs)


def _read_array(held: Any, blobs: list[bytes]) -> Any:
    at, kind, shape = held
    dtype = np.dtype(kind)
    if dtype.kind not in "fiub":
        raise ValueError(kind)
    return np.frombuffer(blobs[at], dtype).reshape(_shape(shape)).copy()


def _shape(given: Any) -> tuple[int, ...]:
    if not all(type(n) is int and n >= 0 for n in given):
        raise ValueError(f"shape {given}")
    return tuple(given)


def _read_objects(held: Any, blobs: list[bytes]) -> Any:
    out = np.empty(len(held[1]), dtype=object)
    for i, v in enumerate(held[1]):
        out[i] = _decode(v, blobs)
    return out.reshape(_shape(held[0]))


def _read_affine(held: Any, blobs: list[bytes]) -> Affine:
    a, b, lo, hi, bits = held
    if bits not in (24, 53) or not 0 <= lo < hi <= 1 << bits:
        raise ValueError("cell")
    u = _Variable(None, bits)
    u.lo, u.hi = lo, hi
    return Affine(u, Fraction(a), Fraction(b))


def _read_generator(held: Any, blobs: list[bytes]) -> np.random.Generator:
    name, state = held
    if name not in BIT_GENERATORS:
        raise ValueError(name)
    bits = getattr(np.random, name)()
    bits.state = _decode(state, blobs)
    return np.random.Generator(bits)


def _read_record(held: Any, blobs: list[bytes]) -> Any:
    name, parts = held
    return RECORDS[name](*[_decode(p, blobs) for p in parts])


READERS: dict[str, Callable[[Any, list[bytes]], Any]] = {
    "f": lambda held, blobs: float(held),
    "q": lambda held, blobs: Fraction(held),
    "t": lambda held, blobs: tuple(_decode(v, blobs) for v in held),
    "d": lambda held, blobs: {str(k): _decode(v, blobs) for k, v in held},
    "a": _read_array,
    "o": _read_objects,
    "u": _read_affine,
    "g": _read_generator,
    "l": lambda held, blobs: Leaf(Fraction(held[0]), _decode(held[1], blobs), ()),
    "r": _read_record,
}
