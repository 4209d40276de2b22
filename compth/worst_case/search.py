"""Parameters with a small worst case: a search over exact rates of the extremal quadratics, certified afterwards."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from compth._numbers import Number
from compth._types import Array
from compth.errors import Unsupported
from compth.worst_case.question import Question
from compth.worst_case.rational import certificate_at, least_certified, spelled
from compth.worst_case.tight_radius import attained_by

Choice = Callable[[Array], tuple[Number | None, dict[str, Number]]]
"""Coordinates of the search -> (gamma, parameters)."""
EVALUATIONS = 120
"""Most exact rates of one search."""
CERTIFIED = 40
"""Most certified rates of one search."""
WIDE = 0.5
"""First steps, in the logarithm of share/(1 - share)."""
SHORTER = (1.5, 3, 10, 100)
"""By how much shorter steps are tried where that of the extremal quadratics has no certificate."""
DIGITS = 3
"""Significant digits of what is found: a certificate is made at these decimals."""


def best_parameters(
    q: Question, fixed: Mapping[str, Number], gamma: Number | None = None
) -> tuple[Number | None, dict[str, Number], float]:
    """(gamma, parameters, attained rate) of a small rate on the extremal quadratics; what is given stays.

    gamma is looked for in (0, 4/L), every free parameter in (0, 1), by simplex steps from a few starts: a good choice,
    not a proved best one. Unsupported where no start is stable.
    """
    # The objective is the exact rate of the extremal quadratics, a spectral radius: no LMI a point. What it
    # finds is certified afterwards, at parameters of few digits, for those are what the user will be told.
    rational = q.rational()
    form = q.kind.signature
    free = [k for k in form.params if k not in fixed]
    moving = [*free, *(("gamma",) if form.takes_gamma and gamma is None else ())]
    top = 4 / float(q.L)

    # Unconstrained coordinates: every free parameter is a share in (0, 1) through its logit, gamma a share of
    # 4/L.
    def choice(u: Array) -> tuple[Number | None, dict[str, Number]]:
        share = dict(zip(moving, 1 / (1 + np.exp(-np.clip(u, -30, 30))), strict=True))
        step: Number | None = short(top * share.pop("gamma")) if "gamma" in moving else gamma
        return step, {**fixed, **{k: short(v) for k, v in share.items()}}

    def rate(u: Array) -> float:
        step, params = choice(u)
        given = {k: spelled(v) for k, v in params.items()}
        return attained_by(rational.model(spelled(1 if step is None else step), given, full=False))[0]

    # Starts: 1/(1 + omega) is the usual step of a memory, 1/2 and half of the first on either side; gamma at
    # half, a tenth and a hundredth of 2/L, because a body that is unstable at one of them often is not at the
    # next.
    omega = float(q.omega) if q.omega is not None else 1 / float(q.delta or 1) - 1
    starts = [
        np.array([_logit(g / 4 if k == "gamma" else p) for k in moving])
        for g in (0.5, 0.1, 0.01)
        for p in dict.fromkeys((1 / (1 + omega) if omega else 0.5, 0.5, 0.5 / (1 + omega)))
    ]
    if not moving:
        step, params = choice(np.zeros(0))
        return step, params, rate(np.zeros(0))
    first = min(starts, key=rate)
    found, least = _simplex_minimum(rate, first, EVALUATIONS)
    if not least < 1:
        raise Unsupported(f"{q.method}: no stable parameters were found, give some of {', '.join(moving)}")
    # The certified rate lies above the attained one, and may exist only for shorter steps: these are tried
    # too.
    shorter = []
    if "gamma" in moving:  # certificates may end long before the extremal quadratics are unstable
        share = 1 / (1 + np.exp(-np.clip(found[-1], -30, 30)))
        shorter = [np.array([*found[:-1], _logit(share / f)]) for f in SHORTER]
    at = _certified(rational, choice, [found, *shorter, *starts])
    return *choice(at), rate(at)


def _certified(q: Question, choice: Choice, tried: list[Array]) -> Array:
    """The first of these where its certificate meets what is attained, else a little search on certified rates."""

    def rate(u: Array) -> float:
        step, params = choice(u)
        model = q.model(spelled(1 if step is None else step), {k: spelled(v) for k, v in params.items()})
        attained = attained_by(model)[0]
        found = least_certified(model, attained, accuracy=1e-3) if attained < 1 else None
        return 1 + attained if found is None else float(found.rho)

    # One LMI decides the usual case: a certificate within 1e-3 of 1 - attained means nothing is to be gained.
    step, params = choice(tried[0])
    model = q.model(spelled(1 if step is None else step), {k: spelled(v) for k, v in params.items()})
    attained = attained_by(model)[0]
    if certificate_at(model, spelled(attained + 1e-3 * (1 - attained))) is not None:
        return tried[0]
    best = min(tried, key=rate)
    return _simplex_minimum(rate, best, CERTIFIED)[0]


def _simplex_minimum(rate: Callable[[Array], float], start: Array, evaluations: int) -> tuple[Array, float]:
    """(where, the rate there) after simplex steps from a start, the first of them WIDE in every direction."""
    from scipy.optimize import minimize

    # The simplex is given: scipy's own first steps are 5 % of the coordinates, which near 0 do not move at
    # all.
    simplex = np.vstack([start, start + WIDE * np.eye(len(start))])
    found = minimize(
        rate,
        start,
        method="Nelder-Mead",
        options={"maxfev": evaluations, "xatol": 1e-2, "fatol": 1e-7, "initial_simplex": simplex},
    )
    return np.asarray(found.x), float(found.fun)


def _logit(share: float) -> float:
    """log(share/(1 - share)), shares kept away from 0 and 1."""
    share = min(max(share, 1e-6), 1 - 1e-6)
    return float(np.log(share / (1 - share)))


def short(x: float) -> float:
    """To a few significant digits."""
    return float(f"{float(x):.{DIGITS}g}")
