"""tight_rate: what a method's worst case is, attained and certified."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from compth._numbers import Number, is_exact, max
from compth.errors import InvalidParameter, NoGuarantee
from compth.worst_case import closed
from compth.worst_case.families import FAMILIES, Family, Instance, Setting, multipliers
from compth.worst_case.lmi import certify, least_rho

MEET = 2e-5
"""attained and certified closer than this, relative to 1 - rho, count as meeting."""


@dataclass(frozen=True)
class RateCertificate:
    """Rational multipliers with which the LMI holds exactly at rho, for rational constants scaled to L = 1."""

    method: str
    rho: Fraction
    setting: dict[str, str]
    names: tuple[str, ...]
    values: tuple[Fraction, ...]

    def recheck(self) -> bool:
        """Build the LMI again over the rationals and test every block and sign exactly."""
        numbers = {k: Fraction(v) for k, v in self.setting.items() if k != "n"}
        setting = Setting(n=int(self.setting["n"]), **numbers)
        lmi = FAMILIES[self.method].builder(setting)(self.rho, Fraction)
        return lmi.names == self.names and lmi.holds(self.values)


@dataclass(frozen=True, eq=False)
class TightRate:
    """rho: the best statement (closed form, else certified). attained <= worst case <= certified.

    tight: they meet. stepsize, alpha: what it is the rate of. closed: rho is a closed form (exact where the constants
    and sqrt(1-delta) are rational). certificate: exact multipliers at `certified`, None where rounding failed.
    worst_case: the instance that attains `attained`. scope, lyapunov: whose rate, of what.
    """

    method: str
    rho: Number
    attained: float
    certified: float
    stepsize: Number
    alpha: Number | None
    closed: bool
    certificate: RateCertificate | None
    worst_case: Instance
    scope: str
    lyapunov: str
    notes: tuple[str, ...] = field(default=())

    @property
    def tight(self) -> bool:
        """True where attained and certified meet."""
        return bool(self.certified - self.attained <= MEET * max(1 - self.attained, 1e-12))


def tight_rate(
    method: str,
    *,
    mu: Number,
    L: Number,
    delta: Number | None = None,
    omega: Number | None = None,
    n: int = 1,
    gamma: Number | None = None,
    alpha: Number | None = None,
) -> TightRate:
    """The worst-case factor per round of CGD, EF, EF21 (delta), DCGD or DIANA (omega) on L-smooth mu-strongly convex f.

    gamma=None: the best step known (alpha=None with it: DIANA's balanced shift step, else 1/(2(1+omega))). attained is
    exact on 1-D quadratics, certified by a one-step LMI whose multipliers are rechecked over the rationals, rounded
    outward. n > 1: DCGD and DIANA by symmetry; CGD, EF and EF21 keep the step and rate of n = 1, which 2605.31594
    proves for EF and EF21 (EF with every f_i stationary at x*); here only n = 1 is certified, and a note says so.
    Raises InvalidParameter for constants out of range.
    """
    family = family_of(method)
    setting, exact_form = setting_of(family, mu, L, delta, omega, n, gamma, alpha)
    alone = Setting(**{**vars(setting), "n": 1}) if family.kind == "delta" else setting
    attained, instance = family.attained(alone)
    certified, certificate = _certified(family, alone, exact_form if exact_form is not None else attained)
    notes: tuple[str, ...] = ()
    if family.kind == "delta" and n > 1:
        notes = (f"certified for n = 1; for n = {n} the same rate is cited from 2605.31594",)
    rho = exact_form if exact_form is not None else certified
    return TightRate(
        method=family.name,
        rho=rho,
        attained=attained,
        certified=certified,
        stepsize=setting.gamma,
        alpha=setting.alpha,
        closed=exact_form is not None,
        certificate=certificate,
        worst_case=instance,
        scope=family.scope,
        lyapunov=family.lyapunov,
        notes=notes,
    )


def family_of(method: str) -> Family:
    if method not in FAMILIES:
        raise InvalidParameter(
            f"method={method!r} has no worst case here: choose one of {', '.join(FAMILIES)}"
        )
    return FAMILIES[method]


def setting_of(
    family: Family, mu: Any, L: Any, delta: Any, omega: Any, n: int, gamma: Any, alpha: Any
) -> tuple[Setting, Number | None]:
    """The question with its step fixed, and the closed form where there is one."""
    if not 0 < mu <= L < math.inf:
        raise InvalidParameter(f"mu={mu}, L={L}: need 0 < mu <= L")
    if isinstance(n, bool) or not isinstance(n, int) or n < 1:
        raise InvalidParameter(f"n={n!r} needs an integer >= 1")
    if gamma is not None and not 0 < gamma < math.inf:
        raise InvalidParameter(f"gamma={gamma} needs a step size > 0")
    if family.kind == "delta":
        if delta is None or omega is not None:
            raise InvalidParameter(
                f"{family.name} takes a contractive compressor: pass delta= (and no omega)"
            )
        if not 0 < delta <= 1:
            raise InvalidParameter(f"delta={delta} needs 0 < delta <= 1")
        return _contractive(family, mu, L, delta, n, gamma)
    if omega is None or delta is not None:
        raise InvalidParameter(f"{family.name} takes an unbiased compressor: pass omega= (and no delta)")
    if not 0 <= omega < math.inf:
        raise InvalidParameter(f"omega={omega} needs 0 <= omega < inf")
    if family.name == "DCGD":
        noise = Fraction(omega) / n if is_exact(omega) else omega / n
        step = closed.dcgd_step(mu, L, noise) if gamma is None else gamma
        return Setting(mu, L, n, step, omega=omega), closed.dcgd_rate(mu, L, noise, step)
    return _diana(mu, L, omega, n, gamma, alpha)


def _contractive(
    family: Family, mu: Any, L: Any, delta: Any, n: int, gamma: Any
) -> tuple[Setting, Number | None]:
    if family.name == "CGD":
        best, rate = closed.cgd_step(mu, L, delta), closed.cgd_rate(mu, L, delta)
    else:
        best, rate = closed.ef_step(mu, L, delta), closed.ef_rate(mu, L, delta)
    known = gamma is None or gamma == best
    if family.name != "CGD" and delta == 1:
        rate = closed.gd_rate(mu, L)
    if best <= 0:
        raise NoGuarantee(f"delta={delta} leaves no positive step")
    return Setting(mu, L, n, best if gamma is None else gamma, delta=delta), rate if known else None


def _diana(mu: Any, L: Any, omega: Any, n: int, gamma: Any, alpha: Any) -> tuple[Setting, Number]:
    if alpha is None and gamma is None:
        alpha = closed.diana_alpha(mu, L, omega, n)
    elif alpha is None:
        alpha = Fraction(1, 2) / (1 + Fraction(omega)) if is_exact(omega) else 0.5 / (1 + omega)
    if not 0 < alpha * (1 + omega) < 1 and not (omega == 0 and 0 < alpha <= 1):
        raise InvalidParameter(f"alpha={float(alpha):.6g} needs 0 < alpha < 1/(1+omega)")
    noise = 0 * alpha if omega == 0 else closed.diana_noise(omega, n, alpha)
    step = closed.dcgd_step(mu, L, noise) if gamma is None else gamma
    rate = max(closed.dcgd_rate(mu, L, noise, step), 1 - alpha)
    return Setting(mu, L, n, step, omega=omega, alpha=alpha), rate


def _certified(family: Family, setting: Setting, near: Number) -> tuple[float, RateCertificate | None]:
    """(bound, rational certificate): the least rho of the LMI, rounded outward until the exact check passes."""
    setting = setting.normal()
    build = family.builder(setting)
    start = float(near)
    floor = max(start - 1e-6, 0.0)
    least = least_rho(build, floor, start + 1e-3 * (1 - start) + 1e-12) if start < 1 else math.inf
    if not math.isfinite(least):
        least = least_rho(build, floor, max(1.0, 2 * start))
    if not math.isfinite(least):
        return math.inf, None
    if is_exact(near):
        exact = setting.of(Fraction)
        values = multipliers(family.name, exact)
        if values is not None and family.builder(exact)(Fraction(near), Fraction).holds(values):
            return float(near), _written(family, exact, Fraction(near), values)
    rational = setting.of(_short)
    exact_build = family.builder(rational)
    for margin in (1e-9, 1e-8, 1e-7, 1e-6, 1e-5, 1e-4):
        rho = _short(least + margin * max(1 - least, 1e-6))
        values = certify(exact_build, rho)
        if values is not None:
            return float(rho), _written(family, rational, rho, values)
    return least + 1e-6 * max(abs(1 - least), 1e-3), None


def _written(family: Family, q: Setting, rho: Fraction, values: tuple[Fraction, ...]) -> RateCertificate:
    text = {k: str(v) for k, v in vars(q).items() if v is not None}
    return RateCertificate(family.name, rho, text, family.builder(q)(rho, Fraction).names, values)


def _short(value: Any) -> Fraction:
    """A fraction as it is; a float as the fraction it stands for."""
    return (
        Fraction(value) if not isinstance(value, float) else Fraction(repr(value)).limit_denominator(10**12)
    )
