"""An estimate where only samples are affordable: a pilot at the listed inputs, then fresh runs at the worst of them.

Nothing here is a bound on the constant except the interval, which holds with confidence 1 - alpha.

The pilot chooses where to look and is then thrown away: guess and interval come from fresh runs, since the largest of
forty noisy means is biased upwards.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count

import numpy as np
from numpy.typing import NDArray

from compth._earned import changed
from compth.certification import evalues
from compth.certification.arithmetic import grid_points
from compth.certification.estimated import Estimate, as_ratio
from compth.certification.points import structured
from compth.certification.run import Run
from compth.certification.scales import Growth, growth

Array = NDArray[np.float64]
Statistic = Callable[[Array], Array]
"""Errors (N, d) in units of ||x|| -> numbers."""
POINTS = 40
"""Listed inputs of the pilot: the first ones hold both signs, ties, one-hot and vec(I)."""
PILOT = 64
"""Runs at each of them."""
BLOCK = 2_000_000
"""Numbers of one block of outputs in memory."""
TOTAL = 4e8
"""Numbers of all outputs at one input."""
SIGMAS = 8.0
"""Standard errors beyond which a mean error is taken for a bias."""


class Runs:
    """Runs of the program, every look at its own stream of the seed."""

    def __init__(self, run: Run, d: int) -> None:
        self.run, self.d, self.total = run, d, 0
        self._streams = (np.random.SeedSequence([run.seed, d, 41, k]) for k in count())

    def look(self, x: Array, runs: int, of: Statistic) -> Array:
        """The statistic of fresh runs at x, block by block."""
        rng, norm = np.random.default_rng(next(self._streams)), float(np.linalg.norm(x)) or 1.0
        # Outputs of many coordinates are looked at block by block, each reduced to its statistic before the
        # next is drawn.
        runs = max(2, min(runs, int(TOTAL // self.d)))
        most, out = max(2, BLOCK // self.d // 2 * 2), []
        for start in range(0, runs, most):
            block = evalues.sample(self.run.subject, x, rng, min(most, runs - start), self.d)
            out.append(of((block - x) / norm))
        self.total += runs
        return np.concatenate(out)

    def fresh(self, x: Array, of: Statistic, share: int) -> Array:
        """A share of the budget's samples at x."""
        return self.look(x, max(PILOT, self.run.budget.samples // share), of)


def squares(errors: Array) -> Array:
    """||C(x) - x||^2 of every run."""
    out: Array = (errors**2).sum(axis=1)
    return out


def pairs(errors: Array) -> Array:
    """||C - C'||^2 / 2 of independent pairs: their mean is the variance, without knowing the mean."""
    half = len(errors) // 2
    out: Array = ((errors[:half] - errors[half : 2 * half]) ** 2).sum(axis=1) / 2
    return out


@dataclass(frozen=True)
class Pilot:
    """What few runs at x show, relative to ||x||: mean square error, variance, and where a bias may be."""

    x: Array
    square: float
    variance: float
    suspects: tuple[tuple[float, Array], ...]


def _pilot(runs: Runs, x: Array) -> Pilot:
    """A few runs at x, and the directions in which a bias would show best: x itself, and their mean error."""
    held: list[Array] = []
    runs.look(x, PILOT, lambda errors: held.append(errors) or np.zeros(0))  # type: ignore[func-returns-value]
    errors = np.concatenate(held)
    directions = [v / np.linalg.norm(v) for v in (x, errors.mean(axis=0)) if v.any()]
    suspects = tuple((_score(errors @ u), u) for u in directions)
    return Pilot(x, float(squares(errors).mean()), float(pairs(errors).mean()), suspects)


def estimate(run: Run, d: int) -> Estimate:
    """The class by scale and bias, and the constant at the worst input of the pilot."""
    if run.subject.workers:
        said = "no exact moments of this fleet: samples do not tell A from B"
        return Estimate(run.subject.name, d, "none", technique=said)
    runs = Runs(run, d)
    points = [*grid_points(d, run.arithmetic.grid), *structured(d, run.seed, run.domain)[:POINTS]]
    seen = [_pilot(runs, x) for x in points]
    grown = growth(lambda x: _mean_square(runs, x), d, run.domain)
    if grown is Growth.ABSOLUTE:
        worst = max(seen, key=lambda p: p.square * float(p.x @ p.x)).x
        return _known(runs, "absolute error", worst, runs.fresh(worst, squares, 2) * float(worst @ worst))
    if grown is Growth.NEITHER:
        return _none(runs, seen, grown.value)
    return _relative(runs, seen)


def _mean_square(runs: Runs, x: Array) -> float:
    """E||C(x) - x||^2 from a pilot, with the arithmetic's rounding deducted."""
    return without_rounding(float(runs.look(x, PILOT, squares).mean()), runs.run.slack) * float(x @ x)


def without_rounding(square: float, slack: float) -> float:
    """A mean square error in units of ||x||^2 without what rounding may have added: at most slack (2 + its root)."""
    return max(0.0, square**0.5 - slack * (2 + square**0.5)) ** 2 if slack else square


def _relative(runs: Runs, seen: list[Pilot]) -> Estimate:
    """The constant of a program whose error scales with x: omega, delta, or (eta, omega), by the bias that is seen."""
    bias = _bias(runs, seen)
    worst = max(seen, key=lambda p: p.square).x
    z = runs.fresh(worst, squares, 2)
    if bias == 0.0:
        return _known(runs, "unbiased", worst, z)
    if z.mean() < 1:
        return _known(runs, "contractive", worst, z)
    if bias >= 1:
        return _none(runs, seen, "biased, and the mean square error reaches ||x||^2")
    spread = max(seen, key=lambda p: p.variance).x
    known = _known(runs, "bias and variance", spread, runs.fresh(spread, pairs, 2))
    return changed(known, eta=(None, bias))


def _bias(runs: Runs, seen: list[Pilot]) -> float:
    """||E C(x) - x|| / ||x|| at the most suspicious inputs, 0 where no bias beyond chance is seen.

    Directions come from the pilot (x itself and the mean error there), the test from fresh runs.
    """
    # A bias in an unknown direction is invisible in E||C - x||^2; the pilot's mean error points to it, and
    # three fresh tests at SIGMAS standard errors keep a false one improbable.
    suspects = [(score, u, p.x) for p in seen for score, u in p.suspects]
    found = 0.0
    for _, u, x in sorted(suspects, key=lambda s: s[0], reverse=True)[:3]:
        values = runs.fresh(x, lambda errors, u=u: errors @ u, 6)  # type: ignore[misc]
        mean = abs(float(values.mean()))
        if mean > runs.run.slack * 2 + 1e-9 and _score(values) > SIGMAS:
            found = max(found, mean)
    return found


def _score(values: Array) -> float:
    """|mean| in standard errors."""
    return abs(float(values.mean())) / (float(values.std()) / math.sqrt(len(values)) + 1e-12)


def _none(runs: Runs, seen: list[Pilot], why: str) -> Estimate:
    """An estimate of no kind, with the reason."""
    worst = max(seen, key=lambda p: p.square)
    return Estimate(
        runs.run.subject.name, runs.d, "none", worst_x=worst.x, technique=f"{runs.total} runs: {why}"
    )


def _known(runs: Runs, kind: str, x: Array, z: Array) -> Estimate:
    """Guess and interval of the constant from the fresh mean squares z at x."""
    run, said = runs.run, f"{runs.total} runs in all"
    blank = Estimate(
        run.subject.name, runs.d, kind, worst_x=x, technique=said, alpha=run.alpha, samples=len(z)
    )
    ends = [
        float(as_ratio(blank.symbol, v)) for v in (without_rounding(lower(z, run.alpha), run.slack), math.inf)
    ]
    guess = float(as_ratio(blank.symbol, float(z.mean())))
    return changed(blank, guess=guess, interval=(max(0.0, min(ends)), max(ends)))


def lower(z: Array, alpha: float) -> float:
    """The least mean of Z >= 0 that these independent values do not refute at level alpha (no bound on Z is needed).

    The interval [lower, inf) contains E Z with confidence 1 - alpha: a true mean is refuted with a chance of alpha.
    """
    mean, level = float(z.mean()), math.log(1 / alpha)
    # A confidence bound by inversion: the least mean that the e-process against "E Z <= mean" does not refute
    # at alpha.
    low, high = mean * 1e-6, mean
    if mean <= 0 or evalues.exceeds(z, low) <= level:
        return 0.0
    while high - low > 1e-4 * high:
        middle = (low * high) ** 0.5
        low, high = (middle, high) if evalues.exceeds(z, middle) > level else (low, middle)
    return low
