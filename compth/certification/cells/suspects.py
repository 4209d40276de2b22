"""Inputs at which a violation is likely: what a program's own numbers, conditions and branches say of where to look.

A program that is wrong at one number, on a narrow band or at a tie is met by no random input; but it must
ask for that number, band or tie. Its trace has every such question, also where no law was found, up to the
line that stopped it.

Nothing is decided here: inputs only come earlier or later to stages that judge them. What may be changed is
therefore everything but one: an input that is found must be finite and inside the domain.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import chain, zip_longest
from types import CodeType, FunctionType

import numpy as np

from compth._types import Array
from compth.certification.cells import stage, visits
from compth.certification.cells.binding import nested
from compth.certification.cells.evaluation import draws
from compth.certification.cells.nodes import Node, Stopped, is_truth
from compth.certification.cells.numbers import Numbers, Unknown
from compth.certification.cells.stage import Trace
from compth.certification.cells.ways import Script, of_choices, of_ways
from compth.certification.points import DOMAIN, at, inside
from compth.certification.subject import Subject
from compth.certification.tracer import Strange

Visited = Callable[[Trace, list[Array], list[float]], Iterator[tuple[Array, Script]]]
SIZES = (1e-99, 1e-60, 1e-30, 1e30, 1e60, 1e99)
"""Extreme magnitudes at which a relative claim is looked at again."""
NUMBERS = 400_000
"""Most numbers in these inputs together: they are told as text."""
MOST = 600
"""Most inputs made of what a trace asks for."""
CONDITIONS = 500
"""Most conditions whose answers are compared."""
SUPPORTS = 40
"""Largest number of entries that are not 0, of inputs made to have so many."""


def named(subject: Subject, d: int, absolute: bool) -> list[Array]:
    """Inputs made of the numbers that stand in the program, their doubles and halves, alone and beside generic entries.

    For relative claims also of extreme magnitudes: an absolute error there is rounding.
    """
    # Numbers near 0 or near overflow are tolerances, not thresholds.
    listed = {v for c in _codes(subject.object) for v in _numbers(c.co_consts) if 1e-90 < abs(v) < 1e90}
    # A threshold is seen at it, and on both sides at its double and half.
    values = [v * by for v in sorted(listed, key=_odd)[:20] for by in (1.0, 2.0, 0.5)]
    values += [] if absolute else SIZES
    values = values[: min(66, NUMBERS // (8 * d))]  # eight inputs of each
    rest = np.random.default_rng(43).normal(size=d)
    out = []
    for v in values:
        for x in (
            np.full(d, v),
            at(d, {0: v}),
            np.concatenate([[v], rest[1:]]),
            np.concatenate([rest[1:], [v]]),
        ):
            out += [x, -x]
    return out


def _codes(thing: object) -> Iterator[CodeType]:
    """The code of a function and of the functions that its names mean, one step far."""
    f = thing.func if type(thing) is partial else thing
    f = f if isinstance(f, FunctionType) else vars(type(f)).get("__call__")
    if not isinstance(f, FunctionType):
        return
    for code in nested(f.__code__):
        yield code
        for name in code.co_names:
            inner = f.__globals__.get(name)
            if isinstance(inner, FunctionType):
                yield from nested(inner.__code__)


def _numbers(values: Iterable[object]) -> Iterator[float]:
    """The finite numbers among constants, in tuples, too."""
    for v in values:
        if isinstance(v, tuple):
            yield from _numbers(v)
        elif isinstance(v, int | float) and not isinstance(v, bool) and np.isfinite(float(v)):
            yield float(v)


def _odd(v: float) -> tuple[bool, float]:
    """Small whole numbers last: most are counts."""
    return v == round(v) and abs(v) < 10, v


def asked(trace: Trace, d: int, known: list[Array]) -> list[Array]:
    """Inputs at and beside every border of the trace's conditions, on its ways, of each number of entries and signs.

    known: others, which take turns with them.
    """
    try:
        charts = [c for listed in stage.scales(trace) for c in listed]
    except Stopped:
        charts = []
    found = visits.borders(d, trace, charts)
    shared = visits.with_middles({v for listed in found.values.values() for v in listed})
    pool = [visits.generic(d), -visits.generic(d)]
    alone = [at(d, {i: v}) for i, listed in found.values.items() for v in listed]
    single = [x for i, listed in found.values.items() for v in listed for x in visits.with_entry(d, i, v)]
    j, rest = np.arange(d), visits.generic(d)
    # So many entries that are not 0, and so many negative ones: conditions on counts and supports.
    sizes = [
        x
        for k in range(1, min(d, SUPPORTS))
        for x in (np.where(j < k, rest, 0.0), np.abs(rest) * np.where(j < k, -1, 1))
    ]
    ways = [_of(of_ways, trace, pool, shared), _of(of_choices, trace, pool, shared)]
    return new_first(trace, list(_first(d, *ways, found.inputs, alone, known, single, sizes)))


def new_first(trace: Trace, listed: list[Array]) -> list[Array]:
    """The same inputs; those first at which a condition has an answer that it had at none before."""
    asked = [n for n in trace.listed if is_truth(n) and not draws(n)][:CONDITIONS]
    # An input that gives a condition an answer it never had takes a branch that no earlier one takes:
    # greedy covering.
    seen, new, old = set[tuple[int, bool]](), list[Array](), list[Array]()
    for x in listed:
        now = Numbers(x, trace.floats)
        answers = {(k, a) for k, n in enumerate(asked) if (a := _answer(now, n)) is not None}
        (old if answers <= seen else new).append(x)
        seen |= answers
    return new + old


def _answer(now: Numbers, node: Node) -> bool | None:
    """The answer of a condition without draws, None where numbers do not tell it."""
    try:
        return bool(now.at(node))
    except Unknown:
        return None


def _of(f: Visited, trace: Trace, pool: list[Array], shared: list[float]) -> Iterator[Array]:
    """The inputs of these visits, as far as there are any."""
    try:
        for x, _ in f(trace, pool, shared):
            yield x
    except Strange:
        return


def _first(d: int, *kinds: Iterable[Array]) -> Iterator[Array]:
    """Of each kind in turn, none twice."""
    seen, most = set[bytes](), min(MOST, NUMBERS // d)
    # In turn, so that no kind uses up the limit before the others are tried.
    for x in chain.from_iterable(zip_longest(*kinds)):
        if x is None or not x.any() or len(seen) >= most or x.tobytes() in seen or not inside(x, DOMAIN):
            continue  # 0 has every equality of what scales, and is a case of its own
        seen.add(x.tobytes())
        yield x


__all__ = ["asked", "named"]
