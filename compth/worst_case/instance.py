"""The quadratic that attains a worst case, as objects of the package that can be run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from compth._earned import Computed, made
from compth._numbers import Number
from compth._shown import Shown
from compth.compressors import Compressor
from compth.compressors.bernoulli import Bernoulli
from compth.compressors.combinators import Scaled
from compth.compressors.identity import Identity
from compth.errors import Unsupported
from compth.methods import Method
from compth.methods.core.body import BodyMethod, with_all_parameters
from compth.problems import DistributedQuadratic, distributed_quadratic
from compth.worst_case.model import Model, Quadratic1D
from compth.worst_case.question import Question
from compth.worst_case.told import at_home

if TYPE_CHECKING:
    from compth.simulation.trace import Trace


@dataclass(frozen=True)
class WorstCase(Computed, Shown):
    """n workers with f_i(x) = curvature x^2/2 and the compressor that attains; `method` and `problem` run it.

    curvature: of every f_i. law: the compressor in words. rate: the exact squared rate there, a float. compressor and
    method are None where the package has no object of that law.
    """

    curvature: Number
    law: str
    rate: float
    problem: DistributedQuadratic
    compressor: Compressor | None
    method: Method | None

    def simulate(self, steps: int = 200, runs: int = 1, seed: int = 0) -> Trace:
        """The run of the package's own method: a Trace. Raises Unsupported where there is no such method."""
        from compth.simulation import simulate

        if self.method is None:
            raise Unsupported(f"law={self.law!r} is no compressor of the package: nothing to simulate")
        return simulate(self.method, self.problem, steps, runs, seed)


def instance_of(q: Question, model: Model, where: Quadratic1D, rate: float) -> WorstCase:
    """The worst case of a model as a problem and a method of the package."""
    n = int(model.constants["n"])
    problem = distributed_quadratic(
        np.full((n, 1, 1), float(where.curvature)), np.zeros((n, 1)), name=f"worst case of {q.method}"
    )
    compressor = _compressor(q, where)
    run = None if compressor is None else _run(at_home(q.kind), compressor, model.constants)
    return made(WorstCase(where.curvature, where.compressor, rate, problem, compressor, run))


def _run(body: type[BodyMethod], compressor: Compressor, c: Mapping[str, Number]) -> Method:
    """The method of a body with this compressor, at the constants of the model."""
    given: dict[str, Number] = {k: float(c[k]) for k in (*body.signature.params, "gamma") if k in c}
    return with_all_parameters(body)(compressor, **given)


def _compressor(q: Question, where: Quadratic1D) -> Compressor | None:
    """The package's compressor of this law, None where it has none: several unequal ones, biased random ones."""
    if not where.factor or (q.eta and q.omega) or q.downlink:
        return None
    if where.factor == 1:
        return Identity()
    # A factor c of a biased class is the compressor c v. In an unbiased class it stands for (1 + omega) v with
    # probability 1/(1 + omega): the law of two points that has all the variance that is allowed.
    biased = where.acts or q.delta is not None
    return Scaled(Identity(), factor=float(where.factor)) if biased else Bernoulli(p=float(1 / where.factor))
