"""Certified worst cases as theorems: E V_t <= rho^t V_0 on the class that a run lies in, V and rho of a certificate."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from operator import attrgetter

import numpy as np

from compth._numbers import Number
from compth._types import Array
from compth.claims import Attribution, BiasVariance, Claim, Contractive, Standing, Unbiased
from compth.errors import CompthError, InvalidParameter, NoGuarantee, Unsupported
from compth.methods import Constants, Method, Plan, Theorem, catalogue
from compth.methods.core.body import BodyMethod, derived
from compth.methods.core.centre import centre_of, without_invariants
from compth.methods.core.observed import of_x
from compth.methods.core.outside import while_it_reads_the_same
from compth.methods.dcgd_star import DCGDStar
from compth.problems.interface import Problem, is_quadratic
from compth.rates import geometric
from compth.sources import COMPTH
from compth.worst_case.bodies import asked_for, body_of, question
from compth.worst_case.closed import closed_certificate, nearby_certificate
from compth.worst_case.enclosed import enclosed, holds, outward
from compth.worst_case.exact_algebra import is_psd
from compth.worst_case.inequalities import SHARED
from compth.worst_case.model import Model
from compth.worst_case.observed import seen, value
from compth.worst_case.question import Question
from compth.worst_case.rational import RateCertificate, certificate_at, least_certified, spelled
from compth.worst_case.resolved import AT_X, LAST
from compth.worst_case.runs import class_of, heard_of, reads_the_mean_alone
from compth.worst_case.tight import best_step, interior, proved_rate
from compth.worst_case.tight_radius import attained_by

Params = tuple[tuple[str, Fraction], ...]
SUFFIX = ".certified"
SIGNS = {"delta": -1, "omega": 1, "eta": 1, "delta_down": -1, "omega_down": 1}
"""Which way a claim is rounded outward."""
ACCURACY = 1e-3
GIVEN_AWAY = (1e-4, 1e-3, 1e-2, 5e-2)
"""Shares of 1 - rho that are given away in turn for a better-conditioned V."""
NEAR = Fraction(1, 10**9)
"""Share by which the weight of ||x - x*||^2 in V is rounded down before its exact check."""


@dataclass(frozen=True)
class Proof:
    """A certificate, and the largest weight found with V >= weight ||x - x*||^2, checked in Fractions."""

    certificate: RateCertificate
    weight: Fraction
    closed: bool = False

    @property
    def model(self) -> Model:
        """The statement's Model."""
        return self.certificate.model

    @property
    def rounds(self) -> float:
        """Rounds to ACCURACY from a start whose vectors are all of the size of x_0 - x*, in units of L = 1."""
        # Rounds until rho^t times the size of V_0 is below ACCURACY: a rate alone does not say how large V
        # starts.
        units, v = self.model.units or {}, self.certificate.v
        L = float(self.model.constants["L"])
        size = 0.0
        for name, c in v.items():
            power = 1 if name == "f" else sum(units.get(k, 0) for k in name[2:-1].split(","))
            size += abs(float(c / self.weight)) * L**power
        return math.log(max(size, 1.0) / ACCURACY) / -math.log(float(self.certificate.rho))

    @property
    def turned(self) -> bool:
        """True where V sees the last step: it is known at t = 0, and not from the state alone later."""
        return LAST in self.model.space.common[: self.model.state["mean"]]


class Certified(Theorem):
    """E V_t <= rho^t V_0, V a quadratic form of the state with V >= ||x - x*||^2: the class's certified worst case.

    For every f_i mu_min-strongly convex and L_max-smooth (GD: f itself with mu and L), independent compressors of the
    claimed class, the broadcast's included, and exact gradients; EF and DCGD ask for a minimiser that all f_i share.
    mu_min and L_max are rounded outward until an exact check shows them (`enclosed`), claims outward to the next
    float; rho and V are Fractions whose inequalities are checked exactly. The step is the best certified one where none
    is given. Where x+ has fresh noise V may see the last step: the bound then speaks of ||x_t - x*||^2, from V_0.

    NoGuarantee for mu_min = 0, outside the class, and where no certificate is found. The standing is the certificate's
    (PROVED where a machine-checked proof covers this closed form, else DERIVED) or the weakest of what it uses.
    """

    source = COMPTH
    attribution = Attribution.OURS
    declared = Standing.DERIVED
    derived = True
    metric = "E V_t of the certificate (V >= ||x_t - x*||^2)"

    def __init__(self, kind: type[BodyMethod], bounds: Mapping[str, Number] | None = None) -> None:
        """bounds: constants of the class, rounded outward; None: those that a theorem sees, a hair wider."""
        self.kind, self.bounds = kind, bounds
        self.shown = False
        self.asked: tuple[Question, Fraction, Params] | None = None

    @property
    def id(self) -> str:  # type: ignore[override]
        """The class's name with `.certified`."""
        return self.kind.__name__.lower() + SUFFIX

    @property
    def title(self) -> str:  # type: ignore[override]
        """In words."""
        return f"{self.kind.name}: the certified worst case of the class"

    @property
    def accepts(self) -> tuple[str, ...]:  # type: ignore[override]
        """Every parameter of the body may be fixed, and IBCD's tau."""
        return (*self.kind.signature.params, "tau")

    @property
    def requires(self) -> tuple[type[Claim], ...]:  # type: ignore[override]
        """The claim that the class rests on, once it is known."""
        if self.asked is None or self.asked[0].exact:
            return ()
        q = self.asked[0]
        return (Contractive,) if q.delta is not None else (BiasVariance,) if q.eta else (Unbiased,)

    @property
    def proof(self) -> str:  # type: ignore[override]
        """Of the closed form that was used, where a machine-checked proof covers it at constants that were shown.

        They are shown on the problem of the run, by an exact check: whoever types a class shows nothing.
        """
        used = self.found if self.shown else None
        known = None if self.asked is None else self.asked[0].known
        if self.asked is None or used is None or not used.closed or known is None:
            return ""
        return known.proof if known.proved(self.asked[0]) else ""

    @property
    def found(self) -> Proof | None:
        """The certificate of the plan that was made last."""
        return None if self.asked is None else least(*self.asked)

    @property
    def start_only(self) -> bool:  # type: ignore[override]
        """True where V sees the last step."""
        return self.found is not None and self.found.turned

    def why_not(self, c: Constants) -> str:
        """As of any theorem; a broadcast with a claim counts as one that sends everything, for V knows it."""
        if heard_of(c) is None:
            return "the downlink makes no claim of a class"
        return super().why_not(c.but(omega_down=0, delta_down=1) if c.omega_down != 0 else c)

    def _why_not(self, c: Constants) -> str:
        """The reason why the class of these constants is none, or ""."""
        # Without bounds the class is that of the constants that a theorem sees; these were computed in floats.
        if not (c.mu_min > 0 or self.bounds is not None):
            return f"every f_i must be strongly convex, mu_min = {float(c.mu_min):.3g}"
        if not c.independent and c.n > 1:
            return "workers must compress independently"
        if self._claimed(c) is not None:
            return ""
        return "the compressor makes no claim of a class" if self.bounds is None else "it is of another class"

    def _claimed(self, c: Constants) -> dict[str, Number] | None:
        """The constants of the class: as they were found on the problem, else those of c."""
        heard = heard_of(c)
        if heard is None:
            return None
        if self.bounds is not None:
            # Bounds were found on one problem; a plan may be asked for other constants, which they must then
            # enclose.
            bounds = {k: v if k == "n" else Fraction(v) for k, v in self.bounds.items()}
            down = all(k in bounds and (bounds[k] - Fraction(v)) * SIGNS[k] >= 0 for k, v in heard.items())
            return bounds if down and self._encloses(c, bounds) else None
        # mu down, L and claims to their worse side: the class only becomes larger, and stays true of the run.
        base: dict[str, Number] = {"mu": outward(c.mu_min, -1), "L": outward(c.L_max, 1), "n": int(c.n)}
        base |= {k: outward(v, SIGNS[k]) for k, v in heard.items()}
        unbiased, contractive, pair = c.claim(Unbiased), c.claim(Contractive), c.claim(BiasVariance)
        if contractive is not None and (unbiased is None or asked_for(self.kind).claim is Contractive):
            return {**base, "delta": outward(contractive.delta, -1)}
        if unbiased is not None:
            return {**base, "omega": outward(unbiased.omega, 1)}
        return (
            None if pair is None else {**base, "eta": outward(pair.eta, 1), "omega": outward(pair.omega, 1)}
        )

    def _encloses(self, c: Constants, bounds: Mapping[str, Number]) -> bool:
        """True where the class that was given holds these constants: a class somebody typed proves nothing else."""
        # n = 1 in the bounds stands for f itself where the step reads the mean gradient alone.
        mean = bounds["n"] == 1 and c.n > 1
        low, high = (c.mu, c.L) if mean else (c.mu_min, c.L_max)
        if bounds["n"] != (1 if mean else c.n):
            return False
        if not (bounds["mu"] <= Fraction(float(low)) and bounds["L"] >= Fraction(float(high))):
            return False
        unbiased, contractive, pair = c.claim(Unbiased), c.claim(Contractive), c.claim(BiasVariance)
        if "eta" in bounds:
            return pair is not None and bounds["eta"] >= pair.eta and bounds["omega"] >= pair.omega
        if "delta" in bounds:
            return contractive is not None and bool(bounds["delta"] <= contractive.delta)
        return mean or (
            unbiased is not None and "omega" in bounds and bool(bounds["omega"] >= unbiased.omega)
        )

    def class_of(self, c: Constants) -> Question:
        """The class of these constants."""
        found = self._claimed(c)
        if found is None:
            raise NoGuarantee(f"{self.id} does not apply: {self._why_not(c)}")
        delta, omega, eta, down, omega_down = (found.get(k) for k in SIGNS)
        of_class = (found["mu"], found["L"], delta, omega, eta, int(found["n"]))
        return question(asked_for(self.kind), *of_class, down, omega_down, True)

    def step_limit(self, c: Constants) -> tuple[Number, str]:
        """None in closed form: NoGuarantee with what is asked for instead."""
        raise NoGuarantee("any at which a certificate is found; by default the one of least certified rate")

    def plan(self, c: Constants, gamma: Number | None = None, horizon: int | None = None) -> Plan:
        """The plan at a step, or at the one of least certified rate; rho is a float not below the Fraction.

        horizon is not used: the rate is linear at any. Raises NoGuarantee, with the reason, where nothing is
        certified.
        """
        self.shown = False
        # Everything that can fail says so as NoGuarantee with its reason: a theorem either promises or does
        # not apply.
        try:
            q = self.class_of(c)
            if gamma is None:
                gamma, params = self._best(q, c)
            else:
                params = self._params(q, c, gamma)
            self._check_the_mean(q, c, gamma, params)
            self.asked = (
                q.rational(),
                spelled(gamma),
                tuple(sorted((k, spelled(v)) for k, v in params.items())),
            )
            proof = self.found
        except (Unsupported, InvalidParameter) as problem:
            raise NoGuarantee(f"{self.id} does not apply: {problem}") from None
        if proof is None:
            raise NoGuarantee(f"{self.id}: no certificate was found at gamma={float(gamma):.6g}")
        # by the function itself: DCGD-STAR takes the gradients at x* off, whatever else a class says of itself
        apart = c.zeta2_star != 0 and self.kind.seen is not DCGDStar.seen
        if SHARED in proof.model.assumptions and c.n > 1 and apart:
            raise NoGuarantee(f"{self.id} does not apply: it needs a minimiser that all f_i share")
        named = {self.kind.planned.get(k, k): v for k, v in params.items()}
        return Plan(gamma, named, rho=_above(proof.certificate.rho))

    def _check_the_mean(self, q: Question, c: Constants, gamma: Number, params: Mapping[str, Number]) -> None:
        """NoGuarantee where the class is that of f itself, and the step at these very parameters reads more than f.

        A body may branch on its parameters: what it reads at others says nothing of this run.
        """
        if q.n == 1 < c.n and not reads_the_mean_alone(self.kind, {**params, "gamma": gamma}, int(c.n)):
            raise NoGuarantee(f"{self.id} does not apply: it is of another class")

    def _params(self, q: Question, c: Constants, gamma: Number) -> dict[str, Number]:
        """The body's parameters: the user's, else the method's own rule at this step."""
        given = {k: v for k, v in c.params.items() if k in self.kind.signature.params}
        if set(given) == set(self.kind.signature.params):
            return given
        # In this order: the closed form's rule, then the method's own at this step.
        if q.known is not None:
            return {**q.known.best(q)[1], **given}
        try:
            free = {k for k, f in self.kind.__dataclass_fields__.items() if f.init}
            made = self.kind(gamma=gamma, **{k: v for k, v in c.params.items() if k in free})
            return {**made.read_from(made.default_params(c)), **given}
        except (CompthError, TypeError) as problem:
            raise NoGuarantee(f"{self.id} has no rule for its parameters here: {problem}") from None

    def _best(self, q: Question, c: Constants) -> tuple[Number, dict[str, Number]]:
        """The step of least certified rate, and its parameters."""
        given = {k: v for k, v in c.params.items() if k in self.kind.signature.params}
        if q.known is not None:
            gamma, params = q.known.best(q)
            if not given or given == params:
                return float(gamma), dict(params)
            step = q.known.step_with(q, given) if q.known.step_with is not None else None
            if step is not None:
                return float(step), given
        params = self._params(q, c, 1 / float(q.L))
        return best_step(q, params), params

    def observe(self, problem: Problem, state: object, plan: Plan) -> Array | None:
        """V at the state, (R,), None where V sees the last step and the state does not tell it."""
        return self.begin(problem, state, plan) if not self.start_only else None

    def begin(self, problem: Problem, state: object, plan: Plan) -> Array:
        """V at the state, (R,): the last step counts as none. Says whether the class was shown to hold this problem."""
        # Whether the class was shown to hold this problem is what makes PROVED more than a word: it is asked
        # at each run.
        self.shown = self.bounds is not None and holds(problem, self.bounds)
        values = self._values(plan)
        proof = None if self.asked is None else least(self.asked[0], spelled(plan.gamma), values)
        if proof is None:
            raise NoGuarantee(f"{self.id}: no certificate belongs to this plan, it is made by `plan`")
        # V's vectors are combinations of the state's, as x observes them; each is measured from where it
        # rests.
        given = (*values, *((("gamma", spelled(plan.gamma)),) if self.kind.signature.takes_gamma else ()))
        downlink = self.asked is not None and self.asked[0].downlink
        part = of_x(derived(self.kind, tuple(sorted(given)), problem.n, problem.d, downlink))
        centre = centre_of(without_invariants(part.program)[0])
        return value(proof.certificate, centre, problem, seen(part, state)) / float(proof.weight)

    def _values(self, plan: Plan) -> Params:
        """The body's parameters in a plan."""
        planned = self.kind.planned
        return tuple(sorted((k, spelled(plan.params[planned.get(k, k)])) for k in self.kind.signature.params))

    def values(self, c: Constants, plan: Plan, start: float) -> Callable[[int], float]:
        """rho^t V_0 at round t."""
        rho = float(plan.rho or 0.0)
        # the turned state of round t + 1 holds x_t, and its V is at most rho^(t+1) times the first
        first = rho * start if self.start_only else start
        return geometric(rho, 0.0, first)

    def distance_factor(self, c: Constants, plan: Plan) -> float:
        """V is scaled to be at least ||x - x*||^2."""
        return 1.0


def certified(method: Method, problem: Problem) -> Certified:
    """`<method>.certified` for this run: constants of the class rounded outward until an exact check shows them.

    Unsupported, with the reason, for a method that is no body or whose run lies in no class.
    """
    if body_of(method) is None or not isinstance(method, BodyMethod):
        raise Unsupported(f"{type(method).__name__} is no method written as a body: nothing is certified")
    kind = type(method)
    used = {k: v for k in (*kind.signature.params, "gamma") if (v := getattr(method, k, None)) is not None}
    constants = class_of(method, problem, used)
    if constants is None:
        return Certified(kind)
    if not is_quadratic(problem):  # a problem of one's own: its constants are its word
        return Certified(kind)
    found = enclosed(problem, mean=constants["n"] == 1 and problem.n > 1)
    if found is None:
        raise Unsupported(
            f"{getattr(problem, 'name', problem)}: mu_min > 0 and L_max could not be shown by an exact check"
        )
    claimed = {k: outward(v, SIGNS[k]) for k, v in constants.items() if k in SIGNS}
    return Certified(kind, {"mu": found[0], "L": found[1], "n": constants["n"], **claimed})


def certified_theorems() -> dict[str, Certified]:
    """Of every method of the catalogue of which a worst case is derived, by id; without the constants of a problem."""
    found = {}
    for kind in catalogue().values():
        try:
            if body_of(kind) is not None and issubclass(kind, BodyMethod):
                _model_of(kind)
                found[Certified(kind).id] = Certified(kind)
        except CompthError:
            continue
    return found


def _model_of(kind: type[BodyMethod]) -> Model:
    """Its Model on some class, which says whether there is one; CompthError where there is none."""
    named = asked_for(kind)
    delta, omega = (Fraction(1, 2), None) if named.claim is Contractive else (None, Fraction(1))
    q = question(named, Fraction(1, 10), Fraction(1), delta=delta, omega=omega, eta=None, n=2, bounded=True)
    return q.model(Fraction(1, 20), dict.fromkeys(kind.signature.params, Fraction(1, 4)), full=False)


@while_it_reads_the_same(256, attrgetter("kind.body"))
def least(rational: Question, step: Fraction, params: Params) -> Proof | None:
    """The least certified rate below 1, in closed form where one is known here, else of the LMI; None without one.

    rational, step, params: in Fractions, so that equal questions are answered from memory.
    """
    # Closed forms first: exact, no solver. Then classes nearby on which all is rational, then the LMI.
    fixed = dict(params)
    rate = proved_rate(rational, step, fixed) if not rational.exact else None
    if rate is not None and rate < 1:
        found = closed_certificate(rational, step, fixed, rate)
        if found is not None:
            return _with_largest_weight(found, rational, closed=True)
    near = nearby_certificate(rational, step, fixed) if not rational.exact else None
    if near is not None:
        return _with_largest_weight(near, rational)
    # The LMI of the state as the body has it, and the larger one that also sees x+: whichever needs fewer
    # rounds.
    wide = interior(rational)
    proofs = [
        p
        for full in (False, True)
        if (p := _roomy(wide.model(step, fixed, full=full, settle=False), rational))
    ]
    return min(proofs, key=lambda p: (p.rounds, p.turned), default=None)


def _roomy(model: Model, q: Question) -> Proof | None:
    """Of the least certified rate and rates a little above it, the one with the fewest rounds to ACCURACY.

    At the least rate V may be ill-conditioned: a share of 1 - rho buys a V that starts near ||x_0 - x*||^2.
    """
    attained = attained_by(model)[0]
    # At the least rate V may be nearly singular in x: then V_0 is huge and the promise starts late.
    least = least_certified(model, attained) if attained < 1 else None
    if least is None:
        return None
    gap = 1 - least.rho
    tried = [least, *(certificate_at(model, least.rho + Fraction(s) * gap) for s in GIVEN_AWAY)]
    proofs = [p for c in tried if c is not None and (p := _with_largest_weight(c, q)) is not None]
    return min(proofs, key=lambda p: p.rounds, default=None)


def _with_largest_weight(certificate: RateCertificate, q: Question, closed: bool = False) -> Proof | None:
    """The certificate with the largest weight that ||x - x*||^2 is found to have in V.

    V sees it itself, or by what is at least mu^2 or mu/2 times it on the class: the gradient at x, or f - f*.
    """
    # mu |x - x*| <= |grad f(x)| and mu/2 |x - x*|^2 <= f - f* on the class.
    mu, v = Fraction(q.mu), certificate.v
    found = [_weight(certificate, certificate.model.free[0]), mu**2 * _weight(certificate, AT_X)]
    found.append(mu / 2 * v.get("f", Fraction(0)))
    weight = max(found)
    return Proof(certificate, weight, closed) if weight > 0 else None


def _weight(certificate: RateCertificate, name: str) -> Fraction:
    """The largest a, rounded down, for which V - a ||mean of the vector||^2 >= 0 was checked; 0 where there is none."""
    model = certificate.model
    matrix = model.lyapunov(certificate.v, "mean")
    seen = model.space.common[: len(matrix)]
    if name not in seen:
        return Fraction(0)
    # The largest a with V - a |.|^2 >= 0 is a Schur complement; in floats it is a guess, lowered until the
    # exact check passes.
    at, size = seen.index(name), _schur(np.array(matrix, dtype=float), seen.index(name))
    for share in (NEAR, 10**3 * NEAR, Fraction(1, 1000), Fraction(1, 2)):
        a = Fraction(size) * (1 - share)
        less = [[v - a if i == j == at else v for j, v in enumerate(row)] for i, row in enumerate(matrix)]
        if a > 0 and is_psd(less):
            return a
    return Fraction(0)


def _schur(m: Array, at: int) -> float:
    """1/(m^-1)[at, at] on the vectors that m sees: the largest multiple of that square below m >= 0."""
    kept = [k for k in range(len(m)) if m[k, k] > 0]
    if at not in kept:
        return 0.0
    # Scaled to a unit diagonal before it is inverted: V's vectors have different units.
    size = np.sqrt(np.diag(m)[kept])
    try:
        inverse = np.linalg.inv(m[np.ix_(kept, kept)] / np.outer(size, size))
    except np.linalg.LinAlgError:
        return 0.0
    k = kept.index(at)
    return float(size[k] ** 2 / inverse[k, k]) if inverse[k, k] > 0 else 0.0


def _above(x: Fraction) -> float:
    """The least float that is not below x."""
    value = float(x)
    return value if Fraction(value) >= x else float(np.nextafter(value, np.inf))


__all__ = ["Certified", "Proof", "certified", "certified_theorems"]
