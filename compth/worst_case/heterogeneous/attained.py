"""The slowest quadratics of error feedback with unequal workers: a run that is known in closed form.

Let f_i(x) = sum_j a_ij x_j^2/2 and look for a run x(t) = lambda^t D^t x, D a diagonal of signs: along a direction of
large curvature the iterates alternate, along one of small curvature they do not. EF21's residuals r_i = grad f_i - d_i
then do the same, and a round asks for two things, with p_i = A_i (lambda D - 1) x:

    mean r_i = ((lambda D - 1)/gamma + mean A_i) x          (the step)
    lambda |r_i| <= s |r_i + p_i|                            (worker i's message misses at most s of what it is given)

The second puts r_i into a ball (of Apollonius) of centre k p_i/(1-k^2) k and radius k |p_i|/(1-k^2), k = s/lambda, and
a mean of balls is a ball. So the run exists if and only if

    |((lambda D - 1)/gamma + mean A_i) x - k^2/(1-k^2) mean p_i| <= k/(1-k^2) mean |p_i|.

The largest such lambda over curvatures in {mu_i, L_i}, signs and x is what quadratics attain. On quadratics EF's run on
(x, e) is EF21's on (x(t+1) - x(t), gamma r): both have the same worst quadratics.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from scipy.optimize import minimize_scalar

from compth._types import Array
from compth.errors import NoGuarantee
from compth.worst_case.rational import sqrt_below

Row = tuple[Fraction, ...]
FACTORS, SHARES, HALVINGS = 200, 17, 45
"""Points of the grid on which lambda and the shares of two axes are looked for first; steps of the refinement."""
CLOSEST = 1e-9
"""1 - lambda is looked for down to this share of 1 - s."""
MOST_CORNERS = 4
"""Up to so many workers all 2^n choices of curvature are tried; for more, at most one worker differs from the rest."""
SAME = 1e-10
"""Pairs of axes whose lambda differs by less than this share count as equal."""
SHORTER = (1e-13, 1e-12, 1e-11, 1e-10, 1e-9, 1e-8)
"""Shares by which lambda is rounded down before its exact check."""


@dataclass(frozen=True)
class Axis:
    """A coordinate: the workers' curvatures along it, and +1, or -1 where the iterates alternate."""

    curvature: tuple[Fraction, ...]
    sign: int


@dataclass(frozen=True)
class Mode:
    """A run x(t) = factor^t D^t x with residuals r_i(t) = factor^t D^t r_i, every number exact."""

    factor: Fraction
    axes: tuple[Axis, ...]
    x: Row
    residuals: tuple[Row, ...]


def axes_of(mu: Row, L: Row) -> list[Axis]:
    """Directions whose curvatures are at the ends of the workers' ranges, each with both signs."""
    # Extreme curvatures only; for many workers only those corners in which at most one worker differs, which
    # is where the slowest was found in all that was tried. A lower bound needs no more: what is found is
    # attained.
    n, both = len(mu), list(zip(mu, L, strict=True))
    corners: set[tuple[Fraction, ...]] = set()
    if n <= MOST_CORNERS:
        corners |= set(itertools.product(*both))
    for most, other in ((0, 1), (1, 0)):
        corners.add(tuple(b[most] for b in both))
        corners |= {tuple(b[other if i == k else most] for i, b in enumerate(both)) for k in range(n)}
    return [Axis(c, sign) for c in sorted(corners) for sign in (1, -1)]


class Condition:
    """Whether a run with this lambda exists along pairs of axes: at least 1 for a mix of the two where it does.

    With x_j^2 = share_j/off_j^2, off_j the factor of x_j in the distance, the distance is 1 and what is left is
    k/(1-k^2) mean |p_i|, a sum of square roots of linear functions of the shares: concave, so one maximum a pair.
    """

    def __init__(self, axes: list[Axis], s: float, gamma: float) -> None:
        self.curvature = np.array([a.curvature for a in axes], dtype=float)
        self.sign = np.array([a.sign for a in axes], dtype=float)
        self.s, self.gamma = s, gamma

    def grid(self, factors: Array) -> Array:
        """These lambdas and those at which one axis alone has distance 0: runs may exist only near them; falling."""
        # A run along one axis alone exists only where its distance vanishes, a single lambda that a grid would
        # miss: the zeros are added by linear interpolation.
        found = [factors]
        for j in range(len(self.sign)):
            _, off = self._off(factors, j)
            at = np.flatnonzero(np.diff(np.sign(off)))
            found.append(factors[at] - off[at] * np.diff(factors)[at] / np.diff(off)[at])
        return np.sort(np.unique(np.concatenate(found)))[::-1]

    def _axis(self, factor: Array, j: int) -> tuple[Array, Array]:
        """(|p_ij| for x_j = 1 by worker, off_j) for every lambda."""
        step, off = self._off(factor, j)
        return np.abs(step)[..., None] * self.curvature[j], np.where(off == 0, 1e-300, np.abs(off))

    def _off(self, factor: Array, j: int) -> tuple[Array, Array]:
        """(lambda D_jj - 1, the factor of x_j in the distance) for every lambda."""
        k2 = (self.s / factor) ** 2
        step = factor * self.sign[j] - 1
        return step, step / self.gamma + self.curvature[j].mean() * (1 - k2 / (1 - k2) * step)

    def value(self, factor: Array, pair: tuple[int, int], share: Array) -> Array:
        """Radius over distance where the second axis has this share of the distance; factor and share broadcast."""
        # mean |p_i| is a sum of square roots of linear functions of the share: concave, one maximum on [0, 1].
        k = self.s / factor
        (p, off), (q, other) = (self._axis(factor, j) for j in pair)
        first, second = (p / off[..., None]) ** 2, (q / other[..., None]) ** 2
        mixed = (1 - share)[..., None] * first + share[..., None] * second
        out: Array = k / (1 - k * k) * np.sqrt(mixed).mean(axis=-1)
        return out

    def best_share(self, factor: float, pair: tuple[int, int]) -> tuple[float, float]:
        """(the largest value over shares, that share)."""
        at = np.array(factor)
        # The ends are tried, too: a bounded search never returns them exactly.
        best = minimize_scalar(
            lambda v: -float(self.value(at, pair, np.array(v))),
            bounds=(0, 1),
            method="bounded",
            options={"xatol": 1e-12},
        )
        tried = [float(best.x), 0.0, 1.0]
        return max((float(self.value(at, pair, np.array(v))), v) for v in tried)

    def direction(self, factor: float, pair: tuple[int, int], share: float) -> tuple[float, float]:
        """x along the two axes, of length 1."""
        offs = [float(self._axis(np.array(factor), j)[1]) for j in pair]
        x = np.array([(1 - share) ** 0.5 / offs[0], share**0.5 / offs[1]])
        x /= np.linalg.norm(x)
        return float(x[0]), float(x[1])


def slowest(mu: Row, L: Row, loss: Fraction, gamma: Fraction) -> Mode:
    """The slowest run found on quadratics, in exact numbers; loss is 1 - delta."""
    # A coarse grid over lambda for all pairs of axes, then halving for those that can still win. The found
    # lambda is lowered by a hair until exact residuals exist: only those count.
    axes = axes_of(mu, L)
    if loss == 0:
        return _uncompressed(axes, gamma)
    s = float(loss) ** 0.5
    condition = Condition(axes, s, float(gamma))
    factors = condition.grid(1 - (1 - s) * np.geomspace(CLOSEST, 1 - 1e-9, FACTORS))
    shares = np.linspace(0, 1, SHARES)
    found = []
    for pair in itertools.combinations(range(len(axes)), 2):
        held = (condition.value(factors[:, None], pair, shares[None, :]) >= 1).any(axis=1)
        if held.any():
            found.append((int(held.argmax()), pair))
    if not found:
        raise NoGuarantee(f"stepsize={float(gamma):.6g}: no quadratic was found that slows this method down")
    best = min(row for row, _ in found)
    if best == 0:
        raise NoGuarantee(
            f"stepsize={float(gamma):.6g} is too long: quadratics of this class do not converge"
        )
    factor, pair, share = 0.0, (0, 0), 0.0
    for row, candidate in found:
        if row > best + 1 or (factor and condition.best_share(factor * (1 + SAME), candidate)[0] < 1):
            continue  # it cannot beat what was found
        factor, pair, share = max(_largest(condition, factors, row, candidate), (factor, pair, share))
    x = tuple(Fraction(round(v * 2**40), 2**40) for v in condition.direction(factor, pair, share))
    two = tuple(axes[j] for j in pair)
    for less in SHORTER:
        mode = exact_mode(two, x, Fraction(round(factor * (1 - less) * 2**52), 2**52), loss, gamma)
        if mode is not None:
            return mode
    raise NoGuarantee(
        f"stepsize={float(gamma):.6g}: the slowest quadratic could not be written in exact numbers"
    )


def _largest(
    condition: Condition, factors: Array, row: int, pair: tuple[int, int]
) -> tuple[float, tuple[int, int], float]:
    """(lambda, pair, share): halving between the grid's last lambda with a run and the one above it."""
    good, bad = float(factors[row]), float(factors[max(row - 2, 0)])
    for _ in range(HALVINGS):
        middle = (good + bad) / 2
        if condition.best_share(middle, pair)[0] >= 1:
            good = middle
        else:
            bad = middle
    return good, pair, condition.best_share(good, pair)[1]


def exact_mode(
    axes: tuple[Axis, ...], x: Row, factor: Fraction, loss: Fraction, gamma: Fraction
) -> Mode | None:
    """The residuals of a run with this factor, None where there is none: all r_i leave their centres the same way."""
    n, k2 = len(axes[0].curvature), loss / factor**2
    if not k2 < 1:
        return None
    # p_i = A_i (lambda D - 1) x; the mean residual must be `target`. Each r_i lies in a ball around k2/(1-k2)
    # p_i, and all leave their centres the same way by the same share of their radii: then the mean is reached
    # exactly, if at all.
    step = [factor * a.sign - 1 for a in axes]
    p = [tuple(a.curvature[i] * t * v for a, t, v in zip(axes, step, x, strict=True)) for i in range(n)]
    target = [(t / gamma + Fraction(sum(a.curvature), n)) * v for a, t, v in zip(axes, step, x, strict=True)]
    # Radii rounded down keep every residual inside its ball.
    radii = [sqrt_below(k2 * sum(v * v for v in own)) / (1 - k2) for own in p]
    total = sum(radii)
    if not total:
        return None
    centres = [tuple(k2 / (1 - k2) * v for v in own) for own in p]
    way = [(n * t - sum(c[j] for c in centres)) / total for j, t in enumerate(target)]
    if sum(v * v for v in way) > 1:
        return None
    residuals = tuple(
        tuple(c + radius * v for c, v in zip(centre, way, strict=True))
        for centre, radius in zip(centres, radii, strict=True)
    )
    return Mode(factor, axes, x, residuals)


def _uncompressed(axes: list[Axis], gamma: Fraction) -> Mode:
    """delta = 1: gradient descent, slowest along one axis."""
    n = len(axes[0].curvature)
    # Gradient descent multiplies an axis by 1 - gamma mean a_i: the largest in modulus is the rate.
    rates = {a: 1 - gamma * Fraction(sum(a.curvature), n) for a in axes}
    slow = max((a for a in axes if rates[a] * a.sign > 0), key=lambda a: rates[a] * a.sign, default=None)
    if slow is None:
        raise NoGuarantee(f"stepsize={float(gamma):.6g}: every run arrives in one round, there is no rate")
    if abs(rates[slow]) >= 1:
        raise NoGuarantee(
            f"stepsize={float(gamma):.6g} is too long: quadratics of this class do not converge"
        )
    return Mode(rates[slow] * slow.sign, (slow,), (Fraction(1),), ((Fraction(0),),) * n)
