"""Methods as pure steps on batched frozen state; theorems as objects that see Constants only."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, ClassVar, TypeVar

import numpy as np
from numpy.typing import NDArray

from compth._door import a_method, a_problem, a_theorem, at_the_door, check_start, numbers, optional, whole
from compth._numbers import Number
from compth._own import altered, different, stranger
from compth.bits import FLOAT_BITS
from compth.claims import (
    Attribution,
    Claim,
    Contractive,
    JointVariance,
    Sharpness,
    Standing,
    Unbiased,
    standing_of,
)
from compth.compressors import Compressor, Fleet, Independent, as_fleet
from compth.compressors.identity import Identity
from compth.errors import InvalidParameter, NoGuarantee, Unsupported
from compth.methods._derived import Derivation
from compth.methods._word import assumptions, broken, not_its_own, other_run
from compth.problems.oracle import Corrected, Drawn, Oracle, noise_of
from compth.rates import Rate, derived, geometric
from compth.sources import COMPTH, Source

Array = NDArray[np.float64]
S = TypeVar("S", bound="State")
K = TypeVar("K", bound=Claim)


NEEDED = ("L", "mu", "L_max", "L_i", "mu_min", "zeta2_star", "heterogeneity", "convex", "L_plus", "L_pm")
"""What theorems ask of a problem, besides n, d and gradients."""


@dataclass(frozen=True)
class Constants:
    """Everything a theorem may see of a problem and a fleet; numbers may be float, Fraction or symbols.

    L: smoothness of f; L_max = max L_i; L_tilde = sqrt(mean L_i^2); mu: strong convexity of f (smallest positive
    eigenvalue); mu_min: strong convexity shared by every f_i (0: none); zeta2_star = mean ||grad f_i(x*)||^2;
    D = (2 L_max/n) sum (f_i(x*) - min f_i); stochastic: gradients come from an oracle; sigma2: its sup_x
    mean E||g_i - grad f_i||^2 (0 without one, inf when it grows with x); claims: the fleet's; params: what the user
    fixed of the method's parameters (DIANA's alpha ...); L_plus^2 = sup mean||grad f_i(x)-grad f_i(y)||^2/||x-y||^2,
    L_pm^2 the same less ||grad f(x)-grad f(y)||^2 (Hessian variance); independent: workers compress independently;
    omega_down: the downlink's variance, 0 when it is not compressed, inf when its compressor is biased; facts:
    constants of the method on this problem that no compressor's claim can express (IST's theta; an oracle's LL,
    LL_workers, sigma2_star, sigma2_mean, see GradientNoise), reasons: why one of them does not exist.
    """

    n: Number
    d: Number
    L: Number
    mu: Number
    L_max: Number
    L_tilde: Number
    mu_min: Number = 0
    zeta2_star: Number = 0
    D: Number = 0
    stochastic: bool = False
    sigma2: Number = 0
    convex: bool = True
    L_plus: Number = 0
    L_pm: Number = 0
    independent: bool = False
    omega_down: Number = 0
    claims: tuple[Claim, ...] = ()
    params: Mapping[str, Number] = field(default_factory=dict)
    facts: Mapping[str, Number] = field(default_factory=dict)
    reasons: Mapping[str, str] = field(default_factory=dict)

    def claim(self, kind: type[K]) -> K | None:
        """The fleet's claim of this kind, None if it makes none."""
        return next((c for c in self.claims if isinstance(c, kind)), None)

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
        equal = self.L_pm * self.L_pm <= 1e-12 * self.L_plus * self.L_plus
        return self.zeta2_star if equal else float("inf")

    def _constant(self, kind: type[K]) -> K:
        found = self.claim(kind)
        if found is None:
            raise NoGuarantee(f"the compressor makes no {kind.__name__} claim, which this theorem needs")
        return found

    @classmethod
    def of(cls, problem: Any, fleet: Fleet) -> Constants:
        """Constants of a problem and the fleet that compresses on it."""
        fleet.check(problem.n, problem.d)
        lacking = [name for name in NEEDED if not hasattr(problem, name)]
        if lacking:
            raise InvalidParameter(
                f"problem of type {type(problem).__name__} has no {', '.join(lacking)}: theorems need them"
            )
        return cls(
            n=problem.n,
            d=problem.d,
            L=problem.L,
            mu=problem.mu,
            L_max=problem.L_max,
            L_tilde=float(np.sqrt((problem.L_i**2).mean())),
            mu_min=problem.mu_min,
            zeta2_star=problem.zeta2_star,
            D=problem.heterogeneity,
            convex=problem.convex,
            L_plus=problem.L_plus,
            L_pm=problem.L_pm,
            independent=isinstance(fleet, Independent) and not different(fleet),
            claims=fleet.claims(problem.n, problem.d),
        )


@dataclass(frozen=True)
class Plan:
    """Numbers a run needs: step size gamma (or a schedule t -> gamma_t) and the method's other parameters."""

    gamma: Number
    params: Mapping[str, Number] = field(default_factory=dict)
    rho: Number | None = None
    floor: Number = 0
    schedule: Callable[[int], float] | None = field(default=None, compare=False)
    horizon: int | None = None

    def step(self, t: int) -> Any:
        """gamma_t."""
        return self.schedule(t) if self.schedule is not None else self.gamma

    def __getitem__(self, name: str) -> Number:
        return self.params[name]


@dataclass(frozen=True)
class State:
    """Batched iterates: every array field has the replicate axis first.

    x: (R, d). sent: uplink bits of the last round per worker, a float, or (R,) where lengths vary. heard: the same of
    the downlink, None where the round costs the method's fixed `downlink_bits`.
    """

    x: Array
    sent: Any = 0.0
    heard: Any = None

    def rows(self: S, keep: NDArray[Any]) -> S:
        """The state of some replicates only."""
        count = len(self.x)
        changes = {
            f.name: value[keep]
            for f in fields(self)
            if isinstance(value := getattr(self, f.name), np.ndarray) and value.ndim and len(value) == count
        }
        return replace(self, **changes)


class Theorem(ABC):
    """A convergence statement: when it applies, which steps it allows, what it bounds.

    Class attributes: id, title, source, attribution, sharpness, declared (standing without a machine-checked
    proof), proof (id in proofs_check), requires (claim types), accepts (parameters a user may fix), metric (what
    is bounded, in words), start_only (`observe` is where the bound starts from; it bounds the squared distance alone),
    bidirectional (it covers a compressed downlink), gradient_noise ("none": it speaks of exact gradients, "bounded": it
    needs sigma2 < inf, "any": of oracles by expected smoothness), exact_form (id of what it is without an oracle),
    derived (it is made for one method, `kind`, from its body).
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
    gradient_noise: ClassVar[str] = "none"
    exact_form: ClassVar[str] = ""
    start_only: ClassVar[bool] = False
    derived: ClassVar[bool] = False

    @property
    def standing(self) -> Standing:
        """PROVED when its proof is in the shipped index, else as declared; ASSUMED for a user's theorem."""
        return standing_of(self.proof, self.declared, self)

    def why_not(self, c: Constants) -> str:
        """ "" when the theorem applies to these constants, else the hypothesis that fails."""
        missing = [k.__name__ for k in self.requires if c.claim(k) is None]
        if missing:
            return f"it needs {' and '.join(missing)}"
        fixed = set(c.params) - set(self.accepts)
        if float("inf") == c.L:
            return "f must be smooth (L < inf)"
        if c.omega_down != 0 and not (self.bidirectional and c.omega_down < float("inf")):
            return (
                "it speaks of an uncompressed downlink"
                if not self.bidirectional
                else "the downlink is biased"
            )
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
        bounded = float("inf") > c.sigma2
        return (
            "" if bounded else "gradient noise must be bounded for all x: equal Hessians within each worker"
        )

    def _why_not(self, c: Constants) -> str:
        return ""

    @abstractmethod
    def plan(self, c: Constants, gamma: Number | None = None, horizon: int | None = None) -> Plan:
        """Step size and parameters (the theorem's best when gamma is None); NoGuarantee for a step out of range."""

    def observe(self, problem: Any, state: Any, plan: Plan) -> Array | None:
        """Its metric on each replicate, (R,); None when it is the squared distance that every run records."""
        return None

    def begin(self, problem: Any, state: Any, plan: Plan) -> Array | None:
        """What its bound starts from, (R,): the metric at t = 0 unless said otherwise; None: the squared distance."""
        return self.observe(problem, state, plan)

    def matrix(self, plan: Plan) -> Array | None:
        """M when `observe` is (x-x*)' M (x-x*), for exact dynamics; None: `observe` says it by itself."""
        return None

    def trajectory(self, trace: Any) -> Array:
        """E metric_t of a simulated or exact run, (T+1,)."""
        own = trace.mean_metric is not None and not self.start_only
        return np.asarray(trace.mean_metric if own else trace.mean_square)

    def error(self, trace: Any) -> Array:
        """Standard error of `trajectory` in a simulated run, (T+1,), or an upper bound on it."""
        own = trace.se_metric is not None and not self.start_only
        return np.asarray(trace.se_metric if own else trace.se_square)

    def values(self, c: Constants, plan: Plan, start: float) -> Callable[[int], float]:
        """t -> bound on E metric_t; by default rho^t start + floor (1 - rho^t)."""
        rho, floor = float(plan.rho or 0.0), float(plan.floor)
        return geometric(rho, floor, start)

    def distance_factor(self, c: Constants, plan: Plan) -> float:
        """A number a with metric >= a ||x_t - x*||^2 (0 when there is none)."""
        return 1.0

    def allow(self, gamma: Number, limit: Number, rule: str) -> Number:
        """gamma if 0 < gamma <= limit (up to rounding), else NoGuarantee."""
        if not 0 < gamma <= limit * (1 + 1e-12):
            raise NoGuarantee(
                f"gamma={float(gamma):.6g} is outside {self.id}'s range: 0 < gamma <= {rule} = {float(limit):.6g}"
            )
        return gamma


@dataclass(frozen=True)
class Method(ABC):
    """An algorithm: `init` makes the state, `step` advances all replicates; gamma=None means the theorem's step.

    oracle: what every worker computes instead of grad f_i, e.g. Minibatch(2) on a FiniteSum; None: the gradient itself.
    """

    compressor: Any = field(default_factory=Identity)
    gamma: Any = None
    oracle: Any = field(default=None, kw_only=True)

    requires: ClassVar[tuple[type[Claim], ...]] = ()
    takes_oracle: ClassVar[bool] = False
    corrected: ClassVar[bool] = False
    takes_compressor: ClassVar[bool] = True
    name: ClassVar[str] = ""
    source: ClassVar[Source] = COMPTH

    def __post_init__(self) -> None:
        if self.gamma is not None and not _is_step(self.gamma):
            raise InvalidParameter(f"{type(self).__name__}(gamma={self.gamma!r}) needs a step size gamma > 0")
        as_fleet(self.compressor)
        if self.oracle is not None and not (self.takes_oracle and isinstance(self.oracle, Oracle)):
            need = (
                "an Oracle, e.g. Minibatch(1)" if self.takes_oracle else "exact gradients: leave oracle out"
            )
            raise InvalidParameter(f"{type(self).__name__}(oracle={self.oracle!r}) needs {need}")

    @property
    def fleet(self) -> Fleet:
        """What the workers send together."""
        return as_fleet(self.compressor)

    @property
    def label(self) -> str:
        """Name and compressor, for tables and legends."""
        return f"{type(self).__name__} {self.fleet.label}{self.oracle_label}"

    @property
    def oracle_label(self) -> str:
        """ "" or " ~ Minibatch()"."""
        return "" if self.oracle is None else f" ~ {self.oracle!r}"

    @classmethod
    @abstractmethod
    def theorems(cls) -> tuple[Theorem, ...]:
        """Its theorems."""

    def check(self, problem: Any) -> Constants:
        """Constants on this problem; Unsupported, naming what is missing and the remedy, when it cannot run."""
        c = replace(Constants.of(problem, self.fleet), params=self.given())
        for kind in self.requires:
            if c.claim(kind) is None:
                raise Unsupported(_mismatch(type(self).__name__, kind, self.fleet, c))
        return self._noisy(c, problem, self.estimator)

    def _noisy(self, c: Constants, problem: Any, oracle: Oracle | None) -> Constants:
        if oracle is None or oracle.exact:
            return c
        noise = noise_of(problem, oracle)
        names = ("LL", "LL_workers", "sigma2_star", "sigma2_mean")
        facts = {**c.facts, **{name: getattr(noise, name) for name in names}}
        return replace(c, stochastic=True, sigma2=noise.sigma2, facts=facts)

    @property
    def estimator(self) -> Oracle | None:
        """The oracle as `step` uses it: `corrected` by the gradients at x* where the method says so."""
        found: Oracle | None = self.oracle
        return Corrected(found) if self.corrected and found is not None else found

    def view(self, problem: Any, rng: np.random.Generator) -> Any:
        """The problem as `step` sees it: through the oracle, drawn from rng, when there is one."""
        return problem if self.estimator is None else Drawn(problem, self.estimator, rng)

    def seen(self, problem: Any) -> Any:
        """The problem as `step` takes it: the same, unless the method splits f otherwise among its workers."""
        return problem

    def given(self) -> Mapping[str, Number]:
        """Parameters besides gamma that the user fixed."""
        return {}

    def unplanned(self, c: Constants, reason: str) -> Plan:
        """The plan of a run that no theorem plans; NoGuarantee, with the reason, without a step."""
        if self.gamma is None:
            raise NoGuarantee(f"{reason}; give a step size: gamma=...")
        return Plan(self.gamma, self.default_params(c))

    def default_params(self, c: Constants) -> Mapping[str, Number]:
        """Parameters besides gamma used when no theorem plans them."""
        return {}

    @abstractmethod
    def init(self, problem: Any, x0: Array, plan: Plan) -> State:
        """State at t = 0 for x0 of shape (R, d)."""

    @abstractmethod
    def step(self, problem: Any, state: Any, rng: np.random.Generator, plan: Plan, t: int) -> Any:
        """State at t + 1."""

    def uplink_bits(self, y: Array, float_bits: int = FLOAT_BITS) -> Any:
        """Bits per worker of messages (R, n, d): a float when lengths are fixed, else (R,)."""
        n, d = y.shape[-2:]
        if self.fleet.random_length(n, d):
            return self.fleet.message_bits(y, float_bits).mean(axis=-1)
        return float(sum(c.total for c in self.fleet.bits(n, d, float_bits)) / n)

    def downlink_bits(self, problem: Any, float_bits: int = FLOAT_BITS) -> float:
        """Bits broadcast to each worker in a round (expected ones): the full vector unless a method compresses it."""
        return float(problem.d * float_bits)

    @classmethod
    def examples(cls, compressor: Any = None) -> tuple[Method, ...]:
        """Instances for tests, CLI and docs."""
        return (cls(compressor) if compressor is not None else cls(),)


def _is_step(gamma: Any) -> bool:
    """True for one number > 0; False for whatever cannot be compared with numbers (SGD(RandK(k=1)))."""
    try:
        return np.ndim(gamma) == 0 and bool(0 < gamma < float("inf"))
    except TypeError:
        return False


def _mismatch(method: str, kind: type[Claim], fleet: Fleet, c: Constants) -> str:
    """What is missing and the remedy, in one line."""
    members = [m for m in fleet.members if m.claim(kind, c.d) is None] or list(fleet.members)
    member: Compressor = members[0]
    has = ", ".join(str(v) for v in member.claims(c.d)) or "no claim"
    remedy = {
        Contractive: f"use Scaled({member!r})",
        Unbiased: f"use Induced({member!r}, RandK(k=1))"
        if member.claim(Contractive, c.d)
        else "use an unbiased one",
    }.get(kind, "use another compressor")
    return f"{method} needs {kind.__name__}; {member!r} gives {has}: {remedy}"


def mean_square(a: Array) -> Array:
    """mean over workers of the squared norm: (R, n, d) -> (R,)."""
    flat = a.reshape(len(a), -1)
    return np.asarray(np.vecdot(flat, flat) / a.shape[1])


@dataclass(frozen=True)
class Guarantee:
    """A theorem with the plan and rate it gives on one problem."""

    theorem: Theorem
    plan: Plan
    rate: Rate
    constants: Constants

    def __reduce__(self) -> Any:
        """Copies and pickles hold what it was derived from and derive it again."""
        if self.rate.origin is None:
            return super().__reduce__()
        return _again, (self.rate.origin, self.rate.standing, self.rate.assumed)


def _again(origin: Derivation, standing: str, assumed: tuple[str, ...]) -> Guarantee:
    return origin.guarantee(standing, assumed)


def _promise(
    method: Method, problem: Any, theorem: Theorem, c: Constants, x0: Any, horizon: int | None
) -> Guarantee:
    plan = theorem.plan(c, method.gamma, horizon)
    state = method.init(
        problem, np.array(problem.start if x0 is None else x0, dtype=float).reshape(1, -1), plan
    )
    observed = theorem.begin(problem, state, plan)
    start = float((problem.distance_squared(state.x) if observed is None else observed)[0])
    rate = Rate(
        theorem=theorem.id,
        metric=theorem.metric,
        stepsize=plan.gamma,
        rho=None if plan.rho is None else float(plan.rho),
        floor=float(plan.floor),
        start=start,
        values=theorem.values(c, plan, start),
        distance_factor=theorem.distance_factor(c, plan),
        plan=plan,
    )
    return Guarantee(theorem, plan, rate, c)


def find_guarantee(
    method: Method, problem: Any, theorem: str | Theorem | None = None, *, horizon: int = 1000, x0: Any = None
) -> Guarantee:
    """The theorem asked for, or the applicable one whose bound on E||x_t - x*||^2 is smallest at t = horizon."""
    c = method.check(problem)
    check_start(x0, problem.d)
    wanted = (
        [theorem]
        if isinstance(theorem, Theorem)
        else [th for th in method.theorems() if theorem is None or th.id == theorem]
    )
    if not wanted and theorem is not None:
        known = ", ".join(th.id for th in method.theorems()) or "none"
        raise InvalidParameter(f"theorem={theorem!r} is not one of {type(method).__name__}'s: {known}")
    other, replaced = other_run(method, problem), altered()
    wanted = [th for th in wanted if not other or stranger(th)]
    found, reasons = [], [other] if other else []
    for th in wanted:
        reason = not_its_own(th, method) or th.why_not(c)
        try:
            if reason:
                raise NoGuarantee(f"{th.id} does not apply: {reason}")
            found.append(_promise(method, problem, th, c, x0, horizon))
        except NoGuarantee as problem_found:
            reasons.append(str(problem_found))
    if not found:
        raise NoGuarantee(
            f"{method.label} has no guarantee here: " + "; ".join(reasons or ["it has no theorem"])
        )
    best = min(found, key=lambda g: (g.rate.distance_bound(horizon), g.rate.floor))
    origin = Derivation(method, problem, theorem, horizon, x0)
    rate = derived(best.rate, origin=origin, **assumptions(method, problem, best.theorem, c))
    return replace(best, rate=broken(rate, replaced) if replaced else rate)


@at_the_door(
    method=a_method, problem=a_problem, theorem=optional(a_theorem), horizon=whole(0), x0=optional(numbers)
)
def guarantee(
    method: Method, problem: Any, theorem: str | Theorem | None = None, *, horizon: int = 1000, x0: Any = None
) -> Rate:
    """What is promised for this method on this problem: the named theorem's rate, or the best applicable one's.

    Raises NoGuarantee, with each theorem's reason, when the step size or the compressor is outside every theorem.
    """
    return find_guarantee(method, problem, theorem, horizon=horizon, x0=x0).rate


def plan_of(
    method: Method, problem: Any, *, horizon: int = 1000, x0: Any = None
) -> tuple[Plan, Guarantee | None, str]:
    """(plan, guarantee or None, reason for none): how a run of this method will be made.

    Raises NoGuarantee when gamma is not given and no theorem plans one.
    """
    try:
        g = find_guarantee(method, problem, horizon=horizon, x0=x0)
        return g.plan, g, ""
    except NoGuarantee as problem_found:
        plan = method.unplanned(method.check(problem), str(problem_found))
        return plan, None, str(problem_found)
