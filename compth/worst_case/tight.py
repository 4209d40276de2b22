"""`tight_rate`: the worst case of a method over a class of functions and compressors, attained and certified."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from types import MappingProxyType

import numpy as np

from compth import sources
from compth._door import a_name_or_method, at_the_door, optional, real, whole
from compth._earned import Earned, made
from compth._numbers import Number, is_exact
from compth._shown import Shown
from compth.claims import Attribution, Standing, standing_of
from compth.errors import require
from compth.sources import Source
from compth.worst_case.bodies import body_asked
from compth.worst_case.closed import closed_certificate, nearby_certificate
from compth.worst_case.instance import WorstCase, instance_of
from compth.worst_case.model import Model, Quadratic1D
from compth.worst_case.question import Question
from compth.worst_case.rational import RateCertificate, certificate_at, least_certified, spelled
from compth.worst_case.tight_radius import attained_by
from compth.worst_case.tight_step import searched_step

LOWERED = tuple(Fraction(1, 10**k) for k in (6, 5, 4))
"""Shares of L by which mu is lowered in turn where it is closer to L."""
TIGHT_GAP = 1e-5
"""attained and certified count as meeting within this fraction of 1 - rho."""


@dataclass(frozen=True)
class TightRate(Earned, Shown):
    """The one-step factor of a squared quantity in the worst case of a class.

    Attributes
    ----------
    rho : the closed form where one is known (exact for exact input), else `certified` (inf without a certificate).
    attained : the rate of `worst_case`, a quadratic of the class: no theorem can promise less.
    certified : what the certificate proves, never below the truth (None above 1 or without a certificate).
    stepsize : gamma, given or the best one.   params : the method's other parameters.
    certificate : Fractions, `certificate.check()` repeats the proof.
    standing, attribution, source : of the closed form (DERIVED and OURS where the LMI is all there is). PROVED where a
        machine-checked proof bounds the rate at these constants: `proof_of`.
    One that was typed or changed is ASSUMED and not tight; copies and pickles are computed again.
    """

    WORDS = MappingProxyType({"standing": Standing.ASSUMED, "tight": False, "closed_form": False})

    method: str
    rho: Number
    attained: float
    certified: float | None
    stepsize: Number
    params: Mapping[str, Number]
    constants: Mapping[str, Number]
    certificate: RateCertificate | None = field(repr=False)
    worst_case: WorstCase = field(repr=False)
    closed_form: bool = False
    standing: Standing = Standing.DERIVED
    attribution: Attribution = Attribution.OURS
    source: Source = sources.COMPTH

    def __str__(self) -> str:
        """The rate in a sentence: of which class, at which step, whether it is tight, and how it is known."""
        held = ", ".join(f"{k}={v}" for k, v in self.constants.items() if k != "gamma")
        step = f"{self.method} at step {float(self.stepsize):.6g} ({held})"
        if self.certified is None:
            return f"{step}: no rate below 1 is certified; a quadratic has {self.attained:.10g}"
        how = "tight" if self.tight else f"between {self.attained:.10g}, a quadratic's, and the certified"
        return f"{step}: worst case {float(self.rho):.10g} a round, {how}; {self.standing.value}"

    @property
    def tight(self) -> bool:
        """True only where attained and certified meet."""
        if self.certified is None:
            return False
        return self.certified - self.attained <= TIGHT_GAP * (1 - self.attained)

    @property
    def bracket(self) -> tuple[float, float]:
        """[attained, certified]; the upper end is inf without a certificate."""
        return self.attained, float("inf") if self.certified is None else self.certified


RULES = MappingProxyType({
    "mu": real, "L": real, "n": whole(1),
    **dict.fromkeys(
        ("delta", "omega", "eta", "gamma", "alpha", "p", "lam", "nu", "delta_down", "omega_down"), optional(real)
    ),
})  # fmt: skip
"""What each constant and parameter by name must be."""


@at_the_door(method=a_name_or_method, **RULES)
def tight_rate(
    method: object,
    *,
    mu: Number,
    L: Number,
    delta: Number | None = None,
    omega: Number | None = None,
    eta: Number | None = None,
    n: int = 1,
    gamma: Number | None = None,
    alpha: Number | None = None,
    p: Number | None = None,
    lam: Number | None = None,
    nu: Number | None = None,
    delta_down: Number | None = None,
    omega_down: Number | None = None,
    **parameters: Number,
) -> TightRate:
    """The worst case of a method that is written as a body: the catalogue's, or one's own (`ct.method`).

    sup over L-smooth, mu-strongly convex f_i and all compressors of the class of the one-step factor of the best
    quadratic Lyapunov function. The compressors' class is named by delta ("CGD", "EF", "EF21"), by omega ("DCGD",
    "DIANA", "MARINA"), by omega and the bias eta ("EF-BV"), or by omega and delta: the induced compressor. gamma=None:
    the best step. Floats are read as the decimals they print as. EF and n-worker DCGD assume a shared minimiser.

    method: a name, a class, or an instance, whose gamma and parameters count where they are not given here; a body's
    own parameters are given by name. The LMI is derived from the body; where a closed form stands beside it (`known`),
    it gives rho and the certificate. delta_down or omega_down: the claim of the compressor of what the body broadcasts.
    There, at workers' own points and where noise of a compression reaches a gradient of the same step, the LMI speaks
    of second moments and is a bound; `attained` shows how close it is.

    Raises InvalidParameter for constants out of range, Unsupported for CGD with several workers and, with the line,
    for a body that the LMI does not cover.
    Tight where `.tight`; sources: TIGHT_ONE, TIGHT_N; DIANA's closed form and the second-moment LMIs are OURS.
    """
    require(gamma is None or 0 < gamma < float("inf"), f"gamma={gamma} must be a positive step size")
    named = {"alpha": alpha, "p": p, "lam": lam, "nu": nu, **parameters}
    down = (delta_down, omega_down)
    q, params, own = body_asked(
        method, mu, L, delta=delta, omega=omega, eta=eta, n=n, given=named, down=down, bounded=True
    )
    step = gamma if gamma is not None else own
    best = step is None
    if step is None:
        step = best_step(q, params)
    found = answered(q, step, params, closed_rate(q, step, params, best))
    given = {"mu": mu, "L": L, "delta": delta, "omega": omega, "eta": eta, "n": n, "gamma": gamma, **named}
    given |= {"delta_down": delta_down, "omega_down": omega_down}
    return made(found, (tight_rate, (method,), given))


def best_step(q: Question, params: Mapping[str, Number]) -> Number:
    """The step of least rate at these parameters: in closed form where they go with it, else the least certified."""
    if not q.kind.signature.takes_gamma:
        return 1
    if q.known is not None:
        gamma, own = q.known.best(q)
        if own == params:
            return gamma
    return searched_step(q, params)


def closed_rate(q: Question, gamma: Number, params: Mapping[str, Number], best: bool) -> Number | None:
    """The rate in closed form where one is known: at the best step, and where it is tight at any, there."""
    if q.known is None:
        return None
    if q.known.tight_everywhere and q.known.everywhere is not None:
        return q.known.everywhere(q, gamma, params)
    return q.known.factor(q) if best and (gamma, params) == q.known.best(q) else None


def interior(q: Question) -> Question:
    """The class with mu lowered a little where mu = L leaves the LMI no interior: a larger class, so still a bound."""
    return q if q.mu < q.L else replace(q, mu=q.mu * (1 - Fraction(1, 10**6)))


Search = Callable[[Question, Fraction, Mapping[str, Fraction], float], RateCertificate | None]
"""A class, a step, the parameters and what is attained there -> the least certified rate that is found."""


@dataclass(frozen=True)
class Sides:
    """Both sides at a step: the rate that a quadratic `where` attains, and a certificate where there is one."""

    model: Model
    attained: float
    where: Quadratic1D
    certificate: RateCertificate | None

    @property
    def certified(self) -> float | None:
        """What the certificate proves, as the least float that is not below it."""
        return None if self.certificate is None else above(self.certificate.rho)


def sides_of(
    q: Question,
    gamma: Number,
    params: Mapping[str, Number],
    closed: Number | None,
    search: Search | None = None,
    full: bool = False,
) -> Sides:
    """What a quadratic attains at a step, and a certificate, in closed form or as `search` finds it.

    full: read the quadratics off the full Model, which says the same of them, where it is the one that is asked next.
    """
    rational = q.rational()
    step, fixed = spelled(gamma), {k: spelled(v) for k, v in params.items()}
    model = rational.model(step, fixed, full=full)
    rate, where = attained_by(model)
    certificate = None if closed is None else _closed(rational, closed, step, fixed)
    if certificate is None and rate < 1:
        certificate = (search or searched)(rational, step, fixed, rate)
    return Sides(model, rate, where, certificate)


def answered(
    q: Question,
    gamma: Number,
    params: Mapping[str, Number],
    closed: Number | None,
    sides: Sides | None = None,
) -> TightRate:
    """Both sides at a step, with the run that attains and what is known of the closed form."""
    sides = sides or sides_of(q, gamma, params, closed)
    certified, model = sides.certified, sides.model
    known = q.known if closed is not None else None
    return TightRate(
        method=q.method,
        rho=closed if closed is not None else certified if certified is not None else float("inf"),
        attained=sides.attained,
        certified=certified,
        stepsize=gamma,
        params={q.kind.planned.get(k, k): v for k, v in params.items()},
        constants=model.constants,
        certificate=sides.certificate,
        worst_case=instance_of(q, model, sides.where, sides.attained),
        closed_form=closed is not None,
        standing=standing_of(proof_of(q), Standing.DERIVED, q.kind)
        if known is not None
        else Standing.DERIVED,
        attribution=Attribution.OURS if known is None else known.attribution,
        source=sources.COMPTH if known is None else known.source,
    )


def searched(
    q: Question, step: Fraction, fixed: Mapping[str, Fraction], rate: float
) -> RateCertificate | None:
    """The least certified rate, of the class itself or, near mu = L, of a wider one until it meets what is attained."""
    best = None
    for wider in (interior(q), *(lowered(q, share) for share in LOWERED if q.mu > q.L * (1 - share))):
        found = _of_the_smallest_model(wider, step, fixed, rate)
        if found is not None and (best is None or found.rho < best.rho):
            best = found
        if best is not None and best.rho - Fraction(rate) <= TIGHT_GAP * (1 - rate):
            break
    return best


def _of_the_smallest_model(
    q: Question, step: Fraction, fixed: Mapping[str, Fraction], rate: float
) -> RateCertificate | None:
    """The least rate of the small Model where it meets what is attained, else of the full one."""
    small = q.model(step, fixed, full=False)
    near = Fraction(rate) + Fraction(TIGHT_GAP) * (1 - Fraction(rate))
    if certificate_at(small, near) is not None:
        return least_certified(small, rate)
    return least_certified(q.model(step, fixed), rate)


def lowered(q: Question, share: Fraction) -> Question:
    """The class with mu lowered to L (1 - share)."""
    return replace(q, mu=q.L * (1 - share))


def _closed(
    q: Question, closed: Number, step: Fraction, fixed: Mapping[str, Fraction]
) -> RateCertificate | None:
    """The certificate in closed form of a known rate, on a class a hair wider where the rate is irrational."""
    proved = closed if is_exact(closed) else proved_rate(q, step, fixed)
    certificate = None if proved is None else closed_certificate(q, step, fixed, proved)
    return certificate or nearby_certificate(q, step, fixed)


def proved_rate(q: Question, gamma: Fraction, params: Mapping[str, Fraction]) -> Fraction | None:
    """What the closed form proves at any step and parameters, rational where they are; None where it proves nothing."""
    if q.known is None or q.known.everywhere is None:
        return None
    found = q.known.everywhere(q, gamma, params)
    return None if found is None else Fraction(found)


def above(x: Fraction) -> float:
    """The least float that is not below x."""
    value = float(x)
    return value if Fraction(value) >= x else float(np.nextafter(value, np.inf))


def proof_of(q: Question) -> str:
    """The id of the proof whose statement covers the closed form at these constants, else ""."""
    return q.known.proof if q.known is not None and q.known.proved(q) else ""
