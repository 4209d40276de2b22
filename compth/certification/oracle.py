"""Moments of C(x): exact by enumeration, exact by factoring over coordinates, or by one run when deterministic.

An oracle gives E C(x), E||C(x)||^2 and the errors by coordinate at one input; the adversary and every exact refutation
read nothing else. A new kind must be held against real draws, as `factored` is, or the certificate's assumption says
what is not checked. `margins_of`, `excess` and `ratio` are carried into scripts.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import cast

import numpy as np
from numpy.typing import DTypeLike

from compth._types import Array, Json
from compth.certification import vectorised
from compth.certification.allowance import Allowance, Limits
from compth.certification.arithmetic import limit
from compth.certification.beside import beside
from compth.certification.subject import Subject
from compth.certification.tracer import (
    Affine,
    Leaf,
    NotTraceable,
    Path,
    TooManyLeaves,
    TraceGenerator,
    _Variable,
    leaves,
    undisturbed,
)
from compth.claims import Claim, Margin

UNLIMITED: Limits = (math.inf, math.inf)
TOLERANCE = 1e-9
"""Relative rounding of an answer's sums."""


class NotFinite(Exception):
    """The program returned NaN or inf at x, within the domain."""

    def __init__(self, x: Array) -> None:
        super().__init__("returned NaN or inf for a finite input")
        self.compth_input = x


@dataclass(frozen=True)
class Moments:
    """E C(x), E||C(x)||^2 and E (C(x)_j - x_j)^2 at one input; work: what they have cost, counted (`allowance`)."""

    x: Array
    mean: Array
    second: float
    error: Array
    slack: float = 0.0
    work: float = 0.0


@dataclass
class Oracle:
    """Exact moments at any input of one dimension; `technique` and `assumptions` go into the certificate.

    slack: the rounding that the program's arithmetic is granted at x (`Arithmetic.slack`), None for none.
    dear: the work counted for an input that could not be followed within it. work: the sum over all inputs.

    law: every outcome with its probability, where these are enumerated; None for oracles of moments alone.
    """

    technique: str
    moments: Callable[[Array], Moments]
    assumptions: tuple[str, ...] = ()
    calls: int = 0
    law: Callable[[Array], list[Leaf[object]]] | None = None
    notes: Json = field(default_factory=dict)
    slack: Callable[[Array], float] | None = None
    dear: float = 0.0
    work: float = 0.0

    def __call__(self, x: Array) -> Moments:
        self.calls += 1
        try:
            found = self.moments(x)
        except NotTraceable:
            self.work += self.dear
            raise
        self.work += found.work
        return replace(found, slack=self.slack(x)) if self.slack else found


def element_moments(y: Affine | float) -> tuple[float, float]:
    """E y and E y^2 of one output element on its path (an affine function of a uniform, or a number)."""
    if isinstance(y, Affine):
        first, second = y.u.moments()
        mean = y.a * first + y.b
        return float(mean), float(y.a * y.a * second + 2 * y.a * y.b * first + y.b * y.b)
    value = float(y)
    return value, value * value


def of_leaves(x: Array, found: list[Leaf[object]], d: int) -> Moments:
    """Moments of an enumerated law; inputs longer than d (fleets) are compared through their average."""
    # E||y - t||^2 is summed path by path as p (y - t)^2, which has no cancellation: the expanded form would
    # lose every digit where omega is small. Only symbols in the output (E over a cell is known, not y itself)
    # need the expansion.
    target = x if len(x) == d else x.reshape(-1, d).mean(axis=0)
    mean, error, second = np.zeros(d), np.zeros(d), 0.0
    for leaf in found:
        p = float(leaf.probability)
        out = np.asarray(leaf.output)
        if out.dtype == object:
            pairs = [element_moments(v) for v in out]
            first, square = np.array([a for a, _ in pairs]), np.array([b for _, b in pairs])
        else:
            first = out.astype(np.float64)
            square = first * first
        mean += p * first
        second += p * float(square.sum())
        error += p * (
            square - 2 * first * target + target * target if out.dtype == object else (first - target) ** 2
        )
    return Moments(x, mean, second, error)


def margins_of(claim: Claim, m: Moments) -> list[Margin]:
    """The claim's inequalities, with the error term taken from its accurate sum where the claim uses it."""
    out = []
    accurate = float(m.error.sum())
    # A claim forms E||C(x) - x||^2 from E||C(x)||^2, which is right for exact numbers and cancels for floats.
    for margin in claim.margins(m.x, m.mean, m.second):
        uses_error = margin.name.startswith("E||C(x)-x||^2") or margin.name.startswith("E||mean C_i")
        out.append(margin._replace(value=accurate) if uses_error else margin)
    return out


def excess(margin: Margin, m: Moments) -> float:
    """How far beyond the bound and its tolerance the value lies; positive means violated."""
    xx = float(np.dot(m.x, m.x))
    return float(margin.value) - limit(margin.name, float(margin.bound), m.slack, m.second, xx)


def ratio(margin: Margin, m: Moments) -> float:
    """value/bound, for tightness: 0 for equalities that hold, inf for violated ones with bound 0."""
    # A bound of 0 has no ratio: what exceeds it beyond rounding counts as infinitely far.
    value, bound = float(margin.value), float(margin.bound)
    if bound > 0:
        return value / bound
    return np.inf if excess(margin, m) > 0 else 0.0


def enumerating(subject: Subject, d: int, limit: int, limits: Limits = UNLIMITED) -> Oracle:
    """Every path at every input; one of more than `limit` paths, or of more work than allowed, is refused."""
    kind = "direct evaluation" if subject.deterministic else "exact enumeration"
    return Oracle(
        kind,
        lambda x: enumerated(subject, x, d, limit, limits),
        law=lambda x: law_at(subject, x, limit, limits),
        dear=_finite(limits),
    )


def _finite(limits: Limits) -> float:
    """Work to charge for an input that took all that was allowed."""
    return limits[0] if math.isfinite(limits[0]) else 0.0


def are_leaves(answer: object, subject: Subject, *_: object) -> bool:
    """True for a list of paths with probabilities that sum to one."""
    if not isinstance(answer, list) or not all(isinstance(leaf, Leaf) for leaf in answer):
        return False
    p = [leaf.probability for leaf in answer]
    return all(isinstance(q, Fraction) and q >= 0 for q in p) and sum(p) == 1


@beside(are_leaves)
def law_at(subject: Subject, x: Array, limit: int, limits: Limits) -> list[Leaf[object]]:
    """Every path at x."""
    return _law(subject, x, limit, Allowance(*limits, "enumeration"))


def _law(subject: Subject, x: Array, limit: int, allowance: Allowance) -> list[Leaf[object]]:
    """Every path at x, within the allowance."""
    return list(leaves(lambda rng: subject.program(x.copy(), rng), limit, allowance))


def are_moments(answer: object, subject: Subject, x: Array, d: int, *_: object) -> bool:
    """True for moments of the right shape that some law could have: finite, E||y||^2 >= ||E y||^2, errors >= 0."""
    if not isinstance(answer, Moments):
        return False
    shaped = all(isinstance(v, np.ndarray) and v.shape == (d,) for v in (answer.mean, answer.error))
    if not shaped or not isinstance(answer.second, float) or not np.array_equal(answer.x, x):
        return False
    # A worker's numbers are a user's word until they could be moments of something: Jensen's inequality,
    # errors that are squares, and no NaN but the program's own.
    numbers = (answer.mean, answer.error, np.array([answer.second]))
    with np.errstate(over="ignore"):
        square = float(answer.mean @ answer.mean) * (1 - TOLERANCE)
    if not all(v.dtype == np.float64 for v in numbers):
        return False
    if any(np.isnan(v).any() for v in numbers):
        return not np.isfinite(answer.mean).all()  # the program's own: `NotFinite`
    return bool(square <= answer.second and (answer.error >= -TOLERANCE * answer.second).all())


@beside(are_moments)
def enumerated(subject: Subject, x: Array, d: int, limit: int, limits: Limits) -> Moments:
    """Moments at x from every path."""
    allowance = Allowance(*limits, "enumeration")
    found = of_leaves(x, _law(subject, x, limit, allowance), d)
    return replace(found, work=allowance.used)


class _Lane:
    """The choices of one uniform, replayed independently of the others."""

    def __init__(self, prefix: list[int]) -> None:
        self.path = Path(prefix)

    def choose(self, weights: Sequence[Fraction], read: Sequence[Fraction] | None = None) -> int:
        """As the path of this uniform alone."""
        return self.path.choose(weights, read)

    @property
    def order(self) -> list[_Variable]:
        """No uniform has a place among others: lanes are independent. Raises NotTraceable."""
        raise NotTraceable("uniforms compared with each other")


class _LaneGenerator(TraceGenerator):
    """Each new uniform gets its own lane; anything but uniforms is refused."""

    prefixes: list[list[int] | None]
    lanes: list[_Lane]

    def __new__(cls, prefixes: list[list[int] | None]) -> _LaneGenerator:
        self = cast("_LaneGenerator", super().__new__(cls, Path([])))
        self.prefixes, self.lanes = prefixes, []
        return self

    def __init__(self, prefixes: list[list[int] | None]) -> None:
        super().__init__(self.path)

    def _uniform(self, dtype: DTypeLike) -> Affine:
        affine = super()._uniform(dtype)
        # A coordinate whose outcomes are all visited (prefix None) still has to draw: any of its paths will do.
        at = len(self.lanes)
        prefix = self.prefixes[at] if at < len(self.prefixes) else []
        lane = _Lane(prefix or [])
        self.lanes.append(lane)
        affine.u.path = lane
        return affine


_Cell = tuple[int, int, object]
"""Grid points lo..hi-1 of a coordinate's uniform, and the output there."""
COORDINATE = 40.0
"""Work of one coordinate in one run that is traced coordinate by coordinate."""


def factored(subject: Subject, d: int, rounds: int = 300, limits: Limits = UNLIMITED) -> Oracle:
    """One uniform per coordinate, each coordinate's law found alone, in arrays where that can be done.

    Held against real draws: in arrays at every input, else at the first. Raises NotTraceable when the program does not
    draw exactly d uniforms, lets coordinates interact, when a real run disagrees with the factored prediction, or when
    an input needs more work than allowed.
    """
    assumption = "each uniform feeds the coordinate of its position, checked by exact equality on real draws"
    # Whether the program is of this kind is seen at one dense input, where every coordinate draws; at others
    # it is seen when the factored law fails, or by a real draw.
    _check_factored(subject, np.random.default_rng(0).normal(size=d), d, rounds, limits)
    oracle = Oracle(
        "factored exact oracle",
        lambda x: factored_moments(subject, x, d, rounds, limits, oracle.calls),
        (assumption,),
        dear=_finite(limits),
    )
    return oracle


@beside(are_moments)
def factored_moments(
    subject: Subject, x: Array, d: int, rounds: int, limits: Limits, seed: int = 0
) -> Moments:
    """Moments at x from each coordinate's own law; seed: of the real draw that they are held against."""
    allowance = Allowance(*limits, "the factored oracle")
    found = _in_arrays(subject, x, (seed,))
    allowance.use(60 + 0.15 * d)
    mean, square, error = found or _factor(subject, x, d, rounds, allowance)[:3]
    return Moments(x, mean, float(square.sum()), error, work=allowance.used)


def _in_arrays(subject: Subject, x: Array, seeds: Iterable[int]) -> tuple[Array, Array, Array] | None:
    """The moments of every coordinate where all uniforms are compared at once; None where they are not."""
    try:
        law = vectorised.cells(subject.program, x)
    except Exception:  # whatever the program does with arrays of uniforms: then each is traced alone
        return None
    for seed in seeds:
        if not vectorised.agrees(subject.program, x, law, seed):
            raise NotTraceable("a real run disagrees with the factored law")
    return vectorised.moments(law, x)


def _factor(
    subject: Subject, x: Array, d: int, rounds: int, allowance: Allowance | None = None
) -> tuple[Array, Array, Array, list[list[_Cell]]]:
    """E C(x)_j, E C(x)_j^2, E (C(x)_j - x_j)^2 of every coordinate, and its cells.

    With one uniform a coordinate the joint tree has product size, but each coordinate's own tree is small. So run r
    visits the r-th outcome of every coordinate at once: as many runs suffice as the largest of the trees has leaves.
    """
    allowance = allowance or Allowance()
    prefixes: list[list[int] | None] = [[] for _ in range(d)]
    mean, square, error = np.zeros(d), np.zeros(d), np.zeros(d)
    cells: list[list[_Cell]] = [[] for _ in range(d)]
    for _ in range(rounds):
        if allowance.left < COORDINATE * d or allowance.spent:
            raise TooManyLeaves(allowance.note if allowance.capped else "one input takes too much work")
        allowance.use(COORDINATE * d)
        rng = _LaneGenerator(prefixes)
        out = np.asarray(undisturbed(lambda symbols: subject.program(x.copy(), symbols), rng))
        lanes, variables = rng.lanes, rng.path.variables
        if len(lanes) != d or rng.path.choices or out.shape != (d,):
            raise NotTraceable("not one uniform per coordinate")
        active = False
        for j in range(d):
            if prefixes[j] is None:
                continue
            active = True
            p = float(lanes[j].path.probability)
            first, second = element_moments(out[j])
            mean[j] += p * first
            square[j] += p * second
            # On a cell of an affine output only moments are known, so the error is E y^2 - 2 x E y + x^2; of
            # a number, (y - x)^2.
            gap = first - x[j]
            error[j] += p * (
                second - 2 * first * x[j] + x[j] * x[j] if isinstance(out[j], Affine) else gap * gap
            )
            cells[j].append((variables[j].lo, variables[j].hi, out[j]))
            prefixes[j] = lanes[j].path.successor()
        if not active or all(prefix is None for prefix in prefixes):
            return mean, square, error, cells
    raise NotTraceable("too many cells per coordinate")


@beside(lambda answer, *_: answer is None)
def _check_factored(subject: Subject, x: Array, d: int, rounds: int, limits: Limits) -> None:
    """Real draws select the values that the factored law predicts. Raises NotTraceable where one does not."""
    if _in_arrays(subject, x, range(4)) is not None:
        return
    _, _, _, cells = _factor(subject, x, d, rounds, Allowance(*limits, "the factored oracle"))
    for seed in range(4):
        drawn = np.random.default_rng(seed).random(d)
        real = np.asarray(subject.program(x.copy(), np.random.default_rng(seed)), dtype=np.float64)
        for j in range(d):
            at = int(drawn[j] * 2**53)
            value = next((v for lo, hi, v in cells[j] if lo <= at < hi), None)
            if value is None or isinstance(value, Affine) or float(cast("float", value)) != real[j]:
                if (
                    isinstance(value, Affine)
                    and abs(float(value.a) * drawn[j] + float(value.b) - real[j]) < 1e-12
                ):
                    continue
                raise NotTraceable("a real run disagrees with the factored law")
