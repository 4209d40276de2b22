"""One input under sampling: which number of an output tests which inequality of a claim, and the stream of outputs.

Each inequality becomes a hypothesis on the mean of one number of the output that needs no bound on the tails; where a
claim's inequality has no such number (a lower bound on E||C||^2), an implication of it is tested, and said.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from compth._types import Array
from compth.certification import evalues
from compth.certification.evalues import AtLeast, AtMost, Impossible, Near, Null, Process, Zero
from compth.certification.points import at
from compth.certification.subject import Subject
from compth.claims import (
    B1,
    B2,
    AbsoluteError,
    BiasVariance,
    Claim,
    Contractive,
    JointContractive,
    JointVariance,
    MaxNormError,
    RelativeAbsoluteError,
    Unbiased,
)

ELEMENTS = 2_000_000
"""Numbers of one block of outputs in memory."""
ROUNDING = 1e-12
"""Squares of this size, relative to those of input and output, are rounding where a claim allows nothing."""
SLACK = 1e-9
"""Relative tolerance of bounds, as the oracle's."""


class Block:
    """Outputs at a point, their errors, and what several statistics share."""

    def __init__(self, point: Point, out: Array) -> None:
        self.point, self.out = point, out
        self.error = out - point.target
        # Sums over a block are shared by all tests of all claims at this input: one pass over (N, d) numbers.
        square = self.error * self.error
        self.rows, self.columns, self.total = square.sum(axis=1), square.sum(axis=0), self.error.sum(axis=0)
        self.along_x, self.along_mean = (self.error @ np.array([point.along, point.direction]).T).T


Statistic = Callable[[Block], Array]


@dataclass(frozen=True)
class Inequality:
    """One inequality of a claim at one input, as a hypothesis on the mean of one number of the output.

    name: the margin's. statistic: of a block, (N,), relative to ||x||. bound: what the claim allows, and `unit` what
    takes the mean there: into multiples of what the claim's constants multiply. squared: the mean's square is what the
    margin bounds. lower: the mean, times `unit`, is to be at least `bound`; then the margin's value is the bound, and
    its bound what was seen.
    """

    name: str
    statistic: Statistic
    null: Null
    bound: float
    unit: float = 1.0
    squared: bool = False
    lower: str = ""

    def sides(self, values: Array) -> tuple[float, float]:
        """(value, bound) of the margin as seen."""
        mean = float(values.mean()) if len(values) else 0.0
        seen = self.unit * (mean * mean if self.squared else mean)
        return (self.bound, seen) if self.lower else (seen, self.bound)

    def says(self, values: Array, unit: str) -> str:
        """What was seen, in words."""
        value, bound = self.sides(values)
        if self.lower:
            return f"{self.name} = {value:.6g}{unit}, {self.lower} only about {bound:.6g}{unit}"
        return f"{self.name} about {value:.6g}{unit}, allowed {bound:.6g}{unit}"


def inequalities(claim: Claim, x: Array, d: int, slack: float = 0.0) -> list[Inequality]:
    """What sampling can refute of the claim at x; slack: the rounding granted (`Arithmetic.slack`)."""
    xx = float(x @ x) or 1.0
    if isinstance(claim, Unbiased):
        omega = float(claim.omega)
        return [_mean_square("E||C(x)-x||^2", omega, slack), *_bias(0.0, omega, slack)]
    if isinstance(claim, Contractive):
        return [_mean_square("E||C(x)-x||^2", 1 - float(claim.delta), slack)]
    if isinstance(claim, AbsoluteError):
        return [_mean_square("E||C(x)-x||^2", float(claim.Delta) ** 2 / xx, slack, unit=xx)]
    if isinstance(claim, RelativeAbsoluteError):
        allowed = 1 - float(claim.delta) + float(claim.Delta) ** 2 / xx
        return [_mean_square("E||C(x)-x||^2", allowed, slack, unit=xx)]
    if isinstance(claim, MaxNormError):
        size = float(claim.unit(x)[0]) or 1.0
        return [_mean_square("E||C(x)-x||^2", float(claim.c) * size / xx, slack, unit=xx / size)]
    if isinstance(claim, JointContractive):
        return [
            _mean_square(
                "E||mean C_i(a_i) - abar||^2", (1 - float(claim.delta)) / claim.n, slack, unit=claim.n
            )
        ]
    if isinstance(claim, BiasVariance):
        eta, omega = float(claim.eta), float(claim.omega)
        return [_mean_square("E||C(x)-E C(x)||^2", omega, slack, _pairs), *_bias(eta, omega, slack)]
    if isinstance(claim, B1 | B2):
        return _against_x(claim, slack)
    if isinstance(claim, JointVariance):
        bar = target_of(x, d)
        # A mean||a_i||^2 - B||abar||^2 over ||a||^2 = n mean||a_i||^2. Where the two terms cancel (PermK at
        # equal inputs: A = B and a_i = abar) what is left is rounding, and the claim says that the error is
        # exactly 0.
        allowed = float(claim.A) / claim.n - float(claim.B) * float(bar @ bar) / xx
        allowed = 0.0 if abs(allowed) < SLACK else allowed
        bias = [replace(q, unit=float(claim.n)) for q in _bias(0.0, allowed, slack)]
        return [_mean_square("E||mean C_i(a_i) - abar||^2", allowed, slack, unit=claim.n), *bias]
    return []


def _moved(bound: float, slack: float) -> float:
    """How far rounding may move C(x), relative to ||x||, where E||C(x) - x||^2 <= bound: slack (||C(x)|| + ||x||)."""
    return slack * (2 + math.sqrt(max(bound, 0.0)))


def target_of(x: Array, d: int) -> Array:
    """What E C(x) is compared with: x, and for a fleet the average of its rows."""
    return x if len(x) == d else x.reshape(-1, d).mean(axis=0)


def _squares(block: Block) -> Array:
    """||C(x) - x||^2 of every output."""
    return np.asarray(block.rows / block.point.xx)


def _pairs(block: Block) -> Array:
    """||y - y'||^2/2 of independent pairs: its mean is the variance."""
    # E||y - y'||^2 = 2 E||y - E y||^2 for independent y, y' of one law, so the variance is tested without its
    # mean.
    out, half = block.out, len(block.out) // 2
    gap = out[:half] - out[half : 2 * half]
    return np.asarray(np.einsum("nj,nj->n", gap, gap)) / (2 * block.point.xx)


def _mean_square(
    name: str,
    bound: float,
    slack: float = 0.0,
    statistic: Statistic = _squares,
    unit: float = 1.0,
) -> Inequality:
    """A mean square against its bound; where the bound is 0 or less, one value beyond rounding refutes.

    Rounding that is granted moves the output by `_moved` in mean square: by Minkowski the roots add.
    """
    granted = (math.sqrt(max(bound, 0.0)) + _moved(bound, slack)) ** 2 if slack else bound
    if granted > 0:
        return Inequality(name, statistic, AtMost(granted * (1 + SLACK)), bound * unit, unit)

    def beyond_rounding(block: Block) -> Array:
        """The statistic where it is more than rounding, else 0."""
        values, out = statistic(block), block.out
        # Where nothing is allowed a single error refutes, so rounding must not count: relative to the sizes
        # of input and output.
        scale = 1 + float(np.einsum("nj,nj->", out, out)) / (block.point.xx * len(out))
        return np.where(values > ROUNDING * scale, values, 0.0)

    return Inequality(name, beyond_rounding, Zero() if bound == 0 else Impossible(), bound * unit, unit)


def _bias(eta: float, variance: float, slack: float = 0.0) -> list[Inequality]:
    """Projections of C(x) - x on unit vectors, along x and along the mean error of earlier blocks.

    Each has a mean within eta and a variance of at most what all coordinates have together.
    """
    if variance < 0 or eta + variance == 0:  # nothing is allowed: the mean square says it all
        return []
    # For a unit vector u: |E <C(x) - x, u>| <= eta ||x|| and Var <C(x), u> <= omega ||x||^2. A fixed u along
    # x sees biased scalings; u along the mean error of earlier blocks (independent of this one) finds any
    # other direction.
    moved = _moved(variance + eta * eta, slack)
    name = "||E C(x) - x||^2"
    null = Near(eta + moved, (math.sqrt(variance) + moved) ** 2 if moved else variance)

    def along_x(block: Block) -> Array:
        return np.asarray(block.along_x / block.point.norm)

    def along_mean_error(block: Block) -> Array:
        """<C(x) - x, u>/||x|| along the mean error of earlier blocks."""
        return np.asarray(block.along_mean / block.point.norm)

    return [Inequality(name, s, null, eta * eta, squared=True) for s in (along_x, along_mean_error)]


def _against_x(claim: B1 | B2, slack: float) -> list[Inequality]:
    """E||C||^2 <= beta <E C, x> through ||C - beta x/2||^2 >= 0; the lower inequalities through <E C, x>.

    alpha||x||^2 <= E||C||^2 alone cannot be refuted by samples: rare large outputs would make up for it. But it implies
    alpha||x||^2 <= beta <E C, x>, where E<C, x>^2 <= ||x||^2 E||C||^2 <= beta ||x||^2 <E C, x> holds the tails.
    """
    beta = float(claim.beta)
    if beta <= 0:
        return []

    def off_half(block: Block) -> Array:
        """||C(x) - beta x/2||^2 over ||x||^2."""
        gap = block.out - (beta / 2) * block.point.x
        return np.asarray(np.einsum("nj,nj->n", gap, gap)) / block.point.xx

    def along_x(block: Block) -> Array:
        return np.asarray(block.out @ block.point.x) / block.point.xx

    # E||C||^2 <= beta <E C, x> is E||C - (beta/2) x||^2 <= (beta/2)^2 ||x||^2: a square again, so it can be
    # tested without a bound on the tails.
    moved = slack * (1 + beta)  # ||C(x)|| is at most beta ||x|| in mean square
    most = (beta / 2 + moved) ** 2 * (1 + SLACK)
    upper = Inequality("E||C(x)||^2", off_half, AtMost(most), beta**2 / 4)
    if isinstance(claim, B1):
        name, inner, unit, bound = "alpha||x||^2", "beta <E C(x), x>", beta, float(claim.alpha)
    else:
        name, inner, unit, bound = "gamma||x||^2", "<E C(x), x>", 1.0, float(claim.gamma)
    if bound <= 0:
        return [upper]
    least = bound / unit * (1 - SLACK) - moved
    if least <= 0:
        return [upper]
    null = AtLeast(least, beta * (1 + 4 * moved / least))
    return [upper, Inequality(name, along_x, null, bound, unit, lower=inner)]


class Test:
    """One inequality at one point: its e-process and all that was seen."""

    __test__ = False  # no test of pytest's

    def __init__(self, claim: int, inequality: Inequality) -> None:
        self.claim, self.inequality = claim, inequality
        self.process = Process(inequality.null)
        self._seen: list[Array] = []

    def add(self, values: Array) -> None:
        """One block of values."""
        self.process.add(values)
        self._seen.append(values)

    @property
    def kind(self) -> tuple[str, str]:
        """Equal for the same test at other inputs."""
        return self.inequality.name, self.inequality.statistic.__name__

    @property
    def values(self) -> Array:
        """All values so far."""
        return np.concatenate(self._seen) if self._seen else np.empty(0)

    def detectable(self, level: float) -> float:
        """The smallest excess that these samples would have shown."""
        return evalues.detectable(self.inequality.null, self.values, level)


class Point:
    """One input: its own stream of outputs, the tests of every claim, and where the error is."""

    def __init__(self, x: Array, d: int, claims: list[Claim], entropy: list[int], slack: float) -> None:
        self.x, self.d, self.entropy = x, d, entropy
        self.target = target_of(x, d)
        self.xx = float(x @ x) or 1.0
        self.norm = math.sqrt(self.xx)
        length = float(np.linalg.norm(self.target))
        self.along = self.target / length if length else np.full(d, d**-0.5)
        self.direction = np.full(d, d**-0.5)
        self.tests = [Test(i, q) for i, claim in enumerate(claims) for q in inequalities(claim, x, d, slack)]
        self.rng = np.random.default_rng(np.random.SeedSequence(entropy))
        self.total, self.square, self.n = np.zeros(d), np.zeros(d), 0
        self.blocks: list[int] = []

    def extend(self, subject: Subject, count: int, suspects: Suspects) -> int:
        """One block of at most `count` outputs, as large as all before: the next one's direction learns from it."""
        # Blocks double, so that each direction of the bias tests is learnt from as many outputs as it is then
        # tested on.
        block = min(count, max(8, self.n), max(2, ELEMENTS // self.d))
        out = evalues.sample(subject, self.x, self.rng, block, self.d)
        seen = Block(self, out)
        for test in self.tests:
            test.add(test.inequality.statistic(seen))
        suspects.add(self, seen)
        self.total += seen.total
        self.square += seen.columns
        self.n += block
        self.blocks.append(block)
        length = float(np.linalg.norm(self.total))
        if length > 0:
            self.direction = self.total / length
        return block

    def release(self) -> None:
        """Forget the vectors of an input that is not looked at further; what was seen stays."""
        nothing = np.empty(0)
        self.x = self.target = self.along = self.direction = self.total = self.square = nothing

    def where_errors_are(self) -> list[Array]:
        """This input with more weight where it errs: x_j^2 *= (V_j / x_j^2) / ratio, V_j = E (C(x)_j - x_j)^2."""
        x, v = self.x, self.x * self.x
        ratio = float(self.square.sum()) / self.n / self.xx
        if len(x) != self.d or not ratio > 0:
            return []
        # E||C(x) - x||^2/||x||^2 is an average of V_j/x_j^2 with weights x_j^2/||x||^2: moving weight to
        # coordinates above the average raises it, where V_j/x_j^2 does not fall by that. It is clipped since
        # V_j is an estimate.
        per = np.where(v > 0, self.square / self.n / np.where(v > 0, v, 1.0), 0.0)
        return [x * np.clip(per / ratio, 1e-3, 1e3) ** power for power in (0.5, 0.25)]


class Suspects:
    """Error and drift of every coordinate per unit of ||x||^2, over all inputs sampled: where a single one is wrong."""

    def __init__(self, d: int) -> None:
        self.weight, self.square, self.drift = np.zeros(d), np.zeros(d), np.zeros(d)

    def add(self, point: Point, block: Block) -> None:
        """The errors of one block."""
        if len(point.x) == point.d:
            self.weight += len(block.out) * point.x * point.x / point.xx
            self.square += block.columns / point.xx
            self.drift += block.total * point.x / point.xx

    def inputs(self) -> list[Array]:
        """All weight on the coordinate with the largest error, with the clearest drift, and on two with both signs."""
        live = self.weight > 0
        if live.sum() < 2:
            return []
        # Drift in units of its noise: the sum of n terms of mean square V has a standard deviation of about
        # sqrt(n V).
        per = np.where(live, self.square / np.where(live, self.weight, 1.0), 0.0)
        noise = np.sqrt(np.where(self.square > 0, self.square * self.weight, 1.0))
        sure = np.where(live, np.abs(self.drift) / noise, 0.0)
        first, second = np.argsort(-per, kind="stable")[:2]
        places = dict.fromkeys((int(first), int(sure.argmax()), int(second)))
        one_hot = [at(len(per), {j: 1.0}) for j in places]
        return [*one_hot, at(len(per), {int(first): 1.0, int(second): -1.0})]
