"""Certificates in closed form, exact where the rate is rational: no solver, and no slack."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from fractions import Fraction

from compth._numbers import Number, is_exact
from compth.methods.core import closed_forms as forms
from compth.methods.core.known import Known
from compth.methods.core.nearby import sqrt_above
from compth.methods.gd import GD
from compth.worst_case.lyapunov import asks_for_the_next_point, coefficients
from compth.worst_case.model import NOW, Form, Model, unit
from compth.worst_case.question import Question
from compth.worst_case.rational import RateCertificate
from compth.worst_case.resolved import AT_X

SCALE = Fraction(1, 1 << 20)


def values_of(q: Question) -> dict[str, Number]:
    """The names that a claim's arithmetic may use: mu, L, n, kappa, the claimed constants, s = sqrt(1 - delta)."""
    out: dict[str, Number] = {"mu": q.mu, "L": q.L, "n": q.n, "kappa": q.L / q.mu}
    out |= {k: v for k, v in (("delta", q.delta), ("omega", q.omega), ("eta", q.eta)) if v is not None}
    if q.delta is not None:
        out["s"] = forms.error_norm(q.delta)
    return out


def closed_certificate(
    q: Question, gamma: Fraction, params: Mapping[str, Fraction], rho: Number
) -> RateCertificate | None:
    """The certificate of exactly rho from the closed form's V and multipliers; None where that is no proof."""
    known = q.known
    if known is None or not is_exact(rho):
        return None
    # Where nothing is lost in compression the method may be gradient descent, whose certificate is then this
    # one's, stated on the method's own model.
    if q.exact:  # what is then left of a method may be gradient descent, and has its proof
        asked = replace(q, kind=GD, delta=None, omega=Fraction(0), eta=None)
        return _of(q, asked, asked.known, gamma, params, Fraction(rho))
    return _of(q, q, known, gamma, params, Fraction(rho))


def _of(
    q: Question,
    asked: Question,
    known: Known | None,
    gamma: Fraction,
    params: Mapping[str, Fraction],
    rho: Fraction,
) -> RateCertificate | None:
    """The proof that is known of one question, on the model of another."""
    if known is None:
        return None
    # Multipliers are closed forms in gamma and the parameters: at the ends of their ranges a denominator may
    # vanish.
    try:
        constants, used = known.multipliers(asked, gamma, params)
    except ZeroDivisionError:
        return None
    # With an irrational number anywhere the check could only be approximate: no certificate, and `nearby` is
    # tried.
    if not all(map(is_exact, [*constants.values(), *used.values(), *values_of(asked).values()])):
        return None
    model = q.model(gamma, params, full=asks_for_the_next_point(asked.kind, known.lyapunov))
    if not set(used) <= set(model.known):
        return None
    v = coefficients(model, known.lyapunov, {**values_of(asked), **params, "gamma": gamma, **constants})
    # Inequalities that the proof does not use have multiplier 0.
    multipliers = {k: Fraction(used.get(k, 0)) for k in model.known}
    tried = (
        RateCertificate(replace(model, normal=normal), rho, v, multipliers, SCALE) for normal in _sees(model)
    )
    return next((c for c in tried if c.check()), None)


def _sees(model: Model) -> Iterator[Form]:
    """What V must hold a multiple of: |x - x*|^2, or what is at least mu^2 or mu/2 times that on the class."""
    yield model.normal
    if f"P[{AT_X},{AT_X}]" in model.now:
        yield model.space.of_mean(unit(AT_X), unit(AT_X))
    if NOW in model.blocks:
        yield {NOW: ((1,),)}


def nearby_certificate(
    q: Question, gamma: Fraction, params: Mapping[str, Fraction], limit: Fraction | None = None
) -> RateCertificate | None:
    """A certificate of some rho <= limit at this step on a class that contains this one; None unless it is the best.

    q: in Fractions. rho is rational, within 1e-14 of the closed form, relatively.
    """
    if q.known is None or q.known.nearby is None or q.delta is None:
        return None
    # Rounding s up makes the compressors worse, and [low, high] holds [mu, L]: on this larger class every
    # number of the proof is rational, so that the certificate is exact and bounds the class that was asked
    # about.
    s = sqrt_above(1 - q.delta)
    if not 0 < s < 1:
        return None
    for low, high, r in q.known.nearby(q.mu, q.L, s, gamma):
        if 0 < low <= q.mu and high >= q.L:
            if limit is not None and r * r > limit:
                return None
            return closed_certificate(replace(q, mu=low, L=high, delta=1 - s * s), gamma, params, r * r)
    return None
