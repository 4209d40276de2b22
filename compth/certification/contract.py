"""What every compressor must do whatever it claims: shape, dtype, finiteness, purity, reproducibility."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from compth.certification.points import DOMAIN, inside, structured
from compth.certification.subject import CALL_LIMIT, Array, CallTooLong, Subject, time_limit
from compth.claims import Claim

Breach = tuple[str, Any]
"""What was broken, in words, and the input that shows it."""


def run(subject: Subject, x: Array, seed: int) -> Any:
    """One timed call on a fresh generator."""
    with time_limit(CALL_LIMIT):
        return subject.program(x, np.random.default_rng(seed))


def _generators() -> tuple[Any, Any]:
    held: Any = np.random.get_state()  # noqa: NPY002
    return held[1].tobytes(), random.getstate()


def breaches(
    subject: Subject, d: int, claims: list[Claim], domain: tuple[float, float] = DOMAIN
) -> Iterator[Breach]:
    """The first breach of each kind at dimension d."""
    relative = any(c.relative for c in claims) or not claims
    points = structured(subject.size(d), 0, domain)
    rng = np.random.default_rng(5)
    inputs = [*points[:: max(1, len(points) // 24)], *rng.normal(size=(4, subject.size(d)))]
    inputs = [x for x in inputs if inside(x, domain)] or [np.full(subject.size(d), domain[0])]
    inputs += [v * s for v in inputs[:2] for s in domain if relative and inside(v * s, domain)]
    checks: list[Callable[[Subject, Array, int], str]] = [_well_formed, _pure, _reproducible]
    for x in inputs:
        for check in checks:
            problem = _guarded(check, subject, x, d)
            if problem:
                yield problem, x
                return
    problem = _guarded(_stateless, subject, inputs[0], d)
    if problem:
        yield problem, inputs[0]
        return
    if relative:
        zero = np.zeros(subject.size(d))
        problem = _guarded(_zero, subject, zero, d)
        if problem:
            yield problem, zero


def _guarded(check: Callable[[Subject, Array, int], str], subject: Subject, x: Array, d: int) -> str:
    try:
        return check(subject, x, d)
    except CallTooLong as problem:
        return str(problem)
    except MemoryError:
        return "ran out of memory"
    except RecursionError:
        return "recursed without end"
    except Exception as problem:
        return f"raised {type(problem).__name__}: {str(problem)[:200]}"


def _well_formed(subject: Subject, x: Array, d: int) -> str:
    for seed in (0, 1):
        out = run(subject, x.copy(), seed)
        if not isinstance(out, np.ndarray):
            return f"returned {type(out).__name__}, not a numpy array"
        if out.shape != (d,):
            return f"returned shape {out.shape} for an input of shape ({subject.size(d)},)"
        if out.dtype.kind not in "fiub":
            return f"returned dtype {out.dtype}"
        if not np.isfinite(out.astype(np.float64)).all():
            return "returned NaN or inf for a finite input"
    return ""


def _pure(subject: Subject, x: Array, d: int) -> str:
    given, kept, before = x.copy(), x.copy(), _generators()
    run(subject, given, 3)
    if not np.array_equal(given, kept):
        return "changed its input"
    return "used a global random generator" if _generators() != before else ""


def _reproducible(subject: Subject, x: Array, d: int) -> str:
    one, two = run(subject, x.copy(), 7), run(subject, x.copy(), 7)
    if not np.array_equal(one, two):
        return "gave two results for the same input and generator state (a private generator, or state kept)"
    return ""


def _stateless(subject: Subject, x: Array, d: int) -> str:
    first = run(subject, x.copy(), 11)
    for seed in range(12):
        run(subject, x[::-1].copy() * (seed + 1), seed)
    if not np.array_equal(first, run(subject, x.copy(), 11)):
        return "kept state between calls"
    return ""


def _zero(subject: Subject, x: Array, d: int) -> str:
    for seed in range(8):
        if np.asarray(run(subject, x.copy(), seed)).any():
            return "C(0) is not 0, which every relative claim needs"
    return ""
