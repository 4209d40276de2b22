"""What a theorem may see of a problem and a fleet, and nothing else: numbers.

That is why a new compressor gets every theorem. A new constant is added to `Constants`, asked of a problem in `NEEDED`
and read in `Constants.of`. Nothing here may compute with gamma: what depends on a step is a theorem's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from operator import attrgetter
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from compth._numbers import Number
from compth._own import different
from compth.claims import Claim, Contractive, JointVariance, Unbiased
from compth.compressors import Fleet, Independent
from compth.errors import InvalidParameter, NoGuarantee
from compth.problems.interface import Problem

K = TypeVar("K", bound=Claim)


NEEDED = ("L", "mu", "L_max", "L_i", "mu_min", "zeta2_star", "heterogeneity", "convex", "L_plus", "L_pm")
"""What theorems ask of a problem, besides n, d and gradients."""


CLOSE = 1e-9
"""Rounding granted to a claim that is computed in floats."""


def _root_mean_square(problem: Problem) -> float:
    return float(np.sqrt((problem.L_i**2).mean()))


# some cost an eigenvalue problem or n linear solves (D needs min f_i for every worker): asked when a
# theorem reads them and never before
ASKED: dict[str, Callable[[Problem], Number]] = {
    **{name: attrgetter(name) for name in ("L", "mu", "L_max", "mu_min", "zeta2_star", "convex")},
    **{name: attrgetter(name) for name in ("L_plus", "L_pm")},
    "L_tilde": _root_mean_square,
    "D": attrgetter("heterogeneity"),
}
"""How each number of `Constants` that a problem has is asked of it, when it is first read."""


@dataclass(frozen=True)
class Constants:
    """Everything a theorem may see of a problem and a fleet; numbers may be float, Fraction or symbols.

    L: smoothness of f; L_max = max L_i; L_tilde = sqrt(mean L_i^2); mu: strong convexity of f (smallest positive
    eigenvalue); mu_min: strong convexity shared by every f_i (0: none); zeta2_star = mean ||grad f_i(x*)||^2;
    D = (2 L_max/n) sum (f_i(x*) - min f_i); stochastic: gradients come from an oracle; sigma2: its sup_x
    mean E||g_i - grad f_i||^2 (0 without one, inf when it grows with x); claims: the fleet's; params: what the user
    fixed of the method's parameters (DIANA's alpha ...); L_plus^2 = sup mean||grad f_i(x)-grad f_i(y)||^2/||x-y||^2,
    L_pm^2 the same less ||grad f(x)-grad f(y)||^2 (Hessian variance); independent: workers compress independently;
    omega_down: the downlink's variance, 0 when it is not compressed, inf when its compressor is biased; delta_down: its
    contraction, 1 when it is not compressed, 0 when its compressor claims none; facts: constants of the method on this
    problem that no compressor's claim can express (IST's theta; an oracle's LL, LL_workers, sigma2_star, sigma2_mean,
    see GradientNoise), reasons: why one of them does not exist.
    """

    n: Number
    d: Number
    L: Number
    mu: Number
    L_max: Number
    L_tilde: Number
    mu_min: Number = field(default_factory=int)
    zeta2_star: Number = field(default_factory=int)
    D: Number = field(default_factory=int)
    stochastic: bool = False
    sigma2: Number = 0
    convex: bool = field(default_factory=lambda: True)
    L_plus: Number = field(default_factory=int)
    L_pm: Number = field(default_factory=int)
    independent: bool = False
    omega_down: Number = 0
    delta_down: Number = 1
    claims: tuple[Claim, ...] = ()
    params: Mapping[str, Number] = field(default_factory=dict)
    facts: Mapping[str, Number] = field(default_factory=dict)
    reasons: Mapping[str, str] = field(default_factory=dict)

    def claim(self, kind: type[K]) -> K | None:
        """The fleet's claim of this kind, None if it makes none."""
        return next((c for c in self.claims if isinstance(c, kind)), None)

    @property
    def impossible(self) -> str:
        """A claim that no compressor has, or one that allows everything; "" where there is none."""
        # E||C(x) - x||^2 >= 0 for any map, so omega < 0 is impossible, and delta > 1 would ask for a
        # negative error; delta <= 0 allows any error at all
        unbiased, ball = self.claim(Unbiased), self.claim(Contractive)
        if unbiased is not None and unbiased.omega < -CLOSE:
            return f"omega = {float(unbiased.omega):g} is claimed, which must be at least 0"
        if ball is not None and (ball.delta > 1 + CLOSE or (ball.delta <= 0 and unbiased is None)):
            return f"delta = {float(ball.delta):g} is claimed, which must lie in (0, 1]"
        return ""

    @property
    def kappa(self) -> Number:
        """L / mu."""
        return self.L / self.mu

    @property
    def omega(self) -> Number:
        """The worst member's variance; NoGuarantee when the fleet is not unbiased."""
        return self._constant(Unbiased).omega

    @property
    def delta(self) -> Number:
        """The worst member's contraction; NoGuarantee when the fleet has none."""
        return self._constant(Contractive).delta

    @property
    def joint(self) -> JointVariance:
        """The (A, B) of the averaged message."""
        return self._constant(JointVariance)

    @property
    def dissimilarity(self) -> Number:
        """sup_x mean||grad f_i(x) - grad f(x)||^2: zeta2_star when all Hessians are equal to rounding, else inf."""
        # L_pm^2 is the variance of the Hessians over the workers: where it is 0 relative to their size,
        # grad f_i - grad f is the same at every x, so its size at x* is its supremum; else it grows with
        # ||x - x*||
        equal = self.L_pm * self.L_pm <= 1e-12 * self.L_plus * self.L_plus
        return self.zeta2_star if equal else float("inf")

    def _constant(self, kind: type[K]) -> K:
        found = self.claim(kind)
        if found is None:
            raise NoGuarantee(f"the compressor makes no {kind.__name__} claim, which this theorem needs")
        return found

    @classmethod
    def of(cls, problem: Problem, fleet: Fleet) -> Constants:
        """Constants of a problem and the fleet that compresses on it."""
        # first whether the two fit each other
        fleet.check(problem.n, problem.d)
        lacking = [name for name in NEEDED if not (hasattr(type(problem), name) or hasattr(problem, name))]
        if lacking:
            raise InvalidParameter(_lacking(problem, lacking))
        # made with zeros in the places of the problem's numbers, which are then taken out again: reading
        # one finds no attribute and asks the problem for it
        plain = cls(
            n=problem.n,
            d=problem.d,
            L=0,
            mu=0,
            L_max=0,
            L_tilde=0,
            independent=isinstance(fleet, Independent) and not different(fleet),
            claims=fleet.claims(problem.n, problem.d),
        )
        made = plain.but(_problem=problem)
        for name in ASKED:
            del made.__dict__[name]
        return made

    def but(self, **changes: object) -> Constants:
        """The same with other values for some names; numbers not asked for stay so, where `replace` asks for all."""
        # past the constructor, which would ask for every number; the dictionary is copied, so the original
        # keeps its own
        made = object.__new__(type(self))
        made.__dict__.update(self.__dict__ | changes)
        return made

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Number:
            """A number of the problem, asked for at its first use: theorems cost what they read (D needs n solves)."""
            if name not in ASKED or "_problem" not in self.__dict__:
                raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
            problem = self.__dict__["_problem"]
            try:
                value = ASKED[name](problem)
            except AttributeError:
                raise InvalidParameter(_lacking(problem, [name])) from None
            self.__dict__[name] = value
            return value


def _lacking(problem: Problem, names: list[str]) -> str:
    return f"problem of type {type(problem).__name__} has no {', '.join(names)}: theorems need them"
