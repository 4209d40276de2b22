"""Tests that hold at any stopping time: e-processes, valid without bounds on the outputs (Ville's inequality).

Each null hypothesis has bets: factors e(value) >= 0 with E e <= 1 whenever it holds. Their products are the wealth of a
gambler whom a true claim keeps poor: it exceeds 1/alpha with a chance of at most alpha, however long one plays.

A new null needs its two conditions proved in its docstring: every factor >= 0, and mean at most 1 under the hypothesis;
tests play each against laws on its boundary. `moved` only serves to say what would have been seen.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Protocol

import numpy as np

from compth._types import Array
from compth.certification.beside import beside, is_floats

if TYPE_CHECKING:
    from compth.certification.subject import Subject


BETS = 24
"""Bets of each null, on a geometric grid of stakes: small ones find small excesses, large ones find large ones soon."""


class Null(Protocol):
    """A hypothesis on the law of one number."""

    def gains(self, values: Array) -> Array:
        """(bets, N): log of every bet's factor at every value."""
        ...

    def moved(self, values: Array, excess: float) -> Array:
        """The same values, moved so that their mean lies beyond what the hypothesis allows, by so much."""
        ...


class AtMost:
    """Z >= 0, E Z <= limit (limit > 0): bets 1 + lam (Z - limit), lam <= 1/limit. excess: relative to the limit."""

    def __init__(self, limit: float) -> None:
        self.limit = limit
        # Z >= 0 makes every factor at least 1 - lam limit > 0 for lam < 1/limit, and E Z <= limit makes its
        # mean at most 1: no bound on Z from above is needed, which no observed sample could give.
        self._lam = (1 - 1e-9) / limit * np.geomspace(1e-5, 1, BETS)[:, None]

    def gains(self, values: Array) -> Array:
        """log(1 + lam (Z - limit)) for every stake."""
        return np.log1p(self._lam * (values - self.limit))

    def moved(self, values: Array, excess: float) -> Array:
        """The same shape with the mean limit (1 + excess)."""
        mean = float(values.mean())
        shape = values / mean if mean > 0 else np.ones_like(values)
        return shape * (self.limit * (1 + excess))


class Zero:
    """Z = 0 always: one value beyond rounding is enough."""

    def gains(self, values: Array) -> Array:
        """Infinite at any value that is not 0."""
        return np.where(values > 0, np.inf, 0.0)[None]

    def moved(self, values: Array, excess: float) -> Array:
        """Every value larger by the excess."""
        return values + excess


class Near:
    """|E D| <= eta and Var D <= variance: bets 1 + lam D' + c (D'^2 - variance), D' = +-D - eta.

    With m = E D' in [-2 eta, 0]: E <= 1 + m (lam + c m) <= 1 where lam >= 2 c eta. Every factor is >= 0 where
    lam^2 <= 4 c (1 - c variance). Both hold for c <= 1/(variance + eta^2). eta = 0: no bias. excess: of |E D|.
    """

    def __init__(self, eta: float, variance: float) -> None:
        self.eta, self.variance = eta, variance
        # The discriminant of 1 + lam D' + c (D'^2 - variance) is lam^2 - 4 c (1 - c variance): lam is its
        # root, the largest stake for which no outcome makes the factor negative; a factor 1 - 1e-9 absorbs
        # the rounding of the root.
        self._c = np.geomspace(1e-5, 0.5, BETS)[:, None] / (variance + eta * eta)
        self._lam = np.sqrt(4 * self._c * (1 - self._c * variance)) * (1 - 1e-9)

    def gains(self, values: Array) -> Array:
        """log of the quadratic factors, of D - eta and of -D - eta."""
        # A mean beyond eta may lie on either side; half of the bets are on each, all in one average.
        sides = [s * values - self.eta for s in (1.0, -1.0)]
        return np.concatenate([np.log1p(self._lam * v + self._c * (v * v - self.variance)) for v in sides])

    def moved(self, values: Array, excess: float) -> Array:
        """The same spread around the mean eta + excess."""
        return values - float(values.mean()) + self.eta + excess


class AtLeast:
    """E D >= least and E D^2 <= beta E D: bets 1 - lam (D - least) + c (D^2 - beta D). excess: of least - E D.

    As a quadratic in D it is >= 0 where (lam + c beta)^2 <= 4 c (1 + lam least).
    """

    def __init__(self, least: float, beta: float) -> None:
        self.least, self.beta = least, beta
        # lam solves (lam + c beta)^2 = 4 c (1 + lam least), the boundary of non-negative factors: lam^2 - 2 q
        # lam + (c beta)^2 - 4 c = 0 with q = c (2 least - beta), whose larger root is real and positive for c
        # < 4/beta^2.
        self._c = np.geomspace(1e-5, 0.99, BETS)[:, None] * 4 / beta**2
        q = self._c * (2 * least - beta)
        self._lam = (q + np.sqrt(q * q + 4 * self._c - (self._c * beta) ** 2)) * (1 - 1e-9)

    def gains(self, values: Array) -> Array:
        """log of the quadratic factors."""
        d = values
        return np.log1p(-self._lam * (d - self.least) + self._c * (d * d - self.beta * d))

    def moved(self, values: Array, excess: float) -> Array:
        """The same spread around the mean least - excess."""
        return values - float(values.mean()) + self.least - excess


class Impossible(Zero):
    """A mean square that would have to be negative: false whatever is seen."""

    def gains(self, values: Array) -> Array:
        """Infinite whatever was seen."""
        return np.full((1, len(values)), np.inf)


def _average(wealth: Array) -> float:
    """log of the mean of exp(wealth)."""
    # The mean of the bets' wealth is again an e-process (a mixture). In logarithms, shifted by the largest,
    # so that a wealth of e^1000 does not overflow.
    top = float(wealth.max())
    if math.isinf(top):
        return top
    return top + math.log(float(np.exp(wealth - top).mean()))


class Process:
    """The average wealth of a null's bets, block by block; `evidence` is the log of its maximum so far."""

    def __init__(self, null: Null) -> None:
        self.null, self.evidence, self.now = null, -math.inf, 0.0
        self._wealth: Array = np.zeros(1)

    def add(self, values: Array) -> None:
        """Play the values of one block."""
        if len(values):
            # Gains of independent outputs multiply, so logarithms add; by Ville's inequality the maximum over
            # time of the wealth exceeds 1/alpha with a chance of at most alpha, whichever rule decided how
            # many samples were taken.
            self._wealth = self._wealth + self.null.gains(values).sum(axis=1)
            self.now = _average(self._wealth)
            self.evidence = max(self.evidence, self.now)


def evidence(null: Null, values: Array) -> float:
    """Log evidence against the null after all values."""
    return _average(null.gains(values).sum(axis=1)) if len(values) else -math.inf


def exceeds(z: Array, limit: float) -> float:
    """max over time of log evidence that E Z > limit, Z >= 0 (limit > 0)."""
    wealth = np.cumsum(AtMost(limit).gains(z), axis=1)
    top = wealth.max(axis=0)
    return float((top + np.log(np.exp(wealth - top).mean(axis=0))).max())


def detectable(null: Null, values: Array, level: float) -> float:
    """The smallest excess at which these very values, moved there, would have been evidence beyond the level.

    Between 1e-6 and 1e6, to 1 %; inf when not even that would have been seen.
    """
    # Bisection in the exponent: evidence grows with the shift, so the smallest visible one is a threshold.
    low, high = -6.0, 6.0
    if evidence(null, null.moved(values, 10.0**high)) <= level:
        return math.inf
    while high - low > 0.004:
        middle = (low + high) / 2
        seen = evidence(null, null.moved(values, 10.0**middle)) > level
        low, high = (low, middle) if seen else (middle, high)
    return float(10.0**high)


def same_law(counts: Array, probabilities: Array) -> float:
    """log evidence that counts do not come from these probabilities: Dirichlet(1) mixture against the point."""
    from scipy.special import gammaln

    # Bayes factor of a uniform prior over all laws against the given one: an e-value, as the mixture
    # integrates to one under it. The multinomial coefficients are the same on both sides and cancel.
    k, n = len(counts), counts.sum()
    mixture = gammaln(k) + gammaln(counts + 1).sum() - gammaln(n + k)
    with np.errstate(divide="ignore", invalid="ignore"):
        point = np.where(counts > 0, counts * np.log(probabilities), 0.0).sum()
    return float(mixture - point)


def _are_samples(
    answer: object, subject: object, x: Array, rng: np.random.Generator, count: int, d: int
) -> bool:
    """True for so many outputs, and a generator of the kind that was sent."""
    if not isinstance(answer, tuple) or len(answer) != 2:
        return False
    return is_floats(answer[0], (count, d)) and type(answer[1]) is type(rng)


@beside(_are_samples)
def _sampled(
    subject: Subject, x: Array, rng: np.random.Generator, count: int, d: int
) -> tuple[Array, np.random.Generator]:
    """The outputs, and the generator after them: a worker draws from its own copy."""
    if subject.batch is not None:
        return np.asarray(subject.batch(np.tile(x, (count, 1)), rng), dtype=np.float64), rng
    out = np.empty((count, d))
    for i in range(count):
        out[i] = np.asarray(subject.program(x.copy(), rng))
    return out, rng


def sample(subject: Subject, x: Array, rng: np.random.Generator, count: int, d: int) -> Array:
    """count outputs, (count, d): by rows where the object is vectorised, else one call each."""
    out, after = _sampled(subject, x, rng, count, d)
    if after is not rng:  # a worker drew from its copy
        rng.bit_generator.state = after.bit_generator.state
    return out
