"""check_rate: a claimed rate, step rule or Lyapunov function, from constants only: proved, refuted or consistent."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np

from compth._expressions import parse
from compth._numbers import Number
from compth.certificates import Certificate, Report, Verdict
from compth.dynamics.rational import psd
from compth.errors import InvalidParameter
from compth.worst_case import closed
from compth.worst_case.families import Family, Setting, companion, multipliers
from compth.worst_case.lmi import LMI, certify, fixed
from compth.worst_case.tight import family_of, setting_of

Array = Any
NAMES = frozenset({"mu", "L", "kappa", "delta", "omega", "n", "gamma", "alpha", "s"})
STEPS = 40
"""Rounds of the exact trajectory that a refutation carries."""


def check_rate(
    method: str,
    *,
    rate: Number | str,
    stepsize: Number | str | None = None,
    lyapunov: Sequence[Sequence[Number | str]] | None = None,
    mu: Number,
    L: Number,
    delta: Number | None = None,
    omega: Number | None = None,
    n: int = 1,
    alpha: Number | str | None = None,
) -> Report:
    """Settle "the method contracts by `rate` per round at `stepsize`" for these constants.

    rate, stepsize, alpha and the entries of lyapunov (a 2 x 2 matrix P for EF on (x-x*, e), EF21 on (grad f, d), DIANA
    on (z, hbar)): numbers or expressions in mu, L, kappa, delta, omega, n, s = sqrt(1-delta), gamma, alpha.
    stepsize=None: the best step known. PROVED: rational multipliers of the one-step LMI at that rate, for all functions
    and compressors with these constants. REFUTED: a 1-D rational quadratic with its exact trajectory. CONSISTENT:
    neither; the looseness against the worst value attained is given. Raises InvalidParameter for what cannot be read.
    """
    family = family_of(method)
    values: dict[str, Number] = {"mu": _exact(mu), "L": _exact(L), "n": n}
    values["kappa"] = values["L"] / values["mu"] if values["mu"] else 0
    for name, value in (("delta", delta), ("omega", omega)):
        if value is not None:
            values[name] = _exact(value)
    if delta is not None and 0 < values["delta"] <= 1:
        values["s"] = closed.error(values["delta"])
    step = None if stepsize is None else _value("stepsize", stepsize, values)
    shift = None if alpha is None else _value("alpha", alpha, values)
    given = (values["mu"], values["L"], values.get("delta"), values.get("omega"))
    setting, _ = setting_of(family, *given, n, step, shift)
    values |= {"gamma": setting.gamma} | ({} if setting.alpha is None else {"alpha": setting.alpha})
    rho = _exact(_value("rate", rate, values))
    if not 0 <= rho < math.inf:
        raise InvalidParameter(f"rate={float(rho):.6g} is not a factor of a squared quantity: need rate >= 0")
    exact = setting.of(_exact)
    matrix = None if lyapunov is None else _matrix(family, lyapunov, values)
    certificate = _settle(family, exact, rho, matrix, str(rate))
    return Report(f"{family.name}, {_constants(exact)}", (certificate,), {"lyapunov": family.lyapunov})


def _exact(value: Number) -> Fraction:
    """The fraction that a number spells."""
    if isinstance(value, float):
        if not math.isfinite(value):
            raise InvalidParameter(f"{value} is not finite")
        return Fraction(repr(value))
    return Fraction(value)


def _value(name: str, text: Number | str, values: dict[str, Number]) -> Number:
    if not isinstance(text, str):
        return _exact(text)
    try:
        return parse(text, NAMES)(**values)
    except InvalidParameter as problem:
        raise InvalidParameter(f"{name}: {problem}") from None


def _matrix(family: Family, entries: Sequence[Sequence[Number | str]], values: dict[str, Number]) -> Array:
    if family.name not in ("EF", "EF21", "DIANA"):
        raise InvalidParameter(
            f"lyapunov is for EF, EF21 and DIANA: {family.name} is settled with {family.lyapunov}"
        )
    if len(entries) != 2 or any(len(row) != 2 for row in entries):
        raise InvalidParameter("lyapunov needs a 2 x 2 matrix [[a, b], [b, c]]")
    found = np.array([[_exact(_value("lyapunov", v, values)) for v in row] for row in entries], dtype=object)
    if found[0, 1] != found[1, 0] or not psd(found) or found[0, 0] <= 0:
        raise InvalidParameter(
            "lyapunov must be symmetric, positive semidefinite, with a positive first entry"
        )
    return found


def _constants(q: Setting) -> str:
    shown = {k: v for k, v in vars(q).items() if v is not None}
    return ", ".join(
        f"{k}={v if k == 'n' or len(str(v)) < 12 else f'{float(v):.6g}'}" for k, v in shown.items()
    )


def _settle(family: Family, q: Setting, rho: Fraction, matrix: Array | None, text: str) -> Certificate:
    attained, instance = family.attained(replace(q, n=1) if family.kind == "delta" else q)
    common: dict[str, Any] = {
        "subject": family.name,
        "claim": f"{family.lyapunov} contracts by rate = {text} ({float(rho):.8g})",
        "bound": rho,
        "scope": {
            "functions": "L-smooth, mu-strongly convex",
            "workers": family.scope,
            "constants": _constants(q),
        },
        "assumptions": ("exact arithmetic, one step from any state",),
    }
    refuted = _refutation(family, q, rho, matrix, attained, instance.lam, instance.factor)
    if refuted is not None:
        estimate, witness, technique = refuted
        return Certificate(
            verdict=Verdict.REFUTED, evidence="exact at listed inputs", estimate=estimate, witness=witness,
            technique=technique, **common,
        )  # fmt: skip
    if family.kind == "delta" and q.n > 1:
        return _consistent(common, attained, rho, f"the LMI is for n = 1; n = {q.n} is not certified here")
    scaled = q.normal() if matrix is None else q
    found = _certificate(family.builder(scaled), rho, matrix, multipliers(family.name, scaled))
    if found is not None:
        names, chosen = found
        return Certificate(
            verdict=Verdict.PROVED, evidence="rational certificate", estimate=attained,
            technique="one-step LMI (scaled to L = 1), multipliers rechecked over the rationals",
            details={"multipliers": dict(zip(names, chosen, strict=True))}, **common,
        )  # fmt: skip
    return _consistent(common, attained, rho, "no rational certificate was found at this rate")


def _consistent(common: dict[str, Any], attained: float, rho: Fraction, why: str) -> Certificate:
    loose = math.log(attained) / math.log(rho) if 0 < attained < 1 and 0 < rho < 1 else None
    return Certificate(
        verdict=Verdict.CONSISTENT, evidence="exact at listed inputs", estimate=attained,
        technique=f"worst 1-D quadratic tried; {why}", details={"looseness": loose}, **common,
    )  # fmt: skip


def _certificate(
    builder: Any, rho: Fraction, matrix: Array | None, hint: Any = None
) -> tuple[tuple[str, ...], Any] | None:
    if matrix is None:
        hint = None if hint is None or not builder(rho, Fraction).holds(hint) else hint
        values = certify(builder, rho) if hint is None else hint
        return None if values is None else (builder(rho, Fraction).names, values)
    entries = ((0, 0), (0, 1), (1, 1))

    def given(r: Number, number: Any) -> LMI:
        """P is fixed, so its normalisation (the second block) is dropped."""
        lmi = builder(r, number)
        wanted = [name for name in lmi.names if name.startswith("P") and name != "PD"]
        chosen = {name: number(matrix[i, j]) for name, (i, j) in zip(wanted, entries, strict=True)}
        return fixed(LMI((lmi.blocks[0], *lmi.blocks[2:]), lmi.signs, lmi.names), chosen)

    values = certify(given, rho)
    return None if values is None else (given(rho, Fraction).names, values)


def _refutation(
    family: Family, q: Setting, rho: Fraction, matrix: Array | None, attained: float, lam: Any, c: Any
) -> tuple[Any, Any, str] | None:
    """(estimate, witness, technique) of an exact counterexample on a 1-D quadratic, None when none was found."""
    if family.kind == "omega":
        return _moment_refutation(family, q, rho, attained) if matrix is None else None
    for curvature in (q.L, q.mu):
        for factor in _factors(q):
            M = companion(q, family.name, curvature, factor)
            if matrix is not None:
                found = _climbs(family, M, matrix, curvature, rho)
                if found is not None:
                    return (
                        found[0],
                        {"lambda": curvature, "C(v)/v": factor, "state": found[1]},
                        ("V grows by more than the rate in one exact step"),
                    )
            elif _beyond(M, rho):
                path = _trajectory(M)
                return Fraction(*_ratio(path)), {
                    "lambda": curvature, "C(v)/v": factor, "x0": path[0],
                    "squared_distance": [p * p for p in path[:6]],
                }, f"spectral radius of the exact iteration beyond the rate; trajectory of {STEPS} rounds"  # fmt: skip
    return None


def _ratio(path: list[Fraction]) -> tuple[int, int]:
    """Growth of the squared distance per round over the trajectory's second half, as a short fraction."""
    half = len(path) // 2
    top, bottom = abs(path[-1]), abs(path[half])
    if bottom == 0:
        return 0, 1
    growth = Fraction(float(top / bottom) ** (2 / (len(path) - 1 - half))).limit_denominator(10**6)
    return growth.numerator, growth.denominator


def _factors(q: Setting) -> list[Fraction]:
    """Rational multiples 1 +- s' with s' <= s = sqrt(1 - delta), as close to s as 12 digits allow."""
    error2 = 1 - Fraction(q.delta or 0)
    root = closed.error(Fraction(q.delta or 0))
    if not isinstance(root, Fraction | int):
        root = Fraction(math.floor(float(root) * 10**12), 10**12)
        while root * root > error2:
            root -= Fraction(1, 10**12)
    return [1 + Fraction(root), 1 - Fraction(root)]


def _beyond(M: Array, rho: Fraction) -> bool:
    """True when an eigenvalue of the exact matrix has a square above rho: a sign change of its polynomial, or det."""
    if len(M) == 1:
        return bool(M[0, 0] ** 2 > rho)
    trace, det = M[0, 0] + M[1, 1], M[0, 0] * M[1, 1] - M[0, 1] * M[1, 0]
    if det * det > rho * rho:  # |det| is at most the squared spectral radius
        return True
    # a real eigenvalue beyond +-q, q >= sqrt(rho): r^2 - trace r + det < 0 at q or -q
    q = Fraction(math.isqrt(int(rho * 10**40)) + 1, 10**20)
    return bool(q * q - abs(trace) * q + det < 0)


def _trajectory(M: Array) -> list[Fraction]:
    """x_t - x* from (1, 0), exact."""
    state = np.array([Fraction(1)] + [Fraction(0)] * (len(M) - 1), dtype=object)
    out = [state[0]]
    for _ in range(STEPS):
        state = M @ state
        out.append(state[0])
    return out


def _climbs(
    family: Family, M: Array, P: Array, lam: Fraction, rho: Fraction
) -> tuple[Fraction, list[Fraction]] | None:
    """A rational state with V+ > rho V: the test is exact, the state a rounded eigenvector."""
    scale = np.array([lam if family.name == "EF21" else Fraction(1), Fraction(1)], dtype=object)
    P = P * np.outer(scale, scale)
    excess = M.T @ P @ M - rho * P
    if psd(-excess):
        return None
    _, vectors = np.linalg.eigh(excess.astype(float))
    v = np.array([Fraction(x).limit_denominator(10**6) for x in vectors[:, -1]], dtype=object)
    before, after = v @ P @ v, (M @ v) @ P @ (M @ v)
    if not after > rho * before:
        return None
    return (after / before if before else Fraction(10**9)), [Fraction(x) for x in v]


def _moment_refutation(
    family: Family, q: Setting, rho: Fraction, attained: float
) -> tuple[Any, Any, str] | None:
    """Exact second moments on 1-D quadratics: a lower bound proved over the rationals that is above the claim."""
    from compth.dynamics.rational import certified_bracket

    if float(rho) >= attained:
        return None
    _, instance = family.attained(q)
    low, _ = certified_bracket(instance.method, instance.problem)
    if low <= rho:
        return None
    witness = {
        "lambda": instance.lam,
        "C(v)": f"{instance.factor:.6g} v with probability 1/(1+omega), else 0",
    }
    return low, witness, "exact second moments on a 1-D quadratic, lower bound proved over the rationals"


__all__ = ["check_rate"]
