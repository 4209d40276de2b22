"""V of a certificate on the states of a run."""

from __future__ import annotations

import operator
from collections.abc import Mapping
from fractions import Fraction
from functools import reduce

import numpy as np

from compth._types import Array
from compth.methods.core.centre import Centre
from compth.methods.core.observed import Observed
from compth.methods.core.vectors import OWN
from compth.problems.interface import Problem
from compth.worst_case.model import Model
from compth.worst_case.rational import RateCertificate
from compth.worst_case.resolved import LAST


def seen(part: Observed, state: object) -> dict[str, Array]:
    """The vectors that x observes of a state, under their names."""
    if part.whole:
        return {k: getattr(state, k) for k in part.program.names}
    workers = set(part.program.worker)

    def form(name: str) -> Array:
        parts: list[Array] = []
        # A combination of old vectors: a worker's own entry, or the mean where it enters as common.
        for (scope, _, k), c in part.forms[name].terms.items():
            v = getattr(state, k)
            single = v[:, None] if v.ndim == 2 else v if scope == OWN else v.mean(axis=1, keepdims=True)
            parts.append(float(c) * single)
        total = reduce(operator.add, parts)
        return total if name in workers else total[:, 0]

    return {k: form(k) for k in part.forms}


def value(
    certificate: RateCertificate, centre: Centre, problem: Problem, state: Mapping[str, Array]
) -> Array:
    """V at a state, (R,), every vector measured from where it rests; the last step counts as none.

    certificate: whose V it is. centre: where the body's vectors rest. state: the vectors that x observes, R replicates.
    """
    vectors = _vectors(certificate.model, centre, problem, state)
    # The same split as in the Model: "P" is a product of means, "Q" the mean product of the deviations.
    means = {k: v.mean(axis=1) for k, v in vectors.items()}
    apart = {k: v - means[k][:, None] for k, v in vectors.items()}
    total: Array = np.zeros(len(state["x"]))
    for name, c in certificate.v.items():
        factor = float(c)
        if name == "f":
            total = total + factor * problem.gap(state["x"])
            continue
        a, b = name[2:-1].split(",")
        u, w = (means[a], means[b]) if name[0] == "P" else (apart[a], apart[b])
        product = np.einsum("...d,...d->...", u, w)
        # Off the diagonal a coefficient stands for half the matrix's two entries together: twice the product.
        total = total + factor * (1 if a == b else 2) * (product if name[0] == "P" else product.mean(axis=1))
    return total


def _vectors(model: Model, centre: Centre, problem: Problem, state: Mapping[str, Array]) -> dict[str, Array]:
    """V's vectors, measured from where they rest: (R, 1, d) of the server, (R, n, d) of the workers."""
    # At rest server vector k is server[k] x*, worker i's m is a x* + b grad f_i(x*): V is a form of the
    # differences.
    star, slopes = problem.x_star, problem.gradients_at_star
    server = {"x": Fraction(1), **centre.server}
    out: dict[str, Array] = {LAST: np.zeros((len(state["x"]), 1, problem.d))}
    for k, a in server.items():
        out[k] = (state[k] - float(a) * star)[:, None]
    for k, (a, b) in centre.worker.items():
        out[k] = state[k] - float(a) * star - float(b) * slopes
    wanted = set(model.space.common[: model.state["mean"]])
    for at, name in model.curved:
        if name in wanted:
            # A gradient in V belongs to a point that the state determines; grad f_i(x*) is its value at rest.
            point = sum(float(c) * out[k.removeprefix("mean ")].mean(axis=1) for k, c in at.items())
            out[name] = problem.gradients(star + point) - slopes
    return out


__all__ = ["seen", "value"]
