"""V of a certificate on the states of a run."""

from __future__ import annotations

from fractions import Fraction
from types import SimpleNamespace
from typing import Any

import numpy as np

from compth.methods.core.centre import Centre
from compth.methods.core.observed import Observed
from compth.methods.core.vectors import OWN
from compth.problems.interface import Problem
from compth.worst_case.model import Model
from compth.worst_case.rational import RateCertificate
from compth.worst_case.resolved import LAST

Array = Any


def seen(part: Observed, state: Any) -> Any:
    """The vectors that x observes of a state, under their names."""
    if part.whole:
        return state
    workers = set(part.program.worker)

    def form(name: str) -> Array:
        total: Array = 0
        for (scope, _, k), c in part.forms[name].terms.items():
            v = getattr(state, k)
            single = v[:, None] if v.ndim == 2 else v if scope == OWN else v.mean(axis=1, keepdims=True)
            total = total + float(c) * single
        return total if name in workers else total[:, 0]

    return SimpleNamespace(**{k: form(k) for k in part.forms})


def value(certificate: RateCertificate, centre: Centre, problem: Problem, state: Any) -> Array:
    """V at a state, (R,), every vector measured from where it rests; the last step counts as none."""
    vectors = _vectors(certificate.model, centre, problem, state)
    means = {k: v.mean(axis=1) for k, v in vectors.items()}
    apart = {k: v - means[k][:, None] for k, v in vectors.items()}
    total: Array = np.zeros(len(state.x))
    for name, c in certificate.v.items():
        factor = float(c)
        if name == "f":
            total = total + factor * problem.gap(state.x)
            continue
        a, b = name[2:-1].split(",")
        u, w = (means[a], means[b]) if name[0] == "P" else (apart[a], apart[b])
        product = np.einsum("...d,...d->...", u, w)
        total = total + factor * (1 if a == b else 2) * (product if name[0] == "P" else product.mean(axis=1))
    return total


def _vectors(model: Model, centre: Centre, problem: Problem, state: Any) -> dict[str, Array]:
    """V's vectors, measured from where they rest: (R, 1, d) of the server, (R, n, d) of the workers."""
    star, slopes = problem.x_star, problem.gradients_at_star
    server = {"x": Fraction(1), **centre.server}
    out: dict[str, Array] = {LAST: np.zeros((len(state.x), 1, problem.d))}
    for k, a in server.items():
        out[k] = (getattr(state, k) - float(a) * star)[:, None]
    for k, (a, b) in centre.worker.items():
        out[k] = getattr(state, k) - float(a) * star - float(b) * slopes
    wanted = set(model.space.common[: model.state["mean"]])
    for at, name in model.curved:
        if name in wanted:
            point = sum(float(c) * out[k.removeprefix("mean ")].mean(axis=1) for k, c in at.items())
            out[name] = problem.gradients(star + point) - slopes
    return out


__all__ = ["seen", "value"]
