"""The best choice in numbers: parameters of least rate on the extremal quadratics, and which of these are active.

Where no certificate follows there (with momentum the certified worst case lies above that of fixed quadratics), a
little search on certified rates, with V seeing past rounds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from math import floor, log10

import numpy as np
import sympy

from compth._types import Array
from compth.studies.derivation.elimination import Active
from compth.studies.derivation.rounds import Round

CLOSE = 1e-6
"""Quadratics whose rate is within this share of 1 - rho of the largest are active."""
STEPS = tuple(2.0**-k for k in range(-1, 9))
"""First steps, in units of 1/L."""
SHARES = (0.05, 0.2, 0.5, 0.9)
"""First values of the other parameters."""
RESTARTS = 4
"""Runs of the simplex search, each from where the last one ended."""
DIGITS = 10**9
"""Denominator of what is found, in its own power of ten."""
CERTIFIED = 45
"""Most certified rates of one search."""
SHORTER = (1.0, 0.8, 0.6, 0.4, 0.2)
"""Shares of a step that are tried first where it has no certificate."""

OTHERS = (0.8, 0.5, 0.2)
"""Values of the other parameters that are tried beside those of the extremal quadratics."""

Spectra = Callable[[Sequence[float]], list[Array]]


def spectra(round_: Round, constants: Mapping[sympy.Symbol, float]) -> Spectra:
    """Eigenvalues of the round on every instance, as a function of gamma and the parameters.

    A list with the eigenvalues of each instance, complex; of second moments where messages are unbiased.
    """
    given = {k: sympy.Float(v) for k, v in constants.items()}
    made = [
        sympy.lambdify([round_.unknowns], round_.matrix(at).subs(given), "numpy") for at in round_.instances
    ]

    def at(values: Sequence[float]) -> list[Array]:
        return [np.linalg.eigvals(np.array(f(values), dtype=float)) for f in made]

    return at


def rate_of(round_: Round, found: Array) -> float:
    """The squared rate of one instance's eigenvalues."""
    top = float(np.abs(found).max())
    return top if round_.noisy else top * top


def minimised(
    round_: Round, constants: Mapping[sympy.Symbol, float], L: float, chances: Sequence[str] = ()
) -> tuple[list[float], float]:
    """(gamma and parameters, the least rate found) on the instances; chances: parameters that are at most 1.

    The rate is of squared quantities. A local search from a grid: nothing says that it is the least.
    """
    from scipy.optimize import minimize

    at = spectra(round_, constants)
    # In logarithms: parameters are positive and their scale is not known
    # beforehand. Chances (probabilities, weights) are cut at 1.
    bounded = np.array([str(x) in chances for x in round_.unknowns])

    def values(u: Sequence[float] | Array) -> list[float]:
        out = np.exp(np.clip(u, -40, 40))
        return [float(v) for v in np.where(bounded, np.minimum(out, 1.0), out)]

    def rate(u: Sequence[float] | Array) -> float:
        return max(rate_of(round_, w) for w in at(values(u)))

    # The rate is a maximum of moduli, with kinks exactly where the minimum lies: a simplex search
    # needs no gradient, and restarts shake it out of a collapsed simplex.
    firsts = [[np.log(g / L) if str(x) == "gamma" else np.log(p) for x in round_.unknowns] for g in STEPS
              for p in (SHARES if len(round_.unknowns) > 1 else SHARES[:1])]  # fmt: skip
    u = np.array(min(firsts, key=rate))
    for _ in range(RESTARTS):
        u = minimize(
            rate, u, method="Nelder-Mead", options={"xatol": 1e-12, "fatol": 1e-16, "maxiter": 800}
        ).x
    return values(u), rate(u)


def actives(round_: Round, constants: Mapping[sympy.Symbol, float], values: Sequence[float]) -> list[Active]:
    """The instances whose rate is the largest, with the eigenvalue that has it.

    Ties are the point: at the best step several quadratics are equally slow, and each of them gives an equation.
    """
    found = spectra(round_, constants)(values)
    rates = [rate_of(round_, w) for w in found]
    top = max(rates)
    return [
        Active(at, complex(w[np.abs(w).argmax()]))
        for at, w, rate in zip(round_.instances, found, rates, strict=True)
        # Relative to 1 - rho, which is the scale on which rates differ for large condition numbers.
        if rate >= top - CLOSE * abs(1 - top)
    ]


def rounded(x: float) -> Fraction:
    """A number >= 0 as a fraction that is as good, of whatever size: steps are of the order of 1/L."""
    # A limit on the denominator is absolute: a step of 1e-12 would
    # be rounded to 0 without a unit of its own size.
    unit = Fraction(1) if x == 0 or 1e-3 <= x <= 1e3 else Fraction(10) ** floor(log10(x))
    return (Fraction(x) / unit).limit_denominator(DIGITS) * unit


def searched(
    certified: Callable[[dict[str, Fraction]], float | None],
    start: Mapping[str, float],
    chances: Sequence[str] = (),
) -> dict[str, Fraction]:
    """Parameters of a small certified rate near a start: shorter steps first, then simplex steps.

    certified: the certified rate at parameters, None where there is none.

    At most CERTIFIED evaluations, each a semidefinite program. The result is rounded to four digits: it is a choice.
    """
    from scipy.optimize import minimize

    names = list(start)

    def values(u: Array) -> dict[str, Fraction]:
        raw = {k: float(np.exp(v)) for k, v in zip(names, u, strict=True)}
        return {k: short(min(v, 1.0) if k in chances else v) for k, v in raw.items()}

    def rate(u: Array) -> float:
        # Where nothing is certified: above every rate, with a little
        # slope so that the simplex does not stand still.
        found = certified(values(u))
        return 2.0 + float(np.abs(u).sum()) * 1e-3 if found is None else found

    def first(share: float, other: float | None) -> Array:
        return np.log([v * share if k == "gamma" else other or v for k, v in start.items()])

    # Shorter steps first: the extremal quadratics give the longest step
    # that they bear, and what the class bears is less.
    others = (None, *OTHERS) if len(names) > 1 else (None,)
    best = min((first(share, other) for other in others for share in SHORTER), key=rate)
    simplex = np.vstack([best, best + 0.15 * np.eye(len(best))])
    found = minimize(
        rate,
        best,
        method="Nelder-Mead",
        options={"maxfev": CERTIFIED, "xatol": 1e-3, "fatol": 1e-7, "initial_simplex": simplex},
    )
    return values(found.x)


def short(x: float) -> Fraction:
    """To four significant digits."""
    return Fraction(f"{x:.4g}")
