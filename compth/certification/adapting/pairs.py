"""Compressors that come as two: compress makes a message and a context, decompress the vector from these alone."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping

import numpy as np

from compth.certification.adapting import roles
from compth.certification.arithmetic import as_numpy
from compth.certification.beside import Misfit
from compth.certification.subject import PAIRS
from compth.errors import InvalidParameter


def pair_of(what: object) -> tuple[str, str] | None:
    """The names of an object's two methods, None where it has no such pair."""
    return next((pair for pair in PAIRS if all(callable(getattr(what, name, None)) for name in pair)), None)


def is_pair(what: object) -> bool:
    """True for an object with two such methods, and for two functions."""
    if isinstance(what, tuple):
        return len(what) == 2 and all(map(callable, what))
    return pair_of(what) is not None


def halves(what: object) -> tuple[Callable[..., object], Callable[..., object]]:
    """(compress, decompress)."""
    if isinstance(what, tuple):
        return what[0], what[1]
    first, second = pair_of(what) or PAIRS[0]
    return getattr(what, first), getattr(what, second)


def received(decompress: Callable[..., object], sent: object, known: Mapping[str, object]) -> object:
    """decompress(message), decompress(message, context), decompress(*parts), as many as it takes.

    Sizes and names that it asks for beside are given by what they are called; what compress sent goes first.
    """
    # Arguments without a default, of which those that have a role (a size, a name) are filled from what the
    # receiver knows; the rest is what compress must have sent.
    needed = [p for p in roles.parameters(decompress) if roles.is_needed(p)]
    own = [p for at, p in enumerate(needed) if not at or roles.ROLE.get(p.name) not in known]
    count = len(sent) if isinstance(sent, tuple) else 1
    given: tuple[object, ...] = (sent,)
    if isinstance(sent, tuple) and count > 1 and len(own) == 1 and _is_size(needed[1:], sent, known):
        given = (sent[0] if count == 2 else sent[:-1],)  # the context is a size, which is given beside
    elif isinstance(sent, tuple) and count > 1 and count in (len(own), len(needed)) and len(needed) > 1:
        given = sent
    try:
        more = roles.filled(decompress, known, "decompress", skip=len(given))
    except InvalidParameter:
        raise Misfit(
            f"decompress takes {len(needed)} arguments, and compress returned {count}: return (message, context), or "
            "as many"
        ) from None
    return decompress(*given, **more)


def _is_size(rest: list[inspect.Parameter], sent: tuple[object, ...], known: Mapping[str, object]) -> bool:
    """True where all that decompress asks for beside the message are sizes, and compress sent them."""
    if not rest or not all(roles.ROLE.get(p.name) in ("d", "shape") for p in rest):
        return False
    last = sent[-1]
    return isinstance(last, int | np.integer | tuple) and last in (known["d"], known["shape"])


def encoded_bits(message: object) -> int:
    """Bits of a message with its context as it is encoded: bytes as they are, arrays raw, 64 a number of Python.

    Names of a table's entries and types are known to both sides and cost nothing. Raises InvalidParameter for others.
    """
    if message is None:
        return 0
    if isinstance(message, bytes | bytearray | memoryview):
        return 8 * len(bytes(message))
    if isinstance(message, str):
        return 8 * len(message.encode())
    # The keys of a table are part of the protocol.
    if isinstance(message, Mapping):
        return sum(encoded_bits(v) for v in message.values())
    if isinstance(message, list | tuple):
        return sum(encoded_bits(v) for v in message)
    if isinstance(message, bool):
        return 1
    if isinstance(message, int | float):
        return 64
    held = (
        message.numpy() if hasattr(message, "numpy") and not hasattr(message, "detach") else as_numpy(message)
    )
    if isinstance(held, np.ndarray | np.generic) and held.dtype.kind in "biufV":
        # as_numpy widens bfloat16: the tensor's own size of an element counts on the wire.
        narrow = getattr(message, "element_size", None)
        return int(held.size) * 8 * int(narrow() if callable(narrow) else held.itemsize)
    if type(message).__module__.partition(".")[0] in ("torch", "jax", "numpy"):
        return 0  # types and devices
    raise InvalidParameter(
        f"{type(message).__name__} in a message has no known length: give bits= a function of the message"
    )


def same(one: object, other: object) -> bool:
    """Equal vectors, bit for bit; NaN is what the contract speaks of."""
    return bool(np.array_equal(np.asarray(one), np.asarray(other), equal_nan=True))
