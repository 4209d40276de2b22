"""What a simulated run leaves: means with standard errors, bits, and the replicates that diverged.

What is read off a trace (rounds to a precision, a fitted rate, whether it sits on a floor or grows) is defined here
alone, so that tables, searches and pages agree on it. Trends are judged in logarithms, on averages over replicates.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from compth._earned import Computed
from compth._shown import Shown
from compth._types import Array, Json
from compth.methods.core import Plan


@dataclass(frozen=True, eq=False)
class Trace(Computed, Shown):
    """Averages over `runs` replicates at t = 0..steps; se_* are standard errors of the means (NaN for one run).

    Attributes
    ----------
    mean_square, se_square : E||x_t - x*||^2 (distance to the solution set), (T+1,).
    mean_gap, se_gap : E f(x_t) - f*.      mean_gradient_square, se_gradient_square : E||grad f(x_t)||^2.
    mean_metric, se_metric : the theorem's own metric, None when it is mean_square.
    mean : E x_t, (T+1, d), None when it would take more than 160 MB.
    bits : uplink bits per worker sent up to round t.      downlink_bits : bits broadcast to each worker.
    diverged : step at which each replicate left the finite range, -1 for none; means are inf from then on.
    plan, theorem : the step sizes used and the id of the theorem they come from ("" when given by the user).
    One that was typed or changed is told as such where it is shown.
    """

    label: str
    problem: str
    runs: int
    seed: int
    mean_square: Array
    se_square: Array
    mean_gap: Array
    se_gap: Array
    mean_gradient_square: Array
    se_gradient_square: Array
    mean_metric: Array | None
    se_metric: Array | None
    mean: Array | None
    bits: Array
    downlink_bits: Array
    diverged: NDArray[np.int64]
    plan: Plan
    theorem: str = ""
    info: Json = field(default_factory=dict)

    @property
    def steps(self) -> int:
        """T, the number of rounds."""
        return len(self.mean_square) - 1

    def rounds_to(self, eps: float) -> int | None:
        """First t with E||x_t - x*||^2 <= eps ||x_0 - x*||^2 that holds from there on, None if there is none."""
        # the last time above the goal, not the first time below: averages of random runs cross it several
        # times
        above = np.flatnonzero(~(self.mean_square <= eps * self.mean_square[0]))
        first = int(above[-1]) + 1 if above.size else 0
        return first if first <= self.steps else None

    def bits_to(self, eps: float) -> float | None:
        """Uplink bits per worker sent up to `rounds_to(eps)`, None where eps is not reached."""
        rounds = self.rounds_to(eps)
        return None if rounds is None else float(self.bits[rounds])

    @property
    def floor(self) -> float:
        """Median of E||x_t - x*||^2 over the last tenth of the run, relative to t = 0."""
        # the median, as one replicate's excursion moves a mean
        tail = self.mean_square[-max(1, len(self.mean_square) // 10) :]
        return float(np.median(tail) / self.mean_square[0])

    def fitted_rate(self) -> float | None:
        """One-step factor of E||x_t - x*||^2: least squares of its logarithm while it is well above its floor.

        None when fewer than five rounds qualify or a replicate diverged.
        """
        relative = self.mean_square / self.mean_square[0]
        if not np.isfinite(relative).all():
            return None
        # the fit ends where the floor bends the line, or where rounding does: squared distances below 1e-24
        # of the start
        level = max(1e-24, 3 * self.floor) if self.settled else 1e-24
        below = np.flatnonzero(relative <= level)
        end = int(below[0]) if below.size else len(relative)
        # the first tenth is left out: several factors mix there before the slowest one rules
        window = np.arange(end // 10, end)
        if len(window) < 5:
            return None
        return float(np.exp(np.polyfit(window, np.log(relative[window]), 1)[0]))

    @property
    def settled(self) -> bool:
        """True when the run sits on a floor: the last fifth falls at under 5 % of the first half's pace (in logs)."""
        if not self._has_logarithms or self.grows:
            return False
        relative = self.mean_square / self.mean_square[0]
        # a floor shows as a last fifth that hardly falls against the pace of the first half; both are
        # slopes of logarithms, so units cancel
        tail = relative[-max(2, len(relative) // 5) :]
        early = np.log(relative[: len(relative) // 2])
        pace = (early[0] - early.min()) / len(early)
        late = -np.polyfit(np.arange(len(tail)), np.log(tail), 1)[0]
        return bool(late < 0.05 * pace)

    @property
    def grows(self) -> bool:
        """True for a run that ends above its start, still growing: its last fifth doubles and is no slower than half
        the first half's pace upwards (in logs), which a run that rises to a floor is."""
        if not self._has_logarithms:
            return False
        # rising to a floor is growth that slows down; divergence keeps its pace
        logs = np.log(self.mean_square / self.mean_square[0])
        tail, early = logs[-max(2, len(logs) // 5) :], logs[: len(logs) // 2]
        late = np.polyfit(np.arange(len(tail)), tail, 1)[0]
        pace = (early.max() - early[0]) / len(early)
        return bool(logs[-1] > 0 and late * len(tail) >= np.log(2) and late >= pace / 2)

    @property
    def _has_logarithms(self) -> bool:
        """Whether the run is finite, positive and long enough for a trend to be read off its logarithms."""
        relative = self.mean_square / self.mean_square[0] if self.mean_square[0] > 0 else self.mean_square
        return bool(len(relative) >= 20 and np.isfinite(relative).all() and (relative > 0).all())
