"""A refutation evaluated again, on the program as it is now: what reproduction scripts carry and call.

Reproduction scripts carry the very lines of this module and of what it calls (`carried`), without the package: what is
written here must run with numpy alone, and take its subject as an object with program, size and deterministic.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from compth.certification.contract import Look
from compth.certification.oracle import Moments, excess, factored, margins_of, of_leaves
from compth.certification.sampled import Point, Suspects, target_of
from compth.certification.selection import selected
from compth.certification.tracer import NotTraceable, leaves

if TYPE_CHECKING:
    from compth._types import Array
    from compth.certification.subject import Subject
    from compth.claims import Claim


PATHS = 400_000
"""Most paths that a script enumerates."""
SAMPLES = 20_000
"""Samples of a program that can no longer be enumerated."""
LEVEL = math.log(1e9) + math.log(10)
"""Log evidence that refutes then."""


class Line(NamedTuple):
    """One inequality at the witness: what it says in words, and whether it is violated (None: a remark)."""

    says: str
    violated: bool | None


def directly(subject: Subject, claim: Claim, x: Array, d: int, slack: float) -> list[Line]:
    """The claim's inequalities at x for a program without randomness."""
    if not subject.deterministic:
        return otherwise(subject, claim, x, d, slack, "the program takes a generator now")
    out = np.asarray(subject.program(x.copy(), np.random.default_rng(0)), dtype=np.float64)
    return lines_of(claim, Moments(x, out, float(out @ out), (out - target_of(x, d)) ** 2, slack))


def enumerated(subject: Subject, claim: Claim, x: Array, d: int, slack: float) -> list[Line]:
    """The claim's inequalities at x from every path."""
    try:
        m = of_leaves(x, list(leaves(lambda rng: subject.program(x.copy(), rng), PATHS)), d)
    except NotTraceable as reason:
        return otherwise(subject, claim, x, d, slack, f"the program cannot be enumerated now ({reason})")
    return lines_of(claim, replace(m, slack=slack))


def by_coordinates(subject: Subject, claim: Claim, x: Array, d: int, slack: float) -> list[Line]:
    """The claim's inequalities at x from each coordinate's own law."""
    try:
        m = factored(subject, d)(x)
    except NotTraceable as reason:
        return otherwise(subject, claim, x, d, slack, f"the program cannot be factored now ({reason})")
    return lines_of(claim, replace(m, slack=slack))


def by_selection(subject: Subject, claim: Claim, x: Array, d: int, slack: float) -> list[Line]:
    """The claim's inequalities at x from the classes of draws of a selection."""
    try:
        m = selected(subject, x, d)
    except NotTraceable as reason:
        return otherwise(subject, claim, x, d, slack, f"the program is no plain selection now ({reason})")
    return lines_of(claim, replace(m, slack=slack))


def otherwise(subject: Subject, claim: Claim, x: Array, d: int, slack: float, reason: str) -> list[Line]:
    """Seeded samples, for a program of another kind than the refuted one."""
    remark = Line(f"{reason}: {SAMPLES} seeded samples instead", None)
    # The e-processes learn directions between blocks, so the blocks double as they do in the referee's own
    # sampling.
    blocks = [8]
    while sum(blocks) < SAMPLES:
        blocks.append(sum(blocks))
    return [remark, *by_samples(subject, claim, x, d, slack, seed=[0, d, 0], blocks=blocks, level=LEVEL)]


def lines_of(claim: Claim, m: Moments) -> list[Line]:
    """Each inequality in numbers, per what the claim's constants multiply: ||x||^2, d ||x||_inf^2, nothing."""
    # Divided by what the constants multiply, the numbers are the constants themselves: omega seen and omega
    # allowed.
    unit, name = claim.unit(m.x) if m.x.any() else (1, "")
    out = []
    for g in margins_of(claim, m):
        value, bound = float(g.value) / float(unit), float(g.bound) / float(unit)
        out.append(Line(f"{g.name} = {value:.12g}{name}, allowed {bound:.12g}{name}", excess(g, m) > 0))
    return out


def by_samples(
    subject: Subject,
    claim: Claim,
    x: Array,
    d: int,
    slack: float,
    seed: list[int],
    blocks: Sequence[int],
    level: float,
) -> list[Line]:
    """The claim's inequalities at x by the same e-processes on the same seeded samples."""
    # Same seed, same blocks, same directions: the numbers that refuted are drawn again, if the program is the
    # same.
    point, nowhere = Point(x, d, [claim], seed, slack), Suspects(d)
    for block in blocks:
        point.extend(subject, block, nowhere)
    _, unit = claim.unit(x)
    out = []
    for test in point.tests:
        evidence = test.process.evidence
        says = test.inequality.says(test.values, unit)
        says += f"; {point.n} samples, log evidence {evidence:.6g}, refuted beyond {level:.6g}"
        out.append(Line(says, evidence > level))
    return out


def kept(
    look: Look, checks: Sequence[Callable[[Look, Array, int], str]], x: Array, d: int, seeds: int
) -> str:
    """What the checks of the contract find at x, and whether calls with other seeds fail; "" when it is kept.

    The checks come several times, with other numbers of calls in between: kept state may count them.
    """
    try:
        for turn in range(9):
            for check in checks:
                problem = check(look, x, d)
                if problem:
                    return problem
            for seed in range(turn):
                look(x, seed)
        for seed in range(seeds):
            look(x, seed)
    except Exception as problem:
        return f"raised {type(problem).__name__}: {problem}"
    return ""
