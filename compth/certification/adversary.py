"""Search for the worst input on an exact oracle: structured points, attribution ascent, value classes, moves.

Any heuristic is welcome here: what the search finds is evaluated exactly before it refutes, and what it does not find
proves nothing. It counts work, never time, so that two machines report the same.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from compth.certification.allowance import Allowance
from compth.certification.oracle import Moments, Oracle, excess, margins_of, ratio
from compth.certification.points import DOMAIN, inside, scattered, structured
from compth.certification.tracer import NotTraceable
from compth.claims import Claim, Margin

Array = NDArray[np.float64]


ALWAYS = 40
"""Structured inputs that are tried however dear one is; only the cap on processor time ends it sooner."""


DRAINS, PATIENCE = 300, 10
"""Steps by which what a program keeps is taken out of an input: at most, and of one size without a gain."""


BLOCKS = 512
"""Most blocks of coordinates that are tried alone."""


STEPS = [f for step in (1.1, 1.03, 1.01, 1.003, 1.001, 1.0001) for f in (step, 1 / step)]
"""Factors of a line search over one magnitude."""


class NotReproducible(Exception):
    """The violation did not show when the same input was evaluated again."""


@dataclass
class Worst:
    """The largest value/bound found for one inequality, and where."""

    ratio: float
    x: Array
    margin: Margin
    violated: bool


class Search:
    """Evaluates inputs for all claims at once and keeps each inequality's worst.

    worst: by (claim, inequality). points, skipped: inputs evaluated, and inputs that could not be followed. broken: an
    input at which the program gave no numbers, which ends the search.
    """

    def __init__(
        self,
        oracle: Oracle,
        claims: list[Claim],
        size: int,
        allowance: Allowance,
        domain: tuple[float, float] = DOMAIN,
    ) -> None:
        self.oracle, self.claims, self.size, self.domain = oracle, claims, size, domain
        self.allowance = allowance
        self.worst: dict[tuple[int, str], Worst] = {}
        self.points = self.skipped = 0
        self.broken: Array | None = None

    @property
    def late(self) -> bool:
        """True when the work is used up, or an output is no number."""
        return self.broken is not None or self.allowance.spent

    def try_point(self, x: Array) -> Moments | None:
        """Evaluate one input; None where it cannot be enumerated within the limits."""
        if not inside(x, self.domain):
            return None
        before = self.oracle.work
        try:
            m = self.oracle(x)
        except NotTraceable as problem:
            self.skipped += 1
            self.allowance.tell(str(problem))
            return None
        finally:
            self.allowance.use(self.oracle.work - before)
        self.points += 1
        if not np.isfinite(m.mean).all():  # of finite outputs the mean is finite
            self.broken = x.copy()
            return None
        for index, claim in enumerate(self.claims):
            for margin in margins_of(claim, m):
                # A violation beyond rounding outranks every ratio: where bounds are tiny, ratios are
                # rounding.
                r, bad = ratio(margin, m), excess(margin, m) > 0
                held = self.worst.get((index, margin.name))
                if held is None or (bad, r) > (held.violated, held.ratio):
                    self.worst[index, margin.name] = Worst(r, x.copy(), margin, bad)
        return m

    def any_violation(self, index: int) -> Worst | None:
        """The clearest violation of claim `index`."""
        found = [w for (i, _), w in self.worst.items() if i == index and w.violated]
        return max(found, key=lambda w: w.ratio, default=None)

    def tightness(self, index: int) -> Worst | None:
        """The largest ratio among the inequalities with a positive bound."""
        found = [w for (i, _), w in self.worst.items() if i == index and w.margin.bound > 0]
        return max(found, key=lambda w: w.ratio, default=None)

    def run(self, extra: list[Array], seed: int, stop_early: bool) -> None:
        """The whole portfolio, until the work is used up (or, with stop_early, every claim is violated)."""
        # Structured inputs first: nearly every defect seen shows at one of them. Some are tried whatever they
        # cost, so that a dear program gets at least a short look.
        for k, x in enumerate([*extra, *structured(self.size, seed, self.domain)]):
            self.try_point(x)
            least = len(extra) + ALWAYS if self.broken is None and not self.allowance.capped else 0
            enough = self.late and k >= least
            if enough or (stop_early and self._all_violated()):
                return
        for x in scattered(self.size, seed):
            if self.late or (stop_early and self._all_violated()):
                return
            self.try_point(x)
        self._scan(seed)
        if stop_early and self._all_violated():
            return
        rng = np.random.default_rng(seed)
        for index in range(len(self.claims)):
            best = self.tightness(index)
            if best is None or not np.isfinite(best.ratio) or (stop_early and best.violated):
                continue
            if (
                stop_early and best.ratio > 1 - 1e-12
            ):  # attained, it seems: a false constant can meet its error too
                self._classes(index)
                continue
            # From the worst input so far: move weight between coordinates, then try few magnitudes, scales,
            # flat inputs in the program's own basis, and last random moves. Each begins where the one before
            # it left off.
            self._ascend(best.x)
            self._classes(index)
            self._scales(index)
            self._drain(index, seed)
            self._moves(index, rng)

    def _all_violated(self) -> bool:
        """True when every claim has a violation."""
        return all(self.any_violation(i) is not None for i in range(len(self.claims)))

    def _scan(self, seed: int) -> None:
        """A single bad coordinate: the ends, powers of two and ten alone; and on blocks that the program can keep.

        A compressor that keeps k entries shows an error at every coordinate but those; on k of them alone a sound one
        shows none of its own, whichever they are.
        """
        # Off-by-one errors, wrong dtypes of indices and block boundaries show at single coordinates near
        # powers of two and ten.
        for place in _places(self.size):
            if self.late:
                return
            self.try_point(np.where(np.arange(self.size) == place, 1.0, 0.0))
        # How many entries a dense input keeps tells how wide a block a sound program sends without error of
        # its own.
        m = self.try_point(np.random.default_rng([seed, 4]).normal(size=self.size))
        if m is None or len(m.error) != self.size or self.size < 3:
            return
        kept = int(np.count_nonzero(m.mean))
        parts = 1 if kept == 0 else min(-(-self.size // kept), BLOCKS)
        width = max(1, min(kept, self.size))
        for start in np.linspace(0, self.size - width, parts).astype(int):
            if self.late:
                return
            x = np.zeros(self.size)
            x[start : start + width] = 1.0
            m = self.try_point(x)
            if m is None:
                continue
            # A coordinate that stands out among its block is tried alone, where nothing else hides it.
            worst = int(m.error[start : start + width].argmax()) + start
            if m.error[worst] > 2 * m.error[start : start + width].mean():
                self.try_point(np.where(np.arange(self.size) == worst, 1.0, 0.0))

    def _ascend(self, x: Array) -> None:
        """x_j^2 *= (V_j / x_j^2 / ratio)^eta: move weight to coordinates with more error per unit of norm."""
        # The error ratio is sum V_j / sum x_j^2, an average of V_j/x_j^2 with weights x_j^2. Raising the
        # weight of coordinates above the average is a multiplicative (exponentiated gradient) step, exact
        # where V_j/x_j^2 does not depend on x.
        for eta in (0.5, 1.0):
            v = x.copy()
            for _ in range(8):
                if self.late or (found := self.try_point(v)) is None or len(found.error) != len(v):
                    return
                m, square = found.error, v * v
                total = m.sum() / max(square.sum(), 1e-300)
                if total <= 0:
                    return
                with np.errstate(divide="ignore", invalid="ignore"):
                    factor = np.where(square > 0, (m / square / total), 1.0)
                v = v * np.clip(np.nan_to_num(factor, nan=1.0), 1e-3, 1e3) ** (eta / 2)

    def _classes(self, index: int) -> None:
        """Few distinct magnitudes: first k coordinates 1, the rest c, over a grid and then by shrinking steps.

        Steps go on in a direction that helps: the worst c often lies just below a jump, which no grid meets.
        """
        counts = sorted({1, 2, max(1, self.size // 4), max(1, self.size // 2), max(1, self.size - 1)})
        j = np.arange(self.size)
        # Compressors that go by rank or by level are worst where few magnitudes meet: ties and jumps decide
        # what is kept. So vectors of two values, k entries 1 and the rest c, are searched along c.
        for k in counts:
            values = np.concatenate([np.geomspace(1e-3, 1, 16), 1 + np.linspace(0.02, 0.98, 12)])
            scores = []
            for c in values:
                if self.late:
                    return
                scores.append(self._score(index, np.where(j < k, 1.0, c)))
            # The ratio as a function of c is piecewise smooth with jumps (where ranks or levels change), and
            # its supremum is often the limit at a jump: steps that shrink towards 1e-4 come as near as a
            # witness needs.
            centre = float(values[int(np.argmax(scores))])
            self._line(index, lambda c, k=k: np.where(j < k, 1.0, c), centre, max(scores))  # type: ignore[misc]

    def _scales(self, index: int) -> None:
        """The worst input times factors within an octave: levels of a fixed grid lie where no list of inputs knows."""
        best = self.tightness(index)
        if best is None:
            return
        x = best.x.copy()
        # Formats and dithering repeat at every power of two, so one octave stands for all scales.
        factors = 2.0 ** (np.arange(1, 16) / 16)
        scores = [self._score(index, x * f) for f in factors if not self.late]
        if not scores or max(scores) <= best.ratio * (1 + 1e-9):  # most programs do not care
            return
        self._line(index, lambda f: x * f, float(factors[int(np.argmax(scores))]), max(scores))

    def _line(self, index: int, at: Callable[[float], Array], centre: float, top: float) -> None:
        """A line search by shrinking steps, which go on in a direction that helps."""
        for factor in STEPS:
            for _ in range(40):
                score = 0.0 if self.late else self._score(index, at(centre * factor))
                if score <= top:
                    break
                centre, top = centre * factor, score

    def _drain(self, index: int, seed: int) -> None:
        """x - t E C(x), as error feedback does it: what a biased program keeps shrinks until nothing stands out.

        In whatever basis it selects: flat there is worst.
        """
        best = self.tightness(index)
        starts = [] if best is None else [np.random.default_rng([seed, 5]).normal(size=self.size), best.x]
        # C(x) is what the program can express, x - t E C(x) what it cannot. Repeating this (the
        # error-feedback recursion) drains every direction that is sent well and leaves the inputs on which a
        # biased program does worst.
        for start in starts:
            x, size, left = start, float(np.linalg.norm(start)), DRAINS
            for step in (0.5, 0.25, 0.1, 0.03, 0.01):
                top, waited = 0.0, 0
                while waited < PATIENCE and left > 0:
                    m = None if self.late else self.try_point(x)
                    if m is None or len(m.mean) != len(x) or _parallel(m.mean, x):
                        return
                    score = self._score_of(index, m)
                    top, waited = max(top, score), 0 if score > top else waited + 1
                    y, left = x - step * m.mean, left - 1
                    x = y * (size / (float(np.linalg.norm(y)) or 1.0))

    def _moves(self, index: int, rng: np.random.Generator) -> None:
        """Random multiplicative and sign moves of a few coordinates of the best input."""
        best = self.tightness(index)
        if best is None:
            return
        x, top = best.x.copy(), best.ratio
        for _ in range(40 if self.size > 50 else 150):
            if self.late:
                return
            trial = x.copy()
            # A random local search, hill climbing only: it leaves the low-dimensional families that the steps
            # before it searched.
            picked = rng.integers(0, self.size, size=int(rng.integers(1, 4)))
            trial[picked] *= rng.choice([0.0, 0.5, 0.8, 0.95, 1.05, 1.25, 2.0, -1.0], size=len(picked))
            if not trial.any():
                continue
            score = self._score(index, trial)
            if score > top:
                x, top = trial, score

    def _score(self, index: int, x: Array) -> float:
        """The largest ratio of this claim at x, 0 where it cannot be evaluated."""
        m = self.try_point(x)
        return 0.0 if m is None else self._score_of(index, m)

    def _score_of(self, index: int, m: Moments) -> float:
        """The largest ratio of this claim's inequalities with a positive bound."""
        return max((ratio(g, m) for g in margins_of(self.claims[index], m) if g.bound > 0), default=0.0)


def _parallel(u: Array, v: Array) -> bool:
    """True when u is a multiple of v, up to rounding."""
    along = float(u @ v) / (float(v @ v) or 1.0)
    return float(np.linalg.norm(u - along * v)) <= 1e-6 * float(np.linalg.norm(v))


def shrink(
    oracle: Oracle, claim: Claim, x: Array, allowance: Allowance, domain: tuple[float, float] = DOMAIN
) -> tuple[Array, Margin, Moments]:
    """The simplest violating input that greedy steps reach: zeros, equal magnitudes, small integers, simple scales."""

    def violation(v: Array) -> tuple[Margin, Moments] | None:
        if (not v.any() and claim.relative) or not inside(v, domain):
            return None
        before = oracle.work
        try:
            m = oracle(v)
        except Exception:
            return None
        finally:
            allowance.use(oracle.work - before)
        bad = [g for g in margins_of(claim, m) if excess(g, m) > 0]
        return (max(bad, key=lambda g: ratio(g, m)), m) if bad else None

    best = violation(x)
    if best is None:
        raise NotReproducible
    current = x.copy()
    # Delta debugging: whole-vector simplifications first, then coordinate by coordinate towards 0, 1, -1, ...
    # Every step is kept only where the same claim is still violated beyond rounding, so the witness stays a
    # counterexample throughout.
    for candidate in _simpler(current):
        if allowance.spent:
            break
        found = violation(candidate)
        if found is not None:
            current, best = candidate, found
            break
    for j in range(len(current)):
        for value in (0.0, 1.0, -1.0, 2.0, -2.0, 3.0):
            if allowance.spent or current[j] == value:
                break
            trial = current.copy()
            trial[j] = value
            found = violation(trial)
            if found is not None:
                current, best = trial, found
                break
    return current, *best


def _places(size: int) -> list[int]:
    """Coordinates where programs have their borders: the first and last ones, halves, powers of two and ten."""
    powers = [b**e + s for b, most in ((2, 40), (10, 12)) for e in range(1, most) for s in (-1, 0)]
    places = [*range(8), *(size - 1 - j for j in range(4)), size // 2, size // 2 - 1, size // 3, *powers]
    return sorted({j for j in places if 0 <= j < size})


def _simpler(x: Array) -> list[Array]:
    """Whole-vector simplifications, simplest first."""
    d = len(x)
    j, flat = np.arange(d), np.ones(d)
    first, last = np.where(j < 1, 1.0, 0.0), np.where(j < d - 1, 0.0, 1.0)
    top = np.abs(x).max() or 1.0
    out = [first, -first, flat, -flat, first * 3, last, first * 0.5, flat * 0.5]
    out += [j + 1.0, d - 1.0 * j, np.where(j % 2 == 0, 1.0, -1.0)]
    for m in (1, 2, 3, 4, 6, 8, 10, 100):
        out += [np.round(x / top * m), np.round(x / top * m) / m, np.round(x * m) / m]
    return [v for v in out if v.any()]
