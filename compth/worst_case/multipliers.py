"""V and multipliers in closed form, exact where the rate is rational: no solver, and no slack."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction

from compth._numbers import Number, is_exact, ratio, sqrt
from compth.methods import _closed_forms as forms
from compth.worst_case.model import Model
from compth.worst_case.rational import RateCertificate

Proof = tuple[dict[str, Number], dict[str, Number]]
"""(V's coefficients, multipliers) of a Model."""


def _bracket(mu: Number, L: Number, s: Number) -> Number:
    """(1-s)(L-mu) + (1+s) sqrt((L-mu)^2 + 16 L mu s/(1+s)^2)."""
    return (1 - s) * (L - mu) + (1 + s) * sqrt((L - mu) ** 2 + 16 * L * mu * s / (1 + s) ** 2)


def _contractive(model: Model) -> tuple[Number, Number, Number, Number]:
    c = model.constants
    return c["mu"], c["L"], forms.error_norm(c["delta"]), c["gamma"]


def cgd(model: Model) -> Proof:
    """V = f - f*, r = sqrt rho: r on (x, x+), 1-r on (x*, x+), r(1-r) on (x*, x), gamma r/(2s) on compression."""
    mu, L, s, gamma = _contractive(model)
    r = forms.spread((1 - s) * mu, (1 + s) * L)
    scale = 2 * (L - mu)
    used = {
        "f(x) >= f(x+)": r / scale,
        "f(x*) >= f(x+)": (1 - r) / scale,
        "f(x*) >= f(x)": r * (1 - r) / scale,
        "compression": gamma * r / (2 * s),
    }
    return {"f": Fraction(1)}, used


def ef(model: Model) -> Proof:
    """V = ||x - x* - ebar||^2 + mean||e_i||^2/s."""
    mu, L, s, gamma = _contractive(model)
    weight = gamma / (L + mu) * _bracket(mu, L, s)
    v = {"P[x,x]": Fraction(1), "P[x,e]": Fraction(-1), "P[e,e]": 1 + 1 / s, "Q[e,e]": 1 / s}
    return v, {"interpolation": weight / (L - mu), "compression": 1 / s}


def ef21(model: Model) -> Proof:
    """V = s||gbar||^2 + mean||g_i - d_i||^2."""
    mu, L, s, gamma = _contractive(model)
    weight = s / (gamma * (L + mu)) * _bracket(mu, L, s)
    v = {"P[g,g]": s, "P[r,r]": Fraction(1), "Q[r,r]": Fraction(1)}
    return v, {"interpolation": weight / (L - mu), "compression": Fraction(1)}


def _monotonicity(model: Model, excess: Number) -> Number:
    """2 |gamma - gamma^2 (1+excess) v|/(L - mu), v the worse of mu and L: 2 gamma/(L + mu) at the best step.

    It makes the LMI singular along (z, g) = (1, v), where the rate is attained.
    """
    c = model.constants
    mu, L, gamma = c["mu"], c["L"], c["gamma"]
    pull = gamma * (1 + excess)
    if mu == L or pull * (L + mu) == 2:
        return 2 * gamma / (L + mu)
    return 2 * gamma * ((1 - pull * mu) if pull * (L + mu) < 2 else (pull * L - 1)) / (L - mu)


def dcgd(model: Model) -> Proof:
    """V = ||x - x*||^2."""
    c = model.constants
    return {"P[z,z]": Fraction(1)}, {"interpolation": _monotonicity(model, ratio(c["omega"], c["n"]))}


def diana(model: Model) -> Proof:
    """V = ||x - x*||^2 + gamma^2 Omega/alpha mean||h_i - h_i*||^2: DCGD with Omega and a memory that decouples."""
    c = model.constants
    weight = forms.diana_weight(c["omega"], c["n"], c["alpha"], c["gamma"])
    v = {"P[z,z]": Fraction(1), "P[e,e]": weight, "Q[e,e]": weight}
    return v, {"interpolation": _monotonicity(model, forms.diana_excess(c["omega"], c["n"], c["alpha"]))}


PROOFS: Mapping[str, Callable[[Model], Proof]] = {
    "CGD": cgd,
    "EF": ef,
    "EF21": ef21,
    "DCGD": dcgd,
    "DIANA": diana,
}


def closed_certificate(model: Model, rho: Number) -> RateCertificate | None:
    """The certificate of exactly rho from the closed-form multipliers; None where that is no proof."""
    if model.derived:
        return None
    try:
        v, used = PROOFS[model.method](model)
    except (KeyError, ZeroDivisionError):
        return None
    if not all(map(is_exact, [rho, *v.values(), *used.values()])):
        return None
    whole = {k: Fraction(v.get(k, 0)) for k in model.now}
    multipliers = {k: Fraction(used.get(k, 0)) for k in model.known}
    certificate = RateCertificate(model, Fraction(rho), whole, multipliers, Fraction(1, 1 << 20))
    return certificate if certificate.check() else None
