"""How many rows a user's object is tried with: as many as any batch may have, and as many as its own code names.

The claims of a compressor or fleet speak of whatever runs, batches (..., d) included. A program that is declared for
rows could count them, and do something else for 113 of them. So it is tried with every number up to a limit, with
blocks, and with the numbers that its code, its fields and what these refer to hold: as rows, entries, and as shapes.

This finds what a program's own text gives away. It is evidence by trial: what no trial can show stands in the
assumptions of the proof (`traced.ASSUMPTIONS`).
"""

from __future__ import annotations

from collections.abc import Iterator
from types import CodeType, FunctionType

from compth._identity import namespace
from compth._own import functions

EVERY = 384
"""Every number of rows up to this one is tried."""
LARGEST = 1 << 21
"""Numbers in one batch, at most."""
NAMED = 48
"""Numbers that the code names, at most: the small ones of a few lines, not a table."""
DEPTH = 4
"""From the object's methods to the functions that they call, and so on."""
Lead = tuple[int, ...]
"""The shape of a batch without its last axis."""


def leads(thing: object, size: int) -> list[Lead]:
    """Batches of vectors with so many entries that an object is tried with, those that its code names first."""
    asked = named_leads(thing, size)
    blocks = [(a, b) for a in (1, 2, 3) for b in range(1, 9)] + [(2, 2, 2), (1, 2, 3), (1, 1, 1, 1)]
    return list(dict.fromkeys([*asked, *((n,) for n in range(1, EVERY + 1)), *blocks]))


def named_leads(thing: object, size: int) -> list[Lead]:
    """Batches made of the numbers and shapes that the object's code and fields name, the likeliest first."""
    # A condition on the number of rows compares it, or a product with it, or one less or more, with a
    # constant of the code. So the constants are tried themselves, divided by the entries of a vector, and
    # with what is next to them.
    numbers, shapes = _named(thing)
    listed = sorted(numbers)[:NAMED]
    found: list[Lead] = [(n,) for c in listed for n in (c, c // size)]
    found += [lead for s in sorted(shapes)[:NAMED] for lead in (s, s[:-1])]
    near = [(c // 2, c // 3, c - 1, c + 1, c // size + 1, c // size - 1) for c in listed]
    found += [(n,) for some in near for n in some]
    found += [lead for c in listed for n in (c, c // size) for lead in ((1, n), (n, 1), (2, n), (n, 2))]
    return [lead for lead in dict.fromkeys(found) if _fits(lead, size)]


def _fits(lead: Lead, size: int) -> bool:
    """True for a batch that is not empty and fits in memory."""
    total = size
    for n in lead:
        total *= n
    return len(lead) > 0 and 0 < total <= LARGEST and min(lead) > 0


def _named(thing: object) -> tuple[set[int], set[Lead]]:
    """Whole numbers and tuples of them: in constants of the code of others, and in what it refers to."""
    numbers, shapes = set[int](), set[Lead]()
    for value in _constants(thing):
        if type(value) is int and 1 < value <= LARGEST:
            numbers.add(value)
        elif type(value) is float and value.is_integer() and 1 < value <= LARGEST:
            numbers.add(int(value))
        elif type(value) is tuple and 1 < len(value) <= 6 and all(type(v) is int for v in value):
            shapes.add(value)
            numbers.update(v for v in value if 1 < v <= LARGEST)
    return numbers, shapes


def _constants(thing: object) -> Iterator[object]:
    """Of the object's fields, of methods that are not the package's own, and of what these hold and call."""
    # Breadth first through what the object's own methods can reach: their constants, defaults, closures and
    # globals, then the same of functions among these, a few calls deep.
    yield from list((namespace(thing) or {}).values())
    methods = [v for kind in type(thing).__mro__ for v in vars(kind).values()]
    held: list[object] = [getattr(v, "__func__", getattr(v, "fget", v)) for v in methods]
    held += [thing] if isinstance(thing, FunctionType) else []
    seen = set[int]()
    for _ in range(DEPTH):
        called = [
            f for f in held if isinstance(f, FunctionType) and f not in functions() and id(f) not in seen
        ]
        seen.update(map(id, called))
        held = [v for f in called for v in _reached(f)]
        yield from held


def _reached(f: FunctionType) -> Iterator[object]:
    """Constants of a function's code, its defaults, its closure, and the globals that it names."""
    yield from (*(f.__defaults__ or ()), *(f.__kwdefaults__ or {}).values())
    for cell in f.__closure__ or ():
        try:
            yield cell.cell_contents
        except ValueError:  # a name that is never bound
            continue
    for code in _nested(f.__code__):
        yield from (v for v in code.co_consts if not isinstance(v, CodeType))
        yield from (f.__globals__[name] for name in code.co_names if name in f.__globals__)


def _nested(code: CodeType) -> Iterator[CodeType]:
    """A piece of code and all that is defined inside it."""
    yield code
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield from _nested(inner)
