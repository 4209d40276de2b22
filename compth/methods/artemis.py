"""Artemis: DIANA whose broadcast is compressed, against a memory of the downlink where one is kept."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from compth._numbers import Number, ratio
from compth.claims import Unbiased
from compth.methods.core import Array, Constants
from compth.methods.core.body import BodyMethod, Server, Worker
from compth.methods.diana import DIANABidirectional, DIANAState
from compth.sources import ARTEMIS as ARTEMIS_PAPER

if TYPE_CHECKING:
    from compth.methods.core.signature import Vec, World


class ArtemisLinear(DIANABidirectional):
    """diana.bidirectional, which speaks of Artemis without a memory of the downlink: alpha_down = 0."""

    id = "artemis.linear"
    title = "Artemis without downlink memory: linear, no floor"
    source = ARTEMIS_PAPER
    proof = ""

    def params(self, c: Constants, gamma: Number) -> dict[str, Number]:
        return {**super().params(c, gamma), "alpha_down": 0}


@dataclass(frozen=True)
class ArtemisState(DIANAState):
    """H: (R, d) the downlink's memory."""

    H: Array = field(kw_only=True)


@dataclass(frozen=True)
class Artemis(BodyMethod):
    """m_i = C_i(grad f_i(x) - h_i); b = C_M(mean(h_i + m_i) - H); x+ = x - gamma (H + b); H+ = H + alpha_down b.

    h_i+ = h_i + alpha m_i; h_i^0 = H^0 = 0. alpha=None: 1/(1+omega), its theorem's (its authors' code has half of it).
    alpha_down=None: 0, which is DIANA with a compressed broadcast; with alpha_down > 0 no theorem is known here.
    """

    alpha: object = None
    alpha_down: object = None
    state_class = ArtemisState
    requires = (Unbiased,)
    name = "Artemis"
    source = ARTEMIS_PAPER
    own_theorems = (ArtemisLinear(),)

    def default_params(self, c: Constants) -> dict[str, Number]:
        alpha = ratio(1, 1 + c.omega) if self.alpha is None else self.alpha
        return {"alpha": alpha, "alpha_down": 0 if self.alpha_down is None else self.alpha_down}

    @staticmethod
    def body(
        w: World, x: Vec, h: Worker, H: Server, *, gamma: Number, alpha: Number, alpha_down: Number
    ) -> dict[str, Vec]:
        m = w.compress(w.gradient(x) - h)
        # DIANA's direction, sent as a difference to the downlink's memory: the workers add H, which they
        # have
        b = w.broadcast(w.mean(h) + w.mean(m) - H)
        return dict(x=x - gamma * (H + b), h=h + alpha * m, H=H + alpha_down * b)
