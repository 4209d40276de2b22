"""Laws for workers with different constants that are only empirical: CONJECTURE, with the range that was tried."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from compth import sources
from compth._numbers import Number
from compth.claims import Attribution, Standing
from compth.errors import require
from compth.methods import _closed_forms as forms
from compth.sources import Source


@dataclass(frozen=True)
class Conjecture:
    """An unproved step and rate: `attained` is exact and a lower bound, `rho` is what is conjectured to be the worst.

    tried: the range on which no counterexample was found (tests repeat it).
    """

    method: str
    stepsize: Number
    rho: Number
    attained: float
    tried: str
    standing: Standing = Standing.CONJECTURE
    attribution: Attribution = Attribution.CODE
    source: Source = sources.TIGHT_N


Array = NDArray[np.float64]
TRIED = (
    "n = 2, 3; kappa_i in [1.5, 30], delta in [0.2, 0.95], drawn at random; all 1-D quadratics with curvature mu_i "
    "or L_i and C_i(v) = (1 +- s) v: the step minimises their worst exact rate to 1e-7"
)


def worst_on_quadratics(
    method: str, mu: Sequence[float], L: Sequence[float], delta: float, gamma: float
) -> float:
    """Largest exact squared rate over the 4^n one-dimensional extremal quadratics, same minimiser, own curvatures."""
    s = float(forms.error_norm(delta))
    rates = [
        float(np.abs(np.linalg.eigvals(_step(method, np.array(c), np.array(f), gamma))).max()) ** 2
        for c in itertools.product(*zip(mu, L, strict=True))
        for f in itertools.product((1 + s, 1 - s), repeat=len(mu))
    ]
    return max(rates)


def _step(method: str, curvature: Array, factor: Array, gamma: float) -> Array:
    """One round on (x, memories): EF's e_i or EF21's d_i."""
    n = len(curvature)
    out = np.zeros((n + 1, n + 1))
    out[0, 0] = 1.0
    if method == "EF":
        out[0] -= np.concatenate([[gamma * (factor * curvature).mean()], factor / n])
        out[1:, 0] = (1 - factor) * gamma * curvature
    else:
        out[0, 1:] = -gamma / n
        out[1:] = (factor * curvature)[:, None] * out[0]
    out[1:, 1:] += np.diag(1 - factor)
    return out


def heterogeneous_feedback(
    method: str, mu: Sequence[Number], L: Sequence[Number], delta: Number
) -> Conjecture:
    """EF or EF21 with workers of different (mu_i, L_i): step 2n/sum(L_i + mu_i) (1-s)/(1+s), rate that of the means.

    CONJECTURE: seen on quadratics (`tried`), not proved. Raises InvalidParameter for constants out of range.
    """
    require(method in ("EF", "EF21"), f"method={method!r}: the conjecture speaks of EF and EF21")
    require(
        1 <= len(mu) == len(L) <= 6, f"mu, L have {len(mu)}, {len(L)} entries: one each per worker, at most 6"
    )
    require(all(0 < m <= l for m, l in zip(mu, L, strict=True)), f"mu={mu}, L={L} need 0 < mu_i <= L_i")
    require(0 < delta <= 1, f"delta={delta} must satisfy 0 < delta <= 1")
    n = len(L)
    gamma = forms.heterogeneous_feedback_step(tuple(mu), tuple(L), delta)
    rho = forms.feedback_factor(sum(mu) / n, sum(L) / n, delta)
    attained = worst_on_quadratics(
        method, [float(m) for m in mu], [float(l) for l in L], float(delta), float(gamma)
    )
    return Conjecture(method, gamma, rho, attained, TRIED)
