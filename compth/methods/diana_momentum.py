"""DIANA with heavy-ball momentum, its paper's Algorithm 1."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING

from compth._numbers import Number, ratio
from compth.claims import Unbiased
from compth.methods.core import Array, Constants
from compth.methods.core.body import BodyMethod, Server, Worker
from compth.methods.diana import DIANAState
from compth.sources import DIANA as DIANA_PAPER

if TYPE_CHECKING:
    from compth.methods.core.signature import Vec, World


@dataclass(frozen=True)
class MomentumState(DIANAState):
    """v: (R, d) the momentum."""

    v: Array = field(kw_only=True)


@dataclass(frozen=True)
class DIANAMomentum(BodyMethod):
    """m_i = C_i(grad f_i(x) - h_i); v+ = beta v + mean(h_i + m_i); x+ = x - gamma v+; h_i+ = h_i + alpha m_i.

    No theorem is known for beta > 0 (beta = 0 is DIANA, which has them): the certified worst case stands and plans it.
    alpha=None: 1/(2(1+omega)); beta by default 1/2. Of the paper's prox step nothing is here: R = 0 throughout. A ridge
    is a quadratic of its own (put it into every f_i), a box's projection is not linear and could only be simulated.
    """

    alpha: object = None
    beta: Number = Fraction(1, 2)
    state_class = MomentumState
    requires = (Unbiased,)
    name = "DIANA with momentum"
    source = DIANA_PAPER.at("Alg. 1")

    def default_params(self, c: Constants) -> dict[str, Number]:
        return {"alpha": ratio(1, 2 * (1 + c.omega)) if self.alpha is None else self.alpha, "beta": self.beta}

    @staticmethod
    def body(
        w: World, x: Vec, h: Worker, v: Server, *, gamma: Number, alpha: Number, beta: Number
    ) -> dict[str, Vec]:
        m = w.compress(w.gradient(x) - h)
        # the momentum is made on the server of unbiased directions: the messages are DIANA's
        after = beta * v + w.mean(h) + w.mean(m)
        return dict(x=x - gamma * w.broadcast(after), h=h + alpha * m, v=after)
