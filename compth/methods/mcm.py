"""MCM: the server keeps its model exact and sends it by compressed differences to a memory; uplink as in Artemis."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from compth._numbers import Number, ratio
from compth.claims import Unbiased
from compth.methods.core import Array, Constants
from compth.methods.core.body import BodyMethod, BodyState, Server, Worker, copy_of_start
from compth.sources import MCM as MCM_PAPER

if TYPE_CHECKING:
    from compth.methods.core.signature import Vec, World


@dataclass(frozen=True)
class MCMState(BodyState):
    """h: (R, n, d) shifts; H: (R, d) the downlink's memory; m: (R, d) the model that the workers have."""

    h: Array = field(kw_only=True)
    H: Array = field(kw_only=True)
    m: Array = field(kw_only=True)


@dataclass(frozen=True)
class MCM(BodyMethod):
    """c_i = C_i(grad f_i(m) - h_i); x+ = x - gamma mean(h_i + c_i); b = C_M(x+ - H); m+ = H + b; H+ = H + alpha_down b.

    h_i+ = h_i + alpha c_i; h_i^0 = 0, H^0 = m^0 = x^0. alpha=None: 1/(1+omega), alpha_down=None: 1/(1+omega_M). The
    constants of its paper's theorem are not known here, so none is stated. alpha_down = 1 with a contractive broadcast
    is EF21-P, which has theorems; with an unbiased one it may diverge.
    """

    alpha: object = None
    alpha_down: object = None
    takes_oracle = False
    state_class = MCMState
    requires = (Unbiased,)
    name = "MCM"
    source = MCM_PAPER

    def default_params(self, c: Constants) -> dict[str, Number]:
        alpha = ratio(1, 1 + c.omega) if self.alpha is None else self.alpha
        # a biased broadcast has no omega_M: the memory then takes the whole message, as EF21-P does
        plain = 1 if c.omega_down == float("inf") else ratio(1, 1 + c.omega_down)
        return {"alpha": alpha, "alpha_down": plain if self.alpha_down is None else self.alpha_down}

    @staticmethod
    def body(
        w: World,
        x: Vec,
        h: Worker,
        H: Server = copy_of_start,
        m: Server = copy_of_start,
        *,
        gamma: Number,
        alpha: Number,
        alpha_down: Number,
    ) -> dict[str, Vec]:
        c = w.compress(w.gradient(m) - h)
        after = x - gamma * (w.mean(h) + w.mean(c))
        # the downlink compresses the difference to its own memory, as DIANA does on the uplink
        b = w.broadcast(after - H)
        return dict(x=after, h=h + alpha * c, m=H + b, H=H + alpha_down * b)
