"""Are the bits that a function declares enough for its messages? Held against encoded bytes, and against counting.

A message of bytes has its own length. Whatever encodes the others: there are 2^(L+1) - 1 strings of at most L bits, and
outputs that differ under one generator come from different messages. So too short a length is refuted by outputs alone,
also where the end of a message costs nothing.

Only what no encoder could do is refuted; what a better encoder than the one seen would reach is a remark.
"""

from __future__ import annotations

from typing import NamedTuple, cast

import numpy as np

from compth._types import Array
from compth.certification.adapting.pairs import encoded_bits
from compth.certification.beside import accountable, beside
from compth.certification.points import inside, structured
from compth.certification.subject import Subject
from compth.compressors.core.function import Function

INPUTS = 4096
"""Inputs whose messages are looked at, at most."""
NUMBERS = 1 << 20
"""Numbers of them all together, at most."""


class Seen(NamedTuple):
    """Of every input: declared bits, bits as encoded (-1 for no message), whether the message is bytes, the output."""

    declared: Array
    encoded: Array
    bytes: Array
    outputs: Array


def inputs(d: int, domain: tuple[float, float]) -> Array:
    """Structured inputs, and normal vectors in the middle of the domain."""
    # Structured inputs repeat messages, so that the longest are met; random ones give as many different
    # outputs as there are, which is what the counting argument needs.
    count = max(8, min(INPUTS, NUMBERS // d))
    listed = structured(d, 0, domain)[: count // 2]
    middle = min(max(1.0, 10 * domain[0]), domain[1] / 10)
    drawn = np.random.default_rng(31).normal(size=(count - len(listed), d)) * middle
    return np.array([x for x in (*listed, *drawn) if inside(x, domain)])


def _is_seen(answer: object, subject: Subject, d: int, domain: tuple[float, float]) -> bool:
    """True for four float arrays with a row for every input."""
    if not isinstance(answer, tuple) or len(answer) != 4:
        return False
    count = len(inputs(d, domain))
    shapes = [(count,), (count,), (count,), (count, d)]
    floats = all(isinstance(a, np.ndarray) and a.dtype == np.float64 for a in answer)
    return floats and [a.shape for a in answer] == shapes


@beside(_is_seen)
def looked_at(subject: Subject, d: int, domain: tuple[float, float]) -> tuple[Array, ...]:
    """`Seen` of every input, each on a generator of the same seed."""
    # One seed for all inputs: outputs that differ then differ by what was sent, not by what both sides could
    # draw.
    made = cast("Function", subject.bits)
    send = getattr(made.function, "send", None)
    sent = None if send is None else accountable(send)
    rows = []
    for x in inputs(d, domain):
        rng = np.random.default_rng(17)
        if sent is None:
            y = np.asarray(subject.program(x.copy(), rng), dtype=np.float64)
            rows.append((made.length(y, d), -1.0, 0.0, y))
            continue
        y, message = sent(x.copy(), rng)
        plain = isinstance(message, bytes | bytearray | memoryview)
        rows.append((made.length(message, d), float(encoded_bits(message)), float(plain), y))
    declared, encoded, raw, outputs = zip(*rows, strict=True)
    return tuple(np.array(v, dtype=np.float64) for v in (declared, encoded, raw, outputs))


class Short(NamedTuple):
    """Declared bits that cannot be: the value and its bound, in words, and an input."""

    value: float
    bound: float
    says: str
    x: Array


def too_short(subject: Subject, d: int, domain: tuple[float, float]) -> tuple[Short | None, str]:
    """(what refutes the declared bits, a remark on those that only a better encoder reaches)."""
    seen, points = Seen(*looked_at(subject, d, domain)), inputs(d, domain)
    # Three ways to be too short, surest first: no length at all; shorter than the bytes of the message
    # itself; and, for whatever encoding, fewer strings than there are different outputs.
    wrong = ~(np.isfinite(seen.declared) & (seen.declared >= 0))
    if wrong.any():
        at = int(wrong.argmax())
        said = f"bits of a message = {seen.declared[at]}, which is no length"
        return Short(float(seen.declared[at]), 0, said, points[at]), ""
    bad = (seen.bytes > 0) & (seen.declared < seen.encoded)
    if bad.any():
        at = int((seen.encoded - np.where(bad, seen.declared, seen.encoded)).argmax())
        said = f"the message is {seen.encoded[at] / 8:g} bytes, declared are {seen.declared[at]:g} bits"
        return Short(float(seen.declared[at]), float(seen.encoded[at]), said, points[at]), ""
    found = _counted(seen, points)
    below = (seen.encoded >= 0) & (seen.declared < seen.encoded)
    at = int(below.argmax())
    remark = (
        f"declared are {seen.declared[at]:g} bits where a message has {seen.encoded[at]:g} as it is encoded (arrays "
        "raw): an encoder for fewer was not seen"
        if below.any()
        else ""
    )
    return found, remark


def _counted(seen: Seen, points: Array) -> Short | None:
    """Outputs under one generator against the number of strings of at most so many bits, shortest first."""
    # Shortest declared first: after the outputs declared with at most b bits, more than 2^(b+1) - 1 of them
    # differ only if two share a message, which cannot give two outputs under one generator.
    known = set[bytes]()
    for at in np.argsort(seen.declared, kind="stable"):
        known.add((seen.outputs[at] + 0.0).tobytes())
        bits = int(min(seen.declared[at], 64.0))
        if len(known) >= 1 << (bits + 1):
            says = (
                f"{len(known)} different outputs have at most {seen.declared[at]:g} bits each, and there are "
                f"{(1 << (bits + 1)) - 1} such messages"
            )
            return Short(len(known), (1 << (bits + 1)) - 1, says, points[at])
    return None
