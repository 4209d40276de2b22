"""A theorem declares facts; the plan of a run is made of them here, once.

The facts are lines of plain arithmetic in the constants c and a step gamma, so that floats, Fractions and symbols pass:
the largest step (`step_limit`), the factor (`rate`), the floor (`floor`), what a run needs besides (`params`). Runs ask
for `plan`, which looks whether the step is in the range; proofs and pages ask for `at`, which does not.

A new theorem needs nothing changed in here. Its facts must not branch on whether a constant is a number, must not
convert to float, and must stay true at every gamma in (0, step_limit]: machine-checked proofs evaluate these very
lines.
"""

from __future__ import annotations

from abc import ABC
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from fractions import Fraction
from functools import cache
from hashlib import sha256
from typing import Any, ClassVar, Protocol
from zlib import crc32

import numpy as np

from compth._numbers import Number
from compth._types import Array
from compth.claims import (
    Attribution,
    Claim,
    Contractive,
    JointVariance,
    Sharpness,
    Standing,
    Unbiased,
    shown,
)
from compth.errors import NoGuarantee
from compth.methods.core.constants import Constants
from compth.methods.core.state import State
from compth.problems.interface import Problem
from compth.rates import geometric
from compth.sources import COMPTH, Source

# a step planned as 1/(2L) and compared with ratio(1, 2 L) may differ in the last bits; no theorem changes
# its truth within 1e-12
ROUNDING = 1e-12
"""Share by which a step may lie above a closed limit: it was computed by another expression of the same number."""


@dataclass(frozen=True)
class Plan:
    """Numbers a run needs: step size gamma (or a schedule t -> gamma_t) and the method's other parameters."""

    gamma: Number
    params: Mapping[str, Number] = field(default_factory=dict)
    rho: Number | None = None
    floor: Number = 0
    schedule: Callable[[int], float] | None = field(default=None, compare=False)
    horizon: int | None = None

    def step(self, t: int) -> Number:
        """gamma_t."""
        return self.schedule(t) if self.schedule is not None else self.gamma

    def __getitem__(self, name: str) -> Number:
        return self.params[name]


class Recorded(Protocol):
    """What a run leaves, simulated or exact: averages over the replicates at t = 0..T, (T+1,), and standard errors.

    se_* are 0 in exact runs. The metric's are None where it is the squared distance.
    """

    @property
    def plan(self) -> Plan: ...
    @property
    def mean_square(self) -> Array: ...
    @property
    def se_square(self) -> Array: ...
    @property
    def mean_gap(self) -> Array: ...
    @property
    def se_gap(self) -> Array: ...
    @property
    def mean_gradient_square(self) -> Array: ...
    @property
    def se_gradient_square(self) -> Array: ...
    @property
    def mean_metric(self) -> Array | None: ...
    @property
    def se_metric(self) -> Array | None: ...


class Theorem(ABC):
    """A convergence statement: when it applies, which steps it allows, what it bounds.

    Class attributes: id, title, source, attribution, sharpness, declared (standing without a machine-checked
    proof), proof (id in proofs_check), requires (claim types), accepts (parameters a user may fix), metric (what
    is bounded, in words), start_only (`observe` is where the bound starts from; it bounds the squared distance alone),
    bidirectional (it covers an unbiased compressed downlink), contractive_downlink (one that contracts),
    gradient_noise ("none": it speaks of exact gradients, "bounded": it needs sigma2 < inf, "any": of oracles by
    expected smoothness), exact_form (id of what it is without an oracle),
    own_steps (in words, the steps of a theorem that takes none from the user), derived (it is made for one method,
    `kind`, from its body). A theorem says `step_limit`, `rate` and `floor`; one whose plan is no closed form in a step
    overrides `plan`.
    """

    id: ClassVar[str]
    title: ClassVar[str]
    source: ClassVar[Source] = COMPTH
    attribution: ClassVar[Attribution] = Attribution.OURS
    sharpness: ClassVar[Sharpness] = Sharpness.UPPER
    declared: ClassVar[Standing] = Standing.DERIVED
    proof: ClassVar[str] = ""
    requires: ClassVar[tuple[type[Claim], ...]] = ()
    accepts: ClassVar[tuple[str, ...]] = ()
    metric: ClassVar[str] = "E||x_t - x*||^2"
    bidirectional: ClassVar[bool] = False
    contractive_downlink: ClassVar[bool] = False
    gradient_noise: ClassVar[str] = "none"
    exact_form: ClassVar[str] = ""
    start_only: ClassVar[bool] = False
    own_steps: ClassVar[str] = ""
    derived: ClassVar[bool] = False

    @property
    def standing(self) -> Standing:
        """PROVED when its proof is in the shipped index, else as declared; ASSUMED for a user's theorem."""
        return shown(self)

    def statement(self) -> str:
        """Its id, its proof's, and the fingerprint of its formulas: what the index lists when the proof is made."""
        return _statement(type(self))

    def why_not(self, c: Constants) -> str:
        """ "" when the theorem applies to these constants, else the hypothesis that fails."""
        # from the general to the particular, and the first failing hypothesis alone is said: claims,
        # smoothness, the downlink, fixed parameters, noise, then the theorem's own
        missing = [k.__name__ for k in self.requires if c.claim(k) is None]
        if missing:
            return f"it needs {' and '.join(missing)}"
        fixed = set(c.params) - set(self.accepts)
        if float("inf") == c.L:
            return "f must be smooth (L < inf)"
        if self.contractive_downlink:
            if not c.delta_down > 0:
                return "the downlink makes no contractive claim: scale it"
        # an unbiased compressed broadcast enters only theorems that account for its variance: others would
        # promise too much
        elif c.omega_down != 0 and not (self.bidirectional and c.omega_down < float("inf")):
            return (
                "it speaks of an uncompressed downlink"
                if not self.bidirectional
                else "the downlink is biased"
            )
        # a parameter that the user fixed and the theorem chooses itself would make the run another one than
        # the theorem speaks of
        if fixed:
            return f"it plans {', '.join(sorted(fixed))} itself"
        return self._why_not_noisy(c) or self._why_not(c)

    def _why_not_noisy(self, c: Constants) -> str:
        if not c.stochastic:
            return f"without an oracle it is {self.exact_form}" if self.exact_form else ""
        if self.gradient_noise == "any":
            return ""
        if self.gradient_noise == "none":
            return "it speaks of exact gradients, without an oracle"
        # sigma2 is a supremum over all x: an oracle whose variance grows with ||x - x*|| has none
        bounded = float("inf") > c.sigma2
        return (
            "" if bounded else "gradient noise must be bounded for all x: equal Hessians within each worker"
        )

    def _why_not(self, c: Constants) -> str:
        return ""

    def step_limit(self, c: Constants) -> tuple[Number, str]:
        """The largest step and how it is written; of a theorem with steps of its own, the first one."""
        raise NoGuarantee(f"{self.id} states no largest step")

    def default_step(self, c: Constants) -> Number:
        """The step of a run that names none: the largest one unless said otherwise."""
        return self.step_limit(c)[0]

    def slack(self, c: Constants, gamma: Number) -> Number:
        """Where the largest step itself promises nothing: what is left at gamma, positive below it only."""
        return 1

    @property
    def open_range(self) -> bool:
        """True where the largest step itself promises nothing: `slack` says what is left below it."""
        return type(self).slack is not Theorem.slack

    def params(self, c: Constants, gamma: Number) -> Mapping[str, Number]:
        """What a run or the bound needs besides gamma: the method's parameters, a Lyapunov function's weights."""
        return {}

    def rate(self, c: Constants, gamma: Number) -> Number | None:
        """rho, the factor of its metric in a step; None for a bound that is not linear."""
        return None

    def floor(self, c: Constants, gamma: Number) -> Number:
        """What its bound tends to."""
        return 0

    def schedule(self, c: Constants, horizon: int | None) -> Callable[[int], float] | None:
        """t -> gamma_t, for a theorem with `own_steps` that change."""
        return None

    def at(self, c: Constants, gamma: Number, horizon: int | None = None) -> Plan:
        """The plan at gamma, wherever it lies: nothing is compared, so that symbols pass."""
        rho, floor = self.rate(c, gamma), self.floor(c, gamma)
        return Plan(gamma, self.params(c, gamma), rho, floor, self.schedule(c, horizon))

    def why_not_at(self, c: Constants, gamma: Number) -> str:
        """ "" when it speaks of this step, else why not."""
        limit, text = self.step_limit(c)
        # open ranges: at the end itself the factor is 1 or the floor infinite, so equality promises nothing
        if self.slack(c, gamma) > 0:
            return ""
        return f"gamma={float(gamma):.6g} is not below {text} = {float(limit):.6g}: {self.id} says nothing"

    def plan(self, c: Constants, gamma: Number | None = None, horizon: int | None = None) -> Plan:
        """Step size and parameters (the theorem's own when gamma is None); NoGuarantee for a step out of range."""
        if gamma is None:
            gamma = self.default_step(c)
        elif self.own_steps:
            raise NoGuarantee(f"{self.id} has its own {self.own_steps}: leave gamma out")
        else:
            self.allow(gamma, *self.step_limit(c))
        reason = self.why_not_at(c, gamma)
        if reason:
            raise NoGuarantee(reason)
        return self.at(c, gamma, horizon)

    def observe(self, problem: Problem, state: State, plan: Plan) -> Array | None:
        """Its metric on each replicate, (R,); None when it is the squared distance that every run records."""
        return None

    def begin(self, problem: Problem, state: State, plan: Plan) -> Array | None:
        """What its bound starts from, (R,): the metric at t = 0 unless said otherwise; None: the squared distance."""
        return self.observe(problem, state, plan)

    def matrix(self, plan: Plan) -> Array | None:
        """M when `observe` is (x-x*)' M (x-x*), for exact dynamics; None: `observe` says it by itself."""
        return None

    def trajectory(self, trace: Recorded) -> Array:
        """E metric_t of a simulated or exact run, (T+1,)."""
        # where the Lyapunov function only starts the bound, what it bounds in the end is the squared
        # distance
        own = trace.mean_metric is not None and not self.start_only
        return np.asarray(trace.mean_metric if own else trace.mean_square)

    def error(self, trace: Recorded) -> Array:
        """Standard error of `trajectory` in a simulated run, (T+1,), or an upper bound on it."""
        own = trace.se_metric is not None and not self.start_only
        return np.asarray(trace.se_metric if own else trace.se_square)

    def values(self, c: Constants, plan: Plan, start: float) -> Callable[[int], float]:
        """t -> bound on E metric_t; by default rho^t start + floor (1 - rho^t), NoGuarantee without a rho."""
        # the default is the solution of a_{t+1} <= rho a_t + (1 - rho) floor
        if plan.rho is None:
            raise NoGuarantee(f"{self.id} states neither rate nor values: give it one of them")
        rho, floor = float(plan.rho), float(plan.floor)
        return geometric(rho, floor, start)

    def distance_factor(self, c: Constants, plan: Plan) -> float:
        """A number a with metric >= a ||x_t - x*||^2 (0 when there is none)."""
        return 1.0

    def allow(self, gamma: Number, limit: Number, rule: str) -> Number:
        """gamma if 0 < gamma <= limit (up to rounding), else NoGuarantee."""
        if not 0 < gamma <= limit * (1 + ROUNDING):
            most = f"{'<' if self.open_range else '<='} {rule} = {float(limit):.6g}"
            raise NoGuarantee(f"gamma={float(gamma):.6g} is outside {self.id}'s range: 0 < gamma {most}")
        return gamma


class _Numbers(dict[str, Number]):
    """A number for every name: what a method may know of a problem, or a user may fix."""

    def __missing__(self, name: str) -> Number:
        return Fraction(1 + crc32(name.encode()) % 89, 97)


def _anywhere() -> Constants:
    """Numbers without meaning at which formulas that differ have other values."""
    plain = {f.name: _Numbers()[f.name] for f in fields(Constants) if f.type == "Number"}
    smooth = {
        "L": Fraction(7, 2),
        "L_max": Fraction(9, 2),
        "L_tilde": 4,
        "mu": Fraction(1, 3),
        "mu_min": Fraction(1, 4),
    }
    claims = (
        Unbiased(Fraction(5, 7)),
        Contractive(Fraction(2, 5)),
        JointVariance(Fraction(3, 8), Fraction(1, 9)),
    )
    named = _Numbers()
    return Constants(**{**plain, **smooth, "n": 3, "d": 5, "claims": claims, "params": named, "facts": named})


@cache
def _statement(kind: type[Theorem]) -> str:
    """A theorem's formulas at one point, eight digits of each; where one has no value there, that is what is listed."""
    theorem = kind()
    told: list[object] = [kind.metric, kind.sharpness.value, *(k.__name__ for k in kind.requires)]
    limit = lambda c, gamma: theorem.step_limit(c)  # noqa: E731
    for formula in (limit, theorem.slack, theorem.params, theorem.rate, theorem.floor):
        try:
            told.append(_digits(formula(_anywhere(), Fraction(1, 97))))
        except Exception as none:
            told.append(type(none).__name__)
    said = sha256(repr(told).encode())
    return f"{kind.id} {kind.proof} {said.hexdigest()[:32]}"


def _digits(value: Any) -> Any:
    """Numbers, also inside, as eight digits."""
    if isinstance(value, Mapping):
        return {k: _digits(v) for k, v in value.items()}
    if isinstance(value, tuple):
        return [_digits(v) for v in value]
    return value if isinstance(value, str) or value is None else f"{float(value):.8g}"
