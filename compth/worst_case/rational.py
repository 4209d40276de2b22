"""From a float solution to a certificate that is checked in exact arithmetic, rounded outward."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import isqrt

from compth._numbers import Number, is_exact, is_symbolic
from compth._shown import Shown
from compth.worst_case.model import Form, Model, add
from compth.worst_case.solver import Pencil, Solution

GRID = 1 << 46
"""Float solutions are rounded to multiples of 1/GRID."""
LAST_STEPS = (4e-6, 1e-5, 2.5e-5)
"""Of 1 - rho: how far below the bisection's rate others are tried."""
SLACKS = (*(10.0**k for k in range(-9, 0)), 0.3, 0.6, 0.9, 0.99)
"""Fractions of 1 - rho given away so that the LMI has an interior."""


def spelled(x: Number) -> Fraction:
    """A number as a Fraction: exact ones as they are, a float as the decimal it is printed as (0.1 is 1/10).

    Symbols pass: the model of a body is then one of formulas.
    """
    out: Fraction = x if is_symbolic(x) else Fraction(x) if is_exact(x) else Fraction(repr(float(x)))
    return out


def sqrt_below(x: Fraction) -> Fraction:
    """The largest multiple of 2^-48 at most sqrt x; sqrt x itself when it is rational."""
    # A rational square root is kept exact: certificates in closed form then close without any slack.
    top, bottom = isqrt(x.numerator), isqrt(x.denominator)
    if top * top == x.numerator and bottom * bottom == x.denominator:
        return Fraction(top, bottom)
    return Fraction(isqrt((x.numerator << 96) // x.denominator), 1 << 48)


@dataclass(frozen=True)
class RateCertificate(Shown):
    """rho, V and the multipliers, all Fractions: `check()` proves E V(t+1) <= rho V(t), V >= scale * normal.

    The model holds the statement (hypotheses and the method's step) as rational matrices, so that the certificate is
    self-contained: `to_dict()` has everything that another checker needs.
    """

    model: Model
    rho: Fraction
    v: Mapping[str, Fraction]
    multipliers: Mapping[str, Fraction]
    scale: Fraction

    def check(self) -> bool:
        """Exact recheck: L D L' over Fractions of every block, signs of the multipliers."""
        return self.model.holds(self.rho, self.v, self.multipliers, self.scale)

    def to_dict(self) -> dict[str, object]:
        """Numbers as "p/q" strings: constants, rho, V, multipliers and the matrices of the statement.

        What is 0 is known to be >= 0 with either sign: it is told with the one that has a multiplier >= 0.
        """
        m = self.model
        sign = {k: -1 if x < 0 else 1 for k, x in self.multipliers.items()}
        return {
            "method": m.method,
            "constants": _text(m.constants),
            "assumptions": list(m.assumptions),
            "vectors": {"mean": list(m.space.common), "deviation": list(m.space.worker)},
            "state": dict(m.state),
            "rho": str(self.rho),
            "scale": str(self.scale),
            "v": _text(self.v),
            "multipliers": _text({k: abs(x) if k in m.equal else x for k, x in self.multipliers.items()}),
            "normal": _matrices(m.normal),
            "now": {k: _matrices(f) for k, f in m.now.items()},
            "after": {k: _matrices(f) for k, f in m.after.items()},
            "known": {k: _matrices(add((sign[k], f)) if k in m.equal else f) for k, f in m.known.items()},
        }


def _text(values: Mapping[str, Number]) -> dict[str, str]:
    """Numbers as "p/q"."""
    return {k: str(x) for k, x in values.items()}


def _matrices(form: Form) -> dict[str, list[list[str]]]:
    """A form's matrices as "p/q" by block."""
    return {block: [[str(x) for x in row] for row in matrix] for block, matrix in form.items()}


def _rounded(values: Mapping[str, float]) -> dict[str, Fraction]:
    """Floats to the grid of 1/GRID."""
    return {k: Fraction(round(x * GRID), GRID) for k, x in values.items()}


def certificate_at(model: Model, rho: Fraction, pencil: Pencil | None = None) -> RateCertificate | None:
    """A certificate of exactly this rho, from the solution of largest margin; None when none was found.

    What is returned has passed its exact check; None refutes nothing.
    """
    pencil = pencil or Pencil(model)
    return rounded_certificate(pencil, rho, pencil.largest_margin(float(rho)))


def rounded_certificate(pencil: Pencil, rho: Fraction, found: Solution) -> RateCertificate | None:
    """A float solution in units of L = 1 as a certificate of this rho; None where its exact check fails."""
    # At the solution of largest margin every eigenvalue is at least the margin away from 0, so that rounding
    # to the grid cannot make a block indefinite unless the margin is of its size.
    if not found.margin > 0:
        return None
    model, v, zero = pencil.given, _rounded(found.v), Fraction(0)
    # Rounding may push what is 0 below it: coefficients that must be >= 0 are clipped, which the margin pays
    # for.
    if "f" in v:
        v["f"] = max(v["f"], zero)
    rounded = _rounded(found.multipliers)
    multipliers = {k: x if k in model.equal else max(x, zero) for k, x in rounded.items()}
    # A quarter of the margin, in the user's units: V >= scale * normal must survive the rounding, too.
    scale = Fraction(int(found.margin * GRID / 4), GRID) / pencil.worth("normal")
    certificate = RateCertificate(
        model,
        rho,
        {k: x / pencil.worth(k) for k, x in v.items()},
        {k: x / pencil.worth(k) for k, x in multipliers.items()},
        scale,
    )
    return certificate if certificate.check() else None


def least_certified(model: Model, lower: float, accuracy: float = 1e-7) -> RateCertificate | None:
    """The least rho that could be certified, at or above `lower` (a rate that is attained); None above 1.

    Slacks grow tenfold until one is certified; where that is far from `lower`, bisection closes in on the LMI's value.
    Near it margins are of the size of the solver's errors, so that a rate may fail and a smaller one pass: the last
    steps go down until all of them fail.
    """
    # Shares of 1 - lower: rates crowd near 1, and what matters is 1 - rho.
    pencil, start, gap = Pencil(model), Fraction(lower), max(1 - Fraction(lower), Fraction(0))

    def at(share: float) -> RateCertificate | None:
        """Of rho = lower + share (1 - lower), in Fractions: near 1 floats are too coarse to bisect."""
        return certificate_at(model, start + Fraction(share) * gap, pencil)

    # The attained rate itself leaves the LMI no interior, so something is given away: tenfold more each time.
    failed, passed, best = 0.0, 1.0, None
    for share in SLACKS:
        best = at(share)
        if best is not None:
            passed = share
            break
        failed = share
    while best is not None and passed - failed > accuracy:
        middle = (failed + passed) / 2
        better = at(middle)
        if better is None:
            failed = middle
        else:
            passed, best = middle, better
    # Below 4e-6 the solver's own errors decide: single failures mean nothing, three in a row end it.
    while best is not None and accuracy < LAST_STEPS[0]:
        lower_still = (passed - step for step in LAST_STEPS if passed > step)
        found = next(((share, c) for share in lower_still if (c := at(share)) is not None), None)
        if found is None:
            break
        passed, best = found
    return best
