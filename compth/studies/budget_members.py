"""Who is asked how far one may compress: a family's members by the bits of a message; constants without a problem."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, NoReturn

import numpy as np

from compth._numbers import Number
from compth.claims import Claim, Contractive, Unbiased
from compth.compressors import Compressor, Fleet, as_fleet
from compth.compressors.core.function import compressor
from compth.compressors.identity import Identity
from compth.errors import CompthError, InvalidParameter, Unsupported, require
from compth.methods import Method
from compth.methods.gd import GD
from compth.tuning.families import MOST, default_levels, family

if TYPE_CHECKING:
    from compth._types import Array
    from compth.problems.interface import Problem


HUGE = 1e15
"""A variance, or the inverse of a contraction, below which theorems' numbers stay floats."""
MOST_WORKERS = 10**6
"""Of a class of problems: L_i is an array."""
Compressing = Compressor | Sequence[Compressor] | Fleet
Make = Callable[[Compressing], Method]
"""The method with this compressor."""
Family = type[Compressor] | Compressor | Callable[[object], Compressor]
"""Compressors by a level: a class or an object that has one, or a function of it."""


class NoProblem(Unsupported, AttributeError):
    """Constants stand for a class of problems: what only a single problem has is not there."""


@dataclass(frozen=True)
class ProblemClass:
    """Every f_i mu-strongly convex and L-smooth on n workers in dimension d, as theorems see it: by constants alone.

    zeta2_star: mean ||grad f_i(x*)||^2 relative to ||x_0 - x*||^2 = 1; 0: the f_i share their minimiser.

    It answers what theorems ask of a problem (L_max, mu_min, L_plus ...) by bounds that hold for all of the class.
    Whatever needs a single problem (gradients, a start) raises NoProblem, an AttributeError as well, so that hasattr
    is False.
    """

    mu: float
    L: float
    n: int
    d: int
    zeta2_star: float = 0.0
    convex: bool = True

    @property
    def L_max(self) -> float:
        """L, of every worker."""
        return self.L

    @property
    def L_i(self) -> Array:
        """L, n times."""
        return np.full(self.n, self.L)

    @property
    def mu_min(self) -> float:
        """mu, of every worker."""
        return self.mu

    @property
    def L_plus(self) -> float:
        """At most L."""
        return self.L

    @property
    # Hessian variance (Szlendak, Tyurin and Richtarik): for eigenvalues within
    # [mu, L] a standard deviation is at most half the range.
    def L_pm(self) -> float:
        """Hessians between mu and L vary by at most half their distance; one worker's do not."""
        return (self.L - self.mu) / 2 if self.n > 1 else 0.0

    @property
    def heterogeneity(self) -> float:
        """(2 L/n) sum (f_i(x*) - min f_i) is at most (L/mu) mean ||grad f_i(x*)||^2."""
        return self.zeta2_star * self.L / self.mu

    def gradients(self, x: object) -> NoReturn:
        """There are none."""
        raise NoProblem("constants alone have no gradients: give a problem")

    def __getattr__(self, name: str) -> NoReturn:
        if name.startswith("__"):
            raise AttributeError(name)
        raise NoProblem(f"constants alone have no {name}: give a problem")

    def __str__(self) -> str:
        return f"every problem with mu={self.mu:.4g}, L={self.L:.4g}, n={self.n}, d={self.d}"


@dataclass(frozen=True)
class Member:
    """One compressor of a family, its level, and the bits of a worker's message (None: only a claim is known)."""

    level: object
    label: str
    method: Method = field(repr=False)
    bits: float | None
    claim: str

    @property
    def compressor(self) -> object:
        """As it was made."""
        return self.method.compressor


def with_compressor(method: object) -> Make:
    """compressor -> method, from a class or an instance. InvalidParameter for what takes no compressor.

    An instance keeps all of its other parameters, its step among them.
    """
    kind = method if isinstance(method, type) else type(method)
    if not issubclass(kind, Method):
        raise InvalidParameter(f"method={method!r} must be a method such as ct.DIANA, or ct.DIANA(gamma=0.1)")
    require(kind.takes_compressor, f"{kind.__name__} takes no compressor: there is nothing to choose")
    make: Make = (lambda c: replace(method, compressor=c)) if isinstance(method, Method) else kind
    return make


def members_of(
    make: Make, chosen: Family, levels: Iterable[object] | None, problem: Problem | ProblemClass
) -> tuple[str, list[Member], str]:
    """(the family's name, its members by strength, what is to be said of the levels).

    Raises Unsupported, with the reason, where the method can take none of them.

    chosen: the family. levels: None for all that its parameter has, at most MOST of them on a geometric grid. Raises
    InvalidParameter for a family without levels, or whose function returns no compressor.
    """
    if isinstance(chosen, type) and "shape" in getattr(chosen, "__dataclass_fields__", {}):
        raise InvalidParameter(
            f"{chosen.__name__} needs its shape: name it, as {chosen.__name__}(shape=(8, 8), ...) with any level"
        )
    # Strength is what a message costs on the wire, not the level: QSGD's s and Rand-K's k grow in the same direction, a
    # rank in another unit, and a user's own level may fall.
    name, build, parameter = family(chosen, ())
    tried = default_levels(parameter, build, problem.d) if levels is None else list(levels)
    require(bool(tried), f"levels=[]: {name} needs at least one")
    made = [_member(make, level, _checked(build(level), level), problem) for level in tried]
    name = f"a family such as {made[0].label}" if "<" in name else name  # a lambda has no name
    thinned = levels is None and len(tried) == MOST < problem.d
    note = f"{MOST} levels on a geometric grid were looked at, not all {problem.d}" if thinned else ""
    return name, _by_strength(_taken(made, problem)), note


def _checked(c: object, level: object) -> Compressor | Fleet:
    """A family is a user's function: what it returned is told with its level."""
    if not isinstance(c, Compressor | Fleet):
        raise InvalidParameter(
            f"family gave {c!r} at level {level!r}: it must be a function level -> Compressor"
        )
    return c


def _member(make: Make, level: object, c: Compressor | Fleet, problem: Problem | ProblemClass) -> Member:
    """Expected bits of a worker's message, a mean over the fleet, and the claim that the method uses."""
    fleet = as_fleet(c)
    fleet.check(problem.n, problem.d)
    bits = float(sum(m.total for m in fleet.bits(problem.n, problem.d))) / problem.n
    method = make(c)
    claims = fleet.claims(problem.n, problem.d)
    # the claim that the method works with: what it requires, else the fleet's first
    wanted = [c for kind in method.requires for c in claims if isinstance(c, kind)]
    said = _first_constant([*wanted, *claims][0]) if claims else "-"
    return Member(level, getattr(c, "label", repr(c)), method, bits, said)


def _first_constant(claim: Claim) -> str:
    """The claim's first constant."""
    name, value = next(iter(claim.constants.items()))
    return f"{name}={float(value):.4g}"


def _taken(made: Sequence[Member], problem: Problem | ProblemClass) -> list[Member]:
    """Those that the method can run with; Unsupported, with the first reason, where there is none."""
    # Some members may not fit (a rank above the shape, a k above d): they are
    # left out, and only where none fits is that an error.
    kept, reasons = [], []
    for m in made:
        try:
            m.method.check(problem)
            kept.append(m)
        except Unsupported as reason:
            reasons.append(reason)
    if not kept:
        raise reasons[0]
    return kept


def _by_strength(made: Sequence[Member]) -> list[Member]:
    """The fewest bits of a message first: what counts is the wire, whatever the level is called."""
    return sorted(made, key=lambda m: m.bits or 0.0)


def members_of_claims(
    make: Make,
    omega: Sequence[Number] | None,
    delta: Sequence[Number] | None,
    problem: Problem | ProblemClass,
) -> tuple[str, list[Member], str]:
    """Every compressor with the claim as one member: the largest omega, or the smallest delta, compresses most.

    The strongest first. Raises InvalidParameter for constants outside of omega >= 0, 0 < delta <= 1.
    """
    # The class as one member: theorems and certificates speak of every compressor with the
    # constant. It has no message, so that bits cannot be asked of it.
    name, values = ("omega", omega) if omega is not None else ("delta", delta or ())
    require(len(values) > 0, f"{name}=[]: give at least one constant")
    for value in values:
        _in_range(name, value)
    made = []
    for value in sorted(values, reverse=name == "omega"):
        claim = Unbiased(value) if name == "omega" else Contractive(value)
        # A compressor that carries the claim and is never called.
        c = compressor(_unseen, claims=claim, bits=0)
        made.append(Member(value, f"{name}={float(value):.6g}", make(c), None, _first_constant(claim)))
    return f"every compressor of a class ({name})", _taken(made, problem), ""


def _in_range(name: str, value: Number) -> None:
    """InvalidParameter for a constant that no compressor has."""
    try:
        # A float is enough to see the range; the claim keeps the exact value.
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        raise InvalidParameter(f"{name}={value!r} must be a number") from None
    if name == "omega":
        require(
            0 <= number < HUGE,
            f"omega={value} must be at least 0 and below {HUGE:g}: it is a relative variance",
        )
    else:
        require(
            1 / HUGE < number <= 1,
            f"delta={value} must lie in (0, 1], above {1 / HUGE:g}: it is a contraction",
        )


def _unseen(x: Array) -> Array:
    """Stands for every compressor with a claim: it is never run."""
    return x


def uncompressed(make: Make, problem: Problem | ProblemClass) -> Method:
    """The same method with nothing compressed, gradient descent where it takes no such thing.

    The yardstick of `times`: GD where the method refuses Identity.
    """
    try:
        method = make(Identity())
        method.check(problem)
    except CompthError:
        return GD()
    return method


def problem_class(
    mu: float | None, L: float | None, n: int | None, d: int | None, zeta2: float
) -> ProblemClass:
    """The class of these constants. InvalidParameter for those that no problem has."""
    # A class needs all four; a missing one is named rather than guessed.
    missing = [k for k, v in {"mu": mu, "L": L, "n": n, "d": d}.items() if v is None]
    if mu is None or L is None or n is None or d is None:
        raise InvalidParameter(f"{', '.join(missing)} not given: without a problem mu, L, n and d are needed")
    require(0 < mu <= L < math.inf, f"mu={mu}, L={L} need 0 < mu <= L")
    require(
        L / mu < HUGE and mu > 1e-100 and L < 1e100,
        f"mu={mu}, L={L} leave what floats tell apart: choose a unit",
    )
    require(
        n <= MOST_WORKERS,
        f"n={n} must be at most {MOST_WORKERS:,}: theorems take L_i, a number for each worker",
    )
    require(n >= 1 and d >= 1, f"n={n}, d={d} need at least 1")
    require(0 <= zeta2 < math.inf, f"zeta2={zeta2} needs 0 <= zeta2: it is a mean of squares")
    return ProblemClass(float(mu), float(L), int(n), int(d), float(zeta2))


def whole_levels(text: str) -> list[int]:
    """Levels from "1,2,5" or "1..64", or both. InvalidParameter for anything else."""
    found: list[int] = []
    for word in text.split(","):
        # Digits alone, as ASCII: int() would take signs, blanks and digits of other scripts, too.
        first, dots, last = word.strip().partition("..")
        right = all(end.isascii() and end.isdigit() for end in ((first, last) if dots else (first,)))
        ends = (int(first), int(last or first)) if right else (1, 0)
        require(right and ends[0] <= ends[1], f"levels={text!r}: write levels as 1,2,5 or 1..64")
        require(ends[1] - ends[0] < 10**5, f"levels={text!r} are more than 100,000: name fewer")
        found += range(ends[0], ends[1] + 1)
    return found


__all__ = ["Member", "ProblemClass", "members_of", "members_of_claims", "uncompressed", "with_compressor"]
