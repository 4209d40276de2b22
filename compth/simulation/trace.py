"""What a simulated run leaves: means with standard errors, bits, and the replicates that diverged."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from compth._shown import Shown
from compth._types import Array, Json
from compth.methods.core import Plan


@dataclass(frozen=True, eq=False)
class Trace(Shown):
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
        """T."""
        return len(self.mean_square) - 1

    def rounds_to(self, eps: float) -> int | None:
        """First t with E||x_t - x*||^2 <= eps ||x_0 - x*||^2 that holds from there on, None if there is none."""
        above = np.flatnonzero(~(self.mean_square <= eps * self.mean_square[0]))
        first = int(above[-1]) + 1 if above.size else 0
        return first if first <= self.steps else None

    def bits_to(self, eps: float) -> float | None:
        """Uplink bits per worker sent by then."""
        rounds = self.rounds_to(eps)
        return None if rounds is None else float(self.bits[rounds])

    @property
    def floor(self) -> float:
        """Median of E||x_t - x*||^2 over the last tenth of the run, relative to t = 0."""
        tail = self.mean_square[-max(1, len(self.mean_square) // 10) :]
        return float(np.median(tail) / self.mean_square[0])

    def fitted_rate(self) -> float | None:
        """One-step factor of E||x_t - x*||^2: least squares of its logarithm while it is well above its floor.

        None when fewer than five rounds qualify or a replicate diverged.
        """
        relative = self.mean_square / self.mean_square[0]
        if not np.isfinite(relative).all():
            return None
        level = max(1e-24, 3 * self.floor) if self.settled else 1e-24
        below = np.flatnonzero(relative <= level)
        end = int(below[0]) if below.size else len(relative)
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
