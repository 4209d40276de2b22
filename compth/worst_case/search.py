"""Parameters with a small worst case: a search over exact rates of the extremal quadratics, certified afterwards."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from compth._numbers import Number
from compth.errors import Unsupported
from compth.worst_case.question import Question
from compth.worst_case.rational import certificate_at, least_certified, spelled
from compth.worst_case.tight import attained_by

Array = Any
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
    rational = q.rational()
    form = q.kind.signature
    free = [k for k in form.params if k not in fixed]
    moving = [*free, *(("gamma",) if form.takes_gamma and gamma is None else ())]
    top = 4 / float(q.L)

    def choice(u: Array) -> tuple[Number | None, dict[str, Number]]:
        share = dict(zip(moving, 1 / (1 + np.exp(-np.clip(u, -30, 30))), strict=True))
        step: Number | None = short(top * share.pop("gamma")) if "gamma" in moving else gamma
        return step, {**fixed, **{k: short(v) for k, v in share.items()}}

    def rate(u: Array) -> float:
        step, params = choice(u)
        given = {k: spelled(v) for k, v in params.items()}
        return attained_by(rational.model(spelled(1 if step is None else step), given, full=False))[0]

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
    found = _descended(rate, first, EVALUATIONS)
    if not found.fun < 1:
        raise Unsupported(f"{q.method}: no stable parameters were found, give some of {', '.join(moving)}")
    shorter = []
    if "gamma" in moving:  # certificates may end long before the extremal quadratics are unstable
        share = 1 / (1 + np.exp(-np.clip(found.x[-1], -30, 30)))
        shorter = [np.array([*found.x[:-1], _logit(share / f)]) for f in SHORTER]
    at = _certified(rational, choice, [found.x, *shorter, *starts])
    return *choice(at), rate(at)


def _certified(q: Question, choice: Any, tried: list[Array]) -> Array:
    """The first of these where its certificate meets what is attained, else a little search on certified rates."""

    def rate(u: Array) -> float:
        step, params = choice(u)
        model = q.model(spelled(1 if step is None else step), {k: spelled(v) for k, v in params.items()})
        attained = attained_by(model)[0]
        found = least_certified(model, attained, accuracy=1e-3) if attained < 1 else None
        return 1 + attained if found is None else float(found.rho)

    step, params = choice(tried[0])
    model = q.model(spelled(1 if step is None else step), {k: spelled(v) for k, v in params.items()})
    attained = attained_by(model)[0]
    if certificate_at(model, spelled(attained + 1e-3 * (1 - attained))) is not None:
        return tried[0]
    best = min(tried, key=rate)
    return np.asarray(_descended(rate, best, CERTIFIED).x)


def _descended(rate: Callable[[Array], float], start: Array, evaluations: int) -> Any:
    """Simplex steps from a start, the first of them WIDE in every direction."""
    from scipy.optimize import minimize

    simplex = np.vstack([start, start + WIDE * np.eye(len(start))])
    limits: Any = {"maxfev": evaluations, "xatol": 1e-2, "fatol": 1e-7, "initial_simplex": simplex}
    return minimize(rate, start, method="Nelder-Mead", options=limits)


def _logit(share: float) -> float:
    share = min(max(share, 1e-6), 1 - 1e-6)
    return float(np.log(share / (1 - share)))


def short(x: float) -> float:
    """To a few significant digits."""
    return float(f"{float(x):.{DIGITS}g}")
