"""Several tensors of declared shapes as one vector: split for the program, flattened for the referee.

The order of the entries is that of the declared shapes, first to last, each in C order. What must not be
changed: flatten(split(x)) is x, else the referee would judge a permutation.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import DTypeLike

from compth._types import Array
from compth.certification.arithmetic import as_numpy
from compth.errors import InvalidParameter

Shape = tuple[int, ...]


class Layers:
    """shapes: one tuple (one entry may be -1), a list of tuples, or a dict {name: tuple}; None: one vector of any d.

    alone: whether it is a single shape. free: whether one of its sizes is open (-1). Raises
    InvalidParameter, with the text that was given, for what is no shape.
    """

    def __init__(self, shapes: object = None) -> None:
        self.names: list[object] | None = list(shapes) if isinstance(shapes, Mapping) else None
        listed = list(shapes.values()) if isinstance(shapes, Mapping) else shapes
        self.alone = listed is None or (isinstance(listed, tuple) and all(isinstance(v, int) for v in listed))
        if not (self.alone or isinstance(listed, Iterable)):
            raise InvalidParameter(
                f"shapes={shapes!r}: give a tuple such as (3, 4), or a list or dict of these"
            )
        found = (
            []
            if listed is None
            else [listed]
            if not isinstance(listed, Iterable) or self.alone
            else list(listed)
        )
        self.shapes: list[Shape] = [_shape(s, shapes) for s in found]
        self.free = self.alone and any(-1 in s for s in self.shapes)

    @property
    def d(self) -> int | None:
        """All numbers together; None where any d will do."""
        return None if self.free or not self.shapes else sum(math.prod(s) for s in self.shapes)

    def why_not(self, d: int) -> str:
        """ "" where vectors of this d have these shapes, else the rule."""
        if self.free:
            # prod of (3, -1) is -3: d must be a multiple of 3.
            rest = -math.prod(self.shapes[0])
            return "" if d % rest == 0 else f"d = a multiple of {rest}, to have shape {self.shapes[0]}"
        return "" if self.d in (None, d) else f"d = {self.d}, the size of the shapes {self.shapes}"

    def split(self, x: Array) -> Array | list[Array] | dict[object, Array]:
        """The vector as the program takes it."""
        why = self.why_not(len(x))
        if why:
            raise InvalidParameter(f"d={len(x)}: the adapter needs {why}")
        if not self.shapes:
            return x
        # Consecutive parts of the vector, in the order of the shapes.
        sizes = [math.prod(s) for s in self.shapes]
        ends = [] if self.alone else np.cumsum(sizes)[:-1].tolist()
        parts = [part.reshape(s) for part, s in zip(np.split(x, ends), self.shapes, strict=True)]
        if self.names is not None:
            return dict(zip(self.names, parts, strict=True))
        return parts[0] if self.alone else parts

    def flatten(self, out: object, kind: DTypeLike = np.float64) -> Array:
        """What the program returns as one vector: arrays, lists, tuples and dicts of them, in the order of the input.

        kind: the type of the numbers in bytes, which say nothing of it.
        """
        if isinstance(out, Mapping):
            # A table may come back in another order: its own names decide, as they were declared.
            names = self.names if self.names is not None and set(self.names) == set(out) else list(out)
            return self.flatten([out[name] for name in names], kind)
        if isinstance(out, bytes | bytearray | memoryview):
            return np.frombuffer(out, dtype=kind).copy()
        # A list of numbers is one vector; a list that holds arrays is several.
        if isinstance(out, list | tuple) and any(np.ndim(as_numpy(v)) or isinstance(v, Mapping) for v in out):
            return np.concatenate([self.flatten(v, kind) for v in out])
        return np.array(as_numpy(out)).reshape(-1)


def _shape(shape: object, whole: object) -> Shape:
    """A declared shape, checked. Raises InvalidParameter."""
    sizes = tuple(shape) if isinstance(shape, list | tuple) else (shape,)
    if not all(isinstance(v, int) and not isinstance(v, bool) and (v > 0 or v == -1) for v in sizes):
        raise InvalidParameter(f"shapes={whole!r}: a shape is a tuple of integers >= 1 such as (3, 4)")
    if sizes.count(-1) > 1 or (-1 in sizes and whole is not shape):
        raise InvalidParameter(f"shapes={whole!r}: -1 stands once, in a single shape alone")
    return sizes


def parsed(text: str) -> Shape | list[Shape] | dict[str, Shape]:
    """Shapes as they are written on the command line: "2x-1", "3x4,4" or "w:3x4,b:4"."""
    parts = [part.strip() for part in text.split(",")]
    if all(":" in part for part in parts):
        _once(text, [part.partition(":")[0].strip() for part in parts])
    try:
        if all(":" in part for part in parts):
            return {name.strip(): _sizes(sizes) for name, _, sizes in (p.partition(":") for p in parts)}
        found = [_sizes(part) for part in parts]
    except ValueError:
        raise InvalidParameter(f'shapes={text!r} cannot be read: write "3x4,4" or "w:3x4,b:4"') from None
    return found[0] if len(found) == 1 else found


def _once(text: str, names: list[str]) -> None:
    """Raises InvalidParameter where a name is given twice."""
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise InvalidParameter(f"shapes={text!r} names the layer {twice!r} twice: give each its own name")


def _sizes(text: str) -> Shape:
    """ "3x4" as (3, 4)."""
    return tuple(int(v) for v in text.lower().split("x"))
