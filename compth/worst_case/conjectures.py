"""Laws for workers with different constants that are only empirical: CONJECTURE, with the range that was tried."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from compth import sources
from compth._door import at_the_door, real, reals
from compth._numbers import Number
from compth._shown import Shown
from compth.claims import Attribution, Standing
from compth.errors import InvalidParameter, require
from compth.methods.core import closed_forms as forms
from compth.methods.core.body import BodyMethod
from compth.sources import Source
from compth.worst_case.bodies import asked_for
from compth.worst_case.question import Question, known_of


@dataclass(frozen=True)
class Conjecture(Shown):
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


class _Line:
    """The verbs of a body on rows of numbers: worker i holds curvature_i x^2/2 and C_i(v) = factor_i v."""

    d = 1

    def __init__(self, curvature: Array, factor: Array) -> None:
        self._curvature, self._factor = curvature[:, None], factor[:, None]
        self.n = len(curvature)

    def gradient(self, x: Array) -> Array:
        out: Array = self._curvature * x
        return out

    def compress(self, u: Array) -> Array:
        out: Array = self._factor * u
        return out

    def mean(self, v: Array) -> Array:
        out: Array = v.mean(axis=1, keepdims=True)
        return out

    def broadcast(self, v: Array) -> Array:
        return v


def worst_on_quadratics(
    method: Any, mu: Sequence[float], L: Sequence[float], delta: float, gamma: float
) -> float:
    """Largest exact squared rate over the 4^n one-dimensional extremal quadratics, same minimiser, own curvatures."""
    kind, s = asked_for(method).kind, float(forms.error_norm(delta))
    rates = [
        float(np.abs(np.linalg.eigvals(_step(kind, np.array(c), np.array(f), gamma))).max()) ** 2
        for c in itertools.product(*zip(mu, L, strict=True))
        for f in itertools.product((1 + s, 1 - s), repeat=len(mu))
    ]
    return max(rates)


def _step(kind: type[BodyMethod], curvature: Array, factor: Array, gamma: float) -> Array:
    """One round on (x, memories), from the body run on every unit vector."""
    n = len(curvature)
    unit = np.eye(1 + n)[..., None]
    x, (memory,) = kind.signature.server[0], kind.signature.worker
    out = kind.body(_Line(curvature, factor), unit[:, :1], **{memory: unit[:, 1:]}, gamma=gamma)
    after: Array = np.concatenate([out[x], out[memory]], axis=1)[..., 0].T
    return after


@at_the_door(mu=reals, L=reals, delta=real)
def heterogeneous_feedback(
    method: Any, mu: Sequence[Number], L: Sequence[Number], delta: Number
) -> Conjecture:
    """EF or EF21 with workers of different (mu_i, L_i): step 2n/sum(L_i + mu_i) (1-s)/(1+s), rate that of the means.

    method: the name, the class or an instance. CONJECTURE: seen on quadratics (`tried`), not proved. Raises
    InvalidParameter for constants out of range, and for a method of which nothing is conjectured.
    """
    named = asked_for(method)
    known = next((k for k in known_of(named.kind) if k.several is not None), None)
    if known is None or known.several is None:
        raise InvalidParameter(f"method={named.name}: the conjecture speaks of EF and EF21")
    require(
        1 <= len(mu) == len(L) <= 6, f"mu, L have {len(mu)}, {len(L)} entries: one each per worker, at most 6"
    )
    require(all(0 < m <= l for m, l in zip(mu, L, strict=True)), f"mu={mu}, L={L} need 0 < mu_i <= L_i")
    require(0 < delta <= 1, f"delta={delta} must satisfy 0 < delta <= 1")
    n = len(L)
    gamma = known.several(tuple(mu), tuple(L), delta)
    means = Question(named.kind, sum(mu) / n, sum(L) / n, delta, None, None, n)
    attained = worst_on_quadratics(
        method, [float(m) for m in mu], [float(l) for l in L], float(delta), float(gamma)
    )
    return Conjecture(named.name, gamma, known.factor(means), attained, TRIED)
