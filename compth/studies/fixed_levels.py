"""Tuned levels against fixed ones: what communication-aware tuning saves, and what hindsight would have saved."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from compth._door import a_list, a_problem, at_the_door, optional, real, text, whole
from compth._earned import Computed, made
from compth._shown import Shown
from compth.errors import InvalidParameter
from compth.methods.cat import CAT
from compth.methods.gd import GD
from compth.problems.interface import Problem
from compth.studies.comparison import Comparison, compare


@dataclass(frozen=True, eq=False)
class LevelComparison(Computed, Shown):
    """Uplink bits (or link cost) per worker to reach eps: full gradients, tuned, each fixed level (None: not reached).

    comparison: the runs themselves, in that order; with currency "cost" the bits of CAT's rows are link costs.
    hindsight: the fixed level that was cheapest, known only afterwards.
    """

    comparison: Comparison
    full: float | None
    tuned: float | None
    fixed: dict[int, float | None]
    currency: str = "bits"

    @property
    def hindsight(self) -> tuple[int, float] | None:
        """(level, bits) of the best fixed level in hindsight, None when none reached eps."""
        reached = {level: bits for level, bits in self.fixed.items() if bits is not None}
        return min(reached.items(), key=lambda item: item[1]) if reached else None

    @property
    def regret(self) -> float | None:
        """Tuned bits over the bits of the best fixed level: below 1 tuning beats hindsight.

        None where tuning, or every fixed level, did not reach eps.
        """
        best = self.hindsight
        return None if best is None or self.tuned is None else self.tuned / best[1]

    def columns(self) -> tuple[list[str], list[list[str]]]:
        """Header and cells: what was sent, bits to eps, and how many times the tuned run's."""

        def row(name: str, bits: float | None) -> list[str]:
            if bits is None:
                return [name, "not reached", "-"]
            return [name, f"{bits:.4g}", "-" if self.tuned is None else f"{bits / self.tuned:.3g}"]

        best = self.hindsight
        rows = [row("full gradients", self.full), row("tuned", self.tuned)]
        for level, bits in self.fixed.items():
            mark = " (best in hindsight)" if best is not None and level == best[0] else ""
            rows.append(row(f"T = {level}{mark}", bits))
        return ["sent", f"{self.currency} to eps", "x tuned"], rows


@at_the_door(problem=a_problem, scheme=text, steps=whole(1), runs=whole(1), eps=real, levels=optional(a_list))
def compare_levels(
    problem: Problem,
    scheme: str = "SS",
    cost: object = None,
    levels: Sequence[int] | None = None,
    steps: int = 2000,
    runs: int = 16,
    seed: int = 0,
    *,
    eps: float = 1e-3,
    currency: str = "bits",
) -> LevelComparison:
    """Run CAT, the same scheme at fixed levels (all at their best guaranteed steps) and full gradients.

    levels: fixed T's; None: 1, 2, 4, ... and d. currency: "bits" (realised payload) or "cost" (what the link charges
    for the realised messages: what tuning minimises when the link has headers). Full gradients need no indices; a cost
    that counts elements takes them as d elements. Raises InvalidParameter for levels outside 1..d, and as compare does.
    """
    if levels is None:
        # Powers of two are within a factor two of any level: hindsight on them is nearly that on all.
        levels = sorted({*(2**k for k in range(problem.d.bit_length()) if 2**k <= problem.d), problem.d})
    bad = [
        v
        for v in levels
        if isinstance(v, bool) or not isinstance(v, int | np.integer) or not 1 <= v <= problem.d
    ]
    if bad or not levels:
        raise InvalidParameter(f"levels={list(levels)!r} needs integers from 1 to d = {problem.d}")
    named = {"currency": currency} if cost is None else {"currency": currency, "cost": cost}
    tuned = CAT(scheme=scheme, **named)
    fixed = [CAT(scheme=scheme, level=int(v), **named) for v in levels]
    found = compare([GD(), tuned, *fixed], problem, steps, runs, seed, eps=eps)
    bits = [row.bits for row in found.rows]
    full = bits[0]
    if full is not None and currency == "cost":
        payload, price = found.rows[0].bits_per_round, tuned.price
        full *= float(price(problem.d if price.counts == "elements" else payload)) / payload
    fixed_bits = dict(zip(map(int, levels), bits[2:], strict=True))
    return made(LevelComparison(found, full, bits[1], fixed_bits, currency))
