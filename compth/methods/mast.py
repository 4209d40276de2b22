"""MAST: training of sketched models; model and gradient pass the same sketch."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from compth.claims import Unbiased
from compth.compressors import Compressor
from compth.compressors.identity import Identity
from compth.compressors.perm_k import draw_weights
from compth.methods.core import Constants
from compth.methods.core.body import BodyMethod
from compth.problems.interface import Problem
from compth.sources import MAST as MAST_PAPER

if TYPE_CHECKING:
    from compth._numbers import Number
    from compth.methods.core.signature import Vec, World


@dataclass(frozen=True)
class MAST(BodyMethod):
    """x+ = x - gamma mean S_i grad f_i(S_i x): stochastic gradient descent on f~(x) = E mean f_i(S_i x), E S_i = I.

    f~ has minimisers of its own, x~* != x*: of quadratics with Hessians E S_i A_i S_i and the same b_i. With sketches
    that share the coordinates out among the workers (PermK) the step is IST's. The pre-trained model is 0. Without a
    theorem here: the distance that it would bound is to x~*.
    """

    downlink: Compressor = field(default_factory=Identity, init=False, repr=False)
    takes_oracle = False
    requires = (Unbiased,)
    name = "MAST"
    source = MAST_PAPER

    def check(self, problem: Problem) -> Constants:
        draw_weights(
            self.fleet, (1, problem.n, problem.d), np.random.default_rng(0)
        )  # a sketch is applied twice
        return super().check(problem)

    @staticmethod
    def body(w: World, x: Vec, *, gamma: Number) -> dict[str, Vec]:
        # the same S_i on the model and on the gradient: then the step's mean is a gradient, that of E
        # f_i(S_i x)
        s = w.sketch()
        return dict(x=x - gamma * w.mean(s(w.gradient(s(x)))))
