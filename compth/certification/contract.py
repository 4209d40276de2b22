"""What every compressor must do whatever it claims: shape, dtype, finiteness, purity, reproducibility.

A breach is REFUTED whatever is claimed, so a check here must fail only for programs that no user would call right. It
sees a program through `Look` alone and is carried into scripts.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import cast

import numpy as np

from compth._types import Array, Numbers
from compth.certification.adapting.generators import seeded
from compth.certification.adapting.memory import put_back
from compth.certification.arithmetic import FLOAT64, FORMATS, seen
from compth.certification.beside import Program, beside, is_floats, of_program
from compth.certification.points import DOMAIN, inside, structured
from compth.certification.subject import CALL_LIMIT, CallTooLong, Subject, time_limit
from compth.claims import Claim

Breach = tuple[str, Array]
"""What was broken, in words, and the input that shows it."""


@dataclass(frozen=True)
class Outcome:
    """What one call did: type and dtype of its answer, the numbers (None where there are none), and side effects.

    drew: the generator of the process on whose state the answer hangs, "" for none.
    """

    kind: str
    dtype: str
    value: Array | None
    changed: bool
    drew: str


Look = Callable[[Array, int], Outcome]
"""One call at x on a fresh generator of this seed. The checks below see a program only so; scripts carry their text."""


def observe(program: Program, x: Array, seed: int) -> Outcome:
    """Call the program and see what it does."""
    given, before = x.copy(), _generators()
    out = program(given, np.random.default_rng(seed))
    real = isinstance(out, np.ndarray) and out.dtype.kind in "fiub"
    return Outcome(
        kind="" if isinstance(out, np.ndarray) else type(out).__name__,
        dtype=str(getattr(out, "dtype", "")),
        value=np.array(out, dtype=np.float64) if real else None,
        changed=not np.array_equal(given, x),
        drew=_drawn_from(program, x, seed, out, before) if real else "",
    )


def _generators() -> dict[str, object]:
    """Where the process's generators stand: keys, positions and what they keep for the next draw."""
    held = cast("tuple[str, Numbers, int, int, float]", np.random.get_state())  # noqa: NPY002
    torch = sys.modules.get("torch")
    ready = torch is not None and hasattr(torch, "get_rng_state")
    at = torch.get_rng_state().numpy().tobytes() if ready and torch is not None else None
    return {
        "np.random": (held[1].tobytes(), *held[2:]),
        "Python's random": random.getstate(),
        "torch's global generator": at,
    }


def _drawn_from(program: Program, x: Array, seed: int, out: object, before: dict[str, object]) -> str:
    """The generator that moved, unless the program seeds it from what it is given: then its state means nothing."""
    after = _generators()
    moved = [name for name in after if after[name] != before[name] and before[name] is not None]
    if not moved:
        return ""
    # A program that seeds the global generator itself moves it, too, and is reproducible all the same. Only
    # an answer that changes with the state from which the generator starts hangs on it.
    for start in range(3):
        with seeded(start):  # and put back: they are the user's
            again = program(x.copy(), np.random.default_rng(seed))
        if not np.array_equal(np.asarray(again), np.asarray(out), equal_nan=True):
            return moved[0]
    return ""


def well_formed(look: Look, x: Array, d: int) -> str:
    """An array of d finite real numbers."""
    for seed in (0, 1):
        out = look(x, seed)
        if out.kind:
            return f"returned {out.kind}, not a numpy array"
        if out.value is None:
            return f"returned dtype {out.dtype}"
        if out.value.shape != (d,):
            return f"returned shape {out.value.shape} for an input of shape ({len(x)},)"
        if not np.isfinite(out.value).all():
            return "returned NaN or inf for a finite input"
    return ""


def pure(look: Look, x: Array, d: int) -> str:
    """The input stays, and so do numpy's and Python's global generators."""
    out = look(x, 3)
    if out.changed:
        return "changed its input"
    return f"drew from {out.drew}, not from the generator that it is given" if out.drew else ""


def reproducible(look: Look, x: Array, d: int) -> str:
    """One seed, one result."""
    if not _same(look(x, 7).value, look(x, 7).value):
        return "gave two results for the same input and generator state (a private generator, or state kept)"
    return ""


def stateless(look: Look, x: Array, d: int) -> str:
    """Other calls in between change nothing."""
    # A counter or a cache of the last input shows when other inputs came in between: twelve of them, of other
    # sizes and signs.
    first = look(x, 11).value
    for seed in range(12):
        look(x[::-1].copy() * (seed + 1), seed)
    return "" if _same(first, look(x, 11).value) else "kept state between calls"


def _same(one: Array | None, other: Array | None) -> bool:
    """Bit for bit the same numbers, or none in both."""
    return np.array_equal(np.asarray(one), np.asarray(other))


def zero(look: Look, x: Array, d: int) -> str:
    """C(0) = 0."""
    # Both sides of a relative inequality are 0 at x = 0, so C(0) = 0 almost surely; eight seeds, since it may
    # be random.
    if any(np.any(look(np.zeros(len(x)), seed).value) for seed in range(8)):
        return "C(0) is not 0, which every relative claim needs"
    return ""


CHECKS = {f.__name__: f for f in (well_formed, pure, reproducible, stateless, zero)}


def _is_outcome(answer: object, subject: Subject, x: Array, seed: int) -> bool:
    """True for an Outcome of plain parts that a call could have."""
    if not isinstance(answer, Outcome):
        return False
    flags = isinstance(answer.changed, bool) and answer.drew in ("", *_generators())
    words = isinstance(answer.kind, str) and isinstance(answer.dtype, str)
    value = answer.value
    return flags and words and (value is None or (not answer.kind and is_floats(value, np.shape(value))))


@beside(_is_outcome)
def outcome(subject: Subject, x: Array, seed: int) -> Outcome:
    """One timed call on a fresh generator."""
    with time_limit(CALL_LIMIT):
        return observe(subject.program, x, seed)


def _is_arithmetic(answer: object, subject: Subject, size: int) -> bool:
    """True for a known format, a short line of text and a number of bits."""
    if not (isinstance(answer, tuple) and len(answer) == 3):
        return False
    name, origin, grid = answer
    said = isinstance(origin, str) and len(origin) < 200 and origin.isprintable()
    return name in FORMATS and said and isinstance(grid, int) and 0 <= grid < 53


@beside(_is_arithmetic)
def computes_in(subject: Subject, size: int) -> tuple[str, str, int]:
    """(name, how it was seen, significant bits of the outputs or 0) of the arithmetic that the program computes in."""
    # The type of the output tells the format, so the output is wanted as the program returns it, before it is
    # made numpy's.
    program = subject.raw or subject.program

    def call(x: Array, seed: int) -> object:
        with time_limit(CALL_LIMIT):
            return program(x.copy(), np.random.default_rng(seed))

    try:
        with put_back(subject.object):  # a memory of this size would not fit another dimension's vectors
            found = seen(call, size)
    except Exception as problem:
        if not (of_program(problem) or isinstance(problem, CallTooLong | TypeError | ValueError)):
            raise
        return FLOAT64.name, "not seen: the program does not run", 0  # the contract stage says what is wrong
    return found.name, found.origin, found.grid or 0


def breaches(
    subject: Subject, d: int, claims: list[Claim], domain: tuple[float, float] = DOMAIN
) -> Iterator[Breach]:
    """The first breach at dimension d, if there is one."""
    # A sample of the structured inputs and normal ones: misbehaviour is rarely confined to one input, and
    # every call is limited in time. State kept between calls and C(0) need one input each.
    relative, nought = any(c.relative for c in claims), np.zeros(subject.size(d))
    points = structured(subject.size(d), 0, domain)
    rng = np.random.default_rng(5)
    inputs = [*points[:10], *points[10 :: max(1, len(points) // 16)], *rng.normal(size=(4, subject.size(d)))]
    inputs = [x for x in inputs if inside(x, domain)] or [np.full(subject.size(d), domain[0])]
    inputs += [
        v * s for v in inputs[:2] for s in domain if (relative or not claims) and inside(v * s, domain)
    ]
    tried = [(check, x) for x in inputs for check in (well_formed, pure, reproducible)]
    tried += [(stateless, inputs[0]), (well_formed, nought)] + ([(zero, nought)] if relative else [])
    for check, x in tried:
        problem = guarded(lambda: check(lambda v, seed: outcome(subject, v, seed), x, d))  # noqa: B023
        if problem:
            yield problem, x
            return


def guarded(check: Callable[[], str]) -> str:
    """What a check finds; what the program raises counts, what the machine or the package itself raises passes on."""
    try:
        return check()
    except CallTooLong as problem:
        return str(problem)
    except Exception as problem:
        if not of_program(problem):
            raise
        return raised(problem)


def raised(problem: Exception) -> str:
    """A program's exception, in words."""
    if isinstance(problem, MemoryError):
        return "ran out of memory"
    if isinstance(problem, RecursionError):
        return "recursed without end"
    kind = type(problem).__name__
    if kind in ("Ended", "Plain"):
        return str(problem)
    return f"raised {'' if kind == 'Escaped' else f'{kind}: '}{str(problem)[:200]}"
