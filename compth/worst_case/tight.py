"""`tight_rate`: the worst case of a method over a class of functions and compressors, attained and certified."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any

import numpy as np

from compth import sources
from compth._door import a_name_or_method, at_the_door, optional, real, whole
from compth._numbers import Number, exact, is_exact, ratio
from compth.calculus import ef_bv_scaling, induced_omega
from compth.claims import Attribution, Standing, standing_of
from compth.errors import InvalidParameter, Unsupported, require
from compth.methods import _closed_forms as forms
from compth.sources import Source
from compth.worst_case import methods
from compth.worst_case.bodies import BodyQuestion, body_asked, body_of, model_name
from compth.worst_case.instance import WorstCase, instance_of
from compth.worst_case.model import Model, Quadratic1D
from compth.worst_case.multipliers import closed_certificate
from compth.worst_case.rational import RateCertificate, least_certified, spelled, sqrt_below
from compth.worst_case.widened import widened

CONTRACTIVE, RANDOM = ("CGD", "EF", "EF21"), ("DCGD", "DIANA", "MARINA", "EF-BV")
CLOSE = 1e-4
"""Eigenvalues this close, relatively, are looked at in many digits."""
LOWERED = tuple(Fraction(1, 10**k) for k in (6, 5, 4))
"""Shares of L by which mu is lowered in turn where it is closer to L."""
TIGHT_GAP = 1e-5
"""attained and certified count as meeting within this fraction of 1 - rho."""


@dataclass(frozen=True)
class TightRate:
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
    """

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


@dataclass(frozen=True)
class Question:
    """A class of problems and compressors, in exact numbers where they were given so."""

    method: str
    mu: Number
    L: Number
    delta: Number | None
    omega: Number | None
    eta: Number | None
    n: int

    def rational(self) -> Question:
        """Every number a Fraction: a float is read as the decimal it is printed as."""
        given = {
            k: None if v is None else spelled(v) for k, v in vars(self).items() if k not in ("method", "n")
        }
        return Question(method=self.method, n=self.n, **given)

    def model(self, gamma: Number, params: Mapping[str, Number]) -> Model:
        """The method on this class at a step size, in Fractions."""
        mu, L, n = self.mu, self.L, self.n
        if self.delta is not None:
            if self.delta == 1:
                return methods.dcgd(mu, L, Fraction(0), gamma, n)
            s = sqrt_below(Fraction(1 - self.delta))
            if self.method == "CGD":
                return methods.cgd(mu, L, self.delta, gamma, s)
            made = methods.ef if self.method == "EF" else methods.ef21
            return made(mu, L, self.delta, gamma, s, n)
        if self.method == "DCGD":
            return methods.dcgd(mu, L, self.omega, gamma, n)
        if self.method == "DIANA":
            return methods.diana(mu, L, self.omega, gamma, params["alpha"], n)
        if self.method == "MARINA":
            return methods.marina(mu, L, self.omega, gamma, params["p"], n)
        return methods.ef_bv(mu, L, self.eta, self.omega, gamma, params["lambda"], params["nu"], n)


def question(
    method: str, mu: Number, L: Number, delta: Number | None, omega: Number | None, eta: Number | None, n: int
) -> Question:
    """Checked constants. An unbiased method given delta too is run with the induced compressor, omega (1 - delta)."""
    known = (*CONTRACTIVE, *RANDOM)
    require(method in known, f"method={method!r} is not one of {', '.join(known)}")
    require(0 < mu <= L < float("inf"), f"mu={mu}, L={L} need 0 < mu <= L")
    require(isinstance(n, int) and n >= 1, f"n={n!r} must be a whole number of workers, at least 1")
    if method in CONTRACTIVE:
        given = f"delta={delta}, omega={omega}, eta={eta}"
        require(delta is not None and omega is None and eta is None, f"{given}: {method} takes delta alone")
    else:
        require(omega is not None, f"omega={omega}: {method} needs the variance of its compressors")
        require(eta is None or method == "EF-BV", f"eta={eta} is for EF-BV: {method} is unbiased")
    require(delta is None or 0 < delta <= 1, f"delta={delta} must satisfy 0 < delta <= 1")
    require(omega is None or 0 <= omega < float("inf"), f"omega={omega} must be finite and at least 0")
    require(eta is None or 0 <= eta < 1, f"eta={eta} must satisfy 0 <= eta < 1")
    if method == "CGD" and n > 1:
        raise Unsupported(f"n={n}: the tight rate of CGD is known for one worker; use EF or EF21")
    if omega is not None and delta is not None:
        omega, delta = induced_omega(delta, omega), None
    return Question(method, mu, L, delta, omega, 0 if method == "EF-BV" and eta is None else eta, n)


@at_the_door(
    method=a_name_or_method, mu=real, L=real, delta=optional(real), omega=optional(real), eta=optional(real),
    n=whole(1), gamma=optional(real), alpha=optional(real), p=optional(real), lam=optional(real), nu=optional(real),
)  # fmt: skip
def tight_rate(
    method: Any,
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
    **parameters: Number,
) -> TightRate:
    """The worst case of "CGD", "EF", "EF21" (delta), "DCGD", "DIANA", "MARINA" (omega) or "EF-BV" (eta, omega).

    sup over L-smooth, mu-strongly convex f_i and all compressors of the class of the one-step factor of the best
    quadratic Lyapunov function (CGD: f - f*). gamma=None: the best step. Floats are read as the decimals they print as.
    EF and n-worker DCGD assume a shared minimiser. An unbiased method with delta= uses the induced compressor.

    method may also be one of one's own, written as a body (`ct.method`): its class, or an instance, whose gamma and
    parameters count where they are not given here. The LMI is then derived from the body; delta, or omega with or
    without eta, names the compressors' class, and the body's parameters are given by name.

    Raises InvalidParameter for constants out of range, Unsupported for CGD with several workers and, with the line,
    for a body that the LMI does not cover.
    Tight where `.tight`; sources: TIGHT_ONE, TIGHT_N; DIANA's closed form and the second-moment LMIs are OURS.
    """
    named = {"alpha": alpha, "p": p, "lam": lam, "nu": nu}
    require(gamma is None or 0 < gamma < float("inf"), f"gamma={gamma} must be a positive step size")
    body = body_of(method)
    if body is not None:
        asked, params, own = body_asked(method, body, mu, L, delta, omega, eta, n, {**named, **parameters})
        step = gamma if gamma is not None else own
        if step is None and body.signature.takes_gamma:
            step = searched_step(asked, params)
        return _answer(asked, 1 if step is None else step, params, None)
    method = model_name(method) or method
    if parameters:
        name = next(iter(parameters))
        raise InvalidParameter(f"{name}={parameters[name]} is no parameter of {method}")
    q = question(method, mu, L, delta, omega, eta, n)
    params = method_params(q, {"alpha": alpha, "p": p, "lambda": lam, "nu": nu})
    if gamma is None:
        step, params = best_step(q, params)
    else:
        step = gamma
        if method == "DIANA":
            params.setdefault("alpha", forms.diana_plan(mu, L, q.omega, n).alpha)
    return _answer(q, step, params, closed_rate(q, step, params, best=gamma is None))


def method_params(q: Question, given: Mapping[str, Number | None]) -> dict[str, Number]:
    """The method's parameters besides gamma: the user's, or the rule that its theorems use."""
    wanted = {"DIANA": ("alpha",), "MARINA": ("p",), "EF-BV": ("lambda", "nu")}.get(q.method, ())
    for name, value in given.items():
        require(value is None or name in wanted, f"{name}={value} is no parameter of {q.method}")
    chosen: dict[str, Number] = {name: given[name] for name in wanted if given[name] is not None}
    omega = exact(q.omega)
    if q.method == "MARINA":
        chosen.setdefault("p", ratio(1, 1 + omega))
    if q.method == "EF-BV":
        chosen.setdefault("lambda", ef_bv_scaling(q.eta, omega))
        chosen.setdefault("nu", ef_bv_scaling(q.eta, ratio(omega, q.n)))
    for name, value in chosen.items():
        if not 0 < value <= 1:
            raise InvalidParameter(f"{name}={value} must satisfy 0 < {name} <= 1")
    return chosen


def best_step(q: Question, params: Mapping[str, Number]) -> tuple[Number, dict[str, Number]]:
    """The step of least rate, with the parameters that go with it: closed form, or least certified rate."""
    mu, L, n = q.mu, q.L, q.n
    chosen = dict(params)
    if q.delta == 1:
        return ratio(2, L + mu), chosen
    if q.method == "CGD":
        return forms.cgd_step(mu, L, q.delta), chosen
    if q.method in ("EF", "EF21"):
        return forms.feedback_step(mu, L, q.delta), chosen
    if q.method == "DCGD":
        return forms.dcgd_step(mu, L, q.omega, n), chosen
    if q.method == "DIANA" and "alpha" not in chosen:
        plan = forms.diana_plan(mu, L, q.omega, n)
        return plan.gamma, {"alpha": plan.alpha}
    return searched_step(q, chosen), chosen


def searched_step(q: Question | BodyQuestion, params: Mapping[str, Number]) -> float:
    """Least certified rate over gamma in (0, 1/L]: bounded search around the best of a coarse grid."""
    from scipy.optimize import minimize_scalar

    fixed = {k: spelled(v) for k, v in params.items()}
    rational = q.rational()

    def rate(log_gamma: float) -> float:
        model = rational.model(spelled(float(np.exp(log_gamma))), fixed)
        found = least_certified(model, attained_by(model)[0], accuracy=1e-4)
        return 2.0 + log_gamma if found is None else float(found.rho)

    grid = [float(np.log(2 / float(q.L) * 2.0**-k)) for k in range(9)]
    best = int(np.argmin([rate(v) for v in grid[1:]])) + 1
    bounds = (grid[min(best + 1, len(grid) - 1)], grid[best - 1])
    return float(np.exp(minimize_scalar(rate, bounds=bounds, method="bounded", options={"maxiter": 20}).x))


def closed_rate(q: Question, gamma: Number, params: Mapping[str, Number], best: bool) -> Number | None:
    """The rate in closed form where one is known: at the best step, and for DCGD at any."""
    mu, L, n = q.mu, q.L, q.n
    if q.method == "DCGD":
        return forms.interpolation_factor(mu, L, ratio(q.omega, n), gamma)
    if not best:
        return None
    if q.delta == 1:
        return forms.gd_factor(mu, L)
    if q.method == "DIANA":
        plan = forms.diana_plan(mu, L, q.omega, n)
        return plan.rho if params["alpha"] == plan.alpha and gamma == plan.gamma else None
    if q.method == "CGD":
        return forms.cgd_factor(mu, L, q.delta)
    return forms.feedback_factor(mu, L, q.delta) if q.method in ("EF", "EF21") else None


def attained_by(model: Model) -> tuple[float, Quadratic1D]:
    """The largest exact rate on the model's 1-D quadratics, and the quadratic."""
    radii = [radius_of(model.moments(e)[1]) for e in model.extremal]
    at = int(np.argmax(radii))
    return radii[at], model.extremal[at]


def radius_of(matrix: list[list[Number]]) -> float:
    """Spectral radius; in 50 digits where eigenvalues cluster at it or lie near 1, where floats lose half of theirs."""
    sizes = np.sort(np.abs(np.linalg.eigvals(np.array(matrix, dtype=float))))
    top = float(sizes[-1])
    if len(sizes) == 1 or ((sizes > top * (1 - CLOSE)).sum() <= 1 and abs(1 - top) > CLOSE):
        return top
    import mpmath

    with mpmath.workdps(50):
        exact = [[mpmath.mpf(Fraction(x).numerator) / Fraction(x).denominator for x in row] for row in matrix]
        values = mpmath.eig(mpmath.matrix(exact), left=False, right=False)
        return float(max(abs(v) for v in values))


def gap_only(model: Model) -> Model:
    """The same model with V = f - f* alone."""
    return replace(model, now={"f": model.now["f"]}, after={"f": model.after["f"]}, state={})


def interior(q: Question | BodyQuestion) -> Question | BodyQuestion:
    """The class with mu lowered a little where mu = L leaves the LMI no interior: a larger class, so still a bound."""
    return q if q.mu < q.L else replace(q, mu=q.mu * (1 - Fraction(1, 10**6)))


def _answer(
    q: Question | BodyQuestion, gamma: Number, params: Mapping[str, Number], known: Number | None
) -> TightRate:
    rational = q.rational()
    step, fixed = spelled(gamma), {k: spelled(v) for k, v in params.items()}
    model = rational.model(step, fixed)
    rate, where = attained_by(model)
    certificate = _closed(rational, model, known, step, fixed) if isinstance(rational, Question) else None
    if certificate is None and rate < 1:
        certificate = _searched(rational, step, fixed, rate)
    certified = None if certificate is None else above(certificate.rho)
    source, attribution = _origin(q.method) if known is not None else (sources.COMPTH, Attribution.OURS)
    proof = proof_of(q) if known is not None and isinstance(q, Question) else ""
    kind = q.kind if isinstance(q, BodyQuestion) else None
    return TightRate(
        method=q.method,
        rho=known if known is not None else certified if certified is not None else float("inf"),
        attained=rate,
        certified=certified,
        stepsize=gamma,
        params=params,
        constants=model.constants,
        certificate=certificate,
        worst_case=instance_of(q.method, model, where, rate, kind),
        closed_form=known is not None,
        standing=standing_of(proof, Standing.DERIVED),
        attribution=attribution,
        source=source,
    )


def _searched(
    q: Question | BodyQuestion, step: Fraction, fixed: Mapping[str, Fraction], rate: float
) -> RateCertificate | None:
    """The least certified rate, of the class itself or, near mu = L, of a wider one until it meets what is attained."""
    best = None
    for wider in (interior(q), *(lowered(q, share) for share in LOWERED if q.mu > q.L * (1 - share))):
        model = wider.model(step, fixed)
        alone = isinstance(q, Question) and model.method == "CGD"
        found = least_certified(gap_only(model) if alone else model, rate)
        if found is not None and (best is None or found.rho < best.rho):
            best = found
        if best is not None and best.rho - Fraction(rate) <= TIGHT_GAP * (1 - rate):
            break
    return best


def lowered(q: Question | BodyQuestion, share: Fraction) -> Question | BodyQuestion:
    """The class with mu lowered to L (1 - share)."""
    return replace(q, mu=q.L * (1 - share))


def _closed(
    q: Question, model: Model, known: Number | None, step: Fraction, fixed: Mapping[str, Fraction]
) -> RateCertificate | None:
    """The certificate in closed form of a known rate, on a class a hair wider where the rate is irrational."""
    proved = known if known is None or is_exact(known) else rational_rate(q, step, fixed)
    certificate = None if proved is None else closed_certificate(model, proved)
    if certificate is None and known is not None and q.delta is not None:
        certificate = widened(q.method, Fraction(q.mu), Fraction(q.L), Fraction(q.delta), q.n, step)
    return certificate


def rational_rate(q: Question, gamma: Fraction, params: Mapping[str, Fraction]) -> Fraction | None:
    """DCGD's and DIANA's rate at a rational step and alpha: rational, whatever the best parameters are."""
    omega: Number = q.omega
    if q.method == "DCGD":
        return Fraction(forms.interpolation_factor(q.mu, q.L, omega / q.n, gamma))
    if q.method == "DIANA" and 0 < params["alpha"] * (1 + omega) < 1:
        return Fraction(forms.diana_factor(q.mu, q.L, omega, q.n, gamma, params["alpha"]))
    return None


def above(x: Fraction) -> float:
    """The least float that is not below x."""
    value = float(x)
    return value if Fraction(value) >= x else float(np.nextafter(value, np.inf))


def proof_of(q: Question) -> str:
    """The id of the proof whose statement covers the closed form at these constants, else "".

    Every statement asks for mu < L; CGD's, EF's and EF21's for delta < 1 (EF's, like this rate, for a shared
    minimiser), DIANA's for a memory that learns, alpha (1+omega) < 1, which the best alpha is for omega > 0.
    """
    covered = q.mu < q.L
    if q.method in CONTRACTIVE:
        covered = covered and q.delta is not None and q.delta < 1
    if q.method == "DIANA":
        covered = covered and q.omega is not None and q.omega > 0
    return f"{q.method.lower()}.tight" if covered else ""


def _origin(method: str) -> tuple[Source, Attribution]:
    """Where the closed form comes from: read through public code, not in the papers' text; DIANA's is ours."""
    if method in CONTRACTIVE:
        return (sources.TIGHT_ONE if method == "CGD" else sources.TIGHT_N), Attribution.CODE
    return sources.COMPTH, Attribution.OURS
