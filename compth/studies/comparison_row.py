"""A line of a comparison: what is declared, promised and seen of one method with one step size.

Plain values and what follows from them; whoever makes one is `compare`, whoever shows it is in `reporting`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from compth._earned import Earned


@dataclass(frozen=True)
class Row(Earned):
    """One method's line: what is declared, promised and seen. eps is relative to ||x_0 - x*||^2.

    The standings of one that was typed or changed are ASSUMED.
    """

    WORDS = MappingProxyType(dict.fromkeys(("standing", "theorem_standing", "certified_standing"), "ASSUMED"))

    label: str
    method: str
    compressor: str
    constant: str
    standing: str
    stepsize: float
    stepsize_from: str
    theorem: str
    theorem_standing: str
    guaranteed_rate: float | None
    guaranteed_floor: float | None
    guaranteed_rounds: int | None
    simulated_rate: float | None
    simulated_floor: float | None
    rounds: int | None
    bits: float | None
    bits_per_round: float
    diverged: int
    note: str = ""
    exact_rate: float | None = None
    exact_rounds: int | None = None
    warning: str = ""
    best_step: float | None = None
    best_rate: float | None = None
    best_found: bool = True
    tight_rate: float | None = None
    certified_step: float | None = None
    certified_rate: float | None = None
    certified_rounds: int | None = None
    certified_standing: str = ""
    certified_note: str = ""
    exact_note: str = ""

    @property
    def certified_remark(self) -> str:
        """What the step of the certified worst case would buy, "" where it is not known or promises no more."""
        rounds, promised = self.certified_rounds, self.guaranteed_rounds
        if (
            self.stepsize_from in ("certified", "best", "tuned")
            or self.certified_step is None
            or rounds is None
            or (promised is not None and rounds >= 0.95 * promised)
        ):
            return ""
        other = (
            f"{self.theorem} promises {promised:,} at its own"
            if promised is not None
            else "nothing else does"
        )
        return (
            f"the certified worst case of its class ({self.certified_standing}) promises {rounds:,} rounds to eps at"
            f" its best step gamma = {self.certified_step:.3g}; {other}"
        )

    @property
    def step_remark(self) -> str:
        """What the step costs here, "" where it is not known or within 10 % of the best."""
        if self.best_step is None or self.best_rate is None or self.exact_rate is None:
            return ""
        now, best = _speed(self.exact_rate), _speed(self.best_rate)
        # Gain: the ratio of -log rho, that is of rounds for the same accuracy. Steps within 10 %, and gains within 5 %,
        # are not worth a line.
        ratio, gain = self.best_step / self.stepsize, best / now if 0 < now < math.inf else math.nan
        if 0.9 < ratio < 1.1 or not gain > 1.05:
            return ""
        if not self.best_found and gain < math.inf:
            better = f"gamma = {self.best_step:.3g} would be {gain:.2g} x as fast here"
            return f"{better} (exact rates; that no step is faster was not shown)"
        whose = {"given": "the given step is", "certified": "the certified step is"}
        asked = whose.get(self.stepsize_from, "the theorem asks for a step")
        size = f"{ratio:.2g} x too short" if ratio > 1 else f"{1 / ratio:.2g} x too long"
        floor = ", to a higher floor" if self.guaranteed_floor and ratio > 1 else ""
        fast = f"{gain:.2g} x as fast{floor} (exact rates)" if gain < math.inf else "there in one round"
        return f"{asked} {size} here: gamma = {self.best_step:.3g} would be {fast}"


def _speed(rho: float) -> float:
    """-log rho per round: inf for a method that arrives in one round, 0 for one that does not arrive."""
    if rho <= 0:
        return math.inf
    return -float(np.log(rho)) if rho < 1 else 0.0


__all__ = ["Row"]
