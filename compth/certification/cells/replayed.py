"""The same draws on symbols and on numbers: what the trace makes of them is what the program makes of them.

Real runs elsewhere are held to give one of the outcomes that have a chance. A program whose rounding decides which one
(x + 1 == x beyond 2^53) gives one of them, and always the same: it is seen where the draws are known.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from compth.certification.cells.nodes import Node
from compth.certification.cells.numbers import Numbers, Unknown, place_of
from compth.certification.cells.scripted import draw_errors_raised, scripted
from compth.certification.cells.stage import Trace
from compth.certification.cells.visits import generic
from compth.certification.points import DOMAIN, inside
from compth.certification.subject import Subject
from compth.certification.traced import AGREES
from compth.certification.tracer import Strange

Array = NDArray[np.float64]
EXPONENTS = range(-322, 323, 7)
"""Powers of two by which a generic input is multiplied."""
SCRIPTS, PLAIN = 4, 16
"""Choices of all draws at each input; of them more at inputs of size 1, where the draws' places are tried."""
WORK = 400_000
"""Most expressions that are evaluated."""
FAR = 5000
"""Largest power of two that is written out."""


class Exactly(Numbers):
    """Expressions in exact arithmetic, as laws have them; roots, logarithms and norms are floats."""

    def __init__(self, x: Array, drawn: Mapping[int, float]) -> None:
        super().__init__(x, {}, drawn)
        self.exact: dict[Node, Fraction] = {}

    def at(self, node: Node) -> Fraction:  # type: ignore[override]  # where floats are computed with, it is one
        """Its value. Raises Unknown."""
        if node not in self.exact:
            try:
                self.exact[node] = Fraction(self._at(node))
            except (ArithmeticError, ValueError, RecursionError, TypeError):
                raise Unknown from None
        return self.exact[node]

    def _const(self, n: Node) -> Fraction:  # type: ignore[override]
        return Fraction(n.args[0])

    def _x(self, n: Node) -> Fraction:
        return Fraction(float(self.x[n.args[0]]))

    def _sum(self, n: Node) -> Fraction:  # type: ignore[override]
        return sum(map(self.at, n.args), Fraction(0))

    def _exp2(self, n: Node) -> Fraction:
        """Exact for whole powers."""
        power = self.at(n.args[0])
        whole = power.denominator == 1 and abs(power) < FAR
        return Fraction(2) ** int(power) if whole else Fraction(math.exp2(power))


def replayed(subject: Subject, d: int, trace: Trace) -> None:
    """Raises Strange where known draws make other numbers than their symbols; nothing where their places are not known.

    Whether a stream's k-th number is the trace's k-th draw is tried at inputs of size 1, on which all else agreed.
    """
    names = sorted(
        {k for n in trace.listed if n.op in ("u", "cat") if (k := place_of(n.args[0])) is not None}
    )
    if not names:
        return
    left = max(WORK // max(len(trace.listed), 1), 2 * PLAIN)
    scripts = [_script(names, seed) for seed in range(PLAIN)]
    plain = [(x, s) for x in (generic(d), -generic(d, 53)) for s in scripts]
    # The program may draw in another order than its symbols are named: then nothing is known, and nothing
    # is said.
    if not all(_same(subject, trace, x, s) for x, s in plain):
        return
    wide = [(x, s) for x in _wide(d) for s in scripts[:SCRIPTS]]
    # At other magnitudes rounding may decide: any difference there refutes the trace, since the same draws
    # agreed at size 1.
    for x, s in wide[:: -(-len(wide) // left)]:
        if not _same(subject, trace, x, s):
            shown = np.array2string(x[:4], precision=6, separator=", ")
            raise Strange(f"a real run near x = {shown} is not what its draws are traced to make")


def _script(names: list[int], seed: int) -> dict[int, float]:
    """One choice of all draws."""
    rng = np.random.default_rng([67, seed])
    return {k: float(rng.random()) for k in names}


def _wide(d: int) -> Iterator[Array]:
    """Inputs of every size, and inputs of which each entry has a size of its own."""
    rng = np.random.default_rng(71)
    for e in EXPONENTS:
        for x in (np.ldexp(generic(d), e), np.ldexp(-generic(d, 53), rng.integers(min(e, 0), max(e, 1), d))):
            if inside(x, DOMAIN):
                yield x


def _same(subject: Subject, trace: Trace, x: Array, script: dict[int, float]) -> bool:
    """True where every entry of which the trace tells it is what the program makes."""
    with draw_errors_raised():
        y = np.array(subject.program(x.copy(), scripted(script, 0)), dtype=np.float64)
    now, unit = Exactly(x, script), float(np.abs(x).max())
    for i, node in enumerate(trace.outputs):
        try:
            expected = float(now.at(node))
        except (Unknown, OverflowError):
            continue
        # Relative to the largest entry, since norms of x enter every output.
        if not abs(y[i] - expected) <= AGREES * (abs(x[i]) + abs(y[i]) + unit):
            return False
    return True
