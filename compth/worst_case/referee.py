"""`check_rate`: a claimed rate, step rule or Lyapunov function, proved, refuted or left standing with its looseness."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import log
from typing import Any

from compth._door import a_name_or_method, arithmetic, at_the_door, optional, real, whole
from compth._expressions import parse
from compth._numbers import Number, is_exact
from compth.certificates import Certificate, Report, Verdict
from compth.errors import InvalidParameter, require
from compth.methods import _closed_forms as forms
from compth.methods.core.body import BodyMethod
from compth.worst_case import lyapunov as user_lyapunov
from compth.worst_case.bodies import BodyQuestion, body_asked, body_of, body_question, model_name
from compth.worst_case.exact_algebra import is_psd
from compth.worst_case.model import Model
from compth.worst_case.multipliers import closed_certificate
from compth.worst_case.rational import RateCertificate, certificate_at, least_certified, spelled
from compth.worst_case.tight import (
    Question,
    above,
    attained_by,
    best_step,
    gap_only,
    interior,
    method_params,
    question,
    rational_rate,
    searched_step,
)
from compth.worst_case.widened import widened
from compth.worst_case.witness import Witness, asymptotic, one_step
from compth.worst_case.worst_state import worst_state

ROUNDING = Fraction(1, 10**12)
"""Relative excess that refutes a claim whose rate is a float or irrational (exact rates: any excess)."""

ARITHMETIC = Fraction(1, 10**14)
"""Relative error that such a claim's own arithmetic may have: a proof of a rate within it is a proof of the claim."""


@dataclass(frozen=True)
class Claimed:
    """A claim at one choice of constants, all Fractions; exact is False when the rate was rounded to a float."""

    rate: Fraction
    exact: bool
    gamma: Fraction
    params: Mapping[str, Fraction]
    lyapunov: str | None


def method_name(method: Any, delta: Number | None) -> str:
    """ "EF21" from the name, class or instance; the class DCGD with a contractive compressor is CGD."""
    if isinstance(method, str):
        return "EF-BV" if method == "EFBV" else method
    name = model_name(method) or (method if isinstance(method, type) else type(method)).__name__
    return "CGD" if name == "DCGD" and delta is not None else name


@at_the_door(
    method=a_name_or_method, rate=arithmetic, stepsize=optional(arithmetic), mu=real, L=real,
    delta=optional(real), omega=optional(real), eta=optional(real), n=whole(1),
)  # fmt: skip
def check_rate(
    method: Any,
    *,
    rate: Any,
    stepsize: Any = None,
    lyapunov: str | None = None,
    mu: Number,
    L: Number,
    delta: Number | None = None,
    omega: Number | None = None,
    eta: Number | None = None,
    n: int = 1,
    alpha: Any = None,
    p: Any = None,
    lam: Any = None,
    nu: Any = None,
    **parameters: Any,
) -> Report:
    """Judge "E V(t+1) <= rate V(t)" on the class of `tight_rate`, at these constants.

    rate, stepsize, alpha, p, lam, nu: numbers, or arithmetic in mu, L, kappa, delta, s = sqrt(1-delta), omega, eta, n
    (rate also in gamma and the parameters). stepsize=None: the best step. lyapunov: text in the state's vectors, such
    as "(x - ebar)**2 + e**2/s" for EF (gbar, g, d for EF21; x, h for DIANA; gap = f - f*), each measured from its value
    at x*, mean over workers; None: some quadratic V, which fails only where an exact asymptotic rate is larger.

    PROVED with a rational certificate, REFUTED with a rational quadratic and its exact trajectory (a given V: one step
    of it, or of a function known at x*, x and x+ where no quadratic was found), else CONSISTENT with the bracket
    [attained, certified] and the looseness log(attained)/log(rate). Raises InvalidParameter.
    """
    require(
        lyapunov is None or isinstance(lyapunov, str), f"lyapunov={lyapunov!r} must be text, such as 'x**2'"
    )
    body = body_of(method)
    if body is not None:
        named = {"alpha": alpha, "p": p, "lam": lam, "nu": nu, **parameters}
        asked, claim = _of_body(
            method, body, (mu, L, delta, omega, eta, n), (rate, stepsize, lyapunov), named
        )
        certificate = _judged(asked, claim)
        return Report(
            f"{asked.method}: rate {rate}", (certificate,), {"stepsize": stepsize, "lyapunov": lyapunov}
        )
    if parameters:
        key = next(iter(parameters))
        raise InvalidParameter(f"{key}={parameters[key]} is no parameter of {method}")
    name = method_name(method, delta)
    q = question(name, mu, L, delta, omega, eta, n)
    claim = _claimed(q, rate, stepsize, lyapunov, {"alpha": alpha, "p": p, "lambda": lam, "nu": nu})
    certificate = _judged(q.rational(), claim)
    return Report(f"{name}: rate {rate}", (certificate,), {"stepsize": stepsize, "lyapunov": lyapunov})


def values_of(q: Question | BodyQuestion) -> dict[str, Number]:
    """The names that a claim's arithmetic may use."""
    out: dict[str, Number] = {"mu": q.mu, "L": q.L, "n": q.n, "kappa": q.L / q.mu}
    out |= {k: v for k, v in (("delta", q.delta), ("omega", q.omega), ("eta", q.eta)) if v is not None}
    if q.delta is not None:
        out["s"] = forms.error_norm(q.delta)
    return out


def number(given: Any, values: Mapping[str, Number], name: str) -> Number:
    """A number as it is, text evaluated by the safe parser."""
    if isinstance(given, str):
        return parse(given, frozenset(values))(**values)
    if isinstance(given, bool) or not hasattr(given, "__float__"):
        raise InvalidParameter(f"{name}={given!r} must be a number or arithmetic such as '1 - gamma*mu'")
    return given


def _claimed(
    q: Question, rate: Any, stepsize: Any, lyapunov: str | None, given: Mapping[str, Any]
) -> Claimed:
    values = values_of(q.rational())
    fixed = {k: None if v is None else number(v, values, k) for k, v in given.items()}
    params = method_params(q, fixed)
    if stepsize is None:
        gamma, params = best_step(q, params)
    else:
        gamma = number(stepsize, {**values, **params}, "stepsize")
        if q.method == "DIANA":
            params.setdefault("alpha", forms.diana_plan(q.mu, q.L, q.omega, q.n).alpha)
    return _claim(values, rate, gamma, params, lyapunov)


def _claim(
    values: Mapping[str, Number], rate: Any, gamma: Number, params: Mapping[str, Number], lyapunov: str | None
) -> Claimed:
    require(0 < gamma < float("inf"), f"stepsize={gamma} must be a positive number")
    step, exact_params = spelled(gamma), {k: spelled(v) for k, v in params.items()}
    claimed = number(rate, {**values, **exact_params, "gamma": step}, "rate")
    require(
        0 <= claimed < float("inf"),
        f"rate={claimed} must be at least 0: it is the factor of a squared quantity",
    )
    exact = is_exact(claimed) and is_exact(gamma) and all(map(is_exact, params.values()))
    return Claimed(spelled(claimed), exact, step, exact_params, lyapunov)


def _of_body(
    method: Any,
    body: type[BodyMethod],
    constants: tuple[Any, ...],
    said: tuple[Any, Any, Any],
    named: dict[str, Any],
) -> tuple[BodyQuestion, Claimed]:
    """The question and the claim about a body; constants: mu, L, delta, omega, eta, n; said: rate, stepsize, V."""
    mu, L, delta, omega, eta, n = constants
    rate, stepsize, lyapunov = said
    bias = None if "eta" in body.signature.params else eta
    values = values_of(body_question(body, mu, L, delta, omega, bias, n).rational())
    given = {k: v if v is None else number(v, values, k) for k, v in named.items()}
    q, params, own = body_asked(method, body, mu, L, delta, omega, eta, n, given)
    gamma: Any = own if stepsize is None else number(stepsize, {**values, **params}, "stepsize")
    if gamma is None:
        gamma = searched_step(q, params) if body.signature.takes_gamma else 1
    return q, _claim(values, rate, gamma, params, lyapunov)


def _judged(q: Question | BodyQuestion, claim: Claimed) -> Certificate:
    model = seen = q.model(claim.gamma, claim.params)
    if isinstance(q, BodyQuestion):  # a given V and a witness speak of the state as the body has it
        seen = q.model(claim.gamma, claim.params, turn=False)
        model = model if claim.lyapunov is None else seen
    v = None
    if claim.lyapunov is not None:
        v = user_lyapunov.coefficients(
            model, claim.lyapunov, {**values_of(q), **claim.params, "gamma": claim.gamma}
        )
        if not any(v.values()):
            raise InvalidParameter(f"lyapunov={claim.lyapunov!r} is zero: it measures nothing")
        if not all(is_psd(model.lyapunov(v, block)) for block in model.blocks):
            raise InvalidParameter(
                f"lyapunov={claim.lyapunov!r} takes negative values: a Lyapunov function is >= 0"
            )
    beyond = claim.rate if claim.exact else claim.rate * (1 + ROUNDING)
    witness = asymptotic(seen, beyond) if v is None else _one_step(model, v, beyond)
    if witness is not None:
        return _refuted(q, claim, seen, witness)
    proof = _proof(q, claim, model, v)
    attained = attained_by(model)[0]
    if proof is not None:
        return _proved(q, claim, proof, attained)
    return _standing(q, claim, model, v, attained)


def _one_step(model: Model, v: Mapping[str, Fraction], rate: Fraction) -> Witness | None:
    """A quadratic of the extremal families where one will do, else the worst state of the LMI's dual."""
    return one_step(model, v, rate) or worst_state(model, v, rate)


def _wide(q: Question | BodyQuestion, claim: Claimed, model: Model) -> Model:
    """The model, on a class a little wider where mu = L leaves the LMI no interior."""
    if q.mu < q.L:
        return model
    wider = interior(q)
    if isinstance(wider, BodyQuestion):
        return wider.model(claim.gamma, claim.params, turn=claim.lyapunov is None)
    return wider.model(claim.gamma, claim.params)


def _proof(
    q: Question | BodyQuestion, claim: Claimed, model: Model, v: Mapping[str, Fraction] | None
) -> RateCertificate | None:
    """A certificate of the claimed rate: closed form, else by the solver, with the claimed V or a searched one."""
    wide = _wide(q, claim, model)
    closed = _closed(q, claim, model) if isinstance(q, Question) else None
    if v is not None:
        same = closed is not None and _parallel(closed.v, v)
        return closed if same else certificate_at(user_lyapunov.fixed(wide, v), claim.rate)
    found = closed or certificate_at(wide, claim.rate)
    alone = isinstance(q, Question) and q.method == "CGD"
    return found or (certificate_at(gap_only(wide), claim.rate) if alone else None)


def _parallel(a: Mapping[str, Fraction], b: Mapping[str, Fraction]) -> bool:
    """True when a is a positive multiple of b."""
    return all(a[k] * b[j] == a[j] * b[k] for k in a for j in a) and any(a[k] * b[k] > 0 for k in a)


def _closed(q: Question, claim: Claimed, model: Model) -> RateCertificate | None:
    """A certificate in closed form: at the claimed rate, or at the tight one where that is no larger."""
    limit = claim.rate if claim.exact else claim.rate * (1 + ARITHMETIC)
    rate = rational_rate(q, claim.gamma, claim.params)
    found = closed_certificate(model, claim.rate)
    if found is None and rate is not None and rate <= limit:
        found = closed_certificate(model, rate)
    if found is None and q.delta is not None and q.delta < 1:
        found = widened(q.method, q.mu, q.L, q.delta, q.n, claim.gamma, limit)
    return found


def looseness(attained: float, rate: float) -> float | None:
    """log(attained)/log(rate): a theorem of this rate asks for that many times the rounds of the worst case."""
    return log(attained) / log(rate) if 0 < attained < 1 and 0 < rate < 1 else None


def _text(claim: Claimed) -> str:
    what = claim.lyapunov or "V, for some quadratic V"
    params = "".join(f", {k} = {float(x):.6g}" for k, x in claim.params.items())
    return f"E V+ <= {float(claim.rate):.10g} V with V = {what}; gamma = {float(claim.gamma):.6g}{params}"


def _scope(q: Question | BodyQuestion) -> dict[str, Any]:
    shown = {"method": q.method, **vars(q)}
    return {k: v for k, v in shown.items() if v is not None and k != "kind"}


def _refuted(q: Question | BodyQuestion, claim: Claimed, model: Model, w: Witness) -> Certificate:
    return Certificate(
        subject=q.method,
        claim=_text(claim),
        verdict=Verdict.REFUTED,
        evidence="exact counterexample",
        estimate=w.rate if claim.lyapunov is None else None,
        bound=claim.rate,
        witness=dict(w.facts),
        technique="an exact rational quadratic of the class",
        scope=_scope(q),
        assumptions=model.assumptions,
        details={"says": f"fails on f_i(x) = {w.facts['f_i(x)']} with {w.facts['compressor']}"},
    )


def _proved(
    q: Question | BodyQuestion, claim: Claimed, proof: RateCertificate, attained: float
) -> Certificate:
    return Certificate(
        subject=q.method,
        claim=_text(claim),
        verdict=Verdict.PROVED,
        evidence="rational certificate",
        estimate=attained,
        bound=claim.rate,
        technique="a rational certificate of the LMI, rechecked by exact elimination"
        + (", at a rate that the claim's floats do not tell apart" if proof.rho > claim.rate else ""),
        scope=_scope(q),
        assumptions=proof.model.assumptions,
        details={
            "looseness": looseness(attained, float(claim.rate)),
            "attained": attained,
            "proof": proof.to_dict(),
        },
    )


def _standing(
    q: Question | BodyQuestion,
    claim: Claimed,
    model: Model,
    v: Mapping[str, Fraction] | None,
    attained: float,
) -> Certificate:
    searched = model if v is None else user_lyapunov.fixed(model, v)
    found = least_certified(searched, min(attained, 1.0)) if attained < 1 else None
    best = None if found is None else above(found.rho)
    inside = claim.rate >= spelled(attained) * (1 - ROUNDING)
    return Certificate(
        subject=q.method,
        claim=_text(claim),
        verdict=Verdict.CONSISTENT if inside else Verdict.INCONCLUSIVE,
        evidence="exact at listed inputs",
        estimate=attained,
        bound=claim.rate,
        trials=len(model.extremal),
        technique="exact rates of the extremal quadratics; no certificate at this rate was found",
        scope=_scope(q),
        assumptions=model.assumptions,
        details={
            "looseness": looseness(attained, float(claim.rate)),
            "attained": attained,
            "certified": best,
        },
    )
