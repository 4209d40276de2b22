"""`check_rate`: a claimed rate, step rule or Lyapunov function, proved, refuted or left standing with its looseness."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import log

from compth._door import a_name_or_method, arithmetic, at_the_door, optional, real, whole
from compth._earned import made
from compth._numbers import Number, is_exact
from compth._own import altered
from compth.certificates import Certificate, Report, Verdict
from compth.errors import InvalidParameter, require
from compth.text.expressions import parse
from compth.worst_case import lyapunov as user_lyapunov
from compth.worst_case.bodies import asked_for, body_asked, question, unset_parameters
from compth.worst_case.closed import closed_certificate, nearby_certificate, values_of
from compth.worst_case.exact_algebra import is_psd
from compth.worst_case.lyapunov import asks_for_the_next_point
from compth.worst_case.model import Model
from compth.worst_case.question import Question
from compth.worst_case.rational import RateCertificate, certificate_at, least_certified, spelled
from compth.worst_case.run_in_words import run_in_words
from compth.worst_case.tight import above, best_step, interior, proved_rate
from compth.worst_case.tight_radius import attained_by
from compth.worst_case.witness import Witness, asymptotic, one_step
from compth.worst_case.worst_state import worst_state

ROUNDING = Fraction(1, 10**12)
"""Relative excess that refutes a claim whose rate is a float or irrational (exact rates: any excess)."""

LONGEST_RATE = 40
"""Letters of a fraction that is printed whole."""
LISTED = 4
"""Values of a chosen parameter that are listed; of more the least and the largest are said."""

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
    chosen: tuple[str, ...] = ()
    """The step ("gamma") and the parameters that nobody gave."""

    @property
    def free(self) -> dict[str, Fraction]:
        """What was chosen for it, by name."""
        return {k: v for k, v in {"gamma": self.gamma, **self.params}.items() if k in self.chosen}


@at_the_door(
    method=a_name_or_method, rate=arithmetic, stepsize=optional(arithmetic), mu=real, L=real,
    delta=optional(real), omega=optional(real), eta=optional(real), n=whole(1),
)  # fmt: skip
def check_rate(
    method: object,
    *,
    rate: object,
    stepsize: object = None,
    lyapunov: str | None = None,
    mu: Number,
    L: Number,
    delta: Number | None = None,
    omega: Number | None = None,
    eta: Number | None = None,
    n: int = 1,
    alpha: object = None,
    p: object = None,
    lam: object = None,
    nu: object = None,
    **parameters: object,
) -> Report:
    """Judge "E V(t+1) <= rate V(t)" on the class of `tight_rate`, at these constants.

    rate, stepsize, alpha, p, lam, nu: numbers, or arithmetic in mu, L, kappa, delta, s = sqrt(1-delta), omega, eta, n
    (rate also in gamma and the parameters). stepsize=None: the best step, which info["chosen"] tells with all that was
    chosen. lyapunov: text in the body's vectors, such as
    "(x - ebar)**2 + e**2/s" for EF, in `gradient` (at x), `direction` = (x - x+)/gamma and `gap` = f - f*, or in the
    names of the method's papers (gbar, g, d for EF21; q, g for MARINA; q, h, g for EF-BV); each is measured from its
    value at x*, mean over workers. None: some quadratic V of x and what it ever depends on, which fails only where an
    exact asymptotic rate is larger.

    PROVED with a rational certificate, REFUTED with a rational quadratic and its exact trajectory (a given V: one step
    of it, or of a function known at x*, x and x+ where no quadratic was found), else CONSISTENT with the bracket
    [attained, certified] and the looseness log(attained)/log(rate). Raises InvalidParameter.
    """
    constants = {"mu": mu, "L": L, "delta": delta, "omega": omega, "eta": eta, "n": n}
    said = {
        "rate": rate,
        "stepsize": stepsize,
        "lyapunov": lyapunov,
        "alpha": alpha,
        "p": p,
        "lam": lam,
        "nu": nu,
    }
    return judged_rate(method, constants, {**said, **parameters})


def judged_rate(method: object, constants: Mapping[str, object], claim: Mapping[str, object]) -> Report:
    """The report of a claim, {rate, stepsize, lyapunov, parameters}; method also a body that its process tells of."""
    of_class = tuple(constants.get(k) for k in ("mu", "L", "delta", "omega", "eta"))
    rate, stepsize, lyapunov = (claim.get(k) for k in ("rate", "stepsize", "lyapunov"))
    if not (lyapunov is None or isinstance(lyapunov, str)):
        raise InvalidParameter(f"lyapunov={lyapunov!r} must be text, such as 'x**2'")
    named = {k: v for k, v in claim.items() if k not in ("rate", "stepsize", "lyapunov")}
    # The order of the evidence: a counterexample first, for it ends the matter; then a proof; then what is
    # left.
    q, read = _read(method, (*of_class, constants.get("n", 1)), (rate, stepsize, lyapunov), named)
    certificate = _judged(q.rational(), read)
    said = {"rate": rate, "stepsize": stepsize, "lyapunov": lyapunov}
    about: dict[str, object] = {k: told_of(v) for k, v in said.items()}
    about["parameters"] = {k: told_of(v) for k, v in named.items() if v is not None}
    about["chosen"] = chosen_text([certificate])
    return made(Report(f"{q.method}: rate {rate}", (certificate,), about))


def chosen_text(certificates: Sequence[Certificate]) -> str:
    """ "gamma = 1/40 (the best step); alpha = 0.129399": what nobody gave, with its values; "" where all was given."""
    found: dict[str, dict[str, Fraction]] = {}
    for c in certificates:
        for k, x in c.details.get("chosen", {}).items():
            found.setdefault(k, {})[_short(x)] = x
    out = []
    # A parameter chosen at each cell of a grid may have as many values as cells: a few are listed, else the
    # range.
    for k, held in found.items():
        least, most = min(held, key=held.__getitem__), max(held, key=held.__getitem__)
        span = ", ".join(held) if len(held) <= LISTED else f"{least} to {most}"
        where = " at each place" if len(held) > 1 else ""
        out.append(f"{k} = {span}" + (f" (the best step{where})" if k == "gamma" else ""))
    return "; ".join(out)


def _short(x: Fraction) -> str:
    """A fraction that can be read, or six digits."""
    return str(x) if x.denominator <= 1000 else f"{float(x):.6g}"


def told_of(given: object) -> str | None:
    """A rate, step or V as its claim spells it; a function by its name."""
    return None if given is None else str(getattr(given, "__name__", given))


def number(given: object, values: Mapping[str, Number], name: str) -> Number:
    """A number as it is, text evaluated by the safe parser."""
    if isinstance(given, str):
        return parse(given, frozenset(values))(**values)
    if isinstance(given, bool) or not hasattr(given, "__float__"):
        raise InvalidParameter(f"{name}={given!r} must be a number or arithmetic such as '1 - gamma*mu'")
    return given


def _read(
    method: object,
    constants: tuple[Number, ...],
    said: tuple[object, object, str | None],
    named: Mapping[str, object],
) -> tuple[Question, Claimed]:
    """The question and the claim; constants: mu, L, delta, omega, eta, n; said: rate, stepsize, V.

    Arithmetic in text is evaluated in the class's constants, then in gamma and the parameters. Raises
    InvalidParameter.
    """
    mu, L, delta, omega, eta, n = constants
    rate, stepsize, lyapunov = said
    asked = asked_for(method)
    # Where the body has a parameter eta, eta= is that one and no bias of the compressors.
    bias = None if "eta" in asked.kind.signature.params else eta
    values = values_of(question(asked, mu, L, delta=delta, omega=omega, eta=bias, n=n).rational())
    given = {k: v if v is None else number(v, values, k) for k, v in named.items()}
    q, params, own = body_asked(method, mu, L, delta=delta, omega=omega, eta=eta, n=n, given=given)
    gamma = own if stepsize is None else number(stepsize, {**values, **params}, "stepsize")
    of_class = dict(zip(("mu", "L", "delta", "omega", "eta", "n"), constants, strict=True))
    chosen = unset_parameters(method, of_class | given)
    if gamma is None:
        gamma = best_step(q, params)
        chosen = ["gamma", *chosen] if q.kind.signature.takes_gamma else chosen
    return q, replace(_claim(values, rate, gamma, params, lyapunov), chosen=tuple(chosen))


def _claim(
    values: Mapping[str, Number],
    rate: object,
    gamma: Number,
    params: Mapping[str, Number],
    lyapunov: str | None,
) -> Claimed:
    """The claim in Fractions. InvalidParameter for a step that is not positive and a rate below 0 or infinite."""
    require(0 < gamma < float("inf"), f"stepsize={gamma} must be a positive number")
    step, exact_params = spelled(gamma), {k: spelled(v) for k, v in params.items()}
    # A rate may name gamma and the parameters: it is evaluated after they are known, in Fractions where they
    # are.
    claimed = number(rate, {**values, **exact_params, "gamma": step}, "rate")
    if not 0 <= claimed < float("inf"):
        at = {**values, **exact_params, "gamma": step}
        where = ", ".join(f"{k} = {float(x):.6g}" for k, x in at.items())
        raise InvalidParameter(
            f"rate={float(claimed):.6g} must be at least 0: it is the factor of a squared quantity (at {where})"
        )
    exact = is_exact(claimed) and is_exact(gamma) and all(map(is_exact, params.values()))
    return Claimed(spelled(claimed), exact, step, exact_params, lyapunov)


def _judged(q: Question, claim: Claimed) -> Certificate:
    """The certificate of a claim: refuted, proved, or left standing, in this order."""
    # a given V and a witness speak of the state as the body has it
    full = claim.lyapunov is not None and asks_for_the_next_point(q.kind, claim.lyapunov)
    model = q.model(claim.gamma, claim.params, full=full, settle=False, whole=claim.lyapunov is not None)
    v = None
    if claim.lyapunov is not None:
        v = _given(q, claim, model)
    # A float rate stands for the decimal it prints as; a claim whose own arithmetic was rounded is refuted
    # only by an excess that rounding cannot explain.
    beyond = claim.rate if claim.exact else claim.rate * (1 + ROUNDING)
    witness = asymptotic(model, beyond) if v is None else _one_step(model, v, beyond)
    if witness is not None:
        return _refuted(q, claim, model, witness)
    proof = _proof(q, claim, full, v)
    # A proof found while something of the package is replaced is no proof of the package's.
    attained = attained_by(model)[0]
    if proof is not None and not altered():
        return _proved(q, claim, proof, attained)
    return _standing(q, claim, model, v, attained)


def _given(q: Question, claim: Claimed, model: Model) -> dict[str, Fraction]:
    """The coefficients of a claim's V. InvalidParameter where it is zero or takes negative values."""
    text = claim.lyapunov or ""
    v = user_lyapunov.coefficients(model, text, {**values_of(q), **claim.params, "gamma": claim.gamma})
    if not any(v.values()):
        raise InvalidParameter(f"lyapunov={text!r} is zero: it measures nothing")
    if not all(is_psd(model.lyapunov(v, block)) for block in model.blocks):
        raise InvalidParameter(f"lyapunov={text!r} takes negative values: a Lyapunov function is >= 0")
    return v


def _one_step(model: Model, v: Mapping[str, Fraction], rate: Fraction) -> Witness | None:
    """A quadratic of the extremal families where one will do, else the worst state of the LMI's dual."""
    return one_step(model, v, rate) or worst_state(model, v, rate)


def _proof(
    q: Question, claim: Claimed, full: bool, v: Mapping[str, Fraction] | None
) -> RateCertificate | None:
    """A certificate of the claimed rate: closed form, else by the solver, with the claimed V or a searched one."""
    closed = _closed(q, claim)
    if v is not None:
        # mu = L leaves the LMI no interior: mu is lowered a little, which only makes the class larger.
        wide = interior(q).model(claim.gamma, claim.params, full=full, settle=False, whole=True)
        # Any positive multiple of the claimed V contracts alike, so a closed form with a parallel V settles
        # it.
        same = closed is not None and _parallel(closed.v, v)
        return closed if same else certificate_at(user_lyapunov.fixed(wide, v), claim.rate)
    if closed is not None:
        return closed
    # The small LMI first: what it proves is proved, and it is several times faster.
    models = (interior(q).model(claim.gamma, claim.params, full=larger) for larger in (False, True))
    return next((c for m in models if (c := certificate_at(m, claim.rate)) is not None), None)


def _parallel(a: Mapping[str, Fraction], b: Mapping[str, Fraction]) -> bool:
    """True when a is a positive multiple of b."""
    return (
        set(a) == set(b)
        and all(a[k] * b[j] == a[j] * b[k] for k in a for j in a)
        and any(a[k] * b[k] > 0 for k in a)
    )


def _closed(q: Question, claim: Claimed) -> RateCertificate | None:
    """A certificate in closed form: at the claimed rate, or at the tight one where that is no larger."""
    limit = claim.rate if claim.exact else claim.rate * (1 + ARITHMETIC)
    rate = proved_rate(q, claim.gamma, claim.params)
    found = closed_certificate(q, claim.gamma, claim.params, claim.rate)
    if found is None and rate is not None and rate <= limit:
        found = closed_certificate(q, claim.gamma, claim.params, rate)
    return found or nearby_certificate(q, claim.gamma, claim.params, limit)


def looseness(attained: float, rate: float) -> float | None:
    """log(attained)/log(rate): a theorem of this rate asks for that many times the rounds of the worst case."""
    return log(attained) / log(rate) if 0 < attained < 1 and 0 < rate < 1 else None


def _text(claim: Claimed) -> str:
    """The claim in one line."""
    what = "for some quadratic V" if claim.lyapunov is None else f"with V = {claim.lyapunov}"
    params = "".join(f", {k} = {float(x):.6g}" for k, x in claim.params.items())
    return f"E V+ <= {_rate(claim)} V {what}; gamma = {float(claim.gamma):.6g}{params}"


def _rate(claim: Claimed) -> str:
    """The claimed rate with as many digits as it has: a rounded one may be true where the claim is refuted."""
    short = f"{float(claim.rate):.10g}"
    if float(short) == float(claim.rate) and (not claim.exact or Fraction(short) == claim.rate):
        return short
    long = repr(float(claim.rate))
    if not claim.exact or Fraction(long) == claim.rate:
        return long
    off = claim.rate - Fraction(long)
    whole = str(claim.rate)
    return whole if len(whole) <= LONGEST_RATE else f"{long} {'+-'[off < 0]} {float(abs(off)):.2g}"


def _scope(q: Question) -> dict[str, object]:
    """The class and the method that the certificate speaks of."""
    shown = {"method": q.method, **vars(q)}
    return {k: v for k, v in shown.items() if v is not None and k != "kind"}


def _refuted(q: Question, claim: Claimed, model: Model, w: Witness) -> Certificate:
    """REFUTED by a witness in Fractions, with its run in words where it has one."""
    return Certificate(
        subject=q.method,
        claim=_text(claim),
        verdict=Verdict.REFUTED,
        evidence="exact counterexample",
        estimate=w.rate if claim.lyapunov is None else None,
        bound=claim.rate,
        witness={**w.facts, **run_in_words(q, w, {"gamma": claim.gamma, **claim.params})},
        technique="an exact rational quadratic of the class",
        scope=_scope(q),
        assumptions=model.assumptions,
        details={
            "says": f"fails on f_i(x) = {w.facts['f_i(x)']} with {w.facts['compressor']}",
            "chosen": claim.free,
        },
    )


def _proved(q: Question, claim: Claimed, proof: RateCertificate, attained: float) -> Certificate:
    """PROVED by a certificate that passed its exact check; the matrices go with it."""
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
            "chosen": claim.free,
        },
    )


def _standing(
    q: Question,
    claim: Claimed,
    model: Model,
    v: Mapping[str, Fraction] | None,
    attained: float,
) -> Certificate:
    """Neither: CONSISTENT within rounding of what is attained or above, else INCONCLUSIVE."""
    # Nothing settles it: the bracket between the exact rate of the worst quadratic found and the least
    # certified.
    searched = q.model(claim.gamma, claim.params) if v is None else user_lyapunov.fixed(model, v)
    found = least_certified(searched, min(attained, 1.0)) if attained < 1 else None
    best = None if found is None else above(found.rho)
    # Below what a quadratic attains a rate cannot hold for any V; that it was not refuted exactly leaves it
    # open.
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
            "chosen": claim.free,
        },
    )
